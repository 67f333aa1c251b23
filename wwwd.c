/*
 * wwwd.c - the process: options, where connections come from, confinement, the event loop, the log.
 *
 * No option names a mode. main() looks at what the process was given (the options -h and -p,
 * $LISTEN_FDS, descriptor 0) and either serves the one connection that it inherited, or listens and
 * serves many. http.c reads the requests and writes the responses; this file looks at neither.
 *
 * Each section uses only those above it: messages, options, systemd, listening, connections, the
 * log, confinement, one connection, many connections (lists, networks, clients, places, accepting,
 * memory, signals, stopping, the loop), workers, main().
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
#include <stdatomic.h>
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

#ifdef WWWD_STATIC
#define BUILD "static, without libsystemd"
#else
#include <systemd/sd-daemon.h>
#define BUILD "libsystemd on need"
#endif

#ifndef VERSION
#define VERSION "0"
#endif

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/*
 * Each page that is touched costs a page fault per start. So large arrays that may stay unused stand
 * at the end of .bss (ld --sort-section=name), and what a request begins with stands just before
 * them: 10.4 page faults per start instead of 18.5.
 */
#define NEXT __attribute__((section(".bss.~")))
#define LARGE __attribute__((section(".bss.~large")))

enum { EXIT_USAGE = 2 };

/* Times are in microseconds where nothing else is said. */
enum {
	HOSTS_MOST = 64,
	RULES_MOST = 100, /* of one kind, see enum http_rules */
	WORKERS_MOST = 256,
	TRUSTS_MOST = 64,      /* of --forwarded-from */
	LISTENERS_MOST = 1024, /* one for each worker and address */
	BACKLOG = 4096,       /* connections that wait to be accepted; SOMAXCONN is 128 with musl */
	TRIES_MOST = 100,     /* to find a port that is free at all addresses */
	EVENTS = 64,          /* taken from epoll at a time */
	TOGETHER = 8,         /* connections that receive before the first of them is answered */
	ACCEPTS = 16,         /* connections accepted at a time */
	WAITING_MOST = 16,    /* connections that wait for a place */
	WORKING_STEPS = 8,    /* steps per turn of the connections that gave way */
	EXPIRIES = 64,        /* deadlines handled per turn */
	LOOKS = 64,           /* connections that are examined to find one to close, */
	RELIEFS = 16,         /* and how often that is done per turn */
	SLOW = 16 << 10,      /* bytes a second, */
	LONG_TIME = 1000000,  /* over this time, */
	SHORT_TIME = 50000,   /* or over this one when no memory is left */
	OWN_FILES = 64,       /* descriptors that are not for connections, */
	OWN_FILES_LEAST = 10, /* and where few are allowed */
	CACHED_FILES = 256,   /* files that the cache keeps open, at most */
	SPARE_WORKS = 16,     /* request memories kept for the next request */
	LOG_BUFFER = 1 << 20,
	LOG_PAUSE_LEAST = 1000,     /* until a log that took nothing is tried again, */
	LOG_PAUSE_MOST = 1000000,   /* and after many such tries */
	LOG_LAST_TIME = 200,        /* ms that the last lines wait for room */
	ASKING_TIME = 500000,       /* that a stop waits for requests to be complete */
	STOP_TIME = 10000000,       /* to finish what is being sent */
	PAUSE_TIME = 100000,        /* without accepting, for lack of descriptors, */
	MEMORY_PAUSE_TIME = 20000,  /* or of memory */
	ONE_MEMORY = 64 << 20,      /* bytes that the listing of a single connection may hold */
	MEMORY_LEAST = 4 << 20,     /* bytes for all connections */
	INETD_IDLE_TIME = 60000000, /* until an unused inetd `wait` service ends */
	SECONDS_MOST = 365 * 86400,
	SEND_TIME = 1000000,  /* us that sendfile(2) may wait on a blocking socket */
	SCOPES_MOST = 64,     /* of --cgi, of --auth and of --cgi-env, each */
	PROGRAMS_MOST = 1000, /* for --cgi-max */
	ENDING_MOST = 64,     /* more programs that still end behind their response */
	ADOPTED_MOST = 256,   /* connections that have a process of their own, for programs */
	CHECKS_MOST = 8,      /* passwords that are checked at a time: others wait */
	HELPERS_MOST = 2 * ADOPTED_MOST,
	ERRAND_MOST = 160 << 10, /* bytes of a message to the broker */
	VARIABLES_MOST = 1000,   /* of a program */
	STACK_MOST = 256 << 10,  /* bytes of the stack that a connection may have used */
	GRACE_TIME = 200000,     /* that a program may go on behind its response, */
	TERM_TIME = 1000000,     /* and then, told to end by SIGTERM */
	LAST_ROUNDS = 4,         /* of SIGKILL to what is left at a stop, TERM_TIME apart */
	ORPHANS_TIME = 1000000,  /* between two looks for what programs have left behind */
	RESPAWN_TIME = 1000000,  /* between two starts of the same worker */
};

#define TIME_MOST (SECONDS_MOST * UINT64_C(1000000))

/* ---- messages ------------------------------------------------------------- */

/* Standard error, as examine_error() found it. */
static struct {
	enum { UNKNOWN, PLAIN, SOCKET, SHARED } kind; /* how it is written to without waiting */
	bool is_client;  /* it is the client's connection, on which only HTTP may be written */
	bool is_journal; /* it is the stream that $JOURNAL_STREAM names */
	struct stat st;
} error_stream;

/*
 * The socket for syslog and for the journal. syslog(3) and sd_journal_send(3) would wait for a daemon
 * that doesn't read. It is not connected: a daemon that is started anew binds another socket at the
 * same path, and the confined process may not call connect(2).
 */
static int datagrams = -1;
static const struct sockaddr_un syslog_address = { AF_UNIX, "/dev/log" },
				journal_address = { AF_UNIX, "/run/systemd/journal/socket" };

static void open_datagrams(void)
{
	datagrams = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static ssize_t send_datagram(const struct sockaddr_un *to, const char *at, size_t n)
{
	return sendto(datagrams, at, n, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)to,
		      sizeof(*to));
}

static bool is_journal_stream(const struct stat *err)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char *end;

	return stream && strtoull(stream, &end, 10) == err->st_dev && *end == ':' &&
	       strtoull(end + 1, &end, 10) == err->st_ino && *end == '\0';
}

/*
 * Other processes share standard error, and would share O_NONBLOCK if it were set there. A pipe or a
 * terminal that is opened anew has an open file description of its own, which replaces standard
 * error here. A terminal of another user can only be opened as /dev/tty.
 */
static void reopen_error(bool terminal)
{
	const int flags = O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	int fd;

	signal(SIGTTOU, SIG_IGN); /* sent where a terminal stops background processes that write */
	fd = openat(AT_FDCWD, "/proc/self/fd/2", flags);
	if (fd < 0 && terminal && tcgetsid(STDERR_FILENO) >= 0)
		fd = openat(AT_FDCWD, "/dev/tty", flags);
	if (fd >= 0 && dup2(fd, STDERR_FILENO) >= 0)
		error_stream.kind = PLAIN;
	close(fd);
}

/*
 * Runs once. inetd passes the client's socket as standard input, output and error. For one
 * connection, without `many`, a pipe is not reopened: that saves system calls.
 */
static void examine_error(bool many)
{
	struct stat *st = &error_stream.st, in;
	bool terminal, pipe;

	if (error_stream.kind != UNKNOWN)
		return;
	/* if it can't be examined, it is treated like standard input */
	if (fstat(STDERR_FILENO, st) < 0 && errno != EBADF)
		(void)fstat(STDIN_FILENO, st);
	pipe = S_ISFIFO(st->st_mode);
	terminal = S_ISCHR(st->st_mode) && isatty(STDERR_FILENO);
	error_stream.kind = S_ISSOCK(st->st_mode) ? SOCKET : pipe || terminal ? SHARED : PLAIN;
	error_stream.is_client = S_ISSOCK(st->st_mode) &&
				 (fstat(STDIN_FILENO, &in) < 0
					  ? errno != EBADF
					  : in.st_dev == st->st_dev && in.st_ino == st->st_ino);
	error_stream.is_journal = is_journal_stream(st);
	if (error_stream.is_client)
		open_datagrams();
	if (terminal || (pipe && many))
		reopen_error(terminal);
}

static bool survives_writing;

/* To write to a pipe without a reader, or to a file that may not grow, is then an error. */
static void survive_writing(void)
{
	if (survives_writing)
		return;
	survives_writing = true;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
}

static void nap(long ms)
{
	const struct timespec time = { .tv_nsec = ms * 1000000 };

	(void)ppoll(NULL, 0, &time, NULL);
}

enum { NO_WAIT = 8 }; /* RWF_NOWAIT, which musl doesn't define */

