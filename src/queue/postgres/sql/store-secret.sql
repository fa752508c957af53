-- Stores a secret unless there is one: processes that start together all read the same one. No job type has an empty name.
-- $1 secret
INSERT INTO bullmq.meta (queue, field, value) VALUES ('', 'secret', $1) ON CONFLICT DO NOTHING
