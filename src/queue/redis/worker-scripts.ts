import { moveToActive } from 'bullmq/dist/esm/scripts/moveToActive-11.js';
import type { RedisClient } from './client.ts';
import { TELL } from './scripts.ts';

/** What BullMQ's own script takes as its keys, behind the queue's prefix. */
const TAKE_KEYS = 'wait active prioritized events stalled limiter delayed paused meta pc marker'.split(' ');

/** Characters of a result that is told with the end of its job; a longer one is read by who waits for it. */
const MAX_TOLD = 65_536;

/**
 * Gives a worker the next job as BullMQ's own script does, to which everything out of the ordinary is left: a queue that is paused or
 * limited, jobs whose delay is over, and priorities. Replies with the job's fields and id, two of BullMQ's delays, and whether there may
 * be others; nil when there is none. BullMQ's marker wakes up a worker that waits: it is set only where there may be others.
 */
const TAKE = `${TELL}
local function takeAsBullmq(KEYS, ARGV, cmsgpack)
${moveToActive.content}
end
local function take(prefix, meta, now, token, lockDuration)
  local delayed = redis.call('ZRANGE', prefix .. 'delayed', 0, 0, 'WITHSCORES')
  local next = delayed[2] and tonumber(delayed[2]) / 0x1000
  local isOrdinary = not (meta[2] or meta[3] or meta[4] or next and next < now + 1)
  local id = isOrdinary and redis.call('RPOPLPUSH', prefix .. 'wait', prefix .. 'active')
  if not id then
    if isOrdinary and redis.call('ZCARD', prefix .. 'prioritized') == 0 then return next and {0, 0, 0, next} end
    local keys = {}
    for i, name in ipairs({${TAKE_KEYS.map((key) => `'${key}'`).join(', ')}}) do keys[i] = prefix .. name end
    local options = {token = token, lockDuration = lockDuration}
    local reply = takeAsBullmq(keys, {prefix, now, options}, {unpack = function(value) return value end})
    reply[5] = 1
    if reply[1] ~= 0 then tell('active', reply[2]) end
    return reply
  end
  local job = prefix .. id
  redis.call('SET', job .. ':lock', token, 'PX', lockDuration)
  redis.call('XADD', prefix .. 'events', '*', 'event', 'active', 'jobId', id, 'prev', 'waiting')
  redis.call('HSET', job, 'processedOn', now)
  redis.call('HINCRBY', job, 'ats', 1)
  local others = next or redis.call('EXISTS', prefix .. 'wait', prefix .. 'prioritized') > 0
  if others then redis.call('ZADD', prefix .. 'marker', 0, '0') end
  tell('active', id)
  return {redis.call('HGETALL', job), id, 0, 0, others and 1 or 0}
end
local function readMeta(prefix)
  return redis.call('HMGET', prefix .. 'meta', 'opts.maxLenEvents', 'paused', 'concurrency', 'max')
end`;

/** KEYS[1] is the queue's prefix. ARGV: time, token, milliseconds of the lock. */
const TAKE_JOB = `${TAKE}
return take(KEYS[1], readMeta(KEYS[1]), tonumber(ARGV[1]), ARGV[2], ARGV[3]) or {0, 0, 0, 0, 0}`;

/**
 * Ends a job as BullMQ's own script does, changes its set of the index in the same step, and takes the next one. KEYS[1] is the queue's
 * prefix. ARGV: id, time, token, milliseconds of the lock, whether to take the next, target, property and its value, set, attempts that it
 * may have, and traces, or nothing to leave them as they are. Replies with the next job, or 0, or BullMQ's number for what is wrong. A
 * success is told with all there is of the job, so that nobody who waits for it has to read it.
 */
const FINISH_JOB = `${TAKE}
local prefix, id, now, token, lockDuration = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local target, property, value, traces = ARGV[6], ARGV[7], ARGV[8], ARGV[11]
local job = prefix .. id
local name, createdAt, startedAt, progress, history, mark, canceled = unpack(redis.call('HMGET', job,
  'name', 'timestamp', 'processedOn', 'progress', 'stacktrace', 'defa', 'canceled'))
if not createdAt then return -1 end
local lock = redis.call('GET', job .. ':lock')
if lock ~= token then return lock and -6 or -2 end
redis.call('DEL', job .. ':lock')
redis.call('SREM', prefix .. 'stalled', id)
if redis.call('LREM', prefix .. 'active', -1, id) == 0 then return -3 end
local attemptsMade = redis.call('HINCRBY', job, 'atm', 1)
redis.call('ZADD', prefix .. target, now, id)
redis.call('HSET', job, property, value, 'finishedOn', now)
if traces ~= '' then redis.call('HSET', job, 'stacktrace', traces) end
if target == 'failed' then redis.call('HDEL', job, 'defa') end
redis.call('ZADD', prefix .. 'index:' .. ARGV[9] .. ':' .. name, createdAt, id)
redis.call('ZREM', prefix .. 'index:open:' .. name, id)
local meta, events = readMeta(prefix), prefix .. 'events'
redis.call('XADD', events, 'MAXLEN', '~', meta[1] or 10000, '*', 'event', target, 'jobId', id, property, value, 'prev', 'active')
if target == 'completed' and not (mark or canceled) and #value <= ${MAX_TOLD} then
  tell(target, id, cjson.encode(name), createdAt, startedAt or now, now, attemptsMade, ARGV[10], progress or '0', history or '[]', value)
else
  tell(target, id)
end
if target == 'failed' and attemptsMade >= tonumber(ARGV[10]) then
  redis.call('XADD', events, '*', 'event', 'retries-exhausted', 'jobId', id, 'attemptsMade', attemptsMade)
end
if ARGV[5] == '1' then
  local reply = take(prefix, meta, tonumber(now), token, lockDuration)
  if reply then return reply end
end
if redis.call('EXISTS', prefix .. 'wait', prefix .. 'active', prefix .. 'prioritized') == 0 then
  redis.call('XADD', events, '*', 'event', 'drained')
end
return 0`;

/** Stores the progress of a job as BullMQ's own script does. KEYS[1] is the queue's prefix. ARGV: id, progress. Replies 0, or -1 where there is no such job. */
const UPDATE_PROGRESS = `${TELL}
local prefix, id, progress = KEYS[1], ARGV[1], ARGV[2]
if redis.call('EXISTS', prefix .. id) == 0 then return -1 end
local maxEvents = redis.call('HGET', prefix .. 'meta', 'opts.maxLenEvents') or 10000
redis.call('HSET', prefix .. id, 'progress', progress)
redis.call('XADD', prefix .. 'events', 'MAXLEN', '~', maxEvents, '*', 'event', 'progress', 'jobId', id, 'data', progress)
tell('progress', id, progress)
return 0`;

/** ARGV: id of a job that waits again. */
const TELL_WAITING = `${TELL}
tell('waiting', ARGV[1])
return 0`;

const SCRIPTS = {
  takeJob: TAKE_JOB,
  finishJob: FINISH_JOB,
  updateProgress: UPDATE_PROGRESS,
  tellWaiting: TELL_WAITING,
};
export type WorkerScript = keyof typeof SCRIPTS;

/** The name of a script as a command: BullMQ gives its own to the same client. */
export const nameOf = (script: string): string => `accepted:${script}`;

/** Makes the scripts commands of a client. */
export function defineWorkerScripts(client: RedisClient): void {
  for (const [script, lua] of Object.entries(SCRIPTS)) client.defineCommand(nameOf(script), { numberOfKeys: 1, lua });
}
