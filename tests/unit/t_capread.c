/*
 * Capture files: both formats, both orders of bytes, every unit of time; each
 * cut at every length and with any byte changed.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "command/capread.h"	/* under test */

#define PACKETS	3

/* A file that is being made. */
struct file {
	uint8_t		 f_data[4096];
	size_t		 f_len;
	bool		 f_swap;
};

static void
put32(struct file *f, uint32_t v)
{

	if (f->f_swap)
		v = __builtin_bswap32(v);
	memcpy(f->f_data + f->f_len, &v, 4);
	f->f_len += 4;
}

static void
put16(struct file *f, uint16_t v)
{

	if (f->f_swap)
		v = __builtin_bswap16(v);
	memcpy(f->f_data + f->f_len, &v, 2);
	f->f_len += 2;
}

static void
put_bytes(struct file *f, uint8_t fill, unsigned len, unsigned padded)
{

	memset(f->f_data + f->f_len, 0, padded);
	memset(f->f_data + f->f_len, fill, len);
	f->f_len += padded;
}

/* Packets of 60, 61 and 62 bytes, 1.5 s apart from 7 s on. */
static uint64_t
time_of(unsigned i)
{

	return 7000000000ull + 1500000000ull * i;
}

static void
make_pcap(struct file *f, bool swap, bool nano)
{

	memset(f, 0, sizeof(*f));
	f->f_swap = swap;
	put32(f, nano ? 0xa1b23c4d : 0xa1b2c3d4);
	put16(f, 2);
	put16(f, 4);
	put32(f, 0);
	put32(f, 0);
	put32(f, 65535);
	put32(f, 0x10000001);	/* with a flag above the link type */
	for (unsigned i = 0; i < PACKETS; i++) {
		put32(f, (uint32_t)(time_of(i) / 1000000000));
		put32(f, (uint32_t)(time_of(i) % 1000000000 /
		    (nano ? 1 : 1000)));
		put32(f, 60 + i);
		put32(f, 60 + i);
		put_bytes(f, (uint8_t)(i + 1), 60 + i, 60 + i);
	}
}

static size_t
begin_block(struct file *f, uint32_t type)
{

	put32(f, type);
	put32(f, 0);
	return f->f_len - 8;
}

static void
end_block(struct file *f, size_t at)
{
	size_t end = f->f_len;
	uint32_t len = (uint32_t)(end + 4 - at);

	put32(f, len);
	f->f_len = at + 4;
	put32(f, len);
	f->f_len = end + 4;
}

static void
make_pcapng(struct file *f, bool swap, int resolution)
{
	uint64_t t;
	size_t at;

	memset(f, 0, sizeof(*f));
	f->f_swap = swap;
	at = begin_block(f, 0x0a0d0d0a);
	put32(f, 0x1a2b3c4d);
	put16(f, 1);
	put16(f, 0);
	put32(f, UINT32_MAX);
	put32(f, UINT32_MAX);
	end_block(f, at);
	for (unsigned i = 0; i < 2; i++) {
		at = begin_block(f, 1);
		put16(f, 1);
		put16(f, 0);
		put32(f, 0);
		if (resolution >= 0) {
			put16(f, 2);	/* its name */
			put16(f, 3);
			put_bytes(f, 'x', 3, 4);
			put16(f, 9);
			put16(f, 1);
			put_bytes(f, (uint8_t)resolution, 1, 4);
			put16(f, 0);
			put16(f, 0);
		}
		end_block(f, at);
	}
	for (unsigned i = 0; i < PACKETS; i++) {
		at = begin_block(f, 0x0bad);	/* unknown */
		put32(f, 1);
		end_block(f, at);
		t = time_of(i);
		if (resolution < 0)
			t /= 1000;
		else if (resolution & 0x80)
			t = (t << (resolution & 0x7f)) / 1000000000;
		else
			for (int j = 9; j != resolution;
			    j += j < resolution ? 1 : -1)
				t = j < resolution ? t * 10 : t / 10;
		at = begin_block(f, 6);
		put32(f, i % 2);
		put32(f, (uint32_t)(t >> 32));
		put32(f, (uint32_t)t);
		put32(f, 60 + i);
		put32(f, 60 + i);
		put_bytes(f, (uint8_t)(i + 1), 60 + i, (63 + i) & ~3u);
		end_block(f, at);
	}
}

/* --- reading -------------------------------------------------------------- */

struct seen {
	unsigned	 n;
	bool		 whole;	/* each is as it was made */
	int		 stop;	/* the answer to the second packet */
};

