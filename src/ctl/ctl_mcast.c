/*
 * Groups that a client has interfaces join: they are the session's, and are
 * left when it ends.
 */

#include "ctl/ctl_impl.h"

#include <errno.h>
#include <string.h>

#include "net/if_vnet_impl.h"
#include "net/mcast.h"

/* Groups of a session. */
#define JOINS_MAX	4096

/* A join of the session. */
struct ctl_join {
	LIST_ENTRY(ctl_join) cj_link;
	uint64_t	 cj_vnet_id;
	char		 cj_vnet[VNET_NAMESIZE];
	uint64_t	 cj_handle;
	union sockaddr_any cj_group;
};

const char *
ctl_check_mcast(const struct ctl_request *rq)
{
	const struct ctl_mcast m = rq->rq_rec.mcast;

	if (memchr(m.m_ifname, '\0', sizeof(m.m_ifname)) == NULL)
		return "the interface's name has no end";
	return NULL;
}

static void
group_of(const struct ctl_mcast *m, union sockaddr_any *sa)
{

	memset(sa, 0, sizeof(*sa));
	sa->sa.sa_family = (sa_family_t)m->m_family;
	if (m->m_family == AF_INET)
		memcpy(&sa->sin.sin_addr, m->m_addr, 4);
	else if (m->m_family == AF_INET6)
		memcpy(&sa->sin6.sin6_addr, m->m_addr, 16);
	else
		sa->sa.sa_family = AF_UNSPEC;
}

static bool
same_group(const union sockaddr_any *a, const union sockaddr_any *b)
{

	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	return a->sa.sa_family == AF_INET ?
	    a->sin.sin_addr.s_addr == b->sin.sin_addr.s_addr :
	    memcmp(&a->sin6.sin6_addr, &b->sin6.sin6_addr, 16) == 0;
}

/* The handle of the interface that a request names; 0: there is none. */
static uint64_t
handle_of(struct vnet *vn, const struct ctl_mcast *m)
{
	struct ifnet *ifp;
	uint64_t handle;

	pserialize_read_enter();
	ifp = ifunit(vn, m->m_ifname);
	handle = ifp == NULL ? 0 : ifp->if_handle;
	pserialize_read_exit();
	return handle;
}

static int
no_interface(struct ctl_session *s, const struct ctl_request *rq)
{

	return ctl_reply(s, &rq->rq_hdr, ENXIO, "there is no interface named "
	    "%s (ifconfig -l lists them)", rq->rq_rec.mcast.m_ifname);
}

static void
forget(struct ctl_session *s, struct ctl_join *cj)
{

	LIST_REMOVE(cj, cj_link);
	s->cs_njoins--;
	s->cs_bytes -= sizeof(*cj);
	ctl_bytes_release(s, sizeof(*cj));
	kmem_free(s->cs_kern, cj);
}

/* Remember a join that is about to be made. */
static int
remember(struct ctl_session *s, const struct ctl_request *rq, uint64_t handle,
    struct ctl_join **cjp)
{
	struct ctl_join *cj;
	int error;

	if (s->cs_njoins >= JOINS_MAX)
		return kern_refuse(ENOBUFS, "a client has interfaces join %u "
		    "groups at most", JOINS_MAX);
	error = ctl_bytes_charge(s, sizeof(*cj));
	if (error != 0)
		return error;
	cj = kmem_zalloc(s->cs_kern, sizeof(*cj));
	if (cj == NULL) {
		ctl_bytes_release(s, sizeof(*cj));
		return ENOMEM;
	}
	cj->cj_vnet_id = rq->rq_vnet->vn_id;
	memcpy(cj->cj_vnet, rq->rq_vnet->vn_name, sizeof(cj->cj_vnet));
	cj->cj_handle = handle;
	group_of(&rq->rq_rec.mcast, &cj->cj_group);
	LIST_INSERT_HEAD(&s->cs_joins, cj, cj_link);
	s->cs_njoins++;
	s->cs_bytes += sizeof(*cj);
	*cjp = cj;
	return 0;
}

