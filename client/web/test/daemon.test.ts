import assert from 'node:assert/strict';
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { connect } from '../src/index.js';
import type { Client, Events } from '../src/index.js';
import { Daemon, until } from './daemon.js';
import { Socket, fetching, trusting } from './socket.js';

let daemon: Daemon;
let alice: Client;
let bob: Client;
const heard = new Map<Client, { [E in keyof Events]?: Events[E][] }>();

async function device(profile = ''): Promise<Client> {
  const client = await connect({
    appKey: daemon.appKey,
    server: daemon.origin,
    profile,
    store: 'memory',
    WebSocket: trusting(daemon.ca),
    fetch: fetching(daemon.ca),
  });
  const all: any = {};
  heard.set(client, all);
  const names: (keyof Events)[] = [
    'message',
    'amended',
    'notice',
    'outgoing',
    'receipt',
    'command',
    'typing',
    'push',
    'loginFailed',
    'loginNeeded',
    'roomMessages',
    'roomChanged',
    'conversation',
    'messagesDeleted',
    'profileChanged',
    'pushWithdrawn',
    'loggedOut',
  ];
  for (const name of names) client.on(name, (value) => (all[name] ??= []).push(value));
  return client;
}

const told = <E extends keyof Events>(client: Client, event: E): Events[E][] =>
  (heard.get(client)![event] ??= []) as Events[E][];
const failsWith = (code: number) => (error: any) => {
  assert.equal(error.code, code, String(error));
  return true;
};

before(async () => {
  daemon = await Daemon.start('[limits]\nsends_per_minute = 0\n');
  alice = await device();
  bob = await device();
  await alice.register('alice', 'secret1', { nickname: 'Alice' });
  await bob.register('bob', 'secret2');
  await bob.login('bob', { password: 'secret2' });
});

after(async () => {
  await alice?.close();
  await bob?.close();
  await daemon?.stop();
});

test('every content arrives as it was sent, with its options', async () => {
  const media = await alice.media.upload(new Blob([new Uint8Array(300_000).fill(7)]), { kind: 'file', name: '雁.bin' });
  const contents = [
    { type: 'text', text: 'hello 🦢 مرحبا', extras: { k: [1, null] } },
    { type: 'file', media, extras: { note: 'x' } },
    { type: 'voice', media, duration: 3 },
    { type: 'video', media, duration: 2.5 },
    { type: 'location', latitude: 22.5, longitude: -114.25, scale: 16, label: 'here' },
    { type: 'custom', body: { any: { thing: true } } },
  ] as const;
  for (const content of contents) {
    const options = { notice: { title: 't', alert: 'a' }, needReceipt: true, count: 2, fromName: 'A' };
    const sending = await alice.messages.send({ user: 'bob' }, content as any, options);
    const { msgId } = await sending.sent;
    const message = await until('it arrives', () => told(bob, 'message').find((other) => other.msgId === msgId));
    assert.deepEqual(JSON.parse(JSON.stringify(message.content)), JSON.parse(JSON.stringify(content)));
    assert.deepEqual(message.options, options);
  }
  assert.equal((await bob.conversations.get({ user: 'alice' }))!.unread, 2 * contents.length);
  await bob.conversations.markRead({ user: 'alice' });
  await until('unread is none', async () => (await bob.conversations.totalUnread()) === 0);
});

test('what the server would refuse is refused at once, with the code of the contract', async () => {
  const send = (content: any, options = {}) => alice.messages.send({ user: 'bob' }, content, options);
  await assert.rejects(send({ type: 'text', text: '' }), failsWith(803011));
  await assert.rejects(send({ type: 'text', text: 'x'.repeat(4097) }), failsWith(803007));
  await assert.rejects(send({ type: 'event' }), failsWith(871324));
  await assert.rejects(send({ type: 'text', text: 'x' }, { at: 'all' }), failsWith(803011));
  await assert.rejects(alice.register('x'.repeat(129), 'secret'), failsWith(871301));
  const refused = await alice.messages.send({ user: 'nobody' }, { type: 'text', text: 'x' });
  await assert.rejects(refused.sent, failsWith(803003));
  assert.deepEqual(
    (await alice.messages.outgoing({ user: 'nobody' })).map(({ state }) => state),
    ['failed'],
  );
  await assert.rejects((await alice.messages.resend(refused.localId)).sent, failsWith(803003));
  await alice.messages.discard(refused.localId);
  await until('every tab is told', () =>
    told(alice, 'outgoing').some(({ localId, state }) => localId === refused.localId && state === 'cancelled'),
  );
  assert.deepEqual(await alice.messages.outgoing(), []);
  await assert.rejects(alice.messages.resend(refused.localId), failsWith(871325));
});