static int
see(const struct capread_packet *p, void *arg, struct ifnet_error *e)
{
	struct seen *s = arg;
	unsigned i = s->n++;
	uint8_t sum = 0;

	for (uint32_t at = 0; at < p->len; at++)
		sum |= p->data[at];	/* reads all of it */
	s->whole &= p->number == i + 1 && p->len == 60 + i &&
	    p->wirelen == p->len && p->linktype == CAPREAD_ETHER &&
	    p->ns == time_of(i) && sum == i + 1;
	return i == 1 && s->stop != 0 ? ifnet_error_set(e, s->stop, "stop") :
	    0;
}

static int
read_file(const uint8_t *data, size_t len, struct seen *s,
    struct ifnet_error *e)
{
	uint8_t *copy = malloc(len + 1);	/* of this length alone */
	int error;

	assert_non_null(copy);
	copy = realloc(copy, len == 0 ? 1 : len);
	memcpy(copy, data, len);
	memset(s, 0, sizeof(*s));
	memset(e, 0, sizeof(*e));
	s->whole = true;
	error = capread(copy, len, see, s, e);
	free(copy);
	if (error != 0)
		assert_true(strlen(e->text) > 10);
	return error;
}

/* A file as it is, cut, and with each byte changed. */
static void
try_all(const struct file *f)
{
	struct ifnet_error e;
	unsigned whole = 0;
	struct file odd;
	struct seen s;

	assert_int_equal(read_file(f->f_data, f->f_len, &s, &e), 0);
	assert_int_equal(s.n, PACKETS);
	assert_true(s.whole);
	for (size_t len = 0; len < f->f_len; len++) {
		if (read_file(f->f_data, len, &s, &e) == 0)
			whole++;
		assert_true(s.whole);
	}
	/* Files are whole behind their headers, blocks and packets alone. */
	assert_true(whole >= PACKETS && whole <= 2 * PACKETS + 3);
	for (size_t at = 0; at < f->f_len; at++)
		for (unsigned v = 0; v < 3; v++) {
			odd = *f;
			odd.f_data[at] = (uint8_t)(v == 0 ? 0xff : v == 1 ?
			    0 : odd.f_data[at] + 1);
			(void)read_file(odd.f_data, odd.f_len, &s, &e);
		}
}

static void
test_pcap(void **state)
{
	struct file f;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		make_pcap(&f, i & 1, i & 2);
		try_all(&f);
	}
}

static void
test_pcapng(void **state)
{
	/* 1.5 s is a whole number of each. */
	static const int resolutions[] = { -1, 1, 3, 6, 9, 12, 0x81, 0x90 };
	struct file f;

	(void)state;
	for (unsigned i = 0; i < 16; i++) {
		make_pcapng(&f, i & 1, resolutions[i / 2]);
		try_all(&f);
	}
}

/* Two sections, of different orders. */
static void
test_sections(void **state)
{
	struct file f, more;
	struct ifnet_error e;
	struct seen s;

	(void)state;
	make_pcapng(&f, false, 9);
	make_pcapng(&more, true, 6);
	memcpy(f.f_data + f.f_len, more.f_data, more.f_len);
	f.f_len += more.f_len;
	assert_int_equal(read_file(f.f_data, f.f_len, &s, &e), 0);
	assert_int_equal(s.n, 2 * PACKETS);
}

static void
test_refused(void **state)
{
	struct ifnet_error e;
	struct file f;
	struct seen s;

	(void)state;
	assert_int_equal(read_file((const uint8_t *)"", 0, &s, &e), EINVAL);
	assert_int_equal(read_file((const uint8_t *)"abc", 3, &s, &e),
	    EINVAL);
	assert_int_equal(read_file((const uint8_t *)"#!/bin/sh\n", 10, &s,
	    &e), EINVAL);
	assert_non_null(strstr(e.text, "neither pcap nor pcapng"));
	make_pcap(&f, false, false);
	f.f_data[4] = 3;
	assert_int_equal(read_file(f.f_data, f.f_len, &s, &e), EINVAL);
	assert_non_null(strstr(e.text, "version 3"));
	make_pcap(&f, false, false);
	assert_int_equal(read_file(f.f_data, f.f_len - 1, &s, &e), EINVAL);
	assert_non_null(strstr(e.text, "behind packet 2"));
	/* The function's own answer is returned. */
	memset(&s, 0, sizeof(s));
	s.stop = E2BIG;
	assert_int_equal(capread(f.f_data, f.f_len, see, &s, &e), E2BIG);
	assert_int_equal(s.n, 2);
	make_pcapng(&f, false, 9);
	f.f_data[f.f_len - 4]++;
	assert_int_equal(read_file(f.f_data, f.f_len, &s, &e), EINVAL);
	assert_non_null(strstr(e.text, "two lengths"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pcap), cmocka_unit_test(test_pcapng),
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
