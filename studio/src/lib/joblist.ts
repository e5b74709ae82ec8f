// The order of the list of models: filtered, sorted, in sections; and in what the jobs of a section differ.

import type { JobSummary } from './api';
import { filter } from './filter';
import { isActive, progress, stateOf, type State } from './state';

export type SortKey = 'name' | 'state' | 'progress' | 'best' | 'accuracy' | 'speed' | 'started';
export type GroupBy = 'group' | 'dataset' | 'network' | 'none';

export const kinds: Record<GroupBy, string> = { group: 'sweep', dataset: 'dataset', network: 'network', none: 'none' };

const STATE_ORDER: State[] = ['running', 'waiting', 'failed', 'stopped', 'done'];

export const SORTS: Record<SortKey, (job: JobSummary) => number | string | null> = {
  name: (job) => job.name.toLowerCase(),
  state: (job) => -STATE_ORDER.indexOf(stateOf(job)),
  progress,
  best: (job) => job.best?.loss ?? null,
  accuracy: (job) => job.best_accuracy,
  speed: (job) => job.images_per_second,
  started: (job) => job.started ?? job.created,
};

export interface Section {
  name: string;
  /** Null for the section without a heading. */
  title: string | null;
  /** Whether its runs carry their colours: those of a group do. */
  colored: boolean;
  /** In what they differ: "rate, batch". */
  varies: string;
  jobs: JobSummary[];
}

export interface Arranged {
  sections: Section[];
  /** Jobs that pass the text, by state. */
  counts: Record<State, number>;
}

/** What differs among jobs, in words. */
export function varies(jobs: readonly JobSummary[]): string {
  const of: [string, (job: JobSummary) => unknown][] = [
    ['network', (job) => job.network], ['dataset', (job) => job.dataset.path], ['solver', (job) => job.solver],
    ['rate', (job) => job.lr], ['batch', (job) => job.batch_size], ['seed', (job) => job.seed],
  ];
  return of.filter(([, value]) => new Set(jobs.map(value)).size > 1).map(([name]) => name).join(', ');
}

function compare(left: number | string | null, right: number | string | null): number {
  if (left === right) return 0;
  return left! < right! ? -1 : 1;
}

export function arrange(
  jobs: readonly JobSummary[],
  how: { text: string; state: State | 'all'; groupBy: GroupBy; sort: { key: SortKey; down: boolean } },
): Arranged {
  const passing = jobs.filter(filter(how.text));
  const counts = { running: 0, waiting: 0, done: 0, failed: 0, stopped: 0 };
  for (const job of passing) counts[stateOf(job)] += 1;
  const value = SORTS[how.sort.key];
  const sorted = passing
    .filter((job) => how.state === 'all' || stateOf(job) === how.state)
    .sort((a, b) => {
      const [left, right] = [value(a), value(b)];
      if (left === null || right === null) return (left === null ? 1 : 0) - (right === null ? 1 : 0); // unknown is last, either way
      return (how.sort.down ? -1 : 1) * compare(left, right) || compare(b.created, a.created);
    });
  if (how.groupBy === 'none') return { sections: sorted.length ? [section('', null, sorted)] : [], counts };

  const key = (job: JobSummary) =>
    how.groupBy === 'group' ? job.group : how.groupBy === 'dataset' ? job.dataset.name : job.network;
  // What runs or waits, and is in no group, stands above all headings.
  const top = how.groupBy === 'group' ? sorted.filter((job) => isActive(job) && key(job) === null) : [];
  const groups = new Map<string, JobSummary[]>();
  const loose: JobSummary[] = [];
  for (const job of sorted) {
    if (top.includes(job)) continue;
    const name = key(job);
    if (name === null) loose.push(job);
    else if (groups.has(name)) groups.get(name)!.push(job);
    else groups.set(name, [job]);
  }
  const sections: Section[] = top.length ? [section('', null, top)] : [];
  for (const [name, of] of groups) sections.push({ ...section(`g ${name}`, name, of), colored: how.groupBy === 'group' });
  if (loose.length) sections.push(section('no group', groups.size || top.length ? 'no group' : null, loose));
  return { sections, counts };
}

function section(name: string, title: string | null, jobs: JobSummary[]): Section {
  return { name, title, colored: false, varies: title && jobs.length > 1 && name !== 'no group' ? varies(jobs) : '', jobs };
}
