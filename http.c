/*
 * http.c - the conversation: bytes in, one request understood, one file found,
 * bytes out.
 *
 * A connection is a small state machine that http_step() drives for as long as
 * nothing has to be waited for:
 *
 *      +-------------------------- keep-alive ---------------------------+
 *      v                                                                 |
 *    HEAD --> BODY --> (serve) --> [LIST] --> STREAM ---------> finished +
 *      |        |                                                        |
 *      +--------+---- what can't be trusted is refused -----> CLOSE <----+
 *      |                                                        |
 *    FLUSH: answers to pipelined requests go out together     LINGER --> GONE
 *
 * From top to bottom: writing bytes, dates, reading a request, the fields that
 * are lists, names to descriptors, listings, the cache, answers, the states.
 * All but the last two parts are plain functions of what they are given.
 *
 * Nothing here knows who made the connection, and nothing here is global but
 * tables. What http.c knows of time it is told (struct http_common).
 */
#include "http.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* Of a frame of pages: as part of its caller's it would be touched with that. */
#define OWN_FRAME __attribute__((noinline))

enum {
	PAGE = 4096,            /* of memory: what lies in one is faulted in together */
	FLUSH_MOST = 32 << 10,  /* of responses to pipelined requests that go out together, */
	OUT_ROOM = 208 << 10,   /* and more than the largest head with an inline body */
	INLINE_MOST = 16 << 10, /* a body up to this is sent with its head, */
	CACHED_MOST = 64 << 10, /* and one up to this if it may be remembered */
	SLICE_MOST = 1 << 20,   /* of a file before the others have their turn */
	BODY_ROOM = 8 << 10,    /* to read a request's body into */
	CHUNK_LINE = 4 << 10,   /* a chunk's size and its extensions */
	BLANK_LINES = 8,        /* before a request line: RFC 9112 2.2 asks for one */
	PIPE_SLICE = 4096,      /* what a pipe that polls writable takes without blocking */
	LINGER_TIME = 2000000,  /* us */
	LINGER_MOST = 4 << 20,  /* bytes that may be on their way when an answer is sent early */
	PARTS_MOST = 64,        /* ranges in one request: zsync(1) asks for 20 at once */
	WALK_DEPTH = 64,        /* folders below the root, without openat2 */
	WALK_LINKS = 40,        /* symbolic links in one name, as in path_resolution(7) */
	LIST_STEP = 64,         /* entries read before the others have their turn, */
	SORT_STEP = 2048,       /* entries put in order, */
	ROWS_STEP = 32 << 10,   /* bytes of rows written */
	UNREAD_MOST = 1 << 17,  /* bytes that the kernel holds for a client that doesn't read */
	CHECKS_MOST = 10,       /* of a remembered answer: folders deep, and three more */
	CHAIN_MOST = 8,         /* remembered answers that are looked through for one */
	CACHE_KEPT = 10000000,  /* us that an answer is remembered when nobody asks for it */
	FINE_TICK = 50,         /* ms: more than one tick of any kernel's clock, */
	COARSE_TICK = 2000,     /* and of file systems whose times have no fractions */
};

_Static_assert(FLUSH_MOST + OUT_ROOM <= HTTP_OUT_SIZE,
	       "a response has room behind those that wait");

/*
 * What a step may cost before the other connections have their turn, in units of roughly a
 * microsecond. Each piece of work adds its cost to http_work.effort; a step that has spent
 * EFFORT_MOST sends what it has and gives way with HTTP_AGAIN.
 */
enum {
	EFFORT_MOST = 100,
	EFFORT_RESPONSE = 3, /* one that the cache has, or that needs no file */
	EFFORT_LOOKUP = 25,  /* one that looks up names */
	EFFORT_PART = 5,     /* a part of a multipart response */
	EFFORT_LINES = 16,   /* so many lines of chunked syntax are one unit, */
	EFFORT_BYTES = 8192, /* and so many bytes that are received or sent */
};

typedef struct http_text text;

/* clang-format off */
#define TEXT(literal) { literal, sizeof(literal) - 1 }
/* clang-format on */

static text text_of(const char *s)
{
	return (text){ s, strlen(s) };
}

static bool same(text a, text b)
{
	return a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

/* Case does not matter: field names, codings, tokens. */
static bool alike(text a, text b)
{
	return a.len == b.len && strncasecmp(a.at, b.at, a.len) == 0;
}

static void skip(text *t, size_t n)
{
	t->at += n;
	t->len -= n;
}

static bool skip_char(text *t, char c)
{
	if (t->len == 0 || t->at[0] != c)
		return false;
	skip(t, 1);
	return true;
}

static void skip_blank(text *t)
{
	while (t->len && (t->at[0] == ' ' || t->at[0] == '\t'))
		skip(t, 1);
}

static text text_trim(text t)
{
	skip_blank(&t);
	while (t.len && (t.at[t.len - 1] == ' ' || t.at[t.len - 1] == '\t'))
		t.len--;
	return t;
}

/*
 * What a byte may stand in. TOKEN: RFC 9110 5.6.2. VALUE: anything but a
 * control. TARGET: that without blank and '#'; what browsers and curl leave
 * unencoded is let through, for all of it is encoded again where it is printed.
 * PLAIN: unreserved, RFC 3986 2.3. HOSTNAME: reg-name, RFC 3986 3.2.2.
 */
enum { TOKEN = 1, VALUE = 2, TARGET = 4, PLAIN = 8, HOSTNAME = 16 };

/* clang-format off */
static const unsigned char byte_class[256] = {
	 0,  0,  0,  0,  0,  0,  0,  0,  0,  2,  0,  0,  0,  0,  0,  0,
	 0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
	 2, 23,  6,  3, 23, 23, 23, 23, 22, 22, 23, 23, 22, 31, 31,  6,
	31, 31, 31, 31, 31, 31, 31, 31, 31, 31,  6, 22,  6, 22,  6,  6,
	 6, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31,
	31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31,  6,  6,  6,  7, 31,
	 7, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31,
	31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31,  6,  7,  6, 31,  0,
	 6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,
	 6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,
	 6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,
	 6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,
	 6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,
	 6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,
	 6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,
	 6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,
};
/* clang-format on */

static bool is(char c, int class)
{
	return byte_class[(unsigned char)c] & class;
}

static bool all_of(text t, int class)
{
	for (size_t i = 0; i < t.len; i++)
		if (!is(t.at[i], class))
			return false;
	return true;
}

/* ---- writing bytes ---------------------------------------------------- */

/* A bounded buffer; with no memory behind it (at == NULL) it only counts. */
struct out {
	char *at;
	size_t len, size;
	bool overrun;
};

static void put(struct out *o, const void *bytes, size_t n)
{
	if (o->at) {
		if (n > o->size - o->len) {
			o->overrun = true;
			return;
		}
		memcpy(o->at + o->len, bytes, n);
	}
	o->len += n;
}

static void put_text(struct out *o, text t)
{
	put(o, t.at, t.len);
}

static void puts_out(struct out *o, const char *s)
{
	put(o, s, strlen(s));
}

static void put_number(struct out *o, uint64_t n)
{
	char digits[20];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + n % 10);
	while (n /= 10);
	put(o, digits + at, sizeof(digits) - at);
}

/* At least two digits, as dates and times are written. */
static void put_two(struct out *o, int n)
{
	if (n < 10)
		put(o, "0", 1);
	put_number(o, (uint64_t)n);
}

static void put_hex(struct out *o, uint64_t n)
{
	char digits[16];
	size_t at = sizeof(digits);

	do
		digits[--at] = "0123456789abcdef"[n & 15];
	while (n >>= 4);
	put(o, digits + at, sizeof(digits) - at);
}

/* Percent-encoded but for the bytes of `class` and of `marks`. */
static void put_encoded(struct out *o, text t, int class, const char *marks)
{
	for (size_t i = 0; i < t.len; i++) {
		unsigned char c = (unsigned char)t.at[i];

		if (is(t.at[i], class) || (c && strchr(marks, c))) {
			put(o, &c, 1);
		} else {
			const char *hex = "0123456789ABCDEF";
			char code[3] = { '%', hex[c >> 4], hex[c & 15] };

			put(o, code, 3);
		}
	}
}

/* A path: '/' stays where it separates. */
static void put_url(struct out *o, text t)
{
	put_encoded(o, t, PLAIN, "/");
}

/* A query that the client has encoded, perhaps carelessly: RFC 3986 3.4. */
static void put_query(struct out *o, text t)
{
	put_encoded(o, t, HOSTNAME, ":@/?");
}