test('receipts, retraction and typing reach the other side', async () => {
  const sending = await alice.messages.send({ user: 'bob' }, { type: 'text', text: 'read me' }, { needReceipt: true });
  const { msgId } = await sending.sent;
  await until('bob has it', () => told(bob, 'message').some((message) => message.msgId === msgId));
  await bob.messages.markRead([msgId]);
  await until('alice is told', () =>
    told(alice, 'receipt').some((receipt) => receipt.msgId === msgId && receipt.unread === 0),
  );
  assert.deepEqual(await alice.messages.readers(msgId), { read: ['bob'], unread: [] });
  const { messages } = await alice.messages.page({ user: 'bob' });
  assert.equal(messages.at(-1)!.unreadBy, 0);
  const counts = () =>
    told(alice, 'conversation').flatMap(({ last }) => (last?.msgId === msgId ? [last.unreadBy] : []));
  await until('the list says so', () => counts().at(-1) === 0);
  assert.equal((await alice.conversations.get({ user: 'bob' }))!.last!.unreadBy, 0);
  await alice.messages.retract(msgId);
  const amended = await until('bob is told', () => told(bob, 'amended').find((change) => change.msgId === msgId));
  assert.deepEqual([amended.change, amended.by, amended.message?.content.type], ['retracted', 'alice', 'retracted']);
  await assert.rejects(alice.messages.retract(msgId), failsWith(855004));
  await alice.sendTyping('bob');
  await until('bob sees it', () => told(bob, 'typing').some(({ user, isTyping }) => user === 'alice' && isTyping));
  await alice.sendCommand({ user: 'bob' }, 'anything');
  await until('bob hears it', () => told(bob, 'command').some(({ text }) => text === 'anything'));
  await assert.rejects(alice.sendCommand({ user: 'alice' }, 'x'), failsWith(857006));
});

test('groups: from making to dissolving', async () => {
  const group = await alice.groups.create({ name: 'geese', description: 'd', members: ['bob'], isPublic: true });
  assert.deepEqual(
    (await alice.groups.members(group)).map(({ username, rank }) => [username, rank]),
    [
      ['alice', 1],
      ['bob', 0],
    ],
  );
  await (
    await alice.messages.send({ group }, { type: 'text', text: '@bob' }, { at: ['bob'] })
  ).sent;
  await until('bob is mentioned', async () => (await bob.conversations.get({ group }))?.isMentioned);
  await alice.groups.edit(group, { name: 'swans', description: '' });
  assert.equal((await bob.groups.get(group)).name, 'swans');
  assert.equal(
    (await bob.groups.public()).items.some((shown) => shown.group === group),
    true,
  );
  await alice.groups.setAdmins(group, ['bob'], true);
  await alice.groups.setAdmins(group, ['bob'], false);
  await alice.groups.silence(group, ['bob'], 300_000);
  await assert.rejects((await bob.messages.send({ group }, { type: 'text', text: 'x' })).sent, failsWith(803012));
  assert.equal((await alice.groups.silences(group)).length, 1);
  await alice.groups.silence(group, ['bob']);
  const id = await alice.groups.announce(group, 'to the south');
  await alice.groups.pinAnnouncement(group, id, true);
  assert.deepEqual(
    (await bob.groups.announcements(group)).map(({ text, pinnedAt }) => [text, pinnedAt > 0]),
    [['to the south', true]],
  );
  await bob.groups.setNickname(group, 'bob', 'Bobby');
  await bob.groups.leave(group);
  await bob.groups.apply(group, 'please');
  const requests = await until('the request is there', async () => (await alice.groups.joinRequests(group))[0]);
  await alice.groups.answerJoin(group, [{ id: requests.id, username: 'bob' }], true);
  await alice.groups.setBlacklisted(group, ['bob'], true);
  assert.deepEqual(await alice.groups.blacklist(group), ['bob']);
  await alice.groups.dissolve(group);
  await until('bob is told', () =>
    told(bob, 'message').some(({ content }) => content.type === 'event' && content.event === 11),
  );
});

