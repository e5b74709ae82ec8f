// The example curve of the empty home: losses of a real run of the autoencoder on all of MNIST.

const validation = [4383, 1823, 1015, 751, 648, 589, 548, 529, 515, 486, 428, 418, 416, 414, 412, 411, 409, 408, 407, 405, 402, 401, 401, 401, 400.5, 400.3, 400.1, 400, 399.8, 399.7, 399.6];
/** Epoch, loss. */
const train: [number, number][] = [
  [0, 4373], [0.11, 4373], [0.34, 4363], [0.45, 4072], [0.56, 3632], [0.68, 2884], [0.79, 2436], [0.9, 2145], [1.01, 1914], [1.24, 1551], [1.46, 1326], [1.8, 1124],
  [2.14, 983], [2.6, 865], [3, 787], [3.5, 716], [4, 667], [4.5, 631], [5, 600], [6, 552], [7, 522], [8, 499], [9, 469], [9.9, 465], [10.3, 412], [11, 407], [12, 405],
  [14, 402], [16, 399], [18, 396], [20, 391], [24, 390], [30, 389],
];

const x = (epoch: number) => Math.round((28 + (284 * epoch) / 30) * 10) / 10;
const y = (loss: number) => Math.round((120 - loss / 40) * 10) / 10;
const line = (points: [number, number][]) => points.map(([epoch, loss], i) => `${i ? 'L' : 'M'}${x(epoch)} ${y(loss)}`).join('');

/** Paths in a view box of 320 × 150. */
export const example = {
  train: line(train),
  validation: line(validation.map((loss, epoch) => [epoch, loss])),
  dots: validation.map((loss, epoch) => `M${x(epoch)} ${y(loss)}h0`).join(''),
};
