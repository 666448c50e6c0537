/** The Vite settings that both pages share: where files go, what they are called, and what the browser may be asked. */

import vue from '@vitejs/plugin-vue';
import { fileURLToPath } from 'node:url';
import { defineConfig, type UserConfig } from 'vite';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** `name` is the folder of the page and the beginning of its files' names, so that both pages can share `/assets/`. */
export function page(name: 'console' | 'im', more: UserConfig = {}): UserConfig {
  return defineConfig({
    root: at(`../${name}`),
    base: '/',
    plugins: [vue()],
    ...more,
    define: {
      __VUE_OPTIONS_API__: 'false',
      __VUE_PROD_DEVTOOLS__: 'false',
      ...more.define,
    },
    build: {
      outDir: at(`../dist/${name}`),
      emptyOutDir: true,
      target: 'es2022',
      manifest: 'manifest.json',
      // The content security policy knows neither data: scripts nor inline ones; small files stay files.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      rollupOptions: {
        output: {
          entryFileNames: `assets/${name}-[name]-[hash].js`,
          chunkFileNames: `assets/${name}-[name]-[hash].js`,
          assetFileNames: `assets/${name}-[name]-[hash][extname]`,
        },
      },
    },
  });
}
