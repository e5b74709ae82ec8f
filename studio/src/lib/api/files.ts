// The server's folders, as far as it shows them, and uploads.

export interface FileEntry {
  name: string;
  path: string;
  kind: 'folder' | 'file' | 'database' | 'dataset' | 'job';
  bytes: number | null;
}

export interface Files {
  /** The folder listed. */
  folder: string;
  entries: FileEntry[];
  /** The folders that may be looked into. */
  roots: string[];
  more: number;
}

export interface Upload {
  upload: string;
  name: string;
  bytes: number;
  /** Of an image. */
  picture: string | null;
  width: number | null;
  height: number | null;
}
