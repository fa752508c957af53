/** Preloaded into a program: answers each IPC message with the memory that the process uses after a garbage collection. */
process.on('message', () => {
  // `node --expose-gc` defines it.
  globalThis.gc?.();
  process.send?.(process.memoryUsage());
});
// The channel must not keep the program alive.
process.channel?.unref();
