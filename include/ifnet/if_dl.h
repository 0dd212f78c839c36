/*
 * if_dl: link-level socket addresses.
 */

#ifndef IFNET_IF_DL_H
#define IFNET_IF_DL_H

#include <sys/socket.h>

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

#define AF_LINK		AF_PACKET

#define SDL_DATALEN	24	/* room for the address */

/* The address bytes are sdl_data[0 .. sdl_alen). */
struct sockaddr_dl {
	sa_family_t	 sdl_family;	/* AF_LINK */
	uint8_t		 sdl_type;	/* IFT_* */
	uint8_t		 sdl_alen;	/* address bytes in use */
	uint32_t	 sdl_index;	/* interface index, 0 = none */
	uint8_t		 sdl_data[SDL_DATALEN];
};

/* "02:00:5e:10:00:01"; size for the longest, with the NUL. */
#define LLADDR_STRSIZE	(SDL_DATALEN * 3)
/* Returns buf. */
const char *lladdr_text(const uint8_t *, unsigned len,
	    char buf[LLADDR_STRSIZE]);
/* Parse hex pairs separated by : or - ; number of bytes, or -1. */
int	lladdr_parse(const char *, uint8_t *, unsigned max);

/*
 * May it be the address of a station?  Not all zeros, and of six bytes no
 * group address, of which the broadcast address is one (IEEE 802).  This is the
 * rule for every address that comes from outside: requests, drivers, frames.
 * Any.
 */
bool	lladdr_is_station(const uint8_t *, unsigned len);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif /* !IFNET_IF_DL_H */
