/*
 * Packet filter rules.
 */

#include "client/client_private.h"

#include <errno.h>
#include <stdlib.h>
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
		.cc_answer = take_number, .cc_arg = &rule->number,
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

static int
call_number(struct ifnet_client *c, unsigned op, unsigned number,
    struct ifnet_error *e)
{
	struct ctl_filter_number fn = { .fn_number = number };
	struct client_call cc = {
		.cc_op = op, .cc_what = "filter",
		.cc_part = { { &fn, sizeof(fn) } },
	};

	return client_call(c, &cc, e);
}

int
ifnet_filter_delete(struct ifnet_client *c, unsigned number,
    struct ifnet_error *e)
{

	return call_number(c, CTL_FILTER_DELETE, number, e);
}

int
ifnet_filter_zero(struct ifnet_client *c, unsigned number,
    struct ifnet_error *e)
{

	return call_number(c, CTL_FILTER_ZERO, number, e);
}

int
ifnet_filter_flush(struct ifnet_client *c, struct ifnet_error *e)
{
	struct client_call cc = {
		.cc_op = CTL_FILTER_FLUSH, .cc_what = "filter",
	};

	return client_call(c, &cc, e);
}

struct rules {
	int		(*fn)(const struct ifnet_filter_rule *, void *);
	void		*arg;
	int		 result;
	bool		 nonsense;
};

static void
take_rules(void *arg, const struct ctl_hdr *h, const void *data, size_t len)
{
	struct ifnet_filter_rule rule;
	struct ctl_filter_rule fr;
	struct rules *r = arg;
	const uint8_t *p = data;
	struct proto_rec pr;
	int n = 0;

	(void)h;
	while (r->result == 0 && (n = proto_rec_next(&p, &len, &pr)) > 0) {
		(void)proto_rec_get(&pr, &fr, sizeof(fr));
		if (!proto_rec_istext(&pr)) {
			n = -1;
			break;
		}
		memset(&rule, 0, sizeof(rule));
		rule.number = fr.fr_number;
		rule.dir = fr.fr_dir;
		rule.action = fr.fr_action;
		rule.mark = fr.fr_mark;
		memcpy(rule.ifname, fr.fr_ifname, sizeof(rule.ifname) - 1);
		rule.text = (const char *)pr.pr_data;
		rule.packets = fr.fr_packets;
		rule.bytes = fr.fr_bytes;
		r->result = r->fn(&rule, r->arg);
	}
	r->nonsense |= n < 0;
}

int
ifnet_filter_list(struct ifnet_client *c,
    int (*fn)(const struct ifnet_filter_rule *, void *), void *arg,
    struct ifnet_error *e)
{
	struct rules r = { fn, arg, 0, false };
	struct client_call cc = {
		.cc_op = CTL_FILTER_LIST, .cc_what = "filter",
		.cc_answer = take_rules, .cc_arg = &r,
	};
	int error;

	error = client_call(c, &cc, e);
	if (error == 0 && r.nonsense)
		return client_nonsense(c, e);
	return error != 0 ? error : r.result;
}
