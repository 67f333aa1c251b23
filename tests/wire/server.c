/* The servers of the wire suite, and handlers as inetd starts them: by the process suite's kit. */
#include "../process/process.h"
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct server servers[SERVED];

static const char *const names[SERVED] = { "main",   "small",  "fronted", "proxied",
					   "hosted", "strict", "ruled" };

/* With these options before those that each server has. */
static pid_t start_as(enum wire_server which, struct given given)
{
	const char *args[2 * WIRE_OPTIONS + 16];
	char log[16];
	size_t count = 0;

	for (size_t i = 0; given.args && given.args[i]; i++)
		args[count++] = given.args[i];
	args[count++] = "-d";
	args[count++] = in_top(wire_folders[which]);
	for (size_t i = 0; wire_limits[which][i]; i++)
		args[count++] = wire_limits[which][i];
	for (size_t i = 0; wire_options[which][i]; i++)
		args[count++] = wire_options[which][i];
	snprintf(log, sizeof(log), "log.%s", names[which]);
	args[count++] = "--log";
	args[count++] = in_top(log);
	args[count] = NULL;
	given.args = args;
	return start(given);
}

static int connect_at(const char *machine, int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	const int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(inet_pton(AF_INET, machine, &address.sin_addr), 1);
	ck_assert_msg(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0, "%s:%d: %s",
		      machine, port, strerror(errno));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

bool wire_connect(struct wire_talk *talk, enum wire_server which)
{
	const char *machine = getenv("WIRE_AT");
	struct server *server = &servers[which];

	if (machine) {
		talk->fd = connect_at(machine, WIRE_PORT + (int)which);
		return true;
	}
	if (!server->pid) {
		put("err", "");
		server->pid = start_as(
			which, (struct given){ .args = LIST("-h", "127.0.0.1", "-p", "0") });
		server->port = wait_port(server->pid);
		ck_assert_msg(server->port, "it doesn't start: %s", content("err"));
	}
	talk->fd = dial(server->port);
	fcntl(talk->fd, F_SETFL, O_NONBLOCK);
	return true;
}

static bool start_handler(struct wire_talk *talk, enum wire_server which, bool without_openat2)
{
	int ends[2];

	connect_pair(ends);
	talk->pid = start_as(which, (struct given){ .in = ends[1],
						    .out = ends[1],
						    .err = ends[1],
						    .without_openat2 = without_openat2 });
	close(ends[1]);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	talk->fd = ends[0];
	return true;
}

bool wire_inetd(struct wire_talk *talk, enum wire_server which)
{
	const char *machine = getenv("WIRE_AT");

	if (!machine)
		return start_handler(talk, which, false);
	talk->fd = connect_at(machine, WIRE_INETD_PORT + (int)which);
	return true;
}

bool wire_walking(struct wire_talk *talk, enum wire_server which)
{
	return start_handler(talk, which, true);
}

bool wire_filter(struct wire_talk *talk, enum wire_server which)
{
	int in[2], out[2];

	/* what asks is not blocked by a pipe that is full or empty, and wwwd has its ends as they come */
	ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	talk->pid = start_as(
		which,
		(struct given){ .in = in[0], .out = out[1], .env = LIST("TCPREMOTEIP=127.0.0.1") });
	close(in[0]);
	close(out[1]);
	fcntl(in[1], F_SETFL, O_NONBLOCK);
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	talk->pipe = in[1];
	talk->fd = out[0];
	return true;
}

int wire_stop(enum wire_server which)
{
	pid_t pid = servers[which].pid;

	servers[which].pid = 0;
	return stop(pid);
}
