/*
 * The words of route add, delete, change and get.
 */

#include "command/command_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The prefix length that NetBSD guesses: the class's, but no shorter than the
 * address needs. */
static int
guess_len4(struct in_addr a, bool is_net)
{
	uint32_t h = ntohl(a.s_addr);
	int len = cmd_class_len(a);

	if (h == 0)
		return 0;
	if (!is_net && (h & ~ntohl(cmd_mask(len).s_addr)) != 0)
		return 32;
	while (len < 32 && (h & ~ntohl(cmd_mask(len).s_addr)) != 0)
		len += 8;
	return len;
}

/* Likewise of IPv6: 64 bits of a global address whose others are 0. */
static int
guess_len6(const struct cmd_ip *ip, bool is_net)
{
	const bool global = (ip->ip_in6.s6_addr[0] & 0xe0) == 0x20;

	if (cmd_ip_is_any(ip))
		return 0;
	return (is_net || global) && cmd_ip_fits(ip, 64) ? 64 : 128;
}

static int
guess_len(const struct cmd_ip *ip, bool is_net)
{

	return ip->ip_family == AF_INET6 ? guess_len6(ip, is_net) :
	    guess_len4(ip->ip_in, is_net);
}

/* As Linux's routing programs call them (rtnetlink(7)). */
static const struct {
	const char	*name;
	uint8_t		 proto;
} protos[] = {
	{ "unspec", RTPROT_UNSPEC }, { "redirect", RTPROT_REDIRECT },
	{ "kernel", RTPROT_KERNEL }, { "boot", RTPROT_BOOT },
	{ "static", RTPROT_STATIC }, { "ra", RTPROT_RA },
	{ "zebra", RTPROT_ZEBRA }, { "bird", RTPROT_BIRD },
	{ "dhcp", RTPROT_DHCP }, { "babel", RTPROT_BABEL },
	{ "bgp", RTPROT_BGP }, { "isis", RTPROT_ISIS },
	{ "ospf", RTPROT_OSPF }, { "rip", RTPROT_RIP },
	{ "eigrp", RTPROT_EIGRP },
};
#define NPROTOS	(sizeof(protos) / sizeof(protos[0]))

const char *
route_proto_text(uint8_t proto, char buf[8])
{

	for (size_t i = 0; i < NPROTOS; i++)
		if (protos[i].proto == proto)
			return protos[i].name;
	(void)snprintf(buf, 8, "%u", proto);
	return buf;
}

bool
route_parse_table(const char *word, bool all, int *table)
{
	uint64_t v;

	if (all && strcmp(word, "all") == 0) {
		*table = ROUTE_TABLES_ALL;
		return true;
	}
	if (!cmd_parse_num(word, ROUTE_TABLE_MAX, &v))
		return false;
	*table = (int)v;
	return true;
}

static bool
parse_proto(const char *word, uint8_t *proto)
{
	uint64_t v;

	for (size_t i = 0; i < NPROTOS; i++)
		if (strcmp(protos[i].name, word) == 0) {
			*proto = protos[i].proto;
			return true;
		}
	if (!cmd_parse_num(word, UINT8_MAX, &v))
		return false;
	*proto = (uint8_t)v;
	return true;
}

