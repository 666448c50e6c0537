/** A logged-in user's chats on one link: live records, catch-up, history for holes. */
import type { Body, WireChat } from '../codec.js';
import { codeOf } from '../errors.js';
import { Acks, Backoff } from './pace.js';
import { chatOfRead } from './reads.js';
import { onOwnRecord } from './sending.js';
import type { Session } from './session.js';
import type { ChatKey, Hole, Rec } from './types.js';

/** No history is asked for while so many store actions are under way. */
const STORING_MAX = 8;
/** Pages of history that are asked for at a time, each of another chat; with so few left, the next are asked for. */
const FILLINGS_MAX = 16;
const FILLINGS_LEFT = FILLINGS_MAX / 2;
const HISTORY_PAGE_MAX = 100;

export const chatKey = (chat: WireChat): ChatKey =>
  chat === 'notices' ? 'n' : 'user' in chat ? `u${chat.user}` : `g${chat.group}`;
export const wireChat = (chat: ChatKey): WireChat =>
  chat === 'n' ? 'notices' : chat[0] === 'u' ? { user: chat.slice(1) } : { group: Number(chat.slice(1)) };

interface Filling {
  request: number;
  chat: ChatKey;
  hole: Hole;
}

export class Sync {
  readonly acks = new Acks();
  /** The position to which the unbroken run of this link's deliveries leads; the store follows. */
  private run: number;
  private fillings: Filling[] = [];
  private fillBackoff = new Backoff();
  private fillAfter = 0;
  private isCaughtUp = false;

  constructor(
    private session: Session,
    readonly user: string,
    cursor: number,
  ) {
    this.run = cursor;
  }

  get owesAnswer(): boolean {
    return this.fillings.length > 0;
  }

  deadline(): number {
    const fill = this.fillAfter > this.session.now && this.fillings.length <= FILLINGS_LEFT ? this.fillAfter : Infinity;
    return Math.min(this.acks.due ?? Infinity, fill);
  }

  private get holes() {
    return this.session.userOf(this.user).holes;
  }

  onDeliver(deliver: Body): void {
    const { position, after } = deliver;
    if (!this.advance(after, position)) return;
    const chat = chatKey(deliver.chat);
    this.keepRecord(chat, record(deliver));
    this.release(chat, position);
    this.moveCursor(position, false);
  }

  onCovered({ after, to }: Body): void {
    if (this.advance(after, to)) this.moveCursor(to, false);
  }

  onMarksMoved({ after, to, marks }: Body): void {
    if (!this.advance(after, to)) return;
    for (const mark of marks) this.keepMark(chatOfRead(mark.chat), mark.position);
    this.moveCursor(to, false);
  }

  onReceipts({ after, to, receipts }: Body): void {
    const isOfCatchUp = after === to;
    if (!isOfCatchUp && !this.advance(after, to)) return;
    const { user } = this;
    for (const { chat: read, message, unread, at_ms } of receipts) {
      const chat = chatOfRead(read);
      this.session.write({ op: 'receipt', user, chat, message, unread, at_ms });
      const event = { type: 'receipt', user, chat, message, unread, at_ms } as const;
      this.session.then({ type: 'emit', event });
    }
    if (!isOfCatchUp) this.moveCursor(to, false);
  }

  /** Moves the run over a delivery; answers whether it is new. */
  private advance(after: number, to: number): boolean {
    if (to <= this.run) return false;
    if (after > this.run) {
      this.session.endLink({ reason: 'gap' });
      return false;
    }
    this.run = to;
    return true;
  }

  onCatchUp(page: Body): void {
    // It is for another cursor.
    if (page.after !== this.run) return;
    const { session, user } = this;
    // A server that was restored may stand below its client; its new positions will not.
    const to = Math.max(page.to, this.run);
    for (const row of page.conversations) this.keepRow(page.after, row);
    if (!page.is_last) return;
    this.run = to;
    this.moveCursor(to, true);
    if (!this.isCaughtUp) session.then({ type: 'emit', event: { type: 'caughtUp', user } });
    this.isCaughtUp = true;
  }

  private keepRow(after: number, row: Body): void {
    const { session, user } = this;
    const chat = chatKey(row.chat);
    const positions: number[] = row.newest.map((item: Body) => item.position);
    const before = positions.length ? Math.min(...positions) : row.last + 1;
    // On a new device nothing was missed: what is older is history, which is read from the server when it is wanted.
    const isHistory = row.hole && after === 0;
    const hole = row.hole && !isHistory ? { after, before } : null;
    if (this.holes.handleRow(chat, after, hole)) {
      session.write({ op: 'holes', user, chat, holes: this.holes.of(chat) });
    }
    // Nor is what the user has read elsewhere told as new.
    const handed = after === 0 ? row.read_mark : 0;
    session.write({ op: 'row', user, chat, name: row.name, floor: isHistory ? before : 0, handed });
    this.keepMark(chat, row.read_mark);
    for (const item of [...row.newest].reverse()) this.keepRecord(chat, record(item));
    if (positions.length) this.release(chat, Math.max(...positions));
  }

