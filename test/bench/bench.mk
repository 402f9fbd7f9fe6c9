# Benchmarks: each in a private PostgreSQL, each with what it is measured against in the same run.

.PHONY: bench-pools bench-holds bench-zones

bench-pools:
	@test/bench/bench_pools
	@test/bench/bench_holds

bench-holds:
	@test/bench/bench_holds

bench-zones:
	@test/bench/bench_zones
