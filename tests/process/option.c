/* What is said on the command line, and what is said back. */
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process.h"

/* Its standard output as a file, and its exit status. */
static int run(const char *const *args)
{
	int out = open(in_top("out"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), status;

	status = finish(start((struct given){ .out = out, .args = args }));
	close(out);
	return status;
}

START_TEST(help)
{
	char named[] =
		"-d -h -p --dir --host --port --user --header --cgi --cgi-env --cgi-time "
		"--cgi-max --auth --no-listing --log --quiet --verbose --version --help "
		"--exit-idle-time --workers --cache --line-max --header-max --fields-max "
		"--body-max --header-time --idle-time --stall-time --stall-rate --requests-max "
		"--connections-max";
	const char *text, *line;

	ck_assert_int_eq(run(LIST("--help")), 0);
	ck_assert_str_eq(content("err"), "");
	text = content("out");
	ck_assert_int_le(count_text(text, "\n"), 40);
	for (char *name = strtok(named, " "); name; name = strtok(NULL, " "))
		ck_assert_msg(strstr(text, name), "%s isn't in it", name);
	for (line = text; *line; line += strcspn(line, "\n") + 1)
		ck_assert_msg(strcspn(line, "\n") <= 80, "%.*s", (int)strcspn(line, "\n"), line);
}
END_TEST

START_TEST(version)
{
	ck_assert_int_eq(run(LIST("--version")), 0);
	ck_assert_str_eq(content("err"), "");
	ck_assert_int_eq(strncmp(content("out"), "wwwd ", 5), 0);
}
END_TEST

/* One line that names what is wrong, nothing on standard output, no server. */
static const struct {
	int status;
	const char *names;
	const char *args[4];
} faults[] = {
	{ 2, "-d", { "-d" } },
	{ 2, "--nosuch", { "--nosuch" } },
	{ 2, "-x", { "-x" } },
	{ 2, "--log", { "--log" } },
	{ 2, "--quiet", { "--quiet=1" } },
	{ 2, "word", { "word" } },
	{ 1, "/nosuch/dir", { "-d", "/nosuch/dir" } },
	{ 1, "/etc/passwd", { "-d", "/etc/passwd" } },
	{ 1, "nosuch.invalid", { "-h", "nosuch.invalid" } },
	{ 1, "192.0.2.1", { "-h", "192.0.2.1" } },
	{ 1, "/nosuch/socket", { "-h", "/nosuch/socket" } },
	{ 1,
	  "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	  { "-h",
	    "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" } },
	{ 2, "-p 65536: there are 65535 ports", { "-p", "65536" } },
	{ 2, "-p -1: neither a number nor a service", { "-p", "-1" } },
	{ 2, "-p 80x: neither a number nor a service", { "-p", "80x" } },
	{ 2, "-p nosuchservice: neither a number nor a service", { "-p", "nosuchservice" } },
	{ 2, "the port is said with -p: -h 127.0.0.1 -p 80\n", { "-h", "127.0.0.1:80" } },
	{ 2, "the port is said with -p: -h [::1] -p 80\n", { "-h", "[::1]:80", "-p", "0" } },
	{ 2, "the port is said with -p: -h localhost -p http\n", { "-h", "localhost:http" } },
	{ 2, "-h http://127.0.0.1/: an address", { "-h", "http://127.0.0.1/" } },
	{ 2, "-h https://localhost:80: an address", { "-h", "https://localhost:80" } },
	{ 1, "--user root: that is root", { "--user", "root" } },
	{ 1, "--user nosuchuser: no such user", { "--user", "nosuchuser" } },
	{ 2, "0 is out of range, which is 64 to 32K\n", { "--line-max", "0" } },
	{ 2, "which is 64 to 1M\n", { "--header-max", "63" } },
	{ 2, "which is 0 to 1G\n", { "--cache", "2G" } },
	{ 2, "which is 1 to 256\n", { "--workers", "257" } },
	{ 2, "which is 0.000001 to 31536000\n", { "--idle-time", "31536001" } },
	{ 1, "/nosuch/log", { "--log", "/nosuch/log" } },
	{ 2, "--header", { "--header", "no colon" } },
	{ 2, "--header", { "--header", ": no name" } },
	{ 2, "--header", { "--header", "Bad Name: x" } },
	{ 2, "--header", { "--header", "X: a\r\nY: b" } },
	{ 2, "--header", { "--header", "Content-Length: 3" } },
	{ 2, "--header", { "--header", "" } },
	{ 2, "'/8' is not an address", { "--forwarded-from", "/8" } },
	{ 2, "'here' is not an address, ADDR/LEN or unix\n", { "--forwarded-from", "here" } },
	{ 2, "'unix/8' is not an address", { "--forwarded-from", "unix/8" } },
	{ 2, "'10.0.0/8' is not an address", { "--forwarded-from", "10.0.0/8" } },
	{ 2, "'[::1]' is not an address", { "--forwarded-from", "[::1]" } },
	{ 2,
	  "'10.0.0.1/33': the length behind the slash is 0 to 32\n",
	  { "--forwarded-from", "10.0.0.1/33" } },
	{ 2, "'10.0.0.1/': the length", { "--forwarded-from", "10.0.0.1/" } },
	{ 2, "'10.0.0.1/-1': the length", { "--forwarded-from", "10.0.0.1/-1" } },
	{ 2,
	  "'::1/129': the length behind the slash is 0 to 128\n",
	  { "--forwarded-from", "::1/129" } },
	{ 2, "'::ffff:10.0.0.0/8' is IPv4 and IPv6", { "--forwarded-from", "::ffff:10.0.0.0/8" } },
	{ 2, "--workers", { "--workers", "0" } },
	{ 2, "--workers", { "--workers", "many" } },
	{ 2, "--cache", { "--cache", "1T" } },
	{ 2, "--cache", { "--cache", "-1" } },
	{ 2, "--exit-idle-time", { "--exit-idle-time", "soon" } },
	{ 2, "--exit-idle-time", { "--exit-idle-time", "1e99" } },
	{ 2, "--line-max", { "--line-max", "0" } },
	{ 2, "--line-max", { "--line-max", "1G" } },
	{ 2, "--line-max", { "--line-max", "0x100" } },
	{ 2, "--header-max", { "--header-max", "" } },
	{ 2, "--fields-max", { "--fields-max", "10K" } },
	{ 2, "--body-max", { "--body-max", "99999999999999999999" } },
	{ 2, "--body-max", { "--body-max", "18014398509481984K" } },
	{ 2, "--header-time", { "--header-time", "0" } },
	{ 2, "--header-time", { "--header-time", "nan" } },
	{ 2, "--idle-time", { "--idle-time", "-5" } },
	{ 2, "--stall-time", { "--stall-time", "10 " } },
	{ 2, "--stall-rate", { "--stall-rate", "1Kb" } },
	{ 2, "--requests-max", { "--requests-max", "0" } },
	{ 2, "--requests-max", { "--requests-max", "4294967296" } },
	{ 2, "--connections-max", { "--connections-max", "0" } },
	{ 2, "--connections-max", { "--connections-max", "1.5" } },
	/* of programs */
	{ 2, "--cgi", { "--cgi", "git=/bin/true" } },
	{ 2, "--cgi", { "--cgi", "/git" } },
	{ 2, "--cgi", { "--cgi", "/git=bin/true" } },
	{ 2, "--cgi", { "--cgi", "/git=" } },
	{ 2, "--cgi", { "--cgi", "" } },
	{ 2, "--cgi", { "--cgi", "/a/../b/" } },
	{ 2, "--cgi", { "--cgi", "/a/..=/bin/true" } },
	{ 2, "--cgi", { "--cgi", "/a//b=/bin/true" } },
	{ 2, "--cgi", { "--cgi", "/%61/" } },
	{ 2, "twice", { "--cgi", "/a=/bin/true", "--cgi", "/a/=/bin/false" } },
	{ 1, "/nowhere/program", { "--cgi", "/a=/nowhere/program" } },
	{ 1, "/etc/passwd", { "--cgi", "/a=/etc/passwd" } },
	{ 1, "not a program", { "--cgi", "/a=/etc" } },
	{ 1, "/folder/", { "--cgi", "/folder/" } },
	{ 2, "--cgi-env", { "--cgi-env", "A" } },
	{ 2, "--cgi-env", { "--cgi-env", "=b" } },
	{ 2, "--cgi-env", { "--cgi-env", "1=b" } },
	{ 2, "--cgi-max", { "--cgi-max", "0" } },
	{ 2, "--cgi-time", { "--cgi-time", "0" } },
};

