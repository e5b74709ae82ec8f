// Several runs side by side: in which settings they differ, who is best, and the mean over seeds.

import type { Job, Metrics, RunOptions } from './api';
import { count, duration, measured, percent, UNKNOWN } from './format';
import { optionLabels, optionText } from './settings';

export interface Run {
  id: string;
  name: string;
  job: Job;
  metrics: Metrics;
}

export interface Cell {
  text: string;
  /** Unlike the first run's. */
  other: boolean;
  /** The best of its row. */
  best: boolean;
}

export interface Row {
  label: string;
  cells: Cell[];
  /** Whether all runs have the same. */
  same: boolean;
}

/** Settings that say where, not what. */
const PLACES = new Set<keyof RunOptions>(['dataset', 'train_db', 'val_db', 'train_labels_db', 'val_labels_db', 'mean', 'labels', 'memory', 'threads']);

/** A row of texts. */
function row(label: string, texts: string[]): Row {
  return { label, cells: texts.map((text) => ({ text, other: text !== texts[0], best: false })), same: new Set(texts).size <= 1 };
}

/** A row of numbers; the lowest or highest of those that may be is the best, unless all are alike. */
function figures(label: string, values: (number | null)[], text: (value: number) => string, lowIsGood: boolean, mayBe: (place: number) => boolean = () => true): Row {
  const known = values.filter((value, i): value is number => value !== null && Number.isFinite(value) && mayBe(i));
  const best = known.length > 1 && new Set(known).size > 1 ? (lowIsGood ? Math.min(...known) : Math.max(...known)) : null;
  return { label, cells: values.map((value, i) => ({ text: value === null ? UNKNOWN : text(value), other: false, best: value !== null && value === best && mayBe(i) })), same: false };
}

/** What the runs' losses measure; null when it is not the same in all, and no loss is better than another. */
export function commonUnit(runs: readonly Run[]): string | null {
  const [unit, ...others] = new Set(runs.map((run) => run.job.loss_unit));
  return unit === undefined || others.length > 0 ? null : unit;
}

/** A row of losses. */
function losses(label: string, runs: readonly Run[], of: (run: Run) => number | null): Row {
  const row = figures(label, runs.map(of), measured, true);
  return commonUnit(runs) === null ? { ...row, cells: row.cells.map((cell) => ({ ...cell, best: false })) } : row;
}

/** The settings of all runs, those that matter first. */
export function settingRows(runs: readonly Run[]): Row[] {
  const names = new Set<keyof RunOptions>();
  for (const run of runs) for (const name of Object.keys(run.job.settings) as (keyof RunOptions)[]) if (!PLACES.has(name)) names.add(name);
  // A policy's numbers stand beside its name.
  for (const name of ['lr_step', 'lr_steps', 'lr_gamma', 'lr_power', 'lr_decay'] as const) names.delete(name);
  const rows = [row('network', runs.map((run) => run.job.summary.network)), row('dataset', runs.map((run) => run.job.summary.dataset.name))];
  const order = Object.keys(optionLabels) as (keyof RunOptions)[];
  const sorted = [...names].sort((a, b) => (order.indexOf(a) + 1 || 99) - (order.indexOf(b) + 1 || 99));
  for (const name of sorted) rows.push(row(optionLabels[name] ?? name, runs.map((run) => optionText(name, run.job.settings))));
  return rows;
}

/** What came of it. `reached` is the loss that each should come below. */
export function resultRows(runs: readonly Run[], reached: number | null): Row[] {
  // A run that has not come to its end took less time and is not quicker.
  const ended = (place: number) => runs[place]!.job.summary.status === 'Done';
  const last = (list: (number | null)[]) => list.findLast((value) => value !== null) ?? null;
  const rows = [
    losses('best validation loss', runs, (run) => run.job.summary.best?.loss ?? null),
    losses('last training loss', runs, (run) => last(run.metrics.train.loss)),
  ];
  if (runs.some((run) => run.job.summary.best_accuracy !== null)) rows.push(figures('best accuracy', runs.map((run) => run.job.summary.best_accuracy), (value) => `${percent(value)} %`, false));
  if (reached !== null) rows.push(figures(`reaches ${measured(reached, 3)}`, runs.map((run) => epochReaching(run.metrics, reached)), (epoch) => `epoch ${Math.round(epoch * 100) / 100}`, true));
  rows.push(
    figures('images/s', runs.map((run) => run.job.summary.images_per_second), (value) => count(value), false, ended),
    figures('time', runs.map((run) => run.job.summary.elapsed_seconds), (value) => duration(value), true, ended),
  );
  return rows;
}

/** The first epoch whose validation loss is at most `loss`; null when none is. */
export function epochReaching({ validation }: Metrics, loss: number): number | null {
  const at = validation.loss.findIndex((value) => value !== null && value <= loss);
  return at < 0 ? null : validation.epoch[at]!;
}

/** A round loss that at least half the runs reach, to compare how soon. */
export function roundTarget(runs: readonly Run[]): number | null {
  const bests = runs.map((run) => run.job.summary.best?.loss).filter((loss): loss is number => loss !== undefined && loss > 0).sort((a, b) => a - b);
  if (bests.length < 2 || commonUnit(runs) === null) return null;
  const wanted = bests[Math.floor(bests.length / 2)]! * 1.05;
  const power = 10 ** Math.floor(Math.log10(wanted));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((factor) => Number((factor * power).toPrecision(6))).find((value) => value >= wanted) ?? wanted;
}

/** "network, dataset, epochs 30": what all runs share, in a line. */
export function sharedText(rows: readonly Row[]): string {
  const plainWords = new Set(['network', 'dataset']);
  return rows.filter((one) => one.same && one.cells[0]!.text !== UNKNOWN && one.cells[0]!.text !== 'none' && one.cells[0]!.text !== '0' && one.cells[0]!.text !== 'no').map((one) => (plainWords.has(one.label) ? one.label : `${one.label} ${one.cells[0]!.text}`)).join(', ');
}

/** Runs alike but for the seed, by their common settings. */
export function bySeed(runs: readonly Run[]): Run[][] {
  const groups = new Map<string, Run[]>();
  for (const run of runs) {
    const { seed: _, ...rest } = run.job.settings;
    const key = JSON.stringify([run.job.network_text, Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1))]);
    groups.set(key, [...(groups.get(key) ?? []), run]);
  }
  return [...groups.values()];
}

/** The mean of curves at the places of the first; a place that one of them lacks is a gap. */
export function meanCurve(curves: readonly { x: ArrayLike<number>; y: ArrayLike<number | null> }[]): { x: number[]; y: (number | null)[] } {
  const [first, ...rest] = curves;
  if (!first) return { x: [], y: [] };
  const x = Array.from(first.x);
  const places = rest.map((curve) => new Map(Array.from(curve.x, (at, i) => [Math.round(at * 1e6), curve.y[i] ?? null] as const)));
  const y = x.map((at, i) => {
    const values = [first.y[i] ?? null, ...places.map((place) => place.get(Math.round(at * 1e6)) ?? null)];
    return values.some((value) => value === null) ? null : (values as number[]).reduce((a, b) => a + b, 0) / values.length;
  });
  return { x, y };
}

/** The table as CSV: a row a setting or result, a column a run. */
export function tableCsv(runs: readonly Run[], rows: readonly Row[]): string {
  const quote = (text: string) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return [['', ...runs.map((run) => run.name)], ...rows.map((one) => [one.label, ...one.cells.map((cell) => cell.text)])].map((line) => line.map(quote).join(',')).join('\n');
}
