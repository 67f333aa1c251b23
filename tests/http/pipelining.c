/* Requests in any pieces, and many at once: what waits, and what gives way to other connections. */
#include "check.h"

static const struct exchange {
	const char *request;
	int status;
} pipelined[] = {
	{ "\r\nGET /small.txt" ON "\r\n", 200 },
	{ "HEAD /big.bin" ON "\r\n", 200 },
	{ "POST /small.txt" ON "Content-Length: 11\r\n\r\nGET / HTTP/", 200 },
	{ "POST /" ON "Transfer-Encoding: chunked\r\n\r\n"
	  "4;a=\"b\"\r\n\r\n\r\n\r\n00b\r\nGET / HTTP/\r\n0\r\nX: y\r\n\r\n",
	  200 },
	{ "GET /folder" ON "\r\n", 301 },
	{ "GET /folder/?sort=size" ON "\r\n", 200 },
	{ "GET /small.txt" ON "If-None-Match: *\r\n\r\n", 304 },
	{ "GET /page.html" ON "accept-encoding: br, gzip\r\n\r\n", 200 },
	{ "GET /small.txt" ON "Range: bytes=1-2\r\n\r\n", 206 },
	{ "GET /small.txt" ON "Range: bytes=1-2, 4-4\r\n\r\n", 206 },
	{ "GET /small.txt" ON "\r\n", 200 }, /* of which nothing is left here */
	{ "OPTIONS *" ON "\r\n", 204 },
	{ "PATCH /" ON "Content-Length: 2\r\n\r\n{}", 405 },
	{ "\r\n\r\nDELETE /" ON "\r\n", 405 },
	{ "GET /nothing" ON "\r\n", 404 },
	{ "GET /big.bin" ON "Range: bytes=900000-999999\r\n\r\n", 206 },
	{ "GET /small.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200 },
	{ "GET /empty.txt" ON "Connection: close\r\n\r\n", 200 },
};

static text all_pipelined(void)
{
	static char bytes[4096];
	struct out o = { bytes, 0, sizeof(bytes), false };

	for (size_t i = 0; i < LENGTH(pipelined); i++)
		put_string(&o, pipelined[i].request);
	need(!o.overrun, "room for requests");
	return (text){ bytes, o.len };
}

/* All the answers, in order, and nothing else. */
static void expect_pipelined(struct talk *talk)
{
	for (size_t i = 0; i < LENGTH(pipelined); i++) {
		struct reply reply = next_reply(talk, pipelined[i].status);

		expect(reply.close == (i == LENGTH(pipelined) - 1), "%s", pipelined[i].request);
	}
	no_more(talk);
}

/* Sent in pieces: the first one, then `each`. */
static void talk_in_pieces(struct talk *talk, text requests, size_t first, size_t each)
{
	talk_open(talk, &place, &now);
	for (size_t at = 0, n = first; at < requests.len; at += n, n = each) {
		if (n > requests.len - at)
			n = requests.len - at;
		need(talk_send(talk, requests.at + at, n), "send");

		enum http_want want = talk_step(talk);

		expect(at + n == requests.len || want == HTTP_READ, "%d at %zu", (int)want, at + n);
	}
}

static struct group pipelining_tests = {
	.suite = "conversations", .name = "pipelining", .begin = make_home, .end = remove_home
};

TEST(pipelining_tests, pipelined_requests_split_anywhere)
{
	const text requests = all_pipelined();
	struct talk whole, talk;

	talk_in_pieces(&whole, requests, requests.len, 1);
	expect_pipelined(&whole);
	ck_assert(!http_busy(&whole.conn));
	for (size_t first = 0; first <= requests.len; first++) {
		/* in two; and now and then in pieces of that size */
		size_t each = first && first < 40 ? first : SIZE_MAX;

		talk_in_pieces(&talk, requests, first ? first : 1, each);
		expect(same(talk_heard(&talk), talk_heard(&whole)), "split at %zu", first);
		expect(!http_busy(&talk.conn) && talk.logs == LENGTH(pipelined), "split at %zu",
		       first);
		talk_close(&talk);
	}
	talk_close(&whole);
}

/* More answers than there is memory for, to a client that first asks for all of them. */
TEST(pipelining_tests, pipelined_requests_are_answered_in_order)
{
	static const char *const requests[] = { "GET /small.txt" ON "\r\n",
						"GET /page.html" ON "\r\n",
						"HEAD /page.html" ON "\r\n" };
	struct talk *talk;
	int sent;

	place.limits.requests = 10000;
	talk = open_talk(&place);
	talk->deaf = true;
	sent = send_many(talk, requests, LENGTH(requests));
	ck_assert_int_gt(sent, 900);
	ck_assert_int_eq(talk_step(talk), HTTP_WRITE);
	ck_assert_uint_le(talk->conn.held, 2 * HTTP_OUT_SIZE);
	ck_assert(http_busy(&talk->conn));
	talk->deaf = false;
	ck_assert_int_eq(talk_step(talk), HTTP_READ);
	for (int i = 0; i < sent; i++)
		ck_assert_uint_eq(next_reply(talk, 200).body.len, i % 3 == 2 ? 0 : i % 3 ? 39 : 12);
	no_more(talk);
}

/* A client that reads nothing has asked for more than its kernel takes, and then for this. */
static struct talk *ask_behind_unsent(const char *request)
{
	struct talk *talk = open_talk(&place);
	const int little = 4096;

	put_bytes(&home, "medium.txt", big, 10 << 10);
	need(setsockopt(talk->conn.own.in, SOL_SOCKET, SO_SNDBUF, &little, sizeof(little)) == 0,
	     "SO_SNDBUF");
	talk->deaf = true;
	for (int i = 0; i < 3; i++)
		send_only(talk, "GET /medium.txt" ON "\r\n");
	send_only(talk, request);
	return talk;
}

/* A body that is read in several steps behind unsent responses: none of them is lost. */
TEST(pipelining_tests, a_body_behind_unsent_responses)
{
	static char chunks[12000];
	struct talk *talk =
		ask_behind_unsent("POST /small.txt" ON "Transfer-Encoding: chunked\r\n\r\n");

	for (size_t n = 0; n < sizeof(chunks); n += 6)
		memcpy(chunks + n, "1\r\nx\r\n", 6);
	need(talk_send(talk, chunks, sizeof(chunks)), "send");
	send_only(talk, "0\r\n\r\n");
	for (int i = 0; i < 5; i++) /* called again, as at each event */
		ck_assert_int_eq(talk_step(talk), HTTP_WRITE);
	talk->deaf = false;
	ck_assert_int_eq(talk_step(talk), HTTP_READ);
	for (int i = 0; i < 4; i++)
		next_reply(talk, 200);
	no_more(talk);
}

/* If they are never taken, the time-out is theirs: nothing is said of the body, or logged. */
TEST(pipelining_tests, a_body_behind_responses_that_stall)
{
	struct talk *talk = ask_behind_unsent("POST /small.txt" ON "Content-Length: 9\r\n\r\nhalf");

	ck_assert_int_eq(talk_step(talk), HTTP_WRITE);
	ck_assert_int_eq(talk->conn.own.state, READ_BODY);
	ck_assert_ptr_nonnull(talk->conn.work->output.own);
	now.clock = talk->conn.deadline;
	ck_assert_int_eq(talk_step(talk), HTTP_DONE);
	ck_assert_uint_eq(talk->logs, 3);
}

/* Calls http_step() until it waits for the client: the most bytes that were sent in one step. */
static size_t largest_step(struct talk *talk)
{
	size_t largest = 0, heard;
	enum http_want want;

	do {
		want = http_step(&talk->conn, &now);
		heard = talk_hear(talk);
		if (heard > largest)
			largest = heard;
	} while (want == HTTP_AGAIN || want == HTTP_WRITE);
	ck_assert_int_eq(want, HTTP_READ);
	return largest;
}

/* However many requests a client sends in one piece, one step answers only some of them. */
TEST(pipelining_tests, pipelined_requests_give_way)
{
	static const char *const requests[] = { "GET /small.txt" ON "\r\n" };
	size_t each, largest, most = EFFORT_MOST / EFFORT_LOOKUP + 1;
	struct talk *talk;
	int sent;

	place.limits.requests = 10000;
	talk = open_talk(&place);
	talk_say(talk, requests[0]);
	each = talk->len;
	sent = send_many(talk, requests, LENGTH(requests));
	largest = largest_step(talk);
	ck_assert_uint_le(largest, most * each);
	ck_assert_uint_eq(talk->len, (size_t)(sent + 1) * each);
}

/* Nor are all the parts of all the ranges sent in one step. */
TEST(pipelining_tests, multipart_ranges_give_way)
{
	struct talk *talk = open_talk(&place);
	char request[4096] = "GET /big.bin" ON "Range: bytes=0-9";
	size_t largest;

	for (int i = 1; i < PARTS_MOST; i++)
		sprintf(request + strlen(request), ",%d-%d", 100 * i, 100 * i + 9);
	strcat(request, "\r\n\r\n");
	for (int i = 0; i < 10; i++)
		send_only(talk, request);
	largest = largest_step(talk);
	ck_assert_uint_gt(talk->len, 10 * PARTS_MOST * 100);
	ck_assert_uint_lt(largest, (EFFORT_MOST / EFFORT_PART + 2) * 200);
}

/* A large file is sent in slices, and other connections have their turn between two of them. */
TEST(pipelining_tests, a_large_file_gives_way)
{
	struct talk *talk = open_talk(&place);
	uint64_t before;

	put_hole(&home, "slices.bin", 16 * MiB);
	takes_all = true;
	send_only(talk, "GET /slices.bin" ON "\r\n");
	do {
		before = talk->conn.own.moved;
		ck_assert_int_eq(http_step(&talk->conn, &now), HTTP_AGAIN);
		ck_assert_uint_le(talk->conn.own.moved - before, SLICE_MOST + 4096);
	} while (talk->conn.own.total < 15 * MiB);
	takes_all = false;
}

/* A body gives way by its bytes, and by its chunks, of which a byte may be one. */
TEST(pipelining_tests, chunked_bodies_give_way)
{
	static const char head[] = "POST /small.txt" ON "Transfer-Encoding: chunked\r\n\r\n";
	static char chunks[90 << 10];
	struct talk *talk;
	int steps = 0;

	for (size_t n = 0; n < sizeof(chunks); n += 6)
		memcpy(chunks + n, "1\r\nx\r\n", 6);
	place.limits.body = UINT64_C(1) << 40;
	talk = open_talk(&place);
	send_only(talk, head);
	need(talk_send(talk, chunks, sizeof(chunks)), "send");
	while (http_step(&talk->conn, &now) == HTTP_AGAIN)
		steps++;
	/* a chunk has two lines */
	ck_assert_uint_ge((size_t)steps, sizeof(chunks) / 6 * 2 / (EFFORT_MOST * EFFORT_LINES));
	talk_say(talk, "0\r\n\r\n");
	ck_assert_uint_eq(talk->logs, 1);
}

/* What is sent behind the body of a request is what is there then. */
TEST(pipelining_tests, body_received_while_the_file_changes)
{
	static const char *const heads[] = { "GET /changing.txt", "POST /changing.txt" };

	for (size_t i = 0; i < LENGTH(heads); i++) {
		struct talk *talk = open_talk(&place);
		char request[256];

		put_file(&home, "changing.txt", "old");
		snprintf(request, sizeof(request), "%s" ON "Content-Length: 1\r\n\r\n", heads[i]);
		talk_say(talk, request);
		ck_assert_int_eq(count_descriptors(),
				 descriptors + 2); /* the file is not kept open */
		put_file(&home, "changing.txt", "changed");
		talk_say(talk, "x");
		ck_assert(is_text(next_reply(talk, 200).body, "changed"));
		close_talk(talk);
	}
}