test('friends, blacklist, mutes, shields and profiles', async () => {
  await bob.users.askFriend('alice', 'hello');
  await until('alice is asked', () =>
    told(alice, 'notice').some(({ kind, detail, by }) => kind === 5 && detail === 1 && by === 'bob'),
  );
  await alice.users.answerFriend('bob', true);
  await alice.users.noteFriend('bob', { name: 'Bobby' });
  const [friend] = await alice.users.friends();
  assert.deepEqual([friend!.username, friend!.isFriend, friend!.noteName], ['bob', true, 'Bobby']);
  await alice.users.removeFriends(['bob']);
  await alice.users.block(['bob']);
  await assert.rejects(
    (await bob.messages.send({ user: 'alice' }, { type: 'text', text: 'x' })).sent,
    failsWith(803008),
  );
  assert.deepEqual(
    (await alice.users.blacklist()).map(({ username }) => username),
    ['bob'],
  );
  await alice.users.unblock(['bob']);
  await assert.rejects(alice.users.unblock(['bob']), failsWith(819004));
  await alice.users.mute({ user: 'bob' }, true);
  assert.deepEqual(
    (await alice.users.mutes()).users.map(({ username }) => username),
    ['bob'],
  );
  await alice.users.mute({ user: 'bob' }, false);
  const group = await alice.groups.create({ name: 'loud' });
  await alice.users.shield(group, true);
  assert.deepEqual(await alice.users.shields(), [group]);
  await bob.users.update({ nickname: 'Bob', gender: 1, extras: { a: 1 } });
  const [shown] = await alice.users.get(['bob', 'nobody']);
  assert.deepEqual([shown!.nickname, shown!.gender, shown!.extras], ['Bob', 1, { a: 1 }]);
});

test('rooms: what is said is heard inside, also after a cut, once', async () => {
  const { chatroom_id: text } = await daemon.rest('POST', '/v1/chatroom/', {
    name: 'pond',
    owner_username: 'alice',
    flag: 0,
  });
  const room = Number(text);
  await alice.rooms.enter(room);
  await bob.rooms.enter(room);
  const say = async (text: string) => (await alice.messages.send({ room }, { type: 'text', text })).sent;
  const heardBy = () =>
    told(bob, 'roomMessages').flatMap(({ messages }) => messages.map(({ content }) => (content as any).text));
  await say('one');
  await until('bob hears', () => heardBy().includes('one'));
  for (const socket of Socket.open) socket.cut();
  await until('both are back', () => alice.isLoggedIn && bob.isLoggedIn);
  await until('the room is gone into again', async () => {
    await say(`again ${heardBy().length}`);
    return heardBy().some((text) => text.startsWith('again'));
  });
  assert.equal(heardBy().filter((text) => text === 'one').length, 1);
  assert.equal((await bob.rooms.mine())[0]!.room, room);
  await alice.rooms.silence(room, ['bob'], 300_000);
  await assert.rejects((await bob.messages.send({ room }, { type: 'text', text: 'x' })).sent, failsWith(847002));
  await bob.rooms.leave(room);
});

