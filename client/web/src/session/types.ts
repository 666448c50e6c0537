/** What goes into the session core and what comes out of it. */
import type { Body, Ext } from '../codec.js';

/** A chat as keys of maps and stores have it: `u` and a user name, `g` and a group number, `n` for the notices. */
export type ChatKey = string;

/** A record as the link and the store have it. */
export interface Rec {
  position: number;
  at_ms: number;
  from: string;
  /** Not 0 when this device sent it. */
  outbox: number;
  kind: number;
  body: Uint8Array;
  extensions: Ext[];
}

/** Records strictly between `after` and `before` may exist and are not here yet. */
export interface Hole {
  after: number;
  before: number;
}

/** A message that the server has not answered yet, or refused for good (`code`). */
export interface Entry {
  local: number;
  /** Given when it is first sent, stored before that. */
  number: number | null;
  user: string;
  /** Of a room: `r` and its number. */
  chat: ChatKey;
  kind: number;
  body: Uint8Array;
  extensions: Ext[];
  createdAt: number;
  code?: number;
  error?: string;
}

export interface Identity {
  nonce: Uint8Array;
  secret: Uint8Array;
  registrationId: string;
}

export interface PushRecord {
  position: number;
  msg_id: number;
  at_ms: number;
  content: Body;
  replaces?: number;
}

/** One change of the store; all of one action are one durable transaction. */
export type Write =
  | { op: 'identity'; identity: Identity }
  | { op: 'wanted'; user: string }
  | { op: 'token'; user: string; token: Uint8Array }
  | { op: 'cursor'; user: string; position: number }
  | { op: 'forgetUser'; user: string }
  | { op: 'holes'; user: string; chat: ChatKey; holes: Hole[] }
  /**
   * `floor`: older ones are at the server alone; `handed`: up to here nothing is told as new. Both 0 for nothing
   * new.
   */
  | { op: 'row'; user: string; chat: ChatKey; name: string; floor: number; handed: number }
  | { op: 'handed'; user: string; chat: ChatKey; to: number }
  | { op: 'message'; user: string; chat: ChatKey; record: Rec }
  | { op: 'outbox'; entry: Entry }
  | { op: 'answered'; local: number }
  | { op: 'sent'; entry: Entry; position: number; at_ms: number }
  | { op: 'pushCursor'; cursor: number | null }
  | { op: 'pushStopped'; isStopped: boolean }
  | { op: 'push'; push: PushRecord }
  | { op: 'readMark' | 'markKnown'; user: string; chat: ChatKey; position: number }
  | { op: 'reads' | 'readsKnown'; user: string; messages: number[] }
  | { op: 'receipt'; user: string; chat: ChatKey; message: number; unread: number; at_ms: number };

/** What the session must know at its start. */
export interface StoredUser {
  token: Uint8Array;
  cursor: number | null;
  holes: Map<ChatKey, Hole[]>;
  /** The newest position that is stored in each chat. */
  newest: Map<ChatKey, number>;
  /** Read marks and messages that the server is to be told of. */
  marks: Map<ChatKey, number>;
  reads: number[];
}

export interface Stored {
  identity?: Identity;
  users: Map<string, StoredUser>;
  /** Unanswered ones, then those that were refused for good. */
  outbox: Entry[];
  numberNext: number;
  pushCursor: number | null;
  pushIds: number[];
  isPushStopped: boolean;
  havePushes: boolean;
}

/** Why a link ended, or could not be had. */
export interface LinkEnd {
  reason:
    | 'closed'
    | 'unreachable'
    | 'silent'
    | 'malformed'
    | 'gap'
    | 'refused'
    | 'go-away'
    | 'copied'
    | 'network'
    | 'stopped';
  code?: number;
  message?: string;
}

/** What the session tells; the shell makes the public events of it. */
export type SessionEvent =
  | { type: 'connecting' }
  | { type: 'connected'; registrationId: string; serverTime: number }
  | { type: 'disconnected'; end: LinkEnd; retryIn: number }
  | { type: 'registered'; registrationId: string }
  | { type: 'loggedIn' | 'caughtUp' | 'loginNeeded' | 'loggedOut'; user: string }
  | { type: 'loginFailed'; user: string; code: number; message: string }
  | {
      type: 'outgoing';
      entry: Entry;
      state: 'sending' | 'delayed' | 'sent' | 'failed' | 'cancelled';
      msgId?: number;
      time?: number;
    }
  | { type: 'answer'; request: number; name: string; body: Body }
  | { type: 'failed'; request: number; code: number; message: string }
  | { type: 'receipt'; user: string; chat: ChatKey; message: number; unread: number; at_ms: number }
  | { type: 'command' | 'profileChanged' | 'roomEvent' | 'roomChanged'; body: Body }
  | { type: 'roomMessages'; room: number; records: Rec[] }
  | { type: 'pushWithdrawn'; msgId: number }
  | { type: 'delayed'; code: number; message: string };

/** What the shell is to do, in this order. */
export type Action =
  | { type: 'connect' }
  | { type: 'transmit'; bytes: Uint8Array }
  | { type: 'close' }
  /** Answered by `handleStored` once this and every one before it is durable. */
  | { type: 'store'; ticket: number; writes: Write[] }
  | { type: 'emit'; event: SessionEvent }
  /** The chat's records up to `to` may be handed to the application. */
  | { type: 'release'; user: string; chat: ChatKey; to: number }
  | { type: 'releasePushes' };

/** Follows a store action when that is durable. */
export type Then =
  | { type: 'emit'; event: SessionEvent }
  | { type: 'release'; user: string; chat: ChatKey; to: number }
  | { type: 'releasePushes' }
  | { type: 'cursor'; user: string; to: number; atOnce: boolean }
  | { type: 'push'; cursor: number | null; received: number | null }
  | { type: 'outbox'; local: number; number: number | null };

/** Anything from 0 up to but not 1. */
export type Random = () => number;
