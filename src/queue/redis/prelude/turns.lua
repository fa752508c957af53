-- Stands behind common.lua before the scripts that move jobs which wait for a worker.

-- In a fair queue each caller has one job in a round, and rounds go one after the other. They are places in BullMQ's set of prioritized
-- jobs, behind those of jobs that were there before the queue was fair. Jobs in one round go in the order of their arrival. All of them have
-- BullMQ's lowest priority, so that what its scripts put back waits behind the rounds, until place-jobs.lua gives it a place.
local ROUNDS_FROM, ROUND = (LOWEST_PRIORITY + 1) * 0x100000000, 0x1000
local UNPLACED = 2097151
local UNPLACED_FROM = UNPLACED * 0x100000000
local function roundOf(score)
  local place = tonumber(score)
  return place and place >= ROUNDS_FROM and place < UNPLACED_FROM and math.floor((place - ROUNDS_FROM) / ROUND)
end

-- The functions that know the rounds. Most scripts need none of them, and Lua makes functions anew at each run.
local function openRounds()
  local prioritized, rounds = keyOf('prioritized'), keyOf('rounds')
  -- The round whose turn it is. They begin anew when no job waits, and would last for years otherwise.
  local range = redis.call('ZRANGEBYSCORE', prioritized, ROUNDS_FROM, UNPLACED_FROM - 1, 'WITHSCORES', 'LIMIT', 0, 1)
  local first = roundOf(range[2])
  if not first then redis.call('DEL', rounds) end
  first = first or 1

  -- The order of a caller's waiting jobs by priority, from the first one with a priority on: a set that may hold jobs that wait no more.
  local ORDER, ORDER_NEW, ORDER_SECONDS = 0x10000000000, 0x8000000000, 3600
  -- The most jobs that one with a priority moves back, because each costs a command. Of more, the last one of these goes to the end.
  local MOVED_BACK, PRUNED = 100, 8
  -- The most open jobs of a caller, from the oldest on, that are looked through for the order: Redis does nothing else meanwhile.
  local ORDERED = 5000
  -- Lets a job go before those of its caller with a lower priority, by giving each of them the place of the next one.
  local function goBefore(id, caller, priority, at, number, isOrdered)
    local order = keyOf('order:' .. caller)
    if not isOrdered then
      for index, other in ipairs(redis.call('ZRANGE', indexOf('open', caller), 0, ORDERED - 1)) do
        if roundOf(redis.call('ZSCORE', prioritized, other)) then
          local level = priorityIn(decodeOptions(redis.call('HGET', keyOf(other), 'opts')))
          redis.call('ZADD', order, (9 - level) * ORDER + index, other)
        end
      end
    end
    redis.call('ZADD', order, (9 - priority) * ORDER + ORDER_NEW + number, id)
    redis.call('EXPIRE', order, ORDER_SECONDS)
    for _, other in ipairs(redis.call('ZRANGE', order, 0, PRUNED - 1)) do
      if not redis.call('ZSCORE', prioritized, other) then redis.call('ZREM', order, other) end
    end
    local rank = redis.call('ZRANK', order, id)
    local ids, scores = {id}, {at}
    for _, other in ipairs(redis.call('ZRANGE', order, rank + 1, rank + MOVED_BACK)) do
      local score = redis.call('ZSCORE', prioritized, other)
      if roundOf(score) then
        ids[#ids + 1], scores[#scores + 1] = other, tonumber(score)
      else
        redis.call('ZREM', order, other)
      end
    end
    if #ids == 1 then return end
    table.sort(scores)
    for i = 1, #ids do redis.call('ZADD', prioritized, scores[i], ids[i]) end
  end

  local AT_ONCE, MAX_ARGUMENTS = 8, 1000
  local number, counted = 0, 0
  local function placeIn(round)
    if number == counted then
      counted = redis.call('INCRBY', keyOf('pc'), AT_ONCE)
      number = counted - AT_ONCE
    end
    number = number + 1
    return ROUNDS_FROM + round * ROUND + number % ROUND
  end

  -- What is read of each caller, and is written in the end, so that a batch of jobs costs few commands.
  local known, places = {}, {}
  local function writePlaces()
    if #places > 0 then redis.call('ZADD', prioritized, unpack(places)) end
    places = {}
  end
  -- Puts a job that waits for a worker into the next round of its caller.
  local function place(id, caller, priority)
    local own = known[caller]
    if not own then
      own = {next = first, isOrdered = redis.call('EXISTS', keyOf('order:' .. caller)) == 1}
      local last = tonumber(redis.call('HGET', rounds, caller))
      -- A caller without other jobs begins anew: the last ones may have been canceled.
      if last and last >= first and redis.call('ZCARD', indexOf('open', caller)) > 1 then own.next = last + 1 end
      known[caller] = own
    end
    local at = placeIn(own.next)
    own.next = own.next + 1
    places[#places + 1], places[#places + 2] = at, id
    if priority > 0 or own.isOrdered then
      writePlaces()
      goBefore(id, caller, priority, at, number, own.isOrdered)
      own.isOrdered = true
    elseif #places > MAX_ARGUMENTS then
      writePlaces()
    end
  end

  -- To be called after all others. Of each caller, the last round that it has a job in is kept. Rounds that are over say nothing, and are
  -- dropped when there are twice as many as before.
  local MIN_KEPT = 1000
  local function close()
    writePlaces()
    local isNew = false
    for caller, own in pairs(known) do
      isNew = redis.call('HSET', rounds, caller, own.next - 1) == 1 or isNew
    end
    if not isNew then return end
    local kept = redis.call('HLEN', rounds)
    if kept <= tonumber(redis.call('HGET', rounds, '') or MIN_KEPT) then return end
    local all = redis.call('HGETALL', rounds)
    for i = 1, #all, 2 do
      if all[i] ~= '' and tonumber(all[i + 1]) < first then kept = kept - redis.call('HDEL', rounds, all[i]) end
    end
    redis.call('HSET', rounds, '', math.max(MIN_KEPT, 2 * kept))
  end
  -- Puts a job into the round whose turn it is, before or behind the others there.
  local function placeNow(id, isFirst)
    redis.call('ZADD', prioritized, isFirst and ROUNDS_FROM + first * ROUND or placeIn(first), id)
  end
  return place, close, placeNow
end

-- Takes a job that waits for a worker away from there. Replies with 1 if it was there.
local function withdraw(id, caller)
  local score = redis.call('ZSCORE', keyOf('prioritized'), id)
  if not score then return redis.call('LREM', keyOf('wait'), 0, id) end
  redis.call('ZREM', keyOf('prioritized'), id)
  local round = roundOf(score)
  if round and tonumber(redis.call('HGET', keyOf('rounds'), caller)) == round then redis.call('HINCRBY', keyOf('rounds'), caller, -1) end
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
    local place, close = openRounds()
    place(id, caller, priorityIn(options))
    return close()
  end
  local level = levelOf(priority)
  if level == 0 then redis.call(command, keyOf('wait'), id) else prioritize(id, level) end
end
