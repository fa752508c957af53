/** @param percent 0 to 100; by nearest rank; 0 for no values */
export function percentile(values: readonly number[], percent: number): number {
  // A typed array sorts hundreds of thousands of numbers far faster.
  const sorted = Float64Array.from(values).toSorted();
  return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)] ?? 0;
}

/** Whether the item at this index belongs to a sample of `picked` items spread evenly over `all`. */
export const isPicked = (index: number, picked: number, all: number): boolean =>
  Math.floor(((index + 1) * picked) / all) > Math.floor((index * picked) / all);

/** For an even number of values the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const lower = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
  return (lower + upper) / 2;
}
