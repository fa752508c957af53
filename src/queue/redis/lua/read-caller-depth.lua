-- Replies with the number of a caller's jobs that wait: its unfinished jobs, in the index of lists, but for those that run.
-- ARGV: the caller.
local running = 0
for _, id in ipairs(redis.call('LRANGE', keyOf('active'), 0, -1)) do
  if redis.call('HGET', keyOf(id), 'name') == ARGV[1] then running = running + 1 end
end
return math.max(0, redis.call('ZCARD', keyOf('index:open:' .. ARGV[1])) - running)
