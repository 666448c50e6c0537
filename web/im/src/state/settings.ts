/** What this browser remembers of how the page should behave; language and theme are the kit's. */

import { reactive, watchEffect } from 'vue';

export interface Settings {
  sound: boolean;
  desktop: boolean;
  /** Ask for read receipts. */
  receipts: boolean;
  emoji: string[];
}

const KEY = 'anser-im.settings';

/** What is stored may be of another version: only values that are known count. */
function stored(): Partial<Settings> {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(KEY) ?? '{}');
    if (typeof value !== 'object' || value === null) return {};
    const { sound, desktop, receipts, emoji } = value as Record<string, unknown>;
    return {
      ...(typeof sound === 'boolean' ? { sound } : {}),
      ...(typeof desktop === 'boolean' ? { desktop } : {}),
      ...(typeof receipts === 'boolean' ? { receipts } : {}),
      ...(Array.isArray(emoji) ? { emoji: emoji.filter((each): each is string => typeof each === 'string') } : {}),
    };
  } catch {
    return {};
  }
}

export const settings = reactive<Settings>({
  sound: true,
  desktop: true,
  receipts: true,
  emoji: [],
  ...stored(),
});

watchEffect(() => {
  try {
    localStorage.setItem(KEY, JSON.stringify(settings));
  } catch {
    return;
  }
});
