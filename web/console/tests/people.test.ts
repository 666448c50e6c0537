/** Users, groups, rooms, messages, words: registered, found, changed and removed by an operator. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { open, setUp, visit } from '../../tests/browsing.ts';
import { Daemon, launchBrowser, type AppKeys } from '../../tests/harness.ts';

let daemon: Daemon;
let browser: Browser;
let app: AppKeys;
let page: Page;
let faults: string[];
const at = (path: string): string => `/a/${app.app_key}${path}`;

before(async () => {
  daemon = await Daemon.start();
  browser = await launchBrowser();
  app = await daemon.createApp('shop');
  ({ page, faults } = await visit(browser));
  await setUp(page, daemon);
});
after(async () => {
  await browser?.close();
  await daemon?.stop();
});

test('many users are registered at once, and who could not be is named', async () => {
  await open(page, daemon, at('/users'));
  await page.getByRole('button', { name: 'Register many' }).click();
  await page
    .getByRole('dialog')
    .getByLabel('Users')
    .fill('alice,secret1,Alice\nbob,secret2\ncarol,secret3\nalice,secret4');
  await page.getByRole('dialog').getByRole('button', { name: 'Register' }).click();
  await page.getByText('3 users registered').waitFor();
  await page.getByRole('dialog').getByText('alice:').waitFor();
  await page.getByRole('button', { name: 'All right' }).click();
  for (const name of ['alice', 'bob', 'carol']) await page.getByRole('link', { name, exact: true }).waitFor();
});

test('the search stands in the address, so that a link brings it along', async () => {
  await page.getByLabel('Name or nickname').fill('bob');
  await page.waitForURL(/q=bob/);
  await page.getByRole('link', { name: 'alice', exact: true }).waitFor({ state: 'detached' });
  await page.reload();
  await page.getByRole('link', { name: 'bob', exact: true }).waitFor();
  assert.equal(await page.getByLabel('Name or nickname').inputValue(), 'bob');
  assert.equal(await page.getByRole('link', { name: 'alice', exact: true }).count(), 0);
});

test('the list of many users shows no password in its call', async () => {
  await open(page, daemon, at('/users'));
  await page.getByRole('button', { name: 'Register many' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Users').fill('dave,secret5\nerin,secret6');
  await dialog.getByRole('button', { name: 'curl' }).click();
  const command = await dialog.locator('pre').innerText();
  assert.match(command, /dave.*PASSWORD.*erin/);
  assert.doesNotMatch(command, /secret/);
  await dialog.getByRole('button', { name: 'Register' }).click();
  await page.getByRole('link', { name: 'erin', exact: true }).waitFor();
});

test('users are deleted after all their names were shown, and another search chooses nobody', async () => {
  const search = page.getByLabel('Name or nickname');
  await page.getByLabel('Select dave').check();
  await page.getByRole('button', { name: 'Delete 1' }).waitFor();
  await search.fill('erin');
  await page.getByRole('button', { name: 'Delete 1' }).waitFor({ state: 'detached' });
  await search.fill('');
  await page.getByRole('link', { name: 'dave', exact: true }).waitFor();
  assert.equal(await page.getByLabel('Select dave').isChecked(), false);
  for (const name of ['dave', 'erin']) await page.getByLabel(`Select ${name}`).check();
  await page.getByRole('button', { name: 'Delete 2' }).click();
  await page.getByRole('dialog').getByText('dave, erin').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  for (const name of ['dave', 'erin'])
    await page.getByRole('link', { name, exact: true }).waitFor({ state: 'detached' });
});

test('a form that was left while it was busy does not close the one opened after it', async () => {
  let answer = (): void => undefined;
  const asked = new Promise<void>((resolve) => (answer = resolve));
  await page.route(
    '**/rest/v1/users',
    async (route) => {
      await asked;
      await route.fulfill({ json: [{ username: 'late' }] });
    },
    { times: 1 },
  );
  await page.getByRole('button', { name: 'Register', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name', { exact: false }).first().fill('late');
  await dialog.getByLabel('Password').fill('secret7');
  await dialog.getByRole('button', { name: 'Register' }).click();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('button', { name: 'Register an admin' }).click();
  await dialog.getByLabel('Name', { exact: false }).first().fill('kept');
  answer();
  await page.getByText('Registered', { exact: true }).last().waitFor();
  await dialog.getByRole('heading', { name: 'Register an admin' }).waitFor();
  assert.equal(await dialog.getByLabel('Name', { exact: false }).first().inputValue(), 'kept');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
});

test('a user is disabled after the page has said what that does, and shows the call as curl', async () => {
  await open(page, daemon, at('/users/bob'));
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Disable' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('cannot log in until enabled').waitFor();
  await dialog.getByRole('button', { name: 'curl' }).click();
  await dialog.getByText('/v1/users/bob/forbidden?disable=true').waitFor();
  await dialog.getByRole('button', { name: 'Disable' }).click();
  await page.locator('.ui-badge').getByText('disabled').waitFor();
});

