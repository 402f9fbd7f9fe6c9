-- What each level may do: this list is the one place that says so. What is
-- not in it is for the extension's owner alone, as are the functions that the
-- others call.
--
-- An object of the list is for roles of every merchant; with each_merchant it
-- is also for a role that is confined to one. That a function is safe for such
-- a role is for the function to see to: it asks check_merchant before it reads
-- anything, or has nothing of merchants. Tables see to it by row level
-- security, and views, which have the owner's rights, by may_see.

CREATE FUNCTION ganje.access_list(OUT object text, OUT privilege text, OUT levels text[], OUT each_merchant boolean) RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    VALUES
    -- Where, what and when: the shop's pages.
    ('version()', 'EXECUTE', '{checkout,fulfilment,operator}'::text[], true),
    ('ulid()', 'EXECUTE', '{checkout,fulfilment,operator}', true),
    ('now()', 'EXECUTE', '{checkout,fulfilment,operator}', true),
    ('clock()', 'EXECUTE', '{fulfilment,operator}', true),
    ('may_see(text,text[])', 'EXECUTE', '{checkout,fulfilment,operator}', true),
    ('fold_text(text)', 'EXECUTE', '{checkout,fulfilment,operator}', true),
    ('phone_key(text)', 'EXECUTE', '{checkout,fulfilment,operator}', true),
    ('call(text,jsonb)', 'EXECUTE', '{checkout,fulfilment,operator}', true),
    ('actions()', 'EXECUTE', '{checkout,fulfilment,operator}', true),
    ('near_actions(text)', 'EXECUTE', '{checkout,fulfilment,operator}', true),
    ('edit_distance(text,text)', 'EXECUTE', '{checkout,fulfilment,operator}', true),
    ('verify_webhook_signature(text,jsonb,bytea,timestamp with time zone)', 'EXECUTE', '{checkout,fulfilment,operator}', true),
    ('sign_webhook(text,text,bigint,bytea)', 'EXECUTE', '{checkout,fulfilment,operator}', true),
    ('webhook_key(text)', 'EXECUTE', '{checkout,fulfilment,operator}', true),
    ('hmac_sha256(bytea,bytea)', 'EXECUTE', '{checkout,fulfilment,operator}', true),
    ('same_bytes(bytea,bytea)', 'EXECUTE', '{checkout,fulfilment,operator}', true),
    ('locate_zone(jsonb)', 'EXECUTE', '{checkout,fulfilment,operator}', true),
    ('locate_zone(double precision,double precision)', 'EXECUTE', '{checkout,fulfilment,operator}', true),
    ('locate_zone_by_address(jsonb)', 'EXECUTE', '{checkout,fulfilment,operator}', true),
    ('locate_zone_ids(double precision,double precision)', 'EXECUTE', '{checkout,fulfilment,operator}', true),
    ('locate_zones(double precision,double precision,jsonb)', 'EXECUTE', '{checkout,fulfilment,operator}', true),
    ('get_requirements(jsonb)', 'EXECUTE', '{checkout,fulfilment}', true),
    ('get_pools(jsonb)', 'EXECUTE', '{checkout,fulfilment}', true),
    ('hold_slot(jsonb)', 'EXECUTE', '{checkout,fulfilment}', true),
    ('confirm_hold(text,text,text)', 'EXECUTE', '{checkout,fulfilment}', true),
    ('release_hold(text,text)', 'EXECUTE', '{checkout,fulfilment}', true),
    ('ganje_selected(text,jsonb,text,text)', 'EXECUTE', '{checkout,fulfilment}', true),
    ('track_shipment(jsonb)', 'EXECUTE', '{checkout,fulfilment}', true),
    ('track_shipment(text,text)', 'EXECUTE', '{checkout,fulfilment}', true),
    ('cart', 'SELECT, INSERT, UPDATE, DELETE', '{checkout,fulfilment}', true),
    ('cart_item', 'SELECT, INSERT, UPDATE, DELETE', '{checkout,fulfilment}', true),
    -- Who fulfils: the stores, and the shipments with their recipients.
    ('fulfilment()', 'EXECUTE', '{fulfilment}', true),
    ('explain_pools(jsonb)', 'EXECUTE', '{fulfilment,operator}', true),
    ('get_zone(jsonb)', 'EXECUTE', '{fulfilment,operator}', true),
    ('list_zones(jsonb)', 'EXECUTE', '{fulfilment,operator}', true),
    ('zones_geojson(text[])', 'EXECUTE', '{fulfilment,operator}', true),
    ('zone_map(jsonb,integer,text[])', 'EXECUTE', '{fulfilment,operator}', true),
    ('zone_overlaps(text[])', 'EXECUTE', '{fulfilment,operator}', true),
    ('get_option(jsonb)', 'EXECUTE', '{fulfilment,operator}', true),
    ('get_store(jsonb)', 'EXECUTE', '{fulfilment,operator}', true),
    ('list_stores(jsonb)', 'EXECUTE', '{fulfilment,operator}', true),
    ('get_shipment_provider(jsonb)', 'EXECUTE', '{fulfilment,operator}', true),
    ('list_shipment_providers(jsonb)', 'EXECUTE', '{fulfilment,operator}', true),
    ('upsert_shipment(jsonb)', 'EXECUTE', '{fulfilment}', true),
    ('get_shipment(jsonb)', 'EXECUTE', '{fulfilment}', true),
    ('list_shipments(jsonb)', 'EXECUTE', '{fulfilment}', true),
    ('change_shipment_status(jsonb)', 'EXECUTE', '{fulfilment}', true),
    ('change_shipment_status(text,text,text,text)', 'EXECUTE', '{fulfilment}', true),
    ('shipment_moves(text,text,text)', 'EXECUTE', '{fulfilment}', true),
    ('shipment_journey(jsonb)', 'EXECUTE', '{fulfilment}', true),
    ('start_process(jsonb)', 'EXECUTE', '{fulfilment}', true),
    ('cancel_at_carrier(text,text,text)', 'EXECUTE', '{fulfilment}', true),
    ('ganje_pre_order(text,text,text,text)', 'EXECUTE', '{fulfilment}', true),
    ('poll_shipment(text,text)', 'EXECUTE', '{fulfilment}', true),
    ('notify_order(text,text,text,jsonb)', 'EXECUTE', '{fulfilment}', true),
    ('ginee_ship(text,text,jsonb)', 'EXECUTE', '{fulfilment}', false),
    ('normalized_rank(text)', 'EXECUTE', '{fulfilment,operator}', true),
    ('lat_lng(text)', 'EXECUTE', '{fulfilment,operator}', true),
    ('shipment', 'SELECT', '{fulfilment}', true),
    ('shipment_item', 'SELECT', '{fulfilment}', true),
    ('shipment_parcel', 'SELECT', '{fulfilment}', true),
    ('shipment_event', 'SELECT', '{fulfilment}', true),
    ('hold', 'SELECT', '{fulfilment}', true),
    ('hold_unit', 'SELECT', '{fulfilment}', true),
    ('marketplace_order', 'SELECT', '{fulfilment}', true),
    ('store', 'SELECT', '{fulfilment,operator}', true),
    ('store_rule', 'SELECT', '{fulfilment,operator}', true),
    ('shipment_provider', 'SELECT', '{fulfilment,operator}', true),
    ('zone', 'SELECT', '{fulfilment,operator}', true),
    ('option', 'SELECT', '{fulfilment,operator}', true),
    ('station', 'SELECT', '{fulfilment,operator}', true),
    ('status_mapping', 'SELECT', '{fulfilment,operator}', true),
    ('slot_usage', 'SELECT', '{fulfilment,operator}', true),
    ('parcels_to_collect', 'SELECT', '{fulfilment,operator}', true),
    -- Who runs it: configuration, accounts, outbox, inbox, subscribers.
    ('upsert_option(jsonb)', 'EXECUTE', '{operator}', false),
    ('upsert_zone(jsonb)', 'EXECUTE', '{operator}', false),
    ('upsert_zone(text)', 'EXECUTE', '{operator}', false),
    ('delete_zone(jsonb)', 'EXECUTE', '{operator}', false),
    ('import_zones(jsonb,text,text)', 'EXECUTE', '{operator}', false),
    ('import_zones(text,text,text)', 'EXECUTE', '{operator}', false),
    ('zone_cache_size()', 'EXECUTE', '{operator}', true),
    ('upsert_store(jsonb)', 'EXECUTE', '{operator}', true),
    ('delete_store(jsonb)', 'EXECUTE', '{operator}', true),
    ('upsert_shipment_provider(jsonb)', 'EXECUTE', '{operator}', true),
    ('set_stock_source(regprocedure)', 'EXECUTE', '{operator}', false),
    ('register_carrier(text,text,text,text,text,text,text)', 'EXECUTE', '{operator}', false),
    ('unregister_carrier(text)', 'EXECUTE', '{operator}', false),
    ('set_credential(text,jsonb)', 'EXECUTE', '{operator}', false),
    ('check_credential(text)', 'EXECUTE', '{operator}', false),
    ('unpark_account(text)', 'EXECUTE', '{operator}', false),
    ('refresh_payment_methods(text)', 'EXECUTE', '{operator}', false),
    ('ginee_reconcile(text,timestamp with time zone,timestamp with time zone)', 'EXECUTE', '{operator}', false),
    ('ginee_order_details(text,text[])', 'EXECUTE', '{operator}', false),
    ('status()', 'EXECUTE', '{operator}', false),
    ('worker_pid()', 'EXECUTE', '{operator}', false),
    ('start_worker()', 'EXECUTE', '{operator}', false),
    ('drain(interval)', 'EXECUTE', '{operator}', false),
    ('metrics()', 'EXECUTE', '{operator}', false),
    ('dashboard()', 'EXECUTE', '{operator}', false),
    ('account_traffic(text)', 'EXECUTE', '{operator}', false),
    ('traffic_classes()', 'EXECUTE', '{operator}', false),
    ('latency_bounds()', 'EXECUTE', '{operator}', false),
    ('close_breaker(text)', 'EXECUTE', '{operator}', false),
    ('drain_outbox(interval,bigint)', 'EXECUTE', '{operator}', false),
    ('is_outbox_drained()', 'EXECUTE', '{operator}', false),
    ('outbox_left()', 'EXECUTE', '{operator}', false),
    ('check_drain()', 'EXECUTE', '{operator}', false),
    ('tell_drain(bigint,timestamp with time zone)', 'EXECUTE', '{operator}', false),
    ('retry_dead_letters(text,text,text,text,bigint)', 'EXECUTE', '{operator}', false),
    ('pause_sending(text)', 'EXECUTE', '{operator}', false),
    ('resume_sending(text)', 'EXECUTE', '{operator}', false),
    ('pause_sending()', 'EXECUTE', '{operator}', false),
    ('resume_sending()', 'EXECUTE', '{operator}', false),
    ('retry_request(text,text)', 'EXECUTE', '{operator}', true),
    ('cancel_request(text,text)', 'EXECUTE', '{operator}', true),
    ('receive_webhook(text,text,jsonb)', 'EXECUTE', '{operator}', false),
    ('receive_webhook(text,bytea,jsonb)', 'EXECUTE', '{operator}', false),
    ('reprocess_webhooks(text,text,bigint)', 'EXECUTE', '{operator}', false),
    ('subscribe(text,text[],text[],text,text,boolean,interval)', 'EXECUTE', '{operator}', true),
    ('unsubscribe(text)', 'EXECUTE', '{operator}', true),
    ('enable_subscription(text)', 'EXECUTE', '{operator}', true),
    ('disable_subscription(text,text)', 'EXECUTE', '{operator}', true),
    ('test_subscription(text)', 'EXECUTE', '{operator}', true),
    ('replay_notifications(text,timestamp with time zone,timestamp with time zone)', 'EXECUTE', '{operator}', true),
    ('rotate_subscription_secret(text,interval,text)', 'EXECUTE', '{operator}', true),
    ('system_identifier()', 'EXECUTE', '{operator}', true),
    ('is_poll_settings(jsonb)', 'EXECUTE', '{operator}', false),
    ('trigger_arguments(bytea)', 'EXECUTE', '{operator}', false),
    ('carrier', 'SELECT', '{operator}', false),
    ('carrier_account', 'SELECT, INSERT, UPDATE, DELETE', '{operator}', false),
    ('status_mapping', 'INSERT, UPDATE, DELETE', '{operator}', false),
    ('account_check', 'SELECT', '{operator}', false),
    ('account_refresh', 'SELECT', '{operator}', false),
    ('payment_method', 'SELECT', '{operator}', false),
    ('stock_source', 'SELECT', '{operator}', false),
    ('sending', 'SELECT', '{operator}', false),
    ('order_attachment', 'SELECT', '{operator}', false),
    ('outbox_status', 'SELECT', '{operator}', false),
    ('carrier_health', 'SELECT', '{operator}', false),
    ('outbox', 'SELECT', '{operator}', true),
    ('outbox_delivery', 'SELECT', '{operator}', true),
    ('outbox_attempt', 'SELECT', '{operator}', true),
    ('outbox_log', 'SELECT', '{operator}', true),
    ('dead_letters', 'SELECT', '{operator}', true),
    ('shipment_poll', 'SELECT', '{operator}', true),
    ('webhook_inbox', 'SELECT', '{operator}', true),
    ('webhook_inbox', 'INSERT', '{operator}', false),
    ('subscription', 'SELECT', '{operator}', true),
    ('subscription_status', 'SELECT', '{operator}', false),
    ('notification', 'SELECT', '{operator}', true);
