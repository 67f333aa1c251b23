/* An answer, read as strictly as RFC 9112 writes it, and judged by what RFC 9110 asks of any. */
#include "response.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const char *wire_say(struct wire_response *response, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(response->fault, sizeof(response->fault), format, args);
	va_end(args);
	return response->fault;
}

static bool is_token_char(char c)
{
	return c > ' ' && c < 0x7f && !strchr("\"(),/:;<=>?@[\\]{}", c);
}

static bool is_token(struct wire_text text)
{
	for (size_t i = 0; i < text.size; i++)
		if (!is_token_char(text.at[i]))
			return false;
	return text.size > 0;
}

static bool is_digits(struct wire_text text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
	return text.size > 0;
}

bool wire_same(struct wire_text text, const char *other)
{
	return text.size == strlen(other) && memcmp(text.at, other, text.size) == 0;
}

static bool same_name(struct wire_text text, const char *other)
{
	return text.size == strlen(other) && strncasecmp(text.at, other, text.size) == 0;
}

const char *wire_find(struct wire_text text, const char *part)
{
	return text.size ? memmem(text.at, text.size, part, strlen(part)) : NULL;
}

struct wire_text wire_value(const struct wire_response *response, const char *name)
{
	for (size_t i = 0; i < response->field_count; i++)
		if (same_name(response->fields[i].name, name))
			return response->fields[i].value;
	return (struct wire_text){ NULL, 0 };
}

static bool has(const struct wire_response *response, const char *name)
{
	return wire_value(response, name).at;
}

struct wire_text wire_trim(struct wire_text text)
{
	while (text.size && (*text.at == ' ' || *text.at == '\t'))
		text.at++, text.size--;
	while (text.size && (text.at[text.size - 1] == ' ' || text.at[text.size - 1] == '\t'))
		text.size--;
	return text;
}

/* Cut the text at the separator: the piece before it, and `rest` is what follows. */
struct wire_text wire_cut(struct wire_text *rest, char separator)
{
	struct wire_text piece = *rest;
	const char *end = rest->size ? memchr(rest->at, separator, rest->size) : NULL;

	if (end) {
		piece.size = (size_t)(end - rest->at);
		rest->at += piece.size + 1;
		rest->size -= piece.size + 1;
	} else {
		*rest = (struct wire_text){ NULL, 0 };
	}
	return piece;
}

bool wire_member(const struct wire_response *response, const char *name, const char *token)
{
	struct wire_text rest = wire_value(response, name);

	while (rest.at)
		if (same_name(wire_trim(wire_cut(&rest, ',')), token))
			return true;
	return false;
}

/* One line without its CRLF; false when it holds a control byte (bare CR and LF among them). */
static bool cut_line(struct wire_text *rest, struct wire_text *line)
{
	const char *end = wire_find(*rest, "\r\n");

	*line = *rest;
	if (end)
		line->size = (size_t)(end - rest->at);
	rest->at += line->size + (end ? 2 : 0);
	rest->size -= line->size + (end ? 2 : 0);
	for (size_t i = 0; i < line->size; i++)
		if (((unsigned char)line->at[i] < ' ' && line->at[i] != '\t') ||
		    line->at[i] == 0x7f)
			return false;
	return true;
}

/* HTTP-version SP status-code SP reason-phrase (RFC 9112, 4) */
static bool parse_status(struct wire_text line, int *status)
{
	if (line.size < 13 || memcmp(line.at, "HTTP/1.1 ", 9) != 0 || line.at[12] != ' ' ||
	    !is_digits((struct wire_text){ line.at + 9, 3 }))
		return false;
	*status = atoi(line.at + 9);
	return *status >= 100 && *status <= 599;
}

/* field-line = field-name ":" OWS field-value OWS (RFC 9112, 5) */
static const char *parse_field(struct wire_response *response, struct wire_text line)
{
	struct wire_text value = line, name = wire_cut(&value, ':');

	if (!value.at || !is_token(name))
		return wire_say(response, "a field line without name and colon: %.*s",
				(int)line.size, line.at);
	if (response->field_count == WIRE_FIELDS)
		return wire_say(response, "more than %d fields", WIRE_FIELDS);
	for (size_t i = 0; i < response->field_count; i++)
		if (response->fields[i].name.size == name.size &&
		    strncasecmp(response->fields[i].name.at, name.at, name.size) == 0 &&
		    !same_name(name, "Set-Cookie")) /* RFC 9110 5.3 */
			return wire_say(response, "%.*s twice", (int)name.size, name.at);
	response->fields[response->field_count].name = name;
	response->fields[response->field_count++].value = wire_trim(value);
	return NULL;
}

