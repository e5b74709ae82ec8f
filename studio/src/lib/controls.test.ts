// Tests of advice in the names of controls.

import { expect, it } from 'vitest';
import { inControls } from './controls';

it('names controls and no flags', () => {
  for (const [said, meant] of [
    ['leave --view out to see it as what it is, or give --view numbers', 'Show as'],
    ['[h, w], [1, h, w] or [3, h, w]; with --order hwc [h, w, 1] or [h, w, 3]', '[h, w], [1, h, w] or [3, h, w]'],
    ["give --colors FILE, the classes' colours: red green blue on each line", 'choose Colours: from a file'],
    ['--colors FILE names every colour of the label images', 'the file of colours names every colour'],
    ['lower the base learning rate (--lr) and try again', '(Learning rate)'],
    ['the batch size is too large; give a smaller --batch-size', 'Batch size'],
    ['--lr-step has no effect with --lr-policy fixed', 'Step has no effect with Policy fixed'],
    ['leave --resize out, or cut inputs and labels to one size before', 'choose squash'],
    ['add images, or lower --min-per-class', 'Images a class, at least'],
    ['the labels: give --classes --class-names FILE, and for a mask', 'a class at each pixel'],
    ['is done already, after 2 epochs; for more: digits-rs run --resume jobs/j --epochs N', 'for more: Continue…'],
  ] as const) {
    expect(inControls(said)).toContain(meant);
    expect(inControls(said)).not.toContain('--');
  }
});

it('leaves what is the server’s, and what is no flag', () => {
  expect(inControls('start the server with --allow DIR to add a folder')).toContain('--allow DIR');
  expect(inControls('a -- b')).toBe('a -- b');
  expect(inControls('--lrx')).toBe('--lrx');
});
