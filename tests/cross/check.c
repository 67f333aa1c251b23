/*
 * As much of Check (its header is the one that is installed) as check_http uses, for processors for
 * which this machine has no library of it. Each test is a process of its own, with a deadline.
 */
#include <check.h>
#include <err.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TESTS = 64, FIXTURES = 4, GROUPS = 32, SUITES = 32 };

struct TCase {
	const char *name;
	struct {
		const TTest *test;
		int start, end;
	} tests[TESTS];
	struct {
		SFun begin, end;
		bool checked;
	} fixtures[FIXTURES];
	size_t test_count, fixture_count;
	unsigned timeout;
};

struct Suite {
	const char *name;
	TCase *groups[GROUPS];
	size_t count;
};

struct SRunner {
	Suite *suites[SUITES];
	size_t count;
	int run, failures, errors;
};

static void *zeroed(size_t size)
{
	void *memory = calloc(1, size);

	if (!memory)
		err(1, "calloc");
	return memory;
}

static size_t next(size_t *count, size_t most)
{
	if (*count == most)
		errx(1, "room for %zu", most);
	return (*count)++;
}

Suite *suite_create(const char *name)
{
	Suite *suite = zeroed(sizeof(*suite));

	suite->name = name;
	return suite;
}

TCase *tcase_create(const char *name)
{
	TCase *group = zeroed(sizeof(*group));

	group->name = name;
	group->timeout = 4;
	return group;
}

void suite_add_tcase(Suite *suite, TCase *group)
{
	suite->groups[next(&suite->count, GROUPS)] = group;
}

void _tcase_add_test(TCase *group, const TTest *test, int signal_number, int status, int start,
		     int end)
{
	size_t at = next(&group->test_count, TESTS);

	if (signal_number || status)
		errx(1, "%s: it can only be expected to end well", test->name);
	group->tests[at].test = test;
	group->tests[at].start = start;
	group->tests[at].end = end;
}

static void add_fixture(TCase *group, SFun begin, SFun end, bool checked)
{
	size_t at = next(&group->fixture_count, FIXTURES);

	group->fixtures[at].begin = begin;
	group->fixtures[at].end = end;
	group->fixtures[at].checked = checked;
}

void tcase_add_checked_fixture(TCase *group, SFun begin, SFun end)
{
	add_fixture(group, begin, end, true);
}

void tcase_add_unchecked_fixture(TCase *group, SFun begin, SFun end)
{
	add_fixture(group, begin, end, false);
}

void tcase_set_timeout(TCase *group, double timeout)
{
	group->timeout = (unsigned)timeout + 1;
}

static void begin(const TCase *group, bool checked)
{
	for (size_t i = 0; i < group->fixture_count; i++)
		if (group->fixtures[i].checked == checked && group->fixtures[i].begin)
			group->fixtures[i].begin();
}

static void end(const TCase *group, bool checked)
{
	for (size_t i = group->fixture_count; i-- > 0;)
		if (group->fixtures[i].checked == checked && group->fixtures[i].end)
			group->fixtures[i].end();
}

void _mark_point(const char *file, int line)
{
	(void)file, (void)line;
}

void _ck_assert_failed(const char *file, int line, const char *expression, const char *message, ...)
{
	va_list values;

	va_start(values, message);
	printf("%s:%d:F: ", file, line);
	if (message)
		vprintf(message, values);
	else
		fputs(expression, stdout);
	putchar('\n');
	va_end(values);
	fflush(stdout);
	_exit(1);
}

static void run_test(SRunner *runner, const TCase *group, const TTest *test, int i)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		/* an emulator is slower than the processors that the deadlines are made for */
		alarm(10 * group->timeout);
		begin(group, true);
		test->fn(i);
		end(group, true);
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	runner->run++;
	if (WIFSIGNALED(status))
		printf("%s:%d:E:%s:%d: signal %d\n", test->file, test->line, test->name, i,
		       WTERMSIG(status));
	else if (status)
		printf("%s:%d:F:%s:%d\n", test->file, test->line, test->name, i);
	runner->errors += WIFSIGNALED(status);
	runner->failures += WIFEXITED(status) && WEXITSTATUS(status);
}

static void run_group(SRunner *runner, const TCase *group)
{
	begin(group, false);
	for (size_t t = 0; t < group->test_count; t++)
		for (int i = group->tests[t].start; i < group->tests[t].end; i++)
			run_test(runner, group, group->tests[t].test, i);
	end(group, false);
}

SRunner *srunner_create(Suite *suite)
{
	SRunner *runner = zeroed(sizeof(*runner));

	srunner_add_suite(runner, suite);
	return runner;
}

void srunner_add_suite(SRunner *runner, Suite *suite)
{
	runner->suites[next(&runner->count, SUITES)] = suite;
}

void srunner_run_all(SRunner *runner, enum print_output print)
{
	const char *only = getenv("CK_RUN_SUITE");

	(void)print;
	for (size_t s = 0; s < runner->count; s++)
		for (size_t g = 0; g < runner->suites[s]->count; g++)
			if (!only || strcmp(only, runner->suites[s]->name) == 0)
				run_group(runner, runner->suites[s]->groups[g]);
	printf("%d%%: Checks: %d, Failures: %d, Errors: %d\n",
	       runner->run ? 100 * (runner->run - runner->failures - runner->errors) / runner->run
			   : 0,
	       runner->run, runner->failures, runner->errors);
}

int srunner_ntests_failed(SRunner *runner)
{
	return runner->failures + runner->errors;
}

void srunner_free(SRunner *runner)
{
	for (size_t s = 0; s < runner->count; s++) {
		for (size_t g = 0; g < runner->suites[s]->count; g++)
			free(runner->suites[s]->groups[g]);
		free(runner->suites[s]);
	}
	free(runner);
}
