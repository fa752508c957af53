import { type OxlintOverride, defineConfig } from 'oxlint';

/** What each folder of `src` may import from its siblings, and of the files that stand in `src` itself. */
export const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  stores: ['core'],
  auth: ['core'],
  observability: ['core'],
  files: ['core'],
  webhooks: ['core'],
  queue: ['core', 'stores'],
  http: ['core'],
  graphql: ['core', 'http'],
  rest: ['core', 'http'],
  console: ['core', 'http'],
  customers: ['index', 'stores'],
  jobs: ['index', 'customers'],
  client: [],
  react: ['client'],
  testing: ['core', 'stores', 'app', 'config', 'observability'],
  cli: [
    'app',
    'config',
    'project',
    'project-modules',
    'core',
    'auth',
    'graphql',
    'rest',
    'observability',
    'queue',
    'stores',
  ],
};
/** The same for the files that stand in `src` itself. */
const FILES_MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  main: ['cli', 'config', 'core'],
  bullmq: ['queue'],
  config: ['auth', 'core', 'observability', 'webhooks'],
  'create-server': ['app', 'config', 'core', 'observability', 'project'],
  index: ['core', 'create-server'],
  project: ['core', 'project-modules'],
  'project-modules': [],
  server: ['core', 'http', 'graphql', 'rest', 'console', 'observability'],
  'service-server': ['core', 'http', 'rest'],
  'project-providers': ['config', 'project', 'core', 'stores'],
  api: ['config', 'server', 'service-server', 'core', 'stores', 'queue', 'auth', 'observability'],
  app: [
    'api',
    'config',
    'project',
    'project-providers',
    'server',
    'service-server',
    'core',
    'stores',
    'queue',
    'files',
    'http',
    'observability',
    'webhooks',
  ],
};

const folders = Object.keys(MAY_IMPORT);
const files = Object.keys(FILES_MAY_IMPORT);

/** What the program of the console's page may import, which runs in browsers. */
const CONSOLE_APP = ['client'];

/** Packages that core may not import: all but zod and Node's own. The linter's expressions have no lookahead. */
const VENDORS = '^[a-mo-y@]|^n([^o]|o[^d]|od[^e]|ode[^:])|^z([^o]|o[^d]|od.)';
/** What runs in browsers imports no package at all; `react` imports React alone. */
const PACKAGES = '^[a-z@]';
const PACKAGES_BUT_REACT = '^[a-qs-z@]|^r([^e]|e[^a]|ea[^c]|eac[^t]|eact.)';

const forbidden = (allowed: readonly string[], self: string): string => {
  const others = folders.filter((name) => name !== self && !allowed.includes(name)).map((name) => `${name}/`);
  const otherFiles = files.filter((name) => name !== self && !allowed.includes(name)).map((name) => `${name}\\.ts`);
  return `(${[...others, ...otherFiles].join('|')})`;
};

const restrict = (glob: string, patterns: readonly object[]): OxlintOverride => ({
  files: [glob],
  rules: { 'no-restricted-imports': ['error', { patterns: [...patterns] }] },
});

/** Folders are up to three levels deep; how a file refers to `src` depends on where it stands. */
const ofFolders = folders.flatMap((name) =>
  [1, 2, 3].map((depth) =>
    restrict(`**/src/${name}${'/*'.repeat(depth)}.ts`, [
      {
        regex: `^${'\\.\\./'.repeat(depth)}${forbidden(MAY_IMPORT[name] ?? [], name)}`,
        message: `of src, ${name} may import ${MAY_IMPORT[name]?.join(', ') || 'nothing'}`,
      },
      ...(name === 'core' ? [{ regex: VENDORS, message: 'core imports no package but zod' }] : []),
      ...(name === 'client' ? [{ regex: PACKAGES, message: 'the client imports no package' }] : []),
      ...(name === 'react' ? [{ regex: PACKAGES_BUT_REACT, message: 'the hooks import no package but react' }] : []),
    ]),
  ),
);

/** Sources of the page itself, which stand two or three levels deep. */
const ofConsoleApp = [2, 3].map((depth) =>
  restrict(`**/src/console/app${'/*'.repeat(depth - 1)}.{ts,tsx}`, [
    {
      regex: `^${'\\.\\./'.repeat(depth)}${forbidden(CONSOLE_APP, 'console')}`,
      message: `of src, the console's page may import ${CONSOLE_APP.join(', ')}`,
    },
    { regex: '^node:', message: 'the page runs in browsers' },
  ]),
);

