/** @param percent 0 to 100; by nearest rank. 0 of no values. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)] ?? 0;
}

/** Whether the value at this place is one of so many that lie evenly over all. */
export const isPicked = (index: number, picked: number, all: number): boolean =>
  Math.floor(((index + 1) * picked) / all) > Math.floor((index * picked) / all);

/** Of an even number of values the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const lower = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
  return (lower + upper) / 2;
}
