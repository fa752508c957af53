export interface BatchOptions<Item> {
  readonly maxItems: number;
  /**
   * The most that the sizes of a batch may add up to, but for a single item's.
   * @default no bound
   */
  readonly maxSize?: number;
  /** @default 0 */
  sizeOf?(item: Item): number;
  /** Whether a failure says nothing of a single item: others are no reason to fail, so the items of a batch are tried one by one. */
  isShared(error: unknown): boolean;
}

interface Entry<Item, Result> {
  readonly item: Item;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/**
 * Does together what is asked for in one turn of the event loop: one round trip for all. None begins before it is asked for, and
 * each has an answer of its own.
 * @param run resolves to a result for each item, in their order
 */
export function createBatch<Item, Result>(
  run: (items: readonly Item[]) => Promise<readonly Result[]>,
  { maxItems, maxSize = Infinity, sizeOf = () => 0, isShared }: BatchOptions<Item>,
): (item: Item) => Promise<Result> {
  let entries: Entry<Item, Result>[] = [];
  let size = 0;

  async function settle(batch: readonly Entry<Item, Result>[]): Promise<void> {
    try {
      const results = await run(batch.map(({ item }) => item));
      // `run` gives as many results as it was given items.
      for (const [index, { resolve }] of batch.entries()) resolve(results[index] as Result);
    } catch (error) {
      if (batch.length > 1 && !isShared(error)) for (const entry of batch) void settle([entry]);
      else for (const { reject } of batch) reject(error);
    }
  }

  function flush(): void {
    if (entries.length === 0) return;
    const batch = entries;
    entries = [];
    size = 0;
    void settle(batch);
  }

  return (item) => {
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    const itemSize = sizeOf(item);
    if (entries.length >= maxItems || size + itemSize > maxSize) flush();
    // After all that the sockets have for this turn.
    if (entries.length === 0) setImmediate(flush);
    entries.push({ item, resolve, reject });
    size += itemSize;
    return promise;
  };
}
