/* The memory of answers. */
#include "check.h"

enum { CACHE_SIZE = 256 << 10, CACHE_FILES = 2 };

static const char cache_seed[HTTP_SEED + 1] = "sixteen bytes, a";
static struct tree ground;
static struct http_site served;
static struct http_cache *cache;
static text host_folder; /* the folder beneath which the paths are */

static void make_cache(void)
{
	make_tree(&ground);
	put_file(&ground, "page", "the page");
	put_folder(&ground, "a");
	put_folder(&ground, "a/b");
	put_file(&ground, "a/b/page", "deeper");
	served = site_of(&ground);
	now = turn_at(0);
	host_folder = (text){ NULL, 0 };
	add_cache(CACHE_SIZE, CACHE_FILES, cache_seed);
	cache = now.cache;
}

static void remove_ground(void)
{
	remove_cache();
	remove_tree(&ground);
}

/* Offer the cache an answer made from `path`, or from a sibling of it. */
static void offer(const char *key, const char *path, const char *accepted, enum coding coding,
		  text answer)
{
	struct source source = { .key = text_of(key),
				 .asked = text_of(path),
				 .folder = host_folder,
				 .preference = preference_for(accepted),
				 .coding = coding,
				 .path = path };
	char name[PATH_MAX + 4];
	struct stat st;

	name_sibling(name, path, coding);
	need(fstatat(served.root, name, &st, 0) == 0, name);

	const struct version was = version_of(&st);

	source.was = &was;
	cache_add(&now, &served, &source, answer, 2, -1);
}

/* A find is by the key and the preference, and gives back what was added. */
static bool found(const char *key, const char *accepted, const char *answer)
{
	const struct preference preference = preference_for(accepted);
	struct cached *entry;

	now.received++; /* a request, for which no earlier look counts */
	entry = cache_find(&now, &served, text_of(key), &preference);

	if (!entry)
		return false;
	expect(is_text((text){ entry->bytes + entry->response, entry->head_len + entry->body_len },
		       answer),
	       "another answer for %s", key);
	ck_assert_uint_eq(entry->head_len, 2);
	cache_release(cache, entry);
	return true;
}

static size_t count_entries(void)
{
	size_t count = 0;

	for (const struct cached *entry = now.cache->newest; entry; entry = entry->older)
		count++;
	return count;
}

static struct group cache_tests = {
	.suite = "cache", .name = "cache", .begin = make_cache, .end = remove_ground
};

TEST(cache_tests, answers_are_found_by_key_and_preference)
{
	offer("/page", "page", "", IDENTITY, text_of("hbplain"));
	offer("/page", "page", "gzip", IDENTITY, text_of("hbcoded"));
	offer("/%70age", "page", "", IDENTITY, text_of("hbother"));
	ck_assert(found("/page", "", "hbplain"));
	ck_assert(found("/page", "gzip", "hbcoded"));
	ck_assert(found("/%70age", "", "hbother"));
	ck_assert(!found("/page", "br", ""));
	ck_assert(!found("/pag", "", ""));
	ck_assert(!found("/page/", "", ""));
	ck_assert(!found("/", "", ""));
}

TEST(cache_tests, many_are_found)
{
	char key[16], answer[16];

	for (int i = 0; i < 100; i++) { /* there are 256 buckets */
		snprintf(key, sizeof(key), "/%d", i);
		snprintf(answer, sizeof(answer), "hb%d", i);
		offer(key, "page", "", IDENTITY, text_of(answer));
	}
	for (int i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "/%d", i);
		snprintf(answer, sizeof(answer), "hb%d", i);
		expect(found(key, "", answer), "%d", i);
	}
	/* and no bucket has more than a few of them */
	for (uint32_t i = 0; i <= cache->mask; i++) {
		int chained = 0;

		for (const struct cached *entry = cache->bucket[i]; entry; entry = entry->chain)
			chained++;
		ck_assert_int_lt(chained, 10);
	}
	empty_cache();
	ck_assert_uint_eq(cache->used, 0);
	ck_assert_ptr_null(cache->newest);
	for (uint32_t i = 0; i <= cache->mask; i++)
		ck_assert_ptr_null(cache->bucket[i]);
}

