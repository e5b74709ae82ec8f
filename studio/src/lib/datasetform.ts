// The forms of a new dataset: one for each kind of source, with DIGITS' defaults; what is typed and what it means.

import type { DatasetForm, Defaults, Encoding, Resize } from './api';
import { lastPart } from './format';

export type Source = 'folder' | 'lists' | 'databases' | 'pairs';

/** All fields of all kinds as they are typed: changing the kind loses nothing. */
export interface DatasetFields {
  folder: string; val_folder: string; test_folder: string; val_percent: string; test_percent: string; min_per_class: string; max_per_class: string;
  train: string; train_folder: string; val: string; list_val_folder: string; test: string; list_test_folder: string; labels: string; shuffle: boolean;
  train_db: string; train_labels_db: string; val_db: string; val_labels_db: string; mean: string;
  feature_folder: string; label_folder: string; val_feature_folder: string; val_label_folder: string; pairs_percent: string; labels_are: 'images' | 'classes'; class_names: string; color_map: 'label' | 'textfile'; color_map_file: string;
  width: string; height: string; channels: '1' | '3'; resize: Resize; encoding: Encoding; seed: string;
}

const text = (value: number | string | null | undefined) => (value === null || value === undefined ? '' : String(value));

export function freshFields({ folder, lists, pairs }: Defaults): DatasetFields {
  return {
    folder: folder.folder, val_folder: '', test_folder: '', val_percent: text(folder.val_percent), test_percent: text(folder.test_percent), min_per_class: text(folder.min_per_class), max_per_class: text(folder.max_per_class),
    train: '', train_folder: '', val: '', list_val_folder: '', test: '', list_test_folder: '', labels: '', shuffle: lists.shuffle,
    train_db: '', train_labels_db: '', val_db: '', val_labels_db: '', mean: '',
    feature_folder: '', label_folder: '', val_feature_folder: '', val_label_folder: '', pairs_percent: text(pairs.val_percent), labels_are: pairs.labels_are, class_names: '', color_map: 'label', color_map_file: '',
    width: text(folder.width), height: text(folder.height), channels: folder.channels === 1 ? '1' : '3', resize: folder.resize, encoding: folder.encoding, seed: text(folder.seed),
  };
}

const LEAVES_NOTHING = 'less than 100: something must be left to train on';
/** Larger whole numbers are not exact here. */
const MOST = Number.MAX_SAFE_INTEGER;

/** What the fields are called on the page, by the form's names and by those that are sent. */
export const DATASET_LABELS: Record<string, string> = {
  folder: 'Folder', val_folder: 'Validation', test_folder: 'Test', val_percent: 'For validation', pairs_percent: 'For validation', test_percent: 'For testing', min_per_class: 'Images a class, at least', max_per_class: 'Images a class, at most',
  train: 'Train list', train_folder: 'The train list’s paths', val: 'Validation list', list_val_folder: 'The validation list’s paths', test: 'Test list', list_test_folder: 'The test list’s paths', labels: 'Class names', shuffle: 'Shuffle',
  train_db: 'Train images', train_labels_db: 'Train labels', val_db: 'Validation images', val_labels_db: 'Validation labels', mean: 'Mean image',
  feature_folder: 'Inputs', label_folder: 'Labels', val_feature_folder: 'Inputs for validation', val_label_folder: 'Labels for validation', labels_are: 'Labels are', class_names: 'Class names', color_map: 'Colours', color_map_file: 'Colours',
  width: 'Width', height: 'Height', channels: 'Colour', resize: 'Others are fitted by', encoding: 'Kept as', seed: 'Seed', name: 'Name',
};

export interface DatasetMeaning {
  form: DatasetForm | null;
  errors: Partial<Record<keyof DatasetFields, string>>;
  /** The field that nothing can be looked at without. */
  wants: string | null;
}

