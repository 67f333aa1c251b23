/* What wwwd makes of what it is given: a pipe, a file, a connection, a listener, a terminal. */
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process.h"

#define GET_OLD "GET /ten.txt HTTP/1.0\r\n\r\n"

/* ---- filter ---- */

/* The request and its end through a pipe; what the program says is the reply. */
static int filter(const char *request)
{
	int in[2], out[2];
	pid_t pid;

	ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	pid = start((struct given){ .in = in[0], .out = out[1], .args = LIST("-d", site) });
	close(in[0]);
	close(out[1]);
	ck_assert_int_eq(write(in[1], request, strlen(request)), (ssize_t)strlen(request));
	close(in[1]);
	hear_all(out[0]);
	return finish(pid);
}

START_TEST(filter_pipe)
{
	ck_assert_int_eq(filter(GET_OLD), 0);
	ck_assert_int_eq(reply.status, 200);
	ck_assert_str_eq(reply.body, "0123456789");
	ck_assert_msg(strstr(content("err"), "\"GET /ten.txt HTTP/1.0\" 200 10 "), "%s",
		      content("err"));
}
END_TEST

/* Less than a request, and nothing at all. */
START_TEST(filter_part_of_a_request)
{
	static const char *const parts[] = {
		"",
		"GET /ten.txt HT",
		"POST /ten.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1234",
	};

	ck_assert_int_eq(filter(parts[_i]), 0);
	ck_assert_msg(reply.status == 0 || (_i && reply.status == 400), "%s", reply.bytes);
	if (_i == 0)
		ck_assert_str_eq(content("err"), "");
}
END_TEST

/* Starts it with the request in a file, and this as its output. */
static pid_t start_filter(const char *request, int out)
{
	int in;
	pid_t pid;

	put("request", request);
	in = open(in_top("request"), O_RDONLY | O_CLOEXEC);
	pid = start((struct given){ .in = in, .out = out, .args = LIST("-d", site) });
	close(in);
	return pid;
}

/* From file to file. */
static int filter_file(const char *request)
{
	int out = open(in_top("answer"), O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	ck_assert_int_eq(finish(start_filter(request, out)), 0);
	lseek(out, 0, SEEK_SET);
	return hear_all(out);
}

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

	ck_assert_int_eq(filter_file(GET_TEN GET_OF("/none") GET_LAST GET_OF("/index.html")), 200);
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
	static char bytes[1 << 16];
	uint64_t total = 0;
	int out[2];
	ssize_t n;
	pid_t pid;

	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	pid = start_filter("GET /big.bin HTTP/1.0\r\n\r\n", out[1]);
	close(out[1]);
	nap(1000);
	ck_assert_int_lt(busy_time(pid), 300);
	while ((n = read(out[0], bytes, sizeof(bytes))) > 0)
		total += (uint64_t)n;
	ck_assert_uint_gt(total, BIG);
	ck_assert_int_eq(finish(pid), 0);
}
END_TEST

/* The reader has gone: no signal, no complaint. */
START_TEST(filter_without_reader)
{
	int out[2];

	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	close(out[0]);
	ck_assert_int_eq(finish(start_filter("GET /big.bin HTTP/1.0\r\n\r\n", out[1])), 0);
}
END_TEST

/* ---- inetd ---- */

/* A connection on 0, 1 and 2, as inetd gives it. */
static pid_t inetd(const int ends[2], const char *const *args)
{
	pid_t pid = start(
		(struct given){ .in = ends[1], .out = ends[1], .err = ends[1], .args = args });

	close(ends[1]);
	return pid;
}

/* One request to it, whose answer is the reply; its exit status. */
static int ask_inetd(const int ends[2], const char *const *args)
{
	pid_t pid = inetd(ends, args);

	say(ends[0], GET_LAST);
	shutdown(ends[0], SHUT_WR);
	hear_all(ends[0]);
	return finish(pid);
}

/* Over TCP, and over a UNIX socket. */
START_TEST(inetd_answers)
{
	int ends[2];

	if (_i)
		pair_unix(ends);
	else
		connect_pair(ends);
	ck_assert_int_eq(ask_inetd(ends, LIST("-d", site)), 0);
	ck_assert_int_eq(reply.status, 200);
	ck_assert_str_eq(reply.body, "0123456789");
}
END_TEST

