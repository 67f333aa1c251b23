/* Programs and passwords, in http.c alone: tests/process has them with a broker. */
#include "broker.h"

static const struct http_scope one_program[] = { { "p", "/bin/p" }, { NULL, NULL } };
static const struct http_scope all_programs[] = { { "", "/bin/all" }, { NULL, NULL } };
static const struct http_scope files[] = { { "", NULL }, { NULL, NULL } };
static const struct http_scope locked_program[] = { { "p", "/users" }, { NULL, NULL } };
static const struct http_scope guards[] = { { "folder", "/users" },
					    { "small.txt", "/others" },
					    { NULL, NULL } };

#define HELLO "Content-Type: text/plain\n\nhello"
#define BASIC "Authorization: Basic YTpi\r\n"
#define END "Connection: close\r\n\r\n"
#define FOLDER(lines) "GET /folder/" ON lines
#define METHOD "Access-Control-Request-Method: PUT\r\n"
#define HTML "Accept: text/html\r\n"
#define GZIPPED "Accept-Encoding: br, gzip\r\n"
#define OURS "<!DOCTYPE html>" /* the page that http.c has for an error */
#define LATIN "<meta charset=latin1>"
#define CONTROL(value) "\r\nCache-Control: " value "\r\n"

/* A connection on which that is asked, as far as it goes by itself. */
static enum http_want begin_with(struct talk *talk, const char *request)
{
	send_only(talk, request);
	return run_talk(talk);
}

/* A connection ends with the process that it has; nothing of them is left. */
static void end_talk(struct talk *talk)
{
	close_talk(talk);
	ck_assert_int_eq(count_descriptors(), descriptors);
}

/* ---- what a program is told ---- */

static struct group program_tests = {
	.suite = "brokered", .name = "programs", .begin = make_home, .end = remove_home
};

TEST(program_tests, variables)
{
	static const struct {
		const struct http_scope *programs;
		const char *request, *has, *lacks;
		bool tls, hosts;
	} rows[] = {
		{ one_program, "GET /p/x" ON END, "SCRIPT_NAME=/p\n", "HTTPS=", false, false },
		{ one_program, "GET /p/x" ON END, "PATH_INFO=/x\n", NULL, false, false },
		{ one_program, "GET /p" ON END, "SCRIPT_NAME=/p\n", "PATH_INFO=", false, false },
		{ one_program, "GET /p" ON END, "HTTPS=on\n", NULL, true, false },
		{ one_program, "GET /p" ON END, "DOCUMENT_ROOT=/site/a\n", NULL, false, true },
		{ one_program, "GET /p" ON "X!y: b\r\nX.y: b\r\nProxy: b\r\nX-Yz: c\r\n" END,
		  "HTTP_X_YZ=c\n", "=b\n", false, false },
		{ all_programs, "GET /x" ON END, "SCRIPT_NAME=\n", NULL, false, false },
		{ all_programs, "GET /x/y?z" ON END, "PATH_INFO=/x/y\n", NULL, false, false },
		{ all_programs, "GET /" ON END, "PATH_TRANSLATED=/site/\n", NULL, false, false },
		{ all_programs, "GET http://b/?z" ON END, "REQUEST_URI=/?z\n", NULL, false, false },
		{ all_programs, "GET http://b?z" ON END, "REQUEST_URI=/?z\n", NULL, false, false },
		{ all_programs, "GET http://b" ON END, "REQUEST_URI=/\n", NULL, false, false },
	};

	put_link(&home, "a", "folder");
	put_folder(&home, "default");
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct http_site *site = site_with(rows[i].programs, NULL, HELLO);
		struct talk *talk = open_talk(site);

		site->hosts = rows[i].hosts;
		talk->conn.tls = rows[i].tls;
		send_only(talk, rows[i].request);
		ck_assert_int_eq(run_talk(talk), HTTP_DONE);
		expect(talk->logs == 1 && talk->logged[0].status == 200, "%s: %.*s",
		       rows[i].request, SHOWN(talk_heard(talk)));
		expect(strstr(broker.variables, rows[i].has), "%s: %s", rows[i].request,
		       broker.variables);
		expect(!rows[i].lacks || !strstr(broker.variables, rows[i].lacks), "%s: %s",
		       rows[i].request, broker.variables);
		end_talk(talk);
	}
}

/* ---- what a program says ---- */

/* The whole of a conversation that ends by itself: what was heard. */
static text converse_with(struct talk *talk, const char *request)
{
	enum http_want want = begin_with(talk, request);

	expect(want == HTTP_DONE || talk->conn.own.state == LINGER, "%s: %d, %.*s", request, want,
	       SHOWN(talk_heard(talk)));
	return talk_heard(talk);
}

