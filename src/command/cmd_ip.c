/*
 * Addresses of IPv4 and IPv6 from words, and their socket addresses.
 */

#include "command/command_impl.h"
#include "proto/prefix.h"

#include <arpa/inet.h>

#include <errno.h>
#include <string.h>

static bool
is_ip6(const char *word)
{

	return strchr(word, ':') != NULL;
}

/* Does the address mean something on one link, or one interface, alone
 * (RFC 4007 4)? */
static bool
is_scoped(const struct cmd_ip *ip)
{

	return ip->ip_family == AF_INET6 &&
	    (IN6_IS_ADDR_LINKLOCAL(&ip->ip_in6) ||
	    IN6_IS_ADDR_MC_LINKLOCAL(&ip->ip_in6) ||
	    IN6_IS_ADDR_MC_NODELOCAL(&ip->ip_in6));
}

/* Cut "%tap0" off; EINVAL: it can be no zone. */
static int
take_zone(char *text, struct cmd_ip *ip)
{
	char *percent = strchr(text, '%');
	struct ifnet_error none;

	if (percent == NULL)
		return 0;
	*percent = '\0';
	if (cmd_check_ifname(percent + 1, false, &none) != 0)
		return EINVAL;
	(void)strcpy(ip->ip_zone, percent + 1);
	return 0;
}

static int
parse_ip6(const char *word, struct cmd_ip *ip, int *len, struct ifnet_error *e)
{
	char text[CMD_TEXTSIZE];
	char *slash;
	uint64_t n;

	if (strlen(word) >= sizeof(text))
		return ifnet_error_set(e, EINVAL, "%.40s...: bad value",
		    word);
	(void)strcpy(text, word);
	slash = strchr(text, '/');
	if (slash != NULL)
		*slash++ = '\0';
	ip->ip_family = AF_INET6;
	if (take_zone(text, ip) != 0)
		return ifnet_error_set(e, EINVAL, "%s: bad value (the name of "
		    "an interface follows the %%)", word);
	if (inet_pton(AF_INET6, text, &ip->ip_in6) != 1)
		return ifnet_error_set(e, EINVAL, "%s: bad value (an IPv6 "
		    "address is like 2001:db8::1 or fe80::1%%tap0)", word);
	if (ip->ip_zone[0] != '\0' && !is_scoped(ip))
		return ifnet_error_set(e, EINVAL, "%s: this address is the "
		    "same everywhere, and %%%s does not go with it", word,
		    ip->ip_zone);
	*len = -1;
	if (slash == NULL)
		return 0;
	if (!cmd_parse_num(slash, 128, &n) || strlen(slash) > 3)
		return ifnet_error_set(e, EINVAL, "%s: bad prefix length "
		    "(0 to 128 can follow the slash)", word);
	*len = (int)n;
	return 0;
}

int
cmd_parse_ip(const char *word, int family, struct cmd_ip *ip, int *len,
    struct ifnet_error *e)
{

	memset(ip, 0, sizeof(*ip));
	if (is_ip6(word) && family == AF_INET)
		return ifnet_error_set(e, EINVAL, "%s: not an IPv4 address",
		    word);
	if (is_ip6(word))
		return parse_ip6(word, ip, len, e);
	if (family == AF_INET6)
		return ifnet_error_set(e, EINVAL, "%s: not an IPv6 address "
		    "(like 2001:db8::1 or fe80::1%%tap0)", word);
	ip->ip_family = AF_INET;
	return cmd_parse_prefix(word, &ip->ip_in, len, e);
}

int
cmd_parse_ip_only(const char *word, int family, struct cmd_ip *ip,
    struct ifnet_error *e)
{
	int len;

	if (cmd_parse_ip(word, family, ip, &len, e) != 0)
		return EINVAL;
	if (len >= 0)
		return ifnet_error_set(e, EINVAL, "%s: an address, without a "
		    "length, is wanted", word);
	return 0;
}

bool
cmd_is_ip(const char *word)
{
	struct ifnet_error none;
	struct cmd_ip ip;
	int len;

	return cmd_parse_ip(word, 0, &ip, &len, &none) == 0;
}

