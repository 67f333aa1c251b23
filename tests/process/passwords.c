/*
 * Passwords: every way to what needs one, of the event loop and of a process for one connection;
 * what is remembered, logged and told to a program; and the files that are refused.
 */
#include <string.h>
#include <unistd.h>

#include "process.h"

/* A program that shows what it is told. */
#define SHOWS "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'; env\n"

/* ada: "secret:with colon", bob: "\303\244", eve: "yes", "a b": "other" */
#define ADA "ada:$5$rounds=1000$wwwdwwwd$IA412bWVMmKzQNDZzXTDwf3.BTtlcXtcjuDMwJCm.OD\n"
#define BOB "bob:$2b$04$abcdefghijklmnopqrstuuc1pqO32Jjm3MjkBXEuJk7AAzEdrKrQ.\n"
#define EVE "eve:$y$j75$wwwdwwwd$F23uBRsyTQDRuJ4ID30nSeUSnLT5/yakLTs//PL85hB\n"
#define A_B "a b:$5$rounds=1000$wwwdwwwe$INSACdPPdKTkBb/vuB2Zh2OuiZahRsOLQph4q8wraQB:a comment\n"

/* a second line of a name does not count: ada's password is not bob's */
#define BOB_AGAIN "bob:$5$rounds=1000$wwwdwwwd$IA412bWVMmKzQNDZzXTDwf3.BTtlcXtcjuDMwJCm.OD\n"

#define OF_ADA "Authorization: Basic YWRhOnNlY3JldDp3aXRoIGNvbG9u\r\n"
#define OF_BOB "Authorization: Basic Ym9iOsOk\r\n"
#define OF_EVE "authorization: bAsIc  ZXZlOnllcw==\r\n"
#define OF_A_B "Authorization: Basic YSBiOm90aGVy\r\n"
#define WRONG "Authorization: Basic YWRhOndyb25n\r\n"                  /* ada:wrong */
#define NEARLY "Authorization: Basic YWRhOnNlY3JldDp3aXRoIGNvbG94\r\n" /* as long as OF_ADA */
#define UNKNOWN "Authorization: Basic emVkOndyb25n\r\n"                /* zed:wrong */

/* A name that ends with a slash is a folder; a file has its name as its content. */
static const char *const entries[] = { "private/",
				       "private/index.html",
				       "private/x.txt",
				       "private/x.txt.gz",
				       "private/sub/",
				       "private/sub/y.txt",
				       "secret.txt",
				       "secret.txt.gz",
				       "page.html",
				       "deep/",
				       "deep/x.txt",
				       "deep/er/",
				       "deep/er/x.txt",
				       "deep/index/",
				       "deep/index/index.html",
				       "open/",
				       "open/x.txt",
				       "privateer.txt",
				       "404.html",
				       "cgi-bin/" };

static void put_site(void)
{
	for (int i = 0; i < COUNT(entries); i++)
		if (entries[i][strlen(entries[i]) - 1] == '/')
			put_folder(format("site/%s", entries[i]));
		else
			put(format("site/%s", entries[i]), entries[i]);
	put_program("site/cgi-bin/open", SHOWS);
	put_program("site/cgi-bin/guarded", SHOWS);
	put_program("site/cgi-bin/leads", "#!/bin/sh\nprintf 'Location: /cgi-bin/open\\n\\n'\n");
	put("users", "# who may read\n\n" ADA BOB EVE A_B BOB_AGAIN);
	put("others", BOB);
}

/* "/PREFIX=FILE of the top" */
static const char *rule(const char *prefix, const char *file)
{
	return format("%s=%s", prefix, in_top(file));
}

#define RULES                                                                                  \
	"--cgi", "/cgi-bin/", "--auth", rule("/private/", "users"), "--auth",                  \
		rule("/secret.txt", "users"), "--auth", rule("/page.html", "users"), "--auth", \
		rule("/deep", "users"), "--auth", rule("/deep/er", "others"), "--auth",        \
		rule("/deep/index/index.html", "others"), "--auth",                            \
		rule("/cgi-bin/guarded", "users"), "--auth", rule("/cgi-bin/leads", "users"),  \
		"--auth", rule("/404.html", "others"), "--clean-urls"

#define ASK(method, target, fields) \
	method " " target " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" fields "\r\n"
