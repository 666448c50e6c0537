/** People and chats to choose from: those known in this browser, then whoever has that very username. */

import { matches } from '../logic/order.js';
import { targetOf } from '../logic/keys.js';
import { allChats, type ChatRow } from './chats.js';
import { knownName } from './people.js';
import { session } from './session.js';
import { chatName } from './describe.js';

const SHOWN_MAX = 50;

/** The name without asking the server: a search over thousands must not fetch them all. */
function cheapName(row: ChatRow): string {
  const target = targetOf(row.key);
  if (target && 'user' in target) return knownName(target.user);
  return row.conversation.name || chatName(row.key);
}

export function chatsLike(query: string): ChatRow[] {
  if (query.trim() === '') return allChats.value.slice(0, SHOWN_MAX);
  const found: ChatRow[] = [];
  for (const row of allChats.value) {
    if (matches(query, cheapName(row), row.key.slice(2))) found.push(row);
    if (found.length >= SHOWN_MAX) break;
  }
  return found;
}

/** Users of single chats and friends, without doubles. */
export function peopleLike(query: string, friends: readonly string[]): string[] {
  const users = new Set<string>(friends);
  for (const { conversation } of allChats.value) if ('user' in conversation.chat) users.add(conversation.chat.user);
  users.delete(session.user);
  const found: string[] = [];
  for (const user of users) {
    if (query.trim() === '' || matches(query, knownName(user), user)) found.push(user);
    if (found.length >= SHOWN_MAX) break;
  }
  return found;
}
