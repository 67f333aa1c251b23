/* Listings of folders: read, sorted, written. */
#include "check.h"

static const struct listing_style all_styles[] = {
	{ BY_NAME, false, AS_HTML }, { BY_NAME, true, AS_HTML },  { BY_SIZE, false, AS_HTML },
	{ BY_SIZE, true, AS_HTML },  { BY_TIME, false, AS_HTML }, { BY_TIME, true, AS_HTML },
	{ BY_NAME, false, AS_TEXT }, { BY_SIZE, true, AS_TEXT },
};

static struct listing *new_listing(struct listing_style style)
{
	struct listing *list = calloc(1, sizeof(*list));

	need(list, "calloc");
	list->style = style;
	return list;
}

static void add(struct listing *list, const char *name, bool folder, int64_t size, int64_t when)
{
	const struct stat st = { .st_mode = folder ? S_IFDIR : S_IFREG,
				 .st_size = size,
				 .st_mtim = { when, 0 } };

	expect(add_item(list, &now, name, &st, (text){ NULL, 0 }), "%s isn't added", name);
}

static const char *name_of(const struct listing *list, uint32_t i)
{
	return item_name(item_at(list, i)).at;
}

static void sort_all(struct listing *list)
{
	uint64_t moves = 0;
	int calls = 1;

	list->run = 1;
	begin_merge(list, 0);
	for (; !sort_some(list); calls++)
		ck_assert_int_le(calls, 1000);
	for (uint64_t run = 1; run < list->count; run *= 2)
		moves += list->count;
	ck_assert_uint_ge((uint64_t)calls, moves / SORT_STEP); /* so many a call, and no more */
}

static void begin_listing(void)
{
	now = turn_at(0);
}

static struct group listing_tests = { .suite = "listing",
				      .name = "listing",
				      .begin = begin_listing };

/* ---- what people read ------------------------------------------------------ */

static void name_size(uint64_t n, char *name, size_t size)
{
	struct out o = { name, 0, size - 1, false };

	put_size(&o, n);
	name[o.len] = '\0';
}

TEST(listing_tests, sizes_are_written)
{
	static const struct {
		uint64_t size;
		const char *name;
	} rows[] = {
		{ 0, "0 B" },
		{ 1, "1 B" },
		{ 999, "999 B" },
		{ 1000, "1.0 kB" },
		{ 1049, "1.0 kB" },
		{ 1050, "1.1 kB" },
		{ 9949, "9.9 kB" },
		{ 9950, "10 kB" },
		{ 12400, "12 kB" },
		{ 12900, "13 kB" },
		{ 99900, "100 kB" },
		{ 999400, "999 kB" },
		{ 999500, "1.0 MB" },
		{ 4200000, "4.2 MB" },
		{ 5368709120, "5.4 GB" },
		{ UINT64_C(999500000000), "1.0 TB" },
		{ INT64_MAX, "9.2 EB" },
		{ UINT64_MAX, "18 EB" },
	};
	char name[32];

	for (size_t i = 0; i < LENGTH(rows); i++) {
		name_size(rows[i].size, name, sizeof(name));
		expect(strcmp(name, rows[i].name) == 0, "%ju: %s, not %s", (uintmax_t)rows[i].size,
		       name, rows[i].name);
	}
}

/* What is shown is the nearest that can be shown (or, rounded twice, hardly farther). */
TEST(listing_tests, sizes_are_rounded)
{
	static const char units[] = "BkMGTPE";
	uint64_t seed = 4;
	char name[32], unit;

	for (int i = 0; i < 20000; i++) {
		uint64_t n = any_number(&seed) >> i % 64;
		double shown, scale = 1, last;

		name_size(n, name, sizeof(name));
		expect(sscanf(name, "%lf %c", &shown, &unit) == 2 && strchr(units, unit), "%s",
		       name);
		for (const char *u = units; *u != unit; u++)
			scale *= 1000;
		last = strchr(name, '.') ? scale / 10 : scale;
		expect(shown < 1000 && (unit == 'B' || shown >= 1), "%s", name);
		expect((strchr(name, '.') != NULL) == (unit != 'B' && shown < 10), "%s", name);

		double off = shown * scale - (double)n;

		expect(off <= 0.56 * last && off >= -0.56 * last, "%ju: %s", (uintmax_t)n, name);
	}
}

