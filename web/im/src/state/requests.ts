/** Friend requests: told once by a notice, kept in this browser until they are answered. */

import { reactive } from 'vue';
import { client, eachSession, session } from './session.js';

export interface FriendRequest {
  user: string;
  reason: string;
  time: number;
  /** `asked`: waits for an answer; the others tell how one's own request ended. */
  state: 'asked' | 'accepted' | 'refused';
}

export const requests = reactive({ list: [] as FriendRequest[], friendsChanged: 0 });

const KEPT = 200;
const key = (): string => `anser-im.requests.${session.appKey}.${session.user}`;

function isRequest(value: unknown): value is FriendRequest {
  if (typeof value !== 'object' || value === null) return false;
  const { user, reason, time, state } = value as Record<string, unknown>;
  const isState = state === 'asked' || state === 'accepted' || state === 'refused';
  return typeof user === 'string' && typeof reason === 'string' && typeof time === 'number' && isState;
}

function stored(): FriendRequest[] {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(key()) ?? '[]');
    return Array.isArray(value) ? value.filter(isRequest) : [];
  } catch {
    return [];
  }
}

/** A storage that is full or forbidden means that requests last as long as the page. */
function keep(): void {
  try {
    localStorage.setItem(key(), JSON.stringify(requests.list.slice(0, KEPT)));
  } catch {
    return;
  }
}

const STATES: Record<number, FriendRequest['state']> = { 1: 'asked', 2: 'accepted', 3: 'refused' };
const FRIENDS_CHANGE = new Set([5, 6, 7, 100]);

eachSession(
  (on) => {
    requests.list = stored();
    on('notice', ({ kind, detail, by, text, time }) => {
      const state = STATES[detail];
      if (kind === 5 && state) put({ user: by, reason: text, time, state });
      if (FRIENDS_CHANGE.has(kind)) requests.friendsChanged += 1;
    });
  },
  () => {
    requests.list = [];
  },
);

function put(request: FriendRequest): void {
  requests.list = [request, ...requests.list.filter(({ user }) => user !== request.user)].slice(0, KEPT);
  keep();
}

export function dismiss(user: string): void {
  requests.list = requests.list.filter((request) => request.user !== user);
  keep();
}

export const waiting = (): number => requests.list.filter(({ state }) => state === 'asked').length;

export async function answer(user: string, accepts: boolean, reason = ''): Promise<void> {
  await client().users.answerFriend(user, accepts, reason);
  dismiss(user);
  requests.friendsChanged += 1;
}
