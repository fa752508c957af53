import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { MAY_IMPORT } from '../../.config/oxlint.config.ts';
import { settingsSchema } from '../../src/config.ts';
import { PROBLEMS } from '../../src/core/errors.ts';

const read = (path: string): string => readFileSync(join(import.meta.dirname, '../..', path), 'utf8');

/** The first two cells of each table row that begins with a name in code. */
const rowsOf = (markdown: string): [name: string, next: string][] =>
  [...markdown.matchAll(/^\| `(\w+)`[^|]*\| ([^|]*?) *\|/gm)].map(([, name = '', next = '']) => [name, next]);

const toDefault = (value: unknown): string => {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  return typeof value === 'number' || typeof value === 'string' ? String(value) : 'none';
};

it('docs/settings.md lists every setting with its default', () => {
  const documented = new Map(rowsOf(read('docs/settings.md')));
  expect([...documented.keys()].toSorted()).toEqual(Object.keys(settingsSchema.shape).toSorted());
  for (const [name, schema] of Object.entries(settingsSchema.shape)) {
    const { data } = schema.safeParse(undefined);
    // Some optional settings have a default in words.
    if (data !== undefined) expect(`${name} ${documented.get(name)}`).toBe(`${name} ${toDefault(data)}`);
  }
});

it('docs/graphql.md lists every error code with its status', () => {
  const documented = new Map(rowsOf(read('docs/graphql.md')));
  const problems = Object.values(PROBLEMS).filter(({ code }) => code !== 'JOB_FAILED');
  expect([...documented.keys()].toSorted()).toEqual([...new Set(problems.map(({ code }) => code))].toSorted());
  for (const { code, status } of problems) {
    // One code for several statuses.
    if (code !== 'BAD_REQUEST') expect(`${code} ${documented.get(code)}`).toBe(`${code} ${status}`);
  }
});

it('docs/architecture.md says what each folder may import', () => {
  const rows = [...read('docs/architecture.md').matchAll(/^\| `(\w+)` *\|[^|]*\|([^|]*)\|$/gm)];
  const documented = rows.map(([, name = '', allowed = '']) => [
    name,
    [...allowed.matchAll(/`([\w-]+)`/g)].map(([, folder = '']) => folder),
  ]);
  expect(Object.fromEntries(documented)).toEqual(MAY_IMPORT);
});
