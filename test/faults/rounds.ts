/*
 * Faults by backend, and why some do not apply:
 *
 * | fault                     | Redis | PostgreSQL | embedded                                                                  |
 * | ------------------------- | ----- | ---------- | ------------------------------------------------------------------------- |
 * | worker killed             | yes   | yes        | there is one process, which is killed as a whole                          |
 * | API killed                | yes   | yes        | the same                                                                  |
 * | rolling restart           | yes   | yes        | two processes cannot share it                                             |
 * | process killed thrice     | -     | -          | yes                                                                       |
 * | store killed, store hangs | yes   | yes        | it is part of the process and cannot be unavailable                       |
 * | connections               | yes   | yes        | there are no connections                                                  |
 * | master killed             | yes   | -          | a PostgreSQL URL names one server; failover is left to the operator      |
 * | out of memory, snapshot   | yes   | -          | specific to Redis                                                         |
 * | disk full                 | -     | yes        | it shares the disk of the process                                         |
 * | worker's clock            | yes   | yes        | yes                                                                       |
 * | store's clock             | yes   | yes        | it is the worker's                                                        |
 */

/** How often each fault is caused. */
const ROUNDS = Number(process.env['FAULT_ROUNDS'] ?? 1);

/** One case for each backend and round. */
export function rounds<const Backend extends string>(
  backends: readonly Backend[],
): { backend: Backend; round: number }[] {
  return Array.from({ length: ROUNDS }, (_, index) => index + 1).flatMap((round) =>
    backends.map((backend) => ({ backend, round })),
  );
}
