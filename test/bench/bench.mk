# Benchmarks: each in a private PostgreSQL, each with what it is measured against in the same run.

.PHONY: bench-pools bench-holds bench-orders bench-zones

bench-pools:
	@test/bench/bench_pools
	@test/bench/bench_holds

bench-holds:
	@test/bench/bench_holds

bench-orders:
	@test/bench/bench_orders

bench-zones:
	@test/bench/bench_zones

# An oracle at length: WEBHOOKS=100000 SEED=7
.PHONY: oracle-inbox

oracle-inbox:
	@INBOX_WEBHOOKS=$(or $(WEBHOOKS),100000) INBOX_SEED=$(SEED) TAP_SECONDS=$(or $(TAP_SECONDS),7200) TAP_NOTES=yes TESTS=031_inbox test/run_tests tap

# The outbox beside a plain libcurl program; and at length (REQUESTS=1000000): do memory and tables stay as they are?
.PHONY: bench-outbox soak-outbox

bench-outbox:
	@test/bench/bench_outbox

soak-outbox:
	@test/bench/soak_outbox
