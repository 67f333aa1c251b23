/* What options say about a site, and what changes on the disk of sites that have them. */
#include "check.h"

static struct group option_tests = { .suite = "rules", .name = "options" };

TEST(option_tests, rules_are_read)
{
	static char long_name[PATH_MAX];
	struct http_rule rule_of_it;
	static const struct {
		enum http_rules kind;
		const char *word, *pattern, *text; /* NULL: it is refused */
	} rows[] = {
		{ HTTP_FIELDS, "X-A: b", NULL, "X-A: b" },
		{ HTTP_FIELDS, "/a* X-A: b c", "/a*", "X-A: b c" },
		{ HTTP_FIELDS, "*.js  X-A: b", "*.js", "X-A: b" },
		{ HTTP_FIELDS, "/a:b X-A: b", "/a:b", "X-A: b" },
		{ HTTP_FIELDS, "/a", NULL, NULL },
		{ HTTP_FIELDS, "/a X-A", NULL, NULL },
		{ HTTP_FIELDS, "/a b X-A: b", NULL, NULL },
		{ HTTP_FIELDS, "a/ X-A: b", NULL, NULL },
		{ HTTP_FIELDS, "/a Content-Type: b", NULL, NULL },
		{ HTTP_FIELDS, "/a X-A: b\r\nX-B: c", NULL, NULL },
		{ HTTP_FIELDS, "Cache-Control: no-cache", NULL, "Cache-Control: no-cache" },
		{ HTTP_FIELDS, "Access-Control-Allow-Origin: *", NULL,
		  "Access-Control-Allow-Origin: *" },
		{ HTTP_FIELDS, "X-A:b", NULL, "X-A:b" },
		{ HTTP_FIELDS, "X-A: b: c", NULL, "X-A: b: c" },
		{ HTTP_FIELDS, "Content-Security-Policy: default-src 'self'", NULL,
		  "Content-Security-Policy: default-src 'self'" },
		{ HTTP_FIELDS, "Content-Language: de", NULL, "Content-Language: de" },
		{ HTTP_FIELDS, "Dates: x", NULL, "Dates: x" },
		{ HTTP_FIELDS, "", NULL, NULL },
		{ HTTP_FIELDS, "X-A", NULL, NULL },
		{ HTTP_FIELDS, ": b", NULL, NULL },
		{ HTTP_FIELDS, "X A: b", NULL, NULL },
		{ HTTP_FIELDS, "X-A : b", NULL, NULL },
		{ HTTP_FIELDS, " X-A: b", NULL, NULL },
		{ HTTP_FIELDS, "X-A: b\r\nX-B: c", NULL, NULL },
		{ HTTP_FIELDS, "X-A: b\nX-B: c", NULL, NULL },
		{ HTTP_FIELDS, "X-A: b\r", NULL, NULL },
		{ HTTP_FIELDS, "X-\x80: b", NULL, NULL },
		{ HTTP_FIELDS, "X-A: \x01", NULL, NULL },
		{ HTTP_FIELDS, "Content-Length: 5", NULL, NULL },
		{ HTTP_FIELDS, "content-length: 5", NULL, NULL },
		{ HTTP_FIELDS, "CONTENT-TYPE: text/html", NULL, NULL },
		{ HTTP_FIELDS, "Content-Encoding: gzip", NULL, NULL },
		{ HTTP_FIELDS, "Content-Range: bytes 0-0/1", NULL, NULL },
		{ HTTP_FIELDS, "Transfer-Encoding: chunked", NULL, NULL },
		{ HTTP_FIELDS, "Connection: close", NULL, NULL },
		{ HTTP_FIELDS, "Keep-Alive: timeout=5", NULL, NULL },
		{ HTTP_FIELDS, "Date: now", NULL, NULL },
		{ HTTP_FIELDS, "Server: x", NULL, NULL },
		{ HTTP_FIELDS, "ETag: \"x\"", NULL, NULL },
		{ HTTP_FIELDS, "Last-Modified: now", NULL, NULL },
		{ HTTP_FIELDS, "Accept-Ranges: none", NULL, NULL },
		{ HTTP_FIELDS, "Location: /", NULL, NULL },
		{ HTTP_FIELDS, "Allow: PUT", NULL, NULL },
		{ HTTP_FIELDS, "Trailer: X", NULL, NULL },
		{ HTTP_FIELDS, "TE: trailers", NULL, NULL },
		{ HTTP_FIELDS, "Upgrade: h2c", NULL, NULL },
		{ HTTP_FIELDS, "WWW-Authenticate: Basic realm=x", NULL, NULL },
		{ HTTP_FIELDS, "X-Content-Type-Options: nosniff", NULL, NULL },
		{ HTTP_TYPES, "md=text/plain", "md", "text/plain" },
		{ HTTP_TYPES, "=text/plain; charset=x", "", "text/plain; charset=x" },
		{ HTTP_TYPES, "md", NULL, NULL },
		{ HTTP_TYPES, "md=", NULL, NULL },
		{ HTTP_TYPES, "md=text", NULL, NULL },
		{ HTTP_TYPES, "md=text/", NULL, NULL },
		{ HTTP_TYPES, "md=text/plain x", NULL, NULL },
		{ HTTP_TYPES, "md=text/plain\r\nX: y", NULL, NULL },
		{ HTTP_TYPES, ".md=text/plain", NULL, NULL },
		{ HTTP_TYPES, "a/b=text/plain", NULL, NULL },
		{ HTTP_INDEXES, "home.html", NULL, "home.html" },
		{ HTTP_INDEXES, "a/home.html", NULL, NULL },
		{ HTTP_INDEXES, "..", NULL, NULL },
		{ HTTP_INDEXES, "/home.html", NULL, NULL },
		{ HTTP_FALLBACKS, "/app.html", NULL, NULL },
		{ HTTP_FALLBACKS, "a//app.html", NULL, NULL },
		{ HTTP_INDEXES, ".html", NULL, NULL },
		{ HTTP_FALLBACKS, "a/app.html", NULL, "a/app.html" },
		{ HTTP_FALLBACKS, "../app.html", NULL, NULL },
		{ HTTP_FALLBACKS, "a/.app", NULL, NULL },
		{ HTTP_FALLBACKS, "a/", NULL, NULL },
		{ HTTP_UNLOGGED, "/healthz", "/healthz", "/healthz" },
		{ HTTP_UNLOGGED, "*", "*", "*" },
		{ HTTP_UNLOGGED, "healthz", NULL, NULL },
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct http_rule rule;
		const char *fault = http_read_rule(rows[i].kind, rows[i].word, &rule);

		expect(!fault == (rows[i].text != NULL), "%s: %s", rows[i].word, fault);
		if (fault)
			continue;
		expect(is_text(rule.text, rows[i].text), "%s", rows[i].word);
		expect(is_text(rule.pattern, rows[i].pattern ? rows[i].pattern : ""), "%s",
		       rows[i].word);
		ck_assert_int_eq(rule.text.at[rule.text.len], '\0');
	}
	memset(long_name, 'a', PATH_MAX - 1);
	ck_assert_ptr_nonnull(http_read_rule(HTTP_INDEXES, long_name, &rule_of_it));
	ck_assert_ptr_null(http_read_rule(HTTP_INDEXES, long_name + 1, &rule_of_it));
}

