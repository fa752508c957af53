-- Corrects entries of the index that a reader met: a crash, or another program on the queue, left them where their jobs are not.
-- ARGV: caller, or nothing for the index over all callers; then for each entry its set, the id, the set where the job belongs by the reader's read ('none': in no list), and the
-- job's end by that read.
local caller = ARGV[1]
local function index(set)
  return caller == '' and indexOfAll(set) or indexOf(set, caller)
end
for i = 2, #ARGV, 4 do
  local set, id, right, finished = unpack(ARGV, i, i + 3)
  local job = keyOf(id)
  local owner, timestamp, finishedOn = unpack(redis.call('HMGET', job, 'name', 'timestamp', 'finishedOn'))
  if not timestamp or (caller ~= '' and owner ~= caller) or right == 'none' then
    redis.call('ZREM', index(set), id)
  -- A worker that ends a job writes the entry first, so one that runs, or that has changed since, is left alone.
  elseif (finishedOn or '') == finished and redis.call('EXISTS', job .. ':lock') == 0 then
    redis.call('ZADD', index(right), timestamp, id)
    if set ~= right then redis.call('ZREM', index(set), id) end
  end
end
return 0
