-- Patches that say as of when: those of carriers whose messages overtake each
-- other but tell the time of what they say.
--
-- Every field of a shipment remembers the asOf of the message that it has its
-- value from, and takes a value of a later one only. So the order in which
-- messages arrive does not matter: an address that only the first message has
-- still comes in after a later message without one, and a status that is
-- overtaken does not. asOf is a text that sorts (in "C") like its time; no two
-- messages of one shipment share one.

CREATE FUNCTION ganje.as_of(at timestamptz) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
COMMENT ON FUNCTION ganje.as_of(timestamptz) IS 'A time as a text that sorts like it (of the years 1 to 9999).';

-- A patch field by field: "address", "data.shop", and for the status, which
-- each entity of the carrier has apart, "status.ENTITY", and "moved.ENTITY"
-- where its mapping names a status of the project.
CREATE FUNCTION ganje.told_fields(carrier text, patch jsonb) RETURNS TABLE (field text, value jsonb)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    entity text := patch ->> 'entity';
BEGIN
    RETURN QUERY
        SELECT e.key, e.value FROM jsonb_each(patch - '{asOf,entity,carrierStatus,openStatus,occurredAt,data}'::text[]) AS e
         WHERE e.value <> 'null'
         UNION ALL
        SELECT 'data.' || e.key, e.value FROM jsonb_each(coalesce(patch -> 'data', '{}')) AS e;
    IF patch ->> 'carrierStatus' IS NOT NULL THEN
        RETURN QUERY SELECT 'status.' || entity, patch -> 'carrierStatus';
        IF (ganje.map_status(carrier, entity, patch ->> 'carrierStatus')).shipment_status IS NOT NULL THEN
            RETURN QUERY SELECT 'moved.' || entity, patch -> 'carrierStatus';
        END IF;
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.told_fields(text, jsonb) IS 'What a dated patch says, field by field.';

-- Of several entities the most advanced speaks: an order that is on its way
-- takes its delivery order along, whatever that last said of itself, and one
-- that was deleted stays so.
CREATE FUNCTION ganje.foremost_status(told jsonb, carrier text, prefix text) RETURNS ganje.status_mapping
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    mapping ganje.status_mapping;
BEGIN
    SELECT m.* INTO mapping
      FROM jsonb_each(told) AS t
     CROSS JOIN LATERAL ganje.map_status(foremost_status.carrier, substr(t.key, length(prefix) + 1), t.value ->> 'value') AS m
     WHERE starts_with(t.key, prefix)
     ORDER BY m.rank DESC NULLS LAST, t.value ->> 'asOf' COLLATE "C" DESC LIMIT 1;
    IF FOUND AND mapping.carrier IS NULL THEN
        mapping.normalized_status := 'unknown';
    END IF;
    RETURN mapping;
END
$$;
COMMENT ON FUNCTION ganje.foremost_status(jsonb, text, text) IS
'The status that speaks for a shipment, of those that were told: prefix is "status." or "moved.". One without a mapping is unknown.';