END;
COMMENT ON FUNCTION ganje.access_list() IS
'What each level may do; each_merchant: also a role that is confined to one merchant. What is not listed is for the extension''s owner alone.';

-- One GRANT or REVOKE. A function that is not there any more raises.
CREATE FUNCTION ganje.access_statement(verb text, privilege text, object text, role regrole) RETURNS text
LANGUAGE sql STABLE
RETURN format('%s %s ON %s %s %s %s', verb, privilege, CASE WHEN object LIKE '%(%' THEN 'ROUTINE' ELSE 'TABLE' END,
              CASE WHEN object LIKE '%(%' THEN ('ganje.' || object)::regprocedure::text ELSE ('ganje.' || object)::regclass::text END,
              CASE verb WHEN 'GRANT' THEN 'TO' ELSE 'FROM' END, role);
COMMENT ON FUNCTION ganje.access_statement(text, text, text, regrole) IS 'The statement that grants or revokes an entry of access_list.';

CREATE FUNCTION ganje.access_of(role regrole) RETURNS TABLE (object text, privilege text)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT l.object, p.privilege FROM ganje.access_list() AS l, string_to_table(l.privilege, ', ') AS p(privilege)
     WHERE EXISTS (SELECT FROM ganje.access AS a
                    WHERE a.role = access_of.role AND a.level = ANY (l.levels) AND (a.merchant_id IS NULL OR l.each_merchant));
