// Tests of thinning and smoothing.

import { describe, expect, it } from 'vitest';
import { lowest, nearest, smooth, thin } from './thin';

describe('thin', () => {
  const n = 100000;
  const x = Float64Array.from({ length: n }, (_, i) => i / 1000);
  const y = Array.from(x, (value, i) => (i === 51234 ? 99 : i === 51240 ? -99 : Math.sin(value)));

  it('keeps every extreme, in order, none twice', () => {
    const kept = thin(x, y, 0, 100, 500);
    expect(kept.length).toBeLessThanOrEqual(4 * 500 + 2);
    expect(kept).toContain(51234);
    expect(kept).toContain(51240);
    expect(kept[0]).toBe(0);
    expect(kept.at(-1)).toBe(n - 1);
    expect(kept.every((value, i) => i === 0 || value > kept[i - 1]!)).toBe(true);
  });

  it('gives the same highest and lowest value in each pixel as all points do', () => {
    const kept = thin(x, y, 0, 100, 250);
    for (let pixel = 0; pixel < 250; pixel++) {
      const inside = (i: number) => Math.floor(x[i]! * 2.5) === pixel;
      const all = y.filter((_, i) => inside(i));
      const few = kept.filter(inside).map((i) => y[i]!);
      expect(Math.max(...few)).toBe(Math.max(...all));
      expect(Math.min(...few)).toBe(Math.min(...all));
    }
  });

  it('keeps gaps and the neighbours outside the range', () => {
    const gappy = [...y] as (number | null)[];
    gappy[40000] = null;
    gappy[40001] = Number.NaN;
    expect(thin(x, gappy, 0, 100, 100).some((i) => i === 40000 || i === 40001)).toBe(true);
    expect(thin(x, y, 10, 10.01, 500)).toEqual([9999, ...Array.from({ length: 11 }, (_, i) => 10000 + i), 10011]);
  });

  it('takes a million points in well under a second', () => {
    const many = Float64Array.from({ length: 1_000_000 }, (_, i) => i);
    const values = Float64Array.from(many, (i) => Math.cos(i / 100) + (i % 7));
    const before = performance.now();
    expect(thin(many, values, 0, 1e6, 800).length).toBeLessThanOrEqual(3202);
    expect(performance.now() - before).toBeLessThan(2000);
  });

  it('survives nothing', () => {
    expect(thin([], [], 0, 1, 10)).toEqual([]);
    expect(nearest([], 1)).toBe(-1);
  });
});

describe('smooth', () => {
  it('starts at the first value and leaves gaps', () => {
    expect(smooth([4, null, 4, Number.NaN, 4], 0.9)).toEqual([4, null, 4, null, 4].map((v) => v && expect.closeTo(v, 9)));
    expect(smooth([1, 3], 0)).toEqual([1, 3]);
    expect(smooth([0, 1], 0.5)).toEqual([0, expect.closeTo(2 / 3, 9)]);
  });
});

describe('places', () => {
  it('finds the nearest and the lowest', () => {
    expect(nearest([0, 1, 4], 2.4)).toBe(1);
    expect(nearest([0, 1, 4], 9)).toBe(2);
    expect(lowest([3, null, 1, Number.NaN, 2])).toBe(2);
    expect(lowest([null])).toBe(-1);
  });
});
