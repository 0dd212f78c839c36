/*
 * The names of a stack's numbers, where they are not those of this build.
 */

#include "client/client_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/rtmsg_fit.h"

/* The longest table of names that is accepted from a stack. */
#define NUMBERS_MAX	4096

struct known {
	char		*kn_name;	/* NULL: no such number */
	const char	*kn_text;	/* behind it */
	unsigned	 kn_flags;	/* CTL_NAME_* */
	int		 kn_ours;	/* number of this build, or -1 */
};

struct client_names {
	struct {
		struct known	*entries;
		unsigned	 count;
	}		 cn_table[PROTO_NAMES_MAX];
	int		 cn_error;
};

void
client_names_free(struct client_names *cn)
{

	if (cn == NULL)
		return;
	for (unsigned t = 0; t < PROTO_NAMES_MAX; t++) {
		for (unsigned i = 0; i < cn->cn_table[t].count; i++)
			free(cn->cn_table[t].entries[i].kn_name);
		free(cn->cn_table[t].entries);
	}
	free(cn);
}

/* The number that has this name in this build; -1: none. */
static int
ours(enum proto_names table, const char *name)
{
	const char *mine;

	for (unsigned i = 0; i < proto_names_count(table); i++) {
		mine = proto_name(table, i, NULL);
		if (mine != NULL && strcmp(mine, name) == 0)
			return (int)i;
	}
	return -1;
}

/* The entry of a number, created if necessary. */
static struct known *
entry(struct client_names *cn, const struct ctl_name *n)
{
	struct known *entries = cn->cn_table[n->n_table].entries, *more;
	unsigned count = cn->cn_table[n->n_table].count;

	if (n->n_number < count)
		return &entries[n->n_number];
	more = realloc(entries, (n->n_number + 1) * sizeof(*entries));
	if (more == NULL)
		return NULL;
	entries = more;
	for (; count <= n->n_number; count++)
		entries[count] = (struct known){ .kn_ours = -1 };
	cn->cn_table[n->n_table].entries = entries;
	cn->cn_table[n->n_table].count = count;
	return &entries[n->n_number];
}

static void
take_name(struct client_names *cn, const struct proto_rec *pr)
{
	const char *name = (const char *)pr->pr_data, *text;
	struct ctl_name n;
	struct known *kn;
	size_t len;

	(void)proto_rec_get(pr, &n, sizeof(n));
	/* A table that this build does not know. */
	if (n.n_table == 0 || n.n_table >= PROTO_NAMES_MAX)
		return;
	text = memchr(name, '\0', pr->pr_len);
	if (n.n_number >= NUMBERS_MAX || text == NULL ||
	    pr->pr_data[pr->pr_len - 1] != '\0') {
		cn->cn_error = EPROTO;
		return;
	}
	len = (size_t)(text - name) + 1;
	kn = entry(cn, &n);
	if (kn == NULL) {
		cn->cn_error = ENOMEM;
		return;
	}
	free(kn->kn_name);
	kn->kn_name = malloc(pr->pr_len);
	if (kn->kn_name == NULL) {
		cn->cn_error = ENOMEM;
		return;
	}
	memcpy(kn->kn_name, name, pr->pr_len);
	/* A name without a text is its own text. */
	kn->kn_text = pr->pr_len > len ? kn->kn_name + len : kn->kn_name;
	kn->kn_flags = n.n_flags;
	kn->kn_ours = ours(n.n_table, kn->kn_name);
}

static void
take_names(void *arg, const struct ctl_hdr *h, const void *data, size_t len)
{
	struct client_names *cn = arg;
	const uint8_t *p = data;
	struct proto_rec pr;
	int n = 0;

	(void)h;
	while (cn->cn_error == 0 && (n = proto_rec_next(&p, &len, &pr)) > 0)
		take_name(cn, &pr);
	if (n < 0)
		cn->cn_error = EPROTO;
}

