/*
 * Linked in with --wrap, writes the seccomp filter to standard error instead of asking the
 * kernel for it, a step a line: an emulator knows no filter, and no kernel says what it was given.
 */
#define _GNU_SOURCE /* dprintf(3), syscall(2) */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The linker's names for what is called instead; the second is that of 32-bit processors. */
int __wrap_prctl(int option, ...);
int __wrap___prctl_time64(int option, ...) __attribute__((alias("__wrap_prctl")));

int __wrap_prctl(int option, ...)
{
	unsigned long argument[4];
	const struct sock_fprog *program;
	va_list list;

	va_start(list, option);
	for (size_t i = 0; i < sizeof(argument) / sizeof(argument[0]); i++)
		argument[i] = va_arg(list, unsigned long);
	va_end(list);
	if (option != PR_SET_SECCOMP)
		return (int)syscall(SYS_prctl, option, argument[0], argument[1], argument[2],
				    argument[3]);
	program = (const struct sock_fprog *)argument[1];
	for (size_t i = 0; i < program->len; i++)
		dprintf(2, "step %u %u %u %u\n", program->filter[i].code, program->filter[i].jt,
			program->filter[i].jf, program->filter[i].k);
	return 0;
}
