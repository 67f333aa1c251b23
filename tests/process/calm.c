/* Nobody gets in the way of the others: slow clients, many clients, huge folders. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "process.h"

#define GET_FOLDER "GET /folder/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

enum { ENTRIES = 100000, LISTING_KIB = 16 << 10 };

static long long microseconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

/* The longest of some visits, in us. */
static long long worst_visit(unsigned port, int visits, int pause)
{
	long long worst = 0;

	for (int i = 0; i < visits; i++) {
		long long began = microseconds(), took;

		ck_assert_int_eq(get(port, "/ten.txt"), 200);
		ck_assert_str_eq(reply.body, "0123456789");
		took = microseconds() - began;
		worst = took > worst ? took : worst;
		nap(pause);
	}
	return worst;
}

/* A byte a second, a download that isn't read, five hundred who only sit there. */
START_TEST(slow_clients_slowloris)
{
	enum { IDLE = 500 };
	struct server server = serve(GIVEN("--quiet"));
	int dripping;
	long long worst = 0;

	for (int i = 0; i < IDLE; i++)
		ck_assert_int_ge(dial(server.port), 0);
	say(dial(server.port), GET_BIG);
	dripping = dial(server.port);
	for (const char *byte = "GE"; *byte; byte++) {
		long long took;

		say(dripping, (char[]){ *byte, '\0' });
		took = worst_visit(server.port, 20, 50);
		worst = took > worst ? took : worst;
	}
	printf("a page among rude clients: %.1f ms at most\n", (double)worst / 1000);
	ck_assert_int_lt(worst / 1000, PROMPT);
	ck_assert_int_lt(busy_time(server.pid), 1000);
}
END_TEST

/* Whoever says half of a request is lent memory, which is nobody's again afterwards. */
START_TEST(memory_of_half_requests_returns)
{
	enum { HALVES = 300, ROUNDS = 3, KIB_LEFT = 1024 };
	struct server server;
	char half[8000] = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
	int fds[HALVES];
	long before;

	memset(half + strlen(half), 'x', sizeof(half) - 1 - strlen(half));
	server = serve(GIVEN("--quiet"));
	worst_visit(server.port, 10, 0);
	before = status_number(server.pid, "RssAnon:");
	for (int round = 0; round < ROUNDS; round++) {
		/* old enough for its answer to be remembered, which takes a small piece of memory */
		put(format("site/%d.html", round), "a page");
		nap(100);
		dial_all(fds, HALVES, server.port, half);
		ck_assert_int_eq(get(server.port, format("/%d.html", round)), 200);
		ck_assert_int_gt(status_number(server.pid, "RssAnon:") - before, KIB_LEFT);
		close_all(fds, HALVES);
		ck_assert_int_eq(get(server.port, "/ten.txt"), 200);
	}
	WAIT_WHILE(status_number(server.pid, "RssAnon:") - before >= KIB_LEFT, PROMPT);
	printf("after %d halves of requests: %ld KiB more\n", ROUNDS * HALVES,
	       status_number(server.pid, "RssAnon:") - before);
	if (!sanitized())
		ck_assert_int_lt(status_number(server.pid, "RssAnon:") - before, KIB_LEFT);
}
END_TEST

/* All names of the folder come, in little memory. */
static int count_rows(const char *bytes, size_t size)
{
	int count = 0;

	for (const char *at = bytes; (at = memmem(at, (size_t)(bytes + size - at), "href=\"0", 7));
	     at++)
		count++;
	return count;
}

/* Many who ask for it at once and don't read: memory is bounded all the same. */
static void ask_for_many(const struct server *server)
{
	enum { CLIENTS = 50 };
	int fds[CLIENTS];
	long before = status_number(server->pid, "VmHWM:"), peak;

	dial_all(fds, CLIENTS, server->port, GET_FOLDER);
	ck_assert_int_lt(worst_visit(server->port, 25, 20) / 1000, PROMPT);
	peak = status_number(server->pid, "VmHWM:") - before;
	printf("%d such listings at once: %ld KiB more\n", CLIENTS, peak);
	if (!sanitized())
		ck_assert_int_lt(peak, CLIENTS / 2 * LISTING_KIB);
	close_all(fds, CLIENTS);
	ck_assert_int_lt(worst_visit(server->port, 10, 0) / 1000, PROMPT);
}

/* Read the page as it comes, and visit meanwhile. */
START_TEST(listing_of_a_huge_folder)
{
	static char page[64 << 20];
	struct server server;
	struct pollfd ready = { .events = POLLIN };
	size_t size = 0;
	ssize_t n = 1;
	long long worst = 0, began;
	long before, peak;

	put_names("site/folder", 6, ENTRIES);
	server = serve(GIVEN("--quiet"));
	worst_visit(server.port, 10, 0);
	before = status_number(server.pid, "VmHWM:");
	ready.fd = dial(server.port);
	began = now();
	say(ready.fd, GET_FOLDER);
	while (n > 0) {
		long long took = worst_visit(server.port, 1, 0);

		worst = took > worst ? took : worst;
		while (n > 0 && poll(&ready, 1, 0) > 0) {
			ck_assert_uint_lt(size, sizeof(page));
			n = read(ready.fd, page + size, sizeof(page) - size);
			size += n > 0 ? (size_t)n : 0;
		}
		ck_assert_msg(now() - began < 15000, "the listing takes too long");
	}
	close(ready.fd);
	peak = status_number(server.pid, "VmHWM:") - before;
	printf("a listing of %d: %lld ms, %ld KiB, others waited %.1f ms at most\n", ENTRIES,
	       now() - began, peak, (double)worst / 1000);
	ck_assert_int_eq(count_rows(page, size), ENTRIES);
	ck_assert_ptr_nonnull(memmem(page, size, "</html>", 7));
	ck_assert_int_lt(worst / 1000, PROMPT);
	if (!sanitized())
		ck_assert_int_lt(peak, LISTING_KIB);
	ask_for_many(&server);
}
END_TEST

/* Work for ten seconds and more, in which the loop never sleeps: it hears a signal all the same. */
START_TEST(sigterm_while_busy)
{
	enum { LISTINGS = 100 };
	struct server server;
	long long began;
	int fd, further;

	put_names("site/folder", 6, ENTRIES);
	server = serve(GIVEN("--quiet"));
	fd = dial(server.port);
	for (int i = 0; i < LISTINGS; i++)
		say(fd, "HEAD /folder/ HTTP/1.1\r\nHost: a\r\n\r\n");
	nap(200);
	kill(server.pid, SIGTERM);
	for (began = now(); (further = dial(server.port)) >= 0; nap(10)) {
		close(further);
		ck_assert_msg(now() - began < PROMPT, "it goes on listening");
	}
	ck_assert_int_eq(finish(server.pid), 0);
}
END_TEST

Suite *calm_suite(void)
{
	Suite *suite = suite_create("calm");
	TCase *group = test_case(suite, "calm", 30);

	tcase_add_test(group, slow_clients_slowloris);
	tcase_add_test(group, memory_of_half_requests_returns);
	tcase_add_test(group, listing_of_a_huge_folder);
	tcase_add_test(group, sigterm_while_busy);
	return suite;
}
