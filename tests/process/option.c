/* What is said on the command line, and what is said back. */
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process.h"

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))

/* Its standard output as a file, and its exit status. */
static int run(const char *const *args)
{
	int out = open(in_top("out"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), status;

	status = finish(start((struct given){ .out = out, .args = args }));
	close(out);
	return status;
}

static int count_lines(const char *text)
{
	int lines = 0;

	while ((text = strchr(text, '\n')))
		text++, lines++;
	return lines;
}

START_TEST(help)
{
	static const char *const named[] = { "-d",
					     "-h",
					     "-p",
					     "--dir",
					     "--host",
					     "--port",
					     "--user",
					     "--header",
					     "--cgi",
					     "--cgi-env",
					     "--cgi-time",
					     "--cgi-max",
					     "--auth",
					     "--no-listing",
					     "--log",
					     "--quiet",
					     "--verbose",
					     "--version",
					     "--help",
					     "--exit-idle-time",
					     "--workers",
					     "--cache",
					     "--line-max",
					     "--header-max",
					     "--fields-max",
					     "--body-max",
					     "--header-time",
					     "--idle-time",
					     "--stall-time",
					     "--stall-rate",
					     "--requests-max",
					     "--connections-max" };
	const char *text, *line;

	ck_assert_int_eq(run(LIST("--help")), 0);
	ck_assert_str_eq(content("err"), "");
	text = content("out");
	ck_assert_int_le(count_lines(text), 40);
	for (int i = 0; i < COUNT(named); i++)
		ck_assert_msg(strstr(text, named[i]), "%s isn't in it", named[i]);
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
	{ 2, "word", { "-p", "0", "word" } },
	{ 1, "/nosuch/dir", { "-p", "0", "-d", "/nosuch/dir" } },
	{ 1, "/etc/passwd", { "-p", "0", "-d", "/etc/passwd" } },
	{ 1, "nosuch.invalid", { "-p", "0", "-h", "nosuch.invalid" } },
	{ 1, "192.0.2.1", { "-p", "0", "-h", "192.0.2.1" } },
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
	{ 1, "--user root: that is root", { "-p", "0", "--user", "root" } },
	{ 1, "--user nosuchuser: no such user", { "-p", "0", "--user", "nosuchuser" } },
	{ 2, "0 is out of range, which is 64 to 32K\n", { "--line-max", "0" } },
	{ 2, "which is 64 to 1M\n", { "--header-max", "63" } },
	{ 2, "which is 0 to 1G\n", { "--cache", "2G" } },
	{ 2, "which is 1 to 256\n", { "--workers", "257" } },
	{ 2, "which is 0.000001 to 31536000\n", { "--idle-time", "31536001" } },
	{ 1, "/nosuch/log", { "-p", "0", "--log", "/nosuch/log" } },
	{ 2, "--header", { "-p", "0", "--header", "no colon" } },
	{ 2, "--header", { "-p", "0", "--header", ": no name" } },
	{ 2, "--header", { "-p", "0", "--header", "Bad Name: x" } },
	{ 2, "--header", { "-p", "0", "--header", "X: a\r\nY: b" } },
	{ 2, "--header", { "-p", "0", "--header", "Content-Length: 3" } },
	{ 2, "--header", { "-p", "0", "--header", "" } },
	{ 2, "'/8' is not an address", { "-p", "0", "--forwarded-from", "/8" } },
	{ 2,
	  "'here' is not an address, ADDR/LEN or unix\n",
	  { "-p", "0", "--forwarded-from", "here" } },
	{ 2, "'unix/8' is not an address", { "-p", "0", "--forwarded-from", "unix/8" } },
	{ 2, "'10.0.0/8' is not an address", { "-p", "0", "--forwarded-from", "10.0.0/8" } },
	{ 2, "'[::1]' is not an address", { "-p", "0", "--forwarded-from", "[::1]" } },
	{ 2,
	  "'10.0.0.1/33': the length behind the slash is 0 to 32\n",
	  { "-p", "0", "--forwarded-from", "10.0.0.1/33" } },
	{ 2, "'10.0.0.1/': the length", { "-p", "0", "--forwarded-from", "10.0.0.1/" } },
	{ 2, "'10.0.0.1/-1': the length", { "-p", "0", "--forwarded-from", "10.0.0.1/-1" } },
	{ 2,
	  "'::1/129': the length behind the slash is 0 to 128\n",
	  { "-p", "0", "--forwarded-from", "::1/129" } },
	{ 2,
	  "'::ffff:10.0.0.0/8' is IPv4 and IPv6",
	  { "-p", "0", "--forwarded-from", "::ffff:10.0.0.0/8" } },
	{ 2, "--workers", { "-p", "0", "--workers", "0" } },
	{ 2, "--workers", { "-p", "0", "--workers", "many" } },
	{ 2, "--cache", { "-p", "0", "--cache", "1T" } },
	{ 2, "--cache", { "-p", "0", "--cache", "-1" } },
	{ 2, "--exit-idle-time", { "-p", "0", "--exit-idle-time", "soon" } },
	{ 2, "--exit-idle-time", { "-p", "0", "--exit-idle-time", "1e99" } },
	{ 2, "--line-max", { "-p", "0", "--line-max", "0" } },
	{ 2, "--line-max", { "-p", "0", "--line-max", "1G" } },
	{ 2, "--line-max", { "-p", "0", "--line-max", "0x100" } },
	{ 2, "--header-max", { "-p", "0", "--header-max", "" } },
	{ 2, "--fields-max", { "-p", "0", "--fields-max", "10K" } },
	{ 2, "--body-max", { "-p", "0", "--body-max", "99999999999999999999" } },
	{ 2, "--body-max", { "-p", "0", "--body-max", "18014398509481984K" } },
	{ 2, "--header-time", { "-p", "0", "--header-time", "0" } },
	{ 2, "--header-time", { "-p", "0", "--header-time", "nan" } },
	{ 2, "--idle-time", { "-p", "0", "--idle-time", "-5" } },
	{ 2, "--stall-time", { "-p", "0", "--stall-time", "10 " } },
	{ 2, "--stall-rate", { "-p", "0", "--stall-rate", "1Kb" } },
	{ 2, "--requests-max", { "-p", "0", "--requests-max", "0" } },
	{ 2, "--requests-max", { "-p", "0", "--requests-max", "4294967296" } },
	{ 2, "--connections-max", { "-p", "0", "--connections-max", "0" } },
	{ 2, "--connections-max", { "-p", "0", "--connections-max", "1.5" } },
};

START_TEST(options_that_are_wrong)
{
	const char *args[8] = { "-d", site }, *text;
	int status, n = 2;

	for (int i = 0; i < 4; i++)
		args[n++] = faults[_i].args[i];
	status = run(args);
	text = content("err");
	ck_assert_msg(strstr(text, faults[_i].names), "it says: %s", text);
	ck_assert_msg(strncmp(text, "wwwd: ", 6) == 0, "it says: %s", text);
	ck_assert_msg(count_lines(text) == 1, "it says: %s", text);
	ck_assert_str_eq(content("out"), "");
	if (faults[_i].status)
		ck_assert_int_eq(status, faults[_i].status);
	else
		ck_assert_msg(status == 1 || status == 2, "exit status %d", status);
}
END_TEST

START_TEST(port_in_use_eaddrinuse)
{
	unsigned port;
	int fd = listen_tcp(&port);
	char number[16];

	snprintf(number, sizeof(number), "%u", port);
	ck_assert_int_eq(run(LIST("-d", site, "-p", number)), 1);
	ck_assert_ptr_nonnull(strstr(content("err"), number));
	ck_assert_ptr_nonnull(strstr(content("err"), "in use"));
	ck_assert_int_eq(count_lines(content("err")), 1);
	close(fd);
}
END_TEST

/* One line that names the folder, the user and the error; no server. */
static void refuses_root(const char *dir, const char *user, pid_t pid)
{
	char line[1024];

	snprintf(line, sizeof(line), "wwwd: %s: Permission denied for %s\n", dir, user);
	ck_assert_int_eq(finish(pid), 1);
	ck_assert_str_eq(content("err"), line);
}

START_TEST(dir_without_permission)
{
	const char *dir = in_top("shut/in");
	char user[32];

	snprintf(user, sizeof(user), "uid %u", (unsigned)geteuid());
	ck_assert_int_eq(mkdir(in_top("shut"), 0700), 0);
	ck_assert_int_eq(mkdir(dir, 0755), 0);
	ck_assert_int_eq(chmod(in_top("shut"), 0), 0);
	refuses_root(dir, user, start((struct given){ .args = LIST("-d", dir, "-p", "0") }));
	ck_assert_int_eq(chmod(in_top("shut"), 0700), 0);
}
END_TEST

/*
 * A folder that the user can't search, which root becomes or which it is started by: no server, and
 * no connection either, would have anything but 403 to say.
 */
START_TEST(root_without_permission)
{
	bool one = _i & 1, root = geteuid() == 0;
	int ends[2];
	char user[32] = "--user nobody";

	if (!root)
		snprintf(user, sizeof(user), "uid %u", (unsigned)geteuid());
	ck_assert_int_eq(chmod(site, root ? 0700 : 0600), 0);
	connect_pair(ends);
	refuses_root(site, user,
		     start((struct given){ .in = ends[1],
					   .out = ends[1],
					   .args = one ? LIST("-d", site)
						       : LIST("-d", site, "-p", "0") }));
	close(ends[0]);
	close(ends[1]);
	ck_assert_int_eq(chmod(site, 0755), 0);
}
END_TEST

/* To search it is enough; and root opens what lies in a folder that is shut. */
START_TEST(root_with_permission)
{
	struct server server;

	ck_assert_int_eq(chmod(site, 0311), 0);
	if (geteuid() == 0)
		ck_assert_int_eq(chmod(top, 0700), 0);
	server = serve((struct given){ .args = LIST("--quiet") });
	ck_assert_int_eq(get(server.port, "/ten.txt"), 200);
	ck_assert_int_eq(stop(server.pid), 0);
	ck_assert_int_eq(chmod(site, 0755), 0);
}
END_TEST

/* Only root becomes another user, and nobody is told that it was done who isn't. */
START_TEST(user_without_root)
{
	pid_t pid =
		start((struct given){ .uid = geteuid() ? 0 : 54321,
				      .args = LIST("-d", site, "-p", "0", "--user", "daemon") });

	ck_assert_int_eq(finish(pid), 1);
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
	struct server server = serve((struct given){ .args = LIST(good[_i][0], good[_i][1]) });

	ck_assert_int_eq(get(server.port, "/ten.txt"), 200);
	ck_assert_str_eq(reply.body, "0123456789");
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

/* The user that it is anyway may be named; root becomes that of the option. */
START_TEST(user)
{
	const struct passwd *own = geteuid() ? getpwuid(geteuid()) : getpwnam("nobody");
	struct server server;

	if (!own)
		return; /* a uid without a name */
	server = serve((struct given){ .args = LIST("--user", own->pw_name) });
	ck_assert_int_eq(get(server.port, "/ten.txt"), 200);
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

START_TEST(header_option)
{
	static const char *const targets[] = { "/ten.txt", "/",    "/none",     "/folder",
					       "/folder/", "/%00", "/ten.txt\\" };
	struct server server;

	ck_assert_int_eq(mkdir(in_top("site/folder"), 0755), 0);
	server = serve((struct given){
		.args = LIST("--header", "Cache-Control: max-age=3", "--header", "X-One: 1") });
	for (int i = 0; i < COUNT(targets); i++) {
		ck_assert_int_gt(get(server.port, targets[i]), 0);
		ck_assert_msg(field("X-One") && strcmp(field("X-One"), "1") == 0, "%s: %s",
			      targets[i], reply.bytes);
		ck_assert_ptr_nonnull(field("Cache-Control"));
	}
	ck_assert_int_gt(ask(server.port, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
	ck_assert_ptr_nonnull(field("X-One"));
	ck_assert_int_eq(ask(server.port, "NO\r\n\r\n"), 400);
	ck_assert_ptr_nonnull(field("X-One"));
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

START_TEST(no_listing)
{
	struct server server;

	ck_assert_int_eq(mkdir(in_top("site/folder"), 0755), 0);
	server = serve((struct given){ 0 });
	ck_assert_int_eq(get(server.port, "/folder/"), 200);
	ck_assert_int_eq(stop(server.pid), 0);
	ck_assert_int_eq(unlink(in_top("err")), 0);
	server = serve((struct given){ .args = LIST("--no-listing") });
	ck_assert_int_eq(get(server.port, "/folder/"), 404);
	ck_assert_int_eq(get(server.port, "/"), 200);
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

START_TEST(verbose)
{
	struct server server = serve((struct given){ .args = LIST("--verbose") });

	ck_assert(wait_text("err", "Landlock"));
	ck_assert_ptr_nonnull(strstr(content("err"), "seccomp"));
	ck_assert_ptr_nonnull(strstr(content("err"), "memory for all connections: "));
	ck_assert_int_eq(stop(server.pid), 0);
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
		{ "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", "400 for a % that encodes no byte" },
		{ "GET /.. HTTP/1.1\r\nHost: a\r\n\r\n", "400 for a target above the root" },
		{ "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
		  "400 for an invalid chunk size" },
	};
	struct server server = serve((struct given){ .args = LIST("--verbose") });

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)ask(server.port, rows[i].request);
		ck_assert_msg(wait_text("err", rows[i].reason), "%s", content("err"));
	}
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

/* What --memory says is in force, */
START_TEST(memory)
{
	struct server server =
		serve((struct given){ .args = LIST("--verbose", "--memory", "96M") });

	ck_assert(wait_text("err", "memory for all connections: 96 MiB"));
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

/* and otherwise no more than a quarter of the machine's. */
START_TEST(memory_of_the_machine)
{
	uint64_t machine = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	struct server server = serve((struct given){ .args = LIST("--verbose") });
	const char *said = strstr(content("err"), "memory for all connections: ");

	ck_assert_ptr_nonnull(said);
	ck_assert_uint_ge(strtoull(said + 28, NULL, 10), 4);
	ck_assert_uint_le(strtoull(said + 28, NULL, 10), machine / 4 >> 20);
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

/* What is said without a log goes to a file too, and ends nobody. */
START_TEST(verbose_quiet)
{
	int ends[2];
	pid_t pid;

	connect_pair(ends);
	pid = start((struct given){
		.in = ends[1], .out = ends[1], .args = LIST("-d", site, "--verbose", "--quiet") });
	close(ends[1]);
	say(ends[0], "GET /ten.txt HTTP/1.0\r\n\r\n");
	ck_assert_int_eq(hear_all(ends[0]), 200);
	close(ends[0]);
	ck_assert_int_eq(finish(pid), 0);
	ck_assert_ptr_nonnull(strstr(content("err"), "Landlock"));
}
END_TEST

/* Waits until `pid` has so many children. */
static void wait_children(pid_t pid, pid_t *children, int count)
{
	long long until = now() + START_TIME;
	char path[64];
	FILE *file;
	int n;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	do {
		nap(5);
		file = fopen(path, "re");
		ck_assert_ptr_nonnull(file);
		for (n = 0; n < count && fscanf(file, "%d", &children[n]) == 1; n++)
			;
		fclose(file);
	} while (n < count && now() < until);
	ck_assert_int_eq(n, count);
}

/* More processes than one: they share the port, and one signal to the first ends them all. */
START_TEST(workers)
{
	struct server server = serve((struct given){ .args = LIST("--workers", "3", "--quiet") });
	pid_t children[3];

	wait_children(server.pid, children, 3);
	for (int i = 0; i < 50; i++)
		ck_assert_int_eq(get(server.port, "/ten.txt"), 200);
	ck_assert_int_eq(stop(server.pid), 0);
	ck_assert_int_lt(dial(server.port), 0);
}
END_TEST

/* Each has its share of the connections, however few there are; Linux deals them by a hash. */
START_TEST(workers_share)
{
	struct server server = serve((struct given){ .args = LIST("--workers", "2", "--quiet") });
	pid_t children[2];
	int clients[32];
	int before[2];

	wait_children(server.pid, children, 2);
	for (int i = 0; i < 2; i++)
		before[i] = count_descriptors(children[i]);
	for (size_t i = 0; i < COUNT(clients); i++) {
		clients[i] = dial(server.port);
		say(clients[i], "GET /ten.txt HTTP/1.1\r\nHost: a\r\n\r\n");
		ck_assert_int_eq(hear(clients[i], false), 200);
	}
	for (int i = 0; i < 2; i++)
		ck_assert_int_gt(count_descriptors(children[i]), before[i]);
	for (size_t i = 0; i < COUNT(clients); i++)
		close(clients[i]);
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

/* Who waits for a worker that was killed is served by the next one. */
START_TEST(worker_killed_is_replaced)
{
	struct server server = serve((struct given){ .args = LIST("--workers", "2", "--quiet") });
	pid_t children[2], killed;
	int clients[32];

	wait_children(server.pid, children, 2);
	killed = children[0];
	ck_assert_int_eq(kill(killed, SIGSTOP), 0);
	for (size_t i = 0; i < COUNT(clients); i++) {
		clients[i] = dial(server.port);
		say(clients[i], "GET /ten.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	}
	ck_assert_int_eq(kill(killed, SIGKILL), 0);
	for (size_t i = 0; i < COUNT(clients); i++)
		ck_assert_int_eq(hear_all(clients[i]), 200);
	wait_children(server.pid, children, 2);
	ck_assert(children[0] != killed && children[1] != killed);
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

/* The port of workers is theirs: not even another wwwd may share it. */
START_TEST(workers_port_is_theirs_so_reuseport)
{
	struct server server = serve((struct given){ .args = LIST("--workers", "2", "--quiet") });
	char port[8];
	pid_t second;

	snprintf(port, sizeof(port), "%u", server.port);
	second = start((struct given){
		.args = LIST("-d", site, "-h", "127.0.0.1", "-p", port, "--workers", "2") });
	ck_assert_int_eq(finish(second), 1);
	ck_assert_ptr_nonnull(strstr(content("err"), "in use"));
	ck_assert_int_eq(stop(server.pid), 0);
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
	tcase_add_test(group, header_option);
	tcase_add_test(group, no_listing);
	tcase_add_test(group, verbose);
	tcase_add_test(group, verbose_reasons);
	tcase_add_test(group, memory);
	tcase_add_test(group, memory_of_the_machine);
	tcase_add_test(group, verbose_quiet);
	tcase_add_test(group, workers);
	tcase_add_test(group, workers_share);
	tcase_add_test(group, worker_killed_is_replaced);
	tcase_add_test(group, workers_port_is_theirs_so_reuseport);
	return suite;
}
