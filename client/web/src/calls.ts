/** Users, groups, rooms and pushes: calls that ask the server, and their answers as the application has them. */
import type { Chat, Client, Group, GroupMember, Profile, ProfileChange, Room, RoomRole, RoomUser } from './api.js';
import type { TabClient } from './client.js';
import { byteLength } from './codec.js';
import type { Body } from './codec.js';
import { announcement, json } from './content.js';
import { fail, toPushError } from './errors.js';

export { mediaCalls } from './media.js';

const NAMES_MAX = 500;
const MAX_U64 = (1n << 64n) - 1n;
/** "Until it is lifted". */
const until = (value: number | bigint): number => (BigInt(value) === MAX_U64 ? Infinity : Number(value));

function names(list: string[]): string[] {
  if (!Array.isArray(list) || list.length > NAMES_MAX) throw fail('PARAMETER', 'at most 500 names in one call');
  return list;
}

const profile = (person: Body): Profile => ({
  username: person.username,
  nickname: person.nickname,
  avatar: person.avatar,
  birthday: person.birthday,
  signature: person.signature,
  region: person.region,
  address: person.address,
  gender: person.gender,
  extras: json(person.extras),
  changedAt: person.changed_ms,
  isFriend: !!(person.relations & 1),
  isBlacklisted: !!(person.relations & 2),
  isMuted: !!(person.relations & 4),
  noteName: person.note_name,
  noteText: person.note_text,
});

export function userCalls(client: TabClient): Client['users'] {
  const people = async (list: number) => client.request('PeopleList', { list });
  const block = (isAdded: boolean) => async (users: string[]) =>
    void (await client.request('Blacklist', { is_added: isAdded, usernames: names(users) }));
  const mutes = async (change: Body) => void (await client.request('Mutes', change));
  return {
    get: async (usernames) => (await client.request('UsersInfo', { usernames: names(usernames) })).people.map(profile),
    update: async ({ extras, ...change }: ProfileChange) =>
      void (await client.request('ProfileChange', { ...change, ...(extras && { extras: JSON.stringify(extras) }) })),
    friends: async () => (await people(1)).people.map(profile),
    askFriend: async (username, reason = '') => void (await client.request('FriendAsk', { username, reason })),
    answerFriend: async (username, accepts, reason = '') =>
      void (await client.request('FriendAnswer', { username, accepts, reason: accepts ? '' : reason })),
    removeFriends: async (users) => void (await client.request('FriendRemove', { usernames: names(users) })),
    noteFriend: async (username, note) => void (await client.request('FriendNote', { username, ...note })),
    blacklist: async () => (await people(2)).people.map(profile),
    block: block(true),
    unblock: block(false),
    mutes: async () => {
      const answer = await people(3);
      return { users: answer.people.map(profile), groups: answer.groups, everything: answer.everything };
    },
    mute: (chat: Chat, on) =>
      'user' in chat
        ? mutes({ [on ? 'add_users' : 'remove_users']: [chat.user] })
        : mutes({ [on ? 'add_groups' : 'remove_groups']: [chat.group] }),
    muteEverything: (everything) => mutes({ everything }),
    shields: async () => (await people(4)).groups,
    shield: async (group, on) => void (await client.request('Shields', { [on ? 'add' : 'remove']: [group] })),
  };
}

const group = (shown: Body): Group => ({
  group: shown.group,
  name: shown.name,
  description: shown.description,
  avatar: shown.avatar,
  owner: shown.owner,
  isPublic: shown.is_public,
  members: shown.members,
  maximum: shown.maximum,
  createdAt: shown.created_ms,
  changedAt: shown.changed_ms,
});

const member = ({ username, rank, nickname, joined_ms, silent_until_ms }: Body): GroupMember => ({
  username,
  rank,
  nickname,
  joinedAt: joined_ms,
  silentUntil: until(silent_until_ms),
});

/** Numbers of orders and questions of the protocol. */
const ORDER = {
  dissolve: 1,
  makePublic: 2,
  makePrivate: 3,
  maximum: 4,
  transfer: 5,
  admins: 6,
  noAdmins: 7,
  silence: 8,
  unsilence: 9,
  blacklist: 10,
  noBlacklist: 11,
  nickname: 12,
  announce: 13,
  deleteAnnouncement: 14,
  pin: 15,
  unpin: 16,
  apply: 17,
  invite: 18,
} as const;
const ASK = { profile: 1, standings: 2, silences: 3, announcements: 4, bans: 5, joins: 6 } as const;

