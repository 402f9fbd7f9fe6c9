/*-------------------------------------------------------------------------
 *
 * begin.c
 *	  The trigger on ganje.shipment: the journey of a new shipment begins, and
 *	  its carrier is told.
 *
 * Carriers know our external id, not our shipment: shipments that share one
 * are one thing to the carrier, and it is told once.  Rows of one statement
 * are all there when the first of them fires this, so that of our own
 * transaction's only those count that are in the outbox.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "jit/jit.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "optimizer/cost.h"
#include "parser/parse_func.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "carrier/contract.h"
#include "compat.h"
#include "core/core.h"
#include "core/plan.h"
#include "core/role.h"
#include "core/row.h"
#include "shipment/new_rows.h"

GL_FUNCTION(gl_shipment_begin);
GL_FUNCTION(gl_shipment_stamp);

/* The columns of the new row that are read. */
typedef enum ShipmentColumn
{
	COLUMN_MERCHANT,
	COLUMN_SHIPMENT,
	COLUMN_STATUS,
	COLUMN_NORMALIZED,
	COLUMN_MADE_BY,
	COLUMN_CREATED,
	COLUMN_EXTERNAL,
	COLUMN_ACCOUNT,
	COLUMN_ENQUEUED,
	COLUMN_COUNT
} ShipmentColumn;

static const char *const column_names[COLUMN_COUNT] = {
	"merchant_id", "shipment_id", "status",     "normalized_status", "made_by",
	"created_at",  "external_id", "account_id", "enqueued_at",
};

/* The request that a carrier's build function answers, but for what is ours. */
typedef enum RequestColumn
{
	REQUEST_METHOD,
	REQUEST_PATH,
	REQUEST_HEADERS,
	REQUEST_BODY,
	REQUEST_COUNT
} RequestColumn;

static const char *const request_names[REQUEST_COUNT] = {"method", "path", "headers", "body"};

/*
 * A shipment that the carrier has been told of under the same external id,
 * and its link.  The lock lets the answer that is just being recorded come in
 * first.  merchant_id is compared in a way that no index serves: the plan
 * would be kept that goes by the primary key, in the order of shipment_id,
 * and reads a merchant's every shipment.
 */
static GlKeptPlan find_twin = {
	.sql = "SELECT s.order_link FROM ganje.shipment AS s"
		   " WHERE s.external_id = $3 AND s.account_id = $4"
		   "   AND s.merchant_id IS NOT DISTINCT FROM $1 AND s.shipment_id <> $2"
		   "   AND (s.enqueued_at IS DISTINCT FROM $5"
		   "        OR EXISTS (SELECT FROM ganje.outbox_delivery AS d"
		   "                    WHERE d.merchant_id = s.merchant_id"
		   "                      AND d.shipment_id = s.shipment_id"
		   "                      AND d.account_id = s.account_id))"
		   " ORDER BY s.shipment_id LIMIT 1 FOR UPDATE OF s",
	.count = 5,
	.types = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID}};

static GlKeptPlan take_link = {.sql = "UPDATE ganje.shipment AS s SET order_link = $3"
									  " WHERE s.merchant_id = $1 AND s.shipment_id = $2",
							   .count = 3,
							   .types = {TEXTOID, TEXTOID, TEXTOID}};

static GlKeptPlan next_turn = {
	.sql = "SELECT max(d.turn) + 1 FROM ganje.outbox_delivery AS d"
		   " WHERE d.merchant_id = $1 AND d.shipment_id = $2 AND d.account_id = $3",
	.count = 3,
	.types = {TEXTOID, TEXTOID, TEXTOID}};

/* Values of named columns of a row; 'n' in nulls where there is none, else ' '. */
static void
read_columns(HeapTuple row, TupleDesc descriptor, const char *const *names, int count,
			 Datum *values, char *nulls)
{
	for (int i = 0; i < count; i++)
	{
		int number = SPI_fnumber(descriptor, names[i]);
		bool isnull;

		if (number <= 0)
			elog(ERROR, "there is no column \"%s\"", names[i]);
		values[i] = heap_getattr(row, number, descriptor, &isnull);
		nulls[i] = isnull ? 'n' : ' ';
	}
}

