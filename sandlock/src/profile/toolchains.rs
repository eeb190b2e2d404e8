//! Toolchains that a user has installed below the home: what a directory of `PATH` brings along.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use super::home;

/// One kind of installation.
struct Toolchain {
    /// Where it is, below the home, or absolute for a prefix of the machine.
    root: &'static str,
    /// The granted parts, below the home; the whole root if there are none.
    parts: &'static [&'static str],
    /// Variables that name its place, if they are not set, and where that is below the home.
    variables: &'static [(&'static str, &'static str)],
}

const fn whole(root: &'static str, variables: &'static [(&'static str, &'static str)]) -> Toolchain {
    Toolchain { root, parts: &[], variables }
}

const fn parts(
    root: &'static str,
    parts: &'static [&'static str],
    variables: &'static [(&'static str, &'static str)],
) -> Toolchain {
    Toolchain { root, parts, variables }
}

/// The parts of an installation of conda: not its settings, which may name a channel's password.
macro_rules! conda {
    ($root:literal) => {
        &[
            concat!($root, "/bin"),
            concat!($root, "/condabin"),
            concat!($root, "/conda-meta"),
            concat!($root, "/envs"),
            concat!($root, "/etc"),
            concat!($root, "/include"),
            concat!($root, "/lib"),
            concat!($root, "/libexec"),
            concat!($root, "/pkgs"),
            concat!($root, "/share"),
            concat!($root, "/ssl"),
        ]
    };
}

/// The first row whose root has the directory is its. A whole root has nothing secret in it.
const TOOLCHAINS: &[Toolchain] = &[
    // Without credentials.toml.
    parts(
        ".cargo",
        &[".cargo/bin", ".cargo/config.toml", ".cargo/config", ".cargo/registry", ".cargo/git", ".rustup"],
        &[("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")],
    ),
    whole(".rustup", &[("RUSTUP_HOME", ".rustup")]),
    whole(".nvm", &[("NVM_DIR", ".nvm")]),
    whole(".fnm", &[("FNM_DIR", ".fnm")]),
    whole(".local/share/fnm", &[("FNM_DIR", ".local/share/fnm")]),
    whole(".volta", &[("VOLTA_HOME", ".volta")]),
    whole(".nodenv", &[("NODENV_ROOT", ".nodenv")]),
    whole(".n", &[("N_PREFIX", ".n")]),
    parts(".npm-global", &[".npm-global/bin", ".npm-global/lib"], &[]),
    parts(".npm-packages", &[".npm-packages/bin", ".npm-packages/lib"], &[]),
    whole(".local/share/pnpm", &[("PNPM_HOME", ".local/share/pnpm")]),
    parts(".yarn", &[".yarn/bin", ".yarn/lib"], &[]),
    whole(".config/yarn/global", &[]),
    parts(".bun", &[".bun/bin", ".bun/install/global"], &[("BUN_INSTALL", ".bun")]),
    parts(".deno", &[".deno/bin"], &[("DENO_INSTALL", ".deno")]),
    whole(".pyenv", &[("PYENV_ROOT", ".pyenv")]),
    parts(".local/share/uv", &[".local/share/uv/python", ".local/share/uv/tools"], &[]),
    whole(".local/share/pipx", &[]),
    whole(".local/pipx", &[]),
    whole(".local/share/virtualenvs", &[]),
    whole(".poetry", &[]),
    parts(".rye", &[".rye/py", ".rye/shims", ".rye/tools", ".rye/toolchains", ".rye/self"], &[]),
    parts(".pixi", &[".pixi/bin", ".pixi/envs"], &[]),
    parts("miniconda3", conda!("miniconda3"), &[]),
    parts("miniforge3", conda!("miniforge3"), &[]),
    parts("mambaforge", conda!("mambaforge"), &[]),
    parts("micromamba", conda!("micromamba"), &[("MAMBA_ROOT_PREFIX", "micromamba")]),
    parts("anaconda3", conda!("anaconda3"), &[]),
    whole(".rbenv", &[("RBENV_ROOT", ".rbenv")]),
    whole(".rvm", &[]),
    parts(".gem", &[".gem/ruby", ".gem/bin", ".gem/gems", ".gem/specifications", ".gem/extensions"], &[]),
    // Without credentials.
    parts(".local/share/gem", &[".local/share/gem/ruby"], &[]),
    whole(".asdf", &[("ASDF_DIR", ".asdf"), ("ASDF_DATA_DIR", ".asdf")]),
    parts(
        ".local/share/mise",
        &[".local/share/mise", ".tool-versions"],
        &[("MISE_DATA_DIR", ".local/share/mise")],
    ),
    whole(".proto", &[("PROTO_HOME", ".proto")]),
    whole(".sdkman", &[("SDKMAN_DIR", ".sdkman")]),
    whole(".jenv", &[("JENV_ROOT", ".jenv")]),
    whole(".jbang", &[]),
    whole(".juliaup", &[]),
    parts("go", &["go/bin"], &[]),
    whole(".goenv", &[("GOENV_ROOT", ".goenv")]),
    whole(".gvm", &[("GVM_ROOT", ".gvm")]),
    parts(
        ".dotnet",
        &[
            ".dotnet/dotnet",
            ".dotnet/host",
            ".dotnet/packs",
            ".dotnet/sdk",
            ".dotnet/shared",
            ".dotnet/tools",
        ],
        &[("DOTNET_ROOT", ".dotnet")],
    ),
    whole(".ghcup", &[]),
    parts(".cabal", &[".cabal/bin"], &[]),
    whole(".elan", &[("ELAN_HOME", ".elan")]),
    whole(".opam", &[("OPAMROOT", ".opam")]),
    whole(".swiftly", &[]),
    whole(".plenv", &[("PLENV_ROOT", ".plenv")]),
    whole("perl5", &[]),
    whole(".phpenv", &[("PHPENV_ROOT", ".phpenv")]),
    parts(".composer", &[".composer/vendor"], &[]),
    parts(".config/composer", &[".config/composer/vendor"], &[]),
    parts(".luarocks", &[".luarocks/bin", ".luarocks/lib", ".luarocks/share"], &[]),
    parts(".nimble", &[".nimble/bin", ".nimble/pkgs", ".nimble/pkgs2"], &[]),
    whole(".krew", &[]),
    whole(".linuxbrew", &[]),
    whole(".local/state/nix", &[]),
    // Programs that a user has put there, and where pip, pipx and uv have put what they import and link to.
    parts(
        ".local",
        &[
            ".local/bin",
            ".local/lib",
            ".local/libexec",
            ".local/include",
            ".local/pipx",
            ".local/share/pipx",
            ".local/share/uv/python",
            ".local/share/uv/tools",
        ],
        &[],
    ),
    whole("/home/linuxbrew/.linuxbrew", &[]),
    whole("/nix/var/nix/profiles", &[]),
    whole("/snap", &[]),
    whole("/var/lib/snapd/snap", &[]),
    whole("/var/lib/flatpak", &[]),
];

