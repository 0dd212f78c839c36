/*
 * The names of the drop reasons, and drops that no interface answers for.
 */

#include "kern/kern_impl.h"

enum { IN, OUT };

static const struct drop_info {
	const char	*di_name;
	const char	*di_text;
	bool		 di_output;
} drops[DROP_NREASONS] = {
#define X(sym, side, name, text)	[sym] = { name, text, side == OUT },
	DROP_REASONS(X)
#undef X
};

const char *
drop_name(enum drop_reason reason)
{

	return (unsigned)reason < DROP_NREASONS ? drops[reason].di_name : NULL;
}

const char *
drop_text(enum drop_reason reason)
{

	return (unsigned)reason < DROP_NREASONS ? drops[reason].di_text : NULL;
}

bool
drop_is_output(enum drop_reason reason)
{

	return (unsigned)reason < DROP_NREASONS && drops[reason].di_output;
}

void
kern_drop(struct mbuf *m, enum drop_reason reason)
{

	cpu_stat_add(&curcpu()->ci_drops[reason], 1);
	m_freem(m);
}
