/** Profiles as the logged-in user sees them: asked for when they are shown first, many at a time. */

import { displayName, type Profile } from '@anser/client';
import { shallowReactive } from 'vue';
import { client, eachSession, session } from './session.js';

const profiles = shallowReactive(new Map<string, Profile>());
const asked = new Map<string, number>();
const wanted = new Set<string>();
const AT_ONCE_MAX = 200;
/** Nobody is told of changes while away, so that what is shown is asked for again now and then. */
const STALE_MS = 10 * 60_000;
let isAsking = false;

eachSession(
  (on) => {
    on('profileChanged', ({ username }) => refresh([username]));
    on('notice', ({ kind, users }) => {
      if ([5, 6, 7, 37, 38, 40, 100, 101, 102, 104].includes(kind)) refresh([...users, session.user]);
    });
  },
  () => {
    profiles.clear();
    asked.clear();
    wanted.clear();
  },
);

/** The profile if it is known; else it is asked for and comes by itself. */
export function profileOf(user: string): Profile | undefined {
  if (user !== '' && Date.now() - (asked.get(user) ?? 0) > STALE_MS) want(user);
  return profiles.get(user);
}

/** What a person is called: note name, nickname, username. */
export function nameOf(user: string, groupNickname = ''): string {
  return displayName(profileOf(user) ?? { username: user }, groupNickname);
}

export function avatarOf(user: string): string {
  return profileOf(user)?.avatar ?? '';
}

/** Names that are known already, without asking: for searches over many. */
export function knownName(user: string): string {
  return displayName(profiles.get(user) ?? { username: user });
}

export function refresh(users: readonly string[]): void {
  for (const user of users) if (user !== '' && (asked.has(user) || user === session.user)) want(user);
}

/** The profile as it is on the server now; nothing when there is no such user. */
export async function lookUp(user: string): Promise<Profile | undefined> {
  const [found] = await client().users.get([user]);
  if (found) take([found]);
  return found;
}

export function take(found: readonly Profile[]): void {
  for (const profile of found) {
    profiles.set(profile.username, profile);
    asked.set(profile.username, Date.now());
  }
}

function want(user: string): void {
  wanted.add(user);
  asked.set(user, Date.now());
  if (isAsking) return;
  isAsking = true;
  setTimeout(() => void askAll(), 10);
}

async function askAll(): Promise<void> {
  try {
    while (wanted.size > 0) {
      const users = [...wanted].slice(0, AT_ONCE_MAX);
      for (const user of users) wanted.delete(user);
      await ask(users);
    }
  } finally {
    isAsking = false;
  }
}

/** A question that failed is asked again when the person is shown next. */
async function ask(users: string[]): Promise<void> {
  try {
    take(await client().users.get(users));
  } catch {
    for (const user of users) asked.delete(user);
  }
}
