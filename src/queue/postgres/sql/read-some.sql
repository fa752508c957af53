-- Reads jobs one by one until their results have too many characters: the length of a result is known only when it was read.
-- $1 queue, $2 ids, $3 characters. `read` is how many of the ids were looked at.
WITH RECURSIVE places AS (
  SELECT 1 AS place, 0::bigint AS characters
  UNION ALL
  SELECT place + 1, characters + coalesce(
           (SELECT length(return_value::text) FROM bullmq.job WHERE job.queue = $1 AND job.id = ($2::text[])[place]), 0)
    FROM places WHERE characters <= $3::bigint AND place < cardinality($2::text[])
)
SELECT {{record}}, (SELECT max(place) FROM places WHERE characters <= $3::bigint) AS read
  FROM places JOIN bullmq.job ON job.queue = $1 AND job.id = ($2::text[])[place]
 WHERE characters <= $3::bigint