/** What the fields say for a kind of source, images having `side` pixels a side at most; `form` is null while something is wrong or missing. */
export function datasetMeaning(source: Source, fields: DatasetFields, side: number): DatasetMeaning {
  const errors: DatasetMeaning['errors'] = {};
  const number = (field: keyof DatasetFields, low: number, high: number, whole: boolean, empty: number | null): number | null => {
    const words = String(fields[field]).trim();
    if (words === '') return empty;
    const value = Number(words);
    if (!Number.isFinite(value) || value < low || value > high || (whole && !Number.isInteger(value))) errors[field] = `${whole ? 'a whole number' : 'a number'} from ${low} to ${high}`;
    return value;
  };
  const path = (field: keyof DatasetFields): string | null => String(fields[field]).trim() || null;
  const image = {
    width: number('width', 1, side, true, 256)!, height: number('height', 1, side, true, 256)!, channels: fields.channels === '1' ? (1 as const) : (3 as const), resize: fields.resize, encoding: fields.encoding, seed: number('seed', 0, MOST, true, 0)!,
  };
  let form: DatasetForm;
  let wants: string | null = null;
  const need = (field: keyof DatasetFields, words: string) => {
    if (!path(field)) wants ??= words;
  };
  if (source === 'folder') {
    need('folder', 'a folder');
    const [val_percent, test_percent] = [number('val_percent', 0, 100, false, 0)!, number('test_percent', 0, 100, false, 0)!];
    const [val, test] = [path('val_folder') ? 0 : val_percent, path('test_folder') ? 0 : test_percent];
    if (!errors.val_percent && !errors.test_percent && val + test >= 100) errors[test > val ? 'test_percent' : 'val_percent'] = val && test ? 'the two leave nothing to train on' : LEAVES_NOTHING;
    form = {
      kind: 'folder', ...image, folder: path('folder') ?? '', val_folder: path('val_folder'), test_folder: path('test_folder'), val_percent: path('val_folder') ? 0 : val_percent, test_percent: path('test_folder') ? 0 : test_percent,
      min_per_class: number('min_per_class', 1, MOST, true, 1)!, max_per_class: number('max_per_class', 1, MOST, true, null),
    };
  } else if (source === 'lists') {
    need('train', 'a list to train on');
    need('labels', 'the names of the classes');
    form = { kind: 'lists', ...image, train: path('train') ?? '', train_folder: path('train_folder'), val: path('val'), val_folder: path('list_val_folder'), test: path('test'), test_folder: path('list_test_folder'), labels: path('labels') ?? '', shuffle: fields.shuffle };
  } else if (source === 'databases') {
    need('train_db', 'a train database');
    form = { kind: 'generic', train_db: path('train_db') ?? '', train_labels_db: path('train_labels_db'), val_db: path('val_db'), val_labels_db: path('val_labels_db'), mean: path('mean') };
    for (const field of ['width', 'height', 'seed'] as const) delete errors[field];
  } else {
    need('feature_folder', 'a folder of inputs');
    need('label_folder', 'a folder of labels');
    form = {
      kind: 'pairs', ...image, feature_folder: path('feature_folder') ?? '', label_folder: path('label_folder') ?? '', val_feature_folder: path('val_feature_folder'), val_label_folder: path('val_label_folder'),
      val_percent: path('val_feature_folder') ? 0 : number('pairs_percent', 0, 100, false, 0)!, labels_are: fields.labels_are, class_names: path('class_names'), color_map_file: fields.color_map === 'textfile' ? path('color_map_file') : null,
    };
  }
  if (form.kind === 'pairs' && form.val_percent === 100 && !errors.pairs_percent) errors.pairs_percent = LEAVES_NOTHING;
  return { form: Object.keys(errors).length || wants ? null : form, errors, wants };
}

/** A name to propose: the last part of the first path. */
export function proposedName(source: Source, fields: DatasetFields): string {
  const path = { folder: fields.folder, lists: fields.train, databases: fields.train_db, pairs: fields.feature_folder }[source].trim();
  if (!path) return '';
  const parts = path.replace(/\/+$/, '').split('/');
  const last = lastPart(path).replace(/\.\w+$/, '');
  // train_db, train.txt, input say nothing; the folder above does.
  return /^(train|train_db|images|features?|inputs?)$/i.test(last) ? (parts.at(-2) ?? last) : last;
}
