/* Whether an answer is the one that a case wants. */
#include "wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The header given to every server by --header; it must be on every final answer. */
static const char extra_name[] = "X-Wire", extra_value[] = "on every answer";

/* What no answer to a case may be, whatever was asked. */
static const char *common_fault(struct wire_response *response, bool head)
{
	static const char *const never[] = { POISON, SECRET, ECHOED };

	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		if (wire_find(response->all, never[i]))
			return wire_say(response, "there is %s in the answer", never[i]);
	if (response->status >= 200 && !wire_same(wire_value(response, extra_name), extra_value))
		return wire_say(response, "no %s, and --header named it", extra_name);
	/* all files are old ones */
	if (wire_value(response, "ETag").at && *wire_value(response, "ETag").at == 'W')
		return wire_say(response, "a weak ETag");
	return wire_fault(response, head, time(NULL));
}

static const char *find(struct wire_text text, struct wire_text part)
{
	return text.size ? memmem(text.at, text.size, part.at, part.size) : NULL;
}

/* Whether one of the alternatives in "a|b" is the value. */
static bool among(struct wire_text value, struct wire_text alternatives)
{
	while (alternatives.at) {
		struct wire_text one = wire_cut(&alternatives, '|');

		if (one.size == value.size && memcmp(one.at, value.at, one.size) == 0)
			return true;
	}
	return false;
}

/* Whether the answer has what an entry of `has` or `lacks` describes. */
static bool matches(const struct wire_response *response, struct wire_text entry)
{
	struct wire_text wanted = entry, name = wire_cut(&wanted, ':'), value;
	char text[256];

	snprintf(text, sizeof(text), "%.*s", (int)name.size, name.at);
	value = wire_value(response, text);
	if (!value.at || !wanted.at)
		return value.at;
	if (*wanted.at != '~')
		return among(value, wire_trim(wanted));
	return find(value, (struct wire_text){ wanted.at + 1, wanted.size - 1 });
}

static struct wire_text list(const char *lines)
{
	return (struct wire_text){ lines, lines ? strlen(lines) : 0 };
}

/* The header has each entry of the lines, or none of them. */
static const char *unlike_header(struct wire_response *response, const char *lines, bool wanted)
{
	for (struct wire_text rest = list(lines); rest.at;) {
		struct wire_text entry = wire_cut(&rest, '\n');

		if (matches(response, entry) != wanted)
			return wire_say(response, "the header %s %.*s", wanted ? "lacks" : "has",
					(int)entry.size, entry.at);
	}
	return NULL;
}

static const char *unlike_text(struct wire_response *response, const struct wire_answer *want)
{
	struct wire_text rest, body = response->body;

	for (rest = list(want->shows); rest.at;) {
		struct wire_text entry = wire_cut(&rest, '\n');
		const char *at = find(body, entry);

		if (!at)
			return wire_say(response, "the body doesn't show %.*s (or not in order)",
					(int)entry.size, entry.at);
		body.size -= (size_t)(at - body.at);
		body.at = at;
	}
	for (rest = list(want->hides); rest.at;) {
		struct wire_text entry = wire_cut(&rest, '\n');

		if (find(response->all, entry))
			return wire_say(response, "there is %.*s in the answer", (int)entry.size,
					entry.at);
	}
	return NULL;
}

static bool is_file(struct wire_text body, const char *root, const char *name)
{
	char path[4096], *content = malloc(body.size + 1);
	bool equal;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	file = fopen(path, "re");
	equal = file && content && fread(content, 1, body.size + 1, file) == body.size &&
		memcmp(content, body.at, body.size) == 0;
	if (file)
		fclose(file);
	free(content);
	return equal;
}

static bool status_allowed(int status, const char *allowed)
{
	char text[8];

	snprintf(text, sizeof(text), "%d", status);
	return strstr(allowed, text);
}

static const char *unlike_parts(struct wire_response *response, const char *wanted)
{
	struct wire_range ranges[WIRE_RANGES];
	char text[4096] = "";
	size_t count, n = 0;
	const char *what = wire_ranges(response, ranges, &count);

	for (size_t i = 0; i < count && n < sizeof(text); i++)
		n += (size_t)snprintf(
			text + n, sizeof(text) - n, "%s%lld-%lld/%lld=%.*s", i ? " " : "",
			ranges[i].first, ranges[i].first + (long long)ranges[i].bytes.size - 1,
			ranges[i].length, (int)ranges[i].bytes.size, ranges[i].bytes.at);
	if (!what && strcmp(text, wanted) != 0)
		what = wire_say(response, "the parts are %.200s", text);
	return what;
}

static const char *unlike_one(struct wire_response *response, const struct wire_answer *want,
			      const char *root)
{
	const char *what;

	if (!status_allowed(response->status, want->status))
		return wire_say(response, "the status is %d, not %s", response->status,
				want->status);
	what = unlike_header(response, want->has, true);
	if (!what)
		what = unlike_header(response, want->lacks, false);
	if (!what)
		what = unlike_text(response, want);
	if (what)
		return what;
	if (want->body && !wire_same(response->body, want->body))
		return wire_say(response, "the body isn't %s", want->body);
	if (want->file && !is_file(response->body, root, want->file))
		return wire_say(response, "the body isn't the file %s", want->file);
	if (want->parts)
		return unlike_parts(response, want->parts);
	return NULL;
}

const char *wire_unlike(struct wire_response *response, const struct wire_answer *want,
			const char *root)
{
	const char *what = common_fault(response, want->head);

	if (what)
		return what;
	what = unlike_one(response, want, root);
	/* RFC 9110, 15.4.5: where the 200 has one, and only a listing's has none */
	if (!what && response->status == 304 && !wire_value(response, "ETag").at &&
	    !(want->lacks && strstr(want->lacks, "ETag")))
		what = wire_say(response, "304 without ETag");
	for (; what && want->otherwise; want = want->otherwise)
		if (!unlike_one(response, want->otherwise, root))
			return NULL;
	return what;
}
