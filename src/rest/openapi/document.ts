import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { JobType } from '../../core/define-job.ts';
import { jobViewSchema } from '../../core/job-view.ts';
import type { Registry } from '../../core/registry.ts';
import { StartError } from '../../core/start-error.ts';
import {
  healthSchema,
  jobListSchema,
  operationSchema,
  problemSchema,
  submittedJobSchema,
  unhealthySchema,
} from '../reply-schemas.ts';
import { type JobTypeSchemas, collectionPaths, pascalCase } from './collection-paths.ts';
import { type SchemaComponents, createSchemaComponents } from './components.ts';
import { headerComponents } from './headers.ts';
import { jobPaths } from './job-paths.ts';
import { JsonSchemaError } from './json-schema.ts';
import { operationPaths } from './operation-paths.ts';
import { parameterComponents } from './parameters.ts';
import { problemExamples } from './problem-examples.ts';
import { securitySchemes } from './security.ts';
import { servicePaths } from './service-paths.ts';
import type { JsonSchema, OpenApiDocument, Paths, Reference } from './types.ts';

const packageSchema = z.object({ version: z.string() });

const DESCRIPTION = `Work that takes long, submitted in milliseconds and followed to its result: the Asynchronous Request-Reply pattern.

Submit with a POST. The reply is **202 Accepted** as soon as the queue has the job, and \`Location\` says where to follow it. Poll there, \
no sooner than \`Retry-After\` seconds later: 202 again while the job is not done, then **303 See Other** to what it made. Instead of \
polling a client can have the reply held (\`Prefer: wait=N\`), or watch the job's events.

Every error is a problem (RFC 9457) in \`application/problem+json\`; its \`type\` is a page that explains it. HEAD goes wherever GET does, \
OPTIONS tells the methods in \`Allow\`, and any other method is answered with 405 (\`method-not-allowed\`) and \`Allow\`,
or 501 (\`not-implemented\`) if nothing here has it.

A server that asks who its callers are answers nobody else: send an API key or a JWT. Each submission returns an \`accessToken\`, with which \
alone a browser can follow and cancel that one job.

The same jobs are on **GraphQL** at \`/graphql\`: whatever one face accepts, the other can follow by the same id.`;

/**
 * The REST face as an OpenAPI 3.1 document, made from the schemas of the job types.
 * @param serverUrl what the paths are relative to
 * @throws StartError that names the file and the field, for a job type that JSON Schema can't express
 * @see https://spec.openapis.org/oas/v3.1.1.html
 */
export function createOpenApi(registry: Registry, serverUrl = '/'): OpenApiDocument {
  const components = createSchemaComponents();
  const own = addOwnSchemas(components);
  const perType = registry.types.map((type) => ({ type, schemas: namingFile(registry, type, components) }));
  const jobs = perType.map(({ type, schemas }) => [type.name, schemas.job.$ref] as const);
  const job = components.schemas['Job'];
  // A generator of code reads from it which of the types a job is.
  if (job !== undefined) job['discriminator'] = { propertyName: 'type', mapping: Object.fromEntries(jobs) };

  const results = [...new Set(perType.map(({ schemas }) => schemas.result.$ref))].map(($ref) => ({ $ref }));
  const shared = { ...jobPaths(registry, { ...own, results }), ...operationPaths(own.operation), ...servicePaths(own) };
  const taken = new Set(operationIds(shared));
  const collections = perType.map(({ type, schemas }) => {
    const paths = collectionPaths(type, schemas);
    const double = operationIds(paths).find((id) => taken.has(id));
    if (double === undefined) return paths;
    throw new StartError(`${registry.fileOf(type)}: the OpenAPI operation ${double} is taken by the API itself`);
  });
  const paths: Paths = { ...Object.assign({}, ...collections), ...shared };
  return {
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
      ...registry.types.map(({ collection, description }) => ({ name: collection, description })),
      { name: 'Jobs', description: 'Jobs of all types: follow, watch, cancel and retry them.' },
      { name: 'Service', description: 'The service itself.' },
    ],
    paths,
    components: {
      securitySchemes,
      schemas: components.schemas,
      headers: usedIn(paths, 'headers', headerComponents),
      parameters: parameterComponents,
      examples: usedIn(paths, 'examples', problemExamples()),
    },
  };
}

function addOwnSchemas(components: SchemaComponents) {
  const add = (name: string, schema: z.ZodType): Reference =>
    components.add(name, schema, { side: 'output', path: name, dates: true });
  return {
    job: add('Job', jobViewSchema),
    submittedJob: add('SubmittedJob', submittedJobSchema),
    jobList: add('JobList', jobListSchema),
    operation: add('Operation', operationSchema),
    problem: add('Problem', problemSchema),
    health: add('Health', healthSchema),
    unhealthy: add('Unhealthy', unhealthySchema),
  };
}

function addJobType({ name, description, input, result }: JobType, components: SchemaComponents): JobTypeSchemas {
  const pascal = pascalCase(name);
  const jobOf = (schema: string): JsonSchema => ({
    type: 'object',
    description,
    allOf: [{ $ref: `#/components/schemas/${schema}` }],
    properties: { type: { type: 'string', const: name } },
    required: ['type'],
  });
  return {
    input: components.add(`Submit${pascal}Input`, input, { side: 'input', path: 'input' }),
    result: components.add(`${pascal}Result`, result, { side: 'output', path: 'result' }),
    job: components.addJson(`${pascal}Job`, jobOf('Job')),
    submitted: components.addJson(`Submitted${pascal}Job`, jobOf('SubmittedJob')),
  };
}

function namingFile(registry: Registry, type: JobType, components: SchemaComponents): JobTypeSchemas {
  try {
    return addJobType(type, components);
  } catch (error) {
    if (error instanceof JsonSchemaError)
      throw new StartError(`${registry.fileOf(type)}: ${error.message}`, { cause: error });
    throw error;
  }
}

function operationIds(paths: Paths): string[] {
  return Object.values(paths).flatMap((item) => Object.values(item).map(({ operationId }) => operationId));
}

/** A component that nothing refers to would only puzzle readers. */
function usedIn<T>(paths: Paths, kind: string, components: Readonly<Record<string, T>>): Record<string, T> {
  const text = JSON.stringify(paths);
  const used = Object.entries(components).filter(([name]) => text.includes(`"#/components/${kind}/${name}"`));
  return Object.fromEntries(used);
}

/** From the project's package.json, which is as far from here in `dist` as in `src`. */
function readVersion(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  return packageSchema.parse(JSON.parse(text)).version;
}