/* Like write(2) to standard error, but EAGAIN where that would wait. */
static ssize_t write_error(const char *at, size_t n)
{
	static const struct timespec now = { 0, 0 };
	struct iovec part = { .iov_base = (void *)at, .iov_len = n };
	struct pollfd p = { STDERR_FILENO, POLLOUT, 0 };
	ssize_t written;

	if (error_stream.kind == SOCKET)
		return send(STDERR_FILENO, at, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (error_stream.kind == PLAIN)
		return write(STDERR_FILENO, at, n);
	written = syscall(SYS_pwritev2, STDERR_FILENO, &part, 1, -1L, -1L, NO_WAIT);
	if (written >= 0 || errno == EAGAIN)
		return written;
	/* a FIFO, a terminal, or before Linux 6.4: what polls as writable takes PIPE_BUF bytes */
	if (ppoll(&p, 1, &now, NULL) == 0) {
		errno = EAGAIN;
		return -1;
	}
	return write(STDERR_FILENO, at, n < PIPE_BUF ? n : PIPE_BUF);
}

enum { PREFIX_SIZE = 40 };

/* What a line begins with. Syslog on the same host needs no time and no host name, RFC 3164. */
static size_t line_prefix(char prefix[PREFIX_SIZE], int priority)
{
	if (error_stream.is_client)
		return (size_t)snprintf(prefix, PREFIX_SIZE,
					"<%d>wwwd[%d]: ", LOG_DAEMON | priority, (int)getpid());
	if (error_stream.is_journal) /* sd-daemon(3) */
		return (size_t)snprintf(prefix, PREFIX_SIZE, "<%d>", priority);
	return (size_t)snprintf(prefix, PREFIX_SIZE, "wwwd: ");
}

/* A message stays one line, and can't colour a terminal. Its length, with the newline. */
static size_t end_line(char *line, size_t size, size_t n)
{
	if (n >= size) {
		n = size - 1;
		stpcpy(line + n - 3, "...");
	}
	for (char *c = line; c < line + n; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	line[n] = '\n';
	return n + 1;
}

/* False if standard error, or syslog in its place, does not take the line now. */
__attribute__((format(printf, 2, 3))) static bool log_message(int priority, const char *format, ...)
{
	char line[PREFIX_SIZE + 1024];
	size_t prefix, n;
	va_list args;

	examine_error(true);
	survive_writing();
	prefix = line_prefix(line, priority);
	va_start(args, format);
	n = prefix + (size_t)vsnprintf(line + prefix, sizeof(line) - prefix, format, args);
	va_end(args);
	n = end_line(line, sizeof(line), n);
	if (error_stream.is_client)
		return send_datagram(&syslog_address, line, n - 1) >= 0;
	return write_error(line, n) == (ssize_t)n;
}

#define die(...) (log_message(LOG_ERR, __VA_ARGS__), exit(EXIT_FAILURE))
#define usage(...) (log_message(LOG_ERR, __VA_ARGS__), exit(EXIT_USAGE))

/* ---- options -------------------------------------------------------------- */

static struct options {
	const char *dir, *port, *user, *log;
	bool quiet, verbose;
	int64_t exit_idle_time; /* us, 0 never */
	uint64_t workers, cache, connections, memory, socket_mode, programs;
} options = {
	.programs = 32,
	.workers = 1,
	.cache = 8 << 20,
	.socket_mode = UINT64_MAX, /* as umask(2) leaves it */
};

static LARGE const char *hosts[HOSTS_MOST];
static size_t host_count;

static LARGE struct http_prefix trusted[TRUSTS_MOST];
static LARGE struct http_scope programs[SCOPES_MOST], guards[SCOPES_MOST];
static LARGE const char *program_variables[SCOPES_MOST]; /* of --cgi-env */
static size_t program_variable_count;

static LARGE struct http_rule site_rules[HTTP_RULES][RULES_MOST];

static struct http_site site = {
	.rules = { { site_rules[0], 0 }, { site_rules[1], 0 }, { site_rules[2], 0 }, { site_rules[3], 0 }, { site_rules[4], 0 } },
	.trusted = trusted,
	.listing = true,
	.programs = programs,
	.guards = guards,
	.program_time = 60000000,
	.limits = {
		.line = 8 << 10,
		.header = 32 << 10,
		.fields = 100,
		.body = 1 << 20,
		.header_time = 10000000,
		.idle_time = 15000000,
		.stall_time = 30000000,
		.stall_rate = 1 << 10,
		.requests = 1000,
	},
};

enum kind {
	WORD,
	FLAG,
	SIZE,
	COUNT,
	SECONDS,
	MODE,
	HOST,
	RULE,
	TRUST,
	SCOPE,
	VARIABLE,
	HELP,
	ABOUT
};

#define OPTION(field) &options.field, sizeof(options.field)
#define LIMIT(field) &site.limits.field, sizeof(site.limits.field)

static const struct option_row {
	const char *name;
	char letter;
	enum kind kind;
	const char *argument;
	void *value;
	size_t value_size;    /* of an amount: 4 or 8 */
	uint64_t least, most; /* of an amount; `least` is also what a FLAG is set to */
	const char *help;     /* two of at most HELP_HALF bytes share a line */
} option_rows[] = {
	{ "dir", 'd', WORD, "DIR", OPTION(dir), 0, 0, "the folder to serve" },
	{ "host", 'h', HOST, "ADDR", NULL, 0, 0, 0,
	  "listen at an address, a name, '*' or a UNIX path" },
	{ "port", 'p', WORD, "PORT", OPTION(port), 0, 0,
	  "port to listen at: number, service, 0 for any (8080)" },
	{ "header", 0, RULE, "LINE", NULL, 0, HTTP_FIELDS, 0,
	  "add '[PATTERN ]Name: value' to responses" },
	{ "cgi", 0, SCOPE, "/PATH=PROG", programs, 0, 0, 0,
	  "run a program; '/FOLDER/': those in a folder" },
	{ "auth", 0, SCOPE, "/PATH=FILE", guards, 0, 0, 0,
	  "ask for a password of an htpasswd file" },
	{ "proxy-protocol", 0, FLAG, NULL, &site.proxied, 0, true, 0,
	  "each connection begins with a PROXY header" },
	{ "forwarded-from", 0, TRUST, "ADDR", NULL, 0, 0, 0,
	  "believe X-Forwarded-For from ADDR[/LEN] or 'unix'" },
	{ "https-only", 0, FLAG, NULL, &site.https_only, 0, true, 0,
	  "redirect to https what did not come by TLS" },
	{ "log", 0, WORD, "FILE", OPTION(log), 0, 0, "append the log to it; SIGHUP opens it anew" },
	{ "verbose", 0, FLAG, NULL, OPTION(verbose), true, 0,
	  "say what confines wwwd, and why it refuses requests" },
	{ "workers", 0, COUNT, "N", OPTION(workers), 1, WORKERS_MOST,
	  "processes that share the port, or 'auto' (1)" },
	{ "cache", 0, SIZE, "SIZE", OPTION(cache), 0, 1 << 30,
	  "memory for small responses, 0 for none (8M)" },
	{ "memory", 0, SIZE, "SIZE", OPTION(memory), MEMORY_LEAST, INT64_MAX,
	  "memory for all connections (1/4 of machine or cgroup)" },
	{ "exit-idle-time", 0, SECONDS, "SEC", OPTION(exit_idle_time), 0, TIME_MOST,
	  "exit when unused so long (never; 60 for inetd wait)" },
	{ "hosts", 0, FLAG, NULL, &site.hosts, 0, true, 0, "DIR/HOST/..." },
	{ "clean-urls", 0, FLAG, NULL, &site.clean_urls, 0, true, 0, "/a is a.html" },
	{ "index", 0, RULE, "NAME", NULL, 0, HTTP_INDEXES, 0, "index.html" },
	{ "no-listing", 0, FLAG, NULL, &site.listing, 0, false, 0, "404 without it" },
	{ "fallback", 0, RULE, "FILE", NULL, 0, HTTP_FALLBACKS, 0, "instead of 404" },
	{ "type", 0, RULE, "EXT=TYPE", NULL, 0, HTTP_TYPES, 0, "Content-Type" },
	{ "quiet", 0, FLAG, NULL, OPTION(quiet), true, 0, "write no log" },
	{ "no-log", 0, RULE, "PATTERN", NULL, 0, HTTP_UNLOGGED, 0, "not for these" },
	{ "cgi-env", 0, VARIABLE, "NAME=VAL", NULL, 0, 0, 0, "for programs" },
	{ "cgi-time", 0, SECONDS, "SEC", &site.program_time, sizeof(site.program_time), 1,
	  TIME_MOST, "60 of silence" },
	{ "cgi-max", 0, COUNT, "N", OPTION(programs), 1, PROGRAMS_MOST, "32 programs" },
	{ "line-max", 0, SIZE, "SIZE", LIMIT(line), 64, HTTP_LINE_MOST, "8K request line" },
	{ "header-max", 0, SIZE, "SIZE", LIMIT(header), 64, 1 << 20, "32K header" },
	{ "fields-max", 0, COUNT, "N", LIMIT(fields), 1, 10000, "100 fields" },
	{ "body-max", 0, SIZE, "SIZE", LIMIT(body), 0, INT64_MAX, "1M request body" },
	{ "header-time", 0, SECONDS, "SEC", LIMIT(header_time), 1, TIME_MOST, "10 for a header" },
	{ "idle-time", 0, SECONDS, "SEC", LIMIT(idle_time), 1, TIME_MOST, "15 while idle" },
	{ "requests-max", 0, COUNT, "N", LIMIT(requests), 1, UINT32_MAX, "1000 then close" },
	{ "stall-time", 0, SECONDS, "SEC", LIMIT(stall_time), 1, TIME_MOST, "30 at less than" },
	{ "stall-rate", 0, SIZE, "SIZE", LIMIT(stall_rate), 0, 1 << 30, "1K per second" },
	{ "connections-max", 0, COUNT, "N", OPTION(connections), 1, INT_MAX, "half ulimit -n" },
	{ "socket-mode", 0, MODE, "MODE", OPTION(socket_mode), 0, 0777, "of UNIX sockets" },
	{ "user", 0, WORD, "USER", OPTION(user), 0, 0, "instead of root" },
	{ "version", 0, ABOUT, NULL, NULL, 0, 0, 0, "and what it has" },
	{ "help", 0, HELP, NULL, NULL, 0, 0, 0, "print this and exit" },
};

/* To standard output, but not through stdio, whose buffer would cost memory at every start. */
#define print(...) (dprintf(STDOUT_FILENO, __VA_ARGS__) < 0 ? exit(EXIT_FAILURE) : (void)0)

enum { HELP_HALF = 15 };

/* It fits one screen: of the limits there are two on a line. */
static void print_help(void)
{
	print("usage: wwwd [-d DIR] [-h ADDR]... [-p PORT] [OPTION]...\n"
	      "Answers the connection it was started with, or listens at ADDR and PORT.\n");
	for (size_t i = 0, column = 0; i < LENGTH(option_rows); i++) {
		const struct option_row *row = &option_rows[i];
		const bool half = strlen(row->help) <= HELP_HALF;
		const char *end = half && column == 0 ? "" : "\n";
		char option[32];

		snprintf(option, sizeof(option), "--%s %s", row->name,
			 row->argument ? row->argument : "");
		if (row->letter)
			print("-%c, %-22s %s%s", row->letter, option, row->help, end);
		else if (!half)
			print("    %-22s %s%s", option, row->help, end);
		else
			print("    %-20s %-*s%s", option, *end ? 0 : HELP_HALF, row->help, end);
		column = half && column == 0;
	}
	print("Sizes take K, M and G; times are seconds. The rest is in wwwd(8).\n");
	exit(EXIT_SUCCESS);
}

static void print_version(void)
{
	print("wwwd " VERSION " (" BUILD ")\nopenat2, Landlock, seccomp, epoll\n");
	exit(EXIT_SUCCESS);
}

/* Moves *word behind the digits that it begins with. False if there are none, or too many. */
static bool parse_digits(const char **word, unsigned base, uint64_t *number)
{
	const char *at = *word;

	for (*number = 0; *at >= '0' && *at < '0' + (int)base; at++) {
		if (*number > (UINT64_MAX - 9) / base)
			return false;
		*number = *number * base + (uint64_t)(*at - '0');
	}
	if (at == *word)
		return false;
	*word = at;
	return true;
}

/* A number. SECONDS may have a fraction and become microseconds; a SIZE may have a unit. */
static bool parse_amount(const char *word, enum kind kind, uint64_t *amount)
{
	static const char units[] = "KMG";
	uint64_t unit = kind == SECONDS ? 1000000 : 1;
	const char *letter;

	if (!parse_digits(&word, kind == MODE ? 8 : 10, amount))
		return false;
	if (kind == SIZE && *word && (letter = strchr(units, *word & ~0x20))) {
		unit = UINT64_C(1) << 10 * (letter - units + 1);
		word++;
	}
	if (*amount > UINT64_MAX / unit - 1)
		return false;
	*amount *= unit;
	if (kind == SECONDS && *word == '.')
		for (word++; *word >= '0' && *word <= '9'; word++) {
			unit /= 10;
			*amount += unit * (uint64_t)(*word - '0');
		}
	return *word == '\0';
}

/* As it would be written on the command line. */
static const char *show_amount(char text[32], enum kind kind, uint64_t amount)
{
	static const char *const units[] = { "", "K", "M", "G" };
	uintmax_t whole = kind == SECONDS ? amount / 1000000 : amount;
	size_t unit = 0;

	for (; kind == SIZE && unit + 1 < LENGTH(units) && whole && whole % 1024 == 0; unit++)
		whole /= 1024;
	if (kind == SECONDS && amount % 1000000)
		snprintf(text, 32, "%ju.%06u", whole, (unsigned)(amount % 1000000));
	else
		snprintf(text, 32, kind == MODE ? "%jo%s" : "%ju%s", whole, units[unit]);
	return text;
}

static void take_amount(const struct option_row *row, const char *word)
{
	char least[32], most[32];
	uint64_t amount;

	if (!parse_amount(word, row->kind, &amount))
		usage("--%s: '%s' is not a number%s", row->name, word,
		      row->kind == SIZE      ? " of bytes"
		      : row->kind == SECONDS ? " of seconds"
		      : row->kind == MODE    ? " in octal"
					     : "");
	if (amount < row->least || amount > row->most)
		usage("--%s: %s is out of range, which is %s to %s", row->name, word,
		      show_amount(least, row->kind, row->least),
		      show_amount(most, row->kind, row->most));
	if (row->value_size == sizeof(uint32_t))
		*(uint32_t *)row->value = (uint32_t)amount;
	else
		*(uint64_t *)row->value = amount;
}

/* An address alone: the port is set by -p, and a scheme is not needed. */
static void take_host(const char *host)
{
	const char *colon = strrchr(host, ':');

	if (strstr(host, "://"))
		usage("-h %s: an address is needed, not a URL (the port is said with -p)", host);
	if (colon && colon > host && !strchr(host, '/') &&
	    (host[0] == '[' ? colon[-1] == ']' : colon == strchr(host, ':')))
		usage("-h %s: the port is said with -p: -h %.*s -p %s", host, (int)(colon - host),
		      host, colon + 1);
	if (host_count == HOSTS_MOST)
		usage("--host: more than %d of them", HOSTS_MOST);
	hosts[host_count++] = host;
}

static void take_rule(const struct option_row *row, const char *word)
{
	static size_t headers_len;
	enum http_rules kind = (enum http_rules)row->least;
	struct http_rule_list *list = &site.rules[kind];
	struct http_rule rule;
	const char *fault = http_read_rule(kind, word, &rule);

	if (fault)
		usage("--%s: '%s' %s", row->name, word, fault);
	headers_len += kind == HTTP_FIELDS ? rule.text.len + strlen("\r\n") : 0;
	if (headers_len > HTTP_HEADERS_MOST || list->count == RULES_MOST)
		usage("--%s: all of them together are too %s", row->name,
		      headers_len > HTTP_HEADERS_MOST ? "long" : "many");
	site_rules[kind][list->count++] = rule;
}

/* ADDR[/LEN], or "unix". Bits behind the length don't matter. */
static void take_trust(const char *word)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct http_prefix prefix = { .family = AF_INET, .bits = 128 };
	size_t n = strcspn(word, "/");
	char address[INET6_ADDRSTRLEN] = "";
	uint64_t bits = 0;

	memcpy(prefix.address, mapped, sizeof(mapped));
	if (n < sizeof(address))
		memcpy(address, word, n);
	if (strcmp(word, "unix") == 0) {
		prefix = (struct http_prefix){ .family = AF_UNIX };
	} else if (inet_pton(AF_INET, address, prefix.address + sizeof(mapped)) != 1) {
		if (inet_pton(AF_INET6, address, prefix.address) != 1)
			usage("--forwarded-from: '%s' is not an address, ADDR/LEN or unix", word);
		if (memcmp(prefix.address, mapped, sizeof(mapped)) != 0)
			prefix.family = AF_INET6;
	}
	if (word[n] == '/' && prefix.family != AF_UNIX) {
		unsigned most = strchr(address, ':') ? 128 : 32;

		if (!parse_amount(word + n + 1, COUNT, &bits) || bits > most)
			usage("--forwarded-from: '%s': the length behind the slash is 0 to %u",
			      word, most);
		prefix.bits = (uint8_t)(128 - most + bits);
		if (prefix.family == AF_INET && prefix.bits < 8 * sizeof(mapped))
			usage("--forwarded-from: '%s' is IPv4 and IPv6; name both", word);
	}
	if (site.trusts == TRUSTS_MOST)
		usage("--forwarded-from: more than %d of them", TRUSTS_MOST);
	trusted[site.trusts++] = prefix;
}

/* Whether "/git/", for example, is written like the decoded paths that it is compared with. */
static bool is_plain(const char *path)
{
	for (const char *c = path; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f || strchr("%\"\\?#", *c))
			return false;
	return !strstr(path, "//") && !strstr(path, "/./") && !strstr(path, "/../");
}

/* The prefix as it is compared with decoded paths: "git" of "/git/". */
static char *take_prefix(const char *option, const char *word, size_t n)
{
	char *path;

	if (word[0] != '/')
		usage("--%s: '%s' does not begin with a path of the site, as /git", option, word);
	while (n && word[n - 1] == '/')
		n--;
	if (asprintf(&path, "%.*s/", (int)n, word) < 0)
		die("%s", strerror(errno));
	if (!is_plain(path))
		usage("--%s: '%s' is not written as paths are compared: decoded, without dot "
		      "segments and double slashes",
		      option, path);
	path[n] = '\0';
	return n ? path + 1 : path;
}

/* The longest prefix comes first, for it wins. */
static void take_scope(const struct option_row *row, const char *word)
{
	struct http_scope *rules = row->value;
	bool program = rules == programs;
	size_t *count = program ? &site.program_count : &site.guard_count, at = *count;
	const char *equals = strchr(word, '=');
	size_t n = equals ? (size_t)(equals - word) : strlen(word);
	struct http_scope rule = { .prefix = take_prefix(row->name, word, n),
				   .path = equals ? equals + 1 : NULL };

	if (!equals && (!program || n == 0 || word[n - 1] != '/'))
		usage("--%s: '%s' is not %s", row->name, word,
		      program ? "/PATH=PROGRAM or /FOLDER/" : "/PATH=FILE");
	if (equals && equals[1] != '/')
		usage("--%s: '%s': an absolute path is needed behind =", row->name, word);
	if (*count == SCOPES_MOST)
		usage("--%s: more than %d of them", row->name, SCOPES_MOST);
	for (size_t i = 0; i < *count; i++)
		if (strcmp(rules[i].prefix, rule.prefix) == 0)
			usage("--%s: /%s is given twice", row->name, rule.prefix);
	for (; at && strlen(rules[at - 1].prefix) < strlen(rule.prefix); at--)
		rules[at] = rules[at - 1];
	rules[at] = rule;
	++*count;
}

static void take_variable(const char *word)
{
	size_t n = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

	if (n == 0 || word[n] != '=' || (word[0] >= '0' && word[0] <= '9'))
		usage("--cgi-env: '%s' is not NAME=VALUE", word);
	if (program_variable_count == SCOPES_MOST)
		usage("--cgi-env: more than %d of them", SCOPES_MOST);
	program_variables[program_variable_count++] = word;
}

static uint64_t count_processors(void)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0)
		return 1;
	return CPU_COUNT(&cpus) < WORKERS_MOST ? (uint64_t)CPU_COUNT(&cpus) : WORKERS_MOST;
}

static void take_option(const struct option_row *row, const char *word)
{
	if (row->argument && !*word)
		usage("--%s: its value is empty", row->name);
	if (row->value == &options.workers && strcmp(word, "auto") == 0) {
		options.workers = count_processors();
		return;
	}
	switch (row->kind) {
	case WORD: *(const char **)row->value = word; break;
	case FLAG: *(bool *)row->value = row->least; break;
	case HOST: take_host(word); break;
	case RULE: take_rule(row, word); break;
	case TRUST: take_trust(word); break;
	case SCOPE: take_scope(row, word); break;
	case VARIABLE: take_variable(word); break;
	case HELP: print_help(); break;
	case ABOUT: print_version(); break;
	default: take_amount(row, word);
	}
}

/* getopt_long(3) returns a number below LETTERS for a long option, or the letter of a short one. */
static void read_options(int argc, char **argv)
{
	struct option longs[LENGTH(option_rows) + 1] = { { 0 } };
	int c;

	_Static_assert(LENGTH(option_rows) < ':', "the numbers of rows are no letters");
	for (int i = 0; i < (int)LENGTH(option_rows); i++)
		longs[i] =
			(struct option){ option_rows[i].name,
					 option_rows[i].argument ? required_argument : no_argument,
					 NULL, i };
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":d:h:p:", longs, NULL)) != -1) {
		const char *word = optind - 1 < argc ? argv[optind - 1] : "";
		char letter[] = { '-', (char)optopt, '\0' }; /* it may stand among others */
		int row = 0;

		if (c == '?' || c == ':')
			usage("%s '%s' (see --help)", c == '?' ? "no such option:" : "no value for",
			      strncmp(word, "--", 2) == 0 ? word : letter);
		while (row != c && option_rows[row].letter != c)
			row++;
		take_option(&option_rows[row], optarg);
	}
	if (optind < argc)
		usage("'%s' is not an option (see --help)", argv[optind]);
}

/*
 * A server that is started in the wrong folder must not serve the whole machine. The dot behind the
 * name makes openat(2) fail if the folder may not be searched: every response would be 403.
 */
static int open_root(const char *dir)
{
	char path[strlen(dir) + sizeof("/.")];
	struct stat root, st;
	int fd;

	stpcpy(stpcpy(path, dir), "/.");
	fd = openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == EACCES)
		die("%s: %s for uid %u", dir, strerror(errno), (unsigned)geteuid());
	/* "..", for example, may be the root by mistake; "/" is not */
	if (fd >= 0 && dir[0] != '/' && dir[strspn(dir, "./")] == '\0' && stat("/", &root) == 0 &&
	    fstat(fd, &st) == 0 && root.st_dev == st.st_dev && root.st_ino == st.st_ino)
		die("this would serve all of /: use -d / if that is meant");
	/* where 0, 1 or 2 was closed, nothing else may get its number */
	while (fd >= 0 && fd <= STDERR_FILENO)
		fd = dup(fd);
	if (fd < 0)
		die("%s: %s", dir, strerror(errno));
	return fd;
}

/* The folder that a file is in, or -1. */
static int open_folder_of(const char *path, int flags)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];

	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) + 1 : 1,
		 slash ? path : ".");
	return open(folder, flags | O_DIRECTORY | O_CLOEXEC);
}

/* ---- systemd -------------------------------------------------------------- */

enum { FIRST_PASSED = 3 }; /* sd_listen_fds(3) */

#ifdef WWWD_STATIC
/* The static build can't load libsystemd: sd_listen_fds(3), or a negative errno. */
static int listen_fds(void)
{
	const char *end = getenv("LISTEN_FDS");
	uint64_t n;

	if (!parse_digits(&end, 10, &n) || *end || n > LISTENERS_MOST)
		return -EINVAL;
	for (int fd = FIRST_PASSED; fd < FIRST_PASSED + (int)n; fd++)
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
			return -errno;
	return (int)n;
}
#else
/*
 * Linking libsystemd would add half a millisecond to each start, which is as long as most
 * connections last. So it is loaded where $LISTEN_FDS is set, and the ELF note tells packagers of
 * that (uapi-group.org, "ELF dlopen metadata").
 */
__asm__(".pushsection .note.dlopen, \"a\", %note\n"
	".balign 4\n"
	".long 2f - 1f, 4f - 3f, 0x407c0c0a\n"
	"1: .asciz \"FDO\"\n"
	"2: .balign 4\n"
	"3: .asciz \"[{\\\"feature\\\":\\\"systemd\\\",\\\"description\\\":"
	"\\\"socket activation\\\",\\\"priority\\\":\\\"recommended\\\","
	"\\\"soname\\\":[\\\"libsystemd.so.0\\\"]},{\\\"feature\\\":\\\"passwords\\\","
	"\\\"description\\\":\\\"--auth\\\",\\\"priority\\\":\\\"recommended\\\","
	"\\\"soname\\\":[\\\"libcrypt.so.1\\\"]}]\"\n"
	"4: .balign 4\n"
	".popsection\n");

static int listen_fds(void)
{
	void *library = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);
	void *symbol = library ? dlsym(library, "sd_listen_fds") : NULL;
	__typeof__(sd_listen_fds) *function;

	if (!symbol)
		die("$LISTEN_FDS is set, but %s", dlerror());
	memcpy(&function, &symbol, sizeof(function));
	return function(1);
}
#endif

/*
 * The service manager's socket, or -1. It is connected at start, because the confined process can't
 * do that; sd_notify(3) would make and connect one for each message.
 */
static int manager = -1;

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
		if (path[0] == '@') /* it stands for the NUL of a name without a file */
			address.sun_path[0] = '\0';
		manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		n += offsetof(struct sockaddr_un, sun_path);
		if (connect(manager, (struct sockaddr *)&address, (socklen_t)n) == 0)
			return;
	}
	log_message(LOG_WARNING, "$NOTIFY_SOCKET=%s: %s", path, strerror(errno));
}

/* Does nothing without a manager. Workers have none: their parent has it. */
static void notify(const char *state)
{
	if (manager >= 0)
		(void)send(manager, state, strlen(state), MSG_NOSIGNAL);
}

/* ---- listening ------------------------------------------------------------ */

/* The port of both families stands in the same place. */
union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

enum { EVERY_WORKER = -1, WHERE_SIZE = 128 };

static LARGE struct listener {
	int fd;
	int worker;             /* that uses it */
	char where[WHERE_SIZE]; /* for the message at start, or "" */
} listeners[LISTENERS_MOST];
static size_t listener_count;

/*
 * What the kernel takes before the client's window has room for it. Without this limit it takes some
 * 3 MiB for each client that asks for a large file and doesn't read; five hundred such clients make
 * the TCP of the whole machine wait.
 */
static const int unsent_most = 64 << 10;

static const int on = 1, off = 0;

static void add_listener(int fd, int worker, const char *where)
{
	struct listener *listener = &listeners[listener_count];

	if (listener_count == LISTENERS_MOST)
		die("more than %d sockets to listen on", LISTENERS_MOST);
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		die("descriptor %d: %s", fd, strerror(errno));
	/* accepted sockets inherit both; a UNIX socket has neither and needs neither */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent_most, sizeof(unsent_most));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	listener->fd = fd;
	listener->worker = worker;
	stpcpy(listener->where, where);
	listener_count++;
}

