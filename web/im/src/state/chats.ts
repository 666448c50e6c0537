/** The conversation list: one row for each chat, in order, with what the user chose for it. */

import type { Chat, Conversation, Json } from '@anser/client';
import { computed, reactive, shallowReactive, shallowRef } from 'vue';
import { chatOf, keyOf, type ChatKey } from '../logic/keys.js';
import { byNewest, tabTitle } from '../logic/order.js';
import { t } from '../i18n/index.js';
import { errorText } from './errors.js';
import { client, eachSession, session } from './session.js';

export interface ChatRow {
  key: ChatKey;
  atMs: number;
  pinnedMs: number;
  isArchived: boolean;
  conversation: Conversation;
}

const rows = new Map<ChatKey, ChatRow>();
const list = shallowRef<ChatRow[]>([]);
const byKey = shallowReactive(new Map<ChatKey, ChatRow>());

/** Whom and what the user is not to be disturbed by. */
export const mutes = reactive({ users: new Set<string>(), groups: new Set<number>(), everything: false });
export const shields = reactive(new Set<number>());
/** Who is typing to us now. */
export const typing = reactive(new Set<string>());
export const isListLoaded = shallowRef(false);
/** Why the list could not be read. */
export const listError = shallowRef('');

let isSortWanted = false;
const SORT_AFTER_MS = 16;

eachSession(
  (on, made) => {
    on('conversation', put);
    on('conversationDeleted', ({ chat }) => {
      rows.delete(keyOf(chat));
      byKey.delete(keyOf(chat));
      wantSort();
    });
    on('typing', ({ user, isTyping }) => (isTyping ? typing.add(user) : typing.delete(user)));
    on('notice', ({ kind }) => {
      if ([37, 102].includes(kind)) void loadMutes();
      if ([39, 103].includes(kind)) void loadShields();
    });
    on('caughtUp', () => {
      loadMarks();
      if (listError.value) void loadAll();
    });
    if (made.isCaughtUp) loadMarks();
    void loadAll();
  },
  () => {
    rows.clear();
    byKey.clear();
    list.value = [];
    mutes.users.clear();
    mutes.groups.clear();
    mutes.everything = false;
    shields.clear();
    typing.clear();
    isListLoaded.value = false;
    listError.value = '';
  },
);

export async function loadAll(): Promise<void> {
  const user = session.user;
  listError.value = '';
  try {
    const all = await client().conversations.list();
    if (session.user !== user) return;
    all.forEach((conversation) => {
      // An event that came meanwhile knows better.
      if (!rows.has(keyOf(conversation.chat))) put(conversation);
    });
    isListLoaded.value = true;
  } catch (error) {
    if (session.user === user) listError.value = errorText(error);
  }
}

function loadMarks(): void {
  void loadMutes();
  void loadShields();
}

/** The lists are for marks in the page: when they cannot be had now, they come with the next catch-up. */
export async function loadMutes(): Promise<void> {
  const found = await client().users.mutes().catch(() => undefined);
  if (!found) return;
  mutes.users = new Set(found.users.map(({ username }) => username));
  mutes.groups = new Set(found.groups);
  mutes.everything = found.everything;
}

export async function loadShields(): Promise<void> {
  const found = await client().users.shields().catch(() => undefined);
  if (!found) return;
  shields.clear();
  found.forEach((group) => shields.add(group));
}

const number = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) ? value : 0);

function put(conversation: Conversation): void {
  const { extras } = conversation;
  const archivedMs = number(extras.archivedMs);
  const row: ChatRow = {
    key: keyOf(conversation.chat),
    atMs: conversation.time,
    pinnedMs: number(extras.pinnedMs),
    // What comes after the archiving brings the chat back.
    isArchived: archivedMs > 0 && archivedMs >= conversation.time,
    conversation,
  };
  rows.set(row.key, row);
  byKey.set(row.key, row);
  wantSort();
}

/** A catch-up changes many rows at once; they are sorted together. */
function wantSort(): void {
  if (isSortWanted) return;
  isSortWanted = true;
  setTimeout(() => {
    isSortWanted = false;
    list.value = [...rows.values()].sort(byNewest);
  }, SORT_AFTER_MS);
}

export const shownChats = computed(() => list.value.filter((row) => !row.isArchived));
export const archivedChats = computed(() => list.value.filter((row) => row.isArchived));
export const allChats = computed(() => list.value);

export function chatRow(key: string): ChatRow | undefined {
  return byKey.get(key as ChatKey);
}

export function isMuted(chat: Chat): boolean {
  return mutes.everything || ('user' in chat ? mutes.users.has(chat.user) : mutes.groups.has(chat.group));
}

export const totalUnread = computed(() =>
  list.value.reduce((sum, { conversation }) => sum + (isMuted(conversation.chat) ? 0 : conversation.unread), 0));

export const title = computed(() => tabTitle(totalUnread.value, t('app.name')));

async function setExtras(key: ChatKey, change: Json): Promise<void> {
  const chat = chatOf(key);
  if (!chat) return;
  const { extras = {} } = rows.get(key)?.conversation ?? {};
  await client().conversations.setExtras(chat, { ...extras, ...change });
}

export const setPinned = (key: ChatKey, on: boolean): Promise<void> => setExtras(key, { pinnedMs: on ? client().now() : 0 });

export function setArchived(key: ChatKey, on: boolean): Promise<void> {
  const row = rows.get(key);
  return setExtras(key, { archivedMs: on ? Math.max(client().now(), row?.atMs ?? 0) : 0 });
}

export async function setMuted(chat: Chat, on: boolean): Promise<void> {
  await client().users.mute(chat, on);
  if ('user' in chat) on ? mutes.users.add(chat.user) : mutes.users.delete(chat.user);
  else on ? mutes.groups.add(chat.group) : mutes.groups.delete(chat.group);
}

export async function setShielded(group: number, on: boolean): Promise<void> {
  await client().users.shield(group, on);
  if (on) shields.add(group);
  else shields.delete(group);
}

export async function setUnread(key: ChatKey, isUnread: boolean): Promise<void> {
  const chat = chatOf(key);
  if (!chat) return;
  if (isUnread) await client().conversations.setUnread(chat, 1);
  else await client().conversations.markRead(chat);
}
