/* Reading a request: its line, its fields, its framing, its chunks. */
#include "check.h"

START_TEST(numbers_are_digits)
{
	static const struct {
		const char *at;
		bool good;
		uint64_t n;
	} rows[] = {
		{ "0", true, 0 },
		{ "7", true, 7 },
		{ "0042", true, 42 },
		{ "18446744073709551614", true, UINT64_MAX - 1 },
		{ "18446744073709551615", true, UINT64_MAX },
		{ "18446744073709551616", true, UINT64_MAX },
		{ "18446744073709551620", true, UINT64_MAX },
		{ "184467440737095516150", true, UINT64_MAX },
		{ "99999999999999999999999999999999999999", true, UINT64_MAX },
		{ "", false, 0 },
		{ " 1", false, 0 },
		{ "1 ", false, 0 },
		{ "+1", false, 0 },
		{ "-1", false, 0 },
		{ "0x1", false, 0 },
		{ "1a", false, 0 },
		{ "1,1", false, 0 },
		{ "1.0", false, 0 },
		{ "1e3", false, 0 },
		{ "/", false, 0 }, /* the neighbours of the digits */
		{ ":", false, 0 },
		{ "\xd9\xa1", false, 0 }, /* an Arabic one */
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		uint64_t n = 0;

		expect(read_number(text_of(rows[i].at), &n) == rows[i].good, "\"%s\"", rows[i].at);
		expect(!rows[i].good || n == rows[i].n, "\"%s\" is %ju", rows[i].at, (uintmax_t)n);
	}
}
END_TEST

START_TEST(authorities_are_hosts_and_ports)
{
	static const struct {
		const char *at;
		bool good;
	} rows[] = {
		{ "a", true },
		{ "example.org", true },
		{ "EXAMPLE.org.", true },
		{ "a-b_c~d", true },
		{ "192.0.2.1", true },
		{ "192.0.2.1:80", true },
		{ "a:", true }, /* RFC 3986 3.2.3 */
		{ "a:0", true },
		{ "a:65535", true },
		{ "a:00080", true },
		{ "a!$&'()*+,;=", true },
		{ "%41", true },
		{ "[::1]", true },
		{ "[::1]:80", true },
		{ "[::1]:", true },
		{ "[2001:db8:ffff:ffff:ffff:ffff:192.0.2.255]", true },
		{ "[FFFF:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:443", true },
		{ "", false },
		{ ":80", false },
		{ "a:65536", false },
		{ "a:-1", false },
		{ "a:+1", false },
		{ "a:b", false },
		{ "a:80:80", false },
		{ "a: 80", false },
		{ "a:99999999999999999999999", false },
		{ "a b", false },
		{ "a\tb", false },
		{ "a/b", false },
		{ "a?b", false },
		{ "a#b", false },
		{ "a@b", false },
		{ "a\\b", false },
		{ "\"a\"", false },
		{ "a\xc3\xa4", false },
		{ "%4", false },
		{ "%00", false },
		{ "a%2Fb", false },
		{ "[]", false },
		{ "[", false },
		{ "]", false },
		{ "[::1", false },
		{ "::1", false },
		{ "[::1]80", false },
		{ "[::1]]", false },
		{ "[::1]:x", false },
		{ "[1.2.3.4]", false },
		{ "[::g]", false },
		{ "[fe80::1%25eth0]", false },
		{ "[v1.a]", false },
		{ "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]", false },
		{ "[0000:0000:0000:0000:0000:ffff:255.255.255.255x]", false },
	};

	for (size_t i = 0; i < LENGTH(rows); i++)
		expect(valid_authority(text_of(rows[i].at)) == rows[i].good, "\"%s\"", rows[i].at);
}
END_TEST

START_TEST(targets_have_four_forms)
{
	static const struct {
		enum method method;
		const char *target;
		int status;
		const char *path, *query, *authority;
	} rows[] = {
		{ GET, "/", 0, "/", "", "" },
		{ GET, "/a/b.html", 0, "/a/b.html", "", "" },
		{ GET, "/a?b", 0, "/a", "?b", "" },
		{ GET, "/a?", 0, "/a", "?", "" },
		{ GET, "/a?b?c/d", 0, "/a", "?b?c/d", "" },
		{ GET, "//a//b", 0, "//a//b", "", "" },
		{ GET, "/a:80/@b;c=d", 0, "/a:80/@b;c=d", "", "" },
		{ GET, "/\xc3\xa4{}|^\"<>\\`[]", 0, "/\xc3\xa4{}|^\"<>\\`[]", "", "" },
		{ GET, "/%41?%00%2f", 0, "/%41", "?%00%2f", "" },
		{ OPTIONS, "/a", 0, "/a", "", "" },
		{ OPTIONS, "*", 0, "", "", "" },
		{ GET, "http://a", 0, "/", "", "a" },
		{ GET, "http://a/", 0, "/", "", "a" },
		{ GET, "HTTP://a:80/b?c", 0, "/b", "?c", "a:80" },
		{ GET, "http://[::1]:443/b", 0, "/b", "", "[::1]:443" },
		{ GET, "http://a?b/c", 0, "/", "?b/c", "a" },
		{ OPTIONS, "http://a", 0, "/", "", "a" },
		{ CONNECT, "a:80", 0, "", "", "" },
		{ GET, "", 400, "", "", "" },
		{ GET, "*", 400, "", "", "" },
		{ OPTIONS, "**", 400, "", "", "" },
		{ GET, "a", 400, "", "", "" },
		{ GET, "a:80", 400, "", "", "" },
		{ GET, "?a", 400, "", "", "" },
		{ GET, "../a", 400, "", "", "" },
		{ GET, "http:", 400, "", "", "" },
		{ GET, "http://", 400, "", "", "" },
		{ GET, "https://", 400, "", "", "" },
		{ GET, "http:///a", 400, "", "", "" },
		{ GET, "http://?a", 400, "", "", "" },
		{ GET, "http:/a", 400, "", "", "" },
		{ GET, "http://user@a/", 400, "", "", "" },
		{ GET, "http://a:b/", 400, "", "", "" },
		{ GET, "ftp://a/", 400, "", "", "" },
		{ GET, "file:///etc/passwd", 400, "", "", "" },
		{ GET, "/a#b", 400, "", "", "" },
		{ GET, "/a\tb", 400, "", "", "" },
		{ GET, "/a b", 400, "", "", "" },
		{ GET, "/\x01", 400, "", "", "" },
		{ GET, "/\x7f", 400, "", "", "" },
		{ GET, "/%", 400, "", "", "" },
		{ GET, "/%4", 400, "", "", "" },
		{ GET, "/%zz", 400, "", "", "" },
		{ GET, "/%00", 400, "", "", "" },
		{ GET, "/a%2fb", 400, "", "", "" },
		{ GET, "/?%", 400, "", "", "" },
		/* RFC 9110 7.4: not on a plain connection */
		{ GET, "https://a", 421, "", "", "" },
		{ GET, "HTTPS://a:443/b?c", 421, "", "", "" },
		{ GET, "https://a:b/", 400, "", "", "" },
		{ GET, "https:///", 400, "", "", "" },
		{ GET, "https://user@a/b", 400, "", "", "" },
		{ CONNECT, "a b", 400, "", "", "" },
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct request req = { .method = rows[i].method };

		req.target = text_of(rows[i].target);
		expect(read_target(&req) == rows[i].status, "%s", rows[i].target);
		if (rows[i].status)
			continue;
		expect(is_text(req.path, rows[i].path), "%s: path %.*s", rows[i].target,
		       SHOWN(req.path));
		expect(is_text(req.query, rows[i].query), "%s: query %.*s", rows[i].target,
		       SHOWN(req.query));
		expect(is_text(req.authority, rows[i].authority), "%s: authority %.*s",
		       rows[i].target, SHOWN(req.authority));
	}
}
END_TEST

