/*
 * What a program writes (RFC 3875 6): all at once and byte by byte, with the same response. A case is
 * an octet, which says what the request is, and the program's output. Whatever it is, the response is
 * one by RFC 9112, and what is behind the program's header is the body.
 */
#include "fuzz.h"

#include <signal.h>

static text output;    /* of the program, */
static size_t piece;   /* which is written in pieces of so many bytes */
static size_t written; /* of it, to what has been started last: */
static int to_server;  /* -1 when all of it is written, or before */

static int run_any(const struct http_conn *conn, struct http_run *run, struct http_pipes *pipes)
{
	int out[2], life[2];

	(void)conn, (void)run;
	need(pipe2(out, O_CLOEXEC | O_NONBLOCK) == 0, "pipe2");
	need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, life) == 0,
	     "socketpair");
	close(life[1]);
	*pipes = (struct http_pipes){ .in = -1, .out = out[0], .error = -1, .life = life[0] };
	if (to_server >= 0)
		close(to_server);
	to_server = out[1];
	written = 0;
	return 0;
}

static int check_none(size_t rule, text name, text password, int *answer)
{
	(void)rule, (void)name, (void)password, (void)answer;
	return EAGAIN;
}

static void complain_nothing(text program, text line)
{
	(void)program, (void)line;
}

/* Some more of the output, or its end. */
static void write_some(void)
{
	size_t n = output.len - written < piece ? output.len - written : piece;

	if (to_server < 0)
		return;
	if (n)
		(void)!write(to_server, output.at + written, n); /* or nobody reads it any more */
	written += n;
	if (written < output.len)
		return;
	close(to_server);
	to_server = -1;
}

/* Without chunks; false if they are broken. */
static bool take_chunks(text *body, char *to)
{
	text left = *body;
	size_t n = 0;

	for (;;) {
		text line = take_until(&left, '\n');
		size_t size = strtoul(line.at, NULL, 16);

		if (!matches(line, "[0-9a-f]+\r") || left.len < size + 2 ||
		    memcmp(left.at + size, "\r\n", 2) != 0)
			return false;
		memcpy(to + n, left.at, size);
		n += size;
		skip(&left, size + 2);
		if (size == 0)
			break;
	}
	*body = (text){ to, n };
	return left.len == 0;
}

struct outcome {
	int status;
	bool whole;
	text body;
	char bytes[64 << 10];
};

static void hear_outcome(const struct talk *talk, struct outcome *outcome)
{
	struct wire_response response = { 0 };
	text heard = talk_heard(talk), body;
	ssize_t size = wire_parse(heard.at, heard.len, true, &response);

	*outcome = (struct outcome){ .whole = false };
	must(size > 0 || heard.len == 0 || strstr(response.fault, "twice"),
	     "what is answered is a response");
	if (size <= 0)
		return;
	body = (text){ heard.at + size, heard.len - (size_t)size };
	outcome->status = response.status;
	outcome->whole = true;
	if (wire_value(&response, "Transfer-Encoding").at)
		outcome->whole = take_chunks(&body, outcome->bytes);
	/* a file that a Location of the site names may be longer: its beginning is compared */
	body.len = body.len < sizeof(outcome->bytes) ? body.len : sizeof(outcome->bytes);
	memmove(outcome->bytes, body.at, body.len);
	outcome->body = (text){ outcome->bytes, body.len };
}

static void converse_with_program(const char *request, size_t pieces, struct outcome *outcome)
{
	static const struct http_scope program = { "p", "/p" };
	struct http_common common = turn_at(0);
	struct http_site site = site_of(&tree);
	struct talk talk;

	site.programs = &program;
	site.program_count = 1;
	site.name = "/";
	site.program_time = SECONDS(60);
	site.run = run_any;
	site.check = check_none;
	site.complain = complain_nothing;
	site.log = NULL;
	piece = pieces;
	to_server = -1;
	talk_open(&talk, &site, &common);
	talk.alone = true;
	need(talk_send(&talk, request, strlen(request)), "send");
	for (size_t i = 0; i < 40 * (output.len + 10); i++) {
		enum http_want want = http_step(&talk.conn, &common);

		(void)talk_hear(&talk);
		if (want == HTTP_DONE)
			break;
		must(want != HTTP_ADOPT, "it goes on with the connection");
		if (want == HTTP_POLL)
			write_some();
		else if (want == HTTP_READ)
			shutdown(talk.far, SHUT_WR);
	}
	must(talk.conn.own.state == GONE, "it comes to an end");
	hear_outcome(&talk, outcome);
	talk_close(&talk);
	if (to_server >= 0)
		close(to_server);
	to_server = -1;
}

static void run_program_output(const unsigned char *data, size_t size)
{
	static const char *const requests[] = {
		"GET /p/a?b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
		"HEAD /p HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
		"GET /p HTTP/1.0\r\n\r\n",
		"POST /p HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
	};
	static struct outcome whole, pieces;
	const char *request;
	long before = allocated;

	if (size < 1)
		return;
	signal(SIGPIPE, SIG_IGN);
	request = requests[data[0] % LENGTH(requests)];
	output = case_text(data + 1, size - 1);
	converse_with_program(request, output.len ? output.len : 1, &whole);
	converse_with_program(request, 1, &pieces);
	must(whole.status == pieces.status, "pieces don't change the status");
	must(!whole.whole || !pieces.whole || same(whole.body, pieces.body) || whole.status >= 500,
	     "nor the body");
	must(whole.status == 0 || (whole.status >= 200 && whole.status <= 599), "a final response");
	must(request[0] != 'H' || whole.body.len == 0, "none to HEAD");
	must(allocated == before, "all memory is given back");
}
