-- Adds jobs as another store had them, in any state, unless they are there already. BullMQ adds only new ones.
-- ARGV: for each job its id, caller, time of creation, place ('wait', or BullMQ's set), priority or score there, the index of lists that
-- it belongs to, how many texts follow, and with these the fields of its hash. Replies with the ids of the added jobs.
local added = {}
local i = 1
while i <= #ARGV do
  local id, caller, timestamp, where, score, set, count = unpack(ARGV, i, i + 6)
  local job = keyOf(id)
  if redis.call('EXISTS', job) == 0 then
    if set == 'Canceled' then redis.call('ZADD', keyOf(canceledSet(where)), score, id) end
    redis.call('HSET', job, unpack(ARGV, i + 7, i + 6 + count))
    local own = decodeOptions(redis.call('HGET', job, 'opts'))
    addEntry(set, caller, timestamp, id, tagsIn(own))
    if set == 'open' and own.startBy then redis.call('ZADD', keyOf(START_BY), own.startBy, id) end
    if set == 'open' and webhookIn(own) then redis.call('ZADD', keyOf(UNTOLD), timestamp, id) end
    if where == 'wait' then
      enqueue(id, caller, tonumber(score), own, 'LPUSH')
    else
      redis.call('ZADD', keyOf(where), score, id)
    end
    added[#added + 1] = id
  end
  i = i + 7 + count
end
if #added > 0 then wakeWorker() end
return added
