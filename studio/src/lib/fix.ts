// The button that mends an error: what the server proposes, else what the page's help says to write.

import type { ErrorPage, Fix } from './api';

/** The first call of `name` in `line`, with its matched brackets. */
function callIn(line: string, name: string): string | null {
  const start = line.indexOf(`${name}(`);
  if (start < 0) return null;
  let depth = 0;
  for (let i = start + name.length; i < line.length; i++) {
    if (line[i] === '(') depth += 1;
    if (line[i] === ')' && --depth === 0) return line.slice(start, i + 1);
  }
  return null;
}

/**
 * The replacement for an error's line. Without one from the server, a help of the form "write nn.Linear(784, 300), or …"
 * replaces the call of the same name in the line.
 */
export function fixFor(page: ErrorPage): Fix | null {
  if (page.fix) return page.fix;
  const proposed = /^write `?([\w.:]+)(\(.*?\))`?(?:,| or|;|\.|$)/.exec(page.help ?? '');
  if (!proposed || !page.origin) return null;
  const [, name, args] = proposed as unknown as [string, string, string];
  const old = callIn(page.origin.text, name);
  const text = name + args;
  const squeezed = (call: string) => call.replace(/\s+/g, '');
  if (!old || squeezed(old) === squeezed(text)) return null;
  return { title: `Write ${text}`, line: page.origin.line, old, new: text };
}

/** Where a fix applies in a line: [from, to) columns; null when the line has changed meanwhile. */
export function placeOf(fix: Fix, line: string): [from: number, to: number] | null {
  const from = line.indexOf(fix.old);
  return from < 0 ? null : [from, from + fix.old.length];
}

/** The columns of a line that an error is about: the call that its module names, else all but the margins. */
export function marked(page: ErrorPage, line: string): [from: number, to: number] {
  const inner = page.module.at(-1) ?? page.message;
  for (const [, name] of inner.matchAll(/(\w+\.\w+)/g)) {
    const call = callIn(line, name!);
    if (call) return [line.indexOf(call), line.indexOf(call) + call.length];
  }
  const from = line.length - line.trimStart().length;
  return [from, Math.max(from, line.trimEnd().length)];
}
