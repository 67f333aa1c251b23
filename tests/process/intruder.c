/*
 * An attacker's code in the confined process. Loaded into wwwd with LD_PRELOAD it waits for a
 * request for /intrude, and then tries what no request may ever be able to do. Each try becomes a
 * line "name errno" of the answer; no process is left to write the line of an exec that succeeds.
 *
 * $INTRUDER_TOP is the test's directory, whose folder `site` is served, $INTRUDER_PORT a port of
 * 127.0.0.1 at which a server listens. Some tries need what an attacker can't get but might find:
 * sockets and a file that were opened before the process was confined.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char outside[256], file[256], other[256], log_file[256], beside_log[256], new_log[256];
static struct sockaddr_in somebody, nobody;
static struct sockaddr_un abstract, daemon_path;
static socklen_t abstract_size;
static int found_tcp[2], found_unix, found_datagrams, found_file;

__attribute__((constructor)) static void prepare(void)
{
	const char *top = getenv("INTRUDER_TOP"), *port = getenv("INTRUDER_PORT");

	if (!top || !port)
		return;
	snprintf(outside, sizeof(outside), "%s/outside", top);
	snprintf(file, sizeof(file), "%s/site/file", top);
	snprintf(other, sizeof(other), "%s/site/other", top);
	snprintf(log_file, sizeof(log_file), "%s/logs/log", top);
	snprintf(beside_log, sizeof(beside_log), "%s/logs/folder/file", top);
	snprintf(new_log, sizeof(new_log), "%s/logs/folder/file.new", top);
	nobody = (struct sockaddr_in){ .sin_family = AF_INET,
				       .sin_addr = { htonl(INADDR_LOOPBACK) } };
	somebody = nobody;
	somebody.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
	abstract.sun_family = AF_UNIX;
	abstract_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
				    (size_t)snprintf(abstract.sun_path + 1,
						     sizeof(abstract.sun_path) - 1, "%s", top));
	daemon_path.sun_family = AF_UNIX;
	snprintf(daemon_path.sun_path, sizeof(daemon_path.sun_path), "%s/daemon", top);
	found_datagrams = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	for (int i = 0; i < 2; i++)
		found_tcp[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	found_unix = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	found_file = open(file, O_WRONLY | O_APPEND | O_CLOEXEC);
	signal(SIGXFSZ, SIG_IGN);
}

/* ---- the tries, each of which gives 0 or sets errno ---- */

static int try_close(int fd)
{
	return fd < 0 ? -1 : close(fd);
}

/* A name beside those of the files. */
static const char *beside(const char *path, const char *ending)
{
	static char name[300];

	snprintf(name, sizeof(name), "%s%s", path, ending);
	return name;
}

static int try_rename(const char *path)
{
	const char *name = beside(path, ".renamed");

	return rename(path, name) == 0 ? rename(name, path) : -1;
}

static int truncate_file(void)
{
	return truncate(file, 1);
}

static int rename_file(void)
{
	return try_rename(file);
}

static int make_link(void)
{
	return symlink("/etc/passwd", beside(other, ".link"));
}

static int make_folder(void)
{
	return mkdir(beside(other, ".folder"), 0755);
}

static int remove_file(void)
{
	return unlink(file);
}

static int write_found_file(void)
{
	return write(found_file, "x", 1) == 1 ? 0 : -1;
}

static int rename_log(void)
{
	return try_rename(log_file);
}

static int remove_beside_log(void)
{
	return unlink(beside_log);
}

