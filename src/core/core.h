/*-------------------------------------------------------------------------
 *
 * core.h
 *	  What every part of the extension may use: ids, the clock, and the bridge
 *	  from the server's memory and interrupts to the pure files.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_CORE_H
#define GL_CORE_H

#include "datatype/timestamp.h"
#include "utils/palloc.h"

#include "pure.h"

#define GL_ULID_LENGTH 26

/* Writes a new ULID and a terminating zero. */
extern void gl_ulid_write(char ulid[GL_ULID_LENGTH + 1]);

/* The time that rules are read against; see ganje.now(). */
extern TimestampTz gl_clock_read(void);

/* The time that leases and holds expire by; see ganje.clock(). */
extern TimestampTz gl_clock_read_wall(void);

/* An arena over a memory context: it answers NULL, as pure code expects, where palloc would raise. */
extern GlArena gl_arena(MemoryContext context);

/* Asks whether the backend is to stop; after GL_STOPPED the caller's CHECK_FOR_INTERRUPTS raises. */
extern GlStop gl_stop_on_interrupt(void);

/*
 * The role that owns the extension: whose rights the extension's own queries
 * have, whoever asks.  Raises where the extension is not installed.
 */
extern Oid gl_extension_owner(void);

/*
 * Runs queries as the extension's owner until gl_owner_leave, with a
 * search_path on which the caller can have put nothing, as a SECURITY DEFINER
 * function does; an error undoes it as well.
 */
typedef struct GlOwnerScope
{
	Oid user;
	int security;
	int settings;
} GlOwnerScope;

extern GlOwnerScope gl_owner_enter(void);
extern void gl_owner_leave(GlOwnerScope scope);

/*
 * Plans made from here on go by an index wherever there is one, until the
 * settings' level of the caller (NewGUCNestLevel, or its function's SET) ends.
 */
extern void gl_plan_forbid_scans(void);

#endif /* GL_CORE_H */
