/*
 * History: the stack's entries become texts.
 */

#include "client/client_private.h"

#include <arpa/inet.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <ifnet/if_dl.h>
#include <ifnet/ifreq.h>

static void
addr_text(const struct if_history *ih, char *buf, size_t size)
{
	size_t used = 0;
	unsigned i;

	buf[0] = '\0';
	if (ih->ih_family == AF_LINK) {
		for (i = 0; i < ih->ih_prefixlen / 8u &&
		    i < sizeof(ih->ih_addr) && used + 4 <= size; i++)
			used += (size_t)snprintf(buf + used, size - used,
			    i == 0 ? "%02x" : ":%02x", ih->ih_addr[i]);
		return;
	}
	if (inet_ntop(ih->ih_family, ih->ih_addr, buf, (socklen_t)size) ==
	    NULL)
		return;
	used = strlen(buf);
	(void)snprintf(buf + used, size - used, "/%u", ih->ih_prefixlen);
}

static const char *
name_of(const struct ifnet_client *c, enum proto_names table, unsigned number)
{
	const char *name = client_name(c, table, number, NULL);

	return name != NULL ? name : "unknown";
}

/* Convert a history entry; the stack's numbers become its own names for
 * them. */
static void
translate(const struct ifnet_client *c, const struct if_history *ih,
    struct ifnet_history *out)
{

	memset(out, 0, sizeof(*out));
	out->seq = ih->ih_seq;
	out->handle = ih->ih_handle;
	out->time_ns = ih->ih_wall_ns;
	out->mono_ns = ih->ih_mono_ns;
	memcpy(out->ifname, ih->ih_name, sizeof(out->ifname) - 1);
	out->event = name_of(c, PROTO_NAMES_HISTORY, ih->ih_event);
	out->asked = ih->ih_pid != IFHIST_PID_STACK;
	out->uid = ih->ih_uid;
	out->pid = out->asked ? ih->ih_pid : 0;
	switch (client_number(c, PROTO_NAMES_HISTORY, ih->ih_event)) {
	case IFHIST_LINK:
		(void)snprintf(out->before, sizeof(out->before), "%s",
		    name_of(c, PROTO_NAMES_LINK, ih->ih_old));
		(void)snprintf(out->after, sizeof(out->after), "%s",
		    name_of(c, PROTO_NAMES_LINK, ih->ih_new));
		break;
	case IFHIST_MTU:
		(void)snprintf(out->before, sizeof(out->before), "%u",
		    ih->ih_old);
		(void)snprintf(out->after, sizeof(out->after), "%u",
		    ih->ih_new);
		break;
	case IFHIST_ADDR_ADD:
		addr_text(ih, out->after, sizeof(out->after));
		break;
	case IFHIST_ADDR_DELETE:
		addr_text(ih, out->before, sizeof(out->before));
		break;
	case IFHIST_RENAME:
		memcpy(out->before, ih->ih_text, IFNAMSIZ - 1);
		(void)strcpy(out->after, out->ifname);
		break;
	case IFHIST_MOVE_OUT:
		memcpy(out->after, ih->ih_text, sizeof(ih->ih_text) - 1);
		break;
	case IFHIST_MOVE_IN:
		memcpy(out->before, ih->ih_text, sizeof(ih->ih_text) - 1);
		break;
	default:
		break;
	}
}

struct list {
	const struct ifnet_client *client;
	int		(*fn)(const struct ifnet_history *, void *);
	void		*arg;
};

static bool
take_entry(const struct proto_rec *pr, void *arg, int *result)
{
	const struct list *l = arg;
	struct ifnet_history out;
	struct if_history ih;

	(void)proto_rec_get(pr, &ih, sizeof(ih));
	translate(l->client, &ih, &out);
	*result = l->fn(&out, l->arg);
	return true;
}

int
ifnet_history(struct ifnet_client *c, const char *ifname,
    int (*fn)(const struct ifnet_history *, void *), void *arg,
    struct ifnet_error *e)
{
	struct list l = { .client = c, .fn = fn, .arg = arg };
	struct ctl_history ch;
	struct client_call cc = {
		.cc_op = CTL_HISTORY, .cc_what = "",
		.cc_part = { { &ch, sizeof(ch) } },
	};

	memset(&ch, 0, sizeof(ch));
	if (ifname != NULL) {
		if (strlen(ifname) >= sizeof(ch.hi_ifname))
			return ifnet_error_set(e, ENXIO,
			    "%s: no such interface", ifname);
		memcpy(ch.hi_ifname, ifname, strlen(ifname));
	}
	return client_list(c, &cc, take_entry, &l, e);
}
