-- Stands behind turns.lua before the scripts that bound how many jobs of a caller run at once.

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