export function groupCalls(client: TabClient): Client['groups'] {
  const order = (group: number, which: keyof typeof ORDER, { members = [] as string[], text = '', number = 0 } = {}) =>
    client.request('GroupOrder', { group, order: ORDER[which], members: names(members), text, number });
  const ask = (group: number, which: keyof typeof ASK) => client.request('GroupAsk', { group, question: ASK[which] });
  return {
    create: async ({ name, description = '', avatar = '', isPublic = false, maximum = 0, members = [] }) =>
      (
        await client.request('GroupMake', {
          name,
          description,
          avatar,
          is_public: isPublic,
          maximum,
          members: names(members),
        })
      ).group,
    mine: async () => (await client.request('GroupList')).groups,
    get: async (id) => group((await ask(id, 'profile')).shown),
    public: async (start = 0, count = 50) => {
      const { total, page } = await client.request('GroupsPublic', { start, count });
      return { total, items: page.map(group) };
    },
    members: async (id) => (await ask(id, 'standings')).standings.map(member),
    edit: async (id, change) => void (await client.request('GroupEdit', { group: id, ...change })),
    add: async (id, members, reason) =>
      void (await (reason
        ? order(id, 'invite', { members, text: reason })
        : client.request('GroupAdd', { group: id, members: names(members) }))),
    remove: async (id, members) => void (await client.request('GroupRemove', { group: id, members: names(members) })),
    leave: async (id) => void (await client.request('GroupLeave', { group: id })),
    dissolve: async (id) => void (await order(id, 'dissolve')),
    setPublic: async (id, isPublic) => void (await order(id, isPublic ? 'makePublic' : 'makePrivate')),
    setMaximum: async (id, number) => void (await order(id, 'maximum', { number })),
    transfer: async (id, user) => void (await order(id, 'transfer', { members: [user] })),
    setAdmins: async (id, members, on) => void (await order(id, on ? 'admins' : 'noAdmins', { members })),
    silence: async (id, members, ms) =>
      void (await (ms === undefined
        ? order(id, 'unsilence', { members })
        : order(id, 'silence', { members, number: ms }))),
    silences: async (id) =>
      (await ask(id, 'silences')).silences.map(({ username, since_ms, until_ms }: Body) => ({
        username,
        since: since_ms,
        until: until(until_ms),
      })),
    setBlacklisted: async (id, members, on) => void (await order(id, on ? 'blacklist' : 'noBlacklist', { members })),
    blacklist: async (id) => (await ask(id, 'bans')).members,
    setNickname: async (id, user, text) => void (await order(id, 'nickname', { members: [user], text })),
    apply: async (id, text) => void (await order(id, 'apply', { text })),
    joinRequests: async (id) =>
      (await ask(id, 'joins')).joins.map(({ at_ms, ...join }: Body) => ({ ...join, time: at_ms })),
    answerJoin: async (id, answers, accepts, reason = '') =>
      void (await client.request('GroupJoinAnswer', { group: id, answers, is_accepted: accepts, reason })),
    announcements: async (id) => (await ask(id, 'announcements')).announcements.map(announcement),
    announce: async (id, text, asMessage = false) =>
      (await order(id, 'announce', { text, number: asMessage ? 1 : 0 })).id,
    deleteAnnouncement: async (id, number) => void (await order(id, 'deleteAnnouncement', { number })),
    pinAnnouncement: async (id, number, on) => void (await order(id, on ? 'pin' : 'unpin', { number })),
  };
}

const room = ({ members_max, created_ms, ...rest }: Body): Room =>
  ({ ...rest, maximum: members_max, createdAt: created_ms }) as Room;
const roomUser = ({ username, silent_until_ms }: Body): RoomUser => ({ username, silentUntil: until(silent_until_ms) });
const ROLES = { all: 0, admins: 1, blacklist: 2, silenced: 3 } as const;

export function roomCalls(client: TabClient): Client['rooms'] {
  const change = async (id: number, role: RoomRole, users: string[], isGiven: boolean, ms = 0) =>
    void (await client.request('RoomChange', {
      room: id,
      role: ROLES[role],
      users: names(users),
      is_given: isGiven,
      for_ms: ms,
    }));
  const many = async (request: Promise<Body>) => (await request).rooms.map(room);
  return {
    list: async (start = 0, count = 50) => {
      const { total, rooms } = await client.request('RoomList', { start, count });
      return { total, items: rooms.map(room) };
    },
    mine: () => many(client.request('MyRooms')),
    get: (rooms) => many(client.request('RoomInfo', { rooms })),
    enter: async (id) => {
      const isNew = !client.roomsTold.has(id);
      if (isNew) client.roomsTold.set(id, 0);
      try {
        await client.call('enterRoom', id);
      } catch (error) {
        if (isNew) client.roomsTold.delete(id);
        throw error;
      }
    },
    leave: async (id) => {
      await client.request('RoomLeave', { room: id });
      client.roomsTold.delete(id);
    },
    members: async (id, role = 'all', start = 0, count = 100) => {
      const { total, users } = await client.request('RoomMembers', { room: id, role: ROLES[role], start, count });
      return { total, items: users.map(roomUser) };
    },
    setAdmins: (id, users, on) => change(id, 'admins', users, on),
    setBlacklisted: (id, users, on) => change(id, 'blacklist', users, on),
    silence: (id, users, ms) => change(id, 'silenced', users, ms !== undefined, ms),
    silenceOf: async (id, username) => roomUser((await client.request('RoomSilence', { room: id, username })).users[0]),
  };
}

