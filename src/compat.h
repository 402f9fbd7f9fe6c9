/*-------------------------------------------------------------------------
 *
 * compat.h
 *	  The only place that knows PostgreSQL's versions.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_COMPAT_H
#define GL_COMPAT_H

#if PG_VERSION_NUM < 150000
#error "ganje_logistics needs PostgreSQL 15 or later"
#endif

/* The macros for varlena values moved out of postgres.h in 16. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/*
 * Makes a function callable from SQL and exports it; 15's PG_FUNCTION_INFO_V1
 * does not export, and we hide whatever is not.
 */
#define GL_FUNCTION(name)                                                                          \
	extern PGDLLEXPORT Datum name(PG_FUNCTION_ARGS);                                               \
	PG_FUNCTION_INFO_V1(name)

/* The local transaction id of this backend; the field moved in 17. */
#if PG_VERSION_NUM >= 170000
#define GL_MY_LOCAL_TRANSACTION (MyProc->vxid.lxid)
#else
#define GL_MY_LOCAL_TRANSACTION (MyProc->lxid)
#endif

/* Was the table's file made, or emptied in place, within this transaction?  The field was renamed in 16. */
#if PG_VERSION_NUM >= 160000
#define GL_FILE_IS_NEW(relation)                                                                   \
	((relation)->rd_createSubid != InvalidSubTransactionId ||                                      \
	 (relation)->rd_firstRelfilelocatorSubid != InvalidSubTransactionId)
#else
#define GL_FILE_IS_NEW(relation)                                                                   \
	((relation)->rd_createSubid != InvalidSubTransactionId ||                                      \
	 (relation)->rd_firstRelfilenodeSubid != InvalidSubTransactionId)
#endif

/* Where the executor keeps the conditions of CHECK, and whether one is in force; 18 renamed the field, and has some that are not. */
#if PG_VERSION_NUM >= 180000
#define GL_CHECK_EXPRESSIONS ri_CheckConstraintExprs
#define GL_CHECK_IS_ENFORCED(check) ((check)->ccenforced)
#else
#define GL_CHECK_EXPRESSIONS ri_ConstraintExprs
#define GL_CHECK_IS_ENFORCED(check) ((check) != NULL)
#endif

/* How a key of one length gets into a shared hash table, which had no say in that before 17. */
#if PG_VERSION_NUM >= 170000
#define GL_DSHASH_COPY_KEY .copy_function = dshash_memcpy
#else
#define GL_DSHASH_COPY_KEY .tranche_id = 0
#endif

/* What a process waits for, by a name of ours where the server can show one (wait_event.h). */
#if PG_VERSION_NUM >= 170000
#define GL_WAIT_EVENT(name) WaitEventExtensionNew(name)
#else
#define GL_WAIT_EVENT(name) PG_WAIT_EXTENSION
#endif

#endif /* GL_COMPAT_H */