END;
COMMENT ON FUNCTION ganje.access_of(regrole) IS 'What a role may do by its own rows of ganje.access.';

CREATE FUNCTION ganje.access_settle(role regrole) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    entry record;
BEGIN
    PERFORM 1 FROM pg_roles AS r WHERE r.oid = access_settle.role;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    FOR entry IN SELECT * FROM ganje.access_of(access_settle.role) LOOP
        EXECUTE ganje.access_statement('GRANT', entry.privilege, entry.object, access_settle.role);
    END LOOP;
    IF FOUND THEN
        EXECUTE format('GRANT USAGE ON SCHEMA ganje TO %s', access_settle.role);
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.access_settle(regrole) IS 'Grants a role what its rows of ganje.access say.';

CREATE FUNCTION ganje.access_withdraw(gone ganje.access) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    entry record;
BEGIN
    PERFORM 1 FROM pg_roles AS r WHERE r.oid = gone.role;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    FOR entry IN SELECT l.object, p.privilege FROM ganje.access_list() AS l, string_to_table(l.privilege, ', ') AS p(privilege)
                  WHERE gone.level = ANY (l.levels) AND (gone.merchant_id IS NULL OR l.each_merchant)
                 EXCEPT SELECT * FROM ganje.access_of(gone.role) LOOP
        EXECUTE ganje.access_statement('REVOKE', entry.privilege, entry.object, gone.role);
    END LOOP;
    PERFORM 1 FROM ganje.access AS a WHERE a.role = gone.role;
    IF NOT FOUND THEN
        EXECUTE format('REVOKE USAGE ON SCHEMA ganje FROM %s', gone.role);
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.access_withdraw(ganje.access) IS 'Revokes what a row of ganje.access that is gone has granted, and no other row does.';

