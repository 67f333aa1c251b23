/*
 * The wire suite's runner: every case of the tables, sent to a server that listens by itself, again
 * to that server a byte at a time, and to a handler started for it as inetd does. Those about names
 * are sent once more, to a handler that must do without openat2(2).
 *
 * $WWWD names the program, ./wwwd otherwise.
 */
#include "wire.h"

#include <check.h>
#include <err.h>
#include <regex.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	PATIENCE = 5000,     /* ms that a case may take; only failures take long ... */
	PATIENCE_LEFT = 250, /* ... and each halves what the next may take, down to this */
	PAUSE = 20,          /* ms between two parts of a request */
	SINGLY_MAX = 2048,   /* a request of more bytes isn't sent one by one, but ... */
	PIECE = 1021,        /* ... so many at a time */
	ROOM = 1 << 21,
	MESSAGE_MOST = 1 << 16,
	TIMED_MAX = 24,
	TIMED_ROOM = 4096,
	TIMED_EARLY = 600, /* ms: no time-out of a second may strike earlier ... */
	TIMED_LATE = 4000, /* ... or later */
	STALLED = 8000,    /* ms that a client doesn't read before it looks what became of it */
};

enum mode { STANDALONE, BYTEWISE, INETD, WALKING };

static const char *const mode_names[] = { "standalone", "a byte at a time", "inetd",
					  "without openat2" };

static const struct {
	const char *name;
	const struct wire_case *cases;
	bool about_names;
} tables[] = {
	{ "line", wire_line, false },        { "target", wire_target, true },
	{ "field", wire_field, false },      { "connection", wire_connection, false },
	{ "body", wire_body, false },        { "smuggle", wire_smuggle, false },
	{ "limit", wire_limit, false },      { "condition", wire_condition, false },
	{ "range", wire_range, false },      { "file", wire_file, true },
	{ "type", wire_type, true },         { "coding", wire_coding, true },
	{ "redirect", wire_redirect, true }, { "listing", wire_listing, true },
};

enum { TABLES = sizeof(tables) / sizeof(tables[0]) };

static volatile sig_atomic_t stopped;
static int patience = PATIENCE;
static char sent[ROOM], got[ROOM], side[ROOM + 1];
static char why[512];

