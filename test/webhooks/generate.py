#!/usr/bin/env python3
"""Webhooks of Ganje and Ginee, valid and not, and what must come of them.

generate.py --webhooks N --seed S --directory D writes

  shipments.tsv  merchant, account, external id, whether its row is inserted only after the webhooks
  payloads.tsv   number, source, payload in hex, whether it is text
  verdicts.tsv   number, what may become of it: reasons of quarantine, or settled
  parcels.tsv    merchant, account, external id, uuid, status, check-in, check-out at the end
  states.tsv     merchant, account, external id, normalized status, project status at the end
  made.tsv       merchant, account, external id, what a shipment that Ginee made is at the end
  orders.tsv     merchant, order id, what an order of Ginee is at the end

Payloads come shuffled and repeated; the end is computed from the order in
which things happened, by the rules of the documentation and not by the code.
"""
import argparse
import json
import os
import random
import uuid

import ginee

# What can happen to a parcel, by Ganje's documentation; any beginning of it.
JOURNEYS = [
    ['reserved', 'occupied', 'unoccupied'],
    ['reserved', 'occupied', 'unoccupied'],
    ['reserved', 'occupied', 'expired', 'returned'],
    ['reserved', 'occupied', 'expired', 'unoccupied'],
    ['reserved', 'canceled'],
]

# Accounts, and the time zone that theirs are told in.
ACCOUNTS = ['locker', 'locker-2']

# Normalized status and the project's own, and how far on the way it is.
MEANING = {
    'reserved': ('pending', 'PENDING', 1),
    'occupied': ('ready_for_pickup', 'IN_TRANSIT', 2),
    'expired': ('pickup_expired', 'IN_TRANSIT', 3),
    'unoccupied': ('delivered', 'DELIVERED', 4),
    'returned': ('return_to_sender', 'IN_TRANSIT', 5),
    'canceled': ('cancelled', 'CANCELLED', 6),
}

STATION = {'pk': 7, 'address': 'خیابان ولیعصر', 'location': '35.7527, 51.3745', 'nickname': 'Ganje 7', 'slug': '85943805', 'images': []}


