// What buttons do to jobs and datasets: the request, the list at once, a word when it went wrong.

import { api, errorPage, type JobSummary } from './api';
import { many } from './format';
import { live } from './live.svelte';
import { toasts } from './toasts.svelte';

/** Does it, and shows an error as a message. Whether it worked. */
export async function attempt(what: () => Promise<void>): Promise<boolean> {
  try {
    await what();
    return true;
  } catch (thrown) {
    const page = errorPage(thrown);
    toasts.show('bad', page.help ? `${page.message}: ${page.help}` : page.message);
    return false;
  }
}

export const abortJob = (job: JobSummary) => attempt(async () => live.took(await api.abortJob(job.id)));
export const startJob = (job: JobSummary) => attempt(async () => live.took(await api.startJob(job.id)));
export const resumeJob = (job: JobSummary, how: { epochs?: number; from_snapshot?: number } = {}) =>
  attempt(async () => live.took(await api.resumeJob(job.id, how)));

/** Deletes several, says which stayed and why, and gives those back. */
export async function deleteJobs(ids: string[]): Promise<string[]> {
  let stayed = ids;
  await attempt(async () => {
    const reply = await api.bulk({ action: 'delete', ids });
    live.removed(...reply.done);
    stayed = reply.failed.map(({ id }) => id);
    const [first] = reply.failed;
    if (first) toasts.show('bad', `${many('model', stayed.length)} not deleted: ${first.error.message}`);
    else toasts.show('ok', `${many('model', reply.done.length)} deleted`);
  });
  return stayed;
}

export async function abortJobs(ids: string[]): Promise<boolean> {
  return attempt(async () => {
    const reply = await api.bulk({ action: 'abort', ids });
    const [first] = reply.failed;
    if (first) toasts.show('bad', `${many('model', reply.failed.length)} not stopped: ${first.error.message}`);
  });
}

export async function groupJobs(ids: string[], group: string | null): Promise<boolean> {
  return attempt(async () => {
    await api.bulk({ action: 'group', ids, group });
    const of = new Set(ids);
    live.took(...(live.jobs ?? []).filter((job) => of.has(job.id)).map((job) => ({ ...job, group })));
  });
}
