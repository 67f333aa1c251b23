/* What the client accepts, has already, and wants part of. */
#include "check.h"

START_TEST(weights_are_thousandths)
{
	static const struct {
		const char *at;
		int weight;
	} rows[] = {
		{ "", 1000 },       { ";q=0", 0 },      { ";q=1", 1000 },     { ";q=0.5", 500 },
		{ ";q=0.05", 50 },  { ";q=0.005", 5 },  { ";q=0.123", 123 },  { ";q=0.999", 999 },
		{ ";q=0.", 0 },     { ";q=1.", 1000 },  { ";q=1.000", 1000 }, { "; \tq=0.5", 500 },
		{ ";Q=0.5", 500 },  { ";q=1.001", -1 }, { ";q=2", -1 },       { ";q=", -1 },
		{ ";q", -1 },       { ";", -1 },        { ";q=0.1234", -1 },  { ";q=.5", -1 },
		{ ";q=0,5", -1 },   { ";q=-1", -1 },    { ";q=00.5", -1 },    { ";q=0.5a", -1 },
		{ ";q= 0.5", -1 },  { ";q =0.5", -1 },  { ";a=0.5", -1 },     { "q=0.5", -1 },
		{ ";q=0.5;a", -1 }, { ";q=\"1\"", -1 },
	};

	for (size_t i = 0; i < LENGTH(rows); i++)
		expect(read_weight(text_of(rows[i].at)) == rows[i].weight, "%s: %d", rows[i].at,
		       read_weight(text_of(rows[i].at)));
}
END_TEST

static void name_taste(const struct request *req, char *names, size_t size)
{
	struct preference preference = read_preference(req);
	struct out o = { names, 0, size - 1, false };

	for (const uint8_t *c = preference.order; *c != IDENTITY; c++) {
		puts_out(&o, o.len ? " " : "");
		put_text(&o, codings[*c].name);
	}
	names[o.len] = '\0';
}

START_TEST(codings_are_tried_by_taste)
{
	static const struct {
		const char *lines, *order;
	} rows[] = {
		{ "", "" },
		{ "Accept-Encoding:\r\n", "" },
		{ "Accept-Encoding: gzip\r\n", "gzip" },
		{ "Accept-Encoding: GZip\r\n", "gzip" },
		{ "Accept-Encoding: x-gzip\r\n", "gzip" },
		{ "Accept-Encoding: gzip, deflate, br, zstd\r\n", "br zstd gzip" },
		{ "Accept-Encoding: gzip\r\nAccept-Encoding: br\r\n", "br gzip" },
		{ "Accept-Encoding: deflate\r\n", "" },
		{ "Accept-Encoding: identity\r\n", "" },
		{ "Accept-Encoding: gzip;q=1, br;q=0.5, zstd;q=0.7\r\n", "gzip zstd br" },
		{ "Accept-Encoding: gzip;q=0.5, br;q=0.500\r\n", "br gzip" },
		{ "Accept-Encoding: gzip;q=0\r\n", "" },
		{ "Accept-Encoding: gzip;q=0.000, br\r\n", "br" },
		{ "Accept-Encoding: gzip;q=x, br\r\n", "br" },
		{ "Accept-Encoding: *\r\n", "br zstd gzip" },
		{ "Accept-Encoding: *;q=0\r\n", "" },
		{ "Accept-Encoding: gzip, *;q=0\r\n", "gzip" },
		{ "Accept-Encoding: br;q=0, *\r\n", "zstd gzip" },
		{ "Accept-Encoding: *;q=0.5, gzip\r\n", "gzip br zstd" },
		{ "Accept-Encoding: gzip;q=0.5, identity\r\n", "" },
		{ "Accept-Encoding: gzip;q=0.5, br, identity;q=0.7\r\n", "br" },
		{ "Accept-Encoding: gzip;q=0.5, identity;q=0.5\r\n", "gzip" },
		{ "Accept-Encoding: gzip;q=0.001, identity;q=0\r\n", "gzip" },
		{ "Accept-Encoding: gzip ; q=0.5 , br ;\tq=0.4\r\n", "gzip br" },
		{ "Accept-Encoding: gzipped, xbr, br2\r\n", "" },
	};
	char names[64];

	for (size_t i = 0; i < LENGTH(rows); i++) {
		name_taste(request_with(rows[i].lines), names, sizeof(names));
		expect(strcmp(names, rows[i].order) == 0, "%s: %s", rows[i].lines, names);
	}
}
END_TEST