START_TEST(request_lines_are_three_words)
{
	static const struct {
		text line;
		int status;
		enum method method;
		int minor;
	} rows[] = {
		{ TEXT("GET / HTTP/1.1"), 0, GET, 1 },
		{ TEXT("HEAD /a HTTP/1.0"), 0, HEAD, 0 },
		{ TEXT("POST / HTTP/1.9"), 0, POST, 9 },
		{ TEXT("OPTIONS * HTTP/1.1"), 0, OPTIONS, 1 },
		{ TEXT("PUT / HTTP/1.1"), 0, PUT, 1 },
		{ TEXT("DELETE / HTTP/1.1"), 0, DELETE, 1 },
		{ TEXT("PATCH / HTTP/1.1"), 0, PATCH, 1 },
		{ TEXT("TRACE / HTTP/1.1"), 0, TRACE, 1 },
		{ TEXT("CONNECT a:443 HTTP/1.1"), 0, CONNECT, 1 },
		{ TEXT("get / HTTP/1.1"), 0, OTHER, 1 },
		{ TEXT("GETS / HTTP/1.1"), 0, OTHER, 1 },
		{ TEXT("GE / HTTP/1.1"), 0, OTHER, 1 },
		{ TEXT("!#$%&'*+-.^_`|~ / HTTP/1.1"), 0, OTHER, 1 },
		{ TEXT("GET / HTTP/0.9"), 505, GET, 0 },
		{ TEXT("GET / HTTP/2.0"), 505, GET, 0 },
		{ TEXT("GET / HTTP/9.9"), 505, GET, 0 },
		{ TEXT("PRI * HTTP/2.0"), 505, OTHER, 0 },
		{ TEXT(""), 400, GET, 0 },
		{ TEXT(" "), 400, GET, 0 },
		{ TEXT("  "), 400, GET, 0 },
		{ TEXT("GET"), 400, GET, 0 },
		{ TEXT("GET /"), 400, GET, 0 },
		{ TEXT("GET / "), 400, GET, 0 },
		{ TEXT(" GET / HTTP/1.1"), 400, GET, 0 },
		{ TEXT("GET  / HTTP/1.1"), 400, GET, 0 },
		{ TEXT("GET /  HTTP/1.1"), 400, GET, 0 },
		{ TEXT("GET / HTTP/1.1 "), 400, GET, 0 },
		{ TEXT("GET / HTTP/1.1\r"), 400, GET, 0 },
		{ TEXT("GET / HTTP/1.1 a"), 400, GET, 0 },
		{ TEXT("GET /a b HTTP/1.1"), 400, GET, 0 },
		{ TEXT("GET\t/\tHTTP/1.1"), 400, GET, 0 },
		{ TEXT("GET\t/ HTTP/1.1"), 400, GET, 0 },
		{ TEXT("G(T / HTTP/1.1"), 400, GET, 0 },
		{ TEXT("G\xc3\xa4T / HTTP/1.1"), 400, GET, 0 },
		{ TEXT("GET\0 / HTTP/1.1"), 400, GET, 0 },
		{ TEXT("GET /\0 HTTP/1.1"), 400, GET, 0 },
		{ TEXT("GET /\r HTTP/1.1"), 400, GET, 0 },
		{ TEXT("GET https://a/ HTTP/1.1"), 421, GET, 0 },
		{ TEXT("GET * HTTP/1.1"), 400, GET, 0 },
		{ TEXT("GET / http/1.1"), 400, GET, 0 },
		{ TEXT("GET / HTTP/1.10"), 400, GET, 0 },
		{ TEXT("GET / HTTP/01.1"), 400, GET, 0 },
		{ TEXT("GET / HTTP/1"), 400, GET, 0 },
		{ TEXT("GET / HTTP/11"), 400, GET, 0 },
		{ TEXT("GET / HTTP/1,1"), 400, GET, 0 },
		{ TEXT("GET / HTTP/a.1"), 400, GET, 0 },
		{ TEXT("GET / HTTP/1.a"), 400, GET, 0 },
		{ TEXT("GET / HTTP/1.\xb1"), 400, GET, 0 },
		{ TEXT("GET / HTTP/.1.1"), 400, GET, 0 },
		{ TEXT("GET / HTTP-1.1"), 400, GET, 0 },
		{ TEXT("GET / XTTP/1.1"), 400, GET, 0 },
		{ TEXT("GET / HTTP/1.1\0"), 400, GET, 0 },
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct request req = { .method = GET };
		int status = read_request_line(&req, rows[i].line);

		expect(status == rows[i].status, "%d for %.*s", status, SHOWN(rows[i].line));
		expect(same(req.line, rows[i].line), "the line of %.*s", SHOWN(rows[i].line));
		if (status)
			continue;
		expect(req.method == rows[i].method, "the method of %.*s", SHOWN(rows[i].line));
		expect(req.minor == rows[i].minor, "the version of %.*s", SHOWN(rows[i].line));
	}
}
END_TEST

