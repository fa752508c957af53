/**
 * Files of the pages that come from other packages. The build keeps those that are used, compressed, in place of the packages, which are many
 * times as large.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';

/** Stands for the options of GraphiQL in its page. */
export const GRAPHIQL_OPTIONS = '"the options"';

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
} satisfies Readonly<Record<string, () => Promise<Buffer>>>;

const BUILT = new URL('../page-files/', import.meta.url);

export async function readPageFile(name: keyof typeof PAGE_FILES): Promise<Buffer> {
  const built = new URL(`${name}.gz`, BUILT);
  return existsSync(built) ? promisify(gunzip)(await readFile(built)) : PAGE_FILES[name]();
}
