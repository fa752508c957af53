-- Reads a part of a job's output, with what says who may read it and whether there will be more, in one step.
-- ARGV: id, the sequence after which the part begins, the most bytes, of which one piece may have more, and the most pieces. Replies with the job's
-- caller, its times of creation and of the end, its options, the pieces, and whether there are more; or with nothing if there is no such job.
local AT_ONCE = 16
local job = keyOf(ARGV[1])
local after, bytes, most = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local caller, timestamp, finishedOn, options, used = unpack(redis.call('HMGET', job, 'name', 'timestamp', 'finishedOn', 'opts', 'output'))
if not timestamp then return false end

local pieces = {}
local length = used and redis.call('LLEN', outputOf(job)) or 0
local isFull = false
while not isFull and after + #pieces < length do
  local start = after + #pieces
  for _, piece in ipairs(redis.call('LRANGE', outputOf(job), start, start + AT_ONCE - 1)) do
    bytes = bytes - #piece
    isFull = #pieces == most or (bytes < 0 and #pieces > 0)
    if isFull then break end
    pieces[#pieces + 1] = piece
  end
end
return {caller, timestamp, finishedOn, options, pieces, length > after + #pieces and 1 or 0}
