// Copying text, with a word about whether it worked.

import { toasts } from './toasts.svelte';

/** Copies `text`; `what` names it in the message. */
export async function copyText(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    toasts.show('ok', `${what} is in the clipboard`);
  } catch {
    // Not on a secure address: the old way, through a selection.
    const area = document.createElement('textarea');
    area.value = text;
    area.setAttribute('readonly', '');
    area.className = 'sr';
    document.body.append(area);
    area.select();
    const copied = document.execCommand('copy');
    area.remove();
    toasts.show(copied ? 'ok' : 'bad', copied ? `${what} is in the clipboard` : 'the browser does not allow copying');
  }
}
