/*
 * Accept-Encoding, beside a reader that sorts by weight (RFC 9110 12.5.3). A case is the values,
 * each on a line of its own.
 */
#include "fuzz.h"

enum { HEAD_MOST = 8 << 10 };

/* A weight in thousandths: none is all, and what isn't one is nothing. */
static int slow_weight(text t)
{
	static const char form[] = ";[ \t]*[qQ]=(0(\\.[0-9]{0,3})?|1(\\.0{0,3})?)";
	char number[8] = "";

	if (t.len == 0)
		return 1000;
	if (!matches(t, form))
		return 0;
	while (t.at[0] != '=')
		skip(&t, 1);
	memcpy(number, t.at + 1, t.len - 1);
	return (int)(strtod(number, NULL) * 1000 + 0.5);
}

/* What is said of a coding last, and if nothing is, of all others; -1 if nothing is of those. */
static int slow_taste(text values, const char *name, const char *other_name)
{
	int said = -1, others = -1;

	while (values.len) {
		text left = take_until(&values, '\n'), element;

		while (take_element(&left, &element)) {
			text weight = element, coding = take_until(&weight, ';');
			size_t n = coding.len;

			coding = without_blanks(coding);
			weight = (text){ element.at + n, element.len - n };
			if (word_is(coding, name) || word_is(coding, other_name))
				said = slow_weight(weight);
			else if (word_is(coding, "*"))
				others = slow_weight(weight);
		}
	}
	return said < 0 ? others : said;
}

/* The request that says so; NULL if a value is none. */
static const struct request *ask_for(text values)
{
	static _Alignas(64) char memory[1 << 20];
	struct http_work *work = http_work_init(memory, &usual_limits);
	struct out head = { work->input.at, 0, HEAD_MOST, false };

	put_string(&head, "GET / HTTP/1.1\r\n");
	while (values.len) {
		put_string(&head, "Accept-Encoding: ");
		put_text(&head, take_until(&values, '\n'));
		put_string(&head, "\r\nX: y\r\n");
	}
	put_string(&head, "\r\n");
	work->input.end = head.len;
	return !head.overrun && read_head(&work->input, &work->req, &usual_limits) == WHOLE
		       ? &work->req
		       : NULL;
}

static void run_codings(const unsigned char *data, size_t size)
{
	text values = case_text(data, size);
	const struct request *req = ask_for(values);

	if (!req)
		return;

	struct preference preference = read_preference(req);
	int identity = slow_taste(values, "identity", "identity"), last = 1001;
	const int weight[CODINGS] = {
		[BR] = slow_taste(values, "br", "br"),
		[ZSTD] = slow_taste(values, "zstd", "zstd"),
		[GZIP] = slow_taste(values, "gzip", "x-gzip"),
	};
	bool taken[CODINGS] = { false };

	for (const uint8_t *c = preference.order; *c != IDENTITY; c++) {
		must(c < preference.order + CODINGS - 1 && *c < CODINGS && !taken[*c],
		     "each coding is tried once");
		must(weight[*c] > 0 && weight[*c] >= identity, "what the client takes gladly");
		must(weight[*c] <= last, "the best first");
		must(weight[*c] < last || c[-1] < *c, "of equals ours first");
		last = weight[*c];
		taken[*c] = true;
	}
	for (int c = BR; c < CODINGS; c++)
		must(taken[c] || weight[c] <= 0 || weight[c] < identity,
		     "all that the client takes gladly");
}