const struct cmd_word route_options[] = {
	{ "add", NULL, "add a route", CMD_W_VERB | CMD_W_ADMIN, NULL,
	    ROUTE_ADD },
	{ "change", NULL, "give a route another gateway",
	    CMD_W_VERB | CMD_W_ADMIN, NULL, ROUTE_CHANGE },
	{ "delete", NULL, "delete a route", CMD_W_VERB | CMD_W_ADMIN, NULL,
	    ROUTE_DELETE },
	{ "flush", NULL, "delete all routes but those of addresses",
	    CMD_W_VERB | CMD_W_ADMIN, NULL, ROUTE_FLUSH },
	{ "get", NULL, "look up the route to an address", CMD_W_VERB, NULL,
	    ROUTE_GET },
	{ "load", NULL, "make the changes that a file lists", CMD_W_VERB |
	    CMD_W_ADMIN, NULL, ROUTE_LOAD },
	{ "monitor", NULL, "show changes as they happen", CMD_W_VERB, NULL,
	    ROUTE_MONITOR },
	{ "replace", NULL, "add a route, or change the one of this metric",
	    CMD_W_VERB | CMD_W_ADMIN, NULL, ROUTE_REPLACE },
	{ "show", NULL, "list the routes", CMD_W_VERB, NULL, ROUTE_SHOW },
	{ "-f", NULL, "flush", CMD_W_ADMIN },
	{ "-n", NULL, "changes nothing: no name of an address is looked up" },
	{ "-q", NULL, "changes nothing" },
	{ "-v", NULL, "changes nothing" },
	{ "default", NULL, "0.0.0.0/0, or with -inet6 ::/0", 0,
	    "add change delete get replace" },
	{ "-net", NULL, "the destination is a network", 0,
	    "add change delete get replace", 'n' },
	{ "-host", NULL, "the destination is one address", 0,
	    "add change delete get replace", 'h' },
	{ "-netmask", "MASK", "its mask", 0,
	    "add change delete get replace", 'M' },
	{ "-prefixlen", "LENGTH", "the length of its prefix", 0,
	    "add change delete get replace", 'L' },
	{ "-gateway", "ADDR", "the gateway", 0,
	    "add change delete replace", 'G' },
	{ "-iface", NULL, "not a gateway follows but an interface", 0,
	    "add change delete replace", 'i' },
	{ "-interface", NULL, "the same", 0, "add change delete replace", 'i' },
	{ "-ifp", "IF", "the interface it leads out of", 0,
	    "add change delete replace", 'F' },
	{ "-ifa", "ADDR", "the source address it suggests", 0,
	    "add change delete replace", 'A' },
	{ "-mtu", "NUMBER", "the largest packet, in bytes", CMD_W_ADMIN,
	    "add change replace", 'U' },
	{ "-metric", "NUMBER", "of several routes to one destination the one "
	    "with the least is used (0 unless given)", CMD_W_ADMIN,
	    "add change delete replace", 'W' },
	{ "-mpath", NULL, "one more way of the route that is there: each has "
	    "a share of the flows", CMD_W_ADMIN, "add", 'm' },
	{ "-weight", "NUMBER", "with -mpath: its share (1 unless given)",
	    CMD_W_ADMIN, "add", 'Y' },
	{ "-later", NULL, "also when the gateway cannot be reached yet",
	    CMD_W_ADMIN, "add change replace", 'l' },
	{ "-expire", "SECONDS", "how long it lasts", CMD_W_ADMIN,
	    "add change replace", 'X' },
	{ "-proto", "NAME", "who asked for it: static, bgp, ospf, ... or a "
	    "number", CMD_W_ADMIN, "add change replace", 'P' },
	{ "-table", "NUMBER", "the table of routes (0, the main one, unless "
	    "given); to show and flush also all", 0,
	    "add change delete flush get replace show", 'T' },
	{ "all", NULL, "behind -table: every table", 0, "flush show" },
	{ "-blackhole", NULL, "drop what goes there", CMD_W_ADMIN,
	    "add change replace", 'f', RTF_BLACKHOLE },
	{ "-reject", NULL, "refuse what goes there", CMD_W_ADMIN,
	    "add change replace", 'f', RTF_REJECT },
	{ "-static", NULL, "set by a person (the default)", CMD_W_ADMIN,
	    "add change replace", 'f', RTF_STATIC },
	{ "-nostatic", NULL, "not so", CMD_W_ADMIN, "add change replace", 's' },
	{ "-proto1", NULL, "a mark for routing programs", CMD_W_ADMIN,
	    "add change replace", 'f', RTF_PROTO1 },
	{ "-proto2", NULL, "another one", CMD_W_ADMIN,
	    "add change replace", 'f', RTF_PROTO2 },
	{ "--json", NULL, "write JSON, for programs", 0, "get show",
	    CMD_OPT_JSON },
	{ "-inet", NULL, "of IPv4", 0, "add change delete get replace show",
	    '4' },
	{ "-inet6", NULL, "of IPv6", 0, "add change delete get replace show",
	    '6' },
	{ "-lock", NULL, "changes nothing: no metric changes by itself", 0,
	    "add change replace", '-' },
	{ "-lockrest", NULL, "the same", 0, "add change replace", '-' },
	CMD_WORD_END
};

