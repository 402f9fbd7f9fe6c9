/*-------------------------------------------------------------------------
 *
 * map_draw.c
 *	  zone_map() as SVG 1.1: no script, no style sheet, nothing from outside,
 *	  so that it is safe to open whatever the zones are called.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "mb/pg_wchar.h"
#include "miscadmin.h"

#include "zone/map.h"

#define LEGEND_HEIGHT 46.0
#define LEGEND_LINE 16.0
#define LEGEND_LETTER 6.6 /* wide, at most */
#define LEGEND_NAMES 12   /* named before "and n more" */
#define NORTH_WIDTH 34.0
#define TITLE_CHARACTERS 200
#define GREATEST_BYTES (64 * 1024 * 1024)
#define METERS_PER_DEGREE 111194.9 /* of latitude on the mean sphere */

/* The replacement character where XML has none; in an encoding without it, a question mark. */
static const char *
replacement(void)
{
	return GetDatabaseEncoding() == PG_UTF8 ? "\xEF\xBF\xBD" : "?";
}

void
gl_map_append_text(StringInfo out, const char *text, int characters)
{
	for (; *text != '\0'; text += pg_mblen(text))
	{
		unsigned char c = (unsigned char) *text;

		if (characters-- == 0)
		{
			appendStringInfoString(out, "...");
			return;
		}
		if (c == '<')
			appendStringInfoString(out, "&lt;");
		else if (c == '>')
			appendStringInfoString(out, "&gt;");
		else if (c == '&')
			appendStringInfoString(out, "&amp;");
		else if (c == '"')
			appendStringInfoString(out, "&quot;");
		else if (c == '\'')
			appendStringInfoString(out, "&#39;");
		else if (c == '\n' || c == '\r' || c == '\t')
			appendStringInfoChar(out, ' ');
		else if (c < 0x20 || c == 0x7F || strncmp(text, "\xEF\xBF\xBE", 3) == 0 ||
				 strncmp(text, "\xEF\xBF\xBF", 3) == 0)
			appendStringInfoString(out, replacement());
		else
			appendBinaryStringInfo(out, text, pg_mblen(text));
	}
}

/* Hues by the golden angle, so that neighbours in the list differ most; three rounds of shade. */
static void
append_color(StringInfo out, uint32 number, bool dark)
{
	static const double lightness[] = {0.48, 0.62, 0.38};
	double hue = fmod(number * 137.50776405 + 205, 360) / 60;
	double light = lightness[number % 3] * (dark ? 0.62 : 1);
	double chroma = (1 - fabs(2 * light - 1)) * (number / 3 % 2 == 0 ? 0.72 : 0.52);
	double second = chroma * (1 - fabs(fmod(hue, 2) - 1));
	double rest = light - chroma / 2;
	int sector = (int) hue;
	double red = sector == 0 || sector == 5 ? chroma : sector == 1 || sector == 4 ? second : 0;
	double green = sector == 1 || sector == 2 ? chroma : sector == 0 || sector == 3 ? second : 0;
	double blue = sector == 3 || sector == 4 ? chroma : sector == 2 || sector == 5 ? second : 0;

	appendStringInfo(out, "#%02x%02x%02x", (int) (255 * (red + rest)), (int) (255 * (green + rest)),
					 (int) (255 * (blue + rest)));
}

/* Tenths of a pixel, without a needless ".0". */
static void
append_pixel(StringInfo out, char command, const GlMapPixel *pixel)
{
	appendStringInfo(out, "%c%.5g %.5g", command, rint(pixel->x * 10.0) / 10,
					 rint(pixel->y * 10.0) / 10);
}

static void
draw_zone(const GlMap *map, StringInfo out, uint32 number)
{
	const GlMapZone *zone = &map->zones[number];

	CHECK_FOR_INTERRUPTS();
	for (uint32 r = 0; r < zone->ring_count;)
	{
		uint32 rule = zone->rings[r].rule;

		appendStringInfoString(out, "<path d=\"");
		for (; r < zone->ring_count && zone->rings[r].rule == rule; r++)
		{
			for (uint32 i = 0; i < zone->rings[r].pixel_count; i++)
				append_pixel(out, i == 0 ? 'M' : 'L', &zone->rings[r].pixels[i]);
			appendStringInfoChar(out, 'Z');
		}
		appendStringInfoString(out, "\" fill=\"");
		append_color(out, number, false);
		appendStringInfoString(out, "\" stroke=\"");
		append_color(out, number, true);
		appendStringInfo(out, "\"%s><title>",
						 zone->intersection ? " stroke-dasharray=\"4 3\" fill-opacity=\"0.2\""
											: "");
		gl_map_append_text(out, zone->area->name, TITLE_CHARACTERS);
		appendStringInfoString(out, " (");
		gl_map_append_text(out, zone->area->zone_id, TITLE_CHARACTERS);
		appendStringInfo(out, ")%s</title></path>\n",
						 zone->intersection ? ", where all of its areas overlap" : "");
	}
	if (out->len > GREATEST_BYTES)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("the map is larger than %d MB", GREATEST_BYTES / 1024 / 1024),
						errhint("Draw fewer zones, or a smaller width.")));
}

