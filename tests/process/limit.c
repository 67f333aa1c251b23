/* Limits and clocks, each as its option sets it. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "process.h"

enum { SMALL = 4096 };

#define X10 "0123456789"
#define X50 X10 X10 X10 X10 X10

/* ---- sizes, of which tests/wire/limit.c has more: the least that may be said ---- */

static const struct {
	const char *option, *value;
	int status;
	const char *request;
} sizes[] = {
	{ "--line-max", "64", 200, GET_TEN },
	{ "--line-max", "64", 414, "GET /" X50 X10 " HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ "--header-max", "64", 200, GET_TEN },
	{ "--header-max", "64", 431, "GET / HTTP/1.1\r\nHost: a\r\nX: " X50 X10 "\r\n\r\n" },
	{ "--body-max", "0", 200, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n" },
	{ "--body-max", "0", 413, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n0" },
};

START_TEST(size_limits)
{
	struct server server = serve(GIVEN(sizes[_i].option, sizes[_i].value));

	ck_assert_int_eq(ask(server.port, sizes[_i].request), sizes[_i].status);
}
END_TEST

/* ---- clocks ---- */

/* A head that never gets whole, however lively it comes. */
START_TEST(header_time)
{
	struct server server = serve(GIVEN("--header-time", "0.6", "--idle-time", "20"));
	struct pollfd answered = { .fd = dial(server.port), .events = POLLIN };
	long long began = now();

	say(answered.fd, "GET / HTTP/1.1\r\nX: ");
	while (poll(&answered, 1, 50) == 0 && now() - began < END_TIME)
		say(answered.fd, "x");
	ck_assert_int_ge(now() - began, 500);
	ck_assert_int_lt(now() - began, PROMPT);
	ck_assert_int_eq(hear(answered.fd, false), 408);
	ck_assert(at_end(answered.fd));
}
END_TEST

/* Nothing asked (0), or nothing more (1): closed without a word. */
START_TEST(idle_time)
{
	struct server server = serve(GIVEN("--idle-time", "0.6", "--header-time", "20"));
	int fd = dial(server.port);
	long long began;

	if (_i)
		ck_assert_int_eq(ask_on(fd, GET_TEN), 200);
	began = now();
	ck_assert(at_end(fd));
	ck_assert_int_ge(now() - began, 500);
	ck_assert_int_lt(now() - began, PROMPT);
}
END_TEST

/* The same two clocks in a process for one connection, which ends with it. */
START_TEST(timeouts_of_one_connection)
{
	int fd;
	long long began = now();
	pid_t pid = serve_one(&fd, GIVEN("--idle-time", "0.6", "--header-time", "0.6"));

	if (_i)
		say(fd, "GET / HT");
	ck_assert_int_eq(hear(fd, false), _i ? 408 : 0);
	ck_assert_int_ge(now() - began, 500);
	ck_assert_int_lt(now() - began, PROMPT);
	ck_assert(at_end(fd));
	close(fd);
	ck_assert_int_eq(finish(pid), 0);
}
END_TEST

static bool wait_descriptors(pid_t pid, int count, int ms)
{
	WAIT_WHILE(count_descriptors(pid) != count, ms);
	return count_descriptors(pid) == count;
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

/* A client with a small buffer, which takes the beginning of a large file, and no more for now. */
static int dial_busy(unsigned port)
{
	int fd = dial_small(port, SMALL);

	say(fd, GET_BIG);
	ck_assert_uint_eq(drain(fd, 1000), 1000);
	return fd;
}

/* Who asks for much and doesn't read doesn't fill the kernel's memory either. */
START_TEST(kernel_send_queue_is_bounded)
{
	struct server server = serve((struct given){ 0 });

	dial_busy(server.port);
	nap(500); /* for as much as it would take */
	ck_assert_uint_gt(queued(server.port), 0);
	ck_assert_uint_lt(queued(server.port), 1 << 20);
}
END_TEST

/* Who takes nothing is thrown out, */
START_TEST(stall_time_of_a_download)
{
	/* the cache keeps files open */
	struct server server =
		serve(GIVEN("--stall-time", "0.6", "--stall-rate", "64K", "--cache", "0"));
	int fd, before;

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
	ck_assert_uint_lt(drain(fd, UINT64_MAX), BIG);
	ck_assert_int_eq(errno, ECONNRESET);
}
END_TEST

START_TEST(stall_time_of_a_download_of_one)
{
	int fd;
	pid_t pid = serve_one(&fd, GIVEN("--stall-time", "0.6", "--stall-rate", "64K"));

	say(fd, GET_BIG);
	ck_assert_int_eq(finish(pid), 0);
}
END_TEST

/* ... who takes little all the time isn't, although the kernels take much at a time. */
START_TEST(stall_time_spares_a_slow_download)
{
	enum { SIZE = 8 << 20, RATE = 64 << 10, STEP = 50 };
	const int large = 1 << 20;
	struct server server;
	uint64_t got = 0;
	int fd;

	put_sparse("site/big.bin", SIZE);
	server = serve(GIVEN("--stall-time", "1", "--stall-rate", "16K"));
	fd = dial_small(server.port, SMALL);
	say(fd, GET_BIG);
	ck_assert_int_eq(hear(fd, true), 200);
	for (long long began = now(); now() - began < 3000; nap(STEP))
		got += drain(fd, RATE * STEP / 1000);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &large, sizeof(large));
	got += drain(fd, SIZE - got);
	ck_assert_msg(got == SIZE, "cut after %ju bytes", (uintmax_t)got);
}
END_TEST

/* A body that doesn't come. */
START_TEST(stall_time_of_an_upload)
{
	struct server server = serve(GIVEN("--stall-time", "0.6"));
	int fd = dial(server.port), status;
	long long began = now();

	say(fd, "POST /ten.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc");
	status = hear(fd, false);
	ck_assert_msg(status == 408 || status == 0, "%d", status);
	ck_assert_int_ge(now() - began, 500);
	ck_assert_int_lt(now() - began, PROMPT);
}
END_TEST

/* ---- how many at once ---- */

/* With too many clients, a further one takes the place of the one that was idle longest. */
START_TEST(connections_max_drops_the_oldest_idle)
{
	enum { MOST = 4 };
	struct server server = serve(GIVEN("--connections-max", "4"));
	int fds[MOST], further;

	for (int i = 0; i < MOST; i++) {
		fds[i] = dial(server.port);
		ck_assert_int_eq(ask_on(fds[i], GET_TEN), 200);
		nap(20);
	}
	/* the first asks again: now the second is the oldest */
	ck_assert_int_eq(ask_on(fds[0], GET_TEN), 200);
	further = dial(server.port);
	ck_assert_int_eq(ask_on(further, GET_TEN), 200);
	ck_assert(at_end(fds[1]));
	for (int i = 0; i < MOST; i++) {
		if (i == 1)
			continue;
		ck_assert_msg(ask_on(fds[i], GET_TEN) == 200, "client %d has gone too", i);
	}
}
END_TEST

/* Nobody is idle: the next one waits, without the server running in circles, and then is served. */
START_TEST(connections_max_waits_for_busy_ones)
{
	struct server server = serve(GIVEN("--connections-max", "2"));
	int fds[2], further;
	long busy;

	dial_all(fds, 2, server.port, GET_BIG);
	for (int i = 0; i < 2; i++)
		ck_assert_uint_eq(drain(fds[i], 1000), 1000);
	nap(200);
	busy = busy_time(server.pid);
	further = dial(server.port);
	say(further, GET_TEN);
	nap(500);
	ck_assert_int_lt(busy_time(server.pid) - busy, 200);
	ck_assert_uint_gt(drain(fds[0], BIG), BIG - 1000);
	close(fds[0]);
	ck_assert_int_eq(hear(further, false), 200);
}
END_TEST

/* An address that holds all places gives one up for another address, and that keeps its own. */
START_TEST(places_are_shared_between_addresses)
{
	enum { MOST = 4, OTHERS = 3 };
	static const char *const requests[] = { "GET /ten.txt HT",
						GET_BIG }; /* half of one, and one */
	struct server server = serve(GIVEN("--connections-max", "4"));
	int fds[MOST + 3], others[OTHERS];

	for (int i = 0; i < MOST + 3; i++) {
		fds[i] = dial_small(server.port, SMALL);
		say(fds[i], requests[_i]);
	}
	nap(100);
	for (int i = 0; i < OTHERS; i++) {
		others[i] = dial_from("127.0.0.2", server.port);
		ck_assert_int_eq(ask_on(others[i], GET_TEN), 200);
	}
	close_all(fds, MOST + 3);
	for (int i = 1; i < OTHERS; i++) /* the first may have had to give way to the third */
		ck_assert_int_eq(ask_on(others[i], GET_TEN), 200);
}
END_TEST

/* The same where all come through one proxy, which says who they are. */
static const struct {
	const char *option, *value;
	const char *one, *other;             /* what the clients' requests begin with, */
	const char *one_field, *other_field; /* and what follows the line */
} told[] = {
	{ "--proxy-protocol", NULL, "PROXY TCP4 192.0.2.1 192.0.2.9 1 80\r\n",
	  "PROXY TCP4 192.0.2.2 192.0.2.9 1 80\r\n", "", "" },
	{ "--forwarded-from", "127.0.0.1", "", "", "X-Forwarded-For: 192.0.2.1\r\n",
	  "X-Forwarded-For: 192.0.2.2\r\n" },
};

static int ask_as(int fd, const char *header, const char *field_line)
{
	return ask_on(fd,
		      format("%sGET /ten.txt HTTP/1.1\r\nHost: a\r\n%s\r\n", header, field_line));
}

START_TEST(places_are_shared_between_told_addresses)
{
	struct server server =
		serve(GIVEN("--connections-max", "4", told[_i].option, told[_i].value));
	int first = dial(server.port);

	ck_assert_int_eq(ask_as(first, told[_i].one, told[_i].one_field), 200);
	for (int i = 0; i < 7; i++)
		ck_assert_int_eq(ask_as(dial(server.port), told[_i].other, told[_i].other_field),
				 200);
	/* the oldest idle connection of all, but of a client that has few */
	ck_assert_int_eq(ask_as(first, "", told[_i].one_field), 200);
}
END_TEST

/* However many wait for a place that none gives up, there are no more places than said. */
START_TEST(those_who_wait_have_no_place)
{
	enum { CLIENTS = 60 };
	struct server server = serve(GIVEN("--connections-max", "1"));
	int busy = dial_busy(server.port), fds[CLIENTS];

	for (int i = 0; i < CLIENTS; i++) {
		fds[i] = dial_from("127.0.0.2", server.port);
		ck_assert_int_ge(fds[i], 0);
		say(fds[i], GET_TEN);
		nap(2);
	}
	close(busy);
	ck_assert_int_eq(hear(fds[CLIENTS - 1], false), 200);
	close_all(fds, CLIENTS);
	ck_assert_int_eq(get(server.port, "/ten.txt"), 200);
}
END_TEST

/* A client that waits gets the place of one that has become idle. */
START_TEST(one_that_waits_replaces_an_idle_one)
{
	struct server server = serve(GIVEN("--connections-max", "1"));
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
}
END_TEST

/* At a stop there is a place for each that was connected before. */
START_TEST(those_who_wait_are_answered_at_a_stop)
{
	enum { CLIENTS = 40 };
	struct server server = serve(GIVEN("--connections-max", "1"));
	int busy = dial_busy(server.port), fds[CLIENTS];

	for (int i = 0; i < CLIENTS; i++) {
		fds[i] = dial_from(format("127.0.1.%d", i + 1), server.port);
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
		bool good;
		int fd;

		put("err", "");
		server = serve(GIVEN("--memory", format("%uK", memory), "--quiet"));
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
	char byte;
	int fd;

	put_names("site/many", 20, NAMES);
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
}
END_TEST

/* Hardly any descriptors: everybody is served all the same. */
START_TEST(few_descriptors_emfile)
{
	enum { CLIENTS = 40 };
	struct server server = serve((struct given){ .files = 20 });
	int fds[CLIENTS];
	long busy;

	for (int i = 0; i < CLIENTS; i++) {
		fds[i] = dial(server.port);
		ck_assert_msg(ask_on(fds[i], i % 2 ? GET_TEN : GET_OF("/none")) ==
				      (i % 2 ? 200 : 404),
			      "client %d: %d %s", i, reply.status, reply.bytes);
	}
	close_all(fds, CLIENTS);
	/* and with clients that hold what there is */
	dial_all(fds, CLIENTS, server.port, GET_BIG);
	nap(200);
	busy = busy_time(server.pid);
	nap(500);
	ck_assert_int_lt(busy_time(server.pid) - busy, 200);
	close_all(fds, CLIENTS);
	ck_assert_int_eq(get(server.port, "/ten.txt"), 200);
}
END_TEST

/* The client that takes the last descriptor closes no other connection: no client waits. */
START_TEST(last_descriptor_emfile)
{
	enum { FILES = 20 };
	struct server server =
		serve((struct given){ .files = FILES, .args = LIST("--connections-max", "100") });
	int clients = FILES - count_descriptors(server.pid), fds[FILES];
	struct pollfd heard = { .events = POLLIN };

	ck_assert_int_gt(clients, 0);
	dial_all(fds, clients, server.port, "");
	WAIT_WHILE(count_descriptors(server.pid) < FILES, START_TIME);
	nap(50);
	ck_assert_int_eq(count_descriptors(server.pid), FILES);
	for (int i = 0; i < clients; i++) {
		heard.fd = fds[i];
		ck_assert_msg(poll(&heard, 1, 0) == 0, "client %d of %d", i, clients);
	}
}
END_TEST

Suite *limit_suite(void)
{
	Suite *suite = suite_create("limits");
	TCase *group = test_case(suite, "sizes", 15);

	tcase_add_loop_test(group, size_limits, 0, COUNT(sizes));

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
