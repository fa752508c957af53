-- Removes jobs that finished up to a time, with their index entries, and what BullMQ's events hold from before that time: results,
-- reasons of failures, progress. BullMQ's own removal by age runs only when another job finishes, and keeps the events.
-- ARGV: time, the most jobs to remove of each state. Replies with the number of removed jobs.
local removed = 0
for _, state in ipairs({'completed', 'failed'}) do
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', keyOf(state), '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])) do
    local job = keyOf(id)
    local caller, deduplicationId = unpack(redis.call('HMGET', job, 'name', 'deid'))
    if caller then
      redis.call('ZREM', indexOf('open', caller), id)
      for _, set in ipairs(FINAL_SETS) do redis.call('ZREM', indexOf(set, caller), id) end
    end
    if deduplicationId and redis.call('GET', keyOf('de:' .. deduplicationId)) == id then
      redis.call('DEL', keyOf('de:' .. deduplicationId))
    end
    redis.call('DEL', job, job .. ':logs', job .. ':dependencies', job .. ':processed', job .. ':failed', job .. ':unsuccessful')
    redis.call('ZREM', keyOf(state), id)
    removed = removed + 1
  end
end
-- Redis dates an event a moment after the worker dates the end of its job.
redis.call('XTRIM', keyOf('events'), 'MINID', string.format('%.0f', ARGV[1] + 1000))
return removed
