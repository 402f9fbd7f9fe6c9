/*-------------------------------------------------------------------------
 *
 * compile.c
 *	  The trigger that checks a zone's rules and stores their compiled form.
 *
 * A trigger, not a part of upsert_zone, so that a plain INSERT into the table,
 * a restore and a change of the compiled format's version go the same way.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "compat.h"
#include "json/json.h"
#include "settings.h"
#include "zone/facts.h"
#include "zone/zone.h"

GL_FUNCTION(gl_zone_compile_row);

static void
append_padding(StringInfo image)
{
	static const char zeros[8] = {0};

	appendBinaryStringInfo(image, zeros, (8 - image->len % 8) % 8);
}

void
gl_zone_append_rule(StringInfo image, GlRuleKind kind, uint32 conditions, const void *payload,
					size_t size)
{
	GlRuleHeader header;

	header.kind = kind;
	header.condition_count = conditions;
	header.size = sizeof(header) + TYPEALIGN(8, size);
	/* A varlena ends at 1 GB; enlargeStringInfo raises there. */
	appendBinaryStringInfo(image, (const char *) &header, sizeof(header));
	appendBinaryStringInfo(image, payload, (int) size);
	append_padding(image);
}

static void
append_text(StringInfo image, const char *text, int length)
{
	uint32 stored = (uint32) length;

	appendBinaryStringInfo(image, (const char *) &stored, sizeof(stored));
	appendBinaryStringInfo(image, text, length);
}

/* {"IN": [...]} or {"NIN": [...]}, or both, which are ANDed. */
static uint32
append_condition(StringInfo conditions, const char *field, JsonbContainer *condition,
				 const char *path)
{
	static const char *const operators[] = {"IN", "NIN", NULL};
	uint32 appended = 0;

	gl_json_only_keys(condition, path, operators);
	for (int op = 0; operators[op] != NULL; op++)
	{
		char *list_path = gl_json_path_key(path, operators[op]);
		GlConditionHeader header = {0};
		int start = conditions->len;
		JsonbValue value;
		JsonbContainer *list;

		if (!gl_json_find(condition, operators[op], &value))
			continue;
		list = gl_json_array(&value, list_path);
		header.negated = op == 1;
		header.value_count = JsonContainerSize(list);
		if (header.value_count == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s is empty", list_path),
					 errhint("Name a value, or leave the condition out.")));
		appendBinaryStringInfo(conditions, (const char *) &header, sizeof(header));
		append_text(conditions, field, strlen(field));
		for (uint32 i = 0; i < header.value_count; i++)
		{
			JsonbValue *element = getIthJsonbValueFromContainer(list, i);
			int length;
			char *folded;

			if (element->type != jbvString)
				gl_json_raise_kind(element, gl_json_path_index(list_path, (int) i), "a text");
			folded = gl_zone_fold(element->val.string.val, element->val.string.len, &length);
			append_text(conditions, folded, length);
		}
		append_padding(conditions);
		((GlConditionHeader *) (conditions->data + start))->size = conditions->len - start;
		appended++;
	}
	if (appended == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must have IN or NIN", path),
				 errhint("Write {\"IN\": [\"...\"]} or {\"NIN\": [\"...\"]}.")));
	return appended;
}

void
gl_zone_compile_address(StringInfo image, JsonbContainer *address, const char *path)
{
	JsonbIterator *iterator = JsonbIteratorInit(address);
	JsonbIteratorToken token;
	JsonbValue value;
	StringInfoData conditions;
	uint32 count = 0;

	initStringInfo(&conditions);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		char *field;
		char *field_path;

		if (token != WJB_KEY)
			continue;
		field = pnstrdup(value.val.string.val, value.val.string.len);
		field_path = gl_json_path_key(path, field);
		(void) JsonbIteratorNext(&iterator, &value, true);
		count +=
			append_condition(&conditions, field, gl_json_object(&value, field_path), field_path);
	}
	if (count == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s names no field", path),
						errhint("For example {\"city\": {\"IN\": [\"Bursa\"]}}.")));
	gl_zone_append_rule(image, GL_RULE_ADDRESS, count, conditions.data, conditions.len);
}

static void
compile_rule(StringInfo image, const JsonbValue *rule, const char *path, const char *zone_id)
{
	static const char *const keys[] = {"addr", "loc", NULL};
	JsonbContainer *object = gl_json_object(rule, path);
	JsonbValue address;
	JsonbValue location;
	bool has_address;
	bool has_location;

	gl_json_only_keys(object, path, keys);
	has_address = gl_json_find(object, "addr", &address);
	has_location = gl_json_find(object, "loc", &location);
	if (has_address == has_location)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must have one of addr and loc", path),
						errhint("Write two rules, and \"all\": true where both must hold.")));
	if (has_address)
		gl_zone_compile_address(image, gl_json_object(&address, gl_json_path_key(path, "addr")),
								gl_json_path_key(path, "addr"));
	else
		gl_zone_compile_location(image, gl_json_object(&location, gl_json_path_key(path, "loc")),
								 gl_json_path_key(path, "loc"), zone_id);
}

