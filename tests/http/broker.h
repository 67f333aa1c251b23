/*
 * What stands in for the broker: a program has written what it will ever say when it is started, and the
 * answer to a password is there when it is asked for.
 */
#ifndef HTTP_BROKER_H
#define HTTP_BROKER_H

#include "check.h"

static struct broker {
	const char *output, *errors; /* of the program, */
	bool lives;                  /* which doesn't end behind that */
	int error;                   /* why nothing is started or checked */
	char answer; /* to a password: 'y' or 'n', '-' if there is none, ' ' if it never comes */
	int in, out, complaints, life, check; /* the broker's ends, or -1 */
	unsigned started, checked;
	size_t size;
	char variables[VARIABLES_MOST]; /* a line each */
	char complained[16 << 10];      /* a line each */
} broker = { .in = -1, .out = -1, .complaints = -1, .life = -1, .check = -1 };

/* None of them is inherited by what comes next. */
static void close_ends(void)
{
	close_fd(&broker.in);
	close_fd(&broker.out);
	close_fd(&broker.complaints);
	close_fd(&broker.life);
	close_fd(&broker.check);
}

static inline void open_pipe(int *reads, int *writes)
{
	int fd[2];

	need(pipe2(fd, O_CLOEXEC | O_NONBLOCK) == 0, "pipe2");
	*reads = fd[0];
	*writes = fd[1];
}

static inline void say_once(int *fd, const char *what)
{
	size_t n = strlen(what);

	need(write(*fd, what, n) == (ssize_t)n, "room in a pipe");
	if (!broker.lives)
		close_fd(fd);
}

static int broker_run(const struct http_conn *conn, struct http_run *run, struct http_pipes *pipes)
{
	int life[2];

	(void)conn;
	if (broker.error)
		return broker.error;
	close_ends();
	broker.started++;
	broker.size = run->variables_len;
	need(broker.size < sizeof(broker.variables), "room for variables");
	memcpy(broker.variables, run->variables, broker.size);
	for (size_t i = 0; i < broker.size; i++)
		if (!broker.variables[i])
			broker.variables[i] = '\n';
	open_pipe(&broker.in, &pipes->in);
	open_pipe(&pipes->out, &broker.out);
	open_pipe(&pipes->error, &broker.complaints);
	need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, life) == 0,
	     "socketpair");
	pipes->life = life[0];
	broker.life = life[1];
	say_once(&broker.out, broker.output);
	say_once(&broker.complaints, broker.errors);
	return 0;
}

static int broker_check(size_t rule, text name, text password, int *answer)
{
	(void)rule, (void)name, (void)password;
	if (broker.error)
		return broker.error;
	close_fd(&broker.check);
	broker.checked++;
	open_pipe(answer, &broker.check);
	if (broker.answer == 'y' || broker.answer == 'n')
		need(write(broker.check, &broker.answer, 1) == 1, "write");
	if (broker.answer != ' ')
		close_fd(&broker.check);
	return 0;
}

static void broker_complain(text program, text line)
{
	size_t n = strlen(broker.complained);

	(void)program;
	need(n + line.len + 2 < sizeof(broker.complained), "room for complaints");
	memcpy(broker.complained + n, line.at, line.len);
	memcpy(broker.complained + n + line.len, "\n", 2);
}

/*
 * A site with these programs and guards, of which the array ends with one without a prefix. A program
 * says that, and all passwords are right.
 */
static inline struct http_site *site_with(const struct http_scope *programs,
					  const struct http_scope *guards, const char *output)
{
	static struct http_site site;

	close_ends();
	broker = (struct broker){ output,           "",         .answer = 'y', .in = -1, .out = -1,
				  .complaints = -1, .life = -1, .check = -1 };
	site = place;
	site.programs = programs;
	site.guards = guards;
	while (programs && programs[site.program_count].prefix)
		site.program_count++;
	while (guards && guards[site.guard_count].prefix)
		site.guard_count++;
	site.name = "/site";
	site.program_time = SECONDS(60);
	site.run = broker_run;
	site.check = broker_check;
	site.complain = broker_complain;
	return &site;
}

#endif
