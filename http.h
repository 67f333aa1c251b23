/*
 * http.h - the door between the process (wwwd.c) and the conversation (http.c).
 *
 * The process owns descriptors and memory; it says when a socket is ready and
 * what time it is. The conversation reads and writes every byte on the wire.
 */
#ifndef HTTP_H
#define HTTP_H

/* These macros have to be defined before any system header: Linux's functions, 64-bit sizes and times. */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
#define _GNU_SOURCE 1
#ifndef __LP64__
#define _FILE_OFFSET_BITS 64
#define _TIME_BITS 64
#endif
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* What a client may make us do; each is an option of the command line. */
struct http_limits {
	size_t line;         /* bytes of a request line */
	size_t header;       /* bytes of a header section, and of trailers and extensions */
	size_t fields;       /* field lines of a header section */
	uint64_t body;       /* bytes of a body that is read and dropped */
	int64_t header_time; /* us from a head's first byte to its last */
	int64_t idle_time;   /* us until the next request begins */
	int64_t stall_time;  /* us over which the average rate is compared with stall_rate */
	uint64_t stall_rate; /* bytes a second that a body or a response has to move */
	uint32_t requests;   /* requests a connection */
};

enum { HTTP_LINE_MOST = 32 << 10, HTTP_HEADERS_MOST = 8 << 10, HTTP_OUT_SIZE = 256 << 10 };

struct http_conn;
struct http_entry;
struct http_work;
struct http_cache;

/*
 * Who asks: an IPv6 address, or ::ffff: and an IPv4 address. Without an address (all zero) it is a UNIX
 * socket if the port says so, and unknown otherwise. http_family() says which it is: AF_INET, AF_INET6,
 * AF_UNIX or AF_UNSPEC.
 */
enum { HTTP_UNIX_PORT = 1 };
struct http_peer {
	uint8_t address[16];
	uint16_t port; /* 0 if it is unknown */
};
int http_family(const struct http_peer *peer);

/* The peers whose addresses are of this family and begin with so many bits. */
struct http_prefix {
	uint8_t family, bits; /* of IPv4 addresses the bits begin with those of ::ffff: */
	uint8_t address[16];
};

/* Bytes of a request or of an option, as they came: escape before printing. */
struct http_text {
	const char *at;
	size_t len;
};

/*
 * What is beneath a path of the site: a program for all of it, programs that are its files, or what
 * asks for a password. The prefix has no slash at its beginning and none at its end.
 */
struct http_scope {
	const char *prefix;
	const char
		*path; /* of the program, NULL where the files are programs; of the password file */
};

/* What a program is started with. */
struct http_run {
	size_t rule;
	struct http_text script; /* a file below the root, where the rule has no path */
	bool named;              /* SERVER_NAME is one of the variables */
	const struct http_peer *client;
	char *variables;      /* "NAME=value" and a NUL each; run() adds those about the peer, */
	size_t variables_len; /* for which there is room for HTTP_PEER_VARIABLES bytes more */
};
enum { HTTP_PEER_VARIABLES = 2 << 10 }; /* as the name of a peer may have NI_MAXHOST */

/* The ends of its pipes, non-blocking; -1 where closed. When `life` is closed it is ended. */
struct http_pipes {
	int in, out, error, life;
};

/* What the options say about a site, in their order; http_read_rule() makes a rule of a word. */
enum http_rules {
	HTTP_FIELDS,    /* "[PATTERN ]Name: value", at most HTTP_HEADERS_MOST bytes in all */
	HTTP_TYPES,     /* "EXT=type/subtype" */
	HTTP_INDEXES,   /* the name of a folder's page */
	HTTP_FALLBACKS, /* the page for what is not there; the last one counts */
	HTTP_UNLOGGED,  /* "PATTERN" */
	HTTP_RULES
};

struct http_rule {
	struct http_text
		pattern; /* of paths, or the ending of a name; at is NULL where none is said */
	struct http_text text; /* ends with a NUL */
};