TEST(listing_tests, moments_are_written)
{
	static const struct {
		int64_t when;
		const char *page, *plain;
	} rows[] = {
		{ FILE_TIME, "2001-09-09 01:46", "2001-09-09T01:46:40Z" },
		{ 0, "1970-01-01 00:00", "1970-01-01T00:00:00Z" },
		{ -62167219200, "0000-01-01 00:00", "0000-01-01T00:00:00Z" },
		{ 253402300799, "9999-12-31 23:59", "9999-12-31T23:59:59Z" },
		{ 253402300800, "-", "-" },
		{ INT64_MIN, "-", "-" },
	};

	for (size_t i = 0; i < LENGTH(rows); i++)
		for (int plain = 0; plain < 2; plain++) {
			char written[32];
			struct out o = { written, 0, sizeof(written), false };

			put_moment(&o, rows[i].when, plain);
			expect(is_text((text){ written, o.len },
				       plain ? rows[i].plain : rows[i].page),
			       "%.*s", (int)o.len, written);
		}
}

TEST(listing_tests, the_root_has_no_way_up)
{
	struct listing *list = new_listing(all_styles[0]);
	char page[8192];
	struct out o = { page, 0, sizeof(page) - 1, false };

	put_listing_head(&o, list, "");
	page[o.len] = '\0';
	ck_assert(strstr(page, "<title>/</title>"));
	ck_assert(!strstr(page, "../"));
	free_listing(list, &now);
}

/* step_listing() has what begin_answer() has left for a head, and a row of any name fits alone. */
TEST(listing_tests, the_longest_fit)
{
	struct listing *list = new_listing(all_styles[0]);
	struct out head = { NULL, 0, 0, false }, tail = head, row = head;
	char path[PATH_MAX];

	memset(path, '"', sizeof(path));
	path[PATH_MAX - 1] = '\0';
	add(list, path, true, INT64_MAX, FILE_TIME); /* longer than any file system has them */
	put_listing_head(&head, list, path);
	put_listing_tail(&tail, list);
	put_row(&row, list, item_at(list, 0));
	ck_assert_uint_le(row.len, HTTP_OUT_SIZE);
	ck_assert_uint_le(tail.len, HTTP_OUT_SIZE);
	ck_assert_uint_le(head.len, OUT_ROOM - 16384);
	free_listing(list, &now);
}

/* ---- order ---------------------------------------------------------------- */

TEST(listing_tests, folders_come_first)
{
	static const struct {
		struct listing_style style;
		const char *order;
	} rows[] = {
		{ { BY_NAME, false, AS_HTML }, "dir e E2 a B c1 C2 " },
		{ { BY_NAME, true, AS_HTML }, "E2 e dir C2 c1 B a " },
		{ { BY_SIZE, false, AS_HTML }, "dir e E2 B c1 a C2 " },
		{ { BY_SIZE, true, AS_HTML }, "E2 e dir C2 a c1 B " },
		{ { BY_TIME, false, AS_HTML }, "e E2 dir C2 a B c1 " },
		{ { BY_TIME, true, AS_HTML }, "dir E2 e c1 B a C2 " },
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct listing *list = new_listing(rows[i].style);
		char order[64] = "";

		add(list, "c1", false, 10, 9);
		add(list, "e", true, 7, 2);
		add(list, "a", false, 30, 5);
		add(list, "C2", false, INT64_MAX, -5);
		add(list, "B", false, 10, 5);
		add(list, "E2", true, 9, 2);
		add(list, "dir", true, 8, 3);
		sort_all(list);
		for (uint32_t k = 0; k < list->count; k++) {
			strcat(order, name_of(list, k));
			strcat(order, " ");
		}
		expect(strcmp(order, rows[i].order) == 0, "row %zu: %s", i, order);
		free_listing(list, &now);
	}
}

/*
 * Case, bytes above 127, numbers, and names that others begin with. What differs in case or zeros alone
 * is in the order of its bytes.
 */
