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

.PHONY: demo test unit fuzz format check-format check-symbols check-size check-sources

demo:
	@test/demo/run

test:
	@test/run_tests

# The pure files once for all unit tests, and once, by clang, for all fuzzers.
UNIT_OBJECTS = $(patsubst %.c,test/build/unit/%.o,$(PURE_SOURCES) $(UNIT_HELPERS))
FUZZ_OBJECTS = $(patsubst %.c,test/build/fuzz/%.o,$(PURE_SOURCES))

unit: $(UNIT_TESTS:%=test/build/%)

test/build/unit/%.o: %.c $(UNIT_HEADERS)
	@mkdir -p $(@D)
	gcc $(UNIT_FLAGS) -c $< -o $@

test/build/test_%: test/unit/test_%.c $(UNIT_OBJECTS)
	gcc $(UNIT_FLAGS) $< $(UNIT_OBJECTS) -o $@ -lcurl -lpthread -lm

fuzz: $(FUZZERS:%=test/build/%)

test/build/fuzz/%.o: %.c $(HEADERS_ALL)
	@mkdir -p $(@D)
	clang $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link -c $< -o $@

test/build/fuzz_%: test/fuzz/fuzz_%.c $(FUZZ_OBJECTS)
	clang $(FUZZ_FLAGS) -fsanitize=fuzzer $< $(FUZZ_OBJECTS) -o $@ -lcurl -lpthread -lm

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
