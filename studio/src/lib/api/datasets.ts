// Datasets: rows, details, forms, scans, databases and their records.

import type { ErrorPage } from './errors';
import type { JobSummary } from './jobs';

/** `Absent` is the built-in sample before its folder is made. */
export type DatasetStatus = 'Absent' | 'Making' | 'Done' | 'Aborted' | 'Error';

export interface DatasetSummary {
  id: string;
  name: string;
  status: DatasetStatus;
  kind: 'classification' | 'generic' | 'pairs';
  /** The sample that ships in the program; it cannot be deleted. */
  built_in: boolean;
  /** `[c, h, w]`; null until known. */
  shape: [number, number, number] | null;
  classes: number;
  train: number;
  val: number;
  test: number;
  skipped: number;
  disk_bytes: number;
  created: string;
  /** Where the images came from, in words: "from idx files". */
  source: string;
  /** How many jobs use it. */
  models: number;
  /** Pictures of the first train records, at most 6. */
  thumbs: string[];
  progress: { stage: string; done: number; total: number; eta_seconds: number | null } | null;
  error: string | null;
}

export interface SplitInfo {
  name: 'train' | 'val' | 'test';
  folder: string;
  labels_folder: string | null;
  entries: number;
  /** Records of each class, in the order of `labels`; empty without classes. */
  classes: number[];
}

export interface Dataset {
  summary: DatasetSummary;
  folder: string;
  splits: SplitInfo[];
  labels: string[];
  /** Of label images: the colour of each class in every picture, in the order of `labels`; else empty. */
  colors: string[];
  mean: { picture: string; file: string; value: number; darkest: number; brightest: number } | null;
  resize: Resize | null;
  encoding: Encoding | null;
  seed: number | null;
  fingerprint: string;
  skipped: { file: string; reason: string }[];
  models: JobSummary[];
  command: string;
  error: ErrorPage | null;
}

export type Resize = 'squash' | 'crop' | 'fill' | 'half_crop';
export type Encoding = 'png' | 'jpg' | 'none';

interface ImageForm {
  width: number;
  height: number;
  channels: 1 | 3;
  resize: Resize;
  encoding: Encoding;
  seed: number;
}

/** A folder with a subfolder for each class. */
export interface FolderDataset extends ImageForm {
  kind: 'folder';
  folder: string;
  val_folder: string | null;
  test_folder: string | null;
  val_percent: number;
  test_percent: number;
  min_per_class: number;
  max_per_class: number | null;
}

/** Text files: a path and a class number on each line. A path, or `upload:<id>`. */
export interface ListsDataset extends ImageForm {
  kind: 'lists';
  train: string;
  train_folder: string | null;
  val: string | null;
  val_folder: string | null;
  test: string | null;
  test_folder: string | null;
  labels: string;
  shuffle: boolean;
}

/** Databases that exist already, used where they lie. */
export interface GenericDataset {
  kind: 'generic';
  train_db: string;
  train_labels_db: string | null;
  val_db: string | null;
  val_labels_db: string | null;
  mean: string | null;
}

/** A folder of inputs and a folder of label images, paired by name. */
export interface PairsDataset extends ImageForm {
  kind: 'pairs';
  feature_folder: string;
  label_folder: string;
  val_feature_folder: string | null;
  val_label_folder: string | null;
  val_percent: number;
  /** What a label image means: values to repeat, or a class at each pixel. */
  labels_are: 'images' | 'classes';
  class_names: string | null;
  color_map_file: string | null;
}

/** The MNIST sample in the program. */
export interface SampleDataset {
  kind: 'sample';
}

export type DatasetForm = FolderDataset | ListsDataset | GenericDataset | PairsDataset | SampleDataset;
export type NewDataset = DatasetForm & { name: string };

/** What a form would make, as far as it is known after a second; `complete: false` asks to be asked again. */
export interface Scan {
  complete: boolean;
  seconds: number;
  classes: { name: string; train: number; val: number; test: number; left_out: string | null }[];
  train: number;
  val: number;
  test: number;
  /** Of pairs with classes: how many label images were looked at; null otherwise. */
  looked_at: number | null;
  left_out_total: number;
  left_out: { file: string; reason: string }[];
  /** Some images, a few of each class. `picture` shows them as they are. */
  samples: { file: string; class: string | null; width: number; height: number; picture: string; label_picture: string | null }[];
  databases: DatabaseInfo[];
  /** A page for each field whose value is wrong. */
  fields: Record<string, ErrorPage>;
}

/** An LMDB of Datum records. */
export interface DatabaseInfo {
  path: string;
  /** In a scan: the form's field that names it. */
  field?: string;
  records: number;
  shape: [number, number, number] | null;
  encoding: Encoding | null;
  /** "class numbers", "floats [1, 1, 2]", "images 1 × 32 × 32". */
  labels: string;
  bytes: number;
  /** "digits-rs", "DIGITS or Caffe", "unknown": what its keys look like. */
  made_by: string;
  thumbs: string[];
}

/** Which database: a split of a dataset, or a path. */
export type DatabaseRef = { dataset: string; split: 'train' | 'val' | 'test' } | { path: string };

export interface RecordRef {
  index: number;
  key: string;
  /** A class, or the label in words; null without. */
  label: string | null;
  class: number | null;
  picture: string;
  label_picture: string | null;
}

export interface Records {
  /** Records that pass the filter. */
  total: number;
  records: RecordRef[];
}

export interface RecordDetail extends RecordRef {
  bytes: number;
  encoding: Encoding;
  shape: [number, number, number];
  /** The first 256 bytes, base64. */
  head: string;
  /** Values of a record of floats, at most 64. */
  floats: number[] | null;
}