/* All but the first `kept`. */
static void close_listeners(size_t kept)
{
	while (listener_count > kept)
		close(listeners[--listener_count].fd);
}

static void print_listeners(void)
{
	for (size_t i = 0; i < listener_count; i++)
		if (*listeners[i].where)
			log_message(LOG_NOTICE, "serving %s at %s", site.name, listeners[i].where);
}

static struct http_peer peer_of(const union address *address)
{
	struct http_peer peer = { .port = ntohs(address->in.sin_port) };

	switch (address->any.sa_family) {
	case AF_INET:
		peer.address[10] = peer.address[11] = 0xff;
		memcpy(peer.address + 12, &address->in.sin_addr, 4);
		return peer;
	case AF_INET6: memcpy(peer.address, &address->in6.sin6_addr, 16); return peer;
	case AF_UNIX: return (struct http_peer){ .port = HTTP_UNIX_PORT };
	default: return (struct http_peer){ .port = 0 };
	}
}

/* NULL if it is neither of IPv4 nor of IPv6. */
static const char *name_address(const struct http_peer *peer, char name[INET6_ADDRSTRLEN])
{
	int family = http_family(peer);

	if (family != AF_INET && family != AF_INET6)
		return NULL;
	return inet_ntop(family, peer->address + (family == AF_INET ? 12 : 0), name,
			 INET6_ADDRSTRLEN);
}

/*
 * The address by which others reach this machine: the one from which it would reach another
 * network. Connecting a datagram socket sends nothing.
 */
static const char *own_address(bool six, char name[INET6_ADDRSTRLEN])
{
	/* networks for documentation: RFC 5737, RFC 3849 */
	union address to = { .in = { .sin_family = AF_INET, .sin_addr = { htonl(0xc0000201) } } };
	socklen_t size = sizeof(to);
	struct http_peer own;
	bool found;
	int fd;

	if (six)
		to.in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6,
						.sin6_addr = {
							{ { 0x20, 1, 0xd, 0xb8, [15] = 1 } } } };
	to.in.sin_port = htons(9);
	fd = socket(to.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	found = fd >= 0 && connect(fd, &to.any, size) == 0 && getsockname(fd, &to.any, &size) == 0;
	close(fd);
	own = peer_of(&to);
	return found ? name_address(&own, name) : six ? "::1" : "127.0.0.1";
}

/* The value, or -1 with errno. NOLINTNEXTLINE(bugprone-easily-swappable-parameters) */
static int socket_option(int fd, int level, int option)
{
	int value = -1;
	socklen_t size = sizeof(value);

	return getsockopt(fd, level, option, &value, &size) < 0 ? -1 : value;
}

/* As a URL, which terminals make a link of. */
static void name_listener(int fd, const union address *address, char where[WHERE_SIZE])
{
	char name[INET6_ADDRSTRLEN];
	const struct http_peer own = peer_of(address);
	const char *host = name_address(&own, name); /* "::" is no one's address, and so NULL */
	bool any = !host || strcmp(host, "0.0.0.0") == 0;
	bool brackets;

	if (any)
		host = own_address(socket_option(fd, IPPROTO_IPV6, IPV6_V6ONLY) == 1, name);
	brackets = strchr(host, ':');
	snprintf(where, WHERE_SIZE, "http://%s%s%s:%u/%s", brackets ? "[" : "", host,
		 brackets ? "]" : "", ntohs(address->in.sin_port),
		 any ? " and every other address" : "");
}

/*
 * Returns 0, or an errno. Where *port is 0 the kernel chooses a port, which then stands there: it is
 * kept for the other addresses of the name. The first worker's socket is bound before the address may
 * be shared, so that a port that another process uses, even another wwwd, is refused; the sockets of
 * the other workers join it.
 */
static int listen_at(const struct addrinfo *ai, in_port_t *port, bool both, int worker)
{
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), error;
	bool first = worker == 0 && options.workers > 1;
	socklen_t size = sizeof(union address), on_size = sizeof(on);
	char where[WHERE_SIZE] = "";
	union address address;

	if (fd < 0)
		return errno;
	memcpy(&address, ai->ai_addr, ai->ai_addrlen);
	if (*port)
		address.in.sin_port = *port;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, on_size);
	if (ai->ai_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, both ? &off : &on, on_size);
	if ((worker > 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, on_size) < 0) ||
	    bind(fd, &address.any, ai->ai_addrlen) < 0 ||
	    (first && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, on_size) < 0) ||
	    listen(fd, BACKLOG) < 0 || getsockname(fd, &address.any, &size) < 0) {
		error = errno;
		close(fd);
		return error;
	}
	*port = address.in.sin_port;
	if (worker == 0)
		name_listener(fd, &address, where);
	add_listener(fd, worker, where);
	return 0;
}

/*
 * At each address of the list, at the same port: 0 or an errno value, and then at none. There is a
 * socket for each worker: the kernel spreads connections evenly, and wakes only one worker each.
 */
static int listen_on_list(const struct addrinfo *list, bool both)
{
	size_t before = listener_count;
	in_port_t chosen = 0;
	int error = 0;

	for (const struct addrinfo *ai = list; ai && !error; ai = ai->ai_next) {
		for (int worker = 0; worker < (int)options.workers && !error; worker++)
			error = listen_at(ai, &chosen, both, worker);
		/* "localhost" is ::1 too, even on a host without IPv6, where ::1 may be the last */
		if ((error == EAFNOSUPPORT || error == EADDRNOTAVAIL) &&
		    (ai->ai_next || listener_count > before))
			error = 0;
	}
	if (error)
		close_listeners(before);
	return error;
}

static void listen_on_host(const char *host, const char *port)
{
	const struct addrinfo hints = { .ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM };
	bool both = strcmp(host, "*") == 0;
	struct addrinfo *list;
	char name[NI_MAXHOST];
	size_t n = strlen(host);
	int error, tries = 0;

	snprintf(name, sizeof(name), "%s", both ? "::" : host);
	if (host[0] == '[' && host[n - 1] == ']') /* as in a URL */
		snprintf(name, sizeof(name), "%.*s", (int)n - 2, host + 1);
	error = getaddrinfo(name, port, &hints, &list);
	if (error == EAI_SERVICE)
		usage("-p %s: neither a number nor a service of services(5)", port);
	if (error)
		die("-h %s: %s", host, gai_strerror(error));
	/* a port that the kernel has chosen at one address may be in use at the next */
	do
		error = listen_on_list(list, both);
	while (error == EADDRINUSE && strcmp(port, "0") == 0 && ++tries < TRIES_MOST);
	freeaddrinfo(list);
	if (error == EAFNOSUPPORT && both)
		listen_on_host("0.0.0.0", port);
	else if (error)
		die("%s port %s: %s", host, port, strerror(error));
}

/* 0 if the path is free, or a socket that no process listens on; else an errno value. */
static int path_fault(const struct sockaddr_un *address)
{
	struct stat st;
	bool refused;
	int fd;

	if (lstat(address->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : errno;
	if (!S_ISSOCK(st.st_mode))
		return EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	refused = connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 &&
		  errno == ECONNREFUSED;
	close(fd);
	return refused ? 0 : EADDRINUSE;
}

/*
 * The socket gets its name after chmod(2) and listen(2): a client that finds the name is served,
 * also while one server replaces another that has left its socket behind. Of two servers that start
 * with the same path, the second waits for the lock, and then finds that the first one listens.
 */
static void listen_on_path(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX }, fresh = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int folder = (int)(strrchr(path, '/') - path) + 1, lock, error;
	mode_t mask = umask(0);
	char where[WHERE_SIZE];
	int n = snprintf(fresh.sun_path, sizeof(fresh.sun_path), "%.*s.wwwd.%d", folder, path,
			 (int)getpid());

	if (strlen(path) >= sizeof(address.sun_path) || n >= (int)sizeof(fresh.sun_path))
		die("%s: %s", path, strerror(ENAMETOOLONG));
	memcpy(address.sun_path, path, strlen(path) + 1);
	lock = open_folder_of(path, O_RDONLY);
	(void)flock(lock, LOCK_EX);
	error = fd < 0 ? errno : path_fault(&address);
	if (!error && path_fault(&fresh) == 0) /* of an earlier process with the same id */
		unlink(fresh.sun_path);
	/* not by chmod(2): others who may write to the folder could replace the socket by a link */
	(void)umask(options.socket_mode == UINT64_MAX ? mask : 0777 & ~(mode_t)options.socket_mode);
	if (!error && bind(fd, (const struct sockaddr *)&fresh, sizeof(fresh)) < 0)
		error = errno;
	(void)umask(mask);
	if (!error && (listen(fd, BACKLOG) < 0 || rename(fresh.sun_path, path) < 0)) {
		error = errno;
		unlink(fresh.sun_path);
	}
	if (error)
		die("%s: %s", path, strerror(error));
	close(lock);
	snprintf(where, sizeof(where), "unix:%s", path);
	add_listener(fd, EVERY_WORKER, where);
}

static void listen_everywhere(void)
{
	const char *port = options.port ? options.port : "8080", *end = port;
	uint64_t number;

	if (parse_digits(&end, 10, &number) && *end == '\0' && number > UINT16_MAX)
		usage("-p %s: there are 65535 ports", port);
	if (host_count == 0)
		hosts[host_count++] = "127.0.0.1";
	for (size_t i = 0; i < host_count; i++)
		if (strchr(hosts[i], '/'))
			listen_on_path(hosts[i]);
		else
			listen_on_host(hosts[i], port);
}

/* ---- connections ---------------------------------------------------------- */

/* A member of a circular list, or its head. Outside of a list it points to itself. */
struct link {
	struct link *previous, *next;
};

/* A connection. */
struct client {
	struct http_conn conn;  /* first: the log is given its address and needs the client's */
	struct link queued;     /* see queues */
	struct link holding;    /* see holders, or alone */
	struct link neighbours; /* of the same network */
	struct network *network;
	int fd;
	uint16_t events; /* that epoll watches it for, 0 none */
	uint8_t queue;
};

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

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Rounded up; none if the deadline has passed. It may be INT64_MAX, for an hour. */
static int milliseconds(int64_t now, int64_t deadline)
{
	int64_t hour = 3600 * INT64_C(1000000), left = earlier(deadline, now + hour) - now;

	return left < 0 ? 0 : (int)((left + 999) / 1000);
}

static size_t bounded_size(uint64_t size)
{
	return size < SIZE_MAX / 2 ? (size_t)size : SIZE_MAX / 2;
}

/* ---- the log -------------------------------------------------------------- */

/*
 * Lines are written together, once per turn of the loop. If the log doesn't take them they wait,
 * until the buffer is full. Then lines are lost and counted, until the whole buffer is written: so
 * there is one gap, and a message behind it says how many lines were lost.
 */
static LARGE char log_lines[LOG_BUFFER];
static struct {
	int fd;                           /* of --log, or -1 */
	const struct sockaddr_un *daemon; /* that gets a datagram for each record, or NULL */
	char end;                         /* of a record: the journal's have several lines */
	bool pieces;                      /* not a file, but a pipe, a terminal or a socket */
	char prefix[PREFIX_SIZE];         /* of each record */
	size_t size;                      /* bytes of log_lines that are not written yet */
	bool torn;                        /* the beginning of the first record has been written */
	int error;                        /* of the last write, or 0 */
	bool losing;
	uint64_t lost; /* records that no message has told of yet */
	int64_t retry; /* when to try again, or 0: with the next record */
	int64_t pause; /* between two tries */
} records = { .fd = -1, .end = '\n' };

/*
 * A file takes everything at once. A pipe takes up to PIPE_BUF bytes whole or not at all: with whole
 * lines of no more, no line is torn by those of other processes. A datagram is one record.
 */
static size_t piece_size(const char *at, size_t n)
{
	const char *end = NULL;

	if (records.daemon)
		end = memchr(at, records.end, n);
	else if (records.pieces && n > PIPE_BUF)
		end = memrchr(at, '\n', PIPE_BUF);
	return end ? (size_t)(end - at) + 1 : n;
}

/* Like write(2), but never waits. Of a record in a datagram the end is not sent. */
static ssize_t write_piece(const char *at, size_t n)
{
	if (records.daemon)
		return send_datagram(records.daemon, at, n - 1) < 0 ? -1 : (ssize_t)n;
	return options.log ? write(records.fd, at, n) : write_error(at, n);
}

static void drop_bytes(size_t n)
{
	records.size -= n;
	memmove(log_lines, log_lines + n, records.size);
}

/*
 * A full disk or pipe must not delay responses: the lines wait. No event tells that the process
 * which reads the log takes lines again, or was restarted: so they are tried again after a pause.
 */
static void put_off_log(int error)
{
	bool passing = error == EAGAIN || error == ENOENT || error == ECONNREFUSED;

	if (!records.error && options.log && error != EAGAIN)
		log_message(LOG_ERR, "%s: %s: log lines may be lost", options.log, strerror(error));
	records.error = error;
	records.pause = records.pause ? 2 * records.pause : LOG_PAUSE_LEAST;
	if (records.pause > LOG_PAUSE_MOST)
		records.pause = LOG_PAUSE_MOST;
	records.retry = passing ? common.clock + records.pause : 0;
}

/*
 * If a reader of the log took some lines, but is slower than the loop, it gets a millisecond before
 * lines are lost. One that took nothing is not waited for.
 */
static void write_log(void)
{
	const char *file = options.log;
	size_t done = 0;
	int error = 0;

	if (records.retry > common.clock)
		return;
	while (done < records.size && !error) {
		const char *at = log_lines + done;
		ssize_t n = write_piece(at, piece_size(at, records.size - done));

		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || errno != EINTR)
			error = n ? errno : ENOSPC;
	}
	if (done) {
		records.torn = log_lines[done - 1] != records.end;
		records.pause = 0;
		drop_bytes(done);
	}
	if (error) {
		put_off_log(error);
		if (done && records.size > LOG_BUFFER / 2)
			nap(1);
		return;
	}
	records.retry = 0;
	records.error = 0;
	records.losing = false;
	if (!records.lost)
		return;
	if (log_message(LOG_WARNING, "%s%s%ju log line%s lost", file ? file : "", file ? ": " : "",
			(uintmax_t)records.lost, records.lost == 1 ? " was" : "s were"))
		records.lost = 0;
	else
		put_off_log(errno); /* perhaps there was room for the last line only */
}

/* The last lines of a process may wait for room, for LOG_LAST_TIME. */
static void finish_log(void)
{
	for (int ms = 0; ms <= LOG_LAST_TIME; ms += 10) {
		records.retry = 0;
		write_log();
		if (records.error != EAGAIN)
			return;
		nap(10);
	}
}

static void add_record(const char *record, size_t n)
{
	size_t prefix = strlen(records.prefix);

	if (!records.losing && records.size + prefix + n > LOG_BUFFER) {
		survive_writing();
		write_log();
		records.losing = records.size + prefix + n > LOG_BUFFER;
	}
	if (records.losing) {
		records.lost++;
		return;
	}
	memcpy(log_lines + records.size, records.prefix, prefix);
	memcpy(log_lines + records.size + prefix, record, n);
	records.size += prefix + n;
}

/*
 * Behind a pipe or a UNIX socket (stunnel, UCSPI-TLS) only the environment tells the client's
 * address. The supervisor sets it, but it must not be able to forge lines of the log.
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

/*
 * stunnel talks to a program over a pair of sockets, which may be TCP of the loopback, and says in
 * $REMOTE_HOST whose connection it is.
 */
static struct http_peer peer_of_one(const union address *address)
{
	struct http_peer peer = peer_of(address), told = { .port = 0 };
	const char *host = getenv("REMOTE_HOST");

	if (http_family(&peer) != AF_INET || peer.address[12] != IN_LOOPBACKNET || !host)
		return peer;
	memcpy(told.address, peer.address, 12);
	return inet_pton(AF_INET, host, told.address + 12) == 1 ||
			       inet_pton(AF_INET6, host, told.address) == 1
		       ? told
		       : peer;
}

enum { FIELD_SIZE = 2048, RECORD_SIZE = HTTP_LOG_LINE + 6 * FIELD_SIZE };

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
 * The line, and its parts for the matches of journalctl(1): systemd.io/JOURNAL_NATIVE_PROTOCOL.
 * There is room for the line and five long fields; all others fit where a sixth would.
 */
static void log_journal(const char *peer, const struct http_entry *entry, const char *line,
			size_t n)
{
	static const char *const names[] = { "METHOD", "PATH", "REFERER", "USER_AGENT", "HOST" };
	const struct http_text texts[] = { entry->method, entry->target, entry->referer,
					   entry->agent, entry->host };
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
	if (entry->peer->port && http_family(entry->peer) != AF_UNIX)
		add_field(&at, "REMOTE_PORT=%u", entry->peer->port);
	add_field(&at, "DURATION_USEC=%jd", (intmax_t)(read_clock() - entry->began));
	add_field(&at, "SYSLOG_IDENTIFIER=wwwd");
	add_field(&at, "PRIORITY=%d", LOG_NOTICE);
	*at++ = records.end;
	add_record(record, (size_t)(at - record));
}

static void log_entry(const struct http_conn *conn, const struct http_entry *entry)
{
	char line[HTTP_LOG_LINE], name[INET6_ADDRSTRLEN];
	const char *peer = name_address(entry->peer, name);
	size_t n;

	if (!peer)
		peer = peer_of_environment();
	(void)conn;
	n = http_log_line(line, peer, entry);
	if (records.daemon == &journal_address) {
		log_journal(peer, entry, line, n);
		return;
	}
	add_record(line, n);
	if (options.verbose && entry->reason)
		add_record(line, (size_t)snprintf(line, sizeof(line), "wwwd: %s: %d for %s\n", peer,
						  entry->status, entry->reason));
}

static int open_log_file(void)
{
	/* open(3) of musl asks twice for O_CLOEXEC */
	return openat(AT_FDCWD, options.log,
		      O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0640);
}

/* Also in each worker: syslog is told its process id. */
static void set_log_prefix(void)
{
	bool stream = error_stream.is_journal && !records.daemon && !options.log;

	if (stream || records.daemon == &syslog_address)
		(void)line_prefix(records.prefix, LOG_NOTICE);
}