static int
set_len(struct route_words *w, int len, struct ifnet_error *e)
{

	if (w->len >= 0 && w->len != len)
		return ifnet_error_set(e, EINVAL, "two different masks");
	w->len = len;
	return 0;
}

/* A mask of either family. */
static int
take_mask(struct route_words *w, const char *arg, struct ifnet_error *e)
{
	struct sockaddr_storage ss;
	struct ifnet_error why;
	struct cmd_ip ip;
	int len;

	if (strchr(arg, ':') == NULL) {
		w->maskfamily = AF_INET;
		return cmd_parse_mask(arg, &len, e) != 0 ? EINVAL :
		    set_len(w, len, e);
	}
	w->maskfamily = AF_INET6;
	if (cmd_parse_ip_only(arg, AF_INET6, &ip, &why) != 0)
		return ifnet_error_set(e, EINVAL, "netmask %s: bad value "
		    "(write it like ffff:ffff::)", arg);
	cmd_ip_sa(&ip, 0, &ss);
	len = cmd_sa_mask_len((const struct sockaddr *)&ss);
	return len < 0 ? ifnet_error_set(e, EINVAL, "netmask %s: not a mask: "
	    "its one bits must all be in front", arg) : set_len(w, len, e);
}

/* Parse a modifier that takes a value (a capital letter). */
static int
modifier_value(struct route_words *w, int what, const char *word,
    const char *arg, struct ifnet_error *e)
{
	const uint32_t bit = 1u << (what - 'A');
	struct ifnet_error why;
	uint64_t v;
	int len;

	if ((w->seen & bit) != 0 && what != 'M' && what != 'L')
		return ifnet_error_set(e, EINVAL, "%s is given twice", word);
	w->seen |= bit;
	switch (what) {
	case 'M':
		return take_mask(w, arg, e);
	case 'L':
		if (!cmd_parse_num(arg, 128, &v))
			return ifnet_error_set(e, EINVAL, "-prefixlen %s: bad "
			    "value (0 to 32, of IPv6 to 128)", arg);
		return set_len(w, (int)v, e);
	case 'U':
		if (!cmd_parse_num(arg, 65535, &v) || v < IF_MTU_MIN)
			return ifnet_error_set(e, EINVAL,
			    "-mtu %s: bad value (68 to 65535)", arg);
		w->mtu = (uint32_t)v;
		return 0;
	case 'W':
		if (!cmd_parse_num(arg, UINT32_MAX, &v))
			return ifnet_error_set(e, EINVAL,
			    "-metric %s: bad value (0 to %u)", arg,
			    UINT32_MAX);
		w->metric = (uint32_t)v;
		w->given |= RTV_METRIC;
		return 0;
	case 'Y':
		if (!cmd_parse_num(arg, UINT16_MAX, &v) || v == 0)
			return ifnet_error_set(e, EINVAL,
			    "-weight %s: bad value (1 to %u)", arg,
			    UINT16_MAX);
		w->weight = (uint16_t)v;
		return 0;
	case 'X':
		if (!cmd_parse_num(arg, INT32_MAX, &v) || v == 0)
			return ifnet_error_set(e, EINVAL,
			    "-expire %s: bad value (1 to %d seconds)", arg,
			    INT32_MAX);
		w->expire_s = (uint32_t)v;
		return 0;
	case 'P':
		w->given |= RTV_PROTO;
		return parse_proto(arg, &w->proto) ? 0 :
		    ifnet_error_set(e, EINVAL, "-proto %s: bad value (static, "
		    "bgp, ospf, isis, rip, babel, ..., or 0 to 255)", arg);
	case 'T':
		if (!route_parse_table(arg, false, &len))
			return ifnet_error_set(e, EINVAL,
			    "-table %s: bad value (0 to %d)", arg,
			    ROUTE_TABLE_MAX);
		w->table = (uint32_t)len;
		return 0;
	case 'F':
		w->ifname = arg;
		return cmd_check_ifname(arg, false, e);
	case 'A':
		w->haveifa = true;
		if (cmd_parse_ip_only(arg, 0, &w->ifa, &why) != 0)
			return ifnet_error_set(e, EINVAL,
			    "-ifa %s: bad value (an address)", arg);
		return 0;
	default:
		w->havegw = true;
		if (cmd_parse_ip_only(arg, 0, &w->gw, &why) != 0)
			return ifnet_error_set(e, EINVAL,
			    "-gateway %s: bad value (an address)", arg);
		return 0;
	}
}

