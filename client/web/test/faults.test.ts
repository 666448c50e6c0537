import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chatKey } from '../src/session/sync.js';
import { World, calm, randomOf } from './sim.js';
import type { Faults } from './sim.js';

const ALL: Faults = {
  cut: 0.01,
  stall: 0.004,
  loss: 0.05,
  duplicate: 0.05,
  swap: 0.05,
  refusal: 0.1,
  crash: 0.01,
  answerLost: 0.03,
};
const SEEDS = Number(process.env.ANSER_SEEDS ?? 100);
const CHATS: ({ user: string } | { group: number })[] = [{ user: 'alice' }, { user: 'carol' }, { group: 10_000_000 }];

/** Alice, carol and a group write, this device answers, and things go wrong. */
async function play(seed: number, faults: Faults): Promise<World> {
  const random = randomOf(seed);
  const world = new World(random, faults);
  await world.boot();
  // The device has been here before: what comes from now on is missed and not history.
  world.isQuiet = true;
  while (!(await world.storedCursor())) await world.step();
  world.isQuiet = false;
  for (let count = 0, steps = 0; count < 60; steps++) {
    if (random() < 0.3) {
      const chat = CHATS[Math.floor(random() * CHATS.length)]!;
      if (random() < 0.6) world.post(chat, 'user' in chat ? chat.user : 'dave', `theirs ${count++}`);
      else await world.send(chat, `mine ${count++}`);
    }
    await world.step();
    for (const position of world.acks.splice(0)) {
      assert.ok(position <= (await world.storedCursor()), 'nothing is acknowledged that is not stored');
    }
  }
  await world.settle();
  return world;
}

async function judge(world: World, seed: number, mayBeToldAgain: boolean): Promise<void> {
  const theirs = world.log.filter(({ outbox }) => !outbox);
  for (const { position, text } of theirs) {
    const times = world.toldEver.get(position) ?? 0;
    assert.ok(times >= 1, `seed ${seed}: ${text} was never told`);
    if (!mayBeToldAgain) assert.equal(times, 1, `seed ${seed}: ${text} was told ${times} times`);
  }
  const last = new Map<string, number>();
  for (const { chat, position } of world.told) {
    assert.ok(position > (last.get(chatKey(chat)) ?? 0), `seed ${seed}: told out of order or twice in one life`);
    last.set(chatKey(chat), position);
  }
  const mine = world.log.filter(({ outbox }) => outbox);
  const texts = mine.map(({ text }) => text);
  assert.equal(new Set(texts).size, texts.length, `seed ${seed}: a message was accepted twice`);
  for (const chat of CHATS) {
    const numbers = mine
      .filter((logged) => chatKey(logged.chat) === chatKey(chat))
      .map(({ text }) => Number(/\d+/.exec(text)![0]));
    assert.deepEqual(
      numbers,
      [...numbers].sort((a, b) => a - b),
      `seed ${seed}: own messages lost their order`,
    );
  }
  for (const logged of mine) {
    // Killed between the store and the telling, the store knows.
    const isKnown = world.sent.get(logged.text) === logged.position || (await world.localOf(logged)) !== undefined;
    assert.ok(isKnown, `seed ${seed}: ${logged.text} was not answered`);
  }
}

for (const fault of Object.keys(ALL) as (keyof Faults)[]) {
  test(`with ${fault} every message arrives, once and in order`, async () => {
    for (let seed = 1; seed <= Math.ceil(SEEDS / 10); seed++) {
      await judge(await play(seed, { ...calm, [fault]: 3 * ALL[fault] }), seed, fault === 'crash');
    }
  });
}

test('with all faults together every message arrives, once and in order', async () => {
  let pages = 0;
  for (let seed = Number(process.env.ANSER_FROM ?? 1); seed <= SEEDS; seed++) {
    const world = await play(seed, ALL);
    await judge(world, seed, true);
    pages += world.pages;
  }
  assert.ok(pages > SEEDS / 10, `holes were met and filled: ${pages} pages`);
});
