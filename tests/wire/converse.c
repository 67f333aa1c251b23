/*
 * A case of the tables: what is sent, the conversation, and the judgement of what was answered. How
 * the bytes get to the server and back, and what the time is, a struct wire_way knows.
 */
#include "wire.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	PATIENCE = 5000,     /* ms that a case may take; only failures take long ... */
	PATIENCE_LEFT = 250, /* ... and each halves what the next may take, down to this */
	PAUSE = 20,          /* ms between two parts of a request */
	SINGLY_MAX = 2048,   /* a request of more bytes isn't sent one by one, but ... */
	PIECE = 1021,        /* ... so many at a time */
};

int wire_patience = PATIENCE;
static char sent[WIRE_ROOM], got[WIRE_ROOM];
char wire_side[WIRE_ROOM + 1];
static struct wire_response response; /* the one that is judged */

/* Bytes as C has them in a string, cut off when there are too many. */
static const char *escape(char *out, size_t room, const char *bytes, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)bytes[i];
		const char *format = c == '\r'            ? "\\r"
				     : c == '\n'          ? "\\n\n        "
				     : c < ' ' || c > '~' ? "\\x%02x"
							  : "%c";

		if (used + 64 > room) {
			snprintf(out + used, room - used, " ... %zu bytes in all", size);
			break;
		}
		used += (size_t)snprintf(out + used, room - used, format, c);
	}
	return out;
}

size_t wire_fetch(const struct wire_way *way, const char *method, const char *target,
		  const char *fields)
{
	char request[2048];
	struct wire_talk talk = { .got = wire_side, .got_room = WIRE_ROOM, .out = request };
	long long deadline = way->now() + wire_patience;

	talk.out_size = (size_t)snprintf(request, sizeof(request),
					 "%s %s HTTP/1.1\r\nHost: a\r\n%sConnection: close\r\n\r\n",
					 method, target, fields);
	if (!way->open(&talk, MAIN))
		ck_abort_msg("%s: no connection", way->name);
	while (!talk.eof && way->now() < deadline)
		way->step(&talk, 100);
	way->close(&talk);
	wire_side[talk.got_size] = '\0';
	return talk.got_size;
}

/* ---- what is sent ---- */

/* The tag of what "path" or "path coding" names. */
static size_t expand_etag(const struct wire_way *way, char *out, const char *what, size_t size)
{
	char text[256], path[256] = "", coding[64] = "", fields[128] = "";
	struct wire_text etag = { NULL, 0 };

	snprintf(text, sizeof(text), "%.*s", (int)size, what);
	if (sscanf(text, "%255s %63s", path, coding) == 2)
		snprintf(fields, sizeof(fields), "Accept-Encoding: %s\r\n", coding);
	if (wire_parse(wire_side, wire_fetch(way, "GET", path, fields), false, &response) > 0)
		etag = wire_value(&response, "ETag");
	memcpy(out, etag.at ? etag.at : "", etag.size);
	return etag.size;
}

/* "300*ab" */
static size_t expand_times(char *out, const char *what, size_t size)
{
	char *star;
	size_t times = strtoul(what, &star, 10), length = size - (size_t)(star + 1 - what);

	for (size_t i = 0; i < times; i++)
		memcpy(out + i * length, star + 1, length);
	return times * length;
}

static size_t expand(const struct wire_way *way, char *out, const struct wire_part *part)
{
	const char *bytes = part->bytes, *end = bytes + part->size, *mark, *close;
	char *at = out;

	while ((mark = memmem(bytes, (size_t)(end - bytes), "{{", 2))) {
		at = mempcpy(at, bytes, (size_t)(mark - bytes));
		mark += 2;
		close = memmem(mark, (size_t)(end - mark), "}}", 2);
		if (strncmp(mark, "etag ", 5) == 0)
			at += expand_etag(way, at, mark + 5, (size_t)(close - mark) - 5);
		else
			at += expand_times(at, mark, (size_t)(close - mark));
		bytes = close + 2;
	}
	at = mempcpy(at, bytes, (size_t)(end - bytes));
	return (size_t)(at - out);
}

/* All parts, one after the other in `out`; their sizes are in `sizes`. */
static size_t expand_all(const struct wire_way *way, const struct wire_case *test, char *out,
			 size_t sizes[WIRE_PARTS])
{
	size_t total = 0;

	for (size_t i = 0; i < WIRE_PARTS && test->send[i].bytes; i++) {
		sizes[i] = expand(way, out + total, &test->send[i]);
		total += sizes[i];
	}
	return total;
}

/* ---- the conversation ---- */

/* How far the server has come with its answers. */
struct progress {
	size_t answers, size;
	bool closing; /* the last one says that it's the last */
	bool broken;  /* what follows isn't an answer */
};

