/*
 * Operations: interface requests, routing messages, vnets, the daemon.
 */

#include "ctl/ctl_impl.h"

#include <ifnet/ifreq_old.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int
ctl_run_hello(struct ctl_session *s, const struct ctl_request *rq)
{
	struct {
		struct ctl_hdr	 h;
		struct ctl_hello hello;
	} msg;

	memset(&msg, 0, sizeof(msg));
	msg.hello.h_version = 1;
	msg.hello.h_pid = (uint32_t)getpid();
	(void)snprintf(msg.hello.h_text, sizeof(msg.hello.h_text),
	    "ifnetd %s", IFNET_VERSION);
	return ctl_reply_msg(s, &rq->rq_hdr, 0, CTL_ANSWER, &msg,
	    sizeof(msg));
}

/* --- interface requests -------------------------------------------------- */

/* An ioctl's answer as it is built; the record begins 16-byte aligned. */
struct ioctl_answer {
	struct ctl_hdr	 ia_hdr;
	struct ctl_ioctl ia_ioctl;
	uint8_t		 ia_record[];
};
_Static_assert(sizeof(struct ioctl_answer) % 16 == 0, "record is aligned");

/* Requests whose record is followed by room for a list. */
static bool
has_list(uint64_t cmd)
{

	return cmd == SIOCGIFCONF || cmd == OSIOCGIFCONF ||
	    cmd == SIOCIFGCLONERS || cmd == SIOCGIFGROUP ||
	    cmd == SIOCGIFGMEMB;
}

/* Does the room a list request speaks of follow it? */
static bool
list_fits(uint64_t cmd, const uint8_t *record, size_t extra)
{
	struct if_groupreq gr;
	struct if_clonereq cr;
	struct ifconf ifc;

	if (cmd == SIOCGIFGROUP || cmd == SIOCGIFGMEMB) {
		memcpy(&gr, record, sizeof(gr));
		return gr.ifgr_count < 0 ||
		    (uint64_t)gr.ifgr_count * IFNAMSIZ <= extra;
	}
	if (cmd == SIOCGIFCONF || cmd == OSIOCGIFCONF) {
		memcpy(&ifc, record, sizeof(ifc));
		return ifc.ifc_len < 0 || (uint64_t)ifc.ifc_len <= extra;
	}
	memcpy(&cr, record, sizeof(cr));
	return cr.ifcr_count < 0 ||
	    (uint64_t)cr.ifcr_count * IFNAMSIZ <= extra;
}

const char *
ctl_check_ioctl(const struct ctl_request *rq)
{
	struct ctl_ioctl ci;
	size_t len, size;

	memcpy(&ci, rq->rq_data, sizeof(ci));
	len = rq->rq_len - sizeof(ci);
	size = IFIOC_SIZE(ci.i_cmd);
	if ((ci.i_cmd >> 32) != 0 || (ci.i_cmd & (IFIOC_IN | IFIOC_OUT)) == 0)
		return "not an interface request";
	if (!has_list(ci.i_cmd))
		return len == size ? NULL :
		    "the record does not fit the request";
	if (len < size)
		return "the record does not fit the request";
	return list_fits(ci.i_cmd, rq->rq_data + sizeof(ci), len - size) ?
	    NULL : "there is less room than the request says";
}

/* The words for a create that failed. */
static int
explain_create(struct ctl_session *s, const struct ctl_hdr *h, int error,
    const char *name)
{

	switch (error) {
	case EEXIST:
		return ctl_reply(s, h, error, "%s: an interface of this name "
		    "exists (ifconfig %s shows it)", name, name);
	case EINVAL:
		return ctl_reply(s, h, error, "%s: cannot be created: no such "
		    "kind of interface, or not a unit or parameters it can "
		    "have (ifconfig -C lists the kinds)", name);
	default:
		return ctl_reply(s, h, error, "%s: cannot be created: %s",
		    name, strerror(error));
	}
}

/* The words for an interface request that failed, where we have any. */
static int
explain_ioctl(struct ctl_session *s, const struct ctl_hdr *h, uint64_t cmd,
    int error, const char *name)
{

	if (error == EPERM && kauth_authorize(s->cs_kern, &s->cs_cred,
	    KAUTH_INTERFACE_SETPRIV) != 0)
		return ctl_reply_perm(s, h, "change interfaces");
	if (has_list(cmd))
		return ctl_reply(s, h, error, NULL);
	if (error == EPERM && cmd == SIOCIFCREATE)
		return ctl_reply(s, h, error, "%s: the system does not let "
		    "ifnetd open it (it needs CAP_NET_ADMIN)", name);
	if (cmd == SIOCIFCREATE)
		return explain_create(s, h, error, name);
	if (error == ENXIO)
		return ctl_reply(s, h, error,
		    "%s: no such interface (ifconfig -l lists them)", name);
	if (error == EOPNOTSUPP && cmd == SIOCIFDESTROY)
		return ctl_reply(s, h, error,
		    "%s: an interface of this kind cannot be destroyed", name);
	return ctl_reply(s, h, error, NULL);
}

/* An MTU that was refused: which there can be. */
static int
explain_mtu(struct ctl_session *s, const struct ctl_request *rq,
    const char *name)
{
	struct psref psref;
	struct ifnet *ifp;
	unsigned min, max;

	ifp = if_get(rq->rq_vnet, name, &psref);
	if (ifp == NULL)
		return ctl_reply(s, &rq->rq_hdr, ENXIO, NULL);
	min = ifp->if_mtu_min != 0 ? ifp->if_mtu_min : IF_MTU_MIN;
	max = ifp->if_mtu_max != 0 ? ifp->if_mtu_max : 65535;
	if_put(ifp, &psref);
	return ctl_reply(s, &rq->rq_hdr, EINVAL,
	    "the MTU of %s is %u to %u", name, min, max);
}

