// The program, its machine, and DIGITS' defaults.

import type { RunOptions } from './jobs';
import type { FolderDataset, ListsDataset, PairsDataset } from './datasets';

export interface Device {
  /** As `--device` takes it: "cpu", "cuda:0". */
  name: string;
  title: string;
  available: boolean;
  /** Why not, when it is not. */
  why: string | null;
  memory_used: number | null;
  memory_total: number | null;
  /** Share of its time that it works. */
  load: number | null;
  /** Degrees Celsius. */
  temperature: number | null;
}

export interface Server {
  version: string;
  libtorch: string;
  /** The folder of `--root`, absolute. */
  root: string;
  /** How many trainings run at once on one device. */
  per_device: number;
  running: number;
  waiting: number;
  cores: number;
  /** Share of all cores. */
  load: number;
  memory_used: number;
  memory_total: number;
  jobs_bytes: number;
  datasets_bytes: number;
  disk_free: number;
  devices: Device[];
}

/** DIGITS' defaults, from the one place that the command line has them from. */
export interface Defaults {
  /** How much may be asked for, at most: letters of names and notes, runs of a sweep, epochs, images a step, pixels of a crop and of a side. */
  most: { name: number; notes: number; variants: number; epochs: number; batch_size: number; crop: number; side: number };
  run: RunOptions;
  /** What each learning-rate policy adds: `{step: {lr_step: 33, lr_gamma: 0.1}}`. */
  policies: Record<string, Partial<RunOptions>>;
  solvers: { name: string; title: string; uses: ('momentum' | 'lr')[] }[];
  folder: FolderDataset;
  lists: ListsDataset;
  pairs: PairsDataset;
}
