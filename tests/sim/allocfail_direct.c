/*
 * Operations that are no commands: requests, listeners, taps, sessions, a
 * driver.
 */

#include <ifnet/if_ether.h>

#include "../unit/addr_test.h"
#include "allocfail.h"

#include "ctl/ctl.h"
#include "kern/sysctl.h"
#include "net/rtsock.h"

static int
listener(struct ifnet_stack *st, struct vnet *vn)
{
	struct rt_listener *l;
	int error;

	(void)st;
	error = rt_listener_open(vn, RTS_ALL | RTS_SNAPSHOT, 65536, NULL, NULL,
	    &l);
	if (error == 0)
		rt_listener_close(l);
	return error;
}

static int
discard(void *arg, const void *msg, size_t len)
{

	(void)arg;
	(void)msg;
	(void)len;
	return 0;
}

static void
no_wakeup(void *arg)
{

	(void)arg;
}

static int
session(struct ifnet_stack *st, struct vnet *vn)
{
	const struct ctl_sink sink = { .cs_send = discard,
	    .cs_wakeup = no_wakeup };
	struct ctl_session *cs;
	int error;

	(void)vn;
	error = ctl_session_create(st->st_kern, &kauth_cred_self, &sink, &cs);
	if (error == 0)
		ctl_session_destroy(cs);
	return error;
}

static int
follow(struct ifnet_stack *st, struct vnet *vn)
{
	struct ifnet_client *c;
	struct ifnet_error e;
	int error = 0;

	(void)st;
	e.code = 0;
	c = vnet_client(vn, &e);
	if (c == NULL)
		return e.code;
	if (ifnet_follow(c, IFNET_ALL | IFNET_SNAPSHOT, &e) != 0)
		error = e.code;
	ifnet_close(c);
	return error;
}

static int
count_message(const void *msg, size_t len, void *arg)
{

	(void)msg;
	(void)len;
	++*(unsigned *)arg;
	return 0;
}

/* A client that was told of no memory is as good as before. */
static int
answers(struct ifnet_stack *st, struct vnet *vn)
{
	struct ifnet_client *c;
	struct ifnet_error e;
	struct ifreq ifr;
	unsigned messages, bad = 0;
	int error;

	(void)st;
	e.code = 0;
	c = vnet_client(vn, &e);
	if (c == NULL)
		return e.code;
	memset(&ifr, 0, sizeof(ifr));
	strcpy(ifr.ifr_name, "lo0");
	for (unsigned i = 0; i < 3; i++) {
		error = ifnet_ioctl(c, SIOCGIFFLAGS, &ifr, sizeof(ifr), &e);
		KASSERT(error == 0 || error == ENOMEM);
		bad += error != 0;
		messages = 0;
		error = ifnet_dump(c, IFNET_ALL, NULL, count_message,
		    &messages, &e);
		KASSERT(error == ENOMEM || (error == 0 && messages > 0));
		bad += error != 0;
	}
	/* One allocation failed. */
	KASSERT(bad <= 1);
	ifnet_close(c);
	return bad != 0 ? ENOMEM : 0;
}

static int
ping(struct ifnet_stack *st, struct vnet *vn)
{
	struct ifnet_error e;
	struct ifnet_ping *p;

	(void)st;
	e.code = 0;
	p = ifnet_ping_start(vn, "127.0.0.1", 1, &e);
	if (p == NULL)
		return e.code;
	ifnet_ping_free(p);
	return 0;
}

/* --- taps ---------------------------------------------------------------- */

static int
capture(struct ifnet_stack *st, struct vnet *vn)
{
	struct ifnet_capture ic = {
		.ifname = "pair0",
		.dirs = IFNET_PKT_IN | IFNET_PKT_OUT,
		.buffer = 131072,
		.linktype = 1,
	};
	struct ifnet_client *c;
	struct ifnet_error e;
	int error = 0;

	(void)st;
	e.code = 0;
	c = vnet_client(vn, &e);
	if (c == NULL)
		return e.code;
	if (ifnet_capture_begin(c, &ic, &e) != 0)
		error = e.code;
	ifnet_close(c);
	return error;
}

/* --- a driver with all that there is ------------------------------------- */

static void
drv_start(struct ifnet *ifp)
{
	struct mbuf *m;

	while ((m = ifq_dequeue(ifp)) != NULL)
		m_drop(ifp, m, DROP_TX_ERROR);
}

