/*
 * System calls that fail when they are told to. Loaded into wwwd with LD_PRELOAD this stands before
 * the functions of libc that wwwd calls, counts each, and looks at rules in a file, $WWWD_FAULTS,
 * that it shares with the test. So a test can let the third recv(2) of a running server fail, and
 * the next minute something else, without starting it anew.
 *
 * Memory is counted too: what is allocated and not freed.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* tests/faults/process.py knows these by their places. */
enum { NAME_SIZE = 24, RULES = 16, CALLS = 80 };
enum { NOTHING, FAIL, SHORTEN, HOLD };

static struct shared {
	uint32_t armed; /* the rules are in force, and calls are counted */
	uint32_t held;  /* a call waits to be told to go on, */
	uint32_t go;    /* and is */
	uint32_t hits;  /* of any rule */
	int64_t live;   /* allocations that were not freed */
	struct rule {
		char name[NAME_SIZE];
		uint32_t action, error;
		uint32_t first, every; /* the first to be hit; then every so many, 0: no more */
	} rules[RULES];
	struct call {
		char name[NAME_SIZE];
		uint64_t count;
	} calls[CALLS];
} nowhere, *shared = &nowhere;

static int sleeper = -1; /* an epoll that nothing happens on: a seccomp filter knows no nanosleep */

static void *real(const char *name)
{
	void *function = dlsym(RTLD_NEXT, name);

	if (!function)
		abort();
	return function;
}

/* The next function of that name, as its own type. */
#define REAL(name)                                                  \
	({                                                          \
		static __typeof__(name) *function;                  \
		if (!function)                                      \
			function = (__typeof__(name) *)real(#name); \
		function;                                           \
	})

__attribute__((constructor)) static void share(void)
{
	const char *path = getenv("WWWD_FAULTS");
	int fd = path ? REAL(openat)(AT_FDCWD, path, O_RDWR | O_CLOEXEC) : -1;
	void *memory = MAP_FAILED;

	if (fd >= 0)
		memory = REAL(mmap)(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
				    0);
	if (memory == MAP_FAILED)
		return;
	REAL(close)(fd);
	fd = REAL(epoll_create1)(EPOLL_CLOEXEC);
	sleeper = REAL(fcntl)(fd, F_DUPFD_CLOEXEC, 100);
	REAL(close)(fd);
	shared = memory;
	shared->live += nowhere.live;
}

static struct call *find_call(const char *name)
{
	struct call *call = shared->calls;

	while (call->name[0] && strcmp(call->name, name) != 0)
		if (++call == shared->calls + CALLS)
			abort();
	if (!call->name[0])
		strncpy(call->name, name, NAME_SIZE - 1);
	return call;
}

static bool is_hit(const struct rule *rule, const char *name, uint64_t nth)
{
	return strcmp(rule->name, name) == 0 && nth >= rule->first &&
	       (rule->every ? (nth - rule->first) % rule->every == 0 : nth == rule->first);
}

static void hold(void)
{
	struct epoll_event event;

	__atomic_store_n(&shared->held, 1, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&shared->go, __ATOMIC_SEQ_CST))
		REAL(epoll_pwait)(sleeper, &event, 1, 1, NULL);
}

/* What is to become of this call? errno is set if it is to fail. */
static int judge(const char *name)
{
	uint64_t nth;

	if (!__atomic_load_n(&shared->armed, __ATOMIC_SEQ_CST))
		return NOTHING;
	nth = ++find_call(name)->count;
	for (const struct rule *rule = shared->rules; rule < shared->rules + RULES; rule++) {
		if (!is_hit(rule, name, nth))
			continue;
		shared->hits++;
		if (rule->action == HOLD)
			hold();
		if (rule->action == FAIL)
			errno = (int)rule->error;
		if (rule->action != HOLD)
			return (int)rule->action;
	}
	return NOTHING;
}

