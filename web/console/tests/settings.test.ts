/** What an app may do: its push certificates. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { open, setUp, visit } from '../../tests/browsing.ts';
import { Daemon, launchBrowser } from '../../tests/harness.ts';

let daemon: Daemon;
let browser: Browser;
let page: Page;
let faults: string[];

before(async () => {
  daemon = await Daemon.start();
  browser = await launchBrowser();
  const app = await daemon.createApp('shop');
  ({ page, faults } = await visit(browser));
  await setUp(page, daemon);
  await open(page, daemon, `/a/${app.app_key}/settings`);
});
after(async () => {
  await browser?.close();
  await daemon?.stop();
});

test('an app without push certificates says so for both environments', async () => {
  const card = page.locator('.ui-card').filter({ hasText: 'Apple push certificates' });
  for (const name of ['Production', 'Development']) await card.getByRole('heading', { name }).waitFor();
  assert.equal(await card.getByText('none', { exact: true }).count(), 2);
  assert.equal(await card.getByRole('button', { name: 'Remove' }).count(), 0);
});

test('a file that is no certificate is refused in the daemon’s words, and the form stays', async () => {
  const card = page.locator('.ui-card').filter({ hasText: 'Apple push certificates' });
  await card.getByRole('button', { name: 'Upload' }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('heading', { name: 'Push certificate: Production' }).waitFor();
  const file = { name: 'wrong.p12', mimeType: 'application/x-pkcs12', buffer: Buffer.from('no certificate') };
  await dialog.locator('input[type=file]').setInputFiles(file);
  await dialog.getByLabel('Password of the file').fill('secret of the file');
  await dialog.getByRole('button', { name: 'curl' }).click();
  await dialog.getByText('base64 -w0 FILE').waitFor();
  assert.doesNotMatch(await dialog.locator('pre').innerText(), /secret of/);
  await dialog.getByRole('button', { name: 'Upload' }).click();
  await dialog.getByRole('alert').getByText('the file is no PKCS#12 file').waitFor();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  assert.equal(await card.getByText('none', { exact: true }).count(), 2);
});

test('no script failed and the content security policy refused nothing', () => {
  assert.deepEqual(faults, []);
});
