/*
 * wwwd.c - the process: options, where the connection comes from, confinement,
 * the two loops, the log.
 *
 * There is no flag for a mode. main() looks at what it was given (the -h and
 * -p options, $LISTEN_FDS, descriptor 0) and either holds one conversation on
 * what it inherited, or listens and holds many. The conversation itself is
 * http.c's business; no byte of a request is read here.
 *
 * From top to bottom: complaints, options, libsystemd, listening, the log,
 * confinement, one connection, many connections, workers, main().
 */
#include "http.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/net.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <termios.h>
#include <arpa/inet.h>
#include <unistd.h>

#ifndef WWWD_STATIC
#include <systemd/sd-daemon.h>
#endif

#ifndef VERSION
#define VERSION "0"
#endif

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/*
 * A page that is touched costs a fault a start. What is large and may be unused
 * stands behind all the rest (ld --sort-section=name), which is a page or two;
 * between them is what a request begins with.
 */
#define NEXT __attribute__((section(".bss.~")))
#define LARGE __attribute__((section(".bss.~large")))

enum { EXIT_USAGE = 2 };

enum {
	HOSTS_MOST = 64,
	WORKERS_MOST = 256,
	LISTENERS_MOST = 1024, /* one a worker and an address */
	EVENTS = 64,           /* taken from epoll at a time */
	ACCEPTS = 16,          /* connections accepted at a time, */
	WAITING_MOST = 16,     /* connections that wait for a place, */
	WORKING_STEPS = 8,     /* steps of those that gave way, */
	EXPIRIES = 64,         /* and deadlines judged */
	LOOKS = 64,            /* connections that are looked at to find one to close, */
	RELIEFS = 16,          /* and how often that is done at a time */
	SLOW = 16 << 10,       /* bytes a second, */
	LONG_TIME = 1000000,   /* over so many us, */
	SHORT_TIME = 50000,    /* or fewer where memory is out */
	OWN_FILES = 64,        /* descriptors for us, */
	OWN_FILES_LEAST = 10,  /* and where there are few */
	CACHED_FILES = 256,    /* kept open for the next who asks, at most */
	SPARE_WORKS = 16,      /* request memories kept for the next one */
	LOG_BUFFER = 1 << 20,
	LOG_PAUSE_LEAST = 1000,     /* us until a log that took nothing is tried again, */
	LOG_PAUSE_MOST = 1000000,   /* and after many tries in vain */
	LOG_LAST_TIME = 200,        /* ms that the last lines wait for room */
	ASKING_TIME = 500000,       /* us that a stop waits for a request to be complete */
	STOP_TIME = 10000000,       /* us to finish what is being sent */
	PAUSE_TIME = 100000,        /* us without accepting, where there are no descriptors, */
	MEMORY_PAUSE_TIME = 20000,  /* or no memory */
	ONE_MEMORY = 64 << 20,      /* bytes that one connection's listing may hold */
	MEMORY_LEAST = 4 << 20,     /* bytes for all connections */
	INETD_IDLE_TIME = 60000000, /* us until an inetd `wait` service leaves */
	SECONDS_MOST = 365 * 86400,
	SEND_TIME = 1000000,    /* us that sendfile(2) may wait on a blocking socket */
	RESPAWN_TIME = 1000000, /* us that a worker should have lived */
};

#define TIME_MOST (SECONDS_MOST * UINT64_C(1000000))

/* ---- complaints ----------------------------------------------------------- */

/* What standard error is; where that can't be told, what standard input is, which is as bad. */
static struct stat look_at_error(void)
{
	struct stat err = { 0 };

	if (fstat(STDERR_FILENO, &err) < 0 && errno != EBADF)
		(void)fstat(STDIN_FILENO, &err);
	return err;
}

/* inetd makes descriptor 2 the client's: nothing but HTTP may be written there. */
static bool is_clients(const struct stat *err)
{
	struct stat in;

	if (!S_ISSOCK(err->st_mode))
		return false;
	if (fstat(STDIN_FILENO, &in) < 0)
		return errno != EBADF;
	return in.st_dev == err->st_dev && in.st_ino == err->st_ino;
}

/* Is it the stream that $JOURNAL_STREAM names as the journal's? */
static bool is_journals(const struct stat *err)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char *end;

	return stream && strtoull(stream, &end, 10) == err->st_dev && *end == ':' &&
	       strtoull(end + 1, &end, 10) == err->st_ino && *end == '\0';
}

/* A pipe that nobody reads is an error like others, and so is a file that may not grow. */
static void survive_writing(void)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
}

/* How standard error is written to without waiting for those who read it. */
static enum { UNSEEN, PLAIN, SOCKET, SHARED } error_kind;

/*
 * Standard error is shared with other processes, so O_NONBLOCK must not be set on it: they would
 * have it too. A pipe or a terminal that is opened anew has an open file description of its own,
 * which takes the place of standard error here. A terminal of another user can only be opened as
 * /dev/tty. For one connection a pipe is left as it is (`many`): that saves calls.
 */
static void prepare_error(const struct stat *err, bool many)
{
	const int flags = O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	bool terminal;
	int fd;

	if (error_kind != UNSEEN)
		return;
	terminal = S_ISCHR(err->st_mode) && isatty(STDERR_FILENO);
	error_kind = S_ISSOCK(err->st_mode)               ? SOCKET
		     : terminal || S_ISFIFO(err->st_mode) ? SHARED
							  : PLAIN;
	if (!terminal && !(many && error_kind == SHARED))
		return;
	signal(SIGTTOU, SIG_IGN); /* a terminal that stops those in the background */
	fd = openat(AT_FDCWD, "/proc/self/fd/2", flags);
	if (fd < 0 && terminal && tcgetsid(STDERR_FILENO) >= 0)
		fd = openat(AT_FDCWD, "/dev/tty", flags);
	if (fd >= 0 && dup2(fd, STDERR_FILENO) >= 0)
		error_kind = PLAIN;
	if (fd >= 0)
		close(fd);
}

static void nap(long ms)
{
	const struct timespec time = { .tv_nsec = ms * 1000000 };

	(void)ppoll(NULL, 0, &time, NULL);
}

enum { NO_WAIT = 8 }; /* RWF_NOWAIT, of which musl doesn't know */

/* write(2) to a pipe or a terminal that has not been opened anew. */
static ssize_t write_shared(const char *at, size_t n)
{
	static const struct timespec now = { 0, 0 };
	struct iovec part = { .iov_base = (void *)at, .iov_len = n };
	struct pollfd p = { STDERR_FILENO, POLLOUT, 0 };
	ssize_t written = syscall(SYS_pwritev2, STDERR_FILENO, &part, 1, -1L, -1L, NO_WAIT);

	if (written >= 0 || errno == EAGAIN)
		return written;
	/* a FIFO, a terminal, or before Linux 6.4: what polls as writable takes PIPE_BUF bytes */
	if (ppoll(&p, 1, &now, NULL) == 0) {
		errno = EAGAIN;
		return -1;
	}
	return write(STDERR_FILENO, at, n < PIPE_BUF ? n : PIPE_BUF);
}

