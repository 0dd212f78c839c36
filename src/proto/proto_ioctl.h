/*
 * proto_ioctl: what both ends know about interface requests.
 *
 * A command word holds a direction, a number and the size of its record.  Two
 * releases may differ in the size; direction and number are what it is.
 */

#ifndef PROTO_PROTO_IOCTL_H
#define PROTO_PROTO_IOCTL_H

/* "SIOCSIFMTU"; NULL: not one of ours. */
const char *proto_ioctl_name(unsigned long cmd);
/*
 * The command as this build has it: itself, when the very one is known
 * (requests in older layouts are), else the one that differs in the size of
 * its record alone.  0: there is none.
 */
unsigned long proto_ioctl_here(unsigned long cmd);

#endif /* !PROTO_PROTO_IOCTL_H */
