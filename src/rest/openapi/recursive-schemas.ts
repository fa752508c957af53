/** Names in the document for schemas that contain themselves, for which zod has only numbers. */
import { z } from 'zod';
import type { oas32 } from 'zod-openapi';
import type { JobType } from '../../core/define-job.ts';
import { isJson, lazySchema, partsOf } from '../../core/input/schema-parts.ts';
import { pascalCase, singular } from '../../core/type-name.ts';
import { schemasOf } from '../schemas.ts';

/** Names for the schemas that contain themselves and have none: those of their types in GraphQL. */
export function recursiveNames(types: readonly JobType[]): Map<z.core.$ZodType, string> {
  const names = new Map<z.core.$ZodType, string>();
  for (const type of types) {
    const { input, result } = schemasOf(type);
    const name = pascalCase(type.name);
    for (const [root, side, owner] of [[input, 'input', name] as const, [result, 'result', `${name}Result`] as const]) {
      const paths = new Map<z.ZodType, string>();
      for (const { schema, path, within } of partsOf(root, side)) {
        const first = paths.get(schema) ?? path;
        paths.set(schema, first);
        if (isJson(schema)) for (const each of [schema, lazySchema(schema) ?? schema]) names.set(each, 'JSON');
        const isNameless = z.globalRegistry.get(schema)?.id === undefined && !names.has(schema);
        if (isNameless && within.includes(schema)) names.set(schema, `${owner}${nameOfPath(first)}`);
      }
    }
  }
  return names;
}

/** `input.categories[].children[]` as `CategoryChild`. */
function nameOfPath(path: string): string {
  const [, ...steps] = path.split('.');
  return steps.map((step) => pascalCase(step.endsWith('[]') ? singular(step.replace(/(\[\])+$/, '')) : step)).join('');
}

/** Where the override leaves the name of a schema for which zod has only a number. */
export const NAME = 'x-name';
const namedSchema = z.looseObject({ [NAME]: z.string() });

/** Names the schemas that zod has numbered: those that contain themselves. Input comes before output. */
export function nameSchemas<Document extends { readonly components?: oas32.ComponentsObject }>(
  document: Document,
): Document {
  const names = new Map<string, string>();
  for (const [number, schema] of Object.entries(document.components?.schemas ?? {})) {
    const name = /^__schema\d+$/.test(number) ? namedSchema.safeParse(schema).data?.[NAME] : undefined;
    // JSON is the same on both sides.
    const isTaken = name !== 'JSON' && [...names.values()].includes(name ?? '');
    if (name !== undefined) names.set(number, isTaken ? `${name}Output` : name);
  }
  if (names.size === 0) return document;
  const nameOf = (number: string): string => names.get(number) ?? number;
  const named = JSON.parse(JSON.stringify(document), (key, value: unknown) => {
    if (key === NAME) return undefined;
    if (key === '$ref' && typeof value === 'string') return value.replace(/__schema\d+$/, nameOf);
    return value;
  });
  const schemas = Object.entries(named.components.schemas).map(([number, schema]) => [nameOf(number), schema]);
  return { ...named, components: { ...named.components, schemas: Object.fromEntries(schemas) } };
}
