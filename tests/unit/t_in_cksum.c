/*
 * The Internet checksum against a naive one: all alignments, lengths, chains.
 */

#include "in_test.h"

/* RFC 1071, word by word; the checksum as a big-endian number. */
static uint16_t
naive(const uint8_t *p, unsigned len)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < len; i++)
		sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void
flat(void **state)
{
	uint8_t buf[256];

	(void)state;
	srandom(1);
	for (unsigned round = 0; round < 20; round++) {
		for (unsigned i = 0; i < sizeof(buf); i++)
			buf[i] = round == 0 ? 0xff : (uint8_t)random();
		for (unsigned off = 0; off < 9; off++)
			for (unsigned len = 0; len + off < sizeof(buf); len++)
				assert_int_equal(be16(in_cksum_fold(
				    in_cksum_add(buf + off, len, 0))),
				    naive(buf + off, len));
	}
}

static void
in_parts(void **state)
{
	uint8_t buf[70000];
	uint32_t sum;

	(void)state;
	memset(buf, 0xff, sizeof(buf));
	assert_int_equal(be16(in_cksum_fold(in_cksum_add(buf, sizeof(buf),
	    0))), 0);
	for (unsigned i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)(i * 31 + 7);
	for (unsigned cut = 0; cut < 2000; cut += 2) {
		sum = in_cksum_add(buf, cut, 0);
		sum = in_cksum_add(buf + cut, 2001 - cut, sum);
		assert_int_equal(be16(in_cksum_fold(sum)), naive(buf, 2001));
	}
}

static void
pseudo(void **state)
{
	uint8_t ph[12] = { 10, 1, 2, 3, 192, 168, 255, 254, 0, 17, 0x12,
	    0x34 };

	(void)state;
	assert_int_equal(be16(in_cksum_fold(in_cksum_pseudo(
	    test_hop("10.1.2.3"), test_hop("192.168.255.254"), 17, 0x1234))),
	    naive(ph, 12));
}

/* A chain whose buffers are cut at odd places. */
static void
chain_cpu(void *arg)
{
	uint8_t buf[600];
	struct mbuf *m[3];
	static const unsigned cuts[][2] = { { 1, 2 }, { 7, 100 }, { 20, 333 },
	    { 599, 599 }, { 301, 302 }, { 0, 5 } };

	(void)arg;
	for (unsigned i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)(i * 91 + 3);
	for (unsigned c = 0; c < 6; c++) {
		KASSERT(m_get_bulk(m, 3) == 3);
		KASSERT(m_append(m[0], buf, cuts[c][0]) == 0);
		KASSERT(m_append(m[1], buf + cuts[c][0],
		    cuts[c][1] - cuts[c][0]) == 0);
		KASSERT(m_append(m[2], buf + cuts[c][1], 600 - cuts[c][1]) ==
		    0);
		m[0]->m_next = m[1];
		m[1]->m_next = m[2];
		m[0]->m_pktlen = 600;
		for (unsigned off = 0; off < 40; off++)
			for (unsigned len = 0; len + off <= 600; len += 13)
				KASSERT(be16(in_cksum_mbuf(m[0], off, len,
				    0)) == naive(buf + off, len));
		m_freem(m[0]);
	}
}

static void
chain_body(struct in_test *it)
{

	on_cpu(it, chain_cpu, NULL);
}
IN_TEST(chain, 1)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flat),
		cmocka_unit_test(in_parts),
		cmocka_unit_test(pseudo),
		cmocka_unit_test(chain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
