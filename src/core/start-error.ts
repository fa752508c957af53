/** An error that prevents the process from starting. Its message is printed as one line, and the exit code is 1. */
export class StartError extends Error {
  override readonly name = 'StartError';
}