/* ---- entity tags ---------------------------------------------------------- */

static const struct timespec later = { NOW, 0 };

START_TEST(tags_tell_states_apart)
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
	make_etag(tag, &base, IDENTITY, &later);
	make_etag(again, &base, IDENTITY, &later);
	ck_assert_str_eq(tag, again);
	for (size_t i = 0; i < LENGTH(other); i++) {
		make_etag(again, &other[i], IDENTITY, &later);
		expect(strcmp(tag, again) != 0, "%zu: %s", i, again);
	}
	/* a sibling may have the size and the time of the file */
	for (enum coding c = BR; c < CODINGS; c++)
		for (enum coding d = IDENTITY; d < c; d++) {
			make_etag(tag, &base, c, &later);
			make_etag(again, &base, d, &later);
			expect(strcmp(tag, again) != 0, "%d: %s", c, again);
		}
}
END_TEST

/* A copy with its times has the same tag, on whatever machine. */
START_TEST(tags_survive_a_copy)
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

	make_etag(tag, &base, IDENTITY, &later);
	make_etag(again, &copy, IDENTITY, &later);
	ck_assert_str_eq(tag, again);
	ck_assert_str_eq(tag, "\"2a6-e8d4a5102a\"");
	make_etag(tag, &base, GZIP, &later);
	ck_assert_str_eq(tag, "\"2a6-e8d4a5102a-gzip\"");
}
END_TEST

START_TEST(tags_are_quoted)
{
	const struct stat most = { .st_size = INT64_MAX, .st_mtim = { INT64_MAX, 999999999 } };
	const struct stat fresh = { .st_size = INT64_MAX, .st_mtim = later };

	for (int weak = 0; weak < 2; weak++) {
		char tag[ETAG_SIZE];
		size_t n, quote = weak ? 2 : 0;

		make_etag(tag, weak ? &fresh : &most, ZSTD, &later);
		n = strlen(tag);
		ck_assert(memcmp(tag, weak ? "W/\"" : "\"", quote + 1) == 0);
		ck_assert(strcmp(tag + n - 6, "-zstd\"") == 0);
		for (size_t i = quote + 1; i < n - 1; i++) /* RFC 9110 8.8.3: etagc */
			ck_assert(tag[i] > ' ' && tag[i] < 0x7f && tag[i] != '"');
	}
}
END_TEST

/* RFC 9110 8.8.1: what may change again without its tag changing has no strong one. */
START_TEST(tags_are_weak_at_first)
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

		make_etag(tag, &st, IDENTITY, &moment);
		expect((tag[0] == 'W') == rows[i].weak, "row %zu: %s", i, tag);
		/* and a weak one is none that may ever match what is there later */
		moment.tv_nsec++;
		make_etag(next, &st, IDENTITY, &moment);
		expect((strcmp(tag, next) != 0) == rows[i].weak, "row %zu: %s, %s", i, tag, next);
	}
}
END_TEST

