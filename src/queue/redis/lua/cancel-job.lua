-- Ends a job that waits, marks one that runs, and leaves one that is finished, in one step. BullMQ has no such operation.
-- ARGV: id, time, the mark, '1' to end only a job that has the mark, deadline. Replies with the job after that step, or nothing if it was finished.
local id, now, mark, onlyMarked = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
if isLate(ARGV[5]) then return refuseLate() end
local job = keyOf(id)
local caller, timestamp, startedOn, finishedOn, deferredFailure, parent, options = unpack(redis.call('HMGET', job, 'name', 'timestamp',
  'processedOn', 'finishedOn', 'defa', 'parentKey', 'opts'))
if not caller or finishedOn then return false end
if onlyMarked == '1' and deferredFailure ~= mark then return false end
local own = decodeOptions(options)
local tags = tagsIn(own)
addEntry('Canceled', caller, timestamp, id, tags)
local removed = 0
-- A child of a flow is ended by a worker, so that BullMQ moves its parent on.
if not parent then
  removed = withdraw(id, caller)
  for _, set in ipairs({'delayed', 'waiting-children'}) do
    removed = removed + redis.call('ZREM', keyOf(set), id)
  end
  -- Without its lock it has lost its worker, whose later replies BullMQ refuses.
  if redis.call('EXISTS', job .. ':lock') == 0 then removed = removed + redis.call('LREM', keyOf('active'), 0, id) end
end
if removed == 0 then
  -- A worker that takes up a job with `defa` fails it with that reason. BullMQ removes `defa` then. `canceled` stays, and names the run
  -- that it is about: BullMQ's own retry of the job begins another one.
  redis.call('HSET', job, 'defa', mark, 'canceled', startedOn or '')
  publish('cancelRequested', id)
  return readJob(job)
end
redis.call('HSET', job, 'failedReason', mark, 'finishedOn', now)
redis.call('HDEL', job, 'defa')
redis.call('ZADD', keyOf('failed'), now, id)
redis.call('ZADD', keyOf(canceledSet('failed')), now, id)
removeEntry('open', caller, id, tags)
addEvent('failed', id, 'failedReason', mark, 'prev', 'waiting')
publish('failed', id)
if webhookIn(own) then openWebhooks().tellEnd(id, readFields(job), webhookIn(own)) end
return readJob(job)
