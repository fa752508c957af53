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
