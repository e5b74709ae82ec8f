// The form of a new model: what is typed, what it means, what is wrong with it. Empty fields are the defaults.

import type { Defaults, NewJob, RunOptions } from './api';
import { plain } from './format';

/** All fields as they are typed. */
export interface ModelForm {
  name: string;
  group: string;
  dataset: string;
  epochs: string;
  batch_size: string;
  solver: string;
  momentum: string;
  weight_decay: string;
  lr: string;
  lr_policy: string;
  lr_step: string;
  lr_steps: string;
  lr_gamma: string;
  lr_power: string;
  lr_decay: string;
  subtract_mean: 'image' | 'pixel' | 'none';
  crop: string;
  shuffle: 'permutation' | 'sequential' | 'with-replacement';
  aug_flip: NonNullable<RunOptions['aug_flip']>;
  aug_quad_rot: NonNullable<RunOptions['aug_quad_rot']>;
  aug_rot: string;
  aug_scale: string;
  aug_noise: string;
  aug_hsv_h: string;
  aug_hsv_s: string;
  aug_hsv_v: string;
  seed: string;
  snapshot_interval: string;
  validation_interval: string;
  keep: string;
  early_stop: string;
  device: string;
  weights: string;
}

export type Field = keyof ModelForm;

/** What the fields are called on the page. */
export const LABELS: Record<Field, string> = {
  name: 'Name', group: 'Group', dataset: 'Dataset', epochs: 'Epochs', batch_size: 'Batch size', solver: 'Solver', momentum: 'Momentum', weight_decay: 'Weight decay',
  lr: 'Learning rate', lr_policy: 'Policy', lr_step: 'Step', lr_steps: 'Steps', lr_gamma: 'Gamma', lr_power: 'Power', lr_decay: 'Decay of the rate',
  subtract_mean: 'Subtract mean', crop: 'Crop', shuffle: 'Order', aug_flip: 'Flip', aug_quad_rot: 'Quarter turns', aug_rot: 'Rotation', aug_scale: 'Scale', aug_noise: 'Noise', aug_hsv_h: 'Hue', aug_hsv_s: 'Saturation', aug_hsv_v: 'Value',
  seed: 'Seed', snapshot_interval: 'Snapshot every', validation_interval: 'Validate every', keep: 'Keep the last', early_stop: 'Stop early after', device: 'Device', weights: 'Begin with weights of',
};

/** What is wrong with fields that stand side by side: each by its name. */
export function together<F extends string>(errors: Partial<Record<F, string>>, fields: readonly F[], labels: Record<F, string>): string {
  return fields.filter((field) => errors[field]).map((field) => `${labels[field]}: ${errors[field]}`).join('; ');
}

/** The numbers that a policy takes, by the names of their fields. */
export const POLICY_FIELDS: Record<string, Field[]> = {
  fixed: [], step: ['lr_step', 'lr_gamma'], multistep: ['lr_steps', 'lr_gamma'], exp: ['lr_gamma'], inv: ['lr_gamma', 'lr_power'],
  poly: ['lr_power'], sigmoid: ['lr_step', 'lr_gamma'], torch_sgd: ['lr_decay'],
};

const text = (value: unknown): string => (value === null || value === undefined ? '' : Array.isArray(value) ? value.map(plain).join(', ') : typeof value === 'number' ? plain(value) : String(value));

/** The form with DIGITS' defaults. */
export function freshForm(defaults: Defaults): ModelForm {
  return formOf({ name: '', dataset: null, text: '', language: 'lua', file: '', options: {}, lr: [], batch_size: [] }, defaults);
}

