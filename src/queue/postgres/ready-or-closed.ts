/** BullMQ keeps a first connection that failed and never recovers, so what has it is closed, to be created again. */
export async function readyOrClosed(part: {
  waitUntilReady(): Promise<unknown>;
  close(): Promise<void>;
}): Promise<void> {
  try {
    await part.waitUntilReady();
  } catch (error) {
    await part.close().catch(() => undefined);
    throw error;
  }
}
