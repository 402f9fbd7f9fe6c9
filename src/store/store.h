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

/*
 * What one call has found out about something that many rules share: they
 * point to the same memo.  It holds for the call whose number it bears.
 */
typedef struct GlMemo
{
	uint64 call;
	void *answer;
} GlMemo;

/* A MultiSelectionRule: any of the values, or all of them. */
typedef struct GlSelection
{
	bool given;
	bool all;
	GlTexts values;
	GlMemo *const *memos; /* of each value; equal ones of one column have one */
} GlSelection;

/* Has this call found it out? */
static inline bool
gl_memo_holds(const GlMemo *memo, uint64 call)
{
	return memo->call == call;
}

static inline void
gl_memo_keep(GlMemo *memo, uint64 call, void *answer)
{
	memo->answer = answer;
	memo->call = call;
}

/* Digits behind the point of a scaled fee: no fee that is stored has more. */
#define GL_FEE_SCALE 6

/* A numeric that may be absent. */
typedef struct GlAmount
{
	bool given;
	Datum value;
} GlAmount;

/* Digits behind the point of a scaled limit: no weight or volume of a cart has more. */
#define GL_LIMIT_SCALE 9

/* What a rule carries at most; also × 10^GL_LIMIT_SCALE, rounded down, or PG_INT64_MAX if that is too much. */
typedef struct GlLimit
{
	GlAmount amount;
	int64 scaled;
} GlLimit;

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
	int64 scaled_fee; /* fee × 10^GL_FEE_SCALE */
	GlAmount min_order_count;
	GlAmount min_cart_total;
	GlLimit max_cart_weight;
	GlLimit max_cart_volume;
	GlSelection category;
	GlSelection tag;
	GlSelection segment;
	GlMemo *gate;     /* of rules with the same zones, minimums and segment */
	GlMemo *carried;  /* of rules with the same category, tag and limits */
	GlMemo *schedule; /* by GlScheduleKind, of rules with the same days, slots, cut-off and time */
	GlMemo *offered;  /* of rules with the same types */
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
	GlMemo *own_items; /* of all stores of the merchant */
	bool match_all;
	int rule_count;
	GlStoreRule *rules; /* in order of position */
	int provider_count;
	GlStoreProvider *providers;
} GlStore;

typedef struct GlRuleIndex GlRuleIndex;

typedef struct GlStoreList
{
	int count;
	GlStore *stores; /* by merchant, then store id */
	int merchant_count;
	const GlRuleIndex **indexes; /* of the rules of each merchant */
} GlStoreList;

/*
 * The live stores of some merchants with their live rules, as the active
 * snapshot sees them, from the cache of this backend.  They stay where they
 * are until CurrentMemoryContext is reset or deleted.  SPI is connected.
 */
extern GlStoreList *gl_stores_read(const GlTexts *merchants);

/* Reads one merchant's stores from the tables into CurrentMemoryContext. SPI is connected. */
extern GlStoreList *gl_stores_load(const char *merchant_id);

/* An index of all rules of one merchant's stores, in CurrentMemoryContext. */
extern const GlRuleIndex *gl_rule_index_build(const GlStoreList *list);

/* Its merchant, NULL where there are no rules; and a number that no other load of rules has had. */
extern const char *gl_rule_index_merchant(const GlRuleIndex *index);
extern uint64 gl_rule_index_load(const GlRuleIndex *index);

/* The rule of a merchant's store, or NULL. */
extern const GlStoreRule *gl_rule_find(const GlStoreList *list, const text *merchant_id,
									   const text *store_id, const text *rule_id);

/* The store's registered provider, or NULL. */
extern const GlStoreProvider *gl_store_provider(const GlStore *store, const char *type,
												const char *provider_id);

#endif /* GL_STORE_H */
