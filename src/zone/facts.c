/*-------------------------------------------------------------------------
 *
 * facts.c
 *	  Takes the facts of facts.h from a compiled zone.  Pure.
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "zone/facts.h"

static const GlRuleHeader *
first_rule(const GlZoneImage *image)
{
	return (const GlRuleHeader *) (image + 1);
}

static const GlRuleHeader *
next_rule(const GlRuleHeader *rule)
{
	return (const GlRuleHeader *) ((const char *) rule + rule->size);
}

static GlZoneShape
shape_of(const GlZoneImage *image, const GlRuleHeader *rule)
{
	GlZoneShape shape;

	memset(&shape, 0, sizeof(shape));
	shape.kind = rule->kind == GL_RULE_CIRCLE ? GL_CELL_CIRCLE : GL_CELL_POLYGON;
	shape.bounds = gl_cell_bounds((GlCellKind) shape.kind, rule + 1);
	shape.offset = (uint32_t) ((const char *) (rule + 1) - (const char *) image);
	shape.size = (uint32_t) (rule->size - sizeof(*rule));
	return shape;
}

static double
extent(const GlZoneShape *shape)
{
	return ((double) shape->bounds.max_lat - shape->bounds.min_lat) *
		   ((double) shape->bounds.max_lng - shape->bounds.min_lng);
}

static uint32_t
count_addresses(const GlZoneImage *image)
{
	const GlRuleHeader *rule = first_rule(image);
	uint32_t count = 0;

	for (uint32_t i = 0; i < image->rule_count; i++, rule = next_rule(rule))
		count += rule->kind == GL_RULE_ADDRESS;
	return count;
}

/* The shapes that a point alone is looked up in; "into" may be NULL, to count them. */
static uint32_t
list_shapes(const GlZoneImage *image, GlZoneShape *into)
{
	const GlRuleHeader *rule = first_rule(image);
	GlZoneShape narrowest;
	uint32_t count = 0;

	/* A point alone cannot match where an address must as well. */
	if (image->match_all && count_addresses(image) > 0)
		return 0;
	for (uint32_t i = 0; i < image->rule_count; i++, rule = next_rule(rule))
	{
		GlZoneShape shape;

		if (rule->kind == GL_RULE_ADDRESS)
			continue;
		shape = shape_of(image, rule);
		if (!image->match_all && into != NULL)
			into[count] = shape;
		if (image->match_all && (count == 0 || extent(&shape) < extent(&narrowest)))
			narrowest = shape;
		count++;
	}
	if (!image->match_all || count == 0)
		return count;
	if (into != NULL)
		*into = narrowest;
	return 1;
}

static uint32_t
count_circles(const GlZoneShape *shapes, uint32_t count)
{
	uint32_t circles = 0;

	for (uint32_t i = 0; i < count; i++)
		circles += shapes[i].kind == GL_CELL_CIRCLE;
	return circles;
}

/* As promised in facts.h. */
size_t
gl_zone_facts_size(const GlZoneImage *image)
{
	uint32_t shapes = list_shapes(image, NULL);
	const GlRuleHeader *rule = first_rule(image);
	uint32_t circles = 0;

	for (uint32_t i = 0; i < image->rule_count; i++, rule = next_rule(rule))
		circles += rule->kind == GL_RULE_CIRCLE;
	return sizeof(GlZoneFacts) + shapes * sizeof(GlZoneShape) +
		   (circles < shapes ? circles : shapes) * sizeof(GlCircle);
}

/* As promised in facts.h. */
void
gl_zone_facts_write(const GlZoneImage *image, void *into)
{
	GlZoneFacts *facts = into;
	GlZoneShape *shapes = (GlZoneShape *) (facts + 1);
	char *circles;

	memset(into, 0, gl_zone_facts_size(image));
	facts->magic = GL_FACTS_MAGIC;
	facts->version = GL_FACTS_VERSION;
	facts->everywhere = image->rule_count == 0;
	facts->has_address = count_addresses(image) > 0;
	facts->needs_confirm = image->match_all != 0 && image->rule_count > 1;
	facts->shape_count = list_shapes(image, shapes);
	circles = (char *) (shapes + facts->shape_count);
	for (uint32_t i = 0; i < facts->shape_count; i++)
		if (shapes[i].kind == GL_CELL_CIRCLE)
		{
			memcpy(circles, (const char *) image + shapes[i].offset, sizeof(GlCircle));
			circles += sizeof(GlCircle);
		}
}

/* As promised in facts.h. */
bool
gl_zone_facts_check(const void *bytes, size_t size)
{
	const GlZoneFacts *facts = bytes;
	const GlZoneShape *shapes = (const GlZoneShape *) (facts + 1);
	size_t needed = sizeof(*facts);

	if (size < sizeof(*facts) || facts->magic != GL_FACTS_MAGIC ||
		facts->version != GL_FACTS_VERSION ||
		facts->shape_count > (size - sizeof(*facts)) / sizeof(GlZoneShape))
		return false;
	needed += facts->shape_count * sizeof(GlZoneShape) +
			  count_circles(shapes, facts->shape_count) * sizeof(GlCircle);
	/* The narrowest of several may be a polygon where circles were counted as well. */
	return size >= needed;
}
