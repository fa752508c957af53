/** The input and the result of a job type, as JSON values. */
export interface JobTypeShape {
  readonly input: unknown;
  readonly result: unknown;
}

/** Maps the name of each job type to its shape. */
export type JobTypeMap<Types> = { readonly [Name in keyof Types]: JobTypeShape };

/** Job types of any name, whose inputs and results are not known. */
export type AnyJobTypes = Readonly<Record<string, JobTypeShape>>;

/** The part of Standard Schema that carries a schema's types; zod's schemas have it (https://standardschema.dev). */
interface TypedSchema {
  readonly '~standard': { readonly types?: { readonly input: unknown; readonly output: unknown } | undefined };
}
type TypesOf<Schema extends TypedSchema> = NonNullable<Schema['~standard']['types']>;

/**
 * The shape of a job type made with `defineJob`. The input type is what callers may send, so fields with a default are optional.
 * Both are JSON values, on the encoded side of codecs, because the server does not start with a job type whose schema has other values.
 */
export interface ShapeOf<Type extends { readonly input: TypedSchema; readonly result: TypedSchema }> {
  readonly input: TypesOf<Type['input']>['input'];
  readonly result: TypesOf<Type['result']>['input'];
}
