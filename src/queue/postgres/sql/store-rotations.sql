-- Keeps when a caller's secret was replaced. $1 caller, $2 JSON
INSERT INTO bullmq.meta (queue, field, value) VALUES ('', 'webhook-secret:' || $1::text, $2)
    ON CONFLICT (queue, field) DO UPDATE SET value = excluded.value
