/** Two browsers chat: text, emoji, picture, voice, a group; then cuts, a reload and a second tab. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { openChat, PASSWORD, Site, texts, until, write, type Person } from './site.js';

let site: Site;
let anna: Person;
let bert: Person;
let a: Page;
let b: Page;

before(async () => {
  site = await Site.start();
  anna = await site.person('anna1');
  bert = await site.person('bert1');
});
after(() => site?.stop());

async function register(person: Person): Promise<Page> {
  const page = await person.open();
  await page.getByRole('button', { name: 'New here?' }).click();
  await page.getByLabel('Username').fill(person.name);
  await page.getByLabel('Password *', { exact: true }).fill(PASSWORD);
  await page.getByLabel('Password again').fill('other');
  await page.getByRole('button', { name: 'Create account and log in' }).click();
  await page.getByText('The passwords differ').waitFor();
  await page.getByLabel('Password again').fill(PASSWORD);
  await page.getByRole('button', { name: 'Create account and log in' }).click();
  await page.getByRole('heading', { name: 'Chats' }).waitFor();
  return page;
}

test('people register in the page; the same name a second time is refused in place', async () => {
  a = await register(anna);
  b = await register(bert);
  const other = await (await site.person('anna1')).open();
  await other.getByRole('button', { name: 'New here?' }).click();
  await other.getByLabel('Username').fill('anna1');
  await other.getByLabel('Password *', { exact: true }).fill(PASSWORD);
  await other.getByLabel('Password again').fill(PASSWORD);
  await other.getByRole('button', { name: 'Create account and log in' }).click();
  await other.getByText('This username is taken').waitFor();
  await other.context().close();
});

test('a chat is begun by username, text and emoji go both ways, and reading is seen', async () => {
  await a.keyboard.press('Control+k');
  await a.getByRole('searchbox').fill('bert1');
  await a.keyboard.press('Enter');
  await a.getByRole('dialog').locator('.pick-list button', { hasText: 'bert1' }).click();
  await a.getByRole('button', { name: 'Message', exact: true }).click();
  await write(a, 'hello 👋🏽 <b>not bold</b> https://example.com/x');
  await until('the tab counts', async () => (await b.title()).startsWith('(1)'));
  await openChat(b, 'anna1');
  await b.getByText('hello 👋🏽 <b>not bold</b>').last().waitFor();
  const link = b.locator('.message a');
  assert.equal(await link.getAttribute('href'), 'https://example.com/x');
  assert.match((await link.getAttribute('rel')) ?? '', /noopener/);
  await a.locator('.receipt.read').waitFor();
  await until('the tab counts no more', async () => (await b.title()) === 'Anser IM');
  await b.getByRole('button', { name: 'Emoji' }).click();
  await b.getByRole('button', { name: '🎉' }).click();
  await b.keyboard.press('Escape');
  await b.getByRole('textbox', { name: 'Write a message' }).press('Enter');
  await a.locator('.bubble.large', { hasText: '🎉' }).waitFor();
});

test('typing is seen, a reply quotes, a message is taken back and forwarded', async () => {
  await b.getByRole('textbox', { name: 'Write a message' }).pressSequentially('to be taken back');
  await a.locator('.chat-head').getByText('typing…').waitFor();
  await b.keyboard.press('Enter');
  const back = a.locator('.message', { hasText: 'to be taken back' });
  await back.hover();
  await back.getByRole('button', { name: 'Actions for this message' }).click();
  await a.getByRole('menuitem', { name: 'Reply' }).click();
  await write(a, 'an answer to it');
  await b.locator('.quote', { hasText: 'to be taken back' }).waitFor();
  const own = b.locator('.message.own', { hasText: 'to be taken back' });
  await own.hover();
  await own.getByRole('button', { name: 'Actions for this message' }).click();
  await b.getByRole('menuitem', { name: 'Take back' }).click();
  await a.getByText('bert1 took a message back').last().waitFor();
  await b.getByRole('button', { name: 'Edit again' }).click();
  assert.equal(await b.getByRole('textbox', { name: 'Write a message' }).inputValue(), 'to be taken back');
  await b.getByRole('textbox', { name: 'Write a message' }).fill('');
});

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAIAAAACUFjqAAAAEklEQVR42mM4YaOBBzGMSmNDADfvdTHvnjTTAAAAAElFTkSuQmCC', 'base64');

test('a picture is looked at, sent, seen and opened', async () => {
  await a.locator('input[type=file][accept]').setInputFiles([
    { name: 'one.png', mimeType: 'image/png', buffer: PNG },
    { name: 'notes.pdf', mimeType: 'application/pdf', buffer: Buffer.from('%PDF-1.4 notes') },
    { name: 'empty.txt', mimeType: 'text/plain', buffer: Buffer.alloc(0) },
  ]);
  await a.getByText('“empty.txt” is empty').waitFor();
  await a.getByRole('dialog').getByRole('button', { name: 'Send' }).click();
  await b.locator('.message .picture img').waitFor();
  await b.locator('.message .file', { hasText: 'notes.pdf' }).waitFor();
  await until('the picture is drawn', () =>
    b.locator('.message .picture img').evaluate((image: HTMLImageElement) => image.complete && image.naturalWidth === 10));
  await b.locator('.message .picture').click();
  await b.getByRole('heading', { name: 'Picture 1 of 1' }).waitFor();
  await b.keyboard.press('Escape');
  const [download] = await Promise.all([b.waitForEvent('download'), b.locator('.message .file').click()]);
  assert.equal(download.suggestedFilename(), 'notes.pdf');
});

test('a voice message is recorded, sent and played', async () => {
  await a.getByRole('button', { name: 'Voice message' }).click();
  await a.getByText('0:01').waitFor();
  await a.getByRole('button', { name: 'Stop and send' }).click();
  const voice = b.locator('.message .voice');
  await voice.waitFor();
  assert.match((await voice.getAttribute('aria-label')) ?? '', /not played yet/);
  await voice.click();
  await until('it is played', async () => !/not played yet/.test((await voice.getAttribute('aria-label')) ?? ''));
});

test('a group is made, its events are told, and somebody is mentioned', async () => {
  await a.getByRole('button', { name: 'New chat' }).click();
  await a.getByRole('menuitem', { name: 'New group' }).click();
  await a.getByLabel('Group name').fill('Walkers');
  await a.getByRole('dialog').locator('.pick-list button', { hasText: 'bert1' }).click();
  await a.getByRole('button', { name: 'Create group' }).click();
  await a.locator('.chat-head', { hasText: 'Walkers' }).waitFor();
  await a.getByText('You created the group').last().waitFor();
  const box = a.getByRole('textbox', { name: 'Write a message' });
  await box.pressSequentially('come @be');
  await a.getByRole('option', { name: 'bert1' }).waitFor();
  await a.keyboard.press('Enter');
  await box.pressSequentially('please');
  await a.keyboard.press('Enter');
  await b.locator('.chat-row', { hasText: '[You were mentioned]' }).waitFor();
  await openChat(b, 'Walkers');
  await b.locator('.message b', { hasText: '@bert1' }).waitFor();
  await a.getByRole('button', { name: '1 unread' }).or(a.getByText('Read by all')).first().waitFor();
});

test('a cut link: what is sent meanwhile waits and arrives once and in order', async () => {
  await openChat(a, 'bert1');
  await openChat(b, 'anna1');
  await write(a, 'before the cut');
  await b.getByText('before the cut').last().waitFor();
  await anna.cut();
  await a.getByText(/No connection|Connecting/).first().waitFor();
  const sent = Array.from({ length: 12 }, (_, n) => `in the dark ${n}`);
  for (const text of sent) await write(a, text);
  for (let n = 0; n < 5; n += 1) await write(b, `meanwhile ${n}`);
  await b.getByText('meanwhile 4').last().waitFor();
  anna.mend();
  await a.getByRole('button', { name: 'Try now' }).click({ timeout: 2000 }).catch(() => undefined);
  await a.getByText('meanwhile 4').last().waitFor();
  await b.getByText('in the dark 11').last().waitFor();
  await until('nothing is on its way', async () => (await a.locator('.message-going').count()) === 0);
  for (const page of [a, b]) {
    const all = await texts(page);
    assert.deepEqual(all.filter((text) => text.startsWith('in the dark')), sent);
    assert.deepEqual(all.filter((text) => text.startsWith('meanwhile')), Array.from({ length: 5 }, (_, n) => `meanwhile ${n}`));
  }
});

test('a reload in the midst of sending, and a second tab: the same chat, nothing lost or doubled', async () => {
  await anna.cut();
  for (let n = 0; n < 5; n += 1) await write(a, `over the reload ${n}`);
  await until('all wait', async () => (await a.locator('.message-going').count()) === 5);
  anna.mend();
  await a.reload();
  await b.getByText('over the reload 4').last().waitFor();
  await a.getByText('over the reload 4').last().waitFor();
  const second = await anna.open(new URL(a.url()).hash);
  await second.getByText('over the reload 4').last().waitFor();
  await write(second, 'from the second tab');
  await a.getByText('from the second tab').last().waitFor();
  await b.getByText('from the second tab').last().waitFor();
  await until('sent everywhere', async () =>
    (await a.locator('.message-going').count()) + (await second.locator('.message-going').count()) === 0);
  // Each page has what it loaded; where they overlap they are the same.
  const [one, two, three] = await Promise.all([texts(a), texts(second), texts(b)]);
  const shared = Math.min(one.length, two.length, three.length);
  assert.ok(shared >= 6);
  assert.deepEqual(one.slice(-shared), three.slice(-shared));
  assert.deepEqual(two.slice(-shared), three.slice(-shared));
  assert.equal(new Set(one.filter((text) => text.startsWith('over the reload'))).size, 5);
  assert.equal(one.filter((text) => text.startsWith('over the reload')).length, 5);
  await second.close();
});

test('drafts outlive the page and stand in the list', async () => {
  await a.getByRole('textbox', { name: 'Write a message' }).fill('half a thou');
  await openChat(a, 'Walkers');
  await a.locator('.chat-row', { hasText: '[Draft]' }).getByText('half a thou').waitFor();
  await a.reload();
  await openChat(a, 'bert1');
  assert.equal(await a.getByRole('textbox', { name: 'Write a message' }).inputValue(), 'half a thou');
});

test('whoever logs in elsewhere is told here, and can log in again', async () => {
  const elsewhere = await (await site.person('bert1')).logIn();
  await b.getByText('Your account was used in another browser or on another device.').waitFor();
  await b.getByRole('button', { name: 'Log in again' }).click();
  await b.getByLabel('Password').waitFor();
  await elsewhere.context().close();
});

test('no page told of an error', () => {
  assert.deepEqual([...anna.errors, ...bert.errors], []);
});
