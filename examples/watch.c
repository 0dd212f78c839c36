/*
 * Follow a running ifnetd: first everything there is, then what changes.
 *
 *	cc watch.c $(pkg-config --cflags --libs ifnet)
 */

#include <err.h>
#include <stdio.h>

#include <ifnet/client.h>

int
main(void)
{
	struct ifnet_client *c;
	struct ifnet_error e;
	struct ifnet_event ev;

	c = ifnet_connect(NULL, &e);	/* $IFNETD, or the usual socket */
	if (c == NULL ||
	    ifnet_follow(c, IFNET_SNAPSHOT | IFNET_LINK | IFNET_ADDR, &e) != 0)
		errx(1, "%s", e.text);
	while (ifnet_next(c, &ev, &e) == 0) {
		switch (ev.type) {
		case IFNET_EV_LINK:
			printf("%llu %s is %s\n", ev.seq, ev.ifname,
			    ifnet_operstate_text(ev.link.operstate));
			break;
		case IFNET_EV_ADDR_ADD:
		case IFNET_EV_ADDR_DELETE:
			printf("%llu %s: %s %s\n", ev.seq, ev.ifname,
			    ifnet_event_text(ev.type), ev.addr);
			break;
		case IFNET_EV_OVERRUN:
			/* A new snapshot follows by itself. */
			printf("%llu missed %llu events\n", ev.seq, ev.lost);
			break;
		default:
			break;
		}
	}
	errx(1, "%s", e.text);
}
