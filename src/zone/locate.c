/*-------------------------------------------------------------------------
 *
 * locate.c
 *	  locate_zone and its kin: which zones match a point, an address, or both.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "compat.h"
#include "json/json.h"
#include "zone/cache.h"

GL_FUNCTION(gl_locate_zone_json);
GL_FUNCTION(gl_locate_zone_point);
GL_FUNCTION(gl_locate_zone_address);
GL_FUNCTION(gl_locate_zone_ids);
GL_FUNCTION(gl_locate_zones);

#define ADDRESS_FIELDS_MAX 1000
#define REQUEST_HINT                                                                               \
	"Give {\"address\": {\"city\": \"...\"}}, {\"location\": {\"lat\": ..., \"lng\": ...}}, or "   \
	"both."

static inline bool
is_place(double lat, double lng)
{
	return lat >= -90 && lat <= 90 && lng >= -180 && lng <= 180;
}

static void
raise_no_place(double lat, const char *path)
{
	bool latitude = !(lat >= -90 && lat <= 90);

	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("%s must be between %d and %d",
						   gl_json_path_key(path, latitude ? "lat" : "lng"), latitude ? -90 : -180,
						   latitude ? 90 : 180),
					errhint("Points are given as latitude, longitude, in degrees.")));
}

void
gl_zone_ask_point(GlZoneQuestion *question, double lat, double lng, const char *path)
{
	if (!is_place(lat, lng))
		raise_no_place(lat, path);
	question->has_point = true;
	question->point.lat = lat;
	question->point.lng = lng;
}

void
gl_zone_ask_address(GlZoneQuestion *question, JsonbContainer *address)
{
	JsonbIterator *iterator = JsonbIteratorInit(address);
	JsonbIteratorToken token;
	JsonbValue value;
	GlAddressField *fields;

	if (JsonContainerSize(address) > ADDRESS_FIELDS_MAX)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("address has more than %d fields", ADDRESS_FIELDS_MAX),
						errhint("Give only those that zones ask for.")));
	fields = palloc(Max(JsonContainerSize(address), 1) * sizeof(GlAddressField));
	question->field_count = 0;
	question->fields = fields;
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		GlAddressField *field = &fields[question->field_count];
		int length;

		if (token != WJB_KEY)
			continue;
		field->name = value.val.string.val;
		field->name_length = value.val.string.len;
		(void) JsonbIteratorNext(&iterator, &value, true);
		if (value.type != jbvString)
			continue;
		field->value = gl_zone_fold(value.val.string.val, value.val.string.len, &length);
		field->value_length = length;
		question->field_count++;
	}
}

/* An address that is an argument of its own. */
static void
ask_root(GlZoneQuestion *question, Jsonb *address)
{
	if (!JB_ROOT_IS_OBJECT(address))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("address must be an object"),
				 errhint("Such as {\"city\": \"...\"}.")));
	gl_zone_ask_address(question, &address->root);
}

static Datum
zone_id_of(const GlZoneEntry *entry)
{
	text *copy = palloc(VARSIZE(entry->zone_id));

	memcpy(copy, entry->zone_id, VARSIZE(entry->zone_id));
	return PointerGetDatum(copy);
}

static void
ask_location(GlZoneQuestion *question, const JsonbValue *location)
{
	static const char *const keys[] = {"lat", "lng", NULL};
	JsonbContainer *object = gl_json_object(location, "location");
	JsonbValue lat;
	JsonbValue lng;

	gl_json_only_keys(object, "location", keys);
	if (!gl_json_find(object, "lat", &lat))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("location.lat is missing"),
						errhint("A location is {\"lat\": ..., \"lng\": ...}.")));
	if (!gl_json_find(object, "lng", &lng))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("location.lng is missing"),
						errhint("A location is {\"lat\": ..., \"lng\": ...}.")));
	gl_zone_ask_point(question, gl_json_double(&lat, "location.lat"),
					  gl_json_double(&lng, "location.lng"), "location");
}

