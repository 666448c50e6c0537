/** When to try again, to acknowledge, to ping. */
import type { Random } from './types.js';

const FIRST_MS = 500;
const LONGEST_MS = 60_000;

/** Waits with full jitter up to a bound that doubles. */
export class Backoff {
  private most = FIRST_MS;

  nextWait(random: Random): number {
    const wait = random() * this.most;
    this.most = Math.min(2 * this.most, LONGEST_MS);
    return wait;
  }

  reset(): void {
    this.most = FIRST_MS;
  }
}

/** A delivery is acknowledged at the latest so long after it was stored, or together with so many others. */
const LATEST_MS = 200;
const DELIVERIES = 32;

/** Acknowledgements of one cursor, a few deliveries at a time. */
export class Acks {
  private position: number | null = null;
  private deliveries = 0;
  due: number | null = null;

  handleStored(position: number, atOnce: boolean, now: number): void {
    this.position = Math.max(this.position ?? 0, position);
    this.deliveries += 1;
    const due = atOnce || this.deliveries >= DELIVERIES ? now : now + LATEST_MS;
    this.due = Math.min(this.due ?? due, due);
  }

  take(now: number): number | null {
    if (this.due === null || this.due > now) return null;
    const { position } = this;
    Object.assign(this, { position: null, deliveries: 0, due: null });
    return position;
  }
}

/** After a ping anything heard within this time shows that the link lives; in doubt less is waited for. */
const ANSWER_WITHIN_MS = 10_000;
const DOUBT_WITHIN_MS = 4_000;
/** While an answer is owed, a silence of this length asks for a ping. */
const OWED_SILENCE_MS = 5_000;
/** Proxies between browsers and servers forgive half a minute of silence. */
const INTERVAL_MS = 25_000;

export class Heartbeat {
  private interval = INTERVAL_MS;
  private sentAt: number;
  /** The first thing sent since anything was heard. */
  private unheardSince: number | null = null;
  private pingAt: number | null = null;
  private within = ANSWER_WITHIN_MS;

  constructor(now: number) {
    this.sentAt = now;
  }

  /** The server's bounds win. */
  handleBounds(leastS: number, mostS: number): void {
    const least = Math.max(1, leastS);
    this.interval = Math.min(Math.max(INTERVAL_MS, 1000 * least), 1000 * Math.max(mostS, least));
  }

  handleSent(now: number): void {
    this.sentAt = now;
    this.unheardSince ??= now;
  }

  handleHeard(): void {
    this.unheardSince = null;
    this.pingAt = null;
    this.within = ANSWER_WITHIN_MS;
  }

  /** Answers whether a ping is to be written now. */
  handleDoubt(now: number): boolean {
    this.within = DOUBT_WITHIN_MS;
    const isNew = this.pingAt === null;
    this.pingAt ??= now;
    return isNew;
  }

  deadline(isAnswerOwed: boolean): number {
    if (this.pingAt !== null) return this.pingAt + this.within;
    const idle = this.sentAt + this.interval;
    return isAnswerOwed && this.unheardSince !== null ? Math.min(idle, this.unheardSince + OWED_SILENCE_MS) : idle;
  }

  handleTimeout(isAnswerOwed: boolean, now: number): 'ping' | 'dead' | null {
    if (now < this.deadline(isAnswerOwed)) return null;
    if (this.pingAt !== null) return 'dead';
    this.pingAt = now;
    return 'ping';
  }
}
