import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeStruct, toBytes } from '../src/codec.js';
import { Leader } from '../src/leader.js';
import type { Rec, Write } from '../src/session/types.js';
import { MemoryKv } from '../src/store/kv.js';
import { key } from '../src/store/rows.js';
import type { ChatRow, StoredMessage } from '../src/store/rows.js';
import { Changes } from '../src/store/store.js';

const record = (position: number, more: Partial<Rec> = {}): Rec => ({
  position,
  at_ms: position,
  from: 'alice',
  outbox: 0,
  kind: 1,
  body: toBytes(`m${position}`),
  extensions: [],
  ...more,
});
const message = (position: number, more: Partial<Rec> = {}): Write => ({
  op: 'message',
  user: 'bob',
  chat: 'ualice',
  record: record(position, more),
});
const edited = (position: number, target: number, text: string): Write =>
  message(position, {
    from: '',
    kind: 34,
    body: encodeStruct('Amendment', {
      position: target,
      kind: 2,
      by: 'alice',
      content: { kind: 1, body: toBytes(text), extensions: [] },
    }),
  });
const retracted = (position: number, target: number): Write =>
  message(position, {
    from: '',
    kind: 34,
    body: encodeStruct('Amendment', { position: target, kind: 1, by: 'alice', content: null }),
  });

class Shelf {
  kv = new MemoryKv();

  change<T>(body: (changes: Changes, row: ChatRow) => Promise<T> | T): Promise<T> {
    return this.kv.write(async (tx) => {
      const changes = new Changes(tx);
      const result = await body(changes, await changes.chat('bob', 'ualice'));
      await changes.finish();
      return result;
    });
  }

  put(...writes: Write[]): Promise<void> {
    return this.change((changes) => changes.apply(writes));
  }

  row(): Promise<ChatRow> {
    return this.kv.read((tx) => tx.get(key.chat('bob', 'ualice')));
  }

  async text(position: number): Promise<string | undefined> {
    const stored = (await this.kv.read((tx) => tx.get(key.message('bob', 'ualice', position)))) as
      | StoredMessage
      | undefined;
    return stored && !stored.isDeleted ? new TextDecoder().decode(stored.body) : undefined;
  }
}

test('unread counts what others wrote above the mark, by its weight', async () => {
  const shelf = new Shelf();
  await shelf.put(
    message(1),
    message(2, { from: 'bob' }),
    message(3, { extensions: [{ tag: 59, value: new Uint8Array([5]) }] }),
    message(4, { from: '', kind: 32 }),
    message(1),
  );
  assert.equal((await shelf.row()).unread, 6);
  await shelf.put({ op: 'readMark', user: 'bob', chat: 'ualice', position: 1 });
  assert.equal((await shelf.row()).unread, 5);
  await shelf.put({ op: 'markKnown', user: 'bob', chat: 'ualice', position: 4 });
  assert.equal((await shelf.row()).unread, 0);
  await shelf.change((changes, row) => changes.setUnread(row, 3));
  await shelf.put(message(9));
  assert.equal((await shelf.row()).unread, 4, 'by hand, and what came since');
});

test('an edit changes the message also when that comes later, and what is gone never comes back', async () => {
  const shelf = new Shelf();
  await shelf.put(edited(20, 10, 'new'), message(10));
  assert.equal(await shelf.text(10), 'new');
  await shelf.put(edited(15, 10, 'older'));
  assert.equal(await shelf.text(10), 'new', 'of two edits the one told later holds');
  await shelf.put(retracted(30, 10), edited(40, 10, 'again'));
  assert.equal(await shelf.text(10), '');
  assert.equal((await shelf.row()).unread, 0, 'it counts no more');
  const notices = await Promise.all([15, 20, 40].map((position) => shelf.text(position)));
  assert.ok(
    notices.every((text) => !/new|older|again/.test(text!)),
    'no notice goes on saying it',
  );
});

test('an edit that somebody else claims changes nothing', async () => {
  const shelf = new Shelf();
  await shelf.put(message(10), {
    ...edited(20, 10, 'forged'),
    record: {
      ...record(20),
      kind: 34,
      body: encodeStruct('Amendment', { position: 10, kind: 1, by: 'mallory', content: null }),
    },
  } as Write);
  assert.equal(await shelf.text(10), 'm10');
});

