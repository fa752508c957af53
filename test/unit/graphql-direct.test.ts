import { GraphQLError, buildSchema, type ExecutionArgs } from 'graphql';
import { type Plugin, createYoga } from 'graphql-yoga';
import { describe, expect, it } from 'vitest';
import type { GraphQLContext } from '../../src/graphql/builder.ts';
import { createDirectExecution } from '../../src/graphql/fast-path/direct-execution.ts';
import { createDocumentCache } from '../../src/graphql/fast-path/document-cache.ts';
import { useCompiledExecution } from '../../src/graphql/plugins/use-compiled-execution.ts';

/** A Yoga of its own, the hooks of a plugin that it ran, and the functions that it executed operations by. */
function setUp() {
  const schema = buildSchema('type Query { a: Int } type Mutation { count: Int } type Subscription { a: Int }');
  const hooks: string[] = [];
  const executors = new Set<unknown>();
  let counted = 0;
  const field = schema.getMutationType()?.getFields()['count'];
  if (field === undefined) throw new Error('there is no such field');
  field.resolve = () => (counted += 1);
  const plugin: Plugin = {
    onParse: () => void hooks.push('parse'),
    onValidate: () => void hooks.push('validate'),
    onContextBuilding: () => void hooks.push('context'),
    onExecute({ executeFn }) {
      hooks.push('execute');
      executors.add(executeFn);
      return { onExecuteDone: () => void hooks.push('done') };
    },
  };
  const documentCache = createDocumentCache();
  const yoga = createYoga<GraphQLContext>({
    schema,
    parserAndValidationCache: { documentCache },
    plugins: [useCompiledExecution(), plugin],
  });
  const maskError = (error: unknown) => new GraphQLError(String(error));
  const executeDirectly = createDirectExecution({ yoga, schema, documentCache, maskError });
  return {
    // Nothing of it is asked for here.
    execute: (query: string, variables?: ExecutionArgs['variableValues']) =>
      executeDirectly(
        { query, variables: variables ?? undefined, operationName: undefined, mediaType: 'application/json' },
        {} as GraphQLContext,
      ),
    hooks,
    executors,
    counted: () => counted,
  };
}

describe('an operation that is executed directly', () => {
  it('goes through the plugins: of what its document is once, and of its execution each time', async () => {
    const { execute, hooks } = setUp();
    expect(await execute('{ a }')).toEqual({ data: { a: null } });
    expect(hooks).toEqual(['parse', 'validate', 'context', 'execute', 'done']);
    await execute('{ a }');
    expect(hooks.slice(5)).toEqual(['context', 'execute', 'done']);
  });

  it('is compiled when it comes a third time, and executed once each time', async () => {
    const { execute, executors, counted } = setUp();
    const sizes: number[] = [];
    for (let run = 1; run <= 4; run += 1) {
      expect(await execute('mutation { count }')).toEqual({ data: { count: run } });
      sizes.push(executors.size);
    }
    // One function for the first two, and one made for the operation after that.
    expect(sizes).toEqual([1, 1, 2, 3]);
    expect(counted()).toBe(4);
  });

  it.each([
    ['is no document', '{'],
    ['is not valid', '{ b }'],
    ['is a subscription', 'subscription { a }'],
    ['has two operations and no name', 'query A { a } query B { a }'],
  ])('is none that %s, and then nothing is executed', async (_, query) => {
    const { execute, hooks } = setUp();
    expect(await execute(query)).toBeUndefined();
    expect(hooks).not.toContain('execute');
  });
});
