/*
 * The words of an ifconfig line, as a list of actions.  All of them are read
 * before the first is carried out.
 */

#include "command/command_impl.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct parse {
	int		 argc, next;
	char		**argv;
	struct ifconfig_action *acts;
	size_t		 n;
	struct ifconfig_action *inet;	/* the address that attributes go
					 * to, or NULL */
	bool		 alias, del;	/* words before the address */
	int		 family;	/* of "inet" or "inet6"; 0: neither */
	struct ifnet_error *e;
};

/* A word of the table, as typed. */
struct word {
	const char	*name;		/* with the "-" */
	bool		 negated;
	const struct cmd_word *w;
};

enum {
	WORD_NONE, WORD_CREATE, WORD_DESTROY, WORD_NAME, WORD_VNET,
	WORD_GROUP, WORD_FLAG, WORD_INET, WORD_ALIAS, WORD_MASK,
	WORD_BROADCAST, WORD_PREFERENCE, WORD_FLAG6, WORD_EUI64,
	WORD_LIFETIME, WORD_LINK, WORD_ACTIVE, WORD_NUMBER,
	WORD_TEXT, WORD_CAP, NWORDS
};

/* The word after this one, or NULL with the error set. */
static char *
argument(struct parse *p, const char *what)
{

	if (p->next >= p->argc) {
		(void)ifnet_error_set(p->e, EINVAL, "%s needs a value", what);
		return NULL;
	}
	return p->argv[p->next++];
}

static struct ifconfig_action *
action(struct parse *p, enum ifconfig_kind kind, int from)
{
	struct ifconfig_action *a = &p->acts[p->n++];

	memset(a, 0, sizeof(*a));
	a->ia_kind = kind;
	a->ia_len = -1;
	a->ia_fd = -1;
	(void)cmd_join(p->next - from, p->argv + from, a->ia_words,
	    sizeof(a->ia_words));
	return a;
}

static int
word_flag(struct parse *p, const struct word *w)
{
	struct ifconfig_action *a;
	bool on;

	a = action(p, IFCONFIG_FLAGS, p->next - 1);
	/* "arp" clears NOARP; "down" and a leading - clear. */
	on = !w->negated && strcmp(w->name, "down") != 0;
	if (w->w->w_bits == IFF_NOARP)
		on = !on;
	if (on)
		a->ia_set = w->w->w_bits;
	else
		a->ia_clear = w->w->w_bits;
	return 0;
}

static int
word_number(struct parse *p, const struct word *w)
{
	struct ifconfig_action *a;
	char *arg;
	uint64_t v;

	arg = argument(p, w->name);
	if (arg == NULL)
		return EINVAL;
	if (!cmd_parse_num(arg, INT32_MAX, &v))
		return ifnet_error_set(p->e, EINVAL, "%s %s: bad value "
		    "(a decimal number)", w->name, arg);
	a = action(p, (enum ifconfig_kind)w->w->w_bits, p->next - 2);
	a->ia_set = v;
	return 0;
}

static int
word_text(struct parse *p, const struct word *w)
{
	struct ifconfig_action *a;
	char *arg = NULL;

	if (!w->negated) {
		arg = argument(p, w->name);
		if (arg == NULL)
			return EINVAL;
		if (strlen(arg) >= IFDESCRSIZE)
			return ifnet_error_set(p->e, EINVAL, "%s: too long "
			    "(at most %d bytes)", w->name, IFDESCRSIZE - 1);
	}
	a = action(p, (enum ifconfig_kind)w->w->w_bits,
	    p->next - (arg != NULL ? 2 : 1));
	a->ia_text = arg != NULL ? arg : "";
	return 0;
}

static int
word_group(struct parse *p, const struct word *w)
{
	struct ifconfig_action *a;
	char *arg;

	arg = argument(p, w->name);
	if (arg == NULL || cmd_check_group(arg, p->e) != 0)
		return EINVAL;
	a = action(p, IFCONFIG_GROUP, p->next - 2);
	a->ia_text = arg;
	a->ia_delete = w->negated;
	return 0;
}

