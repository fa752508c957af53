/** `accepted generate`: what clients are built from. It opens no store and no provider, and reads no settings but JOBS_DIR. */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { printSchema } from 'graphql';
import { readJobsDir } from '../config.ts';
import { createRegistry } from '../core/registry.ts';
import { createGraphQLSchema } from '../graphql/schema/schema.ts';
import { loadProject } from '../project.ts';
import { createOpenApi } from '../rest/openapi/document.ts';
import type { Command } from './command.ts';

const DEFAULTS = { schema: 'schema.graphql', openapi: 'openapi.json' };

export const generateCommand: Command = {
  options: {
    schema: { value: 'PATH', description: `where to write the GraphQL schema (${DEFAULTS.schema})` },
    openapi: { value: 'PATH', description: `where to write the OpenAPI document (${DEFAULTS.openapi})` },
  },
  async run({ options }) {
    const { jobs } = await loadProject({ jobsDir: readJobsDir() });
    const registry = createRegistry(jobs);
    const paths = { ...DEFAULTS, ...options };
    const files = [
      [paths.schema, `${printSchema(createGraphQLSchema(registry))}\n`],
      [paths.openapi, `${JSON.stringify(createOpenApi(registry), null, 2)}\n`],
    ] as const;
    for (const [path, text] of files) {
      await writeFile(resolve(path), text);
      process.stdout.write(`Wrote ${path}\n`);
    }
    return 0;
  },
};