TEST(option_tests, patterns_match_whole_paths)
{
	static const struct {
		const char *pattern, *path; /* without its first slash */
		bool good;
	} rows[] = {
		{ "/", "", true },          { "/", "a", false },
		{ "/*", "", true },         { "*", "", true },
		{ "*", "a/b", true },       { "/a", "a", true },
		{ "/a", "ab", false },      { "/a", "A", false },
		{ "/a*", "ab/c", true },    { "/a*", "ba", false },
		{ "*.js", "a/b.js", true }, { "*.js", "b.js.x", false },
		{ "*.js", ".js.js", true }, { "/a*b*c", "aXbYc", true },
		{ "/a*b*c", "acb", false }, { "/a*b*c", "abcbc", true },
		{ "/**", "a", true },       { "*/a", "a", true },
		{ "*/a", "ba", false },     { "/a?", "ab", false },
		{ "/*a", "aaab", false },   { "/a/*", "a", false },
		{ "/a/*", "a/", true },     { "/a*a", "a", false },
	};

	for (size_t i = 0; i < LENGTH(rows); i++)
		expect(matches(text_of(rows[i].pattern), text_of(rows[i].path)) == rows[i].good,
		       "%s: /%s", rows[i].pattern, rows[i].path);
}

/* What is said of a charset within the bytes in which HTML has to say it. */
TEST(option_tests, charsets_are_found)
{
	static const struct {
		const char *page;
		bool otherwise;
	} rows[] = {
		{ "", false },
		{ "<p>", false },
		{ "<", false },
		{ "<meta", false },
		{ "<meta charset", false },
		{ "<meta charset=", false },
		{ "<meta charset=\"\">", false },
		{ "<meta charset=utf-8>", false },
		{ "<meta charset=\"UTF8\">", false },
		{ "<META CHARSET = 'iso-8859-1'>", true },
		{ "<meta charset=koi8-r", true },
		{ "<meta name=charset content=x><meta charset=koi8-r>", true },
		{ "<meta http-equiv=content-type content='text/html; charset=koi8-r'>", true },
		{ "<p>charset=koi8-r</p>", false },
		{ "<meta name=x>charset=koi8-r", false },
		{ "<!--<meta charset=koi8-r>", false },
		{ "<!--><meta charset=koi8-r>", true },
		{ "<!-- a --><!-- b --><meta charset=koi8-r>", true },
		{ "\xef\xbb\xbf<meta charset=koi8-r>", false },
		{ "\xff\xfe<", true },
		{ "\xfe\xff<", true },
	};
	char late[PAGE_BEGIN + 64];

	for (size_t i = 0; i < LENGTH(rows); i++)
		expect(begins_otherwise(text_of(rows[i].page)) == rows[i].otherwise, "%s",
		       rows[i].page);
	for (size_t before = PAGE_BEGIN - 32; before < PAGE_BEGIN + 32; before++) {
		static const char tag[] = "<meta charset=x>";

		memset(late, ' ', sizeof(late));
		memcpy(late + before, tag, sizeof(tag) - 1);
		expect(begins_otherwise((text){ late, sizeof(late) }) ==
			       (before + sizeof("<meta charset=x") - 1 <= PAGE_BEGIN),
		       "at %zu", before);
	}
}

