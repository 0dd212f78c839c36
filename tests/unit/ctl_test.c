/*
 * ctl_test: requests as they are sent, by the stack's table of operations.
 */

#include "ctl_test.h"

#include "ctl/ctl_impl.h"

size_t
build_raw(uint8_t *msg, unsigned op, const char *vnet, const void *data,
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

size_t
build_rec(uint8_t *msg, unsigned op, const char *vnet, const void *fixed,
    size_t nfixed, const void *data, size_t len)
{
	static uint8_t payload[2 * CTL_MSG_MAX];
	struct ctl_rec rc = proto_rec_head(nfixed, len);

	memcpy(payload, &rc, sizeof(rc));
	if (nfixed > 0)
		memcpy(payload + sizeof(rc), fixed, nfixed);
	if (len > 0)
		memcpy(payload + sizeof(rc) + nfixed, data, len);
	return build_raw(msg, op, vnet, payload, rc.rc_len);
}

size_t
build(uint8_t *msg, unsigned op, const char *vnet, const void *data,
    size_t len)
{
	const struct ctl_op_def *od = ctl_op_find(op);
	size_t nfixed = od != NULL && len >= od->od_size ? od->od_size : 0;

	if (op == CTL_BATCH || len == 0)
		return build_raw(msg, op, vnet, data, len);
	return build_rec(msg, op, vnet, data, nfixed,
	    (const uint8_t *)data + nfixed, len - nfixed);
}

size_t
build_hello(uint8_t *msg)
{
	struct ctl_hello hello = {
		.h_version = CTL_VERSION, .h_oldest = CTL_VERSION_MIN,
	};

	return build(msg, CTL_HELLO, "", &hello, sizeof(hello));
}

const char *
test_op_name(unsigned op)
{
	const struct ctl_op_def *od = ctl_op_find(op);

	return od != NULL ? od->od_name : NULL;
}

size_t
test_op_size(unsigned op)
{

	return ctl_op_find(op)->od_size;
}

enum kauth_action
test_op_action(unsigned op)
{

	return ctl_op_find(op)->od_action;
}

void
says(const char *text, const char *words)
{

	if (text == NULL)
		text = "";
	if (strstr(text, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", text, words);
}
