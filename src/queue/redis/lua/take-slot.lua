-- Lets a job that a worker has taken run, if few enough of its caller's do, and otherwise parks it among the delayed jobs until one of them has
-- ended: it has not begun then. BullMQ bounds all jobs of a queue together. ARGV: its id, the token of its lock, the most jobs of a caller.
-- Replies with 'run'; 'parked'; or 'lost' if the worker no longer has the job.
local id, token, most = ARGV[1], ARGV[2], tonumber(ARGV[3])
local job = keyOf(id)
if redis.call('GET', job .. ':lock') ~= token then return 'lost' end
local caller, options = unpack(redis.call('HMGET', job, 'name', 'opts'))
local slots = slotsOf(caller)
if redis.call('HEXISTS', slots, id) == 1 or freeSlots(caller, most) > 0 then
  redis.call('HDEL', job, 'parked')
  redis.call('HSET', slots, id, token)
  redis.call('EXPIRE', slots, SLOT_SECONDS)
  return 'run'
end
takeBack(id)
redis.call('HDEL', job, 'processedOn')
redis.call('HINCRBY', job, 'ats', -1)
redis.call('HSET', job, 'parked', '1')
redis.call('ZADD', keyOf('delayed'), PARKED, id)
redis.call('ZADD', parkedOf(caller), (9 - priorityIn(decodeOptions(options))) * 0x10000000000 + redis.call('INCR', keyOf('parkings')), id)
redis.call('SADD', keyOf('parking'), caller)
addEvent('waiting', id, 'prev', 'active')
publish('waiting', id)
return 'parked'
