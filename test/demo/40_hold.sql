\echo '== The customer takes the second: dry goods to a locker, the cake by courier. Both are held for five minutes'
SELECT ganje.hold_slot('{"cartId": "CART_1", "zoneId": "IRN-3216", "pool": [
    {"items": ["p1", "p2"], "type": "CARGO", "provider": "GANJE"},
    {"items": ["p3"], "type": "ON_DEMAND"}]}');
SELECT store_id, rule_id, capacity, used, held, confirmed FROM ganje.slot_usage;
