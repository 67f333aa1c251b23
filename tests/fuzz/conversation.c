/*
 * A whole conversation: any bytes in any pieces, against a small site. Nothing may crash, and of
 * whatever comes back all that judge() looks at has to hold: it is HTTP, it is what the file has,
 * it is the same in other pieces, and nothing is left behind.
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
#include "fuzz.h"

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
	NO_SOCKET = 128, /* or so it is said: what does for a pipe does for all */
};

static char thousand[1001]; /* times the same letter */

/* New ones go to the end: cases that are kept name them by their place. */
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
	"/up.txt",
	"/away.txt",
	"/loop",
	"/folder/deep.txt",
	"Accept: text/html\r\n",
	"/page",
	"/route",
	"http://A.:80",
	"?format=json",
	"/moved",
};
_Static_assert(WORD + LENGTH(words) <= DEAF, "a word a byte");

/* ---- the site ------------------------------------------------------------------- */

#define OUTSIDE "this is outside the root"
#define HIDDEN "this is hidden"

static char big[300 << 10];

/* What is there to be had. */
static struct content {
	const char *name, *at;
	size_t size;
	const char *coding; /* as its tag has it */
	char etag[64];
} contents[] = {
	{ .name = "small.txt", .at = "hello, world", .size = 12, .coding = "" },
	{ .name = "empty", .at = "", .coding = "" },
	{ .name = "page.html", .at = "<p>a page", .size = 9, .coding = "" },
	{ .name = "page.html.gz", .at = "smaller", .size = 7, .coding = "" },
	{ .name = "page.html.gz", .at = "smaller", .size = 7, .coding = "-gzip" },
	{ .name = "folder/a <&\".txt", .at = "a", .size = 1, .coding = "" },
	{ .name = "big.bin", .at = big, .size = sizeof(big), .coding = "" },
};

static struct tree around, tree; /* the root is in a folder that has something else to show */
static pid_t owner;

static void make_contents(void)
{
	uint64_t seed = 1;

	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)any_number(&seed);
	put_folder(&tree, "folder");
	for (size_t i = 0; i < LENGTH(contents); i++) {
		struct content *content = &contents[i];

		put_bytes(&tree, content->name, content->at, content->size);
		snprintf(content->etag, sizeof(content->etag), "\"%zx-%jx%s\"", content->size,
			 (uintmax_t)(FILE_TIME * 1000000000), content->coding);
	}
}

static void make_site(void)
{
	char away[PATH_MAX + 16];

	owner = getpid();
	memset(thousand, 'a', sizeof(thousand) - 1);
	make_tree(&around);
	put_file(&around, "secret.txt", OUTSIDE);
	need(setenv("TMPDIR", around.top, 1) == 0, "setenv");
	make_tree(&tree);
	snprintf(away, sizeof(away), "%s/a", around.top); /* it may also be the folder of a host */
	need(rename(tree.top, away) == 0, away);
	strcpy(tree.top, away);
	make_contents();
	put_file(&tree, ".hidden", HIDDEN);
	put_folder(&tree, "folder/sub");
	put_link(&tree, "folder/in", "../small.txt");
	put_link(&tree, "folder/deep.txt", "../../secret.txt");
	put_link(&tree, "out", "../..");
	put_link(&tree, "up.txt", "../secret.txt");
	put_link(&tree, "loop", "loop");
	snprintf(away, sizeof(away), "%s/secret.txt", around.top);
	put_link(&tree, "away.txt", away);
	put_link(&tree, "moved", "https://new.example/");
	need(realpath(tree.top, beneath) != NULL, tree.top);
}

/* A fuzzer may have forked: the site is whose who made it. */
static void remove_site(void)
{
	if (owner != getpid())
		return;
	remove_tree(&tree);
	remove_tree(&around);
}

/* ---- one conversation ----------------------------------------------------------- */

struct run {
	struct talk talk;
	struct http_site site;
	struct http_common common;
	enum http_want want;
	bool late; /* time has passed: an answer may be cut, and a request refused for it */
};

