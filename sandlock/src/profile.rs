//! The base profile on this machine: what a policy that starts from it grants, and the environment.

use std::borrow::Cow;
use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use sandlock_landlock::{Abi, AccessFs, PROTECTIONS};
use sandlock_notify::handlers::netlink::NUMBERS;
use sandlock_sys::fs::{self, Mode, OFlags, Resolve};
use sandlock_sys::process::{self, PidfdFlags};
use sandlock_sys::{AsFd, BorrowedFd, Errno, OwnedFd, net};

use crate::error::{Error, Step};
use crate::plan::{Extra, Ground, Place, Plan, Private, find, real, set};
use crate::policy::{Home, Policy, Source};
use toolchains::Brought;

mod base;
mod cgroup;
mod environment;
mod home;
mod names;
mod project;
mod toolchains;

impl Policy {
    /// Opens, checks and prepares everything for `command`: its name or path, then its arguments.
    ///
    /// # Errors
    ///
    /// Whatever keeps the command from starting, named.
    pub fn plan<S: AsRef<OsStr>>(&self, command: impl IntoIterator<Item = S>) -> Result<Plan, Error> {
        let command: Vec<OsString> = command.into_iter().map(|word| word.as_ref().to_owned()).collect();
        // Before anything of ours is open.
        let mut extra = Extra { kept_fds: self.kept_fds()?, ..Extra::default() };
        let ground = Ground::of(self)?;
        if self.streams {
            no_datagrams(ground.abi)?;
        }
        let is_shared = |path: &PathBuf| path.starts_with("/dev/shm");
        if self.shm && self.read.iter().chain(&self.write).any(is_shared) {
            extra
                .warnings
                .push("--shm gives nothing beside a grant of /dev/shm, which is every program's".into());
        }
        (extra.egress, extra.servers) = names::of(self);
        extra.env = environment::of(self, &mut extra.notes)?;
        if let Some(cwd) = &self.cwd {
            let cwd = Place::open_dir(cwd)?;
            set(&mut extra.env, "PWD".into(), cwd.real.clone().into());
            extra.cwd = Some(cwd);
        }
        if self.base {
            self.at_work(&command, &mut extra)?;
        }
        Plan::new(ground, self, extra, &command)
    }

    /// The descriptors that are kept, as duplicates: by the launch another file may have the number.
    fn kept_fds(&self) -> Result<Vec<(i32, OwnedFd)>, Error> {
        if self.kept_fds.is_empty() {
            return Ok(Vec::new());
        }
        let own = process::pidfd_open(process::getpid(), PidfdFlags::empty());
        let own = own.map_err(|errno| Error::Step(Step::Pidfd, errno))?;
        let duplicate = |number: &i32| {
            let refuse = |why| Error::Value(Source::KeepFd, number.to_string().into(), why);
            if NUMBERS.contains(number) {
                return Err(refuse("the numbers from 960 to 1023 are for emulated sockets"));
            }
            let file = process::pidfd_getfd(&own, *number);
            Ok((*number, file.map_err(|_| refuse("no descriptor of this number is open"))?))
        };
        self.kept_fds.iter().map(duplicate).collect()
    }

    /// Adds what the base profile has on this machine.
    fn at_work(&self, command: &[OsString], extra: &mut Extra) -> Result<(), Error> {
        extra.names =
            base::grants(self.keep_caps).map(|(path, rights)| (Cow::Borrowed(path), rights)).collect();
        extra.command = true;
        extra.streams = self.streams;
        let home = home::home();
        let here = match &extra.cwd {
            Some(cwd) => cwd.again().ok(),
            // A directory that was removed, or that is not to be searched, is no error.
            None => Place::open_dir(Path::new(".")).ok(),
        };
        // A link that is not root's may be a command's of an earlier run.
        let is_chosen = |here: &Place| {
            let cwd = self.cwd.as_deref().filter(|_| here.is_linked);
            cwd.is_none_or(|cwd| roots_links(cwd).is_some_and(|real| real == here.real))
        };
        match here.map(
            |here| if is_chosen(&here) { project::of(here, home.as_deref()) } else { Err(linked(&here)) },
        ) {
            Some(Ok(places)) => {
                extra.places.extend(places.into_iter().map(|place| (Source::Cwd, AccessFs::READ, place)));
            }
            Some(Err(note)) => extra.warnings.push(note),
            None => {}
        }
        let limits = cgroup::limits(&cgroup::own()).into_iter();
        extra.names.extend(limits.map(|path| (Cow::Owned(path), AccessFs::READ_FILE)));
        if let Some(home) = &home {
            self.toolchains(command, home, extra);
        }
        self.private(home.as_deref(), extra)
    }

