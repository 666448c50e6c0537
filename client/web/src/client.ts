/** One tab's client: what the application calls, and the events that it hears. */
import type {
  Chat,
  Client,
  ClientOptions,
  ConnectionState,
  Conversation,
  Events,
  Json,
  LoginBy,
  Message,
  OutgoingMessage,
  ProfileChange,
  SendOptions,
  Sending,
  Target,
  Content,
  WebSignature,
} from './api.js';
import { groupCalls, mediaCalls, pushCalls, roomCalls, userCalls } from './calls.js';
import { byteLength, toBytes } from './codec.js';
import type { Body, Ext } from './codec.js';
import { encodeContent, json, targetKey, targetOf, toMessage, toNotice, toOutgoing } from './content.js';
import { AnserError, fail } from './errors.js';
import { AMENDMENT, KIND, TAG, extension, isShownKind } from './kinds.js';
import { Leader } from './leader.js';
import { unconnected } from './leader.js';
import type { Told } from './leader.js';
import { TypingOut, Typers, readTyping } from './typing.js';
import { chatKey, wireChat } from './session/sync.js';
import { WAITING_MAX } from './session/outbox.js';
import type { ChatKey, Entry, Rec } from './session/types.js';
import { openIndexedDb } from './store/indexeddb.js';
import { MemoryKv } from './store/kv.js';
import type { Kv, Tx } from './store/kv.js';
import { all, key, limitOf, newChatRow, shownTo } from './store/rows.js';
import type { ChatRow, ReceiptRow, StoredMessage, UserRow } from './store/rows.js';
import { Changes, readAmendment } from './store/store.js';
import { Tabs } from './tabs.js';
import { showPush, watchPage } from './page.js';
import type { Holder } from './tabs.js';

const PAGE_MAX = 100;
const TEXT_BYTES_MAX = 65_536;
/** Records that are handed out in one go. */
const HANDED_AT_A_TIME = 200;
const UNREAD_MAX = 1000;
const READS_AT_A_TIME = 1000;

type Handler = (value: any) => void;

export async function connect(options: ClientOptions): Promise<Client> {
  if (!options.appKey || options.appKey.length > 64) throw fail('PARAMETER', 'an app key is needed');
  const server = new URL(options.server ?? globalThis.location?.href ?? '', 'https://localhost');
  const name = `anser ${options.appKey} ${server.host} ${options.profile ?? ''}`;
  // Without locks (a page that did not come over TLS) tabs cannot agree on who holds the link: each is a device of its
  // own.
  const canShare = options.store !== 'memory' && typeof indexedDB !== 'undefined' && !!globalThis.navigator?.locks;
  let kv: Kv | null = null;
  if (canShare) kv = await openIndexedDb(name).catch(() => null);
  const client = new TabClient(options, server, kv ?? new MemoryKv(), name, !kv);
  await client.open();
  return client;
}

const TRAITS = [
  ['appVersion', 17],
  ['osVersion', 18],
  ['model', 19],
  ['language', 20],
  ['channel', 21],
] as const;

function traits(options: ClientOptions): Ext[] {
  return TRAITS.flatMap(([name, tag]) => {
    const text = options[name] ?? (name === 'language' ? globalThis.navigator?.language : undefined);
    return text ? [{ tag, value: toBytes(text).slice(0, 64) }] : [];
  });
}

export class TabClient implements Client {
  readonly appKey: string;
  readonly users = userCalls(this);
  readonly groups = groupCalls(this);
  readonly rooms = roomCalls(this);
  readonly media;
  readonly push = pushCalls(this);
  shared = unconnected();
  /** Rooms that this tab is in, and up to where its application was told. */
  readonly roomsTold = new Map<number, number>();
  private handlers = new Map<string, Set<Handler>>();
  private tabs: Tabs;
  /** Up to where the chats were told to this tab's application. */
  private told = new Map<string, number>();
  private telling: Promise<void> = Promise.resolve();
  private changed = new Map<string, [string, ChatKey]>();
  private sendings = new Map<
    number,
    { resolve: (sent: { msgId: number; time: number }) => void; reject: (error: unknown) => void }
  >();
  private typing = new TypingOut((user, text) => this.sendCommand({ user }, text));
  private typers = new Typers((user, isTyping) => this.emit('typing', { user, isTyping }));
  private stopWatching = () => {};
  private isClosed = false;

