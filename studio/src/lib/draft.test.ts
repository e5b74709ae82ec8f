// Tests of what is kept of forms over a reload.

import { afterEach, expect, it, vi } from 'vitest';
import { clearDraft, readDraft, writeDraft, type Draft } from './draft';

function storage() {
  const kept = new Map<string, string>();
  vi.stubGlobal('sessionStorage', { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => kept.set(key, value), removeItem: (key: string) => kept.delete(key) });
}
afterEach(() => vi.unstubAllGlobals());

const draft = (text: string): Draft => ({ form: { epochs: '3' }, text, file: 'network.lua', language: 'lua' });

it('keeps the words of a clone beside those of a new model', () => {
  storage();
  writeDraft(draft('mine'));
  writeDraft(draft('of a clone'), 'clone=a');
  expect(readDraft()).toEqual(draft('mine'));
  expect(readDraft('clone=a')).toEqual(draft('of a clone'));
  expect(readDraft('clone=b')).toBeNull();
  clearDraft('clone=a');
  expect(readDraft('clone=a')).toBeNull();
  expect(readDraft()?.text).toBe('mine');
});

it('does without storage', () => {
  expect(readDraft()).toBeNull();
  expect(() => writeDraft(draft('x'))).not.toThrow();
});
