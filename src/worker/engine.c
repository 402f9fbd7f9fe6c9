/*-------------------------------------------------------------------------
 *
 * engine.c
 *	  The worker's HTTP engine: made by the settings, emptied every turn.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/guc.h"
#include "utils/memutils.h"

#include "settings.h"
#include "worker/database.h"

#define NETWORKS_MAX 256

/* The settings that the engine was made by. */
static char *made_networks;
static char *made_ca_file;
static int made_max_connections;

static void
remember_settings(void)
{
	if (made_networks != NULL)
		pfree(made_networks);
	if (made_ca_file != NULL)
		pfree(made_ca_file);
	made_networks = MemoryContextStrdup(TopMemoryContext, gl_setting_allowed_networks);
	made_ca_file = MemoryContextStrdup(TopMemoryContext, gl_setting_ca_file);
	made_max_connections = gl_setting_max_connections;
}

bool
gl_worker_engine_differs(void)
{
	return strcmp(made_networks, gl_setting_allowed_networks) != 0 ||
		   strcmp(made_ca_file, gl_setting_ca_file) != 0 ||
		   made_max_connections != gl_setting_max_connections;
}

/* A list that cannot be read opens no network. */
static size_t
read_networks(GlNetwork *networks)
{
	size_t count = NETWORKS_MAX;
	GlError error = {-1, ""};

	if (gl_network_parse_list(gl_setting_allowed_networks, networks, &count, &error) == GL_OK)
		return count;
	ereport(LOG, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("ganje_logistics.allowed_networks is not used: %s", error.message));
	return 0;
}

void
gl_worker_renew_engine(GlWorker *worker)
{
	GlNetwork networks[NETWORKS_MAX];
	GlHttpConfig config = {0};
	GlError error = {-1, ""};

	/* a lookup that hangs from before must not hold up who waits for the worker */
	if (worker->http != NULL && gl_http_destroy_is_prompt())
		gl_http_destroy(worker->http);
	else if (worker->http != NULL)
		gl_http_abandon(worker->http);
	config.max_active = gl_setting_max_connections;
	config.allowed = networks;
	config.allowed_count = read_networks(networks);
	config.user_agent = worker->user_agent;
	config.ca_file = gl_setting_ca_file[0] != '\0' ? gl_setting_ca_file : NULL;
	worker->http = gl_http_create(&config, &error);
	if (worker->http == NULL)
		ereport(FATAL, errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				errmsg("could not start the HTTP engine: %s", error.message));
	worker->engine_outdated = false;
	remember_settings();
}

/* Flights are over; they are recorded in a turn that comes soon. */
static void
note_finished(GlWorker *worker, int count)
{
	if (count == 0)
		return;
	worker->finished_count += count;
	worker->record_at = 0;
	if (worker->finished_at == 0)
		worker->finished_at = gl_outbox_clock_ms();
}

/* A flight's result is in. */
static void
finish(GlWorker *worker, GlFlight *flight)
{
	dlist_delete(&flight->node);
	dlist_push_tail(&worker->finished, &flight->node);
	gl_outbox_line_answered(flight);
}

/* The engine broke: what was in flight may or may not have arrived. */
static int
give_up_engine(GlWorker *worker)
{
	int count = 0;

	ereport(LOG, errcode(ERRCODE_INTERNAL_ERROR),
			errmsg("ganje_logistics: the HTTP engine broke and is made anew"));
	while (!dlist_is_empty(&worker->sent))
	{
		GlFlight *flight = dlist_head_element(GlFlight, node, &worker->sent);

		flight->result.kind = GL_HTTP_OTHER;
		strlcpy(flight->result.message, "the HTTP engine broke", sizeof(flight->result.message));
		finish(worker, flight);
		count++;
	}
	gl_worker_renew_engine(worker);
	return count;
}

/* Moves flights that were never sent to the finished ones. */
static void
append(GlWorker *worker, dlist_head *flights)
{
	int count = 0;

	for (; !dlist_is_empty(flights); count++)
		dlist_push_tail(&worker->finished, dlist_pop_head_node(flights));
	note_finished(worker, count);
}

void
gl_worker_send(GlWorker *worker)
{
	dlist_head over = DLIST_STATIC_INIT(over);

	if (worker->engine_outdated)
		return;
	gl_outbox_lines_send(worker->http, &worker->sent, &over);
	append(worker, &over);
}

void
gl_worker_drop_line(GlWorker *worker)
{
	dlist_head over = DLIST_STATIC_INIT(over);

	gl_outbox_lines_empty(&over);
	append(worker, &over);
}

bool
gl_worker_collect(GlWorker *worker)
{
	GlStatus status = gl_http_service(worker->http);
	GlHttpResult result;
	int count = 0;

	while (gl_http_next(worker->http, &result))
	{
		GlFlight *flight = (GlFlight *) (uintptr_t) result.tag;

		flight->result = result;
		flight->answered = true;
		finish(worker, flight);
		count++;
	}
	if (status != GL_OK)
		count += give_up_engine(worker);
	note_finished(worker, count);
	if (count > 0)
		gl_worker_send(worker);
	return count > 0;
}
