-- A part of a job's output, a piece a row, with what says who may read it and whether there will be more. A job without further output is one row
-- without a piece; no row: there is no such job. $1 queue, $2 id, $3 the sequence after which it begins, $4 the most bytes, of which one piece may have
-- more, $5 the most pieces
SELECT job.name, job.added_at_ms::float8, job.finished_at_ms::float8, {{retention}} AS retention_ms, page.*
  FROM bullmq.job LEFT JOIN LATERAL (
    SELECT sequence, attempt, json, has_more FROM (
      SELECT sequence, attempt, json, row_number() OVER (ORDER BY sequence) AS number,
             sum(octet_length(json)) OVER (ORDER BY sequence) AS bytes, lead(true, 1, false) OVER (ORDER BY sequence) AS has_more
        FROM (SELECT sequence, attempt, json FROM accepted_queue.job_output AS kept
               WHERE kept.queue = $1 AND kept.id = $2 AND sequence > $3::integer ORDER BY sequence LIMIT $5::integer + 1) AS next
    ) AS counted
     WHERE number <= $5::integer AND (number = 1 OR coalesce(bytes, 0) <= $4::integer)
  ) AS page ON true
 WHERE job.queue = $1 AND job.id = $2
 ORDER BY page.sequence
