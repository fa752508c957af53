import { createHash } from 'node:crypto';
import type { RedisClient } from './client.ts';
import { LATE } from '../store-clock.ts';

/** Where changes of a queue's jobs are told, behind its prefix. */
export const CHANNEL = 'changes';

/** A step on one queue that Redis takes at once. Every key begins with KEYS[1], the queue's prefix, and lies in its slot of a cluster. */
export interface RedisScript {
  readonly lua: string;
  readonly sha: string;
}

function script(lua: string): RedisScript {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') };
}

/**
 * Runs a script by its hash, and sends it whole where the server does not know it yet.
 * @param prefix of the keys of one queue
 */
export async function runScript(
  client: RedisClient,
  { lua, sha }: RedisScript,
  prefix: string,
  ...args: (string | number)[]
): Promise<unknown> {
  try {
    return await client.evalsha(sha, 1, prefix, ...args);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
    return client.eval(lua, 1, prefix, ...args);
  }
}

/** The fields of BullMQ's job hash that a record is made of; not `data`, which may be large. */
export const RECORD_FIELDS = [
  'name',
  'timestamp',
  'processedOn',
  'finishedOn',
  'returnvalue',
  'failedReason',
  'defa',
  'canceled',
  'progress',
  'stacktrace',
  'atm',
  'opts',
] as const;

/** A job's fields, or nothing, and whether a worker holds its lock, which lives as long as an attempt. */
const READ_JOB = `
local function readJob(job)
  return {redis.call('HMGET', job, ${RECORD_FIELDS.map((field) => `'${field}'`).join(', ')}), redis.call('EXISTS', job .. ':lock')}
end`;

/** ARGV: ids. Replies with what there is of each job. */
export const READ_JOBS = script(`${READ_JOB}
local replies = {}
for i, id in ipairs(ARGV) do replies[i] = readJob(KEYS[1] .. id) end
return replies`);

/** A script that a caller waits for is refused when Redis gets to it too late: then nobody waits any more. */
export const REFUSE_LATE = `
local function late(deadline)
  local now = redis.call('TIME')
  return now[1] * 1000 + now[2] / 1000 > tonumber(deadline)
end
local function refuseLate()
  return redis.error_reply('${LATE} its deadline had passed when Redis got to it')
end`;

/**
 * Adds jobs as BullMQ's own script does, and to the index of those that are not done. ARGV: deadline, whether earlier jobs with these ids
 * are wanted, and for each job its id, caller, time of creation, data and options. Replies for each 0, or what there is of the earlier one,
 * and its data.
 */
export const ADD_JOBS = script(`${REFUSE_LATE}${READ_JOB}
if late(ARGV[1]) then return refuseLate() end
local prefix, isNew, replies = KEYS[1], false, {}
local wait, events, index = prefix .. 'wait', prefix .. 'events', prefix .. 'index:open:'
local maxEvents, paused, concurrency = unpack(redis.call('HMGET', prefix .. 'meta', 'opts.maxLenEvents', 'paused', 'concurrency'))
for i = 3, #ARGV, 5 do
  local id, caller, timestamp = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local job, reply = prefix .. id, 0
  if redis.call('EXISTS', job) == 0 then
    redis.call('ZADD', index .. caller, timestamp, id)
    redis.call('HSET', job, 'name', caller, 'data', ARGV[i + 3], 'opts', ARGV[i + 4], 'timestamp', timestamp, 'delay', 0, 'priority', 0)
    redis.call('XADD', events, '*', 'event', 'added', 'jobId', id, 'name', caller)
    redis.call('LPUSH', wait, id)
    redis.call('XADD', events, 'MAXLEN', '~', maxEvents or 10000, '*', 'event', 'waiting', 'jobId', id)
    isNew = true
  elseif ARGV[2] == '1' then
    reply = {readJob(job), redis.call('HGET', job, 'data')}
  end
  replies[#replies + 1] = reply
end
if isNew then
  local isFull = concurrency and redis.call('LLEN', prefix .. 'active') >= tonumber(concurrency)
  if not paused and not isFull then redis.call('ZADD', prefix .. 'marker', 0, '0') end
end
return replies`);

/** Tells those who follow a job what happened to it; nobody keeps that. Its parts are one to a line: none but a caller's id has lines. */
export const TELL = `
local function tell(event, id, ...)
  redis.call('PUBLISH', KEYS[1] .. '${CHANNEL}', table.concat({event, id, ...}, '\\n'))
end`;

/** What scripts share that change a job's place: the set of the index that it is in, and BullMQ's events. */
const COMMON = `${REFUSE_LATE}${TELL}${READ_JOB}
local function index(set, job)
  return KEYS[1] .. 'index:' .. set .. ':' .. redis.call('HGET', job, 'name')
end
local function publish(event, id, ...)
  local max = redis.call('HGET', KEYS[1] .. 'meta', 'opts.maxLenEvents') or 10000
  redis.call('XADD', KEYS[1] .. 'events', 'MAXLEN', '~', max, '*', 'event', event, 'jobId', id, ...)
  tell(event, id)
end`;

