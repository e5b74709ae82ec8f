// Tests of log lines.

import { expect, it } from 'vitest';
import { logLine } from './logline';

it('takes DIGITS’ prefix apart', () => {
  expect(logLine('2026-11-28 03:01:10 [INFO ] Validation (epoch 18): loss = 406.9')).toEqual({ time: '03:01:10', text: 'Validation (epoch 18): loss = 406.9', kind: 'v' });
  expect(logLine('2026-11-28 03:01:10 [WARNING] low disk').kind).toBe('warn');
  expect(logLine('a word that the network printed')).toMatchObject({ text: 'a word that the network printed', kind: '' });
});
