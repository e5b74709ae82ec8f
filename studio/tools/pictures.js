// The README's four pictures of the studio, from networks that have learned: full MNIST, 30 epochs of the autoencoder, a
// classifier, a folder of digits.
//
// node tools/pictures.js PROGRAM MNIST [--out DIR] [--page DIR]: PROGRAM is a release build with this page in it, MNIST the dataset folder
// that `make dataset` leaves, DIR by default src/docs/pictures.

import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { ask, chromiumPath, ended, pageFrom, scanFolder, serve, stop, until } from './program.js';

const [program, mnist] = [resolve(process.argv[2]), resolve(process.argv[3])];
const at = process.argv.indexOf('--out');
const out = at > 0 ? process.argv[at + 1] : fileURLToPath(new URL('../../src/docs/pictures', import.meta.url));
const file = (name) => readFileSync(fileURLToPath(new URL(`../../networks/${name}`, import.meta.url)), 'utf8');
const root = join(tmpdir(), 'digits');
rmSync(root, { recursive: true, force: true });
mkdirSync(join(root, 'datasets'), { recursive: true });
cpSync(mnist, join(root, 'datasets/mnist'), { recursive: true });
const server = await serve(program, root);
const { link } = server;
const job = async (name, network, options) => {
  const { jobs } = await ask(link, '/api/jobs', { name, dataset: 'mnist', text: file(network), file: network, options: { device: 'cpu', threads: 1, seed: 1, ...options }, lr: [], batch_size: [] });
  const { status } = await ended(link, jobs[0].id, 1_200_000);
  if (status !== 'Done') throw new Error(`${name} is ${status}`);
  return jobs[0].id;
};
const digits = join(root, 'pictures/digits');
const { records } = await ask(link, '/api/records?dataset=mnist&split=val&count=400');
const names = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];
for (const { index, label, picture } of records) {
  mkdirSync(join(digits, names[label]), { recursive: true });
  writeFileSync(join(digits, names[label], `${index}.png`), Buffer.from(await (await fetch(link + picture)).arrayBuffer()));
}
mkdirSync(join(digits, 'ten'));
cpSync(join(mnist, 'mean.png'), join(digits, 'ten/alone.png'));

const browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox', '--disable-gpu', '--disable-extensions'] });
const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: 'reduce' });
await pageFrom(context, link);
const page = await context.newPage();
page.setDefaultTimeout(120_000);
const take = async (name) => {
  await page.waitForFunction(() => [...document.images].every((image) => image.complete && image.naturalWidth > 0));
  await page.evaluate(() => (document.activeElement?.blur(), scrollTo(0, 0)));
  await page.waitForTimeout(800);
  await page.screenshot({ path: join(out, `studio-${name}.png`) });
  console.log(`studio-${name}.png`);
};

const autoencoder = await job('autoencoder', 'autoencoder.lua', { epochs: 30 });
await page.goto(`${link}/models/${autoencoder}`);
await page.locator('.u-over').waitFor();
await until('the strip', async () => (await page.locator('.evolve img').count()) >= 3 * 9);
await take('job');

await page.goto(`${link}/models/new?dataset=mnist`);
await page.getByRole('button', { name: /^Autoencoder/ }).first().click();
await page.locator('.code .pill.done').waitFor();
await page.waitForTimeout(800);
await take('editor');

await scanFolder(page, link, 'pictures/digits');
await page.waitForTimeout(1500);
await take('dataset');

const lenet = await job('lenet', 'lenet-plain.lua', { epochs: 3 });
await page.goto(`${link}/models/${lenet}/test?kind=database`);
await page.getByRole('button', { name: 'Test', exact: true }).click();
await page.locator('.matrix').waitFor();
await page.waitForTimeout(800);
await take('database');

await browser.close();
await stop(server);
rmSync(root, { recursive: true, force: true });
