/** Names something a job's function needs from outside, such as a repository, and carries its type. */
export interface ProviderKey<T> {
  readonly name: string;
  /** Only for the type checker: ties the key to what it stands for. */
  readonly type?: T;
}

export function providerKey<T>(name: string): ProviderKey<T> {
  return { name };
}

/** Gives what was provided under a key. */
export type Use = <T>(key: ProviderKey<T>) => T;

/**
 * What the composition root provides to the functions of job types.
 * @throws Error from `use` when nothing was provided under the key: a mistake in the composition root
 */
export function createProvider(): { provide<T>(key: ProviderKey<T>, value: T): void; use: Use } {
  const values = new Map<object, unknown>();
  return {
    provide(key, value) {
      values.set(key, value);
    },
    use<T>(key: ProviderKey<T>): T {
      if (!values.has(key)) throw new Error(`nothing is provided as "${key.name}"`);
      // The key's type is the type of the value that `provide` stored under it.
      return values.get(key) as T;
    },
  };
}
