// The real program as the tools drive it: started on a port of its own, asked over HTTP, ended at the end.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';

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
