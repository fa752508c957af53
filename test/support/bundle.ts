import { rolldown } from 'rolldown';

export interface BundleOptions {
  /** Packages and files that are left out. */
  readonly external?: readonly (string | RegExp)[];
  /** Packages to use in place of others. */
  readonly alias?: Readonly<Record<string, string>>;
  /** For production rather than development. */
  readonly minify?: boolean;
}

/** Bundles a module for browsers, and returns the script. */
export async function bundle(
  entry: string,
  { external = [], alias = {}, minify = false }: BundleOptions = {},
): Promise<string> {
  const build = await rolldown({
    input: entry,
    platform: 'browser',
    // It warns of "use client", which concerns servers alone.
    logLevel: 'silent',
    external: [...external],
    resolve: { alias: { ...alias } },
    transform: { define: { 'process.env.NODE_ENV': minify ? '"production"' : '"development"' } },
  });
  const { output } = await build.generate({ format: 'esm', minify });
  await build.close();
  return output[0].code;
}
