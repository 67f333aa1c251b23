/* The tree that is served: every kind of file that a server can stumble over. */
#include "wire.h"

#include <err.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

enum kind { FILE_OF, FOLDER, LINK_TO, FIFO, SOCKET, DEVICE };

#define A50 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A250 A50 A50 A50 A50 A50

struct entry {
	enum kind kind;
	const char *path;
	const char *content; /* or the target of a link */
	long later;          /* seconds after TEN_STAMP */
	mode_t mode;         /* 0: 0644, folders 0755 */
};

/* A mode that is not 0, and permits nothing. */
#define NOBODYS S_IFMT

#define TYPE(extension, type) { FILE_OF, "site/types/x." extension, "a type", 0, 0 },

/* A folder comes before what is in it; one that nobody may enter gets its mode at the end. */
static const struct entry tree[] = {
	{ FOLDER, "outside", NULL, 0, 0 },
	{ FILE_OF, "outside/secret.txt", SECRET, 0, 0 },
	{ FILE_OF, "outside/index.html", SECRET, 0, 0 },
	{ FILE_OF, "secret.txt", SECRET, 0, 0 },
	{ FOLDER, "site-beside", NULL, 0, 0 },
	{ FILE_OF, "site-beside/secret.txt", SECRET, 0, 0 },

	{ FOLDER, "site", NULL, 0, 0 },
	{ FILE_OF, "site/index.html", "ROOT INDEX", 0, 0 },
	{ FILE_OF, "site/ten.txt", TEN, 0, 0 },
	{ FILE_OF, "site/sentinel.txt", "SENTINEL", 0, 0 },
	{ FILE_OF, "site/poison.txt", POISON, 0, 0 },
	{ FILE_OF, "site/empty.txt", "", 0, 0 },
	{ FILE_OF, "site/old.txt", "EPOCH", -TEN_STAMP, 0 },
	{ FOLDER, "site/sub", NULL, 0, 0 },
	{ FILE_OF, "site/sub/index.html", "SUB INDEX", 0, 0 },
	{ FILE_OF, "site/sub/in.txt", "IN SUB", 0, 0 },
	{ FOLDER, "site/sub/deeper", NULL, 0, 0 },
	{ FILE_OF, "site/sub/deeper/file.txt", "DEEPER", 0, 0 },

	/* names */
	{ FILE_OF, "site/with space.txt", "SPACE", 0, 0 },
	{ FILE_OF, "site/quote\"'.txt", "QUOTE", 0, 0 },
	{ FILE_OF, "site/100%.txt", "PERCENT", 0, 0 },
	{ FILE_OF, "site/%41.txt", "PERCENT-41", 0, 0 },
	{ FILE_OF, "site/A.txt", "LETTER A", 0, 0 },
	{ FILE_OF, "site/caf\xc3\xa9.txt", "UTF-8", 0, 0 },
	{ FILE_OF, "site/\xe6\x97\xa5\xe6\x9c\xac.txt", "THREE BYTES", 0, 0 },
	{ FILE_OF, "site/\xf0\x9f\x98\x80.txt", "FOUR BYTES", 0, 0 },
	{ FILE_OF, "site/bad\xff\xfe.txt", "NOT UTF-8", 0, 0 },
	{ FILE_OF, "site/new\nline.txt", "NEWLINE", 0, 0 },
	{ FILE_OF, "site/return\rhere.txt", "RETURN", 0, 0 },
	{ FILE_OF, "site/tab\there.txt", "TAB", 0, 0 },
	{ FILE_OF, "site/back\\slash.txt", "BACKSLASH", 0, 0 },
	{ FILE_OF, "site/hash#mark.txt", "HASH", 0, 0 },
	{ FILE_OF, "site/what?.txt", "QUESTION", 0, 0 },
	{ FILE_OF, "site/semi;colon:at@.txt", "RESERVED", 0, 0 },
	{ FILE_OF, "site/a+b&c=d.txt", "PLUS", 0, 0 },
	{ FILE_OF, "site/a b.txt", "NOT PLUS", 0, 0 },
	{ FILE_OF, "site/<b>.txt", "ANGLE", 0, 0 },
	{ FILE_OF, "site/a..b.txt", "DOTS INSIDE", 0, 0 },
	{ FILE_OF, "site/end.", "DOT AT THE END", 0, 0 },
	{ FILE_OF, "site/~tilde", "TILDE", 0, 0 },
	{ FILE_OF, "site/-dash", "DASH", 0, 0 },
	{ FILE_OF, "site/*", "STAR", 0, 0 },
	{ FILE_OF, "site/\x7f.txt", "DELETE", 0, 0 },
	{ FILE_OF, "site/" A250 "abcde", "THE LONGEST NAME", 0, 0 },
	{ FOLDER, "site/" A250 "fold", NULL, 0, 0 },
	{ FILE_OF, "site/" A250 "fold/" A250 ".txt", "LONG IN LONG", 0, 0 },

	/* hidden */
	{ FILE_OF, "site/.secret", SECRET, 0, 0 },
	{ FILE_OF, "site/.htpasswd", SECRET, 0, 0 },
	{ FILE_OF, "site/..secret", SECRET, 0, 0 },
	{ FILE_OF, "site/...", SECRET, 0, 0 },
	{ FOLDER, "site/.git", NULL, 0, 0 },
	{ FILE_OF, "site/.git/config", SECRET, 0, 0 },
	{ FOLDER, "site/sub/.git", NULL, 0, 0 },
	{ FILE_OF, "site/sub/.git/config", SECRET, 0, 0 },
	{ FOLDER, "site/.well-known", NULL, 0, 0 },
	{ FILE_OF, "site/.well-known/security.txt", "CONTACT", 0, 0 },
	{ FILE_OF, "site/.well-known/.hidden", SECRET, 0, 0 },
	{ FOLDER, "site/.well-known/acme-challenge", NULL, 0, 0 },
	{ FILE_OF, "site/.well-known/acme-challenge/token", "TOKEN", 0, 0 },
	{ FOLDER, "site/.well-knownx", NULL, 0, 0 },
	{ FILE_OF, "site/.well-knownx/a.txt", SECRET, 0, 0 },

	/* links */
	{ LINK_TO, "site/link-in", "ten.txt", 0, 0 },
	{ LINK_TO, "site/link-twice", "link-in", 0, 0 },
	{ LINK_TO, "site/sub/link-up-in", "../ten.txt", 0, 0 },
	{ LINK_TO, "site/link-folder", "sub", 0, 0 },
	{ LINK_TO, "site/link-out", "../outside/secret.txt", 0, 0 },
	{ LINK_TO, "site/link-out-twice", "link-out", 0, 0 },
	{ LINK_TO, "site/link-out-folder", "../outside", 0, 0 },
	{ LINK_TO, "site/link-beside", "../site-beside", 0, 0 },
	{ LINK_TO, "site/link-up", "..", 0, 0 },
	{ LINK_TO, "site/sub/link-up-up", "../..", 0, 0 },
	{ LINK_TO, "site/link-through", "../site/poison.txt", 0, 0 },
	{ LINK_TO, "site/link-slash", "/", 0, 0 },
	{ LINK_TO, "site/link-passwd", "/etc/passwd", 0, 0 },
	{ LINK_TO, "site/link-null", "/dev/null", 0, 0 },
	{ LINK_TO, "site/link-self-root", "/proc/self/root", 0, 0 },
	{ LINK_TO, "site/link-loop", "link-loop", 0, 0 },
	{ LINK_TO, "site/link-ping", "link-pong", 0, 0 },
	{ LINK_TO, "site/link-pong", "link-ping", 0, 0 },
	{ LINK_TO, "site/link-dangling", "nowhere", 0, 0 },
	{ LINK_TO, "site/link-fifo", "fifo", 0, 0 },

	/* not files */
	{ FIFO, "site/fifo", NULL, 0, 0 },
	{ SOCKET, "site/socket", NULL, 0, 0 },
	{ DEVICE, "site/device", NULL, 0, 0 },
	{ FOLDER, "site/folder.txt", NULL, 0, 0 },
	{ FILE_OF, "site/folder.txt/index.html", "A FOLDER WITH AN EXTENSION", 0, 0 },

	/* nobody's */
	{ FILE_OF, "site/unreadable.txt", SECRET, 0, NOBODYS },
	{ FOLDER, "site/closed", NULL, 0, NOBODYS },
	{ FOLDER, "site/enter-only", NULL, 0, 0311 },
	{ FILE_OF, "site/enter-only/known.txt", "KNOWN", 0, 0 },

	/* folders whose index.html is odd */
	{ FOLDER, "site/index-folder", NULL, 0, 0 },
	{ FOLDER, "site/index-folder/index.html", NULL, 0, 0 },
	{ FOLDER, "site/index-fifo", NULL, 0, 0 },
	{ FIFO, "site/index-fifo/index.html", NULL, 0, 0 },
	{ FOLDER, "site/index-out", NULL, 0, 0 },
	{ LINK_TO, "site/index-out/index.html", "../../outside/index.html", 0, 0 },
	{ FOLDER, "site/index-in", NULL, 0, 0 },
	{ LINK_TO, "site/index-in/index.html", "../sub/index.html", 0, 0 },
	{ FOLDER, "site/index-closed", NULL, 0, 0 },
	{ FILE_OF, "site/index-closed/index.html", SECRET, 0, NOBODYS },
	{ FOLDER, "site/index-empty", NULL, 0, 0 },
	{ FILE_OF, "site/index-empty/index.html", "", 0, 0 },

	/* folders to be redirected to */
	{ FOLDER, "site/with space", NULL, 0, 0 },
	{ FOLDER, "site/caf\xc3\xa9", NULL, 0, 0 },
	{ FOLDER, "site/%41", NULL, 0, 0 },
	{ FOLDER, "site/new\r\nX-Evil: 1", NULL, 0, 0 },
	{ FOLDER, "site/what?", NULL, 0, 0 },
	{ FOLDER, "site/hash#", NULL, 0, 0 },
	{ FOLDER, "site/a:b", NULL, 0, 0 },
	{ FOLDER, "site/\"><b>", NULL, 0, 0 },
	{ FOLDER, "site/evil.example", NULL, 0, 0 },
	{ FOLDER, "site/back\\slash", NULL, 0, 0 },
	{ FOLDER, "site/\\evil.example", NULL, 0, 0 },
	{ FOLDER, "site/bad\xff", NULL, 0, 0 },

	/* a listing whose entries are tricks */
	{ FOLDER, "site/list", NULL, 0, 0 },
	{ FILE_OF, "site/list/<img src=x onerror=alert(1)>", "1", 0, 0 },
	{ FILE_OF, "site/list/\" onmouseover=\"alert(2)", "2", 0, 0 },
	{ FILE_OF, "site/list/' onmouseover='alert(3)", "3", 0, 0 },
	{ FILE_OF, "site/list/javascript:alert(4)", "4", 0, 0 },
	{ FILE_OF, "site/list/&amp;", "5", 0, 0 },
	{ FILE_OF, "site/list/100%25", "6", 0, 0 },
	{ FILE_OF, "site/list/what?a=b", "7", 0, 0 },
	{ FILE_OF, "site/list/hash#mark", "8", 0, 0 },
	{ FILE_OF, "site/list/caf\xc3\xa9", "9", 0, 0 },
	{ FILE_OF, "site/list/bad\xff\xc3\xfe", "10", 0, 0 },
	{ FILE_OF, "site/list/new\nline", "11", 0, 0 },
	{ FILE_OF, "site/list/back\\slash", "12", 0, 0 },
	{ FILE_OF, "site/list/ space ", "13", 0, 0 },
	{ FILE_OF, "site/list/a+b", "14", 0, 0 },
	{ FILE_OF, "site/list/\x1b[31mred", "15", 0, 0 },
	{ FILE_OF, "site/list/.hidden", SECRET, 0, 0 },
	{ FOLDER, "site/list/folder & <more>", NULL, 0, 0 },
	{ FILE_OF, "site/list/folder & <more>/index.html", "16", 0, 0 },

	/* a listing to be sorted: no two sorts give the same order */
	{ FOLDER, "site/order", NULL, 0, 0 },
	{ FILE_OF, "site/order/alpha", "0123456789012345678901", 300, 0 },
	{ FILE_OF, "site/order/bravo", "1", 200, 0 },
	{ FILE_OF, "site/order/charlie", "012345678901234567890123456789012", 100, 0 },
	{ FOLDER, "site/order/zulu", NULL, 0, 0 },
	{ FOLDER, "site/bare", NULL, 0, 0 },
	{ FOLDER, "site/nothing-but-fifo", NULL, 0, 0 },
	{ FIFO, "site/nothing-but-fifo/fifo", NULL, 0, 0 },
	{ LINK_TO, "site/nothing-but-fifo/dangling", "nowhere", 0, 0 },

	/* precompressed siblings, which needn't be what they say for this */
	{ FILE_OF, "site/page.html", "PLAIN PAGE", 0, 0 },
	{ FILE_OF, "site/page.html.gz", "GZIP OF PAGE", 10, 0 },
	{ FILE_OF, "site/page.html.br", "BROTLI OF PAGE", 10, 0 },
	{ FILE_OF, "site/page.html.zst", "ZSTD OF PAGE", 10, 0 },
	{ FILE_OF, "site/gz.css", "PLAIN CSS", 0, 0 },
	{ FILE_OF, "site/gz.css.gz", "GZIP OF CSS", 0, 0 },
	{ FILE_OF, "site/stale.css", "PLAIN FRESH", 10, 0 },
	{ FILE_OF, "site/stale.css.gz", "STALE GZIP", 0, 0 },
	{ FILE_OF, "site/only.css.gz", "GZIP ALONE", 0, 0 },
	{ FILE_OF, "site/folder.css", "PLAIN", 0, 0 },
	{ FOLDER, "site/folder.css.gz", NULL, 0, 0 },
	{ FILE_OF, "site/fifo.css", "PLAIN", 0, 0 },
	{ FIFO, "site/fifo.css.gz", NULL, 0, 0 },
	{ FILE_OF, "site/out.css", "PLAIN", 0, 0 },
	{ LINK_TO, "site/out.css.gz", "../outside/secret.txt", 0, 0 },
	{ FILE_OF, "site/dangling.css", "PLAIN", 0, 0 },
	{ LINK_TO, "site/dangling.css.gz", "nowhere", 0, 0 },
	{ FILE_OF, "site/closed.css", "PLAIN", 0, 0 },
	{ FILE_OF, "site/closed.css.gz", SECRET, 10, NOBODYS },
	{ FILE_OF, "site/locked.css", SECRET, 0, NOBODYS },
	{ FILE_OF, "site/locked.css.gz", SECRET, 10, 0 },
	{ FOLDER, "site/packed", NULL, 0, 0 },
	{ FILE_OF, "site/packed/index.html", "PLAIN INDEX", 0, 0 },
	{ FILE_OF, "site/packed/index.html.gz", "GZIP OF INDEX", 10, 0 },

	{ FOLDER, "site/types", NULL, 0, 0 },
	WIRE_TYPES(TYPE)

	/* the other site: its own page for what is missing */
	{ FOLDER, "small", NULL, 0, 0 },
	{ FILE_OF, "small/ten.txt", TEN, 0, 0 },
	{ FILE_OF, "small/sentinel.txt", "SENTINEL", 0, 0 },
	{ FILE_OF, "small/poison.txt", POISON, 0, 0 },
	{ FILE_OF, "small/404.html", "OUR OWN PAGE", 0, 0 },
	{ FILE_OF, "small/404.html.gz", "GZIP OF OUR OWN PAGE", 10, 0 },
	{ FILE_OF, "small/unreadable.txt", SECRET, 0, NOBODYS },
	{ FOLDER, "small/bare", NULL, 0, 0 },
	{ FILE_OF, "small/bare/known.txt", "KNOWN", 0, 0 },
	{ FOLDER, "small/indexed", NULL, 0, 0 },
	{ FILE_OF, "small/indexed/index.html", "INDEXED", 0, 0 },
};

