/*
 * Groups of interfaces.
 */

#include "client/client_private.h"

#include <errno.h>
#include <string.h>

#include <netinet/in.h>

static int
request(struct ifnet_client *c, unsigned op, const char *ifname,
    const struct sockaddr *group, struct ifnet_error *e)
{
	struct ctl_mcast m = { .m_family = group->sa_family };
	struct client_call cc = {
		.cc_op = (uint16_t)op, .cc_what = ifname,
		.cc_part = { { &m, sizeof(m) } },
	};
	struct sockaddr_in6 sin6;
	struct sockaddr_in sin;

	if (strlen(ifname) >= sizeof(m.m_ifname))
		return ifnet_error_set(e, ENXIO, "the name of the interface "
		    "is too long");
	memcpy(m.m_ifname, ifname, strlen(ifname));
	if (group->sa_family == AF_INET) {
		memcpy(&sin, group, sizeof(sin));
		memcpy(m.m_addr, &sin.sin_addr, sizeof(sin.sin_addr));
	} else if (group->sa_family == AF_INET6) {
		memcpy(&sin6, group, sizeof(sin6));
		memcpy(m.m_addr, &sin6.sin6_addr, sizeof(sin6.sin6_addr));
	} else
		return ifnet_error_set(e, EAFNOSUPPORT, "not a group of IPv4 "
		    "or IPv6");
	return client_call(c, &cc, e);
}

int
ifnet_mcast_join(struct ifnet_client *c, const char *ifname,
    const struct sockaddr *group, struct ifnet_error *e)
{

	return request(c, CTL_MCAST_JOIN, ifname, group, e);
}

int
ifnet_mcast_leave(struct ifnet_client *c, const char *ifname,
    const struct sockaddr *group, struct ifnet_error *e)
{

	return request(c, CTL_MCAST_LEAVE, ifname, group, e);
}

struct list {
	int		(*fn)(const struct ifnet_mcast *, void *);
	void		*arg;
};

static bool
take_group(const struct proto_rec *pr, void *arg, int *result)
{
	const struct list *l = arg;
	struct ifnet_mcast mc;
	struct ctl_mcast m;

	(void)proto_rec_get(pr, &m, sizeof(m));
	memset(&mc, 0, sizeof(mc));
	mc.family = (int)m.m_family;
	mc.joins = m.m_refs;
	mc.own = m.m_own;
	mc.version = m.m_version;
	mc.robustness = m.m_robust;
	mc.driver = (m.m_flags & CTL_MCAST_DRIVER) != 0;
	mc.allmulti = (m.m_flags & CTL_MCAST_ALL) != 0;
	memcpy(mc.addr, m.m_addr, sizeof(mc.addr));
	memcpy(mc.lladdr, m.m_lladdr, sizeof(mc.lladdr));
	memcpy(mc.ifname, m.m_ifname, sizeof(mc.ifname) - 1);
	*result = l->fn(&mc, l->arg);
	return true;
}

int
ifnet_mcast_list(struct ifnet_client *c, const char *ifname,
    int (*fn)(const struct ifnet_mcast *, void *), void *arg,
    struct ifnet_error *e)
{
	struct ctl_mcast m = { .m_family = 0 };
	const struct client_call cc = {
		.cc_op = CTL_MCAST_LIST, .cc_what = ifname != NULL ? ifname :
		    "groups", .cc_part = { { &m, sizeof(m) } },
	};
	struct list l = { fn, arg };

	if (ifname != NULL && strlen(ifname) >= sizeof(m.m_ifname))
		return ifnet_error_set(e, ENXIO, "the name of the interface "
		    "is too long");
	if (ifname != NULL)
		memcpy(m.m_ifname, ifname, strlen(ifname));
	return client_list(c, &cc, take_group, &l, e);
}
