import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  Kind,
  SchemaMetaFieldDef,
  type SelectionNode,
  type SelectionSetNode,
  TypeMetaFieldDef,
  getIntrospectionQuery,
  getNamedType,
  getNullableType,
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isListType,
  isObjectType,
  parse,
} from 'graphql';
import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE } from '../../core/service/list-page.ts';

/** The assumed length of a list without a page size, unless its schema allows fewer items. */
const ASSUMED_LENGTH = 50;

/** The size of a document's largest operation or fragment. */
export interface Measure {
  /** How deep fields are nested. */
  readonly depth: number;
  /** Fields, spreads and inline fragments, with each fragment counted wherever it is spread. */
  readonly selections: number;
  /** How many values the reply may have: one for each field, times the lengths of the lists around it. */
  readonly cost: number;
  /** The same for the values that introspection adds. */
  readonly introspection: number;
}

const NOTHING: Measure = { depth: 0, selections: 0, cost: 0, introspection: 0 };

/** Measures a document, which may be invalid, in time linear in its length. */
export type MeasureDocument = (document: DocumentNode) => Measure;

export function createMeasure(schema: GraphQLSchema): MeasureDocument {
  const lengths = introspectionLengths(schema);
  return ({ definitions }) => {
    const measurer = new Measurer(schema, lengths, definitions);
    let largest = NOTHING;
    for (const node of definitions) {
      // Validation walks fragments too, whether or not an operation uses them.
      if (node.kind === Kind.FRAGMENT_DEFINITION) largest = maximum(largest, measurer.ofFragment(node.name.value));
      if (node.kind === Kind.OPERATION_DEFINITION)
        largest = maximum(largest, measurer.ofSet(node.selectionSet, schema.getRootType(node.operation) ?? undefined));
    }
    return largest;
  };
}

/** What the largest introspection query that tools send reads of this schema. */
export function measureIntrospection(measure: MeasureDocument): number {
  const options = { specifiedByUrl: true, directiveIsRepeatable: true, schemaDescription: true, oneOf: true };
  return measure(parse(getIntrospectionQuery({ ...options, inputValueDeprecation: true }))).introspection;
}

function maximum(a: Measure, b: Measure): Measure {
  return {
    depth: Math.max(a.depth, b.depth),
    selections: Math.max(a.selections, b.selections),
    cost: Math.max(a.cost, b.cost),
    introspection: Math.max(a.introspection, b.introspection),
  };
}

/** What surrounds a selection, and determines its measure together with the selection itself. */
interface Place {
  readonly type: GraphQLNamedType | undefined;
  /** The length of lists directly inside a paged field. */
  readonly page: number | undefined;
}

class Measurer {
  readonly #schema: GraphQLSchema;
  readonly #lengths: ReadonlyMap<string, number>;
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  /** By the fragment's name and the page around its spread. */
  readonly #measured = new Map<string, Measure>();

