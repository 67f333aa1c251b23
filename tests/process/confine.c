/* Confinement, by trying: what intruder.c does in the process, and what the kernel says of it. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "process.h"

enum { NOBODY = 65534, SOMEBODY = 54321 };

/* Who starts it, and what for. */
static const struct way {
	const char *name;
	bool root, many, log;
	bool programs; /* --cgi and --auth are given; */
	bool adopted;  /* the connection has got a process of its own for them */
} ways[] = {
	{ "root's server", true, true, false, false, false },
	{ "root's connection", true, false, false, false, false },
	{ "a user's server", false, true, false, false, false },
	{ "a user's connection", false, false, false, false, false },
	{ "a server with a log", true, true, true, false, false },
	{ "a server with programs", true, true, false, true, false },
	{ "a connection with programs", true, false, false, true, false },
	{ "a server's connection with programs", true, true, false, true, true },
};

/* What each try has to end with; ANYTHING is the kernel's own business there. */
enum { ANYTHING = -1 };

static const struct {
	const char *name;
	int many, one, free; /* confined for many and for one connection, and not confined */
} tries[] = {
	{ "read_passwd", EACCES, EACCES, 0 },
	{ "read_outside", EACCES, EACCES, 0 },
	{ "list_slash", EACCES, EACCES, 0 },
	{ "write_file", EACCES, EACCES, 0 },
	{ "truncate_file", EPERM, EACCES, 0 },
	{ "create_file", EACCES, EACCES, 0 },
	{ "rename_file", EPERM, EACCES, 0 },
	{ "make_link", EPERM, EACCES, 0 },
	{ "make_folder", EPERM, EACCES, 0 },
	{ "write_found_file", EFBIG, EFBIG, 0 },
	{ "remove_file", EPERM, EACCES, 0 },
	{ "read_log", EACCES, EACCES, 0 },
	{ "truncate_log", EACCES, EACCES, 0 },
	{ "write_beside_log", EACCES, EACCES, 0 },
	{ "truncate_beside_log", EACCES, EACCES, 0 },
	{ "create_beside_log", EACCES, EACCES, 0 },
	{ "rename_log", EPERM, EACCES, 0 },
	{ "remove_beside_log", EPERM, EACCES, 0 },
	{ "make_tcp_socket", EPERM, ANYTHING, 0 },
	{ "connect_tcp", EPERM, EACCES, 0 },
	{ "bind_tcp", EPERM, EACCES, 0 },
	{ "connect_abstract", EPERM, EPERM, 0 },
	{ "make_unix_socket", EPERM, ANYTHING, 0 },
	{ "send_datagram", EPERM, ANYTHING, 0 },
	{ "send_message", EPERM, ANYTHING, 0 },
	{ "map_memory", 0, 0, 0 },
	{ "map_code", EPERM, ANYTHING, 0 },
	{ "map_all", EPERM, ANYTHING, 0 },
	{ "make_code", EPERM, ANYTHING, 0 },
	{ "trace_parent", EPERM, EPERM, ANYTHING }, /* Yama may have a say */
	{ "signal_parent", EPERM, EPERM, 0 },
	{ "make_process", EPERM, ANYTHING, 0 },
	{ "become_root", EPERM, EPERM, ANYTHING }, /* root may */
	{ "execute", EPERM, EACCES, ANYTHING },    /* and then there is no line of it */
};

/* What wwwd(8) says that --log allows: a new log below its folder, and so any new file, and writing. */
static const char *const allowed_by_log[] = { "write_found_file", "write_beside_log",
					      "create_beside_log" };

static int wanted_of(const struct way *way, int number)
{
	for (size_t i = 0; way->log && i < COUNT(allowed_by_log); i++)
		if (strcmp(tries[number].name, allowed_by_log[i]) == 0)
			return 0;
	/* its parent is the broker, which before ABI 6 of Landlock it may end */
	if (way->adopted && strcmp(tries[number].name, "signal_parent") == 0)
		return ANYTHING;
	return way->many && !way->adopted ? tries[number].many : tries[number].one;
}

