import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CallExpression, type Expression, Visitor, parseSync } from 'oxc-parser';
import { expect, it } from 'vitest';

const PROJECT = join(import.meta.dirname, '../..');
const LEVELS = new Set(['debug', 'info', 'warn', 'error']);
/** They run in browsers, and log nothing. */
const SILENT = /^src\/(client|react|core\/ports)/;
/** Constants that stand for a message. */
const CONSTANTS: Readonly<Record<string, string>> = { AUDIT: 'audit' };

/** The texts that a message may be; a part that is computed is `…`. */
function textsOf(message: Expression, where: string): string[] {
  if (message.type === 'Literal' && typeof message.value === 'string') return [message.value];
  if (message.type === 'TemplateLiteral') return [message.quasis.map(({ value }) => value.cooked).join('…')];
  if (message.type === 'ConditionalExpression')
    return [...textsOf(message.consequent, where), ...textsOf(message.alternate, where)];
  const known = message.type === 'Identifier' ? CONSTANTS[message.name] : undefined;
  return known === undefined ? expect.fail(`${where}: a message that this test cannot read`) : [known];
}

/** `level message` of a call of a logger: a method named after a level, with fields and a message. */
function linesOf({ callee, arguments: [fields, message, ...more] }: CallExpression, where: string): string[] {
  if (callee.type !== 'MemberExpression' || fields === undefined || message === undefined || more.length > 0) return [];
  const { property } = callee;
  if (callee.computed) {
    const isLogger = callee.object.type === 'Identifier' && /log/i.test(callee.object.name);
    return isLogger ? expect.fail(`${where}: a level that is computed`) : [];
  }
  if (property.type !== 'Identifier' || !LEVELS.has(property.name)) return [];
  if (message.type === 'SpreadElement') return expect.fail(`${where}: a message that this test cannot read`);
  return textsOf(message, where).map((text) => `${property.name} ${text}`);
}

it('docs/logs.md has each line that the product writes, with its level', () => {
  const written = globSync('src/**/*.ts', { cwd: PROJECT })
    .filter((file) => !SILENT.test(file))
    .flatMap((file) => {
      const found: string[] = [];
      const { program } = parseSync(file, readFileSync(join(PROJECT, file), 'utf8'));
      new Visitor({ CallExpression: (call) => void found.push(...linesOf(call, file)) }).visit(program);
      return found;
    });
  const page = readFileSync(join(PROJECT, 'docs/logs.md'), 'utf8');
  const documented = [...page.matchAll(/^\| (\w+) +\| `([^`]+)` +\|/gm)].map(
    ([, level = '', text = '']) => `${level} ${text}`,
  );
  expect(written.length).toBeGreaterThan(40);
  expect([...new Set(documented)].toSorted()).toEqual([...new Set(written)].toSorted());
});
