#!/usr/bin/env python3
"""Asks ganje.locate_zone_ids about many points and checks every answer.

With --postgis, PostGIS is asked the same (ST_Covers, ST_MakeValid before, where
a ring crosses itself; ST_Distance of geography for circles), and whatever it
answers otherwise is judged by zone_judge.py.  Without, zone_judge.py is asked
for every point and zone, which takes few points.  Last line: "N questions, D
differences[ from PostGIS], W wrong"; a question is a point, put to all zones
of its data set.  With --postgis zone_overlaps is compared as well, pair by
pair; a pair that differs is counted among the wrong.
"""

import argparse
import collections
import os
import random
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "bench"))

import zone_judge  # noqa: E402
import zones_data  # noqa: E402

SHOWN = 5


class Database:
    def __init__(self, command):
        self.command = command.split() + ["-X", "-q", "-At", "-v", "ON_ERROR_STOP=1"]

    def run(self, sql):
        """The lines that a script answers, split at tabs."""
        process = subprocess.run(self.command + ["-F", "\t", "-f", "-"], input=sql.encode(), stdout=subprocess.PIPE, check=True)
        return [line.split("\t") for line in process.stdout.decode().splitlines()]

    def copy(self, table, lines):
        process = subprocess.Popen(self.command + ["-c", "COPY %s FROM STDIN" % table], stdin=subprocess.PIPE)
        for line in lines:
            process.stdin.write(line.encode() + b"\n")
        process.stdin.close()
        if process.wait() != 0:
            raise SystemExit("COPY %s failed" % table)


SETUP = """
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS oracle CASCADE;
CREATE SCHEMA oracle;
CREATE TABLE oracle.zone (zone_id text, name text, rules jsonb, kind text, wkt text, lat float8, lng float8, radius float8);
CREATE TABLE oracle.point (n int, lat float8, lng float8);
CREATE TABLE oracle.ours (n int, zone_id text);
CREATE TABLE oracle.theirs (n int, zone_id text);
"""

OURS = """
SET client_min_messages = error;
DELETE FROM ganje.zone;
INSERT INTO ganje.zone (zone_id, name, rules) SELECT zone_id, name, rules FROM oracle.zone;
INSERT INTO oracle.ours SELECT n, unnest(ganje.locate_zone_ids(lat, lng)) FROM oracle.point;
"""

THEIRS = """
SET client_min_messages = error;
CREATE EXTENSION IF NOT EXISTS postgis;
CREATE TABLE oracle.shape AS SELECT zone_id, CASE WHEN ST_IsValid(g) THEN g ELSE ST_MakeValid(g) END AS geom
  FROM oracle.zone, ST_GeomFromText(wkt, 4326) AS g WHERE kind = 'polygon';
ALTER TABLE oracle.point ADD COLUMN geom geometry, ADD COLUMN geog geography;
UPDATE oracle.point SET geom = ST_SetSRID(ST_MakePoint(lng, lat), 4326), geog = ST_SetSRID(ST_MakePoint(lng, lat), 4326)::geography;
CREATE INDEX ON oracle.point USING gist (geom);
CREATE INDEX ON oracle.point USING gist (geog);
ANALYZE oracle.point, oracle.shape;
SET max_parallel_workers_per_gather = 2;
INSERT INTO oracle.theirs SELECT p.n, s.zone_id FROM oracle.shape AS s JOIN oracle.point AS p ON ST_Covers(s.geom, p.geom);
INSERT INTO oracle.theirs SELECT p.n, z.zone_id
  FROM (SELECT zone_id, radius, ST_SetSRID(ST_MakePoint(lng, lat), 4326)::geography AS geog FROM oracle.zone WHERE kind = 'circle') AS z
  JOIN oracle.point AS p ON ST_DWithin(p.geog, z.geog, z.radius + 1) AND ST_Distance(p.geog, z.geog) < z.radius;
"""