/* Like write(2), but EAGAIN where that would wait. */
static ssize_t write_error(const char *at, size_t n)
{
	switch (error_kind) {
	case SOCKET: return send(STDERR_FILENO, at, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	case SHARED: return write_shared(at, n);
	default: return write(STDERR_FILENO, at, n);
	}
}

/*
 * Datagrams for syslog and for the journal. syslog(3) and sd_journal_send(3) wait for a daemon that
 * doesn't read. The socket is not connected: a daemon that is started anew binds another socket at
 * the same path, and the confined process may not call connect(2).
 */
static int datagrams = -1;
static const struct sockaddr_un syslog_address = { AF_UNIX, "/dev/log" },
				journal_address = { AF_UNIX, "/run/systemd/journal/socket" };

static void open_datagrams(void)
{
	if (datagrams < 0)
		datagrams = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static ssize_t send_datagram(const struct sockaddr_un *to, const char *at, size_t n)
{
	return sendto(datagrams, at, n, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)to,
		      sizeof(*to));
}

/* Without the time and the host of RFC 3164, which the daemon on the same host knows. */
enum { SYSLOG_PREFIX = 40 };

static size_t syslog_prefix(char prefix[SYSLOG_PREFIX], int priority)
{
	return (size_t)snprintf(prefix, SYSLOG_PREFIX, "<%d>wwwd[%d]: ", LOG_DAEMON | priority,
				(int)getpid());
}

/* False if standard error, or syslog in its place, does not take the line now. */
__attribute__((format(printf, 2, 3))) static bool say(int priority, const char *format, ...)
{
	struct stat err = look_at_error();
	bool clients = is_clients(&err);
	char line[SYSLOG_PREFIX + 1024];
	size_t prefix, n;
	va_list args;

	if (clients)
		prefix = syslog_prefix(line, priority);
	else if (is_journals(&err))
		prefix = (size_t)sprintf(line, "<%d>", priority); /* sd-daemon(3) */
	else
		prefix = (size_t)sprintf(line, "wwwd: ");
	va_start(args, format);
	n = prefix + (size_t)vsnprintf(line + prefix, sizeof(line) - prefix, format, args);
	va_end(args);
	if (n >= sizeof(line)) {
		n = sizeof(line) - 1;
		memcpy(line + n - 3, "...", 3);
	}
	for (char *c = line + prefix; c < line + n; c++) /* no line of its own, and no colours */
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	survive_writing();
	if (clients) {
		open_datagrams();
		return send_datagram(&syslog_address, line, n) >= 0;
	}
	prepare_error(&err, true);
	line[n++] = '\n';
	return write_error(line, n) == (ssize_t)n;
}

#define die(...) (say(LOG_ERR, __VA_ARGS__), exit(EXIT_FAILURE))
#define usage(...) (say(LOG_ERR, __VA_ARGS__), exit(EXIT_USAGE))

/* ---- options -------------------------------------------------------------- */

static struct options {
	const char *dir, *port, *user, *log;
	const char *host[HOSTS_MOST];
	size_t hosts;
	bool no_listing, quiet, verbose;
	int64_t exit_idle_time; /* us, 0 never */
	uint64_t workers, cache, connections, memory, socket_mode;
	uint64_t line, header, fields, body, stall_rate, requests;
	int64_t header_time, idle_time, stall_time;
} options = {
	.workers = 1,
	.cache = 8 << 20,
	.socket_mode = UINT64_MAX, /* as umask(2) leaves it */
	.line = 8 << 10,
	.header = 32 << 10,
	.fields = 100,
	.body = 1 << 20,
	.header_time = 10000000,
	.idle_time = 15000000,
	.stall_time = 30000000,
	.stall_rate = 1 << 10,
	.requests = 1000,
};

static LARGE char headers[HTTP_HEADERS_MOST];
static size_t headers_len;

enum kind { WORD, FLAG, SIZE, COUNT, SECONDS, MODE, HOST, HEADER, WORKERS, HELP, ABOUT };

static const struct option_row {
	const char *name;
	char letter;
	enum kind kind;
	const char *argument;
	void *value;
	uint64_t least, most;
	const char *help;
	enum width { WHOLE, HALF } width; /* of a line of help */
} option_rows[] = {
	{ "dir", 'd', WORD, "DIR", &options.dir, 0, 0, "the folder to serve", WHOLE },
	{ "host", 'h', HOST, "ADDR", NULL, 0, 0, "listen at an address, a name, '*' or a UNIX path",
	  WHOLE },
	{ "port", 'p', WORD, "PORT", &options.port, 0, 0,
	  "port to listen at: number, service, 0 for any (8080)", WHOLE },
	{ "socket-mode", 0, MODE, "MODE", &options.socket_mode, 0, 0777,
	  "mode of UNIX sockets, octal (as umask leaves it)", WHOLE },
	{ "user", 0, WORD, "USER", &options.user, 0, 0, "user that root becomes (nobody)", WHOLE },
	{ "header", 0, HEADER, "LINE", NULL, 0, 0, "add 'Name: value' to every response", WHOLE },
	{ "no-listing", 0, FLAG, NULL, &options.no_listing, 0, 0,
	  "answer 404 for a folder without index.html", WHOLE },
	{ "log", 0, WORD, "FILE", &options.log, 0, 0, "append the log to it; SIGHUP opens it anew",
	  WHOLE },
	{ "quiet", 0, FLAG, NULL, &options.quiet, 0, 0, "write no log", WHOLE },
	{ "verbose", 0, FLAG, NULL, &options.verbose, 0, 0,
	  "say what confines wwwd, and why it refuses requests", WHOLE },
	{ "workers", 0, WORKERS, "N", &options.workers, 1, WORKERS_MOST,
	  "processes that share the port, or 'auto' (1)", WHOLE },
	{ "cache", 0, SIZE, "SIZE", &options.cache, 0, 1 << 30,
	  "memory for small responses, 0 for none (8M)", WHOLE },
	{ "memory", 0, SIZE, "SIZE", &options.memory, MEMORY_LEAST, INT64_MAX,
	  "memory for all connections (1/4 of machine or cgroup)", WHOLE },
	{ "exit-idle-time", 0, SECONDS, "SEC", &options.exit_idle_time, 0, TIME_MOST,
	  "exit when unused so long (never; 60 for inetd wait)", WHOLE },
	{ "line-max", 0, SIZE, "SIZE", &options.line, 64, HTTP_LINE_MOST, "8K request line", HALF },
	{ "header-max", 0, SIZE, "SIZE", &options.header, 64, 1 << 20, "32K header", HALF },
	{ "fields-max", 0, COUNT, "N", &options.fields, 1, 10000, "100 fields", HALF },
	{ "body-max", 0, SIZE, "SIZE", &options.body, 0, INT64_MAX, "1M request body", HALF },
	{ "header-time", 0, SECONDS, "SEC", &options.header_time, 1, TIME_MOST, "10 for a header",
	  HALF },
	{ "idle-time", 0, SECONDS, "SEC", &options.idle_time, 1, TIME_MOST, "15 while idle", HALF },
	{ "stall-time", 0, SECONDS, "SEC", &options.stall_time, 1, TIME_MOST, "30 at less than",
	  HALF },
	{ "stall-rate", 0, SIZE, "SIZE", &options.stall_rate, 0, 1 << 30, "1K per second", HALF },
	{ "requests-max", 0, COUNT, "N", &options.requests, 1, UINT32_MAX, "1000 then close",
	  HALF },
	{ "connections-max", 0, COUNT, "N", &options.connections, 1, INT_MAX, "half ulimit -n",
	  HALF },
	{ "help", 0, HELP, NULL, NULL, 0, 0, "print this", WHOLE },
	{ "version", 0, ABOUT, NULL, NULL, 0, 0, "print the version and what was built in", WHOLE },
};

/* To standard output, but not through stdio, whose buffer would be memory of every start. */
__attribute__((format(printf, 1, 2))) static void print(const char *form, ...)
{
	va_list args;

	va_start(args, form);
	if (vdprintf(STDOUT_FILENO, form, args) < 0)
		exit(EXIT_FAILURE);
	va_end(args);
}

/* One screen: the limits, which have a default to tell and little else, two to a line. */
static void print_help(void)
{
	print("usage: wwwd [-d DIR] [-h ADDR]... [-p PORT] [OPTION]...\n"
	      "Answers the connection it was started with, or listens at ADDR and PORT.\n");
	for (size_t i = 0, column = 0; i < LENGTH(option_rows); i++) {
		const struct option_row *row = &option_rows[i];
		const char *end = row->width == HALF && column == 0 ? "" : "\n";
		char option[32];

		snprintf(option, sizeof(option), "--%s %s", row->name,
			 row->argument ? row->argument : "");
		if (row->letter)
			print("-%c, %-22s %s%s", row->letter, option, row->help, end);
		else if (row->width == WHOLE)
			print("    %-22s %s%s", option, row->help, end);
		else
			print("    %-20s %-*s%s", option, *end ? 0 : 15, row->help, end);
		column = row->width == HALF && column == 0;
	}
	print("Sizes take K, M and G; times are seconds. The rest is in wwwd(8).\n");
	exit(EXIT_SUCCESS);
}

static void print_version(void)
{
#ifdef WWWD_STATIC
	print("wwwd " VERSION " (static, without libsystemd)\n");
#else
	print("wwwd " VERSION " (libsystemd on need)\n");
#endif
	print("openat2, Landlock, seccomp, epoll\n");
	exit(EXIT_SUCCESS);
}

/* Digits, counting units; what follows them is left for the caller. */
static bool parse_digits(const char **word, uint64_t unit, uint64_t *amount)
{
	const char *at = *word;
	uint64_t n = 0;

	for (; *at >= '0' && *at <= '9'; at++) {
		if (n > (UINT64_MAX / unit - 9) / 10)
			return false;
		n = n * 10 + (uint64_t)(*at - '0');
	}
	if (at == *word)
		return false;
	*word = at;
	*amount = n * unit;
	return true;
}

/* Perhaps a fraction, of seconds; perhaps a unit, of sizes; nothing else. */
static bool parse_amount(const char *word, enum kind kind, uint64_t *amount)
{
	static const char units[] = "KMG";
	const char *unit;

	if (!parse_digits(&word, kind == SECONDS ? 1000000 : 1, amount))
		return false;
	if (kind == SECONDS && *word == '.') {
		uint64_t place = 100000;

		for (word++; *word >= '0' && *word <= '9'; word++, place /= 10)
			*amount += place * (uint64_t)(*word - '0');
	}
	if (kind == SIZE && *word && (unit = strchr(units, *word & ~0x20))) {
		uint64_t shift = 10 * (uint64_t)(unit - units + 1);

		if (*amount > UINT64_MAX >> shift)
			return false;
		*amount <<= shift;
		word++;
	}
	return *word == '\0';
}

/* As it would be written on the command line. */
static const char *show_amount(char text[32], enum kind kind, uint64_t amount)
{
	static const char *const units[] = { "", "K", "M", "G" };
	uintmax_t whole = kind == SECONDS ? amount / 1000000 : amount;
	size_t unit = 0;

	while (kind == SIZE && unit + 1 < LENGTH(units) && whole && whole % 1024 == 0)
		unit++, whole /= 1024;
	if (kind == SECONDS && amount % 1000000)
		snprintf(text, 32, "%ju.%06u", whole, (unsigned)(amount % 1000000));
	else
		snprintf(text, 32, "%ju%s", whole, units[unit]);
	return text;
}

static void take_amount(const struct option_row *row, const char *word)
{
	char least[32], most[32];
	uint64_t *value = row->value, amount;

	if (!parse_amount(word, row->kind, &amount))
		usage("--%s: '%s' is not a number%s", row->name, word,
		      row->kind == SIZE      ? " of bytes"
		      : row->kind == SECONDS ? " of seconds"
					     : "");
	if (amount < row->least || amount > row->most)
		usage("--%s: %s is out of range, which is %s to %s", row->name, word,
		      show_amount(least, row->kind, row->least),
		      show_amount(most, row->kind, row->most));
	*value = amount;
}

/* An address alone: what people add to it is said in another way. */
static void take_host(const char *host)
{
	const char *colon = strrchr(host, ':');

	if (strstr(host, "://"))
		usage("-h %s: an address is needed, not a URL (the port is said with -p)", host);
	if (colon && colon > host && !strchr(host, '/') &&
	    (host[0] == '[' ? colon[-1] == ']' : colon == strchr(host, ':')))
		usage("-h %s: the port is said with -p: -h %.*s -p %s", host, (int)(colon - host),
		      host, colon + 1);
	if (options.hosts == HOSTS_MOST)
		usage("--host: more than %d of them", HOSTS_MOST);
	options.host[options.hosts++] = host;
}

static void take_mode(const struct option_row *row, const char *word)
{
	char *end;
	uint64_t mode = strtoul(word, &end, 8);

	if (word[strspn(word, "01234567")] != '\0' || *end || mode > row->most)
		usage("--%s: '%s' is not an octal mode up to 777", row->name, word);
	*(uint64_t *)row->value = mode;
}

static void take_header(const char *line)
{
	const char *fault = http_header_fault(line);
	size_t n = strlen(line);

	if (fault)
		usage("--header: '%s' %s", line, fault);
	if (headers_len + n + 3 > sizeof(headers))
		usage("--header: all of them together are too long");
	stpcpy(stpcpy(headers + headers_len, line), "\r\n");
	headers_len += n + 2;
}

static void take_workers(const struct option_row *row, const char *word)
{
	cpu_set_t cpus;

	if (strcmp(word, "auto") != 0) {
		take_amount(row, word);
	} else {
		CPU_ZERO(&cpus);
		options.workers = sched_getaffinity(0, sizeof(cpus), &cpus) == 0
					  ? (uint64_t)CPU_COUNT(&cpus)
					  : 1;
		if (options.workers > WORKERS_MOST)
			options.workers = WORKERS_MOST;
	}
}

static void take_option(const struct option_row *row, const char *word)
{
	if (row->argument && !*word)
		usage("--%s: its value is empty", row->name);
	switch (row->kind) {
	case WORD: *(const char **)row->value = word; break;
	case FLAG: *(bool *)row->value = true; break;
	case HOST: take_host(word); break;
	case MODE: take_mode(row, word); break;
	case HEADER: take_header(word); break;
	case WORKERS: take_workers(row, word); break;
	case HELP: print_help(); break;
	case ABOUT: print_version(); break;
	default: take_amount(row, word);
	}
}

/* Of a short option only its letter is sure: it may have stood among others. */
_Noreturn static void refuse_option(int fault, const char *word)
{
	char letter[] = { '-', (char)optopt, '\0' };

	usage("%s '%s' (see --help)", fault == '?' ? "no such option:" : "no value for",
	      strncmp(word, "--", 2) == 0 ? word : letter);
}

static void read_options(int argc, char **argv)
{
	struct option longs[LENGTH(option_rows) + 1] = { { 0 } };
	int c, row;

	for (size_t i = 0; i < LENGTH(option_rows); i++)
		longs[i] =
			(struct option){ option_rows[i].name,
					 option_rows[i].argument ? required_argument : no_argument,
					 NULL, option_rows[i].letter };
	opterr = 0;
	while (row = -1, (c = getopt_long(argc, argv, ":d:h:p:", longs, &row)) != -1) {
		if (c == '?' || c == ':')
			refuse_option(c, optind - 1 < argc ? argv[optind - 1] : "");
		for (size_t i = 0; row < 0 && i < LENGTH(option_rows); i++)
			if (option_rows[i].letter == c)
				row = (int)i;
		take_option(&option_rows[row], optarg);
	}
	if (optind < argc)
		usage("what is '%s'? (see --help)", argv[optind]);
}

/* "/", "//", "/.": all of it is meant. */
static bool names_root(const char *dir)
{
	return dir[0] == '/' && strspn(dir, "/.") == strlen(dir);
}

/*
 * A server that is started in the wrong place must not give away everything. The dot behind the
 * name has the kernel look whether we may search the folder, without which every answer is 403.
 */
static int open_root(bool person)
{
	const char *dir = options.dir ? options.dir : ".";
	char path[strlen(dir) + sizeof("/.")];
	struct stat root, st;
	int fd;

	if (!options.dir && !person)
		usage("-d DIR is needed: the folder to serve");
	stpcpy(stpcpy(path, dir), "/.");
	fd = openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == EACCES)
		die("%s: %s for uid %u", dir, strerror(errno), (unsigned)geteuid());
	if (fd < 0)
		die("%s: %s", dir, strerror(errno));
	if (dir[strspn(dir, "./")] == '\0' && !names_root(dir) && stat("/", &root) == 0 &&
	    fstat(fd, &st) == 0 && root.st_dev == st.st_dev && root.st_ino == st.st_ino)
		die("this would serve all of /: say -d / if that is meant");
	while (fd >= 0 && fd <= STDERR_FILENO) /* 0, 1 or 2 was closed: let them be nobody's */
		fd = dup(fd);
	if (fd < 0)
		die("%s: %s", dir, strerror(errno));
	return fd;
}

/* ---- libsystemd, on first need -------------------------------------------- */

enum { FIRST_PASSED = 3 }; /* sd_listen_fds(3) */

static bool speaks_for_all = true; /* a worker doesn't: its parent does */

/*
 * Linking it costs half a millisecond a start, which is what most connections
 * live. So it is loaded where the environment speaks of systemd, and the ELF
 * note tells packagers of it (uapi-group.org, "ELF dlopen metadata").
 */
#ifndef WWWD_STATIC
__asm__(".pushsection .note.dlopen, \"a\", %note\n"
	".balign 4\n"
	".long 2f - 1f, 4f - 3f, 0x407c0c0a\n"
	"1: .asciz \"FDO\"\n"
	"2: .balign 4\n"
	"3: .asciz \"[{\\\"feature\\\":\\\"systemd\\\",\\\"description\\\":"
	"\\\"socket activation and readiness\\\",\\\"priority\\\":\\\"recommended\\\","
	"\\\"soname\\\":[\\\"libsystemd.so.0\\\"]}]\"\n"
	"4: .balign 4\n"
	".popsection\n");

static struct {
	__typeof__(sd_listen_fds) *listen_fds;
	__typeof__(sd_notify) *notify;
} systemd;

/* NULL, or why there is none. */
static const char *load_systemd(void)
{
	const struct {
		const char *name;
		void *function;
	} symbols[] = {
		{ "sd_listen_fds", &systemd.listen_fds },
		{ "sd_notify", &systemd.notify },
	};
	void *library;

	if (systemd.notify)
		return NULL;
	library = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);
	for (size_t i = 0; library && i < LENGTH(symbols); i++) {
		void *function = dlsym(library, symbols[i].name);

		if (!function)
			library = NULL;
		memcpy(symbols[i].function, &function, sizeof(function));
	}
	return library ? NULL : dlerror();
}

