-- Corrects entries of the index that a reader met: a crash, or another program on the queue, left them where their jobs are not.
-- ARGV: caller, or nothing for the index over all callers; tag, or nothing; then for each entry its set, the id, the set where the job belongs by the reader's read ('none': in no list), and the
-- job's end by that read.
local caller, tag = ARGV[1], ARGV[2]
local function index(set)
  if tag ~= '' then return indexOfTag(set, tag, caller ~= '' and caller) end
  return caller == '' and indexOfAll(set) or indexOf(set, caller)
end
local function hasTag(options)
  for _, own in ipairs(tagsOf(options)) do
    if own == tag then return true end
  end
  return tag == ''
end
for i = 3, #ARGV, 4 do
  local set, id, right, finished = unpack(ARGV, i, i + 3)
  local job = keyOf(id)
  local owner, timestamp, finishedOn, options = unpack(redis.call('HMGET', job, 'name', 'timestamp', 'finishedOn', 'opts'))
  if not timestamp or (caller ~= '' and owner ~= caller) or right == 'none' or not hasTag(options) then
    redis.call('ZREM', index(set), id)
  -- A worker that ends a job writes the entry first, so one that runs, or that has changed since, is left alone.
  elseif (finishedOn or '') == finished and redis.call('EXISTS', job .. ':lock') == 0 then
    redis.call('ZADD', index(right), timestamp, id)
    if set ~= right then redis.call('ZREM', index(set), id) end
  end
end
return 0