START_TEST(options_that_are_wrong)
{
	const char *args[12] = { "-d", site, "-p", "0" }, *text;
	int status, n = 4;

	for (int i = 0; i < 4; i++)
		args[n++] = faults[_i].args[i];
	status = run(args);
	text = content("err");
	ck_assert_msg(strstr(text, faults[_i].names), "it says: %s", text);
	ck_assert_msg(strncmp(text, "wwwd: ", 6) == 0, "it says: %s", text);
	ck_assert_msg(count_text(text, "\n") == 1, "it says: %s", text);
	ck_assert_str_eq(content("out"), "");
	ck_assert_int_eq(status, faults[_i].status);
}
END_TEST

START_TEST(port_in_use_eaddrinuse)
{
	unsigned port;
	const char *number;

	listen_tcp(&port);
	number = format("%u", port);
	ck_assert_int_eq(run(LIST("-d", site, "-p", number)), 1);
	ck_assert_ptr_nonnull(strstr(content("err"), number));
	ck_assert_ptr_nonnull(strstr(content("err"), "in use"));
	ck_assert_int_eq(count_text(content("err"), "\n"), 1);
}
END_TEST

/* One line that names the folder, the user and the error; no server. */
static void refuses_root(const char *dir, bool one)
{
	const char *user = geteuid() == 0 ? "--user nobody" : format("uid %u", (unsigned)geteuid());
	int ends[2];

	connect_pair(ends);
	ck_assert_int_eq(finish(start((struct given){ .in = ends[1],
						      .out = ends[1],
						      .args = one ? LIST("-d", dir)
								  : LIST("-d", dir, "-p", "0") })),
			 1);
	ck_assert_str_eq(content("err"), format("wwwd: %s: Permission denied for %s\n", dir, user));
}

