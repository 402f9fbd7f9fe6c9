"""Random zones, stores, rules, counters, stock, carts and clocks, and the SQL that makes them.

A situation is drawn from its own generator, whose seed is a text, so that it
can be made again without those before it. Several carts are asked of one
situation. Keys that end in an underscore are notes for definition.py and are
not sent.
"""

import json
import random
import re
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from definition import Clock, end_minute, minutes

UTC = timezone.utc
TIMEZONES = [0, 3, 3.5, -8, 5.75, -3.5, 12.75, 14, '3.50', 'Asia/Tehran', 'Europe/Istanbul', 'Europe/Berlin',
             'America/New_York', 'Australia/Lord_Howe', 'America/St_Johns']
# Nights on which the clocks of some of these zones change, among other days.
NIGHTS = ['2026-03-08', '2026-03-29', '2026-04-05', '2026-10-04', '2026-10-25', '2026-11-01']
ITEM_IDS = ['i1', 'i10', 'i2', 'I3', 'ş', 'z-9', 'a b', '7']
TYPES = ['CARGO', 'RESERVED', 'ON_DEMAND', 'SELF']
SLOTS = [[], [['10:00', '12:00']], [['08:00', '10:00'], ['10:00', '12:00']], [['22:00', '02:00'], ['18:00', '24:00']],
         [['00:00', '24:00']], [['01:30', '02:30'], ['02:30', '03:30']], [['00:00', '00:30'], ['23:30', '00:30']],
         [['12:00', '12:00']], [['09:15', '09:45'], ['09:15', '11:00'], ['07:00', '08:00']]]
KINDS = [['CARGO'], ['RESERVED'], ['ON_DEMAND'], ['SELF', 'CARGO'], ['RESERVED', 'ON_DEMAND'], ['SELF', 'RESERVED'], ['DRONE'],
         ['CARGO', 'RESERVED', 'ON_DEMAND', 'SELF']]
WINDOWS = [['08:00', '20:00'], ['20:00', '03:00'], ['00:00', '24:00'], ['02:15', '03:45'], ['06:00', '06:00'], ['18:00', '24:00']]


