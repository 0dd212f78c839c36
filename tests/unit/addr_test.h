/*
 * addr_test: addresses for tests, from text.  Nothing outside this file, and
 * the domains of fixtures, knows the family of an address.
 *
 *	if_lookup(vn, test_sa("10.0.0.1"));		for the block's time
 *	union test_addr a = test_addr("10.0.0.1");	to keep
 *	test_addr_put(&req.r_addr, "10.0.0.1");		into a record
 */

#ifndef TESTS_ADDR_TEST_H
#define TESTS_ADDR_TEST_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include <ifnet/if.h>
#include <ifnet/kern.h>

/* The family of addresses in fixtures that have one. */
#define TEST_AF		AF_INET
#define TEST_ADDR_BITS	32
#define TEST_SALEN	sizeof(struct sockaddr_in)

union test_addr {
	struct sockaddr	 sa;
	struct sockaddr_in sin;
	struct sockaddr_in6 sin6;
};

/* "10.0.0.1", "2001:db8::1" */
static inline union test_addr
test_addr(const char *text)
{
	union test_addr a;

	memset(&a, 0, sizeof(a));
	if (strchr(text, ':') != NULL) {
		a.sa.sa_family = AF_INET6;
		KASSERT(inet_pton(AF_INET6, text, &a.sin6.sin6_addr) == 1);
	} else {
		a.sa.sa_family = AF_INET;
		KASSERT(inet_pton(AF_INET, text, &a.sin.sin_addr) == 1);
	}
	return a;
}

/* The n-th address after it. */
static inline union test_addr
test_addr_plus(const char *text, unsigned n)
{
	union test_addr a = test_addr(text);
	uint32_t *last = a.sa.sa_family == AF_INET ? &a.sin.sin_addr.s_addr :
	    &a.sin6.sin6_addr.s6_addr32[3];

	*last = htonl(ntohl(*last) + n);
	return a;
}

/* The n-th address after it, as packets carry their next hop: network order. */
static inline uint32_t
test_hop_plus(const char *text, unsigned n)
{
	union test_addr a = test_addr_plus(text, n);

	KASSERT(a.sa.sa_family == AF_INET);
	return a.sin.sin_addr.s_addr;
}

static inline uint32_t
test_hop(const char *text)
{

	return test_hop_plus(text, 0);
}

/* Which address after the other it is. */
static inline unsigned
test_addr_minus(const struct sockaddr *sa, const char *text)
{
	union test_addr a = test_addr(text), b;

	KASSERT(sa->sa_family == a.sa.sa_family);
	memset(&b, 0, sizeof(b));
	memcpy(&b, sa, a.sa.sa_family == AF_INET ? sizeof(b.sin) :
	    sizeof(b.sin6));
	return a.sa.sa_family == AF_INET ?
	    ntohl(b.sin.sin_addr.s_addr) - ntohl(a.sin.sin_addr.s_addr) :
	    ntohl(b.sin6.sin6_addr.s6_addr32[3]) -
	    ntohl(a.sin6.sin6_addr.s6_addr32[3]);
}

/* A netmask of len bits, of the family of another address. */
static inline union test_addr
test_mask(const struct sockaddr *like, unsigned len)
{
	union test_addr a;
	uint8_t *p;

	memset(&a, 0, sizeof(a));
	a.sa.sa_family = like->sa_family;
	p = like->sa_family == AF_INET ? (uint8_t *)&a.sin.sin_addr :
	    a.sin6.sin6_addr.s6_addr;
	for (unsigned i = 0; i < len; i++)
		p[i / 8] |= (uint8_t)(0x80 >> i % 8);
	return a;
}

/* The bits of a netmask. */
static inline unsigned
test_mask_len(const struct sockaddr *sa)
{
	union test_addr a;

	KASSERT(sa->sa_family == AF_INET);
	memcpy(&a.sin, sa, sizeof(a.sin));
	return (unsigned)__builtin_popcount(a.sin.sin_addr.s_addr);
}

static inline size_t
test_addr_len(const struct sockaddr *sa)
{

	return sa->sa_family == AF_INET ? sizeof(struct sockaddr_in) :
	    sizeof(struct sockaddr_in6);
}

/* Offset of the last byte of the address itself. */
static inline size_t
test_addr_last(const struct sockaddr *sa)
{

	return sa->sa_family == AF_INET ?
	    offsetof(struct sockaddr_in, sin_addr) + 3 :
	    offsetof(struct sockaddr_in6, sin6_addr) + 15;
}

static inline union test_addr
test_addr_copy(const struct sockaddr *sa)
{
	union test_addr a;

	memset(&a, 0, sizeof(a));
	memcpy(&a, sa, test_addr_len(sa));
	return a;
}

/* Into a record's sockaddr or sockaddr_storage. */
static inline void
test_addr_put(void *record, const char *text)
{
	union test_addr a = test_addr(text);

	memcpy(record, &a, test_addr_len(&a.sa));
}

/* Is it that address? */
static inline bool
test_addr_is(const struct sockaddr *sa, const char *text)
{
	union test_addr a = test_addr(text);

	return sa != NULL && sa->sa_family == a.sa.sa_family &&
	    memcmp(sa, &a, test_addr_len(&a.sa)) == 0;
}

#define TEST_ADDR_TEXT	INET6_ADDRSTRLEN

/* As text, in TEST_ADDR_TEXT bytes. */
static inline const char *
test_addr_text(const struct sockaddr *sa, char *text)
{
	union test_addr a = test_addr_copy(sa);

	KASSERT(inet_ntop(sa->sa_family, sa->sa_family == AF_INET ?
	    (const void *)&a.sin.sin_addr : (const void *)&a.sin6.sin6_addr,
	    text, TEST_ADDR_TEXT) != NULL);
	return text;
}

/* A pointer to an address that lives as long as the block it is made in. */
#define test_sa(text)							\
	((const struct sockaddr *)&((union test_addr[]){		\
	    test_addr(text) })[0].sa)
#define test_sa_plus(text, n)						\
	((const struct sockaddr *)&((union test_addr[]){		\
	    test_addr_plus(text, n) })[0].sa)

#endif /* !TESTS_ADDR_TEST_H */
