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

/** The assumed length of a list without a page size. */
const ASSUMED_LENGTH = 50;

/** The size of an operation. */
export interface Measure {
  /** How deep fields are nested. */
  readonly depth: number;
  /** How many values the reply may have: one for each field, times the lengths of the lists around it. */
  readonly cost: number;
}

const NOTHING: Measure = { depth: 0, cost: 0 };

/** Measures each operation of a document, which may be invalid, in time linear in the document's length. */
export function measureOperations(schema: GraphQLSchema, { definitions }: DocumentNode): Measure[] {
  const fragments = new Map(
    definitions.flatMap((node) => (node.kind === Kind.FRAGMENT_DEFINITION ? [[node.name.value, node]] : [])),
  );
  /** By the fragment's name and the size of the page around its spread, which both determine its cost. */
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
    // Introspection is bounded by the schema, and a validation rule refuses introspection in circles.
    const isList = known && !isIntrospectionType(type) && isListType(getNullableType(field?.type));
    return { depth: depth + 1, cost: 1 + cost * (isList ? (page ?? ASSUMED_LENGTH) : 1) };
  }

  function ofFragment(name: string, page?: number): Measure {
    const key = `${page ?? ''} ${name}`;
    const fragment = fragments.get(name);
    const earlier = measured.get(key);
    if (earlier !== undefined || fragment === undefined) return earlier ?? NOTHING;
    // Ends the recursion of a fragment that spreads itself; validation refuses the document later.
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

/** Returns how long the lists directly inside a paged field are; undefined for a field without pages. */
function pageSizeOf(node: FieldNode, { args }: GraphQLField<unknown, unknown>): number | undefined {
  if (!args.some(({ name }) => name === 'first')) return undefined;
  const first = node.arguments?.find(({ name }) => name.value === 'first')?.value;
  if (first === undefined) return DEFAULT_PAGE_SIZE;
  return first.kind === Kind.INT ? Math.min(Number(first.value), MAX_PAGE_SIZE) : MAX_PAGE_SIZE;
}