static int
unknown_option(const char *word, struct ifnet_error *e)
{
	const struct cmd_word *like = cmd_word_like(route_options, word, 0);

	if (like != NULL)
		return ifnet_error_set(e, EINVAL, "unknown option %s (did you "
		    "mean %s?)", word, like->w_name);
	return ifnet_error_set(e, EINVAL, "unknown option %s", word);
}

static int
modifier(struct route_words *w, const char *verb, const char *word, int argc,
    char **argv, int *next, struct ifnet_error *e)
{
	const struct cmd_word *m;
	bool negated;

	m = cmd_word_find(route_options, word, &negated);
	if (m == NULL || m->w_code == 0)
		return unknown_option(word, e);
	if (!cmd_word_goes(m, verb))
		return ifnet_error_set(e, EINVAL, "%s goes not with %s", word,
		    verb);
	switch (m->w_code) {
	case CMD_OPT_JSON:
		w->json = true;
		return 0;
	case 'f':
		w->flags |= (uint32_t)m->w_bits;
		return 0;
	case '-':
		return 0;
	case '4':
	case '6':
		if (w->family != 0 && w->family != (m->w_code == '6' ?
		    AF_INET6 : AF_INET))
			return ifnet_error_set(e, EINVAL,
			    "-inet and -inet6 exclude each other");
		w->family = m->w_code == '6' ? AF_INET6 : AF_INET;
		return 0;
	case 'n':
		w->is_net = true;
		break;
	case 'h':
		w->is_host = true;
		break;
	case 'i':
		w->is_iface = true;
		break;
	case 'l':
		w->given |= RTV_LATER;
		break;
	case 'm':
		w->given |= RTV_MPATH;
		break;
	case 's':
		w->flags &= ~RTF_STATIC;
		break;
	default:
		if (*next >= argc)
			return ifnet_error_set(e, EINVAL,
			    "%s needs a value", word);
		return modifier_value(w, m->w_code, word, argv[(*next)++], e);
	}
	if (w->is_net && w->is_host)
		return ifnet_error_set(e, EINVAL,
		    "-net and -host exclude each other");
	return 0;
}

