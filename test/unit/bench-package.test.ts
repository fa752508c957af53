import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';

const packageSchema = z.object({ dependencies: z.record(z.string(), z.string()) });
const dependenciesOf = (file: string): Record<string, string> =>
  packageSchema.parse(JSON.parse(readFileSync(join(import.meta.dirname, '../..', file), 'utf8'))).dependencies;

it('the contenders of the benchmark use the same versions as Accepted', () => {
  const [own, others] = [dependenciesOf('package.json'), dependenciesOf('test/bench/package.json')];
  const shared = Object.keys(others).filter((name) => name in own);
  expect(shared).toContain('bullmq');
  expect(shared.map((name) => `${name} ${others[name]}`)).toEqual(shared.map((name) => `${name} ${own[name]}`));
});