/* `many`: the log of many connections, of which the journal gets the parts of each line, too. */
static void open_log(bool many)
{
	struct stat st;

	if ((!options.log && !options.quiet) || many || options.verbose)
		examine_error(many);
	if (options.quiet)
		return;
	site.log = log_entry;
	if (options.log) {
		records.fd = open_log_file();
		if (records.fd < 0)
			die("%s: %s", options.log, strerror(errno));
		records.pieces = many && fstat(records.fd, &st) == 0 && !S_ISREG(st.st_mode);
		return;
	}
	records.pieces = !S_ISREG(error_stream.st.st_mode);
	if (error_stream.is_client) {
		records.daemon = &syslog_address;
	} else if (error_stream.is_journal && many && access(journal_address.sun_path, W_OK) == 0) {
		records.daemon = &journal_address;
		records.end = '\0';
		open_datagrams();
	}
	set_log_prefix();
}

static void reopen_log(void)
{
	const char *end;
	int fd;

	write_log();
	fd = open_log_file();
	if (fd < 0 || dup3(fd, records.fd, O_CLOEXEC) < 0) {
		log_message(LOG_ERR, "%s: %s; the log goes on where it was", options.log,
			    strerror(errno));
	} else {
		/* the rest of a line whose beginning is in the old file is not for the new one */
		if (records.torn && records.size) {
			end = memchr(log_lines, records.end, records.size);
			drop_bytes(end ? (size_t)(end - log_lines) + 1 : records.size);
			records.torn = false;
			records.lost++;
		}
		records.error = 0;
		records.retry = 0;
	}
	close(fd);
}

/* What workers tell each other: they stop together when none has had a client for long. */
static struct shared {
	_Atomic int64_t active; /* when a client last came or left */
	_Atomic size_t clients[WORKERS_MOST];
	_Atomic size_t adopted; /* connections that have processes of their own */
	/* what the broker's processes do; a spare one waits for another connection */
	_Atomic enum helper_state { HELPING, SPARE, GONE } helpers[HELPERS_MOST];
} * shared;

/* ---- errands: what the conversation asks of the broker -------------------------- */

/*
 * The process that reads requests can't execute and can't read what is not beneath the root. Where
 * programs or passwords are asked for, the broker can: it is forked before the confinement, and gets
 * a message for each errand, with the texts that it needs and the descriptors.
 */
struct errand {
	enum errand_kind { RUN_PROGRAM, CHECK_PASSWORD, ADOPT_CLIENT, REOPEN_LOG, STOP } kind;
	uint32_t rule; /* of --cgi or --auth */
	uint32_t size; /* of the first text behind this; then come a NUL and the second one */
	struct http_peer peer;
	bool tls;
};

/* A program's ends of its pipes and its lifeline; where a body follows, also ours of the first pipe. */
enum { PROGRAM_FDS = 4, ERRAND_FDS };

/* The errand that was received last, with room for a NUL behind its second text. */
static LARGE struct {
	struct errand errand;
	char bytes[ERRAND_MOST + 1];
} message;

static struct http_text first_text(void)
{
	return (struct http_text){ message.bytes, message.errand.size };
}

static const struct http_text no_text = { "", 0 };

static int broker = -1; /* a socket to it, or -1 */
static pid_t broker_pid;

/* 0 or an errno value. */
static int send_errand(int socket, struct errand *errand, struct http_text first,
		       struct http_text second, const int *fds, size_t fd_count)
{
	struct iovec parts[] = { { errand, sizeof(*errand) },
				 { (char *)first.at, first.len },
				 { (char[]){ '\0' }, 1 },
				 { (char *)second.at, second.len } };
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * ERRAND_FDS)] = { 0 };
	struct msghdr header = {
		.msg_iov = parts,
		.msg_iovlen = LENGTH(parts),
		.msg_control = fd_count ? control : NULL,
		.msg_controllen = fd_count ? (unsigned)CMSG_SPACE(sizeof(int) * fd_count) : 0
	};
	struct cmsghdr *passed = CMSG_FIRSTHDR(&header);
	int flags;

	errand->size = (uint32_t)first.len;
	if (sizeof(*errand) + first.len + 1 + second.len > ERRAND_MOST)
		return EMSGSIZE;
	if (passed) {
		passed->cmsg_level = SOL_SOCKET;
		passed->cmsg_type = SCM_RIGHTS;
		passed->cmsg_len = (unsigned)CMSG_LEN(sizeof(int) * fd_count);
		memcpy(CMSG_DATA(passed), fds, sizeof(int) * fd_count);
	}
	/* a process with one connection may wait for the broker, which never waits for it */
	flags = MSG_NOSIGNAL | (errand->kind <= CHECK_PASSWORD ? 0 : MSG_DONTWAIT);
	return sendmsg(socket, &header, flags) < 0 ? errno : 0;
}

/* A signal would not get out of the confinement (Landlock ABI 6). */
static void tell_broker(enum errand_kind kind)
{
	struct errand errand = { .kind = kind };

	if (broker >= 0)
		(void)send_errand(broker, &errand, no_text, no_text, NULL, 0);
}

/* The variables together are shorter than HTTP_PEER_VARIABLES, for which there is room. */
static __attribute__((format(printf, 2, 3))) void add_variable(struct http_run *run,
							       const char *format, ...)
{
	va_list values;
	int n;

	va_start(values, format);
	n = vsnprintf(run->variables + run->variables_len, HTTP_PEER_VARIABLES, format, values);
	va_end(values);
	run->variables_len += (size_t)n + 1;
}

/* What http.c doesn't know: who the peer is, and which address it has asked. */
static void add_peer_variables(const struct client *client, struct http_run *run)
{
	union address local = { .any.sa_family = AF_UNSPEC };
	socklen_t local_size = sizeof(local);
	char name[INET6_ADDRSTRLEN], own[INET6_ADDRSTRLEN];
	struct http_peer local_peer;
	const char *peer = name_address(run->client, name), *host;
	const char *port = getenv("TCPREMOTEPORT");

	(void)getsockname(client->fd, &local.any, &local_size);
	local_peer = peer_of(&local);
	host = name_address(&local_peer, own);

	if (peer && run->client->port)
		add_variable(run, "REMOTE_PORT=%u", run->client->port);
	else if (port)
		add_variable(run, "REMOTE_PORT=%.5s", port);
	add_variable(run, "REMOTE_ADDR=%s", peer ? peer : peer_of_environment());
	if (host)
		add_variable(run, "SERVER_ADDR=%s", host);
	add_variable(run, "SERVER_PORT=%u", host ? local_peer.port : 80u);
	if (!run->named)
		add_variable(run, "SERVER_NAME=%s", host ? host : "localhost");
}

/* A program's three pipes and its lifeline: 0 or an errno value. Its own ends don't block. */
static int open_ends(int theirs[PROGRAM_FDS], int ours[PROGRAM_FDS])
{
	for (size_t i = 0; i < PROGRAM_FDS; i++) {
		bool life = i == PROGRAM_FDS - 1;
		int pair[2];

		if ((life ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)
			  : pipe2(pair, O_CLOEXEC)) < 0)
			return errno;
		/* the program reads from the first pipe and writes to the others */
		theirs[i] = pair[i != 0];
		ours[i] = pair[i == 0];
		if (fcntl(ours[i], F_SETFL, O_NONBLOCK) < 0)
			return errno;
	}
	return 0;
}

/* See struct http_site. */
static int run_program(const struct http_conn *conn, struct http_run *run, struct http_pipes *pipes)
{
	struct errand errand = { .kind = RUN_PROGRAM, .rule = (uint32_t)run->rule };
	int fds[ERRAND_FDS] = { -1, -1, -1, -1, -1 }, ours[PROGRAM_FDS] = { -1, -1, -1, -1 };
	int error = open_ends(fds, ours);

	fds[PROGRAM_FDS] = ours[0];
	survive_writing();
	if (!error) {
		add_peer_variables((const struct client *)conn, run);
		error = send_errand(broker, &errand, run->script,
				    (struct http_text){ run->variables, run->variables_len }, fds,
				    PROGRAM_FDS + run->body);
	}
	for (size_t i = 0; i < PROGRAM_FDS; i++) {
		close(fds[i]);
		if (error)
			close(ours[i]);
	}
	if (!error)
		*pipes = (struct http_pipes){ ours[0], ours[1], ours[2], ours[3] };
	return error;
}

static bool knows_password; /* a client has sent one: the process serves no other client */

static int check_password(size_t rule, struct http_text name, struct http_text password,
			  int *answer)
{
	struct errand errand = { .kind = CHECK_PASSWORD, .rule = (uint32_t)rule };
	int ends[2], error;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return errno;
	knows_password = true;
	error = send_errand(broker, &errand, name, password, &ends[1], 1);
	close(ends[1]);
	if (error)
		close(ends[0]);
	else
		*answer = ends[0];
	return error;
}

/* What a program has written to its standard error. */
static void log_program(struct http_text program, struct http_text line)
{
	char record[1024];
	int n;

	if (line.len == 0)
		return;
	if (!options.log) {
		(void)log_message(LOG_WARNING, "%.*s: %.*s", (int)program.len, program.at,
				  (int)line.len, line.at);
		return;
	}
	n = snprintf(record, sizeof(record), "wwwd: %.*s: %.*s", (int)program.len, program.at,
		     (int)line.len, line.at);
	add_record(record, end_line(record, sizeof(record), (size_t)n));
}

/* ---- confinement ---------------------------------------------------------- */

/* 32-bit processors have second calls for larger ids, sizes and times. */
#ifdef SYS_fcntl64
#define CALL(plain, wide) wide
#else
#define CALL(plain, wide) plain
#endif
enum {
	CALL_SETUID = CALL(SYS_setuid, SYS_setuid32),
	CALL_SETGID = CALL(SYS_setgid, SYS_setgid32),
	CALL_SETGROUPS = CALL(SYS_setgroups, SYS_setgroups32),
	CALL_GETTIME = CALL(SYS_clock_gettime, SYS_clock_gettime64),
	CALL_FSTAT = CALL(SYS_fstat, SYS_statx),
	CALL_FSTATAT = CALL(SYS_newfstatat, SYS_fstatat64), /* where there is no statx(2) */
	CALL_SENDFILE = CALL(SYS_sendfile, SYS_sendfile64),
	CALL_FCNTL = CALL(SYS_fcntl, SYS_fcntl64),
	CALL_MMAP = CALL(SYS_mmap, SYS_mmap2),
	CALL_SEEK = CALL(SYS_lseek, SYS__llseek),
	CALL_PPOLL = CALL(SYS_ppoll, SYS_ppoll_time64),
};

enum { NOBODY = 65534 }; /* everywhere on Linux: the user nobody needs no lookup */

/* Root becomes a user without rights, or the process ends. Any other user stays the same. */
static void drop_root(void)
{
	const char *name = options.user ? options.user : "nobody";
	uid_t own = (uid_t)getauxval(AT_EUID), uid = NOBODY;
	const struct passwd *user;
	gid_t gid = NOBODY;

	if (own != 0 && !options.user)
		return;
	if (options.user) {
		errno = 0;
		user = getpwnam(name);
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
	/* the calls themselves: libc's functions look for threads first */
	if (syscall(CALL_SETGROUPS, 0, NULL) < 0 || syscall(CALL_SETGID, gid) < 0 ||
	    syscall(CALL_SETUID, uid) < 0)
		die("--user %s: %s", name, strerror(errno));
	/* root could open what this user can't search: every response would be 403 */
	if (faccessat(site.root, ".", F_OK, 0) < 0)
		die("%s: %s for --user %s", options.dir, strerror(errno), name);
}

/*
 * What each ABI of Landlock can refuse, with linux/landlock.h of Linux 6.12; the newest first. Of
 * attributes that an older one doesn't know, it only asks that they are zero.
 */
static const struct landlock_attributes {
	uint64_t files;
	uint64_t network; /* 3: bind and connect of TCP */
	uint64_t scoped;  /* 3: UNIX sockets that are not in the file system, and signals */
} landlock_abis[] = { { 0xffff, 3, 3 }, { 0xffff, 3, 0 }, { 0x7fff, 3, 0 },
		      { 0x7fff, 0, 0 }, { 0x3fff, 0, 0 }, { 0x1fff, 0, 0 } };

static bool landlock_allow(int ruleset, int folder, uint64_t rights)
{
	const struct landlock_path_beneath_attr rule = { .allowed_access = rights,
							 .parent_fd = folder };

	return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
}

/* SIGHUP has to be able to create the log again. */
static bool landlock_allow_log(int ruleset, bool many)
{
	int folder = open_folder_of(options.log, O_PATH);
	bool allowed;

	if (folder < 0)
		return false;
	if (many && faccessat(folder, ".", W_OK, 0) < 0)
		log_message(LOG_WARNING,
			    "%s: %s for uid %u: SIGHUP won't be able to create the log again",
			    options.log, strerror(errno), (unsigned)getuid());
	allowed = landlock_allow(ruleset, folder,
				 LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG);
	close(folder);
	return allowed;
}

/*
 * Files can only be read, and only beneath the root. Returns the ABI in force, 0 for none. Two
 * calls are saved: the newest ABI is tried first, and the ruleset is not closed.
 */
static int confine_files(bool many)
{
	const struct landlock_attributes *refused = landlock_abis;
	int abi = LENGTH(landlock_abis) + 1, ruleset;

	do {
		ruleset = (int)syscall(SYS_landlock_create_ruleset, refused++, sizeof(*refused), 0);
		abi--;
	} while (ruleset < 0 && abi > 1);
	if (ruleset < 0 ||
	    !landlock_allow(ruleset, site.root,
			    LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR) ||
	    (options.log && (many || shared) && !landlock_allow_log(ruleset, many)) ||
	    syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		return 0;
	return abi;
}

/* What the kernel calls this processor. On processors that are not listed, calls are not filtered. */
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

/* What the event loop calls once it runs, with any arguments. */
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

static LARGE struct sock_filter filter[256];
static unsigned short filter_size;

static void emit(struct sock_filter step)
{
	filter[filter_size++] = step;
}

/* The steps of a filter: a comparison says how many of the next ones are skipped. */
#define LOAD(offset) (struct sock_filter) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(offset))
#define MASK(bits) (struct sock_filter) BPF_STMT(BPF_ALU | BPF_AND | BPF_K, bits)
#define COMPARE(value, if_equal, if_not) \
	(struct sock_filter)             \
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(value), if_equal, if_not)
#define RETURN(verdict) (struct sock_filter) BPF_STMT(BPF_RET | BPF_K, verdict)
#define CALL_NUMBER offsetof(struct seccomp_data, nr)
#define LOWER_HALF(argument)                                                   \
	(offsetof(struct seccomp_data, args) + sizeof(uint64_t) * (argument) + \
	 (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0))

/*
 * What is not allowed fails with EPERM. The calls whose arguments are checked come first: of the
 * others the kernel remembers that they are allowed. Only the socket for log datagrams may be given
 * an address. A seccomp filter can't see which one, but without connect(2) no service that listens
 * for streams can be reached, and the log needs it where its daemon is restarted. No memory becomes
 * executable, except on s390x, where mmap(2) takes its arguments from memory, which no filter sees.
 */
static bool confine_calls(void)
{
	const uint32_t all = UINT32_MAX;
	const struct {
		int number;
		unsigned argument; /* whose lower half, masked, must have this value */
		uint32_t mask, value;
	} checked_calls[] = {
		{ SYS_sendto, 5, all, 0 },
		{ SYS_sendto, 0, all, (uint32_t)datagrams },
		{ CALL_MMAP, 2, SECCOMP_ARCH == AUDIT_ARCH_S390X ? 0 : PROT_EXEC, 0 },
		{ SYS_sendmsg, 0, all, (uint32_t)broker },
		{ SYS_wait4, 0, all, (uint32_t)broker_pid },
#ifdef SYS_socketcall /* libc may use it; but for no new socket, whose family it hides */
		{ SYS_socketcall, 0, all, SYS_RECV },
		{ SYS_socketcall, 0, all, SYS_RECVFROM },
		{ SYS_socketcall, 0, all, SYS_SEND },
		{ SYS_socketcall, 0, all, SYS_SENDTO },
		{ SYS_socketcall, 0, all, SYS_ACCEPT4 },
		{ SYS_socketcall, 0, all, SYS_SHUTDOWN },
		{ SYS_socketcall, 0, all, SYS_SENDMSG },
		{ SYS_socketcall, 0, all, SYS_GETSOCKOPT },
		{ SYS_socketcall, 0, all, SYS_SETSOCKOPT },
#endif
	};
	struct sock_fprog program = { .filter = filter };

	_Static_assert(6 * LENGTH(checked_calls) + 2 * LENGTH(loop_calls) + 5 <= LENGTH(filter),
		       "the filter has room for all steps");
	emit(LOAD(offsetof(struct seccomp_data, arch)));
	emit(COMPARE(SECCOMP_ARCH, 1, 0));
	emit(RETURN(SECCOMP_RET_ERRNO | EPERM));
	for (size_t i = 0; i < LENGTH(checked_calls); i++) {
		if (broker < 0 && (checked_calls[i].number == SYS_sendmsg ||
				   checked_calls[i].number == SYS_wait4))
			continue;
		emit(LOAD(CALL_NUMBER));
		emit(COMPARE(checked_calls[i].number, 0, 4));
		emit(LOAD(LOWER_HALF(checked_calls[i].argument)));
		emit(MASK(checked_calls[i].mask));
		emit(COMPARE(checked_calls[i].value, 0, 1));
		emit(RETURN(SECCOMP_RET_ALLOW));
	}
	emit(LOAD(CALL_NUMBER));
	for (size_t i = 0; i < LENGTH(loop_calls); i++) {
		emit(COMPARE(loop_calls[i], 0, 1));
		emit(RETURN(SECCOMP_RET_ALLOW));
	}
	emit(RETURN(SECCOMP_RET_ERRNO | EPERM));
	program.len = filter_size;
	errno = ENOSYS;
	return SECCOMP_ARCH && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

/* Where only sockets and pipes are written to, no file may grow. */
static bool writes_files(const struct http_end *out)
{
	struct stat st;

	return options.log || S_ISREG(error_stream.st.st_mode) ||
	       (out && !out->socket && fstat(out->fd, &st) == 0 && S_ISREG(st.st_mode));
}

/* With --verbose: what is in force here, which depends on the kernel. */
static void tell_confinement(int abi, bool many)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_BENEATH };
	long fd = syscall(SYS_openat2, site.root, ".", &how, sizeof(how));
	int mode = prctl(PR_GET_SECCOMP, 0, 0, 0, 0);
	const char *calls = mode < 0    ? "missing"
			    : mode == 2 ? many ? "yes, and the supervisor's" : "the supervisor's"
			    : many      ? "yes"
					: "no (one connection)";

	log_message(LOG_NOTICE,
		    "confined: uid %u, no new privileges, openat2 %s, Landlock ABI %d, seccomp %s",
		    (unsigned)getuid(), fd < 0 ? "missing (folders are opened one by one)" : "yes",
		    abi, calls);
	close((int)fd);
}

