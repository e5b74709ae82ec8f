// Tests of the stream: parsing in any pieces, and catching up after a break without gap or repetition.

import { afterEach, expect, it, vi } from 'vitest';
import { backoff, EventParser, EventStream, type StreamEvent } from './sse';

const TEXT = ': awake\nid: 7-1\nevent: job\ndata: {"id":"a"}\n\nid: 7-2\r\ndata: one\r\ndata:two\r\n\r\nevent: none\n\ndata\n\n';

it('parses the same from any pieces', () => {
  const whole = new EventParser();
  const expected: StreamEvent[] = [
    { id: '7-1', name: 'job', data: '{"id":"a"}' },
    { id: '7-2', name: 'message', data: 'one\ntwo' },
    { id: '7-2', name: 'message', data: '' },
  ];
  expect(whole.push(TEXT)).toEqual(expected);
  expect(whole.lastId).toBe('7-2');
  for (let size = 1; size < 12; size++) {
    const parser = new EventParser();
    const events: StreamEvent[] = [];
    for (let i = 0; i < TEXT.length; i += size) events.push(...parser.push(TEXT.slice(i, i + size)));
    expect(events).toEqual(expected);
  }
});

it('waits longer each time, to a limit', () => {
  expect([1, 2, 3, 4, 5, 9].map(backoff)).toEqual([1, 2, 4, 8, 15, 15]);
});

afterEach(() => vi.useRealTimers());

it('comes back with its last id and misses nothing', async () => {
  vi.useFakeTimers();
  const log = Array.from({ length: 9 }, (_, i) => `id: ${i + 1}\nevent: n\ndata: ${i + 1}\n\n`);
  const asked: (string | null)[] = [];
  // The server breaks off in the middle of an event, then refuses once, then goes on from where it was asked to.
  const fetcher = (async (_url: string, init: RequestInit) => {
    const from = new Headers(init.headers).get('last-event-id');
    asked.push(from);
    if (asked.length === 2) return new Response('no', { status: 503 });
    const rest = log.slice(from ? Number(from) : 0).join('');
    return new Response(asked.length === 1 ? rest.slice(0, rest.indexOf('data: 5')) : rest);
  }) as typeof fetch;
  const seen: string[] = [];
  const lost: number[] = [];
  const stream = new EventStream(
    '/api/events',
    { event: (event) => seen.push(event.data), open: () => {}, lost: (_at, status) => lost.push(status) },
    '',
    fetcher,
  );
  await vi.advanceTimersByTimeAsync(10);
  await vi.advanceTimersByTimeAsync(1000);
  await vi.advanceTimersByTimeAsync(2000);
  stream.close();
  expect(seen).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '9']);
  expect(asked.slice(0, 3)).toEqual([null, '4', '4']);
  expect(lost.slice(0, 2)).toEqual([200, 503]);
});

it('is quiet once closed', async () => {
  vi.useFakeTimers();
  const fetcher = vi.fn(async () => Promise.reject(new Error('down')));
  const lost = vi.fn();
  const stream = new EventStream('/x', { event: () => {}, open: () => {}, lost }, '', fetcher as unknown as typeof fetch);
  await vi.advanceTimersByTimeAsync(0);
  expect(lost).toHaveBeenCalledTimes(1);
  stream.close();
  await vi.advanceTimersByTimeAsync(60000);
  expect(fetcher).toHaveBeenCalledTimes(1);
});
