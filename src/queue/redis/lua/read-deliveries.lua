-- Reads the deliveries of a job. ARGV: its id, the caller, the receiver. Replies for each with the time of the end, what came of it so far, the
-- job's fields at the end, if they are kept, and its place in the set of those that are to be sent.
local webhooks = openWebhooks()
local id, caller, receiver = unpack(ARGV)
local job, deliveries = keyOf(id), {}
for i, endedAt in ipairs(webhooks.endsOf(job)) do
  local state, ended = unpack(redis.call('HMGET', job, 'delivery:' .. endedAt, 'ended:' .. endedAt))
  local due = redis.call('ZSCORE', webhooks.setOf(webhooks.groupOf(caller, receiver)), webhooks.memberOf(id, endedAt))
  deliveries[i] = {endedAt, state, ended, due}
end
return deliveries
