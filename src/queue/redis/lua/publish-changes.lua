-- Publishes what BullMQ's scripts did to jobs, and takes finished jobs out of the index of unfinished ones.
-- ARGV: the mark of canceled jobs; then for each change its event, the job's id, and its detail.
local MAX_PUBLISHED = 65536
local canceledMark = ARGV[1]
for i = 2, #ARGV, 3 do
  local event, id, detail = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local hasHappened = true
  if event == 'completed' or event == 'failed' then
    local fields = readFields(keyOf(id))
    local caller, startedOn, finishedOn, result, reason, mark, canceled = fields[1], fields[3], fields[4], fields[5], fields[6], fields[7], fields[8]
    -- BullMQ refuses to end a job whose lock is lost, and a caller may have retried it since.
    hasHappened = finishedOn
    if caller and finishedOn then removeEntry('open', caller, id) end
    local isCanceled = reason == canceledMark or mark == canceledMark or (canceled and canceled == startedOn)
    if finishedOn and isCanceled then redis.call('ZADD', keyOf(canceledSet(event)), finishedOn, id) end
    -- All of a job that succeeded, so that no follower has to read it; a large result is read by those who want it.
    if finishedOn and result and not mark and not canceled and #result <= MAX_PUBLISHED then detail = cjson.encode(fields) end
  end
  if hasHappened then publish(event, id, detail) end
end
return 0