START_TEST(dir_without_permission)
{
	put_folder("shut");
	put_folder("shut/in");
	set_mode("shut", 0);
	refuses_root(in_top("shut/in"), false);
	set_mode("shut", 0700);
}
END_TEST

/*
 * A folder that the user can't search, which root becomes or which it is started by: no server, and
 * no connection either, would have anything but 403 to say.
 */
START_TEST(root_without_permission)
{
	set_mode("site", geteuid() == 0 ? 0700 : 0600);
	refuses_root(site, _i);
	set_mode("site", 0755);
}
END_TEST

/* To search it is enough; and root opens what lies in a folder that is shut. */
START_TEST(root_with_permission)
{
	struct server server;

	set_mode("site", 0311);
	if (geteuid() == 0)
		ck_assert_int_eq(chmod(top, 0700), 0);
	server = serve(GIVEN("--quiet"));
	ck_assert_int_eq(get(server.port, "/ten.txt"), 200);
	set_mode("site", 0755);
}
END_TEST

/* Only root can become another user; for others --user is an error. */
START_TEST(user_without_root)
{
	ck_assert_int_eq(finish(start((struct given){
				 .uid = geteuid() ? 0 : 54321,
				 .args = LIST("-d", site, "-p", "0", "--user", "daemon") })),
			 1);
	ck_assert_str_eq(content("err"),
			 "wwwd: --user daemon: only root can become another user\n");
}
END_TEST

/* Options that are right: each is taken, and a page still comes. */
static const char *const good[][2] = {
	{ "--workers", "auto" }, { "--workers", "2" },  { "--cache", "0" },
	{ "--cache", "64K" },    { "--cache", "1g" },   { "--exit-idle-time", "30" },
	{ "--stall-rate", "0" }, { "--body-max", "0" }, { "--header-time", "0.5" },
	{ "--header", "X: y" },  { "--header", "X:" },
};

START_TEST(options_that_are_right)
{
	struct server server = serve(GIVEN(good[_i][0], good[_i][1]));

	ck_assert_int_eq(get(server.port, "/ten.txt"), 200);
	ck_assert_str_eq(reply.body, "0123456789");
}
END_TEST

/* The user that it is anyway may be named; root becomes that of the option. */
START_TEST(user)
{
	const struct passwd *own = geteuid() ? getpwuid(geteuid()) : getpwnam("nobody");
	struct server server;

	if (!own)
		return; /* a uid without a name */
	server = serve(GIVEN("--user", own->pw_name));
	ck_assert_int_eq(get(server.port, "/ten.txt"), 200);
}
END_TEST

START_TEST(verbose)
{
	serve(GIVEN("--verbose"));
	ck_assert(wait_text("err", "Landlock"));
	ck_assert_ptr_nonnull(strstr(content("err"), "seccomp"));
}
END_TEST