int
client_names_get(struct ifnet_client *c, struct ifnet_error *e)
{
	struct client_names *cn = calloc(1, sizeof(*cn));
	struct client_call cc = {
		.cc_op = CTL_NAMES, .cc_what = "names",
		.cc_answer = take_names, .cc_arg = cn,
	};
	int error;

	if (cn == NULL)
		return ifnet_error_set(e, ENOMEM, "out of memory");
	error = client_call(c, &cc, e);
	if (error == 0 && cn->cn_error == EPROTO)
		error = client_nonsense(c, e);
	else if (error == 0 && cn->cn_error != 0)
		error = ifnet_error_set(e, cn->cn_error, "out of memory");
	if (error != 0) {
		client_names_free(cn);
		return error;
	}
	c->c_names = cn;
	return 0;
}

static const struct known *
lookup(const struct ifnet_client *c, enum proto_names table, unsigned number)
{
	const struct known *kn;

	if ((unsigned)table >= PROTO_NAMES_MAX ||
	    number >= c->c_names->cn_table[table].count)
		return NULL;
	kn = &c->c_names->cn_table[table].entries[number];
	return kn->kn_name != NULL ? kn : NULL;
}

const char *
client_name(const struct ifnet_client *c, enum proto_names table,
    unsigned number, const char **text)
{
	const struct known *kn;

	if (c->c_names == NULL)
		return proto_name(table, number, text);
	kn = lookup(c, table, number);
	if (kn == NULL)
		return NULL;
	if (text != NULL)
		*text = kn->kn_text;
	return kn->kn_name;
}

int
client_number(const struct ifnet_client *c, enum proto_names table,
    unsigned number)
{
	const struct known *kn;

	if (c->c_names == NULL)
		return number < proto_names_count(table) ? (int)number : -1;
	kn = lookup(c, table, number);
	return kn != NULL ? kn->kn_ours : -1;
}

void
client_renumber(const struct ifnet_client *c, struct if_data *d)
{
	int oper, link;

	if (c->c_names == NULL)
		return;
	oper = client_number(c, PROTO_NAMES_OPER, d->ifi_oper);
	link = client_number(c, PROTO_NAMES_LINK, d->ifi_link_state);
	d->ifi_oper = (uint8_t)(oper < 0 ? IF_OPER_UNKNOWN : oper);
	d->ifi_link_state = (uint8_t)(link < 0 ? LINK_STATE_UNKNOWN : link);
}

int
client_fit(const struct ifnet_client *c, const void *msg, size_t len,
    void *room, const void **out)
{
	const struct if_msg *ifm;
	int error;

	error = rt_msg_fit(msg, len, room, out);
	if (c->c_names == NULL || (error != 0 && error != E2BIG))
		return error;
	ifm = *out;
	if (ifm->ifm_h.rtm_type != RTM_IFINFO &&
	    ifm->ifm_h.rtm_type != RTM_IFANNOUNCE)
		return error;
	if (ifm->ifm_h.rtm_len < sizeof(*ifm))
		return EINVAL;
	if (*out != room)
		memcpy(room, ifm, ifm->ifm_h.rtm_len);
	client_renumber(c, &((struct if_msg *)room)->ifm_data);
	*out = room;
	return error;
}

const char *
ifnet_drop_name(const struct ifnet_client *c, unsigned reason)
{
	const char *name = client_name(c, PROTO_NAMES_DROP, reason, NULL);

	return name != NULL ? name : "unknown";
}

const char *
ifnet_drop_text(const struct ifnet_client *c, unsigned reason)
{
	const char *text;

	return client_name(c, PROTO_NAMES_DROP, reason, &text) != NULL ?
	    text : "a reason this ifnetd did not name";
}

int
ifnet_drop_is_output(const struct ifnet_client *c, unsigned reason)
{
	const struct known *kn;

	if (c->c_names == NULL)
		return (proto_name_flags(PROTO_NAMES_DROP, reason) &
		    CTL_NAME_OUTPUT) != 0;
	kn = lookup(c, PROTO_NAMES_DROP, reason);
	return kn != NULL && (kn->kn_flags & CTL_NAME_OUTPUT) != 0;
}
