#!/bin/sh
# test/bench/bench_zone_index.sh [ROUNDS]: builds bench_zone_index with the
# peers that are installed (libgeos++-dev, libs2-dev) and runs it on the data
# of zones_data.py.
cd "$(dirname "$0")/../.." || exit 1
out=test/build/bench
mkdir -p "$out" || exit 1
rounds=${1:-7} flags= libraries=
has()
{
	echo "#include <$1>" | g++ -std=c++17 -fsyntax-only -w -x c++ - 2>/dev/null
}
has geos/algorithm/locate/IndexedPointInAreaLocator.h && flags="$flags -DHAVE_GEOS" libraries="$libraries -lgeos"
has s2/s2contains_point_query.h &&
	flags="$flags -DHAVE_S2" libraries="$libraries -ls2 -labsl_base -labsl_strings -labsl_hash -labsl_raw_hash_set"
for file in src/geo/*.c; do
	gcc -O2 -std=gnu11 -ffp-contract=off -Isrc -c "$file" -o "$out/$(basename "$file" .c).o" || exit 1
done
# shellcheck disable=SC2086 # lists of words
g++ -O2 -w -std=c++17 $flags -Isrc test/bench/bench_zone_index.cpp "$out"/*.o -o test/build/bench_zone_index $libraries || exit 1
for case in "counties uniform" "counties clustered" "delivery uniform" "delivery clustered" "provinces uniform"; do
	set -- $case "$rounds"
	test/bench/zones_data.py "$1" > "$out/zones.tsv" 2> "$out/zones.seed" &&
		test/bench/zones_data.py points --set "$2" --of "$1" --count 200000 > "$out/points.tsv" 2> "$out/points.seed" || exit 1
	echo "$1, $2 points:"
	test/build/bench_zone_index "$out/zones.tsv" "$out/points.tsv" "$3" || exit 1
done
