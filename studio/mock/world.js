// The mock's world: datasets and jobs in every state, with the curves of real runs where there are some.

import { curves } from './pictures.js';
import { broken, networkText } from './networks.js';

const MiB = 2 ** 20;
const start = Date.now();
/** Minutes before the mock began, as RFC 3339. */
const ago = (minutes) => new Date(start - minutes * 60000).toISOString();

const mnist = { id: 'mnist', path: 'datasets/mnist', name: 'mnist' };
const pets = { id: 'pets', path: 'datasets/pets', name: 'pets' };
const outlines = { id: 'outlines', path: 'datasets/outlines', name: 'outlines' };

const usual = {
  subtract_mean: 'image', shuffle: 'permutation', memory: 2048, epochs: 30, seed: 1, validation_interval: 1, snapshot_interval: '1', device: 'auto',
  solver: 'sgd', lr: 0.01, lr_policy: 'step', lr_step: 33, lr_gamma: 0.1, momentum: 0.9, weight_decay: 0.0001, aug_flip: 'none', aug_quad_rot: 'none',
  aug_rot: 0, aug_scale: 0, aug_noise: 0, aug_hsv_h: 0, aug_hsv_s: 0, aug_hsv_v: 0, double: false, autograd: false,
};

export const defaults = {
  most: { name: 100, notes: 20000, variants: 100, epochs: 1000000, batch_size: 1000000, crop: 65535, side: 65535 },
  run: usual,
  policies: {
    fixed: {}, step: { lr_step: 33, lr_gamma: 0.1 }, multistep: { lr_steps: [50, 85], lr_gamma: 0.5 }, exp: { lr_gamma: 0.95 },
    inv: { lr_gamma: 0.1, lr_power: 0.5 }, poly: { lr_power: 3 }, sigmoid: { lr_step: 50, lr_gamma: 0.1 }, torch_sgd: { lr_decay: 0.000001 },
  },
  solvers: [
    { name: 'sgd', title: 'SGD', uses: ['momentum', 'lr'] }, { name: 'nag', title: 'Nesterov', uses: ['momentum', 'lr'] }, { name: 'adagrad', title: 'AdaGrad', uses: ['lr'] },
    { name: 'rmsprop', title: 'RMSprop', uses: ['lr'] }, { name: 'adadelta', title: 'AdaDelta', uses: [] }, { name: 'adam', title: 'Adam', uses: ['lr'] },
  ],
  folder: { kind: 'folder', folder: '', val_folder: null, test_folder: null, val_percent: 25, test_percent: 0, min_per_class: 2, max_per_class: null, width: 256, height: 256, channels: 3, resize: 'squash', encoding: 'png', seed: 0 },
  lists: { kind: 'lists', train: '', train_folder: null, val: null, val_folder: null, test: null, test_folder: null, labels: '', shuffle: true, width: 256, height: 256, channels: 3, resize: 'squash', encoding: 'png', seed: 0 },
  pairs: { kind: 'pairs', feature_folder: '', label_folder: '', val_feature_folder: null, val_label_folder: null, val_percent: 10, labels_are: 'images', class_names: null, color_map_file: null, width: 256, height: 256, channels: 3, resize: 'squash', encoding: 'png', seed: 0 },
};

/** The planned rate at an epoch. */
export function rateAt(settings, base, epoch) {
  const [t, b] = [epoch / settings.epochs, base];
  const gamma = settings.lr_gamma ?? 0.1;
  switch (settings.lr_policy) {
    case 'step': return b * gamma ** Math.floor((100 * t) / (settings.lr_step ?? 33) + 1e-9);
    case 'multistep': return b * gamma ** (settings.lr_steps ?? [50, 85]).filter((p) => 100 * t >= p).length;
    case 'exp': return b * gamma ** (100 * t);
    case 'inv': return b * (1 + gamma * 100 * t) ** -(settings.lr_power ?? 0.5);
    case 'poly': return b * (1 - t) ** (settings.lr_power ?? 3);
    case 'sigmoid': return b / (1 + Math.exp(gamma * (100 * t - (settings.lr_step ?? 50))));
    default: return b;
  }
}

/** The schedule as points, upright steps as two. */
export function schedule(settings, base = settings.lr) {
  const points = [];
  for (let i = 0; i <= 600; i++) {
    const epoch = (settings.epochs * i) / 600;
    const rate = rateAt(settings, base, Math.min(epoch, settings.epochs * 0.9999));
    const last = points.at(-1);
    if (last && Math.abs(rate - last[1]) > 0.3 * last[1]) points.push([epoch, last[1]]);
    if (!last || rate !== last[1] || i === 600) points.push([epoch, rate]);
  }
  return points;
}

