// What a chart draws: lines put on one axis, ranges of what is seen, labels that do not cover each other.

import uPlot from 'uplot';
import { padded } from './scale';
import { thin, type Column } from './thin';

export interface Line {
  key: string;
  label: string;
  /** A CSS colour: `var(--s1)`. */
  color: string;
  x: ArrayLike<number>;
  y: Column;
  /** The left axis, or the right one. */
  axis: 'y' | 'y2';
  style: 'line' | 'raw' | 'dots' | 'dashed' | 'planned' | 'long-dashed';
  /** It keeps its value up to the next point: rates of a policy. */
  steps?: boolean;
  /** Whether the row above the plot shows its value. */
  read: boolean;
}

/** Rising x without two alike, which a shared axis needs: a later point at the same place moves by next to nothing. */
export function rising(x: ArrayLike<number>): number[] {
  const out: number[] = new Array(x.length);
  const step = 1e-9 * Math.max(1, Math.abs(x[x.length - 1] ?? 1));
  for (let i = 0; i < x.length; i++) out[i] = i && x[i]! <= out[i - 1]! ? out[i - 1]! + step : x[i]!;
  return out;
}

/** The points of each line to draw in `[from, to]`, joined over one x; null is a gap, undefined is not there. */
export function joined(lines: readonly Line[], from: number, to: number, pixels: number, log: boolean): uPlot.AlignedData {
  const tables = lines.map((line): uPlot.AlignedData => {
    const x = rising(line.x);
    const kept = thin(x, line.y, from, to, pixels);
    const logarithmic = line.axis === 'y2' || log;
    const value = (i: number) => {
      const y = line.y[i];
      return y === null || y === undefined || !Number.isFinite(y) || (logarithmic && y <= 0) ? null : y;
    };
    return [kept.map((i) => x[i]!), kept.map(value)] as uPlot.AlignedData;
  });
  if (tables.length === 0) return [[], []];
  if (tables.length === 1) return tables[0]!;
  return uPlot.join(tables, tables.map(() => [1, 1]));
}

/** Lowest and highest value of the lines of an axis in `[from, to]`, with air; logarithmic, at most `decades` below the top. */
export function rangeOf(lines: readonly Line[], axis: 'y' | 'y2', from: number, to: number, log: boolean, decades = Infinity): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const line of lines) {
    if (line.axis !== axis) continue;
    for (let i = 0; i < line.y.length; i++) {
      const y = line.y[i];
      if (y === null || y === undefined || !Number.isFinite(y) || (log && y <= 0)) continue;
      if (line.x[i]! < from || line.x[i]! > to) continue;
      if (y < low) low = y;
      if (y > high) high = y;
    }
  }
  if (log && high > 0) low = Math.max(low, high / 10 ** decades);
  return padded(low, high, log);
}

/** Places for labels wanted at `places`, moved as little as possible so that they are `gap` apart and within `[0, end]`. */
export function spread(places: readonly number[], gap: number, end: number): number[] {
  const order = places.map((place, i) => ({ place, i })).sort((a, b) => a.place - b.place);
  const out: number[] = order.map((one) => one.place);
  for (let i = 1; i < out.length; i++) out[i] = Math.max(out[i]!, out[i - 1]! + gap);
  for (let i = out.length - 1; i >= 0; i--) out[i] = Math.min(out[i]!, end - (out.length - 1 - i) * gap);
  const result: number[] = new Array(places.length);
  order.forEach((one, i) => (result[one.i] = Math.max(0, out[i]!)));
  return result;
}
