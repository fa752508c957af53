-- Lets parked jobs wait for a worker, as many as their callers may have: those of one caller, of which a job has left its worker, or those
-- of some callers, in case that a process ended before it said so. ARGV: the most jobs of a caller; the most callers; the id of the job that
-- has left its worker, or ''. Replies with the number of callers of which jobs are parked still.
local most, left = tonumber(ARGV[1]), ARGV[3]

-- Puts a job before others: at the end of the list, whose last one is next, before those of its priority, or into the round whose turn it is.
local function putFirst(id)
  if modeOf() == 'fair' then
    local _, _, placeNow = openRounds()
    return placeNow(id, false)
  end
  local level = tonumber(redis.call('HGET', keyOf(id), 'priority') or 0)
  if level == 0 then redis.call('RPUSH', keyOf('wait'), id) else redis.call('ZADD', keyOf('prioritized'), level * 0x100000000, id) end
end

local function unpark(caller)
  local parked = parkedOf(caller)
  if redis.call('EXISTS', parked) == 1 then
    for _ = 1, freeSlots(caller, most) do
      local id
      repeat
        id = redis.call('ZPOPMIN', parked)[1]
      -- One that is not there any more has been canceled.
      until not id or redis.call('ZREM', keyOf('delayed'), id) == 1
      if not id then break end
      redis.call('HSET', slotsOf(caller), id, '')
      putFirst(id)
      addEvent('waiting', id, 'prev', 'delayed')
      wakeWorker()
    end
  end
  if redis.call('EXISTS', parked) == 0 then redis.call('SREM', keyOf('parking'), caller) end
end

if left ~= '' then
  local caller = redis.call('HGET', keyOf(left), 'name')
  if caller then
    redis.call('HDEL', slotsOf(caller), left)
    unpark(caller)
  end
else
  for _, caller in ipairs(redis.call('SRANDMEMBER', keyOf('parking'), ARGV[2])) do unpark(caller) end
end
return redis.call('SCARD', keyOf('parking'))
