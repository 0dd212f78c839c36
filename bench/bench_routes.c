/*
 * Benchmarks of size: COUNT routes in a vnet, and with up to 100,000 of them as
 * many addresses on one interface, 10,000 at most, through the control socket
 * and by whole commands.  Prints one JSON object a line, as bench_scale does.
 *
 *	bench_routes COUNT
 */

#include <ifnet/client.h>
#include <ifnet/if.h>
#include <ifnet/rtmsg.h>
#include <ifnet/stack.h>

#include <arpa/inet.h>

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command/command.h"
#include "ctl/ctl.h"
#include "scale.h"
#include "server/server.h"
#include "stack/stack_impl.h"

#define IN_BATCH	1000u
#define NET_BASE	0x14000000u	/* 20.0.0.0, a /28 each */
#define ADDR_BASE	0x0b000001u	/* 11.0.0.1, in one /8 */
#define ADDRS_MAX	10000u

static char url[80];

static struct ifnet_client *
connect_again(void *arg, struct ifnet_error *e)
{
	struct ifnet_client *c = ifnet_connect(url, e);

	(void)arg;
	if (c == NULL)
		errx(1, "%s", e->text);
	return c;
}

/* Run a whole command without its output; returns its time in seconds. */
static double
command(struct ifnet_client *c, const char *line)
{
	struct cmd_ctx ctx = {
		.cc_client = c, .cc_connect = connect_again,
		.cc_err = stderr, .cc_vnet = "",
	};
	struct ifnet_error e;
	double t = now_s();

	ctx.cc_out = fopen("/dev/null", "w");
	if (ctx.cc_out == NULL || command_line(&ctx, line, &e) != 0)
		errx(1, "%s: %s", line, e.text);
	fclose(ctx.cc_out);
	return now_s() - t;
}

static size_t
message(void *room, uint8_t type, uint32_t dst, unsigned len)
{
	struct rt_msg *m = room;
	struct sockaddr_in sin = { .sin_family = AF_INET };

	memset(room, 0, RT_MSG_MAX);
	m->rtm_h.rtm_len = sizeof(*m);
	m->rtm_h.rtm_version = RTM_VERSION;
	m->rtm_h.rtm_type = type;
	m->rtm_flags = type == RTM_ADD ? RTF_GATEWAY | RTF_STATIC : 0;
	sin.sin_addr.s_addr = htonl(dst);
	(void)rt_msg_add(m, RTA_DST, (struct sockaddr *)&sin);
	if (type == RTM_ADD) {
		sin.sin_addr.s_addr = htonl(0x0a000002 + dst % 200);
		(void)rt_msg_add(m, RTA_GATEWAY, (struct sockaddr *)&sin);
		sin.sin_addr.s_addr = htonl(UINT32_MAX << (32 - len));
		(void)rt_msg_add(m, RTA_NETMASK, (struct sockaddr *)&sin);
	}
	return m->rtm_h.rtm_len;
}

static double
add_routes(struct ifnet_client *c, unsigned count)
{
	uint64_t room[RT_MSG_MAX / 8];
	struct ifnet_batch *b;
	struct ifnet_error e;
	double t = now_s();
	size_t len;

	for (unsigned i = 0; i < count; i += IN_BATCH) {
		b = ifnet_batch_begin(c, &e);
		for (unsigned j = i; j < count && j < i + IN_BATCH; j++) {
			len = message(room, RTM_ADD, NET_BASE + 16 * j, 28);
			if (b == NULL || ifnet_batch_add_route(b, room, len,
			    &e) != 0)
				errx(1, "%s", e.text);
		}
		if (ifnet_batch_run(b, NULL, &e) != 0)
			errx(1, "%s", e.text);
	}
	return now_s() - t;
}

/* The address that all routes need goes, and they with it; members of a group
 * come in the opposite of their order, and in none. */
static void
bench_gone(struct ifnet_client *c, unsigned count)
{
	char line[64];
	double t;

	(void)add_routes(c, count);
	sample("routes-gone", "", "us", command(c,
	    "ifconfig pair0 10.0.0.1 delete") * 1e6 / count);
	(void)snprintf(line, sizeof(line), "ifconfig lo create %u", count);
	(void)command(c, line);
	t = now_s();
	for (unsigned i = 1; i <= count; i++) {
		(void)snprintf(line, sizeof(line), "ifconfig lo%u group lab",
		    (unsigned)((uint64_t)i * 611953 % count) + 1);
		(void)command(c, line);
	}
	sample("group-join", "", "us", (now_s() - t) * 1e6 / count);
}

