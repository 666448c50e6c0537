import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { connect } from '../src/index.js';
import type { Client } from '../src/index.js';
import { Chromium, open } from './browser.js';
import { Daemon, until } from './daemon.js';
import { trusting } from './socket.js';
import { Wire } from './wire.js';

declare const client: Client;
declare const heard: Record<string, any[]>;

let daemon: Daemon;
let wire: Wire;
let chromium: Chromium;
let alice: Client;
let count = 0;

before(async () => {
  daemon = await Daemon.start('[limits]\nsends_per_minute = 0\n');
  wire = await Wire.to(daemon.port);
  chromium = await Chromium.start(wire.origin);
  alice = await connect({
    appKey: daemon.appKey,
    server: daemon.origin,
    store: 'memory',
    WebSocket: trusting(daemon.ca),
  });
  await alice.register('alice', 'secret1');
  await alice.login('alice', { password: 'secret1' });
});

after(async () => {
  await alice?.close();
  await chromium?.stop();
  wire?.close();
  await daemon?.stop();
});

/** A new user, logged in in a new tab. */
async function userInTab(): Promise<{ page: Page; user: string }> {
  const user = `user${++count}`;
  await alice.register(user, 'secret2');
  const page = await chromium.tab();
  await open(page, daemon.appKey);
  await page.evaluate((user) => client.login(user, { password: 'secret2' }), user);
  return { page, user };
}

const texts = (page: Page): Promise<string[]> => page.evaluate(() => heard.message!.map(({ content }) => content.text));
const stored = (page: Page): Promise<string[]> =>
  page.evaluate(async () => {
    const { messages } = await client.messages.page({ user: 'alice' }, { limit: 100 });
    return messages.map(({ content }) => (content.type === 'text' ? content.text : content.type));
  });
const said = (name: string, from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `${name} ${from + index}`);

async function say(user: string, list: string[]): Promise<void> {
  const sendings = await Promise.all(list.map((text) => alice.messages.send({ user }, { type: 'text', text })));
  await Promise.all(sendings.map(({ sent }) => sent));
}

test('a page that is reloaded in the middle of a sync has every message once and in order', async () => {
  const { page, user } = await userInTab();
  for (let round = 0; round < 4; round++) {
    const saying = say(user, said('sync', 25 * round, 25 * (round + 1)));
    await page.reload();
    // The link begins again, and the page goes before it is done.
    await page.evaluate(
      (appKey) => void import('/anser.js' as string).then(({ connect }) => connect({ appKey })),
      daemon.appKey,
    );
    await page.reload();
    await open(page, daemon.appKey);
    await saying;
  }
  await until('all are there', async () => (await stored(page)).length === 100);
  assert.deepEqual(await stored(page), said('sync', 0, 100));
  const told = await texts(page);
  assert.equal(new Set(told).size, told.length, 'no page is told anything twice');
  await page.close();
});

test('two tabs share one link and one truth, and the second takes over when the first is closed', async () => {
  const { page: first, user } = await userInTab();
  const second = await chromium.tab();
  assert.equal(await open(second, daemon.appKey), user, 'the second tab is logged in without being asked');
  await say(user, said('tabs', 0, 5));
  for (const page of [first, second]) await until('both tabs hear', async () => (await texts(page)).length === 5);
  assert.deepEqual(await texts(first), await texts(second));
  const ids = await Promise.all([first, second].map((page) => page.evaluate(() => client.registrationId)));
  assert.equal(ids[0], ids[1], 'they are one device');
  assert.equal(await second.evaluate(() => client.isCaughtUp), true, 'the one who came later knows that all is here');

  await second.evaluate(async () => {
    const sending = await client.messages.send({ user: 'alice' }, { type: 'text', text: 'from the second' });
    await sending.sent;
  });
  await until('the first tab sees what the second sent', () =>
    first.evaluate(() => heard.outgoing!.some(({ state }) => state === 'sent')),
  );
  await second.evaluate(() => client.conversations.markRead({ user: 'alice' }));
  await until('read in both', () =>
    first.evaluate(async () => (await client.conversations.get({ user: 'alice' }))?.unread === 0),
  );
  await second.evaluate(() => client.conversations.setDraft({ user: 'alice' }, 'from the second'));
  await until('the tab with the link hears of it', () =>
    first.evaluate(() => heard.conversation!.some(({ draft }) => draft === 'from the second')),
  );

  await first.close();
  await say(user, said('tabs', 5, 10));
  await until('the second goes on', async () => (await texts(second)).length === 10);
  assert.deepEqual(await texts(second), said('tabs', 0, 10));
  await second.close();
});

