/**
 * Messages that the server has not answered: their numbers, their order, their repeats.
 *
 * - An entry is stored, with its number, before its frame is first written to a link.
 * - On a link the numbers of a user's entries go out in their order; after each login all that are unanswered go again.
 * - After a passing refusal the chat is recovering: its messages go one at a time, oldest first, until all that were
 *   refused
 *   are through. So order within the chat holds without any help from the server.
 */
import { Backoff } from './pace.js';
import type { ChatKey, Entry, Random } from './types.js';

const IN_FLIGHT_MAX = 256;
export const WAITING_MAX = 10_000;

interface Item {
  entry: Entry;
  isStored: boolean;
  isInFlight: boolean;
  wasRefused: boolean;
  /** It came back from the log: the application knows, but the server still waits for it, or for its repeat. */
  isTold: boolean;
  /** It may have reached the server, on this link or an earlier one. */
  wasWritten: boolean;
}

interface Recovery {
  backoff: Backoff;
  until: number;
  inFlight: number;
}

export class Outbox {
  /** In the order of the application's calls and of the numbers. */
  private items: Item[] = [];
  private recovering = new Map<ChatKey, Recovery>();
  private inFlight = 0;
  private numberNext: number;
  readonly failed = new Map<number, Entry>();

  constructor(entries: Entry[], numberNext: number) {
    this.numberNext = Math.max(1, numberNext);
    for (const entry of entries.filter((entry) => entry.code !== undefined)) this.failed.set(entry.local, entry);
    // One that is sent again has a lower local id than what was called for before it.
    const rank = (entry: Entry) => entry.number ?? Infinity;
    const waiting = entries.filter((entry) => entry.code === undefined);
    waiting.sort((a, b) => (rank(a) === rank(b) ? a.local - b.local : rank(a) - rank(b)));
    for (const entry of waiting) {
      this.items.push({ ...this.item(entry), isStored: true, wasWritten: entry.number !== null });
    }
  }

  private item(entry: Entry): Item {
    return { entry, isStored: false, isInFlight: false, wasRefused: false, isTold: false, wasWritten: false };
  }

  get isFull(): boolean {
    return this.items.length >= WAITING_MAX;
  }

  get owesAnswers(): boolean {
    return this.inFlight > 0;
  }

  /** The server has seen numbers up to `head` from this device. */
  handleHead(head: number): void {
    this.numberNext = Math.max(this.numberNext, head + 1);
  }

  /**
   * Takes a stored message over; known ones are left out. It gets its number at once when the link says which are
   * free.
   */
  push(entry: Entry, isHeadKnown: boolean): Entry | null {
    if (this.items.some((item) => item.entry.local === entry.local) || this.failed.has(entry.local)) return null;
    return this.takeOver(entry, isHeadKnown);
  }

  /** Takes a message of this user that was refused for good over once more. */
  pushAgain(user: string, local: number, isHeadKnown: boolean): Entry | null {
    const entry = this.failed.get(local);
    if (entry?.user !== user) return null;
    this.failed.delete(local);
    const { code, error, ...again } = entry;
    return this.takeOver({ ...again, number: null }, isHeadKnown);
  }

  private takeOver(entry: Entry, isHeadKnown: boolean): Entry {
    const last = this.items.at(-1);
    // A number must not overtake an entry that still waits for its own.
    const mayNumber = isHeadKnown && (!last || last.entry.number !== null);
    const taken = mayNumber ? { ...entry, number: this.numberNext++ } : entry;
    this.items.push({ ...this.item(taken), isStored: !mayNumber });
    return taken;
  }

  /** Numbers the entries that have none; they are to be stored before they are sent. */
  numberAll(): Entry[] {
    const waiting = this.items.filter((item) => item.entry.number === null);
    return waiting.map((item) => {
      item.entry = { ...item.entry, number: this.numberNext++ };
      item.isStored = false;
      return item.entry;
    });
  }