START_TEST(field_lines_are_strict)
{
	static const struct {
		text line;
		bool good;
		const char *name, *value;
	} rows[] = {
		{ TEXT("Name: value"), true, "Name", "value" },
		{ TEXT("Name:value"), true, "Name", "value" },
		{ TEXT("Name: \t value \t"), true, "Name", "value" },
		{ TEXT("Name:"), true, "Name", "" },
		{ TEXT("Name: \t"), true, "Name", "" },
		{ TEXT("Name: a:b"), true, "Name", "a:b" },
		{ TEXT("Name::"), true, "Name", ":" },
		{ TEXT("Name: a\tb \"c\""), true, "Name", "a\tb \"c\"" },
		{ TEXT("Name: \x80\xff"), true, "Name", "\x80\xff" },
		{ TEXT("!#$%&'*+-.^_`|~9: v"), true, "!#$%&'*+-.^_`|~9", "v" },
		{ TEXT(""), false, "", "" },
		{ TEXT("Name"), false, "", "" },
		{ TEXT("Name value"), false, "", "" },
		{ TEXT(": value"), false, "", "" },
		{ TEXT("Name : value"), false, "", "" },
		{ TEXT("Name\t: value"), false, "", "" },
		{ TEXT(" Name: value"), false, "", "" },
		{ TEXT("\tName: value"), false, "", "" },
		{ TEXT(" folded"), false, "", "" },
		{ TEXT("Na me: value"), false, "", "" },
		{ TEXT("Na(me: value"), false, "", "" },
		{ TEXT("Na\0me: value"), false, "", "" },
		{ TEXT("N\xc3\xa4me: value"), false, "", "" },
		{ TEXT("Name: a\0b"), false, "", "" },
		{ TEXT("Name: a\rb"), false, "", "" },
		{ TEXT("Name: value\r"), false, "", "" },
		{ TEXT("Name: \x01"), false, "", "" },
		{ TEXT("Name: \x7f"), false, "", "" },
		{ TEXT("Name: \x0b"), false, "", "" },
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		text name, value;

		expect(split_field(rows[i].line, &name, &value) == rows[i].good, "%.*s",
		       SHOWN(rows[i].line));
		if (rows[i].good)
			expect(is_text(name, rows[i].name) && is_text(value, rows[i].value),
			       "%.*s: \"%.*s\" and \"%.*s\"", SHOWN(rows[i].line), SHOWN(name),
			       SHOWN(value));
	}
}
END_TEST

START_TEST(fields_are_found_by_name_in_any_case)
{
	for (int f = 0; f < FIELDS; f++) {
		char name[32];
		size_t n = fields[f].len;

		ck_assert(n < sizeof(name));
		for (size_t i = 0; i < n; i++) /* upper where it is lower, and so on */
			name[i] = fields[f].at[i] == '-' ? '-' : (char)(fields[f].at[i] ^ 32);
		expect(find_field(fields[f]) == (enum field)f, "%.*s", SHOWN(fields[f]));
		expect(find_field((text){ name, n }) == (enum field)f, "%.*s", (int)n, name);
		expect(find_field((text){ name, n - 1 }) == FIELDS, "%.*s", (int)n - 1, name);
	}
	ck_assert_int_eq(find_field(text_of("Content_Length")), FIELDS);
	ck_assert_int_eq(find_field(text_of("Hosts")), FIELDS);
}
END_TEST

/* Lines end with '\n' here; the last one is the one that is judged. */
START_TEST(fields_that_may_not_be_repeated)
{
	static const struct {
		const char *lines;
		int status;
		uint64_t length;
	} rows[] = {
		{ "Host: a", 0, 0 },
		{ "Host: a\nX: b\nX: b", 0, 0 },
		{ "Host: a\nHost: a", 400, 0 },
		{ "HOST: a\nhost: b", 400, 0 },
		{ "Host:", 400, 0 },
		{ "Host: a b", 400, 0 },
		{ "Host: a, b", 400, 0 },
		{ "Host: http://a/", 400, 0 },
		{ "Content-Length: 0", 0, 0 },
		{ "Content-Length: 5", 0, 5 },
		{ "Content-Length: 005", 0, 5 },
		{ "content-length:5", 0, 5 },
		{ "Content-Length: 5\nContent-Length: 5", 400, 0 },
		{ "Content-Length: 5\nContent-Length: 6", 400, 0 },
		{ "Content-Length: 0\nContent-Length: 5", 400, 0 },
		{ "Content-Length: 5, 5", 400, 0 },
		{ "Content-Length:", 400, 0 },
		{ "Content-Length: +5", 400, 0 },
		{ "Content-Length: -5", 400, 0 },
		{ "Content-Length: 5 5", 400, 0 },
		{ "Content-Length: 5;", 400, 0 },
		{ "Content-Length: 0x5", 400, 0 },
		{ "Content-Length: 5a", 400, 0 },
		{ "Content-Length: 5.0", 400, 0 },
		{ "Content-Length: \"5\"", 400, 0 },
		{ "Content-Length: 18446744073709551621", 0, UINT64_MAX }, /* 2^64 + 5 */
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct request req = { .method = GET };
		const char *at = rows[i].lines;
		int status;

		for (;;) {
			size_t n = strcspn(at, "\n");

			status = read_field(&req, (text){ at, n });
			if (at[n] == '\0')
				break;
			expect(status == 0, "%d before the last of %s", status, rows[i].lines);
			at += n + 1;
		}
		expect(status == rows[i].status, "%d for %s", status, rows[i].lines);
		expect(status || req.length == rows[i].length, "length of %s", rows[i].lines);
	}
}
END_TEST

