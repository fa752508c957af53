/** Runs before a program, in its process, and tells its memory, without its garbage, when it is asked. */
process.on('message', () => {
  // Node has it when it is started with --expose-gc.
  globalThis.gc?.();
  process.send?.(process.memoryUsage());
});
// The program ends as it would without.
process.channel?.unref();
