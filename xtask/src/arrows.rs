//! The arrows: what each crate may depend on.

use serde_json::Value;

/// Each crate of the workspace and its run-time dependencies, but `xtask`'s, on which nothing depends.
const ARROWS: &[(&str, &[&str])] = &[
    ("sandlock-sys", &["bitflags", "libc", "zerocopy"]),
    ("sandlock-bpf", &["bitflags", "libc", "sandlock-sys", "zerocopy"]),
    ("sandlock-landlock", &["bitflags", "libc", "sandlock-sys", "zerocopy"]),
    // Without libc, for it builds on any host.
    ("sandlock-netlink", &["bitflags", "zerocopy"]),
    ("sandlock-notify", &["bitflags", "libc", "sandlock-netlink", "sandlock-sys", "zerocopy"]),
    (
        "sandlock",
        &[
            "bitflags",
            "libc",
            "sandlock-bpf",
            "sandlock-landlock",
            "sandlock-netlink",
            "sandlock-notify",
            "sandlock-sys",
            "zerocopy",
        ],
    ),
];

/// The crate whose features may bring other crates.
const WITH_FEATURES: &str = "sandlock";

/// The forbidden dependencies in the output of `cargo metadata`.
pub(crate) fn faults(metadata: &str) -> Result<Vec<String>, String> {
    let metadata: Value = serde_json::from_str(metadata).map_err(|e| format!("cargo metadata: {e}"))?;
    let packages = list(&metadata, "packages").filter(|package| text(package, "name") != "xtask");
    Ok(packages.flat_map(of_package).collect())
}

/// Each crate and its dependencies at run time, those of features in brackets.
pub(crate) fn dependencies(metadata: &str) -> Result<Vec<(String, Vec<String>)>, String> {
    let metadata: Value = serde_json::from_str(metadata).map_err(|e| format!("cargo metadata: {e}"))?;
    let crates = list(&metadata, "packages").map(|package| {
        let found = list(package, "dependencies").filter(|dependency| text(dependency, "kind") != "dev");
        let names = found.map(|dependency| match dependency.get("optional") {
            Some(&Value::Bool(true)) => format!("[{}]", text(dependency, "name")),
            _ => text(dependency, "name").to_owned(),
        });
        (text(package, "name").to_owned(), names.collect())
    });
    Ok(crates.collect())
}

fn of_package(package: &Value) -> Vec<String> {
    let name = text(package, "name");
    let Some((_, allowed)) = ARROWS.iter().find(|(known, _)| *known == name) else {
        return vec![format!("{name}: a crate without a row in xtask/src/arrows.rs")];
    };
    list(package, "dependencies")
        // Oracles, of tests only, may be anything.
        .filter(|dependency| text(dependency, "kind") != "dev")
        .filter(|dependency| name != WITH_FEATURES || dependency.get("optional") != Some(&Value::Bool(true)))
        .map(|dependency| text(dependency, "name"))
        .filter(|dependency| !allowed.contains(dependency))
        .map(|dependency| format!("{name}: must not depend on {dependency}"))
        .collect()
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// The text under `key`, empty if there is none (the kind of a run-time dependency is null).
fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(package: &str, dependencies: &str) -> Vec<String> {
        faults(&format!(r#"{{"packages":[{{"name":"{package}","dependencies":[{dependencies}]}}]}}"#))
            .unwrap()
    }

    #[test]
    fn an_arrow_that_does_not_point_down_is_found() {
        let on = |name: &str| format!(r#"{{"name":"{name}","kind":null,"optional":false}}"#);
        assert_eq!(found("sandlock-bpf", &on("sandlock-sys")), [""; 0]);
        for (package, dependency) in [
            ("sandlock-sys", "sandlock-bpf"),
            ("sandlock-bpf", "sandlock-landlock"),
            ("sandlock-netlink", "libc"),
            ("sandlock-notify", "sandlock"),
            ("sandlock-notify", "tokio"),
            ("sandlock", "clap"),
            ("sandlock", "xtask"),
        ] {
            let want = format!("{package}: must not depend on {dependency}");
            assert_eq!(found(package, &on(dependency)), [want]);
        }
    }

    #[test]
    fn features_belong_to_the_top_crate_and_oracles_to_tests() {
        let optional = r#"{"name":"clap","kind":null,"optional":true}"#;
        assert_eq!(found("sandlock", optional), [""; 0]);
        assert_eq!(found("sandlock-bpf", optional), ["sandlock-bpf: must not depend on clap"]);
        let build = r#"{"name":"cc","kind":"build","optional":false}"#;
        assert_eq!(found("sandlock-sys", build), ["sandlock-sys: must not depend on cc"]);
        let dev = r#"{"name":"proptest","kind":"dev","optional":false}"#;
        assert_eq!(found("sandlock-bpf", dev), [""; 0]);
        assert_eq!(
            found("sandlock-extra", ""),
            ["sandlock-extra: a crate without a row in xtask/src/arrows.rs"]
        );
    }
}
