/** The order of the conversation list: pinned first (pinned last on top), then the newest. */

export interface Orderable {
  key: string;
  /** When something happened last, in ms; 0 for an empty conversation that was only opened. */
  atMs: number;
  /** Since when it is pinned; 0: it is not. */
  pinnedMs: number;
}

export function byNewest(a: Orderable, b: Orderable): number {
  if ((a.pinnedMs > 0) !== (b.pinnedMs > 0)) return a.pinnedMs > 0 ? -1 : 1;
  if (a.pinnedMs > 0 && a.pinnedMs !== b.pinnedMs) return b.pinnedMs - a.pinnedMs;
  if (a.atMs !== b.atMs) return b.atMs - a.atMs;
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}

/** Case and width do not matter to who searches. */
export function folded(text: string): string {
  return text.normalize('NFKC').toLocaleLowerCase();
}

/** True where each blank-separated word of the query stands in one of the texts. */
export function matches(query: string, ...texts: readonly (string | undefined)[]): boolean {
  const whole = folded(texts.filter((text) => text).join('\n'));
  return folded(query)
    .split(/\s+/)
    .every((word) => whole.includes(word));
}

/** The sum for the tab's title, and the title itself. */
export function tabTitle(unread: number, name: string): string {
  return unread > 0 ? `(${unread > 999 ? '999+' : unread}) ${name}` : name;
}
