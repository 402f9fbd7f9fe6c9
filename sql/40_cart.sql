-- Carts: what the app keeps here, or gives inline with a request.

CREATE TABLE ganje.cart (
    merchant_id text NOT NULL DEFAULT 'DEFAULT' CHECK (merchant_id <> ''),
    cart_id text NOT NULL DEFAULT ganje.ulid() CHECK (cart_id <> ''),
    segments text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (merchant_id, cart_id)
);
COMMENT ON TABLE ganje.cart IS 'Carts that get_pools and hold_slot can be asked about by cartId.';
COMMENT ON COLUMN ganje.cart.segments IS 'customer segments, tested by the segment rule of stores';

CREATE TABLE ganje.cart_item (
    merchant_id text NOT NULL DEFAULT 'DEFAULT',
    cart_id text NOT NULL,
    item_id text NOT NULL CHECK (item_id <> ''),
    position integer NOT NULL DEFAULT 0,
    item_type text NOT NULL DEFAULT 'product',
    item_merchant_id text CHECK (item_merchant_id <> ''),
    quantity numeric NOT NULL DEFAULT 1 CHECK (quantity > 0 AND quantity < 'Infinity'),
    price numeric NOT NULL DEFAULT 0 CHECK (price >= 0 AND price < 'Infinity'),
    weight numeric NOT NULL DEFAULT 0 CHECK (weight >= 0 AND weight < 'Infinity'),
    volume numeric NOT NULL DEFAULT 0 CHECK (volume >= 0 AND volume < 'Infinity'),
    categories text[] NOT NULL DEFAULT '{}',
    tags text[] NOT NULL DEFAULT '{}',
    name text,
    PRIMARY KEY (merchant_id, cart_id, item_id),
    FOREIGN KEY (merchant_id, cart_id) REFERENCES ganje.cart ON DELETE CASCADE
);
COMMENT ON TABLE ganje.cart_item IS 'Items of carts, in the order of position, then item_id.';
COMMENT ON COLUMN ganje.cart_item.item_type IS 'only "product" is delivered; others are ignored';
COMMENT ON COLUMN ganje.cart_item.item_merchant_id IS 'whose stores ship the item; NULL: the cart''s merchant';
COMMENT ON COLUMN ganje.cart_item.price IS 'of one unit';
COMMENT ON COLUMN ganje.cart_item.weight IS 'of one unit, in the unit of maxCartWeight';
COMMENT ON COLUMN ganje.cart_item.volume IS 'of one unit, in the unit of maxCartVolume';

SELECT pg_catalog.pg_extension_config_dump('ganje.cart', '');
SELECT pg_catalog.pg_extension_config_dump('ganje.cart_item', '');