/* A client that repeats a field 256 times doesn't have said it never. */
START_TEST(fields_are_counted_within_a_byte)
{
	struct request req = { .method = GET };

	for (int i = 0; i < 300; i++)
		ck_assert_int_eq(read_field(&req, text_of("Range: bytes=0-1")), 0);
	ck_assert_uint_eq(req.seen[RANGE], UINT8_MAX);
}
END_TEST

/* ---- lists ---------------------------------------------------------------- */

static void join_list(const struct request *req, enum field field, char *joined, size_t size)
{
	struct out o = { joined, 0, size - 1, false };
	struct field_list list = elements_of(req, field);
	text item;

	while (next_element(&list, &item)) {
		puts_out(&o, o.len ? "|" : "");
		put_text(&o, item);
	}
	joined[o.len] = '\0';
}

START_TEST(lists_go_over_several_lines)
{
	static const struct {
		enum field field;
		const char *lines, *items;
	} rows[] = {
		{ ACCEPT_ENCODING, "Accept-Encoding: gzip\r\n", "gzip" },
		{ ACCEPT_ENCODING, "Accept-Encoding:\r\n", "" },
		{ ACCEPT_ENCODING, "Accept-Encoding: ,\t, ,\r\n", "" },
		{ ACCEPT_ENCODING, "Accept-Encoding: a,b\r\n", "a|b" },
		{ ACCEPT_ENCODING, "Accept-Encoding: ,a ,\t,b;q=1 , c,\r\n", "a|b;q=1|c" },
		{ ACCEPT_ENCODING, "Accept-Encoding: a\r\nAccept-Encoding: b, c\r\n", "a|b|c" },
		{ ACCEPT_ENCODING,
		  "X: 1\r\naccept-encoding: a\r\nX: 2\r\nACCEPT-ENCODING:b\r\nY: 3\r\n", "a|b" },
		{ ACCEPT_ENCODING,
		  "Accept-Encoding:\r\nAccept-Encoding: ,\r\nAccept-Encoding: a\r\n", "a" },
		{ ACCEPT_ENCODING,
		  "Accept-Encoding: a\r\nX-Accept-Encoding: x\r\nAccept-Encodings: y\r\n"
		  "X: Accept-Encoding: z\r\nAccept-Encoding: b\r\n",
		  "a|b" },
		{ ACCEPT_ENCODING,
		  "Accept-Encoding: a \t\r\nAccept-Encoding: \t b\r\nAccept-Encoding: c\r\n",
		  "a|b|c" },
		{ IF_NONE_MATCH, "If-None-Match: \"a,b\", W/\"c\" ,\"\"\r\n",
		  "\"a,b\"|W/\"c\"|\"\"" },
		/* RFC 9110 8.8.3: no backslash escapes anything in an entity tag */
		{ IF_NONE_MATCH, "If-None-Match: \"a\\\",\"b\"\r\n", "\"a\\\"|\"b\"" },
		{ IF_NONE_MATCH, "If-None-Match: \"a, b\r\nIf-None-Match: \"c\"\r\n",
		  "\"a, b|\"c\"" },
		{ CONNECTION, "Connection: close\r\nHost: a\r\n", "close" },
	};
	char joined[256];

	for (size_t i = 0; i < LENGTH(rows); i++) {
		join_list(request_with(rows[i].lines), rows[i].field, joined, sizeof(joined));
		expect(strcmp(joined, rows[i].items) == 0, "%s: %s", rows[i].lines, joined);
	}
}
END_TEST

START_TEST(lists_end_with_the_head)
{
	static const char head[] = "GET / HTTP/1.1\r\nConnection: a\r\nConnection: b\r\n\r\n"
				   "Connection: c\r\n\r\n";
	struct http_work *work = work_of(&usual_limits, text_of(head));
	char joined[64];

	ck_assert_int_eq(read_head_lines(work, &usual_limits), WHOLE);
	join_list(&work->req, CONNECTION, joined, sizeof(joined));
	ck_assert_str_eq(joined, "a|b");
}
END_TEST

START_TEST(lists_are_searched_for_tokens)
{
	const struct request *req = request_with("Connection: keep-alive, CLOSE ,x\r\n"
						 "Connection: upgrade\r\n");

	ck_assert(list_has(req, CONNECTION, "close"));
	ck_assert(list_has(req, CONNECTION, "keep-alive"));
	ck_assert(list_has(req, CONNECTION, "Upgrade"));
	ck_assert(!list_has(req, CONNECTION, "clos"));
	ck_assert(!list_has(req, CONNECTION, "closed"));
	ck_assert(!list_has(req, CONNECTION, "te"));
	ck_assert(!list_has(req, EXPECT, "close"));
}
END_TEST

/* ---- framing -------------------------------------------------------------- */

/* What is understood of a request's body: a status, or words in this order. */
static void tell_framing(struct request *req, char *told, size_t size)
{
	int status = read_framing(req, &usual_limits);
	struct out o = { told, 0, size - 1, false };

	if (status) {
		put_number(&o, (uint64_t)status);
	} else {
		puts_out(&o, req->close ? "close " : "");
		puts_out(&o, req->chunked ? "chunked " : "");
		puts_out(&o, req->expect ? "expect " : "");
		put_number(&o, req->length);
	}
	told[o.len] = '\0';
}

