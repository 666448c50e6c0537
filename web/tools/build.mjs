/**
 * Builds the pages into `dist/`, compresses every file, and prints what the first view of each page costs.
 * Fails when that is more than the budget. `node tools/build.mjs console` builds one page.
 */

import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { build } from 'vite';

const BUDGET_BYTES = 300 * 1024;
const COMPRESSED = /\.(html|js|css|svg|json|webmanifest|txt|wasm)$/;
const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Pages that a first visit loads by itself: they belong to the first view though the router imports them lazily. */
const FIRST_VIEW = {
  console: ['src/pages/LoginPage.vue', 'src/pages/DashboardPage.vue'],
  im: [],
};

const pages = process.argv.slice(2).length ? process.argv.slice(2) : Object.keys(FIRST_VIEW);
let failed = false;

for (const page of pages) {
  const out = join(ROOT, 'dist', page);
  await build({ configFile: join(ROOT, page, 'vite.config.ts'), logLevel: 'warn' });
  const manifest = JSON.parse(await readFile(join(out, 'manifest.json'), 'utf8'));
  await rm(join(out, 'manifest.json'));
  await compress(out);
  const files = firstView(manifest, FIRST_VIEW[page]);
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(out, `${file}.br`))).size));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  console.log(`${page}: first view ${(total / 1024).toFixed(1)} KB compressed in ${files.length} files`);
  if (total > BUDGET_BYTES) {
    console.error(`${page}: more than ${BUDGET_BYTES / 1024} KB`);
    failed = true;
  }
}
process.exit(failed ? 1 : 0);

/** The page itself, its entry with all that it imports, and the lazy chunks named. */
function firstView(manifest, lazy) {
  const files = new Set(['index.html']);
  const take = (key) => {
    const chunk = manifest[key];
    if (!chunk) throw new Error(`the build has no ${key}`);
    if (files.has(chunk.file)) return;
    files.add(chunk.file);
    for (const css of chunk.css ?? []) files.add(css);
    for (const imported of chunk.imports ?? []) take(imported);
  };
  take('index.html');
  lazy.forEach(take);
  return [...files];
}

/** Writes `.br` and `.gz` beside each file; the daemon sends what the browser takes. */
async function compress(folder) {
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || !COMPRESSED.test(entry.name)) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = await readFile(path);
    await writeFile(`${path}.br`, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
    await writeFile(`${path}.gz`, gzipSync(bytes, { level: 9 }));
  }
}
