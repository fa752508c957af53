import { isPicked } from '../statistics.ts';
import { openConnection } from './connection.ts';
import type { LoadRequest } from './load-spec.ts';
import { toBytes } from './request-bytes.ts';

const CONNECTIONS = 50;
const ID = /"id":"([^"]+)"/;

/**
 * Sends a submission so many times.
 * @param keep how many of the jobs' ids are wanted: they lie evenly over all that were submitted
 */
export async function fill(url: string, submission: LoadRequest, amount: number, keep = 0): Promise<string[]> {
  const bytes = toBytes(new URL(url).host, submission);
  const ids: string[] = [];
  let next = 0;
  const submitInTurn = async (): Promise<void> => {
    const connection = await openConnection(url);
    try {
      while (next < amount) {
        const index = next++;
        const reply = await connection.send(bytes, submission);
        const id = isPicked(index, keep, amount) ? ID.exec(reply)?.[1] : undefined;
        if (id !== undefined) ids.push(id);
      }
    } finally {
      connection.close();
    }
  };
  await Promise.all(Array.from({ length: Math.min(CONNECTIONS, amount) }, submitInTurn));
  return ids;
}
