// What is known of the program: its jobs, datasets and figures, kept fresh by the event stream.

import { api, ApiError, errorPage, type DatasetSummary, type ErrorPage, type EventBodies, type EventName, type JobSummary, type Server } from './api';
import { EventStream } from './sse';
import { toasts } from './toasts.svelte';
import { jobAddress, router } from './router.svelte';

/** A hidden tab gives its connection back after this long: browsers allow six to one server. */
const HIDDEN_MS = 30_000;
/** Lists are redrawn at most this often. */
const FLUSH_MS = 250;

type JobEvents = Pick<EventBodies, 'metrics' | 'rewound' | 'log' | 'detail'>;
/** Who watches one job: handlers of its events, and where to begin. */
export interface JobWatch {
  id: string;
  cursor: string;
  /** `LogLines.cursor` */
  logCursor: string;
  metrics(body: JobEvents['metrics']): void;
  rewound(body: JobEvents['rewound']): void;
  log(body: JobEvents['log']): void;
  detail(body: JobEvents['detail']): void;
}

class Live {
  jobs = $state.raw<JobSummary[] | null>(null);
  datasets = $state.raw<DatasetSummary[] | null>(null);
  server = $state.raw<Server | null>(null);
  /** Why the lists could not be loaded. */
  error = $state.raw<ErrorPage | null>(null);
  connection = $state<'connecting' | 'live' | 'offline'>('connecting');
  /** While offline: when it is tried again, and when the last word came (ms since 1970). */
  retryAt = $state(0);
  lastHeard = $state(Date.now());
  /** A token is wanted. */
  locked = $state(false);
  tests = $state.raw<Record<string, EventBodies['test']>>({});

  #stream: EventStream | null = null;
  #watch: JobWatch | null = null;
  /** What the watcher has is of another start of the server: it hears nothing until it has loaded its job anew. */
  #stale = false;
  #lastId = '';
  #jobs = new Map<string, JobSummary>();
  #datasets = new Map<string, DatasetSummary>();
  #flush: ReturnType<typeof setTimeout> | null = null;
  #hide: ReturnType<typeof setTimeout> | null = null;
  #asleep = false;

  /** Why nothing can be asked of the program now; null when it answers. */
  get away(): string | null {
    return this.connection === 'offline' ? 'the program does not answer' : null;
  }