TEST(program_tests, outputs)
{
	static const struct http_rule lines[] = {
		{ .pattern = TEXT("*.txt"), .text = TEXT("Cache-Control: max-age=1") },
		{ .text = TEXT("X-Other: y") },
	};
	static const struct {
		const char *request, *output;
		int status, error;
		const char *body, *has;
		const struct http_scope *guards;
		size_t rules;
	} rows[] = {
		{ "GET /p", HELLO, 200, 0, "5\r\nhello\r\n0\r\n\r\n", "Transfer-Encoding: chunked",
		  NULL, 0 },
		{ "GET /p", "Status: 304\nContent-Length: 5\n\nhello", 304, 0, "", NULL, NULL, 0 },
		{ "GET /p", "Status: 204\nContent-Length: 5\n\nhello", 204, 0, "", NULL, NULL, 0 },
		{ "HEAD /p", "Content-Type: a/b\nContent-Length: 5\n\nhello", 200, 0, "",
		  "Content-Length: 5", NULL, 0 },
		{ "GET /p", "Status: 200\n\n", 200, 0, "0\r\n\r\n", "HTTP/1.1 200 \r\n", NULL, 0 },
		{ "TRACE /p", HELLO, 405, 0, NULL, "Allow", NULL, 0 },
		{ "GET /p", HELLO, 431, EMSGSIZE, NULL, NULL, NULL, 0 },
		{ "GET /p", HELLO, 431, E2BIG, NULL, NULL, NULL, 0 },
		{ "GET /p", HELLO, 503, EAGAIN, NULL, "Retry-After", NULL, 0 },
		{ "GET /p", "Location: /small.txt\n\n", 200, 0, "hello, world", NULL, NULL, 0 },
		{ "HEAD /p", "Location: /small.txt\n\n", 200, 0, "", NULL, NULL, 0 },
		{ "GET /p", "Location: /%zz\n\n", 502, 0, NULL, NULL, NULL, 0 },
		{ "GET /p", "Location: /p\n\n", 502, 0, NULL, NULL, NULL, 0 },
		{ "GET /p", "Status: 503 x\nRetry-After: 9\n\n", 503, 0, NULL,
		  "chunked\r\nRetry-After: 9\r\n", NULL, 0 },
		/* behind a password no cache may share it, unless the site or the program says so */
		{ "GET /p/a", HELLO, 200, 0, NULL, CONTROL("private"), locked_program, 0 },
		{ "GET /p/a.txt", HELLO, 200, 0, NULL, CONTROL("private"), locked_program, 0 },
		{ "GET /p/a", HELLO, 200, 0, NULL, CONTROL("private"), locked_program,
		  LENGTH(lines) },
		{ "GET /p/a.txt", HELLO, 200, 0, NULL, CONTROL("max-age=1"), locked_program,
		  LENGTH(lines) },
		{ "GET /p/a", "Cache-Control: public\n" HELLO, 200, 0, NULL, CONTROL("public"),
		  locked_program, LENGTH(lines) },
		/* its type is amended, and then the cache has it */
		{ "GET /folder/latin.html", HELLO, 200, 0, LATIN, "\r\nContent-Type: text/html\r\n",
		  guards, 0 },
	};
	char request[256];

	put_file(&home, "folder/latin.html", LATIN);
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct wire_response response;
		struct http_site *site = site_with(one_program, rows[i].guards, rows[i].output);
		struct talk *talk = open_talk(site);
		text stream;
		ssize_t n;

		broker.error = rows[i].error;
		site->rules[HTTP_FIELDS] = (struct http_rule_list){ lines, rows[i].rules };
		snprintf(request, sizeof(request), "%s" ON BASIC END, rows[i].request);
		stream = converse_with(talk, request);
		n = wire_parse(stream.at, stream.len, true, &response);
		expect(n > 0 && response.status == rows[i].status, "%zu: %.*s", i, SHOWN(stream));
		expect(talk->logs == 1 && talk->logged[0].status == rows[i].status, "%zu", i);
		expect(!rows[i].has ||
			       memmem(stream.at, (size_t)n, rows[i].has, strlen(rows[i].has)),
		       "%zu: %.*s", i, SHOWN(stream));
		skip(&stream, (size_t)n);
		expect(!rows[i].body || is_text(stream, rows[i].body), "%zu: %.*s", i,
		       SHOWN(stream));
		end_talk(talk);
	}
}

/* The fields of a program become longer when they are passed on. */
TEST(program_tests, many_fields_of_a_program)
{
	enum { COUNT = 8000 };
	static const char end[] = "a: \r\nContent-Type: a/b\r\n\r\n";
	static char said[3 * COUNT + 32];
	struct talk *talk;
	text stream;

	for (size_t i = 0; i < COUNT; i++)
		memcpy(said + 3 * i, "a:\n", 3);
	strcpy(said + 3 * COUNT, "Content-Type: a/b\n\n");
	talk = open_talk(site_with(one_program, NULL, said));
	stream = converse_with(talk, "GET /p" ON END);
	ck_assert_uint_gt(stream.len, 5 * COUNT);
	ck_assert_ptr_nonnull(memmem(stream.at, stream.len, end, strlen(end)));
}

