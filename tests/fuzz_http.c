/*
 * Any bytes in any pieces, against a small site: nothing may crash, and of whatever comes back all
 * that run_case() looks at has to hold.
 *
 * With -DFUZZ_ALONE a program that makes its cases itself, the same in every run; its arguments are
 * how many, and from which seed; or "-", to read a case that it has complained about from its
 * standard input. Else a target for clang's -fsanitize=fuzzer.
 *
 * A case is a byte of options and then a script:
 *
 *      0xfe    the server reads what was sent so far
 *      0xfd    three seconds pass
 *      0xfc    the client stops reading, or begins again
 *      0xff x  the byte x is sent
 *      0x80 +  a word is sent, so that what looks like HTTP isn't rare
 *      others  are sent as they are
 */
#include "http_talk.h"

#include <sys/ioctl.h>

enum { READ_NOW = 0xfe, WAIT = 0xfd, DEAF = 0xfc, RAW = 0xff, WORD = 0x80 };

enum {
	WALK = 1,
	CACHE = 2,
	SMALL = 4,
	NO_LISTING = 8,
	HEADERS = 16,
	FEW_REQUESTS = 32,
	CLOSING = 64,
};

static char thousand[1001]; /* times the same letter */

static const char *const words[] = {
	"GET ",
	"HEAD ",
	"POST ",
	"OPTIONS ",
	"PUT ",
	"CONNECT a:80",
	"/",
	"/small.txt",
	"/big.bin",
	"/page.html",
	"/folder",
	"/folder/",
	"/empty",
	"/nothing",
	"/out",
	"/.hidden",
	"%2e%2e/",
	"%00",
	"%41",
	"*",
	"http://a",
	"?sort=size&order=desc",
	"?format=text",
	" HTTP/1.1\r\n",
	" HTTP/1.0\r\n",
	" HTTP/2.0\r\n",
	"Host: a\r\n",
	"Connection: close\r\n",
	"Connection: keep-alive\r\n",
	"Content-Length: ",
	"Transfer-Encoding: chunked\r\n",
	"Transfer-Encoding: gzip, chunked\r\n",
	"Expect: 100-continue\r\n",
	"Range: bytes=",
	"0-0",
	"-5",
	"1-",
	",",
	"100000-200000",
	"If-Range: ",
	"If-Match: ",
	"If-None-Match: ",
	"If-Modified-Since: " FILE_DATE "\r\n",
	"If-Unmodified-Since: " FILE_DATE "\r\n",
	"Accept-Encoding: gzip;q=0.5, br\r\n",
	"\"x\"",
	"W/",
	"0\r\n",
	"5\r\nhello\r\n",
	"a;b=\"c\"\r\n0123456789\r\n",
	"ffffffffffffffff\r\n",
	"18446744073709551616",
	"X: y\r\n",
	": ",
	"\r\n",
	"\r\n\r\n",
	thousand,
	"GET /small.txt HTTP/1.1\r\nHost: a\r\n\r\n",
};
_Static_assert(WORD + LENGTH(words) <= DEAF, "a word a byte");

static struct tree tree;

static void make_site(void)
{
	static char big[300 << 10];

	memset(thousand, 'a', sizeof(thousand) - 1);
	memset(big, 'b', sizeof(big));
	make_tree(&tree);
	put_file(&tree, "small.txt", "hello, world");
	put_file(&tree, "empty", "");
	put_file(&tree, ".hidden", "hidden");
	put_bytes(&tree, "big.bin", big, sizeof(big));
	put_file(&tree, "page.html", "<p>a page");
	put_file(&tree, "page.html.gz", "smaller");
	put_folder(&tree, "folder");
	put_file(&tree, "folder/a <&\".txt", "a");
	put_folder(&tree, "folder/sub");
	put_link(&tree, "folder/in", "../small.txt");
	put_link(&tree, "out", "../..");
}

static void remove_site(void)
{
	remove_tree(&tree);
}

/* ---- one conversation ----------------------------------------------------------- */

