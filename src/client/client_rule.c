/*
 * Rules that pick a table of routes.
 */

#include "client/client_private.h"

#include <errno.h>
#include <string.h>

static void
take_number(void *arg, const struct ctl_hdr *h, const void *data, size_t len)
{
	struct ctl_filter_number fn;
	struct proto_rec pr;

	if (h->ch_error != 0 ||
	    !client_record(data, len, &fn, sizeof(fn), &pr))
		return;
	*(unsigned *)arg = fn.fn_number;
}

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
		.cc_answer = take_number, .cc_arg = &rule->number,
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
	struct ctl_filter_number fn = { .fn_number = number };
	struct client_call cc = {
		.cc_op = CTL_RULE_DELETE, .cc_what = "rule",
		.cc_part = { { &fn, sizeof(fn) } },
	};

	return client_call(c, &cc, e);
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
	int		 result;
	bool		 nonsense;
};

static void
take_rules(void *arg, const struct ctl_hdr *h, const void *data, size_t len)
{
	struct ifnet_rule rule;
	struct list *l = arg;
	const uint8_t *p = data;
	struct proto_rec pr;
	struct ctl_rule r;
	int n = 0;

	(void)h;
	while (l->result == 0 && (n = proto_rec_next(&p, &len, &pr)) > 0) {
		(void)proto_rec_get(&pr, &r, sizeof(r));
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
		l->result = l->fn(&rule, l->arg);
	}
	l->nonsense |= n < 0;
}

int
ifnet_rule_list(struct ifnet_client *c,
    int (*fn)(const struct ifnet_rule *, void *), void *arg,
    struct ifnet_error *e)
{
	struct list l = { fn, arg, 0, false };
	struct client_call cc = {
		.cc_op = CTL_RULE_LIST, .cc_what = "rule",
		.cc_answer = take_rules, .cc_arg = &l,
	};
	int error;

	error = client_call(c, &cc, e);
	if (error == 0 && l.nonsense)
		return client_nonsense(c, e);
	return error != 0 ? error : l.result;
}
