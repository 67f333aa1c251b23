/*
 * The wire suite's runner: every case of the tables, sent to a server that listens by itself, again
 * to that server a byte at a time, and to a handler started for it as inetd does. Those about names
 * are sent once more, to a handler that must do without openat2(2).
 *
 * $WWWD names the program, ./wwwd otherwise. The same cases without a process are in
 * tests/http/wire.c.
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
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MESSAGE_MOST = 1 << 16 };

static volatile sig_atomic_t stopped;

static void step(struct wire_talk *talk, int timeout)
{
	if (stopped)
		exit(1);
	wire_step(talk, timeout);
}

static bool open_listening(struct wire_talk *talk, enum wire_server server)
{
	talk->fd = wire_connect(server);
	return talk->fd >= 0;
}

static bool open_inetd(struct wire_talk *talk, enum wire_server server)
{
	talk->fd = wire_inetd(server, false, &talk->pid);
	return talk->fd >= 0;
}

static bool open_walking(struct wire_talk *talk, enum wire_server server)
{
	talk->fd = wire_inetd(server, true, &talk->pid);
	return talk->fd >= 0;
}

static const char *hang_up(struct wire_talk *talk)
{
	close(talk->fd);
	return talk->pid && finish(talk->pid) != 0 ? "the handler's exit status isn't 0" : NULL;
}

#define BY_SOCKET .now = now, .step = step, .close = hang_up
static const struct wire_way listening = { "standalone", .open = open_listening, BY_SOCKET };
static const struct wire_way bytewise = { "a byte at a time", .open = open_listening, BY_SOCKET,
					  .singly = true };
static const struct wire_way inetd = { "inetd", .open = open_inetd, BY_SOCKET };
static const struct wire_way walking = { "without openat2", .open = open_walking, BY_SOCKET,
					 .only_names = true };

START_TEST(standalone_case)
{
	wire_run_nth(&listening, _i);
}
END_TEST

START_TEST(bytewise_case)
{
	wire_run_nth(&bytewise, _i);
}
END_TEST

START_TEST(inetd_case)
{
	wire_run_nth(&inetd, _i);
}
END_TEST

START_TEST(walking_case)
{
	wire_run_nth(&walking, _i);
}
END_TEST

/* ---- what changes, and what goes on ---- */

static void put_file(const char *name, const char *content, long later)
{
	wire_site_put("site/changing/", name, content, TEN_STAMP + later);
}

static void drop_file(const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/site/changing/%s", wire_top, name);
	ck_assert_int_eq(unlink(path), 0);
}

/* Ask twice, so that the second answer may be a remembered one, after a while, so that it will. */
static void expect(const char *target, int status, const char *body)
{
	struct wire_response response;
	char path[256];

	snprintf(path, sizeof(path), "/changing/%s", target);
	for (int times = 0; times < 2; times++) {
		if (times)
			usleep(100000);
		ck_assert_int_gt(
			wire_parse(wire_side,
				   wire_fetch(&listening, "GET", path, "Accept-Encoding: gzip\r\n"),
				   false, &response),
			0);
		ck_assert_msg(response.status == status, "%s: %d, not %d", path, response.status,
			      status);
		ck_assert_msg(!body || (response.body.size == strlen(body) &&
					memcmp(response.body.at, body, strlen(body)) == 0),
			      "%s: the body isn't %s", path, body);
	}
}

/* What changes on the disk changes in the answers, at once. */
START_TEST(site_changes)
{
	expect("a.css", 404, NULL);
	put_file("a.css", "ONE", 0);
	expect("a.css", 200, "ONE");
	put_file("a.css", "TWO", 0); /* of the same size and time: another file */
	expect("a.css", 200, "TWO");
	put_file("a.css.gz", "GZIP OF TWO", 0);
	expect("a.css", 200, "GZIP OF TWO");
	put_file("a.css.gz", "GZIP2OF TWO", 0);
	expect("a.css", 200, "GZIP2OF TWO");
	put_file("a.css", "THREE", 10);
	expect("a.css", 200, "THREE");
	drop_file("a.css.gz");
	expect("a.css", 200, "THREE");
	drop_file("a.css");
	expect("a.css", 404, NULL);
	expect("", 200, NULL);
	put_file("index.html", "AN INDEX", 0);
	expect("", 200, "AN INDEX");
	put_file("index.html", "NO INDEX", 0);
	expect("", 200, "NO INDEX");
	drop_file("index.html");
	put_file("b", "", 0);
	expect("", 200, NULL);
	expect("b", 200, "");
}
END_TEST

/* A folder that is moved out of the site, and linked to from where it was, is out of reach. */
START_TEST(folder_leaves)
{
	char from[4096], to[4096];

	snprintf(from, sizeof(from), "%s/site/changing/leaving", wire_top);
	snprintf(to, sizeof(to), "%s/outside/left", wire_top);
	ck_assert_int_eq(mkdir(from, 0755), 0);
	put_file("leaving/c", "INSIDE", 0);
	expect("leaving/c", 200, "INSIDE");
	ck_assert_int_eq(rename(from, to), 0);
	ck_assert_int_eq(symlink("../../outside/left", from), 0);
	expect("leaving/c", 404, NULL);
}
END_TEST

/* A client that goes away in the middle of an answer harms nobody. */
START_TEST(client_goes_away)
{
	static const char request[] = GET("/huge.bin", "");
	static char got[WIRE_ROOM];
	struct wire_talk talk = { .got = got, .got_room = WIRE_ROOM, .out = request };
	long long deadline = now() + wire_patience;
	struct wire_response response;

	talk.out_size = sizeof(request) - 1;
	talk.fd = wire_connect(MAIN);
	while (!talk.eof && talk.got_size < WIRE_ROOM / 2 && now() < deadline)
		step(&talk, 100);
	close(talk.fd);
	ck_assert_uint_ge(talk.got_size, WIRE_ROOM / 2);
	ck_assert_int_gt(wire_parse(wire_side, wire_fetch(&listening, "GET", "/ten.txt", ""), false,
				    &response),
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
	char path[4096], *line = NULL;
	size_t room = 0, count = 0;
	ssize_t size;
	regex_t form;
	FILE *log;

	snprintf(path, sizeof(path), "%s/log.main", wire_top);
	log = fopen(path, "re");
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
	tcase_add_test(group, site_changes);
	tcase_add_test(group, folder_leaves);
	tcase_add_test(group, client_goes_away);
	tcase_add_test(group, log_lines);
	tcase_add_loop_test(group, server_ends, 0, SERVED);
	suite_add_tcase(suite, wire_besides(&listening));
	suite_add_tcase(suite, group);
	return suite;
}

static void clean_up(void)
{
	end_children();
	wire_site_remove(wire_top);
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

	runner = srunner_create(wire_suite(&listening, standalone_case));
	srunner_add_suite(runner, wire_suite(&bytewise, bytewise_case));
	srunner_add_suite(runner, wire_suite(&inetd, inetd_case));
	srunner_add_suite(runner, wire_suite(&walking, walking_case));
	srunner_add_suite(runner, make_rest());
	/* one process: the servers are started once, and a case costs no fork of ours */
	srunner_set_fork_status(runner, CK_NOFORK);
	check_set_max_msg_size(MESSAGE_MOST);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
