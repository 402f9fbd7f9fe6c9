-- Stores: every field of a rule, ids of rules that stay, soft deletion, bad input.
\set SHOW_CONTEXT never
SELECT ganje.upsert_store('{"storeId": "S30", "name": "Store", "zones": ["Z1", "Z2"], "all": true, "rules": [{"ruleId": "R1", "types": ["RESERVED", "SELF"], "providers": ["P1", "P2"],
    "days": ["1", "7"], "slots": [["10:00", "12:00"], ["22:00", "02:00"], ["18:00", "24:00"]], "cutoff": 60, "time": {"slot": ["09:00", "21:30"], "in": 90}, "zones": ["Z1"],
    "capacity": 5, "fee": 6.99, "minOrderCount": 2, "minCartTotal": 99.5, "maxCartWeight": 30, "maxCartVolume": 0.5,
    "category": {"values": ["dry", "cold"], "all": true}, "tag": {"values": ["a"]}, "segment": {"values": ["vip"], "all": false}}]}');
SELECT jsonb_pretty(ganje.get_store('{"storeId": "S30"}'));
-- Less is more: only types are required.
SELECT ganje.upsert_store('{"storeId": "S30", "rules": [{"ruleId": "R2", "types": ["CARGO"]}]}');
SELECT ganje.get_store('{"storeId": "S30"}');
-- null is as good as absent; a fee may be an object; a whole number may be written 5.0; days may be numbers.
SELECT ganje.upsert_store('{"storeId": "S30", "name": null, "zones": null, "all": null, "rules": null}');
SELECT ganje.get_store('{"storeId": "S30"}') = '{"merchantId": "DEFAULT", "storeId": "S30", "name": "Store", "zones": ["Z1", "Z2"], "all": true, "rules": [{"ruleId": "R2", "types": ["CARGO"], "providers": []}]}' AS same;
SELECT ganje.upsert_store('{"storeId": "S30", "zones": [], "all": false, "rules": [{"ruleId": "R3", "types": ["CARGO"], "providers": null, "days": [1, 2], "slots": null, "cutoff": 5.0, "time": null, "zones": null,
    "capacity": 1e1, "fee": {"amount": 3.50}, "minOrderCount": null, "category": null, "tag": null, "segment": null}]}');
SELECT ganje.get_store('{"storeId": "S30"}');
SELECT ganje.upsert_store('{"storeId": "S30", "rules": [{"ruleId": "R4", "types": ["ON_DEMAND"], "time": {"slot": ["00:00", "24:00"], "in": 90.0}, "capacity": 0}]}');
SELECT ganje.get_store('{"storeId": "S30"}') -> 'rules' AS rules;
SELECT ganje.upsert_store('{"storeId": "S30", "rules": []}');
SELECT ganje.get_store('{"storeId": "S30"}') AS without_rules;
SELECT rule_id, deleted FROM ganje.store_rule WHERE store_id = 'S30' ORDER BY rule_id;
-- A ruleId that was taken out comes back with what it is now.
SELECT ganje.upsert_store('{"storeId": "S30", "rules": [{"ruleId": "R1", "types": ["SELF"]}]}');
SELECT rule_id, types, slots, deleted FROM ganje.store_rule WHERE store_id = 'S30' ORDER BY rule_id;

