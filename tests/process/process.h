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
#include <sys/resource.h>
#include <sys/types.h>

enum {
	MISSING = -2, /* a descriptor that isn't there */
	TOP_ROOM = 256,
	REPLY_ROOM = 1 << 20,
	START_TIME = 5000, /* ms; only failures take so long */
	REPLY_TIME = 5000,
	END_TIME = 12000, /* what is being sent is given ten seconds */
	PROMPT = 2000,    /* ms: a client that others get in the way of is answered by then */
};

extern char top[];       /* the test's directory */
extern char site[];      /* the folder in it that is served */
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
void remove_top(void);
void end_children(void);
/* "top/name", in a buffer that the eighth next call takes */
const char *in_top(const char *name);
void put(const char *name, const char *content);
void put_sparse(const char *name, off_t size);
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
};

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })

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
/* The port of the first banner in the file "err", 0 if there is none in time. */
unsigned wait_port(pid_t pid);
bool wait_text(const char *name, const char *text);
unsigned free_port(void);
int listen_tcp(unsigned *port);
/* Connected sockets of TCP: the client's end, the server's end. */
void connect_pair(int ends[2]);
unsigned connect_pair_port(int ends[2]); /* and the server's port */
/* A new terminal; the other side of it. */
int open_terminal(int *slave);
/* Network of one's own, if the kernel lets us: nobody else has a port of it. */
bool own_network(void);
bool may_own_network(void);

struct reply {
	int status; /* 0: nothing came before the end; -1: no whole answer, or a broken one */
	size_t size, body_size;
	const char *body;
	char bytes[REPLY_ROOM];
};

extern struct reply reply; /* the last one */

int dial(unsigned port);
/* With a receive buffer of so many bytes, which is what a kernel may take before it is read. */
int dial_small(unsigned port, int buffer);
/* From another address of the loopback. */
int dial_from(const char *source, unsigned port);
int dial_path(const char *path);
void say(int fd, const char *text);
/* Read one answer, framed by its Content-Length; `head`: it has no body. */
int hear(int fd, bool head);
/* All until the end, as one answer. */
int hear_all(int fd);
/* What follows the head of the last one, which has no body, as one. */
int next_reply(void);
/* The same without its chunks; CUT if it is not whole. A 100 before it is skipped. */
enum { CUT = -2 };
int hear_response(int fd);
/* Whether that text comes, as the response goes on. */
bool hear_until(int fd, const char *text);
int count_of(const char *text); /* in the last answer */
void reset_connection(int fd);
bool at_end(int fd); /* nothing but the end of the connection comes */
/* One request on a connection of its own. */
int ask(unsigned port, const char *request);
int get(unsigned port, const char *target);
const char *field(const char *name);
/* Throw away what comes until the end, at most `most` bytes; how many there were. */
uint64_t drain(int fd, uint64_t most);

long long now(void); /* ms */
void nap(int ms);
int count_descriptors(pid_t pid);
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