enum { TRIES = COUNT(tries) };

static char intruder[4096];

/* Everybody may do everything in the folder: it isn't the files' modes that we test. */
static void open_site(void)
{
	static const struct {
		const char *name, *text;
	} files[] = { { "site/file", "content" },
		      { "logs/log", "" },
		      { "logs/folder/file", "content" },
		      { "err", "" } };

	set_mode("site", 0777);
	put_open_folder("logs");
	put_open_folder("logs/folder");
	put_open_folder("work");
	for (int i = 0; i < COUNT(files); i++) {
		put(files[i].name, files[i].text);
		set_mode(files[i].name, 0666);
	}
	put("outside", "not below the root");
	put("users", "");
	put_folder("site/programs");
	put_program(
		"site/programs/program",
		"#!/bin/sh\nprintf 'Content-Type: text/plain\\nContent-Length: 5\\n\\nhello'\n");
}

/* What the intruder tries to connect to, and where it sends a datagram, as to syslog; the port. */
static unsigned listen_for_intruder(void)
{
	unsigned port;

	listen_tcp(&port);
	ck_assert_int_eq(listen(bind_path(SOCK_STREAM, format("@%s", top)), 8), 0);
	bind_path(SOCK_DGRAM, in_top("daemon"));
	return port;
}

static int error_of(const char *text, const char *name)
{
	const char *line = strstr(text, format("%s ", name));

	return line ? (int)strtol(line + strlen(name), NULL, 10) : ANYTHING;
}

static const char *const *options_of(const struct way *way, unsigned port)
{
	static const char *args[16];
	int n = 0;

	if (way->many) {
		args[n++] = "-d";
		args[n++] = site;
		args[n++] = "-p";
		args[n++] = format("%u", port);
	}
	if (way->log) {
		args[n++] = "--log";
		args[n++] = in_top("logs/log");
	}
	if (way->programs) {
		args[n++] = "--cgi";
		args[n++] = "/programs/";
		args[n++] = "--auth";
		args[n++] = format("/private=%s", in_top("users"));
	}
	args[n] = NULL;
	return args;
}

/* A wwwd with or without the intruder, that has done its confinement, and a connection to it. */
static pid_t start_way(const struct way *way, const char *const *env, int *fd)
{
	unsigned port = free_port();
	struct given given = { .env = env,
			       .dir = in_top("work"),
			       .uid = way->root || geteuid() ? 0 : SOMEBODY,
			       .args = options_of(way, port) };
	int error[2];
	pid_t pid;

	/* a pipe, as systemd gives it: to a file it would have to be allowed to write */
	ck_assert_int_eq(pipe2(error, O_CLOEXEC), 0);
	given.err = error[1];
	if (way->many) {
		pid = start(given);
		*fd = dial_soon(port);
	} else {
		pid = serve_one(fd, given);
	}
	/* from here on the connection has a process of its own */
	if (way->adopted)
		ck_assert_int_eq(ask_on(*fd, GET_OF("/programs/program")), 200);
	close(error[1]);
	return pid;
}

START_TEST(landlock_and_seccomp_stop_an_intruder)
{
	const struct way *way = &ways[_i];
	unsigned port;
	int fd;
	pid_t pid;

	(void)own_network(); /* where we may, so that nobody else takes a port */
	port = listen_for_intruder();
	open_site();
	/* by a path of ours: of one with a space in it the loader makes two */
	ck_assert_int_eq(symlink(intruder, in_top("intruder.so")), 0);
	pid = start_way(way,
			LIST(format("LD_PRELOAD=%s", in_top("intruder.so")),
			     format("INTRUDER_TOP=%s", top), format("INTRUDER_PORT=%u", port)),
			&fd);
	say(fd, GET_OF("/intrude"));
	hear_all(fd);
	close(fd);
	for (int i = 0; i < TRIES; i++) {
		int error = error_of(reply.bytes, tries[i].name);
		int want = wanted_of(way, i);

		ck_assert_msg(error != ANYTHING, "%s: no %s in: %s", way->name, tries[i].name,
			      reply.bytes);
		ck_assert_msg(error == want || want == ANYTHING, "%s, %s: %s", way->name,
			      tries[i].name, error ? strerror(error) : "it succeeded");
	}
	if (!way->log)
		ck_assert_str_eq(content("site/file"), "content");
	ck_assert_int_lt(access(in_top("site/other"), F_OK), 0);
	if (way->many)
		stop(pid);
	else
		finish(pid);
}
END_TEST