-- ruleIds stay with their rules for a client that has never heard of them.
CREATE FUNCTION pg_temp.put(rules jsonb) RETURNS void LANGUAGE sql AS
$$ SELECT ganje.upsert_store(jsonb_build_object('storeId', 'S30B', 'name', 'B', 'rules', rules)) $$;
CREATE TEMP TABLE seen (n serial, rule_id text PRIMARY KEY);
-- each rule's fee, and the number of its id in order of appearance; deleted ones behind
CREATE FUNCTION pg_temp.ids() RETURNS text LANGUAGE sql AS $$
    INSERT INTO seen (rule_id) SELECT rule_id FROM ganje.store_rule WHERE store_id = 'S30B' ORDER BY deleted, position ON CONFLICT DO NOTHING;
    SELECT concat_ws(' deleted: ', string_agg(format('fee %s is #%s', fee, n), ', ' ORDER BY position) FILTER (WHERE NOT deleted),
                                 string_agg(format('#%s', n), ', ' ORDER BY n) FILTER (WHERE deleted))
      FROM ganje.store_rule JOIN (SELECT row_number() OVER (ORDER BY n) AS n, rule_id FROM seen) AS s USING (rule_id) WHERE store_id = 'S30B' $$;
SELECT pg_temp.put('[{"types": ["CARGO"], "fee": 1}, {"types": ["CARGO"], "fee": 2}, {"types": ["CARGO"], "fee": 3}]');
SELECT pg_temp.ids() AS at_first;
SELECT pg_temp.put('[{"types": ["CARGO"], "fee": 1}, {"types": ["CARGO"], "fee": 2.0}, {"types": ["CARGO"], "fee": 3}]');
SELECT pg_temp.ids() AS the_same_again;
SELECT pg_temp.put('[{"types": ["CARGO"], "fee": 1}, {"types": ["CARGO"], "fee": 22}, {"types": ["CARGO"], "fee": 3}]');
SELECT pg_temp.ids() AS one_edited;
SELECT pg_temp.put('[{"types": ["CARGO"], "fee": 3}, {"types": ["CARGO"], "fee": 1}, {"types": ["CARGO"], "fee": 22}]');
SELECT pg_temp.ids() AS turned;
SELECT pg_temp.put('[{"types": ["CARGO"], "fee": 3}, {"types": ["CARGO"], "fee": 22}]');
SELECT pg_temp.ids() AS one_taken_out;
SELECT pg_temp.put('[{"types": ["CARGO"], "fee": 5}, {"types": ["CARGO"], "fee": 3}, {"types": ["CARGO"], "fee": 22}]');
SELECT pg_temp.ids() AS one_put_in_front;
SELECT pg_temp.put('[{"types": ["CARGO"], "fee": 3}, {"types": ["CARGO"], "fee": 3}]');
SELECT pg_temp.ids() AS two_alike;
SELECT pg_temp.put('[{"types": ["CARGO"], "fee": 3}, {"types": ["CARGO"], "fee": 3}]');
SELECT pg_temp.ids() AS two_alike_again;
SELECT pg_temp.put('[{"ruleId": "GIVEN", "types": ["CARGO"], "fee": 3}, {"types": ["CARGO"], "fee": 3}]');
SELECT pg_temp.ids() AS one_given;
SELECT ganje.upsert_store('{"storeId": "S30B", "name": "renamed"}');
SELECT pg_temp.ids() AS untouched;
-- What a client reads it may write back.
SELECT ganje.upsert_store(ganje.get_store('{"storeId": "S30B"}'));
SELECT pg_temp.ids() AS written_back;

-- Merchants are apart; DEFAULT where none is named.
SELECT ganje.upsert_store('{"merchantId": "M30", "storeId": "S30", "name": "Other"}');
SELECT ganje.list_stores('{"merchantId": "M30"}');
SELECT store ->> 'storeId' AS store_id FROM jsonb_array_elements(ganje.list_stores()) AS store;
SELECT ganje.delete_store('{"merchantId": "M30", "storeId": "S30"}');
SELECT ganje.list_stores('{"merchantId": "M30"}');
SELECT ganje.get_store('{"merchantId": "M30", "storeId": "S30"}');
SELECT ganje.delete_store('{"merchantId": "M30", "storeId": "S30"}');
SELECT ganje.upsert_store('{"merchantId": "M30", "storeId": "S30", "name": "Still deleted"}');
SELECT ganje.list_stores('{"merchantId": "M30"}');
SELECT ganje.upsert_store('{"merchantId": "M30", "storeId": "S30", "deleted": false}');
SELECT ganje.get_store('{"merchantId": "M30", "storeId": "S30"}');
SELECT ganje.get_store('{"storeId": "S30NEVER"}');