START_TEST(bodies_are_framed)
{
	static const struct {
		int minor;
		const char *lines, *framing;
	} rows[] = {
		{ 1, "Host: a\r\n", "0" },
		{ 1, "", "400" },
		{ 0, "", "close 0" },
		{ 0, "Host: a\r\n", "close 0" },
		{ 9, "", "400" },
		/* Connection */
		{ 1, "Host: a\r\nConnection: close\r\n", "close 0" },
		{ 1, "Host: a\r\nConnection: x\r\nConnection: Close\r\n", "close 0" },
		{ 1, "Host: a\r\nConnection: keep-alive\r\n", "0" },
		{ 1, "Host: a\r\nConnection: keep-alive, close\r\n", "close 0" },
		{ 0, "Connection: keep-alive\r\n", "0" },
		{ 0, "Connection: Keep-Alive, close\r\n", "close 0" },
		{ 0, "Connection: x\r\n", "close 0" },
		/* Content-Length */
		{ 1, "Host: a\r\nContent-Length: 5\r\n", "5" },
		{ 1, "Host: a\r\nContent-Length: 1048576\r\n", "1048576" },
		{ 1, "Host: a\r\nContent-Length: 1048577\r\n", "413" },
		{ 1, "Host: a\r\nContent-Length: 99999999999999999999\r\n", "413" },
		{ 0, "Content-Length: 5\r\n", "close 5" },
		/* Transfer-Encoding */
		{ 1, "Host: a\r\nTransfer-Encoding: chunked\r\n", "chunked 0" },
		{ 1, "Host: a\r\ntransfer-encoding:CHUNKED \r\n", "chunked 0" },
		{ 0, "Transfer-Encoding: chunked\r\n", "400" },
		{ 1, "Host: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n", "400" },
		{ 1, "Host: a\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n", "400" },
		{ 1, "Host: a\r\nContent-Length: 5\r\nTransfer-Encoding: identity\r\n", "400" },
		{ 1, "Host: a\r\nTransfer-Encoding:\r\n", "400" },
		{ 1, "Host: a\r\nTransfer-Encoding: ,\r\n", "400" },
		{ 1, "Host: a\r\nTransfer-Encoding: identity\r\n", "400" },
		{ 1, "Host: a\r\nTransfer-Encoding: gzip\r\n", "400" },
		{ 1, "Host: a\r\nTransfer-Encoding: xchunked\r\n", "400" },
		{ 1, "Host: a\r\nTransfer-Encoding: chunkedx\r\n", "400" },
		{ 1, "Host: a\r\nTransfer-Encoding: \"chunked\"\r\n", "400" },
		{ 1, "Host: a\r\nTransfer-Encoding: chunked;q=1\r\n", "400" },
		{ 1, "Host: a\r\nTransfer-Encoding: \x80 chunked\r\n", "400" },
		{ 1, "Host: a\r\nTransfer-Encoding: chunked, gzip\r\n", "400" },
		{ 1, "Host: a\r\nTransfer-Encoding: chunked, chunked\r\n", "400" },
		{ 1, "Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
		  "400" },
		{ 1, "Host: a\r\nTransfer-Encoding: gzip, chunked\r\n", "501" },
		{ 1, "Host: a\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
		  "501" },
		{ 1, "Host: a\r\nTransfer-Encoding: , chunked\r\n", "400" },
		{ 1, "Host: a\r\nTransfer-Encoding: chunked,\r\n", "400" },
		{ 1, "Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding:\r\n", "400" },
		/* Expect */
		{ 1, "Host: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n", "expect 5" },
		{ 1, "Host: a\r\nExpect: 100-Continue\r\n", "expect 0" },
		{ 1, "Host: a\r\nExpect:\r\n", "0" },
		{ 1, "Host: a\r\nExpect: 200-ok\r\n", "417" },
		{ 1, "Host: a\r\nExpect: 100-continue, x\r\n", "417" },
		{ 1, "Host: a\r\nExpect: 100-continue\r\nExpect: x\r\n", "417" },
		{ 1, "Host: a\r\nExpect: 100-continue;a=b\r\n", "417" },
		{ 0, "Expect: 100-continue\r\n", "close 0" },
		{ 0, "Expect: x\r\n", "close 0" },
	};
	char told[64];

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct request *req = request_with(rows[i].lines);

		req->minor = rows[i].minor;
		tell_framing(req, told, sizeof(told));
		expect(strcmp(told, rows[i].framing) == 0, "1.%d %s: %s", rows[i].minor,
		       rows[i].lines, told);
	}
}
END_TEST

