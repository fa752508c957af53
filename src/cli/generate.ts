/** `accepted generate`: what clients are built from. It opens no store and no provider, and reads no settings but JOBS_DIR. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { printSchema } from 'graphql';
import { readJobsDir } from '../config.ts';
import { createRegistry } from '../core/registry.ts';
import { createGraphQLSchema } from '../graphql/schema/schema.ts';
import { loadProject } from '../project.ts';
import { createOpenApi } from '../rest/openapi/document.ts';
import { printClientTypes } from './client-types.ts';
import type { Command } from './command.ts';

const DEFAULTS = { schema: 'schema.graphql', openapi: 'openapi.json', client: 'accepted.client.ts' };

export const generateCommand: Command = {
  options: {
    schema: { value: 'PATH', description: `where to write the GraphQL schema (${DEFAULTS.schema})` },
    openapi: { value: 'PATH', description: `where to write the OpenAPI document (${DEFAULTS.openapi})` },
    client: { value: 'PATH', description: `where to write the module for TypeScript clients (${DEFAULTS.client})` },
    'client-module': { value: 'NAME', description: 'what that module imports (accepted/client)' },
  },
  async run({ options }) {
    const { jobs, configFile } = await loadProject({ jobsDir: readJobsDir() });
    const registry = createRegistry(jobs);
    const { 'client-module': clientModule, ...given } = options;
    const paths = { ...DEFAULTS, ...given };
    const types = jobs.map(({ type, file, exportName }) => ({
      name: type.name,
      collection: type.collection,
      importPath: pathFrom(paths.client, file),
      exportName,
    }));
    const files = [
      [paths.schema, `${printSchema(createGraphQLSchema(registry))}\n`],
      [paths.openapi, `${JSON.stringify(createOpenApi(registry), null, 2)}\n`],
      [
        paths.client,
        printClientTypes(types, { clientModule, configPath: configFile && pathFrom(paths.client, configFile) }),
      ],
    ] as const;
    for (const [path, text] of files) {
      await mkdir(dirname(resolve(path)), { recursive: true });
      await writeFile(resolve(path), text);
      process.stdout.write(`Wrote ${path}\n`);
    }
    return 0;
  },
};

/** How a module at `from` imports the file at `to`. */
function pathFrom(from: string, to: string): string {
  const path = relative(dirname(resolve(from)), resolve(to)).replaceAll('\\', '/');
  return path.startsWith('.') ? path : `./${path}`;
}
