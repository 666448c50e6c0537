/**
 * The application's requests: waiting for a link, on their way, answered.
 *
 * A request that only asks, or that says what shall be, is repeated on the next link when its answer was lost. One
 * that could do harm when done twice is not: the application learns that its outcome is unknown.
 */
import type { Body } from '../codec.js';

const PENDING_MAX = 256;
/** A server reads no further while it has so many of a link to answer. */
const IN_FLIGHT_MAX = 32;
/** An application waits so long for an answer, the time to connect included. */
const ANSWER_WITHIN_MS = 30_000;
/** Tags, alias and mobile number, as JPush has it. */
const LABEL_WITHIN_MS = 20_000;

const LABELS = new Set(['Tags', 'Alias', 'Mobile']);
const OF_DEVICE = new Set([...LABELS, 'RegisterUser', 'PushClicked', 'PushReport', 'PushToken', 'Badge', 'Activity']);
const ONCE = new Set([
  'RegisterUser',
  'Logout',
  'GroupCreate',
  'GroupMake',
  'GroupAdd',
  'GroupRemove',
  'GroupLeave',
  'GroupJoinAnswer',
  'RoomLeave',
  'RoomChange',
  'SendCommand',
  'PasswordChange',
  'Blacklist',
  'FriendAnswer',
  'FriendRemove',
]);
/** Of groups: dissolve, transfer, silence, announce, delete an announcement, apply, invite. */
const ORDERS_ONCE = new Set([1, 5, 8, 13, 14, 17, 18]);
/** Nobody's to wait for: repeated until it is through. */
const REPORTS = new Set(['PushClicked', 'PushReport', 'Activity']);

export const needsUser = (name: string): boolean => !OF_DEVICE.has(name);
export const isRepeatable = (name: string, body: Body): boolean =>
  !ONCE.has(name) && !(name === 'GroupOrder' && ORDERS_ONCE.has(body.order));

interface Pending {
  name: string;
  body: Body;
  isInFlight: boolean;
  deadline: number;
  /** Parts of an answer that comes in several frames. */
  parts: Body | null;
}

export class Requests {
  private lastId = 0;
  private pending = new Map<number, Pending>();

  takeId(): number {
    this.lastId = (this.lastId % 0xffff_fff0) + 1;
    return this.lastId;
  }

  get isFull(): boolean {
    return this.pending.size >= PENDING_MAX;
  }

  get owesAnswers(): boolean {
    return this.count() > 0;
  }

  private count(): number {
    let count = 0;
    for (const pending of this.pending.values()) if (pending.isInFlight) count += 1;
    return count;
  }

  push(name: string, body: Body, now: number): number {
    const id = this.takeId();
    const deadline = REPORTS.has(name) ? Infinity : now + (LABELS.has(name) ? LABEL_WITHIN_MS : ANSWER_WITHIN_MS);
    this.pending.set(id, { name, body, isInFlight: false, deadline, parts: null });
    return id;
  }

  get(id: number): { name: string; body: Body } | undefined {
    return this.pending.get(id);
  }

  isLoggingOut(): boolean {
    return [...this.pending.values()].some(({ name, isInFlight }) => isInFlight && name === 'Logout');
  }

  next(isLoggedIn: boolean): { name: string; body: Body } | null {
    if (this.count() >= IN_FLIGHT_MAX) return null;
    for (const [request, pending] of this.pending) {
      if (pending.isInFlight || (!isLoggedIn && needsUser(pending.name))) continue;
      pending.isInFlight = true;
      return { name: pending.name, body: { ...pending.body, request } };
    }
    return null;
  }

  /** The link is gone. Answers those whose outcome nobody knows. */
  handleUnlinked(): number[] {
    const lost = this.take(({ isInFlight, name, body }) => isInFlight && !isRepeatable(name, body));
    for (const pending of this.pending.values()) Object.assign(pending, { isInFlight: false, parts: null });
    return lost;
  }

  handleLoggedOut(): number[] {
    return this.take(({ name }) => needsUser(name));
  }

  handleTimeout(now: number): number[] {
    return this.take(({ deadline }) => deadline <= now);
  }

  get deadline(): number {
    return Math.min(Infinity, ...[...this.pending.values()].map(({ deadline }) => deadline));
  }

  /** An answer, or a part of it. The whole answer when it is there. */
  gather(id: number, part: Body): Body | null {
    const pending = this.pending.get(id);
    if (!pending) return null;
    const { parts } = pending;
    if (parts) {
      for (const [name, value] of Object.entries(part)) {
        if (Array.isArray(value)) parts[name].push(...value);
      }
    } else {
      pending.parts = part;
    }
    if (part.is_last === false) return null;
    this.pending.delete(id);
    return pending.parts;
  }

  complete(id: number): string | undefined {
    const name = this.pending.get(id)?.name;
    this.pending.delete(id);
    return name;
  }

  /** A report that the server looks at later. */
  isReport(id: number): boolean {
    return REPORTS.has(this.pending.get(id)?.name ?? '');
  }

  private take(which: (pending: Pending) => boolean): number[] {
    const ids = [...this.pending].filter(([, pending]) => which(pending)).map(([id]) => id);
    for (const id of ids) this.pending.delete(id);
    return ids;
  }
}