static int
word_name(struct parse *p, const struct word *w)
{
	struct ifconfig_action *a;
	char *arg;

	arg = argument(p, w->name);
	if (arg == NULL || cmd_check_new_ifname(arg, p->e) != 0)
		return EINVAL;
	a = action(p, IFCONFIG_NAME, p->next - 2);
	a->ia_text = arg;
	return 0;
}

static int
word_vnet(struct parse *p, const struct word *w)
{
	struct ifconfig_action *a;
	char *arg;

	arg = argument(p, w->name);
	if (arg == NULL)
		return EINVAL;
	if (arg[0] == '\0' || strlen(arg) >= sizeof(((struct cmd_vnet *)0)->
	    cv_name))
		return ifnet_error_set(p->e, EINVAL, "vnet: \"%s\" cannot name "
		    "a vnet", arg);
	if (p->next != p->argc)
		return ifnet_error_set(p->e, EINVAL, "vnet comes last: what "
		    "follows would be about another interface");
	a = action(p, IFCONFIG_VNET, p->next - 2);
	a->ia_text = arg;
	return 0;
}

static int
word_destroy(struct parse *p, const struct word *w)
{

	(void)w;
	(void)action(p, IFCONFIG_DESTROY, p->next - 1);
	if (p->n != 1 || p->next != p->argc)
		return ifnet_error_set(p->e, EINVAL,
		    "destroy goes with nothing else");
	return 0;
}

/* The largest N of `create N'. */
#define COUNT_MAX	1000000u

/* --- create -------------------------------------------------------------- */

static bool find_word(const char *, struct word *);
static bool is_word(const char *);

static bool
is_address(const char *s)
{

	return (s[0] >= '0' && s[0] <= '9' && strchr(s, '.') != NULL) ||
	    (strchr(s, ':') != NULL && cmd_is_ip(s));
}

static int
create_param(struct parse *p, struct ifconfig_action *a)
{
	const char *word = p->argv[p->next++];
	const char *arg = NULL;
	uint64_t v;
	size_t used;
	int n;

	/* The driver's own words are its affair. */
	if ((strcmp(word, "here") == 0 && a->ia_here) ||
	    (strcmp(word, "fd") == 0 && a->ia_fd >= 0) ||
	    (strcmp(word, "host") == 0 && a->ia_host != NULL))
		return ifnet_error_set(p->e, EINVAL, "create: %s is given "
		    "twice", word);
	if (strcmp(word, "here") == 0) {
		a->ia_here = true;
		return 0;
	}
	if (strcmp(word, "fd") == 0 || strcmp(word, "host") == 0 ||
	    strcmp(word, "peer") == 0) {
		arg = argument(p, word);
		if (arg == NULL)
			return EINVAL;
	} else if (p->next < p->argc && !is_word(p->argv[p->next]))
		arg = p->argv[p->next++];	/* a driver's: word and value */
	if (strcmp(word, "fd") == 0) {
		if (!cmd_parse_num(arg, INT32_MAX, &v))
			return ifnet_error_set(p->e, EINVAL,
			    "fd %s: bad value (a descriptor number)", arg);
		a->ia_fd = (int)v;
		return 0;
	}
	if (strcmp(word, "host") == 0) {
		if (cmd_check_ifname(arg, false, p->e) != 0)
			return EINVAL;
		a->ia_host = arg;
		return 0;
	}
	used = strlen(a->ia_params);
	n = snprintf(a->ia_params + used, sizeof(a->ia_params) - used,
	    "%s%s%s%s", used == 0 ? "" : " ", word, arg != NULL ? " " : "",
	    arg != NULL ? arg : "");
	if (n < 0 || (size_t)n >= sizeof(a->ia_params) - used)
		return ifnet_error_set(p->e, EINVAL, "create: the parameters "
		    "are too long (at most %d bytes)", IFCLONE_PARAMSIZE - 1);
	return 0;
}

