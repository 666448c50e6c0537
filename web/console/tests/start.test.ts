/** From an empty daemon to a first application, as its first operator does it. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { logIn, open, OPERATOR, setUp, visit } from '../../tests/browsing.ts';
import { Daemon, launchBrowser } from '../../tests/harness.ts';

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

test('without an operator the page says where the link is, and the link makes the owner', async () => {
  const { context, page, faults } = await visit(browser);
  await page.goto(daemon.url);
  await page.getByRole('heading', { name: 'Set up the first operator' }).waitFor();
  await page.getByText('set-up-link').waitFor();
  await setUp(page, daemon);
  assert.doesNotMatch(page.url(), /set-up=/, 'the token does not stay in the address');
  assert.deepEqual(faults, []);
  await context.close();
});

test('an application is created, shows its keys, and renews its secret after saying what that does', async () => {
  const { context, page, faults } = await visit(browser);
  await logIn(page, daemon);
  await open(page, daemon, '/apps');
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await page.getByRole('dialog').getByLabel('Name').fill('shop');
  await page.getByRole('dialog').getByRole('button', { name: 'Create', exact: true }).click();
  await page.getByRole('heading', { name: 'shop', level: 1 }).waitFor();
  await page.getByRole('button', { name: 'Show' }).click();
  const secret = page.locator('dd code').nth(1);
  const before = await secret.textContent();
  assert.match(before ?? '', /^[0-9a-f]{24}$/);
  await page.getByRole('button', { name: 'Renew the secret' }).click();
  await page.getByRole('dialog').getByText('refused at once').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Renew' }).click();
  await page.getByText('The secret is renewed').waitFor();
  assert.notEqual(await secret.textContent(), before);
  assert.deepEqual(faults, []);
  await context.close();
});

test('a wrong password is told, and a link to a page leads there after the log-in', async () => {
  const { context, page } = await visit(browser);
  await page.goto(`${daemon.url}/#/audit`);
  await page.locator('input[autocomplete=username]').fill(OPERATOR.name);
  await page.locator('input[type=password]').fill('not the password');
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByText('Name or password is wrong.').waitFor();
  await page.locator('input[type=password]').fill(OPERATOR.password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('heading', { name: 'Audit log' }).waitFor();
  await page.getByRole('row').filter({ hasText: 'app_create' }).first().waitFor();
  await context.close();
});

test('an operator who may only read sees no button that changes something, and is told so by the daemon', async () => {
  const owner = await visit(browser);
  await logIn(owner.page, daemon);
  await open(owner.page, daemon, '/operators');
  await owner.page.getByRole('button', { name: 'Add' }).click();
  const dialog = owner.page.getByRole('dialog');
  await dialog.getByLabel('Name', { exact: false }).first().fill('rob');
  await dialog.getByLabel('Password').fill('correct horse 2');
  await dialog.getByRole('button', { name: 'Add' }).click();
  await owner.page.getByRole('row').filter({ hasText: 'rob' }).waitFor();
  await owner.context.close();

  const reader = await visit(browser);
  await logIn(reader.page, daemon, { name: 'rob', password: 'correct horse 2' });
  await open(reader.page, daemon, '/apps');
  await reader.page.getByRole('link', { name: 'shop' }).first().waitFor();
  assert.equal(await reader.page.getByRole('button', { name: 'Create', exact: true }).count(), 0);
  assert.equal(await reader.page.getByRole('link', { name: 'Operators' }).count(), 0);
  await open(reader.page, daemon, '/operators');
  await reader.page.getByRole('alert').waitFor();
  await reader.context.close();
});

test('language and theme are chosen and remembered', async () => {
  const { context, page } = await visit(browser);
  await logIn(page, daemon);
  await page.getByRole('button', { name: '中文' }).click();
  await page.getByRole('heading', { name: '仪表盘' }).waitFor();
  assert.equal(await page.locator('html').getAttribute('lang'), 'zh-CN');
  await page.getByRole('button', { name: '深色主题' }).click();
  const stored = await page.evaluate(() => [localStorage.getItem('anser.locale'), localStorage.getItem('anser.theme')]);
  assert.deepEqual(stored, ['zh', 'dark']);
  await context.close();
});

test('after the log-out the session is over in other windows too', async () => {
  const { context, page } = await visit(browser);
  await logIn(page, daemon);
  const other = await context.newPage();
  await open(other, daemon, '/apps');
  await page.getByRole('button', { name: 'Account' }).click();
  await page.getByRole('menuitem', { name: 'Log out' }).click();
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
  await other.getByRole('button', { name: 'Refresh' }).click();
  await other.getByRole('heading', { name: 'Log in' }).waitFor();
  await context.close();
});
