/**
 * The session core: what to say to the server, what to keep, what to tell the application.
 *
 * There is no socket, no store, no clock in here. Feed it what happened, with the time (milliseconds of any clock
 * that never runs backwards), then do the `Action`s that it asks for, in their order, and call `handleTimeout` at
 * `nextDeadline`.
 *
 * Invariants:
 * - A cursor moves in the same transaction as what it covers, and only along an unbroken run of `after`.
 * - The server learns a cursor, and the application learns a record, only after that transaction.
 * - A hello or login names only what is stored: it waits while cursors are still being written.
 */
import { Decoder, Encoder, FRAME_BYTES_MAX } from '../codec.js';
import type { Body, Frame } from '../codec.js';
import { codeOf, isPassing } from '../errors.js';
import type { Config, Link, State, User } from './link.js';
import { Login } from './login.js';
import { Outbox } from './outbox.js';
import { Backoff, Heartbeat } from './pace.js';
import { Pushes, onPush, onPushCovered, onPushWithdrawn, onResumeRefused } from './pushes.js';
import { Reads } from './reads.js';
import { Requests, needsUser } from './requests.js';
import { Rooms, onRoomChanged, onRoomNotEntered, onRoomRecords } from './rooms.js';
import { onSendRefused, onSent, storeEntry, writeSends } from './sending.js';
import { Sync } from './sync.js';
import { Holes } from './holes.js';
import type { Action, ChatKey, Entry, Identity, LinkEnd, SessionEvent, Stored, Then, Write } from './types.js';

const WELCOME_WITHIN_MS = 10_000;
const CONNECT_WITHIN_MS = 15_000;
/** A link that lasted so long, or so long after its login, was good: the next wait is short again. */
const GOOD_AFTER_MS = 60_000;
const GOOD_AFTER_LOGIN_MS = 10_000;
/** When the server does not know the app key or the version, only an operator can help: ask seldom. */
const REFUSED_WAIT_MS = 60_000;
const DELAY_TOLD_EVERY_MS = 5_000;
const PUSH_RESUME = 45;
const PLATFORM_WEB = 6;
/** Notices, read marks and receipts, profiles that change. */
const CAPABILITIES = 7;
const TAKES_READS = 2;
const PUSHES_STOPPED = 24;

export class Session {
  now = 0;
  identity: Identity;
  users = new Map<string, User>();
  outbox: Outbox;
  pushes: Pushes;
  reads: Reads;
  rooms = new Rooms();
  requests = new Requests();
  login: Login;
  /** The chats of the user who is logged in on this link. */
  sync: Sync | null = null;
  private state: State = { is: 'stopped' };
  private backoff = new Backoff();
  private wasReplaced = false;
  private toldDelayAt = -Infinity;
  private writes: Write[] = [];
  private thens: Then[] = [];
  private storing: { ticket: number; isAwaited: boolean; thens: Then[] }[] = [];
  private lastTicket = 0;
  private actions: Action[] = [];

  constructor(
    readonly config: Config,
    stored: Stored,
  ) {
    this.identity = stored.identity ?? this.newIdentity();
    for (const [name, user] of stored.users) {
      const holes = new Holes(user.holes, user.newest);
      this.users.set(name, { token: user.token, cursor: user.cursor, holes });
      for (const [chat, newest] of user.newest) {
        this.actions.push({ type: 'release', user: name, chat, to: holes.limit(chat, newest) });
      }
    }
    this.outbox = new Outbox(stored.outbox, stored.numberNext);
    this.pushes = new Pushes(stored.pushCursor, stored.pushIds, stored.isPushStopped);
    this.reads = new Reads(stored.users);
    this.login = new Login(this);
    if (stored.havePushes && !stored.isPushStopped) this.actions.push({ type: 'releasePushes' });
    this.flush();
  }

  private newIdentity(): Identity {
    const { bytes } = this.config;
    const identity = { nonce: bytes(16), secret: bytes(16), registrationId: '' };
    this.write({ op: 'identity', identity });
    return identity;
  }

  // What comes out.

  nextAction(): Action | undefined {
    return this.actions.shift();
  }

