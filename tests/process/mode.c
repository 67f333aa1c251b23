/* What wwwd makes of what it is given: a pipe, a file, a connection, a listener, a terminal. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "process.h"

#define LENGTH(array) (int)(sizeof(array) / sizeof((array)[0]))

#define GET_OLD "GET /ten.txt HTTP/1.0\r\n\r\n"
#define GET_LAST "GET /ten.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

static int ask_on(int fd, const char *request)
{
	say(fd, request);
	return hear(fd, false);
}

/* ---- filter ---- */

/* The request and its end through a pipe; what the program says is the reply. */
static int filter(const char *request, const char *const *args)
{
	int in[2], out[2];
	pid_t pid;

	ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	pid = start((struct given){ .in = in[0], .out = out[1], .args = args });
	close(in[0]);
	close(out[1]);
	ck_assert_int_eq(write(in[1], request, strlen(request)), (ssize_t)strlen(request));
	close(in[1]);
	hear_all(out[0]);
	close(out[0]);
	return finish(pid);
}

START_TEST(filter_pipe)
{
	ck_assert_int_eq(filter(GET_OLD, LIST("-d", site)), 0);
	ck_assert_int_eq(reply.status, 200);
	ck_assert_str_eq(reply.body, "0123456789");
	ck_assert_msg(strstr(content("err"), "\"GET /ten.txt HTTP/1.0\" 200 10 "), "%s",
		      content("err"));
}
END_TEST

START_TEST(filter_half_a_request)
{
	ck_assert_int_eq(filter("GET /ten.txt HT", LIST("-d", site)), 0);
	ck_assert_msg(reply.status == 0 || reply.status == 400, "%s", reply.bytes);
}
END_TEST

START_TEST(filter_half_a_body)
{
	ck_assert_int_eq(
		filter("POST /ten.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1234",
		       LIST("-d", site)),
		0);
	ck_assert_msg(reply.status == 0 || reply.status == 400, "%s", reply.bytes);
}
END_TEST

START_TEST(filter_nothing)
{
	ck_assert_int_eq(filter("", LIST("-d", site)), 0);
	ck_assert_uint_eq(reply.size, 0);
	ck_assert_str_eq(content("err"), "");
}
END_TEST

