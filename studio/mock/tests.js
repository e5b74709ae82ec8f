// The mock's tests: one image through the autoencoder or LeNet, a database with its confusion matrix, the best of each class.

import { fixtures } from './pictures.js';
import { check } from './check.js';

const picture = (id, name, alt, width = 28, height = 28) => ({ picture: `/api/tests/${id}/pictures/${name}`, width, height, alt });
const edges = (min, max) => Array.from({ length: 21 }, (_, i) => min + ((max - min) * i) / 20);

function layersOf(id, graph) {
  return fixtures.layers.map((layer, i) => {
    const node = graph.nodes[i];
    const [width, height] = layer.shape.length === 3 ? [28, 28] : { 784: [28, 28], 300: [20, 15], 50: [10, 5] }[layer.shape[0]];
    return {
      id: layer.id, path: String(layer.id), name: node?.label ?? layer.name, class: node?.class ?? layer.name, line: node?.line ?? null, learned_parameters: node?.parameters ?? 0,
      statistics: { shape: layer.shape, mean: layer.mean, std: layer.std, min: layer.min, max: layer.max, counts: layer.counts, edges: edges(layer.min, layer.max), not_finite: 0 },
      map: { picture: `/api/tests/${id}/layers/${layer.id}/map?of=activations`, width, height, alt: `values of module ${layer.id}, full colour at ±${layer.scale}` },
    };
  });
}

export function testOne(id, request, job, shapes) {
  const graph = check({ text: job.text, dataset: job.dataset.id }, shapes).graph;
  const record = request.image.record;
  const base = {
    kind: 'one', view: job.output, size: [28, 28], channels: 1, source: record ? `record ${record.index} of ${record.split ?? record.path}` : 'uploaded', truth: null,
    original: picture(id, 'original', 'Original'), normalized: picture(id, 'normalized', 'Normalised'), range: [-238, 162], code: null, reconstruction: null, predictions: [],
    label_image: null, image: null, boxes: null, numbers: null, layers: layersOf(id, graph), graph, learned_parameters: graph.nodes.reduce((sum, node) => sum + node.parameters, 0),
  };
  if (job.output === 'reconstruction') {
    base.code = { id: 6, name: 'nn.ReLU', values: fixtures.code };
    base.reconstruction = {
      output: picture(id, 'output', 'Output'), restored: picture(id, 'restored', 'Reconstruction'), difference: picture(id, 'difference', 'Difference'), largest_error: 104.9,
      mean_squared_error: 381.5, root_mean_squared_error: 19.53, mean_absolute_error: 10.09, error_of_the_mean: 5180,
    };
  } else if (job.output === 'classes') {
    const likely = [[0, 0.9861], [6, 0.0083], [9, 0.0031], [2, 0.0014], [5, 0.0006]];
    base.predictions = likely.map(([k, probability]) => ({ class: k, label: String(k), probability }));
    base.truth = record ? '0' : null;
  } else {
    base.size = [128, 128];
    base.original = picture(id, 'original', 'Original', 128, 128);
    base.normalized = picture(id, 'normalized', 'Normalised', 128, 128);
    base.label_image = {
      labels: picture(id, 'labels', 'Label image', 128, 128), truth: picture(id, 'truth', 'Right labels', 128, 128), right: 0.9874,
      legend: [{ value: 0, name: 'background', color: '#eef1f5', share: 0.8871 }, { value: 1, name: 'triangle', color: '#1777cf', share: 0.1043 }, { value: 2, name: 'outline', color: '#e77123', share: 0.0086 }],
    };
  }
  return base;
}

export function layerDetail(id, node, tiles) {
  const layer = fixtures.layers[node - 1];
  const learned = { 3: [300, 784, 235500], 5: [50, 300, 15050], 7: [300, 50, 15300], 9: [784, 300, 235984] }[node];
  const [width, height] = layer.shape.length === 3 ? [28, 28] : { 784: [28, 28], 300: [20, 15], 50: [10, 5] }[layer.shape[0]];
  const counts = [1, 3, 8, 18, 60, 220, 1200, 61000, 120000, 43000, 7300, 1500, 600, 240, 110, 50, 22, 12, 4, 2];
  const statistics = (shape) => ({ shape, mean: 0.002732, std: 0.07239, min: -0.6392, max: 1.01, counts, edges: edges(-0.6392, 1.01), not_finite: 0 });
  return {
    id: node, activations: { picture: `/api/tests/${id}/layers/${node}/map?of=activations`, width, height, alt: `values of module ${node}` }, learned_parameters: learned?.[2] ?? 0,
    weights: learned ? [
      { name: 'weight', statistics: statistics([learned[0], learned[1]]), map: { picture: `/api/tests/${id}/layers/${node}/map?of=weight&tiles=${tiles}`, width: 579, height: 231, alt: `${Math.min(tiles, learned[0])} of ${learned[0]} weight tiles` }, note: `each tile: what one of the ${learned[0]} outputs looks for`, tiles: learned[0], tiles_shown: Math.min(tiles, learned[0]), scale: 0.408 },
      { name: 'bias', statistics: { ...statistics([learned[0]]), mean: 0.0141, std: 0.0312 }, map: null, note: null, tiles: 0, tiles_shown: 0, scale: 0.1 },
    ] : [],
  };
}

