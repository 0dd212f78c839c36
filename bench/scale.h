/*
 * scale: common parts of the benchmarks of size: the clock, the memory of the
 * process, and samples as JSON, one object a line.
 */

#ifndef BENCH_SCALE_H
#define BENCH_SCALE_H

#include <err.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

static char scale_suffix[16];		/* "10", "1k", "100k", "1m" */

/* Name the size that samples are about. */
static inline void
scale_count(unsigned n)
{

	(void)snprintf(scale_suffix, sizeof(scale_suffix), "%u%s",
	    n >= 1000000 ? n / 1000000 : n >= 1000 ? n / 1000 : n,
	    n >= 1000000 ? "m" : n >= 1000 ? "k" : "");
}

static inline uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static inline double
now_s(void)
{

	return (double)now_ns() / 1e9;
}

/* "scale-WHAT-1kMORE" */
static inline void
sample(const char *what, const char *more, const char *unit, double value)
{

	printf("{\"name\": \"scale-%s-%s%s\", \"unit\": \"%s\", "
	    "\"value\": %.3f}\n", what, scale_suffix, more, unit, value);
	fflush(stdout);
}

static inline size_t
resident_bytes(void)
{
	size_t pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f == NULL || fscanf(f, "%*s %zu", &pages) != 1)
		errx(1, "/proc/self/statm");
	fclose(f);
	return pages * 4096;
}

#endif /* !BENCH_SCALE_H */
