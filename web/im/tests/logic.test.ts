/** What the page computes by itself, without a browser. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EMOJI, isFewEmoji, usedLately } from '../src/logic/emoji.js';
import { safeHref, textParts } from '../src/logic/links.js';
import { mentionAt, stillMentioned, withMention } from '../src/logic/mention.js';
import { byNewest, matches, tabTitle } from '../src/logic/order.js';
import * as scroll from '../src/logic/scroll.js';
import { badge, bytesText, daysBefore, duration, lineTime, listTime } from '../src/logic/times.js';
import { en } from '../src/i18n/en.js';
import { zh } from '../src/i18n/zh.js';

const joined = (text: string, names: string[] = []): string =>
  textParts(text, names)
    .map((part) => part.text)
    .join('');

test('addresses in a text become links, and the parts are the text again', () => {
  const text = 'see https://example.com/a_(b)?q=1#x, or (http://例子.cn/路径) and www.example.org. 看https://a.cn。好';
  const links = textParts(text).filter((part) => part.kind === 'link');
  assert.deepEqual(links.map((part) => part.text), [
    'https://example.com/a_(b)?q=1#x', 'http://例子.cn/路径', 'www.example.org', 'https://a.cn',
  ]);
  assert.equal(joined(text), text);
});

test('no other scheme is ever a link', () => {
  for (const text of ['javascript:alert(1)', 'data:text/html,x', 'vbscript:x', 'file:///etc/passwd', 'JaVaScRiPt://x', 'ftp://a.b']) {
    assert.equal(safeHref(text), undefined, text);
    assert.ok(textParts(text).every((part) => part.kind === 'text'), text);
  }
  const hidden = textParts('https://a.b/"><script>alert(1)</script>');
  assert.equal(hidden[0]!.text, 'https://a.b/');
  assert.ok(hidden.slice(1).every((part) => part.kind === 'text'));
});

test('a long text without blanks is parted in no time', () => {
  const started = performance.now();
  joined(`https://${'(.'.repeat(50_000)}`, ['a']);
  joined('@'.repeat(100_000), ['nobody']);
  assert.ok(performance.now() - started < 2000);
});

test('mentions are found by the longest name', () => {
  const parts = textParts('hi @Anna Lee and @Anna, a@b', ['Anna', 'Anna Lee', '']);
  assert.deepEqual(parts.filter((part) => part.kind === 'mention').map((part) => part.text), ['@Anna Lee', '@Anna']);
});

test('a mention is typed, chosen and read back', () => {
  assert.deepEqual(mentionAt('hello @an', 9), { at: 6, word: 'an' });
  assert.deepEqual(mentionAt('你好@', 3), { at: 2, word: '' });
  assert.equal(mentionAt('mail me@home', 12), undefined);
  assert.equal(mentionAt('@a b', 4), undefined);
  assert.deepEqual(withMention('hi @an you', { at: 3, word: 'an' }, 'Anna'), { text: 'hi @Anna  you', caret: 9 });
  const chosen = [{ name: 'Anna' }, { name: 'Bob' }, { name: 'Anna' }];
  assert.deepEqual(stillMentioned('@Anna come', chosen), [{ name: 'Anna' }]);
});

test('times are said as people say them', () => {
  const words = { locale: 'en-GB', yesterday: 'Yesterday' };
  const now = new Date(2026, 4, 14, 10, 0).getTime();
  const ago = (days: number): number => new Date(2026, 4, 14 - days, 9, 5).getTime();
  assert.equal(listTime(ago(0), now, words), '09:05');
  assert.equal(listTime(ago(1), now, words), 'Yesterday');
  assert.equal(listTime(ago(3), now, words), 'Mon');
  assert.match(listTime(ago(40), now, words), /04\/04|4\/4|4 Apr/);
  assert.match(listTime(new Date(2024, 0, 2).getTime(), now, words), /2024/);
  assert.equal(listTime(0, now, words), '');
  assert.equal(lineTime(ago(1), now, words), 'Yesterday 09:05');
  assert.equal(daysBefore(new Date(2026, 4, 13, 23, 59).getTime(), new Date(2026, 4, 14, 0, 1).getTime()), 1);
  assert.equal(duration(7.4), '0:07');
  assert.equal(duration(3723), '1:02:03');
  assert.equal(bytesText(8 * 1024 * 1024), '8.0 MB');
  assert.deepEqual([badge(0), badge(99), badge(100)], ['', '99', '99+']);
});

test('conversations stand pinned first, then newest', () => {
  const chat = (key: string, atMs: number, pinnedMs = 0) => ({ key, atMs, pinnedMs });
  const list = [chat('a', 1), chat('b', 9), chat('c', 2, 5), chat('d', 1, 7), chat('e', 9)];
  assert.deepEqual(list.sort(byNewest).map(({ key }) => key), ['d', 'c', 'b', 'e', 'a']);
  assert.equal(tabTitle(1000, 'IM'), '(999+) IM');
  assert.ok(matches('ａＬ 李', 'Alice 李雷'));
  assert.ok(!matches('bob', 'Alice', undefined));
});

test('emoji: groups are whole, few ones are told from text', () => {
  const all = EMOJI.flatMap((group) => group.emoji);
  assert.equal(new Set(all).size, all.length);
  assert.ok(all.every((emoji) => isFewEmoji(emoji)), all.filter((emoji) => !isFewEmoji(emoji)).join(' '));
  assert.ok(isFewEmoji('👍🏽 👨‍👩‍👧 🇨🇳'));
  for (const text of ['1', '😀😀😀😀', '😀a', '', ' ', '#*']) assert.ok(!isFewEmoji(text), text);
  assert.deepEqual(usedLately(['a', 'b'], 'b'), ['b', 'a']);
});

test('the window of rows moves by steps and never leaves what is there', () => {
  assert.deepEqual(scroll.atEnd(10), { start: 0, end: 10 });
  let window = scroll.atEnd(1000);
  assert.deepEqual(window, { start: 910, end: 1000 });
  window = scroll.movedUp(window);
  assert.deepEqual(window, { start: 880, end: 970 });
  window = scroll.movedDown(scroll.movedDown(window, 1000), 1000);
  assert.deepEqual(window, { start: 910, end: 1000 });
  assert.deepEqual(scroll.movedUp({ start: 10, end: 20 }), { start: 0, end: 20 });
  assert.deepEqual(scroll.around(5, 1000), { start: 0, end: 90 });
  assert.deepEqual(scroll.around(999, 1000), { start: 910, end: 1000 });
  assert.deepEqual(scroll.shifted({ start: 0, end: 10 }, 20), { start: 20, end: 30 });
  assert.equal(scroll.keepStill(100, 40, 640), 700);
  assert.deepEqual(scroll.fixedRows(6400, 640, 64, 10_000, 2), { start: 98, end: 112 });
  assert.deepEqual(scroll.fixedRows(0, 640, 64, 3), { start: 0, end: 3 });
});

test('both languages have the same words with the same places', () => {
  const flat = (words: object, under = ''): [string, string][] =>
    Object.entries(words).flatMap(([key, value]) =>
      typeof value === 'string' ? [[under + key, value] as [string, string]] : flat(value as object, `${under}${key}.`));
  const chinese = new Map(flat(zh));
  for (const [key, text] of flat(en)) {
    const places = (words: string): string[] => [...words.matchAll(/\{\w+\}/g)].map(String).sort();
    assert.deepEqual(places(chinese.get(key) ?? ''), places(text), key);
  }
});
