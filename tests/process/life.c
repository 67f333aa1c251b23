/* A server's life: its signals, its end, and what it must not lose on the way. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "process.h"

/* Whether the last response says that it is the last. */
static bool says_close(void)
{
	const char *connection = field("Connection");

	return connection && strcmp(connection, "close") == 0;
}

/* ---- the end ---- */

static const struct {
	int signal;
	const char *workers;
} stops[] = { { SIGTERM, "1" }, { SIGINT, "1" }, { SIGTERM, "2" }, { SIGINT, "2" } };

/* A download that has begun is finished; no other connection is accepted. */
START_TEST(sigterm_finishes_a_download)
{
	struct server server = serve(GIVEN("--workers", stops[_i].workers));
	int fd = dial(server.port);
	long long began;
	uint64_t body;

	say(fd, GET_BIG);
	ck_assert_uint_eq(drain(fd, 1 << 20), 1 << 20);
	kill(server.pid, stops[_i].signal);
	nap(200);
	ck_assert_int_lt(dial(server.port), 0);
	began = now();
	body = (1 << 20) + drain(fd, UINT64_MAX);
	ck_assert_uint_gt(body, BIG);
	ck_assert_uint_lt(body, BIG + 1000);
	ck_assert_int_eq(finish(server.pid), 0);
	ck_assert_msg(now() - began < PROMPT, "it ended %lld ms later", now() - began);
}
END_TEST

/* Who waits to be accepted when the signal comes is a client like any other. */
START_TEST(sigterm_answers_the_backlog)
{
	enum { WAITING = 200 }; /* more than the backlog of 128 that musl's SOMAXCONN makes */
	struct server server;
	int fds[WAITING];

	wwwd = builds[_i];
	server = serve((struct given){ 0 });
	kill(server.pid, SIGSTOP);
	dial_all(fds, WAITING, server.port, GET_TEN);
	kill(server.pid, SIGTERM);
	kill(server.pid, SIGCONT);
	for (int i = 0; i < WAITING; i++) {
		ck_assert_msg(hear(fds[i], false) == 200, "client %d is lost", i);
		ck_assert_str_eq(reply.body, "0123456789");
		ck_assert(at_end(fds[i]));
		close(fds[i]);
	}
	ck_assert_int_eq(finish(server.pid), 0);
}
END_TEST

/* Whoever only might ask again is not waited for. */
START_TEST(sigterm_leaves_idle_keep_alive)
{
	struct server server = serve((struct given){ 0 });
	int asked = dial(server.port), silent = dial(server.port);
	long long began;

	ck_assert_int_eq(ask_on(asked, GET_TEN), 200);
	began = now();
	ck_assert_int_eq(stop(server.pid), 0);
	ck_assert_int_lt(now() - began, 1000);
	ck_assert(at_end(asked));
	ck_assert(at_end(silent));
}
END_TEST

/* A request that is on its way when the signal comes is answered, as the last. */
START_TEST(sigterm_answers_a_begun_request)
{
	struct server server = serve((struct given){ 0 });
	int fd = dial(server.port);

	say(fd, "GET /ten.txt HTTP/1.1\r\nHost: ");
	nap(100);
	kill(server.pid, SIGTERM);
	nap(100);
	ck_assert_int_eq(ask_on(fd, "a\r\n\r\n"), 200);
	ck_assert_str_eq(reply.body, "0123456789");
	ck_assert(says_close());
	ck_assert(at_end(fd));
	close(fd);
	ck_assert_int_eq(finish(server.pid), 0);
}
END_TEST

/* A client that has not sent all of a request is not waited for. */
START_TEST(sigterm_waits_for_no_half_request)
{
	static const char *const halves[] = {
		"",
		"GET /hal",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc",
	};
	struct server server = serve((struct given){ 0 });
	int fd = dial(server.port);
	long long begun;

	ck_assert_int_ge(fd, 0);
	say(fd, halves[_i]);
	nap(50);
	begun = now();
	ck_assert_int_eq(stop(server.pid), 0);
	ck_assert_int_lt(now() - begun, 4000); /* of the 10 s that a download would have */
}
END_TEST

/* Without --log, and without a terminal that could be gone, SIGHUP is ignored. */
START_TEST(sighup_without_log_is_ignored)
{
	struct server server = serve(GIVEN("--workers", _i ? "2" : "1"));

	kill(server.pid, SIGHUP);
	nap(50);
	ck_assert_int_eq(get(server.port, "/ten.txt"), 200);
}
END_TEST

