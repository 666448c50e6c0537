/** The holes of one user's chats: what a catch-up left out, until history pages have filled it. */
import type { ChatKey, Hole } from './types.js';

/** Beyond this the two newest holes of a chat become one: what lies between is asked for again. */
const HOLES_PER_CHAT_MAX = 8;

export class Holes {
  /** Ascending, never empty. */
  private byChat = new Map<ChatKey, { newest: number; holes: Hole[] }>();

  constructor(holes = new Map<ChatKey, Hole[]>(), newest = new Map<ChatKey, number>()) {
    for (const [chat, list] of holes) this.set(chat, list, newest.get(chat) ?? 0);
  }

  of(chat: ChatKey): Hole[] {
    return this.byChat.get(chat)?.holes ?? [];
  }

  private set(chat: ChatKey, holes: Hole[], newest: number): void {
    if (holes.length) this.byChat.set(chat, { newest, holes });
    else this.byChat.delete(chat);
  }

  /**
   * A row of a catch-up that began at `after`. Holes at or above `after` come from an earlier try of the same catch-
   * up and give way to what this row says. Answers whether the chat's holes changed.
   */
  handleRow(chat: ChatKey, after: number, hole: Hole | null): boolean {
    const known = this.byChat.get(chat);
    const before = known?.holes ?? [];
    const holes = before.filter((old) => old.after < after);
    if (hole && hole.after < hole.before) holes.push(hole);
    if (holes.length > HOLES_PER_CHAT_MAX) {
      const { before: end } = holes.pop()!;
      holes.push({ ...holes.pop()!, before: end });
    }
    this.set(chat, holes, known?.newest ?? 0);
    return JSON.stringify(holes) !== JSON.stringify(before);
  }

  handleRecord(chat: ChatKey, position: number): void {
    const known = this.byChat.get(chat);
    if (known) known.newest = Math.max(known.newest, position);
  }

  /**
   * A history page filled `hole` down to `oldest`; null: nothing is left there. Answers up to where the chat may now be
   * handed out, or null when the hole is not known any more.
   */
  handlePage(chat: ChatKey, hole: Hole, oldest: number | null): number | null {
    const known = this.byChat.get(chat);
    const index = known?.holes.findIndex((other) => other.after === hole.after && other.before === hole.before) ?? -1;
    if (!known || index < 0) return null;
    const rest = oldest !== null && oldest > hole.after + 1 ? [{ after: hole.after, before: oldest }] : [];
    const holes = [...known.holes.slice(0, index), ...rest, ...known.holes.slice(index + 1)];
    this.set(chat, holes, known.newest);
    return holes[0]?.after ?? known.newest;
  }

  /** Up to where the chat may be handed out when `position` is the newest that is stored. */
  limit(chat: ChatKey, position: number): number {
    return Math.min(this.of(chat)[0]?.after ?? position, position);
  }

  /**
   * Of the chats with the newest records the oldest hole each. Only holes below `cursor`: the others may still be
   * replaced by the catch-up that is under way.
   */
  nextToFill(cursor: number, most: number, isFree: (chat: ChatKey) => boolean): [ChatKey, Hole][] {
    return [...this.byChat]
      .filter(([chat, { holes }]) => holes[0]!.after < cursor && isFree(chat))
      .sort((a, b) => b[1].newest - a[1].newest)
      .slice(0, most)
      .map(([chat, { holes }]) => [chat, holes[0]!]);
  }
}