  nextDeadline(): number {
    const { state, now } = this;
    const requests = this.requests.deadline;
    if (state.is === 'stopped') return requests;
    if (state.is === 'waiting') return Math.min(requests, state.until);
    if (state.is === 'connecting') return Math.min(requests, state.since + CONNECT_WITHIN_MS);
    const { link } = state;
    if (link.phase !== 'welcomed') return Math.min(requests, link.openedAt + WELCOME_WITHIN_MS);
    const times = [
      this.login.deadline(),
      this.sync?.deadline(),
      this.outbox.deadline(now),
      this.pushes.acks.due,
      this.sync && this.reads.deadline(this.sync.user, now),
      this.rooms.deadline(now),
    ];
    return Math.min(requests, link.heartbeat.deadline(this.owesAnswers()), ...times.map((time) => time ?? Infinity));
  }

  /** Actions of the store are many: the shell reads no more from the link until some are done. */
  get isStoringMuch(): boolean {
    return this.storing.length >= 64;
  }

  get storingCount(): number {
    return this.storing.length;
  }

  get isWelcomed(): boolean {
    return this.state.is === 'linked' && this.state.link.phase === 'welcomed';
  }

  private owesAnswers(): boolean {
    return (
      this.login.isOnItsWay ||
      !!this.sync?.owesAnswer ||
      this.rooms.owesAnswers ||
      this.pushes.resuming !== null ||
      this.outbox.owesAnswers ||
      this.requests.owesAnswers ||
      this.reads.owesAnswer
    );
  }

  // What goes in.

  start(now: number): void {
    this.now = now;
    if (this.state.is === 'stopped') this.connect();
  }

  /** Ends the link and holds none until the next start. */
  stop(now: number): void {
    this.now = now;
    if (this.state.is === 'stopped') return;
    this.acknowledge(Infinity);
    this.endLink({ reason: 'stopped' });
    this.state = { is: 'stopped' };
  }

  handleConnected(now: number): void {
    this.now = now;
    if (this.state.is !== 'connecting') return;
    const link: Link = {
      phase: 'stored',
      openedAt: now,
      loggedInAt: null,
      hasStoppedPushes: false,
      takesReads: false,
      heartbeat: new Heartbeat(now),
      encoder: new Encoder(true),
      decoder: new Decoder(false),
    };
    this.state = { is: 'linked', link };
    this.drive();
  }

  handleConnectFailed(now: number): void {
    this.now = now;
    if (this.state.is === 'connecting') this.waitAndReconnect({ reason: 'unreachable' });
  }

  handleMessage(bytes: Uint8Array, now: number): void {
    this.now = now;
    if (this.state.is !== 'linked') return;
    const { link } = this.state;
    link.heartbeat.handleHeard();
    try {
      if (bytes.length > FRAME_BYTES_MAX) throw new RangeError();
      this.handleFrame(link.decoder.decode(bytes));
    } catch {
      this.endLink({ reason: 'malformed' });
    }
    this.drive();
  }

  handleDisconnected(now: number): void {
    this.now = now;
    if (this.state.is === 'linked') this.endLink({ reason: 'closed' });
    this.drive();
  }

  /** A store action, and every one before it, is durable. */
  handleStored(ticket: number, now: number): void {
    this.now = now;
    while (this.storing[0] && this.storing[0].ticket <= ticket)
      this.storing.shift()!.thens.forEach((then) => this.doThen(then));
    this.drive();
  }

  handleTimeout(now: number): void {
    this.now = now;
    for (const request of this.requests.handleTimeout(now)) this.failRequest(request, codeOf('NO_ANSWER'));
    const { state } = this;
    if (state.is === 'waiting' && state.until <= now) this.connect();
    else if (state.is === 'connecting' && state.since + CONNECT_WITHIN_MS <= now) {
      this.actions.push({ type: 'close' });
      this.waitAndReconnect({ reason: 'unreachable' });
    } else if (state.is === 'linked') this.handleLinkTimeout(state.link);
    this.drive();
  }

  private handleLinkTimeout(link: Link): void {
    if (link.phase !== 'welcomed') {
      if (this.now >= link.openedAt + WELCOME_WITHIN_MS) this.endLink({ reason: 'silent' });
      return;
    }
    const beat = link.heartbeat.handleTimeout(this.owesAnswers(), this.now);
    if (beat === 'ping') this.transmit('Ping');
    else if (beat === 'dead') this.endLink({ reason: 'silent' });
  }

