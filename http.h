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
	uint64_t stall_rate; /* bytes per second that a body or a response has to move */
	uint32_t requests;   /* requests per connection */
};

enum { HTTP_LINE_MOST = 32 << 10, HTTP_HEADERS_MOST = 8 << 10, HTTP_OUT_SIZE = 256 << 10 };

struct http_conn;
struct http_entry;
struct http_work;
struct http_cache;

/*
 * The other end of a connection: an IPv6 address, or ::ffff: and an IPv4 address. If the address is
 * all zero, the port HTTP_UNIX_PORT stands for a UNIX socket, and any other one for an unknown
 * peer. http_family() tells them apart: AF_INET, AF_INET6, AF_UNIX or AF_UNSPEC.
 */
enum { HTTP_UNIX_PORT = 1 };
struct http_peer {
	uint8_t address[16];
	uint16_t port; /* 0 if it is unknown */
};
int http_family(const struct http_peer *peer);

/* The peers whose addresses are of this family and begin with so many bits of this one. */
struct http_prefix {
	uint8_t family, bits; /* for IPv4, the 96 bits of ::ffff: count too */
	uint8_t address[16];
};

/* Bytes of a request or of an option, as they came: escape before printing. */
struct http_text {
	const char *at;
	size_t len;
};

/*
 * A path of the site and all that is beneath it, where programs are started (--cgi) or a password
 * is needed (--auth). The prefix neither begins nor ends with a slash. `path` is that of the
 * program, or NULL if the files beneath the prefix are the programs; or that of the password file.
 */
struct http_scope {
	const char *prefix, *path;
};

/* What a program is started with. */
struct http_run {
	size_t rule;             /* which of http_site.programs */
	struct http_text script; /* a file below the root, where the rule has no path */
	bool named;              /* SERVER_NAME is one of the variables */
	bool body;               /* its input ends after a byte has been written to `life` */
	const struct http_peer *client;
	char *variables;      /* "NAME=value" and a NUL each; run() adds those about the peer, */
	size_t variables_len; /* for which there is room for HTTP_PEER_VARIABLES bytes more */
};
enum { HTTP_PEER_VARIABLES = 2 << 10 }; /* the name of a peer may have NI_MAXHOST bytes */

/* wwwd's ends of a program's pipes, non-blocking; -1 if closed. Closing `life` ends the program. */
struct http_pipes {
	int in, out, error, life;
};

/* The kinds of rules. http_read_rule() makes a rule of an option's value. */
enum http_rules {
	HTTP_FIELDS,    /* "[PATTERN ]Name: value", at most HTTP_HEADERS_MOST bytes in all */
	HTTP_TYPES,     /* "EXT=type/subtype" */
	HTTP_INDEXES,   /* the name of a folder's page */
	HTTP_FALLBACKS, /* the page that is sent instead of a 404; the last one counts */
	HTTP_UNLOGGED,  /* "PATTERN" */
	HTTP_RULES
};

/* The pattern is one of paths, or an ending of names; pattern.at is NULL if there is none. */
struct http_rule {
	struct http_text pattern;
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
	} rules[HTTP_RULES];               /* each list in the order of the options */
	const struct http_prefix *trusted; /* peers that may tell who their client is, */
	size_t trusts;                     /* and their number */
	struct http_limits limits;
	const char *name;                           /* absolute path of the root, for programs */
	const struct http_scope *programs, *guards; /* of --cgi and --auth, longest first, */
	size_t program_count, guard_count;          /* and their number */
	int64_t program_time; /* us until a program's first byte, and between its bytes */
	/*
	 * Both return 0 or an errno value, and are NULL where programs can't be started: then
	 * http_step() returns HTTP_ADOPT. `answer` becomes a pipe, from which one byte can be read
	 * when the password has been checked: 'y' if it is right.
	 */
	int (*run)(const struct http_conn *conn, struct http_run *run, struct http_pipes *pipes);
	int (*check)(size_t rule, struct http_text name, struct http_text password, int *answer);
	/* a program, by its name, has written the line to its standard error */
	void (*complain)(struct http_text program, struct http_text line);
	void (*prepare)(int fd); /* prepares an end when that is needed, see struct http_end */
	/* A proxy has named the client for which the connection is used from now on; or NULL. */
	void (*identify)(struct http_conn *conn, const struct http_peer *client);
	void (*log)(const struct http_conn *conn, const struct http_entry *entry); /* or NULL */
};

