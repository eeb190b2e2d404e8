//! The limits that the command's own control groups set (cgroups(7)): run-times size themselves by them.

use std::ffi::CString;
use std::fs;
use std::path::{Path, PathBuf};

/// Where control groups are, of version 2 and below it those of version 1.
const ROOT: &str = "/sys/fs/cgroup";
/// The limits in a group of version 2 that run-times ask for.
const LIMITS: &[&str] = &["memory.max", "cpu.max"];
/// The hierarchies of version 1, and the limits in a group of each.
const HIERARCHIES: &[(&str, &[&str])] =
    &[("memory", &["memory.limit_in_bytes"]), ("cpu", &["cpu.cfs_quota_us", "cpu.cfs_period_us"])];

/// The files of the caller's own groups and of those above, by the text of `/proc/self/cgroup`. Groups beside
/// them, which name other programs of the machine, are not among them.
pub(super) fn limits(text: &str) -> Vec<CString> {
    let mut files = Vec::new();
    for line in text.lines() {
        // NUMBER:HIERARCHIES:PATH
        let mut fields = line.splitn(3, ':');
        let (Some(number), Some(names), Some(path)) = (fields.next(), fields.next(), fields.next()) else {
            continue;
        };
        if path.split('/').any(|part| part == "..") {
            continue;
        }
        if number == "0" {
            add(&mut files, Path::new(ROOT), path, LIMITS);
        }
        for (name, limits) in HIERARCHIES.iter().filter(|(name, _)| names.split(',').any(|one| one == *name))
        {
            add(&mut files, &Path::new(ROOT).join(name), path, limits);
        }
    }
    files
        .into_iter()
        .filter_map(|file| CString::new(file.into_os_string().into_encoded_bytes()).ok())
        .collect()
}

/// The limits in each group from the root of a hierarchy down to `path`.
fn add(files: &mut Vec<PathBuf>, root: &Path, path: &str, limits: &[&str]) {
    let mut group = root.to_owned();
    let parts = path.split('/').filter(|part| !part.is_empty());
    for part in core::iter::once("").chain(parts) {
        if !part.is_empty() {
            group.push(part);
        }
        files.extend(limits.iter().map(|limit| group.join(limit)));
    }
}

/// The text of `/proc/self/cgroup`, which is empty where there are no control groups.
pub(super) fn own() -> String {
    fs::read_to_string("/proc/self/cgroup").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_groups_and_those_above_are_named_and_no_other() {
        let text = "4:memory:/a/b\n3:cpuset:/\n2:name=systemd:/x\n1:cpu,cpuacct:/../y\n0::/u/v\nbad\n";
        let files = limits(text);
        for file in
            ["memory/memory.limit_in_bytes", "memory/a/b/memory.limit_in_bytes", "memory.max", "u/v/cpu.max"]
        {
            let file = CString::new(format!("{ROOT}/{file}")).unwrap();
            assert!(files.contains(&file), "{file:?}: {files:?}");
        }
        assert_eq!(files.len(), 3 + 3 * LIMITS.len());
        assert!(limits("").is_empty());
    }
}
