/* The least that a handler of one connection can do: one read, one write, exit. */
#include "answer.h"

#include <unistd.h>

static const char answer[] = ANSWER_HEAD("1024", "close") BODY_1024;

int main(void)
{
	char request[8192];

	if (read(STDIN_FILENO, request, sizeof(request)) <= 0)
		return 1;
	return write(STDOUT_FILENO, answer, sizeof(answer) - 1) != (ssize_t)(sizeof(answer) - 1);
}
