/* The process suite's kit: directories, programs, conversations. */
#include <arpa/inet.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../wire/response.h"
#include "process.h"

enum { PATH_ROOM = TOP_ROOM, CHILDREN = 64, DESCRIPTORS = 1024, ARGS_ROOM = 64 };

char top[PATH_ROOM], site[PATH_ROOM + 8];
static char place[PATH_ROOM - 8];
const char *wwwd, *builds[2];
int build_count;
struct reply reply;

static struct child {
	pid_t pid;
	bool alone; /* it ends when its client has gone */
} children[CHILDREN];

/* ---- directories ---- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

void remove_all(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void find_builds(void)
{
	static char program[PATH_MAX], static_program[PATH_MAX];

	/* each test starts it in some other directory */
	if (!realpath(getenv("WWWD") ? getenv("WWWD") : "wwwd", program))
		err(1, "wwwd");
	wwwd = builds[build_count++] = program;
	if (realpath("wwwd-static", static_program))
		builds[build_count++] = static_program;
}

void make_place(void)
{
	/* in memory, if it may be: a hundred thousand files are made and removed there */
	const char *memory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

	snprintf(place, sizeof(place), "%s/process.XXXXXX",
		 getenv("TMPDIR") ? getenv("TMPDIR") : memory);
	if (!mkdtemp(place) || chmod(place, 0711))
		err(1, "%s", place);
}

void remove_place(void)
{
	remove_all(place);
}

void make_top(void)
{
	snprintf(top, sizeof(top), "%s/XXXXXX", place);
	if (!mkdtemp(top))
		err(1, "%s", top);
	snprintf(site, sizeof(site), "%s/site", top);
	/* whom root becomes has to get to the log and to sockets */
	if (chmod(top, 0711) || mkdir(site, 0755))
		err(1, "%s", site);
	put("site/index.html", "<title>index</title>\n");
	put("site/ten.txt", "0123456789");
	put_sparse("site/big.bin", BIG);
	signal(SIGPIPE, SIG_IGN);
}

void end_children(void)
{
	for (size_t i = 0; i < CHILDREN; i++)
		if (children[i].pid) {
			kill(children[i].pid, SIGKILL);
			waitpid(children[i].pid, NULL, 0);
			children[i].pid = 0;
		}
}

static void hang_up(void)
{
	struct sockaddr_storage peer;

	for (int fd = 3; fd < DESCRIPTORS; fd++) {
		socklen_t size = sizeof(peer);

		if (getpeername(fd, (struct sockaddr *)&peer, &size) == 0)
			close(fd);
	}
}

void end_test(void)
{
	hang_up();
	for (size_t i = 0; i < CHILDREN; i++) {
		struct child child = children[i];

		if (child.pid)
			ck_assert_msg((child.alone ? finish(child.pid) : stop(child.pid)) == 0,
				      "its exit status isn't 0: %s", content("err"));
	}
	remove_all(top);
}

char *format(const char *form, ...)
{
	va_list args;
	char *text;

	va_start(args, form);
	if (vasprintf(&text, form, args) < 0)
		err(1, "%s", form);
	va_end(args);
	return text;
}

const char *in_top(const char *name)
{
	return format("%s/%s", top, name);
}

void set_mode(const char *name, mode_t mode)
{
	ck_assert_int_eq(chmod(in_top(name), mode), 0);
}

void put_folder(const char *name)
{
	ck_assert_int_eq(mkdir(in_top(name), 0755), 0);
}

void put_open_folder(const char *name)
{
	put_folder(name);
	set_mode(name, 0777);
}

void put_program(const char *name, const char *text)
{
	put(name, text);
	set_mode(name, 0755);
}

