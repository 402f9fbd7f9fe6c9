/*
 * bench_zone_index.cpp
 *	  The cell tree in process, beside GEOS (STRtree and
 *	  IndexedPointInAreaLocator) and S2 (MutableS2ShapeIndex and
 *	  S2ContainsPointQuery), all matches of each point:
 *	  bench_zone_index ZONES.tsv POINTS.tsv [ROUNDS], as zones_data.py writes
 *	  them.
 *
 * Circles are exact in the tree.  In GEOS and S2, which have none of WGS 84,
 * they are regular polygons of 64 corners: their answers are not compared,
 * their counts are printed.  A round asks every point once of each in turn;
 * what is printed is the median of the rounds.  A tree is cold once: its
 * first round is printed by itself.  Times are the processor's, of which other
 * programs take less than of the clock's.
 */
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

extern "C"
{
#include "geo/cell_tree.h"
}

#ifdef HAVE_GEOS
#include <geos/algorithm/locate/IndexedPointInAreaLocator.h>
#include <geos/geom/Coordinate.h>
#include <geos/geom/CoordinateArraySequence.h>
#include <geos/geom/GeometryFactory.h>
#include <geos/geom/Geometry.h>
#include <geos/geom/LinearRing.h>
#include <geos/geom/MultiPolygon.h>
#include <geos/geom/Polygon.h>
#include <geos/index/strtree/TemplateSTRtree.h>
#include <geos/io/WKTReader.h>
#endif
#ifdef HAVE_S2
#include <s2/mutable_s2shape_index.h>
#include <s2/s2contains_point_query.h>
#include <s2/s2latlng.h>
#include <s2/s2lax_polygon_shape.h>
#include <s2/s2loop.h>
#include <s2/s2polygon.h>
#include <s2/s2shapeutil_contains_brute_force.h>
#endif

using Rings = std::vector<std::vector<GlPoint>>;

struct Zone
{
	Rings rings;
	bool circle = false;
	double lat = 0, lng = 0, radius = 0;
};

