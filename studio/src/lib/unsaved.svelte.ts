// Notes that were typed and that the program does not have yet: kept in this tab over a reload, sent as soon as it answers.

import { api, ApiError, errorPage } from './api';
import { readNotes, writeNotes } from './draft';

class Unsaved {
  /** By the job's id. */
  notes = $state.raw<Record<string, string>>(readNotes());
  /** Why the program refuses some, by the job's id. */
  refused = $state.raw<Record<string, string>>({});

  /** Keeps what is typed. */
  keep(id: string, text: string): void {
    this.#set({ ...this.notes, [id]: text });
  }

  /** Sends what is kept; what the program does not take stays. */
  async send(): Promise<void> {
    for (const [id, text] of Object.entries(this.notes)) {
      try {
        await api.changeJob(id, { notes: text });
        this.#done(id, text);
      } catch (thrown) {
        if (thrown instanceof ApiError && thrown.offline) return;
        // Of a job that is gone nobody wants notes.
        if (thrown instanceof ApiError && thrown.status === 404) this.#done(id, text);
        else this.refused = { ...this.refused, [id]: errorPage(thrown).message };
      }
    }
  }

  #done(id: string, text: string): void {
    const { [id]: _, ...refused } = this.refused;
    this.refused = refused;
    // What was typed since is newer than what was sent.
    if (this.notes[id] !== text) return;
    const { [id]: __, ...rest } = this.notes;
    this.#set(rest);
  }

  #set(notes: Record<string, string>): void {
    this.notes = notes;
    writeNotes(notes);
  }
}

export const unsaved = new Unsaved();