void put(const char *name, const char *text)
{
	int fd = open(in_top(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	ck_assert_msg(fd >= 0, "%s: %s", name, strerror(errno));
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

void put_sparse(const char *name, off_t size)
{
	put(name, "");
	ck_assert_int_eq(truncate(in_top(name), size), 0);
}

void put_names(const char *folder, int digits, int count)
{
	int fd;

	put_folder(folder);
	fd = open(in_top(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < count; i++)
		ck_assert_int_eq(mknodat(fd, format("%0*d", digits, i), S_IFREG | 0644, 0), 0);
	close(fd);
}

const char *content(const char *name)
{
	static char *text;
	int fd = open(in_top(name), O_RDONLY | O_CLOEXEC);
	struct stat st = { 0 };
	ssize_t size;

	free(text);
	fstat(fd, &st);
	text = malloc((size_t)st.st_size + 1);
	ck_assert_ptr_nonnull(text);
	size = read(fd, text, (size_t)st.st_size);
	text[size > 0 ? size : 0] = '\0';
	close(fd);
	return text;
}

/* ---- time ---- */

long long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

void nap(int ms)
{
	poll(NULL, 0, ms);
}

/* ---- programs ---- */

static int open_for(int fd, const char *path, int flags)
{
	if (fd == MISSING)
		return MISSING;
	return fd > 0 ? fd : open(path, flags, 0644);
}

/* The descriptors of `from` become those from `base` on; all of them are moved out of the way first. */
static void give(int base, const int *from, int count)
{
	int kept[16];

	for (int i = 0; i < count; i++)
		kept[i] = from[i] == MISSING ? MISSING : fcntl(from[i], F_DUPFD_CLOEXEC, 100);
	for (int i = 0; i < count; i++)
		if (kept[i] == MISSING)
			close(base + i);
		else
			dup2(kept[i], base + i);
}

static void pass_on(const int *passed)
{
	int count = 0;

	while (passed[count] >= 0)
		count++;
	give(3, passed, count);
	setenv("LISTEN_FDS", format("%d", count), 1);
	setenv("LISTEN_PID", format("%d", (int)getpid()), 1);
}

/*
 * From here on the kernel knows no openat2(2), and files must be found in another way; or what
 * becomes the parent of orphans, as the broker does, is killed.
 */
static void filter_calls(bool broker)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, broker ? SYS_prctl : SYS_openat2, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PR_SET_CHILD_SUBREAPER, 0, broker),
		BPF_STMT(BPF_RET | BPF_K,
			 broker ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]), .filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		_exit(126);
}

__attribute__((noreturn)) static void become(const struct given *given, pid_t parent)
{
	const char *args[ARGS_ROOM + 1] = { given->program ? given->program : wwwd };
	const struct rlimit files = { given->files, given->files };
	const struct rlimit file_size = { given->file_size, given->file_size };
	int std[3] = { open_for(given->in, "/dev/null", O_RDWR),
		       open_for(given->out, "/dev/null", O_RDWR),
		       open_for(given->err, in_top("err"), O_WRONLY | O_CREAT | O_APPEND) };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	if (given->terminal) {
		setsid();
		ioctl(std[0], TIOCSCTTY, 0);
	}
	give(0, std, 3);
	close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_PID");
	unsetenv("NOTIFY_SOCKET");
	unsetenv("JOURNAL_STREAM");
	if (given->passed)
		pass_on(given->passed);
	for (size_t i = 0; given->env && given->env[i]; i++)
		putenv((char *)(uintptr_t)given->env[i]);
	for (size_t i = 0; given->args && given->args[i]; i++)
		args[i + 1] = given->args[i];
	signal(SIGPIPE, SIG_DFL);
	if (chdir(given->dir ? given->dir : "/") || (given->uid && setuid(given->uid)) ||
	    (given->files && setrlimit(RLIMIT_NOFILE, &files)) ||
	    (given->file_size && setrlimit(RLIMIT_FSIZE, &file_size)))
		_exit(126);
	if (given->without_openat2 || given->without_broker)
		filter_calls(given->without_broker);
	execv(args[0], (char *const *)(uintptr_t)args);
	_exit(127);
}

pid_t start(struct given given)
{
	pid_t parent = getpid(), pid = fork();
	size_t i = 0;

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		become(&given, parent);
	while (children[i].pid)
		ck_assert_uint_lt(++i, CHILDREN);
	children[i] = (struct child){ .pid = pid };
	return pid;
}

int finish(pid_t pid)
{
	long long end = now() + END_TIME;
	int status = 0, pause = 0;

	for (size_t i = 0; i < CHILDREN; i++)
		if (children[i].pid == pid)
			children[i].pid = 0;
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (now() > end) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return -1;
		}
		nap(pause);
		pause = pause < 10 ? pause + 1 : 10;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int stop(pid_t pid)
{
	kill(pid, SIGTERM);
	return finish(pid);
}

bool wait_text(const char *name, const char *text)
{
	WAIT_WHILE(!strstr(content(name), text), START_TIME);
	return strstr(content(name), text);
}

unsigned wait_port(pid_t pid)
{
	for (long long end = now() + START_TIME; now() < end; nap(2)) {
		const char *text = content("err"), *url = strstr(text, "http://");

		if (url && strchr(url, '\n')) {
			url += 7;
			url = *url == '[' ? strstr(url, "]:") + 1 : strchr(url, ':');
			return (unsigned)strtoul(url + 1, NULL, 10);
		}
		if (kill(pid, 0) != 0)
			break;
	}
	return 0;
}

/* These arguments, of which there are so many, and then the options. */
static const char *const *behind(const char **args, size_t count, const char *const *options)
{
	for (; options && *options; options++) {
		ck_assert_uint_lt(count, ARGS_ROOM - 1);
		args[count++] = *options;
	}
	return args;
}

struct server serve(struct given given)
{
	const char *args[ARGS_ROOM] = { "-d", site, "-h", "127.0.0.1", "-p", "0" };
	struct server server;

	given.args = behind(args, 6, given.args);
	server.pid = start(given);
	server.port = wait_port(server.pid);
	ck_assert_msg(server.port, "it doesn't start: %s", content("err"));
	return server;
}

pid_t serve_on(int ends[2], struct given given)
{
	const char *args[ARGS_ROOM] = { "-d", site };
	pid_t pid;

	given.in = given.out = ends[1];
	given.args = behind(args, 2, given.args);
	pid = start(given);
	close(ends[1]);
	for (size_t i = 0; i < CHILDREN; i++)
		if (children[i].pid == pid)
			children[i].alone = true;
	return pid;
}

pid_t serve_one(int *fd, struct given given)
{
	int ends[2];

	connect_pair(ends);
	*fd = ends[0];
	return serve_on(ends, given);
}

pid_t serve_either(bool one, int *fd, struct given given)
{
	struct server server;

	if (one)
		return serve_one(fd, given);
	server = serve(given);
	*fd = dial(server.port);
	return server.pid;
}

/* ---- sockets ---- */

static struct sockaddr_in loopback(unsigned port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons((uint16_t)port),
				     .sin_addr = { htonl(INADDR_LOOPBACK) } };
}