/* ---- who is trusted, and what an address is ---- */

TEST(option_tests, prefixes_of_trusted_peers)
{
	static const struct http_prefix trusted[] = {
		{ AF_INET, 96 + 23, { [10] = 0xff, 0xff, 192, 0, 2, 0 } },
		{ AF_INET6, 33, { 0x20, 0x01, 0x0d, 0xb8, 0x80 } },
		{ AF_UNIX, 0, { 0 } },
	};
	static const struct {
		struct http_peer peer;
		bool trusted;
	} rows[] = {
		{ { { [10] = 0xff, 0xff, 192, 0, 2, 255 }, 9 }, true },
		{ { { [10] = 0xff, 0xff, 192, 0, 3, 1 }, 9 }, true },
		{ { { [10] = 0xff, 0xff, 192, 0, 4, 1 }, 9 }, false },
		{ { { [10] = 0xff, 0xff, 192, 1, 2, 1 }, 9 }, false },
		{ { { 0x20, 0x01, 0x0d, 0xb8, 0x81, 1 }, 9 }, true },
		{ { { 0x20, 0x01, 0x0d, 0xb8, 0x7f, 1 }, 9 }, false },
		{ { { 0x20, 0x01, 0x0d, 0xb9, 0x80, 1 }, 9 }, false },
		{ { { 0 }, HTTP_UNIX_PORT }, true },
		{ { { 0 }, 0 }, false },
	};
	const struct http_site site = { .trusted = trusted, .trusts = LENGTH(trusted) };

	for (size_t i = 0; i < LENGTH(rows); i++)
		expect(is_trusted(&site, &rows[i].peer) == rows[i].trusted, "%zu", i);
}

