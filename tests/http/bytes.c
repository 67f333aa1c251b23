/* Bytes, their classes and how they are written; dates. */
#include "check.h"

/* A writer with room for as much as any test writes. */
struct page {
	char bytes[16 << 10];
	struct out out;
};

static struct out *blank(struct page *page)
{
	page->out = (struct out){ page->bytes, 0, sizeof(page->bytes), false };
	return &page->out;
}

static bool wrote(const struct page *page, const char *want)
{
	return !page->out.overrun && is_text((text){ page->bytes, page->out.len }, want);
}

static struct group bytes_tests = { .suite = "bytes", .name = "bytes" };

TEST(bytes_tests, a_writer_keeps_its_bounds)
{
	char bytes[8] = "-------";
	struct out o = { bytes, 0, 4, false };

	put_string(&o, "abcd");
	ck_assert(!o.overrun);
	put_string(&o, "");
	ck_assert(!o.overrun);
	put_string(&o, "e");
	ck_assert(o.overrun);
	ck_assert_uint_eq(o.len, 4);
	ck_assert_str_eq(bytes, "abcd---");
}

TEST(bytes_tests, a_writer_without_memory_counts)
{
	static const unsigned char all[] = "a<&>\"'/ \xff\xc3\xa4\\\x01";
	const text t = { (const char *)all, sizeof(all) - 1 };
	struct page page;
	struct out counted = { NULL, 0, 0, false };

	blank(&page);
	put_url(&page.out, t);
	put_escaped(&page.out, t, html_escape);
	put_number(&page.out, 1234567);
	put_date(&page.out, FILE_TIME);
	put_url(&counted, t);
	put_escaped(&counted, t, html_escape);
	put_number(&counted, 1234567);
	put_date(&counted, FILE_TIME);
	ck_assert_uint_eq(counted.len, page.out.len);
	ck_assert(!counted.overrun);
}

TEST(bytes_tests, numbers_are_those_of_printf)
{
	uint64_t seed = 1;
	struct page page;
	char want[32];

	for (int i = 0; i < 2000; i++) {
		/* all sizes, and each power of two and its neighbours */
		uint64_t n = i < 192 ? (UINT64_C(1) << i / 3) + (uint64_t)(i % 3) - 1
				     : any_number(&seed) >> i % 64;

		snprintf(want, sizeof(want), "%ju", (uintmax_t)n);
		put_number(blank(&page), n);
		expect(wrote(&page, want), "%s", want);
		snprintf(want, sizeof(want), "%jx", (uintmax_t)n);
		put_hex(blank(&page), n);
		expect(wrote(&page, want), "0x%s", want);
	}
	put_number(blank(&page), UINT64_MAX);
	ck_assert(wrote(&page, "18446744073709551615"));
	for (int n = 0; n < 120; n++) {
		snprintf(want, sizeof(want), "%02d", n);
		put_two(blank(&page), n);
		expect(wrote(&page, want), "%s", want);
	}
}

static bool one_of(int c, const char *set)
{
	return c && strchr(set, c);
}

static bool letter_or_digit(int c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

TEST(bytes_tests, classes_are_those_of_the_rfcs)
{
	for (int c = 0; c < 256; c++) {
		bool visible = c > ' ' && c < 0x7f, text_byte = c >= 0x80;
		bool unreserved = letter_or_digit(c) || one_of(c, "-._~");

		/* RFC 9110 5.6.2: tchar */
		expect(is((char)c, TOKEN) == (letter_or_digit(c) || one_of(c, "!#$%&'*+-.^_`|~")),
		       "token 0x%02x", (unsigned)c);
		/* RFC 9110 5.5: field-vchar, SP and HTAB */
		expect(is((char)c, VALUE) == (visible || text_byte || one_of(c, " \t")),
		       "value 0x%02x", (unsigned)c);
		expect(is((char)c, TARGET) == ((visible || text_byte) && c != '#'), "target 0x%02x",
		       (unsigned)c);
		/* RFC 3986 2.3 */
		expect(is((char)c, PLAIN) == unreserved, "plain 0x%02x", (unsigned)c);
		/* RFC 3986 3.2.2: unreserved, pct-encoded, sub-delims */
		expect(is((char)c, HOSTNAME) == (unreserved || one_of(c, "%!$&'()*+,;=")),
		       "host 0x%02x", (unsigned)c);
	}
}

/*
 * RFC 3986 2.3; and 3.4, with '%' as it is: what was encoded in a query is not encoded again.
 */
TEST(bytes_tests, urls_and_queries_hold_what_they_may)
{
	static const struct {
		void (*put)(struct out *o, text t);
		const char *as_they_are;
	} rows[] = { { put_url, "-._~/" }, { put_query, "-._~!$&'()*+,;=:@/?%" } };

	for (int c = 0; c < 2 * 256; c++) {
		const char byte = (char)(c / 2);
		char want[12];
		struct page page;

		rows[c % 2].put(blank(&page), (text){ &byte, 1 });
		if (letter_or_digit(c / 2) || one_of(c / 2, rows[c % 2].as_they_are))
			snprintf(want, sizeof(want), "%c", byte);
		else
			snprintf(want, sizeof(want), "%%%02X", (unsigned)c / 2);
		expect(wrote(&page, want), "row %d, 0x%02x", c % 2, (unsigned)c / 2);
	}
}

/* The length by the definition: decode it, then look whether that is a code point, and written
 * with no more bytes than it needs. */
static size_t utf8_by_definition(const unsigned char *s, size_t n)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = s[0] < 0x80 ? 1 : s[0] < 0xc0 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	uint32_t point = len == 1 ? s[0] : len ? s[0] & (0x7fu >> len) : 0;

	if (len == 0 || len > n || s[0] >= 0xf8)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (s[i] & 0x3f);
	}
	if (point < least[len] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
		return 0;
	return len;
}

