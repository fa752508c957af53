-- Stands behind common.lua before the scripts that know of webhooks. A delivery is a field of its job's hash, so that whatever removes a job
-- removes it: `delivery:` and the time of the end, with what came of it so far, '' at first. Of an end that a retry may take back,
-- `ended:` and that time has the job's fields. Those that are to be sent are in a set for each caller and receiver, by when they are
-- due: half a millisecond more says until when a process may attempt it. `webhooks` has these sets by when to look at each, and
-- `webhooks:open` the jobs whose next end is to be told.

-- The functions are made where they are needed: most jobs have no webhook.
local function openWebhooks()
  local MOST_DELIVERIES = 20
  local groups = keyOf('webhooks')

  local function now()
    local time = redis.call('TIME')
    return time[1] * 1000 + math.floor(time[2] / 1000)
  end
  local function groupOf(caller, receiver)
    return caller .. '\n' .. receiver
  end
  local function setOf(group)
    return keyOf('webhooks:' .. group)
  end
  local function memberOf(id, endedAt)
    return id .. ' ' .. endedAt
  end

  -- Says when to look at a group: when its first delivery is due.
  local function lookAgain(group, notBefore)
    local first = redis.call('ZRANGE', setOf(group), 0, 0, 'WITHSCORES')[2]
    if not first then return redis.call('ZREM', groups, group) end
    redis.call('ZADD', groups, math.max(tonumber(first), notBefore or 0), group)
  end

  -- The times of the ends of which a job has deliveries, the first ones first.
  local function endsOf(job)
    local ends = {}
    for _, field in ipairs(redis.call('HKEYS', job)) do ends[#ends + 1] = field:match('^delivery:(%d+)$') end
    table.sort(ends)
    return ends
  end

  local function forget(id, caller, webhook, endedAt)
    redis.call('HDEL', keyOf(id), 'delivery:' .. endedAt, 'ended:' .. endedAt)
    redis.call('ZREM', setOf(groupOf(caller, webhook.receiver)), memberOf(id, endedAt))
  end
  local function forgetAll(id, caller, webhook)
    redis.call('ZREM', keyOf(UNTOLD), id)
    for _, endedAt in ipairs(endsOf(keyOf(id))) do forget(id, caller, webhook, endedAt) end
    lookAgain(groupOf(caller, webhook.receiver))
  end

  -- Makes the delivery of a job's end, once. `fields` as readFields has them.
  local function tellEnd(id, fields, webhook)
    local job, caller, endedAt = keyOf(id), fields[1], fields[4]
    if not caller or not endedAt then return end
    redis.call('ZREM', keyOf(UNTOLD), id)
    if redis.call('HSETNX', job, 'delivery:' .. endedAt, '') == 0 then return end
    -- A job that succeeded stays as it is. One that succeeded in spite of its cancellation may be retried.
    if not fields[5] or fields[7] or fields[8] then
      local ended = {unpack(fields, 1, 12)}
      ended[5] = false
      redis.call('HSET', job, 'ended:' .. endedAt, cjson.encode(ended))
    end
    local ends = endsOf(job)
    for i = 1, #ends - MOST_DELIVERIES do forget(id, caller, webhook, ends[i]) end
    local group = groupOf(caller, webhook.receiver)
    redis.call('ZADD', setOf(group), now(), memberOf(id, endedAt))
    lookAgain(group)
  end

  return {
    groups = groups, now = now, groupOf = groupOf, setOf = setOf, memberOf = memberOf, lookAgain = lookAgain, endsOf = endsOf,
    forgetAll = forgetAll, tellEnd = tellEnd,
  }
end