static int
word_create(struct parse *p, const struct word *w)
{
	struct ifconfig_action *a;
	int from = p->next - 1;
	uint64_t count;

	(void)w;
	if (p->n != 0)
		return ifnet_error_set(p->e, EINVAL,
		    "create comes before everything else");
	a = action(p, IFCONFIG_CREATE, from);
	if (p->next < p->argc && !is_address(p->argv[p->next]) &&
	    isdigit((unsigned char)p->argv[p->next][0])) {
		if (!cmd_parse_num(p->argv[p->next++], COUNT_MAX, &count) ||
		    count == 0)
			return ifnet_error_set(p->e, EINVAL, "create %s: how "
			    "many? 1 to %u", p->argv[p->next - 1], COUNT_MAX);
		a->ia_count = (unsigned)count;
	}
	while (p->next < p->argc && !is_address(p->argv[p->next]) &&
	    !is_word(p->argv[p->next]))
		if (create_param(p, a) != 0)
			return EINVAL;
	if (a->ia_here && a->ia_fd >= 0)
		return ifnet_error_set(p->e, EINVAL,
		    "create: \"here\" and \"fd\" exclude each other");
	(void)cmd_join(p->next - from, p->argv + from, a->ia_words,
	    sizeof(a->ia_words));
	return 0;
}

/* --- addresses ----------------------------------------------------------- */

static int
set_len(struct parse *p, struct ifconfig_action *a, int len, const char *word)
{

	if (a->ia_len >= 0 && a->ia_len != len)
		return ifnet_error_set(p->e, EINVAL, "%s contradicts the "
		    "prefix length given before, %d", word, a->ia_len);
	a->ia_len = len;
	return 0;
}

static int
set_dst(struct parse *p, struct ifconfig_action *a, const struct cmd_ip *dst,
    bool is_brd)
{

	if (a->ia_havedst || a->ia_havebrd)
		return ifnet_error_set(p->e, EINVAL, "an address has one "
		    "broadcast address or one far end");
	a->ia_dst = *dst;
	if (is_brd)
		a->ia_havebrd = true;
	else
		a->ia_havedst = true;
	return 0;
}

static int
unknown_word(struct parse *p, const char *word)
{
	const struct cmd_word *like;
	bool negated;

	if (word[0] == '-' &&
	    cmd_word_find(ifconfig_words, word, &negated) != NULL && !negated)
		return ifnet_error_set(p->e, EINVAL, "%s: an option comes "
		    "before the interface's name", word);
	like = cmd_word_like(ifconfig_words, word, 0);
	if (like != NULL && (like->w_flags & CMD_W_CREATE) == 0)
		return ifnet_error_set(p->e, EINVAL, "%s: unknown parameter, "
		    "and not an address (did you mean %s?)", word,
		    like->w_name);
	return ifnet_error_set(p->e, EINVAL, "%s: unknown parameter, and not "
	    "an address (ifctl help ifconfig lists them)", word);
}

/* Parse a word that is no keyword: an address, or the far end of the last
 * address. */
static int
word_address(struct parse *p)
{
	struct ifconfig_action *a = p->inet;
	const char *word = p->argv[p->next - 1];
	struct cmd_ip addr;
	int len;

	if (!is_address(word) && strpbrk(word, ".:/") == NULL)
		return unknown_word(p, word);
	if (cmd_parse_ip(word, a != NULL && a->ia_haveaddr ?
	    a->ia_addr.ip_family : p->family, &addr, &len, p->e) != 0)
		return EINVAL;
	if (a == NULL || !a->ia_haveaddr) {
		if (a == NULL)
			a = action(p, IFCONFIG_INET, p->next - 1);
		(void)cmd_join(1, p->argv + p->next - 1, a->ia_words,
		    sizeof(a->ia_words));
		p->inet = a;
		a->ia_haveaddr = true;
		a->ia_addr = addr;
		a->ia_len = len;
		a->ia_alias = p->alias;
		a->ia_delete = p->del;
		p->alias = p->del = false;
		return 0;
	}
	if (len >= 0 && set_len(p, a, len, word) != 0)
		return EINVAL;
	return set_dst(p, a, &addr, false);
}