    /// Grants the toolchains of `PATH` and of the command itself.
    fn toolchains(&self, command: &[OsString], home: &Path, extra: &mut Extra) {
        let value = |name: &str| extra.env.iter().find(|(known, _)| known == name).map(|(_, value)| value);
        let mut brought = Brought::default();
        for dir in std::env::split_paths(value("PATH").map_or(OsStr::new(""), |path| path.as_os_str())) {
            if dir.is_absolute() && !is_system(&dir) {
                brought.add(&dir, home);
            }
        }
        if let Some(dir) = value("VIRTUAL_ENV").map(|dir| Path::new(dir).join("bin")) {
            brought.add(&dir, home);
        }
        let at = extra.cwd.as_ref().map(|cwd| cwd.real.as_path());
        if let Some(path) = command.first().and_then(|name| find(name, &extra.env, extra.at()).ok()) {
            let path = Path::new(OsStr::from_bytes(path.0.to_bytes()));
            let path = at.map_or_else(|| std::path::absolute(path).unwrap_or_default(), |at| at.join(path));
            if !is_system(&path) {
                brought.add_command(&path, home);
            } else if let Some(real) = roots_links(&path).filter(|real| !is_system(real)) {
                brought.add_command(&real, Path::new("/"));
            }
        }
        for path in brought.paths {
            // A user who was to write here only may have chosen the target of a link.
            let place = Place::open(Source::Toolchain, &path).ok().filter(|place| place.real == path);
            if let Some(place) = place.filter(|place| !home.starts_with(&place.real)) {
                extra.places.push((Source::Toolchain, AccessFs::READ, place));
            }
        }
        for (name, value) in brought.variables {
            let is_read_only = match name {
                // What cargo downloads has to go where it may write.
                "CARGO_HOME" => self.connect.iter().next().is_none(),
                // A home that stays has packages of its own.
                toolchains::USER_BASE => self.home == Home::Private,
                _ => true,
            };
            if is_read_only && !extra.env.iter().any(|(known, _)| known == name) {
                set(&mut extra.env, name.into(), value);
            }
        }
    }

    /// Whether a file is below what the policy names.
    fn grants(&self, file: &Path) -> bool {
        let rules = self.read.iter().chain(&self.write);
        file.exists() && rules.filter_map(|rule| real(rule)).any(|rule| file.starts_with(rule))
    }

    /// The private directory, and the home.
    fn private(&self, home: Option<&Path>, extra: &mut Extra) -> Result<(), Error> {
        let named = |name: &str| self.env.iter().any(|(known, _)| known == name);
        // Absolute, for the command may start elsewhere; an empty TMPDIR is none.
        let parent = std::path::absolute(std::env::temp_dir()).unwrap_or_else(|_| "/tmp".into());
        let mut private = Private { parent, variables: Vec::new(), files: Vec::new() };
        let mut constants: Vec<(&str, OsString)> = Vec::new();
        let config = extra.env.iter().find(|(name, _)| name == "XDG_CONFIG_HOME").map(|(_, path)| path);
        let files =
            home.map_or_else(Vec::new, |home| home::git_configs(home, config.map(OsString::as_os_str)));
        let granted = files.iter().rfind(|file| self.grants(file)).cloned();
        let identity = if granted.is_none() { home::git_identity(&files) } else { None };
        match &self.home {
            // Git asks access(2) first, which Landlock does not see, and gives up when the open then fails.
            Home::Keep if granted.is_none() && files.iter().any(|file| file.exists()) => {
                constants.push((home::GIT_CONFIG_GLOBAL, "/dev/null".into()));
            }
            Home::Keep => {}
            Home::Private => {
                private.variables.extend(home::HOMES);
                constants.extend(granted.map(|file| (home::GIT_CONFIG_GLOBAL, file.into())));
                private.files.extend(identity.map(|text| (home::GIT_CONFIG, text)));
            }
            Home::At(path) => {
                let place = home_at(path)?;
                for (name, below) in home::HOMES.iter().filter(|(name, _)| !named(name)) {
                    set(&mut extra.env, (*name).into(), place.real.join(below).into());
                }
                if let Some(text) = identity {
                    // One that is there is the home's own.
                    let flags = OFlags::CREAT | OFlags::EXCL | OFlags::WRONLY;
                    let mode = Mode::from_bits_retain(0o600);
                    let file =
                        fs::openat2(place.fd.as_fd(), home::GIT_CONFIG, flags, mode, Resolve::NO_SYMLINKS);
                    let _ = file.and_then(|file| fs::write(file.as_fd(), &text));
                }
                extra.write = Some(place);
            }
        }
        if self.home != Home::Keep {
            private.variables.push(("XDG_RUNTIME_DIR", ""));
            if let Some(home) = home {
                extra.env.retain(|(name, value)| {
                    self.env.iter().any(|(known, _)| known == name)
                        || !toolchains::is_cache(name, value, home)
                });
            }
        }
        private.variables.extend(home::TEMPORARY);
        let has = |name: &&str| extra.env.iter().any(|(known, _)| known == *name);
        private
            .variables
            .extend(home::ALSO_TEMPORARY.into_iter().filter(|name| has(name)).map(|name| (name, "")));
        private.variables.retain(|(name, _)| !named(name));
        for (name, value) in constants {
            if !extra.env.iter().any(|(known, _)| known == name) {
                set(&mut extra.env, name.into(), value);
            }
        }
        extra.private = Some(private);
        Ok(())
    }
}

