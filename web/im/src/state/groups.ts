/** Groups and their members as last told, asked for when they are shown first. */

import { AnserError, type Group, type GroupMember, type Message } from '@anser/client';
import { reactive, shallowReactive } from 'vue';
import { client, eachSession, session } from './session.js';

const groups = shallowReactive(new Map<number, Group>());
const members = shallowReactive(new Map<number, GroupMember[]>());
const asked = new Set<number>();
const askedMembers = new Set<number>();

/** Requests to join the groups that the user runs, by group. */
export const joinRequests = reactive(new Map<number, number>());

/** Somebody asks to join, another admin has decided. */
const JOINS_CHANGE = new Set([56, 58]);

/** Events after which group or members are asked for again. */
const CHANGES_GROUP = new Set([8, 9, 10, 11, 12, 69, 82, 83, 221]);
const CHANGES_MEMBERS = new Set([8, 9, 10, 11, 65, 80, 82, 89, 220]);

eachSession(
  (on, made) => {
    on('message', onMessage);
    on('notice', ({ kind, group }) => {
      if (JOINS_CHANGE.has(kind)) void loadJoinRequests(group);
    });
    on('caughtUp', () => void loadAllJoinRequests());
    if (made.isCaughtUp) void loadAllJoinRequests();
  },
  () => {
    groups.clear();
    members.clear();
    asked.clear();
    askedMembers.clear();
    joinRequests.clear();
  },
);

function onMessage(message: Message): void {
  if (!('group' in message.chat) || message.content.type !== 'event') return;
  const { group } = message.chat;
  if (CHANGES_GROUP.has(message.content.event) && asked.has(group)) void loadGroup(group);
  if (CHANGES_MEMBERS.has(message.content.event) && askedMembers.has(group)) void loadMembers(group);
}

export function groupOf(group: number): Group | undefined {
  if (!asked.has(group)) void loadGroup(group);
  return groups.get(group);
}

export function membersOf(group: number): GroupMember[] {
  if (!askedMembers.has(group)) void loadMembers(group);
  return members.get(group) ?? [];
}

export function memberOf(group: number, user: string): GroupMember | undefined {
  return membersOf(group).find((member) => member.username === user);
}

/** What a member is called in the group; empty where nothing was chosen. */
export function groupNickname(group: number, user: string): string {
  return memberOf(group, user)?.nickname ?? '';
}

export function isInGroup(group: number): boolean {
  const known = members.get(group);
  return known === undefined || known.some((member) => member.username === session.user);
}

export async function loadGroup(group: number): Promise<Group | undefined> {
  asked.add(group);
  try {
    const found = await client().groups.get(group);
    groups.set(group, found);
    return found;
  } catch {
    // Shown again, asked again: offline, or the group is gone.
    setTimeout(() => asked.delete(group), RETRY_MS);
    return undefined;
  }
}

const RETRY_MS = 10_000;
const NOT_IN_GROUP = new Set([800019, 803005, 800018, 803004]);

export async function loadMembers(group: number): Promise<void> {
  askedMembers.add(group);
  try {
    members.set(group, await client().groups.members(group));
  } catch (error) {
    if (NOT_IN_GROUP.has((error as { code?: number }).code ?? 0)) members.set(group, []);
    else setTimeout(() => askedMembers.delete(group), RETRY_MS);
  }
}

/** Counts the requests that wait for the user in one group. */
async function loadJoinRequests(group: number): Promise<void> {
  const { user } = session;
  try {
    const { length } = await client().groups.joinRequests(group);
    if (session.user === user) setJoinRequests(group, length);
  } catch (error) {
    // No admin there any more, or the group is gone; without a link the next catch-up counts.
    if (error instanceof AnserError && !error.isPassing && session.user === user) setJoinRequests(group, 0);
  }
}

export function setJoinRequests(group: number, count: number): void {
  if (count > 0) joinRequests.set(group, count);
  else joinRequests.delete(group);
  try {
    localStorage.setItem(joinsKey(), JSON.stringify([...joinRequests.keys()]));
  } catch {
    return;
  }
}

const joinsKey = (): string => `anser-im.joins.${session.appKey}.${session.user}`;

/** Groups in which somebody waited when this browser was last here: only the list of members says whose admin one is. */
function waitedIn(): number[] {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(joinsKey()) ?? '[]');
    return Array.isArray(value) ? value.filter((group): group is number => Number.isInteger(group)) : [];
  } catch {
    return [];
  }
}

async function loadAllJoinRequests(): Promise<void> {
  const { user } = session;
  const mine = await client().groups.mine().catch(() => []);
  const owned = mine.filter(({ owner }) => owner === user).map(({ group }) => group);
  for (const group of new Set([...waitedIn(), ...owned])) {
    if (session.user !== user) return;
    await loadJoinRequests(group);
  }
}
