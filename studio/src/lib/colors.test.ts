// Tests of the runs' colours.

import { expect, it } from 'vitest';
import type { JobSummary } from './api';
import { inks, ranks } from './colors';

const job = (id: string, group: string | null, created: string) => ({ id, group, created }) as JobSummary;

it('counts within a group by age', () => {
  const all = [job('c', 'g', '3'), job('a', 'g', '1'), job('b', null, '0'), job('d', 'g', '1')];
  const found = ranks(all);
  expect(all.map((one) => found.get(one.id))).toEqual([2, 0, 0, 1]);
});

it('gives no two shown together the same, and dashes from the seventh on', () => {
  expect(inks([0, 2, 0])).toEqual([{ hue: 1, dashed: false }, { hue: 3, dashed: false }, { hue: 2, dashed: false }]);
  expect(inks([6, 7])).toEqual([{ hue: 1, dashed: true }, { hue: 2, dashed: true }]);
  const many = inks(Array.from({ length: 12 }, () => 3));
  expect(new Set(many.map((ink) => `${ink.hue}${ink.dashed}`)).size).toBe(12);
});
