/*
 * What decides whose folder it is and which rule applies: the host of a request, patterns of paths, URLs
 * of links, the beginning of a page, names in their order.
 *
 * A case is a byte that says which, and then texts with a line end between them.
 */
#include "fuzz.h"

/*
 * A pattern as it is explained: '*' is nothing, or a byte and then '*' again. A row of the table says
 * for each place in the path whether what is left of the pattern matches from there on.
 */
static bool match_slowly(text pattern, text path)
{
	bool row[32] = { false }, next[32];

	must(path.len < LENGTH(row), "a path is not that long");
	row[path.len] = true;
	for (size_t i = pattern.len; i-- > 0;) {
		memcpy(next, row, sizeof(row));
		for (size_t j = path.len + 1; j-- > 0;) {
			bool more = j < path.len;

			row[j] = pattern.at[i] == '*'
					 ? next[j] || (more && row[j + 1])
					 : more && path.at[j] == pattern.at[i] && next[j + 1];
		}
	}
	return row[0];
}

static void match_pattern(text pattern, text path)
{
	char whole[32] = "/";

	path.len = path.len < sizeof(whole) - 2 ? path.len : sizeof(whole) - 2;
	memcpy(whole + 1, path.at, path.len);
	must((matches)(pattern, path) == match_slowly(pattern, (text){ whole, path.len + 1 }),
	     "a pattern matches what it says");
}

/* A host's name is that of a folder, and of no other file: what a request may say, and what becomes of it. */
static void name_host(text absolute, text host)
{
	static char bytes[8192], memory[sizeof(struct http_work)];
	struct http_work *work = http_work_init(memory, &usual_limits);
	char want[NAME_MAX + 2] = "";
	text said, name;

	must(absolute.len + host.len < 4096 + 1, "a case is not that long");
	int n = snprintf(bytes, sizeof(bytes), "GET %s%.*s%s HTTP/1.1\r\nHost: %.*s\r\n\r\n",
			 absolute.len ? "http://" : "", (int)absolute.len, absolute.at, "/",
			 (int)host.len, host.at);
	if (memchr(absolute.at, '\0', absolute.len) || memchr(host.at, '\0', host.len))
		return;
	work->input.at = bytes;
	work->input.end = (size_t)n;
	if (read_head(&work->input, &work->req, &usual_limits) != WHOLE || !work->req.seen[HOST])
		return;
	/* what is in the target may have ended it */
	said = work->req.authority.len ? work->req.authority : work->req.value[HOST];
	snprintf(want, sizeof(want), "%.*s", (int)said.len, said.at);
	bool fits = said.len <= NAME_MAX + 1;

	read_host(work);
	name = work->req.host;
	must(name.len <= NAME_MAX, "a name is not longer than any file's");
	must(name.len == 0 || matches(name, "[a-z0-9_][-a-z0-9._]*|\\[[0-9a-f:.]+\\]"),
	     "a name is no path, not hidden and no option");
	must(matches(work->req.port, "[0-9]*"), "a port is a number");
	if (!fits)
		return;
	for (char *c = want; *c; c++)
		*c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
	want[*want == '[' ? strcspn(want, "]") + 1 : strcspn(want, ":")] = '\0';
	if (*want && want[strlen(want) - 1] == '.')
		want[strlen(want) - 1] = '\0';
	if (strlen(want) <= NAME_MAX && matches(text_of(want), "[a-z0-9_][-a-z0-9._]*|\\[.*\\]"))
		must(same(name, text_of(want)), "the host that was said");
	else
		must(name.len == 0, "other names are none");
}

/* Whatever the link and the query say, there is one line, and a URL on it of the same host. */
static void redirect(text url, text query)
{
	static char line[4 * 4096 * 3];
	struct out o = { line, 0, sizeof(line), false };
	text moved;

	if (memchr(url.at, '\0', url.len) || !is_url(url) || !all_of(query, TARGET) ||
	    (query.len && query.at[0] != '?'))
		return;
	put_redirect(&o, url, query);
	must(!o.overrun, "there is room for it");
	moved = (text){ line, o.len };
	must(matches(moved, "Location: https?://[]!$%&'()*+,./0-9:;=?@A-Z_a-z~#[-]*\r\n"),
	     "a line that is a URL");
	for (size_t i = 0, slashes = 0; i < url.len && slashes < 3; i++) {
		slashes += url.at[i] == '/' || url.at[i] == '?' || url.at[i] == '#';
		must(slashes == 3 || line[strlen("Location: ") + i] == url.at[i],
		     "of the same host");
	}
}

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

/* Case does not matter, and numbers are compared as numbers; names that are alike, by their bytes. */
static int plain_order(const char *a, const char *b)
{
	const char *x = a, *y = b;

	while (*x && *y) {
		if (is_digit(*x) && is_digit(*y)) {
			x += strspn(x, "0");
			y += strspn(y, "0");

			size_t m = strspn(x, "0123456789"), n = strspn(y, "0123456789");
			int order = m == n ? memcmp(x, y, n) : (m > n) - (m < n);

			if (order)
				return order;
			x += m;
			y += n;
		} else if (lower(*x) != lower(*y)) {
			return lower(*x) - lower(*y);
		} else {
			x++;
			y++;
		}
	}
	return *x || *y ? (*x != 0) - (*y != 0) : strcmp(a, b);
}

/* The keys by which a listing is sorted have the order of the names. */
static void order_names(text a, text b)
{
	const text texts[] = { a, b };
	char names[2][64], keys[2][sizeof(names[0]) * 4];
	int order;

	for (int i = 0; i < 2; i++) {
		size_t n = texts[i].len < 63 ? texts[i].len : 63;

		memcpy(names[i], texts[i].at, n);
		names[i][n] = '\0';
		must(fold_name(keys[i], names[i]) <= keys[i] + 3 * (strlen(names[i]) + 1),
		     "a key has at most three times the bytes");
	}
	order = strcmp(keys[0], keys[1]);
	must(sign(order ? order : strcmp(names[0], names[1])) ==
		     sign(plain_order(names[0], names[1])),
	     "before or after");
}

/* What stands behind the bytes in which HTML has to say its charset changes nothing. */
static void begin_page(text page)
{
	static char longer[PAGE_BEGIN + 64];
	size_t n = page.len < PAGE_BEGIN ? page.len : PAGE_BEGIN;

	memcpy(longer, page.at, n);
	memset(longer + n, ' ', PAGE_BEGIN - n);
	memcpy(longer + PAGE_BEGIN, "<meta charset=koi8-r>", 21);
	if (page.len >= PAGE_BEGIN)
		must(begins_otherwise(page) == begins_otherwise((text){ longer, sizeof(longer) }),
		     "only the beginning counts");
	else
		(void)begins_otherwise(page);
}

static void run_rules(const unsigned char *data, size_t size)
{
	if (size < 1)
		return;

	text rest = case_text(data + 1, size - 1), whole = rest;
	text one = take_until(&rest, '\n'), two = take_until(&rest, '\n');

	switch (data[0] % 5) {
	case 0: match_pattern(one, two); break;
	case 1: name_host(one, two); break;
	case 2: redirect(one, two); break;
	case 3: order_names(one, two); break;
	default: begin_page(whole);
	}
}
