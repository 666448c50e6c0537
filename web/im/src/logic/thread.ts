/** A chat's messages as they stand in the page: one list of what the server has and what is on its way, then rows. */

import type { Message, OutgoingMessage, ReceivedContent, RoomMessage, SendOptions } from '@anser/client';
import { daysBefore, TIME_LINE_MS } from './times.js';

export type ShownState = 'sent' | 'sending' | 'waiting' | 'failed';

export interface Shown {
  /** Stays the same from the first keystroke's send to the server's answer. */
  key: string;
  /** 0 until the server has it. */
  msgId: number;
  localId: number;
  from: string;
  isOwn: boolean;
  time: number;
  content: ReceivedContent;
  options: SendOptions;
  state: ShownState;
  unreadBy?: number;
  isEdited: boolean;
  /** Why it failed. */
  code?: number;
  /** A file that is still being sent: its number, how far it is (0 to 1), and what it looks like. */
  upload?: { id: number; progress: number; preview: string; error: string };
}

const keyFor = (msgId: number, localId: number): string => (localId > 0 ? `l${localId}` : `m${msgId}`);

export function fromMessage(message: Message | RoomMessage): Shown {
  const localId = 'localId' in message ? (message.localId ?? 0) : 0;
  const stored = 'chat' in message ? message : undefined;
  return {
    key: keyFor(message.msgId, localId),
    msgId: message.msgId,
    localId,
    from: message.from,
    isOwn: message.isOwn,
    time: message.time,
    content: message.content,
    options: message.options,
    state: 'sent',
    unreadBy: stored?.unreadBy,
    isEdited: stored?.isEdited ?? false,
  };
}

const STATES: Record<OutgoingMessage['state'], ShownState> = {
  waiting: 'waiting', sending: 'sending', delayed: 'waiting', sent: 'sent', failed: 'failed', cancelled: 'failed',
};

export function fromOutgoing(message: OutgoingMessage, user: string): Shown {
  return {
    key: keyFor(0, message.localId),
    msgId: message.msgId ?? 0,
    localId: message.localId,
    from: user,
    isOwn: true,
    time: message.time ?? message.createdAt,
    content: message.content,
    options: message.options,
    state: STATES[message.state],
    isEdited: false,
    code: message.code,
  };
}

/** What the server has stands by its place there; what it has not yet stands behind, in the order of writing. */
function inOrder(a: Shown, b: Shown): number {
  if (a.msgId > 0 && b.msgId > 0) return a.msgId - b.msgId;
  if (a.msgId > 0 || b.msgId > 0) return a.msgId > 0 ? -1 : 1;
  if (a.localId > 0 && b.localId > 0) return a.localId - b.localId;
  return a.time - b.time;
}

/** One list without doubles: the same message may come as sent, as stored and as delivered; the later word holds. */
export function merged(items: readonly Shown[], more: readonly Shown[]): Shown[] {
  const byKey = new Map<string, Shown>();
  const keyByMsgId = new Map<number, string>();
  for (const item of [...items, ...more]) {
    const known = item.msgId > 0 ? keyByMsgId.get(item.msgId) : undefined;
    const key = known ?? item.key;
    const before = byKey.get(key);
    if (item.msgId > 0) keyByMsgId.set(item.msgId, key);
    byKey.set(key, before ? joinedWith(before, item, key) : item);
  }
  return [...byKey.values()].sort(inOrder);
}

/** A message that the server has is not on its way any more, whatever is told late. */
function joinedWith(before: Shown, item: Shown, key: string): Shown {
  if (before.msgId > 0 && item.msgId === 0) return before;
  const unread = [before.unreadBy, item.unreadBy].filter((count) => count !== undefined);
  const content = before.content.type === 'retracted' ? before.content : item.content;
  const unreadBy = unread.length > 0 ? Math.min(...unread) : undefined;
  return { ...item, key, localId: item.localId || before.localId, content, unreadBy };
}

export type Row =
  | { kind: 'time'; key: string; ms: number }
  | { kind: 'divider'; key: string }
  | { kind: 'event'; key: string; item: Shown }
  | { kind: 'message'; key: string; item: Shown; isFirst: boolean; isLast: boolean };

const TOGETHER_MS = 3 * 60_000;

const isLine = (item: Shown): boolean => item.content.type === 'event' || item.content.type === 'retracted';

/** True where both stand under one name and picture. */
function isTogether(a: Shown | undefined, b: Shown | undefined): boolean {
  return !!a && !!b && !isLine(a) && !isLine(b) && a.from === b.from && Math.abs(b.time - a.time) < TOGETHER_MS;
}

/** `unreadAfter`: the mark as it was when the chat was opened; the divider stands before what others wrote after it. */
export function rowsOf(items: readonly Shown[], unreadAfter?: number): Row[] {
  const rows: Row[] = [];
  let hasDivider = unreadAfter === undefined;
  items.forEach((item, at) => {
    const before = items[at - 1];
    const cuts: Row[] = [];
    if (!before || Math.abs(item.time - before.time) > TIME_LINE_MS || daysBefore(before.time, item.time) !== 0) {
      cuts.push({ kind: 'time', key: `t${item.key}`, ms: item.time });
    }
    if (!hasDivider && !item.isOwn && item.msgId > unreadAfter! && item.content.type !== 'event') {
      hasDivider = true;
      cuts.push({ kind: 'divider', key: 'divider' });
    }
    rows.push(...cuts);
    if (isLine(item)) {
      rows.push({ kind: 'event', key: item.key, item });
      return;
    }
    const isFirst = cuts.length > 0 || !isTogether(before, item);
    rows.push({ kind: 'message', key: item.key, item, isFirst, isLast: false });
  });
  rows.forEach((row, at) => {
    const next = rows[at + 1];
    if (row.kind === 'message') row.isLast = next?.kind !== 'message' || next.isFirst;
  });
  return rows;
}
