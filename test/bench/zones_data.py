#!/usr/bin/env python3
"""Zones and points for the benchmark of zones and for their oracle, as TSV.

  zones_data.py counties|provinces|delivery|jagged [--count N] [--seed S] [--corners N]
      zone_id, name, rules (as ganje.zone has them), kind (polygon or circle),
      WKT ('' for a circle), lat, lng, radius in meters ('' for a polygon)
      jagged: what a hostile user might draw, 5000 overlapping stars of 2000 corners unless told
  zones_data.py points --set uniform|clustered|vertices [--of counties|provinces|delivery|jagged] [--count N] [--seed S]
      lat, lng.  vertices: vertices and edge midpoints, all of them where N is 0

The seed is printed on standard error.  Every number is written so that it
reads back as the same double.  No text has a backslash or a tab, so that COPY
takes the lines as they are.
"""

import argparse
import json
import math
import os
import random
import sys

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data")

# Boxes (south, north, west, east) that uniform points are drawn from, each equally often.
TURKIYE = (35.9, 42.1, 26.0, 44.8)
BOXES = {
    "counties": [(24.5, 49.5, -125.0, -66.5)],
    "provinces": [TURKIYE, (25.0, 39.8, 44.0, 63.3), (-11.0, 6.0, 95.0, 141.0)],
    "delivery": [TURKIYE],
    "jagged": [TURKIYE],
}

# Where zones and customers crowd: centre, and inhabitants in 100,000.
CITIES = [
    (41.01, 28.97, 157), (39.93, 32.86, 58), (38.42, 27.14, 45), (40.19, 29.06, 32), (36.90, 30.70, 27),
    (37.00, 35.32, 23), (37.87, 32.48, 23), (37.16, 38.79, 22), (37.07, 37.38, 22), (40.77, 29.92, 21),
    (36.80, 34.63, 19), (37.91, 40.24, 18), (36.20, 36.16, 15), (38.61, 27.43, 15), (38.73, 35.49, 14),
    (41.29, 36.33, 14), (39.65, 27.89, 13), (37.58, 36.92, 11), (38.49, 43.38, 11), (37.85, 27.85, 11),
    (37.78, 29.09, 11), (40.78, 30.40, 11), (41.00, 39.72, 8), (39.78, 30.52, 9), (39.90, 41.27, 7),
]


class Zone:
    """rings: of a polygon, as [(lat, lng), ...] closed; circle: (lat, lng, radius)."""

    def __init__(self, zone_id, name, rule, rings=None, parts=None, circle=None):
        self.zone_id = zone_id
        self.name = name
        self.rule = rule
        self.rings = rings
        self.parts = parts
        self.circle = circle

    def wkt(self):
        def ring_text(ring):
            return "(" + ", ".join("%r %r" % (lng, lat) for lat, lng in ring) + ")"

        if len(self.parts) == 1:
            return "POLYGON(" + ", ".join(map(ring_text, self.parts[0])) + ")"
        return "MULTIPOLYGON(" + ", ".join("(" + ", ".join(map(ring_text, part)) + ")" for part in self.parts) + ")"

    def line(self):
        rules = json.dumps([{"loc": self.rule}], ensure_ascii=False, separators=(",", ":"))
        if self.circle:
            rest = ["circle", "", repr(self.circle[0]), repr(self.circle[1]), repr(self.circle[2])]
        else:
            rest = ["polygon", self.wkt(), "", "", ""]
        return "\t".join([self.zone_id, self.name, rules] + rest)


def from_parts(zone_id, name, rule, parts):
    return Zone(zone_id, name, rule, rings=[ring for part in parts for ring in part], parts=parts)


def from_file(path):
    """The features; a ring that rounding left with fewer than three points is no area and is left out,
    and so is the one county (Falls Church) that has no other."""
    with open(path, encoding="utf-8") as file:
        collection = json.load(file)
    for feature in collection["features"]:
        geometry = feature["geometry"]
        polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
        polygons = [[ring for ring in polygon if len(set(map(tuple, ring))) >= 3] for polygon in polygons]
        polygons = [polygon for polygon in polygons if polygon]
        if not polygons:
            continue
        geometry = {"type": "MultiPolygon", "coordinates": polygons}
        if len(polygons) == 1:
            geometry = {"type": "Polygon", "coordinates": polygons[0]}
        parts = [[[(float(lat), float(lng)) for lng, lat in ring] for ring in polygon] for polygon in polygons]
        properties = feature["properties"]
        yield from_parts(properties["id"], properties["name"], {"geojson": geometry}, parts)


def near_city(random_source, spread):
    """A point around a city drawn by its inhabitants; spread in degrees of latitude."""
    lat, lng, _ = random_source.choices(CITIES, weights=[city[2] for city in CITIES])[0]
    return (lat + random_source.gauss(0, spread),
            lng + random_source.gauss(0, spread) / math.cos(math.radians(lat)))


def in_box(random_source, box):
    south, north, west, east = box
    return random_source.uniform(south, north), random_source.uniform(west, east)


