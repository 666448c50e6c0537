/**
 * What the session wants kept, as changes of rows.
 *
 * - A message that is already there (same user, chat and position) stays as it is, but for what becomes of it: a
 *   record that
 *   tells of an amendment changes the message that it names, also when that one is stored later.
 * - What was deleted does not come back, whatever the server sends again, and however old it is.
 * - Unread counts stand in the chat's row and are counted anew where adding one is not enough.
 */
import { decodeStruct, encodeStruct } from '../codec.js';
import type { Body } from '../codec.js';
import { AMENDMENT, KIND, TAG, extensionText, isMention, isShownKind, unreadWeight } from '../kinds.js';
import { PUSH_IDS_KEPT } from '../session/pushes.js';
import type { ChatKey, Entry, PushRecord, Rec, Stored, StoredUser, Write } from '../session/types.js';
import type { Tx } from './kv.js';
import { all, key, limitOf, newChatRow } from './rows.js';
import type { ChatRow, PushRow, StandingRow, StoredMessage, UserRow } from './rows.js';

/** The newest messages of each chat are kept; now and then an eighth more. Older ones are at the server. */
const MESSAGES_KEPT = 1000;
const MESSAGES_MOST = MESSAGES_KEPT + MESSAGES_KEPT / 8;
const UNREAD_MAX = 1000;
const FAILED_KEPT = 1000;
const PUSHES_KEPT = 1000;
const SENT_KEPT = 10_000;

const newPushRow = (): PushRow => ({ cursor: null, ids: [], isStopped: false });

/** One transaction's changes: rows of chats are read once and written at the end. */
export class Changes {
  private chats = new Map<string, Promise<ChatRow>>();
  private recount = new Set<ChatRow>();

  constructor(private tx: Tx) {}

  chat(user: string, chat: ChatKey): Promise<ChatRow> {
    const name = JSON.stringify([user, chat]);
    let row = this.chats.get(name);
    if (!row) {
      row = this.tx.get(key.chat(user, chat)).then((there?: ChatRow) => there ?? newChatRow(user, chat));
      this.chats.set(name, row);
    }
    return row;
  }

  async apply(writes: Write[]): Promise<void> {
    // All rows of chats are asked for at once: one after the other, each would be a round trip to the store.
    await Promise.all(writes.map((write) => 'chat' in write && this.chat(write.user, write.chat)));
    for (const write of writes) await this.change(write);
  }

  /** Writes the chats' rows; answers which changed. */
  async finish(): Promise<ChatRow[]> {
    for (const row of this.recount) await this.count(row);
    const rows = await Promise.all(this.chats.values());
    for (const row of rows) {
      if (row.count > MESSAGES_MOST) await this.prune(row);
      this.tx.put(key.chat(row.user, row.chat), row);
    }
    return rows;
  }

  private async change(write: Write): Promise<void> {
    const { tx } = this;
    switch (write.op) {
      case 'identity':
        return tx.put(key.device, write.identity);
      case 'wanted':
        return tx.put(key.wanted, write.user);
      case 'token':
        return this.changeUser(write.user, { token: write.token });
      case 'cursor':
        return this.changeUser(write.user, { cursor: write.position });
      case 'forgetUser':
        return this.forgetUser(write.user);
      case 'holes':
        (await this.chat(write.user, write.chat)).holes = write.holes;
        return;
      case 'row':
        return this.changeRow(await this.chat(write.user, write.chat), write);
      case 'handed':
        return this.hand(await this.chat(write.user, write.chat), write.to);
      case 'message':
        return this.keep(write.user, write.chat, write.record);
      case 'outbox':
        return this.keepEntry(write.entry);
      case 'answered':
        return tx.delete(key.outbox(write.local));
      case 'sent':
        return this.keepSent(write.entry, write.position, write.at_ms);
      case 'pushCursor':
        return this.changePush((row) => (row.cursor = write.cursor));
      case 'pushStopped':
        return this.changePush((row) => (row.isStopped = write.isStopped));
      case 'push':
        return this.keepPush(write.push);
      case 'readMark':
      case 'markKnown':
        return this.moveMark(write);
      case 'reads':
        return write.messages.forEach((position) => tx.put(key.read(write.user, position), position));
      case 'readsKnown':
        return write.messages.forEach((position) => tx.delete(key.read(write.user, position)));
      case 'receipt':
        return this.keepReceipt(write);
    }
  }

  private async changeUser(name: string, change: Partial<UserRow>): Promise<void> {
    const row = (await this.tx.get(key.user(name))) as UserRow | undefined;
    this.tx.put(key.user(name), { name, token: new Uint8Array(), cursor: null, ...row, ...change });
  }

