/*
 * The reader of requests alone: in one piece, octet by octet, and beside a reader that knows
 * nothing but the grammar (RFC 9112 2 to 7). What is accepted has to be the same, and to mean it.
 *
 * A case is an octet, which makes the limits small or not, and then the request.
 */
#include "fuzz.h"

/* ---- the slow reader ---------------------------------------------------------- */

enum { FIELDS_MOST = 256 };

struct meaning {
	text method, path, query;
	int minor;
	bool close, chunked, expect;
	uint64_t length;
	struct {
		text name, value;
	} fields[FIELDS_MOST];
	size_t count;
};

enum verdict { BAD, INCOMPLETE, GOOD };

/* A line with its CRLF: BAD if it ends otherwise. */
static enum verdict take_line(text *left, text *line)
{
	if (!memchr(left->at, '\n', left->len))
		return INCOMPLETE;
	*line = take_until(left, '\n');
	if (line->len == 0 || line->at[line->len - 1] != '\r')
		return BAD;
	line->len--;
	return GOOD;
}

static bool good_octets(text t)
{
	return matches(t, "([^%]|%[0-9a-fA-F]{2})*");
}

/* Of a host or a path: what is encoded is neither NUL nor a slash. */
static bool good_name(text t)
{
	return good_octets(t) && !matches(t, ".*%(00|2[fF]).*");
}

static bool good_host(text t)
{
	char address[INET6_ADDRSTRLEN];
	struct in6_addr in6;

	if (!matches(t, "\\[[0-9a-fA-F:.]+\\]"))
		return matches(t, "[-._~!$&'()*+,;=%0-9A-Za-z]+") && good_name(t);
	snprintf(address, sizeof(address), "%.*s", (int)t.len - 2, t.at + 1);
	return strlen(address) == t.len - 2 && inet_pton(AF_INET6, address, &in6) == 1;
}

static bool good_authority(text t)
{
	text host = t, port = { "", 0 };
	size_t n = t.len;

	while (n && t.at[n - 1] >= '0' && t.at[n - 1] <= '9')
		n--;
	if (n && t.at[n - 1] == ':') {
		port = (text){ t.at + n, t.len - n };
		host.len = n - 1;
	}
	return good_host(host) && number_of(port) <= 65535;
}

static bool read_target_slowly(text target, struct meaning *m)
{
	if (!matches(target, "[^[:cntrl:] #]+"))
		return false;
	if (same(m->method, text_of("CONNECT")))
		return true;
	if (same(target, text_of("*")))
		return same(m->method, text_of("OPTIONS"));
	if (target.at[0] != '/') {
		if (!matches(target, "[hH][tT][tT][pP][sS]?://.*"))
			return false;
		(void)take_until(&target, '/');
		skip(&target, 1);

		size_t n = 0;

		while (n < target.len && target.at[n] != '/' && target.at[n] != '?')
			n++;
		if (!good_authority((text){ target.at, n }))
			return false;
		skip(&target, n);
	}
	m->query = target;
	m->path = take_until(&m->query, '?');
	m->query = (text){ target.at + m->path.len, target.len - m->path.len };
	if (m->path.len == 0)
		m->path = text_of("/");
	return good_name(m->path);
}

static bool read_first_line(text line, struct meaning *m)
{
	text target;

	if (!matches(line, TOKEN_CHARS "+ [^ ]* HTTP/1\\.[0-9]"))
		return false;
	m->minor = line.at[line.len - 1] - '0';
	m->method = take_until(&line, ' ');
	target = take_until(&line, ' ');
	return read_target_slowly(target, m);
}

static bool take_field(text line, struct meaning *m)
{
	text value = line;

	if (!matches(line, TOKEN_CHARS "+:([^[:cntrl:]]|\t)*") || m->count == FIELDS_MOST)
		return false;
	m->fields[m->count].name = take_until(&value, ':');
	m->fields[m->count++].value = without_blanks(value);
	return true;
}

/* How many lines of that name; the last one's value. */
static size_t find_lines(const struct meaning *m, const char *name, text *value)
{
	size_t count = 0;

	for (size_t i = 0; i < m->count; i++)
		if (word_is(m->fields[i].name, name)) {
			*value = m->fields[i].value;
			count++;
		}
	return count;
}

/* How many elements in lists of that name are this word; or, without a word, there are at all. */
static size_t find_elements(const struct meaning *m, const char *name, const char *word)
{
	size_t count = 0;
	text element;

	for (size_t i = 0; i < m->count; i++)
		if (word_is(m->fields[i].name, name))
			for (text left = m->fields[i].value; take_element(&left, &element);)
				count += !word || word_is(element, word);
	return count;
}

/* RFC 9112 6.3, and nothing of it that two readers may see differently. */
static bool find_end(struct meaning *m, const struct http_limits *limits)
{
	text length, coding;
	size_t lengths = find_lines(m, "Content-Length", &length);
	size_t encodings = find_lines(m, "Transfer-Encoding", &coding);

	if (lengths > 1 || encodings > 1 || (lengths && !matches(length, "[0-9]+")) ||
	    (encodings && (lengths || m->minor == 0 || !word_is(coding, "chunked"))))
		return false;
	m->chunked = encodings;
	m->length = lengths ? number_of(length) : 0;
	return m->length <= limits->body;
}

