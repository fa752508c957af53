import { type EnumRef, InputListRef, type InputRef, ListRef, type ObjectRef, type OutputRef } from '@pothos/core';
import type { GraphQLResolveInfo } from 'graphql';
import { z } from 'zod';
import { ENDLESS, type Tag } from '../../core/input/schema-parts.ts';
import { pascalCase, singular } from '../../core/type-name.ts';
import type { Builder, GraphQLContext, SchemaTypes } from '../builder.ts';
import type { OneOf } from './one-of.ts';
import { addFileInput, addFileObject } from './file.ts';
import { type JsonScalar, addDate, addSafeInt } from './scalars.ts';
import {
  type EnumShape,
  type ObjectShape,
  type ScalarName,
  SchemaShapeError,
  type Shape,
  type Side,
  type UnionShape,
  toShape,
} from './zod-shape.ts';

const GRAPHQL_NAME = /^(?!__)[_A-Za-z][_0-9A-Za-z]*$/;
const RENAME = "write .meta({ id: '…' }) with a name of its own behind the schema";
/** Objects inside one another, far more than a query may select. */
const MAX_DEPTH = 50;
/** Named types in the whole schema. */
const MAX_TYPES = 5000;

type Parent = Readonly<Record<string, unknown>>;
type Input = ScalarName | InputRef;
type Output = ScalarName | OutputRef | ListRef<SchemaTypes, unknown>;
type MemberRef = ObjectRef<SchemaTypes, Parent>;

/** The schema of a job's input or result. */
interface Root {
  readonly schema: z.ZodObject;
  readonly name: string;
  /** The first part of the names of nested types. */
  readonly owner: string;
  readonly path: string;
}

/** Makes GraphQL types from zod schemas. */
export interface FromZod {
  input(root: Root): InputRef;
  /** @param side whether the type shows what the schema accepts or what it returns */
  output(root: Root, side: Side): OutputRef;
  /** Empties the list of what GraphQL cannot express in the schemas so far: a line for each, with its path. */
  takeProblems(): string[];
}

/**
 * The `.meta({ id })` of a nested schema names its type; without an id, the fields that lead to it do, with the singular of a list's name.
 * A named schema makes one input type and one output type, however often it is used, and so does a schema inside itself.
 * @param reserved names of other types in the same schema
 */