/* The status of a request on a connection of its own, and its body. */
static int asked(const char *request, const char *body)
{
	struct talk *talk = open_talk(&served);
	struct reply reply;

	now.clock++; /* another turn of the process */
	talk_say(talk, request);
	reply = any_reply(talk);
	expect(!body || is_text(reply.body, body), "%s: %.*s", request, SHOWN(reply.body));
	close_talk(talk);
	return reply.status;
}

/* Asked twice: the second response may be the one that the cache has. */
static void expect_body(const char *host, const char *path, const char *body)
{
	char request[256];

	for (int coded = 0; coded < 4; coded++) {
		snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", path,
			 host, coded % 2 ? "Accept-Encoding: gzip\r\n" : "");
		ck_assert_int_eq(asked(request, body), body ? 200 : 404);
	}
}

/* An empty site, with a cache. */
static void make_site(void)
{
	static const char seed[HTTP_SEED];

	make_tree(&ground);
	served = site_of(&ground);
	served.listing = false;
	now = turn_at(SECONDS(1000));
	add_cache(1 << 20, 8, seed);
}

static void drop(const char *name)
{
	need(unlinkat(ground.fd, name, 0) == 0, name);
}

static struct group change_tests = {
	.suite = "rules", .name = "changes", .begin = make_site, .end = remove_ground
};

/* What is nearer than the page that was sent counts as soon as it is there. */
TEST(change_tests, a_nearer_page_counts_at_once)
{
	struct http_rule indexes[] = { { .text = TEXT("one") }, { .text = TEXT("two") } };

	served.clean_urls = true;
	served.rules[HTTP_INDEXES] = (struct http_rule_list){ indexes, LENGTH(indexes) };
	put_file(&ground, "page.html", "html");
	put_folder(&ground, "sub");
	put_file(&ground, "sub/two", "second");
	put_file(&ground, "sub/page.html", "deeper");
	for (int i = 0; i < 2; i++) {
		if (i) { /* a folder that has just changed is not watched, but each name in it is */
			put_times(&ground, ".", WALL_TIME, 0);
			put_times(&ground, "sub", WALL_TIME, 0);
		}
		expect_body("a", "/page", "html");
		expect_body("a", "/sub/", "second");
		expect_body("a", "/sub/page", "deeper");
		put_file(&ground, "page", "itself");
		put_file(&ground, "sub/one", "first");
		expect_body("a", "/page", "itself");
		expect_body("a", "/sub/", "first");
		drop("page");
		drop("sub/one");
	}
	expect_body("a", "/page", "html");
	put_folder(&ground, "page");
	expect_body("a", "/page", "html");
	drop("page.html");
	ck_assert_int_eq(asked("GET /page" ON "\r\n", NULL), 301);
	ck_assert_uint_ge(count_entries(), 3); /* these were remembered, or it would say little */
}

