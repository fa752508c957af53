import { z } from 'zod';
import { isFileRef } from '../../core/files/file-ref.ts';
import { fixedDefault } from '../../core/input/fixed-default.ts';
import {
  type SchemaDef,
  type Tags,
  isJson,
  lazySchema,
  partsOf,
  taggedUnion,
  whyNotJson,
} from '../../core/input/schema-parts.ts';

export type ScalarName =
  | 'ID'
  | 'String'
  | 'Int'
  | 'SafeInt'
  | 'Float'
  | 'Boolean'
  | 'DateTime'
  | 'Date'
  | 'URL'
  | 'JSON';

interface Base {
  /** Whether the value may be null or absent. */
  readonly nullable: boolean;
  readonly description: string | undefined;
  readonly defaultValue: unknown;
}

interface Named extends Base {
  readonly schema: z.ZodType;
  /** The name that the author gave it. */
  readonly id: string | undefined;
}

export interface EnumShape extends Named {
  readonly kind: 'enum';
  /** In GraphQL each has the name that this text makes. */
  readonly values: readonly { readonly text: string; readonly value: string | number }[];
}

export interface ObjectShape extends Named {
  readonly kind: 'object';
  readonly side: Side;
  readonly fields: Readonly<Record<string, z.ZodType>>;
  /** Whether no field of it is required. */
  readonly lenient: boolean;
  /** The field that tells it from the other members of a union, with the type that it has in all of them. */
  readonly tag?: { readonly name: string; readonly shape: EnumShape };
}

export interface UnionShape extends Named {
  readonly kind: 'union';
  readonly side: Side;
  readonly discriminator: string;
  readonly members: readonly { readonly shape: ObjectShape; readonly tags: Tags }[];
}

/** The part of a zod schema that GraphQL can express, down to the next object. */
export type Shape =
  | (Base & { readonly kind: 'scalar'; readonly scalar: ScalarName })
  | (Base & { readonly kind: 'list'; readonly item: Shape; readonly maxItems: number | undefined })
  | (Base & { readonly kind: 'file' })
  | EnumShape
  | ObjectShape
  | UnionShape;

/** Thrown for a part of a schema that GraphQL cannot express. */
export class SchemaShapeError extends Error {
  override readonly name = 'SchemaShapeError';
}

/** What a type shows: the values that callers send, or those that they read. */
export type Side = 'input' | 'output';

const STRING_FORMATS: Readonly<Record<string, ScalarName>> = { datetime: 'DateTime', date: 'Date', url: 'URL' };

const UNION =
  "write z.discriminatedUnion('kind', [z.object({ kind: z.literal('a'), … }), z.object({ kind: z.literal('b'), … })]), or z.json() for any value";

/** Alternatives to schemas whose values JSON has, and GraphQL no type for. */
const INSTEAD: Readonly<Record<string, string>> = {
  tuple: 'z.tuple() has no type in GraphQL; write z.object({ … }), or z.array(…) for items of one type',
  intersection: 'z.intersection() has no type in GraphQL; write one.extend(other.shape)',
  null: 'z.null() has no type in GraphQL; write .nullable() behind the type of the other values',
  never: 'z.never() has no type in GraphQL; leave the field out',
};

/**
 * @param path the place of the schema in the definition of the job type
 * @param within the lists and lazy schemas around it, up to the next object
 * @throws SchemaShapeError that names the path, for a schema that GraphQL cannot express
 */