/// Python's name for the place where pip installs for a user: `.local` of the home, unless it is set.
pub(super) const USER_BASE: &str = "PYTHONUSERBASE";

/// Interpreters that a directory may only have a link to: an environment of Python's, for one.
const INTERPRETERS: &[&str] = &["python3", "python", "node", "ruby"];

/// What directories of programs bring along.
#[derive(Debug, Default)]
pub(super) struct Brought {
    /// Paths granted for reading and executing. None of them may be reached by a link.
    pub(super) paths: BTreeSet<PathBuf>,
    /// Variables, if they are not set.
    pub(super) variables: Vec<(&'static str, OsString)>,
    /// The roots that were found already.
    roots: Vec<&'static str>,
}

impl Brought {
    /// A directory with programs, as `PATH` has it, and the toolchains that it or its interpreters are links
    /// to. Any user who may write there chooses where a link leads, so a target in no row is not followed.
    pub(super) fn add(&mut self, dir: &Path, home: &Path) {
        if self.row(dir, home) {
            return;
        }
        self.paths.extend(prefix(dir, home));
        let places = INTERPRETERS.iter().map(|name| dir.join(name)).filter_map(|path| program(&path));
        let places = places.filter_map(|path| Some(path.parent()?.to_owned()));
        for place in dir.canonicalize().into_iter().chain(places).filter(|place| place != dir) {
            self.row(&place, home);
        }
    }

    /// The file of the command itself: where it is, and where it really is. `home`: `/`, for one that a link
    /// of root's below `/usr` leads to.
    pub(super) fn add_command(&mut self, path: &Path, home: &Path) {
        let Some(real) = program(path) else { return };
        let (dir, real_dir) = (path.parent(), real.parent());
        let is_in_row = real_dir.is_some_and(|dir| self.row(dir, home));
        if let Some(dir) = dir.filter(|dir| !is_in_row && is_bin(dir) && Some(*dir) == real_dir) {
            self.paths.extend(prefix(dir, home));
        }
    }

