/** The types of the public interface: what calls take and answer, and the events. */

/** A chat with a stored history. `{user}` of another app in the same app group: `name/appkey`. */
export type Chat = { user: string } | { group: number };
/** Where a message can be sent. Rooms store nothing and have no unread count. */
export type Target = Chat | { room: number };

/** A JSON object. */
export type Json = { [key: string]: unknown };

/** What an upload answers and media contents hold: JMessage's own keys. */
export interface Media {
  media_id: string;
  media_crc32: number;
  fsize: number;
  hash?: string;
  width?: number;
  height?: number;
  format?: string;
  fname?: string;
}

/** Contents that can be sent. `extras` stand beside every content but `custom`. */
export type Content =
  | { type: 'text'; text: string; extras?: Json }
  | { type: 'image'; media: Media; extras?: Json }
  | { type: 'voice'; media: Media; duration: number; extras?: Json }
  | { type: 'file'; media: Media; extras?: Json }
  | { type: 'video'; media: Media; duration: number; thumb?: Media; extras?: Json }
  | { type: 'location'; latitude: number; longitude: number; scale: number; label: string; extras?: Json }
  | { type: 'custom'; body: Json };

/** Contents that only arrive. */
export type ReceivedContent =
  | Content
  /** Something happened in the group. */
  | GroupEvent
  /** The prompt that stands for a message that was taken back or erased. */
  | { type: 'retracted' }
  /** Newer than this SDK, or unreadable: "update the app". */
  | { type: 'unknown'; kind: number };

export interface GroupEvent {
  type: 'event';
  /** 8 made, 9 left, 10 added, 11 removed, 12 changed, 65 silenced or not, 69 dissolved, 80 admins, 82 owner, 83 type,
   *  86/87/88 announcement published/deleted/pinned, 89/90 blacklist, 220 nickname in the group, 221 maximum. */
  event: number;
  /** Who did it; empty: an app server. */
  by: string;
  users: string[];
  newOwner: string;
  /** 1 set or added, 2 lifted or removed. */
  change?: number;
  silentUntil?: number;
  isPublic?: boolean;
  maximum?: number;
  nickname?: { before: string; after: string };
  announcement?: Announcement;
  name?: string;
  description?: string;
  avatar?: string;
}

export interface SendOptions {
  /** Whoever is not connected never gets it. */
  noOffline?: boolean;
  /** No system notice at the receiver. */
  noNotification?: boolean;
  /** The system notice at the receiver. */
  notice?: { title?: string; alert?: string; atPrefix?: string };
  /** How the sender is called in that notice. */
  fromName?: string;
  targetName?: string;
  needReceipt?: boolean;
  /** How much the receiver's unread count rises, 0 to 1000. */
  count?: number;
  /** Group only: who is mentioned, or everybody. */
  at?: string[] | 'all';
}

export interface Message {
  chat: Chat;
  /** The server's id: also its place, ascending within a chat. */
  msgId: number;
  /** Username of the sender; empty: the server. */
  from: string;
  /** Sent by the user who is logged in, from whatever device. */
  isOwn: boolean;
  /** When it was sent from this browser: its local id. */
  localId?: number;
  /** Milliseconds since 1970, by the server. */
  time: number;
  content: ReceivedContent;
  options: SendOptions;
  /** Own messages that asked for receipts: so many have not read it. */
  unreadBy?: number;
  /** An edit changed it. */
  isEdited?: boolean;
}

/** A message of this browser that the server has not (yet) taken. */
export interface OutgoingMessage {
  localId: number;
  to: Target;
  content: Content;
  options: SendOptions;
  /** Local clock. */
  createdAt: number;
  /** `waiting` for the link or its turn, `sending`, `delayed` by a passing refusal, `sent`, `failed`, `cancelled`. */
  state: 'waiting' | 'sending' | 'delayed' | 'sent' | 'failed' | 'cancelled';
  /** Of a sent one. */
  msgId?: number;
  time?: number;
  /** Of a failed one. */
  code?: number;
  error?: string;
}

/** What `send` answers as soon as the message is safe in this browser's store. */
export interface Sending extends OutgoingMessage {
  /**
   * Settles when the server has it or will never take it; may take as long as there is no network. Need not be
   * handled.
   */
  sent: Promise<{ msgId: number; time: number }>;
}