  constructor(
    readonly options: ClientOptions,
    readonly server: URL,
    private kv: Kv,
    readonly name: string,
    isAlone: boolean,
  ) {
    this.appKey = options.appKey;
    this.media = mediaCalls(this);
    const url = new URL('/link', server);
    url.protocol = url.protocol === 'http:' || url.protocol === 'ws:' ? 'ws:' : 'wss:';
    url.hash = '';
    const makeHolder = (tell: (told: Told) => Promise<void>, onReplaced: () => void): Holder =>
      new Leader({
        kv,
        appKey: options.appKey,
        url: url.href,
        traits: traits(options),
        tell,
        onReplaced,
        WebSocket: (options.WebSocket ?? globalThis.WebSocket) as typeof WebSocket,
        ...(options.renew && { renew: options.renew }),
      });
    this.tabs = new Tabs({
      name,
      isAlone,
      makeHolder,
      onTold: (told) => this.onTold(told),
      onHolder: () => void this.checkSendings(),
      rooms: () => [...this.roomsTold],
    });
  }

  async open(): Promise<void> {
    this.stopWatching = watchPage(this);
    await this.tabs.open();
  }

  // Events.

  on<E extends keyof Events>(event: E, handler: (value: Events[E]) => void): () => void {
    const handlers = this.handlers.get(event) ?? new Set();
    this.handlers.set(event, handlers.add(handler));
    return () => void handlers.delete(handler);
  }

  emit<E extends keyof Events>(event: E, value: Events[E]): void {
    for (const handler of [...(this.handlers.get(event) ?? [])]) {
      try {
        handler(value);
      } catch (error) {
        // One handler's fault keeps nothing from the others.
        console.error(error);
      }
    }
  }

  private onTold(told: Told): Promise<void> {
    if (this.isClosed) return Promise.resolve();
    switch (told.is) {
      case 'shared':
        this.shared = told.shared;
        break;
      case 'event':
        this.onEvent(told.name, told.value);
        break;
      case 'release':
        return this.handOut(told.user, told.chat, told.from, told.to);
      case 'rows':
        for (const chat of told.chats) this.noteChanged(told.user, chat);
    }
    return Promise.resolve();
  }

  private onEvent(name: keyof Events, value: any): void {
    if (name === 'outgoing') this.settleSending(value);
    if (name === 'roomMessages') {
      const told = this.roomsTold.get(value.room) ?? 0;
      const messages = value.messages.filter(({ msgId }: { msgId: number }) => msgId > told);
      if (!messages.length) return;
      if (this.roomsTold.has(value.room)) this.roomsTold.set(value.room, messages.at(-1).msgId);
      return this.emit('roomMessages', { ...value, messages });
    }
    if (name === 'roomChanged' && value.change !== 1) this.roomsTold.delete(value.room);
    if (name === 'command') {
      const text = value.kind === 1 ? readTyping(value.text) : undefined;
      if (text !== undefined) this.typers.hear(value.from, text !== '');
    }
    if (name === 'push' && this.options.showNotifications) void showPush(this, value);
    this.emit(name, value);
  }

  /** Tells the application what may be handed out now, in its order and once. */
  private handOut(user: string, chat: ChatKey, from: number, to: number): Promise<void> {
    const done = this.telling.then(() => this.handOutNow(user, chat, from, to));
    this.telling = done.catch((error) => console.error(error));
    return done;
  }

  private async handOutNow(user: string, chat: ChatKey, from: number, to: number): Promise<void> {
    const name = JSON.stringify([user, chat]);
    let told = Math.max(from, this.told.get(name) ?? 0);
    while (told < to && !this.isClosed) {
      const records = (await this.kv.read((tx) =>
        tx.list(key.message(user, chat, told + 1), key.message(user, chat, to), HANDED_AT_A_TIME),
      )) as StoredMessage[];
      for (const record of records) if (!record.isDeleted) await this.tellRecord(user, chat, record);
      told = records.length < HANDED_AT_A_TIME ? to : records.at(-1)!.position;
      this.told.set(name, told);
    }
  }

