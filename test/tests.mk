# The suites. test/run_tests calls these targets and counts.

UNIT_TESTS = $(sort $(patsubst test/unit/%.c,%,$(wildcard test/unit/test_*.c)))
FUZZERS = $(sort $(patsubst test/fuzz/%.c,%,$(wildcard test/fuzz/fuzz_*.c)))
PURE_SOURCES = $(sort $(wildcard src/geo/*.c src/text/*.c src/pool/*.c src/http/*.c src/zone/geojson_scan.c \
	src/outbox/breaker.c src/outbox/rate.c src/outbox/traffic.c))
UNIT_HELPERS = $(sort $(filter-out $(wildcard test/unit/test_*.c),$(wildcard test/unit/*.c)))
UNIT_HEADERS = $(HEADERS_ALL) $(wildcard test/unit/*.h)

# C11 for max_align_t; the library itself is C99.
SANITIZED = -std=gnu11 -g -O1 -fno-omit-frame-pointer -fno-sanitize-recover=all -ffp-contract=off -Isrc
UNIT_FLAGS = $(SANITIZED) -fsanitize=address,undefined -Wall -Wextra -Wshadow -Wpointer-arith -Werror -Itest/unit
FUZZ_FLAGS = $(SANITIZED) -fsanitize=address,undefined

.PHONY: demo test test-versions test-asserting unit fuzz format check-format check-symbols check-size check-sources

demo:
	@test/demo/run

test:
	@test/run_tests

# Long: every suite on PostgreSQL 15, 17 and 18, and pg_upgrade.
test-versions:
	@test/versions/run

# Long: the suites that need a server, on one built with assertions and sanitizers.
test-asserting:
	@test/versions/asserting

# The pure files once for all unit tests, and once, by clang, for all fuzzers.
UNIT_OBJECTS = $(patsubst %.c,test/build/unit/%.o,$(PURE_SOURCES) $(UNIT_HELPERS))
FUZZ_OBJECTS = $(patsubst %.c,test/build/fuzz/%.o,$(PURE_SOURCES))

unit: $(UNIT_TESTS:%=test/build/%)

test/build/unit/%.o: %.c $(UNIT_HEADERS)
	@mkdir -p $(@D)
	gcc $(UNIT_FLAGS) -c $< -o $@

test/build/test_%: test/unit/test_%.c $(UNIT_OBJECTS)
	gcc $(UNIT_FLAGS) $< $(UNIT_OBJECTS) -o $@ -lcurl -lpthread -lm

# The same tests without sanitizers, under valgrind: it sees what is read
# before it is written, which they do not.  VALGRIND_TESTS="test_geo_polygon …"
VALGRIND_TESTS ?= $(UNIT_TESTS)
VALGRIND_OBJECTS = $(patsubst %.c,test/build/valgrind/%.o,$(PURE_SOURCES) $(UNIT_HELPERS))
VALGRIND_FLAGS = -std=gnu11 -g -O1 -ffp-contract=off -Isrc -Itest/unit

.PHONY: valgrind
valgrind: $(VALGRIND_TESTS:%=valgrind-%)

valgrind-%: test/build/valgrind/%
	valgrind -q --error-exitcode=1 --leak-check=full --suppressions=test/unit/valgrind.supp $<

test/build/valgrind/%.o: %.c $(UNIT_HEADERS)
	@mkdir -p $(@D)
	gcc $(VALGRIND_FLAGS) -c $< -o $@

test/build/valgrind/test_%: test/unit/test_%.c $(VALGRIND_OBJECTS)
	gcc $(VALGRIND_FLAGS) $< $(VALGRIND_OBJECTS) -o $@ -lcurl -lpthread -lm

fuzz: $(FUZZERS:%=test/build/%)

test/build/fuzz/%.o: %.c $(HEADERS_ALL)
	@mkdir -p $(@D)
	clang $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link -c $< -o $@

test/build/fuzz_%: test/fuzz/fuzz_%.c $(FUZZ_OBJECTS)
	clang $(FUZZ_FLAGS) -fsanitize=fuzzer $< $(FUZZ_OBJECTS) -o $@ -lcurl -lpthread -lm

# 200 kills while 20,000 requests are sent; SEED= repeats what a run says.
.PHONY: soak-kills
soak-kills:
	@KILLS=$${KILLS:-200} REQUESTS=$${REQUESTS:-20000} TAP_SECONDS=7200 TAP_NOTES=yes TESTS=150_kill_storm test/run_tests tap

FORMATTED = $(filter-out src/text/fold_table.h,$(wildcard src/*.[ch] src/*/*.[ch] test/unit/*.[ch] test/fuzz/*.c))

format:
	clang-format-14 -i $(FORMATTED)

check-format:
	@test/check/format $(FORMATTED)

check-symbols: $(shlib) $(SCRIPT)
	@test/check/symbols $(shlib) $(SCRIPT)

check-size:
	@test/check/size

check-sources:
	@test/check/sources
include test/oracle/oracle.mk
