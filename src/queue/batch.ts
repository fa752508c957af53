export interface BatchOptions<Item> {
  readonly maxItems: number;
  /**
   * The largest sum of sizes in a batch of several items.
   * @default no bound
   */
  readonly maxSize?: number;
  /** @default 0 */
  sizeOf?(item: Item): number;
  /** Whether an error applies to every item, as when the store is unavailable. After another error the items are tried one by one. */
  isShared(error: unknown): boolean;
}

interface Entry<Item, Result> {
  readonly item: Item;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/**
 * Collects the items of one turn of the event loop and runs them together, in one round trip. Each item has its own result.
 * @param run resolves to one result for each item, in their order
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
      // `run` resolves to as many results as it got items.
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
    // After this turn's reads of the sockets.
    if (entries.length === 0) setImmediate(flush);
    entries.push({ item, resolve, reject });
    size += itemSize;
    return promise;
  };
}