static const struct rlimit forbidden = { 0, 0 };

static void give_up_privileges(void)
{
	drop_root();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		log_message(LOG_WARNING, "no_new_privs: %s", strerror(errno));
}

/*
 * From here on no request can make the process write files, connect or execute, even if the code
 * that reads it has a fault. `out` is the one connection, or NULL for many. The event loop adds a
 * seccomp filter; for one connection its unit brings one, for here it would cost more than a tenth
 * of the life of the process.
 */
static void confine(const struct http_end *out)
{
	int abi;

	if (!writes_files(out))
		(void)setrlimit(RLIMIT_FSIZE, &forbidden);
	abi = confine_files(!out);
	if (!abi)
		log_message(LOG_WARNING, "Landlock: %s; wwwd goes on without it", strerror(errno));
	/* Landlock prevents core files too: one call less for one connection */
	if (!out || !abi)
		(void)setrlimit(RLIMIT_CORE, &forbidden);
	if (options.verbose &&
	    !(out && shared)) /* once, not for each connection of an event loop */
		tell_confinement(abi, !out);
}

/* ---- one connection ------------------------------------------------------- */

/* Untouched memory costs nothing: enough for the usual limits, and no malloc on the way. */
static void *one_work(void)
{
	static NEXT _Alignas(64) char usual[112 << 10];
	size_t size = http_work_size(&site.limits);

	if (size <= sizeof(usual))
		return usual;
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* A response that one send(2) can't do begins: see struct http_end. */
static void prepare_end(int fd)
{
	int64_t stall = site.limits.stall_time, time = stall < SEND_TIME ? stall : SEND_TIME;
	struct timeval most = { .tv_sec = time / 1000000, .tv_usec = time % 1000000 };

	signal(SIGPIPE, SIG_IGN);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof(most));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/*
 * A request that has already arrived is answered before any deadline matters: the monotonic clock is
 * read at the first wait. The time of day is read by a system call, because the first
 * clock_gettime(3) has to find the vDSO, which costs two page faults.
 */
static void tell_first_time(void)
{
	struct timespec wall = { 0 };

	if (syscall(CALL_GETTIME, CLOCK_REALTIME, &wall) < 0)
		(void)clock_gettime(CLOCK_REALTIME, &wall);
	http_tell(&common, 0, &wall);
}

static volatile sig_atomic_t told_to_stop, told_to_reopen;

static void note_signal(int signal)
{
	if (signal == SIGHUP)
		told_to_reopen = 1;
	else if (signal != SIGCHLD) /* which only interrupts a wait */
		told_to_stop = 1;
}

static const int noted[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD };

/* They are read as events then, or arrive during waits alone. `before` becomes the mask so far. */
static sigset_t block_signals(sigset_t *before)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < LENGTH(noted); i++)
		sigaddset(&set, noted[i]);
	if (sigprocmask(SIG_BLOCK, &set, before) < 0)
		die("sigprocmask: %s", strerror(errno));
	return set;
}

static sigset_t wait_mask; /* where there is a broker: signals arrive during waits alone */

/* From here on signals are noted. */
static void note_signals(void)
{
	(void)block_signals(&wait_mask);
	for (size_t i = 0; i < LENGTH(noted); i++) {
		sigdelset(&wait_mask, noted[i]);
		signal(noted[i], noted[i] == SIGHUP && !options.log ? SIG_IGN : note_signal);
	}
}

/* Waits for descriptors, and where there is a broker for signals. */
static void wait_for(struct pollfd *polls, size_t count, int64_t until)
{
	int ms = milliseconds(common.clock, until);
	const struct timespec time = { ms / 1000, ms % 1000 * 1000000L };

	if (broker >= 0 || count)
		(void)ppoll(polls, count, &time, broker >= 0 ? &wait_mask : NULL);
	tell_time();
}

/* What a process for one connection waits for: false if the time of a stop is over. */
static bool wait_one(struct pollfd *polls, size_t count, int64_t until)
{
	static int64_t stop_at = INT64_MAX;

	wait_for(polls, count, count ? earlier(until, stop_at) : 0);
	if (told_to_reopen) {
		told_to_reopen = 0;
		reopen_log();
	}
	/* where many connections have processes, these do not wait for another request */
	common.closing = told_to_stop || (shared && shared->adopted > ADOPTED_MOST / 2);
	if (told_to_stop && stop_at == INT64_MAX)
		stop_at = common.clock + STOP_TIME;
	return common.clock < stop_at;
}

static struct client one_client;

/* One connection, until it ends. Of an adopted one another process has received the beginning. */
static int hold_one(struct http_end in, struct http_end out, struct http_peer peer)
{
	static void *memory;
	struct http_conn *conn = &one_client.conn;
	struct pollfd polls[HTTP_POLLS];
	enum http_want want;

	if (!memory)
		memory = one_work();
	if (memory == MAP_FAILED)
		die("no memory for --line-max and --header-max");
	site.prepare = prepare_end;
	if (broker >= 0) {
		site.run = run_program;
		site.check = check_password;
		site.complain = log_program;
	}
	if (shared)
		tell_time();
	else
		tell_first_time();
	common.out = response_bytes;
	common.memory_most = options.memory ? bounded_size(options.memory) : ONE_MEMORY;
	one_client.fd = in.fd;
	http_open(conn, &site, in, out, &common);
	conn->peer = peer;
	conn->work = http_work_init(memory, &site.limits);
	if (shared && !http_adopt(conn, first_text(), message.errand.tls))
		return EXIT_FAILURE;
	while ((want = http_step(conn, &common)) != HTTP_DONE) {
		if (!clock_start && !shared) /* or else all processes count from one moment */
			clock_start = read_clock();
		if (records.size) /* when the connection has ended, a signal is harmless */
			survive_writing();
		write_log();
		if (told_to_stop && !http_busy(conn))
			break;
		if (!wait_one(polls, http_polls(conn, want, polls), conn->deadline))
			break;
	}
	http_drop(conn, &common); /* or its program would not be ended */
	finish_log();
	return EXIT_SUCCESS;
}

/* ---- the broker ------------------------------------------------------------------ */

/* Programs and their process groups, until the last process of the group has ended. */
static LARGE struct running {
	pid_t group;
	int life;       /* its other end is closed when the response is complete, or given up */
	rlim_t mark;    /* of all processes that it has started */
	int64_t act_at; /* when the group gets SIGTERM, and then SIGKILL */
	int input;      /* held until it has all of the body: what was cut off has no end for it */
	bool told;      /* it has got SIGTERM */
} running[2 * PROGRAMS_MOST + ENDING_MOST];
static size_t running_count;

static void close_input(struct running *program)
{
	if (program->input >= 0)
		close(program->input);
	program->input = -1;
}

/* In a helper: programs are no business of it. */
static void leave_programs(void)
{
	for (size_t i = 0; i < running_count; i++) {
		close_input(&running[i]);
		if (running[i].life >= 0)
			close(running[i].life);
	}
}

/*
 * A resource limit marks the processes of a program: they inherit it, and can't raise it. This one
 * is for real-time processes alone, and the marks from `marks` us on are larger than usual limits.
 * MARK_TOLD is set for a process that has got SIGTERM.
 */
#define MARK RLIMIT_RTTIME
enum { MARK_TOLD = 0 };
static rlim_t marks = 1 << 30, last_mark;
static int64_t orphans_at = INT64_MAX; /* when to look for what programs have left behind */

/* Processes of this one's own group: connections, and passwords that are being checked. */
static LARGE struct helper {
	pid_t pid; /* or 0 */
	int line;  /* to an adopted one, which is sent further connections on it; or -1 */
} helpers[HELPERS_MOST];
static size_t helper_count, check_count;

static struct rlimit files_at_start;
static int64_t broker_stop_at = INT64_MAX; /* when connections are made to end */
static int last_rounds = LAST_ROUNDS;      /* and how often, until what is left is left alone */

/* Whether a program gets it. Other names may be settings of libraries, which no client may set. */
static bool is_variable(const char *variable)
{
	static const char *const names[] = {
		"AUTH_TYPE",         "CONTENT_LENGTH",  "CONTENT_TYPE", "DOCUMENT_ROOT",
		"GATEWAY_INTERFACE", "HTTPS",           "PATH_INFO",    "PATH_TRANSLATED",
		"QUERY_STRING",      "REDIRECT_STATUS", "REMOTE_ADDR",  "REMOTE_PORT",
		"REMOTE_USER",       "REQUEST_METHOD",  "REQUEST_URI",  "SCRIPT_FILENAME",
		"SCRIPT_NAME",       "SERVER_ADDR",     "SERVER_NAME",  "SERVER_PORT",
		"SERVER_PROTOCOL",   "SERVER_SOFTWARE",
	};
	size_t n = strcspn(variable, "=");

	if (variable[n] != '=' || strncmp(variable, "HTTP_PROXY=", 11) == 0)
		return false;
	for (size_t i = 0; i < LENGTH(names); i++)
		if (strlen(names[i]) == n && memcmp(variable, names[i], n) == 0)
			return true;
	return strncmp(variable, "HTTP_", 5) == 0 &&
	       strspn(variable, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == n;
}

/* Whether --cgi-env has that name, from the option `first` on. */
static bool is_given(const char *variable, size_t first)
{
	size_t n = strcspn(variable, "=") + 1;

	for (size_t i = first; i < program_variable_count; i++)
		if (strncmp(program_variables[i], variable, n) == 0)
			return true;
	return false;
}

/*
 * --cgi-env, of which the last of a name counts; then PATH, and what the request says. No name is there
 * twice: some programs take the first of them, and shells the last.
 */
static void list_variables(char *environment[VARIABLES_MOST], char *text, size_t size)
{
	static LARGE char path[PATH_MAX];
	const char *own = getenv("PATH");
	size_t n = 0;

	if (!own || strlen(own) >= sizeof(path) - strlen("PATH="))
		own = "/usr/local/bin:/usr/bin:/bin";
	stpcpy(stpcpy(path, "PATH="), own);
	for (size_t i = 0; i < program_variable_count; i++)
		if (!is_given(program_variables[i], i + 1))
			environment[n++] = (char *)program_variables[i];
	if (!is_given(path, 0))
		environment[n++] = path;
	for (char *end = text + size; text < end && n < VARIABLES_MOST - 1;
	     text += strlen(text) + 1)
		if (is_variable(text) && !is_given(text, 0))
			environment[n++] = text;
	environment[n] = NULL;
}

/*
 * Changes to the folder of a path beneath `folder`; `name` becomes the rest: 0 or an errno value.
 */
static int enter_folder(const struct http_site *folder, char *path, const char **name)
{
	char *slash = strrchr(path, '/');
	int fd = folder->root, error = 0;

	*name = slash ? slash + 1 : path;
	if (slash) {
		*slash = '\0';
		error = http_open_beneath(folder, path, O_PATH | O_DIRECTORY, &fd);
		*slash = '/';
	}
	if (!error && fchdir(fd) < 0)
		error = errno;
	return error;
}

/* Changes to the folder of a script; `command` becomes its name there: 0 or an errno value. */
static int find_script(const struct http_scope *rule, char *script, char command[PATH_MAX + 2])
{
	struct http_site host = site, folder = site;
	size_t n = strlen(rule->prefix);
	const char *name;
	struct stat st;
	int fd, error = 0;

	if (site.hosts) {
		char *folder_end = strchr(script, '/');

		if (!folder_end)
			return EACCES;
		*folder_end = '\0';
		error = http_open_beneath(&site, script, O_PATH | O_DIRECTORY, &host.root);
		script = folder_end + 1;
	}
	if (strncmp(script, rule->prefix, n) != 0 || (n && script[n++] != '/'))
		return EACCES;
	if (!error)
		error = http_open_beneath(&host, rule->prefix, O_PATH | O_DIRECTORY, &folder.root);
	if (!error)
		error = http_open_beneath(&folder, script + n, O_PATH, &fd);
	if (!error && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)))
		error = EACCES;
	if (!error)
		error = enter_folder(&folder, script + n, &name);
	if (!error) /* an interpreter would take "-name" for an option */
		(void)snprintf(command, PATH_MAX + 2, "./%s", name);
	return error;
}

static int find_program(const struct http_scope *rule, char command[PATH_MAX + 2])
{
	int folder = open_folder_of(rule->path, O_PATH);

	if (folder < 0 || fchdir(folder) < 0)
		return errno;
	(void)snprintf(command, PATH_MAX, "%s", rule->path);
	return 0;
}

/* Descriptors that were inherited without FD_CLOEXEC would stay open in the program. */
static void close_others(void)
{
#ifdef SYS_close_range
	if (syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */) == 0)
		return;
#endif
	for (int fd = 3; fd < 1024; fd++)
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* By the call itself: libc keeps two signals for itself, which may be ignored here. */
static void default_signal(int number)
{
	static const uint64_t
		defaults[8]; /* the kernel's struct sigaction: SIG_DFL, nothing else */

	(void)syscall(SYS_rt_sigaction, number, defaults, NULL, sizeof(uint64_t));
}

struct launch {
	const struct http_scope *rule;
	char *script, **environment;
	const int *fds;
	rlim_t mark;
};

/* In the process of a program. Until execve(2) it shares the memory of the broker, which waits. */
static int become_program(void *argument)
{
	static const int changed[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGPIPE, SIGXFSZ };
	static LARGE char command[PATH_MAX + 2];
	const struct launch *launch = argument;
	char *arguments[2] = { command, NULL };
	unsigned char error = 0;
	sigset_t none;

	setpgid(0, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)setrlimit(MARK, &(struct rlimit){ launch->mark, launch->mark });
	for (size_t i = 0; i < LENGTH(changed); i++)
		default_signal(changed[i]);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	(void)setrlimit(RLIMIT_NOFILE, &files_at_start);
	for (int i = 0; i < 3 && !error; i++)
		if (dup2(launch->fds[i], i) < 0)
			error = (unsigned char)errno;
	close_others();
	if (!error)
		error = (unsigned char)(launch->rule->path ? find_program(launch->rule, command)
							   : find_script(launch->rule,
									 launch->script, command));
	if (!error) {
		execve(command, arguments, launch->environment);
		/* the program was found, so that its interpreter is missing */
		error = (unsigned char)(errno == ENOENT ? ENOEXEC : errno);
	}
	(void)!write(launch->fds[3], &error, 1);
	_exit(127);
}

/* How many programs have not completed their responses. */
static size_t count_answering(void)
{
	size_t count = 0;

	for (size_t i = 0; i < running_count; i++)
		count += running[i].life >= 0;
	return count;
}

/* Whether they can't be both ends of one thing: the broker would hold them, and wait for ever. */
static bool are_apart(int a, int b)
{
	struct stat first, second;

	return fstat(a, &first) == 0 && fstat(b, &second) == 0 &&
	       (first.st_mode ^ second.st_mode) & S_IFMT;
}

static void start_program(char *script, char *variables, size_t size, int *fds)
{
	static LARGE char *environment[VARIABLES_MOST];
	static LARGE _Alignas(64) char stack[64 << 10];
	unsigned char error = EAGAIN;
	struct launch launch = { &programs[message.errand.rule], script, environment, fds,
				 marks + last_mark++ % marks };
	pid_t group = -1;

	if (running_count < 2 * options.programs + ENDING_MOST &&
	    count_answering() < options.programs &&
	    (fds[PROGRAM_FDS] < 0 || are_apart(fds[3], fds[PROGRAM_FDS]))) {
		list_variables(environment, variables, size);
		/* fork(2) would copy the tables of this process's memory: 270 us, not 31 */
		group = clone(become_program, stack + sizeof(stack),
			      CLONE_VM | CLONE_VFORK | SIGCHLD, &launch);
	}
	if (group < 0) {
		(void)!write(fds[3], &error, 1);
		return;
	}
	setpgid(group, group);
	running[running_count++] = (struct running){
		.group = group, .life = fds[3], .mark = launch.mark, .input = fds[PROGRAM_FDS]
	};
	fds[3] = fds[PROGRAM_FDS] = -1; /* kept */
	orphans_at = earlier(orphans_at, common.clock + ORPHANS_TIME);
}

/* ---- passwords ---- */

static char *(*crypt_function)(const char *, const char *);
static int turns[2]; /* a pipe: who takes a byte of it may check a password */
static size_t turns_owed;

/* What is wrong with the line of an htpasswd file, or NULL. */
static const char *line_fault(const char *line)
{
	const char *colon = strchr(line, ':'), *hash = colon ? colon + 1 : NULL;

	if (!colon || colon == line)
		return "is not NAME:HASH";
	if (strncmp(hash, "$apr1$", 6) == 0)
		return "has a hash that only Apache knows ($apr1$)";
	if (strncmp(hash, "{SHA}", 5) == 0)
		return "has a hash without salt ({SHA})";
	if (hash[0] != '$' || strlen(hash) < 20)
		return "has no hash of a password";
	return NULL;
}

static bool read_line(FILE *file, char *line, size_t size)
{
	if (!fgets(line, (int)size, file))
		return false;
	line[strcspn(line, "\r\n")] = '\0';
	return true;
}

enum { LINE_SIZE = 1024 };

/* Compares all bytes, so that the time does not show where the hashes differ. */
static bool same_hash(const char *a, const char *b)
{
	unsigned differs = strlen(a) != strlen(b);

	for (size_t i = 0; a[i] && b[i]; i++)
		differs |= (unsigned)(a[i] ^ b[i]);
	return !differs;
}

