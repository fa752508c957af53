/** Writes the client's job types to a path: `node src/print/client-types.ts src/client/job-types.ts`. */
import { writeFile } from 'node:fs/promises';
import { createRegistry } from '../core/registry.ts';
import { loadProject } from '../project.ts';

const { types, fileOf } = createRegistry((await loadProject()).jobs);
const lines = [
  '// Generated from src/jobs/ by `npm run generate`.',
  // The suffix keeps a job type's name from being a reserved word.
  ...types.map((type) => `import type ${type.name}Job from '../jobs/${fileOf(type).replace(/^.*\//, '')}';`),
  "import type { ShapeOf } from './job-type-map.ts';",
  '',
  '/** The input and the result of each job type. */',
  'export interface JobTypes {',
  ...types.map(({ name }) => `  readonly ${name}: ShapeOf<typeof ${name}Job>;`),
  '}',
  '',
  '/** The REST collection of each job type. */',
  'export const COLLECTIONS = {',
  ...types.map(({ name, collection }) => `  ${name}: '${collection}',`),
  '} as const;',
];
const path = process.argv[2] ?? 'src/client/job-types.ts';
await writeFile(path, `${lines.join('\n')}\n`);
