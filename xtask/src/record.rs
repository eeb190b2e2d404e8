//! `record`: the answers of the running kernel that the responder's are compared with, into the fixture of
//! sandlock-netlink.

use std::process::ExitCode;

use crate::{
    Outcome,
    command::{cargo, run as execute},
};

pub(crate) fn run(args: &[String]) -> Outcome {
    if !args.is_empty() {
        return Err("record takes no arguments".into());
    }
    let mut test = cargo(&["test", "--quiet", "-p", "sandlock-netlink", "--test", "live_kernel"]);
    let test =
        test.args(["the_recorded_answers_are_the_kernels", "--", "--nocapture"]).env("NETLINK_RECORD", "1");
    execute(test)?;
    Ok(ExitCode::SUCCESS)
}
