/*
 * What the sanitized build needs in the program itself: not every supervisor hands on the
 * environment. Leaks are looked for with ptrace(2), which a confined process may not do; nor may it
 * call sigaltstack(2), which the runtime does when a worker exits.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <sys/types.h>
#include <unistd.h>

const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "detect_leaks=0:use_sigaltstack=0";
}

/* In memory that is shared, the marks of a stack that is not unwound would stay. */
int clone(int (*begin)(void *), void *stack, int flags, void *argument, ...)
{
	pid_t pid = fork();

	(void)stack, (void)flags;
	if (pid == 0)
		_exit(begin(argument));
	return pid;
}

/* No signal ever has this stack. */
int sigaltstack(const stack_t *restrict stack, stack_t *restrict old)
{
	static _Alignas(64) char unused[4096];

	(void)stack;
	if (old)
		*old = (stack_t){ .ss_sp = unused,
				  .ss_flags = SS_DISABLE,
				  .ss_size = sizeof(unused) };
	return 0;
}
