import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Decoder, Encoder, toBytes } from '../src/codec.js';
import type { Body } from '../src/codec.js';
import { CREDENTIAL } from '../src/session/login.js';
import { Session } from '../src/session/session.js';
import type { Action, SessionEvent, Stored, Write } from '../src/session/types.js';

const FRESH: Stored = {
  users: new Map(),
  outbox: [],
  numberNext: 1,
  pushCursor: null,
  pushIds: [],
  isPushStopped: false,
  havePushes: false,
};
const PASSWORD = { kind: CREDENTIAL.password, credential: toBytes('secret'), extensions: [] };

/** A session whose other end is the test: it says what it likes and reads what is written. */
class Bench {
  session: Session;
  now = 1000;
  written: { name: string; body: Body }[] = [];
  events: SessionEvent[] = [];
  writes: Write[] = [];
  releases: [string, number][] = [];
  connects = 0;
  private tickets: number[] = [];
  private encoder = new Encoder(false);
  private decoder = new Decoder(true);

  constructor(
    stored: Partial<Stored> = {},
    private isStoreSlow = false,
  ) {
    const bytes = (length: number) => new Uint8Array(length).fill(7);
    this.session = new Session({ appKey: 'app', traits: [], random: () => 0.5, bytes }, { ...FRESH, ...stored });
    this.act();
  }

  act(): void {
    for (let action: Action | undefined; (action = this.session.nextAction()); ) {
      if (action.type === 'transmit') this.written.push(this.decoder.decode(action.bytes));
      else if (action.type === 'emit') this.events.push(action.event);
      else if (action.type === 'release') this.releases.push([action.chat, action.to]);
      else if (action.type === 'connect') this.connects += 1;
      else if (action.type === 'store') {
        this.writes.push(...action.writes);
        this.tickets.push(action.ticket);
        if (!this.isStoreSlow) this.stored();
      }
    }
  }

  slowStore(): void {
    this.isStoreSlow = true;
  }

  stored(): void {
    const ticket = this.tickets.at(-1);
    this.tickets = [];
    if (ticket !== undefined) this.session.handleStored(ticket, this.now);
    this.act();
  }

  link(): void {
    this.encoder = new Encoder(false);
    this.decoder = new Decoder(true);
    this.session.handleConnected(this.now);
    this.act();
  }

  says(name: string, body: Body = {}): void {
    this.session.handleMessage(this.encoder.encode(name, body), this.now);
    this.act();
  }

  later(ms: number): void {
    this.now += ms;
    this.session.handleTimeout(this.now);
    this.act();
  }

  welcome(capabilities = 7): void {
    this.says('Welcome', {
      version: 1,
      capabilities,
      registration_id: 'device',
      outbox_head: 0,
      server_time_ms: 1,
      heartbeat_s: 25,
      heartbeat_min_s: 10,
      heartbeat_max_s: 60,
    });
  }

  login(to = 100): void {
    this.session.start(this.now);
    this.act();
    this.link();
    this.welcome();
    this.session.login.want('bob', PASSWORD, this.now);
    this.act();
    this.says('LoggedIn', { request: this.last('Login').request, username: 'bob', token: toBytes('t'.repeat(32)) });
    this.says('CatchUp', { after: 0, to, is_last: true, conversations: [] });
    this.later(200);
    this.written = [];
  }

  deliver(position: number, after: number): void {
    this.says('Deliver', {
      position,
      after,
      chat: { user: 'alice' },
      from: 'alice',
      at_ms: 1,
      kind: 1,
      body: toBytes('hi'),
    });
  }

  last(name: string): Body {
    return this.written.filter((frame) => frame.name === name).at(-1)!.body;
  }

  names(): string[] {
    return this.written.map(({ name }) => name);
  }

  told(type: SessionEvent['type']): any[] {
    return this.events.filter((event) => event.type === type);
  }
}

test('a new device stores who it is before it says hello', () => {
  const bench = new Bench({}, true);
  bench.session.start(bench.now);
  bench.act();
  bench.link();
  assert.deepEqual(bench.names(), []);
  assert.equal(bench.writes[0]!.op, 'identity');
  bench.stored();
  assert.deepEqual(bench.names(), ['Hello']);
  assert.deepEqual([bench.last('Hello').registration_id, bench.last('Hello').platform], ['', 6]);
});

test('a record is acknowledged and handed out only once it is stored', () => {
  const bench = new Bench();
  bench.login();
  bench.slowStore();
  bench.deliver(105, 100);
  bench.later(500);
  assert.deepEqual([bench.names(), bench.releases], [[], []]);
  bench.stored();
  assert.deepEqual(bench.releases, [['ualice', 105]]);
  bench.later(200);
  assert.deepEqual(bench.last('Ack'), { position: 105 });
});

