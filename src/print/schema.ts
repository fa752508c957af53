/** Writes the printed schema to the path in its argument: `node src/print/schema.ts schema.graphql`. */
import { writeFile } from 'node:fs/promises';
import { printSchema } from 'graphql';
import { createRegistry, loadJobs } from '../core/registry.ts';
import { createGraphQLSchema } from '../graphql/schema/schema.ts';

const registry = createRegistry(await loadJobs(new URL('../jobs/', import.meta.url)));
const path = process.argv[2] ?? 'schema.graphql';
await writeFile(path, `${printSchema(createGraphQLSchema(registry))}\n`);