#define PREFLIGHT "Origin: http://b\r\nAccess-Control-Request-Method: POST\r\n"

static const struct row {
	const char *request;
	int status;
	const char *has, *lacks;
} rows[] = {
	/* spellings, and what may tell what is there */
	{ ASK("GET", "/private", ""), 401, "WWW-Authenticate: Basic realm=\"/private\"", NULL },
	{ ASK("GET", "/private/", ""), 401, "charset=\"UTF-8\"\r\n", "index" },
	{ ASK("GET", "/private/index.html", ""), 401, NULL, "index" },
	{ ASK("GET", "/private/x.txt", ""), 401, NULL, "private/x" },
	{ ASK("HEAD", "/private/x.txt", ""), 401, NULL, NULL },
	{ ASK("POST", "/private/x.txt", ""), 401, NULL, NULL },
	{ ASK("OPTIONS", "/private/x.txt", ""), 401, NULL, "Allow" },
	{ ASK("GET", "/private/x.txt", "Range: bytes=0-1\r\n"), 401, NULL, NULL },
	{ ASK("GET", "/private/x.txt", "If-None-Match: *\r\n"), 401, NULL, NULL },
	{ ASK("GET", "/private/x.txt", "Accept-Encoding: gzip\r\n"), 401, NULL, "gzip" },
	{ ASK("GET", "/private/x.txt.gz", ""), 401, NULL, NULL },
	{ ASK("GET", "/private/none", ""), 401, NULL, NULL },
	{ ASK("GET", "/private/.hidden", ""), 401, NULL, NULL },
	{ ASK("GET", "/private/sub", ""), 401, NULL, "Location" },
	{ ASK("GET", "/private/sub/", ""), 401, NULL, "y.txt" },
	{ ASK("GET", "/private/sub/?format=json", ""), 401, NULL, "y.txt" },
	{ ASK("GET", "//private/x.txt", ""), 401, NULL, NULL },
	{ ASK("GET", "/private//x.txt", ""), 401, NULL, NULL },
	{ ASK("GET", "/./private/x.txt", ""), 401, NULL, NULL },
	{ ASK("GET", "/open/../private/x.txt", ""), 401, NULL, NULL },
	{ ASK("GET", "/private/../private/x.txt", ""), 401, NULL, NULL },
	{ ASK("GET", "/open/%2e%2e/private/x.txt", ""), 401, NULL, NULL },
	{ ASK("GET", "/%70rivate/x.txt", ""), 401, NULL, NULL },
	{ ASK("GET", "http://a/private/x.txt", ""), 401, NULL, NULL },
	{ ASK("GET", "/private?x", ""), 401, NULL, NULL },
	{ ASK("GET", "/private/x.txt?y", ""), 401, NULL, NULL },
	{ ASK("GET", "/private%2fx.txt", ""), 400, NULL, NULL },
	{ ASK("GET", "/secret.txt", ""), 401, NULL, NULL },
	{ ASK("GET", "/secret.txt.gz", ""), 401, NULL, NULL },
	{ ASK("GET", "/secret.txt/", ""), 401, NULL, NULL },
	{ ASK("GET", "/page.html", ""), 401, NULL, NULL },
	{ ASK("GET", "/page", ""), 401, NULL, NULL },
	{ ASK("GET", "/cgi-bin/guarded", ""), 401, NULL, "REQUEST" },
	{ ASK("GET", "/cgi-bin/guarded/x", ""), 401, NULL, "REQUEST" },
	{ ASK("POST", "/cgi-bin/guarded", ""), 401, NULL, "REQUEST" },
	{ ASK("OPTIONS", "/cgi-bin/guarded", ""), 401, NULL, "REQUEST" },
	/* a browser's question before it asks, which runs no program either */
	{ ASK("OPTIONS", "/private/x.txt", PREFLIGHT), 204, "Allow: ", NULL },
	{ ASK("OPTIONS", "/cgi-bin/guarded", PREFLIGHT), 204, "Allow: ", "REQUEST" },
	/* what needs none */
	{ ASK("GET", "/", ""), 200, NULL, "WWW-Authenticate" },
	{ ASK("GET", "/privateer.txt", ""), 200, "privateer.txt", "Cache-Control" },
	{ ASK("GET", "/open/x.txt", ""), 200, NULL, NULL },
	{ ASK("GET", "/open/x.txt", WRONG), 200, NULL, NULL },
	{ ASK("GET", "/PRIVATE/x.txt", ""), 404, NULL, NULL },
	/* with a password */
	{ ASK("GET", "/private/x.txt", OF_ADA), 200, "private/x.txt", NULL },
	{ ASK("GET", "/private/x.txt", OF_BOB), 200, "private/x.txt", NULL },
	{ ASK("GET", "/private/x.txt", OF_EVE), 200, "Cache-Control: private\r\n", NULL },
	{ ASK("GET", "/private/x.txt", OF_A_B), 200, NULL, NULL },
	{ ASK("HEAD", "/private/x.txt", OF_ADA), 200, "Content-Length: 13\r\n", NULL },
	{ ASK("GET", "/private/", OF_ADA), 200, "private/index.html", NULL },
	{ ASK("GET", "/private", OF_ADA), 301, "Location: private/\r\n", NULL },
	{ ASK("GET", "/private/sub/", OF_ADA), 200, "y.txt", NULL },
	{ ASK("GET", "/private/sub/", OF_ADA), 200, "Cache-Control: private\r\n", NULL },
	{ ASK("GET", "/private/none", OF_ADA), 404, NULL, NULL },
	{ ASK("GET", "/private/x.txt", "Accept-Encoding: gzip\r\n" OF_ADA), 200, "gzip", NULL },
	{ ASK("GET", "/page", OF_ADA), 200, "page.html", NULL },
	{ ASK("POST", "/cgi-bin/guarded", OF_ADA "Content-Length: 1\r\n") "x", 200,
	  "\nREMOTE_USER=ada\n", "AUTHORIZATION" },
	{ ASK("GET", "/cgi-bin/guarded", OF_A_B), 200, "\nAUTH_TYPE=Basic\n", NULL },
	{ ASK("GET", "/cgi-bin/guarded", OF_A_B), 200, "\nREMOTE_USER=a b\n", NULL },
	{ ASK("GET", "/cgi-bin/open", OF_ADA), 200, "HTTP_AUTHORIZATION=", "REMOTE_USER" },
	/* from one that needs a password to one that needs none, which is told of neither */
	{ ASK("GET", "/cgi-bin/leads", OF_ADA), 200, "SCRIPT_NAME=/cgi-bin/open", "REMOTE_USER" },
	{ ASK("GET", "/cgi-bin/leads", OF_ADA), 200, "SCRIPT_NAME=/cgi-bin/open", "AUTHORIZATION" },
	/* the longest prefix wins */
	{ ASK("GET", "/deep/x.txt", OF_ADA), 200, NULL, NULL },
	{ ASK("GET", "/deep/er/x.txt", OF_ADA), 401, "realm=\"/deep/er\"", NULL },
	{ ASK("GET", "/deep/er/x.txt", OF_BOB), 200, NULL, NULL },
	{ ASK("GET", "/deep/er/../x.txt", OF_ADA), 200, NULL, NULL },
	{ ASK("GET", "/deep/index/", OF_ADA), 401, NULL, NULL },
	{ ASK("GET", "/deep/index/", OF_BOB), 200, "deep/index/index.html", NULL },
	/* a page for errors has a password of its own */
	{ ASK("GET", "/none", ""), 404, "nothing at this address", "404.html" },
	{ ASK("GET", "/private/none", OF_BOB), 404, "nothing at this address", "404.html" },
	{ ASK("GET", "/404.html", OF_BOB), 200, "404.html", NULL },
	/* with a wrong one */
	{ ASK("GET", "/private/x.txt", WRONG), 401, NULL, NULL },
	{ ASK("GET", "/private/x.txt", UNKNOWN), 401, NULL, NULL },
	{ ASK("GET", "/private/x.txt", "Authorization: Basic YWRhOg==\r\n"), 401, NULL, NULL },
	{ ASK("GET", "/private/x.txt", "Authorization: Basic OnNlY3JldA==\r\n"), 401, NULL, NULL },
	{ ASK("GET", "/private/x.txt", "Authorization: Basic YWRh\r\n"), 401, NULL, NULL },
	{ ASK("GET", "/private/x.txt", "Authorization: Basic\r\n"), 401, NULL, NULL },
	{ ASK("GET", "/private/x.txt", "Authorization: Basic !!!!\r\n"), 401, NULL, NULL },
	{ ASK("GET", "/private/x.txt", "Authorization: Bearer YWRh\r\n"), 401, NULL, NULL },
	{ ASK("GET", "/private/x.txt", "Authorization:\r\n"), 401, NULL, NULL },
	{ ASK("GET", "/private/x.txt", "Authorization: Basic IyB3aG86eA==\r\n"), 401, NULL, NULL },
	{ ASK("GET", "/private/x.txt", OF_ADA WRONG), 401, NULL, NULL },
	{ ASK("GET", "/private/x.txt", OF_ADA OF_ADA), 401, NULL, NULL },
	/* ada, NUL: what is behind it might be another's */
	{ ASK("GET", "/private/x.txt", "Authorization: Basic YWRhADpzZWNyZXQ6d2l0aCBjb2xvbg==\r\n"),
	  401, NULL, NULL },
};