int listen_tcp(unsigned *port)
{
	struct sockaddr_in address = loopback(0);
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, size), 0);
	ck_assert_int_eq(listen(fd, 64), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	*port = ntohs(address.sin_port);
	return fd;
}

unsigned free_port(void)
{
	unsigned port;

	close(listen_tcp(&port));
	return port;
}

static int patient(int fd)
{
	const struct timeval patience = { .tv_sec = REPLY_TIME / 1000 };
	const int one = 1;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

static int dial_as(const char *source, unsigned port, int buffer)
{
	struct sockaddr_in address = loopback(port), own = loopback(0);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (buffer)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
	if (source) {
		inet_pton(AF_INET, source, &own.sin_addr);
		ck_assert_int_eq(bind(fd, (struct sockaddr *)&own, sizeof(own)), 0);
	}
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		close(fd);
		return -1;
	}
	return patient(fd);
}

int dial_small(unsigned port, int buffer)
{
	return dial_as(NULL, port, buffer);
}

int dial_from(const char *source, unsigned port)
{
	return dial_as(source, port, 0);
}

int dial(unsigned port)
{
	return dial_as(NULL, port, 0);
}

void dial_all(int fds[], int count, unsigned port, const char *request)
{
	for (int i = 0; i < count; i++) {
		fds[i] = dial(port);
		ck_assert_int_ge(fds[i], 0);
		say(fds[i], request);
	}
}

void close_all(const int fds[], int count)
{
	for (int i = 0; i < count; i++)
		close(fds[i]);
}