/* The files that are too large to be written out: a pattern, and one of 5 GiB with holes. */
static void make_large(void)
{
	static const struct {
		off_t at;
		const char *text;
	} marks[] = {
		{ 0, "START OF HUGE" },
		{ (1LL << 31) - 8, "AROUND 2 GiB....AROUND" },
		{ (1LL << 32) - 8, "AROUND 4 GiB....AROUND" },
		{ 5LL * (1 << 30) - 11, "END OF HUGE" },
	};
	FILE *large = fopen("site/large.bin", "we");
	int huge = open("site/huge.bin", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (!large || huge < 0)
		err(1, "large files");
	for (int i = 0; i < 40000; i++)
		fprintf(large, "%07d\n", i);
	if (fclose(large) != 0)
		err(1, "large.bin");
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (pwrite(huge, marks[i].text, strlen(marks[i].text), marks[i].at) < 0)
			err(1, "huge.bin");
	close(huge);
}

static void make_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		err(1, "%s", path);
	close(fd);
}

static void make_file(const char *path, const char *content)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	size_t size = strlen(content);

	if (fd < 0 || write(fd, content, size) != (ssize_t)size)
		err(1, "%s", path);
	close(fd);
}

static void make_entry(const struct entry *entry)
{
	int failed = 0;

	switch (entry->kind) {
	case FILE_OF: make_file(entry->path, entry->content); break;
	case FOLDER: failed = mkdir(entry->path, 0755); break;
	case LINK_TO: failed = symlink(entry->content, entry->path); break;
	case FIFO: failed = mkfifo(entry->path, 0644); break;
	case SOCKET: make_socket(entry->path); break;
	case DEVICE:
		/* /dev/zero, where root runs this; elsewhere the name is missing, and as much 404 */
		(void)!mknod(entry->path, S_IFCHR | 0644, makedev(1, 5));
		break;
	}
	if (failed)
		err(1, "%s", entry->path);
}

