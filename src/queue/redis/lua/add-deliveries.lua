-- Adds deliveries as another store had them, unless they are there already. ARGV: the job's id, the caller, the receiver; then for each the time
-- of the end, what came of it so far, the job as it ended, or '', and when it is due, or ''.
local webhooks = openWebhooks()
local id, caller, receiver = unpack(ARGV)
local job, group = keyOf(id), webhooks.groupOf(caller, receiver)
if redis.call('EXISTS', job) == 0 then return 0 end
for i = 4, #ARGV, 4 do
  local endedAt, state, ended, due = unpack(ARGV, i, i + 3)
  if redis.call('HSETNX', job, 'delivery:' .. endedAt, state) == 1 then
    if ended ~= '' then redis.call('HSET', job, 'ended:' .. endedAt, ended) end
    if due ~= '' then redis.call('ZADD', webhooks.setOf(group), due, webhooks.memberOf(id, endedAt)) end
  end
end
webhooks.lookAgain(group)
return 1
