/* What options say about a site, and what changes on the disk of sites that have them. */
#include "check.h"

START_TEST(rules_are_read)
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
END_TEST

START_TEST(patterns_match_whole_paths)
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
END_TEST

/* What is said of a charset within the bytes in which HTML has to say it. */
START_TEST(charsets_are_found)
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
END_TEST

/* ---- who is trusted, and what an address is ---- */

START_TEST(prefixes_of_trusted_peers)
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
END_TEST

START_TEST(addresses_of_forwarded_fields)
{
	static const struct {
		const char *node;
		int family, port; /* the port, or -1 where it is no address */
	} rows[] = {
		{ "192.0.2.1", AF_INET, 0 },
		{ "192.0.2.1:80", AF_INET, 80 },
		{ "192.0.2.1:_x", AF_INET, 0 },
		{ "192.0.2.1:_x(", 0, -1 },
		{ "192.0.2.1:", AF_INET, 0 },
		{ "192.0.2.1:x", 0, -1 },
		{ "192.0.2.1:65536", 0, -1 },
		{ "2001:db8::1", AF_INET6, 0 },
		{ "[2001:db8::1]", AF_INET6, 0 },
		{ "[2001:db8::1]:443", AF_INET6, 443 },
		{ "[2001:db8::1]443", 0, -1 },
		{ "[2001:db8::1", 0, -1 },
		{ "\"[2001:db8::1]:443\"", AF_INET6, 443 },
		{ "[192.0.2.1]", 0, -1 },
		{ "::", 0, -1 },
		{ "unknown", 0, -1 },
		{ "_hidden", 0, -1 },
		{ "", 0, -1 },
		{ "\"", 0, -1 },
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct http_peer peer;
		bool good = read_node(text_of(rows[i].node), &peer);

		expect(good == (rows[i].port >= 0), "%s", rows[i].node);
		expect(!good || (http_family(&peer) == rows[i].family && peer.port == rows[i].port),
		       "%s: %u", rows[i].node, peer.port);
	}
}
END_TEST

/* Of fields on two lines, among others. A place that is not there means the first element. */
START_TEST(elements_are_counted_from_the_right)
{
	static const char *const places[] = { "c", "b", "a", "a", "a" };
	const struct request *req = request_with("X-Forwarded-Proto: a, b\r\nAccept: x\r\n"
						 "X-Forwarded-Proto: c\r\nCookie: y, z\r\n");

	for (int i = 0; i < (int)LENGTH(places); i++) {
		text element;
		bool more = from_right(req, X_FORWARDED_PROTO, i + 1, &element);

		expect(is_text(element, places[i]), "%d: %.*s", i, SHOWN(element));
		expect(more == (i < 2), "%d", i);
	}
}
END_TEST

/* The status of a request on a connection of its own, and its body. */
static int asked(const struct http_site *site, const char *request, const char *body)
{
	struct talk talk;
	struct reply reply;
	text stream;

	now.clock++; /* another turn of the process */
	talk_open(&talk, site, &now);
	talk_say(&talk, request);
	stream = talk_heard(&talk);

	const char *fault = read_reply(&stream, strncmp(request, "HEAD", 4) == 0, &reply);

	expect(!fault, "%s: %s", request, fault);
	expect(!body || is_text(reply.body, body), "%s: %.*s", request, SHOWN(reply.body));
	talk_close(&talk);
	return reply.status;
}

/* Asked twice: the second response may be the one that the cache has. */
static void expect_body(const struct http_site *site, const char *host, const char *path,
			const char *body)
{
	char request[256];

	for (int coded = 0; coded < 4; coded++) {
		snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", path,
			 host, coded % 2 ? "Accept-Encoding: gzip\r\n" : "");
		ck_assert_int_eq(asked(site, request, body), body ? 200 : 404);
	}
}

static struct http_site begin_cached(struct tree *tree)
{
	static const char seed[HTTP_SEED];
	struct http_site site;

	make_tree(tree);
	now = turn_at(SECONDS(1000));
	now.cache = http_cache_new(1 << 20, 8, seed);
	need(now.cache, "http_cache_new");
	site = site_of(tree);
	site.listing = false;
	return site;
}

static void end_cached(struct tree *tree)
{
	while (now.cache->oldest)
		cache_remove(now.cache, now.cache->oldest);
	free(now.cache);
	remove_tree(tree);
}

