/*
 * Each call that a request needs fails in turn, and once: an interrupted call changes nothing; any other
 * failure costs this response or this connection, nothing is left behind, and the next client is served.
 */
#include "broker.h"

static const struct http_scope a_program[] = { { "p", "/bin/p" }, { NULL, NULL } };
static const struct http_scope a_guard[] = { { "folder", "/users" }, { NULL, NULL } };

#define LAST "Connection: close\r\n\r\n"

/* What is asked for, on a connection of its own. */
static const struct scene {
	const char *request, *output;
	bool deaf; /* the client reads when the server has nothing more to do */
} scenes[] = {
	{ "GET /small.txt" ON LAST, "", false },
	{ "GET /page.html" ON "\r\nGET /page.html" ON LAST, "", true },
	{ "GET /big.bin" ON LAST, "", false },
	{ "GET /many/?format=json" ON LAST, "", false },
	{ "GET /folder/" ON "Authorization: Basic YTpi\r\n" LAST, "", false },
	{ "GET /p" ON LAST, "Content-Type: text/plain\n\nhello", false },
	{ "GET /p" ON LAST, "Location: /small.txt\n\n", false },
	{ "POST /p" ON "Transfer-Encoding: chunked\r\n" LAST "5\r\nhello\r\n0\r\n\r\n",
	  "Content-Type: text/plain\nContent-Length: 5\n\nhello", false },
};

static const struct {
	enum call call;
	int error;
} failures[] = {
	{ ALLOCATE, ENOMEM },    { OPEN_FOLDER, ENOMEM }, { READ_FOLDER, EIO },
	{ SENDFILE, EINTR },     { SENDFILE, EIO },       { RECEIVE, EINTR },
	{ RECEIVE, ECONNRESET }, { SEND, EINTR },         { SEND, EPIPE },
	{ READ_PIPE, EINTR },    { READ_PIPE, EAGAIN },   { READ_PIPE, EIO },
	{ WRITE_PIPE, EINTR },   { WRITE_PIPE, EPIPE },
};

/* Fails the nth call, or none if there are fewer, which it says. The test's own calls don't fail. */
static struct talk *play(const struct scene *scene, enum call call, int error, int after,
			 bool *failed)
{
	struct failure armed = { call, error, after, 0 };
	struct talk *talk = open_talk(site_with(a_program, a_guard, scene->output));
	enum http_want want;
	bool settled;

	send_only(talk, scene->request);
	for (int steps = 0;; steps++) {
		need(steps < TALK_STEPS, "an end of http_step()");
		failure = armed;
		want = http_step(&talk->conn, &now);
		settled = want == HTTP_DONE || http_settle(&talk->conn, &now);
		armed = failure;
		failure.call = NO_CALL;
		if (want == HTTP_DONE || !settled)
			break;
		if (!scene->deaf || want == HTTP_WRITE || want == HTTP_READ)
			talk_hear(talk);
		if (talk->conn.own.state == LINGER)
			break;
	}
	talk_hear(talk);
	*failed = armed.call == NO_CALL;
	return talk;
}

/* The responses are whole, or the connection ended before that. */
static void expect_fair(const struct talk *talk, const char *request)
{
	text stream = talk_heard(talk);
	struct reply reply;

	for (size_t i = 0; stream.len && i < talk->logs; i++) {
		struct wire_response response;

		if (wire_parse(stream.at, stream.len, true, &response) <= 0 ||
		    wire_value(&response, "Transfer-Encoding").at)
			return;
		if (read_reply(&stream, false, &reply))
			return; /* cut off, and nothing follows */
		expect(reply.status == talk->logged[i].status, "%s: %d", request, reply.status);
	}
	expect(stream.len == 0, "%s: %zu bytes more", request, stream.len);
}

static struct group faults_tests = {
	.suite = "conversations", .name = "faults", .begin = make_home, .end = remove_home
};

