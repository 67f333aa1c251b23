/* The memory that a connection holds, hands on, and is counted for. */
#include "check.h"

/* The connection that gets the memory next finds nothing in it of the one that had it before. */
static void expect_clean(struct http_work *work, const char *said)
{
	struct http_work *own;
	struct talk next;

	talk_open(&next, &place, &now);
	own = next.conn.work;
	next.conn.work = work;
	talk_say(&next, "GET /small.txt" ON "\r\nPOST /" ON
			"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n");
	expect(is_text(next_reply(&next, 200).body, "hello, world"), "after %s", said);
	next_reply(&next, 200);
	no_more(&next);
	expect(next.logs == 2, "after %s", said);
	next.conn.work = own;
	talk_close(&next);
}

static struct group memory_tests = {
	.suite = "conversations", .name = "memory", .begin = make_home, .end = remove_home
};

TEST(memory_tests, working_memory_is_held_while_needed)
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
	struct talk *talk = open_talk(&place);

	for (size_t i = 0; i < LENGTH(rows); i++) {
		talk_say(talk, rows[i].said);
		expect(http_busy(&talk->conn) == rows[i].passes, "%zu: %s", i, rows[i].said);
		if (!rows[i].passes)
			expect_clean(talk->conn.work, rows[i].said);
	}
}

/* One memory is lent to all connections in turn: none sees what another has sent. */
TEST(memory_tests, working_memory_is_lent_between_connections)
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
		expect_pipelined(&talks[k]);
		talk_close(&talks[k]);
	}
	free(lent);
}

TEST(memory_tests, http_drop_at_any_time)
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

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct talk *talk = open_talk(&place);

		talk->deaf = true;
		talk_say(talk, rows[i].said);
		http_drop(&talk->conn, &now);
		expect(!http_busy(&talk->conn), "%s", rows[i].said);
		expect_clean(talk->conn.work, rows[i].said);
		expect(talk->logs == (rows[i].status != 0) &&
			       talk->logged[0].status == rows[i].status,
		       "%s: %zu, %d", rows[i].said, talk->logs, talk->logged[0].status);
		close_talk(talk);
		expect(count_descriptors() == descriptors, "%s", rows[i].said);
	}
}

/* What could not be sent is kept apart, is counted while it is, and arrives as it was. */
TEST(memory_tests, unsent_bytes_are_kept_and_counted)
{
	static const char *const requests[] = { "GET /medium.txt" ON "\r\n" };
	struct talk *talk;
	size_t held;
	int sent;

	put_bytes(&home, "medium.txt", big, 10 << 10);
	place.limits.requests = 10000;
	talk = open_talk(&place);
	talk->deaf = true;
	sent = send_many(talk, requests, LENGTH(requests));
	ck_assert_int_eq(talk_step(talk), HTTP_WRITE);
	ck_assert_uint_eq(now.memory, talk->conn.held);
	held = talk->conn.held;
	talk->deaf = false;
	ck_assert_int_eq(talk_step(talk), HTTP_READ);
	ck_assert_uint_lt(talk->conn.held, held);
	for (int i = 0; i < sent; i++)
		ck_assert(memcmp(next_reply(talk, 200).body.at, big, 10 << 10) == 0);
	no_more(talk);
}

/* Where there is no memory for what could not be sent, the caller is told, and nothing is lost. */
TEST(memory_tests, no_memory_for_unsent_bytes)
{
	struct talk *talk = open_talk(&place);

	while (send(talk->conn.own.in, big, 1, MSG_DONTWAIT) > 0)
		;
	send_only(talk, "GET /small.txt" ON "\r\n");
	ck_assert_int_eq(http_step(&talk->conn, &now), HTTP_WRITE);
	fail_next(ALLOCATE, ENOMEM);
	ck_assert(!http_settle(&talk->conn, &now));
	ck_assert(http_settle(&talk->conn, &now));
	talk_hear(talk);
	ck_assert_int_eq(talk_step(talk), HTTP_READ);
	ck_assert_ptr_nonnull(memmem(talk->heard, talk->len, "hello, world", 12));
}

/* What the cache holds counts too. */
TEST(memory_tests, memory_of_all)
{
	static const char seed[HTTP_SEED];

	now.memory = 1000;
	ck_assert_uint_eq(http_memory(&now), 1000);
	add_cache(MiB, 8, seed);
	now.cache->held = 77;
	ck_assert_uint_eq(http_memory(&now), 1077);
	remove_cache();
	now.memory = 0;
	fail_next(ALLOCATE, ENOMEM);
	ck_assert_ptr_null(http_cache_new(MiB, 8, seed));
}
