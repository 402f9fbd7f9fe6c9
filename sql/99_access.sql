-- Nobody but the owner may call or read anything, until access is granted.

DO $$
DECLARE
    routine regprocedure;
BEGIN
    FOR routine IN SELECT p.oid::regprocedure FROM pg_catalog.pg_proc AS p WHERE p.pronamespace = 'ganje'::regnamespace LOOP
        EXECUTE format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', routine);
    END LOOP;
END
$$;

-- Where the library is preloaded the launcher looks at this database once the transaction commits.
SELECT ganje.wake_worker();
