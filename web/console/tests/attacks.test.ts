/** Text that others wrote is text on every page: no script of theirs runs. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { logIn, open, setUp, visit } from '../../tests/browsing.ts';
import { Daemon, launchBrowser } from '../../tests/harness.ts';
import { people, Rest } from './world.ts';

const CORPUS = [
  '<script>window.hit=1</script>',
  '<img src=x onerror="window.hit=1">',
  '"><svg onload=window.hit=1>',
  "javascript:window.hit=1//'",
  '{{constructor.constructor("window.hit=1")()}}',
];

let daemon: Daemon;
let browser: Browser;
before(async () => {
  daemon = await Daemon.start();
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  await daemon?.stop();
});

test('nothing runs of what stands in names, texts and descriptions of an app', async () => {
  const { context, page, faults } = await visit(browser);
  await setUp(page, daemon);
  const hit = (): Promise<unknown> => page.evaluate(() => (window as unknown as { hit?: number }).hit);
  // Each field gets another one, and each one stands in several fields.
  let at = 0;
  const attack = (): string => CORPUS[at++ % CORPUS.length]!.slice(0, 60);
  const app = await daemon.createApp(attack());
  for (const name of CORPUS.slice(1)) await daemon.createApp(name.slice(0, 60));
  const world = await people(new Rest(context, daemon, app), attack);
  const profile = { signature: attack(), region: attack(), address: attack(), extras: { [attack()]: attack() } };
  await world.rest.call('PUT', '/v1/users/alice', profile);
  const ofApp = [
    '',
    '/users',
    '/users/alice',
    '/groups',
    `/groups/${world.gid}`,
    '/rooms',
    `/rooms/${world.roomId}`,
    '/messages',
    '/send',
  ];
  for (const path of ['/', '/apps', '/audit', ...ofApp.map((one) => `/a/${app.app_key}${one}`)]) {
    await open(page, daemon, path);
    assert.equal(await hit(), undefined, path);
  }
  for (const text of CORPUS) {
    await page.locator('textarea').first().fill(text);
    await page.getByLabel('Title', { exact: true }).fill(text);
    await page.locator('.phone.android').getByText(text).first().waitFor();
    assert.equal(await hit(), undefined, text);
  }
  assert.deepEqual(faults, []);
  await context.close();
});

test('a call from another origin, or without the console’s header, is refused', async () => {
  const { context, page } = await visit(browser);
  await logIn(page, daemon);
  const get = (headers: Record<string, string>) => context.request.get(`${daemon.url}/console/v1/apps`, { headers });
  assert.equal((await get({ 'X-Anser-Console': '1', Origin: 'https://evil.example' })).status(), 403);
  assert.equal((await get({})).status(), 403);
  assert.equal((await get({ 'X-Anser-Console': '1' })).status(), 200);
  const [cookie] = await context.cookies();
  assert.deepEqual(
    [cookie?.name, cookie?.httpOnly, cookie?.secure, cookie?.sameSite],
    ['__Host-anser-console', true, true, 'Strict'],
  );
  await context.close();
});
