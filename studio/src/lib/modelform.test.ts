// Tests of the form's meaning.

import { expect, it } from 'vitest';
import type { Defaults } from './api';
import { formOf, freeName, freshForm, LABELS, meaning, nameIn, numbers, together, withPolicy } from './modelform';

const defaults = {
  run: { epochs: 30, lr: 0.01, solver: 'sgd', lr_policy: 'step', lr_step: 33, lr_gamma: 0.1, momentum: 0.9, weight_decay: 1e-4, subtract_mean: 'image', shuffle: 'permutation', seed: 1, snapshot_interval: '1', aug_rot: 0 },
  policies: { step: { lr_step: 33, lr_gamma: 0.1 }, poly: { lr_power: 3 }, multistep: { lr_steps: [50, 85], lr_gamma: 0.5 } },
  solvers: [],
} as unknown as Defaults;

it('begins with DIGITS’ defaults', () => {
  const form = freshForm(defaults);
  expect(form).toMatchObject({ epochs: '30', lr: '0.01', lr_step: '33', lr_gamma: '0.1', momentum: '0.9', weight_decay: '0.0001', batch_size: '', aug_rot: '' });
  expect(meaning(form)).toMatchObject({ errors: {}, models: 1, lr: [0.01], batch_size: [], options: { epochs: 30, lr_step: 33, seed: 1 } });
});

it('makes a sweep of lists', () => {
  const said = meaning({ ...freshForm(defaults), lr: '0.01, 0.02 0.02', batch_size: '16,64' });
  expect(said).toMatchObject({ lr: [0.01, 0.02], batch_size: [16, 64], models: 4 });
});

it('changes the fields with the policy', () => {
  const form = withPolicy(freshForm(defaults), 'multistep', defaults);
  expect(form).toMatchObject({ lr_steps: '50, 85', lr_gamma: '0.5', lr_step: '' });
  expect(meaning(form).options).toMatchObject({ lr_steps: [50, 85], lr_gamma: 0.5 });
  expect(meaning(withPolicy(form, 'poly', defaults)).options.lr_gamma).toBeUndefined();
});

it('says what is wrong', () => {
  const { errors } = meaning({ ...freshForm(defaults), lr: '-1', weight_decay: 'x', epochs: '2.5', momentum: 'much', aug_rot: '200', snapshot_interval: '10h', batch_size: '0' });
  expect(errors).toEqual({ lr: 'must be above 0', weight_decay: 'a number, please', epochs: 'a whole number, please', momentum: 'a number, please', aug_rot: 'at most 180', snapshot_interval: expect.stringContaining('minutes'), batch_size: expect.any(String) });
});

it('says which word is no number, and which field it is', () => {
  const said = (change: object) => meaning({ ...freshForm(defaults), ...change }).errors;
  for (const [lr, word] of [['NaN', 'NaN'], ['inf', 'inf'], ['0.1, 0.2, x', 'x'], ['1e400', '1e400']] as const) expect(said({ lr }).lr).toBe(`${word} is no number`);
  expect(said({ lr: '0.1, 0' }).lr).toBe('must be above 0');
  expect(said({ batch_size: '4;8' }).batch_size).toBe('4;8 is no number');
  expect(said({ seed: '1e99' }).seed).toBe(`at most ${Number.MAX_SAFE_INTEGER}`);
  const errors = said({ momentum: '-1', weight_decay: '-1' });
  expect(together(errors, ['momentum', 'weight_decay', 'lr'], LABELS)).toBe('Momentum: at least 0; Weight decay: at least 0');
});

it('cuts no square that is larger than the images', () => {
  const crop = (crop: string, shape: number[] | null) => meaning({ ...freshForm(defaults), crop }, { crop: 1000 }, shape).errors.crop;
  expect(crop('29', [1, 28, 40])).toBe('at most 28, as the images are');
  expect(crop('28', [1, 28, 40])).toBeUndefined();
  expect(crop('29', null)).toBeUndefined();
  expect(crop('1001', null)).toBe('at most 1000');
});

it('reads a clone back as it was', () => {
  const form = formOf({ name: 'a-2', dataset: 'mnist', text: '', language: 'lua', file: 'a.lua', options: { lr_policy: 'poly', lr_power: 2, aug_rot: 10, epochs: 5 }, lr: [0.02], batch_size: [16] }, defaults);
  expect(form).toMatchObject({ lr: '0.02', lr_policy: 'poly', lr_power: '2', aug_rot: '10', epochs: '5', batch_size: '16', dataset: 'mnist' });
});

it('reads lists and finds free names', () => {
  expect(numbers('1e-3;')).toBeNull();
  expect(numbers(' 1e-3,  2 ')).toEqual([0.001, 2]);
  expect(freeName('a', new Set(['a', 'a-2']))).toBe('a-3');
  expect(freeName('a-2', new Set(['a', 'a-2']))).toBe('a-3');
  expect(freeName('', new Set())).toBe('model');
});

it('reads a name out of a network', () => {
  expect(nameIn('-- x\nlocal autoencoder = nn.Sequential()\n')).toBe('autoencoder');
  expect(nameIn('lenet = nn.Sequential()')).toBe('lenet');
  expect(nameIn('local net = nn.Sequential()')).toBeNull();
  expect(nameIn('return 1')).toBeNull();
});

it('keeps to the bounds of the program', () => {
  const most = { name: 10, notes: 100, variants: 4, epochs: 1000, batch_size: 512, crop: 64 };
  const said = (more: Partial<ReturnType<typeof freshForm>>) => meaning({ ...freshForm(defaults), ...more }, most).errors;
  expect(said({ epochs: '1000', batch_size: '16, 512', crop: '64', name: 'lenet', lr: '0.1, 0.2' })).toEqual({});
  expect(said({ epochs: '1e99', batch_size: '513', crop: '65' })).toEqual({ epochs: 'at most 1000', batch_size: expect.any(String), crop: 'at most 64' });
  expect(said({ lr: '1, 2, 3, 4, 5' })).toEqual({ lr: 'a sweep has at most 4 models, this one 5' });
  expect(said({ batch_size: '1 2 3 4 5' })).toEqual({ batch_size: 'a sweep has at most 4 models, this one 5' });
  expect(said({ name: 'x'.repeat(11) })).toEqual({ name: 'a name has at most 10 letters' });
});