static int
driver(struct ifnet_stack *st, struct vnet *vn)
{
	static const uint8_t lladdr[2][6] = { { 2, 0, 0, 0, 0, 0x71 },
	    { 2, 0, 0, 0, 0, 0x72 } };
	static const struct if_ops ops = { .start = drv_start,
	    .ioctl = ether_ioctl };
	static struct ifqueue second;
	struct ifnet *ifp;
	int error = ENOMEM;

	(void)st;
	ifp = if_alloc(vn, IFT_ETHER);
	if (ifp == NULL)
		return ENOMEM;
	if_initname(ifp, "drv", 0);
	ifp->if_ops = &ops;
	if (ether_ifattach(ifp, lladdr[0]) != 0 ||
	    if_set_sadl(ifp, lladdr[1], 6, false) != 0 ||
	    if_percpuq_create(ifp) != 0 ||
	    ifq_attach2(ifp, &second, 16) != 0 ||
	    if_deferred_start_init(ifp, NULL) != 0)
		goto out;
	error = if_attach(ifp);
	if (error == 0)
		if_detach(ifp);
out:
	if_free(ifp);
	return error;
}

/* --- requests ------------------------------------------------------------ */

union record {
	char		 name[IFNAMSIZ];
	struct ifreq	 ifr;
	struct ifaliasreq ifra;
	struct if_laddrreq iflr;
	struct ifdatareq ifdr;
	struct ifdropreq ifdq;
	struct ifcapreq	 ifcr;
	struct if_addrprefreq ifap;
	struct {
		struct if_groupreq req;
		char	 name[8][IFNAMSIZ];
	}		 ifgr;
	struct {
		struct if_clonereq req;
		char	 name[8][IFNAMSIZ];
	}		 cloners;
	struct {
		struct ifconf req;
		struct ifreq ifr[16];
	}		 ifc;
};

/* The n-th address, into a record. */
static void
put_addr(void *record, uint32_t n)
{
	union test_addr a = test_addr_plus("0.0.0.0", n);

	memcpy(record, &a, TEST_SALEN);
}

/* Requests that answer, and requests that set a value set already. */
static const unsigned long gets[] = {
	SIOCGIFADDR, SIOCGIFDSTADDR, SIOCGIFFLAGS, SIOCGIFBRDADDR,
	SIOCGIFNETMASK, SIOCGIFMETRIC, SIOCGIFTABLE, SIOCGIFALIAS, SIOCGLIFADDR,
	SIOCGIFADDRPREF, SIOCGIFDLT, SIOCGIFMTU, SIOCGIFCAP, SIOCGIFDATA,
	SIOCGIFDROPS, SIOCGIFINDEX, SIOCGLINKSTR, SIOCGIFDESCR, SIOCGIFGROUP,
	SIOCGIFGMEMB, SIOCIFGCLONERS, SIOCGIFCONF, SIOCZIFDATA,
};

static int
one_get(struct vnet *vn, unsigned long cmd)
{
	union record r;
	size_t len = IFIOC_SIZE(cmd);

	memset(&r, 0, sizeof(r));
	strcpy(r.name, "pair0");
	switch (cmd) {
	case SIOCGIFALIAS:
		put_addr(&r.ifra.ifra_addr, 0x0a000001);
		break;
	case SIOCGIFADDRPREF:
		put_addr(&r.ifap.ifap_addr, 0x0a000001);
		break;
	case SIOCGIFGMEMB:
		strcpy(r.ifgr.req.ifgr_group, "edge");
		/* FALLTHROUGH */
	case SIOCGIFGROUP:
		r.ifgr.req.ifgr_count = 8;
		len = sizeof(r.ifgr);
		break;
	case SIOCIFGCLONERS:
		memset(&r, 0, sizeof(r));
		r.cloners.req.ifcr_count = 8;
		len = sizeof(r.cloners);
		break;
	case SIOCGIFCONF:
		r.ifc.req.ifc_len = sizeof(r.ifc.ifr);
		len = sizeof(r.ifc);
		break;
	default:
		break;
	}
	return ifioctl(vn, &kauth_cred_self, cmd, &r, len);
}

static int
answer(struct ifnet_stack *st, struct vnet *vn)
{
	/* The interface has no far end and no texts: some refuse, at the
	 * first time. */
	static int first[sizeof(gets) / sizeof(gets[0])];
	static bool known;
	int error;

	(void)st;
	for (unsigned i = 0; i < sizeof(gets) / sizeof(gets[0]); i++) {
		error = one_get(vn, gets[i]);
		if (error == ENOMEM)
			return ENOMEM;
		if (!known)
			first[i] = error;
		KASSERT(error == first[i]);
	}
	known = true;
	return 0;
}

