/*
 * Routing messages: rt_msg_check() on anything, and rtsock_request() on what
 * could be one.
 */

#include "fuzz_stack.h"

#include "net/rtsock.h"

static void
check_answer(const void *answer, size_t len)
{
	const struct sockaddr *sa[RTAX_MAX];

	KASSERT(len <= RT_MSG_MAX);
	KASSERT(len == 0 || rt_msg_check(answer, len, sa) == 0);
}

static int
check_dumped(const void *msg, void *arg)
{
	const struct sockaddr *sa[RTAX_MAX];
	struct if_detail id;
	struct rt_hdr h;

	(void)arg;
	memcpy(&h, msg, sizeof(h));
	if (h.rtm_type == RTM_IFDETAIL)
		KASSERT(rt_detail_check(msg, h.rtm_len, &id) == 0);
	else
		KASSERT(rt_msg_check(msg, h.rtm_len, sa) == 0);
	return 0;
}

static void
run(struct host *h, void *arg)
{
	static const struct kauth_cred nobody = { .kc_uid = 65534,
	    .kc_gid = 65534 };
	struct fuzz_in *in = arg;
	struct ifnet_stack *st = fuzz_stack_create(h);
	struct vnet *vn = fuzz_vnet_create(st, "v");
	uint64_t msg[RT_MSG_MAX / 8], answer[RT_MSG_MAX / 8];
	size_t len, answerlen;
	int error;

	for (unsigned i = 0; i < 32 && in->fi_left > 0; i++) {
		len = fuzz_rtmsg(in, msg);
		error = rtsock_request(vn, &nobody, msg, len, answer,
		    &answerlen);
		if (((const struct rt_hdr *)(void *)msg)->rtm_type != RTM_GET)
			KASSERT(error != 0);
		check_answer(answer, answerlen);
		error = rtsock_request(vn, &kauth_cred_self, msg, len, answer,
		    &answerlen);
		check_answer(answer, answerlen);
		KASSERT(error == 0 || answerlen == 0);
		ifnet_stack_run(st);
	}
	KASSERT(rtsock_dump(vn, RTS_ALL | RTS_DETAIL, 0, check_dumped,
	    NULL) == 0);
	fuzz_stack_destroy(st);
}

/* Sum of the bytes read, so that the reads are not optimised away. */
static volatile unsigned long read_sum;

static void
check_raw(const uint8_t *data, size_t size)
{
	const struct sockaddr *sa[RTAX_MAX];
	struct if_detail id;
	unsigned long sum = 0;
	uint64_t *copy;

	/* Of exactly its size, so that the sanitizer sees one byte too far. */
	copy = malloc(size == 0 ? 1 : size);
	KASSERT(copy != NULL);
	memcpy(copy, data, size);
	if (rt_msg_check(copy, size, sa) == 0)
		for (unsigned i = 0; i < RTAX_MAX; i++)
			if (sa[i] != NULL)
				KASSERT(rt_sa_size(sa[i]->sa_family) != 0);
	if (rt_detail_check(copy, size, &id) == 0) {
		for (unsigned i = 0; i < id.id_msg->ifdm_descrlen; i++)
			sum += (uint8_t)id.id_descr[i];
		for (unsigned i = 0; i < id.id_msg->ifdm_linkstrlen; i++)
			sum += (uint8_t)id.id_linkstr[i];
		for (unsigned i = 0; i < id.id_msg->ifdm_ngroups; i++)
			sum += strlen(id.id_groups[i]);
		for (unsigned i = 0; i < id.id_msg->ifdm_ndrops; i++)
			sum += id.id_drops[i].ifdd_count;
	}
	read_sum = sum;
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };

	check_raw(data, size);
	fuzz_on_sim(run, &in);
	return 0;
}