  private async tellRecord(user: string, chat: ChatKey, record: StoredMessage): Promise<void> {
    if (chat === 'n') {
      const notice = toNotice(record);
      if (notice) this.emit('notice', notice);
    } else if (record.kind === KIND.amended) {
      await this.tellAmended(user, chat, record);
    } else if (record.outbox === 0) {
      if (chat[0] === 'u' && record.from !== user) this.typers.hear(record.from, false);
      this.emit('message', toMessage(user, chat, record));
    }
  }

  private async tellAmended(user: string, chat: ChatKey, record: StoredMessage): Promise<void> {
    const told = record.from === '' ? readAmendment(record.body) : null;
    const change = (['retracted', 'edited', 'erased'] as const).find((name) => AMENDMENT[name] === told?.kind);
    if (!told || !change) return;
    const stored = (await this.kv.read((tx) => tx.get(key.message(user, chat, told.position)))) as
      | StoredMessage
      | undefined;
    const message = stored && !stored.isDeleted ? { message: toMessage(user, chat, stored) } : {};
    this.emit('amended', { chat: wireChat(chat) as Chat, msgId: told.position, change, by: told.by, ...message });
  }

  private noteChanged(user: string, chat: ChatKey): void {
    if (!this.changed.size) setTimeout(() => void this.tellChanged().catch((error) => console.error(error)), 0);
    this.changed.set(JSON.stringify([user, chat]), [user, chat]);
  }

  private async tellChanged(): Promise<void> {
    const changed = [...this.changed.values()].filter(([user]) => user === this.user);
    this.changed.clear();
    if (!this.handlers.get('conversation')?.size || this.isClosed) return;
    const rows = await this.kv.read(async (tx) => {
      const all = await Promise.all(changed.map(([user, chat]) => tx.get(key.chat(user, chat))));
      return readConversations(tx, all);
    });
    for (const row of rows) this.emit('conversation', row);
  }

  // The link.

  get registrationId(): string {
    return this.shared.registrationId;
  }
  get user(): string {
    return this.shared.user;
  }
  get isLoggedIn(): boolean {
    return this.shared.isLoggedIn;
  }
  get isCaughtUp(): boolean {
    return this.shared.isCaughtUp;
  }
  get isConnected(): boolean {
    return this.shared.connection.state === 'connected';
  }
  get connection(): ConnectionState {
    return this.shared.connection;
  }

  now(): number {
    return Date.now() + this.shared.ahead;
  }

  async reconnect(): Promise<void> {
    await this.call('doubt');
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.stopWatching();
    this.tabs.close();
    this.typers.close();
    this.kv.close();
    for (const { reject } of this.sendings.values()) reject(fail('LINK_LOST', 'this client was closed'));
  }

  call(name: string, ...args: unknown[]): Promise<any> {
    return this.tabs.call(name, ...args);
  }

  /** Asks the server; the answer's fields. */
  request(name: string, body: Body = {}): Promise<Body> {
    return this.call('request', name, body);
  }

  /** The user whose chats are meant. */
  needUser(): string {
    if (!this.user) throw fail('NO_USER', 'log in first');
    return this.user;
  }

  // The account.

  async register(username: string, password: string, profile?: ProfileChange, signature?: WebSignature): Promise<void> {
    checkName(username);
    checkPassword(password);
    await this.request('RegisterUser', { username, password });
    if (!profile) return;
    await this.login(username, { password, ...(signature && { signature }) });
    await this.users.update(profile);
  }

  async login(user: string, by?: LoginBy): Promise<void> {
    checkName(user);
    if (by && 'password' in by && !by.password) throw fail('PARAMETER', 'a password has 4 to 128 bytes');
    if (by && 'signedToken' in by && (!by.signedToken || byteLength(by.signedToken) > 4096))
      throw fail('PARAMETER', 'a signed token has 1 to 4096 bytes');
    if (!by && this.user === user && this.isLoggedIn) return;
    this.typing.end();
    await this.call('login', user, by ?? null);
  }

