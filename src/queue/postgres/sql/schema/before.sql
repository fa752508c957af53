-- Refuses a statement that PostgreSQL runs after its caller stopped waiting, so that nothing refused is done later.
CREATE OR REPLACE FUNCTION accepted_queue.before(deadline double precision) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
  BEGIN
    IF extract(epoch FROM clock_timestamp()) * 1000 > deadline THEN
      RAISE EXCEPTION '{{late}} PostgreSQL reached the statement after its deadline' USING ERRCODE = 'query_canceled';
    END IF;
    RETURN true;
  END $$