export function toShape(schema: z.ZodType, side: Side, path: string, within: readonly z.ZodType[] = []): Shape {
  const def: SchemaDef = schema.def;
  const meta = z.globalRegistry.get(schema);
  const base = { nullable: false, description: meta?.description, defaultValue: undefined };
  const named = { ...base, schema, id: meta?.id };
  const fail = (reason: string): never => {
    throw new SchemaShapeError(`${path}: ${reason}`);
  };
  if (within.includes(schema)) fail('a list of itself has no type in GraphQL; write z.json()');
  const inner = (child: z.ZodType | undefined): Shape => {
    const shape = toShape(child ?? z.never(), side, path, [...within, schema]);
    return { ...shape, description: base.description ?? shape.description };
  };
  const json = (nullable: boolean): Shape => {
    refuseWhatIsNotJson(schema, side, path);
    return { ...base, kind: 'scalar', scalar: 'JSON', nullable };
  };
  if (isFileRef(schema)) return { ...base, kind: 'file' };
  const reason = whyNotJson(schema, side === 'input' ? 'input' : 'result') ?? INSTEAD[def.type];
  if (reason !== undefined) fail(reason);

  const type: string = def.type;
  switch (type) {
    case 'string':
      return { ...base, kind: 'scalar', scalar: stringScalar(def.format, path) };
    case 'template_literal':
      return { ...base, kind: 'scalar', scalar: 'String' };
    case 'number':
      return { ...base, kind: 'scalar', scalar: numberScalar(schema) };
    case 'boolean':
      return { ...base, kind: 'scalar', scalar: 'Boolean' };
    case 'any':
    case 'unknown':
      return json(true);
    case 'record':
      return json(false);
    case 'enum':
      return { ...named, kind: 'enum', values: enumValues(def.entries ?? {}) };
    case 'literal': {
      const values = def.values ?? [];
      const texts = values.filter((value) => typeof value === 'string');
      if (texts.length === values.length)
        return { ...named, kind: 'enum', values: texts.map((value) => ({ text: value, value })) };
      return { ...base, kind: 'scalar', scalar: literalScalar(values) ?? fail(LITERAL) };
    }
    case 'array':
      return {
        ...base,
        kind: 'list',
        item: toShape(def.element ?? z.never(), side, `${path}[]`, [...within, schema]),
        maxItems: maxItemsOf(def),
      };
    case 'object': {
      const { shape = {}, catchall } = def;
      if (catchall !== undefined && catchall.def.type !== 'never')
        fail('an object with fields of any name has no type in GraphQL; write z.record(z.string(), …) for them');
      if (Object.keys(shape).length === 0)
        fail('an object without fields has no type in GraphQL; write a field, or leave the object out');
      return { ...named, kind: 'object', side, fields: shape, lenient: false };
    }
    case 'union': {
      const union = taggedUnion(def);
      if (union === undefined) return fail(unionReason(def.options ?? []));
      const members = union.members.map(({ schema: member, tags }) => {
        const shape = toShape(member, side, path, [...within, schema]);
        return shape.kind === 'object' ? { shape, tags } : fail(`a member of the union is no object; ${UNION}`);
      });
      return { ...named, kind: 'union', side, discriminator: union.discriminator, members };
    }
    case 'lazy':
      return isJson(schema) ? json(true) : inner(lazySchema(schema));
    case 'optional':
    case 'nullable':
      return { ...inner(def.innerType), nullable: true };
    case 'default':
    case 'prefault':
      return side === 'input'
        ? { ...inner(def.innerType), nullable: true, defaultValue: shownDefault(schema, def) }
        : inner(def.innerType);
    case 'nonoptional':
      return { ...inner(def.innerType), nullable: schema.isNullable() };
    case 'readonly':
      return inner(def.innerType);
    case 'catch':
      // It takes what its inner schema refuses, so that no field of it is required.
      return side === 'input' ? lenient(inner(def.innerType)) : inner(def.innerType);
    case 'pipe':
      // Of a preprocessing, what it returns; of anything else, what callers send or read.
      return inner(def.in?.def.type === 'transform' ? def.out : def.in);
    default:
      return fail(`z.${type}() has no type in GraphQL; write another one`);
  }
}

/** A record takes whatever its schema does, without a type in GraphQL, so that JSON is all that limits it. */
function refuseWhatIsNotJson(schema: z.ZodType, side: Side, place: string): void {
  for (const { schema: part, path } of partsOf(schema, place)) {
    const reason = whyNotJson(part, side === 'input' ? 'input' : 'result');
    if (reason !== undefined) throw new SchemaShapeError(`${path}: ${reason}`);
  }
}

