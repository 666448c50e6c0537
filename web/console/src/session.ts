/** Who is logged in, and what they may do. */

import { computed, shallowRef } from 'vue';
import { call, CallError, get, send, tellFaults, whenSessionEnds } from './api';
import { faultInWords } from './sentences';
import type { Me, Right } from './types';

export interface DaemonState {
  version: string;
  needs_set_up: boolean;
}

export const me = shallowRef<Me | null>(null);
export const daemon = shallowRef<DaemonState | null>(null);
export const can = (right: Right): boolean => me.value?.rights.includes(right) ?? false;
export const apps = computed(() => me.value?.apps ?? []);

/** Asks the daemon once, when the page opens. */
export async function open(): Promise<void> {
  whenSessionEnds(() => (me.value = null));
  tellFaults(faultInWords);
  daemon.value = await send<DaemonState>(get('/state'));
  await refresh();
}

/** The apps and rights of the session may have changed. */
export async function refresh(): Promise<void> {
  try {
    me.value = await send<Me>(get('/session'));
  } catch (error) {
    if (!(error instanceof CallError) || error.status !== 401) throw error;
    me.value = null;
  }
}

export async function logIn(name: string, password: string): Promise<void> {
  me.value = await send<Me>(call('POST', '/session', { name, password }));
}

export async function setUp(token: string, name: string, password: string): Promise<void> {
  me.value = await send<Me>(call('POST', '/set-up', { token, name, password }));
  if (daemon.value) daemon.value = { ...daemon.value, needs_set_up: false };
}

export async function logOut(): Promise<void> {
  await send(call('DELETE', '/session'));
  me.value = null;
}
