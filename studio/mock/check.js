// The mock's check: enough of a network file is read to give marks and a graph while one types. Not a Lua.

const product = (sizes) => sizes.reduce((a, b) => a * b, 1);
const text = (sizes) => sizes.join(' × ');

/** Output and parameters of a module; throws [given, wants, help] when the input does not fit. */
function apply(name, args, input) {
  const number = (i) => Number(args[i]);
  switch (name) {
    case 'Linear': {
      const n = input.at(-1) ?? 1;
      if (input.length > 1 || n !== number(0)) throw [`[1, ${input.join(', ')}]`, `[${number(0)}] or [n, ${number(0)}]`, `write nn.Linear(${n}, ${number(1)}), or let the module before it give ${number(0)} values`, { old: args[0], new: String(product(input)) }];
      return { output: [number(1)], parameters: number(0) * number(1) + number(1), label: `nn.Linear(${args[0]} -> ${args[1]})` };
    }
    case 'View': case 'Reshape': {
      const sizes = args.map(Number);
      const output = sizes[0] === -1 ? [product(input)] : sizes;
      if (product(output) !== product(input)) throw [`[1, ${input.join(', ')}]`, `${product(output)} values`, `write nn.View(-1), or sizes whose product is ${product(input)}`, null];
      return { output, parameters: 0, label: `nn.View(${args.join(', ')})` };
    }
    case 'SpatialConvolution': case 'SpatialConvolutionMM': case 'convLayer': {
      const [planes, h, w] = input;
      if (planes !== number(0)) throw [`[1, ${input.join(', ')}]`, `[n, ${number(0)}, h, w]`, `write nn.SpatialConvolution(${planes}, ${args.slice(1).join(', ')})`, { old: args[0], new: String(planes) }];
      const [step, pad] = [number(4) || 1, number(6) || 0];
      const side = (n, k) => Math.floor((n + 2 * pad - k) / step) + 1;
      return { output: [number(1), side(h, number(3)), side(w, number(2))], parameters: number(0) * number(1) * number(2) * number(3) + number(1), label: `nn.SpatialConvolution(${args[0]} -> ${args[1]}, ${args[2]}x${args[3]})` };
    }
    case 'SpatialMaxPooling': {
      const step = number(2) || number(0);
      return { output: [input[0], Math.floor((input[1] - number(1)) / step) + 1, Math.floor((input[2] - number(0)) / step) + 1], parameters: 0, label: `nn.SpatialMaxPooling(${args.slice(0, 2).join('x')}, ${args.slice(2).join(',')})` };
    }
    default:
      return { output: input, parameters: 0, label: `nn.${name}${args.length && args[0] ? `(${args.join(', ')})` : ''}` };
  }
}

const KNOWN = /^(Linear|View|Reshape|SpatialConvolution|SpatialConvolutionMM|convLayer|SpatialMaxPooling|ReLU|Tanh|Sigmoid|MulConstant|LogSoftMax|SoftMax|Dropout|Threshold|Identity|SpatialBatchNormalization|Concat|Sequential)$/;

function page(kind, title, message, line, source, more = {}) {
  const origin = { file: 'network.lua', line, text: source };
  const facts = more.facts ?? [];
  const module = more.module ?? [];
  return {
    kind, title, message, origin, module, facts, causes: [], help: more.help ?? null, fix: more.fix ?? null,
    page: [`${title}: ${message}`, `  network.lua:${line}\n      ${line} | ${source}`, ...facts.map(([a, b]) => `  ${a}  ${b}`), more.help ? `  help: ${more.help}` : ''].filter(Boolean).join('\n\n'),
  };
}

/** A branching network, to have one: an inception module. */
function inception() {
  const node = (id, label, output, parameters, line) => ({ id, path: String(id), class: label.split('(')[0], label, line, output, parameters, flops: parameters * 2 * (output[1] ?? 1) * (output[2] ?? 1), state: 'ok' });
  const c = (a, b, k) => `nn.SpatialConvolution(${a} -> ${b}, ${k}x${k})`;
  const nodes = [
    node(1, c(3, 192, 7), [192, 28, 28], 28416, 3), node(2, c(192, 64, 1), [64, 28, 28], 12352, 8), node(3, c(192, 96, 1), [96, 28, 28], 18528, 10), node(4, c(96, 128, 3), [128, 28, 28], 110720, 12),
    node(5, c(192, 16, 1), [16, 28, 28], 3088, 14), node(6, c(16, 32, 5), [32, 28, 28], 12832, 16), node(7, 'nn.SpatialMaxPooling(3x3, 1,1)', [192, 28, 28], 0, 18), node(8, c(192, 32, 1), [32, 28, 28], 6176, 20),
    node(9, 'nn.Concat', [256, 28, 28], 0, 22), node(10, 'nn.SpatialAveragePooling(28x28)', [256, 1, 1], 0, 24), node(11, 'nn.View(256)', [256], 0, 25), node(12, 'nn.Linear(256 -> 10)', [10], 2570, 26), node(13, 'nn.LogSoftMax', [10], 0, 27),
  ];
  const pairs = [[0, 1], [1, 2], [1, 3], [3, 4], [1, 5], [5, 6], [1, 7], [7, 8], [2, 9], [4, 9], [6, 9], [8, 9], [9, 10], [10, 11], [11, 12], [12, 13]];
  const edges = pairs.map(([from, to]) => ({ from, to, label: from ? text(nodes[from - 1].output) : '3 × 224 × 224', error: null }));
  return { input: [3, 224, 224], nodes, edges };
}