/* The same tries where nothing is confined succeed: they are real ones. */
START_TEST(intruder_succeeds_unconfined)
{
	int out[2];
	pid_t pid;

	open_site();
	setenv("INTRUDER_TOP", top, 1);
	setenv("INTRUDER_PORT", format("%u", listen_for_intruder()), 1);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		void *library = dlopen(intruder, RTLD_NOW);
		void *symbol = library ? dlsym(library, "intrude") : NULL;
		void (*intrude)(int fd);

		memcpy(&intrude, &symbol, sizeof(intrude));
		if (intrude)
			intrude(out[1]);
		_exit(1);
	}
	close(out[1]);
	hear_all(out[0]);
	ck_assert_int_eq(finish(pid), 0); /* of /bin/true */
	for (int i = 0; i < TRIES - 1; i++) {
		int error = error_of(reply.bytes, tries[i].name);

		ck_assert_msg(strstr(reply.bytes, tries[i].name), "no %s", tries[i].name);
		ck_assert_msg(error == tries[i].free || tries[i].free == ANYTHING, "%s: %s",
			      tries[i].name, strerror(error));
	}
}
END_TEST

/* ---- what the kernel says ---- */

static const char *proc_text(pid_t pid, const char *name)
{
	static char text[8192];
	FILE *file = open_proc(pid, name);

	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	return text;
}

static void assert_line(const char *text, const char *line)
{
	ck_assert_msg(strstr(text, line), "'%s' isn't in:\n%s", line, text);
}

static void assert_nobody(const char *status, unsigned uid)
{
	static const char *const sets[] = { "CapInh", "CapPrm", "CapEff", "CapAmb" };

	assert_line(status, format("\nUid:\t%u\t%u\t%u\t%u\n", uid, uid, uid, uid));
	for (int i = 0; i < COUNT(sets); i++)
		assert_line(status, format("\n%s:\t0000000000000000\n", sets[i]));
}

START_TEST(no_new_privs_capabilities_and_seccomp_are_set)
{
	const struct way *way = &ways[_i];
	const char *status, *limits;
	int fd;
	pid_t pid;

	(void)own_network();
	open_site();
	if (way->root)
		ck_assert_int_eq(setgroups(2, (gid_t[]){ 4, 24 }), 0);
	pid = start_way(way, NULL, &fd);
	ck_assert_int_eq(ask_on(fd, GET_TEN), 200);

	status = proc_text(pid, "status");
	assert_line(status, "\nNoNewPrivs:\t1\n");
	assert_line(status, way->many ? "\nSeccomp:\t2\n" : "\nSeccomp:\t0\n");
	assert_nobody(status, way->root ? NOBODY : geteuid() ? geteuid() : SOMEBODY);
	if (way->root) {
		assert_line(status, "\nGid:\t65534\t65534\t65534\t65534\n");
		assert_line(status, "\nGroups:\t \n");
	}
	limits = proc_text(pid, "limits");
	if (way->many)
		assert_line(limits, "\nMax core file size        0                    0 ");
	assert_line(limits, "\nMax file size             0                    0 ");
}
END_TEST

/* ---- a core file ---- */

/* Where core files go, if that depends on the process: asked of one that is not confined. */
static bool cores_go_there(void)
{
	struct given given = { .dir = in_top("work"),
			       .program = "/bin/sleep",
			       .args = LIST("60"),
			       .uid = geteuid() ? 0 : SOMEBODY };
	pid_t pid = start(given);
	bool one;

	nap(100); /* it is a program of its own by then */
	kill(pid, SIGSEGV);
	ck_assert_int_eq(finish(pid), 128 + SIGSEGV);
	one = count_entries(in_top("work")) == 1;
	ck_assert_int_eq(system(format("rm -f %s/*", in_top("work"))), 0);
	return one;
}

