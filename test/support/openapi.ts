import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { expect } from 'vitest';
import { z } from 'zod';

const refSchema = z.object({ $ref: z.string() });
const headerSchema = z.object({ required: z.boolean().optional(), schema: z.looseObject({ type: z.string() }) });
const mediaTypeSchema = z.object({ schema: z.looseObject({}) });
const responseSchema = z.object({
  headers: z.record(z.string(), z.union([refSchema, headerSchema])).default({}),
  content: z.record(z.string(), mediaTypeSchema).optional(),
});
const operationSchema = z.object({ operationId: z.string(), responses: z.record(z.string(), responseSchema) });
type DocumentedResponse = z.output<typeof responseSchema>;

const documentSchema = z.object({
  paths: z.record(z.string(), z.record(z.string(), operationSchema)),
  components: z.looseObject({
    schemas: z.record(z.string(), z.looseObject({})),
    headers: z.record(z.string(), headerSchema),
  }),
});

/** Caching headers that any reply may have without an entry in the document. */
const FOR_CACHES = new Set(['Cache-Control', 'Vary']);

const NOTHING_THERE = new Set([401, 400, 404, 405, 406, 413, 415]);

/** Compares replies with an OpenAPI document. */
export interface DocumentedReplies {
  /** Expects the status, headers, media type and body of a reply to be documented for its request. */
  expectReply(method: string, pathOrUrl: string, response: Response): Promise<void>;
  /** Expects a value to be valid by a schema of the document, without undocumented fields. */
  expectValid(schema: object, value: unknown, where: string): void;
}

const known = new Map<string, DocumentedReplies>();

/** The same for the document of a server: one for all servers with the same job types, because its schemas are compiled. */
export function repliesOf(document: string, url: string): DocumentedReplies {
  const text = document.replaceAll(url, 'http://localhost');
  const replies = known.get(text) ?? documentedReplies(JSON.parse(text));
  known.set(text, replies);
  return replies;
}

export function documentedReplies(json: unknown): DocumentedReplies {
  const { paths, components } = documentSchema.parse(json);
  // Literal segments take precedence over parameters, as in routers.
  const templates = Object.entries(paths)
    .toSorted(([a], [b]) => Number(a.includes('{')) - Number(b.includes('{')))
    .map(([template, operations]) => ({ pattern: toPattern(template), operations }));
  /** Headers that clients read, which must be documented wherever they are sent. */
  const knownHeaders = new Set(
    Object.values(paths)
      .flatMap((operations) => Object.values(operations))
      .flatMap(({ responses }) => Object.values(responses))
      .flatMap(({ headers }) => Object.keys(headers))
      .filter((name) => !FOR_CACHES.has(name)),
  );
  const expectValid = createValidator(components);

  function expectHeaders(where: string, documented: DocumentedResponse, response: Response): void {
    for (const [name, entry] of Object.entries(documented.headers)) {
      // A reference always points to the component of the same name.
      const header = '$ref' in entry ? components.headers[name] : entry;
      const value = response.headers.get(name);
      if (value !== null && header !== undefined) {
        const parsed = header.schema.type === 'integer' ? Number(value) : value;
        expectValid(header.schema, parsed, `${where}: ${name}`);
      } else if (header?.required === true) expect.fail(`${where} has no ${name}`);
    }
    for (const name of knownHeaders) {
      if (!(name in documented.headers) && response.headers.has(name))
        expect.fail(`${where} has an undocumented ${name}`);
    }
  }

  async function expectBody(
    method: string,
    where: string,
    { content }: DocumentedResponse,
    response: Response,
  ): Promise<void> {
    const mediaType = mediaTypeOf(response);
    if (content === undefined) {
      expect(mediaType, `${where} has a body, and the document has none`).toBeUndefined();
      return;
    }
    const documented = mediaType === undefined ? undefined : content[mediaType];
    if (documented === undefined) return expect.fail(`${where}: the document has no ${mediaType}`);
    // An event stream may not have ended, and is not JSON.
    if (method === 'HEAD' || mediaType?.endsWith('json') !== true) return;
    expectValid(documented.schema, await response.clone().json(), where);
  }

  /** A request outside all operations can only get a problem, 401 included: authentication comes before routing. */
  async function expectNothingThere(method: string, where: string, response: Response): Promise<void> {
    const { status } = response;
    if (!NOTHING_THERE.has(status)) return expect.fail(`${where}, and the document has nothing there`);
    if (status === 405) expect(response.headers.has('Allow'), `${where} has no Allow`).toBe(true);
    expect(mediaTypeOf(response), `${where}: the media type`).toBe('application/problem+json');
    if (method === 'HEAD') return;
    expectValid({ $ref: '#/components/schemas/Problem' }, await response.clone().json(), where);
  }

  return {
    async expectReply(name, pathOrUrl, response) {
      const method = name.toUpperCase();
      // OPTIONS exists for every URL and is not an operation.
      if (method === 'OPTIONS') return;
      const where = `${method} ${pathOrUrl}: ${response.status}`;
      const { pathname } = new URL(pathOrUrl, 'http://localhost');
      const operations = templates.find(({ pattern }) => pattern.test(pathname))?.operations;
      const operation = operations?.[method === 'HEAD' ? 'get' : method.toLowerCase()];
      if (operation === undefined) return expectNothingThere(method, where, response);
      const documented = operation.responses[response.status];
      if (documented === undefined) return expect.fail(`${where} is not documented for ${operation.operationId}`);
      expectHeaders(where, documented, response);
      await expectBody(method, where, documented, response);
    },
    expectValid,
  };
}

function toPattern(template: string): RegExp {
  return new RegExp(`^${template.replaceAll('.', String.raw`\.`).replaceAll(/\{\w+\}/g, '[^/]+')}/?$`);
}

function mediaTypeOf(response: Response): string | undefined {
  return response.headers.get('Content-Type')?.split(';', 1)[0];
}

function createValidator(components: object): DocumentedReplies['expectValid'] {
  const ajv = new Ajv2020({ strict: true, allErrors: true });
  addFormats.default(ajv);
  ajv.addVocabulary(['components', 'discriminator']);
  // The document permits additional fields for later versions, but an undocumented field today is an error.
  const closed = closeObjects(components);
  const validators = new WeakMap<object, ValidateFunction>();
  return (schema, value, where) => {
    let validate = validators.get(schema);
    if (validate === undefined) {
      validate = ajv.compile({ ...schema, components: closed });
      validators.set(schema, validate);
    }
    validate(value);
    expect(validate.errors, `${where}: ${JSON.stringify(value)}`).toBeNull();
  };
}

function closeObjects(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closeObjects);
  if (typeof value !== 'object' || value === null) return value;
  const closed = Object.fromEntries(Object.entries(value).map(([key, part]) => [key, closeObjects(part)]));
  const isObject = closed['type'] === 'object' && 'properties' in closed && !('allOf' in closed);
  return isObject ? { additionalProperties: false, ...closed } : closed;
}
