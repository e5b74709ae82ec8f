// The confusion matrix as the pages read it.

/**
 * `counts[right][answer]`. Of more than 200 classes the program sends only what is not 0, as `[right, answer, count]`: the labels
 * say which of the two it is.
 */
export function matrix({ labels, counts }: { labels: string[]; counts: number[][] }): number[][] {
  if (labels.length <= 200) return counts;
  const whole = labels.map(() => new Array<number>(labels.length).fill(0));
  for (const [right, answer, n] of counts) whole[right!]![answer!] = n!;
  return whole;
}

/** The most records of one right class that were taken for one other class, 1 at least. */
export function worst(counts: number[][]): number {
  return counts.reduce((most, row, right) => row.reduce((most, n, answer) => (answer === right ? most : Math.max(most, n)), most), 1);
}