test('a delivery that does not join on ends the link, one that is known changes nothing', () => {
  const bench = new Bench();
  bench.login();
  bench.deliver(105, 100);
  bench.deliver(105, 100);
  assert.equal(bench.writes.filter(({ op }) => op === 'message').length, 1);
  bench.deliver(120, 110);
  assert.equal(bench.told('disconnected').at(-1).end.reason, 'gap');
  assert.equal(bench.writes.filter(({ op }) => op === 'message').length, 1);
});

test('an idle link is asked after its interval, and is dead ten seconds later', () => {
  const bench = new Bench();
  bench.login();
  bench.later(24_000);
  assert.deepEqual(bench.names(), []);
  bench.later(1_000);
  assert.deepEqual(bench.names(), ['Ping']);
  bench.says('Pong');
  bench.later(25_000);
  bench.later(9_999);
  assert.equal(bench.told('disconnected').length, 0);
  bench.later(1);
  assert.equal(bench.told('disconnected').at(-1).end.reason, 'silent');
});

test('in doubt, a link that does not answer is given up after four seconds', () => {
  const bench = new Bench();
  bench.login();
  bench.session.handleDoubt(bench.now);
  bench.act();
  assert.deepEqual(bench.names(), ['Ping']);
  bench.later(4_000);
  assert.equal(bench.told('disconnected').at(-1).end.reason, 'silent');
});

test('the wait for the next try doubles up to a minute, and somebody who comes back does not wait', () => {
  const bench = new Bench();
  bench.session.start(bench.now);
  bench.act();
  const waits: number[] = [];
  for (let tries = 0; tries < 9; tries++) {
    bench.session.handleConnectFailed(bench.now);
    bench.act();
    const { retryIn } = bench.told('disconnected').at(-1);
    waits.push(2 * retryIn);
    bench.later(retryIn);
  }
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
  bench.session.handleConnectFailed(bench.now);
  bench.act();
  const { connects } = bench;
  bench.session.handleDoubt(bench.now);
  bench.act();
  assert.equal(bench.connects, connects + 1);
});

test('a socket that never opens is given up', () => {
  const bench = new Bench();
  bench.session.start(bench.now);
  bench.act();
  bench.later(15_000);
  assert.equal(bench.told('disconnected').at(-1).end.reason, 'unreachable');
});

test('when it is told to go it stays away for as long as was asked, and a random part more', () => {
  const bench = new Bench();
  bench.login();
  bench.says('GoAway', { code: 13, retry_after_ms: 2000, message: '' });
  bench.later(2_999);
  assert.equal(bench.connects, 1);
  bench.later(1);
  assert.equal(bench.connects, 2);
});

test('a device whose identity was copied does not fight for its place', () => {
  const bench = new Bench();
  bench.login();
  bench.says('GoAway', { code: 12, retry_after_ms: 0, message: '' });
  bench.later(1000);
  bench.link();
  bench.welcome();
  bench.says('GoAway', { code: 12, retry_after_ms: 0, message: '' });
  const { end, retryIn } = bench.told('disconnected').at(-1);
  assert.deepEqual([end.reason, retryIn], ['copied', 60_000]);
});

test('a server that does not know the device any more gets a new one', () => {
  const bench = new Bench({
    identity: { nonce: new Uint8Array(16), secret: new Uint8Array(16), registrationId: 'old' },
    pushCursor: 5,
  });
  bench.session.start(bench.now);
  bench.act();
  bench.link();
  assert.deepEqual([bench.last('Hello').registration_id, bench.last('Hello').push_cursor], ['old', 5]);
  bench.says('Failed', { request: 0, code: 6016, message: '' });
  bench.later(1000);
  bench.link();
  assert.deepEqual([bench.last('Hello').registration_id, bench.last('Hello').push_cursor], ['', null]);
  assert.notDeepEqual(bench.last('Hello').nonce, new Uint8Array(16));
});

test('who is pushed off by another browser does not come back by itself', () => {
  const bench = new Bench();
  bench.login();
  bench.says('GoAway', { code: 800016, retry_after_ms: 0, message: '' });
  assert.deepEqual(
    bench.told('loginFailed').map(({ code }) => code),
    [800016],
  );
  bench.later(1000);
  bench.written = [];
  bench.link();
  bench.welcome();
  assert.deepEqual(bench.names(), ['Hello']);
});

test('on a later link the session token is used, and a refused one asks for a login', () => {
  const token = toBytes('x'.repeat(32));
  const user = { token, cursor: 50, holes: new Map(), newest: new Map(), marks: new Map(), reads: [] };
  const bench = new Bench({ users: new Map([['bob', user]]) });
  bench.session.start(bench.now);
  bench.session.login.want('bob', null, bench.now);
  bench.act();
  bench.link();
  const login = bench.last('Login');
  assert.deepEqual([login.credential_kind, login.credential, login.cursor], [3, token, 50]);
  bench.welcome();
  bench.says('Failed', { request: login.request, code: 898010, message: '' });
  assert.deepEqual(
    bench.told('loginNeeded').map(({ user }) => user),
    ['bob'],
  );
});

