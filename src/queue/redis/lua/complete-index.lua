-- Adds jobs of one of BullMQ's lists to the index over all callers: those that an earlier version added or ended, or another program moved.
-- ARGV: the mark of canceled jobs; the name of the list; a cursor, 0 at first; about how many jobs. Replies with the next cursor, '0' at
-- the end.
local mark, name, cursor, count = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local ids, next = {}, '0'
if redis.call('TYPE', keyOf(name)).ok == 'list' then
  ids = redis.call('LRANGE', keyOf(name), cursor, cursor + count - 1)
  if #ids == count then next = string.format('%.0f', cursor + count) end
else
  local scanned = redis.call('ZSCAN', keyOf(name), cursor, 'COUNT', count)
  next = scanned[1]
  for i = 1, #scanned[2], 2 do ids[#ids + 1] = scanned[2][i] end
end
for _, id in ipairs(ids) do
  local timestamp, startedOn, finishedOn, failedReason, deferredFailure, canceled = unpack(redis.call('HMGET', keyOf(id),
    'timestamp', 'processedOn', 'finishedOn', 'failedReason', 'defa', 'canceled'))
  local set = 'open'
  if finishedOn then
    local isCanceled = deferredFailure == mark or failedReason == mark or (canceled and canceled == startedOn)
    set = isCanceled and 'Canceled' or name == 'failed' and 'Failed' or 'Succeeded'
  end
  if timestamp then redis.call('ZADD', indexOfAll(set), timestamp, id) end
end
return next
