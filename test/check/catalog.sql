-- Rules of the house that the catalog shows: a row is a problem.

-- What the extension has made, as the catalog describes it.
WITH member AS (
    SELECT d.classid, d.objid, pg_describe_object(d.classid, d.objid, 0) AS what
      FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'ganje_logistics'
     WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e')
SELECT what || ' has no comment' AS problem
  FROM member
  LEFT JOIN pg_class AS c ON member.classid = 'pg_class'::regclass AND c.oid = member.objid
 WHERE obj_description(member.objid, (SELECT relname FROM pg_class WHERE oid = member.classid)) IS NULL
   AND (member.classid = 'pg_proc'::regclass OR c.relkind IN ('r', 'v', 'p')
        OR member.classid = 'pg_type'::regclass AND EXISTS (
            SELECT FROM pg_type AS t LEFT JOIN pg_class AS tc ON tc.oid = t.typrelid
             WHERE t.oid = member.objid AND t.typcategory <> 'A' AND coalesce(tc.relkind, 'c') = 'c'))
   AND NOT coalesce(c.relispartition, false)
UNION ALL
SELECT format('%s is security definer without a fixed search_path that ends in pg_temp', p.oid::regprocedure)
  FROM member JOIN pg_proc AS p ON member.classid = 'pg_proc'::regclass AND p.oid = member.objid
 WHERE p.prosecdef AND NOT EXISTS (SELECT FROM unnest(p.proconfig) AS s WHERE s ~ '^search_path=.*pg_temp$')
UNION ALL
-- A procedure that commits cannot set anything: test 093_hostile_names sees to that one.
SELECT format('%s is called from outside, and looks its operators up along the caller''s search_path', p.oid::regprocedure)
  FROM member JOIN pg_proc AS p ON member.classid = 'pg_proc'::regclass AND p.oid = member.objid
  JOIN pg_language AS l ON l.oid = p.prolang AND l.lanname IN ('plpgsql', 'sql')
 WHERE p.prosqlbody IS NULL AND p.prokind = 'f'
   AND (p.prorettype = 'trigger'::regtype
        OR EXISTS (SELECT FROM ganje.access_list() AS a WHERE a.object LIKE '%(%' AND to_regprocedure('ganje.' || a.object) = p.oid))
   AND NOT EXISTS (SELECT FROM unnest(p.proconfig) AS s WHERE s ~ '^search_path=.*pg_temp$')
UNION ALL
SELECT format('%s sets one of enable_seqscan and jit off without the other', p.oid::regprocedure)
  FROM member JOIN pg_proc AS p ON member.classid = 'pg_proc'::regclass AND p.oid = member.objid
 WHERE ('enable_seqscan=off' = ANY (p.proconfig)) <> ('jit=off' = ANY (p.proconfig))
UNION ALL
SELECT format('PUBLIC may execute %s', p.oid::regprocedure)
  FROM member JOIN pg_proc AS p ON member.classid = 'pg_proc'::regclass AND p.oid = member.objid
 WHERE EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a WHERE a.grantee = 0)
UNION ALL
SELECT format('%s is not marked for pg_dump', c.oid::regclass)
  FROM member JOIN pg_class AS c ON member.classid = 'pg_class'::regclass AND c.oid = member.objid
 WHERE c.relkind = 'r'
   AND NOT EXISTS (SELECT FROM pg_extension AS e WHERE e.extname = 'ganje_logistics' AND c.oid = ANY (e.extconfig))
ORDER BY 1;
