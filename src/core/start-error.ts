/** An error that prevents the process from starting. Its message is printed, one line for each problem, and the exit code is 1. */
export class StartError extends Error {
  override readonly name = 'StartError';

  /** @param problems one, or several that are to be mended together */
  constructor(problems: string | readonly string[], options?: ErrorOptions) {
    super((typeof problems === 'string' ? [problems] : problems).map(toLine).join('\n'), options);
  }
}

function toLine(problem: string): string {
  return problem.replaceAll(/\s*\n\s*/g, ' ');
}
