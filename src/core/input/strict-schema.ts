import { z } from 'zod';

/** zod keeps a schema's parts in `_zod.def`; these are the ones in which objects can be nested. */
interface NestingDef {
  readonly type: z.core.$ZodTypeDef['type'];
  readonly shape?: Record<string, z.ZodType>;
  readonly catchall?: z.ZodType;
  readonly element?: z.ZodType;
  readonly innerType?: z.ZodType;
  readonly in?: z.ZodType;
}

/**
 * The same schema, refusing unknown fields in every object that does not say what to do with them, at every depth.
 * Its checks, defaults and transforms stay.
 */
export function toStrict<Schema extends z.ZodType>(schema: Schema): Schema {
  const strict = strictParts(schema.def);
  if (strict === undefined) return schema;
  // By their descriptors: a default is a getter that gives each input a value of its own.
  const parts = { ...Object.getOwnPropertyDescriptors(schema.def), ...Object.getOwnPropertyDescriptors(strict) };
  // These are the definition's own properties, but for those that were made strict.
  return z.core.clone<Schema>(schema, Object.defineProperties({}, parts) as Schema['def']);
}

function strictParts(def: NestingDef): Partial<NestingDef> | undefined {
  if (def.type === 'object' && def.shape !== undefined) {
    const { shape } = def;
    return {
      // Not before it is asked for, because an object may hold itself.
      get shape() {
        return Object.fromEntries(Object.entries(shape).map(([name, field]) => [name, toStrict(field)]));
      },
      catchall: def.catchall ?? z.never(),
    };
  }
  if (def.type === 'array' && def.element !== undefined) return { element: toStrict(def.element) };
  if (def.type === 'pipe' && def.in !== undefined) return { in: toStrict(def.in) };
  if (def.innerType !== undefined) return { innerType: toStrict(def.innerType) };
  return undefined;
}