test('a cut network is survived without a reload, and what was written meanwhile is sent in order', async () => {
  const { page, user } = await userInTab();
  await say(user, said('cut', 0, 3));
  wire.cut();
  await until('the page says so', () => page.evaluate(() => client.connection.state === 'waiting'));
  await page.evaluate(async () => {
    for (let index = 0; index < 5; index++)
      await client.messages.send({ user: 'alice' }, { type: 'text', text: `offline ${index}` });
  });
  await say(user, said('cut', 3, 60));
  wire.mend();
  await page.evaluate(() => client.reconnect());
  await until('all came', async () => (await texts(page)).length === 60);
  assert.deepEqual(await texts(page), said('cut', 0, 60));
  await until('all went', () => page.evaluate(async () => (await client.messages.outgoing()).length === 0));
  const { messages } = await alice.messages.page({ user }, { limit: 100 });
  const theirs = messages
    .filter(({ isOwn }) => !isOwn)
    .map(({ content }) => (content.type === 'text' ? content.text : ''));
  assert.deepEqual(theirs, said('offline', 0, 5));
  await page.close();
});

test('a link that has silently died is found when the page looks again', async () => {
  const { page, user } = await userInTab();
  wire.stallOpen();
  await say(user, ['unheard']);
  await page.evaluate(() => void window.dispatchEvent(new Event('online')));
  await until('the message comes over a new link', async () => (await texts(page)).includes('unheard'));
  await page.close();
});

test('a browser that is killed comes back logged in, with everything once and in order', async () => {
  const { page, user } = await userInTab();
  await say(user, said('kill', 0, 5));
  await until('some came', async () => (await texts(page)).length === 5);
  wire.cut();
  await until('the page is offline', () => page.evaluate(() => client.connection.state === 'waiting'));
  await page.evaluate(
    async () => void (await client.messages.send({ user: 'alice' }, { type: 'text', text: 'last words' })),
  );
  await chromium.kill();
  wire.mend();
  await say(user, said('kill', 5, 40));
  await chromium.launch();
  const again = await chromium.tab();
  assert.equal(await open(again, daemon.appKey), user);
  await until('all came', async () => (await stored(again)).length === 41);
  assert.deepEqual(
    (await stored(again)).filter((text) => text !== 'last words'),
    said('kill', 0, 40),
  );
  await until('what was written before is sent', async () => {
    const { messages } = await alice.messages.page({ user }, { limit: 100 });
    return messages.filter(({ isOwn }) => !isOwn).length === 1;
  });
  await again.close();
});

test('a daemon that is killed and started again is found again', async () => {
  const { page, user } = await userInTab();
  await daemon.kill();
  await daemon.serve();
  await page.evaluate(() => client.reconnect());
  await until('logged in again', () => page.evaluate(() => client.isLoggedIn));
  await until('alice as well', () => alice.isLoggedIn);
  await say(user, ['after all']);
  await until('it comes', async () => (await texts(page)).includes('after all'));
  await page.close();
});

