// Numbers, times and sizes as people read them: thin grouping, few digits, a true minus sign, `·` for unknown.

/** What stands for a value that is not known. */
export const UNKNOWN = '·';

const MINUS = '−';

function grouped(whole: string): string {
  return whole.replace(/\B(?=(\d{3})+$)/g, ',');
}

/** A whole number: 45,002. */
export function count(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return UNKNOWN;
  const text = grouped(String(Math.abs(Math.round(value))));
  return value < 0 ? MINUS + text : text;
}

/**
 * A measured number with `digits` significant digits, zeros at its end included, so that columns line up: 406.9, 418.0,
 * 0.0487, 1,822.8 (one decimal from 1,000 on), 2.10 × 10⁻⁷.
 */
export function measured(value: number | null | undefined, digits = 4): string {
  if (value === null || value === undefined) return UNKNOWN;
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : `${MINUS}∞`;
  if (value === 0) return '0';
  const size = Math.abs(value);
  const sign = value < 0 ? MINUS : '';
  if (size < 1e-4 || size >= 1e9) {
    const [head, exponent] = size.toExponential(Math.min(digits, 3) - 1).split('e') as [string, string];
    return `${sign}${head} × 10${superscript(Number(exponent))}`;
  }
  if (size >= 1e5) return sign + grouped(size.toFixed(0));
  if (size >= 1000) {
    const [whole, part] = size.toFixed(1).split('.') as [string, string];
    return `${sign}${grouped(whole)}.${part}`;
  }
  return sign + size.toFixed(Math.max(0, digits - 1 - Math.floor(Math.log10(size))));
}

/** The same without zeros at the end, for numbers that stand alone: 30, 0.01, 18.41, 10⁻⁵. */
export function significant(value: number | null | undefined, digits = 4): string {
  const text = measured(value, digits);
  const [head, power] = text.split(' × ') as [string, string | undefined];
  const short = head.includes('.') ? head.replace(/\.?0+$/, '') : head;
  if (power === undefined) return short;
  return short === '1' ? power : `${short} × ${power}`;
}

/** 10⁻³ from -3. */
export function superscript(exponent: number): string {
  const marks = '⁰¹²³⁴⁵⁶⁷⁸⁹';
  const digits = String(Math.abs(exponent)).replace(/\d/g, (digit) => marks[Number(digit)]!);
  return (exponent < 0 ? '⁻' : '') + digits;
}

/** A number as it is typed into a field or a command line. */
export function plain(value: number): string {
  return String(Number(value.toPrecision(12)));
}

/** A share as percent: 98.53. */
export function percent(share: number | null | undefined, decimals = 2): string {
  if (share === null || share === undefined || !Number.isFinite(share)) return UNKNOWN;
  return (100 * share).toFixed(decimals);
}

/** Seconds: 7.6 s, 54 s, 3 min, 1 min 12 s, 1 h 12 min, 2 d 4 h. `rough` drops the second part. */
export function duration(seconds: number | null | undefined, rough = false): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return UNKNOWN;
  if (seconds < 10) return `${seconds === 0 ? 0 : seconds.toFixed(rough ? 0 : 1)} s`;
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  const two = (large: number, largeUnit: string, small: number, smallUnit: string) =>
    rough || small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
  if (rough) {
    if (seconds < 3570) return `${Math.round(seconds / 60)} min`;
    if (seconds < 84600) return `${Math.round(seconds / 3600)} h`;
    return `${Math.round(seconds / 86400)} d`;
  }
  const whole = Math.round(seconds);
  if (whole < 3600) return two(Math.floor(whole / 60), 'min', whole % 60, 's');
  const minutes = Math.round(whole / 60);
  if (minutes < 1440) return two(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
  const hours = Math.round(whole / 3600);
  return two(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

/** Seconds on an axis: 40 s, 1:10, 2:05 h. */
export function elapsed(seconds: number): string {
  if (seconds < 60) return `${Number(seconds.toPrecision(3))} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)}:${two(whole % 60)}`;
  return `${Math.floor(whole / 3600)}:${two(Math.floor((whole % 3600) / 60))} h`;
}

/** Bytes in binary units: 21.3 MiB. */
export function bytes(value: number | null | undefined): string {
  const [figure, unit] = bytesParts(value);
  return unit ? `${figure} ${unit}` : figure;
}

/** The same in two parts. */
export function bytesParts(value: number | null | undefined): [figure: string, unit: string] {
  if (value === null || value === undefined || !Number.isFinite(value)) return [UNKNOWN, ''];
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  let size = value;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return [unit === 0 ? count(size) : size < 99.95 ? size.toFixed(1) : count(size), units[unit]!];
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

const two = (n: number) => String(n).padStart(2, '0');

/** Local time of day: 03:01:14, without seconds 03:01. */
export function clock(time: Date, withSeconds = false): string {
  return `${two(time.getHours())}:${two(time.getMinutes())}${withSeconds ? `:${two(time.getSeconds())}` : ''}`;
}

/** A moment as seen from `now`: today 03:01, yesterday 17:20, 26 Nov, 3 Feb 2025. */
export function when(time: string | null | undefined, now: Date = new Date()): string {
  if (!time) return UNKNOWN;
  const at = new Date(time);
  if (Number.isNaN(at.getTime())) return UNKNOWN;
  const day = (date: Date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
  const days = Math.round((day(now) - day(at)) / 86400000);
  if (days === 0) return `today ${clock(at)}`;
  if (days === 1) return `yesterday ${clock(at)}`;
  const date = `${at.getDate()} ${MONTHS[at.getMonth()]}`;
  return at.getFullYear() === now.getFullYear() ? date : `${date} ${at.getFullYear()}`;
}

/** `[1, 28, 28]` as 1 × 28 × 28. */
export function shape(sizes: readonly number[] | null | undefined): string {
  return sizes?.length ? sizes.map(String).join(' × ') : UNKNOWN;
}

/** `[c, h, w]` as 28 × 28 grey, width first. */
export function imageSize(sizes: readonly [number, number, number] | null | undefined): [size: string, color: string] {
  if (!sizes) return [UNKNOWN, ''];
  const [channels, height, width] = sizes;
  const color = channels === 1 ? 'grey' : channels === 3 ? 'colour' : `${channels} channels`;
  return [`${width} × ${height}`, color];
}

/** One, or many: `many('model', 2)` is "2 models". */
export function many(word: string, n: number, plural = `${word}s`): string {
  return `${count(n)} ${n === 1 ? word : plural}`;
}

/** "nn.Linear(784 -> 300)" as "Linear 784 → 300"; arguments other than sizes stay in brackets. */
export function moduleName(label: string): string {
  const short = label.replace(/^\w+\./, '').replaceAll('->', '→');
  return short.replace(/^(\w+)\((\S+ → [^(),]+)\)$/, '$1 $2');
}

/** The end of a path. */
export function lastPart(path: string): string {
  return path.replace(/\/+$/, '').split('/').at(-1) ?? path;
}