static void
draw_names(const GlMap *map, StringInfo out)
{
	appendStringInfoString(out, "<g text-anchor=\"middle\" fill=\"#1a1a1a\" stroke=\"#ffffff\" "
								"stroke-opacity=\"0.8\" stroke-width=\"2.5\" "
								"stroke-linejoin=\"round\" paint-order=\"stroke\">\n");
	for (uint32 z = 0; z < map->zone_count; z++)
	{
		const GlMapZone *zone = &map->zones[z];

		if (zone->font_size == 0)
			continue;
		appendStringInfo(out, "<text x=\"%.1f\" y=\"%.1f\" font-size=\"%g\">", zone->label.x,
						 zone->label.y + 0.35 * zone->font_size, zone->font_size);
		gl_map_append_text(out, zone->area->name, GL_MAP_LABEL_CHARACTERS);
		appendStringInfoString(out, "</text>\n");
	}
	appendStringInfoString(out, "</g>\n");
}

/* A point has the colour of the first zone that matches; none: it is hollow. */
static void
draw_marks(const GlMap *map, StringInfo out)
{
	for (uint32 m = 0; m < map->mark_count; m++)
	{
		const GlMapMark *mark = &map->marks[m];

		CHECK_FOR_INTERRUPTS();
		appendStringInfo(out,
						 "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4.5\" stroke=\"#000000\" "
						 "stroke-width=\"1.6\" fill=\"",
						 mark->pixel.x, mark->pixel.y);
		if (mark->zone < 0)
			appendStringInfoString(out, "#ffffff");
		else
			append_color(out, (uint32) mark->zone, false);
		appendStringInfoString(out, "\"><title>");
		if (mark->name != NULL)
		{
			gl_map_append_text(out, mark->name, TITLE_CHARACTERS);
			appendStringInfoString(out, ": ");
		}
		appendStringInfo(out, "%.6f, %.6f: ", mark->degrees.lat, mark->degrees.lng);
		gl_map_append_text(out, mark->zone < 0 ? "no zone" : map->zones[mark->zone].area->name,
						   TITLE_CHARACTERS);
		appendStringInfoString(out, "</title></circle>\n");
		if (mark->name == NULL)
			continue;
		appendStringInfo(out,
						 "<text x=\"%.1f\" y=\"%.1f\" font-size=\"11\" font-weight=\"bold\" "
						 "stroke=\"#ffffff\" stroke-width=\"3\" stroke-linejoin=\"round\" "
						 "paint-order=\"stroke\">",
						 mark->pixel.x + 7, mark->pixel.y + 4);
		gl_map_append_text(out, mark->name, GL_MAP_LABEL_CHARACTERS);
		appendStringInfoString(out, "</text>\n");
	}
}

/* The longest of 1, 2, 5 × 10^n meters that fits a fifth of the picture; answers where its label ends. */
static double
draw_scale(const GlMap *map, StringInfo out)
{
	static const double steps[] = {5, 2, 1};
	double pixels_per_meter = map->scale / METERS_PER_DEGREE;
	double longest = map->width / 5 / pixels_per_meter;
	double unit = pow(10, floor(log10(longest)));
	double length = unit;
	double y = map->height + 22;
	char *label;

	for (int i = 0; i < (int) lengthof(steps); i++)
		if (steps[i] * unit <= longest)
		{
			length = steps[i] * unit;
			break;
		}
	label = length >= 1000 ? psprintf("%g km", length / 1000) : psprintf("%g m", length);
	appendStringInfo(out,
					 "<path d=\"M%.1f %.1fv6h%.1fv-6\" fill=\"none\" stroke=\"#333333\" "
					 "stroke-width=\"1.5\"/>\n<text x=\"%.1f\" y=\"%.1f\">%s</text>\n",
					 GL_MAP_MARGIN, y - 6, length * pixels_per_meter,
					 GL_MAP_MARGIN + length * pixels_per_meter + 6, y, label);
	appendStringInfo(out,
					 "<path d=\"M%.1f %.1fl-6 18l6 -5l6 5Z\" fill=\"#333333\"/>\n"
					 "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" font-size=\"12\" "
					 "font-weight=\"bold\">N</text>\n",
					 map->width - GL_MAP_MARGIN - 26, map->height + 8,
					 map->width - GL_MAP_MARGIN - 8, map->height + 22);
	return GL_MAP_MARGIN + length * pixels_per_meter + 6 + strlen(label) * LEGEND_LETTER;
}

