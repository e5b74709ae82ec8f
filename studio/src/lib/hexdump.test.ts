// Tests of the dump.

import { expect, it } from 'vitest';
import { fromBase64, hexdump } from './hexdump';

it('shows offsets and says when there is more', () => {
  expect(hexdump(Uint8Array.from({ length: 9 }, (_, i) => i * 16), 1)).toBe('0000  00 10 20 30 40 50 60 70\n…');
  expect(hexdump(fromBase64('CAEQ'), 4)).toBe('0000  08 01 10');
});
