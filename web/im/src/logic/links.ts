/** Finds web addresses and mentions in a message's text, so that they can be shown as elements and never as markup. */

export type TextPart =
  | { kind: 'text'; text: string }
  | { kind: 'link'; text: string; href: string }
  | { kind: 'mention'; text: string };

/** Ends at blanks, quotes, angle brackets and full-width punctuation, which no address holds unescaped. */
const ADDRESS = /(?:https?:\/\/|www\.)[^\s<>"'`\u3000-\u303f\uff00-\uffef]+/gi;
/** An address at the end of a sentence does not own its full stop. */
const TRAILING = /[.,:;!?*_~]+$/;

/** The address to open, or nothing where it is none of http or https. */
export function safeHref(address: string): string | undefined {
  const written = /^www\./i.test(address) ? `https://${address}` : address;
  try {
    const url = new URL(written);
    return url.protocol === 'https:' || url.protocol === 'http:' ? url.href : undefined;
  } catch {
    return undefined;
  }
}

/** A closing bracket belongs to the address only where it was opened in it. */
function withoutTrailing(found: string): string {
  let address = found.replace(TRAILING, '');
  while (address.endsWith(')') && address.split(')').length > address.split('(').length) {
    address = address.slice(0, -1).replace(TRAILING, '');
  }
  return address;
}

function mentionsIn(text: string, names: readonly string[]): TextPart[] {
  const parts: TextPart[] = [];
  let from = 0;
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    const name = names.find((each) => text.startsWith(each, at + 1));
    if (name === undefined) continue;
    if (at > from) parts.push({ kind: 'text', text: text.slice(from, at) });
    parts.push({ kind: 'mention', text: `@${name}` });
    from = at + 1 + name.length;
    at = from - 1;
  }
  if (from < text.length) parts.push({ kind: 'text', text: text.slice(from) });
  return parts;
}

/** The parts of a text in order; joined again they are the text. `mentioned` are names as they stand behind an @. */
export function textParts(text: string, mentioned: readonly string[] = []): TextPart[] {
  const names = mentioned.filter((name) => name !== '').sort((a, b) => b.length - a.length);
  const parts: TextPart[] = [];
  let from = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = withoutTrailing(match[0]);
    const href = safeHref(address);
    if (href === undefined) continue;
    parts.push(...mentionsIn(text.slice(from, match.index), names));
    parts.push({ kind: 'link', text: address, href });
    from = match.index + address.length;
  }
  parts.push(...mentionsIn(text.slice(from), names));
  return parts;
}
