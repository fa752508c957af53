/** How Node loads the files of a project. */
import { readFileSync, realpathSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Statements that only a module has. */
const MODULE_SYNTAX = /^\s*(import\s*["'{*\w]|export\s)/m;
const FORMATS: readonly [extension: RegExp, format: string][] = [
  [/\.ts$/, 'module-typescript'],
  [/\.js$/, 'module'],
];

/** The files that a project has loaded, outside of node_modules. */
export interface ProjectModules {
  readonly loaded: ReadonlySet<string>;
  /** From now on each import loads files anew, and does not return what earlier ones made. */
  renew(): void;
}

const known = new Map<string, ProjectModules>();

/**
 * Lets a project's files use `import` and `export` whatever its package.json says: `npm init` writes `"type": "commonjs"`, with which Node
 * would refuse them, and without a type it would warn. Called again for the same folder, it returns the same.
 */
export function openProjectModules(folder: string): ProjectModules {
  const earlier = known.get(folder);
  if (earlier !== undefined) return earlier;
  // Node resolves links.
  const root = pathToFileURL(`${realpathSync(folder)}${sep}`).href;
  const loaded = new Set<string>();
  let version = 0;
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const resolved = nextResolve(specifier, context);
      if (!resolved.url.startsWith(root) || resolved.url.includes('/node_modules/')) return resolved;
      const path = fileURLToPath(resolved.url);
      loaded.add(path);
      const format = resolved.format?.startsWith('module') === true ? undefined : formatOf(path);
      const url = version === 0 ? resolved.url : `${resolved.url}?version=${version}`;
      return { ...resolved, url, ...(format !== undefined && { format }) };
    },
  });
  const modules: ProjectModules = {
    loaded,
    renew() {
      version += 1;
    },
  };
  known.set(folder, modules);
  return modules;
}

/** Undefined where the file is no module, so that Node decides. */
function formatOf(path: string): string | undefined {
  const [, format] = FORMATS.find(([extension]) => extension.test(path)) ?? [];
  return format !== undefined && MODULE_SYNTAX.test(readFileSync(path, 'utf8')) ? format : undefined;
}
