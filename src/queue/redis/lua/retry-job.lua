-- Puts a failed or canceled job back for more attempts, to run at once. Own script, because BullMQ's `retry` takes no deadline, keeps the count of
-- lost workers, and leaves a job that used up its attempts with none.
-- ARGV: id, attempts, progress, deadline. Replies with the job after that step, or nothing if it neither failed nor was canceled.
local id, attempts, progress = ARGV[1], tonumber(ARGV[2]), cjson.decode(ARGV[3])
if isLate(ARGV[4]) then return refuseLate() end
local job = keyOf(id)
local wasFailed = redis.call('ZREM', keyOf('failed'), id) == 1
-- One that succeeded in spite of its mark counts as canceled.
if not wasFailed and (redis.call('HEXISTS', job, 'defa') == 0 or redis.call('ZREM', keyOf('completed'), id) == 0) then
  return false
end

local caller, timestamp, finishedOn, priority, made, optionsText, before, parent = unpack(redis.call('HMGET', job, 'name',
  'timestamp', 'finishedOn', 'priority', 'atm', 'opts', 'progress', 'parentKey'))
-- Clocks differ: the time of a change must not be before that of the last one.
local last = cjson.decode(before or '0')
progress.at = math.max(progress.at, type(last) == 'table' and last.at or 0, tonumber(finishedOn or 0))
local options = cjson.decode(optionsText)
options.attempts = tonumber(made or 0) + attempts
options.delay, options.startBy, options.expired = nil, nil, nil
if type(options.submission) == 'table' then options.submission.scheduledFor, options.submission.startBefore = nil, nil end
redis.call('ZREM', keyOf(START_BY), id)
-- An end that nobody has told yet would be lost.
if webhookIn(options) then openWebhooks().tellEnd(id, readFields(job), webhookIn(options)) end
redis.call('HDEL', job, 'finishedOn', 'failedReason', 'returnvalue', 'defa', 'canceled', 'stc', 'parked')
redis.call('HSET', job, 'opts', cjson.encode(options), 'progress', cjson.encode(progress))
local tags = tagsIn(options)
if webhookIn(options) then redis.call('ZADD', keyOf(UNTOLD), timestamp, id) end
addEntry('open', caller, timestamp, id, tags)
for _, set in ipairs(FINAL_SETS) do removeEntry(set, caller, id, tags) end

redis.call('ZREM', keyOf(canceledSet(wasFailed and 'failed' or 'completed')), id)

-- As BullMQ does: the parent of a flow waits for this child again.
if parent and redis.call('EXISTS', parent) == 1 then
  local left = redis.call('ZREM', parent .. ':unsuccessful', job) + redis.call('HDEL', parent .. ':failed', job)
    + redis.call('HDEL', parent .. ':processed', job)
  if left > 0 then redis.call('SADD', parent .. ':dependencies', job) end
end
enqueue(id, caller, tonumber(priority or 0), options, options.lifo and 'RPUSH' or 'LPUSH')
wakeWorker()
addEvent('waiting', id, 'prev', wasFailed and 'failed' or 'completed')
publish('waiting', id)
return readJob(job)
