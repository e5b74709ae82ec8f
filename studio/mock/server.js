// A server for work on the pages: answers every route of API.md with a made-up world, and serves `dist` with the strict policy.
//
// node mock/server.js [--port 5055] [--still] [--empty] [--many]: --still stops the clock (for screenshots), --empty has no jobs,
// --many has 1,000 jobs, one of them with a million points.

import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { check } from './check.js';
import { dataset, files, recordPicture, records, scan } from './data.js';
import { modules, networks } from './networks.js';
import { digit, encode, named, painted, pet, stripTile, triangle } from './pictures.js';
import { answers, classification, databaseLoss, layerDetail, many, testOne, top } from './tests.js';
import { defaults, lastEpoch, makeDatasets, makeJobs, manyJobs, rateAt, schedule, server, snapshots, summary } from './world.js';

const flag = (name) => process.argv.includes(`--${name}`);
const port = Number(process.argv[process.argv.indexOf('--port') + 1]) || 5055;
const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

let jobs = flag('empty') ? [] : makeJobs();
if (flag('many')) jobs = manyJobs(jobs);
let datasets = flag('empty') ? makeDatasets().filter((set) => set.built_in).map((set) => ({ ...set, status: 'Absent' })) : makeDatasets();
const tests = new Map();
const uploads = new Map();
let next = 1;
const shapes = { mnist: [1, 28, 28], 'mnist-sample': [1, 28, 28], outlines: [1, 128, 128], pets: [3, 227, 227] };

// ── the stream ──────────────────────────────────────────────────────────────────────────────────────────────────
const boot = String(Date.now() % 100000);
let serial = 0;
const kept = [];
const clients = new Set();

function emit(name, body, of = null) {
  serial += 1;
  const event = { serial, name, body, of };
  kept.push(event);
  if (kept.length > 4000) kept.shift();
  for (const client of clients) if (!of || client.job === of) write(client.reply, event);
}

const write = (reply, { serial: at, name, body }) => reply.write(`id: ${boot}-${at}\nevent: ${name}\ndata: ${JSON.stringify(body)}\n\n`);
const changed = (job) => emit('job', summary(job));

function stream(request, reply, query) {
  reply.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  reply.write(': here\n\n');
  const client = { reply, job: query.get('job') };
  const last = request.headers['last-event-id'] ?? query.get('after') ?? '';
  const [known, at] = last.split('-');
  if (last && known !== boot) write(reply, { serial, name: 'reset', body: {} });
  else {
    const from = client.job && query.get('from') ? Number(query.get('from').split('-')[1]) : Infinity;
    for (const event of kept) {
      const behind = event.serial > Number(at ?? serial);
      if (event.of ? event.of === client.job && event.serial > Math.min(from, Number(at ?? 0) || from) && event.serial > from - 1 : behind) write(reply, event);
    }
  }
  clients.add(client);
  request.on('close', () => clients.delete(client));
}

const cursor = () => `${boot}-${serial}`;

// ── the clock: what runs goes on ────────────────────────────────────────────────────────────────────────────────
function tick() {
  for (const job of jobs) {
    if (job.status !== 'Running' || !job.full) continue;
    const now = lastEpoch(job);
    const to = now + 0.25;
    const train = job.full.train.filter(([at]) => at > now && at <= to);
    const validation = job.full.validation.filter(([at]) => at > (job.curve.validation.at(-1)?.[0] ?? -1) && at <= to);
    job.elapsed_seconds += 0.25;
    job.curve = { train: [...job.curve.train, ...train], validation: [...job.curve.validation, ...validation] };
    const time = Date.now() / 1000;
    const events = [
      ...train.map(([epoch, loss]) => ({ event: 'train', epoch, iteration: Math.round(epoch * 704), loss, lr: rateAt(job.settings, job.settings.lr, epoch), images_per_second: 88010, data_wait: 0.009, time })),
      ...validation.map(([epoch, loss]) => ({ event: 'validation', epoch, iteration: Math.round(epoch * 704), loss, time })),
    ].sort((a, b) => a.epoch - b.epoch).map((event) => ({ ...event, seconds: (job.elapsed_seconds * event.epoch) / to }));
    if (events.length) emit('metrics', { job: job.id, events }, job.id);
    const lines = events.map(logLine);
    if (lines.length) emit('log', { job: job.id, first: log(job).length - lines.length, lines }, job.id);
    if (validation.length) emit('detail', { job: job.id, ...detail(job) }, job.id);
    if (lastEpoch(job) >= 29.99) {
      job.status = 'Done';
      job.finished = new Date().toISOString();
      emit('notice', { level: 'ok', text: `${job.name} is done: best loss ${summary(job).best.loss}`, job: job.id });
    }
    changed(job);
  }
  emit('server', server(jobs));
}
if (!flag('still')) setInterval(tick, 500);