/** A falling loss, for runs that never were. */
function invented(epochs, from, to, pace, noise, lines = 8) {
  const random = (i) => ((Math.sin(i * 12.9898) * 43758.5453) % 1 + 1) % 1;
  const at = (epoch) => to + (from - to) * Math.exp(-pace * epoch) + (from - to) * 0.06 / (1 + epoch);
  const train = [];
  for (let i = 0; i <= epochs * lines; i++) train.push([i / lines, at(i / lines) * (1 + noise * (random(i) - 0.5))]);
  const validation = [];
  for (let epoch = 0; epoch <= epochs; epoch++) validation.push([epoch, at(epoch) * (1.03 + noise * 0.4 * (random(epoch + 77) - 0.5))]);
  return { train, validation };
}

function job(id, change) {
  const settings = { ...usual, batch_size: 64, validation_batch_size: 100, dataset: `/home/ann/digits/datasets/${change.dataset?.id ?? 'mnist'}`, ...change.settings };
  return {
    id, name: id, group: null, status: 'Done', killed: false, created: ago(60), started: ago(60), finished: ago(58), elapsed_seconds: 12.2, network: 'autoencoder.lua', language: 'lua', dataset: mnist,
    images_per_second: 88010, accuracy: null, error: null, errorPage: null, device: 'cpu', queue: null, text: networkText('autoencoder'), output: 'reconstruction',
    loss_unit: 'mean squared error, grey levels²', parameters: 501834, iterations_per_epoch: 704, records: 45002, notes: '', bytes_each: 3.83 * MiB, curve: { train: [], validation: [] }, accuracies: null,
    ...change, settings,
  };
}

const upTo = (curve, epoch) => ({ train: curve.train.filter(([at]) => at <= epoch), validation: curve.validation.filter(([at]) => at <= epoch) });
const whole = { train: curves.train, validation: curves.validation };
const run = (name) => ({ train: curves.runs[name].train, validation: [[0, 4381.7], ...curves.runs[name].validation] });
const lenetCurve = invented(30, 2.3, 0.041, 1.5, 0.12);
const accuracies = (curve, best) => curve.validation.map(([epoch], i) => [epoch, i === 0 ? 0.104 : best - 0.046 * Math.exp(-0.42 * epoch)]);

const shape = (message, line, text) => ({
  kind: 'shape', title: 'size mismatch', message, origin: { file: 'pasted.lua', line, text }, module: ['model: nn.Sequential', '(3) nn.Linear(783 -> 300)'],
  facts: [['it was given', '[1, 784]'], ['it wants', '[783] or [n, 783]']], causes: [], help: 'write nn.Linear(784, 300), or let the module before it give 783 values',
  page: `size mismatch: ${message}\n\n  pasted.lua:${line}\n      ${line} | ${text}\n\n  in the network  model: nn.Sequential > (3) nn.Linear(783 -> 300)\n  it was given    [1, 784]\n  it wants        [783] or [n, 783]\n\n  help: write nn.Linear(784, 300), or let the module before it give 783 values`,
});
const infinite = {
  kind: 'numeric', title: 'numeric error', message: 'the training loss is inf at iteration 183', origin: null, module: [],
  facts: [['learning rate', '0.02'], ['solver', 'nag, momentum 0.9'], ['last finite loss', '1.1e35 at iteration 182']], causes: [], help: 'lower the rate (--lr 0.002), or divide the input in the network by 256',
  page: 'numeric error: the training loss is inf at iteration 183\n\n  help: lower the rate (--lr 0.002), or divide the input in the network by 256',
};

