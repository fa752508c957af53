-- Adds output to a job that another store had, but for what it has already. $1 queue, $2 id, arrays: $3 sequences, $4 attempts, $5 JSON; $6 the bytes
-- that each piece counts as at least
INSERT INTO accepted_queue.job_output (queue, id, sequence, attempt, json, used, run, place)
SELECT $1, $2, sequence, attempt, json,
       last.used + sum(greatest($6::integer, octet_length(json))) OVER (ORDER BY sequence), '', 0
  FROM unnest($3::integer[], $4::integer[], $5::text[]) AS piece(sequence, attempt, json),
       (SELECT coalesce(max(used), 0) AS used, coalesce(max(sequence), 0) AS end
          FROM accepted_queue.job_output AS kept WHERE kept.queue = $1 AND kept.id = $2) AS last
 WHERE sequence > last.end AND EXISTS (SELECT FROM bullmq.job WHERE job.queue = $1 AND job.id = $2)
