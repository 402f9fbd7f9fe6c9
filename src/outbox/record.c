/*-------------------------------------------------------------------------
 *
 * record.c
 *	  Writes down what came of requests.
 *
 * Many answers share a transaction, and those that ask for nothing but their
 * place in the log share a statement.  The others are recorded one by one,
 * some in a subtransaction together; where one of them spoils that, it is as
 * if they had not been, and each gets a subtransaction of its own.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "outbox/outbox.h"

/* Flights that share a subtransaction: their functions share its time limit too. */
#define TOGETHER 32

/* Flights that are recorded one by one, though together. */
typedef struct Group
{
	GlFlight *flights[TOGETHER];
	int count;
} Group;

/* The work that may fail. */
static void
record_group(void *argument)
{
	Group *group = argument;

	for (int i = 0; i < group->count; i++)
		gl_outbox_record_within(group->flights[i]);
}

/* Records a group and empties it. */
static void
end_group(Group *group)
{
	GlFailure failure;

	if (group->count < 2 || !gl_outbox_try(record_group, group, &failure))
	{
		for (int i = 0; i < group->count; i++)
			gl_outbox_record_alone(group->flights[i]);
	}
	group->count = 0;
}

/* Records row by row what the batches left. */
static void
record_rows(GlFlight **flights, int count)
{
	Group group = {.count = 0};

	for (int i = 0; i < count; i++)
	{
		GlFlight *flight = flights[i];

		if (flight->verdict != NULL)
			continue;
		/* somebody had it locked: it would keep the others waiting again */
		if (flight->busy > 0)
		{
			gl_outbox_record_alone(flight);
			continue;
		}
		group.flights[group.count++] = flight;
		if (group.count == TOGETHER)
			end_group(&group);
	}
	end_group(&group);
}

void
gl_outbox_record(dlist_head *flights)
{
	int64 now = gl_outbox_clock_ms();
	dlist_iter iterator;
	GlFlight **due;
	int count = 0;

	dlist_foreach (iterator, flights)
		count++;
	due = palloc(sizeof(GlFlight *) * Max(count, 1));
	count = 0;
	dlist_foreach (iterator, flights)
	{
		GlFlight *flight = dlist_container(GlFlight, node, iterator.cur);

		if (flight->record_at > now)
			continue;
		flight->verdict = NULL;
		due[count++] = flight;
	}
	gl_outbox_record_batches(due, count);
	record_rows(due, count);
}
