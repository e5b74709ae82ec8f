// From the last keystroke to marks and graph: the seed's network in the editor, a size made wrong and right again in a real
// browser, alone and beside a training. Prints a table.
//
// node tools/keystroke.js PROGRAM: a release build with this page in it. Takes half a minute.

import { readFileSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { ask, chromiumPath, serve, stop, until } from './program.js';

const program = resolve(process.argv[2] ?? '../target/release/digits-rs');
const scratch = mkdtempSync(join(tmpdir(), 'studio-keystroke-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
const network = readFileSync(fileURLToPath(new URL('../../networks/autoencoder.lua', import.meta.url)), 'utf8');
const [wanted, times] = [300, 20];
const sorted = (values) => [...values].sort((a, b) => a - b);
const shown = (values) => `${Math.round(sorted(values)[Math.floor(values.length / 2)])} ms (worst ${Math.round(Math.max(...values))})`;

const server = await serve(program, join(scratch, 'data'));
await ask(server.link, '/api/datasets', { kind: 'sample', name: '' });
await until('the sample', async () => (await ask(server.link, '/api/datasets')).datasets[0].status === 'Done');
const browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox', '--disable-gpu', '--disable-extensions'] });
const context = await browser.newContext({ viewport: { width: 1280, height: 720 }, permissions: ['clipboard-read', 'clipboard-write'] });
const page = await context.newPage();

await page.goto(`${server.link}/models/new?dataset=mnist-sample`);
await page.getByRole('tab', { name: 'Custom' }).click();
await page.locator('.cm-content').click();
await page.keyboard.press('Control+a');
await page.evaluate((text) => navigator.clipboard.writeText(text), network);
await page.keyboard.press('Control+v');
await page.getByRole('group', { name: 'Graph, scrolls' }).locator('.node', { hasText: '784 → 300' }).waitFor();
await page.locator('.cm-content').focus();
await page.keyboard.press('Control+Home');
for (let i = network.indexOf('784,300') + 3; i > 0; i--) await page.keyboard.press('ArrowRight');
await page.evaluate(() => addEventListener('keydown', () => (globalThis.typed = performance.now()), true));

/** Makes the last digit of 784 another one; milliseconds until the page has drawn what follows from it. */
async function typed(digit) {
  await page.keyboard.press('Backspace');
  await page.keyboard.press(digit);
  return page.evaluate((isWrong) => new Promise((done) => {
    // The editor has a shadow root of its own.
    const editor = document.querySelector('.edit .host').shadowRoot;
    const look = () => {
      const [mark, node] = [editor.querySelector('.cm-mark'), document.querySelector('.node.err')];
      if (isWrong ? mark && node : !mark && !node) requestAnimationFrame(() => done(performance.now() - globalThis.typed));
      else requestAnimationFrame(look);
    };
    look();
  }), digit !== '4');
}

async function measure() {
  const [wrong, right] = [[], []];
  for (let i = 0; i < times; i++) {
    wrong.push(await typed('3'));
    right.push(await typed('4'));
  }
  return [wrong, right];
}

await typed('3');
await typed('4');
const alone = await measure();
const { jobs } = await ask(server.link, '/api/jobs', { name: 'beside', dataset: 'mnist-sample', text: network, file: 'autoencoder.lua', options: { epochs: 500, device: 'cpu' }, lr: [], batch_size: [] });
await until('the training', async () => (await ask(server.link, `/api/jobs/${jobs[0].id}`)).summary.epoch > 0.5);
const beside = await measure();
const { summary } = await ask(server.link, `/api/jobs/${jobs[0].id}`);
if (summary.status !== 'Running') throw new Error(`the training is ${summary.status}: it was not beside`);
await browser.close();
await ask(server.link, `/api/jobs/${jobs[0].id}/abort`, {});
await until('its end', async () => (await ask(server.link, `/api/jobs/${jobs[0].id}`)).summary.status !== 'Running');
await stop(server);

const rows = [['a size made wrong: mark on its line, node of the graph', 0], ['made right: no mark, the whole graph', 1]];
console.log(`Made by \`node tools/keystroke.js\` on ${cpus().length} processors, ${cpus()[0].model}, load ${loadavg()[0].toFixed(1)}.\n`);
console.log('| from the last keystroke, drawn | alone | beside a training | wanted |\n|---|---|---|---|');
for (const [what, at] of rows) console.log(`| ${what} | ${shown(alone[at])} | ${shown(beside[at])} | < ${wanted} ms |`);
process.exitCode = [...alone, ...beside].some((values) => sorted(values)[Math.floor(values.length / 2)] >= wanted) ? 1 : 0;
