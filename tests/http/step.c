/* The conversation as a whole: http_step() over socket pairs, pipes and files. */
#include "check.h"

#include <signal.h>

/* ---- answers, one by one ------------------------------------------------------- */

START_TEST(a_site_may_keep_no_log)
{
	struct http_site silent = place;
	struct talk talk;
	text stream;

	silent.log = NULL;
	talk_open(&talk, &silent, &now);
	talk_say(&talk, "GET /small.txt" ON "\r\nGET /nothing" ON "\r\n");
	stream = talk_heard(&talk);
	expect_reply(&stream, false, 200);
	expect_reply(&stream, false, 404);
	ck_assert_uint_eq(talk.logs, 0);
	talk_close(&talk);
}
END_TEST

/* One that is too large to go out with its head. */
START_TEST(a_404_html_may_be_large)
{
	struct talk talk;
	text stream;

	put_bytes(&home, "404.html", big, 100 << 10);
	talk_open(&talk, &place, &now);
	talk_say(&talk, "GET /nothing" ON "\r\n");
	stream = talk_heard(&talk);
	ck_assert_uint_eq(expect_reply(&stream, false, 404).body.len, 100 << 10);
	talk_close(&talk);
}
END_TEST

/* The parts of a multipart/byteranges body, one after another (RFC 9110 14.6). */
static void expect_parts(const struct reply *reply, const struct range *parts, size_t count,
			 const char *type)
{
	static const char multipart[] = "multipart/byteranges; boundary=";
	text said = reply_field(reply, "Content-Type"), body = reply->body;
	char want[512];

	expect(said.at && strncmp(said.at, multipart, sizeof(multipart) - 1) == 0, "%.*s",
	       SHOWN(said));
	skip(&said, sizeof(multipart) - 1);
	for (size_t i = 0; i < count; i++) {
		size_t len = (size_t)(parts[i].end - parts[i].begin);
		int n = snprintf(want, sizeof(want),
				 "\r\n--%.*s\r\nContent-Type: %s\r\n"
				 "Content-Range: bytes %ju-%ju/%d\r\n\r\n",
				 SHOWN(said), type, (uintmax_t)parts[i].begin,
				 (uintmax_t)parts[i].end - 1, MiB);

		expect(body.len > (size_t)n + len && memcmp(body.at, want, (size_t)n) == 0,
		       "part %zu: %.*s", i, n, body.at);
		expect(memcmp(body.at + n, big + parts[i].begin, len) == 0, "the bytes of %zu", i);
		skip(&body, (size_t)n + len);
	}
	snprintf(want, sizeof(want), "\r\n--%.*s--\r\n", SHOWN(said));
	expect(is_text(body, want), "%.*s", SHOWN(body));
}

START_TEST(several_ranges_are_parts)
{
	static const struct range parts[] = { { 5, 6 },
					      { 100000, 400000 },
					      { 1000, 1000 + 20000 } };
	struct talk talk;
	text stream;

	talk_open(&talk, &place, &now);
	talk_say(&talk, "GET /big.bin" ON "Range: bytes=5-5, 100000-399999, 1000-20999\r\n\r\n"
			"GET /small.txt" ON "\r\n");
	stream = talk_heard(&talk);

	struct reply reply = expect_reply(&stream, false, 206);

	expect_parts(&reply, parts, LENGTH(parts), "application/octet-stream");
	ck_assert_ptr_null(reply_field(&reply, "Content-Range").at);
	ck_assert(is_text(expect_reply(&stream, false, 200).body, "hello, world"));
	talk_close(&talk);
}
END_TEST

/* A client that has fetched a file just when it was written never keeps what it was before. */
START_TEST(a_file_just_written_has_a_weak_tag)
{
	static const struct {
		const char *format;
		int at_once,
			later; /* the statuses, in the same moment and when the file has changed */
	} rows[] = {
		{ "GET /small.txt" ON "If-Range: %.*s\r\nRange: bytes=0-1\r\n\r\n", 200, 200 },
		{ "GET /small.txt" ON "If-Match: %.*s\r\n\r\n", 412, 412 },
		{ "GET /small.txt" ON "If-None-Match: %.*s\r\n\r\n", 304, 200 },
		{ "POST /small.txt" ON "If-None-Match: %.*s\r\n\r\n", 412, 200 },
	};
	struct reply reply;
	struct talk talk;
	char request[256];
	text tag, stream;

	put_times(&home, "small.txt", WALL_TIME, 5);
	for (size_t i = 0; i < 2 * LENGTH(rows); i++) {
		bool changed = i >= LENGTH(rows);
		int status = changed ? rows[i % LENGTH(rows)].later : rows[i].at_once;

		now = turn_at(SECONDS(1000));
		talk_open(&talk, &place, &now);
		talk_say(&talk, "GET /small.txt" ON "\r\n");
		stream = talk_heard(&talk);
		reply = expect_reply(&stream, false, 200);
		tag = reply_field(&reply, "ETag");
		ck_assert(tag.len > 4 && memcmp(tag.at, "W/\"", 3) == 0);
		snprintf(request, sizeof(request), rows[i % LENGTH(rows)].format, SHOWN(tag));
		if (changed) { /* so that it has the same size and time */
			put_file(&home, "small.txt", "HELLO, WORLD");
			put_times(&home, "small.txt", WALL_TIME, 5);
			now.wall.tv_sec++;
		}
		talk_say(&talk, request);
		talk_say(&talk, "GET /small.txt" ON "\r\n");
		stream = talk_heard(&talk);
		expect_reply(&stream, false, 200);
		expect_reply(&stream, false, status);
		reply = expect_reply(&stream, false, 200);
		tag = reply_field(&reply, "ETag");
		ck_assert_int_eq(tag.at[0], changed ? '"' : 'W');
		talk_close(&talk);
	}
}
END_TEST

/* The longest address of a folder, with the longest query and all the headers there may be. */
START_TEST(the_longest_redirect_fits)
{
	enum { REQUESTS = 3 };
	static char path[NAME_MAX + 1], request[HTTP_LINE_MOST + 64],
		headers[HTTP_HEADERS_MOST + 1];
	struct http_site dressed = place;
	struct talk talk;
	size_t n = NAME_MAX, head;
	text stream;

	memset(path, 0xff, n);
	put_folder(&home, path);
	memset(headers, 'x', HTTP_HEADERS_MOST);
	memcpy(headers, "X: ", 3);
	memcpy(headers + HTTP_HEADERS_MOST - 2, "\r\n", 2);
	dressed.headers = headers;
	dressed.limits.line = HTTP_LINE_MOST;
	memset(request, 0xff, sizeof(request));
	memcpy(request, "GET /", 5);
	memcpy(request + 5, path, n);
	request[5 + n] = '?';
	head = HTTP_LINE_MOST - 9;
	memcpy(request + head, ON "\r\n", sizeof(ON "\r\n"));
	talk_open(&talk, &dressed, &now);
	for (int i = 0; i < REQUESTS; i++)
		send_only(&talk, request);
	talk_step(&talk);
	stream = talk_heard(&talk);
	for (int i = 0; i < REQUESTS; i++) {
		struct reply reply = expect_reply(&stream, false, 301);

		ck_assert_uint_eq(reply_field(&reply, "Location").len,
				  3 * n + 1 + 1 + 3 * (head - 5 - n - 1));
	}
	ck_assert_uint_eq(stream.len, 0);
	talk_close(&talk);
}
END_TEST

/* ---- in any pieces ------------------------------------------------------------- */

