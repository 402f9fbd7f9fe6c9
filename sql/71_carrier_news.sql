-- Webhooks of carriers that have shipments of their own making, and orders of
-- marketplaces: what a carrier's receive function answers as "makes" and
-- "marketplace_order", and its apply function as "orders" and "next".
--
-- Which of its messages comes first does not matter. Any of them makes the
-- shipment, for a later one to fill in: one that says it is cancelled, too.
-- An order that is known before its shipments moves them once they are there.

-- Raises nothing over an account that is not there: the carrier's messages
-- alone need none.
CREATE FUNCTION ganje.account_of_news(carrier text, source_account text, OUT account ganje.carrier_account, OUT accounts integer)
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    accounts := 1;
    IF source_account IS NULL THEN
        SELECT count(*), min(a.account_id) INTO accounts, source_account FROM ganje.carrier_account AS a
         WHERE a.carrier = account_of_news.carrier;
    END IF;
    IF accounts = 1 THEN
        account := ganje.find_account(source_account);
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.account_of_news(text, text) IS
'The account that a carrier''s message is for: the one that its source named, else the carrier''s only one; and how many there are.';

-- One that was made before there was an account is every account's.
CREATE FUNCTION ganje.find_made(merchant text, carrier text, account_id text, external_id text) RETURNS text
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN (SELECT s.shipment_id FROM ganje.shipment AS s
             WHERE s.external_id = find_made.external_id AND s.made_by = find_made.carrier AND s.merchant_id = merchant
               AND (s.account_id IS NOT DISTINCT FROM find_made.account_id OR s.account_id IS NULL)
             ORDER BY s.account_id NULLS LAST LIMIT 1);
END
$$;
COMMENT ON FUNCTION ganje.find_made(text, text, text, text) IS 'The shipment that a carrier''s messages made under this id, NULL where there is none.';

-- Two messages at once make one shipment: the second waits for the first.
CREATE FUNCTION ganje.make_shipment(merchant text, carrier text, account_id text, external_id text, makes jsonb) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    found_id text := ganje.find_made(merchant, carrier, account_id, external_id);
BEGIN
    IF found_id IS NULL THEN
        INSERT INTO ganje.shipment (merchant_id, order_id, account_id, external_id, made_by)
        VALUES (merchant, coalesce(makes ->> 'orderId', make_shipment.external_id), make_shipment.account_id,
                make_shipment.external_id, carrier)
        ON CONFLICT DO NOTHING;
        found_id := ganje.find_made(merchant, carrier, account_id, external_id);
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION ganje.make_shipment(text, text, text, text, jsonb) IS
'The shipment that a carrier has under this id, made where it is not known yet; answers its id.';

-- An order and its first shipment that come at once do not see each other:
-- one waits for the other here, before it locks any row of them. Orders share
-- 1,024 locks: one of its own for each of ten thousand orders that come in one
-- transaction would be more than the server has.
CREATE FUNCTION ganje.lock_order(merchant text, carrier text, order_id text) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('ganje order'), hashtext(jsonb_build_array(merchant, carrier, order_id)::text) & 1023);
END
$$;
COMMENT ON FUNCTION ganje.lock_order(text, text, text) IS
'Keeps others who would record a marketplace''s order, or make a shipment of it, waiting until the transaction ends.';

