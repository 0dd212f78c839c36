/*
 * Inverses: the requests that undo a request to an interface, made from its
 * state before that request.
 *
 * Counters set to zero, a driver's own requests and requests in older layouts
 * have no inverse, and are no part of a change.  Routes that went with an
 * address do not come back with it.
 */

#include "ctl/ctl_impl.h"

#include <errno.h>
#include <string.h>

/* The request whose inverse is looked for. */
struct asked {
	struct ctl_session *as_session;
	struct vnet	*as_vnet;
	const union ctl_if_record *as_record;
	struct ctl_inverse *as_out;
	unsigned	 as_n;
};

static int
ask(const struct asked *as, unsigned long cmd, union ctl_if_record *r)
{

	return ifioctl(as->as_vnet, &as->as_session->cs_cred, cmd, r,
	    IFIOC_SIZE(cmd));
}

/* The inverses are carried out the last first. */
static void
put(struct asked *as, unsigned long cmd, const union ctl_if_record *r)
{

	KASSERT(as->as_n < CTL_INVERSE_MAX);
	as->as_out[as->as_n].ci_cmd = cmd;
	as->as_out[as->as_n++].ci_record = *r;
}

/* A value that is read and set in the same record; none reads as empty. */
static void
put_value(struct asked *as, unsigned long get, unsigned long set)
{
	union ctl_if_record r;

	memset(&r, 0, sizeof(r));
	memcpy(r.ifr.ifr_name, as->as_record->ifr.ifr_name, IFNAMSIZ);
	if (ask(as, get, &r) != 0)
		memset(&r.ifr.ifr_ifru, 0, sizeof(r.ifr.ifr_ifru));
	put(as, set, &r);
}

/* --- addresses -- */

static bool
same_sockaddr(const struct sockaddr_storage *a,
    const struct sockaddr_storage *b)
{

	return memcmp(a, b, sizeof(*a)) == 0;
}

/*
 * The interface's address `sa', or its first one (NULL), with all there is to
 * it.  false: it has none.
 */
static bool
get_alias(struct asked *as, const struct sockaddr_storage *sa,
    union ctl_if_record *r)
{

	memset(r, 0, sizeof(*r));
	memcpy(r->alias.ifra_name, as->as_record->ifr.ifr_name, IFNAMSIZ);
	if (sa != NULL)
		r->alias.ifra_addr = *sa;
	else
		r->alias.ifra_addr.ss_family = AF_INET;
	return ask(as, SIOCGIFALIAS, r) == 0;
}

/* An address that the request deletes or changes. */
static void
put_again(struct asked *as, const union ctl_if_record *alias)
{
	union ctl_if_record pref;

	/* An interface can come up with an address. */
	put_value(as, SIOCGIFFLAGS, SIOCSIFFLAGS);
	memset(&pref, 0, sizeof(pref));
	memcpy(pref.pref.ifap_name, alias->alias.ifra_name, IFNAMSIZ);
	pref.pref.ifap_addr = alias->alias.ifra_addr;
	if (ask(as, SIOCGIFADDRPREF, &pref) == 0 &&
	    pref.pref.ifap_preference != 0)
		put(as, SIOCSIFADDRPREF, &pref);
	put(as, SIOCAIFADDR, alias);
}

/* An address that the request adds. */
static void
put_added(struct asked *as, const struct sockaddr_storage *sa)
{
	union ctl_if_record r;

	if (sa->ss_family != 0 && get_alias(as, sa, &r)) {
		put_again(as, &r);
		return;
	}
	put_value(as, SIOCGIFFLAGS, SIOCSIFFLAGS);
	memset(&r, 0, sizeof(r));
	memcpy(r.alias.ifra_name, as->as_record->ifr.ifr_name, IFNAMSIZ);
	r.alias.ifra_addr = *sa;
	put(as, SIOCDIFADDR, &r);
}

static void
put_deleted(struct asked *as, const struct sockaddr_storage *sa)
{
	union ctl_if_record r;

	if (get_alias(as, sa->ss_family == 0 ? NULL : sa, &r))
		put_again(as, &r);
}

