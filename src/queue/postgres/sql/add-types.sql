-- Keeps the names of job types, of which a later version may have removed some. No job type has an empty name. $1 names
INSERT INTO bullmq.meta (queue, field, value) SELECT '', 'type:' || name, '' FROM unnest($1::text[]) AS types(name) ON CONFLICT DO NOTHING
