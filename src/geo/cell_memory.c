/*-------------------------------------------------------------------------
 *
 * cell_memory.c
 *	  Blocks of a cell tree's nodes, named by 32 bits.
 *
 * Nodes are many and small and come and go as cells are cut, so a block is
 * named by its chunk and its place there: half of a pointer, and a node's 16 children fill one cache line.  Freed blocks are
 * kept in lists by size.  A block that is larger than a chunk gets one of
 * its own, whose lists are by powers of two.
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "geo/cell_node.h"

#define EXACT_SIZES 384 /* units; above, sizes are rounded up to powers of two */
#define MAX_CHUNKS ((1u << (31 - GL_CELL_CHUNK_BITS)) - 1)

/* Memory of the arena, counted; NULL where there is none. */
static void *
arena_take(GlCellTree *tree, size_t bytes)
{
	void *memory = tree->arena.alloc(tree->arena.context, bytes);

	if (memory != NULL)
		tree->node_bytes += bytes;
	return memory;
}

/* The list that blocks of this size are kept in; rounds the size up to the list's. */
static uint32_t
size_class(uint32_t *units)
{
	uint32_t size = 512;
	uint32_t list = EXACT_SIZES;

	if (*units < EXACT_SIZES)
		return *units;
	while (size < *units)
	{
		size *= 2;
		list++;
	}
	*units = size;
	return list;
}

/* A new chunk of so many units; its number, or MAX_CHUNKS. */
static uint32_t
add_chunk(GlCellTree *tree, uint32_t units)
{
	if (tree->chunk_count == MAX_CHUNKS)
		return MAX_CHUNKS;
	if (tree->chunk_count == tree->chunk_capacity)
	{
		uint32_t capacity = tree->chunk_capacity == 0 ? 64 : 2 * tree->chunk_capacity;
		char **chunks = arena_take(tree, capacity * sizeof(char *));

		if (chunks == NULL)
			return MAX_CHUNKS;
		if (tree->chunk_count > 0)
			memcpy(chunks, tree->chunks, tree->chunk_count * sizeof(char *));
		tree->chunks = chunks;
		tree->chunk_capacity = capacity;
	}
	tree->chunks[tree->chunk_count] = arena_take(tree, (size_t) units * GL_CELL_UNIT);
	if (tree->chunks[tree->chunk_count] == NULL)
		return MAX_CHUNKS;
	return tree->chunk_count++;
}

static uint32_t
units_of(bool inner, uint32_t covers, uint32_t entries, uint32_t runs)
{
	return (2 + (inner ? GL_CELL_CHILDREN : 0) + covers + 2 * entries + runs + 1) / 2;
}

/* A block for a node of such counts, which are set; 0 where there is no memory. */
uint32_t
gl_cell_alloc(GlCellTree *tree, bool inner, uint32_t covers, uint32_t entries, uint32_t runs)
{
	uint32_t units = units_of(inner, covers, entries, runs);
	uint32_t list = size_class(&units);
	uint32_t handle = tree->free_blocks[list];
	GlCellNode *node;

	if (covers > GL_CELL_MAX_COUNT || entries > GL_CELL_MAX_COUNT)
		return 0;
	/* The first unit of the first chunk is nobody's, as the handle 0 is none. */
	if (tree->chunk_count == 0)
	{
		if (add_chunk(tree, GL_CELL_CHUNK_UNITS) == MAX_CHUNKS)
			return 0;
		tree->small_chunk = 0;
		tree->chunk_used = 1;
	}
	if (handle != 0)
		memcpy(&tree->free_blocks[list], gl_cell_node(tree, handle), sizeof(uint32_t));
	else if (units >= GL_CELL_CHUNK_UNITS)
	{
		uint32_t chunk = add_chunk(tree, units);

		if (chunk == MAX_CHUNKS)
			return 0;
		handle = chunk << GL_CELL_CHUNK_BITS;
	}
	else
	{
		if (tree->chunk_used + units > GL_CELL_CHUNK_UNITS)
		{
			uint32_t chunk = add_chunk(tree, GL_CELL_CHUNK_UNITS);

			if (chunk == MAX_CHUNKS)
				return 0;
			tree->small_chunk = chunk;
			tree->chunk_used = 0;
		}
		handle = tree->small_chunk << GL_CELL_CHUNK_BITS | tree->chunk_used;
		tree->chunk_used += units;
	}
	node = gl_cell_node(tree, handle);
	memset(node, 0, sizeof(*node));
	node->inner = inner;
	node->cover_count = covers;
	node->entry_count = entries;
	return handle;
}

void
gl_cell_free(GlCellTree *tree, uint32_t handle)
{
	GlCellNode *node;
	uint32_t units;
	uint32_t list;

	if (handle == 0 || (handle & GL_CELL_WHOLE) != 0)
		return;
	node = gl_cell_node(tree, handle);
	/* An inner node may have had entries and handed them down: then a part of the block is lost. */
	units = units_of(node->inner, node->cover_count, node->entry_count, gl_cell_run_count(node));
	list = size_class(&units);
	memcpy(node, &tree->free_blocks[list], sizeof(uint32_t));
	tree->free_blocks[list] = handle;
}

/* Appends a word; false where there is no memory. */
bool
gl_cell_push(GlCellTree *tree, GlCellScratch *scratch, uint32_t word)
{
	if (scratch->count == scratch->capacity)
	{
		uint32_t capacity = scratch->capacity == 0 ? 1024 : 2 * scratch->capacity;
		uint32_t *words;

		if (scratch->capacity >= UINT32_MAX / 4)
			return false;
		words = arena_take(tree, (size_t) capacity * sizeof(uint32_t));
		if (words == NULL)
			return false;
		if (scratch->count > 0)
			memcpy(words, scratch->words, (size_t) scratch->count * sizeof(uint32_t));
		scratch->words = words;
		scratch->capacity = capacity;
	}
	scratch->words[scratch->count++] = word;
	return true;
}