int
cmd_ip_bits(int family)
{

	return family == AF_INET6 ? 128 : 32;
}

bool
cmd_ip_fits(const struct cmd_ip *ip, int len)
{
	struct prefix whole, cut;

	if (ip->ip_family == AF_INET)
		return (ip->ip_in.s_addr & ~cmd_mask(len).s_addr) == 0;
	whole = cut = prefix_of6(&ip->ip_in6, 128);
	prefix_cut(&cut, (unsigned)len);
	return whole.pf_hi == cut.pf_hi && whole.pf_lo == cut.pf_lo;
}

bool
cmd_ip_is_any(const struct cmd_ip *ip)
{

	return cmd_ip_fits(ip, 0);
}

/* The index of an interface by name, or by its decimal index. */
static int
zone_index(struct cmd_ctx *ctx, const char *zone, uint32_t *index,
    struct ifnet_error *e)
{
	struct cmd_if *ci;
	uint64_t n;

	if (cmd_parse_num(zone, UINT32_MAX, &n) && n != 0) {
		*index = (uint32_t)n;
		return 0;
	}
	if (cmd_iflist_get(ctx->cc_client, zone, IFNET_LINK, &ci, e) != 0)
		return e->code;
	*index = ci->ci_index;
	cmd_iflist_free(ci);
	return 0;
}

void
cmd_ip_sa(const struct cmd_ip *ip, uint32_t zone, struct sockaddr_storage *ss)
{
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)ss;

	memset(ss, 0, sizeof(*ss));
	if (ip->ip_family == AF_INET) {
		cmd_sin(ss, ip->ip_in);
	} else if (ip->ip_family == AF_INET6) {
		sin6->sin6_family = AF_INET6;
		sin6->sin6_addr = ip->ip_in6;
		if (is_scoped(ip))
			sin6->sin6_scope_id = zone;
	}
}

int
cmd_ip_zone(struct cmd_ctx *ctx, const struct cmd_ip *ip, const char *ifname,
    uint32_t *index, struct ifnet_error *e)
{
	const char *zone = ip->ip_zone[0] != '\0' ? ip->ip_zone : ifname;
	char text[INET6_ADDRSTRLEN];

	*index = 0;
	if (!is_scoped(ip))
		return 0;
	memset(e, 0, sizeof(*e));
	(void)inet_ntop(AF_INET6, &ip->ip_in6, text, sizeof(text));
	if (zone == NULL || zone[0] == '\0')
		return ifnet_error_set(e, EINVAL, "%s: on which interface? "
		    "(write it like %s%%tap0)", text, text);
	return zone_index(ctx, zone, index, e);
}

int
cmd_ip_resolve(struct cmd_ctx *ctx, const struct cmd_ip *ip, const char *ifname,
    struct sockaddr_storage *ss, struct ifnet_error *e)
{
	uint32_t index;
	int error;

	error = cmd_ip_zone(ctx, ip, ifname, &index, e);
	if (error == 0)
		cmd_ip_sa(ip, index, ss);
	return error;
}

const char *
cmd_ip_text(const struct cmd_ip *ip, char buf[CMD_TEXTSIZE])
{
	struct sockaddr_storage ss;

	cmd_ip_sa(ip, 0, &ss);
	(void)cmd_inet_text((const struct sockaddr *)&ss, buf);
	if (ip->ip_zone[0] != '\0')
		(void)cmd_put(cmd_put(buf + strlen(buf), "%", 0), ip->ip_zone,
		    0);
	return buf;
}

void
cmd_ip_mask(int family, int len, struct sockaddr_storage *ss)
{
	struct prefix mask = { UINT64_MAX, UINT64_MAX, 0, AF_INET6 };
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)ss;

	if (family == AF_INET) {
		cmd_sin(ss, cmd_mask(len));
		return;
	}
	memset(ss, 0, sizeof(*ss));
	sin6->sin6_family = AF_INET6;
	prefix_cut(&mask, len < 0 ? 0 : (unsigned)len);
	prefix_addr6(&mask, &sin6->sin6_addr);
}
