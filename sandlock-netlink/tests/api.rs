//! What others can use: each public item of the sources, one a line, as a file that is reviewed.
//!
//! A public item that cannot be reached is a lint, so the sources list all. `BLESS=1` rewrites the file.
#![cfg(not(miri))]
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::Path;

const GOLDEN: &str = "tests/golden/api.txt";

/// The public items of a file: from `pub` up to the body, in one line each.
fn items(name: &str, text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]").next().unwrap();
    let lines: Vec<_> = code.lines().map(str::trim).filter(|line| !line.starts_with("//")).collect();
    let starts =
        lines.iter().enumerate().filter(|(_, line)| line.starts_with("pub ") && !line.starts_with("pub mod"));
    starts
        .map(|(at, _)| {
            let mut item = String::new();
            for line in lines.iter().skip(at) {
                item.push_str(line);
                if line.ends_with(['{', ';', ',']) && item.matches('(').count() == item.matches(')').count() {
                    break;
                }
                item.push(' ');
            }
            let item = item.trim_end_matches(['{', ';', ',', ' ']);
            format!("{name}: {}", item.trim_start_matches("pub "))
        })
        .collect()
}

fn collect(folder: &Path, api: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, api);
        } else if path.file_name().unwrap() != "constants.rs" {
            let name = path.strip_prefix("src").unwrap().with_extension("").display().to_string();
            api.extend(items(&name, &fs::read_to_string(&path).unwrap()));
        }
    }
}

#[test]
fn the_public_items_are_those_that_were_reviewed() {
    let mut api = Vec::new();
    collect(Path::new("src"), &mut api);
    api.sort();
    let api = api.join("\n") + "\n";
    if std::env::var_os("BLESS").is_some() {
        fs::create_dir_all("tests/golden").unwrap();
        fs::write(GOLDEN, &api).unwrap();
    }
    let golden = fs::read_to_string(GOLDEN).unwrap();
    for line in api.lines().filter(|line| !golden.lines().any(|golden| golden == *line)) {
        println!("new: {line}");
    }
    for line in golden.lines().filter(|line| !api.lines().any(|api| api == *line)) {
        println!("gone: {line}");
    }
    assert!(api == golden, "review it, and set BLESS=1");
}
