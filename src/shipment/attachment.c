/*-------------------------------------------------------------------------
 *
 * attachment.c
 *	  Compiles the mapping of an attached table once per backend.
 *
 * By the trigger's OID, because a table may have several and each partition
 * has its own.  Whatever changes the table (its columns, their types, its
 * triggers) invalidates its relcache entry, and with that what was compiled
 * for it.  A compilation that is in use when that happens goes with its last
 * user.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "json/json.h"
#include "shipment/attachment.h"

typedef struct Compiled
{
	MemoryContext context; /* holds this, too */
	GlMapping *mapping;
	int users;
	bool is_dropped;
} Compiled;

typedef struct Attachment
{
	Oid trigger; /* key */
	Oid table;
	Compiled *compiled; /* NULL: to be compiled */
} Attachment;

/* The names that a mapping gives to columns, and the columns' numbers now. */
typedef struct Places
{
	JsonbContainer *names;
	const Trigger *trigger;
	const char *table;
} Places;

static HTAB *attachments;

static void
drop(Compiled *compiled)
{
	compiled->is_dropped = true;
	if (compiled->users == 0)
		MemoryContextDelete(compiled->context);
}

/* May run anywhere: what is compiled is only let go. */
static void
on_relcache_change(Datum argument pg_attribute_unused(), Oid table)
{
	HASH_SEQ_STATUS place;
	Attachment *attachment;

	hash_seq_init(&place, attachments);
	while ((attachment = hash_seq_search(&place)) != NULL)
	{
		if (OidIsValid(table) && attachment->table != table)
			continue;
		if (attachment->compiled != NULL)
			drop(attachment->compiled);
		attachment->compiled = NULL;
		(void) hash_search(attachments, &attachment->trigger, HASH_REMOVE, NULL);
	}
}

static void
prepare(void)
{
	HASHCTL control = {
		.keysize = sizeof(Oid), .entrysize = sizeof(Attachment), .hcxt = CacheMemoryContext};

	if (attachments != NULL)
		return;
	attachments = hash_create("ganje_logistics attachments", 16, &control,
							  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	CacheRegisterRelcacheCallback(on_relcache_change, (Datum) 0);
}

/* A name of the mapping is a place in the trigger's list of columns. */
static int
find_place(void *state, const char *name, const char *path)
{
	Places *places = state;
	int count = (int) JsonContainerSize(places->names);

	for (int i = 0; i < count && i < places->trigger->tgnattr; i++)
	{
		JsonbValue *known = getIthJsonbValueFromContainer(places->names, i);

		if (known->val.string.len == (int) strlen(name) &&
			memcmp(known->val.string.val, name, known->val.string.len) == 0)
			return places->trigger->tgattr[i];
	}
	ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
					errmsg("%s: the trigger of table \"%s\" does not know column \"%s\"", path,
						   places->table, name),
					errhint("Attach the table again with ganje.attach_orders.")));
	return 0;
}

static Jsonb *
argument_as_jsonb(const Trigger *trigger, int number)
{
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(trigger->tgargs[number])));
}

/* An error on the way leaves nothing: the context is the caller's until all is done. */
static Compiled *
compile(TriggerData *trigger)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context =
		AllocSetContextCreate(caller, "ganje_logistics mapping", ALLOCSET_SMALL_SIZES);
	Compiled *compiled;
	Places places = {.trigger = trigger->tg_trigger,
					 .table = RelationGetRelationName(trigger->tg_relation)};

	MemoryContextSwitchTo(context);
	compiled = palloc0(sizeof(Compiled));
	compiled->context = context;
	places.names = &argument_as_jsonb(trigger->tg_trigger, 1)->root;
	compiled->mapping =
		gl_mapping_compile(&argument_as_jsonb(trigger->tg_trigger, 0)->root,
						   RelationGetDescr(trigger->tg_relation), find_place, &places);
	MemoryContextSwitchTo(caller);
	MemoryContextSetParent(context, CacheMemoryContext);
	return compiled;
}

static void
let_go(void *argument)
{
	Compiled *compiled = argument;

	compiled->users--;
	if (compiled->is_dropped && compiled->users == 0)
		MemoryContextDelete(compiled->context);
}

/* Until CurrentMemoryContext is reset, also by an error. */
static void
hold_on(Compiled *compiled)
{
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));

	callback->func = let_go;
	callback->arg = compiled;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	compiled->users++;
}

const GlMapping *
gl_attachment_mapping(TriggerData *trigger)
{
	Attachment *attachment;
	Compiled *compiled;
	bool found;

	prepare();
	attachment = hash_search(attachments, &trigger->tg_trigger->tgoid, HASH_FIND, NULL);
	compiled = attachment == NULL ? NULL : attachment->compiled;
	if (compiled == NULL)
	{
		compiled = compile(trigger);
		attachment = hash_search(attachments, &trigger->tg_trigger->tgoid, HASH_ENTER, &found);
		attachment->table = RelationGetRelid(trigger->tg_relation);
		attachment->compiled = compiled;
	}
	hold_on(compiled);
	return compiled->mapping;
}
