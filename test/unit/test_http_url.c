/*-------------------------------------------------------------------------
 *
 * test_http_url.c
 *	  Which URLs pass, how base and path are joined, what is escaped.
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "check.h"
#include "http/url.h"

static void
test_check(void)
{
	static const char *const good[] = {"https://a",
									   "https://a.example",
									   "https://a.example:8443/",
									   "https://a/b?c=d%20e&f=/:@",
									   "https://[2001:db8::1]:443/x",
									   "https://1.2.3.4?x",
									   "https://under_score.example/"};
	static const char *const bad[] = {"",
									  "a.example/x",
									  "http://a/",
									  "ftp://a/",
									  "file:///etc/passwd",
									  "HTTPS://a/",
									  "https:/a",
									  "https://",
									  "https:///x",
									  "https://user@a/",
									  "https://user:pw@a/",
									  "https://a@b/",
									  "https://a:/",
									  "https://a:0/",
									  "https://a:65536/",
									  "https://a:x/",
									  "https://a:123456/",
									  "https://a/ b",
									  "https://a/\r\nX: y",
									  "https://a/\n",
									  "https://a/#f",
									  "https://a\\b/",
									  "https://a/b\\c",
									  "https://[::1",
									  "https://[]/",
									  "https://[fe80::1%25eth0]/",
									  "https://[::1]x/",
									  "https://a/\xd9\x81",
									  "https://\xd9\x81/",
									  "https://a/\"",
									  "https://a/<x>",
									  "https://a,b/"};
	char longest[GL_URL_SIZE + 1];
	GlError error;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CHECK(gl_url_check(good[i], false, &error) == GL_OK);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		if (gl_url_check(bad[i], false, &error) != GL_INVALID)
			fprintf(stderr, "passed: %s\n", bad[i]);
		CHECK(gl_url_check(bad[i], false, &error) == GL_INVALID);
	}
	CHECK(gl_url_check("http://a/", true, &error) == GL_OK);
	CHECK(gl_url_check("ftp://a/", true, &error) == GL_INVALID);

	memset(longest, 'a', sizeof(longest));
	memcpy(longest, "https://a/", 10);
	longest[GL_URL_SIZE - 1] = '\0';
	CHECK(gl_url_check(longest, false, &error) == GL_OK);
	longest[GL_URL_SIZE - 1] = 'a';
	longest[GL_URL_SIZE] = '\0';
	CHECK(gl_url_check(longest, false, &error) == GL_INVALID);
}

static void
test_join(void)
{
	char out[64];
	GlError error;

	CHECK(gl_url_join("https://a", "/b", false, out, sizeof(out), &error) == GL_OK);
	CHECK(strcmp(out, "https://a/b") == 0);
	CHECK(gl_url_join("https://a/", "/b/?c=1", false, out, sizeof(out), &error) == GL_OK);
	CHECK(strcmp(out, "https://a/b/?c=1") == 0);
	CHECK(gl_url_join("https://a/x", "/b", false, out, sizeof(out), &error) == GL_OK);
	CHECK(strcmp(out, "https://a/x/b") == 0);
	CHECK(gl_url_join("https://a", "/b", false, out, 12, &error) == GL_OK);
	CHECK(gl_url_join("https://a", "/b", false, out, 11, &error) == GL_LIMIT);
	CHECK(gl_url_join("https://a", "b", false, out, sizeof(out), &error) == GL_INVALID);
	CHECK(gl_url_join("https://a", ".evil.example/", false, out, sizeof(out), &error) ==
		  GL_INVALID);
	CHECK(gl_url_join("https://a", "", false, out, sizeof(out), &error) == GL_INVALID);
	CHECK(gl_url_join("https://a?x=1", "/b", false, out, sizeof(out), &error) == GL_INVALID);
	CHECK(gl_url_join("http://a", "/b", false, out, sizeof(out), &error) == GL_INVALID);
	CHECK(gl_url_join("http://a", "/b", true, out, sizeof(out), &error) == GL_OK);
	CHECK(gl_url_join("https://a", "/b c", false, out, sizeof(out), &error) == GL_INVALID);
}

static void
test_escape(void)
{
	char out[32];
	GlError error;

	CHECK(gl_url_escape("Az09-._~", out, sizeof(out), &error) == GL_OK);
	CHECK(strcmp(out, "Az09-._~") == 0);
	CHECK(gl_url_escape("a/b?c%d\r\n", out, sizeof(out), &error) == GL_OK);
	CHECK(strcmp(out, "a%2Fb%3Fc%25d%0D%0A") == 0);
	CHECK(gl_url_escape("\xd9\x81", out, sizeof(out), &error) == GL_OK);
	CHECK(strcmp(out, "%D9%81") == 0);
	CHECK(gl_url_escape("...", out, sizeof(out), &error) == GL_OK);
	CHECK(gl_url_escape("", out, sizeof(out), &error) == GL_INVALID);
	CHECK(gl_url_escape(".", out, sizeof(out), &error) == GL_INVALID);
	CHECK(gl_url_escape("..", out, sizeof(out), &error) == GL_INVALID);
	CHECK(gl_url_escape("abc", out, 4, &error) == GL_OK);
	CHECK(gl_url_escape("abc", out, 3, &error) == GL_LIMIT);
	CHECK(gl_url_escape("a/", out, 5, &error) == GL_OK);
	CHECK(gl_url_escape("a/", out, 4, &error) == GL_LIMIT);
	CHECK(gl_url_escape("a", out, 0, &error) == GL_LIMIT);
}

int
main(void)
{
	test_check();
	test_join();
	test_escape();
	return check_report("http_url");
}
