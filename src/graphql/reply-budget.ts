import { type FragmentDefinitionNode, type GraphQLResolveInfo, Kind, type SelectionNode } from 'graphql';
import { ServiceError } from '../core/errors.ts';
import type { JobPage } from '../core/service/service.ts';

/** Values in the lists and in the JSON of a reply. The largest input and the largest result of a job have fewer together. */
const MAX_VALUES = 100_000;
/** Characters of the inputs, and of the results of lists, that a reply reads; some more than two of the largest. */
const MAX_CHARACTERS = 4_000_000;

/**
 * What one reply may still take of what is stored. The limits of its document assume lengths of lists; here the real ones count, while they
 * are read.
 */
export class ReplyBudget {
  #values = MAX_VALUES;
  #characters = MAX_CHARACTERS;
  #lastRead: Promise<void> | undefined;

  /**
   * Takes a list's items, before any of them is looked at.
   * @throws ServiceError `malformed-request` when there is nothing left
   */
  takeItems(items: readonly unknown[], info: GraphQLResolveInfo): void {
    this.#takeValues(items.length * fieldsBelow(info));
  }

  /**
   * Takes a JSON value, with all values inside.
   * @throws ServiceError `malformed-request` when there is nothing left
   */
  takeJson(value: unknown): void {
    const inside = [value];
    // The array grows during the iteration, which ends with the budget: no recursion.
    for (const each of inside) {
      this.#takeValues(1);
      if (typeof each === 'object' && each !== null) for (const item of Object.values(each)) inside.push(item);
    }
  }

  #takeValues(count: number): void {
    this.#values -= count;
    if (this.#values < 0) throw tooLarge(`${MAX_VALUES.toLocaleString('en')} values in its lists and its JSON`);
  }

  /** Each event of a subscription is a reply of its own. */
  renew(): void {
    this.#values = MAX_VALUES;
    this.#characters = MAX_CHARACTERS;
  }

  /** @throws ServiceError `malformed-request` when there is nothing left */
  readInput(read: () => Promise<unknown>): Promise<unknown> {
    return this.#read(read, charactersOf);
  }

  /** @throws ServiceError `malformed-request` when there is nothing left */
  readPage(read: () => Promise<JobPage>): Promise<JobPage> {
    return this.#read(read, ({ resultCharacters }) => resultCharacters);
  }

  /** Reads one after the other: it is known only afterwards how large each is. */
  async #read<Value>(read: () => Promise<Value>, sizeOf: (value: Value) => number): Promise<Value> {
    const before = this.#lastRead;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#lastRead = promise;
    try {
      await before;
      if (this.#characters < 0)
        throw tooLarge(`${MAX_CHARACTERS.toLocaleString('en')} characters of inputs and results`);
      const value = await read();
      this.#characters -= sizeOf(value);
      return value;
    } finally {
      resolve();
    }
  }
}

function tooLarge(of: string): ServiceError {
  return new ServiceError(
    'malformed-request',
    `The reply has more than ${of}. Ask for smaller pages or for fewer fields.`,
  );
}

/** By the first node of the field, which belongs to one document. */
const known = new WeakMap<SelectionNode, number>();

/** How many fields a document selects below one; at least 1. */
function fieldsBelow({ fieldNodes, fragments }: GraphQLResolveInfo): number {
  const [first] = fieldNodes;
  const earlier = first && known.get(first);
  if (earlier !== undefined) return earlier;
  const count = Math.max(1, countFields(fieldNodes, fragments) - fieldNodes.length);
  if (first !== undefined) known.set(first, count);
  return count;
}

function countFields(
  nodes: readonly SelectionNode[],
  fragments: Readonly<Record<string, FragmentDefinitionNode | undefined>>,
): number {
  let count = 0;
  for (const node of nodes) {
    const set = node.kind === Kind.FRAGMENT_SPREAD ? fragments[node.name.value]?.selectionSet : node.selectionSet;
    count += (node.kind === Kind.FIELD ? 1 : 0) + countFields(set?.selections ?? [], fragments);
  }
  return count;
}

/** About the length of a value's JSON. */
function charactersOf(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 4;
  let characters = 2;
  for (const [name, item] of Object.entries(value)) characters += name.length + 2 + charactersOf(item);
  return characters;
}