/* The connection that gets the memory next finds nothing in it of the one that had it before. */
static bool work_is_clean(const struct http_work *work)
{
	static const struct request none;

	return memcmp(&work->req, &none, sizeof(none)) == 0 && work->body.kind == NO_BODY &&
	       work->status == 0 && work->input.start == 0 && work->input.scan == 0 &&
	       work->input.end == 0 && work->output.sent == 0 && work->output.bytes.len == 0 &&
	       !work->output.bytes.overrun && !work->output.own;
}

static void begin_run(struct run *run, unsigned options)
{
	static const struct http_rule headers[] = {
		{ .pattern = TEXT("*"), .text = TEXT("X-Site: no") },
		{ .text = TEXT("X-Site: yes") },
	};
	static const struct http_rule fallback = { .text = TEXT("page.html") };

	run->site = site_of(&tree);
	run->site.walk = options & WALK;
	run->site.listing = !(options & NO_LISTING);
	if (options & HEADERS) {
		run->site.rules[HTTP_FIELDS] = (struct http_rule_list){ headers, LENGTH(headers) };
		run->site.rules[HTTP_FALLBACKS] = (struct http_rule_list){ &fallback, 1 };
		run->site.clean_urls = true;
	}
	if ((options & (HEADERS | NO_LISTING)) == (HEADERS | NO_LISTING)) {
		run->site.hosts = true; /* of which there is one */
		run->site.root = around.fd;
	}
	if (options & SMALL) {
		run->site.limits.line = 100;
		run->site.limits.header = 300;
		run->site.limits.fields = 5;
		run->site.limits.body = 100;
	}
	if (options & FEW_REQUESTS)
		run->site.limits.requests = 3;
	run->common = turn_at(SECONDS(1000));
	run->common.closing = options & CLOSING;
	run->common.cache = options & CACHE ? http_cache_new(64 << 10, 1, "a seed of 16 bytes")
					    : NULL;
	run->want = HTTP_READ;
	run->late = false;
	talk_open(&run->talk, &run->site, &run->common);
	if (options & NO_SOCKET)
		run->talk.conn.own.in_socket = run->talk.conn.own.out_socket =
			run->talk.conn.own.prepared = false;
}