/* How many descriptors systemd passed, from FIRST_PASSED on. */
static int listen_fds(void)
{
	const char *fault = load_systemd();
	int n;

	if (fault)
		die("$LISTEN_FDS is set, but %s", fault);
	n = systemd.listen_fds(1);
	if (n < 0)
		die("$LISTEN_FDS=%s: %s", getenv("LISTEN_FDS"), strerror(-n));
	return n;
}

static void open_manager(void)
{
	const char *fault = getenv("NOTIFY_SOCKET") ? load_systemd() : NULL;

	if (fault)
		say(LOG_WARNING, "$NOTIFY_SOCKET is set, but %s", fault);
}

static void notify(const char *state)
{
	if (speaks_for_all && systemd.notify)
		systemd.notify(0, state);
}
#else
/* The static build can't load it, and does these two itself. */
static int listen_fds(void)
{
	const char *value = getenv("LISTEN_FDS"), *end = value;
	uint64_t n;

	if (!parse_digits(&end, 1, &n) || *end || n > LISTENERS_MOST)
		die("$LISTEN_FDS=%s: %s", value, strerror(EINVAL));
	for (int fd = FIRST_PASSED; fd < FIRST_PASSED + (int)n; fd++)
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
			die("$LISTEN_FDS=%s: descriptor %d: %s", value, fd, strerror(errno));
	return (int)n;
}

static int notify_socket = -1; /* connected: its address is out of reach later */

static void open_manager(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	size_t n = path ? strlen(path) : 0;

	if (n == 0)
		return;
	errno = ENAMETOOLONG;
	if (n <= sizeof(address.sun_path)) {
		memcpy(address.sun_path, path, n);
		if (path[0] == '@') /* people's way to write a name that is no file's */
			address.sun_path[0] = '\0';
		notify_socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		n += offsetof(struct sockaddr_un, sun_path);
		if (connect(notify_socket, (struct sockaddr *)&address, (socklen_t)n) == 0)
			return;
	}
	say(LOG_WARNING, "$NOTIFY_SOCKET=%s: %s", path, strerror(errno));
}

static void notify(const char *state)
{
	if (speaks_for_all && notify_socket >= 0)
		(void)send(notify_socket, state, strlen(state), MSG_NOSIGNAL);
}
#endif

/* $LISTEN_PID says whom the descriptors are for; not every child that inherits the variables. */
static bool has_listen_fds(void)
{
	const char *fds = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");

	return fds && pid && strtol(pid, NULL, 10) == getpid();
}

/* ---- listening ------------------------------------------------------------ */

/* The port of both families stands in the same place. */
union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

enum { EVERY_WORKER = -1 };

static LARGE struct listener {
	int fd;
	int worker;   /* whose it is */
	char *banner; /* what is served where, to be said at start; or NULL */
} listeners[LISTENERS_MOST];
static size_t listener_count;

/*
 * What the kernel takes before the peer's window has room for it. Left to
 * itself it takes some 3 MiB for each who asks for a large file and doesn't
 * read; of five hundred of those the whole machine's TCP has to wait.
 */
static const int unsent_most = 64 << 10;

static const int on = 1, off = 0;

static void add_listener(int fd, int worker, char *banner)
{
	int flags = fcntl(fd, F_GETFL);

	if (listener_count == LISTENERS_MOST)
		die("more than %d sockets to listen on", LISTENERS_MOST);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		die("descriptor %d: %s", fd, strerror(errno));
	/* accepted sockets inherit both: a UNIX socket has neither, and no need of them */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent_most, sizeof(unsent_most));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	listeners[listener_count++] = (struct listener){ fd, worker, banner };
}

static void close_listeners(void)
{
	while (listener_count)
		close(listeners[--listener_count].fd);
}

/* As people write it; a mapped IPv4 address as what it stands for. */
static const char *name_address(const union address *address, char name[INET6_ADDRSTRLEN])
{
	const struct in6_addr *in6 = &address->in6.sin6_addr;

	if (address->any.sa_family == AF_INET)
		return inet_ntop(AF_INET, &address->in.sin_addr, name, INET6_ADDRSTRLEN);
	if (IN6_IS_ADDR_V4MAPPED(in6))
		return inet_ntop(AF_INET, in6->s6_addr + 12, name, INET6_ADDRSTRLEN);
	return inet_ntop(AF_INET6, in6, name, INET6_ADDRSTRLEN);
}

__attribute__((format(printf, 1, 2))) static char *format(const char *form, ...)
{
	va_list args;
	char *text;

	va_start(args, form);
	if (vasprintf(&text, form, args) < 0)
		die("%s", strerror(errno));
	va_end(args);
	return text;
}

static const char *shown_root(void)
{
	static LARGE char path[PATH_MAX];
	const char *dir = options.dir ? options.dir : ".";

	return realpath(dir, path) ? path : dir;
}

/* With a URL that a terminal makes a link of. */
static char *make_banner(int fd)
{
	union address address = { .any.sa_family = AF_UNSPEC };
	socklen_t size = sizeof(address);
	char name[INET6_ADDRSTRLEN];
	const char *host;
	bool any, six;

	if (getsockname(fd, &address.any, &size) < 0)
		die("getsockname: %s", strerror(errno));
	host = name_address(&address, name);
	any = strcmp(host, "::") == 0 || strcmp(host, "0.0.0.0") == 0;
	six = !any && strchr(host, ':');
	return format("serving %s at http://%s%s%s:%u/%s", shown_root(), six ? "[" : "",
		      any ? "127.0.0.1" : host, six ? "]" : "", ntohs(address.in.sin_port),
		      any ? " and every other address" : "");
}

/* When all that can go wrong has gone well, and signals are looked after. */
static void print_banners(void)
{
	for (size_t i = 0; i < listener_count; i++)
		if (listeners[i].banner)
			say(LOG_NOTICE, "%s", listeners[i].banner);
}

/*
 * The first socket of an address is bound before it may be shared, so that a
 * port that another process has, even another wwwd, is refused; the others join it.
 */
static bool bind_and_listen(int fd, const struct sockaddr *address, socklen_t size, int worker)
{
	if (worker > 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0)
		return false;
	if (bind(fd, address, size) < 0)
		return false;
	if (worker == 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0)
		return false;
	return listen(fd, SOMAXCONN) == 0;
}

/* Port 0 is the kernel's choice: made once, and kept for the name's other addresses. */
static int listen_at(const struct addrinfo *ai, in_port_t *port, bool both, int worker)
{
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(union address);
	union address address;

	if (fd < 0)
		return -1;
	memcpy(&address, ai->ai_addr, ai->ai_addrlen);
	if (*port)
		address.in.sin_port = *port;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (ai->ai_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, both ? &off : &on, sizeof(on));
	if (!bind_and_listen(fd, &address.any, ai->ai_addrlen, worker)) {
		int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	if (getsockname(fd, &address.any, &size) == 0)
		*port = address.in.sin_port;
	return fd;
}

/* A socket for each worker: the kernel deals connections out evenly, and wakes nobody in vain. */
static bool listen_for_workers(const struct addrinfo *ai, in_port_t *port, bool both)
{
	int workers = (int)options.workers;

	for (int i = 0; i < workers; i++) {
		int worker = workers > 1 ? i : EVERY_WORKER;
		int fd = listen_at(ai, port, both, worker);

		if (fd < 0)
			return false;
		add_listener(fd, worker, i == 0 ? make_banner(fd) : NULL);
	}
	return true;
}

static void listen_on_host(const char *host, const char *port)
{
	const struct addrinfo hints = { .ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM };
	bool both = strcmp(host, "*") == 0;
	struct addrinfo *list, *ai;
	char name[NI_MAXHOST];
	size_t n = strlen(host);
	in_port_t chosen = 0;
	int error;

	snprintf(name, sizeof(name), "%s", both ? "::" : host);
	if (host[0] == '[' && host[n - 1] == ']') /* as in a URL */
		snprintf(name, sizeof(name), "%.*s", (int)n - 2, host + 1);
	error = getaddrinfo(name, port, &hints, &list);

	if (error == EAI_SERVICE)
		usage("-p %s: neither a number nor a service of services(5)", port);
	if (error)
		die("-h %s: %s", host, gai_strerror(error));
	for (ai = list; ai; ai = ai->ai_next) {
		if (listen_for_workers(ai, &chosen, both))
			continue;
		if (errno == EAFNOSUPPORT && both) {
			listen_on_host("0.0.0.0", port);
			break;
		}
		/* "localhost" is ::1 too, even on a host without IPv6 */
		if ((errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL) || !ai->ai_next)
			die("%s port %s: %s", host, port, strerror(errno));
	}
	freeaddrinfo(list);
}

/* A socket that nobody answers at was left behind; any other file is not ours to remove. */
static bool left_behind(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool refused = fd >= 0 &&
		       connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 &&
		       errno == ECONNREFUSED;

	close(fd);
	return refused;
}

static bool is_free(const struct sockaddr_un *address)
{
	struct stat st;
	bool unused;

	if (lstat(address->sun_path, &st) < 0)
		return errno == ENOENT;
	unused = S_ISSOCK(st.st_mode) && left_behind(address);
	errno = EADDRINUSE;
	return unused;
}

/* Of two that start at the same path the second waits here, and finds the first listening. */
static int lock_folder(const char *path, int length)
{
	char folder[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	int fd;

	snprintf(folder, sizeof(folder), "%.*s", length, path);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		(void)flock(fd, LOCK_EX);
	return fd;
}

static bool bind_path(int fd, const struct sockaddr_un *address)
{
	bool has_mode = options.socket_mode != UINT64_MAX, bound;
	mode_t mask = has_mode ? umask(0777 & ~(mode_t)options.socket_mode) : 0;

	bound = bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0;
	if (has_mode)
		umask(mask);
	return bound;
}

/*
 * The socket gets its name when it listens already: a client that finds one there is served, also
 * while one server replaces another that has left its socket behind.
 */
static void listen_on_path(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX }, fresh = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int folder = (int)(strrchr(path, '/') - path) + 1, lock;
	int n = snprintf(fresh.sun_path, sizeof(fresh.sun_path), "%.*s.wwwd.%d", folder, path,
			 (int)getpid());

	if (strlen(path) >= sizeof(address.sun_path) || n >= (int)sizeof(fresh.sun_path))
		die("%s: %s", path, strerror(ENAMETOOLONG));
	memcpy(address.sun_path, path, strlen(path) + 1);
	lock = lock_folder(path, folder);
	if (fd < 0 || !is_free(&address))
		die("%s: %s", path, strerror(errno));
	if (is_free(&fresh)) /* of a process that had the same number */
		unlink(fresh.sun_path);
	if (!bind_path(fd, &fresh))
		die("%s: %s", path, strerror(errno));
	if (listen(fd, SOMAXCONN) < 0 || rename(fresh.sun_path, path) < 0) {
		int error = errno;

		unlink(fresh.sun_path);
		die("%s: %s", path, strerror(error));
	}
	close(lock);
	add_listener(fd, EVERY_WORKER, format("serving %s at unix:%s", shown_root(), path));
}

static void listen_everywhere(void)
{
	const char *port = options.port ? options.port : "8080", *end = port;
	uint64_t number;

	if (parse_digits(&end, 1, &number) && *end == '\0' && number > UINT16_MAX)
		usage("-p %s: there are 65535 ports", port);

	if (options.hosts == 0)
		options.host[options.hosts++] = "127.0.0.1";
	for (size_t i = 0; i < options.hosts; i++)
		if (strchr(options.host[i], '/'))
			listen_on_path(options.host[i]);
		else
			listen_on_host(options.host[i], port);
}

/* ---- clients and the log -------------------------------------------------- */

/* A place in a list that ends where it begins; alone, it points to itself. */
struct link {
	struct link *previous, *next;
};

/* A connection, in the queue of the clock that runs for it. */
struct client {
	struct http_conn conn;  /* first, so that a conversation's address is its client's */
	struct link queued;     /* see queues */
	struct link holding;    /* see holders, or alone */
	struct link neighbours; /* of the same address */
	struct network *network;
	int64_t deadline; /* with which it stands in its queue */
	uint32_t events;  /* what epoll watches it for, 0 if it does not */
	int fd;
	uint8_t queue;
	union address peer;
};

static struct http_site site;
static struct http_common common;
static LARGE _Alignas(4096) char response_bytes[HTTP_OUT_SIZE];

static int64_t clock_start; /* what read_clock() counts from */

static int64_t read_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000 - clock_start;
}

static void tell_time(void)
{
	struct timespec wall;

	clock_gettime(CLOCK_REALTIME, &wall);
	http_tell(&common, read_clock(), &wall);
}

enum sink { NO_LOG, TO_FILE, TO_ERROR, TO_SYSLOG, TO_JOURNAL };

