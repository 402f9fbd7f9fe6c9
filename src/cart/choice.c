/*-------------------------------------------------------------------------
 *
 * choice.c
 *	  Reads the pool that a customer has chosen.
 *
 * Whether it can be had is not decided here: what the request says wrongly is
 * the caller's mistake, what cannot be had is an answer.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/jsonb.h"

#include "cart/choice.h"
#include "json/json.h"

static int
item_index(const GlCart *cart, const char *item_id, const char *path)
{
	for (int i = 0; i < cart->item_count; i++)
		if (strcmp(cart->items[i].item_id, item_id) == 0)
			return i;
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("%s: the cart has no item \"%s\"", path, item_id)));
}

/* The chosen items; taken says which are in a group already. */
static void
read_items(GlChoice *choice, const GlCart *cart, JsonbContainer *object, uint64 *taken)
{
	char *path = gl_json_path_key(choice->path, "items");
	JsonbValue value;
	JsonbContainer *list;

	choice->items = palloc0(GL_POOL_WORDS(cart->item_count) * sizeof(uint64));
	if (!gl_json_find(object, "items", &value))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s is missing", path)));
	list = gl_json_array(&value, path);
	if (JsonContainerSize(list) == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s is empty", path)));
	for (int i = 0; i < (int) JsonContainerSize(list); i++)
	{
		char *element_path = gl_json_path_index(path, i);
		char *item_id = gl_json_string(getIthJsonbValueFromContainer(list, i), element_path);
		int item = item_index(cart, item_id, element_path);
		uint64 bit = UINT64CONST(1) << (item % 64);

		if (taken[item / 64] & bit)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("%s: item \"%s\" is in the pool twice", element_path, item_id)));
		taken[item / 64] |= bit;
		choice->items[item / 64] |= bit;
	}
}

/* A date of the calendar as get_pools writes it, "YYYY-MM-DD", and no other spelling. */
static void
read_day(GlChoice *choice, const JsonbValue *value, const char *path)
{
	char *text = gl_json_string(value, path);
	bool is_date =
		strlen(text) == 10 && strspn(text, "0123456789-") == 10 && text[4] == '-' && text[7] == '-';
	int year = 0;
	int month = 0;
	int day = 0;
	int julian_year;
	int julian_month;
	int julian_day;

	is_date = is_date && sscanf(text, "%4d-%2d-%2d", &year, &month, &day) == 3 && year >= 1970;
	if (is_date)
	{
		j2date(date2j(year, month, day), &julian_year, &julian_month, &julian_day);
		is_date = julian_year == year && julian_month == month && julian_day == day;
	}
	if (!is_date)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be a date such as \"2026-03-01\"", path)));
	choice->has_day = true;
	choice->day = date2j(year, month, day) - UNIX_EPOCH_JDATE;
}

static void
read_slot(GlChoice *choice, const JsonbValue *value, const char *path)
{
	JsonbContainer *pair = gl_json_array(value, path);
	GlError error = {-1, ""};
	char *from;
	char *to;

	if (JsonContainerSize(pair) != 2)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be a pair of times of day", path)));
	from = gl_json_string(getIthJsonbValueFromContainer(pair, 0), gl_json_path_index(path, 0));
	to = gl_json_string(getIthJsonbValueFromContainer(pair, 1), gl_json_path_index(path, 1));
	if (gl_slot_parse(from, strlen(from), to, strlen(to), &choice->slot, &error) != GL_OK)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s: %s", error.where >= 0 ? gl_json_path_index(path, (int) error.where) : path,
					error.message)));
	choice->has_slot = true;
}

