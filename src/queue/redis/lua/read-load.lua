-- Replies with the numbers of jobs that wait for a worker, that wait for a time or for their children, and that run; and for the first of
-- each list of waiting jobs, what tells since when it waits.
local firsts = {redis.call('LINDEX', keyOf('wait'), -1), redis.call('ZRANGE', keyOf('prioritized'), 0, 0)[1]}
local times = {}
for _, id in pairs(firsts) do
  if id then times[#times + 1] = redis.call('HMGET', keyOf(id), 'timestamp', 'processedOn', 'progress', 'opts') end
end
return {redis.call('LLEN', keyOf('wait')) + redis.call('ZCARD', keyOf('prioritized')),
  redis.call('ZCARD', keyOf('delayed')) + redis.call('ZCARD', keyOf('waiting-children')), redis.call('LLEN', keyOf('active')), times}
