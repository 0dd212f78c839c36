/*
 * Requests: sizes, names, privileges, who answers, and lists.
 */

#include "if_test.h"
#include "net/if_ioctl_impl.h"	/* under test */

static const struct kauth_cred nobody = { .kc_uid = 65534, .kc_gid = 65534,
    .kc_pid = 1 };

static void
check_body(struct vnet *vn)
{
	const struct kauth_cred *self = &kauth_cred_self;
	struct if_groupreq ifgr;
	struct ifnet *ifp;
	struct ifreq ifr;

	ifp = test_must_attach(vn, "x", 0);
	KASSERT(test_ifreq(vn, "x0", SIOCGIFMTU, 0, &ifr) == 0);
	KASSERT(ifr.ifr_mtu == 1500);
	/* Too short, by a byte and by all. */
	KASSERT(ifioctl(vn, self, SIOCGIFMTU, &ifr, sizeof(ifr) - 1) ==
	    EINVAL);
	KASSERT(ifioctl(vn, self, SIOCGIFMTU, &ifr, 0) == EINVAL);
	KASSERT(ifioctl(vn, self, 0, &ifr, sizeof(ifr)) == EINVAL);
	/* A number nobody knows: with no room for a name, and with. */
	KASSERT(ifioctl(vn, self, IFIOC_W(250, uint32_t), &ifr, sizeof(ifr)) ==
	    EINVAL);
	KASSERT(test_ifreq(vn, "x0", IFIOC_W(250, struct ifreq), 0, &ifr) ==
	    EOPNOTSUPP);
	/* No NUL in the name. */
	memset(&ifr, 'x', sizeof(ifr));
	KASSERT(ifioctl(vn, self, SIOCGIFMTU, &ifr, sizeof(ifr)) == EINVAL);
	KASSERT(ifioctl(vn, self, SIOCIFDESTROY, &ifr, sizeof(ifr)) == EINVAL);
	KASSERT(ifioctl(vn, self, SIOCSIFVNET, &ifr, sizeof(ifr)) == EINVAL);
	memset(&ifgr, 'x', sizeof(ifgr));
	KASSERT(ifioctl(vn, self, SIOCGIFGROUP, &ifgr, sizeof(ifgr)) ==
	    EINVAL);
	KASSERT(test_ifreq(vn, "x1", SIOCGIFMTU, 0, &ifr) == ENXIO);
	KASSERT(test_ifreq(vn, "x0", SIOCINITIFADDR, 0, &ifr) == EPERM);

	KASSERT(test_ifreq(vn, "x0", SIOCGIFINDEX, 0, &ifr) == 0);
	KASSERT(ifr.ifr_index == ifp->if_handle);

	/* Anybody may look, not change; one that is not there is not there. */
	KASSERT(ifioctl(vn, &nobody, SIOCGIFMTU, &ifr, sizeof(ifr)) == 0);
	KASSERT(ifioctl(vn, &nobody, SIOCSIFMTU, &ifr, sizeof(ifr)) == EPERM);
	KASSERT(ifioctl(vn, &nobody, SIOCSIFFLAGS, &ifr, sizeof(ifr)) ==
	    EPERM);
	KASSERT(ifioctl(vn, &nobody, SIOCIFDESTROY, &ifr, sizeof(ifr)) ==
	    EPERM);
	memcpy(ifr.ifr_name, "y0", 3);
	KASSERT(ifioctl(vn, &nobody, SIOCSIFMTU, &ifr, sizeof(ifr)) == ENXIO);
	test_detach(ifp);
}

