//! The fixed headers that rtnetlink messages begin with.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, U16, U32, Unaligned};

use crate::wire::wire;

/// `struct rtgenmsg` (`linux/rtnetlink.h`): what requests for all may begin with instead.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct RtGenMsg {
    /// `rtgen_family`.
    pub family: u8,
}

/// `struct netconfmsg` (`linux/netconf.h`): what messages about settings begin with.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct NetConfMsg {
    /// `ncm_family`.
    pub family: u8,
}

wire! {
    /// `struct ifinfomsg` (`linux/rtnetlink.h`): what link messages begin with.
    pub struct IfInfoMsg<O>: 16 {
        /// `ifi_family`.
        pub family: u8,
        /// Unused, 0.
        pub pad: u8,
        /// `ifi_type`: `ARPHRD_*`.
        pub kind: U16<O>,
        /// `ifi_index`: an `int`, positive where there is a link.
        pub index: U32<O>,
        /// `ifi_flags`: see [`LinkFlags`](super::LinkFlags).
        pub flags: U32<O>,
        /// `ifi_change`: which flags are meant.
        pub change: U32<O>,
    }

    /// `struct ifaddrmsg` (`linux/if_addr.h`): what address messages begin with.
    pub struct IfAddrMsg<O>: 8 {
        /// `ifa_family`.
        pub family: u8,
        /// `ifa_prefixlen`: bits.
        pub prefix_len: u8,
        /// `ifa_flags`: `IFA_F_*`, of which only eight fit.
        pub flags: u8,
        /// `ifa_scope`: `RT_SCOPE_*`.
        pub scope: u8,
        /// `ifa_index`: of the link.
        pub index: U32<O>,
    }

    /// `struct rtmsg` (`linux/rtnetlink.h`): what route messages begin with.
    pub struct RtMsg<O>: 12 {
        /// `rtm_family`.
        pub family: u8,
        /// `rtm_dst_len`: bits of `RTA_DST` that count.
        pub dst_len: u8,
        /// `rtm_src_len`: the same of `RTA_SRC`.
        pub src_len: u8,
        /// `rtm_tos`.
        pub tos: u8,
        /// `rtm_table`: `RT_TABLE_COMPAT` where `RTA_TABLE` is above 255.
        pub table: u8,
        /// `rtm_protocol`: `RTPROT_*`.
        pub protocol: u8,
        /// `rtm_scope`: `RT_SCOPE_*`.
        pub scope: u8,
        /// `rtm_type`: `RTN_*`.
        pub kind: u8,
        /// `rtm_flags`: `RTM_F_*`, `RTNH_F_*`.
        pub flags: U32<O>,
    }

    /// `struct ndmsg` (`linux/neighbour.h`): what neighbour messages begin with.
    pub struct NdMsg<O>: 12 {
        /// `ndm_family`.
        pub family: u8,
        /// Unused, 0.
        pub pad: [u8; 3],
        /// `ndm_ifindex`.
        pub index: U32<O>,
        /// `ndm_state`: `NUD_*`.
        pub state: U16<O>,
        /// `ndm_flags`: `NTF_*`.
        pub flags: u8,
        /// `ndm_type`: `RTN_*`.
        pub kind: u8,
    }

    /// `struct fib_rule_hdr` (`linux/fib_rules.h`): what rule messages begin with.
    pub struct FibRuleHdr<O>: 12 {
        /// `family`.
        pub family: u8,
        /// `dst_len`: bits.
        pub dst_len: u8,
        /// `src_len`: bits.
        pub src_len: u8,
        /// `tos`.
        pub tos: u8,
        /// `table`.
        pub table: u8,
        /// Unused, 0.
        pub reserved: [u8; 2],
        /// `action`: `FR_ACT_*`.
        pub action: u8,
        /// `flags`: `FIB_RULE_*`.
        pub flags: U32<O>,
    }

    /// `struct tcmsg` (`linux/rtnetlink.h`): what messages about queueing begin with.
    pub struct TcMsg<O>: 20 {
        /// `tcm_family`.
        pub family: u8,
        /// Unused, 0.
        pub pad: [u8; 3],
        /// `tcm_ifindex`.
        pub index: U32<O>,
        /// `tcm_handle`.
        pub handle: U32<O>,
        /// `tcm_parent`.
        pub parent: U32<O>,
        /// `tcm_info`: priority and protocol of a filter, references to a discipline.
        pub info: U32<O>,
    }

    /// `struct nhmsg` (`linux/nexthop.h`): what next hop messages begin with.
    pub struct NhMsg<O>: 8 {
        /// `nh_family`.
        pub family: u8,
        /// `nh_scope`.
        pub scope: u8,
        /// `nh_protocol`: `RTPROT_*`.
        pub protocol: u8,
        /// Unused, 0.
        pub reserved: u8,
        /// `nh_flags`: `RTNH_F_*`.
        pub flags: U32<O>,
    }

    /// `struct ifaddrlblmsg` (`linux/if_addrlabel.h`): what address label messages begin with.
    pub struct IfAddrLblMsg<O>: 12 {
        /// `ifal_family`.
        pub family: u8,
        /// Unused, 0.
        pub reserved: u8,
        /// `ifal_prefixlen`: bits.
        pub prefix_len: u8,
        /// `ifal_flags`.
        pub flags: u8,
        /// `ifal_index`: of the link it is for, or 0.
        pub index: U32<O>,
        /// `ifal_seq`: how often the table has changed.
        pub seq: U32<O>,
    }

    /// `struct if_stats_msg` (`linux/if_link.h`): what messages of statistics begin with.
    pub struct IfStatsMsg<O>: 12 {
        /// `family`.
        pub family: u8,
        /// Unused, 0.
        pub pad: [u8; 3],
        /// `ifindex`.
        pub index: U32<O>,
        /// `filter_mask`: bit n - 1 for attribute n.
        pub filter: U32<O>,
    }

    /// `struct ifa_cacheinfo` (`linux/if_addr.h`): the payload of `IFA_CACHEINFO`.
    pub struct CacheInfo<O>: 16 {
        /// `ifa_prefered`: seconds for which it is preferred; all ones: for ever.
        pub preferred: U32<O>,
        /// `ifa_valid`: seconds for which it is valid; all ones: for ever.
        pub valid: U32<O>,
        /// `cstamp`: when it was made, in hundredths of a second since the machine was started.
        pub created: U32<O>,
        /// `tstamp`: when it was changed.
        pub updated: U32<O>,
    }
}
