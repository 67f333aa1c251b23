/* Timeouts and the pace of clients: idle, header, stall, over socket pairs and TCP. */
#include "check.h"

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

static void expect_clock(const struct talk *talk, enum http_clock clock, int64_t time)
{
	ck_assert_int_eq(talk->conn.clock, clock);
	ck_assert_int_eq(talk->conn.deadline - now.clock, time);
}

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
static struct talk *open_tcp_talk(void)
{
	struct talk *talk;
	int fd[2];

	connect_over_tcp(fd);
	talk = open_over(&place, fd);
	talk->deaf = true;
	return talk;
}

/* An emulator may copy no more than the first of it. */
static bool have_tcp_info(const struct talk *talk, const char *test)
{
	struct tcp_info info;
	socklen_t size = sizeof(info);
	int fd = talk->conn.own.out;

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && size > sizeof(int))
		return true;
	printf("skipped: %s, for there is no TCP_INFO\n", test);
	return false;
}

static struct group timeouts_tests = {
	.suite = "conversations", .name = "timeouts", .begin = make_home, .end = remove_home
};

/* Over TCP the kernel says what the client has not taken; a client that reads has a pace. */
TEST(timeouts_tests, http_pace_over_tcp)
{
	struct talk *talk = open_tcp_talk();
	static char taken[40 << 10];

	if (!have_tcp_info(talk, "http_pace_over_tcp"))
		return;
	ck_assert_int_eq(talk_say(talk, "GET /big.bin" ON "\r\n"), HTTP_WRITE);
	wait_a_tick();
	ck_assert(http_pace(&talk->conn, &now, 0) == INT64_MAX); /* from here on */
	now.clock += SECONDS(1);
	ck_assert(http_pace(&talk->conn, &now, SECONDS(2)) == INT64_MAX);
	ck_assert_int_eq(http_pace(&talk->conn, &now, SECONDS(1)), 0);
	ck_assert_uint_ge(talk->conn.own.unread, 16 << 10);
	need(recv(talk->far, taken, sizeof(taken), MSG_WAITALL) == sizeof(taken), "recv");
	wait_a_tick();
	ck_assert(http_pace(&talk->conn, &now, 0) == INT64_MAX); /* no time has passed */
	now.clock += SECONDS(2);
	ck_assert_int_gt(http_pace(&talk->conn, &now, SECONDS(1)), 5000);
	now.clock += SECONDS(60);
	ck_assert(http_pace(&talk->conn, &now, SECONDS(1)) == INT64_MAX); /* too long ago */
	ck_assert_uint_eq(now.memory, talk->conn.held);
}

/* Older kernels tell less of a connection: what they don't tell is not counted on. */
TEST(timeouts_tests, http_pace_of_older_kernels)
{
	static const struct {
		size_t size; /* of what is told */
		bool measured;
		uint32_t unread;
	} rows[] = {
		{ 1, false, 77 },
		{ offsetof(struct tcp_info, tcpi_bytes_acked) + 7, false, 77 },
		{ offsetof(struct tcp_info, tcpi_bytes_acked) + 8, true, UNREAD_MOST },
		{ offsetof(struct tcp_info, tcpi_bytes_retrans) + 7, true, UNREAD_MOST },
		{ offsetof(struct tcp_info, tcpi_bytes_retrans) + 8, true, 9 + 1000 - 10 - 600 },
		{ sizeof(struct tcp_info), true, 9 + 1000 - 10 - 600 },
	};
	struct talk *talk;

	told = (struct tcp_info){ .tcpi_bytes_acked = 600,
				  .tcpi_bytes_sent = 1000,
				  .tcpi_bytes_retrans = 10,
				  .tcpi_notsent_bytes = 9 };
	talk = open_talk(&place);
	talk->conn.own.state = STREAM;
	talk->conn.clock = HTTP_MOVING;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		told_size = (socklen_t)rows[i].size;
		talk->conn.own.unread = 77;
		(void)http_pace(&talk->conn, &now, 0);
		expect(talk->conn.own.unread == rows[i].unread, "%zu: %u", i,
		       talk->conn.own.unread);
		talk->conn.own.measured = false;
		begin_wait(&talk->conn, &now);
		expect(talk->conn.own.measured == rows[i].measured, "%zu", i);
	}
	told.tcpi_bytes_acked += 50;
	talk->conn.own.moved = 7;
	ck_assert_uint_eq(moved_since(&talk->conn), 50);
	told_size = 1; /* and says no more */
	ck_assert_uint_eq(moved_since(&talk->conn), 7);
	told_size = 0;
	talk->conn.own.state = READ_HEAD;
}

