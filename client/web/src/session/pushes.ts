/** Pushes to this device: their cursor, their duplicates, their reports. */
import type { Body } from '../codec.js';
import { extensionNumber } from '../kinds.js';
import { Acks } from './pace.js';
import type { Session } from './session.js';

/** So many msg_ids are remembered, to know one that comes twice. */
export const PUSH_IDS_KEPT = 1000;
const REPORTS_PER_FRAME_MAX = 100;
/** The extension that names the push whose place this one takes. */
const REPLACES = 16;

export class Pushes {
  /** Where this link's deliveries lead; null before the first when no cursor was told. */
  private run: number | null;
  private ids: Set<number>;
  private unreported: number[] = [];
  acks = new Acks();
  /** The request by which pushes were resumed. Those that come before its answer are from before. */
  resuming: number | null = null;

  constructor(
    public cursor: number | null,
    ids: number[],
    public isStopped: boolean,
  ) {
    this.run = cursor;
    this.ids = new Set(ids);
  }

  /** Nothing of a push counts now. */
  get isDeaf(): boolean {
    return this.isStopped || this.resuming !== null;
  }

  handleUnlinked(): void {
    Object.assign(this, { run: null, resuming: null, acks: new Acks() });
  }

  /** Another device has other pushes. */
  handleNewDevice(): void {
    this.cursor = null;
    this.unreported = [];
  }

  expectResumed(request: number): void {
    this.run = this.cursor;
    this.resuming = request;
  }

  handleStored(cursor: number | null, received: number | null, now: number): void {
    if (cursor !== null) this.cursor = Math.max(this.cursor ?? 0, cursor);
    if (received !== null) this.unreported.push(received);
    this.acks.handleStored(this.cursor ?? 0, this.unreported.length >= REPORTS_PER_FRAME_MAX, now);
  }

  takeAck(now: number): { position: number; received: number[] } | null {
    const position = this.acks.take(now);
    if (position === null) return null;
    const received = this.unreported.splice(0, REPORTS_PER_FRAME_MAX);
    if (this.unreported.length) this.acks.handleStored(position, true, 0);
    return { position, received };
  }

  isKnown(msgId: number): boolean {
    return this.ids.has(msgId);
  }

  /** Answers whether it is new. */
  takeId(msgId: number): boolean {
    if (this.ids.has(msgId)) return false;
    this.ids.add(msgId);
    if (this.ids.size > PUSH_IDS_KEPT) this.ids.delete(this.ids.values().next().value!);
    return true;
  }

  /** How a delivery joins on to the run so far. */
  advance(after: number, to: number): 'next' | 'known' | 'gap' {
    const run = this.run ?? this.cursor ?? after;
    if (to <= run) return 'known';
    if (after > run) return 'gap';
    this.run = to;
    return 'next';
  }
}

export function onPush(session: Session, push: Body): void {
  const { pushes } = session;
  if (pushes.isDeaf) return;
  const { after, position, msg_id, at_ms, content, extensions } = push;
  // A push without a lifetime stands outside the run: only devices that are connected get it.
  const isOutside = after === position;
  if (!isOutside && !advance(session, after, position)) return;
  const isNew = pushes.takeId(msg_id);
  if (isNew) {
    const replaces = extensionNumber({ extensions }, REPLACES);
    const kept = { position, msg_id, at_ms, content };
    session.write({ op: 'push', push: replaces === undefined ? kept : { ...kept, replaces } });
    session.then({ type: 'releasePushes' });
  }
  if (!isOutside) session.write({ op: 'pushCursor', cursor: position });
  if (!isOutside || isNew) {
    session.then({ type: 'push', cursor: isOutside ? null : position, received: isNew ? msg_id : null });
  }
}

export function onPushCovered(session: Session, { after, to }: Body): void {
  if (session.pushes.isDeaf || !advance(session, after, to)) return;
  session.write({ op: 'pushCursor', cursor: to });
  session.then({ type: 'push', cursor: to, received: null });
}

function advance(session: Session, after: number, to: number): boolean {
  const joint = session.pushes.advance(after, to);
  if (joint === 'gap') session.endLink({ reason: 'gap' });
  return joint === 'next';
}

/** Waits its turn behind what the store is still writing, so that the push itself is handed out first. */
export function onPushWithdrawn(session: Session, { msg_id: msgId }: Body): void {
  if (session.pushes.isDeaf || !session.pushes.isKnown(msgId)) return;
  session.then({ type: 'emit', event: { type: 'pushWithdrawn', msgId } });
}

/** The server cannot go back to where this device stands: the next hello says it. */
export function onResumeRefused(session: Session, request: number | null): void {
  if (request !== null && session.pushes.resuming === request) session.endLink({ reason: 'gap' });
}
