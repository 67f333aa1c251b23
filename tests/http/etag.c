/* Entity tags, and what a client has already: all conditions in all combinations, ranges of all forms. */
#include "check.h"

static const struct timespec later = { NOW, 0 };

static void tag_of(char tag[ETAG_SIZE], const struct stat *st, enum coding coding,
		   const struct timespec *when)
{
	const struct version version = version_of(st);

	make_etag(tag, &version, coding, when);
}

static struct group etag_tests = { .suite = "ETag", .name = "tags" };

TEST(etag_tests, tags_tell_states_apart)
{
	const struct stat base = { .st_size = 678, .st_mtim = { 1000, 42 } };
	struct stat other[6] = { base, base, base, base, base, base };
	char tag[ETAG_SIZE], again[ETAG_SIZE];

	other[0].st_size++;
	other[1].st_mtim.tv_sec++;
	other[2].st_mtim.tv_nsec++;
	other[3].st_mtim.tv_sec = -1000;
	other[4].st_size = 1000000000042; /* the same numbers, changed about */
	other[4].st_mtim = (struct timespec){ 0, 678 };
	other[5].st_size = 0;
	tag_of(tag, &base, IDENTITY, &later);
	tag_of(again, &base, IDENTITY, &later);
	ck_assert_str_eq(tag, again);
	for (size_t i = 0; i < LENGTH(other); i++) {
		tag_of(again, &other[i], IDENTITY, &later);
		expect(strcmp(tag, again) != 0, "%zu: %s", i, again);
	}
	/* a sibling may have the size and the time of the file */
	for (enum coding c = BR; c < CODINGS; c++)
		for (enum coding d = IDENTITY; d < c; d++) {
			tag_of(tag, &base, c, &later);
			tag_of(again, &base, d, &later);
			expect(strcmp(tag, again) != 0, "%d: %s", c, again);
		}
}

/* A copy with its times has the same tag, on whatever machine. */
/* What a file is known by, all of it. */
TEST(etag_tests, versions_differ)
{
	const struct version one = { 1, 2, 3, { 4, 5 }, { 6, 7 } };
	const struct version others[] = {
		{ 9, 2, 3, { 4, 5 }, { 6, 7 } }, { 1, 9, 3, { 4, 5 }, { 6, 7 } },
		{ 1, 2, 9, { 4, 5 }, { 6, 7 } }, { 1, 2, 3, { 9, 5 }, { 6, 7 } },
		{ 1, 2, 3, { 4, 9 }, { 6, 7 } }, { 1, 2, 3, { 4, 5 }, { 9, 7 } },
		{ 1, 2, 3, { 4, 5 }, { 6, 9 } },
	};

	ck_assert(same_version(&one, &one));
	for (size_t i = 0; i < LENGTH(others); i++)
		expect(!same_version(&one, &others[i]), "%zu", i);
}

TEST(etag_tests, tags_survive_a_copy)
{
	const struct stat base = { .st_dev = 1,
				   .st_ino = 2,
				   .st_size = 678,
				   .st_mtim = { 1000, 42 },
				   .st_ctim = { 1001, 43 } };
	const struct stat copy = { .st_dev = 3,
				   .st_ino = 4,
				   .st_size = 678,
				   .st_mtim = { 1000, 42 },
				   .st_ctim = { 1002, 44 } };
	char tag[ETAG_SIZE], again[ETAG_SIZE];

	tag_of(tag, &base, IDENTITY, &later);
	tag_of(again, &copy, IDENTITY, &later);
	ck_assert_str_eq(tag, again);
	ck_assert_str_eq(tag, "\"2a6-e8d4a5102a\"");
	tag_of(tag, &base, GZIP, &later);
	ck_assert_str_eq(tag, "\"2a6-e8d4a5102a-gzip\"");
}

TEST(etag_tests, tags_are_quoted)
{
	const struct stat most = { .st_size = INT64_MAX, .st_mtim = { INT64_MAX, 999999999 } };
	const struct stat fresh = { .st_size = INT64_MAX, .st_mtim = later };

	for (int weak = 0; weak < 2; weak++) {
		char tag[ETAG_SIZE];
		size_t n, quote = weak ? 2 : 0;

		tag_of(tag, weak ? &fresh : &most, ZSTD, &later);
		n = strlen(tag);
		ck_assert(memcmp(tag, weak ? "W/\"" : "\"", quote + 1) == 0);
		ck_assert(strcmp(tag + n - 6, "-zstd\"") == 0);
		for (size_t i = quote + 1; i < n - 1; i++) /* RFC 9110 8.8.3: etagc */
			ck_assert(tag[i] > ' ' && tag[i] < 0x7f && tag[i] != '"');
	}
}