/* Every request there is: those that set something, and those that do not. */
static const unsigned long privileged[] = {
	SIOCALIFADDR, SIOCDLIFADDR, SIOCSIFADDRPREF, SIOCSIFFLAGS, SIOCSIFCAP,
	SIOCSIFMETRIC, SIOCZIFDATA, SIOCSIFMTU, SIOCSIFPHYADDR, SIOCDIFPHYADDR,
	SIOCSIFPHYADDR_IN6, SIOCSLIFPHYADDR, SIOCADDMULTI, SIOCDELMULTI,
	SIOCSIFMEDIA, SIOCSDRVSPEC, SIOCGDRVSPEC, SIOCSLINKSTR, SIOCS80211NWID,
	SIOCS80211NWKEY, SIOCS80211POWER, SIOCS80211CHANNEL, SIOCS80211BSSID,
	SIOCS80211, SIOCG80211, SIOCG80211NWKEY, SIOCIFCREATE, SIOCIFDESTROY,
	SIOCINITIFADDR,
	/* requests that only a protocol, or this stack, has */
	SIOCSIFADDR, SIOCSIFDSTADDR, SIOCSIFBRDADDR, SIOCSIFNETMASK,
	SIOCAIFADDR, SIOCDIFADDR, SIOCSIFDESCR, SIOCSIFNAME, SIOCAIFGROUP,
	SIOCDIFGROUP, SIOCSIFVNET,
	/* of a driver nobody knows */
	IFIOC_W(250, struct ifreq), IFIOC_WR(250, struct ifreq),
};
static const unsigned long open_to_all[] = {
	SIOCGIFADDR, SIOCGIFDSTADDR, SIOCGIFFLAGS, SIOCGIFBRDADDR, SIOCGIFCONF,
	SIOCGIFNETMASK, SIOCGIFMETRIC, SIOCGIFALIAS, SIOCGLIFADDR,
	SIOCGIFADDRPREF, SIOCGIFDLT, SIOCIFGCLONERS, SIOCGIFMTU, SIOCGIFCAP,
	SIOCGIFDATA, SIOCGIFDROPS, SIOCGIFINDEX, SIOCGLINKSTR, SIOCGIFDESCR,
	SIOCGIFGROUP, SIOCGIFGMEMB, SIOCGIFPSRCADDR, SIOCGIFPDSTADDR,
	SIOCGLIFPHYADDR, SIOCGIFMEDIA, SIOCG80211NWID, SIOCG80211POWER,
	SIOCG80211CHANNEL, SIOCG80211BSSID,
};
#define N(a)	(sizeof(a) / sizeof((a)[0]))

/* With a record of its size, of x0, and nothing else in it. */
static int
bare(struct vnet *vn, const struct kauth_cred *cred, unsigned long cmd)
{
	uint64_t rec[4096 / 8];

	memset(rec, 0, sizeof(rec));
	KASSERT(IFIOC_SIZE(cmd) <= sizeof(rec));
	if (cmd != SIOCGIFCONF && cmd != SIOCIFGCLONERS)
		memcpy(rec, "x0", 3);
	return ifioctl(vn, cred, cmd, rec, IFIOC_SIZE(cmd));
}

static void
privilege_body(struct vnet *vn)
{
	struct ifnet *ifp;

	/* No two have the same number. */
	for (size_t i = 0; i < N(privileged); i++) {
		for (size_t j = 0; j < i; j++)
			KASSERT(privileged[i] != privileged[j]);
		for (size_t j = 0; j < N(open_to_all); j++)
			KASSERT(privileged[i] != open_to_all[j]);
	}
	ifp = test_must_attach(vn, "x", 0);
	for (size_t i = 0; i < N(privileged); i++) {
		KASSERT(bare(vn, &nobody, privileged[i]) == EPERM);
		if (privileged[i] != SIOCIFCREATE &&
		    privileged[i] != SIOCIFDESTROY)
			KASSERT(bare(vn, &kauth_cred_self, privileged[i]) !=
			    EPERM || privileged[i] == SIOCINITIFADDR);
	}
	for (size_t i = 0; i < N(open_to_all); i++)
		KASSERT(bare(vn, &nobody, open_to_all[i]) != EPERM);
	/* A driver that knows none of them, and no protocol does. */
	for (size_t i = 0; i < N(privileged); i++)
		if (((privileged[i] >> 8) & 0xff) == 'i' &&
		    (privileged[i] & 0xff) >= 230)
			KASSERT(bare(vn, &kauth_cred_self, privileged[i]) ==
			    EOPNOTSUPP);
	KASSERT(bare(vn, &kauth_cred_self, SIOCSIFMEDIA) == EOPNOTSUPP);
	KASSERT(bare(vn, &kauth_cred_self, SIOCSIFPHYADDR) == EOPNOTSUPP);
	KASSERT(bare(vn, &kauth_cred_self, SIOCSDRVSPEC) == EOPNOTSUPP);
	/* The interface has changed only where a permitted user asked for
	 * it. */
	KASSERT(ifp->if_mtu == 1500);
	test_detach(ifp);
}