START_TEST(sigterm_with_its_folder_gone)
{
	const char *path = in_top("socket");
	pid_t pid = start(GIVEN("-d", site, "-h", path));

	ck_assert(wait_text("err", "at unix:"));
	ck_assert_int_eq(stop(pid), 0);
	ck_assert_int_lt(dial_path(path), 0);
	/* and the next one starts */
	pid = start(GIVEN("-d", site, "-h", path));
	nap(200);
}
END_TEST

START_TEST(exit_idle_time)
{
	struct server server = serve(GIVEN("--exit-idle-time", "0.5"));
	long long began;

	ck_assert_int_eq(get(server.port, "/ten.txt"), 200);
	began = now();
	ck_assert_int_eq(finish(server.pid), 0);
	ck_assert_int_ge(now() - began, 400);
}
END_TEST

/* Of several none leaves while another has a client: who comes to its listener would wait for ever. */
START_TEST(exit_idle_time_of_workers)
{
	struct server server = serve(GIVEN("--exit-idle-time", "0.3", "--workers", "2", "--quiet"));
	int kept = dial(server.port);
	long long until = now() + 1000;

	ck_assert_int_eq(ask_on(kept, GET_TEN), 200);
	while (now() < until) {
		ck_assert_int_eq(get(server.port, "/ten.txt"), 200);
		nap(350); /* longer than either would stay alone */
	}
	ck_assert_uint_eq(count_children(server.pid), 2);
	close(kept);
	ck_assert_int_eq(finish(server.pid), 0);
}
END_TEST

/* A process that starts wwwd may have SIGCHLD ignored, which is inherited. */
START_TEST(worker_is_replaced_with_sigchld_ignored)
{
	struct server server;

	signal(SIGCHLD, SIG_IGN);
	server = serve(GIVEN("--workers", "2", "--quiet"));
	signal(SIGCHLD, SIG_DFL);
	ck_assert_int_eq(kill(*wait_workers(server.pid, 2), SIGKILL), 0);
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(get(server.port, "/ten.txt"), 200);
}
END_TEST

/* A worker that dies as soon as it has started is replaced a second later, without a busy wait. */
START_TEST(worker_that_dies_young_is_replaced)
{
	struct server server = serve(GIVEN("--workers", "2", "--quiet"));
	pid_t dead = *wait_workers(server.pid, 2);

	ck_assert_int_eq(kill(dead, SIGKILL), 0);
	WAIT_WHILE(kill(dead, 0) == 0, START_TIME);
	wait_workers(server.pid, 2);
	ck_assert_int_lt(status_number(server.pid, "voluntary_ctxt_switches:"), 50);
}
END_TEST

/* Workers whose parent is killed end too; this process adopts them, and so hears of their end. */
START_TEST(workers_end_with_their_parent)
{
	struct server server;
	const pid_t *workers;

	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	server = serve(GIVEN("--workers", "2", "--quiet"));
	workers = wait_workers(server.pid, 2);
	ck_assert_int_eq(get(server.port, "/ten.txt"), 200);
	kill(server.pid, SIGKILL);
	ck_assert_int_eq(finish(server.pid), 128 + SIGKILL);
	for (; *workers; workers++)
		ck_assert_msg(finish(*workers) == 0, "a worker outlives its parent");
}
END_TEST

/* Where nothing happens, a server and its workers sleep: for seconds, none of them is woken up. */
START_TEST(no_wakeups_when_idle)
{
	struct server server = serve(GIVEN("--workers", "2", "--quiet"));
	const pid_t *workers = wait_workers(server.pid, 2);
	const pid_t all[] = { server.pid, workers[0], workers[1] };
	long long woken = 1;

	/* what there is to do at start may take a loaded machine a while */
	for (int tries = 0; woken && tries < 4; tries++) {
		woken = 0;
		for (int i = 0; i < 3; i++)
			woken -= status_number(all[i], "voluntary_ctxt_switches:");
		nap(2500);
		for (int i = 0; i < 3; i++)
			woken += status_number(all[i], "voluntary_ctxt_switches:");
	}
	ck_assert_int_eq(woken, 0);
}
END_TEST

