//! A sandbox in tokio: its output is read, and its end awaited, by the runtime's own loop; a timer of the
//! caller's kills it.
//!
//! `cargo run --example tokio`

use core::error::Error;
use core::time::Duration;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use sandlock::{Child, Ended, Policy, Stdio};
use tokio::io::AsyncReadExt;
use tokio::net::{UnixStream, unix::pipe::Receiver};

/// Waits for the end of a child without blocking the thread.
async fn wait(mut child: Child) -> Result<Ended, Box<dyn Error>> {
    // The descriptor is a socket that never has data, and hangs up.
    let end = UnixStream::from_std(child.as_fd().try_clone_to_owned()?.into())?;
    end.readable().await?;
    Ok(child.wait()?)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let plan =
        Arc::new(Policy::base().plan(["sh", "-c", "for i in 1 2 3; do echo line $i; sleep 0.1; done"])?);
    let mut child = plan.spawn([Stdio::Null, Stdio::Piped, Stdio::Inherit])?;
    let stdout = child.stdout.take().ok_or("it was asked for")?;
    let mut output = Receiver::from_owned_fd(OwnedFd::from(stdout))?;
    let mut text = String::new();
    let limit = Duration::from_secs(10);
    tokio::time::timeout(limit, output.read_to_string(&mut text)).await??;
    let ended = tokio::time::timeout(limit, wait(child)).await??;
    print!("{text}");
    println!("{:?}", ended.outcome);
    Ok(())
}
