/** The chat rooms that the user is in on this device. Nothing of a room is stored. */
import type { Body } from '../codec.js';
import { codeOf, isPassing } from '../errors.js';
import type { Session } from './session.js';
import type { Rec } from './types.js';

const AGAIN_AFTER_MS = 5_000;
const OWN_KEPT = 50;
const ROOMS_MAX = 64;

interface Inside {
  /** A time: the link is to go in from then on. */
  place: { outsideUntil: number } | { entering: number } | 'inside';
  /** The application was told of what stands up to here. */
  told: number;
  own: number[];
}

export class Rooms {
  private inside = new Map<number, Inside>();

  isIn(room: number): boolean {
    return this.inside.has(room);
  }

  enter(room: number, place: Inside['place'], told = 0): void {
    const known = this.inside.get(room);
    if (known) known.place = place;
    else this.inside.set(room, { place, told, own: [] });
  }

  /** Whoever was let in by an app server is in: the link goes in as well. */
  handleLetIn(room: number): void {
    if (!this.inside.has(room) && this.inside.size < ROOMS_MAX) this.enter(room, { outsideUntil: 0 });
  }

  /** Answers whether the user was in. */
  leave(room: number): boolean {
    return this.inside.delete(room);
  }

  clear(): void {
    this.inside.clear();
  }

  /** The link or the login is over. Whoever was inside goes in again. */
  handleUnlinked(): void {
    for (const inside of this.inside.values()) inside.place = { outsideUntil: 0 };
  }

  get owesAnswers(): boolean {
    return [...this.inside.values()].some(({ place }) => typeof place === 'object' && 'entering' in place);
  }

  deadline(now: number): number | null {
    const times = [...this.inside.values()].flatMap(({ place }) =>
      typeof place === 'object' && 'outsideUntil' in place && place.outsideUntil > now ? [place.outsideUntil] : [],
    );
    return times.length ? Math.min(...times) : null;
  }

  /** The next room to go into again, which then counts as being entered. */
  next(now: number, takeId: () => number): { request: number; room: number; after: number } | null {
    for (const [room, inside] of this.inside) {
      const { place, told } = inside;
      if (typeof place !== 'object' || !('outsideUntil' in place) || place.outsideUntil > now) continue;
      const request = takeId();
      inside.place = { entering: request };
      return { request, room, after: told };
    }
    return null;
  }

  private enteredBy(request: number): [number, Inside] | undefined {
    return [...this.inside].find(
      ([, { place }]) => typeof place === 'object' && 'entering' in place && place.entering === request,
    );
  }

  handleEntered(request: number): boolean {
    const found = this.enteredBy(request);
    if (found) found[1].place = 'inside';
    return !!found;
  }

  /** The room of which going in again failed. */
  roomOf(request: number): number | undefined {
    return this.enteredBy(request)?.[0];
  }

  putOff(room: number, now: number): void {
    this.enter(room, { outsideUntil: now + AGAIN_AFTER_MS });
  }

  /** Those that the application was not told of, in their order. */
  takeNew(room: number, records: Rec[]): Rec[] {
    const inside = this.inside.get(room);
    if (!inside) return [];
    return records.filter(({ position }) => {
      if (position <= inside.told) return false;
      inside.told = position;
      return !inside.own.includes(position);
    });
  }

  noteOwn(room: number, position: number): void {
    const own = this.inside.get(room)?.own;
    if (own && own.push(position) > OWN_KEPT) own.shift();
  }
}

/** Why a user is not in a room any more. */
const LEFT = 2;
const GONE = 4;
const LET_IN = 1;

export function onRoomRecords(session: Session, { room, records }: Body): void {
  const fresh = session.rooms.takeNew(room, records);
  if (fresh.length) session.then({ type: 'emit', event: { type: 'roomMessages', room, records: fresh } });
}

export function onRoomNotEntered(session: Session, room: number, code: number): void {
  if (isPassing(code)) session.rooms.putOff(room, session.now);
  else if (code === codeOf('ROOM_ALREADY_IN')) session.rooms.enter(room, 'inside');
  else leave(session, room, code === codeOf('ROOM_UNKNOWN') ? GONE : LEFT);
}

function leave(session: Session, room: number, kind: number): void {
  if (session.rooms.leave(room)) session.then({ type: 'emit', event: { type: 'roomChanged', body: { room, kind } } });
}

export function onRoomChanged(session: Session, body: Body): void {
  if (body.kind !== LET_IN) return leave(session, body.room, body.kind);
  session.then({ type: 'emit', event: { type: 'roomChanged', body } });
  session.rooms.handleLetIn(body.room);
}
