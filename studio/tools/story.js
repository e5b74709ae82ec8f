// The studio's story in a real browser against the real program: an empty folder, two clicks to a falling curve, a server
// killed in mid-training; then the seed's way: databases that exist, a pasted network with a wrong size, its cure, training,
// an uploaded image, every layer, the reconstruction; a classifier, a sweep, a comparison; keyboard alone. Each page is
// photographed light and dark, on a small desktop and a phone, and axe finds nothing serious on any.
//
// node tools/story.js PROGRAM [--out DIR] [--unoptimised]: the program must have been built with this page in it. An
// unoptimised build trains by its own kernels at a hundredth of their speed: --unoptimised asks for libtorch's in each job that
// is made, and for 3 epochs where the page would ask for 30. --page DIR takes the page from there, for work on it.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { ask, chromiumPath, ended, pageFrom, scanFolder, serve, stop, until } from './program.js';

const program = resolve(process.argv[2] ?? '../target/debug/digits-rs');
const at = process.argv.indexOf('--out');
const scratch = mkdtempSync(join(tmpdir(), 'studio-story-'));
const out = at > 0 ? process.argv[at + 1] : join(scratch, 'shots');
mkdirSync(out, { recursive: true });
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const network = readFileSync(fileURLToPath(new URL('../../networks/autoencoder.lua', import.meta.url)), 'utf8');
const sizes = { desktop: { width: 1280, height: 720 }, phone: { width: 390, height: 844 } };
/** The narrowest phones: they are measured, not photographed. */
const narrow = [{ width: 360, height: 740 }, { width: 320, height: 640 }];
let [faults, shots] = [0, 0];
const complain = (text) => {
  faults += 1;
  console.log(`FAULT ${text}`);
};

const root = join(scratch, 'data');
let server = await serve(program, root);
const { link, port } = server;
const get = (path, body, method) => ask(link, path, body, method);
const browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox', '--disable-gpu', '--disable-extensions'] });
const context = await browser.newContext({ viewport: sizes.desktop, permissions: ['clipboard-read', 'clipboard-write'], reducedMotion: 'reduce' });
const page = await context.newPage();
page.setDefaultTimeout(60_000);
let serverIsGone = false;
page.on('console', (message) => message.type() === 'error' && !serverIsGone && !/status of 4\d\d/.test(message.text()) && complain(`console: ${message.text()}`));
page.on('pageerror', (error) => complain(`page: ${error}`));
page.on('request', (request) => /^(https?|wss?):\/\/(?!127\.0\.0\.1)/.test(request.url()) && complain(`asks ${request.url()}`));

const unoptimised = process.argv.includes('--unoptimised');
const epochs = unoptimised ? 3 : 30;
if (unoptimised) {
  await context.route('**/api/jobs', (route) => {
    const asked = route.request().postDataJSON();
    return asked?.text ? route.continue({ postData: JSON.stringify({ ...asked, options: { epochs, ...asked.options, autograd: true } }) }) : route.continue();
  });
}

await pageFrom(context, link);

const settled = () => page.waitForFunction(() => [...document.images].every((image) => image.complete && image.naturalWidth > 0), null, { timeout: 20_000 });

