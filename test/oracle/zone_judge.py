"""Which points a zone covers, by rational arithmetic on the doubles as given.

This is the definition written down once more, in the plainest way: the ring's
edges are straight in the lat/lng plane, a point on one is inside, anything
else is inside where a ray meets an odd number of edges of all rings together.
An edge over more than 180 degrees of longitude crosses the antimeridian: the
ring goes on a turn further.  It shares nothing with the C code.
"""

import math
from fractions import Fraction

SEMI_MAJOR = 6378137.0
FLATTENING = 1 / 298.257223563
SEMI_MINOR = SEMI_MAJOR * (1 - FLATTENING)


def unwrapped(ring):
    """[(lat, lng, turn)] of a closed ring."""
    turn = 0
    points = []
    for n, (lat, lng) in enumerate(ring):
        if n > 0:
            step = Fraction(lng) - Fraction(ring[n - 1][1])
            turn += -1 if step > 180 else 1 if step < -180 else 0
        points.append((lat, lng, turn))
    if turn != 0:
        raise ValueError("the ring goes around a pole")
    return points


class Polygon:
    def __init__(self, rings):
        closed = [ring if ring[0] == ring[-1] else ring + ring[:1] for ring in rings]
        # A difference of doubles is far from 180 in nearly every ring: no rational is made there.
        self.rings = []
        for ring in closed:
            plain = all(abs(a[1] - b[1]) < 179 for a, b in zip(ring, ring[1:]))
            self.rings.append([(lat, lng, 0) for lat, lng in ring] if plain else unwrapped(ring))
        corners = [corner for ring in self.rings for corner in ring]
        self.turned = any(corner[2] for corner in corners)
        self.box = (min(c[0] for c in corners), max(c[0] for c in corners),
                    min(c[1] for c in corners), max(c[1] for c in corners))

    def covers(self, lat, lng):
        south, north, west, east = self.box
        if lat < south or lat > north or (not self.turned and (lng < west or lng > east)):
            return False
        inside = False
        for turn in (-1, 0, 1) if self.turned else (0,):
            for ring in self.rings:
                for a, b in zip(ring, ring[1:]):
                    side = crossing(a, b, lat, lng, turn)
                    if side is None:
                        return True
                    inside ^= side
        return inside


def crossing(a, b, lat, lng, turn):
    """Does the ray from the point towards the east meet the edge?  None: the point is on it."""
    if (lat < a[0] and lat < b[0]) or (lat > a[0] and lat > b[0]):
        return False
    y, x = Fraction(lat), Fraction(lng) + 360 * turn
    y1, x1 = Fraction(a[0]), Fraction(a[1]) + 360 * a[2]
    y2, x2 = Fraction(b[0]), Fraction(b[1]) + 360 * b[2]
    if y1 == y2:
        return None if y == y1 and min(x1, x2) <= x <= max(x1, x2) else False
    meets = x1 + (y - y1) * (x2 - x1) / (y2 - y1)
    if meets == x:
        return None
    # The lower end belongs to an edge, the upper does not, so that a corner counts once.
    return (y1 <= y) != (y2 <= y) and meets > x


def distance(lat1, lng1, lat2, lng2):
    """Meters along the WGS 84 geodesic, by Vincenty's inverse formula (0.1 mm)."""
    reach = math.radians(math.remainder(lng2 - lng1, 360))
    u1 = math.atan((1 - FLATTENING) * math.tan(math.radians(lat1)))
    u2 = math.atan((1 - FLATTENING) * math.tan(math.radians(lat2)))
    angle = reach
    for _ in range(100):
        east = math.cos(u2) * math.sin(angle)
        north = math.cos(u1) * math.sin(u2) - math.sin(u1) * math.cos(u2) * math.cos(angle)
        sine = math.hypot(east, north)
        if sine == 0:
            return 0.0
        cosine = math.sin(u1) * math.sin(u2) + math.cos(u1) * math.cos(u2) * math.cos(angle)
        sigma = math.atan2(sine, cosine)
        azimuth = math.cos(u1) * math.cos(u2) * math.sin(angle) / sine
        square = 1 - azimuth * azimuth
        middle = cosine - 2 * math.sin(u1) * math.sin(u2) / square if square > 1e-15 else 0.0
        c = FLATTENING / 16 * square * (4 + FLATTENING * (4 - 3 * square))
        before = angle
        angle = reach + (1 - c) * FLATTENING * azimuth * (
            sigma + c * sine * (middle + c * cosine * (2 * middle * middle - 1)))
        if abs(angle - before) < 1e-13:
            break
    squared = square * (SEMI_MAJOR ** 2 / SEMI_MINOR ** 2 - 1)
    a = 1 + squared / 16384 * (4096 + squared * (-768 + squared * (320 - 175 * squared)))
    b = squared / 1024 * (256 + squared * (-128 + squared * (74 - 47 * squared)))
    correction = b * sine * (middle + b / 4 * (cosine * (2 * middle * middle - 1) - b / 6 * middle * (
        4 * sine * sine - 3) * (4 * middle * middle - 3)))
    return SEMI_MINOR * a * (sigma - correction)


def tolerance(radius):
    """Meters by which a circle's answer may differ: what the documentation promises."""
    return 0.001 if radius <= 20000 else 0.01


class Judge:
    """Zones of zones_data, and what they answer: True, False, or None where either answer is within tolerance."""

    def __init__(self, zones):
        self.circles = {zone.zone_id: zone.circle for zone in zones if zone.circle}
        self.polygons = {zone.zone_id: Polygon(zone.rings) for zone in zones if zone.rings}

    def covers(self, zone_id, lat, lng):
        if zone_id in self.polygons:
            return self.polygons[zone_id].covers(lat, lng)
        centre_lat, centre_lng, radius = self.circles[zone_id]
        # A degree of latitude is at least 110,574 m long.
        if abs(lat - centre_lat) * 110000 > radius + 1:
            return False
        meters = distance(centre_lat, centre_lng, lat, lng)
        return None if abs(meters - radius) <= tolerance(radius) else meters < radius

    def zone_ids(self):
        return list(self.polygons) + list(self.circles)