/** The form that says what `job` says. */
export function formOf(job: NewJob, defaults: Defaults): ModelForm {
  const policy = job.options.lr_policy ?? defaults.run.lr_policy ?? 'step';
  const all: RunOptions = { ...defaults.run, lr_step: null, lr_steps: null, lr_gamma: null, lr_power: null, lr_decay: null, ...defaults.policies[policy] };
  for (const [name, value] of Object.entries(job.options)) if (value !== null && value !== undefined) Object.assign(all, { [name]: value });
  const form = {
    name: job.name, group: job.group ?? '', dataset: job.dataset ?? '', epochs: text(all.epochs), batch_size: text(job.batch_size), solver: all.solver ?? 'sgd', momentum: text(all.momentum), weight_decay: text(all.weight_decay),
    lr: text(job.lr.length ? job.lr : all.lr), lr_policy: policy, lr_step: text(all.lr_step), lr_steps: text(all.lr_steps), lr_gamma: text(all.lr_gamma), lr_power: text(all.lr_power), lr_decay: text(all.lr_decay),
    subtract_mean: all.subtract_mean ?? 'image', crop: text(all.crop), shuffle: all.shuffle ?? 'permutation', aug_flip: all.aug_flip ?? 'none', aug_quad_rot: all.aug_quad_rot ?? 'none',
    aug_rot: zeroless(all.aug_rot), aug_scale: zeroless(all.aug_scale), aug_noise: zeroless(all.aug_noise), aug_hsv_h: zeroless(all.aug_hsv_h), aug_hsv_s: zeroless(all.aug_hsv_s), aug_hsv_v: zeroless(all.aug_hsv_v),
    seed: text(all.seed), snapshot_interval: text(all.snapshot_interval), validation_interval: text(all.validation_interval), keep: text(all.keep), early_stop: text(all.early_stop), device: all.device ?? 'auto', weights: text(all.weights),
  } satisfies ModelForm;
  return form;
}

const zeroless = (value: number | null | undefined) => (value ? plain(value) : '');

/** Changes the policy and puts its defaults into its fields. */
export function withPolicy(form: ModelForm, policy: string, defaults: Defaults): ModelForm {
  const own = defaults.policies[policy] ?? {};
  return { ...form, lr_policy: policy, lr_step: text(own.lr_step), lr_steps: text(own.lr_steps), lr_gamma: text(own.lr_gamma), lr_power: text(own.lr_power), lr_decay: text(own.lr_decay) };
}

/** Numbers between commas or blanks; null when a word is none. */
export function numbers(words: string): number[] | null {
  const list = words.split(/[,\s]+/).filter(Boolean).map(Number);
  return list.every(Number.isFinite) ? list : null;
}

export interface Meaning {
  options: RunOptions;
  lr: number[];
  batch_size: number[];
  /** What is wrong with which field. */
  errors: Partial<Record<Field, string>>;
  /** How many models the lists make. */
  models: number;
}

