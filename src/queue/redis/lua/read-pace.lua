-- Replies with the number of jobs that wait for a worker, whether the queue is paused, and start and end of the last that succeeded. ARGV: how many of those.
local times = {}
for i, id in ipairs(redis.call('ZREVRANGE', keyOf('completed'), 0, ARGV[1] - 1)) do
  times[i] = redis.call('HMGET', keyOf(id), 'processedOn', 'finishedOn')
end
return {redis.call('LLEN', keyOf('wait')) + redis.call('ZCARD', keyOf('prioritized')),
  redis.call('HEXISTS', keyOf('meta'), 'paused'), times}
