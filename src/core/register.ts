/** What a project tells the type checker about its dependencies. */

/**
 * Makes the names and types of a project's dependencies known to `job.use`. In `accepted.config.ts`:
 *
 *     declare module 'accepted' {
 *       interface Register {
 *         config: typeof config;
 *       }
 *     }
 */
// oxlint-disable-next-line typescript/no-empty-object-type -- Projects add to it.
export interface Register {}

/** The values of the registered configuration's dependencies, by name; any name where no configuration is registered. */
export type Provided = Register extends { config: { readonly provided?: infer Values } }
  ? Exclude<Values, undefined>
  : Readonly<Record<string, unknown>>;

/** The name of a dependency with the type of its value, for code that does not know the project's configuration. */
export interface ProviderKey<Value> {
  readonly name: string;
  /** For the type checker alone: binds the key to the type of its value. */
  readonly type?: Value;
}

/** @param name the dependency's name in `accepted.config.ts` */
export function providerKey<Value>(name: string): ProviderKey<Value> {
  return { name };
}

/** Returns the value of a dependency, by its name in `accepted.config.ts` or by a key. */
export interface Use {
  <Name extends keyof Provided>(name: Name): Provided[Name];
  <Value>(key: ProviderKey<Value>): Value;
}