// ── one job ─────────────────────────────────────────────────────────────────────────────────────────────────────
const clockOf = (time) => new Date(time * 1000).toTimeString().slice(0, 8);
const logLine = (event) => `${new Date(event.time * 1000).toISOString().slice(0, 10)} ${clockOf(event.time)} [INFO ] ${event.event === 'train' ? `Training (epoch ${event.epoch}): loss = ${event.loss}, lr = ${event.lr}` : `Validation (epoch ${event.epoch}): loss = ${event.loss}`}`;

function log(job) {
  const begin = new Date(job.started ?? job.created).getTime() / 1000;
  const far = Math.max(1, lastEpoch(job));
  const time = (epoch) => begin + (job.elapsed_seconds * epoch) / far;
  const lines = job.curve.train.slice(-3000).map(([epoch, loss]) => ({ event: 'train', epoch, loss: loss ?? 'inf', lr: Number(rateAt(job.settings, job.settings.lr, epoch).toPrecision(6)), time: time(epoch) }));
  const all = [...lines, ...job.curve.validation.map(([epoch, loss]) => ({ event: 'validation', epoch, loss, time: time(epoch) }))].sort((a, b) => a.epoch - b.epoch);
  return all.map(logLine);
}

function detail(job) {
  return {
    snapshots: snapshots(job), next_snapshot_epoch: job.status === 'Running' ? Math.floor(lastEpoch(job)) + 1 : null, memory_bytes: job.memory ?? null, data_wait: job.data_wait ?? null, error: job.errorPage,
    history: [
      { time: job.created, text: job.errorPage && !job.started ? 'created, refused by the check' : 'created, checked: 10 modules' },
      ...(job.started ? [{ time: job.started, text: 'waited for the processor, 0 s' }, { time: job.started, text: 'running, process 31466' }] : []),
      ...(job.finished ? [{ time: job.finished, text: { Done: 'done, all epochs', Aborted: 'its process was killed', Error: `failed: ${job.error}` }[job.status] }] : []),
    ],
  };
}

function whole(job) {
  const options = [job.settings.lr !== 0.01 ? ` --lr ${job.settings.lr}` : '', job.settings.solver !== 'sgd' ? ` --solver ${job.settings.solver}` : '', job.settings.lr_policy !== 'step' ? ` --lr-policy ${job.settings.lr_policy}` : '', job.settings.batch_size ? ` --batch-size ${job.settings.batch_size}` : ''];
  return {
    summary: summary(job), settings: job.settings, program: 'digits-rs 0.1.0', libtorch: '2.11.0+cpu', folder: `/home/ann/digits/jobs/${job.id}`, command: `digits-rs run ${job.network} --dataset ${job.dataset.path} --seed 1${options.join('')}`,
    notes: job.notes, network_text: job.text, printed: check({ text: job.text, dataset: job.dataset.id }, shapes).printed, output: job.output, loss_unit: job.loss_unit, parameters: job.parameters, iterations_per_epoch: job.iterations_per_epoch,
    schedule: schedule(job.settings), ...detail(job), files: [['network.lua', job.text.length], ['job.json', 1873], ['metrics.jsonl', 51230], ['log.txt', 20410], ['loss.png', 48211], ['loss.svg', 30122]].map(([name, bytes]) => ({ name, bytes })), cursor: cursor(),
  };
}

