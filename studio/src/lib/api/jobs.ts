// Jobs: rows, details, points, snapshots, and the form that makes them.

import type { ErrorPage } from './errors';

/** DIGITS' words. `Waiting` is the server's queue; the others are in job.json. */
export type Status = 'Initialized' | 'Waiting' | 'Running' | 'Done' | 'Aborted' | 'Error';

/** `tasks::RunOptions`: the flags of `digits-rs run`, `--aug-flip` as `aug_flip`; `settings` in job.json. */
export interface RunOptions {
  dataset?: string | null;
  train_db?: string | null;
  val_db?: string | null;
  train_labels_db?: string | null;
  val_labels_db?: string | null;
  mean?: string | null;
  labels?: string | null;
  weights?: string | null;
  subtract_mean?: 'image' | 'pixel' | 'none' | null;
  shuffle?: 'sequential' | 'permutation' | 'with-replacement' | null;
  memory?: number | null;
  epochs?: number | null;
  batch_size?: number | null;
  validation_batch_size?: number | null;
  seed?: number | null;
  validation_interval?: number | null;
  /** Epochs ("1", "0.5") or minutes ("10m"). */
  snapshot_interval?: string | null;
  keep?: number | null;
  early_stop?: number | null;
  /** Also write event files for TensorBoard. */
  tensorboard?: boolean;
  device?: string | null;
  threads?: number | null;
  double?: boolean;
  autograd?: boolean;
  solver?: string | null;
  lr?: number | null;
  lr_policy?: string | null;
  lr_step?: number | null;
  lr_steps?: number[] | null;
  lr_gamma?: number | null;
  lr_power?: number | null;
  lr_decay?: number | null;
  momentum?: number | null;
  weight_decay?: number | null;
  crop?: number | null;
  croplen?: number | null;
  aug_flip?: 'none' | 'fliplr' | 'flipud' | 'fliplrud' | null;
  aug_quad_rot?: 'none' | 'rot90' | 'rot180' | 'rotall' | null;
  aug_rot?: number | null;
  aug_scale?: number | null;
  aug_noise?: number | null;
  aug_hsv_h?: number | null;
  aug_hsv_s?: number | null;
  aug_hsv_v?: number | null;
}

export interface DatasetRef {
  /** Below `DIR/datasets`; null when the data lies elsewhere. */
  id: string | null;
  path: string;
  /** For people: the last part of the path. */
  name: string;
}

/** `job::Best`. */
export interface Best {
  epoch: number;
  iteration: number;
  loss: number;
  file: string;
}

/** One row of the home page; also the body of `job` events. */
export interface JobSummary {
  /** The folder below `DIR/jobs`; holds `/` for a sweep's jobs. */
  id: string;
  name: string;
  group: string | null;
  status: Status;
  /** Aborted without a word: its process was killed, or the machine went down. */
  killed: boolean;
  created: string;
  started: string | null;
  finished: string | null;
  /** Seconds of training so far, all starts together. */
  elapsed_seconds: number;
  network: string;
  language: 'lua' | 'python';
  dataset: DatasetRef;
  epoch: number;
  epochs: number;
  iteration: number;
  /** Null before it can be told, and when nothing runs. */
  eta_seconds: number | null;
  images_per_second: number | null;
  train_loss: number | null;
  validation_loss: number | null;
  best: Best | null;
  /** Last validation, 0..1. */
  accuracy: number | null;
  best_accuracy: number | null;
  /** At most 48 points (epoch, loss) of the validation loss, else of the training loss. */
  spark: { of: 'validation' | 'train'; points: [epoch: number, loss: number][] };
  device: string;
  /** Place in the queue from 1 and what it waits for, in words. */
  queue: { place: number; why: string } | null;
  /** One line about the error that ended it. */
  error: string | null;
  lr: number;
  batch_size: number | null;
  solver: string;
  seed: number;
  snapshots: number;
  disk_bytes: number;
}

export interface SnapshotFile {
  epoch: number;
  iteration: number;
  /** Validation loss at that epoch. */
  loss: number | null;
  accuracy: number | null;
  bytes: number;
  best: boolean;
  /** Below the job's folder. */
  file: string;
}