/* SIOCSIFADDR takes the place of the first address; its kin change it. */
static void
put_first(struct asked *as, bool replaced)
{
	struct sockaddr_storage new;
	union ctl_if_record first;
	bool had = get_alias(as, NULL, &first);

	memset(&new, 0, sizeof(new));
	memcpy(&new, &as->as_record->ifr.ifr_addr,
	    sizeof(as->as_record->ifr.ifr_addr));
	if (had)
		put_again(as, &first);
	if (replaced && !(had && same_sockaddr(&new, &first.alias.ifra_addr)))
		put_added(as, &new);
}

/* An IPv6 address that the request adds or changes, or deletes. */
static void
put_inet6(struct asked *as, const struct sockaddr_in6 *sin6, bool added)
{
	union ctl_if_record r;
	bool had;

	memset(&r, 0, sizeof(r));
	memcpy(r.alias6.ifra_name, as->as_record->ifr.ifr_name, IFNAMSIZ);
	r.alias6.ifra_addr = *sin6;
	had = ask(as, SIOCGIFALIAS_IN6, &r) == 0;
	if (had || added)
		put_value(as, SIOCGIFFLAGS, SIOCSIFFLAGS);
	if (had) {
		put(as, SIOCAIFADDR_IN6, &r);
		return;
	}
	if (!added)
		return;		/* refused: there is none */
	memset(&r, 0, sizeof(r));
	memcpy(r.alias6.ifra_name, as->as_record->ifr.ifr_name, IFNAMSIZ);
	had = ask(as, SIOCGIFALIAS_IN6, &r) == 0;
	memset(&r, 0, sizeof(r));
	memcpy(r.ifr6.ifr6_name, as->as_record->ifr.ifr_name, IFNAMSIZ);
	/* The interface's first address brings a link-local one along. */
	if (!had && !IN6_IS_ADDR_LINKLOCAL(&sin6->sin6_addr))
		put(as, SIOCDIFADDR_IN6, &r);
	r.ifr6.ifr6_addr = *sin6;
	put(as, SIOCDIFADDR_IN6, &r);
}

/* --- link-level addresses -- */

static bool
get_laddr(struct asked *as, const struct if_laddrreq *want,
    union ctl_if_record *r)
{

	memset(r, 0, sizeof(*r));
	if (want != NULL) {
		r->laddr = *want;
		r->laddr.iflr_flags = IFLR_PREFIX;
		r->laddr.iflr_prefixlen = 8u * ((const struct sockaddr_dl *)
		    &want->iflr_addr)->sdl_alen;
	}
	memcpy(r->laddr.iflr_name, as->as_record->ifr.ifr_name, IFNAMSIZ);
	return ask(as, SIOCGLIFADDR, r) == 0;
}

static void
put_laddr(struct asked *as, bool added)
{
	const struct if_laddrreq *iflr = &as->as_record->laddr;
	union ctl_if_record r;
	bool had;

	if (iflr->iflr_addr.ss_family != AF_LINK) {
		if (added)
			put_added(as, &iflr->iflr_addr);
		else
			put_deleted(as, &iflr->iflr_addr);
		return;
	}
	had = get_laddr(as, iflr, &r);
	if (!added) {
		r.laddr.iflr_flags = 0;
		if (had)
			put(as, SIOCALIFADDR, &r);
		return;
	}
	if (!had) {
		r.laddr = *iflr;
		r.laddr.iflr_flags = 0;
		put(as, SIOCDLIFADDR, &r);
	}
	/* The first one is the active one. */
	if ((iflr->iflr_flags & IFLR_ACTIVE) != 0 && get_laddr(as, NULL, &r)) {
		r.laddr.iflr_flags = IFLR_ACTIVE;
		put(as, SIOCALIFADDR, &r);
	}
}

/* --- streams of a packet generator -- */

/* A stream is put in, replaced or deleted.  What one is at is not known, so
 * that starting and stopping is not undone: false. */