static struct {
	enum sink sink;
	int fd;      /* of a file */
	bool pieces; /* a pipe, a terminal, a socket, and not a file */
	struct stat error;
	char prefix[SYSLOG_PREFIX]; /* of each line */
} journal = { .fd = -1 };

/*
 * The lines that are written together, once a turn, and those for which there is no room yet. When
 * they fill the buffer the next ones are lost, and counted, until all of it is written: so an
 * outage is one gap, at whose end the log says how many.
 */
static LARGE char log_lines[LOG_BUFFER];
static size_t log_at, log_end;
static bool log_torn;     /* at log_at is the rest of a line whose beginning is written */
static int log_error;     /* why it takes nothing, or 0, */
static bool log_losing;   /* and there is no room for more */
static uint64_t log_lost; /* lines, until that is said */
static int64_t log_retry; /* when to try again, 0: the next time there is a line */
static int64_t log_pause; /* us from one try to the next */

/* What ends a record: of the journal's a line is only a part. */
static char end_of_record(void)
{
	return journal.sink == TO_JOURNAL ? '\0' : '\n';
}

/*
 * A file takes all at once. A pipe takes so many bytes whole or not at all: a line of ours is never
 * torn by those of others who write to it. Of datagrams each is a line.
 */
static size_t next_piece(void)
{
	const char *at = log_lines + log_at, *end = NULL;
	size_t n = log_end - log_at;

	if (journal.sink == TO_SYSLOG || journal.sink == TO_JOURNAL)
		end = memchr(at, end_of_record(), n);
	else if (journal.pieces && n > PIPE_BUF)
		end = memrchr(at, '\n', PIPE_BUF);
	return end ? (size_t)(end - at) + 1 : n;
}

/* Never waits. Returns how many bytes are done with, like write(2). */
static ssize_t write_piece(const char *at, size_t n)
{
	ssize_t sent;

	if (journal.sink == TO_FILE)
		return write(journal.fd, at, n);
	if (journal.sink == TO_ERROR)
		return write_error(at, n);
	sent = send_datagram(journal.sink == TO_SYSLOG ? &syslog_address : &journal_address, at,
			     n - 1);
	return sent < 0 ? sent : (ssize_t)n;
}

/* What reads the log is busy, or is being started anew; no event tells when that is over. */
static bool will_pass(int error)
{
	return error == EAGAIN || error == ENOENT || error == ECONNREFUSED;
}

/* A full disk or pipe must not stop the answers: the lines wait, and what doesn't fit is lost. */
static void put_off_log(int error)
{
	if (!log_error && journal.sink == TO_FILE && error != EAGAIN)
		say(LOG_ERR, "%s: %s: log lines may be lost", options.log, strerror(error));
	log_error = error;
	log_pause = log_pause ? 2 * log_pause : LOG_PAUSE_LEAST;
	if (log_pause > LOG_PAUSE_MOST)
		log_pause = LOG_PAUSE_MOST;
	log_retry = will_pass(error) ? common.clock + log_pause : 0;
}

static void tell_lost(void)
{
	const char *file = journal.sink == TO_FILE ? options.log : NULL;

	if (log_lost &&
	    say(LOG_WARNING, "%s%s%ju log line%s lost", file ? file : "", file ? ": " : "",
		(uintmax_t)log_lost, log_lost == 1 ? " was" : "s were"))
		log_lost = 0;
}

/*
 * A daemon that is only slower than the loop is given a moment before lines are lost: it takes what
 * it can get in a burst. One that takes nothing is not waited for.
 */
static void write_log(void)
{
	bool taken = false;

	if (log_retry > common.clock)
		return;
	while (log_at < log_end) {
		ssize_t n = write_piece(log_lines + log_at, next_piece());

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			put_off_log(n ? errno : ENOSPC);
			if (taken && log_end - log_at > LOG_BUFFER / 2)
				nap(1);
			return;
		}
		taken = true;
		log_at += (size_t)n;
		log_torn = log_lines[log_at - 1] != end_of_record();
		log_pause = 0;
	}
	log_at = log_end = 0;
	log_retry = 0;
	log_error = 0;
	log_losing = false;
	tell_lost();
}

/* The last lines of a process are given a moment. */
static void finish_log(void)
{
	for (int ms = 0; ms <= LOG_LAST_TIME; ms += 10) {
		log_retry = 0;
		write_log();
		if (log_error != EAGAIN)
			return;
		nap(10);
	}
}

static bool has_room(size_t n)
{
	if (log_end + n <= sizeof(log_lines))
		return true;
	if (log_at) {
		memmove(log_lines, log_lines + log_at, log_end - log_at);
		log_end -= log_at;
		log_at = 0;
	}
	return log_end + n <= sizeof(log_lines);
}

static void queue_line(const char *line, size_t n)
{
	size_t prefix = strlen(journal.prefix);

	if (!log_losing && !has_room(prefix + n)) {
		survive_writing();
		write_log();
		log_losing = !has_room(prefix + n);
	}
	if (log_losing) {
		log_lost++;
		return;
	}
	memcpy(log_lines + log_end, journal.prefix, prefix);
	memcpy(log_lines + log_end + prefix, line, n);
	log_end += prefix + n;
}

/*
 * The socket knows the client best. Behind a pipe or a UNIX socket (stunnel,
 * UCSPI-TLS) only the environment does; it is the supervisor's word, but the
 * log is a place to be careful in.
 */
static const char *peer_of_environment(void)
{
	static const char *const names[] = { "TCPREMOTEIP", "REMOTE_ADDR", "REMOTE_HOST" };
	static const char good[] =
		"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.:-_%";

	for (size_t i = 0; i < LENGTH(names); i++) {
		const char *value = getenv(names[i]);

		if (value && *value && strlen(value) < NI_MAXHOST &&
		    value[strspn(value, good)] == '\0')
			return strncmp(value, "::ffff:", 7) == 0 ? value + 7 : value;
	}
	return "-";
}

static const char *name_peer(const union address *peer, char name[INET6_ADDRSTRLEN])
{
	if (peer->any.sa_family == AF_INET || peer->any.sa_family == AF_INET6)
		return name_address(peer, name);
	return peer_of_environment();
}

enum { FIELD_SIZE = 2048, RECORD_SIZE = HTTP_LOG_LINE + 5 * FIELD_SIZE };

/* "NAME=value\n" at the end of a record. A newline in a value would begin another field. */
__attribute__((format(printf, 2, 3))) static void add_field(char **record, const char *form, ...)
{
	va_list args;
	int n;

	va_start(args, form);
	n = vsnprintf(*record, FIELD_SIZE, form, args);
	va_end(args);
	for (char *end = *record + (n < FIELD_SIZE ? n : FIELD_SIZE - 1); *record < end; ++*record)
		if (**record == '\n')
			**record = '?';
	*(*record)++ = '\n';
}

/*
 * A line for people, and its parts for journalctl's matches: systemd.io/JOURNAL_NATIVE_PROTOCOL.
 * There is room for the line and four long fields; the others fit where a fifth would.
 */
static void log_journal(const char *peer, const struct http_entry *entry, const char *line,
			size_t n)
{
	static const char *const names[] = { "METHOD", "PATH", "REFERER", "USER_AGENT" };
	const struct http_text texts[] = { entry->method, entry->target, entry->referer,
					   entry->agent };
	char record[RECORD_SIZE], *at = stpcpy(record, "MESSAGE=");

	at = (char *)mempcpy(at, line, n);
	for (size_t i = 0; i < LENGTH(texts); i++)
		if (texts[i].len)
			add_field(&at, "HTTP_%s=%.*s", names[i], (int)texts[i].len, texts[i].at);
	add_field(&at, "HTTP_STATUS=%d", entry->status);
	if (entry->reason)
		add_field(&at, "HTTP_REASON=%s", entry->reason);
	add_field(&at, "HTTP_BYTES=%ju", (uintmax_t)entry->bytes);
	add_field(&at, "REMOTE_ADDR=%s", peer);
	add_field(&at, "DURATION_USEC=%jd", (intmax_t)(read_clock() - entry->began));
	add_field(&at, "SYSLOG_IDENTIFIER=wwwd");
	add_field(&at, "PRIORITY=%d", LOG_NOTICE);
	*at++ = end_of_record();
	queue_line(record, (size_t)(at - record));
}

static void log_entry(const struct http_conn *conn, const struct http_entry *entry)
{
	const struct client *client = (const struct client *)conn;
	char line[HTTP_LOG_LINE], name[INET6_ADDRSTRLEN];
	const char *peer = name_peer(&client->peer, name);
	size_t n = http_log_line(line, peer, entry);

	if (journal.sink == TO_JOURNAL) {
		log_journal(peer, entry, line, n);
		return;
	}
	queue_line(line, n);
	if (options.verbose && entry->reason)
		queue_line(line, (size_t)snprintf(line, sizeof(line), "wwwd: %s: %d for %s\n", peer,
						  entry->status, entry->reason));
}

static int open_log_file(void)
{
	/* open(3) of musl asks twice for O_CLOEXEC */
	return openat(AT_FDCWD, options.log,
		      O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0640);
}

/* Again in each worker, whose process id is its own. */
static void name_log(void)
{
	if (journal.sink == TO_SYSLOG)
		(void)syslog_prefix(journal.prefix, LOG_NOTICE);
}

/* `many`: the log of many connections, whose lines the journal is given with their parts. */
static void open_log(bool many)
{
	struct stat st;
	bool clients;

	if ((!options.log && !options.quiet) || many || options.verbose) {
		journal.error = look_at_error();
		prepare_error(&journal.error, many);
	}
	clients = is_clients(&journal.error);
	if (clients)
		open_datagrams();
	if (options.quiet)
		return;
	journal.pieces = !S_ISREG(journal.error.st_mode);
	site.log = log_entry;
	if (options.log) {
		journal.sink = TO_FILE;
		journal.fd = open_log_file();
		if (journal.fd < 0)
			die("%s: %s", options.log, strerror(errno));
		journal.pieces = many && fstat(journal.fd, &st) == 0 && !S_ISREG(st.st_mode);
	} else if (clients) {
		journal.sink = TO_SYSLOG;
		name_log();
	} else if (!is_journals(&journal.error)) {
		journal.sink = TO_ERROR;
	} else if (many && access(journal_address.sun_path, W_OK) == 0) {
		journal.sink = TO_JOURNAL;
		open_datagrams();
	} else {
		journal.sink = TO_ERROR;
		stpcpy(journal.prefix, "<5>"); /* sd-daemon(3): notice */
	}
}

/* A line that was begun in the old file isn't ended in the new one. */
static void drop_torn_line(void)
{
	const char *end;

	if (!log_torn || log_at == log_end)
		return;
	end = memchr(log_lines + log_at, end_of_record(), log_end - log_at);
	log_at = end ? (size_t)(end - log_lines) + 1 : log_end;
	log_torn = false;
	log_lost++;
}

static void reopen_log(void)
{
	int fd;

	write_log();
	fd = open_log_file();
	if (fd < 0 || dup3(fd, journal.fd, O_CLOEXEC) < 0) {
		say(LOG_ERR, "%s: %s; the log goes on where it was", options.log, strerror(errno));
	} else {
		drop_torn_line();
		log_error = 0;
		log_retry = 0;
	}
	if (fd >= 0)
		close(fd);
}

/* ---- confinement ---------------------------------------------------------- */

/* A 32-bit processor has a second call of what ids, sizes and times have outgrown. */
enum {
#ifdef SYS_fcntl64
	CALL_SETUID = SYS_setuid32,
	CALL_SETGID = SYS_setgid32,
	CALL_SETGROUPS = SYS_setgroups32,
	CALL_GETTIME = SYS_clock_gettime64,
	CALL_FSTAT = SYS_statx,
	CALL_FSTATAT = SYS_fstatat64, /* where there is no statx(2) */
	CALL_SENDFILE = SYS_sendfile64,
	CALL_FCNTL = SYS_fcntl64,
	CALL_MMAP = SYS_mmap2,
	CALL_SEEK = SYS__llseek,
	CALL_PPOLL = SYS_ppoll_time64,
#else
	CALL_SETUID = SYS_setuid,
	CALL_SETGID = SYS_setgid,
	CALL_SETGROUPS = SYS_setgroups,
	CALL_GETTIME = SYS_clock_gettime,
	CALL_FSTAT = SYS_fstat,
	CALL_FSTATAT = SYS_newfstatat,
	CALL_SENDFILE = SYS_sendfile,
	CALL_FCNTL = SYS_fcntl,
	CALL_MMAP = SYS_mmap,
	CALL_SEEK = SYS_lseek,
	CALL_PPOLL = SYS_ppoll,
#endif
};

enum { NOBODY = 65534 }; /* everywhere on Linux, so that nobody has to be looked up */

