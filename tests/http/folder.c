/*
 * Listings of folders as a whole conversation: large ones, long names, bounds; and which parts of
 * answers, those of a listing among them, go out together.
 */
#include "check.h"

enum { ENTRIES = 3000, LEVELS = 2000 };

/* One file with many names, which is quicker made than many files. */
static void make_many(void)
{
	char name[64];
	int fd;

	make_home();
	fd = dup(home.fd);
	for (int i = 0; i < LEVELS; i++) {
		int deeper;

		need(mkdirat(fd, "d", 0755) == 0, "mkdir");
		deeper = openat(fd, "d", O_PATH | O_DIRECTORY | O_CLOEXEC);
		need(deeper >= 0, "open");
		close(fd);
		fd = deeper;
	}
	close(fd);
	put_folder(&home, "many");
	put_file(&home, "one", "");
	for (int i = 0; i < ENTRIES; i++) {
		snprintf(name, sizeof(name), "many/%05d <&\"%%>", i * 7919 % ENTRIES);
		need(linkat(home.fd, "one", home.fd, name, 0) == 0, name);
	}
}

static struct group folder_tests = {
	.suite = "conversations", .name = "folder", .make = make_many, .remove = remove_home
};

TEST(folder_tests, listing_of_a_large_folder)
{
	struct talk *talk = open_talk(&place);
	text left;
	enum http_want want;
	int again = 0;

	send_only(talk, "GET /many/" ON "\r\n");
	do { /* by hand, to see it give way to others */
		want = http_step(&talk->conn, &now);
		talk_hear(talk);
		again += want == HTTP_AGAIN;
	} while (want == HTTP_AGAIN || want == HTTP_WRITE);
	ck_assert_int_eq(want, HTTP_READ);
	ck_assert_int_ge(again, ENTRIES / READ_STEP);
	talk_say(talk, "HEAD /many/" ON "\r\n"
		       "GET /many/?sort=name&order=desc" ON "\r\n"
		       "GET /many/?format=text" ON "\r\n");

	struct reply page = next_reply(talk, 200);
	struct reply head = next_reply(talk, 200);
	struct reply turned = next_reply(talk, 200);
	struct reply plain = next_reply(talk, 200);

	no_more(talk);
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
}

/* As deep as a path can name it: the folders that are near have links. */
TEST(folder_tests, listing_of_a_deep_folder)
{
	char request[2 * LEVELS + 64] = "GET /";
	struct talk *talk = open_talk(&place);
	text body;

	for (int i = 0; i < LEVELS; i++)
		strcat(request, "d/");
	strcat(request, ON "\r\n");
	talk_say(talk, request);
	body = next_reply(talk, have_openat2() ? 200 : 404).body;
	if (have_openat2()) { /* without, a path may have WALK_DEPTH folders */
		expect_balance(body);
		ck_assert_ptr_nonnull(memmem(body.at, body.len, "<a href=\"../../\">d/</a>", 23));
		ck_assert_uint_lt(body.len, 64 << 10);
	}
}

/* The end has its place behind the last row, wherever that comes to stand in what is sent. */
TEST(folder_tests, listing_of_any_length_has_an_end)
{
	char name[NAME_MAX + 16];
	struct talk *talk;

	put_folder(&home, "long");
	for (int n = 0; n < 440; n++) {
		snprintf(name, sizeof(name), "long/%0*d", NAME_MAX, n);
		need(linkat(home.fd, "one", home.fd, name, 0) == 0, name);
		if (n < 420) /* from where on it is about as much as is sent at once */
			continue;
		talk = open_talk(&place);
		talk_say(talk, "GET /long/" ON "\r\nGET /small.txt" ON "\r\n");
		expect_balance(next_reply(talk, 200).body);
		next_reply(talk, 200);
		no_more(talk);
	}
}

/* The client doesn't stall while the server is at work. */
TEST(folder_tests, listing_may_take_longer_than_a_timeout)
{
	struct talk *talk = open_talk(&place);

	send_only(talk, "GET /many/" ON "\r\n");
	while (http_step(&talk->conn, &now) == HTTP_AGAIN) {
		now.clock += SECONDS(20);
		ck_assert_int_gt(talk->conn.deadline, now.clock - SECONDS(20));
	}
	ck_assert_int_eq(talk_step(talk), HTTP_READ);
	next_reply(talk, 200);
}

/* A connection whose head has gone out, and now comes a page of `count` names of that length. */
static struct talk *stream_names(uint32_t count, size_t length, bool plain)
{
	struct talk *talk = open_talk(&place);
	struct http_work *work;
	struct listing *list = new_listing(all_styles[0]);
	const struct stat st = { .st_mode = S_IFREG };
	char *name = malloc(length + 1);

	need(name, "malloc");
	memset(name, '"', length);
	name[length] = '\0';
	list->style.format = plain ? AS_TEXT : AS_HTML;
	work = talk->conn.work;
	for (uint32_t i = 0; i < count; i++) { /* no two are equal */
		snprintf(name, 9, "%08x", i);
		name[8] = '"';
		ck_assert(add_item(list, &now, name, &st, (text){ NULL, 0 }));
	}
	free(name);
	sort_all(list);
	clear_body(&work->body);
	work->status = 200;
	work->body.kind = LISTING_BODY;
	work->body.listing = list;
	talk->conn.own.state = STREAM;
	return talk;
}

