/*-------------------------------------------------------------------------
 *
 * settings.c
 *	  Defines the settings ganje_logistics.*.
 *
 * None is PGC_POSTMASTER, so that the library can be loaded late.  What opens
 * a way out of the server (networks, certificates) and what turns the clock
 * is for superusers.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "settings.h"

char *gl_setting_now;
int gl_setting_hold_ttl;
int gl_setting_max_vertices;
int gl_setting_max_matches;
int gl_setting_import_max_bytes;
int gl_setting_zone_max_bytes;
int gl_setting_zone_cache_size;
int gl_setting_json_max_depth;
int gl_setting_webhook_max_bytes;
int gl_setting_pool_budget;
bool gl_setting_dump_credentials;
char *gl_setting_databases;
char *gl_setting_allowed_networks;
char *gl_setting_ca_file;
int gl_setting_poll_interval;
int gl_setting_batch_size;
int gl_setting_workers;
int gl_setting_max_connections;
int gl_setting_lease_margin;
int gl_setting_log_days;
int gl_setting_inbox_days;
int gl_setting_track_tries;

typedef struct IntegerSetting
{
	const char *name;
	const char *description;
	int *value;
	int initial;
	int lowest;
	int highest;
	GucContext context;
	int flags;
} IntegerSetting;

static const IntegerSetting integer_settings[] = {
	{"ganje_logistics.hold_ttl", "How long hold_slot keeps a slot for a checkout.",
	 &gl_setting_hold_ttl, 300, 1, 86400, PGC_USERSET, GUC_UNIT_S},
	{"ganje_logistics.max_vertices", "Largest number of vertices of a zone.",
	 &gl_setting_max_vertices, 100000, 3, 10000000, PGC_SUSET, 0},
	{"ganje_logistics.max_matches", "Largest number of zones that one answer lists.",
	 &gl_setting_max_matches, 1000, 1, 1000000, PGC_USERSET, 0},
	{"ganje_logistics.import_max_bytes", "Largest GeoJSON that import_zones reads.",
	 &gl_setting_import_max_bytes, 64 * 1024 * 1024, 1024, 1024 * 1024 * 1024 - 1, PGC_SUSET,
	 GUC_UNIT_BYTE},
	{"ganje_logistics.zone_max_bytes", "Largest list of rules of a zone.",
	 &gl_setting_zone_max_bytes, 32 * 1024 * 1024, 1024, 512 * 1024 * 1024, PGC_SUSET,
	 GUC_UNIT_BYTE},
	{"ganje_logistics.zone_cache_size",
	 "Memory of a backend for the index of zones and their geometry.", &gl_setting_zone_cache_size,
	 16 * 1024, 256, MAX_KILOBYTES, PGC_USERSET, GUC_UNIT_KB},
	{"ganje_logistics.json_max_depth", "Deepest nesting of a payload that is read.",
	 &gl_setting_json_max_depth, 64, 4, 1000, PGC_SUSET, 0},
	{"ganje_logistics.webhook_max_bytes",
	 "Largest webhook payload that is read; a larger one is quarantined.",
	 &gl_setting_webhook_max_bytes, 1024 * 1024, 1024, 64 * 1024 * 1024, PGC_SUSET, GUC_UNIT_BYTE},
	{"ganje_logistics.pool_budget",
	 "Search steps after which get_pools answers the best pools found so far.",
	 &gl_setting_pool_budget, 2000000, 1000, INT_MAX, PGC_USERSET, 0},
	{"ganje_logistics.poll_interval", "Longest time between two looks of the worker at the outbox.",
	 &gl_setting_poll_interval, 1000, 10, 600000, PGC_SIGHUP, GUC_UNIT_MS},
	{"ganje_logistics.batch_size", "Requests that the worker leases at a time.",
	 &gl_setting_batch_size, 500, 1, 10000, PGC_SIGHUP, 0},
	{"ganje_logistics.workers", "Workers of each database, among which its accounts are divided.",
	 &gl_setting_workers, 1, 1, 32, PGC_SIGHUP, 0},
	{"ganje_logistics.max_connections", "Connections of one worker, all accounts together.",
	 &gl_setting_max_connections, 200, 1, 10000, PGC_SIGHUP, 0},
	{"ganje_logistics.lease_margin", "How long a lease outlasts the timeout of its request.",
	 &gl_setting_lease_margin, 10000, 100, 600000, PGC_SIGHUP, GUC_UNIT_MS},
	{"ganje_logistics.log_days", "Days that finished requests are kept in the log.",
	 &gl_setting_log_days, 14, 1, 31, PGC_SIGHUP, 0},
	{"ganje_logistics.inbox_days",
	 "Days that webhook payloads are kept once they are applied; quarantined ones stay.",
	 &gl_setting_inbox_days, 30, 1, 36500, PGC_SIGHUP, 0},
	{"ganje_logistics.track_tries",
	 "Wrong phone numbers per order and hour after which tracking answers nothing.",
	 &gl_setting_track_tries, 10, 1, 1000, PGC_SUSET, 0},
};

typedef struct TextSetting
{
	const char *name;
	const char *description;
	char **value;
	GucContext context;
	GucStringCheckHook check;
} TextSetting;

static bool check_now(char **newval, void **extra, GucSource source);

static const TextSetting text_settings[] = {
	{"ganje_logistics.now",
	 "Time that rules are read against instead of the transaction's, for tests and replays.",
	 &gl_setting_now, PGC_SUSET, check_now},
	{"ganje_logistics.databases",
	 "Databases that get a worker, separated by commas; empty: all that have the extension.",
	 &gl_setting_databases, PGC_SIGHUP, NULL},
	{"ganje_logistics.allowed_networks",
	 "Private networks that carriers may be in, such as 10.1.0.0/16, separated by commas.",
	 &gl_setting_allowed_networks, PGC_SIGHUP, NULL},
	{"ganje_logistics.ca_file", "File of certificates to trust instead of the system's.",
	 &gl_setting_ca_file, PGC_SIGHUP, NULL},
};

/* A wrong time is refused when it is set, not when a rule is read. */
static bool
check_now(char **newval, void **extra pg_attribute_unused(), GucSource source)
{
	/* At server start there is no catalog to read a time zone name with: gl_clock reads it then. */
	if (**newval == '\0' || source < PGC_S_DATABASE)
		return true;
	(void) DirectFunctionCall3(timestamptz_in, CStringGetDatum(*newval),
							   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	return true;
}

/* Defines every setting; called once, when the library is loaded. */
void
gl_settings_define(void)
{
	for (int i = 0; i < (int) lengthof(integer_settings); i++)
	{
		const IntegerSetting *s = &integer_settings[i];

		DefineCustomIntVariable(s->name, s->description, NULL, s->value, s->initial, s->lowest,
								s->highest, s->context, s->flags, NULL, NULL, NULL);
	}
	for (int i = 0; i < (int) lengthof(text_settings); i++)
	{
		const TextSetting *s = &text_settings[i];

		DefineCustomStringVariable(s->name, s->description, NULL, s->value, "", s->context, 0,
								   s->check, NULL, NULL);
	}
	DefineCustomBoolVariable("ganje_logistics.dump_credentials",
							 "Whether pg_dump takes carriers' secrets along.", NULL,
							 &gl_setting_dump_credentials, false, PGC_USERSET, 0, NULL, NULL, NULL);
	MarkGUCPrefixReserved("ganje_logistics");
}
