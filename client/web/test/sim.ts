/**
 * A device, a server and the network between them on simulated time, with faults from a seed.
 *
 * The server keeps a log, as the real one does: it answers repeats, catches up with holes, pages history. What it is
 * told of cursors is checked against what the device's store holds at that moment.
 */
import assert from 'node:assert/strict';
import { Decoder, Encoder, toBytes } from '../src/codec.js';
import type { Body, WireChat } from '../src/codec.js';
import { CREDENTIAL } from '../src/session/login.js';
import { Session } from '../src/session/session.js';
import { chatKey } from '../src/session/sync.js';
import type { ChatKey, Entry, SessionEvent, Write } from '../src/session/types.js';
import { MemoryKv } from '../src/store/kv.js';
import { key } from '../src/store/rows.js';
import type { ChatRow, StoredMessage } from '../src/store/rows.js';
import { Changes, load } from '../src/store/store.js';

export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value ^= value + Math.imul(value ^ (value >>> 7), 61 | value);
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface Logged {
  position: number;
  chat: WireChat;
  from: string;
  text: string;
  outbox: number;
}

/** How often each thing goes wrong, of one. */
export interface Faults {
  cut: number;
  stall: number;
  loss: number;
  duplicate: number;
  swap: number;
  refusal: number;
  crash: number;
  answerLost: number;
}
export const calm: Faults = { cut: 0, stall: 0, loss: 0, duplicate: 0, swap: 0, refusal: 0, crash: 0, answerLost: 0 };

const ME = 'bob';
/** Small, so that catch-ups have holes and history has pages. */
const NEWEST_MAX = 4;
const PAGE_MAX = 5;

/** One link at the server. */
class Link {
  encoder = new Encoder(false);
  decoder = new Decoder(true);
  isOpen = true;
  isStalled = false;
  isLoggedIn = false;
  /** Where its deliveries lead. */
  run = 0;
  refusedChats = new Set<ChatKey>();
}

export class World {
  now = 1000;
  log: Logged[] = [];
  acked = 0;
  private position = 1_048_576;
  private answered = new Map<number, Logged>();
  private head = 0;
  private link: Link | null = null;
  private toDevice: { at: number; bytes: Uint8Array; link: Link }[] = [];

  kv = new MemoryKv();
  session!: Session;
  events: SessionEvent[] = [];
  /** What the application was told in this life and in all, per chat. */
  told: Logged[] = [];
  toldEver = new Map<number, number>();
  private handedNow = new Map<ChatKey, number>();
  private pending: { ticket: number; writes: Write[] }[] = [];
  private localNext = 1;
  sent = new Map<string, number>();
  isQuiet = false;

  constructor(
    readonly random: () => number,
    public faults: Faults,
  ) {}

  private happens(fault: keyof Faults): boolean {
    return !this.isQuiet && this.random() < this.faults[fault];
  }

  // The device.

  async boot(): Promise<void> {
    const { stored, handed } = await this.kv.write(load);
    this.handedNow = new Map(handed.map(({ chat, handed: to }) => [chat, to]));
    this.pending = [];
    this.told = [];
    const bytes = (length: number) => Uint8Array.from({ length }, () => Math.floor(256 * this.random()));
    this.session = new Session({ appKey: 'app', traits: [], random: this.random, bytes }, stored);
    const isKnown = (stored.users.get(ME)?.token.length ?? 0) > 0;
    const given = { kind: CREDENTIAL.password, credential: toBytes('secret'), extensions: [] };
    this.session.login.want(ME, isKnown ? null : given, this.now);
    this.session.start(this.now);
    await this.act();
  }

  /** Killed: what was not written is lost, and so is the link. */
  async crash(): Promise<void> {
    this.closeLink();
    await this.boot();
  }

  async send(chat: WireChat, text: string): Promise<void> {
    const entry: Entry = {
      local: this.localNext++,
      number: null,
      user: ME,
      chat: chatKey(chat),
      kind: 1,
      body: toBytes(text),
      extensions: [],
      createdAt: 0,
    };
    await this.kv.write(async (tx) => tx.put(key.outbox(entry.local), entry));
    this.session.send(entry, this.now);
    await this.act();
  }

  private async act(): Promise<void> {
    for (let action; (action = this.session.nextAction()); ) {
      if (action.type === 'connect') this.openLink();
      else if (action.type === 'close') this.closeLink();
      else if (action.type === 'store') this.pending.push(action);
      else if (action.type === 'transmit') this.fromDevice(action.bytes);
      else if (action.type === 'emit') this.onEvent(action.event);
      else if (action.type === 'release') await this.release(action.user, action.chat, action.to);
    }
  }

  private onEvent(event: SessionEvent): void {
    this.events.push(event);
    if (event.type === 'outgoing' && event.state === 'sent') {
      const text = new TextDecoder().decode(event.entry.body);
      assert.ok(!this.sent.has(text) || this.sent.get(text) === event.msgId, `${text} was answered twice, differently`);
      this.sent.set(text, event.msgId!);
    }
  }