/* What no program can be told is refused, however much of a header is allowed. */
TEST(program_tests, a_header_too_large_for_a_program)
{
	static char field[9000] = "X: ";
	struct http_site *site = site_with(one_program, NULL, HELLO);
	struct talk *talk;

	memset(field + 3, 'y', sizeof(field) - 6);
	strcpy(field + sizeof(field) - 3, "\r\n");
	site->limits.header = MiB;
	talk = open_talk(site);
	ck_assert_int_eq(begin_with(talk, "GET /p" ON), HTTP_READ);
	for (size_t sent = 0; sent < VARIABLES_MOST; sent += sizeof(field)) {
		send_only(talk, field);
		ck_assert_int_eq(run_talk(talk), HTTP_READ);
	}
	send_only(talk, END);
	(void)run_talk(talk);
	next_reply(talk, 431);
	ck_assert_uint_eq(broker.started, 0);
}

/* A program of a name like that writes what is sent; the status is for the log. */
TEST(program_tests, raw_outputs)
{
	static const struct {
		const char *output;
		int status;
		bool sent;
	} rows[] = {
		{ "HTTP/1.1 299 Mine\r\n\r\nhello", 299, true },
		{ "hello", 200, true },
		{ "hello there", 200, true },
		{ "", 502, false },
	};

	put_file(&home, "nph-raw", "");
	need(fchmodat(home.fd, "nph-raw", 0755, 0) == 0, "chmod");
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct talk *talk = open_talk(site_with(files, NULL, rows[i].output));
		text stream;

		stream = converse_with(talk, "GET /nph-raw" ON END);
		expect(is_text(stream, rows[i].output) == rows[i].sent, "%.*s", SHOWN(stream));
		expect(talk->logs == 1 && talk->logged[0].status == rows[i].status, "%d",
		       talk->logged[0].status);
		end_talk(talk);
		/* what was sent before is not counted for it */
		talk = open_talk(site_with(files, NULL, rows[i].output));
		(void)converse_with(talk, "GET /folder?" ON "\r\nGET /nph-raw" ON END);
		expect(!rows[i].sent || talk->logged[1].bytes == strlen(rows[i].output), "%zu", i);
		end_talk(talk);
	}
}

/* Line by line, and what has no end of a line when the program ends, or is longer than any. */
TEST(program_tests, complaints)
{
	static char lines[3 * PIPE_SLICE];

	for (int lives = 0; lives < 2; lives++) {
		struct talk *talk = open_talk(
			site_with(one_program, NULL, "Content-Type: a/b\nContent-Length: 1\n\nx"));
		const char *rest;

		memset(lines, 'a', PIPE_SLICE + 9);
		strcpy(lines + PIPE_SLICE + 9, "\none\n\ntwo");
		broker.errors = lines;
		broker.lives = lives;
		(void)converse_with(talk, "GET /p" ON END);
		ck_assert_int_eq(talk->logged[0].status, 200);
		rest = broker.complained;
		ck_assert_uint_eq(strcspn(rest, "\n"), PIPE_SLICE);
		ck_assert_str_eq(rest + PIPE_SLICE, "\naaaaaaaaa\none\n\ntwo\n");
		end_talk(talk);
	}
}

/* A response that can't be completed ends with a reset, and is logged as what it began as. */
TEST(program_tests, responses_that_break_off)
{
	static const struct {
		const char *request, *output;
		enum call call;
		int logged;
	} rows[] = {
		{ "GET /p" ON END, "Content-Type: a/b\nContent-Length: 9\n\nhello", NO_CALL, 200 },
		{ "POST /p" ON "Transfer-Encoding: chunked\r\n\r\nx\r\n", HELLO, NO_CALL, 400 },
		{ "GET /p" ON END, HELLO, READ_PIPE, 502 },
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct talk *talk = open_talk(site_with(one_program, NULL, rows[i].output));

		fail_next(rows[i].call, EIO);
		send_only(talk, rows[i].request);
		while (talk->conn.own.state < LINGER)
			(void)run_talk(talk);
		expect(talk->logs == 1 && talk->logged[0].status == rows[i].logged, "%zu: %d", i,
		       talk->logged[0].status);
		end_talk(talk);
	}
}

