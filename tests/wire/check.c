/*
 * The wire suite's runner: every case of the tables, sent to a server that listens by itself, again
 * to that server a byte at a time, to a handler started for it as inetd does, and to one between two
 * pipes. Those about names are sent once more, to a handler that must do without openat2(2).
 *
 * $WWWD names the program, ./wwwd otherwise; $WIRE_AT another machine, where the servers are. The
 * same cases without a process are in tests/http/wire.c.
 */
#include "../process/process.h"
#include "wire.h"

#include <check.h>
#include <err.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MESSAGE_MOST = 1 << 16 };

static volatile sig_atomic_t stopped;

static void step(struct wire_talk *talk, int timeout)
{
	if (stopped)
		exit(1);
	wire_step(talk, timeout);
}

static const char *hang_up(struct wire_talk *talk)
{
	close(talk->fd);
	if (talk->pipe > 0)
		close(talk->pipe);
	return talk->pid && finish(talk->pid) != 0 ? "the handler's exit status isn't 0" : NULL;
}

#define BY_SOCKET .now = now, .step = step, .close = hang_up
/* The first two do for another machine, too. */
static const struct wire_way ways[] = {
	{ "standalone", .open = wire_connect, BY_SOCKET },
	{ "inetd", .open = wire_inetd, BY_SOCKET },
	{ "a byte at a time", .open = wire_connect, BY_SOCKET, .singly = true },
	{ "filter", .open = wire_filter, BY_SOCKET, .no_peer = true },
	{ "without openat2", .open = wire_walking, BY_SOCKET, .only_names = true },
};

/* A way has the numbers from its place times WAY_CASES on. */
enum { WAYS = sizeof(ways) / sizeof(ways[0]), WAYS_ELSEWHERE = 2, WAY_CASES = 1 << 16 };

START_TEST(any_case)
{
	wire_run_nth(&ways[_i / WAY_CASES], _i % WAY_CASES);
}
END_TEST

/* ---- what changes, and what goes on ---- */

/* A client that leaves in the middle of a response does not harm the others. */
START_TEST(client_goes_away)
{
	static const char request[] = GET("/huge.bin", "");
	static char got[WIRE_ROOM];
	struct wire_talk talk = { .got = got, .got_room = WIRE_ROOM, .out = request };
	long long deadline = now() + wire_patience;
	struct wire_response response;

	talk.out_size = sizeof(request) - 1;
	wire_connect(&talk, MAIN);
	while (!talk.eof && talk.got_size < WIRE_ROOM / 2 && now() < deadline)
		step(&talk, 100);
	close(talk.fd);
	ck_assert_uint_ge(talk.got_size, WIRE_ROOM / 2);
	ck_assert_int_gt(
		wire_parse(wire_side, wire_fetch(ways, "GET", "/ten.txt", ""), false, &response),
		0);
	ck_assert_int_eq(response.status, 200);
}
END_TEST

/* After all that was sent, every line of the log is of the Combined Log Format and printable. */
START_TEST(log_lines)
{
#define QUOTED "\"([^\"\\\\]|\\\\.)*\""
	static const char pattern[] =
		"^127\\.0\\.0\\.1 - - \\[[0-3][0-9]/[A-Z][a-z]{2}/[0-9]{4}(:[0-9]{2}){3} \\+0000\\] " QUOTED
		" [1-5][0-9]{2} ([0-9]+|-) " QUOTED " " QUOTED "\n$";
	FILE *log = fopen(in_top("log.main"), "re");
	char *line = NULL;
	size_t room = 0, count = 0;
	ssize_t size;
	regex_t form;

	ck_assert_msg(log, "no log");
	ck_assert_int_eq(regcomp(&form, pattern, REG_EXTENDED | REG_NOSUB), 0);
	while ((size = getline(&line, &room, log)) > 0) {
		bool plain = strlen(line) == (size_t)size;

		for (ssize_t i = 0; i < size - 1; i++)
			plain = plain && line[i] >= ' ' && line[i] <= '~';
		ck_assert_msg(plain && regexec(&form, line, 0, NULL, 0) == 0, "line %zu: %s",
			      count + 1, line);
		count++;
	}
	regfree(&form);
	free(line);
	fclose(log);
	ck_assert_msg(count > 40, "%zu lines", count);
}
END_TEST

START_TEST(server_ends)
{
	ck_assert_int_eq(wire_stop((enum wire_server)_i), 0);
}
END_TEST
/* ---- the run ---- */

static Suite *make_rest(void)
{
	Suite *suite = suite_create("besides");
	TCase *group = tcase_create("besides");
	tcase_add_test(group, client_goes_away);
	if (!getenv("WIRE_AT")) {
		tcase_add_test(group, log_lines);
		tcase_add_loop_test(group, server_ends, 0, SERVED);
	}
	suite_add_tcase(suite, wire_besides(ways));
	suite_add_tcase(suite, group);
	return suite;
}

static void clean_up(void)
{
	end_children();
	wire_site_unlock(top);
	remove_all(top);
}

static void interrupt(int number)
{
	(void)number;
	stopped = 1;
}

int main(void)
{
	const char *place = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
	SRunner *runner;
	int failed;

	if (!getenv("WIRE_AT"))
		find_builds();
	snprintf(top, TOP_ROOM, "%s/wire.XXXXXX", place);
	wire_top = mkdtemp(top);
	if (!wire_top)
		err(1, "%s", top);
	atexit(clean_up);
	signal(SIGINT, interrupt);
	signal(SIGTERM, interrupt);
	signal(SIGPIPE, SIG_IGN);
	wire_site_make(wire_top);

	runner = srunner_create(NULL);
	for (int i = 0; i < (getenv("WIRE_AT") ? WAYS_ELSEWHERE : WAYS); i++)
		srunner_add_suite(runner, wire_suite(&ways[i], any_case, i * WAY_CASES));
	srunner_add_suite(runner, make_rest());
	/* one process: the servers are started once, and a case costs no fork of ours */
	srunner_set_fork_status(runner, CK_NOFORK);
	check_set_max_msg_size(MESSAGE_MOST);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
