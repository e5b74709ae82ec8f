// Short messages in the corner: for what no part of the page shows, with at most one action.

export interface Toast {
  id: number;
  level: 'ok' | 'info' | 'bad';
  text: string;
  action: { label: string; run: () => void } | null;
}

const SHOWN_MS = 6000;

class Toasts {
  list = $state<Toast[]>([]);
  #next = 1;

  /** Shows a message; an error stays until it is closed. */
  show(level: Toast['level'], text: string, action: Toast['action'] = null): void {
    const same = this.list.find((toast) => toast.text === text);
    if (same) this.close(same.id);
    const id = this.#next++;
    this.list = [...this.list.slice(-3), { id, level, text, action }];
    if (level !== 'bad') setTimeout(() => this.close(id), SHOWN_MS);
  }

  close(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id);
  }
}

export const toasts = new Toasts();
