/** Line charts over time; its own entry, so that only pages with charts load the library. */

export { default as UiChart, type ChartLine } from './components/UiChart.vue';
