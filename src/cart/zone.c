/*-------------------------------------------------------------------------
 *
 * zone.c
 *	  The zone that a request's cart is delivered in: its fee, its minimum and
 *	  its clock; and the options that pools follow.
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

#define FIND_ZONE                                                                                  \
	"SELECT z.zone_id, z.fee, z.min_cart_total, z.timezone FROM ganje.find_zone($1) AS z"
#define LOCATE_ZONE "SELECT ganje.locate_zone($1) ->> 'zoneId'"
#define FIND_OPTIONS                                                                               \
	"SELECT (o.shipment ->> 'days')::integer, (o.shipment ->> 'maxPools')::integer, "              \
	"ganje.option_data('SHIPMENT_TYPES') "                                                         \
	"FROM (SELECT ganje.option_data('SHIPMENT') AS shipment) AS o"

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

GlCartZone *
gl_cart_zone_read(JsonbContainer *request)
{
	GlCartZone *zone = palloc0(sizeof(GlCartZone));
	JsonbValue value;
	Oid type = TEXTOID;
	Datum argument;
	HeapTuple row;
	TupleDesc descriptor;
	bool isnull;

	zone->zone_id = gl_json_find(request, "zoneId", &value) ? gl_json_string(&value, "zoneId")
															: locate(request);
	if (zone->zone_id == NULL)
		return NULL;
	argument = CStringGetTextDatum(zone->zone_id);
	if (SPI_execute_with_args(FIND_ZONE, 1, &type, &argument, NULL, true, 1) != SPI_OK_SELECT ||
		SPI_processed != 1)
		elog(ERROR, "could not read the zone");
	row = SPI_tuptable->vals[0];
	descriptor = SPI_tuptable->tupdesc;
	zone->fee = SPI_getbinval(row, descriptor, 2, &zone->fee_is_null);
	if (!zone->fee_is_null)
		zone->fee = datumCopy(zone->fee, false, -1);
	zone->min_cart_total = datumCopy(SPI_getbinval(row, descriptor, 3, &isnull), false, -1);
	zone->clock = clock_of(SPI_getvalue(row, descriptor, 4));
	return zone;
}

GlPoolOptions *
gl_pool_options_read(void)
{
	GlPoolOptions *options = palloc0(sizeof(GlPoolOptions));
	JsonbContainer *types;
	bool isnull;

	if (SPI_execute(FIND_OPTIONS, true, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not read the options");
	options->days =
		DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	options->max_pools =
		DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull));
	types = &DatumGetJsonbP(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 3, &isnull))
				 ->root;
	options->types.texts = palloc(Max(JsonContainerSize(types), 1) * sizeof(char *));
	for (int i = 0; i < (int) JsonContainerSize(types); i++)
		options->types.texts[options->types.count++] =
			gl_json_string(getIthJsonbValueFromContainer(types, i), "SHIPMENT_TYPES");
	return options;
}
