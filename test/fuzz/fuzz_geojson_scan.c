/*
 * fuzz_geojson_scan.c
 *	  Any bytes as the text of a GeoJSON: the scan stays within them, and what
 *	  passes a limit passes a looser one.
 *
 * Input: a byte for the depth, a byte for the elements, then the text.
 */
#include <stdlib.h>
#include <string.h>

#include "zone/geojson_scan.h"

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	GlError error = {-1, ""};
	char *text;
	size_t length;
	GlStatus status;

	if (size < 2)
		return 0;
	length = size - 2;
	/* Exactly as long as it is, so that a byte beyond it is seen. */
	text = malloc(length > 0 ? length : 1);
	memcpy(text, data + 2, length);
	status = gl_geojson_scan(text, length, data[0], data[1], &error);
	if (status == GL_LIMIT && (error.where < 0 || (size_t) error.where >= length))
		abort();
	if (status == GL_OK &&
		gl_geojson_scan(text, length, data[0] + 1, data[1] + 1u, &error) != GL_OK)
		abort();
	free(text);
	return 0;
}