/* RFC 9110 8.8.1: what may change again without its tag changing has no strong one. */
TEST(etag_tests, tags_are_weak_at_first)
{
	static const struct {
		struct timespec modified, changed, now;
		bool weak;
	} rows[] = {
		{ { 100, 1 }, { 100, 1 }, { 100, 1 }, true },
		{ { 100, 1 }, { 100, 1 }, { 100, 50000001 }, true },
		{ { 100, 1 }, { 100, 1 }, { 100, 51000001 }, false },
		{ { 100, 980000000 }, { 100, 1 }, { 101, 10000000 }, true },
		{ { 100, 980000000 }, { 100, 1 }, { 101, 31000000 }, false },
		/* times without fractions: perhaps there are none */
		{ { 100, 0 }, { 100, 0 }, { 101, 999999999 }, true },
		{ { 100, 0 }, { 100, 0 }, { 102, 0 }, true },
		{ { 100, 0 }, { 100, 0 }, { 102, 1000000 }, false },
		{ { 100, 0 }, { 100, 1 }, { 100, 51000000 }, false },
		{ { 100, 1 }, { 100, 0 }, { 100, 51000001 }, false },
		/* another clock may be ahead a little; what is far ahead was set so */
		{ { 100, 30000000 }, { 100, 1 }, { 100, 0 }, true },
		{ { 101, 1 }, { 100, 1 }, { 100, 0 }, false },
		{ { 101, 0 }, { 100, 0 }, { 100, 0 }, true },
		{ { 9999, 0 }, { 100, 0 }, { 100, 0 }, false },
		/* the time alone counts that is in the tag */
		{ { 50, 1 }, { 100, 1 }, { 100, 1 }, false },
		{ { INT64_MAX, 999999999 }, { 100, 1 }, { 100, 1 }, false },
		{ { INT64_MIN, 0 }, { 100, 0 }, { 100, 1 }, false },
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		const struct stat st = { .st_mtim = rows[i].modified, .st_ctim = rows[i].changed };
		char tag[ETAG_SIZE], next[ETAG_SIZE];
		struct timespec moment = rows[i].now;

		tag_of(tag, &st, IDENTITY, &moment);
		expect((tag[0] == 'W') == rows[i].weak, "row %zu: %s", i, tag);
		/* and a weak one is none that may ever match what is there later */
		moment.tv_nsec++;
		tag_of(next, &st, IDENTITY, &moment);
		expect((strcmp(tag, next) != 0) == rows[i].weak, "row %zu: %s, %s", i, tag, next);
	}
}

/* ---- conditions, asked over a connection ---- */

/* Of a file of one byte and FILE_TIME. */
#define TAG "\"1-de0b6b3a7640000\""
#define EARLIER "Sun, 09 Sep 2001 01:46:39 GMT"
#define LATER "Sun, 09 Sep 2001 01:46:41 GMT"

/* A way to ask, and what it comes to for a file that is TAG, of FILE_TIME. */
struct condition {
	const char *lines;
	bool asked,
		passes; /* a field that isn't asked, or can't be read, is as if it weren't there */
};

static const struct condition if_match[] = {
	{ "", false, false },
	{ "If-Match: " TAG "\r\n", true, true },
	{ "If-Match: \"x\"\r\n", true, false },
	{ "If-Match: W/" TAG "\r\n", true, false },
	{ "If-Match: *\r\n", true, true },
	{ "If-Match:\r\n", true, false },
};

static const struct condition if_unmodified_since[] = {
	{ "", false, false },
	{ "If-Unmodified-Since: " EARLIER "\r\n", true, false },
	{ "If-Unmodified-Since: " FILE_DATE "\r\n", true, true },
	{ "If-Unmodified-Since: " LATER "\r\n", true, true },
	{ "If-Unmodified-Since: yesterday\r\n", false, false },
	{ "If-Unmodified-Since: " EARLIER "\r\nIf-Unmodified-Since: " EARLIER "\r\n", false,
	  false },
};

/* Here "holds" is: the client has what there is. */
static const struct condition if_none_match[] = {
	{ "", false, false },
	{ "If-None-Match: " TAG "\r\n", true, true },
	{ "If-None-Match: \"x\", W/" TAG "\r\n", true, true },
	{ "If-None-Match: \"x\"\r\n", true, false },
	{ "If-None-Match: *\r\n", true, true },
	{ "If-None-Match:\r\n", true, false },
};

