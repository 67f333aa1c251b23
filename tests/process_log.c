/* The log: where it goes, and what a line of it is. */
#include <fcntl.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "process.h"

#define GET_LAST "GET /ten.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

static bool matches(const char *text, const char *pattern)
{
	regex_t form;
	bool match;

	ck_assert_int_eq(regcomp(&form, pattern, REG_EXTENDED | REG_NOSUB), 0);
	match = regexec(&form, text, 0, NULL, 0) == 0;
	regfree(&form);
	return match;
}

/* Apache's words: Combined Log Format. */
START_TEST(combined_format)
{
	struct server server = serve((struct given){ .args = LIST("--log", in_top("log")) });
	time_t began = time(NULL), logged;
	struct tm tm = { 0 };
	const char *stamp;

	ck_assert_int_eq(ask(server.port, "GET /ten.txt?a=b HTTP/1.1\r\nHost: a\r\n"
					  "Referer: http://b/\r\nUser-Agent: Check/1 (x)\r\n\r\n"),
			 200);
	ck_assert(wait_text("log", "\n"));
	ck_assert_msg(
		matches(content("log"),
			"^127\\.0\\.0\\.1 - - \\[[0-3][0-9]/[A-Z][a-z]{2}/[0-9]{4}(:[0-9]{2}){3} "
			"\\+0000\\] \"GET /ten\\.txt\\?a=b HTTP/1\\.1\" 200 10 "
			"\"http://b/\" \"Check/1 \\(x\\)\"\n$"),
		"%s", content("log"));
	stamp = strchr(content("log"), '[');
	ck_assert_ptr_nonnull(strptime(stamp, "[%d/%b/%Y:%H:%M:%S +0000]", &tm));
	logged = timegm(&tm);
	ck_assert_int_ge(logged, began - 1);
	ck_assert_int_le(logged, time(NULL));
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

/* What a line says of other answers. */
static const struct {
	const char *request, *ends;
} lines[] = {
	{ "HEAD /ten.txt HTTP/1.1\r\nHost: a\r\n\r\n", "\"HEAD /ten.txt HTTP/1.1\" 200 [0-]" },
	{ "GET /none HTTP/1.1\r\nHost: a\r\n\r\n", "\"GET /none HTTP/1.1\" 404 [0-9]+" },
	{ "GET /ten.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=2-5\r\n\r\n", "\" 206 4" },
	{ "GET /ten.txt HTTP/1.1\r\nHost: a\r\nIf-None-Match: *\r\n\r\n", "\" 304 [0-]" },
	{ "BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n", "\"BREW /pot HTTP/1.1\" 501 [0-9]+" },
	{ "GET http://a/ten.txt HTTP/1.1\r\nHost: a\r\n\r\n",
	  "\"GET http://a/ten.txt HTTP/1.1\" 200 10" },
};

START_TEST(line_of)
{
	struct server server = serve((struct given){ .args = LIST("--log", in_top("log")) });
	char pattern[256];

	ck_assert_int_gt(ask(server.port, lines[_i].request), 0);
	ck_assert(wait_text("log", "\n"));
	snprintf(pattern, sizeof(pattern), "%s \"-\" \"-\"\n$", lines[_i].ends);
	ck_assert_msg(matches(content("log"), pattern), "%s", content("log"));
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

/* What a client sends can't forge a line, nor talk to the terminal of whoever reads the log. */
static const struct {
	const char *request, *shown;
} escapes[] = {
	{ "GET /a\"b HTTP/1.1\r\nHost: a\r\n\r\n", "\"GET /a\\x22b HTTP/1.1\"" },
	{ "GET /a\\b HTTP/1.1\r\nHost: a\r\n\r\n", "\"GET /a\\x5cb HTTP/1.1\"" },
	{ "GET /\xc3\xa9\xff HTTP/1.1\r\nHost: a\r\n\r\n", "\"GET /\\xc3\\xa9\\xff HTTP/1.1\"" },
	{ "GET /\x1b[31m HTTP/1.1\r\nHost: a\r\n\r\n", "\\x1b[31m" },
	{ "GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: x\" 200 \"\r\n\r\n", "\"x\\x22 200 \\x22\"" },
	{ "GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: \xc2\x9b"
	  "2J\r\n\r\n",
	  "\"\\xc2\\x9b"
	  "2J\"" },
	{ "GET / HTTP/1.1\r\nHost: a\r\nReferer: a\tb\r\n\r\n", "\"a\\" },
	{ "GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n", "\\x7f" },
};

START_TEST(escaped)
{
	struct server server = serve((struct given){ .args = LIST("--log", in_top("log")) });
	const char *text;

	ck_assert_int_gt(ask(server.port, escapes[_i].request), 0);
	ck_assert(wait_text("log", "\n"));
	text = content("log");
	ck_assert_msg(strcasestr(text, escapes[_i].shown), "%s", text);
	ck_assert_uint_eq(strcspn(text, "\n") + 1, strlen(text));
	for (const char *at = text; *at != '\n'; at++)
		ck_assert_msg(*at >= ' ' && *at <= '~', "a byte of value %d", *at);
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

START_TEST(quiet)
{
	struct server server = serve((struct given){ .args = LIST("--quiet") });
	size_t banner = strlen(content("err"));

	ck_assert_int_eq(get(server.port, "/ten.txt"), 200);
	ck_assert_int_eq(get(server.port, "/none"), 404);
	ck_assert_int_eq(stop(server.pid), 0);
	ck_assert_uint_eq(strlen(content("err")), banner);
}
END_TEST

START_TEST(file_is_appended_to)
{
	struct server server;
	struct stat st;

	put("log", "before\n");
	server = serve((struct given){ .args = LIST("--log", in_top("log")) });
	ck_assert_int_eq(get(server.port, "/ten.txt"), 200);
	ck_assert_int_eq(stop(server.pid), 0);
	ck_assert_int_eq(strncmp(content("log"), "before\n", 7), 0);
	ck_assert_ptr_nonnull(strstr(content("log"), "\"GET /ten.txt HTTP/1.1\" 200"));
	ck_assert_int_eq(unlink(in_top("log")), 0);

	/* and a fresh one isn't everybody's to read */
	ck_assert_int_eq(unlink(in_top("err")), 0);
	server = serve((struct given){ .args = LIST("--log", in_top("log")) });
	ck_assert_int_eq(stop(server.pid), 0);
	ck_assert_int_eq(stat(in_top("log"), &st), 0);
	ck_assert_int_eq(st.st_mode & 0007, 0);
}
END_TEST

/* As logrotate does: away with the name, SIGHUP, and on in a new file. */
START_TEST(reopened)
{
	struct server server;
	struct stat st;

	/* the new file is made by whom root has become */
	ck_assert_int_eq(mkdir(in_top("logs"), 0777), 0);
	ck_assert_int_eq(chmod(in_top("logs"), 0777), 0);
	server = serve((struct given){ .args = LIST("--log", in_top("logs/log")) });
	ck_assert_int_eq(get(server.port, "/first"), 404);
	ck_assert(wait_text("logs/log", "/first"));
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(rename(in_top("logs/log"), in_top("logs/log.1")), 0);
		kill(server.pid, SIGHUP);
		for (long long end = now() + START_TIME;
		     stat(in_top("logs/log"), &st) != 0 && now() < end;)
			nap(2);
		ck_assert_int_eq(get(server.port, "/second"), 404);
		ck_assert(wait_text("logs/log", "/second"));
		ck_assert_ptr_null(strstr(content("logs/log"), "/first"));
		ck_assert_ptr_null(i ? strstr(content("logs/log.1"), "/first")
				     : strstr(content("logs/log.1"), "/second"));
	}
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

/* Where it can't be made anew, the server says so once and goes on in the old one. */
START_TEST(reopened_in_vain)
{
	struct server server;

	ck_assert_int_eq(mkdir(in_top("logs"), 0777), 0);
	server = serve((struct given){ .args = LIST("--log", in_top("logs/log")) });
	ck_assert_int_eq(rename(in_top("logs"), in_top("moved")), 0);
	kill(server.pid, SIGHUP);
	ck_assert(wait_text("err", "logs/log"));
	ck_assert_int_eq(get(server.port, "/after"), 404);
	ck_assert(wait_text("moved/log", "/after"));
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

/* A file that takes half a line more: the server goes on, says so once, and in a new file. */
START_TEST(full)
{
	struct server server;
	const char *lost;
	struct stat st;

	ck_assert_int_eq(mkdir(in_top("logs"), 0777), 0);
	ck_assert_int_eq(chmod(in_top("logs"), 0777), 0);
	server = serve(
		(struct given){ .args = LIST("--log", in_top("logs/log")), .file_size = 300 });
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(get(server.port, "/ten.txt"), 200);
	ck_assert(wait_text("err", "lines are lost"));
	lost = strstr(content("err"), "lines are lost");
	ck_assert_ptr_null(strstr(lost + 1, "lines are lost"));
	ck_assert_uint_eq(strlen(content("logs/log")), 300);
	ck_assert_int_eq(rename(in_top("logs/log"), in_top("logs/log.1")), 0);
	kill(server.pid, SIGHUP);
	for (long long end = now() + START_TIME; stat(in_top("logs/log"), &st) != 0 && now() < end;)
		nap(2);
	ck_assert_int_eq(get(server.port, "/after"), 404);
	ck_assert(wait_text("logs/log", "/after"));
	ck_assert_int_eq(strncmp(content("logs/log"), "127.0.0.1 - - [", 15), 0);
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

/* Whoever reads the log may go before the client does, whose conversation goes on. */
START_TEST(nobody_reads)
{
	int ends[2], log[2];
	pid_t pid;

	connect_pair(ends);
	ck_assert_int_eq(pipe2(log, O_CLOEXEC), 0);
	close(log[0]);
	pid = start((struct given){
		.in = ends[1], .out = ends[1], .err = log[1], .args = LIST("-d", site) });
	close(log[1]);
	close(ends[1]);
	for (int i = 0; i < 3; i++) {
		say(ends[0], "GET /ten.txt HTTP/1.1\r\nHost: a\r\n\r\n");
		ck_assert_int_eq(hear(ends[0], false), 200);
	}
	close(ends[0]);
	ck_assert_int_eq(finish(pid), 0);
}
END_TEST

/* One request of a process of its own; the file "err" is its standard error. */
static void hold_one(int ends[2], const char *const *env, const char *stream)
{
	int error = open(in_top("err"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	char journal[64] = "NO_JOURNAL_STREAM=";
	struct stat st;
	pid_t pid;

	ck_assert_int_eq(fstat(error, &st), 0);
	if (stream)
		snprintf(journal, sizeof(journal), stream, (uintmax_t)st.st_dev,
			 (uintmax_t)st.st_ino);
	pid = start((struct given){ .in = ends[1],
				    .out = ends[1],
				    .err = error,
				    .args = LIST("-d", site),
				    .env = env ? env : LIST(journal) });
	close(error);
	close(ends[1]);
	say(ends[0], GET_LAST);
	ck_assert_int_eq(hear(ends[0], false), 200);
	close(ends[0]);
	ck_assert_int_eq(finish(pid), 0);
}

/* The journal takes a priority in front of a line, and only the journal. */
START_TEST(journal_stream)
{
	static const struct {
		const char *stream, *begins;
	} streams[] = { { "JOURNAL_STREAM=%ju:%ju", "<5>127.0.0.1 - - [" },
			{ "JOURNAL_STREAM=1%ju:%ju", "127.0.0.1 - - [" },
			{ NULL, "127.0.0.1 - - [" } };
	int ends[2];

	connect_pair(ends);
	hold_one(ends, NULL, streams[_i].stream);
	ck_assert_msg(strncmp(content("err"), streams[_i].begins, strlen(streams[_i].begins)) == 0,
		      "%s", content("err"));
}
END_TEST

/* Where the socket doesn't know the client, the supervisor may. */
static const struct {
	const char *env[3], *peer;
	bool tcp;
} peers[] = {
	{ { "TCPREMOTEIP=192.0.2.7" }, "192.0.2.7 ", false },
	{ { "REMOTE_HOST=192.0.2.8" }, "192.0.2.8 ", false },
	{ { "REMOTE_ADDR=2001:db8::9" }, "2001:db8::9 ", false },
	{ { "TCPREMOTEIP=::ffff:192.0.2.7" }, "192.0.2.7 ", false },
	{ { "TCPREMOTEIP=192.0.2.7", "REMOTE_HOST=b.example" }, "192.0.2.7 ", false },
	{ { "TCPREMOTEIP=x y" }, "- ", false },
	{ { "TCPREMOTEIP=x\ny" }, "- ", false },
	{ { "TCPREMOTEIP=" }, "- ", false },
	{ { "TCPREMOTEIP=192.0.2.7" }, "127.0.0.1 ", true },
};

START_TEST(peer_of_supervisor)
{
	int ends[2];

	if (peers[_i].tcp)
		connect_pair(ends);
	else
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	hold_one(ends, peers[_i].env, NULL);
	ck_assert_msg(strncmp(content("err"), peers[_i].peer, strlen(peers[_i].peer)) == 0, "%s",
		      content("err"));
}
END_TEST

/* The same behind a pipe, as stunnel and ucspi's tools put it. */
START_TEST(peer_behind_pipe)
{
	int in[2];
	pid_t pid;

	ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
	pid = start((struct given){
		.in = in[0], .args = LIST("-d", site), .env = LIST("REMOTE_HOST=192.0.2.8") });
	close(in[0]);
	ck_assert_int_eq(write(in[1], GET_LAST, strlen(GET_LAST)), (ssize_t)strlen(GET_LAST));
	close(in[1]);
	ck_assert_int_eq(finish(pid), 0);
	ck_assert_msg(strncmp(content("err"), "192.0.2.8 - - [", 15) == 0, "%s", content("err"));
}
END_TEST

Suite *log_suite(void)
{
	Suite *suite = suite_create("log");
	TCase *group = test_case(suite, "log", 15);

	tcase_add_test(group, combined_format);
	tcase_add_loop_test(group, line_of, 0, sizeof(lines) / sizeof(lines[0]));
	tcase_add_loop_test(group, escaped, 0, sizeof(escapes) / sizeof(escapes[0]));
	tcase_add_test(group, quiet);
	tcase_add_test(group, file_is_appended_to);
	tcase_add_test(group, reopened);
	tcase_add_test(group, reopened_in_vain);
	tcase_add_test(group, full);
	tcase_add_test(group, nobody_reads);
	tcase_add_loop_test(group, journal_stream, 0, 3);
	tcase_add_loop_test(group, peer_of_supervisor, 0, sizeof(peers) / sizeof(peers[0]));
	tcase_add_test(group, peer_behind_pipe);
	return suite;
}
