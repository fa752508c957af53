-- Removes jobs that finished up to a time, with their index entries, and what BullMQ's events hold from before that time: results,
-- reasons of failures, progress. BullMQ's own removal by age runs only when another job finishes, and keeps the events.
-- ARGV: time; the most jobs to remove of each state; the retention in milliseconds by which the caller reckoned that time: a job whose
-- own is longer stays for longer. Replies with the number of removed jobs.
local MAX_KEPT = 10000
-- How often the job of an output is looked for, and of how many outputs one call does it.
local SEEN_SECONDS, MAX_SEEN = 5, 1000
local untilTime, most, retention = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])

local function isPromised(job, finishedOn)
  local options = redis.call('HGET', job, 'opts')
  local isOptions, own = pcall(function() return tonumber(cjson.decode(options).retentionMs) end)
  return isOptions and own and finishedOn + own - retention > untilTime
end

local function remove(state, id)
  local job = keyOf(id)
  local caller, deduplicationId, options = unpack(redis.call('HMGET', job, 'name', 'deid', 'opts'))
  local own = decodeOptions(options)
  if caller then
    local tags = tagsIn(own)
    removeEntry('open', caller, id, tags)
    for _, set in ipairs(FINAL_SETS) do removeEntry(set, caller, id, tags) end
  end
  if deduplicationId and redis.call('GET', keyOf('de:' .. deduplicationId)) == id then
    redis.call('DEL', keyOf('de:' .. deduplicationId))
  end
  if caller and webhookIn(own) then openWebhooks().forgetAll(id, caller, webhookIn(own)) end
  if options and options:find('"output": ?true') then
    redis.call('UNLINK', outputOf(job))
    redis.call('ZREM', keyOf(OUTPUTS), id)
  end
  if own.startBy then redis.call('ZREM', keyOf(START_BY), id) end
  redis.call('DEL', job, job .. ':logs', job .. ':dependencies', job .. ':processed', job .. ':failed', job .. ':unsuccessful')
  redis.call('ZREM', keyOf(state), id)
  redis.call('ZREM', keyOf(canceledSet(state)), id)
end

local removed = 0
for _, state in ipairs({'completed', 'failed'}) do
  local ofState, kept = 0, 0
  repeat
    local found = redis.call('ZRANGEBYSCORE', keyOf(state), '-inf', untilTime, 'WITHSCORES', 'LIMIT', kept, most)
    for i = 1, #found, 2 do
      if isPromised(keyOf(found[i]), tonumber(found[i + 1])) then
        kept = kept + 1
      elseif ofState < most then
        remove(state, found[i])
        ofState = ofState + 1
      end
    end
  until #found < 2 * most or ofState >= most or kept >= MAX_KEPT
  removed = removed + ofState
  -- BullMQ's own tools remove jobs without their entries.
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', keyOf(canceledSet(state)), '-inf', untilTime, 'LIMIT', 0, most)) do
    if not redis.call('ZSCORE', keyOf(state), id) then redis.call('ZREM', keyOf(canceledSet(state)), id) end
  end
end
-- They leave output too.
local now = tonumber(redis.call('TIME')[1])
for _, id in ipairs(redis.call('ZRANGEBYSCORE', keyOf(OUTPUTS), '-inf', now - SEEN_SECONDS, 'LIMIT', 0, MAX_SEEN)) do
  if redis.call('HEXISTS', keyOf(id), 'output') == 1 then
    redis.call('ZADD', keyOf(OUTPUTS), now, id)
  else
    redis.call('UNLINK', outputOf(keyOf(id)))
    redis.call('ZREM', keyOf(OUTPUTS), id)
    removed = removed + 1
  end
end
-- Redis dates an event a moment after the worker dates the end of its job.
redis.call('XTRIM', keyOf('events'), 'MINID', string.format('%.0f', untilTime + 1000))
return removed
