/* Files that change, shrink and are bigger than 32 bits: what is sent is what is there. */
#include <fcntl.h>
#include <stdio.h>
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
	struct server server = serve(GIVEN("--quiet", "--requests-max", "1000000"));
	int fd = dial(server.port);

	put("site/page.txt", "version 0000000");
	for (int i = 1; i <= times; i++) {
		const char *text = format("version %07d", i);

		rewrite((enum rewriting)_i, text);
		if (i % 500 == 0)
			nap(SETTLING);
		/* twice, so that there is something to remember */
		for (int again = 0; again < 2; again++) {
			ck_assert_int_eq(ask_on(fd, GET_OF("/page.txt")), 200);
			ck_assert_str_eq(reply.body, text);
		}
	}
}
END_TEST

/* What was there and isn't, and the other way round. */
START_TEST(cache_sees_files_come_and_go)
{
	struct server server = serve(GIVEN("--quiet"));
	int fd = dial(server.port);

	for (int i = 0; i < 200; i++) {
		bool there = i % 2;

		if (there)
			put("site/page.txt", "x");
		else
			unlink(in_top("site/page.txt"));
		for (int again = 0; again < 2; again++)
			ck_assert_int_eq(ask_on(fd, GET_OF("/page.txt")), there ? 200 : 404);
	}
}
END_TEST

/* A name that may no longer be read, and a folder on the way that has become another. */
START_TEST(cache_sees_folders_and_modes_change)
{
	struct server server;
	int fd;

	put_folder("site/a");
	put_folder("site/b");
	put("site/a/page.txt", "a");
	put("site/b/page.txt", "b");
	server = serve(GIVEN("--quiet"));
	fd = dial(server.port);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(ask_on(fd, GET_OF("/a/page.txt")), 200);
		ck_assert_str_eq(reply.body, "a");
	}
	ck_assert_int_eq(rename(in_top("site/a"), in_top("site/c")), 0);
	ck_assert_int_eq(rename(in_top("site/b"), in_top("site/a")), 0);
	ck_assert_int_eq(ask_on(fd, GET_OF("/a/page.txt")), 200);
	ck_assert_str_eq(reply.body, "b");
	set_mode("site/a/page.txt", 0);
	ck_assert_int_eq(ask_on(fd, GET_OF("/a/page.txt")), 403);
}
END_TEST

/* ---- while it is sent ---- */

enum { BEGUN = 1 << 20 };

/* A connection on which these are asked for, and whose first response has begun to come. */
static int begin_download(unsigned port, const char *requests)
{
	int fd = dial(port);

	say(fd, requests);
	ck_assert_int_eq(hear(fd, true), strstr(requests, "Range") ? 206 : 200);
	ck_assert_uint_eq(drain(fd, BEGUN), BEGUN);
	return fd;
}

/* There are fewer bytes than were promised: the connection says so by its end. */
START_TEST(file_shrinks_while_sent)
{
	unsigned port = serve(GIVEN("--quiet")).port;
	int fd = begin_download(port, GET_BIG GET_TEN);

	ck_assert_int_eq(truncate(in_top("site/big.bin"), 2 << 20), 0);
	ck_assert_uint_lt(drain(fd, BIG), BIG - BEGUN);
	ck_assert(at_end(fd));
	ck_assert_int_eq(get(port, "/ten.txt"), 200);
}
END_TEST

/* There are more: not one of them is sent, or the next answer would begin with it. */
START_TEST(file_grows_while_sent)
{
	int fd = begin_download(
		serve(GIVEN("--quiet")).port,
		"GET /big.bin HTTP/1.1\r\nHost: a\r\nRange: bytes=0-\r\n\r\n" GET_TEN);

	ck_assert_int_eq(truncate(in_top("site/big.bin"), 2 * BIG), 0);
	ck_assert_uint_eq(drain(fd, BIG - BEGUN), BIG - BEGUN);
	ck_assert_int_eq(hear(fd, false), 200);
	ck_assert_str_eq(reply.body, "0123456789");
}
END_TEST

/* Its name is another's now: who began the old one gets the old one whole. */
START_TEST(file_is_replaced_while_sent)
{
	int fd = begin_download(serve(GIVEN("--quiet")).port, GET_BIG);

	put("site/new.bin", "new");
	ck_assert_int_eq(rename(in_top("site/new.bin"), in_top("site/big.bin")), 0);
	ck_assert_uint_eq(drain(fd, BIG - BEGUN), BIG - BEGUN);
	ck_assert_int_eq(ask_on(fd, GET_BIG), 200);
	ck_assert_str_eq(reply.body, "new");
}
END_TEST

/* ---- over 4 GiB ---- */

/* More than 4 GiB in one answer, and then the next one. */
START_TEST(answer_beyond_4_gib)
{
	const uint64_t before = 4294967293; /* 2 to the 32, less 3 */
	int fd;

	put_sparse("site/huge.bin", INT64_C(5) << 30);
	fd = open(in_top("site/huge.bin"), O_WRONLY | O_CLOEXEC);
	ck_assert_int_eq(pwrite(fd, "across", 6, (off_t)before), 6);
	close(fd);
	fd = dial(serve(GIVEN("--quiet")).port);
	say(fd, "GET /huge.bin HTTP/1.1\r\nHost: a\r\nRange: bytes=0-4294967298\r\n\r\n" GET_TEN);
	ck_assert_int_eq(hear(fd, true), 206);
	ck_assert_str_eq(field("Content-Length"), "4294967299");
	ck_assert_uint_eq(drain(fd, before), before);
	ck_assert_int_eq(recv(fd, reply.bytes, 6, MSG_WAITALL), 6);
	ck_assert_int_eq(memcmp(reply.bytes, "across", 6), 0);
	ck_assert_int_eq(hear(fd, false), 200);
	ck_assert_str_eq(reply.body, "0123456789");
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
	tcase_add_test(group, answer_beyond_4_gib);
	return suite;
}
