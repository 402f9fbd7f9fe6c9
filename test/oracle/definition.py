"""What get_pools, explain_pools and a selected pool have to answer, by brute force.

Written from the definitions "Pools", "Time" and "Capacity and holds", and not
from the extension: it never asks the database. It reads a situation as
situation.py made it (the very objects that were sent), tries every set of item
sets for a cover and every partition of the cart, and calculates with Decimal
and zoneinfo.
"""

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from itertools import groupby, product
from zoneinfo import ZoneInfo

UTC = timezone.utc
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


def minutes(time_of_day):
    hours, rest = time_of_day.split(':')
    return int(hours) * 60 + int(rest)


def time_of_day(minute):
    return '%02d:%02d' % divmod(minute, 60)


class Clock:
    """A zone's local time. timezone is hours ahead of UTC, or a name."""

    def __init__(self, text):
        try:
            self.zone = timezone(timedelta(seconds=int(Decimal(str(text)) * 3600)))
        except ArithmeticError:
            self.zone = ZoneInfo(text)

    def local(self, instant):
        """Wall clock of an instant."""
        return instant.astimezone(self.zone).replace(tzinfo=None)

    def instant(self, day, minute):
        """A minute counted from a day's midnight; the first of two, a skipped one as if the clock had not moved."""
        wall = datetime(day.year, day.month, day.day) + minute * MINUTE
        return wall.replace(tzinfo=self.zone).astimezone(UTC)


def end_minute(slot):
    """The end of a slot in minutes from its day's midnight; not after its start: the day after."""
    start, end = minutes(slot[0]), minutes(slot[1])
    return end + 1440 if end <= start else end


def runs_on(rule, day):
    return not rule.get('days') or str(day.isoweekday()) in rule['days']


def selected(selection, texts):
    """A MultiSelectionRule: any of the values, or all of them."""
    if selection is None:
        return True
    found = [value in texts for value in selection['values']]
    return all(found) if selection.get('all') else any(found)


class Offer:
    """(store, rule, type, provider) with what it may carry and when: open is a list of (day, from, to)."""

    def __init__(self, store, rule, kind, provider, shown, items, fee, open_slots, slotless):
        self.store = store
        self.rule = rule
        self.type = kind
        self.provider = provider
        self.shown = provider if shown else None
        self.items = items
        self.fee = fee
        self.open = open_slots
        self.slotless = slotless


