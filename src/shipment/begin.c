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
#include "core/insert.h"
#include "core/plan.h"
#include "core/role.h"
#include "core/row.h"

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

/* All columns of the tables that are written, in their order. */
typedef enum EventColumn
{
	EVENT_MERCHANT,
	EVENT_SHIPMENT,
	EVENT_ID,
	EVENT_PREVIOUS_STATUS,
	EVENT_STATUS,
	EVENT_PREVIOUS_NORMALIZED,
	EVENT_NORMALIZED,
	EVENT_CARRIER_STATUS,
	EVENT_SOURCE,
	EVENT_JUMP,
	EVENT_OCCURRED,
	EVENT_RECORDED,
	EVENT_DETAIL,
	EVENT_COLUMNS
} EventColumn;

static GlInsertTable event_table = {.name = "shipment_event",
									.count = EVENT_COLUMNS,
									.columns = {{"merchant_id", TEXTOID},
												{"shipment_id", TEXTOID},
												{"event_id", TEXTOID},
												{"previous_status", TEXTOID},
												{"status", TEXTOID},
												{"previous_normalized_status", TEXTOID},
												{"normalized_status", TEXTOID},
												{"carrier_status", TEXTOID},
												{"source", TEXTOID},
												{"jump", BOOLOID},
												{"occurred_at", TIMESTAMPTZOID},
												{"recorded_at", TIMESTAMPTZOID},
												{"detail", JSONBOID}}};

typedef enum OutboxColumn
{
	OUTBOX_MERCHANT,
	OUTBOX_ID,
	OUTBOX_ACCOUNT,
	OUTBOX_SHIPMENT,
	OUTBOX_OPERATION,
	OUTBOX_METHOD,
	OUTBOX_PATH,
	OUTBOX_HEADERS,
	OUTBOX_BODY,
	OUTBOX_CREATED,
	OUTBOX_COLUMNS
} OutboxColumn;

static GlInsertTable outbox_table = {.name = "outbox",
									 .count = OUTBOX_COLUMNS,
									 .columns = {{"merchant_id", TEXTOID},
												 {"request_id", TEXTOID},
												 {"account_id", TEXTOID},
												 {"shipment_id", TEXTOID},
												 {"operation", TEXTOID},
												 {"method", TEXTOID},
												 {"path", TEXTOID},
												 {"headers", JSONBOID},
												 {"body", TEXTOID},
												 {"created_at", TIMESTAMPTZOID}}};

typedef enum DeliveryColumn
{
	DELIVERY_MERCHANT,
	DELIVERY_ID,
	DELIVERY_ACCOUNT,
	DELIVERY_SHIPMENT,
	DELIVERY_TURN,
	DELIVERY_STATE,
	DELIVERY_ATTEMPTS,
	DELIVERY_DUE,
	DELIVERY_LEASE_TOKEN,
	DELIVERY_LEASE_OWNER,
	DELIVERY_LEASE_UNTIL,
	DELIVERY_LAST_STATUS,
	DELIVERY_LAST_ERROR,
	DELIVERY_ORIGIN,
	DELIVERY_POLL,
	DELIVERY_ANSWER_LOST,
	DELIVERY_COLUMNS
} DeliveryColumn;

static GlInsertTable delivery_table = {.name = "outbox_delivery",
									   .count = DELIVERY_COLUMNS,
									   .columns = {{"merchant_id", TEXTOID},
												   {"request_id", TEXTOID},
												   {"account_id", TEXTOID},
												   {"shipment_id", TEXTOID},
												   {"turn", INT4OID},
												   {"state", TEXTOID},
												   {"attempts", INT4OID},
												   {"due_at", TIMESTAMPTZOID},
												   {"lease_token", TEXTOID},
												   {"lease_owner", INT4OID},
												   {"lease_until", TIMESTAMPTZOID},
												   {"last_status", INT4OID},
												   {"last_error", TEXTOID},
												   {"origin", INT8OID},
												   {"poll", BOOLOID},
												   {"answer_lost", BOOLOID}}};

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
insert_event(const Datum *columns, const char *column_nulls)
{
	bool is_ours = column_nulls[COLUMN_MADE_BY] == 'n';
	Datum values[EVENT_COLUMNS] = {
		[EVENT_MERCHANT] = columns[COLUMN_MERCHANT],
		[EVENT_SHIPMENT] = columns[COLUMN_SHIPMENT],
		[EVENT_ID] = new_id(),
		[EVENT_STATUS] = columns[COLUMN_STATUS],
		[EVENT_NORMALIZED] = columns[COLUMN_NORMALIZED],
		[EVENT_SOURCE] = is_ours ? CStringGetTextDatum("order") : columns[COLUMN_MADE_BY],
		[EVENT_JUMP] = BoolGetDatum(false),
		[EVENT_OCCURRED] = columns[COLUMN_CREATED],
		[EVENT_RECORDED] = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()),
		[EVENT_DETAIL] = empty_object(),
	};
	char nulls[EVENT_COLUMNS] = {
		[EVENT_PREVIOUS_STATUS] = 'n',
		[EVENT_PREVIOUS_NORMALIZED] = 'n',
		[EVENT_CARRIER_STATUS] = 'n',
	};

	gl_insert_one(&event_table, values, nulls);
}

