import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, it } from 'vitest';

const PROJECT = join(import.meta.dirname, '../..');
const documents = globSync(['*.md', 'docs/**/*.md', '.github/**/*.md'], { cwd: PROJECT }).toSorted();

const withoutCode = (markdown: string): string =>
  markdown.replaceAll(/^```[\s\S]*?^```/gm, '').replaceAll(/`[^`]*`/g, '');

/** The anchors that GitHub makes of a document's headings. */
function anchorsOf(path: string): string[] {
  const headings = readFileSync(path, 'utf8')
    .replaceAll(/^```[\s\S]*?^```/gm, '')
    .matchAll(/^#{1,6} (.+)$/gm);
  return [...headings].map(([, text = '']) =>
    text
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** The links of a document within the repository. */
function linksOf(markdown: string): string[] {
  const links = [...withoutCode(markdown).matchAll(/\]\(([^()\s]+)\)/g)].map(([, link = '']) => link);
  return links.filter((link) => !/^[a-z]+:/.test(link));
}

it('finds the documents', () => {
  expect(documents).toEqual(expect.arrayContaining(['README.md', 'SECURITY.md', 'docs/http-contract.md']));
});

it.each(documents)('%s has no broken link', (document) => {
  const path = join(PROJECT, document);
  const broken = linksOf(readFileSync(path, 'utf8')).filter((link) => {
    const [file = '', anchor] = link.split('#', 2);
    const target = file === '' ? path : join(dirname(path), file);
    // A link that leaves the repository works on no other machine.
    if (relative(PROJECT, target).startsWith('..') || !existsSync(target)) return true;
    return anchor !== undefined && !anchorsOf(target).includes(anchor);
  });
  expect(broken).toEqual([]);
});

it('docs/decisions/README.md lists every record', () => {
  const index = readFileSync(join(PROJECT, 'docs/decisions/README.md'), 'utf8');
  const records = globSync('[0-9]*.md', { cwd: join(PROJECT, 'docs/decisions') });
  expect(records.filter((record) => !index.includes(record))).toEqual([]);
});
