// The network editor: CodeMirror's parts in a shadow root, where its styles are allowed under the strict policy.

import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, type CompletionContext, type CompletionResult } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { bracketMatching, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting, type LanguageSupport } from '@codemirror/language';
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search';
import { Compartment, EditorState, RangeSet, StateEffect, StateField, type Extension, type Range } from '@codemirror/state';
import { Decoration, drawSelection, EditorView, GutterMarker, gutterLineClass, highlightActiveLineGutter, keymap, lineNumbers, type DecorationSet } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import type { ErrorPage, Fix, ModuleInfo } from './api';
import { editorTheme } from './editortheme';
import { ErrorWidget } from './errorwidget';
import { fixFor, marked, placeOf } from './fix';
import { luaLanguage } from './lua';

export interface EditorOptions {
  text: string;
  language: 'lua' | 'python';
  label: string;
  modules: () => readonly ModuleInfo[];
  onchange: (text: string) => void;
  oncursor: (line: number, column: number) => void;
  oncreate: () => void;
}

/** What is wrong, whether the text has changed since, and which line the graph points at. */
interface Marks {
  error: ErrorPage | null;
  stale: boolean;
  linked: number | null;
}

const setMarks = StateEffect.define<Partial<Marks>>();

class Diamond extends GutterMarker {
  override elementClass = 'cm-wrongline';
}
const diamond = new Diamond();

const colors = HighlightStyle.define([
  { tag: [tags.keyword, tags.controlKeyword, tags.definitionKeyword, tags.operatorKeyword], color: 'var(--syn-key)' },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: 'var(--syn-num)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--syn-str)' },
  { tag: [tags.function(tags.variableName), tags.function(tags.propertyName), tags.standard(tags.variableName), tags.className], color: 'var(--syn-call)' },
  { tag: [tags.comment, tags.meta], color: 'var(--syn-note)', fontStyle: 'italic' },
]);

export class NetworkEditor {
  readonly view: EditorView;
  #language = new Compartment();
  #options: EditorOptions;
  #marks: StateField<Marks>;

