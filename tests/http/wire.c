/*
 * The cases of the wire suite without a process: http_step() over a socket pair, and a clock that
 * goes on when nothing else does. So they run under the sanitizers and count for the coverage, and
 * those that wait for a time-out take no time.
 */
#include "../wire/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SECONDS(n) ((n)*INT64_C(1000000))
#define LIMITS(head, idle, stall)                                                               \
	.line = 8 << 10, .header = 32 << 10, .fields = 100, .body = 1 << 20,                    \
	.header_time = SECONDS(head), .idle_time = SECONDS(idle), .stall_time = SECONDS(stall), \
	.stall_rate = 1024, .requests = 1000
#define USUAL_LIMITS LIMITS(10, 15, 30)

enum { LOGGED_MOST = 64, SCRATCHED = 4096, CACHE_SIZE = 16 << 20, CACHE_FILES = 64 };

/* As the options of talk.c have it. */
static const struct http_prefix trusted[] = {
	{ AF_INET, 128, { [10] = 0xff, 0xff, 127, 0, 0, 1 } },
	{ AF_INET, 96 + 8, { [10] = 0xff, 0xff, 10 } },
	{ AF_INET6, 48, { 0x20, 0x01, 0x0d, 0xb8, 0, 0x0f } },
};

/* Where all clients come from: 127.0.0.1, port 9. */
static const struct http_peer near = { { [10] = 0xff, 0xff, 127, 0, 0, 1 }, 9 };

static const struct http_limits limits[WIRE_SERVERS] = {
	[MAIN] = { USUAL_LIMITS },
	[SMALL] = { .line = 512,
		    .header = 2 << 10,
		    .fields = 10,
		    .body = 1 << 10,
		    .header_time = SECONDS(10),
		    .idle_time = SECONDS(15),
		    .stall_time = SECONDS(30),
		    .stall_rate = 1024,
		    .requests = 3 },
	[FRONTED] = { USUAL_LIMITS },
	[PROXIED] = { USUAL_LIMITS },
	[HOSTED] = { USUAL_LIMITS },
	[STRICT] = { USUAL_LIMITS },
	[RULED] = { USUAL_LIMITS },
	[HASTY] = { LIMITS(1, 1, 1) },
};

/* What the options of a server say of its site, as the process would read them. */
static void read_options(struct http_site *site, enum wire_server which)
{
	static const char *const names[HTTP_RULES] = {
		[HTTP_FIELDS] = "--header",   [HTTP_TYPES] = "--type",
		[HTTP_INDEXES] = "--index",   [HTTP_FALLBACKS] = "--fallback",
		[HTTP_UNLOGGED] = "--no-log",
	};
	static struct http_rule rules[HTTP_RULES][WIRE_OPTIONS];
	size_t count[HTTP_RULES] = { 0 };
	const char *const *word = wire_options[which];

	site->listing = true;
	for (; *word; word++) {
		site->listing &= strcmp(*word, "--no-listing") != 0;
		site->hosts |= strcmp(*word, "--hosts") == 0;
		site->clean_urls |= strcmp(*word, "--clean-urls") == 0;
		for (int k = 0; k < HTTP_RULES; k++)
			if (strcmp(*word, names[k]) == 0 &&
			    http_read_rule((enum http_rules)k, *++word, &rules[k][count[k]++]))
				abort();
	}
	for (int k = 0; k < HTTP_RULES; k++)
		site->rules[k] = (struct http_rule_list){ rules[k], count[k] };
}

/* The server's end of the one conversation that there is at a time. */
static struct {
	struct http_conn conn;
	struct http_site site;
	struct http_common common;
	bool alone, walk; /* the process has no other connection; it does without openat2(2) */
	bool over;
	enum wire_server which;
	int descriptors;
	int64_t began;
	struct {
		int status;
		bool head;
		uint64_t bytes;
		struct http_peer peer;
	} logged[LOGGED_MOST];
	size_t logs;
} server;

static void keep_log(const struct http_conn *conn, const struct http_entry *entry)
{
	(void)conn;
	if (server.logs == LOGGED_MOST)
		abort();
	server.logged[server.logs].status = entry->status;
	server.logged[server.logs].peer = *entry->peer;
	server.logged[server.logs].head = entry->method.len == 4 &&
					  memcmp(entry->method.at, "HEAD", 4) == 0;
	server.logged[server.logs++].bytes = entry->bytes;
}

/* The time of day is the true one, since the tree is: it was made a moment ago. */
static void set_clock(int64_t clock)
{
	struct timespec wall;

	clock_gettime(CLOCK_REALTIME, &wall);
	http_tell(&server.common, clock, &wall);
}

static long long clock_now(void)
{
	return server.common.clock / 1000;
}

static int count_open(void)
{
	int count = 0;

	for (int fd = 0; fd < 64; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* Whoever gets the memory next must find nothing in it of the connection that had it before. */
static void lend_work(void)
{
	size_t size = http_work_size(&server.site.limits);
	void *memory = malloc(size);

	if (!memory)
		abort();
	server.conn.work = http_work_init(memory, &server.site.limits);
}

static bool open_conversation(struct wire_talk *talk, enum wire_server which)
{
	static _Alignas(4096) char out[HTTP_OUT_SIZE];
	char path[4096];
	int fd[2];

	/* root may read everything, and so root is another user until the end */
	if (geteuid() == 0 && seteuid(65534) != 0)
		return false;
	server.common.out = out;
	server.descriptors = count_open();
	snprintf(path, sizeof(path), "%s/%s", wire_top, wire_folders[which]);
	server.site = (struct http_site){ .root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC),
					  .walk = server.walk,
					  .limits = limits[which],
					  .https_only = which == FRONTED || which == PROXIED,
					  .proxied = which == PROXIED,
					  .trusted = trusted,
					  .trusts = which == FRONTED || which == PROXIED ? 3 : 0,
					  .log = keep_log };
	read_options(&server.site, which);
	if (server.site.root < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd) != 0)
		return false;
	talk->fd = fd[1];
	server.which = which;
	server.over = false;
	server.logs = 0;
	server.began = server.common.clock;

	const struct http_end end = { fd[0], true, true };

	http_open(&server.conn, &server.site, end, end, &server.common);
	server.conn.peer = near;
	lend_work();
	return true;
}

