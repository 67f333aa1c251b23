/* An answer of HTTP/1.1, read as strictly as RFC 9112 writes it. */
#ifndef RESPONSE_H
#define RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

enum { WIRE_FIELDS = 64, WIRE_RANGES = 64 };

/* The texts point into the bytes they were read from. */
struct wire_text {
	const char *at;
	size_t size;
};

struct wire_response {
	int status;
	struct {
		struct wire_text name, value;
	} fields[WIRE_FIELDS];
	size_t field_count;
	struct wire_text all, body;
	char fault[256];
};

/* The size of the answer at the start of the bytes, 0 when more are needed, -1 with a fault. */
ssize_t wire_parse(const char *bytes, size_t size, bool head, struct wire_response *response);
/* What no answer of wwwd may be at that time, whatever was asked; NULL when nothing is wrong. */
const char *wire_fault(struct wire_response *response, bool head, time_t now);
/* More fields, one a line: NULL, or what is wrong with them. */
const char *wire_fields(struct wire_response *response, struct wire_text header);
/* Some bytes of a representation of that length. */
struct wire_range {
	long long first, length;
	struct wire_text bytes;
};

/* What a 206 has: NULL, or what is wrong with it. */
const char *wire_ranges(struct wire_response *response, struct wire_range *ranges, size_t *count);
/* The value of the field, {NULL, 0} when there is none. */
struct wire_text wire_value(const struct wire_response *response, const char *name);
/* Whether the field has this member, as a list of tokens. */
bool wire_member(const struct wire_response *response, const char *name, const char *token);

/* Writes down what is wrong, and returns it. */
__attribute__((format(printf, 2, 3))) const char *wire_say(struct wire_response *response,
							   const char *format, ...);
bool wire_same(struct wire_text text, const char *other);
const char *wire_find(struct wire_text text, const char *part);
struct wire_text wire_trim(struct wire_text text);
/* Cut the text at the separator: the piece before it, and `rest` is what follows. */
struct wire_text wire_cut(struct wire_text *rest, char separator);
bool wire_is_utf8(struct wire_text text);
/* As a browser reads HTML: the text without its character references, which is never longer. */
size_t wire_unescape(char *plain, struct wire_text html);

#endif
