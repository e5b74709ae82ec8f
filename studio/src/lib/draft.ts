// What is being typed into the new model's form, kept in this browser so that nothing is lost with the tab.

import type { ModelForm } from './modelform';

export interface Draft {
  form: Partial<ModelForm>;
  text: string;
  file: string;
  language: 'lua' | 'python';
}

const KEY = 'digits-draft';

export function readDraft(): Draft | null {
  try {
    const draft = JSON.parse(sessionStorage.getItem(KEY) ?? 'null') as Draft | null;
    return draft && typeof draft.text === 'string' && draft.text.trim() ? draft : null;
  } catch {
    return null; // storage is off, or holds something else
  }
}

export function writeDraft(draft: Draft): void {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(draft));
  } catch {
    // storage is off or full: the page still holds it
  }
}

export function clearDraft(): void {
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    // storage is off
  }
}
