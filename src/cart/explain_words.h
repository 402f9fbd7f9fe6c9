/*-------------------------------------------------------------------------
 *
 * explain_words.h
 *	  What stands in the way of an offer, in words with the figures.
 *
 * Those that answer a list append to it, each reason behind a "; " where the
 * list is not empty.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_EXPLAIN_WORDS_H
#define GL_EXPLAIN_WORDS_H

#include "lib/stringinfo.h"

#include "cart/offer.h"

/* "2026-03-01" */
extern char *gl_day_words(int64 date);

/* "slot 10:00–12:00 on 2026-03-01" */
extern char *gl_slot_words(int from, int to, int64 date);

/* The items of a bitset: "items p1, p3", "item p2" */
extern char *gl_items_words(const GlCart *cart, const uint64 *items);

/* Begins a reason. */
extern void gl_reason_begin(StringInfo reasons);

/* The gates that a rule does not pass, whatever the type and the items. */
extern void gl_gates_explain(StringInfo reasons, const GlCheckout *checkout, const GlStore *store,
							 const GlStoreRule *rule);

/* The items of the cart that a rule does not carry. */
extern void gl_items_explain(StringInfo reasons, const GlCheckout *checkout, const GlStore *store,
							 const GlStoreRule *rule);

/*
 * What is closed or full of a rule for a type; answers whether there is
 * something open.  SPI is connected.
 */
extern bool gl_schedule_explain(StringInfo reasons, const GlCheckout *checkout,
								const GlFullCounters *full, const GlStore *store,
								const GlStoreRule *rule, const char *type);

#endif /* GL_EXPLAIN_WORDS_H */
