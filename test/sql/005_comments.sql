-- Rules of the house that the catalog shows: whatever a query here lists is
-- an offender, but for the last ones, which are lists to be read.
CREATE TEMP TABLE member AS
SELECT d.classid, d.objid, pg_describe_object(d.classid, d.objid, 0) AS what
  FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'ganje_logistics'
 WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e';

-- Everything the extension made is there, so that nothing below is empty for want of members.
SELECT count(*) FILTER (WHERE classid = 'pg_proc'::regclass) > 100 AS functions,
       count(*) FILTER (WHERE classid = 'pg_class'::regclass) > 20 AS relations
  FROM member;

-- Every function (trigger functions too), table, view and type has a comment.
SELECT what FROM member
 WHERE classid = 'pg_proc'::regclass AND obj_description(objid, 'pg_proc') IS NULL ORDER BY 1;
SELECT what FROM member JOIN pg_class AS c ON c.oid = objid
 WHERE classid = 'pg_class'::regclass AND c.relkind IN ('r', 'p', 'v', 'm', 'c')
   AND NOT c.relispartition AND obj_description(objid, 'pg_class') IS NULL ORDER BY 1;
SELECT what FROM member JOIN pg_type AS t ON t.oid = objid
 WHERE classid = 'pg_type'::regclass AND t.typtype IN ('e', 'd') AND obj_description(objid, 'pg_type') IS NULL ORDER BY 1;
-- Nothing in the schema but what belongs to the extension.
SELECT p.oid::regprocedure FROM pg_proc AS p
 WHERE p.pronamespace = 'ganje'::regnamespace AND p.oid NOT IN (SELECT objid FROM member WHERE classid = 'pg_proc'::regclass);

-- PUBLIC may execute nothing, and read and use nothing.
SELECT p.oid::regprocedure FROM pg_proc AS p
 WHERE p.pronamespace = 'ganje'::regnamespace
   AND EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a WHERE a.grantee = 0) ORDER BY 1;
SELECT c.oid::regclass, a.privilege_type FROM pg_class AS c, aclexplode(c.relacl) AS a
 WHERE c.relnamespace = 'ganje'::regnamespace AND a.grantee = 0;
SELECT a.privilege_type FROM pg_namespace AS n, aclexplode(n.nspacl) AS a WHERE n.nspname = 'ganje' AND a.grantee = 0;

-- What runs with the owner's rights fixes its search_path, pg_temp last.
SELECT p.oid::regprocedure, p.proconfig FROM pg_proc AS p
 WHERE p.pronamespace = 'ganje'::regnamespace AND p.prosecdef
   AND NOT EXISTS (SELECT FROM unnest(p.proconfig) AS s WHERE s ~ '^search_path=.*pg_temp$') ORDER BY 1;

-- Every table, and every sequence, is dumped with its rows.
SELECT c.oid::regclass FROM pg_class AS c
 WHERE c.relnamespace = 'ganje'::regnamespace AND c.relkind IN ('r', 'p', 'S') AND NOT c.relispartition
   AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'i')
   AND NOT EXISTS (SELECT FROM pg_extension AS e WHERE e.extname = 'ganje_logistics' AND c.oid = ANY (e.extconfig)) ORDER BY 1;

-- Only what can run in a parallel worker says so: nothing that writes, and no trigger function
-- (the wall clock is volatile and safe, as clock_timestamp() is).
SELECT p.oid::regprocedure, p.provolatile, p.proparallel FROM pg_proc AS p
 WHERE p.pronamespace = 'ganje'::regnamespace AND p.proparallel <> 'u'
   AND (p.prorettype = 'trigger'::regtype OR p.provolatile = 'v') AND p.oid <> 'ganje.clock()'::regprocedure ORDER BY 1;
-- What a parallel safe function in SQL or PL/pgSQL calls must be parallel safe as well.
SELECT p.oid::regprocedure, q.oid::regprocedure AS calls
  FROM pg_proc AS p
  JOIN pg_proc AS q ON q.pronamespace = p.pronamespace AND q.proparallel <> 's'
   AND (p.prosrc ~ ('\mganje\.' || q.proname || '\M\(') OR pg_get_function_sqlbody(p.oid) ~ ('\mganje\.' || q.proname || '\M\('))
 WHERE p.pronamespace = 'ganje'::regnamespace AND p.proparallel = 's' AND p.prolang <> (SELECT oid FROM pg_language WHERE lanname = 'c')
   AND NOT EXISTS (SELECT FROM pg_proc AS r WHERE r.pronamespace = q.pronamespace AND r.proname = q.proname AND r.proparallel = 's')
 ORDER BY 1, 2;
-- An immutable function calls only immutable ones.
SELECT p.oid::regprocedure, q.oid::regprocedure AS calls
  FROM pg_proc AS p
  JOIN pg_proc AS q ON q.pronamespace = p.pronamespace AND q.provolatile <> 'i'
   AND (p.prosrc ~ ('\mganje\.' || q.proname || '\M\(') OR pg_get_function_sqlbody(p.oid) ~ ('\mganje\.' || q.proname || '\M\('))
 WHERE p.pronamespace = 'ganje'::regnamespace AND p.provolatile = 'i'
 ORDER BY 1, 2;

-- Read this list when it changes: these functions have the owner's rights.
SELECT p.oid::regprocedure AS security_definer FROM pg_proc AS p
 WHERE p.pronamespace = 'ganje'::regnamespace AND p.prosecdef
 ORDER BY p.proname COLLATE "C", pg_get_function_identity_arguments(p.oid) COLLATE "C";
