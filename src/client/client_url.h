/*
 * client_url: the default place of a daemon's socket.
 */

#ifndef CLIENT_CLIENT_URL_H
#define CLIENT_CLIENT_URL_H

#include <stdbool.h>
#include <stddef.h>

#define CLIENT_URL_SCHEME	"unix://"
#define CLIENT_URL_MAX		128	/* a socket's path has at most 107 */

/*
 * The place of a daemon that the calling user starts: IFNET_URL_DEFAULT for
 * root, who may write to its directory; for other users, and for the root of a
 * user namespace, ifnetd.sock in $XDG_RUNTIME_DIR or, when that is not set, in
 * /run/user/UID if that belongs to the user.  False: there is no such
 * directory, or its name is too long for a socket.
 */
bool	client_url_own(char url[CLIENT_URL_MAX]);

#endif /* !CLIENT_CLIENT_URL_H */
