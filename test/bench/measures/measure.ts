import type { CheckoutWithEmptyJob } from '../contenders.ts';
import type { BenchOptions } from '../options.ts';
import type { Sample } from '../report/samples.ts';
import type { Stores } from '../stores.ts';

export interface Recorder {
  add(sample: Sample): void;
  /** Records a failure, and returns undefined, so that the bench continues. */
  attempt<T>(what: string, run: () => Promise<T>): Promise<T | undefined>;
}

/** What a measure needs. */
export interface Bench {
  readonly stores: Stores;
  readonly options: BenchOptions;
  readonly recorder: Recorder;
  /** From 1. */
  readonly round: number;
  /** Checkouts with a job type that does no work. */
  readonly copies: readonly CheckoutWithEmptyJob[];
}

/** Each item once a turn, in reverse order every other turn, so that drift of the machine favours none. */
export function* alternating<Item>(
  items: readonly Item[],
  turns: number,
): Generator<{ readonly turn: number; readonly item: Item }> {
  for (let turn = 1; turn <= turns; turn += 1)
    for (const item of turn % 2 === 0 ? items.toReversed() : items) yield { turn, item };
}

/** Each item once a turn, after the first turn in any order: of three that alternate, the outer ones run twice in a row, in caches that are still warm. */
export function* shuffled<Item>(
  items: readonly Item[],
  turns: number,
): Generator<{ readonly turn: number; readonly item: Item }> {
  for (let turn = 1; turn <= turns; turn += 1)
    for (const { item } of items
      .map((each, index) => ({ item: each, place: turn === 1 ? index : Math.random() }))
      .toSorted((a, b) => a.place - b.place))
      yield { turn, item };
}
