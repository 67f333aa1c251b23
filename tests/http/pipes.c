/* Pipes and files in place of sockets. */
#include "check.h"

#include <signal.h>

/* What comes of a conversation on two descriptors, read from `from` while it lasts. */
static size_t talk_over(struct http_end in, struct http_end out, int from, char *heard, size_t size)
{
	struct talk talk;
	size_t len = 0;
	enum http_want want;

	prepared = 0;
	talk_begin(&talk, &place, &now, in, out);
	do {
		ssize_t n;

		want = http_step(&talk.conn, &now);
		ck_assert_int_ne(want, HTTP_READ); /* all of it is there */
		while (from >= 0 && (n = read(from, heard + len, size - len)) > 0)
			len += (size_t)n;
	} while (want != HTTP_DONE);
	ck_assert_int_eq(prepared, 1);
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

static struct group pipes_tests = {
	.suite = "conversations", .name = "pipes", .begin = make_home, .end = remove_home
};

TEST(pipes_tests, pipes_and_files_change_no_answer)
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

TEST(pipes_tests, a_pipe_is_never_waited_for)
{
	struct talk talk;
	int in[2], out[2];
	enum http_want want;
	char bytes[PIPE_SLICE];

	talk_open_pipes(&talk, &place, in, out, 0);
	/* it would hang here, and here */
	ck_assert_int_eq(http_step(&talk.conn, &now), HTTP_READ);
	need(write(in[1], "GET /big.bin" ON "\r\n", 35) == 35, "write");
	do
		want = http_step(&talk.conn, &now);
	while (want == HTTP_AGAIN);
	ck_assert_int_eq(want, HTTP_WRITE);
	need(read(out[0], bytes, sizeof(bytes)) == sizeof(bytes), "read");
	ck_assert_int_eq(http_step(&talk.conn, &now), HTTP_WRITE);
	/* and when nobody reads any more, that is an error like any other */
	signal(SIGPIPE, SIG_IGN);
	close(out[0]);
	ck_assert_int_eq(http_step(&talk.conn, &now), HTTP_DONE);
	signal(SIGPIPE, SIG_DFL);
	ck_assert_uint_eq(talk.logs, 1);
	out[0] = -1;
	talk_close_pipes(&talk, in, out);
}

/* A pipe is written what was read, and of a file that has become shorter that is less. */
TEST(pipes_tests, a_file_shrinks_on_its_way_to_a_pipe)
{
	static char heard[2 * MiB];
	struct talk talk;
	size_t len = 0;
	int in[2], out[2];
	ssize_t n;

	put_bytes(&home, "shrinking.bin", big, sizeof(big));
	talk_open_pipes(&talk, &place, in, out, O_NONBLOCK);
	need(write(in[1], "GET /shrinking.bin" ON "\r\n", 41) == 41, "write");
	ck_assert_int_eq(http_step(&talk.conn, &now), HTTP_WRITE);
	put_file(&home, "shrinking.bin", "");
	while (http_step(&talk.conn, &now) != HTTP_DONE)
		while ((n = read(out[0], heard + len, sizeof(heard) - len)) > 0)
			len += (size_t)n;
	ck_assert_uint_eq(talk.logs, 1);
	ck_assert_uint_gt(talk.logged[0].bytes, 0);
	ck_assert_uint_lt(talk.logged[0].bytes, MiB);
	talk_close_pipes(&talk, in, out);
}

/* A pipe has no half that could be shut: what was refused is told, and then it is over. */
TEST(pipes_tests, no_lingering_on_a_pipe)
{
	struct talk *talk = open_talk(&place);
	int out[2];

	need(pipe2(out, O_CLOEXEC | O_NONBLOCK) == 0, "pipe");
	talk->conn.own.out = out[1];
	talk->conn.own.out_socket = false;
	ck_assert_int_eq(talk_say(talk, "bad\r\n"), HTTP_DONE);
	talk->len = (size_t)read(out[0], talk->heard, talk->room);
	ck_assert(next_reply(talk, 400).close);
	no_more(talk);
	close(out[0]), close(out[1]);
}