/* The body of a request goes on while the response does: what is wrong with it comes too late. */
TEST(program_tests, a_body_that_breaks_off)
{
	static const char large[] = "POST /p" ON "Content-Length: 1000000\r\n\r\n";
	static const char *const ends[] = { "zz\r\n", "" };

	for (size_t i = 0; i < 2 * LENGTH(ends); i++) {
		struct http_site *site = site_with(one_program, NULL, "Content-Type: a/b\n\nhello");
		struct talk *talk = open_talk(site);

		broker.lives = true;
		site->limits.body = 2 << 20;
		if (i % 2) { /* more than is gathered: the program is started before the end */
			char chunk[PIPE_SLICE + 16];
			int n = sprintf(chunk, "%x\r\n", PIPE_SLICE);

			memset(chunk + n, 'x', PIPE_SLICE);
			memcpy(chunk + n + PIPE_SLICE, "\r\n", 2);
			send_only(talk, "POST /p" ON "Transfer-Encoding: chunked\r\n\r\n");
			for (int k = 0; k <= GATHER_MOST / PIPE_SLICE; k++) {
				need(talk_send(talk, chunk, (size_t)n + PIPE_SLICE + 2), "send");
				ck_assert_int_eq(run_talk(talk), HTTP_POLL);
			}
			while (read(broker.in, chunk, sizeof(chunk)) > 0)
				ck_assert_int_eq(run_talk(talk), HTTP_POLL);
		} else {
			send_only(talk, large);
		}
		ck_assert_int_eq(run_talk(talk), HTTP_POLL);
		ck_assert_uint_eq(broker.started, 1);
		ck_assert(talk->len); /* it has begun */
		send_only(talk, i % 2 ? ends[i / 2] : "");
		shutdown(talk->far, SHUT_WR);
		ck_assert_int_eq(run_talk(talk), HTTP_DONE);
		ck_assert_uint_eq(talk->logs, 1);
		ck_assert_int_eq(talk->logged[0].status, 200);
		end_talk(talk);
	}
}

/* ---- clocks, and ends of a connection ---- */

TEST(program_tests, time_outs)
{
	static const struct {
		const char *request;
		int status; /* 0: nothing is answered */
	} rows[] = {
		{ "GET /p" ON "\r\n", 504 },
		{ "POST /p" ON "Content-Length: 9\r\n\r\nhello", 408 },
		{ "GET /p/" ON BASIC "\r\n", 503 },
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct talk *talk =
			open_talk(site_with(one_program, i == 2 ? locked_program : NULL, ""));
		struct pollfd polls[HTTP_POLLS];

		broker.lives = true;
		broker.answer = ' ';
		ck_assert_int_eq(begin_with(talk, rows[i].request), HTTP_POLL);
		ck_assert_uint_eq(http_polls(&talk->conn, HTTP_READ, polls), 1);
		ck_assert_int_eq(polls[0].events, POLLIN);
		ck_assert_uint_eq(http_polls(&talk->conn, HTTP_WRITE, polls), 1);
		ck_assert_int_eq(polls[0].events, POLLOUT);
		ck_assert_uint_eq(http_polls(&talk->conn, HTTP_AGAIN, polls), 0);
		ck_assert_uint_ge(http_polls(&talk->conn, HTTP_POLL, polls), 1);
		ck_assert(i < 2 || polls[0].events == POLLIN);
		now.clock = talk->conn.deadline;
		(void)run_talk(talk);
		next_reply(talk, rows[i].status);
		end_talk(talk);
	}
}

/* When a response has begun, nothing but a reset can tell that no more comes. */
TEST(program_tests, time_outs_of_what_has_begun)
{
	for (int deaf = 0; deaf < 2; deaf++) {
		static char output[32 << 10];
		struct pollfd polls[HTTP_POLLS];
		struct talk *talk = open_talk(site_with(one_program, NULL, deaf ? output : HELLO));

		strcpy(output, "Content-Type: text/plain\n\n");
		memset(output + strlen(output), 'x', sizeof(output) - 1 - strlen(output));
		broker.lives = true;
		while (deaf && send(talk->conn.own.in, big, 1, MSG_DONTWAIT) > 0)
			;
		send_only(talk, "GET /p" ON "\r\n");
		while (http_step(&talk->conn, &now) == HTTP_AGAIN)
			;
		ck_assert_int_eq(talk->conn.clock, deaf ? HTTP_MOVING : HTTP_PROGRAM);
		ck_assert_uint_ge(http_polls(&talk->conn, HTTP_POLL, polls), 1);
		ck_assert_int_eq(polls[0].events, deaf ? POLLOUT : POLLIN);
		ck_assert_int_eq(polls[0].fd == talk->conn.own.out, deaf);
		now.clock = talk->conn.deadline;
		ck_assert_int_eq(http_step(&talk->conn, &now), HTTP_DONE);
		ck_assert_uint_eq(talk->logs, 1);
		ck_assert_int_eq(talk->logged[0].status, 200);
		end_talk(talk);
	}
}

/* The time of a program begins anew whenever it says something. */
TEST(program_tests, a_program_that_is_slow)
{
	struct http_site *site =
		site_with(one_program, NULL, "Content-Type: text/plain\nContent-Length: 15\n");
	struct talk *talk = open_talk(site);

	broker.lives = true;
	ck_assert_int_eq(begin_with(talk, "GET /p" ON END), HTTP_POLL);
	for (int i = 0; i < 3; i++) {
		now.clock = talk->conn.deadline - 1;
		say_once(&broker.out, i ? "hello" : "\n");
		ck_assert_int_eq(run_talk(talk), HTTP_POLL);
		ck_assert_int_eq(talk->conn.deadline - now.clock, site->program_time);
	}
	say_once(&broker.out, "hello");
	ck_assert_int_eq(run_talk(talk), HTTP_DONE);
	ck_assert_uint_eq(talk->logs, 1);
	ck_assert_uint_eq(talk->logged[0].bytes, 15);
}

