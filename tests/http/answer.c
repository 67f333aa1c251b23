/* What answers are made of, and what is told of them. */
#include "check.h"

static struct group answer_tests = { .suite = "answer", .name = "parts" };

TEST(answer_tests, statuses_are_whole)
{
	/* whatever a function of http.c returns as a status, or status_of() makes of an error */
	static const int used[] = {
		200, 204, 206, 301, 302, 304, 308, 400, 401, 403, 404, 405, 408,
		412, 413, 414, 416, 417, 421, 431, 500, 501, 502, 503, 504, 505
	};
	char number[16];

	ck_assert_uint_eq(LENGTH(used), LENGTH(statuses));
	for (size_t i = 0; i < LENGTH(used); i++) {
		const struct status_row *status = &statuses[i];

		ck_assert_int_eq(status->code, used[i]);
		ck_assert_ptr_eq(find_status(used[i]), status);
		snprintf(number, sizeof(number), "%d ", used[i]);
		expect(strncmp(status->line, number, 4) == 0 && strlen(status->line) > 4, "%s",
		       status->line);
		expect((used[i] >= 400 || used[i] == 301 || used[i] == 308) ==
			       (status->says[0] != '\0'),
		       "%s", status->line);
	}
}

TEST(answer_tests, every_error_has_a_status)
{
	static const struct {
		int error;
		enum status status;
	} rows[] = {
		{ ENOENT, 404 }, { ENOTDIR, 404 }, { EXDEV, 404 },  { ELOOP, 404 },
		{ ENXIO, 404 },  { EACCES, 403 },  { EPERM, 403 },  { ENAMETOOLONG, 404 },
		{ EMFILE, 503 }, { ENFILE, 503 },  { ENOMEM, 503 }, { EAGAIN, 503 },
		{ EINTR, 503 },  { EIO, 500 },     { ESTALE, 500 }, { ENOTCONN, 500 },
	};

	for (size_t i = 0; i < LENGTH(rows); i++)
		expect(status_of(rows[i].error) == rows[i].status, "%s: %d",
		       strerror(rows[i].error), status_of(rows[i].error));
	for (int error = 0; error < 200; error++) {
		enum status code = status_of(error);
		size_t i = 0;

		while (i < LENGTH(statuses) && statuses[i].code != code)
			i++;
		expect(i < LENGTH(statuses) && code >= 400, "%s: %d", strerror(error), code);
	}
}

TEST(answer_tests, pages_repeat_nothing)
{
	for (size_t i = 0; i < LENGTH(statuses); i++) {
		char page[2048];
		struct out o = { page, 0, sizeof(page) - 1, false };

		put_page(&o, &statuses[i]);
		page[o.len] = '\0';
		expect(!o.overrun, "%s", statuses[i].line);
		expect(strncmp(page, "<!DOCTYPE html>\n", 16) == 0, "%s", page);
		expect(strstr(page, statuses[i].line) && strstr(page, statuses[i].says), "%s",
		       page);
		expect(strstr(page, "</html>\n") == page + o.len - 8, "%s", page);
		expect_balance((text){ page, o.len });
	}
}

/* ---- fields --------------------------------------------------------------- */

TEST(answer_tests, nothing_is_modified_after_now)
{
	static const struct {
		int64_t when;
		const char *line;
	} rows[] = {
		{ FILE_TIME, "Last-Modified: " FILE_DATE "\r\n" },
		{ WALL_TIME, "Last-Modified: " WALL_DATE "\r\n" },
		{ WALL_TIME + 1, "Last-Modified: " WALL_DATE "\r\n" },
		{ INT64_C(253402300800), "" }, /* the year 10000 */
		{ INT64_MIN, "" },
	};
	const struct http_common common = turn_at(0);
	struct page page;

	for (size_t i = 0; i < LENGTH(rows); i++) {
		put_modified(blank(&page), rows[i].when, &common);
		expect(wrote(&page, rows[i].line), "%jd", (intmax_t)rows[i].when);
	}
}

TEST(answer_tests, boundaries_are_not_guessed)
{
	const struct stat st = { .st_ino = 1 }, other = { .st_ino = 2 };
	struct http_common common = turn_at(1);
	char first[BOUNDARY_SIZE], next[BOUNDARY_SIZE];

	make_boundary(first, &st, &common);
	ck_assert_uint_ge(strlen(first), 10);
	ck_assert(all_of(text_of(first), TOKEN)); /* so it need not be quoted */
	make_boundary(next, &other, &common);
	ck_assert_str_ne(first, next);
	common.clock++;
	make_boundary(next, &st, &common);
	ck_assert_str_ne(first, next);
	common.clock--;
	common.wall.tv_nsec++;
	make_boundary(next, &st, &common);
	ck_assert_str_ne(first, next);
}

