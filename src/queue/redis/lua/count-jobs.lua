-- Replies with the numbers of jobs that wait or run, and of those that finished; then with the same by the index over all callers.
local waiting = redis.call('LLEN', keyOf('wait')) + redis.call('LLEN', keyOf('active'))
for _, set in ipairs({'prioritized', 'delayed', 'waiting-children'}) do waiting = waiting + redis.call('ZCARD', keyOf(set)) end
local indexed = 0
for _, set in ipairs(FINAL_SETS) do indexed = indexed + redis.call('ZCARD', indexOfAll(set)) end
return {waiting, redis.call('ZCARD', keyOf('completed')) + redis.call('ZCARD', keyOf('failed')), redis.call('ZCARD', indexOfAll('open')), indexed}
