/*
 * The first process of a machine that has a kernel, this, wwwd and a few files: loads the drivers of the
 * network, gives it an address, and starts wwwd in one of three ways, by $way of the kernel's command line:
 *
 *   child  as its only child: a server at port 80
 *   self   in its own place: wwwd is process 1
 *   suite  all servers of the wire suite, and an inetd for each (WIRE_AT in tests/wire)
 *
 * /modules has the drivers in the order in which they are loaded. $address and $gateway are the network's.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../wire/wire.h"

enum { ARGS = 2 * WIRE_OPTIONS + 16, GIB = 1 << 30, MIB = 1 << 20 };

static void load(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || syscall(SYS_finit_module, fd, "", 0) < 0)
		warn("%s", path);
	close(fd);
}

static void load_all(void)
{
	struct dirent **names;
	int count = scandir("/modules", &names, NULL, alphasort);
	char path[512];

	for (int i = 0; i < count; i++)
		if (names[i]->d_name[0] != '.') {
			snprintf(path, sizeof(path), "/modules/%s", names[i]->d_name);
			load(path);
		}
}

static struct sockaddr address_of(const char *text)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr address;

	if (text && inet_pton(AF_INET, text, &in.sin_addr) != 1)
		errx(1, "%s", text);
	memcpy(&address, &in, sizeof(address));
	return address;
}

static void raise_link(int fd, const char *name, const char *address)
{
	struct ifreq request = { .ifr_name = "" };

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (address) {
		request.ifr_addr = address_of(address);
		if (ioctl(fd, SIOCSIFADDR, &request) < 0)
			warn("%s: address", name);
		request.ifr_netmask = address_of("255.255.255.0");
		if (ioctl(fd, SIOCSIFNETMASK, &request) < 0)
			warn("%s: mask", name);
	}
	request.ifr_flags = IFF_UP | IFF_RUNNING;
	if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		warn("%s: up", name);
}

static void raise_network(void)
{
	struct rtentry route = { .rt_flags = RTF_UP | RTF_GATEWAY };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	route.rt_dst = address_of(NULL);
	route.rt_genmask = address_of(NULL);
	route.rt_gateway = address_of(getenv("gateway"));
	raise_link(fd, "lo", NULL);
	raise_link(fd, "eth0", getenv("address"));
	if (ioctl(fd, SIOCADDRT, &route) < 0)
		warn("route");
	close(fd);
}

/*
 * A GiB of which each MiB begins with its number; the rest is a hole, of which sendfile(2) takes
 * memory all the same on older kernels.
 */
static void make_big(void)
{
	int fd;

	if (mount("tmpfs", "/www/big", "tmpfs", 0, "mode=755,size=1200m") < 0)
		warn("/www/big");
	fd = open("/www/big/gib", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0 || ftruncate(fd, GIB) < 0)
		warn("big");
	for (uint32_t i = 0; i < GIB / MIB; i++) {
		uint32_t number = htonl(i);

		if (pwrite(fd, &number, sizeof(number), (off_t)i * MIB) < 0)
			warn("big");
	}
	close(fd);
}

__attribute__((noreturn)) static void become(const char *const *args)
{
	execv("/wwwd", (char *const *)(uintptr_t)args);
	err(127, "/wwwd");
}

static void serve(const char *const *args)
{
	if (fork() == 0)
		become(args);
}

/* The options of a server of the wire suite; at `port`, or with each connection if that is 0. */
static void take_options(const char *args[ARGS], int which, int port)
{
	static char folders[SERVED][64], ports[SERVED][16];
	size_t count = 0;

	snprintf(folders[which], sizeof(folders[0]), "%s/%s", wire_top, wire_folders[which]);
	snprintf(ports[which], sizeof(ports[0]), "%d", port);
	args[count++] = "/wwwd";
	args[count++] = "-d";
	args[count++] = folders[which];
	if (port) {
		args[count++] = "-h";
		args[count++] = "0.0.0.0";
		args[count++] = "-p";
		args[count++] = ports[which];
	}
	args[count++] = "--quiet";
	for (size_t i = 0; wire_limits[which][i]; i++)
		args[count++] = wire_limits[which][i];
	for (size_t i = 0; wire_options[which][i]; i++)
		args[count++] = wire_options[which][i];
	args[count] = NULL;
}

static int listen_at(int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 64) < 0)
		err(1, "port %d", port);
	return fd;
}

static void accept_one(int listener, const char *const *args)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0 && fork() == 0) {
		dup2(fd, 0);
		dup2(fd, 1);
		dup2(fd, 2);
		become(args);
	}
	close(fd);
}

__attribute__((noreturn)) static void run_suite(void)
{
	const char *args[SERVED][ARGS];
	struct pollfd listeners[SERVED];

	wire_top = "/srv";
	mkdir(wire_top, 0755);
	wire_site_make(wire_top);
	for (int i = 0; i < SERVED; i++) {
		take_options(args[i], i, WIRE_PORT + i);
		serve(args[i]);
	}
	for (int i = 0; i < SERVED; i++) {
		take_options(args[i], i, 0);
		listeners[i] = (struct pollfd){ listen_at(WIRE_INETD_PORT + i), POLLIN, 0 };
	}
	puts("init: ready for the suite");
	signal(SIGCHLD, SIG_IGN); /* children are no zombies */
	for (;;) {
		poll(listeners, SERVED, -1);
		for (int i = 0; i < SERVED; i++)
			if (listeners[i].revents)
				accept_one(listeners[i].fd, args[i]);
	}
}

int main(void)
{
	static const char *const args[] = { "/wwwd", "-d", "/www",      "-h", "0.0.0.0",
					    "-p",    "80", "--verbose", NULL };
	const char *way = getenv("way");
	struct utsname system;
	int status;
	pid_t pid;

	setvbuf(stdout, NULL, _IONBF, 0);
	if (mount("proc", "/proc", "proc", 0, NULL) < 0)
		warn("/proc");
	uname(&system);
	printf("init: process %d, Linux %s\n", (int)getpid(), system.release);
	load_all();
	raise_network();
	if (way && strcmp(way, "suite") == 0)
		run_suite();
	make_big();
	if (way && strcmp(way, "self") == 0)
		become(args);
	pid = fork();
	if (pid == 0)
		become(args);
	while (waitpid(-1, &status, 0) != pid)
		;
	printf("init: wwwd has ended with %#x\n", (unsigned)status);
	reboot(RB_POWER_OFF);
	return 1;
}
