//! What the running kernel lacks, whichever it is: `run` refuses it by name, and goes without only what was
//! agreed to.

#![cfg(feature = "cli")]

mod common;

use common::{Dir, agreed, built, run};
use sandlock::Abi;

#[test]
fn what_this_kernel_lacks_is_refused_unless_it_is_agreed_to() {
    let dir = Dir::new();
    let bare = |flags: &[&str]| {
        run(dir.command(built("sandlock")).arg("run").args(flags).args(["-w", ".", "--", "touch", "made"]))
    };
    let agreed = agreed();
    let flags: Vec<&str> = agreed.split_whitespace().collect();
    let made = || dir.join("made").exists();
    if Abi::current().is_err() {
        // Not even what one agrees to makes up for it.
        for flags in [&[][..], &flags] {
            let ran = bare(flags);
            assert!(ran.code == 125 && ran.err.contains("this kernel has no Landlock"), "{ran:?}");
            assert!(!made());
        }
        return;
    }
    if flags.is_empty() {
        bare(&[]).ok();
        return assert!(made());
    }
    let ran = bare(&[]);
    assert!(ran.code == 125 && ran.err.contains(agreed.trim()) && !made(), "{ran:?}");
    // All but the last.
    let ran = bare(flags.get(..flags.len().saturating_sub(2)).unwrap());
    assert!(ran.code == 125 && ran.err.contains(flags.last().unwrap()) && !made(), "{ran:?}");
    let ran = bare(&flags);
    assert!(ran.code == 0 && made(), "{ran:?}");
    // Not through `run`, which leaves that out.
    let mut told = dir.command(built("sandlock"));
    let told = told.arg("run").args(&flags).args(["--", "true"]).output().expect("it runs").stderr;
    let told = String::from_utf8_lossy(&told).into_owned();
    for name in flags.iter().filter(|word| !word.starts_with("--")) {
        assert!(told.contains(&format!("sandlock: {name} (")), "{name} is not told: {told}");
    }
}

#[test]
fn check_says_what_run_does() {
    let dir = Dir::new();
    let ready = run(dir.command(built("sandlock")).arg("check")).code == 0;
    let runs = run(dir.command(built("sandlock")).args(["run", "--", "true"])).code == 0;
    assert_eq!(ready, runs);
}
