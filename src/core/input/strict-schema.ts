/** Schemas as the service uses them: for input from callers, and for results. */
import { z } from 'zod';
import { MAX_ISSUES } from '../errors.ts';
import { MAX_NESTING } from './parse-json.ts';
import { type SchemaDef, isJson, isNullWhenAbsent, lazySchema, taggedUnion } from './schema-parts.ts';

/**
 * Returns the same schema for input from callers, at every depth:
 * - Objects that do not declare how to treat unknown fields refuse them.
 * - Lists check their length before their items, and lists and records stop at the 20th issue.
 * - A union whose objects differ by a literal checks only the object that is meant.
 * - Null counts as absent where a field may be absent, and an absent field as null where it may be null, because GraphQL does not tell
 *   the two apart in its types.
 * - Lengths of text are code points, as in GraphQL's and JSON Schema's documents and in databases.
 *
 * Other checks, defaults and transforms stay.
 */
export function toStrict<Schema extends z.ZodType>(schema: Schema): Schema {
  return adapt(schema, strict);
}

/**
 * Returns the same schema for input that was accepted, perhaps by a process whose schema is newer: like `toStrict`, but objects drop the
 * fields that they do not know. Inside `.catch()` they refuse them still, because the author has said what becomes of a refused value.
 */
export function toAccepted<Schema extends z.ZodType>(schema: Schema): Schema {
  return adapt(schema, accepted);
}

/** Returns the same schema for results, whose lengths of text are code points too. */
export function toResultSchema<Schema extends z.ZodType>(schema: Schema): Schema {
  return adapt(schema, asResult);
}

/** Adapts a part of a schema. */
type AdaptPart = (part: z.ZodType) => z.ZodType;

/** Adapts each part once, so that a schema that contains itself ends, and the parser that zod compiles for it is made once. */
function once(adaptPart: AdaptPart): AdaptPart {
  const adapted = new WeakMap<z.ZodType, z.ZodType>();
  return (part) => {
    const result = adapted.get(part) ?? adaptPart(part);
    adapted.set(part, result);
    return result;
  };
}

const asResult: AdaptPart = once((part) => adaptPartOf(part, asResult));

const strict: AdaptPart = once((part) => adaptInput(part, strict));

const accepted: AdaptPart = once((part) => adaptInput(part, part.def.type === 'catch' ? strict : accepted));

function adaptInput(part: z.ZodType, adaptPart: AdaptPart): z.ZodType {
  const def: SchemaDef = part.def;
  if (def.type === 'array' && def.element !== undefined) return boundedList(part, adaptPart(def.element));
  if (def.valueType !== undefined && def.keyType?._zod.values === undefined)
    return boundedRecord(part, adaptPart(def.valueType));
  const mayBeAbsent = def.type === 'optional' || def.type === 'default' || def.type === 'prefault';
  if (mayBeAbsent && def.innerType !== undefined && isNullWhenAbsent(def.innerType))
    return withParts(part, { innerType: adaptPartOf(def.innerType, adaptPart) });
  const adapted = adaptPartOf(part, adaptPart);
  if (mayBeAbsent && !part.isNullable()) return z.preprocess((value) => value ?? undefined, adapted);
  return isNullWhenAbsent(part) ? z.preprocess((value) => value ?? null, adapted) : adapted;
}

/** In place of `z.json()`, which tries six schemas for each value inside, and recurses as deep as a function's result. */
const jsonValue = z
  .unknown()
  .refine(
    (value) => isJsonValue(value, MAX_NESTING),
    `Invalid JSON: expected finite numbers, and at most ${MAX_NESTING} levels`,
  );

function isJsonValue(value: unknown, levels: number): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || levels === 0) return false;
  if (!Array.isArray(value) && !z.core.util.isPlainObject(value)) return false;
  return Object.values(value).every((item) => isJsonValue(item, levels - 1));
}

function checksOf(...schemas: readonly z.ZodType[]): z.core.$ZodCheck[] {
  return schemas.flatMap(({ def }) => def.checks ?? []);
}