/** What to write instead of a union whose members are not told apart by a literal. */
function unionReason(options: readonly z.ZodType[]): string {
  const defs: SchemaDef[] = options.map(({ def }) => def);
  const others = defs.filter(({ type }) => type !== 'null' && type !== 'undefined');
  if (others.length < defs.length) return 'a union with null has no type in GraphQL; write .nullable() or .optional()';
  const values = defs.flatMap((def) => (def.type === 'enum' ? Object.values(def.entries ?? {}) : (def.values ?? [])));
  if (
    defs.every(({ type }) => type === 'literal' || type === 'enum') &&
    values.every((value) => typeof value === 'string')
  )
    return `a union of texts has no type in GraphQL; write z.enum([${values.map((value) => `'${value}'`).join(', ')}])`;
  return `the members of this union do not each have their own literal in one field; ${UNION}`;
}

function lenient(shape: Shape): Shape {
  return shape.kind === 'object' ? { ...shape, lenient: true } : { ...shape, nullable: true };
}

/** A default as GraphQL writes it; undefined for that of a union, JSON or a date, whose values it writes in another way. */
function shownDefault(schema: z.ZodType, def: SchemaDef): unknown {
  const isShown = !partsOf(schema, '').some((part) => UNSHOWN.has(part.schema.def.type));
  return isShown ? fixedDefault(def) : undefined;
}

const UNSHOWN: ReadonlySet<string> = new Set(['union', 'record', 'lazy', 'any', 'unknown']);

/** A string field called `id` becomes an ID. */
function stringScalar(format: string | undefined, path: string): ScalarName {
  return STRING_FORMATS[format ?? ''] ?? (path.endsWith('.id') ? 'ID' : 'String');
}

/** GraphQL's Int has 32 bits, so it fits whole numbers whose own bounds are within them. */
function numberScalar(schema: z.ZodType): ScalarName {
  if (!(schema instanceof z.ZodNumber) || !schema.isInt) return 'Float';
  const { minValue, maxValue } = schema;
  return minValue !== null && maxValue !== null && isInt32(minValue) && isInt32(maxValue) ? 'Int' : 'SafeInt';
}

function isInt32(value: number): boolean {
  return value >= -(2 ** 31) && value < 2 ** 31;
}

const LITERAL =
  'values of several types have no type in GraphQL; write z.literal() with texts, numbers or booleans alone, and .nullable() for null';

/** The type of literals that are all numbers, or all booleans. */
function literalScalar(values: SchemaDef['values'] = []): ScalarName | undefined {
  if (values.every((value) => typeof value === 'boolean')) return 'Boolean';
  const numbers = values.filter((value) => typeof value === 'number');
  if (numbers.length < values.length) return undefined;
  if (!numbers.every(Number.isSafeInteger)) return 'Float';
  return numbers.every(isInt32) ? 'Int' : 'SafeInt';
}

/** Numbers have the names that the author gave them; TypeScript's enums list those among the entries too. */
function enumValues(entries: NonNullable<SchemaDef['entries']>): EnumShape['values'] {
  const values = new Set<unknown>(z.core.util.getEnumValues(entries));
  return Object.entries(entries)
    .filter(([, value]) => values.has(value))
    .map(([name, value]) => ({ text: typeof value === 'string' ? value : name, value }));
}

/** The greatest length that a list's checks allow. */
function maxItemsOf({ checks = [] }: SchemaDef): number | undefined {
  const maxima = checks.flatMap(({ _zod: { def } }) => {
    const { check, maximum, length }: { check: string; maximum?: number; length?: number } = def;
    return check === 'max_length' || check === 'length_equals' ? (maximum ?? length ?? []) : [];
  });
  return maxima.length === 0 ? undefined : Math.min(...maxima);
}
