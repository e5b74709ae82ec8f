// Tests of the words for numbers.

import { describe, expect, it } from 'vitest';
import { bytes, count, duration, elapsed, imageSize, measured, moduleName, percent, significant, when } from './format';

describe('numbers', () => {
  it('groups thousands and uses a true minus', () => {
    expect(count(45002)).toBe('45,002');
    expect(count(-1234567)).toBe('−1,234,567');
    expect(count(null)).toBe('·');
  });

  it('keeps four digits where they matter', () => {
    expect(significant(406.881723)).toBe('406.9');
    expect(significant(0.04871)).toBe('0.04871');
    expect(significant(0.0318, 3)).toBe('0.0318');
    expect(significant(1822.84)).toBe('1,822.8');
    expect(significant(5180)).toBe('5,180');
    expect(significant(235200.4)).toBe('235,200');
    expect(significant(-0.6392)).toBe('−0.6392');
    expect(significant(30)).toBe('30');
    expect(significant(0.00001)).toBe('10⁻⁵');
    expect(significant(0.01)).toBe('0.01');
    expect(measured(418)).toBe('418.0');
    expect(measured(1823)).toBe('1,823.0');
    expect(measured(0.00001)).toBe('1.00 × 10⁻⁵');
    expect(significant(Number.NaN)).toBe('NaN');
    expect(significant(-Infinity)).toBe('−∞');
  });

  it('says shares in percent and bytes in binary units', () => {
    expect(percent(0.98526)).toBe('98.53');
    expect(bytes(22324000)).toBe('21.3 MiB');
    expect(bytes(212)).toBe('212 bytes');
    expect(bytes(432013312)).toBe('412 MiB');
    expect(bytes(undefined)).toBe('·');
  });
});

describe('times', () => {
  it('says durations in two units at most', () => {
    expect(duration(7.64)).toBe('7.6 s');
    expect(duration(54.2)).toBe('54 s');
    expect(duration(72)).toBe('1 min 12 s');
    expect(duration(4320)).toBe('1 h 12 min');
    expect(duration(59.8)).toBe('1 min');
    expect(duration(3599.7)).toBe('1 h');
    expect(duration(170, true)).toBe('3 min');
    expect(duration(187200)).toBe('2 d 4 h');
    expect(duration(null)).toBe('·');
    expect([0, 12.5, 70, 7500].map(elapsed)).toEqual(['0 s', '12.5 s', '1:10', '2:05 h']);
  });

  it('says moments from where the reader stands', () => {
    const now = new Date(2026, 10, 28, 5, 30);
    const at = (date: Date) => when(date.toISOString(), now);
    expect(at(new Date(2026, 10, 28, 3, 1))).toBe('today 03:01');
    expect(at(new Date(2026, 10, 27, 23, 59))).toBe('yesterday 23:59');
    expect(at(new Date(2026, 10, 25, 12, 0))).toBe('25 Nov');
    expect(at(new Date(2025, 1, 3))).toBe('3 Feb 2025');
    expect(when('nonsense', now)).toBe('·');
  });
});

describe('names', () => {
  it('shortens modules without losing their sizes', () => {
    expect(moduleName('nn.Linear(784 -> 300)')).toBe('Linear 784 → 300');
    expect(moduleName('nn.SpatialConvolution(1 -> 20, 5x5)')).toBe('SpatialConvolution(1 → 20, 5x5)');
    expect(moduleName('nn.View(-1)')).toBe('View(-1)');
    expect(moduleName('nn.ReLU')).toBe('ReLU');
  });

  it('says image sizes width first', () => {
    expect(imageSize([1, 28, 32])).toEqual(['32 × 28', 'grey']);
    expect(imageSize([3, 227, 227])).toEqual(['227 × 227', 'colour']);
  });
});