static const struct condition if_modified_since[] = {
	{ "", false, false },
	{ "If-Modified-Since: " EARLIER "\r\n", true, false },
	{ "If-Modified-Since: " FILE_DATE "\r\n", true, true },
	{ "If-Modified-Since: " LATER "\r\n", true, true },
	{ "If-Modified-Since: Sunday, 09-Sep-01 01:46:40 GMT\r\n", true, true },
	{ "If-Modified-Since: Sun Sep  9 01:46:40 2001\r\n", true, true },
	{ "If-Modified-Since: Sun Sep  9 01:46:39 2001\r\n", true, false },
	{ "If-Modified-Since: 1000000000\r\n", false, false },
	{ "If-Modified-Since: " LATER "\r\nIf-Modified-Since: " LATER "\r\n", false, false },
};

/* RFC 9110 13.2.2, step by step. */
static int judge_by_the_rfc(char method, const struct condition *im, const struct condition *ius,
			    const struct condition *inm, const struct condition *ims)
{
	if (im->asked && !im->passes)
		return 412;
	if (!im->asked && ius->asked && !ius->passes)
		return 412;
	if (inm->asked)
		return !inm->passes ? 200 : method == 'P' ? 412 : 304;
	if (ims->asked && method != 'P')
		return ims->passes ? 304 : 200;
	return 200;
}

static struct talk *asking;

static void begin_asking(void)
{
	place.limits.requests = UINT32_MAX;
	asking = open_talk(&place);
}

/* The answer to a GET, HEAD or POST of that name with these fields. */
static struct reply ask(const char *method, const char *name, const char *lines)
{
	char request[8192];
	struct reply reply;

	snprintf(request, sizeof(request), "%s /%s HTTP/1.1\r\nHost: a\r\n%s\r\n", method, name,
		 lines);
	asking->len = asking->read = asking->logs = asking->replies = 0;
	talk_say(asking, request);
	reply = any_reply(asking);
	no_more(asking);
	return reply;
}

static struct group asked_tests = {
	.suite = "ETag", .name = "conditions", .begin = make_home, .end = remove_home
};

TEST(asked_tests, conditions_have_an_order)
{
	static const char *const methods_asked[] = { "GET", "HEAD", "POST" };
	enum {
		A = LENGTH(if_match),
		B = LENGTH(if_unmodified_since),
		C = LENGTH(if_none_match),
		D = LENGTH(if_modified_since)
	};
	char lines[1024];

	begin_asking();
	put_file(&home, "file", "x");
	for (size_t i = 0; i < (size_t)A * B * C * D; i++) {
		const struct condition *im = &if_match[i % A];
		const struct condition *ius = &if_unmodified_since[i / A % B];
		const struct condition *inm = &if_none_match[i / (A * B) % C];
		const struct condition *ims = &if_modified_since[i / (A * B * C)];

		snprintf(lines, sizeof(lines), "%s%s%s%s", ims->lines, inm->lines, ius->lines,
			 im->lines);
		for (size_t k = 0; k < LENGTH(methods_asked); k++) {
			int want = judge_by_the_rfc(*methods_asked[k], im, ius, inm, ims);
			int got = ask(methods_asked[k], "file", lines).status;

			expect(got == want, "%d, not %d: %s%s", got, want, methods_asked[k], lines);
		}
	}
}

/* ---- ranges ---- */

/* Which bytes of a small file does it name? Each form with all small numbers. */
TEST(asked_tests, ranges_name_bytes)
{
	enum { MOST = 7 };
	static const char digits[] = "0123456";
	char name[] = "0";

	begin_asking();
	for (unsigned size = 0; size < MOST; size++) {
		name[0] = (char)('0' + size);
		put_bytes(&home, name, digits, size);
		for (unsigned i = 0; i < MOST * MOST * 3; i++) {
			static const char *const forms[] = { "Range: bytes=%u-%u\r\n",
							     "Range: bytes=%u-\r\n",
							     "Range: bytes=-%u\r\n" };
			unsigned form = i % 3, a = i / 3 % MOST, b = i / 3 / MOST, named = 0;
			char value[64], wanted[MOST];

			snprintf(value, sizeof(value), forms[form], a, b);
			for (unsigned at = 0; at < size; at++)
				if (form == 0   ? at >= a && at <= b
				    : form == 1 ? at >= a
						: at + a >= size)
					wanted[named++] = digits[at];

			struct reply reply = ask("GET", name, value);
			bool whole = form == 0 && a > b;

			expect(reply.status == (whole   ? 200
						: named ? 206
							: 416),
			       "%s of %u: %d", value, size, reply.status);
			if (!whole && named)
				expect(same(reply.body, (text){ wanted, named }), "%s of %u: %.*s",
				       value, size, SHOWN(reply.body));
		}
	}
}

