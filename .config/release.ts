/**
 * Checks that the package can be published, and writes the notes and the software bill of materials (CycloneDX) of the release.
 * `npm run release:check -- v0.2.0`; without a tag, for the version in package.json.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const ROOT = join(import.meta.dirname, '..');
const OUTPUT = join(ROOT, 'dist-release');
const packageSchema = z.object({ version: z.string() });

function npm(...args: string[]): string {
  return execFileSync('npm', args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 2 ** 28 });
}

/** The section of the changelog about a version, or what is not released yet. */
function notesFor(version: string, changelog: string): string {
  const sections = changelog.split(/^## /m).slice(1);
  const section =
    sections.find((text) => text.startsWith(`[${version}]`)) ??
    sections.find((text) => text.startsWith('[Unreleased]'));
  if (section === undefined) throw new Error(`CHANGELOG.md has no section about ${version}`);
  return section.slice(section.indexOf('\n')).trim();
}

const { version } = packageSchema.parse(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')));
const [tag] = process.argv.slice(2);
const changelog = readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8');
if (tag !== undefined && tag !== `v${version}`) throw new Error(`the tag is ${tag}, and package.json has ${version}`);
if (tag !== undefined && !changelog.includes(`\n## [${version}]`))
  throw new Error(`CHANGELOG.md has no section [${version}]`);

mkdirSync(OUTPUT, { recursive: true });
writeFileSync(join(OUTPUT, 'notes.md'), `${notesFor(version, changelog)}\n`);
writeFileSync(
  join(OUTPUT, 'sbom.json'),
  npm('sbom', '--omit', 'dev', '--sbom-format', 'cyclonedx', '--sbom-type', 'library', '--workspaces=false'),
);
npm('publish', '--dry-run', '--tag', 'latest', '--loglevel', 'error');
process.stdout.write(`accepted ${version} can be published; dist-release/ has its notes and its SBOM\n`);