const { counts } = fixtures;
const total = (list) => list.reduce((a, b) => a + b, 0);

export function classification() {
  const columns = counts[0].map((_, k) => total(counts.map((row) => row[k])));
  const images = total(columns);
  const right = total(counts.map((row, k) => row[k]));
  return {
    kind: 'classification', accuracy: right / images, accuracy_top5: 0.99993, loss: 0.0376, images, images_per_second: 11530, labels: counts.map((_, k) => String(k)), counts, wrong: images - right,
    classes: counts.map((row, k) => {
      const [precision, recall] = [row[k] / columns[k], row[k] / total(row)];
      return { label: String(k), records: total(row), precision, recall, f1: (2 * precision * recall) / (precision + recall) };
    }),
  };
}

/** The wrong answers: those of the sheet first, the rest repeat them. */
const wrongs = counts.flatMap((row, right) => row.flatMap((n, answer) => (right === answer ? [] : Array.from({ length: n }, () => ({ right, answer })))));
const known = fixtures.wrong.map(([tx, ty, right, answer, sure], i) => ({ right, answer, sure: sure / 100, picture: `/api/records/${i}/picture?wrong=${tx},${ty}` }));

export function answers(query) {
  const [first, count] = [Number(query.get('first') ?? 0), Number(query.get('count') ?? 25)];
  const want = (name) => (query.has(name) ? Number(query.get(name)) : null);
  const [right, answer] = [want('right'), want('answer')];
  const fits = (one) => (right === null || one.right === right) && (answer === null || one.answer === answer);
  const n = right !== null && answer !== null ? counts[right][answer] : wrongs.filter(fits).length;
  const pool = right === null ? known.slice(10) : known.filter(fits);
  const list = Array.from({ length: Math.min(count, Math.max(0, n - first)) }, (_, i) => {
    const at = first + i;
    const one = pool[at] ?? { right: right ?? wrongs[at].right, answer: answer ?? wrongs[at].answer, sure: 0.6 - 0.0007 * at, picture: `/api/records/${at * 7}/picture?dataset=mnist&split=val` };
    return { index: at * 91 + 17, key: `${String(at * 91 + 17).padStart(8, '0')}_${one.right}`, right: one.right, answer: one.answer, chance_of_right: (1 - one.sure) / 3, chance_of_answer: one.sure, picture: one.picture };
  });
  return { total: n, answers: list };
}

export function top(n) {
  return {
    kind: 'top', images: 14998,
    classes: Array.from({ length: 10 }, (_, k) => ({
      class: k, label: String(k),
      images: fixtures.labels.flatMap((label, index) => (label === k ? [index] : [])).slice(0, n).map((index, i) => ({ index, key: `${String(index).padStart(8, '0')}_${k}`, right: k, answer: k, chance_of_answer: 0.99999 - 0.0002 * i, picture: `/api/records/${index}/picture?dataset=mnist&split=train` })),
    })),
  };
}

export function many(job) {
  const rows = fixtures.labels.slice(0, 12).map((label, index) => ({
    name: `test/${String(index).padStart(5, '0')}.png`, picture: `/api/records/${index}/picture?dataset=mnist&split=train`, right: String(label), error: index === 7 ? 'not an image: the file is empty' : null, loss: job.output === 'classes' ? null : 360 + 17 * index, output: null,
    predictions: job.output === 'classes' ? [[label, 0.98 - index / 300], [(label + 6) % 10, 0.012], [(label + 3) % 10, 0.004]].map(([k, probability]) => ({ class: k, label: String(k), probability })) : [],
  }));
  return { kind: 'many', images: rows.length, accuracy: job.output === 'classes' ? 1 : null, rows };
}

export const databaseLoss = () => ({
  kind: 'loss', loss: 399.6, loss_unit: 'mean squared error, grey levels²', images: 14998, images_per_second: 96200,
  statistics: { shape: [14998], mean: 399.6, std: 171.2, min: 31.2, max: 1722.8, counts: [60, 410, 1420, 2710, 3180, 2690, 1870, 1160, 690, 380, 200, 110, 60, 30, 14, 7, 4, 2, 1, 1], edges: edges(31.2, 1722.8), not_finite: 0 },
  worst: Array.from({ length: 24 }, (_, i) => ({ index: i * 31, key: `${String(i * 31).padStart(8, '0')}_${fixtures.labels[i]}`, loss: 1722.8 - 31 * i, picture: `/api/records/${i + 12}/picture?dataset=mnist&split=val`, output: null })),
});

