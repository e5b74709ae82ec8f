// A line of log.txt in parts: DIGITS' prefix is `2026-11-28 03:01:09 [INFO ] text`.

export interface LogPart {
  time: string;
  text: string;
  /** `v` stands out: a validation. */
  kind: '' | 'v' | 'warn' | 'bad';
}

const PREFIX = /^\d{4}-\d\d-\d\d (\d\d:\d\d:\d\d) \[(\w+) *\] ?(.*)$/;

export function logLine(line: string): LogPart {
  const parts = PREFIX.exec(line);
  if (!parts) return { time: '        ', text: line, kind: '' };
  const [, time, level, text] = parts as unknown as [string, string, string, string];
  const kind = level === 'ERROR' || level === 'FAIL' ? 'bad' : level === 'WARNING' ? 'warn' : text.startsWith('Validation') ? 'v' : '';
  return { time, text, kind };
}
