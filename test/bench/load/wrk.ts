import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { type Expected, type LoadResult, type LoadTarget, expectedOf } from './load-spec.ts';
import { toBytes } from './request-bytes.ts';

const REPLY_SECONDS = 10;
/** No request has this character. */
const SEPARATOR = '\0';

const resultSchema = z.object({
  replies: z.int(),
  sent: z.int(),
  seconds: z.number(),
  p50: z.number(),
  p99: z.number(),
  socketErrors: z.int(),
  bad: z.int(),
  firstBad: z.string(),
});

export function findWrk(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.map((folder) => join(folder, 'wrk')).find((path) => existsSync(path));
}

/**
 * Latencies are corrected by wrk as if each connection had had to send at its mean rate: a reply that comes late counts for those, too,
 * that waited behind it.
 */
export async function saturateByWrk(wrk: string, target: LoadTarget, seconds: number): Promise<LoadResult> {
  const { url, connections, requests } = target;
  const folder = mkdtempSync(join(tmpdir(), 'accepted-wrk-'));
  const [script, sent] = [join(folder, 'load.lua'), join(folder, 'requests')];
  try {
    const { host } = new URL(url);
    writeFileSync(sent, requests.map((request) => toBytes(host, request)).join(SEPARATOR));
    writeFileSync(script, toLua(sent, expectedOf(target)));
    const options = { threads: 1, connections, duration: `${seconds}s`, timeout: `${REPLY_SECONDS}s`, script };
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const { stdout } = await promisify(execFile)(wrk, [...args, url]);
    const { replies, ...result } = resultSchema.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''));
    // What wrk had still to hear of at its end, and the request that it tries its script with.
    const unanswered = result.sent - replies - connections - 1;
    if (result.socketErrors > 0 || result.bad > 0 || unanswered > 0)
      throw new Error(`bad replies: ${JSON.stringify({ ...result, unanswered })}`);
    return { perSecond: replies / result.seconds, p50: result.p50, p99: result.p99 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A string of Lua's, byte by byte. */
const quote = (text: string): string =>
  `"${[...Buffer.from(text)].map((byte) => `\\${String(byte).padStart(3, '0')}`).join('')}"`;

/** What wrk calls: `setup` and `done` once, the others in its thread, whose globals `done` may read. */
function toLua(requests: string, { statuses, contains }: Expected): string {
  return `
local requests, index, find = {}, 0, string.find
local expected = {${statuses.map((status) => `[${status}] = true`).join(', ')}}
sent, replies, bad, firstBad = 0, 0, 0, ""

function init()
  local file = assert(io.open(${quote(requests)}, "rb"))
  for request in file:read("*a"):gmatch("%Z+") do requests[#requests + 1] = request end
  file:close()
end

function request()
  sent = sent + 1
  index = index % #requests + 1
  return requests[index]
end

function response(status, headers, body)
  replies = replies + 1
  if expected[status] and find(body, ${quote(contains)}, 1, true) then return end
  bad = bad + 1
  if bad == 1 then firstBad = status .. " " .. body end
end

local thread
function setup(started) thread = started end

function done(summary, latency)
  local errors = summary.errors
  local escape = function(char) return string.format("\\\\u%04x", char:byte()) end
  io.write(string.format(
    '{"replies":%d,"sent":%d,"seconds":%.6f,"p50":%.3f,"p99":%.3f,"socketErrors":%d,"bad":%d,"firstBad":"%s"}\\n',
    thread:get("replies"), thread:get("sent"), summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write + errors.timeout,
    thread:get("bad"), (thread:get("firstBad"):gsub('[%c"\\\\\\128-\\255]', escape))))
end
`;
}