/* The client has reset the connection before the program looks at it. */
START_TEST(inetd_client_gone)
{
	int ends[2];

	connect_pair(ends);
	reset_connection(ends[0]);
	ck_assert_int_eq(finish(inetd(ends, LIST("-d", site))), 0);
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
		{ GET_TEN, 200, false },
		{ GET_OF("/none"), 404, false },
		{ GET_OF("/"), 200, false },
		{ GET_OF("/large"), 200, true },
		{ "GET /large HTTP/1.1\r\nHost: a\r\nRange: bytes=0-0,9-9\r\n\r\n", 206, true },
		{ GET_OF("/many/"), 200, true },
	};

	put_sparse("site/large", 32 << 10);
	put_names("site/many", 40, 3000);
	for (int i = 0; i < COUNT(rows); i++) {
		int ends[2];
		pid_t pid;

		connect_pair(ends);
		ck_assert_int_eq(no_delay(ends[1]), 0);
		pid = start(
			(struct given){ .in = ends[1], .out = ends[1], .args = LIST("-d", site) });
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
	ck_assert_int_eq(ask_inetd(ends, inetd_faults[_i].args), inetd_faults[_i].status);
	ck_assert_msg(reply.size == 0 || reply.status == 500 || reply.status == 503, "%s",
		      reply.bytes);
}
END_TEST

/* As inetd's "wait": a listener on 0, handed over and taken back. */
START_TEST(inetd_waits)
{
	unsigned port;
	int listener = listen_tcp(&port);
	const struct given given = { .in = listener,
				     .out = listener,
				     .err = listener,
				     .args = LIST("-d", site, "--exit-idle-time", "0.5") };

	for (int i = 0; i < 2; i++) {
		pid_t pid = start(given);
		long long began;

		ck_assert_int_eq(get(port, "/ten.txt"), 200);
		ck_assert_int_eq(get(port, "/none"), 404);
		ck_assert_int_eq(no_delay(listener), 1); /* and so have those accepted on it */
		began = now();
		ck_assert_int_eq(finish(pid), 0);
		ck_assert_int_ge(now() - began, 400);
		ck_assert_int_lt(now() - began, PROMPT);
	}
}
END_TEST

/* It exits when there is no client, and not while there is one. */
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
	const char *args[12] = { "-l" };
	size_t n = 2;
	int way = _i / build_count, fd;
	unsigned port;
	pid_t pid;

	wwwd = builds[_i % build_count];
	(void)own_network(); /* where we may, so that nobody else takes the port */
	port = free_port();
	args[1] = format("127.0.0.1:%u", port);
	for (size_t i = 0; i < 2 && activations[way].args[i]; i++)
		args[n++] = activations[way].args[i];
	args[n++] = wwwd;
	args[n++] = "-d";
	args[n++] = site;
	pid = start((struct given){ .program = "/usr/bin/systemd-socket-activate",
				    .args = args,
				    .env = LIST("ASAN_OPTIONS=detect_leaks=0") });
	fd = dial_soon(port);
	ck_assert_int_eq(ask_on(fd, GET_TEN), 200);
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
	int listener = bind_path(SOCK_STREAM, in_top("socket"));
	unsigned port;

	wwwd = builds[_i];
	ck_assert_int_eq(listen(listener, 8), 0);
	start((struct given){ .args = LIST("-d", site),
			      .passed = (int[]){ listener, listen_tcp(&port), -1 } });
	ck_assert_int_eq(get(port, "/ten.txt"), 200);
	ck_assert_int_eq(ask_on(dial_path(in_top("socket")), GET_LAST), 200);
}
END_TEST

START_TEST(datagrams_passed)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	wwwd = builds[_i];
	ck_assert_int_eq(finish(start((struct given){ .args = LIST("-d", site),
						      .passed = (int[]){ fd, -1 } })),
			 1);
	ck_assert_ptr_nonnull(strstr(content("err"), "wwwd: descriptor 3 "));
}
END_TEST

/* What isn't a number of descriptors that are there. */
static const char *const fds_faults[] = { "0", "-1", "x", "1x", "2", "99999999999999999999" };

START_TEST(fds_fault)
{
	const char *value = fds_faults[_i / build_count], *text;
	char *variable = format("LISTEN_FDS=%s", value);
	unsigned port;

	wwwd = builds[_i % build_count];
	ck_assert_int_eq(finish(start((struct given){ .args = LIST("-d", site),
						      .passed = (int[]){ listen_tcp(&port), -1 },
						      .env = LIST(variable) })),
			 1);
	text = content("err");
	ck_assert_msg(strstr(text, *value == '2' ? " of $LISTEN_FDS " : variable) &&
			      strchr(text, '\n') == strrchr(text, '\n'),
		      "%s: %s", value, text);
}
END_TEST

/* Variables that are meant for another process aren't ours. */
START_TEST(fds_of_another)
{
	const struct given given = { .env = LIST("LISTEN_FDS=1", "LISTEN_PID=1") };

	wwwd = builds[_i];
	ck_assert_int_eq(ask_either(0, given, GET_LAST), 200);
}
END_TEST

