/** The open chat and what lies above it: keys, drops, jumps, files in order, a lost link, notices. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { openChat, Site, texts, until, type Person } from './site.js';

let site: Site;
let anna: Person;
let a: Page;
let group = 0;
const said: number[] = [];

before(async () => {
  site = await Site.start();
  await site.users('anna1', 'bert1', 'carl1');
  for (let n = 0; n < 70; n += 1) said.push((await site.say('bert1', 'anna1', n === 3 ? 'the needle' : `hay ${n}`)).msg_id);
  ({ gid: group } = await site.rest<{ gid: number }>('POST', '/v1/groups/', {
    owner_username: 'bert1', name: 'Readers', desc: 'of books', members_username: ['anna1'],
  }));
  await site.say('bert1', String(group), 'welcome', 'group');
  anna = await site.person('anna1');
  a = await anna.logIn();
});
after(() => site?.stop());

const box = (page: Page) => page.getByRole('textbox', { name: 'Write a message' });

async function actions(page: Page, text: string): Promise<void> {
  const message = page.locator('.message', { hasText: text }).last();
  await message.hover();
  await message.getByRole('button', { name: 'Actions for this message' }).click();
}

test('a message that was found is gone to, though its chat was not open', async () => {
  await openChat(a, 'Readers');
  await a.keyboard.press('Control+k');
  await a.getByRole('searchbox').fill('needle');
  await a.getByRole('dialog').locator('.pick-list button', { hasText: 'the needle' }).click();
  await a.locator('.message.flash', { hasText: 'the needle' }).waitFor();
});

test('a message of the history at the server is taken back where it is shown', async () => {
  await a.locator('.message', { hasText: 'hay 5' }).first().waitFor();
  await site.rest('POST', `/v1/messages/bert1/${said[5]}/retract`);
  await a.getByText('bert1 took a message back').waitFor();
  assert.ok(!(await texts(a)).includes('hay 5'));
});

test('a message of the history at the server can be forwarded', async () => {
  await actions(a, 'the needle');
  await a.getByRole('menuitem', { name: 'Forward' }).click();
  await a.getByRole('dialog').locator('.pick-list button', { hasText: 'Readers' }).click();
  await a.getByRole('button', { name: 'Forward (1)' }).click();
  await a.getByText('Forwarded', { exact: true }).waitFor();
  await openChat(a, 'Readers');
  await a.locator('.message.own', { hasText: 'the needle' }).waitFor();
});

test('Esc closes a menu or a dialog and nothing behind it', async () => {
  const side = a.locator('.side');
  await a.getByRole('button', { name: 'Details' }).click();
  await side.locator('h3').first().waitFor();
  await actions(a, 'welcome');
  await a.getByRole('menu').waitFor();
  await a.keyboard.press('Escape');
  await a.getByRole('menu').waitFor({ state: 'detached' });
  assert.equal(await side.count(), 1);
  await actions(a, 'welcome');
  await a.getByRole('menuitem', { name: 'Delete for me' }).click();
  await a.getByRole('dialog').waitFor();
  await a.keyboard.press('Escape');
  await a.getByRole('dialog').waitFor({ state: 'detached' });
  assert.equal(await side.count(), 1);
  await a.keyboard.press('Escape');
  await side.waitFor({ state: 'detached' });
  await a.keyboard.press('Escape');
  await a.getByText('Choose a chat, or start one').waitFor();
});

test('a file that is dropped beside the chat does not take the place of the page', async () => {
  const isKept = await a.evaluate(() => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File(['x'], 'x.txt'));
    return ['dragover', 'drop'].map((name) => {
      const event = new DragEvent(name, { bubbles: true, cancelable: true, dataTransfer });
      return !document.querySelector('.rail')!.dispatchEvent(event);
    });
  });
  assert.deepEqual(isKept, [true, true]);
});

/** A file of so many bytes, by which its upload is known. */
const file = (name: string, bytes: number) => ({ name, mimeType: 'text/plain', buffer: Buffer.alloc(bytes, 'x') });
const isUploadOf = (bytes: number, headers: Record<string, string>): boolean => headers['content-range']?.endsWith(`/${bytes}`) ?? false;
const names = (page: Page): Promise<string[]> => page.locator('.message .file-name, .message .text').allInnerTexts();

test('files go in the order in which they were chosen, whichever is there first', async () => {
  await openChat(a, 'bert1');
  let isThere = (): void => undefined;
  const other = new Promise<void>((resolve) => (isThere = resolve));
  a.on('response', (answer) => {
    if (answer.request().method() === 'PUT' && isUploadOf(20, answer.request().headers())) isThere();
  });
  await a.route('**/*', async (route) => {
    const asked = route.request();
    if (asked.method() === 'PUT' && isUploadOf(10, asked.headers())) await other;
    await route.continue();
  });
  await a.locator('input[type=file]:not([accept])').setInputFiles([file('first.txt', 10), file('second.txt', 20)]);
  await a.getByRole('dialog').getByRole('button', { name: 'Send' }).click();
  await until('both are sent', async () =>
    (await a.locator('.upload').count()) + (await a.locator('.message-going').count()) === 0 && (await names(a)).at(-1) === 'second.txt');
  assert.deepEqual((await names(a)).slice(-2), ['first.txt', 'second.txt']);
  await a.unroute('**/*');
});