  constructor(schema: GraphQLSchema, lengths: ReadonlyMap<string, number>, definitions: DocumentNode['definitions']) {
    this.#schema = schema;
    this.#lengths = lengths;
    this.#fragments = new Map(
      definitions.flatMap((node) => (node.kind === Kind.FRAGMENT_DEFINITION ? [[node.name.value, node]] : [])),
    );
  }

  ofSet(set: SelectionSetNode | undefined, type: Place['type'], page?: number): Measure {
    let { depth, selections, cost, introspection } = NOTHING;
    for (const selection of set?.selections ?? []) {
      const part = this.#ofSelection(selection, { type, page });
      depth = Math.max(depth, part.depth);
      selections += 1 + part.selections;
      cost += part.cost;
      introspection += part.introspection;
    }
    return { depth, selections, cost, introspection };
  }

  ofFragment(name: string, page?: number): Measure {
    const key = `${page ?? ''} ${name}`;
    const fragment = this.#fragments.get(name);
    const earlier = this.#measured.get(key);
    if (earlier !== undefined || fragment === undefined) return earlier ?? NOTHING;
    // Ends the recursion of a fragment that spreads itself; validation refuses the document later.
    this.#measured.set(key, NOTHING);
    const measure = this.ofSet(fragment.selectionSet, this.#schema.getType(fragment.typeCondition.name.value), page);
    this.#measured.set(key, measure);
    return measure;
  }

  #ofSelection(node: SelectionNode, place: Place): Measure {
    switch (node.kind) {
      case Kind.FIELD:
        return this.#ofField(node, place);
      case Kind.INLINE_FRAGMENT: {
        const condition = node.typeCondition && this.#schema.getType(node.typeCondition.name.value);
        return this.ofSet(node.selectionSet, condition ?? place.type, place.page);
      }
      case Kind.FRAGMENT_SPREAD:
        return this.ofFragment(node.name.value, place.page);
    }
  }

  #ofField(node: FieldNode, { type, page }: Place): Measure {
    const field = fieldOf(type, node.name.value);
    const inner = this.ofSet(node.selectionSet, field && getNamedType(field.type), field && pageSizeOf(node, field));
    const isList = field !== undefined && isListType(getNullableType(field.type));
    const isIntrospection = type !== undefined && isIntrospectionType(type);
    const length = isIntrospection ? (this.#lengths.get(node.name.value) ?? 1) : (page ?? lengthOf(field));
    const times = isList ? length : 1;
    return {
      depth: inner.depth + 1,
      selections: inner.selections,
      cost: (isIntrospection ? 0 : 1) + inner.cost * times,
      introspection: (isIntrospection ? 1 : 0) + inner.introspection * times,
    };
  }
}

function fieldOf(type: Place['type'], name: string): GraphQLField<unknown, unknown> | undefined {
  if (name === SchemaMetaFieldDef.name) return SchemaMetaFieldDef;
  if (name === TypeMetaFieldDef.name) return TypeMetaFieldDef;
  return isObjectType(type) || isInterfaceType(type) ? type.getFields()[name] : undefined;
}

function lengthOf(field: GraphQLField<unknown, unknown> | undefined): number {
  const maxItems = field?.extensions['maxItems'];
  return typeof maxItems === 'number' ? Math.min(maxItems, ASSUMED_LENGTH) : ASSUMED_LENGTH;
}

/** Returns how long the lists directly inside a paged field are; undefined for a field without pages. */
function pageSizeOf(node: FieldNode, { args }: GraphQLField<unknown, unknown>): number | undefined {
  if (!args.some(({ name }) => name === 'first')) return undefined;
  const first = node.arguments?.find(({ name }) => name.value === 'first')?.value;
  if (first === undefined) return DEFAULT_PAGE_SIZE;
  // A page size out of bounds is refused only when the field is resolved, after everything else has been done with the document.
  return first.kind === Kind.INT ? Math.min(Math.max(Number(first.value), 1), MAX_PAGE_SIZE) : MAX_PAGE_SIZE;
}

function longest(lists: readonly (readonly unknown[])[]): number {
  return Math.max(1, ...lists.map(({ length }) => length));
}

/** The greatest length of each list of the introspection types, by its field's name. */
function introspectionLengths(schema: GraphQLSchema): ReadonlyMap<string, number> {
  const types = Object.values(schema.getTypeMap());
  const composite = types.filter((type) => isObjectType(type) || isInterfaceType(type));
  const fields = composite.map((type) => Object.values(type.getFields()));
  const directives = schema.getDirectives();
  return new Map([
    ['types', types.length],
    ['directives', directives.length],
    ['locations', longest(directives.map(({ locations }) => locations))],
    ['fields', longest(fields)],
    ['args', longest([...fields.flat(), ...directives].map(({ args }) => args))],
    ['interfaces', longest(composite.map((type) => type.getInterfaces()))],
    [
      'possibleTypes',
      longest(types.filter((type) => isAbstractType(type)).map((type) => schema.getPossibleTypes(type))),
    ],
    ['enumValues', longest(types.filter((type) => isEnumType(type)).map((type) => type.getValues()))],
    [
      'inputFields',
      longest(types.filter((type) => isInputObjectType(type)).map((type) => Object.values(type.getFields()))),
    ],
  ]);
}