/* A 100 may come although it isn't in the list of answers. */
static bool is_extra(const struct wire_case *test, int status, const struct wire_answer *want)
{
	return status == 100 && test->may_100 && want->status && !strstr(want->status, "100");
}

static struct progress look(const struct wire_case *test, const struct wire_talk *talk)
{
	struct progress seen = { 0 };

	while (seen.answers < WIRE_ANSWERS) {
		const struct wire_answer *want = &test->want[seen.answers];
		ssize_t size = wire_parse(talk->got + seen.size, talk->got_size - seen.size,
					  want->head, &response);

		seen.broken = size < 0;
		if (size <= 0)
			break;
		seen.size += (size_t)size;
		seen.closing = wire_member(&response, "Connection", "close");
		if (!is_extra(test, response.status, want))
			seen.answers++;
	}
	return seen;
}

static size_t wanted_answers(const struct wire_case *test)
{
	size_t count = 0;

	while (count < WIRE_ANSWERS && test->want[count].status)
		count++;
	return count;
}

/* Go on until so many answers are here, or the server has hung up, or it has been too long. */
static struct progress await(const struct wire_way *way, const struct wire_case *test,
			     struct wire_talk *talk, size_t answers, long long deadline)
{
	struct progress seen = look(test, talk);

	while (!talk->eof && way->now() < deadline &&
	       (talk->out_size || (seen.answers < answers && !seen.broken))) {
		size_t before = talk->got_size;

		way->step(talk, 100);
		if (talk->got_size != before)
			seen = look(test, talk);
	}
	return seen;
}

static void send_parts(const struct wire_way *way, const struct wire_case *test,
		       struct wire_talk *talk, const size_t sizes[WIRE_PARTS], long long deadline)
{
	talk->out = sent;
	for (size_t i = 0; i < WIRE_PARTS && test->send[i].bytes; i++) {
		long long until = way->now() + PAUSE;

		if (test->send[i].after)
			await(way, test, talk, test->send[i].after, deadline);
		else
			while (i && !talk->eof && way->now() < until)
				way->step(talk, PAUSE);
		talk->out_size = sizes[i];
		await(way, test, talk, 0, deadline);
	}
}

/* The request that shows that the connection still stands, and where. */
static const char sentinel[] =
	"GET /sentinel.txt HTTP/1.1\r\nHost: sentinel\r\nConnection: close\r\n\r\n";

/* Say it all and hear it all; whether the sentinel was sent too. */
static bool converse(const struct wire_way *way, const struct wire_case *test,
		     struct wire_talk *talk, const size_t sizes[WIRE_PARTS])
{
	long long deadline = way->now() + wire_patience;
	struct progress seen;
	bool asked;

	talk->deaf = test->deaf;
	send_parts(way, test, talk, sizes, deadline);
	talk->deaf = false;
	if (test->half_close && talk->pipe) {
		close(talk->pipe);
		talk->pipe = -1;
	} else if (test->half_close)
		shutdown(talk->fd, SHUT_WR);
	seen = await(way, test, talk, wanted_answers(test), deadline);
	asked = !test->half_close && !talk->eof && test->end != CLOSED && !seen.closing &&
		!seen.broken;
	if (asked) {
		talk->out = sentinel;
		talk->out_size = sizeof(sentinel) - 1;
	}
	while (!talk->eof && way->now() < deadline)
		way->step(talk, 100);
	if (!talk->eof && wire_patience > PATIENCE_LEFT)
		wire_patience /= 2;
	return asked;
}

/* ---- the judgement ---- */

static const char *judge_sentinel(const struct wire_talk *talk, size_t at)
{
	ssize_t size = wire_parse(talk->got + at, talk->got_size - at, false, &response);

	if (size <= 0)
		return "the next request on the connection got no answer";
	if (response.status != 200 || !wire_same(response.body, "SENTINEL"))
		return "the next request on the connection got another's answer";
	return at + (size_t)size == talk->got_size ? NULL : "bytes after the last answer";
}

static const char *judge_end(const struct wire_case *test, const struct wire_talk *talk, size_t at,
			     bool asked, bool closing)
{
	if (talk->error && !test->turned_away)
		return wire_say(&response, "the connection broke: %s", strerror(talk->error));
	if (!talk->eof)
		return "the server doesn't close the connection";
	if (asked)
		return judge_sentinel(talk, at);
	if (at != talk->got_size)
		return "bytes after the last answer";
	if (test->half_close)
		return NULL;
	if (test->end == KEPT)
		return "the connection isn't kept";
	if (at && !closing && !test->silent)
		return "closed, and the last answer doesn't say so (RFC 9112, 9.6)";
	return NULL;
}