START_TEST(chunk_sizes_are_hexadecimal)
{
	static const struct {
		text line;
		bool good;
		uint64_t size;
	} rows[] = {
		{ TEXT("0"), true, 0 },
		{ TEXT("5"), true, 5 },
		{ TEXT("a"), true, 10 },
		{ TEXT("F"), true, 15 },
		{ TEXT("1aF"), true, 0x1af },
		{ TEXT("0000000000000005"), true, 5 },
		{ TEXT("7fffffffffffffff"), true, INT64_MAX },
		{ TEXT("ffffffffffffffff"), true, UINT64_MAX },
		{ TEXT("5;a"), true, 5 },
		{ TEXT("5;a=b"), true, 5 },
		{ TEXT("5;a=\"b;c=\\\"d\\\\\";e"), true, 5 },
		{ TEXT("5;a=\"\""), true, 5 },
		{ TEXT("5;a;b;c=d"), true, 5 },
		{ TEXT("5;a=\"\x80\t \""), true, 5 },
		{ TEXT(""), false, 0 },
		{ TEXT(" 5"), false, 0 },
		{ TEXT("5 "), false, 0 },
		{ TEXT("5\r"), false, 0 },
		{ TEXT("+5"), false, 0 },
		{ TEXT("-5"), false, 0 },
		{ TEXT("0x5"), false, 0 },
		{ TEXT("5h"), false, 0 },
		{ TEXT("g"), false, 0 },
		{ TEXT("5 5"), false, 0 },
		{ TEXT("5,5"), false, 0 },
		{ TEXT("5.0"), false, 0 },
		{ TEXT("10000000000000000"), false, 0 },
		{ TEXT("00000000000000005"), false, 0 },
		{ TEXT("fffffffffffffffff"), false, 0 },
		{ TEXT(";a"), false, 0 },
		{ TEXT("5;"), false, 0 },
		{ TEXT("5; "), false, 0 },
		{ TEXT("5;;a"), false, 0 },
		{ TEXT("5 ;a"), false, 0 },
		{ TEXT("5\t;a"), false, 0 },
		{ TEXT("5; a"), false, 0 },
		{ TEXT("5;a =b"), false, 0 },
		{ TEXT("5;a= b"), false, 0 },
		{ TEXT("5;a=\t\"b\""), false, 0 },
		{ TEXT("5;a "), false, 0 },
		{ TEXT("5;a=b "), false, 0 },
		{ TEXT("5;a="), false, 0 },
		{ TEXT("5;=b"), false, 0 },
		{ TEXT("5;a b"), false, 0 },
		{ TEXT("5;a=b=c"), false, 0 },
		{ TEXT("5;a=\"b"), false, 0 },
		{ TEXT("5;a=\"b\\\""), false, 0 },
		{ TEXT("5;a=\"b\"c"), false, 0 },
		{ TEXT("5;a=\"\x01\""), false, 0 },
		{ TEXT("5;a=\"\x7f\""), false, 0 },
		{ TEXT("5;a=\"\r\""), false, 0 },
		{ TEXT("5;a\0"), false, 0 },
		{ TEXT("5\0"), false, 0 },
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		uint64_t size = 0;

		expect(read_chunk_size(rows[i].line, &size) == rows[i].good, "%.*s",
		       SHOWN(rows[i].line));
		expect(!rows[i].good || size == rows[i].size, "%.*s: %jx", SHOWN(rows[i].line),
		       (uintmax_t)size);
	}
}
END_TEST

/* ---- as it comes ---------------------------------------------------------- */

/* All that was read of a head, for comparing; of one that is refused, why. */
static void describe(const struct http_work *work, int status, char *told, size_t size)
{
	const struct request *req = &work->req;
	struct out o = { told, 0, size - 1, false };
	const text texts[] = { req->line, req->method_name, req->target,
			       req->path, req->query,       req->authority };

	const uint64_t numbers[] = { req->method, (uint64_t)req->minor, req->length,
				     req->lines,  req->header,          work->head_end };

	put_number(&o, (uint64_t)status);
	for (size_t i = 0; status == WHOLE && i < LENGTH(texts); i++) {
		puts_out(&o, "|");
		put_text(&o, texts[i].at ? texts[i] : text_of(""));
	}
	for (int f = 0; status == WHOLE && f < FIELDS; f++) {
		puts_out(&o, "|");
		put_number(&o, req->seen[f]);
		put_text(&o, req->seen[f] ? req->value[f] : text_of(""));
	}
	for (size_t i = 0; status == WHOLE && i < LENGTH(numbers); i++) {
		puts_out(&o, "|");
		put_number(&o, numbers[i]);
	}
	told[o.len] = '\0';
	need(!o.overrun, "room to tell");
}

/* Fed `first` bytes, then `each` bytes at a time, until it says something. */
static int feed_head(struct http_work *work, const struct http_limits *limits, size_t first,
		     size_t each)
{
	size_t whole = work->end;
	int status;

	work->end = first;
	for (;;) {
		status = read_as(read_head_lines(work, limits), work);
		if (status != MORE || work->end == whole)
			return status;
		work->end += whole - work->end < each ? whole - work->end : each;
	}
}

static const struct http_limits small_limits = {
	.line = 30, .header = 60, .fields = 3, .body = 100
};

#define NINE "123456789"

static const struct {
	const char *head;
	int status;
} heads[] = {
	{ "GET / HTTP/1.1\r\nHost: a\r\n\r\n", WHOLE },
	{ "GET / HTTP/1.0\r\n\r\n", WHOLE },
	{ "\r\n\r\nGET / HTTP/1.0\r\n\r\n", WHOLE },
	{ "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.0\r\n\r\n", WHOLE },
	{ "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.0\r\n\r\n", 400 },
	{ "POST /a?b HTTP/1.1\r\nHost: a:80\r\nContent-Length: 7\r\nX:\r\n\r\nand more", WHOLE },
	{ "GET / HTTP/1.1\r\nHost: a\r\nRange: b\r\nRange: c\r\n\r\n", WHOLE },
	{ "GET / HTTP/1.1\r\n", MORE },
	{ "GET / HTTP/1.1", MORE },
	{ "\r", MORE },
	{ "", MORE },
	/* a line, and no more */
	{ "GET /" NINE "1234567 HTTP/1.1\r\n\r\n", WHOLE },
	{ "GET /" NINE "12345678 HTTP/1.1\r\n\r\n", 414 },
	{ "GET /" NINE NINE NINE NINE NINE, 414 },
	{ NINE NINE NINE "123 / HTTP/1.1\r\n\r\n", 501 },
	{ NINE NINE NINE NINE, 501 },
	/* three fields, 60 bytes of them with their ends */
	{ "GET / HTTP/1.1\r\na:1\r\nb:2\r\nc:3\r\n\r\n", WHOLE },
	{ "GET / HTTP/1.1\r\na:1\r\nb:2\r\nc:3\r\nd:4\r\n\r\n", 431 },
	{ "GET / HTTP/1.1\r\na:" NINE NINE NINE NINE NINE NINE "12\r\n\r\n", WHOLE },
	{ "GET / HTTP/1.1\r\na:" NINE NINE NINE NINE NINE NINE "123\r\n\r\n", 431 },
	{ "GET / HTTP/1.1\r\na:" NINE NINE "\r\nb:" NINE NINE NINE "12345678\r\n\r\n", 431 },
	{ "GET / HTTP/1.1\r\na:" NINE NINE "\r\nb:" NINE NINE NINE "1234567\r\n\r\n", WHOLE },
	{ "GET / HTTP/1.1\r\na:" NINE NINE NINE NINE NINE NINE NINE, 431 },
	/* ends of lines */
	{ "\nGET / HTTP/1.0\r\n\r\n", 400 },
	{ "GET / HTTP/1.0\n\r\n", 400 },
	{ "GET / HTTP/1.0\r\n\n", 400 },
	{ "GET / HTTP/1.0\r\nHost: a\n\r\n", 400 },
	{ "GET / HTTP/1.0\r\r\n\r\n", 400 },
	{ "GET / HTTP/1.0\rHost: a\r\n\r\n", 400 },
	{ "\r\rGET / HTTP/1.0\r\n\r\n", 400 },
	{ "GET / HTTP/1.0\r\n\r\r\n", 400 },
	/* no HTTP */
	{ "\x16\x03\x01\x02\x01\x01\xfc\x03\x03", 400 },
	{ " GET / HTTP/1.0\r\n\r\n", 400 },
	{ "GET / HTTP/1.0\r\n Host: a\r\n\r\n", 400 },
	{ "GET / HTTP/1.0\r\nX: a\r\n b\r\n\r\n", 400 },
	{ "GET / HTTP/2.0\r\n\r\n", 505 },
};