/* A client that sends no more is waited for as long as any, but no longer than some seconds. */
TEST(program_tests, half_closed_clients)
{
	static const int64_t times[] = { SECONDS(1), SECONDS(60) };

	for (size_t i = 0; i < LENGTH(times); i++) {
		struct pollfd polls[HTTP_POLLS];
		struct http_site *site = site_with(one_program, NULL, "");
		struct talk *talk = open_talk(site);

		broker.lives = true;
		site->program_time = times[i];
		send_only(talk, "GET /p" ON "\r\n");
		shutdown(talk->far, SHUT_WR);
		ck_assert_int_eq(run_talk(talk), HTTP_POLL);
		ck_assert_int_eq(talk->conn.deadline - now.clock,
				 times[i] < HALF_CLOSED_TIME ? times[i] : HALF_CLOSED_TIME);
		/* and meanwhile nothing wakes the process */
		ck_assert_int_eq(poll(polls, http_polls(&talk->conn, HTTP_POLL, polls), 0), 0);
		now.clock = talk->conn.deadline;
		(void)run_talk(talk);
		next_reply(talk, 504);
		end_talk(talk);
	}
}

/* A program that does not read is asked again when it does; what it has not read is kept. */
TEST(program_tests, a_program_that_does_not_read)
{
	static char chunk[PIPE_SLICE + 16], taken[256 << 10];
	int n = sprintf(chunk, "%x\r\n", PIPE_SLICE);
	struct pollfd polls[HTTP_POLLS];
	enum { CHUNKS = 40 };
	struct talk *talk = open_talk(site_with(one_program, NULL, ""));
	size_t count, got = 0;
	ssize_t more;

	memset(chunk + n, 'x', PIPE_SLICE);
	strcpy(chunk + n + PIPE_SLICE, "\r\n");
	broker.lives = true;
	send_only(talk, "POST /p" ON "Transfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < CHUNKS; i++) {
		send_only(talk, chunk);
		(void)run_talk(talk);
	}
	send_only(talk, "0\r\n\r\n");
	ck_assert_int_eq(run_talk(talk), HTTP_POLL);
	ck_assert_uint_eq(broker.started, 1);
	count = http_polls(&talk->conn, HTTP_POLL, polls);
	ck_assert_uint_eq(count, 4);
	ck_assert_int_eq(polls[2].events, POLLOUT);
	while ((more = read(broker.in, taken, sizeof(taken))) > 0 || more < 0) {
		got += more > 0 ? (size_t)more : 0;
		if (more < 0)
			ck_assert_int_eq(run_talk(talk), HTTP_POLL);
	}
	ck_assert_uint_eq(got, CHUNKS * PIPE_SLICE);
}

/* A pipe in the place of a socket says nothing of a client that has left. */
TEST(program_tests, a_program_behind_pipes)
{
	static const char request[] = "GET /p" ON END;
	int in[2], out[2];
	struct talk talk;
	struct pollfd polls[HTTP_POLLS];
	char heard[4096];

	talk_open_pipes(&talk, site_with(one_program, NULL, ""), in, out, O_NONBLOCK);
	broker.lives = true;
	say_once(&in[1], request);
	ck_assert_int_eq(http_step(&talk.conn, &now), HTTP_POLL);
	ck_assert_uint_eq(http_polls(&talk.conn, HTTP_POLL, polls), 2);
	broker.lives = false;
	say_once(&broker.out, HELLO);
	while (http_step(&talk.conn, &now) != HTTP_DONE)
		;
	ck_assert_int_gt(read(out[0], heard, sizeof(heard)), 0);
	ck_assert_int_eq(strncmp(heard, "HTTP/1.1 200 ", 13), 0);
	http_forsake(&talk.conn); /* which does nothing here */
	talk_close_pipes(&talk, in, out);
}

/* What is not sent yet comes first: a program may run meanwhile, but nothing else begins. */
TEST(program_tests, what_waits_for_a_deaf_client)
{
	static const struct {
		const char *request;
		const struct http_scope *guards;
		bool adopts, runs;
	} rows[] = {
		{ "GET /p" ON "\r\n", NULL, false, true },
		{ "GET /p" ON "\r\n", NULL, true, false },
		{ "GET /p" ON BASIC "\r\n", locked_program, false, false },
		{ "GET /p" ON BASIC "\r\n", locked_program, true, false },
		{ "GET /folder/" ON "\r\n", NULL, false, false },
		{ "POST /p" ON "Expect: 100-continue\r\nContent-Length: 9\r\n\r\n", NULL, false,
		  true },
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		size_t filled = 0;
		struct http_site *site = site_with(one_program, rows[i].guards, HELLO);
		struct talk *talk = open_talk(site);
		ssize_t n;

		if (rows[i].adopts)
			site->run = NULL;
		for (size_t size = 4096; size; size /= 2)
			while ((n = send(talk->conn.own.in, big, size, MSG_DONTWAIT)) > 0)
				filled += (size_t)n;
		send_only(talk, "GET /page.html" ON "\r\n");
		send_only(talk, rows[i].request);
		expect(http_step(&talk->conn, &now) == (rows[i].runs ? HTTP_POLL : HTTP_WRITE),
		       "%zu", i);
		ck_assert_uint_eq(broker.started, rows[i].runs);
		ck_assert_uint_eq(broker.checked, 0);
		talk_settle(talk); /* as between the turns of other connections */
		talk_hear(talk);
		ck_assert_int_eq(run_talk(talk) == HTTP_ADOPT, rows[i].adopts);
		talk->read = filled;
		next_reply(talk, 200);
		end_talk(talk);
	}
}

