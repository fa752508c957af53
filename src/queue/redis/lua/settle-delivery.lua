-- Keeps what came of an attempt, unless another process has taken the delivery since. ARGV: the job's id, the time of its end, the caller, the
-- receiver, until when it might be attempted, what came of it, and milliseconds until it is due again, or '' if it is done. Replies 1 if it
-- was kept.
local webhooks = openWebhooks()
local id, endedAt, caller, receiver, leasedUntil, state, wait = unpack(ARGV)
local group, job = webhooks.groupOf(caller, receiver), keyOf(id)
if tonumber(redis.call('ZSCORE', webhooks.setOf(group), webhooks.memberOf(id, endedAt))) ~= tonumber(leasedUntil) then return 0 end
local isThere = redis.call('HEXISTS', job, 'delivery:' .. endedAt) == 1
if isThere then redis.call('HSET', job, 'delivery:' .. endedAt, state) end
if isThere and wait ~= '' then
  redis.call('ZADD', webhooks.setOf(group), webhooks.now() + tonumber(wait), webhooks.memberOf(id, endedAt))
else
  redis.call('ZREM', webhooks.setOf(group), webhooks.memberOf(id, endedAt))
end
webhooks.lookAgain(group)
return 1