/* $NOTIFY_SOCKET in the file system and in the abstract, a listener that was passed and its own. */
START_TEST(notify_manager)
{
	bool abstract = _i / build_count & 1, own = _i / build_count & 2;
	const char *path = format("%s%s", abstract ? "@" : "", in_top("notify"));
	int fd = bind_path(SOCK_DGRAM, path), listener;
	unsigned port;
	pid_t pid;

	wwwd = builds[_i % build_count];
	listener = listen_tcp(&port);
	pid = start((struct given){ .env = LIST(format("NOTIFY_SOCKET=%s", path)),
				    .passed = own ? NULL : (int[]){ listener, -1 },
				    .args = LIST("-d", site, own ? "-p" : NULL, "0") });
	ck_assert_msg(strstr(hear_datagram(fd), "READY=1"), "READY=1 hasn't come");
	ck_assert_int_eq(get(own ? wait_port(pid) : port, "/ten.txt"), 200);
	kill(pid, SIGTERM);
	ck_assert_msg(strstr(hear_datagram(fd), "STOPPING=1"), "STOPPING=1 hasn't come");
	ck_assert_int_eq(finish(pid), 0);
}
END_TEST

/* wwwd serves also if the manager isn't there, or its name is too long. */
START_TEST(notify_nobody)
{
	const char *variable = format("NOTIFY_SOCKET=/nosuch%0*d", _i / build_count * 200, 0);

	wwwd = builds[_i % build_count];
	ck_assert_int_eq(get(serve((struct given){ .env = LIST(variable) }).port, "/ten.txt"), 200);
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
	struct addrinfo *ai;
	int fd;

	ck_assert_int_eq(getaddrinfo(address, format("%u", port), &hints, &ai), 0);
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
	const char *name = hosts[_i].host,
		   *other = hosts[_i].family == AF_INET ? "::1" : "127.0.0.1";
	unsigned port = wait_port(start(GIVEN("-d", site, "-p", "0", name ? "-h" : NULL, name)));
	int fd;

	ck_assert_msg(port, "%s", content("err"));
	ck_assert_msg(strstr(content("err"), hosts[_i].url), "%s", content("err"));
	ck_assert_msg(strstr(content("err"), site), "%s", content("err"));
	fd = dial_address(hosts[_i].address, port);
	ck_assert_msg(fd >= 0, "%s isn't listened at", hosts[_i].address);
	ck_assert_int_eq(ask_on(fd, GET_LAST), 200);
	if (strcmp(hosts[_i].url, OWN) == 0) {
		const char *url = strstr(content("err"), "http://") + 7;
		char own[64] = "";

		ck_assert_int_eq(
			sscanf(url, "%*[[]%63[0-9a-f:]", own) + sscanf(url, "%63[0-9.]", own), 1);
		ck_assert_msg(dial_address(own, port) >= 0, "%s isn't listened at", own);
	}
	if (hosts[_i].alone)
		ck_assert_int_lt(dial_address(other, port), 0);
}
END_TEST

static void assert_path(const char *path)
{
	ck_assert_int_eq(ask_on(dial_path(path), GET_LAST), 200);
}

/* One line of the banner for each. */
START_TEST(several_hosts)
{
	const char *path = in_top("socket"), *text;
	pid_t pid = start(GIVEN("-d", site, "-h", "127.0.0.1", "-h", "::1", "-h", path, "-p", "0"));
	unsigned four = wait_port(pid), six;

	ck_assert_uint_ne(four, 0);
	ck_assert(wait_text("err", "at unix:"));
	text = content("err");
	ck_assert_ptr_nonnull(strstr(text, path));
	ck_assert_ptr_nonnull(strstr(text, "http://[::1]:"));
	six = (unsigned)strtoul(strstr(text, "[::1]:") + 6, NULL, 10);
	ck_assert_int_eq(get(four, "/ten.txt"), 200);
	ck_assert_int_eq(ask_on(dial_address("::1", six), GET_LAST), 200);
	assert_path(path);
}
END_TEST

/* It serves at that port. */
static void assert_port(unsigned port, const char *const *args)
{
	ck_assert_msg(wait_port(start((struct given){ .args = args })) == port, "%s",
		      content("err"));
	ck_assert_int_eq(get(port, "/ten.txt"), 200);
}

/* In a network of our own nobody else has the port. */
START_TEST(port_by_name)
{
	ck_assert(own_network());
	assert_port(80, LIST("-d", site, "-p", "http"));
}
END_TEST

