// The tab's title, also while the tab is hidden and its stream is closed: then the job is asked for now and then.

import { api } from './api';
import { live } from './live.svelte';

const POLL_MS = 10_000;

/** Keeps `document.title` at `title()`; for a job, also in a hidden tab. */
export function tabTitle(title: () => string, job: string | null = null): void {
  $effect(() => {
    document.title = title();
  });
  $effect(() => {
    if (job === null) return;
    const timer = setInterval(async () => {
      if (!document.hidden || live.job(job)?.status !== 'Running') return;
      const fresh = await api.job(job).catch(() => null);
      if (fresh) live.took(fresh.summary);
    }, POLL_MS);
    return () => clearInterval(timer);
  });
}