-- A constraint trigger, so that an update of the extension can put it off until
-- its script has ended: what is granted within one counts as the extension's
-- own, pg_dump would leave it out, and a role could not be dropped without a
-- trace of it.
CREATE FUNCTION ganje.access_changed() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP <> 'DELETE' THEN
        PERFORM ganje.access_settle(NEW.role);
    END IF;
    IF TG_OP <> 'INSERT' THEN
        PERFORM ganje.access_withdraw(OLD);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ganje.access_changed() IS 'Trigger: grants and revokes what a row of ganje.access says.';
CREATE CONSTRAINT TRIGGER access_changed AFTER INSERT OR UPDATE OR DELETE ON ganje.access
    DEFERRABLE FOR EACH ROW EXECUTE FUNCTION ganje.access_changed();
-- What check_merchant remembers depends on these rows.
CREATE TRIGGER access_config_changed AFTER INSERT OR UPDATE OR DELETE ON ganje.access
    FOR EACH ROW EXECUTE FUNCTION ganje.config_changed();
CREATE TRIGGER access_config_emptied AFTER TRUNCATE ON ganje.access
    FOR EACH STATEMENT EXECUTE FUNCTION ganje.config_changed();
ALTER TABLE ganje.access ENABLE ALWAYS TRIGGER access_config_changed;
ALTER TABLE ganje.access ENABLE ALWAYS TRIGGER access_config_emptied;