/* Root becomes a user who can do nothing, or doesn't go on. Any other user stays the same. */
static void drop_root(void)
{
	const char *name = options.user ? options.user : "nobody";
	uid_t own = (uid_t)getauxval(AT_EUID), uid = NOBODY;
	gid_t gid = NOBODY;

	if (own != 0 && !options.user)
		return;
	if (options.user) {
		const struct passwd *user = (errno = 0, getpwnam(name));

		if (!user)
			die("--user %s: %s", name, errno ? strerror(errno) : "no such user");
		uid = user->pw_uid;
		gid = user->pw_gid;
	}
	if (uid == 0 || gid == 0)
		die("--user %s: that is root, who must not serve", name);
	if (own != 0 && own != uid)
		die("--user %s: only root can become another user", name);
	if (own != 0)
		return;
	/* the calls themselves: libc's functions go and look for threads first */
	if (syscall(CALL_SETGROUPS, 0, NULL) < 0 || syscall(CALL_SETGID, gid) < 0 ||
	    syscall(CALL_SETUID, uid) < 0)
		die("--user %s: %s", name, strerror(errno));
	/* root could open what this user can't search: every answer would be 403 */
	if (faccessat(site.root, ".", F_OK, 0) < 0)
		die("%s: %s for --user %s", options.dir ? options.dir : ".", strerror(errno), name);
}

/* linux/landlock.h as of Linux 6.12; what a kernel doesn't know yet isn't asked of it. */
struct landlock_attr {
	uint64_t handled_fs, handled_net, scoped;
};

enum {
	LANDLOCK_NET = 3,            /* bind and connect of TCP */
	LANDLOCK_SCOPE_ABSTRACT = 1, /* UNIX sockets without a path */
	LANDLOCK_SCOPE = 3,          /* those, and signals */
};

static const struct landlock_rights {
	int abi;
	unsigned fs_bits;
	uint64_t net, scoped;
} landlock_rights[] = {
	{ 6, 16, LANDLOCK_NET, LANDLOCK_SCOPE },
	{ 5, 16, LANDLOCK_NET, 0 },
	{ 4, 15, LANDLOCK_NET, 0 },
	{ 3, 15, 0, 0 },
	{ 2, 14, 0, 0 },
	{ 1, 13, 0, 0 },
};

static bool landlock_allow(int ruleset, int parent, uint64_t rights)
{
	const struct landlock_path_beneath_attr rule = { .allowed_access = rights,
							 .parent_fd = parent };

	return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
}

static const char *log_folder(char path[PATH_MAX])
{
	char *slash;

	snprintf(path, PATH_MAX, "%s", options.log);
	slash = strrchr(path, '/');
	if (slash)
		slash[slash == path] = '\0';
	return slash ? path : ".";
}

