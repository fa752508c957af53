import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { KNOWN_MUTANTS } from '../mutation/known-mutants.ts';

const PROJECT = join(import.meta.dirname, '../..');

it.each(KNOWN_MUTANTS)('the known mutant "$name" has a place in the code, and tests', ({ file, search, tests }) => {
  expect(readFileSync(join(PROJECT, file), 'utf8').split(search)).toHaveLength(2);
  expect(
    globSync(
      tests.map((prefix) => `${prefix}*`),
      { cwd: PROJECT },
    ),
  ).not.toHaveLength(0);
});