  constructor(host: HTMLElement, options: EditorOptions) {
    this.#options = options;
    const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' });
    this.#marks = StateField.define<Marks>({
      create: () => ({ error: null, stale: false, linked: null }),
      update: (marks, change) => {
        let next = change.docChanged && marks.error ? { ...marks, stale: true } : marks;
        for (const effect of change.effects) if (effect.is(setMarks)) next = { ...next, ...effect.value };
        return next;
      },
      provide: (field) => [
        EditorView.decorations.from(field, (marks) => (view) => this.#decorations(view, marks)),
        // Blocks change the height of lines, so they must come from state, not from the view.
        EditorView.decorations.compute([field, 'doc'], (state) => this.#blocks(state)),
        gutterLineClass.compute([field, 'doc'], (state) => {
          const line = this.#errorLine(state);
          return line === null ? RangeSet.empty : RangeSet.of([diamond.range(state.doc.line(line).from)]);
        }),
      ],
    });
    this.view = new EditorView({ root, parent: root as unknown as Element, state: EditorState.create({ doc: options.text, extensions: this.#extensions() }) });
    // A long network scrolls; the scroller itself answers keys too.
    this.view.scrollDOM.tabIndex = 0;
    this.view.scrollDOM.setAttribute('role', 'group');
    this.view.scrollDOM.setAttribute('aria-label', `${options.label}, scrolls`);
    this.language(options.language);
  }

  destroy(): void {
    this.view.destroy();
  }

  get text(): string {
    return this.view.state.doc.toString();
  }

  set text(text: string) {
    if (text === this.text) return;
    this.view.dispatch({ changes: { from: 0, to: this.view.state.doc.length, insert: text }, selection: { anchor: 0 } });
  }

  /** Python's grammar is a file of its own, fetched when it is wanted. */
  language(name: 'lua' | 'python'): void {
    const set = (support: Extension | LanguageSupport) => this.view.dispatch({ effects: this.#language.reconfigure(support) });
    if (name === 'lua') set(luaLanguage);
    else void import('@codemirror/lang-python').then(({ python }) => set(python()));
  }

  mark(error: ErrorPage | null): void {
    this.view.dispatch({ effects: setMarks.of({ error, stale: false }) });
  }

  link(line: number | null): void {
    if (this.view.state.field(this.#marks).linked !== line) this.view.dispatch({ effects: setMarks.of({ linked: line }) });
  }

  /** Puts the caret on a line and shows it. */
  goTo(line: number, focus = true): void {
    const { doc } = this.view.state;
    const at = doc.line(Math.max(1, Math.min(line, doc.lines)));
    const column = at.length - at.text.trimStart().length;
    this.view.dispatch({ selection: { anchor: at.from + column }, effects: EditorView.scrollIntoView(at.from, { y: 'center' }) });
    if (focus) this.view.focus();
  }

  /** Mends the marked line as its button says. */
  fix(fix?: Fix | null): boolean {
    const { error } = this.view.state.field(this.#marks);
    const wanted = fix ?? (error && fixFor(error));
    if (!wanted || wanted.line > this.view.state.doc.lines) return false;
    const line = this.view.state.doc.line(wanted.line);
    const place = placeOf(wanted, line.text);
    if (!place) return false;
    this.view.dispatch({ changes: { from: line.from + place[0], to: line.from + place[1], insert: wanted.new }, userEvent: 'input.fix' });
    this.view.focus();
    return true;
  }

  #extensions(): Extension[] {
    const { modules, onchange, oncursor, oncreate, label } = this.#options;
    const toError = () => {
      const line = this.#errorLine(this.view.state);
      if (line !== null) this.goTo(line);
      return line !== null;
    };
    return [
      lineNumbers(), highlightActiveLineGutter(), history(), drawSelection(), indentOnInput(), bracketMatching(), closeBrackets(), highlightSelectionMatches(), search({ top: true }),
      indentUnit.of('    '), EditorState.tabSize.of(4), EditorView.lineWrapping,
      autocompletion({ override: [(context) => complete(context, modules())], icons: false }),
      syntaxHighlighting(colors), this.#language.of([]), this.#marks, editorTheme,
      EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'false' }),
      keymap.of([
        { key: 'Mod-Enter', run: () => (oncreate(), true) }, { key: 'Mod-.', run: () => this.fix() }, { key: 'F8', run: toError },
        // Tab indents; Escape, then Tab, leaves the editor.
        ...closeBracketsKeymap, ...searchKeymap, ...completionKeymap, ...historyKeymap, indentWithTab, ...defaultKeymap,
      ]),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) onchange(update.state.doc.toString());
        if (update.selectionSet || update.docChanged) {
          const at = update.state.selection.main.head;
          const line = update.state.doc.lineAt(at);
          oncursor(line.number, at - line.from + 1);
        }
      }),
    ];
  }

  #errorLine(state: EditorState): number | null {
    const { error } = state.field(this.#marks);
    if (!error) return null;
    return Math.max(1, Math.min(error.origin?.line ?? 1, state.doc.lines));
  }

  #decorations(view: EditorView, marks: Marks): DecorationSet {
    const found: Range<Decoration>[] = [];
    const { doc } = view.state;
    const line = this.#errorLine(view.state);
    if (line !== null && marks.error) {
      const at = doc.line(line);
      found.push(Decoration.line({ class: marks.stale ? 'cm-wrong stale' : 'cm-wrong' }).range(at.from));
      if (marks.error.origin && !marks.stale) {
        const [from, to] = marked(marks.error, at.text);
        if (to > from) found.push(Decoration.mark({ class: 'cm-squiggle' }).range(at.from + from, at.from + to));
      }
    }
    if (marks.linked !== null && marks.linked <= doc.lines && marks.linked !== line) found.push(Decoration.line({ class: 'cm-linked' }).range(doc.line(marks.linked).from));
    return Decoration.set(found, true);
  }

  #blocks(state: EditorState): DecorationSet {
    const { error, stale } = state.field(this.#marks);
    const line = this.#errorLine(state);
    if (!error || line === null) return Decoration.none;
    const widget = new ErrorWidget(error, stale, (fix) => void this.fix(fix));
    return Decoration.set([Decoration.widget({ widget, block: true, side: 1 }).range(state.doc.line(line).to)]);
  }
}

/** Modules by name, also in the middle of `nn.`. */
function complete(context: CompletionContext, modules: readonly ModuleInfo[]): CompletionResult | null {
  const word = context.matchBefore(/[A-Za-z_][\w.]*/);
  if (!word && !context.explicit) return null;
  if (word && word.text.length < 2 && !context.explicit) return null;
  return {
    from: word?.from ?? context.pos,
    options: modules.map(({ name, signature, summary }) => ({ label: name, detail: signature.slice(name.length), info: summary, type: 'class', apply: `${name}(` })),
    validFor: /^[\w.]*$/,
  };
}
