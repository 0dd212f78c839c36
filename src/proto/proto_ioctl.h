/*
 * proto_ioctl: interface requests by name and command word, for both ends.
 *
 * A command word holds a direction, a number and the size of its record.  Two
 * releases may differ in the size; direction and number identify the request.
 */

#ifndef PROTO_PROTO_IOCTL_H
#define PROTO_PROTO_IOCTL_H

/* The name of a request, "SIOCSIFMTU"; NULL: unknown to this build. */
const char *proto_ioctl_name(unsigned long cmd);
/*
 * The command word as this build has it: the same word, when it is known
 * (requests in older layouts are), else the known word that differs in the size
 * of its record alone.  0: there is none.
 */
unsigned long proto_ioctl_here(unsigned long cmd);

#endif /* !PROTO_PROTO_IOCTL_H */