int dial_soon(unsigned port)
{
	int fd = -1;

	WAIT_WHILE((fd = dial(port)) < 0, START_TIME);
	ck_assert_msg(fd >= 0, "nobody listens: %s", content("err"));
	return fd;
}

/* A path, or behind '@' a name that is in no folder; its size. */
static socklen_t set_path(struct sockaddr_un *address, const char *path)
{
	size_t size = strlen(path);

	ck_assert_uint_lt(size, sizeof(address->sun_path));
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(address->sun_path, path, size);
	if (*path == '@')
		address->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
}

int dial_path(const char *path)
{
	struct sockaddr_un address;
	socklen_t size = set_path(&address, path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (struct sockaddr *)&address, size) != 0) {
		close(fd);
		return -1;
	}
	return patient(fd);
}

int bind_path(int type, const char *path)
{
	struct sockaddr_un address;
	socklen_t size = set_path(&address, path);
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, size), 0);
	if (*path != '@')
		ck_assert_int_eq(chmod(path, 0666), 0);
	return patient(fd);
}

void pair_unix(int ends[2])
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
}

void connect_pair(int ends[2])
{
	unsigned port;
	int listener = listen_tcp(&port);

	ends[0] = dial(port);
	ck_assert_int_ge(ends[0], 0);
	ends[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ge(ends[1], 0);
	close(listener);
}

int open_terminal(int *slave)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	ck_assert_int_eq(grantpt(master), 0);
	ck_assert_int_eq(unlockpt(master), 0);
	*slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_ge(*slave, 0);
	return master;
}

bool own_network(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd;
	bool up;

	if (unshare(CLONE_NEWNET) != 0)
		return false;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	up = ioctl(fd, SIOCSIFFLAGS, &request) == 0;
	close(fd);
	return up;
}

bool own_mounts(void)
{
	return unshare(CLONE_NEWNS) == 0 &&
	       mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

bool is_allowed(bool (*what)(void))
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(what() ? 0 : 1);
	return finish(pid) == 0;
}

/* ---- conversations ---- */

void say(int fd, const char *text)
{
	size_t size = strlen(text);

	while (size) {
		ssize_t n = send(fd, text, size, MSG_NOSIGNAL);

		if (n < 0)
			return; /* it has hung up: what it said will be heard */
		text += n;
		size -= (size_t)n;
	}
}

static struct wire_response fields; /* of the reply, once its header is whole */

static void begin_reply(void)
{
	reply.size = 0;
	reply.body_size = 0;
	reply.body = "";
	reply.bytes[0] = '\0';
	reply.status = 0;
	fields.field_count = 0;
}

/* How long the header is, 0 while it isn't whole or is no header. */
static size_t read_header(void)
{
	ssize_t size = wire_parse(reply.bytes, reply.size, true, &fields);

	return size > 0 ? (size_t)size : 0;
}

static void split_reply(void)
{
	size_t size = read_header();

	reply.status = size ? fields.status : reply.size ? -1 : 0;
	if (!size)
		return;
	reply.body = reply.bytes + size;
	reply.body_size = reply.size - size;
}

const char *field(const char *name)
{
	struct wire_text found = wire_value(&fields, name);

	return found.at ? format("%.*s", (int)found.size, found.at) : NULL;
}

/* How much of it there will be, 0 while the head isn't whole. */
static size_t size_of_reply(bool head)
{
	size_t size = read_header();
	const char *length = size && !head ? field("Content-Length") : NULL;

	return size + (length ? strtoul(length, NULL, 10) : 0);
}

/* Take so many bytes off the socket, which has told of them or will. */
static bool take(int fd, size_t size)
{
	ssize_t n = size ? recv(fd, reply.bytes + reply.size, size, MSG_WAITALL) : 0;

	if (n > 0)
		reply.size += (size_t)n;
	reply.bytes[reply.size] = '\0';
	return n == (ssize_t)size;
}

