import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { type CreateDocumentOptions, type ZodOpenApiPathsObject, createDocument, type oas32 } from 'zod-openapi';
import type { JobType } from '../../core/define-job.ts';
import { ENDLESS, partsOf, whyNotJson } from '../../core/input/schema-parts.ts';
import { jobViewSchema } from '../../core/job-view.ts';
import { type Registry, hasFiles } from '../../core/registry.ts';
import { StartError } from '../../core/start-error.ts';
import { pascalCase } from '../../core/type-name.ts';
import { batchRoutes } from '../routes/batches.ts';
import { bulkRoutes } from '../routes/bulk.ts';
import { collectionRoutes } from '../routes/collections.ts';
import { eventsRoute } from '../routes/events.ts';
import { jobTypeRoutes } from '../routes/job-types.ts';
import { jobRoutes } from '../routes/jobs.ts';
import { operationRoutes } from '../routes/operations.ts';
import { outputRoute } from '../routes/output.ts';
import { healthRoutes, openApiRoute } from '../routes/service.ts';
import { uploadRoute } from '../routes/uploads.ts';
import { sentWebhooks, webhookRoutes } from '../routes/webhooks.ts';
import type { DocumentedRoute } from '../route.ts';
import { problemExamples } from './examples.ts';
import { adaptJsonSchema } from '../../core/input/json-schema.ts';
import { NAME, nameSchemas, recursiveNames } from './recursive-schemas.ts';
import { headerComponents, securitySchemes } from './responses.ts';

const packageSchema = z.object({ version: z.string() });
/** Names of components (OpenAPI 3.1.1, section 4.8.7). */
const COMPONENT_NAME = /^[\w.-]+$/;

const DESCRIPTION = `Long-running work, submitted in milliseconds and followed to its result: the Asynchronous Request-Reply pattern.

Submit with a POST. The reply is **202 Accepted** as soon as the queue has the job, and \`Location\` is the URL to poll, \
no sooner than \`Retry-After\` seconds later: 202 again while the job is not done, then **303 See Other** to its result. Instead of \
polling, a client can have the reply held (\`Prefer: wait=N\`), or subscribe to the job's events.

Every error is a problem (RFC 9457) in \`application/problem+json\`; its \`type\` is a page that explains it. Every GET has a HEAD, \
OPTIONS lists the methods in \`Allow\`, and any other method gets 405 (\`method-not-allowed\`) and \`Allow\`, \
or 501 (\`not-implemented\`) if the server implements it nowhere. The URLs of files take ranges, and one behind the end of a file \
gets 416 (\`range-not-satisfiable\`).

A server with authentication needs an API key or a JWT. Each submission returns an \`accessToken\`, with which \
a browser can follow and cancel that one job.

The same jobs are on **GraphQL** at \`/graphql\`: either API can follow what the other accepted, by the same id.`;

/** What codecs decode to in the function of a job; the document shows what they encode. */
const DECODED = { custom: { output: true }, map: { output: true }, set: { output: true } } as const;

export type OpenApiDocument = ReturnType<typeof documentOf>;

/**
 * The REST API as an OpenAPI 3.1 document, made from its routes and the schemas of the job types.
 * @param serverUrl what the paths are relative to
 * @throws StartError with a line for each field that JSON can't carry, and for each name that is there twice, which names the file
 * @see https://spec.openapis.org/oas/v3.1.1.html
 */
export function createOpenApi(registry: Registry, serverUrl = '/'): OpenApiDocument {
  const { types, builtIn, fileOf } = registry;
  const problems = types.flatMap((type) => problemsOf(type).map((problem) => `${fileOf(type)}: ${problem}`));
  if (problems.length > 0) throw new StartError(problems);
  try {
    return documentOf(types, serverUrl, builtIn);
  } catch (error) {
    // What a job type adds is in conflict with the API's own names, or with those of a type before it.
    const conflicts = types.flatMap((type, index) => {
      const others = types.slice(0, index).filter((other) => conflictIn([other], builtIn) === undefined);
      const conflict = conflictIn([type], builtIn) ?? conflictIn([...others, type], builtIn);
      return conflict === undefined ? [] : [`${fileOf(type)}: ${conflict}`];
    });
    if (conflicts.length === 0) throw error;
    throw new StartError(conflicts, { cause: error });
  }
}

function conflictIn(types: readonly JobType[], builtIn: readonly JobType[]): string | undefined {
  try {
    documentOf(types, '/', builtIn);
    return undefined;
  } catch (error) {
    if (error instanceof RangeError) return ENDLESS;
    if (error instanceof Error) return error.message;
    throw error;
  }
}

