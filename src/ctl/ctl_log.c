/*
 * The log of changes: one line for each request that was carried out, with its
 * user, at level "info", in the words of ifctl.
 */

#include "ctl/ctl_undo_impl.h"

#include <arpa/inet.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <ifnet/if_dl.h>

#include "net/if_name_impl.h"
#include "proto/prefix.h"
#include "proto/proto_ioctl.h"
#include "proto/rtmsg_fit.h"

/* A log line that is being put together. */
struct log_text {
	char	 lt_buf[384];
	size_t	 lt_used;
};

static void __attribute__((__format__(__printf__, 2, 3)))
add(struct log_text *lt, const char *fmt, ...)
{
	size_t left = sizeof(lt->lt_buf) - lt->lt_used;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(lt->lt_buf + lt->lt_used, left, fmt, ap);
	va_end(ap);
	if (n > 0)
		lt->lt_used += (size_t)n < left ? (size_t)n : left - 1;
}

/* Append an address of any family, with a space in front; nothing without an
 * address. */
static void
add_addr(struct log_text *lt, const char *before, const void *any)
{
	char text[LLADDR_STRSIZE > INET6_ADDRSTRLEN ? LLADDR_STRSIZE :
	    INET6_ADDRSTRLEN];
	struct sockaddr_in6 sin6;
	struct sockaddr_in sin;
	struct sockaddr_dl sdl;

	memcpy(&sin, any, sizeof(sin));
	if (sin.sin_family == AF_INET) {
		add(lt, "%s%s", before, inet_ntop(AF_INET, &sin.sin_addr,
		    text, sizeof(text)));
	} else if (sin.sin_family == AF_INET6) {
		memcpy(&sin6, any, sizeof(sin6));
		add(lt, "%s%s", before, inet_ntop(AF_INET6, &sin6.sin6_addr,
		    text, sizeof(text)));
		if (sin6.sin6_scope_id != 0)
			add(lt, "%%%u", sin6.sin6_scope_id);
	} else if (sin.sin_family == AF_LINK) {
		memcpy(&sdl, any, sizeof(sdl));
		if (sdl.sdl_alen != 0 && sdl.sdl_alen <= SDL_DATALEN)
			add(lt, "%s%s", before, lladdr_text(sdl.sdl_data,
			    sdl.sdl_alen, text));
	}
}

/* --- interface requests --------------------------------------------------- */

/* Describe requests whose records begin like struct ifreq. */
static bool
add_ifreq(struct log_text *lt, unsigned long cmd, const struct ifreq *ifr)
{
	static const struct {
		unsigned long	 cmd;
		const char	*word;
	} texts[] = {
		{ SIOCSIFDESCR, "descr" }, { SIOCSLINKSTR, "linkstr" },
		{ SIOCSIFNAME, "name" }, { SIOCSIFVNET, "vnet" },
	};

	switch (cmd) {
	case SIOCIFDESTROY:
		add(lt, " destroy");
		return true;
	case SIOCSIFFLAGS:
		add(lt, " %s (flags 0x%x)", (uint32_t)ifr->ifr_flags & IFF_UP ?
		    "up" : "down", (uint32_t)ifr->ifr_flags);
		return true;
	case SIOCSIFMTU:
		add(lt, " mtu %d", ifr->ifr_mtu);
		return true;
	case SIOCSIFTABLE:
		add(lt, " table %d", ifr->ifr_value);
		return true;
	case SIOCSIFMETRIC:
		add(lt, " metric %d", ifr->ifr_metric);
		return true;
	case SIOCZIFDATA:
		add(lt, " -z");
		return true;
	default:
		for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
			if (texts[i].cmd == cmd) {
				add(lt, " %s \"%.*s\"", texts[i].word,
				    (int)strnlen(ifr->ifr_text,
				    sizeof(ifr->ifr_text)), ifr->ifr_text);
				return true;
			}
		return false;
	}
}