/* clang-format off */
#define WRAP(type, name, parameters, arguments, failure)        \
	type name parameters                                    \
	{                                                       \
		if (judge(#name) == FAIL)                       \
			return failure;                         \
		return REAL(name) arguments;                    \
	}

/* Those that may do less than they were asked for: one byte of it. */
#define WRAP_SIZED(name, parameters, arguments)                 \
	ssize_t name parameters                                 \
	{                                                       \
		int verdict = judge(#name);                     \
								\
		if (verdict == FAIL)                            \
			return -1;                              \
		if (verdict == SHORTEN && size > 1)             \
			size = 1;                               \
		return REAL(name) arguments;                    \
	}

WRAP_SIZED(recv, (int fd, void *to, size_t size, int flags), (fd, to, size, flags))
WRAP_SIZED(read, (int fd, void *to, size_t size), (fd, to, size))
WRAP_SIZED(pread, (int fd, void *to, size_t size, off_t at), (fd, to, size, at))
WRAP_SIZED(send, (int fd, const void *from, size_t size, int flags), (fd, from, size, flags))
WRAP_SIZED(sendfile, (int out, int in, off_t *at, size_t size), (out, in, at, size))

WRAP(int, accept4, (int fd, struct sockaddr *peer, socklen_t *size, int flags),
     (fd, peer, size, flags), -1)
WRAP(int, access, (const char *path, int mode), (path, mode), -1)
WRAP(int, bind, (int fd, const struct sockaddr *to, socklen_t size), (fd, to, size), -1)
WRAP(int, connect, (int fd, const struct sockaddr *to, socklen_t size), (fd, to, size), -1)
WRAP(int, chdir, (const char *path), (path), -1)
WRAP(int, dup, (int fd), (fd), -1)
WRAP(int, dup2, (int from, int to), (from, to), -1)
WRAP(int, dup3, (int from, int to, int flags), (from, to, flags), -1)
WRAP(int, epoll_create1, (int flags), (flags), -1)
WRAP(int, epoll_ctl, (int epoll, int what, int fd, struct epoll_event *event),
     (epoll, what, fd, event), -1)
WRAP(int, epoll_pwait, (int fd, struct epoll_event *to, int most, int time, const sigset_t *mask),
     (fd, to, most, time, mask), -1)
WRAP(int, execve, (const char *path, char *const args[], char *const env[]), (path, args, env), -1)
WRAP(int, faccessat, (int at, const char *path, int mode, int flags), (at, path, mode, flags), -1)
WRAP(DIR *, fdopendir, (int fd), (fd), NULL)
WRAP(int, fchdir, (int fd), (fd), -1)
WRAP(int, flock, (int fd, int what), (fd, what), -1)
WRAP(FILE *, fopen, (const char *path, const char *mode), (path, mode), NULL)
WRAP(pid_t, fork, (void), (), -1)
WRAP(int, fstat, (int fd, struct stat *st), (fd, st), -1)
WRAP(int, fstatat, (int at, const char *path, struct stat *st, int flags),
     (at, path, st, flags), -1)
WRAP(int, getaddrinfo,
     (const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **to),
     (host, port, hints, to), EAI_SYSTEM)
WRAP(int, getpeername, (int fd, struct sockaddr *peer, socklen_t *size), (fd, peer, size), -1)
WRAP(struct passwd *, getpwnam, (const char *name), (name), NULL)
WRAP(int, getrlimit, (__rlimit_resource_t what, struct rlimit *limit), (what, limit), -1)
WRAP(int, getsockname, (int fd, struct sockaddr *name, socklen_t *size), (fd, name, size), -1)
WRAP(int, getsockopt, (int fd, int level, int name, void *to, socklen_t *size),
     (fd, level, name, to, size), -1)
WRAP(int, isatty, (int fd), (fd), 0)
WRAP(int, listen, (int fd, int most), (fd, most), -1)
WRAP(int, lstat, (const char *path, struct stat *st), (path, st), -1)
WRAP(void *, mmap, (void *at, size_t size, int prot, int flags, int fd, off_t from),
     (at, size, prot, flags, fd, from), MAP_FAILED)
WRAP(int, pipe2, (int ends[2], int flags), (ends, flags), -1)
WRAP(int, poll, (struct pollfd *p, nfds_t count, int time), (p, count, time), -1)
WRAP(ssize_t, readlinkat, (int at, const char *path, char *to, size_t size),
     (at, path, to, size), -1)
WRAP(struct dirent *, readdir, (DIR *dir), (dir), NULL)
WRAP(int, ppoll,
     (struct pollfd *p, nfds_t count, const struct timespec *time, const sigset_t *mask),
     (p, count, time, mask), -1)
WRAP(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags), -1)
WRAP(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), (fd, message, flags), -1)
WRAP(ssize_t, sendto,
     (int fd, const void *from, size_t size, int flags, const struct sockaddr *to, socklen_t n),
     (fd, from, size, flags, to, n), -1)
WRAP(int, rename, (const char *from, const char *to), (from, to), -1)
WRAP(int, setrlimit, (__rlimit_resource_t what, const struct rlimit *limit), (what, limit), -1)
WRAP(int, setsockopt, (int fd, int level, int name, const void *from, socklen_t size),
     (fd, level, name, from, size), -1)
WRAP(int, shutdown, (int fd, int how), (fd, how), -1)
WRAP(int, sigaction, (int signal, const struct sigaction *now, struct sigaction *was),
     (signal, now, was), -1)
WRAP(int, sigprocmask, (int how, const sigset_t *now, sigset_t *was), (how, now, was), -1)
WRAP(int, socket, (int family, int type, int protocol), (family, type, protocol), -1)
WRAP(int, socketpair, (int family, int type, int protocol, int ends[2]),
     (family, type, protocol, ends), -1)
WRAP(int, stat, (const char *path, struct stat *st), (path, st), -1)
WRAP(int, unlink, (const char *path), (path), -1)
WRAP(pid_t, waitpid, (pid_t pid, int *status, int options), (pid, status, options), -1)
/* clang-format on */

/* What is said on standard error, the address that the test needs among it, is always said. */
ssize_t write(int fd, const void *from, size_t size)
{
	int verdict = fd == STDERR_FILENO ? NOTHING : judge("write");

	if (verdict == FAIL)
		return -1;
	return REAL(write)(fd, from, verdict == SHORTEN && size > 1 ? 1 : size);
}

/* It is closed, whatever close(2) says. */
int close(int fd)
{
	int status = REAL(close)(fd);

	return judge("close") == FAIL ? -1 : status;
}

/* The arguments behind the last that has a name, whether there are so many or not. */
#define REST(last, count)                         \
	long argument[count];                     \
	va_list more;                             \
                                                  \
	va_start(more, last);                     \
	for (size_t i = 0; i < (count); i++)      \
		argument[i] = va_arg(more, long); \
	va_end(more)

int open(const char *path, int flags, ...)
{
	REST(flags, 1);
	return judge("open") == FAIL ? -1 : REAL(openat)(AT_FDCWD, path, flags, argument[0]);
}

int openat(int at, const char *path, int flags, ...)
{
	REST(flags, 1);
	return judge("openat") == FAIL ? -1 : REAL(openat)(at, path, flags, argument[0]);
}

/* openat(), as a fortified program calls it. */
int __openat_2(int at, const char *path, int flags);
int __openat_2(int at, const char *path, int flags)
{
	return judge("openat") == FAIL ? -1 : REAL(openat)(at, path, flags);
}

int fcntl(int fd, int what, ...)
{
	REST(what, 1);
	return judge("fcntl") == FAIL ? -1 : REAL(fcntl)(fd, what, argument[0]);
}

int prctl(int what, ...)
{
	REST(what, 4);
	if (judge("prctl") == FAIL)
		return -1;
	return REAL(prctl)(what, argument[0], argument[1], argument[2], argument[3]);
}

int clone(int (*begin)(void *), void *stack, int flags, void *argument, ...)
{
	return judge("clone") == FAIL ? -1 : REAL(clone)(begin, stack, flags, argument);
}

static const char *name_of(long number)
{
	static const struct {
		long number;
		const char *name;
	} names[] = {
		{ SYS_openat2, "openat2" },
		{ SYS_setgroups, "setgroups" },
		{ SYS_setgid, "setgid" },
		{ SYS_setuid, "setuid" },
		{ SYS_landlock_create_ruleset, "landlock_create_ruleset" },
		{ SYS_landlock_add_rule, "landlock_add_rule" },
		{ SYS_landlock_restrict_self, "landlock_restrict_self" },
	};

	for (size_t i = 0; i < LENGTH(names); i++)
		if (names[i].number == number)
			return names[i].name;
	return "syscall";
}

long syscall(long number, ...)
{
	REST(number, 6);
	/* of a clock that there is, the time is to be had: clock_gettime(2) */
	if (number != SYS_clock_gettime && judge(name_of(number)) == FAIL)
		return -1;
	return REAL(syscall)(number, argument[0], argument[1], argument[2], argument[3],
			     argument[4], argument[5]);
}

/* ---- memory --------------------------------------------------------------- */

static void *counted(void *memory)
{
	shared->live += memory != NULL;
	return memory;
}

void *malloc(size_t size)
{
	return judge("malloc") == FAIL ? NULL : counted(REAL(malloc)(size));
}

void *calloc(size_t count, size_t size)
{
	return judge("calloc") == FAIL ? NULL : counted(REAL(calloc)(count, size));
}

void *realloc(void *memory, size_t size)
{
	if (judge("realloc") == FAIL)
		return NULL;
	return memory ? REAL(realloc)(memory, size) : counted(REAL(realloc)(memory, size));
}

void free(void *memory)
{
	shared->live -= memory != NULL;
	REAL(free)(memory);
}