TEST(cache_tests, the_least_used_goes)
{
	static char answer[CACHE_SIZE / 4 - 2048]; /* of which four fit */
	const text t = { answer, sizeof(answer) - 1 };

	memset(answer, 'x', sizeof(answer) - 1);
	offer("/1", "page", "", IDENTITY, t);
	offer("/2", "page", "", IDENTITY, t);
	offer("/3", "page", "", IDENTITY, t);
	offer("/4", "page", "", IDENTITY, t);
	ck_assert(found("/3", "", answer));
	ck_assert(found("/1", "", answer));
	ck_assert(found("/1", "", answer));
	offer("/5", "page", "", IDENTITY, t); /* 2 is the oldest, then 4, 3, 1 */
	ck_assert_uint_le(cache->used, CACHE_SIZE);
	ck_assert(!found("/2", "", answer));
	offer("/6", "page", "", IDENTITY, t);
	ck_assert(!found("/4", "", answer));
	ck_assert(found("/3", "", answer));
	ck_assert(found("/1", "", answer));
	ck_assert(found("/5", "", answer));
	ck_assert(found("/6", "", answer));
}

TEST(cache_tests, what_is_too_large_is_not_remembered)
{
	static char answer[CACHE_SIZE];

	offer("/1", "page", "", IDENTITY, text_of("hb"));
	offer("/2", "page", "", IDENTITY, (text){ answer, sizeof(answer) });
	ck_assert(!found("/2", "", ""));
	ck_assert(found("/1", "", "hb")); /* and nothing had to go for it */
	ck_assert_ptr_null(http_cache_new(0, 1, cache_seed));
	ck_assert_ptr_null(http_cache_new(INLINE_MOST - 1, 1, cache_seed));
}

TEST(cache_tests, buckets_are_by_size)
{
	struct http_cache *large = http_cache_new(8 << 20, 0, cache_seed);

	need(large, "http_cache_new");
	ck_assert_uint_eq(cache->mask, 255);
	ck_assert_uint_eq(large->mask, 8191); /* one for each KiB */
	free(large);
	if (SIZE_MAX >> 16 >> 20 == 0)
		return; /* with 32 bits there is none so large */
	large = http_cache_new(SIZE_MAX >> 28, 0, cache_seed);
	need(large, "http_cache_new");
	ck_assert_uint_eq(large->mask, (1 << 20) - 1); /* and no more, however large it is */
	free(large);
}

/* Without the seed a client can't know the bucket of a name, nor of the same name coded. */
TEST(cache_tests, hashes_are_by_seed_and_preference)
{
	static const char *const accepted[] = { "", "gzip", "br", "zstd", "gzip, br", "br, zstd" };
	struct http_cache *other = http_cache_new(CACHE_SIZE, 0, "sixteen bytes, b");
	uint32_t hashes[LENGTH(accepted)];
	int alike = 0;

	need(other, "http_cache_new");
	for (size_t i = 0; i < LENGTH(accepted); i++) {
		const struct preference preference = preference_for(accepted[i]);

		hashes[i] = hash_key(cache, text_of("page"), &preference);
		ck_assert_uint_ne(hashes[i], hash_key(other, text_of("page"), &preference));
		for (size_t k = 0; k < i; k++)
			alike += (hashes[k] & cache->mask) == (hashes[i] & cache->mask);
	}
	ck_assert_int_lt(alike, 3);
	free(other);
}

/* The next name of which the hash ends in these bits, beginning with a number. */
static void find_name(char name[32], uint32_t *number, uint32_t bits, uint32_t mask)
{
	const struct preference preference = preference_for("");

	do
		snprintf(name, 32, "/%u", ++*number);
	while ((hash_key(cache, text_of(name), &preference) & mask) != bits);
}

