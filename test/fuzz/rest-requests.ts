import * as fc from 'fast-check';
import { z } from 'zod';
import { brokenJson, contentType, hostileHeaders, hostileJson, hostileText, toObject } from './hostile-values.ts';
import { libraryDocument } from '../support/library-document.ts';
import type { FuzzRequest } from './send.ts';

interface JsonSchema {
  readonly $ref?: string | undefined;
  readonly type?: string | readonly string[] | undefined;
  readonly enum?: readonly string[] | undefined;
  readonly pattern?: string | undefined;
  readonly examples?: readonly unknown[] | undefined;
  readonly properties?: Readonly<Record<string, JsonSchema>> | undefined;
  readonly required?: readonly string[] | undefined;
  readonly items?: JsonSchema | undefined;
}

const schemaSchema: z.ZodType<JsonSchema> = z.lazy(() =>
  z.object({
    $ref: z.string().optional(),
    type: z.union([z.string(), z.array(z.string())]).optional(),
    enum: z.array(z.string()).optional(),
    pattern: z.string().optional(),
    examples: z.array(z.unknown()).optional(),
    properties: z.record(z.string(), schemaSchema).optional(),
    required: z.array(z.string()).optional(),
    items: schemaSchema.optional(),
  }),
);
const parameterSchema = z.object({ name: z.string(), in: z.enum(['path', 'query', 'header']), schema: schemaSchema });
const bodySchema = z.object({ content: z.object({ 'application/json': z.object({ schema: schemaSchema }) }) });
const operationSchema = z.object({
  parameters: z.array(z.union([z.object({ $ref: z.string() }), parameterSchema])).default([]),
  requestBody: bodySchema.optional(),
});
const documentSchema = z.object({
  paths: z.record(z.string(), z.record(z.string(), operationSchema)),
  components: z.object({
    schemas: z.record(z.string(), z.unknown()),
    parameters: z.record(z.string(), parameterSchema),
  }),
});

const { paths, components } = documentSchema.parse(libraryDocument);
type Parameter = z.output<typeof parameterSchema>;