struct run {
	struct talk talk;
	struct http_site site;
	struct http_turn turn;
	enum http_want want;
	bool hurried; /* time has passed, or the client hasn't read: an answer may be cut */
};

static const unsigned char *case_at;
static size_t case_size;

/* What doesn't hold is the end of everything; the case is printed, to be run again. */
static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "not so: %s\n", what);
	for (size_t i = 0; i < case_size; i++)
		fprintf(stderr, "\\x%02x", case_at[i]);
	fputc('\n', stderr);
	remove_site();
	abort();
}

static void begin_run(struct run *run, unsigned options)
{
	run->site = site_of(&tree);
	run->site.walk = options & WALK;
	run->site.listing = !(options & NO_LISTING);
	run->site.headers = options & HEADERS ? "X-Site: yes\r\n" : NULL;
	if (options & SMALL) {
		run->site.limits.line = 100;
		run->site.limits.header = 300;
		run->site.limits.fields = 5;
		run->site.limits.body = 100;
	}
	if (options & FEW_REQUESTS)
		run->site.limits.requests = 3;
	run->turn = turn_at(SECONDS(1000));
	run->turn.closing = options & CLOSING;
	run->turn.cache = options & CACHE ? http_cache_new(64 << 10, 1) : NULL;
	run->want = HTTP_READ;
	run->hurried = false;
	talk_open(&run->talk, &run->site, &run->turn);
}

static void step(struct run *run)
{
	const struct http_conn *conn = &run->talk.conn;
	int unread = 0;

	if (run->want == HTTP_DONE)
		return;
	run->want = talk_step(&run->talk);
	if (run->want == HTTP_READ) {
		need(ioctl(conn->in, FIONREAD, &unread) == 0, "FIONREAD");
		must(unread == 0, "it waits for bytes when all it has said is heard");
	}
	must(run->want == HTTP_DONE || conn->deadline > run->turn.clock, "a deadline is ahead");
	must(http_holds(conn) || work_is_clean(conn->work), "memory that isn't held is clean");
}

/* The client sends; where nobody takes it any more, it reads, and then gives up. */
static void say(struct run *run, const char *bytes, size_t n)
{
	while (n && run->want != HTTP_DONE) {
		ssize_t sent = send(run->talk.far, bytes, n, MSG_NOSIGNAL);

		if (sent < 0 && (errno != EAGAIN || !run->talk.deaf))
			return;
		if (sent < 0)
			run->talk.deaf = false;
		bytes += sent < 0 ? 0 : sent;
		n -= sent < 0 ? 0 : (size_t)sent;
		if (n)
			step(run);
	}
}

static void act(struct run *run, unsigned char what)
{
	if (what == WAIT)
		run->turn.clock += SECONDS(3);
	if (what == DEAF)
		run->talk.deaf = !run->talk.deaf;
	run->hurried |= what != READ_NOW;
	step(run);
}

/* To its end, where the client has said all and reads all; `whole`: as if it did nothing else. */
static void follow_script(struct run *run, const unsigned char *at, size_t size, bool whole)
{
	static char pending[64 << 10];
	size_t n = 0;

	for (size_t i = 0; i < size; i++) {
		bool raw = at[i] == RAW && i + 1 < size;
		unsigned char c = at[i += raw];
		bool word = !raw && c >= WORD && (size_t)(c - WORD) < LENGTH(words);
		text said = word ? text_of(words[c - WORD]) : (text){ (const char *)&at[i], 1 };

		if (raw || (c != READ_NOW && c != WAIT && c != DEAF)) {
			if (said.len > sizeof(pending) - n)
				break;
			memcpy(pending + n, said.at, said.len);
			n += said.len;
		} else if (!whole) {
			say(run, pending, n);
			n = 0;
			act(run, c);
		}
	}
	say(run, pending, n);
	run->talk.deaf = false;
	step(run);
	shutdown(run->talk.far, SHUT_WR);
	for (int i = 0; i < 2; i++) /* it may have to say that this was too early, and then leave */
		step(run);
	must(run->want == HTTP_DONE, "it ends when the client has left");
	talk_hear(&run->talk);
}