/* A client that has acknowledged all that was sent, and the end, holds nothing of the kernel's. */
TEST(timeouts_tests, http_pace_does_not_count_the_fin)
{
	struct talk *talk = open_tcp_talk();
	char taken[4096];

	if (!have_tcp_info(talk, "http_pace_does_not_count_the_fin"))
		return;
	ck_assert_int_eq(talk_say(talk, "bad\r\n"), HTTP_READ);
	ck_assert_int_eq(talk->conn.clock, HTTP_LINGERING);
	need(recv(talk->far, taken, sizeof(taken), 0) > 100, "recv");
	wait_a_tick();
	(void)http_pace(&talk->conn, &now, 0);
	ck_assert_uint_eq(talk->conn.own.unread, 0);
}

/* Of a connection that waits for its next request only what the kernel still has is counted. */
TEST(timeouts_tests, memory_of_an_idle_connection)
{
	struct talk *talk = open_tcp_talk();
	struct http_work *work;
	char taken[4096];

	work = talk->conn.work;
	ck_assert_int_eq(talk_say(talk, "GET /small.txt" ON "\r\n"), HTTP_READ);
	ck_assert(!http_busy(&talk->conn));
	talk->conn.work = NULL;
	need(http_settle(&talk->conn, &now), "settle");
	ck_assert_uint_gt(now.memory, 200);
	ck_assert_uint_lt(now.memory, 1000);
	need(recv(talk->far, taken, sizeof(taken), 0) > 200, "recv");
	wait_a_tick();
	(void)http_pace(&talk->conn, &now, 0);
	ck_assert_uint_eq(now.memory, 0);
	talk->conn.work = work;
}

/* What arrived while the process was stopped is read before a deadline is judged. */
TEST(timeouts_tests, a_deadline_counts_after_what_has_arrived)
{
	struct talk *talk = open_talk(&place);

	ck_assert_int_eq(talk_step(talk), HTTP_READ);
	now.clock = talk->conn.deadline + SECONDS(100);
	talk_say(talk, "GET /sm");
	now.clock = talk->conn.deadline + SECONDS(100);
	ck_assert_int_eq(talk_say(talk, "all.txt" ON "\r\n"), HTTP_READ);
	talk_say(talk, "POST /small.txt" ON "Content-Length: 3\r\n\r\n");
	now.clock = talk->conn.deadline + SECONDS(100);
	ck_assert_int_eq(talk_say(talk, "abc"), HTTP_READ);
	next_reply(talk, 200);
	next_reply(talk, 200);
	no_more(talk);
}

/* Empty lines are no request, and do not keep a connection. */
TEST(timeouts_tests, idle_timeout_after_empty_lines)
{
	struct talk *talk = open_talk(&place);

	now.clock += SECONDS(5);
	talk_say(talk, "\r\n");
	now.clock += SECONDS(5);
	talk_say(talk, "\r\n");
	expect_clock(talk, HTTP_IDLE, SECONDS(5));
	ck_assert_int_eq(pass_deadline(talk), HTTP_DONE);
	ck_assert_uint_eq(talk->len, 0);
	ck_assert_uint_eq(talk->logs, 0);
}

TEST(timeouts_tests, stall_timeout_of_a_body)
{
	static char part[40 << 10];
	struct talk *talk = open_talk(&place);

	memset(part, 'x', sizeof(part));
	talk_say(talk, "POST /small.txt" ON "Content-Length: 100000\r\n\r\n");
	expect_clock(talk, HTTP_MOVING, SECONDS(30));
	for (int i = 0; i < 2; i++) { /* quickly enough, for as long as it likes */
		need(talk_send(talk, part, sizeof(part)), "send");
		ck_assert_int_eq(pass_deadline(talk), HTTP_READ);
		expect_clock(talk, HTTP_MOVING, SECONDS(30));
	}
	need(talk_send(talk, part, 1000), "send");
	pass_deadline(talk);
	ck_assert(next_reply(talk, 408).close);
}

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
	struct talk *talk;
	int64_t deadline;

	place.limits.stall_rate = rate;
	place.limits.requests = 10000;
	talk = open_talk(&place);
	need(setsockopt(talk->conn.own.in, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)) == 0,
	     "SO_SNDBUF");
	talk->deaf = true;
	send_many(talk, &request, 1);
	ck_assert_int_eq(talk_step(talk), HTTP_WRITE);
	ck_assert(http_busy(&talk->conn));
	for (int i = 0; i < 3; i++) {
		now.clock += SECONDS(29);
		deadline = talk->conn.deadline;
		for (size_t n = 0; talk->conn.deadline == deadline; n += read_on(talk))
			ck_assert_uint_lt(n, enough);
		expect_clock(talk, HTTP_MOVING, SECONDS(30));
	}
	deadline = talk->conn.deadline;
	now.clock += SECONDS(29);
	for (size_t n = 0; n < little; n += read_on(talk))
		ck_assert_int_eq(talk->conn.deadline, deadline);
	ck_assert_int_eq(pass_deadline(talk), HTTP_DONE);
	ck_assert(!http_busy(&talk->conn));
	ck_assert_int_eq(talk->logged[0].status, 200);
}