/* SIGHUP makes the log anew where it was. */
static bool landlock_allow_log(int ruleset)
{
	char path[PATH_MAX];
	bool good;
	int fd;

	fd = open(log_folder(path), O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (faccessat(AT_FDCWD, log_folder(path), W_OK, 0) < 0)
		say(LOG_WARNING, "%s: %s for uid %u: SIGHUP won't be able to make the log anew",
		    log_folder(path), strerror(errno), (unsigned)getuid());
	good = landlock_allow(ruleset, fd,
			      LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG);
	close(fd);
	return good;
}

static int make_ruleset(const struct landlock_rights *rights)
{
	const char *manager = getenv("NOTIFY_SOCKET"); /* which has to hear of the end */
	const struct landlock_attr attr = {
		(1u << rights->fs_bits) - 1,
		rights->net,
		rights->scoped &
			~(uint64_t)(manager && *manager == '@' ? LANDLOCK_SCOPE_ABSTRACT : 0),
	};
	size_t size = rights->scoped ? 24 : rights->net ? 16 : 8;

	return (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
}

/*
 * Reading beneath the root, and nothing else, ever. Returns the ABI in force, 0
 * for none. The newest is tried first: asking costs a call a connection. The
 * ruleset's descriptor stays open: it can do nothing any more.
 */
static int confine_files(bool many)
{
	const struct landlock_rights *rights = landlock_rights;
	int ruleset;

	while ((ruleset = make_ruleset(rights)) < 0 && rights->abi > 1)
		rights++;
	if (ruleset < 0 ||
	    !landlock_allow(ruleset, site.root,
			    LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR) ||
	    (options.log && many && !landlock_allow_log(ruleset)) ||
	    syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		return 0;
	return rights->abi;
}

/* What the kernel calls this processor. The calls of one that isn't here are not filtered. */
#if defined(__x86_64__)
#define SECCOMP_ARCH AUDIT_ARCH_X86_64
#elif defined(__i386__)
#define SECCOMP_ARCH AUDIT_ARCH_I386
#elif defined(__aarch64__)
#define SECCOMP_ARCH AUDIT_ARCH_AARCH64
#elif defined(__arm__) && defined(__ARMEL__)
#define SECCOMP_ARCH AUDIT_ARCH_ARM
#elif defined(__riscv) && __riscv_xlen == 64
#define SECCOMP_ARCH AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define SECCOMP_ARCH AUDIT_ARCH_PPC64LE
#elif defined(__powerpc64__)
#define SECCOMP_ARCH AUDIT_ARCH_PPC64
#elif defined(__s390x__)
#define SECCOMP_ARCH AUDIT_ARCH_S390X
#else
#define SECCOMP_ARCH 0
#endif

/* What the event loop calls once it runs, whatever the arguments. */
static const int loop_calls[] = {
	SYS_epoll_pwait, SYS_recvfrom,   CALL_FSTATAT,        CALL_FSTAT,     SYS_openat2,
	SYS_openat,      SYS_close,      SYS_pread64,         CALL_SENDFILE,  SYS_accept4,
	SYS_epoll_ctl,   SYS_shutdown,   SYS_write,           CALL_FCNTL,     CALL_GETTIME,
	SYS_getdents64,  SYS_readlinkat, SYS_munmap,          SYS_mremap,     SYS_madvise,
	SYS_brk,         SYS_read,       SYS_getsockopt,      SYS_writev,     SYS_dup3,
	SYS_futex,       CALL_SEEK,      SYS_restart_syscall, SYS_exit_group, SYS_setsockopt,
	SYS_getpid,      SYS_pwritev2,   CALL_PPOLL,
#ifdef SYS_send /* some processors have the short forms of sendto(2) and recvfrom(2) */
	SYS_send,        SYS_recv,
#endif
};

/* A call that is allowed if the lower half of one of its arguments, masked, has this value. */
struct narrow_call {
	int number;
	unsigned argument;
	uint32_t mask, value;
};

static const uint32_t ALL = UINT32_MAX, NOT_ANY = UINT32_MAX;

static struct sock_filter load(size_t offset)
{
	return (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset);
}

static struct sock_filter when(uint32_t value, size_t yes, size_t no)
{
	return (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, (uint8_t)yes,
					    (uint8_t)no);
}

static struct sock_filter answer(uint32_t verdict)
{
	return (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, verdict);
}

static struct sock_filter mask_with(uint32_t mask)
{
	return (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask);
}

/* Five steps, which end with a jump to `allow`, or go on. */
static size_t add_narrow_call(struct sock_filter *filter, size_t at, size_t allow,
			      const struct narrow_call *call)
{
	size_t argument = offsetof(struct seccomp_data, args) + sizeof(uint64_t) * call->argument +
			  (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0);

	filter[at++] = load(offsetof(struct seccomp_data, nr));
	filter[at++] = when((uint32_t)call->number, 0, 3);
	filter[at++] = load(argument);
	filter[at++] = mask_with(call->mask);
	filter[at] = when(call->value, allow - at - 1, 0);
	return at + 1;
}

/*
 * Whatever is not allowed fails with EPERM. The calls whose arguments are looked at come first: of
 * the others the kernel remembers that they are allowed. An address is allowed for the socket of the
 * log's datagrams alone: a seccomp filter can't see which address it is, but without connect(2) no
 * service that listens for streams can be reached, and a log whose daemon is restarted needs it.
 * sd_notify(3) needs a socket, and sendmsg(2) with an address, if there is a manager to be told of
 * the end. No memory becomes executable.
 */
static bool confine_calls(void)
{
	const bool notifies = speaks_for_all && getenv("NOTIFY_SOCKET");
	const struct narrow_call narrow_calls[] = {
		{ SYS_sendto, 5, ALL, 0 },                   /* no address, */
		{ SYS_sendto, 0, ALL, (uint32_t)datagrams }, /* or from this socket */
		{ CALL_MMAP, 2, PROT_EXEC, 0 },
		{ SYS_socket, 0, ALL, notifies ? AF_UNIX : NOT_ANY },
		{ SYS_sendmsg, 0, notifies ? 0 : ALL, notifies ? 0 : NOT_ANY },
#ifdef SYS_socketcall /* libc may use it; but for no new socket, whose family it hides */
		{ SYS_socketcall, 0, ALL, SYS_RECV },
		{ SYS_socketcall, 0, ALL, SYS_RECVFROM },
		{ SYS_socketcall, 0, ALL, SYS_SEND },
		{ SYS_socketcall, 0, ALL, SYS_SENDTO },
		{ SYS_socketcall, 0, ALL, SYS_ACCEPT4 },
		{ SYS_socketcall, 0, ALL, SYS_SHUTDOWN },
		{ SYS_socketcall, 0, ALL, SYS_SENDMSG },
		{ SYS_socketcall, 0, ALL, SYS_GETSOCKOPT },
		{ SYS_socketcall, 0, ALL, SYS_SETSOCKOPT },
#endif
	};
	enum { N = LENGTH(loop_calls), NARROW = LENGTH(narrow_calls) };
	enum { REFUSE = 3 + 5 * NARROW + N, ALLOW };
	struct sock_filter filter[ALLOW + 1];
	struct sock_fprog program = { LENGTH(filter), filter };
	size_t at = 0;

	filter[at++] = load(offsetof(struct seccomp_data, arch));
	filter[at] = when(SECCOMP_ARCH, 0, REFUSE - at - 1), at++;
	for (size_t i = 0; i < NARROW; i++)
		at = add_narrow_call(filter, at, ALLOW, &narrow_calls[i]);
	filter[at++] = load(offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < N; i++, at++)
		filter[at] = when((uint32_t)loop_calls[i], ALLOW - at - 1, 0);
	filter[at++] = answer(SECCOMP_RET_ERRNO | EPERM);
	filter[at++] = answer(SECCOMP_RET_ALLOW);
	errno = ENOSYS;
	return SECCOMP_ARCH && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

/* Where nothing is written but sockets and pipes, no file can grow. */
static bool writes_files(const struct http_end *out)
{
	struct stat st;

	return options.log || S_ISREG(journal.error.st_mode) ||
	       (out && !out->socket && fstat(out->fd, &st) == 0 && S_ISREG(st.st_mode));
}

/* With --verbose: what is in force here, which is what this kernel has. */
static void tell_confinement(int abi, bool many)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_BENEATH };
	long fd = syscall(SYS_openat2, site.root, ".", &how, sizeof(how));
	int mode = prctl(PR_GET_SECCOMP, 0, 0, 0, 0);
	const char *filter = mode < 0    ? "missing"
			     : mode == 2 ? "the supervisor's"
			     : many      ? "yes"
					 : "no (one connection)";

	say(LOG_NOTICE,
	    "confined: uid %u, no new privileges, openat2 %s, Landlock ABI %d, seccomp %s",
	    (unsigned)getuid(), fd < 0 ? "missing (names are walked)" : "yes", abi, filter);
	if (fd >= 0)
		close((int)fd);
}

/*
 * From here on a request can't make us write, connect or execute, whatever is
 * wrong with the code that reads it. `out` is the one connection, NULL for
 * many. The loop will add its seccomp filter; the one-connection process goes
 * without, for the filter would cost it more than a tenth of its life: its unit
 * brings one.
 */
static void confine(const struct http_end *out)
{
	static const struct rlimit nothing = { 0, 0 };
	int abi;

	drop_root();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		say(LOG_WARNING, "no_new_privs: %s", strerror(errno));
	if (!writes_files(out))
		(void)setrlimit(RLIMIT_FSIZE, &nothing);
	abi = confine_files(!out);
	if (!abi)
		say(LOG_WARNING, "Landlock: %s: on without it", strerror(errno));
	/* Landlock lets no core file be made either: a call less for one connection */
	if (!out || !abi)
		(void)setrlimit(RLIMIT_CORE, &nothing);
	if (options.verbose)
		tell_confinement(abi, !out);
}

/* ---- one connection ------------------------------------------------------- */

/* A response that one send(2) can't do begins: see struct http_end. */
static void prepare_end(int fd)
{
	int64_t stall = options.stall_time, time = stall < SEND_TIME ? stall : SEND_TIME;
	struct timeval most = { .tv_sec = time / 1000000, .tv_usec = time % 1000000 };

	signal(SIGPIPE, SIG_IGN);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof(most));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/* Untouched memory costs nothing: enough for the usual limits, and no malloc on the way. */
static void *one_work(void)
{
	static NEXT _Alignas(64) char usual[112 << 10];
	size_t size = http_work_size(&site.limits);

	if (size <= sizeof(usual))
		return usual;
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static int milliseconds_until(int64_t deadline)
{
	int64_t left = (deadline - common.clock + 999) / 1000;

	return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

/*
 * A request that has come already is answered before any clock but the calendar
 * matters: the other one starts with the first wait. That one reading is a system
 * call, for clock_gettime(3) first finds its way into the vDSO: two faults more.
 */
static void tell_first_time(void)
{
	struct timespec wall = { 0 };

	if (syscall(CALL_GETTIME, CLOCK_REALTIME, &wall) < 0)
		(void)clock_gettime(CLOCK_REALTIME, &wall);
	http_tell(&common, 0, &wall);
}

static void start_clock(void)
{
	if (!clock_start)
		clock_start = read_clock();
}

/*
 * The client may outlive the process that reads the log from a pipe, or the room for it.
 * At the end of the conversation that harms nobody, and most save these calls.
 */
static void write_log_midway(void)
{
	static bool safe;

	if (log_end && !safe) {
		safe = true;
		survive_writing();
	}
	write_log();
}

static size_t bounded_size(uint64_t size)
{
	return size < SIZE_MAX / 2 ? (size_t)size : SIZE_MAX / 2;
}

/* The supervisor's process: one conversation, then away, content whatever the client did. */
static int hold_one(struct http_end in, struct http_end out, const union address *peer)
{
	static struct client client;
	void *memory = one_work();
	enum http_want want;

	if (memory == MAP_FAILED)
		die("no memory for --line-max and --header-max");
	tell_first_time();
	site.prepare = prepare_end;
	common.out = response_bytes;
	common.memory_most = options.memory ? bounded_size(options.memory) : ONE_MEMORY;
	client.peer = *peer;
	http_open(&client.conn, &site, in, out, &common);
	client.conn.work = http_work_init(memory, &site.limits);
	while ((want = http_step(&client.conn, &common)) != HTTP_DONE) {
		struct pollfd polls[HTTP_POLLS];
		size_t count = http_polls(&client.conn, want, polls);

		start_clock();
		write_log_midway();
		if (count)
			(void)poll(polls, count, milliseconds_until(client.conn.deadline));
		tell_time();
	}
	finish_log();
	return EXIT_SUCCESS;
}

/* ---- many connections ----------------------------------------------------- */

static bool at_terminal; /* standard error is one */

/*
 * A queue for each clock, in the order of deadlines, for a clock runs equally long for each
 * connection; one for the connections that gave way and are to be called again; and one for those
 * that found no place.
 */
enum { WORKING = HTTP_CLOCKS, WAITING, QUEUES };
static struct link queues[QUEUES];

/*
 * The connections that hold memory, or held some when they were last looked at; those first that
 * have not been looked at for longest.
 */
static struct link holders;

static struct {
	int epoll;
	size_t count, most;           /* connections, */
	size_t waiting, waiting_most; /* and how many of them found no place yet */
	size_t peak;                  /* bytes, the most since memory was last given back */
	size_t memory;                /* bytes that they may hold */
	struct http_work *spare[SPARE_WORKS];
	size_t spares;
	int signals;          /* signalfd(2) */
	bool listening;       /* epoll watches the listeners */
	int64_t paused_until; /* where it doesn't */
	enum phase {
		SERVING,
		TOLD_TO_STOP,
		ASKING,    /* no more are accepted; requests that were begun may be completed, */
		FINISHING, /* and now only what is being sent is */
	} phase;
	int64_t phase_end;
} loop;

/* What the workers tell each other, who leave together when nobody has had a client for long. */
static struct shared {
	_Atomic int64_t active; /* when something last happened */
	_Atomic size_t clients[WORKERS_MOST];
} * shared;
static size_t own_number; /* among the workers */

static void count_client(bool more)
{
	loop.count += more ? 1 : -(size_t)1;
	shared->clients[own_number] = loop.count;
	shared->active = common.clock;
}

static bool has_clients(void)
{
	for (size_t i = 0; i < options.workers; i++)
		if (shared->clients[i])
			return true;
	return false;
}

/* When to leave if nobody comes: of clients of others only they hear the end. */
static int64_t leave_at(void)
{
	if (!options.exit_idle_time || loop.count)
		return INT64_MAX;
	return (has_clients() ? common.clock : shared->active) + options.exit_idle_time;
}

static struct http_work *take_work(void)
{
	void *memory;

	if (loop.spares)
		return loop.spare[--loop.spares];
	memory = malloc(http_work_size(&site.limits));
	return memory ? http_work_init(memory, &site.limits) : NULL;
}

static void give_work(struct http_work *work)
{
	if (loop.spares < SPARE_WORKS)
		loop.spare[loop.spares++] = work;
	else
		free(work);
}

/* ---- lists ---- */

static void make_alone(struct link *link)
{
	link->previous = link->next = link;
}

static bool is_alone(const struct link *link)
{
	return link->next == link;
}

static void take_out(struct link *link)
{
	link->previous->next = link->next;
	link->next->previous = link->previous;
	make_alone(link);
}

static void put_last(struct link *list, struct link *link)
{
	link->next = list;
	link->previous = list->previous;
	list->previous->next = link;
	list->previous = link;
}

static struct client *queued_client(struct link *link)
{
	return (struct client *)((char *)link - offsetof(struct client, queued));
}

static struct client *holding_client(struct link *link)
{
	return (struct client *)((char *)link - offsetof(struct client, holding));
}

static struct client *neighbour(struct link *link)
{
	return (struct client *)((char *)link - offsetof(struct client, neighbours));
}

/* A clock runs equally long for each connection, so the one that was set last is the last. */
static void enter_queue(struct client *client, size_t queue)
{
	client->queue = (uint8_t)queue;
	client->deadline = client->conn.deadline;
	put_last(&queues[queue], &client->queued);
	loop.waiting += queue == WAITING;
}

static void leave_queue(struct client *client)
{
	take_out(&client->queued);
	loop.waiting -= client->queue == WAITING;
}

/* False where the kernel has no memory for it, or watches as much as it may. */
static bool watch(struct client *client, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = client };

	if (client->events == events)
		return true;
	if (epoll_ctl(loop.epoll, client->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, client->fd,
		      &event) < 0)
		return false;
	client->events = events;
	return true;
}

/* The same of the listeners; those that were reached before one failed may be asked for again. */
static bool listen_on(bool yes)
{
	for (size_t i = 0; i < listener_count && yes != loop.listening; i++) {
		struct epoll_event event = { .events = EPOLLIN | EPOLLEXCLUSIVE,
					     .data.ptr = &listeners[i] };

		if (epoll_ctl(loop.epoll, yes ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, listeners[i].fd,
			      &event) < 0 &&
		    errno != EEXIST && errno != ENOENT)
			return false;
	}
	loop.listening = yes;
	return true;
}

/* ---- networks: the addresses that connections come from ---- */

/*
 * When all places are taken, the address that holds most of them gives one up. An address is
 * an IPv4 address, or the first half of an IPv6 address, which is what one customer has.
 */
struct network {
	struct network *chain;          /* in its bucket */
	struct network *before, *after; /* of those that hold as many places */
	struct link clients;            /* the oldest first */
	uint64_t address;
	size_t count;
};

enum { NETWORK_BUCKETS = 4096 };

static struct {
	struct network *bucket[NETWORK_BUCKETS];
	struct network **by_count; /* for each number of places up to `limit`, those that hold it */
	size_t limit, most;        /* most: the largest number that one holds */
	uint64_t key[2];           /* of the hash, so that no client can choose a bucket */
} networks;

static void begin_networks(const void *seed)
{
	memcpy(networks.key, seed, sizeof(networks.key));
	networks.limit = loop.most + loop.waiting_most;
	networks.by_count = calloc(networks.limit + 1, sizeof(struct network *));
	if (!networks.by_count)
		die("%s", strerror(errno));
}

static uint64_t network_address(const union address *peer)
{
	uint64_t address = 1; /* a prefix that nobody is given, for UNIX sockets */
	const struct in6_addr *in6 = &peer->in6.sin6_addr;

	if (peer->any.sa_family == AF_INET)
		return UINT64_C(1) << 32 | peer->in.sin_addr.s_addr;
	if (peer->any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(in6))
		return UINT64_C(1) << 32 | in6->s6_addr32[3];
	if (peer->any.sa_family == AF_INET6)
		memcpy(&address, in6, sizeof(address));
	return address;
}

static struct network **network_bucket(uint64_t address)
{
	uint64_t hash = (address ^ networks.key[0]) * (networks.key[1] | 1);

	return &networks.bucket[(hash ^ hash >> 29) * UINT64_C(0x9e3779b97f4a7c15) >> 52];
}

/* Those that hold as many; with a stop there may be more than `limit`. */
static struct network **equal_networks(const struct network *network)
{
	return &networks.by_count[network->count < networks.limit ? network->count
								  : networks.limit];
}

/* Its count changes: it moves to the list of those that hold as many. */
static void count_network(struct network *network, size_t count)
{
	struct network **list = equal_networks(network);

	if (network->count) {
		*(network->before ? &network->before->after : list) = network->after;
		if (network->after)
			network->after->before = network->before;
	}
	network->count = count;
	if (count) {
		list = equal_networks(network);
		network->before = NULL;
		network->after = *list;
		if (network->after)
			network->after->before = network;
		*list = network;
		if (networks.most < (size_t)(list - networks.by_count))
			networks.most = (size_t)(list - networks.by_count);
	}
	while (networks.most && !networks.by_count[networks.most])
		networks.most--;
}

static bool enter_network(struct client *client)
{
	uint64_t address = network_address(&client->peer);
	struct network **bucket = network_bucket(address), *network = *bucket;

	while (network && network->address != address)
		network = network->chain;
	if (!network) {
		network = calloc(1, sizeof(*network));
		if (!network)
			return false;
		network->address = address;
		make_alone(&network->clients);
		network->chain = *bucket;
		*bucket = network;
	}
	client->network = network;
	put_last(&network->clients, &client->neighbours);
	count_network(network, network->count + 1);
	return true;
}

static void leave_network(struct client *client)
{
	struct network *network = client->network, **at = network_bucket(network->address);

	take_out(&client->neighbours);
	count_network(network, network->count - 1);
	if (network->count)
		return;
	while (*at != network)
		at = &(*at)->chain;
	*at = network->chain;
	free(network);
}

/* ---- clients ---- */

static void end_client(struct client *client)
{
	http_drop(&client->conn, &common);
	if (client->conn.work)
		give_work(client->conn.work);
	leave_queue(client);
	take_out(&client->holding);
	leave_network(client);
	close(client->fd);
	free(client);
	count_client(false);
}

/* One more step of a conversation, with working memory for as long as it needs some. */
static void step_client(struct client *client)
{
	struct http_conn *conn = &client->conn;
	enum http_want want;
	size_t queue;

	if (!conn->work)
		conn->work = take_work();
	want = conn->work ? http_step(conn, &common) : HTTP_DONE;
	if (loop.phase >= ASKING && want == HTTP_READ && conn->clock == HTTP_IDLE && conn->answered)
		want = HTTP_DONE; /* it was kept alive before there was anything to finish */
	if (want == HTTP_DONE) {
		end_client(client);
		return;
	}
	if (!http_busy(conn)) {
		give_work(conn->work);
		conn->work = NULL;
	}
	queue = want == HTTP_AGAIN ? (size_t)WORKING : conn->clock;
	if (client->queue != queue || client->deadline != conn->deadline || queue == WORKING) {
		leave_queue(client);
		enter_queue(client, queue);
	}
	if (!http_settle(conn, &common) || !watch(client, want == HTTP_AGAIN   ? EPOLLHUP
							  : want == HTTP_WRITE ? EPOLLOUT
									       : EPOLLIN)) {
		end_client(client); /* nothing would ever call it again */
		return;
	}
	if (conn->held && is_alone(&client->holding))
		put_last(&holders, &client->holding);
}

/* What its client has not taken yet is forgotten. */
static void reset_client(struct client *client)
{
	http_forsake(&client->conn);
	end_client(client);
}

static struct client *new_client(int fd, const union address *peer)
{
	struct client *client = calloc(1, sizeof(*client));
	const struct http_end end = { .fd = fd, .socket = true, .prepared = true };

	if (!client)
		return NULL;
	client->fd = fd;
	client->peer = *peer;
	if (!enter_network(client)) {
		free(client);
		return NULL;
	}
	http_open(&client->conn, &site, end, end, &common);
	make_alone(&client->holding);
	enter_queue(client, HTTP_IDLE);
	count_client(true);
	return client;
}

/* ---- places: which connection gives way when there are too many ---- */

/* The oldest idle connection of an address that holds most places. */
static struct client *find_idle(const struct client *newcomer)
{
	struct link *at = queues[HTTP_IDLE].next;

	for (int n = 0; n < LOOKS && at != &queues[HTTP_IDLE]; n++, at = at->next) {
		struct client *client = queued_client(at);

		if (client != newcomer && client->network->count == networks.most)
			return client;
	}
	return NULL;
}

/* The oldest connection of this address that waits for its client to say more. */
static struct client *find_unfinished(const struct network *network)
{
	struct link *at = network->clients.next;

	for (int n = 0; n < LOOKS && at != &network->clients; n++, at = at->next)
		if (neighbour(at)->events == EPOLLIN)
			return neighbour(at);
	return NULL;
}

static bool all_taken(void)
{
	return loop.count - loop.waiting > loop.most;
}

/*
 * Closes a connection of an address that holds most: the oldest idle one, else the oldest whose
 * request is not finished. The newcomer is counted already; it is NULL where there is none, but a
 * lack of descriptors.
 */
static bool make_place(const struct client *newcomer)
{
	const struct network *network = networks.by_count[networks.most];
	struct client *client = find_idle(newcomer);

	if (newcomer && newcomer->network->count == networks.most)
		network = newcomer->network;
	if (!client && (network->count > 1 || !newcomer))
		client = find_unfinished(network);
	if (client)
		end_client(client);
	return client;
}

/* Whether the newcomer has a place, for which even a connection that is sending may be closed. */
static bool take_place(const struct client *newcomer)
{
	const struct network *network = networks.by_count[networks.most];
	size_t own = newcomer->network->count;
	struct client *oldest;
	bool placed;

	if (!all_taken() || make_place(newcomer))
		return true;
	if (own == networks.most)
		network = newcomer->network;
	if (network->count == 1 || (own == networks.most && loop.waiting < loop.waiting_most))
		return false; /* it waits */
	oldest = neighbour(network->clients.next);
	placed = oldest->queue != WAITING; /* one that waits has no place, but its turn */
	reset_client(oldest);
	return placed;
}

/* Of a client that waits for a place nothing is heard but that it is gone. */
static void wait_for_place(struct client *client)
{
	leave_queue(client);
	enter_queue(client, WAITING);
	if (!watch(client, EPOLLHUP))
		end_client(client);
}

static void admit_waiting(void)
{
	while (loop.waiting) {
		struct client *first = queued_client(queues[WAITING].next);

		if (loop.count - loop.waiting >= loop.most && !make_place(first))
			break;
		step_client(first);
	}
}

/* For lack of descriptors or memory: clients wait in the backlog. */
static void pause_accepting(int64_t time)
{
	(void)listen_on(false);
	loop.paused_until = common.clock + time;
}

static bool lacks_descriptors(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
}

/* Whether there may be more. */
static bool accept_some(const struct listener *listener)
{
	for (int n = 0; n < ACCEPTS; n++) {
		union address peer = { .any.sa_family = AF_UNSPEC };
		socklen_t size = sizeof(peer);
		struct client *client;
		int fd;

		if (loop.waiting > loop.waiting_most) {
			pause_accepting(PAUSE_TIME);
			return false;
		}
		fd = accept4(listener->fd, &peer.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
		/* EMFILE comes whether a client waits or not: of the first, epoll has said it */
		if (fd < 0 && lacks_descriptors(errno)) {
			if (n > 0)
				return true;
			if (loop.phase < ASKING && loop.count && make_place(NULL))
				continue;
			pause_accepting(PAUSE_TIME);
			return false;
		}
		if (fd < 0 && errno == EAGAIN)
			return false;
		if (fd < 0) /* that one is gone already: accept(2), "Error handling" */
			continue;
		client = new_client(fd, &peer);
		if (!client) {
			close(fd);
			continue;
		}
		if (take_place(client))
			step_client(client);
		else
			wait_for_place(client);
	}
	return true;
}

/*
 * Who waits to be accepted has been told that there is a connection, and may
 * have asked: closing the listener would reset it.
 */
static void accept_rest(void)
{
	for (size_t i = 0; i < listener_count; i++)
		for (int n = 0; n < SOMAXCONN && accept_some(&listeners[i]); n += ACCEPTS)
			;
}

/* A connection whose time is over gets a step, in which the conversation finds out. */
static void expire_clients(void)
{
	for (size_t i = 0, n = 0; i < HTTP_CLOCKS; i++) {
		struct client *client;

		for (; n < EXPIRIES && !is_alone(&queues[i]); n++) {
			client = queued_client(queues[i].next);
			if (client->deadline > common.clock)
				break;
			step_client(client);
		}
	}
}

/* The connections that gave way go on, each for a bounded step, in turn. */
static void step_working(void)
{
	for (int n = 0; n < WORKING_STEPS && !is_alone(&queues[WORKING]); n++)
		step_client(queued_client(queues[WORKING].next));
}

/* ---- memory: the slowest client gives way when there is too little ---- */

/*
 * When half of it is free again it is the kernel's: glibc by itself gives back only what lies above
 * the last piece that is in use.
 */
static void give_back_memory(void)
{
	enum { MUCH = 256 << 10 };
	size_t now = http_memory(&common) + loop.count * sizeof(struct client);

	if (now > loop.peak)
		loop.peak = now;
	if (loop.peak < MUCH || now > loop.peak / 2)
		return;
	loop.peak = now;
#ifndef WWWD_STATIC
	malloc_trim(0);
#endif
}

static bool out_of_memory(void)
{
	return http_memory(&common) > loop.memory;
}

/* Some of what connections may hold is left for those that are to come. */
static bool lacks_memory(void)
{
	return common.memory > common.memory_most - common.memory_most / 4 || out_of_memory();
}

/*
 * Looks at some of those that hold memory, and closes those that are slow for a while. When no
 * memory is left, those are closed that move nothing even for a moment, or else the slowest. Whether
 * it gained any.
 */
static bool relieve_memory(void)
{
	const struct link *last = holders.previous;
	const bool pressing = out_of_memory();
	const int64_t time = pressing ? SHORT_TIME : LONG_TIME, slow = pressing ? 1 : SLOW;
	size_t before = http_memory(&common);
	struct client *slowest = NULL;
	int64_t least = INT64_MAX;
	bool more = true;

	for (int n = 0; n < LOOKS && more && !is_alone(&holders) && lacks_memory(); n++) {
		struct client *client = holding_client(holders.next);
		int64_t pace = http_pace(&client->conn, &common, time);

		more = holders.next != last;
		take_out(&client->holding);
		if (!client->conn.held)
			continue;
		put_last(&holders, &client->holding);
		if (client->queue == WORKING) /* it waits for us */
			continue;
		if (pace < slow) {
			reset_client(client);
		} else if (pace < least) {
			slowest = client;
			least = pace;
		}
	}
	if (slowest && out_of_memory())
		reset_client(slowest);
	return http_memory(&common) < before;
}

/* When there is none left, and no client is slow yet, no more are accepted for a moment. */
static void keep_within_memory(void)
{
	for (int n = 0; n < RELIEFS && lacks_memory(); n++)
		if (!relieve_memory())
			break;
	if (out_of_memory() && loop.listening)
		pause_accepting(MEMORY_PAUSE_TIME);
}

/* A client that was never answered may have sent a request that is still on its way. */
static void end_idle(void)
{
	struct link *queue = &queues[HTTP_IDLE], *at = queue->next, *next;

	for (; at != queue; at = next) {
		next = at->next;
		if (queued_client(at)->conn.answered)
			end_client(queued_client(at));
	}
}

/* Time is up for clients that have not said all of a request: there is nothing to finish. */
static void end_unasked(void)
{
	for (size_t i = 0; i < HTTP_LINGERING; i++) {
		struct link *at = queues[i].next, *next;

		for (; at != &queues[i]; at = next) {
			next = at->next;
			if (queued_client(at)->events == EPOLLIN)
				end_client(queued_client(at));
		}
	}
}

/* The next request may have come already: each connection gets a step to find out. */
static void step_idle(void)
{
	struct link *queue = &queues[HTTP_IDLE], *at = queue->next, *last = queue->previous;
	bool more = at != queue;

	while (more) {
		struct link *next = at->next;

		more = at != last;
		step_client(queued_client(at));
		at = next;
	}
}

static void stop_loop(void)
{
	notify("STOPPING=1\nSTATUS=finishing what is being sent");
	loop.phase = ASKING;
	loop.phase_end = common.clock + ASKING_TIME;
	common.closing = true;
	loop.most = SIZE_MAX;
	admit_waiting();
	accept_rest();
	(void)listen_on(false);
	close_listeners();
	step_idle();
	end_idle();
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int time_to_wait(void)
{
	int64_t until = INT64_MAX;

	if (!is_alone(&queues[WORKING]))
		return 0;
	for (size_t i = 0; i < HTTP_CLOCKS; i++)
		if (!is_alone(&queues[i]))
			until = earlier(until, queued_client(queues[i].next)->deadline);
	if (loop.phase >= ASKING)
		until = earlier(until, loop.phase_end);
	else if (!loop.listening)
		until = earlier(until, loop.paused_until);
	if (common.cache)
		until = earlier(until, http_cache_tidy(common.cache, &common));
	if (log_retry)
		until = earlier(until, log_retry);
	if (lacks_memory()) /* to look at the holders again */
		until = earlier(until, common.clock + LONG_TIME);
	until = earlier(until, leave_at());
	return until == INT64_MAX ? -1 : milliseconds_until(until);
}

static bool is_listener(const void *pointer)
{
	return (const char *)pointer >= (const char *)listeners &&
	       (const char *)pointer < (const char *)(listeners + LENGTH(listeners));
}

/*
 * A connection that gave way, or waits for a place, is called when its turn comes. Meanwhile it only
 * hears that its client is gone; when the client has sent its last byte, though, those on the way are still to be read.
 */
static void handle_client(struct client *client, uint32_t events)
{
	if (client->queue < WORKING)
		step_client(client);
	else if (events & (EPOLLERR | EPOLLHUP) && client->conn.clock != HTTP_LINGERING)
		end_client(client);
}

/* SIGHUP: a log to open anew; or the terminal is gone; or it was meant for others. */
static bool hung_up(void)
{
	if (options.log)
		reopen_log();
	return !options.log && at_terminal;
}

/* As events among the others they are heard however busy the loop is, and never between two calls. */
static void watch_signals(void)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = &loop.signals };
	const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	sigset_t watched;

	sigemptyset(&watched);
	for (size_t i = 0; i < LENGTH(signals); i++)
		sigaddset(&watched, signals[i]);
	loop.signals = signalfd(-1, &watched, SFD_NONBLOCK | SFD_CLOEXEC);
	if (sigprocmask(SIG_BLOCK, &watched, NULL) < 0 || loop.signals < 0 ||
	    epoll_ctl(loop.epoll, EPOLL_CTL_ADD, loop.signals, &event) < 0)
		die("signalfd: %s", strerror(errno));
}

static void hear_signals(void)
{
	struct signalfd_siginfo info;

	while (read(loop.signals, &info, sizeof(info)) == sizeof(info))
		if ((info.ssi_signo != SIGHUP || hung_up()) && loop.phase == SERVING)
			loop.phase = TOLD_TO_STOP;
}

/* Clients first: accepting may close an idle one, whose event would still be in the array. */
static void handle_events(const struct epoll_event *events, int n)
{
	for (int i = 0; i < n; i++)
		if (events[i].data.ptr == &loop.signals)
			hear_signals();
		else if (!is_listener(events[i].data.ptr))
			handle_client(events[i].data.ptr, events[i].events);
	admit_waiting();
	for (int i = 0; i < n; i++)
		if (is_listener(events[i].data.ptr) && loop.listening)
			accept_some(events[i].data.ptr);
}

static void raise_limits(void)
{
	struct rlimit files = { 0, 0 };
	rlim_t own;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	/* a connection is a descriptor, or two while it sends a file; some are for us */
	own = listener_count + (files.rlim_cur > 1024 ? OWN_FILES : OWN_FILES_LEAST);
	if (files.rlim_cur < own + 2)
		die("%ju descriptors (ulimit -n) are too few to serve", (uintmax_t)files.rlim_cur);
	loop.waiting_most = (size_t)(files.rlim_cur - own) / 16;
	if (loop.waiting_most > WAITING_MOST)
		loop.waiting_most = WAITING_MOST;
	loop.most = ((size_t)(files.rlim_cur - own) - loop.waiting_most) / 2;
	if (options.connections)
		loop.most = (size_t)options.connections;
}

/* A number alone in a file; UINT64_MAX where there is none, as in "max". */
static uint64_t read_number(const char *path)
{
	char text[32];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	const char *at = text;
	uint64_t number;

	close(fd);
	if (n <= 0)
		return UINT64_MAX;
	text[n] = '\0';
	return parse_digits(&at, 1, &number) ? number : UINT64_MAX;
}

/* The least that the control group of this process, or one above it, allows: cgroups(7), version 2. */
static uint64_t cgroup_memory(void)
{
	static const char *const limits[] = { "max", "high" };
	char groups[PATH_MAX], path[PATH_MAX + 64], *group;
	int fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, groups, sizeof(groups) - 1);
	uint64_t least = UINT64_MAX;

	close(fd);
	groups[n < 0 ? 0 : n] = '\0';
	group = strstr(groups, "0::/");
	if (!group)
		return least;
	group += 3;
	group[strcspn(group, "\n")] = '\0';
	for (char *end = group + strlen(group); end; end = strrchr(group, '/')) {
		*end = '\0';
		for (size_t i = 0; i < LENGTH(limits); i++) {
			uint64_t limit;

			snprintf(path, sizeof(path), "/sys/fs/cgroup%s/memory.%s", group,
				 limits[i]);
			limit = read_number(path);
			if (limit < least)
				least = limit;
		}
	}
	return least;
}

/* A quarter of what the machine has, or the control group may have, unless --memory says more. */
static void share_memory(void)
{
	uint64_t machine = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t group = cgroup_memory(), memory = options.memory;

	if (!memory)
		memory = (group < machine ? group : machine) / 4;
	if (memory < MEMORY_LEAST * options.workers)
		memory = MEMORY_LEAST * options.workers;
	if (options.verbose)
		say(LOG_INFO, "memory for all connections: %ju MiB", (uintmax_t)memory >> 20);
	loop.memory = bounded_size(memory / options.workers);
}

/* All that the seccomp filter will not let us do later. */
static void begin_loop(void)
{
	/* 16 bytes that the kernel gives each program: NOLINTNEXTLINE(performance-no-int-to-ptr) */
	const void *seed = (const void *)getauxval(AT_RANDOM);
	size_t cache;

	for (size_t i = 0; i < QUEUES; i++)
		make_alone(&queues[i]);
	make_alone(&holders);
	begin_networks(seed);
	common.out = response_bytes;
	loop.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop.epoll < 0)
		die("epoll: %s", strerror(errno));
	cache = options.cache < loop.memory / 4 ? (size_t)options.cache : loop.memory / 4;
	/* what the cache will hold is not for listings */
	common.memory_most = loop.memory - loop.memory / 16 - cache;
	common.cache = http_cache_new(
		cache, (uint32_t)(loop.most / 8 < CACHED_FILES ? loop.most / 8 : CACHED_FILES),
		seed);
	tell_time();
	shared->active = common.clock;
	name_log();
	if (!listen_on(true))
		die("epoll: %s", strerror(errno));
}

static int hold_many(void)
{
	static LARGE struct epoll_event events[EVENTS];

	begin_loop();
	watch_signals();
	notify("READY=1\nSTATUS=serving"); /* where libc makes sockets by socketcall(2), not later */
	if (!confine_calls())
		say(LOG_WARNING, "seccomp: %s: on without it", strerror(errno));
	if (speaks_for_all)
		print_banners();
	while (loop.phase < ASKING || loop.count) {
		int n = epoll_pwait(loop.epoll, events, EVENTS, time_to_wait(), NULL);

		tell_time();
		handle_events(events, n);
		step_working();
		expire_clients();
		keep_within_memory();
		admit_waiting();
		give_back_memory();
		if (loop.phase < ASKING && !loop.listening && common.clock >= loop.paused_until &&
		    !listen_on(true))
			loop.paused_until = common.clock + PAUSE_TIME;
		if (loop.phase == TOLD_TO_STOP ||
		    (loop.phase == SERVING && common.clock >= leave_at()))
			stop_loop();
		write_log();
		if (loop.phase == ASKING && common.clock >= loop.phase_end) {
			loop.phase = FINISHING;
			loop.phase_end += STOP_TIME - ASKING_TIME;
		}
		if (loop.phase == FINISHING && common.clock >= loop.phase_end)
			break;
		if (loop.phase == FINISHING)
			end_unasked();
	}
	finish_log();
	return EXIT_SUCCESS;
}

/* ---- workers -------------------------------------------------------------- */

/*
 * Processes, each with a listener of its own at every address, which the parent
 * keeps open: when a worker dies its queue waits for the next one. Listeners that
 * were inherited, and those of AF_UNIX, are there only once and shared by all.
 */
static LARGE struct worker {
	pid_t pid; /* 0: it is not needed any more, -1: it is to be replaced */
	int64_t born;
} workers[WORKERS_MOST];
static bool unused;   /* one has left for want of clients, and the others have none */
static bool stopping; /* nobody is replaced any more */

static void keep_listeners(int worker)
{
	size_t kept = 0;

	for (size_t i = 0; i < listener_count; i++)
		if (listeners[i].worker == worker || listeners[i].worker == EVERY_WORKER)
			listeners[kept++] = listeners[i];
		else
			close(listeners[i].fd);
	listener_count = kept;
}

static void start_worker(struct worker *worker, pid_t parent)
{
	worker->born = read_clock();
	worker->pid = fork();
	if (worker->pid < 0)
		say(LOG_ERR, "fork: %s", strerror(errno));
	if (worker->pid != 0)
		return;
	speaks_for_all = false;
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent) /* it died before it could be asked about */
		exit(EXIT_SUCCESS);
	own_number = (size_t)(worker - workers);
	keep_listeners((int)own_number);
	exit(hold_many());
}