/* Two names that have one hash, found by trying, are two answers. */
TEST(cache_tests, names_that_collide_are_two)
{
	enum { TRIED = 1 << 20 };
	static uint32_t seen[TRIED]; /* the number in the name, by the lower bits of its hash */
	const struct preference preference = preference_for("");
	char name[2][32];

	for (uint32_t i = 1;; i++) {
		snprintf(name[0], sizeof(name[0]), "/%u", i);

		uint32_t hash = hash_key(cache, text_of(name[0]), &preference);
		uint32_t *there = &seen[hash % TRIED];

		snprintf(name[1], sizeof(name[1]), "/%u", *there);
		if (*there && hash_key(cache, text_of(name[1]), &preference) == hash)
			break;
		*there = i;
		need(i < UINT32_MAX, "a collision");
	}
	offer(name[0], "page", "", IDENTITY, text_of("hb0"));
	ck_assert(!found(name[1], "", ""));
	offer(name[1], "a/b/page", "", IDENTITY, text_of("hb1"));
	ck_assert(found(name[0], "", "hb0"));
	ck_assert(found(name[1], "", "hb1"));
}

/* However many names fall together, no more than a few are looked through: the first ones go. */
TEST(cache_tests, chains_are_short)
{
	enum { NAMES = CHAIN_MOST + 3, BITS = 5 };
	static char names[NAMES][32];
	uint32_t number = 0;
	size_t size;

	for (int i = 0; i < NAMES; i++) {
		find_name(names[i], &number, BITS, cache->mask);
		offer(names[i], "page", "", IDENTITY, text_of("hb"));
	}
	offer("/another", "page", "", IDENTITY, text_of("hb")); /* in a bucket of its own */
	for (int i = 0; i < NAMES; i++)
		expect(found(names[i], "", "hb") == (i >= NAMES - CHAIN_MOST), "name %d", i);
	ck_assert(found("/another", "", "hb"));
	size = cache->used;
	find_name(names[0], &number, BITS, cache->mask);
	offer(names[0], "page", "", IDENTITY, text_of("hb"));
	ck_assert_uint_le(cache->used, size + 8); /* another has gone for it, but for its length */
	empty_cache();
	ck_assert_uint_eq(cache->used, 0);
}

/* ---- what has changed -------------------------------------------------------- */

static void grow_page(void)
{
	put_file(&ground, "page", "the page, and more");
}

static void touch_page(void)
{
	put_times(&ground, "page", FILE_TIME, 1);
}

static void age_page(void)
{
	put_times(&ground, "page", FILE_TIME - 1, 0);
}

static void rewrite_page(void) /* which shows in its ctime alone */
{
	put_file(&ground, "page", "THE PAGE");
}

static void chmod_page(void)
{
	need(fchmodat(ground.fd, "page", 0600, 0) == 0, "chmod");
}

static void replace_page(void)
{
	put_file(&ground, "new", "the page");
	need(renameat(ground.fd, "new", ground.fd, "page") == 0, "rename");
}

static void remove_page(void)
{
	need(unlinkat(ground.fd, "page", 0) == 0, "unlink");
}

static void link_page(void) /* to itself, in a way */
{
	need(renameat(ground.fd, "page", ground.fd, "moved") == 0, "rename");
	put_link(&ground, "page", "moved");
}

TEST(cache_tests, what_has_changed_is_forgotten)
{
	static void (*const changes[])(void) = { grow_page,    touch_page, age_page,
						 rewrite_page, chmod_page, replace_page,
						 remove_page,  link_page };

	for (size_t i = 0; i < LENGTH(changes); i++) {
		unlinkat(ground.fd, "page", 0);
		put_file(&ground, "page", "the page");
		offer("/page", "page", "", IDENTITY, text_of("hb"));
		expect(found("/page", "", "hb"), "change %zu: it isn't remembered", i);
		wait_a_tick();
		changes[i]();
		expect(!found("/page", "", ""), "change %zu isn't seen", i);
		ck_assert_uint_eq(cache->used, 0);
	}
}

