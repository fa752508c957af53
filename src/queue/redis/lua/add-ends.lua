-- Counts jobs that ended by the minute, for an hour, and by the hour, for a day. BullMQ's own metrics cannot be read as of now on each of
-- its stores, and count canceled jobs as failed. ARGV: how many succeeded, how many failed.
local MINUTES, HOURS, MAX_KEPT = 61, 25, 200
local minute = math.floor(redis.call('TIME')[1] / 60)
local hour = math.floor(minute / 60)
for index, set in ipairs({'Succeeded', 'Failed'}) do
  local key, count = keyOf('ends:' .. set), tonumber(ARGV[index])
  if count > 0 then
    redis.call('HINCRBY', key, 'm' .. minute, count)
    redis.call('HINCRBY', key, 'h' .. hour, count)
    redis.call('EXPIRE', key, HOURS * 3600)
    if redis.call('HLEN', key) > MAX_KEPT then
      for _, kept in ipairs(redis.call('HKEYS', key)) do
        local oldest = kept:sub(1, 1) == 'm' and minute - MINUTES or hour - HOURS
        if tonumber(kept:sub(2)) < oldest then redis.call('HDEL', key, kept) end
      end
    end
  end
end
return 0