static void step(struct run *run)
{
	const struct http_conn *conn = &run->talk.conn;
	int unread = 0;

	if (run->want == HTTP_DONE)
		return;
	run->want = talk_step(&run->talk);
	if (run->want == HTTP_READ) {
		need(ioctl(conn->own.in, FIONREAD, &unread) == 0, "FIONREAD");
		must(unread == 0, "it waits for bytes when all it has said is heard");
	}
	must(run->want == HTTP_DONE || conn->deadline > run->common.clock, "a deadline is ahead");
	must(http_busy(conn) || work_is_clean(conn->work), "memory that isn't held is clean");
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
		run->common.clock += SECONDS(3);
	if (what == DEAF)
		run->talk.deaf = !run->talk.deaf;
	run->late |= what == WAIT;
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

static void judge_ranges(const struct reply *reply, const struct content *content)
{
	static struct wire_range ranges[WIRE_RANGES];
	struct wire_response response = reply->fields;
	size_t count;
	const char *fault = wire_ranges(&response, ranges, &count);

	must(!fault, fault);
	must(count > 1 || reply_field(reply, "Content-Range").at, "there are several parts");
	for (size_t i = 0; i < count; i++)
		must(ranges[i].length == (long long)content->size &&
			     memcmp(ranges[i].bytes.at, content->at + ranges[i].first,
				    ranges[i].bytes.size) == 0,
		     "the part of the file that it says");
}

/* What has a tag is one of the files, or what was asked for of it. */
static void judge_body(const struct reply *reply, bool head)
{
	text etag = reply_field(reply, "ETag");
	const struct content *content = contents;

	must(!memmem(reply->body.at, reply->body.len, HIDDEN, strlen(HIDDEN)),
	     "what is hidden is not shown");
	must(!memmem(reply->body.at, reply->body.len, OUTSIDE, strlen(OUTSIDE)),
	     "what is outside is not shown");
	must(reply->status != 206 || etag.at, "a part is one of a file");
	if (!etag.at)
		return;
	while (content < contents + LENGTH(contents) && !same(etag, text_of(content->etag)))
		content++;
	must(content < contents + LENGTH(contents), "a tag is a file's");
	if (head) {
		must(reply->status == 304 || reply->length == content->size,
		     "HEAD is told how long it would be");
		return;
	}
	if (reply->status == 200)
		must(same(reply->body, (text){ content->at, content->size }), "all of the file");
	else if (reply->status == 206)
		judge_ranges(reply, content);
	else
		must(reply->status == 304, "a tag is told with the file, or of it");
}

static void judge_reply(const struct run *run, const struct reply *reply,
			const struct logged *logged)
{
	must(reply->status == logged->status, "what is logged is what is sent");
	must(reply->body.len == logged->bytes, "as many bytes are logged as are sent");
	must(reply_has(reply, "Server", "wwwd"), "every answer says who speaks");
	must(reply_has(reply, "Date", WALL_DATE), "and when");
	must(!run->site.rules[HTTP_FIELDS].count || reply_has(reply, "X-Site", "yes"),
	     "and what it was told to");
	judge_body(reply, logged->head);
}

/* An answer that was begun and will not be ended: the connection is over. */
static bool cut_short(const struct run *run, size_t k)
{
	return run->late && k + 1 == run->talk.logs;
}

static void judge(const struct run *run)
{
	const struct talk *talk = &run->talk;
	text stream = talk_heard(talk);
	struct reply reply;
	bool over = false;

	for (size_t k = 0; k < talk->logs; k++) {
		const char *fault = read_reply(&stream, talk->logged[k].head, &reply);

		must(!over, "no request is answered after Connection: close");
		if (!fault && reply.status == 100) /* one at most: the next must be another */
			fault = read_reply(&stream, talk->logged[k].head, &reply);
		if (fault && cut_short(run, k))
			return;
		must(!fault, fault);
		judge_reply(run, &reply, &talk->logged[k]);
		over = reply.close;
	}
	must(!over || stream.len == 0, "nothing comes after the end");
	/* the rest of a body that the client was asked for and hasn't sent */
	if (stream.len && !read_reply(&stream, false, &reply))
		must(reply.status == 100, "nothing comes that wasn't asked for");
	must(stream.len == 0 || run->late, "nothing comes that wasn't asked for");
}

static void end_run(struct run *run)
{
	struct http_cache *cache = run->common.cache;

	talk_close(&run->talk);
	must(run->common.memory == 0, "listings give back their memory");
	while (cache && cache->oldest)
		cache_remove(cache, cache->oldest);
	must(!cache || (cache->used == 0 && cache->files == 0), "so does the cache");
	free(cache);
}

/* The next answer that isn't an interim one, as it came. */
static text next_answer(text *stream, bool to_head)
{
	struct reply reply;
	text answer;

	do {
		answer = *stream;
		must(!read_reply(stream, to_head, &reply), "an answer that was read is read again");
		answer.len -= stream->len;
	} while (reply.status == 100);
	return answer;
}

/*
 * Answer for answer, octet for octet. Refusals alone may depend on how much has come: of two faults
 * it is the first that is seen.
 */
static bool same_answers(const struct talk *a, const struct talk *b)
{
	text left = talk_heard(a), right = talk_heard(b);

	if (a->logs != b->logs)
		return false;
	for (size_t k = 0; k < a->logs; k++) {
		text mine = next_answer(&left, a->logged[k].head);
		text other = next_answer(&right, b->logged[k].head);

		if (!same(mine, other) &&
		    (k + 1 < a->logs || a->logged[k].status < 400 || b->logged[k].status < 400))
			return false;
	}
	return true;
}

static void run_conversation(const unsigned char *data, size_t size)
{
	static struct run pieces, whole;
	int before = count_descriptors();
	long memory = allocated;

	if (size == 0)
		return;
	begin_run(&pieces, data[0]);
	begin_run(&whole, data[0] ^ (WALK | CACHE));
	follow_script(&pieces, data + 1, size - 1, false);
	follow_script(&whole, data + 1, size - 1, true);
	judge(&pieces);
	judge(&whole);
	must(pieces.late || same_answers(&pieces.talk, &whole.talk),
	     "neither pieces nor a walk nor a cache changes an answer");
	end_run(&pieces);
	end_run(&whole);
	must(count_descriptors() == before, "no descriptor is left open");
	must(allocated == memory, "no memory is left behind");
}
