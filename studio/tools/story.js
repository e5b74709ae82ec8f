// The seed's story in a real browser against the real program: from an empty folder over a wrong size and its cure to the
// reconstruction; then the same pages on a phone; axe on each; no word from the browser about an error or the policy.
//
// node tools/story.js PROGRAM [--out DIR]: the program must have been built with this page in it.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const program = resolve(process.argv[2] ?? '../target/debug/digits-rs');
const at = process.argv.indexOf('--out');
const scratch = mkdtempSync(join(tmpdir(), 'studio-story-'));
const out = at > 0 ? process.argv[at + 1] : join(scratch, 'shots');
mkdirSync(out, { recursive: true });
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const network = readFileSync(fileURLToPath(new URL('../../networks/autoencoder.lua', import.meta.url)), 'utf8');
const wrong = network.replace('nn.Linear(784,300)', 'nn.Linear(783,300)');
const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
let faults = 0;
const complain = (text) => {
  faults += 1;
  console.log(`FAULT ${text}`);
};

function serve(root, ...flags) {
  const child = spawn(program, ['serve', '--listen', '127.0.0.1:0', '--root', root, ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((done, failed) => {
    child.once('exit', () => failed(new Error('the server ended')));
    child.stdout.once('data', (data) => {
      const link = String(data).match(/http:\/\/\S+/)[0].replace(/\/$/, '');
      done({ child, link });
    });
  });
}

async function until(what, holds, limit = 120_000) {
  const begun = Date.now();
  for (;;) {
    const seen = await holds();
    if (seen) return seen;
    if (Date.now() - begun > limit) throw new Error(`${what} did not come`);
    await new Promise((later) => setTimeout(later, 100));
  }
}

const json = async (link, path, body) => {
  const init = body ? { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) } : {};
  return (await fetch(link + path, init)).json();
};

// Databases that exist already: what a person of DIGITS' days brings along.
const elsewhere = join(scratch, 'elsewhere');
const maker = await serve(elsewhere);
await json(maker.link, '/api/datasets', { kind: 'sample', name: '' });
await until('the sample', async () => (await json(maker.link, '/api/datasets')).datasets[0]?.status === 'Done');
maker.child.kill();
const prebuilt = join(elsewhere, 'datasets/mnist-sample');

const root = join(scratch, 'data');
const { child, link } = await serve(root, '--allow', elsewhere);
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
let shots = 0;

async function look(page, name) {
  await page.waitForTimeout(300);
  shots += 1;
  await page.screenshot({ path: join(out, `${String(shots).padStart(2, '0')}-${name}.png`), fullPage: true });
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  for (const one of violations.filter((one) => ['serious', 'critical'].includes(one.impact))) complain(`${name}: axe ${one.id}: ${one.nodes[0]?.html.slice(0, 120)}`);
}

function open(context) {
  return context.newPage().then((page) => {
    page.on('console', (message) => message.type() === 'error' && !/40[0-9]|422/.test(message.text()) && complain(`console: ${message.text()}`));
    page.on('pageerror', (error) => complain(`page: ${error}`));
    page.on('request', (request) => /^(https?|wss?):\/\/(?!127\.0\.0\.1)/.test(request.url()) && complain(`asks ${request.url()}`));
    return page;
  });
}

async function paste(page, text) {
  await page.locator('.cm-content').click();
  await page.keyboard.press('Control+a');
  await page.evaluate((text) => navigator.clipboard.writeText(text), text);
  await page.keyboard.press('Control+v');
}

try {
  const desktop = await browser.newContext({ viewport: { width: 1440, height: 900 }, permissions: ['clipboard-read', 'clipboard-write'] });
  const page = await open(desktop);
  await page.goto(link);
  await page.locator('.steps').waitFor();
  await look(page, 'empty-home');

  await page.goto(`${link}/datasets/new?from=databases`);
  await page.getByLabel('Train images').fill(join(prebuilt, 'train_db'));
  await page.getByLabel('Validation images').fill(join(prebuilt, 'val_db'));
  await page.getByLabel('Mean image').fill(join(prebuilt, 'mean.binaryproto'));
  await page.getByLabel('Name', { exact: true }).fill('mnist');
  await page.locator('.db').first().waitFor();
  await look(page, 'new-dataset');
  await page.getByRole('button', { name: 'Create' }).click();
  await until('the dataset', async () => (await json(link, '/api/datasets')).datasets.some((one) => one.id === 'mnist' && one.status === 'Done'));
  await page.goto(`${link}/datasets/mnist`);
  await page.locator('main#main h1').waitFor();
  await look(page, 'dataset');

  await page.goto(`${link}/models/new?dataset=mnist`);
  await page.locator('#dataset').selectOption('mnist');
  await page.getByLabel('Epochs').fill('3');
  await page.getByRole('tab', { name: 'Custom' }).click();
  await paste(page, wrong);
  const begun = Date.now();
  await page.locator('.cm-mark').waitFor();
  console.log(`marks ${Date.now() - begun} ms after the paste`);
  await look(page, 'new-model-wrong');
  const { ok } = await json(link, '/api/check', { text: wrong, language: 'lua', file: 'network.lua', dataset: 'mnist' });
  if (ok !== false) complain('783 for 784 passes the check');
  await page.locator('.cm-mark button').click();
  await page.locator('.pill.done').waitFor();
  await look(page, 'new-model-mended');
  await page.getByLabel('Name', { exact: true }).fill('autoencoder');
  await page.getByRole('button', { name: /^Create/ }).click();
  await page.waitForURL(/\/models\/\d{8}-/);
  const id = page.url().split('/').pop();
  await until('the end of the training', async () => (await json(link, `/api/jobs/${id}`)).summary.status === 'Done', 300_000);
  await page.locator('.u-over').waitFor();
  await page.waitForTimeout(800);
  await look(page, 'job');
  const lines = readFileSync(join(root, 'jobs', id, 'metrics.jsonl'), 'utf8').trim().split('\n');
  const loss = (line) => JSON.parse(line).loss;
  const losses = lines.filter((line) => line.includes('"validation"')).map(loss);
  if (!(losses.at(-1) < losses[0])) complain(`the loss does not fall: ${losses}`);

  await page.goto(`${link}/models/${id}/test?record=mnist:val:3`);
  await page.locator('img[src*="pictures/restored"]').waitFor();
  await page.waitForFunction(() => [...document.images].every((image) => image.complete && image.naturalWidth > 0));
  await page.locator('.code-bars').waitFor();
  await look(page, 'test-one');
  await page.goto(link);
  await page.locator('.jobs').waitFor();
  await look(page, 'home');

  const phone = await browser.newContext({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2, colorScheme: 'dark' });
  const small = await open(phone);
  for (const [name, path] of [['home', '/'], ['job', `/models/${id}`], ['test', `/models/${id}/test?record=mnist:val:3`], ['dataset', '/datasets/mnist'], ['new-model', '/models/new']]) {
    await small.goto(link + path);
    await small.locator('main#main').waitFor();
    await small.waitForTimeout(700);
    const wide = await small.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (wide > 0) complain(`${name} is ${wide} px wider than a phone`);
    await look(small, `phone-${name}`);
  }

  // By keyboard alone: the link of the first model, then its test.
  await page.goto(link);
  await page.locator('.jobs').waitFor();
  const link_of = page.getByRole('link', { name: 'autoencoder', exact: true }).first();
  await until('the model by the Tab key', async () => {
    await page.keyboard.press('Tab');
    return link_of.evaluate((element) => element === document.activeElement);
  }, 15_000);
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/models\//);
} catch (thrown) {
  complain(String(thrown));
  for (const context of browser.contexts()) for (const page of context.pages()) await page.screenshot({ path: join(out, `failed-${shots++}.png`) }).catch(() => {});
} finally {
  await browser.close();
  child.removeAllListeners('exit');
  child.kill();
}
console.log(faults ? `${faults} faults; pictures in ${out}` : `the story is told; ${readdirSync(out).length} pictures${at > 0 ? ` in ${out}` : ''}`);
if (!faults && at < 0) rmSync(scratch, { recursive: true, force: true });
process.exitCode = faults ? 1 : 0;