static bool
add_record(struct log_text *lt, unsigned long cmd, const union ctl_if_record *r)
{

	switch (cmd) {
	case SIOCIFCREATE:
		add(lt, " create%s%.*s",
		    r->create.ifcr_params[0] != '\0' ? " " : "",
		    IFCLONE_PARAMSIZE, r->create.ifcr_params);
		return true;
	case SIOCAIFADDR:
	case SIOCDIFADDR:
		add_addr(lt, " inet ", &r->alias.ifra_addr);
		add_addr(lt, " netmask ", &r->alias.ifra_mask);
		add_addr(lt, " to ", &r->alias.ifra_dstaddr);
		add(lt, cmd == SIOCAIFADDR ? " alias" : " delete");
		return true;
	case SIOCAIFADDR_IN6:
		add_addr(lt, " inet6 ", &r->alias6.ifra_addr);
		if (r->alias6.ifra_prefixmask.sin6_family == AF_INET6)
			add(lt, " prefixlen %d", prefix_len_bytes(
			    &r->alias6.ifra_prefixmask.sin6_addr, 16));
		add_addr(lt, " to ", &r->alias6.ifra_dstaddr);
		add(lt, " alias");
		return true;
	case SIOCDIFADDR_IN6:
		add_addr(lt, " inet6 ", &r->ifr6.ifr6_addr);
		add(lt, " delete");
		return true;
	case SIOCALIFADDR:
	case SIOCDLIFADDR:
		add_addr(lt, " ", &r->laddr.iflr_addr);
		add(lt, "/%u %s%s", r->laddr.iflr_prefixlen,
		    cmd == SIOCALIFADDR ? "alias" : "delete",
		    r->laddr.iflr_flags & IFLR_ACTIVE ? " active" : "");
		return true;
	case SIOCSIFADDRPREF:
		add_addr(lt, " inet ", &r->pref.ifap_addr);
		add(lt, " preference %d", r->pref.ifap_preference);
		return true;
	case SIOCSIFCAP:
		add(lt, " capabilities 0x%llx",
		    (unsigned long long)r->cap.ifcr_capenable);
		return true;
	case SIOCAIFGROUP:
	case SIOCDIFGROUP:
		add(lt, " %sgroup %.*s", cmd == SIOCAIFGROUP ? "" : "-",
		    IFNAMSIZ, r->group.ifgr_group);
		return true;
	default:
		return add_ifreq(lt, cmd, &r->ifr);
	}
}

/* Describe a change of a packet generator's streams. */
static void
add_stream(struct log_text *lt, const struct if_pgreq *pgr)
{
	static const char *const verbs[] = {
		[PG_SET] = "set", [PG_DELETE] = "delete",
		[PG_START] = "start", [PG_STOP] = "stop",
	};

	add(lt, "pg %s %.*s", pgr->pgr_op < PG_NEXT &&
	    verbs[pgr->pgr_op] != NULL ? verbs[pgr->pgr_op] : "?", IFNAMSIZ,
	    pgr->pgr_name);
	if (pgr->pgr_stream != 0)
		add(lt, " %u", pgr->pgr_stream);
	if (pgr->pgr_op == PG_SET)
		add(lt, " %.*s", PG_WORDS_MAX, pgr->pgr_words);
}

/* false: a request that changes nothing. */
static bool
log_ioctl(struct log_text *lt, const struct ctl_session *s,
    const struct ctl_request *rq)
{
	uint64_t asked = rq->rq_rec.ioctl.i_cmd;
	uint64_t cmd = proto_ioctl_here(asked);
	size_t len = rq->rq_rec.ioctl.i_len;
	union ctl_if_record r;

	if (cmd == 0)
		cmd = asked;
	switch (request_action(REQUEST_IOCTL, (unsigned long)cmd)) {
	case KAUTH_INTERFACE_GET:
	case KAUTH_INTERFACE_GETPRIV:
		return false;
	default:	/* also those that answer something */
		if (cmd == SIOCAPGPACKETS)
			return false;	/* the stream of them is told */
		break;
	}
	memset(&r, 0, sizeof(r));
	memcpy(&r, rq->rq_data, len < sizeof(r) ? len : sizeof(r));
	if (cmd == SIOCSPGSTREAM) {
		add_stream(lt, &r.pg);
		return true;
	}
	add(lt, "ifconfig %.*s", IFNAMSIZ, cmd == SIOCIFCREATE &&
	    s->cs_created[0] != '\0' ? s->cs_created : r.ifr.ifr_name);
	if (!add_record(lt, (unsigned long)cmd, &r))
		add(lt, " request 0x%llx", (unsigned long long)cmd);
	return true;
}

