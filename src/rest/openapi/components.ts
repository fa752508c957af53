import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import { JsonSchemaError, type JsonSchemaOptions, type Side, toJsonSchema } from './json-schema.ts';
import type { JsonSchema, Reference } from './types.ts';

const DEFS = '#/$defs/';
/** Names of components (OpenAPI 3.1, section 4.8.7). */
const COMPONENT_NAME = /^[\w.-]+$/;

/** Collects the schemas of a document, each once. */
export interface SchemaComponents {
  /**
   * Adds a schema under this name, or, if it is output with a `.meta({ id })`, under that.
   * @throws JsonSchemaError that names the path, for what JSON Schema can't express, and for a name that is taken
   */
  add(name: string, schema: z.ZodType, options: JsonSchemaOptions): Reference;
  /** Adds a schema that is no zod schema's. */
  addJson(name: string, schema: JsonSchema): Reference;
  readonly schemas: Readonly<Record<string, JsonSchema>>;
}

export function createSchemaComponents(): SchemaComponents {
  const schemas: Record<string, JsonSchema> = {};

  const put = (name: string, schema: JsonSchema, path: string): Reference => {
    if (!COMPONENT_NAME.test(name)) throw new JsonSchemaError(`${path}: "${name}" is not a name in OpenAPI`);
    const earlier = schemas[name];
    if (earlier !== undefined && !isDeepStrictEqual(earlier, schema)) {
      throw new JsonSchemaError(`${path}: the OpenAPI schema ${name} is already made from another one`);
    }
    schemas[name] = schema;
    return { $ref: `#/components/schemas/${name}` };
  };

  return {
    schemas,
    addJson: (name, schema) => put(name, schema, name),
    add(name, schema, options) {
      const { side, path } = options;
      const { $defs = {}, ...root } = toJsonSchema(schema, options);
      const rootId = typeof root.$ref === 'string' ? root.$ref.slice(DEFS.length) : undefined;
      for (const [id, definition] of Object.entries($defs)) {
        if (id === rootId && side === 'input') continue;
        put(componentName(id, side), relocate(definition, side), path);
      }
      if (rootId === undefined) return put(name, relocate(root, side), path);
      // What is submitted is called after its job type, like the GraphQL input.
      if (side === 'input') return put(name, relocate($defs[rootId], side), path);
      return { $ref: `#/components/schemas/${componentName(rootId, side)}` };
    },
  };
}

/** One zod schema is two in the document where it is both: what goes in may lack what a default adds. */
function componentName(id: string, side: Side): string {
  return side === 'input' ? `${id}Input` : id;
}

/** Points what pointed into `$defs` at the components. */
function relocate(schema: unknown, side: Side): JsonSchema {
  const text = JSON.stringify(schema, (key, value: unknown) =>
    key === '$ref' && typeof value === 'string' && value.startsWith(DEFS)
      ? `#/components/schemas/${componentName(value.slice(DEFS.length), side)}`
      : value,
  );
  // The same JSON as before, but for the references.
  return JSON.parse(text) as JsonSchema;
}
