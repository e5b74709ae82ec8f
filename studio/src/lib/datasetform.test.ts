// Tests of the dataset forms.

import { expect, it } from 'vitest';
import type { Defaults } from './api';
import { datasetMeaning, freshFields, proposedName } from './datasetform';

const image = { width: 256, height: 256, channels: 3, resize: 'squash', encoding: 'png', seed: 0 };
const defaults = {
  folder: { kind: 'folder', folder: '', val_percent: 25, test_percent: 0, min_per_class: 2, max_per_class: null, ...image }, lists: { shuffle: true, ...image }, pairs: { val_percent: 10, labels_are: 'images', color_map: 'label', ...image },
} as unknown as Defaults;
const fields = (change: object) => ({ ...freshFields(defaults), ...change });

it('waits for what it needs', () => {
  expect(datasetMeaning('folder', fields({}), 65535)).toEqual({ form: null, errors: {}, wants: 'a folder' });
  expect(datasetMeaning('pairs', fields({ feature_folder: '/a' }), 65535).wants).toBe('a folder of labels');
  expect(datasetMeaning('lists', fields({ train: '/t.txt' }), 65535).wants).toBe('the names of the classes');
});

it('says what the fields say', () => {
  const { form } = datasetMeaning('folder', fields({ folder: '/pets', width: '64', height: '48', channels: '1', max_per_class: '10' }), 65535);
  expect(form).toMatchObject({ kind: 'folder', folder: '/pets', val_percent: 25, min_per_class: 2, max_per_class: 10, width: 64, height: 48, channels: 1 });
  expect(datasetMeaning('folder', fields({ folder: '/pets', val_folder: '/v' }), 65535).form).toMatchObject({ val_percent: 0, val_folder: '/v' });
  expect(datasetMeaning('databases', fields({ train_db: '/db', width: 'x' }), 65535)).toMatchObject({ errors: {}, form: { kind: 'generic', train_db: '/db', mean: null } });
});

it('refuses what cannot be', () => {
  expect(datasetMeaning('folder', fields({ folder: '/p', width: '0' }), 65535).errors.width).toContain('from 1');
  expect(datasetMeaning('folder', fields({ folder: '/p', width: '65536' }), 65535).errors.width).toContain('to 65535');
  expect(datasetMeaning('folder', fields({ folder: '/p', width: '65535' }), 65535).errors).toEqual({});
  expect(datasetMeaning('folder', fields({ folder: '/p', val_percent: '70', test_percent: '40' }), 65535).errors.val_percent).toContain('nothing to train on');
});

it('leaves something to train on', () => {
  const said = (source: 'folder' | 'pairs', change: object) => datasetMeaning(source, fields({ folder: '/p', feature_folder: '/a', label_folder: '/b', ...change }), 65535);
  expect(said('folder', { val_percent: '100' }).errors.val_percent).toContain('left to train on');
  expect(said('folder', { val_percent: '0', test_percent: '100' }).errors.test_percent).toContain('left to train on');
  expect(said('folder', { val_percent: '100', val_folder: '/v' }).errors).toEqual({});
  expect(said('pairs', { pairs_percent: '100' })).toMatchObject({ form: null, errors: { pairs_percent: expect.stringContaining('left to train on') } });
  expect(said('pairs', { pairs_percent: '99' }).errors).toEqual({});
});

it('names the bound of a whole number', () => {
  const { form, errors } = datasetMeaning('folder', fields({ folder: '/p', seed: '1e99', min_per_class: '1e99' }), 65535);
  expect(form).toBeNull();
  for (const said of [errors.seed, errors.min_per_class]) expect(said).toContain(`to ${Number.MAX_SAFE_INTEGER}`);
});

it('proposes a name that says something', () => {
  expect(proposedName('folder', fields({ folder: '/home/ann/pets/' }))).toBe('pets');
  expect(proposedName('databases', fields({ train_db: '/jobs/20151111-210842-a4ec/train_db' }))).toBe('20151111-210842-a4ec');
  expect(proposedName('lists', fields({ train: '/lists/cifar.txt' }))).toBe('cifar');
});
