/** How times are said: short in lists, longer between messages, always in the reader's language and time zone. */

export interface TimeWords {
  locale: string;
  yesterday: string;
}

const DAY_MS = 86_400_000;
/** Messages further apart than this get a time line between them. */
export const TIME_LINE_MS = 5 * 60_000;

function startOfDay(ms: number): number {
  const day = new Date(ms);
  day.setHours(0, 0, 0, 0);
  return day.getTime();
}

/** Whole calendar days between two times; rounding bridges days of 23 and 25 hours. */
export function daysBefore(ms: number, nowMs: number): number {
  return Math.round((startOfDay(nowMs) - startOfDay(ms)) / DAY_MS);
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Formats are costly to make: one for each language and shape. */
function format(locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = locale + JSON.stringify(options);
  let made = formats.get(key);
  if (!made) {
    made = new Intl.DateTimeFormat(locale, options);
    formats.set(key, made);
  }
  return made;
}

export function clock(ms: number, locale: string): string {
  return format(locale, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(ms);
}

/** For the conversation list: time today, 'yesterday', weekday, date. */
export function listTime(ms: number, nowMs: number, words: TimeWords): string {
  if (ms <= 0) return '';
  const days = daysBefore(ms, nowMs);
  if (days <= 0) return clock(ms, words.locale);
  if (days === 1) return words.yesterday;
  if (days < 7) return format(words.locale, { weekday: 'short' }).format(ms);
  const isThisYear = new Date(ms).getFullYear() === new Date(nowMs).getFullYear();
  const day: Intl.DateTimeFormatOptions = { month: 'numeric', day: 'numeric' };
  return format(words.locale, isThisYear ? day : { ...day, year: 'numeric' }).format(ms);
}

/** For the line between messages: the same, always with the time of day. */
export function lineTime(ms: number, nowMs: number, words: TimeWords): string {
  const time = clock(ms, words.locale);
  const days = daysBefore(ms, nowMs);
  if (days <= 0) return time;
  if (days === 1) return `${words.yesterday} ${time}`;
  if (days < 7) return `${format(words.locale, { weekday: 'long' }).format(ms)} ${time}`;
  return `${format(words.locale, { year: 'numeric', month: 'long', day: 'numeric' }).format(ms)} ${time}`;
}

export function fullTime(ms: number, locale: string): string {
  return format(locale, { dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23' }).format(ms);
}

/** 0:07, 12:34, 1:02:03. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const pad = (n: number): string => String(n).padStart(2, '0');
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(whole % 60)}` : `${minutes}:${pad(whole % 60)}`;
}

/** 512 B, 1.5 KB, 8.0 MB. */
export function bytesText(bytes: number): string {
  if (bytes < 1024) return `${Math.max(0, Math.round(bytes))} B`;
  const units = ['KB', 'MB', 'GB'];
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** 1 … 99, then 99+. */
export function badge(count: number, most = 99): string {
  if (count <= 0) return '';
  return count > most ? `${most}+` : String(count);
}