/* What build answers, field by field; all are NULL where it answers NULL. */
static void
read_request(Datum request, bool isnull, Datum *values, char *nulls)
{
	HeapTupleHeader header;
	HeapTupleData row;
	TupleDesc descriptor;

	if (isnull)
	{
		memset(nulls, 'n', REQUEST_COUNT);
		return;
	}
	header = DatumGetHeapTupleHeader(request);
	descriptor =
		lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(header), HeapTupleHeaderGetTypMod(header));
	row.t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&row.t_self);
	row.t_tableOid = InvalidOid;
	row.t_data = header;
	read_columns(&row, descriptor, request_names, REQUEST_COUNT, values, nulls);
	ReleaseTupleDesc(descriptor);
}

/* Is there another shipment of the same external id and account, of whatever merchant? */
static bool
has_namesake(TriggerData *trigger, const Datum *values)
{
	Relation table = trigger->tg_relation;
	TupleDesc descriptor = RelationGetDescr(table);
	AttrNumber columns[] = {SPI_fnumber(descriptor, "external_id"),
							SPI_fnumber(descriptor, "account_id")};
	Datum key[] = {values[COLUMN_EXTERNAL], values[COLUMN_ACCOUNT]};

	return gl_row_find(table, "shipment_external", columns, key, 2,
					   SPI_fnumber(descriptor, "shipment_id"), values[COLUMN_SHIPMENT]) != NULL;
}

/* The name of the carrier that an account is at. */
static text *
carrier_of_account(TriggerData *trigger, Datum account)
{
	Oid oid = get_relname_relid("carrier_account", RelationGetNamespace(trigger->tg_relation));
	Relation table = table_open(oid, AccessShareLock);
	TupleDesc descriptor = RelationGetDescr(table);
	AttrNumber column = SPI_fnumber(descriptor, "account_id");
	HeapTuple row = gl_row_find(table, "carrier_account_pkey", &column, &account, 1, 0, (Datum) 0);
	text *carrier;
	bool isnull;

	if (row == NULL)
		ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
						errmsg("carrier account %s does not exist",
							   quote_literal_cstr(TextDatumGetCString(account))),
						errhint("SELECT account_id, carrier FROM ganje.carrier_account lists the "
								"accounts.")));
	carrier =
		DatumGetTextPP(heap_getattr(row, SPI_fnumber(descriptor, "carrier"), descriptor, &isnull));
	table_close(table, NoLock);
	return carrier;
}

/* Its place in the line comes after whatever is there, which for nearly every shipment is nothing. */
static int
turn_of_request(TriggerData *trigger, const Datum *columns)
{
	Oid oid = get_relname_relid("outbox_delivery", RelationGetNamespace(trigger->tg_relation));
	Relation table = table_open(oid, AccessShareLock);
	TupleDesc descriptor = RelationGetDescr(table);
	AttrNumber numbers[] = {SPI_fnumber(descriptor, "merchant_id"),
							SPI_fnumber(descriptor, "shipment_id"),
							SPI_fnumber(descriptor, "account_id")};
	Datum key[] = {columns[COLUMN_MERCHANT], columns[COLUMN_SHIPMENT], columns[COLUMN_ACCOUNT]};
	bool is_first =
		gl_row_find(table, "outbox_delivery_turn", numbers, key, 3, 0, (Datum) 0) == NULL;
	bool isnull;

	table_close(table, NoLock);
	if (is_first)
		return 1;
	gl_plan_execute(&next_turn, key, NULL);
	return DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
}

static Datum
new_id(void)
{
	char id[GL_ULID_LENGTH + 1];

	gl_ulid_write(id);
	return PointerGetDatum(cstring_to_text_with_len(id, GL_ULID_LENGTH));
}

static Datum
empty_object(void)
{
	return DirectFunctionCall1(jsonb_in, CStringGetDatum("{}"));
}

