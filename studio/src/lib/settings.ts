// A run's settings in words, a line each, and for tables one by one.

import type { RunOptions } from './api';
import { plain, significant } from './format';

const solvers: Record<string, string> = { sgd: 'SGD', nag: 'Nesterov', adagrad: 'AdaGrad', rmsprop: 'RMSprop', adadelta: 'AdaDelta', adam: 'Adam' };

export const solverName = (name: string | null | undefined) => solvers[name ?? 'sgd'] ?? name ?? '';

/** "step 33 %, gamma 0.1" */
export function policyText(options: RunOptions): string {
  const policy = options.lr_policy ?? 'step';
  const parts = [
    options.lr_steps?.length && policy === 'multistep' ? `${options.lr_steps.map(plain).join(', ')} %` : options.lr_step && (policy === 'step' || policy === 'sigmoid') ? `${plain(options.lr_step)} %` : '',
    options.lr_gamma && policy !== 'poly' && policy !== 'fixed' ? `gamma ${plain(options.lr_gamma)}` : '',
    options.lr_power && (policy === 'poly' || policy === 'inv') ? `power ${plain(options.lr_power)}` : '',
    options.lr_decay && policy === 'torch_sgd' ? `decay ${plain(options.lr_decay)}` : '',
  ].filter(Boolean);
  const [first, ...rest] = parts;
  if (!first) return policy;
  return first.endsWith('%') ? [`${policy} ${first}`, ...rest].join(', ') : [policy, ...parts].join(', ');
}

/** "rotation ±10°, scale σ 0.07", empty without. */
export function augmentText(options: RunOptions): string {
  const parts = [
    options.aug_flip && options.aug_flip !== 'none' ? { fliplr: 'flip left–right', flipud: 'flip up–down', fliplrud: 'flip both ways' }[options.aug_flip] : '',
    options.aug_quad_rot && options.aug_quad_rot !== 'none' ? { rot90: 'quarter turns', rot180: 'half turns', rotall: 'all quarter turns' }[options.aug_quad_rot] : '',
    options.aug_rot ? `rotation ±${plain(options.aug_rot)}°` : '',
    options.aug_scale ? `scale σ ${plain(options.aug_scale)}` : '',
    options.aug_noise ? `noise σ ${plain(options.aug_noise)}` : '',
    options.aug_hsv_h || options.aug_hsv_s || options.aug_hsv_v ? `HSV σ ${[options.aug_hsv_h, options.aug_hsv_s, options.aug_hsv_v].map((value) => plain(value ?? 0)).join(', ')}` : '',
  ];
  return parts.filter(Boolean).join(', ');
}

/** The facts of a settings card. */
export function settingsFacts(options: RunOptions, device: string): [label: string, value: string][] {
  const momentum = options.solver === 'sgd' || options.solver === 'nag' || !options.solver ? `, momentum ${plain(options.momentum ?? 0)}` : '';
  const facts: [string, string][] = [
    ['solver', `${solverName(options.solver)}${momentum}, decay ${plain(options.weight_decay ?? 0)}`],
    ['rate', `${plain(options.lr ?? 0)}, ${policyText(options)}`],
    ['batch', options.batch_size ? `${options.batch_size}${options.validation_batch_size ? `, validation ${options.validation_batch_size}` : ''}` : 'from the file'],
    ['mean', options.subtract_mean ?? 'image'],
  ];
  const augment = augmentText(options);
  if (augment) facts.push(['augmentation', augment]);
  if (options.crop ?? options.croplen) facts.push(['crop', `${options.crop ?? options.croplen} px`]);
  if (options.weights) facts.push(['weights', options.weights]);
  if (options.early_stop) facts.push(['early stop', `after ${options.early_stop} validations`]);
  facts.push(['seed', plain(options.seed ?? 1)], ['device', device]);
  return facts;
}

/** Labels of single options, for the table of what differs. */
export const optionLabels: Partial<Record<keyof RunOptions, string>> = {
  solver: 'solver', lr: 'learning rate', lr_policy: 'policy', batch_size: 'batch', epochs: 'epochs', seed: 'seed', momentum: 'momentum', weight_decay: 'decay', subtract_mean: 'mean', crop: 'crop',
  shuffle: 'shuffle', dataset: 'dataset', weights: 'weights', aug_flip: 'flip', aug_quad_rot: 'quarter turns', aug_rot: 'rotation', aug_scale: 'scale', aug_noise: 'noise', aug_hsv_h: 'hue', aug_hsv_s: 'saturation', aug_hsv_v: 'value',
  validation_interval: 'validation every', snapshot_interval: 'snapshot every', device: 'device', double: '64 bits', autograd: 'autograd', early_stop: 'early stop', keep: 'keep', tensorboard: 'TensorBoard', validation_batch_size: 'validation batch', lr_step: 'step', lr_steps: 'steps',
  lr_gamma: 'gamma', lr_power: 'power', lr_decay: 'rate decay', threads: 'threads', memory: 'memory', croplen: 'crop of the file',
};

/** One option's value in words. */
export function optionText(name: keyof RunOptions, options: RunOptions): string {
  const value = options[name];
  if (name === 'lr_policy') return policyText(options);
  if (name === 'solver') return solverName(options.solver);
  if (value === null || value === undefined || value === '') return '·';
  if (typeof value === 'number') return Math.abs(value) < 1e6 ? plain(value) : significant(value);
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return Array.isArray(value) ? value.map(plain).join(', ') : value;
}
