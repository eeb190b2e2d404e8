//! `sandlock check`: what the running kernel can enforce, by what.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use sandlock::{Abi, PROTECTIONS};
use serde_json::{Value, json};

use super::{FAILED, complain};

/// What `sandlock check` takes.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// One thing that a kernel has or not.
struct Item {
    name: &'static str,
    has: bool,
    what: String,
    /// Whether `run` refuses to start without it.
    needed: bool,
}

pub(crate) fn check(options: &Options) -> ExitCode {
    let abi = Abi::current();
    let version = abi.map_or(0, Abi::version);
    let mut items = vec![Item {
        name: "landlock",
        has: abi.is_ok(),
        what: match abi {
            Ok(abi) => format!("files, by path (ABI {})", abi.version()),
            Err(errno) => format!("files, by path (landlock_create_ruleset: {errno})"),
        },
        needed: true,
    }];
    items.extend(PROTECTIONS.iter().map(|protection| {
        let otherwise = match protection.name {
            "unix-path" if protection.abi > version => "; without it the supervisor judges",
            "net-udp" if protection.abi > version => "; without it the filter closes UDP",
            _ => "",
        };
        Item {
            name: protection.name,
            has: protection.abi <= version,
            what: format!("{} (Landlock ABI {}{otherwise})", protection.what, protection.abi),
            needed: otherwise.is_empty(),
        }
    }));
    items.extend(sandlock::kernel_features().into_iter().map(|(name, has, what, needed)| Item {
        name,
        has,
        what: what.to_owned(),
        needed,
    }));
    let ready = items.iter().all(|item| item.has || !item.needed);
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let release = release.trim();
    let printed = if options.json {
        print(&as_json(release, version, &items, ready).to_string())
    } else {
        print(&as_text(release, &items, ready))
    };
    match (printed, ready) {
        (Ok(()), true) => ExitCode::SUCCESS,
        (Ok(()), false) => ExitCode::FAILURE,
        (Err(error), _) => {
            complain(&format!("standard output: {error}"));
            ExitCode::from(FAILED)
        }
    }
}

fn print(text: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout(), "{text}")
}

fn as_json(release: &str, version: u32, items: &[Item], ready: bool) -> Value {
    let list: Vec<Value> = items
        .iter()
        .map(|item| json!({"name": item.name, "has": item.has, "needed": item.needed, "what": item.what}))
        .collect();
    json!({
        "kernel": release,
        "arch": std::env::consts::ARCH,
        "landlock_abi": version,
        "ready": ready,
        "protections": list,
    })
}

fn as_text(release: &str, items: &[Item], ready: bool) -> String {
    let mut text = format!("Linux {release} on {}\n", std::env::consts::ARCH);
    for item in items {
        let has = if item.has { "yes" } else { "no " };
        text += &format!("  {has}  {:27} {}\n", item.name, item.what);
    }
    text += if ready {
        "sandlock run enforces everything it promises here."
    } else {
        "sandlock run refuses to start here, unless each missing protection is named with --allow-degraded."
    };
    text
}