-- The status of a marketplace's order as patches for its shipments: first the
-- last that its mapping gives one of the project's, then the last of all.
CREATE FUNCTION ganje.follow_patches(the_order ganje.marketplace_order) RETURNS SETOF jsonb
LANGUAGE sql STABLE
AS $$
    SELECT jsonb_build_object('entity', 'order', 'carrierStatus', the_order.told #>> ARRAY[field, 'value'], 'openStatus', true,
                              'asOf', '0 ' || (the_order.told #>> ARRAY[field, 'asOf']), 'occurredAt', the_order.last_update_at)
      FROM unnest('{moved,status}'::text[]) WITH ORDINALITY AS f(field, place)
     WHERE the_order.told ? field ORDER BY f.place
$$;
COMMENT ON FUNCTION ganje.follow_patches(ganje.marketplace_order) IS 'What a marketplace''s order says of its shipments.';

-- A shipment that comes after its order learns where the order is.
CREATE FUNCTION ganje.follow_order(merchant text, shipment text) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    the_order ganje.marketplace_order;
    patch jsonb;
BEGIN
    SELECT o.* INTO the_order
      FROM ganje.shipment AS s
      JOIN ganje.marketplace_order AS o ON o.merchant_id = s.merchant_id AND o.source = s.made_by AND o.order_id = s.order_id
     WHERE s.merchant_id = merchant AND s.shipment_id = shipment;
    FOR patch IN SELECT p FROM ganje.follow_patches(the_order) AS p LOOP
        PERFORM ganje.apply_patch(merchant, shipment, the_order.source, patch);
    END LOOP;
END
$$;
COMMENT ON FUNCTION ganje.follow_order(text, text) IS 'Applies the status of a marketplace''s order to one of its shipments.';

-- What two messages say of one moment may differ. Then the status that is
-- further speaks, and of two that are as far whichever it is: the same one,
-- whichever came first. What tells no time counts as said when it came, and
-- for less than what does.
CREATE FUNCTION ganje.order_as_of(carrier text, new_order jsonb) RETURNS text
LANGUAGE sql STABLE
RETURN concat_ws(' ',
    coalesce(ganje.as_of((new_order ->> 'lastUpdateAt')::timestamptz), '- ' || ganje.as_of(clock_timestamp())),
    to_char(coalesce((ganje.map_status(carrier, 'order', new_order ->> 'status')).rank, 0), 'FM0000000000'),
    left(encode(sha256(convert_to(new_order::text, 'UTF8')), 'hex'), 16));
COMMENT ON FUNCTION ganje.order_as_of(text, jsonb) IS 'What a message on an order is sorted by (in "C") among all of them.';

-- "moved" is the status where its mapping names one of the project's.
CREATE FUNCTION ganje.order_fields(carrier text, new_order jsonb) RETURNS TABLE (field text, value jsonb)
LANGUAGE sql STABLE
AS $$
    SELECT e.key, e.value FROM jsonb_each(new_order - '{orderId,lastUpdateAt,payload}'::text[]) AS e WHERE e.value <> 'null'
     UNION ALL
    SELECT 'moved', new_order -> 'status'
     WHERE (ganje.map_status(carrier, 'order', new_order ->> 'status')).shipment_status IS NOT NULL
     UNION ALL
    SELECT 'payload.' || e.key, e.value FROM jsonb_each(new_order -> 'payload') AS e
$$;
COMMENT ON FUNCTION ganje.order_fields(text, jsonb) IS 'What a message says of an order, field by field.';

-- Field by field as a shipment's dated patch: a short message does not undo a
-- long answer, and a field that only an early one has comes in late as well.
CREATE FUNCTION ganje.record_marketplace_order(merchant text, carrier text, new_order jsonb) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    as_of text := ganje.order_as_of(carrier, new_order);
    the_order ganje.marketplace_order;
    news jsonb;
    now_told jsonb;
    shipment text;
BEGIN
    PERFORM ganje.lock_order(merchant, carrier, new_order ->> 'orderId');
    SELECT * INTO the_order FROM ganje.marketplace_order AS o
     WHERE o.merchant_id = merchant AND o.source = carrier AND o.order_id = new_order ->> 'orderId';
    SELECT coalesce(jsonb_object_agg(f.field, f.value), '{}'),
           coalesce(jsonb_object_agg(f.field, jsonb_strip_nulls(jsonb_build_object('asOf', as_of,
               'value', CASE WHEN f.field IN ('status', 'moved') THEN f.value END))), '{}')
      INTO news, now_told
      FROM ganje.order_fields(carrier, new_order) AS f
     WHERE coalesce(the_order.told #>> ARRAY[f.field, 'asOf'], '') < as_of COLLATE "C";
    IF news = '{}' AND the_order.order_id IS NOT NULL THEN
        RETURN 'stale';
    END IF;
    INSERT INTO ganje.marketplace_order AS o
        (merchant_id, source, order_id, channel, shop_id, external_shop_id, order_status, ordered_at, paid_at, last_update_at, payload, told)
    VALUES (merchant, carrier, new_order ->> 'orderId', news ->> 'channel', news ->> 'shopId',
            news ->> 'externalShopId', news ->> 'status', (news ->> 'orderedAt')::timestamptz,
            (news ->> 'paidAt')::timestamptz, (new_order ->> 'lastUpdateAt')::timestamptz,
            (SELECT coalesce(jsonb_object_agg(substr(n.key, 9), n.value), '{}') FROM jsonb_each(news) AS n WHERE starts_with(n.key, 'payload.')),
            now_told)
    ON CONFLICT (merchant_id, source, order_id) DO UPDATE
       SET channel = coalesce(excluded.channel, o.channel), shop_id = coalesce(excluded.shop_id, o.shop_id),
           external_shop_id = coalesce(excluded.external_shop_id, o.external_shop_id),
           order_status = coalesce(excluded.order_status, o.order_status), ordered_at = coalesce(excluded.ordered_at, o.ordered_at),
           paid_at = coalesce(excluded.paid_at, o.paid_at), last_update_at = greatest(excluded.last_update_at, o.last_update_at),
           payload = o.payload || excluded.payload, told = o.told || excluded.told, received_at = excluded.received_at
    RETURNING * INTO the_order;
    FOR shipment IN
        SELECT s.shipment_id FROM ganje.shipment AS s
         WHERE s.order_id = the_order.order_id AND s.merchant_id = merchant AND s.made_by = carrier ORDER BY s.shipment_id
    LOOP
        PERFORM ganje.follow_order(merchant, shipment);
    END LOOP;
    RETURN 'applied';
END
$$;
COMMENT ON FUNCTION ganje.record_marketplace_order(text, text, jsonb) IS
'Records an order of a marketplace and moves its shipments; answers applied, or stale where nothing is new.';

-- What is written later must not raise for what a carrier's function read.
CREATE FUNCTION ganje.items_problem(items jsonb) RETURNS text
LANGUAGE sql STABLE
RETURN CASE
    WHEN items IS NULL OR items = 'null' THEN NULL
    WHEN jsonb_typeof(items) <> 'array' THEN 'items is not an array'
    WHEN EXISTS (SELECT FROM jsonb_array_elements(items) AS t(item)
                  WHERE NOT coalesce(octet_length(t.item ->> 'itemId') BETWEEN 1 AND 255, false)
                     OR NOT coalesce(CASE jsonb_typeof(t.item -> 'quantity') WHEN 'number' THEN (t.item ->> 'quantity')::numeric > 0 END, false)
                     OR NOT coalesce(CASE jsonb_typeof(t.item -> 'price') WHEN 'number' THEN (t.item ->> 'price')::numeric >= 0
                                     WHEN 'null' THEN true ELSE t.item -> 'price' IS NULL END, false))
    THEN 'an item has no itemId, or a quantity or price that is none'
    WHEN (SELECT count(DISTINCT t.item ->> 'itemId') < count(*) FROM jsonb_array_elements(items) AS t(item))
    THEN 'an item is there twice' END;
COMMENT ON FUNCTION ganje.items_problem(jsonb) IS 'What is wrong with the items of a patch, NULL: nothing.';

CREATE FUNCTION ganje.news_problem(reading ganje.webhook_reading) RETURNS text
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    the_order jsonb := coalesce(reading.marketplace_order, '{"orderId": "-", "payload": {}}');
    key text;
BEGIN
    IF coalesce(reading.dedupe_key, '') = '' OR octet_length(reading.dedupe_key) > 255 THEN
        RETURN 'what tells it from a repeated one is empty or longer than 255 bytes';
    ELSIF reading.makes IS NOT NULL AND NOT coalesce(octet_length(reading.external_id) BETWEEN 1 AND 255, false) THEN
        RETURN 'the external id is empty or longer than 255 bytes';
    ELSIF octet_length(coalesce(reading.patch ->> 'orderId', reading.makes ->> 'orderId', '-')) NOT BETWEEN 1 AND 255
       OR NOT coalesce(octet_length(the_order ->> 'orderId') BETWEEN 1 AND 255, false) THEN
        RETURN 'the order''s id is empty or longer than 255 bytes';
    ELSIF reading.makes IS NOT NULL AND jsonb_typeof(reading.patch) IS DISTINCT FROM 'object'
       OR jsonb_typeof(the_order -> 'payload') IS DISTINCT FROM 'object' OR jsonb_typeof(reading.patch -> 'data') <> 'object' THEN
        RETURN 'patch, data or payload is not an object';
    END IF;
    FOREACH key IN ARRAY '{orderedAt,paidAt,lastUpdateAt}'::text[] LOOP
        IF the_order ->> key IS NOT NULL AND ganje.try_local_time(the_order ->> key, 'UTC') IS NULL THEN
            RETURN format('%s is not a time', key);
        END IF;
    END LOOP;
    IF reading.patch ->> 'occurredAt' IS NOT NULL AND ganje.try_local_time(reading.patch ->> 'occurredAt', 'UTC') IS NULL THEN
        RETURN 'occurredAt is not a time';
    END IF;
    RETURN ganje.items_problem(reading.patch -> 'items');
END
$$;
COMMENT ON FUNCTION ganje.news_problem(ganje.webhook_reading) IS
'What of a reading that makes a shipment, or tells of an order, could not be written; NULL: nothing.';

-- What can only be said once the account is known.
CREATE FUNCTION ganje.refuse_news(carrier text, source_account text, accounts integer, reading ganje.webhook_reading,
                                  OUT reason text, OUT detail text)
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    IF accounts > 1 AND source_account IS NULL THEN
        reason := 'unknown_source';
        detail := format('carrier %s has several accounts: name the account as the source', carrier);
    ELSIF reading.problem IS NOT NULL THEN
        reason := reading.problem;
        detail := reading.detail;
    ELSIF ganje.news_problem(reading) IS NOT NULL THEN
        reason := 'malformed';
        detail := ganje.news_problem(reading);
    ELSIF reading.patch ->> 'carrierStatus' IS NOT NULL
          AND (ganje.map_status(carrier, reading.patch ->> 'entity', reading.patch ->> 'carrierStatus')).carrier IS NULL THEN
        detail := format('status %L is not in ganje.status_mapping', left(reading.patch ->> 'carrierStatus', 100));
        reason := CASE WHEN reading.patch -> 'openStatus' IS DISTINCT FROM 'true' THEN 'unknown_status' END;
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.refuse_news(text, text, integer, ganje.webhook_reading) IS
'Why a carrier''s message cannot be applied, reason NULL where it can; a detail may be given all the same.';

-- A message is written into what its shipment or order has already: who sends
-- ever new keys shall make neither slow, nor larger than a row can be.
CREATE FUNCTION ganje.is_overfull(merchant text, carrier text, account_id text, reading ganje.webhook_reading) RETURNS boolean
LANGUAGE sql STABLE
RETURN EXISTS (SELECT FROM ganje.shipment AS s
                WHERE reading.makes IS NOT NULL AND s.merchant_id = merchant
                  AND s.shipment_id = ganje.find_made(merchant, carrier, account_id, reading.external_id)
                  -- With || the size is that of the whole, not of what is compressed.
                  AND pg_column_size(s.data || '{}') + pg_column_size(s.told || '{}') > 1048576)
    OR EXISTS (SELECT FROM ganje.marketplace_order AS o
                WHERE o.merchant_id = merchant AND o.source = carrier AND o.order_id = reading.marketplace_order ->> 'orderId'
                  AND pg_column_size(o.payload || '{}') + pg_column_size(o.told || '{}') > 1048576);
COMMENT ON FUNCTION ganje.is_overfull(text, text, text, ganje.webhook_reading) IS
'Whether more than 1 MiB is kept already of the shipment or order that a message is on.';

CREATE FUNCTION ganje.apply_news(INOUT entry ganje.webhook_inbox, carrier text, source_account text, payload jsonb,
                                 reading ganje.webhook_reading)
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    found_account record;
    known_account text;
    merchant text := entry.merchant_id;
    shipment text;
    result text := 'stale';
BEGIN
    SELECT * INTO found_account FROM ganje.account_of_news(carrier, source_account);
    IF found_account.accounts = 1 THEN
        known_account := (found_account.account).account_id;
        merchant := coalesce(ganje.json_id((found_account.account).settings -> 'merchantId'), merchant);
        IF source_account IS NULL THEN
            -- Its settings and its time zone, and who must have signed it, are known only now.
            entry.detail := ganje.signature_problem(entry, known_account);
            IF entry.detail IS NOT NULL THEN
                entry.reason := 'bad_signature';
                RETURN;
            END IF;
            reading := ganje.read_webhook(carrier, ganje.account_json(found_account.account), payload);
            IF reading.problem IS NOT NULL THEN
                entry.reason := reading.problem;
                entry.detail := reading.detail;
                RETURN;
            END IF;
        END IF;
    END IF;
    SELECT r.reason, r.detail INTO entry.reason, entry.detail
      FROM ganje.refuse_news(carrier, source_account, found_account.accounts, reading) AS r;
    IF entry.reason IS NULL AND ganje.is_overfull(merchant, carrier, known_account, reading) THEN
        entry.reason := 'malformed';
        entry.detail := 'more than 1 MiB is kept of this shipment or order already';
    END IF;
    IF entry.reason IS NOT NULL THEN
        RETURN;
    END IF;
    INSERT INTO ganje.webhook_seen (merchant_id, source, dedupe_key, first_inbox_id)
    VALUES (merchant, carrier, reading.dedupe_key, entry.inbox_id) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        entry.state := 'duplicate';
        RETURN;
    END IF;
    IF reading.makes IS NOT NULL THEN
        PERFORM ganje.lock_order(merchant, carrier, coalesce(reading.makes ->> 'orderId',
            (SELECT s.order_id FROM ganje.shipment AS s
              WHERE s.merchant_id = merchant AND s.shipment_id = ganje.find_made(merchant, carrier, known_account, reading.external_id)),
            reading.external_id));
        shipment := ganje.make_shipment(merchant, carrier, known_account, reading.external_id, reading.makes);
        result := ganje.apply_patch(merchant, shipment, carrier, reading.patch);
        PERFORM ganje.follow_order(merchant, shipment);
    END IF;
    IF reading.marketplace_order IS NOT NULL
       AND ganje.record_marketplace_order(merchant, carrier, reading.marketplace_order) = 'applied' THEN
        result := 'applied';
    END IF;
    entry.merchant_id := merchant;
    entry.state := result;
END
$$;
COMMENT ON FUNCTION ganje.apply_news(ganje.webhook_inbox, text, text, jsonb, ganje.webhook_reading) IS
'Applies a message of a carrier that makes shipments or tells of orders; answers the row with its state or the reason against it.';

CREATE FUNCTION ganje.apply_outcome_news(delivery ganje.outbox_delivery, carrier text, outcome ganje.outcome) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    one jsonb;
BEGIN
    -- In the order of their ids, so that two answers do not lock each other out.
    FOR one IN SELECT t.value FROM jsonb_array_elements(coalesce(outcome.orders, '[]')) AS t(value)
                ORDER BY t.value ->> 'orderId' COLLATE "C" LOOP
        PERFORM ganje.record_marketplace_order(delivery.merchant_id, carrier, one);
    END LOOP;
    FOR one IN SELECT t.value FROM jsonb_array_elements(coalesce(outcome.next, '[]')) AS t(value) LOOP
        PERFORM ganje.enqueue_request(delivery.account_id, one ->> 'operation', coalesce(one ->> 'method', 'POST'), one ->> 'path',
                                      (one -> 'body')::text, merchant_id => delivery.merchant_id);
    END LOOP;
END
$$;
COMMENT ON FUNCTION ganje.apply_outcome_news(ganje.outbox_delivery, text, ganje.outcome) IS
'Records the orders that a carrier''s answer tells of, and enqueues the requests that follow from it.';