DIFFERENCES = """
SELECT o.n, o.zone_id, 't' FROM oracle.ours AS o WHERE NOT EXISTS (SELECT FROM oracle.theirs AS t WHERE (t.n, t.zone_id) = (o.n, o.zone_id))
UNION ALL
SELECT t.n, t.zone_id, 'f' FROM oracle.theirs AS t WHERE NOT EXISTS (SELECT FROM oracle.ours AS o WHERE (t.n, t.zone_id) = (o.n, o.zone_id));
"""


def load(database, zones, points):
    database.run(SETUP)
    database.copy("oracle.zone", map(copy_line, zones))
    database.copy("oracle.point", ("%d\t%r\t%r" % (n, lat, lng) for n, (lat, lng) in enumerate(points)))


def copy_line(zone):
    """zones_data's line, its empty columns NULL."""
    return "\t".join(field or "\\N" for field in zone.line().split("\t"))


class Total:
    def __init__(self):
        self.questions = self.differences = self.wrong = self.shown = 0

    def judge(self, judge, points, n, zone_id, ours):
        """Counts an answer of ours that another did not give."""
        lat, lng = points[n]
        right = judge.covers(zone_id, lat, lng)
        self.differences += 1
        if right is not None and right != ours:
            self.wrong += 1
            if self.shown < SHOWN:
                self.shown += 1
                print("WRONG: locate_zone_ids(%r, %r) %s %s" % (lat, lng, "has" if ours else "lacks", zone_id))
        return right


def ask_all(judge, points, ours, total):
    """The judge's answer for every point and zone, against ours."""
    zone_ids = judge.zone_ids()
    for n, (lat, lng) in enumerate(points):
        have = ours[n]
        for zone_id in zone_ids:
            right = judge.covers(zone_id, lat, lng)
            if right is not None and right != (zone_id in have):
                total.judge(judge, points, n, zone_id, zone_id in have)


def run_set(database, name, zones, points, total, with_postgis, sample, seed):
    judge = zone_judge.Judge(zones)
    load(database, zones, points)
    database.run(OURS)
    before = (total.differences, total.wrong)
    circles = 0
    if with_postgis:
        database.run(THEIRS)
        for n, zone_id, ours in database.run(DIFFERENCES):
            circles += total.judge(judge, points, int(n), zone_id, ours == "t") is None
    numbers = range(len(points))
    if with_postgis:
        # Where both agree both might be wrong.
        numbers = random.Random("sample %d" % seed).sample(numbers, min(sample, len(points)))
    ours = collections.defaultdict(set)
    for n, zone_id in database.run("SELECT n, zone_id FROM oracle.ours WHERE n = ANY ('{%s}')" % ",".join(map(str, numbers))):
        ours[int(n)].add(zone_id)
    judged = Total()
    ask_all(judge, [points[n] for n in numbers], [ours[n] for n in numbers], judged)
    total.questions += len(points)
    total.wrong += judged.wrong
    if not with_postgis:
        total.differences += judged.differences
    covered = int(database.run("SELECT count(*) FROM oracle.ours")[0][0])
    print("%-10s %5d zones %8d points %8d answers; %d differences (%d of circles, within tolerance), %d judged one by one, %d wrong" % (
        name, len(zones), len(points), covered, total.differences - before[0], circles, len(numbers), total.wrong - before[1]), flush=True)


