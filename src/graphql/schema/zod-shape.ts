import { z } from 'zod';
import { fixedDefault } from '../../core/input/fixed-default.ts';

export type ScalarName = 'ID' | 'String' | 'Int' | 'SafeInt' | 'Float' | 'Boolean' | 'DateTime' | 'Date' | 'URL';

/** The part of a zod schema that GraphQL can express. */
export type Shape = {
  /** Whether the value may be null or absent. */
  readonly nullable: boolean;
  readonly description: string | undefined;
  readonly defaultValue: unknown;
} & (
  | { readonly kind: 'scalar'; readonly scalar: ScalarName }
  | {
      readonly kind: 'enum';
      readonly schema: z.ZodType;
      readonly id: string | undefined;
      readonly values: readonly (string | number)[];
    }
  | { readonly kind: 'list'; readonly item: Shape; readonly maxItems: number | undefined }
  | {
      readonly kind: 'object';
      readonly side: Side;
      readonly schema: z.ZodType;
      readonly id: string | undefined;
      readonly fields: Readonly<Record<string, Shape>>;
    }
);

/** Thrown for a part of a schema that GraphQL cannot express. */
export class SchemaShapeError extends Error {
  override readonly name = 'SchemaShapeError';
}

/** The side of transforms and defaults: the values that a schema accepts, or those that it returns. */
export type Side = 'input' | 'output';

/** The parts of a zod schema's definition that are read here. */
interface Def {
  readonly type: string;
  readonly format?: string;
  readonly entries?: Readonly<Record<string, string | number>>;
  readonly values?: readonly unknown[];
  readonly element?: z.ZodType;
  readonly checks?: readonly z.core.$ZodCheck[];
  readonly innerType?: z.ZodType;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly catchall?: z.ZodType;
  readonly defaultValue?: unknown;
  readonly in?: z.ZodType;
  readonly out?: z.ZodType;
}

const STRING_FORMATS: Readonly<Record<string, ScalarName>> = { datetime: 'DateTime', date: 'Date', url: 'URL' };

/** Alternatives to schemas that GraphQL cannot express, for the error message. */
const INSTEAD: Readonly<Record<string, string>> = {
  date: 'use z.iso.datetime() or z.iso.date()',
  bigint: 'use z.int(), or z.string() for larger numbers',
  record: 'use a list of objects with a key and a value',
  map: 'use a list of objects with a key and a value',
  set: 'use z.array()',
  union: 'use an object with optional fields',
  tuple: 'use an object',
};

/**
 * @param path the place of the schema in the definition of the job type
 * @param within the objects around it, which it must not contain again
 * @throws SchemaShapeError that names the path, for a schema that GraphQL cannot express
 */
export function toShape(schema: z.ZodType, side: Side, path: string, within: readonly z.ZodType[] = []): Shape {
  const def: Def = schema.def;
  const meta = z.globalRegistry.get(schema);
  const base = { nullable: false, description: meta?.description, defaultValue: undefined };
  const fail = (reason: string): never => {
    throw new SchemaShapeError(`${path}: ${reason}`);
  };
  const inner = (child: z.ZodType | undefined): Shape => {
    if (child === undefined) return fail(`z.${def.type}() has nothing inside`);
    const shape = toShape(child, side, path, within);
    return { ...shape, description: base.description ?? shape.description };
  };

  switch (def.type) {
    case 'string':
      return { ...base, kind: 'scalar', scalar: stringScalar(def.format, path) };
    case 'number':
      return { ...base, kind: 'scalar', scalar: numberScalar(schema) };
    case 'boolean':
      return { ...base, kind: 'scalar', scalar: 'Boolean' };
    case 'enum':
      return { ...base, kind: 'enum', schema, id: meta?.id, values: Object.values(def.entries ?? {}) };
    case 'literal': {
      const values = (def.values ?? []).filter((value) => typeof value === 'string');
      if (values.length !== def.values?.length) fail('z.literal() can only be text in GraphQL');
      return { ...base, kind: 'enum', schema, id: meta?.id, values };
    }
    case 'array':
      return {
        ...base,
        kind: 'list',
        item: toShape(def.element ?? z.unknown(), side, `${path}[]`, within),
        maxItems: maxItemsOf(def),
      };
    case 'object': {
      if (within.includes(schema)) fail('an object cannot contain itself');
      if (def.catchall !== undefined && def.catchall.def.type !== 'never')
        fail('an object with fields of any name has no type in GraphQL');
      const fields = Object.entries(def.shape ?? {}).map(([name, field]) => [
        name,
        toShape(field, side, `${path}.${name}`, [...within, schema]),
      ]);
      if (fields.length === 0) fail('an object without fields has no type in GraphQL');
      return { ...base, kind: 'object', side, schema, id: meta?.id, fields: Object.fromEntries(fields) };
    }
    case 'optional':
    case 'nullable':
      return { ...inner(def.innerType), nullable: true };
    case 'default':
    case 'prefault':
      return side === 'input'
        ? { ...inner(def.innerType), nullable: true, defaultValue: fixedDefault(def) }
        : inner(def.innerType);
    case 'nonoptional':
      return { ...inner(def.innerType), nullable: schema.isNullable() };
    case 'readonly':
      return inner(def.innerType);
    case 'catch':
      // It takes what its inner schema refuses, so that no field of it is required.
      return side === 'input' ? lenient(inner(def.innerType)) : inner(def.innerType);
    case 'pipe':
      return inner(side === 'input' ? def.in : def.out);
    default:
      return fail(`z.${def.type}() cannot be expressed in GraphQL; ${INSTEAD[def.type] ?? 'use another type'}`);
  }
}

function lenient(shape: Shape): Shape {
  if (shape.kind !== 'object') return { ...shape, nullable: true };
  const fields = Object.entries(shape.fields).map(([name, field]) => [name, { ...field, nullable: true }]);
  return { ...shape, fields: Object.fromEntries(fields) };
}

/** A string field called `id` becomes an ID. */
function stringScalar(format: string | undefined, path: string): ScalarName {
  return STRING_FORMATS[format ?? ''] ?? (path.endsWith('.id') ? 'ID' : 'String');
}

/** GraphQL's Int has 32 bits, so it fits whole numbers whose own bounds are within them. */
function numberScalar(schema: z.ZodType): ScalarName {
  if (!(schema instanceof z.ZodNumber) || !schema.isInt) return 'Float';
  const { minValue, maxValue } = schema;
  const isInt32 = minValue !== null && minValue >= -(2 ** 31) && maxValue !== null && maxValue < 2 ** 31;
  return isInt32 ? 'Int' : 'SafeInt';
}

/** The greatest length that a list's checks allow. */
function maxItemsOf({ checks = [] }: Def): number | undefined {
  const maxima = checks.flatMap(({ _zod: { def } }) => {
    const { check, maximum, length }: { check: string; maximum?: number; length?: number } = def;
    return check === 'max_length' || check === 'length_equals' ? (maximum ?? length ?? []) : [];
  });
  return maxima.length === 0 ? undefined : Math.min(...maxima);
}
