// The colour of a run: kept on every page, six hues apart for colour-blind eyes, dashed from the seventh on.

import type { JobSummary } from './api';

export const HUES = 6;

export interface Ink {
  /** 1..6: `--s1` … `--s6`. */
  hue: number;
  dashed: boolean;
}

export const hueVariable = (ink: Ink) => `var(--s${ink.hue})`;

/** Where each job stands among those it is seen with: its group's, else all without a group, oldest first. */
export function ranks(all: readonly JobSummary[]): Map<string, number> {
  const next = new Map<string | null, number>();
  const result = new Map<string, number>();
  const older = (a: JobSummary, b: JobSummary) => (a.created < b.created || (a.created === b.created && a.id < b.id) ? -1 : 1);
  for (const job of [...all].sort(older)) {
    const rank = next.get(job.group) ?? 0;
    result.set(job.id, rank);
    next.set(job.group, rank + 1);
  }
  return result;
}

/** Colours for runs shown together: each its own by rank where that is free, else the next free one. */
export function inks(ranks: readonly number[]): Ink[] {
  const taken = new Set<number>();
  return ranks.map((wanted) => {
    let place = wanted % (2 * HUES);
    for (let step = 0; taken.has(place) && step < 2 * HUES; step++) place = (place + 1) % (2 * HUES);
    taken.add(place);
    return { hue: (place % HUES) + 1, dashed: place >= HUES };
  });
}