/* How many bytes of well-formed UTF-8 (RFC 3629) begin here, 0 if none do. */
static size_t utf8_length(const unsigned char *s, size_t n)
{
	static const struct {
		unsigned char low, high, second_low, second_high, len;
	} forms[] = {
		{ 0x00, 0x7f, 0, 0, 1 },       { 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	for (size_t i = 0; i < LENGTH(forms); i++) {
		if (s[0] < forms[i].low || s[0] > forms[i].high)
			continue;
		if (forms[i].len > n)
			return 0;
		if (forms[i].len > 1 && (s[1] < forms[i].second_low || s[1] > forms[i].second_high))
			return 0;
		for (size_t k = 2; k < forms[i].len; k++)
			if ((s[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].len;
	}
	return 0;
}

/* As HTML text or a quoted attribute; what isn't printable UTF-8 becomes U+FFFD. */
static void put_html(struct out *o, text t)
{
	for (size_t i = 0, n; i < t.len; i += n) {
		const unsigned char *s = (const unsigned char *)t.at + i;

		n = utf8_length(s, t.len - i);
		if (n == 0 || (n == 1 && (s[0] < ' ' || s[0] == 0x7f)))
			n = 1, puts_out(o, "\xef\xbf\xbd");
		else if (s[0] == '&')
			puts_out(o, "&amp;");
		else if (s[0] == '<')
			puts_out(o, "&lt;");
		else if (s[0] == '>')
			puts_out(o, "&gt;");
		else if (s[0] == '"')
			puts_out(o, "&quot;");
		else if (s[0] == '\'')
			puts_out(o, "&#39;");
		else
			put(o, s, n);
	}
}

/* As a field of a log: printable ASCII, no quote, no backslash, `most` bytes at most. */
static void put_log(struct out *o, text t, size_t most)
{
	size_t begin = o->len;

	if (t.len == 0)
		puts_out(o, "-");
	for (size_t i = 0; i < t.len; i++) {
		unsigned char c = (unsigned char)t.at[i];

		if (o->len - begin + 4 > most - 3) {
			puts_out(o, "...");
			return;
		}
		if (c >= ' ' && c < 0x7f && c != '"' && c != '\\') {
			put(o, &c, 1);
		} else {
			const char *hex = "0123456789abcdef";
			char code[4] = { '\\', 'x', hex[c >> 4], hex[c & 15] };

			put(o, code, 4);
		}
	}
}

/* ---- dates (RFC 9110 5.6.7) ------------------------------------------- */

static const char *const day_names[] = { "Sunday",   "Monday", "Tuesday", "Wednesday",
					 "Thursday", "Friday", "Saturday" };
static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* Own calendar: gmtime(3) reads the zone's file first, which costs five system calls. */
static int64_t days_of(int64_t year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* False outside the years 0 to 9999, which no date of HTTP can say. */
static bool calendar(int64_t when, struct tm *tm)
{
	if (when < -62167219200 || when > 253402300799)
		return false;

	int64_t days = (when + 62167219200) / 86400, rest = (when + 62167219200) % 86400;
	int64_t z = days - 60 + 146097; /* since the first of March 400 years before */
	int64_t era = z / 146097 - 1, doe = z % 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	tm->tm_mday = (int)(doy - (153 * mp + 2) / 5 + 1);
	tm->tm_mon = (int)(mp < 10 ? mp + 2 : mp - 10);
	tm->tm_year = (int)(yoe + era * 400 + (tm->tm_mon < 2));
	tm->tm_wday = (int)((days + 6) % 7);
	tm->tm_hour = (int)(rest / 3600);
	tm->tm_min = (int)(rest / 60 % 60);
	tm->tm_sec = (int)(rest % 60);
	return true;
}

static void put_year(struct out *o, int year)
{
	put_two(o, year / 100);
	put_two(o, year % 100);
}

static void put_time(struct out *o, const struct tm *tm)
{
	put_two(o, tm->tm_hour);
	puts_out(o, ":");
	put_two(o, tm->tm_min);
	puts_out(o, ":");
	put_two(o, tm->tm_sec);
}

/* "Sun, 06 Nov 1994 08:49:37 GMT"; nothing for a time that can't be written so. */
static void put_date(struct out *o, int64_t when)
{
	struct tm tm;

	if (!calendar(when, &tm))
		return;
	put(o, day_names[tm.tm_wday], 3);
	puts_out(o, ", ");
	put_two(o, tm.tm_mday);
	puts_out(o, " ");
	put(o, &month_names[3L * tm.tm_mon], 3);
	puts_out(o, " ");
	put_year(o, tm.tm_year);
	puts_out(o, " ");
	put_time(o, &tm);
	puts_out(o, " GMT");
}

static bool take_digits(text *t, size_t n, int *value)
{
	if (t->len < n)
		return false;
	*value = 0;
	for (size_t i = 0; i < n; i++) {
		if (t->at[i] < '0' || t->at[i] > '9')
			return false;
		*value = *value * 10 + (t->at[i] - '0');
	}
	skip(t, n);
	return true;
}

static bool take_name(text *t, const char *name, size_t n)
{
	if (t->len < n || memcmp(t->at, name, n) != 0)
		return false;
	skip(t, n);
	return true;
}

static bool take_day_name(text *t, bool whole)
{
	for (size_t i = 0; i < LENGTH(day_names); i++)
		if (take_name(t, day_names[i], whole ? strlen(day_names[i]) : 3))
			return true;
	return false;
}

static bool take_month(text *t, int *month)
{
	for (int i = 0; i < 12; i++)
		if (take_name(t, month_names + (size_t)i * 3, 3)) {
			*month = i + 1;
			return true;
		}
	return false;
}

/* A two-digit year that seems more than 50 years ahead is the past's (RFC 9110 5.6.7). */
static int full_year(int two_digits, int64_t now)
{
	struct tm tm = { .tm_year = 1970 };

	(void)calendar(now, &tm);
	int year = tm.tm_year / 100 * 100 + two_digits;

	return year > tm.tm_year + 50 ? year - 100 : year;
}

/* In the order of their sizes: NOLINTNEXTLINE(bugprone-easily-swappable-parameters) */
static bool real_date(int year, int month, int day, int hour, int minute, int second)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	int most = days[month - 1] + (leap && month == 2);

	return day >= 1 && day <= most && hour < 24 && minute < 60 && second <= 60;
}

/* The three forms, a letter for what is read, anything else for itself. */
static const char *const date_forms[] = {
	"w, d b Y h:m:s GMT", /* IMF-fixdate */
	"W, d-b-y h:m:s GMT", /* RFC 850 */
	"w b e h:m:s Y",      /* asctime(3) */
};

static bool read_date(text t, const char *form, int64_t now, int64_t *when)
{
	int year = 0, month = 1, day = 0, hour = 0, minute = 0, second = 0;
	bool good = true;

	for (; *form && good; form++) {
		switch (*form) {
		case 'w': good = take_day_name(&t, false); break;
		case 'W': good = take_day_name(&t, true); break;
		case 'b': good = take_month(&t, &month); break;
		case 'd': good = take_digits(&t, 2, &day); break;
		case 'e': good = take_digits(&t, take_name(&t, " ", 1) ? 1 : 2, &day); break;
		case 'h': good = take_digits(&t, 2, &hour); break;
		case 'm': good = take_digits(&t, 2, &minute); break;
		case 's': good = take_digits(&t, 2, &second); break;
		case 'Y': good = take_digits(&t, 4, &year); break;
		case 'y':
			good = take_digits(&t, 2, &year);
			year = full_year(year, now);
			break;
		default: good = take_name(&t, form, 1);
		}
	}
	if (!good || t.len || !real_date(year, month, day, hour, minute, second))
		return false;
	*when = days_of(year, month, day) * 86400 + hour * 3600L + minute * 60L + second;
	return true;
}

static bool parse_date(text t, int64_t now, int64_t *when)
{
	for (size_t i = 0; i < LENGTH(date_forms); i++)
		if (read_date(t, date_forms[i], now, when))
			return true;
	return false;
}

void http_tell(struct http_common *common, int64_t clock, const struct timespec *wall)
{
	common->clock = clock;
	if (common->wall.tv_sec != wall->tv_sec || !common->date[0]) {
		struct out o = { common->date, 0, sizeof(common->date), false };

		put_date(&o, wall->tv_sec);
	}
	common->wall = *wall;
}

/* ---- reading a request (RFC 9112) ------------------------------------- */

/* RFC 9110 15. */
enum status {
	OK = 200,
	NO_CONTENT = 204,
	PARTIAL_CONTENT = 206,
	MOVED_PERMANENTLY = 301,
	NOT_MODIFIED = 304,
	BAD_REQUEST = 400,
	FORBIDDEN = 403,
	NOT_FOUND = 404,
	METHOD_NOT_ALLOWED = 405,
	REQUEST_TIMEOUT = 408,
	PRECONDITION_FAILED = 412,
	CONTENT_TOO_LARGE = 413,
	URI_TOO_LONG = 414,
	RANGE_NOT_SATISFIABLE = 416,
	EXPECTATION_FAILED = 417,
	MISDIRECTED_REQUEST = 421,
	FIELDS_TOO_LARGE = 431,
	SERVER_ERROR = 500,
	NOT_IMPLEMENTED = 501,
	UNAVAILABLE = 503,
	VERSION_NOT_SUPPORTED = 505,
};

enum method { GET, HEAD, POST, OPTIONS, PUT, DELETE, PATCH, TRACE, CONNECT, OTHER };

static const text methods[] = {
	[GET] = TEXT("GET"),         [HEAD] = TEXT("HEAD"),   [POST] = TEXT("POST"),
	[OPTIONS] = TEXT("OPTIONS"), [PUT] = TEXT("PUT"),     [DELETE] = TEXT("DELETE"),
	[PATCH] = TEXT("PATCH"),     [TRACE] = TEXT("TRACE"), [CONNECT] = TEXT("CONNECT"),
};
static const char allowed[] = "GET, HEAD, POST, OPTIONS";

enum field {
	HOST,
	CONTENT_LENGTH,
	TRANSFER_ENCODING,
	CONNECTION,
	EXPECT,
	RANGE,
	IF_RANGE,
	IF_MATCH,
	IF_NONE_MATCH,
	IF_MODIFIED_SINCE,
	IF_UNMODIFIED_SINCE,
	ACCEPT_ENCODING,
	REFERER,
	USER_AGENT,
	FIELDS,
};

static const text fields[FIELDS] = {
	[HOST] = TEXT("Host"),
	[CONTENT_LENGTH] = TEXT("Content-Length"),
	[TRANSFER_ENCODING] = TEXT("Transfer-Encoding"),
	[CONNECTION] = TEXT("Connection"),
	[EXPECT] = TEXT("Expect"),
	[RANGE] = TEXT("Range"),
	[IF_RANGE] = TEXT("If-Range"),
	[IF_MATCH] = TEXT("If-Match"),
	[IF_NONE_MATCH] = TEXT("If-None-Match"),
	[IF_MODIFIED_SINCE] = TEXT("If-Modified-Since"),
	[IF_UNMODIFIED_SINCE] = TEXT("If-Unmodified-Since"),
	[ACCEPT_ENCODING] = TEXT("Accept-Encoding"),
	[REFERER] = TEXT("Referer"),
	[USER_AGENT] = TEXT("User-Agent"),
};

/* All that one request said. Cleared as a whole before each. */
struct request {
	enum method method;
	int minor; /* of HTTP/1.x */
	bool close, expect, chunked;
	uint64_t length;              /* of a body that isn't chunked */
	size_t blanks, lines, header; /* empty lines before, lines, and bytes after the first */
	text line, method_name, target, path, query, authority;
	text value[FIELDS];   /* of the first line with that name, */
	uint8_t seen[FIELDS]; /* and how many there were */
	const char *head_end;
	int refusal;        /* 0, or the status that it is refused with, */
	const char *reason; /* and why */
};

/* For the reader of the log: what is wrong with the request. */
static int refused(struct request *req, enum status status, const char *reason)
{
	req->refusal = (int)status;
	req->reason = reason;
	return req->refusal;
}

/* What reading says: not all of it is there yet; it is; struct request says what is wrong with it. */
enum reading { MORE, WHOLE, REFUSED };

static enum reading unreadable(struct request *req, enum status status, const char *reason)
{
	(void)refused(req, status, reason);
	return REFUSED;
}

static int bad(struct request *req, const char *reason)
{
	return refused(req, BAD_REQUEST, reason);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 32) >= 'a' && (c | 32) <= 'f')
		return (c | 32) - 'a' + 10;
	return -1;
}

/* The byte that "%hh" at t[i] stands for, -1 if it isn't one. */
static int percent(text t, size_t i)
{
	if (i + 2 >= t.len)
		return -1;

	int high = hex_digit(t.at[i + 1]), low = hex_digit(t.at[i + 2]);

	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* Every '%' begins an encoded byte; where `name`, none of them is NUL or a slash. */
static bool percent_encoded(text t, bool name)
{
	for (const char *at = t.at, *end = t.at + t.len; at < end; at++) {
		if (*at != '%')
			continue;
		int c = percent(t, (size_t)(at - t.at));

		if (c < 0 || (name && (c == 0 || c == '/')))
			return false;
	}
	return true;
}

static bool all_digits(text t)
{
	for (size_t i = 0; i < t.len; i++)
		if (t.at[i] < '0' || t.at[i] > '9')
			return false;
	return true;
}

/* Digits only, at least one; what is too large for 64 bits becomes the largest. */
static bool read_number(text t, uint64_t *n)
{
	if (t.len == 0 || !all_digits(t))
		return false;
	*n = 0;
	for (size_t i = 0; i < t.len; i++) {
		unsigned digit = (unsigned)(t.at[i] - '0');

		*n = *n > (UINT64_MAX - digit) / 10 ? UINT64_MAX : *n * 10 + digit;
	}
	return true;
}

/* RFC 9110 7.2, 4.2.1 (an http URI has a host), 4.2.4 (and no user), RFC 3986 3.2. */
static bool valid_authority(text t)
{
	size_t host = 0;

	if (t.len && t.at[0] == '[') {
		char address[INET6_ADDRSTRLEN];
		struct in6_addr in6;
		const char *end = memchr(t.at, ']', t.len);

		if (!end || (size_t)(end - t.at) > sizeof(address))
			return false;
		memcpy(address, t.at + 1, (size_t)(end - t.at) - 1);
		address[end - t.at - 1] = '\0';
		if (inet_pton(AF_INET6, address, &in6) != 1)
			return false;
		host = (size_t)(end - t.at) + 1;
	} else {
		while (host < t.len && is(t.at[host], HOSTNAME))
			host++;
		if (!percent_encoded((text){ t.at, host }, true))
			return false;
	}

	uint64_t port = 0;
	text rest = { t.at + host, t.len - host };

	if (host == 0 || (rest.len && rest.at[0] != ':'))
		return false;
	return rest.len <= 1 ||
	       (read_number((text){ rest.at + 1, rest.len - 1 }, &port) && port <= 65535);
}

/* http://authority; an https URI must not be answered on a plain connection (RFC 9110 7.4). */
static int read_authority(struct request *req, text *target)
{
	static const text plain = TEXT("http://"), secure = TEXT("https://");
	bool https = target->len > secure.len && alike((text){ target->at, secure.len }, secure);
	size_t begin = https ? secure.len : plain.len, end = begin;

	if (!https && (target->len <= plain.len || !alike((text){ target->at, plain.len }, plain)))
		return bad(req, "a target that is neither a path nor a URI of http");
	while (end < target->len && target->at[end] != '/' && target->at[end] != '?')
		end++;
	req->authority = (text){ target->at + begin, end - begin };
	skip(target, end);
	if (!valid_authority(req->authority))
		return bad(req, "a target whose host or port is none");
	return https ? refused(req, MISDIRECTED_REQUEST, "https on a connection without TLS") : 0;
}

/* The four forms of RFC 9112 3.2: 0 or a status. */
static int read_target(struct request *req)
{
	text t = req->target;

	if (t.len == 0 || !all_of(t, TARGET))
		return bad(req, "a target that is empty, or has bytes that none may have");
	if (req->method == CONNECT)
		return 0; /* whatever it names, the answer is 405 */
	if (same(t, text_of("*")))
		return req->method == OPTIONS ? 0 : bad(req, "a target of * without OPTIONS");
	if (t.at[0] != '/') {
		int status = read_authority(req, &t);

		if (status)
			return status;
	}

	const char *question = t.len ? memchr(t.at, '?', t.len) : NULL;
	size_t path = question ? (size_t)(question - t.at) : t.len;

	req->path = path ? (text){ t.at, path } : text_of("/");
	req->query = (text){ t.at + path, t.len - path };
	if (!percent_encoded(req->path, true) || !percent_encoded(req->query, false))
		return bad(req, "a % that encodes no byte, or a NUL or slash of a name");
	return 0;
}

static enum method find_method(text name)
{
	enum method m = GET;

	while (m < OTHER && !same(name, methods[m]))
		m++;
	return m;
}

/* Of a line that may be only begun: false if it doesn't begin with a method and a space. */
static bool read_method(struct request *req, text line)
{
	const char *space = memchr(line.at, ' ', line.len);
	text name = { line.at, space ? (size_t)(space - line.at) : 0 };

	if (name.len == 0 || !all_of(name, TOKEN))
		return false;
	req->method_name = name;
	req->method = find_method(name);
	return true;
}

/* method SP request-target SP HTTP-version, and nothing else: 0 or a status. */
static int read_request_line(struct request *req, text line)
{
	text rest = line;

	req->line = line;
	if (!read_method(req, line))
		return bad(req, "a request line without a method");
	skip(&rest, req->method_name.len + 1);

	const char *space = memchr(rest.at, ' ', rest.len);

	if (!space)
		return bad(req, "a request line without a version");
	req->target = (text){ rest.at, (size_t)(space - rest.at) };
	skip(&rest, req->target.len + 1);

	const text version = rest;

	if (version.len != 8 || memcmp(version.at, "HTTP/", 5) != 0 || version.at[6] != '.' ||
	    hex_digit(version.at[5]) > 9 || hex_digit(version.at[7]) > 9 ||
	    hex_digit(version.at[5]) < 0 || hex_digit(version.at[7]) < 0)
		return bad(req, "a version that is none of HTTP");
	if (version.at[5] != '1')
		return refused(req, VERSION_NOT_SUPPORTED, "a version that is not 1.0 or 1.1");
	req->minor = version.at[7] - '0';
	return read_target(req);
}

static enum field find_field(text name)
{
	enum field f = HOST;

	while (f < FIELDS && !alike(name, fields[f]))
		f++;
	return f;
}

/* field-name ":" OWS field-value OWS; no space before the colon (RFC 9112 5.1), no fold (5.2). */
static bool split_field(text line, text *name, text *value)
{
	const char *colon = memchr(line.at, ':', line.len);

	if (!colon)
		return false;
	*name = (text){ line.at, (size_t)(colon - line.at) };
	*value = text_trim((text){ colon + 1, line.len - name->len - 1 });
	return name->len && all_of(*name, TOKEN) && all_of(*value, VALUE);
}

static int read_field(struct request *req, text line)
{
	text name, value;

	if (!split_field(line, &name, &value))
		return bad(req, "a field line that is none");

	enum field f = find_field(name);

	if (f == FIELDS)
		return 0;
	if (f == HOST && req->seen[HOST])
		return bad(req, "two Host fields");
	if (f == HOST && !valid_authority(value))
		return bad(req, "a Host field whose host or port is none");
	if (f == CONTENT_LENGTH) {
		uint64_t length;

		/* the same length twice may be refused too (RFC 9110 8.6), as other readers do */
		if (req->seen[CONTENT_LENGTH])
			return bad(req, "two Content-Length fields");
		if (!read_number(value, &length))
			return bad(req, "a Content-Length that is no number");
		req->length = length;
	}
	if (!req->seen[f])
		req->value[f] = value;
	if (req->seen[f] < UINT8_MAX)
		req->seen[f]++;
	return 0;
}

/* The elements of a field that is a list (RFC 9110 5.6.1), over all the lines it came in. */
struct field_list {
	const struct request *req;
	enum field field;
	text left; /* of this line's value */
	text head; /* the lines after it */
};

static struct field_list elements_of(const struct request *req, enum field field)
{
	struct field_list list = { req, field, req->value[field], { NULL, 0 } };

	if (req->seen[field] > 1) {
		const char *end = list.left.at + list.left.len;

		list.head = (text){ end, (size_t)(req->head_end - end) };
	}
	return list;
}

/* The first of the lines to come is what is left of the one that was read last. */
static bool next_list_line(struct field_list *list)
{
	const char *nl;

	while (list->head.len && (nl = memchr(list->head.at, '\n', list->head.len))) {
		skip(&list->head, (size_t)(nl + 1 - list->head.at));
		nl = memchr(list->head.at, '\r', list->head.len);

		text name, line = { list->head.at, nl ? (size_t)(nl - list->head.at) : 0 };

		if (split_field(line, &name, &list->left) && alike(name, fields[list->field]))
			return true;
	}
	return false;
}

/* Empty elements are skipped; a comma between quotes is no comma. */
static bool next_element(struct field_list *list, text *item)
{
	do {
		while (list->left.len) {
			bool quoted = false;
			size_t n = 0;

			for (; n < list->left.len && (quoted || list->left.at[n] != ','); n++)
				quoted ^= list->left.at[n] == '"';
			*item = text_trim((text){ list->left.at, n });
			skip(&list->left, n + (n < list->left.len));
			if (item->len)
				return true;
		}
	} while (next_list_line(list));
	return false;
}

static bool list_has(const struct request *req, enum field field, const char *token)
{
	struct field_list list = elements_of(req, field);
	text item;

	while (req->seen[field] && next_element(&list, &item))
		if (alike(item, text_of(token)))
			return true;
	return false;
}

/*
 * Where does the body end (RFC 9112 6.1, 6.3)? Nothing but "chunked" is
 * understood: 501 if chunked comes last after something else, 400 if it does
 * not come last or comes twice, for then nobody can tell.
 */
static int read_coding(struct request *req)
{
	struct field_list list = elements_of(req, TRANSFER_ENCODING);
	text item, last = { "", 0 };
	int codings = 0, chunked = 0;

	while (next_element(&list, &item)) {
		codings++;
		chunked += alike(item, text_of("chunked"));
		last = item;
	}
	if (req->minor == 0)
		return bad(req, "Transfer-Encoding in HTTP/1.0");
	if (req->seen[CONTENT_LENGTH])
		return bad(req, "both Transfer-Encoding and Content-Length");
	if (chunked != 1 || !alike(last, text_of("chunked")))
		return bad(req, "a Transfer-Encoding that does not end with one chunked");
	if (codings > 1)
		return refused(req, NOT_IMPLEMENTED, "a Transfer-Encoding beside chunked");
	if (req->seen[TRANSFER_ENCODING] != 1 ||
	    !alike(req->value[TRANSFER_ENCODING], text_of("chunked")))
		/* ", chunked": one reader's chunked is another's unknown */
		return bad(req, "a Transfer-Encoding with empty elements");
	req->chunked = true;
	return 0;
}

/* What can only be judged when all the fields are there: 0 or a status. */
static int read_framing(struct request *req, const struct http_limits *limits)
{
	if (req->minor >= 1 && !req->seen[HOST])
		return bad(req, "no Host field");
	if (req->seen[TRANSFER_ENCODING]) {
		int status = read_coding(req);

		if (status)
			return status;
	}
	req->close = req->minor == 0 ? !list_has(req, CONNECTION, "keep-alive") : false;
	if (list_has(req, CONNECTION, "close"))
		req->close = true;
	if (req->length > limits->body)
		return refused(req, CONTENT_TOO_LARGE, "a body larger than --body-max");
	if (req->seen[EXPECT] && req->minor >= 1) { /* RFC 9110 10.1.1: not in 1.0 */
		struct field_list list = elements_of(req, EXPECT);
		text item;

		for (; next_element(&list, &item); req->expect = true)
			if (!alike(item, text_of("100-continue")))
				return refused(req, EXPECTATION_FAILED, "an unknown expectation");
	}
	return 0;
}

static bool skip_token(text *t)
{
	size_t n = 0;

	while (n < t->len && is(t->at[n], TOKEN))
		n++;
	skip(t, n);
	return n > 0;
}

static bool skip_quoted(text *t)
{
	for (size_t i = 1; i < t->len; i++) {
		if (t->at[i] == '\\') {
			i++;
		} else if (t->at[i] == '"') {
			skip(t, i + 1);
			return true;
		}
	}
	return false;
}

/*
 * *( ";" name [ "=" value ] ). RFC 9110 5.6.3 has a recipient take blanks around the marks, which no
 * sender may generate. Not all do; and where readers disagree on a chunk, requests are smuggled.
 */
static bool valid_extensions(text t)
{
	while (t.len) {
		if (!skip_char(&t, ';') || !skip_token(&t))
			return false;
		if (skip_char(&t, '=') &&
		    !(t.len && t.at[0] == '"' ? skip_quoted(&t) : skip_token(&t)))
			return false;
	}
	return true;
}

/* chunk-size [ chunk-ext ] (RFC 9112 7.1), without its line end. */
static bool read_chunk_size(text line, uint64_t *size)
{
	size_t n = 0;

	*size = 0;
	while (n < line.len && n < 16 && hex_digit(line.at[n]) >= 0)
		*size = *size << 4 | (uint64_t)hex_digit(line.at[n++]);
	text rest = { line.at + n, line.len - n };

	return n && all_of(rest, VALUE) && valid_extensions(rest);
}

/* ---- what the client accepts, has, and wants part of (RFC 9110 12 to 14) -- */

enum coding { IDENTITY, BR, ZSTD, GZIP, CODINGS };

static const struct {
	text name;
	const char *ending;
} codings[CODINGS] = {
	[IDENTITY] = { TEXT("identity"), "" },
	[BR] = { TEXT("br"), ".br" },
	[ZSTD] = { TEXT("zstd"), ".zst" },
	[GZIP] = { TEXT("gzip"), ".gz" },
};

/* The codings worth looking for, best first; identity ends it, whatever else was said. */
struct preference {
	uint8_t order[CODINGS];
};

/* weight = OWS ";" OWS "q=" qvalue, in thousandths; -1 if it is none. */
static int read_weight(text t)
{
	if (t.len == 0)
		return 1000;
	if (!skip_char(&t, ';'))
		return -1;
	skip_blank(&t);
	if (t.len < 3 || t.len > 7 || (t.at[0] | 32) != 'q' || t.at[1] != '=')
		return -1;
	skip(&t, 2);

	int weight = (t.at[0] - '0') * 1000, place = 100;

	if (t.at[0] != '0' && t.at[0] != '1')
		return -1;
	skip(&t, 1);
	if (t.len && !skip_char(&t, '.'))
		return -1;
	if (!all_digits(t))
		return -1;
	for (; t.len; skip(&t, 1), place /= 10)
		weight += (t.at[0] - '0') * place;
	return weight <= 1000 ? weight : -1;
}

static enum coding find_coding(text name)
{
	enum coding c = IDENTITY;

	if (alike(name, text_of("x-gzip"))) /* RFC 9110 8.4.1.3 */
		return GZIP;
	while (c < CODINGS && !alike(name, codings[c].name))
		c++;
	return c;
}

static struct preference read_preference(const struct request *req)
{
	int weight[CODINGS] = { -1, -1, -1, -1 }, star = -1;
	struct preference preference = { { IDENTITY } };
	struct field_list list;
	text item;

	if (!req->seen[ACCEPT_ENCODING])
		return preference;
	list = elements_of(req, ACCEPT_ENCODING);
	while (next_element(&list, &item)) {
		const char *semicolon = memchr(item.at, ';', item.len);
		size_t n = semicolon ? (size_t)(semicolon - item.at) : item.len;
		text name = text_trim((text){ item.at, n });
		enum coding c = find_coding(name);
		int w = read_weight((text){ item.at + n, item.len - n });

		if (w < 0)
			w = 0;
		if (same(name, text_of("*")))
			star = w;
		else if (c < CODINGS)
			weight[c] = w;
	}
	for (int c = 0; c < CODINGS; c++)
		if (weight[c] < 0)
			weight[c] = star;

	size_t n = 0;

	for (;;) { /* the heaviest first; of equals the better one, as the enum has them */
		int best = IDENTITY;

		for (int c = BR; c < CODINGS; c++)
			if (weight[c] > 0 && (best == IDENTITY ? weight[c] >= weight[best]
							       : weight[c] > weight[best]))
				best = c;
		if (best == IDENTITY)
			return preference;
		preference.order[n++] = (uint8_t)best;
		preference.order[n] = IDENTITY;
		weight[best] = 0;
	}
}

/* How long ago it was, in ms; what is far away is only so far, for a time may be anything. */
static int64_t age_of(struct timespec then, const struct timespec *now)
{
	const int64_t far = 1000;

	if (then.tv_sec < now->tv_sec - far || then.tv_sec > now->tv_sec + far)
		return then.tv_sec < now->tv_sec ? far * 1000 : -far * 1000;
	return (now->tv_sec - then.tv_sec) * 1000 + (now->tv_nsec - then.tv_nsec) / 1000000;
}

/*
 * The ms within which two changes of a file may leave it the same times: times move in ticks of the
 * kernel's clock, or, where none has a fraction, in seconds or two (a FAT, small inodes of ext4).
 */
static int64_t tick_of(const struct stat *st)
{
	return st->st_mtim.tv_nsec == 0 && st->st_ctim.tv_nsec == 0 ? COARSE_TICK : FINE_TICK;
}

enum { ETAG_SIZE = 64 };

static uint64_t nanoseconds(struct timespec time)
{
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/*
 * Strong: another size, another time of modification or another coding is another representation;
 * of a file that is copied with its times the tag is the same, on any machine. But while the file
 * may change again within a tick, the tag is a weak one that matches none of a later moment.
 */
static void make_etag(char etag[ETAG_SIZE], const struct stat *st, enum coding coding,
		      const struct timespec *now)
{
	struct out o = { etag, 0, ETAG_SIZE - 1, false };
	int64_t age = age_of(st->st_mtim, now);
	bool weak = -tick_of(st) <= age && age <= tick_of(st);

	puts_out(&o, weak ? "W/\"" : "\"");
	put_hex(&o, (uint64_t)st->st_size);
	puts_out(&o, "-");
	put_hex(&o, nanoseconds(st->st_mtim));
	if (weak) {
		puts_out(&o, "-");
		put_hex(&o, nanoseconds(*now));
	}
	if (coding != IDENTITY) {
		puts_out(&o, "-");
		put_text(&o, codings[coding].name);
	}
	puts_out(&o, "\"");
	etag[o.len] = '\0';
}

static bool skip_weakness(text *tag)
{
	bool weak = tag->len > 2 && memcmp(tag->at, "W/", 2) == 0;

	if (weak)
		skip(tag, 2);
	return weak;
}

/* RFC 9110 8.8.3.2: the weak comparison ignores W/, in the strong one nothing weak matches. */
static bool same_etag(text a, text b, bool weak)
{
	bool either = skip_weakness(&a);

	either |= skip_weakness(&b);
	return (weak || !either) && same(a, b);
}

static bool etag_listed(const struct request *req, enum field field, const char *etag, bool weak)
{
	struct field_list list = elements_of(req, field);
	text item;

	if (same(text_trim(req->value[field]), text_of("*")))
		return true;
	while (next_element(&list, &item))
		if (same_etag(item, text_of(etag), weak))
			return true;
	return false;
}

static bool field_date(const struct request *req, enum field field, int64_t now, int64_t *when)
{
	return req->seen[field] == 1 && parse_date(req->value[field], now, when);
}

/*
 * RFC 9110 13.2.2, in its order: 0, 304 or 412. A listing has neither tag (it is "") nor date
 * (NULL), but "*" is asked of anything (13.1.1, 13.1.2).
 */
static int judge_conditions(const struct request *req, const char *etag, const int64_t *modified,
			    int64_t now)
{
	bool reads = req->method != POST; /* only then may the answer be 304 */
	int64_t when;

	if (req->seen[IF_MATCH]) {
		if (!etag_listed(req, IF_MATCH, etag, false))
			return PRECONDITION_FAILED;
	} else if (modified && field_date(req, IF_UNMODIFIED_SINCE, now, &when) &&
		   *modified > when) {
		return PRECONDITION_FAILED;
	}
	if (req->seen[IF_NONE_MATCH]) {
		if (!etag_listed(req, IF_NONE_MATCH, etag, true))
			return 0;
		return reads ? NOT_MODIFIED : PRECONDITION_FAILED;
	}
	if (reads && modified && field_date(req, IF_MODIFIED_SINCE, now, &when) &&
	    *modified <= when)
		return NOT_MODIFIED;
	return 0;
}

struct range {
	uint64_t begin, end; /* end is the byte after the last */
};

struct ranges {
	size_t count;
	struct range part[PARTS_MOST];
};

enum range_kind { RANGE_WHOLE, RANGE_PARTS, RANGE_NONE };

/* RFC 9110 13.1.5: a strong tag that matches, or the very date, when it is a strong validator. */
static bool range_still_good(const struct request *req, const char *etag, int64_t modified,
			     int64_t now)
{
	text t = req->value[IF_RANGE];
	int64_t when;

	if (!req->seen[IF_RANGE])
		return true;
	if (req->seen[IF_RANGE] > 1)
		return false;
	if (same_etag(t, text_of(etag), false))
		return true;
	return parse_date(t, now, &when) && when == modified && modified < now;
}

/* One range-spec of RFC 9110 14.1.1: false if it is malformed; empty if there is nothing there. */
static bool read_range(text t, uint64_t size, struct range *range)
{
	const char *dash = memchr(t.at, '-', t.len);

	if (!dash)
		return false;
	text first = { t.at, (size_t)(dash - t.at) };
	text last = { dash + 1, t.len - first.len - 1 };
	uint64_t n, m = UINT64_MAX;

	if (first.len == 0) {
		if (!read_number(last, &n))
			return false;
		*range = (struct range){ n < size ? size - n : 0, n ? size : 0 };
		return true;
	}
	if (!read_number(first, &n) || (last.len && (!read_number(last, &m) || m < n)))
		return false;
	*range = (struct range){ n, m < size ? m + 1 : size };
	return true;
}

/*
 * The whole is sent for what isn't understood, and (14.2) for what looks like
 * an attack: too many ranges, or some that overlap.
 */
static enum range_kind read_ranges(text value, uint64_t size, struct ranges *ranges)
{
	static const text unit = TEXT("bytes=");
	size_t asked = 0;

	ranges->count = 0;
	if (value.len < unit.len || !alike((text){ value.at, unit.len }, unit))
		return RANGE_WHOLE;
	skip(&value, unit.len);
	while (value.len) {
		const char *comma = memchr(value.at, ',', value.len);
		size_t n = comma ? (size_t)(comma - value.at) : value.len;
		text item = text_trim((text){ value.at, n });
		struct range range;

		skip(&value, n + (comma != NULL));
		if (item.len == 0)
			continue;
		if (!read_range(item, size, &range) || asked++ == PARTS_MOST)
			return RANGE_WHOLE;
		if (range.begin >= range.end)
			continue;
		for (size_t i = 0; i < ranges->count; i++)
			if (range.begin < ranges->part[i].end && ranges->part[i].begin < range.end)
				return RANGE_WHOLE;
		ranges->part[ranges->count++] = range;
	}
	if (ranges->count)
		return RANGE_PARTS;
	return asked ? RANGE_NONE : RANGE_WHOLE;
}

/* ---- names to descriptors ---------------------------------------------- */

/*
 * How much is left of the first n bytes of a path when their last segment ends: "." goes, and ".."
 * goes with the segment before it. ABOVE if there is none before it, for that is above the root.
 */
enum { ABOVE = PATH_MAX };

static size_t end_segment(const char *path, size_t n)
{
	size_t begin = n;

	while (begin && path[begin - 1] == '.')
		begin--;
	if (begin == n || n - begin > 2 || (begin && path[begin - 1] != '/'))
		return n;
	if (n - begin == 1)
		return begin;
	if (begin == 0)
		return ABOVE;
	do
		begin--;
	while (begin && path[begin - 1] != '/');
	return begin;
}

/*
 * A decoded name below the root: no leading slash, single slashes, no dot segments (RFC 3986 5.2.4;
 * an encoded dot is a dot, 6.2.2.2), NUL-ended. What ends with a dot segment is a folder, and ends
 * with a slash here. 0 or a status.
 */
static int decode_path(text raw, char path[PATH_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < raw.len; i++) {
		char c = raw.at[i];

		if (c == '%') {
			c = (char)percent(raw, i);
			i += 2;
		}
		if (c == '/') {
			n = end_segment(path, n);
			if (n == ABOVE)
				return BAD_REQUEST;
			if (n == 0 || path[n - 1] == '/')
				continue;
		}
		if (n == PATH_MAX - 1)
			return NOT_FOUND;
		path[n++] = c;
	}
	n = end_segment(path, n);
	if (n == ABOVE)
		return BAD_REQUEST;
	path[n] = '\0';
	return 0;
}

/* Does some folder or file in it begin with a dot? (.well-known is RFC 8615's) */
static bool hidden(const char *path)
{
	static const char known[] = ".well-known";

	for (const char *at = path; at; at = strchr(at, '/')) {
		at += *at == '/';
		size_t n = strcspn(at, "/");

		if (at[0] == '.' && (n != sizeof(known) - 1 || memcmp(at, known, n) != 0))
			return true;
	}
	return false;
}

/* The folders between the root and where a walk is. */
struct walk {
	int fd[WALK_DEPTH + 1];
	int depth, links;
	int found;           /* what the name leads to, when it has ended, or -1 */
	char rest[PATH_MAX]; /* of the name, still to go */
};

/* Puts what a link says before what is left of the name. */
static int walk_link(struct walk *w, const char *name, const char *after)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(w->fd[w->depth], name, target, sizeof(target));

	if (n < 0)
		return -errno;
	if (n == 0 || target[0] == '/')
		return -EXDEV;
	if (++w->links > WALK_LINKS)
		return -ELOOP;

	size_t rest = strlen(after);

	if ((size_t)n + rest + 2 > sizeof(w->rest))
		return -ENAMETOOLONG;
	memmove(w->rest + n + 1, after, rest + 1);
	memcpy(w->rest, target, (size_t)n);
	w->rest[n] = '/';
	if (rest == 0)
		w->rest[n] = '\0';
	return 0;
}

/* Those two say that it is no folder, or a link; to one, perhaps. */
static int walk_link_if(struct walk *w, const char *name, const char *after, int error)
{
	int status = error;

	if (error == -ENOTDIR || error == -ELOOP)
		status = walk_link(w, name, after);
	return status == -EINVAL ? error : status;
}

static int walk_down(struct walk *w, const char *name)
{
	if (strcmp(name, ".") == 0)
		return 0;
	if (strcmp(name, "..") == 0) {
		if (w->depth == 0)
			return -EXDEV;
		close(w->fd[w->depth--]);
		return 0;
	}
	if (w->depth == WALK_DEPTH)
		return -ENAMETOOLONG;

	int fd = openat(w->fd[w->depth], name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	w->fd[++w->depth] = fd;
	return 0;
}

/* Opens the last name, which has no slash behind it: 0, and w->found or a link to follow, or -errno. */
static int walk_last(struct walk *w, const char *name, int flags)
{
	int fd = openat(w->fd[w->depth], name, flags | O_NOFOLLOW);
	int error = fd < 0 ? errno : 0;

	if (fd >= 0 && flags & O_PATH) { /* which opens a link itself */
		struct stat st;

		if (fstat(fd, &st) < 0)
			error = errno;
		else if (S_ISLNK(st.st_mode))
			error = ELOOP;
	}
	if (error == 0) {
		w->found = fd;
		return 0;
	}
	if (fd >= 0)
		close(fd);
	return walk_link_if(w, name, "", -error);
}

/* The next step: 0, and w->found if the name has ended here, or -errno. */
static int walk_step(struct walk *w, int flags)
{
	char name[PATH_MAX];
	size_t slashes = strspn(w->rest, "/"), n = strcspn(w->rest + slashes, "/");
	const char *after = w->rest + slashes + n;
	bool last = after[strspn(after, "/")] == '\0';
	int status;

	memcpy(name, w->rest + slashes, n);
	name[n] = '\0';
	if (last && (n == 0 || strcmp(name, "..") == 0 || strcmp(name, ".") == 0)) {
		status = n ? walk_down(w, name) : 0;
		if (status)
			return status;
		w->found = openat(w->fd[w->depth], ".", flags);
		return w->found < 0 ? -errno : 0;
	}
	if (last && *after == '\0')
		return walk_last(w, name, flags);
	status = walk_down(w, name);
	if (status)
		return walk_link_if(w, name, after, status);
	memmove(w->rest, after, strlen(after) + 1);
	return 0;
}

/* What openat2(2) does with RESOLVE_BENEATH, for kernels before 5.6. */
static int open_walking(int root, const char *path, int flags)
{
	struct walk w = { .fd = { root }, .found = -1 };
	int error = 0;

	if (strlen(path) >= sizeof(w.rest))
		return -ENAMETOOLONG;
	memcpy(w.rest, path, strlen(path) + 1);
	while (error == 0 && w.found < 0)
		error = walk_step(&w, flags);
	while (w.depth)
		close(w.fd[w.depth--]);
	return error ? error : w.found;
}

/*
 * The one way from a name to a descriptor: of a page, an index, a compressed
 * sibling, an error page, an entry of a listing. -errno if there is none.
 */
static int open_beneath(const struct http_site *site, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned)(flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	const char *name = *path ? path : ".";
	long fd;

	if (hidden(path))
		return -ENOENT;
	if (flags & O_PATH)
		how.flags &= ~(uint64_t)(O_NONBLOCK | O_NOCTTY);
	if (site->walk)
		return open_walking(site->root, name, (int)how.flags);
	for (int tries = 0; tries < 8; tries++) { /* EAGAIN: something was renamed meanwhile */
		fd = syscall(SYS_openat2, site->root, name, &how, sizeof(how));
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	/* an old kernel, an old sandbox, a machine that renames all the time */
	if (fd < 0 && (errno == ENOSYS || errno == EPERM || errno == EAGAIN))
		return open_walking(site->root, name, (int)how.flags);
	return fd < 0 ? -errno : (int)fd;
}

/* It isn't there; or it is, but; or it couldn't be found out, which is no reason to say 404. */
static int status_of(int error)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
	case EXDEV: /* it is outside */
	case ELOOP:
	case ENAMETOOLONG:
	case EINVAL: /* what no name may be here, for this and some file systems */
	case EILSEQ:
	case ENXIO: /* a socket, a device */
	case ENODEV: return NOT_FOUND;
	case EACCES:
	case EPERM: return FORBIDDEN;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case EINTR:
	case EAGAIN: return UNAVAILABLE;
	default: return SERVER_ERROR;
	}
}

struct file {
	int fd; /* or -errno */
	struct stat st;
};

/* A regular file, or a folder where one will do. */
static struct file open_file(const struct http_site *site, const char *path, bool folder)
{
	struct file file = { .fd = open_beneath(site, path, O_RDONLY) };
	int error = 0;

	if (file.fd < 0)
		return file;
	if (fstat(file.fd, &file.st) < 0)
		error = errno;
	else if (!S_ISREG(file.st.st_mode) && !(folder && S_ISDIR(file.st.st_mode)))
		error = ENOENT;
	if (error) {
		close(file.fd);
		file.fd = -error;
	}
	return file;
}

static void name_sibling(char name[PATH_MAX + 4], const char *path, enum coding coding)
{
	stpcpy(stpcpy(name, path), codings[coding].ending);
}

static bool is_older(const struct stat *a, const struct stat *b)
{
	if (a->st_mtim.tv_sec != b->st_mtim.tv_sec)
		return a->st_mtim.tv_sec < b->st_mtim.tv_sec;
	return a->st_mtim.tv_nsec < b->st_mtim.tv_nsec;
}

/* The best sibling that the client likes, holds something and is not older; the file is closed. */
OWN_FRAME static enum coding open_sibling(const struct http_site *site, const char *path,
					  const struct preference *preference, struct file *file)
{
	char name[PATH_MAX + 4];

	for (const uint8_t *c = preference->order; *c != IDENTITY; c++) {
		name_sibling(name, path, *c);

		struct file sibling = open_file(site, name, false);

		if (sibling.fd < 0)
			continue;
		if (sibling.st.st_size > 0 && !is_older(&sibling.st, &file->st)) {
			close(file->fd);
			*file = sibling;
			return *c;
		}
		close(sibling.fd);
	}
	return IDENTITY;
}

/*
 * By the ending of a name, in any case; the frequent ones first. Text is UTF-8, but where the format
 * has its own way to say so.
 */
static const struct type {
	const char *name, *endings;
} types[] = {
	{ "text/html", " html htm" },
	{ "text/css; charset=utf-8", " css" },
	{ "text/javascript; charset=utf-8", " js mjs" },
	{ "image/jpeg", " jpg jpeg jpe jfif" },
	{ "image/png", " png" },
	{ "image/svg+xml", " svg" },
	{ "application/atom+xml", " atom" },
	{ "application/cbor", " cbor" },
	{ "application/dash+xml", " mpd" },
	{ "application/epub+zip", " epub" },
	{ "application/geo+json", " geojson" },
	{ "application/gzip", " gz tgz" },
	{ "application/java-archive", " jar" },
	{ "application/json", " json map" },
	{ "application/ld+json", " jsonld" },
	{ "application/manifest+json", " webmanifest" },
	{ "application/msword", " doc" },
	{ "application/octet-stream", " bin" },
	{ "application/pdf", " pdf" },
	{ "application/postscript", " ai eps ps" },
	{ "application/rss+xml", " rss" },
	{ "application/rtf", " rtf" },
	{ "application/vnd.android.package-archive", " apk" },
	{ "application/vnd.apple.mpegurl", " m3u8" },
	{ "application/vnd.debian.binary-package", " deb" },
	{ "application/vnd.ms-excel", " xls" },
	{ "application/vnd.ms-fontobject", " eot" },
	{ "application/vnd.ms-powerpoint", " ppt" },
	{ "application/vnd.oasis.opendocument.presentation", " odp" },
	{ "application/vnd.oasis.opendocument.spreadsheet", " ods" },
	{ "application/vnd.oasis.opendocument.text", " odt" },
	{ "application/vnd.openxmlformats-officedocument.presentationml.presentation", " pptx" },
	{ "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", " xlsx" },
	{ "application/vnd.openxmlformats-officedocument.wordprocessingml.document", " docx" },
	{ "application/vnd.rar", " rar" },
	{ "application/wasm", " wasm" },
	{ "application/x-7z-compressed", " 7z" },
	{ "application/x-bittorrent", " torrent" },
	{ "application/x-brotli", " br" },
	{ "application/x-bzip2", " bz2" },
	{ "application/x-iso9660-image", " iso" },
	{ "application/x-pem-file", " pem" },
	{ "application/x-rpm", " rpm" },
	{ "application/x-tar", " tar" },
	{ "application/x-xz", " xz" },
	{ "application/xhtml+xml", " xhtml" },
	{ "application/xml", " xml" },
	{ "application/xslt+xml", " xsl" },
	{ "application/yaml", " yaml yml" },
	{ "application/zip", " zip" },
	{ "application/zstd", " zst" },
	{ "audio/aac", " aac" },
	{ "audio/flac", " flac" },
	{ "audio/midi", " mid" },
	{ "audio/mp4", " m4a" },
	{ "audio/mpeg", " mp3" },
	{ "audio/ogg", " oga ogg opus" },
	{ "audio/wav", " wav" },
	{ "audio/webm", " weba" },
	{ "font/otf", " otf" },
	{ "font/ttf", " ttf" },
	{ "font/woff", " woff" },
	{ "font/woff2", " woff2" },
	{ "image/apng", " apng" },
	{ "image/avif", " avif" },
	{ "image/bmp", " bmp" },
	{ "image/gif", " gif" },
	{ "image/heic", " heic" },
	{ "image/heif", " heif" },
	{ "image/jxl", " jxl" },
	{ "image/tiff", " tif tiff" },
	{ "image/vnd.microsoft.icon", " ico" },
	{ "image/webp", " webp" },
	{ "model/gltf+json", " gltf" },
	{ "model/gltf-binary", " glb" },
	{ "text/calendar; charset=utf-8", " ics" },
	{ "text/csv; charset=utf-8", " csv" },
	{ "text/markdown; charset=utf-8", " markdown md" },
	{ "text/plain; charset=utf-8", " asc c conf h log txt" },
	{ "text/tab-separated-values; charset=utf-8", " tsv" },
	{ "text/vcard; charset=utf-8", " vcf" },
	{ "text/vtt; charset=utf-8", " vtt" },
	{ "text/x-diff; charset=utf-8", " diff patch" },
	{ "text/x-shellscript; charset=utf-8", " sh" },
	{ "video/3gpp", " 3gp" },
	{ "video/matroska", " mkv" },
	{ "video/mp2t", " ts" },
	{ "video/mp4", " m4v mp4" },
	{ "video/mpeg", " mpeg mpg" },
	{ "video/ogg", " ogv" },
	{ "video/quicktime", " mov" },
	{ "video/webm", " webm" },
	{ "video/x-msvideo", " avi" },
};

static bool has_ending(const char *endings, const char *ending)
{
	size_t n = strlen(ending);

	for (; *endings; endings += 1 + strcspn(endings + 1, " "))
		if (strncasecmp(endings + 1, ending, n) == 0 && strcspn(endings + 1, " ") == n)
			return true;
	return false;
}

static const char *type_of(const char *path)
{
	const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');

	for (size_t i = 0; dot && i < LENGTH(types); i++)
		if (has_ending(types[i].endings, dot + 1))
			return types[i].name;
	return "application/octet-stream";
}

/* ---- listings ----------------------------------------------------------- */

enum sort_key { BY_NAME, BY_SIZE, BY_TIME, SORT_KEYS };

static const struct {
	text name;
	const char *title;
} sort_keys[SORT_KEYS] = {
	[BY_NAME] = { TEXT("name"), "Name" },
	[BY_SIZE] = { TEXT("size"), "Size" },
	[BY_TIME] = { TEXT("time"), "Changed" },
};

struct listing_style {
	enum sort_key key;
	bool descending, plain;
};

/* One thing in a folder; its name stands in the names of the listing. */
struct item {
	int64_t size, time;
	uint32_t name;
	bool folder;
};

/*
 * A folder on its way to a page, a bounded piece of work at a time: read all
 * the entries, sort them by merging ever longer runs, write row by row. The
 * length of the page is the sum of its rows, known before the first is sent.
 */
struct listing {
	DIR *dir;
	struct listing_style style;
	struct item *items;
	char *names;
	uint32_t *indices, *order, *spare; /* of items: all memory, in order, to merge into */
	uint32_t count, room, names_len, names_room, next;
	uint32_t run;                              /* the length of the runs that are merged */
	uint32_t merged, left, middle, right, end; /* of two of them */
	uint32_t folders;
	uint64_t bytes, rows_len;
	size_t held; /* memory, as counted in http_common.memory */
};

static bool query_has(text query, const char *key, text value)
{
	size_t n = strlen(key);

	skip_char(&query, '?');
	while (query.len) {
		const char *end = memchr(query.at, '&', query.len);
		size_t len = end ? (size_t)(end - query.at) : query.len;

		if (len > n && memcmp(query.at, key, n) == 0 && query.at[n] == '=' &&
		    same((text){ query.at + n + 1, len - n - 1 }, value))
			return true;
		skip(&query, len + (end != NULL));
	}
	return false;
}

static struct listing_style read_listing_style(text query)
{
	struct listing_style style = { BY_NAME, query_has(query, "order", text_of("desc")),
				       query_has(query, "format", text_of("text")) };

	for (int key = BY_NAME; key < SORT_KEYS; key++)
		if (query_has(query, "sort", sort_keys[key].name))
			style.key = (enum sort_key)key;
	return style;
}

static const char listing_css[] =
	"*{box-sizing:border-box}"
	":root{color-scheme:light dark;--line:#8884;--soft:#667;--link:#0550ae}"
	"@media(prefers-color-scheme:dark){:root{--soft:#99a;--link:#7cb7ff}}"
	"body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1.5rem 1rem}"
	"h1{font-size:1.3rem;overflow-wrap:anywhere}"
	"table{width:100%;border-collapse:collapse}"
	"th{text-align:left;font-weight:600;border-bottom:2px solid var(--line)}"
	"th,td{padding:.35rem .5rem;vertical-align:top}"
	"td{border-bottom:1px solid var(--line)}"
	"tr:hover td{background:#8881}"
	"th:first-child,td:first-child{width:100%;overflow-wrap:anywhere}"
	"td+td{color:var(--soft);white-space:nowrap;font-variant-numeric:tabular-nums}"
	"th:nth-child(2),td:nth-child(2){text-align:right;white-space:nowrap}"
	"a{color:var(--link);text-decoration:none}a:hover{text-decoration:underline}"
	"footer{color:var(--soft);font-size:.85rem;padding:.8rem .5rem}"
	"@media(max-width:34rem){th:nth-child(3),td:nth-child(3){display:none}}";

static uint64_t rounded(uint64_t n, uint64_t unit)
{
	return n / unit + (n % unit >= unit - unit / 2);
}

/* "4.2 MB": two or three figures, for people; programs take format=text. */
static void put_size(struct out *o, uint64_t n)
{
	static const char *const units[] = { " B", " kB", " MB", " GB", " TB", " PB", " EB" };
	uint64_t unit = 1, tenths;
	size_t i = 0;

	for (; rounded(n, unit) >= 1000; unit *= 1000)
		i++;
	tenths = i ? rounded(n, unit / 10) : n;
	if (i && tenths < 100) {
		put_number(o, tenths / 10);
		puts_out(o, ".");
		put_number(o, tenths % 10);
	} else {
		put_number(o, rounded(n, unit));
	}
	puts_out(o, units[i]);
}

/* "2026-11-20 23:05", which sorts as it reads; "T" and "Z" for programs. */
static void put_moment(struct out *o, int64_t when, bool plain)
{
	struct tm tm;

	if (!calendar(when, &tm)) {
		puts_out(o, "-");
		return;
	}
	put_year(o, tm.tm_year);
	puts_out(o, "-");
	put_two(o, tm.tm_mon + 1);
	puts_out(o, "-");
	put_two(o, tm.tm_mday);
	puts_out(o, plain ? "T" : " ");
	if (plain) {
		put_time(o, &tm);
		puts_out(o, "Z");
		return;
	}
	put_two(o, tm.tm_hour);
	puts_out(o, ":");
	put_two(o, tm.tm_min);
}

static void put_column(struct out *o, const struct listing_style *style, enum sort_key key)
{
	bool now = style->key == key, next = now && !style->descending;

	puts_out(o, "<th");
	if (now)
		puts_out(o, style->descending ? " aria-sort=\"descending\""
					      : " aria-sort=\"ascending\"");
	puts_out(o, "><a href=\"?sort=");
	put_text(o, sort_keys[key].name);
	puts_out(o, next ? "&amp;order=desc\">" : "&amp;order=asc\">");
	puts_out(o, sort_keys[key].title);
	if (now)
		puts_out(o, style->descending ? " \xe2\x96\xbe" : " \xe2\x96\xb4");
	puts_out(o, "</a></th>");
}

static void put_listing_head(struct out *o, const struct listing *listing, const char *path)
{
	if (listing->style.plain)
		return;
	puts_out(o, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		    "<title>/");
	put_html(o, text_of(path));
	puts_out(o, "</title>\n<style>");
	puts_out(o, listing_css);
	puts_out(o, "</style>\n</head>\n<body>\n<h1>Index of /");
	put_html(o, text_of(path));
	puts_out(o, "</h1>\n<table>\n<thead><tr>");
	for (int key = BY_NAME; key < SORT_KEYS; key++)
		put_column(o, &listing->style, (enum sort_key)key);
	puts_out(o, "</tr></thead>\n<tbody>\n");
	if (*path)
		puts_out(o, "<tr><td><a href=\"../\">../</a></td><td></td><td></td></tr>\n");
}

static void put_count(struct out *o, uint64_t n, const char *one, const char *many)
{
	put_number(o, n);
	puts_out(o, " ");
	puts_out(o, n == 1 ? one : many);
}

static void put_listing_tail(struct out *o, const struct listing *listing)
{
	if (listing->style.plain)
		return;
	puts_out(o, "</tbody>\n</table>\n<footer>");
	put_count(o, listing->folders, "folder, ", "folders, ");
	put_count(o, listing->count - listing->folders, "file, ", "files, ");
	put_size(o, listing->bytes);
	puts_out(o, "; times are UTC</footer>\n</body>\n</html>\n");
}

static void put_plain_row(struct out *o, const struct item *item, text name)
{
	if (item->folder)
		puts_out(o, "-");
	else
		put_number(o, (uint64_t)item->size);
	puts_out(o, "\t");
	put_moment(o, item->time, true);
	puts_out(o, "\t");
	put_url(o, name);
	puts_out(o, item->folder ? "/\n" : "\n");
}

static void put_row(struct out *o, const struct listing *listing, const struct item *item)
{
	text name = text_of(listing->names + item->name);

	if (listing->style.plain) {
		put_plain_row(o, item, name);
		return;
	}
	puts_out(o, "<tr><td><a href=\"");
	put_url(o, name);
	puts_out(o, item->folder ? "/\"><bdi>" : "\"><bdi>");
	put_html(o, name);
	puts_out(o, item->folder ? "/</bdi></a></td><td>" : "</bdi></a></td><td>");
	if (!item->folder)
		put_size(o, (uint64_t)item->size);
	puts_out(o, "</td><td>");
	put_moment(o, item->time, false);
	puts_out(o, "</td></tr>\n");
}

static void free_listing(struct listing *listing, struct http_common *common)
{
	if (!listing)
		return;
	common->memory -= listing->held;
	if (listing->dir)
		closedir(listing->dir);
	free(listing->items);
	free(listing->names);
	free(listing->indices);
	free(listing);
}

/* Twice the room, while all the listings together hold no more than they may. */
static bool grow(struct listing *listing, struct http_common *common, void **array, uint32_t *room,
		 size_t each)
{
	uint32_t more = *room ? *room * 2 : 1024;
	size_t added = (more - *room) * each;
	void *grown;

	if (common->memory + added > common->memory_most)
		return false;
	grown = realloc(*array, more * each);
	if (!grown)
		return false;
	*array = grown;
	*room = more;
	listing->held += added;
	common->memory += added;
	return true;
}

static bool add_item(struct listing *listing, struct http_common *common, const char *name,
		     const struct stat *st)
{
	struct out row = { NULL, 0, 0, false };
	size_t len = strlen(name) + 1;
	void *items = listing->items, *names = listing->names;
	bool good = true;

	if (listing->count == listing->room)
		good = grow(listing, common, &items, &listing->room, sizeof(struct item));
	while (good && listing->names_room - listing->names_len < len)
		good = grow(listing, common, &names, &listing->names_room, 1);
	listing->items = items;
	listing->names = names;
	if (!good)
		return false;

	struct item *item = &listing->items[listing->count++];

	*item = (struct item){ st->st_size, st->st_mtim.tv_sec, listing->names_len,
			       S_ISDIR(st->st_mode) };
	memcpy(listing->names + listing->names_len, name, len);
	listing->names_len += (uint32_t)len;
	listing->folders += item->folder;
	listing->bytes += item->folder ? 0 : (uint64_t)item->size;
	put_row(&row, listing, item);
	listing->rows_len += row.len;
	return true;
}

/* As a request would follow it: 0 or -errno. */
static int stat_link(const struct http_site *site, const char *folder, const char *name,
		     struct stat *st)
{
	char path[PATH_MAX + NAME_MAX + 1];
	struct out o = { path, 0, sizeof(path) - 1, false };
	int fd, error;

	puts_out(&o, folder);
	puts_out(&o, name);
	if (o.overrun)
		return -ENAMETOOLONG;
	path[o.len] = '\0';
	fd = open_beneath(site, path, O_PATH);
	if (fd < 0)
		return fd;
	error = fstat(fd, st) < 0 ? -errno : 0;
	close(fd);
	return error;
}

/*
 * Only what a request for it would reach: 1 if it would, 0 if not, or -errno: a
 * list of those that could be asked for just now would pass for the whole.
 */
static int stat_entry(const struct http_site *site, const char *folder, DIR *dir,
		      const struct dirent *entry, struct stat *st)
{
	int error = 0;

	if (fstatat(dirfd(dir), entry->d_name, st, AT_SYMLINK_NOFOLLOW) < 0)
		error = -errno;
	else if (S_ISLNK(st->st_mode))
		error = stat_link(site, folder, entry->d_name, st);
	if (error)
		return status_of(-error) >= SERVER_ERROR ? error : 0;
	return S_ISREG(st->st_mode) || S_ISDIR(st->st_mode);
}

/* Some more entries: 1 while there are more, 0 at the end, or -errno. */
static int read_entries(const struct http_site *site, struct http_common *common,
			const char *folder, struct listing *listing)
{
	for (int n = 0; n < LIST_STEP; n++) {
		struct dirent *entry;
		struct stat st;
		int listed;

		errno = 0;
		entry = readdir(listing->dir);
		if (!entry)
			return -errno;
		if (entry->d_name[0] == '.')
			continue;
		listed = stat_entry(site, folder, listing->dir, entry, &st);
		if (listed < 0)
			return listed;
		if (listed && !add_item(listing, common, entry->d_name, &st))
			return -ENOMEM;
	}
	return 1;
}

/* Folders first; then by the key; what is equal by name, and never equal in the end. */
static bool comes_before(const struct listing *listing, uint32_t left, uint32_t right)
{
	const struct item *a = &listing->items[left], *b = &listing->items[right];
	const char *a_name = listing->names + a->name, *b_name = listing->names + b->name;
	int64_t order = 0;

	if (a->folder != b->folder)
		return a->folder;
	if (listing->style.key == BY_SIZE && !a->folder)
		order = (a->size > b->size) - (a->size < b->size);
	else if (listing->style.key == BY_TIME)
		order = (a->time > b->time) - (a->time < b->time);
	if (order == 0)
		order = strcasecmp(a_name, b_name);
	if (order == 0)
		order = strcmp(a_name, b_name);
	return listing->style.descending ? order > 0 : order < 0;
}

/* The next two runs of this pass, from `begin` on; of the second there may be less, or nothing. */
static void begin_merge(struct listing *listing, uint32_t begin)
{
	listing->merged = listing->left = begin;
	listing->middle = listing->count - begin < listing->run ? listing->count
								: begin + listing->run;
	listing->right = listing->middle;
	listing->end = listing->count - listing->middle < listing->run
			       ? listing->count
			       : listing->middle + listing->run;
}

static bool begin_sort(struct listing *listing, struct http_common *common)
{
	size_t size = 2 * sizeof(uint32_t) * listing->count;

	if (common->memory + size > common->memory_most)
		return false;
	listing->indices = calloc(1, size + 1);
	if (!listing->indices)
		return false;
	listing->held += size;
	common->memory += size;
	listing->order = listing->indices;
	listing->spare = listing->indices + listing->count;
	listing->run = 1;
	begin_merge(listing, 0);
	return true;
}

/* Every run of this pass is merged: the next pass merges runs of twice the length. */
static void begin_pass(struct listing *listing)
{
	uint32_t *merged = listing->spare;

	listing->spare = listing->order;
	listing->order = merged;
	listing->run *= 2;
	begin_merge(listing, 0);
}

/* Before the first pass the order is that of the items, and is written nowhere. */
static uint32_t item_at(const struct listing *listing, uint32_t place)
{
	return listing->run == 1 ? place : listing->order[place];
}

static void merge_item(struct listing *listing)
{
	bool second = listing->left == listing->middle ||
		      (listing->right < listing->end &&
		       comes_before(listing, item_at(listing, listing->right),
				    item_at(listing, listing->left)));

	listing->spare[listing->merged++] =
		item_at(listing, second ? listing->right++ : listing->left++);
}

/* Some more merging; true when all is in order. The order may end up in either half. */
static bool sort_some(struct listing *listing)
{
	for (int n = 0; listing->run < listing->count; n++) {
		if (n == SORT_STEP)
			return false;
		merge_item(listing);
		if (listing->merged == listing->count)
			begin_pass(listing);
		else if (listing->merged == listing->end)
			begin_merge(listing, listing->end);
	}
	return true;
}

/* ---- the cache ---------------------------------------------------------- */

/* What tells one state of a file from any other. */
struct version {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec modified, changed;
};

/*
 * What has to be as it was for an answer to be right still: of a folder on the
 * way to the file that it is the same one, not a link that now leads elsewhere;
 * of the file itself everything.
 */
struct check {
	uint32_t path; /* where in the entry's bytes */
	bool folder;
	struct version version;
};

/*
 * An answer as it went out, from behind its Date on, with its strings in
 * `bytes`. What is too large to be kept is kept open.
 */
struct cached {
	struct cached *chain;         /* in its bucket */
	struct cached *newer, *older; /* by last use */
	int64_t used;
	int fd;         /* of a file that is not in bytes, or -1 */
	bool gone;      /* out of the cache, but */
	uint32_t users; /* being sent to so many */
	uint32_t hash, size;
	uint32_t key_len, head_len, body_len;
	uint32_t answer; /* where in bytes */
	struct preference preference;
	uint8_t checks;
	struct check check[CHECKS_MOST];
	char bytes[];
};

struct http_cache {
	uint64_t seed[2];
	size_t size, used, held; /* held: used, and what is being sent but no longer in the cache */
	uint32_t files, files_most; /* kept open */
	struct cached *newest, *oldest;
	uint32_t mask;
	struct cached *bucket[];
};

struct http_cache *http_cache_new(size_t size, uint32_t files, const void *seed)
{
	uint32_t buckets = 64;
	struct http_cache *cache;

	if (size < INLINE_MOST)
		return NULL;
	while (buckets < size / 1024 && buckets < 1u << 20) /* an answer takes more than that */
		buckets *= 2;
	/* pointers is what it is an array of: NOLINTNEXTLINE(bugprone-sizeof-expression) */
	cache = calloc(1, sizeof(*cache) + buckets * sizeof(cache->bucket[0]));
	if (cache) {
		memcpy(cache->seed, seed, HTTP_SEED);
		cache->size = size;
		cache->files_most = files;
		cache->mask = buckets - 1;
	}
	return cache;
}

static struct version version_of(const struct stat *st)
{
	return (struct version){ st->st_dev, st->st_ino, st->st_size, st->st_mtim, st->st_ctim };
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same_version(const struct version *a, const struct version *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       same_time(a->modified, b->modified) && same_time(a->changed, b->changed);
}

static bool passes(const struct http_site *site, const char *path, const struct check *check)
{
	struct stat st;
	struct version now;

	if (fstatat(site->root, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	now = version_of(&st);
	return check->folder ? S_ISDIR(st.st_mode) && now.dev == check->version.dev &&
				       now.ino == check->version.ino
			     : same_version(&now, &check->version);
}

static bool is_current(const struct http_site *site, const struct cached *entry)
{
	for (size_t i = 0; i < entry->checks; i++)
		if (!passes(site, entry->bytes + entry->check[i].path, &entry->check[i]))
			return false;
	return true;
}

static uint64_t rotated(uint64_t word, int bits)
{
	return word << bits | word >> (64 - bits);
}

static void mix(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotated(v[1], 13) ^ v[0];
	v[0] = rotated(v[0], 32);
	v[2] += v[3];
	v[3] = rotated(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotated(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotated(v[1], 17) ^ v[2];
	v[2] = rotated(v[2], 32);
}

static void mix_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	mix(v);
	v[0] ^= word;
}

/*
 * SipHash-1-3 (Aumasson and Bernstein) of a word and the bytes behind it: without the seed nobody
 * can choose what falls together.
 */
static uint64_t siphash(const uint64_t seed[2], uint64_t first, text t)
{
	uint64_t v[4] = { seed[0] ^ 0x736f6d6570736575, seed[1] ^ 0x646f72616e646f6d,
			  seed[0] ^ 0x6c7967656e657261, seed[1] ^ 0x7465646279746573 };
	uint64_t word, last = (uint64_t)(t.len + sizeof(first)) << 56;

	mix_word(v, first);
	for (; t.len >= sizeof(word); skip(&t, sizeof(word))) {
		memcpy(&word, t.at, sizeof(word));
		mix_word(v, le64toh(word));
	}
	for (size_t i = 0; i < t.len; i++)
		last |= (uint64_t)(unsigned char)t.at[i] << 8 * i;
	mix_word(v, last);
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		mix(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static uint32_t hash_key(const struct http_cache *cache, text key,
			 const struct preference *preference)
{
	uint64_t order = 0;

	memcpy(&order, preference->order, sizeof(preference->order));
	return (uint32_t)siphash(cache->seed, order, key);
}

static void cache_unlink(struct http_cache *cache, struct cached *entry)
{
	*(entry->newer ? &entry->newer->older : &cache->newest) = entry->older;
	*(entry->older ? &entry->older->newer : &cache->oldest) = entry->newer;
}

static void cache_link(struct http_cache *cache, struct cached *entry)
{
	entry->newer = NULL;
	entry->older = cache->newest;
	*(cache->newest ? &cache->newest->newer : &cache->oldest) = entry;
	cache->newest = entry;
}

static void cache_free(struct http_cache *cache, struct cached *entry)
{
	if (entry->fd >= 0) {
		close(entry->fd);
		cache->files--;
	}
	cache->held -= entry->size;
	free(entry);
}

static void cache_remove(struct http_cache *cache, struct cached *entry)
{
	struct cached **at = &cache->bucket[entry->hash & cache->mask];

	while (*at != entry)
		at = &(*at)->chain;
	*at = entry->chain;
	cache_unlink(cache, entry);
	cache->used -= entry->size;
	entry->gone = true;
	if (entry->users == 0)
		cache_free(cache, entry);
}

/* The new one comes first in its bucket; where there are too many, the first that came goes. */
static void cache_chain(struct http_cache *cache, struct cached *entry)
{
	struct cached **bucket = &cache->bucket[entry->hash & cache->mask], *last = *bucket;
	int count = 1;

	for (; last && last->chain; last = last->chain)
		count++;
	if (count == CHAIN_MOST)
		cache_remove(cache, last);
	entry->chain = *bucket;
	*bucket = entry;
}

static void cache_release(struct http_cache *cache, struct cached *entry)
{
	if (--entry->users == 0 && entry->gone)
		cache_free(cache, entry);
}

int64_t http_cache_tidy(struct http_cache *cache, const struct http_common *common)
{
	while (cache->oldest && cache->oldest->used + CACHE_KEPT <= common->clock)
		cache_remove(cache, cache->oldest); /* NOLINT(clang-analyzer-unix.Malloc) */
	return cache->oldest ? cache->oldest->used + CACHE_KEPT : INT64_MAX;
}

/* Only if the file is still what it was: a client that has changed it never sees the old one. */
static struct cached *cache_find(struct http_cache *cache, const struct http_site *site, text key,
				 const struct preference *preference)
{
	uint32_t hash = hash_key(cache, key, preference);
	struct cached *entry = cache->bucket[hash & cache->mask];

	while (entry &&
	       !(entry->hash == hash && same(key, (text){ entry->bytes, entry->key_len }) &&
		 memcmp(&entry->preference, preference, sizeof(*preference)) == 0))
		entry = entry->chain;
	if (!entry)
		return NULL;
	if (!is_current(site, entry)) {
		cache_remove(cache, entry);
		return NULL;
	}
	if (entry != cache->newest) {
		cache_unlink(cache, entry);
		cache_link(cache, entry);
	}
	return entry;
}

/* Whatever changes it from now on shows in its times: what has just been changed isn't remembered. */
static bool settled(const struct stat *st, const struct timespec *now)
{
	return age_of(st->st_mtim, now) > tick_of(st) && age_of(st->st_ctim, now) > tick_of(st);
}

/* What an answer was made from. */
struct source {
	text key; /* the path that was asked for, decoded */
	struct preference preference;
	enum coding coding;
	const char *path;          /* of the file, whose sibling it may be */
	const struct version *was; /* what was sent, when it was opened */
};

/* An entry that is being made: the checks, and the strings that it and they need. */
struct draft {
	struct check check[CHECKS_MOST];
	uint8_t checks;
	struct out bytes;
};

/* From now on `path` has to stay as it is; false if it isn't what could be remembered. */
static bool add_check(struct draft *m, const struct http_site *site, const struct timespec *now,
		      text path, bool folder)
{
	struct check *check = &m->check[m->checks];
	struct stat st;

	if (m->checks == CHECKS_MOST)
		return false;
	*check = (struct check){ .path = (uint32_t)m->bytes.len, .folder = folder };
	put_text(&m->bytes, path);
	put(&m->bytes, "", 1);
	if (m->bytes.overrun ||
	    fstatat(site->root, m->bytes.at + check->path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	check->version = version_of(&st);
	m->checks++;
	return folder ? S_ISDIR(st.st_mode) : !S_ISLNK(st.st_mode) && settled(&st, now);
}

/*
 * The folders on the way. If the client takes codings, the last one too, whose
 * times tell of new siblings. The file; and the sibling, if that is what was
 * sent. A sibling that was no good may become good in its place: that is not
 * remembered at all.
 */
static bool add_checks(struct draft *m, const struct http_site *site, const struct timespec *now,
		       const struct source *source)
{
	const char *path = source->path, *name = strrchr(path, '/');
	char sibling[PATH_MAX + 4];
	struct stat st;

	for (const char *at = strchr(path, '/'); at; at = strchr(at + 1, '/'))
		if (!add_check(m, site, now, (text){ path, (size_t)(at - path) }, true))
			return false;
	if (source->preference.order[0] != IDENTITY &&
	    !add_check(m, site, now, name ? (text){ path, (size_t)(name - path) } : text_of("."),
		       false))
		return false;
	if (!add_check(m, site, now, text_of(path), false))
		return false;
	for (const uint8_t *c = source->preference.order; *c != source->coding; c++) {
		name_sibling(sibling, path, *c);
		if (fstatat(site->root, sibling, &st, AT_SYMLINK_NOFOLLOW) == 0)
			return false;
	}
	if (source->coding != IDENTITY) {
		name_sibling(sibling, path, source->coding);
		if (!add_check(m, site, now, text_of(sibling), false))
			return false;
	}
	return same_version(&m->check[m->checks - 1].version, source->was);
}

/* `fd` is the file if `answer` ends with its head, else -1; the entry keeps it, if there is one. */
OWN_FRAME static struct cached *cache_add(const struct http_common *common,
					  const struct http_site *site, const struct source *source,
					  text answer, size_t head_len, int fd)
{
	enum { STRINGS_MOST = 2 << 10 };
	struct http_cache *cache = common->cache;
	char bytes[STRINGS_MOST];
	struct draft m = { .bytes = { bytes, 0, sizeof(bytes), false } };
	struct cached *entry;
	size_t size;

	if (fd >= 0 && cache->files >= cache->files_most)
		return NULL;
	put_text(&m.bytes, source->key);
	if (!add_checks(&m, site, &common->wall, source))
		return NULL;
	size = sizeof(*entry) + m.bytes.len + answer.len;
	if (size > cache->size)
		return NULL;
	while (cache->used + size > cache->size)
		cache_remove(cache, cache->oldest); /* NOLINT(clang-analyzer-unix.Malloc) */
	entry = malloc(size);
	if (!entry)
		return NULL;
	*entry = (struct cached){
		.hash = hash_key(cache, source->key, &source->preference),
		.size = (uint32_t)size,
		.key_len = (uint32_t)source->key.len,
		.head_len = (uint32_t)head_len,
		.body_len = (uint32_t)(answer.len - head_len),
		.answer = (uint32_t)m.bytes.len,
		.preference = source->preference,
		.used = common->clock,
		.fd = fd,
		.checks = m.checks,
	};
	memcpy(entry->check, m.check, sizeof(m.check));
	memcpy(entry->bytes, bytes, m.bytes.len);
	memcpy(entry->bytes + m.bytes.len, answer.at, answer.len);
	cache_chain(cache, entry);
	cache_link(cache, entry);
	cache->used += size;
	cache->held += size;
	cache->files += fd >= 0;
	return entry;
}

/* ---- answers ------------------------------------------------------------ */

enum body_kind { NO_BODY, FILE_BODY, LISTING_BODY };

enum { BOUNDARY_SIZE = 24 };

/* What is still to be sent when the head is out. */
struct body {
	enum body_kind kind;
	int fd;
	struct cached *entry; /* whose descriptor it is, or NULL */
	size_t part;
	bool part_begun;
	uint64_t size;
	const char *type;
	char boundary[BOUNDARY_SIZE];
	struct listing *listing;
	struct ranges ranges; /* of the file; of several each has a head of its own */
};

/* No ranges: what stands in their places is not cleared, for it is large and is never read. */
static void clear_body(struct body *body)
{
	memset(body, 0, offsetof(struct body, ranges.part));
}

enum chunk_state { CHUNK_SIZE, CHUNK_DATA, CHUNK_END, CHUNK_TRAILER };

/*
 * Of its arrays only the beginnings are touched, mostly: a page each, the first of which the
 * caller may have touched anyway. The rest stands before `in`.
 */
struct http_work {
	char path[PATH_MAX];
	struct request req;
	struct body body;
	int status;            /* of the answer that is being sent, 0 before there is one */
	uint64_t body_sent;    /* for the log */
	unsigned effort;       /* of this step, see EFFORT_MOST */
	size_t start, scan;    /* of the request in `in`; of its line that is not complete yet */
	size_t head_end, next; /* of the request; `next` follows the body as far as it is read */
	size_t end;            /* of what was received */
	enum chunk_state chunk;
	uint64_t left, dropped, overhead; /* of a chunk or body; read so far; of chunk syntax */
	size_t trailers;
	size_t in_size, head_room;
	size_t touched; /* the most of `in` that was ever used */
	size_t sent;    /* of out */
	struct out out; /* in http_common.out, or what is left of it */
	char *unsent;   /* in memory of the connection's own, or NULL */
	char *in;
};

size_t http_work_size(const struct http_limits *limits)
{
	return sizeof(struct http_work) + 2 * (limits->line + limits->header + BODY_ROOM);
}

struct http_work *http_work_init(void *memory, const struct http_limits *limits)
{
	struct http_work *w = memory;

	w->path[0] = '\0';
	memset(&w->req, 0, sizeof(*w) - offsetof(struct http_work, req));
	w->head_room = limits->line + limits->header + BODY_ROOM;
	w->in_size = 2 * w->head_room;
	w->in = (char *)memory + sizeof(*w);
	return w;
}

static const struct status_row {
	int code;
	const char *line, *says;
} statuses[] = {
	{ OK, "200 OK", "" },
	{ NO_CONTENT, "204 No Content", "" },
	{ PARTIAL_CONTENT, "206 Partial Content", "" },
	{ MOVED_PERMANENTLY, "301 Moved Permanently",
	  "It is a folder, and its address ends with a slash." },
	{ NOT_MODIFIED, "304 Not Modified", "" },
	{ BAD_REQUEST, "400 Bad Request", "The request could not be understood." },
	{ FORBIDDEN, "403 Forbidden", "It is there, but not for reading." },
	{ NOT_FOUND, "404 Not Found", "There is nothing at this address." },
	{ METHOD_NOT_ALLOWED, "405 Method Not Allowed", "Files here are read, not changed." },
	{ REQUEST_TIMEOUT, "408 Request Timeout", "The request took too long to arrive." },
	{ PRECONDITION_FAILED, "412 Precondition Failed",
	  "A condition that the request makes does not hold." },
	{ CONTENT_TOO_LARGE, "413 Content Too Large", "The body of the request is too large." },
	{ URI_TOO_LONG, "414 URI Too Long", "The address is too long." },
	{ RANGE_NOT_SATISFIABLE, "416 Range Not Satisfiable", "The file has no such part." },
	{ EXPECTATION_FAILED, "417 Expectation Failed",
	  "The request expects what is not done here." },
	{ MISDIRECTED_REQUEST, "421 Misdirected Request",
	  "This connection is not secure, as https asks for." },
	{ FIELDS_TOO_LARGE, "431 Request Header Fields Too Large",
	  "The header of the request is too large." },
	{ SERVER_ERROR, "500 Internal Server Error", "It could not be read." },
	{ NOT_IMPLEMENTED, "501 Not Implemented", "The request asks for what is not known here." },
	{ UNAVAILABLE, "503 Service Unavailable", "Too much is going on. Try again in a moment." },
	{ VERSION_NOT_SUPPORTED, "505 HTTP Version Not Supported",
	  "HTTP/1.1 and HTTP/1.0 are spoken here." },
};

static const struct status_row *find_status(int code)
{
	const struct status_row *status = statuses;

	while (status->code != code)
		status++;
	return status;
}

/* An answer's head as data. What is zero or NULL is not said. */
struct answer {
	int status;
	const char *type, *etag, *boundary;
	enum coding coding;
	bool empty; /* by its status: no Content-Length (RFC 9110 8.6) */
	uint64_t length;
	const int64_t *modified;
	const struct range *range; /* of a file of `size` bytes; empty in a 416 */
	uint64_t size;
	bool varies, ranges, methods, policy, moved;
};

static void put_field(struct out *o, const char *name, const char *value)
{
	puts_out(o, name);
	puts_out(o, value);
	puts_out(o, "\r\n");
}

/* bytes 0-9/100, and for nothing of it bytes * /100 (RFC 9110 14.4) */
static void put_content_range(struct out *o, const struct range *range, uint64_t size)
{
	puts_out(o, "Content-Range: bytes ");
	if (range->begin < range->end) {
		put_number(o, range->begin);
		puts_out(o, "-");
		put_number(o, range->end - 1);
	} else {
		puts_out(o, "*");
	}
	puts_out(o, "/");
	put_number(o, size);
	puts_out(o, "\r\n");
}

/* RFC 9110 8.8.2.1: never later than Date. */
static void put_modified(struct out *o, int64_t modified, const struct http_common *common)
{
	struct tm tm;

	if (!calendar(modified, &tm))
		return;
	puts_out(o, "Last-Modified: ");
	put_date(o, modified < common->wall.tv_sec ? modified : common->wall.tv_sec);
	puts_out(o, "\r\n");
}

/*
 * The folder's own name, with its slash, relative to the address that was asked for (RFC 3986 5.2):
 * so it is right behind a proxy that strips a prefix, too. No host and no scheme can be read into
 * it, for slashes and colons in a name are encoded.
 */
static void put_location(struct out *o, const char *path, text query)
{
	const char *slash = strrchr(path, '/');

	puts_out(o, "Location: ");
	put_url(o, text_of(slash ? slash + 1 : path));
	puts_out(o, "/");
	put_query(o, query);
	puts_out(o, "\r\n");
}

/* What differs between one answer and the same answer later; the cache keeps what follows. */
static void put_opening(struct out *o, const struct http_common *common, const struct request *req,
			int status)
{
	put(o, "HTTP/1.1 ", 9);
	put_field(o, find_status(status)->line, "");
	put(o, "Date: ", 6);
	put(o, common->date, sizeof(common->date) - 1);
	put(o, "\r\n", 2);
	if (req->close)
		puts_out(o, "Connection: close\r\n");
	else if (req->minor == 0)
		puts_out(o, "Connection: keep-alive\r\n");
}

static void put_rest(struct out *o, const struct http_conn *conn, const struct http_common *common,
		     const struct answer *a)
{
	puts_out(o, "Server: wwwd\r\n");
	if (a->boundary) {
		puts_out(o, "Content-Type: multipart/byteranges; boundary=");
		put_field(o, a->boundary, "");
	} else if (a->type) {
		put_field(o, "Content-Type: ", a->type);
	}
	if (!a->empty) {
		puts_out(o, "Content-Length: ");
		put_number(o, a->length);
		puts_out(o, "\r\n");
	}
	if (a->range)
		put_content_range(o, a->range, a->size);
	if (a->coding != IDENTITY) {
		puts_out(o, "Content-Encoding: ");
		put_text(o, codings[a->coding].name);
		puts_out(o, "\r\n");
	}
	if (a->modified)
		put_modified(o, *a->modified, common);
	if (a->etag)
		put_field(o, "ETag: ", a->etag);
	if (a->varies)
		puts_out(o, "Vary: Accept-Encoding\r\n");
	if (a->ranges)
		puts_out(o, "Accept-Ranges: bytes\r\n");
	if (a->moved)
		put_location(o, conn->work->path, conn->work->req.query);
	if (a->methods)
		put_field(o, "Allow: ", allowed);
	if (a->status == UNAVAILABLE)
		puts_out(o, "Retry-After: 1\r\n");
	if (a->policy)
		puts_out(o, "Content-Security-Policy: default-src 'none'; "
			    "style-src 'unsafe-inline'\r\n");
	puts_out(o, "X-Content-Type-Options: nosniff\r\n");
	if (conn->site->headers)
		puts_out(o, conn->site->headers);
	puts_out(o, "\r\n");
}

/* The one writer of heads. Returns where in `out` the part begins that the cache keeps. */
static size_t write_head(struct http_conn *conn, const struct http_common *common,
			 const struct answer *a)
{
	struct http_work *w = conn->work;

	put_opening(&w->out, common, &w->req, a->status);

	size_t rest = w->out.len;

	put_rest(&w->out, conn, common, a);
	w->status = a->status;
	return rest;
}

static void put_page(struct out *o, const struct status_row *status)
{
	puts_out(o, "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
		    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		    "<title>");
	puts_out(o, status->line);
	puts_out(o, "</title>\n<style>:root{color-scheme:light dark}"
		    "body{font:18px/1.5 system-ui,sans-serif;max-width:34rem;margin:20vh auto;"
		    "padding:0 1rem}h1{font-size:1.5rem;margin:0}</style>\n<h1>");
	puts_out(o, status->line);
	puts_out(o, "</h1>\n<p>");
	puts_out(o, status->says);
	puts_out(o, "</p>\n</html>\n");
}

/* An answer that is not a file: the same for everybody, it repeats nothing of the request. */
static void answer_page(struct http_conn *conn, const struct http_common *common, struct answer a)
{
	const struct status_row *status = find_status(a.status);
	struct http_work *w = conn->work;
	struct out length = { NULL, 0, 0, false };

	if (!a.empty) {
		put_page(&length, status);
		a.length = length.len;
		a.type = "text/html";
		a.policy = true;
	}
	write_head(conn, common, &a);
	if (!a.empty && w->req.method != HEAD) {
		put_page(&w->out, status);
		w->body_sent = length.len;
	}
}

static void put_part_head(struct out *o, const struct body *body, size_t part)
{
	puts_out(o, "\r\n--");
	puts_out(o, body->boundary);
	puts_out(o, "\r\nContent-Type: ");
	put_field(o, body->type, "");
	put_content_range(o, &body->ranges.part[part], body->size);
	puts_out(o, "\r\n");
}

static void put_parts_end(struct out *o, const struct body *body)
{
	puts_out(o, "\r\n--");
	puts_out(o, body->boundary);
	puts_out(o, "--\r\n");
}

static uint64_t length_of_parts(const struct body *body)
{
	struct out heads = { NULL, 0, 0, false };
	uint64_t length = 0;

	for (size_t i = 0; i < body->ranges.count; i++) {
		length += body->ranges.part[i].end - body->ranges.part[i].begin;
		if (body->boundary[0])
			put_part_head(&heads, body, i);
	}
	if (body->boundary[0])
		put_parts_end(&heads, body);
	return length + heads.len;
}

/* It doesn't stand in the file by chance, and an author of the file can't guess it. */
static void make_boundary(char boundary[BOUNDARY_SIZE], const struct stat *st,
			  const struct http_common *common)
{
	struct out o = { boundary, 0, BOUNDARY_SIZE - 1, false };
	uint64_t x = (uint64_t)common->clock ^ (uint64_t)common->wall.tv_nsec << 32;

	x ^= (uint64_t)st->st_ino * 0x9e3779b97f4a7c15u;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u; /* splitmix64 */
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	puts_out(&o, "part-");
	put_hex(&o, x ^ x >> 31);
	boundary[o.len] = '\0';
}

/* A small body goes out with its head: one segment, one system call. */
static bool inline_body(struct http_work *w, size_t most)
{
	const struct range *range = &w->body.ranges.part[0];
	size_t n = (size_t)(range->end - range->begin);
	ssize_t got;

	if (w->body.boundary[0] || range->end - range->begin > most || n > w->out.size - w->out.len)
		return false;
	got = n ? pread(w->body.fd, w->out.at + w->out.len, n, (off_t)range->begin) : 0;
	if (got != (ssize_t)n)
		return false; /* it has just been cut: let the stream find out */
	w->out.len += n;
	w->body_sent = n;
	close(w->body.fd);
	w->body.kind = NO_BODY;
	return true;
}

/* Which part of the file, if the request asks for less than all of it. */
static enum range_kind choose_ranges(const struct request *req, const struct http_common *common,
				     const struct file *file, const char *etag,
				     struct ranges *ranges)
{
	uint64_t size = (uint64_t)file->st.st_size;
	enum range_kind kind = RANGE_WHOLE;

	/* RFC 9110 14.2: for GET alone */
	if (req->method == GET && req->seen[RANGE] == 1 &&
	    range_still_good(req, etag, file->st.st_mtim.tv_sec, common->wall.tv_sec))
		kind = read_ranges(req->value[RANGE], size, ranges);
	if (kind == RANGE_WHOLE) {
		ranges->count = 1;
		ranges->part[0] = (struct range){ 0, size };
	}
	return kind;
}

/* A head for `file`, and the file as what follows it. */
static size_t answer_body(struct http_conn *conn, const struct http_common *common,
			  struct answer *a, const struct file *file)
{
	struct http_work *w = conn->work;
	struct body *body = &w->body;

	body->kind = FILE_BODY;
	body->fd = file->fd;
	body->size = a->size = (uint64_t)file->st.st_size;
	body->type = a->type;
	if (a->status == PARTIAL_CONTENT) {
		a->range = &body->ranges.part[0];
		if (body->ranges.count > 1) {
			make_boundary(body->boundary, &file->st, common);
			a->boundary = body->boundary;
			a->range = NULL;
		}
	}
	a->length = length_of_parts(body);

	size_t rest = write_head(conn, common, a);

	if (w->req.method == HEAD) {
		close(body->fd);
		body->kind = NO_BODY;
	}
	return rest;
}

static bool has_conditions(const struct request *req)
{
	return req->seen[RANGE] || req->seen[IF_MATCH] || req->seen[IF_NONE_MATCH] ||
	       req->seen[IF_MODIFIED_SINCE] || req->seen[IF_UNMODIFIED_SINCE];
}

/* A regular file at w->path, open: as it is, a sibling of it, a part of it, or why not. */
static void answer_file(struct http_conn *conn, const struct http_common *common, text key,
			struct file file)
{
	struct http_work *w = conn->work;
	struct preference preference = read_preference(&w->req);
	bool part = w->req.method == GET && w->req.seen[RANGE];
	/* a range is one of the file itself, whatever else the client would take */
	enum coding coding = part ? IDENTITY
				  : open_sibling(conn->site, w->path, &preference, &file);
	int64_t modified = file.st.st_mtim.tv_sec;
	char etag[ETAG_SIZE];
	struct answer a = { .type = type_of(w->path),
			    .etag = etag,
			    .coding = coding,
			    .modified = &modified,
			    .varies = true,
			    .ranges = true };

	make_etag(etag, &file.st, coding, &common->wall);
	a.status = judge_conditions(&w->req, etag, &modified, common->wall.tv_sec);
	if (a.status) {
		close(file.fd);
		if (a.status == NOT_MODIFIED) {
			a.empty = true;
			a.type = NULL;
			a.coding = IDENTITY;
			write_head(conn, common, &a);
		} else {
			answer_page(conn, common, (struct answer){ .status = PRECONDITION_FAILED });
		}
		return;
	}

	enum range_kind kind = choose_ranges(&w->req, common, &file, etag, &w->body.ranges);

	if (kind == RANGE_NONE) {
		struct range nothing = { 0, 0 };

		close(file.fd);
		answer_page(conn, common,
			    (struct answer){ .status = RANGE_NOT_SATISFIABLE,
					     .range = &nothing,
					     .size = (uint64_t)file.st.st_size });
		return;
	}
	a.status = kind == RANGE_PARTS ? PARTIAL_CONTENT : OK;

	size_t rest = answer_body(conn, common, &a, &file), head_end = w->out.len;

	if (w->body.kind != FILE_BODY)
		return;
	inline_body(w, common->cache ? CACHED_MOST : INLINE_MOST);
	if (common->cache && w->req.method == GET && !has_conditions(&w->req)) {
		const struct version was = version_of(&file.st);
		const struct source source = { key, preference, coding, w->path, &was };

		w->body.entry = cache_add(
			common, conn->site, &source, (text){ w->out.at + rest, w->out.len - rest },
			head_end - rest, w->body.kind == FILE_BODY ? w->body.fd : -1);
		if (w->body.entry)
			w->body.entry->users = w->body.kind == FILE_BODY;
	}
}

/* The site's own page for what isn't there, or ours; both with the true status. */
static void answer_error(struct http_conn *conn, const struct http_common *common, int status)
{
	struct http_work *w = conn->work;

	if (status == NOT_FOUND) {
		struct file file = open_file(conn->site, "404.html", false);

		if (file.fd >= 0) {
			struct answer a = { .status = NOT_FOUND, .type = "text/html" };

			w->body.ranges.count = 1;
			w->body.ranges.part[0] = (struct range){ 0, (uint64_t)file.st.st_size };
			answer_body(conn, common, &a, &file);
			if (w->body.kind == FILE_BODY)
				inline_body(w, INLINE_MOST);
			return;
		}
	}
	answer_page(conn, common,
		    (struct answer){ .status = status, .methods = status == METHOD_NOT_ALLOWED });
}

static void begin_listing(struct http_conn *conn, const struct http_common *common)
{
	struct http_work *w = conn->work;
	int fd = open_beneath(conn->site, w->path, O_RDONLY | O_DIRECTORY);
	struct listing *listing = fd < 0 ? NULL : calloc(1, sizeof(*listing));
	int status;

	if (listing)
		listing->dir = fdopendir(fd);
	if (!listing || !listing->dir) {
		free(listing);
		if (fd >= 0)
			close(fd);
		answer_error(conn, common, fd < 0 ? status_of(-fd) : UNAVAILABLE);
		return;
	}
	status = judge_conditions(&w->req, "", NULL, common->wall.tv_sec);
	if (status) {
		closedir(listing->dir);
		free(listing);
		answer_page(conn, common,
			    (struct answer){ .status = status, .empty = status == NOT_MODIFIED });
		return;
	}
	listing->style = read_listing_style(w->req.query);
	w->body.kind = LISTING_BODY;
	w->body.listing = listing;
}

static void answer_folder(struct http_conn *conn, const struct http_common *common, text key)
{
	static const char index[] = "index.html";
	struct http_work *w = conn->work;
	struct file file = { .fd = -ENAMETOOLONG };

	if (key.len + sizeof(index) <= sizeof(w->path)) {
		memcpy(w->path + key.len, index, sizeof(index));
		file = open_file(conn->site, w->path, false);
	}
	if (file.fd >= 0) {
		answer_file(conn, common, key, file);
		return;
	}
	w->path[key.len] = '\0';
	if (status_of(-file.fd) == NOT_FOUND && conn->site->listing)
		begin_listing(conn, common);
	else
		answer_error(conn, common, status_of(-file.fd));
}

static bool answer_cached(struct http_conn *conn, const struct http_common *common, text key)
{
	struct http_work *w = conn->work;
	struct cached *entry;
	struct preference preference;

	if (!common->cache || w->req.method == POST || has_conditions(&w->req))
		return false;
	preference = read_preference(&w->req);
	entry = cache_find(common->cache, conn->site, key, &preference);
	if (!entry)
		return false;
	entry->used = common->clock;
	put_opening(&w->out, common, &w->req, OK);
	put(&w->out, entry->bytes + entry->answer, entry->head_len);
	w->status = OK;
	if (w->req.method == HEAD)
		return true;
	put(&w->out, entry->bytes + entry->answer + entry->head_len, entry->body_len);
	w->body_sent = entry->body_len;
	if (entry->fd >= 0) {
		w->body.kind = FILE_BODY;
		w->body.fd = entry->fd;
		w->body.entry = entry;
		w->body.ranges.count = 1;
		w->body.ranges.part[0] =
			(struct range){ 0, (uint64_t)entry->check[entry->checks - 1].version.size };
		entry->users++;
	}
	return true;
}

static void answer_name(struct http_conn *conn, const struct http_common *common)
{
	struct http_work *w = conn->work;
	int status = decode_path(w->req.path, w->path);

	if (status) {
		/* 400 ends the connection, as it does everywhere */
		if (status == BAD_REQUEST) {
			w->req.reason = "a target above the root";
			w->req.close = conn->linger = true;
		}
		answer_error(conn, common, status);
		return;
	}

	/* all spellings of a name are one; w->path may have more behind it later */
	const text key = text_of(w->path);

	if (answer_cached(conn, common, key))
		return;
	w->effort += EFFORT_LOOKUP;
	if (key.len == 0 || key.at[key.len - 1] == '/') {
		answer_folder(conn, common, key);
		return;
	}

	struct file file = open_file(conn->site, w->path, true);

	if (file.fd < 0) {
		answer_error(conn, common, status_of(-file.fd));
	} else if (S_ISDIR(file.st.st_mode)) {
		close(file.fd);
		answer_page(conn, common,
			    (struct answer){ .status = MOVED_PERMANENTLY, .moved = true });
	} else {
		answer_file(conn, common, key, file);
	}
}

/* Is the method one that is served? 0 or a status. */
static int judge_method(struct request *req)
{
	switch (req->method) {
	case GET:
	case HEAD:
	case POST:
	case OPTIONS: return 0;
	case OTHER: return refused(req, NOT_IMPLEMENTED, "an unknown method");
	default: return refused(req, METHOD_NOT_ALLOWED, "a method that is not served");
	}
}

/* The request is understood and its body is gone: what is the answer? */
static void answer(struct http_conn *conn, const struct http_common *common)
{
	struct request *req = &conn->work->req;
	int status = judge_method(req);

	if (status)
		answer_error(conn, common, status);
	else if (req->method == OPTIONS)
		answer_page(
			conn, common,
			(struct answer){ .status = NO_CONTENT, .empty = true, .methods = true });
	else
		answer_name(conn, common);
}

/* ---- the states --------------------------------------------------------- */

enum state { READ_HEAD, READ_BODY, FLUSH, LISTING, STREAM, CLOSE, LINGER, GONE };

static bool spent(const struct http_work *w)
{
	return w->effort >= EFFORT_MOST;
}

/* What a step says beside enum http_want: go on with the state now set; there is no more. */
enum { GO = HTTP_DONE + 1, END };

static int64_t clock_time(const struct http_conn *conn, enum http_clock clock)
{
	const struct http_limits *limits = &conn->site->limits;

	switch (clock) {
	case HTTP_IDLE: return limits->idle_time;
	case HTTP_HEADER: return limits->header_time;
	case HTTP_MOVING: return limits->stall_time;
	default: return LINGER_TIME;
	}
}

static void arm(struct http_conn *conn, const struct http_common *common, enum http_clock clock)
{
	conn->clock = (uint8_t)clock;
	conn->deadline = common->clock + clock_time(conn, clock);
	conn->moved = 0;
	conn->measured = false;
}

/*
 * What the peer of a TCP connection has taken, ever, and what the kernel still holds for it; false
 * where the kernel doesn't say.
 */
static bool ask_acknowledged(const struct http_conn *conn, uint64_t *bytes, uint64_t *unread)
{
	struct tcp_info info;
	socklen_t size = sizeof(info);

	if (!conn->out_socket || getsockopt(conn->out, IPPROTO_TCP, TCP_INFO, &info, &size) < 0 ||
	    size < offsetof(struct tcp_info, tcpi_bytes_acked) + sizeof(info.tcpi_bytes_acked))
		return false;
	*bytes = info.tcpi_bytes_acked;
	*unread = UNREAD_MOST;
	if (size >= offsetof(struct tcp_info, tcpi_bytes_retrans) + sizeof(info.tcpi_bytes_retrans))
		*unread = info.tcpi_notsent_bytes + info.tcpi_bytes_sent - info.tcpi_bytes_retrans -
			  info.tcpi_bytes_acked;
	if (*unread > INT64_MAX) /* our FIN is acknowledged too, and is no byte that was sent */
		*unread = 0;
	return true;
}

static bool moved_enough(const struct http_conn *conn, uint64_t bytes)
{
	const struct http_limits *limits = &conn->site->limits;

	return bytes >= limits->stall_rate * (uint64_t)limits->stall_time / 1000000;
}

/* It has to wait for the peer: from when, and from where on? */
static void begin_wait(struct http_conn *conn, const struct http_common *common)
{
	uint64_t unread;

	if (conn->clock != HTTP_MOVING)
		return;
	if (moved_enough(conn, conn->moved))
		arm(conn, common, HTTP_MOVING);
	if (!conn->measured)
		conn->measured = ask_acknowledged(conn, &conn->acknowledged, &unread);
}

/* What the peer has taken, or sent, since the clock was set. */
static uint64_t moved_since(const struct http_conn *conn)
{
	uint64_t now, unread;

	if (conn->measured && ask_acknowledged(conn, &now, &unread))
		return now - conn->acknowledged;
	return conn->moved;
}

static int go(struct http_conn *conn, enum state state)
{
	conn->state = (uint8_t)state;
	return GO;
}

/* The conversation is over. */
static int leave(struct http_conn *conn)
{
	conn->state = GONE;
	return HTTP_DONE;
}

static void release_body(struct body *body, struct http_common *common)
{
	if (body->kind == FILE_BODY && body->entry)
		cache_release(common->cache, body->entry);
	else if (body->kind == FILE_BODY)
		close(body->fd);
	if (body->kind == LISTING_BODY)
		free_listing(body->listing, common);
	body->kind = NO_BODY;
}

static void log_request(const struct http_conn *conn, const struct http_common *common)
{
	const struct http_work *w = conn->work;
	const struct request *req = &w->req;
	struct http_entry entry = {
		.line = req->line,
		.method = req->method_name,
		.target = req->target,
		.referer = req->value[REFERER],
		.agent = req->value[USER_AGENT],
		.reason = req->reason,
		.status = w->status,
		.bytes = w->body_sent,
		.began = conn->began,
		.common = common,
	};

	if (conn->site->log)
		conn->site->log(conn, &entry);
}

/* Nothing is left to send: what comes next is put together in the memory that all share. */
static void release_out(struct http_work *w, const struct http_common *common)
{
	free(w->unsent);
	w->unsent = NULL;
	w->out = (struct out){ common->out, 0, HTTP_OUT_SIZE, false };
	w->sent = 0;
}

/* Nobody is listening any more; what was sent of an answer still counts. */
static int lose(struct http_conn *conn, struct http_common *common)
{
	struct http_work *w = conn->work;

	if (w->status)
		log_request(conn, common);
	release_body(&w->body, common);
	release_out(w, common);
	memset(&w->req, 0, sizeof(w->req));
	w->status = 0;
	w->start = w->scan = w->end = 0;
	return leave(conn);
}

void http_drop(struct http_conn *conn, struct http_common *common)
{
	if (conn->work && http_busy(conn))
		lose(conn, common);
	common->memory -= conn->held;
	conn->held = 0;
}

/* The answer is complete, or in `out`; what follows it in `in` is the next request. */
static int finish(struct http_conn *conn, const struct http_common *common)
{
	struct http_work *w = conn->work;
	bool more = w->next < w->end;

	log_request(conn, common);
	conn->requests++;
	w->status = 0;
	if (w->req.close) {
		conn->linger |= more;
		return go(conn, CLOSE);
	}
	memset(&w->req, 0, sizeof(w->req));
	w->start = w->scan = w->next;
	if (!more)
		w->start = w->scan = w->end = 0;
	conn->began = common->clock;
	arm(conn, common, more ? HTTP_HEADER : HTTP_IDLE);
	return go(conn, READ_HEAD);
}

static int begin_answer(struct http_conn *conn, struct http_common *common)
{
	struct http_work *w = conn->work;

	clear_body(&w->body);
	w->body_sent = 0;
	w->effort += EFFORT_RESPONSE;
	arm(conn, common, HTTP_MOVING);
	answer(conn, common);
	if (w->out.overrun)
		return lose(conn, common);
	if (w->body.kind == LISTING_BODY)
		return go(conn, LISTING);
	return w->body.kind == NO_BODY ? finish(conn, common) : go(conn, STREAM);
}

/* The request can't be read, or not all of it will be: say so and close. */
static int refuse(struct http_conn *conn, const struct http_common *common, int status)
{
	struct http_work *w = conn->work;

	w->req.close = true;
	if (!w->req.line.len) {
		const char *line = w->in + w->start;
		const char *nl = memchr(line, '\n', w->end - w->start);

		w->req.line = (text){ line, nl ? (size_t)(nl - line) : w->end - w->start };
		(void)read_method(&w->req, w->req.line); /* for HEAD, which takes no body */
	}
	clear_body(&w->body);
	w->body_sent = 0;
	w->next = w->end;
	conn->linger = true;
	arm(conn, common, HTTP_MOVING);
	answer_page(conn, common,
		    (struct answer){ .status = status, .methods = status == METHOD_NOT_ALLOWED });
	return finish(conn, common);
}

/*
 * The same where the body is what is wrong. If the method isn't served the answer is about that: a
 * smaller body would not help. But 400 stays, for then nobody can tell what the request is.
 */
static int refuse_body(struct http_conn *conn, const struct http_common *common, int status)
{
	int method = status == BAD_REQUEST ? 0 : judge_method(&conn->work->req);

	return refuse(conn, common, method ? method : status);
}

/* A pipe or a file can't be asked not to block; poll(2) tells whether it would. */
static bool ready(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };
	int n;

	do
		n = poll(&p, 1, 0);
	while (n < 0 && errno == EINTR);
	return n > 0;
}

static ssize_t receive(struct http_conn *conn, void *buffer, size_t size)
{
	ssize_t n;

	if (!conn->in_socket && !ready(conn->in, POLLIN)) {
		errno = EAGAIN;
		return -1;
	}
	do
		n = conn->in_socket ? recv(conn->in, buffer, size, MSG_DONTWAIT)
				    : read(conn->in, buffer, size);
	while (n < 0 && errno == EINTR);
	conn->dry = n < 0 || (size_t)n < size;
	return n;
}

/* Does more of the answer follow what is in `out`? */
static bool has_more(const struct http_conn *conn)
{
	return conn->state == STREAM && conn->work->body.kind != NO_BODY;
}

static ssize_t transmit(struct http_conn *conn, const void *buffer, size_t size)
{
	/* the last segment waits for what follows at once: the body, or the FIN at the end */
	bool more = conn->state == CLOSE || has_more(conn);
	int flags = MSG_DONTWAIT | MSG_NOSIGNAL | (more ? MSG_MORE : 0);
	ssize_t n;

	if (!conn->out_socket && !ready(conn->out, POLLOUT)) {
		errno = EAGAIN;
		return -1;
	}
	if (!conn->out_socket && size > PIPE_SLICE)
		size = PIPE_SLICE;
	do
		n = conn->out_socket ? send(conn->out, buffer, size, flags)
				     : write(conn->out, buffer, size);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == ENOTSOCK) { /* in a socket, out something else */
		conn->out_socket = false;
		errno = EAGAIN;
	}
	return n;
}

/* The caller is asked once, before the first answer that one send(2) can't do (struct http_end). */
static bool must_tame(struct http_conn *conn)
{
	bool must = !conn->tame;

	conn->tame = true;
	return must;
}

static void count_moved(struct http_conn *conn, ssize_t n)
{
	conn->moved += (uint64_t)n;
	conn->total += (uint32_t)n;
	conn->work->effort += (unsigned)(n / EFFORT_BYTES);
}

static void count_sent(struct http_conn *conn, ssize_t n)
{
	count_moved(conn, n);
	conn->unread = n < UNREAD_MOST - (ssize_t)conn->unread ? conn->unread + (uint32_t)n
							       : UNREAD_MOST;
}

/* Send what is in `out`: GO when it is gone. Where something is missing in it, nothing is sent. */
static int flush(struct http_conn *conn, struct http_common *common)
{
	struct http_work *w = conn->work;

	if (w->out.overrun)
		return lose(conn, common);
	while (w->sent < w->out.len) {
		ssize_t n;

		if ((!conn->out_socket || has_more(conn)) && must_tame(conn))
			return HTTP_TAME;
		n = transmit(conn, w->out.at + w->sent, w->out.len - w->sent);
		if (n < 0)
			return errno == EAGAIN ? (int)HTTP_WRITE : lose(conn, common);
		w->sent += (size_t)n;
		count_sent(conn, n);
	}
	release_out(w, common);
	return GO;
}

/* Receive more behind what there is: GO, HTTP_READ if there is nothing now, END if never. */
static int fill(struct http_conn *conn, struct http_common *common)
{
	struct http_work *w = conn->work;
	ssize_t n;

	if (conn->dry)
		return HTTP_READ;
	n = receive(conn, w->in + w->end, w->in_size - w->end);
	if (n < 0)
		return errno == EAGAIN ? (int)HTTP_READ : lose(conn, common);
	w->end += (size_t)n;
	if (w->end > w->touched)
		w->touched = w->end;
	count_moved(conn, n);
	conn->received += (uint32_t)n;
	return n ? GO : END;
}

/* A method that long is none of ours (RFC 9112 3), an address that long is one too long. */
static int line_too_long(struct request *req, const char *line, size_t most)
{
	if (memchr(line, ' ', most))
		return refused(req, URI_TOO_LONG, "a request line longer than --line-max");
	return refused(req, NOT_IMPLEMENTED, "a method longer than --line-max");
}

static int read_head_line(struct request *req, const struct http_limits *limits, text line)
{
	if (req->lines++ == 0)
		return line.len > limits->line ? line_too_long(req, line.at, limits->line)
					       : read_request_line(req, line);
	req->header += line.len + 2;
	if (req->header > limits->header)
		return refused(req, FIELDS_TOO_LARGE, "a header larger than --header-max");
	if (req->lines - 1 > limits->fields)
		return refused(req, FIELDS_TOO_LARGE, "more fields than --fields-max");
	return read_field(req, line);
}

/*
 * The lines of a head as they come: WHOLE, MORE, or a status. RFC 9112 2.2 lets
 * a recipient take a bare LF for a line's end. This one doesn't: where two
 * readers of one stream disagree on where a line ends, requests are smuggled.
 */
static enum reading read_head_lines(struct http_work *w, const struct http_limits *limits)
{
	struct request *req = &w->req;
	const char *nl;

	while ((nl = memchr(w->in + w->scan, '\n', w->end - w->scan))) {
		text line = { w->in + w->scan, (size_t)(nl - w->in) - w->scan };

		if (line.len == 0 || line.at[--line.len] != '\r')
			return unreadable(req, BAD_REQUEST,
					  "a line that ends without a carriage return");
		w->scan = (size_t)(nl - w->in) + 1;
		if (line.len) {
			if (read_head_line(req, limits, line))
				return REFUSED;
		} else if (req->lines) {
			w->head_end = w->next = w->scan;
			req->head_end = w->in + w->scan;
			return WHOLE;
		} else { /* 2.2: empty lines before a request */
			w->start = w->scan;
			if (++req->blanks > BLANK_LINES)
				return unreadable(req, BAD_REQUEST,
						  "too many empty lines before a request");
		}
	}

	size_t part = w->end - w->scan;

	if (req->lines == 0 && part > limits->line + 1) {
		(void)line_too_long(req, w->in + w->scan, limits->line);
		return REFUSED;
	}
	if (req->lines == 0 && part && !is(w->in[w->scan], TOKEN) && w->in[w->scan] != '\r')
		return unreadable(req, BAD_REQUEST, "no request of HTTP; perhaps TLS");
	if (req->lines && req->header + part > limits->header + 1)
		return unreadable(req, FIELDS_TOO_LARGE, "a header larger than --header-max");
	return MORE;
}

static void compact(struct http_work *w)
{
	memmove(w->in, w->in + w->start, w->end - w->start);
	w->scan -= w->start;
	w->end -= w->start;
	w->start = 0;
}

/* The head is complete; nothing of it moves any more until the request is answered. */
static int end_head(struct http_conn *conn, struct http_common *common)
{
	const struct http_limits *limits = &conn->site->limits;
	struct http_work *w = conn->work;
	int status = read_framing(&w->req, limits);

	if (status)
		return refuse_body(conn, common, status);
	/* what follows a CONNECT may be for the tunnel (RFC 9931); who waits for 100 need not send */
	status = judge_method(&w->req);
	if (status && (w->req.method == CONNECT || w->req.expect))
		return refuse(conn, common, status);
	/* a method that nobody knows may be the end of a body, to another reader */
	if (!w->req.close &&
	    (w->req.method == OTHER || common->closing || conn->requests + 1 >= limits->requests)) {
		w->req.close = true;
		conn->linger = true;
	}
	if (!w->req.chunked && w->req.length == 0)
		return begin_answer(conn, common);
	w->chunk = CHUNK_SIZE;
	w->left = w->req.length;
	w->dropped = w->overhead = 0;
	w->trailers = 0;
	arm(conn, common, HTTP_MOVING);
	return go(conn, READ_BODY);
}

static int step_head(struct http_conn *conn, struct http_common *common)
{
	struct http_work *w = conn->work;
	enum reading reading;
	int want;

	if (w->out.len >= FLUSH_MOST || spent(w))
		return go(conn, FLUSH);
	if (w->req.lines == 0 && w->in_size - w->start < w->head_room)
		compact(w);
	reading = read_head_lines(w, &conn->site->limits);
	if (reading == WHOLE)
		return end_head(conn, common);
	if (reading == REFUSED)
		return refuse(conn, common, w->req.refusal);
	if (w->out.len)
		return go(conn, FLUSH);
	if (w->start < w->end && conn->clock == HTTP_IDLE) /* empty lines are no beginning */
		arm(conn, common, HTTP_HEADER);
	if (w->start == w->end)
		w->start = w->scan = w->end = 0;
	want = fill(conn, common);
	if (want == END)
		return w->end ? refuse(conn, common, bad(&w->req, "the end within a request"))
			      : lose(conn, common);
	if (want == GO && conn->clock == HTTP_IDLE)
		conn->began = common->clock;
	return want;
}

/* The answers so far go out; then, if the peer takes them, on with what came in. */
static int step_flush(struct http_conn *conn, struct http_common *common)
{
	int want = flush(conn, common);

	if (want == HTTP_WRITE && conn->clock != HTTP_MOVING)
		arm(conn, common, HTTP_MOVING);
	if (want != GO)
		return want;
	if (conn->clock == HTTP_MOVING)
		arm(conn, common, conn->work->start < conn->work->end ? HTTP_HEADER : HTTP_IDLE);
	conn->state = READ_HEAD;
	return spent(conn->work) ? (int)HTTP_AGAIN : GO;
}

static enum reading eat_length(struct http_work *w)
{
	uint64_t n = w->end - w->next;

	if (n > w->left)
		n = w->left;
	w->next += (size_t)n;
	w->left -= n;
	return w->left ? MORE : WHOLE;
}

/* A line of chunked syntax, without its CRLF: WHOLE, MORE or a status. */
static enum reading chunk_line(struct http_work *w, text *line)
{
	const char *at = w->in + w->next;
	const char *nl = memchr(at, '\n', w->end - w->next);
	size_t n = nl ? (size_t)(nl - at) : w->end - w->next;

	if (n > CHUNK_LINE)
		return unreadable(&w->req, FIELDS_TOO_LARGE,
				  "a line of chunked coding that is too long");
	if (!nl)
		return MORE;
	if (n == 0 || at[n - 1] != '\r')
		return unreadable(&w->req, BAD_REQUEST,
				  "a line of chunked coding without a carriage return");
	*line = (text){ at, n - 1 };
	w->next += n + 1;
	return WHOLE;
}

static enum reading eat_chunk_size(struct http_work *w, const struct http_limits *limits)
{
	text line;
	enum reading reading = chunk_line(w, &line);

	if (reading != WHOLE)
		return reading;
	if (!read_chunk_size(line, &w->left))
		return unreadable(&w->req, BAD_REQUEST, "a chunk size that is none");
	if (w->left > limits->body - w->dropped)
		return unreadable(&w->req, CONTENT_TOO_LARGE, "a body larger than --body-max");
	w->overhead += line.len > 16 ? line.len - 16 : 0; /* what a plain size has no need of */
	if (w->overhead > limits->header)
		return unreadable(&w->req, FIELDS_TOO_LARGE,
				  "chunk extensions larger than --header-max");
	w->dropped += w->left;
	w->chunk = w->left ? CHUNK_DATA : CHUNK_TRAILER;
	return MORE;
}

static enum reading eat_chunk_end(struct http_work *w)
{
	static const char crlf[] = "\r\n";
	size_t n = w->end - w->next < 2 ? w->end - w->next : 2;

	if (memcmp(w->in + w->next, crlf, n) != 0)
		return unreadable(&w->req, BAD_REQUEST,
				  "a chunk that does not end where it should");
	if (n == 2) {
		w->next += 2;
		w->chunk = CHUNK_SIZE;
	}
	return MORE;
}

/*
 * Trailer fields are read as fields are, and dropped. None may be one that says something in a
 * header (RFC 9110 6.5.1): others may merge the two, and then believe it.
 */
static enum reading eat_trailer(struct http_work *w, const struct http_limits *limits)
{
	text line, name, value;
	enum reading reading = chunk_line(w, &line);

	if (reading != WHOLE || line.len == 0)
		return reading;
	if (!split_field(line, &name, &value) || find_field(name) != FIELDS)
		return unreadable(&w->req, BAD_REQUEST,
				  "a trailer line that is none, or belongs in the header");
	w->overhead += line.len;
	if (++w->trailers > limits->fields || w->overhead > limits->header)
		return unreadable(&w->req, FIELDS_TOO_LARGE,
				  "trailers larger than a header may be");
	return MORE;
}

/* RFC 9112 7.1, for as long as something is left and the step may go on. */
static enum reading eat_chunks(struct http_work *w, const struct http_limits *limits)
{
	unsigned lines = 0;
	size_t before;
	enum reading reading;

	do {
		before = w->next;
		w->effort += ++lines % EFFORT_LINES == 0;
		switch (w->chunk) {
		case CHUNK_SIZE: reading = eat_chunk_size(w, limits); break;
		case CHUNK_DATA:
			reading = eat_length(w);
			if (reading == WHOLE)
				w->chunk = CHUNK_END;
			reading = MORE;
			break;
		case CHUNK_END: reading = eat_chunk_end(w); break;
		default: reading = eat_trailer(w, limits);
		}
	} while (reading == MORE && w->next != before && !spent(w));
	return reading;
}

static int step_body(struct http_conn *conn, struct http_common *common)
{
	const struct http_limits *limits = &conn->site->limits;
	struct http_work *w = conn->work;
	enum reading reading;
	int want = w->unsent ? flush(conn, common) : GO; /* behind it is no room for a response */

	if (want != GO)
		return want;
	reading = w->req.chunked ? eat_chunks(w, limits) : eat_length(w);
	if (reading == WHOLE)
		return begin_answer(conn, common);
	if (reading == REFUSED)
		return refuse_body(conn, common, w->req.refusal);
	if (w->req.expect && w->end == w->head_end) /* RFC 9110 10.1.1 */
		puts_out(&w->out, "HTTP/1.1 100 Continue\r\n\r\n");
	w->req.expect = false;
	want = flush(conn, common);
	if (want != GO)
		return want;
	memmove(w->in + w->head_end, w->in + w->next, w->end - w->next);
	w->end -= w->next - w->head_end;
	w->next = w->head_end;
	if (spent(w))
		return HTTP_AGAIN;
	want = fill(conn, common);
	if (want == END)
		return refuse(conn, common, bad(&w->req, "the end within a body"));
	return want;
}

static int fail_listing(struct http_conn *conn, struct http_common *common, int error)
{
	release_body(&conn->work->body, common);
	answer_error(conn, common, status_of(error));
	return conn->work->body.kind == NO_BODY ? finish(conn, common) : go(conn, STREAM);
}

static int step_listing(struct http_conn *conn, struct http_common *common)
{
	struct http_work *w = conn->work;
	struct listing *listing = w->body.listing;
	struct answer a = { .status = OK, .policy = true };
	struct out edges = { NULL, 0, 0, false };
	int want = flush(conn, common); /* the responses before this one do not wait for it */

	if (want != GO)
		return want;
	if (listing->dir) {
		int error = read_entries(conn->site, common, w->path, listing);

		if (error > 0)
			return HTTP_AGAIN;
		closedir(listing->dir);
		listing->dir = NULL;
		if (error < 0 || !begin_sort(listing, common))
			return fail_listing(conn, common, error < 0 ? -error : ENOMEM);
	}
	if (!sort_some(listing))
		return HTTP_AGAIN;

	put_listing_head(&edges, listing, w->path);
	put_listing_tail(&edges, listing);
	a.length = edges.len + listing->rows_len;
	a.type = listing->style.plain ? "text/plain; charset=utf-8" : "text/html";
	write_head(conn, common, &a);
	arm(conn, common, HTTP_MOVING);
	if (w->req.method == HEAD) {
		release_body(&w->body, common);
		return finish(conn, common);
	}

	size_t before = w->out.len;

	put_listing_head(&w->out, listing, w->path);
	w->body_sent = w->out.len - before;
	return w->out.overrun ? lose(conn, common) : go(conn, STREAM);
}

/* Some more rows, as far as there is room: of one that doesn't fit nothing stays in `out`. */
static void write_rows(struct http_work *w, struct http_common *common)
{
	struct listing *listing = w->body.listing;
	size_t before = w->out.len, whole;
	bool last;

	do {
		whole = w->out.len;
		last = listing->next == listing->count;
		if (last)
			put_listing_tail(&w->out, listing);
		else
			put_row(&w->out, listing, &listing->items[listing->order[listing->next++]]);
	} while (!last && !w->out.overrun && w->out.len - before < ROWS_STEP);
	if (w->out.overrun && whole) { /* it has to wait until the others are gone */
		w->out.overrun = false;
		w->out.len = whole;
		listing->next -= !last;
		last = false;
	}
	w->body_sent += w->out.len - before;
	if (last)
		release_body(&w->body, common);
}

/* What sendfile(2) can't write to: a pipe that must not block, a terminal, a file. */
static ssize_t copy_part(struct http_work *w, struct range *range)
{
	size_t n = w->out.size - w->out.len;
	ssize_t got;

	if (n > range->end - range->begin)
		n = (size_t)(range->end - range->begin);
	got = pread(w->body.fd, w->out.at + w->out.len, n, (off_t)range->begin);
	if (got > 0) {
		w->out.len += (size_t)got;
		range->begin += (uint64_t)got;
		w->body_sent += (uint64_t)got;
	}
	return got;
}

static int send_part(struct http_conn *conn, struct http_common *common, struct range *range)
{
	struct http_work *w = conn->work;
	off_t at = (off_t)range->begin;
	uint64_t left = range->end - range->begin;
	size_t n = left < SLICE_MOST ? (size_t)left : SLICE_MOST;
	ssize_t sent;

	if (!conn->out_socket)
		return copy_part(w, range) > 0 ? GO : lose(conn, common);
	do
		sent = sendfile(conn->out, w->body.fd, &at, n);
	while (sent < 0 && errno == EINTR);
	if (sent < 0 && errno == EAGAIN)
		return HTTP_WRITE;
	if (sent <= 0) /* 0: the file is shorter than it was, and there is no way to say so */
		return lose(conn, common);
	range->begin += (uint64_t)sent;
	w->body_sent += (uint64_t)sent;
	count_sent(conn, sent);
	if ((size_t)sent < n)
		return HTTP_WRITE;
	return range->begin < range->end ? (int)HTTP_AGAIN : GO;
}

/* Puts what comes next of a file's body into `out`, or sends it. */
static int next_of_file(struct http_conn *conn, struct http_common *common)
{
	struct http_work *w = conn->work;
	struct body *body = &w->body;
	struct range *range = &body->ranges.part[body->part];
	size_t before = w->out.len;

	if (body->boundary[0] && !body->part_begun) {
		w->effort += EFFORT_PART;
		put_part_head(&w->out, body, body->part);
		body->part_begun = true;
	} else if (range->begin < range->end) {
		return send_part(conn, common, range);
	} else {
		body->part++;
		body->part_begun = false;
		if (body->part == body->ranges.count) {
			if (body->boundary[0])
				put_parts_end(&w->out, body);
			release_body(body, common);
		}
	}
	w->body_sent += w->out.len - before;
	return GO;
}

static int step_stream(struct http_conn *conn, struct http_common *common)
{
	struct http_work *w = conn->work;
	int want;

	if (w->body.kind == LISTING_BODY)
		write_rows(w, common);
	want = flush(conn, common);
	if (want != GO)
		return want;
	switch (w->body.kind) {
	case FILE_BODY: return spent(w) ? (int)HTTP_AGAIN : next_of_file(conn, common);
	case LISTING_BODY: return HTTP_AGAIN;
	default: return finish(conn, common);
	}
}

/*
 * Leaving with bytes unread makes the kernel reset the connection, and the
 * reset may overtake the answer (RFC 9112 9.6): if the peer may still be
 * sending, stop sending, and read for a while what nobody wants.
 */
static int step_close(struct http_conn *conn, struct http_common *common)
{
	struct http_work *w = conn->work;
	int want = flush(conn, common);

	if (want != GO)
		return want;
	memset(&w->req, 0, sizeof(w->req));
	w->start = w->scan = w->end = 0;
	if (!conn->linger || !conn->in_socket || shutdown(conn->out, SHUT_WR) < 0)
		return leave(conn);
	arm(conn, common, HTTP_LINGERING);
	return go(conn, LINGER);
}

static int step_linger(struct http_conn *conn, struct http_common *common)
{
	ssize_t n;

	(void)common;
	if (conn->dry)
		return HTTP_READ;
	n = receive(conn, conn->work->in, conn->work->in_size);
	if (n < 0 && errno == EAGAIN)
		return HTTP_READ;
	conn->drained += n > 0 ? (uint32_t)n : 0;
	if (n <= 0 || conn->drained >= LINGER_MOST)
		return leave(conn);
	return conn->dry ? HTTP_READ : HTTP_AGAIN;
}

/*
 * The kernel would go on for minutes to offer what the client has not taken. A reset ends that.
 */
void http_forsake(const struct http_conn *conn)
{
	const struct linger not_at_all = { .l_onoff = 1, .l_linger = 0 };

	if (conn->out_socket)
		(void)setsockopt(conn->out, SOL_SOCKET, SO_LINGER, &not_at_all, sizeof(not_at_all));
}

/* The deadline has passed: what it was for decides what becomes of the connection. */
static int expire(struct http_conn *conn, struct http_common *common)
{
	struct request *req = &conn->work->req;

	switch (conn->clock) {
	case HTTP_HEADER:
		return refuse(conn, common,
			      refused(req, REQUEST_TIMEOUT,
				      "a header that takes longer than --header-time"));
	case HTTP_MOVING:
		if (moved_enough(conn, moved_since(conn))) {
			arm(conn, common, HTTP_MOVING);
			return GO;
		}
		if (conn->state == READ_BODY)
			return refuse(conn, common,
				      refused(req, REQUEST_TIMEOUT, "a body that stalls"));
		http_forsake(conn);
		return lose(conn, common);
	default: return lose(conn, common);
	}
}

static int run_steps(struct http_conn *conn, struct http_common *common)
{
	static int (*const steps[])(struct http_conn *, struct http_common *) = {
		[READ_HEAD] = step_head,  [READ_BODY] = step_body, [FLUSH] = step_flush,
		[LISTING] = step_listing, [STREAM] = step_stream,  [CLOSE] = step_close,
		[LINGER] = step_linger,
	};
	int want = GO;

	while (want == GO)
		want = steps[conn->state](conn, common);
	if (want == HTTP_WRITE)
		begin_wait(conn, common);
	return want;
}

/*
 * A deadline is judged after all that has arrived was read: the process may have been stopped for
 * a while, or slow. A connection that gives way has work to do here, and waits for nothing.
 */
enum http_want http_step(struct http_conn *conn, struct http_common *common)
{
	struct http_work *w = conn->work;
	int want;

	conn->dry = false;
	w->effort = 0;
	if (!w->unsent)
		w->out = (struct out){ common->out, w->out.len, HTTP_OUT_SIZE, false };
	do {
		want = run_steps(conn, common);
		if (want == HTTP_DONE || common->clock < conn->deadline)
			break;
		if (want == HTTP_AGAIN && conn->clock != HTTP_LINGERING)
			arm(conn, common, conn->clock);
		else if (want != HTTP_TAME)
			want = expire(conn, common);
	} while (want == GO);
	return (enum http_want)want;
}

bool http_busy(const struct http_conn *conn)
{
	const struct http_work *w = conn->work;

	if (conn->state == READ_HEAD)
		return w->req.blanks || w->req.lines || w->start < w->end || w->out.len;
	return conn->state < LINGER;
}

void http_open(struct http_conn *conn, const struct http_site *site, struct http_end in,
	       struct http_end out, const struct http_common *common)
{
	*conn = (struct http_conn){
		.site = site,
		.in = in.fd,
		.out = out.fd,
		.in_socket = in.socket,
		.out_socket = out.socket,
		.tame = in.tame && out.tame,
		.began = common->clock,
		.state = READ_HEAD,
	};
	arm(conn, common, HTTP_IDLE);
}

/* ---- the memory that connections hold --------------------------------------- */

enum { WORK_LEAST = 3 * PAGE }; /* that a request touches, beside what is received of it */

static void account(struct http_conn *conn, struct http_common *common)
{
	const struct http_work *w = conn->work;
	uint32_t held = conn->unread;

	if (w)
		held += (uint32_t)(WORK_LEAST + w->touched +
				   (w->unsent ? w->out.size : w->out.len - w->sent));
	common->memory += held;
	common->memory -= conn->held;
	conn->held = held;
}

/* What is left to send when a step ends moves out of the way of the other connections. */
static bool keep_unsent(struct http_work *w)
{
	size_t left = w->out.len - w->sent;
	char *unsent;

	if (left == 0 || w->unsent)
		return true;
	unsent = malloc(left);
	if (!unsent)
		return false;
	memcpy(unsent, w->out.at + w->sent, left);
	w->sent = 0;
	w->out = (struct out){ unsent, left, left, false };
	w->unsent = unsent;
	return true;
}

bool http_settle(struct http_conn *conn, struct http_common *common)
{
	struct http_work *w = conn->work;

	account(conn, common);
	return !w || keep_unsent(w);
}

int64_t http_pace(struct http_conn *conn, struct http_common *common, int64_t time)
{
	const uint32_t too_long = 10000; /* ms: it says little of what is now */
	uint32_t now = (uint32_t)(common->clock / 1000) | 1, past = now - conn->looked;
	uint64_t taken, unread = conn->state == READ_HEAD ? 0 : conn->unread;
	uint32_t moved = conn->total;

	if (ask_acknowledged(conn, &taken, &unread))
		moved = conn->received + (uint32_t)taken;
	conn->unread = unread < UNREAD_MOST ? (uint32_t)unread : UNREAD_MOST;
	account(conn, common);
	if (conn->looked && (past == 0 || past < time / 1000))
		return INT64_MAX;

	bool fresh = conn->looked && past <= too_long;
	int64_t pace = fresh ? (int64_t)(moved - conn->seen) * 1000 / past : INT64_MAX;

	conn->looked = now;
	conn->seen = moved;
	return pace;
}

size_t http_memory(const struct http_common *common)
{
	return common->memory + (common->cache ? common->cache->held : 0);
}

/* ---- for the log and the options ------------------------------------------ */

size_t http_log_line(char line[HTTP_LOG_LINE], const char *peer, const struct http_entry *entry)
{
	struct out o = { line, 0, HTTP_LOG_LINE, false };
	struct tm tm = { .tm_year = 1970 };

	(void)calendar(entry->common->wall.tv_sec, &tm);
	puts_out(&o, peer);
	puts_out(&o, " - - [");
	put_two(&o, tm.tm_mday);
	puts_out(&o, "/");
	put(&o, &month_names[3L * tm.tm_mon], 3);
	puts_out(&o, "/");
	put_year(&o, tm.tm_year);
	puts_out(&o, ":");
	put_time(&o, &tm);
	puts_out(&o, " +0000] \"");
	put_log(&o, entry->line, 1800);
	puts_out(&o, "\" ");
	put_number(&o, (uint64_t)entry->status);
	puts_out(&o, " ");
	if (entry->bytes)
		put_number(&o, entry->bytes);
	else
		puts_out(&o, "-");
	puts_out(&o, " \"");
	put_log(&o, entry->referer, 900);
	puts_out(&o, "\" \"");
	put_log(&o, entry->agent, 900);
	puts_out(&o, "\"\n");
	return o.len;
}

const char *http_header_fault(const char *line)
{
	static const text ours[] = {
		TEXT("Accept-Ranges"),  TEXT("Allow"),
		TEXT("Connection"),     TEXT("Content-Encoding"),
		TEXT("Content-Length"), TEXT("Content-Range"),
		TEXT("Content-Type"),   TEXT("Date"),
		TEXT("ETag"),           TEXT("Keep-Alive"),
		TEXT("Last-Modified"),  TEXT("Location"),
		TEXT("Server"),         TEXT("TE"),
		TEXT("Trailer"),        TEXT("Transfer-Encoding"),
		TEXT("Upgrade"),        TEXT("X-Content-Type-Options"),
	};
	text name, value;

	if (!split_field(text_of(line), &name, &value))
		return "is not 'Name: value'";
	for (size_t i = 0; i < LENGTH(ours); i++)
		if (alike(name, ours[i]))
			return "is for the server itself to say";
	return NULL;
}