  private async forgetUser(user: string): Promise<void> {
    for (const table of ['c', 'm', 's', 'r', 'q', 'd']) this.tx.deleteAll([table, user]);
    this.tx.delete(key.user(user));
    for (const name of this.chats.keys()) if (JSON.parse(name)[0] === user) this.chats.delete(name);
    for (const entry of (await this.tx.list(...all('o'))) as Entry[]) {
      if (entry.user === user) this.tx.delete(key.outbox(entry.local));
    }
  }

  private changeRow(row: ChatRow, { name, floor, handed }: { name: string; floor: number; handed: number }): void {
    if (name) row.name = name;
    if (floor > row.newest) row.floor = floor;
    this.hand(row, handed);
  }

  private hand(row: ChatRow, to: number): void {
    row.handed = Math.max(row.handed, to);
  }

  // Messages.

  private async keep(user: string, chat: ChatKey, record: Rec, local?: number): Promise<void> {
    const row = await this.chat(user, chat);
    const { position } = record;
    if (position <= row.deletedTo) return;
    const place = key.message(user, chat, position);
    // What stands above all that was delivered can neither be there nor have been amended; only own messages can.
    const isNew = position > row.newest && record.outbox === 0;
    const there = isNew ? undefined : ((await this.tx.get(place)) as StoredMessage | undefined);
    if (there) {
      if (local !== undefined && !there.isDeleted) this.tx.put(place, { ...there, local });
      return;
    }
    const kept = await this.receive(row, record, isNew);
    const message: StoredMessage = local === undefined ? kept : { ...kept, local };
    this.tx.put(place, message);
    row.count += 1;
    // An own message may stand above others that have not come yet: only what was delivered counts.
    if (local === undefined) row.newest = Math.max(row.newest, position);
    if (chat === 'n' || !isShownKind(kept.kind)) return;
    row.isShown = true;
    if (position >= (row.last?.position ?? 0)) row.last = message;
    this.countOne(row, message);
  }

  private countOne(row: ChatRow, message: StoredMessage): void {
    const { user } = row;
    if (message.position <= Math.max(row.mark, row.byHand?.above ?? 0) || !message.from || message.from === user)
      return;
    row.unread = Math.min(UNREAD_MAX, row.unread + unreadWeight(message));
    row.isMentioned ||= isMention(message, user);
  }

  private async count(row: ChatRow): Promise<void> {
    row.unread = Math.min(UNREAD_MAX, row.byHand?.count ?? 0);
    row.isMentioned = false;
    const from = Math.max(row.mark, row.byHand?.above ?? 0) + 1;
    if (from > row.newest) return;
    const messages = await this.tx.list(
      key.message(row.user, row.chat, from),
      key.message(row.user, row.chat, Infinity),
    );
    for (const message of messages as StoredMessage[]) if (!message.isDeleted) this.countOne(row, message);
  }

  /** As what a record is to be stored. If it tells of another one, that one is changed. */
  private async receive(row: ChatRow, record: Rec, isNew: boolean): Promise<StoredMessage> {
    // Nobody but the server tells of amendments.
    if (record.kind === KIND.amended && record.from === '') return this.amend(row, record);
    if (record.kind === KIND.event) row.name = extensionText(record, TAG.groupName) || row.name;
    if (isNew) return record;
    const standing = (await this.tx.get(key.standing(row.user, row.chat, record.position))) as StandingRow | undefined;
    return standing && record.kind !== KIND.retracted ? withContent(record, standing) : record;
  }

  private async amend(row: ChatRow, record: Rec): Promise<StoredMessage> {
    const told = readAmendment(record.body);
    const content = told && contentOf(told);
    if (!told || !content) return record;
    const { tx } = this;
    const place = key.message(row.user, row.chat, told.position);
    const standingPlace = key.standing(row.user, row.chat, told.position);
    const stored = (await tx.get(place)) as StoredMessage | undefined;
    const earlier = (await tx.get(standingPlace)) as StandingRow | undefined;
    const isGone = (what: { kind: number } | undefined) => what?.kind === KIND.retracted;
    const isOlder = !!earlier && earlier.toldAt > record.position;
    const comesBack = !isGone(content) && (isGone(stored) || isGone(earlier));
    const isDeleted =
      stored?.isDeleted ||
      told.position <= row.deletedTo ||
      (await tx.get(key.deleted(row.user, row.chat, told.position))) !== undefined;
    if (isOlder || comesBack || isDeleted) return withoutContent(record, told);
    // The notice of an older edit does not go on saying what nobody is to read any more.
    if (earlier) await this.takeOut(row, earlier.toldAt);
    if (stored) {
      const changed = withContent(stored, content);
      tx.put(place, changed);
      if (row.last?.position === told.position) row.last = changed;
      if (told.position > row.mark) this.recount.add(row);
    }
    tx.put(standingPlace, { toldAt: record.position, ...content });
    return record;
  }

