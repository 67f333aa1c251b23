/*
 * What the broker takes from a process that reads requests, which an attacker may have taken over: any
 * message. wwwd.c is included, but a program or a helper that would be started is only looked at.
 */
#include <sched.h>
#include <stdbool.h>
#include <unistd.h>

static pid_t refuse_process(void);
static pid_t examine_launch(void *launch);

#define main wwwd_main
#define fork() refuse_process()
#define clone(function, stack, flags, launch) \
	((void)(function), (void)(stack), examine_launch(launch))
#include "../../wwwd.c"

#include "broker.h"

static const char *fault; /* what does not hold of this case, or NULL */
static int nowhere;       /* what every descriptor of a message is, but the fifth */
static int conduit;       /* an end of a pipe */

static void hold(bool good, const char *what)
{
	if (!good)
		fault = what;
}

static pid_t refuse_process(void)
{
	errno = EAGAIN;
	return -1;
}

/* A program that the command line names, and no variable that could be a setting of its libraries. */
static pid_t examine_launch(void *launch)
{
	const struct launch *given = launch;
	size_t n = 0;

	for (int i = 0; i < ERRAND_FDS; i++)
		hold((given->fds[i] > STDERR_FILENO && fcntl(given->fds[i], F_GETFD) >= 0) ||
			     (given->fds[i] < 0 && i == PROGRAM_FDS),
		     "four or five descriptors");
	hold(given->rule == &programs[0] || given->rule == &programs[1],
	     "a program that was named");
	for (; given->environment[n]; n++)
		hold(n == 0   ? strcmp(given->environment[n], program_variables[0]) == 0
		     : n == 1 ? strncmp(given->environment[n], "PATH=", 5) == 0
			      : is_variable(given->environment[n]),
		     "a variable that no request may set");
	hold(n >= 2 && n < VARIABLES_MOST, "the number of variables");
	return refuse_process();
}

/* In place of libcrypt, which not every machine has: the helper that would call it is never started. */
static char *refuse_password(const char *password, const char *hash)
{
	(void)password;
	(void)hash;
	return NULL;
}

static int next_descriptor(void)
{
	int fd = dup(STDERR_FILENO);

	close(fd);
	return fd;
}

static bool all_zero(const char *at, size_t size)
{
	return at[0] == 0 && memcmp(at, at + 1, size - 1) == 0;
}

static void begin(void)
{
	static struct shared one;
	static const char *const variable = "GIVEN=1";
	int ends[2];

	nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
	conduit = pipe2(ends, O_CLOEXEC) == 0 ? ends[1] : -1;
	shared = &one;
	crypt_function = refuse_password;
	programs[0] = (struct http_scope){ "git", "/bin/true" };
	programs[1] = (struct http_scope){ "cgi", NULL };
	guards[0] = (struct http_scope){ "private", "/dev/null" };
	site.program_count = 2;
	site.guard_count = 1;
	program_variables[0] = variable;
	program_variable_count = 1;
	survive_writing();
}

static void send_case(int to, const unsigned char *data, size_t size)
{
	static const struct http_text nothing = { "", 0 };
	enum { FIXED = 5 };
	struct errand errand = { .kind = (enum errand_kind)(data[0] % 8), .rule = data[1] % 4 };
	size_t left = size - FIXED, first = (size_t)data[3] << 8 | data[4];
	const char *texts = (const char *)data + FIXED;
	const int fds[ERRAND_FDS] = { nowhere, nowhere, nowhere, nowhere, conduit };

	first = first < left ? first : left;
	if (data[2] & 0x80) /* as it is, of which hardly any is sound */
		(void)send(to, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	else
		(void)send_errand(to, &errand, (struct http_text){ texts, first },
				  data[2] & 0x40
					  ? nothing
					  : (struct http_text){ texts + first, left - first },
				  fds, data[2] % (ERRAND_FDS + 1));
}

const char *take_any_errand(const unsigned char *data, size_t size)
{
	int ends[2], before;

	fault = NULL;
	if (size < 5)
		return NULL;
	if (!shared)
		begin();
	shared->adopted = data[1] >> 7;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return "a socketpair";
	send_case(ends[1], data, size);
	before = next_descriptor();
	hold(take_errand(ends[0]), "an errand is not the end");
	hold(next_descriptor() == before, "all descriptors are closed");
	hold(all_zero((const char *)&message, sizeof(message)), "nothing of the message stays");
	hold(running_count == 0 && helper_count == 0 && check_count == 0, "nothing was started");
	hold(shared->adopted <= 1, "the number of adopted connections");
	close(ends[0]);
	close(ends[1]);
	told_to_stop = told_to_reopen = 0;
	return fault;
}
