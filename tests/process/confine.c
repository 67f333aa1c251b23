/* Confinement, by trying: what intruder.c does in the process, and what the kernel says of it. */
#include <dirent.h>
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
#include <sys/stat.h>
#include <sys/un.h>
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
	for (size_t i = 0; way->log && i < sizeof(allowed_by_log) / sizeof(allowed_by_log[0]); i++)
		if (strcmp(tries[number].name, allowed_by_log[i]) == 0)
			return 0;
	/* its parent is the broker, which before ABI 6 of Landlock it may end */
	if (way->adopted && strcmp(tries[number].name, "signal_parent") == 0)
		return ANYTHING;
	return way->many && !way->adopted ? tries[number].many : tries[number].one;
}

enum { TRIES = sizeof(tries) / sizeof(tries[0]) };

static char intruder[4096];

/* Everybody may do everything in the folder: it isn't the files' modes that we test. */
static void open_site(void)
{
	put("outside", "not below the root");
	put("site/file", "content");
	ck_assert_int_eq(chmod(in_top("site/file"), 0666), 0);
	ck_assert_int_eq(chmod(site, 0777), 0);
	for (int i = 0; i < 2; i++) {
		const char *folder = i ? "logs/folder" : "logs";

		ck_assert_int_eq(mkdir(in_top(folder), 0777), 0);
		ck_assert_int_eq(chmod(in_top(folder), 0777), 0);
	}
	put("users", "");
	ck_assert_int_eq(mkdir(in_top("site/programs"), 0755), 0);
	put("site/programs/program",
	    "#!/bin/sh\nprintf 'Content-Type: text/plain\\nContent-Length: "
	    "5\\n\\nhello'\n");
	ck_assert_int_eq(chmod(in_top("site/programs/program"), 0755), 0);
	put("logs/log", "");
	put("logs/folder/file", "content");
	ck_assert_int_eq(chmod(in_top("logs/log"), 0666), 0);
	ck_assert_int_eq(chmod(in_top("logs/folder/file"), 0666), 0);
	put("err", "");
	ck_assert_int_eq(chmod(in_top("err"), 0666), 0);
	ck_assert_int_eq(mkdir(in_top("work"), 0777), 0);
	ck_assert_int_eq(chmod(in_top("work"), 0777), 0);
}

static int listen_abstract(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int n = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "%s", top);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)),
			 0);
	ck_assert_int_eq(listen(fd, 8), 0);
	return fd;
}

/* Where a datagram can be sent to, as to syslog. */
static int listen_daemon(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", in_top("daemon"));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(chmod(in_top("daemon"), 0666), 0);
	return fd;
}

static int error_of(const char *text, const char *name)
{
	char start[64];
	const char *line;

	snprintf(start, sizeof(start), "%s ", name);
	line = strstr(text, start);
	return line ? (int)strtol(line + strlen(start), NULL, 10) : ANYTHING;
}

/* Options for the way behind those in args[]. */
static void add_options(const struct way *way, const char *args[], int count)
{
	static char guard[4200];
	const char *const programs[] = { "--cgi", "/programs/", "--auth", guard };

	snprintf(guard, sizeof(guard), "/private=%s", in_top("users"));
	for (int i = 0; way->log && i < 2; i++)
		args[count++] = i ? in_top("logs/log") : "--log";
	for (int i = 0; way->programs && i < 4; i++)
		args[count++] = programs[i];
}

/* From here on the connection has a process of its own. */
static void have_adopted(int fd)
{
	say(fd, "GET /programs/program HTTP/1.1\r\nHost: a\r\n\r\n");
	ck_assert_int_eq(hear(fd, false), 200);
	ck_assert_str_eq(reply.body, "hello");
}