/* --- the other requests --------------------------------------------------- */

static void
add_ifindex(struct log_text *lt, const char *word, struct vnet *vn,
    unsigned index)
{
	char name[IFNAMSIZ];
	struct psref psref;
	struct ifnet *ifp;

	ifp = vn == NULL ? NULL : if_get_byindex(vn, index, &psref);
	if (ifp == NULL) {
		add(lt, " %s #%u (gone)", word, index);
		return;
	}
	if_name_copy(ifp, name);
	if_put(ifp, &psref);
	add(lt, " %s %s", word, name);
}

static bool
add_route(struct log_text *lt, struct vnet *vn, const struct rt_msg *m)
{
	const struct sockaddr *sa[RTAX_MAX];
	const char *verb;
	bool neighbour;

	if (rt_msg_check(m, m->rtm_h.rtm_len, sa) != 0 ||
	    m->rtm_h.rtm_type == RTM_GET)
		return false;
	neighbour = (m->rtm_flags & RTF_LLDATA) != 0;
	if (m->rtm_h.rtm_type == RTM_DELETE)
		verb = neighbour ? "-d" : "delete";
	else if (neighbour)
		verb = "-s";
	else
		verb = m->rtm_h.rtm_type == RTM_CHANGE ? "change" : "add";
	add(lt, "%s %s", !neighbour ? "route" : sa[0] != NULL &&
	    sa[0]->sa_family == AF_INET6 ? "ndp" : "arp", verb);
	if (sa[0] != NULL)
		add_addr(lt, " ", sa[0]);
	if (sa[2] != NULL && !neighbour)
		add_addr(lt, " -netmask ", sa[2]);
	if (sa[1] != NULL)
		add_addr(lt, " ", sa[1]);
	if (m->rtm_flags & (RTF_BLACKHOLE | RTF_REJECT))
		add(lt, " %s", m->rtm_flags & RTF_REJECT ? "-reject" :
		    "-blackhole");
	if ((m->rtm_given & RTV_METRIC) != 0 && !neighbour)
		add(lt, " -metric %u", m->rtm_metric);
	if (m->rtm_table != 0 && !neighbour)
		add(lt, " -table %u", m->rtm_table);
	if (m->rtm_index != 0 && !neighbour)
		add_ifindex(lt, sa[1] != NULL ? "-ifp" : "-interface", vn,
		    m->rtm_index);
	return true;
}

static bool
log_route(struct log_text *lt, const struct ctl_request *rq)
{
	uint8_t msg[RT_MSG_MAX] __attribute__((__aligned__(8)));
	uint8_t room[RT_MSG_MAX] __attribute__((__aligned__(8)));
	const void *fitted;

	memcpy(msg, rq->rq_data, rq->rq_len);
	return rt_msg_fit(msg, rq->rq_len, room, &fitted) == 0 &&
	    add_route(lt, rq->rq_vnet, fitted);
}

static void
add_sysctl(struct log_text *lt, const char *name, const void *value,
    size_t len)
{
	int64_t v;

	add(lt, "sysctl %s=", name);
	if (len == sizeof(v)) {
		memcpy(&v, value, sizeof(v));
		add(lt, "%lld", (long long)v);
	} else
		add(lt, "%.*s", (int)(len < 200 ? len : 200),
		    (const char *)value);
}

static bool
log_sysctl(struct log_text *lt, const struct ctl_request *rq)
{
	const struct ctl_sysctl *cs = &rq->rq_rec.sysctl;

	if (!cs->s_setnew)
		return false;
	add_sysctl(lt, cs->s_name, rq->rq_data, rq->rq_len);
	return true;
}

