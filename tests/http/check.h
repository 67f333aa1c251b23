/* What the suites of check_http share beside http_talk.h. */
#ifndef HTTP_CHECK_H
#define HTTP_CHECK_H

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline bool have_openat2(void)
{
	struct open_how how = { .flags = O_PATH };
	long fd = syscall(SYS_openat2, AT_FDCWD, ".", &how, sizeof(how));

	if (fd >= 0)
		close((int)fd);
	return fd >= 0;
}

/* A call of http.c's that fails, behind so many that don't; once, or so many times more. */
enum call {
	NO_CALL,
	ALLOCATE,
	OPEN_FOLDER,
	READ_FOLDER,
	RECEIVE,
	SEND,
	SENDFILE,
	READ_PIPE,
	WRITE_PIPE,
	STAT,
	OPENAT2
};
static struct failure {
	enum call call;
	int error, after, more;
} failure;

static inline void fail_next(enum call call, int error)
{
	failure = (struct failure){ call, error, 0, 0 };
}

static inline bool call_fails(enum call call)
{
	if (failure.call != call || failure.after-- > 0)
		return false;
	if (failure.more-- == 0)
		failure.call = NO_CALL;
	errno = failure.error;
	return true;
}

/* Functions and no macros, so that http.c has no more branches than elsewhere. */
#define MAY_FAIL(type, name, failing, failed, parameters, ...)             \
	static inline type call_##name parameters                          \
	{                                                                  \
		return call_fails(failing) ? (failed) : name(__VA_ARGS__); \
	}

MAY_FAIL(void *, malloc, ALLOCATE, NULL, (size_t size), size)
MAY_FAIL(void *, calloc, ALLOCATE, NULL, (size_t count, size_t size), count, size)
MAY_FAIL(void *, realloc, ALLOCATE, NULL, (void *memory, size_t size), memory, size)
MAY_FAIL(char *, strndup, ALLOCATE, NULL, (const char *s, size_t size), s, size)
MAY_FAIL(DIR *, fdopendir, OPEN_FOLDER, NULL, (int fd), fd)
MAY_FAIL(struct dirent *, readdir, READ_FOLDER, NULL, (DIR * folder), folder)
MAY_FAIL(ssize_t, recv, RECEIVE, -1, (int fd, void *at, size_t size, int flags), fd, at, size,
	 flags)
MAY_FAIL(ssize_t, read, READ_PIPE, -1, (int fd, void *at, size_t size), fd, at, size)
MAY_FAIL(ssize_t, write, WRITE_PIPE, -1, (int fd, const void *at, size_t size), fd, at, size)

MAY_FAIL(int, fstatat, STAT, -1, (int folder, const char *path, struct stat *st, int flags), folder,
	 path, st, flags)

/* What http.c calls openat2(2) by, which has no function of its own. */
static inline long call_openat2(long number, int folder, const char *path, void *how, size_t size)
{
	return call_fails(OPENAT2) ? -1 : syscall(number, folder, path, how, size);
}

/* A client may take as much as it is given, however fast. */
static bool takes_all;

static inline ssize_t call_sendfile(int out, int in, off_t *at, size_t n)
{
	if (call_fails(SENDFILE))
		return -1;
	if (!takes_all)
		return sendfile(out, in, at, n);
	*at += (off_t)n;
	return (ssize_t)n;
}

static off_t stat_more; /* bytes that the next file seems to have more than it has */

static inline int call_fstat(int fd, struct stat *st)
{
	if (call_fails(STAT) || fstat(fd, st) < 0)
		return -1;
	st->st_size += stat_more;
	stat_more = 0;
	return 0;
}

/* So much of it the kernel tells of any connection, instead of what is true; or 0. */
static socklen_t told_size;
static struct tcp_info told;

static inline int call_getsockopt(int fd, int level, int name, void *value, socklen_t *size)
{
	if (!told_size || level != IPPROTO_TCP)
		return getsockopt(fd, level, name, value, size);
	memcpy(value, &told, told_size);
	*size = told_size;
	return 0;
}

/* What http.c said to send(2), which the client's end says nothing like. */
static struct {
	size_t bytes;
	bool more;
} sends[256];
static size_t send_count;

static inline ssize_t call_send(int fd, const void *bytes, size_t size, int flags)
{
	ssize_t n = call_fails(SEND) ? -1 : send(fd, bytes, size, flags);

	if (flags & MSG_DONTWAIT && n > 0 && send_count < sizeof(sends) / sizeof(sends[0])) {
		sends[send_count].bytes = (size_t)n;
		sends[send_count++].more = flags & MSG_MORE;
	}
	return n;
}

