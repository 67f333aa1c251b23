/* The servers of the wire suite, and handlers as inetd starts them: by the process suite's kit. */
#include "../process/process.h"
#include "wire.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { OPTIONS = 24 };

static struct server servers[SERVED];

#define TRUSTED                                                                                \
	"--forwarded-from", "127.0.0.1", "--forwarded-from", "10.0.0.0/8", "--forwarded-from", \
		"2001:db8:f::/48"

/* The options of each server that say nothing of its site; wire_options has the others. */
static const char *const options[SERVED][OPTIONS] = {
	[SMALL] = { "--line-max", "512", "--header-max", "2K", "--fields-max", "10", "--body-max",
		    "1K", "--requests-max", "3" },
	[FRONTED] = { "--https-only", TRUSTED },
	[PROXIED] = { "--https-only", "--proxy-protocol", TRUSTED },
};

static const char *const names[SERVED] = { "main",   "small",  "fronted", "proxied",
					   "hosted", "strict", "ruled" };

/* With these options before those that each server has. */
static pid_t start_as(enum wire_server which, struct given given)
{
	const char *args[OPTIONS + WIRE_OPTIONS + 16];
	char log[16];
	size_t count = 0;

	for (size_t i = 0; given.args && given.args[i]; i++)
		args[count++] = given.args[i];
	args[count++] = "-d";
	args[count++] = in_top(wire_folders[which]);
	for (size_t i = 0; options[which][i]; i++)
		args[count++] = options[which][i];
	for (size_t i = 0; wire_options[which][i]; i++)
		args[count++] = wire_options[which][i];
	snprintf(log, sizeof(log), "log.%s", names[which]);
	args[count++] = "--log";
	args[count++] = in_top(log);
	args[count] = NULL;
	given.args = args;
	return start(given);
}

int wire_connect(enum wire_server which)
{
	struct server *server = &servers[which];
	int fd;

	if (!server->pid) {
		put("err", "");
		server->pid = start_as(
			which, (struct given){ .args = LIST("-h", "127.0.0.1", "-p", "0") });
		server->port = wait_port(server->pid);
		ck_assert_msg(server->port, "it doesn't start: %s", content("err"));
	}
	fd = dial(server->port);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

int wire_inetd(enum wire_server which, bool without_openat2, pid_t *pid)
{
	int ends[2];

	connect_pair(ends);
	*pid = start_as(which, (struct given){ .in = ends[1],
					       .out = ends[1],
					       .err = ends[1],
					       .without_openat2 = without_openat2 });
	close(ends[1]);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	return ends[0];
}

int wire_stop(enum wire_server which)
{
	pid_t pid = servers[which].pid;

	servers[which].pid = 0;
	return stop(pid);
}
