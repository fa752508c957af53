/** Run by `npm version`: what is not released yet becomes the section of the new version. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const read = (name: string): string => readFileSync(join(import.meta.dirname, '..', name), 'utf8');

const { version } = z.object({ version: z.string() }).parse(JSON.parse(read('package.json')));
const changelog = read('CHANGELOG.md');
const heading = '## [Unreleased]\n';
if (!changelog.includes(heading)) throw new Error('CHANGELOG.md has no section [Unreleased]');
const today = new Date().toISOString().slice(0, 10);
writeFileSync(
  join(import.meta.dirname, '../CHANGELOG.md'),
  changelog.replace(heading, `${heading}\n## [${version}] - ${today}\n`),
);
