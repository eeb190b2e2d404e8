//! `sandlock check`: what the running kernel can enforce, by what.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use sandlock::{Abi, PROTECTIONS};
use serde_json::{Value, json};

use super::complain::{FAILED, complain};
use super::trial::{self, Trial};

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
    /// The trial's finding: an operation that is possible all the same.
    broken: Option<String>,
}

pub(crate) fn check(options: &Options) -> ExitCode {
    let abi = Abi::current();
    let version = abi.map_or(0, Abi::version);
    let has = |protection: &_| abi.is_ok_and(|abi| abi.has(protection));
    let mut items = vec![Item {
        name: "landlock",
        has: abi.is_ok(),
        what: match abi {
            Ok(abi) => format!("files, by path (ABI {})", abi.version()),
            Err(errno) => format!("files, by path (landlock_create_ruleset: {errno})"),
        },
        needed: true,
        broken: None,
    }];
    items.extend(PROTECTIONS.iter().map(|protection| {
        let otherwise = match protection.name {
            "unix-path" if !has(protection) => "; without it the supervisor judges",
            "net-udp" => "; not needed, for no datagram socket can send",
            _ => "",
        };
        Item {
            name: protection.name,
            has: has(protection),
            what: format!("{} (Landlock ABI {}{otherwise})", protection.what, protection.abi),
            needed: otherwise.is_empty(),
            broken: None,
        }
    }));
    items.extend(sandlock::kernel_features().into_iter().map(|(name, has, what, needed)| Item {
        name,
        has,
        what: what.to_owned(),
        needed,
        broken: None,
    }));
    // What `run` would be refused for anyway, the trial agrees to, so that it tries the rest.
    let lacks = items.iter().filter(|item| !item.has && item.needed).map(|item| item.name);
    let trial = trial::run(lacks);
    for item in &mut items {
        for (_, what) in trial.broken.iter().filter(|(name, _)| name == item.name) {
            item.broken = Some(what.clone());
        }
    }
    let keeps = |item: &Item| item.has && item.broken.is_none();
    let ready = trial.error.is_none() && items.iter().all(|item| keeps(item) || !item.needed);
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let release = release.trim();
    let printed = if options.json {
        print(&as_json(release, version, &items, &trial, ready).to_string())
    } else {
        print(&as_text(release, &items, &trial, ready))
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

fn as_json(release: &str, version: u32, items: &[Item], trial: &Trial, ready: bool) -> Value {
    let list: Vec<Value> = items
        .iter()
        .map(|item| {
            json!({
                "name": item.name, "has": item.has, "needed": item.needed, "what": item.what, "broken": item.broken,
            })
        })
        .collect();
    json!({
        "kernel": release,
        "arch": std::env::consts::ARCH,
        "landlock_abi": version,
        "ready": ready,
        "trial": json!({"started": trial.error.is_none(), "error": trial.error}),
        "protections": list,
    })
}

fn as_text(release: &str, items: &[Item], trial: &Trial, ready: bool) -> String {
    let mut text = format!("Linux {release} on {}\n", std::env::consts::ARCH);
    for item in items {
        let has = if item.has { "yes" } else { "no " };
        text += &format!("  {has}  {:27} {}\n", item.name, item.what);
        if let Some(broken) = &item.broken {
            text += &format!("  NOT KEPT: tried in a sandbox, and {broken}\n");
        }
    }
    if let Some(error) = &trial.error {
        return text + &format!("sandlock run does not start here: {error}");
    }
    text += if ready {
        "sandlock run enforces everything it promises here."
    } else {
        "sandlock run refuses to start here, unless each missing protection is named with --allow-degraded."
    };
    text
}