START_TEST(no_core_file)
{
	const struct way *way = &ways[_i];
	struct rlimit limit;
	int fd;
	pid_t pid;

	open_site();
	ck_assert_int_eq(getrlimit(RLIMIT_CORE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_CORE, &limit), 0);
	if (!cores_go_there()) {
		printf("no program makes a core file here\n");
		return;
	}
	pid = start_way(way, NULL, &fd);
	ck_assert_int_eq(ask_on(fd, GET_TEN), 200);
	kill(pid, SIGSEGV);
	ck_assert_int_eq(finish(pid), 128 + SIGSEGV);
	ck_assert_int_eq(count_entries(in_top("work")), 0);
}
END_TEST

/* ---- root's way down ---- */

START_TEST(root_becomes_user)
{
	struct server server = serve(GIVEN("--user", "daemon"));

	ck_assert_int_eq(get(server.port, "/ten.txt"), 200);
	assert_nobody(proc_text(server.pid, "status"), 1);
	assert_line(proc_text(server.pid, "status"), "\nGid:\t1\t1\t1\t1\n");
}
END_TEST

/* A file that only root may read is sent to no client. */
START_TEST(root_only_file_is_403)
{
	struct server server = serve((struct given){ 0 });

	put("site/shadow", "secret");
	set_mode("site/shadow", 0600);
	ck_assert_int_eq(get(server.port, "/shadow"), 403);
}
END_TEST

/* Root who can't become anybody else doesn't serve. */
START_TEST(root_that_cannot_setuid_does_not_serve)
{
	static const int needed[] = { CAP_SETUID, CAP_SETGID };
	int fd;
	pid_t pid;

	ck_assert_int_eq(prctl(PR_CAPBSET_DROP, needed[_i], 0, 0, 0), 0);
	pid = serve_one(&fd, (struct given){ 0 });
	say(fd, GET_TEN);
	hear_all(fd);
	ck_assert_uint_eq(reply.size, 0);
	close(fd);
	ck_assert_int_eq(finish(pid), 1);
	ck_assert_ptr_nonnull(strstr(content("err"), "wwwd: --user nobody: "));
}
END_TEST

static const char *why_not(const struct way *way)
{
	if (way->root && geteuid() != 0)
		return "needs root";
	if (!way->root && geteuid() == 0 && !(others_reach(wwwd) && others_reach(intruder)))
		return "this directory is shut to other users";
	return NULL;
}

Suite *confine_suite(void)
{
	Suite *suite = suite_create("confinement");
	TCase *group = test_case(suite, "tries", 15);
	const char *library = getenv("INTRUDER") ? getenv("INTRUDER") : "build/tests/intruder.so";

	if (!realpath(library, intruder)) {
		perror(library);
		exit(1);
	}
	tcase_add_test(group, intruder_succeeds_unconfined);
	for (int i = 0; i < COUNT(ways); i++) {
		const char *reason = why_not(&ways[i]);

		if (reason) {
			skip(ways[i].name, reason);
			continue;
		}
		if (sanitized())
			skip(ways[i].name, "a sanitizer needs what is forbidden");
		else
			tcase_add_loop_test(group, landlock_and_seccomp_stop_an_intruder, i, i + 1);
		if (ways[i].log)
			continue;
		tcase_add_loop_test(group, no_new_privs_capabilities_and_seccomp_are_set, i, i + 1);
		if (!sanitized())
			tcase_add_loop_test(group, no_core_file, i, i + 1);
	}
	group = test_case(suite, "root's way down", 15);
	if (geteuid() != 0) {
		skip("root's way down", "needs root");
		return suite;
	}
	tcase_add_test(group, root_becomes_user);
	tcase_add_test(group, root_only_file_is_403);
	tcase_add_loop_test(group, root_that_cannot_setuid_does_not_serve, 0, 2);
	return suite;
}