static int
operand(struct route_words *w, const char *word, struct ifnet_error *e)
{
	int len;

	if (!w->havedst) {
		w->havedst = true;
		if (strcmp(word, "default") == 0) {
			w->is_net = true;
			return set_len(w, 0, e);
		}
		if (cmd_parse_ip(word, w->family, &w->dst, &len, e) != 0)
			return EINVAL;
		return len < 0 ? 0 : set_len(w, len, e);
	}
	if (w->havegw || w->ifname != NULL) {
		/* NetBSD's third operand is a mask. */
		if (w->havegw && w->len < 0 &&
		    w->gw.ip_family == AF_INET &&
		    cmd_parse_mask(word, &len, e) == 0)
			return set_len(w, len, e);
		return ifnet_error_set(e, EINVAL, "%s: one word too many",
		    word);
	}
	if (w->is_iface && !cmd_is_ip(word)) {
		w->ifname = word;
		return cmd_check_ifname(word, false, e);
	}
	w->havegw = true;
	if (cmd_parse_ip(word, w->family, &w->gw, &len, e) != 0)
		return EINVAL;
	if (len >= 0)
		return ifnet_error_set(e, EINVAL,
		    "%s: a gateway is one address", word);
	return 0;
}

bool
route_is_host(const struct route_words *w)
{

	return w->len == cmd_ip_bits(w->dst.ip_family);
}

/* All addresses of a route are of one family; "default" takes that of the
 * others. */
static int
one_family(struct route_words *w, struct ifnet_error *e)
{
	int family = w->dst.ip_family;

	/* The interface of -iface may be named by any of its addresses. */
	if (family == 0)
		family = w->family;
	if (family == 0 && w->havegw && !w->is_iface)
		family = w->gw.ip_family;
	if (family == 0 && w->haveifa)
		family = w->ifa.ip_family;
	if (family == 0)
		family = w->maskfamily != 0 ? w->maskfamily : AF_INET;
	w->dst.ip_family = family;
	if ((w->family != 0 && w->family != family) ||
	    (w->havegw && !w->is_iface && w->gw.ip_family != family) ||
	    (w->haveifa && w->ifa.ip_family != family) ||
	    (w->maskfamily != 0 && w->maskfamily != family))
		return ifnet_error_set(e, EINVAL, "the addresses of a route "
		    "are all of IPv4 or all of IPv6");
	if (w->len > cmd_ip_bits(family))
		return ifnet_error_set(e, EINVAL, "-prefixlen %d: bad value "
		    "(0 to %d)", w->len, cmd_ip_bits(family));
	return 0;
}

/* Parse all words of add, delete, change and get. */
int
route_parse(int argc, char **argv, struct route_words *w,
    struct ifnet_error *e)
{
	const char *word;
	int next = 1, error = 0, bits;

	memset(w, 0, sizeof(*w));
	w->len = -1;
	w->flags = RTF_STATIC;
	while (error == 0 && next < argc) {
		word = argv[next++];
		if (word[0] == '-' && word[1] != '\0')
			error = modifier(w, argv[0], word, argc, argv, &next,
			    e);
		else
			error = operand(w, word, e);
	}
	if (error != 0)
		return error;
	if (!w->havedst)
		return ifnet_error_set(e, EINVAL, "the destination is "
		    "missing");
	if (one_family(w, e) != 0)
		return EINVAL;
	if (w->weight != 0 && (w->given & RTV_MPATH) == 0)
		return ifnet_error_set(e, EINVAL, "-weight goes with -mpath "
		    "alone");
	if ((strcmp(argv[0], "add") == 0 || strcmp(argv[0], "replace") == 0) &&
	    !w->havegw && w->ifname == NULL &&
	    (w->flags & (RTF_BLACKHOLE | RTF_REJECT)) == 0)
		return ifnet_error_set(e, EINVAL, "the gateway is missing (an "
		    "address, or -iface and an interface)");
	bits = cmd_ip_bits(w->dst.ip_family);
	if (w->is_host && w->len >= 0 && w->len != bits)
		return ifnet_error_set(e, EINVAL, bits == 32 ?
		    "-host goes with no mask but 255.255.255.255" :
		    "-host goes with no prefix length but 128");
	if (w->is_host)
		w->len = bits;
	if (w->len < 0)
		w->len = guess_len(&w->dst, w->is_net);
	if (!cmd_ip_fits(&w->dst, w->len))
		return ifnet_error_set(e, EINVAL, "the destination has bits "
		    "set beyond its prefix length, %d", w->len);
	return 0;
}