static int
need_inet(struct parse *p, const char *word)
{

	if (p->inet != NULL)
		return 0;
	return ifnet_error_set(p->e, EINVAL, "%s comes after an address",
	    word);
}

static int
word_inet(struct parse *p, const struct word *w)
{

	struct word next;

	p->inet = NULL;
	p->family = (int)w->w->w_bits;
	/* alias and delete may stand between the two. */
	if (p->next >= p->argc || (find_word(p->argv[p->next], &next) &&
	    next.w->w_code != WORD_ALIAS))
		return ifnet_error_set(p->e, EINVAL,
		    "%s needs an address", w->name);
	return 0;
}

static int
word_alias(struct parse *p, const struct word *w)
{
	bool del = strcmp(w->name, "alias") != 0;

	if (p->inet == NULL) {
		/* before the address, or (delete) without any */
		if (del)
			p->del = true;
		else
			p->alias = true;
		return 0;
	}
	if (del)
		p->inet->ia_delete = true;
	else
		p->inet->ia_alias = true;
	if (p->inet->ia_delete && p->inet->ia_alias)
		return ifnet_error_set(p->e, EINVAL,
		    "alias and %s exclude each other", w->name);
	return 0;
}

/* The word is about the address of a family, which came before. */
static int
need_family(struct parse *p, const char *word, int family)
{

	if (need_inet(p, word) != 0)
		return EINVAL;
	if (p->inet->ia_addr.ip_family == family)
		return 0;
	return ifnet_error_set(p->e, EINVAL, family == AF_INET6 ?
	    "%s goes with an IPv6 address" :
	    "%s goes with an IPv4 address", word);
}

static int
word_mask(struct parse *p, const struct word *w)
{
	uint64_t v;
	char *arg;
	int len, max;

	arg = argument(p, w->name);
	if (arg == NULL || need_inet(p, w->name) != 0)
		return EINVAL;
	if (strcmp(w->name, "prefixlen") == 0) {
		max = p->inet->ia_addr.ip_family == AF_INET ? 32 : 128;
		if (!cmd_parse_num(arg, (uint64_t)max, &v))
			return ifnet_error_set(p->e, EINVAL,
			    "prefixlen %s: bad value (0 to %d)", arg, max);
		len = (int)v;
	} else if (need_family(p, "netmask", AF_INET) != 0 ||
	    cmd_parse_mask(arg, &len, p->e) != 0) {
		return EINVAL;
	}
	return set_len(p, p->inet, len, w->name);
}

static int
word_broadcast(struct parse *p, const struct word *w)
{
	struct cmd_ip brd = { .ip_family = AF_INET };
	char *arg;

	arg = argument(p, w->name);
	if (arg == NULL || need_family(p, w->name, AF_INET) != 0)
		return EINVAL;
	if (!cmd_parse_inet(arg, &brd.ip_in))
		return ifnet_error_set(p->e, EINVAL,
		    "broadcast %s: bad value (an address)", arg);
	return set_dst(p, p->inet, &brd, true);
}

static int
word_flag6(struct parse *p, const struct word *w)
{

	if (need_family(p, w->name, AF_INET6) != 0)
		return EINVAL;
	if (w->w->w_bits == IN6_IFF_TENTATIVE)
		return ifnet_error_set(p->e, EINVAL, "%s: an address is "
		    "tentative until no other host was found to have it, and "
		    "not by hand", w->name);
	if (w->negated)
		p->inet->ia_flags6 &= ~(uint32_t)w->w->w_bits;
	else
		p->inet->ia_flags6 |= (uint32_t)w->w->w_bits;
	return 0;
}

static int
word_eui64(struct parse *p, const struct word *w)
{
	struct ifconfig_action *a = p->inet;

	if (need_family(p, w->name, AF_INET6) != 0)
		return EINVAL;
	for (unsigned i = 8; i < 16; i++)
		if (a->ia_addr.ip_in6.s6_addr[i] != 0)
			return ifnet_error_set(p->e, EINVAL, "eui64 fills the "
			    "last 64 bits of the address, which are not 0 in "
			    "%s", a->ia_words);
	a->ia_eui64 = true;
	return 0;
}