/* Of a server that listens, and of a process for each request. */
START_TEST(table)
{
	const struct given given = GIVEN(RULES);
	const char *faults = "";
	unsigned port = 0;

	put_site();
	if (!_i)
		port = serve(given).port;
	for (const struct row *row = rows; row < rows + COUNT(rows); row++) {
		int status = ask_either(port, given, row->request);

		if (status != row->status || (row->has && !strstr(reply.bytes, row->has)) ||
		    (row->lacks && strstr(reply.bytes, row->lacks)))
			faults = format("%s%s%d\n%.2000s\n", faults, row->request, status,
					reply.bytes);
	}
	ck_assert_msg(!*faults, "%s", faults);
}
END_TEST

/* Where everything needs one: also what is no name, and what is refused before it is looked at. */
static const struct {
	const char *request;
	int status;
} of_all[] = {
	{ ASK("GET", "/", ""), 401 },         { ASK("GET", "/none", ""), 401 },
	{ ASK("GET", "http://a", ""), 401 },  { ASK("GET", "http://a?x", ""), 401 },
	{ ASK("GET", "/404.html", ""), 401 }, { ASK("PUT", "/x", ""), 405 },
	{ ASK("BREW", "/x", ""), 501 },       { ASK("GET", "/../x", ""), 400 },
	{ ASK("GET", "/%zz", ""), 400 },      { ASK("OPTIONS", "*", ""), 204 },
};

