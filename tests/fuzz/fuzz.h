/*
 * fuzz: what the fuzz targets share.
 *
 * An input is read from its beginning as a row of records; what it lacks at
 * the end reads as zero, so every input means something.  Each is run on a
 * simulated host of its own, with the same seed, and must leave nothing
 * behind: what libFuzzer finds can be run again from its file.
 */

#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/sim/sim.h"
#include "kern/kern_impl.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct fuzz_in {
	const uint8_t	*fi_data;
	size_t		 fi_left;
};

/* Up to len bytes; the rest of buf is zeroes.  How many there were. */
static inline size_t
fuzz_bytes(struct fuzz_in *in, void *buf, size_t len)
{
	size_t n = len < in->fi_left ? len : in->fi_left;

	memset(buf, 0, len);
	if (n > 0)
		memcpy(buf, in->fi_data, n);
	in->fi_data += n;
	in->fi_left -= n;
	return n;
}

static inline uint8_t
fuzz_u8(struct fuzz_in *in)
{
	uint8_t v;

	(void)fuzz_bytes(in, &v, sizeof(v));
	return v;
}

static inline uint16_t
fuzz_u16(struct fuzz_in *in)
{
	uint16_t v;

	(void)fuzz_bytes(in, &v, sizeof(v));
	return v;
}

static inline uint32_t
fuzz_u32(struct fuzz_in *in)
{
	uint32_t v;

	(void)fuzz_bytes(in, &v, sizeof(v));
	return v;
}

/* The next len bytes as an input of their own. */
static inline struct fuzz_in
fuzz_part(struct fuzz_in *in, size_t len)
{
	struct fuzz_in part;

	part.fi_data = in->fi_data;
	part.fi_left = len < in->fi_left ? len : in->fi_left;
	in->fi_data += part.fi_left;
	in->fi_left -= part.fi_left;
	return part;
}

struct fuzz_run {
	struct host	*fr_host;
	void		(*fr_fn)(struct host *, void *);
	void		*fr_arg;
};

static inline void
fuzz_run_main(void *arg)
{
	struct fuzz_run *fr = arg;

	fr->fr_fn(fr->fr_host, fr->fr_arg);
}

/* Run fn(host, arg) on a simulated host that does not outlive it. */
static inline void
fuzz_on_sim(void (*fn)(struct host *, void *), void *arg)
{
	struct fuzz_run fr = { .fr_fn = fn, .fr_arg = arg };
	struct sim_config sc;

	memset(&sc, 0, sizeof(sc));
	sc.sc_seed = 1;
	sc.sc_quiet = true;
	fr.fr_host = sim_create(&sc);
	KASSERT(fr.fr_host != NULL);
	KASSERT(sim_run(fr.fr_host, fuzz_run_main, &fr) == 0);
	KASSERT(sim_allocated(fr.fr_host) == 0);
	sim_destroy(fr.fr_host);
}

#endif /* !TESTS_FUZZ_H */