/* An early answer arrives, although the client has sent all, and its end, before it looks. */
START_TEST(lingering_close_lets_an_early_answer_arrive)
{
	struct server server = serve(GIVEN("--quiet"));
	static char body[3 << 20];

	memset(body, 'x', sizeof(body) - 1);
	for (int i = 0; i < 10; i++) {
		int fd = dial(server.port);

		say(fd, "POST /ten.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 3145727\r\n\r\n");
		say(fd, body);
		shutdown(fd, SHUT_WR);
		ck_assert_int_eq(hear_all(fd), 413);
	}
}
END_TEST

/* The port is free at once: the next server doesn't wait for the old connections' ghosts. */
START_TEST(restart_at_once_so_reuseaddr)
{
	unsigned port = free_port();

	for (int i = 0; i < 2; i++) {
		pid_t pid = start(GIVEN("-d", site, "-p", format("%u", port)));
		int fd;

		ck_assert_uint_eq(wait_port(pid), port);
		fd = dial(port);
		ck_assert_int_eq(ask_on(fd, GET_TEN), 200);
		ck_assert_int_eq(stop(pid), 0); /* it closes first: the ghost is on its side */
		close(fd);
		ck_assert_int_eq(unlink(in_top("err")), 0);
	}
}
END_TEST

/* ---- descriptors ---- */

/* 0, 1 and 2 in every combination of missing: no file and no socket may become one of them. */
START_TEST(started_without_descriptors_0_1_2)
{
	unsigned port = free_port();
	int fd;

	start((struct given){ .in = _i & 1 ? MISSING : 0,
			      .out = _i & 2 ? MISSING : 0,
			      .err = _i & 4 ? MISSING : 0,
			      .args = LIST("-d", site, "-p", format("%u", port)) });
	fd = dial_soon(port);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(ask_on(fd, GET_TEN), 200);
		ck_assert_str_eq(reply.body, "0123456789");
		ck_assert_int_eq(ask_on(fd, GET_OF("/none")), 404);
	}
}
END_TEST

/* Only the client's connection, and no standard error: the log's lines must not go to the client. */
START_TEST(connection_without_standard_error)
{
	int fd;

	serve_one(&fd, (struct given){ .err = MISSING });
	ck_assert_int_eq(ask_on(fd, GET_TEN GET_LAST), 200);
	ck_assert_int_eq(hear_all(fd), 200);
	ck_assert_str_eq(reply.body, "0123456789");
}
END_TEST

/* A thousand of each kind, and not one descriptor more than before. */
static const struct {
	const char *request;
	bool cut; /* the client leaves before the answer */
} kinds[] = {
	{ GET_TEN, false },
	{ "HEAD /ten.txt HTTP/1.1\r\nHost: a\r\n\r\n", false },
	{ "POST /ten.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", false },
	{ "GET /big.bin HTTP/1.1\r\nHost: a\r\nRange: bytes=5-9,20-29\r\n\r\n", false },
	{ "GET /big.bin HTTP/1.1\r\nHost: a\r\nRange: bytes=99999999-\r\n\r\n", false },
	{ "GET /ten.txt HTTP/1.1\r\nHost: a\r\nIf-None-Match: *\r\n\r\n", false },
	{ "GET /ten.txt HTTP/1.1\r\nHost: a\r\nIf-Match: \"x\"\r\n\r\n", false },
	{ "GET /ten.txt HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n", false },
	{ GET_OF("/none"), false },
	{ GET_OF("/shut.txt"), false },
	{ GET_OF("/fifo"), false },
	{ GET_OF("/folder"), false },
	{ GET_OF("/folder/"), false },
	{ GET_OF("/folder/?sort=size&order=desc"), false },
	{ "HEAD /folder/ HTTP/1.1\r\nHost: a\r\n\r\n", false },
	{ "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", false },
	{ "DELETE /ten.txt HTTP/1.1\r\nHost: a\r\n\r\n", false },
	{ GET_OF("/%00"), false },
	{ GET_BIG, true },
	{ GET_OF("/folder/"), true },
	{ "GET /ten", true },
	{ "POST /ten.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 300\r\n\r\nabc", true },
};

/*
 * So many requests of the kind, ten a connection where it is kept. Those who leave don't wait for
 * the server, and a thousand listings take it a while: who is answered after them does.
 */