function documentOf(types: readonly JobType[], serverUrl: string, builtIn: readonly JobType[]) {
  const all = [...types, ...builtIn];
  const takesFiles = hasFiles({ types }, ['input']);
  const paths = toPaths([
    ...types.flatMap((type) => collectionRoutes(type)),
    ...jobRoutes(all),
    ...bulkRoutes,
    eventsRoute,
    outputRoute,
    ...batchRoutes,
    ...operationRoutes,
    ...jobTypeRoutes,
    ...(takesFiles ? [uploadRoute] : []),
    ...webhookRoutes,
    ...healthRoutes,
    openApiRoute,
  ]);
  const jobSchemas = Object.fromEntries(all.flatMap(jobSchemasOf));
  const created = createDocument(
    {
      openapi: '3.1.1',
      info: {
        title: 'Accepted',
        version: readVersion(),
        summary: 'Slow work behind a fast API.',
        description: DESCRIPTION,
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: serverUrl, description: 'This server.' }],
      tags: [
        ...types.map(({ collection, description }) => ({ name: collection, description })),
        { name: 'Jobs', description: 'Jobs of all types: follow, watch, cancel and retry them.' },
        {
          name: 'Batches',
          description: 'Jobs of one type that were submitted together: follow, read and cancel them.',
        },
        { name: 'Job types', description: 'What operators see of job types, and do with them.' },
        ...(takesFiles ? [{ name: 'Uploads', description: 'Files for the inputs of jobs.' }] : []),
        { name: 'Webhooks', description: 'What the server sends when jobs end.' },
        { name: 'Service', description: 'The service itself.' },
      ],
      paths,
      webhooks: sentWebhooks,
      components: {
        securitySchemes,
        schemas: jobSchemas,
        headers: usedIn(paths, 'headers', headerComponents),
        examples: usedIn(paths, 'examples', problemExamples(types)),
      },
    },
    { override: createOverride(all), allowEmptySchema: DECODED },
  );
  const { components: { schemas = {}, ...components } = {}, ...document } = nameSchemas(created);
  for (const [name, schema] of Object.entries(schemas)) {
    if (!COMPONENT_NAME.test(name)) throw new Error(`"${name}" is not a name for an OpenAPI schema`);
    if (name in jobSchemas && !isDeepStrictEqual(schema, jobSchemas[name]))
      throw new Error(`the OpenAPI schema ${name} exists twice`);
  }
  return { ...document, paths: document.paths ?? {}, components: { ...components, schemas } };
}

/** A job of one type, as it is and as the reply to its submission: each a job whose `type` is known. */
function jobSchemasOf({ name, description }: JobType): [string, oas32.SchemaObjectValue][] {
  return (['Job', 'SubmittedJob'] as const).map((base) => [
    base.replace('Job', `${pascalCase(name)}Job`),
    {
      type: 'object',
      description,
      allOf: [{ $ref: `#/components/schemas/${base}` }],
      properties: { type: { type: 'string', const: name } },
      required: ['type'],
    },
  ]);
}

/** The schema of a job names those of each type, which generators of code read (OpenAPI 3.1.1, section 4.8.25). */
function createOverride(types: readonly JobType[]): NonNullable<CreateDocumentOptions['override']> {
  const mapping = Object.fromEntries(types.map(({ name }) => [name, `#/components/schemas/${pascalCase(name)}Job`]));
  const names = recursiveNames(types);
  return ({ zodSchema, jsonSchema, io }) => {
    adaptJsonSchema(zodSchema, jsonSchema, io);
    const name = names.get(zodSchema);
    if (name !== undefined) jsonSchema[NAME] = name;
    if (zodSchema === jobViewSchema) jsonSchema['discriminator'] = { propertyName: 'type', mapping };
  };
}

/** What callers could not send or read of a job type. */
function problemsOf({ input, result }: JobType): string[] {
  return (['input', 'result'] as const).flatMap((side) =>
    [...partsOf(side === 'input' ? input : result, side)].flatMap(({ schema, path }) => {
      const reason = whyNotJson(schema, side);
      return reason === undefined ? [] : [`${path}: ${reason}`];
    }),
  );
}

function toPaths(routes: readonly DocumentedRoute[]): ZodOpenApiPathsObject {
  const paths: ZodOpenApiPathsObject = {};
  const ids = new Set<string>();
  for (const { method, path, operation } of routes) {
    if (ids.has(operation.operationId)) throw new Error(`the OpenAPI operation ${operation.operationId} exists twice`);
    ids.add(operation.operationId);
    paths[path] = { ...paths[path], [method.toLowerCase()]: operation };
  }
  return paths;
}

/** Leaves out components that nothing refers to. */
function usedIn<T>(
  paths: ZodOpenApiPathsObject,
  kind: string,
  components: Readonly<Record<string, T>>,
): Record<string, T> {
  const references = new Set<string>();
  JSON.stringify(paths, (key, value: unknown) => {
    if (key === '$ref') references.add(String(value));
    // Schemas are zod's here, and refer to no header and no example.
    return key === 'schema' ? undefined : value;
  });
  return Object.fromEntries(
    Object.entries(components).filter(([name]) => references.has(`#/components/${kind}/${name}`)),
  );
}

/** From the project's package.json, which is as far from here in `dist` as in `src`. */
function readVersion(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  return packageSchema.parse(JSON.parse(text)).version;
}