/* A host's folder counts as soon as it is there, and only as long. */
TEST(change_tests, hosts_come_and_go)
{
	struct tree around;
	char outside[PATH_MAX + 8];

	served.hosts = true;
	put_folder(&ground, "default");
	put_file(&ground, "default/page", "others'");
	expect_body("a", "/page", "others'");
	put_folder(&ground, "a");
	expect_body("a", "/page", NULL);
	put_file(&ground, "a/page", "a's own"); /* of the same size and time */
	expect_body("a", "/page", "a's own");
	expect_body("b", "/page", "others'");
	put_link(&ground, "b", "a");
	expect_body("b", "/page", "a's own");
	expect_body("A.:80", "/page", "a's own");
	/* another folder of the same name */
	need(renameat(ground.fd, "a", ground.fd, "was") == 0, "rename");
	expect_body("a", "/page", "others'");
	expect_body("b", "/page", "others'");
	put_folder(&ground, "a");
	put_file(&ground, "a/page", "another");
	expect_body("a", "/page", "another");
	expect_body("was", "/page", "a's own");
	/* moved out of the site, and linked to */
	make_tree(&around);
	snprintf(outside, sizeof(outside), "%s/out", around.top);
	need(renameat(ground.fd, "was", AT_FDCWD, outside) == 0, "rename");
	put_link(&ground, "was", outside);
	expect_body("was", "/page", "others'");
	remove_tree(&around);
	drop("default/page");
	expect_body("c", "/page", NULL);
}

/* A look at a folder counts for all requests for it that were received before: also for its pages. */
TEST(change_tests, hosts_of_requests_received_together)
{
	static const char of_a[] = "GET /page" ON "\r\n",
			  of_b[] = "GET /page HTTP/1.1\r\nHost: b\r\n\r\n";
	struct talk talks[2];

	served.hosts = true;
	put_folder(&ground, "a");
	put_file(&ground, "a/page", "a's own");
	put_folder(&ground, "b");
	put_file(&ground, "b/page", "b's own"); /* of the same size and time */
	for (size_t i = 0; i < LENGTH(talks); i++) {
		talk_open(&talks[i], &served, &now);
		talk_say(&talks[i], of_b);
		next_reply(&talks[i], 200);
		need(talk_send(&talks[i], of_a, sizeof(of_a) - 1), "send");
	}
	for (size_t i = 0; i < LENGTH(talks); i++)
		http_receive(&talks[i].conn, &now);
	for (size_t i = 0; i < LENGTH(talks); i++) {
		talk_step(&talks[i]);
		expect(is_text(next_reply(&talks[i], 200).body, "a's own"), "%zu", i);
		talk_close(&talks[i]);
	}
}

/* A host that begins to be served while the body of its request arrives, a client that leaves. */
TEST(change_tests, a_host_is_left)
{
	struct talk *talk;

	served.hosts = true;
	put_folder(&ground, "a");
	put_file(&ground, "a/page", "a's own");
	talk = open_talk(&served);
	talk_say(talk, "POST /page" ON "Content-Length: 9\r\n\r\nhalf");
	close_talk(talk);
	ck_assert_int_eq(count_descriptors(), descriptors);
	ck_assert_int_eq(asked("POST /page" ON "Content-Length: x\r\n\r\n", NULL), 400);
	ck_assert_int_eq(asked("POST /page" ON "Content-Length: 99999999\r\n\r\n", NULL), 413);
	ck_assert_int_eq(count_descriptors(), descriptors);
}

static char logged_host[64], logged_port[8], logged_line[HTTP_LOG_LINE];
static int logged_times;

static void note_host(const struct http_conn *conn, const struct http_entry *entry)
{
	(void)conn;
	logged_times++;
	snprintf(logged_host, sizeof(logged_host), "%.*s", SHOWN(entry->host));
	snprintf(logged_port, sizeof(logged_port), "%.*s", SHOWN(entry->port));
	logged_line[http_log_line(logged_line, "192.0.2.1", entry)] = '\0';
}

