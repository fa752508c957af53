-- Reads jobs, each in one step: BullMQ's `getJob` and `getState` are two reads, between which a job may end. ARGV: ids.
local replies = {}
for i, id in ipairs(ARGV) do replies[i] = readJob(keyOf(id)) end
return replies
