export interface KnownMutant {
  /** What the change breaks. */
  readonly name: string;
  readonly file: string;
  /** Text that occurs once in the file. */
  readonly search: string;
  readonly replacement: string;
  /** Test files of which at least one must fail. */
  readonly tests: readonly string[];
}

export const KNOWN_MUTANTS: readonly KnownMutant[] = [];