static bool
put_stream(struct asked *as)
{
	const struct if_pgreq *pgr = &as->as_record->pg;
	union ctl_if_record r;

	if (pgr->pgr_op != PG_SET && pgr->pgr_op != PG_DELETE)
		return false;
	memset(&r, 0, sizeof(r));
	memcpy(r.pg.pgr_name, pgr->pgr_name, IFNAMSIZ);
	r.pg.pgr_stream = pgr->pgr_stream;
	if (ask(as, SIOCGPGSTREAM, &r) == 0) {
		/* Packets that it replays are not to be had again. */
		if (r.pg.pgr_packets != 0)
			return false;
		r.pg.pgr_op = PG_SET;
	}
	else if (pgr->pgr_op == PG_SET)
		r.pg.pgr_op = PG_DELETE;
	else
		return true;	/* refused: there is none */
	put(as, SIOCSPGSTREAM, &r);
	return true;
}

/* --- names, vnets -- */

/* `text' as a request's argument. */
static void
put_text(struct asked *as, unsigned long cmd, const char *text)
{
	union ctl_if_record r;

	memset(&r, 0, sizeof(r));
	memcpy(r.ifr.ifr_name, as->as_record->ifr.ifr_name, IFNAMSIZ);
	strncpy(r.ifr.ifr_text, text, sizeof(r.ifr.ifr_text) - 1);
	put(as, cmd, &r);
}

bool
ctl_inverse(struct ctl_session *s, struct vnet *vn, unsigned long cmd,
    const union ctl_if_record *record, struct ctl_inverse *out, unsigned *n)
{
	struct asked as = {
		.as_session = s, .as_vnet = vn, .as_record = record,
		.as_out = out,
	};
	char name[IFNAMSIZ + 1] = "";

	*n = 0;
	switch (cmd) {
	case SIOCSIFFLAGS:
		put_value(&as, SIOCGIFFLAGS, cmd);
		break;
	case SIOCSIFMTU:
		put_value(&as, SIOCGIFMTU, cmd);
		break;
	case SIOCSIFTABLE:
		put_value(&as, SIOCGIFTABLE, cmd);
		break;
	case SIOCSIFMETRIC:
		put_value(&as, SIOCGIFMETRIC, cmd);
		break;
	case SIOCSIFDESCR:
		put_value(&as, SIOCGIFDESCR, cmd);
		break;
	case SIOCSLINKSTR:
		put_value(&as, SIOCGLINKSTR, cmd);
		break;
	case SIOCSIFCAP:
		put_value(&as, SIOCGIFCAP, cmd);
		break;
	case SIOCAIFADDR:
		put_added(&as, &record->alias.ifra_addr);
		break;
	case SIOCDIFADDR:
		put_deleted(&as, &record->alias.ifra_addr);
		break;
	case SIOCAIFADDR_IN6:
		put_inet6(&as, &record->alias6.ifra_addr, true);
		break;
	case SIOCDIFADDR_IN6:
		put_inet6(&as, &record->ifr6.ifr6_addr, false);
		break;
	case SIOCSIFADDR:
	case SIOCSIFNETMASK:
	case SIOCSIFBRDADDR:
	case SIOCSIFDSTADDR:
		put_first(&as, cmd == SIOCSIFADDR);
		break;
	case SIOCSIFADDRPREF:
		out[0].ci_record = *record;
		if (ask(&as, SIOCGIFADDRPREF, &out[0].ci_record) == 0)
			put(&as, cmd, &out[0].ci_record);
		break;
	case SIOCALIFADDR:
	case SIOCDLIFADDR:
		put_laddr(&as, cmd == SIOCALIFADDR);
		break;
	case SIOCAIFGROUP:
		put(&as, SIOCDIFGROUP, record);
		break;
	case SIOCDIFGROUP:
		put(&as, SIOCAIFGROUP, record);
		break;
	case SIOCADDMULTI:
		put(&as, SIOCDELMULTI, record);
		break;
	case SIOCDELMULTI:
		put(&as, SIOCADDMULTI, record);
		break;
	case SIOCSIFNAME:
		memcpy(name, record->ifr.ifr_name, IFNAMSIZ);
		put_text(&as, cmd, name);
		break;
	case SIOCSIFVNET:
		put_text(&as, cmd, vn->vn_name);
		break;
	case SIOCAPGPACKETS:
		break;		/* for a stream to come */
	case SIOCSPGSTREAM:
		if (!put_stream(&as))
			return false;
		break;
	default:
		return false;
	}
	*n = as.as_n;
	return true;
}