/* A wwwd with or without the intruder, that has done its confinement, and a connection to it. */
static pid_t start_way(const struct way *way, const char *const *env, int *fd)
{
	struct given given = { .env = env,
			       .dir = in_top("work"),
			       .uid = way->root || geteuid() ? 0 : SOMEBODY };
	const char *args[16] = { "-d", site };
	int ends[2], error[2];
	pid_t pid;

	/* a pipe, as systemd gives it: to a file it would have to be allowed to write */
	ck_assert_int_eq(pipe2(error, O_CLOEXEC), 0);
	if (way->many) {
		unsigned port = free_port();
		char number[16];

		snprintf(number, sizeof(number), "%u", port);
		given.err = error[1];
		args[2] = "-p";
		args[3] = number;
		add_options(way, args, 4);
		given.args = args;
		pid = start(given);
		*fd = -1;
		for (long long end = now() + START_TIME; *fd < 0 && now() < end; nap(5))
			*fd = dial(port);
		ck_assert_int_ge(*fd, 0);
	} else {
		connect_pair(ends);
		given.in = given.out = ends[1];
		given.err = error[1];
		add_options(way, args, 2);
		given.args = args;
		pid = start(given);
		close(ends[1]);
		*fd = ends[0];
	}
	if (way->adopted)
		have_adopted(*fd);
	close(error[1]);
	return pid;
}

START_TEST(landlock_and_seccomp_stop_an_intruder)
{
	const struct way *way = &ways[_i];
	char preload[4200], place[300], number[64];
	int listener, abstract, daemon, fd;
	unsigned port;
	pid_t pid;

	(void)own_network(); /* where we may, so that nobody else takes a port */
	listener = listen_tcp(&port);
	abstract = listen_abstract();
	daemon = listen_daemon();
	open_site();
	/* by a path of ours: of one with a space in it the loader makes two */
	ck_assert_int_eq(symlink(intruder, in_top("intruder.so")), 0);
	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", in_top("intruder.so"));
	snprintf(place, sizeof(place), "INTRUDER_TOP=%s", top);
	snprintf(number, sizeof(number), "INTRUDER_PORT=%u", port);
	pid = start_way(way, LIST(preload, place, number), &fd);
	say(fd, "GET /intrude HTTP/1.1\r\nHost: a\r\n\r\n");
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
	close(listener);
	close(abstract);
	close(daemon);
}
END_TEST

/* The same tries where nothing is confined succeed: they are real ones. */
START_TEST(intruder_succeeds_unconfined)
{
	unsigned port;
	int listener = listen_tcp(&port), abstract = listen_abstract(), daemon = listen_daemon();
	int out[2];
	char number[16];
	pid_t pid;

	open_site();
	snprintf(number, sizeof(number), "%u", port);
	setenv("INTRUDER_TOP", top, 1);
	setenv("INTRUDER_PORT", number, 1);
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
	close(out[0]);
	ck_assert_int_eq(finish(pid), 0); /* of /bin/true */
	for (int i = 0; i < TRIES - 1; i++) {
		int error = error_of(reply.bytes, tries[i].name);

		ck_assert_msg(strstr(reply.bytes, tries[i].name), "no %s", tries[i].name);
		ck_assert_msg(error == tries[i].free || tries[i].free == ANYTHING, "%s: %s",
			      tries[i].name, strerror(error));
	}
	close(listener);
	close(abstract);
	close(daemon);
}
END_TEST

/* ---- what the kernel says ---- */