class Situation(dict):
    """{merchant, zones, stores, stock, lowered, units, asks}"""

    def __init__(self, seed, number, carts):
        super().__init__(merchant='M', seed='%s/%d' % (seed, number))
        self.random = random.Random(self['seed'])
        # In every other situation rules have much in common, so that there is something to merge, and
        # holds expire together, so that a clock meets the very moment; the others differ in everything.
        self.alike = number % 2 == 1
        self.common = [self.random.sample(choices, 2) for choices in (SLOTS[1:], KINDS)] if self.alike else [SLOTS, KINDS]
        self.severity = self.random.choice([0, 0, 1])
        self['zones'] = {z['zoneId']: z for z in (self.zone('Z1'), self.zone('Z2'))}
        night = datetime.fromisoformat(self.random.choice(NIGHTS)).replace(tzinfo=UTC)
        if not self.chance(0.5):
            night += timedelta(days=self.random.randrange(300))
        self.night = night
        self['stores'] = self.stores()
        self['lowered'] = self.chance(0.15)
        for store in self['stores']:
            for rule in store['rules']:
                rule['units_'] = self.units(rule)
        self['stock'] = self.stock() if self.chance(0.2) else {}
        self['asks'] = [self.ask() for _ in range(carts)]

    # Material

    def chance(self, probability):
        return self.random.random() < probability

    def some(self, choices, probability):
        return [c for c in choices if self.chance(probability)]

    def selection(self, choices):
        chosen = self.some(choices, self.random.choice([0.25, 0.5])) or [self.random.choice(choices)]
        return {'values': chosen, 'all': True} if self.chance(0.15) else {'values': chosen}

    def zone(self, zone_id):
        zone = {'zoneId': zone_id, 'name': zone_id, 'timezone': self.random.choice(TIMEZONES),
                'rules': [{'addr': {'city': {'IN': ['city ' + zone_id]}}}]}
        if self.chance(0.7):
            zone['fee'] = self.random.choice(['2', '5.5', '5.50', '0', '4.50'])
        if self.chance(0.2):
            zone['minCartTotal'] = self.random.choice([0, 8, 20.01])
        return zone

    # Stores

    def stores(self):
        stores = []
        left = self.random.randint(6, 12)
        while left > 0:
            count = min(left, self.random.randint(1, 4))
            left -= count
            merchant = 'M' if self.chance(0.75) else 'N'
            store_id = 'S%d' % len(stores) if self.chance(0.9) else 'S'
            if any((s['merchantId'], s['storeId']) == (merchant, store_id) for s in stores):
                continue
            store = {'merchantId': merchant, 'storeId': store_id, 'name': store_id,
                     'rules': [self.rule('r%d' % n) for n in range(count)], 'providers_': self.providers()}
            if self.chance(0.15 * self.severity):
                store['zones'] = self.random.choice([['Z1'], ['Z2'], ['Z1', 'Z2']])
            if self.chance(0.12):
                store['all'] = True
            if self.chance(0.05 * self.severity):
                store['deleted'] = True
            stores.append(store)
        return stores

    def providers(self):
        known = {}
        for kind in TYPES:
            for provider in ('P1', 'TIED'):
                if self.chance(0.4):
                    known[kind, provider] = {'tied': provider == 'TIED', 'deleted': self.chance(0.2)}
        return known

    def rule(self, rule_id):
        pick, severity = self.random.choice, self.severity
        slots, kinds = self.common
        rule = {'ruleId': rule_id, 'providers': self.some(['P1', 'P2', 'TIED'], 0.3), 'types': pick(kinds)}
        draws = [
            (0.2 + 0.5 * severity, 'cutoff', lambda: pick([0, 30, 90, 179, 600, 1000, 3000])),
            (0.6, 'time', lambda: {'slot': pick(WINDOWS), 'in': pick([1, 30, 90, 600, 1440])}),
            (0.15 * severity, 'zones', lambda: pick([['Z1'], ['Z2'], ['Z1', 'Z2']])),
            (0.2 + 0.4 * severity, 'capacity', lambda: pick([0, 1, 1, 2, 2, 2, 3, 3, 5])),
            (0.8, 'fee', lambda: pick(['0', '3', '3.0', '4.5', '4.50', '7.25', '3.000001'])),
            (0.1 * severity, 'minOrderCount', lambda: pick([1, 3, 4.5])),
            (0.1 * severity, 'minCartTotal', lambda: pick([5, 20, 30.01])),
            (0.3, 'maxCartWeight', lambda: pick([0.1, 0.5, 1.25, 3])),
            (0.2, 'maxCartVolume', lambda: pick([1, 1.75, 2.5])),
            (0.85, 'category', lambda: self.selection('abcd')),
            (0.15, 'tag', lambda: self.selection('tu')),
            (0.15 * severity, 'segment', lambda: self.selection(['vip', 'staff'])),
        ]
        if self.chance(0.7):
            rule['days'] = self.some('123456', 1 - severity * 0.4) + ['7']
            rule['slots'] = pick(slots)
            if self.alike and self.chance(0.3):
                rule['slots'] = slots[0] + [slot for slot in slots[1] if slot not in slots[0]]
        for probability, key, draw in draws:
            value = draw() if self.chance(probability) else None
            if value is not None:
                rule[key] = value
        if self.chance(0.05 * severity):
            rule['deleted_'] = True
        return rule

    def units(self, rule):
        """Units taken of its capacity: live, expired, confirmed, given back."""
        units = []
        keys = [(None, '00:00', '24:00')]
        for n in range(-2, 6):
            day = (self.night + timedelta(days=n)).date()
            keys += [(day, *slot) for slot in rule.get('slots') or [['00:00', '24:00']]]
        for day, start, end in keys:
            if not rule.get('capacity') or not self.chance(0.4):
                continue
            count = rule['capacity'] + self.random.choice([-1, 0, 0, 0, 1, 2])
            for _ in range(count):
                state = self.random.choices(['held', 'confirmed'], [0.6, 0.4])[0]
                units.append({'day': day, 'from': start, 'to': end, 'state': state, 'expires': self.expiry()})
            for state in self.some(['released', 'reclaimed'], 0.2):
                units.append({'day': day, 'from': start, 'to': end, 'state': state, 'expires': self.expiry()})
        return units

    def expiry(self):
        if self.alike:
            return self.night + self.random.choice([0, 1, 2]) * timedelta(hours=3)
        return self.night + timedelta(seconds=self.random.choice([3600 * self.random.randint(-60, 80), 0, 86400]))

    def stock(self):
        quantities = [Decimal(0), Decimal(1), Decimal('1.5'), Decimal(2), None]
        return {(store['storeId'], item): self.random.choice(quantities)
                for store in self['stores'] for item in ITEM_IDS if self.chance(0.4)}

    # Questions

    def edges(self, clock, days):
        """Instants at which something opens or closes."""
        edges = [unit['expires'] for s in self['stores'] for r in s['rules'] for unit in r['units_'][:3]]
        for rule in (r for s in self['stores'] for r in s['rules']):
            cutoff = timedelta(minutes=rule.get('cutoff', 0))
            for slot in (rule.get('slots') or []) + ([rule['time']['slot']] if 'time' in rule else []):
                day = (self.night + timedelta(days=self.random.randint(-1, days))).date()
                edges += [clock.instant(day, minutes(slot[0])), clock.instant(day, minutes(slot[0])) - cutoff,
                          clock.instant(day, end_minute(slot)) - cutoff]
        return edges + [clock.instant(self.night.date(), 0)]

    def ask(self):
        pick = self.random.choice
        ask = {'zone': pick(['Z1', 'Z1', 'Z2']), 'days': pick([0, 1, 3, 3, 6]), 'maxPools': pick([1, 2, 10, 10, 100]),
               'types': self.random.sample(TYPES + ['DRONE'], pick([3, 4, 5, 5, 5])), 'default': self.chance(0.1),
               'segments': self.some(['vip', 'staff'], 0.5), 'stored': self.chance(0.25), 'address': self.chance(0.15)}
        if ask['default']:
            ask.update(days=3, maxPools=10, types=TYPES)
        if self.alike and self.chance(0.3):
            ask['now'] = self.expiry()
        elif self.chance(0.6):
            edge = pick(self.edges(Clock(self['zones'][ask['zone']]['timezone']), ask['days']))
            ask['now'] = edge + pick([0, 0, 1, -1, 1000000, -1000000, 60000000, -60000000, 30500000]) * timedelta(microseconds=1)
        else:
            ask['now'] = self.night + timedelta(seconds=self.random.randrange(-90000, 90000), microseconds=pick([0, 0, 999999]))
        count = pick([1, 2, 2, 3, 3, 4, 4, 5, 6])
        ask['items'] = [self.item(i, ask['stored']) for i in self.random.sample(ITEM_IDS, count)]
        return ask

    def item(self, item_id, stored):
        pick = self.random.choice
        item = {'itemId': item_id, 'price': pick([0, 4.5, 10]), 'weight': pick([0, 0.1, 0.25, 1]), 'volume': pick([0, 0.5, 1.25]),
                'categories': [pick('abcd')] + self.some('abcd', 0.1), 'tags': self.some('tu', 0.5)}
        if self.chance(0.7):
            item['quantity' if stored or self.chance(0.5) else 'qty'] = pick([1, 1, 2, 1.5])
        if self.chance(0.06):
            item['merchantId'] = pick('MNO') if self.severity else 'N'
        return item