const char *wire_fields(struct wire_response *response, struct wire_text header)
{
	struct wire_text line;

	while (header.size) {
		if (!cut_line(&header, &line))
			return wire_say(response, "a control byte in a field line");
		if (parse_field(response, line))
			return response->fault;
	}
	return NULL;
}

static bool has_body(int status, bool head)
{
	return !head && status >= 200 && status != 204 && status != 304;
}

ssize_t wire_parse(const char *bytes, size_t size, bool head, struct wire_response *response)
{
	struct wire_text header = { bytes, size }, line, length;
	const char *end = wire_find(header, "\r\n\r\n");

	memset(response, 0, sizeof(*response));
	if (!end)
		return 0;
	header.size = (size_t)(end - bytes) + 2;
	response->all = (struct wire_text){ bytes, header.size + 2 };
	if (!cut_line(&header, &line) || !parse_status(line, &response->status)) {
		wire_say(response, "not a status line: %.*s", (int)line.size, line.at);
		return -1;
	}
	if (wire_fields(response, header))
		return -1;
	response->body = (struct wire_text){ end + 4, 0 };
	if (has_body(response->status, head)) {
		length = wire_value(response, "Content-Length");
		/* wwwd knows the length of all that it sends, and has no reason for another way */
		if (!is_digits(length) || length.size > 18) {
			wire_say(response, "no Content-Length that is a number");
			return -1;
		}
		response->body.size = strtoul(length.at, NULL, 10);
		if (response->body.size > size - response->all.size)
			return 0;
		response->all.size += response->body.size;
	}
	return (ssize_t)response->all.size;
}

/* IMF-fixdate (RFC 9110, 5.6.7), the right day of the week too */
static bool parse_date(struct wire_text text, time_t *time)
{
	static const char format[] = "%a, %d %b %Y %H:%M:%S GMT";
	char given[30], again[64];
	struct tm tm = { 0 };
	const char *end;

	if (text.size != 29)
		return false;
	memcpy(given, text.at, 29);
	given[29] = '\0';
	end = strptime(given, format, &tm);
	if (!end || *end)
		return false;
	*time = timegm(&tm);
	return strftime(again, sizeof(again), format, &tm) && strcmp(given, again) == 0;
}

/* entity-tag = [ "W/" ] DQUOTE *etagc DQUOTE */
static bool is_etag(struct wire_text text)
{
	if (text.size > 2 && memcmp(text.at, "W/", 2) == 0)
		text.at += 2, text.size -= 2;
	if (text.size < 3 || text.at[0] != '"' || text.at[text.size - 1] != '"')
		return false;
	for (size_t i = 1; i < text.size - 1; i++)
		if (text.at[i] == '"' || text.at[i] == ' ' || text.at[i] == '\t')
			return false;
	return true;
}

/* RFC 3629 by its numbers: the shortest form, no surrogate, nothing above U+10FFFF. */
bool wire_is_utf8(struct wire_text t)
{
	static const unsigned least[] = { 0, 0, 0x80, 0x800, 0x10000 };

	for (size_t i = 0, n; i < t.size; i += n) {
		unsigned char c = (unsigned char)t.at[i];
		unsigned point = c;

		n = c < 0x80 ? 1 : c >> 5 == 6 ? 2 : c >> 4 == 14 ? 3 : c >> 3 == 30 ? 4 : 0;
		if (n == 0 || n > t.size - i)
			return false;
		if (n > 1)
			point = c & (0x7fu >> n);
		for (size_t k = 1; k < n; k++) {
			if (((unsigned char)t.at[i + k] & 0xc0) != 0x80)
				return false;
			point = point << 6 | ((unsigned char)t.at[i + k] & 0x3f);
		}
		if (point < least[n] || point > 0x10ffff || point >> 11 == 0xd800 >> 11)
			return false;
	}
	return true;
}