/** The last part of a reference, which is the name of a component. */
const nameOf = (ref: string): string => ref.replace(/^.*\//, '');

/** Placeholder in a generated path for the id of an accepted job: the entry at this index of the ledger. */
const knownJob = fc.nat({ max: 5000 }).map((place) => `{job:${place}}`);

/** Values that are mostly valid by a schema. */
function validValue(schema: JsonSchema): fc.Arbitrary<unknown> {
  if (schema.$ref !== undefined) {
    return validValue(schemaSchema.parse(components.schemas[nameOf(schema.$ref)]));
  }
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const examples = schema.examples?.length ? [{ arbitrary: fc.constantFrom(...schema.examples), weight: 4 }] : [];
  const text = schema.pattern?.startsWith('^')
    ? fc.stringMatching(new RegExp(schema.pattern), { maxLength: 20 })
    : fc.string({ minLength: 1, maxLength: 20 });
  const types = [schema.type ?? 'object'].flat();
  const byType: Readonly<Record<string, () => fc.Arbitrary<unknown>>> = {
    null: () => fc.constant(null),
    string: () => fc.oneof(...examples, text),
    integer: () => fc.integer({ min: 1, max: 100 }),
    array: () => fc.array(validValue(schema.items ?? {}), { minLength: 1, maxLength: 3 }),
    object: () =>
      fc.record(
        Object.fromEntries(Object.entries(schema.properties ?? {}).map(([field, part]) => [field, validValue(part)])),
        { requiredKeys: [...(schema.required ?? [])] },
      ),
  };
  return fc.oneof(...types.map((type) => byType[type]?.() ?? fc.constant(null)));
}

/** A valid value with one error at its top level. */
function nearlyValid(valid: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc
    .tuple(valid, fc.nat(), fc.oneof(hostileText, fc.constant('fax')), hostileJson, fc.nat(2))
    .map(([value, place, extra, wrong, how]) => {
      if (typeof value !== 'object' || value === null) return wrong;
      const entries = Object.entries(value);
      if (entries.length === 0) return toObject([[extra, wrong]]);
      const at = place % entries.length;
      if (how === 0) return toObject(entries.toSpliced(at, 1));
      if (how === 1) return toObject([...entries, [extra, wrong]]);
      return toObject(entries.with(at, [entries[at]?.[0] ?? extra, wrong]));
    });
}

interface Body {
  readonly body?: string | Buffer;
  readonly type?: string | undefined;
}

const JSON_TYPE = 'application/json';

function bodyOf(schema: JsonSchema): fc.Arbitrary<Body> {
  const valid = validValue(schema);
  const json = (value: fc.Arbitrary<unknown>) => value.map((each) => ({ body: JSON.stringify(each), type: JSON_TYPE }));
  return fc.oneof(
    { arbitrary: json(valid), weight: 5 },
    { arbitrary: json(nearlyValid(valid)), weight: 4 },
    { arbitrary: json(hostileJson), weight: 1 },
    { arbitrary: fc.record({ body: brokenJson, type: fc.constant(JSON_TYPE) }), weight: 2 },
    { arbitrary: fc.tuple(json(valid), contentType).map(([body, type]) => ({ ...body, type })), weight: 1 },
    {
      arbitrary: fc.uint8Array({ maxLength: 60 }).map((bytes) => ({ body: Buffer.from(bytes), type: JSON_TYPE })),
      weight: 1,
    },
  );
}

/** The value of a parameter, encoded for its place. */
function textOf({ name, in: place, schema }: Parameter): fc.Arbitrary<string> {
  // Whoever follows a job gets no complete reply before it has run.
  const valid = name === 'delaySeconds' ? fc.constantFrom('0', '1') : validValue(schema).map(String);
  const mostly = name === 'id' ? fc.oneof({ arbitrary: knownJob, weight: 4 }, valid) : valid;
  if (place === 'header') return mostly;
  const encoded = fc.oneof({ arbitrary: mostly, weight: 3 }, hostileText).map(encode);
  // An unencoded value is sent as far as a client can send it.
  return fc.oneof({ arbitrary: encoded, weight: 8 }, hostileText.map(asciiOnly));
}

/** URL-encodes text, except for the ledger's placeholders; a lone surrogate becomes U+FFFD. */
function encode(text: string): string {
  return /^\{job:\d+\}$/.test(text) ? text : encodeURIComponent(text.toWellFormed());
}

export function asciiOnly(text: string): string {
  return text.replaceAll(/[^!-~]|[?#]/g, '');
}

/** Another spelling of a name, or the name. */
const respelled = (name: string) =>
  fc.constantFrom(name, name, name, name.toLowerCase(), name.toUpperCase(), `${name}[]`);

function requestOf(method: string, template: string, operation: z.output<typeof operationSchema>) {
  const parameters = operation.parameters.map((each) =>
    '$ref' in each ? components.parameters[nameOf(each.$ref)] : each,
  );
  const at = (place: Parameter['in']) =>
    parameters.filter((each) => each?.in === place).filter((each) => each !== undefined);
  const path = fc
    .tuple(...at('path').map((parameter) => fc.tuple(fc.constant(parameter.name), textOf(parameter))))
    .map((values) => values.reduce((made, [name, value]) => made.replace(`{${name}}`, () => value), template));
  const pairs = at('query').map((parameter) =>
    fc.tuple(respelled(parameter.name), textOf(parameter)).map(([name, value]) => `${name}=${value}`),
  );
  const odd = fc.tuple(hostileText, hostileText).map(([name, value]) => `${encode(name)}=${encode(value)}`);
  const query = fc.array(fc.oneof(...pairs.map((arbitrary) => ({ arbitrary, weight: 5 })), odd), { maxLength: 3 });
  const own = fc.record(Object.fromEntries(at('header').map((parameter) => [parameter.name, textOf(parameter)])), {
    requiredKeys: [],
  });
  const body: fc.Arbitrary<Body> = operation.requestBody
    ? bodyOf(operation.requestBody.content['application/json'].schema)
    : fc.oneof({ arbitrary: fc.constant({}), weight: 9 }, bodyOf({}));
  // Sometimes another method on the same URL.
  const methods = fc.oneof(
    { arbitrary: fc.constant(method.toUpperCase()), weight: 12 },
    fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'),
  );
  return fc
    .tuple(methods, path, query, own, hostileHeaders, body)
    .map(([verb, where, asked, known, hostile, { body: sent, type }]): FuzzRequest => {
      const taken = verb === 'GET' || verb === 'HEAD' ? undefined : sent;
      return {
        method: verb,
        path: where + (asked.length > 0 ? `?${asked.join('&')}` : ''),
        headers: { ...known, ...hostile, ...(type !== undefined && { 'Content-Type': type }) },
        body: taken,
      };
    });
}

/** Jobs of a paused type do not run, so that a reply to those who follow them never ends. */
const kept = Object.entries(paths).filter(([template]) => !template.endsWith('/pause'));

const operations = kept.flatMap(([template, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    arbitrary: requestOf(method, template, operation),
    weight: template.startsWith('/api/') ? 8 : 1,
  })),
);

/** A path that may not exist. */
const elsewhere = fc
  .record({
    method: fc.constantFrom('GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS'),
    path: fc
      .tuple(fc.constantFrom('/', '/api/', '/api/books/', '/problems/', '/docs/', '/assets/', '/health/'), hostileText)
      .map(([base, text]) => base + asciiOnly(text)),
    headers: hostileHeaders,
  })
  .map((request): FuzzRequest => request);

/** Requests to every operation of the OpenAPI document: valid, nearly valid, and hostile ones. */
export const restRequest: fc.Arbitrary<FuzzRequest> = fc.oneof(...operations, { arbitrary: elsewhere, weight: 6 });
