/*
 * An attacker's code in the confined process. Loaded into wwwd with LD_PRELOAD it waits for a
 * request for /intrude, and then tries what no request may ever be able to do. Each try becomes a
 * line "name errno" of the answer; no process is left to write the line of an exec that succeeds.
 *
 * $INTRUDER_TOP is the test's directory, whose folder `site` is served, $INTRUDER_PORT a port of
 * 127.0.0.1 that somebody listens at. Some tries need what an attacker can't get but might find:
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

static char outside[256], file[256], other[256], log_file[256], beside_log[256];
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

static int try_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0644);

	return fd < 0 ? -1 : close(fd);
}

static int read_passwd(void)
{
	return try_open("/etc/passwd", O_RDONLY);
}

static int read_outside(void)
{
	return try_open(outside, O_RDONLY);
}

static int list_slash(void)
{
	return try_open("/", O_RDONLY | O_DIRECTORY);
}

static int write_file(void)
{
	return try_open(file, O_WRONLY);
}

static int truncate_file(void)
{
	return truncate(file, 1);
}

static int create_file(void)
{
	return try_open(other, O_WRONLY | O_CREAT | O_EXCL);
}

static int rename_file(void)
{
	char path[300];

	snprintf(path, sizeof(path), "%s.renamed", other);
	return rename(file, path) == 0 ? rename(path, file) : -1;
}

static int make_link(void)
{
	char path[300];

	snprintf(path, sizeof(path), "%s.link", other);
	return symlink("/etc/passwd", path);
}

static int make_folder(void)
{
	char path[300];

	snprintf(path, sizeof(path), "%s.folder", other);
	return mkdir(path, 0755);
}

static int remove_file(void)
{
	return unlink(file);
}

static int write_found_file(void)
{
	return write(found_file, "x", 1) == 1 ? 0 : -1;
}

static int read_log(void)
{
	return try_open(log_file, O_RDONLY);
}

static int truncate_log(void)
{
	return try_open(log_file, O_WRONLY | O_TRUNC);
}

static int write_beside_log(void)
{
	return try_open(beside_log, O_WRONLY);
}

static int truncate_beside_log(void)
{
	return try_open(beside_log, O_WRONLY | O_TRUNC);
}

static int create_beside_log(void)
{
	char path[300];

	snprintf(path, sizeof(path), "%s.new", beside_log);
	return try_open(path, O_WRONLY | O_CREAT | O_EXCL);
}

static int rename_log(void)
{
	char path[300];

	snprintf(path, sizeof(path), "%s.renamed", log_file);
	return rename(log_file, path) == 0 ? rename(path, log_file) : -1;
}

static int remove_beside_log(void)
{
	return unlink(beside_log);
}

static int make_tcp_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd < 0 ? -1 : close(fd);
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
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd < 0 ? -1 : close(fd);
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
} tries[] = {
	{ "read_passwd", read_passwd },
	{ "read_outside", read_outside },
	{ "list_slash", list_slash },
	{ "write_file", write_file },
	{ "truncate_file", truncate_file },
	{ "create_file", create_file },
	{ "rename_file", rename_file },
	{ "make_link", make_link },
	{ "make_folder", make_folder },
	{ "write_found_file", write_found_file },
	{ "remove_file", remove_file },
	{ "read_log", read_log },
	{ "truncate_log", truncate_log },
	{ "write_beside_log", write_beside_log },
	{ "truncate_beside_log", truncate_beside_log },
	{ "create_beside_log", create_beside_log },
	{ "rename_log", rename_log },
	{ "remove_beside_log", remove_beside_log },
	{ "make_tcp_socket", make_tcp_socket },
	{ "connect_tcp", connect_tcp },
	{ "bind_tcp", bind_tcp },
	{ "connect_abstract", connect_abstract },
	{ "make_unix_socket", make_unix_socket },
	{ "send_datagram", send_datagram },
	{ "send_message", send_message },
	{ "map_memory", map_memory },
	{ "map_code", map_code },
	{ "map_all", map_all },
	{ "make_code", make_code },
	{ "trace_parent", trace_parent },
	{ "signal_parent", signal_parent },
	{ "make_process", make_process },
	{ "become_root", become_root },
	{ "execute", execute },
};

/* Called by the suite too, in a process that isn't confined: there every try succeeds. */
void intrude(int fd);
void intrude(int fd)
{
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		int error = tries[i].try() == 0 ? 0 : errno;

		dprintf(fd, "%s %d\n", tries[i].name, error);
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
