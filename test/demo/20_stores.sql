\echo '== Options: how far ahead, how many pools'
SELECT ganje.upsert_option('{"optionId": "SHIPMENT", "data": {"days": 3, "maxPools": 5}}');

\echo '== A carrier account: Ganje''s smart lockers (here a stand-in on this machine)'
INSERT INTO ganje.carrier_account (account_id, carrier, base_url, allow_http, timezone)
VALUES ('GANJE_MAIN', 'ganje', :'carrier_url', true, 'UTC');
SELECT ganje.set_credential('GANJE_MAIN', '{"username": "shop", "password": "secret"}');

\echo '== Two stores: one with the five example rules of the RBS documentation, ...'
SELECT ganje.upsert_store('{"storeId": "STORE_1", "name": "Main warehouse", "rules": [
    {"types": ["CARGO"], "providers": ["YURTICI_KARGO", "ARAS_KARGO"], "days": ["1", "2", "3", "4", "5", "6", "7"],
     "slots": [["10:00", "12:00"], ["12:00", "14:00"]], "zones": ["TUR-2265"], "capacity": 100, "fee": 6.99},
    {"types": ["CARGO"], "providers": ["YURTICI_KARGO", "SURAT_KARGO"], "days": ["1", "2", "3", "4", "5", "6"],
     "slots": [["10:00", "13:00"], ["14:00", "17:00"]], "zones": ["IRN-3216"], "capacity": 85, "fee": 5.99},
    {"types": ["RESERVED"], "providers": [], "days": ["1", "2", "3", "4", "5", "6", "7"],
     "slots": [["10:00", "12:00"], ["12:00", "14:00"], ["14:00", "16:00"], ["16:00", "18:00"]],
     "zones": ["TUR-2265", "IRN-3216"], "capacity": 150, "fee": 8.99},
    {"types": ["ON_DEMAND"], "providers": ["MOTOR1", "MOTOR2", "MOTOR3"], "days": ["1", "2", "3", "4", "5", "6", "7"],
     "slots": [], "zones": ["IRN-3216"], "capacity": 3, "fee": 9.99},
    {"types": ["SELF"], "providers": [], "days": ["1", "2", "3", "4", "5", "6", "7"],
     "slots": [["10:00", "18:00"]], "zones": ["TUR-2265"], "capacity": 50, "fee": 0}]}');

\echo '== ... and one that has a locker for what is dry and a courier for what is cold'
SELECT ganje.upsert_store('{"storeId": "STORE_2", "name": "Tehran shop", "zones": ["IRN-3216"], "rules": [
    {"types": ["CARGO"], "providers": ["GANJE"], "category": {"values": ["dry"]}, "fee": 2},
    {"types": ["ON_DEMAND"], "providers": ["MOTOR9"], "category": {"values": ["cold-chain"]}, "capacity": 3, "fee": 3}]}');
SELECT ganje.upsert_shipment_provider('{"storeId": "STORE_2", "shipmentType": "CARGO", "providerId": "GANJE",
    "name": "Ganje locker", "data": {"carrierAccount": "GANJE_MAIN"}}');
