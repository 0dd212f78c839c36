/*
 * Operations on the sysctl tree.
 */

#include "ctl/ctl_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kern/sysctl.h"

/* The largest value that an answer can carry. */
#define VALUE_MAX	(CTL_PAYLOAD_MAX - sizeof(struct ctl_sysctl))

/* An answer that is being built; the value begins 16-byte aligned. */
struct sysctl_answer {
	struct ctl_hdr	 sa_hdr;
	struct ctl_rec	 sa_rec;
	struct ctl_sysctl sa_sysctl;
	uint8_t		 sa_value[];
};
_Static_assert(sizeof(struct sysctl_answer) % 16 == 0, "value is aligned");

const char *
ctl_check_sysctl(const struct ctl_request *rq)
{
	const struct ctl_sysctl *cs = &rq->rq_rec.sysctl;

	if (memchr(cs->s_name, '\0', sizeof(cs->s_name)) == NULL)
		return "the name has no end";
	if (!cs->s_setnew && rq->rq_len != 0)
		return "a request that reads carries a value";
	return NULL;
}

/* Answer a refusal in words, with the setting's own reason. */
static int
explain(struct ctl_session *s, const struct ctl_request *rq, const char *name,
    const struct sysctl_op *op, int error)
{
	const struct ctl_hdr *h = &rq->rq_hdr;

	switch (error) {
	case EPERM:
		return ctl_reply_perm(s, h, KAUTH_SYSCTL_SET);
	case ENOENT:
		return ctl_reply(s, h, error, "%s: no such name (sysctl -a "
		    "lists them)", name);
	case EACCES:
		return ctl_reply(s, h, error, "%s: can only be read%s%s", name,
		    op->so_why != NULL ? ": " : "",
		    op->so_why != NULL ? op->so_why : "");
	case EINVAL:
		if (op->so_why != NULL)
			return ctl_reply(s, h, error, "%s: %s", name,
			    op->so_why);
		if (op->so_max > op->so_min)
			return ctl_reply(s, h, error, "%s: a number from %lld "
			    "to %lld", name, (long long)op->so_min,
			    (long long)op->so_max);
		return ctl_reply(s, h, error, "%s: not a value it can have",
		    name);
	default:
		if (op->so_why != NULL)
			return ctl_reply(s, h, error, "%s: %s", name,
			    op->so_why);
		return ctl_reply(s, h, error, NULL);
	}
}

/*
 * A client without room asks for the length only, so ENOMEM is no error then.
 */
static int
request(struct ctl_session *s, const struct ctl_request *rq,
    struct ctl_sysctl *cs, struct sysctl_op *op, const void *new, void *value,
    size_t room)
{
	bool measure = room == 0 && !cs->s_setnew;
	size_t len = room;
	int error;

	memset(op, 0, sizeof(*op));
	op->so_cred = &s->cs_cred;
	op->so_old = room == 0 ? NULL : value;
	op->so_oldlen = room == 0 && !measure ? NULL : &len;
	op->so_new = cs->s_setnew ? new : NULL;
	op->so_newlen = rq->rq_len;
	error = sysctl_access(rq->rq_vnet, cs->s_name, op);
	op->so_oldlen = NULL;
	if (error == ENOMEM && measure)
		error = 0;
	cs->s_type = op->so_type;
	cs->s_writable = op->so_writable;
	cs->s_oldlen = (uint32_t)len;
	return error;
}

int
ctl_run_sysctl(struct ctl_session *s, const struct ctl_request *rq)
{
	struct sysctl_answer *sa;
	struct sysctl_op op;
	struct ctl_sysctl cs = rq->rq_rec.sysctl;
	uint8_t new[SYSCTL_STRSIZE] __attribute__((__aligned__(16)));
	size_t len, room;
	int error;

	memcpy(new, rq->rq_data, rq->rq_len);
	room = cs.s_oldroom < VALUE_MAX ? cs.s_oldroom : VALUE_MAX;
	error = cs.s_setnew ? ctl_undo_sysctl(s, rq->rq_vnet, cs.s_name) : 0;
	if (error != 0)
		return ctl_reply(s, &rq->rq_hdr, error, NULL);
	sa = kmem_zalloc(s->cs_kern, sizeof(*sa) + room);
	if (sa == NULL) {
		ctl_undo_cancel(s);
		return ctl_reply(s, &rq->rq_hdr, ENOBUFS, NULL);
	}
	error = request(s, rq, &cs, &op, new, sa->sa_value, room);
	/* ENOMEM is about the old value; the new one may be set. */
	if (error != 0 && error != ENOMEM)
		ctl_undo_cancel(s);
	else
		ctl_undo_keep(s);
	if (error != 0 && error != ENOMEM) {
		error = explain(s, rq, cs.s_name, &op, error);
		goto out;
	}
	len = sizeof(*sa);
	if (error == 0 && room != 0)
		len += cs.s_oldlen;
	sa->sa_sysctl = cs;
	sa->sa_rec = proto_rec_head(sizeof(cs), len - sizeof(*sa));
	error = ctl_reply_msg(s, &rq->rq_hdr, error, CTL_ANSWER, sa, len);
out:
	kmem_free(s->cs_kern, sa);
	return error;
}

/* Answer with a text of at most size bytes. */
static int
reply_name(struct ctl_session *s, const struct ctl_request *rq,
    const char *text)
{
	char copy[1024];
	size_t len = strlen(text);

	if (len >= sizeof(copy))
		len = sizeof(copy) - 1;
	memcpy(copy, text, len);
	copy[len] = '\0';
	return ctl_reply_rec(s, &rq->rq_hdr, 0, NULL, 0, copy, len + 1);
}

int
ctl_run_sysctl_next(struct ctl_session *s, const struct ctl_request *rq)
{
	char next[SYSCTL_NAMESIZE];
	int error;

	error = sysctl_next(rq->rq_vnet, (const char *)rq->rq_data, next);
	if (error != 0)
		return ctl_reply(s, &rq->rq_hdr, error, NULL);
	return reply_name(s, rq, next);
}

/* Are there names below this name? */
static bool
has_names(const struct ctl_request *rq, const char *name)
{
	char next[SYSCTL_NAMESIZE];
	size_t len = strlen(name);

	return sysctl_next(rq->rq_vnet, name, next) == 0 &&
	    strncmp(next, name, len) == 0 && next[len] == '.';
}

int
ctl_run_sysctl_descr(struct ctl_session *s, const struct ctl_request *rq)
{
	const char *name = (const char *)rq->rq_data;
	struct sysctl_op op = { .so_cred = &s->cs_cred };
	char text[512];
	const char *descr;
	int error;

	descr = sysctl_descr(rq->rq_vnet, name);
	error = sysctl_access(rq->rq_vnet, name, &op);
	/* A subtree can be without names for now. */
	if (descr == NULL || (error == ENOENT && !has_names(rq, name) &&
	    !sysctl_is_tree(rq->rq_vnet, name)))
		return explain(s, rq, name, &op, ENOENT);
	if (error != 0 || op.so_max <= op.so_min)
		return reply_name(s, rq, descr);
	(void)snprintf(text, sizeof(text), "%s (%lld to %lld)", descr,
	    (long long)op.so_min, (long long)op.so_max);
	return reply_name(s, rq, text);
}
