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
  /** The whole run, thinned when it is long. Its columns grow in place, `version` says when. */
  whole = $state.raw<Metrics | null>(null);
  /** The part that is shown of a long run, with more of its points. */
  detail = $state.raw<Metrics | null>(null);
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
      this.whole = metrics;
      this.detail = null;
      this.log = { first: log.first, lines: log.lines };
      this.error = null;
      this.version += 1;
      this.#stop?.();
      this.#stop = live.watch({
        id: this.id,
        cursor: metrics.cursor,
        logCursor: log.cursor,
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

  /** What the chart draws. */
  get metrics(): Metrics | null {
    return this.detail ?? this.whole;
  }

  /** Asks for the points of the part that is shown, when the whole run is thinned. */
  async refine(x: Axis, view: [number, number] | null): Promise<void> {
    const part = view && this.whole?.thinned ? { x, from: view[0], to: view[1] } : null;
    this.#part = part;
    if (!part) {
      this.detail = null;
      return;
    }
    const metrics = await api.metrics(this.id, { ...part, buckets: BUCKETS }, this.#abort.signal).catch(() => null);
    if (metrics && this.#part === part) this.detail = metrics;
  }

  #append(events: MetricsEvent[]): void {
    if (!this.whole) return;
    this.#meanwhile?.push(...events);
    join(this.whole, events);
    this.version += 1;
    if (this.whole.train.epoch.length > MOST_POINTS) void this.#thin();
    // What the run has made of its options and of the file stands in its record from the start on.
    // The first validation draws what the file gives to tf.summary.
    const tells = (event: MetricsEvent) => ['start', 'resume', 'end', 'error'].includes(event.event) || (event.event === 'validation' && event.iteration === 0);
    if (events.some(tells)) void this.#details();
  }

  /** Points that come while the server thins; null when it does not. */
  #meanwhile: MetricsEvent[] | null = null;

  /** Takes the server's thinning in place of all points that came live. */
  async #thin(): Promise<void> {
    if (this.#meanwhile) return;
    this.#meanwhile = [];
    const fresh = await api.metrics(this.id, { buckets: BUCKETS }, this.#abort.signal).catch(() => null);
    if (fresh) {
      const known = Math.max(fresh.train.iteration.at(-1) ?? -1, fresh.validation.iteration.at(-1) ?? -1);
      join(fresh, this.#meanwhile.filter((event) => event.iteration > known));
      this.whole = fresh;
      this.version += 1;
    }
    this.#meanwhile = null;
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

/** Adds points that came live to the columns. */
export function join(metrics: Metrics, events: readonly MetricsEvent[]): void {
  const { train, validation, bucket_mean } = metrics;
  for (const event of events) {
    const columns = event.event === 'train' ? train : event.event === 'validation' ? validation : null;
    if (!columns) continue;
    columns.epoch.push(event.epoch);
    columns.iteration.push(event.iteration);
    columns.seconds.push(event.seconds ?? columns.seconds.at(-1) ?? 0);
    columns.loss.push(event.loss ?? null);
    if (event.event === 'train') {
      train.lr.push(event.lr ?? null);
      train.images_per_second.push(event.images_per_second ?? null);
      train.data_wait.push(event.data_wait ?? null);
      bucket_mean?.push(event.loss ?? null);
    } else {
      validation.accuracy.push(event.accuracy ?? null);
      validation.accuracy_top5.push(event.accuracy_top5 ?? null);
    }
  }
}

/** The tab's title: how far, and what. */
export function titleOf(job: JobSummary): string {
  const state = stateOf(job);
  const far = state === 'running' ? `${Math.floor((100 * job.epoch) / Math.max(1, job.epochs))} % ` : state === 'done' ? '✓ ' : state === 'failed' ? '✗ ' : '';
  return `${far}${job.name} · digits-rs`;
}
