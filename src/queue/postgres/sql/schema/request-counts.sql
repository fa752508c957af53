-- The columns are those that rate-limiter-flexible needs. Unlogged: a crash loses no more than the counts of some seconds.
CREATE UNLOGGED TABLE IF NOT EXISTS accepted_queue.request_counts
  (key text PRIMARY KEY, points integer NOT NULL DEFAULT 0, expire bigint)