  private async release(user: string, chat: ChatKey, to: number): Promise<void> {
    const from = this.handedNow.get(chat) ?? 0;
    if (to <= from) return;
    this.handedNow.set(chat, to);
    const records = (await this.kv.read((tx) =>
      tx.list(key.message(user, chat, from + 1), key.message(user, chat, to)),
    )) as StoredMessage[];
    for (const { position, outbox, from: sender, body } of records) {
      if (outbox) continue;
      const place = chat[0] === 'u' ? { user: chat.slice(1) } : { group: Number(chat.slice(1)) };
      this.told.push({ position, chat: place, from: sender, text: new TextDecoder().decode(body), outbox });
      this.toldEver.set(position, (this.toldEver.get(position) ?? 0) + 1);
    }
    this.pending.push({ ticket: 0, writes: [{ op: 'handed', user, chat, to }] });
  }

  private async store(): Promise<void> {
    const batch = this.pending.splice(0);
    if (!batch.length) return;
    await this.kv.write(async (tx) => {
      const changes = new Changes(tx);
      for (const { writes } of batch) await changes.apply(writes);
      await changes.finish();
    });
    // Killed between the writing and the session's hearing of it.
    if (this.happens('crash')) return this.crash();
    const ticket = batch.filter((item) => item.ticket).at(-1)?.ticket;
    if (ticket) this.session.handleStored(ticket, this.now);
    await this.act();
  }

  // The network.

  private openLink(): void {
    this.closeLink();
    this.link = new Link();
    this.toDevice = [];
    const { link } = this;
    this.opening = link;
  }

  private opening: Link | null = null;

  private closeLink(): void {
    if (this.link) this.link.isOpen = false;
    this.link = null;
    this.opening = null;
    this.toDevice = [];
  }

  private write(link: Link, name: string, body: Body): void {
    if (!link.isOpen) return;
    const bytes = link.encoder.encode(name, body);
    if (!link.isStalled) this.toDevice.push({ at: this.now + 5 + Math.floor(40 * this.random()), bytes, link });
  }

  /** Whatever happens next on this device, its link or its clock. */
  async step(): Promise<void> {
    if (this.happens('crash')) return this.crash();
    if (this.link && this.happens('cut')) {
      this.closeLink();
      this.session.handleDisconnected(this.now);
      return this.act();
    }
    if (this.link && this.happens('stall')) this.link.isStalled = true;
    if (this.opening && this.random() < 0.5) {
      this.opening = null;
      this.session.handleConnected(this.now);
      return this.act();
    }
    if (this.pending.length && this.random() < 0.5) return this.store();
    const next = this.toDevice[0];
    if (next && this.random() < 0.7) {
      this.toDevice.shift();
      this.now = Math.max(this.now, next.at);
      this.session.handleMessage(next.bytes, this.now);
      return this.act();
    }
    if (next || this.pending.length || this.opening) return;
    this.now = Math.max(this.now + 1, Math.ceil(Math.min(this.session.nextDeadline(), this.now + 30_000)));
    this.session.handleTimeout(this.now);
    await this.act();
  }

  /** Nothing goes wrong any more, until all is quiet. */
  async settle(): Promise<void> {
    this.isQuiet = true;
    if (this.link) {
      this.closeLink();
      this.session.handleDisconnected(this.now);
      await this.act();
    }
    for (let steps = 0; steps < 4000; steps++) {
      await this.step();
      if (steps > 200 && (await this.isSettled())) return;
    }
  }

  private async isSettled(): Promise<boolean> {
    const [waiting, rows] = await this.kv.read(async (tx) => [
      await tx.list(['o'], ['o', []]),
      await tx.list(['c'], ['c', []]),
    ]);
    const isClosed = (rows as ChatRow[]).every(({ holes }) => !holes.length);
    return !waiting!.length && isClosed && !this.pending.length && this.acked >= this.position;
  }

  // The server.

  /** Somebody else writes. */
  post(chat: WireChat, from: string, text: string): void {
    this.append({ chat, from, text, outbox: 0 });
  }

  private append(said: Omit<Logged, 'position'>): Logged {
    const logged = { ...said, position: (this.position += 1 + Math.floor(3 * this.random())) };
    this.log.push(logged);
    const { link } = this;
    if (link?.isLoggedIn && !said.outbox) this.deliver(link, logged);
    return logged;
  }

  private deliver(link: Link, logged: Logged): void {
    const frames: Logged[] = [logged];
    const { run } = link;
    // What is lost leaves a gap behind it: the next delivery comes after it.
    link.run = logged.position;
    if (this.happens('loss')) return;
    if (this.happens('duplicate')) frames.push(logged);
    const older = this.log.at(-2);
    if (older && !older.outbox && this.happens('swap')) frames.unshift(older);
    for (const { position, chat, from, text } of frames) {
      this.write(link, 'Deliver', {
        position,
        after: position === logged.position ? run : position - 1,
        chat,
        from,
        at_ms: this.now,
        kind: 1,
        body: toBytes(text),
      });
    }
  }

