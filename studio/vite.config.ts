// How the bundle is made: Svelte to `dist`, one chunk a page, hashes in names, nothing inline that the policy forbids.

import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [svelte()],
  build: { target: 'es2022', modulePreload: { polyfill: false }, assetsInlineLimit: 0, chunkSizeWarningLimit: 400 },
  server: { proxy: { '/api': 'http://127.0.0.1:5055' } },
  test: { include: ['src/**/*.test.ts'] },
});
