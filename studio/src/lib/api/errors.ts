// Error pages as the server sends them: `crate::error::Error` in parts.

/** `crate::error::Kind` in lower case. */
export type ErrorKind =
  | 'usage' | 'network' | 'argument' | 'shape' | 'lua' | 'limit' | 'data' | 'job' | 'numeric' | 'device' | 'io' | 'lost'
  | 'torch' | 'interrupted';

/** A line of a network file. */
export interface Origin {
  file: string;
  /** From 1. */
  line: number;
  /** The line itself; empty when the source is not at hand. */
  text: string;
}

/** A replacement that mends an error: the first `old` in that line becomes `new`. */
export interface Fix {
  title: string;
  line: number;
  old: string;
  new: string;
}

/** `crate::error::Error`: the terminal's page in parts. */
export interface ErrorPage {
  kind: ErrorKind;
  /** `Kind::title()`: "size mismatch". */
  title: string;
  message: string;
  origin: Origin | null;
  /** Path in the network, outermost first. */
  module: string[];
  /** Labelled facts in order. */
  facts: [label: string, value: string][];
  causes: string[];
  help: string | null;
  /** The page as the terminal shows it. */
  page: string;
  fix?: Fix | null;
  /** Of a form: what is wrong with which field. */
  fields?: Record<string, string>;
}
