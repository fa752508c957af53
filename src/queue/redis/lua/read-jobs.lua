-- Reads jobs, each in one step: BullMQ's `getJob` and `getState` are two reads, between which a job may end. Stops after the job
-- with which the results have too many bytes, so that other commands do not wait for long. ARGV: those bytes; ids.
local replies = {}
local bytes = 0
for i = 2, #ARGV do
  local job = readJob(keyOf(ARGV[i]))
  replies[i - 1] = job
  bytes = bytes + #(job[1][5] or '')
  if bytes > tonumber(ARGV[1]) then break end
end
return replies
