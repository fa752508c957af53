/** What zod schemas are made of, and which of them have values that JSON can carry. */
import { z } from 'zod';

/** The parts of a schema's definition, zod's `def`, that this program reads. */
export interface SchemaDef {
  readonly type: z.core.$ZodTypeDef['type'];
  readonly checks?: z.core.$ZodCheck[];
  readonly format?: string;
  readonly entries?: z.core.util.EnumLike;
  readonly values?: readonly z.core.util.Literal[];
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly catchall?: z.ZodType | undefined;
  readonly element?: z.ZodType;
  readonly options?: readonly z.ZodType[];
  readonly discriminator?: string;
  readonly keyType?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly items?: readonly z.ZodType[];
  readonly rest?: z.ZodType | null;
  readonly left?: z.ZodType;
  readonly right?: z.ZodType;
  readonly innerType?: z.ZodType;
  readonly defaultValue?: unknown;
  readonly in?: z.ZodType;
  readonly out?: z.ZodType;
}

/** Whether a schema is `z.json()`, which zod builds of a union that contains itself. */
export function isJson(schema: z.core.$ZodType): boolean {
  const union = schema instanceof z.ZodLazy ? schema._zod.innerType : undefined;
  if (!(union instanceof z.ZodUnion)) return false;
  const types = union.options.map(({ _zod: { def } }) => def.type).join();
  const list = union.options.find((option) => option instanceof z.ZodArray)?.element;
  return (
    types === 'string,number,boolean,null,array,record' && list instanceof z.ZodLazy && list._zod.innerType === union
  );
}

/** Whether an absent field of an input counts as null. */
export function isNullWhenAbsent(schema: z.core.$ZodType): boolean {
  const { type } = schema._zod.def;
  return type === 'nullable' || type === 'any' || type === 'unknown' || isJson(schema);
}

export function isCodec(schema: z.core.$ZodType): boolean {
  return schema instanceof z.ZodCodec;
}

/** The schema that `z.lazy()` stands for: the same one each time. */
export function lazySchema(schema: z.ZodType): z.ZodType | undefined {
  // zod declares the widest type of schemas, and its classic schemas are all that callers can make.
  return schema instanceof z.ZodLazy ? (schema._zod.innerType as z.ZodType) : undefined;
}

/** A value of a discriminator. */
export type Tag = string | number | boolean;

/** A union of objects, each of which has its own values in one field. */
export interface TaggedUnion {
  readonly discriminator: string;
  readonly members: readonly { readonly schema: z.ZodType; readonly tags: Tags }[];
}

export type Tags = readonly [Tag, ...Tag[]];

/** Reads `z.discriminatedUnion()`, or a union whose objects differ by a literal; undefined for any other schema. */
export function taggedUnion({ type, options, discriminator }: SchemaDef): TaggedUnion | undefined {
  if (type !== 'union' || options === undefined) return undefined;
  const names = discriminator === undefined ? Object.keys(options[0]?._zod.propValues ?? {}) : [discriminator];
  for (const name of names) {
    const members = options.flatMap((schema) => membersOf(schema, name) ?? []);
    const tags = members.flatMap((member) => member.tags);
    const isTold =
      options.every((schema) => membersOf(schema, name) !== undefined) && new Set(tags).size === tags.length;
    if (isTold) return { discriminator: name, members };
  }
  return undefined;
}

/** The members that one option of a union adds: several, if it is a union by the same field itself. */
function membersOf(schema: z.ZodType, discriminator: string): TaggedUnion['members'] | undefined {
  const inner = lazySchema(schema) ?? schema;
  const def: SchemaDef = inner.def;
  if (def.discriminator === discriminator) return taggedUnion(def)?.members;
  const values = [...(schema._zod.propValues?.[discriminator] ?? [])];
  const [first, ...others] = values.filter((value) => isTag(value));
  return first !== undefined && others.length + 1 === values.length
    ? [{ schema, tags: [first, ...others] }]
    : undefined;
}

