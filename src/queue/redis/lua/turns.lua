-- Stands behind common.lua before the scripts that move jobs which wait for a worker.

-- In a fair queue each caller has one job in a round, and rounds go one after the other. They are places in BullMQ's set of prioritized
-- jobs, behind those of jobs that were there before the queue was fair. Jobs in one round go in the order of their arrival. All of them have
-- BullMQ's lowest priority, so that what its scripts put back waits behind the rounds, until place-jobs.lua gives it a place.
local ROUNDS_FROM, ROUND = (LOWEST_PRIORITY + 1) * 0x100000000, 0x1000
local UNPLACED = 2097151
local UNPLACED_FROM = UNPLACED * 0x100000000
local prioritized, rounds = keyOf('prioritized'), keyOf('rounds')
local function roundOf(score)
  local place = tonumber(score)
  return place and place >= ROUNDS_FROM and place < UNPLACED_FROM and math.floor((place - ROUNDS_FROM) / ROUND)
end
local function placeIn(round, count)
  return ROUNDS_FROM + round * ROUND + count % ROUND
end

-- The round whose turn it is. They begin anew when no job waits, and would last for years otherwise.
local first
local function firstRound()
  if not first then
    local range = redis.call('ZRANGEBYSCORE', prioritized, ROUNDS_FROM, UNPLACED_FROM - 1, 'WITHSCORES', 'LIMIT', 0, 1)
    first = roundOf(range[2])
    if not first then redis.call('DEL', rounds) end
    first = first or 1
  end
  return first
end

-- Of each caller the last round that it has a job in. Rounds that are over say nothing, and are dropped when there are twice as many as before.
local MIN_KEPT_ROUNDS = 1000
local function dropRounds()
  local kept = redis.call('HLEN', rounds)
  if kept <= tonumber(redis.call('HGET', rounds, '') or MIN_KEPT_ROUNDS) then return end
  local all = redis.call('HGETALL', rounds)
  for i = 1, #all, 2 do
    if all[i] ~= '' and tonumber(all[i + 1]) < firstRound() then
      redis.call('HDEL', rounds, all[i])
      kept = kept - 1
    end
  end
  redis.call('HSET', rounds, '', math.max(MIN_KEPT_ROUNDS, 2 * kept))
end
local function nextRound(caller)
  local round, last = firstRound(), tonumber(redis.call('HGET', rounds, caller))
  -- A caller without other jobs begins anew: the last ones may have been canceled.
  if last and last >= round and redis.call('ZCARD', indexOf('open', caller)) > 1 then round = last + 1 end
  if redis.call('HSET', rounds, caller, round) == 1 then dropRounds() end
  return round
end

-- The order of a caller's waiting jobs by priority, from the first one with a priority on: a set that may hold jobs that wait no more.
local ORDER, ORDER_NEW, ORDER_SECONDS = 0x10000000000, 0x8000000000, 3600
-- The most jobs that one with a priority moves back, because each costs a command. Of more, the last one of these goes to the end.
local MOVED_BACK = 100
local PRUNED = 8
local function buildOrder(order, caller)
  for index, id in ipairs(redis.call('ZRANGE', indexOf('open', caller), 0, -1)) do
    if roundOf(redis.call('ZSCORE', prioritized, id)) then
      local priority = priorityIn(decodeOptions(redis.call('HGET', keyOf(id), 'opts')))
      redis.call('ZADD', order, (9 - priority) * ORDER + index, id)
    end
  end