  handleStored(local: number, number: number | null): void {
    const item = this.items.find(({ entry }) => entry.local === local && entry.number === number);
    if (item) item.isStored = true;
  }

  /** The link or the login is over: what is unanswered will go again. */
  handleUnlinked(): void {
    this.items = this.items.filter((item) => !item.isTold);
    for (const item of this.items) Object.assign(item, { isInFlight: false, wasRefused: false });
    this.recovering.clear();
    this.inFlight = 0;
  }

  /** The next message of `user` to write to the link. */
  nextToSend(user: string, now: number): Entry | null {
    if (this.inFlight >= IN_FLIGHT_MAX) return null;
    for (const item of this.items) {
      if (item.isInFlight || item.entry.user !== user) continue;
      // Later ones have higher numbers and must not overtake this one.
      if (!item.isStored || item.entry.number === null) return null;
      const recovery = this.recovering.get(item.entry.chat);
      if (recovery && (recovery.inFlight > 0 || now < recovery.until)) continue;
      item.isInFlight = true;
      item.wasWritten = true;
      this.inFlight += 1;
      if (recovery) recovery.inFlight += 1;
      return item.entry;
    }
    return null;
  }

  /**
   * The message came back from the log. Null when the application knows. Once it was written to this link it stays
   * until the server has answered: after a passing refusal the server waits for its repeat before it takes others.
   */
  handleOwnRecord(number: number): Entry | null {
    const item = this.find(number);
    if (!item) return null;
    if (!item.isInFlight && !item.wasRefused) return this.handleAnswered(number);
    const wasTold = item.isTold;
    item.isTold = true;
    return wasTold ? null : item.entry;
  }

  /** The server has the message, or will never take it. Null when it is not waited for, or the application knows. */
  handleAnswered(number: number): Entry | null {
    const item = this.find(number);
    if (!item) return null;
    this.items.splice(this.items.indexOf(item), 1);
    const { chat } = item.entry;
    const recovery = this.recovering.get(chat);
    if (item.isInFlight) {
      this.inFlight -= 1;
      if (recovery) recovery.inFlight = Math.max(0, recovery.inFlight - 1);
    }
    if (recovery && !this.items.some((other) => other.wasRefused && other.entry.chat === chat)) {
      this.recovering.delete(chat);
    } else if (recovery) {
      recovery.backoff.reset();
      recovery.until = 0;
    }
    return item.isTold ? null : item.entry;
  }

  /** The server may take the message later. Answers the message if it was on its way. */
  handleRefusedForNow(number: number, random: Random, now: number): Entry | null {
    const item = this.find(number);
    if (!item?.isInFlight) return null;
    item.isInFlight = false;
    item.wasRefused = true;
    this.inFlight -= 1;
    const { chat } = item.entry;
    const recovery = this.recovering.get(chat);
    if (recovery) {
      recovery.inFlight = Math.max(0, recovery.inFlight - 1);
      recovery.until = Math.max(recovery.until, now + recovery.backoff.nextWait(random));
    } else {
      const backoff = new Backoff();
      const inFlight = this.items.filter((other) => other.isInFlight && other.entry.chat === chat).length;
      this.recovering.set(chat, { backoff, until: now + backoff.nextWait(random), inFlight });
    }
    return item.entry;
  }

  /** Drops a message that no link has seen: the entry, or null when it is too late, undefined when there is none. */
  cancel(local: number): Entry | null | undefined {
    const index = this.items.findIndex((item) => item.entry.local === local);
    const item = this.items[index];
    if (!item) return undefined;
    if (item.wasWritten) return null;
    this.items.splice(index, 1);
    return item.entry;
  }

  /** When a recovering chat is to be tried again. */
  deadline(now: number): number | null {
    const untils = [...this.recovering.values()].map(({ until }) => until).filter((until) => until > now);
    return untils.length ? Math.min(...untils) : null;
  }

  private find(number: number): Item | undefined {
    return this.items.find((item) => item.entry.number === number);
  }
}