TEST(cache_tests, a_folder_on_the_way_stays_the_same)
{
	offer("/a/b/page", "a/b/page", "", IDENTITY, text_of("hb"));
	wait_a_tick();
	put_file(&ground, "a/other", ""); /* times of a folder tell nothing of the file */
	put_file(&ground, "a/b/other", "");
	ck_assert(found("/a/b/page", "", "hb"));

	/* a link to it might as well lead out of the root */
	need(renameat(ground.fd, "a", ground.fd, "c") == 0, "rename");
	put_link(&ground, "a", "c");
	ck_assert(!found("/a/b/page", "", ""));
	need(unlinkat(ground.fd, "a", 0) == 0 && renameat(ground.fd, "c", ground.fd, "a") == 0,
	     "rename");
	offer("/a/b/page", "a/b/page", "", IDENTITY, text_of("hb"));
	ck_assert(found("/a/b/page", "", "hb"));

	/* another folder of that name has another file */
	need(renameat(ground.fd, "a", ground.fd, "c") == 0, "rename");
	put_folder(&ground, "a");
	put_folder(&ground, "a/b");
	put_file(&ground, "a/b/page", "deeper");
	ck_assert(!found("/a/b/page", "", ""));
}

TEST(cache_tests, siblings_are_watched)
{
	static const char *const accepted = "gzip, br";
	static const struct {
		const char *name, *content;
	} changes[] = { { "page.gz", "smaller" },
			{ "page", "changed" },
			{ "page.gz", "smaller still" },
			{ "page.br", "smallest" } };

	for (size_t i = 0; i < LENGTH(changes); i++) {
		put_file(&ground, changes[i].name, changes[i].content);
		expect(i == 0 || !found("/page", accepted, ""), "%s", changes[i].name);
		offer("/page", "page", accepted, GZIP, text_of("hbgz"));
		/* when there is a better one, the cache doesn't know why this one was sent */
		expect(found("/page", accepted, "hbgz") == (i < 3), "%s", changes[i].name);
		wait_a_tick();
	}
	offer("/page", "page", accepted, BR, text_of("hbbr"));
	ck_assert(found("/page", accepted, "hbbr"));
	wait_a_tick();
	need(unlinkat(ground.fd, "page.br", 0) == 0, "unlink");
	ck_assert(!found("/page", accepted, ""));
}

TEST(cache_tests, a_sibling_may_come)
{
	offer("/a/b/page", "a/b/page", "gzip", IDENTITY, text_of("hb"));
	offer("/page", "page", "gzip", IDENTITY, text_of("hb"));
	ck_assert(found("/a/b/page", "gzip", "hb"));
	ck_assert(found("/page", "gzip", "hb"));
	wait_a_tick();
	put_file(&ground, "a/b/page.gz", "");
	ck_assert(!found("/a/b/page", "gzip", ""));
	ck_assert(found("/page", "gzip", "hb"));
	put_file(&ground, "page.gz", "");
	ck_assert(!found("/page", "gzip", ""));
}

/* Where the page of a folder is the second of its names, the first may be longer than any path. */
TEST(cache_tests, an_index_that_does_not_fit)
{
	static char path[PATH_MAX], longer[NAME_MAX + 1];
	const struct http_rule names[] = { { .text = { longer, NAME_MAX } },
					   { .text = TEXT("i") } };
	const struct version was = { 0 };
	const struct source source = {
		.key = text_of("/"), .asked = { path, PATH_MAX - 6 }, .path = path, .was = &was
	};

	memset(path, 'd', PATH_MAX - 6);
	strcpy(path + PATH_MAX - 7, "/i");
	memset(longer, 'x', NAME_MAX);
	served.rules[HTTP_INDEXES] = (struct http_rule_list){ names, LENGTH(names) };
	ck_assert_ptr_null(cache_add(&now, &served, &source, text_of("hb"), 2, -1));
}

