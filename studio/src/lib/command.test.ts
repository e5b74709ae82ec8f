// Tests of the command line.

import { expect, it } from 'vitest';
import { command, commandText, quoted } from './command';

const usual = { epochs: 30, lr: 0.01, solver: 'sgd', lr_policy: 'step', lr_step: 33, momentum: 0.9, aug_rot: 0 };

it('names only what differs from the defaults', () => {
  const options = { dataset: 'datasets/mnist', epochs: 30, aug_rot: 10, lr_steps: null, double: false };
  const text = commandText(command('network.lua', options, { lr: [0.01, 0.02], batch_size: [] }, usual, 'jobs/a'));
  expect(text).toBe('digits-rs run network.lua --dataset datasets/mnist --aug-rot 10 --lr 0.01,0.02 --job jobs/a');
});

it('writes lists and switches as the command line takes them', () => {
  const options = { lr_policy: 'multistep', lr_steps: [50, 85], double: true };
  const text = commandText(command('-', options, { lr: [0.01], batch_size: [16] }, usual, null));
  expect(text).toBe('digits-rs run - --lr-policy multistep --lr-steps 50,85 --double --batch-size 16');
});

it('quotes what a shell would take apart', () => {
  expect(quoted("my net's.lua")).toBe("'my net'\\''s.lua'");
  expect(quoted('a/b-1.lua')).toBe('a/b-1.lua');
  const text = commandText(command('-a b.lua', { weights: '-w.t7' }, { lr: [], batch_size: [] }, usual, "jobs/it's new"));
  expect(text).toBe("digits-rs run './-a b.lua' --weights ./-w.t7 --job 'jobs/it'\\''s new'");
});