/* The client takes no response, while the clock is that of the program: no other response is made. */
TEST(program_tests, a_deaf_client_of_a_silent_program)
{
	struct talk *talk = open_talk(site_with(one_program, NULL, HELLO));

	for (size_t size = 4096; size; size /= 2)
		while (send(talk->conn.own.in, big, size, MSG_DONTWAIT) > 0)
			;
	send_only(talk, "GET /page.html" ON "\r\nGET /p" ON "\r\n");
	ck_assert_int_eq(http_step(&talk->conn, &now), HTTP_POLL);
	talk_settle(talk);
	arm(&talk->conn, &now, HTTP_PROGRAM);
	now.clock = talk->conn.deadline;
	ck_assert_int_eq(http_step(&talk->conn, &now), HTTP_DONE);
	ck_assert_uint_eq(talk->logs, 1);
}

/* The response is there before the body, which was received with the request, was passed on. */
TEST(program_tests, quick_program)
{
	static const char *const said[] = { HELLO, "Location: /small.txt\n\n" };

	for (size_t i = 0; i < LENGTH(said); i++) {
		struct talk *talk = open_talk(site_with(one_program, NULL, said[i]));
		text stream = converse_with(talk, "POST /p" ON
						  "Content-Length: 3\r\n\r\nabcGET /p" ON END);

		expect(talk->logs == 2, "%s: %.*s", said[i], SHOWN(stream));
		end_talk(talk);
	}
}

/* Another process goes on; where none can be started, the client is told. */
TEST(program_tests, adoption)
{
	static const char first[] = "GET /small.txt" ON "\r\n", second[] = "GET /p" ON "\r\n";
	struct http_site *site = site_with(one_program, NULL, HELLO);
	struct talk *talk = open_talk(site);
	struct talk *heir;

	site->run = NULL;
	site->check = NULL;
	send_only(talk, first);
	send_only(talk, second);
	ck_assert_int_eq(run_talk(talk), HTTP_ADOPT);
	next_reply(talk, 200);
	ck_assert(is_text(http_unanswered(&talk->conn), second));

	site->run = broker_run;
	heir = open_talk(site);
	ck_assert(http_adopt(&heir->conn, http_unanswered(&talk->conn), false));
	ck_assert_int_eq(run_talk(heir), HTTP_READ);
	ck_assert_int_eq(heir->logged[0].status, 200);

	site->run = NULL;
	ck_assert_int_eq(run_talk(talk), HTTP_READ); /* nobody has taken it */
	next_reply(talk, 503);
	ck_assert(!http_adopt(&talk->conn, (text){ big, talk->conn.work->input.size + 1 }, false));
}

/* ---- passwords ---- */

/*
 * What a request leads to may need another password than its path. Pages that need one are no way round
 * it, as an error's or as the fallback, and a sibling that needs one is left out.
 */
