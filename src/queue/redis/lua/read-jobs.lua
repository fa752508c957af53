-- Reads jobs, each in one step: BullMQ's `getJob` and `getState` are two reads, between which a job may end. Stops after the job
-- with which the results have more than two million bytes, so that other commands do not wait for long. ARGV: ids.
local replies = {}
local bytes = 0
for i, id in ipairs(ARGV) do
  replies[i] = readJob(keyOf(id))
  bytes = bytes + #(replies[i][1][5] or '')
  if bytes > 2000000 then break end
end
return replies
