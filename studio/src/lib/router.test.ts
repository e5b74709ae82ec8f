// Tests of addresses, DIGITS' own among them.

import { beforeAll, expect, it, vi } from 'vitest';

let match: typeof import('./router.svelte').match;

beforeAll(async () => {
  vi.stubGlobal('location', { pathname: '/', search: '', origin: 'http://localhost' });
  vi.stubGlobal('addEventListener', () => {});
  ({ match } = await import('./router.svelte'));
});

it('finds the page of an address', () => {
  expect(match('/')).toEqual({ page: 'home' });
  expect(match('/models/sweep%2Flr0.1')).toEqual({ page: 'job', id: 'sweep/lr0.1' });
  expect(match('/models/a/test/')).toEqual({ page: 'test', id: 'a' });
  expect(match('/models/new')).toEqual({ page: 'new-model' });
  expect(match('/datasets/open')).toEqual({ page: 'database' });
  expect(match('/datasets/mnist')).toEqual({ page: 'dataset', id: 'mnist' });
  expect(match('/datasets')).toEqual({ page: 'home' });
  expect(match('/nowhere')).toEqual({ page: 'missing' });
  expect(match('/models/%E0%A4%A')).toEqual({ page: 'missing' });
});

it('knows the addresses that DIGITS had', () => {
  expect(match('/models/images/generic/new')).toEqual({ page: 'new-model' });
  expect(match('/datasets/images/classification/new')).toEqual({ page: 'new-dataset' });
  expect(match('/jobs/20151111-210842-a4ec')).toEqual({ page: 'job', id: '20151111-210842-a4ec' });
});
