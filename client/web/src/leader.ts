/**
 * The one holder of the link among the tabs: the session core with its socket, its clock and the store around it.
 *
 * A loop does the session's actions in their order. Store actions that wait for each other become one transaction,
 * which counts only if no other holder has begun since: a tab that was frozen while another took over writes nothing
 * any more.
 */
import type { ConnectionState, Events, LoginBy, OutgoingMessage } from './api.js';
import { toOutgoing, toPush, toRoomMessage } from './content.js';
import type { Body, Ext } from './codec.js';
import { toBytes } from './codec.js';
import { AnserError, codeOf, fail } from './errors.js';
import { TAG } from './kinds.js';
import { CREDENTIAL } from './session/login.js';
import type { Given } from './session/login.js';
import { Session } from './session/session.js';
import type { ChatKey, Entry, PushRecord, SessionEvent, Write } from './session/types.js';
import { all, key } from './store/rows.js';
import type { ChatRow } from './store/rows.js';
import { Changes, load } from './store/store.js';
import type { Kv, Tx } from './store/kv.js';

const LOGIN_WITHIN_MS = 30_000;
/** Timers that come so late tell that the machine slept. */
const SLEPT_MS = 15_000;
const TIMER_MS_MAX = 2 ** 31 - 1;
const STORE_AGAIN_MS = 1_000;

/** What every tab knows of the link. */
export interface Shared {
  connection: ConnectionState;
  registrationId: string;
  user: string;
  isLoggedIn: boolean;
  isCaughtUp: boolean;
  isPushStopped: boolean;
  /** Server time less local time. */
  ahead: number;
}

/** Before a link was opened. */
export const unconnected = (): Shared => ({
  connection: { state: 'connecting' },
  registrationId: '',
  user: '',
  isLoggedIn: false,
  isCaughtUp: false,
  isPushStopped: false,
  ahead: 0,
});

/** What the leader tells all tabs, its own first. */
export type Told =
  | { is: 'shared'; shared: Shared }
  | { is: 'event'; name: keyof Events; value: unknown }
  | { is: 'release'; user: string; chat: ChatKey; from: number; to: number }
  | { is: 'rows'; user: string; chats: ChatKey[] };

export interface LeaderOptions {
  kv: Kv;
  appKey: string;
  url: string;
  traits: Ext[];
  WebSocket: typeof WebSocket;
  renew?: (user: string) => Promise<LoginBy>;
  /** Resolves when this tab's application was told. */
  tell: (told: Told) => Promise<void>;
  /** Another holder has begun. */
  onReplaced: () => void;
}

/** How the application's means to log in travel; kept in memory alone. */
export function givenBy(by: LoginBy): Given {
  if ('signedToken' in by) return { kind: CREDENTIAL.signed, credential: toBytes(by.signedToken), extensions: [] };
  const kind = by.isMd5 ? CREDENTIAL.md5 : CREDENTIAL.password;
  const { signature } = by;
  const extensions = signature ? [signatureExtension(signature)] : [];
  return { kind, credential: toBytes(by.password), extensions };
}

const signatureExtension = (by: { timestamp: number; randomStr: string; signature: string }): Ext => ({
  tag: TAG.webSignature,
  value: toBytes(`${by.timestamp}\n${by.randomStr}\n${by.signature}`),
});

interface Waiting {
  resolve: (value: any) => void;
  reject: (error: unknown) => void;
}

class Replaced extends Error {}

export class Leader {
  private session!: Session;
  private epoch = 0;
  private socket: WebSocket | null = null;
  private inbox: Uint8Array[] = [];
  private pending: { ticket: number; writes: Write[] }[] = [];
  private isWriting = false;
  private isRunning = false;
  private isClosed = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private requests = new Map<number, Waiting>();
  private logins: Waiting[] = [];
  private handed = new Map<string, number>();
  private namesAsked = new Set<ChatKey>();
  private havePushes = false;
  private isReleasingPushes = false;
  private use = { opens: 0, seconds: 0 };
  private isReportingUse = false;
  shared = unconnected();

  constructor(private options: LeaderOptions) {}

  private get now(): number {
    return performance.now();
  }

