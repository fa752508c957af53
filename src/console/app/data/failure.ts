import { ProblemError } from '../../../client/errors.ts';

/** One error in an input. */
export interface FieldIssue {
  /** Field names and list indexes, joined as in `pathKey`. */
  readonly key: string;
  readonly message: string;
}

/** The key of a part of an input: a JSON Pointer, as the server writes it. */
export function pathKey(path: readonly (string | number)[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** What the server refused, in words for a reader. */
export class Failure extends Error {
  override readonly name = 'Failure';
  /** GraphQL's code, such as `NOT_FOUND`, or the name of a REST problem; empty for a server that cannot be reached. */
  readonly code: string;
  readonly issues: readonly FieldIssue[];

  constructor(code: string, message: string, issues: readonly FieldIssue[] = []) {
    super(message);
    this.code = code;
    this.issues = issues;
  }
}

/** For a request that got no reply. */
export function unreachable(cause: unknown): Failure {
  const late = cause instanceof DOMException && cause.name === 'TimeoutError';
  return new Failure('', late ? 'The server did not answer in time.' : 'The server cannot be reached.');
}

export function fromProblem(response: Response, text: string): Failure {
  const { problem, message, errors } = new ProblemError(response, text);
  const issues = errors.map(({ pointer, detail }) => ({ key: decodeURIComponent(pointer.slice(1)), message: detail }));
  return new Failure(problem ?? String(response.status), message, issues);
}

interface GraphQLErrorLike {
  readonly message: string;
  readonly extensions?: { readonly code?: string };
}

export function fromGraphQL({ message, extensions }: GraphQLErrorLike): Failure {
  return new Failure(extensions?.code ?? '', message);
}

export function toFailure(error: unknown): Failure {
  return error instanceof Failure ? error : new Failure('', error instanceof Error ? error.message : String(error));
}