static void
value_body(struct vnet *vn)
{
	struct rt_listener *rl;
	struct ifnet *ifp;
	struct ifreq ifr;

	ifp = test_must_attach(vn, "x", 0);
	rl = listener_open(vn, no_wakeup);
	KASSERT(test_ifreq(vn, "x0", SIOCSIFMTU, 67, &ifr) == EINVAL);
	KASSERT(test_ifreq(vn, "x0", SIOCSIFMTU, 9001, &ifr) == EINVAL);
	KASSERT(test_ifreq(vn, "x0", SIOCSIFMTU, -1, &ifr) == EINVAL);
	KASSERT(test_ifreq(vn, "x0", SIOCSIFMTU, 1500, &ifr) == 0);
	KASSERT(listener_count(rl, RTM_IFINFO) == 0);
	KASSERT(test_ifreq(vn, "x0", SIOCSIFMTU, 9000, &ifr) == 0);
	KASSERT(listener_count(rl, RTM_IFINFO) == 1 && ifp->if_mtu == 9000);
	KASSERT(test_ifreq(vn, "x0", SIOCSIFMTU, 68, &ifr) == 0);
	KASSERT(ifp->if_mtu == 68 && tally.t_mtu == 2);
	KASSERT(test_ifreq(vn, "x0", SIOCSIFMETRIC, 5, &ifr) == 0);
	KASSERT(test_ifreq(vn, "x0", SIOCSIFMETRIC, -5, &ifr) == EINVAL);
	KASSERT(test_ifreq(vn, "x0", SIOCGIFMETRIC, 0, &ifr) == 0);
	KASSERT(ifr.ifr_metric == 5);

	KASSERT(test_ifreq(vn, "x0", SIOCGIFDESCR, 0, &ifr) == ENOENT);
	memset(&ifr.ifr_ifru, 'd', sizeof(ifr.ifr_ifru));
	KASSERT(ifioctl(vn, &kauth_cred_self, SIOCSIFDESCR, &ifr,
	    sizeof(ifr)) == EINVAL);
	(void)snprintf(ifr.ifr_text, IFDESCRSIZE, "to the lab");
	KASSERT(ifioctl(vn, &kauth_cred_self, SIOCSIFDESCR, &ifr,
	    sizeof(ifr)) == 0);
	KASSERT(test_ifreq(vn, "x0", SIOCGIFDESCR, 0, &ifr) == 0);
	KASSERT(strcmp(ifr.ifr_text, "to the lab") == 0);
	KASSERT(test_ifreq(vn, "x0", SIOCGLINKSTR, 0, &ifr) == ENOENT);
	KASSERT(test_ifreq(vn, "x0", SIOCSIFDESCR, 0, &ifr) == 0);
	KASSERT(test_ifreq(vn, "x0", SIOCGIFDESCR, 0, &ifr) == ENOENT);
	rt_listener_close(rl);
	test_detach(ifp);
}

static int
cap(struct vnet *vn, uint64_t enable)
{
	struct ifcapreq ifcr;

	memset(&ifcr, 0, sizeof(ifcr));
	memcpy(ifcr.ifcr_name, "x0", 3);
	ifcr.ifcr_capenable = enable;
	return ifioctl(vn, &kauth_cred_self, SIOCSIFCAP, &ifcr, sizeof(ifcr));
}

