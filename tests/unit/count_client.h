/*
 * count_client: a client of a stack in the test itself that counts its
 * requests.
 */

#ifndef TESTS_COUNT_CLIENT_H
#define TESTS_COUNT_CLIENT_H

#include "stack_test.h"

#include <sys/queue.h>

#include <errno.h>

#include "client_test.h"

struct count_msg {
	STAILQ_ENTRY(count_msg) cm_link;
	size_t		 cm_len;
	uint8_t		 cm_data[];
};

struct count_client {
	struct ctl_session *co_session;
	STAILQ_HEAD(, count_msg) co_msgs;
	unsigned	 co_requests;
};

static inline int
count_sink(void *arg, const void *msg, size_t len)
{
	struct count_client *co = arg;
	struct count_msg *cm = malloc(sizeof(*cm) + len);

	assert_non_null(cm);
	cm->cm_len = len;
	memcpy(cm->cm_data, msg, len);
	STAILQ_INSERT_TAIL(&co->co_msgs, cm, cm_link);
	return 0;
}

static inline void
count_wakeup(void *arg)
{

	(void)arg;
}

static inline int
count_send(void *arg, const void *msg, size_t len, int fd)
{
	struct count_client *co = arg;

	co->co_requests++;
	return ctl_dispatch(co->co_session, msg, len, fd);
}

static inline int
count_recv(void *arg, void *buf, size_t *len, int ms)
{
	struct count_client *co = arg;
	struct count_msg *cm = STAILQ_FIRST(&co->co_msgs);

	(void)ms;
	if (cm == NULL)
		return ETIMEDOUT;
	STAILQ_REMOVE_HEAD(&co->co_msgs, cm_link);
	memcpy(buf, cm->cm_data, cm->cm_len);
	*len = cm->cm_len;
	free(cm);
	return 0;
}

static inline void
count_close(void *arg)
{
	struct count_client *co = arg;
	struct count_msg *cm;

	while ((cm = STAILQ_FIRST(&co->co_msgs)) != NULL) {
		STAILQ_REMOVE_HEAD(&co->co_msgs, cm_link);
		free(cm);
	}
	ctl_session_destroy(co->co_session);
}

static inline struct ifnet_client *
count_client(struct ifnet_stack *st, struct count_client *co)
{
	static const struct test_transport tt = {
		count_send, count_recv, count_close
	};
	struct ctl_sink sink = { count_sink, count_wakeup, NULL, co };
	struct kauth_cred cred = { .kc_uid = 0 };

	memset(co, 0, sizeof(*co));
	STAILQ_INIT(&co->co_msgs);
	assert_int_equal(ctl_session_create(st->st_kern, &cred, &sink,
	    &co->co_session), 0);
	return test_client(&tt, co);
}

#endif /* !TESTS_COUNT_CLIENT_H */
