/*
 * ifreq_drv: requests that only drivers answer: outer addresses of tunnels,
 * media, what a driver has of its own, IEEE 802.11, and the packet generator's
 * streams.  The interface layer knows who may ask (setting something, or
 * reading a key, is privileged) and passes them on; a driver that does not know
 * one answers ENOTTY, and the caller is told EOPNOTSUPP.
 *
 * Part of <ifnet/ifreq.h>; include that.
 */

#ifndef IFNET_IFREQ_DRV_H
#define IFNET_IFREQ_DRV_H

#include <netinet/in.h>

#include <ifnet/ifreq.h>

/*
 * Streams of packets of a pg.  SIOCSPGSTREAM: does pgr_op to the stream of this
 * number.  SIOCGPGSTREAM: the words of the stream of this number, with
 * PG_NEXT of the first one from this number on; ENOENT: there is none.
 */
#define PG_WORDS_MAX	1000	/* with the NUL */
#define PG_STREAMS_MAX	64	/* of an interface, whatever their numbers */
#define PG_STREAM_MAX	65535	/* the highest number; the lowest is 1 */

struct if_pgreq {
	char		 pgr_name[IFNAMSIZ];
	uint32_t	 pgr_stream;	/* START, STOP: 0 is all of them */
	uint32_t	 pgr_op;
	uint64_t	 pgr_packets;	/* SET: of SIOCAPGPACKETS, for words
					 * with "replay", or 0; get: not 0 if
					 * the stream has such */
#define PG_SET		1	/* made of pgr_words; one that is there is
				 * replaced */
#define PG_DELETE	2
#define PG_START	3	/* from its beginning */
#define PG_STOP		4
#define PG_NEXT		5
	char		 pgr_words[PG_WORDS_MAX];
};

/*
 * Packets for a stream that replays them, whole ones, one behind the other: a
 * struct if_pgpacket and its bytes, up to a multiple of 8.  SIOCAPGPACKETS with
 * pga_packets 0 begins, and returns the number with which more are added, and
 * with which a stream is made of them; those that another request began go.
 */
#define IF_PGDATA_MAX	3968
struct if_pgadd {
	char		 pga_name[IFNAMSIZ];
	uint64_t	 pga_packets;
	uint32_t	 pga_len;	/* bytes of pga_data */
	uint32_t	 pga_pad;
	uint8_t		 pga_data[IF_PGDATA_MAX];
};

struct if_pgpacket {
	uint64_t	 pgp_ns;	/* from the first packet on */
	uint32_t	 pgp_len;	/* bytes that follow */
	uint32_t	 pgp_pad;
};
#define PG_PACKET_NS_MAX	31536000000000000ull	/* a year */
#define IF_PGPACKET_SIZE(len)						\
	(sizeof(struct if_pgpacket) + (((len) + 7ul) & ~7ul))

/* The counters of a stream, which begin with it. */
struct if_pgstat {
	char		 pgs_name[IFNAMSIZ];
	uint32_t	 pgs_stream;
	uint32_t	 pgs_flags;
#define PGS_STOPPED	0x1	/* by PG_STOP */
#define PGS_DONE	0x2	/* its count or duration is over */
#define PGS_MEASURED	0x4
	uint64_t	 pgs_sent;	/* packets */
	uint64_t	 pgs_bytes;	/* of frames, with the check sequence */
	uint64_t	 pgs_ns;	/* from the first packet to the last */
	/* With PGS_MEASURED: packets that arrived at a pg of the process, and
	 * the time from one to the other. */
	uint64_t	 pgs_received;	/* duplicates too */
	uint64_t	 pgs_lost;	/* or on their way */
	uint64_t	 pgs_reordered, pgs_duplicated;
	uint64_t	 pgs_min_ns, pgs_mean_ns, pgs_max_ns;
	uint64_t	 pgs_p50_ns, pgs_p90_ns, pgs_p99_ns, pgs_p999_ns;
	/* Packets below 2^i ns, and not below 2^(i - 1); of the last, also
	 * those that took longer. */
#define PGS_POWERS	41
	uint64_t	 pgs_power[PGS_POWERS];
};

#define IFMEDIA_MAX	32
struct ifmediareq {
	char		 ifm_name[IFNAMSIZ];
	int32_t		 ifm_current;
	int32_t		 ifm_mask;
	int32_t		 ifm_status;
	int32_t		 ifm_active;
	int32_t		 ifm_count;	/* entries of ifm_list */
	int32_t		 ifm_list[IFMEDIA_MAX];
};

