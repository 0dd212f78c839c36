/*
 * route_audit: is what packets find what requests are told?  A dump is taken,
 * and the forwarding table asked for addresses:
 *
 *	route_audit_take(vn, &ra);
 *	route_audit_addr(vn, &ra, 0, 0x14000001);
 */

#ifndef TESTS_ROUTE_AUDIT_H
#define TESTS_ROUTE_AUDIT_H

#include <arpa/inet.h>
#include <string.h>

#include <ifnet/if.h>
#include <ifnet/rtmsg.h>

#include "kern/kern_impl.h"
#include "net/route.h"

#define ROUTE_AUDIT_MAX	600

struct route_audit {
	unsigned	 ra_n;
	struct route_told {
		uint32_t	 rd_key;	/* host order */
		unsigned	 rd_len;
		uint32_t	 rd_table;
		uint64_t	 rd_handle;	/* 0: no interface */
		bool		 rd_up;
	}		 ra_told[ROUTE_AUDIT_MAX];
};

static inline uint32_t
route_audit_sin(const struct sockaddr *sa)
{
	struct sockaddr_in sin;

	memcpy(&sin, sa, sizeof(sin));
	return ntohl(sin.sin_addr.s_addr);
}

static inline int
route_audit_one(const void *msg, void *arg)
{
	const struct rt_msg *rtm = msg;
	const struct sockaddr *sa[RTAX_MAX];
	struct route_audit *ra = arg;
	struct route_told *rd;

	KASSERT(ra->ra_n < ROUTE_AUDIT_MAX);
	KASSERT(rt_msg_check(msg, rtm->rtm_h.rtm_len, sa) == 0);
	rd = &ra->ra_told[ra->ra_n++];
	rd->rd_key = route_audit_sin(sa[0]);
	rd->rd_len = sa[2] == NULL ? 32 :
	    (unsigned)__builtin_popcount(route_audit_sin(sa[2]));
	rd->rd_table = rtm->rtm_table;
	rd->rd_handle = rtm->rtm_ifhandle;
	rd->rd_up = (rtm->rtm_flags & RTF_UP) != 0;
	return 0;
}

/* Control.  At most ROUTE_AUDIT_MAX routes, each way counted. */
static inline void
route_audit_take(struct vnet *vn, struct route_audit *ra)
{

	ra->ra_n = 0;
	KASSERT(rt_dump(vn, route_audit_one, ra) == 0);
}

static inline bool
route_told_covers(const struct route_told *rd, uint32_t table, uint32_t addr)
{

	return rd->rd_table == table && ((rd->rd_key ^ addr) &
	    (rd->rd_len == 0 ? 0 : UINT32_MAX << (32 - rd->rd_len))) == 0;
}

/* By the dump, may packets to the address go this way?  The length is that of
 * the longest prefix; `up': a route of that can be used. */
static inline bool
route_audit_fits(const struct route_audit *ra, uint32_t table, uint32_t addr,
    unsigned len, bool up, uint64_t handle)
{
	const struct route_told *rd;

	for (unsigned i = 0; i < ra->ra_n; i++) {
		rd = &ra->ra_told[i];
		if (route_told_covers(rd, table, addr) && rd->rd_len == len &&
		    rd->rd_up == up && rd->rd_handle == handle)
			return true;
	}
	return false;
}

/*
 * Control; nothing changed since the dump.  The longest prefix decides, and
 * of its routes the one that is used: of several ways any that can be; when
 * none can be, packets find that.
 */
static inline void
route_audit_addr(struct vnet *vn, const struct route_audit *ra, uint32_t table,
    uint32_t addr)
{
	struct rt_table *tb = NULL;
	const struct ifnet *ifp;
	bool is_there = false, up = false;
	unsigned len = 0;
	struct fwd fd;

	for (unsigned i = 0; i < ra->ra_n; i++) {
		const struct route_told *rd = &ra->ra_told[i];

		if (!route_told_covers(rd, table, addr) ||
		    (is_there && rd->rd_len < len))
			continue;
		up = rd->rd_up || (up && rd->rd_len == len);
		is_there = true;
		len = rd->rd_len;
	}
	if (table != 0 && rt_table_hold(vn, table, false, &tb) != 0) {
		KASSERT(!is_there);
		return;
	}
	pserialize_read_enter();
	fd = rt_lookup4(table == 0 ? rt_main(vn) : tb, htonl(addr));
	KASSERT((fd.fd_nh != NULL) == is_there);
	if (is_there) {
		KASSERT(((fd.fd_nh->nh_flags & NH_UNREACHABLE) == 0) == up);
		ifp = fd.fd_nh->nh_ifp;
		/* A route that leads nowhere is described as it was asked
		 * for. */
		if (up && !fwd_is_local(&fd) && !fwd_is_broadcast(&fd))
			KASSERT(route_audit_fits(ra, table, addr, len, up,
			    ifp != NULL ? ifp->if_handle : 0));
	}
	pserialize_read_exit();
	if (tb != NULL)
		rt_table_drop(tb);
}

#endif /* !TESTS_ROUTE_AUDIT_H */
