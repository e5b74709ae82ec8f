// How the studio bears numbers: 1,000 jobs listed, a curve of 1,000,000 points opened and scrolled in a browser, 200 event
// streams beside a training, the server's memory; TensorBoard on the same runs and points beside it. Prints a table.
//
// node tools/scale.js PROGRAM [--tensorboard PYTHON] [--epochs N] [--out FILE]: PROGRAM is a release build with this page in it; PYTHON one
// with tensorboard installed. Takes about two minutes and 1 GB of disk; nothing else should run on the machine.

import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { ask, chromiumPath, ended, serve, stop, until } from './program.js';

const option = (name) => (process.argv.includes(`--${name}`) ? process.argv[process.argv.indexOf(`--${name}`) + 1] : null);
const program = resolve(process.argv[2] ?? '../target/release/digits-rs');
const scratch = mkdtempSync(join(tmpdir(), 'studio-scale-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
const [JOBS, POINTS, MANY, STREAMS] = [1000, 300, 1_000_000, 200];
const EPOCHS = Number(option('epochs') ?? 60);
/** How long TensorBoard may read, milliseconds. */
const PATIENCE = 600_000;
const root = join(scratch, 'data');
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const rows = [];
const before = loadavg()[0];
const note = (what, measured, wanted, tensorboard = '') => {
  rows.push([what, measured, wanted, tensorboard]);
  console.log(`${what}: ${measured} (wanted ${wanted})${tensorboard ? `; TensorBoard: ${tensorboard}` : ''}`);
};
const time = async (run) => {
  const begun = performance.now();
  await run();
  return performance.now() - begun;
};
const ms = (value) => `${Math.round(value)} ms`;
/** Processor time of a process so far, seconds; a tick is a hundredth. */
const processorSeconds = (pid) => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
};
const memory = (pid, field = 'VmRSS') => Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
const mib = (value) => `${Math.round(value)} MiB`;
/** A loss curve: falls, with noise that is the same every time. */
const loss = (i, all) => 400 + 4000 * Math.exp((-8 * i) / all) + 30 * Math.sin(i * 12.9898) * Math.cos(i * 78.233);
const line = (i, all, epochs) => `{"event":"train","epoch":${((epochs * i) / all).toFixed(6)},"iteration":${i},"loss":${loss(i, all).toFixed(4)},"lr":0.01,"images_per_second":90000.0,"data_wait":0.01,"time":${(1767225600 + i * 0.01).toFixed(2)}}\n`;

// --- one real job, then a thousand like it -------------------------------------------------------------------------------
const network = readFileSync(fileURLToPath(new URL('../../networks/autoencoder.lua', import.meta.url)), 'utf8');
let server = await serve(program, root);
await ask(server.link, '/api/datasets', { kind: 'sample', name: '' });
await until('the sample', async () => (await ask(server.link, '/api/datasets')).datasets[0].status === 'Done');
const train = async (epochs) => {
  const { jobs } = await ask(server.link, '/api/jobs', { name: 'timed', dataset: 'mnist-sample', text: network, file: 'autoencoder.lua', options: { epochs, device: 'cpu' }, lr: [], batch_size: [] });
  return jobs[0].id;
};
const pattern = await train(1);
await ended(server.link, pattern);
await stop(server);
const record = JSON.parse(readFileSync(join(root, 'jobs', pattern, 'job.json'), 'utf8'));
const first = JSON.parse(readFileSync(join(root, 'jobs', pattern, 'metrics.jsonl'), 'utf8').split('\n')[0]);
const curve = (count) => {
  const parts = [`${JSON.stringify({ ...first, time: 1767225600 })}\n`];
  for (let i = 1; i <= count; i++) parts.push(line(i, count, 30));
  return parts.join('');
};
const short = curve(POINTS);
const name = (i) => `20260101-${String(100000 + i).slice(0, 6)}-${i.toString(16).padStart(4, '0')}`;
const make = (id, text) => {
  const folder = join(root, 'jobs', id);
  mkdirSync(join(folder, 'snapshots'), { recursive: true });
  writeFileSync(join(folder, 'job.json'), JSON.stringify({ ...record, id, status: 'Done', created: new Date(Date.UTC(2026, 0, 1) + 1000 * Number.parseInt(id.slice(-4), 16)).toISOString() }));
  writeFileSync(join(folder, 'metrics.jsonl'), text);
  cpSync(join(root, 'jobs', pattern, 'network.lua'), join(folder, 'network.lua'));
};
for (let i = 0; i < JOBS; i++) make(name(i), short);
const long = '20260201-000000-ffff';
make(long, '');
for (let from = 0; from < MANY; from += 50_000) {
  let part = from === 0 ? `${JSON.stringify({ ...first, time: 1767225600 })}\n` : '';
  for (let i = from + 1; i <= from + 50_000; i++) part += line(i, MANY, 1000);
  appendFileSync(join(root, 'jobs', long, 'metrics.jsonl'), part);
}

// --- TensorBoard on the same -------------------------------------------------------------------------------------------
const python = option('tensorboard');
const board = { list: '', start: '', long: '', memory: '' };
if (python) {
  const folder = join(scratch, 'board');
  execFileSync(python, [fileURLToPath(new URL('./tensorboard_runs.py', import.meta.url)), folder, String(JOBS), String(POINTS), String(MANY)], { stdio: 'inherit' });
  const port = 6123;
  const child = spawn(python, ['-m', 'tensorboard.main', '--logdir', folder, '--port', String(port), '--load_fast', 'false', '--samples_per_plugin', 'scalars=0'], { stdio: 'ignore' });
  process.on('exit', () => child.kill('SIGKILL'));
  const base = `http://127.0.0.1:${port}/data`;
  const reply = async (path) => fetch(base + path).then((answer) => (answer.ok ? answer.json() : null), () => null);
  const begun = performance.now();
  const seconds = () => `${((performance.now() - begun) / 1000).toFixed(0)} s`;
  // It reads while it answers: a question now and then, and an end to the patience.
  const read = async (holds) => {
    while (!(await holds())) {
      if (performance.now() - begun > PATIENCE) return false;
      await new Promise((later) => setTimeout(later, 3000));
    }
    return true;
  };
  const runs = await read(async () => Object.keys((await reply('/plugin/scalars/tags')) ?? {}).length >= JOBS + 1);
  board.start = runs ? `${seconds()} until all runs are listed` : `not all runs are listed after ${seconds()}`;
  let points = 0;
  const all = await read(async () => (points = ((await reply('/plugin/scalars/scalars?run=long&tag=loss')) ?? []).length) >= MANY);
  board.start += all ? `, ${seconds()} until all points are read` : `; ${points} of the ${MANY} points after ${seconds()}`;
  const times = [];
  for (let i = 0; i < 9; i++) times.push(await time(() => reply('/plugin/scalars/tags')));
  board.list = `${ms(median(times))} (tags of all runs, read)`;
  board.long = `${ms(await time(() => reply('/plugin/scalars/scalars?run=long&tag=loss')))} for the points alone`;
  board.memory = mib(memory(child.pid));
  child.kill('SIGKILL');
}

// --- the list ----------------------------------------------------------------------------------------------------------
const starts = [];
for (let i = 0; i < 3; i++) {
  starts.push(await time(async () => (server = await serve(program, root))));
  if (i < 2) await stop(server);
}
const lists = [];
for (let i = 0; i < 15; i++) lists.push(await time(() => ask(server.link, '/api/jobs')));
const { jobs } = await ask(server.link, '/api/jobs');
if (jobs.length < JOBS) throw new Error(`${jobs.length} jobs are listed`);
note(`process start to the list of ${JOBS} jobs being served`, ms(median(starts)), '-', board.start);
note(`${JOBS} jobs listed, after start`, `${ms(median(lists))} (worst ${ms(Math.max(...lists))})`, '< 200 ms', board.list);

// --- the long curve ----------------------------------------------------------------------------------------------------
const cold = await time(() => ask(server.link, `/api/jobs/${long}/metrics`));
const warm = await time(() => ask(server.link, `/api/jobs/${long}/metrics`));
note('1,000,000 points: first reply of the server, and the next', `${ms(cold)}, ${ms(warm)}`, '-', board.long);
const browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox', '--disable-gpu', '--disable-extensions'] });
const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
await page.goto(server.link);
await page.locator('.jobs').first().waitFor();
await stop(server);
server = await serve(program, root, { port: server.port });
const opened = await time(async () => {
  await page.goto(`${server.link}/models/${long}`);
  await page.locator('.u-over').waitFor();
});
note('1,000,000 points: address to drawn curve in Chromium, server just started', ms(opened), '< 1 s');
const box = await page.locator('.u-over').boundingBox();
await page.mouse.move(box.x + box.width / 2, box.y + 60);
await page.mouse.down();
await page.mouse.move(box.x + box.width / 2 + 60, box.y + 60, { steps: 4 });
await page.mouse.up();
await page.waitForTimeout(500);
await page.evaluate(() => {
  globalThis.frames_ = [];
  const tick = (now) => (globalThis.frames_.push(now), requestAnimationFrame(tick));
  requestAnimationFrame(tick);
});
const brush = await page.locator('.brush').boundingBox();
const begun = Date.now();
await page.mouse.move(brush.x + brush.width / 2 + 10, brush.y + brush.height / 2);
await page.mouse.down();
for (let i = 0; Date.now() - begun < 3000; i++) await page.mouse.move(brush.x + brush.width * (0.5 + 0.3 * Math.sin(i / 12)), brush.y + brush.height / 2);
await page.mouse.up();
const gaps = await page.evaluate(() => globalThis.frames_.slice(1).map((now, i) => now - globalThis.frames_[i]).sort((a, b) => a - b));
note('scrolling through it: time between two frames, median and 95th percentile', `${ms(gaps[Math.floor(gaps.length / 2)])}, ${ms(gaps[Math.floor(gaps.length * 0.95)])}`, 'no stutter');
await browser.close();

// --- streams beside a training -----------------------------------------------------------------------------------------
const timed = async (streams) => {
  const open = await Promise.all(Array.from({ length: streams }, () => new Promise((done, failed) => {
    const asked = request(`${server.link}/api/events`, (reply) => (reply.resume(), done(asked)));
    asked.on('error', (error) => (asked.destroyed ? null : failed(error)));
    asked.end();
  })));
  const before = [processorSeconds(server.child.pid), performance.now()];
  const { elapsed_seconds } = await ended(server.link, await train(EPOCHS));
  const used = (processorSeconds(server.child.pid) - before[0]) / ((performance.now() - before[1]) / 1000);
  open.forEach((one) => one.destroy());
  return [elapsed_seconds, used];
};
await timed(0);
const [alone, beside] = [[], []];
for (let i = 0; i < 3; i++) {
  alone.push(await timed(0));
  beside.push(await timed(STREAMS));
}
const seconds = (runs) => median(runs.map(([elapsed]) => elapsed));
const share = (runs) => `${(100 * median(runs.map(([, used]) => used))).toFixed(1)} %`;
const slower = (100 * (seconds(beside) / seconds(alone) - 1)).toFixed(1);
note(`${STREAMS} event streams beside a training of ${EPOCHS} epochs`, `${seconds(alone).toFixed(2)} s alone, ${seconds(beside).toFixed(2)} s with them: ${slower} % slower`, '< 5 %');
note('share of one processor that the server takes meanwhile', `${share(alone)} alone, ${share(beside)} with the streams`, '< 5 %');
note('memory of the server after all of this, and its peak, pages of files included', `${mib(memory(server.child.pid))}, ${mib(memory(server.child.pid, 'VmHWM'))}`, '-', board.memory);
await new Promise((done) => setTimeout(done, 65_000));
note('memory that is its own, a minute later', mib(memory(server.child.pid, 'RssAnon')), '< 100 MiB');
await stop(server);

const table = [`Made by \`node tools/scale.js\` on ${cpus().length} processors, ${cpus()[0].model}, load ${before.toFixed(1)} before it began.`, '', '| | measured | wanted | TensorBoard |', '|---|---|---|---|', ...rows.map((row) => `| ${row.join(' | ')} |`), ''].join('\n');
console.log(`\n${table}`);
if (option('out')) writeFileSync(option('out'), table);