static void end_server(void)
{
	http_drop(&server.conn, &server.common);
	free(server.conn.work);
	server.conn.work = NULL;
	close(server.conn.own.in);
	server.over = true;
}

/* Does the server have more to do at once? */
static bool step_server(void)
{
	enum http_want want = http_step(&server.conn, &server.common);

	if (want == HTTP_DONE) {
		end_server();
		return false;
	}
	if (!server.alone) {
		if (!http_busy(&server.conn)) {
			free(server.conn.work);
			lend_work();
		}
		if (!http_settle(&server.conn, &server.common))
			abort();
		memset(server.common.out, '?', SCRATCHED);
	}
	return want != HTTP_READ && want != HTTP_WRITE;
}

/* One turn of the client and of the server each; where neither had anything to do, time passes. */
static void step_both(struct wire_talk *talk, int timeout)
{
	size_t unsent = talk->out_size, got = talk->got_size;
	bool said, busy;

	wire_step(talk, 0);
	said = talk->out_size != unsent;
	busy = said || talk->got_size != got || talk->eof;
	if (!server.over)
		busy |= step_server();
	if (said && talk->drip)
		timeout = (int)talk->drip;
	else if (busy)
		return;
	set_clock(server.common.clock + timeout * 1000LL);
}

/* What was logged is what was answered. */
static const char *judge_log(const struct wire_talk *talk)
{
	struct wire_response response;
	size_t at = 0, count = 0;
	ssize_t size;

	while ((size = wire_parse(talk->got + at, talk->got_size - at,
				  count < server.logs && server.logged[count].head, &response)) >
	       0) {
		at += (size_t)size;
		if (response.status < 200)
			continue;
		if (count == server.logs)
			return "an answer that isn't in the log";
		if (server.logged[count].status != response.status)
			return "the log has another status";
		if (server.logged[count++].bytes != response.body.size)
			return "the log has another size";
	}
	if (talk->test && talk->test->turned_away)
		return count == 0 && server.logs == 1 ? NULL : "not one line in the log";
	return count == server.logs ? NULL : "more in the log than was answered";
}

/* "ADDRESS PORT" of each line of the log. */
static const char *judge_clients(const char *clients)
{
	static char named[LOGGED_MOST * 64];
	size_t n = 0;

	named[0] = '\0';
	for (size_t i = 0; i < server.logs; i++) {
		const struct http_peer *peer = &server.logged[i].peer;
		char name[INET6_ADDRSTRLEN];
		int family = http_family(peer);

		inet_ntop(family, peer->address + (family == AF_INET ? 12 : 0), name, sizeof(name));
		n += (size_t)snprintf(named + n, sizeof(named) - n, "%s%s %u", i ? " " : "", name,
				      peer->port);
	}
	return !clients || strcmp(clients, named) == 0 ? NULL : named;
}

static const char *close_conversation(struct wire_talk *talk)
{
	const char *fault = talk->error && !talk->test->turned_away ? NULL : judge_log(talk);
	int64_t time = server.common.clock - server.began;

	if (!fault && talk->test)
		fault = judge_clients(talk->test->clients);
	close(talk->fd);
	if (!server.over)
		end_server();
	close(server.site.root);
	if (geteuid() != getuid() && seteuid(getuid()) != 0)
		return "root isn't root again";
	if (server.common.memory)
		return "memory is counted that nothing holds any more";
	/* but for those of files that are remembered */
	if (!server.common.cache && count_open() != server.descriptors)
		return "a descriptor is left open";
	if (server.which == HASTY && (time < SECONDS(1) || time > SECONDS(2)))
		return "it isn't closed when its second is over";
	return fault;
}

#define IN_PROCESS \
	.now = clock_now, .open = open_conversation, .step = step_both, .close = close_conversation
static const struct wire_way whole = { "in process", .times = true, IN_PROCESS };
static const struct wire_way bytewise = { "in process, a byte at a time", .singly = true,
					  IN_PROCESS };

static void be(bool alone, bool walk)
{
	static struct http_cache *cache;
	static const char seed[HTTP_SEED];

	if (!cache)
		cache = http_cache_new(CACHE_SIZE, CACHE_FILES, seed);
	server.alone = alone;
	server.walk = walk;
	server.common.cache = alone ? NULL : cache;
	server.common.memory_most = 64 << 20;
	set_clock(SECONDS(1000));
}

/* Each in a loop with a cache, and in a process for one connection, also without openat2(2). */
START_TEST(in_process)
{
	be(false, false);
	wire_run_nth(&whole, _i);
	wire_run_nth(&bytewise, _i);
	be(true, false);
	wire_run_nth(&whole, _i);
	be(true, true);
	wire_run_nth(&bytewise, _i);
}
END_TEST

Suite *wire_in_process_suite(void)
{
	Suite *suite = wire_suite(&whole, in_process, 0);

	be(false, false);
	suite_add_tcase(suite, wire_besides(&whole));
	return suite;
}