test('tags, alias, mobile number, stopping and resuming, and pushes to them', async () => {
  assert.deepEqual(await bob.push.setTags(['beijing', '北京']), ['beijing', '北京']);
  assert.equal(await bob.push.checkTag('北京'), true);
  await bob.push.setAlias('phone_1');
  await bob.push.setMobile('+86-130-1234');
  await assert.rejects(bob.push.setAlias('a b'), failsWith(6003));
  await assert.rejects(bob.push.setTags([]), failsWith(6001));
  await assert.rejects(bob.push.addTags(['x'.repeat(41)]), failsWith(6006));
  assert.deepEqual(bob.push.filterValidTags(['a', 'a', 'b c', '好']), ['a', '好']);
  const push = (audience: unknown, alert: string) =>
    daemon.rest('POST', '/v3/push', {
      platform: 'all',
      audience,
      notification: { alert, winphone: { alert } },
      message: { msg_content: `m ${alert}`, extras: { k: 'v' } },
    });
  await push({ tag: ['beijing'] }, 'one');
  const first = await until('it arrives', () =>
    told(bob, 'push').find(({ notification }) => notification?.alert === 'one'),
  );
  assert.deepEqual(first.message, { content: 'm one', title: '', contentType: '', extras: { k: 'v' } });
  await bob.push.report('clicked', [first.msgId]);
  await bob.push.stop();
  await assert.rejects(bob.push.tags(), failsWith(6012));
  await push({ alias: ['phone_1'] }, 'two');
  await bob.push.resume();
  await until('what waited comes', () => told(bob, 'push').some(({ notification }) => notification?.alert === 'two'));
  assert.equal(told(bob, 'push').length, 2, 'each push once');
});

test('older history is read from the server, page by page, without a gap', async () => {
  for (let index = 0; index < 70; index++)
    await alice.messages.send({ user: 'bob' }, { type: 'text', text: `history ${index}` });
  await until('all are sent', async () => (await alice.messages.outgoing()).length === 0);
  await bob.close();
  bob = await device();
  await bob.login('bob', { password: 'secret2' });
  await until('the chat is there', () => bob.conversations.get({ user: 'alice' }));
  const seen: number[] = [];
  for (let before: number | undefined, isComplete = false; !isComplete; ) {
    const page = await bob.messages.page({ user: 'alice' }, { limit: 20, ...(before && { before }) });
    seen.unshift(...page.messages.map(({ msgId }) => msgId));
    ({ isComplete } = page);
    before = page.messages[0]?.msgId;
  }
  const { messages } = await bob.messages.page({ user: 'alice' }, { limit: 70 });
  assert.deepEqual(
    messages.map(({ content }) => (content as any).text),
    Array.from({ length: 70 }, (_, index) => `history ${index}`),
  );
  assert.ok(
    seen.length > 75 && seen.every((id, index) => index === 0 || id > seen[index - 1]!),
    'ascending, none twice',
  );
});

test('of history at the server, what was deleted here stays away', async () => {
  const older = (await bob.messages.page({ user: 'alice' }, { limit: 40 })).messages.slice(0, 20);
  const gone = older[3]!.msgId;
  await bob.messages.delete({ user: 'alice' }, gone);
  assert.deepEqual(told(bob, 'messagesDeleted').at(-1), { chat: { user: 'alice' }, msgIds: [gone] });
  const again = async () => (await bob.messages.page({ user: 'alice' }, { limit: 40 })).messages;
  assert.ok((await again()).some(({ msgId }) => msgId === older[4]!.msgId));
  assert.ok((await again()).every(({ msgId }) => msgId !== gone));
  const { messages } = await bob.messages.page({ user: 'alice' }, { before: gone, limit: 1 });
  assert.equal(messages[0]!.msgId, older[2]!.msgId);
});

test('a receipt for a message that is at the server alone is told with it', async () => {
  const [asked] = (await alice.messages.page({ user: 'bob' }, { limit: 100 })).messages.filter(
    ({ isOwn, options }) => isOwn && options.needReceipt,
  );
  await alice.close();
  alice = await device();
  await alice.login('alice', { password: 'secret1' });
  await bob.messages.markRead([asked!.msgId]);
  await until('alice is told', () =>
    told(alice, 'receipt').some(({ msgId, unread }) => msgId === asked!.msgId && unread === 0),
  );
  const { messages } = await alice.messages.page({ user: 'bob' }, { limit: 100 });
  assert.equal(messages.find(({ msgId }) => msgId === asked!.msgId)?.unreadBy, 0);
});