TEST(cache_tests, what_may_change_unseen_is_not_remembered)
{
	char deep[4 * CHECKS_MOST + 8] = "page";
	struct stat st;

	/* a link as the file, also where its sibling is sent, a link on the way */
	put_link(&ground, "link", "page");
	put_link(&ground, "way", "a/b");
	put_file(&ground, "link.gz", "smaller");
	offer("/link", "link", "", IDENTITY, text_of("hb"));
	offer("/link", "link", "gzip", GZIP, text_of("hb"));
	offer("/way/page", "way/page", "", IDENTITY, text_of("hb"));
	ck_assert_uint_eq(cache->used, 0);

	/* at any depth a file is checked at once; where the folder of a host is a link, each folder is */
	put_link(&ground, "host", ".");
	for (int depth = 0; depth < 2 * CHECKS_MOST; depth++) {
		for (int linked = 0; linked < 2; linked++) {
			host_folder = text_of(linked ? "host" : "");
			offer("/deep", deep, "", IDENTITY, text_of("hb"));
			ck_assert_msg(found("/deep", "", "hb") == (!linked || depth < CHECKS_MOST),
				      "%d folders, host %d", depth, linked);
			empty_cache();
		}
		memcpy(deep + 2 * depth, "d", 2);
		put_folder(&ground, deep);
		memcpy(deep + 2 * depth + 1, "/page", 6);
		put_file(&ground, deep, "");
	}

	/* longer than there is room to note */
	char wide[7 * NAME_MAX + 8] = "";

	for (size_t n = 0; n < 6 * (NAME_MAX + 1); n += NAME_MAX + 1) {
		memset(wide + n, 'w', NAME_MAX);
		wide[n + NAME_MAX] = '\0';
		put_folder(&ground, wide);
		memcpy(wide + n + NAME_MAX, "/", 2);
	}
	strcat(wide, "page");
	put_file(&ground, wide, "");
	offer("/wide", wide, "", IDENTITY, text_of("hb"));
	ck_assert_uint_eq(cache->used, 0);
	host_folder = (text){ NULL, 0 };
	offer("/wide", wide, "", IDENTITY, text_of("hb"));
	ck_assert(found("/wide", "", "hb"));
	empty_cache();

	/* what was sent isn't what is there by now */
	need(fstatat(ground.fd, "page", &st, 0) == 0, "page");

	struct version was = version_of(&st);
	const struct source source = { .key = text_of("/page"),
				       .asked = text_of("page"),
				       .preference = preference_for(""),
				       .path = "page",
				       .was = &was };

	was.size++;
	ck_assert_ptr_null(cache_add(&now, &served, &source, text_of("hb"), 2, -1));
	was.size--;
	ck_assert_ptr_nonnull(cache_add(&now, &served, &source, text_of("hb"), 2, -1));
	ck_assert(found("/page", "", "hb"));
}

TEST(cache_tests, what_has_just_changed_is_not_remembered)
{
	struct stat st;

	need(fstatat(ground.fd, "page", &st, 0) == 0, "page");
	now.wall = st.st_ctim;
	offer("/page", "page", "", IDENTITY, text_of("hb"));
	ck_assert_uint_eq(cache->used, 0);
	now.wall.tv_sec++;
	offer("/page", "page", "", IDENTITY, text_of("hb"));
	ck_assert(found("/page", "", "hb"));
	/* nor is what a sibling that has just changed was sent for */
	put_file(&ground, "page.gz", "smaller");
	put_times(&ground, "page.gz", now.wall.tv_sec + 9, now.wall.tv_nsec);
	now.wall.tv_sec += 9;
	empty_cache();
	offer("/page", "page", "gzip", GZIP, text_of("hb"));
	ck_assert_uint_eq(cache->used, 0);
	now.wall.tv_sec++;
	offer("/page", "page", "gzip", GZIP, text_of("hb"));
	ck_assert(found("/page", "gzip", "hb"));
	/* and neither is what will be changed in the future, they say */
	put_times(&ground, "page", now.wall.tv_sec + 1000, 0);
	empty_cache();
	now.wall.tv_sec += 10;
	offer("/page", "page", "", IDENTITY, text_of("hb"));
	ck_assert_uint_eq(cache->used, 0);
}

