/** The rows of the store and where they stand. All of a user are below the user's name. */
import type { ChatKey, Hole, Rec } from '../session/types.js';
import { END } from './kv.js';
import type { Key } from './kv.js';

/** The device. */
export interface DeviceRow {
  nonce: Uint8Array;
  secret: Uint8Array;
  registrationId: string;
}

export interface PushRow {
  cursor: number | null;
  ids: number[];
  isStopped: boolean;
}

export interface UserRow {
  name: string;
  token: Uint8Array;
  cursor: number | null;
}

/** A chat of a user. */
export interface ChatRow {
  user: string;
  chat: ChatKey;
  name: string;
  /** The newest position that was delivered and is stored. */
  newest: number;
  /** Stored and handed to a page up to here. */
  handed: number;
  holes: Hole[];
  /** Below this, history is at the server alone. */
  floor: number;
  /** How far the user has read, and how far the server knows that. */
  mark: number;
  known: number;
  /** A number of unread that was set by hand, and above what others count besides. */
  byHand: { count: number; above: number } | null;
  unread: number;
  isMentioned: boolean;
  /** Messages that are stored. */
  count: number;
  /** The newest that is shown. */
  last: StoredMessage | null;
  draft: string;
  extras: string;
  /** What stands up to here was deleted. */
  deletedTo: number;
  /** It is in the list. */
  isShown: boolean;
}

export interface StoredMessage extends Rec {
  local?: number;
  isEdited?: boolean;
  /** It was deleted here: nothing of it is left but its place. */
  isDeleted?: boolean;
}

/** What stands in the place of a message since it was amended. */
export interface StandingRow {
  toldAt: number;
  kind: number;
  body: Uint8Array;
  extensions: Rec['extensions'];
}

export interface ReceiptRow {
  unread: number;
  at_ms: number;
}

export const key = {
  device: ['a', 'device'] as Key,
  push: ['a', 'push'] as Key,
  /** The user who is to be logged in. */
  wanted: ['a', 'wanted'] as Key,
  localNext: ['a', 'local'] as Key,
  numberNext: ['a', 'number'] as Key,
  pushNext: ['a', 'arrival'] as Key,
  /** Counts the holders of the link: one that was replaced writes no more. */
  epoch: ['a', 'epoch'] as Key,
  user: (user: string): Key => ['u', user],
  chat: (user: string, chat: ChatKey): Key => ['c', user, chat],
  message: (user: string, chat: ChatKey, position: number): Key => ['m', user, chat, position],
  standing: (user: string, chat: ChatKey, position: number): Key => ['s', user, chat, position],
  /** Messages that the user has read, of which the server is to be told. */
  read: (user: string, position: number): Key => ['r', user, position],
  receipt: (user: string, position: number): Key => ['q', user, position],
  /** Messages that were deleted here and are at the server still. */
  deleted: (user: string, chat: ChatKey, position: number): Key => ['d', user, chat, position],
  outbox: (local: number): Key => ['o', local],
  /** What became of a message that was sent from here: for whoever waited when the holder of the link was killed. */
  sent: (local: number): Key => ['l', local],
  arrival: (arrival: number): Key => ['p', arrival],
};

export const all = (...prefix: Key): [Key, Key] => [prefix, [...prefix, END]];

export const newChatRow = (user: string, chat: ChatKey): ChatRow => ({
  user,
  chat,
  name: '',
  newest: 0,
  handed: 0,
  holes: [],
  floor: 0,
  mark: 0,
  known: 0,
  byHand: null,
  unread: 0,
  isMentioned: false,
  count: 0,
  last: null,
  draft: '',
  extras: '',
  deletedTo: 0,
  isShown: false,
});

/** Up to where the chat may be handed out. */
export const limitOf = (row: ChatRow): number => row.holes[0]?.after ?? row.newest;
/** Up to where it may be shown, own messages included. */
export const shownTo = (row: ChatRow): number => row.holes[0]?.after ?? Infinity;
