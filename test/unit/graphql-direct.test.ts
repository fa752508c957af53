import { type ExecutionArgs, GraphQLError, buildSchema, isUnionType } from 'graphql';
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

const data = (result: Awaited<ReturnType<ReturnType<typeof setUp>['execute']>>) => JSON.parse(JSON.stringify(result));

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
    ['a member', '{ u { ... on A { a } ... on B { __typename } } }', { u: { a: 1 } }],
    ['the name of the type', '{ u { __typename } }', { u: { __typename: 'A' } }],
    ['another member', '{ u(in: { b: {} }) { ... on A { a } ... on B { b } } }', { u: { b: 'x' } }],
    ['a list', '{ us { ... on B { b } __typename } }', { us: [{ __typename: 'A' }, { b: 'x', __typename: 'B' }] }],
    ['fragments', '{ u { ...F } } fragment F on U { ... on A { a } }', { u: { a: 1 } }],
    ['a value of no member', '{ none { __typename } }', { none: null }],
    ['two members', '{ u(in: { a: 1, b: {} }) { __typename } }', undefined],
  ])('gives the same answer as Yoga about a union: %s', async (_, query, expected) => {
    const schema = buildSchema(`
      type Query { u(in: In = { a: 1 }): U  us: [U!]!  none: U }
      union U = A | B
      type A { a: Int }
      type B { b: String }
      input In @oneOf { a: Int, b: Empty }
      input Empty { x: Int }
    `);
    const members = [{ a: 1 }, { b: 'x' }];
    const { u, us, none } = schema.getQueryType()?.getFields() ?? {};
    if (u === undefined || us === undefined || none === undefined) throw new Error('there is no such field');
    u.resolve = (_parent, args: { in: object }) => members['a' in args.in ? 0 : 1];
    us.resolve = () => members;
    none.resolve = () => ({});
    const union = schema.getType('U');
    if (!isUnionType(union)) throw new Error('there is no such union');
    union.resolveType = (value: object) => ('a' in value ? 'A' : 'b' in value ? 'B' : undefined);
    const documentCache = createDocumentCache();
    const yoga = createYoga<GraphQLContext>({ schema, parserAndValidationCache: { documentCache }, logging: false });
    const execute = createDirectExecution({
      yoga,
      schema,
      documentCache,
      checkAccess: () => undefined,
      toPublicResult: (_args, result) => result,
    });
    const byYoga = await yoga.fetch('http://localhost/graphql', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ query }),
    });
    const answer = await byYoga.json();
    expect(answer.data).toEqual(expected);
    const params = { query, variables: undefined, operationName: undefined, mediaType: 'application/json' };
    // The resolvers of this schema read nothing from the context.
    const direct = await execute(params, {} as GraphQLContext);
    // An invalid document is Yoga's.
    expect(direct === undefined ? undefined : data(direct).data).toEqual(expected);
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