/* ---- the log -------------------------------------------------------------- */

TEST(answer_tests, log_lines_are_combined)
{
	const struct http_common common = turn_at(0);
	struct http_entry entry = {
		.line = TEXT("GET /a?b HTTP/1.1"),
		.referer = TEXT("http://a/\"x\""),
		.agent = TEXT("me\t\xff"),
		.status = 206,
		.bytes = 12345678901,
		.common = &common,
	};
	char line[HTTP_LOG_LINE];
	size_t n = http_log_line(line, "192.0.2.1", &entry);

	ck_assert(is_text((text){ line, n },
			  "192.0.2.1 - - [01/Jan/2100:00:00:00 +0000] \"GET /a?b HTTP/1.1\" 206 "
			  "12345678901 \"http://a/\\x22x\\x22\" \"me\\x09\\xff\"\n"));
	entry = (struct http_entry){ .status = 400, .common = &common };
	n = http_log_line(line, "-", &entry);
	ck_assert(is_text((text){ line, n },
			  "- - - [01/Jan/2100:00:00:00 +0000] \"-\" 400 - \"-\" \"-\"\n"));
}

TEST(answer_tests, log_lines_are_bounded)
{
	static const char fills[] = { 'a', '"', '\n' };
	const struct http_common common = turn_at(0);

	for (size_t i = 0; i < LENGTH(fills); i++) {
		static char value[40 << 10];
		const text long_text = { value, sizeof(value) };
		const struct http_entry entry = { .line = long_text,
						  .referer = long_text,
						  .agent = long_text,
						  .status = 414,
						  .bytes = UINT64_MAX,
						  .common = &common };
		char room[HTTP_LOG_LINE + 64], peer[128];
		size_t n;

		memset(value, fills[i], sizeof(value));
		memset(room, '#', sizeof(room));
		memset(peer, 'p', sizeof(peer)); /* longer than any address of a UNIX socket */
		peer[sizeof(peer) - 1] = '\0';
		n = http_log_line(room, peer, &entry);
		expect(n <= HTTP_LOG_LINE && n > 3000, "%zu", n);
		expect(memcmp(room + n - 5, "...\"\n", 5) == 0, "%.*s", (int)n, room);
		expect(memchr(room, '\n', n) == room + n - 1, "two lines: %.*s", (int)n, room);
		expect(room[n] == '#', "more than it says");
	}
}

static struct group site_tests = {
	.suite = "answer", .name = "sites", .begin = make_home, .end = remove_home
};

TEST(site_tests, a_site_may_keep_no_log)
{
	struct talk *talk;

	place.log = NULL;
	talk = open_talk(&place);
	talk_say(talk, "GET /small.txt" ON "\r\nGET /nothing" ON "\r\n");
	next_reply(talk, 200);
	next_reply(talk, 404);
	ck_assert_uint_eq(talk->logs, 0);
}

/* One that is too large to go out with its head. */
TEST(site_tests, a_404_html_may_be_large)
{
	struct talk *talk = open_talk(&place);

	put_bytes(&home, "404.html", big, 100 << 10);
	talk_say(talk, "GET /nothing" ON "\r\n");
	ck_assert_uint_eq(next_reply(talk, 404).body.len, 100 << 10);
}

/* The longest address of a folder, with the longest query and all the headers there may be. */
TEST(site_tests, the_longest_redirect_fits)
{
	enum { REQUESTS = 3 };
	static char path[NAME_MAX + 1], request[HTTP_LINE_MOST + 64], header[HTTP_HEADERS_MOST - 1];
	struct talk *talk;
	size_t n = NAME_MAX, head;

	memset(path, 0xff, n);
	put_folder(&home, path);
	memset(header, 'x', sizeof(header) - 1);
	memcpy(header, "X: ", 3);

	const struct http_rule rule = { .text = text_of(header) };

	place.rules[HTTP_FIELDS] = (struct http_rule_list){ &rule, 1 };
	place.limits.line = HTTP_LINE_MOST;
	memset(request, 0xff, sizeof(request));
	memcpy(request, "GET /", 5);
	memcpy(request + 5, path, n);
	request[5 + n] = '?';
	head = HTTP_LINE_MOST - 9;
	memcpy(request + head, ON "\r\n", sizeof(ON "\r\n"));
	talk = open_talk(&place);
	for (int i = 0; i < REQUESTS; i++)
		send_only(talk, request);
	talk_step(talk);
	for (int i = 0; i < REQUESTS; i++) {
		struct reply reply = next_reply(talk, 301);

		ck_assert_uint_eq(reply_field(&reply, "Location").len,
				  3 * n + 1 + 1 + 3 * (head - 5 - n - 1));
	}
	no_more(talk);
}