static void ask_often(unsigned port, int kind, int requests)
{
	while (requests > 0) {
		int fd = dial(port);
		bool kept = true;

		for (int i = 0; i < 10 && kept; i++, requests--) {
			if (kinds[kind].cut) {
				say(fd, kinds[kind].request);
				kept = false;
			} else {
				ck_assert_int_gt(ask_on(fd, kinds[kind].request), 0);
				kept = !says_close();
			}
		}
		close(fd);
		if (kinds[kind].cut && requests % 50 == 0)
			ck_assert_int_eq(get(port, "/ten.txt"), 200);
	}
}

START_TEST(no_descriptor_leaks)
{
	struct server server;
	int before;

	put("site/ten.txt.gz", "not really gzip");
	put("site/shut.txt", "");
	set_mode("site/shut.txt", 0);
	ck_assert_int_eq(mkfifo(in_top("site/fifo"), 0644), 0);
	put_names("site/folder", 2, 50);
	server = serve(GIVEN("--quiet"));
	/* what the first ones leave open is remembered and not lost, once the files have settled */
	nap(100);
	ask_often(server.port, _i, 20);
	nap(100);
	before = count_descriptors(server.pid);
	ask_often(server.port, _i, 1000);
	/* none for each; but one, if those who left came too early for the file to be remembered */
	WAIT_WHILE(count_descriptors(server.pid) > before + 1, PROMPT);
	ck_assert_int_le(count_descriptors(server.pid), before + 1);
}
END_TEST

/* Clients that reset the connection while their listing is made, or their file sent, in turns. */
START_TEST(client_resets_at_work)
{
	enum { ENTRIES = 10000, CLIENTS = 40 };
	static const char *const requests[] = { GET_OF("/many/"), GET_BIG };
	struct server server;
	int fds[CLIENTS];

	put_names("site/many", 5, ENTRIES);
	server = serve(GIVEN("--quiet"));
	for (int i = 0; i < CLIENTS; i++) {
		fds[i] = dial(server.port);
		say(fds[i], requests[i % 2]);
	}
	for (int i = 0; i < CLIENTS; i++) {
		reset_connection(fds[i]);
		if (i % 4 == 0)
			ck_assert_int_eq(get(server.port, "/ten.txt"), 200);
	}
	ck_assert_int_eq(get(server.port, "/many/"), 200);
}
END_TEST

/* ---- system calls ---- */

/*
 * Every call that one connection makes, from the look at the descriptor to the end, in the order of the
 * first one. A call that is added has to be named here. `most` is how often it may come.
 */
static const struct named_call {
	const char *name;
	int most;
	bool confinement; /* it gives privileges up */
} named_calls[] = {
	{ "getpeername", 1, false },
	{ "openat", 1, false }, /* the root */
	{ "fstat", 3, false },  /* standard error; the file that was requested */
	{ "newfstatat", 3, false },
	{ "pwritev2", 2, false }, /* the log */
	{ "setgroups", 1, true },
	{ "setgid", 1, true },
	{ "setuid", 1, true },
	{ "faccessat", 1, true },
	{ "faccessat2", 1, true },
	{ "prctl", 1, true },
	{ "setrlimit", 1, true },
	{ "prlimit64", 1, true },
	{ "landlock_create_ruleset", 1, true },
	{ "landlock_add_rule", 1, true },
	{ "landlock_restrict_self", 1, true },
	{ "clock_gettime", 1, false },
	{ "recvfrom", 1, false },
	{ "openat2", 1, false },
	{ "pread64", 1, false },
	{ "close", 1, false },
	{ "sendto", 2, false }, /* the response; the log, to a socket */
	{ "ppoll", 1, false },
	{ "write", 1, false },
	{ "exit_group", 1, false },
};

enum { NAMED_CALLS = COUNT(named_calls) };

