/*
 * Any bytes at all, to each part of http.c that reads what came from elsewhere: a target for each
 * of them, which says of a case what has to hold.
 *
 * Built with -fsanitize=fuzzer, by clang or afl-clang-fast, it is a fuzzer; the target is the name
 * that it is called by. With -DFUZZ_ALONE it is a program that runs the cases which are kept in
 * tests/fuzz/seeds and tests/fuzz/found, a line each, and then more that it makes of the seeds, the
 * same in every run:
 *
 *      build/tests/fuzz                        all targets
 *      build/tests/fuzz TARGET [CASES [SEED]]  one of them, so many made of it
 *      build/tests/fuzz TARGET -               the cases on standard input, a line each
 *
 * All but broker.c is one translation unit, since most of http.c is static.
 */
#include "fuzz.h"

#include "conversation.c"
#include "request.c"
#include "chunks.c"
#include "ranges.c"
#include "dates.c"
#include "percent.c"
#include "codings.c"
#include "front.c"
#include "program.c"
#include "rules.c"

#include "broker.h"

static void run_broker(const unsigned char *data, size_t size)
{
	const char *fault = take_any_errand(data, size);

	must(!fault, fault);
}

static const struct target targets[] = {
	{ "conversation", run_conversation, true, 5, 4000 },
	{ "request", run_request, false, 2, 4000 },
	{ "chunks", run_chunks, false, 3, 4000 },
	{ "ranges", run_ranges, false, 2, 4000 },
	{ "dates", run_dates, false, 1, 4000 },
	{ "percent", run_percent, false, 3, 4000 },
	{ "codings", run_codings, false, 3, 4000 },
	{ "front", run_front, false, 2, 4000 },
	{ "program", run_program_output, false, 2, 2000 },
	{ "rules", run_rules, false, 2, 4000 },
	{ "broker", run_broker, false, 2, 4000 },
};

static void run_case(const unsigned char *data, size_t size)
{
	case_at = data;
	case_size = size;
	running->run(data, size);
}

static const struct target *find_target(const char *name)
{
	for (size_t i = 0; i < LENGTH(targets); i++)
		if (strcmp(name, targets[i].name) == 0)
			return &targets[i];
	fprintf(stderr, "%s is none of the targets\n", name);
	exit(EXIT_FAILURE);
}

#ifndef FUZZ_ALONE

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *slash = strrchr(**argv, '/');

	(void)argc;
	running = find_target(slash ? slash + 1 : **argv);
	make_site();
	atexit(remove_site);
	return 0;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	run_case(data, size);
	return 0;
}

#else

enum { CASE_MOST = 4096, SEEDS_MOST = 256, CHANGES_MOST = 6 };

struct made {
	unsigned char bytes[CASE_MOST];
	size_t size;
};

static struct made seeds[SEEDS_MOST]; /* of this target */
static size_t seed_count;
static unsigned long passed;

/* A copy of just that size, so that the sanitizer sees a look beyond. */
static void run_copy(const struct made *made)
{
	unsigned char *copy = malloc(made->size ? made->size : 1);

	need(copy, "malloc");
	memcpy(copy, made->bytes, made->size);
	run_case(copy, made->size);
	free(copy);
	passed++;
}

/* A line as print_case() writes it. */
static void read_case(struct made *made, const char *line)
{
	made->size = 0;
	while (*line && *line != '\n' && made->size < CASE_MOST) {
		char hex[3] = "";

		if (*line != '\\') {
			made->bytes[made->size++] = (unsigned char)*line++;
			continue;
		}
		memcpy(hex, line + 2, line[1] ? strnlen(line + 2, 2) : 0);
		made->bytes[made->size++] = (unsigned char)strtoul(hex, NULL, 16);
		line += 2 + strlen(hex);
	}
}