static void set_time(const char *path, long when)
{
	/* half a second more, which Last-Modified can't say and If-Modified-Since must not mind */
	struct timespec time = { .tv_sec = when, .tv_nsec = 500000000 };
	struct timespec times[2] = { time, time };

	if (utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) != 0)
		err(1, "%s", path);
}

void wire_site_make(const char *top)
{
	size_t count = sizeof(tree) / sizeof(tree[0]);
	int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* the server may become nobody, who must get here too */
	if (here < 0 || chmod(top, 0755) != 0 || chdir(top) != 0)
		err(1, "%s", top);
	umask(022);
	for (size_t i = 0; i < count; i++)
		make_entry(&tree[i]);
	make_large();
	set_time("site/large.bin", TEN_STAMP);
	set_time("site/huge.bin", TEN_STAMP);
	for (size_t i = 0; i < count; i++) {
		if (tree[i].kind == FILE_OF)
			set_time(tree[i].path, TEN_STAMP + tree[i].later);
		if (tree[i].mode && chmod(tree[i].path, tree[i].mode & 07777) != 0)
			err(1, "%s", tree[i].path);
	}
	if (fchdir(here) != 0)
		err(1, "the current directory");
	close(here);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
	(void)status, (void)type, (void)where;
	return remove(path);
}

void wire_site_remove(const char *top)
{
	char path[4096];

	/* what can't be read can't be emptied, but by root */
	for (size_t i = 0; i < sizeof(tree) / sizeof(tree[0]); i++)
		if (tree[i].kind == FOLDER && tree[i].mode) {
			snprintf(path, sizeof(path), "%s/%s", top, tree[i].path);
			(void)!chmod(path, 0755);
		}
	if (nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
		warn("%s", top);
}
