/*
 * What the targets share. http.c is included, not linked, as in tests/http/talk.h, and what it opens and
 * allocates is watched: nothing that isn't beneath the root, and nothing that isn't given back.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <regex.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A kind of case, and what has to hold of each. */
struct target {
	const char *name;
	void (*run)(const unsigned char *data, size_t size);
	bool script;  /* of bytes and of what happens between them, see conversation.c */
	size_t seeds; /* a case is made of so many at most, */
	size_t cases; /* and so many are made if no number is given */
};

static const struct target *running; /* the one that runs, and its case */
static const unsigned char *case_at;
static size_t case_size;

static void remove_site(void);

/* As in tests/fuzz/seeds: a line, which may also stand between single quotes. */
static void print_case(FILE *to)
{
	for (size_t i = 0; i < case_size; i++) {
		unsigned char c = case_at[i];

		if (c >= ' ' && c < 0x7f && c != '\\' && c != '\'')
			fputc(c, to);
		else
			fprintf(to, "\\x%02x", c);
	}
}

/* What doesn't hold is the end of everything; how to see it again is printed. */
static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "not so: %s\nprintf '%%s\\n' '", what);
	print_case(stderr);
	fprintf(stderr, "' | build/tests/fuzz %s -\n", running->name);
	remove_site();
	abort();
}

/* ---- what http.c opens and allocates ---------------------------------------- */

static char beneath[PATH_MAX]; /* the root's own path; until there is one, nothing is asked */

static int watch_open(int fd)
{
	int saved = errno;
	char name[64], path[PATH_MAX];
	size_t n = strlen(beneath);
	ssize_t len;

	if (fd < 0 || n == 0)
		return fd;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	len = readlink(name, path, sizeof(path));
	must(len >= (ssize_t)n && memcmp(path, beneath, n) == 0 &&
		     ((size_t)len == n || path[n] == '/'),
	     "what is opened is beneath the root");
	errno = saved;
	return fd;
}

static long allocated; /* pieces of memory */

static void *count_new(void *memory)
{
	allocated += memory != NULL;
	return memory;
}

static void *count_grown(void *old, size_t size)
{
	void *memory = realloc(old, size);

	allocated += memory && !old;
	return memory;
}

static void count_freed(void *memory)
{
	allocated -= memory != NULL;
	free(memory);
}

#define openat(...) watch_open(openat(__VA_ARGS__))
#define syscall(...) watch_open((int)syscall(__VA_ARGS__))
#define malloc(size) count_new(malloc(size))
#define calloc(n, size) count_new(calloc(n, size))
#define realloc(memory, size) count_grown(memory, size)
#define strndup(s, n) count_new(strndup(s, n))
#define free(memory) count_freed(memory)

#include "../http/talk.h"

/* Part of a case, which may be empty and yet points somewhere. */
static text case_text(const unsigned char *data, size_t size)
{
	return (text){ size ? (const char *)data : "", size };
}

/* ---- grammars, as the RFCs have them ----------------------------------------- */

/* Does all of it match? Each place in the source has one expression, which is compiled once. */
#define matches(t, expression)                       \
	__extension__({                              \
		static regex_t compiled;             \
		match(&compiled, (expression), (t)); \
	})

static bool match(regex_t *compiled, const char *expression, text t)
{
	/* the address sanitizer takes what regexec() is given for a string, whatever the flags say */
	static char copy[8 * PATH_MAX];
	regmatch_t where = { 0, (regoff_t)t.len };
	char whole[1024];

	if (!compiled->buffer) {
		snprintf(whole, sizeof(whole), "^(%s)$", expression);
		need(regcomp(compiled, whole, REG_EXTENDED | REG_NOSUB) == 0, expression);
	}
	need(t.len < sizeof(copy), "room for a text");
	if (t.len)
		memcpy(copy, t.at, t.len);
	copy[t.len] = '\0';
	return regexec(compiled, copy, 1, &where, REG_STARTEND) == 0;
}

#define TOKEN_CHARS "[-!#$%&'*+.^_`|~0-9A-Za-z]"

/* Up to the first c, which is taken too; or all of it. */
static text take_until(text *left, char c)
{
	const char *end = left->len ? memchr(left->at, c, left->len) : NULL;
	text taken = { left->at, end ? (size_t)(end - left->at) : left->len };

	if (left->len)
		skip(left, taken.len + (end != NULL));
	return taken;
}

static text without_blanks(text t)
{
	while (t.len && strchr(" \t", t.at[0]) && t.at[0])
		t.at++, t.len--;
	while (t.len && strchr(" \t", t.at[t.len - 1]) && t.at[t.len - 1])
		t.len--;
	return t;
}

/* The next element of a list that isn't empty: a comma between quotes is none (RFC 9110 5.6.1). */
static bool take_element(text *left, text *element)
{
	while (left->len) {
		bool quoted = false;
		size_t n = 0;

		while (n < left->len && (quoted || left->at[n] != ','))
			if (left->at[n++] == '"')
				quoted = !quoted;
		*element = without_blanks((text){ left->at, n });
		skip(left, n < left->len ? n + 1 : n);
		if (element->len)
			return true;
	}
	return false;
}

static bool word_is(text t, const char *word)
{
	return t.len == strlen(word) && strncasecmp(t.at, word, t.len) == 0;
}

/* Digits alone; what is too large is the largest. */
static uint64_t number_of(text digits)
{
	char copy[4097];

	snprintf(copy, sizeof(copy), "%.*s", (int)digits.len, digits.at);
	return strtoull(copy, NULL, 10);
}

#endif
