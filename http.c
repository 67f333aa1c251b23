/*
 * http.c - the conversation: bytes in, one request understood, one response
 * chosen, bytes out.
 *
 * A connection is a small state machine, which http_step() drives for as long as
 * nothing has to be waited for:
 *
 *      +-------------------------- keep-alive ---------------------------+
 *      v                                                                 |
 *    HEAD --> choose --> BODY --> answer --> [LISTING] --> STREAM --> finish
 *      |                  |                                              |
 *      +------------------+------- refused requests --------> CLOSE <----+
 *                                                               |
 *                                                            LINGER --> GONE
 *
 * FLUSH sends all complete responses together. PROXY comes before the first
 * HEAD, if it is asked for. If a password is needed, CHECK comes before BODY. For
 * a program, RUN replaces BODY. ADOPT hands CHECK or RUN to another process.
 *
 * A request for a file goes through these functions:
 *
 *    step_head      fill() receives, read_head() reads into struct request
 *    end_head       choose() finds a response in the cache, or opens the file
 *    respond        answer_cached() puts the cached response into the output, or
 *                   answer_file() judges conditions and ranges, and answer_body()
 *                   puts a head and a short body into the output
 *    step_stream    for a longer body: flush() sends the output, next_of_file()
 *                   the rest of the body, or the parts that were asked for
 *    finish         logs the request
 *
 * Requests with a range or a condition are not answered from the cache: for them
 * the file is opened. A new header field needs a member of struct head, which
 * put_fields() writes behind Content-Type. Fields that differ each time that a
 * cached response is sent are written by put_opening().
 *
 * The sections, each of which calls only those before it:
 *
 *    text, output, dates, media types, rules      functions of bytes
 *    the request, who asks, the representation    functions of the input
 *    names, folders, the cache                    what is below the root
 *    the work of a request, hosts                 all that a request needs
 *    heads, pages, files, passwords, listings     the parts of a response
 *    the choice, the variables of a program       which response
 *    clocks, the socket, memory                   the connection
 *    taking, sending, programs, leaving           the states
 *    the machine, for the log and the options     what the caller calls
 *
 * Only tables are global. The caller tells the time (struct http_common).
 */
#include "http.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/*
 * For functions with large arrays: inlined, these would be part of the caller's frame, and more
 * pages of the stack would be touched. Together with the layout of struct http_work this took the
 * page faults of a one-connection process from 18.5 to 10.4.
 */
#define OWN_FRAME __attribute__((noinline))

enum {
	PAGE = 4096, /* bytes of memory that are faulted in at the first touch */
	FLUSH_MOST =
		32 << 10,     /* bytes of responses to pipelined requests that are sent together, */
	OUT_ROOM = 208 << 10, /* and more than the largest head and its body */
	INLINE_MOST = 16 << 10,  /* bytes of a body that is sent with its head; or */
	CACHED_MOST = 64 << 10,  /* if there is a cache, which may keep it */
	SLICE_MOST = 1 << 20,    /* bytes of a file in one step */
	BODY_ROOM = 8 << 10,     /* bytes to read a request's body into */
	CHUNK_LINE = 4 << 10,    /* bytes of a chunk's size and its extensions */
	BLANK_LINES = 8,         /* before a request line: RFC 9112 2.2 asks for one */
	GATHER_MOST = 1 << 20,   /* bytes of a chunked body that are gathered for CONTENT_LENGTH */
	PROGRAM_HEAD = 32 << 10, /* bytes of a program's header, or of a read from it */
	VARIABLES_MOST = 128 << 10, /* bytes of its variables */
	REDIRECTS_MOST = 10,        /* of one request within the site, by programs */
	LOGIN_MOST = 512,           /* bytes of a name and a password, encoded */
	LOGINS_MOST = 3,            /* wrong ones on a connection */
	HALF_CLOSED_TIME = 5000000, /* us of a program's silence when the client sends no more */
	PIPE_SLICE = 4096,     /* bytes that a pipe which polls writable takes without blocking */
	LINGER_TIME = 2000000, /* us that the client may go on sending after the response, */
	LINGER_MOST = 4 << 20, /* and bytes */
	PARTS_MOST = 64,       /* ranges in one request: zsync(1) asks for 20 at once */
	WALK_DEPTH = 64,       /* folders below the root, without openat2 */
	WALK_LINKS = 40,       /* symbolic links in one name, as in path_resolution(7) */
	READ_STEP = 64,        /* entries of a folder that are read in one step, */
	SORT_STEP = 2048,      /* entries that are put in order, */
	ROWS_STEP = 32 << 10,  /* and bytes of rows that are written */
	UNREAD_MOST = 1 << 17, /* bytes that the kernel holds for a client that doesn't read */
	CHECKS_MOST = 10,      /* names that one cache entry depends on */
	HOPS_MOST = 32,        /* trusted peers that one request passed */
	PROXY_LINE = 107,      /* bytes of a PROXY line, by its specification, */
	PROXY_MOST = 4 << 10,  /* and of a binary header */
	CHAIN_MOST = 8,        /* entries in one bucket of the cache */
	CACHE_KEPT = 10000000, /* us that an entry is kept without being used */
	FINE_TICK = 50,        /* ms: more than one tick of any kernel's clock, */
	COARSE_TICK = 2000,    /* and of file systems whose times have no fractions */
};

_Static_assert(FLUSH_MOST + OUT_ROOM <= HTTP_OUT_SIZE,
	       "a response has room behind those that wait");

/*
 * What a step may cost before other connections are served, in units of roughly a microsecond. Each
 * piece of work adds its cost to http_work.effort; a step that has spent EFFORT_MOST sends what it
 * has and gives way with HTTP_AGAIN.
 */
enum {
	EFFORT_MOST = 100,
	EFFORT_RESPONSE = 3, /* each response, */
	EFFORT_LOOKUP = 25,  /* and more if names are looked up for it */
	EFFORT_PART = 5,     /* a part of a multipart response */
	EFFORT_LINES = 16,   /* lines of chunked coding for one unit, */
	EFFORT_BYTES = 8192, /* and bytes that are received or sent */
};

/* ---- text ------------------------------------------------------------------ */

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
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

/* Case does not matter: field names, codings, tokens. */
static bool alike(text a, text b)
{
	return a.len == b.len && (!a.at || !b.at || strncasecmp(a.at, b.at, a.len) == 0);
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
 * Splits *rest at the first `c`: returns the part before it and leaves the part behind it in *rest.
 * Without a `c` it returns all of *rest, and sets rest->at to NULL.
 */
static text cut(text *rest, char c)
{
	const char *at = rest->at ? memchr(rest->at, c, rest->len) : NULL;
	text before = { rest->at, at ? (size_t)(at - rest->at) : rest->len };

	*rest = at ? (text){ at + 1, rest->len - before.len - 1 } : (text){ NULL, 0 };
	return before;
}

static bool starts_alike(text t, text start)
{
	return t.len >= start.len && alike((text){ t.at, start.len }, start);
}

static bool skip_alike(text *t, const char *start)
{
	if (!starts_alike(*t, text_of(start)))
		return false;
	skip(t, strlen(start));
	return true;
}

/* Whether the word is one of `words`, before each of which is a blank. Case does not matter. */
static bool is_one_of(const char *words, text word)
{
	for (; *words; words += 1 + strcspn(words + 1, " "))
		if (strncasecmp(words + 1, word.at, word.len) == 0 &&
		    strcspn(words + 1, " ") == word.len)
			return true;
	return false;
}

/*
 * What a byte may be part of. TOKEN: RFC 9110 5.6.2. VALUE: all bytes but control characters other
 * than tab. TARGET: the same without tab, blank and '#'. That includes bytes which browsers and curl
 * leave unencoded, although RFC 3986 has them encoded; they are encoded where they are printed. PLAIN:
 * unreserved, RFC 3986 2.3. HOSTNAME: reg-name, RFC 3986 3.2.2.
 */
enum { TOKEN = 1, VALUE = 2, TARGET = 4, PLAIN = 8, HOSTNAME = 16, DIGIT = 32 };

/* clang-format off */
static const unsigned char byte_class[256] = {
	 0,  0,  0,  0,  0,  0,  0,  0,  0,  2,  0,  0,  0,  0,  0,  0,
	 0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
	 2, 23,  6,  3, 23, 23, 23, 23, 22, 22, 23, 23, 22, 31, 31,  6,
	63, 63, 63, 63, 63, 63, 63, 63, 63, 63,  6, 22,  6, 22,  6,  6,
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

/* How many of the first bytes are of this class. */
static size_t span(text t, int class)
{
	size_t n = 0;

	while (n < t.len && is(t.at[n], class))
		n++;
	return n;
}

static bool all_of(text t, int class)
{
	return span(t, class) == t.len;
}

static bool is_digit(char c)
{
	return is(c, DIGIT);
}

static unsigned char lower(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c | 32 : c);
}

static int hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	if ((c | 32) >= 'a' && (c | 32) <= 'f')
		return (c | 32) - 'a' + 10;
	return -1;
}

/* The byte that "%hh" at t[i] stands for, or -1. */
static int percent(text t, size_t i)
{
	if (i + 2 >= t.len)
		return -1;

	int high = hex_digit(t.at[i + 1]), low = hex_digit(t.at[i + 2]);

	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* Whether each '%' begins an encoded byte that is neither NUL nor a slash. */
static bool percent_encoded(text t)
{
	for (const char *at = t.at, *end = t.at + t.len; at < end; at++) {
		if (*at != '%')
			continue;
		int c = percent(t, (size_t)(at - t.at));

		if (c <= 0 || c == '/')
			return false;
	}
	return true;
}

/* Digits only, at least one; what is too large for 64 bits becomes the largest number. */
static bool read_number(text t, uint64_t *n)
{
	if (t.len == 0 || !all_of(t, DIGIT))
		return false;
	*n = 0;
	for (size_t i = 0; i < t.len; i++) {
		unsigned digit = (unsigned)(t.at[i] - '0');

		*n = *n > (UINT64_MAX - digit) / 10 ? UINT64_MAX : *n * 10 + digit;
	}
	return true;
}

/* ---- output ---------------------------------------------------------------- */

/* A bounded buffer. If `at` is NULL, what is put into it is only counted. */
struct out {
	char *at;
	size_t len, size;
	bool overrun;
};

/* Inline, like put_string(): the rows of a listing are written in 14 % less time. */
static inline void put(struct out *o, const void *bytes, size_t n)
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
	if (t.len)
		put(o, t.at, t.len);
}

static inline void put_string(struct out *o, const char *s)
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

/* Two digits at least, as in dates. */
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

/* Percent-encodes all bytes but those of `class` and `marks`. */
static void put_encoded(struct out *o, text t, int class, const char *marks)
{
	for (size_t n; t.len; skip(&t, n ? n : 1)) {
		const char *hex = "0123456789ABCDEF";
		unsigned char c = (unsigned char)t.at[0];

		n = span(t, class);
		if (n)
			put(o, t.at, n);
		else if (c && strchr(marks, c))
			put(o, &c, 1);
		else
			put(o, (char[]){ '%', hex[c >> 4], hex[c & 15] }, 3);
	}
}

/* A path: '/' is left as it is. */
static void put_url(struct out *o, text t)
{
	put_encoded(o, t, PLAIN, "/");
}

/* A query, which the client may have encoded only in part: RFC 3986 3.4. */
static void put_query(struct out *o, text t)
{
	put_encoded(o, t, HOSTNAME, ":@/?");
}

/* An absolute URL as a person wrote it; what no URL may hold is encoded. */
static void put_absolute(struct out *o, text t)
{
	put_encoded(o, t, PLAIN, ":/?#[]@!$&'()*+,;=%");
}

/* The length of the UTF-8 character (RFC 3629) at `s`, or 0 if it is not well-formed. */
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

static const char *html_escape(unsigned char c)
{
	switch (c) {
	case '&': return "&amp;";
	case '<': return "&lt;";
	case '>': return "&gt;";
	case '"': return "&quot;";
	case '\'': return "&#39;";
	default: return NULL;
	}
}

static const char *json_escape(unsigned char c)
{
	return c == '"' ? "\\\"" : c == '\\' ? "\\\\" : NULL;
}

/* The length of the first character, 0 if it isn't one of printable UTF-8. */
static size_t printable(text t)
{
	unsigned char c = (unsigned char)t.at[0];

	if (c < 0x80)
		return c >= ' ' && c != 0x7f;
	return utf8_length((const unsigned char *)t.at, t.len);
}

static bool all_printable(text t)
{
	while (t.len && printable(t))
		skip(&t, printable(t));
	return t.len == 0;
}

/* `escape` replaces some characters; what isn't printable UTF-8 becomes U+FFFD. */
static void put_escaped(struct out *o, text t, const char *(*escape)(unsigned char))
{
	for (size_t n; t.len; skip(&t, n ? n : 1)) {
		const char *escaped = NULL;

		n = span(t, PLAIN);
		if (!n) {
			n = printable(t);
			escaped = n ? escape((unsigned char)t.at[0]) : "\xef\xbf\xbd";
		}
		if (escaped)
			put_string(o, escaped);
		else
			put(o, t.at, n);
	}
}

/*
 * As a field of a log, of at most `most` bytes. Printable ASCII from `least` on is written as it is; all
 * other bytes, quotes and backslashes are encoded. `least` is '!' where no quotes are around the field,
 * so that it has no blanks.
 */
static void put_log(struct out *o, text t, size_t most, unsigned char least)
{
	size_t begin = o->len;

	if (t.len == 0)
		put_string(o, "-");
	for (size_t i = 0; i < t.len; i++) {
		unsigned char c = (unsigned char)t.at[i];

		if (o->len - begin + 4 > most - 3) {
			put_string(o, "...");
			return;
		}
		if (c >= least && c < 0x7f && c != '"' && c != '\\') {
			put(o, &c, 1);
		} else {
			const char *hex = "0123456789abcdef";
			char code[4] = { '\\', 'x', hex[c >> 4], hex[c & 15] };

			put(o, code, 4);
		}
	}
}

/*
 * Writes `form`, in which these stand for arguments: %s a string, %t a text, %n a number (uint64_t),
 * %2 an int as two digits at least, %x a number in hexadecimal, %u a text as part of a URL's path,
 * %q as its query, %h a text as HTML text or a quoted attribute, %j a text within a string of JSON.
 * %0 is a NUL byte.
 */
static void put_form(struct out *o, const char *form, ...)
{
	va_list args;

	va_start(args, form);
	for (size_t n; *form; form += n) {
		n = (size_t)(strchrnul(form, '%') - form);
		put(o, form, n);
		if (form[n] == '\0')
			continue;
		switch (form[n + 1]) {
		case 's': put_string(o, va_arg(args, const char *)); break;
		case 't': put_text(o, va_arg(args, text)); break;
		case 'n': put_number(o, va_arg(args, uint64_t)); break;
		case '2': put_two(o, va_arg(args, int)); break;
		case 'x': put_hex(o, va_arg(args, uint64_t)); break;
		case 'u': put_url(o, va_arg(args, text)); break;
		case 'q': put_query(o, va_arg(args, text)); break;
		case '0': put(o, "", 1); break;
		case 'h': put_escaped(o, va_arg(args, text), html_escape); break;
		case 'j': put_escaped(o, va_arg(args, text), json_escape); break;
		default: abort(); /* no form has another */
		}
		n += 2;
	}
	va_end(args);
}

/* ---- dates (RFC 9110 5.6.7) ------------------------------------------------- */

static const text day_names[] = { TEXT("Sunday"),    TEXT("Monday"),   TEXT("Tuesday"),
				  TEXT("Wednesday"), TEXT("Thursday"), TEXT("Friday"),
				  TEXT("Saturday") };
