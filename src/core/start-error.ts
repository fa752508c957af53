/** An error that prevents the process from starting. Each of its lines is printed as one, and the exit code is 1. */
export class StartError extends Error {
  override readonly name = 'StartError';
  /** One for each problem. */
  readonly lines: readonly string[];

  /** @param problems one, or several that are to be mended together */
  constructor(problems: string | readonly string[], options?: ErrorOptions) {
    const lines = [...new Set(typeof problems === 'string' ? [problems] : problems)].map(toLine);
    super(lines.join('\n'), options);
    this.lines = lines;
  }
}

function toLine(problem: string): string {
  return problem.replaceAll(/\s*\n\s*/g, ' ');
}

/**
 * Runs all steps.
 * @throws StartError with the problems of all of them
 */
export function collectStartErrors<Results extends readonly unknown[]>(
  ...steps: { readonly [Index in keyof Results]: () => Results[Index] }
): Results {
  const errors: StartError[] = [];
  const results = steps.map((step) => {
    try {
      return step();
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      errors.push(error);
      return undefined;
    }
  });
  if (errors.length > 0)
    throw new StartError(
      errors.flatMap(({ lines }) => lines),
      { cause: errors[0] },
    );
  // Each step has returned its result, because none has thrown.
  return results as unknown as Results;
}
