// Requests that schemathesis makes of the program's own schema, half of them about things that are there: nothing may answer
// with a 5xx or not at all, and the server is as alive as before.
//
// node tools/fuzz.js PROGRAM PYTHON [--seconds N]: PYTHON has schemathesis installed; bounded, 35 s when not said otherwise.

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ask, ended, serve, stop, until } from './program.js';

const [program, python] = [resolve(process.argv[2]), resolve(process.argv[3])];
const seconds = process.argv.includes('--seconds') ? process.argv[process.argv.indexOf('--seconds') + 1] : '35';
const scratch = mkdtempSync(join(tmpdir(), 'studio-fuzz-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
// What it makes the server train ends with it.
const server = await serve(program, join(scratch, 'data'), { flags: ['--stop-jobs'] });
const get = (path, body) => ask(server.link, path, body);
const network = readFileSync(fileURLToPath(new URL('../../networks/autoencoder.lua', import.meta.url)), 'utf8');

await get('/api/datasets', { kind: 'sample', name: '' });
await until('the sample', async () => (await get('/api/datasets')).datasets[0].status === 'Done');
const made = await get('/api/jobs', { name: 'fuzzed', dataset: 'mnist-sample', text: network, file: 'network.lua', options: { epochs: 1, device: 'cpu', autograd: true }, lr: [], batch_size: [] });
const job = made.jobs[0].id;
await ended(server.link, job);
const image = { record: { dataset: 'mnist-sample', split: 'val', index: 3 } };
const test = (await get('/api/tests', { job, snapshot: 'best', kind: 'one', image, resize: true, top: 5 })).id;

// What is there is named half of the time; elsewhere the fuzzer would seldom get past 404.
const schema = await get('/api/openapi.json');
const known = { '/api/jobs/': job, '/api/datasets/': 'mnist-sample', '/api/tests/': test };
for (const [path, methods] of Object.entries(schema.paths)) {
  const id = Object.entries(known).find(([prefix]) => path.startsWith(prefix))?.[1];
  for (const [method, operation] of Object.entries(methods)) {
    if (method === 'delete') continue;
    for (const parameter of operation.parameters ?? []) {
      const there = { id, dataset: 'mnist-sample', split: 'val', node: 3, name: 'restored' }[parameter.name];
      if (there !== undefined) parameter.schema = { anyOf: [{ enum: [there] }, parameter.schema] };
    }
  }
}
const file = join(scratch, 'openapi.json');
writeFileSync(file, JSON.stringify(schema));
// Its phase "coverage" fails inside CPython 3.11 at the route of uploads (a SystemError of `ast.parse`).
const fuzzer = spawn(python, ['-m', 'schemathesis.cli', 'run', file, '--url', server.link, '--checks', 'not_a_server_error', '--phases', 'examples,fuzzing', '--exclude-path', '/api/events',
  '--max-examples', '12', '--max-time', seconds, '--seed', '1', '--request-timeout', '30', '--workers', '2', '--suppress-health-check', 'all', '--warnings', 'off', '--continue-on-failure'], { stdio: 'inherit', cwd: scratch });
const status = await new Promise((done) => fuzzer.once('exit', done));
const alive = await get('/api/jobs').then(() => true, () => false);
await stop(server);
if (!alive) console.log('the server does not answer any more');
process.exitCode = status === 0 && alive ? 0 : 1;
