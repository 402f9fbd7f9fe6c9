-- Subscribers: who subscribes, with which secret, and when one is given up.

-- A base URL has no path here: the path of a subscriber's URL may be its
-- secret, and stays out of the outbox.
CREATE FUNCTION ganje.subscribe(url text, entities text[], actions text[] DEFAULT '{CREATE,UPDATE,DELETE}',
                                merchant_id text DEFAULT 'DEFAULT', secret text DEFAULT NULL, allow_http boolean DEFAULT false,
                                disable_after interval DEFAULT '5 days') RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    id text := ganje.ulid();
    parts text[] := regexp_match(url, '^(https?://[^/?#@[:space:]]+)(/[!-~]*|\?[!-~]*)?$');
    key text := coalesce(secret, ganje.new_webhook_secret());
    merchant text := coalesce(subscribe.merchant_id, 'DEFAULT');
BEGIN
    PERFORM ganje.check_merchant(merchant, 'operator');
    IF parts IS NULL OR url ~ '#' OR length(url) > 2000 THEN
        RAISE invalid_parameter_value USING MESSAGE = 'url is not an absolute http or https URL',
            HINT = 'Write it as https://shop.example/hook, without a user, a fragment or blanks.';
    ELSIF url LIKE 'http:%' AND NOT coalesce(allow_http, false) THEN
        RAISE invalid_parameter_value USING MESSAGE = 'url is plain http',
            HINT = 'Use https, or pass allow_http => true where nobody can listen.';
    END IF;
    PERFORM ganje.check_words('entities', entities, '{order,delivery-order,shipment}');
    PERFORM ganje.check_words('actions', actions, '{CREATE,UPDATE,DELETE}');
    PERFORM ganje.check_webhook_secret(key);
    IF disable_after IS NULL OR disable_after <= '0' THEN
        RAISE invalid_parameter_value USING MESSAGE = 'disable_after must be longer than nothing';
    END IF;
    -- 5 s, doubled up to 8 hours: about 27 tries in five days, and then it is disabled.
    INSERT INTO ganje.carrier_account (account_id, carrier, base_url, allow_http, settings, timeout_ms, max_response_bytes, max_attempts,
                                       retry_base_ms, retry_cap_ms)
    VALUES (id, 'webhook', parts[1], url LIKE 'http:%',
            jsonb_build_object('path', CASE WHEN parts[2] LIKE '?%' THEN '/' || parts[2] ELSE coalesce(parts[2], '/') END),
            15000, 65536, 1000, 5000, 28800000);
    INSERT INTO ganje.carrier_credential (account_id, secret) VALUES (id, jsonb_build_object('secret', key));
    INSERT INTO ganje.subscription (subscription_id, merchant_id, account_id, entities, actions, disable_after)
    VALUES (id, merchant, id, subscribe.entities, subscribe.actions, subscribe.disable_after);
    RETURN jsonb_build_object('subscriptionId', id, 'secret', key);
END
$$;
COMMENT ON FUNCTION ganje.subscribe(text, text[], text[], text, text, boolean, interval) IS
'Lets a URL be told of a merchant''s orders and shipments (entities order, delivery-order, shipment; actions CREATE, UPDATE, DELETE); answers {subscriptionId, secret}, the secret this once.';

CREATE FUNCTION ganje.check_words(name text, words text[], allowed text[]) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    unknown integer;
BEGIN
    IF coalesce(cardinality(words), 0) = 0 THEN
        RAISE invalid_parameter_value USING MESSAGE = format('%s must not be empty', name),
            HINT = format('It is a list of %s.', array_to_string(allowed, ', '));
    END IF;
    SELECT min(w.place) - 1 INTO unknown FROM unnest(words) WITH ORDINALITY AS w(word, place)
     WHERE w.word IS NULL OR NOT w.word = ANY (allowed);
    IF unknown IS NOT NULL THEN
        RAISE invalid_parameter_value USING MESSAGE = format('%s[%s] is none of %s', name, unknown, array_to_string(allowed, ', '));
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.check_words(text, text[], text[]) IS 'Raises, naming the place, unless a list has one word at least and none but those allowed.';

CREATE FUNCTION ganje.new_webhook_secret() RETURNS text
LANGUAGE sql VOLATILE
RETURN 'whsec_' || encode(ganje.random_bytes(32), 'base64');
COMMENT ON FUNCTION ganje.new_webhook_secret() IS 'A new Standard Webhooks secret, of 256 random bits.';