/* RFC 9110 8.8.2.2: a date is weak while the file may still change within it. */
TEST(asked_tests, a_date_just_past_is_no_reason_for_a_part)
{
	static const int64_t ages[] = { -1, 0, 1 };
	const struct timespec wall = now.wall;

	begin_asking();
	for (size_t i = 0; i < LENGTH(ages); i++) {
		put_file(&home, "file", "0123");
		put_times(&home, "file", WALL_TIME - ages[i], 0);
		http_tell(&now, now.clock, &wall);

		struct reply reply = ask("GET", "file", "");
		text date = reply_field(&reply, "Last-Modified");
		char lines[128];

		/* of a file of the future the date is the present's, and not its own */
		snprintf(lines, sizeof(lines), "Range: bytes=0-0\r\nIf-Range: %.*s\r\n",
			 SHOWN(date));
		ck_assert_int_eq(ask("GET", "file", lines).status, ages[i] > 0 ? 206 : 200);
	}
}

/* A client that repeats a field 257 times doesn't have said it once. */
TEST(asked_tests, a_field_may_come_257_times)
{
	static char lines[257 * 18 + 1];

	place.limits.fields = 1000;
	begin_asking();
	put_file(&home, "file", "0123");
	for (int i = 0; i < 257; i++)
		strcat(lines, "Range: bytes=0-1\r\n");
	ck_assert_int_eq(ask("GET", "file", lines).status, 200);
}

TEST(asked_tests, multipart_byteranges_of_a_large_file)
{
	static const struct range parts[] = { { 5, 6 },
					      { 100000, 400000 },
					      { 1000, 1000 + 20000 } };
	struct talk *talk = open_talk(&place);

	talk_say(talk, "GET /big.bin" ON "Range: bytes=5-5, 100000-399999, 1000-20999\r\n\r\n"
		       "GET /small.txt" ON "\r\n");

	struct reply reply = next_reply(talk, 206);

	for (size_t i = 0; i < LENGTH(parts); i++) { /* what is between them is the wire suite's */
		char head[128];
		int n = snprintf(head, sizeof(head),
				 "Content-Type: application/octet-stream\r\n"
				 "Content-Range: bytes %ju-%ju/%d\r\n\r\n",
				 (uintmax_t)parts[i].begin, (uintmax_t)parts[i].end - 1, MiB);
		const char *at = memmem(reply.body.at, reply.body.len, head, (size_t)n);
		size_t len = (size_t)(parts[i].end - parts[i].begin);

		expect(at, "part %zu", i);
		skip(&reply.body, (size_t)(at - reply.body.at + n));
		expect(reply.body.len > len &&
			       memcmp(reply.body.at, big + parts[i].begin, len) == 0,
		       "the bytes of %zu", i);
	}
	ck_assert_ptr_null(reply_field(&reply, "Content-Range").at);
	ck_assert(is_text(next_reply(talk, 200).body, "hello, world"));
}

/* A client that has fetched a file just when it was written never keeps what it was before. */
TEST(asked_tests, weak_etag_of_a_file_just_written)
{
	static const struct {
		const char *format;
		int at_once,
			later; /* the statuses, in the same moment and when the file has changed */
	} rows[] = {
		{ "GET /small.txt" ON "If-Range: %.*s\r\nRange: bytes=0-1\r\n\r\n", 200, 200 },
		{ "GET /small.txt" ON "If-Match: %.*s\r\n\r\n", 412, 412 },
		{ "GET /small.txt" ON "If-None-Match: %.*s\r\n\r\n", 304, 200 },
		{ "POST /small.txt" ON "If-None-Match: %.*s\r\n\r\n", 412, 200 },
	};
	struct reply reply;
	struct talk *talk;
	char request[256];
	text tag;

	put_times(&home, "small.txt", WALL_TIME, 5);
	for (size_t i = 0; i < 2 * LENGTH(rows); i++) {
		bool changed = i >= LENGTH(rows);
		int status = changed ? rows[i % LENGTH(rows)].later : rows[i].at_once;

		now = turn_at(SECONDS(1000));
		talk = open_talk(&place);
		talk_say(talk, "GET /small.txt" ON "\r\n");
		reply = next_reply(talk, 200);
		tag = reply_field(&reply, "ETag");
		ck_assert(tag.len > 4 && memcmp(tag.at, "W/\"", 3) == 0);
		snprintf(request, sizeof(request), rows[i % LENGTH(rows)].format, SHOWN(tag));
		if (changed) { /* so that it has the same size and time */
			put_file(&home, "small.txt", "HELLO, WORLD");
			put_times(&home, "small.txt", WALL_TIME, 5);
			now.wall.tv_sec++;
		}
		talk_say(talk, request);
		talk_say(talk, "GET /small.txt" ON "\r\n");
		next_reply(talk, status);
		reply = next_reply(talk, 200);
		tag = reply_field(&reply, "ETag");
		ck_assert_int_eq(tag.at[0], changed ? '"' : 'W');
		close_talk(talk);
	}
}