/** Photographs a state four times; axe looks at each, and nothing is wider than the window. */
async function look(name) {
  await page.evaluate(() => document.querySelectorAll('img[loading=lazy]').forEach((image) => (image.loading = 'eager')));
  await settled().catch(() => complain(`${name}: a picture is missing`));
  await page.evaluate(axe);
  shots += 1;
  for (const [size, window] of Object.entries(sizes)) {
    await page.setViewportSize(window);
    // The editor measures its lines anew only where it can be seen.
    await page.evaluate(() => [...document.querySelectorAll('*')].find((one) => one.shadowRoot)?.scrollIntoView());
    await page.waitForTimeout(300);
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      await page.evaluate(() => scrollTo(0, 0));
      await page.waitForTimeout(120);
      await page.screenshot({ path: join(out, `${String(shots).padStart(2, '0')}-${name}-${size}-${colorScheme}.png`), fullPage: true });
      const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
      const grave = violations.filter((one) => ['serious', 'critical'].includes(one.impact));
      for (const one of grave) complain(`${name}, ${size}, ${colorScheme}: axe ${one.id}: ${one.nodes[0]?.target} ${one.nodes[0]?.html.slice(0, 160)} ${one.nodes[0]?.any[0]?.message ?? ''}`);
    }
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (wide > 0) complain(`${name} is ${wide} px wider than the window, ${size}`);
  }
  for (const window of narrow) {
    await page.setViewportSize(window);
    await page.waitForTimeout(150);
    const over = await page.evaluate(() => {
      const links = [...document.querySelectorAll('header.top a, header.top button, header.top .conn')].filter((one) => one.getClientRects().length);
      const boxes = links.map((one) => one.getBoundingClientRect());
      const overlaps = boxes.some((box, i) => boxes.some((other, k) => k > i && box.right > other.left + 0.5 && other.right > box.left + 0.5 && box.bottom > other.top + 0.5 && other.bottom > box.top + 0.5));
      return { wide: document.documentElement.scrollWidth - document.documentElement.clientWidth, overlaps: overlaps || boxes.some((box) => box.right > innerWidth) };
    });
    if (over.wide > 0) complain(`${name} is ${over.wide} px wider than a window of ${window.width} px`);
    if (over.overlaps) complain(`${name}: the header breaks at ${window.width} px`);
  }
  await page.setViewportSize(sizes.desktop);
  await page.emulateMedia({ colorScheme: 'light' });
}

async function step(name, run) {
  const begun = Date.now();
  try {
    await run();
    console.log(`ok   ${name} (${((Date.now() - begun) / 1000).toFixed(1)} s)`);
  } catch (thrown) {
    complain(`${name}: ${thrown.message ?? thrown}`);
    await page.screenshot({ path: join(out, `failed-${shots}.png`) }).catch(() => {});
  }
}

async function paste(text) {
  await page.getByRole('tab', { name: 'Custom' }).click();
  await page.locator('.cm-content').click();
  await page.keyboard.press('Control+a');
  await page.evaluate((text) => navigator.clipboard.writeText(text), text);
  await page.keyboard.press('Control+v');
}
const path = (label) => page.getByRole('combobox', { name: label, exact: true });
const heading = (name) => page.getByRole('heading', { name, level: 1 }).waitFor();
const idOfPage = () => decodeURIComponent(new URL(page.url()).pathname.split('/')[2]);
const lines = (id) => readFileSync(join(root, 'jobs', id, 'metrics.jsonl'), 'utf8').trim().split('\n').map((line) => JSON.parse(line));