export function check({ text: source, dataset, batch_size }, shapes) {
  const lines = source.split('\n');
  const input = shapes[dataset] ?? [1, 28, 28];
  const reply = { ok: true, milliseconds: 41, error: null, printed: '', criterion: null, graph: null, totals: null, batch_size: 1, settings: null, output: null };
  const number = (name) => Number(new RegExp(`${name}\\s*=\\s*(\\d+)`).exec(source)?.[1] ?? 0) || null;
  reply.settings = { train_batch_size: number('trainBatchSize'), validation_batch_size: number('validationBatchSize'), croplen: null, label_hook: /labelHook/.test(source), fine_tune_hook: /fineTuneHook/.test(source) };
  reply.batch_size = batch_size ?? reply.settings.train_batch_size ?? 16;
  reply.criterion = /nn\.(\w+Criterion)/.exec(source)?.[0] ?? 'nn.ClassNLLCriterion';
  if (source.trim() === '') {
    reply.ok = false;
    reply.error = page('network', 'network error', 'the file is empty', 1, '', { help: 'paste a network, or begin with one under Standard' });
    return reply;
  }
  if (/inception/.test(source)) {
    reply.graph = inception();
    reply.output = 'classes';
  } else {
    const nodes = [];
    const edges = [];
    let shape = input;
    let failed = false;
    for (const [i, line] of lines.entries()) {
      const found = /(?:add|insert)\(\s*(?:nn|backend)?\.?(\w+)\(([^()]*)\)/.exec(line.replace(/--.*/, ''));
      if (!found || found[1] === 'Sequential') continue;
      const [, name, list] = found;
      const args = list.split(',').map((word) => word.trim().replace(/^channels$/, String(input[0])).replace(/^nclasses$/, '10')).filter((word) => word !== '');
      const id = nodes.length + 1;
      const base = { id, path: String(id), class: `nn.${name}`, label: `nn.${name}`, line: i + 1, output: null, parameters: 0, flops: null, state: failed ? 'not_reached' : 'ok' };
      const edge = { from: id - 1, to: id, label: failed ? null : text(shape), error: null };
      if (!KNOWN.test(name) && !failed) {
        failed = true;
        base.state = 'error';
        reply.error = page('network', 'network error', `nn has no class '${name}'`, i + 1, line, { help: `check the spelling; ctrl-space lists the classes` });
      } else {
        try {
          const made = apply(name, args, failed ? guess(name, args, shape) : shape);
          Object.assign(base, { label: made.label, parameters: made.parameters });
          if (!failed) Object.assign(base, { output: made.output, flops: 2 * made.parameters * Math.max(1, product(made.output.slice(1))) });
          shape = made.output;
        } catch (thrown) {
          if (!Array.isArray(thrown)) throw thrown;
          const [given, wants, help, change] = thrown;
          const label = `nn.${name}(${args.join(name === 'Linear' ? ' -> ' : ', ')})`;
          Object.assign(base, { label, state: 'error', parameters: name === 'Linear' ? Number(args[0]) * Number(args[1]) + Number(args[1]) : 0 });
          edge.error = `${text(shape)}, wants ${(wants.match(/\d+/) ?? [wants])[0]}`;
          reply.error = page('shape', 'size mismatch', 'the input does not fit the module', i + 1, line, {
            module: ['model: nn.Sequential', `(${id}) ${label}`], facts: [['it was given', given], ['it wants', wants]], help,
            fix: change ? { title: `Write ${change.new}`, line: i + 1, ...change } : null,
          });
          failed = true;
          shape = name === 'Linear' ? [Number(args[1])] : shape;
        }
      }
      nodes.push(base);
      edges.push(edge);
    }
    if (nodes.length === 0) {
      reply.error = page('network', 'network error', 'the file returns no model', lines.length, lines.at(-1), { help: 'return a function that returns a table with model = …' });
    } else if (!/return function/.test(source)) {
      reply.error ??= page('network', 'network error', 'the file returns no function', lines.length, lines.at(-1), { help: 'end with: return function(params) return { model = … } end' });
    }
    reply.graph = { input, nodes, edges };
    reply.output = product(shape) === product(input) ? 'reconstruction' : 'classes';
  }
  const { nodes } = reply.graph;
  const parameters = nodes.reduce((sum, node) => sum + node.parameters, 0);
  const values = nodes.reduce((sum, node) => sum + (node.output && !/View/.test(node.class) ? product(node.output) : 0), 0);
  const bad = reply.error !== null;
  reply.ok = !bad;
  reply.totals = {
    parameters, frozen: 0, parameter_bytes: 4 * parameters, flops: bad ? null : nodes.reduce((sum, node) => sum + (node.flops ?? 0), 0),
    activation_bytes: bad ? null : 4 * values * reply.batch_size, training_bytes: bad ? null : 12 * parameters + 8 * values * reply.batch_size,
  };
  reply.printed = `nn.Sequential {\n  [input -> ${nodes.map((node) => `(${node.id})`).join(' -> ')} -> output]\n${nodes.map((node) => `  (${node.id}): ${node.label}`).join('\n')}\n}`;
  return reply;
}

/** Behind an error: an input that fits, so that what follows can be named. */
function guess(name, args, shape) {
  if (name === 'Linear') return [Number(args[0])];
  if (name === 'View' && Number(args[0]) > 0) return args.map(Number);
  if (/Convolution|conv/.test(name)) return [Number(args[0]), 8, 8];
  return shape;
}
