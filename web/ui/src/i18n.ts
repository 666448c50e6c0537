/**
 * Language and theme of a page. Texts stand in both languages where they are used, `t('Save', '保存')`, so that none can
 * be missing; `{name}` in them is filled from the last argument, and `one thing|{n} things` is chosen by `n`.
 */

import { ref, watchEffect } from 'vue';

export type Locale = 'en' | 'zh';
export type Theme = 'system' | 'light' | 'dark';
export type Parameters = Record<string, string | number>;

const LOCALE_KEY = 'anser.locale';
const THEME_KEY = 'anser.theme';

export const locale = ref<Locale>(storedLocale());
export const theme = ref<Theme>(storedTheme());

export function t(english: string, chinese: string, parameters?: Parameters): string {
  const text = locale.value === 'zh' ? chinese : english;
  if (!parameters) return text;
  const [one, many] = text.split('|');
  const chosen = many === undefined || parameters.n === 1 ? one! : many;
  return chosen.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = parameters[name];
    return value === undefined ? whole : typeof value === 'number' ? formatNumber(value) : value;
  });
}

/** Keeps the document's language and theme, and what is remembered of them, as chosen. Call once per page. */
export function followLocaleAndTheme(): void {
  watchEffect(() => {
    document.documentElement.lang = locale.value === 'zh' ? 'zh-CN' : 'en';
    remember(LOCALE_KEY, locale.value);
  });
  watchEffect(() => {
    if (theme.value === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme.value;
    remember(THEME_KEY, theme.value);
  });
}

const tag = (): string => (locale.value === 'zh' ? 'zh-CN' : 'en-GB');

// Making a format costs a thousand times what using it does, and a list uses the same one in every row.
const formats = new Map<string, unknown>();

function made<Format>(kind: string, options: object, make: (tag: string) => Format): Format {
  const key = `${kind} ${tag()} ${JSON.stringify(options)}`;
  let format = formats.get(key) as Format | undefined;
  if (!format) formats.set(key, (format = make(tag())));
  return format;
}

const numberFormat = (options: Intl.NumberFormatOptions = {}): Intl.NumberFormat =>
  made('number', options, (tag) => new Intl.NumberFormat(tag, options));
const timeFormat = (options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat =>
  made('time', options, (tag) => new Intl.DateTimeFormat(tag, options));

export function formatNumber(value: number): string {
  return numberFormat().format(value);
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const format = numberFormat({ maximumFractionDigits: value < 10 && unit ? 1 : 0 });
  return `${format.format(value)} ${units[unit]}`;
}

export function formatTime(ms: number, detail: 'minute' | 'second' = 'minute'): string {
  return timeFormat({
    dateStyle: 'medium',
    timeStyle: detail === 'second' ? 'medium' : 'short',
    hourCycle: 'h23',
  }).format(ms);
}

/** "3 minutes ago": the largest unit that is not nought. */
export function formatAgo(ms: number, now = Date.now()): string {
  const seconds = Math.round((ms - now) / 1000);
  const steps: [Intl.RelativeTimeFormatUnit, number][] = [
    ['year', 31_536_000],
    ['month', 2_592_000],
    ['day', 86_400],
    ['hour', 3600],
    ['minute', 60],
  ];
  const format = made('ago', {}, (tag) => new Intl.RelativeTimeFormat(tag, { numeric: 'auto' }));
  for (const [unit, size] of steps)
    if (Math.abs(seconds) >= size) return format.format(Math.trunc(seconds / size), unit);
  return format.format(Math.min(seconds, 0), 'second');
}

export function formatDuration(seconds: number): string {
  const days = Math.floor(seconds / 86_400);
  const hours = Math.floor((seconds % 86_400) / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  if (days) return t('{days} d {hours} h', '{days} 天 {hours} 小时', { days, hours });
  if (hours) return t('{hours} h {minutes} min', '{hours} 小时 {minutes} 分', { hours, minutes });
  return t('{minutes} min', '{minutes} 分钟', { minutes });
}

function storedLocale(): Locale {
  const kept = recall(LOCALE_KEY);
  if (kept === 'en' || kept === 'zh') return kept;
  return navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en';
}

function storedTheme(): Theme {
  const kept = recall(THEME_KEY);
  return kept === 'light' || kept === 'dark' ? kept : 'system';
}

// Browsers may refuse storage to a page; then it forgets, and works.
function recall(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function remember(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Nothing to be done about it.
  }
}