static const struct exchange {
	const char *request;
	int status;
	bool to_head;
} pipelined[] = {
	{ "\r\nGET /small.txt" ON "\r\n", 200, false },
	{ "HEAD /big.bin" ON "\r\n", 200, true },
	{ "POST /small.txt" ON "Content-Length: 11\r\n\r\nGET / HTTP/", 200, false },
	{ "POST /" ON "Transfer-Encoding: chunked\r\n\r\n"
	  "4;a=\"b\"\r\n\r\n\r\n\r\n00b\r\nGET / HTTP/\r\n0\r\nX: y\r\n\r\n",
	  200, false },
	{ "GET /folder" ON "\r\n", 301, false },
	{ "GET /folder/?sort=size" ON "\r\n", 200, false },
	{ "GET /small.txt" ON "If-None-Match: *\r\n\r\n", 304, false },
	{ "GET /page.html" ON "accept-encoding: br, gzip\r\n\r\n", 200, false },
	{ "GET /small.txt" ON "Range: bytes=1-2\r\n\r\n", 206, false },
	{ "GET /small.txt" ON "Range: bytes=1-2, 4-4\r\n\r\n", 206, false },
	{ "GET /small.txt" ON "\r\n", 200, false }, /* of which nothing is left here */
	{ "OPTIONS *" ON "\r\n", 204, false },
	{ "PATCH /" ON "Content-Length: 2\r\n\r\n{}", 405, false },
	{ "\r\n\r\nDELETE /" ON "\r\n", 405, false },
	{ "GET /nothing" ON "\r\n", 404, false },
	{ "GET /big.bin" ON "Range: bytes=900000-999999\r\n\r\n", 206, false },
	{ "GET /small.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200, false },
	{ "GET /empty.txt" ON "Connection: close\r\n\r\n", 200, false },
};

static text all_pipelined(void)
{
	static char bytes[4096];
	struct out o = { bytes, 0, sizeof(bytes), false };

	for (size_t i = 0; i < LENGTH(pipelined); i++)
		puts_out(&o, pipelined[i].request);
	need(!o.overrun, "room for requests");
	return (text){ bytes, o.len };
}

/* All the answers, in order, and nothing else. */
static void expect_pipelined(text stream)
{
	for (size_t i = 0; i < LENGTH(pipelined); i++) {
		struct reply reply =
			expect_reply(&stream, pipelined[i].to_head, pipelined[i].status);

		expect(reply.close == (i == LENGTH(pipelined) - 1), "%s", pipelined[i].request);
	}
	expect(stream.len == 0, "and more: %.*s", SHOWN(stream));
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

START_TEST(pieces_change_no_answer)
{
	const text requests = all_pipelined();
	int before = count_descriptors();
	struct talk whole, talk;

	talk_in_pieces(&whole, requests, requests.len, 1);
	expect_pipelined(talk_heard(&whole));
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
	ck_assert_uint_eq(now.memory, 0);
	ck_assert_int_eq(count_descriptors(), before);
}
END_TEST

/* More answers than there is memory for, to a client that first asks for all of them. */
START_TEST(many_are_answered_in_order)
{
	static const char *const requests[] = { "GET /small.txt" ON "\r\n",
						"GET /page.html" ON "\r\n",
						"HEAD /page.html" ON "\r\n" };
	struct http_site patient = place;
	struct talk talk;
	text stream;
	int sent;

	patient.limits.requests = 10000;
	talk_open(&talk, &patient, &now);
	talk.deaf = true;
	sent = send_many(&talk, requests, LENGTH(requests));
	ck_assert_int_gt(sent, 900);
	ck_assert_int_eq(talk_step(&talk), HTTP_WRITE);
	ck_assert_uint_le(talk.conn.held, 2 * HTTP_OUT_SIZE);
	ck_assert(http_busy(&talk.conn));
	talk.deaf = false;
	ck_assert_int_eq(talk_step(&talk), HTTP_READ);
	stream = talk_heard(&talk);
	for (int i = 0; i < sent; i++)
		ck_assert_uint_eq(expect_reply(&stream, i % 3 == 2, 200).body.len, i % 3 == 2 ? 0
										   : i % 3    ? 39
											      : 12);
	ck_assert_uint_eq(stream.len, 0);
	talk_close(&talk);
}
END_TEST

/* ---- clocks -------------------------------------------------------------------- */

/* To one before the deadline, where nothing happens, and then to the deadline. */
static enum http_want pass_deadline(struct talk *talk)
{
	int64_t deadline = talk->conn.deadline;
	size_t heard = talk->len;

	now.clock = deadline - 1;
	talk_step(talk);
	ck_assert_uint_eq(talk->len, heard);
	ck_assert_int_eq(talk->conn.deadline, deadline);
	now.clock = deadline;
	return talk_step(talk);
}

/* ---- memory ---- */

/* Two ends of a TCP connection; the server's kernel has room for much, the client's for little. */
static void connect_over_tcp(int fd[2])
{
	const int little = 16 << 10, much = 128 << 10;
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	fd[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	need(listener >= 0 && fd[1] >= 0, "socket");
	need(setsockopt(listener, SOL_SOCKET, SO_SNDBUF, &much, sizeof(much)) == 0 &&
		     setsockopt(fd[1], SOL_SOCKET, SO_RCVBUF, &little, sizeof(little)) == 0,
	     "setsockopt");
	need(bind(listener, (struct sockaddr *)&address, size) == 0 && listen(listener, 1) == 0 &&
		     getsockname(listener, (struct sockaddr *)&address, &size) == 0 &&
		     connect(fd[1], (struct sockaddr *)&address, size) == 0,
	     "connect");
	fd[0] = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	need(fd[0] >= 0, "accept");
	close(listener);
}

/* A conversation over TCP with a client that doesn't read. */
static void talk_open_tcp(struct talk *talk)
{
	struct http_end end = { -1, true, true };
	int fd[2];

	connect_over_tcp(fd);
	end.fd = fd[0];
	*talk = (struct talk){ .common = &now, .far = fd[1], .deaf = true };
	http_open(&talk->conn, &place, end, end, &now);
	talk->conn.work = new_work(&place.limits);
}

/* What could not be sent is kept apart, is counted while it is, and arrives as it was. */
START_TEST(unsent_bytes_are_kept_and_counted)
{
	static const char *const requests[] = { "GET /medium.txt" ON "\r\n" };
	struct http_site patient = place;
	struct talk talk;
	text stream;
	size_t held;
	int sent;

	put_bytes(&home, "medium.txt", big, 10 << 10);
	patient.limits.requests = 10000;
	talk_open(&talk, &patient, &now);
	talk.deaf = true;
	sent = send_many(&talk, requests, LENGTH(requests));
	ck_assert_int_eq(talk_step(&talk), HTTP_WRITE);
	ck_assert_uint_eq(now.memory, talk.conn.held);
	held = talk.conn.held;
	talk.deaf = false;
	ck_assert_int_eq(talk_step(&talk), HTTP_READ);
	ck_assert_uint_lt(talk.conn.held + (64 << 10), held);
	stream = talk_heard(&talk);
	for (int i = 0; i < sent; i++)
		ck_assert(memcmp(expect_reply(&stream, false, 200).body.at, big, 10 << 10) == 0);
	ck_assert_uint_eq(stream.len, 0);
	talk_close(&talk);
	ck_assert_uint_eq(now.memory, 0);
}
END_TEST

/* Over TCP the kernel says what the client has not taken; a client that reads has a pace. */
START_TEST(a_client_has_a_pace)
{
	const struct timespec on_the_way = { 0, 20000000 };
	struct talk talk;
	static char taken[40 << 10];

	talk_open_tcp(&talk);
	ck_assert_int_eq(talk_say(&talk, "GET /big.bin" ON "\r\n"), HTTP_WRITE);
	nanosleep(&on_the_way, NULL);
	ck_assert(http_pace(&talk.conn, &now, 0) == INT64_MAX); /* from here on */
	now.clock += SECONDS(1);
	ck_assert(http_pace(&talk.conn, &now, SECONDS(2)) == INT64_MAX);
	ck_assert_int_eq(http_pace(&talk.conn, &now, SECONDS(1)), 0);
	ck_assert_uint_ge(talk.conn.unread, 16 << 10);
	need(recv(talk.far, taken, sizeof(taken), MSG_WAITALL) == sizeof(taken), "recv");
	nanosleep(&on_the_way, NULL);
	ck_assert(http_pace(&talk.conn, &now, 0) == INT64_MAX); /* no time has passed */
	now.clock += SECONDS(2);
	ck_assert_int_gt(http_pace(&talk.conn, &now, SECONDS(1)), 5000);
	now.clock += SECONDS(60);
	ck_assert(http_pace(&talk.conn, &now, SECONDS(1)) == INT64_MAX); /* too long ago */
	ck_assert_uint_eq(now.memory, talk.conn.held);
	talk_close(&talk);
	ck_assert_uint_eq(now.memory, 0);
}
END_TEST

/* A client that has acknowledged all that was sent, and the end, holds nothing of the kernel's. */
START_TEST(an_acknowledged_end_is_no_byte)
{
	const struct timespec on_the_way = { 0, 20000000 };
	struct talk talk;
	char taken[4096];

	talk_open_tcp(&talk);
	ck_assert_int_eq(talk_say(&talk, "bad\r\n"), HTTP_READ);
	ck_assert_int_eq(talk.conn.clock, HTTP_LINGERING);
	need(recv(talk.far, taken, sizeof(taken), 0) > 100, "recv");
	nanosleep(&on_the_way, NULL);
	(void)http_pace(&talk.conn, &now, 0);
	ck_assert_uint_eq(talk.conn.unread, 0);
	talk_close(&talk);
}
END_TEST

/* A body that is read in several steps behind unsent responses: none of them is lost. */
START_TEST(a_body_behind_unsent_responses)
{
	const int little = 4096;
	static char chunks[12000];
	struct talk talk;
	text stream;

	for (size_t n = 0; n < sizeof(chunks); n += 6)
		memcpy(chunks + n, "1\r\nx\r\n", 6);
	put_bytes(&home, "medium.txt", big, 10 << 10);
	talk_open(&talk, &place, &now);
	need(setsockopt(talk.conn.in, SOL_SOCKET, SO_SNDBUF, &little, sizeof(little)) == 0,
	     "SO_SNDBUF");
	talk.deaf = true;
	for (int i = 0; i < 3; i++)
		send_only(&talk, "GET /medium.txt" ON "\r\n");
	send_only(&talk, "POST /small.txt" ON "Transfer-Encoding: chunked\r\n\r\n");
	need(talk_send(&talk, chunks, sizeof(chunks)), "send");
	send_only(&talk, "0\r\n\r\n");
	for (int i = 0; i < 5; i++) /* called again, as at each event */
		ck_assert_int_eq(talk_step(&talk), HTTP_WRITE);
	talk.deaf = false;
	ck_assert_int_eq(talk_step(&talk), HTTP_READ);
	stream = talk_heard(&talk);
	for (int i = 0; i < 4; i++)
		expect_reply(&stream, false, 200);
	ck_assert_uint_eq(stream.len, 0);
	talk_close(&talk);
}
END_TEST

/* Of a connection that waits for its next request only what the kernel still has is counted. */
START_TEST(what_was_read_is_not_counted)
{
	const struct timespec on_the_way = { 0, 20000000 };
	struct talk talk;
	struct http_work *work;
	char taken[4096];

	talk_open_tcp(&talk);
	work = talk.conn.work;
	ck_assert_int_eq(talk_say(&talk, "GET /small.txt" ON "\r\n"), HTTP_READ);
	ck_assert(!http_busy(&talk.conn));
	talk.conn.work = NULL;
	need(http_settle(&talk.conn, &now), "settle");
	ck_assert_uint_gt(now.memory, 200);
	ck_assert_uint_lt(now.memory, 1000);
	need(recv(talk.far, taken, sizeof(taken), 0) > 200, "recv");
	nanosleep(&on_the_way, NULL);
	(void)http_pace(&talk.conn, &now, 0);
	ck_assert_uint_eq(now.memory, 0);
	talk.conn.work = work;
	talk_close(&talk);
}
END_TEST

/* ---- a bounded step ------------------------------------------------------------ */

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
START_TEST(pipelined_requests_give_way)
{
	static const char *const requests[] = { "GET /small.txt" ON "\r\n" };
	struct http_site patient = place;
	size_t each, largest, most = EFFORT_MOST / EFFORT_LOOKUP + 1;
	struct talk talk;
	int sent;

	patient.limits.requests = 10000;
	talk_open(&talk, &patient, &now);
	talk_say(&talk, requests[0]);
	each = talk.len;
	sent = send_many(&talk, requests, LENGTH(requests));
	largest = largest_step(&talk);
	ck_assert_uint_le(largest, most * each);
	ck_assert_uint_eq(talk.len, (size_t)(sent + 1) * each);
	talk_close(&talk);
}
END_TEST

/* Nor are all the parts of all the ranges sent in one step. */
START_TEST(parts_give_way)
{
	struct talk talk;
	char request[4096] = "GET /big.bin" ON "Range: bytes=0-9";
	size_t largest;

	for (int i = 1; i < PARTS_MOST; i++)
		sprintf(request + strlen(request), ",%d-%d", 100 * i, 100 * i + 9);
	strcat(request, "\r\n\r\n");
	talk_open(&talk, &place, &now);
	for (int i = 0; i < 10; i++)
		send_only(&talk, request);
	largest = largest_step(&talk);
	ck_assert_uint_gt(talk.len, 10 * PARTS_MOST * 100);
	ck_assert_uint_lt(largest, (EFFORT_MOST / EFFORT_PART + 2) * 200);
	talk_close(&talk);
}
END_TEST

/* A large file is sent in slices, and other connections have their turn between two of them. */
START_TEST(a_file_gives_way)
{
	struct talk talk;
	uint64_t before;

	put_hole(&home, "slices.bin", 16 * MiB);
	takes_all = true;
	talk_open(&talk, &place, &now);
	send_only(&talk, "GET /slices.bin" ON "\r\n");
	do {
		before = talk.conn.moved;
		ck_assert_int_eq(http_step(&talk.conn, &now), HTTP_AGAIN);
		ck_assert_uint_le(talk.conn.moved - before, SLICE_MOST + 4096);
	} while (talk.conn.total < 15 * MiB);
	takes_all = false;
	talk_close(&talk);
}
END_TEST

/* A body gives way by its bytes, and by its chunks, of which a byte may be one. */
START_TEST(bodies_give_way)
{
	static const char head[] = "POST /small.txt" ON "Transfer-Encoding: chunked\r\n\r\n";
	static char chunks[90 << 10];
	struct http_site patient = place;
	struct talk talk;
	int steps = 0;

	for (size_t n = 0; n < sizeof(chunks); n += 6)
		memcpy(chunks + n, "1\r\nx\r\n", 6);
	patient.limits.body = UINT64_C(1) << 40;
	talk_open(&talk, &patient, &now);
	send_only(&talk, head);
	need(talk_send(&talk, chunks, sizeof(chunks)), "send");
	while (http_step(&talk.conn, &now) == HTTP_AGAIN)
		steps++;
	/* a chunk has two lines */
	ck_assert_uint_ge((size_t)steps, sizeof(chunks) / 6 * 2 / (EFFORT_MOST * EFFORT_LINES));
	talk_say(&talk, "0\r\n\r\n");
	ck_assert_uint_eq(talk.logs, 1);
	talk_close(&talk);
}
END_TEST

/* What arrived while the process was stopped is read before a deadline is judged. */
START_TEST(what_has_arrived_is_in_time)
{
	struct talk talk;
	text stream;

	talk_open(&talk, &place, &now);
	ck_assert_int_eq(talk_step(&talk), HTTP_READ);
	now.clock = talk.conn.deadline + SECONDS(100);
	talk_say(&talk, "GET /sm");
	now.clock = talk.conn.deadline + SECONDS(100);
	ck_assert_int_eq(talk_say(&talk, "all.txt" ON "\r\n"), HTTP_READ);
	talk_say(&talk, "POST /small.txt" ON "Content-Length: 3\r\n\r\n");
	now.clock = talk.conn.deadline + SECONDS(100);
	ck_assert_int_eq(talk_say(&talk, "abc"), HTTP_READ);
	stream = talk_heard(&talk);
	expect_reply(&stream, false, 200);
	expect_reply(&stream, false, 200);
	ck_assert_uint_eq(stream.len, 0);
	talk_close(&talk);
}
END_TEST

static void expect_clock(const struct talk *talk, enum http_clock clock, int64_t time)
{
	ck_assert_int_eq(talk->conn.clock, clock);
	ck_assert_int_eq(talk->conn.deadline - now.clock, time);
}

/* Empty lines are no request, and do not keep a connection. */
START_TEST(empty_lines_end_in_silence)
{
	struct talk talk;

	talk_open(&talk, &place, &now);
	now.clock += SECONDS(5);
	talk_say(&talk, "\r\n");
	now.clock += SECONDS(5);
	talk_say(&talk, "\r\n");
	expect_clock(&talk, HTTP_IDLE, SECONDS(5));
	ck_assert_int_eq(pass_deadline(&talk), HTTP_DONE);
	ck_assert_uint_eq(talk.len, 0);
	ck_assert_uint_eq(talk.logs, 0);
	talk_close(&talk);
}
END_TEST

START_TEST(a_body_has_to_move)
{
	static char part[40 << 10];
	struct talk talk;
	text stream;

	memset(part, 'x', sizeof(part));
	talk_open(&talk, &place, &now);
	talk_say(&talk, "POST /small.txt" ON "Content-Length: 100000\r\n\r\n");
	expect_clock(&talk, HTTP_MOVING, SECONDS(30));
	for (int i = 0; i < 2; i++) { /* quickly enough, for as long as it likes */
		need(talk_send(&talk, part, sizeof(part)), "send");
		ck_assert_int_eq(pass_deadline(&talk), HTTP_READ);
		expect_clock(&talk, HTTP_MOVING, SECONDS(30));
	}
	need(talk_send(&talk, part, 1000), "send");
	pass_deadline(&talk);
	stream = talk_heard(&talk);
	ck_assert(expect_reply(&stream, false, 408).close);
	talk_close(&talk);
}
END_TEST

/* The client reads a little, and the server goes on: how much it was. */
static size_t read_on(struct talk *talk)
{
	char some[4096];
	ssize_t n = recv(talk->far, some, sizeof(some), 0);

	need(n > 0, "recv");
	ck_assert_int_eq(talk_step(talk), HTTP_WRITE);
	return (size_t)n;
}

/* A client that reads `enough` in 30 s is not left, and one that reads `little` is. */
static void expect_pace(const char *request, uint64_t rate, size_t enough, size_t little)
{
	const int room = 16 << 10; /* so that the kernel takes hardly more than the client */
	struct http_site quick = place;
	struct talk talk;
	int64_t deadline;

	quick.limits.stall_rate = rate;
	quick.limits.requests = 10000;
	talk_open(&talk, &quick, &now);
	need(setsockopt(talk.conn.in, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)) == 0,
	     "SO_SNDBUF");
	talk.deaf = true;
	send_many(&talk, &request, 1);
	ck_assert_int_eq(talk_step(&talk), HTTP_WRITE);
	ck_assert(http_busy(&talk.conn));
	for (int i = 0; i < 3; i++) {
		now.clock += SECONDS(29);
		deadline = talk.conn.deadline;
		for (size_t n = 0; talk.conn.deadline == deadline; n += read_on(&talk))
			ck_assert_uint_lt(n, enough);
		expect_clock(&talk, HTTP_MOVING, SECONDS(30));
	}
	deadline = talk.conn.deadline;
	now.clock += SECONDS(29);
	for (size_t n = 0; n < little; n += read_on(&talk))
		ck_assert_int_eq(talk.conn.deadline, deadline);
	ck_assert_int_eq(pass_deadline(&talk), HTTP_DONE);
	ck_assert(!http_busy(&talk.conn));
	ck_assert_int_eq(talk.logged[0].status, 200);
	talk_close(&talk);
}

START_TEST(an_answer_has_to_move)
{
	int before = count_descriptors();

	put_hole(&home, "long.bin", 64 * MiB);
	expect_pace("GET /long.bin" ON "\r\n", 10 << 10, 400 << 10, 200 << 10);
	ck_assert_int_eq(count_descriptors(), before);
}
END_TEST

/* Many small ones too. */
START_TEST(answers_have_to_move)
{
	put_bytes(&home, "medium.txt", big, 10 << 10);
	expect_pace("GET /medium.txt" ON "\r\n", 2 << 10, 100 << 10, 30 << 10);
}
END_TEST

/*
 * Over TCP it is what the client has acknowledged that counts: one that reads steadily is not left
 * because the kernel has taken so much at first that it takes nothing more for a while.
 */
START_TEST(an_answer_has_to_move_to_the_client)
{
	const struct timespec on_the_way = { 0, 20000000 };
	struct talk talk;
	static char taken[40 << 10];

	talk_open_tcp(&talk);
	ck_assert_int_eq(talk_say(&talk, "GET /big.bin" ON "\r\n"), HTTP_WRITE);
	for (int i = 0; i < 3; i++) {
		expect_clock(&talk, HTTP_MOVING, SECONDS(30));
		need(recv(talk.far, taken, sizeof(taken), MSG_WAITALL) == sizeof(taken), "recv");
		nanosleep(&on_the_way, NULL);
		now.clock = talk.conn.deadline;
		ck_assert_int_eq(talk_step(&talk), HTTP_WRITE);
	}
	now.clock = talk.conn.deadline; /* what was on the way then has arrived since */
	if (talk_step(&talk) != HTTP_DONE)
		ck_assert_int_eq(pass_deadline(&talk), HTTP_DONE);
	ck_assert_uint_eq(talk.logs, 1);
	ck_assert_uint_lt(talk.logged[0].bytes, MiB);
	talk_close(&talk);
}
END_TEST

/* ---- leaving ------------------------------------------------------------------- */

START_TEST(lingering_ends)
{
	enum { PIECE = 32 << 10 };
	static char rest[PIECE];
	struct talk talk;
	text stream;

	for (int i = 0; i < 3; i++) {
		talk_open(&talk, &place, &now);
		ck_assert_int_eq(talk_say(&talk, "bad\r\n"), HTTP_READ);
		stream = talk_heard(&talk);
		expect_reply(&stream, false, 400);
		ck_assert(talk.over); /* the client sees the end of it meanwhile */
		ck_assert(!http_busy(&talk.conn));
		expect_clock(&talk, HTTP_LINGERING, LINGER_TIME);
		now.clock += 1000;
		need(talk_send(&talk, rest, 1000), "send");
		ck_assert_int_eq(talk_step(&talk), HTTP_READ);
		if (i == 0) { /* it leaves, */
			shutdown(talk.far, SHUT_WR);
			ck_assert_int_eq(talk_step(&talk), HTTP_DONE);
		} else if (i == 1) { /* it goes on and on, */
			need(talk_send(&talk, rest, PIECE - 1001), "send");
			for (int sent = PIECE; sent < LINGER_MOST; sent += PIECE) {
				ck_assert_int_eq(talk_step(&talk), HTTP_READ);
				need(talk_send(&talk, rest, PIECE), "send");
			}
			ck_assert_int_eq(talk_step(&talk), HTTP_READ);
			need(talk_send(&talk, rest, 1), "send");
			ck_assert_int_eq(talk_step(&talk), HTTP_DONE);
		} else { /* it says no more; and no byte of it moves the deadline */
			ck_assert_int_eq(talk.conn.deadline - now.clock, LINGER_TIME - 1000);
			ck_assert_int_eq(pass_deadline(&talk), HTTP_DONE);
		}
		talk_close(&talk);
	}
}
END_TEST

START_TEST(no_more_is_said_no_more_is_waited_for)
{
	struct talk talk;

	talk_open(&talk, &place, &now);
	ck_assert_int_eq(talk_say(&talk, "GET /small.txt" ON "Connection: close\r\n\r\n"),
			 HTTP_DONE);
	talk_close(&talk);
	/* but a client that says more than the last request is listened to, so that no reset overtakes */
	talk_open(&talk, &place, &now);
	ck_assert_int_eq(talk_say(&talk, "GET /small.txt" ON "Connection: close\r\n\r\nGET"),
			 HTTP_READ);
	ck_assert_int_eq(talk.conn.clock, HTTP_LINGERING);
	talk_close(&talk);
}
END_TEST

START_TEST(a_client_may_vanish)
{
	static const char *const said[] = { "",
					    "GET /small.txt" ON "\r\n",
					    "GET /big.bin" ON "\r\n",
					    "GET /folder/" ON "\r\n",
					    "POST /" ON "Content-Length: 5\r\n\r\nab",
					    "POST /" ON
					    "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n",
					    "bad\r\n" };
	int before = count_descriptors();

	for (size_t i = 0; i < LENGTH(said); i++) {
		struct talk talk;
		enum http_want want = HTTP_AGAIN;

		talk_open(&talk, &place, &now);
		send_only(&talk, said[i]);
		close(talk.far);
		for (int step = 0; step < 20 && want != HTTP_DONE; step++)
			want = http_step(&talk.conn, &now);
		expect(want == HTTP_DONE, "%s", said[i]);
		talk.far = -1;
		talk_close(&talk);
	}
	ck_assert_int_eq(count_descriptors(), before);
	ck_assert_uint_eq(now.memory, 0);
}
END_TEST

/* With an answer unread: to whoever asks, that is a reset, and there is nobody to be told of it. */
START_TEST(a_client_may_leave_what_it_asked_for)
{
	static const struct {
		const char *said;
		enum http_clock clock; /* that it waits by */
	} rows[] = {
		{ "GET /small.txt" ON "\r\n", HTTP_IDLE },
		{ "bad\r\n", HTTP_LINGERING },
	};
	int before = count_descriptors();

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct talk talk;

		talk_open(&talk, &place, &now);
		talk.deaf = true;
		ck_assert_int_eq(talk_say(&talk, rows[i].said), HTTP_READ);
		expect(talk.conn.clock == rows[i].clock, "%s: %d", rows[i].said, talk.conn.clock);
		close(talk.far);
		expect(http_step(&talk.conn, &now) == HTTP_DONE, "%s", rows[i].said);
		ck_assert_uint_eq(talk.logs, 1);
		talk.far = -1;
		talk_close(&talk);
	}
	ck_assert_int_eq(count_descriptors(), before);
}
END_TEST

START_TEST(a_process_that_stops_says_so)
{
	struct talk talk;
	text stream;

	talk_open(&talk, &place, &now);
	talk_say(&talk, "GET /small.txt" ON "\r\n");
	now.closing = true;
	talk_say(&talk, "GET /small.txt" ON "\r\n");
	stream = talk_heard(&talk);
	ck_assert(!expect_reply(&stream, false, 200).close);
	ck_assert(expect_reply(&stream, false, 200).close);
	talk_close(&talk);
}
END_TEST

/* What is left of a file that becomes shorter can't be sent: the client has to see that. */
START_TEST(a_file_may_shrink)
{
	struct talk talk;
	int fd;

	put_bytes(&home, "shrinking.bin", big, sizeof(big));
	talk_open(&talk, &place, &now);
	talk.deaf = true;
	ck_assert_int_eq(talk_say(&talk, "GET /shrinking.bin" ON "\r\n"), HTTP_WRITE);
	fd = openat(home.fd, "shrinking.bin", O_WRONLY | O_TRUNC | O_CLOEXEC);
	need(fd >= 0, "open");
	close(fd);
	talk.deaf = false;
	talk_hear(&talk);
	ck_assert_int_eq(talk_step(&talk), HTTP_DONE);
	ck_assert_uint_lt(talk.len, MiB);
	ck_assert_uint_eq(talk.logs, 1);
	ck_assert_uint_lt(talk.logged[0].bytes, talk.len);
	talk_close(&talk);
}
END_TEST

/* ---- memory -------------------------------------------------------------------- */

/* The connection that gets the memory next finds nothing in it of the one that had it before. */
static void expect_clean(struct http_work *work, const char *said)
{
	struct http_work *own;
	struct talk next;
	text stream;

	talk_open(&next, &place, &now);
	own = next.conn.work;
	next.conn.work = work;
	talk_say(&next, "GET /small.txt" ON "\r\nPOST /" ON
			"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n");
	stream = talk_heard(&next);
	expect(is_text(expect_reply(&stream, false, 200).body, "hello, world"), "after %s", said);
	expect_reply(&stream, false, 200);
	expect(stream.len == 0 && next.logs == 2, "after %s", said);
	next.conn.work = own;
	talk_close(&next);
}

START_TEST(memory_is_held_while_it_is_needed)
{
	static const struct {
		const char *said;
		bool passes;
	} rows[] = {
		{ "", false },
		{ "GET /small.txt" ON "\r\n", false },
		{ "G", true },
		{ "ET /small.txt HTTP/1.1\r\n", true },
		{ "Host: a\r\n\r\n", false },
		{ "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n", true },
		{ "x", true },
		{ "x", false },
		{ "GET /small.txt" ON "\r\nGET", true },
		{ " /small.txt" ON "\r\n", false },
		{ "GET /folder/" ON "\r\n", false },
		{ "GET /big.bin" ON "\r\n", false },
		{ "GET /small.txt" ON "Range: bytes=0-1,3-4\r\n\r\n", false },
		{ "nonsense\r\n", false },
		{ "more", false },
	};
	struct talk talk;

	talk_open(&talk, &place, &now);
	for (size_t i = 0; i < LENGTH(rows); i++) {
		talk_say(&talk, rows[i].said);
		expect(http_busy(&talk.conn) == rows[i].passes, "%zu: %s", i, rows[i].said);
		if (!rows[i].passes)
			expect_clean(talk.conn.work, rows[i].said);
	}
	talk_close(&talk);
}
END_TEST

/* One memory for all, lent to whoever speaks: nobody hears of another. */
START_TEST(memory_may_be_lent)
{
	enum { TALKS = 5 };
	struct http_work *lent = new_work(&place.limits);
	struct talk talks[TALKS];

	for (size_t k = 0; k < TALKS; k++) {
		talk_open(&talks[k], &place, &now);
		free(talks[k].conn.work);
	}
	for (size_t i = 0; i < LENGTH(pipelined); i++)
		for (size_t k = 0; k < TALKS; k++) {
			struct talk *talk = &talks[(k + i) % TALKS];

			talk->conn.work = lent;
			talk_say(talk, pipelined[i].request);
			expect(!http_busy(&talk->conn), "%s", pipelined[i].request);
			talk->conn.work = NULL;
		}
	for (size_t k = 0; k < TALKS; k++) {
		expect_pipelined(talk_heard(&talks[k]));
		talk_close(&talks[k]);
	}
	free(lent);
}
END_TEST

START_TEST(a_connection_can_be_dropped)
{
	static const struct {
		const char *said;
		int status; /* of what is told of it */
	} rows[] = {
		{ "", 0 },
		{ "GET /sm", 0 },
		{ "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx", 0 },
		{ "GET /big.bin" ON "\r\n", 200 },
		{ "GET /big.bin" ON "Range: bytes=0-9,100-999999\r\n\r\n", 206 },
		{ "GET /big.bin" ON "Connection: close\r\n\r\n", 200 },
		{ "bad\r\n", 400 },
	};
	int before = count_descriptors();

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct talk talk;

		talk_open(&talk, &place, &now);
		talk.deaf = true;
		talk_say(&talk, rows[i].said);
		http_drop(&talk.conn, &now);
		expect(!http_busy(&talk.conn), "%s", rows[i].said);
		expect_clean(talk.conn.work, rows[i].said);
		expect(talk.logs == (rows[i].status != 0) &&
			       talk.logged[0].status == rows[i].status,
		       "%s: %zu, %d", rows[i].said, talk.logs, talk.logged[0].status);
		talk_close(&talk);
		expect(count_descriptors() == before, "%s", rows[i].said);
	}
	ck_assert_uint_eq(now.memory, 0);
}
END_TEST