/* Capabilities that are enabled, and the transmit flags that the packet path
 * is given for them. */
static const struct {
	uint64_t	 enable;
	uint32_t	 mask;
} masks[] = {
	{ IFCAP_CSUM_IPv4_Tx, IF_TX_IPv4 },
	{ IFCAP_CSUM_TCPv4_Tx, IF_TX_TCPv4 },
	{ IFCAP_CSUM_UDPv4_Tx, IF_TX_UDPv4 },
	{ IFCAP_CSUM_TCPv6_Tx, IF_TX_TCPv6 },
	{ IFCAP_CSUM_UDPv6_Tx, IF_TX_UDPv6 },
	{ IFCAP_CSUM_IPv4_Rx, IF_RX_IPv4 },
	{ IFCAP_CSUM_TCPv4_Rx, IF_RX_TCPv4 },
	{ IFCAP_CSUM_UDPv4_Rx, IF_RX_UDPv4 },
	{ IFCAP_CSUM_TCPv6_Rx, IF_RX_TCPv6 },
	{ IFCAP_CSUM_UDPv6_Rx, IF_RX_UDPv6 },
	{ IFCAP_CSUM_TCPv4_Tx | IFCAP_CSUM_UDPv4_Tx,
	  IF_TX_TCPv4 | IF_TX_UDPv4 | M_CSUM_PARTIAL },
	/* Segmentation offload makes the checksums of the pieces. */
	{ IFCAP_TSOv4, 0 },
	{ IFCAP_TSOv6 | IFCAP_CSUM_TCPv4_Tx, IF_TX_TCPv4 },
	{ IFCAP_TSOv4 | IFCAP_CSUM_TCPv4_Tx, IF_TX_TCPv4 | M_TSO4 },
	{ IFCAP_TSOv6 | IFCAP_CSUM_TCPv6_Tx, IF_TX_TCPv6 | M_TSO6 },
	{ 0, 0 },
};