const LABEL_BYTES_MAX = 40;
const TAGS_MAX = 1000;
const TAGS_BYTES_MAX = 5000;
/** Calls for tags and alias together, and for the mobile number, within ten seconds. */
const LABEL_CALLS_MAX = 10;
const MOBILE_CALLS_MAX = 3;
const WINDOW_MS = 10_000;
/** ASCII letters, digits, some signs, Chinese characters. */
const LABEL = /^[\w@!#$&*+=.|￥\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{323af}]+$/u;
const STATES = { clicked: 2, shown: 3, acted: 4, presented: 5 } as const;
const WEB_PUSH = 4;

export function pushCalls(client: TabClient): Client['push'] {
  const open = new Set<string>();
  const calls: Record<string, number[]> = { label: [], mobile: [] };

  /** One tag call and one alias call at a time, and not too often. */
  async function label<T>(kind: 'tag' | 'alias' | 'mobile', call: () => Promise<T>): Promise<T> {
    if (client.shared.isPushStopped) throw fail('PUSH_STOPPED');
    if (open.has(kind) && kind !== 'mobile') throw fail(kind === 'tag' ? 'TAG_CALL_OPEN' : 'ALIAS_CALL_OPEN');
    const pace = kind === 'mobile' ? 'mobile' : 'label';
    const recent = calls[pace]!.filter((at) => at > Date.now() - WINDOW_MS);
    if (recent.length >= (kind === 'mobile' ? MOBILE_CALLS_MAX : LABEL_CALLS_MAX)) throw fail('TOO_OFTEN');
    calls[pace] = [...recent, Date.now()];
    open.add(kind);
    try {
      return await call();
    } catch (error) {
      throw toPushError(error);
    } finally {
      open.delete(kind);
    }
  }

  function checkLabel(text: string, kind: 'ALIAS' | 'TAG'): void {
    if (byteLength(text) > LABEL_BYTES_MAX) throw fail(`${kind}_TOO_LONG`);
    if (!LABEL.test(text)) throw fail(`${kind}_CHARACTERS`);
  }

  const tags = (action: number, list: string[], isSet = true) =>
    label('tag', async () => {
      if (isSet && !list.length) throw fail('NOTHING_TO_SET');
      if (list.length > TAGS_MAX) throw fail('TAGS_PER_CALL');
      list.forEach((tag) => checkLabel(tag, 'TAG'));
      if (list.reduce((sum, tag) => sum + byteLength(tag), 0) > TAGS_BYTES_MAX) throw fail('TAGS_TOO_LONG');
      return (await client.request('Tags', { action, tags: list })).tags as string[];
    });
  const alias = (action: number, text: string) =>
    label('alias', async () => (await client.request('Alias', { action, alias: text })).alias as string);
  const ask = async (name: string, body: Body) => {
    if (client.shared.isPushStopped) throw fail('PUSH_STOPPED');
    await client.request(name, body).catch((error) => {
      throw toPushError(error);
    });
  };

  return {
    get isStopped() {
      return client.shared.isPushStopped;
    },
    stop: async () => void (await client.call('stopPush', true)),
    resume: async () => void (await client.call('stopPush', false)),
    alias: () => alias(0, ''),
    setAlias: async (text) => {
      if (!text) throw fail('NOTHING_TO_SET');
      checkLabel(text, 'ALIAS');
      return alias(1, text);
    },
    deleteAlias: async () => void (await alias(3, '')),
    tags: () => tags(0, [], false),
    setTags: (list) => tags(1, list),
    addTags: (list) => tags(2, list),
    deleteTags: (list) => tags(3, list),
    cleanTags: async () => void (await tags(1, [], false)),
    checkTag: async (tag) => {
      if (!tag) throw fail('NOTHING_TO_SET');
      checkLabel(tag, 'TAG');
      return (await tags(0, [], false)).includes(tag);
    },
    filterValidTags: (list) =>
      [...new Set(list)].filter((tag) => byteLength(tag) <= LABEL_BYTES_MAX && LABEL.test(tag)).slice(0, TAGS_MAX),
    setMobile: async (mobile) => {
      if (mobile.length > 20) throw fail('MOBILE_TOO_LONG');
      if ((mobile && !/^\+?-*\d[\d-]*$/.test(mobile)) || mobile.startsWith('-')) throw fail('MOBILE_CHARACTERS');
      await label('mobile', () => client.request('Mobile', { mobile }));
    },
    setBadge: async (badge) => {
      if (!Number.isInteger(badge) || badge < 0 || badge > 99_999) throw fail('PUSH_INVALID', 'a badge is 0 to 99999');
      await ask('Badge', { badge });
    },
    report: async (state, msgIds) => {
      if (msgIds.length > 100) throw fail('PARAMETER', 'at most 100 pushes are reported in one call');
      await ask('PushReport', { state: STATES[state], pushes: msgIds });
    },
    setWebPush: async (token) => void (await ask('PushToken', { kind: WEB_PUSH, token })),
  };
}