export interface Conversation {
  chat: Chat;
  /** The group's name as last told; empty for single chats. */
  name: string;
  unread: number;
  /** The user has read up to this msgId. */
  readMark: number;
  /** Newest message that is shown (events included). */
  last?: Message;
  /** Time of `last`, for sorting. */
  time: number;
  draft: string;
  /** The application's own JSON, on this browser alone. */
  extras: Json;
  /** There is a message for this user by `@` above the read mark. */
  isMentioned: boolean;
}

export interface Profile {
  username: string;
  nickname: string;
  /** media_id */
  avatar: string;
  birthday: string;
  signature: string;
  region: string;
  address: string;
  gender: number;
  extras: Json;
  /** 0: not told. */
  changedAt: number;
  isFriend: boolean;
  isBlacklisted: boolean;
  isMuted: boolean;
  noteName: string;
  noteText: string;
}

export type ProfileChange = Partial<
  Pick<Profile, 'nickname' | 'avatar' | 'birthday' | 'signature' | 'region' | 'address' | 'gender' | 'extras'>
>;

export interface OwnDevice {
  registrationId: string;
  platform: number;
  isLoggedIn: boolean;
  isOnline: boolean;
  seenAt: number;
  wasPushedOff: boolean;
}

export interface Group {
  group: number;
  name: string;
  description: string;
  avatar: string;
  owner: string;
  isPublic: boolean;
  members: number;
  maximum: number;
  createdAt: number;
  changedAt: number;
}

export interface GroupMember {
  username: string;
  /** 0 member, 1 owner, 2 admin */
  rank: number;
  nickname: string;
  joinedAt: number;
  /** 0: may speak; Infinity: until that is lifted. */
  silentUntil: number;
}

export interface Announcement {
  id: number;
  text: string;
  publisher: string;
  time: number;
  pinnedAt: number;
}
export interface JoinRequest {
  id: number;
  username: string;
  inviter: string;
  reason: string;
  time: number;
}
export interface Silenced {
  username: string;
  since: number;
  until: number;
}
export interface RoomUser {
  username: string;
  silentUntil: number;
}

export interface Room {
  room: number;
  name: string;
  description: string;
  owner: string;
  members: number;
  maximum: number;
  createdAt: number;
}

export interface RoomMessage {
  room: number;
  msgId: number;
  from: string;
  isOwn: boolean;
  time: number;
  content: ReceivedContent;
  options: SendOptions;
}

/**
 * What the server tells this user alone (friend requests, own settings that changed elsewhere); numbers of JMessage.
 */
export interface Notice {
  msgId: number;
  time: number;
  /** 5, 6, 7, 37–40, 56–58, 100–104, 201: see PROTOCOL.md. */
  kind: number;
  detail: number;
  by: string;
  users: string[];
  group: number;
  text: string;
  /** Of a request to join (56): by which it is answered. */
  request: number;
  /** Of 201: which messages were marked as read. */
  messages: number[];
}

export interface Push {
  msgId: number;
  time: number;
  /** The push whose place this one takes. */
  replaces?: number;
  /** To be shown to the user: the SDK shows it itself when `showNotifications` is on and the page is hidden. */
  notification?: { alert: string; title: string; extras: Json; options: Json };
  /** For the application alone. */
  message?: { content: string; title: string; contentType: string; extras: Json };
}

export interface ConnectionState {
  state: 'connecting' | 'connected' | 'waiting' | 'stopped';
  /** `waiting`: when the next try is made, local clock in ms; `reconnect()` does not wait. */
  retryAt?: number;
  /** Why the last link ended: `closed`, `unreachable`, `silent`, `malformed`, `gap`, `refused`, `go-away`, `copied`,
   *  `network`, `stopped`. */
  reason?: string;
  code?: number;
  message?: string;
}

