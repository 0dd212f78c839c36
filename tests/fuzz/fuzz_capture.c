/*
 * Capture files that a packet generator replays.  Each packet that is read lies
 * in the file, and packets follow each other.
 */

#include "fuzz.h"

#include "command/capread.h"

/* A file, and how far it was read. */
struct walk {
	const uint8_t	*file, *end, *at;
	uint64_t	 packets;
};

static int
packet(const struct capread_packet *p, void *arg, struct ifnet_error *e)
{
	struct walk *w = arg;
	uint8_t sum = 0;

	(void)e;
	KASSERT(p->number == ++w->packets);
	KASSERT(p->data >= w->at && p->data <= w->end);
	KASSERT(p->len <= (size_t)(w->end - p->data));
	for (uint32_t i = 0; i < p->len; i++)
		sum = (uint8_t)(sum + p->data[i]);
	w->at = p->data + p->len;
	return sum == 0xa5 ? 1 : 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size == 0 ? 1 : size);
	struct ifnet_error e;
	struct walk w;
	int error;

	KASSERT(copy != NULL);
	if (size > 0)
		memcpy(copy, data, size);
	w = (struct walk){ copy, copy + size, copy, 0 };
	memset(&e, 0, sizeof(e));
	error = capread(copy, size, packet, &w, &e);
	KASSERT(error <= 1 || e.text[0] != '\0');
	free(copy);
	return 0;
}