  async logout(): Promise<void> {
    await this.call('logout');
  }

  async knownUsers(): Promise<string[]> {
    const rows = (await this.kv.read((tx) => tx.list(...all('u')))) as UserRow[];
    return rows.filter(({ token }) => token.length).map(({ name }) => name);
  }

  async changePassword(old: string, fresh: string): Promise<void> {
    checkPassword(fresh);
    await this.request('PasswordChange', { old, new: fresh });
  }

  async ownDevices() {
    const { devices } = await this.request('OwnDevicesAsk');
    return (devices as Body[]).map((device) => ({
      registrationId: device.registration_id,
      platform: device.platform,
      isLoggedIn: device.is_logged_in,
      isOnline: device.is_online,
      seenAt: 1000 * device.seen_s,
      wasPushedOff: device.was_pushed_off,
    }));
  }

  // Commands.

  async sendCommand(to: Chat | { ownDevices: number }, text: string): Promise<void> {
    if (byteLength(text) > 1024) throw fail('COMMAND_TOO_LONG');
    const nobody = { username: '', group: 0, platform: 0, text };
    if ('user' in to) await this.request('SendCommand', { ...nobody, target: 1, username: to.user });
    else if ('group' in to) await this.request('SendCommand', { ...nobody, target: 2, group: to.group });
    else await this.request('SendCommand', { ...nobody, target: 3, platform: to.ownDevices });
  }

  async sendTyping(user: string, isTyping = true): Promise<void> {
    await this.typing.press(user, isTyping);
  }

  // Conversations.

  private async changeChat(
    chat: Chat,
    change: (changes: Changes, row: ChatRow) => Promise<void> | void,
  ): Promise<ChatRow> {
    const user = this.needUser();
    const rows = await this.kv.write(async (tx) => {
      const changes = new Changes(tx);
      await change(changes, await changes.chat(user, chatKey(chat)));
      return changes.finish();
    });
    await this.tabs.tell({ is: 'rows', user, chats: rows.map((row) => row.chat) });
    return rows[0]!;
  }

  readonly conversations = {
    list: async (): Promise<Conversation[]> => {
      const user = this.needUser();
      const rows = await this.kv.read(async (tx) => readConversations(tx, await tx.list(...all('c', user))));
      return rows.sort((a, b) => b.time - a.time);
    },
    get: async (chat: Chat): Promise<Conversation | undefined> => {
      const place = key.chat(this.needUser(), chatKey(chat));
      return (await this.kv.read(async (tx) => readConversations(tx, [await tx.get(place)])))[0];
    },
    delete: async (chat: Chat): Promise<void> => {
      await this.changeChat(chat, (changes, row) => changes.deleteChat(row, true));
      await this.tabs.tell({ is: 'event', name: 'conversationDeleted', value: { chat: wireChat(chatKey(chat)) } });
    },
    markRead: async (chat: Chat, upTo?: number): Promise<void> => {
      const row = await this.row(chat);
      // Never above what is here: what comes later is not read.
      const newest = row ? limitOf(row) : 0;
      const position = Math.min(upTo ?? newest, newest);
      if (!row || (position <= row.mark && !row.byHand)) return;
      if (row.byHand) await this.changeChat(chat, (changes, fresh) => changes.setUnread(fresh, 0));
      if (position > row.mark) await this.call('markRead', chatKey(chat), position);
    },
    setUnread: async (chat: Chat, count: number): Promise<void> => {
      if (!Number.isInteger(count) || count < 0 || count > UNREAD_MAX)
        throw fail('PARAMETER', 'at most 1000 messages count as unread');
      await this.changeChat(chat, (changes, row) => changes.setUnread(row, count));
    },
    totalUnread: async (isLoud = false): Promise<number> => {
      const counts = (await this.conversations.list()).map(({ chat, unread }) => ({ chat, unread }));
      if (isLoud) {
        const { users, groups, everything } = await this.users.mutes();
        const muted = new Set([...users.map(({ username }) => `u${username}`), ...groups.map((group) => `g${group}`)]);
        return everything
          ? 0
          : counts.reduce((sum, { chat, unread }) => sum + (muted.has(chatKey(chat)) ? 0 : unread), 0);
      }
      return counts.reduce((sum, { unread }) => sum + unread, 0);
    },
    setDraft: async (chat: Chat, draft: string): Promise<void> => {
      if (byteLength(draft) > TEXT_BYTES_MAX) throw fail('PARAMETER', 'a draft has at most 65536 bytes');
      await this.changeChat(chat, (_, row) => void Object.assign(row, { draft, isShown: row.isShown || !!draft }));
    },
    setExtras: async (chat: Chat, extras: Json): Promise<void> => {
      const text = JSON.stringify(extras);
      if (byteLength(text) > TEXT_BYTES_MAX) throw fail('PARAMETER', 'extras have at most 65536 bytes');
      await this.changeChat(chat, (_, row) => void (row.extras = text));
    },
  };

