/** Writes the client's job types to a path: `node src/print/client-types.ts src/client/job-types.ts`. */
import { writeFile } from 'node:fs/promises';
import { createRegistry, loadJobs } from '../core/registry.ts';

const { types, fileOf } = createRegistry(await loadJobs(new URL('../jobs/', import.meta.url)));
const lines = [
  '// Made from src/jobs/ by `npm run generate`.',
  // A name with this ending is no word of the language.
  ...types.map((type) => `import type ${type.name}Job from '../jobs/${fileOf(type).replace(/^.*\//, '')}';`),
  "import type { ShapeOf } from './job-type-map.ts';",
  '',
  '/** What each job type takes and gives. */',
  'export interface JobTypes {',
  ...types.map(({ name }) => `  readonly ${name}: ShapeOf<typeof ${name}Job>;`),
  '}',
  '',
  '/** Where each job type is submitted. */',
  'export const COLLECTIONS = {',
  ...types.map(({ name, collection }) => `  ${name}: '${collection}',`),
  '} as const;',
];
const path = process.argv[2] ?? 'src/client/job-types.ts';
await writeFile(path, `${lines.join('\n')}\n`);
