import util, { parseArgs } from 'node:util';

/** An option of a command, which takes a value. */
interface CommandOption {
  /** What stands for the value in the help. */
  readonly value: string;
  readonly description: string;
}

export interface Command {
  /** Names of the arguments, all required. */
  readonly positionals?: readonly string[];
  readonly options?: Readonly<Record<string, CommandOption>>;
  /** More lines for the help. */
  readonly details?: string;
  /**
   * Resolves to the exit code where the command ends by itself.
   * @throws UsageError, StartError
   */
  run(args: CommandArgs): Promise<number | undefined>;
}

export interface CommandArgs {
  readonly positionals: readonly string[];
  readonly options: Readonly<Record<string, string | undefined>>;
}

/** Thrown for a command line that is not valid; the exit code is 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** @throws UsageError */
export function readArgs(
  { positionals: names = [], options = {} }: Command,
  args: readonly string[],
): CommandArgs | 'help' {
  const known = Object.fromEntries(Object.keys(options).map((name) => [name, { type: 'string' as const }]));
  const { positionals, values } = parse([...args], { ...known, help: { type: 'boolean' as const, short: 'h' } });
  if (values['help'] === true) return 'help';
  const missing = names[positionals.length];
  if (missing !== undefined) throw new UsageError(`${missing} is missing`);
  const [unexpected] = positionals.slice(names.length);
  if (unexpected !== undefined) throw new UsageError(`unexpected argument "${unexpected}"`);
  const given = Object.entries(values).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return { positionals, options: Object.fromEntries(given) };
}

function parse(args: string[], options: Record<string, { type: 'string' | 'boolean'; short?: string }>) {
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    // The first sentence says what is wrong.
    const [message = ''] = String(error instanceof Error ? error.message : error).split('. ', 1);
    const [, unknown = ''] = /^Unknown option '(--[^']+)'/.exec(message) ?? [];
    const names = Object.keys(options).map((name) => `--${name}`);
    throw new UsageError(message + didYouMean(unknown, names), { cause: error });
  }
}

/** Characters, inserted or removed, by which a mistyped name differs at most. */
const MAX_TYPOS = 2;

/** `; did you mean "start"?`, or nothing where no name is close. */
export function didYouMean(given: string, names: readonly string[]): string {
  // As a property: an older Node, which has no such function, still gets as far as to say that it is too old.
  const typos = (name: string): number => util.diff(given.slice(0, 50), name).filter(([kind]) => kind !== 0).length;
  const [nearest] = names.filter((name) => typos(name) <= MAX_TYPOS).toSorted((a, b) => typos(a) - typos(b));
  return nearest === undefined ? '' : `; did you mean "${nearest}"?`;
}

export function renderHelp(
  name: string,
  summary: string,
  { positionals = [], options = {}, details }: Command,
): string {
  const rows = [
    ...Object.entries(options).map(
      ([option, { value, description }]) => [`--${option} ${value}`, description] as const,
    ),
    ['-h, --help', 'show this help'] as const,
  ];
  return [
    summary,
    '',
    `Usage: accepted ${[name, ...positionals, '[options]'].join(' ')}`,
    '',
    ...toTable(rows),
    ...(details === undefined ? [] : ['', details]),
    '',
  ].join('\n');
}

/** Two columns. */
export function toTable(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
