let end: Promise<void> | undefined;

/** Resolves when all that the sockets have for this turn of the event loop has been taken up: one promise for all who wait. */
export function endOfTurn(): Promise<void> {
  end ??= new Promise((resolve) => {
    setImmediate(() => {
      end = undefined;
      resolve();
    });
  });
  return end;
}
