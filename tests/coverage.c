/*
 * The measured build writes what it has counted when it ends, which a confined process may not do.
 * Linked in with --wrap, these leave out what would keep it from that, and say that all went well.
 */
#include <linux/seccomp.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

/* The linker's names, for what is called and for what is meant. */
long __wrap_syscall(long number, ...);
long __real_syscall(long number, ...);
int __wrap_prctl(int option, ...);
int __real_prctl(int option, ...);
int __wrap_setrlimit(__rlimit_resource_t resource, const struct rlimit *limit);
int __real_setrlimit(__rlimit_resource_t resource, const struct rlimit *limit);

enum { ARGUMENTS = 6 };

static void take_arguments(unsigned long *argument, int count, va_list list)
{
	for (int i = 0; i < count; i++)
		argument[i] = va_arg(list, unsigned long);
}

long __wrap_syscall(long number, ...)
{
	unsigned long a[ARGUMENTS];
	va_list list;

	va_start(list, number);
	take_arguments(a, ARGUMENTS, list);
	va_end(list);
	if (number == SYS_landlock_restrict_self)
		return 0;
	return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int __wrap_prctl(int option, ...)
{
	unsigned long a[ARGUMENTS];
	va_list list;

	va_start(list, option);
	take_arguments(a, ARGUMENTS - 2, list);
	va_end(list);
	if (option == PR_SET_SECCOMP)
		return 0;
	return __real_prctl(option, a[0], a[1], a[2], a[3]);
}

int __wrap_setrlimit(__rlimit_resource_t resource, const struct rlimit *limit)
{
	return resource == RLIMIT_FSIZE ? 0 : __real_setrlimit(resource, limit);
}