/* From file to file; `size` is that of the big one. */
static int filter_file(const char *request)
{
	int in, out;

	put("request", request);
	in = open(in_top("request"), O_RDONLY | O_CLOEXEC);
	out = open(in_top("answer"), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	ck_assert_int_eq(
		finish(start((struct given){ .in = in, .out = out, .args = LIST("-d", site) })), 0);
	close(in);
	lseek(out, 0, SEEK_SET);
	hear_all(out);
	close(out);
	return reply.status;
}

START_TEST(filter_from_file_to_file)
{
	ck_assert_int_eq(filter_file(GET_OLD), 200);
	ck_assert_str_eq(reply.body, "0123456789");
}
END_TEST

START_TEST(filter_big_file_to_file)
{
	enum { SIZE = 900000 };

	put_sparse("site/big.bin", SIZE);
	ck_assert_int_eq(filter_file("GET /big.bin HTTP/1.0\r\n\r\n"), 200);
	ck_assert_uint_eq(reply.body_size, SIZE);
}
END_TEST

START_TEST(filter_pipelined_file)
{
	const char *second, *third;

	ck_assert_int_eq(filter_file("GET /ten.txt HTTP/1.1\r\nHost: a\r\n\r\n"
				     "GET /none HTTP/1.1\r\nHost: a\r\n\r\n" GET_LAST
				     "GET /index.html HTTP/1.1\r\nHost: a\r\n\r\n"),
			 200);
	ck_assert_int_eq(strncmp(reply.body, "0123456789HTTP/1.1 404 ", 23), 0);
	second = reply.body + 10;
	third = strstr(second + 1, "HTTP/1.1 ");
	ck_assert_ptr_nonnull(third);
	ck_assert_int_eq(strncmp(third, "HTTP/1.1 200 ", 13), 0);
	ck_assert_str_eq(reply.bytes + reply.size - 14, "\r\n\r\n0123456789");
	ck_assert_ptr_null(strstr(third + 1, "HTTP/1.1 "));
}
END_TEST

START_TEST(filter_from_empty_file)
{
	ck_assert_int_eq(filter_file(""), 0);
	ck_assert_uint_eq(reply.size, 0);
}
END_TEST

/* A pipe that nobody reads for a while is waited for, and not by trying again and again. */
START_TEST(filter_to_slow_reader)
{
	enum { SIZE = 3 << 20 };
	static char bytes[1 << 16];
	uint64_t total = 0;
	int out[2], in;
	ssize_t n;
	pid_t pid;

	put_sparse("site/big.bin", SIZE);
	put("request", "GET /big.bin HTTP/1.0\r\n\r\n");
	in = open(in_top("request"), O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	pid = start((struct given){ .in = in, .out = out[1], .args = LIST("-d", site) });
	close(out[1]);
	nap(1000);
	ck_assert_int_lt(busy_time(pid), 300);
	while ((n = read(out[0], bytes, sizeof(bytes))) > 0)
		total += (uint64_t)n;
	ck_assert_uint_gt(total, SIZE);
	ck_assert_int_eq(finish(pid), 0);
	close(out[0]);
}
END_TEST

/* The reader has gone: no signal, no complaint. */
START_TEST(filter_without_reader)
{
	int out[2], in;

	put_sparse("site/big.bin", 3 << 20);
	put("request", "GET /big.bin HTTP/1.0\r\n\r\n");
	in = open(in_top("request"), O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	close(out[0]);
	ck_assert_int_eq(
		finish(start((struct given){ .in = in, .out = out[1], .args = LIST("-d", site) })),
		0);
}
END_TEST

/* ---- inetd ---- */

/* A connection on 0, 1 and 2, as inetd gives it; what comes of it is the reply. */
static int inetd(int ends[2], const char *request, const char *const *args)
{
	pid_t pid;

	pid = start((struct given){ .in = ends[1], .out = ends[1], .err = ends[1], .args = args });
	close(ends[1]);
	say(ends[0], request);
	shutdown(ends[0], SHUT_WR);
	hear_all(ends[0]);
	close(ends[0]);
	return finish(pid);
}

START_TEST(inetd_answers)
{
	int ends[2];

	connect_pair(ends);
	ck_assert_int_eq(inetd(ends, GET_LAST, LIST("-d", site)), 0);
	ck_assert_int_eq(reply.status, 200);
	ck_assert_str_eq(reply.body, "0123456789");
}
END_TEST

START_TEST(inetd_answers_unix)
{
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	ck_assert_int_eq(inetd(ends, GET_LAST, LIST("-d", site)), 0);
	ck_assert_int_eq(reply.status, 200);
	ck_assert_str_eq(reply.body, "0123456789");
}
END_TEST

/* The client has reset the connection before the program looks at it. */
START_TEST(inetd_client_gone)
{
	const struct linger at_once = { .l_onoff = 1 };
	int ends[2];
	pid_t pid;

	connect_pair(ends);
	setsockopt(ends[0], SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(ends[0]);
	pid = start((struct given){
		.in = ends[1], .out = ends[1], .err = ends[1], .args = LIST("-d", site) });
	close(ends[1]);
	ck_assert_int_eq(finish(pid), 0);
}
END_TEST

static int no_delay(int fd)
{
	int set = -1;
	socklen_t size = sizeof(set);

	ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &set, &size), 0);
	return set != 0;
}

/*
 * Whoever made the socket may not have set TCP_NODELAY, and then a small part of an answer would
 * wait until the client acknowledges another. It is set before the first answer in several parts,
 * and small ones cost no call.
 */
START_TEST(inetd_delays_nothing)
{
	static const struct {
		const char *request;
		int status;
		bool parts;
	} rows[] = {
		{ "GET /ten.txt HTTP/1.1\r\nHost: a\r\n\r\n", 200, false },
		{ "GET /none HTTP/1.1\r\nHost: a\r\n\r\n", 404, false },
		{ "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 200, false },
		{ "GET /large HTTP/1.1\r\nHost: a\r\n\r\n", 200, true },
		{ "GET /large HTTP/1.1\r\nHost: a\r\nRange: bytes=0-0,9-9\r\n\r\n", 206, true },
		{ "GET /many/ HTTP/1.1\r\nHost: a\r\n\r\n", 200, true },
	};
	char name[64];

	put_sparse("site/large", 32 << 10);
	ck_assert_int_eq(mkdir(in_top("site/many"), 0755), 0);
	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "site/many/%040d", i);
		put(name, "");
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int ends[2];
		pid_t pid;

		connect_pair(ends);
		ck_assert_int_eq(no_delay(ends[1]), 0);
		pid = start((struct given){
			.in = ends[1], .out = ends[1], .err = ends[1], .args = LIST("-d", site) });
		for (int again = 0; again < 2; again++)
			ck_assert_int_eq(ask_on(ends[0], rows[i].request), rows[i].status);
		ck_assert_msg(no_delay(ends[1]) == rows[i].parts, "%s", rows[i].request);
		close(ends[0]);
		close(ends[1]);
		ck_assert_int_eq(finish(pid), 0);
	}
}
END_TEST

/* Whatever is wrong, not a byte that isn't HTTP may reach the client. */
static const struct {
	int status;
	const char *args[5];
} inetd_faults[] = {
	{ 2, { NULL } },
	{ 1, { "-d", "/nosuch" } },
	{ 1, { "-d", "/etc/passwd" } },
	{ 2, { "--nosuch" } },
	{ 2, { "-d" } },
	{ 2, { "-d", "/usr", "--line-max", "x" } },
	{ 2, { "-d", "/usr", "word" } },
	{ 1, { "-d", "/usr", "--log", "/nosuch/log" } },
};

START_TEST(inetd_fault)
{
	int ends[2];

	connect_pair(ends);
	ck_assert_int_eq(inetd(ends, GET_LAST, inetd_faults[_i].args), inetd_faults[_i].status);
	ck_assert_msg(reply.size == 0 || reply.status == 500 || reply.status == 503, "%s",
		      reply.bytes);
}
END_TEST

/* As inetd's "wait": a listener on 0, handed over and taken back. */
START_TEST(inetd_waits)
{
	unsigned port;
	int listener = listen_tcp(&port);

	for (int i = 0; i < 2; i++) {
		long long began;
		pid_t pid = start(
			(struct given){ .in = listener,
					.out = listener,
					.err = listener,
					.args = LIST("-d", site, "--exit-idle-time", "0.5") });

		ck_assert_int_eq(get(port, "/ten.txt"), 200);
		ck_assert_int_eq(get(port, "/none"), 404);
		ck_assert_int_eq(no_delay(listener), 1); /* and so have those accepted on it */
		began = now();
		ck_assert_int_eq(finish(pid), 0);
		ck_assert_int_ge(now() - began, 400);
		ck_assert_int_lt(now() - began, PROMPT);
	}
	close(listener);
}
END_TEST

/* It leaves when nobody is there, and not while somebody is. */
START_TEST(inetd_waits_for_client)
{
	unsigned port;
	int listener = listen_tcp(&port), fd;
	pid_t pid = start((struct given){ .in = listener,
					  .args = LIST("-d", site, "--exit-idle-time", "0.3") });

	fd = dial(port);
	nap(1000);
	ck_assert_int_eq(ask_on(fd, GET_LAST), 200);
	close(fd);
	ck_assert_int_eq(finish(pid), 0);
	close(listener);
}
END_TEST

/* ---- systemd ---- */

static const struct {
	const char *args[2];
	bool one; /* a process a connection */
} activations[] = {
	{ { "--accept", "--inetd" }, true },
	{ { "--accept" }, true },
	{ { NULL }, false },
};

/* The real systemd-socket-activate. */
START_TEST(socket_activate)
{
	char address[32];
	const char *args[12] = { "-l", address };
	size_t n = 2;
	int way = _i / build_count, fd = -1;
	unsigned port;
	pid_t pid;

	wwwd = builds[_i % build_count];
	(void)own_network(); /* where we may, so that nobody else takes the port */
	port = free_port();
	snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	for (size_t i = 0; i < 2 && activations[way].args[i]; i++)
		args[n++] = activations[way].args[i];
	args[n++] = wwwd;
	args[n++] = "-d";
	args[n++] = site;
	pid = start((struct given){ .program = "/usr/bin/systemd-socket-activate",
				    .args = args,
				    .env = LIST("ASAN_OPTIONS=detect_leaks=0") });
	for (long long end = now() + START_TIME; fd < 0 && now() < end; nap(5))
		fd = dial(port);
	ck_assert_msg(fd >= 0, "%s", content("err"));
	ck_assert_int_eq(ask_on(fd, "GET /ten.txt HTTP/1.1\r\nHost: a\r\n\r\n"), 200);
	ck_assert_int_eq(ask_on(fd, GET_LAST), 200);
	ck_assert_str_eq(reply.body, "0123456789");
	ck_assert(at_end(fd));
	close(fd);
	ck_assert_int_eq(get(port, "/none"), 404);
	ck_assert_int_eq(stop(pid), activations[way].one ? 128 + SIGTERM : 0);
}
END_TEST

/* Two listeners as $LISTEN_FDS, one of TCP, one a path. */
START_TEST(listeners_passed)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), other, fd;
	unsigned port;
	pid_t pid;

	wwwd = builds[_i];
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", in_top("socket"));
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(listener, 8), 0);
	other = listen_tcp(&port);
	pid = start((struct given){ .args = LIST("-d", site),
				    .passed = (int[]){ listener, other, -1 } });
	ck_assert_int_eq(get(port, "/ten.txt"), 200);
	fd = dial_path(in_top("socket"));
	ck_assert_int_eq(ask_on(fd, GET_LAST), 200);
	close(fd);
	close(listener);
	close(other);
	ck_assert_int_eq(stop(pid), 0);
}
END_TEST