CREATE FUNCTION ganje.check_webhook_secret(secret text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    IF secret !~ '^whsec_' OR octet_length(ganje.webhook_key(secret)) NOT BETWEEN 24 AND 64 THEN
        RAISE invalid_parameter_value USING MESSAGE = 'secret is not "whsec_" and a key of 24 to 64 bytes in base64',
            HINT = 'Leave it out, and one is made.';
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.check_webhook_secret(text) IS 'Raises, without quoting it, over a secret that Standard Webhooks does not allow.';

CREATE FUNCTION ganje.find_subscription(subscription_id text) RETURNS ganje.subscription
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    found_one ganje.subscription;
BEGIN
    -- Who may not act for its merchant shall not wait for it either.
    PERFORM ganje.check_merchant(s.merchant_id, 'operator') FROM ganje.subscription AS s WHERE s.subscription_id = find_subscription.subscription_id;
    SELECT * INTO found_one FROM ganje.subscription AS s WHERE s.subscription_id = find_subscription.subscription_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE no_data_found USING MESSAGE = format('subscription %L does not exist', subscription_id),
            HINT = 'SELECT * FROM ganje.subscription_status lists the subscriptions.';
    END IF;
    RETURN found_one;
END
$$;
COMMENT ON FUNCTION ganje.find_subscription(text) IS 'A subscription, its row locked; raises where there is none.';

-- In pieces, because the worker calls it, too, for every answer that was still
-- on its way, and has other things to do. What is left then ends when it is due,
-- for authorize lets none of it out, or by disable_subscription at once.
CREATE FUNCTION ganje.cancel_notifications(account text) RETURNS bigint
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    delivery ganje.outbox_delivery;
    ended bigint := 0;
BEGIN
    -- Twice "state", because the index is of those that are not dead.
    FOR delivery IN SELECT * FROM ganje.outbox_delivery AS d
                     WHERE d.account_id = account AND d.state <> 'dead' AND d.state <> 'leased'
                     LIMIT 2000 FOR UPDATE SKIP LOCKED LOOP
        PERFORM ganje.finish_request(delivery, 'cancelled', delivery.last_status, delivery.last_error);
        ended := ended + 1;
    END LOOP;
    RETURN ended;
END
$$;
COMMENT ON FUNCTION ganje.cancel_notifications(text) IS 'Takes up to 2000 waiting notifications of a subscriber out of the outbox; they are kept in the log. Answers how many.';

CREATE FUNCTION ganje.cancel_dead_notifications(account text, since timestamptz, until timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    delivery ganje.outbox_delivery;
BEGIN
    FOR delivery IN
        SELECT d.* FROM ganje.outbox_delivery AS d JOIN ganje.outbox AS o ON o.merchant_id = d.merchant_id AND o.request_id = d.request_id
         WHERE d.account_id = account AND d.state = 'dead' AND o.created_at >= since AND o.created_at < until FOR UPDATE OF d
    LOOP
        PERFORM ganje.finish_request(delivery, 'cancelled', delivery.last_status, delivery.last_error);
    END LOOP;
END
$$;
COMMENT ON FUNCTION ganje.cancel_dead_notifications(text, timestamptz, timestamptz) IS 'Takes the dead letters of a subscriber out of the outbox, of a time; they are kept in the log.';

CREATE FUNCTION ganje.mark_disabled(subscription_id text, reason text) RETURNS void
LANGUAGE sql VOLATILE
BEGIN ATOMIC
    UPDATE ganje.subscription AS s SET disabled_at = clock_timestamp(), disabled_reason = reason
     WHERE s.subscription_id = mark_disabled.subscription_id AND s.disabled_at IS NULL;
END;
COMMENT ON FUNCTION ganje.mark_disabled(text, text) IS 'Disables a subscription, and leaves what waits for authorize to stop.';

CREATE FUNCTION ganje.disable_subscription(subscription_id text, reason text DEFAULT 'by hand') RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    account text := (ganje.find_subscription(subscription_id)).account_id;
BEGIN
    PERFORM ganje.mark_disabled(subscription_id, coalesce(reason, 'by hand'));
    WHILE ganje.cancel_notifications(account) > 0 LOOP
    END LOOP;
END
$$;
COMMENT ON FUNCTION ganje.disable_subscription(text, text) IS
'Nothing is sent to a subscriber any more, and what waits is cancelled, until enable_subscription; replay_notifications then tells what it missed.';

CREATE FUNCTION ganje.enable_subscription(subscription_id text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_subscription ganje.subscription := ganje.find_subscription(subscription_id);
BEGIN
    UPDATE ganje.subscription AS s SET disabled_at = NULL, disabled_reason = NULL, failing_since = NULL
     WHERE s.subscription_id = enable_subscription.subscription_id;
END
$$;
COMMENT ON FUNCTION ganje.enable_subscription(text) IS 'Lets a disabled subscription go on from here; replay_notifications tells what it missed.';

CREATE FUNCTION ganje.unsubscribe(subscription_id text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    account text := (ganje.find_subscription(subscription_id)).account_id;
BEGIN
    -- First, because it waits for those who notify just now.
    DELETE FROM ganje.subscription AS s WHERE s.subscription_id = unsubscribe.subscription_id;
    WHILE ganje.cancel_notifications(account) > 0 LOOP
    END LOOP;
    PERFORM ganje.cancel_dead_notifications(account, '-infinity', 'infinity');
    DELETE FROM ganje.carrier_credential AS c WHERE c.account_id = account;
    -- What is on its way just now still needs the account.
    UPDATE ganje.carrier_account AS a SET active = false WHERE a.account_id = account;
    DELETE FROM ganje.carrier_account AS a
     WHERE a.account_id = account AND NOT EXISTS (SELECT FROM ganje.outbox_delivery AS d WHERE d.account_id = account);
END
$$;
COMMENT ON FUNCTION ganje.unsubscribe(text) IS 'Ends a subscription: what waits is cancelled, secret and account are dropped.';

CREATE FUNCTION ganje.rotate_subscription_secret(subscription_id text, overlap interval DEFAULT '1 day', secret text DEFAULT NULL) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    account text := (ganje.find_subscription(subscription_id)).account_id;
    key text := coalesce(secret, ganje.new_webhook_secret());
    until timestamptz := clock_timestamp() + overlap;
    old jsonb := (SELECT c.secret FROM ganje.carrier_credential AS c WHERE c.account_id = account);
    previous jsonb;
BEGIN
    PERFORM ganje.check_webhook_secret(key);
    IF overlap IS NULL OR overlap < '0' THEN
        RAISE invalid_parameter_value USING MESSAGE = 'overlap must not be negative';
    END IF;
    -- Of those before only what is still in force, so that they do not pile up.
    SELECT coalesce(jsonb_agg(p.value), '[]') INTO previous
      FROM (SELECT jsonb_build_object('secret', old -> 'secret', 'until', until) AS value WHERE old ->> 'secret' IS NOT NULL
            UNION ALL SELECT o FROM jsonb_array_elements(coalesce(old -> 'previous', '[]')) AS o) AS p
     WHERE (p.value ->> 'until')::timestamptz > clock_timestamp();
    PERFORM ganje.set_credential(account, jsonb_build_object('secret', key, 'previous', previous));
    RETURN jsonb_build_object('subscriptionId', rotate_subscription_secret.subscription_id, 'secret', key,
                              'previousUntil', ganje.utc_text(until));
END
$$;
COMMENT ON FUNCTION ganje.rotate_subscription_secret(text, interval, text) IS
'Gives a subscription a new secret and answers it; for the time of the overlap its notifications are signed by the old one, too.';

CREATE FUNCTION ganje.test_subscription(subscription_id text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_subscription ganje.subscription := ganje.find_subscription(subscription_id);
BEGIN
    RETURN ganje.enqueue_notification(the_subscription.account_id,
        ganje.make_notification(the_subscription.merchant_id, 'test', 'CREATE', NULL,
                                jsonb_build_object('subscriptionId', the_subscription.subscription_id)), 'test', 1);
END
$$;
COMMENT ON FUNCTION ganje.test_subscription(text) IS
'Sends a notification of entity "test" to a subscriber, disabled or not, and answers its request_id: look for it in outbox_log, or, where it failed, in dead_letters; it is tried once.';

-- Newest first, each before all that waits of its shipment, so that in the end
-- the oldest goes first; what waits already is not sent twice.
CREATE FUNCTION ganje.replay_notifications(subscription_id text, since timestamptz, until timestamptz DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    subscriber ganje.subscription := ganje.find_subscription(subscription_id);
    notification ganje.notification;
    next_turn integer;
    replayed bigint := 0;
BEGIN
    IF since IS NULL THEN
        RAISE null_value_not_allowed USING MESSAGE = 'since must not be null';
    ELSIF subscriber.disabled_at IS NOT NULL THEN
        RAISE object_not_in_prerequisite_state USING MESSAGE = format('subscription %L is disabled: %s', subscription_id, subscriber.disabled_reason),
            HINT = format('SELECT ganje.enable_subscription(%L);', subscription_id);
    END IF;
    PERFORM ganje.cancel_dead_notifications(subscriber.account_id, since, coalesce(until, 'infinity'));
    FOR notification IN
        SELECT n.* FROM ganje.notification AS n
         WHERE n.merchant_id = subscriber.merchant_id AND n.created_at >= since AND n.created_at < coalesce(until, 'infinity')
           AND n.entity = ANY (subscriber.entities) AND n.action = ANY (subscriber.actions)
           AND n.notification_id NOT IN (SELECT o.headers ->> 'webhook-id' FROM ganje.outbox_delivery AS d
                                           JOIN ganje.outbox AS o ON o.merchant_id = d.merchant_id AND o.request_id = d.request_id
                                          WHERE d.account_id = subscriber.account_id AND o.headers ? 'webhook-id')
         ORDER BY n.notification_id COLLATE "C" DESC
    LOOP
        SELECT s.shipment_id INTO notification.shipment_id FROM ganje.shipment AS s
         WHERE s.merchant_id = notification.merchant_id AND s.shipment_id = notification.shipment_id;
        SELECT least(min(d.turn), 1) - 1 INTO next_turn FROM ganje.outbox_delivery AS d
         WHERE d.merchant_id = notification.merchant_id AND d.shipment_id = notification.shipment_id
           AND d.account_id = subscriber.account_id;
        PERFORM ganje.enqueue_notification(subscriber.account_id, notification,
                                           format('%s %s', notification.entity, notification.action), next_turn);
        replayed := replayed + 1;
    END LOOP;
    RETURN replayed;
END
$$;
COMMENT ON FUNCTION ganje.replay_notifications(text, timestamptz, timestamptz) IS
'Tells a subscriber once more what happened from a time on (until another), under the same webhook-ids; answers how many notifications. They are kept for ganje_logistics.log_days.';

-- Called where a try to reach a subscriber has failed; the delivery is as it
-- was before.
CREATE FUNCTION ganje.subscriber_failed(delivery ganje.outbox_delivery, status integer) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    is_test boolean := (SELECT o.operation = 'test' FROM ganje.outbox AS o
                         WHERE o.merchant_id = delivery.merchant_id AND o.request_id = delivery.request_id);
    subscriber ganje.subscription;
    since timestamptz;
    reason text;
BEGIN
    SELECT * INTO subscriber FROM ganje.subscription AS s WHERE s.account_id = delivery.account_id FOR NO KEY UPDATE;
    IF is_test THEN
        UPDATE ganje.outbox_delivery AS d SET state = 'dead', due_at = 'infinity'
         WHERE d.merchant_id = delivery.merchant_id AND d.request_id = delivery.request_id;
        RETURN;
    END IF;
    since := coalesce(subscriber.failing_since, clock_timestamp());
    IF subscriber.subscription_id IS NULL OR subscriber.disabled_at IS NOT NULL THEN
        reason := 'ended before';
    ELSIF status = 410 THEN
        reason := 'the subscriber answered 410 Gone';
    ELSIF clock_timestamp() - since >= subscriber.disable_after THEN
        reason := format('nothing was accepted since %s', ganje.utc_text(since));
    ELSE
        UPDATE ganje.subscription AS s SET failing_since = since
         WHERE s.subscription_id = subscriber.subscription_id AND s.failing_since IS NULL;
        RETURN;
    END IF;
    PERFORM ganje.mark_disabled(subscriber.subscription_id, reason);
    PERFORM ganje.finish_request(delivery, 'cancelled', subscriber_failed.status, NULL);
    -- What was never leased may be one of many that the worker has picked just now, and needs for a while yet.
    IF delivery.state = 'leased' THEN
        PERFORM ganje.cancel_notifications(delivery.account_id);
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.subscriber_failed(ganje.outbox_delivery, integer) IS
'Notes that a subscriber was not reached: disables its subscription at 410, or when it has failed for too long. A test that failed changes nothing.';

CREATE FUNCTION ganje.subscriber_accepted(account_id text) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    UPDATE ganje.subscription AS s SET failing_since = NULL
     WHERE s.account_id = subscriber_accepted.account_id AND s.failing_since IS NOT NULL;
END
$$;
COMMENT ON FUNCTION ganje.subscriber_accepted(text) IS 'Notes that a subscriber accepted something.';

CREATE VIEW ganje.subscription_status WITH (security_barrier) AS
SELECT s.subscription_id, s.merchant_id, s.entities, s.actions, a.base_url,
       CASE WHEN s.disabled_at IS NOT NULL THEN 'disabled: ' || s.disabled_reason
            WHEN s.failing_since IS NOT NULL AND o.state ~ '^(sending|waiting|trying)' THEN 'failing'
            WHEN o.state <> 'sending' THEN o.state
            ELSE 'ok' END AS state,
       s.failing_since, s.disabled_at, o.pending, o.in_flight, o.dead
  FROM ganje.subscription AS s
  JOIN ganje.carrier_account AS a ON a.account_id = s.account_id
  JOIN ganje.outbox_status AS o ON o.account_id = s.account_id
 WHERE ganje.may_see(s.merchant_id, 'operator');
COMMENT ON VIEW ganje.subscription_status IS 'Subscriptions and how they do; the path of their URLs, which may be a secret, is not shown.';
