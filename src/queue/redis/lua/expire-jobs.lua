-- Ends jobs of which no attempt began in time, by Redis's own clock, as a cancellation does: some of those that wait; or a job that a worker
-- has just taken, of which it otherwise keeps that an attempt has begun, so that it no longer expires.
-- ARGV: the mark of canceled jobs; the most jobs; then, for a job that was taken, its id and the token of its lock. Replies with the ids of
-- the jobs that it ended, and with that of a job that the worker no longer has.
local mark, most, taken, token = unpack(ARGV)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function setOptions(id, text, expired)
  local options = cjson.decode(text)
  options.startBy, options.expired = nil, expired
  redis.call('HSET', keyOf(id), 'opts', cjson.encode(options))
end

local function finish(id, caller, timestamp, options)
  local job = keyOf(id)
  setOptions(id, options, now)
  redis.call('HSET', job, 'failedReason', mark, 'finishedOn', now)
  redis.call('HDEL', job, 'defa', 'processedOn')
  redis.call('ZADD', keyOf('failed'), now, id)
  redis.call('ZADD', keyOf(canceledSet('failed')), now, id)
  local own = decodeOptions(options)
  local tags = tagsIn(own)
  addEntry('Canceled', caller, timestamp, id, tags)
  removeEntry('open', caller, id, tags)
  addEvent('failed', id, 'failedReason', mark, 'prev', taken and 'active' or 'waiting')
  publish('failed', id)
  if webhookIn(own) then openWebhooks().tellEnd(id, readFields(job), webhookIn(own)) end
end

if taken then
  -- This step may have been done before, and its reply lost.
  if redis.call('GET', keyOf(taken) .. ':lock') ~= token then return {taken} end
  local startBy = redis.call('ZSCORE', keyOf(START_BY), taken)
  if not startBy then return {} end
  redis.call('ZREM', keyOf(START_BY), taken)
  local caller, timestamp, options = unpack(redis.call('HMGET', keyOf(taken), 'name', 'timestamp', 'opts'))
  if now < tonumber(startBy) then
    setOptions(taken, options)
    return {}
  end
  takeBack(taken)
  finish(taken, caller, timestamp, options)
  return {taken}
end

local ended = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', keyOf(START_BY), '-inf', now, 'LIMIT', 0, most)) do
  local caller, timestamp, finishedOn, options = unpack(redis.call('HMGET', keyOf(id), 'name', 'timestamp', 'finishedOn', 'opts'))
  local isWaiting = caller and not finishedOn and withdraw(id, caller) + redis.call('ZREM', keyOf('delayed'), id) > 0
  if isWaiting then
    finish(id, caller, timestamp, options)
    ended[#ended + 1] = id
  end
  -- A worker decides about a job that it has just taken.
  if isWaiting or not caller or finishedOn then redis.call('ZREM', keyOf(START_BY), id) end
end
return ended
