/* Ranges, beside a reader that keeps to RFC 9110 14.1.1: an octet for the size, then a value. */
#include "fuzz.h"

struct span {
	uint64_t first, last;
};

/* One range-spec: -1 if it is none, 0 if there is nothing there, 1 and what it asks for. */
static int slow_range(text spec, uint64_t size, struct span *span)
{
	text first, last = spec;

	if (!matches(spec, "[0-9]+-[0-9]*|-[0-9]+"))
		return -1;
	first = take_until(&last, '-');
	if (first.len == 0) {
		uint64_t n = number_of(last);

		*span = (struct span){ n < size ? size - n : 0, size - 1 };
		return n && size;
	}
	*span = (struct span){ number_of(first), last.len ? number_of(last) : UINT64_MAX };
	if (span->last < span->first)
		return -1;
	if (size && span->last > size - 1)
		span->last = size - 1;
	return span->first < size;
}

static enum range_kind slow_ranges(text value, uint64_t size, struct span *spans, size_t *count)
{
	size_t asked = 0;

	*count = 0;
	if (value.len < 6 || strncasecmp(value.at, "bytes=", 6) != 0)
		return RANGE_WHOLE;
	skip(&value, 6);
	while (value.len) {
		text spec = without_blanks(take_until(&value, ','));
		struct span span;
		int kind;

		if (spec.len == 0)
			continue;
		kind = slow_range(spec, size, &span);
		if (kind < 0 || ++asked > PARTS_MOST)
			return RANGE_WHOLE;
		for (size_t i = 0; kind && i < *count; i++)
			if (span.last >= spans[i].first && span.first <= spans[i].last)
				return RANGE_WHOLE;
		if (kind)
			spans[(*count)++] = span;
	}
	return *count ? RANGE_PARTS : asked ? RANGE_NONE : RANGE_WHOLE;
}

static void run_ranges(const unsigned char *data, size_t size)
{
	struct span spans[PARTS_MOST];
	struct ranges ranges;
	size_t count;

	if (size == 0)
		return;

	/* small ones, where all the edges are, and the edges of 64 bits */
	uint64_t bytes = data[0] < 0x80 ? data[0]
					: (UINT64_MAX >> (data[0] & 63)) - (data[0] >> 6 & 1);
	text value = case_text(data + 1, size - 1);
	enum range_kind kind = slow_ranges(value, bytes, spans, &count);

	must(read_ranges(value, bytes, &ranges) == kind, "ranges are what the grammar says");
	if (kind != RANGE_PARTS)
		return;
	must(ranges.count == count, "so many ranges are asked for");
	for (size_t i = 0; i < count; i++)
		must(ranges.part[i].begin == spans[i].first &&
			     ranges.part[i].end - 1 == spans[i].last && ranges.part[i].end <= bytes,
		     "these ranges, and in that order");
}
