/* What no table can say, but may be asked in any way: by sockets, or without a process. */
#include "wire.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct wire_way *way;

static const struct {
	const char *target, *fields;
} heads[] = {
	{ "/", "" },
	{ "/ten.txt", "" },
	{ "/empty.txt", "" },
	{ "/large.bin", "" },
	{ "/list/", "" },
	{ "/order/", "" },
	{ "/order/?sort=size&order=desc", "" },
	{ "/order/?format=text", "" },
	{ "/bare/", "" },
	{ "/sub", "" },
	{ "/missing", "" },
	{ "/unreadable.txt", "" },
	{ "/.secret", "" },
	{ "/page.html", "" },
	{ "/page.html", "Accept-Encoding: gzip\r\n" },
	{ "/page.html", "Accept-Encoding: br\r\n" },
	{ "/packed/", "Accept-Encoding: gzip\r\n" },
	{ "/ten.txt", "If-None-Match: *\r\n" },
	{ "/ten.txt", "If-Match: \"other\"\r\n" },
	{ "/ten.txt", "If-Modified-Since: " TEN_DATE "\r\n" },
	{ "/ten.txt", "If-Unmodified-Since: Sat, 01 Jan 1994 00:00:00 GMT\r\n" },
	{ "/ten.txt", "Expect: something\r\n" },
	{ "/%zz", "" },
};

/* RFC 9110, 9.3.2: HEAD's header is GET's. */
START_TEST(head_like_get)
{
	const char *target = heads[_i].target, *fields = heads[_i].fields;
	static char copy[WIRE_ROOM];
	struct wire_response get, head;
	size_t size = wire_fetch(way, "GET", target, fields);

	memcpy(copy, wire_side, size);
	ck_assert_msg(wire_parse(copy, size, false, &get) > 0, "GET %s: %s", target, get.fault);
	size = wire_fetch(way, "HEAD", target, fields);
	ck_assert_msg(wire_parse(wire_side, size, true, &head) == (ssize_t)size, "HEAD %s: %s",
		      target, head.fault);
	ck_assert_msg(get.status == head.status, "HEAD %s: %d, GET: %d", target, head.status,
		      get.status);
	ck_assert_msg(get.field_count == head.field_count, "HEAD %s: %zu fields, GET: %zu", target,
		      head.field_count, get.field_count);
	for (size_t i = 0; i < get.field_count; i++) {
		struct wire_text name = get.fields[i].name, value = get.fields[i].value, other;
		char text[256];

		snprintf(text, sizeof(text), "%.*s", (int)name.size, name.at);
		other = wire_value(&head, text);
		if (strcasecmp(text, "Date") != 0)
			ck_assert_msg(other.size == value.size &&
					      memcmp(other.at, value.at, value.size) == 0,
				      "HEAD %s: %s isn't as for GET", target, text);
	}
}
END_TEST

/* What a browser would ask for at the link, on the page /list/; false for those within the page. */
static bool resolve_link(char *out, size_t room, const char *link)
{
	char *colon = strchrnul(link, ':'), *slash = strchrnul(link, '/');

	if (strchr(link, '?') || strncmp(link, "..", 2) == 0)
		return false;
	ck_assert_msg(!*colon || slash < colon, "a browser takes this for a scheme: %s", link);
	if (strncmp(link, "./", 2) == 0)
		link += 2;
	snprintf(out, room, "%s%s", *link == '/' ? "" : "/list/", link);
	return true;
}

/* Each entry of the listing of tricky names leads to its file, whose content is its number. */
START_TEST(listing_links)
{
	static char page[WIRE_ROOM];
	bool seen[17] = { false };
	size_t size = wire_fetch(way, "GET", "/list/", ""), count = 0;
	char *at = page, *end;

	memcpy(page, wire_side, size);
	page[size] = '\0';
	while ((at = strstr(at, "href=\"")) && (end = strchr(at += 6, '"'))) {
		char link[1024], target[2048];
		struct wire_response response;
		int number;

		ck_assert_int_lt(end - at, sizeof(link));
		link[wire_unescape(link, (struct wire_text){ at, (size_t)(end - at) })] = '\0';
		at = end;
		if (!resolve_link(target, sizeof(target), link))
			continue;
		ck_assert_msg(wire_parse(wire_side, wire_fetch(way, "GET", target, ""), false,
					 &response) > 0 &&
				      response.status == 200,
			      "the link %s leads nowhere", link);
		number = atoi(response.body.at);
		ck_assert_msg(number >= 1 && number <= 16 && !seen[number],
			      "the link %s leads to another entry", link);
		seen[number] = true;
		count++;
	}
	ck_assert_msg(count == 16, "%zu links to the 16 entries", count);
}
END_TEST

TCase *wire_besides(const struct wire_way *asking)
{
	TCase *group = tcase_create("besides the tables");

	way = asking;
	tcase_add_loop_test(group, head_like_get, 0, sizeof(heads) / sizeof(heads[0]));
	tcase_add_test(group, listing_links);
	return group;
}
