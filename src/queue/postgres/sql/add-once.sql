-- Adds one job whose id may be taken, and reads the job that there is then: see schema/add-once.sql.
-- $1 queue, $2 id, $3 caller, $4 data, $5 options, $6 time of creation, $7 attempts, $8 priority, $9 delay,
-- $10 deadline
SELECT {{record}}, data
  FROM accepted_queue.add_once($1::text, $2::text, $3::text, $4::jsonb, $5::jsonb, $6::bigint, $7::integer,
         $8::integer, $9::bigint, $10::float8)
