/*
 * The process suite: the real program, started in each of its modes over real pipes and sockets.
 *
 * kit.c starts programs and talks to them; each other source is one suite. A test owns
 * a directory, `top`, with the folder `site` in it; what it started and left behind is ended with it.
 *
 * $WWWD names the program, ./wwwd otherwise. What the static build does in another way is asked of
 * ./wwwd-static too, if it is there.
 */
#ifndef PROCESS_H
#define PROCESS_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/types.h>

enum {
	MISSING = -2, /* a descriptor that isn't there */
	TOP_ROOM = 256,
	REPLY_ROOM = 1 << 20,
	BIG = 64 << 20,
	START_TIME = 5000, /* ms; only failures take so long */
	REPLY_TIME = 5000,
	END_TIME = 12000, /* what is being sent is given ten seconds */
	PROMPT = 2000,    /* ms: a client that others get in the way of is answered by then */
};

extern char top[];       /* the test's directory */
extern char site[];      /* the folder in it that is served: index.html, ten.txt, big.bin */
extern const char *wwwd; /* the program */

/* That program and the static one: a test of both takes builds[_i % build_count] for `wwwd`. */
extern const char *builds[2];
extern int build_count;

/* Sets these three. */
void find_builds(void);

/* The place of all tops; what a test that failed has left is removed with it. */
void make_place(void);
void remove_place(void);
void make_top(void);
/*
 * Closes all connections. What start() has started, and the test has not waited for, has to end with
 * 0: a process for one connection by itself, any other at SIGTERM. The top is removed.
 */
void end_test(void);
void end_children(void);
void remove_all(const char *path);
/* As printf(3). Nobody frees it: the process of a test ends with the test. */
__attribute__((format(printf, 1, 2))) char *format(const char *form, ...);
const char *in_top(const char *name); /* "top/name" */
void put(const char *name, const char *content);
void put_program(const char *name, const char *text); /* which everybody may execute */
void put_folder(const char *name);
void put_open_folder(const char *name); /* in which everybody may write */
void set_mode(const char *name, mode_t mode);
void put_sparse(const char *name, off_t size);
/* A folder of so many empty files, whose names are numbers of so many digits. */
void put_names(const char *folder, int digits, int count);
/* The content of a file of the top, which is empty if there is none; the next call takes it back. */
const char *content(const char *name);

/* What a program is given. Its standard input, output and error are /dev/null where none is said. */
struct given {
	int in, out, err; /* 0: /dev/null, or of `err` the file "err" of the top */
	const char *dir;  /* its current directory, the root otherwise, as a supervisor has it */
	const char *const *env;  /* "NAME=value" beside what there is */
	const char *const *args; /* of wwwd, or of `program` */
	const char *program;
	const int *passed; /* descriptors from 3 on, as $LISTEN_FDS says, ended by -1 */
	rlim_t files;      /* RLIMIT_NOFILE */
	rlim_t file_size;  /* RLIMIT_FSIZE */
	uid_t uid;
	bool terminal;        /* `in` becomes the controlling terminal */
	bool without_openat2; /* as if the kernel had none */
	bool without_broker;  /* which is killed as soon as it starts */
};

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define GIVEN(...) ((struct given){ .args = LIST(__VA_ARGS__) })
#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))

#define GET_OF(target) "GET " target " HTTP/1.1\r\nHost: a\r\n\r\n"
#define GET_TEN GET_OF("/ten.txt")
#define GET_BIG GET_OF("/big.bin")
#define GET_LAST "GET /ten.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

/* Wait until it is no longer so, at most so many ms. */
#define WAIT_WHILE(condition, ms)                                             \
	for (long long until_ = now() + (ms); (condition) && now() < until_;) \
	nap(2)

pid_t start(struct given given);
/* Wait for it: its exit status, 128 + the signal, or -1 if it had to be killed. */
int finish(pid_t pid);
/* SIGTERM, and finish(). */
int stop(pid_t pid);

/* A server that listens by itself on 127.0.0.1, its options beside -d, -h and -p as given. */
struct server {
	pid_t pid;
	unsigned port;
};