static void
cap_body(struct vnet *vn)
{
	const uint64_t all = IFCAP_TSOv4 | IFCAP_TSOv6 | 0x0003ff00;
	struct ifcapreq ifcr;
	struct ifnet *ifp;
	struct ifreq ifr;
	unsigned n;

	ifp = test_must_attach(vn, "x", 0);
	ifp->if_capabilities = all;
	for (size_t i = 0; i < N(masks); i++) {
		KASSERT(cap(vn, masks[i].enable) == 0);
		KASSERT(ifp->if_csum_tx == masks[i].mask);
	}
	/* A driver that takes UDP segments: when it makes their sums. */
	ifp->if_csum_tx = M_USO | M_TSO_ECN;
	KASSERT(cap(vn, IFCAP_CSUM_UDPv4_Tx) == 0);
	KASSERT((ifp->if_csum_tx & 0xffff) == (M_USO | M_TSO_ECN));
	KASSERT(cap(vn, 0) == 0);
	KASSERT((ifp->if_csum_tx & 0xffff) == M_TSO_ECN);
	KASSERT(cap(vn, IFCAP_CSUM_UDPv4_Tx) == 0);
	KASSERT((ifp->if_csum_tx & 0xffff) == (M_USO | M_TSO_ECN));

	/* A capability that the driver has not: nothing is enabled, not even
	 * those that it has. */
	KASSERT(cap(vn, IFCAP_LRO | IFCAP_TSOv4) == EINVAL);
	KASSERT(cap(vn, 1ull << 63) == EINVAL);
	KASSERT(ifp->if_capenable == IFCAP_CSUM_UDPv4_Tx);
	memset(&ifcr, 0xff, sizeof(ifcr));
	memcpy(ifcr.ifcr_name, "x0", 3);
	KASSERT(ifioctl(vn, &kauth_cred_self, SIOCGIFCAP, &ifcr,
	    sizeof(ifcr)) == 0);
	KASSERT(ifcr.ifcr_capabilities == all);
	KASSERT(ifcr.ifcr_capenable == IFCAP_CSUM_UDPv4_Tx);

	/* A driver that runs starts over; for a change, not for none. */
	n = tally.t_init;
	KASSERT(cap(vn, all) == 0 && tally.t_init == n);
	KASSERT(test_ifreq(vn, "x0", SIOCSIFFLAGS, IFF_UP, &ifr) == 0);
	KASSERT(tally.t_init == n + 1);
	KASSERT(cap(vn, all) == 0 && tally.t_init == n + 1);
	KASSERT(cap(vn, 0) == 0 && tally.t_init == n + 2);
	/* A driver that cannot start over goes on with the old capabilities. */
	tally.t_init_error = EIO;
	KASSERT(cap(vn, all) == EIO && tally.t_init == n + 4);
	KASSERT(ifp->if_capenable == 0);
	KASSERT((ifp->if_csum_tx & 0xffff) == M_TSO_ECN);
	KASSERT(test_ifreq(vn, "x0", SIOCSIFMTU, 1600, &ifr) == EIO);
	KASSERT(ifp->if_mtu == 1500 && tally.t_init == n + 6);
	tally.t_init_error = 0;
	KASSERT(cap(vn, all) == 0);
	/* A change of MTU starts a driver over likewise. */
	n = tally.t_init;
	KASSERT(test_ifreq(vn, "x0", SIOCSIFMTU, 1501, &ifr) == 0);
	KASSERT(test_ifreq(vn, "x0", SIOCSIFMTU, 1501, &ifr) == 0);
	KASSERT(tally.t_init == n + 1);
	/* ifioctl_common() returns ENETRESET for a change to start over for. */
	if_ioctl_lock(ifp);
	ifcr.ifcr_capenable = 0;
	KASSERT(ifioctl_common(ifp, SIOCSIFCAP, &ifcr) == ENETRESET);
	KASSERT(ifioctl_common(ifp, SIOCSIFCAP, &ifcr) == 0);
	if_down(ifp);
	ifcr.ifcr_capenable = all;
	KASSERT(ifioctl_common(ifp, SIOCSIFCAP, &ifcr) == 0);
	ifr.ifr_mtu = 1502;
	KASSERT(ifioctl_common(ifp, SIOCSIFMTU, &ifr) == ENETRESET);
	KASSERT(ifioctl_common(ifp, SIOCSIFMTU, &ifr) == 0);
	KASSERT(ifioctl_common(ifp, SIOCAIFADDR, &ifr) == ENOTTY);
	if_ioctl_unlock(ifp);
	test_detach(ifp);
}

static int
alias(struct vnet *vn, unsigned long cmd, const char *addr)
{
	struct ifaliasreq ifra;

	memset(&ifra, 0, sizeof(ifra));
	memcpy(ifra.ifra_name, "x0", 3);
	test_addr_put(&ifra.ifra_addr, addr);
	return ifioctl(vn, &kauth_cred_self, cmd, &ifra, sizeof(ifra));
}

static void
protocol_body(struct vnet *vn)
{
	struct ifnet *ifp;
	struct ifreq ifr;

	ifp = test_must_attach(vn, "x", 0);
	/* The driver is asked first, and what it answers counts. */
	tally.t_ioctl_error = ENXIO;
	KASSERT(alias(vn, SIOCAIFADDR, "10.0.0.1") == ENXIO);
	KASSERT(tally.t_ioctl == 1);
	/* Requests that the driver does not know are the protocol's. */
	tally.t_ioctl_error = ENOTTY;
	KASSERT(alias(vn, SIOCAIFADDR, "10.0.0.1") == 0);
	KASSERT(alias(vn, SIOCDIFADDR, "10.0.0.1") == 0);
	KASSERT(test_ifreq(vn, "x0", SIOCGIFMTU, 0, &ifr) == EOPNOTSUPP);
	tally.t_ioctl_error = 0;
	KASSERT(alias(vn, SIOCAIFADDR, "10.0.0.1") == 0);
	KASSERT(alias(vn, SIOCDIFADDR, "10.0.0.2") == EADDRNOTAVAIL);
	KASSERT(alias(vn, SIOCDIFADDR, "10.0.0.1") == 0);
	KASSERT(alias(vn, SIOCAIFADDR, "2001:db8::1") == EOPNOTSUPP);
	KASSERT(alias(vn, SIOCGIFALIAS, "0.0.0.0") == EOPNOTSUPP);
	memset(&ifr, 0, sizeof(ifr));
	KASSERT(test_ifreq(vn, "x0", SIOCGIFADDR, TEST_AF, &ifr) ==
	    EOPNOTSUPP);
	test_detach(ifp);
}

