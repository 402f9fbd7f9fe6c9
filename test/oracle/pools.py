#!/usr/bin/env python3
"""get_pools, explain_pools and selected pools against a brute force of their definition.

Draws situations (situation.py), asks the extension by psql, answers the same
itself (definition.py) and compares. A difference prints all that it takes to
see it again. The last line is "N carts, D differences".
"""

import argparse
import json
import queue
import random
import subprocess
import sys
import tempfile
import threading
import time
from decimal import Decimal

from definition import Question
from situation import SETUP, Situation, clock_sql, request_of, setup_sql, text

CARTS_EACH = 5  # of one situation
BATCH = 20      # situations that psql works on while their answers are calculated


class Psql:
    """A session that is fed statements and read lines."""

    def __init__(self, command):
        self.errors = tempfile.TemporaryFile(mode='w+')
        self.process = subprocess.Popen(command + ['-X', '-q', '-At'], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.errors, text=True, encoding='utf-8')
        self.lines = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip('\n'))
        self.lines.put(None)

    def write(self, lines):
        self.process.stdin.write('\n'.join(lines) + '\n\\echo done\n')
        self.process.stdin.flush()

    def answers(self):
        """name → JSON, of the lines "name|json" up to "done"."""
        found = {}
        while True:
            line = self.lines.get()
            if line is None:
                raise SystemExit('psql has ended:\n' + self.errors_text())
            if line == 'done':
                return found
            name, _, value = line.partition('|')
            found[name] = json.loads(value, parse_float=Decimal, parse_int=Decimal)

    def errors_text(self):
        self.errors.seek(0)
        return self.errors.read()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def choices_of(pools, draw):
    """Selections that a customer could make of an answer: for the cart, and for each group."""
    if not pools:
        return [{'type': draw.choice(['CARGO', 'SELF'])}]
    def choose(option):
        choice = {'type': option['type']}
        if 'provider' in option and draw.random() < 0.8:
            choice['provider'] = option['provider']
        if 'slots' in option and draw.random() < 0.8:
            choice['day'] = draw.choice(sorted(option['slots']))
            if draw.random() < 0.8:
                choice['slot'] = draw.choice(option['slots'][choice['day']])
        return choice
    pool = draw.choice(pools)
    return [choose(draw.choice(draw.choice(pool)['options'])),
            [dict(choose(draw.choice(group['options'])), items=group['items']) for group in pool]]


class Cart:
    """One question: what is sent and what has to come back."""

    def __init__(self, situation, ask, name):
        self.name = name
        self.ask = ask
        self.situation = situation
        self.request, self.before = request_of(situation, ask, name)
        self.question = Question(situation, ask)
        self.expected = self.question.get_pools()
        self.choices = choices_of(self.expected, random.Random('%s %s' % (situation['seed'], name)))

    def sql(self):
        lines = self.before + clock_sql(self.ask)
        lines.append("SELECT 'p%s|' || ganje.get_pools($j$%s$j$)::text;" % (self.name, text(self.request)))
        lines.append("SELECT 'e%s|' || oracle.explain($j$%s$j$)::text;" % (self.name, text(self.request)))
        for n, choice in enumerate(self.choices):
            lines.append("SELECT 's%s %d|' || oracle.selected($j$%s$j$)::text;" % (self.name, n, text(dict(self.request, pool=choice))))
        return lines

    def check_pools(self, answer):
        """Fees are compared as numbers, and have to be written as an offer writes them."""
        if answer is None:
            return 'no answer'
        for got, want in zip((o for p in answer for g in p for o in g['options']), (o for p in self.expected for g in p for o in g['options'])):
            if 'fee' in got and got['fee'] == want['fee'] and str(got['fee']) not in want['written']:
                return 'a fee is not written as given: %s' % got['fee']
        plain = [[dict(g, options=[{k: v for k, v in o.items() if k != 'written'} for o in g['options']]) for g in p] for p in self.expected]
        return None if answer == plain else 'expected %s' % json.dumps(plain, default=str, ensure_ascii=False)

    def check_partitions(self, answer):
        fewest = self.question.fewest_groups()
        if answer is None or (len(answer[0]) if answer else None) == fewest:
            return None
        return 'a partition into %s groups can be served' % fewest

    def check_explain(self, answer):
        wanted = self.question.explain()
        return None if answer is not None and sorted(answer, key=str) == sorted(wanted, key=str) else 'expected %s' % json.dumps(wanted, ensure_ascii=False)

    def differences(self, answers):
        """(what was asked, what is wrong, what was answered)"""
        pools = answers.get('p' + self.name)
        checks = [('get_pools', self.check_pools(pools), pools), ('all partitions', self.check_partitions(pools), pools),
                  ('explain_pools', self.check_explain(answers.get('e' + self.name)), answers.get('e' + self.name))]
        for n, choice in enumerate(self.choices):
            answer = answers.get('s%s %d' % (self.name, n), 'no answer')
            wanted = self.question.get_selected(choice)
            checks.append(('pool %s' % json.dumps(choice, ensure_ascii=False),
                           None if answer == wanted else 'expected %s' % json.dumps(wanted, ensure_ascii=False), answer))
        return [c for c in checks if c[1] is not None]


