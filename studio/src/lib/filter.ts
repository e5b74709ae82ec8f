// The filter of the home page: words that must occur, and comparisons such as `lr>0.01`, `epoch<=10`, `state:done`.

import type { JobSummary } from './api';
import { stateOf } from './state';

type Number_ = (job: JobSummary) => number | null;

/** What can be compared, by the names that people type. */
export const FIELDS: Record<string, Number_> = {
  lr: (job) => job.lr,
  batch: (job) => job.batch_size,
  epoch: (job) => job.epoch,
  epochs: (job) => job.epochs,
  loss: (job) => job.best?.loss ?? job.validation_loss ?? job.train_loss,
  accuracy: (job) => (job.best_accuracy === null ? null : 100 * job.best_accuracy),
  seed: (job) => job.seed,
  speed: (job) => job.images_per_second,
};

const COMPARISON = /^(\w+)(<=|>=|!=|<|>|=)(-?[\d.]+(?:e-?\d+)?)$/i;

function compare(left: number, sign: string, right: number): boolean {
  switch (sign) {
    case '<': return left < right;
    case '>': return left > right;
    case '<=': return left <= right;
    case '>=': return left >= right;
    case '!=': return left !== right;
    default: return left === right;
  }
}

/** A test for jobs from the text of the filter field. */
export function filter(text: string): (job: JobSummary) => boolean {
  const tests = text.toLowerCase().split(/\s+/).filter(Boolean).map((word): ((job: JobSummary) => boolean) => {
    const parts = COMPARISON.exec(word);
    const field = parts && FIELDS[parts[1]!];
    if (field) {
      return (job) => {
        const value = field(job);
        return value !== null && compare(value, parts[2]!, Number(parts[3]));
      };
    }
    const [key, value] = word.split(':', 2) as [string, string | undefined];
    if (value !== undefined) {
      if (key === 'state') return (job) => stateOf(job).startsWith(value);
      if (key === 'dataset') return (job) => job.dataset.name.toLowerCase().includes(value);
      if (key === 'group') return (job) => (job.group ?? '').toLowerCase().includes(value);
      if (key === 'solver') return (job) => job.solver.toLowerCase().startsWith(value);
    }
    return (job) =>
      [job.name, job.id, job.network, job.dataset.name, job.group ?? '', job.solver].some((part) => part.toLowerCase().includes(word));
  });
  return (job) => tests.every((test) => test(job));
}
