/*
 * The log, and assertions that failed.
 */

#include "kern/kern_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kern/vis.h"

void
klog(struct kern *k, int level, const char *fmt, ...)
{
	char line[512], seen[VIS_SIZE(sizeof(line))];
	va_list ap;

	if (level > __atomic_load_n(&k->k_log_level, __ATOMIC_RELAXED))
		return;
	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	/* Names and texts in the line may hold control characters: make them
	 * visible, so that it stays one line. */
	host_log(k->k_host, (enum host_log_level)level,
	    vis_line(seen, sizeof(seen), line, strlen(line)));
}

void
kern_assert_fail(const char *expr, const char *file, int line)
{
	char text[512];

	(void)snprintf(text, sizeof(text), "assertion failed: %s, %s:%d", expr,
	    file, line);
	/* The host's log may be off, or go where nobody reads: the assertion
	 * goes to standard error as well. */
	if (host_curthread != NULL)
		host_log(host_curthread->ht_host, HOST_LOG_ERR, text);
	(void)fprintf(stderr, "%s\n", text);
	abort();
}
