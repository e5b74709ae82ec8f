// Tests of the filter.

import { expect, it } from 'vitest';
import type { JobSummary } from './api';
import { filter } from './filter';

const job = (change: Partial<JobSummary>): JobSummary =>
  ({
    id: '1', name: 'autoencoder', group: null, status: 'Running', network: 'autoencoder.lua', solver: 'sgd', lr: 0.01, seed: 1,
    dataset: { id: 'mnist', path: 'datasets/mnist', name: 'mnist' }, epoch: 3, epochs: 30, best: null, best_accuracy: null,
    batch_size: null, images_per_second: null, validation_loss: 406.9, train_loss: 1, ...change,
  }) as JobSummary;

it('finds words in name, network, dataset and group', () => {
  expect(filter('AUTO mnist')(job({}))).toBe(true);
  expect(filter('pets')(job({}))).toBe(false);
  expect(filter('pets')(job({ group: 'Pets 2' }))).toBe(true);
  expect(filter('')(job({}))).toBe(true);
});

it('compares numbers; what is unknown never passes', () => {
  expect(filter('lr>0.001 lr<=1e-2')(job({}))).toBe(true);
  expect(filter('loss<400')(job({}))).toBe(false);
  expect(filter('accuracy>98')(job({ best_accuracy: 0.985 }))).toBe(true);
  expect(filter('batch=64')(job({}))).toBe(false);
});

it('takes states and datasets by name', () => {
  expect(filter('state:run')(job({}))).toBe(true);
  expect(filter('state:failed')(job({}))).toBe(false);
  expect(filter('dataset:mn solver:sg')(job({}))).toBe(true);
});