/** As API.md says: of each bucket the first, lowest, highest and last point, with the bucket's mean. */
function thinned(points, buckets, from, to) {
  const inside = points.filter(([at]) => at >= from && at <= to);
  if (inside.length <= 4 * buckets) return [inside, null];
  const kept = [];
  const means = [];
  const span = to - from;
  for (let i = 0; i < inside.length; ) {
    const bucket = Math.floor(((inside[i][0] - from) / span) * buckets);
    let [next, low, high, sum] = [i, i, i, 0];
    for (; next < inside.length && Math.floor(((inside[next][0] - from) / span) * buckets) === bucket; next++) {
      if (inside[next][1] < inside[low][1]) low = next;
      if (inside[next][1] > inside[high][1]) high = next;
      sum += inside[next][1];
    }
    for (const at of [...new Set([i, low, high, next - 1])].sort((a, b) => a - b)) {
      kept.push(inside[at]);
      means.push(sum / (next - i));
    }
    i = next;
  }
  return [kept, means];
}

function metrics(job, query) {
  const { validation } = job.curve;
  const unit = { iteration: job.iterations_per_epoch, seconds: job.elapsed_seconds / Math.max(1, lastEpoch(job)) }[query.get('x')] ?? 1;
  const [from, to] = [Number(query.get('from') ?? 0) / unit, Number(query.get('to') ?? Infinity) / unit];
  const [train, means] = thinned(job.curve.train, Number(query.get('buckets') ?? 4000), from, Math.min(to, lastEpoch(job)));
  const far = Math.max(1, lastEpoch(job));
  const seconds = (epoch) => (job.elapsed_seconds * epoch) / far;
  const column = (list, of) => list.map(of);
  const common = (list) => ({ epoch: column(list, ([at]) => at), iteration: column(list, ([at]) => Math.round(at * job.iterations_per_epoch)), seconds: column(list, ([at]) => seconds(at)), loss: column(list, ([, loss]) => loss) });
  return {
    train: { ...common(train), lr: column(train, ([at]) => rateAt(job.settings, job.settings.lr, at)), images_per_second: column(train, () => job.images_per_second), data_wait: column(train, () => 0.009) },
    validation: { ...common(validation), accuracy: column(validation, ([at]) => job.accuracies?.find(([epoch]) => epoch === at)?.[1] ?? null), accuracy_top5: column(validation, () => null) },
    total: { train: job.curve.train.length, validation: validation.length }, thinned: means !== null, bucket_mean: means, cursor: cursor(),
  };
}

function strip(job) {
  if (job.output !== 'reconstruction' || job.curve.validation.length < 2) return { columns: [], rows: [], size: [28, 28] };
  const epochs = [1, 2, 3, 4, 6, 8, 10, 13, 16, 18, 24, 30].filter((epoch) => epoch <= lastEpoch(job) + 0.01).slice(0, 11);
  const loss = (epoch) => job.curve.validation.find(([at]) => Math.abs(at - epoch) < 0.01)?.[1] ?? null;
  return {
    columns: epochs.map((epoch) => ({ epoch, loss: loss(epoch) })), size: [28, 28],
    rows: [[0, '5'], [1, '2'], [2, '3']].map(([row, label]) => ({ key: `0000000${row}_${label}`, label, input: `/api/strip/0,${row}`, outputs: epochs.map((_, i) => `/api/strip/${Math.min(11, i + 1)},${row}`) })),
  };
}

// ── routes ──────────────────────────────────────────────────────────────────────────────────────────────────────
const refusal = (kind, title, message, help) => ({ error: { kind, title, message, origin: null, module: [], facts: [], causes: [], help, page: `${title}: ${message}\n\n  help: ${help}` } });