static void drop(const struct tree *tree, const char *name)
{
	need(unlinkat(tree->fd, name, 0) == 0, name);
}

/* What is nearer than the page that was sent counts as soon as it is there. */
START_TEST(a_nearer_page_counts_at_once)
{
	struct http_rule indexes[] = { { .text = TEXT("one") }, { .text = TEXT("two") } };
	struct tree tree;
	struct http_site site = begin_cached(&tree);
	uint32_t entries = 0;

	site.clean_urls = true;
	site.rules[HTTP_INDEXES] = (struct http_rule_list){ indexes, LENGTH(indexes) };
	put_file(&tree, "page.html", "html");
	put_folder(&tree, "sub");
	put_file(&tree, "sub/two", "second");
	put_file(&tree, "sub/page.html", "deeper");
	for (int i = 0; i < 2; i++) {
		if (i) { /* a folder that has just changed is not watched, but each name in it is */
			put_times(&tree, ".", WALL_TIME, 0);
			put_times(&tree, "sub", WALL_TIME, 0);
		}
		expect_body(&site, "a", "/page", "html");
		expect_body(&site, "a", "/sub/", "second");
		expect_body(&site, "a", "/sub/page", "deeper");
		put_file(&tree, "page", "itself");
		put_file(&tree, "sub/one", "first");
		expect_body(&site, "a", "/page", "itself");
		expect_body(&site, "a", "/sub/", "first");
		drop(&tree, "page");
		drop(&tree, "sub/one");
	}
	expect_body(&site, "a", "/page", "html");
	put_folder(&tree, "page");
	expect_body(&site, "a", "/page", "html");
	drop(&tree, "page.html");
	ck_assert_int_eq(asked(&site, "GET /page HTTP/1.1\r\nHost: a\r\n\r\n", NULL), 301);
	for (const struct cached *entry = now.cache->newest; entry; entry = entry->older)
		entries++;
	ck_assert_uint_ge(entries, 3); /* these were remembered, or it would say little */
	end_cached(&tree);
}
END_TEST

/* A host's folder counts as soon as it is there, and only as long. */
START_TEST(hosts_come_and_go)
{
	struct tree tree, around;
	struct http_site site = begin_cached(&tree);
	char outside[PATH_MAX + 8];
	int before = count_descriptors();

	site.hosts = true;
	put_folder(&tree, "default");
	put_file(&tree, "default/page", "others'");
	expect_body(&site, "a", "/page", "others'");
	put_folder(&tree, "a");
	expect_body(&site, "a", "/page", NULL);
	put_file(&tree, "a/page", "a's own"); /* of the same size and time */
	expect_body(&site, "a", "/page", "a's own");
	expect_body(&site, "b", "/page", "others'");
	put_link(&tree, "b", "a");
	expect_body(&site, "b", "/page", "a's own");
	expect_body(&site, "A.:80", "/page", "a's own");
	/* another folder of the same name */
	need(renameat(tree.fd, "a", tree.fd, "was") == 0, "rename");
	expect_body(&site, "a", "/page", "others'");
	expect_body(&site, "b", "/page", "others'");
	put_folder(&tree, "a");
	put_file(&tree, "a/page", "another");
	expect_body(&site, "a", "/page", "another");
	expect_body(&site, "was", "/page", "a's own");
	/* moved out of the site, and linked to */
	make_tree(&around);
	snprintf(outside, sizeof(outside), "%s/out", around.top);
	need(renameat(tree.fd, "was", AT_FDCWD, outside) == 0, "rename");
	put_link(&tree, "was", outside);
	expect_body(&site, "was", "/page", "others'");
	remove_tree(&around);
	drop(&tree, "default/page");
	expect_body(&site, "c", "/page", NULL);
	ck_assert_int_le(count_descriptors(), before + (int)now.cache->files);
	end_cached(&tree);
}
END_TEST