#define send call_send
#define syscall call_openat2
#define sendfile call_sendfile
#define fstat call_fstat
#define fstatat call_fstatat
#define getsockopt call_getsockopt
#define malloc(...) call_malloc(__VA_ARGS__)
#define calloc(...) call_calloc(__VA_ARGS__)
#define realloc(...) call_realloc(__VA_ARGS__)
#define strndup(...) call_strndup(__VA_ARGS__)
#define fdopendir(...) call_fdopendir(__VA_ARGS__)
#define readdir(...) call_readdir(__VA_ARGS__)
#define recv(...) call_recv(__VA_ARGS__)
#define read(...) call_read(__VA_ARGS__)
#define write(...) call_write(__VA_ARGS__)
#include "talk.h"
#undef syscall
#undef sendfile
#undef fstat
#undef fstatat
#undef send
#undef getsockopt
#undef malloc
#undef calloc
#undef realloc
#undef strndup
#undef fdopendir
#undef readdir
#undef recv
#undef read
#undef write

/* ---- tests, and groups of them ---- */

/* A group of tests. A suite has the groups of its name that stand one after another. */
struct group {
	const char *suite, *name;
	void (*make)(void), (*remove)(void); /* around all tests */
	void (*begin)(void), (*end)(void);   /* around each */
	TCase *tests;
	struct group *next;
};
static struct group *groups, **next_group = &groups;

static void begin_test(void);
static void end_test(void);

static inline void add_test(struct group *group, const TTest *test, int times)
{
	if (!group->tests) {
		*next_group = group;
		next_group = &group->next;
		group->tests = tcase_create(group->name);
		tcase_set_timeout(group->tests, 120);
		tcase_add_unchecked_fixture(group->tests, group->make, group->remove);
		tcase_add_checked_fixture(group->tests, group->begin, group->end);
		tcase_add_checked_fixture(group->tests, begin_test, end_test);
	}
	tcase_add_loop_test(group->tests, test, 0, times);
}

/* The body of a test follows. It is added to its group before main() is called. */
#define TEST(group, name) TEST_TIMES(group, name, 1)
#define TEST_TIMES(group, name, times)                            \
	START_TEST(name);                                         \
	static void __attribute__((constructor)) add_##name(void) \
	{                                                         \
		add_test(&(group), name, times);                  \
	}                                                         \
	static void name##_fn(int _i CK_ATTRIBUTE_UNUSED)

/* The rows of a test are told apart by what is printed where one fails. */
#define expect(condition, ...)                     \
	do {                                       \
		if (!(condition))                  \
			ck_abort_msg(__VA_ARGS__); \
	} while (0)

/* 2026-11-21, where the century of a two-digit year matters. */
#define NOW INT64_C(1795219200)

/* For %.*s */
#define SHOWN(t) (int)(t).len, (t).at

static inline bool is_text(text t, const char *want)
{
	return same((text){ t.at ? t.at : "", t.len }, text_of(want));
}

/* What a request with this Accept-Encoding prefers. */
static inline struct preference preference_for(const char *accepted)
{
	struct http_work *work = new_work(&usual_limits);
	struct preference preference;
	int n = snprintf(work->input.at, work->input.size,
			 "GET / HTTP/1.1\r\nAccept-Encoding: %s\r\n\r\n", accepted);

	need(n > 0 && (size_t)n < work->input.size, "room for a head");
	work->input.end = (size_t)n;
	need(read_head(&work->input, &work->req, &usual_limits) == WHOLE, accepted);
	preference = read_preference(&work->req);
	free(work);
	return preference;
}

/* What is opened, or the negative errno value. */
static inline int opened(const struct http_site *site, const char *path, int flags)
{
	int fd, error = http_open_beneath(site, path, flags, &fd);

	return error ? -error : fd;
}

static inline struct file file_at(const struct http_site *site, const char *path, bool folder)
{
	struct file file;
	int error = open_file(site, path, folder, &file);

	if (error)
		file.fd = -error;
	return file;
}

/* Of a page of HTML: what is opened is closed, in order. */
static inline void expect_balance(text page)
{
	text opened[16];
	size_t depth = 0;

	for (size_t i = 0; i < page.len; i++) {
		bool ends = i + 1 < page.len && page.at[i + 1] == '/';
		text name = { page.at + i + 1 + ends, 0 };

		if (page.at[i] != '<')
			continue;
		while (name.at + name.len < page.at + page.len && is(name.at[name.len], PLAIN))
			name.len++;
		/* "<!DOCTYPE", and what has no end */
		if (name.len == 0 || is_text(name, "meta"))
			continue;
		if (ends)
			expect(depth && same(opened[--depth], name), "</%.*s>", SHOWN(name));
		else
			opened[depth++] = name;
		need(depth < LENGTH(opened), "room for elements");
	}
	expect(depth == 0, "%zu elements have no end", depth);
}

/* ---- a site, and conversations about it ---- */

#define ON " HTTP/1.1\r\nHost: a\r\n"
#define MiB (1 << 20)

static struct tree home;
static struct http_site place;
static struct http_common now;
static char big[MiB];
static int descriptors;           /* that were open when the test began */
static struct talk *opened_talks; /* those of open_talk() that are open */

static void close_ends(void); /* those of the broker */

/* A conversation until the test ends. */
static inline struct talk *open_over(const struct http_site *site, const int fd[2])
{
	struct talk *talk = malloc(sizeof(*talk));

	need(talk, "malloc");
	talk_on(talk, site, &now, fd);
	talk->next = opened_talks;
	opened_talks = talk;
	return talk;
}