/* Counts the calls of a connection that a supervisor has accepted; none has another name. */
static void count_calls(const char *const *options, int error, int *all, int *confinement)
{
	const char *args[16] = { "-o", in_top("calls"), "-s", "0", wwwd, "-d", site };
	int counts[NAMED_CALLS] = { 0 };
	int ends[2];
	const char *line;
	pid_t pid;

	for (int i = 0; options[i]; i++)
		args[7 + i] = options[i];
	connect_pair(ends);
	pid = start((struct given){ .in = ends[1],
				    .out = ends[1],
				    .err = error,
				    .program = "/usr/bin/strace",
				    .args = args });
	close(ends[1]);
	say(ends[0], "GET /kib.html HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	shutdown(ends[0], SHUT_WR);
	ck_assert_int_eq(hear_all(ends[0]), 200);
	ck_assert_uint_eq(reply.body_size, 1024);
	close(ends[0]);
	ck_assert_int_eq(finish(pid), 0);

	line = strstr(content("calls"), "getpeername(0");
	ck_assert_msg(line, "%s", content("calls"));
	*all = *confinement = 0;
	for (; *line && *line != '+'; line += strcspn(line, "\n") + 1) {
		size_t n = strcspn(line, "(");
		int i = 0;

		while (i < NAMED_CALLS && (strlen(named_calls[i].name) != n ||
					   memcmp(line, named_calls[i].name, n) != 0))
			i++;
		ck_assert_msg(i < NAMED_CALLS, "a call that is not named: %.*s", (int)n, line);
		ck_assert_msg(++counts[i] <= named_calls[i].most, "too often: %.*s", (int)n, line);
		++*all;
		*confinement += named_calls[i].confinement;
	}
}

/* Of a pipe that is as good as any: whether a write to it can be told not to wait. */
static bool writes_without_waiting(int pipe)
{
	struct iovec byte = { .iov_base = (char[]){ '\n' }, .iov_len = 1 };

	return pwritev2(pipe, &byte, 1, -1, RWF_NOWAIT) == 1;
}

/* The log goes to a pipe, and to a stream socket as systemd has it. */
START_TEST(system_calls_of_one_connection)
{
	int all, confinement, log[2], stream[2];

	put_sparse("site/kib.html", 1024);
	ck_assert_int_eq(pipe2(log, O_CLOEXEC), 0);
	pair_unix(stream);
	count_calls(LIST("--quiet"), log[1], &all, &confinement);
	printf("calls for a connection, with --quiet: %d and %d to give privileges up\n",
	       all - confinement, confinement);
	ck_assert_int_le(all - confinement, 12);
	count_calls(LIST(NULL), log[1], &all, &confinement);
	printf("calls for a connection, in all: %d\n", all);
	/* root asks whether another user may read the site; Linux before 6.4 is asked first, in two more */
	ck_assert_int_le(all, (writes_without_waiting(log[1]) ? 20 : 22) + (geteuid() == 0));
	count_calls(LIST(NULL), stream[1], &all, &confinement);
	ck_assert_int_le(all, 21 + (geteuid() == 0)); /* a look at whether it is the client's */
}
END_TEST

Suite *life_suite(void)
{
	Suite *suite = suite_create("life");
	TCase *group = test_case(suite, "end", 20);

	tcase_add_loop_test(group, sigterm_finishes_a_download, 0, COUNT(stops));
	tcase_add_loop_test(group, sigterm_answers_the_backlog, 0, build_count);
	tcase_add_test(group, sigterm_leaves_idle_keep_alive);
	tcase_add_test(group, sigterm_answers_a_begun_request);
	tcase_add_loop_test(group, sighup_without_log_is_ignored, 0, 2);
	tcase_add_loop_test(group, sigterm_waits_for_no_half_request, 0, 3);
	tcase_add_test(group, sigterm_with_its_folder_gone);
	tcase_add_test(group, exit_idle_time);
	if (sanitized())
		skip("exit_idle_time_of_workers",
		     "a sanitizer's own end fails in a worker: sigaltstack(2)");
	else
		tcase_add_test(group, exit_idle_time_of_workers);
	tcase_add_test(group, worker_is_replaced_with_sigchld_ignored);
	tcase_add_test(group, worker_that_dies_young_is_replaced);
	tcase_add_test(group, workers_end_with_their_parent);
	tcase_add_test(group, no_wakeups_when_idle);
	tcase_add_test(group, lingering_close_lets_an_early_answer_arrive);
	tcase_add_test(group, restart_at_once_so_reuseaddr);

	group = test_case(suite, "descriptors", 20);
	tcase_add_loop_test(group, started_without_descriptors_0_1_2, 0, 8);
	tcase_add_test(group, connection_without_standard_error);
	tcase_add_loop_test(group, no_descriptor_leaks, 0, COUNT(kinds));
	tcase_add_test(group, client_resets_at_work);

	group = test_case(suite, "calls", 20);
	if (sanitized())
		skip("system_calls_of_one_connection", "a sanitizer makes calls of its own");
	else if (access("/usr/bin/strace", X_OK) != 0)
		skip("system_calls_of_one_connection", "there is no strace");
	else
		tcase_add_test(group, system_calls_of_one_connection);
	return suite;
}
