/* Limits and clocks, each as its option sets it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process.h"

#define GET_TEN "GET /ten.txt HTTP/1.1\r\nHost: a\r\n\r\n"
#define GET_BIG "GET /big.bin HTTP/1.1\r\nHost: a\r\n\r\n"
#define X10 "0123456789"
#define X50 X10 X10 X10 X10 X10

/* ---- sizes ---- */

static const struct {
	const char *option, *value;
	int status;
	const char *request;
} sizes[] = {
	{ "--line-max", "64", 200, GET_TEN },
	{ "--line-max", "64", 414, "GET /" X50 X10 " HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ "--line-max", "8K", 404, "GET /" X50 X50 " HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ "--header-max", "64", 200, GET_TEN },
	{ "--header-max", "64", 431, "GET / HTTP/1.1\r\nHost: a\r\nX: " X50 X10 "\r\n\r\n" },
	{ "--fields-max", "3", 200, "GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 2\r\n\r\n" },
	{ "--fields-max", "3", 431, "GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n" },
	{ "--body-max", "10", 200, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n" X10 },
	{ "--body-max", "10", 413,
	  "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n" X10 "0" },
	{ "--body-max", "10", 413,
	  "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	  "8\r\n01234567\r\n8\r\n01234567\r\n0\r\n\r\n" },
	{ "--body-max", "0", 200, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n" },
	{ "--body-max", "0", 413, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n0" },
};

START_TEST(size_limits)
{
	struct server server =
		serve((struct given){ .args = LIST(sizes[_i].option, sizes[_i].value) });

	ck_assert_int_eq(ask(server.port, sizes[_i].request), sizes[_i].status);
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

START_TEST(requests_max)
{
	struct server server = serve((struct given){ .args = LIST("--requests-max", "3") });
	int fd = dial(server.port);

	for (int i = 1; i <= 3; i++) {
		const char *connection;

		say(fd, GET_TEN);
		ck_assert_int_eq(hear(fd, false), 200);
		connection = field("Connection");
		ck_assert_int_eq(connection && strcmp(connection, "close") == 0, i == 3);
	}
	ck_assert(at_end(fd));
	close(fd);
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

/* ---- clocks ---- */

/* A head that never gets whole, however lively it comes. */
START_TEST(header_time)
{
	struct server server =
		serve((struct given){ .args = LIST("--header-time", "0.6", "--idle-time", "20") });
	struct pollfd answered = { .fd = dial(server.port), .events = POLLIN };
	long long began = now();

	say(answered.fd, "GET / HTTP/1.1\r\nX: ");
	while (poll(&answered, 1, 50) == 0 && now() - began < END_TIME)
		say(answered.fd, "x");
	ck_assert_int_ge(now() - began, 500);
	ck_assert_int_lt(now() - began, PROMPT);
	ck_assert_int_eq(hear(answered.fd, false), 408);
	ck_assert(at_end(answered.fd));
	close(answered.fd);
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

/* Nothing asked (0), or nothing more (1): closed without a word. */
START_TEST(idle_time)
{
	struct server server =
		serve((struct given){ .args = LIST("--idle-time", "0.6", "--header-time", "20") });
	int fd = dial(server.port);
	long long began;

	if (_i) {
		say(fd, GET_TEN);
		ck_assert_int_eq(hear(fd, false), 200);
	}
	began = now();
	ck_assert(at_end(fd));
	ck_assert_int_ge(now() - began, 500);
	ck_assert_int_lt(now() - began, PROMPT);
	close(fd);
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

/* The same two clocks in a process for one connection, which ends with it. */
START_TEST(timeouts_of_one_connection)
{
	int ends[2];
	long long began = now();
	pid_t pid;

	connect_pair(ends);
	pid = start((struct given){
		.in = ends[1],
		.out = ends[1],
		.args = LIST("-d", site, "--idle-time", "0.6", "--header-time", "0.6") });
	close(ends[1]);
	if (_i)
		say(ends[0], "GET / HT");
	ck_assert_int_eq(hear(ends[0], false), _i ? 408 : 0);
	ck_assert_int_ge(now() - began, 500);
	ck_assert_int_lt(now() - began, PROMPT);
	ck_assert(at_end(ends[0]));
	close(ends[0]);
	ck_assert_int_eq(finish(pid), 0);
}
END_TEST

static bool wait_descriptors(pid_t pid, int count, int ms)
{
	for (long long end = now() + ms; now() < end; nap(10))
		if (count_descriptors(pid) == count)
			return true;
	return false;
}

/* Bytes that the kernel holds for the clients of a port, who haven't taken them. */
static uint64_t queued(unsigned port)
{
	char line[256];
	FILE *file = fopen("/proc/net/tcp", "re");
	unsigned local, bytes;
	uint64_t total = 0;

	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%*d: %*x:%x %*x:%*x %*x %x:", &local, &bytes) == 2 &&
		    local == port)
			total += bytes;
	fclose(file);
	return total;
}

/* Who asks for much and doesn't read doesn't fill the kernel's memory either. */
START_TEST(kernel_send_queue_is_bounded)
{
	enum { SMALL = 4096 };
	struct server server;
	int fd;

	put_sparse("site/big.bin", 64 << 20);
	server = serve((struct given){ 0 });
	fd = dial_small(server.port, SMALL);
	say(fd, GET_BIG);
	ck_assert_uint_eq(drain(fd, 1), 1);
	nap(500); /* for as much as it would take */
	ck_assert_uint_gt(queued(server.port), 0);
	ck_assert_uint_lt(queued(server.port), 1 << 20);
	close(fd);
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

/* Who takes nothing is thrown out, */
START_TEST(stall_time_of_a_download)
{
	struct server server;
	int fd, before;

	put_sparse("site/big.bin", 64 << 20);
	server = serve((struct given){ .args = LIST("--stall-time", "0.6", "--stall-rate", "64K",
						    "--cache", "0") }); /* which keeps files open */
	nap(20);
	before = count_descriptors(server.pid);
	fd = dial(server.port);
	say(fd, GET_BIG);
	ck_assert(wait_descriptors(server.pid, before + 2, PROMPT));
	nap(300);
	ck_assert_int_eq(count_descriptors(server.pid), before + 2);
	ck_assert(wait_descriptors(server.pid, before, 2 * PROMPT));
	ck_assert_uint_eq(queued(server.port), 0); /* nor does the kernel go on offering it */
	errno = 0;
	ck_assert_uint_lt(drain(fd, UINT64_MAX), 64 << 20);
	ck_assert_int_eq(errno, ECONNRESET);
	close(fd);
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

START_TEST(stall_time_of_a_download_of_one)
{
	int ends[2];
	pid_t pid;

	put_sparse("site/big.bin", 64 << 20);
	connect_pair(ends);
	pid = start((struct given){
		.in = ends[1],
		.out = ends[1],
		.args = LIST("-d", site, "--stall-time", "0.6", "--stall-rate", "64K") });
	close(ends[1]);
	say(ends[0], GET_BIG);
	ck_assert_int_eq(finish(pid), 0);
	close(ends[0]);
}
END_TEST

/* ... who takes little all the time isn't, although the kernels take much at a time. */
START_TEST(stall_time_spares_a_slow_download)
{
	enum { SIZE = 8 << 20, RATE = 64 << 10, STEP = 50, SMALL = 4096 };
	const int large = 1 << 20;
	struct server server;
	uint64_t got = 0;
	int fd;

	put_sparse("site/big.bin", SIZE);
	server = serve((struct given){ .args = LIST("--stall-time", "1", "--stall-rate", "16K") });
	fd = dial_small(server.port, SMALL);
	say(fd, GET_BIG);
	ck_assert_int_eq(hear(fd, true), 200);
	for (long long began = now(); now() - began < 3000; nap(STEP))
		got += drain(fd, RATE * STEP / 1000);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &large, sizeof(large));
	got += drain(fd, SIZE - got);
	ck_assert_msg(got == SIZE, "cut after %ju bytes", (uintmax_t)got);
	close(fd);
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

/* A body that doesn't come. */
START_TEST(stall_time_of_an_upload)
{
	struct server server = serve((struct given){ .args = LIST("--stall-time", "0.6") });
	int fd = dial(server.port), status;
	long long began = now();

	say(fd, "POST /ten.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc");
	status = hear(fd, false);
	ck_assert_msg(status == 408 || status == 0, "%d", status);
	ck_assert_int_ge(now() - began, 500);
	ck_assert_int_lt(now() - began, PROMPT);
	close(fd);
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

/* ---- how many at once ---- */

/* A further client costs the place of whoever has been idle longest, and of nobody else. */
START_TEST(connections_max_drops_the_oldest_idle)
{
	enum { MOST = 4 };
	struct server server = serve((struct given){ .args = LIST("--connections-max", "4") });
	int fds[MOST], further;

	for (int i = 0; i < MOST; i++) {
		fds[i] = dial(server.port);
		say(fds[i], GET_TEN);
		ck_assert_int_eq(hear(fds[i], false), 200);
		nap(20);
	}
	/* the first asks again: now the second is the oldest */
	say(fds[0], GET_TEN);
	ck_assert_int_eq(hear(fds[0], false), 200);
	further = dial(server.port);
	say(further, GET_TEN);
	ck_assert_int_eq(hear(further, false), 200);
	ck_assert(at_end(fds[1]));
	for (int i = 0; i < MOST; i++) {
		if (i == 1)
			continue;
		say(fds[i], GET_TEN);
		ck_assert_msg(hear(fds[i], false) == 200, "client %d has gone too", i);
	}
	close(further);
	for (int i = 0; i < MOST; i++)
		close(fds[i]);
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

/* Nobody is idle: the next one waits, without the server running in circles, and then is served. */
START_TEST(connections_max_waits_for_busy_ones)
{
	struct server server;
	int fds[2], further;
	long busy;

	put_sparse("site/big.bin", 64 << 20);
	server = serve((struct given){ .args = LIST("--connections-max", "2") });
	for (int i = 0; i < 2; i++) {
		fds[i] = dial(server.port);
		say(fds[i], GET_BIG);
		ck_assert_uint_eq(drain(fds[i], 1000), 1000);
	}
	nap(200);
	busy = busy_time(server.pid);
	further = dial(server.port);
	say(further, GET_TEN);
	nap(500);
	ck_assert_int_lt(busy_time(server.pid) - busy, 200);
	ck_assert_uint_gt(drain(fds[0], 64 << 20), (64 << 20) - 1000);
	close(fds[0]);
	ck_assert_int_eq(hear(further, false), 200);
	close(further);
	close(fds[1]);
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

/* An address that holds all places gives one up for another address, and that keeps its own. */
START_TEST(places_are_shared_between_addresses)
{
	enum { MOST = 4, OTHERS = 3 };
	static const char *const requests[] = { "GET /ten.txt HT",
						GET_BIG }; /* half of one, and one */
	struct server server = serve((struct given){ .args = LIST("--connections-max", "4") });
	int fds[MOST + 3], others[OTHERS];

	put_sparse("site/big.bin", 64 << 20);
	for (int i = 0; i < MOST + 3; i++) {
		fds[i] = dial_small(server.port, 4096);
		say(fds[i], requests[_i]);
	}
	nap(100);
	for (int i = 0; i < OTHERS; i++) {
		others[i] = dial_from("127.0.0.2", server.port);
		say(others[i], GET_TEN);
		ck_assert_int_eq(hear(others[i], false), 200);
	}
	for (int i = 0; i < MOST + 3; i++)
		close(fds[i]);
	for (int i = 1; i < OTHERS; i++) { /* the first may have had to give way to the third */
		say(others[i], GET_TEN);
		ck_assert_int_eq(hear(others[i], false), 200);
	}
	for (int i = 0; i < OTHERS; i++)
		close(others[i]);
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

/* The same where all come through one proxy, which says who they are. */
static const struct {
	const char *option, *value;
	const char *one,
		*other; /* what the clients' requests begin with, and what follows the line */
	const char *one_field, *other_field;
} told[] = {
	{ "--proxy-protocol", NULL, "PROXY TCP4 192.0.2.1 192.0.2.9 1 80\r\n",
	  "PROXY TCP4 192.0.2.2 192.0.2.9 1 80\r\n", "", "" },
	{ "--forwarded-from", "127.0.0.1", "", "", "X-Forwarded-For: 192.0.2.1\r\n",
	  "X-Forwarded-For: 192.0.2.2\r\n" },
};

static int ask_as(int fd, const char *header, const char *field_line)
{
	char request[256];

	snprintf(request, sizeof(request), "%sGET /ten.txt HTTP/1.1\r\nHost: a\r\n%s\r\n", header,
		 field_line);
	say(fd, request);
	return hear(fd, false);
}

START_TEST(places_are_shared_between_told_addresses)
{
	enum { MOST = 4 };
	struct server server = serve((struct given){
		.args = LIST("--connections-max", "4", told[_i].option, told[_i].value) });
	int first = dial(server.port), fds[MOST + 3];

	ck_assert_int_eq(ask_as(first, told[_i].one, told[_i].one_field), 200);
	for (int i = 0; i < MOST + 3; i++) {
		fds[i] = dial(server.port);
		ck_assert_int_eq(ask_as(fds[i], told[_i].other, told[_i].other_field), 200);
	}
	/* the oldest idle connection of all, but of a client that has few */
	ck_assert_int_eq(ask_as(first, "", told[_i].one_field), 200);
	for (int i = 0; i < MOST + 3; i++)
		close(fds[i]);
	close(first);
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

/* However many wait for a place that none gives up, there are no more places than said. */
START_TEST(those_who_wait_have_no_place)
{
	enum { CLIENTS = 60 };
	struct server server = serve((struct given){ .args = LIST("--connections-max", "1") });
	int busy = dial_small(server.port, 4096), fds[CLIENTS];

	put_sparse("site/big.bin", 64 << 20);
	say(busy, GET_BIG);
	ck_assert_uint_eq(drain(busy, 1000), 1000);
	for (int i = 0; i < CLIENTS; i++) {
		fds[i] = dial_from("127.0.0.2", server.port);
		ck_assert_int_ge(fds[i], 0);
		say(fds[i], GET_TEN);
		nap(2);
	}
	close(busy);
	ck_assert_int_eq(hear(fds[CLIENTS - 1], false), 200);
	for (int i = 0; i < CLIENTS; i++)
		close(fds[i]);
	ck_assert_int_eq(get(server.port, "/ten.txt"), 200);
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

/* A client that waits gets the place of one that has become idle. */
START_TEST(one_that_waits_replaces_an_idle_one)
{
	struct server server = serve((struct given){ .args = LIST("--connections-max", "1") });
	int busy, further;

	put_sparse("site/big.bin", 8 << 20);
	busy = dial(server.port);
	say(busy, GET_BIG);
	ck_assert_uint_eq(drain(busy, 1000), 1000);
	further = dial(server.port);
	say(further, GET_TEN);
	nap(50);
	ck_assert_uint_gt(drain(busy, (8 << 20) - 2000), 8000000);
	ck_assert_int_eq(hear(further, false), 200);
	close(further);
	close(busy);
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

/* At a stop there is a place for each that was connected before. */
START_TEST(those_who_wait_are_answered_at_a_stop)
{
	enum { CLIENTS = 40 };
	struct server server = serve((struct given){ .args = LIST("--connections-max", "1") });
	int busy = dial_small(server.port, 4096), fds[CLIENTS];
	char address[16];

	put_sparse("site/big.bin", 64 << 20);
	say(busy, GET_BIG);
	ck_assert_uint_eq(drain(busy, 1000), 1000);
	for (int i = 0; i < CLIENTS; i++) {
		snprintf(address, sizeof(address), "127.0.1.%d", i + 1);
		fds[i] = dial_from(address, server.port);
		say(fds[i], GET_TEN);
	}
	nap(50);
	kill(server.pid, SIGTERM);
	for (int i = 0; i < CLIENTS; i++) {
		ck_assert_msg(hear(fds[i], false) == 200, "client %d", i);
		close(fds[i]);
	}
	close(busy);
	ck_assert_int_eq(finish(server.pid), 0);
}
END_TEST

/* A server that may hold hardly more than a listing of this folder takes. */
static struct server serve_narrowly(const char *request)
{
	for (unsigned memory = 4096;; memory += memory / 16) {
		struct server server;
		char size[16];
		bool good;
		int fd;

		snprintf(size, sizeof(size), "%uK", memory);
		put("err", "");
		server = serve((struct given){ .args = LIST("--memory", size, "--quiet") });
		fd = dial(server.port);
		say(fd, request);
		good = hear_until(fd, "\n") && strncmp(reply.bytes, "HTTP/1.1 200 ", 13) == 0;
		close(fd);
		if (good)
			return server;
		ck_assert_int_eq(stop(server.pid), 0);
	}
}

/*
 * For lack of memory slow clients are left. One whose listing is read and sorted waits for the server,
 * which is paused again and again here, for longer than slow clients may be.
 */
START_TEST(memory_max_spares_who_waits_for_the_server)
{
	static const char request[] =
		"GET /many/?format=text HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
	enum { NAMES = 40000, PAUSES = 10 };
	struct server server;
	char name[128], byte;
	int fd;

	ck_assert_int_eq(mkdir(in_top("site/many"), 0755), 0);
	for (int i = 0; i < NAMES; i++) {
		snprintf(name, sizeof(name), "site/many/%020d", i);
		put(name, "");
	}
	server = serve_narrowly(request);
	fd = dial(server.port);
	say(fd, request);
	for (int i = 0; i < PAUSES; i++) {
		nap(5);
		if (recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN)
			break;
		kill(server.pid, SIGSTOP);
		nap(1100);
		kill(server.pid, SIGCONT);
	}
	ck_assert_uint_gt(drain(fd, UINT64_MAX), NAMES * 20);
	close(fd);
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

/* Hardly any descriptors: everybody is served all the same. */
START_TEST(few_descriptors_emfile)
{
	enum { CLIENTS = 40 };
	struct server server;
	int fds[CLIENTS];
	long busy;

	put_sparse("site/big.bin", 64 << 20);
	server = serve((struct given){ .files = 20 });
	for (int i = 0; i < CLIENTS; i++) {
		fds[i] = dial(server.port);
		ck_assert_int_ge(fds[i], 0);
		say(fds[i], i % 2 ? GET_TEN : "GET /none HTTP/1.1\r\nHost: a\r\n\r\n");
		ck_assert_msg(hear(fds[i], false) == (i % 2 ? 200 : 404), "client %d: %d %s", i,
			      reply.status, reply.bytes);
	}
	for (int i = 0; i < CLIENTS; i++)
		close(fds[i]);
	/* and with clients that hold what there is */
	for (int i = 0; i < CLIENTS; i++) {
		fds[i] = dial(server.port);
		say(fds[i], GET_BIG);
	}
	nap(200);
	busy = busy_time(server.pid);
	nap(500);
	ck_assert_int_lt(busy_time(server.pid) - busy, 200);
	for (int i = 0; i < CLIENTS; i++)
		close(fds[i]);
	ck_assert_int_eq(get(server.port, "/ten.txt"), 200);
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

/* The one who takes the last descriptor sends nobody away: no one else is waiting. */
START_TEST(last_descriptor_emfile)
{
	enum { FILES = 20 };
	struct server server =
		serve((struct given){ .files = FILES, .args = LIST("--connections-max", "100") });
	int clients = FILES - count_descriptors(server.pid), fds[FILES];
	struct pollfd heard = { .events = POLLIN };

	ck_assert_int_gt(clients, 0);
	for (int i = 0; i < clients; i++)
		fds[i] = dial(server.port);
	for (long long end = now() + START_TIME;
	     count_descriptors(server.pid) < FILES && now() < end;)
		nap(2);
	nap(50);
	ck_assert_int_eq(count_descriptors(server.pid), FILES);
	for (int i = 0; i < clients; i++) {
		heard.fd = fds[i];
		ck_assert_msg(poll(&heard, 1, 0) == 0, "client %d of %d", i, clients);
		close(fds[i]);
	}
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

Suite *limit_suite(void)
{
	Suite *suite = suite_create("limits");
	TCase *group = test_case(suite, "sizes", 15);

	tcase_add_loop_test(group, size_limits, 0, sizeof(sizes) / sizeof(sizes[0]));
	tcase_add_test(group, requests_max);

	group = test_case(suite, "clocks", 20);
	tcase_add_test(group, header_time);
	tcase_add_loop_test(group, idle_time, 0, 2);
	tcase_add_loop_test(group, timeouts_of_one_connection, 0, 2);
	tcase_add_test(group, kernel_send_queue_is_bounded);
	tcase_add_test(group, stall_time_of_a_download);
	tcase_add_test(group, stall_time_of_a_download_of_one);
	tcase_add_test(group, stall_time_spares_a_slow_download);
	tcase_add_test(group, stall_time_of_an_upload);

	group = test_case(suite, "at once", 60);
	tcase_add_test(group, connections_max_drops_the_oldest_idle);
	tcase_add_test(group, connections_max_waits_for_busy_ones);
	tcase_add_loop_test(group, places_are_shared_between_addresses, 0, 2);
	tcase_add_loop_test(group, places_are_shared_between_told_addresses, 0, 2);
	tcase_add_test(group, those_who_wait_have_no_place);
	tcase_add_test(group, one_that_waits_replaces_an_idle_one);
	tcase_add_test(group, those_who_wait_are_answered_at_a_stop);
	tcase_add_test(group, memory_max_spares_who_waits_for_the_server);
	tcase_add_test(group, few_descriptors_emfile);
	tcase_add_test(group, last_descriptor_emfile);
	return suite;
}
