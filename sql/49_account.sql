-- Requests that belong to an account rather than to a shipment: is the login
-- good, which payment methods are there; and what people ask of a carrier.

CREATE TABLE ganje.account_check (
    account_id text PRIMARY KEY REFERENCES ganje.carrier_account ON DELETE CASCADE,
    ok boolean NOT NULL,
    detail text,
    checked_at timestamptz NOT NULL
);
COMMENT ON TABLE ganje.account_check IS 'What the carrier said of an account''s credentials when it was last asked (check_credential).';

CREATE TABLE ganje.payment_method (
    account_id text NOT NULL REFERENCES ganje.carrier_account ON DELETE CASCADE,
    payment_method text NOT NULL CHECK (payment_method <> ''),
    name text NOT NULL,
    refreshed_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, payment_method)
);
COMMENT ON TABLE ganje.payment_method IS 'Payment methods that a carrier account knows, as it last told them.';
COMMENT ON COLUMN ganje.payment_method.payment_method IS 'the carrier''s id of it';

-- A build function gets a shipment that has an account and data, and nothing
-- else: the contract is one for both.
CREATE FUNCTION ganje.enqueue_account(account_id text, operation text, parameters jsonb DEFAULT '{}', poll boolean DEFAULT false)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    no_shipment ganje.shipment;
BEGIN
    no_shipment.merchant_id := 'DEFAULT';
    no_shipment.account_id := enqueue_account.account_id;
    no_shipment.data := coalesce(parameters, '{}');
    RETURN ganje.enqueue(no_shipment, enqueue_account.operation, enqueue_account.poll);
END
$$;
COMMENT ON FUNCTION ganje.enqueue_account(text, text, jsonb, boolean) IS
'Puts a request of an account, not of a shipment, into the outbox and answers its request_id; the parameters are the data of the shipment that build gets.';