static int
word_lifetime(struct parse *p, const struct word *w)
{
	uint64_t v = ND6_INFINITE_LIFETIME;
	char *arg;

	arg = argument(p, w->name);
	if (arg == NULL || need_family(p, w->name, AF_INET6) != 0)
		return EINVAL;
	if (strcmp(arg, "infty") != 0 && (!cmd_parse_num(arg,
	    ND6_INFINITE_LIFETIME - 1, &v) || v == 0))
		return ifnet_error_set(p->e, EINVAL, "%s %s: bad value "
		    "(seconds, more than 0, or infty)", w->name, arg);
	if (w->w->w_bits != 0)
		p->inet->ia_pltime = (uint32_t)v;
	else
		p->inet->ia_vltime = (uint32_t)v;
	return 0;
}

static int
word_preference(struct parse *p, const struct word *w)
{
	bool neg;
	uint64_t v;
	char *arg;

	arg = argument(p, w->name);
	if (arg == NULL || need_inet(p, w->name) != 0)
		return EINVAL;
	neg = arg[0] == '-';
	if (!cmd_parse_num(arg + neg, INT16_MAX, &v))
		return ifnet_error_set(p->e, EINVAL,
		    "preference %s: bad value (-32767 to 32767)", arg);
	p->inet->ia_pref = neg ? -(int32_t)v : (int32_t)v;
	p->inet->ia_havepref = true;
	return 0;
}

static int
word_link(struct parse *p, const struct word *w)
{
	struct ifconfig_action *a;
	char *arg;
	int from, n;

	arg = argument(p, w->name);
	if (arg == NULL)
		return EINVAL;
	from = p->next - 2;
	a = action(p, IFCONFIG_LINK, from);
	n = lladdr_parse(arg, a->ia_lladdr, SDL_DATALEN);
	if (n <= 0)
		return ifnet_error_set(p->e, EINVAL, "link %s: bad value "
		    "(pairs of hexadecimal digits, like 02:00:00:00:00:01)",
		    arg);
	a->ia_lllen = (unsigned)n;
	if (!lladdr_is_station(a->ia_lladdr, a->ia_lllen))
		return ifnet_error_set(p->e, EINVAL, "link %s: not the "
		    "address of a station (all zeros, or a group)", arg);
	for (; p->next < p->argc; p->next++) {
		arg = p->argv[p->next];
		if (strcmp(arg, "active") == 0)
			a->ia_active = true;
		else if (strcmp(arg, "delete") == 0 ||
		    strcmp(arg, "-alias") == 0)
			a->ia_delete = true;
		else if (strcmp(arg, "alias") != 0)
			break;
	}
	if (a->ia_active && a->ia_delete)
		return ifnet_error_set(p->e, EINVAL,
		    "link: active and delete exclude each other");
	(void)cmd_join(p->next - from, p->argv + from, a->ia_words,
	    sizeof(a->ia_words));
	return 0;
}

/* --- the words ----------------------------------------------------------- */