static const char *proc_text(pid_t pid, const char *name)
{
	static char text[8192];
	char path[64];
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void assert_line(const char *text, const char *line)
{
	ck_assert_msg(strstr(text, line), "'%s' isn't in:\n%s", line, text);
}

static void assert_nobody(const char *status, unsigned uid)
{
	static const char *const sets[] = { "CapInh", "CapPrm", "CapEff", "CapAmb" };
	char line[128];

	snprintf(line, sizeof(line), "\nUid:\t%u\t%u\t%u\t%u\n", uid, uid, uid, uid);
	assert_line(status, line);
	for (int i = 0; i < 4; i++) {
		snprintf(line, sizeof(line), "\n%s:\t0000000000000000\n", sets[i]);
		assert_line(status, line);
	}
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
	say(fd, "GET /ten.txt HTTP/1.1\r\nHost: a\r\n\r\n");
	ck_assert_int_eq(hear(fd, false), 200);

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
	close(fd);
	if (way->many)
		stop(pid);
	else
		ck_assert_int_eq(finish(pid), 0);
}
END_TEST

/* ---- a core file ---- */

/* How many files there are where core files go, if they go where a process is. */
static int count_cores(void)
{
	DIR *work = opendir(in_top("work"));
	int count = 0;

	ck_assert_ptr_nonnull(work);
	while (readdir(work))
		count++;
	closedir(work);
	return count - 2; /* . and .. */
}

/* Of a program that nobody has confined there would be one. */
static bool cores_go_there(void)
{
	struct given given = { .dir = in_top("work"),
			       .program = "/bin/sleep",
			       .args = LIST("60"),
			       .uid = geteuid() ? 0 : SOMEBODY };
	pid_t pid = start(given);
	char remove[4200];
	bool one;

	snprintf(remove, sizeof(remove), "rm -f %s/*", in_top("work"));
	nap(100); /* it is a program of its own by then */
	kill(pid, SIGSEGV);
	ck_assert_int_eq(finish(pid), 128 + SIGSEGV);
	one = count_cores() == 1;
	ck_assert_int_eq(system(remove), 0);
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
		printf("no core file is made here, whoever dies\n");
		return;
	}
	pid = start_way(way, NULL, &fd);
	say(fd, "GET /ten.txt HTTP/1.1\r\nHost: a\r\n\r\n");
	ck_assert_int_eq(hear(fd, false), 200);
	kill(pid, SIGSEGV);
	ck_assert_int_eq(finish(pid), 128 + SIGSEGV);
	close(fd);
	ck_assert_int_eq(count_cores(), 0);
}
END_TEST

/* ---- root's way down ---- */

START_TEST(root_becomes_user)
{
	struct server server = serve((struct given){ .args = LIST("--user", "daemon") });

	ck_assert_int_eq(get(server.port, "/ten.txt"), 200);
	assert_nobody(proc_text(server.pid, "status"), 1);
	assert_line(proc_text(server.pid, "status"), "\nGid:\t1\t1\t1\t1\n");
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

/* Whom nobody knows, and whom it may not be. */
START_TEST(user_that_is_none)
{
	const char *user = _i ? "root" : "nosuchuser", *text;

	ck_assert_int_eq(finish(start((struct given){
				 .args = LIST("-d", site, "-p", "0", "--user", user) })),
			 1);
	text = content("err");
	ck_assert_ptr_nonnull(strstr(text, user));
	ck_assert_msg(strchr(text, '\n') == text + strlen(text) - 1, "it says: %s", text);
}
END_TEST

/* What only root may read, nobody gets. */
START_TEST(root_only_file_is_403)
{
	struct server server = serve((struct given){ 0 });

	put("site/shadow", "secret");
	ck_assert_int_eq(chmod(in_top("site/shadow"), 0600), 0);
	ck_assert_int_eq(get(server.port, "/shadow"), 403);
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

/* Root who can't become anybody else doesn't serve. */
START_TEST(root_that_cannot_setuid_does_not_serve)
{
	static const int needed[] = { CAP_SETUID, CAP_SETGID };
	int ends[2];
	pid_t pid;

	ck_assert_int_eq(prctl(PR_CAPBSET_DROP, needed[_i], 0, 0, 0), 0);
	connect_pair(ends);
	pid = start((struct given){ .in = ends[1], .out = ends[1], .args = LIST("-d", site) });
	close(ends[1]);
	say(ends[0], "GET /ten.txt HTTP/1.1\r\nHost: a\r\n\r\n");
	hear_all(ends[0]);
	ck_assert_uint_eq(reply.size, 0);
	close(ends[0]);
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
	for (int i = 0; i < (int)(sizeof(ways) / sizeof(ways[0])); i++) {
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
	tcase_add_loop_test(group, user_that_is_none, 0, 2);
	tcase_add_test(group, root_only_file_is_403);
	tcase_add_loop_test(group, root_that_cannot_setuid_does_not_serve, 0, 2);
	return suite;
}
