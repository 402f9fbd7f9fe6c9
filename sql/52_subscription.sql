-- Subscribers of notifications. A subscription's URL, limits and secret are
-- those of its carrier account (carrier "webhook").

CREATE TABLE ganje.subscription (
    subscription_id text PRIMARY KEY DEFAULT ganje.ulid() CHECK (subscription_id <> ''),
    merchant_id text NOT NULL DEFAULT 'DEFAULT' CHECK (merchant_id <> ''),
    account_id text NOT NULL UNIQUE REFERENCES ganje.carrier_account,
    entities text[] NOT NULL CHECK (entities <@ '{order,delivery-order,shipment}'::text[] AND cardinality(entities) > 0),
    actions text[] NOT NULL DEFAULT '{CREATE,UPDATE,DELETE}'
        CHECK (actions <@ '{CREATE,UPDATE,DELETE}'::text[] AND cardinality(actions) > 0),
    disable_after interval NOT NULL DEFAULT '5 days' CHECK (disable_after > '0'),
    failing_since timestamptz,
    disabled_at timestamptz,
    disabled_reason text,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL))
);
COMMENT ON TABLE ganje.subscription IS 'Who is told of which changes: of one merchant''s orders and shipments.';
COMMENT ON COLUMN ganje.subscription.entities IS 'order, shipment, and delivery-order: a shipment in Ginee''s words';
COMMENT ON COLUMN ganje.subscription.disable_after IS 'how long nothing may be accepted before the subscription is disabled';
COMMENT ON COLUMN ganje.subscription.failing_since IS 'the first failure since something was accepted';
COMMENT ON COLUMN ganje.subscription.disabled_reason IS 'why nothing is sent any more; enable_subscription lets it go on';
CREATE INDEX subscription_merchant ON ganje.subscription (merchant_id, subscription_id);

-- What ganje.has_subscriber() remembers depends on the rows that are there alone.
CREATE TRIGGER subscription_changed AFTER INSERT OR DELETE ON ganje.subscription
    FOR EACH ROW EXECUTE FUNCTION ganje.config_changed();
-- Beforehand as well, for an AFTER trigger of the application's own that comes before ours.
CREATE TRIGGER subscription_changing BEFORE INSERT OR DELETE ON ganje.subscription
    FOR EACH STATEMENT EXECUTE FUNCTION ganje.config_changed();
CREATE TRIGGER subscription_emptied AFTER TRUNCATE ON ganje.subscription
    FOR EACH STATEMENT EXECUTE FUNCTION ganje.config_changed();
ALTER TABLE ganje.subscription ENABLE ALWAYS TRIGGER subscription_changed;
ALTER TABLE ganje.subscription ENABLE ALWAYS TRIGGER subscription_emptied;

CREATE FUNCTION ganje.has_subscriber() RETURNS boolean
LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'gl_shipment_has_subscriber';
COMMENT ON FUNCTION ganje.has_subscriber() IS 'Whether there is any subscription; the answer is kept until that changes.';

-- Kept apart from the outbox, one row for all subscribers, so that what was
-- delivered, or not even sent, can be told once more.
CREATE TABLE ganje.notification (
    log_slot smallint NOT NULL,
    merchant_id text NOT NULL,
    notification_id text NOT NULL,
    entity text NOT NULL,
    action text NOT NULL,
    shipment_id text,
    body text NOT NULL,
    created_at timestamptz NOT NULL
) PARTITION BY LIST (log_slot);
COMMENT ON TABLE ganje.notification IS 'What subscribers were to be told, in 32 tables by day, which are emptied in turn (ganje_logistics.log_days).';
COMMENT ON COLUMN ganje.notification.notification_id IS 'the id in the body, and the webhook-id of every try and every replay';
COMMENT ON COLUMN ganje.notification.shipment_id IS 'whose line it waits in; of an order the first shipment';

SELECT pg_catalog.pg_extension_config_dump('ganje.subscription', '');
