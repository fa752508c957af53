-- Replies with the time in milliseconds since 1970 of the node of a cluster that has the queue.
local now = redis.call('TIME')
return now[1] * 1000 + math.floor(now[2] / 1000)
