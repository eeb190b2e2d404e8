//! The environment of a command: which of the caller's variables are kept, and which are withheld.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use crate::error::Error;
use crate::plan::{Environment, set};
use crate::policy::{Policy, Source};

/// What a clean environment keeps: where programs are, who the user is, how the terminal and the language
/// work.
const KEPT: &[&str] = &["PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "LANG", "TZ"];

/// Names of secrets, in part or whole.
const SECRETS: &[&str] = &[
    "ACCESS_KEY",
    "APIKEY",
    "API_KEY",
    "AUTH_KEY",
    "CREDENTIAL",
    "ENCRYPTION_KEY",
    "PASSPHRASE",
    "PASSWD",
    "PASSWORD",
    "PRIVATE_KEY",
    "SECRET",
    "SERVICE_KEY",
    "SIGNING_KEY",
];
/// Words that make a name one of a secret's: between underscores, or at an end.
const SECRET_WORDS: &[&str] = &[
    "AUTH",
    "AUTHORIZATION",
    "BEARER",
    "COOKIE",
    "COOKIES",
    "CRED",
    "CREDS",
    "DSN",
    "JWT",
    "KEY",
    "KEYS",
    "MNEMONIC",
    "PASS",
    "PAT",
    "PSK",
    "PW",
    "PWD",
    "SAS",
    "TOKEN",
    "TOKENS",
    "WEBHOOK",
];
/// Ends of a word that do the same.
const SECRET_ENDS: &[&str] = &[
    "ACCESSKEY",
    "ACCOUNTKEY",
    "AUTHKEY",
    "MASTERKEY",
    "PASSWORD",
    "PRIVATEKEY",
    "PWD",
    "SECRETKEY",
    "TOKEN",
];
/// Names that have such a word and are none.
const NOT_SECRET: &[&str] = &["PWD", "OLDPWD", "GPG_KEY", "LESSKEY"];
/// What a value starts with that is a token of a service, whatever its name, and what it has in it.
const TOKENS: &[&str] =
    &["ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "npm_", "pypi-", "sk-", "xoxb-", "xoxp-", "AKIA"];
const IN_VALUES: &[&str] = &["password=", "pwd=", "passwd=", "secret=", "access_token=", "hooks.slack.com"];
/// Other names: of sockets that act for the user, and of strings to connect with.
const OTHERS: &[&str] = &[
    "CONNECTION_STRING",
    "DBUS_SESSION_BUS_ADDRESS",
    "DOCKER_AUTH_CONFIG",
    "GPG_AGENT_INFO",
    "KUBECONFIG",
    "NETRC",
    "NPM_CONFIG__AUTH",
    "SSHPASS",
    "SSH_AGENT_PID",
    "SSH_AUTH_SOCK",
    "npm_config__auth",
];

/// Variables that name descriptors, which the command does not have unless they are kept.
const DESCRIPTORS: &[&str] = &[
    "NODE_CHANNEL_FD",
    "NODE_CHANNEL_SERIALIZATION_MODE",
    "LISTEN_FDS",
    "LISTEN_FDNAMES",
    "LISTEN_PID",
    "LISTEN_PIDFDID",
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
    "JOURNAL_STREAM",
];
/// Variables in which make(1) describes its jobserver.
const MAKE: &[&str] = &["MAKEFLAGS", "MFLAGS", "CARGO_MAKEFLAGS"];

/// The variables, in the order they came; a later one of the same name replaces an earlier one. Withheld ones
/// are noted.
pub(super) fn of(policy: &Policy, notes: &mut Vec<String>) -> Result<Environment, Error> {
    let named = |name: &OsStr| policy.env.iter().any(|(known, _)| known == name);
    let mut withheld = Vec::new();
    let mut env = Environment::new();
    for (name, mut value) in std::env::vars_os() {
        let is_kept = KEPT.iter().any(|kept| name == *kept) || name.as_bytes().starts_with(b"LC_");
        if !named(&name) {
            if (policy.clean_env && !is_kept) || (policy.kept_fds.is_empty() && is_of_descriptors(&name)) {
                continue;
            }
            if is_secret(&name, &value) {
                withheld.push(name.to_string_lossy().into_owned());
                continue;
            }
        }
        if policy.kept_fds.is_empty() && MAKE.iter().any(|make| name == *make) {
            value = without_jobserver(&value);
        }
        env.push((name, value));
    }
    for (name, value) in &policy.env {
        if name.is_empty() || name.as_bytes().contains(&b'=') {
            let hint = "a variable is given as NAME=VALUE, or as NAME to pass the caller's on";
            return Err(Error::Value(Source::Env, name.clone(), hint));
        }
        if let Some(value) = value {
            set(&mut env, name.clone(), value.clone());
        }
    }
    if !withheld.is_empty() {
        let names = withheld.join(", ");
        notes.push(format!("withheld from the environment, as secrets: {names}; --env NAME passes one"));
    }
    Ok(env)
}

fn is_of_descriptors(name: &OsStr) -> bool {
    DESCRIPTORS.iter().any(|known| name == *known)
}

/// Whether a variable is a secret, by its name, or because it has a password in a URL.
fn is_secret(name: &OsStr, value: &OsStr) -> bool {
    if OTHERS.iter().any(|other| name == *other) || is_secret_value(value.as_bytes()) {
        return true;
    }
    let Some(name) = name.to_str().map(str::to_ascii_uppercase) else { return false };
    let has_word = || name.split('_').any(|word| SECRET_WORDS.contains(&word));
    !NOT_SECRET.contains(&name.as_str())
        && (SECRETS.iter().any(|part| name.contains(part))
            || has_word()
            || SECRET_ENDS.iter().any(|end| name.ends_with(end)))
}

fn is_secret_value(value: &[u8]) -> bool {
    let has = |part: &&str| value.windows(part.len()).any(|at| at.eq_ignore_ascii_case(part.as_bytes()));
    TOKENS.iter().any(|token| value.starts_with(token.as_bytes()))
        || IN_VALUES.iter().any(has)
        || has_password(value)
}

/// Whether there is `scheme://user:password@`, or a token in the place of a user.
fn has_password(value: &[u8]) -> bool {
    let mut rest = value;
    while let Some(at) = rest.windows(3).position(|three| three == b"://") {
        rest = rest.get(at.saturating_add(3)..).unwrap_or_default();
        let authority = rest.split(|byte| b"/?# \t\n".contains(byte)).next().unwrap_or_default();
        let user = authority.rsplitn(2, |byte| *byte == b'@').nth(1);
        let Some(user) = user else { continue };
        let password = user.split(|byte| *byte == b':').nth(1).unwrap_or_default();
        if !password.is_empty() || TOKENS.iter().any(|token| user.starts_with(token.as_bytes())) {
            return true;
        }
    }
    false
}

/// The flags of make(1) without where its jobserver is.
fn without_jobserver(flags: &OsStr) -> OsString {
    let words = flags.as_bytes().split(|byte| *byte == b' ');
    let words: Vec<&[u8]> = words.filter(|word| !word.starts_with(b"--jobserver-")).collect();
    OsString::from_vec(words.join(&b' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_name_and_by_value() {
        for name in [
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "GITHUB_TOKEN",
            "GH_TOKEN",
            "NPM_TOKEN",
            "OPENAI_API_KEY",
            "PGPASSWORD",
            "MYSQL_PWD",
            "SSH_AUTH_SOCK",
            "SENTRY_DSN",
            "AZURE_CLIENT_SECRET",
            "GITLAB_PAT",
            "db_password",
            "VAULTTOKEN",
            "DOCKER_PASS",
            "RAILS_MASTER_KEY",
            "TS_AUTHKEY",
            "COMPOSER_AUTH",
            "LDAP_BIND_PW",
        ] {
            assert!(is_secret(name.as_ref(), "x".as_ref()), "{name}");
        }
        for name in
            ["PATH", "PWD", "OLDPWD", "TOKENIZERS_PARALLELISM", "KEYBOARD", "PATTERN", "COMPASS", "LESSKEY"]
        {
            assert!(!is_secret(name.as_ref(), "x".as_ref()), "{name}");
        }
        for (value, want) in [
            ("postgres://u:p@h/d", true),
            ("http://h http://u:p@h:80", true),
            ("https://u:@h", false),
            ("https://u@h:80/a:b@c", false),
            ("https://ghp_x@github.com/a", true),
            ("Server=h;Password=p", true),
            ("sk-abc", true),
            ("://", false),
        ] {
            assert_eq!(is_secret("X".as_ref(), value.as_ref()), want, "{value}");
        }
    }

    #[test]
    fn a_jobserver_is_not_named() {
        for (flags, want) in [
            (" -j4 --jobserver-auth=3,4", " -j4"),
            ("k -j --jobserver-auth=fifo:/tmp/x -- A=1", "k -j -- A=1"),
            ("--jobserver-fds=3,4 -j", "-j"),
            ("", ""),
        ] {
            assert_eq!(without_jobserver(flags.as_ref()), want, "{flags}");
        }
    }

    #[test]
    fn an_environment_has_no_name_twice() {
        let mut policy = Policy::none();
        policy.env("HOME", "/a").env("HOME", "/b").env("NEW", "x");
        let env = of(&policy, &mut Vec::new()).unwrap();
        let homes: Vec<_> = env.iter().filter(|(name, _)| name == "HOME").collect();
        assert_eq!(homes, [&("HOME".into(), "/b".into())]);
        for bad in ["", "A=B"] {
            let mut policy = Policy::none();
            policy.env(bad, "x");
            assert!(of(&policy, &mut Vec::new()).is_err());
        }
    }
}