CREATE FUNCTION ganje.grant_access(role regrole, level text, merchant text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM 1 FROM pg_roles AS r WHERE r.oid = grant_access.role;
    IF NOT FOUND THEN
        RAISE undefined_object USING MESSAGE = format('role %s does not exist', grant_access.role);
    ELSIF grant_access.level IS NULL OR grant_access.level NOT IN ('checkout', 'fulfilment', 'operator') THEN
        RAISE invalid_parameter_value USING MESSAGE = format('level %L is none of checkout, fulfilment, operator', grant_access.level);
    ELSIF merchant = '' THEN
        RAISE invalid_parameter_value USING MESSAGE = 'merchant must not be empty', HINT = 'Leave it out to mean every merchant.';
    END IF;
    -- Rows of roles that are gone say nothing to anybody, but to who looks at the table.
    DELETE FROM ganje.access AS a WHERE NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.oid = a.role);
    INSERT INTO ganje.access (role, level, merchant_id) VALUES (grant_access.role, grant_access.level, merchant)
        ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        PERFORM ganje.access_settle(grant_access.role);
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.grant_access(regrole, text, text) IS
'Lets a role do what a level is for (checkout, fulfilment, operator): for every merchant, or for the one that is named, and then again for others. Roles that inherit from it may do so, too.';

