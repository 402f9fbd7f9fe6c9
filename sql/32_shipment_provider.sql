-- Shipment providers by RBS's three actions.

CREATE FUNCTION ganje.provider_json(provider ganje.shipment_provider) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN jsonb_strip_nulls(jsonb_build_object(
    'merchantId', provider.merchant_id,
    'storeId', provider.store_id,
    'shipmentType', provider.shipment_type,
    'providerId', provider.provider_id,
    'name', provider.name,
    'deleted', nullif(provider.deleted, false)))
    || jsonb_build_object('data', provider.data);
COMMENT ON FUNCTION ganje.provider_json(ganje.shipment_provider) IS 'A shipment provider in the shape of ShipmentProviderInput.';

CREATE FUNCTION ganje.upsert_shipment_provider(request jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    merchant text := ganje.merchant_of(request);
    id text := coalesce(request ->> 'providerId', ganje.ulid());
    was_created boolean;
BEGIN
    PERFORM ganje.check_object(request, '',
        'storeId:id! shipmentType:id! merchantId:id providerId:id data:any name:text deleted:bool');
    PERFORM ganje.check_merchant(merchant, 'operator');
    PERFORM ganje.find_store(merchant, request ->> 'storeId');
    -- Who acts for one merchant alone names none of another's accounts, and learns of none.
    PERFORM 1 FROM ganje.carrier_account AS a
      WHERE a.account_id = request #>> '{data,carrierAccount}' AND ganje.may_act(ganje.account_merchant(a), 'operator');
    IF NOT FOUND AND request #>> '{data,carrierAccount}' IS NOT NULL THEN
        RAISE no_data_found
            USING MESSAGE = format('carrier account %L (data.carrierAccount) does not exist', request #>> '{data,carrierAccount}'),
                  HINT = 'SELECT account_id, carrier FROM ganje.carrier_account lists the accounts.';
    END IF;
    INSERT INTO ganje.shipment_provider AS p (merchant_id, store_id, shipment_type, provider_id, name, data, deleted)
    VALUES (merchant, request ->> 'storeId', request ->> 'shipmentType', id, request ->> 'name',
            coalesce(nullif(request -> 'data', 'null'), '{}'), coalesce((request ->> 'deleted')::boolean, false))
    ON CONFLICT (merchant_id, store_id, shipment_type, provider_id) DO NOTHING
    RETURNING true INTO was_created;
    IF was_created IS NULL THEN
        UPDATE ganje.shipment_provider AS p
           SET name = coalesce(request ->> 'name', p.name),
               data = coalesce(nullif(request -> 'data', 'null'), p.data),
               deleted = coalesce((request ->> 'deleted')::boolean, p.deleted),
               updated_at = pg_catalog.now()
         WHERE p.merchant_id = merchant AND p.store_id = request ->> 'storeId'
           AND p.shipment_type = request ->> 'shipmentType' AND p.provider_id = id;
    END IF;
    RETURN jsonb_build_object('shipmentType', request ->> 'shipmentType', 'providerId', id,
                              'created', coalesce(was_created, false));
END
$$;
COMMENT ON FUNCTION ganje.upsert_shipment_provider(jsonb) IS
'UPSERT_SHIPMENT_PROVIDER ShipmentProviderInput: answers {shipmentType, providerId, created}. data {"carrierAccount": …} ties the provider to a carrier account.';

CREATE FUNCTION ganje.list_shipment_providers(request jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM ganje.check_object(request, '', 'merchantId:id storeId:id');
    PERFORM ganje.check_merchant(ganje.merchant_of(request), 'fulfilment', 'operator');
    RETURN (SELECT coalesce(jsonb_agg(ganje.provider_json(p)
                                      ORDER BY p.store_id COLLATE "C", p.shipment_type COLLATE "C", p.provider_id COLLATE "C"), '[]')
              FROM ganje.shipment_provider AS p
             WHERE p.merchant_id = ganje.merchant_of(request) AND NOT p.deleted
               AND (request ->> 'storeId' IS NULL OR p.store_id = request ->> 'storeId'));
END
$$;
COMMENT ON FUNCTION ganje.list_shipment_providers(jsonb) IS 'LIST_SHIPMENT_PROVIDERS {merchantId, storeId}: providers that are not deleted.';

CREATE FUNCTION ganje.get_shipment_provider(request jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    answer jsonb;
BEGIN
    PERFORM ganje.check_object(request, '', 'merchantId:id storeId:id! shipmentType:id! providerId:id!');
    PERFORM ganje.check_merchant(ganje.merchant_of(request), 'fulfilment', 'operator');
    SELECT ganje.provider_json(p) INTO answer FROM ganje.shipment_provider AS p
     WHERE p.merchant_id = ganje.merchant_of(request) AND p.store_id = request ->> 'storeId'
       AND p.shipment_type = request ->> 'shipmentType' AND p.provider_id = request ->> 'providerId' AND NOT p.deleted;
    IF answer IS NULL THEN
        RAISE no_data_found USING MESSAGE = format('shipment provider %L of store %L does not exist',
                                                   request ->> 'providerId', request ->> 'storeId');
    END IF;
    RETURN answer;
END
$$;
COMMENT ON FUNCTION ganje.get_shipment_provider(jsonb) IS 'GET_SHIPMENT_PROVIDER {merchantId, storeId, shipmentType, providerId}: the provider with its data.';
