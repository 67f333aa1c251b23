/* The log: where it goes, and what a line of it is. */
#include <fcntl.h>
#include <poll.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "process.h"

static bool matches(const char *text, const char *pattern)
{
	regex_t form;
	bool match;

	ck_assert_int_eq(regcomp(&form, pattern, REG_EXTENDED | REG_NOSUB), 0);
	match = regexec(&form, text, 0, NULL, 0) == 0;
	regfree(&form);
	return match;
}

static void assert_begins(const char *text, const char *start)
{
	ck_assert_msg(strncmp(text, start, strlen(start)) == 0, "%s", text);
}

/* What a server logs of that request. */
static const char *log_of(const char *request)
{
	ck_assert_int_gt(ask(serve(GIVEN("--log", in_top("log"))).port, request), 0);
	ck_assert(wait_text("log", "\n"));
	return content("log");
}

/* Apache's words: Combined Log Format. */
START_TEST(combined_format)
{
	time_t began = time(NULL), logged;
	struct tm tm = { 0 };
	const char *text = log_of("GET /ten.txt?a=b HTTP/1.1\r\nHost: a\r\nReferer: http://b/\r\n"
				  "User-Agent: Check/1 (x)\r\n\r\n");

	ck_assert_msg(
		matches(text,
			"^127\\.0\\.0\\.1 - - \\[[0-3][0-9]/[A-Z][a-z]{2}/[0-9]{4}(:[0-9]{2}){3} "
			"\\+0000\\] \"GET /ten\\.txt\\?a=b HTTP/1\\.1\" 200 10 "
			"\"http://b/\" \"Check/1 \\(x\\)\"\n$"),
		"%s", text);
	ck_assert_ptr_nonnull(strptime(strchr(text, '['), "[%d/%b/%Y:%H:%M:%S +0000]", &tm));
	logged = timegm(&tm);
	ck_assert_int_ge(logged, began - 1);
	ck_assert_int_le(logged, time(NULL));
}
END_TEST

/* What a line says of other answers. */
static const struct {
	const char *request, *ends;
} lines[] = {
	{ "HEAD /ten.txt HTTP/1.1\r\nHost: a\r\n\r\n", "\"HEAD /ten.txt HTTP/1.1\" 200 [0-]" },
	{ GET_OF("/none"), "\"GET /none HTTP/1.1\" 404 [0-9]+" },
	{ "GET /ten.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=2-5\r\n\r\n", "\" 206 4" },
	{ "GET /ten.txt HTTP/1.1\r\nHost: a\r\nIf-None-Match: *\r\n\r\n", "\" 304 [0-]" },
	{ "BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n", "\"BREW /pot HTTP/1.1\" 501 [0-9]+" },
	{ "GET http://a/ten.txt HTTP/1.1\r\nHost: a\r\n\r\n",
	  "\"GET http://a/ten.txt HTTP/1.1\" 200 10" },
};

START_TEST(log_line_of_status)
{
	const char *text = log_of(lines[_i].request);

	ck_assert_msg(matches(text, format("%s \"-\" \"-\"\n$", lines[_i].ends)), "%s", text);
}
END_TEST

/* What a client sends can't forge a line, nor control the terminal on which the log is read. */
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

START_TEST(log_escapes_control_bytes)
{
	const char *text = log_of(escapes[_i].request);

	ck_assert_msg(strcasestr(text, escapes[_i].shown), "%s", text);
	ck_assert_uint_eq(strcspn(text, "\n") + 1, strlen(text));
	for (const char *at = text; *at != '\n'; at++)
		ck_assert_msg(*at >= ' ' && *at <= '~', "a byte of value %d", *at);
}
END_TEST

START_TEST(quiet_writes_no_log)
{
	struct server server = serve(GIVEN("--quiet"));
	size_t banner = strlen(content("err"));

	ck_assert_int_eq(get(server.port, "/ten.txt"), 200);
	ck_assert_int_eq(get(server.port, "/none"), 404);
	ck_assert_int_eq(stop(server.pid), 0);
	ck_assert_uint_eq(strlen(content("err")), banner);
}
END_TEST

