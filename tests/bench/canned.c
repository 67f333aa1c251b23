/*
 * The least that an event loop can do: one read, and one write that holds a canned answer for each
 * request which that read brought. It looks at nothing but the empty lines, believes that a request
 * never comes in two pieces, and drops a client that takes its answers too slowly: a floor to
 * measure servers against, not a server.
 *
 *     canned PORT SIZE [close]
 *
 * SIZE is that of the body. With `close`, a connection is closed behind the first answer.
 */
#define _GNU_SOURCE
#include "answer.h"

#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS 256
#define REQUESTS 64
#define SENDABLE (1 << 18) /* all of an answer is taken at once */

static char *answers; /* REQUESTS of them */
static size_t answer_size;
static bool closes;

static void make_answers(size_t body)
{
	const char *connection = closes ? "close" : "keep-alive";
	size_t head = (size_t)snprintf(NULL, 0, ANSWER_HEAD("%zu", "%s"), body, connection);

	answer_size = head + body;
	answers = malloc(REQUESTS * answer_size + 1);
	if (!answers)
		err(1, "answers");
	sprintf(answers, ANSWER_HEAD("%zu", "%s"), body, connection);
	for (size_t i = 0; i < body; i++)
		answers[head + i] = BODY_64[i % 64];
	for (size_t i = 1; i < REQUESTS; i++)
		memcpy(answers + i * answer_size, answers, answer_size);
}

static int listen_on(const char *port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((unsigned short)atoi(port)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	int on = 1, sendable = SENDABLE;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    (answer_size > 4096 &&
	     setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &sendable, sizeof(sendable)) < 0) ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, SOMAXCONN) < 0)
		err(1, "port %s", port);
	return fd;
}

static void watch(int poller, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0)
		err(1, "epoll_ctl");
}

static void answer_client(int fd)
{
	char request[16384];
	ssize_t got = read(fd, request, sizeof(request));
	size_t count = 0;
	size_t left = got > 0 ? (size_t)got : 0;
	const char *at = request;
	const char *end;

	while (count < REQUESTS && (end = memmem(at, left, "\r\n\r\n", 4))) {
		left -= (size_t)(end + 4 - at);
		at = end + 4;
		count++;
	}
	if (count == 0 ||
	    write(fd, answers, count * answer_size) != (ssize_t)(count * answer_size) || closes)
		close(fd);
}

int main(int argc, char **argv)
{
	int listener;
	int poller = epoll_create1(0);

	if (argc < 3)
		errx(2, "usage: canned PORT SIZE [close]");
	closes = argc > 3;
	make_answers((size_t)atoi(argv[2]));
	listener = listen_on(argv[1]);
	watch(poller, listener);

	for (;;) {
		struct epoll_event events[EVENTS];
		int count = epoll_wait(poller, events, EVENTS, -1);

		for (int i = 0; i < count; i++) {
			int fd = events[i].data.fd;

			if (fd != listener)
				answer_client(fd);
			else if ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0)
				watch(poller, fd);
		}
	}
}