/* Rules as given, compiled, as a bytea. */
static Datum
compile_rules(Jsonb *rules, bool match_all, const char *zone_id)
{
	StringInfoData buffer;
	GlZoneImage header = {GL_ZONE_MAGIC, GL_ZONE_VERSION, 0, 0, match_all ? 1 : 0};
	JsonbContainer *list = &rules->root;
	bytea *compiled;

	if (!JsonContainerIsArray(list) || JsonContainerIsScalar(list))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("rules must be a list"),
						errhint("Of {\"addr\": ...} and {\"loc\": ...}.")));
	header.rule_count = JsonContainerSize(list);
	initStringInfo(&buffer);
	appendBinaryStringInfo(&buffer, (const char *) &header, sizeof(header));
	for (uint32 i = 0; i < header.rule_count; i++)
		compile_rule(&buffer, getIthJsonbValueFromContainer(list, i),
					 gl_json_path_index("rules", (int) i), zone_id);
	((GlZoneImage *) buffer.data)->size = buffer.len;
	compiled = palloc_extended(VARHDRSZ + buffer.len, MCXT_ALLOC_HUGE);
	SET_VARSIZE(compiled, VARHDRSZ + buffer.len);
	memcpy(VARDATA(compiled), buffer.data, buffer.len);
	return PointerGetDatum(compiled);
}

/* The facts of compiled rules, as a bytea. */
static Datum
facts_of(Datum compiled)
{
	bytea *image = DatumGetByteaPP(compiled);
	/* Aligned to 8, as the image was when it was made. */
	GlZoneImage *aligned = palloc_extended(VARSIZE_ANY_EXHDR(image), MCXT_ALLOC_HUGE);
	size_t size;
	void *written;
	bytea *facts;

	memcpy(aligned, VARDATA_ANY(image), VARSIZE_ANY_EXHDR(image));
	size = gl_zone_facts_size(aligned);
	written = palloc(size);
	gl_zone_facts_write(aligned, written);
	facts = palloc(VARHDRSZ + size);
	SET_VARSIZE(facts, VARHDRSZ + size);
	memcpy(VARDATA(facts), written, size);
	pfree(aligned);
	return PointerGetDatum(facts);
}

/*
 * Is it the name of an IANA zone?  pg_tzset takes POSIX strings as well, and
 * so would take Europe/Istambul3 for a zone of its own: those it gives back in
 * upper case, and they have digits, while names with digits are Etc/GMT+3.
 */
static bool
is_zone_name(const char *timezone)
{
	pg_tz *zone = pg_tzset(timezone);
	bool has_lower = false;
	bool has_digit = false;

	if (zone == NULL || !pg_tz_acceptable(zone))
		return false;
	for (const char *c = pg_get_timezone_name(zone); *c != '\0'; c++)
	{
		has_lower = has_lower || (*c >= 'a' && *c <= 'z');
		has_digit = has_digit || (*c >= '0' && *c <= '9');
	}
	return has_lower || !has_digit;
}

/* Hours ahead of UTC within what zones of the world use, or an IANA name. */
static void
check_timezone(const char *timezone)
{
	char *end;
	double hours = strtod(timezone, &end);
	bool is_number =
		end != timezone && *end == '\0' && strspn(timezone, "+-.0123456789") == strlen(timezone);

	if (is_number ? hours >= -16 && hours <= 16 : is_zone_name(timezone))
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		 errmsg("timezone \"%s\" is not recognized", timezone),
		 errhint("Give hours ahead of UTC, such as 3 or 3.5, or a name such as Europe/Istanbul.")));
}

/* By the size that a stored value says it has: it is not even decompressed. */
static void
check_size(Datum rules)
{
	Size size = toast_raw_datum_size(rules);

	if (size > (Size) gl_setting_zone_max_bytes)
		ereport(
			ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("rules has %zu bytes, more than ganje_logistics.zone_max_bytes allows", size),
			 errhint("Simplify the zone, or raise the setting.")));
}

/* BEFORE INSERT OR UPDATE, for each row of ganje.zone. */
Datum
gl_zone_compile_row(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	TupleDesc descriptor;
	HeapTuple row;
	bool isnull;
	int columns[2];
	bool nulls[2] = {false, false};
	Datum rules;
	Datum made[2];
	bool match_all;
	Datum timezone;
	Datum zone_id;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("zone_compile_row() is a trigger function")));
	row = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : trigger->tg_trigtuple;
	descriptor = trigger->tg_relation->rd_att;
	rules = SPI_getbinval(row, descriptor, SPI_fnumber(descriptor, "rules"), &isnull);
	if (isnull)
		ereport(ERROR, (errcode(ERRCODE_NOT_NULL_VIOLATION), errmsg("rules must not be null")));
	check_size(rules);
	match_all = DatumGetBool(SPI_getbinval(row, descriptor, SPI_fnumber(descriptor, "match_all"),
										   &isnull)) &&
				!isnull;
	timezone = SPI_getbinval(row, descriptor, SPI_fnumber(descriptor, "timezone"), &isnull);
	if (!isnull)
		check_timezone(TextDatumGetCString(timezone));
	zone_id = SPI_getbinval(row, descriptor, SPI_fnumber(descriptor, "zone_id"), &isnull);
	made[0] =
		compile_rules(DatumGetJsonbP(rules), match_all, isnull ? "" : TextDatumGetCString(zone_id));
	made[1] = facts_of(made[0]);
	columns[0] = SPI_fnumber(descriptor, "compiled");
	columns[1] = SPI_fnumber(descriptor, "facts");
	return PointerGetDatum(heap_modify_tuple_by_cols(row, descriptor, 2, columns, made, nulls));
}
