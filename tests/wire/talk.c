/* What is sent to the other end of a connection, and what comes from there. */
#include "wire.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

const char *wire_top;

static void send_some(struct wire_talk *talk)
{
	size_t size = talk->piece && talk->piece < talk->out_size ? talk->piece : talk->out_size;
	ssize_t sent = send(talk->fd, talk->out, size, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (sent < 0 && errno == EAGAIN)
		return;
	if (sent < 0)
		sent = (ssize_t)talk->out_size; /* it has hung up: what it said will be read */
	talk->out += sent;
	talk->out_size -= (size_t)sent;
}

static void receive_some(struct wire_talk *talk)
{
	ssize_t size = recv(talk->fd, talk->got + talk->got_size, talk->got_room - talk->got_size,
			    MSG_DONTWAIT);

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (size < 0)
		talk->error = errno;
	if (size <= 0)
		talk->eof = true;
	else
		talk->got_size += (size_t)size;
}

void wire_step(struct wire_talk *talk, int timeout)
{
	struct pollfd ready = { .fd = talk->fd };

	if (!talk->deaf)
		ready.events |= POLLIN;
	if (talk->out_size)
		ready.events |= POLLOUT;
	if (poll(&ready, 1, timeout) <= 0)
		return;
	if (!talk->deaf && ready.revents & (POLLIN | POLLERR | POLLHUP))
		receive_some(talk);
	if (ready.revents & POLLOUT)
		send_some(talk);
}