const ofFiles = files.map((name) =>
  restrict(`**/src/${name}.ts`, [
    {
      regex: `^\\./${forbidden(FILES_MAY_IMPORT[name] ?? [], name)}`,
      message: `${name} may import ${FILES_MAY_IMPORT[name]?.join(', ')}`,
    },
  ]),
);

export default defineConfig({
  plugins: ['typescript', 'import', 'unicorn', 'oxc', 'promise', 'node', 'vitest'],
  options: { typeAware: true },
  categories: { correctness: 'error', suspicious: 'error', perf: 'error' },
  ignorePatterns: ['**/dist', '**/generated'],
  rules: {
    'import/no-cycle': ['error', { ignoreTypes: false }],
    'import/no-default-export': 'error',
    // One thing after the other is what these loops are for.
    'no-await-in-loop': 'off',
    // Factories return closures, which have no `this` to lose.
    'typescript/unbound-method': 'off',
    // The compiler's noImplicitReturns knows which switches are exhaustive.
    'typescript/consistent-return': 'off',
    // Each cast has its reason beside it; a reviewer reads it.
    'typescript/no-unsafe-type-assertion': 'off',
    'no-console': 'error',
    'node/no-process-env': 'error',
    'typescript/no-explicit-any': 'error',
    'typescript/no-non-null-assertion': 'error',
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/switch-exhaustiveness-check': 'error',
    'typescript/consistent-type-imports': 'error',
    'typescript/only-throw-error': 'error',
    'unicorn/prefer-node-protocol': 'error',
    // zod calls its public inside `_zod`.
    'no-underscore-dangle': ['error', { allow: ['_zod'] }],
  },
  overrides: [
    ...ofFolders,
    ...ofConsoleApp,
    ...ofFiles,
    {
      files: ['**/src/{client,react}/**'],
      rules: {
        'no-restricted-globals': [
          'error',
          { globals: ['Buffer', 'process', 'global', 'require', 'setImmediate', 'window', 'document', 'location'] },
        ],
      },
    },
    {
      files: ['**/src/react/*.ts', '**/src/console/app/**', '**/test/browser/pages/*.tsx'],
      plugins: ['react'],
      rules: {
        'react/rules-of-hooks': 'error',
        'react/exhaustive-deps': 'error',
        // The compiler imports what JSX needs.
        'react/react-in-jsx-scope': 'off',
      },
    },
    {
      files: ['**/src/console/app/**'],
      plugins: ['react'],
      rules: {
        // Preact has the names of HTML's own attributes, and no compiler.
        'react/no-unknown-property': 'off',
        'react/immutability': 'off',
      },
    },
    {
      files: [
        '**/src/jobs/*.ts',
        '**/test/{support/jobs/*,faults/jobs}/*.ts',
        '**/codegen.ts',
        '**/*.config.ts',
        '**/test/support/global-setup.ts',
      ],
      rules: {
        'import/no-default-export': 'off',
      },
    },
    {
      // Helpers stand beside the tests they serve, and may expect too.
      files: ['**/test/**'],
      rules: {
        'unicorn/consistent-function-scoping': 'off',
        'vitest/no-standalone-expect': 'off',
        'vitest/no-conditional-expect': 'off',
      },
    },
    {
      // They print what a reader of the documentation sees.
      files: ['**/test/recipes/**'],
      rules: {
        'no-console': 'off',
      },
    },
    {
      // An arbitrary's map is no list's.
      files: ['**/test/fuzz/**'],
      rules: {
        'oxc/no-map-spread': 'off',
      },
    },
    {
      // Shared assertions are named after `expect`.
      files: ['**/test/{api,browser,faults,store}/**'],
      rules: {
        'vitest/expect-expect': [
          'error',
          { assertFunctionNames: ['expect', 'expectGood', 'expectGreeting', 'expectNothingWrong', 'expectSame'] },
        ],
      },
    },
    {
      // Express 5 takes handlers that return promises.
      files: ['**/test/bench/contenders/express.ts'],
      rules: {
        'oxc/no-async-endpoint-handlers': 'off',
      },
    },
    {
      files: ['**/src/config.ts', '**/test/**'],
      rules: {
        'node/no-process-env': 'off',
      },
    },
  ],
});
