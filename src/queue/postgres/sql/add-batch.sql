-- Adds the jobs of a batch, all or none, and reads one that has its tag then.
-- $1 queue, $2 tag, $3 ids, $4 callers, $5 data, $6 options, $7 times of creation, $8 attempts, $9 priorities, $10 delays, $11 deadline
SELECT {{record}}, data
  FROM accepted_queue.add_batch($1::text, $2::text, $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::integer[],
         $9::integer[], $10::bigint[], $11::float8)
