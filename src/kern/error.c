/*
 * Errors for programs and for persons.
 */

#include <ifnet/error.h>

#include <stdarg.h>
#include <stdio.h>

int
ifnet_error_set(struct ifnet_error *e, int code, const char *fmt, ...)
{
	va_list ap;

	if (e == NULL)
		return code;
	e->code = code;
	va_start(ap, fmt);
	(void)vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return code;
}
