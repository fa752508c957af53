/** Writes the OpenAPI document to a path: `node src/print/openapi.ts openapi.json`. */
import { writeFile } from 'node:fs/promises';
import { createRegistry, loadJobs } from '../core/registry.ts';
import { createOpenApi } from '../rest/openapi/document.ts';

const registry = createRegistry(await loadJobs(new URL('../jobs/', import.meta.url)));
const path = process.argv[2] ?? 'openapi.json';
await writeFile(path, `${JSON.stringify(createOpenApi(registry), null, 2)}\n`);