/* A name that isn't in the file costs as much as one that is: the hash of another is computed. */
_Noreturn static void answer_check(const struct http_scope *guard, const char *name,
				   const char *password, int fd)
{
	FILE *file = fopen(guard->path, "re");
	char line[LINE_SIZE], hash[LINE_SIZE] = "";
	bool found = false;
	const char *computed;
	char answer;

	leave_programs();
	(void)!read(turns[0], &answer, 1);
	while (file && read_line(file, line, sizeof(line))) {
		char *colon = strchr(line, ':');
		bool same;

		if (!*line || *line == '#' || line_fault(line))
			continue;
		*colon = '\0';
		same = !found && strcmp(line, name) == 0;
		if (same || !*hash)
			stpcpy(hash, colon + 1);
		found |= same;
	}
	if (!file || ferror(file)) { /* no answer: 503 */
		log_message(LOG_ERR, "--auth: %s: %s", guard->path, strerror(errno));
		_exit(EXIT_FAILURE);
	}
	hash[strcspn(hash, ": \t")] = '\0'; /* what may follow is a comment */
	computed = *hash ? crypt_function(password, hash) : NULL;
	answer = computed && found && same_hash(computed, hash) ? 'y' : 'n';
	(void)!write(fd, &answer, 1);
	_exit(EXIT_SUCCESS);
}

#ifndef WWWD_STATIC
/* Before the first password is checked. */
static bool load_crypt(void)
{
	void *library = crypt_function ? NULL : dlopen("libcrypt.so.1", RTLD_NOW | RTLD_LOCAL);
	void *function = library ? dlsym(library, "crypt") : NULL;

	if (function && pipe2(turns, O_CLOEXEC) == 0 &&
	    write(turns[1], (char[CHECKS_MOST]){ 0 }, CHECKS_MOST) == CHECKS_MOST)
		memcpy(&crypt_function, &function, sizeof(function));
	if (!crypt_function)
		log_message(LOG_ERR, "--auth: %s", function ? strerror(errno) : dlerror());
	return crypt_function;
}

/* Whether a client could ask for the file: it is beneath the root. */
static bool is_served(const char *path)
{
	char *name = realpath(path, NULL);
	size_t n = strlen(site.name);
	bool served = name && strncmp(name, site.name, n) == 0 && (name[n] == '/' || n == 1);

	free(name);
	return served;
}

static void examine_password_file(const struct http_scope *guard)
{
	FILE *file = fopen(guard->path, "re");
	char line[LINE_SIZE];

	for (unsigned number = 1; file && read_line(file, line, sizeof(line)); number++) {
		const char *fault = *line && *line != '#' ? line_fault(line) : NULL;

		if (fault)
			die("--auth: %s, line %u, %s: 'htpasswd -B %s NAME' makes a good one",
			    guard->path, number, fault, guard->path);
	}
	if (!file || ferror(file)) /* it may be a folder */
		die("--auth: %s: %s for uid %u", guard->path, strerror(errno), (unsigned)geteuid());
	if (is_served(guard->path))
		die("--auth: %s is beneath %s, and would be served", guard->path, site.name);
	fclose(file);
}

static bool is_loopback(const union address *address)
{
	switch (address->any.sa_family) {
	case AF_INET: return ntohl(address->in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	case AF_INET6: return IN6_IS_ADDR_LOOPBACK(&address->in6.sin6_addr);
	default: return true;
	}
}

/* Passwords are not encrypted: others can read them on the way, unless a proxy adds TLS. */
static void warn_of_passwords(void)
{
	bool exposed = false;

	for (size_t i = 0; i < listener_count; i++) {
		union address own = { .any.sa_family = AF_UNSPEC };
		socklen_t size = sizeof(own);

		exposed |= getsockname(listeners[i].fd, &own.any, &size) == 0 && !is_loopback(&own);
	}
	if (exposed && !site.proxied && !site.trusts)
		log_message(LOG_WARNING, "--auth: passwords can be read on the way to this "
					 "address, for there is no TLS");
}

/* Ends the process at start if passwords can't be checked. */
static void examine_guards(bool many)
{
	for (size_t i = 0; i < site.guard_count; i++)
		examine_password_file(&guards[i]);
	if (!site.guard_count || !many)
		return;
	if (!load_crypt())
		exit(EXIT_FAILURE);
	warn_of_passwords();
}
#else
static void examine_guards(bool many)
{
	(void)many;
	if (site.guard_count)
		usage("--auth: the static build can't check passwords, for its libc has no crypt(3)");
}

static bool load_crypt(void)
{
	return false;
}
#endif

/* ---- errands, as the broker does them ---- */

static void count_adopted_out(void)
{
	shared->adopted--;
	shared->active = read_clock();
}

/* The helper of that number, or with 0 a place for another one; NULL if there is none. */
static struct helper *find_helper(pid_t pid)
{
	for (size_t i = 0; i < LENGTH(helpers); i++)
		if (helpers[i].pid == pid)
			return &helpers[i];
	return NULL;
}

static void forget_helper(struct helper *helper)
{
	if (helper->line < 0) {
		check_count--;
		turns_owed++; /* here, for it may have been killed */
		while (turns_owed && write(turns[1], "", 1) == 1)
			turns_owed--;
	} else if (atomic_exchange(&shared->helpers[helper - helpers], GONE) == HELPING) {
		count_adopted_out();
	}
	close(helper->line);
	helper->pid = 0;
	helper_count--;
}

/* The bytes of the message, or as recvmsg(2); the descriptors are closed by the caller. */
static ssize_t receive_errand(int socket, int fds[ERRAND_FDS], size_t *count)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * ERRAND_FDS)];
	struct iovec part = { &message, sizeof(message) - 1 };
	struct msghdr header = { .msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = CMSG_LEN(sizeof(int) * ERRAND_FDS) };
	ssize_t n = recvmsg(socket, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	struct cmsghdr *passed = n > 0 ? CMSG_FIRSTHDR(&header) : NULL;

	*count = 0;
	memset(fds, -1, sizeof(int) * ERRAND_FDS);
	if (passed && passed->cmsg_type == SCM_RIGHTS) {
		*count = (passed->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(passed), *count * sizeof(int));
	}
	return n;
}

/* Whole pages are given back, and are zero when they are touched again. There are some. */
static void discard(char *at, size_t size)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	size_t before = (page - (uintptr_t)at % page) % page;
	size_t after = (size - before) % page;

	explicit_bzero(at, before);
	explicit_bzero(at + size - after, after);
	if (madvise(at + before, size - before - after, MADV_DONTNEED) < 0)
		explicit_bzero(at + before, size - before - after);
}

static __attribute__((noinline)) void clear_stack(void)
{
	char bytes[STACK_MOST];

	discard(bytes, sizeof(bytes));
}

/* Nothing that the client has sent, or was sent, stays in memory. */
static void forget_client(void)
{
	discard((char *)one_client.conn.work, http_work_size(&site.limits));
	discard(response_bytes, sizeof(response_bytes));
	discard(log_lines, sizeof(log_lines));
	explicit_bzero(&one_client, sizeof(one_client));
	explicit_bzero(&message, sizeof(message.errand) + message.errand.size);
	clear_stack();
}

static size_t count_spares(void)
{
	size_t count = 0;

	for (size_t i = 0; i < HELPERS_MOST; i++)
		count += shared->helpers[i] == SPARE;
	return count;
}

/*
 * Waits for another connection, and takes it: false if none comes, if enough processes wait already,
 * if the last client has sent a password, or if the log could not be written.
 */
static bool await_client(size_t number, int line, int *fd)
{
	struct pollfd waits = { .fd = line, .events = POLLIN };
	int fds[ERRAND_FDS];
	int64_t until;
	size_t count;

	if (told_to_stop || knows_password || records.size)
		return false;
	close(*fd);
	forget_client();
	shared->helpers[number] = SPARE;
	count_adopted_out();
	tell_time();
	until = common.clock + site.limits.idle_time;
	while (!waits.revents) {
		enum helper_state spare = SPARE;

		/* it may have been given one just now */
		if ((told_to_stop || common.clock >= until || count_spares() > options.programs) &&
		    atomic_compare_exchange_strong(&shared->helpers[number], &spare, GONE))
			return false;
		(void)wait_one(&waits, 1, until);
	}
	if (receive_errand(line, fds, &count) <= 0 || count != 1)
		return false;
	*fd = fds[0];
	return true;
}

/*
 * A process of its own goes on with the connection, confined as one that a supervisor has started; and
 * then with another one, which saves a fork(2) and a confinement: 350 us, where a run of a small program
 * takes 800.
 */
_Noreturn static void become_conversation(size_t number, int line, const int *given)
{
	struct http_end end = { .fd = given[0], .socket = true };
	int status;

	leave_programs();
	for (size_t i = 0; i < LENGTH(helpers); i++)
		if (helpers[i].pid)
			close(helpers[i].line);
	close(broker);
	broker = given[1];
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	set_log_prefix();
	confine(&end);
	do
		status = hold_one(end, end, message.errand.peer);
	while (status == EXIT_SUCCESS && await_client(number, line, &end.fd));
	exit(status);
}

static bool hand_over(const int *fds)
{
	for (size_t i = 0; i < LENGTH(helpers); i++) {
		enum helper_state spare = SPARE;

		if (!helpers[i].pid ||
		    !atomic_compare_exchange_strong(&shared->helpers[i], &spare, HELPING))
			continue;
		if (!send_errand(helpers[i].line, &message.errand, first_text(), no_text, fds, 1))
			return true;
		shared->helpers[i] = SPARE; /* as it was: perhaps it has been killed */
	}
	return false;
}

/* Without a process for it there is no answer, and the response is a 503. */
static void start_check(const char *name, const char *password, int answer)
{
	struct helper *helper = find_helper(0);
	pid_t pid = !helper || !load_crypt() ? -1 : fork();

	if (pid == 0)
		answer_check(&guards[message.errand.rule], name, password, answer);
	if (pid < 0)
		return;
	*helper = (struct helper){ pid, -1 };
	helper_count++;
	check_count++;
}

/* False if there is no process for it. */
static bool start_conversation(const int *fds)
{
	struct helper *helper;
	int line[2];
	pid_t pid;

	if (hand_over(fds))
		return true;
	helper = find_helper(0);
	if (!helper || helper_count - check_count == ADOPTED_MOST ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, line) < 0)
		return false;
	shared->helpers[helper - helpers] = HELPING;
	pid = fork();
	if (pid == 0) {
		close(line[0]);
		become_conversation((size_t)(helper - helpers), line[1], fds);
	}
	close(line[1]);
	if (pid < 0) {
		close(line[0]);
		return false;
	}
	*helper = (struct helper){ pid, line[0] };
	helper_count++;
	return true;
}

/*
 * The message is an errand behind which are so many bytes, or anything else: the process that sends
 * it may be under a client's control.
 */
static void do_errand(size_t size, int *fds, size_t fd_count)
{
	const struct errand *errand = &message.errand;
	char *first = message.bytes, *second;

	if (errand->size >= size)
		return;
	second = first + errand->size + 1;
	second[-1] = first[size] = '\0';
	switch (errand->kind) {
	case RUN_PROGRAM:
		if (fd_count >= PROGRAM_FDS && errand->rule < site.program_count)
			start_program(first, second, (size_t)(first + size - second), fds);
		break;
	case CHECK_PASSWORD:
		if (fd_count == 1 && errand->rule < site.guard_count)
			start_check(first, second, fds[0]);
		break;
	case ADOPT_CLIENT: /* it may be that its descriptors could not be received */
		if (shared && shared->adopted && (fd_count != 2 || !start_conversation(fds)))
			count_adopted_out();
		break;
	case REOPEN_LOG: told_to_reopen = options.log != NULL; break;
	case STOP: told_to_stop = 1; break;
	}
}

/* False when no conversation is left that could ask for more. */
static bool take_errand(int socket)
{
	int fds[ERRAND_FDS];
	size_t count;
	ssize_t n = receive_errand(socket, fds, &count);

	if (n >= (ssize_t)sizeof(message.errand))
		do_errand((size_t)n - sizeof(message.errand), fds, count);
	for (size_t i = 0; i < count; i++)
		if (fds[i] >= 0) /* or the errand has kept it */
			close(fds[i]);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		nap(1); /* no memory, perhaps: not at full speed */
	if (n > 0)
		explicit_bzero(&message, (size_t)n + 1); /* no process inherits it */
	return n != 0;
}

/* Whether a process of the group is left: their parents have ended, so they are this one's. */
static bool is_running(const struct running *program)
{
	pid_t pid;

	do
		pid = waitpid(-program->group, NULL, WNOHANG);
	while (pid > 0);
	return pid == 0;
}

/*
 * Whether the conversation has closed the lifeline. Before, it writes a byte there if the program has
 * all of the request's body.
 */
static bool is_released(struct running *program)
{
	char whole;
	ssize_t n = program->input < 0 ? 0 : recv(program->life, &whole, 1, MSG_DONTWAIT);

	if (n == 1)
		close_input(program);
	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

/*
 * When the conversation has closed the lifeline, the response is complete, or given up: the program
 * may go on for a moment; then its group gets SIGTERM, and later SIGKILL. Only here its leader is
 * waited for, after which its number may be reused.
 */
static void end_programs(const struct pollfd *lives)
{
	for (size_t i = running_count; i-- > 0;) {
		struct running *program = &running[i];

		if (lives[i].revents && is_released(program)) {
			close(program->life);
			program->life = -1;
			program->act_at = common.clock + GRACE_TIME;
		}
		if (program->life >= 0)
			continue;
		if (!is_running(program)) {
			close_input(program);
			*program = running[--running_count];
		} else if (common.clock >= program->act_at) {
			kill(-program->group, program->told ? SIGKILL : SIGTERM);
			program->act_at = common.clock;
			program->act_at += program->told ? TERM_TIME / 10 : TERM_TIME;
			program->told = true;
		}
	}
}

/* Copies to `pids` the processes whose parent is this one, as far as the kernel tells: how many. */
static size_t list_children(pid_t *pids, size_t most)
{
	static char *number;
	static size_t size;
	FILE *file = fopen("/proc/thread-self/children", "re");
	size_t count = 0;

	while (file && count < most && getdelim(&number, &size, ' ', file) > 0)
		pids[count++] = (pid_t)strtol(number, NULL, 10);
	if (file)
		fclose(file);
	return count;
}

/* The program that is led by this process, or that it belongs to by its mark; or NULL. */
static const struct running *find_running(pid_t pid, rlim_t mark)
{
	for (size_t i = 0; i < running_count; i++)
		if (running[i].group == pid || running[i].mark == mark)
			return &running[i];
	return NULL;
}

/*
 * Processes that a program has started and left, in groups or sessions of their own, become children
 * of this one. When their program has been told to end they get SIGTERM, and at the next look SIGKILL.
 * At first the mark says which program they belong to, and then that they have had SIGTERM.
 */
static void end_orphans(void)
{
	static LARGE pid_t pids[8192];
	const struct rlimit told = { MARK_TOLD, MARK_TOLD };
	const int64_t next = common.clock + ORPHANS_TIME;
	size_t count;

	if (common.clock < orphans_at)
		return;
	orphans_at = running_count ? next : INT64_MAX;
	count = list_children(pids, LENGTH(pids));
	for (size_t i = 0; i < count; i++) {
		struct rlimit mark = told;
		const struct running *program;

		(void)prlimit(pids[i], MARK, NULL, &mark);
		program = find_running(pids[i], mark.rlim_max);
		if (find_helper(pids[i]) || (program && program->group == pids[i]) ||
		    waitpid(pids[i], NULL, WNOHANG) != 0)
			continue;
		orphans_at = next;
		if (program && !program->told)
			continue;
		kill(pids[i], mark.rlim_max == MARK_TOLD ? SIGKILL : SIGTERM);
		(void)prlimit(pids[i], MARK, &told, NULL);
	}
}

/*
 * Children that have ended. While programs run, only helpers, which are in this process's own group:
 * to wait for any child would also take the leader of a group, whose number could then be reused.
 */
static void collect_children(void)
{
	struct helper *helper;
	pid_t pid;

	while ((pid = waitpid(running_count ? 0 : -1, NULL, WNOHANG)) > 0)
		if ((helper = find_helper(pid)))
			forget_helper(helper);
	if (pid < 0 && !running_count)
		orphans_at = INT64_MAX; /* there is none */
}

static int64_t broker_deadline(void)
{
	int64_t deadline = earlier(broker_stop_at, orphans_at);

	for (size_t i = 0; i < running_count; i++)
		if (running[i].life < 0)
			deadline = earlier(deadline, running[i].act_at);
	return deadline;
}

static void signal_adopted(int signal)
{
	for (size_t i = 0; i < LENGTH(helpers); i++)
		if (helpers[i].pid && (helpers[i].line >= 0 || signal == SIGKILL))
			kill(helpers[i].pid, signal);
}

/* Passes on to the adopted connections that they have to stop, or to open the log again. */
static void pass_on_signals(void)
{
	if (told_to_stop && broker_stop_at == INT64_MAX) {
		broker_stop_at = common.clock + STOP_TIME;
		signal_adopted(SIGTERM);
	}
	if (common.clock >= broker_stop_at) {
		signal_adopted(SIGKILL);
		broker_stop_at = common.clock + TERM_TIME;
		last_rounds--;
	}
	if (told_to_reopen) {
		told_to_reopen = 0;
		reopen_log();
		signal_adopted(SIGHUP);
	}
}

/*
 * The loop of the broker. It keeps the processes that it has started, reads no HTTP, and knows only
 * what was named on the command line. It ends when neither a conversation nor a program is left; or at
 * a stop after some seconds even if a process can't be killed, or leaves another again and again.
 */
_Noreturn static void keep_errands(int socket)
{
	static LARGE struct pollfd polls[1 + LENGTH(running)];
	bool open = true, last_look = false;

	tell_time();
	while (last_rounds >= 0 &&
	       (open || running_count || helper_count || orphans_at != INT64_MAX)) {
		polls[0] = (struct pollfd){ .fd = open ? socket : -1, .events = POLLIN };
		for (size_t i = 0; i < running_count; i++)
			polls[1 + i] = (struct pollfd){ .fd = running[i].life, .events = POLLIN };
		wait_for(polls, 1 + running_count, broker_deadline());
		end_programs(polls + 1);
		collect_children();
		if (!open && !running_count && !last_look && orphans_at != INT64_MAX) {
			last_look = true;
			orphans_at = common.clock;
		}
		end_orphans();
		/* an empty message is no end */
		if (polls[0].revents && !take_errand(socket))
			open = !(polls[0].revents & POLLHUP);
		pass_on_signals();
	}
	_exit(EXIT_SUCCESS);
}

/* Ends the process at start if a program is not there. */
static void examine_program(const struct http_scope *rule)
{
	struct stat st;
	int fd, error;

	if (!rule->path) {
		if (site.hosts) /* a host that has this folder may be added later */
			return;
		error = http_open_beneath(&site, rule->prefix, O_PATH | O_DIRECTORY, &fd);
		if (error)
			die("--cgi: /%s/ of the site: %s", rule->prefix, strerror(error));
		close(fd);
		return;
	}
	if (access(rule->path, X_OK) < 0 || stat(rule->path, &st) < 0)
		die("--cgi: %s: %s for uid %u", rule->path, strerror(errno), (unsigned)geteuid());
	if (!S_ISREG(st.st_mode))
		die("--cgi: %s: is not a program", rule->path);
}

/* The client's connection is not the broker's: only the log's descriptor 2 is. */
static void leave_standard_files(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; null >= 0 && fd <= STDERR_FILENO; fd++)
		if (fd < STDERR_FILENO || error_stream.is_client || fcntl(fd, F_GETFD) < 0)
			dup2(null, fd);
	if (null > STDERR_FILENO)
		close(null);
}

