//! The origin double as a process of its own, which can be killed: `origin [ADDR]` says where it listens and serves
//! until it ends.

use std::future::pending;
use std::io::{self, Write as _};

use sekisho_testing::origin::{Origin, OriginOptions};
use sekisho_testing::server::Listen;

#[tokio::main]
async fn main() -> io::Result<()> {
    let mut listen = Listen::default();
    if let Some(addr) = std::env::args().nth(1) {
        listen = listen.on(addr.parse().map_err(io::Error::other)?);
    }
    let origin = Origin::start(OriginOptions::from(listen)).await?;
    writeln!(io::stdout(), "{}", origin.url())?;
    pending().await
}
