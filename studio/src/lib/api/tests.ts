// Tests: one image, a list, a database, the best images of each class.

import type { ErrorPage } from './errors';
import type { OutputKind } from './jobs';
import type { DatabaseRef } from './datasets';
import type { Graph } from './networks';

/** An image: uploaded, a record, or a file below the allowed folders. */
export type ImageRef = { upload: string } | { record: DatabaseRef & { index: number } } | { path: string };

export type SnapshotChoice = 'best' | 'last' | number;

export type TestRequest = { job: string; snapshot: SnapshotChoice } & (
  | { kind: 'one'; image: ImageRef; resize: boolean; view: OutputKind | null; top: number }
  | { kind: 'many'; list: string; folder: string | null; limit: number | null; top: number }
  | { kind: 'database'; database: DatabaseRef; labels_path: string | null }
  | { kind: 'top'; database: DatabaseRef; count: number }
);

export interface Test {
  id: string;
  job: string;
  request: TestRequest;
  state: 'running' | 'done' | 'failed';
  done: number;
  total: number;
  snapshot: { epoch: number; best: boolean };
  title: string;
  created: string;
  milliseconds: number;
  result: TestResult | null;
  error: ErrorPage | null;
}

export type TestResult = TestOne | Classification | Segmentation | DatabaseLoss | TestMany | TopImages;

export interface Statistics {
  shape: number[];
  mean: number;
  std: number;
  min: number;
  max: number;
  /** 20 bins. */
  counts: number[];
  /** 21 edges. */
  edges: number[];
  not_finite: number;
}

/** A picture by its address. Maps of values take `?colors=diverging|jet&theme=light|dark`. */
export interface Picture {
  picture: string;
  width: number;
  height: number;
  alt: string;
}

export interface LayerRow {
  /** The graph's node. */
  id: number;
  path: string;
  name: string;
  class: string;
  line: number | null;
  statistics: Statistics;
  map: Picture | null;
  learned_parameters: number;
}

/** What opening a layer loads. */
export interface LayerDetail {
  id: number;
  activations: Picture | null;
  weights: {
    /** "weight", "bias" */
    name: string;
    statistics: Statistics;
    /** Null for what has no picture. */
    map: Picture | null;
    /** "each tile: what one of the 300 outputs looks for" */
    note: string | null;
    tiles: number;
    tiles_shown: number;
    /** Value drawn in full colour. */
    scale: number;
  }[];
  learned_parameters: number;
}

export interface Prediction {
  /** From 0. */
  class: number;
  label: string;
  probability: number;
}

export interface TestOne {
  kind: 'one';
  view: OutputKind;
  size: [number, number];
  channels: number;
  /** Where it came from, in words: "uploaded", "record 30 of train". */
  source: string;
  /** Its label, when it has one. */
  truth: string | null;
  original: Picture;
  normalized: Picture;
  /** Value range of the normalised picture. */
  range: [black: number, white: number];
  code: { id: number; name: string; values: number[] } | null;
  reconstruction: {
    output: Picture;
    restored: Picture;
    difference: Picture;
    largest_error: number;
    mean_squared_error: number;
    root_mean_squared_error: number;
    mean_absolute_error: number;
    error_of_the_mean: number;
  } | null;
  predictions: Prediction[];
  label_image: {
    labels: Picture;
    truth: Picture | null;
    legend: { value: number; name: string; color: string; share: number }[];
    /** Share of pixels that are right, when the truth is known. */
    right: number | null;
  } | null;
  /** Of an image of another size than the input's. */
  image: Picture | null;
  /** The image that the record wants, where its label is one of values to repeat. */
  wanted: Picture | null;
  /** In pixels of the image; `confidence` where the network gives one. */
  boxes: { left: number; top: number; right: number; bottom: number; confidence: number | null }[] | null;
  numbers: { name: string; shape: number[]; values: number[] }[] | null;
  layers: LayerRow[];
  graph: Graph;
  learned_parameters: number;
}

export interface ClassScore {
  label: string;
  records: number;
  precision: number | null;
  recall: number | null;
  f1: number | null;
}

export interface Answer {
  index: number;
  key: string;
  right: number | null;
  answer: number;
  /** Null where it is not known; not there in a list of the surest. */
  chance_of_right?: number | null;
  chance_of_answer: number;
  picture: string;
}

export interface Classification {
  kind: 'classification';
  accuracy: number;
  accuracy_top5: number | null;
  loss: number | null;
  images: number;
  images_per_second: number;
  labels: string[];
  /** `counts[right][answer]`; of more than 200 classes `[right, answer, count]`: see `lib/confusion.ts` */
  counts: number[][];
  classes: ClassScore[];
  wrong: number;
}

export interface Answers {
  total: number;
  answers: Answer[];
}

export interface DatabaseLoss {
  kind: 'loss';
  loss: number;
  loss_unit: string;
  images: number;
  images_per_second: number;
  /** Loss of single images; null where the output is no single tensor. */
  statistics: Statistics | null;
  worst: { index: number; key: string; loss: number; picture: string }[];
}

/** Label images over a database. */
export interface Segmentation extends Omit<DatabaseLoss, 'kind'> {
  kind: 'segmentation';
  /** Share of right pixels among those whose class is known. */
  pixel_accuracy: number | null;
  mean_iou: number | null;
  known_pixels: number;
  classes: PixelClass[];
}

export interface PixelClass {
  /** From 0. */
  class: number;
  label: string;
  color: string;
  /** Of the pixels that were taken for it. */
  share: number;
  /** Intersection over union; null where the right classes are not known. */
  iou: number | null;
}

export interface TestMany {
  kind: 'many';
  images: number;
  accuracy: number | null;
  /** Of label images: the classes of all of them. */
  classes: PixelClass[] | null;
  rows: { name: string; picture: string | null; right: string | null; predictions: Prediction[]; output: number[] | null; label_image: { labels: string; overlay: string; legend: { value: number; name: string; color: string; share: number }[] } | null; error: string | null }[];
}

export interface TopImages {
  kind: 'top';
  images: number;
  classes: { class: number; label: string; images: Answer[] }[];
}
