/*
 * idle PORT COUNT: so many connections to 127.0.0.1, each of which has had one response and asks for
 * nothing more. A process holds up to EACH of them, from an address of its own, as the ports of one
 * would not be enough; it names the ports itself, as the kernel takes long to find one when most are
 * taken. Says "there" when all are held. When standard input ends, it says how many
 * the server has closed meanwhile, and resets the others, so that no port stays in TIME_WAIT.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EACH = 20000, SPARE = 32, BATCH = 64, FIRST_PORT = 10000, LAST_PORT = 65535 };

static const char request[] = "HEAD /1k.html HTTP/1.1\r\nHost: localhost\r\n\r\n";

/* From the next port of this address that nobody has. */
static int dial(uint16_t port, uint32_t source)
{
	static int next = FIRST_PORT;
	const struct linger reset = { .l_onoff = 1 };
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr = { htonl(source) } };
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), wrong;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) < 0)
		err(1, "a socket");
	do {
		from.sin_port = htons((uint16_t)next++);
		wrong = bind(fd, (struct sockaddr *)&from, sizeof(from));
	} while (wrong && errno == EADDRINUSE && next <= LAST_PORT);
	if (wrong || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		err(1, "a connection");
	return fd;
}

/* Up to the empty line: the response to HEAD has nothing behind it. */
static void await_response(int fd)
{
	char buffer[4096];
	size_t size = 0;

	while (size < 4 || memcmp(buffer + size - 4, "\r\n\r\n", 4) != 0) {
		ssize_t n = recv(fd, buffer + size, sizeof(buffer) - size, 0);

		if (n <= 0)
			errx(1, "a connection ended before its response was complete");
		size += (size_t)n;
	}
	if (memcmp(buffer, "HTTP/1.1 200 ", 13) != 0)
		errx(1, "the response is %.40s", buffer);
}

static unsigned closed(const int *fds, unsigned count)
{
	unsigned n = 0;

	for (unsigned i = 0; i < count; i++) {
		struct pollfd p = { .fd = fds[i], .events = POLLIN };

		n += poll(&p, 1, 0) != 0;
	}
	return n;
}

static void hold(uint16_t port, uint32_t source, unsigned count, int told, int tell)
{
	int *fds = calloc(count, sizeof(*fds));
	unsigned n = 0;
	char none;

	if (!fds)
		err(1, "memory");
	for (unsigned i = 0; i < count; i += n) {
		for (n = 0; n < BATCH && i + n < count; n++) {
			fds[i + n] = dial(port, source);
			if (send(fds[i + n], request, sizeof(request) - 1, MSG_NOSIGNAL) < 0)
				err(1, "a request");
		}
		for (unsigned j = 0; j < n; j++)
			await_response(fds[i + j]);
	}
	n = 0;
	if (write(tell, &n, sizeof(n)) != sizeof(n) || read(told, &none, 1) != 0)
		err(1, "a pipe");
	n = closed(fds, count);
	if (write(tell, &n, sizeof(n)) != sizeof(n))
		err(1, "a pipe");
}

/* A number from each of the processes; their sum. */
static unsigned gather(int fd, unsigned processes)
{
	unsigned sum = 0, one;

	for (unsigned i = 0; i < processes; i++) {
		if (read(fd, &one, sizeof(one)) != sizeof(one))
			errx(1, "not all connections could be made");
		sum += one;
	}
	return sum;
}

int main(int argc, char **argv)
{
	unsigned count = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0, processes = 0, each;
	uint16_t port = argc == 3 ? (uint16_t)strtoul(argv[1], NULL, 10) : 0;
	int end[2], numbers[2];
	struct rlimit files;
	char byte;

	if (!port || !count)
		errx(2, "usage: idle PORT COUNT");
	if (getrlimit(RLIMIT_NOFILE, &files) < 0 || pipe(end) < 0 || pipe(numbers) < 0)
		err(1, "what it needs");
	each = files.rlim_cur < EACH + SPARE ? (unsigned)files.rlim_cur - SPARE : EACH;
	for (unsigned i = 0; i < count; i += each, processes++) {
		pid_t pid = fork();

		if (pid < 0)
			err(1, "fork");
		if (pid == 0) {
			close(end[1]);
			close(numbers[0]);
			hold(port, 0x7f010001 + processes, count - i < each ? count - i : each,
			     end[0], numbers[1]);
			_exit(0);
		}
	}
	close(end[0]);
	close(numbers[1]);
	(void)gather(numbers[0], processes);
	puts("there");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	close(end[1]);
	printf("%u\n", gather(numbers[0], processes));
	while (wait(NULL) > 0)
		;
	return 0;
}