class Refused extends Error {
  constructor(status, body) {
    super(body.error.message);
    Object.assign(this, { status, body });
  }
}
const missing = (what) => new Refused(404, refusal('job', 'job error', `there is no ${what}`, 'it may have been deleted'));
const found = (list, id, what) => list.find((one) => one.id === id) ?? (() => { throw missing(`${what} ${id}`); })();

function newJob(form, lr, batch, n) {
  const template = makeJobs()[0];
  const id = n > 1 ? `${form.name}/${[batch ? `b${batch}` : '', `lr${lr}`].filter(Boolean).join('-')}` : form.name;
  const settings = { ...defaults.run, ...form.options, lr, batch_size: batch };
  const running = jobs.some((job) => job.status === 'Running');
  return { ...template, id, name: n > 1 ? `${batch ? `batch ${batch}, ` : ''}rate ${lr}` : form.name, group: n > 1 ? form.name : null, status: running ? 'Waiting' : 'Running', queue: running ? { place: 1, why: 'next on the processor' } : null, created: new Date().toISOString(), started: running ? null : new Date().toISOString(), elapsed_seconds: 0, network: form.file, text: form.text, curve: { train: [], validation: [] }, settings };
}

function tinted(picture, index, options) {
  const angle = ((((index * 37) % 21) - 10) / 10) * (options.aug_rot ?? 0) * (Math.PI / 180);
  const scale = 1 + (((index * 53) % 9) - 4) * 0.25 * (options.aug_scale ?? 0);
  const flip = options.aug_flip !== 'none' && options.aug_flip && index % 2;
  const [c, s, h, w] = [Math.cos(angle), Math.sin(angle), picture.height / 2, picture.width / 2];
  return painted(picture, (_, x, y) => {
    const [u, v] = [((flip ? 2 * w - 1 - x : x) - w + 0.5) * scale, (y - h + 0.5) * scale];
    const [px, py] = [Math.round(c * u - s * v + w - 0.5), Math.round(s * u + c * v + h - 0.5)].map((n) => Math.max(0, Math.min(27, n)));
    const noise = 255 * (options.aug_noise ?? 0) * Math.sin((x * 12.9 + y * 78.2 + index) * 437);
    return [0, 1, 2].map((k) => picture.rgba[(py * picture.width + px) * 4 + k] + noise).concat(255);
  });
}

const url = (picture) => `data:image/png;base64,${encode(picture).toString('base64')}`;

/** Pictures by address, as PNG: drawing them is slow. */
const drawn = new Map();