START_TEST(heads_are_the_same_in_any_pieces)
{
	char whole[1024], told[1024];

	for (size_t i = 0; i < LENGTH(heads); i++) {
		const text head = text_of(heads[i].head);
		struct http_work *work = work_of(&small_limits, head);
		int status = feed_head(work, &small_limits, head.len, 1);

		expect(status == heads[i].status, "%d for %s", status, heads[i].head);
		describe(work, status, whole, sizeof(whole));
		for (size_t split = 0; split < 2 * (head.len + 1); split++) {
			size_t each = split % 2 ? 1 : SIZE_MAX;

			work = work_of(&small_limits, head);
			status = feed_head(work, &small_limits, split / 2, each);
			describe(work, status, told, sizeof(told));
			expect(strcmp(told, whole) == 0, "%zu, then %zu:\n%s\n%s", split / 2, each,
			       told, whole);
		}
	}
}
END_TEST

START_TEST(heads_are_bounded_before_they_end)
{
	static const struct {
		const char *head;
		int status;
	} rows[] = {
		/* a line of 30 bytes, its end still to come */
		{ "GET /" NINE NINE "1234567", MORE },
		{ "GET /" NINE NINE "1234567\r", MORE },
		{ "GET /" NINE NINE "123456789", 414 },
		{ "GET / HTTP/1.1\r\na:" NINE NINE NINE NINE NINE NINE "12\r", MORE },
		{ "GET / HTTP/1.1\r\na:" NINE NINE NINE NINE NINE NINE "123456", 431 },
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct http_work *work = work_of(&small_limits, text_of(rows[i].head));
		int status = read_as(read_head_lines(work, &small_limits), work);

		expect(status == rows[i].status, "%d for %s", status, rows[i].head);
	}
}
END_TEST

/* Fed like a head is; `limits->body` is 100 and `limits->header` 60. */
static int feed_chunks(struct http_work *work, size_t first, size_t each)
{
	size_t whole = work->end;
	int status;

	work->end = first;
	for (;;) {
		status = read_as(eat_chunks(work, &small_limits), work);
		if (status != MORE || work->end == whole)
			return status;
		work->end += whole - work->end < each ? whole - work->end : each;
	}
}

#define TEN "0123456789"

