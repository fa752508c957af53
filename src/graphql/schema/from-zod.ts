import { InputListRef, type InputRef, ListRef, type OutputRef } from '@pothos/core';
import type { GraphQLResolveInfo } from 'graphql';
import type { z } from 'zod';
import type { Builder, GraphQLContext, SchemaTypes } from '../builder.ts';
import { addDate, addSafeInt } from './scalars.ts';
import { type ScalarName, SchemaShapeError, type Shape, type Side, toShape } from './zod-shape.ts';

const GRAPHQL_NAME = /^(?!__)[_A-Za-z][_0-9A-Za-z]*$/;

type ObjectShape = Extract<Shape, { kind: 'object' }>;
type EnumShape = Extract<Shape, { kind: 'enum' }>;
type Parent = Readonly<Record<string, unknown>>;
type Input = ScalarName | InputRef;
type Output = ScalarName | OutputRef | ListRef<SchemaTypes, unknown>;

/** Makes GraphQL types from zod schemas. */
export interface FromZod {
  /** @throws SchemaShapeError that names the field, for a schema that GraphQL cannot express */
  input(schema: z.ZodObject, name: string, path: string): InputRef;
  /**
   * @param side whether the type shows what the schema accepts or what it returns
   * @throws SchemaShapeError that names the field, for a schema that GraphQL cannot express
   */
  output(schema: z.ZodObject, name: string, path: string, side: Side): OutputRef;
}

/**
 * The `.meta({ id })` of a nested schema names its type; without an id, the fields that lead to it do. A schema makes one input
 * type and one output type, however often it is used.
 * @param reserved names of other types in the same schema
 */
