import { beforeEach, expect, test, vi } from 'vitest';

/** What a stream was opened with, and its handlers. */
interface Opened {
  url: string;
  lastId: string;
  handlers: { event(event: { id: string; name: string; data: string }): void };
  closed: boolean;
}
const opened: Opened[] = [];

vi.mock('./router.svelte', () => ({ router: { place: { path: '/' }, go: () => {} }, jobAddress: (id: string) => `/models/${id}` }));
vi.mock('./sse', () => ({
  EventStream: class {
    #own: Opened;
    constructor(url: string, handlers: Opened['handlers'], lastId: string) {
      this.#own = { url, handlers, lastId, closed: false };
      opened.push(this.#own);
    }
    close() {
      this.#own.closed = true;
    }
  },
}));
let boot = 1;
vi.mock('./api', () => ({
  ApiError: class extends Error {},
  errorPage: (thrown: unknown) => thrown,
  api: {
    jobs: async () => ({ jobs: [], cursor: `boot${boot}.7` }),
    datasets: async () => ({ datasets: [] }),
    server: async () => ({}),
    events: ({ job, from }: { job?: string; from?: string }) => `${job ?? ''} from ${from ?? ''}`,
  },
}));

const { live } = await import('./live.svelte');
const handlers = { metrics: vi.fn(), rewound: vi.fn(), log: () => {}, detail: () => {} };
const watched = (cursor: string) => live.watch({ id: 'a', cursor, logCursor: '', ...handlers });
const last = () => opened.at(-1)!;
const metrics = (id: string) => last().handlers.event({ id, name: 'metrics', data: '{"job":"a","events":[]}' });

beforeEach(async () => {
  vi.clearAllMocks();
  boot = 1;
  await live.load();
});

test('whoever watches anew begins where its own reading ended', () => {
  watched('place 1');
  metrics('boot1.9!place 3!log 3');
  // The points were read up to here before the stream sent those behind.
  watched('place 2');
  expect(last()).toMatchObject({ url: 'a from place 2', lastId: 'boot1.9' });
});

test('a server that began anew has its watcher load the job first', async () => {
  watched('place 1');
  metrics('boot1.9!place 3!log 3');
  boot = 2;
  last().handlers.event({ id: 'boot2.0', name: 'reset', data: '{}' });
  await vi.waitFor(() => expect(handlers.rewound).toHaveBeenCalledOnce());
  expect(last()).toMatchObject({ url: ' from ', lastId: 'boot2.7' });
  watched('place 4');
  expect(last()).toMatchObject({ url: 'a from place 4', lastId: 'boot2.7' });
  expect(opened.filter((stream) => !stream.closed)).toHaveLength(1);
});