class Question:
    """One cart at one time in one zone of a situation."""

    def __init__(self, situation, ask):
        self.situation = situation
        self.zone = situation['zones'][ask['zone']]
        self.clock = Clock(self.zone.get('timezone', 0))
        self.now = ask['now']
        self.today = self.clock.local(self.now).date()
        self.days = ask['days']
        self.max_pools = ask['maxPools']
        self.types = ask['types']
        self.cart = [item for item in ask['items'] if item.get('itemType', 'product') == 'product']
        self.segments = ask['segments']
        self.merchant = situation['merchant']
        for item in self.cart:
            item['quantity_'] = Decimal(str(item.get('quantity', item.get('qty', 1))))
        self.total = sum(Decimal(str(i.get('price', 0))) * i['quantity_'] for i in self.cart)
        self.units = sum(i['quantity_'] for i in self.cart)
        # Sets of items are sets of places in the order of ids, which is how ties are told.
        self.ids = sorted((i['itemId'] for i in self.cart), key=lambda text: text.encode())
        self.rank = {item_id: n for n, item_id in enumerate(self.ids)}
        self.all = frozenset(range(len(self.ids)))
        self.offers = self.find_offers()

    # Time

    def open_slots(self, rule, kind):
        """(open slots, whether they are to be chosen): what is open by the clock and has capacity."""
        if kind == 'ON_DEMAND':
            return self.on_demand(rule)
        found = []
        slots = rule.get('slots') or []
        for n in range(self.days + 1):
            day = self.today + n * DAY
            if not runs_on(rule, day):
                continue
            if not slots and self.has_unit(rule, day, '00:00', '24:00'):
                found.append((day, '00:00', '24:00'))
            for slot in slots:
                edge = end_minute(slot) if kind in ('CARGO', 'SELF') else minutes(slot[0])
                closing = self.clock.instant(day, edge) - rule.get('cutoff', 0) * MINUTE
                if self.now < closing and self.has_unit(rule, day, *slot):
                    found.append((day, slot[0], slot[1]))
        return found, not slots or kind == 'CARGO'

    def on_demand(self, rule):
        if not self.has_unit(rule, None, '00:00', '24:00'):
            return [], True
        if 'time' not in rule:
            return ([(self.today, '00:00', '24:00')] if runs_on(rule, self.today) else []), True
        slot = rule['time']['slot']
        for day in (self.today, self.today - DAY):
            begin = self.clock.instant(day, minutes(slot[0]))
            closing = self.clock.instant(day, end_minute(slot)) - rule.get('cutoff', 0) * MINUTE
            past_midnight = end_minute(slot) > 1440 or day == self.today
            if runs_on(rule, day) and past_midnight and begin <= self.now < closing:
                start = self.promised(self.now)
                end = self.promised(self.now + rule['time']['in'] * MINUTE)
                until = time_of_day(end.hour * 60 + end.minute)
                return [(start.date(), start.strftime('%H:%M'), '24:00' if until == '00:00' else until)], False
        return [], True

    def promised(self, instant):
        """Local time, rounded up to the minute."""
        wall = self.clock.local(instant)
        floor = wall.replace(second=0, microsecond=0)
        return floor if floor == wall else floor + MINUTE

    # Capacity

    def has_unit(self, rule, day, start, end):
        """Confirmed and live units are taken; a hold that has expired is free."""
        if rule.get('capacity') is None:
            return True
        taken = 0
        for unit in rule.get('units_', ()):
            if (unit['day'], unit['from'], unit['to']) == (day, start, end):
                taken += unit['state'] == 'confirmed' or (unit['state'] == 'held' and unit['expires'] > self.now)
        return taken < rule['capacity']

    # Offers

    def gates_open(self, rule):
        least = max(Decimal(str(self.zone.get('minCartTotal', 0))), Decimal(str(rule.get('minCartTotal', 0))))
        return ((not rule.get('zones') or self.zone['zoneId'] in rule['zones'])
                and self.total >= least and self.units >= Decimal(str(rule.get('minOrderCount', 0)))
                and selected(rule.get('segment'), self.segments))

    def in_stock(self, store, item):
        if not self.situation['stock']:
            return True
        there = self.situation['stock'].get((store['storeId'], item['itemId']))
        return there is None or there >= item['quantity_']

    def carried(self, store, rule):
        """In cart order what fits."""
        weight = volume = Decimal(0)
        items = set()
        for item in self.cart:
            if (item.get('merchantId', self.merchant) != store['merchantId']
                    or not selected(rule.get('category'), item.get('categories', []))
                    or not selected(rule.get('tag'), item.get('tags', []))
                    or not self.in_stock(store, item)):
                continue
            more_weight = Decimal(str(item.get('weight', 0))) * item['quantity_']
            more_volume = Decimal(str(item.get('volume', 0))) * item['quantity_']
            if ('maxCartWeight' in rule and weight + more_weight > Decimal(str(rule['maxCartWeight']))
                    or 'maxCartVolume' in rule and volume + more_volume > Decimal(str(rule['maxCartVolume']))):
                continue
            weight += more_weight
            volume += more_volume
            items.add(self.rank[item['itemId']])
        return frozenset(items)

    def types_of(self, rule):
        return [kind for kind in self.types if kind in rule['types']]

    def live_stores(self):
        """Of the merchants whose items are in the cart, in the order in which options are listed."""
        merchants = {item.get('merchantId', self.merchant) for item in self.cart}
        stores = [s for s in self.situation['stores'] if not s.get('deleted') and s['merchantId'] in merchants]
        return sorted(stores, key=lambda s: (s['merchantId'].encode(), s['storeId'].encode()))

    def find_offers(self):
        offers = []
        for store in self.live_stores():
            rules = [rule for rule in store['rules'] if not rule.get('deleted_')]
            if store.get('zones') and self.zone['zoneId'] not in store['zones']:
                continue
            opened = {(rule['ruleId'], kind): self.open_slots(rule, kind) for rule in rules for kind in self.types_of(rule)}
            if store.get('all') and not all(
                    self.gates_open(rule) and any(opened[rule['ruleId'], kind][0] for kind in self.types_of(rule))
                    for rule in rules):
                continue
            for rule in rules:
                if not self.gates_open(rule):
                    continue
                items = self.carried(store, rule)
                if store.get('all'):
                    items = frozenset.intersection(*(self.carried(store, other) for other in rules))
                for kind in self.types_of(rule):
                    offers += self.offers_of(store, rule, kind, items, *opened[rule['ruleId'], kind])
        return offers

    def offers_of(self, store, rule, kind, items, open_slots, slotless):
        if not open_slots or not items:
            return
        fee = rule.get('fee', self.zone.get('fee', '0'))
        for provider in rule.get('providers') or [None]:
            known = store['providers_'].get((kind, provider), {})
            if known.get('deleted'):
                continue
            shown = kind == 'CARGO' or known.get('tied', False)
            yield Offer(store, rule, kind, provider, shown, items, fee, open_slots, slotless)

    # Pools

    def options(self, group, partition, offers):
        """The offers that cover a group and could not have absorbed another one of the same pool."""
        return [o for o in offers
                if group <= o.items and not any(other <= o.items for other in partition if other != group)]

    def pools(self, offers):
        """The partitions of all irredundant covers, best first, as many as are asked for."""
        cheapest = {}
        for offer in offers:
            fee = Decimal(offer.fee)
            cheapest[offer.items] = min(cheapest.get(offer.items, fee), fee)
        sets = sorted(cheapest, key=lambda s: (-len(s), cheapest[s], sorted(s)))
        bits = [sum(1 << item for item in s) for s in sets]
        everything = (1 << len(self.ids)) - 1
        unions = [0]
        found = set()
        for number in range(1, 1 << len(sets)):
            lowest = (number & -number).bit_length() - 1
            unions.append(unions[number & (number - 1)] | bits[lowest])
            if unions[number] == everything:
                chosen = [n for n in range(len(sets)) if number >> n & 1]
                if all(self.private(bits, chosen, n, everything) for n in chosen):
                    found.add(self.partition([sets[n] for n in chosen]))
        priced = []
        for partition in found:
            fee = sum(min(Decimal(o.fee) for o in self.options(g, partition, offers)) for g in partition)
            priced.append((len(partition), fee, [sorted(g) for g in partition], partition))
        priced.sort(key=lambda p: p[:3])
        return [p[3] for p in priced[:self.max_pools]]

    @staticmethod
    def private(bits, chosen, one, everything):
        """Does the cover need this set?"""
        rest = 0
        for n in chosen:
            rest |= bits[n] if n != one else 0
        return rest != everything

    @staticmethod
    def partition(chosen):
        """chosen is in order of precedence: larger, cheaper, by ids."""
        taken = set()
        groups = []
        for items in chosen:
            groups.append(frozenset(items - taken))
            taken |= items
        return tuple(sorted(groups, key=sorted))

    def fewest_groups(self):
        """Over all partitions of the cart into servable groups; None: there is none."""
        sets = {offer.items for offer in self.offers}

        def best(left, blocks):
            """left: items not placed yet; blocks: those that the placed ones are in."""
            if not left:
                return len(blocks) if all(any(b <= s for s in sets) for b in blocks) else None
            item, rest = left[0], left[1:]
            answers = [best(rest, blocks[:n] + [b | {item}] + blocks[n + 1:]) for n, b in enumerate(blocks)]
            answers.append(best(rest, blocks + [frozenset([item])]))
            return min((a for a in answers if a is not None), default=None)

        return best(sorted(self.all), [])

    # Answers

    def shown_options(self, group, partition):
        """Merged over stores: of equal slots the cheapest; slots of one fee together. The fees as they may be written."""
        faces = {}
        for offer in self.options(group, partition, self.offers):
            face = faces.setdefault((offer.type, offer.shown), {})
            for slot in [None] if offer.slotless else offer.open:
                face.setdefault(slot, []).append(offer)
        shown = []
        for place, ((kind, provider), slots) in enumerate(faces.items()):
            by_fee = {}
            for slot, offers in slots.items():
                fee = min(Decimal(o.fee) for o in offers)
                option = by_fee.setdefault((fee, slot is not None), {'slots': [], 'written': set()})
                option['slots'] += [] if slot is None else [slot]
                option['written'] |= {str(Decimal(o.fee)) for o in offers if Decimal(o.fee) == fee}
            for (fee, slotted), option in by_fee.items():
                shown.append(((self.types.index(kind), fee, place, slotted), kind, provider, fee, option))
        shown.sort(key=lambda s: s[0])
        return [self.shown_option(*s[1:]) for s in shown]

    @staticmethod
    def shown_option(kind, provider, fee, option):
        answer = {'type': kind, 'fee': fee, 'written': option['written']}
        if provider is not None:
            answer['provider'] = provider
        if option['slots']:
            slots = sorted(option['slots'], key=lambda s: (s[0], minutes(s[1]), end_minute(s[1:])))
            answer['slots'] = {str(day): [[s[1], s[2]] for s in of_day]
                               for day, of_day in groupby(slots, key=lambda s: s[0])}
        return answer

    def item_ids(self, group):
        return [item['itemId'] for item in self.cart if self.rank[item['itemId']] in group]

    def get_pools(self):
        return [[{'items': self.item_ids(group), 'options': self.shown_options(group, partition)} for group in partition]
                for partition in self.pools(self.offers)]

    def explain(self):
        """Per live store × rule × type × provider whether it is offered; and whether an item is offered by nobody."""
        offered = {(o.store['merchantId'], o.store['storeId'], o.rule['ruleId'], o.type, o.provider) for o in self.offers}
        rows = []
        for store in self.live_stores():
            for rule in store['rules']:
                for kind in [] if rule.get('deleted_') else rule['types']:
                    for provider in rule.get('providers') or [None]:
                        row = (store['merchantId'], store['storeId'], rule['ruleId'], kind, provider)
                        rows.append([*row, 'offered' if row in offered else 'closed'])
        if frozenset().union(*(o.items for o in self.offers)) != self.all:
            rows.append([None, None, None, None, None, 'closed'])
        return rows

    # Selected pools

    @staticmethod
    def is_chosen(offer, choice):
        """Is there an open slot that the choice means? What it leaves out may be anything."""
        if offer.type != choice['type'] or choice.get('provider', offer.provider) != offer.provider:
            return False
        day, slot = choice.get('day'), choice.get('slot')
        if slot is not None and (offer.type == 'ON_DEMAND' or not offer.rule.get('slots')) and offer.slotless:
            return False
        if offer.type == 'ON_DEMAND':
            # A promise ages between quote and order: its times do not count, and its day may be yesterday.
            return day is None or offer.open[0][0] - date.fromisoformat(day) in (0 * DAY, DAY)
        return any(day in (None, str(o[0])) and (slot is None or slot == [o[1], o[2]]) for o in offer.open)

    def ways(self, served):
        """served: per pool the groups with their candidates (store → lowest fee); fewest groups, then cheapest, then by ids."""
        found = []
        for place, groups in enumerate(served):
            for stores in product(*(candidates.items() for _, candidates in groups)):
                fee = sum(s[1] for s in stores)
                ids = [s[0] for s in stores]
                found.append(((len(groups), fee, place, [(i[0].encode(), i[1].encode()) for i in ids]), groups, ids))
        found.sort(key=lambda f: f[0])
        return [[{'items': self.item_ids(g[0]), 'storeId': i[0]} for g, i in zip(groups, ids)]
                for _, groups, ids in found[:self.max_pools]]

    @staticmethod
    def candidates(offers):
        stores = {}
        for offer in offers:
            key = (offer.store['storeId'], offer.store['merchantId'])
            stores[key] = min(stores.get(key, Decimal('Infinity')), Decimal(offer.fee))
        return stores

    def get_selected(self, choice):
        """None where it is refused. One choice for the cart, or one per group with its items."""
        if isinstance(choice, dict):
            offers = [o for o in self.offers if self.is_chosen(o, choice)]
            served = [[(g, self.candidates(self.options(g, p, offers))) for g in p] for p in self.pools(offers)]
            return self.ways(served) or None
        partition = [frozenset(self.rank[i] for i in c['items']) for c in choice]
        groups = [(g, self.candidates(o for o in self.options(g, partition, self.offers) if self.is_chosen(o, c)))
                  for g, c in zip(partition, choice)]
        return self.ways([groups]) or None