START_TEST(port_by_default)
{
	ck_assert(own_network());
	assert_port(8080, LIST("-d", site, "-h", "127.0.0.1"));
}
END_TEST

/* In a network of our own, "both" is a name of two addresses. */
static void name_both(void)
{
	ck_assert(own_network() && own_mounts());
	put("hosts", "127.0.0.1 both\n::1 both\n");
	ck_assert_int_eq(mount(in_top("hosts"), "/etc/hosts", NULL, MS_BIND, NULL), 0);
}

static void write_setting(const char *path, const char *value)
{
	FILE *file = fopen(path, "we");

	ck_assert(file && fputs(value, file) >= 0 && fclose(file) == 0);
}

/* An address that the host doesn't have is left out. getaddrinfo(3) returns it last. */
START_TEST(name_without_ipv6)
{
	name_both();
	write_setting("/proc/sys/net/ipv6/conf/lo/disable_ipv6", "1");
	assert_port(8080, LIST("-d", site, "-h", "both"));
}
END_TEST

/* Of 16 ports the first is free; the others are in use at one address of the name or at the other. */
START_TEST(port_free_at_all_addresses)
{
	struct sockaddr_in four = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };

	name_both();
	write_setting("/proc/sys/net/ipv4/ip_local_port_range", "40000 40015");
	for (in_port_t port = 40001; port < 40016; port++) {
		bool even = port % 2 == 0;
		int fd = socket(even ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

		four.sin_port = six.sin6_port = htons(port);
		ck_assert_int_eq(even ? bind(fd, (struct sockaddr *)&four, sizeof(four))
				      : bind(fd, (struct sockaddr *)&six, sizeof(six)),
				 0);
	}
	ck_assert_msg(wait_port(start(GIVEN("-d", site, "-h", "both", "-p", "0"))) == 40000, "%s",
		      content("err"));
}
END_TEST

static pid_t serve_path(const char *path)
{
	pid_t pid = start(GIVEN("-d", site, "-h", path));

	ck_assert(wait_text("err", "at unix:"));
	return pid;
}

/* A socket that a dead server left behind is taken over; of another file nothing is touched. */
START_TEST(path_left_behind)
{
	const char *path = in_top("socket");

	for (int i = 0; i < 2; i++) {
		pid_t pid = serve_path(path);

		assert_path(path);
		kill(pid, SIGKILL);
		finish(pid);
		ck_assert_int_eq(unlink(in_top("err")), 0);
	}
	put("file", "precious");
	ck_assert_int_eq(finish(start(GIVEN("-d", site, "-h", in_top("file")))), 1);
	ck_assert_ptr_nonnull(strstr(content("err"), "file: File exists"));
	ck_assert_str_eq(content("file"), "precious");
}
END_TEST

START_TEST(path_in_use)
{
	const char *path = in_top("socket");

	serve_path(path);
	ck_assert_int_eq(finish(start(GIVEN("-d", site, "-h", path))), 1);
	assert_path(path);
}
END_TEST

/* A name whose socket doesn't listen yet is never seen: it comes by rename(2), and in one step. */
START_TEST(path_listens_at_once)
{
	char bytes[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), moved = 0;
	const char *path = in_top("folder/socket");
	ssize_t n;

	put_folder("folder");
	if (_i)
		close(bind_path(SOCK_STREAM, path));
	ck_assert_int_ge(
		inotify_add_watch(watch, in_top("folder"), IN_CREATE | IN_DELETE | IN_MOVED_TO), 0);
	serve_path(path);
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
}
END_TEST