/* The journey's first step; defaults as in sql/48_shipment.sql. */
static void
insert_event(GlNewRows *rows, const Datum *columns, const char *nulls)
{
	bool is_ours = nulls[COLUMN_MADE_BY] == 'n';
	GlNewValue values[] = {
		{"merchant_id", columns[COLUMN_MERCHANT], false},
		{"shipment_id", columns[COLUMN_SHIPMENT], false},
		{"event_id", new_id(), false},
		{"status", columns[COLUMN_STATUS], false},
		{"normalized_status", columns[COLUMN_NORMALIZED], false},
		{"source", is_ours ? CStringGetTextDatum("order") : columns[COLUMN_MADE_BY], false},
		{"jump", BoolGetDatum(false), false},
		{"occurred_at", columns[COLUMN_CREATED], false},
		{"recorded_at", TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()), false},
		{"detail", empty_object(), false},
	};

	gl_new_rows_insert(rows, "shipment_event", values, lengthof(values));
}

/* What ganje.enqueue does for a "create"; defaults as in sql/60_outbox.sql. */
static void
insert_request(GlNewRows *rows, const Datum *columns, const Datum *request, const char *nulls,
			   int turn)
{
	Datum id = new_id();
	Datum now = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
	bool has_headers = nulls[REQUEST_HEADERS] != 'n';
	GlNewValue outbox[] = {
		{"merchant_id", columns[COLUMN_MERCHANT], false},
		{"request_id", id, false},
		{"account_id", columns[COLUMN_ACCOUNT], false},
		{"shipment_id", columns[COLUMN_SHIPMENT], false},
		{"operation", CStringGetTextDatum("create"), false},
		{"method", request[REQUEST_METHOD], nulls[REQUEST_METHOD] == 'n'},
		{"path", request[REQUEST_PATH], nulls[REQUEST_PATH] == 'n'},
		{"headers", has_headers ? request[REQUEST_HEADERS] : empty_object(), false},
		{"body", request[REQUEST_BODY], nulls[REQUEST_BODY] == 'n'},
		{"created_at", now, false},
	};
	GlNewValue delivery[] = {
		{"merchant_id", columns[COLUMN_MERCHANT], false},
		{"request_id", id, false},
		{"account_id", columns[COLUMN_ACCOUNT], false},
		{"shipment_id", columns[COLUMN_SHIPMENT], false},
		{"turn", Int32GetDatum(turn), false},
		{"state", CStringGetTextDatum("pending"), false},
		{"attempts", Int32GetDatum(0), false},
		{"due_at", now, false},
		{"origin", Int64GetDatum((int64) GetSystemIdentifier()), false},
		{"poll", BoolGetDatum(false), false},
		{"answer_lost", BoolGetDatum(false), false},
	};

	gl_new_rows_insert(rows, "outbox", outbox, lengthof(outbox));
	gl_new_rows_insert(rows, "outbox_delivery", delivery, lengthof(delivery));
}

static void
begin_journey(TriggerData *trigger, const Datum *columns, const char *nulls)
{
	GlNewRows *rows = gl_new_rows_begin(RelationGetNamespace(trigger->tg_relation));

	insert_event(rows, columns, nulls);
	gl_new_rows_end(rows);
}

static void
wake_worker(void)
{
	List *name = list_make2(makeString("ganje"), makeString("wake_worker"));

	(void) OidFunctionCall0(LookupFuncName(name, 0, NULL, false));
}

/* The journey's first step and the first request; the shipment's row is ours: it was just inserted. */
static void
tell_carrier(TriggerData *trigger, const Datum *columns, const char *nulls)
{
	Datum shipment =
		heap_copy_tuple_as_datum(trigger->tg_trigtuple, RelationGetDescr(trigger->tg_relation));
	text *carrier = carrier_of_account(trigger, columns[COLUMN_ACCOUNT]);
	Datum request[REQUEST_COUNT];
	char request_nulls[REQUEST_COUNT];
	bool isnull;
	Datum built = gl_carrier_build(carrier, shipment, cstring_to_text("create"), &isnull);
	GlNewRows *rows;
	int turn;

	read_request(built, isnull, request, request_nulls);
	/* A build function may have put something into the line. */
	CommandCounterIncrement();
	UpdateActiveSnapshotCommandId();
	turn = turn_of_request(trigger, columns);
	rows = gl_new_rows_begin(RelationGetNamespace(trigger->tg_relation));
	insert_event(rows, columns, nulls);
	insert_request(rows, columns, request, request_nulls, turn);
	gl_new_rows_end(rows);
	wake_worker();
}