START_TEST(log_file_is_appended_to)
{
	struct stat st;

	put("log", "before\n");
	log_of(GET_TEN);
	ck_assert(wait_text("log", "before\n127.0.0.1 - - ["));
	ck_assert_ptr_nonnull(strstr(content("log"), "\"GET /ten.txt HTTP/1.1\" 200"));
	ck_assert_int_eq(unlink(in_top("log")), 0);

	/* and a fresh one isn't everybody's to read */
	put("err", "");
	serve(GIVEN("--log", in_top("log")));
	ck_assert_int_eq(stat(in_top("log"), &st), 0);
	ck_assert_int_eq(st.st_mode & 0007, 0);
}
END_TEST

/* As logrotate does: away with the name, SIGHUP, and on in a new file. */
static void rotate(pid_t pid)
{
	ck_assert_int_eq(rename(in_top("logs/log"), in_top("logs/log.1")), 0);
	kill(pid, SIGHUP);
	WAIT_WHILE(access(in_top("logs/log"), F_OK) != 0, START_TIME);
}

START_TEST(log_is_reopened_at_sighup_logrotate)
{
	struct server server;

	/* the new file is made by whom root has become */
	put_open_folder("logs");
	server = serve(GIVEN("--log", in_top("logs/log")));
	ck_assert_int_eq(get(server.port, "/first"), 404);
	ck_assert(wait_text("logs/log", "/first"));
	for (int i = 0; i < 3; i++) {
		rotate(server.pid);
		ck_assert_int_eq(get(server.port, "/second"), 404);
		ck_assert(wait_text("logs/log", "/second"));
		ck_assert_ptr_null(strstr(content("logs/log"), "/first"));
		ck_assert_ptr_null(i ? strstr(content("logs/log.1"), "/first")
				     : strstr(content("logs/log.1"), "/second"));
	}
}
END_TEST

/* Where it can't be made anew, the server says so once and goes on in the old one. */
START_TEST(log_that_cannot_be_reopened_at_sighup)
{
	struct server server;

	put_folder("logs");
	server = serve(GIVEN("--log", in_top("logs/log")));
	ck_assert_int_eq(rename(in_top("logs"), in_top("moved")), 0);
	kill(server.pid, SIGHUP);
	ck_assert(wait_text("err", "logs/log"));
	ck_assert_int_eq(get(server.port, "/after"), 404);
	ck_assert(wait_text("moved/log", "/after"));
}
END_TEST

/* A file that takes half a line more: the server goes on, says so once, and in a new file. */
START_TEST(log_file_size_limit_full_disk)
{
	struct server server;
	const char *lost;

	put_open_folder("logs");
	server = serve(
		(struct given){ .args = LIST("--log", in_top("logs/log")), .file_size = 300 });
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(get(server.port, "/ten.txt"), 200);
	ck_assert(wait_text("err", "log lines may be lost"));
	lost = strstr(content("err"), "may be lost");
	ck_assert_ptr_null(strstr(lost + 1, "may be lost"));
	ck_assert_uint_eq(strlen(content("logs/log")), 300);
	rotate(server.pid);
	ck_assert_int_eq(get(server.port, "/after"), 404);
	ck_assert(wait_text("logs/log", "/after"));
	assert_begins(content("logs/log"), "127.0.0.1 - - [");
	/* the last of them has waited for the new file */
	ck_assert(wait_text("err", "log: 1 log line was lost\n"));
	ck_assert_int_eq(count_text(content("logs/log"), "\n") +
				 count_text(content("logs/log.1"), "\n"),
			 3 + 2);
}
END_TEST

