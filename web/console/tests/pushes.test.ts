/** A push from the console to a tag: estimated, previewed, sent, received, counted, explained. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { logIn, open, setUp, visit } from '../../tests/browsing.ts';
import { Daemon, launchBrowser, type AppKeys } from '../../tests/harness.ts';
import { Device } from './world.ts';

let daemon: Daemon;
let browser: Browser;
let app: AppKeys;
let device: Device;
let page: Page;
let faults: string[];
const at = (path: string): string => `/a/${app.app_key}${path}`;

before(async () => {
  daemon = await Daemon.start();
  browser = await launchBrowser();
  app = await daemon.createApp('shop');
  device = await Device.listen(daemon, app, 'beijing');
  ({ page, faults } = await visit(browser));
  await setUp(page, daemon);
});
after(async () => {
  device?.stop();
  await browser?.close();
  await daemon?.stop();
});

test('a push to a tag is estimated, drawn while it is typed, and arrives', async () => {
  await open(page, daemon, at('/send'));
  await page.getByLabel('Title', { exact: true }).fill('News');
  await page.locator('textarea').first().fill('The geese are back');
  await page.locator('.phone.android').getByText('The geese are back').waitFor();
  const tags = page.getByLabel('Tags: any of');
  await tags.fill('beijing');
  await tags.press('Enter');
  await page.locator('.ui-figure .value').getByText('1', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Review and send…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('About 1 device gets it.').waitFor();
  await dialog.getByRole('button', { name: 'Send', exact: true }).click();
  await page.getByRole('heading', { name: 'News' }).waitFor();
  const pushed = await device.event((event) => event.event === 'push');
  assert.equal((pushed.notification as { alert: string }).alert, 'The geese are back');
});

test('its page counts the device, and the trace says that it has arrived', async () => {
  const received = page.locator('.ui-figure').filter({ hasText: 'Received' }).locator('.value');
  for (let tries = 0; (await received.textContent()) !== '1' && tries < 100; tries += 1) {
    await page.getByRole('button', { name: 'Refresh' }).click();
    await page.waitForLoadState('networkidle');
  }
  assert.equal(await received.textContent(), '1');
  await page.getByLabel('Registration id').fill(device.registrationId);
  await page.getByRole('button', { name: 'Find out' }).click();
  await page.locator('.answer').waitFor();
  await page.locator('.steps li.done').filter({ hasText: 'Received' }).waitFor();
});

test('a push that meets nobody is explained in words, and nothing that was typed is lost', async () => {
  await open(page, daemon, at('/send'));
  await page.locator('textarea').first().fill('Anybody?');
  const tags = page.getByLabel('Tags: any of');
  await tags.fill('nobody_has_this');
  await tags.press('Enter');
  await page.getByRole('button', { name: 'Review and send…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Send', exact: true }).click();
  await page.getByText('no device meets the audience').waitFor();
  await page.getByRole('button', { name: 'Back' }).click();
  assert.equal(await page.locator('textarea').first().inputValue(), 'Anybody?');
});

test('an estimate that comes late is not taken for that of the audience chosen since', async () => {
  await open(page, daemon, at('/send'));
  let answer = (): void => undefined;
  const late = new Promise<void>((resolve) => (answer = resolve));
  let asked = 0;
  await page.route('**/pushes/estimate', async (route) => {
    const isFirst = ++asked === 1;
    if (isFirst) await late;
    await route.fulfill({ json: { devices: isFirst ? 111 : 222, by_platform: {} } });
  });
  const tags = page.getByLabel('Tags: any of');
  const isAsked = page.waitForRequest('**/pushes/estimate');
  await tags.fill('beijing');
  await tags.press('Enter');
  await isAsked;
  await tags.fill('shanghai');
  await tags.press('Enter');
  const figure = page.locator('.ui-figure .value').first();
  await figure.getByText('222').waitFor();
  const isAnswered = page.waitForResponse('**/pushes/estimate');
  answer();
  await isAnswered;
  await page.waitForLoadState('networkidle');
  assert.equal(await figure.innerText(), '222');
  await page.unroute('**/pushes/estimate');
});

test('the last platform cannot be taken away, for none would be all', async () => {
  await open(page, daemon, at('/send'));
  await page.getByLabel('All, Web too').uncheck();
  for (const name of ['iOS', 'HarmonyOS', 'Quick app']) await page.getByLabel(name, { exact: true }).uncheck();
  assert.equal(await page.getByLabel('Android', { exact: true }).isDisabled(), true);
  await page.getByText('One platform at least.').waitFor();
});

test('the history finds the push and sends it again as it was', async () => {
  await open(page, daemon, at('/pushes?q=geese'));
  const row = page.getByRole('row').filter({ hasText: 'The geese are back' });
  await row.waitFor();
  await row.getByRole('button', { name: 'Actions for push' }).click();
  await page.getByRole('menuitem', { name: 'Send again…' }).click();
  await page.getByRole('heading', { name: 'Send a push' }).waitFor();
  await page.locator('.phone.android').getByText('The geese are back').waitFor();
  assert.equal(await page.locator('.ui-chip').first().innerText(), 'beijing');
});

test('the trace tells in Chinese what the daemon says in English', async () => {
  const chinese = await visit(browser, { locale: 'zh' });
  await logIn(chinese.page, daemon);
  await open(chinese.page, daemon, at('/pushes?q=geese'));
  await chinese.page.getByText('有效期内').waitFor();
  const id = await chinese.page.locator('td .ui-copy code').first().innerText();
  await open(chinese.page, daemon, at(`/trace?msg_id=${id}&device=${device.registrationId}`));
  await chinese.page.locator('.answer').getByText('设备已收到').waitFor();
  await chinese.page.getByText('为离线设备保留至').waitFor();
  await open(chinese.page, daemon, at('/pushes/1'));
  await chinese.page.getByRole('alert').getByText('应用没有该推送').waitFor();
  assert.deepEqual(chinese.faults, []);
  await chinese.context.close();
});

test('a device page shows labels, changes them, and offers a push to it', async () => {
  await open(page, daemon, at(`/devices/${device.registrationId}`));
  await page.getByText('beijing').first().waitFor();
  await page.getByRole('button', { name: 'Edit labels' }).click();
  await page.getByRole('dialog').getByLabel('Alias').fill('phone_1');
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await page.locator('dd').getByText('phone_1').waitFor();
  await page.getByRole('button', { name: 'Push to it' }).click();
  await page.locator('.ui-chip').getByText(device.registrationId).waitFor();
});

test('a push is planned for a time in the daemon’s zone', async () => {
  await open(page, daemon, at('/send'));
  await page.locator('textarea').first().fill('Later');
  await page.getByText('Everybody', { exact: true }).click();
  await page.getByText('At a time', { exact: true }).click();
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 16);
  await page.locator('input[type=datetime-local]').fill(tomorrow);
  await page.getByRole('button', { name: 'Review and send…' }).click();
  await page.getByRole('button', { name: 'Plan it' }).click();
  await page.getByRole('row').filter({ hasText: 'Later' }).waitFor();
});

test('statistics count the push, as lines and as a table', async () => {
  await open(page, daemon, at('/statistics?span=day'));
  await page.locator('.ui-chart canvas').first().waitFor();
  const sent = page.locator('.ui-figure').filter({ hasText: 'Pushes sent' }).locator('.value');
  assert.ok(Number(await sent.textContent()) >= 1);
});

test('no script failed and the content security policy refused nothing', () => {
  assert.deepEqual(faults, []);
});
