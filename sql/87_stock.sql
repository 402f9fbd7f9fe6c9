-- Where the app says what its stores have in stock.

CREATE TABLE ganje.stock_source (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    source text NOT NULL CHECK (source <> ''),
    registered_by text NOT NULL CHECK (registered_by <> '')
);
COMMENT ON TABLE ganje.stock_source IS 'The function that get_pools and its kin ask what stores have in stock; no row: everything is.';
COMMENT ON COLUMN ganje.stock_source.source IS 'signature of f(store_id text, item_ids text[]) → setof (item_id text, quantity numeric)';
COMMENT ON COLUMN ganje.stock_source.registered_by IS 'role as which the function runs';

-- Backends keep it with the options.
CREATE TRIGGER stock_source_changed AFTER INSERT OR UPDATE OR DELETE ON ganje.stock_source
    FOR EACH ROW EXECUTE FUNCTION ganje.config_changed();
CREATE TRIGGER stock_source_emptied AFTER TRUNCATE ON ganje.stock_source
    FOR EACH STATEMENT EXECUTE FUNCTION ganje.config_changed();
ALTER TABLE ganje.stock_source ENABLE ALWAYS TRIGGER stock_source_changed;
ALTER TABLE ganje.stock_source ENABLE ALWAYS TRIGGER stock_source_emptied;

-- As text: a function's oid does not survive a dump.
CREATE FUNCTION ganje.store_stock_source(source regprocedure, role text) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    answer text[];
BEGIN
    IF source IS NULL THEN
        DELETE FROM ganje.stock_source;
        RETURN;
    END IF;
    SELECT CASE WHEN p.proallargtypes IS NOT NULL
                THEN ARRAY(SELECT a.type::regtype::text FROM unnest(p.proallargtypes, p.proargmodes::text[]) WITH ORDINALITY AS a(type, mode, n)
                            WHERE a.mode IN ('o', 't') ORDER BY a.n)
                ELSE ARRAY(SELECT a.atttypid::regtype::text FROM pg_attribute AS a JOIN pg_type AS t ON t.typrelid = a.attrelid
                            WHERE t.oid = p.prorettype AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum) END
      INTO answer FROM pg_proc AS p
     WHERE p.oid = source AND p.prokind = 'f' AND p.proretset AND oidvectortypes(p.proargtypes) = 'text, text[]';
    IF answer IS DISTINCT FROM '{text,numeric}'::text[] THEN
        RAISE invalid_function_definition USING MESSAGE = format('%s does not fit the contract', source),
            DETAIL = 'A stock source is f(store_id text, item_ids text[]) → setof (item_id text, quantity numeric).';
    END IF;
    IF NOT has_function_privilege(role, source, 'EXECUTE') THEN
        RAISE insufficient_privilege USING MESSAGE = format('role %I may not execute %s', role, source);
    END IF;
    INSERT INTO ganje.stock_source (source, registered_by)
    VALUES ((SELECT format('%I.%I(text,text[])', n.nspname, p.proname) FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace WHERE p.oid = source), role)
        ON CONFLICT (only_row) DO UPDATE SET source = excluded.source, registered_by = excluded.registered_by;
END
$$;
COMMENT ON FUNCTION ganje.store_stock_source(regprocedure, text) IS
'Checks a stock source against its contract, and keeps it with the role that registered it.';

CREATE FUNCTION ganje.set_stock_source(source regprocedure) RETURNS void
LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'gl_stock_set_source';
COMMENT ON FUNCTION ganje.set_stock_source(regprocedure) IS
'Registers f(store_id text, item_ids text[]) → setof (item_id text, quantity numeric), asked once per store of a request, as the role that calls this. An item is in stock where the quantities answered for it sum up to the cart''s; one that is not answered, or with NULL, is in stock. NULL removes the source.';

SELECT pg_catalog.pg_extension_config_dump('ganje.stock_source', '');