function adaptPartOf(part: z.ZodType, adaptPart: AdaptPart): z.ZodType {
  const def: SchemaDef = part.def;
  if (isJson(part)) return withParts(jsonValue, { checks: checksOf(jsonValue, part) });
  // JSON has no `undefined`, which is all that `.exactOptional()` refuses, and null stands for an absent value.
  if (part instanceof z.ZodExactOptional && def.innerType !== undefined) return z.optional(adaptPart(def.innerType));
  const inner = lazySchema(part);
  if (inner !== undefined)
    return withParts(
      z.lazy(() => adaptPart(inner)),
      { checks: checksOf(part) },
    );
  const union = def.discriminator === undefined ? taggedUnion(def) : undefined;
  if (union === undefined) return adapt(part, adaptPart);
  const options = union.members.map(({ schema }) => adaptPart(schema));
  const { discriminator } = union;
  return new z.ZodDiscriminatedUnion({
    type: 'union',
    inclusive: false,
    options,
    discriminator,
    checks: checksOf(part),
  });
}

/** Returns a copy of a schema with adapted parts, or the schema itself if it has none. */
function adapt<Schema extends z.ZodType>(schema: Schema, adaptPart: AdaptPart): Schema {
  const parts = adaptedParts(schema.def, adaptPart);
  return parts === undefined ? schema : withParts(schema, parts);
}

function withParts<Schema extends z.ZodType>(schema: Schema, parts: Partial<SchemaDef>): Schema {
  // Copied by descriptor, because a default is a getter that returns a new value for each input.
  const all = { ...Object.getOwnPropertyDescriptors(schema.def), ...Object.getOwnPropertyDescriptors(parts) };
  // These are the definition's own properties, with only the adapted parts replaced.
  return z.core.clone<Schema>(schema, Object.defineProperties({}, all) as Schema['def']);
}

function adaptedParts(def: SchemaDef, adaptPart: AdaptPart): Partial<SchemaDef> | undefined {
  if (def.type === 'object' && def.shape !== undefined) {
    const { shape } = def;
    return {
      // Lazy, because an object's schema may contain itself.
      get shape() {
        return Object.fromEntries(Object.entries(shape).map(([name, field]) => [name, adaptPart(field)]));
      },
      ...(adaptPart === strict && { catchall: def.catchall ?? z.never() }),
      ...(adaptPart === accepted && def.catchall?.def.type === 'never' && { catchall: undefined }),
    };
  }
  if (def.type === 'string' && def.checks?.some((check) => lengthsOf(check) !== undefined))
    return { checks: def.checks.map((check) => inCodePoints(check)) };
  if (def.type === 'array' && def.element !== undefined) return { element: adaptPart(def.element) };
  if (def.type === 'union') return { options: def.options?.map(adaptPart) ?? [] };
  if (def.type === 'record' && def.valueType !== undefined) return { valueType: adaptPart(def.valueType) };
  if (def.type === 'tuple')
    return { items: def.items?.map(adaptPart) ?? [], ...(def.rest && { rest: adaptPart(def.rest) }) };
  if (def.left !== undefined && def.right !== undefined)
    return { left: adaptPart(def.left), right: adaptPart(def.right) };
  if (def.type === 'pipe' && def.in !== undefined && def.out !== undefined)
    return { in: adaptPart(def.in), out: asResult(def.out) };
  if (def.innerType !== undefined) return { innerType: adaptPart(def.innerType) };
  return undefined;
}

/** The bounds of zod's checks of lengths; undefined for any other check. */
function lengthsOf({ _zod: { def } }: z.core.$ZodCheck): { minimum: number; maximum: number } | undefined {
  const bounds: { check: string; minimum?: number; maximum?: number; length?: number } = def;
  switch (bounds.check) {
    case 'max_length':
      return { minimum: 0, maximum: bounds.maximum ?? Infinity };
    case 'min_length':
      return { minimum: bounds.minimum ?? 0, maximum: Infinity };
    case 'length_equals':
      return { minimum: bounds.length ?? 0, maximum: bounds.length ?? Infinity };
    default:
      return undefined;
  }
}