int hear(int fd, bool head)
{
	size_t whole;

	begin_reply();
	/* look at what has come before it is taken: some of it may be the next answer's */
	for (;;) {
		ssize_t n =
			recv(fd, reply.bytes + reply.size, REPLY_ROOM - 1 - reply.size, MSG_PEEK);

		if (n <= 0)
			return reply.status = reply.size || n < 0 ? -1 : 0;
		reply.size += (size_t)n;
		whole = size_of_reply(head);
		reply.size -= (size_t)n;
		if (whole)
			break;
		take(fd, (size_t)n);
	}
	ck_assert_uint_lt(whole, REPLY_ROOM);
	if (!take(fd, whole - reply.size))
		return reply.status = -1;
	split_reply();
	return reply.status;
}

int hear_all(int fd)
{
	ssize_t n;

	begin_reply();
	while ((n = read(fd, reply.bytes + reply.size, REPLY_ROOM - 1 - reply.size)) > 0)
		reply.size += (size_t)n;
	reply.bytes[reply.size] = '\0';
	split_reply();
	return n == 0 ? reply.status : -1;
}

const char *hear_datagram(int fd)
{
	static char text[32 << 10];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	ck_assert_msg(n >= 0, "nothing comes");
	text[n] = '\0';
	return text;
}

/* What follows the head of the last one, which has no body, as one. */
static int next_reply(void)
{
	size_t head = (size_t)(reply.body - reply.bytes);

	reply.size -= head;
	memmove(reply.bytes, reply.body, reply.size + 1);
	split_reply();
	return reply.status;
}

bool at_end(int fd)
{
	char byte;

	return recv(fd, &byte, 1, 0) == 0;
}

int count_text(const char *text, const char *part)
{
	int count = 0;

	for (; (text = strstr(text, part)); text += strlen(part))
		count++;
	return count;
}

/* Whether that comes, as the response goes on. */
bool hear_until(int fd, const char *text)
{
	reply.size = 0;
	do {
		ssize_t n = recv(fd, reply.bytes + reply.size, REPLY_ROOM - 1 - reply.size, 0);

		if (n <= 0)
			return false;
		reply.size += (size_t)n;
		reply.bytes[reply.size] = '\0';
	} while (!strstr(reply.bytes, text));
	return true;
}

void reset_connection(int fd)
{
	const struct linger now_and_hard = { 1, 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now_and_hard, sizeof(now_and_hard));
	close(fd);
}

/* The chunks' data, in place; false if they are broken. */
static bool join_chunks(char *at, size_t *size)
{
	char *to = at, *end = at + *size;

	for (;;) {
		char *line;
		size_t n = strtoul(at, &line, 16);

		if (line == at || end - line < 2 || memcmp(line, "\r\n", 2) != 0 ||
		    (size_t)(end - line) < n + 4 || memcmp(line + 2 + n, "\r\n", 2) != 0)
			return false;
		memmove(to, line + 2, n);
		to += n;
		at = line + n + 4;
		if (n == 0)
			break;
	}
	*size = (size_t)(to - reply.body);
	*to = '\0';
	return at == end;
}

/* The whole response, whose body has no chunks any more; CUT where it is not whole. */
int hear_response(int fd)
{
	int status = hear_all(fd);
	const char *length;

	if (status <= 0)
		return CUT;
	if (status == 100)
		status = next_reply();
	if (field("Transfer-Encoding") &&
	    !join_chunks(reply.bytes + (reply.body - reply.bytes), &reply.body_size))
		return CUT;
	length = field("Content-Length");
	if (length && reply.body_size && strtoul(length, NULL, 10) != reply.body_size)
		return CUT;
	return status;
}

int ask_on(int fd, const char *request)
{
	ck_assert_int_ge(fd, 0);
	say(fd, request);
	return hear(fd, strncmp(request, "HEAD ", 5) == 0);
}

int ask(unsigned port, const char *request)
{
	int fd = dial(port), status = ask_on(fd, request);

	close(fd);
	return status;
}

static void note_port(int fd)
{
	struct sockaddr_in address = { 0 };
	socklen_t size = sizeof(address);

	getpeername(fd, (struct sockaddr *)&address, &size);
	reply.port = ntohs(address.sin_port);
}

int ask_last(unsigned port, const char *request)
{
	int fd = dial(port), status;

	note_port(fd);
	say(fd, request);
	status = hear_response(fd);
	close(fd);
	return status;
}