/* ---- listings ------------------------------------------------------------------ */

enum { ENTRIES = 3000 };

/* One file with many names, which is quicker made than many files. */
static void make_many(void)
{
	char name[64];

	make_home();
	put_folder(&home, "many");
	put_file(&home, "one", "");
	for (int i = 0; i < ENTRIES; i++) {
		snprintf(name, sizeof(name), "many/%05d <&\"%%>", i * 7919 % ENTRIES);
		need(linkat(home.fd, "one", home.fd, name, 0) == 0, name);
	}
}

START_TEST(a_large_folder_is_listed)
{
	struct talk talk;
	text stream, left;
	enum http_want want;
	int again = 0, before = count_descriptors();

	talk_open(&talk, &place, &now);
	send_only(&talk, "GET /many/" ON "\r\n");
	do { /* by hand, to see it give way to others */
		want = http_step(&talk.conn, &now);
		talk_hear(&talk);
		again += want == HTTP_AGAIN;
	} while (want == HTTP_AGAIN || want == HTTP_WRITE);
	ck_assert_int_eq(want, HTTP_READ);
	ck_assert_int_ge(again, ENTRIES / LIST_STEP);
	talk_say(&talk, "HEAD /many/" ON "\r\n"
			"GET /many/?sort=name&order=desc" ON "\r\n"
			"GET /many/?format=text" ON "\r\n");
	stream = talk_heard(&talk);

	struct reply page = expect_reply(&stream, false, 200);
	struct reply head = expect_reply(&stream, true, 200);
	struct reply turned = expect_reply(&stream, false, 200);
	struct reply plain = expect_reply(&stream, false, 200);

	ck_assert_uint_eq(stream.len, 0);
	ck_assert(same(reply_field(&page, "Content-Length"), reply_field(&head, "Content-Length")));
	expect_balance(page.body);
	ck_assert(reply_has(&page, "Content-Security-Policy",
			    "default-src 'none'; style-src 'unsafe-inline'"));
	left = page.body;
	for (int i = 0; i < ENTRIES; i++) { /* each of them, in order */
		char row[128];
		int n = snprintf(row, sizeof(row),
				 "<tr><td><a href=\"%05d%%20%%3C%%26%%22%%25%%3E\"><bdi>"
				 "%05d &lt;&amp;&quot;%%&gt;</bdi>",
				 i, i);
		const char *at = memmem(left.at, left.len, row, (size_t)n);

		expect(at, "%d", i);
		skip(&left, (size_t)(at - left.at));
	}
	ck_assert_ptr_nonnull(memmem(left.at, left.len, "0 folders, 3000 files, 0 B", 26));

	const char *last = memmem(turned.body.at, turned.body.len, ">02999 ", 7);
	const char *first = memmem(turned.body.at, turned.body.len, ">00000 ", 7);

	ck_assert(last && first && last < first);
	ck_assert(reply_has(&plain, "Content-Type", "text/plain; charset=utf-8"));

	size_t lines = 0;

	for (size_t i = 0; i < plain.body.len; i++)
		lines += plain.body.at[i] == '\n';
	ck_assert_uint_eq(lines, ENTRIES);
	talk_close(&talk);
	ck_assert_uint_eq(now.memory, 0);
	ck_assert_int_eq(count_descriptors(), before);
}
END_TEST

