-- The example of RBS's documentation: GET_POOLS for p1, p2, p3.
--
-- Its answer offers the slots of 2020-12-18 from 10:00 beside a promise of
-- 18:30 on the same day, and no single call can give both, however the rules
-- are set.  A promise is [now, now + in] rounded up to the minute: its start is
-- the clock whatever "time.slot" and "in" are (an "in" of 8.5 hours asked for at
-- 10:00 reads 10:00 to 18:30), so the example was asked after 18:29.  A RESERVED
-- slot is open while now < start - cutoff, and a cut-off is never negative: the
-- example was asked before 10:00.  Both are of one zone, whose clock shows no
-- hour of that day twice; and of the other types that could show 18:30 as a
-- slot of their own, or 10:00 until its end, none is named RESERVED or
-- ON_DEMAND.  So the answer is asked for twice, in the morning and at 18:30,
-- and compared with the example but for what that hour changes.
SELECT $${"cartId": "051", "zoneId": "051", "merchantId": "M051"}$$ AS request \gset
SELECT ganje.upsert_zone('{"zoneId": "051", "name": "Seed", "timezone": 3, "rules": [{"addr": {"city": {"IN": ["city 051"]}}}]}');
SELECT ganje.upsert_option('{"optionId": "SHIPMENT", "data": {"days": 3, "maxPools": 10, "linearStatuses": true}}');
SELECT ganje.upsert_store('{"storeId": "STORE_1", "merchantId": "M051", "name": "Store 1", "zones": ["051"], "rules": [
    {"ruleId": "reserved", "types": ["RESERVED"], "providers": [], "days": ["1","2","3","4","5","6","7"],
     "slots": [["10:00","12:00"],["12:00","14:00"],["14:00","16:00"],["16:00","18:00"]], "zones": ["051"], "capacity": 150, "fee": 6},
    {"ruleId": "cargo", "types": ["CARGO"], "providers": ["YURTICI_KARGO", "ARAS_KARGO"], "zones": ["051"], "fee": 9,
     "category": {"values": ["dry"], "all": false}},
    {"ruleId": "demand", "types": ["ON_DEMAND"], "providers": ["MOTOR1", "MOTOR2", "MOTOR3"],
     "time": {"slot": ["09:00", "23:00"], "in": 90}, "zones": ["051"], "capacity": 3, "fee": 6}]}');
SELECT ganje.upsert_store('{"storeId": "STORE_2", "merchantId": "M051", "name": "Store 2", "rules": [
    {"ruleId": "demand", "types": ["ON_DEMAND"], "providers": ["MOTOR4"], "time": {"slot": ["09:00", "23:00"], "in": 90},
     "zones": ["051"], "capacity": 3, "fee": 6, "category": {"values": ["frozen"], "all": false}}]}');
INSERT INTO ganje.cart (merchant_id, cart_id) VALUES ('M051', '051');
INSERT INTO ganje.cart_item (merchant_id, cart_id, item_id, price, categories)
VALUES ('M051', '051', 'p1', 10, '{dry}'), ('M051', '051', 'p2', 20, '{dry}'), ('M051', '051', 'p3', 30, '{frozen}');

-- The documentation's answer, its wiki rendering ["18:30","20:00"](/…) read as a list of one slot.
SELECT $$[
    [
        {
            "items": ["p1", "p2", "p3"],
            "options": [
                {
                    "type": "RESERVED",
                    "fee": 6,
                    "slots": {
                        "2020-12-18": [
                            ["10:00", "12:00"],
                            ["12:00", "14:00"],
                            ["14:00", "16:00"],
                            ["16:00", "18:00"]
                        ],
                        "2020-12-19": [
                            ["10:00", "12:00"],
                            ["12:00", "14:00"],
                            ["14:00", "16:00"],
                            ["16:00", "18:00"]
                        ],
                        "2020-12-20": [
                            ["10:00", "12:00"],
                            ["12:00", "14:00"],
                            ["14:00", "16:00"],
                            ["16:00", "18:00"]
                        ],
                        "2020-12-21": [
                            ["10:00", "12:00"],
                            ["12:00", "14:00"],
                            ["14:00", "16:00"],
                            ["16:00", "18:00"]
                        ]
                    }
                },
                {
                    "type": "ON_DEMAND",
                    "fee": 6,
                    "slots": { "2020-12-18": [["18:30", "20:00"]] }
                }
            ]
        }
    ],
    [
        {
            "items": ["p1", "p2"],
            "options": [
                { "type": "CARGO", "provider": "YURTICI_KARGO", "fee": 9 },
                { "type": "CARGO", "provider": "ARAS_KARGO", "fee": 9 }
            ]
        },
        {
            "items": ["p3"],
            "options": [
                {
                    "type": "ON_DEMAND",
                    "fee": 6,
                    "slots": { "2020-12-18": [["18:30", "20:00"]] }
                }
            ]
        }
    ]
]$$ AS example \gset

-- 18:30 in the zone: all of it but the slots of the day, which are over.
SET ganje_logistics.now = '2020-12-18 15:30:00+00';
SELECT ganje.get_pools(:'request') = :'example'::jsonb #- '{0,0,options,0,slots,2020-12-18}' AS evening;
-- 09:30: all of it but the hour of the promise.
SET ganje_logistics.now = '2020-12-18 06:30:00+00';
SELECT ganje.get_pools(:'request') = replace(:'example', '"18:30", "20:00"', '"09:30", "11:00"')::jsonb AS morning;

DELETE FROM ganje.zone WHERE zone_id = '051';
DELETE FROM ganje.store WHERE merchant_id = 'M051';
DELETE FROM ganje.cart WHERE merchant_id = 'M051';
DELETE FROM ganje.option;