TEST(timeouts_tests, stall_timeout_of_a_large_file)
{
	put_hole(&home, "long.bin", 64 * MiB);
	expect_pace("GET /long.bin" ON "\r\n", 10 << 10, 400 << 10, 200 << 10);
}

/* Many small ones too. */
TEST(timeouts_tests, stall_timeout_of_pipelined_answers)
{
	put_bytes(&home, "medium.txt", big, 10 << 10);
	expect_pace("GET /medium.txt" ON "\r\n", 2 << 10, 100 << 10, 30 << 10);
}

/*
 * Over TCP it is what the client has acknowledged that counts: one that reads steadily is not left
 * because the kernel has taken so much at first that it takes nothing more for a while.
 */
TEST(timeouts_tests, stall_timeout_over_tcp_counts_acknowledged_bytes)
{
	struct talk *talk = open_tcp_talk();
	static char taken[40 << 10];

	ck_assert_int_eq(talk_say(talk, "GET /big.bin" ON "\r\n"), HTTP_WRITE);
	for (int i = 0; i < 3; i++) {
		expect_clock(talk, HTTP_MOVING, SECONDS(30));
		need(recv(talk->far, taken, sizeof(taken), MSG_WAITALL) == sizeof(taken), "recv");
		wait_a_tick();
		now.clock = talk->conn.deadline;
		ck_assert_int_eq(talk_step(talk), HTTP_WRITE);
	}
	now.clock = talk->conn.deadline; /* what was on the way then has arrived since */
	if (talk_step(talk) != HTTP_DONE)
		ck_assert_int_eq(pass_deadline(talk), HTTP_DONE);
	ck_assert_uint_eq(talk->logs, 1);
	ck_assert_uint_lt(talk->logged[0].bytes, MiB);
}

/* From the accept on; bytes move nothing, and what comes too late is not answered. */
TEST(timeouts_tests, timeout_of_a_proxy_header)
{
	static const char *const begun[] = { "", "PROXY TCP4 192" };

	place.proxied = true;
	for (size_t i = 0; i < LENGTH(begun); i++) {
		struct talk *talk = open_talk(&place);

		expect_clock(talk, HTTP_HEADER, SECONDS(10));
		now.clock += SECONDS(9);
		ck_assert_int_eq(talk_say(talk, begun[i]), HTTP_READ);
		expect_clock(talk, HTTP_HEADER, SECONDS(1));
		ck_assert(http_busy(&talk->conn) == (i > 0));
		ck_assert_int_eq(pass_deadline(talk), HTTP_DONE);
		ck_assert_uint_eq(talk->len, 0);
		ck_assert_uint_eq(talk->logs, 1);
		ck_assert_int_eq(talk->logged[0].status, 408);
	}
}

/* The first request has the usual clocks, and a header that came too late is judged before them. */
TEST(timeouts_tests, timeouts_behind_a_proxy_header)
{
	struct talk *talk;

	place.proxied = true;
	talk = open_talk(&place);
	now.clock += SECONDS(9);
	talk_say(talk, "PROXY UNKNOWN\r\n");
	expect_clock(talk, HTTP_IDLE, SECONDS(15));
	ck_assert(!http_busy(&talk->conn));
	now.clock += SECONDS(14);
	talk_say(talk, "GET /small.txt");
	expect_clock(talk, HTTP_HEADER, SECONDS(10));
	talk_say(talk, ON "\r\n");
	next_reply(talk, 200);
	expect_clock(talk, HTTP_IDLE, SECONDS(15));
}
