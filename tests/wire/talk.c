/* Starting servers and handlers, and talking to them. */
#include "wire.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef WWWD
#define WWWD "./wwwd"
#endif

enum { OPTIONS = 24, START_WAIT = 10000, STOP_WAIT = 10000 };

const char *wire_top;

static struct {
	pid_t pid;
	unsigned port;
} servers[SERVED];

/* The options of each server; those of the address come before them in the standalone mode. */
static const char *const options[SERVED][OPTIONS] = {
	[MAIN] = { "-d", "site" },
	[SMALL] = { "-d", "small", "--no-listing", "--line-max", "512", "--header-max", "2K",
		    "--fields-max", "10", "--body-max", "1K", "--requests-max", "3", "--header",
		    "Cache-Control: no-store" },
};

static const char *const names[SERVED] = { "main", "small" };

long long wire_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void nap(int milliseconds)
{
	poll(NULL, 0, milliseconds);
}

/* From here on the kernel knows no openat2(2), and files must be found in another way. */
static void forget_openat2(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]), .filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		_exit(126);
}

/* Become wwwd, in a child: with the descriptors as they are, and paths below wire_top. */
__attribute__((noreturn)) static void become_server(enum wire_server which, bool standalone)
{
	/* it goes by itself if whoever runs this suite is killed and can't stop it */
	static const char *const alone[] = {
		"-h", "127.0.0.1", "-p", "0", "--exit-idle-time", "600"
	};
	const char *program = getenv("WWWD") ? getenv("WWWD") : WWWD;
	const char *args[OPTIONS + 16] = { program };
	char root[4096], log[4096];
	size_t count = 1;

	for (size_t i = 0; standalone && i < sizeof(alone) / sizeof(alone[0]); i++)
		args[count++] = alone[i];
	for (size_t i = 0; options[which][i]; i++)
		args[count++] = options[which][i];
	for (size_t i = 1; i < count; i++)
		if (strcmp(args[i - 1], "-d") == 0) {
			snprintf(root, sizeof(root), "%s/%s", wire_top, args[i]);
			args[i] = root;
		}
	args[count++] = "--header";
	args[count++] = "X-Wire: on every answer";
	snprintf(log, sizeof(log), "%s/log.%s", wire_top, names[which]);
	args[count++] = "--log";
	args[count++] = log;
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_PID");
	unsetenv("NOTIFY_SOCKET");
	signal(SIGPIPE, SIG_DFL);
	execv(program, (char *const *)args);
	_exit(127);
}

/* The port in the URL of the banner, 0 while there is none. */
static unsigned read_port(const char *path)
{
	char text[4096] = "";
	FILE *file = fopen(path, "re");
	const char *url;

	if (!file)
		return 0;
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	url = strstr(text, "http://127.0.0.1:");
	if (!url || !strchr(url, '\n'))
		return 0;
	return (unsigned)strtoul(url + strlen("http://127.0.0.1:"), NULL, 10);
}

void wire_serve(enum wire_server which)
{
	char path[4096];
	long long end = wire_now() + START_WAIT;
	int fd;

	snprintf(path, sizeof(path), "%s/stderr.%s", wire_top, names[which]);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		err(1, "%s", path);
	servers[which].pid = fork();
	if (servers[which].pid < 0)
		err(1, "fork");
	if (servers[which].pid == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 0);
		dup2(null, 1);
		dup2(fd, 2);
		become_server(which, true);
	}
	close(fd);
	while (!(servers[which].port = read_port(path)) && wire_now() < end) {
		if (waitpid(servers[which].pid, NULL, WNOHANG) != 0) {
			servers[which].pid = 0;
			break;
		}
		nap(2);
	}
	if (!servers[which].port)
		errx(1, "the %s server doesn't start, or prints no URL", names[which]);
}

int wire_reap(pid_t pid)
{
	long long end = wire_now() + STOP_WAIT;
	int status, pause = 0;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (wire_now() > end) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return -1;
		}
		nap(pause);
		pause = pause < 20 ? pause + 1 : 20;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int wire_stop(enum wire_server which)
{
	pid_t pid = servers[which].pid;

	servers[which].pid = 0;
	if (!pid)
		return -1;
	kill(pid, SIGTERM);
	return wire_reap(pid);
}

void wire_stop_all(void)
{
	for (int i = 0; i < SERVED; i++)
		wire_stop((enum wire_server)i);
}

static int tcp_socket(struct sockaddr_in *address, unsigned port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		err(1, "socket");
	*address = (struct sockaddr_in){ .sin_family = AF_INET,
					 .sin_port = htons((uint16_t)port),
					 .sin_addr = { htonl(INADDR_LOOPBACK) } };
	return fd;
}

/* The client's end: what is written goes out at once, in as many segments as there were writes. */
static int connect_to(unsigned port)
{
	struct sockaddr_in address;
	int fd = tcp_socket(&address, port), one = 1;

	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		close(fd);
		return -1;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

int wire_connect(enum wire_server which)
{
	return connect_to(servers[which].port);
}

int wire_inetd(enum wire_server which, bool without_openat2, pid_t *pid)
{
	static int listener = -1;
	static unsigned port;
	struct sockaddr_in address;
	socklen_t size = sizeof(address);
	int client, server;

	if (listener < 0) {
		listener = tcp_socket(&address, 0);
		if (bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
		    listen(listener, 8) != 0 ||
		    getsockname(listener, (struct sockaddr *)&address, &size) != 0)
			err(1, "a listener");
		port = ntohs(address.sin_port);
	}
	client = connect_to(port);
	server = client < 0 ? -1 : accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (server < 0)
		err(1, "accept");
	*pid = fork();
	if (*pid < 0)
		err(1, "fork");
	if (*pid == 0) {
		for (int fd = 0; fd < 3; fd++)
			dup2(server, fd);
		if (without_openat2)
			forget_openat2();
		become_server(which, false);
	}
	close(server);
	return client;
}

static void send_some(struct wire_talk *talk)
{
	size_t size = talk->piece && talk->piece < talk->out_size ? talk->piece : talk->out_size;
	ssize_t sent = send(talk->fd, talk->out, size, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (sent < 0 && errno == EAGAIN)
		return;
	if (sent < 0)
		sent = (ssize_t)talk->out_size; /* it has hung up: what it said will be read */
	talk->out += sent;
	talk->out_size -= (size_t)sent;
}

static void receive_some(struct wire_talk *talk)
{
	ssize_t size = recv(talk->fd, talk->got + talk->got_size, talk->got_room - talk->got_size,
			    MSG_DONTWAIT);

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (size < 0)
		talk->error = errno;
	if (size <= 0)
		talk->eof = true;
	else
		talk->got_size += (size_t)size;
}

void wire_step(struct wire_talk *talk, int timeout)
{
	struct pollfd ready = { .fd = talk->fd };

	if (!talk->deaf)
		ready.events |= POLLIN;
	if (talk->out_size)
		ready.events |= POLLOUT;
	if (poll(&ready, 1, timeout) <= 0)
		return;
	if (!talk->deaf && ready.revents & (POLLIN | POLLERR | POLLHUP))
		receive_some(talk);
	if (ready.revents & POLLOUT)
		send_some(talk);
}