def a_time(rng, day):
    return '2026-%02d-%02d %02d:%02d:%02d' % (day // 28 % 12 + 1, day % 28 + 1, rng.randrange(24), rng.randrange(60), rng.randrange(60))


class Generator:
    def __init__(self, seed, count):
        self.rng = random.Random(seed)
        self.count = count
        self.shipments = []  # (merchant, account, external id, is late)
        self.parcels = []    # (merchant, account, external id, uuid, status, check-in, check-out)
        self.payloads = []   # (source, bytes, verdict)
        self.ids = 0
        self.account = None
        self.sources = None
        self.merchants = None

    def add(self, payload, verdict, source=None):
        if isinstance(payload, str):
            payload = payload.encode('utf-8')
        self.payloads.append((self.rng.choice(self.sources) if source is None else source, payload, verdict))

    def written(self, payload):
        """The same in other letters: order of keys, blanks, escapes."""
        rng = self.rng
        keys = list(payload)
        rng.shuffle(keys)
        return json.dumps({key: payload[key] for key in keys}, ensure_ascii=rng.random() < 0.5,
                          separators=rng.choice([(',', ':'), (', ', ': '), (' ,\n', ' :\t')]))

    def order(self):
        """An order of one account, of each account under the same id, or of two merchants at one account."""
        rng = self.rng
        self.ids += 1
        external_id = rng.choice(['order-%d', "o'%d\"; drop table x", 'سفارش-%d', '%d', '\\%d\\u0041']) % self.ids
        shared = rng.random() < 0.05
        late = not shared and rng.random() < 0.15
        self.merchants = rng.choice([['DEFAULT'], ['DEFAULT'], ['M2'], ['DEFAULT', 'M2']])
        for self.account in ACCOUNTS if shared else [rng.choice(ACCOUNTS)]:
            # The carrier's name says enough where one account alone knows the id.
            self.sources = [self.account] if shared else [self.account, 'ganje']
            self.shipments += [(merchant, self.account, external_id, late) for merchant in self.merchants]
            for _ in range(rng.choice([1, 1, 1, 1, 2, 3])):
                self.parcel(external_id)

    def parcel(self, external_id):
        rng = self.rng
        ref = str(uuid.UUID(int=rng.getrandbits(128)))
        journey = rng.choice(JOURNEYS)
        journey = journey[:rng.randint(1, len(journey))]
        day = rng.randrange(300)
        check_in = check_out = None
        for place, status in enumerate(journey):
            if status == 'occupied':
                check_in = a_time(rng, day + place)
            elif status in ('unoccupied', 'returned'):
                check_out = a_time(rng, day + place)
            payload = {'id': str(rng.randrange(10**6)), 'uuid': ref, 'process': 'lastmile', 'status': status,
                       'shipment': {'external_id': external_id, 'parcels': [{'pk': 1, 'external_id': external_id, 'size': None}]},
                       'station': STATION, 'external_id': external_id, 'check_in': check_in, 'check_out': check_out,
                       'human_readable_expeced_duration': 1, 'sms_type': 'Ganje_Received', 'sms_title': status}
            if rng.random() < 0.1:
                del payload['shipment']
            for _ in range(rng.choice([1, 1, 1, 2, 4])):
                self.add(self.written(payload), 'settled')
            if rng.random() < 0.3:
                whole = self.written(payload).encode('utf-8')
                self.add(whole[:rng.randrange(len(whole))], 'malformed')
            if rng.random() < 0.05:
                # Somebody else's: neither the account's nor the carrier's alone.
                other = 'ganje' if len(self.sources) == 1 else [account for account in ACCOUNTS if account != self.account][0]
                self.add(self.written(payload), 'unknown_shipment', other)
                self.add(self.written(payload), 'unknown_source', rng.choice(['', 'nobody', 'Ganje', 'hesapkurye', 'subscriber']))
            if rng.random() < 0.5:
                self.hostile(dict(payload))
        self.parcels += [(merchant, self.account, external_id, ref, journey[-1], check_in, check_out) for merchant in self.merchants]

    def hostile(self, payload):
        rng = self.rng
        kind = rng.randrange(16)
        text = json.dumps(payload)
        if kind == 0:
            payload['status'] = rng.choice(['teleported', 'OCCUPIED', 'reserved ', "'; drop table ganje.shipment; --", 'x' * 5000])
            self.add(json.dumps(payload), 'unknown_status')
        elif kind == 1:
            payload['external_id'] = payload['shipment'] = None
            payload['external_id'] = rng.choice(['nobody-%d' % rng.randrange(10**9), 4711, 'y' * 200])
            self.add(json.dumps(payload), 'unknown_shipment')
        elif kind == 2:
            payload.pop('shipment', None)
            payload['external_id'] = rng.choice([None, '', [], {}, True, 'z' * 3000])
            self.add(json.dumps(payload), 'malformed')
        elif kind == 3:
            payload[rng.choice(['uuid', 'status'])] = rng.choice([None, '', 7, [], {'a': 1}, True])
            self.add(json.dumps(payload), 'malformed')
        elif kind == 4:
            payload[rng.choice(['check_in', 'check_out'])] = rng.choice(
                ['yesterday', 'now', 'infinity', '2026-13-45 00:00:00', '2026-02-30 00:00:00', '2026-01-01 25:00:00', 7, [], {}, '', '0000-01-01 00:00:00'])
            self.add(json.dumps(payload), 'malformed')
        elif kind == 5:
            payload['uuid'] = rng.choice(['u' * 256, 'u' * 100000])
            self.add(json.dumps(payload), 'malformed')
        elif kind == 6:
            self.add(text.replace('"lastmile"', rng.choice(['"\\u0000"', '"\\ud800"', '"\\udc00\\ud800"', '"\x01"', 'NaN', '1e999999', '"\\x41"', "'a'"])), 'malformed')
        elif kind == 7:
            # The last of repeated keys counts, as everywhere.
            self.add('{"status": "teleported", "uuid": 7, "status": null, ' + text[1:], 'settled')
        elif kind == 8:
            depth = rng.choice([65, 1000, 100000])
            self.add(text[:-1] + ', "deep": ' + '[' * depth + ']' * depth + '}', 'malformed')
        elif kind == 9:
            self.add(rng.choice(['', ' ', 'null', '[]', '7', '"text"', '[' + text + ']', text + text, text + '}', '\ufeff' + text, '{' + text + '}']), 'malformed')
        elif kind == 10:
            whole = text.encode('utf-8')
            place = rng.randrange(len(whole))
            self.add(whole[:place] + rng.choice([b'\xff', b'\x00', b'\xc3', b'\xed\xa0\x80', b'\xf8\x88\x80\x80\x80', b'\\\xfe']) + whole[place:], 'malformed')
        elif kind == 11:
            if rng.random() < 0.02:
                self.add(text[:-1] + ', "large": "' + 'ن' * rng.choice([524288, 600000]) + '"}', 'too_large')
        elif kind == 12:
            self.add(bytes(rng.randrange(256) for _ in range(rng.randrange(200))), 'malformed')
        elif kind == 13:
            # More than is read: kept, and no harm.
            payload['extra'] = [[{'__proto__': i} for i in range(50)]] * 3
            payload['station'] = rng.choice([None, 7, [], 'nowhere'])
            self.add(json.dumps(payload), 'settled')
        elif kind == 14:
            self.add(text.replace(payload['uuid'], payload['uuid'] + '\\u0000', 1), 'malformed')
        else:
            payload.pop('shipment', None)
            payload['external_id'] = -0.5e3
            self.add(json.dumps(payload), 'unknown_shipment')

    def run(self, others):
        while len(self.payloads) + len(others.payloads) < self.count:
            self.order()
            others.order()
        self.payloads += others.payloads
        self.rng.shuffle(self.payloads)

    def states(self):
        heard = {}
        for merchant, account, external_id, _, status, _, _ in self.parcels:
            heard.setdefault((merchant, account, external_id), []).append(MEANING[status])
        return {key: min(meanings, key=lambda meaning: meaning[2]) for key, meanings in heard.items()}


def is_text(payload):
    try:
        return '\x00' not in payload.decode('utf-8')
    except UnicodeDecodeError:
        return False


def escaped(value):
    if value is None:
        return '\\N'
    return str(value).replace('\\', '\\\\').replace('\t', '\\t').replace('\n', '\\n').replace('\r', '\\r')


def write(directory, name, rows):
    with open(os.path.join(directory, name), 'w', encoding='utf-8', newline='\n') as file:
        for row in rows:
            file.write('\t'.join(escaped(value) for value in row) + '\n')


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--webhooks', type=int, required=True)
    parser.add_argument('--seed', type=int, required=True)
    parser.add_argument('--directory', required=True)
    options = parser.parse_args()
    generator = Generator(options.seed, options.webhooks)
    made = ginee.Generator(options.seed)
    generator.run(made)
    write(options.directory, 'shipments.tsv', generator.shipments)
    write(options.directory, 'payloads.tsv', (
        (number, source, '\\x' + payload.hex(), is_text(payload)) for number, (source, payload, _) in enumerate(generator.payloads)))
    write(options.directory, 'verdicts.tsv', ((number, verdict) for number, (_, _, verdict) in enumerate(generator.payloads)))
    write(options.directory, 'parcels.tsv', generator.parcels)
    write(options.directory, 'states.tsv', (key + meaning[:2] for key, meaning in generator.states().items()))
    write(options.directory, 'made.tsv', (key + (json.dumps(state),) for key, state in made.shipments()))
    write(options.directory, 'orders.tsv', (key + (json.dumps(state),) for key, state in made.orders()))
    print('%d webhooks, of Ganje on %d shipments, of Ginee on %d shipments and %d orders'
          % (len(generator.payloads), len(generator.shipments), len(made.told), len(made.ordered)))


if __name__ == '__main__':
    main()
