-- Replies with the number of jobs that wait for a worker, for their time or for their children, in one step.
return redis.call('LLEN', keyOf('wait')) + redis.call('ZCARD', keyOf('prioritized'))
  + redis.call('ZCARD', keyOf('delayed')) + redis.call('ZCARD', keyOf('waiting-children'))
