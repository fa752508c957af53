-- Adds output to a job that another store had, but for what it has already. ARGV: id, the sequence of the first piece, the bytes that each piece
-- counts as at least; then each piece. Replies with the sequence of the last one.
local id, first, least = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local job = keyOf(id)
if redis.call('EXISTS', job) == 0 then return 0 end
local used = tonumber(redis.call('HGET', job, 'output') or 0)
for i = 4 + math.max(0, redis.call('LLEN', outputOf(job)) + 1 - first), #ARGV do
  redis.call('RPUSH', outputOf(job), ARGV[i])
  used = used + math.max(least, #ARGV[i] - ARGV[i]:find('\n'))
end
redis.call('HSET', job, 'output', used, 'outputRun', '')
redis.call('ZADD', keyOf(OUTPUTS), redis.call('TIME')[1], id)
return redis.call('LLEN', outputOf(job))