CREATE FUNCTION ganje.revoke_access(role regrole, level text, merchant text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM ganje.access AS a
     WHERE a.role = revoke_access.role AND a.level = revoke_access.level AND (merchant IS NULL OR a.merchant_id = merchant);
    IF NOT FOUND THEN
        RAISE no_data_found USING
            MESSAGE = format('role %s has no access of level %L%s', revoke_access.role, revoke_access.level,
                             CASE WHEN merchant IS NOT NULL THEN format(' for merchant %L alone', merchant) ELSE '' END),
            HINT = format('SELECT * FROM ganje.access WHERE role = %L::regrole tells what it has.', revoke_access.role);
    END IF;
    IF merchant IS NOT NULL AND EXISTS (SELECT FROM ganje.access AS a WHERE a.role = revoke_access.role
                                           AND a.level = revoke_access.level AND a.merchant_id IS NULL) THEN
        RAISE WARNING 'role % still has access of level % for every merchant', revoke_access.role, revoke_access.level;
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.revoke_access(regrole, text, text) IS
'Takes a level from a role: wholly, or for the merchant that is named.';

-- A role that may write accounts but read no secrets shall not have them sent to itself: where it lets an account lead
-- elsewhere, the secrets are to be set anew.
CREATE FUNCTION ganje.forget_credential() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM ganje.carrier_credential AS c WHERE c.account_id = OLD.account_id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ganje.forget_credential() IS 'Trigger: an account that leads elsewhere loses its secrets and its token.';
CREATE TRIGGER account_moved AFTER UPDATE ON ganje.carrier_account
    FOR EACH ROW WHEN ((OLD.base_url, OLD.carrier, OLD.allow_http) IS DISTINCT FROM (NEW.base_url, NEW.carrier, NEW.allow_http)
                       AND NOT pg_catalog.has_table_privilege('ganje.carrier_credential', 'SELECT'))
    EXECUTE FUNCTION ganje.forget_credential();

-- Called at the end of this script, and of every script that updates the extension.
CREATE FUNCTION ganje.settle_access() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    routine regprocedure;
    relation regclass;
    command text;
    its_levels text[];
BEGIN
    -- Of those alone of which PUBLIC has something: in an update's script what roles have of the others would be taken for the
    -- extension's own as well.
    FOR routine IN SELECT p.oid::regprocedure FROM pg_proc AS p
                    WHERE p.pronamespace = 'ganje'::regnamespace
                      AND EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a WHERE a.grantee = 0) LOOP
        EXECUTE format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', routine);
    END LOOP;
    -- A policy per command, because a role may have its levels for different merchants. Where the list says nothing the policy
    -- has no level: what the owner grants beyond the list is then for databases in which nobody is confined to a merchant.
    FOR relation IN SELECT c.oid::regclass FROM pg_class AS c
                      JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'merchant_id' AND NOT a.attisdropped
                     WHERE c.relnamespace = 'ganje'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                       AND c.oid <> 'ganje.access'::regclass ORDER BY c.relname LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', relation);
        FOREACH command IN ARRAY '{SELECT,INSERT,UPDATE,DELETE}'::text[] LOOP
            SELECT coalesce(array_agg(DISTINCT level ORDER BY level), '{}') INTO its_levels
              FROM ganje.access_list() AS l, string_to_table(l.privilege, ', ') AS p(privilege), unnest(l.levels) AS level
             WHERE 'ganje.' || l.object = relation::text AND p.privilege = command;
            PERFORM 1 FROM pg_policy AS p WHERE p.polrelid = relation AND p.polname = 'merchant_' || lower(command);
            IF FOUND THEN
                EXECUTE format('DROP POLICY %I ON %s', 'merchant_' || lower(command), relation);
            END IF;
            EXECUTE format('CREATE POLICY %I ON %s FOR %s %s (ganje.may_see(merchant_id, VARIADIC %L))',
                           'merchant_' || lower(command), relation, command,
                           CASE command WHEN 'INSERT' THEN 'WITH CHECK' ELSE 'USING' END, its_levels);
        END LOOP;
    END LOOP;
    SET CONSTRAINTS ganje.access_changed DEFERRED;
    UPDATE ganje.access AS a SET level = a.level;
END
$$;
COMMENT ON FUNCTION ganje.settle_access() IS
'PUBLIC may do nothing, rows of a merchant are for who may see them, and roles get what access_list says now, when the transaction commits: to be called where the extension is updated.';
SELECT ganje.settle_access();

-- Where the library is preloaded the launcher looks at this database once the transaction commits.
SELECT ganje.wake_worker();