# PostGIS's own word on which zones share an area: of circles by the distance of their middles, of
# a circle and a polygon by the distance between them; deeper than its own error in that.
OVERLAPS = """
SET client_min_messages = error;
CREATE TABLE oracle.disc AS SELECT zone_id, radius, ST_SetSRID(ST_MakePoint(lng, lat), 4326)::geography AS geog FROM oracle.zone WHERE kind = 'circle';
CREATE INDEX ON oracle.shape USING gist (geom);
CREATE INDEX ON oracle.disc USING gist (geog);
ANALYZE oracle.disc, oracle.shape;
CREATE TABLE oracle.pairs AS
    SELECT a.zone_id AS a, b.zone_id AS b, ST_Area(ST_Intersection(a.geom, b.geom)) > 0 AS overlap
      FROM oracle.shape AS a JOIN oracle.shape AS b ON a.zone_id < b.zone_id COLLATE "C" AND ST_Intersects(a.geom, b.geom)
UNION ALL
    SELECT a.zone_id, b.zone_id, ST_Distance(a.geog, b.geog) < a.radius + b.radius
      FROM oracle.disc AS a JOIN oracle.disc AS b ON a.zone_id < b.zone_id COLLATE "C" AND ST_DWithin(a.geog, b.geog, 20000)
UNION ALL
    SELECT least(d.zone_id, s.zone_id COLLATE "C"), greatest(d.zone_id, s.zone_id COLLATE "C"), ST_Distance(d.geog, s.geom::geography) < d.radius
      FROM oracle.disc AS d JOIN oracle.shape AS s ON s.geom && ST_Expand(d.geog::geometry, 0.15);
CREATE TABLE oracle.overlap AS SELECT * FROM ganje.zone_overlaps();
SELECT count(*), count(*) FILTER (WHERE p.a IS NULL), count(*) FILTER (WHERE o.zone_a IS NULL),
       count(o.zone_a) FILTER (WHERE NOT ganje.locate_zone_ids(o.lat, o.lng) @> ARRAY[o.zone_a, o.zone_b]
                                  OR array_position(ganje.locate_zone_ids(o.lat, o.lng), o.winner)
                                     > least(array_position(ganje.locate_zone_ids(o.lat, o.lng), o.zone_a), array_position(ganje.locate_zone_ids(o.lat, o.lng), o.zone_b)))
  FROM oracle.overlap AS o FULL JOIN (SELECT * FROM oracle.pairs WHERE overlap) AS p ON (p.a, p.b) = (o.zone_a, o.zone_b);
"""


def check_overlaps(database, name, total):
    pairs, ours, theirs, unfounded = map(int, database.run(OVERLAPS)[0])
    total.wrong += ours + theirs + unfounded
    print("%-10s %d pairs overlap: %d only ours, %d only PostGIS's, %d samples not in both or not the winner's" % (
        name, pairs, ours, theirs, unfounded), flush=True)


def hostile_zones(seed):
    """Rings and circles across the antimeridian and at the poles, slivers, rings that cross themselves."""
    source = random.Random("hostile %d" % seed)
    zones = []
    for n in range(60):
        lat, lng = source.uniform(-80, 80), source.choice([180, -180, source.uniform(-180, 180)])
        size = 10.0 ** source.uniform(-9, 1)
        ring = [(max(-90.0, min(90.0, lat + source.gauss(0, size))), wrapped(lng + source.gauss(0, size)))
                for _ in range(source.randint(3, 40))]
        if n % 3 == 0:
            ring = [(round(y, 1), round(x, 1)) for y, x in ring]
        # All on the antimeridian it is read as a cap, from wall to wall (src/geo/polygon_build.c): no matter here.
        if len(set(ring)) >= 3 and {abs(lng) for _, lng in ring} != {180}:
            ring.append(ring[0])
            rule = {"geojson": {"type": "Polygon", "coordinates": [[[x, y] for y, x in ring]]}}
            zones.append(zones_data.from_parts("H%d" % n, "hostile %d" % n, rule, [[ring]]))
    for n in range(40):
        lat, lng = source.choice([89.95, -90.0, source.uniform(-90, 90)]), source.choice([180.0, source.uniform(-180, 180)])
        radius = 10.0 ** source.uniform(0, 6)
        rule = {"circle": {"center": {"lat": lat, "lng": lng}, "radius": radius}}
        zones.append(zones_data.Zone("C%d" % n, "circle %d" % n, rule, circle=(lat, lng, radius)))
    return zones


RIMS = """
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS postgis;
SELECT ST_Y(p), ST_X(p)
  FROM oracle.zone AS z, generate_series(1, 12) AS a,
       unnest('{-10, -0.02, -0.011, -0.005, -0.002, -0.0011, -0.0005, 0, 0.0005, 0.0011, 0.002, 0.005, 0.011, 0.02, 10}'::float8[]) AS d,
       LATERAL (SELECT ST_Project(ST_SetSRID(ST_MakePoint(z.lng, z.lat), 4326)::geography, z.radius + d, radians(30 * a + length(z.zone_id)))::geometry AS p) AS q
 WHERE z.radius + d > 0;
"""