TEST(change_tests, hosts_are_logged)
{
	static const struct {
		const char *request, *host, *port;
	} rows[] = {
		{ "GET / HTTP/1.1\r\nHost: A.test.:81\r\n\r\n", "a.test", "81" },
		{ "GET / HTTP/1.1\r\nHost: unknown\r\n\r\n", "unknown", "" },
		{ "GET HTTP://B.test/ HTTP/1.1\r\nHost: a\r\n\r\n", "b.test", "" },
		{ "GET / HTTP/1.1\r\nHost: [::A]:8080\r\n\r\n", "[::a]", "8080" },
		{ "GET / HTTP/1.1\r\nHost: ..\r\n\r\n", "-", "" },
		{ "GET / HTTP/1.0\r\n\r\n", "-", "" },
		{ "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "-", "" },
		{ "PUT / HTTP/1.1\r\nHost: a\r\n\r\n", "a", "" },
	};
	char begin[128];

	served.hosts = true;
	served.log = note_host;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		asked(rows[i].request, NULL);
		ck_assert_str_eq(logged_host, rows[i].host);
		ck_assert_str_eq(logged_port, rows[i].port);
		/* Apache's vhost_combined */
		snprintf(begin, sizeof(begin), "%s:%s 192.0.2.1 - - [", rows[i].host,
			 rows[i].port[0] ? rows[i].port : "80");
		expect(strncmp(logged_line, begin, strlen(begin)) == 0, "%s", logged_line);
		/* the request line as it came */
		snprintf(begin, sizeof(begin), "] \"%.*s\" ", (int)strcspn(rows[i].request, "\r"),
			 rows[i].request);
		expect(strstr(logged_line, begin), "%s", logged_line);
	}
	served.hosts = false;
	asked(rows[0].request, NULL);
	ck_assert_str_eq(logged_host, "");
	ck_assert_int_eq(strncmp(logged_line, "192.0.2.1 - - [", 15), 0);
}

TEST(change_tests, probes_are_not_logged)
{
	static const struct http_rule quiet[] = { { .pattern = TEXT("/healthz") },
						  { .pattern = TEXT("/probe/*") } };
	static const struct {
		const char *target;
		bool logged;
	} rows[] = {
		{ "/healthz", false }, { "/healthz?x", false }, { "/%68ealthz", false },
		{ "/healthz/", true }, { "/probe", true },      { "/probe/a/b", false },
		{ "/", true },         { "/%zz", true },        { "/x/../healthz", false },
	};

	put_file(&ground, "healthz", "well");
	served.rules[HTTP_UNLOGGED] = (struct http_rule_list){ quiet, LENGTH(quiet) };
	served.log = note_host;
	for (size_t i = 0; i < 2 * LENGTH(rows); i++) {
		char request[128];

		logged_times = 0;
		snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: a\r\n\r\n",
			 i % 2 ? "PUT" : "GET", rows[i / 2].target);
		asked(request, NULL);
		expect(logged_times == rows[i / 2].logged, "%s", request);
	}
}

/* Lines without a pattern stand together; one with a pattern and those before it do not. */
TEST(option_tests, fields_overrule)
{
	static const struct http_rule all[] = {
		{ .text = TEXT("Link: </1>") },
		{ .text = TEXT("Link: </2>") },
		{ .pattern = TEXT("/a*"), .text = TEXT("Link: </3>") },
		{ .pattern = TEXT("/ab*"), .text = TEXT("LINK: </4>") },
		{ .pattern = TEXT("/abc"), .text = TEXT("Link-Not: x") },
	};
	static const struct {
		const char *path, *lines;
	} rows[] = {
		{ "b", "Link: </1>\r\nLink: </2>\r\n" },
		{ "a", "Link: </3>\r\n" },
		{ "ab", "LINK: </4>\r\n" },
		{ "abc", "LINK: </4>\r\nLink-Not: x\r\n" },
	};
	struct http_site site = { .rules[HTTP_FIELDS] = { all, LENGTH(all) } };

	for (size_t i = 0; i <= LENGTH(rows); i++) {
		char lines[256];
		struct out o = { lines, 0, sizeof(lines), false };
		text path = i < LENGTH(rows) ? text_of(rows[i].path) : (text){ NULL, 0 };

		put_rules(&o, &site, path, false);
		expect(is_text((text){ lines, o.len }, rows[i % LENGTH(rows)].lines), "%.*s",
		       (int)o.len, lines);
	}
}