START_TEST(all_of_the_site)
{
	char request[6000];
	unsigned port;

	put("users", ADA);
	for (int status = 400; status < 506; status++)
		if (status != 401)
			put(format("site/%d.html", status), "secret");
	put("site/app.html", "secret");
	port = serve(GIVEN("--auth", rule("/", "users"), "--fallback", "app.html")).port;
	for (int i = 0; i < COUNT(of_all); i++) {
		ck_assert_msg(ask_last(port, of_all[i].request) == of_all[i].status, "%s: %d",
			      of_all[i].request, reply.status);
		ck_assert_msg(!strstr(reply.bytes, "secret"), "%s: %s", of_all[i].request,
			      reply.bytes);
	}
	memset(request, 'x', sizeof(request));
	memcpy(request, "GET /", 5);
	strcpy(request + 5000, " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	ck_assert_int_eq(ask_last(port, request), 404);
	ck_assert_ptr_null(strstr(reply.bytes, "secret"));
}
END_TEST

/* Nothing in the responses tells what is there from what isn't. */
START_TEST(tells_nothing)
{
	static char first[REPLY_ROOM];
	unsigned port;

	put_site();
	port = serve(GIVEN(RULES)).port;
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(ask_last(port, i ? ASK("GET", "/private/none", "")
						  : ASK("GET", "/private/x.txt", "")),
				 401);
		memset(strstr(reply.bytes, "Date: "), '-',
		       strlen("Date: Sun, 06 Nov 1994 08:49:37"));
		if (i)
			ck_assert_str_eq(reply.bytes, first);
		strcpy(first, reply.bytes);
	}
}
END_TEST

static struct server serve_rules(const char *option)
{
	put_site();
	return serve(GIVEN(RULES, option));
}