TEST(bytes_tests, utf8_is_that_of_rfc_3629)
{
	static const unsigned char next[] = { 0x00, 0x7f, 0x80, 0x8f, 0x90,
					      0x9f, 0xa0, 0xbf, 0xc0, 0xff };
	const size_t k = sizeof(next);

	for (size_t i = 0; i < 256 * k * k * k; i++) {
		const unsigned char s[4] = { (unsigned char)(i / (k * k * k)),
					     next[i / (k * k) % k], next[i / k % k], next[i % k] };

		for (size_t n = 1; n <= 4; n++)
			expect(utf8_length(s, n) == utf8_by_definition(s, n),
			       "%zu of %02x %02x %02x %02x", n, s[0], s[1], s[2], s[3]);
	}
}

TEST(bytes_tests, utf8_is_read_within_its_bounds)
{
	static const char *const cut[] = { "\xc3", "\xe2", "\xe2\x82", "\xf0", "\xf0\x9f\x98" };

	for (size_t i = 0; i < LENGTH(cut); i++) {
		size_t n = strlen(cut[i]);
		unsigned char *exact = malloc(n); /* where a sanitizer sees the byte behind it */

		need(exact, "malloc");
		memcpy(exact, cut[i], n);
		expect(utf8_length(exact, n) == 0, "%zu", i);
		free(exact);
	}
}

#define BAD "\xef\xbf\xbd"

TEST(bytes_tests, html_is_escaped)
{
	static const struct {
		const char *name, *html;
	} rows[] = {
		{ "", "" },
		{ "plain name-1_2.txt", "plain name-1_2.txt" },
		{ "<script>", "&lt;script&gt;" },
		{ "\" onclick='x' &amp;", "&quot; onclick=&#39;x&#39; &amp;amp;" },
		{ "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80",
		  "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80" },
		{ "a\nb\tc\x01\x1f\x7f.", "a" BAD "b" BAD "c" BAD BAD BAD "." },
		{ "\xff.", BAD "." },
		{ "\xc3", BAD },
		{ "\xe2\x82<", BAD BAD "&lt;" },
		{ "\xc0\xaf", BAD BAD },         /* '/' written too long */
		{ "\xed\xa0\x80", BAD BAD BAD }, /* a surrogate */
		{ "\xf4\x90\x80\x80", BAD BAD BAD BAD },
		{ "\x80\xbf", BAD BAD },
	};
	struct page page;

	for (size_t i = 0; i < LENGTH(rows); i++) {
		put_escaped(blank(&page), text_of(rows[i].name), html_escape);
		expect(wrote(&page, rows[i].html), "row %zu: %.*s", i, (int)page.out.len,
		       page.bytes);
	}
	put_escaped(blank(&page), (text){ "a\0b", 3 }, html_escape);
	ck_assert(wrote(&page, "a" BAD "b"));
}

TEST(bytes_tests, logs_are_printable_ascii)
{
	static const struct {
		text value;
		const char *logged;
	} rows[] = {
		{ TEXT(""), "-" },
		{ TEXT("GET / HTTP/1.1"), "GET / HTTP/1.1" },
		{ TEXT("-"), "-" },
		{ TEXT("say \"hi\"\\"), "say \\x22hi\\x22\\x5c" },
		{ TEXT("a\r\nb\t\x1b[2J\x7f"), "a\\x0d\\x0ab\\x09\\x1b[2J\\x7f" },
		{ TEXT("\0\xff\xc3\xa4"), "\\x00\\xff\\xc3\\xa4" },
	};
	struct page page;

	for (size_t i = 0; i < LENGTH(rows); i++) {
		put_log(blank(&page), rows[i].value, 100, ' ');
		expect(wrote(&page, rows[i].logged), "row %zu: %.*s", i, (int)page.out.len,
		       page.bytes);
	}
}

