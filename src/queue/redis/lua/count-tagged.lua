-- Counts the jobs of a batch by their status. The index has a job in several sets for a moment while it ends, and for longer after a crash or
-- a cancellation while it ran: then the job itself decides. BullMQ's own tools remove jobs without their entries.
-- ARGV: tag; caller, or nothing for any; the mark of canceled jobs. Replies with the caller and the creation of one job, and the numbers that are pending,
-- running, succeeded, failed and canceled; or nothing without any.
local tag, caller, canceledMark = ARGV[1], ARGV[2] ~= '' and ARGV[2] or nil, ARGV[3]
local SETS = {'open', unpack(FINAL_SETS)}
local keys, counts, ambiguous = {}, {}, {}
for i, set in ipairs(SETS) do
  keys[i] = indexOfTag(set, tag, caller)
  counts[i] = redis.call('ZCARD', keys[i])
  for j = 1, i - 1 do
    if counts[i] > 0 and counts[j] > 0 then
      for _, id in ipairs(redis.call('ZINTER', 2, keys[i], keys[j])) do ambiguous[id] = true end
    end
  end
end

local function setOf(id)
  local name, _, startedOn, finishedOn, result, reason, mark, canceled = unpack(readFields(keyOf(id)), 1, 8)
  if not name then return nil end
  if not finishedOn then return 'open' end
  if mark == canceledMark or (canceled and canceled == startedOn) then return 'Canceled' end
  if result then return 'Succeeded' end
  return reason == canceledMark and 'Canceled' or 'Failed'
end
for id in pairs(ambiguous) do
  local right = setOf(id)
  for i, set in ipairs(SETS) do
    if set ~= right and redis.call('ZSCORE', keys[i], id) then counts[i] = counts[i] - 1 end
  end
end

local open = redis.call('ZRANGE', keys[1], 0, -1)
local jobs = {}
for i, id in ipairs(open) do jobs[i] = keyOf(id) end
if #open > 0 and redis.call('EXISTS', unpack(jobs)) < #open then
  for i, id in ipairs(open) do
    if not ambiguous[id] and redis.call('EXISTS', jobs[i]) == 0 then counts[1] = counts[1] - 1 end
  end
end
local running = 0
if counts[1] > 0 then
  for _, id in ipairs(redis.call('LRANGE', keyOf('active'), 0, -1)) do
    if redis.call('ZSCORE', keys[1], id) then running = running + redis.call('EXISTS', keyOf(id) .. ':lock') end
  end
end

for i, count in ipairs(counts) do
  if count > 0 then
    for _, id in ipairs(redis.call('ZRANGE', keys[i], 0, -1)) do
      local owner, createdAt = unpack(redis.call('HMGET', keyOf(id), 'name', 'timestamp'))
      if owner then return {owner, createdAt, counts[1] - running, running, unpack(counts, 2)} end
    end
  end
end
return false
