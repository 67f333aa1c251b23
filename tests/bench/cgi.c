/* A program for CGI that does as little as one can: one write of a header and 1 KiB. */
#include "answer.h"

#include <unistd.h>

int main(void)
{
	static const char page[] =
		"Content-Type: text/html\r\nContent-Length: 1024\r\n\r\n" BODY_1024;

	return write(STDOUT_FILENO, page, sizeof(page) - 1) != (ssize_t)sizeof(page) - 1;
}