/* Of two that start at once where a socket was left behind, one serves, and the other says why not. */
START_TEST(path_wanted_twice)
{
	const char *path = in_top("socket");
	pid_t pids[2];
	int status[2];

	close(bind_path(SOCK_STREAM, path));
	for (int i = 0; i < 2; i++)
		pids[i] = start((struct given){
			.program = "/usr/bin/strace",
			.args = LIST("-D", "-f", "-o", "/dev/null", "-e",
				     "inject=?rename,?renameat,?renameat2:delay_enter=500000", wwwd,
				     "-d", site, "-h", path) });
	ck_assert(wait_text("err", "at unix:"));
	ck_assert(wait_text("err", ": Address already in use\n"));
	assert_path(path);
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

	umask(socket_modes[_i].mask);
	start(GIVEN("-d", site, "-h", in_top("socket"), mode ? "--socket-mode" : NULL, mode));
	umask(022);
	ck_assert(wait_text("err", "at unix:"));
	ck_assert_int_eq(stat(in_top("socket"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, socket_modes[_i].is);
}
END_TEST

START_TEST(path_bad_mode)
{
	static const char *const modes[] = { "8", "rw", "1777", "-1", " 600", "600 ", "0x1ff" };

	ck_assert_int_eq(finish(start(GIVEN("-d", site, "-h", in_top("socket"), "--socket-mode",
					    modes[_i]))),
			 2);
	ck_assert_ptr_nonnull(strstr(content("err"), modes[_i]));
	ck_assert_int_lt(access(in_top("socket"), F_OK), 0);
}
END_TEST

/* The name that it has had before is gone. */
START_TEST(path_leaves_nothing_else)
{
	put_folder("folder");
	serve_path(in_top("folder/socket"));
	ck_assert_int_eq(count_entries(in_top("folder")), 1);
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
}
END_TEST

/* At a terminal -d may be left out with -p and -h too; nowhere else. */
START_TEST(terminal_with_port)
{
	int slave;
	unsigned port;

	open_terminal(&slave);
	port = wait_port(
		start((struct given){ .in = slave, .dir = site, .args = LIST("-p", "0") }));
	ck_assert_uint_ne(port, 0);
	ck_assert_int_eq(get(port, "/ten.txt"), 200);
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
	static const char *const ways[][2] = { { "-p", "0" }, { "-d", "." }, { "-d", "./" } };
	int slave;

	open_terminal(&slave);
	ck_assert_int_ne(finish(start((struct given){
				 .in = slave,
				 .dir = "/",
				 .args = LIST(ways[_i][0], ways[_i][1], _i ? "-p" : NULL, "0") })),
			 0);
	ck_assert_msg(strstr(content("err"), "/"), "%s", content("err"));
	ck_assert_ptr_null(strstr(content("err"), "http://"));
}
END_TEST

START_TEST(root_when_named)
{
	unsigned port = wait_port(start(GIVEN("-d", "/", "-p", "0")));

	ck_assert_msg(port, "%s", content("err"));
	/* root's own directories are another matter: what is beneath is opened as nobody */
	ck_assert_int_eq(get(port, format("%s/ten.txt", site)), 200);
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

	for (int i = 0; i < COUNT(alone); i++)
		if (!is_allowed(own_network))
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
		tcase_add_loop_test(group, socket_activate, 0, COUNT(activations) * build_count);
}

Suite *mode_suite(void)
{
	Suite *suite = suite_create("modes");
	TCase *group = test_case(suite, "filter", 15);

	tcase_add_test(group, filter_pipe);
	tcase_add_loop_test(group, filter_part_of_a_request, 0, 3);
	tcase_add_test(group, filter_big_file_to_file);
	tcase_add_test(group, filter_pipelined_file);
	tcase_add_test(group, filter_from_empty_file);
	tcase_add_test(group, filter_to_slow_reader);
	tcase_add_test(group, filter_without_reader);

	group = test_case(suite, "inetd", 15);
	tcase_add_loop_test(group, inetd_answers, 0, 2);
	tcase_add_test(group, inetd_delays_nothing);
	tcase_add_test(group, inetd_client_gone);
	tcase_add_loop_test(group, inetd_fault, 0, COUNT(inetd_faults));
	tcase_add_test(group, inetd_waits);
	tcase_add_test(group, inetd_waits_for_client);

	group = test_case(suite, "systemd", 15);
	tcase_add_loop_test(group, listeners_passed, 0, build_count);
	tcase_add_loop_test(group, datagrams_passed, 0, build_count);
	tcase_add_loop_test(group, fds_fault, 0, COUNT(fds_faults) * build_count);
	tcase_add_loop_test(group, fds_of_another, 0, build_count);
	tcase_add_loop_test(group, notify_manager, 0, 4 * build_count);
	tcase_add_loop_test(group, notify_nobody, 0, 2 * build_count);

	group = test_case(suite, "standalone", 15);
	tcase_add_loop_test(group, host, 0, COUNT(hosts));
	tcase_add_test(group, several_hosts);
	tcase_add_test(group, path_left_behind);
	tcase_add_test(group, path_in_use);
	tcase_add_loop_test(group, path_listens_at_once, 0, 2);
	tcase_add_test(group, path_leaves_nothing_else);
	tcase_add_loop_test(group, path_mode, 0, COUNT(socket_modes));
	tcase_add_loop_test(group, path_bad_mode, 0, 7);
	tcase_add_test(group, terminal_with_port);
	tcase_add_test(group, no_dir_without_terminal);
	tcase_add_loop_test(group, root_by_accident, 0, 3);
	tcase_add_test(group, root_when_named);
	add_needy(test_case(suite, "what not everybody can run", 15));
	return suite;
}
