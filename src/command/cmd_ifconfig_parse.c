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
	bool		 alias, del;	/* said before the address */
	struct ifnet_error *e;
};

struct word {
	const char	*name;
	int		(*fn)(struct parse *, const struct word *);
	uint32_t	 bits;		/* flags */
	enum ifconfig_kind kind;
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
	on = w->name[0] != '-' && strcmp(w->name, "down") != 0;
	if (w->bits == IFF_NOARP)
		on = !on;
	if (on)
		a->ia_set = w->bits;
	else
		a->ia_clear = w->bits;
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
	a = action(p, w->kind, p->next - 2);
	a->ia_set = v;
	return 0;
}

static int
word_text(struct parse *p, const struct word *w)
{
	struct ifconfig_action *a;
	char *arg = NULL;

	if (w->name[0] != '-') {
		arg = argument(p, w->name);
		if (arg == NULL)
			return EINVAL;
		if (strlen(arg) >= IFDESCRSIZE)
			return ifnet_error_set(p->e, EINVAL, "%s: too long "
			    "(at most %d bytes)", w->name, IFDESCRSIZE - 1);
	}
	a = action(p, w->kind, p->next - (arg != NULL ? 2 : 1));
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
	a->ia_delete = w->name[0] == '-';
	return 0;
}

