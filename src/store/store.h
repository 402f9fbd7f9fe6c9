/*-------------------------------------------------------------------------
 *
 * store.h
 *	  Stores and their rules as pools are computed from them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_STORE_H
#define GL_STORE_H

#include "core/texts.h"
#include "pool/schedule.h"

/* A MultiSelectionRule: any of the values, or all of them. */
typedef struct GlSelection
{
	bool given;
	bool all;
	GlTexts values;
} GlSelection;

/* A numeric that may be absent. */
typedef struct GlAmount
{
	bool given;
	Datum value;
} GlAmount;

typedef struct GlStoreRule
{
	char *rule_id;
	GlTexts types;
	GlTexts providers;
	unsigned days; /* bit d - 1 for ISO day d; 0: every day */
	GlSlot *slots;
	int slot_count;
	int cutoff; /* minutes */
	bool has_time;
	GlSlot time_slot;
	int time_in; /* minutes */
	GlTexts zones;
	bool has_capacity;
	int capacity;
	GlAmount fee;
	GlAmount min_order_count;
	GlAmount min_cart_total;
	GlAmount max_cart_weight;
	GlAmount max_cart_volume;
	GlSelection category;
	GlSelection tag;
	GlSelection segment;
} GlStoreRule;

/* A provider that the store has registered, where that changes what is offered. */
typedef struct GlStoreProvider
{
	char *type;
	char *provider_id;
	bool tied;    /* to a carrier account: shown whatever the type */
	bool deleted; /* not offered */
} GlStoreProvider;

typedef struct GlStore
{
	char *merchant_id;
	char *store_id;
	GlTexts zones;
	bool match_all;
	int rule_count;
	GlStoreRule *rules; /* in order of position */
	int provider_count;
	GlStoreProvider *providers;
} GlStore;

typedef struct GlStoreList
{
	int count;
	GlStore *stores; /* by merchant, then store id */
} GlStoreList;

/* The live stores of some merchants with their live rules. SPI is connected. */
extern GlStoreList *gl_stores_read(const GlTexts *merchants);

/* The store's registered provider, or NULL. */
extern const GlStoreProvider *gl_store_provider(const GlStore *store, const char *type,
												const char *provider_id);

#endif /* GL_STORE_H */
