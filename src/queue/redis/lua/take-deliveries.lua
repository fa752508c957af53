-- Takes deliveries that are due, for a time, after which others may take them. ARGV: the most in all, of a caller's to one receiver, and of a
-- caller; that time in milliseconds; then, for the callers and groups of whose deliveries the process attempts some, each with its number.
-- Replies for each with the job's id, the time of the end, the caller, the receiver, until when it may be attempted, what came of it so
-- far, and the job's fields at the end, if they are kept.
local webhooks = openWebhooks()
local most, perGroup, perCaller, lease = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
-- The most groups of a step. Of more, those that may have no more wait until the others were looked at.
local MOST_GROUPS, SKIPPED_MS = 500, 1000
local busy = {}
for i = 5, #ARGV, 2 do busy[ARGV[i]] = tonumber(ARGV[i + 1]) end
local now, taken = webhooks.now(), {}
local groups = redis.call('ZRANGEBYSCORE', webhooks.groups, '-inf', now, 'LIMIT', 0, MOST_GROUPS)
for _, group in ipairs(groups) do
  local caller, receiver = group:match('^(.-)\n(.*)$')
  local free = math.min(most - #taken, perGroup - (busy[group] or 0), perCaller - (busy[caller] or 0))
  if free > 0 then
    for _, member in ipairs(redis.call('ZRANGEBYSCORE', webhooks.setOf(group), '-inf', now, 'LIMIT', 0, free)) do
      local id, endedAt = member:match('^(.-) (.*)$')
      local state, ended = unpack(redis.call('HMGET', keyOf(id), 'delivery:' .. endedAt, 'ended:' .. endedAt))
      if state then
        local leasedUntil = string.format('%.1f', now + lease + 0.5)
        redis.call('ZADD', webhooks.setOf(group), leasedUntil, member)
        taken[#taken + 1] = {id, endedAt, caller, receiver, leasedUntil, state, ended}
        busy[caller], busy[group] = (busy[caller] or 0) + 1, (busy[group] or 0) + 1
      else
        redis.call('ZREM', webhooks.setOf(group), member)
      end
    end
  end
  if most > #taken then webhooks.lookAgain(group, free <= 0 and #groups == MOST_GROUPS and now + SKIPPED_MS or 0) end
end
return taken