end
-- Lets a job go before those of its caller with a lower priority, by giving each of them the place of the next one.
local function goBefore(id, caller, priority, at, count)
  local order = keyOf('order:' .. caller)
  local isKept = redis.call('EXISTS', order) == 1
  if priority == 0 and not isKept then return end
  if not isKept then buildOrder(order, caller) end
  redis.call('ZADD', order, (9 - priority) * ORDER + ORDER_NEW + count, id)
  redis.call('EXPIRE', order, ORDER_SECONDS)
  for _, other in ipairs(redis.call('ZRANGE', order, 0, PRUNED - 1)) do
    if not redis.call('ZSCORE', prioritized, other) then redis.call('ZREM', order, other) end
  end
  local rank = redis.call('ZRANK', order, id)
  local ids, places = {id}, {at}
  for _, other in ipairs(redis.call('ZRANGE', order, rank + 1, rank + MOVED_BACK)) do
    local score = redis.call('ZSCORE', prioritized, other)
    if roundOf(score) then
      ids[#ids + 1], places[#places + 1] = other, tonumber(score)
    else
      redis.call('ZREM', order, other)
    end
  end
  if #ids == 1 then return end
  table.sort(places)
  for i = 1, #ids do redis.call('ZADD', prioritized, places[i], ids[i]) end
end

-- Puts a job that waits for a worker into the next round of its caller.
local function place(id, caller, priority)
  local count = redis.call('INCR', keyOf('pc'))
  local at = placeIn(nextRound(caller), count)
  redis.call('ZADD', prioritized, at, id)
  goBefore(id, caller, priority, at, count)
end

-- Takes a job that waits for a worker away from there. Replies with 1 if it was there.
local function withdraw(id, caller)
  local score = redis.call('ZSCORE', prioritized, id)
  if not score then return redis.call('LREM', keyOf('wait'), 0, id) end
  redis.call('ZREM', prioritized, id)
  local round = roundOf(score)
  if round and tonumber(redis.call('HGET', rounds, caller)) == round then redis.call('HINCRBY', rounds, caller, -1) end
  return 1
end

-- Takes a job away from its worker: BullMQ refuses whatever that says of a job whose lock is gone.
local function takeBack(id)
  redis.call('DEL', keyOf(id) .. ':lock')
  redis.call('SREM', keyOf('stalled'), id)
  redis.call('LREM', keyOf('active'), 1, id)
end

-- Puts a job where BullMQ's workers look for it: the list, the set of those with a priority, or the rounds.
-- `priority` is BullMQ's, and `options` has the submission's.
local function enqueue(id, caller, priority, options, command)
  if modeOf() == 'fair' then
    redis.call('HSET', keyOf(id), 'priority', UNPLACED)
    return place(id, caller, priorityIn(options))
  end
  local level = levelOf(priority)
  if level == 0 then redis.call(command, keyOf('wait'), id) else prioritize(id, level) end
end

-- Puts a job before others: at the end of the list, whose last one is next, before those of its priority, or into the round whose turn it is.
local function putFirst(id)
  if modeOf() == 'fair' then
    return redis.call('ZADD', prioritized, placeIn(firstRound(), redis.call('INCR', keyOf('pc'))), id)
  end
  local level = tonumber(redis.call('HGET', keyOf(id), 'priority') or 0)
  if level == 0 then redis.call('RPUSH', keyOf('wait'), id) else redis.call('ZADD', prioritized, level * 0x100000000, id) end
end

-- The jobs of a caller that run, by the tokens of their locks, and those that were parked and are to run next, with an empty token. The key
-- outlives every job that runs.
local SLOT_SECONDS = 2592000
-- The last time that BullMQ's set of delayed jobs can hold.
local PARKED = 0x1FFFFFFFFFFFFF
local function slotsOf(caller) return keyOf('slots:' .. caller) end
local function parkedOf(caller) return keyOf('parked:' .. caller) end
-- How many more jobs of a caller may run. Those of a worker that was killed count until their locks expire.
local function freeSlots(caller, most)
  local slots = slotsOf(caller)
  local free = most - redis.call('HLEN', slots)
  if free > 0 then return free end
  local held = redis.call('HGETALL', slots)
  for i = 1, #held, 2 do
    local id, token = held[i], held[i + 1]
    local isHeld = redis.call('GET', keyOf(id) .. ':lock') == token
    if token == '' then
      local parked, finishedOn = unpack(redis.call('HMGET', keyOf(id), 'parked', 'finishedOn'))
      isHeld = parked and not finishedOn and not redis.call('ZSCORE', keyOf('delayed'), id)
    end
    if not isHeld then
      redis.call('HDEL', slots, id)
      free = free + 1
    end
  end
  return free
end
