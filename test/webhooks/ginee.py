"""Webhooks of Ginee for generate.py, and what shipments and orders they end in.

Of a delivery order every field has the value of the latest message that names
it: by lastUpdateAt (else the envelope's createAt), a DELETE after all others.
Of an order likewise; of two statuses of one moment the further one counts.
Orders and delivery orders speak for a shipment by how far they are.
"""
import datetime
import json
import random

# Merchant of each account (two of them have the same one).
ACCOUNTS = {'shop-a': 'M1', 'shop-b': 'DEFAULT', 'shop-c': 'M1'}

# Hours that their clocks are ahead of UTC: the carrier's own zone, and Jakarta.
ZONES = {'shop-a': 0, 'shop-b': 7, 'shop-c': 0}

# Normalized status, the project's own and how far on the way.
ORDER_MEANING = {
    'PENDING_PAYMENT': ('pending', 'PENDING', 10),
    'PARTIALLY_PAID': ('pending', 'PENDING', 10),
    'PAID': ('pending', 'PENDING', 10),
    'READY_TO_SHIP': ('ready_to_ship', 'READY', 20),
    'SHIPPING': ('in_transit', 'IN_TRANSIT', 30),
    'DELIVERED': ('delivered', 'DELIVERED', 40),
    'RETURNED': ('return_to_sender', 'IN_TRANSIT', 50),
    'CANCELLED': ('cancelled', 'CANCELLED', 50),
}
DELIVERY_MEANING = {'NEW': ('pending', 'PENDING', 10), 'DELETE': ('cancelled', 'CANCELLED', 50)}

# Of one moment: what is not in doubt.
AT_ONCE = [['PAID', 'READY_TO_SHIP'], ['SHIPPING', 'READY_TO_SHIP'], ['DELIVERED', 'SHIPPING', 'PAID'], ['CANCELLED', 'PAID']]


def foremost(words):
    """Of [(meaning or None, as of)] the one that is furthest; the later of two as far."""
    return max(words, key=lambda word: (-1 if word[0] is None else word[0][2], word[1]))[0]


