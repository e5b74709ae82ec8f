// The mock's data: what a dataset holds, its records and pictures, what a form would make, folders.

import { digit, digitLabel, pet, triangle, wrongTile } from './pictures.js';
import { summary } from './world.js';

// ── one dataset ─────────────────────────────────────────────────────────────────────────────────────────────────
const classCounts = [[4442, 5057, 4469, 4598, 4382, 4066, 4439, 4699, 4388, 4462], [1481, 1685, 1489, 1533, 1460, 1355, 1479, 1566, 1463, 1487]];

export function dataset(set, jobs) {
  const digits = set.id.startsWith('mnist');
  const share = set.id === 'mnist' ? 1 : 1 / 6;
  const splits = [['train', set.train, 0], ['val', set.val, 1]].map(([name, entries, k]) => ({ name, folder: `/home/ann/digits/datasets/${set.id}/${name}_db`, labels_folder: set.kind === 'pairs' ? `/home/ann/digits/datasets/${set.id}/${name}_db/labels` : null, entries, classes: digits ? classCounts[k].map((n) => Math.round(n * share)) : [] }));
  return {
    summary: set, folder: `datasets/${set.id}`, splits, labels: digits ? classCounts[0].map((_, k) => String(k)) : [], colors: [], mean: digits ? { picture: '/api/pictures/mean', file: `/api/datasets/${set.id}/files/mean.binaryproto`, value: 221.7, darkest: 115, brightest: 255 } : null,
    resize: 'squash', encoding: 'png', seed: 0, fingerprint: 'c69efb2cb06f',
    skipped: set.id === 'pets' ? [['Abyssinian/Abyssinian_34.jpg', 'not an image: its data end too early'], ['Egyptian_Mau/Egyptian_Mau_139.jpg', 'a GIF, called .jpg'], ['Egyptian_Mau/Egyptian_Mau_145.jpg', 'not an image']].map(([file, reason]) => ({ file, reason })) : [],
    models: jobs.filter((job) => job.dataset.id === set.id).map(summary), command: `digits-rs dataset mnist --idx mnist --out datasets/${set.id}`, error: null,
  };
}

export function records(query) {
  const [first, count] = [Number(query.get('first') ?? 0), Number(query.get('count') ?? 100)];
  const set = query.get('dataset') ?? 'foreign';
  const split = query.get('split') ?? 'train';
  const all = set === 'outlines' ? (split === 'train' ? 96 : 32) : set === 'mnist' ? (split === 'train' ? 45002 : 14998) : 7500;
  const only = query.get('class');
  const search = query.get('search');
  const place = `dataset=${set}&split=${split}`;
  const record = (index) => {
    const label = set === 'outlines' ? null : digitLabel(index + (split === 'val' ? 24 : 0));
    return { index, key: set === 'outlines' ? String(index).padStart(9, '0') : `${String(index).padStart(8, '0')}_${label}`, label: label === null ? '1 × 128 × 128' : String(label), class: label, picture: `/api/records/${index}/picture?${place}`, label_picture: set === 'outlines' ? `/api/records/${index}/picture?${place}&of=label` : null };
  };
  if (search) {
    const index = Number(search.split('_')[0]);
    const found = Number.isInteger(index) && index < all;
    return { total: found ? 1 : 0, records: found && first === 0 ? [record(index)] : [] };
  }
  const found = [];
  let total = 0;
  if (only === null) {
    total = all;
    for (let i = first; i < Math.min(all, first + count); i++) found.push(record(i));
  } else {
    for (let i = 0; i < Math.min(all, 5000); i++) {
      if (digitLabel(i) !== Number(only)) continue;
      if (total >= first && total < first + count) found.push(record(i));
      total += 1;
    }
  }
  return { total, records: found };
}

export function recordPicture(index, query) {
  if (query.get('wrong')) return wrongTile(...query.get('wrong').split(',').map(Number));
  const set = query.get('dataset');
  if (set === 'outlines') return triangle(index, query.get('of') === 'label');
  if (set === 'pets') return pet(index);
  return digit(index + (query.get('split') === 'val' ? 24 : 0));
}

