/*
 * Which fault is made on which backend, and why not on the others:
 *
 * | fault                     | Redis | PostgreSQL | embedded                                                                  |
 * | ------------------------- | ----- | ---------- | ------------------------------------------------------------------------- |
 * | worker killed             | yes   | yes        | it has one process: it is killed whole                                    |
 * | API killed                | yes   | yes        | the same                                                                  |
 * | rolling restart           | yes   | yes        | no two processes share it                                                 |
 * | process killed thrice     | -     | -          | yes                                                                       |
 * | store killed, store hangs | yes   | yes        | it is in the process: there is nothing to be away                         |
 * | connections               | yes   | yes        | there are none                                                            |
 * | master killed             | yes   | -          | with PostgreSQL one URL names one server, so a failover is the operator's |
 * | out of memory, snapshot   | yes   | -          | Redis' own troubles                                                       |
 * | disk full                 | -     | yes        | the disk is the process' own, and so is everything on it                  |
 * | worker's clock            | yes   | yes        | yes                                                                       |
 * | store's clock             | yes   | yes        | it is the worker's                                                        |
 */

/** How often each fault is made: the short form makes each once. */
const ROUNDS = Number(process.env['FAULT_ROUNDS'] ?? 1);

/** One case for each backend and round. */
export function rounds<const Backend extends string>(
  backends: readonly Backend[],
): { backend: Backend; round: number }[] {
  return Array.from({ length: ROUNDS }, (_, index) => index + 1).flatMap((round) =>
    backends.map((backend) => ({ backend, round })),
  );
}
