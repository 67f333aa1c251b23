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
void wire_site_remove(const char *top);

/* http_step() over socket pairs, pipes and files, with a clock set by hand. */
static Suite *conversation_suite(void)
{
	Suite *suite = suite_create("conversations");

	suite_add_tcase(suite, pipelining_case());
	suite_add_tcase(suite, timeouts_case());
	suite_add_tcase(suite, linger_case());
	suite_add_tcase(suite, memory_case());
	suite_add_tcase(suite, folder_case());
	suite_add_tcase(suite, pipes_case());
	suite_add_tcase(suite, faults_case());
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(bytes_suite());
	struct tree all;
	char wire[PATH_MAX + 8];
	int failed;

	/* the trees of the tests are in it, since one that fails leaves its own behind */
	make_tree(&all);
	snprintf(wire, sizeof(wire), "%s/wire", all.top);
	need(setenv("TMPDIR", all.top, 1) == 0, "setenv");
	srunner_add_suite(runner, etag_suite());
	srunner_add_suite(runner, names_suite());
	srunner_add_suite(runner, listing_suite());
	srunner_add_suite(runner, cache_suite());
	srunner_add_suite(runner, answer_suite());
	srunner_add_suite(runner, rules_suite());
	srunner_add_suite(runner, programs_suite());
	srunner_add_suite(runner, conversation_suite());
	need(mkdir(wire, 0755) == 0, "mkdir");
	wire_top = wire;
	wire_site_make(wire);
	srunner_add_suite(runner, wire_in_process_suite());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	wire_site_remove(wire);
	remove_tree(&all);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
