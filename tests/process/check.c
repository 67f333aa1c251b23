/* The process suite's runner. */
#include <stdio.h>

#include "process.h"

static int skipped;

void skip(const char *test, const char *reason)
{
	printf("skipped: %s: %s\n", test, reason);
	skipped++;
}

TCase *test_case(Suite *suite, const char *name, double seconds)
{
	TCase *group = tcase_create(name);

	tcase_add_checked_fixture(group, make_top, end_test);
	tcase_set_timeout(group, seconds);
	suite_add_tcase(suite, group);
	return group;
}

int main(void)
{
	Suite *(*const suites[])(void) = { option_suite,  life_suite,     log_suite,
					   limit_suite,   calm_suite,     fresh_suite,
					   confine_suite, programs_suite, passwords_suite };
	SRunner *runner;
	int failed, ran;

	find_builds();
	runner = srunner_create(mode_suite());
	for (int i = 0; i < COUNT(suites); i++)
		srunner_add_suite(runner, suites[i]());
	make_place();
	srunner_run_all(runner, CK_ENV);
	remove_place(); /* not by atexit(): Check's children exit too */
	failed = srunner_ntests_failed(runner);
	ran = srunner_ntests_run(runner);
	srunner_free(runner);
	printf("%d passed, %d failed, %d skipped\n", ran - failed, failed, skipped);
	return failed ? 1 : 0;
}
