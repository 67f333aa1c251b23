/*
 * Dates, beside the C library's: an octet for what year it is, eight for a moment, and then what
 * may be a date in one of its three forms (RFC 9110 5.6.7).
 */
#include "fuzz.h"

#include <inttypes.h>

#define DAYS "(Sun|Mon|Tue|Wed|Thu|Fri|Sat)"
#define LONG_DAYS "(Sunday|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday)"
#define MONTHS "(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
#define TIME "[0-9]{2}:[0-9]{2}:([0-5][0-9]|60)"

enum { YEAR_0 = -1900 }; /* as struct tm counts */

/* The last year that ends so and isn't more than 50 years ahead. */
static int nearest_year(int two_digits, int this_year)
{
	int year = this_year + 50;

	while (year % 100 != two_digits)
		year--;
	return year;
}

static const char *slow_form(text t)
{
	if (matches(t, DAYS ", [0-9]{2} " MONTHS " [0-9]{4} " TIME " GMT"))
		return "%a, %d %b %Y %H:%M:%S GMT";
	if (matches(t, LONG_DAYS ", [0-9]{2}-" MONTHS "-[0-9]{2} " TIME " GMT"))
		return "%A, %d-%b-%y %H:%M:%S GMT";
	if (matches(t, DAYS " " MONTHS " ([0-9]{2}| [0-9]) " TIME " [0-9]{4}"))
		return "%a %b %e %H:%M:%S %Y";
	return NULL;
}

static bool slow_date(text t, int this_year, int64_t *when)
{
	const char *form = slow_form(t);
	struct tm tm = { .tm_year = 0 };
	char copy[64];

	if (!form)
		return false;
	snprintf(copy, sizeof(copy), "%.*s", (int)t.len, t.at);

	const char *end = strptime(copy, form, &tm);

	if (!end || *end)
		return false;
	if (strstr(form, "%y"))
		tm.tm_year = YEAR_0 + nearest_year(tm.tm_year % 100, this_year);

	int day = tm.tm_mday, second = tm.tm_sec;

	tm.tm_sec = 0; /* a leap second is the next minute's first */
	*when = timegm(&tm) + second;
	return tm.tm_mday == day;
}

/* A moment and back: by the same calendar as the C library's, in the form that may be sent. */
static void write_and_read(int64_t when)
{
	char bytes[64], want[64];
	struct out o = { bytes, 0, sizeof(bytes), false };
	struct tm tm;
	time_t moment = when;
	int64_t again;
	size_t n;

	put_date(&o, when);
	if (!gmtime_r(&moment, &tm) || tm.tm_year < YEAR_0 || tm.tm_year > YEAR_0 + 9999) {
		must(o.len == 0, "no date is written of a year without four digits");
		return;
	}
	n = strftime(want, sizeof(want), "%a, %d %b ", &tm);
	snprintf(want + n, sizeof(want) - n, "%04d %02d:%02d:%02d GMT", tm.tm_year - YEAR_0,
		 tm.tm_hour, tm.tm_min, tm.tm_sec);
	must(!o.overrun && same((text){ bytes, o.len }, text_of(want)), "the date that it is");
	must(parse_date((text){ bytes, o.len }, 0, &again) && again == when,
	     "what is written is read");
}

static void run_dates(const unsigned char *data, size_t size)
{
	/* where the digits of this year's century matter, and its first and last years */
	static const int years[] = { 2000, 2026, 2049, 2100 };
	int64_t when = 0, want = 0, now = 0;

	if (size < 9)
		return;

	int year = years[data[0] % LENGTH(years)];
	struct tm tm = { .tm_year = YEAR_0 + year, .tm_mday = 1 };
	text t = case_text(data + 9, size - 9);

	memcpy(&when, data + 1, sizeof(when));
	write_and_read(when);
	write_and_read(when % 253402300800); /* few of them are of those years otherwise */
	now = timegm(&tm);
	when = 0;

	bool good = slow_date(t, year, &want);

	must(parse_date(t, now, &when) == good, "a date is one of the three forms");
	must(when == want || !good, "a date is that moment");
}
