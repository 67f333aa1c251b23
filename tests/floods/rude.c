/*
 * rude BEHAVIOUR PORT COUNT [PATH [SOURCE]] - so many clients on the loopback, all with the same bad
 * manner.
 *
 * Tells when all of them are there ("there"), and what became of them when standard input ends or
 * the last one is gone: a line of words and numbers. Clients that storm are at most STORM at a
 * time, the others all at once. With SOURCE, they are at this address and choose their ports
 * themselves, as the kernel takes long to find one when most are taken.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { STORM = 200, DRIP_TIME = 1000, ROOM = 4096, EVENTS = 512, STATUSES = 600 };
/* Of those that keep: requests at a time, for few buffers of the server; the first port of SOURCE. */
enum { AT_ONCE = 4, FIRST_PORT = 10000 };

#define HEAD " HTTP/1.1\r\nHost: a\r\nUser-Agent: rude\r\n"

static const struct behaviour {
	const char *name;
	const char *begin, *end; /* said, with the path between them if there is an end */
	bool drips; /* a byte a second of it, once `begin` is said if there is no end */
	bool deaf;  /* reads nothing */
	bool keeps; /* is there when it has had a response; resets at the end, for no TIME_WAIT */
	int times;  /* it is said so often, in one piece, where that is not once */
	enum { STAYS, HALF_CLOSES, RESETS, RESETS_LATER } then;
} behaviours[] = {
	{ .name = "silent" },
	{ .name = "drip", .begin = "GET ", .end = HEAD "\r\n", .drips = true },
	{ .name = "drip-body",
	  .begin = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n",
	  .drips = true },
	{ .name = "deaf", .begin = "GET ", .end = HEAD "\r\n", .deaf = true },
	{ .name = "deaf-pipelined",
	  .begin = "GET ",
	  .end = HEAD "\r\n",
	  .deaf = true,
	  .times = 20 },
	{
		.name = "half",
		.begin = "GET ",
		.end = " HTTP/1.1\r\nHo",
	},
	{ .name = "keep", .begin = "HEAD ", .end = HEAD "\r\n", .keeps = true },
	{ .name = "ask", .begin = "GET ", .end = HEAD "Connection: close\r\n\r\n" },
	{ .name = "reset-before", .then = RESETS },
	{ .name = "reset-within", .begin = "GET ", .end = " HTTP/1.1\r\nHo", .then = RESETS },
	{ .name = "reset-after", .begin = "GET ", .end = HEAD "\r\n", .then = RESETS },
	{ .name = "reset-answer", .begin = "GET ", .end = HEAD "\r\n", .then = RESETS_LATER },
	{ .name = "shut-before", .then = HALF_CLOSES },
	{ .name = "shut-within", .begin = "GET ", .end = " HTTP/1.1\r\nHo", .then = HALF_CLOSES },
	{ .name = "shut-after", .begin = "GET ", .end = HEAD "\r\n", .then = HALF_CLOSES },
};

struct client {
	int fd;
	bool connected;
	size_t said;
	uint64_t heard;
	char head[16]; /* of its answer */
};

static struct {
	size_t connected, failed; /* of connect(2) */
	size_t answered;          /* with 200 */
	size_t status[STATUSES];  /* of the first answer; 0: none */
	size_t ended, reset;      /* by the server */
	size_t left;              /* by us: as the behaviour says, or at the end */
	uint64_t heard;
	long long first_end, last_end;
} tally;

static const struct behaviour *behaviour;
static char text[ROOM];
static size_t text_len;
static int epoll;
static struct sockaddr_in server = { .sin_family = AF_INET };
static struct sockaddr_in source = { .sin_family = AF_INET };
static const struct linger at_once = { .l_onoff = 1 };
static long long began;

static long long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static void leave(struct client *client)
{
	int status = 0;

	sscanf(client->head, "HTTP/1.1 %3d", &status);
	tally.status[status > 0 && status < STATUSES ? status : 0]++;
	tally.heard += client->heard;
	close(client->fd);
	client->fd = -1;
}

static void reset(struct client *client)
{
	setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	tally.left++;
	leave(client);
}

/* The server has ended it. */
static void end(struct client *client, bool by_reset)
{
	tally.last_end = now() - began;
	if (tally.ended + tally.reset == 0)
		tally.first_end = tally.last_end;
	++*(by_reset ? &tally.reset : &tally.ended);
	leave(client);
}

static void fail(struct client *client)
{
	tally.failed++;
	close(client->fd);
	client->fd = -1;
}

/* To the next port that nobody has. */
static void bind_source(int fd)
{
	static int next = FIRST_PORT;

	do
		source.sin_port = htons((uint16_t)next++);
	while (bind(fd, (struct sockaddr *)&source, sizeof(source)) < 0 && errno == EADDRINUSE &&
	       next <= UINT16_MAX);
}

static void begin(struct client *client)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
				     .data.ptr = client };
	const int one = 1, small = ROOM;

	*client = (struct client){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0) };
	if (client->fd < 0)
		err(1, "socket");
	setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (behaviour->keeps)
		setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	if (source.sin_addr.s_addr)
		bind_source(client->fd);
	if (behaviour->deaf && !behaviour->times)
		setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	if ((connect(client->fd, (struct sockaddr *)&server, sizeof(server)) < 0 &&
	     errno != EINPROGRESS) ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, client->fd, &event) < 0)
		fail(client);
}

