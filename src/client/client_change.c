/*
 * Changes that are made whole or not at all.
 */

#include "client/client_private.h"

int
ifnet_begin(struct ifnet_client *c, struct ifnet_error *e)
{
	struct client_call cc = { .cc_op = CTL_BEGIN, .cc_what = "begin" };

	return client_call(c, &cc, e);
}

int
ifnet_commit(struct ifnet_client *c, struct ifnet_error *e)
{
	struct client_call cc = { .cc_op = CTL_COMMIT, .cc_what = "commit" };

	return client_call(c, &cc, e);
}

static void
take_undone(void *arg, const struct ctl_hdr *h, const void *data, size_t len)
{
	struct ctl_undone ud;
	struct proto_rec pr;

	if (h->ch_error == 0 && client_record(data, len, &ud, sizeof(ud),
	    &pr))
		*(uint64_t *)arg = ud.ud_objects;
}

int
ifnet_rollback(struct ifnet_client *c, unsigned long long *undone,
    struct ifnet_error *e)
{
	uint64_t n = 0;
	struct client_call cc = {
		.cc_op = CTL_ROLLBACK, .cc_what = "rollback",
		.cc_answer = take_undone, .cc_arg = &n,
	};
	int error;

	error = client_call(c, &cc, e);
	if (undone != NULL)
		*undone = n;
	return error;
}