export function createFromZod(builder: Builder, json: JsonScalar, reserved: ReadonlySet<string>): FromZod {
  const made = new Map<string, { readonly key: unknown; readonly ref: unknown }>();
  /** The types whose fields are being made, by their schemas. */
  const open = new Map<z.ZodType, unknown>();
  let problems: string[] = [];

  /**
   * Makes a type unless it is there, and then its parts, which may contain it.
   * @throws SchemaShapeError that names the path, for a name that cannot be, and for parts without end
   */
  const once = <Ref>(
    name: string,
    key: z.ZodType,
    path: string,
    make: () => Ref,
    complete?: (ref: Ref) => void,
  ): Ref => {
    // A schema and a side always come from the same caller, so the type of the reference is the same too.
    if (open.has(key)) return open.get(key) as Ref;
    const origin = originOf(key);
    const isCopy = origin !== key && [...open.keys()].some((each) => originOf(each) === origin);
    if (isCopy || open.size > MAX_DEPTH || made.size > MAX_TYPES) throw new SchemaShapeError(`${path}: ${ENDLESS}`);
    if (reserved.has(name)) throw new SchemaShapeError(`${path}: the GraphQL type ${name} is the API's own; ${RENAME}`);
    const earlier = made.get(name);
    if (earlier !== undefined) {
      if (earlier.key === key) return earlier.ref as Ref;
      throw new SchemaShapeError(`${path}: the GraphQL type ${name} is made from another schema too; ${RENAME}`);
    }
    if (!GRAPHQL_NAME.test(name)) throw new SchemaShapeError(`${path}: "${name}" is not a name in GraphQL; ${RENAME}`);
    const ref = make();
    made.set(name, { key, ref });
    open.set(key, ref);
    try {
      complete?.(ref);
    } finally {
      open.delete(key);
    }
    return ref;
  };

  /** Works out all fields of an object at once, so that errors name the path before Pothos builds the type. */
  const mapFields = <Config>(
    { fields, side, lenient, tag }: ObjectShape,
    path: string,
    toConfig: (field: Shape, name: string, path: string) => Config,
  ): [string, Config][] =>
    Object.entries(fields).flatMap(([name, schema]) => {
      const fieldPath = `${path}.${name}`;
      try {
        if (!GRAPHQL_NAME.test(name)) throw new SchemaShapeError(`${fieldPath}: "${name}" is not a name in GraphQL`);
        const shape = tag?.name === name ? tag.shape : toShape(schema, side, fieldPath);
        return [[name, toConfig(lenient ? { ...shape, nullable: true } : shape, name, fieldPath)]];
      } catch (error) {
        if (!(error instanceof SchemaShapeError)) throw error;
        // What never ends has any number of branches.
        const isKnown = error.message.endsWith(ENDLESS) && problems.some((problem) => problem.endsWith(ENDLESS));
        if (!isKnown) problems.push(error.message);
        return [];
      }
    });

  let date: ReturnType<typeof addDate> | undefined;
  let safeInt: ReturnType<typeof addSafeInt> | undefined;
  let fileInput: ReturnType<typeof addFileInput> | undefined;
  let fileObject: ReturnType<typeof addFileObject> | undefined;
  const scalarType = (name: ScalarName) => {
    if (name === 'Date') return (date ??= addDate(builder));
    if (name === 'JSON') return json;
    return name === 'SafeInt' ? (safeInt ??= addSafeInt(builder)) : name;
  };

  const enumType = (shape: EnumShape, owner: string, path: string): EnumRef<SchemaTypes, string | number> => {
    const name = shape.id ?? owner;
    return once(name, shape.schema, path, () => {
      const values = shape.values.map(({ text, value }) => [enumValueName(text, path), { value }] as const);
      if (new Set(values.map(([key]) => key)).size < values.length)
        throw new SchemaShapeError(`${path}: two values have the same name in GraphQL`);
      return builder.enumType(name, { ...describedType(shape), values: Object.fromEntries(values) });
    });
  };

  const inputType = (shape: Shape, owner: string, path: string): Input => {
    switch (shape.kind) {
      case 'scalar':
        return scalarType(shape.scalar);
      case 'file':
        return (fileInput ??= addFileInput(builder));
      case 'enum':
        return enumType(shape, owner, path);
      case 'list':
        return new InputListRef<SchemaTypes, unknown>(inputType(shape.item, owner, `${path}[]`), !shape.item.nullable);
      case 'object':
        return inputObject(shape, `${shape.id ?? owner}Input`, shape.id ?? owner, path);
      case 'union':
        return oneOfObject(shape, shape.id ?? owner, path);
    }
  };

  const inputFields = (shape: ObjectShape, owner: string, path: string) =>
    mapFields(shape, path, (field, fieldName, fieldPath) => ({
      ...described({ ...field, description: withDefault(field) }),
      type: inputType(field, ownerOf(field, owner, fieldName), fieldPath),
      required: !field.nullable,
      ...(field.kind === 'list' && { extensions: { maxItems: field.maxItems } }),
    }));

  const inputObject = (shape: ObjectShape, name: string, owner: string, path: string): InputRef =>
    once(
      name,
      shape.schema,
      path,
      () => builder.inputRef(name),
      (ref) => {
        const fields = inputFields(shape, owner, path);
        ref.implement({
          ...describedType(shape),
          fields: (t) => Object.fromEntries(fields.map(([fieldName, field]) => [fieldName, t.field(field)])),
        });
      },
    );

  /** A `@oneOf` object with a field for each value of the discriminator. */
  const oneOfObject = (shape: UnionShape, owner: string, path: string): InputRef =>
    once(
      `${owner}Input`,
      shape.schema,
      path,
      () => builder.inputRef(`${owner}Input`),
      (ref) => {
        const tags = tagNames(shape, path);
        const fields = shape.members.flatMap(({ shape: member, tags: [first, ...others] }) => {
          const memberOwner = `${owner}${pascalCase(tags.get(first) ?? '')}`;
          const type = inputObject(withoutTag(member, shape), `${memberOwner}Input`, memberOwner, path);
          return [first, ...others].map((tag) => [tags.get(tag) ?? '', { ...described(member), type }] as const);
        });
        const oneOf: OneOf = {
          discriminator: shape.discriminator,
          tags: new Map([...tags].map(([tag, name]) => [name, tag])),
        };
        ref.implement({
          ...describedType(shape),
          isOneOf: true,
          extensions: { oneOf },
          fields: (t) => Object.fromEntries(fields.map(([name, field]) => [name, t.field(field)])),
        });
      },
    );

  const outputType = (shape: Shape, owner: string, path: string): Output => {
    switch (shape.kind) {
      case 'scalar':
        return scalarType(shape.scalar);
      case 'file':
        return (fileObject ??= addFileObject(builder));
      case 'enum':
        return enumType(shape, owner, path);
      case 'list':
        return new ListRef<SchemaTypes, unknown>(outputType(shape.item, owner, `${path}[]`), shape.item.nullable);
      case 'object':
        return outputObject(shape, outputName(shape, owner), shape.id ?? owner, path);
      case 'union':
        return unionType(shape, outputName(shape, owner), shape.id ?? owner, path);
    }
  };

  const outputFields = (shape: ObjectShape, owner: string, path: string) =>
    mapFields(shape, path, (field, fieldName, fieldPath) => ({
      ...described(field),
      type: outputType(field, ownerOf(field, owner, fieldName), fieldPath),
      nullable: field.nullable,
      resolve: resolverOf(field, fieldName),
      ...(field.kind === 'list' && { extensions: { maxItems: field.maxItems } }),
    }));

  const outputObject = (shape: ObjectShape, name: string, owner: string, path: string): MemberRef =>
    once(
      name,
      shape.schema,
      path,
      () => builder.objectRef<Parent>(name),
      (ref) => {
        const fields = outputFields(shape, owner, path);
        ref.implement({
          ...describedType(shape),
          fields: (t) => Object.fromEntries(fields.map(([fieldName, field]) => [fieldName, t.field(field)])),
        });
      },
    );

  const unionType = (shape: UnionShape, name: string, owner: string, path: string): OutputRef => {
    const typeOf = new Map<unknown, MemberRef>();
    return once<OutputRef>(
      name,
      shape.schema,
      path,
      () =>
        builder.unionType(name, {
          ...describedType(shape),
          types: () => [...new Set(typeOf.values())],
          resolveType(value: Parent) {
            const type = typeOf.get(value[shape.discriminator]);
            // A worker of a newer version may have stored it.
            if (type === undefined) throw new Error(`a stored value is no member of the union ${name}`);
            return type;
          },
        }),
      () => {
        const tags = tagNames(shape, path);
        for (const { shape: member, tags: ofMember } of shape.members) {
          const memberOwner = member.id ?? `${owner}${pascalCase(tags.get(ofMember[0]) ?? '')}`;
          const shown = withSharedTag(member, shape, owner);
          const type = outputObject(shown, outputName(member, memberOwner), memberOwner, path);
          for (const tag of ofMember) typeOf.set(tag, type);
        }
      },
    );
  };

  return {
    input: ({ schema, name, owner, path }) => inputObject(objectShape(schema, 'input', path), name, owner, path),
    output({ schema, name, owner, path }, side) {
      const shape = objectShape(schema, side, path);
      return side === 'input'
        ? outputObject(shape, name, owner, path)
        : outputObject(shape, shape.id ?? name, shape.id ?? owner, path);
    },
    takeProblems() {
      const taken = problems;
      problems = [];
      return taken;
    },
  };
}

