-- Replies with the number of jobs that wait for a worker, whether the queue is paused, start and end of the last that succeeded, the ids
-- of the first that wait, in their order, and whether callers take turns. ARGV: how many of those that succeeded, and of those that wait.
local times = {}
for i, id in ipairs(redis.call('ZREVRANGE', keyOf('completed'), 0, ARGV[1] - 1)) do
  times[i] = redis.call('HMGET', keyOf(id), 'processedOn', 'finishedOn')
end
local most = tonumber(ARGV[2])
local listed, firsts = redis.call('LRANGE', keyOf('wait'), -most, -1), {}
for i = #listed, 1, -1 do firsts[#firsts + 1] = listed[i] end
if #firsts < most then
  for _, id in ipairs(redis.call('ZRANGE', keyOf('prioritized'), 0, most - #firsts - 1)) do firsts[#firsts + 1] = id end
end
return {redis.call('LLEN', keyOf('wait')) + redis.call('ZCARD', keyOf('prioritized')),
  redis.call('HEXISTS', keyOf('meta'), 'paused'), times, firsts, modeOf() == 'fair' and 1 or 0}