# SQL

SETUP = """
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS ganje_logistics;
DROP SCHEMA IF EXISTS oracle CASCADE;
CREATE SCHEMA oracle;
CREATE TABLE oracle.stock (store_id text, item_id text, quantity numeric);
CREATE FUNCTION oracle.in_stock(store_id text, item_ids text[]) RETURNS TABLE (item_id text, quantity numeric) LANGUAGE sql AS $$
    SELECT s.item_id, s.quantity FROM oracle.stock AS s WHERE s.store_id = in_stock.store_id AND s.item_id = ANY (item_ids)
$$;
-- What cannot be had is refused; anything else that goes wrong does.
CREATE FUNCTION oracle.selected(request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    RETURN ganje.get_pools(request);
EXCEPTION WHEN object_not_in_prerequisite_state THEN
    RETURN 'null';
END
$$;
CREATE FUNCTION oracle.explain(request jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT coalesce(jsonb_agg(jsonb_build_array(merchant_id, store_id, rule_id, type, provider, verdict)), '[]') FROM ganje.explain_pools(request)
$$;
"""


def text(value):
    """JSON; an amount of money is written as it stands."""
    def strip(node):
        if isinstance(node, dict):
            return {k: '@%s@' % v if k == 'fee' else strip(v) for k, v in node.items() if not k.endswith('_')}
        return [strip(v) for v in node] if isinstance(node, list) else node
    return re.sub(r'"@([^"]*)@"', r'\1', json.dumps(strip(value), ensure_ascii=False))


def literal(value):
    return 'NULL' if value is None else "'%s'" % str(value).replace("'", "''")


def call(function, value):
    return 'SELECT ganje.%s($j$%s$j$) \\g /dev/null' % (function, text(value))