/* `connection`: the client's where it is not a standard file, or -1.
 * NOLINTNEXTLINE(bugprone-easily-swappable-parameters) */
_Noreturn static void become_broker(int socket, pid_t parent, int connection)
{
	struct rlimit most = forbidden;

	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	(void)setrlimit(RLIMIT_CORE, &forbidden);
	(void)getrlimit(MARK, &most);
	if (most.rlim_max >= 2 && most.rlim_max / 2 < marks)
		marks = most.rlim_max / 2; /* no program could be given more */
	close_listeners(0);
	if (connection > STDERR_FILENO)
		close(connection);
	leave_standard_files();
	broker = socket; /* which a helper closes */
	if (!files_at_start.rlim_max)
		(void)getrlimit(RLIMIT_NOFILE, &files_at_start);
	for (int i = 1; i < NSIG; i++)
		default_signal(i);
	note_signals();
	survives_writing = false;
	survive_writing();
	if (getppid() != parent) /* it had died before prctl(2) */
		told_to_stop = 1;
	keep_errands(socket);
}

/* For programs, and to be shown. Later the process may not be able to search all folders above. */
static void name_site(void)
{
	site.name = realpath(options.dir, NULL);
	if (!site.name && (site.program_count || site.guard_count))
		die("%s: %s", options.dir, strerror(errno));
	if (!site.name)
		site.name = options.dir;
}

/* Between the loss of root and the confinement. `out` is the one connection, or NULL for many. */
static void start_broker(const struct http_end *out)
{
	pid_t self;
	int ends[2];

	if (!site.program_count && !site.guard_count)
		return;
	self = getpid();
	examine_error(!out);
	for (size_t i = 0; i < site.program_count; i++)
		examine_program(&programs[i]);
	examine_guards(!out);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		die("broker: %s", strerror(errno));
	(void)block_signals(NULL);
	broker_pid = fork();
	if (broker_pid < 0)
		die("broker: %s", strerror(errno));
	if (broker_pid == 0) {
		close(ends[1]);
		become_broker(ends[0], self, out ? out->fd : -1);
	}
	close(ends[0]);
	broker = ends[1];
}

static void log_death(const char *who, int status)
{
	if (WIFSIGNALED(status))
		log_message(LOG_ERR, "%s died (signal %d)", who, WTERMSIG(status));
	else if (status)
		log_message(LOG_ERR, "%s died (status %d)", who, WEXITSTATUS(status));
}

static bool broker_failed; /* then the exit status tells the supervisor to start all anew */

/* Without a broker no program runs and no password is right. It ends by itself only at a stop. */
static void note_broker_end(int status)
{
	broker_failed = status != 0;
	log_death("the broker", status);
}

/* The process that was started ends last. */
static void stop_broker(void)
{
	if (broker_pid <= 0)
		return;
	tell_broker(STOP);
	close(broker);
	(void)waitpid(broker_pid, NULL, 0); /* signals are blocked */
}

/* ---- many connections ----------------------------------------------------- */

/* The loop of a process. */
static struct {
	int epoll, signals;           /* signals: a signalfd(2) */
	size_t count, most;           /* connections, */
	size_t waiting, waiting_most; /* of which so many have no place yet */
	size_t peak;                  /* bytes held, the most since memory was last given back */
	size_t memory;                /* bytes that may be held */
	struct http_work *spare[SPARE_WORKS];
	size_t spares;
	bool at_terminal;     /* standard error is a terminal */
	bool listening;       /* epoll watches the listeners, */
	int64_t paused_until; /* or will do so again then */
	enum phase {
		SERVING,
		ASKING,    /* accepts no more; requests that have begun may be completed */
		FINISHING, /* only sends what is being sent */
	} phase;
	int64_t phase_end;
} loop;

static size_t own_number; /* among the workers */

static void count_clients(size_t count)
{
	loop.count = count;
	shared->clients[own_number] = count;
	shared->active = common.clock;
}

static bool has_clients(void)
{
	for (size_t i = 0; i < options.workers; i++)
		if (shared->clients[i])
			return true;
	return false;
}

/* ---- lists ---- */

#define OWNER(link, type, member) ((struct type *)((char *)(link)-offsetof(struct type, member)))

/*
 * A queue for each clock, in the order of deadlines, because a clock runs equally long for every
 * connection; one for the connections that gave way to others and are to be called again; and one
 * for those that wait for a place.
 */
enum { WORKING = HTTP_CLOCKS, WAITING, QUEUES };
static struct link queues[QUEUES];

/* The connections that held memory when they were last examined, which is longest ago for the first. */
static struct link holders;

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

/* It leaves the list that it is in. */
static void move_last(struct link *list, struct link *link)
{
	take_out(link);
	link->next = list;
	link->previous = list->previous;
	list->previous->next = link;
	list->previous = link;
}

static struct client *first_queued(size_t queue)
{
	return is_alone(&queues[queue]) ? NULL : OWNER(queues[queue].next, client, queued);
}

/* As the last, also of a clock's queue: no deadline is later than the one that was set last. */
static void enter_queue(struct client *client, size_t queue)
{
	loop.waiting -= client->queue == WAITING;
	loop.waiting += queue == WAITING;
	client->queue = (uint8_t)queue;
	move_last(&queues[queue], &client->queued);
}

/* Each connection that is in the queue now; `act` may end it, or put it at the end of a queue. */
static void for_each_queued(size_t queue, void (*act)(struct client *))
{
	struct link *at = queues[queue].next, *last = queues[queue].previous, *next;

	for (bool more = !is_alone(at); more; at = next) {
		next = at->next;
		more = at != last;
		act(OWNER(at, client, queued));
	}
}

/* ---- networks: the addresses that connections come from ---- */

/*
 * When all places are taken, the network with most connections loses one. A network is an IPv4
 * address, or the first half of an IPv6 address, which is what one customer has.
 */
struct network {
	struct network *chain; /* in its bucket */
	struct link equals;    /* the networks with as many connections, the latest last */
	struct link clients;   /* the oldest first */
	uint64_t address;
	size_t count;
};

enum { NETWORK_BUCKETS = 4096 };

static LARGE struct {
	struct network *bucket[NETWORK_BUCKETS];
	struct link *by_count; /* for each number of connections up to `limit` the networks */
	size_t limit, most;    /* most: the largest number that a network has */
	uint64_t key[2];       /* of the hash, so that no client can choose a bucket */
} networks;

static uint64_t network_address(const struct http_peer *peer)
{
	uint64_t address = 1; /* a prefix that is never assigned, for UNIX sockets */
	uint32_t number;

	switch (http_family(peer)) {
	case AF_INET:
		memcpy(&number, peer->address + 12, sizeof(number));
		return UINT64_C(1) << 32 | number;
	case AF_INET6: memcpy(&address, peer->address, sizeof(address)); return address;
	default: return address;
	}
}

static struct network **network_bucket(uint64_t address)
{
	uint64_t hash = (address ^ networks.key[0]) * (networks.key[1] | 1);

	return &networks.bucket[(hash ^ hash >> 29) * UINT64_C(0x9e3779b97f4a7c15) >> 52];
}

/* A list is begun when it is first needed: most of this memory is never touched. */
static struct link *equal_networks(size_t count)
{
	struct link *list = &networks.by_count[count];

	if (!list->next)
		make_alone(list);
	return list;
}

/* Its number of connections changes. During a stop there may be more than `limit`. */
static void count_network(struct network *network, size_t count)
{
	size_t most = count < networks.limit ? count : networks.limit;

	network->count = count;
	move_last(equal_networks(most), &network->equals);
	if (networks.most < most)
		networks.most = most;
	while (networks.most && is_alone(equal_networks(networks.most)))
		networks.most--;
}

/* Finds it or makes it; NULL if there is no memory. */
static struct network *find_network(uint64_t address)
{
	struct network **bucket = network_bucket(address), *network = *bucket;

	while (network && network->address != address)
		network = network->chain;
	if (!network) {
		network = calloc(1, sizeof(*network));
		if (!network)
			return NULL;
		network->address = address;
		make_alone(&network->clients);
		make_alone(&network->equals);
		network->chain = *bucket;
		*bucket = network;
	}
	return network;
}

static void enter_network(struct client *client, struct network *network)
{
	client->network = network;
	move_last(&network->clients, &client->neighbours);
	count_network(network, network->count + 1);
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
	take_out(&network->equals);
	free(network);
}

/* A proxy has named the client of the connection: it counts for the client's network from now on. */
static void change_network(struct http_conn *conn, const struct http_peer *peer)
{
	struct client *client = (struct client *)conn;
	uint64_t address = network_address(peer);
	struct network *network = NULL;

	if (address != client->network->address)
		network = find_network(address);
	if (network) {
		leave_network(client);
		enter_network(client, network);
	}
}

/* ---- clients ---- */

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

static struct client *new_client(int fd, struct http_peer peer)
{
	struct client *client = calloc(1, sizeof(*client));
	struct network *network = client ? find_network(network_address(&peer)) : NULL;
	const struct http_end end = { .fd = fd, .socket = true, .prepared = true };

	if (!network) {
		free(client);
		return NULL;
	}
	client->fd = fd;
	make_alone(&client->queued);
	make_alone(&client->holding);
	make_alone(&client->neighbours);
	enter_network(client, network);
	http_open(&client->conn, &site, end, end, &common);
	client->conn.peer = peer;
	enter_queue(client, client->conn.clock);
	count_clients(loop.count + 1);
	return client;
}

static void end_client(struct client *client)
{
	http_drop(&client->conn, &common);
	if (client->conn.work)
		give_work(client->conn.work);
	loop.waiting -= client->queue == WAITING;
	take_out(&client->queued);
	take_out(&client->holding);
	leave_network(client);
	close(client->fd);
	free(client);
	count_clients(loop.count - 1);
}

/* Without what the client has not taken yet. */
static void reset_client(struct client *client)
{
	http_forsake(&client->conn);
	end_client(client);
}

/* False where the kernel has no memory for it, or watches as much as it may. */
static bool watch(struct client *client, uint16_t events)
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

/* Hands the connection over to a process of its own, where programs can be run. */
static bool adopt_client(struct client *client)
{
	struct errand errand = { .kind = ADOPT_CLIENT,
				 .peer = client->conn.peer,
				 .tls = client->conn.tls };
	const int fds[] = { client->fd, broker };

	if (broker < 0)
		return false;
	if (shared->adopted++ < ADOPTED_MOST) {
		/* closed here, it stays open there, and epoll would go on to watch it */
		(void)epoll_ctl(loop.epoll, EPOLL_CTL_DEL, client->fd, NULL);
		client->events = 0;
		if (send_errand(broker, &errand, http_unanswered(&client->conn), no_text, fds,
				LENGTH(fds)) == 0)
			return true;
	}
	shared->adopted--;
	return false;
}

/* One step of a connection, which has request memory for as long as it needs some. */
static void step_client(struct client *client)
{
	struct http_conn *conn = &client->conn;
	const int64_t deadline = conn->deadline; /* by which its queue is ordered */
	enum http_want want;
	size_t queue;

	if (!conn->work)
		conn->work = take_work();
	want = conn->work ? http_step(conn, &common) : HTTP_DONE;
	if (loop.phase != SERVING && want == HTTP_READ && conn->clock == HTTP_IDLE &&
	    conn->answered)
		want = HTTP_DONE; /* it was kept open for another request, which won't be answered */
	if (want == HTTP_ADOPT && !adopt_client(client))
		want = http_step(conn, &common);
	if (want == HTTP_DONE || want == HTTP_ADOPT) {
		end_client(client);
		return;
	}
	if (!http_busy(conn)) {
		give_work(conn->work);
		conn->work = NULL;
	}
	queue = want == HTTP_AGAIN ? (size_t)WORKING : conn->clock;
	if (client->queue != queue || deadline != conn->deadline || queue == WORKING)
		enter_queue(client, queue);
	if (!http_settle(conn, &common) || !watch(client, want == HTTP_AGAIN   ? EPOLLHUP
							  : want == HTTP_WRITE ? EPOLLOUT
									       : EPOLLIN)) {
		end_client(client); /* no event would ever call it again */
		return;
	}
	if (conn->held && is_alone(&client->holding))
		move_last(&holders, &client->holding);
}

/*
 * A connection that gave way, or waits for a place, is called when its turn comes. Until then its
 * client can only end it. But from a client that has shut down its side, bytes may still arrive.
 */
static void handle_client(struct client *client, uint32_t events)
{
	if (client->queue < WORKING)
		step_client(client);
	else if (events & (EPOLLERR | EPOLLHUP) && client->conn.clock != HTTP_LINGERING)
		end_client(client);
}

/* Connections whose time is over get a step, in which http.c finds that out. */
static void expire_clients(void)
{
	struct client *client;
	int n = 0;

	for (size_t i = 0; i < HTTP_CLOCKS; i++)
		for (; n < EXPIRIES && (client = first_queued(i)); n++) {
			if (client->conn.deadline > common.clock)
				break;
			step_client(client);
		}
}

/* The connections that gave way go on, each for a bounded step, in turn. */
static void step_working(void)
{
	struct client *client;

	for (int n = 0; n < WORKING_STEPS && (client = first_queued(WORKING)); n++)
		step_client(client);
}

/* ---- places: which connection is closed when there are too many ---- */

/* The oldest idle connection of a network with most connections. */
static struct client *find_idle(const struct client *newcomer)
{
	struct link *list = &queues[HTTP_IDLE], *at = list->next;

	for (int n = 0; n < LOOKS && at != list; n++, at = at->next) {
		struct client *client = OWNER(at, client, queued);

		if (client != newcomer && client->network->count == networks.most)
			return client;
	}
	return NULL;
}

/* The oldest connection of this network that waits for its client to send more. */
static struct client *find_unfinished(const struct network *network)
{
	struct link *at = network->clients.next;

	for (int n = 0; n < LOOKS && at != &network->clients; n++, at = at->next)
		if (OWNER(at, client, neighbours)->events == EPOLLIN)
			return OWNER(at, client, neighbours);
	return NULL;
}

/* One with most connections: the newcomer's, if it is one of several. */
static struct network *largest_network(const struct client *newcomer)
{
	if (newcomer && newcomer->network->count == networks.most)
		return newcomer->network;
	return OWNER(equal_networks(networks.most)->previous, network, equals);
}

/*
 * Closes a connection of a network that has most: the oldest idle one, else the oldest whose request
 * is not complete. The newcomer is counted already; it is NULL for lack of descriptors.
 */
static bool make_place(const struct client *newcomer)
{
	const struct network *network = largest_network(newcomer);
	struct client *client = find_idle(newcomer);

	if (!client && (network->count > 1 || !newcomer))
		client = find_unfinished(network);
	if (client)
		end_client(client);
	return client;
}

/* Whether the newcomer has a place, for which even a connection that is sending may be closed. */
static bool take_place(const struct client *newcomer)
{
	const struct network *network;
	struct client *oldest;
	bool had_place;

	if (loop.count + shared->adopted - loop.waiting <= loop.most || make_place(newcomer))
		return true;
	network = largest_network(newcomer);
	if (network->count == 1 ||
	    (network == newcomer->network && loop.waiting < loop.waiting_most))
		return false; /* it waits */
	oldest = OWNER(network->clients.next, client, neighbours);
	had_place = oldest->queue != WAITING; /* or else the newcomer waits in its stead */
	reset_client(oldest);
	return had_place;
}

static void admit_waiting(void)
{
	struct client *first;

	while ((first = first_queued(WAITING))) {
		if (loop.count + shared->adopted - loop.waiting >= loop.most && !make_place(first))
			break;
		step_client(first);
	}
}

/* ---- accepting ---- */

/* Where it fails, those listeners that were reached before may be asked for again. */
static bool watch_listeners(bool yes)
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

/* For lack of descriptors or memory: meanwhile clients wait in the backlog of listen(2). */
static void pause_accepting(int64_t time)
{
	(void)watch_listeners(false);
	loop.paused_until = common.clock + time;
}

static void admit(int fd, struct http_peer peer)
{
	struct client *client = new_client(fd, peer);

	if (!client) {
		close(fd);
	} else if (take_place(client)) {
		step_client(client);
	} else {
		enter_queue(client, WAITING);
		if (!watch(client, EPOLLHUP))
			end_client(client);
	}
}

/* Whether there may be more. */
static bool accept_some(const struct listener *listener)
{
	for (int n = 0; n < ACCEPTS; n++) {
		union address peer = { .any.sa_family = AF_UNSPEC };
		socklen_t size = sizeof(peer);
		int fd;

		if (loop.waiting > loop.waiting_most) {
			pause_accepting(PAUSE_TIME);
			return false;
		}
		fd = accept4(listener->fd, &peer.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			admit(fd, peer_of(&peer));
			continue;
		}
		switch (errno) {
		case EAGAIN: return false;
		case EMFILE:
		case ENFILE:
		case ENOMEM:
		case ENOBUFS:
			/* EMFILE comes without a client, too: only the first one is certain */
			if (n > 0)
				return true;
			if (loop.phase == SERVING && loop.count && make_place(NULL))
				break;
			pause_accepting(PAUSE_TIME);
			return false;
		default: break; /* that client is gone already: accept(2), "Error handling" */
		}
	}
	return true;
}

