/*-------------------------------------------------------------------------
 *
 * zone.c
 *	  The zone that a request's cart is delivered in: its fee, its minimum and
 *	  its clock.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/datum.h"

#include "cart/cart.h"
#include "json/json.h"
#include "store/store.h"
#include "zone/zone.h"

#define FIND_ZONE "SELECT ganje.find_zone($1)"
#define LOCATE_ZONE "SELECT ganje.locate_zone($1) ->> 'zoneId'"

/* Seconds that a named zone is ahead of UTC at an instant. */
static int
named_offset(void *context, int64_t utc_seconds)
{
	pg_time_t when = (pg_time_t) utc_seconds;
	struct pg_tm *local = pg_localtime(&when, (pg_tz *) context);

	return local == NULL ? 0 : (int) local->tm_gmtoff;
}

static GlClock
clock_of(const char *timezone)
{
	GlClock clock = {NULL, NULL, 0};
	GlError error;
	char *end;
	double hours = strtod(timezone, &end);

	if (end != timezone && *end == '\0')
	{
		if (gl_clock_fixed(hours, &clock, &error) != GL_OK)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("timezone \"%s\": %s", timezone, error.message)));
		return clock;
	}
	clock.offset_at = named_offset;
	clock.context = pg_tzset(timezone);
	if (clock.context == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("timezone \"%s\" is not recognized", timezone)));
	return clock;
}

/* The part of a request that locates: {address, location}. */
static char *
locate(JsonbContainer *request)
{
	static const char *const keys[] = {"address", "location", NULL};
	JsonbParseState *state = NULL;
	JsonbValue value;
	Oid type = JSONBOID;
	Datum question;
	bool asked = false;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; keys[i] != NULL; i++)
	{
		JsonbValue key = {.type = jbvString};

		if (!gl_json_find(request, keys[i], &value))
			continue;
		key.val.string.val = unconstify(char *, keys[i]);
		key.val.string.len = strlen(keys[i]);
		pushJsonbValue(&state, WJB_KEY, &key);
		pushJsonbValue(&state, WJB_VALUE, &value);
		asked = true;
	}
	if (!asked)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("zoneId is missing"),
						errhint("Give a zoneId, or an address or location to find it by.")));
	question = JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL)));
	if (SPI_execute_with_args(LOCATE_ZONE, 1, &type, &question, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not locate the zone");
	return SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
}

/* Raises as whoever asks for a zone that is not there. */
static void
raise_missing(const char *zone_id)
{
	Oid type = TEXTOID;
	Datum argument = CStringGetTextDatum(zone_id);

	(void) SPI_execute_with_args(FIND_ZONE, 1, &type, &argument, NULL, true, 1);
	elog(ERROR, "could not read the zone");
}

GlCartZone *
gl_cart_zone_read(JsonbContainer *request)
{
	GlCartZone *zone = palloc0(sizeof(GlCartZone));
	const GlZone *cached;
	JsonbValue value;

	zone->zone_id = gl_json_find(request, "zoneId", &value) ? gl_json_string(&value, "zoneId")
															: locate(request);
	if (zone->zone_id == NULL)
		return NULL;
	cached = gl_zone_find(gl_zone_list_held(), zone->zone_id);
	if (cached == NULL)
		raise_missing(zone->zone_id);
	zone->fee_is_null = cached->fee_is_null;
	if (!zone->fee_is_null)
	{
		zone->fee = datumCopy(cached->fee, false, -1);
		zone->scaled_fee = gl_cart_scale(zone->fee, GL_FEE_SCALE, "a fee");
	}
	zone->min_cart_total = datumCopy(cached->min_cart_total, false, -1);
	zone->clock = clock_of(cached->timezone);
	return zone;
}
