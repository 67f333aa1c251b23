/*
 * A conversation with http.c without a process around it: a site in a directory of its own, a clock
 * that is set by hand, and the far end of the connection. http.c is included, not linked, so that
 * its static functions are in reach.
 */
#ifndef HTTP_TALK_H
#define HTTP_TALK_H

#include <stdbool.h>
#include <sys/types.h>

#include "../../http.c"

#include <ftw.h>
#include <stdio.h>

#include "../wire/response.h"

#define SECONDS(n) ((n)*INT64_C(1000000))

enum { LISTS_MOST = 64 << 20 }; /* bytes that connections may hold before a listing is refused */

/* Every file of a tree was changed in 2001, and now it is 2100. */
#define FILE_TIME INT64_C(1000000000)
#define FILE_DATE "Sun, 09 Sep 2001 01:46:40 GMT"
#define WALL_TIME INT64_C(4102444800)
#define WALL_DATE "Fri, 01 Jan 2100 00:00:00 GMT"

static const struct http_limits usual_limits = {
	.line = 8 << 10,
	.header = 32 << 10,
	.fields = 100,
	.body = 1 << 20,
	.header_time = SECONDS(10),
	.idle_time = SECONDS(15),
	.stall_time = SECONDS(30),
	.stall_rate = 1024,
	.requests = 1000,
};

/* What a test needs and doesn't get is nobody's fault but the machine's. */
static inline void need(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	abort();
}