  private async takeOut(row: ChatRow, toldAt: number): Promise<void> {
    const place = key.message(row.user, row.chat, toldAt);
    const notice = (await this.tx.get(place)) as StoredMessage | undefined;
    const told = notice?.kind === KIND.amended ? readAmendment(notice.body) : null;
    if (notice && told?.content) this.tx.put(place, withoutContent(notice, told));
  }

  private async prune(row: ChatRow): Promise<void> {
    const { user, chat } = row;
    const most = row.count - MESSAGES_KEPT;
    const oldest = (await this.tx.list(
      key.message(user, chat, 0),
      key.message(user, chat, row.handed),
      most,
    )) as StoredMessage[];
    for (const { position, isDeleted } of oldest) {
      if (isDeleted) this.tx.put(key.deleted(user, chat, position), position);
      this.tx.delete(key.message(user, chat, position));
      this.tx.delete(key.standing(user, chat, position));
      this.tx.delete(key.receipt(user, position));
    }
    row.count -= oldest.length;
    row.floor = Math.max(row.floor, (oldest.at(-1)?.position ?? -1) + 1);
  }

  // The outbox.

  private async keepEntry(entry: Entry): Promise<void> {
    const { tx } = this;
    tx.put(key.outbox(entry.local), entry);
    if (entry.number !== null) {
      tx.put(key.numberNext, Math.max((await tx.get(key.numberNext)) ?? 1, entry.number + 1));
    }
    if (entry.code === undefined) return;
    const failed = ((await tx.list(...all('o'))) as Entry[]).filter(({ code }) => code !== undefined);
    for (const old of failed.slice(0, -FAILED_KEPT)) tx.delete(key.outbox(old.local));
  }

  private async keepSent(entry: Entry, position: number, at_ms: number): Promise<void> {
    const { user, chat, local, number, kind, body, extensions } = entry;
    this.tx.delete(key.outbox(local));
    this.tx.put(key.sent(local), { msgId: position, time: at_ms });
    this.tx.delete(key.sent(local - SENT_KEPT));
    if (chat[0] === 'r') return;
    await this.keep(user, chat, { position, at_ms, from: user, outbox: number!, kind, body, extensions }, local);
  }

  // Marks, receipts, pushes.

  private async moveMark({
    op,
    user,
    chat,
    position,
  }: Extract<Write, { op: 'readMark' | 'markKnown' }>): Promise<void> {
    const row = await this.chat(user, chat);
    if (op === 'markKnown') row.known = Math.max(row.known, position);
    if (position <= row.mark) return;
    row.mark = position;
    row.byHand = null;
    if (row.count) this.recount.add(row);
  }

  private async keepReceipt({ user, message, unread, at_ms }: Extract<Write, { op: 'receipt' }>): Promise<void> {
    const known = await this.tx.get(key.receipt(user, message));
    // Numbers only fall, whatever order they come in.
    if (!known || unread < known.unread) this.tx.put(key.receipt(user, message), { unread, at_ms });
  }

  private async changePush(change: (row: PushRow) => void): Promise<void> {
    const row = ((await this.tx.get(key.push)) as PushRow | undefined) ?? newPushRow();
    change(row);
    this.tx.put(key.push, row);
  }

  private async keepPush(push: PushRecord): Promise<void> {
    await this.changePush((row) => (row.ids = [...row.ids, push.msg_id].slice(-PUSH_IDS_KEPT)));
    const arrival = (await this.tx.get(key.pushNext)) ?? 1;
    this.tx.put(key.pushNext, arrival + 1);
    this.tx.put(key.arrival(arrival), { ...push, arrival });
    this.tx.delete(key.arrival(arrival - PUSHES_KEPT));
  }

  // What the user does with what is stored.

  setUnread(row: ChatRow, count: number): void {
    row.byHand = { count, above: row.newest };
    this.recount.add(row);
  }

  async deleteMessage(row: ChatRow, position: number): Promise<void> {
    const place = key.message(row.user, row.chat, position);
    const there = (await this.tx.get(place)) as StoredMessage | undefined;
    const standing = (await this.tx.get(key.standing(row.user, row.chat, position))) as StandingRow | undefined;
    if (standing) await this.takeOut(row, standing.toldAt);
    this.tx.put(key.deleted(row.user, row.chat, position), position);
    // Below the floor the server's history alone is read.
    if (!there && position >= row.floor) row.count += 1;
    if (there || position >= row.floor) this.putNothing(row, position);
    if (row.last?.position === position) row.last = await this.newestShown(row);
    this.recount.add(row);
  }

