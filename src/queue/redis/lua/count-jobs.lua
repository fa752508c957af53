-- Replies with the numbers of jobs that wait or run, and of those that finished.
local waiting = redis.call('LLEN', keyOf('wait')) + redis.call('LLEN', keyOf('active'))
for _, set in ipairs({'prioritized', 'delayed', 'waiting-children'}) do waiting = waiting + redis.call('ZCARD', keyOf(set)) end
return {waiting, redis.call('ZCARD', keyOf('completed')) + redis.call('ZCARD', keyOf('failed'))}