/* Everything a request may touch: made at start, read-only after. */
struct http_site {
	int root;        /* directory; nothing that is not beneath it is ever opened */
	bool walk;       /* open the folders of a path one by one, as without openat2(2) */
	bool listing;    /* a folder without an index is listed */
	bool https_only; /* what did not come by TLS is redirected to https */
	bool proxied;    /* each connection begins with a header of the PROXY protocol */
	bool hosts;      /* the root holds a folder for each host */
	bool clean_urls; /* /page is page.html where there is no file of that name */
	struct http_rule_list {
		const struct http_rule *at;
		size_t count;
	} rules[HTTP_RULES];
	const struct http_prefix *trusted; /* peers whose word on their clients is believed, */
	size_t trusts;                     /* and how many */
	struct http_limits limits;
	const char *name;                           /* of the root, from / on, for programs */
	const struct http_scope *programs, *guards; /* the longest prefix first, */
	size_t program_count, guard_count;          /* and their number */
	int64_t program_time; /* us until a program's first byte, and between its bytes */
	/*
	 * 0 or an errno value. Both are NULL where programs can't be started: then http_step() says
	 * HTTP_ADOPT. The answer to a check is a byte, 'y' if the password is right.
	 */
	int (*run)(const struct http_conn *conn, struct http_run *run, struct http_pipes *pipes);
	int (*check)(size_t rule, struct http_text name, struct http_text password, int *answer);
	/* a program, by its name, has written the line to its standard error */
	void (*complain)(struct http_text program, struct http_text line);
	void (*prepare)(int fd); /* makes an end what struct http_end asks for, when it is needed */
	/* A front has named the client for which the connection is used from now on; or NULL. */
	void (*identify)(struct http_conn *conn, const struct http_peer *client);
	void (*log)(const struct http_conn *conn, const struct http_entry *entry); /* or NULL */
};

/* What the conversations of a process share: the time, and what is worth remembering. */
struct http_common {
	int64_t clock;            /* us of a clock that only goes forward */
	struct timespec wall;     /* the time of day */
	char date[30];            /* the same as HTTP writes it */
	uint64_t received;        /* how often bytes were received */
	bool closing;             /* no further request on any connection */
	char *out;                /* HTTP_OUT_SIZE bytes, in which responses are put together */
	size_t memory;            /* bytes that connections hold at the moment, */
	size_t memory_most;       /* and how many there may be before a listing is refused */
	struct http_cache *cache; /* or NULL */
};

/* One answered request, for the log. */
struct http_entry {
	struct http_text line, method, target, referer, agent, user;
	struct http_text host, port; /* host.at is NULL where the site has no hosts */
	int status;
	const char *reason; /* why the request was refused, or NULL */
	const struct http_peer *peer;
	uint64_t bytes; /* of the body, sent */
	int64_t began;  /* by http_common.clock */
	const struct http_common *common;
};

enum http_want {
	HTTP_GO,    /* within http.c: run the next step at once; it is never returned */
	HTTP_READ,  /* call again when the connection is readable, */
	HTTP_WRITE, /* when it is writable, */
	HTTP_POLL,  /* when one of http_polls() is ready, */
	HTTP_AGAIN, /* at once, after other connections were served, */
	HTTP_ADOPT, /* never: a process for this connection alone goes on, see http_adopt() */
	HTTP_DONE,  /* never: close it */
};

/* Each clock runs for as long as its limit says, so a list for each clock is a queue by deadline. */
enum http_clock { HTTP_IDLE, HTTP_HEADER, HTTP_MOVING, HTTP_PROGRAM, HTTP_LINGERING, HTTP_CLOCKS };

/*
 * A connection. The caller lends `work`, see http_busy(), says who the peer is when the connection is
 * opened, and may read what stands before `own`.
 */
struct http_conn {
	struct http_work *work;
	int64_t deadline;  /* call http_step() no later than then */
	uint32_t held;     /* bytes of memory, as counted in http_common.memory */
	uint8_t clock;     /* enum http_clock, by which the deadline was set */
	bool answered : 1; /* a response was completed */
	bool tls : 1;      /* the PROXY header says that the client uses TLS */
	struct http_peer peer;
	struct {
		const struct http_site *site;
		int64_t began;         /* us, when the request began */
		uint64_t moved;        /* bytes since the clock was set */
		uint32_t acknowledged; /* bytes, by the peer, ever; if it was measured then */
		uint32_t requests;     /* that were answered */
		uint32_t unread;       /* bytes that were sent and that the kernel may still hold */
		uint32_t received, total; /* bytes received, and also sent, ever */
		uint32_t looked;          /* ms, when http_pace() was called last, 0 never, */
		uint32_t seen;            /* and what had been moved by then */
		int in, out;
		uint8_t state;
		bool in_socket : 1, out_socket : 1; /* or a pipe, or a file */
		bool prepared : 1;                  /* see struct http_end */
		bool dry : 1;    /* the last read returned less than was asked for */
		bool linger : 1; /* read and discard input before closing */
		bool measured : 1;
	} own; /* of http.c; what is counted since the connection began may wrap */
};

