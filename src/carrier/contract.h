/*-------------------------------------------------------------------------
 *
 * contract.h
 *	  What a carrier's functions must be.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_CARRIER_CONTRACT_H
#define GL_CARRIER_CONTRACT_H

#include "postgres.h"

/* The functions of a carrier, in the order of the columns of ganje.carrier. */
typedef enum GlContract
{
	GL_CONTRACT_BUILD,
	GL_CONTRACT_AUTHORIZE,
	GL_CONTRACT_APPLY,
	GL_CONTRACT_RECEIVE,
	GL_CONTRACT_COUNT
} GlContract;

/*
 * Is this a plain function of the types that the contract asks for?  Those
 * are the types of the SQL function that runs it (ganje.run_build and its
 * kin): its arguments after the carrier, and its result.
 */
extern bool gl_carrier_fits(Oid function, Oid contract);

/*
 * The request for an operation on a shipment, a ganje.http_request, by the
 * carrier's build function, run as the role that registered it.
 */
extern Datum gl_carrier_build(text *carrier, Datum shipment, text *operation, bool *isnull);

#endif /* GL_CARRIER_CONTRACT_H */