test('a tab that is frozen while it holds the link loses it to one that needs it', async () => {
  const { page: first, user } = await userInTab();
  const second = await chromium.tab();
  await open(second, daemon.appKey);
  // Deaf to other tabs, as when the browser has frozen it; its link and its lock stay.
  await first.evaluate(() => {
    BroadcastChannel.prototype.postMessage = () => {};
  });
  await second.evaluate(async () => void (await client.users.get(['alice'])));
  await until('the second holds the link', () => second.evaluate(() => client.isLoggedIn));
  await say(user, said('after', 0, 3));
  await until('it hears', async () => (await texts(second)).length === 3);
  assert.deepEqual(await texts(second), said('after', 0, 3));
  await first.close();
  await second.close();
});

test('a push becomes a notice of the system while no tab is seen, and is reported', async () => {
  const page = await chromium.tab();
  await page.evaluate(async (appKey) => {
    const { connect } = await import('/anser.js' as string);
    const notices: string[] = [];
    const Notice = function (title: string, { body }: { body: string }) {
      notices.push(`${title}: ${body}`);
    };
    Object.assign(window, { notices, Notification: Object.assign(Notice, { permission: 'granted' }) });
    const client: Client = await connect({ appKey, profile: 'pushed', showNotifications: true });
    const heard: any = { push: [] };
    client.on('push', (push) => heard.push.push(push));
    Object.assign(window, { client, heard });
    await client.push.setAlias('pushed');
  }, daemon.appKey);
  const push = (alert: string) =>
    daemon.rest('POST', '/v3/push', {
      platform: 'all',
      audience: { alias: ['pushed'] },
      notification: { alert, quickapp: { alert, title: 'geese', page: '/' } },
    });
  await push('seen');
  await until('it came', () => page.evaluate(() => heard.push!.length === 1));
  await page.evaluate(() => {
    Object.defineProperty(document, 'hidden', { value: true });
    document.dispatchEvent(new Event('visibilitychange'));
  });
  await push('unseen');
  await until('it is shown', () => page.evaluate(() => (window as any).notices.length === 1));
  assert.match(await page.evaluate(() => (window as any).notices[0]), /unseen/);
  await page.close();
});

test('a page whose session token is refused asks for another way in, and goes on', async () => {
  const { page, user } = await userInTab();
  await page.evaluate(async (user) => {
    const [{ name }] = (await indexedDB.databases()) as [{ name: string }];
    await client.close();
    await new Promise<void>((resolve, reject) => {
      const opening = indexedDB.open(name);
      opening.onerror = reject;
      opening.onsuccess = () => {
        const change = opening.result.transaction('rows', 'readwrite');
        const rows = change.objectStore('rows');
        const key = ['u', user];
        rows.get(key).onsuccess = ({ target }: any) => rows.put({ ...target.result, token: new Uint8Array(32) }, key);
        change.oncomplete = () => resolve();
      };
    });
  }, user);
  await page.reload();
  const asked = await page.evaluate(async (appKey) => {
    const { connect } = await import('/anser.js' as string);
    const asked: string[] = [];
    const client: Client = await connect({
      appKey,
      renew: async (user: string) => (asked.push(user), { password: 'secret2' }),
    });
    await new Promise<void>((resolve) => client.on('loggedIn', () => resolve()));
    await client.close();
    return asked;
  }, daemon.appKey);
  assert.deepEqual(asked, [user]);
  await page.close();
});

test('the example of the README works when it is pasted', async () => {
  // It logs alice in here, which ends her login elsewhere: the last test.
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const example = /```js\n([\s\S]*?)```/
    .exec(readme)![1]!
    .replace('APP_KEY', daemon.appKey)
    .replace('https://localhost:8443', wire.origin);
  assert.ok(example.trim().split('\n').filter(Boolean).length <= 10, 'ten lines');
  const page = await chromium.tab();
  const lines: string[] = [];
  page.on('console', (line) => lines.push(line.text()));
  page.on('pageerror', (error) => lines.push(String(error)));
  await page.addScriptTag({ type: 'module', content: example });
  await until('it has said all', () => lines.includes('hello bob')).catch(() => assert.fail(lines.join('\n')));
  assert.ok(
    lines.some((line) => line.startsWith('sent as ')),
    lines.join('\n'),
  );
  await page.close();
});
