// Networks: files, checks with their graph, previews of rate and augmentation.

import type { ErrorPage } from './errors';
import type { OutputKind, RunOptions } from './jobs';

export interface NetworkFile {
  name: string;
  title: string;
  language: 'lua' | 'python';
  /** "classification", "image to image". */
  task: string;
  /** The input it asks for: "1 × 28 × 28 grey"; null takes any. */
  input: string | null;
  text: string;
}

/** A module that the editor completes. */
export interface ModuleInfo {
  /** "nn.Linear" */
  name: string;
  /** "nn.Linear(inputSize, outputSize, [bias])" */
  signature: string;
  summary: string;
}

export interface CheckRequest {
  text: string;
  language: 'lua' | 'python';
  file: string;
  dataset: string | null;
  crop: number | null;
  batch_size: number | null;
  /** Also compare the gradients of Lua code with finite differences: `gradients` of the reply. */
  gradients?: boolean;
}

export interface GraphNode {
  /** Order of execution, from 1. */
  id: number;
  /** As in Lua: "2.1". */
  path: string;
  /** "nn.Linear" */
  class: string;
  /** "nn.Linear(784 -> 300)" */
  label: string;
  /** Line that built it. */
  line: number | null;
  /** Shape of one sample's output, channels first; null when not reached. */
  output: number[] | null;
  parameters: number;
  /** Multiply-adds times two of one sample. */
  flops: number | null;
  state: 'ok' | 'error' | 'not_reached';
}

export interface GraphEdge {
  /** Node ids; 0 is the network's input. */
  from: number;
  to: number;
  /** "1 × 28 × 28" */
  label: string | null;
  /** What is wrong with what flows here: "784, wants 783". */
  error: string | null;
}

export interface Graph {
  input: number[] | null;
  nodes: GraphNode[];
  edges: GraphEdge[];
}

/** `inspect::network::NetworkSummary` and the graph. A failed check gives as much of both as is known. */
export interface CheckReply {
  ok: boolean;
  milliseconds: number;
  error: ErrorPage | null;
  printed: string;
  criterion: string | null;
  graph: Graph | null;
  totals: {
    parameters: number;
    frozen: number;
    parameter_bytes: number;
    flops: number | null;
    activation_bytes: number | null;
    training_bytes: number | null;
  } | null;
  /** The batch that `totals` are for. */
  batch_size: number;
  settings: {
    train_batch_size: number | null;
    validation_batch_size: number | null;
    croplen: number | null;
    label_hook: boolean;
    fine_tune_hook: boolean;
  } | null;
  output: OutputKind | null;
  /** Where `gradients` was asked for: a part with a backward of its own each. */
  gradients?: {
    path: string;
    module: string;
    place: string | null;
    gradients: { name: string; relative_error: number; at: string; backward: number; differences: number }[];
    skipped: string | null;
  }[];
}

export interface RateRequest {
  dataset: string | null;
  options: RunOptions;
  lr: number[];
  batch_size: number | null;
}

export interface RateReply {
  iterations_per_epoch: number;
  iterations: number;
  epochs: number;
  curves: { base: number; points: [epoch: number, rate: number][] }[];
}

export interface AugmentationReply {
  /** The record before, then what the loader makes of it in the first epochs, as data: URLs of PNG. */
  input: string;
  pictures: string[];
  size: [number, number];
}
