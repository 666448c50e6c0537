/** Words in the language of the page: `t('chat.members', { n: 3 })`. */

import { locale as language } from '@anser/ui';
import { computed } from 'vue';
import { en, type Words } from './en.js';
import { zh } from './zh.js';

type Keys<T, P extends string = ''> = {
  [K in keyof T & string]: T[K] extends string ? `${P}${K}` : Keys<T[K], `${P}${K}.`>;
}[keyof T & string];

export type WordKey = Keys<Words>;

export const words = computed<Words>(() => (language.value === 'zh' ? zh : en));
export const locale = computed(() => (language.value === 'zh' ? 'zh-CN' : 'en-GB'));

/** The values are put in as text; they are never looked at for further places. */
export function t(key: WordKey, values: Record<string, string | number> = {}): string {
  const [section, name] = key.split('.') as [keyof Words, string];
  const text = (words.value[section] as Record<string, string>)[name] ?? key;
  return text.replace(/\{(\w+)\}/g, (place, called: string) => String(values[called] ?? place));
}
