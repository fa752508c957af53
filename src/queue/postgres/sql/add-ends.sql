-- Counts jobs that ended in the present minute. $1 queue, $2 how many succeeded, $3 how many failed
INSERT INTO accepted_queue.job_ends AS ends (queue, minute, succeeded, failed)
VALUES ($1, floor(extract(epoch FROM clock_timestamp()) / 60), $2, $3)
    ON CONFLICT (queue, minute) DO UPDATE
   SET succeeded = ends.succeeded + excluded.succeeded, failed = ends.failed + excluded.failed