static void
conf_body(struct vnet *vn)
{
	struct ifnet *x, *y;
	struct {
		struct ifconf	 c;
		struct ifreq	 r[4];
	} buf;

	x = test_must_attach(vn, "x", 0);
	y = test_must_attach(vn, "y", 0);
	KASSERT(alias(vn, SIOCAIFADDR, "10.0.0.1") == 0);
	memset(&buf, 0xa5, sizeof(buf));
	buf.c.ifc_len = 0;
	KASSERT(ifioctl(vn, &kauth_cred_self, SIOCGIFCONF, &buf,
	    sizeof(buf.c)) == 0);
	KASSERT(buf.c.ifc_len == 3 * sizeof(struct ifreq));
	KASSERT(buf.r[0].ifr_name[0] == (char)0xa5);
	buf.c.ifc_len = -1;
	KASSERT(ifioctl(vn, &kauth_cred_self, SIOCGIFCONF, &buf,
	    sizeof(buf)) == EINVAL);
	buf.c.ifc_len = sizeof(buf.r) + 1;
	KASSERT(ifioctl(vn, &kauth_cred_self, SIOCGIFCONF, &buf,
	    sizeof(buf)) == EINVAL);
	/* Room for two and a half. */
	buf.c.ifc_len = 5 * sizeof(struct ifreq) / 2;
	KASSERT(ifioctl(vn, &kauth_cred_self, SIOCGIFCONF, &buf,
	    sizeof(buf)) == 0);
	KASSERT(buf.c.ifc_len == 2 * sizeof(struct ifreq));
	KASSERT(((uint8_t *)&buf.r[2])[0] == 0xa5);
	buf.c.ifc_len = sizeof(buf.r);
	KASSERT(ifioctl(vn, &kauth_cred_self, SIOCGIFCONF, &buf,
	    sizeof(buf)) == 0);
	KASSERT(buf.c.ifc_len == 3 * sizeof(struct ifreq));
	KASSERT(strcmp(buf.r[0].ifr_name, "x0") == 0);
	KASSERT(buf.r[0].ifr_addr.sa_family == AF_LINK);
	KASSERT(test_addr_is(&buf.r[1].ifr_addr, "10.0.0.1"));
	/* Every byte behind the address is written, as zero. */
	for (size_t i = test_addr_len(&buf.r[1].ifr_addr);
	    i < sizeof(buf.r[1].ifr_ifru); i++)
		KASSERT(((uint8_t *)&buf.r[1].ifr_ifru)[i] == 0);
	KASSERT(strcmp(buf.r[2].ifr_name, "y0") == 0);
	test_detach(x);
	test_detach(y);
}

/* A family whose addresses no record can hold. */
static const struct domain large_domain = {
	.dom_family = AF_INET6,
	.dom_slot = DOM_SLOT_INET6,
	.dom_name = "large",
	.dom_salen = sizeof(((struct ifreq *)0)->ifr_ifru) + 1,
};