/* Whoever reads the log may go before the client does, whose conversation goes on. */
START_TEST(log_pipe_without_reader_sigpipe)
{
	int fd, log[2];

	ck_assert_int_eq(pipe2(log, O_CLOEXEC), 0);
	close(log[0]);
	serve_one(&fd, (struct given){ .err = log[1] });
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(ask_on(fd, GET_TEN), 200);
}
END_TEST

/* Says that the file "err" is the journal, or with digits before its number, that another is. */
static const char *err_as_journal(const char *digits)
{
	struct stat st;

	put("err", "");
	ck_assert_int_eq(stat(in_top("err"), &st), 0);
	return format("JOURNAL_STREAM=%s%ju:%ju", digits, (uintmax_t)st.st_dev,
		      (uintmax_t)st.st_ino);
}

/* The journal takes a priority in front of a line, and only the journal. */
START_TEST(journal_stream)
{
	static const struct {
		const char *digits, *begins;
	} streams[] = { { "", "<5>127.0.0.1 - - [" },
			{ "1", "127.0.0.1 - - [" },
			{ NULL, "127.0.0.1 - - [" } };
	const char *digits = streams[_i].digits;
	const struct given given = { .env = LIST(digits ? err_as_journal(digits) : NULL) };

	ck_assert_int_eq(ask_either(0, given, GET_LAST), 200);
	assert_begins(content("err"), streams[_i].begins);
}
END_TEST

/* So does an error at start; elsewhere the name of the program is in front. */
START_TEST(complaint_to_journal)
{
	ck_assert_int_eq(
		finish(start((struct given){ .args = LIST("-d", "/nowhere", "-p", "0"),
					     .env = LIST(err_as_journal(_i ? "1" : "")) })),
		1);
	ck_assert_str_eq(content("err"),
			 format("%s/nowhere: No such file or directory\n", _i ? "wwwd: " : "<3>"));
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
	{ { "REMOTE_HOST=192.0.2.8" }, "192.0.2.8 ", true }, /* as stunnel does it */
	{ { "REMOTE_HOST=2001:db8::9" }, "2001:db8::9 ", true },
	{ { "REMOTE_HOST=b.example" }, "127.0.0.1 ", true },
};

START_TEST(peer_of_supervisor)
{
	int ends[2];

	if (peers[_i].tcp)
		connect_pair(ends);
	else
		pair_unix(ends);
	ck_assert_int_eq(ask_pair(ends, (struct given){ .env = peers[_i].env }, GET_LAST), 200);
	assert_begins(content("err"), peers[_i].peer);
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
	assert_begins(content("err"), "192.0.2.8 - - [");
}
END_TEST

/* ---- behind a proxy ---- */

#define PROXY "PROXY TCP4 192.0.2.1 192.0.2.9 4711 80\r\n"
#define FORWARDED \
	"GET /ten.txt HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\nConnection: close\r\n\r\n"

static const struct {
	const char *args[2];
	const char *request, *peer;
	bool path; /* the proxy comes by a UNIX socket */
} fronts[] = {
	{ { "--verbose" }, FORWARDED, "127.0.0.1 ", false },
	{ { "--proxy-protocol" }, PROXY GET_LAST, "192.0.2.1 ", false },
	{ { "--proxy-protocol" }, PROXY FORWARDED, "192.0.2.1 ", false },
	{ { "--proxy-protocol" }, PROXY GET_LAST, "192.0.2.1 ", true },
	{ { "--forwarded-from", "127.0.0.1" }, FORWARDED, "192.0.2.1 ", false },
	{ { "--forwarded-from", "127.0.0.0/31" }, FORWARDED, "192.0.2.1 ", false },
	{ { "--forwarded-from", "0.0.0.0/0" }, FORWARDED, "192.0.2.1 ", false },
	{ { "--forwarded-from", "::ffff:127.0.0.0/104" }, FORWARDED, "192.0.2.1 ", false },
	{ { "--forwarded-from", "127.0.0.2/31" }, FORWARDED, "127.0.0.1 ", false },
	{ { "--forwarded-from", "::/0" }, FORWARDED, "127.0.0.1 ", false },
	{ { "--forwarded-from", "unix" }, FORWARDED, "127.0.0.1 ", false },
	{ { "--forwarded-from", "unix" }, FORWARDED, "192.0.2.1 ", true },
	{ { "--forwarded-from", "0.0.0.0/0" }, FORWARDED, "- ", true },
	{ { "--forwarded-from", "::/0" }, FORWARDED, "- ", true },
};

