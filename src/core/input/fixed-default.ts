import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';

/** What is read of the definition of `z.….default()` and `z.….prefault()`. */
export interface DefaultDef {
  readonly type: string;
  /** A getter, where the default is a function. */
  readonly defaultValue?: unknown;
  readonly innerType?: z.core.$ZodType;
}

/**
 * A default that can be told beforehand, and means the same before and after the schema's transforms; undefined for any
 * other, which is left to zod.
 */
export function fixedDefault(def: DefaultDef): unknown {
  const value = def.defaultValue;
  if (!isDeepStrictEqual(value, def.defaultValue)) return undefined;
  if (def.type === 'prefault') return value;
  if (def.innerType === undefined) return undefined;
  const parsed = z.safeParse(def.innerType, value);
  return parsed.success && isDeepStrictEqual(parsed.data, value) ? value : undefined;
}