/* Why a request is refused is said behind its line in the log. */
START_TEST(verbose_reasons)
{
	static const struct {
		const char *request, *reason;
	} rows[] = {
		{ "GET / HTTP/1.1\r\n\r\n", "400 for no Host field" },
		{ "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "400 for two Host fields" },
		{ "PUT / HTTP/1.1\r\nHost: a\r\n\r\n", "405 for a method that is not served" },
		{ GET_OF("/%zz"), "400 for a % that encodes no byte" },
		{ GET_OF("/.."), "400 for a target above the root" },
		{ "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
		  "400 for an invalid chunk size" },
	};
	struct server server = serve(GIVEN("--verbose"));

	for (int i = 0; i < COUNT(rows); i++) {
		(void)ask(server.port, rows[i].request);
		ck_assert_msg(wait_text("err", rows[i].reason), "%s", content("err"));
	}
}
END_TEST

/* What --memory says is in force, */
START_TEST(memory)
{
	serve(GIVEN("--verbose", "--memory", "96M"));
	ck_assert(wait_text("err", "memory for all connections: 96 MiB"));
}
END_TEST

/* and otherwise no more than a quarter of the machine's. */
START_TEST(memory_of_the_machine)
{
	uint64_t machine = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	const char *said;

	serve(GIVEN("--verbose"));
	said = strstr(content("err"), "memory for all connections: ");
	ck_assert_ptr_nonnull(said);
	ck_assert_uint_ge(strtoull(said + 28, NULL, 10), 4);
	ck_assert_uint_le(strtoull(said + 28, NULL, 10), machine / 4 >> 20);
}
END_TEST

/* --verbose with --quiet writes its messages, and serves. */
START_TEST(verbose_quiet)
{
	ck_assert_int_eq(ask_either(0, GIVEN("--verbose", "--quiet"), GET_LAST), 200);
	ck_assert_ptr_nonnull(strstr(content("err"), "Landlock"));
}
END_TEST

/*
 * Workers share the port: each gets some of the connections, even of a few, as Linux spreads them by
 * a hash.
 */
START_TEST(workers_share)
{
	struct server server = serve(GIVEN("--workers", "2", "--quiet"));
	const pid_t *workers = wait_workers(server.pid, 2);
	int before[2];

	for (int i = 0; i < 2; i++)
		before[i] = count_descriptors(workers[i]);
	for (int i = 0; i < 32; i++)
		ck_assert_int_eq(ask_on(dial(server.port), GET_TEN), 200);
	for (int i = 0; i < 2; i++)
		ck_assert_int_gt(count_descriptors(workers[i]), before[i]);
}
END_TEST

/* Who waits for a worker that was killed is served by the next one. */
START_TEST(worker_killed_is_replaced)
{
	struct server server = serve(GIVEN("--workers", "2", "--quiet"));
	pid_t killed = wait_workers(server.pid, 2)[0];
	const pid_t *workers;
	int clients[32];

	ck_assert_int_eq(kill(killed, SIGSTOP), 0);
	dial_all(clients, COUNT(clients), server.port, GET_LAST);
	ck_assert_int_eq(kill(killed, SIGKILL), 0);
	for (int i = 0; i < COUNT(clients); i++)
		ck_assert_int_eq(hear_all(clients[i]), 200);
	workers = wait_workers(server.pid, 2);
	ck_assert(workers[0] != killed && workers[1] != killed);
}
END_TEST

/* The port of workers is theirs: not even another wwwd may share it. */
START_TEST(workers_port_is_theirs_so_reuseport)
{
	struct server server = serve(GIVEN("--workers", "2", "--quiet"));

	ck_assert_int_eq(finish(start(GIVEN("-d", site, "-h", "127.0.0.1", "-p",
					    format("%u", server.port), "--workers", "2"))),
			 1);
	ck_assert_ptr_nonnull(strstr(content("err"), "in use"));
}
END_TEST

Suite *option_suite(void)
{
	Suite *suite = suite_create("options");
	TCase *group = test_case(suite, "options", 15);

	tcase_add_test(group, help);
	tcase_add_test(group, version);
	tcase_add_loop_test(group, options_that_are_wrong, 0, COUNT(faults));
	tcase_add_test(group, port_in_use_eaddrinuse);
	if (geteuid() == 0)
		skip("dir_without_permission", "root has every permission");
	else
		tcase_add_test(group, dir_without_permission);
	tcase_add_loop_test(group, root_without_permission, 0, 2);
	tcase_add_test(group, root_with_permission);
	if (geteuid() == 0 && !others_reach(wwwd))
		skip("user_without_root", "this directory is shut to other users");
	else
		tcase_add_test(group, user_without_root);
	tcase_add_loop_test(group, options_that_are_right, 0, COUNT(good));
	tcase_add_test(group, user);
	tcase_add_test(group, verbose);
	tcase_add_test(group, verbose_reasons);
	tcase_add_test(group, memory);
	tcase_add_test(group, memory_of_the_machine);
	tcase_add_test(group, verbose_quiet);
	tcase_add_test(group, workers_share);
	tcase_add_test(group, worker_killed_is_replaced);
	tcase_add_test(group, workers_port_is_theirs_so_reuseport);
	return suite;
}
