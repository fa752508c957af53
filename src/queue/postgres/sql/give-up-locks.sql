-- The first check for stalled jobs takes all jobs of the process that was killed, without waiting until their locks expire.
UPDATE bullmq.job SET locked_until_ms = 0, stalled_marked = true WHERE state = 'active'
