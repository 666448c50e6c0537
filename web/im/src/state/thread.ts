/** The messages of the chat that is open: what is loaded of it, what is on its way, and where unread ones begin. */

import type { Client, Conversation, Events, Message, OutgoingMessage, RoomMessage } from '@anser/client';
import { reactive, shallowRef, watch } from 'vue';
import { chatOf, keyOf, targetOf, type ChatKey } from '../logic/keys.js';
import { fromMessage, fromOutgoing, merged, type Shown } from '../logic/thread.js';
import { chatRow, isListLoaded } from './chats.js';
import { errorText } from './errors.js';
import { onRoomMessages, roomMessages } from './rooms.js';
import { client, eachSession, session } from './session.js';
import { closeChat, ui } from './ui.js';
import { uploadsOf } from './uploads.js';

const PAGE = 20;

export interface Thread {
  key: ChatKey;
  isLoading: boolean;
  /** Whoever wants older ones while some are being fetched waits for these. */
  loading?: Promise<number>;
  isComplete: boolean;
  /** Why messages could not be had; empty where they could. */
  error: string;
  /** Loaded from the newest down to here without a hole. */
  items: Shown[];
  /** The read mark when the chat was opened, where something was unread. */
  unreadAfter?: number;
  /** What stood in the composer when the chat was left. */
  draft: string;
  /** How many messages of others came while the reader was further up. */
  missed: number;
}

export const thread = shallowRef<Thread>();

/** A new object for each chat: what is loaded for one can never come into another. */
function made(key: ChatKey, conversation: Conversation | undefined): Thread {
  return reactive({
    key,
    isLoading: false,
    loading: undefined,
    isComplete: false,
    error: '',
    items: [],
    unreadAfter: conversation && conversation.unread > 0 ? conversation.readMark : undefined,
    draft: conversation?.draft ?? '',
    missed: 0,
  });
}

function add(to: Thread, more: Shown[]): void {
  if (more.length > 0) to.items = merged(to.items, more);
}

eachSession(
  (on, made) => {
    on('message', (message) => added(message));
    on('outgoing', (message) => addOutgoing(message));
    on('amended', (told) => void amended(made, told));
    on('messagesDeleted', ({ chat, msgIds }) => {
      const open = thread.value;
      if (open?.key !== keyOf(chat)) return;
      open.items = open.items.filter(({ msgId }) => msgId === 0 || (msgIds !== 'all' && !msgIds.includes(msgId)));
    });
    on('conversationDeleted', ({ chat }) => {
      if (ui.chat === keyOf(chat)) closeChat();
    });
    on('caughtUp', () => {
      if (thread.value?.error) void fill(thread.value);
    });
    on('receipt', ({ chat, msgId, unread }) => {
      const open = thread.value;
      const item = open?.key === keyOf(chat) ? open.items.find((each) => each.msgId === msgId) : undefined;
      if (open && item) add(open, [{ ...item, unreadBy: unread }]);
    });
  },
  () => (thread.value = undefined),
);

onRoomMessages((room, messages) => {
  const open = thread.value;
  if (open?.key === `r:${room}`) add(open, messages.map(fromMessage));
});

function added(message: Message): void {
  const open = thread.value;
  if (!open || open.key !== keyOf(message.chat)) return;
  add(open, [fromMessage(message)]);
  if (!message.isOwn && message.content.type !== 'event') open.missed += 1;
}

function addOutgoing(message: OutgoingMessage): void {
  const open = thread.value;
  if (!open || open.key !== keyOf(message.to)) return;
  if (message.state === 'cancelled') open.items = open.items.filter((item) => item.localId !== message.localId);
  else add(open, [fromOutgoing(message, session.user)]);
}

async function amended(from: Client, { chat, msgId, change, message }: Events['amended']): Promise<void> {
  const open = thread.value;
  const item = open?.key === keyOf(chat) ? open.items.find((each) => each.msgId === msgId) : undefined;
  if (!open || !item) return;
  const now = message ?? (await from.messages.get(chat, msgId));
  if (thread.value !== open) return;
  if (now) add(open, [fromMessage(now)]);
  // One of the server's history, which this browser does not keep.
  else if (change !== 'edited') add(open, [{ ...item, content: { type: 'retracted' } }]);
}

watch(
  () => [ui.chat, session.phase] as const,
  ([key, phase]) => {
    if (phase !== 'chat' || key === '') thread.value = undefined;
    else if (thread.value?.key !== key) void open(key);
  },
  { immediate: true },
);

async function open(key: ChatKey): Promise<void> {
  let conversation = chatRow(key)?.conversation;
  const chat = chatOf(key);
  if (!conversation && chat && !isListLoaded.value) {
    // After a reload the chat stands in the address before the list, with its draft and its mark, was read.
    close();
    conversation = await client().conversations.get(chat).catch(() => undefined);
    if (ui.chat !== key || session.phase !== 'chat' || thread.value?.key === key) return;
  }
  const opened = made(key, conversation);
  thread.value = opened;
  await fill(opened);
}

function close(): void {
  thread.value = undefined;
}

/** What waits to be sent and the newest page; the thread says what went wrong, and this may be called again. */
export async function fill(opened: Thread): Promise<void> {
  const target = targetOf(opened.key);
  if (!target) return;
  try {
    opened.error = '';
    const waiting = await client().messages.outgoing(target);
    add(opened, waiting.filter(({ state }) => state !== 'cancelled').map((each) => fromOutgoing(each, session.user)));
    if ('room' in target) {
      opened.isComplete = true;
      add(opened, roomMessages(target.room).map((message: RoomMessage) => fromMessage(message)));
    } else {
      await loadOlder(opened);
    }
  } catch (error) {
    opened.error = errorText(error);
  }
}

/** 20 more, older than all that are there. Answers how many came. */
export function loadOlder(to: Thread): Promise<number> {
  to.loading ??= loadPage(to).finally(() => (to.loading = undefined));
  return to.loading;
}

async function loadPage(to: Thread): Promise<number> {
  const chat = chatOf(to.key);
  if (!chat || to.isComplete) return 0;
  to.isLoading = true;
  to.error = '';
  try {
    const before = to.items.find((item) => item.msgId > 0)?.msgId;
    const page = await client().messages.page(chat, { limit: PAGE, ...(before ? { before } : {}) });
    add(to, page.messages.map(fromMessage));
    to.isComplete = page.isComplete;
    return page.messages.length;
  } catch (error) {
    to.error = errorText(error);
    throw error;
  } finally {
    to.isLoading = false;
  }
}

/** Loads until the message is there; answers whether it is. */
export async function loadUpTo(to: Thread, msgId: number): Promise<boolean> {
  for (;;) {
    const oldest = to.items.find((item) => item.msgId > 0)?.msgId ?? Infinity;
    if (oldest <= msgId || to.isComplete) break;
    if ((await loadOlder(to).catch(() => 0)) === 0) break;
  }
  return to.items.some((item) => item.msgId === msgId);
}

/** All that is shown: files that are still being sent stand last. */
export function shownItems(of: Thread): Shown[] {
  const uploading = uploadsOf(of.key);
  return uploading.length > 0 ? [...of.items, ...uploading] : of.items;
}