struct server serve(struct given given);
/* A process for one connection, its options beside -d as given: on the second of these sockets, */
pid_t serve_on(int ends[2], struct given given);
/* or on a connection of TCP, of which `fd` is the client's end. */
pid_t serve_one(int *fd, struct given given);
/* A process for one connection or a server that listens, and a connection to it. */
pid_t serve_either(bool one, int *fd, struct given given);
/* The port of the first banner in the file "err", 0 if there is none in time. */
unsigned wait_port(pid_t pid);
bool wait_text(const char *name, const char *text);
unsigned free_port(void);
int listen_tcp(unsigned *port);
/* Connected sockets of TCP: the client's end, the server's end. */
void connect_pair(int ends[2]);
void pair_unix(int ends[2]); /* the same of the UNIX family */
/* A new terminal; the other side of it. */
int open_terminal(int *slave);
/* Network of one's own, if the kernel lets us: nobody else has a port of it. */
bool own_network(void);
bool own_mounts(void);               /* which nobody else sees */
bool is_allowed(bool (*what)(void)); /* tried in a process of its own */

struct reply {
	int status; /* 0: nothing came before the end; -1: no whole answer, or a broken one */
	size_t size, body_size;
	const char *body;
	unsigned port; /* of the server that ask_last() or ask_either() has asked */
	char bytes[REPLY_ROOM];
};

extern struct reply reply; /* the last one */

int dial(unsigned port);
void dial_all(int fds[], int count, unsigned port, const char *request); /* and each says that */
void close_all(const int fds[], int count);
int dial_soon(unsigned port); /* as soon as a server listens there */
/* With a receive buffer of so many bytes, which is what a kernel may take before it is read. */
int dial_small(unsigned port, int buffer);
/* From another address of the loopback. */
int dial_from(const char *source, unsigned port);
int dial_path(const char *path);
/* A UNIX socket of this type that everybody may use, at a path or, behind '@', an abstract name. */
int bind_path(int type, const char *path);
void say(int fd, const char *text);
/* Read one answer, framed by its Content-Length; `head`: it has no body. */
int hear(int fd, bool head);
/* All until the end, as one answer. */
int hear_all(int fd);
/* The same without its chunks; CUT if it is not whole. A 100 before it is skipped. */
enum { CUT = -2 };
int hear_response(int fd);
/* Whether that text comes, as the response goes on. */
bool hear_until(int fd, const char *text);
const char *hear_datagram(int fd);
int count_text(const char *text, const char *part); /* how often it has that */
void reset_connection(int fd);
bool at_end(int fd);                     /* nothing but the end of the connection comes */
int ask_on(int fd, const char *request); /* say(), and hear() */
/* One request on a connection of its own; the second is heard as by hear_response(). */
int ask(unsigned port, const char *request);
int ask_last(unsigned port, const char *request);
/* The same of a process that is given the second of these sockets, and has to exit with 0. */
int ask_pair(int ends[2], struct given given, const char *request);
/* Of the server at that port or, if that is 0, of a process for one connection of TCP. */
int ask_either(unsigned port, struct given given, const char *request);
int get(unsigned port, const char *target);
const char *field(const char *name);
/* Throw away what comes until the end, at most `most` bytes; how many there were. */
uint64_t drain(int fd, uint64_t most);

long long now(void); /* ms */
void nap(int ms);
int count_entries(const char *folder);
int count_descriptors(pid_t pid);
FILE *open_proc(pid_t pid, const char *name); /* of /proc/PID */
/* The processes that a server has started, as soon as there are so many, ended by 0. */
const pid_t *wait_workers(pid_t parent, size_t count);
size_t count_children(pid_t parent);
long status_number(pid_t pid, const char *name); /* of /proc/PID/status; "VmRSS:" is in KiB */
long busy_time(pid_t pid);                       /* ms of the processor */
/* Whether the program is one of a sanitizer, whose memory, calls and loader are its own. */
bool sanitized(void);
/* Whether other users may read it: a checkout in a home that is shut is nothing they can start. */
bool others_reach(const char *path);
/* Tests that can't be run here are named, with the reason, and counted. */
void skip(const char *test, const char *reason);

Suite *mode_suite(void), *option_suite(void), *life_suite(void), *log_suite(void),
	*limit_suite(void), *calm_suite(void), *fresh_suite(void), *confine_suite(void),
	*programs_suite(void), *passwords_suite(void);

/* A test case with the top made and removed around each test. */
TCase *test_case(Suite *suite, const char *name, double seconds);

#endif