static int make_tcp_socket(void)
{
	return try_close(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int connect_tcp(void)
{
	return connect(found_tcp[0], (struct sockaddr *)&somebody, sizeof(somebody));
}

static int bind_tcp(void)
{
	return bind(found_tcp[1], (struct sockaddr *)&nobody, sizeof(nobody));
}

static int connect_abstract(void)
{
	return connect(found_unix, (struct sockaddr *)&abstract, abstract_size);
}

static int make_unix_socket(void)
{
	return try_close(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

static int send_datagram(void)
{
	return sendto(found_datagrams, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&daemon_path,
		      sizeof(daemon_path)) == 1
		       ? 0
		       : -1;
}

static int send_message(void)
{
	struct iovec part = { .iov_base = (char[]){ 'x' }, .iov_len = 1 };
	const struct msghdr message = { .msg_name = &daemon_path,
					.msg_namelen = sizeof(daemon_path),
					.msg_iov = &part,
					.msg_iovlen = 1 };

	return sendmsg(found_datagrams, &message, MSG_DONTWAIT) == 1 ? 0 : -1;
}

static int map_with(int protection)
{
	void *memory = mmap(NULL, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? -1 : munmap(memory, 4096);
}

static int map_memory(void)
{
	return map_with(PROT_READ | PROT_WRITE);
}

static int map_code(void)
{
	return map_with(PROT_READ | PROT_EXEC);
}

static int map_all(void)
{
	return map_with(PROT_READ | PROT_WRITE | PROT_EXEC);
}

static int make_code(void)
{
	static _Alignas(4096) char page[4096];

	return mprotect(page, sizeof(page), PROT_READ | PROT_EXEC);
}

static int trace_parent(void)
{
	return ptrace(PTRACE_SEIZE, getppid(), NULL, NULL) < 0 ? -1 : 0;
}

static int signal_parent(void)
{
	return kill(getppid(), 0);
}

static int become_root(void)
{
	return setuid(0);
}

static int make_process(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid < 0 || waitpid(pid, NULL, 0) != pid ? -1 : 0;
}

static int execute(void)
{
	char *args[] = { (char[]){ "true" }, NULL };

	return execve("/bin/true", args, args + 1);
}

static const struct {
	const char *name;
	int (*try)(void);
	const char *path; /* where there is no function: to be opened so */
	int flags;
} tries[] = {
	{ "read_passwd", .path = "/etc/passwd", .flags = O_RDONLY },
	{ "read_outside", .path = outside, .flags = O_RDONLY },
	{ "list_slash", .path = "/", .flags = O_RDONLY | O_DIRECTORY },
	{ "write_file", .path = file, .flags = O_WRONLY },
	{ "truncate_file", .try = truncate_file },
	{ "create_file", .path = other, .flags = O_WRONLY | O_CREAT | O_EXCL },
	{ "rename_file", .try = rename_file },
	{ "make_link", .try = make_link },
	{ "make_folder", .try = make_folder },
	{ "write_found_file", .try = write_found_file },
	{ "remove_file", .try = remove_file },
	{ "read_log", .path = log_file, .flags = O_RDONLY },
	{ "truncate_log", .path = log_file, .flags = O_WRONLY | O_TRUNC },
	{ "write_beside_log", .path = beside_log, .flags = O_WRONLY },
	{ "truncate_beside_log", .path = beside_log, .flags = O_WRONLY | O_TRUNC },
	{ "create_beside_log", .path = new_log, .flags = O_WRONLY | O_CREAT | O_EXCL },
	{ "rename_log", .try = rename_log },
	{ "remove_beside_log", .try = remove_beside_log },
	{ "make_tcp_socket", .try = make_tcp_socket },
	{ "connect_tcp", .try = connect_tcp },
	{ "bind_tcp", .try = bind_tcp },
	{ "connect_abstract", .try = connect_abstract },
	{ "make_unix_socket", .try = make_unix_socket },
	{ "send_datagram", .try = send_datagram },
	{ "send_message", .try = send_message },
	{ "map_memory", .try = map_memory },
	{ "map_code", .try = map_code },
	{ "map_all", .try = map_all },
	{ "make_code", .try = make_code },
	{ "trace_parent", .try = trace_parent },
	{ "signal_parent", .try = signal_parent },
	{ "make_process", .try = make_process },
	{ "become_root", .try = become_root },
	{ "execute", .try = execute },
};

/* Called by the suite too, in a process that isn't confined: there every try succeeds. */
void intrude(int fd);
void intrude(int fd)
{
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		int result =
			tries[i].try
				? tries[i].try()
				: try_close(open(tries[i].path, tries[i].flags | O_CLOEXEC, 0644));

		dprintf(fd, "%s %d\n", tries[i].name, result == 0 ? 0 : errno);
	}
}

/* What wwwd reads its requests with. */
ssize_t recv(int fd, void *buffer, size_t size, int flags)
{
	static const char request[] = "GET /intrude ";
	ssize_t n = syscall(SYS_recvfrom, fd, buffer, size, flags, NULL, NULL);

	if (n < (ssize_t)sizeof(request) || memcmp(buffer, request, sizeof(request) - 1) != 0)
		return n;
	intrude(fd);
	return 0;
}
