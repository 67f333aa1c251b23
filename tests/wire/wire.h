/*
 * The wire suite: bytes that are sent to wwwd, and what RFC 9110 and RFC 9112 let it answer.
 *
 * The tables (line.c, body.c ...) hold the cases, response.c reads an answer as strictly
 * as the RFCs are written, site.c makes the tree that is served, server.c starts the servers,
 * converse.c runs a case and judges it, and check.c does so in each mode.
 *
 * In the bytes of a case two things are replaced before they are sent:
 *   {{300*ab}}            "ab", three hundred times
 *   {{etag /a.html gzip}} the entity tag of /a.html (as Accept-Encoding: gzip gets it)
 */
#ifndef WIRE_H
#define WIRE_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "response.h"

enum { WIRE_PARTS = 4, WIRE_ANSWERS = 17, WIRE_ROOM = 1 << 21 };

/* What becomes of the connection after the last answer. */
enum wire_end {
	KEPT,   /* a further request on it is answered, and nothing comes before that answer */
	CLOSED, /* the last answer says so, and then it is closed */
	EITHER, /* one of the two, and the answer says which */
};

/* Which server a case is for: each has its own tree and its own options. */
enum wire_server {
	MAIN,    /* the defaults */
	SMALL,   /* small limits, no listings, a 404.html */
	FRONTED, /* --https-only, and trusted proxies: 127.0.0.1, 10.0.0.0/8, 2001:db8:f::/48 */
	PROXIED, /* the same with --proxy-protocol */
	HOSTED,  /* a folder for each host, and one for all others */
	STRICT,  /* the same, but none for others */
	RULED,   /* what options can say about a site */
	SERVED,
	HASTY = SERVED, /* one second for everything; without a process alone, and a clock set by hand */
	WIRE_SERVERS
};

struct wire_part {
	const char *bytes;
	size_t size;
	unsigned after; /* hold these bytes back until so many answers have come */
};

/*
 * What an answer must be. Lists are strings with one entry a line. An entry of `has` and `lacks` is
 * "Name", "Name: value" (or "Name: value|other value"), or "Name:~text" for a part of the value.
 */
struct wire_answer {
	const char *status; /* those allowed: "400 501"; a leading '?' allows no answer too */
	const char *has;
	const char *lacks;
	const char *shows; /* in the body, in this order */
	const char *hides; /* nowhere in the answer */
	const char *body;  /* the whole body */
	const char *file;  /* the whole body, as the content of a file of the site */
	const char *parts; /* of multipart/byteranges: "0-1/10=01 8-9/10=89" */
	bool head;         /* it answers a HEAD: no body, whatever the header says */
	const struct wire_answer *otherwise;
};

struct wire_case {
	const char *name;
	struct wire_part send[WIRE_PARTS];
	struct wire_answer want[WIRE_ANSWERS];
	enum wire_end end;
	enum wire_server server;
	bool half_close; /* the client shuts its side down when all is sent */
	bool deaf;       /* the client reads nothing until it has sent everything */
	bool may_100;    /* a 100 (Continue) may come before the last answer */
	/*
	 * Sent at once in every mode: a client that has said "close" and then sends more may find
	 * the connection reset (RFC 9112, 9.6), but not by what came along with its last request.
	 */
	bool at_once;
	bool silent; /* it is closed without a word (a time-out between two requests) */
	/* It is closed without a word, perhaps by a reset, but there is a line in the log. */
	bool turned_away;
	const char *clients; /* that the log names, with their ports, one by one; or NULL */
	unsigned drip;       /* milliseconds between two bytes */
};

/* clang-format off */
#define PART(literal)         { .bytes = (literal), .size = sizeof(literal) - 1 }
#define AFTER(count, literal) { .bytes = (literal), .size = sizeof(literal) - 1, .after = (count) }
#define IS(...)               { .status = __VA_ARGS__ }
#define OR(...)               .otherwise = &(const struct wire_answer)IS(__VA_ARGS__)
/* `then` is an enum wire_end, and may bring further fields along. */
#define CASE(label, literal, then, ...) \
	{ .name = (label), .send = { PART(literal) }, .end = then, .want = { __VA_ARGS__ } }
#define CASE_AT(which, label, literal, then, ...) \
	{ .name = (label), .server = (which), .send = { PART(literal) }, .end = then, .want = { __VA_ARGS__ } }
#define NO_ANSWER IS(NULL)
/* clang-format on */