TEST(program_tests, password_answers)
{
	static const struct http_scope error_page[] = { { "404.html", "/users" },
							{ "page.html", "/users" },
							{ NULL, NULL } };
	static const struct http_scope page[] = { { "page.html", "/users" }, { NULL, NULL } };
	static const struct http_scope sibling[] = { { "page.html.gz", "/users" }, { NULL, NULL } };
	static const struct http_scope indexes[] = { { "folder/index.html", "/users" },
						     { "folder/a.txt", "/others" },
						     { NULL, NULL } };
	static const struct http_rule fallback = { .text = TEXT("page.html") };
	static const struct http_rule names[] = { { .text = TEXT("a.txt") },
						  { .text = TEXT("index.html") } };
	static const struct {
		const struct http_scope *guards;
		const char *request;
		char answer;
		int error, status;
		bool closes;
		const char *body; /* how it begins */
	} rows[] = {
		{ guards, FOLDER("\r\n"), 'y', 0, 401, false, OURS },
		{ guards, FOLDER(BASIC "\r\n"), 'y', 0, 200, false, "a" },
		{ guards, FOLDER(BASIC "\r\n"), 'n', 0, 401, false, OURS },
		{ guards, FOLDER(BASIC "\r\n"), '-', 0, 503, false, OURS },
		{ guards, FOLDER(BASIC "\r\n"), 'y', EAGAIN, 503, false, OURS },
		{ guards, "POST /folder/" ON BASIC "Content-Length: 1\r\n\r\nx", 'y', EAGAIN, 503,
		  false, OURS },
		{ guards, "POST /folder/" ON BASIC "Content-Length: 1\r\n\r\nx", '-', 0, 503, false,
		  OURS },
		{ guards, FOLDER(BASIC BASIC "\r\n"), 'y', 0, 401, false, OURS },
		{ guards, FOLDER("Authorization: Basic =\r\n\r\n"), 'y', 0, 401, false, OURS },
		{ guards, FOLDER("Authorization: Basic !\r\n\r\n"), 'y', 0, 401, false, OURS },
		{ guards, FOLDER("Authorization: Bearer x\r\n\r\n"), 'y', 0, 401, false, OURS },
		{ guards, "POST /folder/" ON "Expect: 100-continue\r\nContent-Length: 1\r\n\r\n",
		  'y', 0, 401, true, OURS },
		{ guards, "POST /folder/" ON "Content-Length: 1\r\n\r\nx", 'y', 0, 401, false,
		  OURS },
		{ guards, FOLDER("Expect: 100-continue\r\n\r\n"), 'y', 0, 401, false, OURS },
		{ guards, "OPTIONS /folder/" ON "Origin: a\r\n" METHOD "\r\n", 'y', 0, 204, false,
		  "" },
		{ guards, "OPTIONS /folder/" ON "Origin: a\r\n\r\n", 'y', 0, 401, false, OURS },
		{ guards, "OPTIONS /folder/" ON METHOD "\r\n", 'y', 0, 401, false, OURS },
		{ error_page, "GET /nothing.x" ON "\r\n", 'y', 0, 404, false, OURS },
		{ page, "GET /nothing.x" ON "\r\n", 'y', 0, 404, false, "their page" },
		{ error_page, "GET /route" ON HTML "\r\n", 'y', 0, 404, false, OURS },
		{ locked_program, "GET /route" ON HTML "\r\n", 'y', 0, 200, false, "a page" },
		{ error_page, "GET /404.html/nothing" ON BASIC "\r\n", 'y', 0, 404, false,
		  "their page" },
		{ guards, "GET /folder/nothing.x" ON BASIC "\r\n", 'y', 0, 404, false,
		  "their page" },
		{ error_page, "GET /page.html/nothing" ON BASIC "\r\n", 'y', 0, 404, false, OURS },
		{ sibling, "GET /page.html" ON GZIPPED "\r\n", 'y', 0, 200, false, "a page" },
		{ sibling, "GET /page.html" ON GZIPPED BASIC "\r\n", 'y', 0, 200, false, "a page" },
		{ sibling, "GET /page.html.gz" ON "\r\n", 'y', 0, 401, false, OURS },
		{ sibling, "GET /page.html.gz" ON BASIC "\r\n", 'y', 0, 200, false, "pretend" },
		{ page, "GET /page.html" ON GZIPPED BASIC "\r\n", 'y', 0, 200, false, "pretend" },
		{ indexes, "GET /folder/a.txt" ON BASIC "\r\n", 'y', 0, 200, false, "a" },
		{ indexes, FOLDER(BASIC "\r\n"), 'y', 0, 403, false, OURS },
	};

	put_file(&home, "404.html", "their page");
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct http_site *site = site_with(NULL, rows[i].guards, "");
		struct talk *talk = open_talk(site);
		struct reply reply;

		site->rules[HTTP_FALLBACKS] = (struct http_rule_list){ &fallback, 1 };
		site->rules[HTTP_INDEXES] = (struct http_rule_list){ names, LENGTH(names) };
		broker.answer = rows[i].answer;
		broker.error = rows[i].error;
		(void)begin_with(talk, rows[i].request);
		reply = next_reply(talk, rows[i].status);
		expect(reply.close == rows[i].closes, "%s", rows[i].request);
		expect((rows[i].status == 401) ==
			       (reply_field(&reply, "WWW-Authenticate").at != NULL),
		       "%s", rows[i].request);
		expect(starts_alike(reply.body, text_of(rows[i].body)), "%s: %.*s", rows[i].request,
		       SHOWN(reply.body));
		no_more(talk);
		end_talk(talk);
	}
}

/* What a request that is not understood is answered with depends on no request before it. */
TEST(program_tests, an_error_behind_a_password)
{
	struct talk *talk = open_talk(site_with(NULL, guards, ""));
	struct reply reply;

	(void)begin_with(talk, FOLDER(BASIC "\r\n") "x\r\n\r\n");
	reply = next_reply(talk, 200);
	ck_assert(reply_has(&reply, "Cache-Control", "private"));
	reply = next_reply(talk, 400);
	ck_assert_ptr_null(reply_field(&reply, "Cache-Control").at);
}

