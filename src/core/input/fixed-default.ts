import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';

/** The parts of the definition of `z.….default()` and `z.….prefault()` that are read here. */
export interface DefaultDef {
  readonly type: string;
  /** A getter, where the default is a function. */
  readonly defaultValue?: unknown;
  readonly innerType?: z.core.$ZodType;
}

/**
 * A default that is the same for every input and is not changed by the schema's transforms, so that an API's schema can show it;
 * undefined for any other, which zod alone fills in.
 */
export function fixedDefault(def: DefaultDef): unknown {
  const value = def.defaultValue;
  if (!isDeepStrictEqual(value, def.defaultValue)) return undefined;
  if (def.type === 'prefault') return value;
  if (def.innerType === undefined) return undefined;
  const parsed = z.safeParse(def.innerType, value);
  return parsed.success && isDeepStrictEqual(parsed.data, value) ? value : undefined;
}