/** What the form says; `bounds` are the program's, `shape` is that of the dataset's images. */
export function meaning(form: ModelForm, bounds: Partial<Defaults['most']> = {}, shape: readonly number[] | null = null): Meaning {
  const errors: Meaning['errors'] = {};
  const options: RunOptions = {};

  const number = (field: Field, rules: { least?: number; above?: number; most?: number; whole?: boolean }): number | null => {
    const words = form[field].trim();
    if (words === '') return null;
    const value = Number(words);
    if (!Number.isFinite(value)) errors[field] = 'a number, please';
    else if (rules.whole && Math.abs(value) > Number.MAX_SAFE_INTEGER) errors[field] = `at most ${rules.most ?? Number.MAX_SAFE_INTEGER}`;
    else if (rules.whole && !Number.isInteger(value)) errors[field] = 'a whole number, please';
    else if (rules.least !== undefined && value < rules.least) errors[field] = `at least ${rules.least}`;
    else if (rules.above !== undefined && value <= rules.above) errors[field] = `must be above ${rules.above}`;
    else if (rules.most !== undefined && value > rules.most) errors[field] = `at most ${rules.most}`;
    else return value;
    return null;
  };
  const list = (field: Field, fits: (value: number) => boolean, wanted: string): number[] => {
    const values = numbers(form[field]);
    if (values === null || !values.every(fits)) {
      const word = form[field].split(/[,\s]+/).filter(Boolean).find((word) => !Number.isFinite(Number(word)));
      errors[field] = word === undefined ? wanted : `${word.length > 20 ? `${word.slice(0, 20)}…` : word} is no number`;
      return [];
    }
    return [...new Set(values)];
  };

  options.epochs = number('epochs', { least: 1, most: bounds.epochs, whole: true });
  const batch_size = list('batch_size', (n) => Number.isInteger(n) && n >= 1 && n <= (bounds.batch_size ?? n), 'whole numbers from 1, such as 64 or 32, 64');
  options.solver = form.solver;
  options.momentum = number('momentum', { least: 0, most: 1 });
  options.weight_decay = number('weight_decay', { least: 0 });
  const lr = list('lr', (n) => n > 0, 'must be above 0');
  options.lr_policy = form.lr_policy;
  for (const field of POLICY_FIELDS[form.lr_policy] ?? []) {
    if (field === 'lr_steps') {
      const steps = list(field, (n) => n >= 0 && n <= 100, 'percentages such as 50, 85');
      options.lr_steps = steps.length ? steps : null;
    } else if (field === 'lr_step') options.lr_step = number(field, { above: 0, most: 100 });
    else if (field === 'lr_gamma') options.lr_gamma = number(field, { least: 0 });
    else if (field === 'lr_power') options.lr_power = number(field, { least: 0 });
    else if (field === 'lr_decay') options.lr_decay = number(field, { least: 0 });
  }
  options.subtract_mean = form.subtract_mean;
  const smallest = shape ? Math.min(...shape.slice(1)) : Infinity;
  options.crop = number('crop', { least: 1, most: Math.min(bounds.crop ?? Infinity, smallest), whole: true });
  if (errors.crop?.startsWith('at most') && smallest <= (bounds.crop ?? Infinity)) errors.crop += ', as the images are';
  options.shuffle = form.shuffle;
  options.aug_flip = form.aug_flip;
  options.aug_quad_rot = form.aug_quad_rot;
  options.aug_rot = number('aug_rot', { least: 0, most: 180 });
  for (const field of ['aug_scale', 'aug_noise'] as const) options[field] = number(field, { least: 0, most: 1 });
  for (const field of ['aug_hsv_h', 'aug_hsv_s', 'aug_hsv_v'] as const) options[field] = number(field, { least: 0, most: 0.5 });
  options.seed = number('seed', { least: 0, whole: true });
  const interval = form.snapshot_interval.trim();
  if (interval !== '' && !/^\d*\.?\d+m?$/.test(interval)) errors.snapshot_interval = 'epochs such as 1 or 0.5, or minutes such as 10m';
  else options.snapshot_interval = interval || null;
  options.validation_interval = number('validation_interval', { least: 0 });
  options.keep = number('keep', { least: 1, most: bounds.epochs, whole: true });
  options.early_stop = number('early_stop', { least: 1, most: bounds.epochs, whole: true });
  options.device = form.device;
  options.weights = form.weights.trim() || null;
  const models = Math.max(1, lr.length) * Math.max(1, batch_size.length);
  if (bounds.variants && models > bounds.variants) errors[lr.length > 1 ? 'lr' : 'batch_size'] = `a sweep has at most ${bounds.variants} models, this one ${models}`;
  for (const field of ['name', 'group'] as const) if (bounds.name && [...form[field].trim()].length > bounds.name) errors[field] = `a ${field} has at most ${bounds.name} letters`;
  return { options, lr, batch_size, errors, models };
}

/** A name that is not taken: autoencoder, autoencoder-2, … */
export function freeName(wanted: string, taken: ReadonlySet<string>): string {
  const base = wanted.replace(/-\d+$/, '') || 'model';
  for (const name of [wanted, base]) if (name && !taken.has(name)) return name;
  for (let n = 2; ; n++) if (!taken.has(`${base}-${n}`)) return `${base}-${n}`;
}

/** A name that a network's text suggests: of `local autoencoder = nn.Sequential()` its variable, unless that says nothing. */
export function nameIn(text: string): string | null {
  const name = /^[ \t]*(?:local\s+)?(\w+)\s*=\s*nn\.\w+\(/m.exec(text)?.[1];
  return name && !/^(net|network|model|m|seq|mlp|features|branches)$/i.test(name) ? name : null;
}