test('a group is made, gets a member, silences and loses one', async () => {
  await open(page, daemon, at('/groups'));
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name', { exact: false }).first().fill('walkers');
  await dialog.getByLabel('Owner').fill('alice');
  await dialog.getByRole('button', { name: 'Create', exact: true }).click();
  await page.getByRole('heading', { name: 'walkers' }).waitFor();
  await page.getByRole('button', { name: 'Add members' }).click();
  const names = dialog.getByLabel('Users');
  await names.fill('carol');
  await names.press('Enter');
  await dialog.getByRole('button', { name: 'Save' }).click();
  const row = page.getByRole('row').filter({ hasText: 'carol' });
  await row.getByRole('button', { name: 'Actions for carol' }).click();
  await page.getByRole('menuitem', { name: 'Silence' }).click();
  await dialog.getByRole('button', { name: 'Silence' }).click();
  await row.getByText('silenced').waitFor();
  await row.getByRole('button', { name: 'Actions for carol' }).click();
  await page.getByRole('menuitem', { name: 'Remove' }).click();
  await dialog.getByRole('button', { name: 'Remove' }).click();
  await row.waitFor({ state: 'detached' });
});

test('an admin’s message is sent, found by its text, and shown', async () => {
  await open(page, daemon, at('/users'));
  await page.getByRole('button', { name: 'Register an admin' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name', { exact: false }).first().fill('system');
  await dialog.getByLabel('Password').fill('secret9');
  await dialog.getByRole('button', { name: 'Register' }).click();
  await page.getByRole('link', { name: 'system', exact: true }).waitFor();
  await open(page, daemon, at('/send-im'));
  await page.getByLabel('User names').fill('alice');
  await page.locator('textarea').fill('hello from the console 你好');
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await page.getByRole('heading', { name: 'Trace' }).waitFor();
  await open(page, daemon, at('/messages?user=alice'));
  await page.getByRole('row').filter({ hasText: 'hello from the console 你好' }).waitFor();
});

test('a message to several goes again only to those who did not get it', async () => {
  await open(page, daemon, at('/send-im'));
  const names = page.getByLabel('User names');
  await names.fill('alice, nobody_here, carol');
  await page.locator('textarea').fill('to several');
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await page.getByText('2 messages sent').waitFor();
  await page.getByRole('alert').getByText('nobody_here:').waitFor();
  assert.equal(await names.inputValue(), 'nobody_here');
  await names.fill(Array.from({ length: 101 }, (_, n) => `user_${n}`).join(','));
  await page.getByText('101 names; at most 100 at a time.').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Send', exact: true }).isDisabled(), true);
});

test('a room lists more than one call gives, who is silenced, and how many are in it now', async () => {
  const members = Array.from({ length: 700 }, (_, n) => ({ username: `member_${n}`, flag: n === 0 ? 1 : 0 }));
  await page.route('**/rest/v1/chatroom/7/members*', (route) => {
    const start = Number(new URL(route.request().url()).searchParams.get('start') ?? 0);
    const users = members.slice(start, start + 500);
    return route.fulfill({ json: { total: 700, start, count: users.length, users } });
  });
  const counts = { members: 700, max_members: 5000, online: 12 };
  const room = { room_id: 7, name: 'live', owner: 'member_1', created_ms: 1, ...counts };
  await page.route('**/console/v1/apps/*/rooms/7', (route) => route.fulfill({ json: room }));
  await open(page, daemon, at('/rooms/7'));
  await page.getByText('500 rows').waitFor();
  await page.locator('dt:has-text("Online now") + dd').getByText('12').waitFor();
  await page.getByRole('row').filter({ hasText: 'member_0' }).getByText('silenced').waitFor();
  await page.getByRole('row').filter({ hasText: 'member_1' }).first().getByText('owner').waitFor();
  await page.getByRole('button', { name: 'Load more' }).click();
  await page.getByText('700 rows').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Load more' }).count(), 0);
});

test('sensitive words are added and deleted', async () => {
  await open(page, daemon, at('/words'));
  await page.getByRole('button', { name: 'Add' }).click();
  const dialog = page.getByRole('dialog');
  const words = dialog.getByLabel('Words');
  await words.fill('坏词');
  await words.press('Enter');
  await dialog.getByRole('button', { name: 'Save' }).click();
  const row = page.getByRole('row').filter({ hasText: '坏词' });
  await row.getByRole('button', { name: 'Actions for' }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await page.getByText('No words').waitFor();
});

test('a list that cannot be loaded says so and tries again when asked', async () => {
  await page.route('**/console/v1/apps/*/groups*', (route) => route.abort(), { times: 1 });
  await open(page, daemon, at('/groups'));
  await page.getByRole('alert').getByText('cannot be reached').waitFor();
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('link', { name: 'walkers' }).waitFor();
  faults.length = 0;
});

test('ten thousand rows are in the table, and only those in view are drawn', async () => {
  const users = Array.from({ length: 10_000 }, (_, at) => ({
    username: `user_${at}`,
    is_admin: false,
    is_disabled: false,
    created_ms: 1,
  }));
  await page.route('**/console/v1/apps/*/users*', (route) => route.fulfill({ json: { users } }));
  await open(page, daemon, at('/users'));
  assert.equal(await page.getByRole('table').getAttribute('aria-rowcount'), '10001');
  assert.ok((await page.locator('tr.row-line').count()) < 100);
  await page.locator('.ui-table-box').evaluate((box) => box.scrollTo(0, box.scrollHeight));
  await page.getByRole('link', { name: 'user_9999', exact: true }).waitFor();
  assert.ok((await page.locator('tr.row-line').count()) < 100);
});

test('no script failed and the content security policy refused nothing', () => {
  assert.deepEqual(faults, []);
});