/** Events by name, with what each hands over. Every open tab gets all of them. */
export interface Events {
  connection: ConnectionState;
  /** The device is registered, or known again. */
  registered: { registrationId: string };
  loggedIn: { user: string };
  /** All that was missed is here, but for long gaps that are still being filled. */
  caughtUp: { user: string };
  /** No token and no password is there, or they are over: call `login`. */
  loginNeeded: { user: string };
  /** The login was refused, or ended from outside: 800016 on another device, 801003 deleted, 801006 disabled, 898010
   *  password changed. `event`/`extra` are the numbers of JMessage's Web SDK (1 and 0, 1, 2; 2). */
  loginFailed: { user: string; code: number; message: string; event?: number; extra?: number };
  loggedOut: { user: string };
  /**
   * A message of another user, the server (group events) or another device of this user: each once, in order in its
   * chat.
   */
  message: Message;
  /** What became of a message that was told before (or is in the history): retracted, edited or erased. */
  amended: { chat: Chat; msgId: number; change: 'retracted' | 'edited' | 'erased'; by: string; message?: Message };
  notice: Notice;
  /** A message of this browser changed its state; also told to the tabs that did not send it. A failed one that was
   *  discarded is `cancelled`. */
  outgoing: OutgoingMessage;
  /** A row of the list is new or changed: message, unread, read mark, draft, extras. */
  conversation: Conversation;
  conversationDeleted: { chat: Chat };
  /** On this browser, by whatever tab. */
  messagesDeleted: { chat: Chat; msgIds: number[] | 'all' };
  receipt: { chat: Chat; msgId: number; unread: number; time: number };
  /** A transparent command; `kind` 1 from a user, 2 in a group, 3 from an own device. */
  command: { kind: number; from: string; group: number; platform: number; text: string };
  /** The user types in a single chat with us; told again with `false` after 6 s without a sign. */
  typing: { user: string; isTyping: boolean };
  profileChanged: { username: string; time: number };
  roomMessages: { room: number; messages: RoomMessage[] };
  /** 130 made admins, 131 no more, 132 blacklisted, 133 no more, 135 silenced, 136 may speak. */
  roomEvent: { room: number; event: number; time: number; by: string; users: string[] };
  /** 1 let in by the app server, 2 left elsewhere or removed, 3 blacklisted, 4 the room is gone. */
  roomChanged: { room: number; change: number };
  push: Push;
  pushWithdrawn: { msgId: number };
  /** Something passing went wrong (server busy, too many messages a minute): it is tried again by itself. */
  delayed: { code: number; message: string };
}

export interface ClientOptions {
  appKey: string;
  /** Address of the daemon; default: the page's own. `https://…` or `wss://…` */
  server?: string;
  /** Keeps another device, store and user apart: several accounts in one page. */
  profile?: string;
  /** `memory`: nothing is kept beyond the page. */
  store?: 'indexeddb' | 'memory';
  /** Traits by which pushes find devices. */
  appVersion?: string;
  osVersion?: string;
  model?: string;
  language?: string;
  channel?: string;
  /** Pushes with a notification become system notices while the page is hidden (permission is the page's to ask). */
  showNotifications?: boolean;
  /** Is asked when the session token is refused, so that a page open for days comes back: the Web signature or a signed
   *  token from the app's own server. Without it there is `loginNeeded`. */
  renew?: (user: string) => Promise<LoginBy>;
  /** For Node and tests. */
  WebSocket?: unknown;
  fetch?: typeof fetch;
}

/** MD5 over `appkey=…&timestamp=…&random_str=…&key=<master secret>`, made by the app's own server. */
export interface WebSignature {
  timestamp: number;
  randomStr: string;
  signature: string;
}

export type LoginBy =
  /** With the Web signature where the app asks for one. `isMd5`: the password is its MD5 in lower-case hex. */
  | { password: string; isMd5?: boolean; signature?: WebSignature }
  /** A JWT (HS256 with the master secret) made by the app's own server. */
  | { signedToken: string };

export interface UploadOptions {
  /** `voice` and `file` take any bytes; `image` JPEG, PNG, GIF, BMP. */
  kind: 'image' | 'voice' | 'file';
  name?: string;
  /** The media_id of an uploaded image of which this one is the small picture. */
  thumbOf?: string;
  /** 0 to 1 */
  onProgress?: (done: number) => void;
  signal?: AbortSignal;
}

export interface Page<T> {
  total: number;
  items: T[];
}

/** The one object of the SDK. Every promise rejects with an `AnserError` that has the contract's code. */
export interface Client {
  /** Returns a function that ends the listening. */
  on<E extends keyof Events>(event: E, handler: (value: Events[E]) => void): () => void;

  readonly appKey: string;
  /** Empty until the first registration; then fixed for app and browser. */
  readonly registrationId: string;
  /** Whom the application wants logged in; empty: nobody. */
  readonly user: string;
  readonly isLoggedIn: boolean;
  /** `caughtUp` was told since the login, if only to another tab. */
  readonly isCaughtUp: boolean;
  readonly isConnected: boolean;
  readonly connection: ConnectionState;
  /** The server's clock, as known from its times. */
  now(): number;
  /** Tries again at once. */
  reconnect(): Promise<void>;
  /** Ends this tab's part; the store stays and other tabs go on. */
  close(): Promise<void>;

