import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const BYTES_MAX = 35_000;

test('the whole SDK has at most 35 KB, compressed with brotli', (t) => {
  const built = readFileSync(new URL('../dist/anser.js', import.meta.url));
  const size = brotliCompressSync(built).length;
  t.diagnostic(`brotli ${size}, gzip ${gzipSync(built, { level: 9 }).length}, minified ${built.length} bytes`);
  assert.ok(size <= BYTES_MAX, `${size} bytes`);
});

test('it needs nothing but the platform', () => {
  const { dependencies } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  assert.equal(dependencies, undefined);
});