START_TEST(datagrams_passed)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	wwwd = builds[_i];
	pid = start((struct given){ .args = LIST("-d", site), .passed = (int[]){ fd, -1 } });
	close(fd);
	ck_assert_int_eq(finish(pid), 1);
	ck_assert_ptr_nonnull(strstr(content("err"), "wwwd: descriptor 3 "));
}
END_TEST

/* What isn't a number of descriptors that are there. */
static const char *const fds_faults[] = { "0", "-1", "x", "1x", "2", "99999999999999999999" };

START_TEST(fds_fault)
{
	const char *value = fds_faults[_i / build_count], *text;
	char variable[64];
	unsigned port;
	int listener = listen_tcp(&port);

	wwwd = builds[_i % build_count];
	snprintf(variable, sizeof(variable), "LISTEN_FDS=%s", value);
	ck_assert_int_eq(finish(start((struct given){ .args = LIST("-d", site),
						      .passed = (int[]){ listener, -1 },
						      .env = LIST(variable) })),
			 1);
	text = content("err");
	ck_assert_msg(strstr(text, *value == '2' ? " of $LISTEN_FDS " : variable) &&
			      strchr(text, '\n') == strrchr(text, '\n'),
		      "%s: %s", value, text);
	close(listener);
}
END_TEST

