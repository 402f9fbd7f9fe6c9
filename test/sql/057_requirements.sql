-- GET_REQUIREMENTS: from which cart total on a zone gets which shipment type.
\set SHOW_CONTEXT never
SELECT ganje.upsert_zone('{"zoneId": "057", "name": "Requirements", "minCartTotal": 20, "fee": 4.5, "rules": [{"addr": {"city": {"IN": ["city 057"]}}}]}') ->> 'zoneId';
SELECT ganje.upsert_zone('{"zoneId": "057-b", "name": "Requirements b", "rules": [{"addr": {"city": {"IN": ["city 057b"]}}}]}') ->> 'zoneId';
CREATE FUNCTION pg_temp.store(merchant text, store text, rules text, more text DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT ganje.upsert_store(jsonb_build_object('merchantId', merchant, 'storeId', store, 'name', store, 'rules', rules::jsonb) || more::jsonb) ->> 'storeId'
$$;
CREATE FUNCTION pg_temp.ask(request text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT coalesce(string_agg(concat_ws(' ', r ->> 'type', r ->> 'minTotal', r ->> 'fee'), ', '), 'none')
              FROM jsonb_array_elements(ganje.get_requirements(request::jsonb)) AS r);
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;

-- The zone's minimum is everybody's; a dear rule with a low minimum comes before a cheap one with a high minimum.
SELECT pg_temp.store('M057', 'S1', '[{"ruleId": "low", "types": ["CARGO"], "minCartTotal": 5, "fee": 9.90}, {"ruleId": "free", "types": ["CARGO"], "minCartTotal": 100, "fee": 0},
    {"ruleId": "zonefee", "types": ["RESERVED", "SELF"], "minCartTotal": 60.5}]');
SELECT pg_temp.store('M057', 'S2', '[{"ruleId": "low", "types": ["CARGO"], "fee": 7}, {"ruleId": "drone", "types": ["DRONE"]}, {"ruleId": "elsewhere", "types": ["SELF"], "zones": ["057-b"], "fee": 1}]');
SELECT pg_temp.store('M057', 'S3', '[{"ruleId": "elsewhere", "types": ["CARGO", "ON_DEMAND"], "fee": 1, "minCartTotal": 1}]', '{"zones": ["057-b"]}');
SELECT ganje.get_requirements('{"merchantId": "M057", "zoneId": "057"}');
SELECT pg_temp.ask('{"merchantId": "M057", "zoneId": "057-b"}');
SELECT pg_temp.ask('{"merchantId": "M057", "address": {"city": "City 057b"}}'), pg_temp.ask('{"merchantId": "M057", "address": {"city": "nowhere"}}');
-- SHIPMENT_TYPES restricts, and its order is the order of the answer.
SELECT ganje.upsert_option('{"optionId": "SHIPMENT_TYPES", "data": ["SELF", "DRONE", "CARGO"]}') -> 'data';
SELECT pg_temp.ask('{"merchantId": "M057", "zoneId": "057"}');
DELETE FROM ganje.option;

-- Deleted stores, rules and providers offer nothing.
SELECT ganje.delete_store('{"merchantId": "M057", "storeId": "S2"}') ->> 'deleted';
SELECT pg_temp.ask('{"merchantId": "M057", "zoneId": "057"}');
SELECT pg_temp.store('M057', 'S1', '[{"ruleId": "free", "types": ["CARGO"], "minCartTotal": 100, "fee": 0}, {"ruleId": "gone", "types": ["CARGO", "SELF"], "providers": ["GONE"]}]');
SELECT ganje.upsert_shipment_provider('{"merchantId": "M057", "storeId": "S1", "shipmentType": "CARGO", "providerId": "GONE", "deleted": true}') ->> 'created';
SELECT pg_temp.ask('{"merchantId": "M057", "zoneId": "057"}');

-- Of a store with "all" every rule must be open.
SELECT pg_temp.store('M057a', 'S', '[{"ruleId": "a", "types": ["CARGO"], "minCartTotal": 30, "fee": 2}, {"ruleId": "b", "types": ["SELF"], "minCartTotal": 50, "fee": 3}]', '{"all": true}');
SELECT pg_temp.ask('{"merchantId": "M057a", "zoneId": "057"}');
SELECT pg_temp.store('M057a', 'S', '[{"ruleId": "a", "types": ["CARGO"]}, {"ruleId": "b", "types": ["SELF"], "zones": ["057-b"]}]', '{"all": true}');
SELECT pg_temp.ask('{"merchantId": "M057a", "zoneId": "057"}'), pg_temp.ask('{"merchantId": "M057a", "zoneId": "057-b"}');

-- What is asked wrongly.
SELECT request, pg_temp.ask(request)
  FROM unnest(ARRAY['{}', '[]', '{"zoneId": "057-none"}', '{"zoneId": "057", "storeId": "S1"}', '{"merchantId": "M057"}', '{"address": "here"}', '{"merchantId": "nobody", "zoneId": "057"}']) AS request;
SELECT ganje.get_requirements(NULL);

DELETE FROM ganje.zone WHERE zone_id LIKE '057%';
DELETE FROM ganje.store WHERE merchant_id LIKE 'M057%';
