// Paths of small curves: sparklines, histograms.

const round = (value: number) => Math.round(value * 10) / 10;

/** A logarithmic sparkline (linear when a value is not above 0); null of fewer than one point. */
export function sparkPath(points: readonly (readonly [number, number])[], end: number, width: number, height: number): { line: string; x: number; y: number } | null {
  const good = points.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
  if (good.length === 0) return null;
  const log = good.every(([, y]) => y > 0);
  const scaled = good.map(([, y]) => (log ? Math.log(y) : y));
  const low = Math.min(...scaled);
  const span = Math.max(...scaled) - low || 1;
  const far = Math.max(end, good.at(-1)![0]) || 1;
  const place = good.map(([x], i) => [round((width * x) / far), round(height - 3 - ((height - 6) * (scaled[i]! - low)) / span)] as const);
  const line = place.map(([x, y], i) => `${i ? 'L' : 'M'}${x} ${y}`).join('');
  const [x, y] = place.at(-1)!;
  return { line, x, y };
}

/** An area under bars of equal width, through their centres; heights by square root when `root`. */
export function histogramPath(counts: readonly number[], width: number, height: number, root = false): string {
  if (counts.length === 0) return '';
  const scaled = counts.map((n) => (root ? Math.sqrt(n) : n));
  const top = Math.max(...scaled) || 1;
  const base = height - 2;
  const x = (i: number) => round(((i + 0.5) * width) / counts.length);
  const line = scaled.map((n, i) => `L${x(i)} ${round(base - ((height - 4) * n) / top)}`).join('');
  return `M${x(0)} ${base}${line}L${x(counts.length - 1)} ${base}z`;
}