/* Variables that are meant for another process aren't ours. */
START_TEST(fds_of_another)
{
	int ends[2];
	pid_t pid;

	wwwd = builds[_i];
	connect_pair(ends);
	pid = start((struct given){ .in = ends[1],
				    .out = ends[1],
				    .args = LIST("-d", site),
				    .env = LIST("LISTEN_FDS=1", "LISTEN_PID=1") });
	close(ends[1]);
	ck_assert_int_eq(ask_on(ends[0], GET_LAST), 200);
	close(ends[0]);
	ck_assert_int_eq(finish(pid), 0);
}
END_TEST

/* The service manager's end of $NOTIFY_SOCKET: in the file system, and in the abstract. */
static int notify_socket(char *variable, size_t room, bool abstract)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const struct timeval patience = { .tv_sec = START_TIME / 1000 };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char *path = address.sun_path;
	int n = snprintf(path, sizeof(address.sun_path), "%s", in_top("notify"));
	mode_t mask = umask(0);

	snprintf(variable, room, "NOTIFY_SOCKET=%s%s", abstract ? "@" : "", path);
	if (abstract) {
		memmove(path + 1, path, (size_t)n++);
		path[0] = '\0';
	}
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n)),
			 0);
	umask(mask);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

static const char *notified(int fd)
{
	static char text[512];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

/* With a listener that was passed, and with one of its own. */
START_TEST(notify_manager)
{
	char variable[512];
	bool abstract = _i / build_count & 1, own = _i / build_count & 2;
	int fd = notify_socket(variable, sizeof(variable), abstract), listener;
	unsigned port;
	pid_t pid;

	wwwd = builds[_i % build_count];
	listener = listen_tcp(&port);
	pid = start((struct given){ .env = LIST(variable),
				    .passed = own ? NULL : (int[]){ listener, -1 },
				    .args = own ? LIST("-d", site, "-p", "0") : LIST("-d", site) });
	ck_assert_msg(strstr(notified(fd), "READY=1"), "READY=1 hasn't come");
	ck_assert_int_eq(get(own ? wait_port(pid) : port, "/ten.txt"), 200);
	kill(pid, SIGTERM);
	ck_assert_msg(strstr(notified(fd), "STOPPING=1"), "STOPPING=1 hasn't come");
	ck_assert_int_eq(finish(pid), 0);
	close(listener);
	close(fd);
}
END_TEST

/* A manager that isn't there, or whose name is too long, keeps nobody from serving. */
START_TEST(notify_nobody)
{
	char variable[256] = "NOTIFY_SOCKET=/nosuch";
	bool too_long = _i / build_count;
	struct server server;

	wwwd = builds[_i % build_count];
	if (too_long)
		memset(variable + strlen(variable), 'x', 200);
	server = serve((struct given){ .env = LIST(variable) });
	ck_assert_int_eq(get(server.port, "/ten.txt"), 200);
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

/* ---- listening by itself ---- */

/* A server at all addresses says one at which it is reached. */
#define OWN " and every other address"

static const struct {
	const char *host, *url;
	int family; /* by which it is reached, and */
	const char *address;
	bool alone; /* by no other */
} hosts[] = {
	{ "127.0.0.1", "http://127.0.0.1:", AF_INET, "127.0.0.1", true },
	{ "127.0.0.2", "http://127.0.0.2:", AF_INET, "127.0.0.2", true },
	{ NULL, "http://127.0.0.1:", AF_INET, "127.0.0.1", true },
	{ "::1", "http://[::1]:", AF_INET6, "::1", true },
	{ "localhost", "http://127.0.0.1:", AF_INET, "127.0.0.1", false },
	{ "*", OWN, AF_INET, "127.0.0.3", false },
	{ "*", OWN, AF_INET6, "::1", false },
	{ "0.0.0.0", OWN, AF_INET, "127.0.0.3", true },
	{ "::", OWN, AF_INET6, "::1", false },
};

static int dial_address(const char *address, unsigned port)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM };
	char service[16];
	struct addrinfo *ai;
	int fd;

	snprintf(service, sizeof(service), "%u", port);
	ck_assert_int_eq(getaddrinfo(address, service, &hints, &ai), 0);
	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(fd, ai->ai_addr, ai->ai_addrlen) != 0) {
		close(fd);
		fd = -1;
	}
	freeaddrinfo(ai);
	return fd;
}

