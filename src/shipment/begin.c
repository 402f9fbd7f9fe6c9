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

#include "access/htup_details.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/typcache.h"

#include "carrier/contract.h"
#include "compat.h"
#include "core/core.h"
#include "core/plan.h"

GL_FUNCTION(gl_shipment_begin);

/* The columns of the new row that the statements take, in the order of their parameters. */
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

#define INSERT_EVENT                                                                               \
	"INSERT INTO ganje.shipment_event"                                                             \
	" (merchant_id, shipment_id, status, normalized_status, source, occurred_at)"                  \
	" VALUES ($1, $2, $3, $4, coalesce($5, 'order'), $6)"

static GlKeptPlan begin_journey = {
	.sql = INSERT_EVENT,
	.count = 6,
	.types = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID}};

/*
 * The same, and which carrier is to be told; of a shipment that it has been
 * told of under the same external id, whether there is one, and its link.
 * The lock lets the answer that is just being recorded come in first.
 * merchant_id is compared in a way that no index serves: the plan would be
 * kept that goes by the primary key, in the order of shipment_id, and reads a
 * merchant's every shipment.
 */
static GlKeptPlan begin_told = {
	.sql = "WITH begun AS (" INSERT_EVENT ")"
		   " SELECT a.carrier, twin.shipment_id IS NOT NULL, twin.order_link"
		   "  FROM ganje.carrier_account AS a LEFT JOIN LATERAL"
		   "   (SELECT s.shipment_id, s.order_link FROM ganje.shipment AS s"
		   "     WHERE s.external_id = $7 AND s.account_id = $8"
		   "       AND s.merchant_id IS NOT DISTINCT FROM $1 AND s.shipment_id <> $2"
		   "       AND (s.enqueued_at IS DISTINCT FROM $9"
		   "            OR EXISTS (SELECT FROM ganje.outbox_delivery AS d"
		   "                        WHERE d.merchant_id = s.merchant_id"
		   "                          AND d.shipment_id = s.shipment_id"
		   "                          AND d.account_id = s.account_id))"
		   "     ORDER BY s.shipment_id LIMIT 1 FOR UPDATE OF s) AS twin ON true"
		   " WHERE a.account_id = $8",
	.count = 9,
	.types = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TEXTOID, TEXTOID,
			  TIMESTAMPTZOID}};

static GlKeptPlan take_link = {.sql = "UPDATE ganje.shipment AS s SET order_link = $3"
									  " WHERE s.merchant_id = $1 AND s.shipment_id = $2",
							   .count = 3,
							   .types = {TEXTOID, TEXTOID, TEXTOID}};

/* What ganje.enqueue does for a "create": its place in the line comes after whatever is there. */
static GlKeptPlan enqueue_create = {
	.sql = "WITH request AS ("
		   " INSERT INTO ganje.outbox (merchant_id, request_id, account_id, shipment_id, operation,"
		   "  method, path, headers, body)"
		   " VALUES ($1, $3, $4, $2, 'create', $5, $6, coalesce($7, '{}'), $8))"
		   " INSERT INTO ganje.outbox_delivery (merchant_id, request_id, account_id, shipment_id,"
		   "  turn, due_at, origin)"
		   " VALUES ($1, $3, $4, $2, (SELECT coalesce(max(d.turn), 0) + 1"
		   "  FROM ganje.outbox_delivery AS d WHERE d.merchant_id = $1 AND d.shipment_id = $2"
		   "   AND d.account_id = $4), pg_catalog.now(), $9) RETURNING ganje.wake_worker()",
	.count = 9,
	.types = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, JSONBOID, TEXTOID, INT8OID}};

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

/* The first request of the shipment; the caller's row is locked: it was just inserted. */
static void
tell_carrier(TriggerData *trigger, text *carrier, const Datum *columns)
{
	Datum shipment =
		heap_copy_tuple_as_datum(trigger->tg_trigtuple, RelationGetDescr(trigger->tg_relation));
	char id[GL_ULID_LENGTH + 1];
	Datum values[GL_KEPT_PARAMETERS];
	char nulls[GL_KEPT_PARAMETERS] = "         ";
	bool isnull;
	Datum request;

	/* What build reads of the items that came with the shipment is there for a new snapshot. */
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	request = gl_carrier_build(carrier, shipment, cstring_to_text("create"), &isnull);
	PopActiveSnapshot();

	gl_ulid_write(id);
	values[0] = columns[COLUMN_MERCHANT];
	values[1] = columns[COLUMN_SHIPMENT];
	values[2] = PointerGetDatum(cstring_to_text_with_len(id, GL_ULID_LENGTH));
	values[3] = columns[COLUMN_ACCOUNT];
	read_request(request, isnull, &values[4], &nulls[4]);
	values[8] = Int64GetDatum((int64) GetSystemIdentifier());
	gl_plan_execute(&enqueue_create, values, nulls);
}

/* The shipment has an account: its journey begins, and unless its carrier knows it, it is told. */
static void
begin_at_carrier(TriggerData *trigger, Datum *columns, const char *nulls)
{
	HeapTuple answer;
	TupleDesc descriptor;
	bool isnull;

	if (gl_plan_execute(&begin_told, columns, nulls) == 0)
		ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
						errmsg("carrier account %s does not exist",
							   quote_literal_cstr(TextDatumGetCString(columns[COLUMN_ACCOUNT]))),
						errhint("SELECT account_id, carrier FROM ganje.carrier_account lists the "
								"accounts.")));
	answer = SPI_tuptable->vals[0];
	descriptor = SPI_tuptable->tupdesc;
	if (!DatumGetBool(SPI_getbinval(answer, descriptor, 2, &isnull)))
		tell_carrier(trigger, DatumGetTextPP(SPI_getbinval(answer, descriptor, 1, &isnull)),
					 columns);
	else
	{
		Datum values[] = {columns[COLUMN_MERCHANT], columns[COLUMN_SHIPMENT],
						  SPI_getbinval(answer, descriptor, 3, &isnull)};

		if (!isnull)
			gl_plan_execute(&take_link, values, NULL);
	}
}

/* AFTER INSERT, for each row of ganje.shipment that is new. */
Datum
gl_shipment_begin(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	Datum columns[COLUMN_COUNT];
	char nulls[COLUMN_COUNT];

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) || !TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("shipment_begin() is a trigger function, called AFTER a row's INSERT")));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	read_columns(trigger->tg_trigtuple, RelationGetDescr(trigger->tg_relation), column_names,
				 COLUMN_COUNT, columns, nulls);
	if (nulls[COLUMN_ACCOUNT] == 'n' || nulls[COLUMN_MADE_BY] != 'n')
		gl_plan_execute(&begin_journey, columns, nulls);
	else
		begin_at_carrier(trigger, columns, nulls);
	SPI_finish();
	return PointerGetDatum(NULL);
}