  /**
   * The machine slept, the network changed, or the user is back: is the link still there? Nobody waits for a next
   * try.
   */
  handleDoubt(now: number): void {
    this.now = now;
    const { state } = this;
    if (state.is === 'waiting') {
      this.backoff.reset();
      this.connect();
    } else if (state.is === 'linked' && state.link.phase === 'welcomed' && state.link.heartbeat.handleDoubt(now)) {
      this.transmit('Ping');
    }
    this.drive();
  }

  /** Asks the server; the answer is an `answer` or `failed` event with the number that this returns. */
  request(name: string, body: Body, now: number): number | null {
    this.now = now;
    if (this.requests.isFull) return null;
    const request = this.requests.push(name, body, now);
    if (needsUser(name) && !this.login.user) this.failRequest(request, codeOf('NO_USER'));
    // There is nobody to tell: the token is forgotten here, and ends at the server when it expires.
    else if (name === 'Logout' && !this.sync) this.onAnswer('Done', { request });
    this.drive();
    return request;
  }

  /** Takes over a message that is in the store without a number. */
  send(entry: Entry, now: number): void {
    this.now = now;
    const taken = this.outbox.push(entry, this.isWelcomed);
    if (taken) storeEntry(this, taken);
    this.drive();
  }

  resend(local: number, now: number): Entry | null {
    this.now = now;
    const entry = this.outbox.pushAgain(this.login.user, local, this.isWelcomed);
    if (entry) {
      this.write({ op: 'outbox', entry });
      this.thens.push({ type: 'outbox', local, number: entry.number });
      this.drive();
    }
    return entry;
  }

  /** As `Outbox.cancel`. */
  cancel(local: number, now: number): Entry | null | undefined {
    this.now = now;
    const entry = this.outbox.cancel(local);
    if (entry) {
      this.write({ op: 'answered', local });
      this.thens.push({ type: 'emit', event: { type: 'outgoing', entry, state: 'cancelled' } });
      this.drive();
    }
    return entry;
  }

  discard(local: number, now: number): boolean {
    this.now = now;
    const entry = this.outbox.failed.get(local);
    if (entry) {
      this.outbox.failed.delete(local);
      this.write({ op: 'answered', local });
      this.thens.push({ type: 'emit', event: { type: 'outgoing', entry, state: 'cancelled' } });
    }
    this.drive();
    return !!entry;
  }

  /** The user has read the chat up to this position, which only moves forward. */
  markRead(chat: ChatKey, position: number, now: number): void {
    this.now = now;
    const { user } = this.login;
    this.reads.mark(user, chat, position, now);
    this.write({ op: 'readMark', user, chat, position });
    this.drive();
  }

  /** The user has read these messages, which asked for receipts. */
  markMessagesRead(messages: number[], now: number): void {
    this.now = now;
    const { user } = this.login;
    this.reads.read(user, messages, now);
    this.write({ op: 'reads', user, messages });
    this.drive();
  }

  stopPush(isStopped: boolean, now: number): void {
    this.now = now;
    if (this.pushes.isStopped === isStopped) return;
    this.pushes.isStopped = isStopped;
    this.pushes.resuming = null;
    this.write({ op: 'pushStopped', isStopped });
    if (!isStopped) this.thens.push({ type: 'releasePushes' });
    this.drive();
  }

  /** Rooms in which an earlier holder of the link was. */
  enterAgain(rooms: [room: number, told: number][], now: number): void {
    this.now = now;
    for (const [room, told] of rooms) if (!this.rooms.isIn(room)) this.rooms.enter(room, { outsideUntil: 0 }, told);
    this.drive();
  }

  // The link.

  private connect(): void {
    this.state = { is: 'connecting', since: this.now };
    this.emit({ type: 'connecting' });
    this.actions.push({ type: 'connect' });
  }

  transmit(name: string, body: Body = {}): void {
    if (this.state.is !== 'linked') return;
    const { link } = this.state;
    try {
      const bytes = link.encoder.encode(name, body);
      link.heartbeat.handleSent(this.now);
      this.actions.push({ type: 'transmit', bytes });
    } catch {
      // Inputs are checked where they come in; what is too long all the same must not be tried on every link.
      if (body.request) {
        this.failRequest(body.request, codeOf('TOO_LONG'));
      } else {
        this.endLink({ reason: 'malformed' });
      }
    }
  }

