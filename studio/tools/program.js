// The real program as the tools drive it: started on a port of its own, asked over HTTP, ended at the end.

import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const chromiumPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** Starts `program serve` for a folder; port 0 is a free one. */
export function serve(program, root, { port = 0, flags = [] } = {}) {
  const child = spawn(program, ['serve', '--listen', `127.0.0.1:${port}`, '--root', root, ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return new Promise((done, failed) => {
    child.once('exit', () => failed(new Error('the server ended')));
    child.stdout.once('data', (data) => {
      const link = String(data).match(/http:\/\/\S+/)[0].replace(/\/$/, '');
      done({ child, link, port: Number(new URL(link).port) });
    });
  });
}

/** Ends a server; `signal` may be SIGKILL. */
export function stop({ child }, signal = 'SIGTERM') {
  return new Promise((done) => {
    if (child.exitCode !== null || child.signalCode) return done();
    child.once('exit', done);
    child.kill(signal);
  });
}

/** Asks until `holds` answers something. */
export async function until(what, holds, limit = 120_000) {
  const begun = Date.now();
  for (;;) {
    const seen = await holds();
    if (seen) return seen;
    if (Date.now() - begun > limit) throw new Error(`${what} did not come in ${limit / 1000} s`);
    await new Promise((later) => setTimeout(later, 80));
  }
}

/** One request of the REST interface. */
export async function ask(link, path, body, method = body === undefined ? 'GET' : 'POST') {
  const init = body === undefined ? { method } : { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const reply = await fetch(link + path, init);
  const text = await reply.text();
  if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${text.slice(0, 400)}`);
  return text ? JSON.parse(text) : null;
}

/** Waits for a job's end and gives its summary. */
export const ended = (link, id, limit = 300_000) =>
  until(`the end of ${id}`, async () => {
    const { summary } = await ask(link, `/api/jobs/${encodeURIComponent(id)}`);
    return ['Done', 'Aborted', 'Error'].includes(summary.status) && summary;
  }, limit);

/** With `--page DIR` among the arguments the page comes from there, under the program's own policy: for work on it. */
export async function pageFrom(context, link) {
  const folder = process.argv.includes('--page') ? process.argv[process.argv.indexOf('--page') + 1] : null;
  if (!folder) return;
  await context.route((url) => !url.pathname.startsWith('/api/'), async (route) => {
    const { pathname } = new URL(route.request().url());
    const file = join(folder, pathname);
    const own = pathname !== '/' && existsSync(file) ? file : route.request().isNavigationRequest() ? join(folder, 'index.html') : null;
    if (!own) return route.continue();
    // None where the page has gone meanwhile.
    const response = await route.fetch({ url: `${link}/`, headers: { accept: 'text/html' } }).catch(() => null);
    if (!response) return route.abort().catch(() => {});
    const contentType = { js: 'text/javascript', css: 'text/css', html: 'text/html', png: 'image/png', svg: 'image/svg+xml' }[own.split('.').pop()];
    return route.fulfill({ response, body: readFileSync(own), contentType }).catch(() => {});
  });
}

/** The form of a dataset from a folder of grey images, 28 by 28, filled in as far as its pictures. */
export async function scanFolder(page, link, folder) {
  await page.goto(`${link}/datasets/images/classification/new`);
  await page.getByRole('combobox', { name: 'Folder', exact: true }).fill(folder);
  await page.getByRole('heading', { name: /^Classes/ }).waitFor();
  await page.getByLabel('Width', { exact: true }).fill('28');
  await page.getByLabel('Height', { exact: true }).fill('28');
  await page.getByText('grey', { exact: true }).click();
  await page.getByLabel('Seed').focus();
  await page.locator('.samples').waitFor();
}
