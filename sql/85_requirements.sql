-- What a zone can get, and from which cart total on.

CREATE FUNCTION ganje.get_requirements(request jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    zone ganje.zone;
BEGIN
    PERFORM ganje.check_object(request, '', 'merchantId:id zoneId:id address:object location:object');
    PERFORM ganje.check_merchant(ganje.merchant_of(request), 'checkout', 'fulfilment');
    IF request ->> 'zoneId' IS NOT NULL THEN
        zone := ganje.find_zone(request ->> 'zoneId');
    ELSIF request ->> 'address' IS NULL AND request ->> 'location' IS NULL THEN
        RAISE invalid_parameter_value USING MESSAGE = 'zoneId is missing',
            HINT = 'Give a zoneId, or an address or location to find it by.';
    ELSE
        SELECT z.* INTO zone FROM ganje.zone AS z
         WHERE z.zone_id = ganje.locate_zone(request - 'merchantId') ->> 'zoneId';
        IF NOT FOUND THEN
            RETURN '[]';
        END IF;
    END IF;
    RETURN (
        WITH rule AS (
            -- Of a store with "all" every rule's gates must hold for any of them.
            SELECT s.merchant_id, s.store_id, r.types, r.providers,
                   coalesce(r.fee, zone.fee, 0) AS fee,
                   greatest(zone.min_cart_total, CASE WHEN s.match_all
                       THEN max(r.min_cart_total) OVER store ELSE r.min_cart_total END, 0) AS total,
                   CASE WHEN s.match_all THEN bool_and(r.zones = '{}' OR zone.zone_id = ANY (r.zones)) OVER store
                       ELSE r.zones = '{}' OR zone.zone_id = ANY (r.zones) END AS serves
              FROM ganje.store AS s
              JOIN ganje.store_rule AS r ON r.merchant_id = s.merchant_id AND r.store_id = s.store_id AND NOT r.deleted
             WHERE s.merchant_id = ganje.merchant_of(request) AND NOT s.deleted
               AND (s.zones = '{}' OR zone.zone_id = ANY (s.zones))
            WINDOW store AS (PARTITION BY s.merchant_id, s.store_id)
        ), offered AS (
            SELECT t.type, t.place, rule.total, rule.fee,
                   row_number() OVER (PARTITION BY t.type ORDER BY rule.total, rule.fee, rule.store_id COLLATE "C") AS n
              FROM jsonb_array_elements_text(ganje.option_data('SHIPMENT_TYPES')) WITH ORDINALITY AS t(type, place)
              JOIN rule ON t.type = ANY (rule.types)
             WHERE rule.serves
               AND (rule.providers = '{}' OR EXISTS (
                    SELECT FROM unnest(rule.providers) AS p(provider)
                     WHERE NOT EXISTS (
                        SELECT FROM ganje.shipment_provider AS d
                         WHERE d.merchant_id = rule.merchant_id AND d.store_id = rule.store_id
                           AND d.shipment_type = t.type AND d.provider_id = p.provider AND d.deleted)))
        )
        SELECT coalesce(jsonb_agg(jsonb_build_object('type', type, 'minTotal', total, 'fee', fee) ORDER BY place), '[]')
          FROM offered WHERE n = 1);
END
$$;
COMMENT ON FUNCTION ganje.get_requirements(jsonb) IS
'GET_REQUIREMENTS {zoneId or address or location, merchantId?} → [{type, minTotal, fee}]: per shipment type that the zone can get, the lowest cart total from which on, and the lowest fee at that total.';