/* ---- memory: which connection is closed when too much is held ---- */

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
 * Examines some of the connections that hold memory, and closes those that have been slow for a
 * while. When no memory is left, it closes those that move nothing even for a moment, or else the
 * slowest. Whether it gained any.
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
		struct client *client = OWNER(holders.next, client, holding);
		int64_t pace = http_pace(&client->conn, &common, time);

		more = holders.next != last;
		if (!client->conn.held) {
			take_out(&client->holding);
			continue;
		}
		move_last(&holders, &client->holding);
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

/* When none is left and no client is slow, no connections are accepted for a moment. */
static void keep_within_memory(void)
{
	for (int n = 0; n < RELIEFS && lacks_memory(); n++)
		if (!relieve_memory())
			break;
	if (out_of_memory() && loop.listening)
		pause_accepting(MEMORY_PAUSE_TIME);
}

/*
 * To the kernel, when half of the most is free again: glibc by itself gives back only what lies
 * above the last piece that is in use.
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

/* The text of a small file, or "". */
static void read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

	text[n < 0 ? 0 : n] = '\0';
	close(fd);
}

/* The least that the control group of this process, or one above it, allows: cgroups(7), version 2. */
static uint64_t cgroup_memory(void)
{
	static const char *const limits[] = { "max", "high" };
	char groups[PATH_MAX], path[PATH_MAX + 64], text[32], *group;
	uint64_t least = UINT64_MAX, limit;

	read_text("/proc/self/cgroup", groups, sizeof(groups));
	group = strstr(groups, "0::/");
	if (!group)
		return least;
	group += 3;
	group[strcspn(group, "\n")] = '\0';
	for (char *end = group + strlen(group); end; end = strrchr(group, '/')) {
		*end = '\0';
		for (size_t i = 0; i < LENGTH(limits); i++) {
			const char *number = text; /* or "max" */

			snprintf(path, sizeof(path), "/sys/fs/cgroup%s/memory.%s", group,
				 limits[i]);
			read_text(path, text, sizeof(text));
			if (parse_digits(&number, 10, &limit) && limit < least)
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
		log_message(LOG_INFO, "memory for all connections: %ju MiB",
			    (uintmax_t)memory >> 20);
	loop.memory = bounded_size(memory / options.workers);
}

/* ---- signals ---- */

/* Whether the signal means to stop: SIGHUP only from a terminal. With --log it reopens the file. */
static bool asks_to_stop(int signal)
{
	if (signal == SIGHUP && options.log) {
		reopen_log();
		tell_broker(REOPEN_LOG);
	}
	return signal == SIGTERM || signal == SIGINT ||
	       (signal == SIGHUP && !options.log && loop.at_terminal);
}

static void read_signals(void)
{
	struct signalfd_siginfo info;
	int status;

	while (read(loop.signals, &info, sizeof(info)) == sizeof(info)) {
		bool stop = asks_to_stop((int)info.ssi_signo);

		if (loop.phase != SERVING)
			continue;
		if (broker >= 0 && waitpid(broker_pid, &status, WNOHANG) > 0) {
			note_broker_end(status);
			stop = true;
		}
		if (stop)
			told_to_stop = 1;
	}
}

/* ---- stopping ---- */

/* When to stop for lack of clients. It is not before other workers, which may have some. */
static int64_t idle_end(void)
{
	if (!options.exit_idle_time || loop.count)
		return INT64_MAX;
	return (has_clients() || shared->adopted ? common.clock : shared->active) +
	       options.exit_idle_time;
}

/* A client without a response yet may have sent a request that has not arrived. */
static void end_if_answered(struct client *client)
{
	if (client->conn.answered)
		end_client(client);
}

static void end_if_unfinished(struct client *client)
{
	if (client->events == EPOLLIN)
		end_client(client);
}

/*
 * The clients in the backlog of listen(2) have been told that there is a connection, and may have
 * sent a request: it would be reset if the listener were closed. And the next request of a connection
 * that is kept open may have arrived: each gets a step to find out.
 */
static void stop_loop(void)
{
	notify("STOPPING=1\nSTATUS=finishing what is being sent");
	loop.phase = ASKING;
	loop.phase_end = common.clock + ASKING_TIME;
	common.closing = true;
	loop.most = SIZE_MAX;
	admit_waiting();
	for (size_t i = 0; i < listener_count; i++)
		for (int n = 0; n < BACKLOG && accept_some(&listeners[i]); n += ACCEPTS)
			;
	(void)watch_listeners(false);
	close_listeners(0);
	if (options.workers == 1)
		tell_broker(STOP); /* connections that have processes of their own stop too */
	for_each_queued(HTTP_IDLE, step_client);
	for_each_queued(HTTP_IDLE, end_if_answered);
}

/* Whether the time to finish is over, too. Requests that are not complete by then never will be. */
static bool stop_is_over(void)
{
	if (loop.phase == ASKING && common.clock >= loop.phase_end) {
		loop.phase = FINISHING;
		loop.phase_end += STOP_TIME - ASKING_TIME;
	}
	if (loop.phase != FINISHING)
		return loop.phase == ASKING && !loop.count;
	for (size_t i = 0; i < HTTP_LINGERING; i++)
		for_each_queued(i, end_if_unfinished);
	return !loop.count || common.clock >= loop.phase_end;
}

/* ---- the loop ---- */

static int time_to_wait(void)
{
	const struct client *client;
	int64_t until = idle_end();

	if (first_queued(WORKING))
		return 0;
	for (size_t i = 0; i < HTTP_CLOCKS; i++)
		if ((client = first_queued(i)))
			until = earlier(until, client->conn.deadline);
	if (loop.phase != SERVING)
		until = earlier(until, loop.phase_end);
	else if (!loop.listening)
		until = earlier(until, loop.paused_until);
	if (common.cache)
		until = earlier(until, http_cache_tidy(common.cache, &common));
	if (records.retry)
		until = earlier(until, records.retry);
	if (loop.waiting && shared->adopted) /* no event tells when these end */
		until = earlier(until, common.clock + PAUSE_TIME);
	if (lacks_memory()) /* to examine the holders again */
		until = earlier(until, common.clock + LONG_TIME);
	return until == INT64_MAX ? -1 : milliseconds(common.clock, until);
}

static bool is_listener(const void *pointer)
{
	return (const char *)pointer >= (const char *)listeners &&
	       (const char *)pointer < (const char *)(listeners + LENGTH(listeners));
}

/* Before any of the connections that are ready is answered: see http_receive(). */
static void receive_early(struct client *client, uint32_t events)
{
	if (client->queue >= WORKING || events != EPOLLIN)
		return;
	if (!client->conn.work)
		client->conn.work = take_work();
	if (client->conn.work)
		http_receive(&client->conn, &common);
}

/* Clients first: to accept may close one whose event is still in the array. */
static void handle_events(const struct epoll_event *events, int n)
{
	for (int begin = 0; begin < n; begin += TOGETHER) {
		int end = begin + TOGETHER < n ? begin + TOGETHER : n;

		for (int i = begin; i < end && end - begin > 1; i++)
			if (events[i].data.ptr != &loop.signals && !is_listener(events[i].data.ptr))
				receive_early(events[i].data.ptr, events[i].events);
		for (int i = begin; i < end; i++)
			if (events[i].data.ptr == &loop.signals)
				read_signals();
			else if (!is_listener(events[i].data.ptr))
				handle_client(events[i].data.ptr, events[i].events);
	}
	admit_waiting();
	for (int i = 0; i < n; i++)
		if (is_listener(events[i].data.ptr) && loop.listening)
			accept_some(events[i].data.ptr);
}

static void limit_connections(void)
{
	struct rlimit files = { 0, 0 };
	rlim_t own;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files_at_start = files;
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	/* a connection has a descriptor, or two while it sends a file */
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

/* All that the seccomp filter will not allow later. */
static void begin_loop(void)
{
	/* 16 bytes that the kernel gives each program: NOLINTNEXTLINE(performance-no-int-to-ptr) */
	const void *seed = (const void *)getauxval(AT_RANDOM);
	size_t files = loop.most / 8 < CACHED_FILES ? loop.most / 8 : CACHED_FILES;
	size_t cache = options.cache < loop.memory / 4 ? (size_t)options.cache : loop.memory / 4;
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = &loop.signals };
	sigset_t signals = block_signals(NULL);

	for (size_t i = 0; i < QUEUES; i++)
		make_alone(&queues[i]);
	make_alone(&holders);
	memcpy(networks.key, seed, sizeof(networks.key));
	networks.limit = loop.most + loop.waiting_most;
	networks.by_count = calloc(networks.limit + 1, sizeof(*networks.by_count));
	if (!networks.by_count)
		die("%s", strerror(errno));
	site.identify = change_network;
	common.out = response_bytes;
	loop.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop.epoll < 0)
		die("epoll: %s", strerror(errno));
	/* what the cache will hold is not for listings */
	common.memory_most = loop.memory - loop.memory / 16 - cache;
	common.cache = http_cache_new(cache, (uint32_t)files, seed);
	tell_time();
	shared->active = common.clock;
	set_log_prefix();
	loop.signals = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
	if (!watch_listeners(true) || loop.signals < 0 ||
	    epoll_ctl(loop.epoll, EPOLL_CTL_ADD, loop.signals, &event) < 0)
		die("epoll: %s", strerror(errno));
	notify("READY=1\nSTATUS=serving");
	if (!confine_calls())
		log_message(LOG_WARNING, "seccomp: %s; wwwd goes on without it", strerror(errno));
}

static int hold_many(void)
{
	static LARGE struct epoll_event events[EVENTS];

	begin_loop();
	if (options.workers == 1)
		print_listeners();
	do {
		int n = epoll_pwait(loop.epoll, events, EVENTS, time_to_wait(), NULL);

		tell_time();
		handle_events(events, n);
		step_working();
		expire_clients();
		keep_within_memory();
		admit_waiting();
		give_back_memory();
		if (loop.phase == SERVING && !loop.listening && common.clock >= loop.paused_until &&
		    !watch_listeners(true))
			loop.paused_until = common.clock + PAUSE_TIME;
		if (loop.phase == SERVING && (told_to_stop || common.clock >= idle_end()))
			stop_loop();
		write_log();
	} while (!stop_is_over());
	finish_log();
	return EXIT_SUCCESS;
}

/* ---- workers -------------------------------------------------------------- */

/*
 * Processes, each with a listener of its own at every address. The parent keeps the listeners open:
 * when a worker dies, the clients in its backlog wait for the next one. Listeners that were
 * inherited, and those of UNIX sockets, are there once and shared by all.
 */
static LARGE struct worker {
	pid_t pid; /* not positive, if it has ended */
	int64_t born;
} workers[WORKERS_MOST];

static size_t count_workers(void)
{
	size_t count = 0;

	for (size_t i = 0; i < options.workers; i++)
		count += workers[i].pid > 0;
	return count;
}

static void start_worker(struct worker *worker, pid_t parent)
{
	size_t count = listener_count;

	worker->born = read_clock();
	worker->pid = fork();
	if (worker->pid < 0)
		log_message(LOG_ERR, "fork: %s", strerror(errno));
	if (worker->pid != 0)
		return;
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent) /* it had died before that call */
		exit(EXIT_SUCCESS);
	close(manager);
	manager = -1;
	own_number = (size_t)(worker - workers);
	listener_count = 0;
	for (size_t i = 0; i < count; i++)
		if (listeners[i].worker == (int)own_number || listeners[i].worker == EVERY_WORKER)
			listeners[listener_count++] = listeners[i];
		else
			close(listeners[i].fd);
	exit(hold_many());
}

static void signal_workers(int signal)
{
	for (size_t i = 0; i < options.workers; i++)
		if (workers[i].pid > 0)
			kill(workers[i].pid, signal);
}

static void stop_workers(void)
{
	if (told_to_stop)
		return;
	told_to_stop = 1;
	notify("STOPPING=1\nSTATUS=finishing what is being sent");
	close_listeners(0); /* or they would stay open until the last worker has ended */
	signal_workers(SIGTERM);
	tell_broker(STOP);
}

/* A worker that ends by itself had no clients, and the others have none, except one that just came. */
static void collect_workers(void)
{
	char who[32];
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		size_t i = 0;

		if (pid == broker_pid && !told_to_stop) {
			note_broker_end(status);
			stop_workers();
		}
		while (i < options.workers && workers[i].pid != pid)
			i++;
		if (i == options.workers)
			continue; /* a child from before exec(3) */
		shared->clients[i] = 0;
		workers[i].pid = 0;
		snprintf(who, sizeof(who), "worker %d", (int)pid);
		log_death(who, status);
		if (!status && !has_clients())
			stop_workers();
	}
}

static int keep_workers(void)
{
	const struct timespec second = { .tv_sec = 1 };
	const pid_t self = getpid();
	const sigset_t set = block_signals(NULL);

	print_listeners();
	for (size_t i = 0; i < options.workers; i++)
		start_worker(&workers[i], self);
	notify("READY=1\nSTATUS=serving");
	while (!told_to_stop || count_workers()) {
		bool all = count_workers() == options.workers;
		int signal = sigtimedwait(&set, NULL, all ? NULL : &second);

		collect_workers();
		if (signal == SIGHUP && options.log)
			signal_workers(SIGHUP);
		if (asks_to_stop(signal))
			stop_workers();
		/* those that died are replaced, but not at once: they may die at once, too */
		for (size_t i = 0; i < options.workers && !told_to_stop; i++)
			if (workers[i].pid <= 0 && read_clock() - workers[i].born >= RESPAWN_TIME)
				start_worker(&workers[i], self);
	}
	return EXIT_SUCCESS;
}

/* ---- main ----------------------------------------------------------------- */

enum origin { LISTEN, PASSED, INETD_WAIT, ONE };

/* What the process was started with: see the head of this file. Only a connection has a peer. */
static enum origin find_origin(union address *peer)
{
	const char *fds = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
	socklen_t size = sizeof(*peer);
	struct stat st;
	int listening;

	if (host_count || options.port)
		return LISTEN;
	/* children inherit the variables, which are not for them */
	if (fds && pid && strtol(pid, NULL, 10) == getpid())
		return PASSED;
	if (getpeername(STDIN_FILENO, &peer->any, &size) == 0)
		return ONE;
	listening = socket_option(STDIN_FILENO, SOL_SOCKET, SO_ACCEPTCONN);
	if (listening >= 0)
		return listening ? INETD_WAIT : ONE; /* a connection that the client has reset */
	if (errno != ENOTSOCK && errno != EBADF)
		die("standard input: %s", strerror(errno));
	if (isatty(STDIN_FILENO))
		return LISTEN;
	if (fstat(STDIN_FILENO, &st) < 0 || S_ISCHR(st.st_mode) || S_ISDIR(st.st_mode))
		usage("no request can come from standard input: say where to listen with -h or -p");
	return ONE;
}

/* Returns -1 with listeners, or the connection that systemd passed (Accept=yes). */
static int take_passed(void)
{
	const char *value = getenv("LISTEN_FDS"); /* sd_listen_fds(3) removes it */
	int n = listen_fds();

	if (n <= 0)
		die("$LISTEN_FDS=%s: %s", value, n ? strerror(-n) : "no descriptors");
	for (int fd = FIRST_PASSED; fd < FIRST_PASSED + n; fd++) {
		bool stream = socket_option(fd, SOL_SOCKET, SO_TYPE) == SOCK_STREAM;
		int listening = socket_option(fd, SOL_SOCKET, SO_ACCEPTCONN);

		if (stream && listening == 0 && n == 1)
			return fd;
		if (!stream || listening != 1)
			die("descriptor %d of $LISTEN_FDS is not a stream socket to listen on", fd);
		add_listener(fd, EVERY_WORKER, "");
	}
	return -1;
}

static int serve_one(struct http_end in, struct http_end out, const union address *peer)
{
	int status;

	open_log(false);
	if (site.program_count || site.guard_count)
		name_site();
	give_up_privileges();
	start_broker(&out);
	confine(&out);
	if (broker >= 0)
		note_signals();
	status = hold_one(in, out, peer_of_one(peer));
	if (broker < 0)
		return status;
	/* the client doesn't wait for what a program does behind its response */
	close(in.fd);
	close(out.fd);
	if (error_stream.is_client)
		close(STDERR_FILENO);
	stop_broker();
	return status;
}

static int serve_many(void)
{
	int status;

	survive_writing();
	signal(SIGCHLD, SIG_DFL); /* if it were ignored, nothing would tell that a child ends */
#ifndef WWWD_STATIC
	/*
	 * A large piece of memory goes back to the kernel when it is freed. After the first one glibc
	 * would keep it, in a heap that a small piece above it holds at the height of the worst flood.
	 */
	(void)mallopt(M_MMAP_THRESHOLD, 64 << 10);
#endif
	loop.at_terminal = isatty(STDERR_FILENO);
	open_log(true);
	open_manager();
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	limit_connections();
	share_memory();
	name_site();
	give_up_privileges();
	start_broker(NULL);
	confine(NULL);
	status = options.workers > 1 ? keep_workers() : hold_many();
	stop_broker();
	return broker_failed ? EXIT_FAILURE : status;
}

int main(int argc, char **argv)
{
	struct http_end in = { .fd = STDIN_FILENO }, out = { .fd = STDOUT_FILENO };
	union address peer = { .any.sa_family = AF_UNSPEC };
	socklen_t size = sizeof(peer);
	enum origin origin;

	read_options(argc, argv);
	origin = find_origin(&peer);
	if (!options.dir && (origin != LISTEN || !isatty(STDIN_FILENO)))
		usage("-d DIR is needed: the folder to serve");
	if (!options.dir)
		options.dir = ".";
	site.root = open_root(options.dir);
	switch (origin) {
	case LISTEN: listen_everywhere(); return serve_many();
	case INETD_WAIT:
		add_listener(STDIN_FILENO, EVERY_WORKER, "");
		if (!options.exit_idle_time)
			options.exit_idle_time = INETD_IDLE_TIME;
		return serve_many();
	case PASSED:
		in.fd = take_passed();
		if (in.fd < 0)
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
