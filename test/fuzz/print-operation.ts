/** An argument's value, and whether it is in the document or in a variable. */
export interface Argument {
  readonly name: string;
  readonly type: string;
  readonly value: unknown;
  readonly literal: string;
  readonly asVariable: boolean;
}

export type Selection =
  | {
      readonly kind: 'field';
      readonly name: string;
      readonly isLeaf: boolean;
      readonly aliased: boolean;
      readonly included: boolean;
      readonly arguments: readonly Argument[];
      readonly selections: readonly Selection[];
    }
  | {
      readonly kind: 'fragment';
      readonly on: string;
      readonly named: boolean;
      readonly selections: readonly Selection[];
    };

/** A document with its variables. */
export interface Operation {
  readonly kind: 'query' | 'mutation' | 'subscription';
  readonly document: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** Prints selections as a document, and collects the variables and fragments that they use. */
export function printOperation(kind: Operation['kind'], selections: readonly Selection[]): Operation {
  const variables: Record<string, unknown> = {};
  const declared: string[] = [];
  const fragments: string[] = [];
  let names = 0;
  const next = (prefix: string): string => `${prefix}${(names += 1)}`;
  const declare = (type: string, value: unknown): string => {
    const name = next('v');
    declared.push(`$${name}: ${type}`);
    variables[name] = value;
    return `$${name}`;
  };
  const printAll = (all: readonly Selection[]): string => `{ ${all.map(printOne).join(' ')} }`;
  const printOne = (selection: Selection): string => {
    const inside = selection.selections.length > 0 ? printAll(selection.selections) : '';
    if (selection.kind === 'fragment') {
      if (!selection.named) return `... on ${selection.on} ${inside}`;
      const name = next('F');
      fragments.push(`fragment ${name} on ${selection.on} ${inside}`);
      return `...${name}`;
    }
    const given = selection.arguments.map(
      ({ name, type, value, literal, asVariable }) => `${name}: ${asVariable ? declare(type, value) : literal}`,
    );
    // Aliases avoid conflicts between fields that would be merged.
    const alias = selection.aliased || !selection.isLeaf ? `${next('a')}: ` : '';
    const directive = selection.included ? ` @include(if: ${declare('Boolean!', true)})` : '';
    return `${alias}${selection.name}${given.length > 0 ? `(${given.join(', ')})` : ''}${directive} ${inside}`;
  };
  const body = printAll(selections);
  const signature = declared.length > 0 ? ` Fuzz(${declared.join(', ')})` : '';
  return { kind, document: [`${kind}${signature} ${body}`, ...fragments].join('\n'), variables };
}