/* A request of the driver's own. */
#define IFDRV_MAX	256
struct ifdrv {
	char		 ifd_name[IFNAMSIZ];
	uint64_t	 ifd_cmd;
	uint64_t	 ifd_len;	/* bytes of ifd_data */
	uint8_t		 ifd_data[IFDRV_MAX];
};

#define IEEE80211_NWID_LEN	32
struct ieee80211_nwid {
	char		 i_name[IFNAMSIZ];
	uint8_t		 i_len;
	uint8_t		 i_nwid[IEEE80211_NWID_LEN];
};

#define IEEE80211_WEP_NKID	4
struct ieee80211_nwkey {
	char		 i_name[IFNAMSIZ];
	int32_t		 i_wepon;
	int32_t		 i_defkid;	/* which one to send with, from 1 */
	struct {
		uint32_t i_keylen;	/* bytes */
		uint8_t	 i_keydat[16];
	}		 i_key[IEEE80211_WEP_NKID];
};

struct ieee80211_power {
	char		 i_name[IFNAMSIZ];
	int32_t		 i_enabled;
	int32_t		 i_maxsleep;	/* ms */
};

struct ieee80211chanreq {
	char		 i_name[IFNAMSIZ];
	uint16_t	 i_channel;
};

struct ieee80211_bssid {
	char		 i_name[IFNAMSIZ];
	uint8_t		 i_bssid[6];
};

#define IEEE80211REQ_MAX	256
struct ieee80211req {
	char		 i_name[IFNAMSIZ];
	uint16_t	 i_type;
	int16_t		 i_val;
	uint16_t	 i_len;		/* bytes of i_data */
	uint8_t		 i_data[IEEE80211REQ_MAX];
};

#define SIOCSIFPHYADDR	IFIOC_W(70, struct ifaliasreq)
#define SIOCSIFPHYADDR_IN6 IFIOC_W(70, struct in6_aliasreq)
#define SIOCGIFPSRCADDR	IFIOC_WR(71, struct ifreq)
#define SIOCGIFPDSTADDR	IFIOC_WR(72, struct ifreq)
#define SIOCDIFPHYADDR	IFIOC_W(73, struct ifreq)
#define SIOCSLIFPHYADDR	IFIOC_W(74, struct if_laddrreq)
#define SIOCGLIFPHYADDR	IFIOC_WR(75, struct if_laddrreq)
/* These two return what was set. */
#define SIOCSIFMEDIA	IFIOC_WR(53, struct ifreq)
#define SIOCS80211NWID	IFIOC_WR(230, struct ieee80211_nwid)
#define SIOCGIFMEDIA	IFIOC_WR(54, struct ifmediareq)
#define SIOCSDRVSPEC	IFIOC_W(123, struct ifdrv)
#define SIOCGDRVSPEC	IFIOC_WR(124, struct ifdrv)
#define SIOCG80211NWID	IFIOC_WR(231, struct ieee80211_nwid)
#define SIOCS80211NWKEY	IFIOC_W(232, struct ieee80211_nwkey)
#define SIOCG80211NWKEY	IFIOC_WR(233, struct ieee80211_nwkey)
#define SIOCS80211POWER	IFIOC_W(234, struct ieee80211_power)
#define SIOCG80211POWER	IFIOC_WR(235, struct ieee80211_power)
#define SIOCS80211CHANNEL IFIOC_W(238, struct ieee80211chanreq)
#define SIOCG80211CHANNEL IFIOC_WR(239, struct ieee80211chanreq)
#define SIOCS80211BSSID	IFIOC_W(240, struct ieee80211_bssid)
#define SIOCG80211BSSID	IFIOC_WR(241, struct ieee80211_bssid)
#define SIOCS80211	IFIOC_W(244, struct ieee80211req)
#define SIOCG80211	IFIOC_WR(245, struct ieee80211req)
#define SIOCSPGSTREAM	IFIOC_W(180, struct if_pgreq)
#define SIOCGPGSTREAM	IFIOC_WR(181, struct if_pgreq)
#define SIOCGPGSTAT	IFIOC_WR(182, struct if_pgstat)
#define SIOCAPGPACKETS	IFIOC_WR(183, struct if_pgadd)

#endif /* !IFNET_IFREQ_DRV_H */
