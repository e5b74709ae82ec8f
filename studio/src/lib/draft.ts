// What is being typed into the forms of new models and datasets, kept in this tab so that a reload loses nothing.

import type { DatasetFields } from './datasetform';
import type { ModelForm } from './modelform';

export interface Draft {
  form: Partial<ModelForm>;
  text: string;
  file: string;
  language: 'lua' | 'python';
}

export interface DatasetDraft {
  fields: Partial<DatasetFields>;
  name: string;
}

/** A new model's own words and those of a clone lie beside each other: neither takes the other's place. */
const [MODEL, CLONE, DATASET, NOTES] = ['digits-draft', 'digits-clone-draft', 'digits-dataset-draft', 'digits-notes-draft'];

function read(key: string): unknown {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? 'null');
  } catch {
    return null; // storage is off, or holds something else
  }
}

function write(key: string, draft: unknown): void {
  try {
    sessionStorage.setItem(key, JSON.stringify(draft));
  } catch {
    // storage is off or full: the page still holds it
  }
}

function clear(key: string): void {
  try {
    sessionStorage.removeItem(key);
  } catch {
    // storage is off
  }
}

/** The draft of a page that began as `of`: empty, or the job or the standard network that its address names. */
export function readDraft(of = ''): Draft | null {
  const draft = read(of ? CLONE : MODEL) as (Draft & { of?: string }) | null;
  if (!draft || typeof draft.text !== 'string' || !draft.text.trim() || (draft.of ?? '') !== of) return null;
  const { of: _, ...rest } = draft;
  return rest;
}

export const writeDraft = (draft: Draft, of = ''): void => write(of ? CLONE : MODEL, { ...draft, of });
export const clearDraft = (of = ''): void => clear(of ? CLONE : MODEL);

/** The fields that were typed; of another release's form only those that are texts or marks as here. */
export function readDatasetDraft(usual: DatasetFields): DatasetDraft | null {
  const draft = read(DATASET) as DatasetDraft | null;
  if (!draft || typeof draft.fields !== 'object' || draft.fields === null) return null;
  const known = Object.entries(draft.fields).filter(([name, value]) => typeof value === typeof usual[name as keyof DatasetFields]);
  return { fields: Object.fromEntries(known) as Partial<DatasetFields>, name: typeof draft.name === 'string' ? draft.name : '' };
}

export const writeDatasetDraft = (draft: DatasetDraft): void => write(DATASET, draft);
export const clearDatasetDraft = (): void => clear(DATASET);

/** Notes that the program does not have yet, by the job's id. */
export function readNotes(): Record<string, string> {
  const notes = read(NOTES);
  if (typeof notes !== 'object' || notes === null) return {};
  return Object.fromEntries(Object.entries(notes).filter(([, text]) => typeof text === 'string')) as Record<string, string>;
}

export const writeNotes = (notes: Record<string, string>): void => (Object.keys(notes).length ? write(NOTES, notes) : clear(NOTES));