int ask_pair(int ends[2], struct given given, const char *request)
{
	pid_t pid = serve_on(ends, given);
	int status;

	note_port(ends[0]);
	say(ends[0], request);
	status = hear_response(ends[0]);
	close(ends[0]);
	ck_assert_msg(finish(pid) == 0, "its exit status isn't 0: %s", request);
	return status;
}

int ask_either(unsigned port, struct given given, const char *request)
{
	int ends[2];

	if (port)
		return ask_last(port, request);
	connect_pair(ends);
	return ask_pair(ends, given, request);
}

int get(unsigned port, const char *target)
{
	return ask(port, format(GET_OF("%s"), target));
}

uint64_t drain(int fd, uint64_t most)
{
	uint64_t total = 0;

	while (total < most) {
		size_t want = most - total < 1 << 20 ? (size_t)(most - total) : 1 << 20;
		/* of a TCP socket, MSG_TRUNC throws away and copies nothing */
		ssize_t n = recv(fd, NULL, want, MSG_TRUNC);

		if (n <= 0)
			break;
		total += (uint64_t)n;
	}
	return total;
}

/* ---- what is known of a process ---- */

int count_entries(const char *path)
{
	int count = -2; /* "." and ".." */
	DIR *dir = opendir(path);

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

int count_descriptors(pid_t pid)
{
	return count_entries(format("/proc/%d/fd", (int)pid));
}

FILE *open_proc(pid_t pid, const char *name)
{
	FILE *file = fopen(format("/proc/%d/%s", (int)pid, name), "re");

	ck_assert_ptr_nonnull(file);
	return file;
}

enum { CHILDREN_MOST = 64 };

static size_t list_children(pid_t parent, pid_t pids[CHILDREN_MOST])
{
	FILE *file = open_proc(parent, format("task/%d/children", (int)parent));
	size_t n = 0;

	while (n < CHILDREN_MOST && fscanf(file, "%d", &pids[n]) == 1)
		n++;
	fclose(file);
	return n;
}

size_t count_children(pid_t parent)
{
	pid_t pids[CHILDREN_MOST];

	return list_children(parent, pids);
}

const pid_t *wait_workers(pid_t parent, size_t count)
{
	static pid_t workers[CHILDREN_MOST + 1];
	size_t n = 0;

	for (long long until = now() + START_TIME; n < count && now() < until; nap(5))
		n = list_children(parent, workers);
	ck_assert_uint_eq(n, count);
	workers[n] = 0;
	return workers;
}

long status_number(pid_t pid, const char *name)
{
	FILE *file = open_proc(pid, "status");
	char line[256];
	long number = -1;

	while (fgets(line, sizeof(line), file))
		if (strncmp(line, name, strlen(name)) == 0)
			number = strtol(line + strlen(name), NULL, 10);
	fclose(file);
	return number;
}

long busy_time(pid_t pid)
{
	FILE *file = open_proc(pid, "stat");
	long user = -1, system = -1;

	ck_assert_int_eq(fscanf(file, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld",
				&user, &system),
			 2);
	fclose(file);
	return (user + system) * 1000 / sysconf(_SC_CLK_TCK);
}

bool sanitized(void)
{
	static const char mark[] = "__asan_init";
	int fd = open(wwwd, O_RDONLY | O_CLOEXEC);
	struct stat st = { 0 };
	void *bytes;
	bool found;

	fstat(fd, &st);
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	found = bytes != MAP_FAILED && memmem(bytes, (size_t)st.st_size, mark, sizeof(mark) - 1);
	if (bytes != MAP_FAILED)
		munmap(bytes, (size_t)st.st_size);
	return found;
}

bool others_reach(const char *path)
{
	struct stat st;

	for (const char *slash = path; (slash = strchr(slash + 1, '/'));)
		if (stat(format("%.*s", (int)(slash - path), path), &st) != 0 ||
		    !(st.st_mode & S_IXOTH))
			return false;
	return stat(path, &st) == 0 && (st.st_mode & S_IROTH) && (st.st_mode & S_IXOTH);
}
