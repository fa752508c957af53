-- Publishes what BullMQ's scripts did to jobs, and takes finished jobs out of the index of unfinished ones.
-- ARGV: the mark of canceled jobs; then for each change its event, the job's id, and its detail.
local MAX_PUBLISHED = 65536
-- Lua passes a few thousand values at most.
local AT_ONCE = 1000
local canceledMark = ARGV[1]

-- What each set of the index loses.
local removed = {}
local function remove(key, id)
  removed[key] = removed[key] or {}
  table.insert(removed[key], id)
end

for i = 2, #ARGV, 3 do
  local event, id, detail = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local hasHappened = true
  if event == 'completed' or event == 'failed' then
    local fields = readFields(keyOf(id))
    local caller, _, startedOn, finishedOn, result, reason, mark, canceled = unpack(fields, 1, 8)
    -- BullMQ refuses to end a job whose lock is lost, and a caller may have retried it since.
    hasHappened = finishedOn
    if caller and finishedOn then
      local isCanceled = reason == canceledMark or mark == canceledMark or (canceled and canceled == startedOn)
      remove(indexOf('open', caller), id)
      remove(indexOfAll('open'), id)
      local own = decodeOptions(fields[12])
      if webhookIn(own) then openWebhooks().tellEnd(id, fields, webhookIn(own)) end
      for _, tag in ipairs(tagsIn(own)) do
        remove(indexOfTag('open', tag, caller), id)
        remove(indexOfTag('open', tag), id)
      end
      if isCanceled then redis.call('ZADD', keyOf(canceledSet(event)), finishedOn, id) end
    end
    -- All of a job that succeeded, so that no follower has to read it; a large result is read by those who want it.
    if finishedOn and result and not mark and not canceled and #result <= MAX_PUBLISHED then detail = cjson.encode(fields) end
  end
  if hasHappened then publish(event, id, detail) end
end
for key, ids in pairs(removed) do
  for i = 1, #ids, AT_ONCE do redis.call('ZREM', key, unpack(ids, i, math.min(i + AT_ONCE - 1, #ids))) end
end
return 0
