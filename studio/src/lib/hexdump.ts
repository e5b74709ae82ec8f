// Bytes as people look at them: an offset, eight bytes a line.

export function hexdump(bytes: Uint8Array, lines: number): string {
  const out: string[] = [];
  for (let line = 0; line < lines && line * 8 < bytes.length; line++) {
    const part = [...bytes.subarray(line * 8, line * 8 + 8)].map((byte) => byte.toString(16).padStart(2, '0'));
    out.push(`${(line * 8).toString(16).padStart(4, '0')}  ${part.join(' ')}`);
  }
  if (bytes.length > lines * 8) out.push('…');
  return out.join('\n');
}

export function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}
