// Screenshots of every page against the mock: light and dark, desktop, small desktop and phone; axe on each; no word from the
// browser about the policy or an error.
//
// node tools/shots.js [--out DIR] [--only NAME,…] [--quick]: --quick takes only light, desktop. Builds nothing: `npm run build` first.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { shots } from './pages.js';

const option = (name, usual) => (process.argv.includes(`--${name}`) ? process.argv[process.argv.indexOf(`--${name}`) + 1] : usual);
const out = option('out', join(tmpdir(), 'studio-shots'));
const only = option('only', '').split(',').filter(Boolean);
const quick = process.argv.includes('--quick');
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
const sizes = { desktop: { width: 1440, height: 900 }, small: { width: 1280, height: 720 }, phone: { width: 390, height: 844 } };
const variants = quick ? [['desktop', 'light']] : [['desktop', 'light'], ['desktop', 'dark'], ['small', 'light'], ['phone', 'light'], ['phone', 'dark']];

function serve(port, ...flags) {
  const child = spawn(process.execPath, [fileURLToPath(new URL('../mock/server.js', import.meta.url)), '--port', String(port), '--still', ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((resolve) => child.stdout.once('data', () => resolve(child)));
}

mkdirSync(out, { recursive: true });
const servers = await Promise.all([serve(5056), serve(5057, '--empty')]);
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-extensions'] });
process.on('exit', () => servers.forEach((child) => child.kill()));
let faults = 0;

for (const shot of shots) {
  if (only.length && !only.some((name) => shot.name.startsWith(name))) continue;
  for (const [size, theme] of variants) {
    if (shot.sizes && !shot.sizes.includes(size)) continue;
    const context = await browser.newContext({ viewport: sizes[size], colorScheme: theme, deviceScaleFactor: size === 'phone' ? 2 : 1, hasTouch: size === 'phone', isMobile: size === 'phone' });
    const page = await context.newPage();
    const name = `${shot.name}-${size}-${theme}`;
    const complain = (text) => {
      faults += 1;
      console.log(`${name}: ${text}`);
    };
    page.on('console', (message) => ['error', 'warning'].includes(message.type()) && !shot.allow?.test(message.text()) && complain(message.text()));
    page.on('pageerror', (error) => complain(String(error)));
    page.on('request', (request) => /^(https?|wss?):\/\/(?!127\.0\.0\.1)/.test(request.url()) && complain(`asks ${request.url()}`));
    try {
      await page.goto(`http://127.0.0.1:${shot.empty ? 5057 : 5056}${shot.path}`);
      await page.waitForSelector('main#main');
      await shot.do?.(page, size);
      await page.waitForTimeout(shot.wait ?? 450);
      await page.evaluate(() => document.querySelectorAll('img[loading=lazy]').forEach((image) => (image.loading = 'eager')));
      await page.waitForFunction(() => [...document.images].every((image) => image.complete), null, { timeout: 8000 });
      if (shot.full !== false) await page.evaluate(() => scrollTo(0, 0));
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (wide > 0) complain(`${wide} px wider than the window`);
      await page.screenshot({ path: join(out, `${name}.png`), fullPage: shot.full ?? true });
      // The small desktop has the same elements and colours as the large one.
      if (size === 'small') continue;
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
      for (const violation of violations) {
        const grave = ['serious', 'critical'].includes(violation.impact);
        if (grave) faults += 1;
        console.log(`${name}: axe ${violation.impact} ${violation.id}: ${violation.help}\n    ${violation.nodes.slice(0, 3).map((node) => `${node.target.join(' ')}  ${node.html.slice(0, 110)}${violation.id === 'color-contrast' ? `  ${node.any[0]?.message}` : ''}`).join('\n    ')}`);
      }
    } catch (thrown) {
      complain(String(thrown));
      await page.screenshot({ path: join(out, `${name}-failed.png`) }).catch(() => {});
    } finally {
      await context.close();
    }
  }
}
await browser.close();
console.log(faults ? `${faults} faults` : `all in ${out}`);
process.exitCode = faults ? 1 : 0;
