/*
 * ifconfig: IPv6 addresses.  A new one is added beside those there are, with
 * "alias" and without.
 */

#include "command/command_impl.h"

#include <errno.h>
#include <string.h>

/* The interface's part of an address, made from its link-level address (RFC
 * 4291 appendix A).  An errno, with words. */
static int
make_eui64(const struct cmd_if *ci, struct in6_addr *addr,
    struct ifnet_error *e)
{
	const struct sockaddr_dl *sdl = cmd_if_lladdr(ci);
	uint8_t *id = addr->s6_addr + 8;
	const uint8_t *l;

	if (sdl == NULL || sdl->sdl_alen != 6)
		return ifnet_error_set(e, EINVAL, "%s has no link-level "
		    "address of 48 bits of which it could be made",
		    ci->ci_name);
	l = (const uint8_t *)sdl->sdl_data;
	id[0] = l[0] ^ 2;
	id[1] = l[1];
	id[2] = l[2];
	id[3] = 0xff;
	id[4] = 0xfe;
	memcpy(id + 5, l + 3, 3);
	return 0;
}

/* The address that the words mean, in the zone of the interface.  An errno,
 * with words. */
static int
find_addr(struct ifconfig_run *r, const struct ifconfig_action *a,
    const struct cmd_ip *from, struct sockaddr_in6 *sin6,
    struct ifnet_error *e)
{
	struct sockaddr_storage ss;
	struct cmd_ip ip = *from;
	struct cmd_if *ci;
	int error = 0;

	if (a->ia_eui64 && from == &a->ia_addr) {
		if (cmd_iflist_get(r->ctx->cc_client, r->ifname, IFNET_LINK,
		    &ci, e) != 0)
			return e->code;
		error = make_eui64(ci, &ip.ip_in6, e);
		cmd_iflist_free(ci);
	}
	if (error != 0)
		return error;
	if (cmd_ip_resolve(r->ctx, &ip, r->ifname, &ss, e) != 0)
		return e->code;
	memcpy(sin6, &ss, sizeof(*sin6));
	return 0;
}

/* Does the interface's address have the length and far end of the line? */
static int
check_same(struct ifconfig_run *r, const struct ifconfig_action *a,
    const struct in6_aliasreq *want, struct ifnet_error *e)
{
	struct in6_aliasreq have;

	memset(&have, 0, sizeof(have));
	memcpy(have.ifra_name, want->ifra_name, IFNAMSIZ);
	have.ifra_addr = want->ifra_addr;
	if (ifnet_ioctl(r->ctx->cc_client, SIOCGIFALIAS_IN6, &have,
	    sizeof(have), e) != 0)
		return e->code;
	if (a->ia_len >= 0 && a->ia_len != cmd_sa_mask_len(
	    (const struct sockaddr *)&have.ifra_prefixmask))
		return ifnet_error_set(e, EADDRNOTAVAIL, "its prefix length "
		    "on %s is %d", r->ifname, cmd_sa_mask_len(
		    (const struct sockaddr *)&have.ifra_prefixmask));
	if (a->ia_havedst && memcmp(&have.ifra_dstaddr.sin6_addr,
	    &want->ifra_dstaddr.sin6_addr, sizeof(struct in6_addr)) != 0)
		return ifnet_error_set(e, EADDRNOTAVAIL, "its far end on %s "
		    "is another", r->ifname);
	return 0;
}

static int
inet6_delete(struct ifconfig_run *r, const struct ifconfig_action *a,
    const struct in6_aliasreq *req)
{
	struct in6_ifreq ifr;
	struct ifnet_error e;

	memset(&e, 0, sizeof(e));
	if ((a->ia_len >= 0 || a->ia_havedst) &&
	    check_same(r, a, req, &e) != 0)
		return ifconfig_refused(r, a->ia_words, "SIOCDIFADDR_IN6",
		    &e);
	memset(&ifr, 0, sizeof(ifr));
	memcpy(ifr.ifr6_name, req->ifra_name, IFNAMSIZ);
	ifr.ifr6_addr = req->ifra_addr;
	if (ifnet_ioctl(r->ctx->cc_client, SIOCDIFADDR_IN6, &ifr, sizeof(ifr),
	    &e) != 0)
		return ifconfig_refused(r, a->ia_words, "SIOCDIFADDR_IN6",
		    &e);
	return CMD_OK;
}

/* A time that is missing is for ever; but an address is not preferred for
 * longer than it is valid. */
static void
set_times(const struct ifconfig_action *a, struct in6_addrlifetime *lt)
{

	lt->ia6t_vltime = a->ia_vltime != 0 ? a->ia_vltime :
	    ND6_INFINITE_LIFETIME;
	lt->ia6t_pltime = a->ia_pltime != 0 ? a->ia_pltime :
	    lt->ia6t_vltime;
}

static int
inet6_add(struct ifconfig_run *r, const struct ifconfig_action *a,
    struct in6_aliasreq *req)
{
	struct sockaddr_storage ss;
	struct ifnet_error e;
	int code;

	memset(&e, 0, sizeof(e));
	req->ifra_flags = a->ia_flags6;
	set_times(a, &req->ifra_lifetime);
	if (a->ia_havepref) {
		code = ifconfig_begin(r);
		if (code != CMD_OK)
			return code;
	}
	if (a->ia_len >= 0) {
		cmd_ip_mask(AF_INET6, a->ia_len, &ss);
		memcpy(&req->ifra_prefixmask, &ss,
		    sizeof(req->ifra_prefixmask));
	}
	if (ifnet_ioctl(r->ctx->cc_client, SIOCAIFADDR_IN6, req, sizeof(*req),
	    &e) != 0)
		return ifconfig_refused(r, a->ia_words, "SIOCAIFADDR_IN6",
		    &e);
	if (!a->ia_havepref)
		return CMD_OK;
	memset(&ss, 0, sizeof(ss));
	memcpy(&ss, &req->ifra_addr, sizeof(req->ifra_addr));
	return ifconfig_prefer(r, a, &ss);
}

int
ifconfig_inet6(struct ifconfig_run *r, const struct ifconfig_action *a)
{
	struct in6_aliasreq req;
	struct ifnet_error e;

	memset(&req, 0, sizeof(req));
	memset(&e, 0, sizeof(e));
	(void)snprintf(req.ifra_name, sizeof(req.ifra_name), "%s", r->ifname);
	if (find_addr(r, a, &a->ia_addr, &req.ifra_addr, &e) != 0 ||
	    (a->ia_havedst && find_addr(r, a, &a->ia_dst, &req.ifra_dstaddr,
	    &e) != 0))
		return ifconfig_refused(r, a->ia_words, a->ia_delete ?
		    "SIOCDIFADDR_IN6" : "SIOCAIFADDR_IN6", &e);
	return a->ia_delete ? inet6_delete(r, a, &req) :
	    inet6_add(r, a, &req);
}
