/** Who sends a request. Each caller sees the jobs that it submitted, and no others. */
export interface Caller {
  readonly id: string;
}

/** Everybody who has not said who they are. */
export const ANONYMOUS: Caller = { id: 'anonymous' };