/* What the connections of a process share. */
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

/* A clock gives each connection the same time: the one that was set first expires first. */
enum http_clock { HTTP_IDLE, HTTP_HEADER, HTTP_MOVING, HTTP_PROGRAM, HTTP_LINGERING, HTTP_CLOCKS };

/*
 * A connection. The caller sets `peer` when it has opened the connection, lends it `work` for as
 * long as http_busy() says, and may read all that stands before `own`.
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
		uint32_t acknowledged; /* bytes, ever, if `measured` */
		uint32_t requests;     /* that were answered */
		uint32_t unread;       /* bytes that were sent and that the kernel may still hold */
		uint32_t received, total; /* bytes received, and also sent, ever */
		uint32_t looked;          /* ms, when http_pace() was called last; or 0 */
		uint32_t seen;            /* bytes that had been moved by then */
		int in, out;
		uint8_t state;
		bool in_socket : 1, out_socket : 1; /* or a pipe, or a file */
		bool prepared : 1;                  /* see struct http_end */
		bool dry : 1;      /* the last read returned less than was asked for */
		bool linger : 1;   /* read and discard input before closing */
		bool measured : 1; /* `acknowledged` was, when the clock was set or later */
	} own; /* for http.c alone; the numbers of 32 bits that only grow may overflow */
};

void http_tell(struct http_common *common, int64_t clock, const struct timespec *wall);

/*
 * A descriptor of a connection, which stays the caller's. recv(2) and send(2) are told by flags not
 * to wait and not to raise SIGPIPE. sendfile(2) and write(2) take no flags. An end for them has to
 * be prepared: SIGPIPE is ignored; a socket is non-blocking, or has SO_SNDTIMEO; and it has
 * TCP_NODELAY, so that no part of a response waits until the peer has acknowledged another.
 */
struct http_end {
	int fd;
	bool socket;   /* or a pipe, a file, a terminal */
	bool prepared; /* already */
};

/* A new connection. Both ends may be the same descriptor. */
void http_open(struct http_conn *conn, const struct http_site *site, struct http_end in,
	       struct http_end out, const struct http_common *common);

/* Take the conversation as far as it goes without waiting. conn->work has to be set. */
enum http_want http_step(struct http_conn *conn, struct http_common *common);

/*
 * For a caller with many connections: receives what has arrived on one, before the others are
 * answered. A look at a file then counts for all requests that were received before it, see
 * cache_find().
 */
void http_receive(struct http_conn *conn, struct http_common *common);

/* Lists what to poll(2) for when http_step() has returned `want`; returns how many these are. */
enum { HTTP_POLLS = 4 };
size_t http_polls(const struct http_conn *conn, enum http_want want,
		  struct pollfd polls[HTTP_POLLS]);

/*
 * With HTTP_ADOPT: what was received and not answered. The other process opens the connection anew
 * and passes it to http_adopt(), which returns false if it is too long.
 */
struct http_text http_unanswered(const struct http_conn *conn);
bool http_adopt(struct http_conn *conn, struct http_text received, bool tls);

/* Releases what an unfinished conversation holds. The descriptors stay open. */
void http_drop(struct http_conn *conn, struct http_common *common);

/*
 * For a caller with many connections, after each step: what the connection could not send yet
 * moves from http_common.out into memory of its own, and what it holds is counted. False if there
 * is no memory for it.
 */
bool http_settle(struct http_conn *conn, struct http_common *common);

/*
 * How many bytes per second the client has moved since the last call; INT64_MAX if that was less
 * than `time` us ago, or too long ago. It also finds out how much of what was sent the kernel still
 * holds.
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
 * A cache of responses: small ones whole, at most `size` bytes in all, and of larger ones the head
 * and the open file, at most `files` of them. NULL if that is too little, or there is no memory.
 * The seed is a secret, so that no client can choose names with equal hashes. http_cache_tidy()
 * removes what has not been used for a while, and returns when it wants to be called again.
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
 * The only function that opens a name below the root: 0 or an errno value. With HTTP_NO_LINKS among
 * the flags, no part of the path may be a symbolic link.
 */
enum { HTTP_NO_LINKS = 1 << 30 };
int http_open_beneath(const struct http_site *site, const char *path, int flags, int *fd);

/* Makes a rule of an option's value. Returns NULL, or what is wrong with the value. */
const char *http_read_rule(enum http_rules kind, const char *word, struct http_rule *rule);

#endif
