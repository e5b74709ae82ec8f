// Lua for the editor: CodeMirror's stream mode, with calls told from other names: `nn.Linear(` is `nn.` and a call of `Linear`.

import { StreamLanguage, type StreamParser } from '@codemirror/language';
import { lua } from '@codemirror/legacy-modes/mode/lua';

type State = unknown;
const base = lua as unknown as StreamParser<State>;

const calls: StreamParser<State> = {
  ...base,
  name: 'lua',
  token(stream, state) {
    const style = base.token(stream, state);
    const word = stream.current();
    if (style !== null && style !== 'variable' && style !== 'builtin') return style;
    if (!/^[A-Za-z_]/.test(word)) return style;
    const dot = word.lastIndexOf('.');
    if (dot >= 0 && dot < word.length - 1) {
      stream.backUp(word.length - dot - 1);
      return null;
    }
    return stream.match(/^\s*[({"']/, false) && dot < 0 ? 'variableName.function' : style === 'builtin' ? style : null;
  },
  languageData: { commentTokens: { line: '--', block: { open: '--[[', close: ']]' } }, closeBrackets: { brackets: ['(', '[', '{', '"', "'"] } },
};

export const luaLanguage = StreamLanguage.define(calls);