  /** Takes over: from here on an earlier holder writes nothing. */
  async start(rooms: [number, number][] = []): Promise<void> {
    const { kv, appKey, traits } = this.options;
    const loaded = await kv.write(async (tx) => {
      this.epoch = ((await tx.get(key.epoch)) ?? 0) + 1;
      tx.put(key.epoch, this.epoch);
      return load(tx);
    });
    if (this.isClosed) return;
    this.rejectAll();
    const { stored, wanted, handed } = loaded;
    this.handed.clear();
    for (const row of handed) this.noteHanded(row);
    this.pending = [];
    this.session = new Session(
      { appKey, traits, random: Math.random, bytes: (length) => crypto.getRandomValues(new Uint8Array(length)) },
      stored,
    );
    this.share({ registrationId: stored.identity?.registrationId ?? '', isPushStopped: stored.isPushStopped });
    if (wanted) this.session.login.want(wanted, null, this.now);
    this.share({ user: this.session.login.user });
    this.session.enterAgain(rooms, this.now);
    this.session.start(this.now);
    this.run();
  }

  /** Gives the link back; what is stored stays. */
  close(): void {
    if (this.isClosed) return;
    this.session?.stop(this.now);
    this.run();
    this.isClosed = true;
    clearTimeout(this.timer);
    this.closeSocket();
    this.rejectAll();
  }

  private rejectAll(): void {
    for (const waiting of [...this.requests.values(), ...this.logins]) waiting.reject(fail('LINK_LOST'));
    this.requests.clear();
    this.logins = [];
  }

  // What tabs ask for.

  request(name: string, body: Body): Promise<Body> {
    return new Promise((resolve, reject) => {
      const request = this.session.request(name, body, this.now);
      if (request === null) return reject(fail('TOO_MANY'));
      this.requests.set(request, { resolve, reject });
      this.run();
    });
  }

