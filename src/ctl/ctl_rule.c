/*
 * Operations on rules that pick a table of routes: check, add, delete, list.
 */

#include "ctl/ctl_impl.h"

#include <errno.h>
#include <string.h>

#include "net/rule.h"

_Static_assert(CTL_RULE_TABLE == (int)RULE_TABLE &&
    CTL_RULE_REJECT == (int)RULE_REJECT &&
    CTL_RULE_BLACKHOLE == (int)RULE_BLACKHOLE, "actions are numbered alike");

const char *
ctl_check_rule(const struct ctl_request *rq)
{
	struct ctl_rule r = rq->rq_rec.rule;

	if (memchr(r.r_ifname, '\0', sizeof(r.r_ifname)) == NULL)
		return "the interface's name has no end";
	if (r.r_number > RULE_NUMBER_MAX)
		return "a rule's number is 1 to 65535";
	if (r.r_family > UINT8_MAX || r.r_srclen > 128 || r.r_dstlen > 128 ||
	    r.r_action >= RULE_NACTIONS)
		return "a rule has two prefixes and an action";
	return NULL;
}

int
ctl_run_rule_add(struct ctl_session *s, const struct ctl_request *rq)
{
	struct ctl_rule r = rq->rq_rec.rule;
	struct rule_spec rs = {
		.rs_number = r.r_number, .rs_family = (uint8_t)r.r_family,
		.rs_srclen = (uint8_t)r.r_srclen,
		.rs_dstlen = (uint8_t)r.r_dstlen,
		.rs_action = (uint8_t)r.r_action, .rs_mark = r.r_mark,
		.rs_markmask = r.r_markmask, .rs_table = r.r_table,
	};
	struct ctl_rule_number rn = { 0 };
	int error;

	_Static_assert(sizeof(rs.rs_src) == sizeof(r.r_src), "addresses");
	memcpy(&rs.rs_src, r.r_src, sizeof(r.r_src));
	memcpy(&rs.rs_dst, r.r_dst, sizeof(r.r_dst));
	memcpy(rs.rs_ifname, r.r_ifname, sizeof(rs.rs_ifname));
	error = ctl_undo_rule(s, rq->rq_vnet, UNDO_RULE);
	if (error != 0)
		return ctl_reply(s, &rq->rq_hdr, error, NULL);
	error = rule_add(rq->rq_vnet, &rs, &rn.rn_number);
	if (error != 0) {
		ctl_undo_cancel(s);
		return ctl_reply(s, &rq->rq_hdr, error, NULL);
	}
	ctl_undo_rule_added(s, rn.rn_number);
	return ctl_reply_rec(s, &rq->rq_hdr, 0, &rn, sizeof(rn), NULL, 0);
}

int
ctl_run_rule_delete(struct ctl_session *s, const struct ctl_request *rq)
{

	if (s->cs_undo != NULL)
		return ctl_undo_refuse(s, rq, "a rule that is deleted");
	return ctl_reply(s, &rq->rq_hdr, rule_delete(rq->rq_vnet,
	    rq->rq_rec.number.rn_number), NULL);
}

int
ctl_run_rule_flush(struct ctl_session *s, const struct ctl_request *rq)
{

	if (s->cs_undo != NULL)
		return ctl_undo_refuse(s, rq, "rules that are deleted");
	rule_flush(rq->rq_vnet);
	return ctl_reply(s, &rq->rq_hdr, 0, NULL);
}

static int
list_rule(const struct rule_info *ri, void *arg)
{
	const struct rule_spec *rs = &ri->ri_spec;
	struct ctl_rule r = {
		.r_number = rs->rs_number, .r_family = rs->rs_family,
		.r_srclen = rs->rs_srclen, .r_dstlen = rs->rs_dstlen,
		.r_action = rs->rs_action, .r_mark = rs->rs_mark,
		.r_markmask = rs->rs_markmask, .r_table = rs->rs_table,
		.r_packets = ri->ri_packets,
	};

	memcpy(r.r_src, &rs->rs_src, sizeof(r.r_src));
	memcpy(r.r_dst, &rs->rs_dst, sizeof(r.r_dst));
	memcpy(r.r_ifname, rs->rs_ifname, sizeof(r.r_ifname));
	return ctl_out_add_rec(arg, &r, sizeof(r), NULL, 0);
}

int
ctl_run_rule_list(struct ctl_session *s, const struct ctl_request *rq)
{
	struct ctl_out out;
	int error;

	ctl_out_init(&out, s);
	error = rule_list(rq->rq_vnet, list_rule, &out);
	if (error != 0)
		ctl_out_free(&out);
	error = ctl_out_send(&out, s, &rq->rq_hdr, error);
	ctl_out_free(&out);
	return error;
}