    /// Adds the row of a directory, if there is one.
    fn row(&mut self, dir: &Path, home: &Path) -> bool {
        let below = dir.strip_prefix(home).ok();
        let is_at = |toolchain: &&Toolchain| match toolchain.root.starts_with('/') {
            true => dir.starts_with(toolchain.root),
            false => below.is_some_and(|below| below.starts_with(toolchain.root)),
        };
        let Some(Toolchain { root, parts, variables }) = TOOLCHAINS.iter().find(is_at) else { return false };
        // Often a root has more than one directory in PATH.
        if self.roots.contains(root) {
            return true;
        }
        self.roots.push(root);
        let is_gems = root.ends_with("gem");
        let root = [*root];
        let parts = if parts.is_empty() { root.as_slice() } else { parts };
        self.paths.extend(parts.iter().map(|part| home.join(part)).filter(|path| !has_token(path)));
        let variables = variables.iter().map(|(name, path)| (*name, home.join(path)));
        let variables = variables.filter(|(_, path)| path.exists());
        self.variables.extend(variables.map(|(name, path)| (name, path.into_os_string())));
        if root == [".local"] && has_packages(home) {
            self.variables.push((USER_BASE, home.join(".local").into_os_string()));
        }
        // A gem's program looks for its gem by `GEM_PATH`, which has the usual places after a last colon.
        if let Some(gems) = dir.parent().filter(|dir| is_gems && dir.join("specifications").is_dir()) {
            let mut path = gems.as_os_str().to_owned();
            path.push(":");
            self.variables.push(("GEM_PATH", path));
        }
        true
    }
}

/// Whether pip has installed packages for the user, as `pip install --user` does.
fn has_packages(home: &Path) -> bool {
    let entries = home.join(".local/lib").read_dir().into_iter().flatten().flatten();
    entries.map(|entry| entry.path().join("site-packages")).any(|packages| packages.is_dir())
}

/// The real path of a program.
fn program(path: &Path) -> Option<PathBuf> {
    let file = path.metadata().ok()?;
    (file.is_file() && file.permissions().mode() & 0o111 != 0).then(|| path.canonicalize().ok())?
}

/// Whether a file of settings has a password in it, as cargo's could before `credentials.toml`.
fn has_token(path: &Path) -> bool {
    let is_settings = path.extension().is_some_and(|name| name == "toml") || path.ends_with("config");
    is_settings
        && path.exists()
        && home::text(path).is_none_or(|text| {
            let text = text.to_ascii_lowercase();
            ["token", "password", "secret"].iter().any(|word| text.contains(word))
        })
}

fn is_bin(dir: &Path) -> bool {
    ["bin", "sbin", "Scripts"].iter().any(|name| dir.ends_with(name))
}

/// What a directory of programs below the home belongs to: `PREFIX` of `PREFIX/bin` if that is how programs
/// are installed, else the directory alone.
fn prefix(dir: &Path, home: &Path) -> Option<PathBuf> {
    let below = dir.strip_prefix(home).ok()?;
    if below.as_os_str().is_empty() || below.components().any(|part| part == Component::ParentDir) {
        return None;
    }
    let parent = dir.parent().filter(|parent| is_bin(dir) && *parent != home);
    let whole = parent.filter(|prefix| {
        let has = |name: &&str| prefix.join(name).symlink_metadata().is_ok_and(|file| file.is_dir());
        let is_installed = ["lib", "lib64", "libexec", "share"].iter().any(has);
        // A repository or a home has more than programs; an environment of Python's has a file that marks it.
        (is_installed && !has(&".git") && !has(&".ssh")) || prefix.join("pyvenv.cfg").is_file()
    });
    Some(whole.unwrap_or(dir).to_owned())
}

/// Whether a variable of the caller's names a place below the home that a program would write to.
pub(super) fn is_cache(name: &std::ffi::OsStr, value: &std::ffi::OsStr, home: &Path) -> bool {
    home::CACHES.iter().any(|cache| name == *cache) && Path::new(value).starts_with(home)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_brings_its_toolchain_and_nothing_secret() {
        let home = Path::new("/nonexistent/u");
        for (dir, want) in [
            (".cargo/bin", &[".cargo/bin", ".cargo/config", ".rustup"][..]),
            (".nvm/versions/node/v22/bin", &[".nvm"]),
            (".local/bin", &[".local/bin", ".local/lib"]),
            (".local/share/pnpm", &[".local/share/pnpm"]),
            (".local/share/uv/python/x/bin", &[".local/share/uv/python"]),
            ("bin", &["bin"]),
            ("opt/node/bin", &["opt/node/bin"]),
            ("tools", &["tools"]),
            (".secret/bin", &[".secret/bin"]),
        ] {
            let mut brought = Brought::default();
            brought.add(&home.join(dir), home);
            for part in want {
                assert!(brought.paths.contains(&home.join(part)), "{dir}: {brought:?}");
            }
            for part in
                ["", ".cargo", ".local", ".cargo/credentials.toml", ".secret", ".ssh", ".local/share/uv"]
            {
                assert!(!brought.paths.contains(&home.join(part)), "{dir}: {brought:?}");
            }
        }
        for dir in ["/usr/bin", "/nonexistent/u", "/nonexistent/other/bin", "/nonexistent/u/x/../.ssh"] {
            let mut brought = Brought::default();
            brought.add(Path::new(dir), home);
            assert!(brought.paths.is_empty(), "{dir}: {brought:?}");
        }
    }
}