fn linked(here: &Place) -> String {
    let real = here.real.display();
    format!(
        "--cwd leads through a symbolic link that is not root's, to {real}, which is not readable by default; name it itself, or with -r"
    )
}

/// A unix datagram socket that the command is born with could send to any name, which Landlock sees from
/// ABI 9 on.
fn no_datagrams(abi: Abi) -> Result<(), Error> {
    let is_seen = PROTECTIONS.iter().any(|protection| protection.name == "unix-path" && abi.has(protection));
    let option = |file, name| net::option(file, libc::SOL_SOCKET, name);
    for (file, name) in
        [(BorrowedFd::STDIN, "stdin"), (BorrowedFd::STDOUT, "stdout"), (BorrowedFd::STDERR, "stderr")]
    {
        let is_unix = option(file, libc::SO_DOMAIN) == Ok(libc::AF_UNIX);
        if !is_seen && is_unix && option(file, libc::SO_TYPE) == Ok(libc::SOCK_DGRAM) {
            let hint =
                "this is a unix datagram socket, by which the command could send to any name; redirect it";
            return Err(Error::Value(Source::Command, name.into(), hint));
        }
    }
    Ok(())
}

/// Whether it is granted already.
fn is_system(path: &Path) -> bool {
    ["/usr", "/bin", "/sbin", "/opt"].iter().any(|top| path.starts_with(top))
}

/// The path that a name leads to, if no link on the way is another user's than root's.
fn roots_links(path: &Path) -> Option<PathBuf> {
    let (real, links) = Place::follow(path);
    links.iter().all(|(_, owner)| *owner == 0).then_some(real)
}

/// A home that stays. Neither it nor a directory on the way may be a link that a command of an earlier run
/// could have made; it itself is made if it is not there.
fn home_at(path: &Path) -> Result<Place, Error> {
    let because = |errno| Error::Path(Source::Home, path.into(), errno);
    let hint = "a symbolic link that is not root's is on the way; name the directory itself";
    let linked = || Error::Value(Source::Home, path.into(), hint);
    let open = |path: &Path| match Place::open(Source::Home, path)? {
        place if place.is_linked => Err(linked()),
        place if place.is_directory() => Ok(place),
        _ => Err(because(Errno::ENOTDIR)),
    };
    let real = roots_links(path).ok_or_else(linked)?;
    match open(&real) {
        Err(Error::Path(_, _, Errno::ENOENT)) => {}
        opened => return opened,
    }
    let (parent, name) = real.parent().zip(real.file_name()).ok_or_else(|| because(Errno::ENOENT))?;
    let name = CString::new(name.as_bytes()).map_err(|_| because(Errno::EINVAL))?;
    fs::mkdirat(open(parent)?.fd.as_fd(), &name, Mode::RWXU).map_err(because)?;
    open(&real)
}
