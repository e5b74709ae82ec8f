// The typed client of `digits-rs serve`: one function for each route of API.md.
//
// Names in the types are those of the Rust structs that serde writes (snake_case). Times are RFC 3339 text unless a
// name ends in _seconds; shares are 0..1; sizes are bytes; `null` is "not known".

import type { ErrorPage } from './api/errors';
import type { Defaults, Server } from './api/server';
import type { BulkAction, BulkReply, Job, JobSummary, LogLines, Metrics, NewJob, Strip } from './api/jobs';
import type {
  DatabaseInfo, DatabaseRef, Dataset, DatasetForm, DatasetSummary, NewDataset, RecordDetail, Records, Scan,
} from './api/datasets';
import type {
  AugmentationReply, CheckReply, CheckRequest, ModuleInfo, NetworkFile, RateReply, RateRequest,
} from './api/networks';
import type { RunOptions } from './api/jobs';
import type { Answers, LayerDetail, Test, TestRequest } from './api/tests';
import type { Files, Upload } from './api/files';

import { inControls } from './controls';

export type * from './api/errors';
export type * from './api/server';
export type * from './api/jobs';
export type * from './api/datasets';
export type * from './api/networks';
export type * from './api/tests';
export type * from './api/files';
export type * from './api/events';

/** What a refused or failed request throws. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly page: ErrorPage,
  ) {
    super(page.message);
  }

  /** Whether no server answered at all. */
  get offline(): boolean {
    return this.status === 0;
  }
}

/** A page for what never reached the program, or went wrong in the page itself. */
function pageOf(message: string, help: string, title = 'connection'): ErrorPage {
  const page = `${title}: ${message}\n\n  help: ${help}`;
  return { kind: 'io', title, message, origin: null, module: [], facts: [], causes: [], help, page };
}

/** Any thrown value as a page. */
export function errorPage(thrown: unknown): ErrorPage {
  if (thrown instanceof ApiError) return { ...thrown.page, message: inControls(thrown.page.message), help: thrown.page.help && inControls(thrown.page.help) };
  // The program has answered, or was never asked: its answer had no form that the page knows.
  return pageOf(thrown instanceof Error ? thrown.message : String(thrown), 'load the page again; if it stays, copy the report: it is a mistake of the studio', 'this page');
}

type Query = Record<string, string | number | boolean | null | undefined>;

/** `/api/…` with its query; parts that are null or undefined are left out. */
export function address(path: string, query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== null && value !== undefined) search.set(name, String(value));
  const text = search.toString();
  return `/api/${path}${text ? `?${text}` : ''}`;
}

async function send(method: string, url: string, init: RequestInit): Promise<Response> {
  let reply: Response;
  try {
    reply = await fetch(url, { method, credentials: 'same-origin', ...init });
  } catch (thrown) {
    if (init.signal?.aborted) throw thrown;
    throw new ApiError(0, pageOf('the program does not answer', 'start it with digits-rs serve, or check the network'));
  }
  if (reply.ok) return reply;
  const body = (await reply.json().catch(() => null)) as { error?: ErrorPage } | null;
  const page = body?.error ?? pageOf(`the program answered ${reply.status} ${reply.statusText}`, 'see its log');
  throw new ApiError(reply.status, page);
}

async function get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> {
  return (await send('GET', address(path, query), { signal })).json() as Promise<T>;
}

async function write<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const headers = { 'content-type': 'application/json' };
  const reply = await send(method, address(path), { headers, body: JSON.stringify(body ?? {}), signal });
  return (reply.status === 204 ? undefined : await reply.json()) as T;
}

/** One segment of a path; a sweep's job has a slash in its id. */
const segment = encodeURIComponent;

function databaseQuery(database: DatabaseRef): Query {
  return 'path' in database ? { path: database.path } : { dataset: database.dataset, split: database.split };
}

