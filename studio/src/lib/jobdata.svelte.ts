// One job as its page sees it: details, points and log, loaded once and then kept up by the stream.

import { api, errorPage, type ErrorPage, type Job, type JobSummary, type Metrics, type MetricsEvent } from './api';
import { live } from './live.svelte';
import { stateOf } from './state';

/** Lines of the log kept in the page. */
const LOG_LINES = 2000;
/** Buckets asked for: more than any plot has pixels. */
const BUCKETS = 5000;
/** Live points after which the server's thinning is asked for again. */
const MOST_POINTS = 60_000;

export type Axis = 'epoch' | 'iteration' | 'seconds';

export class JobData {
  job = $state.raw<Job | null>(null);
  error = $state.raw<ErrorPage | null>(null);
  /** The columns; their arrays grow in place, `version` says when. */
  metrics = $state.raw<Metrics | null>(null);
  version = $state(0);
  log = $state.raw<{ first: number; lines: string[] }>({ first: 0, lines: [] });

  #stop: (() => void) | null = null;
  #abort = new AbortController();
  /** The part that a thinned run was asked for. */
  #part: { x: Axis; from: number; to: number } | null = null;

  constructor(readonly id: string) {
    void this.load();
  }

  /** The row of the list, which is fresher than the details. */
  get summary(): JobSummary | null {
    return live.job(this.id) ?? this.job?.summary ?? null;
  }

  close(): void {
    this.#stop?.();
    this.#abort.abort();
  }

  async load(): Promise<void> {
    const { signal } = this.#abort;
    try {
      const [job, metrics, log] = await Promise.all([api.job(this.id, signal), api.metrics(this.id, { buckets: BUCKETS }, signal), api.log(this.id, { tail: 500 })]);
      if (signal.aborted) return;
      this.job = job;
      this.metrics = metrics;
      this.log = { first: log.first, lines: log.lines };
      this.error = null;
      this.version += 1;
      this.#stop?.();
      this.#stop = live.watch({
        id: this.id,
        cursor: metrics.cursor,
        metrics: ({ events }) => this.#append(events),
        rewound: () => void this.load(),
        log: ({ first, lines }) => this.#lines(first, lines),
        detail: ({ job: _, ...change }) => {
          if (this.job) this.job = { ...this.job, ...change };
        },
      });
    } catch (thrown) {
      if (!signal.aborted) this.error = errorPage(thrown);
    }
  }

  /** Points of the part that is shown, when the run has more than the page holds. */
  async refine(x: Axis, view: [number, number] | null): Promise<void> {
    if (!this.metrics || (!this.metrics.thinned && !this.#part)) return;
    const part = view && { x, from: view[0], to: view[1] };
    this.#part = part;
    const metrics = await api.metrics(this.id, { ...part, buckets: BUCKETS }, this.#abort.signal).catch(() => null);
    if (!metrics || this.#part !== part) return;
    this.metrics = metrics;
    this.version += 1;
  }

  #append(events: MetricsEvent[]): void {
    const { metrics } = this;
    if (!metrics) return;
    for (const event of events) {
      const columns = event.event === 'train' ? metrics.train : event.event === 'validation' ? metrics.validation : null;
      if (!columns) continue;
      columns.epoch.push(event.epoch);
      columns.iteration.push(event.iteration);
      columns.seconds.push(event.seconds ?? columns.seconds.at(-1) ?? 0);
      columns.loss.push(event.loss ?? null);
      if (event.event === 'train') {
        metrics.train.lr.push(event.lr ?? null);
        metrics.train.images_per_second.push(event.images_per_second ?? null);
        metrics.train.data_wait.push(event.data_wait ?? null);
        metrics.bucket_mean?.push(event.loss ?? null);
      } else {
        metrics.validation.accuracy.push(event.accuracy ?? null);
        metrics.validation.accuracy_top5.push(event.accuracy_top5 ?? null);
      }
    }
    this.version += 1;
    if (metrics.train.epoch.length > MOST_POINTS && !this.#part) void api.metrics(this.id, { buckets: BUCKETS }).then((fresh) => (this.metrics = fresh));
    if (events.some((event) => event.event === 'end' || event.event === 'error' || event.event === 'resume')) void this.#details();
  }

  async #details(): Promise<void> {
    const job = await api.job(this.id, this.#abort.signal).catch(() => null);
    if (job) this.job = job;
  }

  #lines(first: number, lines: string[]): void {
    const have = this.log.first + this.log.lines.length;
    const fresh = lines.slice(Math.max(0, have - first));
    const all = [...this.log.lines, ...fresh];
    const drop = Math.max(0, all.length - LOG_LINES);
    this.log = { first: this.log.first + drop, lines: all.slice(drop) };
  }
}

/** The tab's title: how far, and what. */
export function titleOf(job: JobSummary): string {
  const state = stateOf(job);
  const far = state === 'running' ? `${Math.floor((100 * job.epoch) / Math.max(1, job.epochs))} % ` : state === 'done' ? '✓ ' : state === 'failed' ? '✗ ' : '';
  return `${far}${job.name} · digits-rs`;
}
