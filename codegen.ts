import type { CodegenConfig } from '@graphql-codegen/cli';

/** Typed documents for the operations that the tests send. */
const config: CodegenConfig = {
  schema: 'schema.graphql',
  documents: ['test/support/operations.ts'],
  importExtension: '.ts',
  generates: {
    'test/support/generated/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        useTypeImports: true,
        enumsAsTypes: true,
        scalars: { DateTime: 'string', URL: 'string', Date: 'string' },
      },
    },
  },
};

export default config;
