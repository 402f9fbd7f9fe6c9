# ganje_logistics: a PostgreSQL extension, built with PGXS.
#
#   make demo           what it does, end to end, in a private PostgreSQL
#   make test           every suite; installs what is missing
#   make, make install, make installcheck   as for any extension
#
# PG_CONFIG chooses the server.

EXTENSION = ganje_logistics
EXTVERSION = 0.1.0
MODULE_big = $(EXTENSION)

SOURCES = $(sort $(wildcard src/*.c src/*/*.c))
OBJS = $(SOURCES:.c=.o)

# The install script is its topics in load order.
TOPICS = $(sort $(wildcard sql/[0-9][0-9]_*.sql))
SCRIPT = sql/$(EXTENSION)--$(EXTVERSION).sql
DATA_built = $(SCRIPT)
DATA = $(wildcard sql/$(EXTENSION)--*--*.sql)
EXTRA_CLEAN = $(SCRIPT) test/build output_iso results regression.diffs regression.out tmp_check tmp_check_iso log

REGRESS = $(sort $(patsubst test/sql/%.sql,%,$(wildcard test/sql/*.sql)))
REGRESS_OPTS = --inputdir=test
ISOLATION = $(sort $(patsubst test/specs/%.spec,%,$(wildcard test/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test --outputdir=.
PROVE_TESTS = $(sort $(wildcard test/t/*.pl))
TAP_TESTS = $(if $(PROVE_TESTS),1)

PG_CONFIG ?= pg_config
PG_CPPFLAGS = -Isrc $(shell curl-config --cflags 2>/dev/null)
# Exactness in src/geo rests on every double operation being rounded by itself.
PG_CFLAGS = -Wall -Wextra -Wshadow -Wpointer-arith \
	-fvisibility=hidden -ffp-contract=off $(WERROR)
# PostgreSQL 15 leaves PGDLLEXPORT empty, later ones define it as this.
PG_CPPFLAGS += -D'PGDLLEXPORT=__attribute__((visibility("default")))'
SHLIB_LINK = -lcurl -lpthread -lm

# A function in C gains nothing from being inlined into a JIT-compiled query,
# and there its doubles might be contracted: no bitcode.
override with_llvm := no

# These install what is missing, so they begin without it.
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
ifneq ($(PGXS),)
include $(PGXS)
else ifneq ($(filter-out demo test test-versions test-asserting,$(or $(MAKECMDGOALS),all)),)
$(error $(PG_CONFIG) is not there: install the server's headers (Debian: postgresql-server-dev-15 or -17) or set PG_CONFIG)
endif

# PostgreSQL's own headers warn: taken as system headers they do not.
override CPPFLAGS := $(patsubst -I$(includedir_server),-isystem $(includedir_server),$(CPPFLAGS))

HEADERS_ALL = $(wildcard src/*.h src/*/*.h)
$(OBJS): $(HEADERS_ALL) Makefile

$(SCRIPT): $(TOPICS)
	@echo "building $@"
	@{ printf '%s\n' '\echo Use "CREATE EXTENSION $(EXTENSION)" to load this file. \quit'; cat $(TOPICS); } > $@

# PROVE_TESTS run with what "make installcheck" of PGXS gives them, and find
# the shared modules of the tests.
export PERL5LIB := $(CURDIR)/test/perl:$(PERL5LIB)

include test/tests.mk
include test/bench/bench.mk