int
ctl_run_mcast_join(struct ctl_session *s, const struct ctl_request *rq)
{
	const struct ctl_mcast m = rq->rq_rec.mcast;
	uint64_t handle = handle_of(rq->rq_vnet, &m);
	struct ctl_join *cj = NULL;
	int error;

	if (handle == 0)
		return no_interface(s, rq);
	if (s->cs_undo != NULL)
		return ctl_undo_refuse(s, rq, "a group that is joined");
	error = remember(s, rq, handle, &cj);
	if (error != 0)
		return ctl_reply(s, &rq->rq_hdr, error, NULL);
	error = mcast_join(rq->rq_vnet, handle, &cj->cj_group.sa);
	if (error != 0)
		forget(s, cj);
	return ctl_reply(s, &rq->rq_hdr, error, NULL);
}

int
ctl_run_mcast_leave(struct ctl_session *s, const struct ctl_request *rq)
{
	const struct ctl_mcast m = rq->rq_rec.mcast;
	uint64_t handle = handle_of(rq->rq_vnet, &m);
	union sockaddr_any sa;
	struct ctl_join *cj;
	int error;

	if (handle == 0)
		return no_interface(s, rq);
	group_of(&m, &sa);
	LIST_FOREACH(cj, &s->cs_joins, cj_link)
		if (cj->cj_vnet_id == rq->rq_vnet->vn_id &&
		    cj->cj_handle == handle &&
		    same_group(&cj->cj_group, &sa))
			break;
	if (cj == NULL)
		return ctl_reply(s, &rq->rq_hdr, EADDRNOTAVAIL, "this client "
		    "has not had %s join this group", m.m_ifname);
	error = mcast_leave(rq->rq_vnet, handle, &sa.sa);
	forget(s, cj);
	return ctl_reply(s, &rq->rq_hdr, error, NULL);
}

void
ctl_mcast_session(struct ctl_session *s)
{
	struct ctl_join *cj;
	struct vnet *vn;

	while ((cj = LIST_FIRST(&s->cs_joins)) != NULL) {
		vn = vnet_get(s->cs_kern, cj->cj_vnet);
		/* Another vnet may have got the name. */
		if (vn != NULL && vn->vn_id == cj->cj_vnet_id)
			(void)mcast_leave(vn, cj->cj_handle,
			    &cj->cj_group.sa);
		if (vn != NULL)
			vnet_put(vn);
		forget(s, cj);
	}
}

static int
list_group(const struct mcast_info *mn, void *arg)
{
	struct ctl_mcast m = {
		.m_family = (uint32_t)mn->mn_family, .m_refs = mn->mn_refs,
		.m_own = mn->mn_own, .m_version = mn->mn_version,
		.m_robust = mn->mn_robust,
		.m_flags = (mn->mn_driver ? CTL_MCAST_DRIVER : 0) |
		    (mn->mn_overflow ? CTL_MCAST_ALL : 0),
	};

	memcpy(m.m_ifname, mn->mn_ifname, sizeof(m.m_ifname));
	memcpy(m.m_addr, &mn->mn_addr, sizeof(m.m_addr));
	memcpy(m.m_lladdr, mn->mn_lladdr, sizeof(mn->mn_lladdr));
	return ctl_out_add_rec(arg, &m, sizeof(m), NULL, 0);
}

int
ctl_run_mcast_list(struct ctl_session *s, const struct ctl_request *rq)
{
	const struct ctl_mcast m = rq->rq_rec.mcast;
	struct ctl_out out;
	int error;

	ctl_out_init(&out, s);
	error = mcast_list(rq->rq_vnet, m.m_ifname, list_group, &out);
	if (error != 0)
		ctl_out_free(&out);
	error = ctl_out_send(&out, s, &rq->rq_hdr, error);
	ctl_out_free(&out);
	return error;
}
