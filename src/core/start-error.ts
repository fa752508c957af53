/** Something that is wrong before the first request is served: the process prints the message as one line and exits with 1. */
export class StartError extends Error {
  override readonly name = 'StartError';
}