/* A file with a sibling that needs another password is not kept: what may be sent is not asked again. */
TEST(program_tests, a_sibling_behind_a_password_is_not_cached)
{
	static const struct http_scope sibling[] = { { "page.html.gz", "/users" }, { NULL, NULL } };
	struct http_site *site = site_with(NULL, sibling, "");
	struct talk *talk;

	add_cache(MiB, 2, "sixteen bytes, a");
	now.wall.tv_sec += 3600; /* the files are old enough */
	talk = open_talk(site);
	for (int i = 0; i < 3; i++) {
		(void)begin_with(talk, "GET /page.html" ON GZIPPED "\r\n");
		next_reply(talk, 200);
		(void)begin_with(talk, "GET /page.html" ON "\r\n");
		next_reply(talk, 200);
	}
	ck_assert_ptr_nonnull(now.cache->newest); /* of the requests that take no coding */
	ck_assert_ptr_eq(now.cache->newest, now.cache->oldest);
	remove_cache();
}

/* A password is checked once for a connection, but for each place, and never in vain. */
TEST(program_tests, passwords_are_remembered)
{
	static const struct {
		const char *request;
		char answer;
		unsigned checked;
		int status;
	} rows[] = {
		{ "GET /folder/" ON BASIC "\r\n", 'y', 1, 200 },
		{ "GET /folder/a.txt" ON BASIC "\r\n", 'n', 1, 200 },
		{ "GET /folder/" ON "Authorization: Basic YTpj\r\n\r\n", 'n', 2, 401 },
		{ "GET /folder/" ON BASIC "\r\n", 'y', 3, 200 },
		{ "GET /folder/" ON "Authorization: Basic  YTpi\r\n\r\n", 'y', 4, 200 },
		{ "GET /small.txt" ON BASIC "\r\n", 'y', 5, 200 },
		{ "GET /small.txt" ON BASIC "\r\n", 'n', 5, 200 },
		{ "GET /folder/" ON BASIC "\r\n", 'n', 6, 401 },
		{ "GET /small.txt" ON "Authorization: x\r\n\r\n", 'n', 6, 401 },
		{ "GET /small.txt" ON BASIC "\r\n", 'n', 7, 401 },
	};
	struct talk *talk = open_talk(site_with(NULL, guards, ""));

	for (size_t i = 0; i < LENGTH(rows); i++) {
		broker.answer = rows[i].answer;
		send_only(talk, rows[i].request);
		(void)run_talk(talk);
		next_reply(talk, rows[i].status);
		expect(broker.checked == rows[i].checked, "%zu: %u", i, broker.checked);
	}
	ck_assert_int_eq(talk->conn.own.state, LINGER); /* the third wrong one ends it */
}

/* What is sent in a value longer than any name and password is not looked at. */
TEST(program_tests, passwords_that_are_too_long)
{
	char request[LOGIN_MOST + 256];

	for (int more = 0; more < 2; more++) {
		struct talk *talk = open_talk(site_with(NULL, guards, ""));
		size_t n = (size_t)sprintf(request, "GET /folder/" ON "Authorization: Basic YTpi");
		size_t value = LOGIN_MOST - strlen("Basic YTpi") + (size_t)more;

		memset(request + n, 'A', value);
		strcpy(request + n + value, "\r\n\r\n");
		(void)begin_with(talk, request);
		next_reply(talk, 401); /* a password has no NUL, which A's stand for */
		ck_assert_uint_eq(broker.checked, 0);
		end_talk(talk);
	}
}

/* Which place a name is in, by any way that leads to it. */
TEST(program_tests, names_that_reach_a_guard)
{
	static const struct {
		const char *prefix, *path;
		bool clean, reaches;
	} rows[] = {
		{ "", "anything", false, true },       { "a", "a", false, true },
		{ "a", "a/b", false, true },           { "a", "ab", false, false },
		{ "a", "a.gz", false, true },          { "a", "a.br", false, true },
		{ "a", "a.html", false, false },       { "a", "a.html", true, true },
		{ "a.html", "a", false, false },       { "a.html", "a", true, true },
		{ "a.html", "b", true, false },        { "a.html.html", "a.html", true, true },
		{ "a", "a.html.gz", true, true },      { "a", "a.html.gz", false, false },
		{ "a.gz", "a.gz", false, true },       { "a.html", "a.gz", true, false },
		{ "a/index.html", "a/", false, true }, { "a/index", "a/", true, true },
		{ "a/index", "a/", false, false },     { "a/index", "a/index.html.br", true, true },
		{ "index", "", true, true },           { "a/index.html", "a/b", false, false },
		{ "index.html", "", false, true },
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		const struct http_scope guard[] = { { rows[i].prefix, "/users" }, { NULL, NULL } };
		struct http_site *site = site_with(NULL, guard, "");

		site->clean_urls = rows[i].clean;
		expect((find_guard(site, rows[i].path) != NULL) == rows[i].reaches, "%s, %s",
		       rows[i].prefix, rows[i].path);
	}
}