export function createFromZod(builder: Builder, reserved: ReadonlySet<string>): FromZod {
  const made = new Map<string, { readonly key: unknown; readonly ref: unknown }>();

  const once = <Ref>(name: string, key: unknown, path: string, make: () => Ref): Ref => {
    if (reserved.has(name)) throw new SchemaShapeError(`${path}: the GraphQL type ${name} is taken by the API itself`);
    const earlier = made.get(name);
    if (earlier === undefined) {
      if (!GRAPHQL_NAME.test(name)) throw new SchemaShapeError(`${path}: "${name}" is not a name in GraphQL`);
      const ref = make();
      made.set(name, { key, ref });
      return ref;
    }
    if (earlier.key !== key)
      throw new SchemaShapeError(`${path}: the GraphQL type ${name} is already made from another schema`);
    // One name and one schema always come from the same caller, so the type of the reference is the same too.
    return earlier.ref as Ref;
  };

  let date: ReturnType<typeof addDate> | undefined;
  let safeInt: ReturnType<typeof addSafeInt> | undefined;
  const scalarType = (name: ScalarName) => {
    if (name === 'Date') return (date ??= addDate(builder));
    return name === 'SafeInt' ? (safeInt ??= addSafeInt(builder)) : name;
  };

  const enumType = (shape: EnumShape, owner: string, path: string) => {
    const name = shape.id ?? owner;
    return once(name, shape.schema, path, () => {
      const values = shape.values.map((value) => [enumValueName(value, path), { value }] as const);
      if (new Set(values.map(([key]) => key)).size < values.length)
        throw new SchemaShapeError(`${path}: two values have the same name in GraphQL`);
      return builder.enumType(name, { ...described(shape), values: Object.fromEntries(values) });
    });
  };

  const inputType = (shape: Shape, owner: string, path: string): Input => {
    switch (shape.kind) {
      case 'scalar':
        return scalarType(shape.scalar);
      case 'enum':
        return enumType(shape, owner, path);
      case 'list':
        return new InputListRef<SchemaTypes, unknown>(inputType(shape.item, owner, `${path}[]`), !shape.item.nullable);
      case 'object':
        return inputObject(shape, `${shape.id ?? owner}Input`, path);
    }
  };

  const inputObject = (shape: ObjectShape, name: string, path: string): InputRef =>
    once(name, shape.schema, path, () => {
      const fields = mapFields(shape, path, (field, fieldName, fieldPath) => ({
        ...described(field),
        type: inputType(field, `${name.replace(/Input$/, '')}${pascalCase(fieldName)}`, fieldPath),
        required: !field.nullable,
        ...(field.defaultValue !== undefined && { defaultValue: field.defaultValue }),
        ...(field.kind === 'list' && { extensions: { maxItems: field.maxItems } }),
      }));
      return builder.inputType(name, {
        ...described(shape),
        fields: (t) => Object.fromEntries(fields.map(([fieldName, field]) => [fieldName, t.field(field)])),
      });
    });

  const outputType = (shape: Shape, owner: string, path: string): Output => {
    switch (shape.kind) {
      case 'scalar':
        return scalarType(shape.scalar);
      case 'enum':
        return enumType(shape, owner, path);
      case 'list':
        return new ListRef<SchemaTypes, unknown>(outputType(shape.item, owner, `${path}[]`), shape.item.nullable);
      case 'object':
        return outputObject(shape, outputName(shape, owner), path);
    }
  };

  const outputObject = (shape: ObjectShape, name: string, path: string): OutputRef =>
    once(name, shape.schema, path, () => {
      const fields = mapFields(shape, path, (field, fieldName, fieldPath) => ({
        ...described(field),
        type: outputType(field, `${name}${pascalCase(fieldName)}`, fieldPath),
        nullable: field.nullable,
        resolve:
          field.kind === 'list'
            ? (parent: Parent, _: object, { budget }: GraphQLContext, info: GraphQLResolveInfo) => {
                const items = parent[fieldName];
                if (Array.isArray(items)) budget.takeItems(items, info);
                return items;
              }
            : (parent: Parent) => parent[fieldName],
      }));
      return builder.objectRef<Parent>(name).implement({
        ...described(shape),
        fields: (t) => Object.fromEntries(fields.map(([fieldName, field]) => [fieldName, t.field(field)])),
      });
    });

  return {
    input: (schema, name, path) => inputObject(objectShape(toShape(schema, 'input', path), path), name, path),
    output: (schema, name, path, side) => {
      const shape = objectShape(toShape(schema, side, path), path);
      return outputObject(shape, side === 'input' ? name : outputName(shape, name), path);
    },
  };
}

function described({ description }: Shape): { description?: string } {
  return description === undefined ? {} : { description };
}

function objectShape(shape: Shape, path: string): ObjectShape {
  if (shape.kind !== 'object') throw new SchemaShapeError(`${path}: expected an object`);
  return shape;
}

/** A submitted input lacks the values that defaults add, so its type differs from that of a result with the same schema. */
function outputName({ id, side }: ObjectShape, owner: string): string {
  if (id === undefined) return owner;
  return side === 'input' ? `Submitted${id}` : id;
}

/** Works every field out at once, so that errors name the path before Pothos builds the type. */
function mapFields<Config>(
  shape: ObjectShape,
  path: string,
  toConfig: (field: Shape, name: string, path: string) => Config,
): [string, Config][] {
  return Object.entries(shape.fields).map(([name, field]) => {
    const fieldPath = `${path}.${name}`;
    if (!GRAPHQL_NAME.test(name)) throw new SchemaShapeError(`${fieldPath}: "${name}" is not a name in GraphQL`);
    return [name, toConfig(field, name, fieldPath)];
  });
}

/** `in-progress` and `inProgress` both become `IN_PROGRESS`. */
function enumValueName(value: string | number, path: string): string {
  const name = String(value)
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toUpperCase();
  if (!GRAPHQL_NAME.test(name)) throw new SchemaShapeError(`${path}: the value "${value}" has no name in GraphQL`);
  return name;
}

export function pascalCase(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}