static int ask_with(int fd, const char *fields)
{
	return ask_on(fd, format("GET /private/x.txt HTTP/1.1\r\nHost: a\r\n%s\r\n", fields));
}

/* On a connection a good password is remembered, and is asked of each request. */
START_TEST(remembered)
{
	static const struct {
		const char *fields;
		int status;
	} asked[] = { { OF_ADA, 200 }, { OF_ADA, 200 }, { "", 401 },
		      { OF_ADA, 200 }, { WRONG, 401 },  { "", 401 },
		      { OF_BOB, 200 }, { OF_ADA, 200 }, { NEARLY, 401 } };
	struct server server = serve_rules(NULL);
	int fd = dial(server.port);
	pid_t broker;

	for (int i = 0; i < COUNT(asked); i++)
		ck_assert_msg(ask_with(fd, asked[i].fields) == asked[i].status, "request %d: %d", i,
			      reply.status);
	/* and then forgotten: the process does not wait for another connection */
	broker = wait_workers(server.pid, 1)[0];
	ck_assert_uint_ge(count_children(broker), 1);
	close(fd);
	WAIT_WHILE(count_children(broker), PROMPT);
	ck_assert_uint_eq(count_children(broker), 0);
}
END_TEST

START_TEST(three_failures)
{
	int fd = dial(serve_rules("--verbose").port);

	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(ask_with(fd, WRONG), 401);
		ck_assert_int_eq(field("Connection") != NULL, i == 2);
	}
	ck_assert(at_end(fd));
	ck_assert(wait_text("err", "127.0.0.1 - ada ["));
	ck_assert(wait_text("err", "401 for a wrong name or password"));
}
END_TEST

START_TEST(logged)
{
	int fd = dial(serve_rules(NULL).port);

	ck_assert_int_eq(ask_with(fd, OF_A_B), 200);
	ck_assert_int_eq(ask_with(fd, ""), 401); /* this one names nobody */
	ck_assert(wait_text("err", "127.0.0.1 - a\\x20b ["));
	ck_assert(wait_text("err", "127.0.0.1 - - ["));
	ck_assert_ptr_null(strstr(content("err"), "YSBiOm90aGVy"));
	ck_assert_ptr_null(strstr(content("err"), "other"));
}
END_TEST

/* A file that was changed counts for the next connection; one that is not there lets nobody in. */
START_TEST(changes_of_the_file)
{
	static const struct {
		const char *users;
		int status;
	} changes[] = { { ADA BOB, 200 },
			{ ADA, 401 },
			{ ADA BOB, 200 },
			{ "", 401 },
			{ "bob:\303\244\n", 401 } };
	static const char request[] = ASK("GET", "/private/x.txt", OF_BOB);
	unsigned port = serve_rules(NULL).port;

	for (int i = 0; i < COUNT(changes); i++) {
		put("users", changes[i].users);
		ck_assert_msg(ask(port, request) == changes[i].status, "change %d: %d", i,
			      reply.status);
	}
	unlink(in_top("users"));
	ck_assert_int_eq(ask(port, request), 503);
	ck_assert(wait_text("err", "users: No such file"));
}
END_TEST

/* More at once than are checked at a time: they wait for each other. */
START_TEST(many_at_once)
{
	int fds[40];

	dial_all(fds, COUNT(fds), serve_rules(NULL).port, ASK("GET", "/private/x.txt", OF_ADA));
	for (int i = 0; i < COUNT(fds); i++)
		ck_assert_int_eq(hear(fds[i], false), 200);
}
END_TEST

/* A hash that takes a while takes it for a name that isn't there too. */
START_TEST(unknown_names_cost_as_much)
{
	unsigned port;
	long long began;

	put_site();
	put("users",
	    "ada:$6$rounds=400000$wwwd$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n");
	port = serve(GIVEN(RULES)).port;
	began = now();
	ck_assert_int_eq(ask(port, ASK("GET", "/private/x.txt", UNKNOWN)), 401);
	ck_assert_int_gt(now() - began, 50);
}
END_TEST

/* The site's own word on caches counts. */
START_TEST(caches)
{
	put_site();
	ck_assert_int_eq(ask(serve(GIVEN(RULES, "--header", "Cache-Control: no-store")).port,
			     ASK("GET", "/private/x.txt", OF_ADA)),
			 200);
	ck_assert_str_eq(field("Cache-Control"), "no-store");
}
END_TEST

