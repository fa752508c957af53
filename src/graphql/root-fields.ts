import {
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';

/** A field of an operation's root, and the directives that decide whether it is executed. */
export interface RootField {
  readonly node: FieldNode;
  readonly conditions: readonly DirectiveNode[];
}

type Fragments = Readonly<Record<string, FragmentDefinitionNode | undefined>>;

/** A document is executed again and again. Its entries are collected with it. */
const known = new WeakMap<OperationDefinitionNode, readonly RootField[]>();

/** The fields at the root of an operation, with those of its fragments, whose number is bounded with that of all selections. */
export function rootFieldsOf(operation: OperationDefinitionNode, fragments: () => Fragments): readonly RootField[] {
  const earlier = known.get(operation);
  if (earlier !== undefined) return earlier;
  const found: RootField[] = [];
  collect(operation.selectionSet, fragments(), [], new Set(), found);
  known.set(operation, found);
  return found;
}

function collect(
  { selections }: SelectionSetNode,
  fragments: Fragments,
  around: readonly DirectiveNode[],
  within: ReadonlySet<string>,
  found: RootField[],
): void {
  for (const node of selections) {
    const conditions = [...around, ...(node.directives ?? [])];
    if (node.kind === Kind.FIELD) found.push({ node, conditions });
    else if (node.kind === Kind.INLINE_FRAGMENT) collect(node.selectionSet, fragments, conditions, within, found);
    else {
      const name = node.name.value;
      const fragment = Object.hasOwn(fragments, name) ? fragments[name] : undefined;
      // Validation refuses a fragment that spreads itself.
      if (fragment === undefined || within.has(name)) continue;
      collect(fragment.selectionSet, fragments, conditions, new Set([...within, name]), found);
    }
  }
}

export function fragmentsOf({ definitions }: DocumentNode): Fragments {
  return Object.fromEntries(
    definitions.flatMap((node) => (node.kind === Kind.FRAGMENT_DEFINITION ? [[node.name.value, node]] : [])),
  );
}

/** Whether a field is executed, as far as its conditions can be told before the variables are coerced. */
export function isExecuted(
  { conditions }: RootField,
  { variableDefinitions = [] }: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>> | undefined,
): boolean {
  return conditions.every(({ name, arguments: args = [] }) => {
    const value = args.find((argument) => argument.name.value === 'if')?.value;
    if (value === undefined || (name.value !== 'skip' && name.value !== 'include')) return true;
    const skipped = name.value === 'skip';
    if (value.kind === Kind.BOOLEAN) return value.value !== skipped;
    if (value.kind !== Kind.VARIABLE) return true;
    const variable = value.name.value;
    const fallback = variableDefinitions.find((each) => each.variable.name.value === variable)?.defaultValue;
    const given = variables !== undefined && Object.hasOwn(variables, variable) ? variables[variable] : undefined;
    const condition = given ?? (fallback?.kind === Kind.BOOLEAN ? fallback.value : undefined);
    return condition !== skipped;
  });
}