function isTag(value: unknown): value is Tag {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

/** The side of a job: what callers send, or what they read. */
export type JobSide = 'input' | 'result';

/** A schema inside another one. */
export interface SchemaPart {
  readonly schema: z.ZodType;
  /** From the whole to the part, as in `input.lines[].due`. */
  readonly path: string;
  /** The schemas around it, from the whole to the nearest. */
  readonly within: readonly z.ZodType[];
}

/** The problem of a schema that has no end. */
export const ENDLESS =
  'a schema that contains a copy of itself never ends; make and describe it once, and use the same one inside';

/** Limits on reading a schema, far above any real one: a schema that creates a new schema on each access never ends. */
const MAX_DEPTH = 100;
const MAX_PARTS = 10_000;

/**
 * The parts of a schema whose values travel as JSON, the schema itself included: of a codec, those that callers see. A schema that
 * contains itself comes once.
 */
export function* partsOf(
  schema: z.ZodType,
  path: string,
  seen = new Set<z.ZodType>(),
  within: readonly z.ZodType[] = [],
): Generator<SchemaPart, void, void> {
  yield { schema, path, within };
  if (seen.has(schema) || isJson(schema) || within.length === MAX_DEPTH || seen.size === MAX_PARTS) return;
  seen.add(schema);
  for (const [step, part] of childrenOf(schema)) yield* partsOf(part, `${path}${step}`, seen, [...within, schema]);
}

function childrenOf(schema: z.ZodType): [step: string, part: z.ZodType][] {
  const def: SchemaDef = schema.def;
  const fields = Object.entries(def.shape ?? {}).map(([name, field]): [string, z.ZodType] => [`.${name}`, field]);
  const { options = [], items = [] } = def;
  const sent = def.in?.def.type === 'transform' ? def.out : def.in;
  const same = [def.innerType, sent, lazySchema(schema), def.left, def.right, ...options];
  const inside = [def.element, def.valueType, def.catchall, def.rest, ...items];
  return [
    ...fields,
    ...same.flatMap((part): [string, z.ZodType][] => (part === undefined ? [] : [['', part]])),
    ...inside.flatMap((part): [string, z.ZodType][] => (part === undefined || part === null ? [] : [['[]', part]])),
  ];
}

/** What to write instead of schemas whose values JSON does not have. */
const INSTEAD: Readonly<Record<string, string>> = {
  date: 'z.date() is not JSON; write isoDatetimeToDate or isoDateToDate from accepted, or z.iso.datetime() for text',
  bigint: 'z.bigint() is not JSON; write stringToBigInt from accepted, or z.int() for numbers up to 2^53',
  map: 'z.map() is not JSON; write z.record(z.string(), …)',
  set: 'z.set() is not JSON; write z.array(…)',
  undefined: 'z.undefined() is not JSON; write .optional() behind the type that the field may have',
  void: 'z.void() is not JSON; leave the field out',
  nan: 'z.nan() is not JSON; write z.number().nullable()',
  symbol: 'z.symbol() is not JSON; write z.enum([…])',
  function: 'z.function() is not JSON; leave the field out',
  promise: 'z.promise() is not JSON; write the type that the promise resolves to',
  file: 'z.file() is not JSON; write z.url(), or z.base64() for a small file',
  custom:
    'z.custom() and z.instanceof() say nothing about JSON; write the type of the JSON value, or a z.codec() from it',
};

/** Why callers can't send or read the values of a schema, and what to write instead; undefined if they can. */
export function whyNotJson(schema: z.ZodType, side: JobSide): string | undefined {
  const def: SchemaDef = schema.def;
  const isOneWay = def.type === 'pipe' && (def.in?.def.type === 'transform' || def.out?.def.type === 'transform');
  if (side === 'result' && isOneWay)
    return 'a result is sent as run returns it; transform it in run, or write a z.codec(), which has both directions';
  return INSTEAD[def.type];
}