#define GET(target, fields) "GET " target " HTTP/1.1\r\nHost: a\r\n" fields "\r\n"
#define HEAD(target, fields) "HEAD " target " HTTP/1.1\r\nHost: a\r\n" fields "\r\n"
#define POST(target, fields) "POST " target " HTTP/1.1\r\nHost: a\r\n" fields "\r\n"

/* No answer of any case may hold these words; files that must not be reached are full of them. */
#define POISON "POISON"
#define SECRET "SECRET"
#define ECHOED "ECHOED"

/* Appended to what must be refused: if it is answered, the server saw a request that isn't one. */
#define SMUGGLED GET("/poison.txt", "")

#define A50 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A250 A50 A50 A50 A50 A50

#define TEN "0123456789"                         /* the content of /ten.txt */
#define TEN_DATE "Sun, 06 Nov 1994 08:49:37 GMT" /* its time, and that of most files */
#define TEN_STAMP 784111777

/* clang-format off */
/* The extensions whose type is tested, for the tree and the table: /types/x.EXT. */
#define WIRE_TYPES(T) \
	T("html", "text/html; charset=utf-8") \
	T("htm", "text/html; charset=utf-8") \
	T("xhtml", "application/xhtml+xml") \
	T("css", "text/css; charset=utf-8") \
	T("js", "text/javascript; charset=utf-8") \
	T("mjs", "text/javascript; charset=utf-8") \
	T("json", "application/json") \
	T("map", "application/json") \
	T("jsonld", "application/ld+json") \
	T("webmanifest", "application/manifest+json") \
	T("xml", "application/xml|text/xml") \
	T("rss", "application/rss+xml") \
	T("atom", "application/atom+xml") \
	T("txt", "text/plain; charset=utf-8") \
	T("md", "text/markdown; charset=utf-8") \
	T("csv", "text/csv; charset=utf-8") \
	T("ics", "text/calendar; charset=utf-8") \
	T("vtt", "text/vtt; charset=utf-8") \
	T("png", "image/png") \
	T("jpg", "image/jpeg") \
	T("jpeg", "image/jpeg") \
	T("gif", "image/gif") \
	T("webp", "image/webp") \
	T("avif", "image/avif") \
	T("svg", "image/svg+xml") \
	T("ico", "image/x-icon|image/vnd.microsoft.icon") \
	T("bmp", "image/bmp") \
	T("tiff", "image/tiff") \
	T("jxl", "image/jxl") \
	T("woff", "font/woff") \
	T("woff2", "font/woff2") \
	T("ttf", "font/ttf") \
	T("otf", "font/otf") \
	T("mp3", "audio/mpeg") \
	T("opus", "audio/ogg|audio/opus|audio/ogg; codecs=opus") \
	T("ogg", "audio/ogg") \
	T("flac", "audio/flac") \
	T("wav", "audio/wav|audio/x-wav|audio/vnd.wave") \
	T("m4a", "audio/mp4|audio/x-m4a") \
	T("aac", "audio/aac") \
	T("mp4", "video/mp4") \
	T("webm", "video/webm") \
	T("mkv", "video/x-matroska|video/matroska") \
	T("mov", "video/quicktime") \
	T("ogv", "video/ogg") \
	T("pdf", "application/pdf") \
	T("wasm", "application/wasm") \
	T("go", "text/plain; charset=utf-8") \
	T("rs", "text/plain; charset=utf-8") \
	T("py", "text/plain; charset=utf-8") \
	T("toml", "text/plain; charset=utf-8") \
	T("jsonl", "text/plain; charset=utf-8") \
	T("zip", "application/zip") \
	T("gz", "application/gzip") \
	T("tgz", "application/gzip") \
	T("tar.gz", "application/gzip") \
	T("zst", "application/zstd") \
	T("bz2", "application/x-bzip2|application/bzip2") \
	T("xz", "application/x-xz|application/xz") \
	T("7z", "application/x-7z-compressed") \
	T("tar", "application/x-tar") \
	T("epub", "application/epub+zip") \
	T("rtf", "application/rtf|text/rtf; charset=utf-8") \
	T("HTML", "text/html; charset=utf-8") \
	T("JPG", "image/jpeg") \
	T("Css", "text/css; charset=utf-8") \
	T("html.bak", "application/octet-stream") \
	T("png.txt", "text/plain; charset=utf-8") \
	T("txt.png", "image/png") \
	T("nosuchtype", "application/octet-stream") \
	T("htmlx", "application/octet-stream") \
	T("ht", "application/octet-stream") \
	T("", "application/octet-stream")