/* Names have 255 bytes mostly, and more in some file systems: FUSE's have a thousand, or four. */
TEST(folder_tests, listing_of_names_longer_than_255_bytes)
{
	static const size_t lengths[] = { 9, 255, 256, 700, 1023, 1500, 2000, 3000, 4095 };
	enum { NAMES = 300 };

	for (size_t i = 0; i < 2 * LENGTH(lengths); i++) {
		struct out rest = { NULL, 0, 0, false };
		struct listing *list;
		struct talk *talk = stream_names(NAMES, lengths[i / 2], i % 2);
		text stream;

		list = talk->conn.work->body.listing;
		put_listing_tail(&rest, list);
		rest.len += (size_t)list->rows_len;
		rest.at = malloc(rest.len);
		rest.size = rest.len;
		need(rest.at, "malloc");
		rest.len = 0;
		for (uint32_t k = 0; k < list->count; k++)
			put_row(&rest, list, item_at(list, k));
		put_listing_tail(&rest, list);
		talk_step(talk);
		stream = talk_heard(talk);
		expect(same(stream, (text){ rest.at, rest.size }), "%zu bytes, not %zu", stream.len,
		       rest.size);
		ck_assert_uint_eq(talk->logged[0].bytes, rest.size);
		free(rest.at);
	}
}

/* What fits nowhere ends the connection, and who gets the memory next knows nothing of it. */
TEST(folder_tests, listing_of_a_name_that_fits_nowhere)
{
	for (uint32_t count = 1; count < 4; count++) {
		struct talk *talk = stream_names(count, HTTP_OUT_SIZE, false);

		ck_assert_int_eq(talk_step(talk), HTTP_DONE);
		ck_assert_uint_eq(talk->len, 0);
		ck_assert_uint_eq(now.memory, talk->conn.held);
		expect_clean(talk->conn.work, "a name that fits nowhere");
		close_talk(talk);
	}
}

TEST(folder_tests, listing_dropped_at_any_step)
{
	for (int steps = 1; steps < 40; steps += 3) {
		struct talk *talk = open_talk(&place);

		send_only(talk, "GET /many/" ON "\r\n");
		for (int i = 0; i < steps; i++)
			http_step(&talk->conn, &now);
		close_talk(talk);
		ck_assert_uint_eq(now.memory, 0);
		ck_assert_int_eq(count_descriptors(), descriptors);
	}
}

TEST(folder_tests, listing_refused_without_memory_503)
{
	struct talk *talk;

	now.memory = LISTS_MOST;
	talk = open_talk(&place);
	talk_say(talk, "GET /folder/" ON "\r\nGET /small.txt" ON "\r\n");

	struct reply reply = next_reply(talk, 503);

	ck_assert(reply_has(&reply, "Retry-After", "1"));
	next_reply(talk, 200);
	ck_assert_uint_eq(now.memory - talk->conn.held, LISTS_MOST);
	close_talk(talk);

	/* enough for a name, and not to sort it */
	now.memory = LISTS_MOST - 1024 * sizeof(struct place);
	talk = open_talk(&place);
	talk_say(talk, "GET /folder/" ON "\r\n");
	next_reply(talk, 503);
	close_talk(talk);
	ck_assert_uint_eq(now.memory, LISTS_MOST - 1024 * sizeof(struct place));
	now.memory = 0;
}

/*
 * A small segment would wait for the acknowledgement of another (RFC 896): one that the rest of an
 * answer follows is not sent before it, and the socket is prepared, once, before the first such answer.
 */
TEST(folder_tests, msg_more_and_tcp_nodelay_parts_go_together)
{
	static const struct {
		const char *request;
		bool prepared;
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
		struct talk *talk = open_talk(&place);
		char more[LENGTH(sends) + 1] = "";

		talk->conn.own.prepared = false;
		send_only(talk, rows[i].request);
		send_count = 0;
		prepared = 0;
		run_talk(talk);
		for (size_t k = 0; k < send_count; k++)
			if (k == 0 || sends[k].more != sends[k - 1].more)
				strcat(more, sends[k].more ? "1" : "0");
		expect(prepared == rows[i].prepared, "%s: prepared %d times", rows[i].request,
		       prepared);
		expect(strcmp(more, rows[i].more) == 0, "%s: %s", rows[i].request, more);
	}
}

/* A name that is gone when it is looked at, and there again, has no times to be listed with. */
TEST(folder_tests, what_cannot_be_looked_at_is_not_listed)
{
	struct talk *talk;
	struct reply reply;

	put_folder(&home, "linked");
	put_link(&home, "linked/away", "https://a.example/");
	talk = open_talk(&place);
	fail_next(STAT, ENOENT);
	talk_say(talk, "GET /linked/?format=text" ON "\r\n");
	reply = next_reply(talk, 200);
	ck_assert_uint_eq(reply.body.len, 0);
}
