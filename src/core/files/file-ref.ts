/** References to files in the schemas of job types, and where they are in values. */
import { z } from 'zod';
import { type SchemaDef, lazySchema, partsOf, taggedUnion } from '../input/schema-parts.ts';

/** A file of a job: what a function gets for one in its input, and returns for one in its result. */
export interface StoredFile {
  readonly id: string;
  /** As its author or uploader named it. Not a path: never open a file of this name. */
  readonly name: string;
  /** A media type (RFC 9110, section 8.3.1). */
  readonly contentType: string;
  /** In bytes. */
  readonly size: number;
  /** In hexadecimal; null for an upload that went to S3 directly. */
  readonly sha256: string | null;
}

/** A file as callers send it, with its `id` alone, and as they read it, with everything else. */
export interface FileReference {
  /** What an upload returned. */
  readonly id: string;
  readonly name?: string;
  readonly contentType?: string;
  readonly size?: number;
  readonly sha256?: string | null;
  readonly url?: string;
  readonly expiresAt?: string;
  /** Tells this type from others. There is no such field. */
  readonly '~file'?: never;
}

/** Marks the schemas that `fileRef` returns; the same in every copy of this package that a process loads. */
const FILE_REF = Symbol.for('accepted.fileRef');

/** The minute of its making, by which expired files are found, and 128 random bits. */
export const FILE_ID = /^([\da-f]{8})-([\da-f]{32})$/;

const storedFileSchema = z.object({
  id: z.string().regex(FILE_ID),
  name: z.string(),
  contentType: z.string(),
  size: z.int().min(0),
  sha256: z.string().nullable(),
});

/**
 * The schema of a reference to a file. In a result, it is what `job.file` returned, and callers read it with a URL. In an input, callers
 * send the `id` of an upload, and the function reads the file with `job.open`. A check, such as
 * `fileRef().refine((file) => file.contentType === 'application/pdf')`, refuses uploads when they are submitted.
 */
export function fileRef(): z.ZodType<StoredFile, FileReference> {
  const marked = Object.assign({}, storedFileSchema.def, { [FILE_REF]: true });
  const schema: z.ZodType = z.core.clone(storedFileSchema, marked);
  // Callers send and read other fields than functions do: the API completes what they send, and adds a URL to what they read.
  return schema as z.ZodType<StoredFile, FileReference>;
}

export function isFileRef(schema: z.core.$ZodType): boolean {
  return FILE_REF in schema._zod.def;
}

/** Where something is in a value: names of fields and indexes. */
export type ValuePath = readonly (string | number)[];

/** Returns what takes the place of the value of a reference. */
export type Replace = (value: unknown, path: ValuePath) => unknown;

/** Returns a copy of a value of a schema, in which each reference is replaced; the value itself where its form is another one. */
export type MapFiles = (value: unknown, replace: Replace) => unknown;

/** Maps a part of a value, which is at a path. */
type MapPart = (value: unknown, replace: Replace, path: ValuePath) => unknown;

const compiled = new WeakMap<z.ZodType, { readonly map: MapFiles | undefined }>();

/** Finds out once where the references in values of a schema are; undefined for a schema without any. */
export function filesIn(schema: z.ZodType): MapFiles | undefined {
  const known = compiled.get(schema);
  if (known !== undefined) return known.map;
  const map = holdsFiles(schema) ? compile(schema, new Map()) : undefined;
  const made = { map: map && ((value: unknown, replace: Replace) => map(value, replace, [])) };
  compiled.set(schema, made);
  return made.map;
}

/** The schemas in which a value of a schema is of the same form, in place of another one: of an optional field, that of the field. */
function innerOf(schema: z.ZodType): z.ZodType | undefined {
  const def: SchemaDef = schema.def;
  return def.innerType ?? lazySchema(schema);
}

function holdsFiles(schema: z.ZodType): boolean {
  return partsOf(schema, '').some((part) => isFileRef(part.schema));
}

/** Levels of a schema in which references are looked for, far above any real one: other checks refuse one that never ends. */
const MAX_DEPTH = 100;

/** The parts of a schema that are being compiled, from the whole to the nearest. */
type Open = ReadonlyMap<z.ZodType, { map: MapPart }>;

function compile(schema: z.ZodType, open: Open): MapPart {
  if (isFileRef(schema)) return (value, replace, path) => (isObject(value) ? replace(value, path) : value);
  const known = open.get(schema);
  // A schema that contains itself: its own map is complete when it is called.
  if (known !== undefined) return (value, replace, path) => known.map(value, replace, path);
  const made: { map: MapPart } = { map: (value) => value };
  const inside = new Map([...open, [schema, made] as const]);
  const compilePart = (part: z.ZodType): MapPart | undefined =>
    inside.size < MAX_DEPTH && holdsFiles(part) ? compile(part, inside) : undefined;
  made.map = mapOf(schema, compilePart);
  return made.map;
}

function mapOf(schema: z.ZodType, compilePart: (part: z.ZodType) => MapPart | undefined): MapPart {
  const def: SchemaDef = schema.def;
  const { shape, element } = def;
  if (shape !== undefined) {
    const fields = Object.entries(shape).flatMap(([name, field]) => {
      const map = compilePart(field);
      return map === undefined ? [] : [{ name, map }];
    });
    return (value, replace, path) => {
      if (!isObject(value)) return value;
      const copy: Record<string, unknown> = { ...value };
      for (const { name, map } of fields)
        if (Object.hasOwn(value, name)) copy[name] = map(copy[name], replace, [...path, name]);
      return copy;
    };
  }
  if (element !== undefined) {
    const map = compilePart(element);
    return (value, replace, path) =>
      map !== undefined && Array.isArray(value)
        ? value.map((item: unknown, index) => map(item, replace, [...path, index]))
        : value;
  }
  const union = taggedUnion(def);
  if (union !== undefined) {
    const members = new Map(
      union.members.flatMap(({ schema: member, tags }) => {
        const map = compilePart(member);
        return tags.map((tag) => [tag, map] as [unknown, MapPart | undefined]);
      }),
    );
    return (value, replace, path) =>
      isObject(value) ? (members.get(value[union.discriminator])?.(value, replace, path) ?? value) : value;
  }
  const inner = innerOf(schema);
  return (inner && compilePart(inner)) ?? ((value) => value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Where a reference cannot be, and why: its URL would be missing there. */
export function misplacedFiles(schema: z.ZodType, side: 'input' | 'result'): string[] {
  if (!holdsFiles(schema)) return [];
  const problems: string[] = [];
  const seen = new Set<z.ZodType>();
  const visit = (part: z.ZodType, path: string): void => {
    if (seen.has(part) || seen.size === MAX_DEPTH ** 2 || isFileRef(part)) return;
    seen.add(part);
    const def: SchemaDef = part.def;
    for (const [name, field] of Object.entries(def.shape ?? {})) visit(field, `${path}.${name}`);
    if (def.element !== undefined) visit(def.element, `${path}[]`);
    for (const member of taggedUnion(def)?.members ?? []) visit(member.schema, path);
    const inner = innerOf(part);
    if (inner !== undefined) visit(inner, path);
    const others = [def.valueType, def.rest, def.in, def.out, def.left, def.right, ...(def.items ?? [])];
    const isTold = taggedUnion(def) !== undefined;
    const hidden = [...others, ...(isTold ? [] : (def.options ?? []))];
    if (hidden.some((each) => each != null && holdsFiles(each)))
      problems.push(`${path}: fileRef() may be in objects, lists and discriminated unions, and in nothing else`);
  };
  visit(schema, side);
  return problems;
}
