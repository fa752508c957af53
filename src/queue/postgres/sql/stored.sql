id, seq::text, name, state::text, data::text, opts::text AS options, priority, delay_ms::float8, max_attempts, attempts_made,
progress::text, return_value::text AS result, failed_reason, stacktrace::text AS traces,
deferred_failure = {{canceled}} OR opts ->> 'canceled' = processed_at_ms::text AS marked,
added_at_ms::float8, process_at_ms::float8, processed_at_ms::float8, finished_at_ms::float8, stalled_count,
parent_id IS NOT NULL OR state = 'waiting-children' AS in_flow
