// The budget of the first page: all scripts it loads before anything is clicked, gzipped, at most 60 kB.

import { readFileSync, readdirSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const LIMIT = 60_000;
const dist = new URL('../dist/', import.meta.url);
const html = readFileSync(new URL('index.html', dist), 'utf8');
if (/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/.test(html)) throw new Error('index.html has something inline: the policy forbids it');

/** A file and what it imports at once; `import(…)` comes later and does not count. */
function loaded(name, seen = new Set()) {
  if (seen.has(name)) return seen;
  seen.add(name);
  const text = readFileSync(new URL(`assets/${name}`, dist), 'utf8');
  for (const [, other] of text.matchAll(/(?:from|import)\s*"\.\/([\w.-]+\.js)"/g)) loaded(other, seen);
  return seen;
}

const first = new Set();
for (const [, name] of html.matchAll(/(?:src|href)="\/assets\/([\w.-]+\.js)"/g)) loaded(name, first);
const size = (name) => gzipSync(readFileSync(new URL(`assets/${name}`, dist)), { level: 9 }).length;
const total = [...first].reduce((sum, name) => sum + size(name), 0);
for (const name of readdirSync(new URL('assets/', dist)).filter((one) => one.endsWith('.js'))) console.log(`${first.has(name) ? 'first' : '     '} ${String(size(name)).padStart(7)} ${name}`);
console.log(`first page: ${total} bytes of script, gzipped (limit ${LIMIT})`);
if (total > LIMIT) process.exitCode = 1;