START_TEST(host)
{
	const char *const *args = hosts[_i].host ? LIST("-d", site, "-p", "0", "-h", hosts[_i].host)
						 : LIST("-d", site, "-p", "0");
	pid_t pid = start((struct given){ .args = args });
	unsigned port = wait_port(pid);
	int fd;

	ck_assert_msg(port, "%s", content("err"));
	ck_assert_msg(strstr(content("err"), hosts[_i].url), "%s", content("err"));
	ck_assert_msg(strstr(content("err"), site), "%s", content("err"));
	fd = dial_address(hosts[_i].address, port);
	ck_assert_msg(fd >= 0, "%s isn't listened at", hosts[_i].address);
	ck_assert_int_eq(ask_on(fd, GET_LAST), 200);
	close(fd);
	if (strcmp(hosts[_i].url, OWN) == 0) {
		char own[64] = "";

		ck_assert_int_eq(
			sscanf(strstr(content("err"), "http://") + 7, "%*[[]%63[0-9a-f:]", own) +
				sscanf(strstr(content("err"), "http://") + 7, "%63[0-9.]", own),
			1);
		fd = dial_address(own, port);
		ck_assert_msg(fd >= 0, "%s isn't listened at", own);
		close(fd);
	}
	if (hosts[_i].alone)
		ck_assert_int_lt(
			dial_address(hosts[_i].family == AF_INET ? "::1" : "127.0.0.1", port), 0);
	ck_assert_int_eq(stop(pid), 0);
}
END_TEST

/* One line of the banner for each. */
START_TEST(several_hosts)
{
	const char *path = in_top("socket"), *text;
	pid_t pid = start((struct given){
		.args = LIST("-d", site, "-h", "127.0.0.1", "-h", "::1", "-h", path, "-p", "0") });
	unsigned four = wait_port(pid), six;
	int fd;

	ck_assert_uint_ne(four, 0);
	ck_assert(wait_text("err", "at unix:"));
	text = content("err");
	ck_assert_ptr_nonnull(strstr(text, path));
	ck_assert_ptr_nonnull(strstr(text, "http://[::1]:"));
	six = (unsigned)strtoul(strstr(text, "[::1]:") + 6, NULL, 10);
	ck_assert_int_eq(get(four, "/ten.txt"), 200);
	fd = dial_address("::1", six);
	ck_assert_int_eq(ask_on(fd, GET_LAST), 200);
	close(fd);
	fd = dial_path(path);
	ck_assert_int_eq(ask_on(fd, GET_LAST), 200);
	close(fd);
	ck_assert_int_eq(stop(pid), 0);
}
END_TEST

START_TEST(port_by_number)
{
	char number[16];
	unsigned port = free_port();
	pid_t pid;

	snprintf(number, sizeof(number), "%u", port);
	pid = start((struct given){ .args = LIST("-d", site, "-p", number) });
	ck_assert_uint_eq(wait_port(pid), port);
	ck_assert_int_eq(get(port, "/ten.txt"), 200);
	ck_assert_int_eq(stop(pid), 0);
}
END_TEST

/* In a network of our own nobody else has the port. */
START_TEST(port_by_name)
{
	pid_t pid;

	ck_assert(own_network());
	pid = start((struct given){ .args = LIST("-d", site, "-p", "http") });
	ck_assert_uint_eq(wait_port(pid), 80);
	ck_assert_int_eq(get(80, "/ten.txt"), 200);
	ck_assert_int_eq(stop(pid), 0);
}
END_TEST

START_TEST(port_by_default)
{
	pid_t pid;

	ck_assert(own_network());
	pid = start((struct given){ .args = LIST("-d", site, "-h", "127.0.0.1") });
	ck_assert_uint_eq(wait_port(pid), 8080);
	ck_assert_int_eq(get(8080, "/ten.txt"), 200);
	ck_assert_int_eq(stop(pid), 0);
}
END_TEST

