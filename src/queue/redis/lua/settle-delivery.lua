-- Keeps what came of an attempt, unless another process has taken the delivery since. ARGV: the job's id, the time of its end, the caller, the
-- receiver, until when it might be attempted, what came of it, and milliseconds until it is due again, or '' if it is done. Replies 1 if it
-- was kept.
local id, endedAt, caller, receiver, leasedUntil, state, wait = unpack(ARGV)
local group, job = groupOf(caller, {receiver = receiver}), keyOf(id)
if tonumber(redis.call('ZSCORE', setOf(group), memberOf(id, endedAt))) ~= tonumber(leasedUntil) then return 0 end
local isThere = redis.call('HEXISTS', job, 'delivery:' .. endedAt) == 1
if isThere then redis.call('HSET', job, 'delivery:' .. endedAt, state) end
if isThere and wait ~= '' then
  redis.call('ZADD', setOf(group), nowMs() + tonumber(wait), memberOf(id, endedAt))
else
  redis.call('ZREM', setOf(group), memberOf(id, endedAt))
end
lookAgain(group)
return 1
