import { rolldown } from 'rolldown';

export interface BundleOptions {
  /** Packages and files that are left out. */
  readonly external?: readonly (string | RegExp)[];
  /** Packages to use in place of others. */
  readonly alias?: Readonly<Record<string, string>>;
  /** For production rather than development. */
  readonly minify?: boolean;
}

/** Bundles a module for browsers, and returns the script with all that it may load later. */
export async function bundle(entry: string, options: BundleOptions = {}): Promise<string> {
  const [chunk] = await generate(entry, options, false);
  return chunk.code;
}

/** The same without what is loaded later: the scripts that a page loads at first. */
export async function bundleFirst(entry: string, options: BundleOptions = {}): Promise<string[]> {
  const [first, ...others] = await generate(entry, options, true);
  const chunks = others.filter((each) => each.type === 'chunk');
  const loaded = new Map([[first.fileName, first]]);
  // It grows during the iteration.
  for (const { imports } of loaded.values())
    for (const chunk of chunks) if (imports.includes(chunk.fileName)) loaded.set(chunk.fileName, chunk);
  return [...loaded.values()].map(({ code }) => code);
}

async function generate(
  entry: string,
  { external = [], alias = {}, minify = false }: BundleOptions,
  codeSplitting: boolean,
) {
  const build = await rolldown({
    input: entry,
    platform: 'browser',
    // As in a page, what is loaded later takes what it shares with the entry from there.
    preserveEntrySignatures: 'allow-extension',
    // It warns of "use client", which concerns servers alone.
    logLevel: 'silent',
    external: [...external],
    resolve: { alias: { ...alias } },
    transform: { define: { 'process.env.NODE_ENV': minify ? '"production"' : '"development"' } },
  });
  const { output } = await build.generate({ format: 'esm', minify, codeSplitting });
  await build.close();
  return output;
}