static bool judge_fields(struct meaning *m, const struct http_limits *limits)
{
	text host = { NULL, 0 };
	size_t hosts = find_lines(m, "Host", &host);

	if (hosts > 1 || (hosts == 0 && m->minor > 0) || (hosts && !good_authority(host)))
		return false;
	if (m->minor > 0 &&
	    find_elements(m, "Expect", NULL) != find_elements(m, "Expect", "100-continue"))
		return false;
	m->expect = m->minor > 0 && find_elements(m, "Expect", NULL);
	m->close = find_elements(m, "Connection", "close") ||
		   (m->minor == 0 && !find_elements(m, "Connection", "keep-alive"));
	return find_end(m, limits);
}

static enum verdict read_slowly(text left, const struct http_limits *limits, struct meaning *m)
{
	size_t blanks = 0, lines = 0, header = 0;
	enum verdict verdict;
	text line;

	memset(m, 0, sizeof(*m));
	while ((verdict = take_line(&left, &line)) == GOOD) {
		if (line.len == 0 && lines)
			return judge_fields(m, limits) ? GOOD : BAD;
		if (line.len == 0 && ++blanks > BLANK_LINES)
			return BAD;
		if (line.len == 0)
			continue;
		if (lines++ == 0) {
			if (line.len > limits->line || !read_first_line(line, m))
				return BAD;
			continue;
		}
		header += line.len + 2;
		if (header > limits->header || lines - 1 > limits->fields || !take_field(line, m))
			return BAD;
	}
	return verdict;
}

/* ---- side by side ---------------------------------------------------------------- */

/* What the reader says when all is there, or up to where it refuses; `step`: so much at a time. */
static int read_in_steps(struct http_work *work, text t, size_t step,
			 int (*read)(struct http_work *, const struct http_limits *),
			 const struct http_limits *limits)
{
	int status = MORE;

	/* of just that size, so that the sanitizer sees a look beyond */
	work->input.at = malloc(t.len);
	need(work->input.at, "malloc");
	memcpy(work->input.at, t.at, t.len);
	while (status == MORE && work->input.end < t.len) {
		work->input.end += t.len - work->input.end < step ? t.len - work->input.end : step;
		status = read(work, limits);
	}
	return status;
}

/* In one piece and octet by octet, beside the verdict of the slow reader. */
static int read_both(struct http_work *works[2], text t,
		     int (*read)(struct http_work *, const struct http_limits *),
		     const struct http_limits *limits, enum verdict verdict)
{
	static char memory[2][sizeof(struct http_work)];
	int status, again;

	works[0] = http_work_init(memory[0], limits);
	works[1] = http_work_init(memory[1], limits);
	status = read_in_steps(works[0], t, t.len, read, limits);
	again = read_in_steps(works[1], t, 1, read, limits);
	must(status == again || (status >= 400 && again >= 400), "pieces don't change what it is");
	must((status == WHOLE) == (verdict == GOOD),
	     "accepted is what the grammar has, and no more");
	must(status != MORE || verdict == INCOMPLETE,
	     "it doesn't wait for the end of what is wrong");
	return status;
}

static int read_request(struct http_work *work, const struct http_limits *limits)
{
	int status = read_as(read_head(&work->input, &work->req, limits), work);

	if (status != WHOLE)
		return status;
	status = (int)read_framing(&work->req, limits);
	return status ? status : WHOLE;
}

/* What wasn't said is nowhere. */
static bool both_same(text a, text b)
{
	return a.len == b.len && (a.len == 0 || same(a, b));
}

static void compare_meaning(const struct request *req, const struct meaning *m)
{
	must(same(req->method_name, m->method), "the same method");
	must(req->minor == m->minor, "the same version");
	must(req->close == m->close, "the connection goes on, or not");
	must(req->chunked == m->chunked && req->length == m->length, "the same body");
	must(req->expect == m->expect, "the client waits for 100, or not");
	must(both_same(req->path, m->path) && both_same(req->query, m->query), "the same address");
}

static void run_request(const unsigned char *data, size_t size)
{
	static struct meaning meaning;
	struct http_limits limits = usual_limits;
	struct http_work *works[2];

	if (size < 2)
		return;
	if (data[0] & 1) {
		limits.line = 60;
		limits.header = 150;
		limits.fields = 4;
		limits.body = 100;
	}

	text t = case_text(data + 1, size - 1);
	enum verdict verdict = read_slowly(t, &limits, &meaning);

	if (read_both(works, t, read_request, &limits, verdict) == WHOLE) {
		must(works[0]->input.head_end == works[1]->input.head_end,
		     "pieces don't change where it ends");
		compare_meaning(&works[0]->req, &meaning);
		compare_meaning(&works[1]->req, &meaning);
	}
	free(works[0]->input.at);
	free(works[1]->input.at);
}