TEST(listing_tests, names_are_in_natural_order)
{
	static const char *const names[] = {
		"\x01",   " a", "#",        "0",         "00",        "01",          "1",
		"2",      "10", "99999999", "100000000", "100000001", "99999999999", ":",
		"[",      "_",  "A",        "a",         "a-",        "a0",          "a00",
		"a01",    "a1", "a1-",      "A1b",       "a2",        "a10",         "a10b9",
		"a10B10", "AB", "Ab",       "aB",        "ab",        "abc",         "b",
		"z",      "~",  "\x80",     "\xc3\x89",  "\xc3\xa9",  "\xff",
	};

	for (size_t s = 0; s < LENGTH(all_styles); s++)
		for (size_t step = 1; step < LENGTH(names); step++) {
			struct listing *list = new_listing(all_styles[s]);

			/* 41 names, a prime number: each step visits all of them */
			for (size_t i = 0; i < LENGTH(names); i++)
				add(list, names[i * step % LENGTH(names)], false, 1, 1);
			sort_all(list);
			for (uint32_t i = 0; i < LENGTH(names); i++) {
				size_t at = list->style.descending ? LENGTH(names) - 1 - i : i;

				expect(strcmp(name_of(list, i), names[at]) == 0,
				       "style %zu: %s, not %s", s, name_of(list, i), names[at]);
			}
			free_listing(list, &now);
		}
}

/* All bytes; or few, so that many names are alike but for case and zeros. */
static void add_random(struct listing *list, uint64_t *seed, int longest)
{
	static const char few[] = "aAbB009-.\xc3";
	char name[NAME_MAX + 1];
	size_t n = 1 + (size_t)(any_number(seed) % (uint64_t)longest);
	bool any = any_number(seed) % 2;

	for (size_t i = 0; i < n; i++)
		do
			name[i] = any ? (char)any_number(seed)
				      : few[any_number(seed) % (sizeof(few) - 1)];
		while (name[i] == '\0' || name[i] == '/');
	name[n] = '\0';
	/* few sizes and times, so that many are equal */
	add(list, name, any_number(seed) % 3 == 0, (int64_t)(any_number(seed) % 4),
	    (int64_t)(any_number(seed) % 4) - 2);
}

/* How names are compared without their keys. */
static int natural_order(const char *a, const char *b)
{
	for (;; a++, b++) {
		if (is_digit(*a) && is_digit(*b)) {
			size_t more, digits;

			a += strspn(a, "0");
			b += strspn(b, "0");
			digits = strspn(a, "0123456789");
			more = strspn(b, "0123456789");
			if (digits != more)
				return digits < more ? -1 : 1;
			if (memcmp(a, b, digits) != 0)
				return memcmp(a, b, digits);
			a += digits;
			b += digits;
		}
		if (lower(*a) != lower(*b) || !*a)
			return lower(*a) - lower(*b);
	}
}

/* Folders come first, then the key of the style decides, then the name. */
static int compare_items(const struct listing_style *style, const struct item *a,
			 const struct item *b)
{
	int64_t order = 0;

	if (a->folder != b->folder)
		return b->folder - a->folder;
	if (style->key == BY_SIZE)
		order = (a->size > b->size) - (a->size < b->size);
	else if (style->key == BY_TIME)
		order = (a->time > b->time) - (a->time < b->time);
	if (order == 0)
		order = natural_order(item_name(a).at, item_name(b).at);
	if (order == 0)
		order = strcmp(item_name(a).at, item_name(b).at);
	return (int)(style->descending ? -order : order);
}

