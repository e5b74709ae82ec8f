// The command line that gives the same run: each option's flag is its name with hyphens, defaults are left out.

import type { RunOptions } from './api';
import { plain } from './format';

/** A word of a command line, quoted for a shell when it has to be. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** A path of a command line: one that looks like an option is named from its folder. */
export const quotedPath = (path: string): string => quoted(/^-./.test(path) ? `./${path}` : path);

export interface CommandPart {
  text: string;
  /** A flag, a value that differs from the default, or the rest. */
  kind: 'word' | 'flag' | 'value';
}

type Value = RunOptions[keyof RunOptions];

function valueText(value: Value, isPath: boolean): string {
  if (isPath) return quotedPath(String(value));
  if (Array.isArray(value)) return value.map(plain).join(',');
  return typeof value === 'number' ? plain(value) : quoted(String(value));
}

/** Whether an option says something: not null, not false, not empty, not what it is anyway. */
function says(value: Value, usual: Value): boolean {
  if (value === null || value === undefined || value === false || value === '') return false;
  return JSON.stringify(value) !== JSON.stringify(usual);
}

/**
 * The command in parts. `usual` holds the defaults; rates and batch sizes are lists, as on the command line.
 */
export function command(
  file: string,
  options: RunOptions,
  lists: { lr: number[]; batch_size: number[] },
  usual: RunOptions,
  job: string | null,
): CommandPart[] {
  const parts: CommandPart[] = [
    { text: 'digits-rs run', kind: 'flag' },
    { text: quotedPath(file), kind: 'word' },
  ];
  const add = (flag: string, value: string | null, kind: 'word' | 'value') => {
    parts.push({ text: `--${flag}`, kind: 'flag' });
    if (value !== null) parts.push({ text: value, kind });
  };
  const paths = new Set(['dataset', 'train_db', 'val_db', 'train_labels_db', 'val_labels_db', 'mean', 'labels', 'weights']);
  for (const [name, value] of Object.entries(options) as [keyof RunOptions, Value][]) {
    if (['lr', 'batch_size', 'validation_batch_size', 'croplen'].includes(name) || !says(value, usual[name])) continue;
    add(name.replaceAll('_', '-'), value === true ? null : valueText(value, paths.has(name)), paths.has(name) ? 'word' : 'value');
  }
  if (lists.batch_size.length) add('batch-size', lists.batch_size.map(plain).join(','), 'value');
  if (lists.lr.length && !(lists.lr.length === 1 && lists.lr[0] === usual.lr)) add('lr', lists.lr.map(plain).join(','), 'value');
  if (job) add('job', quotedPath(job), 'word');
  return parts;
}

/** The same as one line of text. */
export function commandText(parts: CommandPart[]): string {
  return parts.map((part) => part.text).join(' ');
}