async function route(method, parts, query, body) {
  const [first, second, third] = parts;
  const key = `${method} ${first}`;
  if (key === 'GET server') return server(jobs);
  if (key === 'GET defaults') return defaults;
  if (key === 'GET networks') return { networks };
  if (key === 'GET modules') return { modules };
  if (key === 'POST login') return undefined;
  if (first === 'jobs') return jobRoute(method, second, third, query, body);
  if (first === 'datasets') return datasetRoute(method, second, third, body);
  if (key === 'GET databases') {
    if (/none|missing/.test(query.get('path') ?? '')) throw new Refused(422, refusal('data', 'data error', `${query.get('path')} holds no LMDB`, 'name the folder with data.mdb'));
    return { path: query.get('path'), records: 7500, shape: [1, 28, 28], encoding: 'png', labels: 'class numbers', bytes: 3456789, made_by: 'DIGITS or Caffe', thumbs: [] };
  }
  if (key === 'GET records' && second && third === 'picture') return { png: recordPicture(Number(second), query) };
  if (key === 'GET records' && second) {
    const one = records(new URLSearchParams([...query, ['first', second], ['count', '1']])).records[0];
    if (!one) throw missing(`record ${second}`);
    return { ...one, bytes: 212, encoding: 'png', shape: query.get('dataset') === 'outlines' ? [1, 128, 128] : [1, 28, 28], source: `train.txt, line ${Number(second) + 1}`, head: Buffer.from('0801101c181c22c70189504e470d0a1a0a0000000d494844520000001c0000001c0800000000576680'.repeat(4), 'hex').toString('base64'), floats: null };
  }
  if (key === 'GET records') return records(query);
  if (key === 'GET strip') return { png: stripTile(...second.split(',').map(Number)) };
  if (key === 'GET pictures' && second === 'mean') return { bytes: named('mean') };
  if (key === 'GET pictures') {
    const index = Number(/(\d+)\.\w+$/.exec(query.get('file') ?? '')?.[1] ?? 0);
    const [w, h] = [Math.min(256, Number(query.get('width'))), Math.min(256, Number(query.get('height')))];
    return { png: pet(index, w, h) };
  }
  if (key === 'POST check') return check(body, shapes);
  if (first === 'preview' && second === 'lr') {
    const settings = { ...defaults.run, ...body.options };
    return { iterations_per_epoch: 704, iterations: 704 * settings.epochs, epochs: settings.epochs, curves: (body.lr.length ? body.lr : [settings.lr]).map((base) => ({ base, points: schedule(settings, base) })) };
  }
  if (first === 'preview') return { input: url(digit(7)), pictures: Array.from({ length: body.count }, (_, i) => url(tinted(digit(7), i + 1, body.options))), size: [28, 28] };
  if (first === 'tests') return testRoute(method, second, parts.slice(2), query, body);
  if (key === 'GET files') return files(query.get('path') ?? '', query.get('kind'));
  if (key === 'POST uploads') {
    const id = `u${next++}`;
    uploads.set(id, body);
    const image = /\.(png|jpe?g|bmp|gif|webp)$/i.test(query.get('name') ?? '');
    return { upload: id, name: query.get('name'), bytes: body.length, picture: image ? `/api/uploads/${id}` : null, width: image ? 28 : null, height: image ? 28 : null };
  }
  if (key === 'GET uploads') return { bytes: uploads.get(second) };
  throw missing('such route');
}

function jobRoute(method, id, what, query, body) {
  if (!id && method === 'GET') return { jobs: jobs.map(summary), cursor: cursor() };
  if (!id) {
    const report = check({ text: body.text, dataset: body.dataset }, shapes);
    if (report.error) throw new Refused(422, { error: report.error });
    const pairs = (body.batch_size.length ? body.batch_size : [null]).flatMap((batch) => (body.lr.length ? body.lr : [0.01]).map((lr) => [lr, batch]));
    const made = pairs.map(([lr, batch]) => newJob(body, lr, batch, pairs.length));
    jobs = [...made, ...jobs.filter((job) => !made.some((one) => one.id === job.id))];
    made.forEach(changed);
    return { jobs: made.map(summary) };
  }
  if (id === 'bulk') {
    const done = [];
    const failed = [];
    for (const one of body.ids) {
      const job = jobs.find((candidate) => candidate.id === one);
      if (!job) continue;
      if (body.action === 'delete' && job.status === 'Running') failed.push({ id: one, error: refusal('job', 'job error', `${job.name} is running`, 'abort it first').error });
      else done.push(one);
      if (body.action === 'group') job.group = body.group;
      if (body.action === 'abort') job.status = 'Aborted';
    }
    if (body.action === 'delete') jobs = jobs.filter((job) => !done.includes(job.id));
    for (const one of done) {
      const job = jobs.find((candidate) => candidate.id === one);
      if (job) changed(job);
      else emit('job_removed', { id: one });
    }
    return { done, failed };
  }
  const job = found(jobs, id, 'job');
  if (method === 'GET' && !what) return whole(job);
  if (method === 'PATCH') Object.assign(job, body);
  else if (method === 'DELETE') {
    jobs = jobs.filter((one) => one !== job);
    emit('job_removed', { id });
    return undefined;
  } else if (what === 'abort') Object.assign(job, { status: 'Aborted', finished: new Date().toISOString() });
  else if (what === 'resume') {
    if (body.epochs) job.settings.epochs = body.epochs;
    Object.assign(job, { status: 'Running', finished: null, full: job.full ?? makeJobs()[0].full });
  } else if (what === 'start') Object.assign(job, { status: 'Running', started: new Date().toISOString(), full: job.full ?? makeJobs()[0].full, queue: null });
  else if (what === 'clone') return { name: `${job.name}-2`, dataset: job.dataset.id, text: job.text, language: 'lua', file: job.network, options: { ...job.settings, dataset: null, lr: null }, lr: [job.settings.lr], batch_size: job.settings.batch_size ? [job.settings.batch_size] : [] };
  else if (what === 'metrics') return metrics(job, query);
  else if (what === 'log') {
    const lines = log(job);
    const tail = Number(query.get('tail') ?? 500);
    const from = query.has('first') ? Number(query.get('first')) : Math.max(0, lines.length - tail);
    return { lines: lines.slice(from, from + tail), first: from, total: lines.length, cursor: `0_${lines.length}` };
  } else if (what === 'strip') return strip(job);
  else if (what === 'files') return { bytes: Buffer.from(log(job).join('\n')), type: 'text/plain; charset=utf-8' };
  else if (what === 'download') return { bytes: Buffer.from('mock'), type: 'application/octet-stream' };
  changed(job);
  return summary(job);
}

