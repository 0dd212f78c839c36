/*
 * The names of the drop reasons, and drops that are counted on no interface.
 */

#include "kern/kern_impl.h"
#include "proto/ctl_proto.h"
#include "proto/proto_names.h"

const char *
drop_name(enum drop_reason reason)
{

	return proto_name(PROTO_NAMES_DROP, reason, NULL);
}

const char *
drop_text(enum drop_reason reason)
{
	const char *text = NULL;

	(void)proto_name(PROTO_NAMES_DROP, reason, &text);
	return text;
}

bool
drop_is_output(enum drop_reason reason)
{

	return proto_name_flags(PROTO_NAMES_DROP, reason) & CTL_NAME_OUTPUT;
}

void
kern_drop(struct mbuf *m, enum drop_reason reason)
{

	cpu_stat_add(&curcpu()->ci_drops[reason], 1);
	m_freem(m);
}