  login(user: string, by: LoginBy | null): Promise<void> {
    for (const waiting of this.logins.splice(0)) waiting.reject(fail('CANCELLED', 'another login was asked for'));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(fail('NO_ANSWER')), LOGIN_WITHIN_MS);
      const settled =
        <T>(settle: (value: T) => void) =>
        (value: T) => (clearTimeout(timer), settle(value));
      this.logins.push({ resolve: settled(resolve), reject: settled(reject) });
      this.share({ user, isLoggedIn: false, isCaughtUp: false });
      this.session.login.want(user, by && givenBy(by), this.now);
      this.run();
    });
  }

  private async logout(): Promise<void> {
    if (!this.session.login.user) throw fail('NO_USER');
    // The user is out here, whatever the server could be told.
    await this.request('Logout', {}).catch(() => {});
  }

  private async enterRoom(room: number): Promise<void> {
    if (this.session.rooms.isIn(room)) return;
    await this.request('RoomEnter', { room, after: 0, is_again: false });
  }

  private resend(local: number): void {
    const entry = this.session.resend(local, this.now);
    if (!entry) throw fail('NOT_FAILED');
    this.tellOutgoing(entry, 'waiting');
    this.run();
  }

  private cancel(local: number): void {
    const entry = this.session.cancel(local, this.now);
    this.run();
    if (!entry) throw fail('TOO_LATE_TO_CANCEL');
  }

  private discard(local: number): void {
    const was = this.session.discard(local, this.now);
    this.run();
    if (!was) throw fail('NOT_FAILED');
  }

  /** The calls of tabs by name. */
  async call(name: string, args: any[]): Promise<unknown> {
    const { session, now } = this;
    switch (name) {
      case 'request':
        return this.request(args[0], args[1]);
      case 'login':
        return this.login(args[0], args[1]);
      case 'logout':
        return this.logout();
      case 'enterRoom':
        return this.enterRoom(args[0]);
      case 'resend':
        return this.resend(args[0]);
      case 'cancel':
        return this.cancel(args[0]);
      case 'discard':
        return this.discard(args[0]);
      case 'markRead':
        this.needUser();
        session.markRead(args[0], args[1], now);
        break;
      case 'messagesRead':
        this.needUser();
        session.markMessagesRead(args[0], now);
        break;
      case 'stopPush':
        session.stopPush(args[0], now);
        this.share({ isPushStopped: args[0] });
        break;
      case 'doubt':
        session.handleDoubt(now);
        break;
      case 'send':
        session.send(args[0], now);
        break;
      case 'enterAgain':
        session.enterAgain(args[0], now);
        break;
      case 'activity':
        this.reportUse(args[0], args[1]);
        break;
    }
    this.run();
    return undefined;
  }

  private needUser(): void {
    if (!this.session.login.user) throw fail('NO_USER');
  }

  /** How the page was used, one report after the other: what happens meanwhile waits for the next. */
  private reportUse(opens: number, seconds: number): void {
    this.use.opens += opens;
    this.use.seconds += seconds;
    if (this.isReportingUse || !(this.use.opens || this.use.seconds)) return;
    this.isReportingUse = true;
    const use = { opens: Math.min(10_000, this.use.opens), seconds: Math.min(604_800, Math.round(this.use.seconds)) };
    this.use = { opens: 0, seconds: 0 };
    const ended = () => {
      this.isReportingUse = false;
      if (!this.isClosed) this.reportUse(0, 0);
    };
    this.request('Activity', { number: Math.floor(Math.random() * 2 ** 50) + 1, ...use }).then(ended, ended);
  }

  // The loop.

  private run(): void {
    if (this.isRunning || this.isClosed) return;
    this.isRunning = true;
    try {
      this.doActions();
    } finally {
      this.isRunning = false;
    }
    void this.writePending();
    this.setTimer();
  }

  private doActions(): void {
    for (;;) {
      const action = this.session.nextAction();
      if (!action) {
        const message = this.session.isStoringMuch ? undefined : this.inbox.shift();
        if (!message) return;
        this.session.handleMessage(message, this.now);
        continue;
      }
      switch (action.type) {
        case 'connect':
          this.openSocket();
          break;
        case 'transmit':
          this.socket?.send(action.bytes as Uint8Array<ArrayBuffer>);
          break;
        case 'close':
          this.closeSocket();
          break;
        case 'store':
          this.pending.push(action);
          break;
        case 'emit':
          this.onEvent(action.event);
          break;
        case 'release':
          void this.release(action.user, action.chat, action.to);
          break;
        case 'releasePushes':
          void this.releasePushes();
          break;
      }
    }
  }

  private setTimer(): void {
    clearTimeout(this.timer);
    const wait = Math.min(TIMER_MS_MAX, Math.max(0, this.session.nextDeadline() - this.now));
    const due = Date.now() + wait;
    this.timer = setTimeout(() => {
      if (this.isClosed) return;
      const hasSlept = Date.now() > due + SLEPT_MS;
      this.session.handleTimeout(this.now);
      if (hasSlept) this.session.handleDoubt(this.now);
      this.run();
    }, Math.ceil(wait));
  }

  private openSocket(): void {
    this.closeSocket();
    let socket: WebSocket;
    try {
      socket = new this.options.WebSocket(this.options.url);
    } catch {
      this.session.handleConnectFailed(this.now);
      return;
    }
    socket.binaryType = 'arraybuffer';
    this.socket = socket;
    const ifCurrent = (then: () => void) => () => {
      if (this.socket !== socket || this.isClosed) return;
      then();
      this.run();
    };
    let isOpen = false;
    socket.onopen = ifCurrent(() => {
      isOpen = true;
      this.session.handleConnected(this.now);
    });
    socket.onmessage = ({ data }) => ifCurrent(() => this.inbox.push(toMessageBytes(data)))();
    socket.onclose = ifCurrent(() => {
      this.socket = null;
      // What had arrived counts; the last frame says why.
      for (const message of this.inbox.splice(0)) this.session.handleMessage(message, this.now);
      if (isOpen) this.session.handleDisconnected(this.now);
      else this.session.handleConnectFailed(this.now);
    });
  }

  private closeSocket(): void {
    const { socket } = this;
    this.socket = null;
    this.inbox = [];
    socket?.close();
  }

  // The store.

  private async writePending(): Promise<void> {
    if (this.isWriting || !this.pending.length || this.isClosed) return;
    this.isWriting = true;
    const batch = this.pending.splice(0);
    const { session } = this;
    try {
      const rows = await this.options.kv.write(async (tx) => {
        await this.checkEpoch(tx);
        const changes = new Changes(tx);
        for (const { writes } of batch) await changes.apply(writes);
        return changes.finish();
      });
      this.isWriting = false;
      if (this.isClosed || session !== this.session) return;
      rows.forEach((row) => this.noteHanded(row));
      const stored = batch.filter(({ ticket }) => ticket).at(-1);
      // How far pages were told is nothing to see.
      if (batch.some(({ writes }) => writes.some(({ op }) => op !== 'handed'))) this.tellRows(rows);
      if (stored) session.handleStored(stored.ticket, this.now);
      this.run();
    } catch (error) {
      this.isWriting = false;
      this.onStoreFailed(error);
    }
  }

  private async checkEpoch(tx: Tx): Promise<void> {
    if ((await tx.get(key.epoch)) !== this.epoch) throw new Replaced();
  }

  /** The session knows more than the store: it begins anew with what is there. */
  private onStoreFailed(error: unknown): void {
    if (this.isClosed) return;
    this.closeSocket();
    if (error instanceof Replaced) {
      this.isClosed = true;
      clearTimeout(this.timer);
      this.options.onReplaced();
      return;
    }
    this.pending = [];
    this.onEvent({
      type: 'delayed',
      code: codeOf('NOT_STORED'),
      message: `this browser stores nothing: ${String(error)}`,
    });
    this.session.stop(this.now);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.start().catch((again) => this.onStoreFailed(again)), STORE_AGAIN_MS);
  }

  private tellRows(rows: ChatRow[]): void {
    const chats = new Map<string, ChatKey[]>();
    for (const { user, chat } of rows) if (chat !== 'n') chats.set(user, [...(chats.get(user) ?? []), chat]);
    for (const [user, list] of chats) void this.options.tell({ is: 'rows', user, chats: list });
    rows.forEach((row) => this.askForName(row));
  }

  /** A group that came while the device was connected: nobody has said what it is called. */
  private askForName({ user, chat, name, isShown }: ChatRow): void {
    if (chat[0] !== 'g' || name || !isShown || user !== this.session.login.user || this.namesAsked.has(chat)) return;
    this.namesAsked.add(chat);
    const named = ({ shown }: Body) => {
      this.pending.push({ ticket: 0, writes: [{ op: 'row', user, chat, name: shown.name, floor: 0, handed: 0 }] });
      void this.writePending();
    };
    // Not a member any more, or no link: the application shows what it likes.
    this.request('GroupAsk', { group: Number(chat.slice(1)), question: 1 }).then(named, () => {});
  }

  private noteHanded({ user, chat, handed }: ChatRow): void {
    const name = JSON.stringify([user, chat]);
    this.handed.set(name, Math.max(handed, this.handed.get(name) ?? 0));
  }

  /** A page that is killed before the mark is stored leaves the records to the next one. */
  private async release(user: string, chat: ChatKey, to: number): Promise<void> {
    const name = JSON.stringify([user, chat]);
    const from = this.handed.get(name) ?? 0;
    if (to <= from) return;
    this.handed.set(name, to);
    try {
      await this.options.tell({ is: 'release', user, chat, from, to });
    } catch {
      // The store cannot be read now: the next page is told.
      return;
    }
    this.pending.push({ ticket: 0, writes: [{ op: 'handed', user, chat, to }] });
    void this.writePending();
  }

  private async releasePushes(): Promise<void> {
    this.havePushes = true;
    if (this.isReleasingPushes) return;
    this.isReleasingPushes = true;
    try {
      while (this.havePushes && !this.isClosed) {
        this.havePushes = false;
        await this.handOutPushes();
      }
    } catch (error) {
      this.onStoreFailed(error);
    } finally {
      this.isReleasingPushes = false;
    }
  }

  private async handOutPushes(): Promise<void> {
    const { kv } = this.options;
    const pushes = (await kv.read((tx) => tx.list(...all('p')))) as (PushRecord & { arrival: number })[];
    for (const push of pushes) await this.tellEvent('push', toPush(push));
    await kv.write(async (tx) => {
      await this.checkEpoch(tx);
      for (const { arrival } of pushes) tx.delete(key.arrival(arrival));
    });
  }

  // What the session tells.

  private share(change: Partial<Shared>): void {
    Object.assign(this.shared, change);
    void this.options.tell({ is: 'shared', shared: { ...this.shared } });
  }

  private tellEvent<E extends keyof Events>(name: E, value: Events[E]): Promise<void> {
    return this.options.tell({ is: 'event', name, value });
  }

  private tellOutgoing(entry: Entry, state: OutgoingMessage['state'], sent?: { msgId: number; time: number }): void {
    void this.tellEvent('outgoing', toOutgoing(entry, state, sent));
  }

  private onConnection(connection: ConnectionState, change: Partial<Shared> = {}): void {
    this.share({ ...change, connection });
    void this.tellEvent('connection', connection);
  }

  private onEvent(event: SessionEvent): void {
    switch (event.type) {
      case 'connecting':
        return this.onConnection({ state: 'connecting' });
      case 'connected': {
        const { registrationId, serverTime } = event;
        this.onConnection({ state: 'connected' }, { registrationId, ahead: serverTime - Date.now() });
        return;
      }
      case 'disconnected': {
        const { end, retryIn } = event;
        const state = end.reason === 'stopped' ? 'stopped' : 'waiting';
        return this.onConnection(
          { state, ...(state === 'waiting' && { retryAt: Math.round(Date.now() + retryIn) }), ...end },
          { isLoggedIn: false, isCaughtUp: false },
        );
      }
      case 'registered':
        return void this.tellEvent('registered', { registrationId: event.registrationId });
      case 'loggedIn':
        return this.onLoggedIn(event.user);
      case 'caughtUp':
        return this.onCaughtUp(event.user);
      case 'loginNeeded':
        return void this.onLoginNeeded(event.user);
      case 'loginFailed':
        return this.onLoginFailed(event);
      case 'loggedOut':
        this.share({ user: '', isLoggedIn: false, isCaughtUp: false });
        return void this.tellEvent('loggedOut', { user: event.user });
      case 'outgoing': {
        const { entry, state, msgId, time } = event;
        return this.tellOutgoing(entry, state, msgId === undefined ? undefined : { msgId, time: time! });
      }
      case 'answer':
        return this.settle(event.request, (waiting) => waiting.resolve(event.body));
      case 'failed':
        return this.settle(event.request, (waiting) => waiting.reject(new AnserError(event.code, event.message)));
      case 'receipt': {
        const { chat, message: msgId, unread, at_ms: time } = event;
        const place = chat[0] === 'u' ? { user: chat.slice(1) } : { group: Number(chat.slice(1)) };
        return void this.tellEvent('receipt', { chat: place, msgId, unread, time });
      }
      case 'command': {
        const { target: kind, from, group, platform, text } = event.body;
        return void this.tellEvent('command', { kind, from, group, platform, text });
      }
      case 'profileChanged':
        return void this.tellEvent('profileChanged', { username: event.body.username, time: event.body.changed_ms });
      case 'roomEvent': {
        const { room, kind, at_ms: time, by, users } = event.body;
        return void this.tellEvent('roomEvent', { room, event: kind, time, by, users });
      }
      case 'roomChanged':
        return void this.tellEvent('roomChanged', { room: event.body.room, change: event.body.kind });
      case 'roomMessages': {
        const { room, records } = event;
        const messages = records.map((record) => toRoomMessage(this.session.login.user, room, record));
        return void this.tellEvent('roomMessages', { room, messages });
      }
      case 'pushWithdrawn':
        return void this.tellEvent('pushWithdrawn', { msgId: event.msgId });
      case 'delayed':
        return void this.tellEvent('delayed', { code: event.code, message: event.message });
    }
  }

  private settle(request: number, settle: (waiting: Waiting) => void): void {
    const waiting = this.requests.get(request);
    this.requests.delete(request);
    if (waiting) settle(waiting);
  }

  private onLoggedIn(user: string): void {
    this.share({ user, isLoggedIn: true, isCaughtUp: false });
    void this.tellEvent('loggedIn', { user });
    for (const waiting of this.logins.splice(0)) waiting.resolve(undefined);
  }

  private onCaughtUp(user: string): void {
    // Told once it is stored: by then the link may be gone, or another user's.
    if (this.shared.isLoggedIn && this.shared.user === user) this.share({ isCaughtUp: true });
    void this.tellEvent('caughtUp', { user });
  }

  private async onLoginNeeded(user: string): Promise<void> {
    const { renew } = this.options;
    if (renew && !this.logins.length) {
      try {
        const by = await renew(user);
        if (this.isClosed || (this.session.login.user && this.session.login.user !== user)) return;
        return await this.login(user, by);
      } catch {
        /* The application is told below that it is its turn. */
      }
    }
    this.share({ user: '', isLoggedIn: false, isCaughtUp: false });
    for (const waiting of this.logins.splice(0)) waiting.reject(fail('TOKEN_INVALID'));
    void this.tellEvent('loginNeeded', { user });
  }

  private onLoginFailed({ user, code, message }: { user: string; code: number; message: string }): void {
    this.share({ user: '', isLoggedIn: false, isCaughtUp: false });
    for (const waiting of this.logins.splice(0)) waiting.reject(new AnserError(code, message));
    void this.tellEvent('loginFailed', { user, code, message, ...webEvent(code) });
  }
}

/** The numbers that JMessage's Web SDK has for the ends of sessions. */
function webEvent(code: number): { event: number; extra?: number } | undefined {
  switch (code) {
    case codeOf('LOGGED_IN_ELSEWHERE'):
      return { event: 1, extra: 0 };
    case codeOf('USER_DISABLED'):
      return { event: 1, extra: 1 };
    case codeOf('USER_UNKNOWN'):
      return { event: 1, extra: 2 };
    case codeOf('TOKEN_INVALID'):
      return { event: 2 };
    default:
      return undefined;
  }
}

/** A text is no frame: an empty message is refused like one. */
const toMessageBytes = (data: unknown): Uint8Array =>
  data instanceof ArrayBuffer ? new Uint8Array(data) : new Uint8Array();
