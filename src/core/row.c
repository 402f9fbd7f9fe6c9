/*-------------------------------------------------------------------------
 *
 * row.c
 *	  Rows of a table by a key of texts, without a plan.
 *
 * What is asked for every order: the executor takes several times as long to
 * start as the index takes to answer.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_collation.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "core/row.h"

/* Opens the index and begins to scan it. */
static SysScanDesc
begin_scan(Relation table, const char *index_name, const AttrNumber *columns, const Datum *key,
		   int count, Relation *index)
{
	Oid index_oid = get_relname_relid(index_name, RelationGetNamespace(table));
	ScanKeyData keys[GL_ROW_KEY];

	*index = index_open(index_oid, AccessShareLock);
	for (int i = 0; i < count; i++)
		ScanKeyEntryInitialize(&keys[i], 0, columns[i], BTEqualStrategyNumber, InvalidOid,
							   (*index)->rd_indcollation[i], F_TEXTEQ, key[i]);
	return systable_beginscan_ordered(table, *index, GetActiveSnapshot(), count, keys);
}

HeapTuple
gl_row_find(Relation table, const char *index_name, const AttrNumber *columns, const Datum *key,
			int count, int id_column, Datum but_for)
{
	Relation index;
	SysScanDesc scan = begin_scan(table, index_name, columns, key, count, &index);
	HeapTuple row;

	while ((row = systable_getnext_ordered(scan, ForwardScanDirection)) != NULL)
	{
		bool isnull;
		Datum id;

		CHECK_FOR_INTERRUPTS();
		if (id_column == 0)
			break;
		id = heap_getattr(row, id_column, RelationGetDescr(table), &isnull);
		if (!DatumGetBool(DirectFunctionCall2Coll(texteq, C_COLLATION_OID, id, but_for)))
			break;
	}
	if (row != NULL)
		row = heap_copytuple(row);
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	return row;
}

int
gl_row_count(Relation table, const char *index_name, const AttrNumber *columns, const Datum *key,
			 int count)
{
	Relation index;
	SysScanDesc scan = begin_scan(table, index_name, columns, key, count, &index);
	int found = 0;

	while (systable_getnext_ordered(scan, ForwardScanDirection) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		found++;
	}
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	return found;
}
