import type { CodegenConfig } from '@graphql-codegen/cli';

type Output = CodegenConfig['generates'][string];

const typedDocuments = (schema: string, documents: string, config: object = {}): Output => ({
  schema,
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

/** The sample's, and that of the project that tests run. */
const SCHEMA = 'schema.graphql';
const TEST_SCHEMA = 'test/support/generated/schema.graphql';

/** Typed documents for the operations that the console, the tests and the recipes send. */
const config: CodegenConfig = {
  importExtension: '.ts',
  generates: {
    'src/console/app/data/generated/': typedDocuments(SCHEMA, 'src/console/app/data/operations.graphql', {
      documentMode: 'string',
    }),
    'test/support/generated/': typedDocuments(TEST_SCHEMA, 'test/support/operations.ts'),
    'test/recipes/generated/': typedDocuments(SCHEMA, 'test/recipes/operations.ts'),
  },
};

export default config;
