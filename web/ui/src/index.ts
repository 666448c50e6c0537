/** The shared look of both pages; `@anser/ui/base.css` comes once, charts from `@anser/ui/chart`. */

export * from './i18n';
export { ask, toast, type Question } from './notices';
export { default as UiAvatar } from './components/UiAvatar.vue';
export { default as UiBadge } from './components/UiBadge.vue';
export { default as UiButton } from './components/UiButton.vue';
export { default as UiCheck } from './components/UiCheck.vue';
export { default as UiChips } from './components/UiChips.vue';
export { default as UiCopy } from './components/UiCopy.vue';
export { default as UiCurl } from './components/UiCurl.vue';
export { default as UiDialog } from './components/UiDialog.vue';
export { default as UiField } from './components/UiField.vue';
export { default as UiHost } from './components/UiHost.vue';
export { default as UiIcon, type IconName } from './components/UiIcon.vue';
export { default as UiInput } from './components/UiInput.vue';
export { default as UiMenu, type MenuItem } from './components/UiMenu.vue';
export { default as UiPreferences } from './components/UiPreferences.vue';
export { default as UiSegments } from './components/UiSegments.vue';
export { default as UiSelect } from './components/UiSelect.vue';
export { default as UiState } from './components/UiState.vue';
export { default as UiTable, type Column } from './components/UiTable.vue';
export { default as UiTabs } from './components/UiTabs.vue';
export { default as UiTime } from './components/UiTime.vue';