CREATE FUNCTION ganje.apply_account_patch(account ganje.carrier_account, patch jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    right_now timestamptz := clock_timestamp();
    next_due timestamptz := right_now + (ganje.poll_settings(account) ->> 'refreshSeconds')::float8 * interval '1 second';
BEGIN
    IF jsonb_typeof(patch -> 'settings') = 'object' THEN
        UPDATE ganje.carrier_account AS a SET settings = a.settings || (patch -> 'settings'), updated_at = right_now
         WHERE a.account_id = account.account_id AND NOT a.settings @> (patch -> 'settings');
    END IF;
    IF patch -> 'check' IS NOT NULL THEN
        INSERT INTO ganje.account_check (account_id, ok, detail, checked_at)
        VALUES (account.account_id, (patch #>> '{check,ok}')::boolean, patch #>> '{check,detail}', right_now)
        ON CONFLICT ON CONSTRAINT account_check_pkey DO UPDATE
           SET ok = excluded.ok, detail = excluded.detail, checked_at = excluded.checked_at;
        IF NOT (patch #>> '{check,ok}')::boolean THEN
            PERFORM ganje.park_account(account.account_id, coalesce(patch #>> '{check,detail}', 'the carrier refuses the credentials'));
        END IF;
    END IF;
    IF patch -> 'paymentMethods' IS NOT NULL THEN
        DELETE FROM ganje.payment_method AS m WHERE m.account_id = account.account_id;
        INSERT INTO ganje.payment_method (account_id, payment_method, name, refreshed_at)
        SELECT DISTINCT ON (m ->> 'id') account.account_id, m ->> 'id', m ->> 'name', right_now
          FROM jsonb_array_elements(patch -> 'paymentMethods') AS m ORDER BY m ->> 'id';
        INSERT INTO ganje.account_refresh AS r (account_id, due_at, refreshed_at) VALUES (account.account_id, next_due, right_now)
        ON CONFLICT ON CONSTRAINT account_refresh_pkey DO UPDATE
           SET due_at = excluded.due_at, refreshed_at = excluded.refreshed_at, failures = 0, last_error = NULL;
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.apply_account_patch(ganje.carrier_account, jsonb) IS
'Applies what a carrier says of an account: {settings: {…}, check: {ok, detail}, paymentMethods: [{id, name}, …]}.';

-- A parked account is let go on: whether it may is what the check is about,
-- and where it may not the answer parks it again.
CREATE FUNCTION ganje.check_credential(account_id text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM ganje.unpark_account(check_credential.account_id);
    RETURN ganje.enqueue_account(check_credential.account_id, 'check');
END
$$;
COMMENT ON FUNCTION ganje.check_credential(text) IS
'Asks the carrier whether an account''s credentials are good, and answers the request_id; what it says is in ganje.account_check.';

CREATE FUNCTION ganje.refresh_payment_methods(account_id text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN ganje.enqueue_account(refresh_payment_methods.account_id, 'payment-methods');
END
$$;
COMMENT ON FUNCTION ganje.refresh_payment_methods(text) IS
'Asks the carrier for an account''s payment methods, and answers the request_id; they are in ganje.payment_method. The worker does so by itself once a day.';

-- In the line of the shipment that the carrier was told of, of those that
-- share an external id: a cancel never overtakes its create. A create that is
-- a dead letter never reached the carrier, or nobody knows.
CREATE FUNCTION ganje.tell_cancel(shipment_id text, reason text, merchant_id text) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    the_shipment ganje.shipment := ganje.lock_told_shipment(tell_cancel.merchant_id, tell_cancel.shipment_id);
    told ganje.shipment;
    earlier record;
BEGIN
    IF ganje.is_closed(the_shipment.normalized_status) OR the_shipment.cannot_cancel THEN
        RAISE object_not_in_prerequisite_state USING
            MESSAGE = format('shipment %L cannot be cancelled: it is %s', the_shipment.shipment_id,
                             CASE WHEN the_shipment.cannot_cancel THEN 'marked cannot_cancel' ELSE the_shipment.normalized_status END);
    END IF;
    SELECT * INTO told FROM ganje.shipment AS s
     WHERE s.external_id = the_shipment.external_id AND s.account_id = the_shipment.account_id
       AND s.merchant_id = the_shipment.merchant_id
       AND EXISTS (SELECT FROM ganje.outbox_delivery AS d
                    WHERE d.merchant_id = s.merchant_id AND d.shipment_id = s.shipment_id)
     ORDER BY s.shipment_id LIMIT 1 FOR UPDATE OF s;
    the_shipment := CASE WHEN told.shipment_id IS NULL THEN the_shipment ELSE told END;
    IF ganje.drop_untold(the_shipment, reason) THEN
        RETURN NULL;
    END IF;
    FOR earlier IN SELECT o.request_id, o.operation, d.state
                     FROM ganje.outbox AS o
                     JOIN ganje.outbox_delivery AS d ON d.merchant_id = o.merchant_id AND d.request_id = o.request_id
                    WHERE d.merchant_id = the_shipment.merchant_id AND d.shipment_id = the_shipment.shipment_id
                    ORDER BY d.turn
    LOOP
        IF earlier.operation = 'cancel' AND earlier.state <> 'dead' THEN
            RETURN earlier.request_id;
        ELSIF earlier.operation = 'create' AND earlier.state = 'dead' THEN
            RAISE object_not_in_prerequisite_state USING
                MESSAGE = format('the request that tells the carrier of shipment %L is a dead letter', the_shipment.shipment_id),
                HINT = format('SELECT ganje.cancel_request(%L, %L) drops it, ganje.retry_request sends it again.',
                              earlier.request_id, the_shipment.merchant_id);
        END IF;
    END LOOP;
    the_shipment.data := the_shipment.data || jsonb_build_object('cancelReason', coalesce(reason, ''));
    RETURN ganje.enqueue(the_shipment, 'cancel');
END
$$;
COMMENT ON FUNCTION ganje.tell_cancel(text, text, text) IS 'What cancel_at_carrier does, for an order''s row as well, whoever writes it.';

CREATE FUNCTION ganje.cancel_at_carrier(shipment_id text, reason text, merchant_id text DEFAULT 'DEFAULT') RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM ganje.check_merchant(cancel_at_carrier.merchant_id, 'fulfilment');
    RETURN ganje.tell_cancel(cancel_at_carrier.shipment_id, cancel_at_carrier.reason, cancel_at_carrier.merchant_id);
END
$$;
COMMENT ON FUNCTION ganje.cancel_at_carrier(text, text, text) IS
'Tells the carrier that a shipment is cancelled, and why, after all that it was told of it before; answers the request_id, or NULL where the carrier need not be asked, because it was not told yet. The shipment is cancelled once the carrier agrees. build gets the reason as data.cancelReason.';

SELECT pg_catalog.pg_extension_config_dump('ganje.account_check', '');
SELECT pg_catalog.pg_extension_config_dump('ganje.payment_method', '');
