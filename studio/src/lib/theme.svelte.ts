// Light, dark, or as the system: the choice is kept in this browser.

export type ThemeChoice = 'system' | 'light' | 'dark';

const KEY = 'digits-theme';
const next: Record<ThemeChoice, ThemeChoice> = { system: 'light', light: 'dark', dark: 'system' };

function stored(): ThemeChoice {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === 'light' || kept === 'dark' ? kept : 'system';
  } catch {
    return 'system'; // storage is off: the system decides
  }
}

class Theme {
  choice = $state<ThemeChoice>(stored());
  #system = matchMedia('(prefers-color-scheme: dark)');
  #systemDark = $state(this.#system.matches);

  constructor() {
    this.#system.addEventListener('change', (event) => (this.#systemDark = event.matches));
  }

  /** The theme that is shown: what canvases and pictures of values are drawn for. */
  get shown(): 'light' | 'dark' {
    if (this.choice !== 'system') return this.choice;
    return this.#systemDark ? 'dark' : 'light';
  }

  apply(): void {
    if (this.choice === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = this.choice;
  }

  turn(): void {
    this.choice = next[this.choice];
    try {
      localStorage.setItem(KEY, this.choice);
    } catch {
      // storage is off: the choice holds until the page is left
    }
    this.apply();
  }
}

export const theme = new Theme();

/** A token's colour as the browser computes it, for canvases. Reads `theme.shown`, so effects follow the theme. */
export function token(name: string): string {
  void theme.shown;
  const probe = document.createElement('i');
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const color = getComputedStyle(probe).color;
  probe.remove();
  return color;
}
