/* Names, and the descriptors they lead to. */
#include "check.h"

#include <sys/resource.h>
#include <sys/un.h>

static struct group path_tests = { .suite = "names", .name = "paths" };

TEST(path_tests, paths_are_bounded)
{
	char raw[3 * PATH_MAX + 1], path[PATH_MAX];

	memset(raw, 'a', sizeof(raw));
	raw[0] = '/';
	ck_assert_int_eq(decode_path((text){ raw, PATH_MAX }, path), 0);
	ck_assert_uint_eq(strlen(path), PATH_MAX - 1);
	ck_assert_int_eq(decode_path((text){ raw, PATH_MAX + 1 }, path), 404);
	/* its length is what it is when it is decoded */
	for (size_t i = 1; i + 3 <= sizeof(raw); i += 3)
		memcpy(raw + i, "%61", 3);
	ck_assert_int_eq(decode_path((text){ raw, 3 * (PATH_MAX - 1) + 1 }, path), 0);
	ck_assert_uint_eq(strlen(path), PATH_MAX - 1);
	ck_assert_int_eq(decode_path((text){ raw, sizeof(raw) }, path), 404);
	memset(raw, '/', sizeof(raw));
	ck_assert_int_eq(decode_path((text){ raw, sizeof(raw) }, path), 0);
	ck_assert_str_eq(path, "");
	for (size_t i = 1; i < sizeof(raw); i += 2)
		raw[i] = '.';
	ck_assert_int_eq(decode_path((text){ raw, sizeof(raw) }, path), 0);
	ck_assert_str_eq(path, "");
}

/* What a listing links to is what is found. */
TEST(path_tests, names_survive_their_url)
{
	for (int c = 1; c < 256; c++) {
		const char name[] = { 'x', (char)c, 'y', '\0' };
		char url[16] = "/", path[PATH_MAX];
		struct out o = { url, 1, sizeof(url), false };

		if (c == '/')
			continue;
		put_url(&o, text_of(name));
		expect(all_of((text){ url, o.len }, TARGET), "0x%02x", (unsigned)c);
		expect(decode_path((text){ url, o.len }, path) == 0 && strcmp(path, name) == 0,
		       "0x%02x", (unsigned)c);
	}
}

/* ---- the one way from a name to a descriptor --------------------------------- */

static struct tree names_tree;      /* "site", which is served, and "outside" */
static struct http_site by_openat2; /* and the same as if the kernel had none: */
static struct http_site by_walking;

enum { CHAIN = WALK_LINKS + 2, DEEP = WALK_DEPTH + 2 };

static void make_links(void)
{
	static const char *const links[][2] = {
		{ "in", "dir/file" },
		{ "in-dir", "dir" },
		{ "in-dir-slash", "dir/" },
		{ "in-file-slash", "file/" },
		{ "up", ".." },
		{ "out", "../outside/secret" },
		{ "out-dir", "../outside" },
		{ "out-and-in", "../site/file" },
		{ "away", "dir/../../outside/secret" },
		{ "abs-root", "/" },
		{ "gone", "nowhere" },
		{ "gone-dir", "nowhere/file" },
		{ "loop", "loop" },
		{ "ping", "pong" },
		{ "pong", "ping" },
		{ "back", "dir/../file" },
		{ "here", "." },
		{ "dots", "dir/sub/../.." },
		{ "dots-slash", "dir/sub/../" },
		{ "dir/up", ".." },
		{ "dir/up-file", "../file" },
		{ "dir/beyond", "../../outside/secret" },
		{ "chain1", "chain2" },
		{ "chain2", "dir/chain3" },
		{ "dir/chain3", "../in-dir/sub" },
		{ "through", "file/../file" },
		{ "to-hidden", ".hidden" },
		{ "link0", "file" },
	};
	char name[64], target[PATH_MAX + 32];

	for (size_t i = 0; i < LENGTH(links); i++) {
		snprintf(name, sizeof(name), "site/%s", links[i][0]);
		put_link(&names_tree, name, links[i][1]);
	}
	for (int i = 1; i < CHAIN; i++) { /* link40 is 41 links */
		snprintf(name, sizeof(name), "site/link%d", i);
		snprintf(target, sizeof(target), "link%d", i - 1);
		put_link(&names_tree, name, target);
	}
	snprintf(target, sizeof(target), "%s/site/file", names_tree.top);
	put_link(&names_tree, "site/abs", target);
	target[0] = '\0';
	for (int i = 0; i < 580; i++)
		strcat(target, "dir/../");
	strcat(target, "dir");
	put_link(&names_tree, "site/long", target);
}