/* What is to be said now: all, or the next byte. What never ends is zeros. */
static void say(struct client *client, bool drip)
{
	static const char zero[1];
	const char *at = text + client->said;
	size_t size = behaviour->drips && (drip || behaviour->end) ? 1 : text_len - client->said;
	ssize_t n;

	if (client->said >= text_len) {
		at = zero;
		size = drip && behaviour->drips && !behaviour->end;
	}
	n = size ? send(client->fd, at, size, MSG_NOSIGNAL) : 0;
	client->said += n > 0 ? (size_t)n : 0;
}

static void connected(struct client *client)
{
	client->connected = true;
	tally.connected++;
	say(client, false);
	if (behaviour->then == RESETS)
		reset(client);
	else if (behaviour->then == HALF_CLOSES)
		shutdown(client->fd, SHUT_WR);
}

static void hear(struct client *client)
{
	static char bytes[1 << 16];
	ssize_t n;

	while ((n = recv(client->fd, bytes, sizeof(bytes), 0)) > 0) {
		size_t part = sizeof(client->head) - 1;

		tally.answered += client->heard == 0 && memcmp(bytes, "HTTP/1.1 200", 12) == 0;
		if (client->heard < part)
			memcpy(client->head + client->heard, bytes,
			       (size_t)n < part - client->heard ? (size_t)n : part - client->heard);
		client->heard += (uint64_t)n;
		if (behaviour->then == RESETS_LATER) {
			reset(client);
			return;
		}
	}
	if (n == 0 || errno != EAGAIN)
		end(client, n < 0);
}

static void serve(struct client *client, uint32_t events)
{
	if (client->fd < 0)
		return;
	if (!client->connected && (events & (EPOLLERR | EPOLLHUP))) {
		fail(client);
		return;
	}
	if (!client->connected && (events & EPOLLOUT))
		connected(client);
	if (client->fd < 0 || !client->connected)
		return;
	if (!behaviour->deaf)
		hear(client);
	else if (events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) /* it has heard nothing of it */
		end(client, events & EPOLLERR);
}

static size_t gone(const struct client *clients, size_t places)
{
	size_t count = 0;

	for (size_t i = 0; i < places; i++)
		count += clients[i].fd < 0;
	return count;
}

static void drip(struct client *clients, size_t places)
{
	for (size_t i = 0; i < places; i++)
		if (clients[i].fd >= 0 && clients[i].connected)
			say(&clients[i], true);
}

/* Until standard input ends, or nobody is left. */
static void run(struct client *clients, size_t places, size_t count)
{
	static struct epoll_event events[EVENTS];
	struct epoll_event input = { .events = EPOLLIN | EPOLLHUP };
	long long next_drip = now() + DRIP_TIME;
	const int pause = behaviour->keeps ? 1000 : 50;
	size_t begun = 0;
	bool told = false;

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &input) < 0)
		err(1, "standard input");
	while (begun < count || gone(clients, places) < places) {
		int n;

		for (size_t i = 0, some = 0; i < places && begun < count && some < STORM; i++) {
			if (behaviour->keeps && begun - tally.answered == AT_ONCE)
				break;
			if (clients[i].fd < 0) {
				begin(&clients[i]);
				begun++;
				some++;
			}
		}
		n = epoll_wait(epoll, events, EVENTS, begun < count ? 1 : pause);
		for (int i = 0; i < n; i++) {
			if (!events[i].data.ptr)
				return;
			serve(events[i].data.ptr, events[i].events);
		}
		if (!told &&
		    (behaviour->keeps ? tally.answered : tally.connected) + tally.failed >= count) {
			printf("there\n");
			fflush(stdout);
			told = true;
		}
		if (behaviour->drips && now() >= next_drip) {
			drip(clients, places);
			next_drip += DRIP_TIME;
		}
	}
}

static void report(const struct client *clients, size_t places)
{
	printf("connected %zu failed %zu held %zu left %zu ended %zu reset %zu heard %ju "
	       "first_end %lld last_end %lld",
	       tally.connected, tally.failed, places - gone(clients, places), tally.left,
	       tally.ended, tally.reset, (uintmax_t)tally.heard, tally.first_end, tally.last_end);
	for (size_t i = 0; i < STATUSES; i++)
		if (tally.status[i])
			printf(" status_%zu %zu", i, tally.status[i]);
	printf("\n");
}

int main(int argc, char **argv)
{
	struct rlimit files;
	struct client *clients;
	size_t count, places;

	for (size_t i = 0; argc >= 4 && i < sizeof(behaviours) / sizeof(behaviours[0]); i++)
		if (strcmp(behaviours[i].name, argv[1]) == 0)
			behaviour = &behaviours[i];
	if (!behaviour)
		errx(2, "usage: rude BEHAVIOUR PORT COUNT [PATH [SOURCE]]");
	server.sin_port = htons((uint16_t)atoi(argv[2]));
	server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (argc > 5)
		inet_aton(argv[5], &source.sin_addr);
	count = strtoul(argv[3], NULL, 10);
	text_len = (size_t)snprintf(
		text, sizeof(text), "%s%s%s", behaviour->begin ? behaviour->begin : "",
		behaviour->end && argc > 4 ? argv[4] : "", behaviour->end ? behaviour->end : "");
	for (size_t once = text_len, n = 1; n < (size_t)behaviour->times; n++, text_len += once)
		memcpy(text + text_len, text, once);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	places = behaviour->then >= RESETS && count > STORM ? STORM : count;
	clients = calloc(places, sizeof(*clients));
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!clients || epoll < 0)
		err(1, "%zu clients", places);
	for (size_t i = 0; i < places; i++)
		clients[i].fd = -1;
	began = now();
	run(clients, places, count);
	report(clients, places);
	return 0;
}
