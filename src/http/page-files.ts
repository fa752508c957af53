/**
 * Files of the pages that come from other packages, or are bundled with them. The build keeps those that are used, compressed, in place of
 * the packages, which are many times as large.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';

/** Stands for the options of GraphiQL in its page. */
export const GRAPHIQL_OPTIONS = '"the options"';

const CONSOLE = new URL('../console/app/', import.meta.url);

const swaggerUi = (name: string) => () => readFile(fileURLToPath(import.meta.resolve(`swagger-ui-dist/${name}`)));

/** How each file is read where it has not been built. */
export const PAGE_FILES = {
  'graphiql.html': async () => {
    const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
    const html = renderGraphiQL({ title: 'Accepted' });
    const options = '{"title":"Accepted"}';
    const at = html.lastIndexOf(options);
    return Buffer.from(html.slice(0, at) + GRAPHIQL_OPTIONS + html.slice(at + options.length));
  },
  'swagger-ui.css': swaggerUi('swagger-ui.css'),
  'swagger-ui-bundle.js': swaggerUi('swagger-ui-bundle.js'),
  'favicon-32x32.png': swaggerUi('favicon-32x32.png'),
  'console.js': () => bundle(new URL('main.tsx', CONSOLE), ['preact', 'preact-iso']),
  'console.css': () => readFile(new URL('console.css', CONSOLE)),
} satisfies Readonly<Record<string, () => Promise<Buffer>>>;

const BUILT = new URL('../page-files/', import.meta.url);

export async function readPageFile(name: keyof typeof PAGE_FILES): Promise<Buffer> {
  const built = new URL(`${name}.gz`, BUILT);
  return existsSync(built) ? promisify(gunzip)(await readFile(built)) : PAGE_FILES[name]();
}

/** Bundles a program for browsers, with the licenses of the packages in it, which ask for that. */
async function bundle(entry: URL, packages: readonly string[]): Promise<Buffer> {
  const { rolldown } = await import('rolldown');
  const licenses = packages.map((name) => readFile(new URL('../LICENSE', import.meta.resolve(name)), 'utf8'));
  const build = await rolldown({
    input: fileURLToPath(entry),
    platform: 'browser',
    tsconfig: fileURLToPath(new URL('tsconfig.json', entry)),
    transform: { define: { 'process.env.NODE_ENV': '"production"' } },
  });
  const { output } = await build.generate({ format: 'esm', minify: true });
  await build.close();
  return Buffer.from(`/*!\n${(await Promise.all(licenses)).join('\n')}*/\n${output[0].code}`);
}