static const struct {
	text body;
	int status;
	uint64_t dropped;
	const char *rest;
} chunked[] = {
	{ TEXT("0\r\n\r\n"), WHOLE, 0, "" },
	{ TEXT("0\r\n\r\nGET /"), WHOLE, 0, "GET /" },
	{ TEXT("5\r\nhello\r\n0\r\n\r\nrest"), WHOLE, 5, "rest" },
	{ TEXT("5\r\nhello\r\nA\r\n" TEN "\r\n000\r\n\r\n"), WHOLE, 15, "" },
	{ TEXT("4\r\n\r\n\r\n\r\n0\r\n\r\n"), WHOLE, 4, "" },
	{ TEXT("5;a=b\r\n\0\n\r\n0\r\n0;c=\"d\"\r\n\r\n"), WHOLE, 5, "" },
	{ TEXT("0\r\nA: b\r\nC:\r\n\r\nrest"), WHOLE, 0, "rest" },
	{ TEXT("0\r\nContent-Lengths: 5\r\nHosts: x\r\n\r\n"), WHOLE, 0, "" },
	{ TEXT("64\r\n" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "\r\n0\r\n\r\n"), WHOLE, 100, "" },
	{ TEXT("1\r\nx\r\n63\r\n" TEN TEN TEN TEN TEN TEN TEN TEN TEN "012345678\r\n0\r\n\r\n"),
	  WHOLE, 100, "" },
	{ TEXT("5\r\nhel"), MORE, 5, "" },
	{ TEXT("5\r\nhello\r\n0\r\n"), MORE, 5, "" },
	{ TEXT("5\r\nhello\r\n0\r\n\r"), MORE, 5, NULL },
	{ TEXT(""), MORE, 0, "" },
	/* more than may come */
	{ TEXT("65\r\n"), 413, 0, NULL },
	{ TEXT("1\r\nx\r\n64\r\n"), 413, 1, NULL },
	{ TEXT("ffffffffffffffff\r\n"), 413, 0, NULL },
	{ TEXT("1\r\nx\r\nffffffffffffffff\r\n"), 413, 1, NULL },
	{ TEXT("0\r\na:1\r\nb:2\r\nc:3\r\n\r\n"), WHOLE, 0, "" },
	{ TEXT("0\r\na:1\r\nb:2\r\nc:3\r\nd:4\r\n\r\n"), 431, 0, NULL },
	{ TEXT("0\r\na:" TEN TEN TEN TEN TEN TEN "\r\n\r\n"), 431, 0, NULL },
	{ TEXT("1;a=" TEN TEN TEN "\r\nx\r\n1;a=" TEN TEN TEN "\r\nx\r\n0\r\n\r\n"), WHOLE, 2, "" },
	{ TEXT("1;a=" TEN TEN TEN TEN "\r\nx\r\n1;a=" TEN TEN TEN TEN "\r\nx\r\n"
	       "1;a=" TEN TEN TEN TEN "\r\nx\r\n0\r\n\r\n"),
	  431, 2, NULL },
	/* malformed */
	{ TEXT("\r\n"), 400, 0, NULL },
	{ TEXT("\n"), 400, 0, NULL },
	{ TEXT("5\nhello\r\n0\r\n\r\n"), 400, 0, NULL },
	{ TEXT("5\r\nhello\n0\r\n\r\n"), 400, 5, NULL },
	{ TEXT("5\r\nhello\r0\r\n\r\n"), 400, 5, NULL },
	{ TEXT("5\r\nhellox\r\n0\r\n\r\n"), 400, 5, NULL },
	{ TEXT("5\r\nhell\r\n0\r\n\r\n"), 400, 5, NULL },
	{ TEXT("-5\r\nhello\r\n0\r\n\r\n"), 400, 0, NULL },
	{ TEXT("0x5\r\nhello\r\n0\r\n\r\n"), 400, 0, NULL },
	{ TEXT("5 \r\nhello\r\n0\r\n\r\n"), 400, 0, NULL },
	{ TEXT("5\r\nhello\r\n\r\n"), 400, 5, NULL },
	{ TEXT("0\r\nContent-Length: 5\r\n\r\n"), 400, 0, NULL },
	{ TEXT("0\r\nA: b\r\nhost: x\r\n\r\n"), 400, 0, NULL },
	{ TEXT("0\r\nA b\r\n\r\n"), 400, 0, NULL },
	{ TEXT("0\r\nA : b\r\n\r\n"), 400, 0, NULL },
	{ TEXT("0\r\n A: b\r\n\r\n"), 400, 0, NULL },
	{ TEXT("0\r\nA: b\n\r\n"), 400, 0, NULL },
	{ TEXT("0\r\n\n"), 400, 0, NULL },
	{ TEXT("0\r\nA: \0\r\n\r\n"), 400, 0, NULL },
};

START_TEST(chunks_are_the_same_in_any_pieces)
{
	for (size_t i = 0; i < LENGTH(chunked); i++) {
		const text body = chunked[i].body;

		for (size_t split = 0; split < 2 * (body.len + 1); split++) {
			struct http_work *work = work_of(&small_limits, body);
			int status = feed_chunks(work, split / 2, split % 2 ? 1 : SIZE_MAX);
			text rest = { work->in + work->next, body.len - work->next };

			expect(status == chunked[i].status, "%d for row %zu split at %zu", status,
			       i, split / 2);
			expect(work->dropped == chunked[i].dropped, "row %zu: %ju", i,
			       (uintmax_t)work->dropped);
			expect(!chunked[i].rest || is_text(rest, chunked[i].rest),
			       "row %zu leaves %.*s", i, SHOWN(rest));
		}
	}
}
END_TEST

START_TEST(chunk_lines_are_bounded)
{
	char line[CHUNK_LINE + 8];
	struct http_work *work;
	struct http_limits limits = usual_limits;

	memset(line, 'x', sizeof(line));
	memcpy(line, "1;", 2);
	work = work_of(&limits, (text){ line, CHUNK_LINE });
	ck_assert_int_eq(eat_chunks(work, &limits), MORE);
	work = work_of(&limits, (text){ line, CHUNK_LINE + 1 });
	ck_assert_int_eq(read_as(eat_chunks(work, &limits), work), 431);
}
END_TEST

START_TEST(lengths_are_eaten)
{
	struct http_work *work = work_of(&usual_limits, text_of("12345rest"));

	work->left = 5;
	work->end = 3;
	ck_assert_int_eq(eat_length(work), MORE);
	ck_assert_uint_eq(work->left, 2);
	ck_assert_int_eq(eat_length(work), MORE);
	work->end = 9;
	ck_assert_int_eq(eat_length(work), WHOLE);
	ck_assert_uint_eq(work->next, 5);
}
END_TEST

Suite *request_suite(void)
{
	Suite *suite = suite_create("request");
	TCase *line = tcase_create("line and fields"), *framing = tcase_create("framing");

	tcase_add_test(line, numbers_are_digits);
	tcase_add_test(line, authorities_are_hosts_and_ports);
	tcase_add_test(line, targets_have_four_forms);
	tcase_add_test(line, request_lines_are_three_words);
	tcase_add_test(line, field_lines_are_strict);
	tcase_add_test(line, fields_are_found_by_name_in_any_case);
	tcase_add_test(line, fields_that_may_not_be_repeated);
	tcase_add_test(line, fields_are_counted_within_a_byte);
	tcase_add_test(line, lists_go_over_several_lines);
	tcase_add_test(line, lists_end_with_the_head);
	tcase_add_test(line, lists_are_searched_for_tokens);
	suite_add_tcase(suite, line);

	tcase_set_timeout(framing, 60);
	tcase_add_test(framing, bodies_are_framed);
	tcase_add_test(framing, chunk_sizes_are_hexadecimal);
	tcase_add_test(framing, heads_are_the_same_in_any_pieces);
	tcase_add_test(framing, heads_are_bounded_before_they_end);
	tcase_add_test(framing, chunks_are_the_same_in_any_pieces);
	tcase_add_test(framing, chunk_lines_are_bounded);
	tcase_add_test(framing, lengths_are_eaten);
	suite_add_tcase(suite, framing);
	return suite;
}