/* Runs the cases of a file, and keeps them to make others of if there is room. */
static void run_file(FILE *file, bool keep)
{
	static char line[5 * CASE_MOST];
	static struct made made;

	while (fgets(line, sizeof(line), file)) {
		read_case(&made, line);
		run_copy(&made);
		if (keep && seed_count < SEEDS_MOST)
			seeds[seed_count++] = made;
	}
}

static void run_kept(const char *folder, bool keep)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "tests/fuzz/%s/%s", folder, running->name);
	file = fopen(path, "re");
	need(file != NULL, path);
	run_file(file, keep);
	fclose(file);
}

static size_t below(uint64_t *seed, size_t n)
{
	return (size_t)(any_number(seed) % n);
}

static void insert(struct made *made, size_t at, unsigned char byte)
{
	if (made->size == CASE_MOST)
		return;
	memmove(made->bytes + at + 1, made->bytes + at, made->size - at);
	made->bytes[at] = byte;
	made->size++;
}

static void change(struct made *made, uint64_t *seed)
{
	/* of a conversation's script; what is special there is any other byte elsewhere */
	static const unsigned char special[] = { READ_NOW, READ_NOW, READ_NOW, READ_NOW,
						 READ_NOW, READ_NOW, DEAF,     WAIT };
	unsigned char word = (unsigned char)(WORD + below(seed, LENGTH(words)));
	size_t at = below(seed, made->size);

	switch (below(seed, 8)) {
	case 0: made->bytes[at] = (unsigned char)any_number(seed); break;
	case 1: made->bytes[at] ^= (unsigned char)(1u << below(seed, 8)); break;
	case 2: insert(made, at, (unsigned char)any_number(seed)); break;
	case 3:
		for (size_t n = below(seed, 4) ? 1 : below(seed, 60); n; n--)
			insert(made, at, word);
		break;
	case 4: made->size = at + 1; break;
	case 5: insert(made, at, special[below(seed, LENGTH(special))]); break;
	case 6: insert(made, at, made->bytes[below(seed, made->size)]); break;
	default:
		if (made->size > 1)
			memmove(made->bytes + at, made->bytes + at + 1, --made->size - at);
	}
}

/* Some seeds one behind the other; the first byte of a case is an option with most targets. */
static void make_case(struct made *made, uint64_t *seed)
{
	static const size_t often[] = { 1, 40, 40, 40, 40, 40, 40, 400 };
	size_t cut = often[below(seed, LENGTH(often))];

	*made = seeds[below(seed, seed_count)];
	if (below(seed, 2))
		made->bytes[0] = (unsigned char)any_number(seed);
	for (size_t more = below(seed, running->seeds); more; more--) {
		const struct made *from = &seeds[below(seed, seed_count)];

		for (size_t i = 1; i < from->size; i++) {
			insert(made, made->size, from->bytes[i]);
			if (running->script && below(seed, cut) == 0)
				insert(made, made->size, READ_NOW);
		}
	}
	for (size_t changes = below(seed, CHANGES_MOST); changes; changes--)
		change(made, seed);
}

static void run_target(unsigned long cases, uint64_t seed)
{
	static struct made made;

	seed += !seed; /* of which nothing but 0 would come */
	seed_count = 0;
	run_kept("found", false);
	run_kept("seeds", true);
	while (cases--) {
		make_case(&made, &seed);
		run_copy(&made);
	}
}

int main(int argc, char **argv)
{
	bool given = argc > 2 && strcmp(argv[2], "-") == 0;
	uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 0) : 1;

	make_site();
	running = argc > 1 ? find_target(argv[1]) : targets;
	do {
		if (given)
			run_file(stdin, false);
		else
			run_target(argc > 2 ? strtoul(argv[2], NULL, 0) : running->cases, seed);
	} while (argc == 1 && ++running < targets + LENGTH(targets));
	remove_site();
	printf("%lu passed, 0 failed\n", passed);
	return EXIT_SUCCESS;
}

#endif