/* clang-format on */

/* The options that say something about the site of a server, but limits; they end with NULL. */
enum { WIRE_OPTIONS = 48 };
extern const char *const wire_folders[WIRE_SERVERS];
extern const char *const wire_limits[SERVED][WIRE_OPTIONS];
extern const char *const wire_options[WIRE_SERVERS][WIRE_OPTIONS];

extern const struct wire_case wire_line[], wire_target[], wire_field[], wire_connection[],
	wire_body[], wire_smuggle[], wire_condition[], wire_range[], wire_file[], wire_type[],
	wire_coding[], wire_redirect[], wire_listing[], wire_limit[], wire_time[], wire_front[],
	wire_host[], wire_rule[];

/* Whether the answer is as wanted; NULL when it is, else what is wrong. */
const char *wire_unlike(struct wire_response *response, const struct wire_answer *want,
			const char *root);
/* Make the tree: `site`, `small` and others and, where no request may get, `outside`. */
void wire_site_make(const char *top);
/* Before it is removed: a folder that can't be read can't be emptied, but by root. */
void wire_site_unlock(const char *top);

/* One conversation. */
struct wire_talk {
	int fd;
	int pipe;  /* where what it reads goes by another; 0: a socket, -1: closed */
	char *got; /* what the server has sent */
	size_t got_size, got_room;
	const char *out; /* what is still to be sent */
	size_t out_size;
	size_t piece; /* send at most so many bytes at a time; 0: as many as there are */
	bool deaf;    /* nothing is read now */
	bool eof;
	int error;     /* of the last read: ECONNRESET where the server threw the client out */
	unsigned drip; /* ms between two pieces, where the clock is set by hand */
	pid_t pid;     /* of the handler, where it has one of its own */
	const struct wire_case *test;
};

/* A way to the server, and of telling the time: by sockets to a process, or without either. */
struct wire_way {
	const char *name;
	bool singly;     /* requests are sent a byte at a time */
	bool only_names; /* of the tables, those about names */
	bool no_peer;    /* there is no address that could be a trusted proxy's */
	bool times;      /* time passes where nothing else does: it is no use to wait for it */
	long long (*now)(void); /* in milliseconds */
	bool (*open)(struct wire_talk *talk, enum wire_server server);
	/* Send what can be sent, read what can be read; wait for either at most so long. */
	void (*step)(struct wire_talk *talk, int timeout);
	const char *(*close)(struct wire_talk *talk); /* NULL, or what is wrong with the end */
};

/* ---- converse.c ---- */

/* A suite of all cases; `run` is a loop test that calls wire_run_nth(way, _i - first). */
Suite *wire_suite(const struct wire_way *way, const TTest *run, int first);
/* What no table can say, but may be asked in any way. */
TCase *wire_besides(const struct wire_way *way);
void wire_run_nth(const struct wire_way *way, int i);
/* Ask the main server one thing; the whole of what it sends is in wire_side, as a string. */
size_t wire_fetch(const struct wire_way *way, const char *method, const char *target,
		  const char *fields);
extern char wire_side[WIRE_ROOM + 1];
extern int wire_patience; /* ms that a case may take */
/* ---- talk.c ---- */

/* Send what can be sent, read what can be read; wait for either at most so long. */
void wire_step(struct wire_talk *talk, int timeout);

/* ---- server.c ---- */

/*
 * Where $WIRE_AT names another machine, all servers are there: each at a port of its own from
 * WIRE_PORT on, and an inetd for each from WIRE_INETD_PORT on.
 */
enum { WIRE_PORT = 8000, WIRE_INETD_PORT = 8100 };
/* A connection to the server, which is started where it isn't. */
bool wire_connect(struct wire_talk *talk, enum wire_server which);
/* To a handler that is started as a filter between two pipes; as inetd does; the same without openat2(2). */
bool wire_filter(struct wire_talk *talk, enum wire_server which);
bool wire_inetd(struct wire_talk *talk, enum wire_server which);
bool wire_walking(struct wire_talk *talk, enum wire_server which);
/* Stop the server: its exit status, -1 if it wasn't a plain exit. */
int wire_stop(enum wire_server which);

extern const char *wire_top; /* the directory of the trees and the logs */

#endif