function datasetRoute(method, id, what, body) {
  if (!id && method === 'GET') return { datasets, cursor: cursor() };
  if (id === 'scan') return scan(body);
  if (!id) {
    const made = body.kind === 'sample' ? { ...makeDatasets().find((set) => set.built_in), status: 'Done' } : { ...makeDatasets()[1], id: body.name, name: body.name, source: 'from a folder', progress: { stage: 'files', done: 0, total: 2320, eta_seconds: 4 }, train: 0, val: 0, disk_bytes: 0, models: 0, created: new Date().toISOString(), thumbs: [] };
    datasets = [made, ...datasets.filter((set) => set.id !== made.id)];
    emit('dataset', made);
    return made;
  }
  const set = found(datasets, id, 'dataset');
  if (method === 'DELETE') {
    if (set.models) throw new Refused(409, refusal('data', 'data error', `${set.name} is used by ${set.models} models`, 'delete these first'));
    datasets = datasets.filter((one) => one !== set);
    emit('dataset_removed', { id });
    return undefined;
  }
  if (method === 'PATCH') Object.assign(set, body);
  else if (what === 'abort') set.status = 'Aborted';
  else if (what === 'clone') return { ...defaults.folder, name: `${set.name}-2`, folder: '/home/ann/pictures/pets' };
  else if (what === 'files') return { bytes: Buffer.from('mock'), type: 'application/octet-stream' };
  else return dataset(set, jobs);
  emit('dataset', set);
  return set;
}

