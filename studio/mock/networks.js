// The mock's network files: the repository's own, read where they lie.

import { readdirSync, readFileSync } from 'node:fs';

const folder = new URL('../../networks/', import.meta.url);
const tasks = {
  'alexnet-small': ['AlexNet, small', 'classification', '3 × 64 × 64 colour'],
  alexnet: ['AlexNet', 'classification', '3 × 256 × 256 colour'],
  autoencoder: ['Autoencoder', 'image to image', '1 × 28 × 28 grey'],
  'binary-segmentation': ['Binary segmentation', 'image to image', null],
  'fine-tuning': ['Fine-tuning of LeNet', 'classification', '1 × 28 × 28 grey'],
  googlenet: ['GoogLeNet', 'classification', '3 × 256 × 256 colour'],
  lenet: ['LeNet', 'classification', '1 × 28 × 28 grey'],
  'lenet-relu': ['LeNet with ReLU', 'classification', '1 × 28 × 28 grey'],
  'lenet-plain': ['LeNet, plain', 'classification', '1 × 28 × 28 grey'],
  regression: ['Regression', 'numbers', null],
  siamese: ['Siamese', 'similarity', null],
  'text-classification': ['Text classification', 'classification', '1 × 32 × 32 text'],
};

export const networks = readdirSync(folder)
  .filter((name) => name.endsWith('.lua'))
  .map((file) => {
    const name = file.slice(0, -4);
    const [title, task, input] = tasks[name] ?? [name, 'other', null];
    return { name, title, language: 'lua', task, input, text: readFileSync(new URL(file, folder), 'utf8') };
  });

export const networkText = (name) => networks.find((one) => one.name === name)?.text ?? '-- not here\n';

/** The seed's network with the error of its error story: 783 for 784. */
export const broken = networkText('autoencoder').replace('784,300', '783,300');

export const modules = [
  ['nn.Sequential', 'nn.Sequential()', 'Modules one after another.'],
  ['nn.Concat', 'nn.Concat(dim)', 'Every module on the same input; outputs joined along a dimension.'],
  ['nn.Linear', 'nn.Linear(inputSize, outputSize, [bias])', 'y = W x + b.'],
  ['nn.ReLU', 'nn.ReLU([inplace])', 'max(x, 0).'],
  ['nn.Tanh', 'nn.Tanh()', 'Hyperbolic tangent.'],
  ['nn.Sigmoid', 'nn.Sigmoid()', '1 / (1 + exp(-x)).'],
  ['nn.LogSoftMax', 'nn.LogSoftMax()', 'Logarithms of the softmax.'],
  ['nn.Dropout', 'nn.Dropout([p])', 'Zeroes a share p of the values in training.'],
  ['nn.View', 'nn.View(sizes…)', 'The same values in another shape.'],
  ['nn.MulConstant', 'nn.MulConstant(constant, [inplace])', 'Times a constant.'],
  ['nn.SpatialConvolution', 'nn.SpatialConvolution(nIn, nOut, kW, kH, [dW], [dH], [padW], [padH])', 'Convolution over images.'],
  ['nn.SpatialMaxPooling', 'nn.SpatialMaxPooling(kW, kH, [dW], [dH])', 'The largest value of each window.'],
  ['nn.SpatialBatchNormalization', 'nn.SpatialBatchNormalization(n, [eps], [momentum], [affine])', 'Batch normalisation of feature maps.'],
  ['nn.MSECriterion', 'nn.MSECriterion([sizeAverage])', 'Mean squared error.'],
  ['nn.ClassNLLCriterion', 'nn.ClassNLLCriterion([weights])', 'Negative log-likelihood of the right class.'],
  ['nn.CrossEntropyCriterion', 'nn.CrossEntropyCriterion([weights])', 'LogSoftMax and ClassNLLCriterion in one.'],
].map(([name, signature, summary]) => ({ name, signature, summary }));
