-- How many deliveries wait, or are being attempted. ARGV: the most groups that are counted.
local webhooks = openWebhooks()
local count = 0
for _, group in ipairs(redis.call('ZRANGE', webhooks.groups, 0, ARGV[1] - 1)) do count = count + redis.call('ZCARD', webhooks.setOf(group)) end
return count