static void signal_workers(int signal)
{
	for (size_t i = 0; i < options.workers; i++)
		if (workers[i].pid > 0)
			kill(workers[i].pid, signal);
}

/* A worker that leaves by itself was unused, and so are the others, unless a client came just then. */
static void bury_worker(size_t number, int status)
{
	pid_t pid = workers[number].pid;

	shared->clients[number] = 0;
	workers[number].pid = stopping ? 0 : -1;
	if (WIFSIGNALED(status))
		say(LOG_ERR, "worker %d died (signal %d)", (int)pid, WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0)
		say(LOG_ERR, "worker %d died (status %d)", (int)pid, WEXITSTATUS(status));
	else if (!has_clients())
		unused = true;
}

static void bury_workers(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (size_t i = 0; i < options.workers; i++)
			if (workers[i].pid == pid)
				bury_worker(i, status);
}

static size_t count_workers(void)
{
	size_t count = 0;

	for (size_t i = 0; i < options.workers; i++)
		count += workers[i].pid != 0;
	return count;
}

/* A worker that dies as soon as it is born is not worth a busy loop. */
static void replace_dead(pid_t self)
{
	for (size_t i = 0; i < options.workers; i++)
		if (workers[i].pid < 0 && read_clock() - workers[i].born >= RESPAWN_TIME)
			start_worker(&workers[i], self);
}

