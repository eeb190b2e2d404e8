//! Several sandboxes in one event loop of poll(2): each child is a descriptor that hangs up when its sandbox
//! is empty.
//!
//! `cargo run --example poll`

use core::error::Error;
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, poll};
use sandlock::{Child, Policy, Stdio};

fn main() -> Result<(), Box<dyn Error>> {
    let mut children: Vec<Child> = Vec::new();
    for seconds in ["0.3", "0.1", "0.2"] {
        let plan = Arc::new(Policy::base().plan(["sleep", seconds])?);
        children.push(plan.spawn([Stdio::Null, Stdio::Inherit, Stdio::Inherit])?);
    }
    while !children.is_empty() {
        let mut rows: Vec<PollFd<'_>> =
            children.iter().map(|child| PollFd::new(child, PollFlags::IN)).collect();
        poll(&mut rows, None)?;
        let mut running = Vec::new();
        for mut child in children {
            match child.try_wait()? {
                Some(ended) => println!("{} ended: {:?}", child.id(), ended.outcome),
                None => running.push(child),
            }
        }
        children = running;
    }
    Ok(())
}
