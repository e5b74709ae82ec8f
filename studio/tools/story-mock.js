// The seed's story with mouse, keyboard and clipboard, against the mock with its clock running: from nothing to a tested image,
// the error story, a server that goes away and comes back. Each step fails loudly.
//
// node tools/story.js: builds nothing, `npm run build` first.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
const mock = fileURLToPath(new URL('../mock/server.js', import.meta.url));

function serve(port, ...flags) {
  const child = spawn(process.execPath, [mock, '--port', String(port), ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((resolve) => child.stdout.once('data', () => resolve(child)));
}

const servers = [await serve(5058), await serve(5059, '--empty')];
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-extensions'] });
process.on('exit', () => servers.forEach((child) => child.kill()));
const context = await browser.newContext({ viewport: { width: 1280, height: 720 } });
await context.grantPermissions(['clipboard-read', 'clipboard-write']);
const page = await context.newPage();
const complaints = [];
page.on('console', (message) => message.type() === 'error' && !/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE|ERR_NETWORK|ERR_EMPTY|ERR_CONNECTION_RESET/.test(message.text()) && complaints.push(message.text()));
page.on('pageerror', (error) => complaints.push(String(error)));
page.setDefaultTimeout(20_000);

async function step(name, run) {
  const begin = performance.now();
  try {
    await run();
    console.log(`ok   ${name} (${Math.round(performance.now() - begin)} ms)`);
  } catch (thrown) {
    console.log(`FAIL ${name}: ${thrown.message ?? thrown}`);
    await page.screenshot({ path: '/tmp/studio-story-failed.png' }).catch(() => {});
    process.exitCode = 1;
  }
}

const network = readFileSync(new URL('../../networks/autoencoder.lua', import.meta.url), 'utf8');
const editor = () => page.locator('.cm-content');

await step('two clicks from nothing to a falling curve', async () => {
  await page.goto('http://127.0.0.1:5059/');
  await page.getByRole('button', { name: 'Make the dataset' }).click();
  await page.getByText('ready').first().waitFor();
  await page.getByRole('button', { name: 'Train 30 epochs' }).click();
  await page.getByRole('heading', { name: 'autoencoder', level: 1 }).waitFor();
  await page.locator('.u-over').waitFor();
  const epoch = async () => Number((await page.locator('.stat', { hasText: 'epoch' }).first().locator('dd').innerText()).split(' ')[0]);
  const before = await epoch();
  await page.waitForFunction((was) => Number(document.querySelector('.stat dd')?.textContent.trim().split(' ')[0]) > was + 0.4, before);
  assert.match(await page.title(), /^\d+ % autoencoder/);
});

await step('points come live, none twice, none missing', async () => {
  const lines = async () => (await page.locator('.logtail').innerText()).split('\n').map((line) => /epoch ([\d.]+)/.exec(line)?.[1]).filter(Boolean);
  const first = await lines();
  await page.waitForTimeout(2500);
  const later = await lines();
  assert.ok(later.length > first.length, 'the log grows');
  const train = (await page.locator('.logtail').innerText()).split('\n').filter((line) => line.includes('Training')).map((line) => Number(/epoch ([\d.]+)/.exec(line)[1]));
  assert.deepEqual(train, [...new Set(train)].sort((a, b) => a - b));
});

await step('a dataset from databases: DIGITS’ New Dataset › Images › Other', async () => {
  await page.goto('http://127.0.0.1:5058/datasets/images/generic/new');
  await page.getByLabel('Train images').fill('/home/ann/digits/datasets/mnist/train_db');
  await page.getByLabel('Mean image', { exact: true }).fill('/home/ann/digits/datasets/mnist/mean.binaryproto');
  await page.getByLabel('Name').fill('mnist-generic');
  await page.locator('.db').waitFor();
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('heading', { name: 'mnist-generic', level: 1 }).waitFor();
});

await step('paste a network; 783 for 784 marks its line; ctrl-. mends it; create', async () => {
  await page.goto('http://127.0.0.1:5058/models/images/generic/new');
  await page.getByRole('tab', { name: 'Custom' }).click();
  await editor().click();
  await page.evaluate((text) => navigator.clipboard.writeText(text), network.replace('784,300', '783,300'));
  await page.keyboard.press('Control+V');
  await page.locator('.cm-mark').waitFor();
  assert.match(await page.locator('.cm-wrong').innerText(), /783,300/);
  assert.match(await page.locator('#why').innerText(), /line 4/);
  assert.equal(await page.getByRole('button', { name: /Create/ }).getAttribute('aria-disabled'), 'true');
  const begin = Date.now();
  await page.keyboard.press('Control+.');
  await page.locator('.pill.done').waitFor();
  console.log(`     from the key to the marks: ${Date.now() - begin} ms`);
  assert.equal(await page.locator('.cm-mark').count(), 0);
  await page.getByRole('group', { name: 'Graph, scrolls' }).locator('.node', { hasText: 'Linear 784 → 300' }).click();
  assert.match(await page.locator('footer').first().innerText(), /line 4,/);
  await page.keyboard.press('Control+Enter');
  await page.getByRole('heading', { level: 1 }).filter({ hasText: 'autoencoder' }).waitFor();
});

await step('a sweep of two rates goes to the list', async () => {
  await page.goto('http://127.0.0.1:5058/models/new?network=autoencoder');
  await page.locator('.pill.done').waitFor();
  await page.getByLabel('Learning rate', { exact: true }).fill('0.01 0.05');
  await page.getByText('2 rates make a sweep').waitFor();
  await page.getByRole('button', { name: 'Create 2' }).click();
  await page.locator('.jobs').first().waitFor();
  await page.getByRole('link', { name: 'rate 0.05' }).waitFor();
});

await step('what is typed survives a reload', async () => {
  await page.goto('http://127.0.0.1:5058/models/new');
  await page.getByRole('tab', { name: 'Custom' }).click();
  await editor().click();
  await page.keyboard.type('-- a thought');
  await page.waitForTimeout(200);
  await page.reload();
  assert.match(await editor().innerText(), /a thought/);
  await page.evaluate(() => sessionStorage.clear());
});

await step('test one: upload, then every layer', async () => {
  await page.goto('http://127.0.0.1:5058/models/autoencoder/test');
  await page.getByLabel('Choose an image').setInputFiles({ name: '00003.png', mimeType: 'image/png', buffer: readFileSync(new URL('../mock/fixtures/original.png', import.meta.url)) });
  await page.getByRole('heading', { name: '00003.png' }).waitFor();
  await page.getByText('mean squared error').waitFor();
  assert.equal(await page.locator('.layer:not(.head)').count(), 10);
  await page.locator('.node', { hasText: 'Linear' }).first().click();
  await page.locator('img.map.tiles').waitFor();
  const address = page.url();
  await page.reload();
  await page.getByRole('heading', { name: '00003.png' }).waitFor();
  assert.equal(page.url(), address);
});

await step('keyboard only: filter, walk the rows, open', async () => {
  await page.goto('http://127.0.0.1:5058/');
  await page.locator('.jobs').first().waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('lenet state:done');
  await page.getByText('10 models').waitFor({ state: 'detached', timeout: 100 }).catch(() => {});
  assert.equal(await page.locator('section[aria-labelledby=h-models] .c-name a.name').count(), 1);
  for (let i = 0; i < 30 && !(await page.evaluate(() => document.activeElement?.matches('a.name'))); i++) await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'lenet', level: 1 }).waitFor();
});

await step('the server goes away and comes back: a banner, then everything anew', async () => {
  await page.goto('http://127.0.0.1:5058/models/autoencoder');
  await page.locator('.conn', { hasText: 'live' }).waitFor();
  await page.locator('.u-over').waitFor();
  servers[0].kill('SIGKILL');
  await page.getByText('No connection to the program.').waitFor();
  servers[0] = await serve(5058);
  await page.getByRole('button', { name: 'Try now' }).click();
  await page.locator('.conn', { hasText: 'live' }).waitFor();
  await page.locator('.banner').waitFor({ state: 'detached' });
  await page.waitForFunction(() => document.querySelectorAll('.logtail > div').length > 100);
});

await step('no complaint of the browser', async () => assert.deepEqual(complaints, []));

await browser.close();