/* A look at a folder counts for all requests for it that were received before: also for its pages. */
START_TEST(hosts_of_requests_received_together)
{
	static const char of_a[] = "GET /page HTTP/1.1\r\nHost: a\r\n\r\n",
			  of_b[] = "GET /page HTTP/1.1\r\nHost: b\r\n\r\n";
	struct tree tree;
	struct http_site site = begin_cached(&tree);
	struct talk talks[2];

	site.hosts = true;
	put_folder(&tree, "a");
	put_file(&tree, "a/page", "a's own");
	put_folder(&tree, "b");
	put_file(&tree, "b/page", "b's own"); /* of the same size and time */
	for (size_t i = 0; i < LENGTH(talks); i++) {
		talk_open(&talks[i], &site, &now);
		talk_say(&talks[i], of_b);
		talks[i].len = 0;
		need(talk_send(&talks[i], of_a, sizeof(of_a) - 1), "send");
	}
	for (size_t i = 0; i < LENGTH(talks); i++)
		http_receive(&talks[i].conn, &now);
	for (size_t i = 0; i < LENGTH(talks); i++) {
		struct reply reply;
		text stream;

		talk_step(&talks[i]);
		stream = talk_heard(&talks[i]);
		ck_assert_ptr_null(read_reply(&stream, false, &reply));
		expect(is_text(reply.body, "a's own"), "%zu: %.*s", i, SHOWN(reply.body));
		talk_close(&talks[i]);
	}
	end_cached(&tree);
}
END_TEST

/* A host that begins to be served while the body of its request arrives, a client that leaves. */
START_TEST(a_host_is_left)
{
	struct tree tree;
	struct http_site site = begin_cached(&tree);
	int before = count_descriptors();
	struct talk talk;

	site.hosts = true;
	put_folder(&tree, "a");
	put_file(&tree, "a/page", "a's own");
	talk_open(&talk, &site, &now);
	talk_say(&talk, "POST /page HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf");
	talk_close(&talk);
	ck_assert_int_eq(count_descriptors(), before);
	ck_assert_int_eq(
		asked(&site, "POST /page HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", NULL),
		400);
	ck_assert_int_eq(asked(&site,
			       "POST /page HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n",
			       NULL),
			 413);
	ck_assert_int_eq(count_descriptors(), before);
	end_cached(&tree);
}
END_TEST

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

START_TEST(hosts_are_logged)
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
	struct tree tree;
	struct http_site site = begin_cached(&tree);

	site.hosts = true;
	site.log = note_host;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		asked(&site, rows[i].request, NULL);
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
	site.hosts = false;
	asked(&site, rows[0].request, NULL);
	ck_assert_str_eq(logged_host, "");
	ck_assert_int_eq(strncmp(logged_line, "192.0.2.1 - - [", 15), 0);
	end_cached(&tree);
}
END_TEST

START_TEST(probes_are_not_logged)
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
	struct tree tree;
	struct http_site site = begin_cached(&tree);

	put_file(&tree, "healthz", "well");
	site.rules[HTTP_UNLOGGED] = (struct http_rule_list){ quiet, LENGTH(quiet) };
	site.log = note_host;
	for (size_t i = 0; i < 2 * LENGTH(rows); i++) {
		char request[128];

		logged_times = 0;
		snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: a\r\n\r\n",
			 i % 2 ? "PUT" : "GET", rows[i / 2].target);
		asked(&site, request, NULL);
		expect(logged_times == rows[i / 2].logged, "%s", request);
	}
	end_cached(&tree);
}
END_TEST

/* Lines without a pattern stand together; one with a pattern and those before it do not. */
START_TEST(fields_overrule)
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
END_TEST

Suite *rules_suite(void)
{
	Suite *suite = suite_create("rules");
	TCase *option = tcase_create("options"), *change = tcase_create("changes");
	TCase *log = tcase_create("log");

	tcase_add_test(option, rules_are_read);
	tcase_add_test(option, patterns_match_whole_paths);
	tcase_add_test(option, charsets_are_found);
	tcase_add_test(option, fields_overrule);
	tcase_add_test(option, prefixes_of_trusted_peers);
	tcase_add_test(option, addresses_of_forwarded_fields);
	tcase_add_test(option, elements_are_counted_from_the_right);
	suite_add_tcase(suite, option);
	tcase_add_test(change, a_nearer_page_counts_at_once);
	tcase_add_test(change, hosts_come_and_go);
	tcase_add_test(change, hosts_of_requests_received_together);
	tcase_add_test(change, a_host_is_left);
	suite_add_tcase(suite, change);
	tcase_add_test(log, hosts_are_logged);
	tcase_add_test(log, probes_are_not_logged);
	suite_add_tcase(suite, log);
	return suite;
}