export function scan(form) {
  const result = { complete: true, seconds: 0.3, classes: [], train: 0, val: 0, test: 0, left_out_total: 0, left_out: [], samples: [], databases: [], fields: {} };
  const nothing = (field, path) => (result.fields[field] = { kind: 'io', title: 'input/output error', message: `nothing is at ${path}`, origin: null, module: [], facts: [], causes: [], help: 'check the path', page: `nothing is at ${path}` });
  const named = form.folder ?? form.train ?? form.train_db ?? form.feature_folder ?? '';
  if (!named) return result;
  const field = { folder: 'folder', lists: 'train', generic: 'train_db', pairs: 'feature_folder' }[form.kind];
  if (/none|missing/.test(named)) {
    nothing(field, named);
    return result;
  }
  if (form.kind === 'generic') {
    const database = (field, path, count, labels) => ({ path, field, records: count, shape: [1, 28, 28], encoding: 'png', labels, bytes: count * 460, made_by: 'digits-rs', thumbs: Array.from({ length: 12 }, (_, i) => `/api/records/${i}/picture?dataset=mnist&split=train`) });
    result.databases.push(database('train_db', form.train_db, 45002, 'class numbers'));
    if (form.val_db) result.databases.push({ ...database('val_db', form.val_db, 14998, 'class numbers'), thumbs: Array.from({ length: 12 }, (_, i) => `/api/records/${i + 40}/picture?dataset=mnist&split=val`) });
    return Object.assign(result, { train: 45002, val: form.val_db ? 14998 : 0 });
  }
  if (form.kind === 'pairs') {
    return Object.assign(result, { train: 115, val: 13, left_out_total: 2, left_out: [{ file: 'input/000128.png', reason: 'no label image of this name' }, { file: 'target/readme.txt', reason: 'not an image' }], samples: Array.from({ length: 8 }, (_, i) => ({ file: `input/${i}.png`, class: null, width: 128, height: 128, picture: `/api/records/${i}/picture?dataset=outlines`, label_picture: `/api/records/${i}/picture?dataset=outlines&of=label` })) });
  }
  const names = ['Abyssinian', 'Bengal', 'Birman', 'Bombay', 'British Shorthair', 'Egyptian Mau', 'Maine Coon', 'Persian', 'Ragdoll', 'Russian Blue', 'Siamese', 'Sphynx'];
  result.classes = names.map((name, i) => {
    const n = 200 - ((i * 13) % 24);
    const val = Math.round((n * (form.val_percent ?? 25)) / 100);
    return { name, train: n - val, val, test: 0, left_out: null };
  });
  result.classes.push({ name: 'drafts', train: 0, val: 0, test: 0, left_out: '1 image, at least 2 wanted' });
  for (const one of result.classes) {
    result.train += one.train;
    result.val += one.val;
  }
  result.left_out_total = 4;
  result.left_out = [['Abyssinian/Abyssinian_34.jpg', 'not an image: its data end too early'], ['Egyptian_Mau/Egyptian_Mau_139.jpg', 'a GIF, called .jpg'], ['Egyptian_Mau/notes.txt', 'not an image'], ['drafts/one.png', 'its class is left out']].map(([file, reason]) => ({ file, reason }));
  result.samples = Array.from({ length: 12 }, (_, i) => ({ file: `pets/${names[i]}/${i}.jpg`, class: names[i], width: 120, height: 96, picture: `/api/records/${i}/picture?dataset=pets`, label_picture: null }));
  return result;
}

// ── files ───────────────────────────────────────────────────────────────────────────────────────────────────────
const tree = {
  '/home/ann': ['digits/', 'pictures/'], '/home/ann/digits': ['datasets/', 'jobs/', 'networks/'], '/home/ann/digits/datasets': ['mnist*', 'outlines*', 'pets*'],
  '/home/ann/digits/datasets/mnist': ['train_db#', 'val_db#', 'mean.binaryproto', 'labels.txt', 'train.txt', 'val.txt'], '/home/ann/pictures': ['pets/', 'outlines/', 'lists/'], '/home/ann/pictures/lists': ['train.txt', 'val.txt', 'labels.txt'],
  '/home/ann/pictures/outlines': ['input/', 'target/'], '/home/ann/pictures/pets': ['Abyssinian/', 'Bengal/', 'Birman/', 'drafts/'],
};

export function files(path, kind) {
  const slash = path.lastIndexOf('/');
  const folder = path === '' ? '/home/ann' : tree[path.replace(/\/$/, '')] && path.endsWith('/') ? path.replace(/\/$/, '') : path.slice(0, Math.max(0, slash)) || '/home/ann';
  const begin = path === '' || path.endsWith('/') ? '' : path.slice(slash + 1);
  const kinds = { '/': 'folder', '*': 'dataset', '#': 'database' };
  const entries = (tree[folder] ?? []).map((word) => ({ name: word.replace(/[/*#]$/, ''), kind: kinds[word.at(-1)] ?? 'file' }))
    .filter((entry) => entry.name.startsWith(begin) && (kind === 'file' || entry.kind !== 'file'))
    .map((entry) => ({ ...entry, path: `${folder}/${entry.name}`, bytes: entry.kind === 'file' ? 3171 : null }));
  return { folder, entries, roots: ['/home/ann'], more: 0 };
}