static int compare_offsets(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

static void check_sort(struct listing_style style, uint32_t count, int longest, uint64_t *seed)
{
	struct listing *list = new_listing(style);
	uint32_t *before = malloc((count + 1) * sizeof(*before)), *after;

	after = malloc((count + 1) * sizeof(*after));
	need(before && after, "malloc");
	while (list->count < count)
		add_random(list, seed, longest);
	for (uint32_t i = 0; i < count; i++)
		before[i] = list->places[list->order + i].item;
	sort_all(list);
	for (uint32_t i = 0; i < count; i++)
		after[i] = list->places[list->order + i].item;
	/* of two of the same name (which no folder has) either may be first */
	for (uint32_t i = 1; i < count; i++)
		expect(compare_items(&style, item_at(list, i - 1), item_at(list, i)) <= 0,
		       "%u of %u: %s, %s", i, count, name_of(list, i - 1), name_of(list, i));
	qsort(after, count, sizeof(*after), compare_offsets);
	ck_assert_mem_eq(before, after, count * sizeof(*after));
	free(before);
	free(after);
	free_listing(list, &now);
}

TEST(listing_tests, merging_sorts)
{
	uint64_t seed = 6;

	for (uint32_t count = 0; count < 70; count++)
		check_sort(all_styles[count % LENGTH(all_styles)], count, 6, &seed);
	for (size_t s = 0; s < LENGTH(all_styles); s++)
		for (int longest = 3; longest < NAME_MAX; longest *= 3)
			check_sort(all_styles[s], 1000 + (uint32_t)s * 13, longest, &seed);
}

/* Numbers up to the longest name that a file system has, and one byte more than a length fits into. */
TEST(listing_tests, long_numbers_are_in_order)
{
	struct listing *list = new_listing(all_styles[0]);
	char name[4096];
	int digits[] = { 1, 7, 8, 9, 10, 255, 256, 257, 511, 512, 4095 };

	for (size_t i = LENGTH(digits); i-- > 0;)
		for (char last = '9'; last >= '0'; last--) {
			memset(name, '1', (size_t)digits[i]);
			name[digits[i] - 1] = last;
			name[digits[i]] = '\0';
			add(list, name, false, 1, 1);
		}
	sort_all(list);
	for (uint32_t i = 0; i < list->count; i++) {
		size_t len = (size_t)digits[i / 10];

		ck_assert_uint_eq(strlen(name_of(list, i)), len);
		ck_assert_int_eq(name_of(list, i)[len - 1], (int)('0' + i % 10));
	}
	free_listing(list, &now);
}

/* HEAD keeps nothing of the rows, whose length is the same. */
TEST(listing_tests, length_only_keeps_nothing)
{
	for (size_t s = 0; s < LENGTH(all_styles); s++) {
		struct listing *lists[2] = { new_listing(all_styles[s]),
					     new_listing(all_styles[s]) };

		lists[1]->length_only = true;
		for (int i = 0; i < 2; i++) {
			uint64_t seed = 9;

			for (int k = 0; k < 3000; k++)
				add_random(lists[i], &seed, NAME_MAX);
		}
		ck_assert_uint_eq(lists[0]->rows_len, lists[1]->rows_len);
		ck_assert_uint_eq(lists[0]->bytes, lists[1]->bytes);
		ck_assert_uint_eq(lists[0]->folders, lists[1]->folders);
		ck_assert_uint_eq(lists[0]->count, lists[1]->count);
		ck_assert_uint_le(lists[1]->held, 2048);
		free_listing(lists[0], &now);
		free_listing(lists[1], &now);
		ck_assert_uint_eq(now.memory, 0);
	}
}

/* The length that is announced before the first row is written is what is written. */
TEST(listing_tests, rows_are_as_long_as_announced)
{
	for (size_t s = 0; s < LENGTH(all_styles); s++) {
		struct listing *list = new_listing(all_styles[s]);
		struct out counted = { NULL, 0, 0, false };
		uint64_t seed = 7 + s, bytes = 0;
		uint32_t folders = 0;

		while (list->count < 300)
			add_random(list, &seed, NAME_MAX);
		sort_all(list);
		for (uint32_t i = 0; i < list->count; i++) {
			const struct item *item = item_at(list, i);

			put_row(&counted, list, item);
			folders += item->folder;
			bytes += item->folder ? 0 : (uint64_t)item->size;
		}
		ck_assert_uint_eq(counted.len, list->rows_len);
		ck_assert_uint_eq(folders, list->folders);
		ck_assert_uint_eq(bytes, list->bytes);
		free_listing(list, &now);
	}
}

/* ---- bounds --------------------------------------------------------------- */

TEST(listing_tests, memory_is_counted)
{
	const struct stat st = { .st_mode = S_IFREG };
	struct listing *list = new_listing(all_styles[0]);
	size_t spare = 300 << 10, count = 0;

	now.memory = LISTS_MOST - spare;
	while (add_item(list, &now, "a name of some length", &st, (text){ NULL, 0 }))
		ck_assert_uint_lt(count++, spare);
	ck_assert_uint_gt(count, 1000);
	ck_assert_uint_eq(count, list->count);
	ck_assert_uint_le(now.memory, LISTS_MOST);
	ck_assert_uint_eq(list->held, now.memory - (LISTS_MOST - spare));
	ck_assert_uint_ge(list->held, list->room * 2 * sizeof(struct place) + list->items_room);
	/* it can be freed from there, and gives back what it took */
	free_listing(list, &now);
	ck_assert_uint_eq(now.memory, LISTS_MOST - spare);
	now.memory = 0;
}

/* ---- reading -------------------------------------------------------------- */

/* What is listed of a folder, by name: the size of each file, whose time is the usual one. */
static void list_names(const struct tree *tree, const char *folder, char *names, size_t size)
{
	const struct http_site site = site_of(tree);
	struct listing *list = new_listing(all_styles[0]);
	int status;

	list->dir = fdopendir(opened(&site, folder, O_RDONLY | O_DIRECTORY));
	need(list->dir, folder);
	do
		status = read_entries(&site, &now, folder, list);
	while (status == 0 && list->dir);
	ck_assert_int_eq(status, 0);
	sort_all(list);
	names[0] = '\0';
	for (uint32_t i = 0; i < list->count; i++) {
		const struct item *item = item_at(list, i);
		size_t n = strlen(names);

		if (item->folder)
			snprintf(names + n, size - n, "%s/ ", name_of(list, i));
		else
			snprintf(names + n, size - n, "%s=%jd ", name_of(list, i),
				 (intmax_t)item->size);
		expect(item->folder || item->time == FILE_TIME, "%s", name_of(list, i));
	}
	free_listing(list, &now);
}

/* Size, time and kind are those of what a link leads to. */
TEST(listing_tests, what_can_be_reached_is_listed)
{
	struct tree tree;
	char names[512];

	make_tree(&tree);
	put_file(&tree, "file", "12345");
	put_file(&tree, ".hidden", "");
	put_folder(&tree, ".well-known");
	put_folder(&tree, "dir");
	put_file(&tree, "dir/inner", "");
	put_link(&tree, "dir/up", "..");
	put_link(&tree, "dir/to-file", "../file");
	put_link(&tree, "dir/beyond", "../../etc");
	put_link(&tree, "to-file", "file");
	put_link(&tree, "to-dir", "dir/");
	put_link(&tree, "to-hidden", ".hidden");
	put_link(&tree, "out", "/etc/passwd");
	put_link(&tree, "gone", "nowhere");
	put_link(&tree, "loop", "loop");
	put_link(&tree, "to-pipe", "pipe");
	need(mkfifoat(tree.fd, "pipe", 0644) == 0, "mkfifo");
	list_names(&tree, "", names, sizeof(names));
	ck_assert_str_eq(names, "dir/ to-dir/ file=5 to-file=5 to-hidden=0 ");
	list_names(&tree, "dir/", names, sizeof(names));
	ck_assert_str_eq(names, "up/ inner=0 to-file=5 ");
	list_names(&tree, "to-dir/", names, sizeof(names));
	ck_assert_str_eq(names, "up/ inner=0 to-file=5 ");
	remove_tree(&tree);
}

/* A list of what could be looked at just now would pass for the whole. */
TEST(listing_tests, a_part_is_no_listing)
{
	static const struct {
		enum call call;
		int error, status;
		uint32_t count;
	} rows[] = {
		{ STAT, EIO, EIO, 0 },          { STAT, ENOMEM, ENOMEM, 0 },
		{ OPENAT2, EMFILE, EMFILE, 0 }, { OPENAT2, EIO, EIO, 0 },
		{ STAT, ENOENT, 0, 0 },         { STAT, EACCES, 0, 0 },
		{ OPENAT2, ENOENT, 0, 0 },      { NO_CALL, 0, 0, 1 },
	};
	struct tree tree;

	make_tree(&tree);
	put_folder(&tree, "dir");
	put_file(&tree, "file", "12345");
	put_link(&tree, "dir/link", "../file");
	for (size_t i = 0; i < LENGTH(rows); i++) {
		const struct http_site site = site_of(&tree);
		struct listing *list = new_listing(all_styles[0]);
		int status;

		list->dir = fdopendir(opened(&site, "dir", O_RDONLY | O_DIRECTORY));
		need(list->dir, "dir");
		fail_next(rows[i].call, rows[i].error);
		status = read_entries(&site, &now, "dir/", list);
		expect(status == rows[i].status && list->count == rows[i].count,
		       "row %zu: %d, %u listed", i, status, list->count);
		free_listing(list, &now);
	}
	remove_tree(&tree);
}
