/** What the daemon says, in the language of the page. */

import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const DAEMON = fileURLToPath(new URL('../../../daemon/src', import.meta.url));
let sentences: typeof import('../src/sentences.ts');
before(async () => {
  // The language is the browser's, and Node has none before version 21.
  Object.defineProperty(globalThis, 'navigator', { value: { language: 'zh-CN' }, configurable: true });
  sentences = await import('../src/sentences.ts');
});

test('every sentence of the table is one that the daemon says', async () => {
  const files = (await readdir(DAEMON, { recursive: true })).filter((name) => name.endsWith('.rs'));
  const texts = await Promise.all(files.map((name) => readFile(join(DAEMON, name), 'utf8')));
  // Rust goes on with a text on the next line, writes quotes within with a stroke, and names what stands in braces.
  const source = texts
    .join('\n')
    .replace(/\\\n\s*/g, '')
    .replaceAll('\\"', '"')
    .replace(/\{[\w.:?]*\}/g, '{}');
  // The daemon puts these two together.
  const received = ['The device received it.', 'The device received it, and its user clicked it.'];
  assert.ok(source.includes('"The device received it{}."') && source.includes('", and its user clicked it"'));
  const isSaid = (sentence: string): boolean => received.includes(sentence) || source.includes(sentence);
  assert.deepEqual(
    sentences.SENTENCES.map(([daemon]) => daemon).filter((sentence) => !isSaid(sentence)),
    [],
  );
});

test('as many parts stand in the one language as in the other', () => {
  const holes = (text: string): number => text.split('{}').length;
  assert.deepEqual(
    sentences.SENTENCES.filter(([daemon, chinese]) => holes(daemon) !== holes(chinese)),
    [],
  );
});

test('a sentence in another one is told in the same language', () => {
  assert.equal(
    sentences.inWords('It did not come before that: It was withdrawn: nobody is given it any more.'),
    '在此之前未送达：已撤回：不再投递给任何设备。',
  );
  assert.equal(
    sentences.inWords('The device is away, last seen at 2026-01-02 03:04:05; the push waits for it until 2026-01-03.'),
    '设备离线，最后在线于 2026-01-02 03:04:05；推送为其保留至 2026-01-03。',
  );
});

test('what is not known is shown as it comes, and of a code the page says what it can', () => {
  assert.equal(sentences.inWords('Something new.'), 'Something new.');
  assert.equal(sentences.faultInWords('not_allowed', 'your role does not allow this'), '您的角色不允许此操作。');
  assert.equal(sentences.faultInWords('invalid', 'limit is 1 to 200'), '请求无效：limit is 1 to 200');
  assert.equal(sentences.faultInWords('invalid', 'the certificate has expired'), '证书已过期');
  assert.equal(sentences.faultInWords(1011, 'cannot find user by this audience'), 'cannot find user by this audience');
});
