// Axes: where the ticks stand and what they say, on linear and logarithmic scales.

import { superscript } from './format';

/** Round numbers from `low` to `high`, about `wanted` of them. */
export function linearTicks(low: number, high: number, wanted: number): number[] {
  const span = high - low;
  if (!(span > 0) || !Number.isFinite(span)) return [low];
  const rough = span / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough * 0.999) ?? 10) * power;
  const ticks: number[] = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) ticks.push(Number((i * step).toPrecision(12)));
  return ticks;
}

/** Ticks of a time in seconds: whole seconds, minutes, hours. */
export function timeTicks(low: number, high: number, wanted: number): number[] {
  const rough = (high - low) / Math.max(1, wanted);
  if (rough < 1) return linearTicks(low, high, wanted);
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400];
  const step = steps.find((one) => one >= rough) ?? 86400 * Math.ceil(rough / 86400);
  const ticks: number[] = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high * (1 + 1e-9); i++) ticks.push(i * step + 0);
  return ticks;
}

/** Ticks of a logarithmic scale: decades, with 2, 4, 6 (or 2, 5) between them where there is room. */
export function logTicks(low: number, high: number, wanted: number): number[] {
  if (!(low > 0) || !(high > low)) return low > 0 ? [low] : [];
  const decades = Math.log10(high / low);
  const parts = decades > wanted ? [1] : decades > wanted / 2 ? [1, 3] : decades > wanted / 4 ? [1, 2, 5] : [1, 2, 4, 6];
  const skip = Math.max(1, Math.ceil(decades / wanted));
  const ticks: number[] = [];
  for (let exponent = Math.floor(Math.log10(low)); exponent <= Math.ceil(Math.log10(high)); exponent++) {
    if (parts.length === 1 && exponent % skip !== 0) continue;
    for (const part of parts) {
      const value = Number((part * 10 ** exponent).toPrecision(12));
      if (value >= low * 0.9999 && value <= high * 1.0001) ticks.push(value);
    }
  }
  return ticks.length >= 2 ? ticks : linearTicks(low, high, Math.max(2, Math.min(4, wanted))).filter((value) => value > 0);
}

/** Few ticks of a logarithmic side axis: decades, else 1, 2, 5 times one, else the middle. */
export function sparseLogTicks(low: number, high: number): number[] {
  if (!(low > 0) || !(high >= low)) return [];
  const inside = (value: number) => value >= low * 0.9999 && value <= high * 1.0001;
  const parts = (factors: number[]) => {
    const list: number[] = [];
    for (let exponent = Math.floor(Math.log10(low)); exponent <= Math.ceil(Math.log10(high)); exponent++) for (const factor of factors) list.push(Number((factor * 10 ** exponent).toPrecision(6)));
    return list.filter(inside);
  };
  const decades = parts([1]);
  const skip = Math.ceil(decades.length / 5);
  if (decades.length > 1) return decades.filter((_, i) => (decades.length - 1 - i) % skip === 0);
  const some = parts([1, 2, 5]);
  return some.length ? some : [Number(Math.sqrt(low * high).toPrecision(2))];
}

/** A tick's word: 4 k, 600, 0.05, 10⁻³. */
export function tickLabel(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  const sign = value < 0 ? '−' : '';
  if (size >= 1e6 && size < 1e9) return `${sign}${Number((size / 1e6).toPrecision(4))} M`;
  if (size >= 1e3 && size < 1e6) return `${sign}${Number((size / 1e3).toPrecision(4))} k`;
  const exponent = Math.floor(Math.log10(size) + 1e-9);
  const isPower = Math.abs(size / 10 ** exponent - 1) < 1e-9;
  if (size < 1e9 && (size >= 0.1 || (size >= 0.01 && !isPower))) return sign + String(Number(size.toPrecision(6)));
  const head = Number((size / 10 ** exponent).toPrecision(3));
  return `${sign}${head === 1 ? '' : `${head}·`}10${superscript(exponent)}`;
}

/** The range of an axis: a little air around the values; a logarithmic one by factors. */
export function padded(low: number, high: number, log: boolean): [number, number] {
  if (!Number.isFinite(low) || !Number.isFinite(high)) return log ? [0.1, 1] : [0, 1];
  if (log) {
    const factor = Math.max((high / low) ** 0.05, 1.02);
    return [low / factor, high * factor];
  }
  if (low === high) return [low - Math.abs(low || 1) * 0.1, high + Math.abs(high || 1) * 0.1];
  const air = (high - low) * 0.06;
  return [low >= 0 && low < (high - low) * 0.5 ? 0 : low - air, high + air];
}
