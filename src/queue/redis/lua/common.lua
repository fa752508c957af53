-- Stands before every script. KEYS[1] is what all keys of one queue begin with, which also keeps them in one slot of a cluster.
local function keyOf(name)
  return KEYS[1] .. name
end

-- A write is refused after its deadline: its caller was told that it failed, so it must not happen later.
local function isLate(deadline)
  local now = redis.call('TIME')
  return now[1] * 1000 + now[2] / 1000 > tonumber(deadline)
end
local function refuseLate()
  return redis.error_reply('LATE the deadline of the command had passed')
end

-- The fields that `toRecord` reads, in its order. `data` is not among them, because it may be large.
local function readFields(job)
  return redis.call('HMGET', job, 'name', 'timestamp', 'processedOn', 'finishedOn', 'returnvalue', 'failedReason', 'defa',
    'canceled', 'progress', 'stacktrace', 'atm', 'opts')
end

-- A job is running as long as a worker holds its lock.
local function readJob(job)
  return {readFields(job), redis.call('EXISTS', job .. ':lock')}
end

local FINAL_SETS = {'Succeeded', 'Failed', 'Canceled'}
-- The sets of one caller, and those over all callers.
local function indexOf(set, caller)
  return keyOf('index:' .. set .. ':' .. caller)
end
local function indexOfAll(set)
  return keyOf('index:' .. set)
end
-- The same of the jobs with a tag, in which there is no line break. Without a caller: over all callers.
local function indexOfTag(set, tag, caller)
  return keyOf('tags:' .. set .. ':' .. tag .. (caller and '\n' .. caller or ''))
end
local function addEntry(set, caller, timestamp, id, tags)
  redis.call('ZADD', indexOf(set, caller), timestamp, id)
  redis.call('ZADD', indexOfAll(set), timestamp, id)
  for _, tag in ipairs(tags) do
    redis.call('ZADD', indexOfTag(set, tag, caller), timestamp, id)
    redis.call('ZADD', indexOfTag(set, tag), timestamp, id)
  end
end
local function removeEntry(set, caller, id, tags)
  redis.call('ZREM', indexOf(set, caller), id)
  redis.call('ZREM', indexOfAll(set), id)
  for _, tag in ipairs(tags) do
    redis.call('ZREM', indexOfTag(set, tag, caller), id)
    redis.call('ZREM', indexOfTag(set, tag), id)
  end
end

-- The canceled jobs among those that BullMQ keeps as completed or failed, by the time of their end, so that each status can be counted.
local function canceledSet(state)
  return 'canceled:' .. state
end

-- Reaches the processes that follow jobs. See redis/events.ts for the format.
local function publish(event, id, detail)
  redis.call('PUBLISH', keyOf('changes'), event .. '\n' .. id .. '\n' .. (detail or ''))
end

-- BullMQ's own stream of events, which its tools read.
local function addEvent(event, id, ...)
  local max = redis.call('HGET', keyOf('meta'), 'opts.maxLenEvents') or 10000
  redis.call('XADD', keyOf('events'), 'MAXLEN', '~', max, '*', 'event', event, 'jobId', id, ...)
end

-- BullMQ's marker wakes a waiting worker, unless the queue is paused or has as many running jobs as it may have.
local function wakeWorker()
  local paused, concurrency = unpack(redis.call('HMGET', keyOf('meta'), 'paused', 'concurrency'))
  local isFull = concurrency and redis.call('LLEN', keyOf('active')) >= tonumber(concurrency)
  if not paused and not isFull then redis.call('ZADD', keyOf('marker'), 0, '0') end
end

-- What the queue's key `priorities` holds: nothing, '1' for a queue with priorities, or 'fair' for one whose callers take turns.
local mode
local function modeOf()
  if mode == nil then mode = redis.call('GET', keyOf('priorities')) end
  return mode
end
local function setMode(to)
  redis.call('SET', keyOf('priorities'), to)
  mode = to
end

local LOWEST_PRIORITY = 10
local function prioritize(id, priority)
  local count = redis.call('INCR', keyOf('pc'))
  redis.call('ZADD', keyOf('prioritized'), priority * 0x100000000 + count % 0x100000000, id)
end
-- BullMQ takes the jobs of its list before all that have a priority. So from the first job with one on, the other jobs of the queue have the
-- lowest, and those that wait in the list move once. A queue without priorities keeps the list, which costs less.
local function levelOf(priority)
  if priority > 0 and not modeOf() then
    setMode('1')
    local waiting = redis.call('LRANGE', keyOf('wait'), 0, -1)
    redis.call('DEL', keyOf('wait'))
    for i = #waiting, 1, -1 do prioritize(waiting[i], LOWEST_PRIORITY) end
  end
  if priority > 0 then return priority end
  return modeOf() and LOWEST_PRIORITY or 0
end

-- BullMQ's job options. What we add to them is there only where a submission asked for it, so most need not be decoded.
local NONE = {}
local function decodeOptions(text)
  if not text or not text:find('"submission"', 1, true) then return NONE end
  local isJson, options = pcall(cjson.decode, text)
  return isJson and type(options) == 'table' and options or NONE
end
local function tagsIn(options)
  local submission = options.submission
  return type(submission) == 'table' and type(submission.tags) == 'table' and submission.tags or NONE
end
local function tagsOf(text)
  return tagsIn(decodeOptions(text))
end
-- The submission's priority: 0 to 9, of which the highest goes first.
local function priorityIn(options)
  local submission = options.submission
  return type(submission) == 'table' and tonumber(submission.priority) or 0
end
-- Where the ends of a job are to be told, and the set of the jobs whose next end is: see webhooks.lua.
local function webhookIn(options)
  local submission = options.submission
  local webhook = type(submission) == 'table' and submission.webhook
  return type(webhook) == 'table' and type(webhook.receiver) == 'string' and webhook or nil
end
local UNTOLD = 'webhooks:open'
-- The jobs of which an attempt must begin in time, by that time.
local START_BY = 'start-by'

-- A list of the pieces of a job's output: the number of the attempt, a line break and the JSON. The job's hash has the bytes of it as `output`.
local function outputOf(job)
  return job .. ':output'
end
-- The jobs with output, by the time in seconds when they were last seen to exist.
local OUTPUTS = 'outputs'
