/*-------------------------------------------------------------------------
 *
 * retry.h
 *	  Which answers are worth another try, and after how long.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_HTTP_RETRY_H
#define GL_HTTP_RETRY_H

#include "pure.h"

/*
 * Is this HTTP status a passing trouble of the other side (408, 425, 429 and
 * 5xx)?  Every other status outside 2xx is final.
 */
extern bool gl_retry_status(int http_status);

/*
 * Milliseconds to wait before the next try, after "attempt" tries (counted
 * from 1).  The delay doubles from base_ms up to cap_ms and is then spread by
 * 20 % to either side ("random" is any 32 random bits).  retry_after is the
 * answer's Retry-After header or NULL; seconds and HTTP dates (RFC 9110,
 * 10.2.3) replace the computed delay, anything else is ignored.  The result
 * always lies within [base_ms, cap_ms]; bounds that make no sense are mended
 * (base at least 1, cap at least base).
 */
extern int64_t gl_retry_delay_ms(int attempt, int64_t base_ms, int64_t cap_ms, uint32_t random,
								 const char *retry_after, int64_t now_epoch_s);

#endif /* GL_HTTP_RETRY_H */
