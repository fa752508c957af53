-- Adds jobs as BullMQ's `addJob` does, and to the index of unfinished jobs. Own script, because BullMQ's takes no deadline.
-- ARGV: deadline; '1' to read the jobs that already have these ids; '1' if callers take turns, which makes the queue fair
-- from then on; then for each job its id, caller, timestamp, data, options, priority and delay. Replies for each job 0,
-- or the job that there is, its data and its id.
if isLate(ARGV[1]) then return refuseLate() end
if ARGV[3] == '1' and modeOf() ~= 'fair' then setMode('fair') end
local isFair = modeOf() == 'fair'
local place, closeRounds
if isFair then place, closeRounds = openRounds() end
local replies, entries, added, hasNew = {}, {}, {}, false
local MOST_TWINS = 50

-- BullMQ sorts delayed jobs by time in the upper bits, and by order of arrival in the lower 12.
local function delay(id, time)
  local key, first = keyOf('delayed'), time * 0x1000
  local last = redis.call('ZREVRANGEBYSCORE', key, first + 0xfff, first, 'WITHSCORES', 'LIMIT', 0, 1)[2]
  redis.call('ZADD', key, last and math.min(tonumber(last) + 1, first + 0xfff) or first, id)
  addEvent('delayed', id, 'delay', string.format('%.0f', time))
  local next = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]
  redis.call('ZADD', keyOf('marker'), tonumber(next) / 0x1000, '1')
end

-- The job that waits for its first attempt with the same deduplication id. It is the newest with the tag, or near it, since clocks differ.
local function waitingTwin(caller, own)
  local dedupe = own.submission and own.submission.dedupe
  if not dedupe then return end
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  for _, id in ipairs(redis.call('ZREVRANGE', indexOfTag('open', dedupe.tag, caller), 0, MOST_TWINS - 1)) do
    local begun, ended, timestamp, options = unpack(redis.call('HMGET', keyOf(id), 'processedOn', 'finishedOn', 'timestamp', 'opts'))
    local twin = decodeOptions(options)
    local last, startBy = ((twin.submission or NONE).dedupe or NONE)['until'], twin.startBy
    if timestamp and not begun and not ended and (not last or last > now) and (not startBy or startBy > now) then
      return id, dedupe.mode
    end
  end
end

-- Takes over the input of a new submission, and leaves what tells the earlier one from its replays.
local function replaceInput(job, data)
  local function endOf(text)
    return text:sub(-300):match(',"fingerprint":"[%w_.-]*","addition":"[%w-]*"}$') or '}'
  end
  redis.call('HSET', job, 'data', data:sub(1, -1 - #endOf(data)) .. endOf(redis.call('HGET', job, 'data')))
end

for i = 4, #ARGV, 7 do
  local id, caller, timestamp, data, options, priority, delayMs = unpack(ARGV, i, i + 6)
  local job, reply, own = keyOf(id), 0, decodeOptions(options)
  -- Expired jobs are taken out of the set of prioritized jobs without a search, which the list would need.
  local level = isFair and UNPLACED or levelOf(own.startBy and priority == '0' and LOWEST_PRIORITY or tonumber(priority))
  local isNew = redis.call('EXISTS', job) == 0
  local twin, mode
  if isNew then twin, mode = waitingTwin(caller, own) end
  if twin then
    if mode == 'last' then replaceInput(keyOf(twin), data) end
    reply = {readJob(keyOf(twin)), redis.call('HGET', keyOf(twin), 'data'), twin}
  elseif isNew then
    redis.call('ZADD', indexOf('open', caller), timestamp, id)
    entries[#entries + 1], entries[#entries + 2], added[#added + 1] = timestamp, id, id
    redis.call('HSET', job, 'name', caller, 'data', data, 'opts', options, 'timestamp', timestamp, 'delay', delayMs,
      'priority', level == 0 and priority or level)
    if own.startBy then redis.call('ZADD', keyOf(START_BY), own.startBy, id) end
    if webhookIn(own) then redis.call('ZADD', keyOf(UNTOLD), timestamp, id) end
    for _, tag in ipairs(tagsIn(own)) do
      redis.call('ZADD', indexOfTag('open', tag, caller), timestamp, id)
      redis.call('ZADD', indexOfTag('open', tag), timestamp, id)
    end
    redis.call('XADD', keyOf('events'), '*', 'event', 'added', 'jobId', id, 'name', caller)
    if delayMs ~= '0' then
      delay(id, tonumber(timestamp) + tonumber(delayMs))
    else
      if isFair then place(id, caller, priorityIn(own)) else enqueue(id, caller, level, own, 'LPUSH') end
      addEvent('waiting', id)
      hasNew = true
    end
  elseif ARGV[2] == '1' then
    reply = {readJob(job), redis.call('HGET', job, 'data'), id}
  end
  replies[#replies + 1] = reply
end
if #added > 0 then
  if isFair then closeRounds() end
  redis.call('ZADD', indexOfAll('open'), unpack(entries))
  -- Apart from the changes: a process that follows some jobs does not receive each submission.
  redis.call('PUBLISH', keyOf('added'), table.concat(added, '\n'))
end
if hasNew then wakeWorker() end
return replies
