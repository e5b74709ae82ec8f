// Which page is shown: the address, moves between pages without loading, and the aliases of DIGITS' addresses.

export interface Place {
  path: string;
  query: URLSearchParams;
}

function here(): Place {
  return { path: location.pathname, query: new URLSearchParams(location.search) };
}

/** Paths that are the server's, not pages. */
const isServers = (path: string) => path.startsWith('/api/') || path.startsWith('/assets/');

class Router {
  place = $state.raw<Place>(here());
  /** Set by a page with unsaved words: asked before the page is left. */
  guard: (() => boolean) | null = null;

  constructor() {
    addEventListener('popstate', () => (this.place = here()));
    addEventListener('click', (event) => this.#click(event));
  }

  go(address: string, replace = false): void {
    if (!replace && this.guard && !this.guard()) return;
    history[replace ? 'replaceState' : 'pushState'](null, '', address);
    const samePage = location.pathname === this.place.path;
    this.place = here();
    if (!replace && !samePage && !location.hash) scrollTo(0, 0);
  }

  /** Changes the query only, keeping the page and its place in history. */
  query(change: Record<string, string | null>): void {
    const query = new URLSearchParams(this.place.query);
    for (const [name, value] of Object.entries(change)) {
      if (value === null) query.delete(name);
      else query.set(name, value);
    }
    const text = query.toString();
    this.go(this.place.path + (text ? `?${text}` : ''), true);
  }

  #click(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element | null)?.closest?.('a');
    if (!link || !link.href || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
    if (isServers(link.pathname)) return;
    if (link.pathname === location.pathname && link.hash) return;
    event.preventDefault();
    this.go(link.pathname + link.search + link.hash);
  }
}

export const router = new Router();

/** What an address means. */
export type Route =
  | { page: 'home' }
  | { page: 'new-dataset' }
  | { page: 'dataset'; id: string }
  | { page: 'database' }
  | { page: 'new-model' }
  | { page: 'job'; id: string }
  | { page: 'test'; id: string }
  | { page: 'compare' }
  | { page: 'missing' };

/** The page of a path; ids may hold an encoded slash. */
export function match(path: string): Route {
  let parts: string[];
  try {
    parts = path.replace(/\/+$/, '').split('/').slice(1).map(decodeURIComponent);
  } catch {
    return { page: 'missing' };
  }
  const [first, second, third] = parts;
  // Its sections have no pages of their own.
  if (parts.length === 0 || (parts.length === 1 && ['index.html', 'models', 'jobs', 'datasets'].includes(first!))) return { page: 'home' };
  if (first === 'compare' && parts.length === 1) return { page: 'compare' };
  const isNew = parts.at(-1) === 'new' && (parts.length === 2 || (parts.length === 4 && second === 'images'));
  if (first === 'datasets') {
    if (isNew) return { page: 'new-dataset' };
    if (second === 'open' && parts.length === 2) return { page: 'database' };
    if (second && parts.length === 2) return { page: 'dataset', id: second };
  }
  if (first === 'models' || first === 'jobs') {
    if (isNew && first === 'models') return { page: 'new-model' };
    if (second && parts.length === 2) return { page: 'job', id: second };
    if (second && third === 'test' && parts.length === 3) return { page: 'test', id: second };
  }
  return { page: 'missing' };
}

export const jobAddress = (id: string) => `/models/${encodeURIComponent(id)}`;
export const testAddress = (id: string, snapshot?: number) =>
  `/models/${encodeURIComponent(id)}/test${snapshot === undefined ? '' : `?snapshot=${snapshot}`}`;
export const datasetAddress = (id: string) => `/datasets/${encodeURIComponent(id)}`;
export const compareAddress = (ids: readonly string[]) => (ids.length ? `/compare?${new URLSearchParams(ids.map((id) => ['job', id]))}` : '/compare');
