/*
 * Rules that pick a table of routes.
 */

#include "client/client_private.h"

#include <errno.h>
#include <string.h>

int
ifnet_rule_add(struct ifnet_client *c, struct ifnet_rule *rule,
    struct ifnet_error *e)
{
	struct ctl_rule r = {
		.r_number = rule->number, .r_family = rule->family,
		.r_srclen = rule->srclen, .r_dstlen = rule->dstlen,
		.r_action = rule->action, .r_table = rule->table,
		.r_mark = rule->mark, .r_markmask = rule->markmask,
	};
	struct client_call cc = {
		.cc_op = CTL_RULE_ADD, .cc_what = "rule",
		.cc_part = { { &r, sizeof(r) } },
		.cc_answer = client_take_number, .cc_arg = &rule->number,
	};

	memcpy(r.r_src, rule->src, sizeof(r.r_src));
	memcpy(r.r_dst, rule->dst, sizeof(r.r_dst));
	memcpy(r.r_ifname, rule->ifname, sizeof(r.r_ifname));
	return client_call(c, &cc, e);
}

int
ifnet_rule_delete(struct ifnet_client *c, unsigned number,
    struct ifnet_error *e)
{

	return client_call_number(c, CTL_RULE_DELETE, "rule", number, e);
}

int
ifnet_rule_flush(struct ifnet_client *c, struct ifnet_error *e)
{
	struct client_call cc = {
		.cc_op = CTL_RULE_FLUSH, .cc_what = "rule",
	};

	return client_call(c, &cc, e);
}

struct list {
	int		(*fn)(const struct ifnet_rule *, void *);
	void		*arg;
};

static bool
take_rule(const struct proto_rec *pr, void *arg, int *result)
{
	const struct list *l = arg;
	struct ifnet_rule rule;
	struct ctl_rule r;

	(void)proto_rec_get(pr, &r, sizeof(r));
	memset(&rule, 0, sizeof(rule));
	rule.number = r.r_number;
	rule.family = (int)r.r_family;
	rule.srclen = r.r_srclen;
	rule.dstlen = r.r_dstlen;
	rule.action = r.r_action;
	rule.table = r.r_table;
	rule.mark = r.r_mark;
	rule.markmask = r.r_markmask;
	rule.packets = r.r_packets;
	memcpy(rule.src, r.r_src, sizeof(rule.src));
	memcpy(rule.dst, r.r_dst, sizeof(rule.dst));
	memcpy(rule.ifname, r.r_ifname, sizeof(rule.ifname) - 1);
	*result = l->fn(&rule, l->arg);
	return true;
}

int
ifnet_rule_list(struct ifnet_client *c,
    int (*fn)(const struct ifnet_rule *, void *), void *arg,
    struct ifnet_error *e)
{
	const struct client_call cc = {
		.cc_op = CTL_RULE_LIST, .cc_what = "rule",
	};
	struct list l = { fn, arg };

	return client_list(c, &cc, take_rule, &l, e);
}