TEST(cache_tests, settling_takes_a_moment)
{
	static const struct {
		struct timespec changed, modified, now;
		bool settled;
	} rows[] = {
		{ { 100, 1 }, { 50, 0 }, { 100, 1 }, false },
		{ { 100, 1 }, { 50, 0 }, { 100, 50000001 }, false },
		{ { 100, 1 }, { 50, 0 }, { 100, 51000001 }, true },
		{ { 100, 1 }, { 100, 0 }, { 101, 0 }, true },
		{ { 100, 980000000 }, { 50, 0 }, { 101, 10000000 }, false },
		{ { 100, 980000000 }, { 50, 0 }, { 101, 31000000 }, true },
		{ { 100, 0 }, { 200, 1 }, { 150, 0 }, false },
		{ { 100, 0 }, { 200, 1 }, { 200, 51000001 }, true },
		{ { 100, 1 }, { 50, 0 }, { 99, 0 }, false },
		/* times without fractions */
		{ { 100, 0 }, { 50, 0 }, { 100, 51000000 }, false },
		{ { 100, 0 }, { 50, 0 }, { 102, 0 }, false },
		{ { 100, 0 }, { 50, 0 }, { 102, 1000000 }, true },
		{ { 50, 0 }, { 100, 0 }, { 102, 0 }, false },
		{ { 50, 0 }, { 100, 0 }, { 102, 1000000 }, true },
		/* and any that a file system may have */
		{ { INT64_MIN, 0 }, { INT64_MIN, 999999999 }, { 100, 0 }, true },
		{ { INT64_MAX, 0 }, { 50, 0 }, { 100, 0 }, false },
		{ { 50, 0 }, { INT64_MAX, 999999999 }, { 100, 0 }, false },
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		const struct stat st = { .st_ctim = rows[i].changed, .st_mtim = rows[i].modified };

		const struct version version = version_of(&st);

		expect(settled(&version, &rows[i].now) == rows[i].settled, "row %zu", i);
	}
}

TEST(cache_tests, what_nobody_asks_for_is_forgotten)
{
	now.clock = SECONDS(100);
	ck_assert_int_eq(http_cache_tidy(cache, &now), INT64_MAX);
	offer("/1", "page", "", IDENTITY, text_of("hb"));
	now.clock += 5;
	offer("/2", "page", "", IDENTITY, text_of("hb"));
	ck_assert_int_eq(http_cache_tidy(cache, &now), SECONDS(100) + CACHE_KEPT);
	now.clock = SECONDS(100) + CACHE_KEPT - 1;
	http_cache_tidy(cache, &now);
	ck_assert(found("/2", "", "hb"));
	now.clock++;
	ck_assert_int_eq(http_cache_tidy(cache, &now), SECONDS(100) + 2 * CACHE_KEPT - 1);
	ck_assert(!found("/1", "", ""));
	ck_assert(found("/2", "", "hb"));
	now.clock += SECONDS(1000);
	ck_assert_int_eq(http_cache_tidy(cache, &now), INT64_MAX);
	ck_assert_uint_eq(cache->used, 0);
}

/* ---- seen from outside -------------------------------------------------------- */

/* A client that says these requests, one after another. */
static struct talk *converse(const char *const *requests, size_t count)
{
	struct talk *talk = open_talk(&served);

	for (size_t i = 0; i < count; i++)
		talk_say(talk, requests[i]);
	return talk;
}

TEST(cache_tests, a_cache_changes_no_answer)
{
	static const char *const requests[] = {
		"GET /page" ON "\r\n",
		"GET /page" ON "\r\n",
		"HEAD /page" ON "\r\n",
		"GET /page" ON "Accept-Encoding: gzip\r\n\r\n",
		"GET /page" ON "Accept-Encoding: gzip\r\n\r\n",
		"GET /page" ON "Accept-Encoding: br\r\n\r\n",
		"GET /page" ON "Range: bytes=1-2\r\n\r\n",
		"GET /page" ON "If-Modified-Since: " FILE_DATE "\r\n\r\n",
		"GET /page" ON "If-None-Match: *\r\n\r\n",
		"GET /page" ON "If-Match: \"x\"\r\n\r\n",
		"POST /page" ON "Content-Length: 1\r\n\r\nx",
		"OPTIONS /page" ON "\r\n",
		"PUT /page" ON "\r\n",
		"GET /" ON "\r\n",
		"GET /" ON "\r\n",
		"HEAD /" ON "\r\n",
		"GET /?query" ON "\r\n",
		"GET //page" ON "\r\n",
		"GET /page?query" ON "\r\n",
		"GET http://a/page" ON "\r\n",
		"GET /page HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
		"GET /page HTTP/1.0\r\n\r\n",
	};
	struct talk *without, *with;

	put_file(&ground, "page.gz", "small");
	put_file(&ground, "index.html", "<p>index");
	now.cache = NULL;
	without = converse(requests, LENGTH(requests));
	ck_assert_uint_eq(without->logs, LENGTH(requests));
	now.cache = cache;
	for (int i = 0; i < 2; i++) {
		with = converse(requests, LENGTH(requests));
		ck_assert(same(talk_heard(with), talk_heard(without)));
	}
	/* "/page" plainly, with gzip and with br, and "/" */
	ck_assert_uint_eq(count_entries(), 4);
}