static double
now()
{
	timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

/* POLYGON or MULTIPOLYGON: every innermost pair of parentheses is a ring. */
static Rings
read_wkt(const std::string &wkt)
{
	Rings rings;
	const char *at = wkt.c_str();

	while (*at != '\0')
	{
		if (*at++ != '(' || *at == '(')
			continue;
		std::vector<GlPoint> ring;
		while (*at != ')')
		{
			char *end;
			GlPoint point;
			point.lng = strtod(at, &end);
			point.lat = strtod(end, &end);
			ring.push_back(point);
			at = end + strspn(end, ", ");
		}
		rings.push_back(ring);
	}
	return rings;
}

static std::vector<Zone>
read_zones(const char *path)
{
	std::vector<Zone> zones;
	std::ifstream file(path);
	std::string line;

	while (std::getline(file, line))
	{
		std::vector<std::string> fields;
		std::stringstream stream(line);
		std::string field;
		Zone zone;
		while (std::getline(stream, field, '\t'))
			fields.push_back(field);
		zone.circle = fields[3] == "circle";
		if (zone.circle)
		{
			zone.lat = atof(fields[5].c_str());
			zone.lng = atof(fields[6].c_str());
			zone.radius = atof(fields[7].c_str());
			std::vector<GlPoint> ring;
			for (int i = 0; i <= 64; i++)
			{
				double angle = 2 * M_PI * (i % 64) / 64;
				ring.push_back({zone.lat + zone.radius * sin(angle) / 111200,
								zone.lng + zone.radius * cos(angle) / 111200 / cos(zone.lat * M_PI / 180)});
			}
			zone.rings.push_back(ring);
		}
		else
			zone.rings = read_wkt(fields[4]);
		zones.push_back(zone);
	}
	return zones;
}

static size_t arena_bytes;

static void *
arena_alloc(void *, size_t size)
{
	arena_bytes += size;
	return malloc(size);
}

/* ---- the cell tree ---- */
static std::vector<const void *> geometries;
static size_t kept_bytes;
static double argc_limit;

static GlStatus
load(void *, uint32_t shape, const void **geometry)
{
	const GlPolygon *polygon = (const GlPolygon *) geometries[shape];
	size_t size = gl_cell_packed_size(polygon);

	*geometry = polygon;
	kept_bytes += polygon->size;
	if (size > 0)
	{
		void *packed = malloc(size);
		gl_cell_pack(polygon, (GlCellPacked *) packed);
		*geometry = packed;
		kept_bytes += size - polygon->size;
	}
	return GL_OK;
}

struct Cells
{
	GlCellTree tree = {};
	long limits = 0;
	std::vector<GlCellShape> shapes;
	std::vector<uint32_t> ranks, found;

	explicit Cells(const std::vector<Zone> &zones)
	{
		GlCellBounds all = {1000, -1000, 1000, -1000};
		std::vector<uint32_t> numbers;

		for (const Zone &zone : zones)
		{
			GlArena arena = {arena_alloc, nullptr};
			GlError error;
			GlCellShape shape = {};
			const void *geometry;

			shape.kind = zone.circle ? GL_CELL_CIRCLE : GL_CELL_POLYGON;
			if (zone.circle)
			{
				GlCircle *circle = (GlCircle *) malloc(sizeof(GlCircle));
				gl_circle_build(zone.lat, zone.lng, zone.radius, circle, &error);
				geometry = circle;
				shape.bytes = sizeof(GlCircle);
			}
			else
			{
				std::vector<GlPoint> points;
				std::vector<uint32_t> sizes;
				GlPolygon *polygon;
				for (const auto &ring : zone.rings)
				{
					points.insert(points.end(), ring.begin(), ring.end());
					sizes.push_back(ring.size());
				}
				if (gl_polygon_build(points.data(), sizes.data(), sizes.size(), 10000000, &arena, nullptr,
									 &polygon, &error) != GL_OK)
				{
					fprintf(stderr, "zone %zu: %s\n", shapes.size(), error.message);
					exit(1);
				}
				geometry = polygon;
				shape.bytes = polygon->size;
			}
			shape.owner = shapes.size();
			shape.bounds = gl_cell_bounds((GlCellKind) shape.kind, geometry);
			all.min_lat = std::min(all.min_lat, shape.bounds.min_lat);
			all.max_lat = std::max(all.max_lat, shape.bounds.max_lat);
			all.min_lng = std::min(all.min_lng, shape.bounds.min_lng);
			all.max_lng = std::max(all.max_lng, shape.bounds.max_lng);
			numbers.push_back(shapes.size());
			ranks.push_back(shapes.size());
			shapes.push_back(shape);
			/* Circles are there from the beginning. */
			if (zone.circle)
			{
				shapes.back().geometry = geometry;
				shapes.back().resident = 1;
			}
			geometries.push_back(geometry);
		}
		found.resize(shapes.size());
		tree.arena = {arena_alloc, nullptr};
		tree.source.load = load;
		tree.shapes = shapes.data();
		tree.ranks = ranks.data();
		tree.found = found.data();
		tree.limit = (argc_limit > 0 ? argc_limit : 16.0) * 1048576;
		gl_cell_tree_reset(&tree, &all, shapes.size());
		gl_cell_tree_add(&tree, numbers.data(), numbers.size());
	}
	uint32_t ask(const GlPoint &point)
	{
		uint32_t count = 0;
		if (gl_cell_tree_all(&tree, point.lat, point.lng, &count) != GL_OK)
			limits++;
		return count;
	}
	uint32_t ask_first(const GlPoint &point)
	{
		uint32_t owner;
		gl_cell_tree_first(&tree, point.lat, point.lng, &owner);
		return owner != GL_CELL_NOBODY;
	}
};

#ifdef HAVE_GEOS
struct Geos
{
	using Locator = geos::algorithm::locate::IndexedPointInAreaLocator;
	geos::geom::GeometryFactory::Ptr factory = geos::geom::GeometryFactory::create();
	std::vector<std::unique_ptr<geos::geom::Geometry>> areas;
	std::vector<std::unique_ptr<Locator>> locators;
	geos::index::strtree::TemplateSTRtree<Locator *> tree;

	explicit Geos(const std::vector<Zone> &zones)
	{
		for (const Zone &zone : zones)
		{
			/* All rings as one area of their own: even-odd, as IndexedPointInAreaLocator counts. */
			std::vector<std::unique_ptr<geos::geom::Polygon>> parts;
			for (const auto &ring : zone.rings)
			{
				auto sequence = std::make_unique<geos::geom::CoordinateArraySequence>();
				for (const GlPoint &point : ring)
					sequence->add(geos::geom::Coordinate(point.lng, point.lat), true);
				if (ring.front().lat != ring.back().lat || ring.front().lng != ring.back().lng)
					sequence->add(geos::geom::Coordinate(ring[0].lng, ring[0].lat), true);
				parts.push_back(factory->createPolygon(factory->createLinearRing(std::move(sequence))));
			}
			areas.push_back(factory->createMultiPolygon(std::move(parts)));
			locators.push_back(std::make_unique<Locator>(*areas.back()));
			tree.insert(areas.back()->getEnvelopeInternal(), locators.back().get());
		}
	}
	uint32_t ask(const GlPoint &point)
	{
		geos::geom::Coordinate coordinate(point.lng, point.lat);
		geos::geom::Envelope envelope(coordinate);
		uint32_t count = 0;
		tree.query(envelope, [&](Locator *locator) {
			count += locator->locate(&coordinate) != geos::geom::Location::EXTERIOR;
		});
		return count;
	}
};
#endif

#ifdef HAVE_S2
struct S2Index
{
	MutableS2ShapeIndex index;
	std::vector<S2Point> points;
	std::unique_ptr<S2ContainsPointQuery<MutableS2ShapeIndex>> query;

	S2Index(const std::vector<Zone> &zones, const std::vector<GlPoint> &asked)
	{
		for (const Zone &zone : zones)
		{
			std::vector<std::vector<S2Point>> loops;
			for (const auto &ring : zone.rings)
			{
				std::vector<S2Point> loop;
				for (const GlPoint &point : ring)
				{
					S2Point vertex = S2LatLng::FromDegrees(point.lat, point.lng).ToPoint();
					if (loop.empty() || (loop.back() != vertex && loop.front() != vertex))
						loop.push_back(vertex);
				}
				/* The interior is on the left. */
				double area = 0;
				for (size_t i = 0; i + 1 < ring.size(); i++)
					area += ring[i].lng * ring[i + 1].lat - ring[i + 1].lng * ring[i].lat;
				if (area < 0)
					std::reverse(loop.begin(), loop.end());
				loops.push_back(loop);
			}
			auto shape = std::make_unique<S2LaxPolygonShape>(loops);
			/* A ring that crosses itself may come out as all the earth but itself. */
			if (s2shapeutil::ContainsBruteForce(*shape, S2LatLng::FromDegrees(-60, 170).ToPoint()))
			{
				for (auto &loop : loops)
					std::reverse(loop.begin(), loop.end());
				shape = std::make_unique<S2LaxPolygonShape>(loops);
			}
			index.Add(std::move(shape));
		}
		index.ForceBuild();
		for (const GlPoint &point : asked)
			points.push_back(S2LatLng::FromDegrees(point.lat, point.lng).ToPoint());
		query = std::make_unique<S2ContainsPointQuery<MutableS2ShapeIndex>>(&index);
	}
	uint32_t ask(const GlPoint &point)
	{
		uint32_t count = 0;
		S2Point p = S2LatLng::FromDegrees(point.lat, point.lng).ToPoint();
		query->VisitContainingShapes(p, [&](S2Shape *) {
			count++;
			return true;
		});
		return count;
	}
};
#endif

/* Nanoseconds per point, and the sum of the answers. */
template <class Ask>
static double
timed(const std::vector<GlPoint> &points, uint64_t *sum, Ask ask)
{
	double start = now();
	*sum = 0;
	for (const GlPoint &point : points)
		*sum += ask(point);
	return (now() - start) * 1e9 / points.size();
}

static double
median(std::vector<double> values)
{
	std::sort(values.begin(), values.end());
	return values[values.size() / 2];
}

int
main(int argc, char **argv)
{
	if (argc < 3)
	{
		fprintf(stderr, "usage: bench_zone_index ZONES.tsv POINTS.tsv [ROUNDS]\n");
		return 2;
	}
	std::vector<Zone> zones = read_zones(argv[1]);
	std::vector<GlPoint> points;
	std::ifstream file(argv[2]);
	std::string line;
	while (std::getline(file, line))
	{
		GlPoint point;
		char *end;
		point.lat = strtod(line.c_str(), &end);
		point.lng = strtod(end, &end);
		points.push_back(point);
	}
	int rounds = argc > 3 ? atoi(argv[3]) : 7;
	uint64_t sum;
	argc_limit = argc > 4 ? atof(argv[4]) : 0;
	Cells cells(zones);
	double cold = timed(points, &sum, [&](const GlPoint &p) { return cells.ask(p); });
	std::vector<double> ours, first, geos_times, s2_times;
	uint64_t geos_sum = 0, s2_sum = 0, first_sum;
#ifdef HAVE_GEOS
	Geos geos(zones);
#else
	printf("GEOS is not there (libgeos++-dev, libgeos-dev): left out\n");
#endif
#ifdef HAVE_S2
	S2Index s2(zones, points);
#else
	printf("S2 is not there (libs2-dev): left out\n");
#endif
	for (int round = 0; round < rounds; round++)
	{
		ours.push_back(timed(points, &sum, [&](const GlPoint &p) { return cells.ask(p); }));
		first.push_back(timed(points, &first_sum, [&](const GlPoint &p) { return cells.ask_first(p); }));
#ifdef HAVE_GEOS
		geos_times.push_back(timed(points, &geos_sum, [&](const GlPoint &p) { return geos.ask(p); }));
#endif
#ifdef HAVE_S2
		s2_times.push_back(timed(points, &s2_sum, [&](const GlPoint &p) { return s2.ask(p); }));
#endif
	}
	printf("%zu zones, %zu points\n", zones.size(), points.size());
	printf("cell tree: all %.0f ns, first %.0f ns, first round %.0f ns; %llu matches; nodes %.1f MB, geometry %.1f MB\n",
		   median(ours), median(first), cold, (unsigned long long) sum, cells.tree.node_bytes / 1e6,
		   kept_bytes / 1e6);
	double best = 0;
	if (!geos_times.empty())
	{
		best = median(geos_times);
		printf("GEOS: %.0f ns; %llu matches\n", best, (unsigned long long) geos_sum);
	}
	if (!s2_times.empty())
	{
		double time = median(s2_times);
		printf("S2: %.0f ns; %llu matches\n", time, (unsigned long long) s2_sum);
		best = best == 0 ? time : std::min(best, time);
	}
	if (best > 0)
		printf("ratio to the faster: %.3f\n", median(ours) / best);
	return 0;
}
