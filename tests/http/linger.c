/* The end of a connection: lingering close, resets, clients that vanish, files that shrink. */
#include "check.h"

static struct group linger_tests = {
	.suite = "conversations", .name = "linger", .begin = make_home, .end = remove_home
};

TEST(linger_tests, lingering_close_ends)
{
	enum { PIECE = 32 << 10 };
	static char rest[PIECE];
	struct talk *talk;

	for (int i = 0; i < 4; i++) {
		talk = open_talk(&place);
		ck_assert_int_eq(talk_say(talk, "bad\r\n"), HTTP_READ);
		next_reply(talk, 400);
		ck_assert(talk->over); /* the client sees the end of it meanwhile */
		ck_assert(!http_busy(&talk->conn));
		expect_clock(talk, HTTP_LINGERING, LINGER_TIME);
		now.clock += 1000;
		need(talk_send(talk, rest, 1000), "send");
		ck_assert_int_eq(talk_step(talk), HTTP_READ);
		if (i == 0) { /* it leaves, */
			shutdown(talk->far, SHUT_WR);
			ck_assert_int_eq(talk_step(talk), HTTP_DONE);
		} else if (i == 1) { /* it goes on and on, */
			need(talk_send(talk, rest, PIECE - 1001), "send");
			for (int sent = PIECE; sent < LINGER_MOST; sent += PIECE) {
				ck_assert_int_eq(talk_step(talk), HTTP_READ);
				need(talk_send(talk, rest, PIECE), "send");
			}
			ck_assert_int_eq(talk_step(talk), HTTP_READ);
			need(talk_send(talk, rest, 1), "send");
			ck_assert_int_eq(talk_step(talk), HTTP_DONE);
		} else if (i == 2) { /* more than is read at once has come when time is up, */
			for (int sent = 0; sent < 4 * PIECE; sent += PIECE)
				need(talk_send(talk, rest, PIECE), "send");
			now.clock = talk->conn.deadline;
			ck_assert_int_eq(http_step(&talk->conn, &now), HTTP_DONE);
		} else { /* it says no more; and no byte of it moves the deadline */
			ck_assert_int_eq(talk->conn.deadline - now.clock, LINGER_TIME - 1000);
			ck_assert_int_eq(pass_deadline(talk), HTTP_DONE);
		}
	}
}

TEST(linger_tests, lingering_close_only_where_more_may_come)
{
	struct talk *talk = open_talk(&place);

	ck_assert_int_eq(talk_say(talk, "GET /small.txt" ON "Connection: close\r\n\r\n"),
			 HTTP_DONE);
	/* but a client that says more than the last request is listened to, so that no reset overtakes */
	talk = open_talk(&place);
	ck_assert_int_eq(talk_say(talk, "GET /small.txt" ON "Connection: close\r\n\r\nGET"),
			 HTTP_READ);
	ck_assert_int_eq(talk->conn.clock, HTTP_LINGERING);
}

TEST(linger_tests, client_closes_before_the_answer)
{
	static const char *const said[] = { "",
					    "GET /small.txt" ON "\r\n",
					    "GET /big.bin" ON "\r\n",
					    "GET /folder/" ON "\r\n",
					    "POST /" ON "Content-Length: 5\r\n\r\nab",
					    "POST /" ON
					    "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n",
					    "bad\r\n" };

	for (size_t i = 0; i < LENGTH(said); i++) {
		struct talk *talk = open_talk(&place);
		enum http_want want = HTTP_AGAIN;

		send_only(talk, said[i]);
		close(talk->far);
		for (int step = 0; step < 20 && want != HTTP_DONE; step++)
			want = http_step(&talk->conn, &now);
		expect(want == HTTP_DONE, "%s", said[i]);
		talk->far = -1;
	}
}

/* A client that resets with a response unread: the connection ends, and no response follows. */
TEST(linger_tests, client_resets_with_the_answer_unread)
{
	static const struct {
		const char *said;
		enum http_clock clock; /* that it waits by */
	} rows[] = {
		{ "GET /small.txt" ON "\r\n", HTTP_IDLE },
		{ "bad\r\n", HTTP_LINGERING },
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct talk *talk = open_talk(&place);

		talk->deaf = true;
		ck_assert_int_eq(talk_say(talk, rows[i].said), HTTP_READ);
		expect(talk->conn.clock == rows[i].clock, "%s: %d", rows[i].said, talk->conn.clock);
		close(talk->far);
		expect(http_step(&talk->conn, &now) == HTTP_DONE, "%s", rows[i].said);
		ck_assert_uint_eq(talk->logs, 1);
		talk->far = -1;
	}
}

TEST(linger_tests, a_process_that_stops_says_connection_close)
{
	struct talk *talk = open_talk(&place);

	talk_say(talk, "GET /small.txt" ON "\r\n");
	now.closing = true;
	talk_say(talk, "GET /small.txt" ON "\r\n");
	ck_assert(!next_reply(talk, 200).close);
	ck_assert(next_reply(talk, 200).close);
}

/* What is left of a file that becomes shorter can't be sent: the client has to see that. */
TEST(linger_tests, a_file_shrinks_while_sent)
{
	struct talk *talk = open_talk(&place);
	int fd;

	put_bytes(&home, "shrinking.bin", big, sizeof(big));
	talk->deaf = true;
	ck_assert_int_eq(talk_say(talk, "GET /shrinking.bin" ON "\r\n"), HTTP_WRITE);
	fd = openat(home.fd, "shrinking.bin", O_WRONLY | O_TRUNC | O_CLOEXEC);
	need(fd >= 0, "open");
	close(fd);
	talk->deaf = false;
	talk_hear(talk);
	ck_assert_int_eq(talk_step(talk), HTTP_DONE);
	ck_assert_uint_lt(talk->len, MiB);
	ck_assert_uint_eq(talk->logs, 1);
	ck_assert_uint_lt(talk->logged[0].bytes, talk->len);
}
