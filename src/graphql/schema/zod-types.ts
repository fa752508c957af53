import {
  GraphQLBoolean,
  GraphQLEnumType,
  GraphQLFloat,
  GraphQLID,
  GraphQLInputObjectType,
  type GraphQLInputType,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLScalarType,
  GraphQLString,
} from 'graphql';
import type { z } from 'zod';
import { DateTime, PlainDate, Url } from './scalars.ts';
import { type ScalarName, SchemaShapeError, type Shape, type Side, toShape } from './zod-shape.ts';

const SCALARS: Readonly<Record<ScalarName, GraphQLScalarType>> = {
  ID: GraphQLID,
  String: GraphQLString,
  Int: GraphQLInt,
  Float: GraphQLFloat,
  Boolean: GraphQLBoolean,
  DateTime,
  Date: PlainDate,
  URL: Url,
};

const GRAPHQL_NAME = /^(?!__)[_A-Za-z][_0-9A-Za-z]*$/;

type NamedType = GraphQLEnumType | GraphQLInputObjectType | GraphQLObjectType;
type ObjectShape = Extract<Shape, { kind: 'object' }>;
type EnumShape = Extract<Shape, { kind: 'enum' }>;

/** Makes GraphQL types from zod schemas. */
export interface ZodTypes {
  /** @throws SchemaShapeError that names the field, for what GraphQL can't express */
  input(schema: z.ZodObject, name: string, path: string): GraphQLInputObjectType;
  /**
   * @param side whether its values are what comes out of the schema, or what went into it
   * @throws SchemaShapeError that names the field, for what GraphQL can't express
   */
  output(schema: z.ZodObject, name: string, path: string, side: Side): GraphQLObjectType;
}

/**
 * A nested type is named by its schema's `.meta({ id })`, or else after the field that holds it. One schema makes one output
 * type and one input type, however often it is used.
 * @param reserved names that are taken
 */
export function createZodTypes(reserved: ReadonlySet<string>): ZodTypes {
  const made = new Map<string, { readonly key: unknown; readonly type: NamedType }>();

  const once = <Type extends NamedType>(name: string, key: unknown, path: string, make: () => Type): Type => {
    if (reserved.has(name)) throw new SchemaShapeError(`${path}: the GraphQL type ${name} is taken by the API itself`);
    const earlier = made.get(name);
    if (earlier === undefined) {
      if (!GRAPHQL_NAME.test(name)) throw new SchemaShapeError(`${path}: "${name}" is not a name in GraphQL`);
      const type = make();
      made.set(name, { key, type });
      return type;
    }
    if (earlier.key !== key)
      throw new SchemaShapeError(`${path}: the GraphQL type ${name} is already made from another schema`);
    // The same schema under the same name made this type, by this very function.
    return earlier.type as Type;
  };

  const enumType = (shape: EnumShape, owner: string, path: string): GraphQLEnumType => {
    const name = shape.id ?? owner;
    return once(name, shape.schema, path, () => {
      const values = shape.values.map((value) => [enumValueName(value, path), { value }] as const);
      if (new Set(values.map(([key]) => key)).size < values.length) {
        throw new SchemaShapeError(`${path}: two values have the same name in GraphQL`);
      }
      return new GraphQLEnumType({ name, description: shape.description ?? null, values: Object.fromEntries(values) });
    });
  };

  const inputType = (shape: Shape, owner: string, path: string): GraphQLInputType => {
    const type = ((): GraphQLInputType => {
      if (shape.kind === 'scalar') return SCALARS[shape.scalar];
      if (shape.kind === 'enum') return enumType(shape, owner, path);
      if (shape.kind === 'list') return new GraphQLList(inputType(shape.item, owner, `${path}[]`));
      return inputObject(shape, `${shape.id ?? owner}Input`, path);
    })();
    return shape.nullable ? type : new GraphQLNonNull(type);
  };

  const inputObject = (shape: ObjectShape, name: string, path: string): GraphQLInputObjectType =>
    once(name, shape.schema, path, () => {
      const fields = mapFields(shape, path, (field, fieldName, fieldPath) => ({
        type: inputType(field, `${name.replace(/Input$/, '')}${pascalCase(fieldName)}`, fieldPath),
        description: field.description ?? null,
        ...(field.defaultValue !== undefined && { defaultValue: field.defaultValue }),
      }));
      return new GraphQLInputObjectType({ name, description: shape.description ?? null, fields });
    });

  const outputType = (shape: Shape, owner: string, path: string): GraphQLOutputType => {
    const type = ((): GraphQLOutputType => {
      if (shape.kind === 'scalar') return SCALARS[shape.scalar];
      if (shape.kind === 'enum') return enumType(shape, owner, path);
      if (shape.kind === 'list') return new GraphQLList(outputType(shape.item, owner, `${path}[]`));
      return outputObject(shape, outputName(shape, owner), path);
    })();
    return shape.nullable ? type : new GraphQLNonNull(type);
  };

  const outputObject = (shape: ObjectShape, name: string, path: string): GraphQLObjectType =>
    once(name, shape.schema, path, () => {
      const fields = mapFields(shape, path, (field, fieldName, fieldPath) => ({
        type: outputType(field, `${name}${pascalCase(fieldName)}`, fieldPath),
        description: field.description ?? null,
      }));
      return new GraphQLObjectType({ name, description: shape.description ?? null, fields });
    });

  return {
    input: (schema, name, path) => inputObject(objectShape(toShape(schema, 'input', path), path), name, path),
    output: (schema, name, path, side) => {
      const shape = objectShape(toShape(schema, side, path), path);
      return outputObject(shape, side === 'input' ? name : outputName(shape, name), path);
    },
  };
}

function objectShape(shape: Shape, path: string): ObjectShape {
  if (shape.kind !== 'object') throw new SchemaShapeError(`${path}: expected an object`);
  return shape;
}

/** What was submitted may lack what a default adds, so it is another type than the result of the same schema. */
function outputName({ id, side }: ObjectShape, owner: string): string {
  if (id === undefined) return owner;
  return side === 'input' ? `Submitted${id}` : id;
}

function mapFields<Config>(
  shape: ObjectShape,
  path: string,
  toConfig: (field: Shape, name: string, path: string) => Config,
): Record<string, Config> {
  return Object.fromEntries(
    Object.entries(shape.fields).map(([name, field]) => {
      const fieldPath = `${path}.${name}`;
      if (!GRAPHQL_NAME.test(name)) throw new SchemaShapeError(`${fieldPath}: "${name}" is not a name in GraphQL`);
      return [name, toConfig(field, name, fieldPath)];
    }),
  );
}

/** `in-progress` and `inProgress` are both `IN_PROGRESS` in GraphQL. */
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
