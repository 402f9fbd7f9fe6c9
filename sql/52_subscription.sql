-- Subscribers of notifications. A subscription's URL, limits and secret are
-- those of its carrier account (carrier "webhook").

CREATE TABLE ganje.subscription (
    subscription_id text PRIMARY KEY DEFAULT ganje.ulid() CHECK (subscription_id <> ''),
    merchant_id text NOT NULL DEFAULT 'DEFAULT' CHECK (merchant_id <> ''),
    account_id text NOT NULL REFERENCES ganje.carrier_account,
    entities text[] NOT NULL CHECK (entities <@ '{order,delivery-order,shipment}'::text[] AND cardinality(entities) > 0),
    actions text[] NOT NULL DEFAULT '{CREATE,UPDATE,DELETE}'
        CHECK (actions <@ '{CREATE,UPDATE,DELETE}'::text[] AND cardinality(actions) > 0),
    disabled_at timestamptz,
    disabled_reason text,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL))
);
COMMENT ON TABLE ganje.subscription IS 'Who is told of which changes.';

CREATE FUNCTION ganje.subscription_refuse() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE feature_not_supported USING MESSAGE = 'subscriptions are not supported yet',
        HINT = 'Read ganje.shipment_event for the changes.';
END
$$;
COMMENT ON FUNCTION ganje.subscription_refuse() IS 'Trigger: notifications are not sent yet, so nobody may subscribe to them.';
CREATE TRIGGER subscription_refuse BEFORE INSERT ON ganje.subscription
    FOR EACH ROW EXECUTE FUNCTION ganje.subscription_refuse();

SELECT pg_catalog.pg_extension_config_dump('ganje.subscription', '');
