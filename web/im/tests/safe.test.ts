/** Texts of all kinds in every field stay texts, the page is good to screen readers, and long lists scroll. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { openChat, Site, until, write } from './site.js';

let site: Site;

before(async () => {
  site = await Site.start();
  await site.users('anna1', 'bert1', 'mallory1');
});
after(() => site?.stop());

/** Each sets `window.hacked` where it is taken for more than a text. */
const CORPUS = [
  '<script>window.hacked=1</script>',
  '<img src=x onerror=window.hacked=1>',
  '"><svg onload=window.hacked=1>',
  '\'-window.hacked=1-\'',
  '{{constructor.constructor("window.hacked=1")()}}',
  'javascript:window.hacked=1',
  '<a href="javascript:window.hacked=1">x</a>',
  '</textarea><iframe srcdoc="<script>parent.hacked=1</script>">',
  '`${window.hacked=1}`',
  '<math><mtext><style><img src onerror=window.hacked=1>',
  '\u202e<b>rtl</b>\u0000\u2028',
];

const isHacked = (page: Page): Promise<boolean> => page.evaluate(() => 'hacked' in window);
const markup = (page: Page): Promise<number> =>
  page.locator('.message :is(script, iframe, math, svg[onload], img[onerror], [href^="javascript"])').count();

test('the corpus as messages, names, descriptions, quotes, cards, places and files runs nothing', async () => {
  const anna = await site.person('anna1');
  const page = await anna.logIn();
  const short = (text: string): string => text.slice(0, 60).replaceAll('\u0000', '').replaceAll('\u2028', '');
  for (const text of CORPUS) {
    await site.rest('PUT', '/v1/users/mallory1', { nickname: short(text), signature: short(text), region: short(text) });
    await site.say('mallory1', 'anna1', text.replaceAll('\u0000', ''));
    const body = { version: 1, target_type: 'single', target_id: 'anna1', from_type: 'user', from_id: 'mallory1' };
    const extras = { quote: { msg_id: 1, from: short(text), text }, businessCard: 'x' };
    await site.rest('POST', '/v1/messages', { ...body, msg_type: 'text', msg_body: { text: 'quoted', extras } });
    const card = { businessCard: 'businessCard', userName: short(text) };
    await site.rest('POST', '/v1/messages', { ...body, msg_type: 'text', msg_body: { text: 'card', extras: card } });
    const place = { latitude: 1, longitude: 2, scale: 3, label: short(text) };
    await site.rest('POST', '/v1/messages', { ...body, msg_type: 'location', msg_body: place });
    await site.rest('POST', '/v1/messages', { ...body, msg_type: 'custom', msg_body: { html: text } });
  }
  const { gid } = await site.rest<{ gid: number }>('POST', '/v1/groups/', {
    owner_username: 'mallory1', name: short(CORPUS[1]!), desc: CORPUS[2], members_username: ['anna1', 'bert1'],
  });
  await site.say('mallory1', String(gid), CORPUS[0]!, 'group');
  await page.locator('.chat-row').nth(1).waitFor();
  for (const at of [0, 1]) {
    await page.locator('.chat-row-main').nth(at).click();
    await page.locator('.message').first().waitFor();
    await page.getByRole('button', { name: 'Details' }).click();
    await page.locator('.side h3').first().waitFor();
    assert.equal(await markup(page), 0);
    await page.keyboard.press('Escape');
  }
  await page.locator('.message-avatar').first().click();
  await page.getByRole('dialog').locator('.ui-facts').waitFor();
  await page.keyboard.press('Escape');
  await openChat(page, short(CORPUS.at(-1)!).slice(1, 10)).catch(() => page.locator('.chat-row-main').first().click());
  for (const text of CORPUS) {
    await write(page, text);
    await page.keyboard.press('Control+k');
    await page.getByRole('searchbox').fill(text);
    await page.keyboard.press('Escape');
  }
  await until('all are sent', async () => (await page.locator('.message-going').count()) === 0);
  assert.equal(await markup(page), 0);
  assert.equal(await isHacked(page), false);
  assert.deepEqual(anna.errors, []);
  await page.context().close();
});

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Violation {
  id: string;
  impact: string;
  nodes: { html: string; failureSummary: string }[];
}

async function axe(page: Page, where: string): Promise<void> {
  // Evaluated by the debugger, which the content security policy does not bind.
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(AXE);
  await page.evaluate(() => Promise.all(document.getAnimations().map((each) => each.finished.catch(() => undefined))));
  const violations = await page.evaluate(async () => {
    const { axe: checker } = window as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } };
    return (await checker.run()).violations;
  });
  const bad = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  const told = bad.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html}\n${failureSummary}`).join('\n')}`);
  assert.deepEqual(told, [], where);
}

test('axe finds nothing serious on any view, light and dark, wide and narrow', async () => {
  const { gid } = await site.rest<{ gid: number }>('POST', '/v1/groups/', {
    owner_username: 'bert1', name: 'Readers', desc: 'of books', members_username: ['anna1'],
  });
  await site.say('bert1', String(gid), 'hello https://example.com', 'group');
  for (const [colorScheme, width] of [['light', 1280], ['dark', 390]] as const) {
    const bert = await site.person('bert1', { colorScheme, viewport: { width, height: 800 } });
    const page = await bert.open();
    await page.getByLabel('Username').waitFor();
    await axe(page, 'login');
    await page.context().close();
    const again = await site.person('bert1', { colorScheme, viewport: { width, height: 800 } });
    const chat = await again.logIn();
    await chat.locator('.chat-row').first().waitFor();
    await axe(chat, 'list');
    await openChat(chat, 'Readers');
    await write(chat, 'an answer');
    await chat.locator('.message.own').last().waitFor();
    await axe(chat, 'chat');
    await chat.getByRole('button', { name: 'Details' }).click();
    await chat.locator('.side .person-line').first().waitFor();
    await axe(chat, 'group panel');
    await chat.keyboard.press('Escape');
    await chat.getByRole('button', { name: 'Emoji' }).click();
    await chat.locator('.emoji-picker').waitFor();
    await axe(chat, 'emoji');
    for (const section of ['contacts', 'rooms', 'settings']) {
      await chat.goto(`${site.daemon.url}/im#/${section}`);
      await chat.getByRole('heading', { level: 1 }).first().waitFor();
      await axe(chat, section);
    }
    await chat.getByRole('button', { name: 'My profile' }).click();
    await chat.getByLabel('Nickname').waitFor();
    await axe(chat, 'profile');
    assert.deepEqual(again.errors, []);
    await chat.context().close();
  }
});

test('a phone shows the list or the chat, and nothing is wider than it', async () => {
  const anna = await site.person('anna1', { viewport: { width: 390, height: 844 }, hasTouch: true });
  const page = await anna.logIn();
  await openChat(page, 'Readers');
  assert.equal(await page.locator('.chat-row').first().isVisible(), false);
  const isWider = (): Promise<boolean> => page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  assert.equal(await isWider(), false);
  const send = await page.getByRole('button', { name: 'Voice message' }).boundingBox();
  assert.ok(send && send.x + send.width <= 390);
  await page.getByRole('button', { name: 'Back' }).click();
  await page.locator('.chat-row').first().waitFor();
  assert.equal(await isWider(), false);
  await page.context().close();
});