static inline struct talk *open_talk(const struct http_site *site)
{
	int fd[2];

	connect_pair(fd);
	return open_over(site, fd);
}

static inline void close_talk(struct talk *talk)
{
	struct talk **at = &opened_talks;

	while (*at != talk)
		at = &(*at)->next;
	*at = talk->next;
	forget_login(talk->conn.work);
	close_ends();
	talk_close(talk);
	free(talk);
}

static void begin_test(void)
{
	descriptors = count_descriptors();
}

/* Whatever a test is about, nothing is left behind, and what was to fail has failed. */
static void end_test(void)
{
	int kept;

	while (opened_talks)
		close_talk(opened_talks);
	close_ends();
	kept = now.cache ? (int)now.cache->files : 0;
	ck_assert_int_eq(count_descriptors(), descriptors + kept);
	ck_assert_uint_eq(now.memory, 0);
	ck_assert(failure.call == NO_CALL);
}

static inline void make_home(void)
{
	uint64_t seed = 9;

	make_tree(&home);
	put_file(&home, "index.html", "<p>index\n");
	put_file(&home, "small.txt", "hello, world");
	put_file(&home, "empty.txt", "");
	put_file(&home, "page.html", "a page, and not a small one as pages go");
	put_file(&home, "page.html.gz", "pretend this is gzip");
	put_folder(&home, "folder");
	put_file(&home, "folder/a.txt", "a");
	put_file(&home, "folder/b.txt", "b");
	put_folder(&home, "folder/sub");
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(' ' + any_number(&seed) % 95);
	put_bytes(&home, "big.bin", big, sizeof(big));
	place = site_of(&home);
	now = turn_at(SECONDS(1000));
}

static inline void remove_home(void)
{
	remove_tree(&home);
}

/* The next response that the client has got, which has to be a fair one. */
static inline struct reply any_reply(struct talk *talk)
{
	text rest = talk_heard(talk);
	struct reply reply;
	const char *fault;

	skip(&rest, talk->read);
	fault = read_reply(&rest, talk->replies < talk->logs && talk->logged[talk->replies].head,
			   &reply);
	expect(!fault, "%s: %.*s", fault ? fault : "", (int)(rest.len < 300 ? rest.len : 300),
	       rest.at);
	talk->replies += reply.status >= 200;
	talk->read = talk->len - rest.len;
	return reply;
}

static inline struct reply next_reply(struct talk *talk, int status)
{
	struct reply reply = any_reply(talk);

	expect(reply.status == status, "%d, not %d: %s", reply.status, status, talk->said);
	return reply;
}

static inline void no_more(const struct talk *talk)
{
	expect(talk->read == talk->len, "and more: %.*s", (int)(talk->len - talk->read),
	       talk->heard + talk->read);
}

/* A conversation over two pipes, of which the client has in[1] and out[0]. */
static inline void talk_open_pipes(struct talk *talk, const struct http_site *site, int in[2],
				   int out[2], int flags)
{
	const bool nonblock = flags & O_NONBLOCK;

	need(pipe2(in, O_CLOEXEC | flags) == 0 && pipe2(out, O_CLOEXEC | flags) == 0, "pipe");
	talk_begin(talk, site, &now, (struct http_end){ in[0], false, nonblock },
		   (struct http_end){ out[1], false, nonblock });
}

static inline void talk_close_pipes(struct talk *talk, const int in[2], const int out[2])
{
	free(talk->conn.work);
	close(in[0]), close(in[1]), close(out[0]), close(out[1]);
}

static inline void send_only(struct talk *talk, const char *bytes)
{
	talk->said = bytes;
	need(talk_send(talk, bytes, strlen(bytes)), "send");
}

static inline void add_cache(size_t size, uint32_t files, const char *seed)
{
	now.cache = http_cache_new(size, files, seed);
	need(now.cache, "http_cache_new");
}

static inline void empty_cache(void)
{
	while (now.cache->oldest)
		cache_remove(now.cache, now.cache->oldest);
}

static inline void remove_cache(void)
{
	empty_cache();
	free(now.cache);
	now.cache = NULL;
}

/* As far as it goes, with what the other end of a pipe has to do in between. */
static inline enum http_want run_talk(struct talk *talk)
{
	enum http_want want;
	int steps = 0;

	do {
		want = http_step(&talk->conn, talk->common);
		talk_hear(talk);
		need(steps++ < TALK_STEPS, "an end of http_step()");
	} while (want == HTTP_AGAIN || want == HTTP_WRITE);
	return want;
}

/* Until bytes arrive over TCP, or what is done to a file shows in its times. */
static inline void wait_a_tick(void)
{
	const struct timespec tick = { 0, 20000000 };

	nanosleep(&tick, NULL);
}

/* As many requests as fit, all at once. */
static inline int send_many(struct talk *talk, const char *const *requests, size_t count)
{
	static char bytes[64 << 10];
	int sent = 0;

	bytes[0] = '\0';
	for (size_t n = 0; n + 256 < sizeof(bytes); n = strlen(bytes))
		strcat(bytes + n, requests[(size_t)sent++ % count]);
	send_only(talk, bytes);
	return sent;
}

#endif