  async start(): Promise<void> {
    document.addEventListener('visibilitychange', () => this.#visibility());
    await this.load();
  }

  /** Loads the lists anew and opens the stream behind them. */
  async load(): Promise<void> {
    this.#stream?.close();
    this.#stream = null;
    try {
      const [jobs, datasets, server] = await Promise.all([api.jobs(), api.datasets(), api.server()]);
      this.#jobs = new Map(jobs.jobs.map((job) => [job.id, job]));
      this.#datasets = new Map(datasets.datasets.map((dataset) => [dataset.id, dataset]));
      this.server = server;
      this.error = null;
      this.locked = false;
      this.#publish();
      this.#lastId = jobs.cursor;
      this.#open();
      if (this.#stale) this.#watch?.rewound({ job: this.#watch.id, epoch: 0 });
    } catch (thrown) {
      if (thrown instanceof ApiError && thrown.status === 401) this.locked = true;
      else if (thrown instanceof ApiError && thrown.offline) this.#lostBeforeStream();
      else this.error = errorPage(thrown);
    }
  }

  /** The job by its id, as the list has it. */
  job(id: string): JobSummary | undefined {
    return this.jobs?.find((job) => job.id === id);
  }

  /** Takes a row that a request answered, without waiting for the stream. */
  took(...jobs: JobSummary[]): void {
    for (const job of jobs) this.#jobs.set(job.id, job);
    this.#publish();
  }

  tookDataset(dataset: DatasetSummary): void {
    this.#datasets.set(dataset.id, dataset);
    this.#publish();
  }

  removed(...ids: string[]): void {
    for (const id of ids) this.#jobs.delete(id);
    this.#publish();
  }

  removedDataset(id: string): void {
    this.#datasets.delete(id);
    this.#publish();
  }

  /** Sends one job's points, log and details to `watch` until the returned function is called. */
  watch(watch: JobWatch): () => void {
    this.#follow(watch);
    return () => {
      if (this.#watch === watch) this.#follow(null);
    };
  }

  #follow(watch: JobWatch | null): void {
    this.#watch = watch;
    this.#stale = false;
    // The places in files that the last event named are those of whoever watched before.
    this.#lastId = this.#lastId.split('!')[0]!;
    this.#open();
  }

  retryNow(): void {
    if (this.#stream) this.#stream.retryNow();
    else void this.load();
  }

  #lostBeforeStream(): void {
    this.connection = 'offline';
    this.retryAt = Date.now() + 4000;
    setTimeout(() => this.connection === 'offline' && !this.#stream && void this.load(), 4000);
  }

  #open(): void {
    this.#stream?.close();
    if (this.#asleep || this.#lastId === '') return;
    const watch = this.#stale ? null : this.#watch;
    const url = api.events({ job: watch?.id, from: watch?.cursor, log: watch?.logCursor });
    this.#stream = new EventStream(
      url,
      {
        open: () => {
          this.connection = 'live';
          this.lastHeard = Date.now();
        },
        lost: (retryAt, status) => {
          if (status === 401) this.locked = true;
          this.connection = 'offline';
          this.retryAt = retryAt;
        },
        event: ({ id, name, data }) => {
          this.lastHeard = Date.now();
          this.#lastId = id;
          this.#take(name as EventName, JSON.parse(data));
        },
      },
      this.#lastId,
    );
  }

  #take(name: EventName, body: unknown): void {
    switch (name) {
      case 'server':
        this.server = body as Server;
        break;
      case 'job':
        this.#jobs.set((body as JobSummary).id, body as JobSummary);
        this.#later();
        break;
      case 'job_removed':
        this.#jobs.delete((body as { id: string }).id);
        this.#later();
        break;
      case 'dataset':
        this.#datasets.set((body as DatasetSummary).id, body as DatasetSummary);
        this.#later();
        break;
      case 'dataset_removed':
        this.#datasets.delete((body as { id: string }).id);
        this.#later();
        break;
      case 'metrics':
      case 'rewound':
      case 'log':
      case 'detail': {
        const watch = this.#watch;
        if (watch && watch.id === (body as { job: string }).job) watch[name](body as never);
        break;
      }
      case 'test': {
        const test = body as EventBodies['test'];
        this.tests = { ...this.tests, [test.id]: test };
        break;
      }
      case 'notice':
        this.#notice(body as EventBodies['notice']);
        break;
      case 'reset':
        this.#stale = this.#watch !== null;
        void this.load();
        break;
    }
  }

  #notice(notice: EventBodies['notice']): void {
    const { job } = notice;
    if (job && router.place.path === jobAddress(job)) return; // that page shows it
    toasts.show(notice.level, notice.text, job ? { label: 'Open', run: () => router.go(jobAddress(job)) } : null);
  }

  #later(): void {
    this.#flush ??= setTimeout(() => this.#publish(), FLUSH_MS);
  }

  #publish(): void {
    if (this.#flush) clearTimeout(this.#flush);
    this.#flush = null;
    this.jobs = [...this.#jobs.values()];
    this.datasets = [...this.#datasets.values()];
  }

  #visibility(): void {
    if (this.#hide) clearTimeout(this.#hide);
    this.#hide = null;
    if (document.hidden) {
      this.#hide = setTimeout(() => {
        this.#asleep = true;
        this.#stream?.close();
      }, HIDDEN_MS);
    } else if (this.#asleep) {
      this.#asleep = false;
      this.#open();
    }
  }
}

export const live = new Live();