  private row(chat: Chat): Promise<ChatRow | undefined> {
    return this.kv.read((tx) => tx.get(key.chat(this.needUser(), chatKey(chat))));
  }

  // Messages.

  readonly messages = {
    send: async (to: Target, content: Content, options: SendOptions = {}): Promise<Sending> => {
      const user = this.needUser();
      checkTarget(to);
      const wire = encodeContent(content, options, to);
      const entry = await this.kv.write(async (tx) => {
        const local = (await tx.get(key.localNext)) ?? 1;
        tx.put(key.localNext, local + 1);
        const entry: Entry = { local, number: null, user, chat: targetKey(to), ...wire, createdAt: Date.now() };
        if ((await tx.list(...all('o'), WAITING_MAX)).length >= WAITING_MAX)
          throw fail('TOO_MANY', 'too many messages wait');
        tx.put(key.outbox(local), entry);
        return entry;
      });
      if ('user' in to) this.typing.end();
      const sending = this.sending(entry);
      await this.tabs.tell({ is: 'event', name: 'outgoing', value: toOutgoing(entry, 'waiting') });
      // It is stored: whoever holds the link next sends it if this one does not.
      this.call('send', entry).catch(() => {});
      return sending;
    },
    page: async (chat: Chat, { before = Number.MAX_SAFE_INTEGER, limit = 20 } = {}) => {
      const user = this.needUser();
      const most = Math.max(1, Math.min(PAGE_MAX, limit));
      const { row, messages, from } = await this.kv.read((tx) => readPage(tx, user, chatKey(chat), before, most));
      if (messages.length >= most || from <= row.deletedTo + 1) {
        return { messages: messages.reverse(), isComplete: messages.length < most };
      }
      // Without a link what is here is told at once; whoever asks for the next page waits for it.
      if (messages.length && !this.isLoggedIn) return { messages: messages.reverse(), isComplete: false };
      try {
        const isComplete = await this.readOlder(user, row, Math.min(before, from), most, messages);
        return { messages: messages.reverse(), isComplete };
      } catch (error) {
        if (!messages.length) throw error;
        return { messages: messages.reverse(), isComplete: false };
      }
    },
    get: async (chat: Chat, msgId: number): Promise<Message | undefined> => {
      const user = this.needUser();
      const [stored, receipt] = (await this.kv.read((tx) =>
        Promise.all([tx.get(key.message(user, chatKey(chat), msgId)), tx.get(key.receipt(user, msgId))]),
      )) as [StoredMessage?, ReceiptRow?];
      if (!stored || stored.isDeleted || !isShownKind(stored.kind)) return undefined;
      return toMessage(user, chatKey(chat), stored, receipt?.unread);
    },
    outgoing: async (to?: Target): Promise<OutgoingMessage[]> => {
      const user = this.needUser();
      const entries = (await this.kv.read((tx) => tx.list(...all('o')))) as Entry[];
      const wanted = entries.filter((entry) => entry.user === user && (!to || entry.chat === targetKey(to)));
      return wanted.map((entry) => toOutgoing(entry, entry.code === undefined ? 'waiting' : 'failed'));
    },
    resend: async (localId: number): Promise<Sending> => {
      const entry = (await this.kv.read((tx) => tx.get(key.outbox(localId)))) as Entry | undefined;
      if (entry?.user !== this.needUser() || entry.code === undefined)
        throw fail('NOT_FAILED', 'only failed messages are sent again');
      const { code, error, ...again } = entry;
      const sending = this.sending(again);
      try {
        await this.call('resend', localId);
      } catch (error) {
        this.sendings.get(localId)?.reject(error);
        this.sendings.delete(localId);
        throw error;
      }
      return sending;
    },
    cancel: async (localId: number): Promise<void> => {
      await this.call('cancel', localId);
    },
    discard: async (localId: number): Promise<void> => {
      await this.call('discard', localId);
    },
    forward: async (message: Message, to: Target, options: SendOptions = {}): Promise<Sending> => {
      const { content } = message;
      if (content.type === 'event' || content.type === 'retracted' || content.type === 'unknown')
        throw fail('NOT_SENDABLE');
      return this.messages.send(to, content, options);
    },
    retract: async (message: number): Promise<void> => {
      await this.request('Retract', { message });
    },
    delete: async (chat: Chat, msgId: number): Promise<void> => {
      await this.changeChat(chat, (changes, row) => changes.deleteMessage(row, msgId));
      await this.tellDeleted(chat, [msgId]);
    },
    deleteAll: async (chat: Chat): Promise<void> => {
      await this.changeChat(chat, (changes, row) => changes.deleteChat(row, false));
      await this.tellDeleted(chat, 'all');
    },
    markRead: async (msgIds: number[]): Promise<void> => {
      if (msgIds.length > READS_AT_A_TIME) throw fail('TOO_MANY', 'at most 1000 messages in one call');
      if (msgIds.length) await this.call('messagesRead', msgIds);
    },
    readers: async (message: number): Promise<{ read: string[]; unread: string[] }> => {
      const { read, unread } = await this.request('ReadersAsk', { message });
      return { read, unread };
    },
  };

