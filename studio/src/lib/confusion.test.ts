import { expect, test } from 'vitest';
import { matrix, worst } from './confusion';

test('a few classes come as a matrix, many as what is not 0', () => {
  const few = { labels: ['a', 'b'], counts: [[3, 1], [0, 2]] };
  expect(matrix(few)).toEqual(few.counts);
  const labels = Array.from({ length: 300 }, (_, i) => String(i));
  const many = matrix({ labels, counts: [[0, 0, 5], [7, 299, 2]] });
  expect(many.length).toBe(300);
  expect([many[0]![0], many[7]![299], many[299]![7]]).toEqual([5, 2, 0]);
});

test('the worst mistake is found in a matrix of any size', () => {
  expect(worst([[9, 2], [4, 9]])).toBe(4);
  expect(worst(Array.from({ length: 1000 }, () => new Array<number>(1000).fill(0)))).toBe(1);
});