size_t wire_unescape(char *plain, struct wire_text html)
{
	static const struct {
		const char *name;
		char c;
	} references[] = { { "&amp;", '&' },
			   { "&lt;", '<' },
			   { "&gt;", '>' },
			   { "&quot;", '"' },
			   { "&#39;", '\'' } };
	size_t n = 0;

	while (html.size) {
		size_t taken = 1;

		plain[n] = *html.at;
		for (size_t i = 0; i < sizeof(references) / sizeof(references[0]); i++) {
			size_t length = strlen(references[i].name);

			if (html.size >= length &&
			    memcmp(html.at, references[i].name, length) == 0) {
				plain[n] = references[i].c;
				taken = length;
			}
		}
		html.at += taken;
		html.size -= taken;
		n++;
	}
	return n;
}

/* "bytes first-last/length", and that many bytes at the beginning of the text */
static bool parse_range(struct wire_text value, struct wire_text text, struct wire_range *range)
{
	struct wire_text rest = value, first, last;

	if (!wire_same(wire_cut(&rest, ' '), "bytes"))
		return false;
	first = wire_cut(&rest, '-');
	last = wire_cut(&rest, '/');
	if (!is_digits(first) || !is_digits(last) || !is_digits(rest))
		return false;
	range->first = atoll(first.at);
	range->length = atoll(rest.at);
	range->bytes = (struct wire_text){ text.at, (size_t)(atoll(last.at) - range->first + 1) };
	return atoll(last.at) >= range->first && atoll(last.at) < range->length &&
	       range->bytes.size <= text.size;
}

static const char *fault_of_dates(struct wire_response *response, time_t now)
{
	struct wire_text modified = wire_value(response, "Last-Modified");
	time_t date, then;

	if (!parse_date(wire_value(response, "Date"), &date))
		return wire_say(response, "no Date that is an IMF-fixdate (RFC 9110, 6.6.1)");
	if (llabs((long long)(date - now)) > 10)
		return wire_say(response, "Date isn't now");
	if (modified.at && !parse_date(modified, &then))
		return wire_say(response, "Last-Modified isn't an IMF-fixdate");
	if (modified.at && then > date)
		return wire_say(response, "Last-Modified is later than Date (RFC 9110, 8.8.2.1)");
	return NULL;
}

static const char *fault_of_range(struct wire_response *response)
{
	struct wire_text range = wire_value(response, "Content-Range");
	bool multipart = wire_find(wire_value(response, "Content-Type"), "multipart/byteranges");
	struct wire_range one;

	if (response->status == 416 &&
	    (range.size < 9 || memcmp(range.at, "bytes */", 8) != 0 ||
	     !is_digits((struct wire_text){ range.at + 8, range.size - 8 })))
		return wire_say(response, "416 without Content-Range: bytes */length");
	if (response->status == 206 && multipart && range.at)
		return wire_say(response, "Content-Range on a multipart (RFC 9110, 15.3.7.2)");
	if (response->status == 206 && !multipart &&
	    (!parse_range(range, response->body, &one) || one.bytes.size != response->body.size))
		return wire_say(response, "206 whose Content-Range and length disagree");
	if (response->status != 206 && response->status != 416 && range.at)
		return wire_say(response, "Content-Range on a %d", response->status);
	return NULL;
}

/* Fields that an answer of this status must have, or must not have. */
static const char *fault_of_status(struct wire_response *response)
{
	static const struct {
		int status;
		bool must;
		const char *name, *source;
	} rules[] = {
		{ 204, false, "Content-Length", "RFC 9110, 8.6" },
		{ 204, false, "Content-Type", "there is no content" },
		{ 304, false, "Content-Type", "RFC 9110, 15.4.5" },
		{ 304, false, "Content-Encoding", "RFC 9110, 15.4.5" },
		{ 304, false, "Content-Length", "RFC 9110, 8.6: only the length of the 200" },
		{ 206, true, "ETag", "RFC 9110, 15.3.7" },
		{ 301, true, "Location", "RFC 9110, 15.4.2" },
		{ 405, true, "Allow", "RFC 9110, 15.5.6" },
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].status == response->status &&
		    has(response, rules[i].name) != rules[i].must)
			return wire_say(response, "%d %s %s (%s)", response->status,
					rules[i].must ? "without" : "with", rules[i].name,
					rules[i].source);
	if (response->status == 405 &&
	    !wire_same(wire_value(response, "Allow"), "GET, HEAD, POST, OPTIONS"))
		return wire_say(response, "Allow isn't GET, HEAD, POST, OPTIONS");
	return NULL;
}

