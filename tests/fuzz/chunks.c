/*
 * A chunked body (RFC 9112 7.1): in one piece, octet by octet, and beside a reader that knows
 * nothing but the grammar. Where it ends is where the next request begins, so that there is no
 * second opinion. A case is an octet, which makes the limits small or not, and what follows a head.
 */
#include "fuzz.h"

#define QUOTED "\"([^\"\\[:cntrl:]]|\t|\\\\([^[:cntrl:]]|\t))*\""
#define EXTENSIONS "(;" TOKEN_CHARS "+(=(" TOKEN_CHARS "+|" QUOTED "))?)*"

/* A line with its CRLF, that isn't too long. */
static enum verdict take_chunk_line(text *left, text *line)
{
	const char *end = memchr(left->at, '\n', left->len);

	if ((end ? (size_t)(end - left->at) : left->len) > CHUNK_LINE)
		return BAD;
	return take_line(left, line);
}

/* What says something in a header says nothing in a trailer (RFC 9110 6.5.1): it is refused. */
static bool is_of_header(text line)
{
	static const char *const names[] = {
		"Host",
		"Content-Length",
		"Transfer-Encoding",
		"Connection",
		"Expect",
		"Range",
		"If-Range",
		"If-Match",
		"If-None-Match",
		"If-Modified-Since",
		"If-Unmodified-Since",
		"Accept-Encoding",
		"Referer",
		"User-Agent",
	};
	const char *colon = memchr(line.at, ':', line.len);

	for (size_t i = 0; colon && i < sizeof(names) / sizeof(names[0]); i++)
		if (word_is((text){ line.at, (size_t)(colon - line.at) }, names[i]))
			return true;
	return false;
}

/* Where the trailers end. */
static enum verdict read_trailers(text *left, const struct http_limits *limits, size_t spent)
{
	enum verdict verdict;
	size_t count = 0;
	text line;

	while ((verdict = take_chunk_line(left, &line)) == GOOD && line.len) {
		spent += line.len;
		if (!matches(line, TOKEN_CHARS "+:([^[:cntrl:]]|\t)*") || is_of_header(line) ||
		    ++count > limits->fields || spent > limits->header)
			return BAD;
	}
	return verdict;
}

static enum verdict read_chunks_slowly(text *left, const struct http_limits *limits)
{
	uint64_t room = limits->body, size;
	enum verdict verdict;
	size_t spent = 0;
	text line;

	while ((verdict = take_chunk_line(left, &line)) == GOOD) {
		char digits[17] = "";

		if (!matches(line, "[0-9a-fA-F]{1,16}" EXTENSIONS))
			return BAD;
		memcpy(digits, line.at, line.len < 16 ? line.len : 16);
		size = strtoull(digits, NULL, 16);
		spent += line.len > 16 ? line.len - 16 : 0;
		if (size > room || spent > limits->header)
			return BAD;
		if (size == 0)
			return read_trailers(left, limits, spent);
		if (size > left->len)
			return INCOMPLETE;
		skip(left, (size_t)size);
		room -= size;
		if (left->len < 2)
			return left->len && left->at[0] != '\r' ? BAD : INCOMPLETE;
		if (memcmp(left->at, "\r\n", 2) != 0)
			return BAD;
		skip(left, 2);
	}
	return verdict;
}

static int read_chunked(struct http_work *work, const struct http_limits *limits)
{
	int status;

	work->req.chunked = true;
	do {
		work->effort = 0;
		status = read_as(read_body(work, limits), work);
	} while (status == MORE && spent(work));
	return status;
}

static void run_chunks(const unsigned char *data, size_t size)
{
	struct http_limits limits = usual_limits;
	struct http_work *works[2];

	if (size < 2)
		return;
	if (data[0] & 1) {
		limits.header = 60;
		limits.fields = 3;
		limits.body = 100;
	}

	text t = case_text(data + 1, size - 1), left = t;
	enum verdict verdict = read_chunks_slowly(&left, &limits);

	if (read_both(works, t, read_chunked, &limits, verdict) == WHOLE)
		must(works[0]->input.next == works[1]->input.next &&
			     works[0]->input.next == t.len - left.len,
		     "a body ends where it ends");
	free(works[0]->input.at);
	free(works[1]->input.at);
}