/** What a network's output is, which decides the view of a test. */
export type OutputKind = 'reconstruction' | 'classes' | 'image' | 'label_image' | 'boxes' | 'numbers';

/** Everything about one job but its points. */
export interface Job {
  summary: JobSummary;
  /** `job.json`'s settings, defaults filled in. */
  settings: RunOptions;
  program: string;
  libtorch: string;
  folder: string;
  /** The command line that gives the same run. */
  command: string;
  notes: string;
  network_text: string;
  /** What the network printed when it was built, and the network as Torch prints it. */
  printed: string;
  output: OutputKind;
  /** What the loss measures, in words: "mean squared error, grey levels²". */
  loss_unit: string;
  parameters: number | null;
  /** Resident bytes of its process. */
  memory_bytes: number | null;
  data_wait: number | null;
  /** Iterations of one epoch. */
  iterations_per_epoch: number;
  /** The planned learning rate by epoch, upright steps as two points. */
  schedule: [epoch: number, rate: number][];
  snapshots: SnapshotFile[];
  next_snapshot_epoch: number | null;
  history: { time: string; text: string }[];
  error: ErrorPage | null;
  files: { name: string; bytes: number }[];
  /** Where to open the event stream so that nothing is missed. */
  cursor: string;
}

/** `job::Event`: one line of metrics.jsonl. A loss that is not finite is null. */
export interface MetricsEvent {
  event: 'start' | 'resume' | 'train' | 'validation' | 'snapshot' | 'end' | 'error';
  epoch: number;
  iteration: number;
  loss?: number | null;
  accuracy?: number;
  accuracy_top5?: number;
  lr?: number;
  images_per_second?: number;
  data_wait?: number;
  file?: string;
  message?: string;
  /** Seconds since 1970. */
  time: number;
  /** In the stream: seconds of training so far, as in the columns. */
  seconds?: number;
}

/** Points as columns of equal length; a loss that is not finite is null, which is a gap. */
export interface TrainColumns {
  epoch: number[];
  iteration: number[];
  /** Seconds of training since the first start; pauses between starts are left out. */
  seconds: number[];
  loss: (number | null)[];
  lr: (number | null)[];
  images_per_second: (number | null)[];
  data_wait: (number | null)[];
}

export interface ValidationColumns {
  epoch: number[];
  iteration: number[];
  seconds: number[];
  loss: (number | null)[];
  accuracy: (number | null)[];
  accuracy_top5: (number | null)[];
}

export interface Metrics {
  train: TrainColumns;
  validation: ValidationColumns;
  /** Points in the asked-for range on disk. */
  total: { train: number; validation: number };
  /** Whether train was thinned: of each bucket the first, lowest, highest and last point are here. */
  thinned: boolean;
  /** When thinned: mean loss of the bucket each point is from, for smoothing. */
  bucket_mean: (number | null)[] | null;
  cursor: string;
}

/** `POST /api/jobs`. Several rates or batch sizes make a sweep. */
export interface NewJob {
  name: string;
  group?: string | null;
  /** A dataset's id, or a path in `options` (train_db …). */
  dataset: string | null;
  text: string;
  language: 'lua' | 'python';
  /** What the file is called in messages and in job.json. */
  file: string;
  options: RunOptions;
  lr: number[];
  batch_size: number[];
}

export interface Strip {
  columns: { epoch: number; loss: number | null }[];
  rows: { key: string; input: string; outputs: (string | null)[] }[];
  /** `[h, w]` of one picture. */
  size: [number, number];
}

export interface LogLines {
  lines: string[];
  /** Number of the first line, from 0. */
  first: number;
  total: number;
  /** Where to follow the log so that nothing is missed. */
  cursor: string;
}

export type BulkAction =
  | { action: 'delete' | 'abort' | 'resume'; ids: string[] }
  | { action: 'group'; ids: string[]; group: string | null };

export interface BulkReply {
  done: string[];
  failed: { id: string; error: ErrorPage }[];
}
