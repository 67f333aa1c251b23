/* Files that change, shrink and are bigger than 32 bits: what is sent is what is there. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process.h"

/* ---- never the old bytes ---- */

enum rewriting { RENAMED, TRUNCATED, IN_PLACE, BACKDATED, REWRITINGS };

static void rewrite(enum rewriting how, const char *text)
{
	const char *name = how == RENAMED ? "site/new" : "site/page.txt";
	int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (how == TRUNCATED ? O_TRUNC : 0);
	static const struct timespec same[2] = { { .tv_sec = 784111777 }, { .tv_sec = 784111777 } };
	int fd = open(in_top(name), flags, 0644);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	if (how == BACKDATED)
		ck_assert_int_eq(futimens(fd, same), 0);
	close(fd);
	if (how == RENAMED)
		ck_assert_int_eq(rename(in_top("site/new"), in_top("site/page.txt")), 0);
}

/*
 * All of one size, many within one tick of the file system's clock, where no stamp tells them
 * apart; every so often one that is left alone long enough to be worth remembering.
 */
START_TEST(cache_never_serves_rewritten_files)
{
	enum { SETTLING = 100 };
	const int times = _i == RENAMED || _i == IN_PLACE ? 10000 : 2000;
	struct server server =
		serve((struct given){ .args = LIST("--quiet", "--requests-max", "1000000") });
	int fd = dial(server.port);
	char text[16];

	put("site/page.txt", "version 0000000");
	for (int i = 1; i <= times; i++) {
		snprintf(text, sizeof(text), "version %07d", i);
		rewrite((enum rewriting)_i, text);
		if (i % 500 == 0)
			nap(SETTLING);
		/* twice, so that there is something to remember */
		for (int again = 0; again < 2; again++) {
			say(fd, "GET /page.txt HTTP/1.1\r\nHost: a\r\n\r\n");
			ck_assert_int_eq(hear(fd, false), 200);
			ck_assert_str_eq(reply.body, text);
		}
	}
	close(fd);
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

/* What was there and isn't, and the other way round. */
START_TEST(cache_sees_files_come_and_go)
{
	struct server server = serve((struct given){ .args = LIST("--quiet") });
	int fd = dial(server.port);

	for (int i = 0; i < 200; i++) {
		bool there = i % 2;

		if (there)
			put("site/page.txt", "x");
		else
			unlink(in_top("site/page.txt"));
		for (int again = 0; again < 2; again++) {
			say(fd, "GET /page.txt HTTP/1.1\r\nHost: a\r\n\r\n");
			ck_assert_int_eq(hear(fd, false), there ? 200 : 404);
		}
	}
	close(fd);
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

/* A name that may no longer be read, and a folder on the way that has become another. */
START_TEST(cache_sees_folders_and_modes_change)
{
	struct server server;
	int fd;

	ck_assert_int_eq(mkdir(in_top("site/a"), 0755), 0);
	ck_assert_int_eq(mkdir(in_top("site/b"), 0755), 0);
	put("site/a/page.txt", "a");
	put("site/b/page.txt", "b");
	server = serve((struct given){ .args = LIST("--quiet") });
	fd = dial(server.port);
	for (int i = 0; i < 2; i++) {
		say(fd, "GET /a/page.txt HTTP/1.1\r\nHost: a\r\n\r\n");
		ck_assert_int_eq(hear(fd, false), 200);
		ck_assert_str_eq(reply.body, "a");
	}
	ck_assert_int_eq(rename(in_top("site/a"), in_top("site/c")), 0);
	ck_assert_int_eq(rename(in_top("site/b"), in_top("site/a")), 0);
	say(fd, "GET /a/page.txt HTTP/1.1\r\nHost: a\r\n\r\n");
	ck_assert_int_eq(hear(fd, false), 200);
	ck_assert_str_eq(reply.body, "b");
	ck_assert_int_eq(chmod(in_top("site/a/page.txt"), 0), 0);
	say(fd, "GET /a/page.txt HTTP/1.1\r\nHost: a\r\n\r\n");
	ck_assert_int_eq(hear(fd, false), 403);
	close(fd);
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

/* ---- while it is sent ---- */

/* There are fewer bytes than were promised: the connection says so by its end. */
START_TEST(file_shrinks_while_sent)
{
	enum { SIZE = 64 << 20 };
	struct server server;
	uint64_t got;
	int fd;

	put_sparse("site/big.bin", SIZE);
	server = serve((struct given){ .args = LIST("--quiet") });
	fd = dial(server.port);
	say(fd, "GET /big.bin HTTP/1.1\r\nHost: a\r\n\r\n"
		"GET /ten.txt HTTP/1.1\r\nHost: a\r\n\r\n");
	ck_assert_uint_eq(drain(fd, 1 << 20), 1 << 20);
	ck_assert_int_eq(truncate(in_top("site/big.bin"), 2 << 20), 0);
	got = drain(fd, SIZE + 1000) + (1 << 20);
	ck_assert_uint_lt(got, SIZE);
	ck_assert(at_end(fd));
	close(fd);
	ck_assert_int_eq(get(server.port, "/ten.txt"), 200);
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

/* There are more: not one of them is sent, or the next answer would begin with it. */
START_TEST(file_grows_while_sent)
{
	enum { SIZE = 32 << 20 };
	struct server server;
	int fd;

	put_sparse("site/big.bin", SIZE);
	server = serve((struct given){ .args = LIST("--quiet") });
	fd = dial(server.port);
	say(fd, "GET /big.bin HTTP/1.1\r\nHost: a\r\nRange: bytes=0-\r\n\r\n"
		"GET /ten.txt HTTP/1.1\r\nHost: a\r\n\r\n");
	ck_assert_int_eq(hear(fd, true), 206);
	ck_assert_uint_eq(drain(fd, 1 << 20), 1 << 20);
	ck_assert_int_eq(truncate(in_top("site/big.bin"), 2 * SIZE), 0);
	ck_assert_uint_eq(drain(fd, SIZE - (1 << 20)), SIZE - (1 << 20));
	ck_assert_int_eq(hear(fd, false), 200);
	ck_assert_str_eq(reply.body, "0123456789");
	close(fd);
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

/* Its name is another's now: who began the old one gets the old one whole. */
START_TEST(file_is_replaced_while_sent)
{
	enum { SIZE = 32 << 20 };
	struct server server;
	int fd;

	put_sparse("site/big.bin", SIZE);
	put("site/new.bin", "new");
	server = serve((struct given){ .args = LIST("--quiet") });
	fd = dial(server.port);
	say(fd, "GET /big.bin HTTP/1.1\r\nHost: a\r\n\r\n");
	ck_assert_int_eq(hear(fd, true), 200);
	ck_assert_uint_eq(drain(fd, 1 << 20), 1 << 20);
	ck_assert_int_eq(rename(in_top("site/new.bin"), in_top("site/big.bin")), 0);
	ck_assert_uint_eq(drain(fd, SIZE - (1 << 20)), SIZE - (1 << 20));
	say(fd, "GET /big.bin HTTP/1.1\r\nHost: a\r\n\r\n");
	ck_assert_int_eq(hear(fd, false), 200);
	ck_assert_str_eq(reply.body, "new");
	close(fd);
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

/* ---- over 4 GiB ---- */

#define GIB (INT64_C(1) << 30)
#define HUGE_SIZE (5 * GIB + 7)

static void put_huge(void)
{
	int fd;

	put_sparse("site/huge.bin", HUGE_SIZE);
	fd = open(in_top("site/huge.bin"), O_WRONLY | O_CLOEXEC);
	ck_assert_int_eq(pwrite(fd, "across", 6, 4 * GIB - 3), 6);
	ck_assert_int_eq(pwrite(fd, "the end", 7, HUGE_SIZE - 7), 7);
	close(fd);
}

static const struct {
	const char *range, *body, *content_range;
} ranges[] = {
	{ "4294967293-4294967298", "across", "bytes 4294967293-4294967298/5368709127" },
	{ "5368709120-", "the end", "bytes 5368709120-5368709126/5368709127" },
	{ "-7", "the end", "bytes 5368709120-5368709126/5368709127" },
	{ "5368709120-99999999999999999999", "the end", "bytes 5368709120-5368709126/5368709127" },
};

START_TEST(range_beyond_4_gib)
{
	struct server server;
	char request[256];

	put_huge();
	server = serve((struct given){ .args = LIST("--quiet") });
	snprintf(request, sizeof(request),
		 "GET /huge.bin HTTP/1.1\r\nHost: a\r\nRange: bytes=%s\r\n\r\n", ranges[_i].range);
	ck_assert_int_eq(ask(server.port, request), 206);
	ck_assert_str_eq(reply.body, ranges[_i].body);
	ck_assert_str_eq(field("Content-Range"), ranges[_i].content_range);
	ck_assert_int_eq(ask(server.port, "HEAD /huge.bin HTTP/1.1\r\nHost: a\r\n\r\n"), 200);
	ck_assert_str_eq(field("Content-Length"), "5368709127");
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

/* More than 4 GiB in one answer, and then the next one. */
START_TEST(answer_beyond_4_gib)
{
	const uint64_t size = (uint64_t)(4 * GIB + 3);
	struct server server;
	int fd;

	put_huge();
	server = serve((struct given){ .args = LIST("--quiet") });
	fd = dial(server.port);
	say(fd, "GET /huge.bin HTTP/1.1\r\nHost: a\r\nRange: bytes=0-4294967298\r\n\r\n"
		"GET /ten.txt HTTP/1.1\r\nHost: a\r\n\r\n");
	ck_assert_int_eq(hear(fd, true), 206);
	ck_assert_str_eq(field("Content-Length"), "4294967299");
	ck_assert_uint_eq(drain(fd, size - 6), size - 6);
	ck_assert_int_eq(recv(fd, reply.bytes, 6, MSG_WAITALL), 6);
	ck_assert_int_eq(memcmp(reply.bytes, "across", 6), 0);
	ck_assert_int_eq(hear(fd, false), 200);
	ck_assert_str_eq(reply.body, "0123456789");
	close(fd);
	ck_assert_int_eq(stop(server.pid), 0);
}
END_TEST

Suite *fresh_suite(void)
{
	Suite *suite = suite_create("files");
	TCase *group = test_case(suite, "that change", 30);

	tcase_add_loop_test(group, cache_never_serves_rewritten_files, 0, REWRITINGS);
	tcase_add_test(group, cache_sees_files_come_and_go);
	tcase_add_test(group, cache_sees_folders_and_modes_change);
	tcase_add_test(group, file_shrinks_while_sent);
	tcase_add_test(group, file_grows_while_sent);
	tcase_add_test(group, file_is_replaced_while_sent);

	group = test_case(suite, "that are huge", 30);
	tcase_add_loop_test(group, range_beyond_4_gib, 0, sizeof(ranges) / sizeof(ranges[0]));
	tcase_add_test(group, answer_beyond_4_gib);
	return suite;
}