START_TEST(tags_are_compared)
{
	static const struct {
		const char *value;
		bool strong, weak; /* does "1-a" match? */
	} rows[] = {
		{ "\"1-a\"", true, true },
		{ "W/\"1-a\"", false, true },
		{ "w/\"1-a\"", false, false },
		{ "*", true, true },
		{ " * ", true, true },
		{ "\"*\"", false, false },
		{ "**", false, false },
		{ "\"\"", false, false },
		{ "\"1-b\"", false, false },
		{ "\"1-A\"", false, false },
		{ "1-a", false, false },
		{ "\"1-a", false, false },
		{ "\"x\", \"1-a\"", true, true },
		{ "\"x\" ,W/\"y\",, W/\"1-a\"", false, true },
		{ "W/\"1-a\", \"1-a\"", true, true },
		{ "\"x,\"1-a\"", false, false },
		{ "\"x, \"1-a\", y\"", false, false },
		{ "\"1-a\"x", false, false },
		{ "\"1-a\";q=1", false, false },
		{ "W/W/\"1-a\"", false, false },
		{ "", false, false },
		{ "\"x\"\r\nIf-Match: \"1-a\"", true, true },
		{ "\"x\"\r\nIf-Match: W/\"1-a\"\r\nIf-Match: \"y\"", false, true },
	};
	char lines[128];

	for (size_t i = 0; i < LENGTH(rows); i++) {
		snprintf(lines, sizeof(lines), "If-Match: %s\r\n", rows[i].value);

		const struct request *req = request_with(lines);

		expect(etag_listed(req, IF_MATCH, "\"1-a\"", false) == rows[i].strong, "strong: %s",
		       rows[i].value);
		expect(etag_listed(req, IF_MATCH, "\"1-a\"", true) == rows[i].weak, "weak: %s",
		       rows[i].value);

		bool star = text_trim(text_of(rows[i].value)).at[0] == '*' && rows[i].strong;

		expect(etag_listed(req, IF_MATCH, "W/\"1-a\"", false) == star, "of a weak one: %s",
		       rows[i].value);
		expect(etag_listed(req, IF_MATCH, "W/\"1-a\"", true) == rows[i].weak,
		       "of a weak one, weak: %s", rows[i].value);
	}
}
END_TEST

/* ---- conditions ----------------------------------------------------------- */

#define TAG "\"1-a\""
#define EARLIER "Sun, 09 Sep 2001 01:46:39 GMT"
#define LATER "Sun, 09 Sep 2001 01:46:41 GMT"

/* A way to ask, and what it comes to for a file that is TAG, of FILE_TIME. */
struct way {
	const char *lines;
	bool asked,
		passes; /* a field that isn't asked, or can't be read, is as if it weren't there */
};

static const struct way if_match[] = {
	{ "", false, false },
	{ "If-Match: " TAG "\r\n", true, true },
	{ "If-Match: \"x\"\r\n", true, false },
	{ "If-Match: W/" TAG "\r\n", true, false },
	{ "If-Match: *\r\n", true, true },
	{ "If-Match:\r\n", true, false },
};

static const struct way if_unmodified_since[] = {
	{ "", false, false },
	{ "If-Unmodified-Since: " EARLIER "\r\n", true, false },
	{ "If-Unmodified-Since: " FILE_DATE "\r\n", true, true },
	{ "If-Unmodified-Since: " LATER "\r\n", true, true },
	{ "If-Unmodified-Since: yesterday\r\n", false, false },
	{ "If-Unmodified-Since: " EARLIER "\r\nIf-Unmodified-Since: " EARLIER "\r\n", false,
	  false },
};

/* Here "holds" is: the client has what there is. */
static const struct way if_none_match[] = {
	{ "", false, false },
	{ "If-None-Match: " TAG "\r\n", true, true },
	{ "If-None-Match: \"x\", W/" TAG "\r\n", true, true },
	{ "If-None-Match: \"x\"\r\n", true, false },
	{ "If-None-Match: *\r\n", true, true },
	{ "If-None-Match:\r\n", true, false },
};