function described({ description }: Shape): { description?: string } {
  return description === undefined ? {} : { description };
}

/** The schema's own description, rather than that of the first field which led to it. */
function describedType(shape: ObjectShape | UnionShape | EnumShape): { description?: string } {
  return described({ ...shape, description: z.globalRegistry.get(shape.schema)?.description ?? shape.description });
}

function objectShape(schema: z.ZodObject, side: Side, path: string): ObjectShape {
  const shape = toShape(schema, side, path);
  if (shape.kind !== 'object') throw new SchemaShapeError(`${path}: expected an object`);
  return shape;
}

/** The schema that was copied by `.describe()`, `.meta()` or a check, perhaps several times. */
function originOf(schema: z.core.$ZodType): z.core.$ZodType {
  const { parent } = schema._zod;
  return parent === undefined ? schema : originOf(parent);
}

/** A submitted input lacks the values that defaults add, so its type differs from that of a result with the same schema. */
function outputName({ id, side }: ObjectShape | UnionShape, owner: string): string {
  return side === 'input' ? `Submitted${id ?? owner}` : (id ?? owner);
}

/** The name of the type of a field, without what tells input from output. */
function ownerOf(field: Shape, owner: string, fieldName: string): string {
  return `${owner}${pascalCase(field.kind === 'list' ? singular(fieldName) : fieldName)}`;
}