int
ctl_run_ioctl(struct ctl_session *s, const struct ctl_request *rq)
{
	struct ioctl_answer *ia;
	char name[IFNAMSIZ + 1];
	size_t len;
	uint64_t cmd;
	int error;

	len = rq->rq_len - sizeof(ia->ia_ioctl);
	ia = kmem_zalloc(s->cs_kern, sizeof(*ia) + len);
	if (ia == NULL)
		return ctl_reply(s, &rq->rq_hdr, ENOMEM, NULL);
	memcpy(&ia->ia_ioctl, rq->rq_data, sizeof(ia->ia_ioctl));
	memcpy(ia->ia_record, rq->rq_data + sizeof(ia->ia_ioctl), len);
	cmd = ia->ia_ioctl.i_cmd;
	memset(name, 0, sizeof(name));
	memcpy(name, ia->ia_record, len < IFNAMSIZ ? len : IFNAMSIZ);
	error = ifioctl(rq->rq_vnet, &s->cs_cred, cmd, ia->ia_record, len);
	if (error == EINVAL && cmd == SIOCSIFMTU)
		error = explain_mtu(s, rq, name);
	else if (error != 0)
		error = explain_ioctl(s, &rq->rq_hdr, cmd, error, name);
	else
		error = ctl_reply_msg(s, &rq->rq_hdr, 0, CTL_ANSWER, ia,
		    sizeof(*ia) + (cmd & IFIOC_OUT ? len : 0));
	kmem_free(s->cs_kern, ia);
	return error;
}

/* --- routing messages ---------------------------------------------------- */

int
ctl_run_route(struct ctl_session *s, const struct ctl_request *rq)
{
	struct {
		struct ctl_hdr	 h;
		uint8_t		 msg[RT_MSG_MAX]
				    __attribute__((__aligned__(8)));
	} answer;
	uint8_t msg[RT_MSG_MAX] __attribute__((__aligned__(8)));
	size_t len = sizeof(answer.msg);
	int error;

	memcpy(msg, rq->rq_data, rq->rq_len);
	error = rtsock_request(rq->rq_vnet, &s->cs_cred, msg, rq->rq_len,
	    answer.msg, &len);
	if (error == EPERM)
		return ctl_reply_perm(s, &rq->rq_hdr, "change routes");
	if (error != 0)
		return ctl_reply(s, &rq->rq_hdr, error, NULL);
	return ctl_reply_msg(s, &rq->rq_hdr, 0, CTL_ANSWER, &answer,
	    sizeof(answer.h) + len);
}

/* --- vnets, the daemon --------------------------------------------------- */

int
ctl_run_vnet_create(struct ctl_session *s, const struct ctl_request *rq)
{
	const char *name = (const char *)rq->rq_data;
	const struct ctl_hdr *h = &rq->rq_hdr;
	struct vnet *vn;
	int error;

	if (kauth_authorize(s->cs_kern, &s->cs_cred, KAUTH_VNET_ADMIN) != 0)
		return ctl_reply_perm(s, h, "create vnets");
	error = vnet_create_named(s->cs_kern, name, &vn);
	switch (error) {
	case 0:
		return ctl_reply(s, h, 0, NULL);
	case EEXIST:
		return ctl_reply(s, h, error, "a vnet named %s exists", name);
	case EINVAL:
		return ctl_reply(s, h, error, "\"%.40s\" cannot name a vnet: "
		    "a name is 1 to %d letters, digits, - _ .", name,
		    VNET_NAMESIZE - 1);
	default:
		return ctl_reply(s, h, error, "the vnet %s cannot be "
		    "created: %s", name, strerror(error));
	}
}

int
ctl_run_vnet_destroy(struct ctl_session *s, const struct ctl_request *rq)
{
	const char *name = (const char *)rq->rq_data;
	struct vnet *vn;

	if (kauth_authorize(s->cs_kern, &s->cs_cred, KAUTH_VNET_ADMIN) != 0)
		return ctl_reply_perm(s, &rq->rq_hdr, "destroy vnets");
	/* "" finds the first one, and would be a mistake here. */
	if (name[0] == '\0')
		return ctl_reply(s, &rq->rq_hdr, EINVAL, "which vnet?");
	vn = vnet_get(s->cs_kern, name);
	if (vn == NULL)
		return ctl_reply(s, &rq->rq_hdr, ENOENT,
		    "no vnet named %s (vnet list shows what there is)", name);
	vnet_destroy_held(vn);
	return ctl_reply(s, &rq->rq_hdr, 0, NULL);
}

int
ctl_run_halt(struct ctl_session *s, const struct ctl_request *rq)
{
	const struct ctl_sink *sink = &s->cs_sink;
	int error;

	if (kauth_authorize(s->cs_kern, &s->cs_cred, KAUTH_HALT) != 0)
		return ctl_reply_perm(s, &rq->rq_hdr, "stop the daemon");
	error = sink->cs_halt == NULL ? EOPNOTSUPP :
	    sink->cs_halt(sink->cs_arg);
	if (error == EOPNOTSUPP)
		return ctl_reply(s, &rq->rq_hdr, error,
		    "this stack belongs to a program and is stopped by it");
	return ctl_reply(s, &rq->rq_hdr, error, NULL);
}