static void make_special(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	need(mkfifoat(names_tree.fd, "site/pipe", 0644) == 0, "mkfifo");
	need(snprintf(name.sun_path, sizeof(name.sun_path), "%s/site/socket", names_tree.top) <
		     (int)sizeof(name.sun_path),
	     "a short $TMPDIR");
	need(fd >= 0 && bind(fd, (struct sockaddr *)&name, sizeof(name)) == 0, "bind");
	close(fd);
	put_file(&names_tree, "site/unreadable", "");
	need(fchmodat(names_tree.fd, "site/unreadable", 0, 0) == 0, "chmod");
	put_folder(&names_tree, "site/closed");
	put_file(&names_tree, "site/closed/file", "");
	need(fchmodat(names_tree.fd, "site/closed", 0, 0) == 0, "chmod");
}

static void make_names(void)
{
	char deep[2 * DEEP + 16] = "site", name[NAME_MAX + 1];

	make_tree(&names_tree);
	put_folder(&names_tree, "outside");
	put_file(&names_tree, "outside/secret", "secret");
	put_folder(&names_tree, "site");
	put_file(&names_tree, "site/file", "file");
	put_file(&names_tree, "site/.hidden", "hidden");
	put_folder(&names_tree, "site/.well-known");
	put_file(&names_tree, "site/.well-known/file", "known");
	put_folder(&names_tree, "site/dir");
	put_file(&names_tree, "site/dir/file", "dir/file");
	put_file(&names_tree, "site/dir/.hidden", "hidden");
	put_folder(&names_tree, "site/dir/sub");
	put_file(&names_tree, "site/dir/sub/file", "dir/sub/file");
	for (int i = 0; i < DEEP; i++) {
		strcat(deep, "/d");
		put_folder(&names_tree, deep);
	}
	memset(name, 'n', NAME_MAX);
	name[NAME_MAX] = '\0';
	by_openat2.root = openat(names_tree.fd, "site", O_PATH | O_DIRECTORY | O_CLOEXEC);
	need(by_openat2.root >= 0, "site");
	close(openat(by_openat2.root, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	make_links();
	make_special();
	by_walking = by_openat2;
	by_walking.walk = true;
}

static void remove_names(void)
{
	fchmodat(names_tree.fd, "site/closed", 0755, 0);
	close(by_openat2.root);
	remove_tree(&names_tree);
}

/* Where a name led. */
struct found {
	int error, flags;
	dev_t dev;
	ino_t ino;
};

static struct found find(const struct http_site *from, const char *path, int flags)
{
	int fd = opened(from, path, flags);
	struct found found = { .error = fd < 0 ? -fd : 0 };
	struct stat st;

	if (fd < 0)
		return found;
	expect(fcntl(fd, F_GETFD) & FD_CLOEXEC, "%s is inherited", path);
	expect(flags & O_PATH || fcntl(fd, F_GETFL) & O_NONBLOCK, "%s may block", path);
	need(fstat(fd, &st) == 0, path);
	/* O_NOFOLLOW is how a walk opens, and nothing to the descriptor it has */
	found = (struct found){ 0, fcntl(fd, F_GETFL) & ~O_NOFOLLOW, st.st_dev, st.st_ino };
	close(fd);
	return found;
}

static bool same_found(const struct found *a, const struct found *b)
{
	return a->error == b->error && a->flags == b->flags && a->dev == b->dev && a->ino == b->ino;
}

static struct group open_tests = {
	.suite = "names", .name = "opening", .make = make_names, .remove = remove_names
};

/* Both ways fail with that error, or lead to that file. */
static void expect_found(const char *path, int error, const char *is)
{
	struct stat st;

	need(!is || fstatat(names_tree.fd, is, &st, 0) == 0, "a name");
	for (int walk = 0; walk < 2; walk++) {
		struct found found = find(walk ? &by_walking : &by_openat2, path, O_RDONLY);

		expect(found.error == error, "%s \"%s\": %s", walk ? "walked" : "opened", path,
		       strerror(found.error));
		expect(!is || (found.dev == st.st_dev && found.ino == st.st_ino),
		       "%s \"%s\" is another", walk ? "walked" : "opened", path);
	}
}

TEST(open_tests, names_lead_beneath_the_root)
{
	static const struct {
		const char *path;
		int error;
		const char *is; /* the same file, by its plain name */
	} rows[] = {
		{ "", 0, "site" },
		{ "file", 0, "site/file" },
		{ "file/", ENOTDIR, NULL },
		{ "file/file", ENOTDIR, NULL },
		{ "dir", 0, "site/dir" },
		{ "dir/", 0, "site/dir" },
		{ "dir/file", 0, "site/dir/file" },
		{ "dir//sub///file", 0, "site/dir/sub/file" },
		{ "dir/file/", ENOTDIR, NULL },
		{ "nothing", ENOENT, NULL },
		{ "nothing/", ENOENT, NULL },
		{ "nothing/file", ENOENT, NULL },
		{ "dir/nothing", ENOENT, NULL },
		{ "DIR", ENOENT, NULL },
		/* hidden, whatever it leads to */
		{ ".", ENOENT, NULL },
		{ "..", ENOENT, NULL },
		{ "../outside/secret", ENOENT, NULL },
		{ "dir/..", ENOENT, NULL },
		{ "dir/../file", ENOENT, NULL },
		{ "./file", ENOENT, NULL },
		{ ".hidden", ENOENT, NULL },
		{ "dir/.hidden", ENOENT, NULL },
		{ ".well-known/file", 0, "site/.well-known/file" },
		/* links that stay inside */
		{ "in", 0, "site/dir/file" },
		{ "in/", ENOTDIR, NULL },
		{ "in/file", ENOTDIR, NULL },
		{ "in-dir", 0, "site/dir" },
		{ "in-dir/", 0, "site/dir" },
		{ "in-dir/file", 0, "site/dir/file" },
		{ "in-dir/sub/file", 0, "site/dir/sub/file" },
		{ "in-dir-slash", 0, "site/dir" },
		{ "in-dir-slash/", 0, "site/dir" },
		{ "in-dir-slash/file", 0, "site/dir/file" },
		{ "in-file-slash", ENOTDIR, NULL },
		{ "back", 0, "site/file" },
		{ "back/", ENOTDIR, NULL },
		{ "here", 0, "site" },
		{ "here/here/here/file", 0, "site/file" },
		{ "dots", 0, "site" },
		{ "dots/", 0, "site" },
		{ "dots/file", 0, "site/file" },
		{ "dots-slash/file", 0, "site/dir/file" },
		{ "dir/up", 0, "site" },
		{ "dir/up/dir/up/file", 0, "site/file" },
		{ "dir/up-file", 0, "site/file" },
		{ "chain1", 0, "site/dir/sub" },
		{ "chain1/file", 0, "site/dir/sub/file" },
		{ "through", ENOTDIR, NULL },
		{ "to-hidden", 0, "site/.hidden" }, /* whose owner has put it there */
		/* links that don't */
		{ "up", EXDEV, NULL },
		{ "up/", EXDEV, NULL },
		{ "up/site/file", EXDEV, NULL },
		{ "out", EXDEV, NULL },
		{ "out-dir", EXDEV, NULL },
		{ "out-dir/", EXDEV, NULL },
		{ "out-dir/secret", EXDEV, NULL },
		{ "out-and-in", EXDEV, NULL },
		{ "away", EXDEV, NULL },
		{ "dir/up/up/outside", EXDEV, NULL },
		{ "dir/beyond", EXDEV, NULL },
		{ "in-dir/beyond", EXDEV, NULL },
		{ "abs", EXDEV, NULL },
		{ "abs-root", EXDEV, NULL },
		{ "abs-root/", EXDEV, NULL },
		{ "abs-root/etc/passwd", EXDEV, NULL },
		/* links that lead nowhere */
		{ "gone", ENOENT, NULL },
		{ "gone/", ENOENT, NULL },
		{ "gone-dir", ENOENT, NULL },
		{ "loop", ELOOP, NULL },
		{ "loop/", ELOOP, NULL },
		{ "loop/file", ELOOP, NULL },
		{ "ping", ELOOP, NULL },
		{ "link9", 0, "site/file" }, /* ten links */
		{ "link40", ELOOP, NULL },
		{ "here/link39", ELOOP, NULL },
		/* what is no file is opened all the same, without waiting for anybody */
		{ "pipe", 0, "site/pipe" },
		{ "pipe/", ENOTDIR, NULL },
		{ "pipe/file", ENOTDIR, NULL },
		{ "socket", ENXIO, NULL },
	};

	for (size_t i = 0; i < LENGTH(rows); i++)
		expect_found(rows[i].path, rows[i].error, rows[i].is);
}

/* All pairs of these, with a slash behind and without, from three places, in each way to open. */
TEST(open_tests, a_walk_gives_the_same_answers)
{
	static const char *const words[] = {
		"",           "file",         "dir",           "sub",    "in",
		"in-dir",     "in-dir-slash", "in-file-slash", "up",     "up-file",
		"out",        "away",         "abs",           "gone",   "gone-dir",
		"loop",       "back",         "here",          "dots",   "pipe",
		"link9",      "link40",       "through",       "beyond", "chain1",
		"dots-slash", "socket",       "nothing",
	};
	static const int flags[] = { O_RDONLY, O_RDONLY | O_DIRECTORY, O_PATH,
				     O_PATH | O_DIRECTORY };
	static const char *const froms[] = { "", "dir/up/", "in-dir/" };
	const size_t k = LENGTH(words);
	char path[64];

	if (!have_openat2()) {
		puts("skipped: a_walk_gives_the_same_answers, for there is no openat2(2)");
		return;
	}
	for (size_t i = 0; i < 3 * k * k * 2; i++) {
		const char *from = froms[i % 3], *first = words[i / 3 % k],
			   *second = words[i / 3 / k % k];

		snprintf(path, sizeof(path), "%s%s%s%s%s", from, first,
			 *first && *second ? "/" : "", second, i / 3 / (k * k) ? "/" : "");
		if (path[0] == '/')
			continue;
		for (size_t f = 0; f < LENGTH(flags); f++) {
			struct found opened = find(&by_openat2, path, flags[f]);
			struct found step = find(&by_walking, path, flags[f]);

			expect(same_found(&opened, &step), "\"%s\", flags 0%o: %s, walked %s", path,
			       (unsigned)flags[f], strerror(opened.error), strerror(step.error));
		}
	}
}

/*
 * An old kernel has no openat2(2), an old sandbox forbids it, and on a busy machine it may be
 * disturbed for as long as one cares to try: whatever mounts or renames anywhere disturbs it at a
 * "..", the one a link leads over too.
 */
TEST(open_tests, a_walk_takes_over)
{
	static const struct {
		int error, times;
	} rows[] = {
		{ ENOSYS, 1 }, { EPERM, 1 }, { EAGAIN, 1 }, { EAGAIN, 5 }, { EAGAIN, 1000000 }
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct found found;

		failure = (struct failure){ OPENAT2, rows[i].error, 0, rows[i].times - 1 };
		found = find(&by_openat2, "dots/dir/file", O_RDONLY);
		failure.call = NO_CALL;
		expect(found.error == 0, "%s, %d times: %s", strerror(rows[i].error), rows[i].times,
		       strerror(found.error));
	}
	/* but an error of the file is none of the call */
	fail_next(OPENAT2, EACCES);
	ck_assert_int_eq(find(&by_openat2, "file", O_RDONLY).error, EACCES);
}

TEST(open_tests, long_names_are_refused)
{
	char name[PATH_MAX + 8];

	memset(name, 'n', sizeof(name));
	name[NAME_MAX] = '\0';
	expect_found(name, 0, NULL);
	name[NAME_MAX] = 'n';
	name[NAME_MAX + 1] = '\0';
	expect_found(name, ENAMETOOLONG, NULL);
	/* as a whole, which a sibling of the longest path can be */
	for (size_t i = 0; i < sizeof(name) - 1; i++)
		name[i] = i % 2 ? '/' : 'd';
	name[sizeof(name) - 1] = '\0';
	expect_found(name, ENAMETOOLONG, NULL);
}

/* A walk follows 40 links; the kernel may have lost count, and then follows some less. */
TEST(open_tests, links_are_counted)
{
	const int error = find(&by_openat2, "link39", O_RDONLY).error;

	ck_assert(error == 0 || error == ELOOP);
	ck_assert_int_eq(find(&by_walking, "link39", O_RDONLY).error, 0);
	expect_found("link40", ELOOP, NULL);
}

/* Here a walk gives up where openat2(2) doesn't; another file is what it must not find. */
TEST(open_tests, a_walk_has_its_bounds)
{
	char deep[2 * DEEP + 1] = "d", name[NAME_MAX + 16];

	for (int depth = 2; depth <= DEEP; depth++) {
		struct found opened, step;

		strcat(deep, "/d");
		opened = find(&by_openat2, deep, O_RDONLY);
		step = find(&by_walking, deep, O_RDONLY);
		expect(step.error == (depth <= WALK_DEPTH + 1 ? 0 : ENAMETOOLONG), "%d: %s", depth,
		       strerror(step.error));
		expect(step.error || same_found(&opened, &step), "%d is another", depth);
	}
	snprintf(name, sizeof(name), "long/%0*d", 200, 0);
	ck_assert_int_eq(find(&by_walking, "long/file", O_RDONLY).error, 0);
	ck_assert_int_eq(find(&by_walking, name, O_RDONLY).error, ENAMETOOLONG);
}

/* A process may have been started without standard input: 0 is a descriptor like any other. */
TEST(open_tests, descriptor_0_is_one)
{
	static const char *const paths[] = { "file", "link0", "dir/sub/file", "dir/", "dots/file" };
	const int ways[] = { O_RDONLY, O_PATH };
	int input = dup(STDIN_FILENO);

	need(input >= 0, "dup");
	close(STDIN_FILENO);
	for (size_t i = 0; i < LENGTH(paths) * LENGTH(ways); i++) {
		const char *path = paths[i / 2];
		int fd = opened(&by_openat2, path, ways[i % 2]);
		int walked;

		/* without openat2(2), this walks too */
		expect(fd == 0 || !have_openat2(), "\"%s\" is opened as %d", path, fd);
		close(fd);
		walked = opened(&by_walking, path, ways[i % 2]);
		expect(walked >= 0 && count_descriptors() == descriptors + 1,
		       "\"%s\" is walked to as %d", path, walked);
		/* folders on the way have the lower numbers, and are closed */
		expect(walked == 0 || strchr(path, '/'), "\"%s\" is walked to as %d", path, walked);
		close(walked);
	}
	need(dup2(input, STDIN_FILENO) == STDIN_FILENO, "dup2");
	close(input);
}

TEST(open_tests, descriptors_may_run_out)
{
	const int needed = 3; /* to walk: two folders, and the file */
	struct rlimit before, none;
	int walls[64], count = 0, wall;

	need(getrlimit(RLIMIT_NOFILE, &before) == 0, "getrlimit");
	/* the lowest that is free, behind whatever this program was started with */
	do {
		walls[count] = wall = dup(by_openat2.root);
		need(wall >= 0, "dup");
	} while (walls[count++] < 32);
	close(wall);
	for (int more = 0; more < 4; more++) {
		none = (struct rlimit){ (rlim_t)(wall + more), before.rlim_max };
		need(setrlimit(RLIMIT_NOFILE, &none) == 0, "setrlimit");

		struct found opened = find(&by_openat2, "dir/sub/file", O_RDONLY);
		struct found step = find(&by_walking, "dir/sub/file", O_RDONLY);

		need(setrlimit(RLIMIT_NOFILE, &before) == 0, "setrlimit");
		ck_assert_int_eq(opened.error, more < (have_openat2() ? 1 : needed) ? EMFILE : 0);
		ck_assert_int_eq(step.error, more < needed ? EMFILE : 0);
	}
	while (--count > 0)
		close(walls[count - 1]);
}

/* What couldn't be looked at isn't absent. */
TEST(open_tests, failures_are_told_from_absence)
{
	static char long_name[PATH_MAX + NAME_MAX + 1];
	struct stat st;

	fail_next(STAT, EIO);
	ck_assert_int_eq(file_at(&by_openat2, "file", false).fd, -EIO);
	fail_next(STAT, ENOMEM);
	ck_assert_int_eq(file_at(&by_openat2, "dir", true).fd, -ENOMEM);
	fail_next(STAT, EIO);
	ck_assert_int_eq(find(&by_walking, "file", O_PATH).error, EIO);
	fail_next(STAT, EIO);
	ck_assert_int_eq(stat_link(&by_openat2, "", "file", &st), EIO);
	/* a signal is no reason at all */
	failure = (struct failure){ OPENAT2, EINTR, 0, 1 };
	ck_assert_int_eq(find(&by_openat2, "file", O_RDONLY).error, 0);
	memset(long_name, 'a', sizeof(long_name) - 1);
	ck_assert_int_eq(stat_link(&by_openat2, "", long_name, &st), ENAMETOOLONG);
	ck_assert_int_eq(stat_link(&by_openat2, "dir/", long_name, &st), ENAMETOOLONG);
}

/* ---- siblings ------------------------------------------------------------- */

TEST(open_tests, siblings_are_preferred)
{
	static const struct {
		const char *gz, *zst,
			*br; /* "newer", "same", "older", "later" by ns, or what it is */
		const char *accepted, *opened;
	} rows[] = {
		{ "same", "", "", "gzip, br, zstd", "page.gz" },
		{ "newer", "", "", "gzip", "page.gz" },
		{ "later", "", "", "gzip", "page.gz" },
		{ "earlier", "", "", "gzip", "page" },
		{ "same", "same", "older", "gzip, zstd, br", "page.zst" },
		{ "same", "older", "older", "gzip, zstd, br", "page.gz" },
		{ "same", "", "empty", "gzip, br", "page.gz" }, /* half made, most likely */
		{ "same", "", "folder", "gzip, br", "page.gz" },
		{ "same", "", "outward", "gzip, br", "page.gz" },
		{ "same", "", "inward", "gzip, br", "page.br" },
		{ "empty", "", "same", "gzip", "page" }, /* which is no gzip file */
	};
	static const char *const names[] = { "site/page.gz", "site/page.zst", "site/page.br" };

	put_file(&names_tree, "site/page", "");
	put_times(&names_tree, "site/page", FILE_TIME, 500);
	put_file(&names_tree, "site/target", "something");
	for (size_t i = 0; i < LENGTH(rows); i++) {
		const char *const siblings[] = { rows[i].gz, rows[i].zst, rows[i].br };

		for (size_t k = 0; k < LENGTH(siblings); k++) {
			const char *is = siblings[k];

			unlinkat(names_tree.fd, names[k], 0);
			unlinkat(names_tree.fd, names[k], AT_REMOVEDIR);
			if (strcmp(is, "folder") == 0) {
				put_folder(&names_tree, names[k]);
			} else if (strcmp(is, "outward") == 0) {
				put_link(&names_tree, names[k], "../outside/secret");
			} else if (strcmp(is, "inward") == 0) {
				put_link(&names_tree, names[k], "target");
				put_times(&names_tree, "site/target", FILE_TIME + 1, 0);
			} else if (*is) {
				put_file(&names_tree, names[k], strcmp(is, "empty") ? is : "");
				put_times(&names_tree, names[k],
					  FILE_TIME + (strcmp(is, "newer") == 0) -
						  (strcmp(is, "older") == 0),
					  500 + (strcmp(is, "later") == 0) -
						  (strcmp(is, "earlier") == 0));
			}
		}

		struct preference preference = preference_for(rows[i].accepted);
		struct file file = file_at(&by_openat2, "page", false);
		const char *type = html;
		enum coding coding = open_sibling(&by_openat2, "page", &preference, &file, &type);
		char opened[64];
		struct stat st, opened_st;

		snprintf(opened, sizeof(opened), "page%s", codings[coding].ending);
		expect(strcmp(opened, rows[i].opened) == 0, "row %zu: %s", i, opened);
		need(fstatat(by_openat2.root, opened, &st, 0) == 0, opened);
		need(fstat(file.fd, &opened_st) == 0, opened);
		expect(st.st_ino == opened_st.st_ino && st.st_ino == file.st.st_ino,
		       "row %zu: another", i);
		close(file.fd);
	}
}

/* The longest path there is, and its siblings' names that are longer than any. */
TEST(open_tests, siblings_of_the_longest_name)
{
	char path[PATH_MAX], name[PATH_MAX + 4];
	const char *type = html;
	struct preference preference = preference_for("*");
	struct file file = file_at(&by_openat2, "file", false);

	memset(path, 'n', sizeof(path));
	path[PATH_MAX - 1] = '\0';
	name_sibling(name, path, ZSTD);
	ck_assert_uint_eq(strlen(name), PATH_MAX - 1 + 4);
	ck_assert_int_eq(open_sibling(&by_openat2, path, &preference, &file, &type), IDENTITY);
	close(file.fd);
}

/* ---- types ---------------------------------------------------------------- */

static const struct http_site plain_site;

static struct group type_tests = { .suite = "names", .name = "types" };

/* Each ending is found, in any case, and stands in one row alone. */
TEST(type_tests, types_are_found_in_any_case)
{
	char ending[32], path[64];

	for (size_t i = 0; i < LENGTH(types); i++) {
		const char *at = types[i].endings;

		ck_assert_int_eq(at[0], ' ');
		for (int n; sscanf(at, " %31s%n", ending, &n) == 1; at += n) {
			int size = snprintf(path, sizeof(path), "a.b/c.%s", ending);

			expect(strcmp(type_of(&plain_site, path), types[i].name) == 0, "%s: %s",
			       path, type_of(&plain_site, path));
			for (int k = 0; k < size; k++)
				if (path[k] >= 'a' && path[k] <= 'z')
					path[k] = (char)(path[k] - 32);
			expect(strcmp(type_of(&plain_site, path), types[i].name) == 0, "%s: %s",
			       path, type_of(&plain_site, path));
		}
	}
}

/* Text is UTF-8; XML says so itself, and whatever isn't text has no charset. */
TEST(type_tests, types_are_well_formed)
{
	static const char charset[] = "; charset=utf-8";

	for (size_t i = 0; i < LENGTH(types); i++) {
		const char *name = types[i].name, *slash = strchr(name, '/');
		const char *end = strstr(name, charset);
		bool says = end && end[sizeof(charset) - 1] == '\0';
		bool should = strncmp(name, "text/", 5) == 0;
		size_t n = end ? (size_t)(end - name) : strlen(name);

		expect(says == should, "%s", name);
		expect(slash && all_of((text){ name, (size_t)(slash - name) }, TOKEN) &&
			       all_of((text){ slash + 1, n - (size_t)(slash + 1 - name) }, TOKEN),
		       "%s", name);
	}
}

TEST(type_tests, types_are_by_the_last_ending)
{
	static const char unknown[] = "application/octet-stream";
	static const char plain[] = "text/plain; charset=utf-8";
	static const struct {
		const char *path, *type;
	} rows[] = {
		{ "license", plain },
		{ "LICENSED", unknown },
		{ "README/a", unknown },
		{ "a/b.c/d.png", "image/png" },
		{ ".well-known/a.json", "application/json" },
		{ "a", unknown },
		{ "", unknown },
		{ "html", unknown },
		{ "a.html/b", unknown },
		{ "a.html/", unknown },
		{ "a.htm l", unknown },
	};

	for (size_t i = 0; i < LENGTH(rows); i++)
		expect(strcmp(type_of(&plain_site, rows[i].path), rows[i].type) == 0, "%s: %s",
		       rows[i].path, type_of(&plain_site, rows[i].path));
}
