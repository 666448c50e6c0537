/** Names under letters, as address books have them. */

export interface Lettered<T> {
  letter: string;
  items: T[];
}

/** Latin names stand under their letter, all others under #, each part in the order of the language. */
export function lettered<T>(items: readonly T[], nameOf: (item: T) => string, locale: string): Lettered<T>[] {
  const collator = new Intl.Collator(locale, { sensitivity: 'base', numeric: true });
  const parts = new Map<string, T[]>();
  for (const item of [...items].sort((a, b) => collator.compare(nameOf(a), nameOf(b)))) {
    const first = nameOf(item).normalize('NFKD').charAt(0).toUpperCase();
    const letter = /[A-Z]/.test(first) ? first : '#';
    parts.set(letter, [...(parts.get(letter) ?? []), item]);
  }
  return [...parts]
    .map(([letter, all]) => ({ letter, items: all }))
    .sort((a, b) => Number(a.letter === '#') - Number(b.letter === '#') || (a.letter < b.letter ? -1 : 1));
}