/* ---- what has come back --------------------------------------------------------- */

/* An answer that was begun and will not be ended: the connection is over. */
static bool cut_short(const struct run *run, size_t k)
{
	return run->hurried && k + 1 == run->talk.logs;
}

static void judge(const struct run *run)
{
	const struct talk *talk = &run->talk;
	text stream = talk_heard(talk);
	bool over = false;

	for (size_t k = 0; k < talk->logs; k++) {
		struct reply reply;
		const char *fault;

		must(!over, "no request is answered after Connection: close");
		do
			fault = read_reply(&stream, talk->logged[k].head, &reply);
		while (!fault && reply.status == 100);
		if (fault && cut_short(run, k))
			return;
		must(!fault, fault);
		must(reply.status == talk->logged[k].status, "what is logged is what is sent");
		must(reply.body.len == talk->logged[k].bytes,
		     "as many bytes are logged as are sent");
		must(reply_has(&reply, "Server", "wwwd"), "every answer says who speaks");
		must(!run->site.headers || reply_has(&reply, "X-Site", "yes"),
		     "and what it was told to");
		must(reply.status != 206 || reply_field(&reply, "Content-Range", 0).at ||
			     reply_field(&reply, "Content-Type", 0).len > 30,
		     "a part says which one it is");
		must(!memmem(reply.body.at, reply.body.len, "hidden", 6),
		     "what is hidden is not shown");
		over = reply.close;
	}
	/* an answer that stopped before it was logged, an interim one without its end */
	struct reply rest;

	while (stream.len && !read_reply(&stream, false, &rest) && rest.status == 100)
		;
	must(stream.len == 0 || run->hurried, "nothing comes that wasn't asked for");
}

static void end_run(struct run *run)
{
	struct http_cache *cache = run->turn.cache;

	talk_close(&run->talk);
	must(run->turn.listing_bytes == 0, "listings give back their memory");
	while (cache && cache->oldest)
		cache_remove(cache, cache->oldest);
	must(!cache || (cache->used == 0 && cache->files == 0), "so does the cache");
	free(cache);
}

/* Refusals alone may depend on how much has come: of two faults it is the first that is seen. */
static bool same_answers(const struct talk *a, const struct talk *b)
{
	if (a->logs != b->logs)
		return false;
	for (size_t k = 0; k < a->logs; k++)
		if ((a->logged[k].status != b->logged[k].status ||
		     a->logged[k].bytes != b->logged[k].bytes) &&
		    (k + 1 < a->logs || a->logged[k].status < 400 || b->logged[k].status < 400))
			return false;
	return true;
}

static void run_case(const unsigned char *data, size_t size)
{
	static struct run pieces, whole;
	int before = count_descriptors();

	case_at = data;
	case_size = size;
	if (size == 0)
		return;
	begin_run(&pieces, data[0]);
	begin_run(&whole, data[0] ^ (WALK | CACHE));
	follow_script(&pieces, data + 1, size - 1, false);
	follow_script(&whole, data + 1, size - 1, true);
	judge(&pieces);
	judge(&whole);
	must(pieces.hurried || same_answers(&pieces.talk, &whole.talk),
	     "neither pieces nor a walk nor a cache changes an answer");
	end_run(&pieces);
	end_run(&whole);
	must(count_descriptors() == before, "no descriptor is left open");
}

#ifndef FUZZ_ALONE

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	if (!tree.top[0]) {
		make_site();
		atexit(remove_site);
	}
	run_case(data, size);
	return 0;
}

#else