function testRoute(method, id, rest, query, body) {
  if (!id) {
    const job = found(jobs, body.job, 'job');
    const made = snapshots(job);
    if (!made.length) throw new Refused(409, refusal('job', 'job error', `${job.name} holds no snapshot yet`, 'let it train to the end of its first epoch'));
    const best = made.find((one) => one.best) ?? made.at(-1);
    const name = `t${next++}`;
    const image = body.image;
    const title = body.kind === 'one' ? (image.upload ? (uploads.get(image.upload)?.name ?? '00003.png') : image.record ? `record ${image.record.index}` : image.path) : body.kind === 'many' ? 'a list' : `mnist, ${body.database?.split === 'train' ? 'train' : 'validation'}`;
    const epoch = typeof body.snapshot === 'number' ? body.snapshot : body.snapshot === 'best' ? best.epoch : made.at(-1).epoch;
    const result = { one: () => testOne(name, body, job, shapes), many: () => many(job), database: () => (job.output === 'classes' ? classification() : databaseLoss()), top: () => top(body.count) }[body.kind]();
    const images = result.images ?? 1;
    const test = { id: name, job: job.id, request: body, state: 'done', done: images, total: images, snapshot: { epoch, best: epoch === best.epoch }, title, created: new Date().toISOString(), milliseconds: body.kind === 'one' ? 6 : 1300, result, error: null };
    tests.set(name, test);
    return test;
  }
  const test = tests.get(id);
  if (!test) throw missing(`test ${id}`);
  const [what, second, third] = rest;
  const theme = query.get('theme') === 'dark' ? 'dark' : 'light';
  const colors = query.get('colors') ?? 'diverging';
  if (!what) return test;
  if (what === 'answers') return answers(query);
  if (what === 'layers' && third === 'map') return { bytes: named(query.get('of') === 'activations' ? `a${second}` : 'w3', colors, theme, true) };
  if (what === 'layers' && third === 'values') return { bytes: Buffer.from('0.1,0.2\n'), type: 'text/csv' };
  if (what === 'layers') return layerDetail(id, Number(second), Number(query.get('tiles') ?? 160));
  if (what === 'pictures') {
    if (test.result.view === 'label_image') {
      const on = [23, 119, 207, 255];
      const under = triangle(5, false);
      if (second === 'original') return { png: under };
      if (second === 'normalized') return { png: triangle(5, false, (line) => (line ? [40, 40, 40, 255] : [180, 180, 180, 255])) };
      const mask = triangle(5, true, (inside) => (inside ? on : [238, 241, 245, 255]));
      if (second === 'overlay') return { png: painted(under, ([r, g, b], x, y) => { const p = mask.rgba.subarray((y * 128 + x) * 4); return p[0] === on[0] ? [(r + on[0]) / 2, (g + on[1]) / 2, (b + on[2]) / 2, 255] : [r, g, b, 255]; }) };
      return { png: mask };
    }
    const file = { original: 'original', normalized: 'normalised', output: 'output', restored: 'reconstruction', difference: 'difference' }[second];
    return { bytes: named(file, colors, theme, second === 'difference') };
  }
  return { bytes: Buffer.from('right,answer\n'), type: 'text/csv' };
}

// ── HTTP ────────────────────────────────────────────────────────────────────────────────────────────────────────
const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.json': 'application/json' };

function page(path, reply) {
  const file = join(dist, normalize(path));
  const known = path !== '/' && file.startsWith(dist) && existsSync(file);
  const name = known ? file : join(dist, 'index.html');
  reply.writeHead(200, { 'content-type': types[extname(name)] ?? 'application/octet-stream', 'content-security-policy': POLICY, 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' });
  if (known) createReadStream(name).pipe(reply);
  else reply.end(readFileSync(name));
}

createServer(async (request, reply) => {
  const address = new URL(request.url, 'http://localhost');
  if (!address.pathname.startsWith('/api/')) return page(address.pathname, reply);
  const parts = address.pathname.slice(5).split('/').map(decodeURIComponent);
  if (parts[0] === 'events') return stream(request, reply, address.searchParams);
  try {
    if (drawn.has(request.url)) return void reply.writeHead(200, { 'content-type': 'image/png' }).end(drawn.get(request.url));
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    const raw = Buffer.concat(pieces);
    const body = request.headers['content-type'] === 'application/json' ? JSON.parse(raw.toString() || '{}') : raw;
    const answer = await route(request.method, parts, address.searchParams, body);
    if (answer === undefined) return void reply.writeHead(204).end();
    if (answer.png || answer.bytes instanceof Uint8Array) {
      const bytes = answer.bytes ?? encode(answer.png);
      if (answer.png && !parts[0].startsWith('tests')) drawn.set(request.url, bytes);
      reply.writeHead(200, { 'content-type': answer.type ?? 'image/png', 'cache-control': 'private, max-age=3600' });
      return void reply.end(bytes);
    }
    reply.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(JSON.stringify(answer));
  } catch (thrown) {
    const refused = thrown instanceof Refused ? thrown : new Refused(500, refusal('io', 'mock error', String(thrown.stack), 'mend the mock'));
    reply.writeHead(refused.status, { 'content-type': 'application/json' }).end(JSON.stringify(refused.body));
  }
}).listen(port, '127.0.0.1', () => console.log(`http://127.0.0.1:${port}`));