/* In a network of our own, "both" is a name of two addresses. */
static void name_both(void)
{
	ck_assert(own_network());
	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	ck_assert_int_eq(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	put("hosts", "127.0.0.1 both\n::1 both\n");
	ck_assert_int_eq(mount(in_top("hosts"), "/etc/hosts", NULL, MS_BIND, NULL), 0);
}

/* An address that the host doesn't have is left out. getaddrinfo(3) returns it last. */
START_TEST(name_without_ipv6)
{
	FILE *off;
	pid_t pid;

	name_both();
	off = fopen("/proc/sys/net/ipv6/conf/lo/disable_ipv6", "we");
	ck_assert(off && fputs("1", off) >= 0 && fclose(off) == 0);
	pid = start((struct given){ .args = LIST("-d", site, "-h", "both") });
	ck_assert_msg(wait_port(pid) == 8080, "%s", content("err"));
	ck_assert_int_eq(get(8080, "/ten.txt"), 200);
	ck_assert_int_eq(stop(pid), 0);
}
END_TEST

/* Of 16 ports the first is free; the others are in use at one address of the name or at the other. */
START_TEST(port_free_at_all_addresses)
{
	struct sockaddr_in four = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	FILE *range;
	pid_t pid;

	name_both();
	range = fopen("/proc/sys/net/ipv4/ip_local_port_range", "we");
	ck_assert(range && fputs("40000 40015", range) >= 0 && fclose(range) == 0);
	for (in_port_t port = 40001; port < 40016; port++) {
		bool even = port % 2 == 0;
		int fd = socket(even ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

		four.sin_port = six.sin6_port = htons(port);
		ck_assert_int_eq(even ? bind(fd, (struct sockaddr *)&four, sizeof(four))
				      : bind(fd, (struct sockaddr *)&six, sizeof(six)),
				 0);
	}
	pid = start((struct given){ .args = LIST("-d", site, "-h", "both", "-p", "0") });
	ck_assert_msg(wait_port(pid) == 40000, "%s", content("err"));
	ck_assert_int_eq(stop(pid), 0);
}
END_TEST

/* A socket that a dead server left behind is taken over; of another file nothing is touched. */
START_TEST(path_left_behind)
{
	const char *path = in_top("socket");

	for (int i = 0; i < 2; i++) {
		pid_t pid = start((struct given){ .args = LIST("-d", site, "-h", path) });
		int fd;

		ck_assert(wait_text("err", "at unix:"));
		fd = dial_path(path);
		ck_assert_int_eq(ask_on(fd, GET_LAST), 200);
		close(fd);
		kill(pid, SIGKILL);
		finish(pid);
		ck_assert_int_eq(unlink(in_top("err")), 0);
	}
	put("file", "precious");
	ck_assert_int_eq(
		finish(start((struct given){ .args = LIST("-d", site, "-h", in_top("file")) })), 1);
	ck_assert_ptr_nonnull(strstr(content("err"), "file: File exists"));
	ck_assert_str_eq(content("file"), "precious");
}
END_TEST

START_TEST(path_in_use)
{
	const char *path = in_top("socket");
	pid_t pid = start((struct given){ .args = LIST("-d", site, "-h", path) });
	int fd;

	ck_assert(wait_text("err", "at unix:"));
	ck_assert_int_eq(finish(start((struct given){ .args = LIST("-d", site, "-h", path) })), 1);
	fd = dial_path(path);
	ck_assert_int_eq(ask_on(fd, GET_LAST), 200);
	close(fd);
	ck_assert_int_eq(stop(pid), 0);
}
END_TEST

static void leave_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, path, strlen(path));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
}

/* A name whose socket doesn't listen yet is never seen: it comes by rename(2), and in one step. */
START_TEST(path_listens_at_once)
{
	char bytes[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), moved = 0;
	const char *path = in_top("folder/socket");
	pid_t pid;
	ssize_t n;

	ck_assert_int_eq(mkdir(in_top("folder"), 0755), 0);
	if (_i)
		leave_socket(path);
	ck_assert_int_ge(
		inotify_add_watch(watch, in_top("folder"), IN_CREATE | IN_DELETE | IN_MOVED_TO), 0);
	pid = start((struct given){ .args = LIST("-d", site, "-h", path) });
	ck_assert(wait_text("err", "at unix:"));
	n = read(watch, bytes, sizeof(bytes));
	ck_assert_int_gt(n, 0);
	for (char *at = bytes; at < bytes + n;) {
		const struct inotify_event *event = (const struct inotify_event *)(void *)at;

		if (strcmp(event->name, "socket") == 0) {
			ck_assert_uint_eq(event->mask, IN_MOVED_TO);
			moved++;
		}
		at += sizeof(*event) + event->len;
	}
	ck_assert_int_eq(moved, 1);
	ck_assert_int_eq(stop(pid), 0);
	close(watch);
}
END_TEST

