-- How many APIs and workers use the database: each has a session that listens for jobs and for what happens to them.
SELECT count(*)::integer AS users FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid() AND query ~* 'LISTEN\s+"?bullmq'
