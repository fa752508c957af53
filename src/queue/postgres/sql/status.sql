CASE state
  WHEN 'active' THEN 'Running'
  WHEN 'completed' THEN CASE WHEN deferred_failure = {{canceled}} THEN 'Canceled' ELSE 'Succeeded' END
  WHEN 'failed' THEN CASE WHEN failed_reason = {{canceled}} OR opts ->> 'canceled' = processed_at_ms::text THEN 'Canceled' ELSE 'Failed' END
  ELSE 'Pending'
END
