-- Gives the jobs of a fair queue that BullMQ's scripts have put behind all others a place: those that were delayed, those that wait for another
-- attempt, and those that a worker has handed back, which come first. ARGV: the most jobs. Replies with how many there were.
if modeOf() ~= 'fair' then return 0 end
local found = redis.call('ZRANGEBYSCORE', keyOf('prioritized'), UNPLACED_FROM, '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[1])
if #found == 0 then return 0 end
local place, closeRounds, placeNow = openRounds()
for i = 1, #found, 2 do
  local id, isHandedBack = found[i], tonumber(found[i + 1]) == UNPLACED_FROM
  local caller, options = unpack(redis.call('HMGET', keyOf(id), 'name', 'opts'))
  if isHandedBack then
    placeNow(id, true)
  elseif caller then
    place(id, caller, priorityIn(decodeOptions(options)))
  end
end
closeRounds()
return #found / 2