test('whether all is here is known at any time, and not over a cut', async () => {
  await until('all is here', () => bob.isCaughtUp);
  const cut = new Promise<boolean>((resolve) => {
    const end = bob.on('connection', () => (end(), resolve(bob.isCaughtUp)));
  });
  for (const socket of Socket.open) socket.cut();
  assert.equal(await cut, false);
  await until('all is here again', () => bob.isCaughtUp && alice.isLoggedIn);
});

test('an upload goes on after a cut, and what comes down is what went up', async () => {
  const bytes = new Uint8Array(1_500_000).map((_, index) => (index * 31) % 251);
  let cuts = 0;
  const media = await alice.media.upload(new Blob([bytes]), {
    kind: 'file',
    name: 'big',
    onProgress: (done) => {
      if (done > 0.4 && !cuts++) for (const socket of Socket.open) socket.cut();
    },
  });
  assert.equal(cuts > 0, true);
  await until('bob is back', () => bob.isLoggedIn);
  const down = new Uint8Array(await (await bob.media.download(media.media_id)).arrayBuffer());
  assert.equal(Buffer.compare(down, bytes), 0);
  await assert.rejects(bob.media.download('qiniu/file/r/0'), failsWith(211));
  const stop = new AbortController();
  stop.abort();
  await assert.rejects(
    alice.media.upload(new Blob([bytes]), { kind: 'voice', signal: stop.signal }),
    failsWith(880005),
  );
});

test('a signed token of the app server logs in, and the session token goes on from there', async () => {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { sub: 'alice', aud: daemon.appKey, exp: Math.floor(Date.now() / 1000) + 60 };
  const body = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`;
  const token = `${body}.${createHmac('sha256', daemon.masterSecret).update(body).digest('base64url')}`;
  await alice.logout();
  await assert.rejects(alice.login('alice', { signedToken: `${token}x` }), failsWith(898008));
  await alice.login('alice', { signedToken: token });
  for (const socket of Socket.open) socket.cut();
  await until('cut', () => !alice.isLoggedIn);
  await until('back by the session token', () => alice.isLoggedIn);
});

test('the Web signature of the app server is checked where it is given, and good once', async () => {
  const sign = (timestamp: number, secret = daemon.masterSecret) => {
    const randomStr = randomBytes(12).toString('hex');
    const text = `appkey=${daemon.appKey}&timestamp=${timestamp}&random_str=${randomStr}&key=${secret}`;
    return { timestamp, randomStr, signature: createHash('md5').update(text).digest('hex').toUpperCase() };
  };
  const login = (signature: ReturnType<typeof sign>) => alice.login('alice', { password: 'secret1', signature });
  await assert.rejects(login(sign(Date.now(), 'another')), failsWith(880102));
  await assert.rejects(login(sign(Date.now() - 11 * 60_000)), failsWith(880106));
  const good = sign(Date.now());
  await login(good);
  await assert.rejects(login(good), failsWith(880106));
  await login(sign(Date.now()));
});

test('wrong passwords and ended logins are told with their codes', async () => {
  const other = await device();
  await assert.rejects(other.login('bob', { password: 'wrong' }), failsWith(801004));
  await assert.rejects(other.login('nobody', { password: 'wrong' }), failsWith(801003));
  await assert.rejects(other.login('bob'), failsWith(898010));
  await other.login('bob', { password: 'secret2' });
  const kicked = await until('the first browser is told', () =>
    told(bob, 'loginFailed').find(({ code }) => code === 800016),
  );
  assert.deepEqual([kicked.event, kicked.extra], [1, 0]);
  assert.equal(bob.user, '');
  await daemon.rest('PUT', '/v1/users/bob/password', { new_password: 'secret3' });
  const changed = await until('the password changed', () =>
    told(other, 'loginFailed').find(({ code }) => code === 898010),
  );
  assert.equal(changed.event, 2);
  await assert.rejects(other.messages.send({ user: 'alice' }, { type: 'text', text: 'x' }), failsWith(871300));
  await other.close();
  await bob.login('bob', { password: createHash('md5').update('secret3').digest('hex'), isMd5: true });
  await bob.changePassword('secret3', 'secret2');
});