def star(random_source, lat, lng, meters, corners):
    """Corners around a centre at 0.4 to 1 of its size, so that no two edges cross."""
    ring = []
    for n in range(corners):
        angle = 2 * math.pi * n / corners
        reach = meters * random_source.uniform(0.4, 1.0)
        ring.append((round(lat + reach * math.sin(angle) / 111200, 6),
                     round(lng + reach * math.cos(angle) / 111200 / math.cos(math.radians(lat)), 6)))
    return ring


def delivery_zones(count, seed):
    """Half circles, half stars, four in ten around cities; one star in 100 crosses itself."""
    random_source = random.Random("delivery %d" % seed)
    for n in range(count):
        zone_id = "D%05d" % n
        if random_source.random() < 0.4:
            lat, lng = near_city(random_source, 0.25)
        else:
            lat, lng = in_box(random_source, TURKIYE)
        lat, lng = round(lat, 6), round(lng, 6)
        meters = round(random_source.uniform(1000, 8000), 1)
        if n % 2 == 0:
            rule = {"circle": {"center": {"lat": lat, "lng": lng}, "radius": meters}}
            yield Zone(zone_id, "circle %d" % n, rule, circle=(lat, lng, meters))
            continue
        corners = random_source.randint(8, 200)
        ring = star(random_source, lat, lng, meters, corners)
        if n % 200 == 199:
            step = 2 if corners % 2 == 1 else 3
            ring = ring[::step] if corners % step == 0 else [ring[i * step % corners] for i in range(corners)]
        if n % 4 == 1:
            rule = {"polygon": [{"lat": y, "lng": x} for y, x in ring]}
        else:
            rule = {"geojson": {"type": "Polygon", "coordinates": [[[x, y] for y, x in ring + ring[:1]]]}}
        yield from_parts(zone_id, "star %d" % n, rule, [[ring + ring[:1]]])


def jagged_zones(count, seed, corners):
    """Stars whose every corner is far from the next, four in ten around cities: no cell has few edges."""
    random_source = random.Random("jagged %d" % seed)
    for n in range(count):
        lat, lng = near_city(random_source, 0.25) if random_source.random() < 0.4 else in_box(random_source, TURKIYE)
        ring = star(random_source, lat, lng, random_source.uniform(2000, 20000), corners)
        rule = {"polygon": [{"lat": y, "lng": x} for y, x in ring]}
        yield from_parts("J%05d" % n, "jagged %d" % n, rule, [[ring + ring[:1]]])


def zones_of(which, count=None, seed=1, corners=2000):
    """The zones of a data set; count cuts a file short, and says how many of the others to make."""
    if which == "jagged":
        return jagged_zones(5000 if count is None else count, seed, corners)
    if which == "delivery":
        return list(delivery_zones(10000 if count is None else count, seed))
    name = "us-counties.geojson" if which == "counties" else "provinces.geojson"
    return list(from_file(os.path.join(DATA, name)))[:count]


def vertices_and_midpoints(zones):
    """Every vertex and edge midpoint of polygons; of circles, points on and around the rim."""
    for zone in zones:
        if zone.circle:
            lat, lng, meters = zone.circle
            for n in range(8):
                angle = math.pi * n / 4
                yield (lat + meters * math.sin(angle) / 111200,
                       lng + meters * math.cos(angle) / 111200 / math.cos(math.radians(lat)))
            continue
        for ring in zone.rings:
            for (lat1, lng1), (lat2, lng2) in zip(ring, ring[1:]):
                yield lat1, lng1
                if abs(lng1 - lng2) <= 180:
                    yield (lat1 + lat2) / 2, (lng1 + lng2) / 2


def points_of(which, kind, count, seed):
    random_source = random.Random("points %s %s %d" % (which, kind, seed))
    if kind == "uniform":
        for _ in range(count):
            yield in_box(random_source, random_source.choice(BOXES[which]))
    elif kind == "clustered" and which != "counties":
        for _ in range(count):
            yield near_city(random_source, 0.15)
    elif kind == "clustered":
        centres = random_source.sample([zone.rings[0][0] for zone in zones_of(which)], 25)
        for _ in range(count):
            lat, lng = random_source.choice(centres)
            yield (max(-90.0, min(90.0, lat + random_source.gauss(0, 0.15))),
                   max(-180.0, min(180.0, lng + random_source.gauss(0, 0.15))))
    else:
        points = list(vertices_and_midpoints(zones_of(which, None, seed)))
        if 0 < count < len(points):
            points = random_source.sample(points, count)
        yield from points


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["counties", "provinces", "delivery", "jagged", "points"])
    parser.add_argument("--count", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--corners", type=int, default=2000)
    parser.add_argument("--set", choices=["uniform", "clustered", "vertices"], default="uniform")
    parser.add_argument("--of", choices=["counties", "provinces", "delivery", "jagged"], default="delivery")
    arguments = parser.parse_args()
    sys.stdout.reconfigure(encoding="utf-8")
    print("zones_data: seed %d" % arguments.seed, file=sys.stderr)
    if arguments.what == "points":
        count = 100000 if arguments.count is None else arguments.count
        for lat, lng in points_of(arguments.of, arguments.set, count, arguments.seed):
            print("%r\t%r" % (lat, lng))
    else:
        for zone in zones_of(arguments.what, arguments.count, arguments.seed, arguments.corners):
            print(zone.line())


if __name__ == "__main__":
    main()