def rims(database, seed):
    """Circles of 1 m to 1,000 km, and points on their rim and up to 2 cm (and 10 m) beside it, by PostGIS's geodesics."""
    zones = [zone for zone in hostile_zones(seed) + hostile_zones(seed + 1000003) if zone.circle]
    for n, zone in enumerate(zones):
        zone.zone_id = "R%d" % n
    load(database, zones, [])
    return zones, [(float(lat), float(lng)) for lat, lng in database.run(RIMS)]


def wrapped(lng):
    return lng - 360 if lng > 180 else lng + 360 if lng < -180 else lng


def hostile_points(zones, count, seed):
    """Corners, points on edges as near as a double comes, and their neighbours."""
    source = random.Random("hostile points %d" % seed)
    points = [(90.0, 0.0), (-90.0, 0.0), (0.0, 180.0), (0.0, -180.0)]
    while len(points) < count:
        zone = source.choice(zones)
        if zone.circle:
            lat, lng, radius = zone.circle
            reach = radius / 111200 * source.choice([0.5, 1.0, 1.5])
            lat = max(-90.0, min(90.0, lat + source.uniform(-reach, reach)))
            points.append((lat, wrapped(source.uniform(-reach, reach) + lng) if reach < 90 else source.uniform(-180, 180)))
            continue
        ring = zone.rings[0]
        at = source.randrange(len(ring) - 1)
        (y1, x1), (y2, x2) = ring[at], ring[at + 1]
        share = source.choice([0.0, 0.5, source.random()])
        if abs(x1 - x2) > 180:
            share = 0.0
        lat, lng = y1 + share * (y2 - y1), x1 + share * (x2 - x1)
        for _ in range(source.choice([0, 0, 1, 2])):
            lat = next_double(lat, source)
            lng = next_double(lng, source)
        points.append((max(-90.0, min(90.0, lat)), max(-180.0, min(180.0, lng))))
    return points


def next_double(value, source):
    return value + source.choice([-1, 0, 1]) * abs(value) * 2.0 ** -52


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--psql", required=True)
    parser.add_argument("--points", type=int, default=1000000)
    parser.add_argument("--vertices", type=int, default=0, help="of each set; 0: all, and every edge midpoint")
    parser.add_argument("--sample", type=int, default=300, help="of each set, judged though PostGIS agrees")
    parser.add_argument("--delivery", type=int, default=10000, help="delivery zones")
    parser.add_argument("--sets", default="counties,provinces,delivery,hostile")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--postgis", action="store_true")
    arguments = parser.parse_args()
    database = Database(arguments.psql)
    total = Total()
    print("seed %d" % arguments.seed)
    sets = arguments.sets.split(",")
    each = arguments.points // max(1, len(set(sets) - {"hostile", "rims"}))
    for name in sets:
        if name == "hostile":
            zones = hostile_zones(arguments.seed)
            points = hostile_points(zones, min(20000, max(500, each)), arguments.seed)
            # PostGIS knows no antimeridian: the judge alone.
            run_set(database, name, zones, points, total, False, 0, arguments.seed)
            continue
        if name == "rims":
            zones, points = rims(database, arguments.seed)
            run_set(database, name, zones, points, total, True, 0, arguments.seed)
            continue
        zones = zones_data.zones_of(name, arguments.delivery if name == "delivery" else None, arguments.seed)
        points = list(zones_data.points_of(name, "uniform", each - each // 2, arguments.seed))
        points += zones_data.points_of(name, "clustered", each // 2, arguments.seed)
        corners = list(zones_data.vertices_and_midpoints(zones))
        if 0 < arguments.vertices < len(corners):
            corners = random.Random("corners %d" % arguments.seed).sample(corners, arguments.vertices)
        run_set(database, name, zones, points + corners, total, arguments.postgis, arguments.sample, arguments.seed)
        if arguments.postgis:
            check_overlaps(database, name, total)
    print("%d questions, %d differences%s, %d wrong" % (
        total.questions, total.differences, " from PostGIS" if arguments.postgis else "", total.wrong))
    return 1 if total.wrong or total.questions == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