test('what was asked is asked again on the next link, but not what could do harm when done twice', () => {
  const bench = new Bench();
  bench.login();
  const asked = bench.session.request('GroupList', {}, bench.now)!;
  const made = bench.session.request(
    'GroupMake',
    { name: 'g', description: '', avatar: '', is_public: false, maximum: 0, members: [] },
    bench.now,
  )!;
  bench.act();
  bench.session.handleDisconnected(bench.now);
  bench.act();
  assert.deepEqual(
    bench.told('failed').map(({ request, code }) => [request, code]),
    [[made, 871310]],
  );
  bench.later(1000);
  bench.link();
  bench.welcome();
  bench.says('LoggedIn', { request: bench.last('Login').request, username: 'bob', token: new Uint8Array() });
  const part = (isLast: boolean, group: number) =>
    bench.says('Groups', {
      request: bench.last('GroupList').request,
      is_last: isLast,
      groups: [{ group, name: '', description: '', owner: 'bob' }],
    });
  part(false, 1);
  assert.deepEqual(bench.told('answer'), []);
  part(true, 2);
  assert.deepEqual(
    bench.told('answer').map(({ request, body }) => [request, body.groups.length]),
    [[asked, 2]],
  );
});

test('a request without an answer fails after half a minute', () => {
  const bench = new Bench();
  bench.login();
  bench.session.request('GroupList', {}, bench.now);
  bench.act();
  for (let seconds = 0; seconds < 30; seconds += 5) {
    bench.later(5_000);
    if (bench.names().at(-1) === 'Ping') bench.says('Pong');
  }
  assert.deepEqual(
    bench.told('failed').map(({ code }) => code),
    [871201],
  );
});

test('pushes are taken once, acknowledged with what came, and a gap ends the link', () => {
  const bench = new Bench();
  bench.login();
  const push = (after: number, position: number, msgId: number) =>
    bench.says('PushDeliver', {
      after,
      position,
      msg_id: msgId,
      at_ms: 1,
      content: { notification: null, message: { content: 'm', title: '', content_type: '', extras: '' } },
    });
  push(0, 200, 199);
  push(210, 210, 205);
  push(200, 220, 199);
  bench.later(200);
  assert.equal(bench.writes.filter(({ op }) => op === 'push').length, 2);
  assert.deepEqual([bench.last('PushAck').position, bench.last('PushAck').received], [220, [199, 205]]);
  push(230, 240, 239);
  assert.equal(bench.told('disconnected').at(-1).end.reason, 'gap');
});

test('stopped pushes are told to the server, kept out, and resumed from where they stood', () => {
  const bench = new Bench({ pushCursor: 100 });
  bench.login();
  bench.session.stopPush(true, bench.now);
  bench.act();
  assert.deepEqual(bench.names(), ['PushStop']);
  const push = (after: number, position: number) =>
    bench.says('PushDeliver', {
      after,
      position,
      msg_id: position,
      at_ms: 1,
      content: { notification: null, message: null },
    });
  push(100, 110);
  assert.equal(bench.writes.filter(({ op }) => op === 'push').length, 0);
  bench.session.stopPush(false, bench.now);
  bench.act();
  assert.equal(bench.last('PushResume').push_cursor, 100);
  push(110, 120);
  bench.says('Done', { request: bench.last('PushResume').request });
  push(100, 110);
  assert.deepEqual(
    bench.writes.filter(({ op }) => op === 'push').length,
    1,
    'what came before the answer is from before',
  );
});

test('what was read is told together, and again until the server has it', () => {
  const bench = new Bench();
  bench.login();
  bench.deliver(105, 100);
  bench.session.markRead('ualice', 105, bench.now);
  bench.session.markRead('g7', 100, bench.now);
  bench.act();
  bench.later(200);
  assert.equal(bench.last('ReadMarks').marks.length, 2);
  bench.says('Failed', { request: bench.last('ReadMarks').request, code: 7, message: '' });
  bench.written = [];
  bench.later(1000);
  const { request } = bench.last('ReadMarks');
  bench.says('Done', { request });
  assert.deepEqual(bench.writes.filter(({ op }) => op === 'markKnown').length, 2);
});

test('a broken frame ends the link', () => {
  const bench = new Bench();
  bench.login();
  bench.session.handleMessage(new Uint8Array([71, 1]), bench.now);
  bench.act();
  assert.equal(bench.told('disconnected').at(-1).end.reason, 'malformed');
});