def setup_sql(situation):
    """Takes the place of the situation before."""
    lines = ['DELETE FROM ganje.%s;' % t for t in ('hold', 'slot_counter', 'store', 'cart')] + ['DELETE FROM oracle.stock;']
    lines += [call('upsert_zone', dict({'fee': 'null', 'minCartTotal': 0}, **z)) for z in situation['zones'].values()]
    if situation['lowered']:
        # Counters come with a capacity of before; a trigger brings them the rule's.
        raised = [dict(s, rules=[dict(r, capacity=r['capacity'] + 3) if r.get('capacity') is not None else r for r in s['rules']])
                  for s in situation['stores']]
        lines += [call('upsert_store', s) for s in raised]
    else:
        lines += [call('upsert_store', s) for s in situation['stores']]
    lines += counters_sql(situation)
    if situation['lowered']:
        lines += [call('upsert_store', s) for s in situation['stores']]
    for store in situation['stores']:
        key = 'merchant_id = %s AND store_id = %s' % (literal(store['merchantId']), literal(store['storeId']))
        for rule in store['rules']:
            if rule.get('deleted_'):
                lines.append('UPDATE ganje.store_rule SET deleted = true WHERE %s AND rule_id = %s;' % (key, literal(rule['ruleId'])))
        for (kind, provider), known in store['providers_'].items():
            lines.append('INSERT INTO ganje.shipment_provider (merchant_id, store_id, shipment_type, provider_id, data, deleted) VALUES (%s);' % ', '.join(
                [literal(store['merchantId']), literal(store['storeId']), literal(kind), literal(provider),
                 literal('{"carrierAccount": "C"}' if known['tied'] else '{}'), str(known['deleted'])]))
    rows = ['(%s, %s, %s)' % (literal(s), literal(i), literal(q)) for (s, i), q in situation['stock'].items()]
    if rows:
        lines.append('INSERT INTO oracle.stock VALUES %s;' % ', '.join(rows))
    lines.append('SELECT ganje.set_stock_source(%s) \\g /dev/null' % ("'oracle.in_stock(text,text[])'" if rows else 'NULL'))
    return lines


def counters_sql(situation):
    counters, units = [], []
    for store in situation['stores']:
        for rule in store['rules']:
            used = {}
            key = [literal(store['merchantId']), literal(store['storeId']), literal(rule['ruleId'])]
            for unit in rule['units_']:
                slot = (literal(unit['day'] or '-infinity'), literal(unit['from']), literal(unit['to']))
                used[slot] = used.get(slot, 0) + (unit['state'] in ('held', 'confirmed'))
                units.append("('M', 'H', %d, %s, 'X', %s, 0, '[]', %s)" % (
                    len(units), ', '.join([literal(unit['state']), *key]), ', '.join(slot), literal(unit['expires'])))
            capacity = rule.get('capacity', 0) + (3 if situation['lowered'] else 0)
            for slot, count in used.items():
                counters.append('(%s, %d, %d, %s)' % (', '.join([*key, *slot]), count, capacity, count if count > capacity else 'NULL'))
    if not units:
        return []
    return ["INSERT INTO ganje.hold (merchant_id, hold_id, created_at, expires_at) VALUES ('M', 'H', '2026-01-01', '2026-01-01');",
            'INSERT INTO ganje.slot_counter (merchant_id, store_id, rule_id, day, slot_from, slot_to, used, capacity, kept) VALUES %s;' % ', '.join(counters),
            'INSERT INTO ganje.hold_unit (merchant_id, hold_id, group_no, state, store_merchant_id, store_id, rule_id, type, day, slot_from, slot_to, '
            'fee, items, expires_at) VALUES %s;' % ', '.join(units)]


def request_of(situation, ask, cart_id):
    """(the request, the SQL that stores its cart)"""
    request = {'merchantId': situation['merchant']}
    lines = []
    if ask['address']:
        request['address'] = {'city': 'CITY ' + ask['zone'].lower()}
    else:
        request['zoneId'] = ask['zone']
    if not ask['stored']:
        request['cart'] = {'segments': ask['segments'], 'items': ask['items']}
        return request, lines
    request['cartId'] = cart_id
    lines.append("INSERT INTO ganje.cart (merchant_id, cart_id, segments) VALUES ('M', %s, %s);" % (
        literal(cart_id), array(ask['segments'])))
    for place, item in enumerate(ask['items']):
        lines.append('INSERT INTO ganje.cart_item (merchant_id, cart_id, item_id, position, item_merchant_id, quantity, price, weight, volume, '
                     "categories, tags) VALUES ('M', %s, %s, %d, %s, %s, %s, %s, %s, %s, %s);" % (
                         literal(cart_id), literal(item['itemId']), place, literal(item.get('merchantId')), item.get('quantity', 1),
                         item['price'], item['weight'], item['volume'], array(item['categories']), array(item['tags'])))
    return request, lines


def array(texts):
    return 'ARRAY[%s]::text[]' % ', '.join(literal(t) for t in texts)


def clock_sql(ask):
    """Options and the clock."""
    lines = ['DELETE FROM ganje.option;']
    if not ask['default']:
        lines += [call('upsert_option', {'optionId': 'SHIPMENT', 'data': {'days': ask['days'], 'maxPools': ask['maxPools']}}),
                  call('upsert_option', {'optionId': 'SHIPMENT_TYPES', 'data': ask['types']})]
    return lines + ['SET ganje_logistics.now = %s;' % literal(ask['now'].isoformat())]
