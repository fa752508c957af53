import type { LoadResult, LoadTarget } from './load-spec.ts';
import { saturateByAutocannon } from './autocannon.ts';
import { findWrk, saturateByWrk } from './wrk.ts';

/** As fast as the connections can: by wrk where there is one, which takes little more than half of the CPU that autocannon takes. */
export function saturate(target: LoadTarget, seconds: number): Promise<LoadResult> {
  const wrk = findWrk();
  return wrk === undefined ? saturateByAutocannon(target, seconds) : saturateByWrk(wrk, target, seconds);
}