/** The issue of a length out of the bounds of one of zod's checks, whose message may be the check's own. */
function lengthIssue(
  origin: 'string' | 'array',
  check: z.core.$ZodCheck,
  length: number,
  input: unknown,
): z.core.$ZodRawIssue | undefined {
  const { minimum, maximum } = lengthsOf(check) ?? { minimum: 0, maximum: Infinity };
  const shared = { origin, inclusive: true, input, inst: check, ...(minimum === maximum && { exact: true }) };
  if (length > maximum) return { ...shared, code: 'too_big', maximum };
  return length < minimum ? { ...shared, code: 'too_small', minimum } : undefined;
}

/** zod counts UTF-16 code units. */
function inCodePoints(check: z.core.$ZodCheck): z.core.$ZodCheck {
  const bounds = lengthsOf(check);
  if (bounds === undefined) return check;
  return z.check<string>(({ value, issues }) => {
    const { length } = value;
    // Each code point takes one or two units, so few texts have to be counted.
    if (length >= 2 * bounds.minimum && length <= bounds.maximum) return;
    const points = length > 2 * bounds.maximum ? length : Array.from(value).length;
    const issue = lengthIssue('string', check, points, value);
    if (issue !== undefined) issues.push(issue);
  });
}

/** A list's schema that checks the length first, then item by item up to the 20th issue, and then what else the list has to fulfill. */
function boundedList(schema: z.ZodType, element: z.ZodType): z.ZodType {
  const { checks = [] }: SchemaDef = schema.def;
  const lengths = checks.filter((check) => lengthsOf(check) !== undefined);
  // Its items are parsed already.
  const whole = lengths.length < checks.length ? withParts(schema, { element: z.any() }) : z.any();
  return z.any().transform((value: unknown, { issues }) => {
    if (!Array.isArray(value)) issues.push({ code: 'invalid_type', expected: 'array', input: value, inst: schema });
    else issues.push(...lengths.flatMap((check) => lengthIssue('array', check, value.length, value) ?? []));
    const items: unknown[] = [];
    for (const [index, item] of Array.isArray(value) && issues.length === 0 ? value.entries() : []) {
      const parsed = element.safeParse(item);
      if (parsed.success) items.push(parsed.data);
      else issues.push(...parsed.error.issues.map((issue) => asRaw(issue, [index, ...issue.path])));
      if (issues.length >= MAX_ISSUES) break;
    }
    return issues.length > 0 ? z.NEVER : parseWithin(whole, items, issues);
  });
}

/** A record's schema that checks 20 entries at a time up to the 20th issue, and then what else the record has to fulfill. */
function boundedRecord(schema: z.ZodType, value: z.ZodType): z.ZodType {
  const some = withParts(schema, { valueType: value, checks: [] });
  const { checks = [] } = schema.def;
  // Its entries are parsed already.
  const whole = checks.length > 0 ? withParts(z.any(), { checks }) : z.any();
  return z.any().transform((record: unknown, { issues }) => {
    const isRecord = z.core.util.isPlainObject(record);
    if (!isRecord) issues.push({ code: 'invalid_type', expected: 'record', input: record, inst: schema });
    const all = isRecord ? Object.entries(record) : [];
    const parsed: Record<string, unknown> = {};
    for (let start = 0; start < all.length && issues.length < MAX_ISSUES; start += MAX_ISSUES)
      Object.assign(parsed, parseWithin(some, Object.fromEntries(all.slice(start, start + MAX_ISSUES)), issues));
    return issues.length > 0 ? z.NEVER : parseWithin(whole, parsed, issues);
  });
}

/** Parses a value within the parse of another one. */
function parseWithin(schema: z.ZodType, value: unknown, issues: z.core.$ZodRawIssue[]): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  issues.push(...parsed.error.issues.map((issue) => asRaw(issue, [...issue.path])));
  return z.NEVER;
}

/** An issue of a parse within another one. It has its message already, which is all that the input is for. */
function asRaw(issue: z.core.$ZodIssue, path: PropertyKey[]): z.core.$ZodRawIssue {
  return { ...issue, path, input: undefined };
}