class Run:
    def __init__(self, arguments):
        self.arguments = arguments
        self.psql = Psql(arguments.psql.split())
        self.psql.write(SETUP.splitlines())
        self.psql.answers()
        self.carts = self.differences = self.served = self.split = self.choices = 0
        self.began = time.monotonic()

    def batch(self, numbers):
        lines, carts = [], []
        for number, count in numbers:
            situation = Situation(self.arguments.seed, number, count)
            lines += setup_sql(situation)
            for n, ask in enumerate(situation['asks']):
                carts.append(Cart(situation, ask, '%d.%d' % (number, n)))
                lines += carts[-1].sql()
        return lines, carts

    def compare(self, carts, answers):
        for cart in carts:
            self.carts += 1
            self.served += bool(cart.expected)
            self.split += bool(cart.expected and len(cart.expected[0]) > 1)
            self.choices += len(cart.expected) > 1
            wrong = cart.differences(answers)
            self.differences += bool(wrong)
            if wrong and self.differences <= self.arguments.show:
                self.show(cart, wrong)

    def show(self, cart, wrong):
        print('\n-- difference: cart %s, seed %s; to see it alone: --seed %s --first %s --carts %d' % (
            cart.name, self.arguments.seed, self.arguments.seed, cart.name.split('.')[0], CARTS_EACH))
        print('\n'.join(setup_sql(cart.situation) + cart.sql()))
        for what, why, answer in wrong:
            print('-- %s: answered %s\n--   %s' % (what, json.dumps(answer, default=str, ensure_ascii=False), why))
        sys.stdout.flush()

    def progress(self, every):
        if self.carts // every != self.shown:
            self.shown = self.carts // every
            print('%s%d carts, %d differences, %d s' % (self.arguments.label, self.carts, self.differences, time.monotonic() - self.began), flush=True)

    def main(self):
        arguments = self.arguments
        self.shown = 0
        situations = -(-arguments.carts // CARTS_EACH)
        numbers = [(arguments.first + n, min(CARTS_EACH, arguments.carts - n * CARTS_EACH)) for n in range(situations)]
        numbers = [n for n in numbers if n[0] % arguments.lanes == arguments.lane]
        waiting = None
        for start in range(0, len(numbers), BATCH):
            lines, carts = self.batch(numbers[start:start + BATCH])
            if waiting is not None:
                self.compare(waiting, self.psql.answers())
                self.progress(arguments.every)
            self.psql.write(lines)
            waiting = carts
        if waiting is not None:
            self.compare(waiting, self.psql.answers())
        self.psql.close()
        return self.finish()

    def finish(self):
        errors = self.psql.errors_text()
        if errors:
            print('psql said:\n' + errors[:4000])
            self.differences += not self.differences
        if self.carts >= 200 and not (self.served > self.carts / 4 and self.split > self.carts / 40 and self.choices > self.carts / 40):
            print('the carts were not worth asking for')
            self.differences += 1
        if not self.arguments.quiet:
            print('%s%d carts have a pool, %d need several shipments, %d have a choice of pools' % (
                self.arguments.label, self.served, self.split, self.choices))
        print('%s%d carts, %d differences' % (self.arguments.label, self.carts, self.differences), flush=True)
        return 1 if self.differences else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--carts', type=int, default=50000)
    parser.add_argument('--seed', default=None)
    parser.add_argument('--first', type=int, default=0, help='number of the first situation')
    parser.add_argument('--lane', type=int, default=0)
    parser.add_argument('--lanes', type=int, default=1)
    parser.add_argument('--label', default='')
    parser.add_argument('--every', type=int, default=1000, help='a line of progress after so many carts')
    parser.add_argument('--show', type=int, default=5, help='differences that are printed')
    parser.add_argument('--psql', default='psql', help='how to call psql')
    parser.add_argument('--quiet', action='store_true', help='only differences and the last line')
    arguments = parser.parse_args()
    if arguments.seed is None:
        arguments.seed = str(random.SystemRandom().randrange(10 ** 9))
    if not arguments.quiet:
        print('%sseed %s' % (arguments.label, arguments.seed), flush=True)
    sys.exit(Run(arguments).main())


if __name__ == '__main__':
    main()