/* The end has its place behind the last row, wherever that comes to stand in what is sent. */
START_TEST(a_listing_of_any_length_has_an_end)
{
	char name[NAME_MAX + 16];
	struct talk talk;
	text stream;

	put_folder(&home, "long");
	for (int n = 0; n < 440; n++) {
		snprintf(name, sizeof(name), "long/%0*d", NAME_MAX, n);
		need(linkat(home.fd, "one", home.fd, name, 0) == 0, name);
		if (n < 420) /* from where on it is about as much as is sent at once */
			continue;
		talk_open(&talk, &place, &now);
		talk_say(&talk, "GET /long/" ON "\r\nGET /small.txt" ON "\r\n");
		stream = talk_heard(&talk);
		expect_balance(expect_reply(&stream, false, 200).body);
		expect_reply(&stream, false, 200);
		expect(stream.len == 0, "%d", n);
		talk_close(&talk);
	}
}
END_TEST

/* The client doesn't stall while the server is at work. */
START_TEST(a_listing_may_take_its_time)
{
	struct talk talk;
	text stream;

	talk_open(&talk, &place, &now);
	send_only(&talk, "GET /many/" ON "\r\n");
	while (http_step(&talk.conn, &now) == HTTP_AGAIN) {
		now.clock += SECONDS(20);
		ck_assert_int_gt(talk.conn.deadline, now.clock - SECONDS(20));
	}
	ck_assert_int_eq(talk_step(&talk), HTTP_READ);
	stream = talk_heard(&talk);
	expect_reply(&stream, false, 200);
	talk_close(&talk);
}
END_TEST