/* "By address only: Bursa, Ankara and 3 more", for zones that have no shape. */
static double
draw_shapeless(const GlMap *map, StringInfo out, bool everywhere, double y)
{
	int room = (int) ((map->width - 2 * GL_MAP_MARGIN) / LEGEND_LETTER);
	int used = 20;
	uint32 named = 0;
	uint32 count = 0;

	for (uint32 z = 0; z < map->zone_count; z++)
	{
		const GlMapZone *zone = &map->zones[z];
		int letters = Min(gl_map_characters(zone->area->name), GL_MAP_LABEL_CHARACTERS) + 2;

		if (zone->ring_count > 0 || (zone->area->image->rule_count == 0) != everywhere)
			continue;
		if (count++ == 0)
			appendStringInfo(out, "<text x=\"%.1f\" y=\"%.1f\">%s: ", GL_MAP_MARGIN, y,
							 everywhere ? "Everywhere" : "By address only");
		else if (named == count - 1 && named < LEGEND_NAMES && used + letters <= room)
			appendStringInfoString(out, ", ");
		if (named != count - 1 || named >= LEGEND_NAMES || (named > 0 && used + letters > room))
			continue;
		gl_map_append_text(out, zone->area->name, GL_MAP_LABEL_CHARACTERS);
		used += letters;
		named++;
	}
	if (count == 0)
		return y;
	if (count > named)
		appendStringInfo(out, " and %u more", count - named);
	appendStringInfoString(out, "</text>\n");
	return y + LEGEND_LINE;
}

/* In the middle of the scale's line, or on a line of its own where the scale, which ends at taken, leaves no room. */
static double
draw_counts(const GlMap *map, StringInfo out, double taken, double y)
{
	StringInfoData words;
	uint32 unnamed = 0;
	double half;
	bool fits;

	for (uint32 z = 0; z < map->zone_count; z++)
		unnamed += map->zones[z].ring_count > 0 && map->zones[z].font_size == 0;
	initStringInfo(&words);
	appendStringInfo(&words, "%u %s", map->zone_count, map->zone_count == 1 ? "zone" : "zones");
	if (unnamed > 0)
		appendStringInfo(&words, ", %u without room for the name", unnamed);
	if (map->mark_count > 0)
		appendStringInfo(&words, ", %u %s", map->mark_count,
						 map->mark_count == 1 ? "point" : "points");
	half = words.len * LEGEND_LETTER / 2;
	fits = map->width / 2 - half >= taken + LEGEND_LETTER &&
		   map->width / 2 + half <= map->width - GL_MAP_MARGIN - NORTH_WIDTH;
	if (fits)
		appendStringInfo(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>\n",
						 map->width / 2, map->height + 22, words.data);
	else
		appendStringInfo(out, "<text x=\"%.1f\" y=\"%.1f\">%s</text>\n", GL_MAP_MARGIN, y,
						 words.data);
	return fits ? y : y + LEGEND_LINE;
}

void
gl_map_draw(const GlMap *map, StringInfo out)
{
	StringInfoData legend;
	double bottom = map->height + LEGEND_HEIGHT;
	double taken = GL_MAP_MARGIN;

	initStringInfo(&legend);
	if (map->height > 0)
		taken = draw_scale(map, &legend);
	bottom = draw_counts(map, &legend, taken, bottom);
	bottom = draw_shapeless(map, &legend, false, bottom);
	bottom = draw_shapeless(map, &legend, true, bottom);
	bottom -= LEGEND_LINE / 2;
	appendStringInfo(out,
					 "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
					 "viewBox=\"0 0 %.0f %.0f\" font-family=\"DejaVu Sans, Arial, sans-serif\" "
					 "font-size=\"11\" fill=\"#333333\">\n<title>Zones</title>\n"
					 "<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n",
					 map->width, bottom, map->width, bottom);
	if (map->height > 0)
		appendStringInfo(out,
						 "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
						 "fill=\"#f3f6f8\" stroke=\"#c5ced6\"/>\n",
						 GL_MAP_MARGIN / 2, GL_MAP_MARGIN / 2, map->width - GL_MAP_MARGIN,
						 map->height - GL_MAP_MARGIN);
	/* Thin lines where thousands of zones lie over each other. */
	appendStringInfo(out,
					 "<g fill-rule=\"evenodd\" fill-opacity=\"0.5\" stroke-width=\"%s\" "
					 "stroke-linejoin=\"round\">\n",
					 map->zone_count > 1000 ? "0.3" : "0.8");
	/* The zone that wins lies on top. */
	for (uint32 z = map->zone_count; z > 0; z--)
		draw_zone(map, out, z - 1);
	appendStringInfoString(out, "</g>\n");
	draw_names(map, out);
	draw_marks(map, out);
	appendBinaryStringInfo(out, legend.data, legend.len);
	appendStringInfoString(out, "</svg>\n");
}
