/*-------------------------------------------------------------------------
 *
 * image.c
 *	  Checks and reads the compiled form of a zone's rules.  Pure.
 *
 * The block comes from a table that a superuser may write to and a crash may
 * tear, so every length in it is checked once, when it is loaded; matching
 * then trusts it.
 *
 *-------------------------------------------------------------------------
 */
#include "zone/image.h"

#include <string.h>

#define ALIGNED(size) (((size) + 7) & ~(size_t) 7)

static bool
check_text(const char **cursor, const char *end)
{
	uint32_t length;

	if ((size_t) (end - *cursor) < sizeof(length))
		return false;
	memcpy(&length, *cursor, sizeof(length));
	*cursor += sizeof(length);
	if ((size_t) (end - *cursor) < length)
		return false;
	*cursor += length;
	return true;
}

static bool
check_conditions(const GlRuleHeader *rule)
{
	const char *start = (const char *) (rule + 1);
	const char *end = (const char *) rule + rule->size;

	for (uint32_t i = 0; i < rule->condition_count; i++)
	{
		GlConditionHeader header;
		const char *cursor;

		if ((size_t) (end - start) < sizeof(header))
			return false;
		memcpy(&header, start, sizeof(header));
		if (header.size < sizeof(header) || header.size % 8 != 0 ||
			header.size > (size_t) (end - start))
			return false;
		cursor = start + sizeof(header);
		if (!check_text(&cursor, start + header.size))
			return false;
		for (uint32_t v = 0; v < header.value_count; v++)
			if (!check_text(&cursor, start + header.size))
				return false;
		start += header.size;
	}
	return true;
}

static bool
check_rule(const GlRuleHeader *rule)
{
	size_t payload = rule->size - sizeof(*rule);

	switch (rule->kind)
	{
		case GL_RULE_ADDRESS:
			return check_conditions(rule);
		case GL_RULE_CIRCLE:
			return payload == ALIGNED(sizeof(GlCircle));
		case GL_RULE_POLYGON:
			return gl_polygon_check_image(rule + 1, payload);
		default:
			return false;
	}
}

bool
gl_zone_image_check(const void *bytes, size_t size)
{
	const GlZoneImage *image = bytes;
	const char *start = (const char *) bytes + sizeof(*image);
	const char *end = (const char *) bytes + size;

	if (size < sizeof(*image) || image->magic != GL_ZONE_MAGIC ||
		image->version != GL_ZONE_VERSION || image->size != size)
		return false;
	for (uint32_t i = 0; i < image->rule_count; i++)
	{
		const GlRuleHeader *rule = (const GlRuleHeader *) start;

		if ((size_t) (end - start) < sizeof(*rule) || rule->size < sizeof(*rule) ||
			rule->size % 8 != 0 || rule->size > (size_t) (end - start) || !check_rule(rule))
			return false;
		start += rule->size;
	}
	return start == end;
}

/* The text at the cursor, which moves behind it. */
static const char *
next_text(const char **cursor, uint32_t *length)
{
	const char *text;

	memcpy(length, *cursor, sizeof(*length));
	text = *cursor + sizeof(*length);
	*cursor = text + *length;
	return text;
}

/* A field that the address does not have matches neither IN nor NIN. */
static bool
condition_holds(const GlConditionHeader *condition, const GlZoneQuestion *question)
{
	const char *cursor = (const char *) (condition + 1);
	uint32_t length;
	const char *name = next_text(&cursor, &length);
	const GlAddressField *field = NULL;

	for (int i = 0; i < question->field_count && field == NULL; i++)
	{
		const GlAddressField *candidate = &question->fields[i];

		if (candidate->name_length == length && memcmp(candidate->name, name, length) == 0)
			field = candidate;
	}
	if (field == NULL)
		return false;
	for (uint32_t v = 0; v < condition->value_count; v++)
	{
		const char *value = next_text(&cursor, &length);

		if (length == field->value_length && memcmp(value, field->value, length) == 0)
			return condition->negated == 0;
	}
	return condition->negated != 0;
}

static bool
address_matches(const GlRuleHeader *rule, const GlZoneQuestion *question)
{
	const char *start = (const char *) (rule + 1);

	for (uint32_t i = 0; i < rule->condition_count; i++)
	{
		const GlConditionHeader *condition = (const GlConditionHeader *) start;

		if (!condition_holds(condition, question))
			return false;
		start += condition->size;
	}
	return true;
}

static bool
rule_matches(const GlRuleHeader *rule, const GlZoneQuestion *question)
{
	if (rule->kind == GL_RULE_ADDRESS)
		return question->field_count > 0 && address_matches(rule, question);
	if (!question->has_point)
		return false;
	if (rule->kind == GL_RULE_CIRCLE)
		return gl_circle_contains((const GlCircle *) (rule + 1), &question->point);
	return gl_polygon_covers((const GlPolygon *) (rule + 1), question->point.lat,
							 question->point.lng);
}

bool
gl_zone_image_matches(const GlZoneImage *image, const GlZoneQuestion *question)
{
	const char *start = (const char *) (image + 1);

	if (image->rule_count == 0)
		return true;
	for (uint32_t i = 0; i < image->rule_count; i++)
	{
		const GlRuleHeader *rule = (const GlRuleHeader *) start;

		if (rule_matches(rule, question) != (image->match_all != 0))
			return image->match_all == 0;
		start += rule->size;
	}
	return image->match_all != 0;
}
