/*
 * Two routers and the wire between them in one program, without a thread, a
 * privilege or a daemon: the program's own loop drives the stack.
 *
 *	cc embed.c $(pkg-config --cflags --libs ifnet)
 */

#include <err.h>
#include <poll.h>
#include <stdio.h>

#include <ifnet/stack.h>

static void
command(struct vnet *vn, const char *line)
{
	struct ifnet_error e;

	if (vnet_command(vn, line, &e) != 0)
		errx(1, "%s: %s", line, e.text);
}

int
main(void)
{
	struct ifnet_stack_config config = { .ncpu = 0, .mbufs = 4096 };
	struct vnet *left, *right;
	struct ifnet_stack *st;
	struct ifnet_ping *ping;
	struct ifnet_error e;
	struct pollfd pfd;

	st = ifnet_stack_create(&config, &e);
	if (st == NULL || (left = vnet_create(st, "left", &e)) == NULL ||
	    (right = vnet_create(st, "right", &e)) == NULL)
		errx(1, "%s", e.text);
	command(left, "ifconfig pair0 create peer right:pair0");
	command(left, "ifconfig pair0 inet 10.0.0.1/24 up");
	command(right, "ifconfig pair0 inet 10.0.0.2/24 up");

	ping = ifnet_ping_start(left, "10.0.0.2", 3, &e);
	if (ping == NULL)
		errx(1, "%s", e.text);
	pfd.fd = ifnet_stack_fd(st);
	pfd.events = POLLIN;
	while (!ifnet_ping_done(ping)) {
		(void)poll(&pfd, 1, ifnet_stack_timeout_ms(st));
		ifnet_stack_run(st);
	}
	printf("%u of %u answered\n", ifnet_ping_received(ping),
	    ifnet_ping_sent(ping));
	ifnet_ping_free(ping);
	ifnet_stack_destroy(st);
	return 0;
}