  /** The server says how far the user has read the chat. */
  private keepMark(chat: ChatKey, position: number): void {
    if (!position || chat === 'n') return;
    const { session, user } = this;
    session.reads.know(user, chat, position);
    session.write({ op: 'markKnown', user, chat, position });
  }

  private keepRecord(chat: ChatKey, kept: Rec): void {
    this.holes.handleRecord(chat, kept.position);
    if (kept.outbox) onOwnRecord(this.session, kept.outbox, kept.position, kept.at_ms);
    this.session.write({ op: 'message', user: this.user, chat, record: kept });
  }

  /** Once stored, the chat may be handed out up to `position`, unless a hole is below. */
  private release(chat: ChatKey, position: number): void {
    if (this.holes.limit(chat, position) < position) return;
    this.session.then({ type: 'release', user: this.user, chat, to: position });
  }

  private moveCursor(position: number, atOnce: boolean): void {
    const { user } = this;
    this.session.write({ op: 'cursor', user, position });
    this.session.then({ type: 'cursor', user, to: position, atOnce });
  }

  /** Asks for the next pages of history that holes wait for. */
  askForHistory(): void {
    const { session, fillings } = this;
    if (fillings.length > FILLINGS_LEFT || session.storingCount >= STORING_MAX || session.now < this.fillAfter) return;
    const isFree = (chat: ChatKey) => fillings.every((filling) => filling.chat !== chat);
    for (const [chat, hole] of this.holes.nextToFill(this.run, FILLINGS_MAX - fillings.length, isFree)) {
      const request = session.requests.takeId();
      fillings.push({ request, chat, hole });
      session.transmit('History', { request, chat: wireChat(chat), ...hole, limit: HISTORY_PAGE_MAX });
    }
  }

  private takeFilling(request: number): Filling | undefined {
    const index = this.fillings.findIndex((filling) => filling.request === request);
    return index < 0 ? undefined : this.fillings.splice(index, 1)[0];
  }

  /** Answers whether it was a page for a hole. */
  onHistoryPage(page: Body): boolean {
    const filling = this.takeFilling(page.request);
    if (!filling) return false;
    const { chat, hole } = filling;
    if (!this.holes.of(chat).some((other) => other.after === hole.after && other.before === hole.before)) return true;
    const records = (page.records as Body[]).filter(({ position }) => hole.after < position && position < hole.before);
    if (!records.length && !page.is_complete) {
      // Nothing was learned: asking again at once would go round in a circle.
      this.putOffHistory();
      return true;
    }
    this.fillBackoff.reset();
    for (const item of [...records].reverse()) this.keepRecord(chat, record(item));
    this.shrinkHole(chat, hole, page.is_complete ? null : Math.min(...records.map(({ position }) => position)));
    return true;
  }

  /** The hole ends at `oldest` now, or is closed; what it held back may go. */
  private shrinkHole(chat: ChatKey, hole: Hole, oldest: number | null): void {
    const { session, user } = this;
    const to = this.holes.handlePage(chat, hole, oldest);
    if (to === null) return;
    session.write({ op: 'holes', user, chat, holes: this.holes.of(chat) });
    session.then({ type: 'release', user, chat, to });
  }

  private putOffHistory(): void {
    this.fillAfter = this.session.now + this.fillBackoff.nextWait(this.session.config.random);
  }

  /** Answers whether it was a page for a hole that failed. */
  onHistoryFailed(request: number, code: number): boolean {
    const filling = this.takeFilling(request);
    if (!filling) return false;
    // This user may never read the chat again: waiting would hold back what did arrive for ever.
    const isOutOfReach = ['NOT_A_MEMBER', 'GROUP_UNKNOWN', 'NO_SUCH_USER', 'USER_UNKNOWN'].some(
      (name) => codeOf(name) === code,
    );
    if (isOutOfReach) this.shrinkHole(filling.chat, filling.hole, null);
    else this.putOffHistory();
    return true;
  }
}

function record(body: Body): Rec {
  const { position, at_ms, from, kind, extensions } = body;
  return { position, at_ms, from, outbox: Number(body.outbox ?? 0), kind, body: body.body, extensions };
}
