/*
 * Packet filter rules.
 */

#include "client/client_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int
ifnet_filter_add(struct ifnet_client *c, struct ifnet_filter_rule *rule,
    const struct ifnet_filter_prog *progs, unsigned nprogs,
    struct ifnet_error *e)
{
	struct ctl_filter f = {
		.f_number = rule->number, .f_dir = rule->dir,
		.f_action = rule->action, .f_mark = rule->mark,
		.f_nprogs = nprogs,
	};
	struct client_call cc = {
		.cc_op = CTL_FILTER_ADD, .cc_what = "filter",
		.cc_answer = client_take_number, .cc_arg = &rule->number,
	};
	size_t size = 0, len = strlen(rule->text) + 1;
	uint8_t *buf, *p;
	int error;

	if (nprogs == 0 || nprogs > CTL_FILTER_PROGS)
		return ifnet_error_set(e, EINVAL, "a rule has one or two "
		    "programs");
	memcpy(f.f_ifname, rule->ifname, sizeof(f.f_ifname));
	for (unsigned i = 0; i < nprogs; i++) {
		f.f_prog[i].dlt = progs[i].linktype;
		f.f_prog[i].ninsns = progs[i].ninsns;
		size += progs[i].ninsns * sizeof(*progs[i].program);
	}
	buf = p = malloc(size + len);
	if (buf == NULL)
		return ifnet_error_set(e, ENOMEM, "out of memory");
	for (unsigned i = 0; i < nprogs; i++) {
		memcpy(p, progs[i].program,
		    progs[i].ninsns * sizeof(*progs[i].program));
		p += progs[i].ninsns * sizeof(*progs[i].program);
	}
	memcpy(p, rule->text, len);
	cc.cc_part[0].data = &f;
	cc.cc_part[0].len = sizeof(f);
	cc.cc_part[1].data = buf;
	cc.cc_part[1].len = size + len;
	error = client_call(c, &cc, e);
	free(buf);
	return error;
}

int
ifnet_filter_delete(struct ifnet_client *c, unsigned number,
    struct ifnet_error *e)
{

	return client_call_number(c, CTL_FILTER_DELETE, "filter", number, e);
}

int
ifnet_filter_zero(struct ifnet_client *c, unsigned number,
    struct ifnet_error *e)
{

	return client_call_number(c, CTL_FILTER_ZERO, "filter", number, e);
}

int
ifnet_filter_flush(struct ifnet_client *c, struct ifnet_error *e)
{
	struct client_call cc = {
		.cc_op = CTL_FILTER_FLUSH, .cc_what = "filter",
	};

	return client_call(c, &cc, e);
}

struct list {
	int		(*fn)(const struct ifnet_filter_rule *, void *);
	void		*arg;
};

static bool
take_rule(const struct proto_rec *pr, void *arg, int *result)
{
	struct ifnet_filter_rule rule;
	const struct list *l = arg;
	struct ctl_filter_rule fr;

	(void)proto_rec_get(pr, &fr, sizeof(fr));
	if (!proto_rec_istext(pr))
		return false;
	memset(&rule, 0, sizeof(rule));
	rule.number = fr.fr_number;
	rule.dir = fr.fr_dir;
	rule.action = fr.fr_action;
	rule.mark = fr.fr_mark;
	memcpy(rule.ifname, fr.fr_ifname, sizeof(rule.ifname) - 1);
	rule.text = (const char *)pr->pr_data;
	rule.packets = fr.fr_packets;
	rule.bytes = fr.fr_bytes;
	*result = l->fn(&rule, l->arg);
	return true;
}

int
ifnet_filter_list(struct ifnet_client *c,
    int (*fn)(const struct ifnet_filter_rule *, void *), void *arg,
    struct ifnet_error *e)
{
	const struct client_call cc = {
		.cc_op = CTL_FILTER_LIST, .cc_what = "filter",
	};
	struct list l = { fn, arg };

	return client_list(c, &cc, take_rule, &l, e);
}