  private async newestShown(row: ChatRow): Promise<StoredMessage | null> {
    const messages = await this.tx.list(
      key.message(row.user, row.chat, 0),
      key.message(row.user, row.chat, Infinity),
      100,
      true,
    );
    return (messages as StoredMessage[]).find((message) => !message.isDeleted && isShownKind(message.kind)) ?? null;
  }

  /**
   * All messages go, and with `isWhole` the row out of the list. Never above what is here without a gap: of what
   * stands higher (own messages, beyond a hole) each goes by itself, and what comes late is shown.
   */
  async deleteChat(row: ChatRow, isWhole: boolean): Promise<void> {
    const { user, chat } = row;
    const to = limitOf(row);
    const above = (await this.tx.list(
      key.message(user, chat, to + 1),
      key.message(user, chat, Infinity),
    )) as StoredMessage[];
    this.tx.deleteAll(['m', user, chat]);
    this.tx.deleteAll(['s', user, chat]);
    this.tx.deleteAll(['d', user, chat]);
    for (const { position } of above) this.putNothing(row, position);
    Object.assign(row, { deletedTo: to, count: above.length, last: null, byHand: null, unread: 0, isMentioned: false });
    if (isWhole) Object.assign(row, { draft: '', extras: '', isShown: false });
  }

  /** The place of a deleted message. */
  private putNothing(row: ChatRow, position: number): void {
    const nothing = {
      position,
      at_ms: 0,
      from: '',
      outbox: 0,
      kind: KIND.retracted,
      body: new Uint8Array(),
      extensions: [],
    };
    this.tx.put(key.message(row.user, row.chat, position), { ...nothing, isDeleted: true });
  }
}

export function readAmendment(body: Uint8Array): Body | null {
  try {
    return decodeStruct('Amendment', body);
  } catch {
    return null;
  }
}

interface Content {
  kind: number;
  body: Uint8Array;
  extensions: Rec['extensions'];
}

function contentOf(told: Body): Content | null {
  if (told.kind === AMENDMENT.edited) return told.content;
  const isGone = told.kind === AMENDMENT.retracted || told.kind === AMENDMENT.erased;
  return isGone ? { kind: KIND.retracted, body: new Uint8Array(), extensions: [] } : null;
}

const withContent = (message: StoredMessage, { kind, body, extensions }: Content): StoredMessage => ({
  ...message,
  kind,
  body,
  extensions,
  isEdited: kind !== KIND.retracted,
});

/** Who did what to which message, without what it said then. */
function withoutContent<T extends Rec>(notice: T, told: Body): T {
  const { position, kind, by } = told;
  return { ...notice, body: encodeStruct('Amendment', { position, kind, by, content: null }), extensions: [] };
}

/** What a session begins with, and where pages were handed to. */
export async function load(tx: Tx): Promise<{ stored: Stored; wanted: string; handed: ChatRow[] }> {
  const push: PushRow = (await tx.get(key.push)) ?? newPushRow();
  const users = new Map<string, StoredUser>();
  const userOf = (name: string): StoredUser => {
    let user = users.get(name);
    if (!user) {
      user = {
        token: new Uint8Array(),
        cursor: null,
        holes: new Map(),
        newest: new Map(),
        marks: new Map(),
        reads: [],
      };
      users.set(name, user);
    }
    return user;
  };
  for (const { name, token, cursor } of (await tx.list(...all('u'))) as UserRow[])
    Object.assign(userOf(name), { token, cursor });
  const handed: ChatRow[] = [];
  for (const row of (await tx.list(...all('c'))) as ChatRow[]) {
    const user = userOf(row.user);
    if (row.holes.length) user.holes.set(row.chat, row.holes);
    if (row.mark > row.known) user.marks.set(row.chat, row.mark);
    if (row.holes.length || limitOf(row) > row.handed) user.newest.set(row.chat, row.newest);
    handed.push(row);
  }
  for (const [name, user] of users) user.reads = await tx.list(...all('r', name));
  const stored: Stored = {
    users,
    outbox: await tx.list(...all('o')),
    numberNext: (await tx.get(key.numberNext)) ?? 1,
    pushCursor: push.cursor,
    pushIds: push.ids,
    isPushStopped: push.isStopped,
    havePushes: (await tx.list(...all('p'), 1)).length > 0,
  };
  const identity = await tx.get(key.device);
  if (identity) stored.identity = identity;
  return { stored, wanted: (await tx.get(key.wanted)) ?? '', handed };
}
