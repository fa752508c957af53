-- Reads what an operator sees of a queue, in one step, whose cost does not grow with the number of jobs.
-- ARGV: the most runs, the number of minutes. Replies with time; whether the queue is paused; when the job became ready that has been so
-- for longest; runs; ends by minute and by hour; and the numbers of jobs in BullMQ's states and of canceled ones.
local MAX_PRIORITIES = 20
local time = redis.call('TIME')
local minute = math.floor(time[1] / 60)

-- When a job that has not run yet became ready.
local function firstReadyAt(timestamp, options)
  if not options or not options:find('"delay"', 1, true) then return tonumber(timestamp) end
  return tonumber(timestamp) + (tonumber(cjson.decode(options).delay) or 0)
end

local oldest = false
local function compare(id)
  local timestamp, options, startedAt, progressText = unpack(redis.call('HMGET', keyOf(id), 'timestamp', 'opts', 'processedOn', 'progress'))
  if not timestamp then return end
  -- A retry, and a wait for something else, are dated by the progress.
  local progress = cjson.decode(progressText or '0')
  local at = math.max(firstReadyAt(timestamp, options), tonumber(startedAt or 0), type(progress) == 'table' and tonumber(progress.at) or 0)
  if not oldest or at < oldest then oldest = at end
end
local head = redis.call('LINDEX', keyOf('wait'), -1)
if head then compare(head) end
-- The first of each priority; in a fair queue, those whose turn it is.
local from = '-inf'
for _, id in ipairs(modeOf() == 'fair' and redis.call('ZRANGE', keyOf('prioritized'), 0, MAX_PRIORITIES - 1) or {}) do compare(id) end
for _ = 1, modeOf() == 'fair' and 0 or MAX_PRIORITIES do
  local id, score = unpack(redis.call('ZRANGEBYSCORE', keyOf('prioritized'), from, '+inf', 'WITHSCORES', 'LIMIT', 0, 1))
  if not id then break end
  compare(id)
  from = string.format('%.0f', (math.floor(tonumber(score) / 0x100000000) + 1) * 0x100000000)
end

local runs = {}
for _, id in ipairs(redis.call('ZREVRANGE', keyOf('completed'), 0, ARGV[1] - 1)) do
  local timestamp, options, startedAt, finishedAt, attempts = unpack(redis.call('HMGET', keyOf(id), 'timestamp', 'opts', 'processedOn',
    'finishedOn', 'atm'))
  if startedAt and finishedAt then
    local isFirst = tonumber(attempts or 0) <= 1
    runs[#runs + 1] = {isFirst and firstReadyAt(timestamp, options), tonumber(startedAt), tonumber(finishedAt)}
  end
end

-- The counts of a period and of those before it: numbers of periods since 1970, succeeded, failed.
local function endsOf(letter, current, length)
  local ends, fields = {}, {}
  for index = 0, length do fields[index + 1] = letter .. current - index end
  local succeeded = redis.call('HMGET', keyOf('ends:Succeeded'), unpack(fields))
  local failed = redis.call('HMGET', keyOf('ends:Failed'), unpack(fields))
  for index = 0, length do
    local ofPeriod = {current - index, tonumber(succeeded[index + 1] or 0), tonumber(failed[index + 1] or 0)}
    if ofPeriod[2] + ofPeriod[3] > 0 then ends[#ends + 1] = ofPeriod end
  end
  return ends
end

local function count(...)
  local sum = 0
  for _, set in ipairs({...}) do sum = sum + redis.call('ZCARD', keyOf(set)) end
  return sum
end
local pending = redis.call('LLEN', keyOf('wait')) + count('prioritized', 'delayed', 'waiting-children')
return {
  time[1] * 1000 + math.floor(time[2] / 1000),
  redis.call('HEXISTS', keyOf('meta'), 'paused'),
  oldest,
  runs,
  endsOf('m', minute, tonumber(ARGV[2])),
  endsOf('h', math.floor(minute / 60), 24),
  {pending, redis.call('LLEN', keyOf('active')), count('completed'), count('failed'),
    count(canceledSet('completed')), count(canceledSet('failed'))}
}