  private async tellDeleted(chat: Chat, msgIds: number[] | 'all'): Promise<void> {
    await this.tabs.tell({ is: 'event', name: 'messagesDeleted', value: { chat: wireChat(chatKey(chat)), msgIds } });
  }

  /** Appends what the server has, newest first, until there are `most`; answers whether there is nothing older. */
  private async readOlder(
    user: string,
    row: ChatRow,
    from: number,
    most: number,
    messages: Message[],
  ): Promise<boolean> {
    for (let before = from; ; ) {
      const chat = wireChat(row.chat);
      const limit = most - messages.length;
      const { records, is_complete: isComplete } = await this.request('History', {
        chat,
        before,
        after: row.deletedTo,
        limit,
      });
      messages.push(...(await this.kv.read((tx) => readHistory(tx, user, row.chat, records))));
      for (const { position } of records as Rec[]) before = Math.min(before, position);
      if (isComplete || !records.length || messages.length >= most) return isComplete;
    }
  }

  // What is on its way.

  private sending(entry: Entry): Sending {
    const sent = new Promise<{ msgId: number; time: number }>((resolve, reject) =>
      this.sendings.set(entry.local, { resolve, reject }),
    );
    // Nobody has to wait for it.
    sent.catch(() => {});
    return { ...toOutgoing(entry, 'waiting'), sent };
  }

  private settleSending(outgoing: OutgoingMessage): void {
    const waiting = this.sendings.get(outgoing.localId);
    if (!waiting || !['sent', 'failed', 'cancelled'].includes(outgoing.state)) return;
    this.sendings.delete(outgoing.localId);
    if (outgoing.state === 'sent') waiting.resolve({ msgId: outgoing.msgId!, time: outgoing.time! });
    else
      waiting.reject(outgoing.state === 'failed' ? new AnserError(outgoing.code!, outgoing.error) : fail('CANCELLED'));
  }

