//! `RTM_GETNEIGHTBL`: the tables that neighbours are kept in, and their parameters.

use zerocopy::{ByteOrder, U16, U32};

use super::formats::NEIGHTBL_DUMP;
use super::request::{Out, Request, StepResult};
use crate::link::REACHABLE;
use crate::query::Query;
use crate::rtnetlink::*;
use crate::wire::wire;
use crate::{Body, Errno, Full};

/// A table: `arp_tbl` (`net/ipv4/arp.c`), `nd_tbl` (`net/ipv6/ndisc.c`).
struct Table {
    family: u8,
    name: &'static [u8],
    /// Bytes of an address, and of an entry on a 64-bit machine.
    sizes: [u16; 2],
    /// `LOCKTIME`, in milliseconds.
    locktime: u64,
}

const TABLES: [Table; 2] = [
    Table { family: AF_INET, name: b"arp_cache", sizes: [4, 336], locktime: 1000 },
    Table { family: AF_INET6, name: b"ndisc_cache", sizes: [16, 344], locktime: 0 },
];

/// `neightbl_dump_info`.
pub(super) fn start<O: ByteOrder>(request: &mut Request<'_, O>) -> Result<Query, Errno> {
    NEIGHTBL_DUMP.family(request).map(|family| Query::NeighTables { family })
}

/// For each table itself, and then its parameters for each link, the newest link first.
pub(super) fn step<O: ByteOrder>(out: &mut Out<'_, O>, family: u8) -> StepResult {
    let view = out.view;
    let tables = TABLES.iter().filter(|table| [AF_UNSPEC, table.family].contains(&family));
    let links = || view.links.iter().rev().map(|link| link.index);
    // 0: the table itself.
    let mut all =
        tables.flat_map(|table| core::iter::once(0).chain(links()).map(move |index| (table, index)));
    let (table, index) = all.nth(out.at)?;
    Some(out.message(RTM_NEWNEIGHTBL, |body| {
        body.put(&[table.family, 0, 0, 0])?;
        body.string(NDTA_NAME, table.name)?;
        if index == 0 {
            write_table(table, body)?;
        }
        body.nest(NDTA_PARMS, |nest| write_parms(table, index, nest))
    }))
}

/// `neightbl_fill_info`. What the kernel counts for the whole machine is 0 here.
fn write_table<O: ByteOrder>(table: &Table, body: &mut Body<'_, O>) -> Result<(), Full> {
    body.u64(NDTA_GC_INTERVAL, 30_000)?;
    body.u32(NDTA_THRESH1, 128)?;
    body.u32(NDTA_THRESH2, 512)?;
    body.u32(NDTA_THRESH3, 1024)?;
    let sizes = table.sizes.map(U16::<O>::new);
    body.attr(NDTA_CONFIG, &Config { sizes, hash_mask: U32::new(15), ..Config::default() })?;
    body.counters(NDTA_STATS, &[], 11)
}

wire! {
    /// `struct ndt_config` (`linux/neighbour.h`).
    struct Config<O>: 32 {
        sizes: [U16<O>; 2],
        counts: [U32<O>; 4],
        hash_mask: U32<O>,
        chain_gc: [U32<O>; 2],
    }
}

/// `neightbl_fill_parms`. Times are milliseconds.
fn write_parms<O: ByteOrder>(table: &Table, index: u32, body: &mut Body<'_, O>) -> Result<(), Full> {
    if index != 0 {
        body.u32(NDTPA_IFINDEX, index)?;
    }
    for (kind, value) in [
        (NDTPA_REFCNT, 1),
        (NDTPA_QUEUE_LENBYTES, 212_992),
        (NDTPA_QUEUE_LEN, 101),
        (NDTPA_PROXY_QLEN, 64),
        (NDTPA_APP_PROBES, 0),
        (NDTPA_UCAST_PROBES, 3),
        (NDTPA_MCAST_PROBES, 3),
        (NDTPA_MCAST_REPROBES, 0),
    ] {
        body.u32(kind, value)?;
    }
    for (kind, value) in [
        (NDTPA_REACHABLE_TIME, REACHABLE.into()),
        (NDTPA_BASE_REACHABLE_TIME, REACHABLE.into()),
        (NDTPA_GC_STALETIME, 60_000),
        (NDTPA_DELAY_PROBE_TIME, 5000),
        (NDTPA_RETRANS_TIME, 1000),
        (NDTPA_ANYCAST_DELAY, 1000),
        (NDTPA_PROXY_DELAY, 800),
        (NDTPA_LOCKTIME, table.locktime),
        (NDTPA_INTERVAL_PROBE_TIME_MS, 5000),
    ] {
        body.u64(kind, value)?;
    }
    Ok(())
}