export function makeJobs() {
  const lenet = { network: 'lenet-relu.lua', text: networkText('lenet-relu'), output: 'classes', loss_unit: 'negative log-likelihood', parameters: 431080, bytes_each: 3.3 * MiB };
  return [
    job('autoencoder', { status: 'Running', created: ago(2), started: ago(2), finished: null, elapsed_seconds: 7.6, curve: upTo(whole, 18.42), full: whole, memory: 185 * MiB, data_wait: 0.009 }),
    job('lenet-relu', { ...lenet, status: 'Running', created: ago(3), started: ago(3), finished: null, elapsed_seconds: 54, images_per_second: 7190, curve: upTo(lenetCurve, 7.2), accuracies: accuracies(upTo(lenetCurve, 7.2), 0.9895), settings: { batch_size: 16 }, memory: 212 * MiB, data_wait: 0.002, iterations_per_epoch: 2813 }),
    job('alexnet-small', { status: 'Waiting', network: 'alexnet-small.lua', text: networkText('alexnet-small'), dataset: pets, created: ago(5), started: null, finished: null, elapsed_seconds: 0, images_per_second: null, queue: { place: 1, why: 'next on the processor' }, output: 'classes', loss_unit: 'negative log-likelihood', parameters: 2471845 }),
    job('sweep-autoencoder/lr0.02', { name: 'rate 0.02', group: 'sweep-autoencoder', created: ago(25), started: ago(25), finished: ago(24), elapsed_seconds: 42.8, images_per_second: 42264, curve: run('rate 0.02'), settings: { lr: 0.02 } }),
    job('sweep-autoencoder/lr0.02-poly', { name: 'rate 0.02, poly', group: 'sweep-autoencoder', created: ago(24), started: ago(24), finished: ago(23), elapsed_seconds: 31.9, images_per_second: 54915, curve: run('rate 0.02, poly'), settings: { lr: 0.02, lr_policy: 'poly', lr_power: 3, lr_step: null, lr_gamma: null } }),
    job('sweep-autoencoder/adam', { name: 'adam, rate 0.001', group: 'sweep-autoencoder', created: ago(23), started: ago(23), finished: ago(22), elapsed_seconds: 54.7, images_per_second: 30865, curve: run('adam, rate 0.001'), settings: { lr: 0.001, solver: 'adam' } }),
    job('sweep-autoencoder/nesterov', { name: 'nesterov', group: 'sweep-autoencoder', status: 'Error', created: ago(22), started: ago(22), finished: ago(22), elapsed_seconds: 2.6, images_per_second: 17465, curve: { train: [[0, 4373], [0.11, 4.1e4], [0.22, 8.2e12], [0.338, null]], validation: [[0, 4381]] }, settings: { solver: 'nag', lr: 0.02 }, error: 'the training loss is inf at iteration 183: lower the rate', errorPage: infinite }),
    job('20261128-023100-1f3a', { name: 'paste 02:31', status: 'Error', network: 'pasted.lua', text: broken, created: ago(31), started: null, finished: ago(31), elapsed_seconds: 0.2, images_per_second: null, error: 'size mismatch, line 4: Linear(783,300) was given 784', errorPage: shape('the input does not fit the module', 4, 'autoencoder:add(nn.Linear(783,300))') }),
    job('outlines', { status: 'Aborted', killed: true, network: 'binary-segmentation.lua', text: networkText('binary-segmentation'), dataset: outlines, created: ago(2900), started: ago(2900), finished: ago(2828), elapsed_seconds: 4320, images_per_second: 212, curve: upTo(invented(30, 0.31, 0.0309, 0.5, 0.1, 4), 12), output: 'label_image', loss_unit: 'smooth absolute error', parameters: 269345 }),
    job('lenet', { ...lenet, network: 'lenet.lua', text: networkText('lenet'), created: ago(2950), started: ago(2950), finished: ago(2949), elapsed_seconds: 72, images_per_second: 9820, curve: lenetCurve, accuracies: accuracies(lenetCurve, 0.98533) }),
  ];
}

export const lastEpoch = (one) => one.curve.train.at(-1)?.[0] ?? 0;

function bestOf(one) {
  const good = one.curve.validation.filter(([epoch, loss]) => epoch > 0 && loss !== null);
  if (!good.length) return null;
  const [epoch, loss] = good.reduce((a, b) => (b[1] < a[1] ? b : a));
  return { epoch, iteration: Math.round(epoch * one.iterations_per_epoch), loss, file: `snapshots/snapshot_${epoch}.safetensors` };
}

export function snapshots(one) {
  const best = bestOf(one);
  return one.curve.validation.filter(([epoch]) => epoch > 0).map(([epoch, loss]) => ({
    epoch: Math.round(epoch), iteration: Math.round(epoch * one.iterations_per_epoch), loss, accuracy: one.accuracies?.find(([at]) => at === epoch)?.[1] ?? null,
    bytes: Math.round(one.bytes_each), best: best?.epoch === epoch, file: `snapshots/snapshot_${Math.round(epoch)}.safetensors`,
  }));
}