/* Numbers that are the same in every run. */
static inline uint64_t any_number(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* What reading has said: WHOLE, MORE, or the status that the request is refused with. */
static inline int read_as(enum reading reading, const struct http_work *work)
{
	return reading == REFUSED ? (int)work->req.refusal : (int)reading;
}

/* ---- a directory ---------------------------------------------------------- */

struct tree {
	char top[PATH_MAX];
	int fd;
};

static inline void make_tree(struct tree *tree)
{
	const char *where = getenv("TMPDIR");

	snprintf(tree->top, sizeof(tree->top), "%s/wwwd-http.XXXXXX", where ? where : "/tmp");
	need(mkdtemp(tree->top) && chmod(tree->top, 0755) == 0, "mkdtemp");
	tree->fd = open(tree->top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	need(tree->fd >= 0, tree->top);
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static inline void remove_tree(const struct tree *tree)
{
	close(tree->fd);
	nftw(tree->top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void put_times(const struct tree *tree, const char *name, int64_t sec, long nsec)
{
	const struct timespec times[2] = { { sec, nsec }, { sec, nsec } };

	need(utimensat(tree->fd, name, times, AT_SYMLINK_NOFOLLOW) == 0, name);
}

static inline void put_bytes(const struct tree *tree, const char *name, const void *at, size_t n)
{
	int fd = openat(tree->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	need(fd >= 0 && write(fd, at, n) == (ssize_t)n, name);
	close(fd);
	put_times(tree, name, FILE_TIME, 0);
}

static inline void put_file(const struct tree *tree, const char *name, const char *content)
{
	put_bytes(tree, name, content, strlen(content));
}

/* So many zero bytes, which take no room. */
static inline void put_hole(const struct tree *tree, const char *name, int64_t size)
{
	int fd = openat(tree->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	need(fd >= 0 && ftruncate(fd, size) == 0, name);
	close(fd);
	put_times(tree, name, FILE_TIME, 0);
}

static inline void put_folder(const struct tree *tree, const char *name)
{
	need(mkdirat(tree->fd, name, 0755) == 0, name);
}

static inline void put_link(const struct tree *tree, const char *name, const char *target)
{
	need(symlinkat(target, tree->fd, name) == 0, name);
}

/* ---- a conversation ------------------------------------------------------- */

enum { TALK_LOGGED = 4096, TALK_STEPS = 100000 };

struct talk {
	struct http_conn conn; /* first: it is what talk_log() is given */
	struct http_common *common;
	int far;    /* the client's end */
	bool deaf;  /* the client doesn't read */
	bool alone; /* the process has no other connection */
	bool over;  /* the client has seen the end */
	char *heard;
	size_t len, room, read, replies; /* so much of it was read by next_reply() */
	struct logged {
		int status;
		bool head;
		uint64_t bytes;
	} logged[TALK_LOGGED];
	size_t logs;
	const char *said; /* what the client has said last */
	struct talk *next;
};

static inline void talk_log(const struct http_conn *conn, const struct http_entry *entry)
{
	struct talk *talk = (struct talk *)(uintptr_t)conn;

	if (talk->logs < TALK_LOGGED)
		talk->logged[talk->logs++] = (struct logged){ entry->status,
							      same(entry->method, text_of("HEAD")),
							      entry->bytes };
}

/* How often an end was prepared for sendfile(2). */
static int prepared;

static inline void talk_prepare(int fd)
{
	(void)fd;
	prepared++;
}

static inline struct http_site site_of(const struct tree *tree)
{
	static const struct http_rule none;
	struct http_site site = { .root = tree->fd,
				  .listing = true,
				  .limits = usual_limits,
				  .prepare = talk_prepare,
				  .log = talk_log };

	for (int i = 0; i < HTTP_RULES; i++)
		site.rules[i].at = &none;
	return site;
}

static inline struct http_common turn_at(int64_t clock)
{
	const struct timespec wall = { WALL_TIME, 0 };
	static _Alignas(PAGE) char out[HTTP_OUT_SIZE];
	struct http_common common = { .out = out, .memory_most = LISTS_MOST };

	http_tell(&common, clock, &wall);
	return common;
}

static inline struct http_work *new_work(const struct http_limits *limits)
{
	void *memory = malloc(http_work_size(limits));

	need(memory, "malloc");
	return http_work_init(memory, limits);
}

static inline void talk_begin(struct talk *talk, const struct http_site *site,
			      struct http_common *common, struct http_end in, struct http_end out)
{
	*talk = (struct talk){ .common = common, .far = -1, .said = "" };
	http_open(&talk->conn, site, in, out, common);
	talk->conn.work = new_work(&site->limits);
}

/* Over these two ends of a socket. */
static inline void talk_on(struct talk *talk, const struct http_site *site,
			   struct http_common *common, const int fd[2])
{
	const struct http_end end = { fd[0], true, true };

	talk_begin(talk, site, common, end, end);
	talk->far = fd[1];
}

static inline void connect_pair(int fd[2])
{
	need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd) == 0,
	     "socketpair");
}

static inline void talk_open(struct talk *talk, const struct http_site *site,
			     struct http_common *common)
{
	int fd[2];

	connect_pair(fd);
	talk_on(talk, site, common, fd);
}

static inline void talk_close(struct talk *talk)
{
	http_drop(&talk->conn, talk->common);
	close(talk->conn.own.in);
	close(talk->far);
	free(talk->conn.work);
	free(talk->heard);
}

/* What has come from the server up to now: its size. */
static inline size_t talk_hear(struct talk *talk)
{
	size_t before = talk->len;
	ssize_t n = 0;

	while (!talk->over) {
		if (talk->room - talk->len < 64 << 10) {
			talk->room += 256 << 10;
			talk->heard = realloc(talk->heard, talk->room);
			need(talk->heard, "realloc");
		}
		n = recv(talk->far, talk->heard + talk->len, talk->room - talk->len, 0);
		if (n < 0)
			break;
		talk->over = n == 0;
		talk->len += (size_t)n;
	}
	return talk->len - before;
}

/* As a process with many connections does: the next one puts its responses where this one's were. */
static inline void talk_settle(struct talk *talk)
{
	need(http_settle(&talk->conn, talk->common), "malloc");
	if (talk->conn.work->output.own)
		memset(talk->common->out, '?', HTTP_OUT_SIZE);
}

/* Take it as far as it goes while the client reads all there is. */
static inline enum http_want talk_step(struct talk *talk)
{
	for (int i = 0; i < TALK_STEPS; i++) {
		enum http_want want = http_step(&talk->conn, talk->common);
		bool heard = !talk->deaf && talk_hear(talk);

		if (!talk->alone)
			talk_settle(talk);

		if (want == HTTP_READ || want == HTTP_DONE || (want == HTTP_WRITE && !heard))
			return want;
	}
	need(false, "an end of http_step()");
	return HTTP_DONE;
}

static inline bool talk_send(struct talk *talk, const void *bytes, size_t n)
{
	return send(talk->far, bytes, n, MSG_NOSIGNAL) == (ssize_t)n;
}

/* Say something and hear what comes of it. */
static inline enum http_want talk_say(struct talk *talk, const char *bytes)
{
	talk->said = bytes;
	need(talk_send(talk, bytes, strlen(bytes)), "send");
	return talk_step(talk);
}

static inline text talk_heard(const struct talk *talk)
{
	return (text){ talk->heard ? talk->heard : "", talk->len };
}

/* ---- an answer ------------------------------------------------------------ */

struct reply {
	int status;
	text body;
	uint64_t length; /* as it is said, of a body that may be left out */
	bool close;
	struct wire_response fields;
};

/* The value of the field; at == NULL if there is none. */
static inline text reply_field(const struct reply *reply, const char *name)
{
	struct wire_text value = wire_value(&reply->fields, name);

	return (text){ value.at, value.size };
}

static inline bool reply_has(const struct reply *reply, const char *name, const char *value)
{
	return wire_same(wire_value(&reply->fields, name), value);
}

/* Takes the next answer off the stream: NULL, or what is wrong with it. */
static inline const char *read_reply(text *stream, bool to_head, struct reply *reply)
{
	struct wire_response *read = &reply->fields;
	ssize_t size = wire_parse(stream->at, stream->len, to_head, read);
	const char *fault = size < 0 ? read->fault : size == 0 ? "half an answer" : NULL;
	text length;

	if (!fault)
		fault = wire_fault(read, to_head, WALL_TIME);
	if (fault)
		return fault;
	length = reply_field(reply, "Content-Length");
	reply->status = read->status;
	reply->body = (text){ read->body.at, read->body.size };
	reply->length = length.at ? strtoull(length.at, NULL, 10) : 0;
	reply->close = reply_has(reply, "Connection", "close");
	skip(stream, (size_t)size);
	return NULL;
}

/* ---- what must be left behind --------------------------------------------- */

static inline int count_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

#endif
