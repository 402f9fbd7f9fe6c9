/*-------------------------------------------------------------------------
 *
 * mapping_check.c
 *	  Checks a mapping against the catalog when a table is attached, and tells
 *	  which columns it names.
 *
 * Those columns become the column list of the table's trigger: the catalog
 * keeps such a list by number, writes it by name into a dump, maps it for
 * partitions, renames it with its columns and does not let one of them be
 * dropped unnoticed.  The mapping's own names are places in that list.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "compat.h"
#include "json/json.h"
#include "shipment/mapping.h"

GL_FUNCTION(gl_mapping_columns);
GL_FUNCTION(gl_mapping_arguments);

/* What has been named so far, each column once. */
typedef struct Named
{
	Relation relation;
	Datum *names;
	int count;
	bool *is_named; /* by attribute number */
} Named;

static void
raise_no_column(const Named *named, const char *name, const char *path)
{
	StringInfoData columns;
	TupleDesc descriptor = RelationGetDescr(named->relation);

	initStringInfo(&columns);
	for (int i = 0; i < descriptor->natts; i++)
		if (!TupleDescAttr(descriptor, i)->attisdropped)
			appendStringInfo(&columns, "%s%s", columns.len > 0 ? ", " : "",
							 quote_identifier(NameStr(TupleDescAttr(descriptor, i)->attname)));
	ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
					errmsg("%s: table %s has no column %s", path,
						   quote_qualified_identifier(
							   get_namespace_name(RelationGetNamespace(named->relation)),
							   RelationGetRelationName(named->relation)),
						   quote_identifier(name)),
					errhint("Its columns are: %s.", columns.data)));
}

static int
find_column(void *state, const char *name, const char *path)
{
	Named *named = state;
	TupleDesc descriptor = RelationGetDescr(named->relation);

	for (int i = 0; i < descriptor->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(descriptor, i);

		if (attribute->attisdropped || strcmp(NameStr(attribute->attname), name) != 0)
			continue;
		if (!named->is_named[i])
			named->names[named->count++] = CStringGetTextDatum(name);
		named->is_named[i] = true;
		return i + 1;
	}
	raise_no_column(named, name, path);
	return 0;
}

/* ganje.mapping_columns(relation, mapping): the columns named; raises where the mapping does not fit. */
Datum
gl_mapping_columns(PG_FUNCTION_ARGS)
{
	Jsonb *mapping = PG_GETARG_JSONB_P(1);
	Named named = {.relation = relation_open(PG_GETARG_OID(0), AccessShareLock)};
	TupleDesc descriptor = RelationGetDescr(named.relation);
	ArrayType *names;

	named.names = palloc(Max(descriptor->natts, 1) * sizeof(Datum));
	named.is_named = palloc0(Max(descriptor->natts, 1) * sizeof(bool));
	(void) gl_mapping_compile(&mapping->root, descriptor, find_column, &named);
	names = construct_array(named.names, named.count, TEXTOID, -1, false, TYPALIGN_INT);
	relation_close(named.relation, NoLock);
	PG_RETURN_ARRAYTYPE_P(names);
}

/* ganje.trigger_arguments(tgargs): texts that end with a zero byte each. */
Datum
gl_mapping_arguments(PG_FUNCTION_ARGS)
{
	bytea *arguments = PG_GETARG_BYTEA_PP(0);
	const char *place = VARDATA_ANY(arguments);
	const char *end = place + VARSIZE_ANY_EXHDR(arguments);
	ArrayBuildState *texts = initArrayResult(TEXTOID, CurrentMemoryContext, false);

	while (place < end)
	{
		size_t length = strnlen(place, end - place);

		texts =
			accumArrayResult(texts, PointerGetDatum(cstring_to_text_with_len(place, (int) length)),
							 false, TEXTOID, CurrentMemoryContext);
		place += length + 1;
	}
	PG_RETURN_DATUM(makeArrayResult(texts, CurrentMemoryContext));
}