static void
setaddr_body(struct vnet *vn)
{
	struct {
		struct ifconf	 c;
		struct ifreq	 r[2];
	} buf;
	union {
		struct sockaddr	 sa;
		struct sockaddr_dl sdl;
		union test_addr	 addr;
		uint8_t		 room[256];
	} u;
	struct ifnet *ifp;
	struct ifreq ifr;
	int error;

	domain_attach(vn, &large_domain);
	memset(&u, 1, sizeof(u));
	memset(&ifr, 2, sizeof(ifr));
	u.sa.sa_family = AF_INET6;
	KASSERT(ifreq_setaddr(vn, &ifr, &u.sa) == EFBIG);
	u.sa.sa_family = AF_UNIX;
	KASSERT(ifreq_setaddr(vn, &ifr, &u.sa) == EAFNOSUPPORT);
	for (size_t i = 0; i < sizeof(ifr); i++)
		KASSERT(((uint8_t *)&ifr)[i] == 2);
	u.sa.sa_family = AF_LINK;
	KASSERT(ifreq_setaddr(vn, &ifr, &u.sa) == 0);
	KASSERT(memcmp(&ifr.ifr_addr, &u.sdl, sizeof(u.sdl)) == 0);
	u.addr = test_addr("10.0.0.1");
	KASSERT(ifreq_setaddr(vn, &ifr, &u.sa) == 0);
	KASSERT(test_addr_is(&ifr.ifr_addr, "10.0.0.1"));
	for (size_t i = test_addr_len(&u.sa); i < sizeof(ifr.ifr_ifru); i++)
		KASSERT(((uint8_t *)&ifr.ifr_ifru)[i] == 0);

	/* One without any address has a record, of a zero one. */
	ifp = if_alloc(vn, IFT_LOOP);
	KASSERT(ifp != NULL);
	if_initname(ifp, "none", 0);
	ifp->if_ops = &test_ops;
	error = if_attach(ifp);
	KASSERT(error == 0);
	memset(&buf, 0xa5, sizeof(buf));
	buf.c.ifc_len = sizeof(buf.r);
	KASSERT(ifioctl(vn, &nobody, SIOCGIFCONF, &buf, sizeof(buf)) == 0);
	KASSERT(buf.c.ifc_len == sizeof(buf.r[0]));
	KASSERT(strcmp(buf.r[0].ifr_name, "none0") == 0);
	for (size_t i = 0; i < sizeof(buf.r[0].ifr_ifru); i++)
		KASSERT(((uint8_t *)&buf.r[0].ifr_ifru)[i] == 0);
	KASSERT(buf.r[1].ifr_name[0] == (char)0xa5);
	buf.c.ifc_len = 0;
	KASSERT(ifioctl(vn, &nobody, SIOCGIFCONF, &buf, sizeof(buf.c)) == 0);
	KASSERT(buf.c.ifc_len == sizeof(buf.r[0]));
	test_detach(ifp);
}

/* Flags that only the stack changes stay as they are. */
static void
flags_body(struct vnet *vn)
{
	struct ifnet *ifp;
	struct ifreq ifr;
	uint32_t before;

	ifp = test_must_attach(vn, "x", 0);
	before = if_flags_get(ifp);
	KASSERT((before & IFF_CANTCHANGE) != 0);
	KASSERT(test_ifreq(vn, "x0", SIOCSIFFLAGS, 0xffff & ~IFF_UP, &ifr) ==
	    0);
	KASSERT(if_flags_get(ifp) == ((before & IFF_CANTCHANGE) |
	    (0xffff & ~IFF_CANTCHANGE & ~IFF_UP)));
	KASSERT(test_ifreq(vn, "x0", SIOCGIFFLAGS, 0, &ifr) == 0);
	KASSERT((uint32_t)ifr.ifr_flags == if_flags_get(ifp));
	KASSERT(test_ifreq(vn, "x0", SIOCSIFFLAGS, 0, &ifr) == 0);
	KASSERT(if_flags_get(ifp) == before);
	/* No more of them than there are. */
	KASSERT(test_ifreq(vn, "x0", SIOCSIFFLAGS, (int)0xffff0000, &ifr) ==
	    0);
	KASSERT(if_flags_get(ifp) == before);
	/* A driver that cannot be started: as before. */
	tally.t_init_error = EIO;
	KASSERT(test_ifreq(vn, "x0", SIOCSIFFLAGS, IFF_UP | IFF_LINK0, &ifr) ==
	    EIO);
	KASSERT(if_flags_get(ifp) == before);
	KASSERT(test_ifreq(vn, "x0", SIOCGIFDLT, 0, &ifr) == 0);
	KASSERT((uint32_t)ifr.ifr_dlt == ifp->if_dlt);
	test_detach(ifp);
}