void http_tell(struct http_common *common, int64_t clock, const struct timespec *wall);

/*
 * A fresh connection on two descriptors, which may be the same and stay the caller's. Calls that take
 * flags never wait and never raise SIGPIPE. sendfile(2) and write(2) take none. For them an end has
 * to be prepared: SIGPIPE is ignored; a socket is non-blocking, or has SO_SNDTIMEO; and it has
 * TCP_NODELAY, so that no part of a response waits until the peer has acknowledged another.
 */
struct http_end {
	int fd;
	bool socket;   /* or a pipe, a file, a terminal */
	bool prepared; /* already */
};

void http_open(struct http_conn *conn, const struct http_site *site, struct http_end in,
	       struct http_end out, const struct http_common *common);

/* Take the conversation as far as it goes without waiting. conn->work has to be set. */
enum http_want http_step(struct http_conn *conn, struct http_common *common);

/*
 * Receives what has arrived. For a caller with many connections: requests that were received before a
 * look at a file share that look, see cache_find().
 */
void http_receive(struct http_conn *conn, struct http_common *common);

/* What to poll(2) for, if http_step() has said HTTP_READ, HTTP_WRITE or HTTP_POLL: how many. */
enum { HTTP_POLLS = 4 };
size_t http_polls(const struct http_conn *conn, enum http_want want,
		  struct pollfd polls[HTTP_POLLS]);

/*
 * What was received and belongs to the request that the other process will answer; and, there, what
 * a connection that was just opened has received already. False if that is too much.
 */
struct http_text http_unanswered(const struct http_conn *conn);
bool http_adopt(struct http_conn *conn, struct http_text received, bool tls);

/* Let go of what an unfinished conversation holds. The descriptors stay open. */
void http_drop(struct http_conn *conn, struct http_common *common);

/*
 * For a caller with many connections, after each step: what the connection could not send yet
 * moves from http_common.out into memory of its own, and what it holds is counted. False if there
 * is no memory for it.
 */
bool http_settle(struct http_conn *conn, struct http_common *common);

/*
 * How many bytes a second the client has moved since the last call; INT64_MAX where that was less
 * than `time` us ago, or too long. Finds out how much of what was sent the kernel still holds.
 */
int64_t http_pace(struct http_conn *conn, struct http_common *common, int64_t time);

/* From now on close(2) resets the connection: the kernel discards what it has not delivered. */
void http_forsake(const struct http_conn *conn);

/* What all connections and the cache hold. */
size_t http_memory(const struct http_common *common);

/*
 * The working memory of a request in progress. A connection that waits for its
 * next request holds nothing in it, and the caller may lend it to another.
 */
size_t http_work_size(const struct http_limits *limits);
struct http_work *http_work_init(void *memory, const struct http_limits *limits);
bool http_busy(const struct http_conn *conn);

/*
 * A memory of answers: small ones as they are, at most `size` bytes in all, and
 * of larger ones the head and the open file, at most `files`. NULL if there is
 * no room for one. A client that does not know the seed cannot choose names that
 * fall together. It forgets what nobody asks for: http_cache_tidy() says when it
 * wants to be called again.
 */
enum { HTTP_SEED = 16 };
struct http_cache *http_cache_new(size_t size, uint32_t files, const void *seed);
int64_t http_cache_tidy(struct http_cache *cache, const struct http_common *common);

/*
 * A Combined Log Format line, escaped and with its newline; returns its length. With hosts it begins
 * with the host and the port, as in Apache's vhost_combined.
 */
enum { HTTP_LOG_LINE = 4096 };
size_t http_log_line(char line[HTTP_LOG_LINE], const char *peer, const struct http_entry *entry);

/*
 * The one way from a name below the root to a descriptor: 0 or an errno value.
 */
int http_open_beneath(const struct http_site *site, const char *path, int flags, int *fd);

/* The rule that the word of an option is: NULL, or what is wrong with the word. */
const char *http_read_rule(enum http_rules kind, const char *word, struct http_rule *rule);

#endif