/* What ganje.enqueue does for a "create"; defaults as in sql/60_outbox.sql. */
static void
insert_request(Datum id, const Datum *columns, const Datum *request, const char *request_nulls)
{
	bool has_headers = request_nulls[REQUEST_HEADERS] != 'n';
	Datum values[OUTBOX_COLUMNS] = {
		[OUTBOX_MERCHANT] = columns[COLUMN_MERCHANT],
		[OUTBOX_ID] = id,
		[OUTBOX_ACCOUNT] = columns[COLUMN_ACCOUNT],
		[OUTBOX_SHIPMENT] = columns[COLUMN_SHIPMENT],
		[OUTBOX_OPERATION] = CStringGetTextDatum("create"),
		[OUTBOX_METHOD] = request[REQUEST_METHOD],
		[OUTBOX_PATH] = request[REQUEST_PATH],
		[OUTBOX_HEADERS] = has_headers ? request[REQUEST_HEADERS] : empty_object(),
		[OUTBOX_BODY] = request[REQUEST_BODY],
		[OUTBOX_CREATED] = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()),
	};
	char nulls[OUTBOX_COLUMNS] = {
		[OUTBOX_METHOD] = request_nulls[REQUEST_METHOD],
		[OUTBOX_PATH] = request_nulls[REQUEST_PATH],
		[OUTBOX_BODY] = request_nulls[REQUEST_BODY],
	};

	gl_insert_one(&outbox_table, values, nulls);
}

static void
insert_delivery(Datum id, const Datum *columns, int turn)
{
	Datum values[DELIVERY_COLUMNS] = {
		[DELIVERY_MERCHANT] = columns[COLUMN_MERCHANT],
		[DELIVERY_ID] = id,
		[DELIVERY_ACCOUNT] = columns[COLUMN_ACCOUNT],
		[DELIVERY_SHIPMENT] = columns[COLUMN_SHIPMENT],
		[DELIVERY_TURN] = Int32GetDatum(turn),
		[DELIVERY_STATE] = CStringGetTextDatum("pending"),
		[DELIVERY_ATTEMPTS] = Int32GetDatum(0),
		[DELIVERY_DUE] = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()),
		[DELIVERY_ORIGIN] = Int64GetDatum((int64) GetSystemIdentifier()),
		[DELIVERY_POLL] = BoolGetDatum(false),
		[DELIVERY_ANSWER_LOST] = BoolGetDatum(false),
	};
	char nulls[DELIVERY_COLUMNS] = {
		[DELIVERY_LEASE_TOKEN] = 'n', [DELIVERY_LEASE_OWNER] = 'n', [DELIVERY_LEASE_UNTIL] = 'n',
		[DELIVERY_LAST_STATUS] = 'n', [DELIVERY_LAST_ERROR] = 'n',
	};

	gl_insert_one(&delivery_table, values, nulls);
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
	Datum id;
	int turn;

	read_request(built, isnull, request, request_nulls);
	/* A build function may have put something into the line. */
	CommandCounterIncrement();
	UpdateActiveSnapshotCommandId();
	turn = turn_of_request(trigger, columns);
	id = new_id();
	insert_event(columns, nulls);
	insert_request(id, columns, request, request_nulls);
	insert_delivery(id, columns, turn);
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
		insert_event(columns, nulls);
	else if (has_namesake(trigger, columns) && joins_twin(columns))
		insert_event(columns, nulls);
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
