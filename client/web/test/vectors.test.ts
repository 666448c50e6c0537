import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Decoder, Encoder, Malformed, TooLong } from '../src/codec.js';
import type { Body } from '../src/codec.js';

/** Numbers that a double cannot hold become bigints. */
function parse(text: string): any {
  const exact = text.replace(/([:[,]\s*)(\d{16,})(?=[,\]}\s])/g, '$1"#$2"');
  return JSON.parse(exact, (_, value) => {
    if (typeof value !== 'string' || !/^#\d+$/.test(value)) return value;
    const number = BigInt(value.slice(1));
    return number <= Number.MAX_SAFE_INTEGER ? Number(number) : number;
  });
}

const vectors = parse(readFileSync(new URL('../../../protocol/vectors.json', import.meta.url), 'utf8'));
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const unhex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));

/** As the file writes bodies: bytes as hexadecimal digits. */
function shown(value: any): any {
  if (value instanceof Uint8Array) return hex(value);
  if (Array.isArray(value)) return value.map(shown);
  if (value && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, shown(item)]));
  }
  return value;
}

const BYTES = new Set(['secret', 'nonce', 'credential', 'body', 'value', 'token', 'sha256']);

/** The other way round, by the names of fields. */
function meant(value: any, name = '', frame = ''): any {
  if (Array.isArray(value)) return value.map((item) => meant(item, name, frame));
  if (value && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, meant(item, key, frame)]));
  }
  const isText = name === 'token' && frame === 'PushToken';
  return typeof value === 'string' && BYTES.has(name) && !isText ? unhex(value) : value;
}

for (const { name, direction, frames } of vectors.vectors) {
  test(`${name} is read as it is meant, and written byte for byte`, () => {
    const isOfClient = direction === 'client';
    const decoder = new Decoder(isOfClient);
    const encoder = new Encoder(isOfClient);
    for (const frame of frames) {
      const read = decoder.decode(unhex(frame.hex));
      assert.equal(read.name, frame.name);
      assert.deepEqual(shown(read.body), frame.body);
      assert.equal(hex(encoder.encode(frame.name, meant(frame.body, '', frame.name) as Body)), frame.hex);
    }
  });
}

for (const { name, direction, frames } of vectors.accepted) {
  test(`${name} is accepted`, () => {
    const decoder = new Decoder(direction === 'client');
    for (const frame of frames) assert.deepEqual(shown(decoder.decode(unhex(frame.hex)).body), frame.body);
  });
}

for (const { name, direction, frames } of vectors.refused) {
  test(`${name} is refused`, () => {
    const decoder = new Decoder(direction === 'client');
    for (const frame of frames.slice(0, -1)) decoder.decode(unhex(frame.hex));
    assert.throws(() => decoder.decode(unhex(frames.at(-1).hex)), Malformed);
  });
}

test('whatever bytes come, a decoder answers or says malformed', () => {
  let seed = 7;
  const random = () => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) / 2 ** 32;
  const all = vectors.vectors
    .filter((vector: any) => vector.direction === 'server')
    .flatMap((vector: any) => vector.frames);
  for (let round = 0; round < 20_000; round++) {
    const bytes = unhex(all[Math.floor(random() * all.length)].hex);
    for (let flips = 1 + Math.floor(random() * 4); flips > 0; flips--) {
      bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
    }
    try {
      new Decoder(false).decode(bytes.slice(0, 1 + Math.floor(random() * bytes.length)));
    } catch (error) {
      assert.ok(error instanceof Malformed, String(error));
    }
  }
});

test('a frame that is too long changes nothing', () => {
  const encoder = new Encoder(true);
  const send = (body: Uint8Array) =>
    encoder.encode('Send', { outbox: 1, chat: { user: 'bob' }, kind: 1, body, extensions: [] });
  assert.throws(() => send(new Uint8Array(40_000)), TooLong);
  assert.equal(hex(send(new Uint8Array([104, 105]))), '06010003626f620102686900', 'the name is still introduced');
});
