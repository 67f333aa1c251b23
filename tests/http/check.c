/*
 * The suites of http.c, one for each of its parts: its functions one by one, then http_step() over
 * socket pairs and pipes with a clock that is set by hand.
 *
 * All is one translation unit, since most of http.c is static: "check.h" includes it. The cases of
 * tests/wire are linked, and run by wire.c through http.h alone.
 *
 * CK_RUN_SUITE=names and the like run a part; CK_FORK=no runs it where a debugger sees it.
 */
#include "check.h"

#include "bytes.c"
#include "etag.c"
#include "names.c"
#include "listing.c"
#include "cache.c"
#include "answer.c"
#include "rules.c"
#include "programs.c"
#include "pipelining.c"
#include "timeouts.c"
#include "linger.c"
#include "memory.c"
#include "folder.c"
#include "pipes.c"
#include "faults.c"

/* of tests/wire, whose header has names that http.c has too */
extern const char *wire_top;
void wire_site_make(const char *top);
void wire_site_unlock(const char *top);
Suite *wire_in_process_suite(void);

int main(void)
{
	SRunner *runner = NULL;
	Suite *suite = NULL;
	const char *name = "";
	struct tree all;
	char wire[PATH_MAX + 8];
	int failed;

	/* the trees of the tests are in it, since one that fails leaves its own behind */
	make_tree(&all);
	snprintf(wire, sizeof(wire), "%s/wire", all.top);
	need(setenv("TMPDIR", all.top, 1) == 0, "setenv");
	for (struct group *group = groups; group; group = group->next) {
		if (strcmp(group->suite, name) != 0) {
			name = group->suite;
			suite = suite_create(name);
			if (runner)
				srunner_add_suite(runner, suite);
			else
				runner = srunner_create(suite);
		}
		suite_add_tcase(suite, group->tests);
	}
	need(mkdir(wire, 0755) == 0, "mkdir");
	wire_top = wire;
	wire_site_make(wire);
	srunner_add_suite(runner, wire_in_process_suite());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	wire_site_unlock(wire);
	remove_tree(&all);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