static void
create_body(struct vnet *vn)
{
	struct if_createreq ifcr;
	struct {
		struct if_clonereq c;
		char	 names[2][IFNAMSIZ];
	} list;
	struct ifreq ifr;

	memset(&ifcr, 0, sizeof(ifcr));
	memcpy(ifcr.ifcr_name, "tst", 4);
	KASSERT(ifioctl(vn, &nobody, SIOCIFCREATE, &ifcr, sizeof(ifcr)) ==
	    EPERM);
	KASSERT(ifioctl(vn, &kauth_cred_self, SIOCIFCREATE, &ifcr,
	    sizeof(ifcr)) == 0);
	KASSERT(strcmp(ifcr.ifcr_name, "tst0") == 0);
	memset(ifcr.ifcr_params, 'p', IFCLONE_PARAMSIZE);
	KASSERT(ifioctl(vn, &kauth_cred_self, SIOCIFCREATE, &ifcr,
	    sizeof(ifcr)) == EINVAL);
	KASSERT(test_ifreq(vn, "tst0", SIOCIFDESTROY, 0, &ifr) == 0);
	KASSERT(test_ifreq(vn, "tst0", SIOCIFDESTROY, 0, &ifr) == ENXIO);

	memset(&list, 0, sizeof(list));
	KASSERT(ifioctl(vn, &nobody, SIOCIFGCLONERS, &list,
	    sizeof(list.c)) == 0);
	KASSERT(list.c.ifcr_total == 1 && list.c.ifcr_count == 0);
	list.c.ifcr_count = 3;	/* more than there is room for */
	KASSERT(ifioctl(vn, &nobody, SIOCIFGCLONERS, &list, sizeof(list)) ==
	    EINVAL);
	list.c.ifcr_count = -1;
	KASSERT(ifioctl(vn, &nobody, SIOCIFGCLONERS, &list, sizeof(list)) ==
	    EINVAL);
	list.c.ifcr_count = 2;
	KASSERT(ifioctl(vn, &nobody, SIOCIFGCLONERS, &list, sizeof(list)) ==
	    0);
	KASSERT(list.c.ifcr_count == 1 && strcmp(list.names[0], "tst") == 0);
}

static void
test_check(void **state)
{

	(void)state;
	if_on_sim(1, check_body);
}

static void
test_privilege(void **state)
{

	(void)state;
	if_on_sim(1, privilege_body);
}

static void
test_value(void **state)
{

	(void)state;
	if_on_sim(1, value_body);
}

static void
test_cap(void **state)
{

	(void)state;
	if_on_sim(1, cap_body);
}

static void
test_protocol(void **state)
{

	(void)state;
	if_on_sim(1, protocol_body);
}

static void
test_conf(void **state)
{

	(void)state;
	if_on_sim(1, conf_body);
}

static void
test_setaddr(void **state)
{

	(void)state;
	if_on_sim(1, setaddr_body);
}

static void
test_flags(void **state)
{

	(void)state;
	if_on_sim(1, flags_body);
}

static void
test_create(void **state)
{

	(void)state;
	if_on_sim(1, create_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_privilege),
		cmocka_unit_test(test_value),
		cmocka_unit_test(test_cap),
		cmocka_unit_test(test_protocol),
		cmocka_unit_test(test_conf),
		cmocka_unit_test(test_setaddr),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_create),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