/* The line of the request begins so. */
static void expect_client(const char *client)
{
	const char *line;

	ck_assert(wait_text("err", "\"GET"));
	line = strstr(content("err"), "\"GET");
	while (line > content("err") && line[-1] != '\n')
		line--;
	assert_begins(line, client);
}

/* One that listens, and one that is started with a connection, name the same client. */
START_TEST(client_behind_proxy)
{
	const char *const *args = fronts[_i].args;
	const char *path = in_top("socket");
	struct server server;
	int ends[2];

	server = serve(fronts[_i].path ? GIVEN("-h", path, args[0], args[1])
				       : GIVEN(args[0], args[1]));
	ends[0] = fronts[_i].path ? dial_path(path) : dial(server.port);
	say(ends[0], fronts[_i].request);
	ck_assert_int_eq(hear_all(ends[0]), 200);
	expect_client(fronts[_i].peer);
	put("err", "");

	if (fronts[_i].path)
		pair_unix(ends);
	else
		connect_pair(ends);
	ck_assert_int_eq(ask_pair(ends, GIVEN(args[0], args[1]), fronts[_i].request), 200);
	expect_client(fronts[_i].peer);
}
END_TEST

/* ---- a log that nobody reads ---- */

#define ARGS "-d", site, "--requests-max", "10000"

enum { AGENT = 800, MANY_LINES = 1800 }; /* more than pipes, sockets and wwwd itself hold */

static const struct stuck {
	const char *name;
	enum { PIPE, FIFO, STREAM, STOPPED } kind;
	uid_t uid; /* of the server, which may not open a pipe of ours */
} stucks[] = {
	{ "a pipe", PIPE, 0 },     { "a pipe of another user", PIPE, 54321 }, { "a FIFO", FIFO, 0 },
	{ "a socket", STREAM, 0 }, { "a stopped terminal", STOPPED, 0 },
};

enum { STUCKS = COUNT(stucks) };

