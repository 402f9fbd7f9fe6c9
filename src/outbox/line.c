/*-------------------------------------------------------------------------
 *
 * line.c
 *	  Leased requests wait in line until a connection of their account is free.
 *
 * A turn of the database costs a commit, and while it runs nothing is sent.
 * So a little more is leased than there are connections: when an answer comes
 * the next request goes at once, and the turn that records the answer comes
 * when there are enough of them.  How much more follows from how fast the
 * carrier answered since the last turn, so that nothing waits long: a slow
 * carrier's requests stay in the table, where others may have them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/hsearch.h"

#include "outbox/outbox.h"
#include "settings.h"

/*
 * As many requests as the carrier answered in so many milliseconds may wait in
 * line, unless they are so few that it is not worth it.  Answers are counted
 * over at least that time: a shorter one would take two for a multitude.
 */
#define AHEAD_MS 100
#define AHEAD_LEAST 10

struct GlLine
{
	char account_id[256]; /* hash key, cut as in account.c */
	dlist_node node;      /* in lines_waiting, while something waits */
	dlist_head waiting;
	GlLoad load;
	int answered; /* since that was counted last */
};

static HTAB *lines;
static dlist_head lines_waiting = DLIST_STATIC_INIT(lines_waiting);
static GlLoad all;
static int64 counted_at;

/* The line of an account; NULL where there is none and it is not to be made. */
static GlLine *
find_line(const char *account_id, bool make)
{
	char key[sizeof(((GlLine *) NULL)->account_id)];
	GlLine *line;
	bool found;

	if (lines == NULL)
	{
		HASHCTL control = {0};

		control.keysize = sizeof(key);
		control.entrysize = sizeof(GlLine);
		lines = hash_create("ganje lines", 64, &control, HASH_ELEM | HASH_STRINGS);
	}
	strlcpy(key, account_id, sizeof(key));
	line = hash_search(lines, key, make ? HASH_ENTER : HASH_FIND, &found);
	if (make && !found)
	{
		memset((char *) line + sizeof(key), 0, sizeof(GlLine) - sizeof(key));
		dlist_init(&line->waiting);
	}
	return line;
}

GlLoad
gl_outbox_load(const char *account_id)
{
	GlLoad nothing = {0};
	GlLine *line;

	if (account_id == NULL)
		return all;
	line = find_line(account_id, false);
	return line != NULL ? line->load : nothing;
}

void
gl_outbox_line_join(GlFlight *flight)
{
	GlLine *line = find_line(flight->account_id, true);

	flight->line = line;
	if (line->load.waiting++ == 0)
		dlist_push_tail(&lines_waiting, &line->node);
	dlist_push_tail(&line->waiting, &flight->node);
	all.waiting++;
}

/* Takes the first flight out of a line that has one. */
static GlFlight *
take_first(GlLine *line)
{
	GlFlight *flight = dlist_container(GlFlight, node, dlist_pop_head_node(&line->waiting));

	if (--line->load.waiting == 0)
		dlist_delete(&line->node);
	all.waiting--;
	return flight;
}

/*
 * Counts a flight that is over, or no longer.  What failed must teach
 * everybody else, by its record, before another takes its place.
 */
static void
count_over(GlFlight *flight, int by)
{
	GlLoad *load = &flight->line->load;
	int status = flight->result.status;

	if (flight->answered && flight->result.kind == GL_HTTP_ANSWERED && status >= 200 &&
		status <= 299)
	{
		load->unrecorded += by;
		all.unrecorded += by;
	}
	else
	{
		load->failed += by;
		all.failed += by;
	}
}

/* A flight that waited is over before it began. */
static void
finish(GlFlight *flight, dlist_head *finished)
{
	count_over(flight, 1);
	dlist_push_tail(finished, &flight->node);
}

/* May this line have another connection? */
static bool
has_room(const GlLine *line, const GlFlight *next)
{
	int limit = gl_setting_max_connections;

	if (line->load.sent >= gl_outbox_few())
		limit -= gl_outbox_reserve();
	return line->load.sent + line->load.failed < next->max_connections && all.sent < limit;
}

/* Lets go of one line what may. */
static void
send_line(GlLine *line, GlHttp *http, dlist_head *sent, dlist_head *finished)
{
	int64 now = gl_outbox_clock_ms();

	while (line->load.waiting > 0)
	{
		GlFlight *flight = dlist_head_element(GlFlight, node, &line->waiting);

		if (now >= flight->send_before)
		{
			flight->unsent = true;
			finish(take_first(line), finished);
			continue;
		}
		if (!has_room(line, flight))
			return;
		(void) take_first(line);
		if (!gl_outbox_send(http, flight))
		{
			finish(flight, finished);
			continue;
		}
		line->load.sent++;
		all.sent++;
		dlist_push_tail(sent, &flight->node);
	}
}

void
gl_outbox_lines_send(GlHttp *http, dlist_head *sent, dlist_head *finished)
{
	dlist_mutable_iter iterator;

	dlist_foreach_modify(iterator, &lines_waiting)
		send_line(dlist_container(GlLine, node, iterator.cur), http, sent, finished);
	/* where places are few the next line gets the next one */
	if (!dlist_is_empty(&lines_waiting))
		dlist_push_tail(&lines_waiting, dlist_pop_head_node(&lines_waiting));
}

void
gl_outbox_line_answered(GlFlight *flight)
{
	int delivered = flight->line->load.unrecorded;

	flight->line->load.sent--;
	all.sent--;
	count_over(flight, 1);
	flight->line->answered += flight->line->load.unrecorded - delivered;
}

void
gl_outbox_line_leave(GlFlight *flight)
{
	count_over(flight, -1);
	flight->line = NULL;
}

void
gl_outbox_lines_empty(dlist_head *finished)
{
	while (!dlist_is_empty(&lines_waiting))
	{
		GlFlight *flight = take_first(dlist_head_element(GlLine, node, &lines_waiting));

		flight->unsent = true;
		finish(flight, finished);
	}
}

void
gl_outbox_lines_turn(void)
{
	int64 now = gl_outbox_clock_ms();
	int64 elapsed = now - counted_at;
	HASH_SEQ_STATUS scan;
	GlLine *line;

	if (lines == NULL || elapsed < AHEAD_MS)
		return;
	counted_at = now;
	all.ahead = 0;
	hash_seq_init(&scan, lines);
	while ((line = hash_seq_search(&scan)) != NULL)
	{
		int64 ahead = (int64) line->answered * AHEAD_MS / elapsed;

		line->load.ahead = ahead < AHEAD_LEAST ? 0 : (int) Min(ahead, gl_setting_batch_size);
		line->answered = 0;
		all.ahead += line->load.ahead;
		if (line->load.sent + line->load.waiting + line->load.unrecorded + line->load.failed +
				line->load.ahead ==
			0)
			hash_search(lines, line->account_id, HASH_REMOVE, NULL);
	}
}
