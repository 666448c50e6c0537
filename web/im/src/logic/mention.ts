/** Mentions while typing: finds the word behind an @ at the caret, puts the chosen name there, and reads who is named. */

export interface MentionWord {
  /** Where the @ stands. */
  at: number;
  word: string;
}

const WORD_MAX = 32;

/** An @ at the start or behind something that is no letter or digit: e-mail addresses are no mentions. */
export function mentionAt(text: string, caret: number): MentionWord | undefined {
  const before = text.slice(Math.max(0, caret - WORD_MAX - 1), caret);
  const found = before.lastIndexOf('@');
  if (found < 0) return undefined;
  const word = before.slice(found + 1);
  if (/\s/.test(word)) return undefined;
  const at = caret - word.length - 1;
  const previous = at > 0 ? text.charAt(at - 1) : '';
  return /[A-Za-z0-9]/.test(previous) ? undefined : { at, word };
}

export function withMention(text: string, mention: MentionWord, name: string): { text: string; caret: number } {
  const end = mention.at + 1 + mention.word.length;
  const put = `@${name} `;
  return { text: text.slice(0, mention.at) + put + text.slice(end), caret: mention.at + put.length };
}

/** Of the names that were chosen, those that still stand in the text: what was deleted again mentions nobody. */
export function stillMentioned<T extends { name: string }>(text: string, chosen: readonly T[]): T[] {
  const seen = new Set<string>();
  return chosen.filter(({ name }) => {
    if (seen.has(name) || !text.includes(`@${name}`)) return false;
    seen.add(name);
    return true;
  });
}
