// Tests of joined lines, ranges and label places.

import { beforeAll, expect, it, vi } from 'vitest';
import type { Line } from './chart';

let chart: typeof import('./chart');

beforeAll(async () => {
  vi.stubGlobal('navigator', { language: 'en' });
  vi.stubGlobal('matchMedia', () => ({ addEventListener: () => {} }));
  chart = await import('./chart');
});

const line = (change: Partial<Line>): Line => ({ key: 'a', label: 'a', color: '', x: [], y: [], axis: 'y', style: 'line', read: true, ...change });

it('joins lines of different places, keeping gaps apart from what is not there', () => {
  const data = chart.joined([line({ x: [0, 1, 2], y: [5, null, 7] }), line({ x: [1.5], y: [1] })], 0, 2, 100, false);
  expect(data).toEqual([[0, 1, 1.5, 2], [5, null, undefined, 7], [undefined, undefined, 1, undefined]]);
});

it('draws upright steps: two values at one epoch stay two', () => {
  const [x, y] = chart.joined([line({ x: [0, 10, 10, 20], y: [1, 1, 0.1, 0.1] })], 0, 20, 100, false);
  expect(y).toEqual([1, 1, 0.1, 0.1]);
  expect(x[2]! > x[1]! && x[2]! - x[1]! < 1e-6).toBe(true);
});

it('leaves out of a logarithmic plot what it cannot show', () => {
  expect(chart.joined([line({ x: [0, 1, 2], y: [1, 0, -1] })], 0, 2, 100, true)[1]).toEqual([1, null, null]);
  expect(chart.rangeOf([line({ x: [0, 1, 2], y: [1, 0, 100] })], 'y', 0, 2, true)[0]).toBeGreaterThan(0.5);
});

it('shows no more decades than wanted: a rate that ends in nothing hides the rest', () => {
  const [low, high] = chart.rangeOf([line({ x: [0, 1], y: [1, 1e-30] })], 'y', 0, 1, true, 6);
  expect(high / low).toBeLessThan(1e8);
});

it('moves labels apart, inside the plot', () => {
  expect(chart.spread([10, 12, 50], 14, 100)).toEqual([10, 24, 50]);
  expect(chart.spread([95, 96, 20], 14, 100)).toEqual([86, 100, 20]);
});
