import { z } from 'zod';
import { isFileRef } from '../files/file-ref.ts';
import { fileViewSchema } from '../files/file-view.ts';
import { isNullWhenAbsent } from './schema-parts.ts';
import { type DefaultDef, fixedDefault } from './fixed-default.ts';

/** JSON Schema, draft 2020-12. */
export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** The side of transforms and defaults: the value before parsing, or after it. */
export type Side = 'input' | 'output';

/** The parts of `_zod.def`, zod's public definition of a schema, that are read here. */
interface Def extends DefaultDef {
  readonly catchall?: z.core.$ZodType | undefined;
  readonly checks?: readonly { readonly _zod: { readonly def: object } }[] | undefined;
}

const sourceOf = (schema: z.ZodType): unknown => z.toJSONSchema(schema).pattern;

/** Long patterns that repeat what `format` says, and what replaces them: the part that `format` leaves open. */
const SHORT_PATTERNS: ReadonlyMap<unknown, string | undefined> = new Map([
  [sourceOf(z.iso.datetime()), 'Z$'],
  [sourceOf(z.iso.datetime({ offset: true })), undefined],
  [sourceOf(z.iso.date()), undefined],
]);

/**
 * A zod schema as JSON Schema, draft 2020-12; the schemas in it that have a `.meta({ id })` are in `$defs`.
 *
 * Input refuses unknown fields, as the service does. Output does not, because a later version may add a field.
 * @param metadata where descriptions and ids are from
 */
export function toJsonSchema(schema: z.core.$ZodType, side: Side, metadata = z.globalRegistry): JsonSchema {
  const json = z.toJSONSchema(schema, {
    target: 'draft-2020-12',
    io: side,
    metadata,
    // Dates, as `JSON.stringify` writes them. Job types have been checked.
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => adaptJsonSchema(zodSchema, jsonSchema, side),
  });
  delete json.$schema;
  return json;
}

/** Makes what zod says of a schema say what this API means. */
export function adaptJsonSchema(schema: z.core.$ZodType, json: JsonSchema, side: Side): void {
  const def: Def = schema._zod.def;
  if (isFileRef(schema)) showFile(schema, json, side);
  if (side === 'output' && schema instanceof z.ZodCodec) showEncoded(schema, json);
  if (def.type === 'date') Object.assign(json, { type: 'string', format: 'date-time', pattern: 'Z$' });
  if (def.type === 'object' && def.catchall === undefined) {
    if (side === 'input') json.additionalProperties = false;
    else delete json.additionalProperties;
  }
  if (side === 'input' && schema instanceof z.ZodObject) omitNullable(schema, json);
  // What takes the place of a refused value is no default for callers.
  if (def.type === 'catch') delete json.default;
  if (json.default !== undefined && (def.type === 'default' || def.type === 'prefault')) {
    if (side === 'output' || fixedDefault(def) === undefined) delete json.default;
  }
  // zod bounds every integer by what JavaScript can represent.
  if (json.minimum === Number.MIN_SAFE_INTEGER) delete json.minimum;
  if (json.maximum === Number.MAX_SAFE_INTEGER) delete json.maximum;
  if (def.type === 'nullable') addNull(json);
  shortenPatterns(def, json);
}

/** Null stands for an absent value where it may be null. */
function omitNullable({ shape }: z.ZodObject, json: JsonSchema): void {
  const required = json.required?.filter((name) => shape[name] === undefined || !isNullWhenAbsent(shape[name]));
  if (required === undefined || required.length > 0) Object.assign(json, required && { required });
  else delete json.required;
}

/** Callers send the id of an upload, and read a file with its URL. */
function showFile(schema: z.core.$ZodType, json: JsonSchema, side: Side): void {
  const { description } = z.globalRegistry.get(schema) ?? {};
  for (const key of Object.keys(json)) delete json[key];
  Object.assign(json, side === 'output' ? toJsonSchema(fileViewSchema, 'output', z.registry()) : SENT_FILE);
  if (description !== undefined) json.description = description;
}

/** A member of its own says that a form uploads a file for it. */
const SENT_FILE = {
  type: 'object',
  description: 'An upload: see createUpload.',
  properties: { id: { type: 'string', description: 'The id that createUpload returned.' } },
  required: ['id'],
  additionalProperties: false,
  'x-accepted-upload': true,
};

/** Callers read what a codec encodes, and zod shows what it decodes. */
function showEncoded(codec: z.ZodCodec, json: JsonSchema): void {
  const meta = z.globalRegistry.get(codec) ?? {};
  for (const key of Object.keys(json)) if (!(key in meta)) delete json[key];
  // Without ids, whose definitions would be out of their place.
  Object.assign(json, toJsonSchema(codec.in, 'output', z.registry()), { ...json });
}

/** Writes `{ type: [T, "null"], … }` instead of two alternatives, where no keyword about T also applies to null. */
function addNull(json: JsonSchema): void {
  const [inner, none] = json.anyOf ?? [];
  if (inner === undefined || none?.type !== 'null' || typeof inner.type !== 'string') return;
  if (inner.enum !== undefined || inner.const !== undefined || inner.allOf !== undefined) return;
  delete json.anyOf;
  // A JSON Schema may have a list of types, which the type that zod declares for it leaves out.
  Object.assign(json, { ...inner, type: [inner.type, 'null'] });
}

function shortenPatterns({ checks }: Def, json: JsonSchema): void {
  if (SHORT_PATTERNS.has(json.pattern)) {
    const shorter = SHORT_PATTERNS.get(json.pattern);
    if (shorter === undefined) delete json.pattern;
    else json.pattern = shorter;
  }
  const patterns = checks?.flatMap(({ _zod: { def } }) =>
    'pattern' in def && def.pattern instanceof RegExp ? [def.pattern] : [],
  );
  const foreign = new Set(patterns?.filter((pattern) => !isPortable(pattern)).map(({ source }) => source));
  if (json.pattern !== undefined && foreign.has(json.pattern)) delete json.pattern;
  if (json.allOf === undefined || foreign.size === 0) return;
  json.allOf = json.allOf.filter(({ pattern }) => pattern === undefined || !foreign.has(pattern));
}

/** JSON Schema's patterns have no flag but `u` (section 6.4 of its core), so a pattern with another flag would change its meaning. */
function isPortable(pattern: RegExp): boolean {
  if (/[ims]/.test(pattern.flags)) return false;
  try {
    return new RegExp(pattern.source, 'u').source === pattern.source;
  } catch {
    return false;
  }
}
