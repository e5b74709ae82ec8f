// Tests of the comparison.

import { expect, it } from 'vitest';
import type { Job, Metrics, RunOptions } from './api';
import { bySeed, commonUnit, epochReaching, meanCurve, resultRows, roundTarget, settingRows, sharedText, tableCsv, type Run } from './compare';

const run = (name: string, settings: RunOptions, best: number, losses: number[]): Run => ({
  id: name, name,
  job: { settings, loss_unit: 'mean squared error', network_text: 'n', summary: { network: 'a.lua', dataset: { name: 'mnist' }, best: { loss: best }, best_accuracy: null, images_per_second: 10, elapsed_seconds: 5, status: 'Done' } } as unknown as Job,
  metrics: { train: { loss: [9, 8] }, validation: { epoch: losses.map((_, i) => i), loss: losses } } as unknown as Metrics,
});
const base: RunOptions = { solver: 'sgd', lr: 0.01, epochs: 30, seed: 1, lr_policy: 'step', lr_step: 33, lr_gamma: 0.1, dataset: '/a' };
const runs = [run('one', base, 400, [900, 500, 400]), run('two', { ...base, lr: 0.02, solver: 'adam' }, 370, [800, 390, 370])];

it('finds what differs, and the best', () => {
  const rows = settingRows(runs);
  expect(rows.filter((row) => !row.same).map((row) => row.label)).toEqual(['solver', 'learning rate']);
  expect(rows.find((row) => row.label === 'solver')!.cells.map((cell) => [cell.text, cell.other])).toEqual([['SGD', false], ['Adam', true]]);
  expect(resultRows(runs, 500)[0]!.cells.map((cell) => cell.best)).toEqual([false, true]);
  expect(resultRows(runs, 500).find((row) => row.label === 'reaches 500')!.cells.map((cell) => cell.text)).toEqual(['epoch 1', 'epoch 1']);
  expect(sharedText(rows)).toBe('network, dataset, policy step 33 %, gamma 0.1, epochs 30, seed 1');
});

it('calls none the best when all are alike', () => {
  expect(resultRows(runs, null).find((row) => row.label === 'images/s')!.cells.some((cell) => cell.best)).toBe(false);
});

it('calls no run the quickest that did not come to its end', () => {
  const summary = (change: object) => ({ ...runs[0]!, job: { ...runs[0]!.job, summary: { ...runs[0]!.job.summary, ...change } } }) as Run;
  const best = (...some: Run[]) => resultRows(some, null).find((row) => row.label === 'time')!.cells.map((cell) => cell.best);
  const [slow, quick, failed] = [summary({ elapsed_seconds: 9 }), summary({ elapsed_seconds: 5 }), summary({ elapsed_seconds: 0, status: 'Error' })];
  expect(best(slow, failed)).toEqual([false, false]);
  expect(best(slow, failed, quick)).toEqual([false, false, true]);
});

it('calls none the best when the losses measure different things', () => {
  const other = { ...runs[1]!, job: { ...runs[1]!.job, loss_unit: 'cross entropy' } };
  expect(commonUnit(runs)).toBe('mean squared error');
  expect(commonUnit([runs[0]!, other])).toBeNull();
  expect(resultRows([runs[0]!, other], null).slice(0, 2).every((row) => row.cells.every((cell) => !cell.best))).toBe(true);
  expect(roundTarget([runs[0]!, other])).toBeNull();
});

it('finds a target that runs reach', () => {
  expect(roundTarget(runs)).toBe(500);
  expect(epochReaching(runs[1]!.metrics, 380)).toBe(2);
  expect(epochReaching(runs[0]!.metrics, 380)).toBeNull();
});

it('averages over seeds only what was seen by all', () => {
  expect(bySeed([runs[0]!, run('three', { ...base, seed: 2 }, 1, []), runs[1]!]).map((group) => group.map((one) => one.name))).toEqual([['one', 'three'], ['two']]);
  expect(meanCurve([{ x: [0, 1, 2], y: [2, 4, null] }, { x: [0, 1], y: [4, 8] }])).toEqual({ x: [0, 1, 2], y: [3, 6, null] });
});

it('writes a table for a spreadsheet', () => {
  expect(tableCsv(runs, settingRows(runs).slice(0, 1))).toBe(',one,two\nnetwork,a.lua,a.lua');
});
