// The events of the stream, by name.

import type { Server } from './server';
import type { Job, JobSummary, MetricsEvent } from './jobs';
import type { DatasetSummary } from './datasets';
import type { Test } from './tests';

/** Events by name. Each has an id; the last one seen goes back as `Last-Event-ID` after a break. */
export interface EventBodies {
  /** Machine figures, once a second. */
  server: Server;
  /** A job is new or changed; at most four times a second each. */
  job: JobSummary;
  job_removed: { id: string };
  dataset: DatasetSummary;
  dataset_removed: { id: string };
  /** Lines of metrics.jsonl of the job that `?job=` names, in order, none twice, none missing. */
  metrics: { job: string; events: MetricsEvent[] };
  /** Metrics and log were cut back to this epoch (a resume): ask for them anew. */
  rewound: { job: string; epoch: number };
  /** Lines of log.txt of that job. */
  log: { job: string; first: number; lines: string[] };
  /** Snapshots, history, figures of that job have changed: these are the new ones. */
  detail: { job: string } & Pick<Job, 'snapshots' | 'next_snapshot_epoch' | 'history' | 'memory_bytes' | 'data_wait' | 'error'>;
  /** How a running test stands. */
  test: { id: string; job: string; state: Test['state']; done: number; total: number };
  /** Something that no visible row shows: a job ended, was killed. */
  notice: { level: 'ok' | 'info' | 'bad'; text: string; job: string | null };
  /** The stream cannot go on from the given id: load everything anew. */
  reset: Record<string, never>;
}

export type EventName = keyof EventBodies;