/* Requests to begin from: fine ones, and some that have been used to smuggle. */
static const char *const seeds[] = {
	"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /small.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=0-0,2-2\r\n\r\n",
	"GET /big.bin HTTP/1.1\r\nHost: a\r\nRange: bytes=0-9,100000-299999\r\n\r\n",
	"GET /big.bin HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /small.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=3-12\r\n\r\n",
	"HEAD /page.html HTTP/1.1\r\nHost: a\r\nAccept-Encoding: *\r\n\r\n",
	"GET /.hidden HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /folder/%2e%2e/%2ehidden HTTP/1.1\r\nHost: a\r\n\r\n",
	"HEAD /big.bin HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
	"GET /page.html HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n",
	"GET /page.html HTTP/1.1\r\nHost: a\r\nIf-None-Match: \"x\", *\r\nIf-Match: *\r\n\r\n",
	"GET /folder HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /folder/?sort=time&order=desc HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
	"GET http://a:80/small.txt?b HTTP/1.1\r\nHost: c\r\n\r\n",
	"GET /out/%2e%2e/etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n",
	"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
	"DELETE /small.txt HTTP/1.1\r\nHost: a\r\n\r\n",
	"BREW /tea HTTP/1.1\r\nHost: a\r\n\r\n",
	"POST /small.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
	"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	"5;a=\"b\"\r\nhello\r\n0\r\nX: y\r\n\r\n",
	"POST /empty HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
	"0\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\nhello",
	"GET /small.txt HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n",
	"GET /small.txt HTTP/1.1\nHost: a\n\n",
	"\r\n\r\nGET /small.txt HTTP/1.0\r\n\r\n",
};

enum { CASE_MOST = 4096, PIECES_MOST = 5, CHANGES_MOST = 6 };

static size_t below(uint64_t *seed, size_t n)
{
	return (size_t)(any_number(seed) % n);
}

static void insert(unsigned char *bytes, size_t *size, size_t at, unsigned char byte)
{
	if (*size == CASE_MOST)
		return;
	memmove(bytes + at + 1, bytes + at, *size - at);
	bytes[at] = byte;
	++*size;
}

static void change(unsigned char *bytes, size_t *size, uint64_t *seed)
{
	size_t at = 1 + below(seed, *size - 1);
	unsigned char word = (unsigned char)(WORD + below(seed, LENGTH(words)));

	switch (below(seed, 8)) {
	case 0: bytes[at] = (unsigned char)any_number(seed); break;
	case 1: bytes[at] ^= (unsigned char)(1u << below(seed, 8)); break;
	case 2: insert(bytes, size, at, (unsigned char)any_number(seed)); break;
	case 3:
		for (size_t n = below(seed, 4) ? 1 : below(seed, 60); n; n--)
			insert(bytes, size, at, word);
		break;
	case 4: *size = at + 1; break;
	case 5: insert(bytes, size, at, below(seed, 4) ? READ_NOW : DEAF); break;
	case 6: insert(bytes, size, at, below(seed, 4) ? READ_NOW : WAIT); break;
	default:
		if (*size > 2)
			memmove(bytes + at, bytes + at + 1, --*size - at);
	}
}

static size_t make_case(unsigned char *bytes, uint64_t *seed)
{
	size_t size = 1;

	bytes[0] = (unsigned char)any_number(seed);
	for (size_t pieces = 1 + below(seed, PIECES_MOST); pieces; pieces--) {
		const char *from = seeds[below(seed, LENGTH(seeds))];

		for (size_t i = 0; from[i]; i++) {
			insert(bytes, &size, size, (unsigned char)from[i]);
			if (below(seed, 40) == 0)
				insert(bytes, &size, size, READ_NOW);
		}
	}
	for (size_t changes = below(seed, CHANGES_MOST); changes; changes--)
		change(bytes, &size, seed);
	return size;
}

int main(int argc, char **argv)
{
	static unsigned char bytes[CASE_MOST];
	bool given = argc > 1 && strcmp(argv[1], "-") == 0;
	unsigned long cases = argc > 1 ? strtoul(argv[1], NULL, 0) : 4000;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;

	seed += !seed; /* of which nothing but 0 would come */
	make_site();
	if (given)
		run_case(bytes, fread(bytes, 1, sizeof(bytes), stdin));
	for (unsigned long i = 0; i < cases; i++)
		run_case(bytes, make_case(bytes, &seed));
	remove_site();
	printf("%lu passed, 0 failed\n", cases + given);
	return EXIT_SUCCESS;
}

#endif
