// Tests of ticks and ranges.

import { expect, it } from 'vitest';
import { linearTicks, logTicks, padded, sparseLogTicks, tickLabel, timeTicks } from './scale';

it('puts linear ticks on round numbers', () => {
  expect(linearTicks(0, 30, 6)).toEqual([0, 5, 10, 15, 20, 25, 30]);
  expect(linearTicks(0, 4500, 3)).toEqual([0, 2000, 4000]);
  expect(linearTicks(5, 5, 3)).toEqual([5]);
});

it('puts logarithmic ticks where eyes look for them', () => {
  expect(logTicks(350, 4600, 6)).toEqual([400, 600, 1000, 2000, 4000]);
  expect(logTicks(1e-5, 0.02, 4)).toEqual([1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 0.01]);
  expect(logTicks(1e-12, 1, 4)).toEqual([1e-12, 1e-9, 1e-6, 1e-3, 1]);
  expect(logTicks(41, 43, 5).length).toBeGreaterThanOrEqual(2);
  expect(logTicks(0, 1, 4)).toEqual([]);
});

it('puts ticks of time on whole seconds and minutes', () => {
  expect(timeTicks(0, 72, 7)).toEqual([0, 15, 30, 45, 60]);
  expect(timeTicks(0, 4000, 5)).toEqual([0, 900, 1800, 2700, 3600]);
  expect(timeTicks(0, 2, 4)).toEqual([0, 0.5, 1, 1.5, 2]);
});

it('labels ticks shortly', () => {
  expect([4000, 600, 0.05, 0.01, 0.001, 0.003, 1500000, 1e12, -20].map(tickLabel)).toEqual(['4 k', '600', '0.05', '10⁻²', '10⁻³', '3·10⁻³', '1.5 M', '10¹²', '−20']);
});

it('leaves air around values and none below zero', () => {
  expect(padded(10, 4000, false)[0]).toBe(0);
  expect(padded(3, 3, false)).toEqual([2.7, 3.3]);
  const [low, high] = padded(400, 4000, true);
  expect(low).toBeLessThan(400);
  expect(high).toBeGreaterThan(4000);
  expect(padded(Infinity, -Infinity, false)).toEqual([0, 1]);
});

it('puts few ticks on a side axis', () => {
  expect(sparseLogTicks(8e-6, 0.02)).toEqual([1e-5, 1e-4, 1e-3, 0.01]);
  expect(sparseLogTicks(0.00196, 0.00204)).toEqual([0.002]);
  expect(sparseLogTicks(0.0036, 0.0038)).toEqual([0.0037]);
  expect(sparseLogTicks(1, 100)).toEqual([1, 10, 100]);
  expect(sparseLogTicks(0, 1)).toEqual([]);
});