  register(username: string, password: string, profile?: ProfileChange, signature?: WebSignature): Promise<void>;
  /** Keeps `user` logged in from now on, over reloads. Without `by`: by the stored session token. */
  login(user: string, by?: LoginBy): Promise<void>;
  logout(): Promise<void>;
  /** Users with a session token in this browser. */
  knownUsers(): Promise<string[]>;
  changePassword(old: string, fresh: string): Promise<void>;
  ownDevices(): Promise<OwnDevice[]>;

  /** `target` 'android' 1, 'ios' 2, 'web' 6, 'desktop' 7, all 0. */
  sendCommand(to: Chat | { ownDevices: number }, text: string): Promise<void>;
  /** Tell the peer of a single chat that the user types: may be called on every key. */
  sendTyping(user: string, isTyping?: boolean): Promise<void>;

  readonly conversations: {
    /** Newest first. */
    list(): Promise<Conversation[]>;
    get(chat: Chat): Promise<Conversation | undefined>;
    /** On this browser alone; a new message makes it anew. */
    delete(chat: Chat): Promise<void>;
    /** Unread count to 0, on all devices of the user. */
    markRead(chat: Chat, upTo?: number): Promise<void>;
    /** On this browser alone. */
    setUnread(chat: Chat, count: number): Promise<void>;
    /** Without muted chats where `loud`. */
    totalUnread(loud?: boolean): Promise<number>;
    setDraft(chat: Chat, text: string): Promise<void>;
    setExtras(chat: Chat, extras: Json): Promise<void>;
  };

  readonly messages: {
    /** Resolves when the message is in this browser's store: it will be sent, whatever happens to network and page. */
    send(to: Target, content: Content, options?: SendOptions): Promise<Sending>;
    /** Ascending; of the store, and of the server where that has older ones. `isComplete`: nothing older exists. */
    page(
      chat: Chat,
      options?: { before?: number; limit?: number },
    ): Promise<{ messages: Message[]; isComplete: boolean }>;
    get(chat: Chat, msgId: number): Promise<Message | undefined>;
    /** Not yet sent and failed ones, oldest first; of all chats without an argument. */
    outgoing(to?: Target): Promise<OutgoingMessage[]>;
    /** A failed one again, as the same. */
    resend(localId: number): Promise<Sending>;
    /** Before it left (871327 when too late). */
    cancel(localId: number): Promise<void>;
    /** Forgets a failed one. */
    discard(localId: number): Promise<void>;
    forward(message: Message, to: Target, options?: SendOptions): Promise<Sending>;
    retract(msgId: number): Promise<void>;
    /** Own browser only. */
    delete(chat: Chat, msgId: number): Promise<void>;
    deleteAll(chat: Chat): Promise<void>;
    /** Messages that asked for receipts: their senders are told. */
    markRead(msgIds: number[]): Promise<void>;
    readers(msgId: number): Promise<{ read: string[]; unread: string[] }>;
  };

  readonly users: {
    get(usernames: string[]): Promise<Profile[]>;
    /** Of the user who is logged in. */
    update(change: ProfileChange): Promise<void>;
    friends(): Promise<Profile[]>;
    askFriend(user: string, reason?: string): Promise<void>;
    answerFriend(user: string, accept: boolean, reason?: string): Promise<void>;
    removeFriends(users: string[]): Promise<void>;
    noteFriend(user: string, note: { name?: string; text?: string }): Promise<void>;
    blacklist(): Promise<Profile[]>;
    block(users: string[]): Promise<void>;
    unblock(users: string[]): Promise<void>;
    mutes(): Promise<{ users: Profile[]; groups: number[]; everything: boolean }>;
    mute(chat: Chat, on: boolean): Promise<void>;
    muteEverything(on: boolean): Promise<void>;
    shields(): Promise<number[]>;
    shield(group: number, on: boolean): Promise<void>;
  };

