/*
 * if_types: interface types (RFC 2863, IANAifType-MIB numbers) and the
 * capture link types that go with them.
 */

#ifndef IFNET_IF_TYPES_H
#define IFNET_IF_TYPES_H

#define IFT_OTHER	0x01
#define IFT_ETHER	0x06
#define IFT_ISO88023	0x07
#define IFT_ISO88025	0x09	/* token ring */
#define IFT_FDDI	0x0f
#define IFT_PPP		0x17
#define IFT_LOOP	0x18
#define IFT_ARCNET	0x23
#define IFT_IEEE80211	0x47
#define IFT_TUNNEL	0x83
#define IFT_L2VLAN	0x87
#define IFT_IEEE8023ADLAG 0xa1
#define IFT_BRIDGE	0xd1
#define IFT_GIF		0xf0
#define IFT_FAITH	0xf2
#define IFT_CARP	0xf8

#ifndef DLT_NULL
#define DLT_NULL	0
#define DLT_EN10MB	1
#define DLT_IEEE802	6	/* token ring */
#define DLT_FDDI	10
#define DLT_RAW		12
#define DLT_IEEE802_11	105
#define DLT_LOOP	108
#endif

#endif /* !IFNET_IF_TYPES_H */
