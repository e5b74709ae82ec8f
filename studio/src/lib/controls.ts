// What the program advises in the words of its command line, in the names of the page's own controls.

/** What stands for a whole piece of advice, the longest first. */
const SENTENCES: [RegExp, string][] = [
  [/leave --view out to see it as what it is, or give --view numbers/g, 'choose “what it is” or “raw numbers” under Show as'],
  [/; with --order hwc \[h, w, 1\] or \[h, w, 3\]/g, ''],
  [/give --colors FILE, the classes' colours/g, 'choose Colours: from a file, and name the classes’ colours'],
  [/--colors FILE names/g, 'the file of colours names'],
  [/give --classes --class-names FILE/g, 'choose Labels are: a class at each pixel, and name the classes'],
  [/(?:; )?as they count with --class-names FILE/g, ' as they count once the classes have names'],
  [/leave --resize out, or cut/g, 'choose squash, or cut'],
  [/(?:give|choose) (?:another )?--out(?: a folder name, such as datasets\/mine)?/g, 'choose another name'],
  [/give --mean mean\.binaryproto, or --subtract-mean none/g, 'choose Subtract mean: none, or a dataset with a mean'],
  [/leave --aug-hsv-h, --aug-hsv-s and --aug-hsv-v out/g, 'leave Hue, saturation and value empty'],
  [/go on from an earlier snapshot with --from-snapshot EPOCH, or start a new run with more --epochs/g, 'go on from an earlier snapshot, or start a new model with more epochs'],
  [/digits-rs run --resume \S+ --epochs N/g, 'Continue…'],
  [/; for more: Continue…/g, '; for more: Continue…'],
  [/(?:digits-rs )?run --resume \S+/g, 'Resume'],
  [/give it: --input-shape \S+, or --dataset DIR/g, 'choose a dataset'],
  [/give --input-shape(?: \S+)? or --dataset(?: DIR)?/g, 'choose a dataset'],
  [/: digits-rs dataset pairs --help says what pairs must be/g, ''],
  [/\(--channels 1, --encoding png or none\)/g, '(Colour: grey, kept as PNG or raw)'],
  [/run --train-db DIR --labels FILE, dataset generic --labels FILE, or dataset pairs --class-names FILE/g, 'those of pairs are named under Class names'],
  [/see the --aug options of run --help/g, 'see Augmentation'],
];

/** Flags and the controls that say the same. */
const FLAGS: Record<string, string> = {
  'class-names FILE': 'Class names', 'colors FILE': 'Colours', 'val-folder': 'the validation folder', 'test-folder': 'the test folder', 'min-per-class': 'Images a class, at least', 'max-per-class': 'Images a class, at most',
  'train-db': 'Train images', 'val-db': 'Validation images', 'lr-policy': 'Policy', 'lr-steps': 'Steps', 'lr-step': 'Step', 'lr-gamma': 'Gamma', 'lr-power': 'Power', 'lr-decay': 'Decay', 'batch-size': 'Batch size', 'weight-decay': 'Weight decay',
  'subtract-mean none': 'Subtract mean: none', 'subtract-mean': 'Subtract mean', 'early-stop': 'Stop early after', 'validation-interval': 'Validate every', 'snapshot-interval': 'Snapshot every', 'from-snapshot': 'the snapshot', 'aug-quad-rot': 'Quarter turns', 'aug-flip': 'Flip',
  'aug-rot': 'Rotation', 'aug-scale': 'Scale', 'aug-noise': 'Noise', epochs: 'Epochs', momentum: 'Momentum', solver: 'Solver', crop: 'Crop', seed: 'Seed', shuffle: 'Order', device: 'Device', weights: 'Begin with weights of', keep: 'Keep the last', resize: 'Others are fitted by',
  encoding: 'Kept as', mean: 'Mean image', labels: 'Class names', lr: 'Learning rate',
};
const FLAG = new RegExp(`--(${Object.keys(FLAGS).sort((a, b) => b.length - a.length).join('|')})(?![\\w-])`, 'g');

/** Advice as this page can follow it; flags of the server itself stay. */
export function inControls(text: string): string {
  if (!text.includes('--')) return text;
  const said = SENTENCES.reduce((text, [flags, words]) => text.replace(flags, words), text);
  return said.replace(FLAG, (whole, flag: string) => FLAGS[flag] ?? whole);
}
