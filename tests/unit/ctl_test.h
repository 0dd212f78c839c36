/*
 * ctl_test: requests as they are sent, for tests of what takes them.
 */

#ifndef TESTS_CTL_TEST_H
#define TESTS_CTL_TEST_H

#include "stack_test.h"

#include "ctl/ctl_proto.h"

/* Build a request; its length. */
static inline size_t
build(uint8_t *msg, unsigned op, const char *vnet, const void *data,
    size_t len)
{
	struct ctl_hdr h;

	memset(&h, 0, sizeof(h));
	h.ch_magic = CTL_MAGIC;
	h.ch_len = (uint32_t)(sizeof(h) + len);
	h.ch_op = (uint16_t)op;
	h.ch_seq = 77;
	strcpy(h.ch_vnet, vnet);
	memcpy(msg, &h, sizeof(h));
	if (len > 0)
		memcpy(msg + sizeof(h), data, len);
	return sizeof(h) + len;
}

static inline void
says(const char *text, const char *words)
{

	if (text == NULL)
		text = "";
	if (strstr(text, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", text, words);
}

#endif /* !TESTS_CTL_TEST_H */