  endLink(end: LinkEnd): void {
    if (this.state.is === 'linked') {
      const { openedAt, loggedInAt } = this.state.link;
      if (this.now >= openedAt + GOOD_AFTER_MS || this.now >= (loggedInAt ?? Infinity) + GOOD_AFTER_LOGIN_MS) {
        this.backoff.reset();
        this.wasReplaced = false;
      }
    }
    this.actions.push({ type: 'close' });
    this.leaveUser();
    this.pushes.handleUnlinked();
    this.waitAndReconnect(end);
    for (const request of this.requests.handleUnlinked()) this.failRequest(request, codeOf('LINK_LOST'));
  }

  private waitAndReconnect(end: LinkEnd): void {
    // Once, it may have been a link of our own that was given up and said hello late. Twice, somebody else has a copy
    // of this device's identity: two that come back at once would push each other out for ever.
    if (end.reason === 'go-away' && end.code === codeOf('REPLACED')) {
      if (this.wasReplaced) end = { ...end, reason: 'copied' };
      this.wasReplaced = true;
    }
    const isForOperator = end.reason === 'refused' && [codeOf('APP_KEY'), codeOf('VERSION')].includes(end.code!);
    const wait = isForOperator || end.reason === 'copied' ? REFUSED_WAIT_MS : this.backoff.nextWait(this.config.random);
    this.waitUntil(this.now + wait, end);
  }

  private waitUntil(until: number, end: LinkEnd): void {
    this.state = { is: 'waiting', until };
    this.emit({ type: 'disconnected', end, retryIn: until - this.now });
  }

  /** Nobody is logged in on the link; whoever is wanted will be logged in again. */
  leaveUser(): void {
    this.sync = null;
    this.outbox.handleUnlinked();
    this.rooms.handleUnlinked();
    this.reads.handleUnlinked();
    this.login.handleUnlinked();
  }

  noteLoggedIn(): void {
    if (this.state.is === 'linked') this.state.link.loggedInAt = this.now;
  }

  // Frames.

  private handleFrame({ name, body }: Frame): void {
    if (this.state.is !== 'linked') return;
    const { link } = this.state;
    if (name === 'Failed') return this.onFailed(body);
    if (name === 'GoAway') return this.onGoAway(body);
    // A server says nothing else before the welcome, and welcomes once.
    if ((name === 'Welcome') !== (link.phase === 'welcome')) return this.endLink({ reason: 'malformed' });
    switch (name) {
      case 'Welcome':
        return this.onWelcome(link, body);
      case 'LoggedIn':
        return this.login.onLoggedIn(body);
      case 'Sent':
        return onSent(this, body);
      case 'SendRefused':
        return onSendRefused(this, body);
      case 'Deliver':
        return this.sync?.onDeliver(body);
      case 'Covered':
        return this.sync?.onCovered(body);
      case 'CatchUp':
        return this.sync?.onCatchUp(body);
      case 'MarksMoved':
        return this.sync?.onMarksMoved(body);
      case 'Receipts':
        return this.sync?.onReceipts(body);
      case 'HistoryPage':
        if (this.sync?.onHistoryPage(body)) return;
        break;
      case 'PushDeliver':
        return onPush(this, body);
      case 'PushCovered':
        return onPushCovered(this, body);
      case 'PushWithdrawn':
        return onPushWithdrawn(this, body);
      case 'CommandCame':
        if (this.sync) this.emit({ type: 'command', body });
        return;
      case 'ProfileChanged':
        if (this.sync) this.emit({ type: 'profileChanged', body });
        return;
      case 'RoomDeliver':
        return onRoomRecords(this, { room: body.room, records: [body] });
      case 'RoomRecords':
        return onRoomRecords(this, body);
      case 'RoomEvent':
        return void this.thens.push({ type: 'emit', event: { type: 'roomEvent', body } });
      case 'RoomChanged':
        return onRoomChanged(this, body);
      case 'Unsupported':
        if (body.frame_type === PUSH_RESUME) onResumeRefused(this, this.pushes.resuming);
        return;
      case 'Done':
        if (this.onOwnRequestDone(body.request)) return;
    }
    if (body.request) this.onAnswer(name, body);
  }

