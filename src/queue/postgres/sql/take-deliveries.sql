-- Takes deliveries that are due, for a time, after which others may take them. There is always a row, which says how many groups were looked at,
-- and which was the last: an index has them in order.
-- $1 the most in all, $2 of a caller's to one receiver, $3 of a caller, $4 that time in milliseconds, $5 callers and groups of whose
-- deliveries the process attempts some, $6 how many of each, $7 and $8 caller and receiver after which it begins, $9 the most groups
WITH RECURSIVE clock AS (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now),
busy AS (SELECT * FROM unnest($5::text[], $6::integer[]) AS busy(name, number)),
groups AS (
  (SELECT caller, receiver, 1 AS place FROM accepted_queue.deliveries
    WHERE due_at IS NOT NULL AND (caller, receiver) > ($7::text, $8::text) ORDER BY caller, receiver LIMIT 1)
  UNION ALL
  SELECT next.caller, next.receiver, place + 1 FROM groups CROSS JOIN LATERAL (
    SELECT caller, receiver FROM accepted_queue.deliveries
     WHERE due_at IS NOT NULL AND (caller, receiver) > (groups.caller, groups.receiver) ORDER BY caller, receiver LIMIT 1) AS next
   WHERE place < $9::integer
),
open AS (
  SELECT groups.*, $2::integer - coalesce(of_group.number, 0) AS free, $3::integer - coalesce(of_caller.number, 0) AS free_of_caller
    FROM groups LEFT JOIN busy AS of_group ON of_group.name = groups.caller || E'\n' || receiver
                LEFT JOIN busy AS of_caller ON of_caller.name = groups.caller
),
due AS (
  SELECT found.*, row_number() OVER (PARTITION BY found.caller ORDER BY due_at) <= free_of_caller AS fits
    FROM open CROSS JOIN clock CROSS JOIN LATERAL (
      SELECT queue, job_id, ended_at, caller, due_at FROM accepted_queue.deliveries AS waiting
       WHERE waiting.caller = open.caller AND waiting.receiver = open.receiver AND due_at <= now
       ORDER BY due_at LIMIT greatest(0, least(free, free_of_caller)) FOR UPDATE SKIP LOCKED) AS found
),
taken AS (
  UPDATE accepted_queue.deliveries AS kept SET due_at = now + $4::bigint, leased = true
    FROM clock, (SELECT * FROM due WHERE fits ORDER BY due_at LIMIT $1::integer) AS next
   WHERE kept.queue = next.queue AND kept.job_id = next.job_id AND kept.ended_at = next.ended_at
RETURNING kept.*)
SELECT looked.*, taken.queue, job_id, ended_at::float8, taken.caller, taken.receiver, due_at::float8, state, ended
  FROM (SELECT count(*)::integer AS groups, max(caller) FILTER (WHERE place = $9::integer) AS last_caller,
               max(receiver) FILTER (WHERE place = $9::integer) AS last_receiver FROM groups) AS looked
  LEFT JOIN taken ON true
