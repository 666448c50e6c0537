/** What a session is given, what it knows of users, and where its link stands. */
import type { Decoder, Encoder, Ext } from '../codec.js';
import type { Holes } from './holes.js';
import type { Heartbeat } from './pace.js';
import type { Random } from './types.js';

export interface Config {
  appKey: string;
  /** Traits of the device. */
  traits: Ext[];
  random: Random;
  bytes: (length: number) => Uint8Array;
}

export interface User {
  token: Uint8Array;
  cursor: number | null;
  holes: Holes;
}

export interface Link {
  phase: 'stored' | 'welcome' | 'welcomed';
  openedAt: number;
  loggedInAt: number | null;
  hasStoppedPushes: boolean;
  takesReads: boolean;
  heartbeat: Heartbeat;
  encoder: Encoder;
  decoder: Decoder;
}

export type State =
  | { is: 'stopped' }
  | { is: 'waiting'; until: number }
  | { is: 'connecting'; since: number }
  | { is: 'linked'; link: Link };