static const struct way if_modified_since[] = {
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
static int judge_by_the_rfc(enum method method, const struct way *im, const struct way *ius,
			    const struct way *inm, const struct way *ims)
{
	if (im->asked && !im->passes)
		return 412;
	if (!im->asked && ius->asked && !ius->passes)
		return 412;
	if (inm->asked)
		return !inm->passes ? 0 : method == POST ? 412 : 304;
	if (ims->asked && method != POST)
		return ims->passes ? 304 : 0;
	return 0;
}

START_TEST(conditions_have_an_order)
{
	enum {
		A = LENGTH(if_match),
		B = LENGTH(if_unmodified_since),
		C = LENGTH(if_none_match),
		D = LENGTH(if_modified_since)
	};
	char lines[1024];

	for (size_t i = 0; i < (size_t)A * B * C * D; i++) {
		const struct way *im = &if_match[i % A], *ius = &if_unmodified_since[i / A % B];
		const struct way *inm = &if_none_match[i / (A * B) % C];
		const struct way *ims = &if_modified_since[i / (A * B * C)];
		static const enum method asking[] = { GET, HEAD, POST };
		const int64_t modified = FILE_TIME;
		struct request *req;

		snprintf(lines, sizeof(lines), "%s%s%s%s", ims->lines, inm->lines, ius->lines,
			 im->lines);
		req = request_with(lines);
		for (size_t k = 0; k < LENGTH(asking); k++) {
			int want = judge_by_the_rfc(asking[k], im, ius, inm, ims);

			req->method = asking[k];
			expect(judge_conditions(req, TAG, &modified, NOW) == want, "not %d: %s%s",
			       want, methods[asking[k]].at, lines);
		}
	}
}
END_TEST

/* Without a tag and a date only "*" matches, and no date counts. */
START_TEST(a_listing_has_conditions)
{
	static const struct {
		enum method method;
		const char *lines;
		int status;
	} rows[] = {
		{ GET, "", 0 },
		{ GET, "If-Match: *\r\n", 0 },
		{ GET, "If-Match: \"\"\r\n", 412 },
		{ GET, "If-Match:\r\n", 412 },
		{ POST, "If-Match: " TAG "\r\n", 412 },
		{ GET, "If-None-Match: *\r\n", 304 },
		{ HEAD, "If-None-Match: *\r\n", 304 },
		{ POST, "If-None-Match: *\r\n", 412 },
		{ GET, "If-None-Match: \"\"\r\n", 0 },
		{ POST, "If-None-Match: " TAG "\r\n", 0 },
		{ GET, "If-Unmodified-Since: " EARLIER "\r\n", 0 },
		{ GET, "If-Modified-Since: " LATER "\r\n", 0 },
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct request *req = request_with(rows[i].lines);

		req->method = rows[i].method;
		expect(judge_conditions(req, "", NULL, NOW) == rows[i].status, "row %zu", i);
	}
}
END_TEST

/* ---- ranges --------------------------------------------------------------- */

/* "0-1,5-5", "whole" or "none" */
static void name_ranges(text value, uint64_t size, char *names, size_t room)
{
	struct ranges ranges;
	enum range_kind kind = read_ranges(value, size, &ranges);
	struct out o = { names, 0, room - 1, false };

	if (kind != RANGE_PARTS)
		puts_out(&o, kind == RANGE_WHOLE ? "whole" : "none");
	for (size_t i = 0; kind == RANGE_PARTS && i < ranges.count; i++) {
		puts_out(&o, i ? "," : "");
		put_number(&o, ranges.part[i].begin);
		puts_out(&o, "-");
		put_number(&o, ranges.part[i].end - 1);
	}
	names[o.len] = '\0';
}

#define BIG UINT64_C(10000000000)

START_TEST(ranges_are_read)
{
	static const struct {
		const char *value;
		uint64_t size;
		const char *parts;
	} rows[] = {
		{ "bytes=0-0", 10, "0-0" },
		{ "bytes=0-9", 10, "0-9" },
		{ "bytes=3-5", 10, "3-5" },
		{ "bytes=9-", 10, "9-9" },
		{ "bytes=0-", 10, "0-9" },
		{ "bytes=0-999", 10, "0-9" },
		{ "bytes=5-18446744073709551615", 10, "5-9" },
		{ "bytes=5-99999999999999999999999", 10, "5-9" },
		{ "bytes=-5", 10, "5-9" },
		{ "bytes=-10", 10, "0-9" },
		{ "bytes=-999", 10, "0-9" },
		{ "bytes=-99999999999999999999999", 10, "0-9" },
		{ "BYTES=0-0", 10, "0-0" },
		{ "bytes= 0-0 ", 10, "0-0" },
		{ "bytes=0-0,2-2,9-9", 10, "0-0,2-2,9-9" },
		{ "bytes=9-9 ,\t0-0", 10, "9-9,0-0" },
		{ "bytes=,0-0,, 2-3,", 10, "0-0,2-3" },
		{ "bytes=0-4,5-9", 10, "0-4,5-9" },
		{ "bytes=0-0,-1", 10, "0-0,9-9" },
		{ "bytes=0-0,99-100", 10, "0-0" },
		{ "bytes=99-100,-0,3-3", 10, "3-3" },
		{ "bytes=9999999999-", BIG, "9999999999-9999999999" },
		{ "bytes=4294967296-4294967297", BIG, "4294967296-4294967297" },
		{ "bytes=-1", BIG, "9999999999-9999999999" },
		/* nothing of it is there */
		{ "bytes=10-", 10, "none" },
		{ "bytes=10-20", 10, "none" },
		{ "bytes=-0", 10, "none" },
		{ "bytes=18446744073709551615-", 10, "none" },
		{ "bytes=99999999999999999999999-", 10, "none" },
		{ "bytes=99999999999999999999999-99999999999999999999999", 10, "none" },
		{ "bytes=0-0", 0, "none" },
		{ "bytes=0-", 0, "none" },
		{ "bytes=-1", 0, "none" },
		/* not understood */
		{ "", 10, "whole" },
		{ "bytes", 10, "whole" },
		{ "bytes=", 10, "whole" },
		{ "bytes=,", 10, "whole" },
		{ "bytes=-", 10, "whole" },
		{ "bytes=5", 10, "whole" },
		{ "bytes=5-4", 10, "whole" },
		{ "bytes=a-b", 10, "whole" },
		{ "bytes=0-b", 10, "whole" },
		{ "bytes=0x0-0x1", 10, "whole" },
		{ "bytes=+0-1", 10, "whole" },
		{ "bytes=0 - 1", 10, "whole" },
		{ "bytes=--1", 10, "whole" },
		{ "bytes=0-1-2", 10, "whole" },
		{ "bytes=0-0;1-1", 10, "whole" },
		{ "bytes=0-0,x", 10, "whole" },
		{ "bytes=99-100,x", 10, "whole" },
		{ "bytes =0-0", 10, "whole" },
		{ "bytes:0-0", 10, "whole" },
		{ "lines=0-0", 10, "whole" },
		{ "0-0", 10, "whole" },
		/* what looks like an attack */
		{ "bytes=0-5,5-9", 10, "whole" },
		{ "bytes=0-9,0-9", 10, "whole" },
		{ "bytes=0-,-1", 10, "whole" },
		{ "bytes=2-8,3-4", 10, "whole" },
		{ "bytes=3-4,2-8", 10, "whole" },
	};
	char names[512];

	for (size_t i = 0; i < LENGTH(rows); i++) {
		name_ranges(text_of(rows[i].value), rows[i].size, names, sizeof(names));
		expect(strcmp(names, rows[i].parts) == 0, "%s of %ju: %s", rows[i].value,
		       (uintmax_t)rows[i].size, names);
	}
}
END_TEST

START_TEST(ranges_are_counted)
{
	char value[1024] = "bytes=";
	struct ranges ranges;

	for (size_t i = 0; i < PARTS_MOST; i++)
		snprintf(value + strlen(value), 16, "%zu-%zu,", 2 * i, 2 * i);
	ck_assert_int_eq(read_ranges(text_of(value), 1000, &ranges), RANGE_PARTS);
	ck_assert_uint_eq(ranges.count, PARTS_MOST);
	/* of a small file most of them are not there, and still they are asked for */
	ck_assert_int_eq(read_ranges(text_of(value), 1, &ranges), RANGE_PARTS);
	snprintf(value + strlen(value), 16, "900-900");
	ck_assert_int_eq(read_ranges(text_of(value), 1000, &ranges), RANGE_WHOLE);
	ck_assert_int_eq(read_ranges(text_of(value), 1, &ranges), RANGE_WHOLE);
}
END_TEST

/* Which bytes of a small file does it name? Each form with all small numbers. */
START_TEST(ranges_name_bytes)
{
	enum { MOST = 7 };

	for (unsigned size = 0; size < MOST; size++)
		for (unsigned i = 0; i < MOST * MOST * 3; i++) {
			unsigned form = i % 3, a = i / 3 % MOST, b = i / 3 / MOST;
			unsigned named = 0, found = 0;
			struct ranges ranges;
			char value[32];

			if (form == 0)
				snprintf(value, sizeof(value), "bytes=%u-%u", a, b);
			else
				snprintf(value, sizeof(value),
					 form == 1 ? "bytes=%u-" : "bytes=-%u", a);
			for (unsigned at = 0; at < size; at++)
				if (form == 0   ? at >= a && at <= b
				    : form == 1 ? at >= a
						: at + a >= size)
					named |= 1u << at;

			enum range_kind kind = read_ranges(text_of(value), size, &ranges);

			if (form == 0 && a > b) {
				expect(kind == RANGE_WHOLE, "%s of %u", value, size);
				continue;
			}
			for (size_t k = 0; kind == RANGE_PARTS && k < ranges.count; k++)
				for (uint64_t at = ranges.part[k].begin; at < ranges.part[k].end;
				     at++)
					found |= 1u << at;
			expect(kind == (named ? RANGE_PARTS : RANGE_NONE), "%s of %u", value, size);
			expect(found == named, "%s of %u: %x, not %x", value, size, found, named);
		}
}
END_TEST

START_TEST(a_range_may_depend)
{
	static const struct {
		const char *lines;
		int64_t modified, now;
		bool good;
	} rows[] = {
		{ "", FILE_TIME, NOW, true },
		{ "If-Range: " TAG "\r\n", FILE_TIME, NOW, true },
		{ "If-Range: \"x\"\r\n", FILE_TIME, NOW, false },
		{ "If-Range: W/" TAG "\r\n", FILE_TIME, NOW, false },
		{ "If-Range: *\r\n", FILE_TIME, NOW, false },
		{ "If-Range: \"x\", " TAG "\r\n", FILE_TIME, NOW, false },
		{ "If-Range: " TAG "\r\nIf-Range: " TAG "\r\n", FILE_TIME, NOW, false },
		{ "If-Range:\r\n", FILE_TIME, NOW, false },
		{ "If-Range: " FILE_DATE "\r\n", FILE_TIME, NOW, true },
		{ "If-Range: Sunday, 09-Sep-01 01:46:40 GMT\r\n", FILE_TIME, NOW, true },
		{ "If-Range: " EARLIER "\r\n", FILE_TIME, NOW, false },
		{ "If-Range: " LATER "\r\n", FILE_TIME, NOW, false },
		/* RFC 9110 8.8.2.2: a date is weak while the file may still change within it */
		{ "If-Range: " FILE_DATE "\r\n", FILE_TIME, FILE_TIME, false },
		{ "If-Range: " FILE_DATE "\r\n", FILE_TIME, FILE_TIME - 1, false },
		{ "If-Range: tomorrow\r\n", FILE_TIME, NOW, false },
	};

	for (size_t i = 0; i < LENGTH(rows); i++)
		expect(range_still_good(request_with(rows[i].lines), TAG, rows[i].modified,
					rows[i].now) == rows[i].good,
		       "row %zu: %s", i, rows[i].lines);
	/* and a weak tag is no reason to send a part, said either way */
	ck_assert(!range_still_good(request_with("If-Range: W/" TAG "\r\n"), "W/" TAG, FILE_TIME,
				    NOW));
	ck_assert(
		!range_still_good(request_with("If-Range: " TAG "\r\n"), "W/" TAG, FILE_TIME, NOW));
}
END_TEST

Suite *choice_suite(void)
{
	Suite *suite = suite_create("choice");
	TCase *coding = tcase_create("codings"), *condition = tcase_create("conditions");
	TCase *range = tcase_create("ranges");

	tcase_add_test(coding, weights_are_thousandths);
	tcase_add_test(coding, codings_are_tried_by_taste);
	suite_add_tcase(suite, coding);

	tcase_set_timeout(condition, 60);
	tcase_add_test(condition, tags_tell_states_apart);
	tcase_add_test(condition, tags_survive_a_copy);
	tcase_add_test(condition, tags_are_quoted);
	tcase_add_test(condition, tags_are_weak_at_first);
	tcase_add_test(condition, tags_are_compared);
	tcase_add_test(condition, conditions_have_an_order);
	tcase_add_test(condition, a_listing_has_conditions);
	suite_add_tcase(suite, condition);

	tcase_add_test(range, ranges_are_read);
	tcase_add_test(range, ranges_are_counted);
	tcase_add_test(range, ranges_name_bytes);
	tcase_add_test(range, a_range_may_depend);
	suite_add_tcase(suite, range);
	return suite;
}
