/** Chats as keys of maps and as addresses of the page: `u:name`, `g:number`, `r:number`. */

import type { Chat, Target } from '@anser/client';

export type ChatKey = `${'u' | 'g' | 'r'}:${string}`;

export function keyOf(target: Target): ChatKey {
  if ('user' in target) return `u:${target.user}`;
  return 'group' in target ? `g:${target.group}` : `r:${target.room}`;
}

/** Nothing where it is no key: addresses are typed by people. */
export function targetOf(key: string): Target | undefined {
  const id = key.slice(2);
  if (key.startsWith('u:') && id !== '') return { user: id };
  if (!/^[0-9]{1,10}$/.test(id)) return undefined;
  if (key.startsWith('g:')) return { group: Number(id) };
  return key.startsWith('r:') ? { room: Number(id) } : undefined;
}

/** The chat with a history behind a key; rooms have none. */
export function chatOf(key: string): Chat | undefined {
  const target = targetOf(key);
  return target && !('room' in target) ? target : undefined;
}