  /** The holder of the link is another one: what became of messages may not have been told. */
  private async checkSendings(): Promise<void> {
    for (const [local, waiting] of this.sendings) {
      const [sent, entry] = await this.kv.read((tx) =>
        Promise.all([tx.get(key.sent(local)), tx.get(key.outbox(local))]),
      );
      if (sent) waiting.resolve(sent);
      else if (entry?.code !== undefined) waiting.reject(new AnserError(entry.code, entry.error));
      else if (!entry) waiting.reject(fail('CANCELLED'));
      else continue;
      this.sendings.delete(local);
    }
  }
}

/** The newest that are stored below `before`, newest first, and where what is stored begins. */
async function readPage(tx: Tx, user: string, chat: ChatKey, before: number, most: number) {
  const row = ((await tx.get(key.chat(user, chat))) as ChatRow | undefined) ?? newChatRow(user, chat);
  const from = Math.max(row.floor, row.deletedTo + 1);
  const shown: Message[] = [];
  for (let top = Math.min(before - 1, shownTo(row)); top >= from && shown.length < most; ) {
    const list = (await tx.list(
      key.message(user, chat, from),
      key.message(user, chat, top),
      most,
      true,
    )) as StoredMessage[];
    for (const message of list) {
      if (message.isDeleted || !isShownKind(message.kind) || shown.length >= most) continue;
      shown.push(toMessage(user, chat, message, await readReceipt(tx, user, message)));
    }
    if (list.length < most) break;
    top = list.at(-1)!.position - 1;
  }
  return { row, messages: shown, from };
}

/** What of the server's history is shown: not what was deleted here. */
async function readHistory(tx: Tx, user: string, chat: ChatKey, records: Rec[]): Promise<Message[]> {
  const positions = records.map(({ position }) => position);
  const [low, high] = [Math.min(...positions), Math.max(...positions)];
  const deleted = records.length ? await tx.list(key.deleted(user, chat, low), key.deleted(user, chat, high)) : [];
  const shown = records.filter(({ kind, position }) => isShownKind(kind) && !deleted.includes(position));
  return Promise.all(
    shown.map(async (record) => toMessage(user, chat, record, await readReceipt(tx, user, record))),
  );
}

/** How many have not read an own message that asked for receipts, as far as this browser was told. */
async function readReceipt(tx: Tx, user: string, message: StoredMessage): Promise<number | undefined> {
  if (message.from !== user || !extension(message, TAG.needReceipt)) return undefined;
  return ((await tx.get(key.receipt(user, message.position))) as ReceiptRow | undefined)?.unread;
}

/** The rows that stand in the list, as the application has them. */
async function readConversations(tx: Tx, rows: (ChatRow | undefined)[]): Promise<Conversation[]> {
  const shown = rows.filter((row): row is ChatRow => !!row?.isShown);
  return Promise.all(
    shown.map(async (row) => conversation(row, row.last ? await readReceipt(tx, row.user, row.last) : undefined)),
  );
}

function conversation(row: ChatRow, unreadBy?: number): Conversation {
  const last = row.last ? toMessage(row.user, row.chat, row.last, unreadBy) : undefined;
  return {
    chat: targetOf(row.chat) as Chat,
    name: row.name,
    unread: row.unread,
    readMark: row.mark,
    time: last?.time ?? 0,
    draft: row.draft,
    extras: json(row.extras),
    isMentioned: row.isMentioned,
    ...(last && { last }),
  };
}

function checkName(name: string): void {
  if (typeof name !== 'string' || !name || byteLength(name) > 128)
    throw fail('PARAMETER', 'a user name has 1 to 128 bytes');
}

function checkPassword(password: string): void {
  const length = typeof password === 'string' ? byteLength(password) : 0;
  if (length < 4 || length > 128) throw fail('PARAMETER', 'a password has 4 to 128 bytes');
}

function checkTarget(to: Target): void {
  const isFine =
    'user' in to
      ? !!to.user && byteLength(to.user) <= 153
      : Number.isInteger('room' in to ? to.room : to.group) && ('room' in to ? to.room : to.group) > 0;
  if (!isFine) throw fail('PARAMETER', 'a message goes to a user, a group or a room');
}
