// Tests of what the mending button writes.

import { expect, it } from 'vitest';
import type { ErrorPage } from './api';
import { fixFor, marked, placeOf } from './fix';

const line = 'autoencoder:add(nn.Linear(783,300))';
const page = (change: Partial<ErrorPage>): ErrorPage => ({
  kind: 'shape', title: 'size mismatch', message: 'nn.Linear(783 -> 300) cannot take this input', module: ['model', '(3) nn.Linear(783 -> 300)'],
  origin: { file: 'network.lua', line: 4, text: line }, facts: [], causes: [], help: null, page: '', ...change,
});

it('takes the server’s word first', () => {
  const fix = { title: 'Write 784', line: 4, old: '783', new: '784' };
  expect(fixFor(page({ fix, help: 'write nn.Linear(1, 2)' }))).toBe(fix);
  expect(placeOf(fix, line)).toEqual([26, 29]);
  expect(placeOf(fix, 'changed')).toBeNull();
});

it('reads the help of a page', () => {
  const fix = fixFor(page({ help: 'write nn.Linear(784, 300), or let the module before it give 783 values' }));
  expect(fix).toEqual({ title: 'Write nn.Linear(784, 300)', line: 4, old: 'nn.Linear(783,300)', new: 'nn.Linear(784, 300)' });
  expect(fixFor(page({ help: 'add a View before it' }))).toBeNull();
  expect(fixFor(page({ help: 'write nn.Reshape(3), or think' }))).toBeNull();
});

it('marks the call that is wrong, else the line', () => {
  expect(marked(page({}), line)).toEqual([16, 34]);
  expect(marked(page({ module: [], message: 'unexpected symbol' }), '  end end ')).toEqual([2, 9]);
});
