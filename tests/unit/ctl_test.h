/*
 * ctl_test: requests in the form in which they are sent, for tests of their
 * receivers.
 */

#ifndef TESTS_CTL_TEST_H
#define TESTS_CTL_TEST_H

#include <ifnet/if.h>
#include <ifnet/ifreq.h>
#include <ifnet/rtmsg.h>

#include "stack_test.h"

#include "proto/proto_rec.h"	/* records as they are sent */

/* Build a request with these bytes behind its header; returns its length. */
size_t	build_raw(uint8_t *msg, unsigned op, const char *vnet,
	    const void *data, size_t len);
/* Build a request whose struct has nfixed bytes. */
size_t	build_rec(uint8_t *msg, unsigned op, const char *vnet,
	    const void *fixed, size_t nfixed, const void *data, size_t len);
/* Build a request: its whole struct, and the data behind it. */
size_t	build(uint8_t *msg, unsigned op, const char *vnet, const void *data,
	    size_t len);
/* Build the greeting of a client of this build. */
size_t	build_hello(uint8_t *msg);

/* The name of an operation; NULL: there is none of that number. */
const char *test_op_name(unsigned op);
/* The length of the struct of an operation there is. */
size_t	test_op_size(unsigned op);
/* The privilege that an operation there is needs. */
enum kauth_action test_op_action(unsigned op);

/* Check that a text, which may be NULL, has these words. */
void	says(const char *text, const char *words);

#endif /* !TESTS_CTL_TEST_H */
