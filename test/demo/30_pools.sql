\echo '== A cart'
INSERT INTO ganje.cart (cart_id) VALUES ('CART_1');
INSERT INTO ganje.cart_item (cart_id, item_id, position, quantity, price, categories, name) VALUES
    ('CART_1', 'p1', 0, 2, 12.50, '{dry}', 'Tea'),
    ('CART_1', 'p2', 1, 1, 30, '{dry}', 'Teapot'),
    ('CART_1', 'p3', 2, 1, 8, '{cold-chain}', 'Cream cake');

\echo '== GET_POOLS: the ways to deliver all of it, best first; here as a table, ...'
SELECT pool_no AS pool, place AS "group", delivery -> 'items' AS items, option ->> 'type' AS type,
       option ->> 'provider' AS provider, option -> 'fee' AS fee,
       (SELECT string_agg(format('%s: %s windows', day, jsonb_array_length(slots)), ', ' ORDER BY day)
          FROM jsonb_each(option -> 'slots') AS s(day, slots)) AS slots
  FROM jsonb_array_elements(ganje.get_pools('{"cartId": "CART_1", "zoneId": "IRN-3216"}')) WITH ORDINALITY AS p(pool, pool_no),
       jsonb_array_elements(pool) WITH ORDINALITY AS g(delivery, place),
       jsonb_array_elements(delivery -> 'options') AS option
 ORDER BY pool_no, place, option -> 'fee';

\echo '== ... and the second of them as the function answers it'
SELECT ganje.get_pools('{"cartId": "CART_1", "zoneId": "IRN-3216"}') -> 1 AS pool;