TEST_TIMES(faults_tests, every_call_fails_in_turn, LENGTH(scenes))
{
	static const char seed[HTTP_SEED];
	const struct scene *scene = &scenes[_i];
	char name[NAME_MAX + 16];
	struct talk *good;
	bool failed;

	put_folder(&home, "many");
	for (int i = 0; i < 20; i++) { /* so that there is no room for them all at first */
		snprintf(name, sizeof(name), "many/%0*d", NAME_MAX, i);
		need(linkat(home.fd, "empty.txt", home.fd, name, 0) == 0, name);
	}
	add_cache(1 << 20, 8, seed);
	good = play(scene, NO_CALL, 0, 0, &failed);
	for (size_t f = 0; f < LENGTH(failures); f++) {
		failed = true;
		for (int after = 0; failed; after++) {
			struct talk *talk;

			expect(after < 500, "%s: no end", scene->request);
			empty_cache();
			talk = play(scene, failures[f].call, failures[f].error, after, &failed);
			expect_fair(talk, scene->request);
			if (failures[f].error == EINTR || failures[f].error == EAGAIN || !failed)
				expect(same(talk_heard(talk), talk_heard(good)),
				       "%s: call %d, %s: %.*s", scene->request,
				       (int)failures[f].call, strerror(failures[f].error),
				       SHOWN(talk_heard(talk)));
			close_talk(talk);
			empty_cache();
			/* but for the two of the first */
			expect(count_descriptors() == descriptors + 2,
			       "%s: call %d, %s: a descriptor", scene->request,
			       (int)failures[f].call, strerror(failures[f].error));
			expect(now.memory == good->conn.held, "%s: memory", scene->request);
		}
	}
	close_talk(good);
	remove_cache();
}

/* So does a host's folder, and what is sent without being copied. */
TEST(faults_tests, other_calls_fail)
{
	static const struct {
		const char *request;
		struct failure failure;
		int status;
		bool hosts;
	} rows[] = {
		{ "GET /a.txt" ON "\r\n", { STAT, EIO, 0, 0 }, 500, true },
		{ "GET /a.txt" ON "\r\n", { STAT, EACCES, 0, 0 }, 403, true },
		{ "GET /a.txt" ON "\r\n", { STAT, ENOMEM, 0, 0 }, 503, true },
		{ "GET /a.txt" ON "\r\n", { STAT, ENOENT, 0, 0 }, 404, true },
		{ "GET http://link/a.txt" ON "\r\n", { STAT, EIO, 1, 0 }, 500, true },
		{ "GET http://link/a.txt" ON "\r\n", { STAT, EIO, 2, 0 }, 500, true },
		{ "GET /a.txt" ON "\r\n", { OPENAT2, EMFILE, 0, 1 }, 503, true },
		{ "GET /a.txt" ON "\r\n", { OPENAT2, ENOENT, 0, 0 }, 404, true },
		{ "GET /big.bin" ON "\r\n", { SENDFILE, EINTR, 0, 0 }, 200, false },
		{ "GET /big.bin" ON "\r\n", { SENDFILE, EIO, 0, 0 }, 0, false },
		{ "GET /" ON "\r\n", { STAT, EIO, 0, 0 }, 500, false },
	};

	if (!have_openat2()) { /* the calls are counted */
		puts("skipped: other_calls_fail, for there is no openat2(2)");
		return;
	}
	put_folder(&home, "default");
	put_folder(&home, "a");
	put_file(&home, "a/a.txt", "hello");
	put_link(&home, "link", "a");
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct talk *talk;

		place.hosts = rows[i].hosts;
		talk = open_talk(&place);
		send_only(talk, rows[i].request);
		failure = rows[i].failure;
		ck_assert_int_eq(talk_step(talk), rows[i].status ? HTTP_READ : HTTP_DONE);
		if (rows[i].status)
			next_reply(talk, rows[i].status);
		expect(!failure.call, "%zu: nothing failed", i);
		close_talk(talk);
		ck_assert_int_eq(count_descriptors(), descriptors);
	}
}

/* It is shorter than it was when it was opened: what is missing can't be told behind the head. */
TEST(faults_tests, a_small_file_shrinks)
{
	struct talk *talk = open_talk(&place);

	stat_more = 5;
	ck_assert_int_eq(talk_say(talk, "GET /small.txt" ON "\r\n"), HTTP_DONE);
	ck_assert(!memmem(talk->heard, talk->len, "HTTP/1.1 200", 12) ||
		  memmem(talk->heard, talk->len, "Content-Length: 17", 18));
	ck_assert_int_eq(talk->logged[0].status, 200);
}

/* A host whose folder can't be opened just now is not another host. */
TEST(faults_tests, no_descriptor_for_a_host)
{
	struct http_site *site = site_with(NULL, NULL, "");
	struct talk *talk;

	put_link(&home, "a", "folder");
	put_folder(&home, "default");
	put_file(&home, "default/a.txt", "of another host");
	site->hosts = true;
	talk = open_talk(site);
	fail_next(OPENAT2, EMFILE);
	talk_say(talk, "GET /a.txt" ON "\r\n");
	next_reply(talk, 503);
	talk_say(talk, "GET /a.txt" ON "\r\n");
	ck_assert(is_text(next_reply(talk, 200).body, "a"));
}
