import type { CodegenConfig } from '@graphql-codegen/cli';

type Output = CodegenConfig['generates'][string];

const typedDocuments = (documents: string, config: object = {}): Output => ({
  documents,
  preset: 'client',
  presetConfig: { fragmentMasking: false },
  config: {
    ...config,
    useTypeImports: true,
    enumsAsTypes: true,
    scalars: { DateTime: 'string', URL: 'string', Date: 'string' },
  },
});

/** Typed documents for the operations that the console, the tests and the recipes send. */
const config: CodegenConfig = {
  schema: 'schema.graphql',
  importExtension: '.ts',
  generates: {
    'src/console/app/data/generated/': typedDocuments('src/console/app/data/operations.graphql', {
      documentMode: 'string',
    }),
    'test/support/generated/': typedDocuments('test/support/operations.ts'),
    'test/recipes/generated/': typedDocuments('test/recipes/operations.ts'),
  },
};

export default config;
