// The mock's pictures: MNIST digits cut from a sheet, maps of values in both palettes, drawn outlines and pets.

import { readFileSync } from 'node:fs';
import { crop, decode, drawn, encode, painted } from './png.js';

const fixture = (name) => decode(readFileSync(new URL(`fixtures/${name}.png`, import.meta.url)));
const sheets = { digits: fixture('digits'), strip: fixture('strip'), worst: fixture('worst') };

export const fixtures = JSON.parse(readFileSync(new URL('fixtures/test.json', import.meta.url), 'utf8'));
export const curves = JSON.parse(readFileSync(new URL('fixtures/curves.json', import.meta.url), 'utf8'));

/** Digit `index` of the dataset; the sheet holds 240 and repeats. */
export function digit(index) {
  const at = index % 240;
  return crop(sheets.digits, (at % 24) * 28, Math.floor(at / 24) * 28, 28, 28);
}

export const digitLabel = (index) => fixtures.labels[(index % 240) % fixtures.labels.length];
export const stripTile = (column, row) => crop(sheets.strip, column * 28, row * 28, 28, 28);
export const wrongTile = (column, row) => crop(sheets.worst, column * 28, row * 28, 28, 28);

/** A made-up photo: a round animal with ears, hue by index. */
export function pet(index, width = 96, height = 96) {
  const hue = (index * 47) % 360;
  const color = (h, s, l) => {
    const f = (n) => {
      const k = (n + h / 30) % 12;
      return 255 * (l - s * Math.min(l, 1 - l) * Math.max(-1, Math.min(k - 3, 9 - k, 1)));
    };
    return [f(0), f(8), f(4), 255];
  };
  const [cx, cy] = [0.5 + ((index * 13) % 7) / 60 - 0.05, 0.56];
  return drawn(width, height, (px, py) => {
    const [x, y] = [px / width, py / height];
    const grain = ((px * 31 + py * 17 + index * 7) % 11) / 140;
    const face = Math.hypot(x - cx, (y - cy) * 1.1);
    const ear = Math.min(Math.hypot(x - cx + 0.22, y - cy + 0.27), Math.hypot(x - cx - 0.22, y - cy + 0.27));
    const eye = Math.min(Math.hypot(x - cx + 0.11, y - cy + 0.05), Math.hypot(x - cx - 0.11, y - cy + 0.05));
    const nose = Math.hypot(x - cx, (y - cy - 0.1) * 1.4);
    if (eye < 0.035 || nose < 0.04) return [24, 22, 26, 255];
    if (face < 0.3 || ear < 0.13) return color(hue, 0.35, 0.62 - face * 0.5 + grain);
    return color((hue + 150) % 360, 0.22, 0.8 - y * 0.35 + grain);
  });
}

/** A triangle: outline (the feature) or filled (the label), 128 × 128. */
export function triangle(index, filled, paint = (on) => (on ? [0, 0, 0, 255] : [255, 255, 255, 255]), size = 128) {
  const corners = [0, 1, 2].map((i) => {
    const angle = (i * 2.1 + index * 0.7) % 6.283;
    const far = 0.32 + ((index * 7 + i * 3) % 5) / 40;
    return [0.5 + far * Math.cos(angle), 0.5 + far * Math.sin(angle)];
  });
  const side = ([ax, ay], [bx, by], x, y) => (bx - ax) * (y - ay) - (by - ay) * (x - ax);
  return drawn(size, size, (px, py) => {
    const [x, y] = [(px + 0.5) / size, (py + 0.5) / size];
    const sides = corners.map((corner, i) => side(corner, corners[(i + 1) % 3], x, y) / 0.55);
    const least = sides.every((s) => s > 0) ? Math.min(...sides) : sides.every((s) => s < 0) ? -Math.max(...sides) : -1;
    return paint(filled ? least >= 0 : least >= 0 && least < 0.03, x, y);
  });
}

const jetKnots = { r: [0, 0, 0, 0, 0.5, 1, 1, 1, 0.5], g: [0, 0, 0.5, 1, 1, 1, 0.5, 0, 0], b: [0.5, 1, 1, 1, 0.5, 0, 0, 0, 0] };

function jet(value) {
  const at = Math.max(0, Math.min(8, value * 8));
  const knot = Math.min(7, Math.floor(at));
  return ['r', 'g', 'b'].map((c) => 255 * (jetKnots[c][knot] + (jetKnots[c][knot + 1] - jetKnots[c][knot]) * (at - knot)));
}

const ENDS = { light: [[31, 111, 184], [200, 69, 12]], dark: [[80, 165, 255], [255, 140, 70]] };

/** A map drawn in the light theme's blue and orange, in the wanted palette and theme. */
function recolored(picture, colors, theme) {
  return painted(picture, ([r, g, b, a]) => {
    // How far from white towards one of the two ends.
    const amount = a === 0 ? 0 : (a / 255) * (1 - Math.min(r, b) / 255) * 1.15;
    const value = Math.min(1, amount) * (r > b ? 1 : -1);
    if (colors === 'jet') return [...jet((value + 1) / 2), 255];
    return [...ENDS[theme][value < 0 ? 0 : 1], 255 * Math.abs(value)];
  });
}

const cache = new Map();

/** A fixture by name as PNG bytes; maps take palette and theme. */
export function named(name, colors = 'diverging', theme = 'light', isMap = false) {
  const key = `${name} ${colors} ${theme} ${isMap}`;
  if (!cache.has(key)) {
    const picture = fixture(name);
    cache.set(key, encode(isMap ? recolored(picture, colors, theme) : picture));
  }
  return cache.get(key);
}

export { encode, painted, drawn };