static bool
log_filter(struct log_text *lt, const struct ctl_request *rq)
{
	const struct ctl_filter *f = &rq->rq_rec.filter;
	size_t insns = 0;

	for (unsigned i = 0; i < f->f_nprogs; i++)
		insns += f->f_prog[i].ninsns;
	add(lt, "filter add ");
	if (f->f_number != 0)
		add(lt, "%u ", f->f_number);
	add(lt, "%s %s ", f->f_dir == CTL_TAP_IN ? "in" : "out",
	    f->f_ifname[0] != '\0' ? f->f_ifname : "any");
	if (f->f_action == CTL_FILTER_MARK)
		add(lt, "mark %u ", f->f_mark);
	else
		add(lt, "%s ", f->f_action == CTL_FILTER_DROP ? "drop" :
		    "pass");
	add(lt, "%s", (const char *)rq->rq_data +
	    insns * sizeof(struct ctl_insn));
	return true;
}

static void
add_prefix(struct log_text *lt, const char *word, uint32_t family,
    const uint8_t addr[16], uint32_t len)
{
	char text[INET6_ADDRSTRLEN];

	if (len != 0)
		add(lt, " %s %s/%u", word, inet_ntop(family == AF_INET6 ?
		    AF_INET6 : AF_INET, addr, text, sizeof(text)), len);
}

static bool
log_rule(struct log_text *lt, const struct ctl_rule *r)
{

	add(lt, "rule add");
	if (r->r_number != 0)
		add(lt, " %u", r->r_number);
	if (r->r_ifname[0] != '\0')
		add(lt, " in %s", r->r_ifname);
	add_prefix(lt, "from", r->r_family, r->r_src, r->r_srclen);
	add_prefix(lt, "to", r->r_family, r->r_dst, r->r_dstlen);
	if (r->r_markmask != 0)
		add(lt, " mark 0x%x/0x%x", r->r_mark, r->r_markmask);
	if (r->r_action == CTL_RULE_TABLE)
		add(lt, " table %u", r->r_table);
	else
		add(lt, " %s", r->r_action == CTL_RULE_REJECT ? "reject" :
		    "blackhole");
	return true;
}

static bool
log_mcast(struct log_text *lt, const struct ctl_request *rq)
{
	const struct ctl_mcast *m = &rq->rq_rec.mcast;
	char text[INET6_ADDRSTRLEN] = "?";

	(void)inet_ntop((int)m->m_family, m->m_addr, text, sizeof(text));
	add(lt, "mcast %s %.16s %s", rq->rq_hdr.ch_op == CTL_MCAST_JOIN ?
	    "join" : "leave", m->m_ifname, text);
	return true;
}

static bool
describe(struct log_text *lt, const struct ctl_session *s,
    const struct ctl_request *rq)
{

	switch (rq->rq_hdr.ch_op) {
	case CTL_IOCTL:
		return log_ioctl(lt, s, rq);
	case CTL_ROUTE:
		return log_route(lt, rq);
	case CTL_SYSCTL:
		return log_sysctl(lt, rq);
	case CTL_VNET_CREATE:
		add(lt, "vnet create %s", (const char *)rq->rq_data);
		return true;
	case CTL_VNET_DESTROY:
		add(lt, "vnet destroy %s", (const char *)rq->rq_data);
		return true;
	case CTL_HALT:
		add(lt, "halt");
		return true;
	case CTL_TAP_OPEN:
		add(lt, "dump %.16s", rq->rq_rec.tap.t_ifname);
		return true;
	case CTL_FILTER_ADD:
		return log_filter(lt, rq);
	case CTL_FILTER_DELETE:
		add(lt, "filter delete %u", rq->rq_rec.number.rn_number);
		return true;
	case CTL_FILTER_ZERO:
		add(lt, "filter zero %u", rq->rq_rec.number.rn_number);
		return true;
	case CTL_FILTER_FLUSH:
		add(lt, "filter flush");
		return true;
	case CTL_RULE_ADD:
		return log_rule(lt, &rq->rq_rec.rule);
	case CTL_RULE_DELETE:
		add(lt, "rule delete %u", rq->rq_rec.number.rn_number);
		return true;
	case CTL_MCAST_JOIN:
	case CTL_MCAST_LEAVE:
		return log_mcast(lt, rq);
	case CTL_RULE_FLUSH:
		add(lt, "rule flush");
		return true;
	case CTL_ROUTE_FLUSH:
		add(lt, "route flush");
		if (rq->rq_rec.route_flush.rf_table > 1)
			add(lt, " -table %u", rq->rq_rec.route_flush.rf_table -
			    1);
		else if (rq->rq_rec.route_flush.rf_table == 0)
			add(lt, " -table all");
		return true;
	case CTL_ROLLBACK:
		add(lt, "what was created since it began is undone");
		return true;
	default:
		return false;
	}
}

