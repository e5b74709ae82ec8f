// PNG in and out, as far as the mock server needs it: 8 bits, grey, palette or colour, not interlaced.

import { deflateSync, inflateSync } from 'node:zlib';

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});

function crc(bytes) {
  let c = 0xffffffff;
  for (const byte of bytes) c = CRC[(c ^ byte) & 255] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

function chunk(name, data) {
  const body = Buffer.concat([Buffer.from(name), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc(body), body.length + 4);
  return out;
}

/** `{width, height, rgba}` as a PNG file. */
export function encode({ width, height, rgba }) {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head[8] = 8;
  head[9] = 6;
  const rows = Buffer.alloc((width * 4 + 1) * height);
  for (let y = 0; y < height; y++) Buffer.from(rgba.buffer, rgba.byteOffset + y * width * 4, width * 4).copy(rows, y * (width * 4 + 1) + 1);
  return Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), chunk('IHDR', head), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
}

/** A PNG file as `{width, height, rgba}`. */
export function decode(file) {
  let at = 8;
  let head;
  let palette;
  let alpha;
  const parts = [];
  while (at < file.length) {
    const length = file.readUInt32BE(at);
    const name = file.toString('latin1', at + 4, at + 8);
    const data = file.subarray(at + 8, at + 8 + length);
    if (name === 'IHDR') head = data;
    if (name === 'PLTE') palette = data;
    if (name === 'tRNS') alpha = data;
    if (name === 'IDAT') parts.push(data);
    at += length + 12;
  }
  const [width, height, depth, type] = [head.readUInt32BE(0), head.readUInt32BE(4), head[8], head[9]];
  if (depth !== 8 || head[12] !== 0) throw new Error('8 bits, not interlaced, please');
  const channels = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }[type];
  const raw = inflateSync(Buffer.concat(parts));
  const stride = width * channels;
  const pixels = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (stride + 1)];
    for (let x = 0; x < stride; x++) {
      const left = x >= channels ? pixels[y * stride + x - channels] : 0;
      const up = y ? pixels[(y - 1) * stride + x] : 0;
      const corner = y && x >= channels ? pixels[(y - 1) * stride + x - channels] : 0;
      const guess = left + up - corner;
      const [a, b, c] = [left, up, corner].map((v) => Math.abs(guess - v));
      const add = [0, left, up, (left + up) >> 1, a <= b && a <= c ? left : b <= c ? up : corner][filter];
      pixels[y * stride + x] = raw[y * (stride + 1) + 1 + x] + add;
    }
  }
  const rgba = new Uint8ClampedArray(width * height * 4);
  for (let i = 0; i < width * height; i++) {
    const p = i * channels;
    const value = pixels[p];
    const color = type === 3 ? [...palette.subarray(value * 3, value * 3 + 3), alpha?.[value] ?? 255]
      : type === 0 ? [value, value, value, 255] : type === 4 ? [value, value, value, pixels[p + 1]]
      : [pixels[p], pixels[p + 1], pixels[p + 2], type === 6 ? pixels[p + 3] : 255];
    rgba.set(color, i * 4);
  }
  return { width, height, rgba };
}

/** A part of a picture. */
export function crop(picture, x, y, width, height) {
  const rgba = new Uint8ClampedArray(width * height * 4);
  for (let row = 0; row < height; row++) {
    const from = ((y + row) * picture.width + x) * 4;
    rgba.set(picture.rgba.subarray(from, from + width * 4), row * width * 4);
  }
  return { width, height, rgba };
}

/** Every pixel through `paint(rgba, x, y) => rgba`. */
export function painted(picture, paint) {
  const rgba = new Uint8ClampedArray(picture.rgba.length);
  for (let i = 0; i < rgba.length; i += 4) {
    const n = i / 4;
    rgba.set(paint([...picture.rgba.subarray(i, i + 4)], n % picture.width, Math.floor(n / picture.width)), i);
  }
  return { ...picture, rgba };
}

/** A picture of `paint(x, y) => rgba`. */
export function drawn(width, height, paint) {
  return painted({ width, height, rgba: new Uint8ClampedArray(width * height * 4) }, (_, x, y) => paint(x, y));
}
