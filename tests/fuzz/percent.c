/*
 * Names as they come and go: percent-decoding of a path, hidden names, and all that is encoded
 * where it is printed: in an address, in a page, in a log. A case is the text.
 */
#include "fuzz.h"

#include <ctype.h>

/* The octets that the text stands for; false where a '%' doesn't begin one. */
static bool slow_decode(text t, char *octets, size_t *len)
{
	size_t n = 0;

	for (size_t i = 0; i < t.len; i++) {
		char hex[3] = "";

		octets[n++] = t.at[i];
		if (t.at[i] != '%')
			continue;
		if (t.len - i < 3 || !isxdigit((unsigned char)t.at[i + 1]) ||
		    !isxdigit((unsigned char)t.at[i + 2]))
			return false;
		memcpy(hex, t.at + i + 1, 2);
		octets[n - 1] = (char)strtoul(hex, NULL, 16);
		i += 2;
	}
	*len = n;
	return true;
}

/* May it be a path: an encoded NUL or slash in it is none of what a file's name has. */
static bool slow_is_path(text t)
{
	return matches(t, "([^%]|%([13-9a-fA-F][0-9a-fA-F]|0[1-9a-fA-F]|2[0-9a-eA-E]))*");
}

/* One slash where there are several, and none at the beginning. */
static size_t squeeze(char *octets, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		if (octets[i] != '/' || (n && octets[n - 1] != '/'))
			octets[n++] = octets[i];
	octets[n] = '\0';
	return n;
}

/* RFC 3986 5.2.4 with a list of the segments; false if ".." is asked for where there are none. */
static bool remove_dots(char *octets)
{
	static char copy[PATH_MAX];
	static text kept[PATH_MAX];
	size_t count = 0;
	bool folder = false;

	for (text left = text_of(strcpy(copy, octets)); left.len;) {
		text name = take_until(&left, '/');
		bool up = same(name, text_of(".."));

		folder = up || same(name, text_of(".")) || octets[strlen(octets) - 1] == '/';
		if (up && count-- == 0)
			return false;
		if (!up && !same(name, text_of(".")))
			kept[count++] = name;
	}
	octets[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		strncat(octets, kept[i].at, kept[i].len);
		strcat(octets, i + 1 < count || folder ? "/" : "");
	}
	return true;
}

static bool slow_hidden(const char *path)
{
	text left = text_of(path);

	while (left.len) {
		text name = take_until(&left, '/');

		if (name.len && name.at[0] == '.' && !same(name, text_of(".well-known")))
			return true;
	}
	return false;
}

static void check_address(const char *path)
{
	static char bytes[3 * PATH_MAX], again[PATH_MAX];
	struct out o = { bytes, 0, sizeof(bytes), false };

	put_url(&o, text_of(path));

	text url = { bytes, o.len };

	must(!o.overrun && matches(url, "([-._~/0-9A-Za-z]|%[0-9A-F]{2})*"),
	     "an address has nothing that must be encoded");
	must(percent_encoded(url) && decode_path(url, again) == 0 && strcmp(again, path) == 0,
	     "an encoded path is that path");
}

static void check_path(text t)
{
	static char path[PATH_MAX], octets[PATH_MAX + 1];
	size_t len = 0;
	bool good = slow_decode(t, octets, &len);

	must(percent_encoded(t) == (good && slow_is_path(t)),
	     "every % begins an encoded octet that may be part of a name");
	if (!percent_encoded(t) || memchr(t.at, '\0', t.len))
		return;
	len = squeeze(octets, len);
	if (len >= PATH_MAX) /* what matters is how long it is on the way */
		return;
	if (!remove_dots(octets)) {
		must(decode_path(t, path) == 400, "no path leads above the root");
		return;
	}
	must(decode_path(t, path) == 0, "a path that isn't too long is one");
	must(strcmp(path, octets) == 0, "a path is what it decodes to");
	must(hidden(path) == slow_hidden(path), "hidden is what begins with a dot");
	check_address(path);
}

static void check_page(text t)
{
	static char bytes[6 * PATH_MAX], plain[6 * PATH_MAX];
	struct out o = { bytes, 0, sizeof(bytes), false };

	put_escaped(&o, t, html_escape);

	text page = { bytes, o.len };
	struct wire_text shown = { bytes, o.len }, said = { t.at, t.len };

	must(!o.overrun && wire_is_utf8(shown), "a page is UTF-8");
	must(matches(page, "([^[:cntrl:]<>&\"']|&(amp|lt|gt|quot|#39);)*"),
	     "a text in a page is no markup");
	if (wire_is_utf8(said) && matches(t, "[^[:cntrl:]]*"))
		must(same((text){ plain, wire_unescape(plain, shown) }, t),
		     "a page shows the text");
}

static void run_percent(const unsigned char *data, size_t size)
{
	static char bytes[3 * PATH_MAX];
	struct out query = { bytes, 0, sizeof(bytes), false };
	text t = case_text(data, size < PATH_MAX ? size : PATH_MAX);

	check_path(t);
	check_page(t);
	put_query(&query, t);
	must(!query.overrun &&
		     matches(((text){ bytes, query.len }), "[-A-Za-z0-9._~!$&'()*+,;=:@/?%]*"),
	     "a query has nothing that must be encoded");

	struct out log = { bytes, 0, sizeof(bytes), false };

	put_log(&log, t, 900, ' ');
	must(!log.overrun && log.len <= 900 && log.len &&
		     matches(((text){ bytes, log.len }), "([] !#-[^-~]|\\\\x[0-9a-f]{2})*"),
	     "a field of a log is printable, and ends where it ends");
}