/* LOCATE_ZONE {address, location} → {"zoneId"} or {} */
Datum
gl_locate_zone_json(PG_FUNCTION_ARGS)
{
	static const char *const keys[] = {"address", "location", NULL};
	Jsonb *request = PG_GETARG_JSONB_P(0);
	GlZoneQuestion question = {0};
	JsonbValue value;
	const GlZoneEntry *zone;
	JsonbParseState *state = NULL;
	bool asked = false;

	if (!JB_ROOT_IS_OBJECT(request))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the request must be an object"), errhint(REQUEST_HINT)));
	gl_json_only_keys(&request->root, "", keys);
	if (gl_json_find(&request->root, "location", &value))
	{
		ask_location(&question, &value);
		asked = true;
	}
	if (gl_json_find(&request->root, "address", &value))
	{
		gl_zone_ask_address(&question, gl_json_object(&value, "address"));
		asked = true;
	}
	if (!asked)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("address or location is missing"), errhint(REQUEST_HINT)));
	zone = gl_zone_first(&question);
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	if (zone != NULL)
	{
		JsonbValue key = {.type = jbvString};

		key.val.string.val = "zoneId";
		key.val.string.len = strlen("zoneId");
		pushJsonbValue(&state, WJB_KEY, &key);
		key.val.string.val = VARDATA(zone->zone_id);
		key.val.string.len = VARSIZE(zone->zone_id) - VARHDRSZ;
		pushJsonbValue(&state, WJB_VALUE, &key);
	}
	PG_RETURN_JSONB_P(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL)));
}

/* locate_zone(lat, lng) → zone_id or NULL */
Datum
gl_locate_zone_point(PG_FUNCTION_ARGS)
{
	double lat = PG_GETARG_FLOAT8(0);
	double lng = PG_GETARG_FLOAT8(1);
	const GlZoneEntry *zone;

	if (!is_place(lat, lng))
		raise_no_place(lat, "");
	zone = gl_zone_first_at(lat, lng);
	if (zone == NULL)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(zone_id_of(zone));
}

/* locate_zone_by_address(address) → zone_id or NULL */
Datum
gl_locate_zone_address(PG_FUNCTION_ARGS)
{
	Jsonb *address = PG_GETARG_JSONB_P(0);
	GlZoneQuestion question = {0};
	const GlZoneEntry *zone;

	ask_root(&question, address);
	zone = gl_zone_first(&question);
	if (zone == NULL)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(zone_id_of(zone));
}

/* locate_zone_ids(lat, lng) → text[] */
Datum
gl_locate_zone_ids(PG_FUNCTION_ARGS)
{
	GlZoneQuestion question = {0};
	const GlZoneEntry **entries;
	uint32 count;
	Datum *ids;
	ArrayType *answer;

	gl_zone_ask_point(&question, PG_GETARG_FLOAT8(0), PG_GETARG_FLOAT8(1), "");
	count = gl_zone_all(gl_zone_list(), &question, &entries);
	ids = palloc_extended(Max(count, 1) * sizeof(Datum), MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < count; i++)
		ids[i] = PointerGetDatum(entries[i]->zone_id);
	answer = construct_array(ids, (int) count, TEXTOID, -1, false, TYPALIGN_INT);
	pfree(ids);
	pfree(entries);
	PG_RETURN_ARRAYTYPE_P(answer);
}

/* locate_zones(lat, lng, address) → zone_id, name, fee, min_cart_total, priority */
Datum
gl_locate_zones(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	GlZoneQuestion question = {0};
	GlZoneCache *cache;
	const GlZoneEntry **entries;
	uint32 count;

	if (PG_ARGISNULL(0) != PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("lat and lng must be given together"),
						errhint("Leave both out to ask by address alone.")));
	if (PG_ARGISNULL(0) && PG_ARGISNULL(2))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a point or an address is missing"),
						errhint("Give lat and lng, or address => '{\"city\": \"...\"}'.")));
	if (!PG_ARGISNULL(0))
		gl_zone_ask_point(&question, PG_GETARG_FLOAT8(0), PG_GETARG_FLOAT8(1), "");
	if (!PG_ARGISNULL(2))
	{
		ask_root(&question, PG_GETARG_JSONB_P(2));
	}
	InitMaterializedSRF(fcinfo, 0);
	cache = gl_zone_list_held();
	count = gl_zone_all(cache, &question, &entries);
	for (uint32 i = 0; i < count; i++)
	{
		const GlZone *zone = gl_zone_read(cache, entries[i]);
		Datum values[5];
		bool nulls[5] = {false};

		CHECK_FOR_INTERRUPTS();
		values[0] = PointerGetDatum(entries[i]->zone_id);
		values[1] = CStringGetTextDatum(zone->name);
		values[2] = zone->fee;
		nulls[2] = zone->fee_is_null;
		values[3] = zone->min_cart_total;
		values[4] = Int32GetDatum(zone->priority);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
