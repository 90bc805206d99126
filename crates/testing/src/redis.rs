//! A Redis of one's own: the real server, which Debian has as `redis-server`.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running server without persistence; killed when dropped.
pub struct Redis {
    addr: SocketAddr,
    child: Child,
    _directory: TempDir,
}

impl Redis {
    /// Starts one on a free port.
    pub fn start(options: &[&str]) -> io::Result<Self> {
        Self::start_at(free_address()?, options)
    }

    /// Starts one at this address of the loopback interface, with these arguments besides. It answers when this returns.
    pub fn start_at(addr: SocketAddr, options: &[&str]) -> io::Result<Self> {
        let directory = tempfile::tempdir()?;
        let (bind, port) = (addr.ip().to_string(), addr.port().to_string());
        let child = Command::new("redis-server")
            .args(["--bind", &bind, "--port", &port, "--save", "", "--loglevel", "warning"])
            .args(options)
            .current_dir(directory.path())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| {
                let message =
                    format!("redis-server (Debian: apt-get install redis-server): {error}");
                io::Error::new(error.kind(), message)
            })?;
        let mut redis = Self { addr, child, _directory: directory };
        let until = Instant::now() + PATIENCE;
        while redis.ask(&["PING"]).is_err() {
            if Instant::now() > until || redis.child.try_wait()?.is_some() {
                let message = format!("redis-server {options:?} does not answer at {addr}");
                return Err(io::Error::new(io::ErrorKind::TimedOut, message));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(redis)
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its address as a client is given it.
    pub fn url(&self) -> String {
        format!("redis://{}", self.addr)
    }

    /// Sends one command and gives the answer as it comes over the wire, at most 64 KiB of it.
    pub fn ask(&self, command: &[&str]) -> io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect_timeout(&self.addr, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut question = format!("*{}\r\n", command.len()).into_bytes();
        for part in command {
            question.extend(format!("${}\r\n{part}\r\n", part.len()).into_bytes());
        }
        stream.write_all(&question)?;
        let mut answer = vec![0; 64 * 1024];
        let size = stream.read(&mut answer)?;
        answer.truncate(size);
        if answer.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(answer) }
    }

    /// Ends it as `kill -9` does.
    pub fn kill(mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It may have been killed before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address of the loopback interface at which nobody listens now.
pub fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}
