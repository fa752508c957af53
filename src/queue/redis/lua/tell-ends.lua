-- Makes the deliveries of jobs that ended without one: a worker was killed right after its job's end, or another program ended the job.
-- ARGV: a cursor, '0' at first; about how many jobs. Replies with the next cursor, '0' at the end, and how many deliveries it made.
local webhooks = openWebhooks()
local next, scanned = unpack(redis.call('ZSCAN', keyOf(UNTOLD), ARGV[1], 'COUNT', ARGV[2]))
local told = 0
for i = 1, #scanned, 2 do
  local id = scanned[i]
  local caller, endedAt = unpack(redis.call('HMGET', keyOf(id), 'name', 'finishedOn'))
  if not caller then
    redis.call('ZREM', keyOf(UNTOLD), id)
  elseif endedAt then
    local fields = readFields(keyOf(id))
    local webhook = webhookIn(decodeOptions(fields[12]))
    if webhook then
      webhooks.tellEnd(id, fields, webhook)
      told = told + 1
    else
      redis.call('ZREM', keyOf(UNTOLD), id)
    end
  end
end
return {next, told}