class Generator:
    def __init__(self, seed):
        self.rng = random.Random('ginee %d' % seed)
        self.payloads = []  # (source, bytes, verdict)
        self.told = {}      # (merchant, account, delivery order): {field: (as of, value)}
        self.ordered = {}   # (merchant, order): {field: (as of, value)}
        self.ids = 0
        self.runs = 0

    def next_id(self):
        """Ids are texts or numbers; those of numbers are compared as texts."""
        self.ids += 1
        return self.rng.choice(['GENIE%d', 'شناسه-%d', '%d']) % self.ids if self.rng.random() < 0.9 else self.ids

    def time(self, account, second, micros=None):
        """A moment in one of the ways to write it, and as what sorts; without a zone it is the account's."""
        rng = self.rng
        micros = rng.choice([0, 1, 500000, 999999]) if micros is None else micros
        form, hours = rng.choice([('T%sZ', 0), (' %s', ZONES[account]), ('T%s+05:30', 5.5)])
        local = datetime.datetime(2026, 3, 1) + datetime.timedelta(hours=hours, seconds=second, microseconds=micros)
        return local.strftime('%Y-%m-%d') + form % local.strftime('%H:%M:%S.%f'), (second, micros)

    def written(self, payload):
        return json.dumps(payload, ensure_ascii=self.rng.random() < 0.5).encode('utf-8')

    def send(self, account, envelope, verdict='settled'):
        rng = self.rng
        whole = self.written(envelope)
        for _ in range(rng.choice([1, 1, 1, 2, 3])):
            self.payloads.append((account, whole, verdict))
        if rng.random() < 0.1:
            self.payloads.append((account, whole[:rng.randrange(len(whole))], 'malformed'))
        if rng.random() < 0.05:
            # There are several accounts: the carrier's name does not say which.
            self.payloads.append(('ginee', whole, 'unknown_source'))
        if rng.random() < 0.25:
            self.hostile(account, envelope)

    def envelope(self, entity, action, payload, at):
        """The time is in the payload or, where it has none, in the envelope."""
        envelope = {'id': self.next_id(), 'userId': '1', 'entity': entity, 'action': action, 'createAt': None, 'user': {'email': ''}, 'payload': payload}
        if self.rng.random() < 0.85:
            payload['lastUpdateAt'] = at
            if self.rng.random() < 0.5:
                envelope['createAt'] = '2020-01-01T00:00:00Z'
        else:
            envelope['createAt'] = at
            if self.rng.random() < 0.3:
                payload['lastUpdateAt'] = self.rng.choice([None, ''])
        return envelope

    def order(self):
        """The same ids at some of the accounts, each with messages of its own."""
        rng = self.rng
        self.runs += 1
        order_id = rng.choice(['SO%d', "so'%d", 'سفارش %d']) % self.runs
        for account in rng.sample(sorted(ACCOUNTS), rng.choice([1, 1, 2, 3])):
            if rng.random() < 0.75:
                self.order_messages(account, order_id)
            for number in range(rng.choice([0, 1, 1, 2])):
                self.delivery_messages(account, order_id, rng.choice(['WDO%d-%d', 'wdo"%d;%d']) % (self.runs, number))

    def order_messages(self, account, order_id):
        rng = self.rng
        # Messages of two accounts of one merchant are on one order: their moments must not meet.
        second = rng.randrange(100000) * 20 + sorted(ACCOUNTS).index(account)
        if rng.random() < 0.3:
            second += 9
            moments = [(second, 7, status) for status in rng.choice(AT_ONCE)]
        else:
            moments = [(second + 40 * place, None, rng.choice(sorted(ORDER_MEANING) + [None, '', 'ON_HOLD'])) for place in range(rng.randint(1, 4))]
        for place, (moment, micros, status) in enumerate(moments):
            at, as_of = self.time(account, moment, micros)
            payload = {'orderId': order_id, 'orderStatus': status, 'key%d' % place: place, 'createAt': '2026-02-28T06:20:29.174Z'}
            if micros is None and rng.random() < 0.5:
                payload['channel'] = rng.choice(['SHOPEE_ID', 'LAZADA_ID', 7])
            envelope = self.envelope('order', 'CREATE' if place == 0 else 'UPDATE', payload, at)
            self.send(account, envelope)
            known = self.ordered.setdefault((ACCOUNTS[account], order_id), {})
            rank = ORDER_MEANING[status][2] if status in ORDER_MEANING else 0
            for field, value in (('status', status), ('moved', status if rank else None), ('channel', payload.get('channel'))):
                if value not in (None, ''):
                    known[field] = max(known.get(field, ((), '')), (as_of + (rank,), str(value)))

    def delivery_messages(self, account, order_id, delivery_id):
        rng = self.rng
        key = (ACCOUNTS[account], account, delivery_id)
        known = self.told.setdefault(key, {})
        actions = ['CREATE', 'UPDATE', 'UPDATE', 'UPDATE', 'DELETE']
        actions = sorted(rng.sample(actions, rng.randint(1, 5)), key=actions.index)
        second = rng.randrange(2000000)
        for place, action in enumerate(actions):
            # Some are of one moment, and a DELETE may be dated before what it follows.
            at, moment = self.time(account, second + rng.choice([0, place, 60 * place, -place]))
            payload = self.delivery_payload(order_id, delivery_id, place)
            envelope = self.envelope('delivery-order', action, payload, at)
            self.send(account, envelope)
            as_of = (action == 'DELETE', moment, ('CREATE', 'UPDATE', 'DELETE').index(action), str(envelope['id']).encode('utf-8'))
            for field, value in self.said(payload, action).items():
                known[field] = max(known.get(field, ((),)), (as_of, value), key=lambda told: told[0])

    def delivery_payload(self, order_id, delivery_id, place):
        rng = self.rng
        payload = {'deliveryOrderId': delivery_id, 'place%d' % place: place, 'common': place}
        for field, values in (('sourceOrderId', [order_id]), ('deliveryOrderStatus', ['NEW', 'NEW', 'PACKED', 'SENT', None, '']),
                              ('trackingNumber', ['TN-%d' % place, place, '', None]), ('waybillUrl', ['https://waybill.example/%d' % place, 'javascript:x']),
                              ('logisticsProvider', ['AnterAja', 'پست', "'; drop table x"]),
                              ('shippingAddress', [{'name': 'Ani %d' % place, 'phoneNumber': '+98912%07d' % place, 'city': 'Bandung'},
                                                   {'name': None, 'city': 'x' * 300}, None]),
                              ('orderItems', [[{'deliveryOrderItemId': 'I%d' % i, 'inventoryName': 'Tea', 'quantity': place + 1} for i in range(n)]
                                              for n in (0, 1, 3)] + [[{}, {'quantity': 2.5, 'colour': 'red'}], None])):
            if rng.random() < 0.6:
                payload[field] = rng.choice(values)
        return payload

    def said(self, payload, action):
        """Fields of a shipment that a message names."""
        def word(value):
            return None if value in (None, '') else str(value)
        address = payload.get('shippingAddress')
        items = payload.get('orderItems')
        fields = {
            'status': 'DELETE' if action == 'DELETE' else word(payload.get('deliveryOrderStatus')),
            'order': word(payload.get('sourceOrderId')), 'tracking': word(payload.get('trackingNumber')),
            'waybill': word(payload.get('waybillUrl')), 'provider': word(payload.get('logisticsProvider')),
            'address': address, 'recipient': word(address and address.get('name')), 'phone': word(address and address.get('phoneNumber')),
            'items': None if items is None else [[item.get('deliveryOrderItemId', '#%d' % (place + 1)), item.get('quantity', 1)]
                                                 for place, item in enumerate(items)]}
        fields = {field: value for field, value in fields.items() if value is not None}
        if fields.get('status') in DELIVERY_MEANING:
            fields['moved'] = fields['status']
        for field, value in payload.items():
            if field.startswith('place') or field == 'common':
                fields['data.' + field] = value
        return fields

    def hostile(self, account, envelope):
        """Under an id of its own, so that no good message is taken for its repetition."""
        rng = self.rng
        envelope = json.loads(json.dumps(envelope))
        envelope['id'] = 'hostile %d' % self.ids
        payload = envelope['payload']
        is_order = envelope['entity'] == 'order'
        id_key = 'orderId' if is_order else 'deliveryOrderId'
        verdict = 'malformed'
        kind = rng.randrange(13)
        if kind == 0:
            envelope[rng.choice(['entity', 'action'])] = rng.choice(['product', 'MERGE', 'x' * 5000, 7])
            verdict = 'unknown_entity'
        elif kind == 1:
            envelope[rng.choice(['id', 'entity', 'action', 'payload'])] = rng.choice([None, '', [], {}, True])
        elif kind == 2:
            payload[id_key] = rng.choice([None, '', [], {}, False, 'z' * 256, 'ن' * 128])
        elif kind == 3:
            payload[rng.choice(['lastUpdateAt', 'createAt'])] = rng.choice(
                ['yesterday', 'now', 'infinity', '-infinity', '2026-13-01T00:00:00Z', '2026-02-30 00:00:00', 7, [], {}, '294277-01-01T00:00:00Z',
                 '0000-01-01T00:00:00Z', '2026-01-01T00:00:00+99:99', '20260101', '4713-01-01T00:00:00Z BC'])
        elif kind == 4:
            payload[rng.choice(['orderStatus', 'channel', 'shopId'] if is_order else ['trackingNumber', 'channel', 'sourceOrderId', 'waybillUrl'])] = \
                rng.choice([[], {}, True, [1], {'a': None}])
        elif kind == 5:
            payload['orderItems'] = rng.choice([{}, 'none', [7], [[]], [None], [{'quantity': 0}], [{'quantity': -1}], [{'quantity': '1'}],
                                                [{'deliveryOrderItemId': 'a'}, {'deliveryOrderItemId': 'a'}], [{}, {'deliveryOrderItemId': '#1'}],
                                                [{'deliveryOrderItemId': []}], [{}] * 1001])
            if is_order:
                payload['orderId'] = []
        elif kind == 6:
            payload['shippingAddress'] = rng.choice([7, 'here', [], {'name': []}, {'phoneNumber': {}}])
            if is_order:
                payload['orderId'] = {}
        text = json.dumps(envelope)
        if kind == 7:
            text = text.replace('"userId": "1"', '"userId": ' + rng.choice(['"\\u0000"', '"\\ud800"', '"\\udc00\\ud800"', '"\x01"', 'NaN', '1e999999', '"\\x41"', "'a'"]))
        elif kind == 8:
            depth = rng.choice([65, 1000, 100000])
            text = text[:-1] + ', "deep": ' + rng.choice(['[' * depth + ']' * depth, '{"a":' * depth + '1' + '}' * depth]) + '}'
        elif kind == 9:
            text = rng.choice(['', '[' + text + ']', text + text, text[:-1], '\ufeff' + text, '{' + text + '}', '"' + text])
        elif kind == 10:
            # The last of repeated keys counts.
            text = text[:-1] + ', "entity": "product", "action": "NONE"}'
            verdict = 'unknown_entity'
        elif kind == 11:
            place = rng.randrange(len(text))
            bad = rng.choice([b'\xff', b'\x00', b'\xc3', b'\xed\xa0\x80'])
            self.payloads.append((account, text[:place].encode() + bad + text[place:].encode(), 'malformed'))
            return
        elif kind == 12:
            if rng.random() < 0.97:
                return
            text = text[:-1] + ', "large": "' + 'ن' * rng.choice([524288, 600000]) + '"}'
            verdict = 'too_large'
        self.payloads.append((account, text.encode('utf-8'), verdict))

    def orders(self):
        for key, known in self.ordered.items():
            yield key, {'status': known.get('status', (None, None))[1], 'channel': known.get('channel', (None, None))[1]}

    def shipments(self):
        for key, known in self.told.items():
            merchant, _, delivery_id = key
            value = {field: told[1] for field, told in known.items()}
            order_id = value.get('order', delivery_id)
            heard, moved = [], []
            if 'status' in known:
                heard.append((DELIVERY_MEANING.get(value['status']), known['status'][0][:2]))
            if 'moved' in known:
                moved.append((DELIVERY_MEANING[value['moved']], known['moved'][0][:2]))
            order = self.ordered.get((merchant, order_id), {})
            for words, field in ((heard, 'status'), (moved, 'moved')):
                if field in order:
                    words.append((ORDER_MEANING.get(order[field][1]), (False, order[field][0][:2])))
            meaning = foremost(heard) if heard else DELIVERY_MEANING['NEW']
            state = {field: value.get(field) for field in ('tracking', 'waybill', 'provider', 'address', 'recipient', 'phone')}
            state.update({
                'order': order_id, 'items': value.get('items', []),
                'normalized': meaning[0] if meaning else 'unknown',
                'status': foremost(moved)[1] if moved else 'PENDING',
                'data': {field[5:]: told for field, told in value.items() if field.startswith('data.')}})
            yield key, state