/* What is cut keeps to its bound, says so, and is the beginning of the whole, no escape halved. */
TEST(bytes_tests, logs_are_cut)
{
	enum { MOST = 40 };
	struct page whole, cut;

	for (int pattern = 0; pattern < 8; pattern++) {
		char value[3 * MOST];

		for (size_t i = 0; i < sizeof(value); i++)
			value[i] = pattern >> i % 3 & 1 ? '\n' : 'a';
		for (size_t n = 1; n <= sizeof(value); n++) {
			put_log(blank(&whole), (text){ value, n }, 1000, ' ');
			put_log(blank(&cut), (text){ value, n }, MOST, ' ');
			expect(cut.out.len <= MOST, "%zu", cut.out.len);
			if (whole.out.len <= MOST - 7) {
				expect(whole.out.len == cut.out.len &&
					       memcmp(whole.bytes, cut.bytes, cut.out.len) == 0,
				       "pattern %d, %zu bytes", pattern, n);
			} else if (whole.out.len > MOST) {
				size_t kept = cut.out.len - 3;

				expect(memcmp(cut.bytes + kept, "...", 3) == 0, "not said");
				expect(memcmp(whole.bytes, cut.bytes, kept) == 0,
				       "not its beginning");
				expect(kept >= MOST - 10, "%zu kept", kept);
				expect(whole.bytes[kept] == 'a' || whole.bytes[kept] == '\\',
				       "an escape is halved");
			}
		}
	}
}

/* A bound counts from where the field begins, not from where the line does. */
TEST(bytes_tests, logs_are_cut_by_the_field)
{
	struct page page;

	put_string(blank(&page), "0123456789012345678901234567890123456789");
	put_log(&page.out, text_of("abc"), 20, ' ');
	ck_assert(wrote(&page, "0123456789012345678901234567890123456789abc"));
}

/* ---- percent -------------------------------------------------------------- */

static int hex_value(int c)
{
	const char *digits = "0123456789abcdefABCDEF", *at = c ? strchr(digits, c) : NULL;
	int n = at ? (int)(at - digits) : -1;

	return n > 15 ? n - 6 : n;
}

TEST(bytes_tests, two_hex_digits_are_a_byte)
{
	for (int a = 0; a < 256; a++)
		for (int b = 0; b < 256; b++) {
			const char bytes[3] = { '%', (char)a, (char)b };
			int high = hex_value(a), low = hex_value(b);
			int want = high < 0 || low < 0 ? -1 : 16 * high + low;

			expect(percent((text){ bytes, 3 }, 0) == want, "%%%02x%02x", (unsigned)a,
			       (unsigned)b);
		}
	ck_assert_int_eq(percent(text_of("x%41"), 1), 'A');
	ck_assert_int_eq(percent((text){ "%41", 2 }, 0), -1);
	ck_assert_int_eq(percent((text){ "%41", 1 }, 0), -1);
}

/* ---- dates ---------------------------------------------------------------- */

static void check_moment(int64_t when)
{
	time_t libc = (time_t)when;
	struct tm want, got;

	need(gmtime_r(&libc, &want), "gmtime_r");
	expect(calendar(when, &got), "%jd", (intmax_t)when);
	expect(got.tm_year == want.tm_year + 1900 && got.tm_mon == want.tm_mon &&
		       got.tm_mday == want.tm_mday && got.tm_hour == want.tm_hour &&
		       got.tm_min == want.tm_min && got.tm_sec == want.tm_sec &&
		       got.tm_wday == want.tm_wday,
	       "%jd", (intmax_t)when);
	expect(days_of(got.tm_year, got.tm_mon + 1, got.tm_mday) * 86400 ==
		       when - (got.tm_hour * 3600 + got.tm_min * 60 + got.tm_sec),
	       "the days of %jd", (intmax_t)when);
}

/* The first second and the last of every month there is, and one between. */
TEST(bytes_tests, the_calendar_is_that_of_libc)
{
	uint64_t seed = 2;

	for (int year = 0; year <= 9999; year++)
		for (int month = 0; month < 12; month++) {
			struct tm tm = { .tm_year = year - 1900, .tm_mon = month, .tm_mday = 1 };
			int64_t first = timegm(&tm);

			tm = (struct tm){ .tm_year = year - 1900,
					  .tm_mon = month + 1,
					  .tm_mday = 1 };

			int64_t next = timegm(&tm);

			expect(days_of(year, month + 1, 1) * 86400 == first, "%d-%d", year,
			       month + 1);
			check_moment(first);
			check_moment(next - 1);
			check_moment(first +
				     (int64_t)(any_number(&seed) % (uint64_t)(next - first)));
		}
}

