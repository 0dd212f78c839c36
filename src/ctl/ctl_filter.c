/*
 * Operations on packet filter rules: check, add, delete, list.
 */

#include "ctl/ctl_impl.h"

#include <errno.h>
#include <string.h>

#include "net/filter.h"

_Static_assert(CTL_FILTER_PROGS == FILTER_PROGS &&
    CTL_FILTER_PASS == (int)FILTER_PASS &&
    CTL_FILTER_DROP == (int)FILTER_DROP &&
    CTL_FILTER_MARK == (int)FILTER_MARK, "counts and actions are alike");

/* The bytes of all instructions of a request. */
static size_t
insns_size(const struct ctl_filter *f)
{
	size_t n = 0;

	for (unsigned i = 0; i < f->f_nprogs; i++)
		n += f->f_prog[i].ninsns;
	return n * sizeof(struct bpf_insn);
}

const char *
ctl_check_filter(const struct ctl_request *rq)
{
	struct ctl_filter f = rq->rq_rec.filter;
	size_t left = rq->rq_len;

	if (memchr(f.f_ifname, '\0', sizeof(f.f_ifname)) == NULL)
		return "the interface's name has no end";
	if (f.f_number > FILTER_NUMBER_MAX)
		return "a rule's number is 1 to 65535";
	if ((f.f_dir != CTL_TAP_IN && f.f_dir != CTL_TAP_OUT) ||
	    f.f_action >= FILTER_NACTIONS)
		return "a rule passes, drops or marks what comes in or goes "
		    "out";
	if (f.f_nprogs == 0 || f.f_nprogs > FILTER_PROGS)
		return "a rule has one or two programs";
	for (unsigned i = 0; i < f.f_nprogs; i++)
		if (f.f_prog[i].ninsns > BPF_PROG_MAX)
			return "the filter's program is longer than 4096 "
			    "instructions";
	if (insns_size(&f) >= left)
		return "the program does not fit the request";
	left -= insns_size(&f);
	if (left > FILTER_TEXT_MAX)
		return "the filter's text has more than 1023 characters";
	return memchr(rq->rq_data + rq->rq_len - left, '\0', left) ==
	    rq->rq_data + rq->rq_len - 1 ? NULL :
	    "the filter's text has no end";
}

static int
reply_number(struct ctl_session *s, const struct ctl_hdr *h, uint32_t number)
{
	struct ctl_rule_number rn = { .rn_number = number };

	return ctl_reply_rec(s, h, 0, &rn, sizeof(rn), NULL, 0);
}

int
ctl_run_filter_add(struct ctl_session *s, const struct ctl_request *rq)
{
	const uint8_t *data = rq->rq_data;
	struct filter_rule_spec fs;
	struct bpf_insn *insns, *next;
	struct ctl_filter f = rq->rq_rec.filter;
	uint32_t number;
	int error;

	insns = ctl_tap_program(s, data, (unsigned)(insns_size(&f) /
	    sizeof(*insns)));
	if (insns == NULL)
		return ctl_reply(s, &rq->rq_hdr, ENOMEM, NULL);
	error = ctl_undo_rule(s, rq->rq_vnet, UNDO_FILTER);
	if (error != 0) {
		kmem_free(s->cs_kern, insns);
		return ctl_reply(s, &rq->rq_hdr, error, NULL);
	}
	memset(&fs, 0, sizeof(fs));
	fs.fs_number = f.f_number;
	fs.fs_dir = f.f_dir == CTL_TAP_IN ? PFIL_IN : PFIL_OUT;
	fs.fs_action = (enum filter_action)f.f_action;
	fs.fs_mark = f.f_mark;
	memcpy(fs.fs_ifname, f.f_ifname, sizeof(fs.fs_ifname));
	fs.fs_text = (const char *)data + insns_size(&f);
	fs.fs_nprogs = f.f_nprogs;
	next = insns;
	for (unsigned i = 0; i < f.f_nprogs; i++) {
		fs.fs_prog[i].fp_dlt = f.f_prog[i].dlt;
		fs.fs_prog[i].fp_ninsns = f.f_prog[i].ninsns;
		fs.fs_prog[i].fp_insns = next;
		next += f.f_prog[i].ninsns;
	}
	error = filter_add(rq->rq_vnet, &fs, &number);
	kmem_free(s->cs_kern, insns);
	if (error == 0)
		ctl_undo_rule_added(s, number);
	else
		ctl_undo_cancel(s);
	return error != 0 ? ctl_reply(s, &rq->rq_hdr, error, NULL) :
	    reply_number(s, &rq->rq_hdr, number);
}

int
ctl_run_filter_delete(struct ctl_session *s, const struct ctl_request *rq)
{
	struct ctl_rule_number rn = rq->rq_rec.number;

	if (s->cs_undo != NULL)
		return ctl_undo_refuse(s, rq, "a rule that is deleted");
	return ctl_reply(s, &rq->rq_hdr, filter_delete(rq->rq_vnet,
	    rn.rn_number), NULL);
}

int
ctl_run_filter_zero(struct ctl_session *s, const struct ctl_request *rq)
{
	struct ctl_rule_number rn = rq->rq_rec.number;

	if (s->cs_undo != NULL)
		return ctl_undo_refuse(s, rq, "a counter set to zero");
	return ctl_reply(s, &rq->rq_hdr, filter_zero(rq->rq_vnet,
	    rn.rn_number), NULL);
}

int
ctl_run_filter_flush(struct ctl_session *s, const struct ctl_request *rq)
{

	if (s->cs_undo != NULL)
		return ctl_undo_refuse(s, rq, "rules that are deleted");
	filter_flush(rq->rq_vnet);
	return ctl_reply(s, &rq->rq_hdr, 0, NULL);
}

static int
list_rule(const struct filter_info *fi, void *arg)
{
	struct ctl_filter_rule fr;

	memset(&fr, 0, sizeof(fr));
	fr.fr_number = fi->fi_number;
	fr.fr_dir = fi->fi_dir == PFIL_IN ? CTL_TAP_IN : CTL_TAP_OUT;
	fr.fr_action = fi->fi_action;
	fr.fr_mark = fi->fi_mark;
	memcpy(fr.fr_ifname, fi->fi_ifname, sizeof(fr.fr_ifname));
	fr.fr_packets = fi->fi_packets;
	fr.fr_bytes = fi->fi_bytes;
	return ctl_out_add_rec(arg, &fr, sizeof(fr), fi->fi_text,
	    strlen(fi->fi_text) + 1);
}

int
ctl_run_filter_list(struct ctl_session *s, const struct ctl_request *rq)
{
	struct ctl_out out;
	int error;

	ctl_out_init(&out, s);
	error = filter_list(rq->rq_vnet, list_rule, &out);
	if (error != 0)
		ctl_out_free(&out);
	error = ctl_out_send(&out, s, &rq->rq_hdr, error);
	ctl_out_free(&out);
	return error;
}
