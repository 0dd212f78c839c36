/*
 * The small parsers of text: link-level addresses, interface names.
 */

#include "fuzz.h"

#include <ifnet/if_dl.h>

#include "net/if_name_impl.h"

static void
lladdr(const char *text)
{
	uint8_t lladdr[SDL_DATALEN], again[SDL_DATALEN];
	char buf[LLADDR_STRSIZE];
	int n;

	for (unsigned max = 0; max <= SDL_DATALEN; max += 8) {
		n = lladdr_parse(text, lladdr, max);
		KASSERT(n >= -1 && n <= (int)max);
		if (n <= 0)
			continue;
		KASSERT(lladdr_parse(lladdr_text(lladdr, (unsigned)n, buf),
		    again, SDL_DATALEN) == n);
		KASSERT(memcmp(lladdr, again, (size_t)n) == 0);
	}
}

static void
ifname(const char *text)
{
	char again[IFNAMSIZ + 16];
	size_t baselen;
	unsigned unit, n;

	if (if_name_split(text, &unit, &baselen) == 0 &&
	    strlen(text) < IFNAMSIZ) {
		KASSERT(baselen > 0 && baselen < strlen(text));
		(void)snprintf(again, sizeof(again), "%.*s%u", (int)baselen,
		    text, unit);
		KASSERT(strcmp(again, text) == 0);
	}
	if (if_name_valid(text))
		KASSERT(strlen(text) > 0 && strlen(text) < IFNAMSIZ &&
		    !if_name_number(text, &n));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	text = malloc(size + 1);
	KASSERT(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	lladdr(text);
	ifname(text);
	free(text);
	return 0;
}
