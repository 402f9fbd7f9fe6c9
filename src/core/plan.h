/*-------------------------------------------------------------------------
 *
 * plan.h
 *	  Statements whose plan a backend keeps.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_PLAN_H
#define GL_PLAN_H

#include "executor/spi.h"

#define GL_KEPT_PARAMETERS 5

/* A static one is filled but for its plan, which is made at its first use. */
typedef struct GlKeptPlan
{
	const char *sql;
	int count;
	Oid types[GL_KEPT_PARAMETERS];
	SPIPlanPtr plan;
} GlKeptPlan;

/*
 * Runs a statement by its kept generic plan; the caller is connected to SPI.
 * A null is marked by 'n' in nulls, as SPI has it.  Answers SPI_processed.
 */
extern uint64 gl_plan_execute(GlKeptPlan *kept, Datum *values, const char *nulls);

/* The same of what only reads, under the active snapshot. */
extern uint64 gl_plan_read(GlKeptPlan *kept, Datum *values, const char *nulls);

#endif /* GL_PLAN_H */
