-- Replies with id and token of each running job whose lock is a worker's. ARGV: what its tokens begin with; the time since which the
-- jobs may have been started.
local locks = {}
for _, id in ipairs(redis.call('LRANGE', keyOf('active'), 0, -1)) do
  local token = redis.call('GET', keyOf(id) .. ':lock')
  local startedAt = tonumber(redis.call('HGET', keyOf(id), 'processedOn') or 0)
  if token and token:sub(1, #ARGV[1]) == ARGV[1] and startedAt >= tonumber(ARGV[2]) then locks[#locks + 1] = {id, token} end
end
return locks