/* A connection whose head has gone out, and now comes a page of `count` names of that length. */
static void stream_names(struct talk *talk, uint32_t count, size_t length, bool plain)
{
	struct http_work *work;
	struct listing *list = calloc(1, sizeof(*list));
	const struct stat st = { .st_mode = S_IFREG };
	char *name = malloc(length + 1);

	need(list && name, "malloc");
	memset(name, '"', length);
	name[length] = '\0';
	list->style.plain = plain;
	talk_open(talk, &place, &now);
	work = talk->conn.work;
	for (uint32_t i = 0; i < count; i++) { /* no two are equal */
		snprintf(name, 9, "%08x", i);
		name[8] = '"';
		ck_assert(add_item(list, &now, name, &st));
	}
	free(name);
	ck_assert(begin_sort(list, &now));
	while (!sort_some(list))
		;
	clear_body(&work->body);
	work->status = 200;
	work->body.kind = LISTING_BODY;
	work->body.listing = list;
	talk->conn.state = STREAM;
}

/* Names have 255 bytes mostly, and more in some file systems: FUSE's have a thousand, or four. */
START_TEST(names_may_be_long)
{
	static const size_t lengths[] = { 9, 255, 256, 700, 1023, 1500, 2000, 3000, 4095 };
	enum { NAMES = 300 };

	for (size_t i = 0; i < 2 * LENGTH(lengths); i++) {
		struct out rest = { NULL, 0, 0, false };
		struct listing *list;
		struct talk talk;
		text stream;

		stream_names(&talk, NAMES, lengths[i / 2], i % 2);
		list = talk.conn.work->body.listing;
		put_listing_tail(&rest, list);
		rest.len += list->rows_len;
		rest.at = malloc(rest.len);
		rest.size = rest.len;
		need(rest.at, "malloc");
		rest.len = 0;
		for (uint32_t k = 0; k < list->count; k++)
			put_row(&rest, list, &list->items[k]);
		put_listing_tail(&rest, list);
		talk_step(&talk);
		stream = talk_heard(&talk);
		expect(same(stream, (text){ rest.at, rest.size }), "%zu bytes, not %zu", stream.len,
		       rest.size);
		ck_assert_uint_eq(talk.logged[0].bytes, rest.size);
		free(rest.at);
		talk_close(&talk);
	}
}
END_TEST

