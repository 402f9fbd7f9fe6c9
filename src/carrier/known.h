/*-------------------------------------------------------------------------
 *
 * known.h
 *	  The carriers that this backend has called.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_CARRIER_KNOWN_H
#define GL_CARRIER_KNOWN_H

#include "carrier/contract.h"

/* A row of ganje.carrier, as far as the contract goes. */
typedef struct GlCarrier
{
	char *signatures[GL_CONTRACT_COUNT]; /* NULL: the carrier does without */
	Oid functions[GL_CONTRACT_COUNT];    /* behind them, or InvalidOid: to be looked up */
	char *registered_by;                 /* NULL: built in */
	Oid owner;                           /* of the extension */
} GlCarrier;

/*
 * A carrier by its name, or NULL where there is none.  What is answered stays
 * until the next call; functions are those that were put there since anything
 * changed by which a signature is looked up, and by the same user.
 */
extern GlCarrier *gl_carrier_find(const char *name);

#endif /* GL_CARRIER_KNOWN_H */