__attribute__((format(printf, 1, 2))) static const char *because(const char *format, ...)
{
	char text[sizeof(why)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return strcpy(why, text);
}

static void step(struct wire_talk *talk, int timeout)
{
	if (stopped)
		exit(1);
	wire_step(talk, timeout);
}

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

/* Ask the main server one thing; the whole of what it sends is in `side`, as a string. */
static size_t fetch(const char *method, const char *target, const char *fields)
{
	char request[2048];
	struct wire_talk talk = { .got = side, .got_room = ROOM, .out = request };
	long long deadline = wire_now() + patience;

	talk.out_size = (size_t)snprintf(request, sizeof(request),
					 "%s %s HTTP/1.1\r\nHost: a\r\n%sConnection: close\r\n\r\n",
					 method, target, fields);
	talk.fd = wire_connect(MAIN);
	while (talk.fd >= 0 && !talk.eof && wire_now() < deadline)
		step(&talk, 100);
	close(talk.fd);
	side[talk.got_size] = '\0';
	return talk.got_size;
}

/* ---- what is sent ---- */

/* The tag of what "path" or "path coding" names. */
static size_t expand_etag(char *out, const char *what, size_t size)
{
	char text[256], path[256] = "", coding[64] = "", fields[128] = "";
	struct wire_response response;
	struct wire_text etag = { NULL, 0 };

	snprintf(text, sizeof(text), "%.*s", (int)size, what);
	if (sscanf(text, "%255s %63s", path, coding) == 2)
		snprintf(fields, sizeof(fields), "Accept-Encoding: %s\r\n", coding);
	if (wire_parse(side, fetch("GET", path, fields), false, &response) > 0)
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

static size_t expand(char *out, const struct wire_part *part)
{
	const char *bytes = part->bytes, *end = bytes + part->size, *mark, *close;
	char *at = out;

	while ((mark = memmem(bytes, (size_t)(end - bytes), "{{", 2))) {
		at = mempcpy(at, bytes, (size_t)(mark - bytes));
		mark += 2;
		close = memmem(mark, (size_t)(end - mark), "}}", 2);
		if (strncmp(mark, "etag ", 5) == 0)
			at += expand_etag(at, mark + 5, (size_t)(close - mark) - 5);
		else
			at += expand_times(at, mark, (size_t)(close - mark));
		bytes = close + 2;
	}
	at = mempcpy(at, bytes, (size_t)(end - bytes));
	return (size_t)(at - out);
}

/* All parts, one after the other in `out`; their sizes are in `sizes`. */
static size_t expand_all(const struct wire_case *test, char *out, size_t sizes[WIRE_PARTS])
{
	size_t total = 0;

	for (size_t i = 0; i < WIRE_PARTS && test->send[i].bytes; i++) {
		sizes[i] = expand(out + total, &test->send[i]);
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
	struct wire_response response;

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
static struct progress await(const struct wire_case *test, struct wire_talk *talk, size_t answers,
			     long long deadline)
{
	struct progress seen = look(test, talk);

	while (!talk->eof && wire_now() < deadline &&
	       (talk->out_size || (seen.answers < answers && !seen.broken))) {
		size_t before = talk->got_size;

		step(talk, 100);
		if (talk->got_size != before)
			seen = look(test, talk);
	}
	return seen;
}

static void send_parts(const struct wire_case *test, struct wire_talk *talk,
		       const size_t sizes[WIRE_PARTS], long long deadline)
{
	talk->out = sent;
	for (size_t i = 0; i < WIRE_PARTS && test->send[i].bytes; i++) {
		long long until = wire_now() + PAUSE;

		if (test->send[i].after)
			await(test, talk, test->send[i].after, deadline);
		else
			while (i && !talk->eof && wire_now() < until)
				step(talk, PAUSE);
		talk->out_size = sizes[i];
		await(test, talk, 0, deadline);
	}
}

/* The request that shows that the connection still stands, and where. */
static const char sentinel[] =
	"GET /sentinel.txt HTTP/1.1\r\nHost: sentinel\r\nConnection: close\r\n\r\n";
static const char sentinel_body[] = "SENTINEL";

/* Say it all and hear it all; whether the sentinel was sent too. */
static bool converse(const struct wire_case *test, struct wire_talk *talk,
		     const size_t sizes[WIRE_PARTS])
{
	long long deadline = wire_now() + patience;
	struct progress seen;
	bool asked;

	talk->deaf = test->deaf;
	send_parts(test, talk, sizes, deadline);
	talk->deaf = false;
	if (test->half_close)
		shutdown(talk->fd, SHUT_WR);
	seen = await(test, talk, wanted_answers(test), deadline);
	asked = !test->half_close && !talk->eof && test->end != CLOSED && !seen.closing &&
		!seen.broken;
	if (asked) {
		talk->out = sentinel;
		talk->out_size = sizeof(sentinel) - 1;
	}
	while (!talk->eof && wire_now() < deadline)
		step(talk, 100);
	if (!talk->eof && patience > PATIENCE_LEFT)
		patience /= 2;
	return asked;
}

/* ---- the judgement ---- */

static const char *judge_sentinel(const struct wire_talk *talk, size_t at)
{
	struct wire_response response;
	ssize_t size = wire_parse(talk->got + at, talk->got_size - at, false, &response);

	if (size <= 0)
		return because("the next request on the connection got no answer");
	if (response.status != 200 || response.body.size != strlen(sentinel_body) ||
	    memcmp(response.body.at, sentinel_body, response.body.size) != 0)
		return because("the next request on the connection got another's answer");
	if (at + (size_t)size != talk->got_size)
		return because("bytes after the last answer");
	return NULL;
}

static const char *judge_end(const struct wire_case *test, const struct wire_talk *talk, size_t at,
			     bool asked, bool closing)
{
	if (talk->error)
		return because("the connection broke: %s", strerror(talk->error));
	if (!talk->eof)
		return because("the server doesn't close the connection");
	if (asked)
		return judge_sentinel(talk, at);
	if (at != talk->got_size)
		return because("bytes after the last answer");
	if (test->half_close)
		return NULL;
	if (test->end == KEPT)
		return because("the connection isn't kept");
	if (at && !closing && !test->silent)
		return because("closed, and the last answer doesn't say so (RFC 9112, 9.6)");
	return NULL;
}

/* Read and judge one answer; `at` moves behind it. */
static const char *judge_answer(const struct wire_case *test, const struct wire_answer *want,
				const struct wire_talk *talk, size_t *at, bool *closing)
{
	struct wire_response response;
	const char *what;
	char root[4096];
	ssize_t size;

	snprintf(root, sizeof(root), "%s/%s", wire_top, test->server == SMALL ? "small" : "site");
	do {
		size = wire_parse(talk->got + *at, talk->got_size - *at, want->head, &response);
		if (size < 0)
			return because("%s", response.fault);
		if (size == 0)
			return talk->got_size > *at ? "half an answer" : "no answer";
		if (*closing)
			return "an answer after one that said Connection: close";
		what = wire_fault(&response, want->head);
		if (what)
			return because("%s", what);
		*at += (size_t)size;
	} while (is_extra(test, response.status, want));
	*closing = wire_member(&response, "Connection", "close");
	what = wire_unlike(&response, want, root);
	return what ? because("%s", what) : NULL;
}

static const char *judge(const struct wire_case *test, const struct wire_talk *talk, bool asked)
{
	bool closing = false;
	size_t at = 0;

	for (size_t i = 0; i < wanted_answers(test); i++) {
		const char *what;

		if (*test->want[i].status == '?' && at == talk->got_size)
			continue;
		what = judge_answer(test, &test->want[i], talk, &at, &closing);
		if (what)
			return because("answer %zu: %s", i + 1, what);
	}
	return judge_end(test, talk, at, asked, closing);
}

static void fail_case(const struct wire_case *test, enum mode mode, const char *what,
		      const char *bytes, size_t size, const struct wire_talk *talk)
{
	char asked[3000], answered[3000];

	ck_abort_msg("%s [%s]: %s\n  sent: %s\n  got:  %s", test->name, mode_names[mode], what,
		     escape(asked, sizeof(asked), bytes, size),
		     escape(answered, sizeof(answered), talk->got, talk->got_size));
}

static void run(const struct wire_case *test, enum mode mode)
{
	struct wire_talk talk = { .got = got, .got_room = ROOM };
	size_t sizes[WIRE_PARTS], size = expand_all(test, sent, sizes);
	const char *what;
	pid_t pid = 0;

	if (mode == BYTEWISE && !test->at_once)
		talk.piece = size <= SINGLY_MAX ? 1 : PIECE;
	talk.fd = mode >= INETD ? wire_inetd(test->server, mode == WALKING, &pid)
				: wire_connect(test->server);
	if (talk.fd < 0)
		ck_abort_msg("%s [%s]: no connection", test->name, mode_names[mode]);
	what = judge(test, &talk, converse(test, &talk, sizes));
	close(talk.fd);
	if (pid && wire_reap(pid) != 0 && !what)
		what = because("the handler's exit status isn't 0");
	if (what)
		fail_case(test, mode, what, sent, size, &talk);
}

/* Which case is the i-th of a run over all the tables. */
static const struct wire_case *nth_case(int i)
{
	const struct wire_case *test;

	for (size_t table = 0; table < TABLES; table++)
		for (test = tables[table].cases; test->name; test++)
			if (i-- == 0)
				return test;
	return NULL;
}

START_TEST(standalone_case)
{
	run(nth_case(_i), STANDALONE);
}
END_TEST

START_TEST(bytewise_case)
{
	run(nth_case(_i), BYTEWISE);
}
END_TEST

START_TEST(inetd_case)
{
	run(nth_case(_i), INETD);
}
END_TEST

START_TEST(walking_case)
{
	run(nth_case(_i), WALKING);
}
END_TEST

/* ---- the cases that wait for a time-out, all at once ---- */

static struct timed {
	struct wire_talk talk;
	pid_t pid;
	char sent[TIMED_ROOM], got[TIMED_ROOM];
	size_t sent_size, left;
	long long next, ended; /* when the next byte is due, and when the server hung up */
} timed[TIMED_MAX];

static void start_timed(struct timed *one, const struct wire_case *test, enum mode mode)
{
	size_t sizes[WIRE_PARTS];

	memset(one, 0, sizeof(*one));
	one->talk.got = one->got;
	one->talk.got_room = TIMED_ROOM;
	one->talk.out = one->sent;
	one->sent_size = one->left = expand_all(test, one->sent, sizes);
	one->talk.fd = mode == INETD ? wire_inetd(HASTY, false, &one->pid) : wire_connect(HASTY);
	if (one->talk.fd < 0)
		ck_abort_msg("no connection");
}

static void step_timed(struct timed *one, const struct wire_case *test, long long now)
{
	size_t ready = test->drip ? 1 : one->left;

	if (one->ended)
		return;
	if (one->left && now >= one->next) {
		one->talk.out_size += ready;
		one->left -= ready;
		one->next = now + test->drip;
	}
	step(&one->talk, 0);
	if (one->talk.eof)
		one->ended = now;
}

/* All cases of the table are under way together, so that they take no longer than one. */
static void run_timed(enum mode mode)
{
	long long start = wire_now(), now = start;
	bool going = true;
	size_t count = 0;

	for (; wire_time[count].name; count++)
		start_timed(&timed[count], &wire_time[count], mode);
	while (going && now - start < TIMED_LATE) {
		going = false;
		now = wire_now();
		for (size_t i = 0; i < count; i++) {
			step_timed(&timed[i], &wire_time[i], now);
			going = going || !timed[i].ended;
		}
		usleep(5000);
	}
	for (size_t i = 0; i < count; i++) {
		timed[i].ended -= start;
		close(timed[i].talk.fd);
	}
}

static void judge_timed(size_t i, enum mode mode)
{
	const struct wire_case *test = &wire_time[i];
	struct timed *one = &timed[i];
	const char *what = judge(test, &one->talk, false);

	if (!what && one->ended < TIMED_EARLY)
		what = because("closed after %lld ms, earlier than it may", one->ended);
	if (one->pid && wire_reap(one->pid) != 0 && !what)
		what = because("the handler's exit status isn't 0");
	if (what)
		fail_case(test, mode, what, one->sent, one->sent_size - one->left, &one->talk);
}

START_TEST(standalone_timed)
{
	if (_i == 0)
		run_timed(STANDALONE);
	judge_timed((size_t)_i, STANDALONE);
}
END_TEST

START_TEST(inetd_timed)
{
	if (_i == 0)
		run_timed(INETD);
	judge_timed((size_t)_i, INETD);
}
END_TEST

/* ---- what no table can say ---- */

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
	static char copy[ROOM];
	struct wire_response get, head;
	size_t size = fetch("GET", target, fields);

	memcpy(copy, side, size);
	ck_assert_msg(wire_parse(copy, size, false, &get) > 0, "GET %s: %s", target, get.fault);
	size = fetch("HEAD", target, fields);
	ck_assert_msg(wire_parse(side, size, true, &head) == (ssize_t)size, "HEAD %s: %s", target,
		      head.fault);
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

/* The text of an attribute, with the references that escaping makes put back. */
static void unescape_html(char *out, size_t room, const char *text, size_t size)
{
	static const struct {
		const char *name;
		char is;
	} references[] = { { "&amp;", '&' },  { "&lt;", '<' },  { "&gt;", '>' },
			   { "&quot;", '"' }, { "&#34;", '"' }, { "&#39;", '\'' },
			   { "&#x27;", '\'' } };
	size_t used = 0;

	while (size && used + 1 < room) {
		size_t step = 1;
		char c = *text;

		for (size_t i = 0; i < sizeof(references) / sizeof(references[0]); i++) {
			size_t length = strlen(references[i].name);

			if (length <= size && memcmp(text, references[i].name, length) == 0) {
				c = references[i].is;
				step = length;
			}
		}
		out[used++] = c;
		text += step;
		size -= step;
	}
	out[used] = '\0';
}

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
	static char page[ROOM];
	bool seen[17] = { false };
	size_t size = fetch("GET", "/list/", ""), count = 0;
	char *at = page, *end;

	memcpy(page, side, size);
	page[size] = '\0';
	while ((at = strstr(at, "href=\"")) && (end = strchr(at += 6, '"'))) {
		char link[1024], target[2048];
		struct wire_response response;
		int number;

		unescape_html(link, sizeof(link), at, (size_t)(end - at));
		at = end;
		if (!resolve_link(target, sizeof(target), link))
			continue;
		ck_assert_msg(wire_parse(side, fetch("GET", target, ""), false, &response) > 0 &&
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

/* No name can make a line, or a colour, of its own in the plain form. */
START_TEST(listing_lines)
{
	size_t size = fetch("GET", "/list/?format=text", "");
	struct wire_response response;

	ck_assert_msg(wire_parse(side, size, false, &response) > 0, "%s", response.fault);
	ck_assert_msg(memmem(response.body.at, response.body.size, "space", 5), "no names");
	ck_assert_msg(!memmem(response.body.at, response.body.size, "\nline", 5), "a line forged");
	ck_assert_msg(!memchr(response.body.at, 0x1b, response.body.size), "an escape sequence");
}
END_TEST

static void put_file(const char *name, const char *content, long later)
{
	wire_site_put("site/changing/", name, content, TEN_STAMP + later);
}

static void drop_file(const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/site/changing/%s", wire_top, name);
	ck_assert_int_eq(unlink(path), 0);
}

/* Ask twice, so that the second answer may be a remembered one, after a while, so that it will. */
static void expect(const char *target, int status, const char *body)
{
	struct wire_response response;
	char path[256];

	snprintf(path, sizeof(path), "/changing/%s", target);
	for (int times = 0; times < 2; times++) {
		if (times)
			usleep(100000);
		ck_assert_int_gt(wire_parse(side, fetch("GET", path, "Accept-Encoding: gzip\r\n"),
					    false, &response),
				 0);
		ck_assert_msg(response.status == status, "%s: %d, not %d", path, response.status,
			      status);
		ck_assert_msg(!body || (response.body.size == strlen(body) &&
					memcmp(response.body.at, body, strlen(body)) == 0),
			      "%s: the body isn't %s", path, body);
	}
}

/* What changes on the disk changes in the answers, at once. */
START_TEST(site_changes)
{
	expect("a.css", 404, NULL);
	put_file("a.css", "ONE", 0);
	expect("a.css", 200, "ONE");
	put_file("a.css", "TWO", 0); /* of the same size and time: another file */
	expect("a.css", 200, "TWO");
	put_file("a.css.gz", "GZIP OF TWO", 0);
	expect("a.css", 200, "GZIP OF TWO");
	put_file("a.css.gz", "GZIP2OF TWO", 0);
	expect("a.css", 200, "GZIP2OF TWO");
	put_file("a.css", "THREE", 10);
	expect("a.css", 200, "THREE");
	drop_file("a.css.gz");
	expect("a.css", 200, "THREE");
	drop_file("a.css");
	expect("a.css", 404, NULL);
	expect("", 200, NULL);
	put_file("index.html", "AN INDEX", 0);
	expect("", 200, "AN INDEX");
	put_file("index.html", "NO INDEX", 0);
	expect("", 200, "NO INDEX");
	drop_file("index.html");
	put_file("b", "", 0);
	expect("", 200, NULL);
	expect("b", 200, "");
}
END_TEST

/* A folder that is moved out of the site, and linked to from where it was, is out of reach. */
START_TEST(folder_leaves)
{
	char from[4096], to[4096];

	snprintf(from, sizeof(from), "%s/site/changing/leaving", wire_top);
	snprintf(to, sizeof(to), "%s/outside/left", wire_top);
	ck_assert_int_eq(mkdir(from, 0755), 0);
	put_file("leaving/c", "INSIDE", 0);
	expect("leaving/c", 200, "INSIDE");
	ck_assert_int_eq(rename(from, to), 0);
	ck_assert_int_eq(symlink("../../outside/left", from), 0);
	expect("leaving/c", 404, NULL);
}
END_TEST

/*
 * A client that asks for 5 GiB and doesn't read: since before the first test, so that nobody need
 * wait for it.
 */
static struct stalled {
	int fd;
	pid_t pid;
} stalled[2];

static long long stalled_since;

static void start_stalled(void)
{
	static const char request[] = GET("/huge.bin", "");

	stalled_since = wire_now();
	stalled[0].fd = wire_connect(HASTY);
	stalled[1].fd = wire_inetd(HASTY, false, &stalled[1].pid);
	for (int i = 0; i < 2; i++)
		if (send(stalled[i].fd, request, sizeof(request) - 1, MSG_NOSIGNAL) < 0)
			err(1, "send");
}

/* --stall-time 1: by now the server has dropped it, and only what was under way can be read. */
START_TEST(stalled_client)
{
	static const size_t most = 64 << 20;
	struct wire_talk talk = { .fd = stalled[_i].fd, .got = got };
	long long deadline;
	size_t total = 0;

	while (wire_now() < stalled_since + STALLED)
		usleep(10000);
	deadline = wire_now() + patience;
	while (!talk.eof && total < most && wire_now() < deadline) {
		talk.got_size = 0;
		talk.got_room = ROOM;
		step(&talk, 100);
		total += talk.got_size;
	}
	close(talk.fd);
	ck_assert_msg(total > 0, "nothing was sent at all");
	ck_assert_msg(talk.eof && total < most, "the server still sends: %zu bytes", total);
	if (stalled[_i].pid)
		ck_assert_int_eq(wire_reap(stalled[_i].pid), 0);
}
END_TEST

/* A client that goes away in the middle of an answer harms nobody. */
START_TEST(client_goes_away)
{
	static const char request[] = GET("/huge.bin", "");
	struct wire_talk talk = { .got = got, .got_room = ROOM, .out = request };
	long long deadline = wire_now() + patience;
	struct wire_response response;

	talk.out_size = sizeof(request) - 1;
	talk.fd = wire_connect(MAIN);
	while (!talk.eof && talk.got_size < ROOM / 2 && wire_now() < deadline)
		step(&talk, 100);
	close(talk.fd);
	ck_assert_uint_ge(talk.got_size, ROOM / 2);
	ck_assert_int_gt(wire_parse(side, fetch("GET", "/ten.txt", ""), false, &response), 0);
	ck_assert_int_eq(response.status, 200);
}
END_TEST

/* After all that was sent, every line of the log is of the Combined Log Format and printable. */
START_TEST(log_lines)
{
#define QUOTED "\"([^\"\\\\]|\\\\.)*\""
	static const char pattern[] =
		"^127\\.0\\.0\\.1 - - \\[[0-3][0-9]/[A-Z][a-z]{2}/[0-9]{4}(:[0-9]{2}){3} \\+0000\\] " QUOTED
		" [1-5][0-9]{2} ([0-9]+|-) " QUOTED " " QUOTED "\n$";
	char path[4096], *line = NULL, shown[2048];
	size_t room = 0, count = 0;
	ssize_t size;
	regex_t form;
	FILE *log;

	snprintf(path, sizeof(path), "%s/log.main", wire_top);
	log = fopen(path, "re");
	ck_assert_msg(log, "no log");
	ck_assert_int_eq(regcomp(&form, pattern, REG_EXTENDED | REG_NOSUB), 0);
	while ((size = getline(&line, &room, log)) > 0) {
		bool plain = strlen(line) == (size_t)size;

		for (ssize_t i = 0; i < size - 1; i++)
			plain = plain && line[i] >= ' ' && line[i] <= '~';
		ck_assert_msg(plain && regexec(&form, line, 0, NULL, 0) == 0, "line %zu: %s",
			      count + 1, escape(shown, sizeof(shown), line, (size_t)size));
		count++;
	}
	regfree(&form);
	free(line);
	fclose(log);
	ck_assert_msg(count > 40, "%zu lines", count);
}
END_TEST

START_TEST(server_ends)
{
	ck_assert_int_eq(wire_stop((enum wire_server)_i), 0);
}
END_TEST

/* ---- the run ---- */

static Suite *make_suite(enum mode mode)
{
	static const TTest *const *const tests[] = { &standalone_case, &bytewise_case, &inetd_case,
						     &walking_case };
	Suite *suite = suite_create(mode_names[mode]);
	int first = 0, end;

	for (size_t table = 0; table < TABLES; table++, first = end) {
		TCase *group = tcase_create(tables[table].name);

		for (end = first; tables[table].cases[end - first].name; end++)
			;
		if (mode != WALKING || tables[table].about_names)
			tcase_add_loop_test(group, *tests[mode], first, end);
		suite_add_tcase(suite, group);
	}
	return suite;
}

static Suite *make_rest(void)
{
	Suite *suite = suite_create("besides");
	TCase *group = tcase_create("besides");
	int count = 0;

	while (wire_time[count].name)
		count++;
	tcase_add_loop_test(group, standalone_timed, 0, count);
	tcase_add_loop_test(group, inetd_timed, 0, count);
	tcase_add_loop_test(group, head_like_get, 0, sizeof(heads) / sizeof(heads[0]));
	tcase_add_test(group, listing_links);
	tcase_add_test(group, listing_lines);
	tcase_add_test(group, site_changes);
	tcase_add_test(group, folder_leaves);
	tcase_add_loop_test(group, stalled_client, 0, 2);
	tcase_add_test(group, client_goes_away);
	tcase_add_test(group, log_lines);
	tcase_add_loop_test(group, server_ends, 0, WIRE_SERVERS);
	suite_add_tcase(suite, group);
	return suite;
}

static void clean_up(void)
{
	wire_stop_all();
	wire_site_remove(wire_top);
}

static void stop(int number)
{
	(void)number;
	stopped = 1;
}

int main(void)
{
	const char *place = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
	static char top[4096];
	SRunner *runner;
	int failed;

	snprintf(top, sizeof(top), "%s/wire.XXXXXX", place);
	wire_top = mkdtemp(top);
	if (!wire_top)
		err(1, "%s", top);
	atexit(clean_up);
	signal(SIGINT, stop);
	signal(SIGTERM, stop);
	signal(SIGPIPE, SIG_IGN);
	wire_site_make(wire_top);
	for (int i = 0; i < WIRE_SERVERS; i++)
		wire_serve((enum wire_server)i);
	start_stalled();

	runner = srunner_create(make_suite(STANDALONE));
	srunner_add_suite(runner, make_suite(BYTEWISE));
	srunner_add_suite(runner, make_suite(INETD));
	srunner_add_suite(runner, make_suite(WALKING));
	srunner_add_suite(runner, make_rest());
	/* one process: the servers are started once, and a case costs no fork of ours */
	srunner_set_fork_status(runner, CK_NOFORK);
	check_set_max_msg_size(MESSAGE_MOST);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