/** Tab until an element has the focus, as a person without a mouse does. */
async function tabTo(locator, what) {
  for (let i = 0; i < 80; i++) {
    if (await locator.evaluate((element) => element === document.activeElement).catch(() => false)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`the Tab key does not reach ${what}`);
}

async function story() {
  let first;
  await step('two clicks from an empty folder to a falling curve', async () => {
    await page.goto(link);
    await page.locator('.steps').waitFor();
    await look('home-empty');
    await page.getByRole('button', { name: 'Make the dataset' }).click();
    await page.getByText('ready').first().waitFor();
    await page.getByRole('button', { name: 'Train 30 epochs' }).click();
    await heading('autoencoder');
    await page.locator('.u-over').waitFor();
    first = idOfPage();
    await page.waitForFunction(() => /^\d+ % /.test(document.title));
  });

  await step('a server killed in mid-training: a banner, the training goes on, the page catches up without a gap', async () => {
    await until('steps', async () => (await get(`/api/jobs/${first}`)).summary.epoch > 0.3);
    serverIsGone = true;
    await stop(server, 'SIGKILL');
    await page.getByText('No connection to the program.').waitFor();
    // What asks the program says why it cannot; what the page can do alone stays.
    const idle = page.locator('.actions').getByRole('button', { name: /^(Abort|Continue…)$/ });
    assert.equal(await idle.getAttribute('aria-disabled'), 'true');
    assert.equal(await idle.getAttribute('title'), 'the program does not answer');
    await page.locator('.actions').getByRole('button', { name: 'Download' }).click();
    assert.equal(await page.getByRole('menuitem', { name: /^Whole job/ }).getAttribute('aria-disabled'), 'true');
    await page.keyboard.press('Escape');
    assert.equal(await page.getByRole('button', { name: 'Copy command' }).getAttribute('aria-disabled'), null);
    await page.locator('.notes').fill('typed while it was away');
    await page.locator('.notes').blur();
    await page.getByText('Not saved yet').waitFor();
    await look('job-offline');
    const before = lines(first).length;
    await until('more steps without a server', async () => lines(first).length > before || lines(first).at(-1).event === 'end', 60_000);
    server = await serve(program, root, { port });
    const { summary } = await get(`/api/jobs/${first}`);
    assert.ok(['Running', 'Done'].includes(summary.status), `the job is ${summary.status}`);
    await page.getByRole('button', { name: 'Try now' }).click({ timeout: 3000 }).catch(() => {}); // it may have come back by itself
    await page.locator('.conn', { hasText: 'live' }).waitFor();
    serverIsGone = false;
    await until('the notes', async () => (await get(`/api/jobs/${first}`)).notes === 'typed while it was away', 10_000);
    await page.getByText('Not saved yet').waitFor({ state: 'detached' });
    assert.equal((await ended(link, first)).status, 'Done');
    await page.locator('.title .pill.done').waitFor();
    const losses = lines(first).filter((line) => line.event === 'validation').map((line) => line.loss);
    assert.ok([epochs, epochs + 1].includes(losses.length), `${losses.length} validations`);
    assert.ok(losses.at(-1) < losses[0], `the loss falls from ${losses[0]} to ${losses.at(-1)}`);
    const known = await get(`/api/jobs/${first}/metrics`);
    assert.equal(known.train.loss.length, lines(first).filter((line) => line.event === 'train').length);
    const shown = await page.locator('.stats .stat').first().locator('dd').innerText();
    assert.equal(Number.parseInt(shown), epochs);
  });

  await step('the job page: strip, snapshots, log, settings', async () => {
    await until('the strip', async () => (await page.locator('.evolve img').count()) >= 3 * (Math.min(epochs, 6) + 1), 60_000);
    assert.match(await page.locator('.facts', { hasText: 'solver' }).first().innerText(), /sgd/i);
    const marked = page.locator('li.best').first();
    await until('the mark of the best snapshot', async () => {
      const { summary } = await get(`/api/jobs/${first}`);
      return new RegExp(`^epoch ${summary.best.epoch}\\b`).test(await marked.innerText());
    }, 3_000);
    await look('job');
  });

  await step('a clone keeps what was changed over Reload and Back, and begins anew when asked to', async () => {
    const typed = page.getByLabel('Epochs', { exact: true });
    await page.locator('.actions').getByRole('link', { name: 'Clone' }).click();
    await page.locator('.code .pill.done').waitFor();
    assert.equal(await typed.inputValue(), String(epochs));
    assert.equal(await page.getByRole('button', { name: 'Start over' }).count(), 0);
    await typed.fill('7');
    await page.reload();
    await page.getByText('What you had changed here is back.').waitFor();
    assert.equal(await typed.inputValue(), '7');
    await page.goBack();
    await heading('autoencoder');
    await page.goForward();
    await page.getByText('What you had changed here is back.').waitFor();
    assert.equal(await typed.inputValue(), '7');
    await look('new-model-back');
    await page.getByRole('button', { name: 'Start over' }).click();
    await until('the form of the job', async () => (await typed.inputValue()) === String(epochs), 5000);
  });

  await step('New dataset › Images › Other: databases and a mean file, checked as they are typed', async () => {
    await page.goto(`${link}/datasets/images/generic/new`);
    const prebuilt = join(root, 'datasets/mnist-sample');
    await path('Train images').fill(join(prebuilt, 'train_dbx'));
    await page.getByText('there is nothing at').first().waitFor();
    await path('Train images').fill(join(prebuilt, 'train_db'));
    await path('Validation images').fill(join(prebuilt, 'val_db'));
    await path('Mean image').fill(join(prebuilt, 'mean.binaryproto'));
    await page.getByLabel('Name', { exact: true }).fill('mnist');
    await page.locator('.db').nth(1).waitFor();
    await look('new-dataset-databases');
    await page.getByRole('button', { name: 'Create' }).click();
    await heading('mnist');
    await page.locator('.title .pill.done').waitFor();
    await page.locator('#explore .cell img').first().waitFor();
    await look('dataset');
  });

  let seed;
  await step('the error story: 783 for 784 is marked on line 4, mended by its button, then trained', async () => {
    await page.goto(`${link}/models/images/generic/new?dataset=mnist`);
    await page.getByLabel('Epochs', { exact: true }).fill('2');
    await paste(network.replace('nn.Linear(784,300)', 'nn.Linear(783,300)'));
    await page.locator('.cm-mark').waitFor();
    assert.match(await page.locator('.cm-wrong').innerText(), /783,300/);
    assert.match(await page.locator('#why').innerText(), /line 4/);
    assert.equal(await page.getByRole('button', { name: /^Create/ }).getAttribute('aria-disabled'), 'true');
    await look('new-model-wrong');
    await page.locator('.cm-mark button').click();
    await page.locator('.code .pill.done').waitFor();
    assert.equal(await page.locator('.cm-mark').count(), 0);
    const { milliseconds } = await get('/api/check', { text: network, language: 'lua', file: 'network.lua', dataset: 'mnist' });
    console.log(`     checked in ${milliseconds} ms`);
    await page.getByRole('group', { name: 'Graph, scrolls' }).locator('.node', { hasText: '784 → 300' }).click();
    assert.match(await page.locator('.code footer').innerText(), /line 4,/);
    await look('new-model');
    await page.getByRole('button', { name: /^Create/ }).click();
    await page.waitForURL(/\/models\/\d{8}-/);
    seed = idOfPage();
    assert.equal((await ended(link, seed)).status, 'Done');
  });

  await step('Test One: an uploaded image, normalised input, every layer, the code, the reconstruction', async () => {
    const digit = Buffer.from(await (await fetch(`${link}/api/records/3/picture?dataset=mnist&split=val`)).arrayBuffer());
    await page.goto(`${link}/models/${seed}/test`);
    await page.getByText('Nothing tested yet').waitFor();
    await look('test-begin');
    await page.getByLabel('Choose an image').setInputFiles({ name: 'digit.png', mimeType: 'image/png', buffer: digit });
    await heading('digit.png');
    await page.locator('img[src*="pictures/restored"]').waitFor();
    await page.locator('img[src*="pictures/normalized"]').waitFor();
    await page.locator('.code-bars').waitFor();
    assert.equal(await page.locator('.layer:not(.head)').count(), 10);
    await page.locator('.node', { hasText: 'Linear' }).first().click();
    await page.locator('img.map.tiles').first().waitFor();
    await look('test-one');
    const address = page.url();
    await page.reload();
    await heading('digit.png');
    assert.equal(page.url(), address);
  });

  await step('a whole database: the mean loss, its spread, the worst images', async () => {
    await page.goto(`${link}/models/${seed}/test?kind=database`);
    await page.getByRole('button', { name: 'Test', exact: true }).click();
    await page.getByRole('heading', { name: 'Loss of single images' }).waitFor();
    await look('test-loss');
  });

  await step('an answer that a page cannot draw leaves the bar and the way to other pages', async () => {
    await context.route('**/api/tests/*', async (route) => {
      const response = await route.fetch();
      const test = await response.json();
      return route.fulfill({ response, json: { ...test, result: { ...test.result, kind: 'classification', labels: null, classes: null } } });
    });
    await page.reload();
    await page.getByRole('heading', { name: /^this page: / }).waitFor();
    await context.unroute('**/api/tests/*');
    await page.locator('.top').getByRole('link', { name: 'Datasets' }).click();
    await page.getByRole('heading', { name: 'Datasets' }).first().waitFor();
    assert.equal(await page.getByText(/^this page: /).count(), 0);
  });

  let pets;
  await step('a dataset from a folder, scanned while it is typed', async () => {
    const folder = join(root, 'pictures');
    const { records } = await get('/api/records?dataset=mnist-sample&split=train&count=300');
    for (const record of records) {
      const name = { 3: 'three', 5: 'five', 8: 'eight' }[record.label];
      if (!name) continue;
      mkdirSync(join(folder, name), { recursive: true });
      writeFileSync(join(folder, name, `${record.index}.png`), Buffer.from(await (await fetch(link + record.picture)).arrayBuffer()));
    }
    mkdirSync(join(folder, 'one'));
    writeFileSync(join(folder, 'one', 'alone.png'), readFileSync(join(root, 'datasets/mnist-sample/mean.png')));
    writeFileSync(join(folder, 'three', 'broken.png'), 'no picture');
    await scanFolder(page, link, folder);
    await page.waitForTimeout(500);
    await look('new-dataset-folder');
    await page.getByRole('button', { name: 'Create' }).click();
    await heading('pictures');
    await page.locator('.title .pill.done').waitFor();
    await page.getByRole('heading', { name: /^Left out/ }).waitFor();
    await page.getByRole('button', { name: /^five.*show only/ }).click();
    await page.locator('#explore .cell img').first().click();
    await page.locator('.record').first().waitFor();
    await look('dataset-classes');
    pets = 'pictures';
  });

  await step('class names as long as a folder may have widen no page', async () => {
    for (const letter of ['M', 'W']) {
      const folder = join(root, 'long', letter.repeat(200));
      mkdirSync(folder, { recursive: true });
      readdirSync(join(root, 'pictures', 'five')).slice(0, 4).forEach((name) => writeFileSync(join(folder, name), readFileSync(join(root, 'pictures', 'five', name))));
    }
    const { id } = await get('/api/datasets', { kind: 'folder', name: 'long', folder: 'long', width: 28, height: 28, channels: 1 });
    await page.goto(`${link}/datasets/${id}`);
    await page.getByTitle('M'.repeat(200), { exact: true }).first().waitFor();
    for (const window of [sizes.desktop, ...narrow]) {
      await page.setViewportSize(window);
      await page.waitForTimeout(150);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (wide > 0) complain(`long names of classes make a page ${wide} px wider than a window of ${window.width} px`);
    }
    await page.setViewportSize(sizes.desktop);
    await get(`/api/datasets/${id}`, undefined, 'DELETE');
  });

  let lenet;
  await step('a sweep of a standard network; confusion matrix, click-through, Top N', async () => {
    await page.goto(`${link}/models/new?dataset=${pets}`);
    await page.getByRole('button', { name: /^LeNet classification|^LeNet/ }).first().click();
    await page.locator('.code .pill.done').waitFor();
    await page.getByLabel('Epochs', { exact: true }).fill('2');
    await page.getByLabel('Learning rate', { exact: true }).fill('0.01, 0.1');
    await page.getByLabel('Rotation, degrees').fill('10');
    await page.getByText('2 rates make a sweep').waitFor();
    await page.waitForTimeout(600);
    await look('new-model-sweep');
    await page.getByRole('button', { name: 'Create 2' }).click();
    await page.locator('.jobs').first().waitFor();
    const sweep = await until('the sweep', async () => {
      const { jobs } = await get('/api/jobs');
      const found = jobs.filter((job) => job.id.includes('/'));
      return found.length === 2 && found.every((job) => job.status === 'Done') && found;
    });
    lenet = sweep[0].id;
    await page.goto(`${link}/models/${encodeURIComponent(lenet)}/test?kind=database`);
    await page.getByRole('button', { name: 'Test', exact: true }).click();
    await page.locator('.matrix').waitFor();
    await look('test-database');
    await page.getByRole('radio', { name: 'Top N' }).check();
    await page.getByRole('button', { name: 'Test', exact: true }).click();
    await page.getByRole('heading', { name: 'three' }).first().waitFor();
    await look('test-top');
    await page.goto(`${link}/models/${encodeURIComponent(lenet)}/test?record=${pets}:val:1`);
    await page.locator('.layer:not(.head)').first().waitFor();
    await look('test-class');
  });

  await step('Test Many: a text list with its folder and a limit, a list that leads out, a folder', async () => {
    const folder = join(root, 'pictures');
    const five = readdirSync(join(folder, 'five')).slice(0, 4);
    const list = join(root, 'list.txt');
    writeFileSync(list, [...five.map((name) => `five/${name} five`), 'five/none.png five', 'five/not asked for.png'].join('\n'));
    await page.goto(`${link}/models/${encodeURIComponent(lenet)}/test?kind=many`);
    const ask = async (what, start, limit) => {
      for (const [field, value] of [['#list', what], ['#folder', start], ['#limit', limit]]) await page.locator(field).fill(value);
      await page.keyboard.press('Escape');
      await page.getByRole('button', { name: 'Test', exact: true }).click();
    };
    await ask(list, folder, '5');
    await page.getByRole('heading', { name: 'Images' }).waitFor();
    assert.equal(await page.locator('section[aria-labelledby=h-list] tbody tr').count(), 5);
    assert.equal(await page.locator('section[aria-labelledby=h-list] tbody tr .bad:not(.guess)').count(), 1);
    assert.equal(await page.locator('section[aria-labelledby=h-list] tbody tr td:nth-child(3)').first().innerText(), 'five');
    await look('test-list');
    writeFileSync(list, '/etc/passwd 1');
    await ask(list, '', '');
    await page.getByText('line 1 of the list is outside the allowed folders').first().waitFor();
    await ask(folder, '', '');
    await page.locator('section[aria-labelledby=h-list] tbody tr').nth(20).waitFor();
  });

  await step('bounding boxes: rows of left, top, right, bottom, confidence over the image', async () => {
    const text = `local linear = nn.Linear(784, 15)
linear.weight:zero()
linear.bias:copy(torch.Tensor{4, 3, 16, 25, 0.92, 12, 8, 24, 20, 0.41, 0, 0, 0, 0, 0})
local net = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(linear):add(nn.View(3, 5))
return { model = net, loss = nn.MSECriterion(), labelHook = function(input) return torch.zeros(input:size(1), 3, 5) end }
`;
    const { jobs } = await get('/api/jobs', { name: 'boxes', dataset: 'mnist-sample', text, options: { epochs: 1, device: 'cpu', ...(unoptimised ? { autograd: true } : {}) }, lr: [0], batch_size: [] });
    assert.equal((await ended(link, jobs[0].id)).status, 'Done');
    await page.goto(`${link}/models/${jobs[0].id}/test?record=mnist-sample:val:1`);
    await page.getByLabel('Show as').selectOption({ label: 'bounding boxes' });
    await page.locator('.over rect').nth(1).waitFor();
    assert.equal(await page.locator('.over rect').count(), 2);
    assert.match(await page.getByRole('table', { name: 'Boxes' }).innerText(), /0\.92/);
    await look('test-boxes');
  });

  await step('names as long as they may be widen no page', async () => {
    const long = 'M'.repeat(100);
    const job = encodeURIComponent(lenet);
    const { name, group } = (await get(`/api/jobs/${job}`)).summary;
    await get(`/api/jobs/${job}`, { name: long, group: long }, 'PATCH');
    await get('/api/datasets/mnist', { name: long }, 'PATCH');
    for (const path of ['/', `/models/${job}`, `/models/${job}/test`, '/datasets/mnist', '/models/new?dataset=mnist', `/models/new?clone=${job}`, `/compare?job=${job}&job=${seed}`]) {
      await page.goto(link + path);
      await page.getByText(long.slice(0, 40)).first().waitFor({ state: 'attached' });
      for (const window of [sizes.desktop, sizes.phone, ...narrow]) {
        await page.setViewportSize(window);
        await page.waitForTimeout(150);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        if (wide > 0) complain(`a long name makes ${path} ${wide} px wider than a window of ${window.width} px`);
      }
    }
    await page.setViewportSize(sizes.desktop);
    const refused = await page.evaluate(async (job) => {
      const body = JSON.stringify({ name: 'M'.repeat(101) });
      return (await fetch(`/api/jobs/${job}`, { method: 'PATCH', headers: { 'content-type': 'application/json' }, body })).status;
    }, job);
    assert.equal(refused, 400);
    await get(`/api/jobs/${job}`, { name, group }, 'PATCH');
    await get('/api/datasets/mnist', { name: 'mnist' }, 'PATCH');
  });

  await step('home: filter, select, compare', async () => {
    await page.goto(link);
    await page.locator('.jobs').first().waitFor();
    await look('home');
    await page.getByLabel('Filter models').fill('lr>0.05');
    await until('the filter', async () => (await page.locator('section[aria-labelledby=h-models] a.name').count()) === 1, 5000);
    await page.getByLabel('Filter models').fill('');
    for (const box of (await page.getByRole('checkbox', { name: /^Select (?!all)/ }).all()).slice(0, 3)) await box.check();
    await look('home-selected');
    await page.getByRole('button', { name: 'Compare' }).click();
    await page.locator('.differs').waitFor();
    await look('compare');
  });

  await step('a foreign database by its path, a list, a page that is not there', async () => {
    await page.goto(`${link}/datasets/open?path=${encodeURIComponent(join(root, 'datasets/pictures/train_db'))}`);
    await page.locator('main img').first().waitFor();
    await look('database');
    await page.goto(`${link}/nowhere`);
    await page.locator('main#main h1').waitFor();
    await look('missing');
  });

  await step('keyboard alone: a model made, stopped, deleted', async () => {
    await page.goto(link);
    await page.locator('.jobs').first().waitFor();
    await tabTo(page.getByRole('link', { name: 'Model', exact: true }), 'New model');
    await page.keyboard.press('Enter');
    await heading('New model');
    await tabTo(page.getByRole('tab', { selected: true }), 'the kinds of networks');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowLeft');
    await tabTo(page.getByRole('button', { name: /^Autoencoder/ }).first(), 'a standard network');
    await page.keyboard.press('Enter');
    await page.locator('.code .pill.done').waitFor();
    await page.keyboard.press('Control+Enter');
    await page.waitForURL(/\/models\/\d{8}-/);
    const id = idOfPage();
    await tabTo(page.getByRole('button', { name: 'Abort' }), 'Abort');
    await page.keyboard.press('Enter');
    await ended(link, id);
    await page.locator('.title .pill').filter({ hasNotText: 'running' }).waitFor();
    await tabTo(page.locator('.actions').getByRole('button', { name: 'More' }), 'More');
    await page.keyboard.press('Enter');
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await tabTo(page.getByRole('button', { name: 'Delete', exact: true }), 'Delete');
    await page.keyboard.press('Enter');
    await page.waitForURL(`${link}/`);
    await until('its end', async () => !(await get('/api/jobs')).jobs.some((job) => job.id === id));
  });
}

const begun = Date.now();
try {
  await story();
} catch (thrown) {
  if (!faults) complain(thrown.stack ?? thrown);
} finally {
  await browser.close();
  await stop(server);
}
const seconds = ((Date.now() - begun) / 1000).toFixed(0);
console.log(faults ? `${faults} faults after ${seconds} s; pictures in ${out}` : `the story is done in ${seconds} s; ${4 * shots} pictures${at > 0 ? ` in ${out}` : ''}`);
if (!faults) rmSync(at < 0 ? scratch : root, { recursive: true, force: true });
process.exitCode = faults ? 1 : 0;
