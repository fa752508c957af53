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
  readonly result: Read<TypesOf<Type['result']>['input']>;
}

/** A file in a result. */
export interface FileLink {
  readonly id: string;
  readonly name: string;
  readonly contentType: string;
  /** In bytes. */
  readonly size: number;
  /** In hexadecimal; null where the server did not see the bytes. */
  readonly sha256: string | null;
  /** Where to read it, without credentials, until it expires. Read the result again for another one. */
  readonly url: string;
  readonly expiresAt: string;
}

/** A value as callers read it: what `fileRef()` is in a schema is a file with its URL. */
type Read<Value> = '~file' extends keyof Value
  ? FileLink
  : Value extends readonly (infer Item)[]
    ? Read<Item>[]
    : Value extends object
      ? { [Name in keyof Value]: Read<Value[Name]> }
      : Value;