/** What a field's value adds to the reply is counted before any part of it is looked at. */
function resolverOf(field: Shape, name: string) {
  const isList = field.kind === 'list';
  const isJson = isJsonShape(field);
  if (!isList && !isJson) return (parent: Parent) => parent[name];
  return (parent: Parent, _: object, { budget }: GraphQLContext, info: GraphQLResolveInfo) => {
    const value = parent[name];
    if (isJson) budget.takeJson(value);
    else if (Array.isArray(value)) budget.takeItems(value, info);
    return value;
  };
}

function isJsonShape(shape: Shape): boolean {
  return shape.kind === 'list' ? isJsonShape(shape.item) : shape.kind === 'scalar' && shape.scalar === 'JSON';
}

/** The field of a member is named after the value of the discriminator: `credit-card` becomes `creditCard`, and `true` of `ok` `okTrue`. */
function tagNames({ discriminator, members }: UnionShape, path: string): Map<Tag, string> {
  const names = new Map<Tag, string>();
  for (const tag of members.flatMap(({ tags }) => tags)) {
    const name = camelCase(typeof tag === 'string' ? tag : `${discriminator}-${tag}`);
    if (name === undefined || [...names.values()].includes(name)) {
      const reason = `the value ${JSON.stringify(tag)} of "${discriminator}" has no name of its own in GraphQL`;
      throw new SchemaShapeError(
        `${path}: ${reason}; write one that begins with a letter, of a to z, digits and hyphens`,
      );
    }
    names.set(tag, name);
  }
  return names;
}

function camelCase(text: string): string | undefined {
  const words = text.split(/[ _-]+/).filter((word) => word !== '');
  const name = words.map((word) => pascalCase(/[a-z]/.test(word) ? word : word.toLowerCase())).join('');
  return /^[A-Za-z][A-Za-z0-9]*$/.test(name) ? name.charAt(0).toLowerCase() + name.slice(1) : undefined;
}

/**
 * A query that selects the discriminator of several members needs one type for it (GraphQL, section 5.3.2): an enum of all texts. Other
 * values are scalars.
 */
function withSharedTag(member: ObjectShape, { discriminator, members }: UnionShape, owner: string): ObjectShape {
  const values = members.flatMap(({ tags }) => tags).map((value) => ({ text: String(value), value: String(value) }));
  const schema = members[0]?.shape.fields[discriminator];
  if (schema === undefined || members.some(({ tags }) => tags.some((tag) => typeof tag !== 'string'))) return member;
  const id = `${owner}${pascalCase(discriminator)}`;
  const base = { nullable: false, description: undefined, defaultValue: undefined };
  return { ...member, tag: { name: discriminator, shape: { ...base, kind: 'enum', schema, id, values } } };
}

/** The name of its field says which member it is. One without other fields keeps the discriminator, because no GraphQL type is empty. */
function withoutTag(member: ObjectShape, { discriminator }: UnionShape): ObjectShape {
  const { [discriminator]: tag = z.never(), ...others } = member.fields;
  const fields = Object.keys(others).length > 0 ? others : { [discriminator]: tag.optional() };
  // A type of its own: elsewhere, the same object has its discriminator.
  return { ...member, schema: z.object(fields), fields };
}

/**
 * The description of an input field, with its default. GraphQL is not given the default itself, because it would add it to what the caller sent,
 * which is stored.
 */
function withDefault(field: Shape): string | undefined {
  const { description, defaultValue: value } = field;
  if (value === undefined) return description;
  const listed = field.kind === 'enum' ? field.values.find((each) => each.value === value) : undefined;
  const text = listed === undefined ? JSON.stringify(value) : enumValueName(listed.text, '');
  return [description, `Default: \`${text}\`.`].filter((part) => part !== undefined).join('\n\n');
}

/** `in-progress` and `inProgress` both become `IN_PROGRESS`. */
function enumValueName(value: string, path: string): string {
  const name = value
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toUpperCase();
  if (!GRAPHQL_NAME.test(name)) throw new SchemaShapeError(`${path}: the value "${value}" has no name in GraphQL`);
  return name;
}