static int
word_name(struct parse *p, const struct word *w)
{
	struct ifconfig_action *a;
	char *arg;

	arg = argument(p, w->name);
	if (arg == NULL || cmd_check_ifname(arg, false, p->e) != 0)
		return EINVAL;
	if (arg[strspn(arg, "0123456789")] == '\0')
		return ifnet_error_set(p->e, EINVAL, "name %s: digits alone "
		    "stand for an index", arg);
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

/* Of `create N'. */
#define COUNT_MAX	1000000u

/* --- create -------------------------------------------------------------- */

static const struct word *find_word(const char *);

static bool
is_address(const char *s)
{

	return s[0] >= '0' && s[0] <= '9' && strchr(s, '.') != NULL;
}

static int
create_param(struct parse *p, struct ifconfig_action *a)
{
	const char *word = p->argv[p->next++];
	const char *arg = NULL;
	uint64_t v;
	size_t used;
	int n;

	if (strcmp(word, "here") == 0) {
		a->ia_here = true;
		return 0;
	}
	if (strcmp(word, "fd") == 0 || strcmp(word, "host") == 0 ||
	    strcmp(word, "peer") == 0) {
		arg = argument(p, word);
		if (arg == NULL)
			return EINVAL;
	} else if (p->next < p->argc && find_word(p->argv[p->next]) == NULL)
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
	    find_word(p->argv[p->next]) == NULL)
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
set_dst(struct parse *p, struct ifconfig_action *a, struct in_addr dst,
    bool is_brd)
{

	if (a->ia_havedst || a->ia_havebrd)
		return ifnet_error_set(p->e, EINVAL, "an address has one "
		    "broadcast address or one far end");
	a->ia_dst = dst;
	if (is_brd)
		a->ia_havebrd = true;
	else
		a->ia_havedst = true;
	return 0;
}

/* A word that is no keyword: an address, or the far end of the last one. */
static int
word_address(struct parse *p)
{
	struct ifconfig_action *a = p->inet;
	const char *word = p->argv[p->next - 1];
	struct in_addr addr;
	int len;

	if (!is_address(word) && strpbrk(word, ".:/") == NULL)
		return ifnet_error_set(p->e, EINVAL, "%s: unknown parameter, "
		    "and not an address (ifctl help ifconfig)", word);
	if (cmd_parse_prefix(word, &addr, &len, p->e) != 0)
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
	return set_dst(p, a, addr, false);
}

static int
need_inet(struct parse *p, const char *word)
{

	if (p->inet != NULL)
		return 0;
	return ifnet_error_set(p->e, EINVAL, "%s comes after an address",
	    word);
}

static int word_alias(struct parse *, const struct word *);

static int
word_inet(struct parse *p, const struct word *w)
{

	const struct word *next = NULL;

	(void)w;
	p->inet = NULL;
	if (p->next < p->argc)
		next = find_word(p->argv[p->next]);
	/* alias and delete may come between. */
	if (p->next >= p->argc || (next != NULL && next->fn != word_alias))
		return ifnet_error_set(p->e, EINVAL,
		    "inet needs an address");
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

static int
word_mask(struct parse *p, const struct word *w)
{
	uint64_t v;
	char *arg;
	int len;

	arg = argument(p, w->name);
	if (arg == NULL || need_inet(p, w->name) != 0)
		return EINVAL;
	if (strcmp(w->name, "prefixlen") == 0) {
		if (!cmd_parse_num(arg, 32, &v))
			return ifnet_error_set(p->e, EINVAL,
			    "prefixlen %s: bad value (0 to 32)", arg);
		len = (int)v;
	} else if (cmd_parse_mask(arg, &len, p->e) != 0) {
		return EINVAL;
	}
	return set_len(p, p->inet, len, w->name);
}

static int
word_broadcast(struct parse *p, const struct word *w)
{
	struct in_addr a;
	char *arg;

	arg = argument(p, w->name);
	if (arg == NULL || need_inet(p, w->name) != 0)
		return EINVAL;
	if (!cmd_parse_inet(arg, &a))
		return ifnet_error_set(p->e, EINVAL,
		    "broadcast %s: bad value (an address)", arg);
	return set_dst(p, p->inet, a, true);
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

static const struct word words[] = {
	{ "create",	word_create, 0, 0 },
	{ "destroy",	word_destroy, 0, 0 },
	{ "name",	word_name, 0, 0 },
	{ "vnet",	word_vnet, 0, 0 },
	{ "group",	word_group, 0, 0 },
	{ "-group",	word_group, 0, 0 },
	{ "up",		word_flag, IFF_UP, 0 },
	{ "down",	word_flag, IFF_UP, 0 },
	{ "inet",	word_inet, 0, 0 },
	{ "alias",	word_alias, 0, 0 },
	{ "-alias",	word_alias, 0, 0 },
	{ "delete",	word_alias, 0, 0 },
	{ "netmask",	word_mask, 0, 0 },
	{ "prefixlen",	word_mask, 0, 0 },
	{ "broadcast",	word_broadcast, 0, 0 },
	{ "preference",	word_preference, 0, 0 },
	{ "link",	word_link, 0, 0 },
	{ "mtu",	word_number, 0, IFCONFIG_MTU },
	{ "metric",	word_number, 0, IFCONFIG_METRIC },
	{ "linkstr",	word_text, 0, IFCONFIG_LINKSTR },
	{ "-linkstr",	word_text, 0, IFCONFIG_LINKSTR },
	{ "descr",	word_text, 0, IFCONFIG_DESCR },
	{ "description", word_text, 0, IFCONFIG_DESCR },
	{ "-descr",	word_text, 0, IFCONFIG_DESCR },
	{ "-description", word_text, 0, IFCONFIG_DESCR },
	{ "arp",	word_flag, IFF_NOARP, 0 },
	{ "-arp",	word_flag, IFF_NOARP, 0 },
	{ "debug",	word_flag, IFF_DEBUG, 0 },
	{ "-debug",	word_flag, IFF_DEBUG, 0 },
	{ "link0",	word_flag, IFF_LINK0, 0 },
	{ "-link0",	word_flag, IFF_LINK0, 0 },
	{ "link1",	word_flag, IFF_LINK1, 0 },
	{ "-link1",	word_flag, IFF_LINK1, 0 },
	{ "link2",	word_flag, IFF_LINK2, 0 },
	{ "-link2",	word_flag, IFF_LINK2, 0 },
	{ NULL, NULL, 0, 0 }
};

const char *const ifconfig_words[] = {
	"create", "destroy", "name", "vnet", "group", "-group", "up", "down",
	"inet", "alias", "-alias", "delete", "netmask", "prefixlen",
	"broadcast", "preference", "link", "mtu", "metric", "linkstr",
	"-linkstr", "descr", "-descr", "arp", "-arp", "debug", "-debug",
	"here", "fd", "host", "peer", NULL
};

static int
word_cap(struct parse *p, const struct word *w)
{
	const char *word = p->argv[p->next - 1];
	struct ifconfig_action *a;

	(void)w;
	a = action(p, IFCONFIG_CAP, p->next - 1);
	if (word[0] == '-')
		a->ia_clear = ifconfig_cap(word + 1);
	else
		a->ia_set = ifconfig_cap(word);
	return 0;
}

static const struct word cap_word = { "", word_cap, 0, 0 };

static const struct word *
find_word(const char *name)
{
	const struct word *w;

	for (w = words; w->name != NULL; w++)
		if (strcmp(w->name, name) == 0)
			return w;
	if (ifconfig_cap(name[0] == '-' ? name + 1 : name) != 0)
		return &cap_word;
	return NULL;
}

/* "alias" or "delete" that no address followed. */
static int
finish(struct parse *p)
{
	struct ifconfig_action *a;

	if (p->alias)
		return ifnet_error_set(p->e, EINVAL,
		    "alias needs an address");
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
	const struct word *w;
	int error = 0;
	size_t i;

	memset(&p, 0, sizeof(p));
	p.argc = argc;
	p.argv = argv;
	p.acts = acts;
	p.e = e;
	while (error == 0 && p.next < p.argc) {
		w = find_word(argv[p.next++]);
		error = w != NULL ? w->fn(&p, w) : word_address(&p);
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