/* A signal; none if a dead worker has to wait for its replacement, for a second at a time. */
static int await_signal(const sigset_t *awaited)
{
	const struct timespec while_dead = { .tv_sec = 1 };
	bool dead = false;

	for (size_t i = 0; i < options.workers; i++)
		dead |= workers[i].pid < 0;
	return sigtimedwait(awaited, NULL, dead ? &while_dead : NULL);
}

static void stop_workers(void)
{
	stopping = true;
	notify("STOPPING=1\nSTATUS=finishing what is being sent");
	close_listeners(); /* or they would be open until the last worker has left */
	signal_workers(SIGTERM);
	for (size_t i = 0; i < options.workers; i++)
		workers[i].pid = workers[i].pid < 0 ? 0 : workers[i].pid;
}

static int keep_workers(void)
{
	const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD };
	const pid_t self = getpid();
	sigset_t awaited;

	signal(SIGCHLD, SIG_DFL); /* ignored, as it may be inherited, nobody could be waited for */
	sigemptyset(&awaited);
	for (size_t i = 0; i < LENGTH(signals); i++)
		sigaddset(&awaited, signals[i]);
	if (sigprocmask(SIG_BLOCK, &awaited, NULL) < 0)
		die("sigprocmask: %s", strerror(errno));
	print_banners();
	for (size_t i = 0; i < options.workers; i++)
		start_worker(&workers[i], self);
	notify("READY=1\nSTATUS=serving");
	while (count_workers()) {
		int signal = await_signal(&awaited);

		bury_workers();
		if (signal == SIGHUP && options.log)
			signal_workers(SIGHUP);
		if (!stopping && (unused || signal == SIGTERM || signal == SIGINT ||
				  (signal == SIGHUP && hung_up())))
			stop_workers();
		if (!stopping)
			replace_dead(self);
	}
	return EXIT_SUCCESS;
}

/* ---- main ----------------------------------------------------------------- */

enum origin { LISTEN, PASSED, INETD_WAIT, ONE, TERMINAL };

/* Not a socket: a terminal wants a server, a pipe or a file an answer. */
static enum origin look_at_file(void)
{
	struct stat st;

	if (isatty(STDIN_FILENO))
		return TERMINAL;
	if (fstat(STDIN_FILENO, &st) < 0 || S_ISCHR(st.st_mode) || S_ISDIR(st.st_mode))
		usage("no request can come from standard input: say where to listen with -h or -p");
	return ONE;
}

/* What were we given? No flag says it. A peer is what only a connection has. */
static enum origin look_around(union address *peer)
{
	socklen_t size = sizeof(*peer), int_size = sizeof(int);
	int listening = 0;

	if (options.hosts || options.port)
		return LISTEN;
	if (has_listen_fds())
		return PASSED;
	if (getpeername(STDIN_FILENO, &peer->any, &size) == 0)
		return ONE;
	if (getsockopt(STDIN_FILENO, SOL_SOCKET, SO_ACCEPTCONN, &listening, &int_size) < 0) {
		if (errno != ENOTSOCK && errno != EBADF)
			die("standard input: %s", strerror(errno));
		return look_at_file();
	}
	return listening ? INETD_WAIT : ONE; /* or it was one, until the peer reset it */
}

static bool is_stream(int fd, int listening)
{
	int type = -1, accepts = -1;
	socklen_t size = sizeof(int);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM &&
	       getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &size) == 0 &&
	       accepts == listening;
}

/* systemd's descriptors: listeners, or (Accept=yes without StandardInput=socket) a connection. */
static bool take_passed(int *connection)
{
	int n = listen_fds();

	*connection = -1;
	for (int fd = FIRST_PASSED; fd < FIRST_PASSED + n; fd++) {
		if (is_stream(fd, 1))
			add_listener(fd, EVERY_WORKER, NULL);
		else if (is_stream(fd, 0) && n == 1)
			*connection = fd;
		else
			die("descriptor %d of $LISTEN_FDS is not a stream socket to listen on", fd);
	}
	if (n == 0)
		die("$LISTEN_FDS is empty");
	return *connection < 0;
}

static void make_site(bool person)
{
	site.root = open_root(person);
	site.listing = !options.no_listing;
	site.headers = headers_len ? headers : NULL;
	site.limits = (struct http_limits){
		.line = (size_t)options.line,
		.header = (size_t)options.header,
		.fields = (size_t)options.fields,
		.body = options.body,
		.header_time = options.header_time,
		.idle_time = options.idle_time,
		.stall_time = options.stall_time,
		.stall_rate = options.stall_rate,
		.requests = (uint32_t)options.requests,
	};
}

static int serve_one(struct http_end in, struct http_end out, const union address *peer)
{
	open_log(false);
	confine(&out);
	return hold_one(in, out, peer);
}

/*
 * A large piece of memory is the kernel's again as soon as it is freed. glibc
 * would keep it, after the first, in a heap that a small piece above it holds
 * at its height: that of the worst flood.
 */
static void keep_no_memory(void)
{
#ifndef WWWD_STATIC
	(void)mallopt(M_MMAP_THRESHOLD, 64 << 10);
#endif
}

static int serve_many(void)
{
	survive_writing();
	keep_no_memory();
	at_terminal = isatty(STDERR_FILENO);
	open_log(true);
	open_manager();
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	raise_limits();
	share_memory();
	confine(NULL);
	return options.workers > 1 ? keep_workers() : hold_many();
}

int main(int argc, char **argv)
{
	struct http_end in = { .fd = STDIN_FILENO }, out = { .fd = STDOUT_FILENO };
	union address peer = { .any.sa_family = AF_UNSPEC };
	socklen_t size = sizeof(peer);
	enum origin origin;

	read_options(argc, argv);
	origin = look_around(&peer);
	make_site(origin == TERMINAL || (origin == LISTEN && isatty(STDIN_FILENO)));
	switch (origin) {
	case LISTEN:
	case TERMINAL: listen_everywhere(); return serve_many();
	case INETD_WAIT:
		add_listener(STDIN_FILENO, EVERY_WORKER, NULL);
		if (!options.exit_idle_time)
			options.exit_idle_time = INETD_IDLE_TIME;
		return serve_many();
	case PASSED:
		if (take_passed(&in.fd))
			return serve_many();
		out.fd = in.fd;
		in.socket = out.socket = true;
		(void)getpeername(in.fd, &peer.any, &size);
		break;
	case ONE:
		/* what standard output is shows when it is written to */
		in.socket = out.socket = peer.any.sa_family != AF_UNSPEC;
		break;
	}
	return serve_one(in, out, &peer);
}
