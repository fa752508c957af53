import {
  type DocumentNode,
  type FieldNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
  getNamedType,
  getNullableType,
  isInterfaceType,
  isIntrospectionType,
  isListType,
  isObjectType,
} from 'graphql';
import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE } from '../../core/service/list-page.ts';

/** A list whose length nobody knows before it is read is taken to be as long as this. */
const ASSUMED_LENGTH = 50;

/** What an operation asks for. */
export interface Measure {
  /** Fields inside fields. */
  readonly depth: number;
  /** How many values its reply may have: each field one, as often as the lists it is in are long. */
  readonly cost: number;
}

const NOTHING: Measure = { depth: 0, cost: 0 };

/** Measures each operation of a document that need not be valid, in time linear in its length. */
export function measureOperations(schema: GraphQLSchema, { definitions }: DocumentNode): Measure[] {
  const fragments = new Map(
    definitions.flatMap((node) => (node.kind === Kind.FRAGMENT_DEFINITION ? [[node.name.value, node]] : [])),
  );
  /** By name, and by the page that they are spread in. */
  const measured = new Map<string, Measure>();

  function ofSet(set: SelectionSetNode | undefined, type: GraphQLNamedType | undefined, page?: number): Measure {
    let { depth, cost } = NOTHING;
    for (const selection of set?.selections ?? []) {
      const part = ofSelection(selection, type, page);
      depth = Math.max(depth, part.depth);
      cost += part.cost;
    }
    return { depth, cost };
  }

  function ofSelection(node: SelectionNode, type: GraphQLNamedType | undefined, page?: number): Measure {
    switch (node.kind) {
      case Kind.FIELD:
        return ofField(node, type, page);
      case Kind.INLINE_FRAGMENT: {
        const condition = node.typeCondition && schema.getType(node.typeCondition.name.value);
        return ofSet(node.selectionSet, condition ?? type, page);
      }
      case Kind.FRAGMENT_SPREAD:
        return ofFragment(node.name.value, page);
    }
  }

  function ofField(node: FieldNode, type: GraphQLNamedType | undefined, page?: number): Measure {
    const known = isObjectType(type) || isInterfaceType(type);
    const field = known ? type.getFields()[node.name.value] : undefined;
    const { depth, cost } = ofSet(
      node.selectionSet,
      field && getNamedType(field.type),
      field && pageSizeOf(node, field),
    );
    // The schema is as long as it is, and GraphQL's own rules keep a query from going round in it.
    const isList = known && !isIntrospectionType(type) && isListType(getNullableType(field?.type));
    return { depth: depth + 1, cost: 1 + cost * (isList ? (page ?? ASSUMED_LENGTH) : 1) };
  }

  function ofFragment(name: string, page?: number): Measure {
    const key = `${page ?? ''} ${name}`;
    const fragment = fragments.get(name);
    const earlier = measured.get(key);
    if (earlier !== undefined || fragment === undefined) return earlier ?? NOTHING;
    // One that spreads itself is refused by validation, which comes later.
    measured.set(key, NOTHING);
    const measure = ofSet(fragment.selectionSet, schema.getType(fragment.typeCondition.name.value), page);
    measured.set(key, measure);
    return measure;
  }

  return definitions.flatMap((node) =>
    node.kind === Kind.OPERATION_DEFINITION
      ? [ofSet(node.selectionSet, schema.getRootType(node.operation) ?? undefined)]
      : [],
  );
}

/** How long the lists right inside a field are that gives a page of them; undefined if it gives none. */
function pageSizeOf(node: FieldNode, { args }: GraphQLField<unknown, unknown>): number | undefined {
  if (!args.some(({ name }) => name === 'first')) return undefined;
  const first = node.arguments?.find(({ name }) => name.value === 'first')?.value;
  if (first === undefined) return DEFAULT_PAGE_SIZE;
  return first.kind === Kind.INT ? Math.min(Number(first.value), MAX_PAGE_SIZE) : MAX_PAGE_SIZE;
}