  /** Was it a request that the session itself had made? */
  private onOwnRequestDone(request: number): boolean {
    if (this.pushes.resuming === request) {
      this.pushes.resuming = null;
      return true;
    }
    if (this.rooms.handleEntered(request)) return true;
    const told = this.reads.complete(request);
    if (!told) return false;
    const { user, marks, messages } = told;
    for (const [chat, position] of marks) this.write({ op: 'markKnown', user, chat, position });
    if (messages.length) this.write({ op: 'readsKnown', user, messages });
    return true;
  }

  private onWelcome(link: Link, welcome: Body): void {
    link.phase = 'welcomed';
    link.heartbeat.handleBounds(welcome.heartbeat_min_s, welcome.heartbeat_max_s);
    link.takesReads = Number(BigInt(welcome.capabilities) & BigInt(TAKES_READS)) !== 0;
    const registrationId: string = welcome.registration_id;
    if (this.identity.registrationId !== registrationId) {
      this.identity = { ...this.identity, registrationId };
      this.write({ op: 'identity', identity: this.identity });
      this.thens.push({ type: 'emit', event: { type: 'registered', registrationId } });
    }
    this.emit({ type: 'connected', registrationId, serverTime: welcome.server_time_ms });
    this.outbox.handleHead(Number(welcome.outbox_head));
    for (const entry of this.outbox.numberAll()) storeEntry(this, entry);
  }

  private onFailed({ request, code, message }: Body): void {
    if (request === 0) return this.onLinkRefused(code, message);
    if (this.login.onFailed(request, code, message)) return;
    if (this.reads.owesAnswer) {
      // For a passing reason it is told again; what the server refuses for good is given up.
      const isPutOff = isPassing(code) || code === codeOf('NOT_LOGGED_IN');
      if (isPutOff ? this.reads.putOff(request, this.config.random, this.now) : this.onOwnRequestDone(request)) return;
    }
    if (this.sync?.onHistoryFailed(request, code)) return;
    const room = this.rooms.roomOf(request);
    if (room !== undefined) return onRoomNotEntered(this, room, code);
    if (this.pushes.resuming === request) return onResumeRefused(this, request);
    if (isPassing(code)) this.tellDelay(code, message);
    // A report is repeated on the next link.
    if (isPassing(code) && this.requests.isReport(request)) return;
    this.failRequest(request, code, message);
  }

  private onLinkRefused(code: number, message: string): void {
    if (code === codeOf('REGISTRATION')) {
      // The server does not know this device any more: it becomes a new one. Unanswered messages keep their numbers,
      // which are all above what a new device has sent.
      this.identity = this.newIdentity();
      this.pushes.handleNewDevice();
      this.write({ op: 'pushCursor', cursor: null });
    }
    this.endLink({ reason: 'refused', code, message });
  }

  private onGoAway({ code, retry_after_ms: asked, message }: Body): void {
    const wait = asked + this.config.random() * asked;
    this.login.handleGoAway(code, message);
    this.endLink({ reason: 'go-away', code, message });
    if (this.state.is === 'waiting' && code !== codeOf('REPLACED')) {
      const until = Math.max(this.state.until, this.now + wait);
      if (until > this.state.until) this.waitUntil(until, { reason: 'go-away', code, message });
    }
  }

  // Answers.

  private onAnswer(name: string, body: Body): void {
    const asked = this.requests.get(body.request);
    const whole = this.requests.gather(body.request, body);
    if (!asked || !whole) return;
    if (asked.name === 'Logout') this.login.handleLoggedOut();
    else if (asked.name === 'RoomEnter') this.rooms.enter(asked.body.room, 'inside');
    else if (asked.name === 'RoomLeave') this.rooms.leave(asked.body.room);
    this.emit({ type: 'answer', request: body.request, name, body: whole });
  }

  failRequest(request: number, code: number, message = ''): void {
    const name = this.requests.complete(request);
    if (name === 'Logout') this.login.handleLoggedOut();
    this.emit({ type: 'failed', request, code, message });
  }

  tellDelay(code: number, message: string): void {
    if (this.now < this.toldDelayAt + DELAY_TOLD_EVERY_MS) return;
    this.toldDelayAt = this.now;
    this.emit({ type: 'delayed', code, message });
  }

  // What it does by itself.

  /** Does what the present state allows, then hands the gathered changes to the store. */
  drive(): void {
    if (this.state.is === 'linked') this.say(this.state.link);
    this.flush();
  }

