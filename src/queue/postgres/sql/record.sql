queue, id, name, state::text, deferred_failure, (opts ->> 'canceled' = processed_at_ms::text) IS TRUE AS canceled, progress,
return_value::text AS result, failed_reason, stacktrace, attempts_made, max_attempts,
{{retention}} AS retention_ms, opts #>> '{telemetry,metadata}' AS trace, opts -> 'submission' AS submission, opts ? 'output' AS has_output,
(opts ->> 'expired' = finished_at_ms::text) IS TRUE AS expired, added_at_ms::float8, processed_at_ms::float8, finished_at_ms::float8
