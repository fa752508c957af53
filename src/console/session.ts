/** What the routes of `api.ts` send to the page. */

/** What the page begins with. */
export interface Session {
  /** Undefined on a server without authentication. */
  readonly caller?: string;
  /** What the caller may do: `submit`, `read`, `admin`. */
  readonly scopes: readonly string[];
  readonly jobTypes: readonly SubmittableType[];
  /** The form of what a submission may say beside its input (JSON Schema, draft 2020-12). */
  readonly options: object;
  /** The other pages that this server has. */
  readonly graphiql: boolean;
  readonly docs: boolean;
}

export interface SubmittableType {
  readonly name: string;
  readonly description: string;
  /** The form of its input (JSON Schema, draft 2020-12). */
  readonly schema: object;
}

/** Where errors say that an option is. Names of an input's fields have no hyphens. */
export const OPTIONS = 'job-options';

/** The body of a submission. */
export interface ConsoleSubmission {
  readonly input: unknown;
  readonly [OPTIONS]?: unknown;
}

/** Where the page sends a file, and how. */
export interface Upload {
  readonly id: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A job's input, and its result once it has succeeded. */
export interface JobData {
  readonly input: unknown;
  readonly result?: unknown;
}