export const api = {
  server: () => get<Server>('server'),
  defaults: () => get<Defaults>('defaults'),
  /** Trades a token for the cookie. */
  login: (token: string) => write<void>('POST', 'login', { token }),

  jobs: (signal?: AbortSignal) => get<{ jobs: JobSummary[]; cursor: string }>('jobs', {}, signal),
  job: (id: string, signal?: AbortSignal) => get<Job>(`jobs/${segment(id)}`, {}, signal),
  createJobs: (form: NewJob) => write<{ jobs: JobSummary[] }>('POST', 'jobs', form),
  changeJob: (id: string, change: { name?: string; group?: string | null; notes?: string }) =>
    write<JobSummary>('PATCH', `jobs/${segment(id)}`, change),
  deleteJob: (id: string) => write<void>('DELETE', `jobs/${segment(id)}`),
  abortJob: (id: string) => write<JobSummary>('POST', `jobs/${segment(id)}/abort`),
  /** Goes on; more epochs, or from an earlier snapshot. */
  resumeJob: (id: string, how: { epochs?: number; from_snapshot?: number } = {}) =>
    write<JobSummary>('POST', `jobs/${segment(id)}/resume`, how),
  /** Starts a waiting job now, beside what runs. */
  startJob: (id: string) => write<JobSummary>('POST', `jobs/${segment(id)}/start`),
  bulk: (action: BulkAction) => write<BulkReply>('POST', 'jobs/bulk', action),
  /** The form that would make this job again. */
  cloneJob: (id: string) => get<NewJob>(`jobs/${segment(id)}/clone`),
  importJob: (upload: string) => write<JobSummary>('POST', 'jobs/import', { upload }),
  metrics: (
    id: string,
    query: { x?: 'epoch' | 'iteration' | 'seconds'; from?: number; to?: number; buckets?: number } = {},
    signal?: AbortSignal,
  ) => get<Metrics>(`jobs/${segment(id)}/metrics`, query, signal),
  log: (id: string, query: { first?: number; tail?: number } = {}) => get<LogLines>(`jobs/${segment(id)}/log`, query),
  strip: (id: string, query: { columns?: number; rows?: number } = {}, signal?: AbortSignal) =>
    get<Strip>(`jobs/${segment(id)}/strip`, query, signal),
  /** Address of a file in the job's folder. */
  jobFile: (id: string, name: string) => address(`jobs/${segment(id)}/files/${name.split('/').map(segment).join('/')}`),
  download: (id: string, format: 'safetensors' | 't7' | 'onnx' | 'tar.gz', epoch?: number) =>
    address(`jobs/${segment(id)}/download`, { format, epoch }),

  datasets: (signal?: AbortSignal) => get<{ datasets: DatasetSummary[]; cursor: string }>('datasets', {}, signal),
  dataset: (id: string, signal?: AbortSignal) => get<Dataset>(`datasets/${segment(id)}`, {}, signal),
  createDataset: (form: NewDataset) => write<DatasetSummary>('POST', 'datasets', form),
  scanDataset: (form: DatasetForm, signal?: AbortSignal) => write<Scan>('POST', 'datasets/scan', form, signal),
  changeDataset: (id: string, change: { name?: string }) => write<DatasetSummary>('PATCH', `datasets/${segment(id)}`, change),
  deleteDataset: (id: string) => write<void>('DELETE', `datasets/${segment(id)}`),
  abortDataset: (id: string) => write<DatasetSummary>('POST', `datasets/${segment(id)}/abort`),
  cloneDataset: (id: string) => get<NewDataset>(`datasets/${segment(id)}/clone`),
  /** Address of one image file, fitted as the form says. */
  resizeExample: (query: { file: string; width: number; height: number; channels: number; resize: string }) =>
    address('pictures/resized', query),

  database: (path: string, signal?: AbortSignal) => get<DatabaseInfo>('databases', { path }, signal),
  records: (
    database: DatabaseRef,
    query: { first: number; count: number; class?: number | null; search?: string | null },
    signal?: AbortSignal,
  ) => get<Records>('records', { ...databaseQuery(database), ...query }, signal),
  record: (database: DatabaseRef, index: number, signal?: AbortSignal) =>
    get<RecordDetail>(`records/${index}`, databaseQuery(database), signal),

  networks: () => get<{ networks: NetworkFile[] }>('networks'),
  modules: () => get<{ modules: ModuleInfo[] }>('modules'),
  check: (request: CheckRequest, signal?: AbortSignal) => write<CheckReply>('POST', 'check', request, signal),
  rates: (request: RateRequest, signal?: AbortSignal) => write<RateReply>('POST', 'preview/lr', request, signal),
  augmentation: (request: { dataset: string; options: RunOptions; count: number }, signal?: AbortSignal) =>
    write<AugmentationReply>('POST', 'preview/augmentation', request, signal),

  /** One image answers at once; the other kinds run, and `test` events say how far they are. */
  startTest: (request: TestRequest, signal?: AbortSignal) => write<Test>('POST', 'tests', request, signal),
  test: (id: string, signal?: AbortSignal) => get<Test>(`tests/${segment(id)}`, {}, signal),
  stopTest: (id: string) => write<void>('DELETE', `tests/${segment(id)}`),
  layer: (id: string, node: number, query: { tiles?: number } = {}, signal?: AbortSignal) =>
    get<LayerDetail>(`tests/${segment(id)}/layers/${node}`, query, signal),
  answers: (
    id: string,
    query: { first: number; count: number; right?: number; answer?: number; only_wrong?: boolean },
    signal?: AbortSignal,
  ) => get<Answers>(`tests/${segment(id)}/answers`, query, signal),
  testFile: (id: string, what: 'csv' | 'page') => address(`tests/${segment(id)}/${what}`),
  layerValues: (id: string, node: number, of: string) => address(`tests/${segment(id)}/layers/${node}/values`, { of }),

  files: (query: { path: string; kind?: 'folder' | 'file' | 'database' }, signal?: AbortSignal) =>
    get<Files>('files', query, signal),
  upload: async (file: Blob, name: string): Promise<Upload> => {
    const headers = { 'content-type': 'application/octet-stream' };
    return (await send('POST', address('uploads', { name }), { headers, body: file })).json() as Promise<Upload>;
  },
  /** Address of the stream; `from` is `Metrics.cursor` of the job, `log` its `LogLines.cursor`, `after` the cursor of a list. */
  events: (query: { job?: string | null; from?: string | null; log?: string | null; after?: string | null } = {}) => address('events', query),
};
