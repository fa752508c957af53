-- Fails on a store that only reads. No job type has an empty name.
INSERT INTO bullmq.meta (queue, field, value) VALUES ('', 'written', now()::text)
    ON CONFLICT (queue, field) DO UPDATE SET value = excluded.value
