// A job's state in the page's five words, from DIGITS' six.

import type { DatasetStatus, JobSummary, Status } from './api';

export type State = 'waiting' | 'running' | 'done' | 'failed' | 'stopped';

const STATES: Record<Status | DatasetStatus, State> = {
  Initialized: 'waiting',
  Absent: 'waiting',
  Waiting: 'waiting',
  Running: 'running',
  Making: 'running',
  Done: 'done',
  Aborted: 'stopped',
  Error: 'failed',
};

export function stateOf(thing: { status: Status | DatasetStatus }): State {
  return STATES[thing.status];
}

/** Whether it can still change by itself. */
export function isActive(thing: { status: Status | DatasetStatus }): boolean {
  return stateOf(thing) === 'running' || stateOf(thing) === 'waiting';
}

/** Share of the epochs done, 0..1. */
export function progress(job: JobSummary): number {
  return job.epochs > 0 ? Math.min(1, job.epoch / job.epochs) : 0;
}