test('a receipt changes the row of its chat, for the list tells of the last message', async () => {
  const shelf = new Shelf();
  await shelf.put(message(10, { from: 'bob' }));
  const rows = await shelf.kv.write(async (tx) => {
    const changes = new Changes(tx);
    await changes.apply([{ op: 'receipt', user: 'bob', chat: 'ualice', message: 10, unread: 0, at_ms: 1 }]);
    return changes.finish();
  });
  assert.deepEqual(
    rows.map(({ chat, last }) => [chat, last?.position]),
    [['ualice', 10]],
  );
});

test('a message that was deleted is known as such when its place is not kept any more', async () => {
  const shelf = new Shelf();
  await shelf.put(...Array.from({ length: 200 }, (_, index) => message(index + 1)));
  await shelf.change((changes, row) => changes.deleteMessage(row, 7));
  await shelf.put(...Array.from({ length: 1000 }, (_, index) => message(index + 201)));
  await shelf.put({ op: 'handed', user: 'bob', chat: 'ualice', to: 1200 });
  assert.equal((await shelf.row()).floor, 201);
  // Below the floor nothing is stored, and the mark alone stands.
  await shelf.change((changes, row) => changes.deleteMessage(row, 8));
  await shelf.put(edited(1300, 8, 'new'));
  const marks = () =>
    shelf.kv.read((tx) => tx.list(key.deleted('bob', 'ualice', 0), key.deleted('bob', 'ualice', 2000)));
  assert.deepEqual([await marks(), (await shelf.row()).count], [[7, 8], 1001]);
  assert.doesNotMatch((await shelf.text(1300))!, /new/, 'nor does a notice go on saying it');
  await shelf.change((changes, row) => changes.deleteChat(row, false));
  assert.deepEqual(await marks(), []);
});

test('what was deleted does not come back, and what comes late is shown', async () => {
  const shelf = new Shelf();
  const entry = {
    local: 1,
    number: 1,
    user: 'bob',
    chat: 'ualice',
    kind: 1,
    body: toBytes('mine'),
    extensions: [],
    createdAt: 0,
  };
  await shelf.put(message(10), { op: 'sent', entry, position: 30, at_ms: 1 });
  await shelf.change((changes, row) => changes.deleteChat(row, true));
  await shelf.put(message(10), message(30, { outbox: 1, from: 'bob' }));
  assert.deepEqual(
    [await shelf.text(10), await shelf.text(30), (await shelf.row()).isShown],
    [undefined, undefined, false],
  );
  await shelf.put(message(20));
  assert.deepEqual([await shelf.text(20), (await shelf.row()).isShown], ['m20', true]);
});

test('only the newest thousand that were handed out are kept', async () => {
  const shelf = new Shelf();
  await shelf.put(...Array.from({ length: 1200 }, (_, index) => message(index + 1)));
  assert.equal((await shelf.row()).count, 1200, 'nothing was handed out yet');
  await shelf.put({ op: 'handed', user: 'bob', chat: 'ualice', to: 1200 });
  const row = await shelf.row();
  assert.deepEqual(
    [row.count, row.floor, await shelf.text(200), await shelf.text(201)],
    [1000, 201, undefined, 'm201'],
  );
});

test('a transaction that fails leaves nothing', async () => {
  const kv = new MemoryKv();
  await assert.rejects(
    kv.write(async (tx) => {
      tx.put(['a', 1], 'x');
      throw new Error('no');
    }),
  );
  assert.equal(await kv.read((tx) => tx.get(['a', 1])), undefined);
});

test('a holder of the link that was replaced writes nothing any more', async () => {
  const kv = new MemoryKv();
  const replaced: string[] = [];
  class Deaf {
    close(): void {}
  }
  const leader = (name: string) =>
    new Leader({
      kv,
      appKey: 'app',
      url: 'wss://localhost/link',
      traits: [],
      WebSocket: Deaf as any,
      tell: async () => {},
      onReplaced: () => void replaced.push(name),
    });
  const [first, second] = [leader('first'), leader('second')];
  await first.start();
  await second.start();
  await first.call('stopPush', [true]);
  await kv.read(async () => {});
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(replaced, ['first']);
  assert.notEqual((await kv.read((tx) => tx.get(key.push)))?.isStopped, true);
  second.close();
});
