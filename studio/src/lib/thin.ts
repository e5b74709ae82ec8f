// Fewer points with the same look: of each pixel's worth of points the first, lowest, highest and last are kept.

export type Column = ArrayLike<number | null>;

/**
 * Indices of the points to draw of `y` over rising `x`, between `from` and `to`, for `buckets` pixels. Gaps (null or
 * not finite) are kept, one for a run of them; the neighbours just outside the range are kept so that lines leave it.
 */
export function thin(x: ArrayLike<number>, y: Column, from: number, to: number, buckets: number): number[] {
  const start = Math.max(0, lowerBound(x, from) - 1);
  const end = Math.min(x.length, upperBound(x, to) + 1);
  const kept: number[] = [];
  if (end - start <= 4 * buckets || !(to > from)) {
    for (let i = start; i < end; i++) kept.push(i);
    return kept;
  }
  const scale = buckets / (to - from);
  let at = start;
  while (at < end) {
    const bucket = Math.floor((x[at]! - from) * scale);
    let next = at;
    let low = -1;
    let high = -1;
    let gap = -1;
    while (next < end && Math.floor((x[next]! - from) * scale) === bucket) {
      const value = y[next];
      if (value === null || value === undefined || !Number.isFinite(value)) gap = next;
      else {
        if (low < 0 || value < y[low]!) low = next;
        if (high < 0 || value > y[high]!) high = next;
      }
      next += 1;
    }
    const chosen = [at, low, high, gap, next - 1].filter((index) => index >= 0).sort((a, b) => a - b);
    for (const index of chosen) if (kept.at(-1) !== index) kept.push(index);
    at = next;
  }
  return kept;
}

/** First index whose value is not below `value`. */
export function lowerBound(sorted: ArrayLike<number>, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** First index whose value is above `value`. */
export function upperBound(sorted: ArrayLike<number>, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Index of the value nearest to `value`; -1 of an empty list. */
export function nearest(sorted: ArrayLike<number>, value: number): number {
  const after = lowerBound(sorted, value);
  if (after === 0) return sorted.length ? 0 : -1;
  if (after === sorted.length) return after - 1;
  return sorted[after]! - value < value - sorted[after - 1]! ? after : after - 1;
}

/**
 * Exponential moving average, 0 (as it is) to below 1, without the pull of the first value: each is divided by the
 * weights so far. A gap stays a gap and does not count.
 */
export function smooth(y: Column, weight: number): (number | null)[] {
  const out: (number | null)[] = new Array(y.length);
  let sum = 0;
  let weights = 0;
  for (let i = 0; i < y.length; i++) {
    const value = y[i];
    if (value === null || value === undefined || !Number.isFinite(value)) {
      out[i] = null;
      continue;
    }
    sum = weight * sum + (1 - weight) * value;
    weights = weight * weights + (1 - weight);
    out[i] = sum / weights;
  }
  return out;
}

/** Index of the lowest finite value; -1 when there is none. */
export function lowest(y: Column): number {
  let best = -1;
  for (let i = 0; i < y.length; i++) {
    const value = y[i];
    if (value !== null && value !== undefined && Number.isFinite(value) && (best < 0 || value < y[best]!)) best = i;
  }
  return best;
}
