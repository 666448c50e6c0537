/** A second tab, a reload and a new login in the same page: each shows what the first did, once. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { openChat, PASSWORD, Site, texts, until, write, type Person } from './site.js';

let site: Site;
let anna: Person;
let a: Page;

before(async () => {
  site = await Site.start();
  await site.users('anna1', 'bert1', 'carl1');
  for (let n = 0; n < 60; n += 1) await site.say('bert1', 'anna1', `message ${n}`);
  anna = await site.person('anna1');
  a = await anna.logIn();
  await a.locator('.chat-row').first().waitFor();
});
after(() => site?.stop());

const BERT = '#/chats/u%3Abert1';
const box = (page: Page) => page.getByRole('textbox', { name: 'Write a message' });

async function actions(page: Page, text: string): Promise<void> {
  const message = page.locator('.message', { hasText: text }).last();
  await message.hover();
  await message.getByRole('button', { name: 'Actions for this message' }).click();
}

test('a second tab knows that all is here, and whom the user does not hear', async () => {
  await site.rest('POST', '/v1/users/anna1/nodisturb', { single: { add: ['bert1'] } });
  await a.locator('.chat-row', { hasText: 'Muted' }).waitFor();
  const second = await anna.open();
  await second.locator('.chat-row', { hasText: 'Muted' }).waitFor();
  // Longer than the bar waits before it shows itself.
  const isShown = await second.locator('.link-bar').waitFor({ timeout: 2000 }).then(() => true, () => false);
  assert.equal(isShown, false);
  await second.close();
  await site.rest('POST', '/v1/users/anna1/nodisturb', { single: { remove: ['bert1'] } });
});

test('a chat that stands in the address begins where unread ones begin', async () => {
  await a.locator('.chat-row', { hasText: 'unread' }).waitFor();
  const second = await anna.open(BERT);
  await second.locator('.line-divider').waitFor();
  await second.close();
});

test('what is being written is there again after a reload of the open chat', async () => {
  await openChat(a, 'bert1');
  await box(a).fill('half a thou');
  const second = await anna.open();
  await second.locator('.chat-row', { hasText: '[Draft]' }).getByText('half a thou').waitFor();
  await second.close();
  await a.reload();
  await box(a).waitFor();
  assert.equal(await box(a).inputValue(), 'half a thou');
  await box(a).fill('');
});

test('what is deleted in one tab goes from the other', async () => {
  const second = await anna.open(BERT);
  await second.getByText('message 59').last().waitFor();
  await actions(a, 'message 59');
  await a.getByRole('menuitem', { name: 'Delete for me' }).click();
  await a.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  for (const page of [a, second]) await until('it is gone', async () => !(await texts(page)).includes('message 59'));
  await site.say('carl1', 'anna1', 'hello from carl');
  await openChat(a, 'carl1');
  const third = await anna.open('#/chats/u%3Acarl1');
  await third.getByText('hello from carl').last().waitFor();
  await a.locator('.chat-row', { hasText: 'carl1' }).getByRole('button', { name: 'Actions for carl1' }).click();
  await a.getByRole('menuitem', { name: 'Delete chat' }).click();
  await a.getByRole('dialog').getByRole('button', { name: 'Delete chat' }).click();
  for (const page of [a, third]) await page.getByText('Choose a chat, or start one').waitFor();
  await second.close();
  await third.close();
});

test('the list shows that the last message was read', async () => {
  const bert = await site.person('bert1');
  const b = await bert.logIn();
  await openChat(b, 'anna1');
  await openChat(a, 'bert1');
  await write(a, 'do you see me');
  await b.getByText('do you see me').last().waitFor();
  await a.locator('.chat-row', { hasText: 'do you see me' }).locator('.own-mark.read').waitFor();
  await b.context().close();
});

test('requests to join are counted once, also after a reload, and no more when they are answered', async () => {
  const { gid } = await site.rest<{ gid: number }>('POST', '/v1/groups/', {
    owner_username: 'anna1', name: 'Walkers', desc: 'on foot', flag: 2, members_username: [],
  });
  const carl = await site.person('carl1');
  const c = await carl.logIn();
  await c.getByRole('button', { name: 'New chat' }).first().click();
  await c.getByRole('menuitem', { name: 'Join a group' }).click();
  await c.getByLabel('Group number').fill(String(gid));
  await c.getByRole('dialog').getByRole('button', { name: 'Search' }).click();
  await c.getByRole('button', { name: 'Apply' }).click();
  const count = a.locator('.rail-tab', { hasText: 'Contacts' }).locator('.count');
  await count.waitFor();
  await a.reload();
  await count.waitFor();
  assert.equal(await count.innerText(), '1');
  await openChat(a, 'Walkers');
  await a.getByRole('button', { name: '1 wait for your answer' }).click();
  await a.getByRole('button', { name: 'Accept' }).click();
  await count.waitFor({ state: 'detached' });
  await c.context().close();
});

test('after logging out and in again in one page everything is heard once', async () => {
  await a.goto(`${site.daemon.url}/im#/settings`);
  await a.getByRole('button', { name: 'Log out' }).click();
  await a.getByRole('dialog').getByRole('button', { name: 'Log out' }).click();
  await a.getByLabel('Username').fill('anna1');
  await a.getByLabel('Password').fill(PASSWORD);
  await a.getByRole('button', { name: 'Log in' }).click();
  await openChat(a, 'bert1');
  await a.getByText('do you see me').last().waitFor();
  await until('the reader is further up', async () => {
    await a.locator('.messages').evaluate((element) => (element.scrollTop = 0));
    return a.getByRole('button', { name: 'Jump to the newest' }).isVisible();
  });
  await site.say('bert1', 'anna1', 'heard once');
  await a.getByRole('button', { name: '1 new' }).waitFor();
});

test('no page told of an error', () => {
  assert.deepEqual(anna.errors, []);
});