-- Bad input: the path in the message, and nothing stored.
CREATE FUNCTION pg_temp.refused(request jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    state text; message text; hint text;
BEGIN
    PERFORM ganje.upsert_store('{"storeId": "S30", "name": "Changed"}' || request);
    RETURN 'ACCEPTED';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
    RETURN state || ': ' || message || CASE WHEN hint <> '' THEN ' (' || hint || ')' ELSE '' END;
END $$;
\pset format unaligned
\pset tuples_only on
SELECT pg_temp.refused(r) FROM jsonb_array_elements('[{"storeId": ""}, {"storeId": 5}, {"merchantId": ""}, {"name": ""}, {"name": 5}, {"zones": "Z1"}, {"zones": ["Z1", 5]}, {"zones": [""]}, {"all": 1},
    {"deleted": "no"}, {"rules": {}}, {"rule": []}, {"rules": ["x"]}, {"rules": [null]}, {"storeId": "S30NEW", "name": null}]') WITH ORDINALITY AS t(r, n) ORDER BY n;
SELECT pg_temp.refused(jsonb_build_object('rules', jsonb_build_array('{"types": ["CARGO"]}'::jsonb, r))) FROM jsonb_array_elements('[{}, {"types": []}, {"types": "CARGO"}, {"types": [5]}, {"types": [""]},
    {"types": ["CARGO"], "ruleId": ""}, {"types": ["CARGO"], "ruleId": 5}, {"types": ["CARGO"], "provider": ["x"]}, {"types": ["CARGO"], "providers": "x"}, {"types": ["CARGO"], "providers": [null]},
    {"types": ["CARGO"], "days": []}, {"types": ["CARGO"], "days": ["0"]}, {"types": ["CARGO"], "days": ["1", "8"]}, {"types": ["CARGO"], "days": ["Monday"]}, {"types": ["CARGO"], "days": "1"}, {"types": ["CARGO"], "days": [1.0]},
    {"types": ["RESERVED"], "slots": [["10:00", "12:00"]]}, {"types": ["RESERVED"], "days": null, "slots": [["10:00", "12:00"]]},
    {"types": ["RESERVED"], "days": ["1"], "slots": [["10:00", "12:00"], ["25:00", "26:00"]]}, {"types": ["RESERVED"], "days": ["1"], "slots": [["24:00", "10:00"]]},
    {"types": ["RESERVED"], "days": ["1"], "slots": [["10:60", "12:00"]]}, {"types": ["RESERVED"], "days": ["1"], "slots": [["9:00", "12:00"]]}, {"types": ["RESERVED"], "days": ["1"], "slots": [["10:00"]]},
    {"types": ["RESERVED"], "days": ["1"], "slots": [["10:00", "12:00", "14:00"]]}, {"types": ["RESERVED"], "days": ["1"], "slots": ["10:00", "12:00"]}, {"types": ["RESERVED"], "days": ["1"], "slots": [[1000, 1200]]},
    {"types": ["RESERVED"], "days": ["1"], "slots": "10:00"}, {"types": ["RESERVED"], "days": ["1"], "slots": [{"from": "10:00"}]},
    {"types": ["CARGO"], "cutoff": -1}, {"types": ["CARGO"], "cutoff": 1.5}, {"types": ["CARGO"], "cutoff": 527041}, {"types": ["CARGO"], "cutoff": "60"},
    {"types": ["ON_DEMAND"], "time": {}}, {"types": ["ON_DEMAND"], "time": {"slot": ["09:00", "21:00"]}}, {"types": ["ON_DEMAND"], "time": {"in": 90}}, {"types": ["ON_DEMAND"], "time": {"slot": ["09:00", "21:00"], "in": 0}},
    {"types": ["ON_DEMAND"], "time": {"slot": ["09:00", "21:00"], "in": 1441}}, {"types": ["ON_DEMAND"], "time": {"slot": ["09:00", "29:00"], "in": 90}}, {"types": ["ON_DEMAND"], "time": {"slots": ["09:00", "21:00"], "in": 90}}, {"types": ["ON_DEMAND"], "time": "09:00"},
    {"types": ["CARGO"], "zones": "Z1"}, {"types": ["CARGO"], "zones": [5]}, {"types": ["CARGO"], "capacity": -1}, {"types": ["CARGO"], "capacity": 1.5}, {"types": ["CARGO"], "capacity": "5"}, {"types": ["CARGO"], "capacity": 1e10}, {"types": ["CARGO"], "capacty": 1},
    {"types": ["CARGO"], "fee": -1}, {"types": ["CARGO"], "fee": {"amount": "1"}}, {"types": ["CARGO"], "fee": {}}, {"types": ["CARGO"], "minOrderCount": -1}, {"types": ["CARGO"], "minCartTotal": -1}, {"types": ["CARGO"], "maxCartWeight": -1}, {"types": ["CARGO"], "maxCartVolume": "1"},
    {"types": ["CARGO"], "category": ["dry"]}, {"types": ["CARGO"], "category": {}}, {"types": ["CARGO"], "category": {"values": []}}, {"types": ["CARGO"], "tag": {"values": "x"}}, {"types": ["CARGO"], "tag": {"values": [5]}}, {"types": ["CARGO"], "segment": {"values": ["x"], "all": "yes"}}, {"types": ["CARGO"], "segment": {"value": ["x"]}},
    {"types": ["CARGO"], "deleted": true}]') WITH ORDINALITY AS t(r, n) ORDER BY n;
SELECT pg_temp.refused('{"rules": [{"ruleId": "R1", "types": ["CARGO"]}, {"ruleId": "R1", "types": ["SELF"]}]}');
\pset format aligned
\pset tuples_only off
SELECT ganje.get_store('{"storeId": "S30"}') AS unchanged;
SELECT ganje.upsert_store('[]');
SELECT ganje.upsert_store(NULL);
SELECT ganje.get_store('{}');
SELECT ganje.get_store('{"storeId": "S30", "store": 1}');
SELECT ganje.list_stores('{"storeId": "S30"}');
-- A plain INSERT cannot go around the checks.
\set VERBOSITY terse
INSERT INTO ganje.store_rule (store_id, merchant_id, types) VALUES ('S30', 'DEFAULT', '{}');
INSERT INTO ganje.store_rule (store_id, merchant_id, types, slots) VALUES ('S30', 'DEFAULT', '{CARGO}', '[["10:00", "12:00"]]');
INSERT INTO ganje.store_rule (store_id, merchant_id, types, days, slots) VALUES ('S30', 'DEFAULT', '{CARGO}', '{1}', '[["10:00", "12:70"]]');
INSERT INTO ganje.store_rule (store_id, merchant_id, types, days) VALUES ('S30', 'DEFAULT', '{CARGO}', '{0}');
INSERT INTO ganje.store_rule (store_id, merchant_id, types, capacity) VALUES ('S30', 'DEFAULT', '{CARGO}', -1);
INSERT INTO ganje.store_rule (store_id, merchant_id, types, on_demand_minutes) VALUES ('S30', 'DEFAULT', '{CARGO}', 5);
INSERT INTO ganje.store_rule (store_id, merchant_id, types, category) VALUES ('S30', 'DEFAULT', '{CARGO}', '{"values": [1]}');
INSERT INTO ganje.store_rule (store_id, merchant_id, types) VALUES ('S30NEVER', 'DEFAULT', '{CARGO}');
DELETE FROM ganje.store;