/* Both ends, of which the second takes not a byte more; false if the user can't be had. */
static bool make_stuck(const struct stuck *stuck, int ends[2])
{
	struct termios raw;

	if (stuck->uid && geteuid() != 0)
		return false;
	switch (stuck->kind) {
	case PIPE: ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0); break;
	case FIFO:
		ck_assert_int_eq(mkfifo(in_top("fifo"), 0600), 0);
		ends[0] = open(in_top("fifo"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		ends[1] = open(in_top("fifo"), O_WRONLY | O_CLOEXEC);
		break;
	case STREAM: pair_unix(ends); break;
	case STOPPED:
		ends[0] = open_terminal(&ends[1]);
		tcgetattr(ends[1], &raw);
		cfmakeraw(&raw);
		ck_assert_int_eq(tcsetattr(ends[1], TCSANOW, &raw), 0);
		ck_assert_int_eq(tcflow(ends[1], TCOOFF), 0);
		return true;
	}
	/* the end is shared with wwwd, and so is this flag */
	ck_assert_int_eq(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
	while (write(ends[1], "\n", 1) == 1)
		;
	ck_assert_int_eq(fcntl(ends[1], F_SETFL, 0), 0);
	return true;
}

static int ask_with_agent(int fd, const char *fields)
{
	char agent[AGENT + 1];

	memset(agent, 'x', AGENT);
	agent[AGENT] = '\0';
	return ask_on(fd, format("GET /ten.txt HTTP/1.1\r\nHost: a\r\nUser-Agent: %s\r\n%s\r\n",
				 agent, fields));
}

static void ask_many(int fd)
{
	for (int i = 0; i < MANY_LINES; i++)
		ck_assert_msg(ask_with_agent(fd, "") == 200, "request %d", i);
}

/* Its start, its answers, the death of a worker and its end: nothing waits for the log. */
static struct server serve_stuck(int error, uid_t uid, const char *workers)
{
	struct server server = { .port = free_port() };

	server.pid = start((struct given){
		.err = error,
		.uid = uid,
		.args = LIST(ARGS, "-p", format("%u", server.port), "--workers", workers) });
	ask_many(dial_soon(server.port));
	return server;
}

START_TEST(server_outlives_stuck_log)
{
	const struct stuck *stuck = &stucks[_i / 2];
	struct server server;
	int ends[2];

	if (!make_stuck(stuck, ends))
		return;
	server = serve_stuck(ends[1], stuck->uid, _i % 2 ? "2" : "1");
	if (_i % 2) {
		kill(*wait_workers(server.pid, 2), SIGKILL);
		for (int i = 0; i < 20; i++)
			ck_assert_int_eq(get(server.port, "/ten.txt"), 200);
	}
	ck_assert_msg(stop(server.pid) == 0, "%s: SIGTERM is not heard", stuck->name);
}
END_TEST

START_TEST(connection_outlives_stuck_log)
{
	const struct stuck *stuck = &stucks[_i];
	int fd, log[2];

	if (!make_stuck(stuck, log))
		return;
	serve_one(&fd, (struct given){ .err = log[1],
				       .uid = stuck->uid,
				       .args = LIST("--requests-max", "10000") });
	ask_many(fd);
	ck_assert_int_eq(ask_with_agent(fd, "Connection: close\r\n"), 200);
	ck_assert(at_end(fd));
}
END_TEST

/* What comes from there, to the end, until that text has come, or nothing comes for so many ms. */
static const char *read_until(int fd, const char *text, int patience)
{
	static char bytes[4 << 20];
	size_t size = 0;
	ssize_t n;
	struct pollfd p = { fd, POLLIN, 0 };

	bytes[0] = '\0';
	while (!(text && strstr(bytes, text)) && poll(&p, 1, patience) > 0) {
		n = read(fd, bytes + size, sizeof(bytes) - 1 - size);
		if (n <= 0)
			break;
		size += (size_t)n;
		bytes[size] = '\0';
	}
	return bytes;
}

/* A log of whole lines, and of messages how many were lost in between; how many there were in all. */
static size_t count_lines(char *text, int *messages)
{
	static const char line_form[] =
		"^127\\.0\\.0\\.1 - - \\[[^]]+\\] \"GET /ten.txt HTTP/1.1\" "
		"200 10 \"-\" \"x*-?\"$";
	size_t count = 0;

	*messages = 0;
	for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
		if (!*line || strncmp(line, "wwwd: serving ", 14) == 0)
			continue;
		if (matches(line, "^wwwd: [0-9]+ log lines were lost$")) {
			count += strtoul(line + 6, NULL, 10);
			++*messages;
			continue;
		}
		ck_assert_msg(matches(line, line_form), "no whole line: %.90s ... %zu bytes", line,
			      strlen(line));
		count++;
	}
	return count;
}

/*
 * How many lines there are, if what has come until that text or for so many ms is followed by one
 * more request and the server's end.
 */
static size_t count_to_the_end(const struct server *server, int log, const char *text, int patience,
			       int *messages)
{
	const char *before = format("%s", read_until(log, text, patience));

	ck_assert_int_eq(get(server->port, "/ten.txt"), 200);
	ck_assert_int_eq(stop(server->pid), 0);
	return count_lines(format("%s%s", before, read_until(log, NULL, REPLY_TIME)), messages);
}

/* When it is read again, what has waited comes first, then how many lines were lost, then the rest. */
START_TEST(lost_lines_are_counted)
{
	const struct stuck *stuck = &stucks[_i];
	struct server server;
	int ends[2], messages;
	size_t count;

	if (!make_stuck(stuck, ends))
		return;
	server = serve_stuck(ends[1], stuck->uid, "1");
	if (stuck->kind == STOPPED)
		ck_assert_int_eq(tcflow(ends[1], TCOON), 0);
	close(ends[1]);
	count = count_to_the_end(&server, ends[0], "lost\n", REPLY_TIME, &messages);
	ck_assert_uint_eq(count, MANY_LINES + 1);
	ck_assert_int_eq(messages, 1);
}
END_TEST

/* Workers that write to the same pipe do not write into each other's lines. */
START_TEST(workers_share_log)
{
	const struct stuck *stuck = &stucks[_i];
	struct server server;
	int ends[2], messages, clients[20];
	size_t count;

	if (!make_stuck(stuck, ends))
		return;
	server = serve_stuck(ends[1], stuck->uid, "4");
	close(ends[1]);
	for (int i = 0; i < COUNT(clients); i++)
		clients[i] = dial(server.port);
	for (int i = 0; i < MANY_LINES; i++)
		ck_assert_int_eq(ask_with_agent(clients[i % COUNT(clients)], ""), 200);
	/* longer than any pause of wwwd's */
	count = count_to_the_end(&server, ends[0], NULL, PROMPT, &messages);
	ck_assert_uint_eq(count, 2 * MANY_LINES + 1);
}
END_TEST

/* A terminal may stop whom it runs in the background when they write to it: TOSTOP. */
START_TEST(background_of_terminal)
{
	int slave, master = open_terminal(&slave), fd;
	unsigned port = free_port();
	struct termios modes;
	pid_t shell;

	tcgetattr(slave, &modes);
	modes.c_lflag |= TOSTOP;
	ck_assert_int_eq(tcsetattr(slave, TCSANOW, &modes), 0);
	shell = start(
		(struct given){ .in = slave,
				.err = slave,
				.terminal = true,
				.program = "/bin/sh",
				.args = LIST("-c",
					     "set -m; \"$@\" < /dev/null & pid=$!;"
					     "trap 'kill $pid' TERM; wait; wait $pid",
					     "sh", wwwd, "-d", site, "-p", format("%u", port)) });
	close(slave);
	fd = dial_soon(port);
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(ask_with_agent(fd, ""), 200);
	close(fd);
	read_until(master, "GET /ten.txt", REPLY_TIME);
	ck_assert_int_eq(stop(shell), 0);
}
END_TEST

/* ---- syslog and the journal ---- */

/* Mounts of one's own, with an empty /run, and in /dev little more than files need. */
static void hide_daemons(void)
{
	static const char *const kept[] = { "dev/null", "dev/shm" };

	ck_assert(own_mounts());
	put_folder("dev");
	ck_assert_int_eq(mount("none", in_top("dev"), "tmpfs", 0, "mode=755"), 0);
	put_folder("dev/shm");
	put("dev/null", "");
	for (int i = 0; i < COUNT(kept); i++)
		ck_assert_int_eq(
			mount(format("/%s", kept[i]), in_top(kept[i]), NULL, MS_BIND, NULL), 0);
	ck_assert_int_eq(mount(in_top("dev"), "/dev", NULL, MS_MOVE, NULL), 0);
	ck_assert_int_eq(mount("none", "/run", "tmpfs", 0, "mode=755"), 0);
	ck_assert_int_eq(mkdir("/run/systemd", 0755), 0);
	ck_assert_int_eq(mkdir("/run/systemd/journal", 0755), 0);
}

/* A stand-in for the daemon, at the path of one that has left. */
static int listen_datagrams(const char *path)
{
	unlink(path);
	return bind_path(SOCK_DGRAM, path);
}

/* The two daemons, and the start of wwwd that makes it write to each. */
static const struct daemon {
	const char *path, *line;
	bool inetd;
} daemons[] = {
	{ "/dev/log",
	  "^<29>wwwd\\[[0-9]+\\]: 127\\.0\\.0\\.1 - - \\[[^]]+\\] \"GET /%s HTTP/1.1\" [24].*\"$",
	  true },
	{ "/run/systemd/journal/socket",
	  "^MESSAGE=127\\.0\\.0\\.1 - - \\[[^]]+\\] \"GET /%s HTTP/1.1\" [24].*\"\n"
	  "HTTP_METHOD=GET\nHTTP_PATH=/%s\nHTTP_STATUS=[24]0[04]\n"
	  "HTTP_BYTES=[0-9]+\nREMOTE_ADDR=127.0.0.1\nREMOTE_PORT=[0-9]+\nDURATION_USEC=[0-9]+\n"
	  "SYSLOG_IDENTIFIER=wwwd\nPRIORITY=5\n$",
	  false },
};

/* With this option too, if it isn't NULL. */
static struct server serve_daemon(const struct daemon *daemon, const char *option)
{
	struct server server;
	int listener = listen_tcp(&server.port);

	server.pid = start(
		(struct given){ .in = listener,
				.err = daemon->inetd ? listener : 0,
				.env = LIST(daemon->inetd ? NULL : err_as_journal("")),
				.args = LIST(ARGS, "--forwarded-from", "127.0.0.1", option) });
	close(listener);
	return server;
}

static void assert_datagram(int fd, const struct daemon *daemon, const char *name)
{
	const char *text = hear_datagram(fd);

	ck_assert_msg(matches(text, format(daemon->line, name, name)), "%s", text);
}

/* The daemon leaves, and another one binds its own socket: lines of the time between wait for it. */
START_TEST(syslog_and_journal_restart)
{
	const struct daemon *daemon = &daemons[_i / build_count];
	struct server server;
	int fd;

	wwwd = builds[_i % build_count];
	hide_daemons();
	fd = listen_datagrams(daemon->path);
	server = serve_daemon(daemon, NULL);
	ck_assert_int_eq(get(server.port, "/first"), 404);
	assert_datagram(fd, daemon, "first");
	close(fd);
	ck_assert_int_eq(get(server.port, "/second"), 404);
	unlink(daemon->path);
	ck_assert_int_eq(get(server.port, "/third"), 404);
	fd = listen_datagrams(daemon->path);
	assert_datagram(fd, daemon, "second");
	assert_datagram(fd, daemon, "third");
	ck_assert_int_eq(get(server.port, "/last"), 404);
	assert_datagram(fd, daemon, "last");
}
END_TEST

/* The fields of a record that not every request has: why it is refused, the client, the host. */
static const struct {
	const char *request, *field, *option;
	bool has;
} records[] = {
	{ "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "HTTP_REASON=two Host fields\n", NULL,
	  true },
	{ GET_OF("/"), "HTTP_REASON", NULL, false },
	{ "GET / HTTP/1.1\r\nHost: a\r\nForwarded: for=\"[2001:db8::1]:4711\"\r\n\r\n",
	  "REMOTE_ADDR=2001:db8::1\nREMOTE_PORT=4711\n", NULL, true },
	{ "GET / HTTP/1.1\r\nHost: A.test.:81\r\n\r\n", "HTTP_HOST=a.test\n", "--hosts", true },
	{ "GET http://b.test/ HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP_HOST=b.test\n", "--hosts", true },
	{ "GET / HTTP/1.0\r\n\r\n", "HTTP_HOST=-\n", "--hosts", true },
	{ GET_OF("/"), "HTTP_HOST", NULL, false },
};

START_TEST(fields_of_journal)
{
	const struct daemon *daemon = &daemons[1];
	struct server server;
	const char *text, *field;
	int fd;

	hide_daemons();
	fd = listen_datagrams(daemon->path);
	server = serve_daemon(daemon, records[_i].option);
	ck_assert_int_gt(ask(server.port, records[_i].request), 0);
	text = hear_datagram(fd);
	field = strstr(text, records[_i].field);
	ck_assert_msg(records[_i].has ? field && field > text && field[-1] == '\n' : !field, "%s",
		      text);
}
END_TEST

/* How many lines were lost, of all the messages about it in the text. */
static size_t lost_in(const char *text)
{
	size_t lost = 0;

	for (const char *at = text; (at = strstr(at, " log lines were lost")); at++) {
		const char *digits = at;

		while (digits > text && digits[-1] >= '0' && digits[-1] <= '9')
			digits--;
		lost += strtoul(digits, NULL, 10);
	}
	return lost;
}

/* The daemon doesn't read: requests are answered, and it gets to know what it missed. */
START_TEST(syslog_and_journal_stop_reading)
{
	const struct daemon *daemon = &daemons[_i / build_count];
	size_t count = 0, lost = 0;
	struct server server;
	char text[16 << 10];
	int fd;

	wwwd = builds[_i % build_count];
	hide_daemons();
	fd = listen_datagrams(daemon->path);
	server = serve_daemon(daemon, NULL);
	ask_many(dial(server.port));
	for (long long end = now() + START_TIME; count + lost < MANY_LINES && now() < end;) {
		ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

		text[n > 0 ? n : 0] = '\0';
		/* syslog is told by a datagram of its own, the journal by its stream */
		lost = daemon->inetd ? lost + lost_in(text) : lost_in(content("err"));
		count += n > 0 && strstr(text, "GET /ten.txt");
		/* the last lines are read slowly: there is no room for the message behind them */
		if (n < 0 || count > 1000)
			nap(2);
	}
	ck_assert_uint_eq(count + lost, MANY_LINES);
	ck_assert_uint_gt(lost, 0);
}
END_TEST

Suite *log_suite(void)
{
	Suite *suite = suite_create("log");
	TCase *group = test_case(suite, "log", 15);

	tcase_add_test(group, combined_format);
	tcase_add_loop_test(group, log_line_of_status, 0, COUNT(lines));
	tcase_add_loop_test(group, log_escapes_control_bytes, 0, COUNT(escapes));
	tcase_add_test(group, quiet_writes_no_log);
	tcase_add_test(group, log_file_is_appended_to);
	tcase_add_test(group, log_is_reopened_at_sighup_logrotate);
	tcase_add_test(group, log_that_cannot_be_reopened_at_sighup);
	tcase_add_test(group, log_file_size_limit_full_disk);
	tcase_add_test(group, log_pipe_without_reader_sigpipe);
	tcase_add_loop_test(group, journal_stream, 0, 3);
	tcase_add_loop_test(group, complaint_to_journal, 0, 2);
	tcase_add_loop_test(group, peer_of_supervisor, 0, COUNT(peers));
	tcase_add_test(group, peer_behind_pipe);
	tcase_add_loop_test(group, client_behind_proxy, 0, COUNT(fronts));

	group = test_case(suite, "a log that nobody reads", 30);
	tcase_add_loop_test(group, server_outlives_stuck_log, 0, 2 * STUCKS);
	tcase_add_loop_test(group, connection_outlives_stuck_log, 0, STUCKS);
	tcase_add_loop_test(group, lost_lines_are_counted, 0, STUCKS);
	tcase_add_loop_test(group, workers_share_log, 0, STREAM);
	tcase_add_test(group, background_of_terminal);

	group = test_case(suite, "daemons", 30);
	if (!is_allowed(own_mounts)) {
		skip("syslog and the journal", "needs root for mounts of its own");
		return suite;
	}
	tcase_add_loop_test(group, syslog_and_journal_restart, 0, 2 * build_count);
	tcase_add_loop_test(group, fields_of_journal, 0, COUNT(records));
	tcase_add_loop_test(group, syslog_and_journal_stop_reading, 0, 2 * build_count);
	return suite;
}