/* Of two that start at once where a socket was left behind, one serves, and the other says why not. */
START_TEST(path_wanted_twice)
{
	const char *path = in_top("socket");
	pid_t pids[2];
	int status[2], fd;

	leave_socket(path);
	for (int i = 0; i < 2; i++)
		pids[i] = start((struct given){
			.program = "/usr/bin/strace",
			.args = LIST("-D", "-f", "-o", "/dev/null", "-e",
				     "inject=?rename,?renameat,?renameat2:delay_enter=500000", wwwd,
				     "-d", site, "-h", path) });
	ck_assert(wait_text("err", "at unix:"));
	ck_assert(wait_text("err", ": Address already in use\n"));
	fd = dial_path(path);
	ck_assert_int_eq(ask_on(fd, GET_LAST), 200);
	close(fd);
	for (int i = 0; i < 2; i++)
		status[i] = stop(pids[i]);
	ck_assert_int_eq(status[0] + status[1], 1);
	ck_assert_int_eq(status[0] * status[1], 0);
}
END_TEST

static const struct {
	const char *mode;
	mode_t mask, is;
} socket_modes[] = {
	{ NULL, 022, 0755 },  { NULL, 077, 0700 },   { "600", 0, 0600 },
	{ "666", 077, 0666 }, { "0660", 022, 0660 }, { "0", 0, 0 },
};