/* Whoever spells a name in a thousand ways pushes nobody's answer out. */
TEST(cache_tests, all_spellings_are_one)
{
	static const char *const requests[] = {
		"GET /a/b/page" ON "\r\n",         "GET //a/b///page" ON "\r\n",
		"GET /%61/b/p%61ge" ON "\r\n",     "GET /a/b/p%61%67e" ON "\r\n",
		"GET /./a/./b/page" ON "\r\n",     "GET /x/../a/b/page" ON "\r\n",
		"GET /%2e/a/b/page" ON "\r\n",     "GET /a/b/%2E%2e/b/page" ON "\r\n",
		"GET http://a/a/b/page" ON "\r\n", "GET /a/b/page?with=query" ON "\r\n",
	};

	(void)converse(requests, LENGTH(requests));
	ck_assert_uint_eq(count_entries(), 1);
	ck_assert(is_text((text){ cache->newest->bytes, cache->newest->key_len }, "a/b/page"));
}

/* A folder's own address and that of its index are two, for one may be a redirect. */
TEST(cache_tests, a_folder_and_its_index_are_two)
{
	static const char *const requests[] = {
		"GET /a/" ON "\r\n",     "GET /a/index.html" ON "\r\n", "GET /a" ON "\r\n",
		"GET /a/b/.." ON "\r\n", "GET /a/." ON "\r\n",
	};
	static const int wanted[] = { 200, 200, 301, 200, 200 };
	struct talk *talk;

	put_file(&ground, "a/index.html", "<p>index");
	talk = converse(requests, LENGTH(requests));
	for (size_t i = 0; i < LENGTH(wanted); i++)
		next_reply(talk, wanted[i]);
	ck_assert_uint_eq(count_entries(), 2);
}

TEST(cache_tests, a_change_is_seen_at_once)
{
	static const char *const get = "GET /page" ON "\r\n";
	struct talk *talk = open_talk(&served);

	talk_say(talk, get);
	ck_assert_uint_gt(cache->used, 0);
	talk_say(talk, get);
	wait_a_tick();
	rewrite_page();
	talk_say(talk, get);
	remove_page();
	talk_say(talk, get);
	for (int i = 0; i < 3; i++)
		ck_assert(is_text(next_reply(talk, 200).body, i == 2 ? "THE PAGE" : "the page"));
	next_reply(talk, 404);
}

/* A look at a file counts for the requests that were received before it, and for no others. */
TEST(cache_tests, requests_received_together_share_a_look)
{
	static const char get[] = "GET /page" ON "\r\n";
	struct talk talks[4];

	for (int i = 0; i < 4; i++)
		talk_open(&talks[i], &served, &now);
	talk_say(&talks[0], get);
	for (int i = 1; i < 4; i++)
		need(talk_send(&talks[i], get, i < 3 ? sizeof(get) - 1 : 9), "send");
	for (int i = 1; i < 4; i++)
		http_receive(&talks[i].conn, &now);
	talk_step(&talks[1]);
	wait_a_tick();
	rewrite_page();
	talk_step(&talks[2]);
	talk_step(&talks[3]); /* which has received what there was */
	need(talk_send(&talks[3], get + 9, sizeof(get) - 1 - 9), "send");
	talk_step(&talks[3]);
	for (int i = 0; i < 4; i++) {
		text body = next_reply(&talks[i], 200).body;

		expect(is_text(body, i < 3 ? "the page" : "THE PAGE"), "%d: %.*s", i, SHOWN(body));
		no_more(&talks[i]);
		talk_close(&talks[i]);
	}
}

