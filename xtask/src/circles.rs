//! Circles of imports: modules of one crate that name each other, directly or through others.

use std::{collections::BTreeMap, path::Path};

use crate::source::{Import, Source};

/// The path of a module below the root of its crate, which is empty.
type Module = Vec<String>;

/// The names in one module.
#[derive(Debug, Default)]
struct Names {
    /// Paths from the root of the crate.
    used: Vec<Module>,
    /// Imported names, and the path of each from the root of the crate.
    aliases: BTreeMap<String, Module>,
}

/// The modules of a crate, except for those of tests.
#[derive(Debug, Default)]
pub(crate) struct Modules(BTreeMap<Module, Names>);

impl Modules {
    /// Adds a file, by its path below `src`. The roots of a library and of a program count as one.
    pub(crate) fn add(&mut self, path: &Path, source: &Source<'_>) {
        let module = module_of(path);
        let children = source.declared_modules();
        let names = self.0.entry(module.clone()).or_default();
        for Import { path, alias, is_public } in source.imports() {
            let Some(path) = from_root(&module, &children, &path) else { continue };
            // A name that is only passed on is not used here.
            if !is_public {
                names.used.push(path.clone());
            }
            names.aliases.extend(alias.map(|alias| (alias, path)));
        }
        let paths = source.paths();
        names.used.extend(paths.iter().filter_map(|path| from_root(&module, &children, path)));
    }

    /// A circle through each module that is in one, except for the modules of the circles before it.
    pub(crate) fn faults(&self) -> Vec<String> {
        let arrows: BTreeMap<_, _> = self.0.keys().map(|module| (module, self.arrows(module))).collect();
        let mut found = Vec::<Vec<&Module>>::new();
        for module in self.0.keys() {
            if !found.iter().flatten().any(|known| *known == module) {
                found.extend(way(&arrows, module, module));
            }
        }
        let name = |module: &&Module| if module.is_empty() { "the root".into() } else { module.join("::") };
        let circles = found.iter().map(|way| way.iter().map(name).collect::<Vec<_>>().join(" -> "));
        circles.map(|circle| format!("modules in a circle: {circle}")).collect()
    }

    /// The other modules whose items a module names.
    fn arrows(&self, module: &Module) -> Vec<&Module> {
        let used = self.0.get(module).map(|names| names.used.as_slice()).unwrap_or_default();
        let mut owners: Vec<_> = used.iter().filter_map(|path| self.owner(path, 0)).collect();
        owners.sort();
        owners.dedup();
        owners.retain(|owner| *owner != module);
        owners
    }

    /// The module that an item belongs to: the one that defines it, or that passes it on with others by `*`.
    fn owner(&self, path: &[String], depth: usize) -> Option<&Module> {
        let (mut module, mut names) = self.0.get_key_value(&Module::new())?;
        for (at, name) in path.iter().enumerate() {
            let below: Module = path.iter().take(at.saturating_add(1)).cloned().collect();
            if let Some((child, inner)) = self.0.get_key_value(&below) {
                (module, names) = (child, inner);
                continue;
            }
            if let Some(target) = names.aliases.get(name).filter(|_| depth < DEEPEST) {
                let rest = path.iter().skip(at.saturating_add(1));
                let target: Module = target.iter().chain(rest).cloned().collect();
                return self.owner(&target, depth.saturating_add(1));
            }
            break;
        }
        Some(module)
    }
}

/// The most aliases of aliases that are followed.
const DEEPEST: usize = 8;

fn module_of(path: &Path) -> Module {
    let mut module: Module =
        path.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let is_folder = module.last().is_some_and(|last| last == "mod");
    let is_root = module.len() == 1 && module.iter().any(|name| name == "lib" || name == "main");
    if is_folder || is_root {
        module.pop();
    }
    module
}

/// A path as it is written in a module, from the root of the crate. `None`: it begins in another crate, or
/// with an imported name.
fn from_root(module: &[String], children: &[String], path: &[String]) -> Option<Module> {
    let (first, mut rest) = path.split_first()?;
    let mut from = module.to_vec();
    match first.as_str() {
        "crate" => from.clear(),
        "self" => {}
        "super" => {
            from.pop()?;
            while let Some(("super", after)) = rest.split_first().map(|(next, after)| (next.as_str(), after))
            {
                from.pop()?;
                rest = after;
            }
        }
        _ if children.contains(first) => rest = path,
        _ => return None,
    }
    from.extend_from_slice(rest);
    Some(from)
}

/// The shortest way from one module to another, or back to itself.
fn way<'a>(
    arrows: &BTreeMap<&'a Module, Vec<&'a Module>>,
    start: &'a Module,
    end: &Module,
) -> Option<Vec<&'a Module>> {
    let mut ways = vec![vec![start]];
    let mut seen = Vec::new();
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            for next in way.last().and_then(|last| arrows.get(*last)).into_iter().flatten() {
                let way: Vec<_> = way.iter().copied().chain([*next]).collect();
                if *next == end {
                    return Some(way);
                }
                if !seen.contains(next) {
                    seen.push(*next);
                    longer.push(way);
                }
            }
        }
        ways = longer;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circles(files: &[(&str, &str)]) -> Vec<String> {
        let mut modules = Modules::default();
        for (path, text) in files {
            modules.add(Path::new(path), &Source::new(text));
        }
        modules.faults()
    }

    #[test]
    fn modules_that_name_each_other_are_a_circle() {
        let files = [
            ("lib.rs", "mod a;\nmod b;\npub use a::A;\npub use b::B;\n"),
            ("a.rs", "use crate::B;\n"),
            ("b.rs", "fn f() { crate::a::g() }\n"),
        ];
        assert_eq!(circles(&files), ["modules in a circle: a -> b -> a"]);
        assert_eq!(circles(&[files[0], files[1], ("b.rs", "")]), [""; 0]);
    }

    #[test]
    fn a_folder_is_below_its_module_or_above_it_but_not_both() {
        let uses = ("a.rs", "mod b;\nfn f() { b::g() }\npub(crate) struct S;\n");
        let passes_on = ("a.rs", "mod b;\nmod c;\npub(crate) use self::c::S;\n");
        for child in ["use super::S;\n", "use crate::{\n    a::S,\n};\n", "use super::{S as T};\n"] {
            assert_eq!(
                circles(&[("lib.rs", "mod a;\n"), uses, ("a/b.rs", child)]),
                ["modules in a circle: a -> a::b -> a"]
            );
            let files = [("lib.rs", "mod a;\n"), passes_on, ("a/b.rs", child), ("a/c/mod.rs", "")];
            assert_eq!(circles(&files), [""; 0], "{child}");
        }
    }

    #[test]
    fn tests_and_other_crates_do_not_count() {
        let files = [
            ("lib.rs", "mod a;\n"),
            ("a.rs", "mod b;\nuse b::x;\n"),
            ("a/b.rs", "use other::a;\nuse core::a;\n#[cfg(test)]\nmod tests {\n    use crate::a::S;\n}\n"),
        ];
        assert_eq!(circles(&files), [""; 0]);
    }
}