  private fromDevice(bytes: Uint8Array): void {
    const { link } = this;
    if (!link || link.isStalled) return;
    const { name, body } = link.decoder.decode(bytes);
    if (name === 'Hello') {
      this.write(link, 'Welcome', {
        version: 1,
        capabilities: 7,
        registration_id: 'device',
        outbox_head: this.head,
        server_time_ms: this.now,
        heartbeat_s: 25,
        heartbeat_min_s: 10,
        heartbeat_max_s: 60,
      });
    } else if (name === 'Login') this.onLogin(link, body);
    else if (name === 'Ping') this.write(link, 'Pong', {});
    else if (name === 'Send') this.onSend(link, body);
    else if (name === 'Ack') this.onAck(body.position);
    else if (name === 'History') this.onHistory(link, body);
    else if (name === 'ReadMarks' || name === 'ReadMessages' || name === 'Logout')
      this.write(link, 'Done', { request: body.request });
  }

  private onLogin(link: Link, { request, cursor }: Body): void {
    this.write(link, 'LoggedIn', { request, username: ME, token: new Uint8Array(32) });
    const after = cursor ?? 0;
    const to = Math.max(this.position, after);
    const chats = new Map<ChatKey, Logged[]>();
    for (const logged of this.log)
      if (logged.position > after)
        chats.set(chatKey(logged.chat), [...(chats.get(chatKey(logged.chat)) ?? []), logged]);
    const rows = [...chats.values()].map((all) => {
      const newest = all.slice(-NEWEST_MAX).reverse();
      return {
        chat: all[0]!.chat,
        name: '',
        windows: [{ first_seq: 1, last_seq: 2n ** 64n - 1n }],
        last: all.at(-1)!.position,
        last_seq: 1,
        read_mark: 0,
        hole: all.length > NEWEST_MAX,
        newest: newest.map((logged) => this.record(logged)),
      };
    });
    // In two parts, between which a link may break.
    const half = Math.ceil(rows.length / 2);
    if (half) this.write(link, 'CatchUp', { after, to, is_last: false, conversations: rows.slice(0, half) });
    this.write(link, 'CatchUp', { after, to, is_last: true, conversations: rows.slice(half) });
    link.run = to;
    link.isLoggedIn = true;
  }

  private record({ position, from, outbox, text }: Logged): Body {
    return { position, at_ms: 1, from, outbox, kind: 1, body: toBytes(text) };
  }

  private onHistory(link: Link, { request, chat, before, after }: Body): void {
    this.pages += 1;
    const all = this.log.filter(
      (logged) => chatKey(logged.chat) === chatKey(chat) && logged.position < before && logged.position > after,
    );
    const records = all
      .slice(-PAGE_MAX)
      .reverse()
      .map((logged) => this.record(logged));
    this.write(link, 'HistoryPage', { request, chat, records, is_complete: all.length <= PAGE_MAX });
  }

  private onSend(link: Link, { outbox, chat, body }: Body): void {
    const known = this.answered.get(outbox);
    const place = chatKey(chat);
    if (!known && (link.refusedChats.has(place) || this.happens('refusal'))) {
      const isFirst = !link.refusedChats.has(place);
      if (isFirst) link.refusedChats.add(place);
      this.firstRefused.set(place, Math.min(outbox, this.firstRefused.get(place) ?? Infinity));
      if (isFirst || outbox !== this.firstRefused.get(place)) {
        return this.write(link, 'SendRefused', { outbox, code: isFirst ? 7 : 803902, message: '' });
      }
    }
    link.refusedChats.delete(place);
    this.firstRefused.delete(place);
    this.head = Math.max(this.head, outbox);
    const logged = known ?? this.append({ chat, from: ME, text: new TextDecoder().decode(body), outbox });
    this.answered.set(outbox, logged);
    if (this.happens('answerLost')) return void (link.isStalled = true);
    this.write(link, 'Sent', { outbox, position: logged.position, at_ms: this.now });
    if (!known) {
      this.write(link, 'Covered', { after: link.run, to: logged.position });
      link.run = logged.position;
    }
  }

  /** Pages of history that were asked for. */
  pages = 0;
  private firstRefused = new Map<ChatKey, number>();

  private onAck(position: number): void {
    this.acked = Math.max(this.acked, position);
    this.acks.push(position);
  }

  /** Acknowledged positions; compared with the store when the run is over. */
  acks: number[] = [];

  /** The local id under which the store knows that a message was sent. */
  async localOf({ chat, position }: Logged): Promise<number | undefined> {
    return (await this.kv.read((tx) => tx.get(key.message(ME, chatKey(chat), position))))?.local;
  }

  async storedCursor(): Promise<number> {
    return (await this.kv.read((tx) => tx.get(key.user(ME))))?.cursor ?? 0;
  }
}
