/** What is shown of a message of the history. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mediaOf, textOf } from '../src/messages.ts';

const shown = (msg_type: string, msg_body: Record<string, unknown>): unknown => {
  const message = { msg_type, msg_body };
  return [mediaOf(message), textOf(message)];
};

test('a picture, a file and a video are shown by their media and named by their file', () => {
  const file = { media_id: 'qiniu/file/j/1', fname: 'walk.bin', fsize: 7 };
  assert.deepEqual(shown('image', file), ['qiniu/file/j/1', 'walk.bin']);
  assert.deepEqual(shown('file', file), ['qiniu/file/j/1', 'walk.bin']);
  const video = { video: file, thumb: { media_id: 'qiniu/image/j/2' }, duration: 3 };
  assert.deepEqual(shown('video', video), ['qiniu/file/j/1', 'walk.bin']);
});

test('a text, a place and a custom message say what is in them, and have no media', () => {
  assert.deepEqual(shown('text', { text: 'hello' }), [undefined, 'hello']);
  assert.deepEqual(shown('location', { label: 'West Lake', scale: 1 }), [undefined, 'West Lake']);
  assert.deepEqual(shown('custom', { a: 1 }), [undefined, '{"a":1}']);
});