/* The carrier knows the shipment by another one: it gets that one's link. */
static bool
joins_twin(const Datum *columns)
{
	Datum values[] = {columns[COLUMN_MERCHANT], columns[COLUMN_SHIPMENT], columns[COLUMN_EXTERNAL],
					  columns[COLUMN_ACCOUNT], columns[COLUMN_ENQUEUED]};
	bool isnull;

	if (gl_plan_execute(&find_twin, values, NULL) == 0)
		return false;
	values[2] = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (!isnull)
		gl_plan_execute(&take_link, values, NULL);
	return true;
}

static void
begin(TriggerData *trigger)
{
	Datum columns[COLUMN_COUNT];
	char nulls[COLUMN_COUNT];

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	/* What came with the shipment, its items and others like it, is there for a new snapshot. */
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	read_columns(trigger->tg_trigtuple, RelationGetDescr(trigger->tg_relation), column_names,
				 COLUMN_COUNT, columns, nulls);
	if (nulls[COLUMN_ACCOUNT] == 'n' || nulls[COLUMN_MADE_BY] != 'n')
		begin_journey(trigger, columns, nulls);
	else if (has_namesake(trigger, columns) && joins_twin(columns))
		begin_journey(trigger, columns, nulls);
	else
		tell_carrier(trigger, columns, nulls);
	PopActiveSnapshot();
	SPI_finish();
}

/* Was the row stamped in this very transaction?  One of a dump was not. */
static bool
is_new(HeapTuple row, TupleDesc descriptor)
{
	bool isnull;
	Datum stamp = heap_getattr(row, SPI_fnumber(descriptor, "enqueued_at"), descriptor, &isnull);

	return !isnull && DatumGetTimestampTz(stamp) == GetCurrentTransactionStartTimestamp();
}

/*
 * AFTER INSERT, for each row of ganje.shipment.  Not SECURITY DEFINER, nor
 * with settings of its own: where the row is part of an order that is being
 * placed, all of that is so already, and to have it once more costs as much as
 * a statement.
 */
Datum
gl_shipment_begin(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) || !TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("shipment_begin() is a trigger function, called AFTER a row's INSERT")));
	if (!is_new(trigger->tg_trigtuple, RelationGetDescr(trigger->tg_relation)))
		return PointerGetDatum(NULL);
	if (GetUserId() == trigger->tg_relation->rd_rel->relowner && gl_role_path_is_fixed() &&
		!enable_seqscan && !jit_enabled)
		begin(trigger);
	else
	{
		GlOwnerScope scope = gl_owner_enter();

		gl_plan_forbid_scans();
		begin(trigger);
		gl_owner_leave(scope);
	}
	return PointerGetDatum(NULL);
}

/* BEFORE INSERT, for each row: a new shipment is stamped, so that its row in a dump enqueues nothing. */
Datum
gl_shipment_stamp(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	TupleDesc descriptor;
	int number;
	Datum value = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
	bool isnull = false;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) || !TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("shipment_stamp() is a trigger function, called BEFORE a row's INSERT")));
	descriptor = RelationGetDescr(trigger->tg_relation);
	number = SPI_fnumber(descriptor, "enqueued_at");
	if (!heap_attisnull(trigger->tg_trigtuple, number, descriptor))
		return PointerGetDatum(trigger->tg_trigtuple);
	return PointerGetDatum(
		heap_modify_tuple_by_cols(trigger->tg_trigtuple, descriptor, 1, &number, &value, &isnull));
}