  readonly groups: {
    create(group: {
      name: string;
      description?: string;
      avatar?: string;
      isPublic?: boolean;
      maximum?: number;
      members?: string[];
    }): Promise<number>;
    mine(): Promise<{ group: number; name: string; description: string; owner: string }[]>;
    get(group: number): Promise<Group>;
    public(start?: number, count?: number): Promise<Page<Group>>;
    members(group: number): Promise<GroupMember[]>;
    edit(group: number, change: { name?: string; description?: string; avatar?: string }): Promise<void>;
    add(group: number, users: string[], reason?: string): Promise<void>;
    remove(group: number, users: string[]): Promise<void>;
    leave(group: number): Promise<void>;
    dissolve(group: number): Promise<void>;
    setPublic(group: number, isPublic: boolean): Promise<void>;
    setMaximum(group: number, maximum: number): Promise<void>;
    transfer(group: number, user: string): Promise<void>;
    setAdmins(group: number, users: string[], on: boolean): Promise<void>;
    /** `ms` 0: until it is lifted; undefined lifts it. */
    silence(group: number, users: string[], ms?: number): Promise<void>;
    silences(group: number): Promise<Silenced[]>;
    setBlacklisted(group: number, users: string[], on: boolean): Promise<void>;
    blacklist(group: number): Promise<string[]>;
    setNickname(group: number, user: string, nickname: string): Promise<void>;
    apply(group: number, reason: string): Promise<void>;
    joinRequests(group: number): Promise<JoinRequest[]>;
    answerJoin(
      group: number,
      answers: { id: number; username: string }[],
      accept: boolean,
      reason?: string,
    ): Promise<void>;
    announcements(group: number): Promise<Announcement[]>;
    announce(group: number, text: string, asMessage?: boolean): Promise<number>;
    deleteAnnouncement(group: number, id: number): Promise<void>;
    pinAnnouncement(group: number, id: number, on: boolean): Promise<void>;
  };

  readonly rooms: {
    list(start?: number, count?: number): Promise<Page<Room>>;
    mine(): Promise<Room[]>;
    get(rooms: number[]): Promise<Room[]>;
    /** The newest 50 messages come as `roomMessages`; gone into again by itself on a new link. */
    enter(room: number): Promise<void>;
    leave(room: number): Promise<void>;
    /** `role`: 'all', 'admins', 'blacklist', 'silenced' */
    members(room: number, role?: RoomRole | 'all', start?: number, count?: number): Promise<Page<RoomUser>>;
    setAdmins(room: number, users: string[], on: boolean): Promise<void>;
    setBlacklisted(room: number, users: string[], on: boolean): Promise<void>;
    /** undefined lifts it. */
    silence(room: number, users: string[], ms?: number): Promise<void>;
    silenceOf(room: number, user: string): Promise<RoomUser>;
  };

  readonly media: {
    /** Goes on where it was cut, also over reloads when the same bytes are given. */
    upload(bytes: Blob, options: UploadOptions): Promise<Media>;
    /** A signed address for `<img src>` and the like; `expires` in ms. */
    address(
      mediaId: string,
      thumb?: boolean,
    ): Promise<{ url: string; expires: number; bytes: number; hasThumb: boolean }>;
    /** Whole file, checked (length, CRC-32), resumed after cuts. */
    download(
      mediaId: string,
      options?: { thumb?: boolean; onProgress?: (done: number) => void; signal?: AbortSignal },
    ): Promise<Blob>;
  };

  /** Numbers 6001 to 6026 of JPush where a call fails. */
  readonly push: {
    readonly isStopped: boolean;
    stop(): Promise<void>;
    resume(): Promise<void>;
    alias(): Promise<string>;
    setAlias(alias: string): Promise<string>;
    deleteAlias(): Promise<void>;
    tags(): Promise<string[]>;
    setTags(tags: string[]): Promise<string[]>;
    addTags(tags: string[]): Promise<string[]>;
    deleteTags(tags: string[]): Promise<string[]>;
    cleanTags(): Promise<void>;
    checkTag(tag: string): Promise<boolean>;
    /** Those that a call takes, each once. */
    filterValidTags(tags: string[]): string[];
    setMobile(mobile: string): Promise<void>;
    setBadge(badge: number): Promise<void>;
    /** The user opened it: `clicked`; the page showed it: `shown`; for custom messages `acted` and `presented`. */
    report(state: 'clicked' | 'shown' | 'acted' | 'presented', msgIds: number[]): Promise<void>;
    /** A Web Push subscription as JSON, or empty. */
    setWebPush(subscription: string): Promise<void>;
  };
}

export type RoomRole = 'admins' | 'blacklist' | 'silenced';

/** Opens the store, shares the link with the other tabs, and logs the last user in again by the session token. */
export type Connect = (options: ClientOptions) => Promise<Client>;