/** ARGV: id, time, the mark, whether to end only a job that has it, deadline. Replies with what there is of the job then, or nothing if it was done. */
export const CANCEL_JOB = script(`${COMMON}
local id, now, mark, onlyMarked = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
if late(ARGV[5]) then return refuseLate() end
local job = KEYS[1] .. id
if redis.call('EXISTS', job) == 0 or redis.call('HEXISTS', job, 'finishedOn') == 1 then return false end
if onlyMarked == '1' and redis.call('HGET', job, 'defa') ~= mark then return false end
redis.call('ZADD', index('Canceled', job), redis.call('HGET', job, 'timestamp'), id)
local lost = 0
-- Its worker has stopped, and whatever it still says is refused.
if redis.call('EXISTS', job .. ':lock') == 0 then lost = redis.call('LREM', KEYS[1] .. 'active', 0, id) end
if redis.call('LREM', KEYS[1] .. 'wait', 0, id) + redis.call('ZREM', KEYS[1] .. 'delayed', id) + lost == 0 then
  -- BullMQ forgets its own mark of a job that fails for good.
  redis.call('HSET', job, 'defa', mark, 'canceled', '1')
  return readJob(job)
end
redis.call('HSET', job, 'failedReason', mark, 'finishedOn', now)
redis.call('HDEL', job, 'defa')
redis.call('ZADD', KEYS[1] .. 'failed', now, id)
redis.call('ZREM', index('open', job), id)
publish('failed', id, 'failedReason', mark, 'prev', 'waiting')
return readJob(job)`);

/** ARGV: the mark, ids. Replies with those that have the mark. */
export const READ_MARKED = script(`
local marked = {}
for i = 2, #ARGV do
  if redis.call('HGET', KEYS[1] .. ARGV[i], 'defa') == ARGV[1] then marked[#marked + 1] = ARGV[i] end
end
return marked`);

/**
 * ARGV: id, attempts, progress, deadline. Replies with what there is of the job then, or nothing if it has neither failed nor been canceled. Its
 * progress is never earlier than the one before or the end.
 */
export const RETRY_JOB = script(`${COMMON}
local id, attempts, progress = ARGV[1], tonumber(ARGV[2]), cjson.decode(ARGV[3])
if late(ARGV[4]) then return refuseLate() end
local job = KEYS[1] .. id
if redis.call('ZREM', KEYS[1] .. 'failed', id) == 0 then
  if redis.call('HEXISTS', job, 'defa') == 0 or redis.call('ZREM', KEYS[1] .. 'completed', id) == 0 then return false end
end
local before = cjson.decode(redis.call('HGET', job, 'progress') or '0')
local toldAt = type(before) == 'table' and before.at or 0
progress.at = math.max(progress.at, toldAt, tonumber(redis.call('HGET', job, 'finishedOn') or 0))
local opts = cjson.decode(redis.call('HGET', job, 'opts'))
opts.attempts = tonumber(redis.call('HGET', job, 'atm') or 0) + attempts
redis.call('HDEL', job, 'finishedOn', 'failedReason', 'returnvalue', 'defa', 'canceled', 'stc')
redis.call('HSET', job, 'opts', cjson.encode(opts), 'progress', cjson.encode(progress))
redis.call('ZADD', index('open', job), redis.call('HGET', job, 'timestamp'), id)
for _, set in ipairs({'Succeeded', 'Failed', 'Canceled'}) do redis.call('ZREM', index(set, job), id) end
redis.call('LPUSH', KEYS[1] .. 'wait', id)
if redis.call('HEXISTS', KEYS[1] .. 'meta', 'paused') == 0 then redis.call('ZADD', KEYS[1] .. 'marker', 0, '0') end
publish('waiting', id, 'prev', 'failed')
return readJob(job)`);

/** ARGV: time, most jobs to remove. Removes those that finished up to then, with all that is kept of them; replies how many. */
export const REMOVE_FINISHED = script(`${COMMON}
local removed = 0
for _, state in ipairs({'completed', 'failed'}) do
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1] .. state, '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])) do
    local job = KEYS[1] .. id
    if redis.call('EXISTS', job) == 1 then
      for _, set in ipairs({'open', 'Succeeded', 'Failed', 'Canceled'}) do redis.call('ZREM', index(set, job), id) end
    end
    redis.call('DEL', job, job .. ':logs')
    redis.call('ZREM', KEYS[1] .. state, id)
    removed = removed + 1
  end
end
return removed`);

/** Replies with the time, in milliseconds since 1970. The node of a cluster that has the queue tells its own. */
export const READ_TIME = script(`
local now = redis.call('TIME')
return now[1] * 1000 + math.floor(now[2] / 1000)`);

/** Replies with the number of jobs that wait for a worker or for their next attempt. */
export const READ_DEPTH = script(
  `return redis.call('LLEN', KEYS[1] .. 'wait') + redis.call('ZCARD', KEYS[1] .. 'delayed')`,
);

/** ARGV: how many jobs to look at. Replies with the number of jobs that wait, and start and end of the last that completed. */
export const READ_PACE = script(`
local times = {}
for i, id in ipairs(redis.call('ZREVRANGE', KEYS[1] .. 'completed', 0, ARGV[1] - 1)) do
  times[i] = redis.call('HMGET', KEYS[1] .. id, 'processedOn', 'finishedOn')
end
return {redis.call('LLEN', KEYS[1] .. 'wait'), times}`);