static const char *fault_of_content(struct wire_response *response, bool head)
{
	struct wire_text type = wire_value(response, "Content-Type"), slash = type;
	struct wire_text etag = wire_value(response, "ETag");

	if (head && has_body(response->status, false) && !has(response, "Content-Length"))
		return wire_say(response, "no Content-Length for HEAD, and GET has one");
	if (response->body.size && !type.at)
		return wire_say(response, "content without Content-Type (RFC 9110, 8.3)");
	if (type.at && (!is_token(wire_cut(&slash, '/')) || !slash.at ||
			!is_token(wire_trim(wire_cut(&slash, ';')))))
		return wire_say(response, "Content-Type isn't type/subtype");
	if (type.at && !wire_same(wire_value(response, "X-Content-Type-Options"), "nosniff"))
		return wire_say(response, "no X-Content-Type-Options: nosniff");
	if (etag.at && !is_etag(etag))
		return wire_say(response, "ETag isn't one");
	if (has(response, "Content-Encoding") && !wire_member(response, "Vary", "Accept-Encoding"))
		return wire_say(response, "Content-Encoding without Vary: Accept-Encoding");
	if (wire_find(type, "text/") && !has(response, "Content-Encoding") &&
	    !wire_is_utf8(response->body))
		return wire_say(response, "text that isn't UTF-8");
	return NULL;
}

const char *wire_fault(struct wire_response *response, bool head, time_t now)
{
	const char *what;

	if (response->status < 200) {
		if (has(response, "Content-Length") || has(response, "Transfer-Encoding"))
			return wire_say(response, "framing on a %d", response->status);
		return NULL;
	}
	if (has(response, "Transfer-Encoding"))
		return wire_say(response, "Transfer-Encoding beside Content-Length");
	what = fault_of_dates(response, now);
	if (!what)
		what = fault_of_status(response);
	if (!what)
		what = fault_of_content(response, head);
	if (!what && !head)
		what = fault_of_range(response);
	return what;
}

static const char *take_part(struct wire_response *response, struct wire_text *rest,
			     struct wire_range *range)
{
	struct wire_response part = { 0 };
	struct wire_text line;

	while (cut_line(rest, &line) && line.size)
		if (parse_field(&part, line))
			return wire_say(response, "in a part: %s", part.fault);
	if (!parse_range(wire_value(&part, "Content-Range"), *rest, range))
		return wire_say(response, "a part whose Content-Range and length disagree");
	if (!has(&part, "Content-Type"))
		return wire_say(response, "a part without Content-Type");
	rest->at += range->bytes.size;
	rest->size -= range->bytes.size;
	return cut_line(rest, &line) && !line.size ? NULL : wire_say(response, "a part goes on");
}

/* RFC 9110, 14.6; RFC 2046, 5.1 */
const char *wire_ranges(struct wire_response *response, struct wire_range *ranges, size_t *count)
{
	struct wire_text type = wire_value(response, "Content-Type"), rest = response->body, line;
	char text[128], boundary[80] = "--";
	int length = 0;

	*count = 0;
	if (has(response, "Content-Range"))
		return parse_range(wire_value(response, "Content-Range"), rest, &ranges[(*count)++])
			       ? NULL
			       : wire_say(response, "no Content-Range");
	snprintf(text, sizeof(text), "%.*s", (int)type.size, type.at);
	if (sscanf(text, "multipart/byteranges; boundary=%70[0-9A-Za-z'()+_,./:=?-]%n",
		   boundary + 2, &length) != 1 ||
	    (size_t)length != type.size)
		return wire_say(response, "no multipart/byteranges with a boundary");
	for (cut_line(&rest, &line); cut_line(&rest, &line) && wire_same(line, boundary); ++*count)
		if (*count == WIRE_RANGES || take_part(response, &rest, &ranges[*count]))
			return response->fault;
	if (!wire_same(line, strcat(boundary, "--")) || rest.size)
		return wire_say(response, "no closing boundary at the end");
	return NULL;
}