/* ---- files that are refused ---- */

static const struct {
	const char *text, *says;
} files[] = {
	{ ADA "bob:$apr1$xxxxxxxx$xxxxxxxxxxxxxxxxxxxxxx\n", "line 2, " },
	{ "bob:$apr1$xxxxxxxx$xxxxxxxxxxxxxxxxxxxxxx\n", "$apr1$" },
	{ "#\n\nbob:{SHA}xxxxxxxxxxxxxxxxxxxxxxxxxxx=\n", "line 3, " },
	{ "bob:plain\n", "line 1, " },
	{ "bob:\n", "line 1, " },
	{ "bob\n", "line 1, " },
	{ ":$5$rounds=1000$wwwdwwwd$IA412bWVMmKzQNDZzXTDwf3.BTtlcXtcjuDMwJCm.OD\n", "line 1, " },
};

static int run_with(const char *root, const char *file)
{
	return finish(
		start(GIVEN("-d", root, "-h", "127.0.0.1", "-p", "0", "--auth", rule("/x", file))));
}

START_TEST(file_refused)
{
	put("users", files[_i].text);
	ck_assert_int_eq(run_with(site, "users"), 1);
	ck_assert_msg(strstr(content("err"), files[_i].says), "it says: %s", content("err"));
	ck_assert_msg(strstr(content("err"), format("'htpasswd -B %s NAME'", in_top("users"))),
		      "it says: %s", content("err"));
}
END_TEST

START_TEST(file_missing)
{
	ck_assert_int_eq(run_with(site, "users"), 1);
	ck_assert_ptr_nonnull(strstr(content("err"), "users: No such file"));
}
END_TEST

START_TEST(file_is_a_folder)
{
	put_folder("users");
	ck_assert_int_eq(run_with(site, "users"), 1);
	ck_assert_ptr_nonnull(strstr(content("err"), "users: Is a directory"));
}
END_TEST

START_TEST(file_beneath_the_root)
{
	put("site/users", ADA);
	ck_assert_int_eq(run_with(_i ? "/" : site, "site/users"), 1);
	ck_assert_ptr_nonnull(strstr(content("err"), "would be served"));
}
END_TEST

START_TEST(static_build)
{
	if (build_count < 2)
		return;
	put("users", ADA);
	wwwd = builds[1];
	ck_assert_int_eq(run_with(site, "users"), 2);
	ck_assert_ptr_nonnull(strstr(content("err"), "the static build can't check passwords"));
}
END_TEST

static const struct {
	const char *host;
	bool warns;
} addresses[] = { { "127.0.0.1", false }, { "::1", false }, { "*", true } };

START_TEST(warning_without_tls)
{
	pid_t pid;

	put("users", ADA);
	pid = start(GIVEN("-d", site, "-h", addresses[_i].host, "-p", "0", "--auth",
			  rule("/x", "users")));
	ck_assert_uint_ne(wait_port(pid), 0);
	ck_assert_int_eq(stop(pid), 0);
	ck_assert_int_eq(strstr(content("err"), "passwords can be read on the way") != NULL,
			 addresses[_i].warns);
}
END_TEST

Suite *passwords_suite(void)
{
	Suite *suite = suite_create("passwords");
	TCase *group = test_case(suite, "the table", 60);

	tcase_add_loop_test(group, table, 0, 2);
	tcase_add_test(group, all_of_the_site);
	tcase_add_test(group, tells_nothing);
	group = test_case(suite, "connections", 30);
	tcase_add_test(group, remembered);
	tcase_add_test(group, three_failures);
	tcase_add_test(group, logged);
	tcase_add_test(group, changes_of_the_file);
	tcase_add_test(group, many_at_once);
	tcase_add_test(group, unknown_names_cost_as_much);
	tcase_add_test(group, caches);
	group = test_case(suite, "files", 30);
	tcase_add_loop_test(group, file_refused, 0, COUNT(files));
	tcase_add_test(group, file_missing);
	tcase_add_test(group, file_is_a_folder);
	tcase_add_loop_test(group, file_beneath_the_root, 0, 2);
	tcase_add_test(group, static_build);
	tcase_add_loop_test(group, warning_without_tls, 0, COUNT(addresses));
	return suite;
}