export function summary(one) {
  const epoch = one.status === 'Done' ? one.settings.epochs : lastEpoch(one);
  const source = one.curve.validation.length > 1 ? one.curve.validation : one.curve.train;
  const points = source.filter(([, loss]) => loss !== null);
  const last = (list) => list.filter(([, value]) => value !== null).at(-1)?.[1] ?? null;
  return {
    id: one.id, name: one.name, group: one.group, status: one.status, killed: one.killed, created: one.created, started: one.started, finished: one.finished,
    elapsed_seconds: one.elapsed_seconds, network: one.network, language: one.language, dataset: one.dataset, epoch, epochs: one.settings.epochs,
    iteration: Math.round(epoch * one.iterations_per_epoch), eta_seconds: one.status === 'Running' ? (one.elapsed_seconds / epoch) * (one.settings.epochs - epoch) : null,
    images_per_second: one.images_per_second, train_loss: last(one.curve.train), validation_loss: last(one.curve.validation), best: bestOf(one),
    accuracy: one.accuracies?.at(-1)[1] ?? null, best_accuracy: one.accuracies ? Math.max(...one.accuracies.map(([, value]) => value)) : null,
    spark: { of: one.curve.validation.length > 1 ? 'validation' : 'train', points: points.slice(0, 48) }, device: one.device, queue: one.queue, error: one.error, lr: one.settings.lr,
    batch_size: one.settings.batch_size ?? 64, solver: one.settings.solver, seed: one.settings.seed, snapshots: Math.max(0, one.curve.validation.length - 1), disk_bytes: Math.round(one.bytes_each * one.curve.validation.length),
  };
}

export function makeDatasets() {
  const set = (id, change) => ({
    id, name: id, status: 'Done', kind: 'classification', built_in: false, shape: [1, 28, 28], classes: 10, train: 0, val: 0, test: 0, skipped: 0, disk_bytes: 0, created: ago(30), source: '', models: 0,
    thumbs: Array.from({ length: 6 }, (_, i) => `/api/records/${i}/picture?dataset=${id}&split=train`), progress: null, error: null, ...change,
  });
  return [
    set('mnist', { train: 45002, val: 14998, disk_bytes: 21.25 * MiB, source: 'from idx files', models: 8, created: ago(28) }),
    set('pets', { status: 'Making', shape: [3, 227, 227], classes: 37, train: 4122, val: 1199, skipped: 12, disk_bytes: 388 * MiB, created: ago(2), source: 'from a folder', models: 1, progress: { stage: 'files', done: 5321, total: 7390, eta_seconds: 9 } }),
    set('outlines', { kind: 'pairs', shape: [1, 128, 128], classes: 0, train: 96, val: 32, disk_bytes: 2.2 * MiB, created: ago(3000), source: 'two folders', models: 1, thumbs: [] }),
    set('mnist-sample', { built_in: true, train: 7500, val: 2500, disk_bytes: 1.6 * MiB, created: ago(100000), source: 'built in' }),
  ];
}

export const server = (jobs) => ({
  version: '0.1.0', libtorch: '2.11.0+cpu', root: '/home/ann/digits', per_device: 2, running: jobs.filter((one) => one.status === 'Running').length, waiting: jobs.filter((one) => one.status === 'Waiting').length,
  cores: 2, load: 0.97, memory_used: 1.6 * 2 ** 30, memory_total: 23.5 * 2 ** 30, jobs_bytes: 366 * MiB, datasets_bytes: 46 * MiB, disk_free: 38.2 * 2 ** 30,
  devices: [
    { name: 'cpu', title: 'processor', available: true, why: null, memory_used: null, memory_total: null, load: 0.97, temperature: null },
    { name: 'cuda:0', title: '', available: false, why: 'libtorch is a CPU build', memory_used: null, memory_total: null, load: null, temperature: null },
  ],
});

/** Copies of the jobs to a thousand; the first has a million points. */
export function manyJobs(few) {
  const long = { ...few[3], id: 'million', name: 'million', group: null, curve: { ...few[3].curve, train: Array.from({ length: 1_000_000 }, (_, i) => [(30 * i) / 1e6, 400 + 4000 * Math.exp(-i / 60000) * (1 + 0.1 * Math.sin(i)) + (i === 777777 ? 900 : 0)]) } };
  return [long, ...Array.from({ length: 999 }, (_, i) => ({ ...few[i % few.length], id: `job-${i}`, name: `job ${i}`, full: undefined }))];
}