  private say(link: Link): void {
    if (link.phase === 'stored' && this.isSettled) this.sayHello(link);
    if (link.phase !== 'stored' && this.isSettled) this.login.say();
    if (link.phase !== 'welcomed') return;
    this.tellPushFlow(link);
    for (let next; this.isWelcomed && (next = this.requests.next(!!this.sync)); ) this.transmit(next.name, next.body);
    if (this.sync && !this.requests.isLoggingOut()) {
      const takeId = () => this.requests.takeId();
      for (let next; (next = this.rooms.next(this.now, takeId)); )
        this.transmit('RoomEnter', { ...next, is_again: true });
      writeSends(this);
      const told = link.takesReads && this.sync && this.reads.begin(this.sync.user, this.now, takeId);
      if (told) this.transmit(...told);
      this.sync?.askForHistory();
    }
    if (this.isWelcomed) this.acknowledge(this.now);
  }

  private sayHello(link: Link): void {
    link.phase = 'welcome';
    link.hasStoppedPushes = this.pushes.isStopped;
    const { registrationId, secret, nonce } = this.identity;
    const stopped = this.pushes.isStopped ? [{ tag: PUSHES_STOPPED, value: new Uint8Array() }] : [];
    this.transmit('Hello', {
      version_min: 1,
      version_max: 1,
      capabilities: CAPABILITIES,
      app_key: this.config.appKey,
      registration_id: registrationId,
      secret,
      nonce: registrationId ? new Uint8Array() : nonce,
      platform: PLATFORM_WEB,
      push_cursor: this.pushes.cursor,
      extensions: [...this.config.traits, ...stopped],
    });
  }

  private tellPushFlow(link: Link): void {
    const { isStopped, cursor } = this.pushes;
    if (link.hasStoppedPushes === isStopped) return;
    link.hasStoppedPushes = isStopped;
    const request = this.requests.takeId();
    if (isStopped) return this.transmit('PushStop', { request });
    this.pushes.expectResumed(request);
    this.transmit('PushResume', { request, push_cursor: cursor });
  }

  private acknowledge(now: number): void {
    const position = this.sync?.acks.take(now) ?? null;
    if (position !== null) this.transmit('Ack', { position });
    for (let ack; (ack = this.pushes.takeAck(now)); ) this.transmit('PushAck', ack);
  }

  // The store.

  /** Nothing that a hello or a login names is still on its way to the store. */
  private get isSettled(): boolean {
    return !this.writes.some(isAwaited) && !this.storing.some((storing) => storing.isAwaited);
  }

  write(write: Write): void {
    this.writes.push(write);
  }

  then(then: Then): void {
    this.thens.push(then);
  }

  emit(event: SessionEvent): void {
    this.actions.push({ type: 'emit', event });
  }

  private flush(): void {
    const { writes, thens } = this;
    this.writes = [];
    this.thens = [];
    const last = this.storing.at(-1);
    if (writes.length) {
      const ticket = ++this.lastTicket;
      this.storing.push({ ticket, isAwaited: writes.some(isAwaited), thens });
      this.actions.push({ type: 'store', ticket, writes });
    } else if (last) {
      last.thens.push(...thens);
    } else {
      thens.forEach((then) => this.doThen(then));
    }
  }

  private doThen(then: Then): void {
    switch (then.type) {
      case 'emit':
      case 'release':
        this.actions.push(then);
        break;
      // What came before the pushes were stopped waits in the store.
      case 'releasePushes':
        if (!this.pushes.isStopped) this.actions.push(then);
        break;
      case 'cursor': {
        const user = this.userOf(then.user);
        user.cursor = Math.max(user.cursor ?? 0, then.to);
        if (this.sync?.user === then.user) this.sync.acks.handleStored(then.to, then.atOnce, this.now);
        break;
      }
      case 'push':
        this.pushes.handleStored(then.cursor, then.received, this.now);
        break;
      case 'outbox':
        this.outbox.handleStored(then.local, then.number);
    }
  }

  userOf(name: string): User {
    let user = this.users.get(name);
    if (!user) this.users.set(name, (user = { token: new Uint8Array(), cursor: null, holes: new Holes() }));
    return user;
  }
}

const AWAITED = new Set<Write['op']>(['identity', 'cursor', 'pushCursor', 'pushStopped']);
const isAwaited = (write: Write): boolean => AWAITED.has(write.op);