static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* Days from 1970-01-01 to the date. gmtime(3) and mktime(3) would read a file of the time zone. */
static int64_t days_of(int64_t year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* tm_year is the year itself. False for a year that isn't 0 to 9999: HTTP can't write it. */
static bool calendar(int64_t when, struct tm *tm)
{
	if (when < -62167219200 || when > 253402300799)
		return false;

	int64_t days = (when + 62167219200) / 86400, rest = (when + 62167219200) % 86400;
	int64_t since = days - 60 + 146097; /* the first of March 400 years before the year 0 */
	int64_t era = since / 146097 - 1, day = since % 146097; /* an era has 400 years */
	int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	int64_t of_year = day - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * of_year + 2) / 153; /* since March */

	tm->tm_mday = (int)(of_year - (153 * month + 2) / 5 + 1);
	tm->tm_mon = (int)(month < 10 ? month + 2 : month - 10);
	tm->tm_year = (int)(year + era * 400 + (tm->tm_mon < 2));
	tm->tm_wday = (int)((days + 6) % 7);
	tm->tm_hour = (int)(rest / 3600);
	tm->tm_min = (int)(rest / 60 % 60);
	tm->tm_sec = (int)(rest % 60);
	return true;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT"; nothing for a time that can't be written so. */
static void put_date(struct out *o, int64_t when)
{
	struct tm tm;

	if (calendar(when, &tm))
		put_form(o, "%t, %2 %t %2%2 %2:%2:%2 GMT", (text){ day_names[tm.tm_wday].at, 3 },
			 tm.tm_mday, (text){ &month_names[3L * tm.tm_mon], 3 }, tm.tm_year / 100,
			 tm.tm_year % 100, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static bool take_digits(text *t, size_t n, int *value)
{
	if (t->len < n)
		return false;
	*value = 0;
	for (size_t i = 0; i < n; i++) {
		if (!is_digit(t->at[i]))
			return false;
		*value = *value * 10 + (t->at[i] - '0');
	}
	skip(t, n);
	return true;
}

static bool take_name(text *t, text name)
{
	if (t->len < name.len || memcmp(t->at, name.at, name.len) != 0)
		return false;
	skip(t, name.len);
	return true;
}

static bool take_day_name(text *t, bool whole)
{
	for (size_t i = 0; i < LENGTH(day_names); i++)
		if (take_name(t, (text){ day_names[i].at, whole ? day_names[i].len : 3 }))
			return true;
	return false;
}

static bool take_month(text *t, int *month)
{
	for (int i = 0; i < 12; i++)
		if (take_name(t, (text){ month_names + (size_t)i * 3, 3 })) {
			*month = i + 1;
			return true;
		}
	return false;
}

/* A two-digit year that seems more than 50 years ahead is in the past (RFC 9110 5.6.7). */
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

/* A letter stands for a part that read_date() reads, any other character for itself. */
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
		case 'e': good = take_digits(&t, skip_char(&t, ' ') ? 1 : 2, &day); break;
		case 'h': good = take_digits(&t, 2, &hour); break;
		case 'm': good = take_digits(&t, 2, &minute); break;
		case 's': good = take_digits(&t, 2, &second); break;
		case 'Y': good = take_digits(&t, 4, &year); break;
		case 'y':
			good = take_digits(&t, 2, &year);
			year = full_year(year, now);
			break;
		default: good = skip_char(&t, *form);
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

/* ---- media types -------------------------------------------------------------- */

/* html_alone is for pages that name another charset themselves: see begins_otherwise(). */
static const char html[] = "text/html; charset=utf-8", html_alone[] = "text/html";

/*
 * Media types by the endings of names, the frequent ones first. Text is said to be UTF-8, unless
 * the format has a way of its own to name the charset.
 */
static const struct type {
	const char *name, *endings;
} types[] = {
	{ html, " html htm" },
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
	{ "text/plain; charset=utf-8",
	  " adoc asc bat c cc cfg cmake conf cpp cs cxx el erl ex exs fish go gradle h hh hpp hs hxx"
	  " ini java jl jsonl jsx kt kts lock log lua m mk ml nix nim org php pl pm proto ps1 py r rb"
	  " rs rst sass scala scss sed sql srt swift tcl tex tf toml tsx txt vim vue zig zsh" },
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

/* Names without an ending that are plain text. */
static const char text_names[] =
	" AUTHORS BUGS CHANGELOG CHANGES CONTRIBUTING COPYING COPYRIGHT CREDITS Containerfile Dockerfile"
	" Gemfile HACKING INSTALL Jenkinsfile LICENCE LICENSE MAINTAINERS Makefile NEWS NOTICE PKGBUILD"
	" Procfile README Rakefile THANKS TODO VERSION Vagrantfile";

static const char *type_of(const struct http_site *site, const char *path)
{
	const struct http_rule_list *rules = &site->rules[HTTP_TYPES];
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	const char *dot = strrchr(name, '.');

	for (size_t i = rules->count; i; i--)
		if (alike(rules->at[i - 1].pattern, text_of(dot ? dot + 1 : "")))
			return rules->at[i - 1].text.at;
	for (size_t i = 0; dot && i < LENGTH(types); i++)
		if (is_one_of(types[i].endings, text_of(dot + 1)))
			return types[i].name;
	return !dot && is_one_of(text_names, text_of(name)) ? "text/plain; charset=utf-8"
							    : "application/octet-stream";
}

/* The value of an attribute; `t` is what follows its name. */
static text read_charset(text t)
{
	skip_blank(&t);
	if (!skip_char(&t, '='))
		return (text){ NULL, 0 };
	skip_blank(&t);
	(void)(skip_char(&t, '"') || skip_char(&t, '\''));
	return (text){ t.at, span(t, PLAIN) };
}

/* The charset that a <meta> tag of the page names, or an empty text. Comments are skipped. */
static text find_charset(text page)
{
	static const text name = TEXT("charset");

	for ((void)cut(&page, '<'); page.len; (void)cut(&page, '<')) {
		text tag = { page.at - 1, page.len + 1 }, charset = { NULL, 0 };

		if (starts_alike(tag, text_of("<!--"))) {
			const char *end = memmem(tag.at, tag.len, "-->", 3);

			skip(&page, end ? (size_t)(end - page.at) : page.len);
		} else if (starts_alike(tag, text_of("<meta"))) {
			for (tag = cut(&page, '>'); tag.len && !charset.len; skip(&tag, 1))
				if (starts_alike(tag, name))
					charset = read_charset(
						(text){ tag.at + name.len, tag.len - name.len });
			if (charset.len)
				return charset;
		}
	}
	return page;
}

enum { PAGE_BEGIN = 1024 }; /* bytes in which HTML has to name its charset */

/* Whether a page says, by a byte order mark or a tag, that it is not UTF-8. */
static bool begins_otherwise(text page)
{
	text charset;

	if (page.len > 1 &&
	    (memcmp(page.at, "\xff\xfe", 2) == 0 || memcmp(page.at, "\xfe\xff", 2) == 0))
		return true;
	if (page.len > 2 && memcmp(page.at, "\xef\xbb\xbf", 3) == 0)
		return false;
	page.len = page.len < PAGE_BEGIN ? page.len : PAGE_BEGIN;
	charset = find_charset(page);
	return charset.len && !alike(charset, text_of("utf-8")) && !alike(charset, text_of("utf8"));
}

/* The type of a file whose beginning is not sent with the head: it is read here. */
OWN_FRAME static const char *type_of_page(const char *type, int fd)
{
	char begin[PAGE_BEGIN];
	ssize_t n = type == html ? pread(fd, begin, sizeof(begin), 0) : 0;

	return n > 0 && begins_otherwise((text){ begin, (size_t)n }) ? html_alone : type;
}

/* ---- the rules of a site ------------------------------------------------------ */

/* Whether a pattern, in which '*' stands for any bytes, matches "/" and then the path. */
static bool matches(text pattern, text path)
{
	size_t p = 0, at = 0, star = SIZE_MAX, from = 0;

	while (at <= path.len) {
		char c = (char)(at ? path.at[at - 1] : '/');

		if (p < pattern.len && pattern.at[p] == '*') {
			star = p++;
			from = at;
		} else if (p < pattern.len && pattern.at[p] == c) {
			p++;
			at++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			at = ++from;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.at[p] == '*')
		p++;
	return p == pattern.len;
}

/* A rule without a pattern applies to all requests, also to those without a path. */
static bool applies(const struct http_rule *rule, text path)
{
	return !rule->pattern.at || (path.at && matches(rule->pattern, path));
}

/* Whether a later rule sets this field instead. Two rules without patterns are both sent. */
static bool overruled(const struct http_rule_list *rules, const struct http_rule *rule, text path)
{
	text field = rule->text, name = cut(&field, ':');

	for (const struct http_rule *later = rule + 1; later < rules->at + rules->count; later++)
		if ((rule->pattern.at || later->pattern.at) && starts_alike(later->text, name) &&
		    later->text.at[name.len] == ':' && applies(later, path))
			return true;
	return false;
}

/* ---- the request (RFC 9112) -------------------------------------------------- */

/* RFC 9110 15. Functions that say "0 or a status" return 0 where nothing is wrong. */
enum status {
	OK = 200,
	NO_CONTENT = 204,
	PARTIAL_CONTENT = 206,
	MOVED_PERMANENTLY = 301,
	FOUND = 302,
	NOT_MODIFIED = 304,
	PERMANENT_REDIRECT = 308,
	BAD_REQUEST = 400,
	UNAUTHORIZED = 401,
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
	BAD_GATEWAY = 502,
	UNAVAILABLE = 503,
	GATEWAY_TIMEOUT = 504,
	VERSION_NOT_SUPPORTED = 505,
};

enum method { GET, HEAD, POST, OPTIONS, PUT, DELETE, PATCH, TRACE, CONNECT, OTHER };

static const text methods[] = {
	[GET] = TEXT("GET"),         [HEAD] = TEXT("HEAD"),   [POST] = TEXT("POST"),
	[OPTIONS] = TEXT("OPTIONS"), [PUT] = TEXT("PUT"),     [DELETE] = TEXT("DELETE"),
	[PATCH] = TEXT("PATCH"),     [TRACE] = TEXT("TRACE"), [CONNECT] = TEXT("CONNECT"),
};

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
	ACCEPT,
	ACCEPT_ENCODING,
	ORIGIN,
	REQUEST_METHOD,
	AUTHORIZATION,
	CONTENT_TYPE,
	REFERER,
	USER_AGENT,
	FORWARDED,
	X_FORWARDED_FOR,
	X_FORWARDED_PROTO,
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
	[ACCEPT] = TEXT("Accept"),
	[ACCEPT_ENCODING] = TEXT("Accept-Encoding"),
	[AUTHORIZATION] = TEXT("Authorization"),
	[CONTENT_TYPE] = TEXT("Content-Type"),
	[ORIGIN] = TEXT("Origin"),
	[REQUEST_METHOD] = TEXT("Access-Control-Request-Method"),
	[REFERER] = TEXT("Referer"),
	[USER_AGENT] = TEXT("User-Agent"),
	[FORWARDED] = TEXT("Forwarded"),
	[X_FORWARDED_FOR] = TEXT("X-Forwarded-For"),
	[X_FORWARDED_PROTO] = TEXT("X-Forwarded-Proto"),
};

/* What one request says. It is cleared as a whole before the next one. */
struct request {
	enum method method;
	int minor; /* of HTTP/1.x */
	bool close, expect, chunked;
	bool https;      /* the target begins with https:// */
	uint64_t length; /* of a body that isn't chunked */
	size_t blanks;   /* empty lines before the request */
	size_t lines;    /* of the head, so far */
	size_t header;   /* bytes of them, without the request line */
	text line, method_name, target, path, query, authority;
	text asked;           /* the path, decoded; asked.at is NULL before it is known */
	text host, port;      /* with --hosts: see read_host(); */
	text folder;          /* and the name of the folder, which ends with a NUL */
	text value[FIELDS];   /* of the first line with that name, */
	uint8_t seen[FIELDS]; /* and the number of these lines */
	const char *head_end;
	bool tls;                /* the client uses it */
	bool forwarded;          /* a trusted peer has told the address of its client, */
	struct http_peer client; /* which is this one */
	enum status refusal;     /* 0, or the status that it is refused with, */
	const char *reason;      /* and why */
};

static bool has_body(const struct request *req)
{
	return req->chunked || req->length;
}

/* What was received, and how far it has been read. */
struct input {
	char *at;
	size_t size, room; /* room: bytes that a request needs from its start on */
	size_t start;      /* where the request begins, */
	size_t scan;       /* its first line that is not complete, */
	size_t head_end;   /* and its body, or what is left of that */
	size_t next, end;  /* where what has not been read begins, and ends */
	size_t touched;    /* the largest `end` so far */
	bool ended;        /* the client sends nothing more */
};

/* How much of a body has been read. */
struct framing {
	enum chunk { CHUNK_SIZE, CHUNK_DATA, CHUNK_END, CHUNK_TRAILER } chunk;
	uint64_t left;     /* bytes of the chunk, or of a body that isn't chunked */
	uint64_t dropped;  /* bytes of all chunks so far */
	uint64_t overhead; /* bytes of extensions and trailers */
	size_t trailers;
};

/* MORE: more has to be received. REFUSED: struct request says why. */
enum reading { MORE, WHOLE, REFUSED };

/* Notes why the request is refused, in words for the log. Returns the status. */
static enum status refused(struct request *req, enum status status, const char *reason)
{
	req->refusal = status;
	req->reason = reason;
	return req->refusal;
}

static enum reading unreadable(struct request *req, enum status status, const char *reason)
{
	(void)refused(req, status, reason);
	return REFUSED;
}

static enum status bad(struct request *req, const char *reason)
{
	return refused(req, BAD_REQUEST, reason);
}

/* An IPv4 or IPv6 address as people write it. */
static bool read_address(text t, int family, struct http_peer *peer)
{
	char address[INET6_ADDRSTRLEN] = "";

	*peer = (struct http_peer){ .port = 0 };
	if (family == AF_INET)
		peer->address[10] = peer->address[11] = 0xff;
	if (t.len == 0 || t.len >= sizeof(address) || memchr(t.at, '\0', t.len))
		return false;
	memcpy(address, t.at, t.len);
	return inet_pton(family, address, peer->address + (family == AF_INET ? 12 : 0)) == 1;
}

/* RFC 9110 7.2, 4.2.1 (an http URI has a host), 4.2.4 (and no user), RFC 3986 3.2. */
static bool valid_authority(text t)
{
	size_t host = 0;

	if (t.len && t.at[0] == '[') {
		struct http_peer ignored;
		const char *end = memchr(t.at, ']', t.len);

		if (!end)
			return false;
		host = (size_t)(end - t.at) + 1;
		if (!read_address((text){ t.at + 1, host - 2 }, AF_INET6, &ignored))
			return false;
	} else {
		host = span(t, HOSTNAME);
		if (!percent_encoded((text){ t.at, host }))
			return false;
	}

	uint64_t port = 0;
	text rest = { t.at + host, t.len - host };

	if (host == 0 || (rest.len && rest.at[0] != ':'))
		return false;
	return rest.len <= 1 ||
	       (read_number((text){ rest.at + 1, rest.len - 1 }, &port) && port <= 65535);
}

/* Takes "http://" or "https://" and the authority off the target: 0 or a status. */
static enum status read_authority(struct request *req, text *target)
{
	size_t end = 0;

	req->https = skip_alike(target, "https://");
	if (!req->https && !skip_alike(target, "http://"))
		return bad(req, "a target that is neither a path nor a URI of http");
	while (end < target->len && target->at[end] != '/' && target->at[end] != '?')
		end++;
	req->authority = (text){ target->at, end };
	skip(target, end);
	if (!valid_authority(req->authority))
		return bad(req, "a target with an invalid host or port");
	return 0;
}

/* The four forms of RFC 9112 3.2: 0 or a status. In a query, a % often stands for itself. */
static enum status read_target(struct request *req)
{
	text t = req->target;

	if (t.len == 0 || !all_of(t, TARGET))
		return bad(req, "a target that is empty, or has bytes that no target may have");
	if (req->method == CONNECT)
		return 0; /* whatever it names, the response is 405 */
	if (same(t, text_of("*")))
		return req->method == OPTIONS ? 0 : bad(req, "a target of * without OPTIONS");
	if (t.at[0] != '/') {
		enum status status = read_authority(req, &t);

		if (status)
			return status;
	}
	req->query = t;
	req->path = cut(&t, '?');
	skip(&req->query, req->path.len);
	if (req->path.len == 0)
		req->path = text_of("/");
	if (!percent_encoded(req->path))
		return bad(req, "a % that encodes no byte, or the NUL or slash of a name");
	return 0;
}

static enum method find_method(text name)
{
	enum method m = GET;

	while (m < OTHER && !same(name, methods[m]))
		m++;
	return m;
}

/* Takes the method off a line, which may be incomplete. False if no method and space begin it. */
static bool read_method(struct request *req, text *line)
{
	text name = cut(line, ' ');

	if (!line->at || name.len == 0 || !all_of(name, TOKEN))
		return false;
	req->method_name = name;
	req->method = find_method(name);
	return true;
}

/* method SP request-target SP HTTP-version: 0 or a status. */
static enum status read_request_line(struct request *req, text line)
{
	req->line = line;
	if (!read_method(req, &line))
		return bad(req, "a request line without a method");
	req->target = cut(&line, ' ');
	if (!line.at)
		return bad(req, "a request line without a version");
	if (line.len != 8 || memcmp(line.at, "HTTP/", 5) != 0 || line.at[6] != '.' ||
	    !is_digit(line.at[5]) || !is_digit(line.at[7]))
		return bad(req, "a version that is not a version of HTTP");
	if (line.at[5] != '1')
		return refused(req, VERSION_NOT_SUPPORTED, "a version that is not 1.0 or 1.1");
	req->minor = line.at[7] - '0';
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
	*name = cut(&line, ':');
	if (!line.at || name->len == 0)
		return false;
	*value = text_trim(line);
	return all_of(*name, TOKEN) && all_of(*value, VALUE);
}

static enum status read_field(struct request *req, text line)
{
	text name, value;

	if (!split_field(line, &name, &value))
		return bad(req, "a line that is not a field line");

	enum field f = find_field(name);

	if (f == FIELDS)
		return 0;
	if (f == HOST && req->seen[HOST])
		return bad(req, "two Host fields");
	if (f == HOST && !valid_authority(value))
		return bad(req, "a Host field with an invalid host or port");
	/* the same length twice may be refused too (RFC 9110 8.6), as other servers do */
	if (f == CONTENT_LENGTH && req->seen[CONTENT_LENGTH])
		return bad(req, "two Content-Length fields");
	if (f == CONTENT_LENGTH && !read_number(value, &req->length))
		return bad(req, "a Content-Length that is not a number");
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
		list.head.at = list.left.at + list.left.len;
		list.head.len = (size_t)(req->head_end - list.head.at);
		(void)cut(&list.head, '\n');
	}
	return list;
}

/* Takes the next field line of a header that was read before. False at the empty line that ends it. */
static bool next_field(text *lines, text *name, text *value)
{
	text line = cut(lines, '\n');

	line.len -= line.len > 0; /* the CR */
	return split_field(line, name, value);
}

static bool next_list_line(struct field_list *list)
{
	text name, value;

	while (next_field(&list->head, &name, &value))
		if (alike(name, fields[list->field])) {
			list->left = value;
			return true;
		}
	return false;
}

/* Empty elements are skipped; a comma between quotes is part of the element. */
static bool next_element(struct field_list *list, text *element)
{
	do {
		while (list->left.len) {
			bool quoted = false;
			size_t n = 0;

			for (; n < list->left.len && (quoted || list->left.at[n] != ','); n++)
				quoted ^= list->left.at[n] == '"';
			*element = text_trim((text){ list->left.at, n });
			skip(&list->left, n + (n < list->left.len));
			if (element->len)
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
 * Where the body ends (RFC 9112 6.1, 6.3): 0 or a status. 501 if another coding comes
 * before "chunked". 400 if "chunked" is not the last, or comes twice: the end is unknown then.
 */
static enum status read_coding(struct request *req)
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
		/* such as ", chunked", which not all servers understand in the same way */
		return bad(req, "a Transfer-Encoding with empty elements");
	req->chunked = true;
	return 0;
}

/* Checks what does not depend on one field line alone: 0 or a status. */
static enum status read_framing(struct request *req, const struct http_limits *limits)
{
	if (req->minor >= 1 && !req->seen[HOST])
		return bad(req, "no Host field");
	if (req->seen[TRANSFER_ENCODING]) {
		enum status status = read_coding(req);

		if (status)
			return status;
	}
	req->close = list_has(req, CONNECTION, "close") ||
		     (req->minor == 0 && !list_has(req, CONNECTION, "keep-alive"));
	if (req->length > limits->body)
		return refused(req, CONTENT_TOO_LARGE, "a body larger than --body-max");
	if (req->seen[EXPECT] && req->minor >= 1) { /* RFC 9110 10.1.1: not in 1.0 */
		struct field_list list = elements_of(req, EXPECT);
		text element;

		while (next_element(&list, &element)) {
			if (!alike(element, text_of("100-continue")))
				return refused(req, EXPECTATION_FAILED, "an unknown expectation");
			req->expect = true;
		}
	}
	return 0;
}

/* 501 if the method alone is too long, else 414 (RFC 9112 3). */
static enum status line_too_long(struct request *req, const char *line, size_t most)
{
	if (memchr(line, ' ', most))
		return refused(req, URI_TOO_LONG, "a request line longer than --line-max");
	return refused(req, NOT_IMPLEMENTED, "a method longer than --line-max");
}

static enum status read_head_line(struct request *req, const struct http_limits *limits, text line)
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
 * Reads the lines of a head as they arrive. A bare LF ends no line, although RFC 9112 2.2 allows
 * that: where two servers disagree on the end of a line, requests can be smuggled.
 */
static enum reading read_head(struct input *in, struct request *req,
			      const struct http_limits *limits)
{
	const char *nl;

	while ((nl = memchr(in->at + in->scan, '\n', in->end - in->scan))) {
		text line = { in->at + in->scan, (size_t)(nl - in->at) - in->scan };

		if (line.len == 0 || line.at[--line.len] != '\r')
			return unreadable(req, BAD_REQUEST,
					  "a line that ends without a carriage return");
		in->scan = (size_t)(nl - in->at) + 1;
		if (line.len) {
			if (read_head_line(req, limits, line))
				return REFUSED;
		} else if (req->lines) {
			in->head_end = in->next = in->scan;
			req->head_end = in->at + in->scan;
			return WHOLE;
		} else { /* 2.2: empty lines before a request */
			in->start = in->scan;
			if (++req->blanks > BLANK_LINES)
				return unreadable(req, BAD_REQUEST,
						  "too many empty lines before a request");
		}
	}

	text part = { in->at + in->scan, in->end - in->scan };

	if (req->lines == 0 && part.len > limits->line + 1) {
		(void)line_too_long(req, part.at, limits->line);
		return REFUSED;
	}
	if (req->lines == 0 && part.len && !is(part.at[0], TOKEN) && part.at[0] != '\r')
		return unreadable(req, BAD_REQUEST, "bytes that are not HTTP; perhaps TLS");
	if (req->lines && req->header + part.len > limits->header + 1)
		return unreadable(req, FIELDS_TOO_LARGE, "a header larger than --header-max");
	return MORE;
}

static bool skip_token(text *t)
{
	size_t n = span(*t, TOKEN);

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
 * *( ";" name [ "=" value ] ). Blanks around ";" and "=" are refused, although a recipient should
 * accept them (RFC 9110 5.6.3): where two servers disagree on a chunk, requests can be smuggled.
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

/* Skips data that have arrived. WHOLE if nothing of the chunk or the body is left. */
static enum reading read_data(struct input *in, struct framing *body)
{
	uint64_t n = in->end - in->next;

	if (n > body->left)
		n = body->left;
	in->next += (size_t)n;
	body->left -= n;
	return body->left ? MORE : WHOLE;
}

/* A line of chunked coding, without its CRLF. */
static enum reading read_chunk_line(struct input *in, struct request *req, text *line)
{
	text rest = { in->at + in->next, in->end - in->next };

	*line = cut(&rest, '\n');
	if (line->len > CHUNK_LINE)
		return unreadable(req, FIELDS_TOO_LARGE,
				  "a line of chunked coding that is too long");
	if (!rest.at)
		return MORE;
	if (line->len == 0 || line->at[--line->len] != '\r')
		return unreadable(req, BAD_REQUEST,
				  "a line of chunked coding without a carriage return");
	in->next = in->end - rest.len;
	return WHOLE;
}

static enum reading begin_chunk(struct input *in, struct request *req, struct framing *body,
				const struct http_limits *limits)
{
	enum { PLAIN_SIZE = 16 }; /* bytes of the line that are not counted as overhead */
	text line;
	enum reading reading = read_chunk_line(in, req, &line);

	if (reading != WHOLE)
		return reading;
	if (!read_chunk_size(line, &body->left))
		return unreadable(req, BAD_REQUEST, "an invalid chunk size");
	if (body->left > limits->body - body->dropped)
		return unreadable(req, CONTENT_TOO_LARGE, "a body larger than --body-max");
	body->overhead += line.len > PLAIN_SIZE ? line.len - PLAIN_SIZE : 0;
	if (body->overhead > limits->header)
		return unreadable(req, FIELDS_TOO_LARGE,
				  "chunk extensions larger than --header-max");
	body->dropped += body->left;
	body->chunk = body->left ? CHUNK_DATA : CHUNK_TRAILER;
	return MORE;
}

static enum reading end_chunk(struct input *in, struct request *req, struct framing *body)
{
	static const char crlf[] = "\r\n";
	size_t n = in->end - in->next < 2 ? in->end - in->next : 2;

	if (memcmp(in->at + in->next, crlf, n) != 0)
		return unreadable(req, BAD_REQUEST, "a chunk that does not end where it should");
	if (n == 2) {
		in->next += 2;
		body->chunk = CHUNK_SIZE;
	}
	return MORE;
}

/*
 * Trailer fields are read as fields are, and dropped. A field that has a meaning in a header is refused
 * (RFC 9110 6.5.1), because a proxy might merge the trailers into the header.
 */
static enum reading read_trailer(struct input *in, struct request *req, struct framing *body,
				 const struct http_limits *limits)
{
	text line, name, value;
	enum reading reading = read_chunk_line(in, req, &line);

	if (reading != WHOLE || line.len == 0)
		return reading;
	if (!split_field(line, &name, &value) || find_field(name) != FIELDS)
		return unreadable(req, BAD_REQUEST,
				  "a trailer line that is invalid, or belongs in the header");
	body->overhead += line.len;
	if (++body->trailers > limits->fields || body->overhead > limits->header)
		return unreadable(req, FIELDS_TOO_LARGE, "trailers larger than a header may be");
	return MORE;
}

/* Reads at most *pieces lines and pieces of data (RFC 9112 7.1), and subtracts their number. */
static enum reading read_chunks(struct input *in, struct request *req, struct framing *body,
				const struct http_limits *limits, unsigned *pieces)
{
	enum reading reading = MORE;
	size_t before;

	do {
		before = in->next;
		switch (body->chunk) {
		case CHUNK_SIZE: reading = begin_chunk(in, req, body, limits); break;
		case CHUNK_DATA:
			if (read_data(in, body) == WHOLE)
				body->chunk = CHUNK_END;
			break;
		case CHUNK_END: reading = end_chunk(in, req, body); break;
		default: reading = read_trailer(in, req, body, limits);
		}
	} while (reading == MORE && in->next != before && --*pieces);
	return reading;
}

/* Reads the next piece. `data`: the bytes of the body in it; none if it is chunked syntax. */
static enum reading read_piece(struct input *in, struct request *req, struct framing *body,
			       const struct http_limits *limits, text *data)
{
	bool syntax = req->chunked && body->chunk != CHUNK_DATA;
	size_t before = in->next;
	unsigned one = 1;
	enum reading reading = req->chunked ? read_chunks(in, req, body, limits, &one)
					    : read_data(in, body);

	*data = (text){ in->at + before, syntax ? 0 : in->next - before };
	return reading;
}

/* ---- who asks: the PROXY protocol, forwarded addresses (RFC 7239) ------------- */

int http_family(const struct http_peer *peer)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff }, none[16];

	if (memcmp(peer->address, mapped, sizeof(mapped)) == 0)
		return AF_INET;
	if (memcmp(peer->address, none, sizeof(none)) != 0)
		return AF_INET6;
	return peer->port == HTTP_UNIX_PORT ? AF_UNIX : AF_UNSPEC;
}

static bool is_trusted(const struct http_site *site, const struct http_peer *peer)
{
	int family = http_family(peer);

	for (const struct http_prefix *p = site->trusted; p < site->trusted + site->trusts; p++) {
		size_t whole = p->bits / 8;
		int rest = 8 - p->bits % 8; /* bits that do not count, of the next byte */

		if (p->family == family && memcmp(p->address, peer->address, whole) == 0 &&
		    (rest == 8 || (p->address[whole] ^ peer->address[whole]) >> rest == 0))
			return true;
	}
	return false;
}

/* What a header of the PROXY protocol says: haproxy.org, doc/proxy-protocol.txt. */
struct proxied {
	size_t size; /* of the header */
	bool known;  /* it names the client; else the client is the peer of the connection */
	bool tls;    /* the client uses it */
	struct http_peer peer;
	const char *fault; /* why it is refused */
};

static enum reading not_proxied(struct proxied *p, const char *fault)
{
	p->fault = fault;
	return REFUSED;
}

static bool read_port(text t, uint16_t *port)
{
	uint64_t n;

	if ((t.len > 1 && t.at[0] == '0') || !read_number(t, &n) || n > UINT16_MAX)
		return false;
	*port = (uint16_t)n;
	return true;
}

/* Version 1: PROXY SP ("TCP4" / "TCP6") SP source SP destination SP port SP port CRLF */
static enum reading read_proxy_line(text t, struct proxied *p)
{
	text line = cut(&t, '\n'), protocol, source, destination, port;
	struct http_peer ignored;
	int family;

	if (line.len >= PROXY_LINE)
		return not_proxied(p, "a PROXY line that is too long");
	if (!t.at)
		return MORE;
	p->size = line.len + 1;
	if (line.at[--line.len] != '\r')
		return not_proxied(p, "a PROXY line that ends without a carriage return");
	(void)cut(&line, ' ');
	protocol = cut(&line, ' ');
	if (same(protocol, text_of("UNKNOWN"))) /* what follows is ignored */
		return WHOLE;
	source = cut(&line, ' ');
	destination = cut(&line, ' ');
	port = cut(&line, ' ');
	family = same(protocol, text_of("TCP4")) ? AF_INET : AF_INET6;
	if (family == AF_INET6 && !same(protocol, text_of("TCP6")))
		return not_proxied(p, "a PROXY line of an unknown protocol");
	if (!read_address(source, family, &p->peer) || http_family(&p->peer) == AF_UNSPEC ||
	    !read_address(destination, family, &ignored))
		return not_proxied(p, "a PROXY line with an invalid address");
	if (!read_port(port, &p->peer.port) || !read_port(line, &ignored.port))
		return not_proxied(p, "a PROXY line with an invalid port");
	p->known = true;
	return WHOLE;
}

static unsigned two_bytes(const char *at)
{
	return (unsigned)(unsigned char)at[0] << 8 | (unsigned char)at[1];
}

/* Type, length, value. Only PP2_TYPE_SSL is of interest: a bit says whether the client uses TLS. */
static bool read_proxy_extras(text t, bool *tls)
{
	enum { TYPE_SSL = 0x20, SSL_LEAST = 5, CLIENT_SSL = 1 };

	while (t.len) {
		size_t n = t.len < 3 ? SIZE_MAX : 3 + two_bytes(t.at + 1);

		if (n > t.len || (t.at[0] == TYPE_SSL && n < 3 + SSL_LEAST))
			return false;
		if (t.at[0] == TYPE_SSL)
			*tls = t.at[3] & CLIENT_SSL;
		skip(&t, n);
	}
	return true;
}

/* Version 2: signature, command, protocol, length, addresses, extras. */
static enum reading read_proxy_block(text t, struct proxied *p)
{
	enum { SIGNATURE = 12, FIXED = 16, LOCAL = 0x20, PROXY = 0x21, STREAM = 1, DATAGRAM = 2 };
	enum { NONE, IN, IN6, UNIX };
	static const struct {
		size_t size, port; /* of the addresses; where the source's port stands in them */
	} families[] = {
		[NONE] = { 0, 0 }, [IN] = { 12, 8 }, [IN6] = { 36, 32 }, [UNIX] = { 216, 0 }
	};
	unsigned command, family, transport;
	size_t length;

	if (t.len < FIXED)
		return MORE;
	command = (unsigned char)t.at[SIGNATURE];
	family = (unsigned char)t.at[SIGNATURE + 1] >> 4;
	transport = (unsigned char)t.at[SIGNATURE + 1] & 15;
	length = two_bytes(t.at + SIGNATURE + 2);
	p->size = FIXED + length;
	if (command != LOCAL && command != PROXY)
		return not_proxied(p, "a PROXY header of an unknown version or command");
	if (p->size > PROXY_MOST)
		return not_proxied(p, "a PROXY header that is too long");
	if (command == PROXY && (family > UNIX || transport > DATAGRAM || !family != !transport ||
				 length < families[family].size))
		return not_proxied(p, "a PROXY header of an unknown protocol, or too short for it");
	if (t.len < p->size)
		return MORE;
	if (command == LOCAL)
		return WHOLE;
	skip(&t, FIXED);
	p->known = transport == STREAM && (family == IN || family == IN6);
	if (p->known) {
		p->peer = (struct http_peer){ .address = { [10] = 0xff, [11] = 0xff } };
		memcpy(p->peer.address + (family == IN ? 12 : 0), t.at, family == IN ? 4 : 16);
		if (http_family(&p->peer) == AF_UNSPEC)
			return not_proxied(p, "a PROXY header with an invalid address");
		p->peer.port = (uint16_t)two_bytes(t.at + families[family].port);
	}
	t.len = length;
	skip(&t, families[family].size);
	return read_proxy_extras(t, &p->tls)
		       ? WHOLE
		       : not_proxied(p, "a PROXY header with invalid extensions");
}

/* Either version. A byte that can't be part of one is refused before more is received. */
static enum reading read_proxy(text t, struct proxied *p)
{
	static const text line = TEXT("PROXY "), block = TEXT("\r\n\r\n\0\r\nQUIT\n");
	bool first = t.len && t.at[0] == line.at[0];
	text begin = first ? line : block;

	if (memcmp(t.at, begin.at, t.len < begin.len ? t.len : begin.len) != 0)
		return not_proxied(p, "a connection that does not begin with a PROXY header");
	if (t.len < begin.len)
		return MORE;
	return first ? read_proxy_line(t, p) : read_proxy_block(t, p);
}

/* The value without its quotes, if it has any. Escapes are not decoded: no address has one. */
static text unquoted(text t)
{
	bool quoted = t.len > 1 && t.at[0] == '"' && t.at[t.len - 1] == '"';

	return quoted ? (text){ t.at + 1, t.len - 2 } : t;
}

/* An address as these fields have it: IPv6 perhaps in brackets, perhaps a port, perhaps quoted. */
static bool read_node(text t, struct http_peer *peer)
{
	bool bracket, six;
	text address;
	uint16_t port = 0;

	t = unquoted(t);
	bracket = skip_char(&t, '[');
	six = bracket || (t.len && memchr(t.at, ':', t.len) != memrchr(t.at, ':', t.len));
	address = cut(&t, (char)(bracket ? ']' : six ? '\0' : ':'));
	if (bracket && (!t.at || (t.len && !skip_char(&t, ':'))))
		return false;
	if (!read_address(address, six ? AF_INET6 : AF_INET, peer) ||
	    http_family(peer) == AF_UNSPEC)
		return false;
	if (t.len && !(t.at[0] == '_' && all_of(t, TOKEN)) && !read_port(t, &port))
		return false; /* RFC 7239 6.3: one that begins with _ says nothing */
	peer->port = port;
	return true;
}

/* The sender of a request, as the proxy that received it describes it. */
struct hop {
	bool known; /* the proxy gives its address */
	struct http_peer peer;
	text proto; /* "https" if it used TLS */
};

/* token "=" ( token / quoted-string ), with blanks around it as in an example of RFC 7239. */
static bool read_parameter(text *rest, text *name, text *value)
{
	skip_blank(rest);
	*name = *rest;
	if (!skip_token(rest))
		return false;
	name->len -= rest->len;
	if (!skip_char(rest, '='))
		return false;
	*value = *rest;
	if (!(rest->len && rest->at[0] == '"' ? skip_quoted(rest) : skip_token(rest)))
		return false;
	value->len -= rest->len;
	skip_blank(rest);
	return rest->len == 0 || rest->at[0] == ';';
}

/* An element of Forwarded (RFC 7239 4). If it is invalid, the hop is not known. */
static struct hop read_forwarded_element(text element)
{
	static const text names[] = { TEXT("for"), TEXT("proto") };
	text name, value, values[LENGTH(names)] = { { NULL, 0 } };
	struct hop hop = { .proto = TEXT("") };

	do {
		if (!read_parameter(&element, &name, &value))
			return hop;
		for (size_t i = 0; i < LENGTH(names); i++) {
			if (!alike(name, names[i]))
				continue;
			if (values[i].at)
				return hop;
			values[i] = value;
		}
	} while (skip_char(&element, ';'));
	hop.known = read_node(values[0], &hop.peer);
	if (values[1].at)
		hop.proto = unquoted(values[1]);
	return hop;
}

/* Sets `element` to the nth from the right, or the first; returns whether others are before it. */
static bool from_right(const struct request *req, enum field field, int n, text *element)
{
	struct field_list list = elements_of(req, field), ahead = list;
	bool more = false;
	text ignored;

	*element = text_of("");
	while (n && next_element(&ahead, &ignored))
		n--;
	while (next_element(&list, element) && next_element(&ahead, &ignored))
		more = true;
	return more;
}

/*
 * Reads the elements from the right, where the trusted peer has added its own, up to the first
 * address that is not trusted: that is the client, and what stands before it may be invented by
 * the client. Of X-Forwarded-Proto the element in the same place counts.
 */
static struct hop find_hop(const struct request *req, const struct http_site *site,
			   enum field field)
{
	struct hop hop;
	bool more;
	text element;
	int n = 0;

	do {
		more = from_right(req, field, ++n, &element);
		if (field == FORWARDED) {
			hop = read_forwarded_element(element);
		} else {
			hop.known = read_node(element, &hop.peer);
			(void)from_right(req, X_FORWARDED_PROTO, n, &hop.proto);
		}
	} while (more && n < HOPS_MOST && hop.known && is_trusted(site, &hop.peer));
	return hop;
}

/*
 * The client as a trusted peer describes it. A peer may write one kind of field and pass on the other
 * kind as the client has sent it: if both kinds are there and differ, neither is believed.
 */
static void read_client(struct request *req, const struct http_site *site)
{
	struct hop hop = find_hop(req, site, FORWARDED);

	if (req->seen[X_FORWARDED_FOR] || req->seen[X_FORWARDED_PROTO]) {
		struct hop other = find_hop(req, site, X_FORWARDED_FOR);

		if (req->seen[FORWARDED] &&
		    (hop.known != other.known || !alike(hop.proto, other.proto) ||
		     (hop.known && memcmp(hop.peer.address, other.peer.address, 16) != 0)))
			return;
		hop = other;
	}
	req->forwarded = hop.known;
	req->client = hop.peer;
	if (alike(hop.proto, text_of("https")) || alike(hop.proto, text_of("http")))
		req->tls = hop.proto.len == sizeof("https") - 1;
}

/* ---- the representation: codings, tags, conditions, ranges (RFC 9110 8, 12 to 14) -- */

/* The codings after IDENTITY, the best first. The name of a sibling has the ending added to it. */
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

/* The codings that the client accepts, best first. IDENTITY, which is always accepted, ends them. */
struct preference {
	uint8_t order[CODINGS];
};

/* "q=" qvalue (RFC 9110 12.4.2), in thousandths; -1 if it is invalid. */
static int read_weight(text t)
{
	t = text_trim(t);
	if (!skip_alike(&t, "q=") || t.len < 1 || t.len > 5)
		return -1;

	int weight = (t.at[0] - '0') * 1000, place = 100;

	if (t.at[0] != '0' && t.at[0] != '1')
		return -1;
	skip(&t, 1);
	if (t.len && !skip_char(&t, '.'))
		return -1;
	if (!all_of(t, DIGIT))
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

/* The weight of each coding; those that the field does not name have that of "*", or -1. */
static void read_weights(const struct request *req, int weight[CODINGS])
{
	struct field_list list = elements_of(req, ACCEPT_ENCODING);
	int any = -1;
	text element;

	for (int c = 0; c < CODINGS; c++)
		weight[c] = -1;
	while (next_element(&list, &element)) {
		text name = text_trim(cut(&element, ';'));
		enum coding c = find_coding(name);
		int w = element.at ? read_weight(element) : 1000;

		if (w < 0)
			w = 0;
		if (same(name, text_of("*")))
			any = w;
		else if (c < CODINGS)
			weight[c] = w;
	}
	for (int c = 0; c < CODINGS; c++)
		if (weight[c] < 0)
			weight[c] = any;
}

/* Of codings with the same weight the one that enum coding has first is best, and IDENTITY is last. */
static struct preference read_preference(const struct request *req)
{
	struct preference preference = { { IDENTITY } };
	int weight[CODINGS], best;
	size_t n = 0;

	if (!req->seen[ACCEPT_ENCODING])
		return preference;
	read_weights(req, weight);
	do {
		best = IDENTITY;
		for (int c = CODINGS - 1; c > IDENTITY; c--)
			if (weight[c] > 0 && weight[c] >= weight[best])
				best = c;
		preference.order[n++] = (uint8_t)best;
		weight[best] = 0;
	} while (best != IDENTITY);
	return preference;
}

/* How long ago `then` was, in ms, but at most 1000 s: a file may have any time. */
static int64_t age_of(struct timespec then, const struct timespec *now)
{
	const int64_t far = 1000;

	if (then.tv_sec < now->tv_sec - far || then.tv_sec > now->tv_sec + far)
		return then.tv_sec < now->tv_sec ? far * 1000 : -far * 1000;
	return (now->tv_sec - then.tv_sec) * 1000 + (now->tv_nsec - then.tv_nsec) / 1000000;
}

/* What identifies one version of a file. */
struct version {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec modified, changed;
};

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

/*
 * The ms within which two changes of a file may set the same time: a tick of the kernel's clock; on
 * file systems without fractions of seconds, one second (ext4 with small inodes) or two (FAT).
 */
static int64_t tick_of(const struct version *v)
{
	return v->modified.tv_nsec == 0 && v->changed.tv_nsec == 0 ? COARSE_TICK : FINE_TICK;
}

enum { ETAG_SIZE = 64 };

static uint64_t nanoseconds(struct timespec time)
{
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/*
 * The tag depends on the size, the time of modification and the coding, and so is the same for a
 * copy on another machine. It is strong, unless the file may change again within the same tick:
 * then it is weak, and differs at each moment.
 */
static void make_etag(char etag[ETAG_SIZE], const struct version *v, enum coding coding,
		      const struct timespec *now)
{
	struct out o = { etag, 0, ETAG_SIZE, false };
	int64_t age = age_of(v->modified, now);
	bool weak = -tick_of(v) <= age && age <= tick_of(v);

	put_form(&o, "%s%x-%x", weak ? "W/\"" : "\"", (uint64_t)v->size, nanoseconds(v->modified));
	if (weak)
		put_form(&o, "-%x", nanoseconds(*now));
	if (coding != IDENTITY)
		put_form(&o, "-%t", codings[coding].name);
	put_form(&o, "\"%0");
}

static bool skip_weakness(text *tag)
{
	bool weak = tag->len > 2 && memcmp(tag->at, "W/", 2) == 0;

	if (weak)
		skip(tag, 2);
	return weak;
}

/* RFC 9110 8.8.3.2: the weak comparison ignores W/; in the strong one no weak tag matches. */
static bool same_etag(text a, text b, bool weak)
{
	bool either = skip_weakness(&a);

	either |= skip_weakness(&b);
	return (weak || !either) && same(a, b);
}

static bool etag_listed(const struct request *req, enum field field, const char *etag, bool weak)
{
	struct field_list list = elements_of(req, field);
	text element;

	if (same(text_trim(req->value[field]), text_of("*")))
		return true;
	while (next_element(&list, &element))
		if (same_etag(element, text_of(etag), weak))
			return true;
	return false;
}

static bool field_date(const struct request *req, enum field field, int64_t now, int64_t *when)
{
	return req->seen[field] == 1 && parse_date(req->value[field], now, when);
}

/*
 * The conditions in the order of RFC 9110 13.2.2: 0, 304 or 412. A listing has no tag ("") and no
 * date (NULL), but "*" matches it as well (13.1.1, 13.1.2).
 */
static enum status judge_conditions(const struct request *req, const char *etag,
				    const int64_t *modified, int64_t now)
{
	bool reads = req->method != POST; /* only then is 304 possible */
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

/* RFC 9110 13.1.5: the same strong tag, or exactly the same date, which has to be in the past. */
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

/* A range-spec (RFC 9110 14.1.1): false if it is malformed. Beyond the end it is empty. */
static bool read_range(text t, uint64_t size, struct range *range)
{
	text first = cut(&t, '-');
	uint64_t n, m = UINT64_MAX;

	if (!t.at)
		return false;
	if (first.len == 0) {
		if (!read_number(t, &n))
			return false;
		*range = (struct range){ n < size ? size - n : 0, n ? size : 0 };
		return true;
	}
	if (!read_number(first, &n) || (t.len && (!read_number(t, &m) || m < n)))
		return false;
	*range = (struct range){ n, m < size ? m + 1 : size };
	return true;
}

/* RFC 9110 14.2: the whole file is sent if ranges are not understood, too many, or overlap. */
static enum range_kind read_ranges(text value, uint64_t size, struct ranges *ranges)
{
	size_t asked = 0;

	ranges->count = 0;
	if (!skip_alike(&value, "bytes="))
		return RANGE_WHOLE;
	while (value.len) {
		text item = text_trim(cut(&value, ','));
		struct range range;

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

/* ---- names to descriptors --------------------------------------------------- */

enum { ABOVE = PATH_MAX };

/*
 * The length of the first n bytes of a path without a last segment ".", or without a last segment
 * ".." and the one before that. ABOVE if there is none before the "..": the path leads above the root.
 */
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
 * The decoded name below the root: no leading slash, single slashes, no dot segments (RFC 3986
 * 5.2.4, 6.2.2.2), and a NUL. A dot segment at its end leaves a slash there. 0 or a status.
 */
static enum status decode_path(text raw, char path[PATH_MAX])
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

/* Whether a segment other than .well-known (RFC 8615) begins with a dot. */
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

/* For kernels before 5.6: opens segment by segment, as openat2(2) does with RESOLVE_BENEATH. */
struct walk {
	int fd[WALK_DEPTH + 1]; /* the folders from the root down to the present one */
	int depth, links;
	int found;           /* the descriptor that the path leads to, or -1 */
	char rest[PATH_MAX]; /* of the path */
};

/* Puts the target of a link before the rest: 0 or an errno value, like the next functions. */
static int walk_link(struct walk *w, const char *name, const char *after)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(w->fd[w->depth], name, target, sizeof(target));
	size_t rest = strlen(after);

	if (n < 0)
		return errno;
	if (n == 0 || target[0] == '/')
		return EXDEV;
	if (++w->links > WALK_LINKS)
		return ELOOP;
	if ((size_t)n + rest + 2 > sizeof(w->rest))
		return ENAMETOOLONG;
	memmove(w->rest + n + 1, after, rest + 1);
	memcpy(w->rest, target, (size_t)n);
	w->rest[n] = rest ? '/' : '\0';
	return 0;
}

/* If the error may mean that the name is a link, follows the link. */
static int walk_link_if(struct walk *w, const char *name, const char *after, int error)
{
	int link_error;

	if (error != ENOTDIR && error != ELOOP)
		return error;
	link_error = walk_link(w, name, after);
	return link_error == EINVAL ? error : link_error; /* EINVAL: it is no link */
}

static int walk_down(struct walk *w, const char *name)
{
	int fd;

	if (strcmp(name, ".") == 0)
		return 0;
	if (strcmp(name, "..") == 0) {
		if (w->depth == 0)
			return EXDEV;
		close(w->fd[w->depth--]);
		return 0;
	}
	if (w->depth == WALK_DEPTH)
		return ENAMETOOLONG;
	fd = openat(w->fd[w->depth], name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno;
	w->fd[++w->depth] = fd;
	return 0;
}

/* Opens the last name, which has no slash behind it; it may be a link. */
static int walk_last(struct walk *w, const char *name, int flags)
{
	int fd = openat(w->fd[w->depth], name, flags | O_NOFOLLOW);
	int error = fd < 0 ? errno : 0;

	if (fd >= 0 && (flags & (O_PATH | O_NOFOLLOW)) == O_PATH) { /* O_PATH has opened any link */
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
	return walk_link_if(w, name, "", error);
}

/* Takes the next segment off the path. */
static int walk_step(struct walk *w, int flags)
{
	char name[PATH_MAX];
	size_t slashes = strspn(w->rest, "/"), n = strcspn(w->rest + slashes, "/");
	const char *after = w->rest + slashes + n;
	int error;

	if (n == 0) {
		w->found = openat(w->fd[w->depth], ".", flags);
		return w->found < 0 ? errno : 0;
	}
	memcpy(name, w->rest + slashes, n);
	name[n] = '\0';
	if (*after == '\0' && strcmp(name, "..") != 0 && strcmp(name, ".") != 0)
		return walk_last(w, name, flags);
	error = walk_down(w, name);
	if (error)
		return walk_link_if(w, name, after, error);
	memmove(w->rest, after, strlen(after) + 1);
	return 0;
}

/* `links`: how many the path may have. */
static int open_walking(int root, const char *path, int flags, int links, int *fd)
{
	struct walk w = { .fd = { root }, .links = WALK_LINKS - links, .found = -1 };
	int error = 0;

	if (strlen(path) >= sizeof(w.rest))
		return ENAMETOOLONG;
	memcpy(w.rest, path, strlen(path) + 1);
	while (error == 0 && w.found < 0)
		error = walk_step(&w, flags);
	while (w.depth)
		close(w.fd[w.depth--]);
	*fd = w.found;
	return error;
}

/* Opens what a request may need: pages, siblings, error pages, listed entries, hosts' folders. */
int http_open_beneath(const struct http_site *site, const char *path, int flags, int *fd)
{
	struct open_how how = {
		.flags = (unsigned)((flags & ~HTTP_NO_LINKS) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	const char *name = *path ? path : ".";
	int links = flags & HTTP_NO_LINKS ? 0 : WALK_LINKS;

	if (hidden(path))
		return ENOENT;
	if (flags & O_PATH)
		how.flags &= ~(uint64_t)(O_NONBLOCK | O_NOCTTY);
	if (!links)
		how.resolve |= RESOLVE_NO_SYMLINKS;
	if (site->walk)
		return open_walking(site->root, name, (int)how.flags, links, fd);
	for (int tries = 0; tries < 8; tries++) { /* EAGAIN: a folder was renamed meanwhile */
		*fd = (int)syscall(SYS_openat2, site->root, name, &how, sizeof(how));
		if (*fd >= 0)
			return 0;
		if (errno != EAGAIN && errno != EINTR)
			break;
	}
	/* the kernel or a sandbox is too old, or folders are renamed all the time */
	if (errno == ENOSYS || errno == EPERM || errno == EAGAIN)
		return open_walking(site->root, name, (int)how.flags, links, fd);
	return errno;
}

/* 404 if there is no such file, 403 if it may not be read, else a status of 500 or more. */
static enum status status_of(int error)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
	case EXDEV: /* outside of the root */
	case ELOOP:
	case ENAMETOOLONG:
	case EINVAL: /* no name of this file system, like EILSEQ */
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

/* Whether the error means that there is no such file, so that another name may be tried. */
static bool is_missing(int error)
{
	return error && status_of(error) == NOT_FOUND;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* It owns its descriptor until take_fd() gives it away. */
struct file {
	int fd; /* or -1 */
	struct stat st;
};

static int take_fd(struct file *file)
{
	int fd = file->fd;

	file->fd = -1;
	return fd;
}

/* http or https, a valid host, and neither blanks nor control bytes. */
static bool is_url(text t)
{
	size_t host = 0;

	if (!take_name(&t, text_of("http://")) && !take_name(&t, text_of("https://")))
		return false;
	while (host < t.len && !strchr("/?#", t.at[host]))
		host++;
	for (size_t i = 0; i < t.len; i++)
		if (!is(t.at[i], TARGET) && t.at[i] != '#')
			return false;
	return valid_authority((text){ t.at, host });
}

/* The URL that a symbolic link leads to, or an empty text. `name` is as in readlinkat(2). */
static text read_redirect(int folder, const char *name, char url[PATH_MAX])
{
	ssize_t n = readlinkat(folder, name, url, PATH_MAX);
	text t = { url, n > 0 ? (size_t)n : 0 };

	return is_url(t) ? t : (text){ NULL, 0 };
}

/* A regular file, or a folder where `folder` says so: 0 or an errno value. */
static int open_file(const struct http_site *site, const char *path, bool folder, struct file *file)
{
	int error = http_open_beneath(site, path, O_RDONLY, &file->fd);

	if (error) {
		file->fd = -1;
		return error;
	}
	if (fstat(file->fd, &file->st) < 0)
		error = errno;
	else if (!S_ISREG(file->st.st_mode) && !(folder && S_ISDIR(file->st.st_mode)))
		error = ENOENT;
	if (error)
		close_fd(&file->fd);
	return error;
}

/* The status of what the path leads to: 0 or an errno value. `flags`: 0 or HTTP_NO_LINKS. */
static int stat_beneath(const struct http_site *site, const char *path, int flags, struct stat *st)
{
	int fd, error = http_open_beneath(site, path, O_PATH | flags, &fd);

	if (error)
		return error;
	error = fstat(fd, st) < 0 ? errno : 0;
	close(fd);
	return error;
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

/*
 * Replaces the file by its best sibling in a coding that the client accepts, if there is one that is
 * neither empty nor older than the file. Returns the coding. The type remains that of the file.
 */
OWN_FRAME static enum coding open_sibling(const struct http_site *site, const char *path,
					  const struct preference *preference, struct file *file,
					  const char **type)
{
	char name[PATH_MAX + 4];

	for (const uint8_t *c = preference->order; *c != IDENTITY; c++) {
		struct file sibling;

		name_sibling(name, path, *c);
		if (open_file(site, name, false, &sibling))
			continue;
		if (sibling.st.st_size > 0 && !is_older(&sibling.st, &file->st)) {
			*type = type_of_page(*type, file->fd);
			close_fd(&file->fd);
			*file = sibling;
			return *c;
		}
		close_fd(&sibling.fd);
	}
	return IDENTITY;
}

/* Whether a decoded path is that of a folder: it ends with a slash, or is that of the root. */
static bool is_folder(text path)
{
	return !path.at || path.len == 0 || path.at[path.len - 1] == '/';
}

static size_t index_count(const struct http_site *site)
{
	return site->rules[HTTP_INDEXES].count ? site->rules[HTTP_INDEXES].count : 1;
}

/* The n-th name that the page of a folder may have. */
static text index_name(const struct http_site *site, size_t n)
{
	const struct http_rule_list *rules = &site->rules[HTTP_INDEXES];

	return rules->count ? rules->at[n].text : text_of("index.html");
}

/* ---- folders ------------------------------------------------------------------- */

enum sort_key { BY_NAME, BY_SIZE, BY_TIME, SORT_KEYS };

static const struct {
	text name;
	const char *title;
} sort_keys[SORT_KEYS] = {
	[BY_NAME] = { TEXT("name"), "Name" },
	[BY_SIZE] = { TEXT("size"), "Size" },
	[BY_TIME] = { TEXT("time"), "Changed" },
};

enum format { AS_HTML, AS_TEXT, AS_JSON, FORMATS };

static const struct {
	text name;
	const char *type;
} formats[FORMATS] = {
	[AS_HTML] = { TEXT("html"), html },
	[AS_TEXT] = { TEXT("text"), "text/plain; charset=utf-8" },
	[AS_JSON] = { TEXT("json"), "application/json" },
};

struct listing_style {
	enum sort_key key;
	bool descending;
	enum format format; /* FORMATS if it is unknown */
};

/* One thing in a folder: its key, in whose order the rows come, its name, and the URL of a redirect. */
struct item {
	int64_t size, time;
	uint32_t key_len;
	bool folder, redirect;
	char key[];
};

/*
 * The place of an item in a sorted run. Its code says up to which byte its key agrees with the key of
 * the place before it, and which byte follows there. Of two keys after the same third one, that which
 * agrees with it for more bytes comes first, or else that with the lesser byte: it has the lesser code.
 * Most keys are compared without being read ("offset-value coding").
 */
struct place {
	uint32_t code, item; /* the latter as its offset in the items of the listing */
};

/*
 * A folder on its way to a page, a bounded piece of work at a time: read all the entries, sort them
 * by merging ever longer runs, write row by row. The length of the page is the sum of its rows,
 * known before the first is sent.
 */
struct listing {
	DIR *dir;
	struct listing_style style;
	bool length_only;     /* for HEAD: nothing is kept of an item */
	char *items;          /* each struct item behind the one before */
	struct place *places; /* two halves of `room` each: one is merged into the other, */
	uint32_t order;       /* and the half to read begins here */
	uint32_t items_len, items_room, count, room, next;
	uint32_t run;                      /* the length of the runs that are merged */
	uint32_t left, middle, right, end; /* of two of them */
	uint32_t folders;
	uint64_t bytes, rows_len;
	size_t held; /* memory, as counted in http_common.memory */
};

static struct listing_style read_listing_style(text query)
{
	struct listing_style style = { BY_NAME, false, AS_HTML };

	skip_char(&query, '?');
	while (query.len) {
		text value = cut(&query, '&'), name = cut(&value, '=');

		if (same(name, text_of("format")))
			for (style.format = AS_HTML;
			     style.format < FORMATS && !same(value, formats[style.format].name);)
				style.format++;
		if (same(name, text_of("order")))
			style.descending = same(value, text_of("desc"));
		for (int key = BY_NAME; same(name, text_of("sort")) && key < SORT_KEYS; key++)
			if (same(value, sort_keys[key].name))
				style.key = (enum sort_key)key;
	}
	return style;
}

static const char listing_css[] =
	"*{box-sizing:border-box}"
	":root{color-scheme:light dark;--line:#8884;--soft:#667;--link:#0550ae}"
	"@media(prefers-color-scheme:dark){:root{--soft:#99a;--link:#7cb7ff}}"
	"body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1.5rem 1rem}"
	"h1{font-size:1.3rem;overflow-wrap:anywhere}small{color:var(--soft)}"
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
	"@media(max-width:34rem){td+td+td{white-space:normal}td+td{font-size:.85rem}}";

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
	if (i && tenths < 100)
		put_form(o, "%n.%n", tenths / 10, tenths % 10);
	else
		put_number(o, rounded(n, unit));
	put_string(o, units[i]);
}

/* "2026-11-20 23:05", which sorts as it reads; programs get "2026-11-20T23:05:42Z". */
static void put_moment(struct out *o, int64_t when, bool plain)
{
	struct tm tm;

	if (!calendar(when, &tm)) {
		put_string(o, "-");
		return;
	}

	const int parts[] = { tm.tm_year / 100, tm.tm_year % 100, tm.tm_mon + 1, tm.tm_mday,
			      tm.tm_hour,       tm.tm_min,        tm.tm_sec };
	char moment[] = "0000-00-00 00:00:00Z", *at = moment;

	for (size_t i = 0; i < LENGTH(parts); i++) {
		*at++ = (char)('0' + parts[i] / 10);
		*at++ = (char)('0' + parts[i] % 10);
		at += i > 0;
	}
	moment[10] = plain ? 'T' : ' ';
	put(o, moment, plain ? 20 : 16);
}

static void put_column(struct out *o, const struct listing_style *style, enum sort_key key)
{
	bool sorted = style->key == key, down = sorted && style->descending;

	put_form(o, "<th scope=\"col\"%s><a href=\"?sort=%t&amp;order=%s\">%s%s</a></th>",
		 !sorted ? ""
		 : down  ? " aria-sort=\"descending\""
			 : " aria-sort=\"ascending\"",
		 sort_keys[key].name, sorted && !down ? "desc" : "asc", sort_keys[key].title,
		 !sorted ? ""
		 : down  ? " \xe2\x96\xbe"
			 : " \xe2\x96\xb4");
}

/* The folders from the root down to this one. The nearest are links, which consist of "../". */
static void put_breadcrumbs(struct out *o, const char *path)
{
	enum { LINKS_MOST = 64 }; /* their steps grow with the square of the depth */
	size_t above = 0;
	text rest = text_of(path), name = { "", 0 };

	for (const char *at = path; (at = strchr(at, '/')); at++)
		above++;
	put_string(o, "<nav aria-label=\"Folders above\"><h1>Index of ");
	for (; above; above--, name = cut(&rest, '/')) {
		bool link = above <= LINKS_MOST;

		put_string(o, link ? "<a href=\"" : "");
		for (size_t i = 0; link && i < above; i++)
			put_string(o, "../");
		put_form(o, link ? "\">%h/</a>" : "%h/", name);
	}
	put_form(o, "%h/</h1></nav>\n", name);
}

static void put_listing_head(struct out *o, const struct listing *listing, const char *path)
{
	if (listing->style.format == AS_JSON)
		put_string(o, "[");
	if (listing->style.format != AS_HTML)
		return;
	put_form(o,
		 "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		 "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		 "<title>/%h</title>\n<style>%s</style>\n</head>\n<body>\n",
		 text_of(path), listing_css);
	put_breadcrumbs(o, path);
	put_string(o, "<main>\n<table>\n<thead><tr>");
	for (int key = BY_NAME; key < SORT_KEYS; key++)
		put_column(o, &listing->style, (enum sort_key)key);
	put_string(o, "</tr></thead>\n<tbody>\n");
	if (*path)
		put_string(o, "<tr><td><a href=\"../\">../</a></td><td></td><td></td></tr>\n");
}

static void put_listing_tail(struct out *o, const struct listing *listing)
{
	uint64_t folders = listing->folders, files = listing->count - listing->folders;

	if (listing->style.format == AS_JSON)
		put_string(o, "\n]\n");
	if (listing->style.format != AS_HTML)
		return;
	put_form(o, "</tbody>\n</table>\n</main>\n<footer>%n %s, %n %s, ", folders,
		 folders == 1 ? "folder" : "folders", files, files == 1 ? "file" : "files");
	put_size(o, listing->bytes);
	put_string(o, "; times are UTC</footer>\n</body>\n</html>\n");
}

static text item_name(const struct item *item)
{
	return text_of(item->key + item->key_len);
}

/* Where a link leads: an empty text if the item is none that redirects. */
static text item_url(const struct item *item)
{
	text name = item_name(item);

	return item->redirect ? text_of(name.at + name.len + 1) : (text){ "", 0 };
}

static void put_html_row(struct out *o, const struct item *item)
{
	text name = item_name(item), url = item_url(item);
	const char *slash = item->folder ? "/" : "";

	/* not put_form(), with which a row takes a fifth more time */
	put_string(o, "<tr><td><a href=\"");
	put_url(o, name);
	put_string(o, slash);
	put_string(o, "\"><bdi>");
	put_escaped(o, name, html_escape);
	put_string(o, slash);
	put_string(o, "</bdi></a>");
	if (url.len)
		put_form(o, " <small>\xe2\x86\x92 %h</small>", url);
	put_string(o, "</td><td>");
	if (!item->folder && !url.len)
		put_size(o, (uint64_t)item->size);
	put_string(o, "</td><td>");
	put_moment(o, item->time, false);
	put_string(o, "</td></tr>\n");
}

/* Size, time and name, and the URL of a redirect, with tabs between them. */
static void put_text_row(struct out *o, const struct item *item)
{
	text url = item_url(item);

	if (item->folder || url.len)
		put_string(o, "-");
	else
		put_number(o, (uint64_t)item->size);
	put_string(o, "\t");
	put_moment(o, item->time, true);
	put_form(o, "\t%u%s%s", item_name(item), item->folder ? "/" : "", url.len ? "\t" : "");
	put_absolute(o, url);
	put_string(o, "\n");
}

/* Has the keys of nginx. The first row begins with a blank where the others have a comma. */
static void put_json_row(struct out *o, const struct item *item, bool first)
{
	text name = item_name(item), url = item_url(item);

	put_form(o, "%s\n{ \"name\":\"%j\"", first ? " " : ",", name);
	if (!all_printable(name))
		put_form(o, ", \"href\":\"%u\"", name);
	put_form(o, ", \"type\":\"%s\", \"mtime\":\"",
		 item->folder ? "directory"
		 : url.len    ? "other"
			      : "file");
	put_date(o, item->time);
	put_string(o, "\"");
	if (url.len)
		put_form(o, ", \"location\":\"%j\"", url);
	else if (!item->folder)
		put_form(o, ", \"size\":%n", (uint64_t)item->size);
	put_string(o, " }");
}

static void put_row(struct out *o, const struct listing *listing, const struct item *item)
{
	switch (listing->style.format) {
	case AS_TEXT: put_text_row(o, item); break;
	case AS_JSON: put_json_row(o, item, listing->next == 1); break;
	default: put_html_row(o, item);
	}
}

static void free_listing(struct listing *listing, struct http_common *common)
{
	common->memory -= listing->held;
	if (listing->dir)
		closedir(listing->dir);
	free(listing->items);
	free(listing->places);
	free(listing);
}

/* Counts the memory as the listing's, if the connections together may hold as much. */
static bool reserve(struct listing *listing, struct http_common *common, size_t size)
{
	if (common->memory + size > common->memory_most)
		return false;
	listing->held += size;
	common->memory += size;
	return true;
}

/* Doubles the room. Returns the array, moved perhaps; or NULL, and then the listing fails. */
static void *grow(struct listing *listing, struct http_common *common, void *array, uint32_t *room,
		  size_t each)
{
	uint32_t more = *room ? *room * 2 : 1024;
	void *grown;

	if (more < *room || !reserve(listing, common, (more - *room) * each))
		return NULL;
	grown = realloc(array, more * each);
	if (grown)
		*room = more;
	return grown;
}

static bool make_room(struct listing *listing, struct http_common *common, size_t size)
{
	while (listing->items_room - listing->items_len < size) {
		char *items = grow(listing, common, listing->items, &listing->items_room, 1);

		if (!items)
			return false;
		listing->items = items;
	}
	if (listing->count == listing->room && !listing->length_only) {
		struct place *places =
			grow(listing, common, listing->places, &listing->room, 2 * sizeof(*places));

		if (!places)
			return false;
		listing->places = places;
	}
	return true;
}

static struct item *item_at(const struct listing *listing, uint32_t row)
{
	return (void *)(listing->items + listing->places[listing->order + row].item);
}

/* The code of a key that agrees with the one before it for `agrees` bytes, before `byte`. */
static uint32_t code_of(uint32_t agrees, int byte)
{
	return (0xffffff - agrees) << 8 | (unsigned char)byte;
}

/*
 * The name as it is sorted: case does not matter, and numbers are compared as numbers, file2 before
 * file10. Leading zeros are left out. Before a number of n digits stand n nines and a zero.
 */
static char *fold_name(char *at, const char *name)
{
	while (*name) {
		size_t digits = 0;

		if (!is_digit(*name)) {
			*at++ = (char)lower(*name++);
			continue;
		}
		while (*name == '0')
			name++;
		while (is_digit(name[digits]))
			digits++;
		memset(at, '9', digits);
		at[digits] = '0';
		at = mempcpy(at + digits + 1, name, digits);
		name += digits;
	}
	*at++ = '\0';
	return at;
}

/* Folders come first, then what the listing is sorted by decides, then the name. */
static void write_key(struct item *item, const struct listing_style *style, const char *name)
{
	uint64_t number = style->key == BY_SIZE ? (uint64_t)item->size
						: (uint64_t)item->time ^ UINT64_C(1) << 63;
	char *at = item->key, *end;

	*at++ = item->folder ? 0 : 1;
	for (int shift = 56; style->key != BY_NAME && shift >= 0; shift -= 8)
		*at++ = (char)(number >> shift);
	end = fold_name(at, name);
	item->key_len = (uint32_t)(end - item->key);
	for (at = item->key + 1; style->descending && at < end; at++)
		*at = (char)~*at;
}

/* `url`: where the entry redirects to, or an empty text. False if there is no memory. */
static bool add_item(struct listing *listing, struct http_common *common, const char *name,
		     const struct stat *st, text url)
{
	struct out row = { NULL, 0, 0, false };
	size_t size = strlen(name) + 1, align = _Alignof(struct item);
	size_t most = sizeof(struct item) + sizeof(uint64_t) + 3 * size + url.len + 1 + align;
	struct item *item;
	char *end;

	if (!make_room(listing, common, most))
		return false;
	item = (void *)(listing->items + listing->items_len);
	*item = (struct item){ .size = S_ISREG(st->st_mode) ? st->st_size : 0,
			       .time = st->st_mtim.tv_sec,
			       .folder = S_ISDIR(st->st_mode),
			       .redirect = url.len };
	if (!listing->length_only)
		write_key(item, &listing->style, name);
	end = mempcpy(item->key + item->key_len, name, size);
	if (url.len)
		*(char *)mempcpy(end, url.at, url.len) = '\0';
	put_row(&row, listing, item);
	listing->rows_len += row.len;
	listing->folders += item->folder;
	listing->bytes += (uint64_t)item->size;
	listing->count++;
	if (listing->length_only)
		return true;
	listing->places[listing->count - 1] =
		(struct place){ code_of(0, '\0'), listing->items_len };
	size = (size_t)(end - listing->items) + (url.len ? url.len + 1 : 0);
	listing->items_len = (uint32_t)((size + align - 1) / align * align);
	return true;
}

/* The status of the file that a request for this name would open: 0 or an errno value. */
static int stat_link(const struct http_site *site, const char *folder, const char *name,
		     struct stat *st)
{
	char path[PATH_MAX + NAME_MAX + 1];
	struct out o = { path, 0, sizeof(path), false };

	put_form(&o, "%s%s%0", folder, name);
	return o.overrun ? ENAMETOOLONG : stat_beneath(site, path, 0, st);
}

/*
 * Whether the entry is a file or a folder, or a link to one of them or to a URL, which is put into
 * `url`. Returns an errno value if that can't be found out just now: without the entry, the page
 * would pass for a complete one.
 */
static int stat_entry(const struct http_site *site, const char *folder, DIR *dir,
		      const struct dirent *entry, struct stat *st, char url_bytes[PATH_MAX],
		      text *url, bool *listed)
{
	int error = 0;

	*url = (text){ NULL, 0 };
	if (fstatat(dirfd(dir), entry->d_name, st, AT_SYMLINK_NOFOLLOW) < 0) {
		error = errno;
	} else if (S_ISLNK(st->st_mode)) {
		error = stat_link(site, folder, entry->d_name, st);
		if (is_missing(error))
			*url = read_redirect(dirfd(dir), entry->d_name, url_bytes);
	}
	*listed = url->len || (!error && (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode)));
	return error && status_of(error) >= SERVER_ERROR ? error : 0;
}

/* Some more entries: 0 or an errno value. At the end the folder is closed. */
static int read_entries(const struct http_site *site, struct http_common *common,
			const char *folder, struct listing *listing)
{
	for (int n = 0; n < READ_STEP; n++) {
		struct dirent *entry;
		char url_bytes[PATH_MAX];
		struct stat st;
		bool listed;
		text url;
		int error;

		errno = 0;
		entry = readdir(listing->dir);
		if (!entry && errno)
			return errno;
		if (!entry) {
			closedir(listing->dir);
			listing->dir = NULL;
			return 0;
		}
		if (entry->d_name[0] == '.')
			continue;
		error = stat_entry(site, folder, listing->dir, entry, &st, url_bytes, &url,
				   &listed);
		if (error)
			return error;
		if (listed && !add_item(listing, common, entry->d_name, &st, url))
			return ENOMEM;
	}
	return 0;
}

/*
 * Whether `right` comes before `left`. The codes of both are relative to the same earlier place; the
 * one that comes later gets a code relative to the other. No two names are the same.
 */
static bool comes_second(struct listing *listing, uint32_t left, uint32_t right)
{
	struct place *a = &listing->places[listing->order + left];
	struct place *b = &listing->places[listing->order + right];
	const struct item *x = item_at(listing, left), *y = item_at(listing, right);
	uint32_t n = 0xffffff - (a->code >> 8);
	int order;

	if (a->code != b->code)
		return a->code > b->code;
	while (n < x->key_len && x->key[n] == y->key[n])
		n++;
	if (n < x->key_len)
		order = (unsigned char)x->key[n] - (unsigned char)y->key[n];
	else /* only case and zeros differ: of the names, which stand behind the keys */
		order = listing->style.descending ? strcmp(y->key + n, x->key + n)
						  : strcmp(x->key + n, y->key + n);
	*(order > 0 ? &a->code : &b->code) =
		code_of(n, n == x->key_len ? '\0' : (order > 0 ? x : y)->key[n]);
	return order > 0;
}

static uint32_t end_of_run(const struct listing *listing, uint32_t begin)
{
	return listing->count - begin < listing->run ? listing->count : begin + listing->run;
}

/* Sets the next two runs; the second may be empty. After the last come those of the next pass. */
static void begin_merge(struct listing *listing, uint32_t begin)
{
	if (begin == listing->count) {
		listing->order = listing->room - listing->order;
		listing->run *= 2;
		begin = 0;
	}
	listing->left = begin;
	listing->middle = listing->right = end_of_run(listing, begin);
	listing->end = end_of_run(listing, listing->middle);
}

/* Some more merging; true when all is in order. */
static bool sort_some(struct listing *listing)
{
	struct place *places = listing->places;

	for (int n = 0; listing->run < listing->count && n < SORT_STEP; n++) {
		uint32_t left = listing->left, middle = listing->middle, right = listing->right;
		uint32_t from = listing->order, to = listing->room - from;
		bool second = left == middle ||
			      (right < listing->end && comes_second(listing, left, right));

		places[to + left + right - middle] = places[from + (second ? right : left)];
		listing->left += !second;
		listing->right += second;
		if (listing->left == middle && listing->right == listing->end)
			begin_merge(listing, listing->end);
	}
	return listing->run >= listing->count;
}

/* ---- the cache ---------------------------------------------------------- */

/*
 * What an entry depends on: that a folder on the way to the file is the same one, and no link; that a
 * name which would be preferred is absent; that the file is unchanged, and also, with LINKLESS_FILE,
 * that no folder on the way to it is a link.
 */
struct check {
	uint32_t path; /* where in the entry's bytes */
	enum check_kind { SAME_FOLDER, ABSENT, SAME_FILE, LINKLESS_FILE } kind;
	struct version version;
};

/*
 * An entry: a response without its first fields, see put_opening(). `bytes` has the key, the paths
 * of the checks, and the response. If the body is too large to be kept, the file is kept open.
 */
struct cached {
	struct cached *chain;         /* in its bucket */
	struct cached *newer, *older; /* by last use */
	int64_t used;                 /* us, when it was used last */
	uint64_t looked;              /* http_common.received when its checks were made last */
	int fd;                       /* of the body, if that is not in `bytes`, or -1 */
	bool removed;                 /* from the cache; it is freed when it has no users */
	uint32_t users;               /* connections that send it */
	uint32_t hash, size;
	uint32_t key_len, head_len, body_len;
	uint32_t response; /* where in bytes */
	struct preference preference;
	uint8_t checks;
	struct check check[CHECKS_MOST];
	char bytes[];
};

struct http_cache {
	uint64_t seed[2];
	size_t size, used, held;    /* held: used, and removed entries that have users */
	uint32_t files, files_most; /* kept open */
	struct cached *newest, *oldest;
	struct {
		uint64_t looked; /* http_common.received when this was found out */
		uint64_t home[2];
		char name[NAME_MAX]; /* of the host */
		size_t len;
		bool own; /* its folder has its name; if not, it is that for other hosts */
	} host;           /* the one that was requested last */
	uint32_t mask;
	struct cached *bucket[];
};

struct http_cache *http_cache_new(size_t size, uint32_t files, const void *seed)
{
	uint32_t buckets = 64;
	struct http_cache *cache;

	if (size < INLINE_MOST)
		return NULL;
	/* an entry takes about 1024 bytes at least */
	while (buckets < size / 1024 && buckets < 1u << 20)
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

/* Reads what a check of this kind compares. False if the check fails without comparing. */
static bool look(const struct http_site *site, const char *path, enum check_kind kind,
		 struct version *version)
{
	struct stat st;
	int error = 0;

	*version = (struct version){ 0 };
	if (kind == LINKLESS_FILE)
		error = stat_beneath(site, path, HTTP_NO_LINKS, &st);
	else if (fstatat(site->root, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		error = errno;
	if (error)
		return kind == ABSENT && (error == ENOENT || error == ENAMETOOLONG);
	if (kind == SAME_FOLDER) {
		version->dev = st.st_dev;
		version->ino = st.st_ino;
		return S_ISDIR(st.st_mode);
	}
	*version = version_of(&st);
	return kind >= SAME_FILE && !S_ISLNK(st.st_mode);
}

static bool is_current(const struct http_site *site, const struct cached *entry)
{
	for (const struct check *c = entry->check; c < entry->check + entry->checks; c++) {
		struct version now;

		if (!look(site, entry->bytes + c->path, c->kind, &now) ||
		    !same_version(&now, &c->version))
			return false;
	}
	return true;
}

/* The seed makes names with equal hashes hard to choose; CHAIN_MOST limits what they cost. */
static uint32_t hash_key(const struct http_cache *cache, text key,
			 const struct preference *preference)
{
	uint64_t hash = cache->seed[0], factor = cache->seed[1] | 1;

	for (size_t i = 0; i < key.len + CODINGS; i++) {
		hash ^= i < key.len ? (unsigned char)key.at[i] : preference->order[i - key.len];
		hash *= factor;
		hash ^= hash >> 32;
	}
	return (uint32_t)hash;
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
	entry->removed = true;
	if (entry->users == 0)
		cache_free(cache, entry);
}

/* Puts an entry first in its bucket. If the bucket has too many, the oldest one is removed. */
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
	if (--entry->users == 0 && entry->removed)
		cache_free(cache, entry);
}

int64_t http_cache_tidy(struct http_cache *cache, const struct http_common *common)
{
	while (cache->oldest && cache->oldest->used + CACHE_KEPT <= common->clock)
		cache_remove(cache, cache->oldest); /* NOLINT(clang-analyzer-unix.Malloc) */
	return cache->oldest ? cache->oldest->used + CACHE_KEPT : INT64_MAX;
}

/*
 * The entry, which the caller has to release; or NULL if there is none, or one of its checks fails.
 * If nothing was received since its checks were made last, this request had arrived before, and the
 * checks count for it too: that saves 7 to 12 % of the time of a request where many are received
 * together.
 */
static struct cached *cache_find(const struct http_common *common, const struct http_site *site,
				 text key, const struct preference *preference)
{
	struct http_cache *cache = common->cache;
	uint32_t hash = hash_key(cache, key, preference);
	struct cached *entry = cache->bucket[hash & cache->mask];

	while (entry &&
	       !(entry->hash == hash && same(key, (text){ entry->bytes, entry->key_len }) &&
		 memcmp(&entry->preference, preference, sizeof(*preference)) == 0))
		entry = entry->chain;
	if (!entry)
		return NULL;
	if (entry->looked != common->received && !is_current(site, entry)) {
		cache_remove(cache, entry);
		return NULL;
	}
	entry->looked = common->received;
	if (entry != cache->newest) {
		cache_unlink(cache, entry);
		cache_link(cache, entry);
	}
	entry->used = common->clock;
	entry->users++;
	return entry;
}

/* Whether the last change is older than a tick, so that any later change alters the times. */
static bool settled(const struct version *v, const struct timespec *now)
{
	return age_of(v->modified, now) > tick_of(v) && age_of(v->changed, now) > tick_of(v);
}

/* What a response was made from. */
struct source {
	text key;    /* the path that was asked for; with --hosts, the host's folder is before it */
	text asked;  /* that path alone */
	text folder; /* with --hosts: the paths are beneath it */
	struct preference preference;
	enum coding coding;
	const char *path;          /* of the file; what was sent may be a sibling of it */
	const struct version *was; /* of what was sent, when it was opened */
};

/* An entry that is being made: its strings are put into bytes[]. */
struct draft {
	struct cached *entry;
	struct out bytes;
	const struct http_site *site;
	const struct timespec *now;
	text folder;  /* see struct source */
	bool watched; /* a check shows whether names were added to the file's folder */
};

/* False if the check fails now, or there is no room for it. With `add`, the draft gets it. */
static bool try_check(struct draft *draft, text path, enum check_kind kind, bool add)
{
	struct cached *entry = draft->entry;
	size_t begin = draft->bytes.len;
	struct version version;
	bool good;

	if (entry->checks == CHECKS_MOST)
		return false;
	if (draft->folder.len)
		put_form(&draft->bytes, "%t/", draft->folder);
	put_form(&draft->bytes, "%t%0", path);
	if (draft->bytes.overrun)
		return false;
	good = look(draft->site, draft->bytes.at + begin, kind, &version) &&
	       (kind < SAME_FILE || settled(&version, draft->now));
	if (!good || !add)
		draft->bytes.len = begin;
	else
		entry->check[entry->checks++] = (struct check){ (uint32_t)begin, kind, version };
	return good;
}

static bool add_check(struct draft *draft, text path, enum check_kind kind)
{
	return try_check(draft, path, kind, true);
}

/* The check that there is no file of this name. A folder may have it. */
static bool add_absence(struct draft *draft, const char *name)
{
	text path = text_of(name);

	return try_check(draft, path, ABSENT, !draft->watched) ||
	       try_check(draft, path, SAME_FOLDER, !draft->watched);
}

/*
 * Checks that there is still no file that would be preferred to this one: with the name that was
 * requested, another index, a better sibling. False if one exists: it was not good enough, but may
 * be changed in place. If the draft is `watched`, the names are looked for, but no checks are added.
 */
static bool add_absences(struct draft *draft, const struct source *source)
{
	text asked = source->asked, rest = text_of(source->path);
	char name[PATH_MAX + 4];

	skip(&rest, asked.len);
	memcpy(name, source->path, asked.len);
	name[asked.len] = '\0';
	if (rest.len && !is_folder(asked) && !add_absence(draft, name))
		return false;
	for (size_t i = 0; rest.len && is_folder(asked); i++) {
		text index = index_name(draft->site, i);

		if (same(index, rest))
			break;
		if (asked.len + index.len >= PATH_MAX)
			return false;
		memcpy(name + asked.len, index.at, index.len + 1);
		if (!add_absence(draft, name))
			return false;
	}
	for (const uint8_t *c = source->preference.order; *c != source->coding; c++) {
		name_sibling(name, source->path, *c);
		if (!add_absence(draft, name))
			return false;
	}
	return true;
}

/*
 * The folders on the way, and the file. If there are two folders or more, one look that meets no link
 * takes less time than a look at each: 1.1 us and 3.6 at a depth of 8, 3 us and 80 at a depth of 60.
 */
static bool add_file(struct draft *draft, const char *path, const char *slash)
{
	const char *first = strchr(path, '/');

	if (first != slash && add_check(draft, text_of(path), LINKLESS_FILE))
		return true;
	for (const char *at = first; at; at = strchr(at + 1, '/'))
		if (!(at == slash && draft->watched) &&
		    !add_check(draft, (text){ path, (size_t)(at - path) }, SAME_FOLDER))
			return false;
	return add_check(draft, text_of(path), SAME_FILE);
}

/* Names that have to be absent, the file, and its sibling if that is what was sent. */
static bool add_checks(struct draft *draft, const struct source *source)
{
	const struct cached *entry = draft->entry;
	const char *path = source->path, *slash = strrchr(path, '/');
	text folder = slash ? (text){ path, (size_t)(slash - path) } : text_of(".");
	text rest = text_of(path + source->asked.len);
	bool absences = source->preference.order[0] != IDENTITY ||
			(rest.len && !same(rest, index_name(draft->site, 0)));
	char sibling[PATH_MAX + 4];

	draft->watched = absences && add_check(draft, folder, SAME_FILE);
	if (!add_absences(draft, source) || !add_file(draft, path, slash))
		return false;
	name_sibling(sibling, path, source->coding);
	if (source->coding != IDENTITY && !add_check(draft, text_of(sibling), SAME_FILE))
		return false;
	return same_version(&entry->check[entry->checks - 1].version, source->was);
}

/* Removes old entries until there is room for the new one. */
static void cache_insert(struct http_cache *cache, struct cached *entry)
{
	while (cache->used + entry->size > cache->size)
		cache_remove(cache, cache->oldest); /* NOLINT(clang-analyzer-unix.Malloc) */
	cache_chain(cache, entry);
	cache_link(cache, entry);
	cache->used += entry->size;
	cache->held += entry->size;
	cache->files += entry->fd >= 0;
}

/* `fd`: the file if `response` is a head alone, else -1. The entry that is returned owns it. */
OWN_FRAME static struct cached *cache_add(const struct http_common *common,
					  const struct http_site *site, const struct source *source,
					  text response, size_t head_len, int fd)
{
	enum { STRINGS_MOST = 2 << 10 };
	struct http_cache *cache = common->cache;
	struct cached *entry = malloc(sizeof(*entry) + STRINGS_MOST + response.len), *fitted;
	struct draft draft = { entry,          { NULL, 0, STRINGS_MOST, false },
			       site,           &common->wall,
			       source->folder, false };

	if (!entry)
		return NULL;
	*entry = (struct cached){
		.hash = hash_key(cache, source->key, &source->preference),
		.key_len = (uint32_t)source->key.len,
		.head_len = (uint32_t)head_len,
		.body_len = (uint32_t)(response.len - head_len),
		.preference = source->preference,
		.used = common->clock,
		.looked = common->received,
		.fd = fd,
	};
	draft.bytes.at = entry->bytes;
	put_text(&draft.bytes, source->key);
	if ((fd >= 0 && cache->files >= cache->files_most) || !add_checks(&draft, source) ||
	    sizeof(*entry) + draft.bytes.len + response.len > cache->size) {
		free(entry);
		return NULL;
	}
	entry->response = (uint32_t)draft.bytes.len;
	entry->size = (uint32_t)(sizeof(*entry) + draft.bytes.len + response.len);
	memcpy(entry->bytes + draft.bytes.len, response.at, response.len);
	fitted = realloc(entry, entry->size);
	if (fitted)
		entry = fitted;
	cache_insert(cache, entry);
	return entry;
}

/* ---- the work of a request --------------------------------------------------- */

enum { BOUNDARY_SIZE = 24 };

/* What is still to be sent behind the head. */
struct body {
	enum body_kind { NO_BODY, FILE_BODY, LISTING_BODY } kind;
	int fd;               /* of the file */
	struct cached *entry; /* the entry of the cache that owns the file, or NULL */
	size_t part;          /* which of the ranges is being sent */
	bool part_begun;
	uint64_t size;
	const char *type;
	char boundary[BOUNDARY_SIZE];
	struct listing *listing;
	struct ranges ranges; /* what is sent of the file */
};

/* The array of ranges is not cleared, because it is large. */
static void clear_body(struct body *body)
{
	memset(body, 0, offsetof(struct body, ranges.part));
}

/* Which response it will be: chosen when the head has been read, and a file again behind a body. */
struct choice {
	enum choice_kind {
		NO_CHOICE,
		STATUS_PAGE,
		METHODS,
		REDIRECT,
		TO_HTTPS,
		LINK,
		REMEMBERED,
		FILE_OR_PART,
		FALLBACK,
		FOLDER,
		PROGRAM,
		LOGIN, /* a password has to be checked first */
	} kind;
	enum status status;                       /* of a page */
	const struct http_scope *guard, *program; /* that the path is beneath, or NULL */
	size_t name_len;                          /* bytes of the path that are a program's name */
	struct cached *entry;                     /* of REMEMBERED, to be released */
	struct file file;                         /* of FILE_OR_PART, FALLBACK, FOLDER, LINK */
};

/* The responses that are being put together or sent. */
struct output {
	struct out bytes; /* in http_common.out, or in `own` */
	char *own;        /* memory of this connection alone, or NULL */
	size_t sent;      /* of bytes */
};

/* A password that is checked, and then remembered for the connection. */
struct login {
	const struct http_scope *guard;
	int answer; /* a pipe, or -1 */
	bool good;
	unsigned failures;
	text name, password;
	size_t sent_len;
	char sent[LOGIN_MOST], decoded[LOGIN_MOST];
};

/* A program that runs for the request, or will when enough of the body is there. */
struct program {
	struct http_pipes pipes;
	bool started;
	bool whole;   /* all of the request's body was received */
	bool left;    /* the client sends no more */
	bool active;  /* the program has read or written since the clock was set */
	bool begun;   /* the response is being sent, */
	bool raw;     /* as the program writes it */
	bool counted; /* the length of the response's body is known, `rest` of which is missing */
	bool chunked; /* the body is sent in chunks */
	bool bare;    /* the response has no body */
	uint64_t rest;
	unsigned redirects;
	text pending;        /* of the request's body, for the program's input */
	struct out gathered; /* a chunked request body, before the program is started */
	text gathered_left;  /* of it, for the program's input */
	struct out header;   /* what the program has written first */
	struct out errors;   /* the last, incomplete line of its standard error */
	char *target;        /* of a redirect within the site */
};

/*
 * The working memory of a connection. Mostly only the first page of the path and of the input is
 * touched, which stand at the beginning and at the end; the members between them share few pages.
 */
struct http_work {
	union {
		struct {
			uint64_t home[2];    /* with --hosts: the folder's device and inode */
			char path[PATH_MAX]; /* of the file; it begins with req.asked */
		};
		char key[2 * sizeof(uint64_t) + PATH_MAX]; /* for the cache, see key_of() */
	};
	struct request req;
	struct choice choice;
	struct body body;
	struct framing framing;
	struct input input;
	struct output output;
	enum status status;      /* of the response that is being sent, 0 before there is one */
	uint64_t body_sent;      /* bytes, for the log */
	unsigned effort;         /* of this step, see EFFORT_MOST */
	bool adopted;            /* HTTP_ADOPT was returned for this request */
	bool named;              /* a password was given, see login */
	struct login *login;     /* or NULL, until a password is checked */
	struct program *program; /* or NULL, until a program is needed */
	/* With --hosts, a copy of the site whose root is the folder of the host. Else its root is -1. */
	struct http_site host;
	char host_name[NAME_MAX + 1];
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
	w->choice.file.fd = w->host.root = -1;
	w->input.room = limits->line + limits->header + BODY_ROOM;
	w->input.size = 2 * w->input.room;
	w->input.at = (char *)memory + sizeof(*w);
	return w;
}

/* The site of the request: with --hosts, that of its host. */
static const struct http_site *site_here(const struct http_conn *conn)
{
	return conn->work->host.root >= 0 ? &conn->work->host : conn->own.site;
}

/* Closing pipes.life makes the broker end the program. */
static void release_program(struct program *p)
{
	close_fd(&p->pipes.in);
	close_fd(&p->pipes.out);
	close_fd(&p->pipes.error);
	close_fd(&p->pipes.life);
	free(p->gathered.at);
	if (p->header.at && p->errors.at) { /* the process may go on to another client */
		explicit_bzero(p->header.at, p->header.size);
		explicit_bzero(p->errors.at, p->errors.size);
	}
	free(p->header.at);
	free(p->errors.at);
	p->gathered.at = p->header.at = p->errors.at = NULL;
}

static void clear_request(struct http_work *w)
{
	if (w->program) {
		release_program(w->program);
		free(w->program->target);
		free(w->program);
		w->program = NULL;
	}
	memset(&w->req, 0, sizeof(w->req));
	w->status = 0;
	w->named = w->adopted = false;
	w->choice.guard = w->choice.program = NULL;
	close_fd(&w->host.root);
}

/* ---- hosts -------------------------------------------------------------------- */

/*
 * The host that was asked for, with the brackets of an IPv6 address, and the port behind it if `port`
 * isn't NULL; empty if there is none. What the target says comes before Host (RFC 9112 3.2.2).
 */
static text requested_host(const struct request *req, text *port)
{
	text rest = req->authority.len ? req->authority : req->value[HOST];
	bool brackets = rest.len && rest.at[0] == '[';
	text host = cut(&rest, brackets ? ']' : ':');

	host.len += brackets;
	(void)skip_char(&rest, ':');
	if (port)
		*port = rest;
	return host;
}

/*
 * The host's name as its folder has it: in lower case, without a dot at its end. It is empty if
 * the name could be a path, a hidden name or an option.
 */
static void read_host(struct http_work *w)
{
	text host = requested_host(&w->req, &w->req.port);
	bool good;

	host.len -= host.len && host.at[host.len - 1] == '.';
	good = host.len && host.len <= NAME_MAX && host.at[0] != '.' && host.at[0] != '-';
	for (size_t i = 0; good && i < host.len; i++) {
		w->host_name[i] = (char)lower(host.at[i]);
		good = host.at[0] == '[' || (is(host.at[i], PLAIN) && host.at[i] != '~');
	}
	w->host_name[good ? host.len : 0] = '\0';
	w->req.host = text_of(w->host_name);
}

/* Opens the folder of the host, if that is needed: 0 or an errno value. */
static int enter_host(struct http_work *w, const struct http_site *site)
{
	int fd, error;

	if (!w->req.folder.len || w->host.root >= 0)
		return 0;
	error = http_open_beneath(site, w->req.folder.at, O_PATH | O_DIRECTORY, &fd);
	if (!error) {
		w->host = *site;
		w->host.root = fd;
	}
	return error;
}

/* Finds out which folder has this name, mostly without opening it: 0 or an errno value. */
static int identify_host(struct http_work *w, const struct http_site *site, text folder)
{
	struct stat st = { 0 };
	int error = 0;

	w->req.folder = folder;
	if (!folder.len)
		error = ENOENT;
	else if (fstatat(site->root, folder.at, &st, AT_SYMLINK_NOFOLLOW) < 0)
		error = errno;
	else if (S_ISLNK(st.st_mode))
		error = enter_host(w, site);
	if (!error && w->host.root >= 0 && fstat(w->host.root, &st) < 0)
		error = errno;
	if (!error && !S_ISDIR(st.st_mode))
		error = ENOTDIR;
	if (error)
		w->req.folder.len = 0;
	w->home[0] = st.st_dev;
	w->home[1] = st.st_ino;
	return error;
}

/*
 * Finds the folder of the requested host: 0 or a status. The last one is used again for requests
 * that were received together: this saves 5 % of the time of a request.
 */
static enum status find_host(struct http_work *w, const struct http_site *site,
			     const struct http_common *common)
{
	static const text others = TEXT("default");
	struct http_cache *cache = common->cache;
	int error;

	if (!site->hosts)
		return 0;
	read_host(w);

	const text host = w->req.host;

	if (cache && cache->host.looked == common->received &&
	    same(host, (text){ cache->host.name, cache->host.len })) {
		memcpy(w->home, cache->host.home, sizeof(w->home));
		w->req.folder = cache->host.own ? host : others;
		return 0;
	}
	error = identify_host(w, site, host);
	if (is_missing(error))
		error = identify_host(w, site, others);
	if (is_missing(error))
		return refused(&w->req, MISDIRECTED_REQUEST, "a host that has no folder");
	if (error)
		return status_of(error);
	if (cache) {
		cache->host.looked = common->received;
		cache->host.own = w->req.folder.at == host.at;
		cache->host.len = host.len;
		memcpy(cache->host.name, host.at, host.len);
		memcpy(cache->host.home, w->home, sizeof(w->home));
	}
	return 0;
}

/* ---- heads -------------------------------------------------------------------- */

static const struct status_row {
	enum status code;
	const char *line, *says;
} statuses[] = {
	{ OK, "200 OK", "" },
	{ NO_CONTENT, "204 No Content", "" },
	{ PARTIAL_CONTENT, "206 Partial Content", "" },
	{ MOVED_PERMANENTLY, "301 Moved Permanently", "This is at another address." },
	{ FOUND, "302 Found", "" },
	{ NOT_MODIFIED, "304 Not Modified", "" },
	{ PERMANENT_REDIRECT, "308 Permanent Redirect", "This is at another address." },
	{ BAD_REQUEST, "400 Bad Request", "The server could not understand the request." },
	{ UNAUTHORIZED, "401 Unauthorized", "A name and a password are needed to read this." },
	{ FORBIDDEN, "403 Forbidden", "You may not read this." },
	{ NOT_FOUND, "404 Not Found", "There is nothing at this address." },
	{ METHOD_NOT_ALLOWED, "405 Method Not Allowed",
	  "This server does not support the method." },
	{ REQUEST_TIMEOUT, "408 Request Timeout", "The request took too long to arrive." },
	{ PRECONDITION_FAILED, "412 Precondition Failed",
	  "A condition of the request does not hold." },
	{ CONTENT_TOO_LARGE, "413 Content Too Large", "The body of the request is too large." },
	{ URI_TOO_LONG, "414 URI Too Long", "The address is too long." },
	{ RANGE_NOT_SATISFIABLE, "416 Range Not Satisfiable",
	  "The file does not have the requested part." },
	{ EXPECTATION_FAILED, "417 Expectation Failed",
	  "This server does not support what the request expects." },
	{ MISDIRECTED_REQUEST, "421 Misdirected Request",
	  "This server does not serve this address." },
	{ FIELDS_TOO_LARGE, "431 Request Header Fields Too Large",
	  "The header of the request is too large." },
	{ SERVER_ERROR, "500 Internal Server Error", "The server could not read the file." },
	{ NOT_IMPLEMENTED, "501 Not Implemented", "This server does not support the request." },
	{ BAD_GATEWAY, "502 Bad Gateway", "The program for this address gave no valid response." },
	{ UNAVAILABLE, "503 Service Unavailable",
	  "The server is busy. Please try again in a moment." },
	{ GATEWAY_TIMEOUT, "504 Gateway Timeout",
	  "The program for this address took too long to respond." },
	{ VERSION_NOT_SUPPORTED, "505 HTTP Version Not Supported",
	  "Only HTTP/1.1 and HTTP/1.0 are supported." },
};

static const struct status_row *find_status(enum status code)
{
	const struct status_row *status = statuses;

	while (status->code != code)
		status++;
	return status;
}

/* What a response's head says. Fields whose member is zero or NULL are left out. */
struct head {
	enum status status;
	text line;   /* of a program's response: the status line */
	text fields; /* and other fields, each with its CRLF */
	const char *type, *etag, *boundary;
	enum coding coding;
	bool empty; /* no Content-Length: it is unknown, or RFC 9110 8.6 forbids it */
	uint64_t length;
	const int64_t *modified;
	const struct range *range; /* of a file of `size` bytes; empty in a 416 */
	uint64_t size;
	text host;            /* of a redirect to https; `location` is then the target's path */
	text location, query; /* of a redirect to a folder: its last segment */
	text url;             /* of a redirect by a symbolic link */
	bool varies, ranges, methods, policy, chunked, no_cache;
	bool kept;                      /* a program has set Cache-Control */
	const struct http_scope *guard; /* whose password is asked for */
};

static void put_field(struct out *o, const char *name, const char *value)
{
	put_string(o, name);
	put_string(o, value);
	put_string(o, "\r\n");
}

/* RFC 9110 14.4. An empty range stands for a 416. */
static void put_content_range(struct out *o, const struct range *range, uint64_t size)
{
	if (range->begin < range->end)
		put_form(o, "Content-Range: bytes %n-%n/%n\r\n", range->begin, range->end - 1,
			 size);
	else
		put_form(o, "Content-Range: bytes */%n\r\n", size);
}

/* Last-Modified is never later than Date (RFC 9110 8.8.2.1). */
static void put_modified(struct out *o, int64_t modified, const struct http_common *common)
{
	struct tm tm;

	if (!calendar(modified, &tm))
		return;
	put_string(o, "Last-Modified: ");
	put_date(o, modified < common->wall.tv_sec ? modified : common->wall.tv_sec);
	put_string(o, "\r\n");
}

/*
 * The last segment of a folder's name, with a slash. It is relative to the requested address
 * (RFC 3986 5.2), and so correct if a proxy strips a prefix, too. Slashes and colons in the
 * name are encoded, so that it can't contain a host or a scheme.
 */
static void put_location(struct out *o, text name, text query)
{
	put_form(o, "Location: %u/%q\r\n", name, query);
}

/* The query of the request is added where the URL has none, before the fragment of the URL. */
static void put_redirect(struct out *o, text url, text query)
{
	const char *hash = memchr(url.at, '#', url.len);
	text page = { url.at, hash ? (size_t)(hash - url.at) : url.len };

	put_string(o, "Location: ");
	put_absolute(o, page);
	if (!memchr(page.at, '?', page.len))
		put_query(o, query);
	put_absolute(o, (text){ page.at + page.len, url.len - page.len });
	put_string(o, "\r\n");
}

/*
 * The fields that --header sets for this path. With `no_cache`, Cache-Control is set here instead.
 */
static void put_rules(struct out *o, const struct http_site *site, text path, bool no_cache)
{
	const struct http_rule_list *rules = &site->rules[HTTP_FIELDS];

	if (no_cache)
		put_string(o, "Cache-Control: no-cache\r\n");
	for (const struct http_rule *rule = rules->at; rule < rules->at + rules->count; rule++)
		if (applies(rule, path) && !overruled(rules, rule, path) &&
		    !(no_cache && starts_alike(rule->text, text_of("Cache-Control:"))))
			put_field(o, rule->text.at, "");
}

static bool rules_have(const struct http_site *site, text path, text name)
{
	const struct http_rule_list *rules = &site->rules[HTTP_FIELDS];

	for (const struct http_rule *rule = rules->at; rule < rules->at + rules->count; rule++)
		if (applies(rule, path) && starts_alike(rule->text, name))
			return true;
	return false;
}

/* The part of a head that is not cached: the status line, Date and Connection. */
static void put_opening(struct out *o, const struct http_common *common, const struct request *req,
			text line)
{
	put(o, "HTTP/1.1 ", 9);
	put_text(o, line);
	if (line.len == 3) /* without a reason phrase, the space is still needed (RFC 9112 4) */
		put(o, " ", 1);
	put(o, "\r\nDate: ", 8);
	put(o, common->date, sizeof(common->date) - 1);
	put(o, "\r\n", 2);
	if (req->close)
		put_string(o, "Connection: close\r\n");
	else if (req->minor == 0)
		put_string(o, "Connection: keep-alive\r\n");
}

static const char type_is[] = "Server: wwwd\r\nContent-Type: ";

static void put_fields(struct out *o, const struct http_site *site,
		       const struct http_common *common, const struct head *head, text path)
{
	static const char *const vary[2][2] = { { "", "Accept-Encoding" },
						{ "Accept", "Accept, Accept-Encoding" } };
	/* whether a missing file is 404 or the fallback depends on Accept */
	bool accept = head->no_cache ||
		      (head->status == NOT_FOUND && site->rules[HTTP_FALLBACKS].count);

	if (head->boundary)
		put_form(o, "%smultipart/byteranges; boundary=%s\r\n", type_is, head->boundary);
	else if (head->type)
		put_field(o, type_is, head->type);
	else
		put_string(o, "Server: wwwd\r\n");
	if (!head->empty)
		put_form(o, "Content-Length: %n\r\n", head->length);
	if (head->chunked)
		put_string(o, "Transfer-Encoding: chunked\r\n");
	if (head->guard)
		put_form(o, "WWW-Authenticate: Basic realm=\"/%s\", charset=\"UTF-8\"\r\n",
			 head->guard->prefix);
	if (head->range)
		put_content_range(o, head->range, head->size);
	if (head->coding != IDENTITY)
		put_form(o, "Content-Encoding: %t\r\n", codings[head->coding].name);
	if (head->modified)
		put_modified(o, *head->modified, common);
	if (head->etag)
		put_field(o, "ETag: ", head->etag);
	if (head->varies || accept)
		put_field(o, "Vary: ", vary[accept][head->varies]);
	if (head->ranges)
		put_string(o, "Accept-Ranges: bytes\r\n");
	if (head->host.len) /* the same address by https */
		put_form(o, "Location: https://%t%q%q\r\n", head->host, head->location,
			 head->query);
	else if (head->location.at)
		put_location(o, head->location, head->query);
	if (head->url.at)
		put_redirect(o, head->url, head->query);
	if (head->methods)
		put_string(o, "Allow: GET, HEAD, POST, OPTIONS\r\n");
	if (head->policy)
		put_string(o, "Content-Security-Policy: default-src 'none'; "
			      "style-src 'unsafe-inline'\r\n");
	if (head->fields.at)
		put_text(o, head->fields);
	else
		put_form(o, "%sX-Content-Type-Options: nosniff\r\n",
			 head->status == UNAVAILABLE ? "Retry-After: 1\r\n" : "");
	put_rules(o, site, path, head->no_cache);
}

/* Writes each head that is not from the cache. Returns where the part begins that the cache keeps. */
static size_t write_head(struct http_conn *conn, const struct http_common *common,
			 const struct head *head)
{
	struct http_work *w = conn->work;
	struct out *o = &w->output.bytes;
	size_t kept;

	put_opening(o, common, &w->req,
		    head->line.at ? head->line : text_of(find_status(head->status)->line));
	kept = o->len;
	put_fields(o, conn->own.site, common, head, w->req.asked);
	/* a shared cache may keep what needs a password only if the site says so */
	if (w->choice.guard && !head->kept &&
	    !rules_have(conn->own.site, w->req.asked, text_of("Cache-Control:")))
		put_string(o, "Cache-Control: private\r\n");
	put_string(o, "\r\n");
	w->status = head->status;
	return kept;
}

/* ---- pages --------------------------------------------------------------------- */

static void put_page(struct out *o, const struct status_row *status)
{
	put_form(o,
		 "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
		 "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		 "<title>%s</title>\n<style>:root{color-scheme:light dark}"
		 "body{font:18px/1.5 system-ui,sans-serif;max-width:34rem;margin:20vh auto;"
		 "padding:0 1rem}h1{font-size:1.5rem;margin:0}</style>\n<h1>%s</h1>\n<p>%s</p>\n"
		 "</html>\n",
		 status->line, status->line, status->says);
}

/* ---- files and parts of them ----------------------------------------------------- */

static void put_part_head(struct out *o, const struct body *body, size_t part)
{
	put_form(o, "\r\n--%s\r\nContent-Type: %s\r\n", body->boundary, body->type);
	put_content_range(o, &body->ranges.part[part], body->size);
	put_string(o, "\r\n");
}

static void put_parts_end(struct out *o, const struct body *body)
{
	put_form(o, "\r\n--%s--\r\n", body->boundary);
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

/* The author of the file cannot guess the boundary, and it is most unlikely to occur in the file. */
static void make_boundary(char boundary[BOUNDARY_SIZE], const struct stat *st,
			  const struct http_common *common)
{
	struct out o = { boundary, 0, BOUNDARY_SIZE, false };
	uint64_t x = (uint64_t)common->clock ^ (uint64_t)common->wall.tv_nsec << 32;

	x ^= (uint64_t)st->st_ino * 0x9e3779b97f4a7c15u;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u; /* splitmix64 */
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	put_form(&o, "part-%x%0", x ^ x >> 31);
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

/* Puts a body that is one range of at most `most` bytes into the output. False if it can't. */
static bool inline_body(struct http_work *w, size_t most)
{
	const struct range *range = &w->body.ranges.part[0];
	struct out *o = &w->output.bytes;
	size_t n = (size_t)(range->end - range->begin);
	ssize_t got;

	if (w->body.boundary[0] || range->end - range->begin > most || n > o->size - o->len)
		return false;
	got = n ? pread(w->body.fd, o->at + o->len, n, (off_t)range->begin) : 0;
	if (got != (ssize_t)n)
		return false; /* it has become shorter, or can't be read: send_part() handles that */
	o->len += n;
	w->body_sent = n;
	close(w->body.fd); /* no entry of the cache owns it yet */
	w->body.kind = NO_BODY;
	return true;
}

/* Which parts of the file are sent: all of it, ranges, or none if they are beyond its end. */
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

/*
 * put_fields() has written that the page is UTF-8, in its first bytes. If the page names another
 * charset, this is removed. Returns by how much the head becomes shorter.
 */
static size_t amend_type(struct out *o, size_t kept, size_t head_end)
{
	size_t surplus = sizeof(html) - sizeof(html_alone), end;
	text page = { o->at + head_end, o->len - head_end };

	if (!begins_otherwise(page))
		return 0;
	end = kept + strlen(type_is) + sizeof(html) - 1;
	memmove(o->at + end - surplus, o->at + end, o->len - end);
	o->len -= surplus;
	return surplus;
}

/* Where in the output the cached part of a response begins, and where its head ends. */
struct written {
	size_t kept, head_end;
};

/*
 * A head for the file, which becomes the body. A body of at most `most` bytes is sent with its head:
 * one segment, one system call.
 */
static struct written answer_body(struct http_conn *conn, struct http_common *common,
				  struct head *head, struct file *file, size_t most)
{
	struct http_work *w = conn->work;
	struct body *body = &w->body;
	struct written written;
	/* if so, the charset is looked for in the output, see amend_type() */
	bool whole = w->req.method != HEAD && head->status != PARTIAL_CONTENT &&
		     head->coding == IDENTITY && file->st.st_size <= (off_t)most;

	if (!whole && head->coding == IDENTITY)
		head->type = type_of_page(head->type, file->fd);
	body->size = (uint64_t)file->st.st_size;
	body->type = head->type;
	if (head->status == PARTIAL_CONTENT)
		head->size = body->size;
	if (head->status == PARTIAL_CONTENT && body->ranges.count == 1) {
		head->range = &body->ranges.part[0];
	} else if (head->status == PARTIAL_CONTENT) {
		make_boundary(body->boundary, &file->st, common);
		head->boundary = body->boundary;
	}
	head->length = length_of_parts(body);
	written.kept = write_head(conn, common, head);
	written.head_end = w->output.bytes.len;
	if (w->req.method == HEAD)
		return written;
	body->kind = FILE_BODY;
	body->fd = take_fd(file);
	body->entry = NULL;
	if (inline_body(w, most) && whole && head->type == html)
		written.head_end -= amend_type(&w->output.bytes, written.kept, written.head_end);
	return written;
}

/* ---- passwords: which one is needed for a path ---------------------------------------- */

/* Whether the path is the prefix, or beneath it. */
static bool is_beneath(const char *path, const char *prefix)
{
	size_t n = strlen(prefix);

	return n == 0 || (strncmp(path, prefix, n) == 0 && (path[n] == '/' || path[n] == '\0'));
}

static bool cut_ending(text *t, text ending)
{
	bool good = t->len >= ending.len &&
		    memcmp(t->at + t->len - ending.len, ending.at, ending.len) == 0;

	t->len -= good ? ending.len : 0;
	return good;
}

static bool is_joined(text name, text begin, text end)
{
	return cut_ending(&name, end) && same(name, begin);
}

/*
 * Whether a request for the path may reach what the prefix names, by another name of it too: by the
 * name of the file with the ending of a coding added or with ".html" left off, and an index by the
 * name of its folder.
 */
static bool reaches(const struct http_site *site, const char *path, const char *prefix)
{
	const text asked = text_of(path), named = text_of(prefix);
	const text html_ending = text_of(site->clean_urls ? ".html" : "");

	if (is_beneath(path, prefix) || is_joined(named, asked, html_ending))
		return true;
	for (enum coding c = IDENTITY; c < CODINGS; c++) {
		text file = asked;

		if (cut_ending(&file, text_of(codings[c].ending)) &&
		    (same(file, named) || is_joined(file, named, html_ending)))
			return true;
	}
	for (size_t i = 0; is_folder(asked) && i < index_count(site); i++) {
		text index = index_name(site, i);

		if (is_joined(named, asked, index) ||
		    (cut_ending(&index, html_ending) && is_joined(named, asked, index)))
			return true;
	}
	return false;
}

static const struct http_scope *find_guard(const struct http_site *site, const char *path)
{
	for (size_t i = 0; i < site->guard_count; i++)
		if (reaches(site, path, site->guards[i].prefix))
			return &site->guards[i];
	return NULL;
}

/* Whether this page may be sent: it needs no password, or the same as the request has given. */
static bool may_show(const struct http_work *w, const struct http_site *site, const char *page)
{
	const struct http_scope *guard = find_guard(site, page);

	return !guard || (w->named && w->login->good && w->login->guard == guard);
}

/* Answers with the site's page for an error, such as 404.html. False if there is none. */
static bool answer_own_page(struct http_conn *conn, struct http_common *common, struct head *head)
{
	struct body *body = &conn->work->body;
	char name[16];
	struct out o = { name, 0, sizeof(name), false };
	struct file file;

	put_form(&o, "%n.html%0", (uint64_t)head->status);
	if (head->status < BAD_REQUEST || enter_host(conn->work, conn->own.site) ||
	    (head->status != UNAUTHORIZED && !may_show(conn->work, conn->own.site, name)) ||
	    open_file(site_here(conn), name, false, &file))
		return false;
	head->type = html;
	body->ranges.count = 1;
	body->ranges.part[0] = (struct range){ 0, (uint64_t)file.st.st_size };
	(void)answer_body(conn, common, head, &file, INLINE_MOST);
	close_fd(&file.fd);
	return true;
}

/* A page about a status: the site's, or one that is made here, without anything of the request. */
static void answer_page(struct http_conn *conn, struct http_common *common, struct head head)
{
	const struct status_row *status = find_status(head.status);
	struct http_work *w = conn->work;
	struct out page = { NULL, 0, 0, false };

	head.methods |= head.status == METHOD_NOT_ALLOWED;
	head.guard = head.status == UNAUTHORIZED ? w->choice.guard : NULL;
	if (answer_own_page(conn, common, &head))
		return;
	if (!head.empty) {
		put_page(&page, status);
		head.length = page.len;
		head.type = html;
		head.policy = true;
	}
	write_head(conn, common, &head);
	if (!head.empty && w->req.method != HEAD) {
		put_page(&w->output.bytes, status);
		w->body_sent = page.len;
	}
}

static bool has_conditions(const struct request *req)
{
	return req->seen[RANGE] || req->seen[IF_MATCH] || req->seen[IF_NONE_MATCH] ||
	       req->seen[IF_MODIFIED_SINCE] || req->seen[IF_UNMODIFIED_SINCE];
}

/* Offers the response to the cache, with the open file if the body is not in the output. */
static void remember(struct http_conn *conn, const struct http_common *common,
		     const struct source *source, struct written written)
{
	struct http_work *w = conn->work;
	const struct out *o = &w->output.bytes;
	bool open = w->body.kind == FILE_BODY;

	w->body.entry = cache_add(common, conn->own.site, source,
				  (text){ o->at + written.kept, o->len - written.kept },
				  written.head_end - written.kept, open ? w->body.fd : -1);
	if (w->body.entry)
		w->body.entry->users = open;
}

/* The key for the cache is the path, and with --hosts the folder of the host before it. */
static text key_of(const struct http_work *w, const struct http_site *site)
{
	size_t begin = site->hosts ? 0 : sizeof(w->home);

	return (text){ w->key + begin, sizeof(w->home) - begin + w->req.asked.len };
}

/* The preference without those codings whose sibling needs another password. */
OWN_FRAME static struct preference permitted(const struct http_work *w,
					     const struct http_site *site, const char *path,
					     struct preference preference)
{
	uint8_t *kept = preference.order;
	char name[PATH_MAX + 4];

	for (const uint8_t *c = preference.order; *c != IDENTITY; c++) {
		name_sibling(name, path, *c);
		if (may_show(w, site, name))
			*kept++ = *c;
	}
	*kept = IDENTITY;
	return preference;
}

/* The response for a regular file: the file, a sibling of it, parts of it, or an error. */
static void answer_file(struct http_conn *conn, struct http_common *common, const char *path,
			struct file *file)
{
	struct http_work *w = conn->work;
	const struct http_site *site = site_here(conn);
	const char *type = type_of(site, path);
	const struct preference accepted = read_preference(&w->req);
	struct preference preference = site->guard_count ? permitted(w, site, path, accepted)
							 : accepted;
	bool part = w->req.method == GET && w->req.seen[RANGE];
	/* a range is one of the file itself, whatever codings the client takes */
	enum coding coding = part ? IDENTITY : open_sibling(site, path, &preference, file, &type);
	const struct version was = version_of(&file->st);
	int64_t modified = was.modified.tv_sec;
	char etag[ETAG_SIZE];
	struct head head = { .type = type,
			     .etag = etag,
			     .coding = coding,
			     .modified = &modified,
			     .varies = true,
			     .ranges = true,
			     .no_cache = path != w->path };
	enum range_kind kind;

	make_etag(etag, &was, coding, &common->wall);
	head.status = judge_conditions(&w->req, etag, &modified, common->wall.tv_sec);
	if (head.status == PRECONDITION_FAILED) {
		answer_page(conn, common, (struct head){ .status = head.status });
		return;
	}
	if (head.status == NOT_MODIFIED) {
		head.empty = true;
		head.type = NULL;
		head.coding = IDENTITY;
		write_head(conn, common, &head);
		return;
	}
	kind = choose_ranges(&w->req, common, file, etag, &w->body.ranges);
	if (kind == RANGE_NONE) {
		answer_page(conn, common,
			    (struct head){ .status = RANGE_NOT_SATISFIABLE,
					   .range = &(const struct range){ 0, 0 },
					   .size = (uint64_t)file->st.st_size });
		return;
	}
	head.status = kind == RANGE_PARTS ? PARTIAL_CONTENT : OK;

	const struct source source = { key_of(w, site), w->req.asked, w->req.folder, accepted,
				       coding,          path,         &was };
	struct written written =
		answer_body(conn, common, &head, file, common->cache ? CACHED_MOST : INLINE_MOST);

	if (common->cache && w->req.method == GET && !has_conditions(&w->req) && path == w->path)
		remember(conn, common, &source, written);
}

/* A symbolic link to another site. */
OWN_FRAME static void answer_link(struct http_conn *conn, struct http_common *common, int fd)
{
	const struct request *req = &conn->work->req;
	bool safe = req->method == GET || req->method == HEAD;
	char url[PATH_MAX];

	answer_page(conn, common,
		    (struct head){ .status = safe ? MOVED_PERMANENTLY : PERMANENT_REDIRECT,
				   .url = read_redirect(fd, "", url),
				   .query = req->query });
}

/* ---- listings --------------------------------------------------------------------- */

/* The folder is read, sorted and sent later, a step at a time. */
static void answer_folder(struct http_conn *conn, struct http_common *common, struct file *file)
{
	struct http_work *w = conn->work;
	enum status status = judge_conditions(&w->req, "", NULL, common->wall.tv_sec);
	struct listing_style style = read_listing_style(w->req.query);
	struct listing *listing;

	if (!status && style.format == FORMATS) {
		w->req.reason = "an unknown format of a listing";
		status = BAD_REQUEST;
	}
	if (status) {
		answer_page(conn, common,
			    (struct head){ .status = status, .empty = status == NOT_MODIFIED });
		return;
	}
	listing = calloc(1, sizeof(*listing));
	if (listing)
		listing->dir = fdopendir(file->fd);
	if (!listing || !listing->dir) {
		free(listing);
		answer_page(conn, common, (struct head){ .status = UNAVAILABLE });
		return;
	}
	(void)take_fd(file);
	listing->style = style;
	listing->length_only = w->req.method == HEAD;
	w->body.kind = LISTING_BODY;
	w->body.listing = listing;
}

/* The folder is read and in order: the head, and the beginning of the page. */
static void answer_listing(struct http_conn *conn, struct http_common *common)
{
	struct http_work *w = conn->work;
	struct listing *listing = w->body.listing;
	struct head head = { .status = OK,
			     .type = formats[listing->style.format].type,
			     .policy = true };
	struct out edges = { NULL, 0, 0, false };
	size_t head_end;

	put_listing_head(&edges, listing, w->path);
	put_listing_tail(&edges, listing);
	head.length = edges.len + listing->rows_len;
	write_head(conn, common, &head);
	if (w->req.method == HEAD) {
		release_body(&w->body, common);
		return;
	}
	head_end = w->output.bytes.len;
	put_listing_head(&w->output.bytes, listing, w->path);
	w->body_sent = w->output.bytes.len - head_end;
}

/* ---- which response: chosen when the head is read, written when the body has been read -- */

static void choose_page(struct choice *choice, enum status status)
{
	choice->kind = STATUS_PAGE;
	choice->status = status;
}

static void release_choice(struct choice *choice, const struct http_common *common)
{
	if (choice->kind == REMEMBERED)
		cache_release(common->cache, choice->entry);
	close_fd(&choice->file.fd);
	choice->kind = NO_CHOICE;
}

/* Chooses a link to another site, if the path is that of one: 0. Otherwise returns `error`. */
OWN_FRAME static int choose_link(struct http_work *w, const struct http_site *site, int error)
{
	size_t n = strlen(w->path);
	bool slash = n && w->path[n - 1] == '/';
	char url[PATH_MAX];
	int fd;

	w->path[n - slash] = '\0';
	if (is_missing(error) && !http_open_beneath(site, w->path, O_PATH | O_NOFOLLOW, &fd)) {
		if (read_redirect(fd, "", url).len) {
			w->choice.kind = LINK;
			w->choice.file.fd = fd;
			error = 0;
		} else {
			close(fd);
		}
	}
	if (slash)
		w->path[n - 1] = '/';
	return error;
}

/* Chooses the file whose name is the requested path with `ending` added: 0 or an errno value. */
static int choose_file(struct http_work *w, const struct http_site *site, text ending, bool folder)
{
	size_t n = w->req.asked.len;
	int error;

	if (n + ending.len >= sizeof(w->path))
		return ENAMETOOLONG;
	memcpy(w->path + n, ending.at, ending.len);
	w->path[n + ending.len] = '\0';
	w->choice.kind = FILE_OR_PART;
	error = open_file(site, w->path, folder, &w->choice.file);
	if (error)
		error = choose_link(w, site, error);
	if (error)
		w->path[n] = '\0';
	return error;
}

/* For a path with a slash at its end: the index of the folder, its listing, or a link. */
static int choose_folder(struct http_work *w, const struct http_site *site)
{
	int error = ENOENT;

	for (size_t i = 0; i < index_count(site) && is_missing(error); i++)
		error = choose_file(w, site, index_name(site, i), false);
	if (is_missing(error) && site->listing) {
		w->choice.kind = FOLDER;
		error = http_open_beneath(site, w->path, O_RDONLY | O_DIRECTORY,
					  &w->choice.file.fd);
	}
	return choose_link(w, site, error);
}

/* For other paths: a file, the page with ".html" added, or a redirect to a folder. */
static int choose_path(struct http_work *w, const struct http_site *site)
{
	struct choice *choice = &w->choice;
	int error = choose_file(w, site, text_of(""), true), html_error;
	bool folder = !error && choice->kind == FILE_OR_PART && S_ISDIR(choice->file.st.st_mode);

	if (folder)
		close_fd(&choice->file.fd);
	if (site->clean_urls && (folder || is_missing(error))) {
		html_error = choose_file(w, site, text_of(".html"), false);
		if (!is_missing(html_error))
			return html_error;
	}
	if (folder)
		choice->kind = REDIRECT;
	return error;
}

static const char *fallback_of(const struct http_site *site)
{
	const struct http_rule_list *rules = &site->rules[HTTP_FALLBACKS];

	return rules->at[rules->count - 1].text.at;
}

/* Whether a missing page is answered with the fallback: a browser's request for HTML is. */
static bool wants_fallback(const struct http_work *w, const struct http_site *site)
{
	const char *slash = strrchr(w->path, '/');
	struct field_list list = elements_of(&w->req, ACCEPT);
	text element;

	if (!site->rules[HTTP_FALLBACKS].count || w->req.method == POST || hidden(w->path) ||
	    !may_show(w, site, fallback_of(site)) || strchr(slash ? slash : w->path, '.'))
		return false;
	while (next_element(&list, &element)) {
		if (!alike(text_trim(cut(&element, ';')), text_of("text/html")))
			continue;
		while (element.at)
			if (read_weight(cut(&element, ';')) == 0)
				return false;
		return true;
	}
	return false;
}

static bool choose_cached(struct http_work *w, const struct http_site *site,
			  const struct http_common *common)
{
	struct choice *choice = &w->choice;
	struct preference preference;

	if (!common->cache || w->req.method == POST || has_conditions(&w->req))
		return false;
	preference = read_preference(&w->req);
	choice->entry = cache_find(common, site, key_of(w, site), &preference);
	if (choice->entry)
		choice->kind = REMEMBERED;
	return choice->entry;
}

static void choose_name(struct http_work *w, const struct http_site *site)
{
	struct choice *choice = &w->choice;
	int error = enter_host(w, site);

	w->effort += EFFORT_LOOKUP;
	if (w->host.root >= 0)
		site = &w->host;
	if (!error)
		error = is_folder(w->req.asked) ? choose_folder(w, site) : choose_path(w, site);
	if (!error && !may_show(w, site, w->path)) { /* the page has a password of its own */
		close_fd(&choice->file.fd);
		error = EACCES;
	}
	if (is_missing(error) && wants_fallback(w, site)) {
		choice->kind = FALLBACK;
		error = open_file(site, fallback_of(site), false, &choice->file);
	}
	if (error)
		choose_page(choice, status_of(error));
}

/* The name and the password of RFC 7617, decoded; false if the client has sent none. */
static bool read_credentials(struct login *login, text value)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t bits = 0, count = 0;
	size_t n = 0;
	text rest = value;

	if (!skip_alike(&rest, "Basic ") || value.len > sizeof(login->sent))
		return false;
	memcpy(login->sent, value.at, value.len);
	login->sent_len = value.len;
	skip_blank(&rest);
	while (rest.len && rest.at[rest.len - 1] == '=')
		rest.len--;
	for (size_t i = 0; i < rest.len; i++) {
		const char *digit = strchr(digits, rest.at[i]); /* no value of a field has a NUL */

		if (!digit)
			return false;
		bits = bits << 6 | (uint32_t)(digit - digits);
		count += 6;
		if (count >= 8) {
			count -= 8;
			login->decoded[n++] = (char)(bits >> count);
		}
	}
	rest = (text){ login->decoded, n };
	login->name = cut(&rest, ':');
	login->password = rest;
	return rest.at && !memchr(login->decoded, '\0', n);
}

/* Compares all bytes, so that the time does not show where two passwords differ. */
static bool remembers(const struct login *login, const struct http_scope *guard, text value)
{
	unsigned char differs = 0;

	if (!login || login->guard != guard || !login->good || login->sent_len != value.len)
		return false;
	for (size_t i = 0; i < value.len; i++)
		differs |= (unsigned char)(login->sent[i] ^ value.at[i]);
	return !differs;
}

static const struct http_scope *find_program(const struct http_site *site, const char *path)
{
	for (size_t i = 0; i < site->program_count; i++)
		if (is_beneath(path, site->programs[i].prefix))
			return &site->programs[i];
	return NULL;
}

/* Browsers send a preflight, without a password, before a script of another site (Fetch 3.3.2). */
static bool is_preflight(const struct request *req)
{
	return req->method == OPTIONS && req->seen[ORIGIN] && req->seen[REQUEST_METHOD];
}

/* Whether the password is known to be right. If not, chooses 401, LOGIN to have it checked, or 503. */
static bool choose_guarded(struct http_work *w, const struct http_site *site)
{
	const struct request *req = &w->req;
	text value = req->value[AUTHORIZATION];

	if (req->seen[AUTHORIZATION] == 1 && remembers(w->login, w->choice.guard, value)) {
		w->named = true;
		return true;
	}
	choose_page(&w->choice, UNAUTHORIZED);
	if (req->seen[AUTHORIZATION] != 1)
		return false;
	if (site->check && !w->login) {
		w->login = calloc(1, sizeof(*w->login));
		if (!w->login) {
			choose_page(&w->choice, UNAVAILABLE);
			return false;
		}
		w->login->answer = -1;
	}
	if (site->check) {
		w->login->good = false;
		w->login->guard = w->choice.guard;
		w->login->name.len = 0;
	}
	if (!site->check || read_credentials(w->login, value))
		w->choice.kind = LOGIN;
	return false;
}

/* The program is the first file on the path beneath the folder. The rest is PATH_INFO. */
static void choose_script(struct http_work *w, const struct http_site *site)
{
	struct choice *choice = &w->choice;
	size_t n = strlen(choice->program->prefix);
	int error = enter_host(w, site);
	struct stat st = { .st_mode = S_IFDIR };
	bool more = true;

	while (!error && S_ISDIR(st.st_mode) && more) {
		n += w->path[n] == '/';
		n += strcspn(w->path + n, "/");
		more = w->path[n];
		w->path[n] = '\0';
		error = stat_beneath(site->hosts ? &w->host : site, w->path, 0, &st);
		if (more)
			w->path[n] = '/';
	}
	choice->name_len = n;
	if (!error && (!S_ISREG(st.st_mode) || !(st.st_mode & 0111)))
		error = EACCES;
	if (error)
		choose_page(choice, status_of(error));
}

static void choose_program(struct http_work *w, const struct http_site *site)
{
	w->choice.kind = PROGRAM;
	w->choice.name_len = strlen(w->choice.program->prefix);
	if (!w->choice.program->path)
		choose_script(w, site);
}

/* Whether the method is served: 0 or a status. */
static enum status judge_method(struct request *req)
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

/*
 * Whether the client is redirected to https. The files by which certificates are obtained are not:
 * RFC 8555 8.3. The decoded path is compared, because an encoded one could pretend to be theirs.
 */
static bool choose_https(struct http_work *w)
{
	static const char challenge[] = ".well-known/acme-challenge/";

	if (w->req.tls || strncmp(w->path, challenge, sizeof(challenge) - 1) == 0)
		return false;
	w->choice.kind = TO_HTTPS;
	if (!requested_host(&w->req, NULL).len)
		choose_page(&w->choice, bad(&w->req, "no Host field, for https"));
	return true;
}

/* The path as the site has it: 0 or a status. */
static enum status read_path(struct http_work *w)
{
	enum status status = decode_path(w->req.path, w->path);

	w->req.asked = (text){ NULL, 0 };
	if (!status && w->req.path.at)
		w->req.asked = text_of(w->path);
	return status;
}

static void choose(struct http_work *w, const struct http_site *site,
		   const struct http_common *common)
{
	struct choice *choice = &w->choice;
	struct request *req = &w->req;
	enum status path_status = read_path(w), host_status = find_host(w, site, common);
	bool preflight;
	enum status status;

	if (path_status)
		w->path[0] = '\0';
	choice->guard = choice->program = NULL;
	if (req->asked.at) {
		choice->guard = find_guard(site, w->path);
		choice->program = find_program(site, w->path);
		/* the name of a folder without a slash is redirected, and starts no program */
		if (choice->program && !choice->program->path && choice->program->prefix[0] &&
		    !w->path[strlen(choice->program->prefix)])
			choice->program = NULL;
	}
	status = choice->program && req->method < TRACE ? 0 : judge_method(req);
	if (!status)
		status = host_status;
	if (!status && path_status == BAD_REQUEST)
		req->reason = "a target above the root";
	if (!status && site->https_only && choose_https(w))
		return;
	if (!status)
		status = path_status;
	if (status) {
		choose_page(choice, status);
		return;
	}
	/* a preflight needs no password, and is not passed to a program that is behind one */
	preflight = choice->guard && is_preflight(req);
	if (choice->guard && !preflight && !choose_guarded(w, site))
		return;
	if (choice->program && !preflight)
		choose_program(w, site);
	else if (req->method == OPTIONS)
		choice->kind = METHODS;
	else if (!choose_cached(w, site, common))
		choose_name(w, site);
}

static void answer_cached(struct http_work *w, const struct http_common *common,
			  struct cached *entry)
{
	struct out *o = &w->output.bytes;

	put_opening(o, common, &w->req, text_of(find_status(OK)->line));
	put(o, entry->bytes + entry->response, entry->head_len);
	w->status = OK;
	if (w->req.method == HEAD)
		return;
	put(o, entry->bytes + entry->response + entry->head_len, entry->body_len);
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
}

static void answer(struct http_conn *conn, struct http_common *common)
{
	struct http_work *w = conn->work;
	struct choice *choice = &w->choice;
	const char *slash;

	switch (choice->kind) {
	case REMEMBERED: answer_cached(w, common, choice->entry); break;
	case FILE_OR_PART: answer_file(conn, common, w->path, &choice->file); break;
	case FALLBACK: answer_file(conn, common, fallback_of(conn->own.site), &choice->file); break;
	case LINK: answer_link(conn, common, choice->file.fd); break;
	case FOLDER: answer_folder(conn, common, &choice->file); break;
	case METHODS:
		answer_page(conn, common,
			    (struct head){ .status = NO_CONTENT, .empty = true, .methods = true });
		break;
	case REDIRECT:
		slash = strrchr(w->path, '/');
		answer_page(conn, common,
			    (struct head){ .status = MOVED_PERMANENTLY,
					   .location = text_of(slash ? slash + 1 : w->path),
					   .query = w->req.query });
		break;
	case TO_HTTPS:
		answer_page(conn, common,
			    (struct head){ .status = PERMANENT_REDIRECT,
					   .host = requested_host(&w->req, NULL),
					   .location = w->req.path,
					   .query = w->req.query });
		break;
	default: answer_page(conn, common, (struct head){ .status = choice->status });
	}
	release_choice(choice, common);
}

/* ---- the variables of a program (RFC 3875 4.1) -------------------------------------- */

static void put_variable(struct out *o, const char *name, text value)
{
	put_form(o, "%s=%t%0", name, value);
}

/* Old shells execute such a variable when they start (CVE-2014-6271). */
static bool is_function(text value)
{
	return starts_alike(value, text_of("() {"));
}

/*
 * Whether a field becomes a variable. Its name may only have letters, digits and hyphens, because
 * two others might become the same variable. Left out are the fields of a body; a password that was
 * checked, even if this was for another program, which redirected here; and Proxy, because HTTP_PROXY
 * is a setting of many libraries.
 */
static bool is_exported(text name, text value, bool checked)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.at[i] != '-' && (!is(name.at[i], PLAIN) || strchr("_.~", name.at[i])))
			return false;
	return !is_one_of(" Content-Length Content-Type Proxy Transfer-Encoding", name) &&
	       !(checked && alike(name, text_of("Authorization"))) && !is_function(value);
}

/* The field as one variable, with all the lines of that name (4.1.18). */
static void put_field_variable(struct out *o, text name, text value, text lines)
{
	const char *between = alike(name, text_of("Cookie")) ? "; " : ", ";
	text other;

	put_string(o, "HTTP_");
	for (size_t i = 0; i < name.len; i++) {
		char c = name.at[i];

		if (c == '-')
			c = '_';
		if (c >= 'a' && c <= 'z')
			c = (char)(c & ~32);
		put(o, &c, 1);
	}
	put_form(o, "=%t", value);
	while (next_field(&lines, &other, &value))
		if (alike(other, name))
			put_form(o, "%s%t", between, value);
	put(o, "", 1);
}

/* Whether a line before the one with this name has the same name. */
static bool was_before(text lines, text name)
{
	text other, value;

	while (next_field(&lines, &other, &value) && other.at < name.at)
		if (alike(other, name))
			return true;
	return false;
}

static void put_field_variables(struct out *o, const struct request *req, bool checked)
{
	const char *begin = req->line.at + req->line.len + 2;
	const text lines = { begin, (size_t)(req->head_end - begin) };
	text rest = lines, name, value;

	while (next_field(&rest, &name, &value))
		if (is_exported(name, value, checked) && !was_before(lines, name))
			put_field_variable(o, name, value, rest);
}

/* The target without a scheme and a host. */
static text origin_form(const struct request *req)
{
	text t = req->target;

	if (t.at[0] != '/' && req->authority.len)
		skip(&t, (size_t)(req->authority.at + req->authority.len - t.at));
	return t;
}

/* `length`: of the body, or NULL if it is unknown. wwwd.c adds the variables about the peer. */
static void put_variables(struct out *o, const struct http_work *w, const struct http_site *site,
			  const uint64_t *length)
{
	const struct choice *choice = &w->choice;
	const struct request *req = &w->req;
	const text name = { w->path, choice->name_len }, uri = origin_form(req);
	text query = req->query, info = text_of(w->path + name.len);
	const char *slash = name.len ? "" : "/"; /* where the prefix is that of all paths */
	const char *host = req->folder.len ? "/" : "";

	skip_char(&query, '?');
	put_variable(o, "GATEWAY_INTERFACE", text_of("CGI/1.1"));
	put_variable(o, "SERVER_SOFTWARE", text_of("wwwd"));
	put_variable(o, "SERVER_PROTOCOL", text_of(req->minor ? "HTTP/1.1" : "HTTP/1.0"));
	put_variable(o, "REQUEST_METHOD", req->method_name);
	/* a URI without a path has that of the root (RFC 9112 3.2.1) */
	put_form(o, "REQUEST_URI=%s%t%0", uri.len && uri.at[0] != '?' ? "" : "/", uri);
	put_variable(o, "QUERY_STRING", query);
	put_variable(o, "REDIRECT_STATUS", text_of("200"));
	put_form(o, "DOCUMENT_ROOT=%s%s%t%0", site->name, host, req->folder);
	put_form(o, name.len ? "SCRIPT_NAME=/%t%0" : "SCRIPT_NAME=%t%0", name);
	if (choice->program->path)
		put_form(o, "SCRIPT_FILENAME=%s%0", choice->program->path);
	else
		put_form(o, "SCRIPT_FILENAME=%s%s%t/%t%0", site->name, host, req->folder, name);
	if (info.len || !name.len) {
		put_form(o, "PATH_INFO=%s%t%0", slash, info);
		put_form(o, "PATH_TRANSLATED=%s%s%t%s%t%0", site->name, host, req->folder, slash,
			 info);
	}
	if (req->tls)
		put_variable(o, "HTTPS", text_of("on"));
	if (requested_host(req, NULL).len)
		put_variable(o, "SERVER_NAME", requested_host(req, NULL));
	if (choice->guard) {
		put_variable(o, "AUTH_TYPE", text_of("Basic"));
		put_variable(o, "REMOTE_USER", w->login->name);
	}
	if (req->seen[CONTENT_TYPE] && !is_function(req->value[CONTENT_TYPE]))
		put_variable(o, "CONTENT_TYPE", req->value[CONTENT_TYPE]);
	if (length)
		put_form(o, "CONTENT_LENGTH=%n%0", *length);
	put_field_variables(o, req, w->named);
}

/* ---- clocks --------------------------------------------------------------------- */

enum state {
	READ_PROXY,
	READ_HEAD,
	CHECK,
	ADOPT,
	READ_BODY,
	RUN,
	FLUSH,
	LISTING,
	STREAM,
	CLOSE,
	LINGER,
	GONE
};

static void arm(struct http_conn *conn, const struct http_common *common, enum http_clock clock)
{
	const struct http_limits *limits = &conn->own.site->limits;
	const int64_t times[HTTP_CLOCKS] = {
		[HTTP_IDLE] = limits->idle_time,    [HTTP_HEADER] = limits->header_time,
		[HTTP_MOVING] = limits->stall_time, [HTTP_PROGRAM] = conn->own.site->program_time,
		[HTTP_LINGERING] = LINGER_TIME,
	};

	conn->clock = (uint8_t)clock;
	conn->deadline = common->clock + times[clock];
	conn->own.moved = 0;
	conn->own.measured = false;
}

/*
 * How many bytes the peer of a TCP connection has acknowledged, ever, and how many the kernel still
 * holds for it. False if the kernel doesn't tell.
 */
static bool ask_acknowledged(const struct http_conn *conn, uint64_t *bytes, uint64_t *unread)
{
	struct tcp_info info;
	socklen_t size = sizeof(info);

	if (!conn->own.out_socket ||
	    getsockopt(conn->own.out, IPPROTO_TCP, TCP_INFO, &info, &size) < 0 ||
	    size < offsetof(struct tcp_info, tcpi_bytes_acked) + sizeof(info.tcpi_bytes_acked))
		return false;
	*bytes = info.tcpi_bytes_acked;
	*unread = UNREAD_MOST;
	if (size >= offsetof(struct tcp_info, tcpi_bytes_retrans) + sizeof(info.tcpi_bytes_retrans))
		*unread = info.tcpi_notsent_bytes + info.tcpi_bytes_sent - info.tcpi_bytes_retrans -
			  info.tcpi_bytes_acked;
	if (*unread > INT64_MAX) /* -1: a FIN is counted as acknowledged, but not as sent */
		*unread = 0;
	return true;
}

static bool moved_enough(const struct http_conn *conn, uint64_t bytes)
{
	const struct http_limits *limits = &conn->own.site->limits;

	return bytes >= limits->stall_rate * (uint64_t)limits->stall_time / 1000000;
}

/* The connection begins to wait for the peer: notes the time, and what it has acknowledged so far. */
static void begin_wait(struct http_conn *conn, const struct http_common *common)
{
	uint64_t now, unread;

	if (conn->clock != HTTP_MOVING)
		return;
	if (moved_enough(conn, conn->own.moved))
		arm(conn, common, HTTP_MOVING);
	if (!conn->own.measured && ask_acknowledged(conn, &now, &unread)) {
		conn->own.measured = true;
		conn->own.acknowledged = (uint32_t)now;
	}
}

/* The bytes that the peer has taken, or sent, since the clock was set. */
static uint64_t moved_since(const struct http_conn *conn)
{
	uint64_t now, unread;

	if (conn->own.state != READ_BODY && conn->own.measured &&
	    ask_acknowledged(conn, &now, &unread))
		return (uint32_t)now - conn->own.acknowledged;
	return conn->own.moved;
}

static void count_moved(struct http_conn *conn, ssize_t n)
{
	conn->own.moved += (uint64_t)n;
	conn->own.total += (uint32_t)n;
	conn->work->effort += (unsigned)(n / EFFORT_BYTES);
}

static void count_sent(struct http_conn *conn, ssize_t n)
{
	uint32_t unread = conn->own.unread;

	count_moved(conn, n);
	conn->own.unread = n < UNREAD_MOST - (ssize_t)unread ? unread + (uint32_t)n : UNREAD_MOST;
}

static bool spent(const struct http_work *w)
{
	return w->effort >= EFFORT_MOST;
}

/* ---- the socket -------------------------------------------------------------------- */

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

	if (!conn->own.in_socket && !ready(conn->own.in, POLLIN)) {
		errno = EAGAIN;
		return -1;
	}
	do
		n = conn->own.in_socket ? recv(conn->own.in, buffer, size, MSG_DONTWAIT)
					: read(conn->own.in, buffer, size);
	while (n < 0 && errno == EINTR);
	conn->own.dry = n < 0 || (size_t)n < size;
	return n;
}

/* Whether more of the response follows what is in the output. */
static bool has_more(const struct http_conn *conn)
{
	return conn->own.state == STREAM && conn->work->body.kind != NO_BODY;
}

static ssize_t transmit(struct http_conn *conn, const void *buffer, size_t size)
{
	/* the last segment is held back for what follows at once: the body, or the FIN */
	bool more = conn->own.state == CLOSE || has_more(conn);
	int flags = MSG_DONTWAIT | MSG_NOSIGNAL | (more ? MSG_MORE : 0);
	ssize_t n;

	if (!conn->own.out_socket && !ready(conn->own.out, POLLOUT)) {
		errno = EAGAIN;
		return -1;
	}
	if (!conn->own.out_socket && size > PIPE_SLICE)
		size = PIPE_SLICE;
	do
		n = conn->own.out_socket ? send(conn->own.out, buffer, size, flags)
					 : write(conn->own.out, buffer, size);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == ENOTSOCK) { /* main() only looks at the descriptor of the input */
		conn->own.out_socket = false;
		errno = EAGAIN;
	}
	return n;
}

/* Everything was sent. The next output is put together in the shared buffer. */
static void release_output(struct output *o, const struct http_common *common)
{
	free(o->own);
	*o = (struct output){ .bytes = { common->out, 0, HTTP_OUT_SIZE, false } };
}

/* The client of the request that is being read or answered. */
static const struct http_peer *client_of(const struct http_conn *conn)
{
	return conn->work->req.forwarded ? &conn->work->req.client : &conn->peer;
}

static void log_request(const struct http_conn *conn, const struct http_common *common)
{
	const struct http_work *w = conn->work;
	const struct http_site *site = conn->own.site;
	const struct http_rule_list *quiet = &site->rules[HTTP_UNLOGGED];
	const struct request *req = &w->req;
	struct http_entry entry = {
		.line = req->line,
		.method = req->method_name,
		.target = req->target,
		.referer = req->value[REFERER],
		.agent = req->value[USER_AGENT],
		.user = w->named ? w->login->name : (text){ NULL, 0 },
		.port = req->port,
		.reason = req->reason,
		.peer = client_of(conn),
		.status = (int)w->status,
		.bytes = w->body_sent,
		.began = conn->own.began,
		.common = common,
	};

	for (const struct http_rule *rule = quiet->at; rule < quiet->at + quiet->count; rule++)
		if (applies(rule, req->asked))
			return;
	if (site->hosts)
		entry.host = req->host.len ? req->host : text_of("-");
	if (site->log)
		site->log(conn, &entry);
}

static void forget_login(struct http_work *w)
{
	if (w->login)
		close_fd(&w->login->answer);
	free(w->login);
	w->login = NULL;
}

static void clear_input(struct input *in)
{
	in->start = in->scan = in->end = 0;
}

/* The conversation is over. */
static enum http_want leave(struct http_conn *conn)
{
	conn->own.state = GONE;
	return HTTP_DONE;
}

/* Ends the conversation without completing its response; a response that was begun is logged. */
static enum http_want lose(struct http_conn *conn, struct http_common *common)
{
	struct http_work *w = conn->work;

	if (w->status)
		log_request(conn, common);
	release_choice(&w->choice, common);
	release_body(&w->body, common);
	release_output(&w->output, common);
	clear_request(w);
	forget_login(w);
	clear_input(&w->input);
	return leave(conn);
}

/*
 * Sends the output: HTTP_GO when all was sent. If the buffer was too small, the conversation ends.
 */
static enum http_want flush(struct http_conn *conn, struct http_common *common)
{
	struct output *o = &conn->work->output;

	if (o->bytes.overrun)
		return lose(conn, common);
	while (o->sent < o->bytes.len) {
		ssize_t n;

		if (!conn->own.prepared && (!conn->own.out_socket || has_more(conn))) {
			conn->own.prepared = true;
			conn->own.site->prepare(conn->own.out);
		}
		n = transmit(conn, o->bytes.at + o->sent, o->bytes.len - o->sent);
		if (n < 0)
			return errno == EAGAIN ? HTTP_WRITE : lose(conn, common);
		o->sent += (size_t)n;
		count_sent(conn, n);
	}
	release_output(o, common);
	return HTTP_GO;
}

static void count_received(struct http_conn *conn, struct http_common *common, ssize_t n)
{
	struct input *in = &conn->work->input;

	common->received++;
	in->end += (size_t)n;
	if (in->end > in->touched)
		in->touched = in->end;
	count_moved(conn, n);
	conn->own.received += (uint32_t)n;
}

/* Receives more. HTTP_GO also if the client sends nothing more: then input.ended is set. */
static enum http_want fill(struct http_conn *conn, struct http_common *common)
{
	struct input *in = &conn->work->input;
	ssize_t n;

	in->ended = false;
	if (conn->own.dry)
		return HTTP_READ;
	n = receive(conn, in->at + in->end, in->size - in->end);
	if (n < 0)
		return errno == EAGAIN ? HTTP_READ : lose(conn, common);
	in->ended = n == 0;
	count_received(conn, common, n);
	return HTTP_GO;
}

void http_receive(struct http_conn *conn, struct http_common *common)
{
	struct input *in = &conn->work->input;
	ssize_t n = 0;

	if (conn->own.state == READ_HEAD && in->end < in->size)
		n = receive(conn, in->at + in->end, in->size - in->end);
	conn->own.dry &= n > 0; /* the step finds out an end or an error by itself */
	if (n <= 0)
		return;
	count_received(conn, common, n);
	if (conn->clock == HTTP_IDLE)
		conn->own.began = common->clock;
}

/* Without a reset the kernel would retransmit for minutes what the client has not acknowledged. */
void http_forsake(const struct http_conn *conn)
{
	const struct linger not_at_all = { .l_onoff = 1, .l_linger = 0 };

	if (conn->own.out_socket)
		(void)setsockopt(conn->own.out, SOL_SOCKET, SO_LINGER, &not_at_all,
				 sizeof(not_at_all));
}

/* ---- the memory that connections hold ------------------------------------------------ */

enum { WORK_LEAST = 3 * PAGE }; /* that a request touches, beside what is received of it */

static void account(struct http_conn *conn, struct http_common *common)
{
	const struct http_work *w = conn->work;
	uint32_t held = conn->own.unread;

	if (w)
		held += (uint32_t)(WORK_LEAST + w->input.touched +
				   (w->output.own ? w->output.bytes.size
						  : w->output.bytes.len - w->output.sent));
	common->memory += held;
	common->memory -= conn->held;
	conn->held = held;
}

/* Unsent output is copied from the shared buffer into memory of the connection's own. */
static bool keep_unsent(struct output *o)
{
	size_t left = o->bytes.len - o->sent;
	char *own;

	if (left == 0 || o->own)
		return true;
	own = malloc(left);
	if (!own)
		return false;
	memcpy(own, o->bytes.at + o->sent, left);
	*o = (struct output){ .bytes = { own, left, left, false }, .own = own };
	return true;
}

bool http_settle(struct http_conn *conn, struct http_common *common)
{
	struct http_work *w = conn->work;

	account(conn, common);
	return !w || keep_unsent(&w->output);
}

int64_t http_pace(struct http_conn *conn, struct http_common *common, int64_t time)
{
	const uint32_t too_long = 10000; /* ms: an older measurement says little of the present */
	uint32_t now = (uint32_t)(common->clock / 1000) | 1, past = now - conn->own.looked;
	uint64_t taken, unread = conn->own.state == READ_HEAD ? 0 : conn->own.unread;
	uint32_t moved = conn->own.total;

	if (ask_acknowledged(conn, &taken, &unread))
		moved = conn->own.received + (uint32_t)taken;
	conn->own.unread = unread < UNREAD_MOST ? (uint32_t)unread : UNREAD_MOST;
	account(conn, common);
	if (conn->own.looked && (past == 0 || past < time / 1000))
		return INT64_MAX;

	bool fresh = conn->own.looked && past <= too_long;
	int64_t pace = fresh ? (int64_t)(moved - conn->own.seen) * 1000 / past : INT64_MAX;

	conn->own.looked = now;
	conn->own.seen = moved;
	return pace;
}

size_t http_memory(const struct http_common *common)
{
	return common->memory + (common->cache ? common->cache->held : 0);
}

/* ---- taking a request ----------------------------------------------------------------- */

static enum http_want go(struct http_conn *conn, enum state state)
{
	conn->own.state = (uint8_t)state;
	return HTTP_GO;
}

/* The response is complete, or in the output. The next request follows in the input. */
static enum http_want finish(struct http_conn *conn, const struct http_common *common)
{
	struct http_work *w = conn->work;
	bool more = w->input.next < w->input.end, close = w->req.close;

	log_request(conn, common);
	conn->own.requests++;
	conn->answered = true;
	w->status = 0;
	if (close) {
		conn->own.linger |= more;
		return go(conn, CLOSE);
	}
	clear_request(w);
	w->input.start = w->input.scan = w->input.next;
	if (!more)
		clear_input(&w->input);
	conn->own.began = common->clock;
	arm(conn, common, more ? HTTP_HEADER : HTTP_IDLE);
	return go(conn, READ_HEAD);
}

static void begin_response(struct http_conn *conn, const struct http_common *common)
{
	clear_body(&conn->work->body);
	conn->work->body_sent = 0;
	arm(conn, common, HTTP_MOVING);
}

/* The head is in the output; a response without a body is complete. */
static enum http_want send_body(struct http_conn *conn, const struct http_common *common)
{
	return conn->work->body.kind == NO_BODY ? finish(conn, common) : go(conn, STREAM);
}

static enum http_want respond(struct http_conn *conn, struct http_common *common)
{
	struct http_work *w = conn->work;

	begin_response(conn, common);
	w->effort += EFFORT_RESPONSE;
	answer(conn, common);
	return w->body.kind == LISTING_BODY ? go(conn, LISTING) : send_body(conn, common);
}

/* The connection ends with this response. What else the client sends is dropped. */
static void answer_last(struct http_conn *conn)
{
	conn->work->req.close = conn->own.linger = true;
	conn->work->input.next = conn->work->input.end;
}

/* Answers a request that can't be read completely. Then the connection is closed. */
static enum http_want refuse(struct http_conn *conn, struct http_common *common, enum status status)
{
	struct http_work *w = conn->work;

	if (!w->req.line.len) {
		text rest = { w->input.at + w->input.start, w->input.end - w->input.start };

		w->req.line = cut(&rest, '\n');
		rest = w->req.line;
		(void)read_method(&w->req, &rest); /* for HEAD, which takes no body */
	}
	release_choice(&w->choice, common);
	if (w->req.head_end && !w->req.asked.at) {
		(void)read_path(w);
		(void)find_host(w, conn->own.site, common);
	}
	begin_response(conn, common);
	answer_last(conn);
	answer_page(conn, common, (struct head){ .status = status });
	return send_body(conn, common);
}

/*
 * Refuses a request for its framing or its body. If the method isn't served, the status says that
 * instead, since another body would not help.
 * With a status of 400, the method is as doubtful as the rest.
 */
static enum http_want refuse_body(struct http_conn *conn, struct http_common *common,
				  enum status status)
{
	enum status method = status == BAD_REQUEST ? 0 : judge_method(&conn->work->req);

	return refuse(conn, common, method ? method : status);
}

/* A connection without a valid PROXY header is logged but not answered: it may not be HTTP. */
static enum http_want turn_away(struct http_conn *conn, struct http_common *common,
				enum status status, const char *reason)
{
	struct http_work *w = conn->work;

	w->status = refused(&w->req, status, reason);
	w->body_sent = 0;
	return lose(conn, common);
}

static enum http_want end_proxy(struct http_conn *conn, struct http_common *common,
				const struct proxied *proxied)
{
	struct input *in = &conn->work->input;

	if (proxied->known)
		conn->peer = proxied->peer;
	conn->tls = proxied->tls;
	if (proxied->known && conn->own.site->identify)
		conn->own.site->identify(conn, &conn->peer);
	in->start = in->scan = proxied->size;
	if (in->start == in->end)
		clear_input(in);
	conn->own.began = common->clock;
	arm(conn, common, in->start < in->end ? HTTP_HEADER : HTTP_IDLE);
	return go(conn, READ_HEAD);
}

/* Reads the header of the PROXY protocol. Its time began when the connection was accepted. */
static enum http_want step_proxy(struct http_conn *conn, struct http_common *common)
{
	struct input *in = &conn->work->input;
	struct proxied proxied = { 0 };
	enum http_want want;

	switch (read_proxy((text){ in->at, in->end }, &proxied)) {
	case WHOLE: return end_proxy(conn, common, &proxied);
	case REFUSED: return turn_away(conn, common, BAD_REQUEST, proxied.fault);
	default: break;
	}
	want = fill(conn, common);
	if (want == HTTP_GO && in->ended && in->end)
		return turn_away(conn, common, BAD_REQUEST, "the end within a PROXY header");
	return want == HTTP_GO && in->ended ? lose(conn, common) : want;
}

static void compact(struct input *in)
{
	memmove(in->at, in->at + in->start, in->end - in->start);
	in->scan -= in->start;
	in->end -= in->start;
	in->start = 0;
}

/*
 * Whether an error is the last response of the connection. Otherwise the body is read and dropped,
 * and the connection goes on. But a 400 ends it in any case; what follows a CONNECT may be for the
 * tunnel (RFC 9931); and a client that waits for 100 need not send its body for a 401, 405 or 501,
 * or for a program.
 */
static bool is_last(const struct http_work *w)
{
	switch (w->choice.status) {
	case BAD_REQUEST: return true;
	case METHOD_NOT_ALLOWED:
	case NOT_IMPLEMENTED: return w->req.expect || w->req.method == CONNECT;
	case UNAUTHORIZED: return w->req.expect && has_body(&w->req);
	default: return w->choice.program && w->req.expect && has_body(&w->req);
	}
}

/* The response is chosen. It is sent now, or when the body has been read. */
static enum http_want begin_body(struct http_conn *conn, struct http_common *common)
{
	struct http_work *w = conn->work;
	enum choice_kind kind = w->choice.kind;

	w->framing = (struct framing){ .left = w->req.length };
	if (kind == PROGRAM || kind == LOGIN) {
		arm(conn, common, HTTP_MOVING);
		return go(conn, !conn->own.site->run ? ADOPT : kind == LOGIN ? CHECK : RUN);
	}
	if (kind == STATUS_PAGE && is_last(w)) {
		answer_last(conn);
		return respond(conn, common);
	}
	if (!has_body(&w->req))
		return respond(conn, common);
	/* a file is chosen again after the body: none is kept open, and files may change */
	if (kind != STATUS_PAGE)
		release_choice(&w->choice, common);
	close_fd(&w->host.root);
	arm(conn, common, HTTP_MOVING);
	return go(conn, READ_BODY);
}

static enum http_want begin_error(struct http_conn *conn, struct http_common *common,
				  enum status status)
{
	choose_page(&conn->work->choice, status);
	return begin_body(conn, common);
}

/* Waits for the check of a password. The third wrong one ends the connection. */
static enum http_want step_check(struct http_conn *conn, struct http_common *common)
{
	struct http_work *w = conn->work;
	const struct http_site *site = conn->own.site;
	struct login *login = w->login;
	char answer = 'n';
	ssize_t n;

	if (login->answer < 0) {
		enum http_want want = flush(conn, common);

		if (want != HTTP_GO)
			return want;
		if (site->check((size_t)(login->guard - site->guards), login->name, login->password,
				&login->answer))
			return begin_error(conn, common, UNAVAILABLE);
		arm(conn, common, HTTP_PROGRAM);
	}
	n = read(login->answer, &answer, 1);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return HTTP_POLL;
	close_fd(&login->answer);
	w->named = true;
	login->good = n == 1 && answer == 'y';
	if (login->good) {
		choose(w, site, common);
		return begin_body(conn, common);
	}
	if (n != 1)
		return begin_error(conn, common, UNAVAILABLE);
	(void)refused(&w->req, UNAUTHORIZED, "a wrong name or password");
	if (++login->failures < LOGINS_MOST)
		return begin_error(conn, common, UNAUTHORIZED);
	choose_page(&w->choice, UNAUTHORIZED);
	answer_last(conn);
	return respond(conn, common);
}

/* Hands the connection over to a process of its own. If that fails, this is called again. */
static enum http_want step_adopt(struct http_conn *conn, struct http_common *common)
{
	struct http_work *w = conn->work;
	enum http_want want = flush(conn, common);

	if (want != HTTP_GO)
		return want;
	if (!w->adopted) {
		w->adopted = true;
		return HTTP_ADOPT;
	}
	w->adopted = false;
	return begin_error(conn, common, UNAVAILABLE);
}

/* The head is complete. It stays in the input until it is answered: struct request points into it. */
static enum http_want end_head(struct http_conn *conn, struct http_common *common)
{
	const struct http_limits *limits = &conn->own.site->limits;
	struct http_work *w = conn->work;
	enum status status;

	w->req.tls = conn->tls;
	if (conn->own.site->trusts && is_trusted(conn->own.site, &conn->peer)) {
		read_client(&w->req, conn->own.site);
		if (conn->own.site->identify)
			conn->own.site->identify(conn, client_of(conn));
	}
	status = read_framing(&w->req, limits);
	if (!status && w->req.https && !w->req.tls) /* RFC 9110 7.4 */
		status = refused(&w->req, MISDIRECTED_REQUEST, "https on a connection without TLS");
	if (status)
		return refuse_body(conn, common, status);
	/* the body of an unknown method may be understood otherwise by another server */
	if (!w->req.close && (w->req.method == OTHER || common->closing ||
			      conn->own.requests + 1 >= limits->requests))
		w->req.close = conn->own.linger = true;
	choose(w, conn->own.site, common);
	return begin_body(conn, common);
}

static enum http_want step_head(struct http_conn *conn, struct http_common *common)
{
	struct http_work *w = conn->work;
	struct input *in = &w->input;
	enum http_want want;

	if (w->output.bytes.len >= FLUSH_MOST || spent(w))
		return go(conn, FLUSH);
	if (w->req.lines == 0 && in->size - in->start < in->room)
		compact(in);
	switch (read_head(in, &w->req, &conn->own.site->limits)) {
	case WHOLE: return end_head(conn, common);
	case REFUSED: return refuse(conn, common, w->req.refusal);
	default: break;
	}
	if (w->output.bytes.len)
		return go(conn, FLUSH);
	if (in->start < in->end && conn->clock == HTTP_IDLE) /* not for empty lines alone */
		arm(conn, common, HTTP_HEADER);
	if (in->start == in->end)
		clear_input(in);
	want = fill(conn, common);
	if (want == HTTP_GO && in->ended)
		return in->end ? refuse(conn, common, bad(&w->req, "the end within a request"))
			       : lose(conn, common);
	if (want == HTTP_GO && conn->clock == HTTP_IDLE)
		conn->own.began = common->clock;
	return want;
}

/* Sends the responses so far, before more is received. */
static enum http_want step_flush(struct http_conn *conn, struct http_common *common)
{
	const struct input *in = &conn->work->input;
	enum http_want want = flush(conn, common);

	if (want == HTTP_WRITE && conn->clock != HTTP_MOVING)
		arm(conn, common, HTTP_MOVING);
	if (want != HTTP_GO)
		return want;
	if (conn->clock == HTTP_MOVING)
		arm(conn, common, in->start < in->end ? HTTP_HEADER : HTTP_IDLE);
	conn->own.state = READ_HEAD;
	return spent(conn->work) ? HTTP_AGAIN : HTTP_GO;
}

static enum reading read_body(struct http_work *w, const struct http_limits *limits)
{
	unsigned most = spent(w) ? 1 : (EFFORT_MOST - w->effort) * EFFORT_LINES, left = most;
	enum reading reading;

	if (!w->req.chunked)
		return read_data(&w->input, &w->framing);
	reading = read_chunks(&w->input, &w->req, &w->framing, limits, &left);
	w->effort += (most - left) / EFFORT_LINES;
	return reading;
}

/* Before more of a body is received: sends 100 Continue, and removes what was read of the body. */
static enum http_want make_room_for_body(struct http_conn *conn, struct http_common *common)
{
	struct http_work *w = conn->work;
	struct input *in = &w->input;
	enum http_want want;

	if (w->req.expect && in->end == in->head_end) /* RFC 9110 10.1.1 */
		put_string(&w->output.bytes, "HTTP/1.1 100 Continue\r\n\r\n");
	w->req.expect = false;
	want = flush(conn, common);
	if (want != HTTP_GO)
		return want;
	memmove(in->at + in->head_end, in->at + in->next, in->end - in->next);
	in->end -= in->next - in->head_end;
	in->next = in->head_end;
	return HTTP_GO;
}

static enum http_want step_body(struct http_conn *conn, struct http_common *common)
{
	struct http_work *w = conn->work;
	struct input *in = &w->input;
	/* memory of the connection's own has no room for a response */
	enum http_want want = w->output.own ? flush(conn, common) : HTTP_GO;

	if (want != HTTP_GO)
		return want;
	switch (read_body(w, &conn->own.site->limits)) {
	case WHOLE:
		if (w->choice.kind == NO_CHOICE)
			choose(w, conn->own.site, common);
		return respond(conn, common);
	case REFUSED: return refuse_body(conn, common, w->req.refusal);
	default: break;
	}
	want = make_room_for_body(conn, common);
	if (want != HTTP_GO)
		return want;
	if (spent(w))
		return HTTP_AGAIN;
	want = fill(conn, common);
	if (want == HTTP_GO && in->ended)
		return refuse(conn, common, bad(&w->req, "the end within a body"));
	return want;
}

/* ---- sending a response ------------------------------------------------------------------- */

static enum http_want fail_listing(struct http_conn *conn, struct http_common *common, int error)
{
	struct http_work *w = conn->work;

	release_body(&w->body, common);
	answer_page(conn, common, (struct head){ .status = status_of(error) });
	return send_body(conn, common);
}

static enum http_want step_listing(struct http_conn *conn, struct http_common *common)
{
	struct http_work *w = conn->work;
	struct listing *listing = w->body.listing;
	/* the responses before this one need not wait for it */
	enum http_want want = flush(conn, common);

	if (want != HTTP_GO)
		return want;
	if (listing->dir) {
		int error = read_entries(site_here(conn), common, w->path, listing);

		if (!error && listing->dir)
			return HTTP_AGAIN;
		if (error)
			return fail_listing(conn, common, error);
		listing->run = listing->length_only ? listing->count : 1;
		begin_merge(listing, 0);
	}
	if (!sort_some(listing))
		return HTTP_AGAIN;
	arm(conn, common, HTTP_MOVING);
	answer_listing(conn, common);
	return send_body(conn, common);
}

/* Puts some more rows into the output. One that doesn't fit is taken out again. */
static void write_rows(struct http_work *w, struct http_common *common)
{
	struct listing *listing = w->body.listing;
	struct out *o = &w->output.bytes;
	size_t before = o->len, whole;
	bool last;

	do {
		whole = o->len;
		last = listing->next == listing->count;
		if (last)
			put_listing_tail(o, listing);
		else
			put_row(o, listing, item_at(listing, listing->next++));
	} while (!last && !o->overrun && o->len - before < ROWS_STEP);
	if (o->overrun && whole) { /* the last row waits until the rows before it are sent */
		o->overrun = false;
		o->len = whole;
		listing->next -= !last;
		last = false;
	}
	w->body_sent += o->len - before;
	if (last)
		release_body(&w->body, common);
}

/* For an output that is not a socket: copies a part of the file into the buffer. */
static ssize_t copy_part(struct http_work *w, struct range *range)
{
	struct out *o = &w->output.bytes;
	size_t n = o->size - o->len;
	ssize_t got;

	if (n > range->end - range->begin)
		n = (size_t)(range->end - range->begin);
	got = pread(w->body.fd, o->at + o->len, n, (off_t)range->begin);
	if (got > 0) {
		o->len += (size_t)got;
		range->begin += (uint64_t)got;
		w->body_sent += (uint64_t)got;
	}
	return got;
}

static enum http_want send_part(struct http_conn *conn, struct http_common *common,
				struct range *range)
{
	struct http_work *w = conn->work;
	off_t at = (off_t)range->begin;
	uint64_t left = range->end - range->begin;
	size_t n = left < SLICE_MOST ? (size_t)left : SLICE_MOST;
	ssize_t sent;

	if (!conn->own.out_socket)
		return copy_part(w, range) > 0 ? HTTP_GO : lose(conn, common);
	do
		sent = sendfile(conn->own.out, w->body.fd, &at, n);
	while (sent < 0 && errno == EINTR);
	if (sent < 0 && errno == EAGAIN)
		return HTTP_WRITE;
	if (sent <= 0) /* 0: the file has become shorter; behind the head nothing can tell that */
		return lose(conn, common);
	range->begin += (uint64_t)sent;
	w->body_sent += (uint64_t)sent;
	count_sent(conn, sent);
	if ((size_t)sent < n)
		return HTTP_WRITE;
	return range->begin < range->end ? HTTP_AGAIN : HTTP_GO;
}

/* Puts what comes next of a file's body into the output, or sends it. */
static enum http_want next_of_file(struct http_conn *conn, struct http_common *common)
{
	struct http_work *w = conn->work;
	struct body *body = &w->body;
	struct range *range = &body->ranges.part[body->part];
	struct out *o = &w->output.bytes;
	size_t before = o->len;

	if (body->boundary[0] && !body->part_begun) {
		w->effort += EFFORT_PART;
		put_part_head(o, body, body->part);
		body->part_begun = true;
	} else if (range->begin < range->end) {
		return send_part(conn, common, range);
	} else {
		body->part++;
		body->part_begun = false;
		if (body->part == body->ranges.count) {
			if (body->boundary[0])
				put_parts_end(o, body);
			release_body(body, common);
		}
	}
	w->body_sent += o->len - before;
	return HTTP_GO;
}

static enum http_want step_stream(struct http_conn *conn, struct http_common *common)
{
	struct http_work *w = conn->work;
	enum http_want want;

	if (w->body.kind == LISTING_BODY)
		write_rows(w, common);
	want = flush(conn, common);
	if (want != HTTP_GO)
		return want;
	switch (w->body.kind) {
	case FILE_BODY: return spent(w) ? HTTP_AGAIN : next_of_file(conn, common);
	case LISTING_BODY: return HTTP_AGAIN;
	default: return finish(conn, common);
	}
}

/* ---- programs ------------------------------------------------------------------------------- */

/* The path of the program: absolute, or below the root. */
static text program_name(const struct http_work *w)
{
	const struct http_scope *rule = w->choice.program;

	return rule->path ? text_of(rule->path) : (text){ w->path, w->choice.name_len };
}

/* The program's standard error goes to the log, line by line. */
static void relay_errors(struct http_conn *conn, struct program *p)
{
	const text who = program_name(conn->work);
	struct out *o = &p->errors;
	ssize_t n;

	while (p->pipes.error >= 0 &&
	       (n = read(p->pipes.error, o->at + o->len, o->size - o->len)) >= 0) {
		text rest = { o->at, o->len + (size_t)n };

		while (rest.len &&
		       (memchr(rest.at, '\n', rest.len) || rest.len == o->size || n == 0)) {
			conn->own.site->complain(who, cut(&rest, '\n'));
			conn->work->effort += EFFORT_RESPONSE; /* each line may be a write(2) */
		}
		o->len = rest.len;
		if (rest.len)
			memmove(o->at, rest.at, rest.len);
		if (n == 0)
			close_fd(&p->pipes.error);
		if (spent(conn->work))
			break;
	}
}

/* Ends the program. The connection can't go on if not all of the request's body was read. */
static void end_program(struct http_conn *conn)
{
	struct http_work *w = conn->work;

	relay_errors(conn, w->program);
	if (w->program->errors.len)
		conn->own.site->complain(program_name(w),
					 (text){ w->program->errors.at, w->program->errors.len });
	release_program(w->program);
	if (!w->program->whole)
		answer_last(conn);
}

static enum http_want fail_program(struct http_conn *conn, struct http_common *common,
				   enum status status, const char *reason)
{
	struct http_work *w = conn->work;
	bool begun = w->program->begun;

	end_program(conn);
	if (begun) { /* only a reset tells the client that something is missing */
		http_forsake(conn);
		return lose(conn, common);
	}
	(void)refused(&w->req, status, reason);
	begin_response(conn, common);
	answer_page(conn, common, (struct head){ .status = status });
	release_choice(&w->choice, common);
	return send_body(conn, common);
}

/* `length`: of the body, or NULL if it is unknown. */
static enum http_want start_program(struct http_conn *conn, struct http_common *common,
				    const uint64_t *length)
{
	struct http_work *w = conn->work;
	const struct http_site *site = conn->own.site;
	struct program *p = w->program;
	char bytes[VARIABLES_MOST], name[NAME_MAX + 1 + PATH_MAX];
	struct out variables = { bytes, 0, VARIABLES_MOST - HTTP_PEER_VARIABLES, false };
	struct out script = { name, 0, sizeof(name), false };
	struct http_run run = { .rule = (size_t)(w->choice.program - site->programs),
				.named = requested_host(&w->req, NULL).len,
				.body = has_body(&w->req),
				.client = client_of(conn),
				.variables = bytes };
	int error = E2BIG;

	p->started = true;
	if (!w->choice.program->path)
		put_form(&script, w->req.folder.len ? "%t/%t" : "%t%t", w->req.folder,
			 program_name(w));
	run.script = (text){ name, script.len };
	put_variables(&variables, w, site, length);
	run.variables_len = variables.len;
	if (!variables.overrun)
		error = site->run(conn, &run, &p->pipes);
	explicit_bzero(bytes, run.variables_len);
	if (error == E2BIG || error == EMSGSIZE)
		return fail_program(conn, common, FIELDS_TOO_LARGE,
				    "a header too large for a program");
	if (error)
		return fail_program(conn, common, UNAVAILABLE, "a program that can't be started");
	arm(conn, common, HTTP_PROGRAM);
	return HTTP_GO;
}

/* Whether what the program writes is sent unchanged, after which the connection is closed. */
static bool is_raw(const struct http_work *w)
{
	text name = program_name(w);
	const char *slash = memrchr(name.at, '/', name.len);

	return strncmp(slash ? slash + 1 : name.at, "nph-", 4) == 0;
}

/* Whether a program runs for the request, or is about to: release_program() ends that. */
static bool has_program(const struct http_work *w)
{
	return w->program && w->program->header.at;
}

/* Prepares a program, which is started later. False if there is no memory for it. */
static bool begin_program(struct http_work *w)
{
	struct program *p = w->program ? w->program : calloc(1, sizeof(*p));

	if (!p)
		return false;
	w->program = p;
	p->pipes = (struct http_pipes){ -1, -1, -1, -1 };
	p->whole = !has_body(&w->req);
	p->raw = is_raw(w);
	p->header = (struct out){ malloc(PROGRAM_HEAD), 0, PROGRAM_HEAD, false };
	p->errors = (struct out){ malloc(PIPE_SLICE), 0, PIPE_SLICE, false };
	if (w->req.chunked)
		p->gathered = (struct out){ malloc(GATHER_MOST), 0, GATHER_MOST, false };
	return p->header.at && p->errors.at && (p->gathered.at || !w->req.chunked);
}

/* Reads more of the request's body, once the program has taken what was read before. */
static enum http_want read_for_program(struct http_conn *conn, struct http_common *common)
{
	struct http_work *w = conn->work;
	struct program *p = w->program;
	struct input *in = &w->input;
	text data;
	size_t before = in->next;
	enum reading reading = read_piece(in, &w->req, &w->framing, &conn->own.site->limits, &data);
	enum http_want want;

	if (reading == REFUSED)
		return fail_program(conn, common, w->req.refusal, w->req.reason);
	p->whole = reading == WHOLE;
	if (!p->started)
		put_text(&p->gathered, data);
	if (p->started || p->gathered.overrun) /* this data follows what was gathered */
		p->pending = data;
	if (p->whole || data.len || in->next != before)
		return HTTP_GO;
	want = make_room_for_body(conn, common);
	if (want != HTTP_GO)
		return want;
	want = fill(conn, common);
	if (want == HTTP_GO && in->ended)
		return fail_program(conn, common, BAD_REQUEST, "the end within a body");
	return want;
}

/* The program has all of the body, or reads no more: its input ends. False if the broker isn't told. */
static bool end_input(const struct http_work *w)
{
	struct http_pipes *pipes = &w->program->pipes;
	ssize_t n = 1;

	if (pipes->in >= 0 && has_body(&w->req))
		do
			n = write(pipes->life, "", 1);
		while (n < 0 && (errno == EAGAIN || errno == EINTR));
	close_fd(&pipes->in);
	return n == 1;
}

/*
 * Passes the body on to the program. A chunked body, unless it is larger than GATHER_MOST, is
 * received as a whole before the program starts, because many programs need its length. HTTP_GO if
 * there is progress, HTTP_READ if the client has to send more, HTTP_POLL if the program has to read.
 */
static enum http_want feed_program(struct http_conn *conn, struct http_common *common)
{
	struct http_work *w = conn->work;
	struct program *p = w->program;
	text *from = p->started && p->gathered.len ? &p->gathered_left : &p->pending;
	ssize_t n;

	if (!p->started && (p->whole || p->gathered.overrun || !w->req.chunked)) {
		uint64_t length = w->req.chunked ? p->gathered.len : w->req.length;

		p->gathered_left = (text){ p->gathered.at, p->gathered.len };
		return start_program(conn, common,
				     has_body(&w->req) && !p->gathered.overrun ? &length : NULL);
	}
	if (from->len && p->pipes.in >= 0) {
		n = write(p->pipes.in, from->at, from->len);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return HTTP_POLL;
		p->active = true;
		if (n < 0 && !end_input(w)) /* it reads no more: the rest of the body is dropped */
			return fail_program(conn, common, UNAVAILABLE, "no way to the broker");
		skip(from, n < 0 ? from->len : (size_t)n);
		return HTTP_GO;
	}
	if (from == &p->gathered_left) {
		p->gathered.len = 0;
		return HTTP_GO;
	}
	p->pending.len = 0;
	if (!p->whole)
		return read_for_program(conn, common);
	if (!end_input(w))
		return fail_program(conn, common, UNAVAILABLE, "no way to the broker");
	return HTTP_POLL;
}

/* The header of a program's response (RFC 3875 6.3). */
struct program_head {
	text status, location, type;
	bool has_length, kept;
	uint64_t length;
	struct out fields; /* all the others */
};

/* Fields that are wwwd's to write, or are about another connection. */
static const char own_fields[] =
	" Connection Date Keep-Alive Server Trailer Transfer-Encoding Upgrade";

static bool read_program_head(text lines, struct program_head *head)
{
	text name, value;

	while (lines.len) {
		text line = cut(&lines, '\n');

		if (line.len && line.at[line.len - 1] == '\r')
			line.len--;
		if (!split_field(line, &name, &value))
			return false;
		if (alike(name, text_of("Status")))
			head->status = value;
		else if (alike(name, text_of("Location")))
			head->location = value;
		else if (alike(name, text_of("Content-Type")))
			head->type = value;
		else if (alike(name, text_of("Content-Length")))
			head->has_length = read_number(value, &head->length);
		else if (!is_one_of(own_fields, name))
			put_form(&head->fields, "%t: %t\r\n", name, value);
		head->kept |= alike(name, text_of("Cache-Control"));
	}
	return head->status.len || head->location.len || head->type.len;
}

/* Three digits and perhaps a reason. Without a status: 302 if there is a Location, else 200. */
static bool read_program_status(struct program_head *head, enum status *status)
{
	text t = head->status;
	int code;

	if (t.len == 0) {
		*status = head->location.len ? FOUND : OK;
		head->status = text_of(find_status(*status)->line);
		return true;
	}
	if (!take_digits(&t, 3, &code) || code < 200 || code > 599 || (t.len && t.at[0] != ' '))
		return false;
	*status = (enum status)code;
	return true;
}

/* For a Location without a scheme: answers as if the client had asked for this path. */
static enum http_want redirect_within(struct http_conn *conn, struct http_common *common,
				      text location)
{
	struct http_work *w = conn->work;
	struct program *p = w->program;
	struct request *req = &w->req;
	char *target = strndup(location.at, location.len);
	text query = text_of(target ? target : ""), path = cut(&query, '?');
	unsigned redirects = p->redirects + 1;

	if (!target || redirects > REDIRECTS_MOST || !percent_encoded(path)) {
		free(target);
		return fail_program(conn, common, BAD_GATEWAY,
				    "a redirect within the site that can't be followed");
	}
	end_program(conn);
	free(p->target);
	*p = (struct program){ { -1, -1, -1, -1 }, .target = target, .redirects = redirects };
	release_choice(&w->choice, common);
	if (req->method != HEAD)
		req->method = GET;
	req->method_name = methods[req->method];
	req->chunked = req->expect = false;
	req->length = 0;
	req->seen[CONTENT_TYPE] = 0;
	req->path = path;
	req->query = text_of(target + path.len);
	choose(w, conn->own.site, common);
	return begin_body(conn, common);
}

static void put_body_data(struct http_work *w, text data)
{
	struct program *p = w->program;

	if (p->counted && data.len > p->rest)
		data.len = (size_t)p->rest;
	if (data.len == 0)
		return;
	if (p->chunked)
		put_form(&w->output.bytes, "%x\r\n", (uint64_t)data.len);
	put_text(&w->output.bytes, data);
	if (p->chunked)
		put_string(&w->output.bytes, "\r\n");
	p->rest -= p->counted ? data.len : 0;
	w->body_sent += data.len;
}

/* The program's output is complete, or the rest of it is not needed. */
static enum http_want finish_program(struct http_conn *conn, struct http_common *common)
{
	struct http_work *w = conn->work;
	struct program *p = w->program;

	end_program(conn);
	if (p->counted && p->rest) { /* only a reset tells the client that something is missing */
		http_forsake(conn);
		return lose(conn, common);
	}
	if (p->chunked)
		put_string(&w->output.bytes, "0\r\n\r\n");
	release_choice(&w->choice, common);
	if (conn->clock != HTTP_MOVING)
		arm(conn, common, HTTP_MOVING);
	return go(conn, STREAM);
}

/* The header is complete: `lines`. The body begins with `rest`. */
static enum http_want begin_program_response(struct http_conn *conn, struct http_common *common,
					     text lines, text rest)
{
	struct http_work *w = conn->work;
	struct program *p = w->program;
	char others[2 * PROGRAM_HEAD]; /* "a:" becomes "a: ", and a line end two bytes */
	struct program_head said = { .fields = { others, 0, sizeof(others), false } };
	struct head head = { .empty = true };

	bool good = read_program_head(lines, &said);

	if (good && !said.status.len && said.location.len && said.location.at[0] == '/')
		return redirect_within(conn, common, said.location);
	if (!good || !read_program_status(&said, &head.status))
		return fail_program(conn, common, BAD_GATEWAY, "no valid header from the program");
	if (said.type.len)
		put_form(&said.fields, "Content-Type: %t\r\n", said.type);
	if (said.location.len)
		put_form(&said.fields, "Location: %t\r\n", said.location);
	p->bare = w->req.method == HEAD || head.status == NO_CONTENT || head.status == NOT_MODIFIED;
	p->counted = !p->bare && said.has_length;
	p->rest = said.length;
	p->chunked = !p->bare && !p->counted && w->req.minor > 0;
	if (!p->bare && !p->counted && !p->chunked)
		w->req.close = true;
	if (said.has_length && head.status != NO_CONTENT && head.status != NOT_MODIFIED) {
		head.empty = false;
		head.length = said.length;
	}
	head.kept = said.kept;
	head.line = said.status;
	head.fields = (text){ others, said.fields.len };
	head.chunked = p->chunked;
	if (!p->whole)
		w->req.close = conn->own.linger = true;
	p->begun = true;
	begin_response(conn, common);
	write_head(conn, common, &head);
	if (p->bare)
		return finish_program(conn, common);
	put_body_data(w, rest);
	return p->counted && p->rest == 0 ? finish_program(conn, common) : HTTP_GO;
}

/* Splits a program's output at the first empty line. False if it has none yet. */
static bool split_head(text all, text *lines, text *rest)
{
	text line;

	*rest = all;
	do {
		*lines = (text){ all.at, all.len - rest->len };
		line = cut(rest, '\n');
		if (!rest->at)
			return false;
	} while (line.len && !same(line, text_of("\r")));
	return true;
}

/* Reads the header in the program's output. `ended`: the output is complete. */
static enum http_want take_program_head(struct http_conn *conn, struct http_common *common,
					bool ended)
{
	struct program *p = conn->work->program;
	text all = { p->header.at, p->header.len }, lines, rest;
	unsigned char error;

	if (split_head(all, &lines, &rest))
		return begin_program_response(conn, common, lines, rest);
	if (ended && all.len == 0 && read(p->pipes.life, &error, 1) == 1) {
		enum status status = status_of(error);

		return fail_program(conn, common, status == SERVER_ERROR ? BAD_GATEWAY : status,
				    "a program that can't be started");
	}
	if (ended || all.len == p->header.size)
		return fail_program(conn, common, BAD_GATEWAY, "no header from the program");
	return HTTP_GO;
}

/* A raw response: its status is for the log, and the connection is closed behind it. */
static void begin_raw(struct http_conn *conn, const struct http_common *common, text first)
{
	struct http_work *w = conn->work;
	int code;

	begin_response(conn, common);
	(void)cut(&first, ' ');
	w->status = take_digits(&first, 3, &code) ? (enum status)code : OK;
	w->req.close = conn->own.linger = true;
	w->program->begun = true;
}

/* HTTP_GO if there is progress; HTTP_WRITE waits for the client, HTTP_POLL for the program. */
static enum http_want relay_output(struct http_conn *conn, struct http_common *common)
{
	struct http_work *w = conn->work;
	struct program *p = w->program;
	/* behind the header, what was read is copied into the output at once */
	size_t kept = p->begun || p->raw ? 0 : p->header.len;
	text data = { p->header.at + kept, 0 };
	ssize_t n;

	if (w->output.bytes.len)
		return flush(conn, common);
	n = read(p->pipes.out, p->header.at + kept, p->header.size - kept);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return HTTP_POLL;
	if (n < 0)
		return fail_program(conn, common, BAD_GATEWAY, "a program that can't be read from");
	p->active = true;
	data.len = (size_t)n;
	w->effort += 1 + (unsigned)(data.len / EFFORT_BYTES);
	if (!p->begun && p->raw && n > 0)
		begin_raw(conn, common, data);
	if (!p->begun) {
		p->header.len += data.len;
		return take_program_head(conn, common, n == 0);
	}
	if (n == 0)
		return finish_program(conn, common);
	put_body_data(w, data);
	return p->counted && p->rest == 0 ? finish_program(conn, common) : HTTP_GO;
}

/* Whether the client is gone. One that only sends no more may wait for the response. */
static bool is_gone(struct http_conn *conn)
{
	struct pollfd p = { .fd = conn->own.in, .events = POLLRDHUP };

	if (!conn->own.in_socket || poll(&p, 1, 0) <= 0)
		return false;
	conn->work->program->left |= p.revents & POLLRDHUP;
	return p.revents & (POLLERR | POLLHUP);
}

/* The clock is that of the client, if it is waited for; or that of the program. */
static void arm_run(struct http_conn *conn, const struct http_common *common, bool client)
{
	struct program *p = conn->work->program;
	int64_t half_closed = common->clock + HALF_CLOSED_TIME;

	if (client ? conn->clock != HTTP_MOVING : conn->clock != HTTP_PROGRAM || p->active)
		arm(conn, common, client ? HTTP_MOVING : HTTP_PROGRAM);
	p->active = false;
	if (p->left && !client && conn->deadline > half_closed)
		conn->deadline = half_closed;
}

/* Passes on the request's body, the program's output and its messages, as long as there are any. */
static enum http_want step_run(struct http_conn *conn, struct http_common *common)
{
	struct http_work *w = conn->work;
	enum http_want want = w->output.own ? flush(conn, common) : HTTP_GO;
	enum http_want fed, said;

	if (want != HTTP_GO)
		return want;
	if (!has_program(w) && !begin_program(w))
		return lose(conn, common);
	do {
		if (spent(w))
			return HTTP_AGAIN;
		fed = feed_program(conn, common);
		if (conn->own.state != RUN || !has_program(w))
			return fed;
		if (fed == HTTP_GO && !w->program->whole && w->input.next < w->input.end)
			continue; /* to know whether all of the body is here */
		said = w->program->pipes.out < 0 ? HTTP_POLL : relay_output(conn, common);
		if (conn->own.state != RUN || !has_program(w))
			return said;
		relay_errors(conn, w->program);
	} while (fed == HTTP_GO || said == HTTP_GO);
	if (is_gone(conn))
		return lose(conn, common);
	arm_run(conn, common, fed != HTTP_POLL || said == HTTP_WRITE);
	return HTTP_POLL;
}

/* ---- leaving -------------------------------------------------------------------------------- */

/*
 * If a connection is closed with unread bytes, the kernel resets it, and the reset may destroy the
 * end of the response (RFC 9112 9.6). So if the client may still be sending, wwwd only ends its own
 * side, and for a while reads and drops what arrives.
 */
static enum http_want step_close(struct http_conn *conn, struct http_common *common)
{
	struct http_work *w = conn->work;
	enum http_want want = flush(conn, common);

	if (want != HTTP_GO)
		return want;
	clear_request(w);
	forget_login(w);
	clear_input(&w->input);
	if (!conn->own.linger || !conn->own.in_socket || shutdown(conn->own.out, SHUT_WR) < 0)
		return leave(conn);
	arm(conn, common, HTTP_LINGERING);
	return go(conn, LINGER);
}

static enum http_want step_linger(struct http_conn *conn, struct http_common *common)
{
	struct input *in = &conn->work->input;
	ssize_t n;

	(void)common;
	if (conn->own.dry)
		return HTTP_READ;
	n = receive(conn, in->at, in->size);
	if (n < 0 && errno == EAGAIN)
		return HTTP_READ;
	conn->own.moved += n > 0 ? (uint64_t)n : 0;
	if (n <= 0 || conn->own.moved >= LINGER_MOST)
		return leave(conn);
	return conn->own.dry ? HTTP_READ : HTTP_AGAIN;
}

bool http_busy(const struct http_conn *conn)
{
	const struct http_work *w = conn->work;

	if (conn->own.state <= READ_HEAD)
		return w->req.blanks || w->req.lines || w->input.start < w->input.end;
	return conn->own.state < LINGER;
}

void http_drop(struct http_conn *conn, struct http_common *common)
{
	if (conn->work && http_busy(conn))
		lose(conn, common);
	common->memory -= conn->held;
	conn->held = 0;
}

/* The program, or the check of a password, has taken too long. */
static enum http_want time_out(struct http_conn *conn, struct http_common *common)
{
	struct http_work *w = conn->work;

	if (conn->own.state == RUN)
		return fail_program(conn, common, GATEWAY_TIMEOUT,
				    w->program->left
					    ? "a program that a half-closed connection waits for"
					    : "a program that takes longer than --cgi-time");
	close_fd(&w->login->answer);
	return begin_error(conn, common, UNAVAILABLE);
}

/* The deadline of the present clock has passed. */
static enum http_want expire(struct http_conn *conn, struct http_common *common)
{
	struct request *req = &conn->work->req;

	switch (conn->clock) {
	case HTTP_PROGRAM:
		if (!conn->work->output.own &&
		    (conn->own.state == CHECK ||
		     (conn->own.state == RUN && !conn->work->program->begun)))
			return time_out(conn, common);
		http_forsake(conn);
		return lose(conn, common);
	case HTTP_HEADER:
		if (conn->own.state == READ_PROXY)
			return turn_away(conn, common, REQUEST_TIMEOUT,
					 "a PROXY header that takes longer than --header-time");
		return refuse(conn, common,
			      refused(req, REQUEST_TIMEOUT,
				      "a header that takes longer than --header-time"));
	case HTTP_MOVING:
		if (moved_enough(conn, moved_since(conn))) {
			arm(conn, common, HTTP_MOVING);
			return HTTP_GO;
		}
		if (!conn->work->output.own &&
		    (conn->own.state == READ_BODY ||
		     (conn->own.state == RUN && !conn->work->program->begun)))
			return refuse(conn, common,
				      refused(req, REQUEST_TIMEOUT, "a body that stalls"));
		http_forsake(conn);
		return lose(conn, common);
	default: return lose(conn, common);
	}
}

/* ---- the machine --------------------------------------------------------------------------- */

static enum http_want run_steps(struct http_conn *conn, struct http_common *common)
{
	static enum http_want (*const steps[])(struct http_conn *, struct http_common *) = {
		[READ_PROXY] = step_proxy, [READ_HEAD] = step_head,  [READ_BODY] = step_body,
		[FLUSH] = step_flush,      [CHECK] = step_check,     [ADOPT] = step_adopt,
		[RUN] = step_run,          [LISTING] = step_listing, [STREAM] = step_stream,
		[CLOSE] = step_close,      [LINGER] = step_linger,
	};
	enum http_want want = HTTP_GO;

	while (want == HTTP_GO)
		want = steps[conn->own.state](conn, common);
	if (want == HTTP_WRITE || want == HTTP_POLL)
		begin_wait(conn, common);
	return want;
}

/*
 * A deadline counts only when all that has arrived was read: the process may have been stopped for
 * a while, or slow. A connection that gives way (HTTP_AGAIN) does not wait for its client.
 */
enum http_want http_step(struct http_conn *conn, struct http_common *common)
{
	struct http_work *w = conn->work;
	enum http_want want;

	w->effort = 0;
	if (!w->output.own)
		w->output.bytes =
			(struct out){ common->out, w->output.bytes.len, HTTP_OUT_SIZE, false };
	do {
		want = run_steps(conn, common);
		if (want == HTTP_DONE || common->clock < conn->deadline)
			break;
		if (want == HTTP_AGAIN && conn->clock != HTTP_LINGERING)
			arm(conn, common, conn->clock);
		else
			want = expire(conn, common);
	} while (want == HTTP_GO);
	conn->own.dry = false;
	return want;
}

static void add_poll(struct pollfd polls[HTTP_POLLS], size_t *count, int fd, short events)
{
	if (fd >= 0)
		polls[(*count)++] = (struct pollfd){ .fd = fd, .events = events };
}

size_t http_polls(const struct http_conn *conn, enum http_want want,
		  struct pollfd polls[HTTP_POLLS])
{
	const struct http_work *w = conn->work;
	const struct program *p = w->program;
	size_t count = 0;

	if (want == HTTP_READ || want == HTTP_WRITE) {
		bool write = want == HTTP_WRITE;

		add_poll(polls, &count, write ? conn->own.out : conn->own.in,
			 write ? POLLOUT : POLLIN);
	} else if (want == HTTP_POLL && conn->own.state == CHECK) {
		add_poll(polls, &count, w->login->answer, POLLIN);
	} else if (want == HTTP_POLL) {
		bool more = w->output.bytes.len, waits = p->pending.len || p->gathered_left.len;

		add_poll(polls, &count, more ? conn->own.out : p->pipes.out,
			 more ? POLLOUT : POLLIN);
		add_poll(polls, &count, p->pipes.error, POLLIN);
		add_poll(polls, &count, waits ? p->pipes.in : -1, POLLOUT);
		if (!waits && !p->whole)
			add_poll(polls, &count, conn->own.in, POLLIN);
		else if (conn->own.in_socket) /* poll(2) always tells of a reset */
			add_poll(polls, &count, conn->own.in, p->left ? 0 : POLLRDHUP);
	}
	return count;
}

struct http_text http_unanswered(const struct http_conn *conn)
{
	const struct input *in = &conn->work->input;

	return (text){ in->at + in->start, in->end - in->start };
}

bool http_adopt(struct http_conn *conn, struct http_text received, bool tls)
{
	struct input *in = &conn->work->input;

	if (received.len > in->size)
		return false;
	memcpy(in->at, received.at, received.len);
	in->end = in->touched = received.len;
	conn->tls = tls;
	conn->own.state = READ_HEAD; /* the other process has read the PROXY header */
	return true;
}

void http_open(struct http_conn *conn, const struct http_site *site, struct http_end in,
	       struct http_end out, const struct http_common *common)
{
	*conn = (struct http_conn){
		.own = {
			.site = site,
			.began = common->clock,
			.in = in.fd,
			.out = out.fd,
			.state = site->proxied ? READ_PROXY : READ_HEAD,
			.in_socket = in.socket,
			.out_socket = out.socket,
			.prepared = out.prepared,
		},
	};
	arm(conn, common, site->proxied ? HTTP_HEADER : HTTP_IDLE);
}

/* ---- for the log and the options ------------------------------------------ */

size_t http_log_line(char line[HTTP_LOG_LINE], const char *peer, const struct http_entry *entry)
{
	struct out o = { line, 0, HTTP_LOG_LINE, false };
	struct tm tm = { .tm_year = 1970 };

	(void)calendar(entry->common->wall.tv_sec, &tm);
	if (entry->host.at)
		put_form(&o, "%t:%t ", entry->host, entry->port.len ? entry->port : text_of("80"));
	put_form(&o, "%s - ", peer);
	put_log(&o, entry->user, 200, '!');
	put_form(&o, " [%2/%t/%2%2:%2:%2:%2 +0000] \"", tm.tm_mday,
		 (text){ &month_names[3L * tm.tm_mon], 3 }, tm.tm_year / 100, tm.tm_year % 100,
		 tm.tm_hour, tm.tm_min, tm.tm_sec);
	put_log(&o, entry->line, 1800, ' ');
	put_form(&o, "\" %n ", (uint64_t)entry->status);
	if (entry->bytes)
		put_number(&o, entry->bytes);
	else
		put_string(&o, "-");
	put_string(&o, " \"");
	put_log(&o, entry->referer, 900, ' ');
	put_string(&o, "\" \"");
	put_log(&o, entry->agent, 900, ' ');
	put_string(&o, "\"\n");
	return o.len;
}

static const char *field_fault(text line)
{
	static const char response_fields[] =
		" Accept-Ranges Allow Content-Encoding Content-Length Content-Range Content-Type ETag"
		" Last-Modified Location TE WWW-Authenticate X-Content-Type-Options";
	text name, value;

	if (!split_field(line, &name, &value))
		return "is not 'Name: value'";
	return is_one_of(own_fields, name) || is_one_of(response_fields, name)
		       ? "is set by the server itself"
		       : NULL;
}

static const char *type_fault(text ending, text type)
{
	if (!type.at || memchr(ending.at, '.', ending.len) || memchr(ending.at, '/', ending.len))
		return "is not 'EXT=type/subtype', with EXT as it is behind the last dot of a name";
	if (!all_of(type, VALUE) || !skip_token(&type) || !skip_char(&type, '/') ||
	    !skip_token(&type))
		return "has no type/subtype behind the =";
	skip_blank(&type);
	return type.len && type.at[0] != ';'
		       ? "has something behind type/subtype that begins without ;"
		       : NULL;
}

/* What is wrong with the name of a file below the root, or with a path, or NULL. */
static const char *name_fault(const char *name, bool path)
{
	size_t n = strlen(name);

	if (hidden(name) || n >= PATH_MAX - 1)
		return "is no name that is ever served";
	if (name[0] == '/' || strstr(name, "//"))
		return "must not begin with a slash or have two in a row";
	return name[n - 1] == '/' || (!path && strchr(name, '/')) ? "is not the name of a file"
								  : NULL;
}

const char *http_read_rule(enum http_rules kind, const char *word, struct http_rule *rule)
{
	bool pattern = word[0] == '/' || word[0] == '*';

	*rule = (struct http_rule){ .text = text_of(word) };
	switch (kind) {
	case HTTP_FIELDS:
		if (pattern) {
			rule->pattern = cut(&rule->text, ' ');
			skip_blank(&rule->text);
		}
		return field_fault(rule->text);
	case HTTP_TYPES:
		rule->pattern = cut(&rule->text, '=');
		return type_fault(rule->pattern, rule->text);
	case HTTP_UNLOGGED:
		rule->pattern = rule->text;
		return pattern ? NULL : "is not a pattern of paths: these begin with / or *";
	default: return name_fault(word, kind == HTTP_FALLBACKS);
	}
}