static void
get_routes(struct ifnet_client *c, unsigned count)
{
	uint64_t room[RT_MSG_MAX / 8], answer[RT_MSG_MAX / 8];
	const unsigned n = 5000;
	struct ifnet_error e;
	double t = now_s();
	size_t len, got;

	for (unsigned i = 0; i < n; i++) {
		len = message(room, RTM_GET, NET_BASE + 16 * (uint32_t)
		    ((uint64_t)i * 2654435761u % count) + 5, 32);
		got = sizeof(answer);
		if (ifnet_route(c, room, len, answer, &got, &e) != 0)
			errx(1, "%s", e.text);
	}
	sample("routes-get", "", "us", (now_s() - t) * 1e6 / n);
}

static void
bench_addrs(struct ifnet_client *c, unsigned count)
{
	struct ifaliasreq ifra;
	struct sockaddr_in *sin = (void *)&ifra.ifra_addr;
	struct sockaddr_in *mask = (void *)&ifra.ifra_mask;
	struct ifnet_error e;
	double t;

	memset(&ifra, 0, sizeof(ifra));
	strcpy(ifra.ifra_name, "pair1");
	sin->sin_family = mask->sin_family = AF_INET;
	mask->sin_addr.s_addr = htonl(0xff000000);
	t = now_s();
	for (unsigned i = 0; i < count; i++) {
		sin->sin_addr.s_addr = htonl(ADDR_BASE + i);
		if (ifnet_ioctl(c, SIOCAIFADDR, &ifra, sizeof(ifra), &e) != 0)
			errx(1, "%s", e.text);
	}
	sample("addrs-add", "", "us", (now_s() - t) * 1e6 / count);
	sample("addrs-list", "", "us", command(c, "ifconfig pair1") * 1e6 /
	    count);
	t = now_s();
	for (unsigned i = count; i-- > 0;) {
		sin->sin_addr.s_addr = htonl(ADDR_BASE + i);
		if (ifnet_ioctl(c, SIOCDIFADDR, &ifra, sizeof(ifra), &e) != 0)
			errx(1, "%s", e.text);
	}
	sample("addrs-delete", "", "us", (now_s() - t) * 1e6 / count);
}

int
main(int argc, char **argv)
{
	unsigned n = argc == 2 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
	struct ifnet_stack_config config = { .ncpu = 1, .mbufs = 256 };
	struct ifnet_stack *st;
	struct server *sv;
	struct ifnet_client *c;
	struct ifnet_error e;
	struct vnet *vn;
	char path[64];

	if (n < 1000 || n > 1000000)
		errx(2, "usage: bench_routes COUNT (1000 to 1000000)");
	scale_count(n);
	config.log_level = 4;
	st = ifnet_stack_create(&config, &e);
	if (st == NULL || (vn = vnet_create(st, "bench", &e)) == NULL)
		errx(1, "%s", e.text);
	snprintf(path, sizeof(path), "/tmp/ifnet-bench-%d.sock", getpid());
	snprintf(url, sizeof(url), "unix://%s", path);
	if (ctl_server_start(st->st_kern, path, 0600, 4, NULL, NULL, &sv) != 0)
		errx(1, "%s: no server", path);
	c = connect_again(NULL, &e);
	(void)command(c, "ifconfig pair0 create");
	(void)command(c, "ifconfig pair0 10.0.0.1/16 up");
	(void)command(c, "ifconfig pair1 create");
	(void)command(c, "ifconfig pair1 up");
	sample("routes-add", "", "per second", n / add_routes(c, n));
	get_routes(c, n);
	sample("routes-show", "", "ms", command(c, "route -n show") * 1e3);
	sample("routes-flush", "", "ms", command(c, "route flush") * 1e3);
	if (n <= 10 * ADDRS_MAX) {
		n = n < ADDRS_MAX ? n : ADDRS_MAX;
		scale_count(n);
		bench_addrs(c, n);
		bench_gone(c, n);
	}
	ifnet_close(c);
	server_stop(sv);
	ifnet_stack_destroy(st);
	return 0;
}