/* What fits nowhere ends the connection, and who gets the memory next knows nothing of it. */
START_TEST(what_does_not_fit_ends_the_connection)
{
	struct talk talk;

	for (uint32_t count = 1; count < 4; count++) {
		stream_names(&talk, count, HTTP_OUT_SIZE, false);
		ck_assert_int_eq(talk_step(&talk), HTTP_DONE);
		ck_assert_uint_eq(talk.len, 0);
		ck_assert_uint_eq(now.memory, talk.conn.held);
		expect_clean(talk.conn.work, "a name that fits nowhere");
		talk_close(&talk);
	}
}
END_TEST

START_TEST(a_listing_can_be_dropped)
{
	int before = count_descriptors();

	for (int steps = 1; steps < 40; steps += 3) {
		struct talk talk;

		talk_open(&talk, &place, &now);
		send_only(&talk, "GET /many/" ON "\r\n");
		for (int i = 0; i < steps; i++)
			http_step(&talk.conn, &now);
		talk_close(&talk);
		ck_assert_uint_eq(now.memory, 0);
		ck_assert_int_eq(count_descriptors(), before);
	}
}
END_TEST

START_TEST(listings_are_bounded_and_can_be_off)
{
	struct http_site unlisted = place;
	struct talk talk;
	text stream;

	now.memory = LISTS_MOST;
	talk_open(&talk, &place, &now);
	talk_say(&talk, "GET /folder/" ON "\r\nGET /small.txt" ON "\r\n");
	stream = talk_heard(&talk);

	struct reply reply = expect_reply(&stream, false, 503);

	ck_assert(reply_has(&reply, "Retry-After", "1"));
	expect_reply(&stream, false, 200);
	ck_assert_uint_eq(now.memory - talk.conn.held, LISTS_MOST);
	talk_close(&talk);

	/* enough for its entries, and none to sort them with */
	now.memory = LISTS_MOST - 1024 * (sizeof(struct item) + 1);
	talk_open(&talk, &place, &now);
	talk_say(&talk, "GET /folder/" ON "\r\n");
	stream = talk_heard(&talk);
	expect_reply(&stream, false, 503);
	talk_close(&talk);
	ck_assert_uint_eq(now.memory - talk.conn.held,
			  LISTS_MOST - 1024 * (sizeof(struct item) + 1));
	now.memory = 0;

	unlisted.listing = false;
	talk_open(&talk, &unlisted, &now);
	talk_say(&talk, "GET /folder/" ON "\r\nGET /" ON "\r\n");
	stream = talk_heard(&talk);
	expect_reply(&stream, false, 404);
	expect_reply(&stream, false, 200);
	talk_close(&talk);
}
END_TEST