/* Capabilities of checksums: both ways, received, and sent. */
#define CSUM_WORDS(name, what, cap)					\
	{ name, NULL, "capability: checksums of " what,			\
	    CMD_W_ADMIN | CMD_W_NOT, NULL, WORD_CAP,			\
	    IFCAP_CSUM_##cap##_Rx | IFCAP_CSUM_##cap##_Tx },		\
	{ name "-rx", NULL, "the same, received",			\
	    CMD_W_ADMIN | CMD_W_NOT, NULL, WORD_CAP,			\
	    IFCAP_CSUM_##cap##_Rx },					\
	{ name "-tx", NULL, "the same, sent",				\
	    CMD_W_ADMIN | CMD_W_NOT, NULL, WORD_CAP,			\
	    IFCAP_CSUM_##cap##_Tx }

const struct cmd_word ifconfig_words[] = {
	{ "-a", NULL, "all interfaces" },
	{ "-b", NULL, "only those that can broadcast" },
	{ "-C", NULL, "list the kinds that can be created" },
	{ "-d", NULL, "only those that are down" },
	{ "-L", NULL, "how long IPv6 addresses are preferred and valid" },
	{ "-l", NULL, "names only" },
	{ "-m", NULL, "capabilities, also where there are none" },
	{ "-s", NULL,
	    "only those that may be connected; of one: by the exit code" },
	{ "-u", NULL, "only those that are up" },
	{ "-v", NULL, "counters, and packets dropped by reason" },
	{ "-z", NULL, "set the counters to zero after they were shown",
	    CMD_W_ADMIN },
	CMD_WORD_JSON,
	{ "create", NULL,
	    "make it; parameters of its kind, or how many, may follow",
	    CMD_W_ADMIN, NULL, WORD_CREATE },
	{ "here", NULL, "make the host's device in our network namespace",
	    CMD_W_ADMIN | CMD_W_CREATE },
	{ "fd", "NUMBER", "hand over an open descriptor of the host's device",
	    CMD_W_ADMIN | CMD_W_CREATE },
	{ "host", "NAME", "the name of the host's device",
	    CMD_W_ADMIN | CMD_W_CREATE },
	{ "peer", "[VNET:]IF", "the other end", CMD_W_ADMIN | CMD_W_CREATE },
	{ "destroy", NULL, "destroy it", CMD_W_ADMIN, NULL, WORD_DESTROY },
	{ "name", "NEW", "give it another name", CMD_W_ADMIN, NULL,
	    WORD_NAME },
	{ "vnet", "VNET", "move it to another network stack", CMD_W_ADMIN,
	    NULL, WORD_VNET },
	{ "group", "GROUP", "put it into a group, or take it out",
	    CMD_W_ADMIN | CMD_W_NOT | CMD_W_NOTARG, NULL, WORD_GROUP },
	{ "up", NULL, "mark it up", CMD_W_ADMIN, NULL, WORD_FLAG, IFF_UP },
	{ "down", NULL, "mark it down", CMD_W_ADMIN, NULL, WORD_FLAG, IFF_UP },
	{ "inet", NULL, "an IPv4 address follows; alone: show only these", 0,
	    NULL, WORD_INET, AF_INET },
	{ "inet6", NULL, "an IPv6 address follows; alone: show only these", 0,
	    NULL, WORD_INET, AF_INET6 },
	{ "alias", NULL, "add the address, beside those there are",
	    CMD_W_ADMIN | CMD_W_NOT, NULL, WORD_ALIAS },
	{ "delete", NULL, "take the address away", CMD_W_ADMIN, NULL,
	    WORD_ALIAS },
	{ "netmask", "MASK", "the mask of the address", CMD_W_ADMIN, NULL,
	    WORD_MASK },
	{ "prefixlen", "LENGTH", "the length of its prefix", CMD_W_ADMIN, NULL,
	    WORD_MASK },
	{ "broadcast", "ADDR", "its broadcast address", CMD_W_ADMIN, NULL,
	    WORD_BROADCAST },
	{ "preference", "NUMBER", "how much it is preferred as a source",
	    CMD_W_ADMIN, NULL, WORD_PREFERENCE },
	{ "eui64", NULL, "after an IPv6 address: its last 64 bits are those of "
	    "the interface", CMD_W_ADMIN, NULL, WORD_EUI64 },
	{ "pltime", "SECONDS", "how long the IPv6 address is preferred",
	    CMD_W_ADMIN, NULL, WORD_LIFETIME, 1 },
	{ "vltime", "SECONDS", "how long the IPv6 address is valid",
	    CMD_W_ADMIN, NULL, WORD_LIFETIME, 0 },
	{ "anycast", NULL, "the IPv6 address is one of several hosts",
	    CMD_W_ADMIN | CMD_W_NOT, NULL, WORD_FLAG6, IN6_IFF_ANYCAST },
	{ "deprecated", NULL, "the IPv6 address is no source of new "
	    "connections", CMD_W_ADMIN | CMD_W_NOT, NULL, WORD_FLAG6,
	    IN6_IFF_DEPRECATED },
	{ "tentative", NULL, "refused: that is what the check for duplicates "
	    "says", CMD_W_ADMIN | CMD_W_NOT, NULL, WORD_FLAG6,
	    IN6_IFF_TENTATIVE },
	{ "link", "LLADDR", "add a link-level address; alone: show only these",
	    CMD_W_ADMIN, NULL, WORD_LINK },
	{ "active", NULL, "after link: it is the one in use", CMD_W_ADMIN,
	    NULL, WORD_ACTIVE },
	{ "mtu", "NUMBER", "the largest packet, in bytes", CMD_W_ADMIN, NULL,
	    WORD_NUMBER, IFCONFIG_MTU },
	{ "metric", "NUMBER", "what routing programs make of it", CMD_W_ADMIN,
	    NULL, WORD_NUMBER, IFCONFIG_METRIC },
	{ "table", "NUMBER", "the table of routes it is bound to; 0: the main "
	    "one", CMD_W_ADMIN, NULL, WORD_NUMBER, IFCONFIG_TABLE },
	{ "linkstr", "TEXT", "what the driver is told of the link",
	    CMD_W_ADMIN | CMD_W_NOT, NULL, WORD_TEXT, IFCONFIG_LINKSTR },
	{ "descr", "TEXT", "a description", CMD_W_ADMIN | CMD_W_NOT, NULL,
	    WORD_TEXT, IFCONFIG_DESCR },
	{ "description", "TEXT", "the same", CMD_W_ADMIN | CMD_W_NOT, NULL,
	    WORD_TEXT, IFCONFIG_DESCR },
	{ "arp", NULL, "ask for and tell link-level addresses",
	    CMD_W_ADMIN | CMD_W_NOT, NULL, WORD_FLAG, IFF_NOARP },
	{ "debug", NULL, "the driver's, to find faults",
	    CMD_W_ADMIN | CMD_W_NOT, NULL, WORD_FLAG, IFF_DEBUG },
	{ "link0", NULL, "the driver's", CMD_W_ADMIN | CMD_W_NOT, NULL,
	    WORD_FLAG, IFF_LINK0 },
	{ "link1", NULL, "the driver's", CMD_W_ADMIN | CMD_W_NOT, NULL,
	    WORD_FLAG, IFF_LINK1 },
	{ "link2", NULL, "the driver's", CMD_W_ADMIN | CMD_W_NOT, NULL,
	    WORD_FLAG, IFF_LINK2 },
	{ "tso4", NULL, "capability: cut TCP segments of IPv4",
	    CMD_W_ADMIN | CMD_W_NOT, NULL, WORD_CAP, IFCAP_TSOv4 },
	{ "tso6", NULL, "capability: cut TCP segments of IPv6",
	    CMD_W_ADMIN | CMD_W_NOT, NULL, WORD_CAP, IFCAP_TSOv6 },
	{ "lro", NULL, "capability: take TCP segments put together",
	    CMD_W_ADMIN | CMD_W_NOT, NULL, WORD_CAP, IFCAP_LRO },
	CSUM_WORDS("ip4csum", "IPv4", IPv4),
	CSUM_WORDS("tcp4csum", "TCP over IPv4", TCPv4),
	CSUM_WORDS("udp4csum", "UDP over IPv4", UDPv4),
	CSUM_WORDS("tcp6csum", "TCP over IPv6", TCPv6),
	CSUM_WORDS("udp6csum", "UDP over IPv6", UDPv6),
	CMD_WORD_END
};

static int
word_cap(struct parse *p, const struct word *w)
{
	struct ifconfig_action *a;

	a = action(p, IFCONFIG_CAP, p->next - 1);
	if (w->negated)
		a->ia_clear = w->w->w_bits;
	else
		a->ia_set = w->w->w_bits;
	return 0;
}

static int
word_active(struct parse *p, const struct word *w)
{

	return ifnet_error_set(p->e, EINVAL, "%s comes after link and an "
	    "address", w->name);
}

/* Find a word that is an action.  The words of create are handled elsewhere,
 * and options stand before the interface's name. */
static bool
find_word(const char *name, struct word *found)
{

	found->name = name;
	found->w = cmd_word_find(ifconfig_words, name, &found->negated);
	return found->w != NULL && found->w->w_code > WORD_NONE &&
	    found->w->w_code < NWORDS;
}

static bool
is_word(const char *name)
{
	struct word w;

	return find_word(name, &w);
}

static int
run_word(struct parse *p, const struct word *w)
{
	static int (*const run[])(struct parse *, const struct word *) = {
		[WORD_CREATE] = word_create, [WORD_DESTROY] = word_destroy,
		[WORD_NAME] = word_name, [WORD_VNET] = word_vnet,
		[WORD_GROUP] = word_group, [WORD_FLAG] = word_flag,
		[WORD_INET] = word_inet, [WORD_ALIAS] = word_alias,
		[WORD_MASK] = word_mask, [WORD_BROADCAST] = word_broadcast,
		[WORD_PREFERENCE] = word_preference,
		[WORD_FLAG6] = word_flag6, [WORD_EUI64] = word_eui64,
		[WORD_LIFETIME] = word_lifetime, [WORD_LINK] = word_link,
		[WORD_ACTIVE] = word_active, [WORD_NUMBER] = word_number,
		[WORD_TEXT] = word_text, [WORD_CAP] = word_cap,
	};

	return run[w->w->w_code](p, w);
}

/* Handle "alias" or "delete" without an address. */
static int
finish(struct parse *p)
{
	struct ifconfig_action *a;
	size_t i;

	if (p->alias)
		return ifnet_error_set(p->e, EINVAL,
		    "alias needs an address");
	for (i = 0; i < p->n; i++) {
		a = &p->acts[i];
		if (a->ia_kind != IFCONFIG_INET)
			continue;
		if (a->ia_delete && a->ia_havepref)
			return ifnet_error_set(p->e, EINVAL, "preference goes "
			    "with no address that is deleted");
		if (a->ia_delete && (a->ia_pltime != 0 || a->ia_vltime != 0 ||
		    a->ia_flags6 != 0))
			return ifnet_error_set(p->e, EINVAL, "lifetimes and "
			    "flags go with no address that is deleted");
		if (a->ia_vltime != 0 && a->ia_pltime > a->ia_vltime)
			return ifnet_error_set(p->e, EINVAL, "an address is "
			    "preferred (pltime) as long as it is valid "
			    "(vltime) at most");
	}
	if (p->del && p->family == AF_INET6)
		return ifnet_error_set(p->e, EINVAL, "delete: which? an IPv6 "
		    "address is wanted");
	if (p->del) {
		a = action(p, IFCONFIG_INET, p->next);
		(void)strcpy(a->ia_words, "delete");
		a->ia_delete = true;
	}
	return 0;
}

int
ifconfig_parse(int argc, char **argv, struct ifconfig_action *acts,
    size_t *n, struct ifnet_error *e)
{
	struct parse p;
	struct word w;
	int error = 0;
	size_t i;

	memset(&p, 0, sizeof(p));
	p.argc = argc;
	p.argv = argv;
	p.acts = acts;
	p.e = e;
	while (error == 0 && p.next < p.argc) {
		if (find_word(argv[p.next++], &w))
			error = run_word(&p, &w);
		else
			error = word_address(&p);
	}
	if (error == 0)
		error = finish(&p);
	for (i = 0; error == 0 && i < p.n && acts[0].ia_count != 0; i++)
		if (!ifconfig_for_many(&acts[i]))
			error = ifnet_error_set(e, EINVAL, "%s: not for many "
			    "interfaces at once (create %u)",
			    acts[i].ia_words, acts[0].ia_count);
	*n = p.n;
	return error;
}
