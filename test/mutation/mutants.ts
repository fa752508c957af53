import { type Node, type Program, parseSync } from 'oxc-parser';

/** One change to the text of one source file. */
export interface Mutant {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly kind: string;
}

const BINARY: Readonly<Record<string, string>> = {
  '===': '!==',
  '!==': '===',
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
  '-': '+',
  '*': '/',
  '/': '*',
};
const LOGICAL: Readonly<Record<string, string>> = { '&&': '||', '||': '&&' };
/** Larger numbers are sizes and times, where a small change is equivalent. */
const LARGEST_NUMBER = 10;

/** Finds the mutants of a TypeScript source. Types, imports and messages are not changed. */
export function findMutants(file: string, source: string): Mutant[] {
  const found: Mutant[] = [];
  const textOf = (node: Node): string => source.slice(node.start, node.end);
  const add = ({ start, end }: Node, kind: string, text: string): void => void found.push({ start, end, kind, text });

  const visit = (node: Node | Program): void => {
    if (node.type === 'BinaryExpression') {
      const operator = BINARY[node.operator];
      if (operator !== undefined) add(node, 'operator', `${textOf(node.left)} ${operator} ${textOf(node.right)}`);
    } else if (node.type === 'LogicalExpression') {
      const operator = LOGICAL[node.operator];
      const changed = operator === undefined ? '' : ` ${operator} ${textOf(node.right)}`;
      add(node, 'logical operator', `(${textOf(node.left)}${changed})`);
    } else if (node.type === 'IfStatement' || node.type === 'ConditionalExpression') {
      add(node.test, 'negated condition', `!(${textOf(node.test)})`);
    } else if (node.type === 'UnaryExpression' && node.operator === '!') {
      add(node, 'removed negation', textOf(node.argument));
    } else if (node.type === 'AwaitExpression') {
      add(node, 'removed await', `(${textOf(node.argument)})`);
    } else if (node.type === 'ExpressionStatement' && !('directive' in node && node.directive !== null)) {
      add(node, 'removed statement', ';');
    } else if (node.type === 'Literal') {
      if (typeof node.value === 'boolean') add(node, 'literal', String(!node.value));
      else if (typeof node.value === 'number' && node.value <= LARGEST_NUMBER)
        add(node, 'literal', String(node.value + 1));
      else if (typeof node.value === 'string' && /^\w+$/.test(node.value)) add(node, 'literal', "''");
    }
    for (const [key, value] of Object.entries(node)) {
      if (isName(node, key)) continue;
      for (const child of Array.isArray(value) ? value : [value]) if (isCode(child)) visit(child);
    }
  };
  visit(parseSync(file, source).program);
  return found;
}

/** Object keys and module specifiers. */
const isName = (node: Node | Program, key: string): boolean =>
  (key === 'key' && 'computed' in node && !node.computed) ||
  key === 'source' ||
  (key === 'property' && 'computed' in node && !node.computed);

/** Of TypeScript's own nodes, only those that wrap an expression exist at run time. */
const WRAPPERS: ReadonlySet<string> = new Set(['TSAsExpression', 'TSSatisfiesExpression', 'TSNonNullExpression']);

function isCode(value: unknown): value is Node {
  if (typeof value !== 'object' || value === null || !('type' in value) || typeof value.type !== 'string') return false;
  return value.type !== 'ImportDeclaration' && (!value.type.startsWith('TS') || WRAPPERS.has(value.type));
}

/** The source with one mutant in it. */
export function apply(source: string, { start, end, text }: Pick<Mutant, 'start' | 'end' | 'text'>): string {
  return source.slice(0, start) + text + source.slice(end);
}

/** The source with a call to `__reached` before each place that a mutant changes. */
export function instrument(file: string, source: string): string {
  const places = new Map(findMutants(file, source).map((mutant) => [`${mutant.start}-${mutant.end}`, mutant]));
  const insertions = [...places].flatMap(([place, { start, end, kind }]) => {
    const call = `__reached(${JSON.stringify(`${file}:${place}`)})`;
    // Between two insertions at one offset, the wider expression is the outer one.
    return kind === 'removed statement'
      ? [
          { at: start, order: -end, text: `{${call};` },
          { at: end, order: Infinity, text: '}' },
        ]
      : [
          { at: start, order: -end, text: `(${call},` },
          { at: end, order: -start, text: ')' },
        ];
  });
  insertions.sort((a, b) => a.at - b.at || a.order - b.order);
  let result = '';
  let from = 0;
  for (const { at, text } of insertions) {
    result += source.slice(from, at) + text;
    from = at;
  }
  return result + source.slice(from);
}