/* ---- tame and wild ends -------------------------------------------------------- */

/*
 * A small segment would wait for the acknowledgement of another (RFC 896): one that the rest of an
 * answer follows is not sent before it, and the socket is tamed, once, before the first such answer.
 */
START_TEST(parts_of_an_answer_go_together)
{
	static const struct {
		const char *request;
		bool tamed;
		const char *more; /* does more follow each send(2)? changes only */
	} rows[] = {
		{ "GET /small.txt" ON "\r\n", false, "0" },
		{ "GET /folder/" ON "\r\n", false, "0" },
		{ "GET /nothing" ON "\r\n", false, "0" },
		{ "HEAD /big.bin" ON "\r\n", false, "0" },
		{ "GET /big.bin" ON "Range: bytes=0-99\r\n\r\n", false, "0" },
		{ "GET /small.txt" ON "\r\nGET /small.txt" ON "\r\n", false, "0" },
		{ "GET /small.txt" ON "Connection: close\r\n\r\n", false, "1" },
		{ "GET /big.bin" ON "\r\n", true, "1" },
		{ "GET /big.bin" ON "Connection: close\r\n\r\n", true, "1" },
		{ "GET /small.txt" ON "\r\nGET /big.bin" ON "\r\n", true, "1" },
		{ "GET /big.bin" ON "Range: bytes=0-0,5-6\r\n\r\n", true, "10" },
		{ "GET /many/" ON "\r\n", true, "10" },
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct talk talk;
		enum http_want want;
		char more[LENGTH(sends) + 1] = "";
		int tamed = 0;

		talk_open(&talk, &place, &now);
		talk.conn.tame = false;
		send_only(&talk, rows[i].request);
		send_count = 0;
		do {
			want = http_step(&talk.conn, &now);
			talk_hear(&talk);
			tamed += want == HTTP_TAME;
		} while (want != HTTP_READ && want != HTTP_DONE);
		for (size_t k = 0; k < send_count; k++)
			if (k == 0 || sends[k].more != sends[k - 1].more)
				strcat(more, sends[k].more ? "1" : "0");
		expect(tamed == rows[i].tamed, "%s: tamed %d times", rows[i].request, tamed);
		expect(strcmp(more, rows[i].more) == 0, "%s: %s", rows[i].request, more);
		talk_close(&talk);
	}
}
END_TEST

/* What comes of a conversation on two descriptors, read from `from` while it lasts. */
static size_t talk_over(struct http_end in, struct http_end out, int from, char *heard, size_t size)
{
	struct talk talk = { .common = &now };
	size_t len = 0;
	int tame = 0;
	enum http_want want;

	http_open(&talk.conn, &place, in, out, &now);
	talk.conn.work = new_work(&place.limits);
	do {
		ssize_t n;

		want = http_step(&talk.conn, &now);
		tame += want == HTTP_TAME;
		ck_assert_int_ne(want, HTTP_READ); /* all of it is there */
		while (from >= 0 && (n = read(from, heard + len, size - len)) > 0)
			len += (size_t)n;
	} while (want != HTTP_DONE);
	ck_assert_int_eq(tame, 1);
	ck_assert_uint_eq(talk.logs, LENGTH(pipelined));
	free(talk.conn.work);
	return len;
}