/* Changes are not described when the log level hides them. */
static bool
is_logged(const struct ctl_session *s)
{

	return __atomic_load_n(&s->cs_kern->k_log_level, __ATOMIC_RELAXED) >=
	    KLOG_INFO;
}

static void
put_line(struct ctl_session *s, const char *before, const char *vnet,
    const struct log_text *lt)
{
	char who[64] = "ourselves";

	if (s->cs_cred.kc_pid != 0)
		(void)snprintf(who, sizeof(who), "uid %u pid %d",
		    (unsigned)s->cs_cred.kc_uid, (int)s->cs_cred.kc_pid);
	klog(s->cs_kern, KLOG_INFO, "by %s: %s%s%s%s%s", who, before,
	    vnet[0] != '\0' ? "-n " : "", vnet, vnet[0] != '\0' ? " " : "",
	    lt->lt_buf);
}

void
ctl_log_change(struct ctl_session *s, const struct ctl_request *rq)
{
	struct log_text lt;

	if (!is_logged(s))
		return;
	memset(&lt, 0, sizeof(lt));
	if (describe(&lt, s, rq))
		put_line(s, "", rq->rq_hdr.ch_vnet, &lt);
}

static void
log_if(struct ctl_session *s, const char *before, struct vnet *vn,
    unsigned long cmd, const void *record, size_t len)
{
	union ctl_if_record r;
	struct log_text lt;

	if (!is_logged(s))
		return;
	memset(&lt, 0, sizeof(lt));
	memset(&r, 0, sizeof(r));
	memcpy(&r, record, len < sizeof(r) ? len : sizeof(r));
	if (cmd == SIOCSPGSTREAM)
		add_stream(&lt, &r.pg);
	else {
		add(&lt, "ifconfig %.*s", IFNAMSIZ, r.ifr.ifr_name);
		if (!add_record(&lt, cmd, &r))
			add(&lt, " request 0x%lx", cmd);
	}
	put_line(s, before, vn->vn_name, &lt);
}

void
ctl_log_done(struct ctl_session *s, struct vnet *vn, unsigned long cmd,
    const void *record, size_t len)
{

	log_if(s, "", vn, cmd, record, len);
}

void
ctl_log_undone(struct ctl_session *s, struct vnet *vn, unsigned long cmd,
    const void *record, size_t len)
{

	log_if(s, "(undone) ", vn, cmd, record, len);
}

void
ctl_log_undone_step(struct ctl_session *s, struct vnet *vn,
    const struct undo_piece *up)
{
	const struct undo_step *us = &up->up_u.step;
	struct log_text lt;

	if (!is_logged(s))
		return;
	memset(&lt, 0, sizeof(lt));
	switch (up->up_kind) {
	case UNDO_ROUTE:
		if (us->us_len == 0 || !add_route(&lt, vn,
		    (const struct rt_msg *)(const void *)us->us_data))
			return;
		break;
	case UNDO_SYSCTL:
		add_sysctl(&lt, us->us_name, us->us_data, us->us_len);
		break;
	case UNDO_RULE:
		add(&lt, "rule delete %u", us->us_number);
		break;
	default:
		add(&lt, "filter delete %u", us->us_number);
		break;
	}
	put_line(s, "(undone) ", vn->vn_name, &lt);
}