CREATE FUNCTION ganje.replace_items(the_shipment ganje.shipment, items jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    DELETE FROM ganje.shipment_item AS i
     WHERE i.merchant_id = the_shipment.merchant_id AND i.shipment_id = the_shipment.shipment_id;
    INSERT INTO ganje.shipment_item (merchant_id, shipment_id, item_id, position, quantity, price, name, data)
    SELECT the_shipment.merchant_id, the_shipment.shipment_id, t.item ->> 'itemId', (t.place - 1)::integer,
           (t.item ->> 'quantity')::numeric, (t.item ->> 'price')::numeric, t.item ->> 'name', coalesce(t.item -> 'data', '{}')
      FROM jsonb_array_elements(items) WITH ORDINALITY AS t(item, place);
END
$$;
COMMENT ON FUNCTION ganje.replace_items(ganje.shipment, jsonb) IS
'Gives a shipment the items [{itemId, quantity, price, name, data}, …] in the place of its own.';

-- Writes fields that are news, and the status that follows from what is told.
CREATE FUNCTION ganje.take_told(before ganje.shipment, carrier text, news jsonb, now_told jsonb) RETURNS ganje.shipment
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    after ganje.shipment;
    foremost ganje.status_mapping := ganje.foremost_status(now_told, carrier, 'status.');
    moved ganje.status_mapping := ganje.foremost_status(now_told, carrier, 'moved.');
BEGIN
    UPDATE ganje.shipment AS s
       SET normalized_status = coalesce(foremost.normalized_status, s.normalized_status),
           status = CASE WHEN ganje.status_place(moved.shipment_status) IS NULL THEN s.status ELSE moved.shipment_status END,
           order_id = coalesce(news ->> 'orderId', s.order_id),
           provider = coalesce(news ->> 'provider', s.provider),
           address = coalesce(news -> 'address', s.address),
           recipient = coalesce(news ->> 'recipient', s.recipient),
           phone = coalesce(news ->> 'phone', s.phone),
           order_link = coalesce(news ->> 'orderLink', s.order_link),
           tracking_url = coalesce(news ->> 'trackingUrl', s.tracking_url),
           tracking_number = coalesce(news ->> 'trackingNumber', s.tracking_number),
           waybill_url = coalesce(news ->> 'waybillUrl', s.waybill_url),
           courier_name = coalesce(news ->> 'courierName', s.courier_name),
           station = coalesce(news -> 'station', s.station),
           data = s.data || (SELECT coalesce(jsonb_object_agg(substr(n.key, 6), n.value), '{}')
                               FROM jsonb_each(news) AS n WHERE starts_with(n.key, 'data.')),
           told = now_told,
           updated_at = pg_catalog.now()
     WHERE s.merchant_id = before.merchant_id AND s.shipment_id = before.shipment_id
    RETURNING * INTO after;
    RETURN after;
END
$$;
COMMENT ON FUNCTION ganje.take_told(ganje.shipment, text, jsonb, jsonb) IS
'Writes fields of a dated patch into a shipment and answers its row.';

-- The journey gets a step where the carrier's word is another than before, or
-- moves the shipment.
CREATE FUNCTION ganje.apply_dated_patch(before ganje.shipment, carrier text, patch jsonb) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    as_of text := patch ->> 'asOf';
    status_field text := 'status.' || (patch ->> 'entity');
    news jsonb;
    now_told jsonb;
    after ganje.shipment;
BEGIN
    IF patch ->> 'carrierStatus' IS NOT NULL AND patch -> 'openStatus' IS DISTINCT FROM 'true'
       AND (ganje.map_status(carrier, patch ->> 'entity', patch ->> 'carrierStatus')).carrier IS NULL THEN
        RETURN 'unknown_status';
    END IF;
    SELECT jsonb_object_agg(f.field, f.value),
           jsonb_object_agg(f.field, jsonb_strip_nulls(jsonb_build_object('asOf', as_of,
               'value', CASE WHEN f.field ~ '^(status|moved)\.' THEN f.value END)))
      INTO news, now_told
      FROM ganje.told_fields(carrier, patch) AS f
     WHERE coalesce(before.told #>> ARRAY[f.field, 'asOf'], '') < as_of COLLATE "C";
    IF news IS NULL THEN
        RETURN 'stale';
    END IF;
    after := ganje.take_told(before, carrier, news, before.told || now_told);
    IF news ? 'items' THEN
        PERFORM ganje.replace_items(after, news -> 'items');
    END IF;
    IF news ? status_field
       AND (before.told #> ARRAY[status_field, 'value'] IS DISTINCT FROM news -> status_field
            OR (after.status, after.normalized_status) <> (before.status, before.normalized_status)) THEN
        PERFORM ganje.append_event(before, after, carrier, patch);
    END IF;
    RETURN 'applied';
END
$$;
COMMENT ON FUNCTION ganje.apply_dated_patch(ganje.shipment, text, jsonb) IS
'Applies a patch with asOf to a shipment whose row is locked: fields of which nothing later is known. Answers applied, stale or unknown_status; openStatus true: a status without a mapping is "unknown" and no hindrance.';