static int
request(struct vnet *vn, const char *name, unsigned long cmd, uint32_t addr,
    uint32_t far, uint32_t mask)
{
	union record r;

	memset(&r, 0, sizeof(r));
	strcpy(r.name, name);
	if (cmd == SIOCAIFADDR || cmd == SIOCDIFADDR) {
		put_addr(&r.ifra.ifra_addr, addr);
		if (far != 0)
			put_addr(&r.ifra.ifra_dstaddr, far);
		if (mask != 0)
			put_addr(&r.ifra.ifra_mask, mask);
	} else
		put_addr(&r.ifr.ifr_addr, addr);
	return ifioctl(vn, &kauth_cred_self, cmd, &r, IFIOC_SIZE(cmd));
}

static int
set_address(struct ifnet_stack *st, struct vnet *vn)
{

	(void)st;
	return request(vn, "pair9", SIOCSIFADDR, 0x0a060001, 0, 0);
}

static int
unset_address(struct ifnet_stack *st, struct vnet *vn)
{

	(void)st;
	return request(vn, "pair9", SIOCDIFADDR, 0x0a060001, 0, 0);
}

static int
set_netmask(struct ifnet_stack *st, struct vnet *vn)
{

	(void)st;
	return request(vn, "pair1", SIOCSIFNETMASK, 0xfffffe00, 0, 0);
}

static int
unset_netmask(struct ifnet_stack *st, struct vnet *vn)
{

	(void)st;
	return request(vn, "pair1", SIOCSIFNETMASK, 0xffffff00, 0, 0);
}

static int
set_broadcast(struct ifnet_stack *st, struct vnet *vn)
{

	(void)st;
	return request(vn, "pair1", SIOCSIFBRDADDR, 0x0a0400fe, 0, 0);
}

static int
unset_broadcast(struct ifnet_stack *st, struct vnet *vn)
{

	(void)st;
	return request(vn, "pair1", SIOCSIFBRDADDR, 0x0a0400ff, 0, 0);
}

static int
multicast(struct ifnet_stack *st, struct vnet *vn)
{
	int error;

	(void)st;
	error = request(vn, "pair0", SIOCADDMULTI, 0xe0000005, 0, 0);
	if (error != 0)
		return error == ENOMEM ? ENOMEM : 0;
	return request(vn, "pair0", SIOCDELMULTI, 0xe0000005, 0, 0);
}

/* Every setting, to what it is. */
static int
settings(struct ifnet_stack *st, struct vnet *vn)
{
	char name[SYSCTL_NAMESIZE] = "", next[SYSCTL_NAMESIZE];
	uint8_t value[1024];
	bool writable;
	size_t len;
	int error;

	(void)st;
	while ((error = sysctl_next(vn, name, next)) == 0) {
		memcpy(name, next, sizeof(name));
		len = sizeof(value);
		error = sysctl_request(vn, &kauth_cred_self, name, value, &len,
		    NULL, 0, NULL, &writable);
		if (error == 0 && writable)
			error = sysctl_request(vn, &kauth_cred_self, name,
			    NULL, NULL, value, len, NULL, NULL);
		if (error == ENOMEM)
			return ENOMEM;
	}
	return error == ENOMEM ? ENOMEM : 0;
}

const struct step direct_steps[] = {
	{ "listener", NULL, listener, NULL },
	{ "session", NULL, session, NULL },
	{ "follow", NULL, follow, NULL },
	{ "answers", NULL, answers, NULL },
	{ "ping", NULL, ping, NULL },
	{ "capture", NULL, capture, NULL },
	{ "driver", NULL, driver, NULL },
	{ "requests that answer", NULL, answer, NULL },
	{ "SIOCSIFADDR", NULL, set_address, unset_address },
	{ "SIOCSIFNETMASK", NULL, set_netmask, unset_netmask },
	{ "SIOCSIFBRDADDR", NULL, set_broadcast, unset_broadcast },
	{ "SIOCADDMULTI", NULL, multicast, NULL },
	{ "settings", NULL, settings, NULL },
};
const unsigned ndirect_steps = sizeof(direct_steps) / sizeof(direct_steps[0]);