START_TEST(path_mode)
{
	const char *mode = socket_modes[_i].mode;
	struct stat st;
	pid_t pid;

	umask(socket_modes[_i].mask);
	pid = start((struct given){ .args = LIST("-d", site, "-h", in_top("socket"),
						 mode ? "--socket-mode" : NULL, mode) });
	umask(022);
	ck_assert(wait_text("err", "at unix:"));
	ck_assert_int_eq(stat(in_top("socket"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, socket_modes[_i].is);
	ck_assert_int_eq(stop(pid), 0);
}
END_TEST

START_TEST(path_bad_mode)
{
	static const char *const modes[] = { "8", "rw", "1777", "-1", " 600", "600 ", "0x1ff" };

	ck_assert_int_eq(
		finish(start((struct given){ .args = LIST("-d", site, "-h", in_top("socket"),
							  "--socket-mode", modes[_i]) })),
		2);
	ck_assert_ptr_nonnull(strstr(content("err"), modes[_i]));
	ck_assert_int_lt(access(in_top("socket"), F_OK), 0);
}
END_TEST

/* The name that it has had before is gone. */
START_TEST(path_leaves_nothing_else)
{
	struct dirent *entry;
	DIR *folder;
	pid_t pid;

	ck_assert_int_eq(mkdir(in_top("folder"), 0755), 0);
	pid = start((struct given){ .args = LIST("-d", site, "-h", in_top("folder/socket")) });
	ck_assert(wait_text("err", "at unix:"));
	folder = opendir(in_top("folder"));
	ck_assert_ptr_nonnull(folder);
	while ((entry = readdir(folder)))
		ck_assert_msg(entry->d_name[strspn(entry->d_name, ".")] == '\0' ||
				      strcmp(entry->d_name, "socket") == 0,
			      "%s is left", entry->d_name);
	closedir(folder);
	ck_assert_int_eq(stop(pid), 0);
}
END_TEST

/* ---- a terminal ---- */

/* A person who says nothing gets this folder at 127.0.0.1:8080, and ends it with Ctrl-C. */
START_TEST(terminal_alone)
{
	int slave, master = open_terminal(&slave);
	pid_t pid;

	ck_assert(own_network());
	pid = start((struct given){ .in = slave, .out = slave, .dir = site, .terminal = true });
	close(slave);
	ck_assert_uint_eq(wait_port(pid), 8080);
	ck_assert_ptr_nonnull(strstr(content("err"), site));
	ck_assert_int_eq(get(8080, "/ten.txt"), 200);
	ck_assert_str_eq(reply.body, "0123456789");
	ck_assert_int_eq(write(master, "\003", 1), 1);
	ck_assert_int_eq(finish(pid), 0);
	close(master);
}
END_TEST

/* At a terminal -d may be left out with -p and -h too; nowhere else. */
START_TEST(terminal_with_port)
{
	int slave, master = open_terminal(&slave);
	pid_t pid = start((struct given){ .in = slave, .dir = site, .args = LIST("-p", "0") });
	unsigned port = wait_port(pid);

	close(slave);
	ck_assert_uint_ne(port, 0);
	ck_assert_int_eq(get(port, "/ten.txt"), 200);
	ck_assert_int_eq(stop(pid), 0);
	close(master);
}
END_TEST

START_TEST(no_dir_without_terminal)
{
	ck_assert_int_eq(finish(start((struct given){ .dir = site, .args = LIST("-p", "0") })), 2);
	ck_assert_ptr_nonnull(strstr(content("err"), "-d"));
}
END_TEST

/* All of / is served only where / was said. */
START_TEST(root_by_accident)
{
	static const char *const ways[][3] = { { "-p", "0" }, { "-d", "." }, { "-d", "./" } };
	int slave, master = open_terminal(&slave);
	pid_t pid = start(
		(struct given){ .in = slave,
				.dir = "/",
				.args = LIST(ways[_i][0], ways[_i][1], _i ? "-p" : NULL, "0") });

	close(slave);
	ck_assert_int_ne(finish(pid), 0);
	ck_assert_msg(strstr(content("err"), "/"), "%s", content("err"));
	ck_assert_ptr_null(strstr(content("err"), "http://"));
	close(master);
}
END_TEST

START_TEST(root_when_named)
{
	pid_t pid = start((struct given){ .args = LIST("-d", "/", "-p", "0") });
	unsigned port = wait_port(pid);
	char target[512];

	ck_assert_msg(port, "%s", content("err"));
	/* root's own directories are another matter: what is beneath is opened as nobody */
	snprintf(target, sizeof(target), "%s/ten.txt", site);
	ck_assert_int_eq(get(port, target), 200);
	ck_assert_int_eq(stop(pid), 0);
}
END_TEST

static void add_needy(TCase *group)
{
	const struct {
		const char *name;
		const TTest *test;
	} alone[] = { { "terminal_alone", terminal_alone },
		      { "port_by_name", port_by_name },
		      { "port_by_default", port_by_default },
		      { "port_free_at_all_addresses", port_free_at_all_addresses },
		      { "name_without_ipv6", name_without_ipv6 } };

	for (size_t i = 0; i < sizeof(alone) / sizeof(alone[0]); i++)
		if (!may_own_network())
			skip(alone[i].name, "needs root for a network of its own");
		else
			tcase_add_test(group, alone[i].test);
	if (sanitized() || access("/usr/bin/strace", X_OK) != 0)
		skip("path_wanted_twice", "needs strace, and no sanitizer");
	else
		tcase_add_test(group, path_wanted_twice);
	if (access("/usr/bin/systemd-socket-activate", X_OK) != 0)
		skip("socket_activate", "there is no systemd-socket-activate");
	else
		tcase_add_loop_test(group, socket_activate, 0, LENGTH(activations) * build_count);
}

Suite *mode_suite(void)
{
	Suite *suite = suite_create("modes");
	TCase *group = test_case(suite, "filter", 15);

	tcase_add_test(group, filter_pipe);
	tcase_add_test(group, filter_half_a_request);
	tcase_add_test(group, filter_half_a_body);
	tcase_add_test(group, filter_nothing);
	tcase_add_test(group, filter_from_file_to_file);
	tcase_add_test(group, filter_big_file_to_file);
	tcase_add_test(group, filter_pipelined_file);
	tcase_add_test(group, filter_from_empty_file);
	tcase_add_test(group, filter_to_slow_reader);
	tcase_add_test(group, filter_without_reader);

	group = test_case(suite, "inetd", 15);
	tcase_add_test(group, inetd_answers);
	tcase_add_test(group, inetd_answers_unix);
	tcase_add_test(group, inetd_delays_nothing);
	tcase_add_test(group, inetd_client_gone);
	tcase_add_loop_test(group, inetd_fault, 0, sizeof(inetd_faults) / sizeof(inetd_faults[0]));
	tcase_add_test(group, inetd_waits);
	tcase_add_test(group, inetd_waits_for_client);

	group = test_case(suite, "systemd", 15);
	tcase_add_loop_test(group, listeners_passed, 0, build_count);
	tcase_add_loop_test(group, datagrams_passed, 0, build_count);
	tcase_add_loop_test(group, fds_fault, 0, LENGTH(fds_faults) * build_count);
	tcase_add_loop_test(group, fds_of_another, 0, build_count);
	tcase_add_loop_test(group, notify_manager, 0, 4 * build_count);
	tcase_add_loop_test(group, notify_nobody, 0, 2 * build_count);

	group = test_case(suite, "standalone", 15);
	tcase_add_loop_test(group, host, 0, sizeof(hosts) / sizeof(hosts[0]));
	tcase_add_test(group, several_hosts);
	tcase_add_test(group, port_by_number);
	tcase_add_test(group, path_left_behind);
	tcase_add_test(group, path_in_use);
	tcase_add_loop_test(group, path_listens_at_once, 0, 2);
	tcase_add_test(group, path_leaves_nothing_else);
	tcase_add_loop_test(group, path_mode, 0, sizeof(socket_modes) / sizeof(socket_modes[0]));
	tcase_add_loop_test(group, path_bad_mode, 0, 7);
	tcase_add_test(group, terminal_with_port);
	tcase_add_test(group, no_dir_without_terminal);
	tcase_add_loop_test(group, root_by_accident, 0, 3);
	tcase_add_test(group, root_when_named);
	add_needy(test_case(suite, "what not everybody can run", 15));
	return suite;
}
