-- Makes a delivery due at once, unless a process attempts it at this moment, or it has changed. ARGV: the job's id, the time of its end, the
-- caller, the receiver, what had come of it, and what takes the place of that. Replies 1 if it is due now.
local webhooks = openWebhooks()
local id, endedAt, caller, receiver, before, state = unpack(ARGV)
local group, job = webhooks.groupOf(caller, receiver), keyOf(id)
if redis.call('HGET', job, 'delivery:' .. endedAt) ~= before then return 0 end
local due, now = tonumber(redis.call('ZSCORE', webhooks.setOf(group), webhooks.memberOf(id, endedAt))), webhooks.now()
if due and due % 1 ~= 0 and due > now then return 0 end
redis.call('HSET', job, 'delivery:' .. endedAt, state)
redis.call('ZADD', webhooks.setOf(group), now, webhooks.memberOf(id, endedAt))
webhooks.lookAgain(group)
return 1
