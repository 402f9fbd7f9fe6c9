-- Who may act for which merchants. What the levels may do is the list in
-- 99_access.sql.
--
-- As oid, so that a row goes with a role that is renamed and not with another
-- one that is given its name later; a dump writes the name.
CREATE TABLE ganje.access (
    role regrole NOT NULL,
    level text NOT NULL CHECK (level IN ('checkout', 'fulfilment', 'operator')),
    merchant_id text CHECK (merchant_id <> ''),
    UNIQUE NULLS NOT DISTINCT (role, level, merchant_id)
);
-- No primary key, for that it may be NULL; and a publication of all tables must not keep anybody from revoking.
ALTER TABLE ganje.access REPLICA IDENTITY FULL;
COMMENT ON TABLE ganje.access IS 'What grant_access has granted; a row that is inserted, or deleted, grants and revokes.';
COMMENT ON COLUMN ganje.access.merchant_id IS 'whose data alone the role has to do with; NULL: every merchant''s';

CREATE FUNCTION ganje.may_see(merchant text, VARIADIC levels text[]) RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'gl_access_may_see';
COMMENT ON FUNCTION ganje.may_see(text, text[]) IS
'Whether the current user may have to do with a merchant''s rows, at one of the levels; without levels: unless anybody is confined to one merchant.';

CREATE FUNCTION ganje.may_act(merchant text, VARIADIC levels text[]) RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'gl_access_may_act';
COMMENT ON FUNCTION ganje.may_act(text, text[]) IS
'Whether the role that is logged in may act for a merchant, at one of the levels: may_see as a function asks that has the owner''s rights.';

CREATE FUNCTION ganje.check_merchant(merchant text, VARIADIC levels text[]) RETURNS void
LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'gl_access_check_merchant';
COMMENT ON FUNCTION ganje.check_merchant(text, text[]) IS
'Raises where may_act answers false: what every function asks first that has the owner''s rights and to do with one merchant''s data.';

-- A role that is no more, or not in the other cluster, would be a number there.
SELECT pg_catalog.pg_extension_config_dump('ganje.access', 'WHERE EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.oid = role)');
