import { type ExecutionArgs, GraphQLError, buildSchema } from 'graphql';
import { type Plugin, createYoga } from 'graphql-yoga';
import { describe, expect, it } from 'vitest';
import type { GraphQLContext } from '../../src/graphql/builder.ts';
import { createDirectExecution } from '../../src/graphql/fast-path/direct-execution.ts';
import { createDocumentCache } from '../../src/graphql/fast-path/prepared-documents.ts';

/** Creates a Yoga server, and records which hooks of a plugin it calls. */
function setUp() {
  const schema = buildSchema('type Query { a: Int } type Mutation { count: Int } type Subscription { a: Int }');
  const hooks: string[] = [];
  let counted = 0;
  const field = schema.getMutationType()?.getFields()['count'];
  if (field === undefined) throw new Error('there is no such field');
  field.resolve = () => (counted += 1);
  const plugin: Plugin = {
    onParse: () => void hooks.push('parse'),
    onValidate: () => void hooks.push('validate'),
    onExecute: () => void hooks.push('execute'),
  };
  const documentCache = createDocumentCache();
  const yoga = createYoga<GraphQLContext>({ schema, parserAndValidationCache: { documentCache }, plugins: [plugin] });
  const executeDirectly = createDirectExecution({
    yoga,
    schema,
    documentCache,
    checkAccess: () => undefined,
    toPublicResult: (_args, { errors = [], ...rest }) => ({
      errors: errors.map(({ message }) => new GraphQLError(`public: ${message}`)),
      ...rest,
    }),
  });
  return {
    execute: (query: string, variables?: ExecutionArgs['variableValues'], operationName?: string) =>
      executeDirectly(
        { query, variables: variables ?? undefined, operationName, mediaType: 'application/json' },
        // The resolvers of this schema read nothing from the context.
        {} as GraphQLContext,
      ),
    hooks,
    counted: () => counted,
  };
}

const data = (result: Awaited<ReturnType<ReturnType<typeof setUp>['execute']>>): unknown =>
  JSON.parse(JSON.stringify(result));

describe('direct execution', () => {
  it('parses and validates a document through the plugins once', async () => {
    const { execute, hooks } = setUp();
    for (let run = 0; run < 3; run += 1) expect(data(await execute('{ a }'))).toEqual({ data: { a: null } });
    expect(hooks).toEqual(['parse', 'validate']);
  });

  it('executes an operation once each time', async () => {
    const { execute, counted } = setUp();
    for (let run = 1; run <= 4; run += 1)
      expect(data(await execute('mutation { count }'))).toEqual({ data: { count: run } });
    expect(counted()).toBe(4);
  });

  it('makes the errors of a result public', async () => {
    const { execute } = setUp();
    expect(await execute('query ($v: Boolean!) { a @include(if: $v) }')).toEqual({
      errors: [expect.objectContaining({ message: expect.stringMatching(/^public: Variable "\$v"/) })],
    });
  });

  it('does not let one operation of a document change another', async () => {
    const { execute } = setUp();
    const query = 'query A($x: Boolean!) { ...F @include(if: $x) } query B { ...F } fragment F on Query { __typename }';
    const typename = { data: { __typename: 'Query' } };
    for (let run = 0; run < 4; run += 1) {
      expect(data(await execute(query, { x: false }, 'A'))).toEqual({ data: {} });
      expect(data(await execute(query, undefined, 'B'))).toEqual(typename);
      expect(data(await execute(query, { x: true }, 'A'))).toEqual(typename);
    }
  });

  it.each([
    ['a text that is not a document', '{'],
    ['an invalid document', '{ b }'],
    ['a subscription', 'subscription { a }'],
    ['a document with two operations, without a name', 'query A { a } query B { a }'],
  ])('leaves %s to Yoga, and executes nothing', async (_, query) => {
    const { execute, hooks } = setUp();
    expect(await execute(query)).toBeUndefined();
    expect(hooks).not.toContain('execute');
  });
});