/* A client that has left, or has sent too much for now, is found by the step that follows. */
TEST(cache_tests, an_end_is_received_by_the_step)
{
	struct talk *talk = open_talk(&served);

	need(talk_send(talk, "GET /pa", 7), "send");
	http_receive(&talk->conn, &now);
	http_receive(&talk->conn, &now); /* there is nothing more */
	ck_assert_int_eq(talk_step(talk), HTTP_READ);
	shutdown(talk->far, SHUT_WR);
	http_receive(&talk->conn, &now);
	talk_step(talk);
	ck_assert_uint_eq(talk->logs, 1);
	ck_assert_int_eq(talk->logged[0].status, 400);
}

/* Larger than what is kept as it is, and than a socket takes at once. */
enum { BIG_SIZE = 1 << 20 };

static void put_big(const char *name, char byte)
{
	static char content[BIG_SIZE];

	memset(content, byte, sizeof(content));
	put_bytes(&ground, name, content, sizeof(content));
}

/* The next answer is all of a big file, whose bytes are all the same. */
static void expect_big(struct talk *talk, char byte)
{
	text body = next_reply(talk, 200).body;

	ck_assert_uint_eq(body.len, BIG_SIZE);
	for (size_t i = 0; i < body.len; i++)
		expect(body.at[i] == byte, "byte %zu", i);
}

TEST(cache_tests, large_files_are_kept_open)
{
	struct talk *talk = open_talk(&served);

	put_big("big1", '1');
	put_big("big2", '2');
	put_big("big3", '3');
	for (int i = 0; i < 2; i++) {
		talk_say(talk, "GET /big1" ON "\r\n");
		talk_say(talk, "GET /big2" ON "\r\n");
		talk_say(talk, "GET /big3" ON "\r\n"); /* for which there is no room */
		talk_say(talk, "HEAD /big1" ON "\r\n");
		ck_assert_uint_eq(cache->files, CACHE_FILES);
		ck_assert_int_eq(count_descriptors(), descriptors + 2 + CACHE_FILES);
	}
	for (int i = 0; i < 2; i++) {
		struct reply reply;

		expect_big(talk, '1');
		expect_big(talk, '2');
		expect_big(talk, '3');
		reply = next_reply(talk, 200);
		ck_assert(reply_has(&reply, "Content-Length", "1048576"));
	}
	no_more(talk);
	now.clock += CACHE_KEPT;
	http_cache_tidy(cache, &now);
	ck_assert_uint_eq(cache->files, 0);
}

/* Two clients are sent one file from one descriptor, and meanwhile it is replaced and forgotten. */
TEST(cache_tests, large_files_stay_while_they_are_sent)
{
	struct talk *first, *second, *third;

	put_big("big", '1');
	first = open_talk(&served);
	second = open_talk(&served);
	third = open_talk(&served);
	first->deaf = second->deaf = true;
	ck_assert_int_eq(talk_say(first, "GET /big" ON "\r\n"), HTTP_WRITE);
	ck_assert_int_eq(talk_say(second, "GET /big" ON "\r\n"), HTTP_WRITE);
	ck_assert_uint_eq(cache->files, 1);
	ck_assert_int_eq(first->conn.work->body.fd, second->conn.work->body.fd);
	wait_a_tick();
	put_big("new", '2');
	need(renameat(ground.fd, "new", ground.fd, "big") == 0, "rename");
	talk_say(third, "GET /big" ON "\r\n");
	ck_assert_uint_eq(cache->files, 2);
	now.clock += CACHE_KEPT;
	http_cache_tidy(cache, &now);
	ck_assert_ptr_null(cache->newest);
	ck_assert_uint_eq(cache->files, 1); /* the first one, which is still being sent */
	first->deaf = false;
	talk_step(first);
	expect_big(first, '1');
	expect_big(third, '2');
	ck_assert_uint_eq(cache->files, 1);
	close_talk(second); /* in the middle */
	ck_assert_uint_eq(cache->files, 0);
}