test('a caption waits until what it speaks of has gone', async () => {
  await a.route('**/*', (route) =>
    route.request().method() === 'PUT' ? route.fulfill({ status: 413, body: '' }) : route.continue());
  await a.locator('input[type=file]:not([accept])').setInputFiles([file('picture.txt', 30)]);
  await a.getByLabel('Add a caption').fill('what you see here');
  await a.getByRole('dialog').getByRole('button', { name: 'Send' }).click();
  await a.locator('.message-foot', { hasText: 'The file could not be sent' }).waitFor();
  assert.ok(!(await texts(a)).includes('what you see here'));
  await a.unroute('**/*');
  await a.locator('.message-foot').getByRole('button', { name: 'Send again' }).click();
  await a.getByText('what you see here').last().waitFor();
  assert.deepEqual((await names(a)).slice(-2), ['picture.txt', 'what you see here']);
});

test('who was silenced can write when the silence is over', async () => {
  const bert = await site.person('bert1');
  const b = await bert.logIn();
  await openChat(b, 'Readers');
  await b.getByRole('button', { name: 'Details' }).click();
  await b.locator('.side .person-line', { hasText: 'anna1' }).getByRole('button', { name: 'Actions for anna1' }).click();
  await b.getByRole('menuitem', { name: 'Silence: 10 minutes' }).click();
  await b.getByText('silenced', { exact: true }).waitFor();
  await b.context().close();
  const page = await anna.context.newPage();
  await page.clock.install();
  await page.goto(`${site.daemon.url}/im#/chats/g%3A${group}`);
  await page.getByText('You may not speak in this group now').waitFor();
  await page.clock.fastForward('10:05');
  await box(page).waitFor();
  await page.close();
});

test('a push that comes while somebody looks is shown in the page', async () => {
  await site.rest('POST', '/v3/push', { platform: 'all', audience: 'all', notification: { alert: 'the lake is frozen' } });
  await a.locator('.ui-toast', { hasText: 'the lake is frozen' }).waitFor();
});

test('notices are shown as on only when the browser allows them, and are asked for by a click', async () => {
  const carl = await site.person('carl1');
  await carl.context.addInitScript(`
    let permission = 'default';
    Object.defineProperty(Notification, 'permission', { get: () => permission });
    Notification.requestPermission = async () => (permission = 'granted');
  `);
  const page = await carl.logIn();
  await page.goto(`${site.daemon.url}/im#/settings`);
  const shown = page.getByLabel('Show notices when this page is hidden');
  assert.deepEqual([await shown.isChecked(), await shown.isEnabled()], [false, false]);
  await page.getByRole('button', { name: 'Allow notices' }).click();
  await until('they are on', async () => (await shown.isChecked()) && (await shown.isEnabled()));
  await page.context().close();
});

test('a name with too many bytes is refused before it is sent', async () => {
  await a.getByRole('button', { name: 'New chat' }).first().click();
  await a.getByRole('menuitem', { name: 'New group' }).click();
  await a.getByLabel('Group name').fill('雁'.repeat(22));
  await a.getByText('At most 64 bytes').waitFor();
  await a.keyboard.press('Escape');
});

test('a lost link is shown in a chat on a phone, and in the settings', async () => {
  const phone = await site.person('carl1', { viewport: { width: 390, height: 844 }, hasTouch: true });
  await site.say('bert1', 'carl1', 'hello');
  const page = await phone.logIn();
  await openChat(page, 'bert1');
  await phone.cut();
  await page.locator('.pane .link-bar.lost').waitFor();
  await page.context().close();
  await a.goto(`${site.daemon.url}/im#/settings`);
  await anna.cut();
  await a.locator('.link-bar.lost').waitFor();
  anna.mend();
  await a.getByRole('button', { name: 'Try now' }).click({ timeout: 2000 }).catch(() => undefined);
  await a.locator('.link-bar').waitFor({ state: 'detached' });
});

test('without a link a chat shows what is here, says that older messages cannot be had, and has them when it can', async () => {
  // A browser without a link keeps the question for half a minute; its clock goes faster here.
  for (let n = 0; n < 45; n += 1) await site.say('anna1', 'carl1', `older ${n}`);
  const carl = await site.person('carl1');
  await carl.context.clock.install();
  const page = await carl.logIn();
  await page.locator('.chat-row', { hasText: 'older 44' }).waitFor();
  await carl.cut();
  await page.locator('.link-bar.lost').first().waitFor();
  await openChat(page, 'anna1');
  await page.locator('.message', { hasText: 'older 44' }).waitFor();
  await page.getByText('Loading older messages…').waitFor();
  const problem = page.locator('.messages .ui-state');
  await until('it says so', async () => {
    await page.clock.fastForward(10_000);
    return problem.isVisible();
  });
  carl.mend();
  await page.getByRole('button', { name: 'Try now' }).click({ timeout: 2000 }).catch(() => undefined);
  await problem.waitFor({ state: 'detached' });
  await until('more is there', async () => (await texts(page)).length >= 20);
  await page.context().close();
});

test('a demo that cannot begin says so instead of loading for ever', async () => {
  const page = await (await site.person('nobody')).context.newPage();
  const demo = { app_key: site.app.app_key, username: 'anna1', login_token: 'x' };
  await page.route('**/im/demo', (route) => route.fulfill({ json: demo }));
  await page.route(`**/im/apps/${site.app.app_key}`, (route) => route.abort());
  await page.goto(`${site.daemon.url}/im#demo=token`);
  await page.getByText('The server cannot be reached').waitFor();
  await page.context().close();
});

test('no page told of an error', () => {
  assert.deepEqual(anna.errors, []);
});
