/* What is sent to the other end of a connection, and what comes from there. */
#include "wire.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

const char *wire_top;

static void send_some(struct wire_talk *talk)
{
	size_t size = talk->piece && talk->piece < talk->out_size ? talk->piece : talk->out_size;
	ssize_t sent = talk->pipe ? write(talk->pipe, talk->out, size)
				  : send(talk->fd, talk->out, size, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (sent < 0 && errno == EAGAIN)
		return;
	if (sent < 0)
		sent = (ssize_t)talk->out_size; /* it has hung up: what it said will be read */
	talk->out += sent;
	talk->out_size -= (size_t)sent;
}

static void receive_some(struct wire_talk *talk)
{
	char *to = talk->got + talk->got_size;
	size_t room = talk->got_room - talk->got_size;
	ssize_t size = talk->pipe ? read(talk->fd, to, room)
				  : recv(talk->fd, to, room, MSG_DONTWAIT);

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
	struct pollfd ready[2] = { { .fd = talk->deaf ? -1 : talk->fd, .events = POLLIN },
				   { .fd = talk->out_size ? talk->fd : -1, .events = POLLOUT } };

	if (talk->pipe && talk->out_size)
		ready[1].fd = talk->pipe;
	if (poll(ready, 2, timeout) <= 0)
		return;
	if (ready[0].revents & (POLLIN | POLLERR | POLLHUP))
		receive_some(talk);
	if (ready[1].revents & (POLLOUT | POLLERR))
		send_some(talk);
}