TEST(bytes_tests, the_calendar_has_four_digits)
{
	const int64_t first = days_of(0, 1, 1) * 86400, last = days_of(10000, 1, 1) * 86400 - 1;
	struct tm tm;

	ck_assert(calendar(first, &tm) && tm.tm_year == 0);
	ck_assert(calendar(last, &tm) && tm.tm_year == 9999);
	ck_assert(!calendar(first - 1, &tm));
	ck_assert(!calendar(last + 1, &tm));
	ck_assert(!calendar(INT64_MAX, &tm));
	ck_assert(!calendar(INT64_MIN, &tm));
}

TEST(bytes_tests, dates_are_written)
{
	static const struct {
		int64_t when;
		const char *date;
	} rows[] = {
		{ 784111777, "Sun, 06 Nov 1994 08:49:37 GMT" },
		{ 0, "Thu, 01 Jan 1970 00:00:00 GMT" },
		{ -1, "Wed, 31 Dec 1969 23:59:59 GMT" },
		{ 951782400, "Tue, 29 Feb 2000 00:00:00 GMT" },
		{ FILE_TIME, FILE_DATE },
		{ WALL_TIME, WALL_DATE },
		{ -62167219200, "Sat, 01 Jan 0000 00:00:00 GMT" },
		{ 253402300799, "Fri, 31 Dec 9999 23:59:59 GMT" },
		{ 253402300800, "" },
		{ -62167219201, "" },
	};
	struct page page;

	for (size_t i = 0; i < LENGTH(rows); i++) {
		put_date(blank(&page), rows[i].when);
		expect(wrote(&page, rows[i].date), "%.*s", (int)page.out.len, page.bytes);
	}
}

TEST(bytes_tests, dates_are_read)
{
	static const struct {
		const char *date;
		int64_t now, when;
	} rows[] = {
		{ "Sun, 06 Nov 1994 08:49:37 GMT", NOW, 784111777 },
		{ "Sunday, 06-Nov-94 08:49:37 GMT", NOW, 784111777 },
		{ "Sun Nov  6 08:49:37 1994", NOW, 784111777 },
		{ "Wed Nov 16 08:49:37 1994", NOW, 784975777 },
		{ "Sat, 01 Jan 0000 00:00:00 GMT", NOW, -62167219200 },
		{ "Fri, 31 Dec 9999 23:59:59 GMT", NOW, 253402300799 },
		{ "Tue, 29 Feb 2000 00:00:00 GMT", NOW, 951782400 },
		{ "Sat, 31 Dec 2016 23:59:60 GMT", NOW, 1483228800 }, /* a leap second */
		/* the year that is not more than 50 years ahead, or else the past */
		{ "Saturday, 21-Nov-26 00:00:00 GMT", NOW, NOW },
		{ "Saturday, 21-Nov-76 00:00:00 GMT", NOW, 3373142400 },
		{ "Sunday, 21-Nov-77 00:00:00 GMT", NOW, 248918400 },
		{ "Friday, 31-Dec-99 23:59:59 GMT", NOW, 946684799 },
		{ "Sunday, 06-Nov-94 08:49:37 GMT", WALL_TIME, 3939871777 }, /* 2094 */
	};
	int64_t when;

	for (size_t i = 0; i < LENGTH(rows); i++) {
		when = 42;
		expect(parse_date(text_of(rows[i].date), rows[i].now, &when) &&
			       when == rows[i].when,
		       "%s: %jd", rows[i].date, (intmax_t)when);
	}
}

TEST(bytes_tests, the_time_is_told)
{
	const struct timespec then = { 784111777, 5 }, later = { 784111778, 0 };
	struct http_common common = { .clock = 0 };

	http_tell(&common, 7, &then);
	ck_assert_str_eq(common.date, "Sun, 06 Nov 1994 08:49:37 GMT");
	ck_assert_int_eq(common.clock, 7);
	ck_assert_int_eq(common.wall.tv_nsec, 5);
	http_tell(&common, 8, &later);
	ck_assert_str_eq(common.date, "Sun, 06 Nov 1994 08:49:38 GMT");
	ck_assert_int_eq(common.wall.tv_sec, later.tv_sec);

	/* a clock that was never set says so too */
	struct http_common unset = { .clock = 0 };

	http_tell(&unset, 0, &unset.wall);
	ck_assert_str_eq(unset.date, "Thu, 01 Jan 1970 00:00:00 GMT");
}
