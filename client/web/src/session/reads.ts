/**
 * What the user has read: marks and messages, told to the server until it has them. What is read within a moment goes
 * together, one frame at a time.
 */
import type { Body } from '../codec.js';
import { Backoff } from './pace.js';
import type { ChatKey, Random, StoredUser } from './types.js';

const GATHERED_MS = 200;
const PER_FRAME_MAX = 100;

interface Untold {
  marks: Map<ChatKey, number>;
  messages: Set<number>;
}
interface InFlight {
  request: number;
  user: string;
  marks: [ChatKey, number][];
  messages: number[];
}

export const readChat = (chat: ChatKey): Body =>
  chat[0] === 'u' ? { username: chat.slice(1), group: 0 } : { username: '', group: Number(chat.slice(1)) };
export const chatOfRead = (chat: Body): ChatKey => (chat.group ? `g${chat.group}` : `u${chat.username}`);

export class Reads {
  private users = new Map<string, Untold>();
  private inFlight: InFlight | null = null;
  private after = 0;
  private backoff = new Backoff();

  constructor(users: Map<string, StoredUser>) {
    for (const [user, { marks, reads }] of users) {
      if (marks.size || reads.length) this.users.set(user, { marks: new Map(marks), messages: new Set(reads) });
    }
  }

  get owesAnswer(): boolean {
    return this.inFlight !== null;
  }

  deadline(user: string, now: number): number | null {
    return !this.inFlight && this.after > now && this.users.has(user) ? this.after : null;
  }

  handleUnlinked(): void {
    this.inFlight = null;
  }

  private untold(user: string, now: number): Untold {
    let untold = this.users.get(user);
    if (!untold) {
      this.after = Math.max(this.after, now + GATHERED_MS);
      this.users.set(user, (untold = { marks: new Map(), messages: new Set() }));
    }
    return untold;
  }

  mark(user: string, chat: ChatKey, position: number, now: number): void {
    const { marks } = this.untold(user, now);
    marks.set(chat, Math.max(position, marks.get(chat) ?? 0));
  }

  read(user: string, messages: number[], now: number): void {
    const untold = this.untold(user, now);
    for (const message of messages) untold.messages.add(message);
  }

  /** The next frame of the user, marks before messages. */
  begin(user: string, now: number, takeId: () => number): [name: string, body: Body] | null {
    const untold = this.users.get(user);
    if (!untold || this.inFlight || now < this.after) return null;
    const marks = [...untold.marks].slice(0, PER_FRAME_MAX);
    const messages = marks.length ? [] : [...untold.messages].slice(0, PER_FRAME_MAX);
    const request = takeId();
    this.inFlight = { request, user, marks, messages };
    if (!marks.length) return ['ReadMessages', { request, messages }];
    return ['ReadMarks', { request, marks: marks.map(([chat, position]) => ({ chat: readChat(chat), position })) }];
  }

  /** The server has it, or will never take it. */
  complete(request: number): InFlight | null {
    const told = this.inFlight;
    if (told?.request !== request) return null;
    this.inFlight = null;
    this.backoff.reset();
    for (const [chat, position] of told.marks) this.know(told.user, chat, position);
    for (const message of told.messages) this.users.get(told.user)?.messages.delete(message);
    this.tidy(told.user);
    return told;
  }

  /** The server's mark stands here, whoever moved it. */
  know(user: string, chat: ChatKey, position: number): void {
    const untold = this.users.get(user);
    if ((untold?.marks.get(chat) ?? Infinity) <= position) untold!.marks.delete(chat);
    this.tidy(user);
  }

  private tidy(user: string): void {
    const untold = this.users.get(user);
    if (untold && !untold.marks.size && !untold.messages.size) this.users.delete(user);
  }

  putOff(request: number, random: Random, now: number): boolean {
    if (this.inFlight?.request !== request) return false;
    this.inFlight = null;
    this.after = now + this.backoff.nextWait(random);
    return true;
  }
}
