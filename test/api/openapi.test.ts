import { execFile } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { FastifyInstance, RouteOptions } from 'fastify';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { PROBLEMS } from '../../src/core/errors.ts';
import { createRegistry } from '../../src/core/registry.ts';
import { loadProject } from '../../src/project.ts';
import { createOpenApi } from '../../src/rest/openapi/document.ts';
import { startAppForTest } from '../support/app.ts';
import { libraryDocument, libraryRegistry } from '../support/library-document.ts';
import { documentedReplies } from '../support/openapi.ts';

const require = createRequire(import.meta.url);
const ROOT = join(import.meta.dirname, '../..');

/** Routes outside the REST API: GraphQL, pages, the console and metrics. */
const NOT_DESCRIBED = /^(\*|\/($|graphql|docs|problems|console|metrics$|\*))/;

const exampleSchema = z.object({ value: z.unknown() });
const pathsSchema = z.record(
  z.string(),
  z.record(
    z.string(),
    z.object({
      responses: z.record(
        z.string(),
        z.object({
          content: z
            .record(
              z.string(),
              z.object({
                schema: z.looseObject({}),
                examples: z
                  .record(z.string(), z.union([exampleSchema.required(), z.object({ $ref: z.string() })]))
                  .default({}),
              }),
            )
            .default({}),
        }),
      ),
    }),
  ),
);

/** Every `$ref` in a document. */
function refsOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) =>
    key === '$ref' && typeof part === 'string' ? [part] : refsOf(part),
  );
}

function resolve(document: unknown, ref: string): unknown {
  expect(ref).toMatch(/^#\//);
  return ref
    .slice(2)
    .split('/')
    .reduce((value, key) => z.record(z.string(), z.unknown()).parse(value)[key], document);
}

/** What Redocly's linter finds in a document. */
async function lint(path: string): Promise<unknown> {
  const linted = promisify(execFile)(
    process.execPath,
    [require.resolve('@redocly/cli/bin/cli.js'), 'lint', '--format=json', '--config=test/redocly.yaml', path],
    {
      cwd: ROOT,
      env: {
        PATH: process.env['PATH'],
        HOME: process.env['HOME'],
        REDOCLY_TELEMETRY: 'off',
        REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true',
      },
    },
  );
  // It exits with 1 if it has findings, and still prints them.
  const { stdout } = await linted.catch((error: unknown) => z.object({ stdout: z.string() }).parse(error));
  return z
    .object({
      problems: z.array(z.unknown()),
      totals: z.object({ errors: z.int(), warnings: z.int(), ignored: z.int() }),
    })
    .parse(JSON.parse(stdout));
}
const NO_FINDINGS = { problems: [], totals: { errors: 0, warnings: 0, ignored: 0 } };

describe('openapi.json', () => {
  it('passes a linter without findings', async () => {
    expect(await lint('openapi.json')).toEqual(NO_FINDINGS);
  });

  it('passes it too for a job type with unions, JSON, codecs and schemas that contain themselves', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'accepted-openapi-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const { jobs: files } = await loadProject({ jobsDir: 'test/support/jobs/invoice' });
    const document = createOpenApi(createRegistry(files));
    for (const ref of refsOf(document))
      expect({ ref, part: resolve(document, ref) }).toEqual({ ref, part: expect.any(Object) });
    const path = join(folder, 'openapi.json');
    writeFileSync(path, JSON.stringify(document));
    expect(await lint(path)).toEqual(NO_FINDINGS);
  });

  it('is up to date with npm run generate', async () => {
    const { jobs } = await loadProject();
    const document = createOpenApi(createRegistry(jobs));
    expect(readFileSync(join(ROOT, 'openapi.json'), 'utf8')).toBe(`${JSON.stringify(document, null, 2)}\n`);
  });

  it('is the document that the app serves, except for the server', async () => {
    const app = await startAppForTest('redis');
    const response = await app.fetch('/openapi.json');
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('no-cache');
    const { servers, ...served } = await response.json();
    expect(servers).toEqual([{ url: app.url, description: expect.any(String) }]);
    expect({ ...served, servers: [{ url: '/', description: 'This server.' }] }).toEqual(libraryDocument);
  });

  it('names PUBLIC_URL as the server', async () => {
    const app = await startAppForTest('redis', { PUBLIC_URL: 'https://api.example.com/v1/' });
    expect(await (await app.fetch('/openapi.json')).json()).toMatchObject({
      servers: [{ url: 'https://api.example.com/v1' }],
    });
  });

  it('is not served with REST=off, and neither are the pages', async () => {
    const app = await startAppForTest('redis', { REST: 'off' });
    for (const path of ['/openapi.json', '/docs', '/problems', '/problems/not-found'])
      expect((await app.fetch(path)).status).toBe(404);
  });

  it('has exactly the operations that are served', async () => {
    const routes: RouteOptions[] = [];
    const listen = (message: unknown): void => {
      // The message of this channel: https://fastify.dev/docs/latest/Reference/Hooks/#diagnostics-channel-hooks
      const { fastify } = message as { fastify: FastifyInstance };
      fastify.addHook('onRoute', (route) => void routes.push(route));
    };
    subscribe('fastify.initialization', listen);
    onTestFinished(() => void unsubscribe('fastify.initialization', listen));
    const app = await startAppForTest('redis');

    const { paths } = createOpenApi(libraryRegistry);
    const served = new Set(
      routes.map(({ url }) => url.replaceAll(/:(\w+)/g, '{$1}')).filter((url) => !NOT_DESCRIBED.test(url)),
    );
    expect(Object.keys(paths)).toEqual(expect.arrayContaining([...served]));
    for (const [path, item] of Object.entries(paths)) {
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
        const operation = `${method} ${path}`;
        const response = await app.fetch(path.replace('{id}', 'none'), { method });
        // The path for batches hides the resource that has this id, which is described with the others.
        const isResource = method === 'GET' && path === '/api/books/batch';
        const isThere = !isResource && response.status !== 405 && !(await response.text()).includes('No route matches');
        expect({ operation, isThere }).toEqual({ operation, isThere: method.toLowerCase() in item });
      }
    }
  });

  it('has no broken references', () => {
    const refs = new Set(refsOf(libraryDocument));
    expect(refs.size).toBeGreaterThan(30);
    for (const ref of refs)
      expect({ ref, part: resolve(libraryDocument, ref) }).toEqual({ ref, part: expect.any(Object) });
  });

  it('has examples that are valid', () => {
    const document = createOpenApi(libraryRegistry);
    const replies = Object.values(pathsSchema.parse(document.paths))
      .flatMap((item) => Object.values(item))
      .flatMap(({ responses }) => Object.values(responses));
    const examples = replies
      .flatMap(({ content }) => Object.entries(content))
      .flatMap(([mediaType, { schema, examples: named }]) =>
        mediaType.endsWith('json') ? Object.values(named).map((example) => ({ schema, example })) : [],
      );
    expect(examples.length).toBeGreaterThan(50);
    const { expectValid } = documentedReplies(document);
    for (const { schema, example } of examples) {
      const { value } = 'value' in example ? example : exampleSchema.parse(resolve(document, example.$ref));
      expectValid(schema, value, 'an example');
    }
  });

  it('lists every problem by its name', () => {
    const text = JSON.stringify(libraryDocument);
    for (const name of Object.keys(PROBLEMS)) expect(text).toContain(`(\`${name}\`)`);
  });
});