/* Read and judge one answer; `at` moves behind it. */
static const char *judge_answer(const struct wire_case *test, const struct wire_answer *want,
				const struct wire_talk *talk, size_t *at, bool *closing)
{
	char root[4096];
	ssize_t size;

	snprintf(root, sizeof(root), "%s/%s", wire_top, wire_folders[test->server]);
	do {
		size = wire_parse(talk->got + *at, talk->got_size - *at, want->head, &response);
		if (size < 0)
			return response.fault;
		if (size == 0)
			return talk->got_size > *at ? "half an answer" : "no answer";
		if (*closing)
			return "an answer after one that said Connection: close";
		*at += (size_t)size;
	} while (is_extra(test, response.status, want));
	*closing = wire_member(&response, "Connection", "close");
	return wire_unlike(&response, want, root);
}

static const char *judge(const struct wire_case *test, const struct wire_talk *talk, bool asked)
{
	static char why[sizeof(response.fault) + 32];
	bool closing = false;
	size_t at = 0;

	for (size_t i = 0; i < wanted_answers(test); i++) {
		const char *what;

		if (*test->want[i].status == '?' && at == talk->got_size)
			continue;
		what = judge_answer(test, &test->want[i], talk, &at, &closing);
		if (what) {
			snprintf(why, sizeof(why), "answer %zu: %s", i + 1, what);
			return why;
		}
	}
	return judge_end(test, talk, at, asked, closing);
}

static void run_case(const struct wire_way *way, const struct wire_case *test)
{
	struct wire_talk talk = { .got = got, .got_room = WIRE_ROOM, .test = test };
	size_t sizes[WIRE_PARTS], size = expand_all(way, test, sent, sizes);
	const char *what, *end;
	char question[3000], answer[3000];

	if (way->singly && !test->at_once)
		talk.piece = size <= SINGLY_MAX ? 1 : PIECE;
	if (test->drip) {
		talk.piece = 1;
		talk.drip = test->drip;
	}
	if (!way->open(&talk, test->server))
		ck_abort_msg("%s [%s]: no connection", test->name, way->name);
	what = judge(test, &talk, converse(way, test, &talk, sizes));
	end = way->close(&talk);
	if (what || end)
		ck_abort_msg("%s [%s]: %s\n  sent: %s\n  got:  %s", test->name, way->name,
			     what ? what : end, escape(question, sizeof(question), sent, size),
			     escape(answer, sizeof(answer), talk.got, talk.got_size));
}

/* ---- the tables ---- */

static const struct {
	const char *name;
	const struct wire_case *cases;
	enum { ANY, ABOUT_NAMES, ABOUT_PEERS, ABOUT_TIME } what;
} tables[] = {
	{ "line", wire_line, ANY },
	{ "target", wire_target, ABOUT_NAMES },
	{ "field", wire_field, ANY },
	{ "connection", wire_connection, ANY },
	{ "body", wire_body, ANY },
	{ "smuggle", wire_smuggle, ANY },
	{ "limit", wire_limit, ANY },
	{ "condition", wire_condition, ANY },
	{ "range", wire_range, ANY },
	{ "file", wire_file, ABOUT_NAMES },
	{ "type", wire_type, ABOUT_NAMES },
	{ "coding", wire_coding, ABOUT_NAMES },
	{ "redirect", wire_redirect, ABOUT_NAMES },
	{ "listing", wire_listing, ABOUT_NAMES },
	{ "front", wire_front, ABOUT_PEERS },
	{ "host", wire_host, ABOUT_NAMES },
	{ "rule", wire_rule, ABOUT_NAMES },
	{ "time", wire_time, ABOUT_TIME },
};

static const struct wire_case *nth_case(int i)
{
	const struct wire_case *test;

	for (size_t table = 0; table < sizeof(tables) / sizeof(tables[0]); table++)
		for (test = tables[table].cases; test->name; test++)
			if (i-- == 0)
				return test;
	return NULL;
}

void wire_run_nth(const struct wire_way *way, int i)
{
	run_case(way, nth_case(i));
}

Suite *wire_suite(const struct wire_way *way, const TTest *run, int first)
{
	Suite *suite = suite_create(way->name);
	int end;

	for (size_t table = 0; table < sizeof(tables) / sizeof(tables[0]); table++, first = end) {
		TCase *group = tcase_create(tables[table].name);

		for (end = first; tables[table].cases[end - first].name; end++)
			;
		if (tables[table].what == ABOUT_TIME    ? way->times
		    : tables[table].what == ABOUT_PEERS ? !way->only_names && !way->no_peer
		    : tables[table].what == ANY         ? !way->only_names
							: true)
			tcase_add_loop_test(group, run, first, end);
		suite_add_tcase(suite, group);
	}
	return suite;
}
