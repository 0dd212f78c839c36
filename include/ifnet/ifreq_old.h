/*
 * ifreq_old: requests in the layouts that programs used before records had
 * room for every family's addresses, and counters 64 bits: what NetBSD keeps
 * for them as COMPAT_OIFREQ.  They mean what the requests without the O mean.
 *
 * What a record cannot hold is refused, never cut: an address of more than 16
 * bytes is EFBIG.  SIOCGIFCONF leaves such addresses out; an interface with no
 * others has one record with a zero address.
 */

#ifndef IFNET_IFREQ_OLD_H
#define IFNET_IFREQ_OLD_H

#include <ifnet/ifreq.h>

struct oifreq {
	char		 oifr_name[IFNAMSIZ];
	union {
		struct sockaddr	 oifru_addr;
		int32_t		 oifru_value;	/* flags, metric, MTU, ... */
	} oifr_oifru;
#define oifr_addr	oifr_oifru.oifru_addr
#define oifr_value	oifr_oifru.oifru_value
};

struct oifaliasreq {
	char		 oifra_name[IFNAMSIZ];
	struct sockaddr	 oifra_addr;
	struct sockaddr	 oifra_dstaddr;
	struct sockaddr	 oifra_mask;
};

/* The wall clock when it last changed; until the year 2106. */
struct oif_time {
	uint32_t	 ot_sec;
	uint32_t	 ot_usec;
};

/* Counters of 32 bits: the low half, as they would have wrapped. */
struct if_data14 {
	uint8_t		 oifi_type;
	uint8_t		 oifi_addrlen;
	uint8_t		 oifi_hdrlen;
	uint8_t		 oifi_link_state;
	uint32_t	 oifi_mtu;
	uint32_t	 oifi_metric;
	uint32_t	 oifi_baudrate;		/* UINT32_MAX: at least that */
	uint32_t	 oifi_ipackets, oifi_ierrors;
	uint32_t	 oifi_opackets, oifi_oerrors;
	uint32_t	 oifi_collisions;
	uint32_t	 oifi_ibytes, oifi_obytes;
	uint32_t	 oifi_imcasts, oifi_omcasts;
	uint32_t	 oifi_idrops;
	struct oif_time	 oifi_lastchange;
};

struct if_data50 {
	uint8_t		 oifi_type;
	uint8_t		 oifi_addrlen;
	uint8_t		 oifi_hdrlen;
	uint8_t		 oifi_link_state;
	uint32_t	 oifi_mtu;
	uint32_t	 oifi_metric;
	uint32_t	 oifi_pad;
	uint64_t	 oifi_baudrate;
	uint64_t	 oifi_ipackets, oifi_ierrors;
	uint64_t	 oifi_opackets, oifi_oerrors;
	uint64_t	 oifi_collisions;
	uint64_t	 oifi_ibytes, oifi_obytes;
	uint64_t	 oifi_imcasts, oifi_omcasts;
	uint64_t	 oifi_idrops;
	struct oif_time	 oifi_lastchange;
};

struct ifdatareq14 {
	char		 oifdr_name[IFNAMSIZ];
	struct if_data14 oifdr_data;
};

struct ifdatareq50 {
	char		 oifdr_name[IFNAMSIZ];
	struct if_data50 oifdr_data;
};

/* 4.3BSD's numbers, from before addresses had lengths: a struct oifreq is as
 * it was then. */
#define OOSIOCGIFADDR	IFIOC_WR(13, struct oifreq)
#define OOSIOCGIFDSTADDR IFIOC_WR(15, struct oifreq)
#define OOSIOCGIFBRDADDR IFIOC_WR(18, struct oifreq)
#define OOSIOCGIFCONF	IFIOC_WR(20, struct ifconf)
#define OOSIOCGIFNETMASK IFIOC_WR(21, struct oifreq)

#define OSIOCSIFADDR	IFIOC_W(12, struct oifreq)
#define OSIOCGIFADDR	IFIOC_WR(33, struct oifreq)
#define OSIOCSIFDSTADDR	IFIOC_W(14, struct oifreq)
#define OSIOCGIFDSTADDR	IFIOC_WR(34, struct oifreq)
#define OSIOCSIFFLAGS	IFIOC_W(16, struct oifreq)
#define OSIOCGIFFLAGS	IFIOC_WR(17, struct oifreq)
#define OSIOCGIFBRDADDR	IFIOC_WR(35, struct oifreq)
#define OSIOCSIFBRDADDR	IFIOC_W(19, struct oifreq)
/* struct oifreq records follow. */
#define OSIOCGIFCONF	IFIOC_WR(36, struct ifconf)
#define OSIOCGIFNETMASK	IFIOC_WR(37, struct oifreq)
#define OSIOCSIFNETMASK	IFIOC_W(22, struct oifreq)
#define OSIOCGIFMETRIC	IFIOC_WR(23, struct oifreq)
#define OSIOCSIFMETRIC	IFIOC_W(24, struct oifreq)
#define OSIOCDIFADDR	IFIOC_W(25, struct oifreq)
#define OSIOCAIFADDR	IFIOC_W(26, struct oifaliasreq)
#define OSIOCGIFALIAS	IFIOC_WR(27, struct oifaliasreq)
#define OSIOCADDMULTI	IFIOC_W(49, struct oifreq)
#define OSIOCDELMULTI	IFIOC_W(50, struct oifreq)
#define OSIOCSIFMEDIA	IFIOC_WR(53, struct oifreq)
#define OSIOCGIFDLT	IFIOC_WR(119, struct oifreq)
#define OSIOCIFDESTROY	IFIOC_W(121, struct oifreq)
#define OSIOCIFCREATE	IFIOC_WR(122, struct oifreq)
#define OSIOCGIFMTU	IFIOC_WR(126, struct oifreq)
#define OSIOCSIFMTU	IFIOC_W(127, struct oifreq)
#define OSIOCGIFDATA14	IFIOC_WR(128, struct ifdatareq14)
#define OSIOCGIFDATA	IFIOC_WR(128, struct ifdatareq50)
#define OSIOCZIFDATA	IFIOC_WR(129, struct ifdatareq50)

#endif /* !IFNET_IFREQ_OLD_H */
