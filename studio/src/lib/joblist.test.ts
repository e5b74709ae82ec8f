// Tests of the list's order.

import { expect, it } from 'vitest';
import type { JobSummary } from './api';
import { arrange, varies } from './joblist';

const job = (id: string, change: Partial<JobSummary> = {}): JobSummary =>
  ({
    id, name: id, group: null, status: 'Done', network: 'a.lua', solver: 'sgd', lr: 0.01, seed: 1, batch_size: 64, created: id,
    started: null, dataset: { id: 'm', path: 'm', name: 'm' }, epoch: 1, epochs: 2, best: null, best_accuracy: null, images_per_second: null, ...change,
  }) as JobSummary;

const how = { text: '', state: 'all', groupBy: 'group', sort: { key: 'started', down: true } } as const;
const ids = (arranged: ReturnType<typeof arrange>) => arranged.sections.map((one) => [one.title, one.jobs.map((of) => of.id)]);

it('puts what runs on top, then groups, then the rest', () => {
  const jobs = [job('1'), job('2', { group: 's' }), job('3', { group: 's', lr: 0.1 }), job('4', { status: 'Running' }), job('5', { status: 'Running', group: 's' })];
  const arranged = arrange(jobs, how);
  expect(ids(arranged)).toEqual([[null, ['4']], ['s', ['5', '3', '2']], ['no group', ['1']]]);
  expect(arranged.sections[1]).toMatchObject({ colored: true, varies: 'rate' });
  expect(arranged.counts).toMatchObject({ running: 2, done: 3 });
});

it('sorts what is unknown last, either way', () => {
  const loss = (value: number) => ({ best: { loss: value } as JobSummary['best'] });
  const jobs = [job('1', loss(2)), job('2'), job('3', loss(1))];
  const by = (down: boolean) => ids(arrange(jobs, { ...how, groupBy: 'none', sort: { key: 'best', down } }))[0]![1];
  expect(by(false)).toEqual(['3', '1', '2']);
  expect(by(true)).toEqual(['1', '3', '2']);
});

it('filters by state but counts all', () => {
  const arranged = arrange([job('1'), job('2', { status: 'Error' })], { ...how, state: 'failed' });
  expect(ids(arranged)).toEqual([[null, ['2']]]);
  expect(arranged.counts.done).toBe(1);
  expect(arrange([job('1')], { ...how, text: 'zzz' }).sections).toEqual([]);
});

it('says in what runs differ', () => {
  expect(varies([job('1'), job('2', { seed: 2, batch_size: 16 })])).toBe('batch, seed');
});
