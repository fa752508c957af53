-- Stores output of a job that a worker runs behind the output that the job has, and publishes how far that goes now. What BullMQ logs of a job has no
-- bounds, no marks, and no check of who writes.
-- ARGV: id, token of the lock, name of the run, number of the attempt, how many pieces of the run were stored before, the most bytes of a job's output,
-- the bytes that each piece counts as at least; then the JSON of each piece. Replies with how many of these are stored now, or -1 if the worker no
-- longer has the job.
local id, token, run, attempt = unpack(ARGV, 1, 4)
local from, most, least = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local job = keyOf(id)
local list = outputOf(job)
if redis.call('GET', job .. ':lock') ~= token then return -1 end
local used, lastRun, ofRun, made, options = unpack(redis.call('HMGET', job, 'output', 'outputRun', 'outputCount', 'atm', 'opts'))
if tonumber(made or 0) + 1 ~= tonumber(attempt) then return -1 end

local before = 0
if used then
  before = redis.call('LLEN', list)
  -- A further run begins with a mark, which is a piece without JSON.
  if lastRun ~= run then
    redis.call('RPUSH', list, attempt .. '\n')
    used = used + least
  end
else
  if #ARGV < 8 then return 0 end
  -- What a job with the same id left that another program has removed.
  redis.call('UNLINK', list)
  used = 0
  redis.call('HSET', job, 'opts', '{"output":true' .. (options:find('^{%s*}') and '' or ',') .. options:sub(2))
  redis.call('ZADD', keyOf(OUTPUTS), redis.call('TIME')[1], id)
end
-- A step may have been done before, and its reply lost.
local count = math.max(from, lastRun == run and tonumber(ofRun) or 0)
for i = 8 + count - from, #ARGV do
  local cost = math.max(least, #ARGV[i])
  if used + cost > most then break end
  redis.call('RPUSH', list, attempt .. '\n' .. ARGV[i])
  used = used + cost
  count = count + 1
end
redis.call('HSET', job, 'output', used, 'outputRun', run, 'outputCount', count)
local last = redis.call('LLEN', list)
if last > before then publish('output', id, last) end
return count - from
