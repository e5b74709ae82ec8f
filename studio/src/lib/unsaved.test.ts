// Tests of notes that wait for the program.

import { afterEach, beforeEach, expect, it, vi } from 'vitest';

const kept = new Map<string, string>();
/** What the program answers: a status, or nothing at all. */
let answers: (number | null)[] = [];
let sent: [string, string][] = [];

beforeEach(() => {
  kept.clear();
  [answers, sent] = [[], []];
  vi.resetModules();
  vi.stubGlobal('sessionStorage', { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => kept.set(key, value), removeItem: (key: string) => kept.delete(key) });
  vi.stubGlobal('fetch', (url: string, { body }: { body: string }) => {
    const status = answers.shift() ?? null;
    if (status === null) return Promise.reject(new TypeError('nothing answers'));
    sent.push([url, (JSON.parse(body) as { notes: string }).notes]);
    return Promise.resolve(new Response(JSON.stringify(status < 400 ? {} : { error: { message: 'notes has 20001 letters' } }), { status }));
  });
});
afterEach(() => vi.unstubAllGlobals());
const fresh = async () => (await import('./unsaved.svelte')).unsaved;

it('keeps notes while nothing answers and sends them then', async () => {
  const unsaved = await fresh();
  unsaved.keep('a/1', 'mine');
  await unsaved.send();
  expect(unsaved.notes).toEqual({ 'a/1': 'mine' });
  vi.resetModules();
  const reloaded = await fresh();
  expect(reloaded.notes).toEqual({ 'a/1': 'mine' });
  answers = [200];
  await reloaded.send();
  expect(sent).toEqual([['/api/jobs/a%2F1', 'mine']]);
  expect(reloaded.notes).toEqual({});
  expect(kept.size).toBe(0);
});

it('says what is refused and lets go of the notes of a job that is gone', async () => {
  const unsaved = await fresh();
  unsaved.keep('a', 'long');
  unsaved.keep('b', 'gone');
  answers = [400, 404];
  await unsaved.send();
  expect(unsaved.refused).toEqual({ a: 'notes has 20001 letters' });
  expect(unsaved.notes).toEqual({ a: 'long' });
});