static int file_with(text bytes, const char *name)
{
	int fd = openat(home.fd, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	need(fd >= 0 && pwrite(fd, bytes.at, bytes.len, 0) == (ssize_t)bytes.len, name);
	return fd;
}

START_TEST(pipes_and_files_change_no_answer)
{
	static char heard[2 * MiB];
	const text requests = all_pipelined();
	struct talk usual;
	int in[2], out[2], from, to;
	size_t n;

	talk_in_pieces(&usual, requests, requests.len, 1);

	need(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0, "pipe");
	need(fcntl(out[0], F_SETFL, O_NONBLOCK) == 0, "fcntl"); /* this end alone */
	need(write(in[1], requests.at, requests.len) == (ssize_t)requests.len, "write");
	close(in[1]);
	n = talk_over((struct http_end){ in[0], false, false },
		      (struct http_end){ out[1], false, false }, out[0], heard, sizeof(heard));
	ck_assert(same((text){ heard, n }, talk_heard(&usual)));

	from = file_with(requests, "requests");
	to = file_with((text){ "", 0 }, "answers");
	talk_over((struct http_end){ from, false, false }, (struct http_end){ to, false, false },
		  -1, NULL, 0);
	n = (size_t)pread(to, heard, sizeof(heard), 0);
	ck_assert(same((text){ heard, n }, talk_heard(&usual)));

	/* a file on a pipe that was taken for a socket, as where fd 0 is one and fd 1 isn't */
	need(lseek(from, 0, SEEK_SET) == 0, "lseek");
	n = talk_over((struct http_end){ from, false, false },
		      (struct http_end){ out[1], true, false }, out[0], heard, sizeof(heard));
	ck_assert(same((text){ heard, n }, talk_heard(&usual)));
	talk_close(&usual);
	close(in[0]), close(out[0]), close(out[1]), close(from), close(to);
}
END_TEST

START_TEST(a_pipe_is_never_waited_for)
{
	struct talk talk = { .common = &now };
	int in[2], out[2];
	enum http_want want;
	char bytes[PIPE_SLICE];

	need(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0, "pipe");
	http_open(&talk.conn, &place, (struct http_end){ in[0], false, false },
		  (struct http_end){ out[1], false, false }, &now);
	talk.conn.work = new_work(&place.limits);
	/* it would hang here, and here */
	ck_assert_int_eq(http_step(&talk.conn, &now), HTTP_READ);
	need(write(in[1], "GET /big.bin" ON "\r\n", 35) == 35, "write");
	do
		want = http_step(&talk.conn, &now);
	while (want == HTTP_TAME || want == HTTP_AGAIN);
	ck_assert_int_eq(want, HTTP_WRITE);
	need(read(out[0], bytes, sizeof(bytes)) == sizeof(bytes), "read");
	ck_assert_int_eq(http_step(&talk.conn, &now), HTTP_WRITE);
	/* and when nobody reads any more, that is an error like any other */
	signal(SIGPIPE, SIG_IGN);
	close(out[0]);
	ck_assert_int_eq(http_step(&talk.conn, &now), HTTP_DONE);
	signal(SIGPIPE, SIG_DFL);
	ck_assert_uint_eq(talk.logs, 1);
	free(talk.conn.work);
	close(in[0]), close(in[1]), close(out[1]);
}
END_TEST

/* A pipe is written what was read, and of a file that has become shorter that is less. */
START_TEST(a_file_may_shrink_on_its_way_to_a_pipe)
{
	struct talk talk = { .common = &now };
	static char heard[2 * MiB];
	size_t len = 0;
	int in[2], out[2];
	ssize_t n;

	need(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC | O_NONBLOCK) == 0, "pipe");
	put_bytes(&home, "shrinking.bin", big, sizeof(big));
	http_open(&talk.conn, &place, (struct http_end){ in[0], false, true },
		  (struct http_end){ out[1], false, true }, &now);
	talk.conn.work = new_work(&place.limits);
	need(write(in[1], "GET /shrinking.bin" ON "\r\n", 41) == 41, "write");
	ck_assert_int_eq(http_step(&talk.conn, &now), HTTP_WRITE);
	put_file(&home, "shrinking.bin", "");
	while (http_step(&talk.conn, &now) != HTTP_DONE)
		while ((n = read(out[0], heard + len, sizeof(heard) - len)) > 0)
			len += (size_t)n;
	ck_assert_uint_eq(talk.logs, 1);
	ck_assert_uint_gt(talk.logged[0].bytes, 0);
	ck_assert_uint_lt(talk.logged[0].bytes, MiB);
	free(talk.conn.work);
	close(in[0]), close(in[1]), close(out[0]), close(out[1]);
}
END_TEST

/* A pipe has no half that could be shut: what was refused is told, and then it is over. */
START_TEST(there_is_no_lingering_on_a_pipe)
{
	struct talk talk;
	char heard[4096];
	int out[2];
	text stream;

	talk_open(&talk, &place, &now);
	need(pipe2(out, O_CLOEXEC | O_NONBLOCK) == 0, "pipe");
	talk.conn.out = out[1];
	talk.conn.out_socket = false;
	ck_assert_int_eq(talk_say(&talk, "bad\r\n"), HTTP_DONE);
	stream = (text){ heard, (size_t)read(out[0], heard, sizeof(heard)) };
	ck_assert(expect_reply(&stream, false, 400).close);
	ck_assert_uint_eq(stream.len, 0);
	talk_close(&talk);
	close(out[0]), close(out[1]);
}
END_TEST

Suite *step_suite(void)
{
	Suite *suite = suite_create("step");
	TCase *answers = tcase_create("answers"), *pieces = tcase_create("pieces");
	TCase *clocks = tcase_create("clocks"), *leaving = tcase_create("leaving");
	TCase *memory = tcase_create("memory"), *listings = tcase_create("listings");
	TCase *ends = tcase_create("ends");
	TCase *const all[] = { answers, pieces, clocks, leaving, memory, listings, ends };

	for (size_t i = 0; i < LENGTH(all); i++) {
		if (all[i] == listings)
			tcase_add_unchecked_fixture(all[i], make_many, remove_home);
		else
			tcase_add_checked_fixture(all[i], make_home, remove_home);
		tcase_set_timeout(all[i], 120);
		suite_add_tcase(suite, all[i]);
	}

	tcase_add_test(answers, a_site_may_keep_no_log);
	tcase_add_test(answers, a_404_html_may_be_large);
	tcase_add_test(answers, several_ranges_are_parts);
	tcase_add_test(answers, a_file_just_written_has_a_weak_tag);
	tcase_add_test(answers, the_longest_redirect_fits);

	tcase_add_test(pieces, pieces_change_no_answer);
	tcase_add_test(pieces, many_are_answered_in_order);

	tcase_add_test(clocks, unsent_bytes_are_kept_and_counted);
	tcase_add_test(clocks, a_client_has_a_pace);
	tcase_add_test(clocks, what_was_read_is_not_counted);
	tcase_add_test(clocks, an_acknowledged_end_is_no_byte);
	tcase_add_test(clocks, a_body_behind_unsent_responses);
	tcase_add_test(clocks, pipelined_requests_give_way);
	tcase_add_test(clocks, parts_give_way);
	tcase_add_test(clocks, a_file_gives_way);
	tcase_add_test(clocks, bodies_give_way);
	tcase_add_test(clocks, what_has_arrived_is_in_time);
	tcase_add_test(clocks, empty_lines_end_in_silence);
	tcase_add_test(clocks, a_body_has_to_move);
	tcase_add_test(clocks, an_answer_has_to_move);
	tcase_add_test(clocks, an_answer_has_to_move_to_the_client);
	tcase_add_test(clocks, answers_have_to_move);

	tcase_add_test(leaving, lingering_ends);
	tcase_add_test(leaving, no_more_is_said_no_more_is_waited_for);
	tcase_add_test(leaving, a_client_may_vanish);
	tcase_add_test(leaving, a_client_may_leave_what_it_asked_for);
	tcase_add_test(leaving, a_process_that_stops_says_so);
	tcase_add_test(leaving, a_file_may_shrink);

	tcase_add_test(memory, memory_is_held_while_it_is_needed);
	tcase_add_test(memory, memory_may_be_lent);
	tcase_add_test(memory, a_connection_can_be_dropped);

	tcase_add_test(listings, parts_of_an_answer_go_together);
	tcase_add_test(listings, a_large_folder_is_listed);
	tcase_add_test(listings, a_listing_of_any_length_has_an_end);
	tcase_add_test(listings, a_listing_may_take_its_time);
	tcase_add_test(listings, names_may_be_long);
	tcase_add_test(listings, what_does_not_fit_ends_the_connection);
	tcase_add_test(listings, a_listing_can_be_dropped);
	tcase_add_test(listings, listings_are_bounded_and_can_be_off);

	tcase_add_test(ends, pipes_and_files_change_no_answer);
	tcase_add_test(ends, a_pipe_is_never_waited_for);
	tcase_add_test(ends, a_file_may_shrink_on_its_way_to_a_pipe);
	tcase_add_test(ends, there_is_no_lingering_on_a_pipe);
	return suite;
}