/* What is chosen: everything but for which items. */
static void
read_option(GlChoice *choice, JsonbContainer *object)
{
	JsonbValue value;

	if (!gl_json_find(object, "type", &value))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s is missing", gl_json_path_key(choice->path, "type"))));
	choice->type = gl_json_string(&value, gl_json_path_key(choice->path, "type"));
	if (gl_json_find(object, "provider", &value))
		choice->provider = gl_json_string(&value, gl_json_path_key(choice->path, "provider"));
	if (gl_json_find(object, "day", &value))
		read_day(choice, &value, gl_json_path_key(choice->path, "day"));
	if (gl_json_find(object, "slot", &value))
		read_slot(choice, &value, gl_json_path_key(choice->path, "slot"));
	if (choice->has_slot && !choice->has_day && strcmp(choice->type, "ON_DEMAND") != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s is missing", gl_json_path_key(choice->path, "day")),
						errhint("A slot is chosen for a day.")));
}

static void
read_choice(GlChoice *choice, const GlCart *cart, const JsonbValue *element, uint64 *taken)
{
	static const char *const keys[] = {"items", "type", "provider", "day", "slot", NULL};
	JsonbContainer *object = gl_json_object(element, choice->path);

	gl_json_only_keys(object, choice->path, keys);
	if (taken != NULL)
		read_items(choice, cart, object, taken);
	read_option(choice, object);
}

/* Every item of the cart must be in a group. */
static void
check_complete(const GlCart *cart, const uint64 *taken)
{
	for (int i = 0; i < cart->item_count; i++)
		if ((taken[i / 64] >> (i % 64) & 1) == 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("pool does not deliver item \"%s\" of the cart",
								   cart->items[i].item_id)));
}

/* The choices of a list, with their items or without. */
static GlChoiceList
read_list(const GlCart *cart, const JsonbValue *value, bool with_items)
{
	uint64 *taken = palloc0(GL_POOL_WORDS(cart->item_count) * sizeof(uint64));
	GlChoiceList list = {.names_items = with_items};
	JsonbContainer *groups = gl_json_array(value, "pool");

	list.count = JsonContainerSize(groups);
	if (list.count > cart->item_count)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("pool has more groups than the cart has items")));
	list.choices = palloc0(Max(list.count, 1) * sizeof(GlChoice));
	for (int i = 0; i < list.count; i++)
	{
		list.choices[i].path = gl_json_path_index("pool", i);
		read_choice(&list.choices[i], cart, getIthJsonbValueFromContainer(groups, i),
					with_items ? taken : NULL);
	}
	if (with_items)
		check_complete(cart, taken);
	return list;
}

GlChoiceList
gl_choices_read(const GlCart *cart, JsonbContainer *request)
{
	JsonbValue value;

	if (!gl_json_find(request, "pool", &value))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("pool is missing"),
						errhint("For example \"pool\": [{\"items\": [\"p1\"], \"type\": \"CARGO\", "
								"\"provider\": \"ARAS_KARGO\"}].")));
	return read_list(cart, &value, true);
}

/* Does any element of a list name its items? Then all must. */
static bool
any_names_items(JsonbContainer *list)
{
	for (int i = 0; i < (int) JsonContainerSize(list); i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(list, i);
		JsonbValue items;

		if (gl_json_find(gl_json_object(element, gl_json_path_index("pool", i)), "items", &items))
			return true;
	}
	return false;
}

GlChoiceList
gl_selection_read(const GlCart *cart, JsonbContainer *request)
{
	static const char *const keys[] = {"type", "provider", "day", "slot", NULL};
	GlChoiceList list = {.whole = true, .count = 1};
	JsonbValue value;

	if (!gl_json_find(request, "pool", &value))
		elog(ERROR, "the request has no pool");
	if (value.type == jbvBinary && JsonContainerIsArray(value.val.binary.data))
	{
		JsonbContainer *groups = gl_json_array(&value, "pool");

		if (JsonContainerSize(groups) == 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("pool is empty")));
		return read_list(cart, &value, any_names_items(groups));
	}
	list.choices = palloc0(sizeof(GlChoice));
	list.choices[0].path = pstrdup("pool");
	gl_json_only_keys(gl_json_object(&value, "pool"), "pool", keys);
	read_option(&list.choices[0], gl_json_object(&value, "pool"));
	return list;
}
