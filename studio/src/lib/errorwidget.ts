// The block below a wrong line: the terminal page's words, and the button that mends it.

import { WidgetType } from '@codemirror/view';
import type { ErrorPage, Fix } from './api';
import { fixFor } from './fix';

function element<K extends keyof HTMLElementTagNameMap>(name: K, className: string, ...children: (Node | string)[]): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  made.className = className;
  made.append(...children);
  return made;
}

export class ErrorWidget extends WidgetType {
  constructor(
    readonly page: ErrorPage,
    readonly stale: boolean,
    readonly onfix: (fix: Fix) => void,
  ) {
    super();
  }

  override eq(other: ErrorWidget): boolean {
    return other.page === this.page && other.stale === this.stale;
  }

  override toDOM(): HTMLElement {
    const { page } = this;
    const colon = page.message.startsWith('#') ? '' : ':';
    const box = element('div', `cm-mark${this.stale ? ' stale' : ''}`, element('strong', '', `${page.title}${colon} ${page.message}`));
    box.setAttribute('role', 'note');
    const facts: [string, string][] = [...(page.module.length ? [['in the network', page.module.join(' > ')] as [string, string]] : []), ...page.facts];
    if (facts.length) box.append(element('dl', '', ...facts.flatMap(([label, value]) => [element('dt', '', label), element('dd', '', element('code', '', value))])));
    for (const cause of page.causes) box.append(element('p', '', `because: ${cause}`));
    const fix = fixFor(page);
    if (page.help || fix) {
      const row = element('div', 'row', element('span', 'grow', page.help ? `help: ${page.help}` : ''));
      if (fix) {
        const button = element('button', '', fix.title, ' ', element('kbd', '', 'ctrl .'));
        button.type = 'button';
        button.addEventListener('click', () => this.onfix(fix));
        row.append(button);
      }
      box.append(row);
    }
    // Room around the box is padding of this one: the editor does not measure margins.
    return element('div', 'cm-markroom', box);
  }

  override get estimatedHeight(): number {
    return 72 + 20 * this.page.facts.length;
  }

  override ignoreEvent(): boolean {
    return true;
  }
}
